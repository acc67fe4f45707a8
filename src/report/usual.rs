//! What is usual for a pipeline: the medians of its successful runs before a moment.

use super::duration::{Distribution, MICROS_PER_SECOND, micros_between};
use crate::error::Result;
use crate::run::{Instant, Seconds, Usd};
use crate::store::KnownPipeline;
use rusqlite::{Connection, named_params};

/// The number of runs that the medians are of.
pub(crate) const USUAL_RUNS: u32 = 30;

/// From how many times the usual value on a value stands out.
const STANDS_OUT: f64 = 2.0;

/// The medians of some successful runs of a pipeline. `None`: no value is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usual {
    /// The number of runs.
    pub(crate) runs: u64,
    /// The cost of extraction and loading.
    pub(crate) el_cost: Option<Usd>,
    /// The cost of transformation.
    pub(crate) transformation_cost: Option<Usd>,
    /// The sum of both.
    pub(crate) total_cost: Option<Usd>,
    /// From creation to start.
    pub(crate) waited: Option<Seconds>,
    /// The duration.
    pub(crate) ran: Option<Seconds>,
}

impl Usual {
    /// The medians of the last successful runs of a pipeline that started, else were created, before a moment.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn before(archive: &Connection, pipeline: &KnownPipeline, at: Instant) -> Result<Usual> {
        let mut statement = archive.prepare(&usual_runs(pipeline))?;
        let mut rows = statement.query(named_params! {
            ":id": pipeline.id,
            ":slug": pipeline.slug_in_runs,
            ":before": at,
            ":limit": USUAL_RUNS,
        })?;
        let mut usual = Usual::default();
        let (mut el, mut transformation, mut total) = (Vec::new(), Vec::new(), Vec::new());
        let (mut waited, mut ran) = (Vec::new(), Vec::new());
        while let Some(row) = rows.next()? {
            usual.runs += 1;
            let costs: [Option<i64>; 2] = [row.get(0)?, row.get(1)?];
            el.extend(costs[0]);
            transformation.extend(costs[1]);
            let known = costs.into_iter().flatten().map(i128::from);
            total.extend(known.reduce(|one, other| one + other));
            ran.extend(row.get::<_, Option<i64>>(2)?);
            let instants: [Option<String>; 2] = [row.get(3)?, row.get(4)?];
            if let [Some(created_at), Some(started_at)] = &instants {
                waited.extend(micros_between(created_at, started_at));
            }
        }
        usual.el_cost = median(el.into_iter().map(i128::from).collect());
        usual.transformation_cost = median(transformation.into_iter().map(i128::from).collect());
        usual.total_cost = median(total);
        usual.waited = Distribution::of(&mut waited, MICROS_PER_SECOND).percentile(50);
        usual.ran = Distribution::of(&mut ran, 1).percentile(50);
        Ok(usual)
    }
}

/// The last successful runs before a moment, newest first, from the covering index of the reports.
fn usual_runs(pipeline: &KnownPipeline) -> String {
    format!(
        "SELECT el_cost_nanos, transformation_cost_nanos, duration_seconds, created_at, started_at \
         FROM run_snapshots \
         WHERE superseded_at IS NULL AND status = 'success' AND coalesce(started_at, created_at) < :before \
           AND {} \
         ORDER BY coalesce(started_at, created_at) DESC LIMIT :limit",
        pipeline.is_of_run()
    )
}

/// The median of amounts in nano-dollars. `None`: there are none.
fn median(mut nanos: Vec<i128>) -> Option<Usd> {
    nanos.sort_unstable();
    let upper = *nanos.get(nanos.len() / 2)?;
    let lower = if nanos.len() % 2 == 1 { upper } else { nanos[nanos.len() / 2 - 1] };
    Usd::from_units(lower + upper).per(2)
}

/// How many times the usual value a value is, if it stands out. Both are in one unit. `None`: it does not, or the usual
/// value is not positive.
pub(crate) fn factor(value: i128, usual: i128) -> Option<f64> {
    let factor = (usual > 0).then(|| value as f64 / usual as f64)?;
    (factor > STANDS_OUT).then_some(factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::PipelineKind;

    #[test]
    fn the_median_of_an_even_number_is_between_two() {
        let of = |nanos: &[i128]| median(nanos.to_vec()).map(Usd::units);
        assert_eq!([of(&[]), of(&[7]), of(&[9, 1, 5])], [None, Some(7), Some(5)]);
        assert_eq!([of(&[4, 1]), of(&[3, -1, 100, 4])], [Some(2), Some(4)], "halves to even");
    }

    #[test]
    fn only_more_than_twice_the_usual_stands_out() {
        assert_eq!([factor(20, 10), factor(5, 0), factor(5, -1)], [None; 3]);
        assert_eq!(factor(31, 10), Some(3.1));
    }

    #[test]
    fn the_usual_runs_are_read_from_the_index() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let lock =
            crate::store::Lock::acquire(&path, Instant::parse("2026-01-01T00:00:00Z").unwrap()).unwrap();
        let archive = crate::store::Archive::open(&path, &lock).unwrap();
        let pipeline = KnownPipeline::of_runs(PipelineKind::Source, "a");
        let sql = format!("EXPLAIN QUERY PLAN {}", usual_runs(&pipeline));
        let plan: Vec<String> = archive
            .connection()
            .prepare(&sql)
            .unwrap()
            .query_map(
                named_params! {":id": "a", ":slug": None::<&str>, ":before": "2026", ":limit": 30},
                |row| row.get(3),
            )
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        let expected = "SEARCH run_snapshots USING COVERING INDEX run_snapshots_for_reports (<expr><?)";
        assert_eq!(plan, [expected]);
    }
}
