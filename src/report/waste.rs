//! Which costs were wasted, as `queries/waste.sql` answers it, in one pass over the index of the reports.

use super::dimension::Dimension;
use super::group_by;
use super::interner::Interner;
use super::ledger::Ledger;
use super::period::Span;
use super::run_scan::{IndexedRun, Outcome};
use super::table::{Cell, Table};
use crate::error::Result;
use crate::run::{Instant, Usd};
use std::cmp::Reverse;

/// The columns, as in the file.
const COLUMNS: [&str; 10] = [
    "waste",
    "pipeline_name",
    "pipeline_id",
    "pipeline_kind",
    "runs",
    "runs_cost_unknown",
    "total_cost_usd",
    "costliest_run_id",
    "costliest_run_usd",
    "why",
];

/// The kinds of waste, by the position of their totals in [`Pipeline::wasted`].
const KINDS: [&str; 4] = ["failed", "canceled", "overlapping", "dear full sync"];
const FAILED: usize = 0;
const CANCELED: usize = 1;
const OVERLAPPING: usize = 2;
const DEAR_FULL_SYNC: usize = 3;

/// A full sync is dear from this many times the usual cost on.
const DEAR_FROM: i128 = 5;

/// The fewest runs that show what is usual.
const MIN_USUAL_RUNS: usize = 5;

/// The answer for a ledger.
///
/// # Errors
/// Those of SQLite.
pub(super) fn report(ledger: &Ledger<'_>, limit: Option<u32>) -> Result<Table> {
    let scan = Scan::read(ledger)?;
    let labels = scan.interner.labels(std::slice::from_ref(ledger))?;
    let mut found = Vec::new();
    for (number, mut pipeline) in scan.pipelines.into_iter().enumerate() {
        let usual = pipeline.add_dear_full_syncs(number > 0);
        for (kind, totals) in pipeline.wasted.iter().enumerate().filter(|(_, totals)| totals.is_waste()) {
            found.push((kind, number, totals.clone(), why(kind, totals.runs, pipeline.runs, usual)));
        }
    }
    found.sort_by_cached_key(|(kind, number, totals, _)| {
        let total = totals.known_total();
        let [_, id, of_kind] = [0, 1, 2].map(|part| labels[*number][part].clone());
        (total.is_none(), Reverse(total), KINDS[*kind], of_kind, id)
    });
    found.truncate(limit.map_or(usize::MAX, |limit| limit as usize));
    let mut rows = Vec::with_capacity(found.len());
    for (kind, number, totals, why) in found {
        let costliest = totals.costliest.map(|(_, Reverse(snapshot_id))| snapshot_id);
        let costliest_run = costliest.map(|snapshot_id| ledger.run_id_of(snapshot_id));
        let mut row = vec![Cell::text(KINDS[kind])];
        row.extend(labels[number].iter().cloned().map(Cell::Text));
        row.extend([
            Cell::count(totals.runs),
            Cell::count(totals.runs - totals.runs_cost_known),
            Cell::Usd(totals.known_total().map(Usd::from_units)),
            Cell::Text(costliest_run.transpose()?),
            Cell::Usd(totals.costliest.map(|(nanos, _)| Usd::from_units(nanos.into()))),
            Cell::text(why),
        ]);
        rows.push(row);
    }
    Ok(Table { columns: COLUMNS.map(str::to_owned).to_vec(), rows, totals: None })
}

/// The sentence on a kind of waste: `runs` of all `runs_of_pipeline`. `usual` is what a full sync is compared with.
fn why(kind: usize, runs: u64, runs_of_pipeline: u64, usual: Option<Usual>) -> String {
    let of = format!("{runs} of {runs_of_pipeline} runs");
    match (kind, usual) {
        (FAILED, _) => format!("{of} failed"),
        (CANCELED, _) => format!("{of} ended canceled"),
        (OVERLAPPING, _) => format!("{of} started before an earlier one had ended"),
        (_, usual) => {
            let Usual { runs, twice_median } = usual.unwrap_or_default();
            // Rounded half to even.
            let median = twice_median / 2 + i128::from(twice_median % 4 == 3);
            format!(
                "{of} synced in full for {DEAR_FROM} times the usual cost or more: the median of {runs} others is {} USD",
                Usd::from_units(median)
            )
        }
    }
}

/// The usual cost of a pipeline's runs.
#[derive(Debug, Clone, Copy, Default)]
struct Usual {
    /// The number of runs.
    runs: usize,
    /// Twice their median, in nano-dollars.
    twice_median: i128,
}

/// The runs of a kind of waste in a pipeline.
#[derive(Debug, Clone, Default)]
struct Totals {
    runs: u64,
    runs_cost_known: u64,
    nanos: i128,
    /// The highest cost and the first snapshot that has it.
    costliest: Option<(i64, Reverse<i64>)>,
}

impl Totals {
    fn add(&mut self, run: &Run) {
        self.runs += 1;
        if let Some(nanos) = run.nanos {
            self.runs_cost_known += 1;
            self.nanos += i128::from(nanos);
            self.costliest = self.costliest.max(Some((nanos, Reverse(run.snapshot_id))));
        }
    }

    /// `None`: no cost is known.
    fn known_total(&self) -> Option<i128> {
        (self.runs_cost_known > 0).then_some(self.nanos)
    }

    /// Known costs that add up to zero are none.
    fn is_waste(&self) -> bool {
        self.nanos != 0 || self.runs_cost_known < self.runs
    }
}

/// A run, as far as its cost can be wasted.
#[derive(Debug, Clone)]
struct Run {
    pipeline: usize,
    snapshot_id: i64,
    nanos: Option<i64>,
    is_in_span: bool,
    started_at: Option<Instant>,
    ended_at: Option<Instant>,
}

/// What is known about a pipeline.
#[derive(Debug, Default)]
struct Pipeline {
    /// The runs in the span.
    runs: u64,
    wasted: [Totals; 4],
    /// The known costs of successful incremental runs, whenever they are booked.
    usual_nanos: Vec<i64>,
    /// The full syncs in the span with a known cost.
    full_syncs: Vec<Run>,
    /// The latest end of the runs that started before.
    busy_until: Option<Instant>,
}

impl Pipeline {
    /// Adds the dear full syncs to what is wasted. Gives the usual cost. `None`: too few runs.
    fn add_dear_full_syncs(&mut self, has_pipeline: bool) -> Option<Usual> {
        let runs = self.usual_nanos.len();
        if !has_pipeline || runs < MIN_USUAL_RUNS {
            return None;
        }
        self.usual_nanos.sort_unstable();
        let twice_median =
            [(runs - 1) / 2, runs / 2].map(|place| i128::from(self.usual_nanos[place])).iter().sum();
        if twice_median <= 0 {
            return None;
        }
        for run in &self.full_syncs {
            if run.nanos.is_some_and(|nanos| 2 * i128::from(nanos) >= DEAR_FROM * twice_median) {
                self.wasted[DEAR_FULL_SYNC].add(run);
            }
        }
        Some(Usual { runs, twice_median })
    }
}

/// The runs of a ledger, read in the order in which they started.
struct Scan {
    interner: Interner,
    /// By number. The number zero has the runs without a pipeline.
    pipelines: Vec<Pipeline>,
    /// The runs that started at the same instant as the last one.
    of_instant: Vec<Run>,
}

impl Scan {
    fn read(ledger: &Ledger<'_>) -> Result<Scan> {
        let mut interner = Interner::new(Dimension::Pipeline);
        interner.enter_ledger(ledger);
        let mut scan = Scan { interner, pipelines: vec![Pipeline::default()], of_instant: Vec::new() };
        let (from, until) = ledger.scope().span.bounds();
        let has_ends = ledger.scope().span != Span::default();
        group_by::for_each_run_as_started(ledger, |run| {
            let booked_at = run.booked_at()?;
            let is_in_span = !has_ends || booked_at.is_some_and(|at| at >= from && at < until);
            scan.add(run, is_in_span)
        })?;
        scan.end_instant();
        Ok(scan)
    }

    fn add(&mut self, run: &IndexedRun<'_>, is_in_span: bool) -> Result<()> {
        let number = self.interner.index_of(run)? as usize;
        if number >= self.pipelines.len() {
            self.pipelines.resize_with(number + 1, Pipeline::default);
        }
        let started_at = run.started_at()?.and_then(Instant::parse);
        let nanos = run.total_cost_nanos()?;
        let pipeline = &mut self.pipelines[number];
        let outcome = run.outcome()?;
        let full_sync = run.full_sync()?;
        pipeline.runs += u64::from(is_in_span);
        if outcome == Some(Outcome::Succeeded) && full_sync == Some(false) {
            pipeline.usual_nanos.extend(nanos);
        }
        let is_full_sync = full_sync == Some(true) && nanos.is_some();
        let kind = match outcome {
            Some(Outcome::Failed) => Some(FAILED),
            Some(Outcome::Canceled) => Some(CANCELED),
            _ => None,
        };
        let may_overlap = started_at.is_some() && number > 0;
        if !may_overlap && !(is_in_span && (is_full_sync || kind.is_some())) {
            return Ok(());
        }
        let run = Run {
            pipeline: number,
            snapshot_id: run.snapshot_id()?,
            nanos,
            is_in_span,
            started_at,
            ended_at: run.ended_at()?.and_then(Instant::parse),
        };
        if is_in_span && let Some(kind) = kind {
            pipeline.wasted[kind].add(&run);
        }
        if is_in_span && is_full_sync {
            pipeline.full_syncs.push(run.clone());
        }
        if may_overlap {
            if self.of_instant.first().is_some_and(|other| other.started_at != run.started_at) {
                self.end_instant();
            }
            self.of_instant.push(run);
        }
        Ok(())
    }

    /// Finds which of the runs that started at an instant overlap earlier ones, in the order of their snapshots.
    fn end_instant(&mut self) {
        self.of_instant.sort_unstable_by_key(|run| run.snapshot_id);
        for run in self.of_instant.drain(..) {
            let pipeline = &mut self.pipelines[run.pipeline];
            if run.is_in_span && run.started_at < pipeline.busy_until {
                pipeline.wasted[OVERLAPPING].add(&run);
            }
            pipeline.busy_until = pipeline.busy_until.max(run.ended_at);
        }
    }
}
