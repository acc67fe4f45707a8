//! This is a run with what it cost, as exports of charges read it.

use super::allocation::UNALLOCATED;
use super::ledger::Ledger;
use crate::error::{Error, Result};
use crate::run::{Instant, Usd};
use rusqlite::{Row, ToSql, named_params};

/// The runs of a period with their costs, in the order of booking, then of ids.
const COSTED: &str = include_str!("rows/costed.sql");

/// What keeps them to the period.
const WITHIN: &str = "WHERE booked_at >= :from AND booked_at < :until";

/// One of the two costs of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CostComponent {
    /// Extracting and loading.
    El,
    /// Transforming.
    Transformation,
}

impl CostComponent {
    /// Both, in the order that they are told in.
    pub const ALL: [CostComponent; 2] = [CostComponent::El, CostComponent::Transformation];

    /// The column that has it in US dollars.
    pub fn column(self) -> &'static str {
        match self {
            CostComponent::El => "el_cost_usd",
            CostComponent::Transformation => "transformation_cost_usd",
        }
    }

    /// The part that the column has. `None`: it has none.
    pub fn of_column(column: &str) -> Option<CostComponent> {
        CostComponent::ALL.into_iter().find(|part| part.column() == column)
    }
}

/// A run with its costs. Texts are borrowed from the row it was read from; `None` is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CostedRun<'r> {
    /// The run's id.
    pub run_id: &'r str,
    /// The instant that puts it into a period.
    pub booked_at: Instant,
    /// Counts the runs of one pipeline.
    pub number: Option<i64>,
    /// `source`, `destination` or `transformation`; `None`: it has no pipeline, or several.
    pub pipeline_kind: Option<&'r str>,
    /// The pipeline's id or slug, as the run names it.
    pub pipeline_id: Option<&'r str>,
    /// What the catalogue calls the pipeline.
    pub pipeline_name: Option<&'r str>,
    /// How far it has come.
    pub status: Option<&'r str>,
    /// What set it off.
    pub trigger_type: Option<&'r str>,
    /// When it was put on record.
    pub created_at: Option<Instant>,
    /// When it began to work.
    pub started_at: Option<Instant>,
    /// When it ended.
    pub ended_at: Option<Instant>,
    /// How long it worked.
    pub duration_seconds: Option<i64>,
    /// Whether it cost a credit, in the API's words.
    pub credit_charge_status: Option<&'r str>,
    /// What extracting and loading cost, in nano-dollars.
    pub el_cost_nanos: Option<i64>,
    /// What transforming cost, in nano-dollars.
    pub transformation_cost_nanos: Option<i64>,
    /// The cost centre that it is allocated to; `None`: unallocated.
    pub centre: Option<&'r str>,
}

impl CostedRun<'_> {
    /// What that part of the run cost.
    pub fn cost(&self, part: CostComponent) -> Option<Usd> {
        let nanos = match part {
            CostComponent::El => self.el_cost_nanos,
            CostComponent::Transformation => self.transformation_cost_nanos,
        };
        nanos.map(|nanos| Usd::from_units(nanos.into()))
    }

    /// Whether neither part's cost is known.
    pub fn cost_is_unknown(&self) -> bool {
        self.el_cost_nanos.is_none() && self.transformation_cost_nanos.is_none()
    }
}

/// Reads the ledger's runs, each given to `visit` before the next is read; the first error ends it.
///
/// # Errors
/// What SQLite or `visit` says; [`Error::Internal`] when a run is booked at what is no instant.
pub fn for_each<E: From<Error>>(
    ledger: &Ledger<'_>,
    visit: impl FnMut(CostedRun<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let (from, until) = ledger.scope().span.bounds();
    read_all(ledger, COSTED, named_params! {":from": from, ":until": until}, visit)
}

/// Reads one run of the ledger, wherever it is booked; it is given to `visit` if it is there. One that is booked
/// nowhere any more is told by its creation, or by the time at which it was seen.
///
/// # Errors
/// As [`for_each`].
pub fn of_id<E: From<Error>>(
    ledger: &Ledger<'_>,
    run_id: &str,
    visit: impl FnMut(CostedRun<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let of_id = COSTED.replace(WITHIN, "WHERE run_id = :run_id").replacen(
        "booked_at",
        "coalesce(booked_at, created_at, observed_at)",
        1,
    );
    read_all(ledger, &of_id, named_params! {":run_id": run_id}, visit)
}

fn read_all<E: From<Error>>(
    ledger: &Ledger<'_>,
    sql: &str,
    parameters: &[(&str, &dyn ToSql)],
    mut visit: impl FnMut(CostedRun<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut statement = ledger.connection().prepare(sql).map_err(Error::from)?;
    let mut rows = statement.query(parameters).map_err(Error::from)?;
    while let Some(row) = rows.next().map_err(Error::from)? {
        visit(read(row)?)?;
    }
    Ok(())
}

fn read<'r>(row: &'r Row<'_>) -> Result<CostedRun<'r>> {
    let text = |column: usize| -> Result<Option<&'r str>> {
        Ok(row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)?)
    };
    let instant = |column: usize| -> Result<Option<Instant>> { Ok(text(column)?.and_then(Instant::parse)) };
    let run_id = text(0)?.unwrap_or_default();
    let booked_at = instant(1)?
        .ok_or_else(|| Error::Internal(format!("the run {run_id} is booked at what is no instant")))?;
    Ok(CostedRun {
        run_id,
        booked_at,
        number: row.get(2)?,
        pipeline_kind: text(3)?,
        pipeline_id: text(4)?,
        pipeline_name: text(5)?,
        status: text(6)?,
        trigger_type: text(7)?,
        created_at: instant(8)?,
        started_at: instant(9)?,
        ended_at: instant(10)?,
        duration_seconds: row.get(11)?,
        credit_charge_status: text(12)?,
        el_cost_nanos: row.get(13)?,
        transformation_cost_nanos: row.get(14)?,
        centre: text(15)?.filter(|centre| *centre != UNALLOCATED),
    })
}
