//! Runs with their costs, as the FOCUS export reads them.

use super::allocation::UNALLOCATED;
use super::ledger::Ledger;
use crate::error::{Error, Result};
use crate::run::{Instant, Usd};
use rusqlite::named_params;
use rusqlite::types::{Value, ValueRef};

/// The runs of a period with their costs, ordered by booking instant and id.
const RUN_COSTS: &str = include_str!("rows/run_costs.sql");

/// The condition in [`RUN_COSTS`] that selects the period.
const IN_PERIOD: &str = "WHERE booked_at >= :from AND booked_at < :until";

/// One of the two cost components of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CostComponent {
    /// Extraction and loading.
    El,
    /// Transformation.
    Transformation,
}

impl CostComponent {
    /// Both, in output order.
    pub const ALL: [CostComponent; 2] = [CostComponent::El, CostComponent::Transformation];

    /// The column with the component's cost in US dollars.
    pub fn column(self) -> &'static str {
        match self {
            CostComponent::El => "el_cost_usd",
            CostComponent::Transformation => "transformation_cost_usd",
        }
    }

    /// The component of a column. `None`: the column is not a cost component.
    pub fn of_column(column: &str) -> Option<CostComponent> {
        CostComponent::ALL.into_iter().find(|component| component.column() == column)
    }
}

/// A run with its costs. Texts are borrowed from the row; `None` means not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CostedRun<'r> {
    /// The run's id.
    pub run_id: &'r str,
    /// The instant that assigns the run to a period.
    pub booked_at: Instant,
    /// The run's number within its pipeline.
    pub number: Option<i64>,
    /// `source`, `destination` or `transformation`; `None`: the run has no pipeline, or several.
    pub pipeline_kind: Option<&'r str>,
    /// The pipeline's id or slug, as in the run.
    pub pipeline_id: Option<&'r str>,
    /// The pipeline's name in the catalogue.
    pub pipeline_name: Option<&'r str>,
    /// The current status.
    pub status: Option<&'r str>,
    /// `manual`, `cron` or `event`.
    pub trigger_type: Option<&'r str>,
    /// When the run was created.
    pub created_at: Option<Instant>,
    /// When the run started.
    pub started_at: Option<Instant>,
    /// When the run ended.
    pub ended_at: Option<Instant>,
    /// The duration of the run.
    pub duration_seconds: Option<i64>,
    /// Whether the run was charged a credit, as the API spells it.
    pub credit_charge_status: Option<&'r str>,
    /// The cost of extraction and loading, in nano-dollars.
    pub el_cost_nanos: Option<i64>,
    /// The cost of transformation, in nano-dollars.
    pub transformation_cost_nanos: Option<i64>,
    /// The cost center that the run is allocated to; `None`: unallocated.
    pub cost_center: Option<&'r str>,
}

impl CostedRun<'_> {
    /// The cost of a component.
    pub fn cost(&self, component: CostComponent) -> Option<Usd> {
        let nanos = match component {
            CostComponent::El => self.el_cost_nanos,
            CostComponent::Transformation => self.transformation_cost_nanos,
        };
        nanos.map(|nanos| Usd::from_units(nanos.into()))
    }

    /// Whether neither component's cost is known.
    pub fn cost_is_unknown(&self) -> bool {
        self.el_cost_nanos.is_none() && self.transformation_cost_nanos.is_none()
    }
}

/// Reads the ledger's runs and passes each to `visit` before the next one is read. The first error ends the scan.
///
/// # Errors
/// Those of SQLite and of `visit`; [`Error::Internal`] when a run's booking date is not an instant.
pub fn for_each<E: From<Error>>(
    ledger: &Ledger<'_>,
    mut visit: impl FnMut(CostedRun<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let (from, until) = ledger.scope().span.bounds();
    let mut statement = ledger.connection().prepare(RUN_COSTS).map_err(Error::from)?;
    let mut rows = statement.query(named_params! {":from": from, ":until": until}).map_err(Error::from)?;
    while let Some(row) = rows.next().map_err(Error::from)? {
        visit(read(|column| row.get_ref(column))?)?;
    }
    Ok(())
}

/// A run with its costs that outlives its row.
pub struct KeptRun(Vec<Value>);

impl KeptRun {
    /// The run.
    ///
    /// # Errors
    /// [`Error::Internal`] when its booking date is not an instant.
    pub fn run(&self) -> Result<CostedRun<'_>> {
        read(|column| Ok(ValueRef::from(&self.0[column])))
    }
}

/// One run of the ledger in any period. A run that no longer has a booking date is booked when it was created, or else
/// when it was observed. `None`: the ledger has no such run.
///
/// # Errors
/// Those of SQLite.
pub fn find(ledger: &Ledger<'_>, run_id: &str) -> Result<Option<KeptRun>> {
    let one_run = RUN_COSTS.replace(IN_PERIOD, "WHERE run_id = :run_id").replacen(
        "booked_at",
        "coalesce(booked_at, created_at, observed_at)",
        1,
    );
    let mut statement = ledger.connection().prepare_cached(&one_run)?;
    let columns = statement.column_count();
    let mut rows = statement.query(named_params! {":run_id": run_id})?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let values = (0..columns).map(|column| row.get(column)).collect::<rusqlite::Result<_>>()?;
    Ok(Some(KeptRun(values)))
}

/// Reads a run from the values of the columns of [`RUN_COSTS`].
fn read<'r>(value: impl Fn(usize) -> rusqlite::Result<ValueRef<'r>>) -> Result<CostedRun<'r>> {
    let text = |column: usize| -> Result<Option<&'r str>> {
        Ok(value(column)?.as_str_or_null().map_err(rusqlite::Error::from)?)
    };
    let integer = |column: usize| -> Result<Option<i64>> {
        Ok(value(column)?.as_i64_or_null().map_err(rusqlite::Error::from)?)
    };
    let instant = |column: usize| -> Result<Option<Instant>> { Ok(text(column)?.and_then(Instant::parse)) };
    let run_id = text(0)?.unwrap_or_default();
    let booked_at = instant(1)?
        .ok_or_else(|| Error::Internal(format!("the booking date of run {run_id} is not an instant")))?;
    Ok(CostedRun {
        run_id,
        booked_at,
        number: integer(2)?,
        pipeline_kind: text(3)?,
        pipeline_id: text(4)?,
        pipeline_name: text(5)?,
        status: text(6)?,
        trigger_type: text(7)?,
        created_at: instant(8)?,
        started_at: instant(9)?,
        ended_at: instant(10)?,
        duration_seconds: integer(11)?,
        credit_charge_status: text(12)?,
        el_cost_nanos: integer(13)?,
        transformation_cost_nanos: integer(14)?,
        cost_center: text(15)?.filter(|cost_center| *cost_center != UNALLOCATED),
    })
}
