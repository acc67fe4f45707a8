//! This is the row: how a run lies in the columns of `run_snapshots`, both ways.

use crate::run::json::Entries;
use crate::run::{ChargeStatus, Cost, FieldSet, Instant, Run, Status};
use crate::snapshot::Snapshot;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Row, Statement};
use uuid::Uuid;

impl ToSql for Instant {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.as_bytes())))
    }
}

impl FromSql for Instant {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Instant> {
        Instant::parse(value.as_str()?).ok_or(FromSqlError::InvalidType)
    }
}

/// A run's id as the archive writes it: lower case, with hyphens.
pub(super) struct RunId([u8; uuid::fmt::Hyphenated::LENGTH]);

impl RunId {
    pub(super) fn of(id: Uuid) -> RunId {
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        id.hyphenated().encode_lower(&mut text);
        RunId(text)
    }
}

impl ToSql for RunId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(&self.0)))
    }
}

/// The columns that [`run_from_row`] reads, in its order, for a SELECT.
pub const RUN_COLUMNS: &str = "run_id, number, created_at, updated_at, started_at, ended_at, duration_seconds, status, \
     \"trigger\", full_sync, extra_config, credit_charge_status, el_cost_usd, el_cost_nanos, el_cost_metadata, \
     transformation_cost_usd, transformation_cost_nanos, transformation_cost_metadata, triggered_by, \
     triggered_by_token, source, destination, transformation, absent, unmapped";

/// Adds one snapshot, unless the run has a current one; [`bind_snapshot`] gives the values.
pub(super) const INSERT: &str = "INSERT INTO run_snapshots (run_id, number, created_at, updated_at, started_at, \
     ended_at, duration_seconds, status, \"trigger\", full_sync, extra_config, credit_charge_status, el_cost_usd, \
     el_cost_nanos, el_cost_metadata, transformation_cost_usd, transformation_cost_nanos, \
     transformation_cost_metadata, triggered_by, triggered_by_token, source, destination, transformation, absent, \
     unmapped, trigger_type, content_hash, observed_at, sync_id) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, \
     ?23, ?24, ?25, ?26, ?27, ?28, ?29) \
     ON CONFLICT (run_id, coalesce(superseded_at, '')) DO NOTHING";

/// Binds every value of [`INSERT`].
pub(super) fn bind_snapshot(
    statement: &mut Statement<'_>,
    snapshot: &Snapshot,
    observed_at: Instant,
    sync_id: i64,
) -> rusqlite::Result<()> {
    let run = &snapshot.run;
    let absent = run.absent.to_json();
    let values: [&dyn ToSql; 29] = [
        &RunId::of(run.id),
        &run.number,
        &run.created_at,
        &run.updated_at,
        &run.started_at,
        &run.ended_at,
        &run.duration_seconds,
        &run.status.as_ref().map(Status::as_str),
        &run.trigger,
        &run.full_sync,
        &run.extra_config,
        &run.credit_charge_status.as_ref().map(ChargeStatus::as_str),
        &run.el_cost_usd.map(|cost| cost.usd),
        &run.el_cost_usd.map(|cost| cost.nanos),
        &run.el_cost_metadata,
        &run.transformation_cost_usd.map(|cost| cost.usd),
        &run.transformation_cost_usd.map(|cost| cost.nanos),
        &run.transformation_cost_metadata,
        &run.triggered_by,
        &run.triggered_by_token,
        &run.source,
        &run.destination,
        &run.transformation,
        &absent,
        &run.unmapped,
        &snapshot.trigger_type.as_ref().map(|word| word.as_str()),
        &snapshot.content_hash,
        &observed_at,
        &sync_id,
    ];
    for (place, value) in values.into_iter().enumerate() {
        statement.raw_bind_parameter(place + 1, value)?;
    }
    Ok(())
}

/// The run in a row of [`RUN_COLUMNS`], which begin at column `first`.
///
/// # Errors
/// Whatever rusqlite says of a column that is not as the archive writes it.
pub fn run_from_row(row: &Row<'_>, first: usize) -> rusqlite::Result<Run> {
    let unfit = |column: usize| {
        rusqlite::Error::FromSqlConversionFailure(
            first + column,
            rusqlite::types::Type::Text,
            "it is not as the archive writes it".into(),
        )
    };
    let word = |column: usize| row.get::<_, Option<String>>(first + column);
    let cost = |column: usize| -> rusqlite::Result<Option<Cost>> {
        let (usd, nanos): (Option<f64>, Option<i64>) =
            (row.get(first + column)?, row.get(first + column + 1)?);
        Ok(usd.zip(nanos).map(|(usd, nanos)| Cost { usd, nanos }))
    };
    let id: String = row.get(first)?;
    let absent = match word(23)? {
        Some(names) => FieldSet::from_json(&names).ok_or_else(|| unfit(23))?,
        None => FieldSet::default(),
    };
    let unmapped = word(24)?;
    if unmapped.as_deref().is_some_and(|object| Entries::parse(object).is_none()) {
        return Err(unfit(24));
    }
    Ok(Run {
        id: Uuid::try_parse(&id).map_err(|_| unfit(0))?,
        number: row.get(first + 1)?,
        created_at: row.get(first + 2)?,
        updated_at: row.get(first + 3)?,
        started_at: row.get(first + 4)?,
        ended_at: row.get(first + 5)?,
        duration_seconds: row.get(first + 6)?,
        status: word(7)?.map(|word| Status::from_word(&word)),
        trigger: word(8)?,
        full_sync: row.get(first + 9)?,
        extra_config: word(10)?,
        credit_charge_status: word(11)?.map(|word| ChargeStatus::from_word(&word)),
        el_cost_usd: cost(12)?,
        el_cost_metadata: word(14)?,
        transformation_cost_usd: cost(15)?,
        transformation_cost_metadata: word(17)?,
        triggered_by: row.get(first + 18)?,
        triggered_by_token: word(19)?,
        source: word(20)?,
        destination: word(21)?,
        transformation: word(22)?,
        absent,
        unmapped,
    })
}
