//! This is the plan of a sync: how much of the list to read, decided from what earlier syncs have read.

use super::Options;
use crate::run::Instant;
use crate::store::{FirstWalk, SyncKind};

/// What a sync sets out to read, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// The kind of walk.
    pub(super) kind: SyncKind,
    /// Why, in words.
    pub(super) reason: String,
    /// Where an interrupted first walk goes on.
    pub(super) resumes: Option<FirstWalk>,
    /// Where a walk from the top may stop. `None`: at the end.
    pub(super) boundary: Option<Instant>,
}

/// What the archive tells of earlier walks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Past {
    /// All runs created up to here were read by some complete walk. `None`: there was none.
    pub(super) watermark: Option<Instant>,
    /// When the last walk began that read the whole list. `None`: none has.
    pub(super) last_whole_walk_at: Option<Instant>,
    /// A first walk that was interrupted.
    pub(super) interrupted: Option<FirstWalk>,
}

impl Plan {
    /// What to read now.
    pub(super) fn of(past: &Past, options: &Options, now: Instant) -> Plan {
        let whole = |kind, reason: String| Plan { kind, reason, resumes: None, boundary: None };
        let below = |watermark: Instant| watermark.plus(-options.lookback);
        match *past {
            Past { watermark: Some(watermark), last_whole_walk_at: Some(at), .. } => {
                if options.full {
                    whole(SyncKind::Full, "asked for".to_owned())
                } else if at < now.plus(-options.full_every) {
                    // Costs can change without any sign in the newest part of the list.
                    whole(SyncKind::Full, format!("the list was last read whole at {at}"))
                } else {
                    let boundary = below(watermark);
                    let reason = format!("may stop at unchanged runs created before {boundary}");
                    Plan { kind: SyncKind::Incremental, reason, resumes: None, boundary: Some(boundary) }
                }
            }
            Past { interrupted: Some(first), .. } if !options.full => Plan {
                kind: SyncKind::First,
                reason: format!("goes on with the first walk below page {}", first.page),
                boundary: Some(below(first.top)),
                resumes: Some(first),
            },
            _ => whole(SyncKind::First, "the list was never read whole".to_owned()),
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
        let plan = Plan::of(&past, &Options::default(), day(1));
        assert_eq!((plan.kind, plan.boundary), (SyncKind::First, None));
    }

    #[test]
    fn a_later_walk_looks_back_below_the_watermark() {
        let plan = Plan::of(&read(20, 18), &Options::default(), day(21));
        assert_eq!((plan.kind, plan.boundary), (SyncKind::Incremental, Some(day(13))));
    }

    #[test]
    fn the_whole_list_is_read_again_when_the_last_time_is_long_ago_or_when_asked_for() {
        let plan = Plan::of(&read(20, 13), &Options::default(), day(20));
        assert_eq!(plan.kind, SyncKind::Incremental, "seven days are not longer than seven days");
        let plan = Plan::of(&read(20, 13), &Options::default(), day(20).next());
        assert_eq!((plan.kind, plan.boundary), (SyncKind::Full, None));
        let often = Options { full_every: TimeDelta::zero(), ..Options::default() };
        assert_eq!(Plan::of(&read(20, 20), &often, day(21)).kind, SyncKind::Full);
        let full = Options { full: true, ..Options::default() };
        assert_eq!(Plan::of(&read(20, 20), &full, day(20)).kind, SyncKind::Full);
    }

    #[test]
    fn an_interrupted_first_walk_goes_on_and_then_looks_at_the_top() {
        let cursor = Cursor { created_at: day(5), run_id: Uuid::nil() };
        let first = FirstWalk { started_at: day(20), page_size: 100, page: 7, cursor, top: day(19) };
        let past = Past { watermark: None, last_whole_walk_at: None, interrupted: Some(first) };
        let plan = Plan::of(&past, &Options::default(), day(20));
        assert_eq!((plan.kind, plan.resumes, plan.boundary), (SyncKind::First, Some(first), Some(day(12))));
        let full = Options { full: true, ..Options::default() };
        assert_eq!(Plan::of(&past, &full, day(20)).resumes, None);
    }
}
