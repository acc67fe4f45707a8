//! The runs of some days by pipeline, type of trigger and day, from one pass over the covering index.
//!
//! All figures of all budgets are sums over these cells, so the number of budgets costs little.

use super::setting::{Budget, BudgetRuns};
use crate::error::Result;
use crate::report::allocation::{Allocation, Allocator, Rule, UNALLOCATED};
use crate::report::credits::PipelineKey;
use crate::report::credits::usage::Use;
use crate::report::group_by::for_each_run_in;
use crate::report::ledger::Ledger;
use crate::report::period::{Day, Span, days_between};
use crate::report::run_scan::{Columns, IndexedRun};
use crate::run::Instant;
use std::collections::HashMap;
use std::rc::Rc;

/// Separates the parts of the key of a stream.
const SEPARATOR: char = '\u{1f}';

/// The figures of some runs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Figures {
    /// The number of runs.
    pub(super) runs: u64,
    /// The runs that were charged a credit.
    pub(super) charged: u64,
    /// What they used.
    pub(super) used: Use,
}

impl Figures {
    fn add_run(&mut self, run: &IndexedRun<'_>) -> Result<()> {
        self.runs += 1;
        self.charged += u64::from(run.is_charged()?);
        self.used.add(Use::of_run(run)?);
        Ok(())
    }

    pub(super) fn add(&mut self, other: Figures) {
        self.runs += other.runs;
        self.charged += other.charged;
        self.used.add(other.used);
    }

    /// The runs without a known cost.
    pub(super) fn unpriced(self) -> u64 {
        self.runs - self.used.priced
    }

    /// The runs that can still be charged a credit.
    pub(super) fn undecided(self) -> u64 {
        self.used.credits - self.charged
    }
}

/// The runs of one pipeline with one type of trigger.
#[derive(Debug)]
pub(super) struct Stream {
    /// The pipeline. `None`: the runs have none, or several.
    pub(super) pipeline: PipelineKey,
    /// `manual`, `cron` or `event`.
    pub(super) trigger: Option<String>,
    /// By slot.
    pub(super) figures: Vec<Figures>,
}

/// A day, or a part of one that is whole in the month and in the window of the pace, or outside.
#[derive(Debug)]
pub(super) struct Slot {
    /// Its day.
    pub(super) day: Day,
    /// Whether it is in the month of the budgets.
    pub(super) is_in_month: bool,
    /// Whether it is in the window of the pace.
    pub(super) is_in_window: bool,
}

/// The runs by stream and slot.
#[derive(Debug)]
pub(super) struct RunDays {
    pub(super) slots: Vec<Slot>,
    pub(super) streams: Vec<Stream>,
}

impl RunDays {
    /// Reads the runs booked in the month, and those in the window: between both instants, if one is given.
    pub(super) fn read(ledger: &Ledger<'_>, month: Span, window: Option<Span>) -> Result<RunDays> {
        let zone = ledger.scope().zone;
        let spans = || [Some(month), window].into_iter().flatten();
        let (Some(from), Some(until)) =
            (spans().filter_map(|span| span.from).min(), spans().filter_map(|span| span.until).max())
        else {
            return Ok(RunDays { slots: Vec::new(), streams: Vec::new() });
        };
        let mut cuts: Vec<Instant> = spans().flat_map(|span| [span.from, span.until]).flatten().collect();
        cuts.sort_unstable();
        cuts.dedup();
        let mut slots = Vec::new();
        for part in cuts.windows(2) {
            let is_in = |span: Span| {
                span.from.is_none_or(|from| from <= part[0])
                    && span.until.is_none_or(|until| part[1] <= until)
            };
            let (is_in_month, is_in_window) = (is_in(month), window.is_some_and(is_in));
            let days = days_between(part[0], part[1], zone).into_iter();
            slots.extend(days.map(|day| Slot { day, is_in_month, is_in_window }));
        }
        let mut days = RunDays { slots, streams: Vec::new() };
        days.fill(ledger, Span { from: Some(from), until: Some(until) })?;
        Ok(days)
    }

    fn fill(&mut self, ledger: &Ledger<'_>, span: Span) -> Result<()> {
        let RunDays { slots, streams } = self;
        let mut positions: HashMap<String, usize> = HashMap::new();
        // Runs come in the order of time, and many follow one of the same pipeline: the last places are tried first.
        let (mut slot, mut key) = (0, String::new());
        let columns = Use::READS.and(Columns::BOOKED_AT).and(Columns::TRIGGER).and(Columns::PIPELINE);
        for_each_run_in(ledger, span, columns, |run| {
            let Some(booked_at) = run.booked_at()? else { return Ok(()) };
            let contains =
                |slot: &Slot| slot.day.from.as_str() <= booked_at && booked_at < slot.day.until.as_str();
            if !slots.get(slot).is_some_and(contains) {
                slot = slots.partition_point(|slot| slot.day.until.as_str() <= booked_at);
                if !slots.get(slot).is_some_and(contains) {
                    return Ok(());
                }
            }
            let (pipeline, trigger) = (run.pipeline()?, run.trigger_type()?);
            key.clear();
            for part in [pipeline.map(|(kind, _)| kind), pipeline.map(|(_, id)| id), trigger] {
                key.push_str(part.unwrap_or_default());
                key.push(SEPARATOR);
            }
            let position = match positions.get(&key) {
                Some(position) => *position,
                None => {
                    streams.push(Stream {
                        pipeline: pipeline.map(|(kind, id)| (kind.to_owned(), id.to_owned())),
                        trigger: trigger.map(str::to_owned),
                        figures: vec![Figures::default(); slots.len()],
                    });
                    positions.insert(key.clone(), streams.len() - 1);
                    streams.len() - 1
                }
            };
            streams[position].figures[slot].add_run(run)
        })
    }
}

/// Which budgets the runs of a stream count for.
pub(super) struct Members<'l> {
    allocator: &'l Allocator,
    /// Each budget: the runs that it is for, and an allocator that finds its pipelines.
    budgets: Vec<(BudgetRuns, Option<Allocator>)>,
    /// The instants at which allocation rules begin.
    changes: Vec<Instant>,
    /// By pipeline, trigger and the number of rules that have begun.
    found: HashMap<(PipelineKey, Option<String>, usize), Rc<[usize]>>,
}

impl<'l> Members<'l> {
    pub(super) fn new(ledger: &'l Ledger<'_>, budgets: &[&Budget]) -> Result<Members<'l>> {
        let mut all = Vec::with_capacity(budgets.len());
        for budget in budgets {
            let pipelines = match &budget.runs {
                BudgetRuns::Pipelines(pattern) => {
                    let rule = Rule {
                        cost_center: budget.name.clone(),
                        pipeline: Some(pattern.clone()),
                        ..Rule::default()
                    };
                    let rules = Allocation(vec![rule]);
                    Some(Allocator::new(&rules, ledger.scope().zone, ledger.connection())?)
                }
                BudgetRuns::All | BudgetRuns::CostCenter(_) => None,
            };
            all.push((budget.runs.clone(), pipelines));
        }
        let allocator = ledger.allocator().as_ref();
        Ok(Members { allocator, budgets: all, changes: allocator.changes(), found: HashMap::new() })
    }

    /// The positions of the budgets that a run counts for.
    pub(super) fn of(&mut self, pipeline: &PipelineKey, trigger: Option<&str>, at: Instant) -> Rc<[usize]> {
        let rules = self.changes.partition_point(|change| *change <= at);
        let key = (pipeline.clone(), trigger.map(str::to_owned), rules);
        if let Some(found) = self.found.get(&key) {
            return Rc::clone(found);
        }
        let named = pipeline.as_ref().map(|(kind, id)| (kind.as_str(), id.as_str()));
        let center = self.allocator.cost_center(named, trigger, Some(at.as_str()));
        let is_member = |(runs, pipelines): &(BudgetRuns, Option<Allocator>)| match (runs, pipelines) {
            (BudgetRuns::All, _) => true,
            (BudgetRuns::CostCenter(name), _) => name == center,
            (BudgetRuns::Pipelines(_), Some(pipelines)) => {
                pipelines.cost_center(named, trigger, Some(at.as_str())) != UNALLOCATED
            }
            (BudgetRuns::Pipelines(_), None) => false,
        };
        let members: Rc<[usize]> =
            (0..self.budgets.len()).filter(|place| is_member(&self.budgets[*place])).collect();
        self.found.insert(key, Rc::clone(&members));
        members
    }
}
