//! Restatements: each change of a closed month that became known after its close, and its effect on the total.

use super::cost;
use super::ledger::Ledger;
use super::period::{AFTER_EVERYTHING, BEFORE_EVERYTHING};
use super::run_cost::CostComponent;
use super::scope::Scope;
use super::table::{Cell, Table};
use crate::error::Result;
use crate::run::{Instant, Usd};
use crate::store::Close;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, named_params};
use std::collections::{BTreeMap, BTreeSet};

/// The states, at the close and later, of runs that changed after the close and are in the month in any of them.
/// Each part of the union has its own index, and each run's name is looked up once.
const RESTATED: &str = "
WITH changed (run_id) AS MATERIALIZED (
    SELECT run_id FROM main.run_snapshots
    WHERE superseded_at IS NULL AND observed_at > :known_at AND {booked} >= :from AND {booked} < :until
    UNION ALL
    SELECT run_id FROM main.run_snapshots
    WHERE superseded_at > :known_at AND {booked} >= :from AND {booked} < :until
),
named (id, pipeline_name) AS MATERIALIZED (
    SELECT run_id, pipeline_name FROM runs WHERE run_id IN (SELECT run_id FROM changed)
)
SELECT run_id, n.pipeline_name, observed_at,
       coalesce({booked} >= :from AND {booked} < :until, 0), el_cost_nanos, transformation_cost_nanos,
       {booked}, credit_charge_status, status, duration_seconds, trigger_type, source, destination, transformation
FROM main.run_snapshots
LEFT JOIN named AS n ON n.id = run_id
WHERE run_id IN (SELECT run_id FROM changed)
  AND (superseded_at IS NULL OR superseded_at > :known_at) AND observed_at <= :now
ORDER BY run_id, observed_at";

/// The runs of the month that vanished from the API or returned after the close, by their state at that time.
const VANISHED: &str = "
WITH events (run_id, seen_at, before, after) AS (
    SELECT run_id, vanished_at, NULL, vanished_at FROM main.vanishings
    WHERE vanished_at > :known_at AND vanished_at <= :now
    UNION ALL
    SELECT run_id, returned_at, vanished_at, NULL FROM main.vanishings
    WHERE returned_at > :known_at AND returned_at <= :now
)
SELECT n.run_id, (SELECT r.pipeline_name FROM runs AS r WHERE r.run_id = n.run_id), n.seen_at, n.before, n.after
FROM events AS n
JOIN main.run_snapshots AS s
  ON s.run_id = n.run_id AND s.observed_at <= n.seen_at AND (s.superseded_at IS NULL OR s.superseded_at > n.seen_at)
WHERE {booked} >= :from AND {booked} < :until";

/// One changed field of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restatement {
    /// The run.
    pub run_id: String,
    /// The name of its pipeline in the ledger of the connection. `None`: the catalog has none.
    pub pipeline_name: Option<String>,
    /// When the change was observed.
    pub seen_at: Instant,
    /// The column of the archive. `booked_at`: the run entered or left the month. `vanished_at`: the run vanished from
    /// the API or returned, which does not change its cost.
    pub field: &'static str,
    /// The old value, in the form of CSV. `None`: unknown, or the run was not in the month.
    pub before: Option<String>,
    /// The new value, in the form of CSV. `None`: unknown, or the run is not in the month.
    pub after: Option<String>,
    /// The change of the month's total. `None`: the field is not a cost.
    pub difference: Option<Usd>,
}

/// The compared fields other than costs. For a run that enters or leaves the month, only the first two are compared.
const FIELDS: [&str; 8] = [
    "booked_at",
    "credit_charge_status",
    "status",
    "duration_seconds",
    "trigger_type",
    "source",
    "destination",
    "transformation",
];
const FIELDS_OF_A_MOVE: usize = 2;

/// The state of a run at the close or later.
struct State {
    run_id: String,
    pipeline_name: Option<String>,
    observed_at: Instant,
    /// Whether the run is booked in the month.
    inside: bool,
    /// The costs in the order of [`CostComponent::ALL`], in nano-dollars.
    costs: [Option<i64>; CostComponent::ALL.len()],
    fields: [Option<String>; FIELDS.len()],
}

/// The changes in the scope's span that were observed after its `as_of` (`None`: all) and until `now` (`None`: all), in
/// the order of observation.
///
/// The total of the span at `as_of` plus all differences is its total at `now`.
///
/// # Errors
/// Those of SQLite.
pub fn restatements(archive: &Connection, scope: &Scope, now: Option<Instant>) -> Result<Vec<Restatement>> {
    let text = |instant: &Option<Instant>, otherwise: &'static str| {
        instant.as_ref().map_or(otherwise.to_owned(), Instant::to_string)
    };
    let known_at = text(&scope.as_of, BEFORE_EVERYTHING);
    let mut restatements = Vec::new();
    let mut statement = archive.prepare(&RESTATED.replace("{booked}", scope.date.sql()))?;
    let (from, until) = scope.span.bounds();
    let now = text(&now, AFTER_EVERYTHING);
    let parameters = named_params! {":known_at": known_at, ":from": from, ":until": until, ":now": now};
    let mut rows = statement.query(parameters)?;
    let mut before: Option<State> = None;
    while let Some(row) = rows.next()? {
        let state = State::read(row)?;
        let earlier = before.as_ref().filter(|before| before.run_id == state.run_id);
        // The state at the close is only compared with.
        if state.observed_at.as_str() > known_at.as_str() {
            compare(earlier, &state, &mut restatements);
        }
        before = Some(state);
    }
    let mut statement = archive.prepare(&VANISHED.replace("{booked}", scope.date.sql()))?;
    let vanished = statement.query_map(parameters, |row| {
        Ok(Restatement {
            run_id: row.get(0)?,
            pipeline_name: row.get(1)?,
            seen_at: row.get(2)?,
            field: "vanished_at",
            before: row.get(3)?,
            after: row.get(4)?,
            difference: None,
        })
    })?;
    for restatement in vanished {
        restatements.push(restatement?);
    }
    restatements.sort_by(|one, other| (one.seen_at, &one.run_id).cmp(&(other.seen_at, &other.run_id)));
    Ok(restatements)
}

impl State {
    fn read(row: &Row<'_>) -> Result<State> {
        let mut fields: [Option<String>; FIELDS.len()] = Default::default();
        for (place, field) in fields.iter_mut().enumerate() {
            *field = match row.get_ref(6 + place)? {
                ValueRef::Integer(whole) => Some(whole.to_string()),
                value => value.as_str_or_null().map_err(rusqlite::Error::from)?.map(str::to_owned),
            };
        }
        Ok(State {
            run_id: row.get(0)?,
            pipeline_name: row.get(1)?,
            observed_at: row.get(2)?,
            inside: row.get(3)?,
            costs: [row.get(4)?, row.get(5)?],
            fields,
        })
    }
}

/// Appends the differences between two consecutive states that concern the month.
fn compare(before: Option<&State>, after: &State, restatements: &mut Vec<Restatement>) {
    let was = before.filter(|state| state.inside);
    let is = Some(after).filter(|state| state.inside);
    let restatement = |field, before, after_it, difference| Restatement {
        run_id: after.run_id.clone(),
        pipeline_name: after.pipeline_name.clone(),
        seen_at: after.observed_at,
        field,
        before,
        after: after_it,
        difference,
    };
    for (place, component) in CostComponent::ALL.into_iter().enumerate() {
        let [was, is] = [was, is].map(|state| state.and_then(|state| state.costs[place]));
        if was != is {
            let usd = |nanos: Option<i64>| nanos.map(|nanos| Usd::from_units(nanos.into()));
            // The total does not contain an unknown cost.
            let difference = i128::from(is.unwrap_or(0)) - i128::from(was.unwrap_or(0));
            let text = |nanos| usd(nanos).map(|usd| usd.to_string());
            restatements.push(restatement(
                component.column(),
                text(was),
                text(is),
                Some(Usd::from_units(difference)),
            ));
        }
    }
    let compared = match (was, is) {
        (None, None) => 0,
        (Some(_), Some(_)) => FIELDS.len(),
        _ => FIELDS_OF_A_MOVE,
    };
    for (place, field) in FIELDS.into_iter().enumerate().take(compared) {
        let [was, is] = [was, is].map(|state| state.and_then(|state| state.fields[place].clone()));
        if was != is {
            restatements.push(restatement(field, was, is, None));
        }
    }
}

/// The closes that answer for their month: the latest of each.
pub(crate) fn latest(closes: impl IntoIterator<Item = Close>) -> Vec<Close> {
    let by_month: BTreeMap<String, Close> =
        closes.into_iter().map(|close| (close.frozen.period.clone(), close)).collect();
    by_month.into_values().collect()
}

/// The closes that answered for their month at `now` (`None`: ever): a close with later knowledge did not exist then.
pub(crate) fn latest_known_at(closes: Vec<Close>, now: Option<Instant>) -> Vec<Close> {
    latest(closes.into_iter().filter(|close| now.is_none_or(|now| close.frozen.known_at <= now)))
}

/// A row per restatement of the closes. The totals row has the sum of the differences.
///
/// # Errors
/// Those of SQLite, and [`crate::error::Error::Internal`] when this version cannot read a close.
pub(crate) fn listed(archive: &Connection, closes: &[Close], now: Option<Instant>) -> Result<Table> {
    let columns = [
        "period",
        "close_id",
        "run_id",
        "pipeline_name",
        "seen_at",
        "field",
        "before",
        "after",
        "difference_usd",
    ];
    let (mut rows, mut sum) = (Vec::new(), Usd::default());
    for close in closes {
        for restatement in restatements(archive, &Scope::of_close(close)?, now)? {
            sum += restatement.difference.unwrap_or_default();
            rows.push(vec![
                Cell::text(&close.frozen.period),
                Cell::Count(Some(close.close_id)),
                Cell::text(restatement.run_id),
                Cell::Text(restatement.pipeline_name),
                Cell::text(restatement.seen_at.as_str()),
                Cell::text(restatement.field),
                Cell::Text(restatement.before),
                Cell::Text(restatement.after),
                Cell::Usd(restatement.difference),
            ]);
        }
    }
    let totals = (rows.len() > 1).then(|| {
        let mut totals = vec![Cell::Text(None); columns.len() - 1];
        totals[1] = Cell::Blank;
        totals.push(Cell::Usd(Some(sum)));
        totals
    });
    Ok(Table { columns: columns.map(str::to_owned).to_vec(), rows, totals })
}

/// A row per close: its frozen total, the difference since, and the total of its month now. Each total comes with the
/// count of runs without a known cost.
///
/// # Errors
/// Those of SQLite, and [`crate::error::Error::Internal`] when this version cannot read a close.
pub(crate) fn summed(archive: &Connection, closes: &[Close], now: Option<Instant>) -> Result<Table> {
    let columns = [
        "period",
        "close_id",
        "closed_at",
        "runs_changed",
        "changes",
        "closed_total_cost_usd",
        "closed_runs_cost_unknown",
        "difference_usd",
        "total_cost_usd",
        "runs_cost_unknown",
    ];
    let mut rows = Vec::new();
    for close in closes {
        let scope = Scope::of_close(close)?;
        let restated = restatements(archive, &scope, now)?;
        let unknown = cost::total(&Ledger::open(archive, Scope { as_of: now, ..scope })?)?.runs_cost_unknown;
        let runs: BTreeSet<&str> = restated.iter().map(|restatement| restatement.run_id.as_str()).collect();
        let difference: Option<Usd> =
            restated.iter().filter_map(|restatement| restatement.difference).reduce(|one, other| one + other);
        let closed = close.frozen.totals.total_cost_nanos.map(|nanos| Usd::from_units(nanos.into()));
        let known = [closed, difference].into_iter().flatten().reduce(|one, other| one + other);
        rows.push(vec![
            Cell::text(&close.frozen.period),
            Cell::Count(Some(close.close_id)),
            Cell::text(close.frozen.closed_at.as_str()),
            Cell::count(runs.len() as u64),
            Cell::count(restated.len() as u64),
            Cell::Usd(closed),
            Cell::count(close.frozen.totals.runs_cost_unknown),
            Cell::Usd(Some(difference.unwrap_or_default())),
            Cell::Usd(known),
            Cell::count(unknown),
        ]);
    }
    Ok(Table { columns: columns.map(str::to_owned).to_vec(), rows, totals: None })
}
