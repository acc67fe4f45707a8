//! The plan of a sync: how much of the run list to read, given what earlier syncs read.

use super::Options;
use crate::run::Instant;
use crate::store::{FirstWalk, SyncKind};

/// What a sync reads, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// The kind of sync.
    pub(super) kind: SyncKind,
    /// The reason, for people.
    pub(super) reason: String,
    /// The interrupted first walk to resume. `None`: there is none.
    pub(super) resumes: Option<FirstWalk>,
    /// A walk from the top may stop at unchanged runs created before this. `None`: it reads the whole list.
    pub(super) boundary: Option<Instant>,
}

/// Earlier walks, as the archive recorded them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Past {
    /// A complete walk has read all runs created up to here. `None`: no walk was complete.
    pub(super) watermark: Option<Instant>,
    /// The start of the last walk that read the whole list. `None`: there was none.
    pub(super) last_whole_walk_at: Option<Instant>,
    /// The interrupted first walk. `None`: there is none.
    pub(super) interrupted: Option<FirstWalk>,
}

impl Plan {
    /// Decides what to read at `now`.
    pub(super) fn new(past: &Past, options: &Options, now: Instant) -> Plan {
        let whole = |kind, reason: String| Plan { kind, reason, resumes: None, boundary: None };
        let below = |watermark: Instant| watermark.plus(-options.lookback);
        // Only the whole list shows which runs are missing.
        let full = options.full || options.confirm_vanished;
        match *past {
            Past { watermark: Some(watermark), last_whole_walk_at: Some(at), .. } => {
                if full {
                    whole(SyncKind::Full, "requested".to_owned())
                } else if at < now.plus(-options.full_every) {
                    // Costs can change without a trace in the newest part of the list.
                    whole(SyncKind::Full, format!("the last full walk began at {at}"))
                } else {
                    let boundary = below(watermark);
                    let reason = format!("may stop at unchanged runs created before {boundary}");
                    Plan { kind: SyncKind::Incremental, reason, resumes: None, boundary: Some(boundary) }
                }
            }
            Past { interrupted: Some(first), .. } if !full => Plan {
                kind: SyncKind::First,
                reason: format!("resumes the first walk below page {}", first.page),
                boundary: Some(below(first.top)),
                resumes: Some(first),
            },
            _ => whole(SyncKind::First, "no walk has read the whole list yet".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Cursor;
    use chrono::TimeDelta;
    use uuid::Uuid;

    fn day(day: u32) -> Instant {
        Instant::parse(&format!("2026-01-{day:02}T00:00:00Z")).unwrap()
    }

    fn read(watermark: u32, whole: u32) -> Past {
        Past { watermark: Some(day(watermark)), last_whole_walk_at: Some(day(whole)), interrupted: None }
    }

    #[test]
    fn a_first_walk_reads_everything() {
        let past = Past { watermark: None, last_whole_walk_at: None, interrupted: None };
        let plan = Plan::new(&past, &Options::default(), day(1));
        assert_eq!((plan.kind, plan.boundary), (SyncKind::First, None));
    }

    #[test]
    fn an_incremental_walk_looks_back_below_the_watermark() {
        let plan = Plan::new(&read(20, 18), &Options::default(), day(21));
        assert_eq!((plan.kind, plan.boundary), (SyncKind::Incremental, Some(day(13))));
    }

    #[test]
    fn a_full_walk_runs_when_due_or_requested() {
        let plan = Plan::new(&read(20, 13), &Options::default(), day(20));
        assert_eq!(plan.kind, SyncKind::Incremental, "seven days are not more than seven days");
        let plan = Plan::new(&read(20, 13), &Options::default(), day(20).next());
        assert_eq!((plan.kind, plan.boundary), (SyncKind::Full, None));
        let often = Options { full_every: TimeDelta::zero(), ..Options::default() };
        assert_eq!(Plan::new(&read(20, 20), &often, day(21)).kind, SyncKind::Full);
        let full = Options { full: true, ..Options::default() };
        assert_eq!(Plan::new(&read(20, 20), &full, day(20)).kind, SyncKind::Full);
        let confirm = Options { confirm_vanished: true, ..Options::default() };
        assert_eq!(Plan::new(&read(20, 20), &confirm, day(20)).kind, SyncKind::Full);
    }

    #[test]
    fn an_interrupted_first_walk_resumes_and_then_reads_the_top() {
        let cursor = Cursor { created_at: day(5), run_id: Uuid::nil() };
        let first = FirstWalk { started_at: day(20), page_size: 100, page: 7, cursor, top: day(19) };
        let past = Past { watermark: None, last_whole_walk_at: None, interrupted: Some(first) };
        let plan = Plan::new(&past, &Options::default(), day(20));
        assert_eq!((plan.kind, plan.resumes, plan.boundary), (SyncKind::First, Some(first), Some(day(12))));
        let full = Options { full: true, ..Options::default() };
        assert_eq!(Plan::new(&past, &full, day(20)).resumes, None);
    }
}
