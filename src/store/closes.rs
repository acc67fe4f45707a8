//! The closed months: what each close froze, and the totals it gave.

use super::{Archive, FrozenTerms};
use crate::digest::Hash;
use crate::error::Result;
use crate::run::Instant;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension, Row, params};

/// A month that was closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The close's number.
    pub close_id: i64,
    /// What it froze.
    pub frozen: Frozen,
}

/// Everything that the reports of a closed month depend on, and their totals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// The month: `2026-01`.
    pub period: String,
    /// The close that this one replaces. `None`: it is the first of its month.
    pub restates: Option<i64>,
    /// When the month was closed.
    pub closed_at: Instant,
    /// The moment of knowledge: the month is reported as known at this instant.
    pub known_at: Instant,
    /// The IANA time zone of the month.
    pub zone: String,
    /// The first instant of the month.
    pub starts_at: Instant,
    /// The first instant after the month.
    pub ends_at: Instant,
    /// The instant that books a run: `started`, `ended` or `created`.
    pub date_basis: String,
    /// The allocation rules, as JSON.
    pub allocation: String,
    /// The objections to the close, as a JSON array of sentences. `None`: there were none.
    pub objections: Option<String>,
    /// The totals of the month.
    pub totals: CloseTotals,
    /// The layout of the rows that `totals` hashes.
    pub row_layout: RowLayout,
    /// The terms of the month. `None`: it was closed before version 6 of the schema, which froze none.
    pub terms: Option<FrozenTerms>,
    /// Who closed the month. `None`: not given.
    pub closed_by: Option<String>,
    /// A remark. `None`: not given.
    pub note: Option<String>,
}

/// The totals of a month, with the hash of its rows and the names of its pipelines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseTotals {
    /// The runs booked in the month.
    pub runs: u64,
    /// The runs without a known cost among them.
    pub runs_cost_unknown: u64,
    /// The sum of the known costs of extraction and loading, in nano-dollars. `None`: no run has one.
    pub el_cost_nanos: Option<i64>,
    /// The sum of the known costs of transformation, in nano-dollars. `None`: no run has one.
    pub transformation_cost_nanos: Option<i64>,
    /// The sum of both, in nano-dollars. `None`: no run has a known cost.
    pub total_cost_nanos: Option<i64>,
    /// The runs that were charged a credit.
    pub credits: u64,
    /// The SHA-256 of the month's rows as `runledger export costs --period` writes them.
    pub rows_sha256: Hash,
    /// The names of the pipelines: a JSON array of objects with `kind`, `pipeline_id` and `name`, in this order.
    pub names: String,
}

/// The columns of the rows that a close hashed. A closed month is exported and checked in the layout of its close.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RowLayout {
    /// The cost center's column is called `centre`: closes before version 3 of the schema.
    Centre,
    /// The cost center's column is called `cost_center`.
    #[default]
    CostCenter,
}

impl RowLayout {
    /// The name of the cost center's column.
    pub fn cost_center_column(self) -> &'static str {
        match self {
            RowLayout::Centre => "centre",
            RowLayout::CostCenter => "cost_center",
        }
    }

    /// The layout's number in the archive.
    fn number(self) -> i64 {
        match self {
            RowLayout::Centre => 1,
            RowLayout::CostCenter => 2,
        }
    }
}

impl ToSql for RowLayout {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.number().into())
    }
}

impl FromSql for RowLayout {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<RowLayout> {
        let number = value.as_i64()?;
        let layouts = [RowLayout::Centre, RowLayout::CostCenter];
        layouts.into_iter().find(|layout| layout.number() == number).ok_or(FromSqlError::OutOfRange(number))
    }
}

const COLUMNS: &str = "period, restates, closed_at, known_at, zone, starts_at, ends_at, date_basis, allocation, names, \
                       objections, runs, runs_cost_unknown, el_cost_nanos, transformation_cost_nanos, \
                       total_cost_nanos, credits, rows_sha256, row_layout, terms, terms_sha256, closed_by, note";

impl Archive {
    /// The latest close of a month. `None`: the month is not closed.
    ///
    /// # Errors
    /// [`crate::error::Error::Archive`] when a newer version closed it and froze terms of an unknown layout. Those of
    /// SQLite.
    pub fn close_of(&self, period: &str) -> Result<Option<Close>> {
        let sql = format!(
            "SELECT close_id, {COLUMNS} FROM period_closes WHERE period = ?1 ORDER BY close_id DESC LIMIT 1"
        );
        let close = self.connection.query_row(&sql, [period], close).optional()?;
        close.map(|close| self.with_known_terms(close)).transpose()
    }

    /// Every close, by month, then in the order in which they were made.
    ///
    /// # Errors
    /// As [`Archive::close_of`].
    pub fn closes(&self) -> Result<Vec<Close>> {
        let sql = format!("SELECT close_id, {COLUMNS} FROM period_closes ORDER BY period, close_id");
        let mut statement = self.connection.prepare(&sql)?;
        let closes = statement.query_map([], close)?;
        closes.map(|close| self.with_known_terms(close?)).collect()
    }

    fn with_known_terms(&self, close: Close) -> Result<Close> {
        if let Some(terms) = &close.frozen.terms {
            terms.require_known_layout(self.path(), &close.frozen.period)?;
        }
        Ok(close)
    }

    /// Inserts a close and returns its number.
    ///
    /// # Errors
    /// Those of SQLite; also when another program closed the month meanwhile.
    pub fn insert_close(&self, frozen: &Frozen) -> Result<i64> {
        self.verify_in_place()?;
        let sql = format!(
            "INSERT INTO period_closes ({COLUMNS}, program_version) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
             ?22, ?23, ?24)"
        );
        self.connection.execute(
            &sql,
            params![
                frozen.period,
                frozen.restates,
                frozen.closed_at,
                frozen.known_at,
                frozen.zone,
                frozen.starts_at,
                frozen.ends_at,
                frozen.date_basis,
                frozen.allocation,
                frozen.totals.names,
                frozen.objections,
                frozen.totals.runs,
                frozen.totals.runs_cost_unknown,
                frozen.totals.el_cost_nanos,
                frozen.totals.transformation_cost_nanos,
                frozen.totals.total_cost_nanos,
                frozen.totals.credits,
                frozen.totals.rows_sha256,
                frozen.row_layout,
                frozen.terms.as_ref().map(|terms| &terms.json),
                frozen.terms.as_ref().map(|terms| terms.sha256),
                frozen.closed_by,
                frozen.note,
                env!("CARGO_PKG_VERSION"),
            ],
        )?;
        Ok(self.connection.last_insert_rowid())
    }
}

fn close(row: &Row<'_>) -> rusqlite::Result<Close> {
    let (json, sha256): (Option<String>, Option<Hash>) = (row.get(20)?, row.get(21)?);
    // A text without its hash is damage, which the check reports.
    let terms = json.map(|json| FrozenTerms { json, sha256: sha256.unwrap_or_default() });
    Ok(Close {
        close_id: row.get(0)?,
        frozen: Frozen {
            period: row.get(1)?,
            restates: row.get(2)?,
            closed_at: row.get(3)?,
            known_at: row.get(4)?,
            zone: row.get(5)?,
            starts_at: row.get(6)?,
            ends_at: row.get(7)?,
            date_basis: row.get(8)?,
            allocation: row.get(9)?,
            objections: row.get(11)?,
            totals: CloseTotals {
                runs: row.get(12)?,
                runs_cost_unknown: row.get(13)?,
                el_cost_nanos: row.get(14)?,
                transformation_cost_nanos: row.get(15)?,
                total_cost_nanos: row.get(16)?,
                credits: row.get(17)?,
                rows_sha256: row.get(18)?,
                names: row.get(10)?,
            },
            row_layout: row.get(19)?,
            terms,
            closed_by: row.get(22)?,
            note: row.get(23)?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Ledger, Scope, rows};

    fn frozen(period: &str, row_layout: RowLayout) -> Frozen {
        let at = |text| Instant::parse(text).unwrap();
        Frozen {
            period: period.to_owned(),
            restates: None,
            closed_at: at("2026-03-01T00:00:00Z"),
            known_at: at("2026-03-01T00:00:00Z"),
            zone: "UTC".to_owned(),
            starts_at: at("2026-01-01T00:00:00Z"),
            ends_at: at("2026-02-01T00:00:00Z"),
            date_basis: "started".to_owned(),
            allocation: "[]".to_owned(),
            objections: None,
            totals: CloseTotals {
                runs: 0,
                runs_cost_unknown: 0,
                el_cost_nanos: None,
                transformation_cost_nanos: None,
                total_cost_nanos: None,
                credits: 0,
                rows_sha256: [0; 32],
                names: "[]".to_owned(),
            },
            row_layout,
            terms: None,
            closed_by: None,
            note: None,
        }
    }

    #[test]
    fn a_closed_month_keeps_the_row_layout_of_its_close() {
        let archive = Archive::temporary().unwrap();
        for (period, layout, column) in
            [("2026-01", RowLayout::Centre, "centre"), ("2026-02", RowLayout::CostCenter, "cost_center")]
        {
            archive.insert_close(&frozen(period, layout)).unwrap();
            let close = archive.close_of(period).unwrap().unwrap();
            assert_eq!(close.frozen.row_layout, layout);
            let scope = Scope { as_of: None, ..Scope::of_close(&close).unwrap() };
            let ledger = Ledger::open(archive.connection(), scope).unwrap();
            let selection = rows::costs(&ledger).unwrap();
            let columns: Vec<&str> = selection.columns().iter().map(|column| column.name.as_str()).collect();
            assert!(columns.contains(&column), "{period}: {columns:?}");
        }
    }

    #[test]
    fn a_close_made_before_row_layouts_has_the_first() {
        let archive = Archive::temporary().unwrap();
        archive.insert_close(&frozen("2026-01", RowLayout::default())).unwrap();
        let default: i64 = archive
            .connection()
            .query_row(
                "SELECT dflt_value FROM pragma_table_info('period_closes') WHERE name = 'row_layout'",
                [],
                |row| row.get::<_, String>(0).map(|text| text.parse().unwrap()),
            )
            .unwrap();
        assert_eq!(default, RowLayout::Centre.number());
        archive.connection().execute("UPDATE period_closes SET row_layout = 3", []).unwrap();
        assert!(archive.closes().is_err(), "a layout of a later program is refused");
    }

    #[test]
    fn terms_of_a_newer_layout_are_refused_with_advice() {
        let archive = Archive::temporary().unwrap();
        let terms = |json: &str| Some(FrozenTerms::new(json.to_owned()));
        let close =
            |period: &str, json: &str| Frozen { terms: terms(json), ..frozen(period, RowLayout::default()) };
        archive.insert_close(&close("2026-01", "{\"layout\":1}")).unwrap();
        archive.insert_close(&close("2026-02", "{\"layout\":3,\"price_list\":[]}")).unwrap();
        assert!(archive.close_of("2026-01").unwrap().unwrap().frozen.terms.unwrap().is_intact());
        for error in [archive.close_of("2026-02").unwrap_err(), archive.closes().unwrap_err()] {
            assert_eq!(error.exit_code(), 6);
            let text = error.render();
            assert!(
                text.contains("the close of 2026-02 has terms of layout 3")
                    && text.contains("or a newer one"),
                "{text}"
            );
        }
    }
}
