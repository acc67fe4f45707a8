//! The plan of a sync: how much of the run list to read, given what earlier syncs read.

use super::Options;
use crate::error::Result;
use crate::run::Instant;
use crate::store::{Archive, FirstWalk, SyncKind, trusted_until};

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
    /// The start of the last walk that read the whole list, by the system clock. `None`: there was none.
    pub(super) last_whole_walk_at: Option<Instant>,
    /// The interrupted first walk. `None`: there is none.
    pub(super) interrupted: Option<FirstWalk>,
}

impl Past {
    /// The earlier walks of an archive, as far as their times can be right at `now`.
    pub(super) fn of(archive: &Archive, now: Instant) -> Result<Past> {
        // The list of a workspace that was accepted since then has not been read yet.
        let is_unread = archive.has_unread_workspace()?;
        let last_whole_walk_at = archive.last_whole_walk_at(now)?.filter(|_| !is_unread);
        Ok(Past {
            watermark: archive.watermark()?,
            last_whole_walk_at,
            interrupted: archive.interrupted_first_walk()?,
        })
    }
}

impl Plan {
    /// Decides what to read at `now`.
    pub(super) fn new(past: &Past, options: &Options, now: Instant) -> Plan {
        let whole = |kind, reason: String| Plan { kind, reason, resumes: None, boundary: None };
        // A run that is dated in the future must not shorten the lookback.
        let below = |watermark: Instant| watermark.min(now).plus(-options.lookback);
        // Only the whole list shows which runs are missing.
        let full = options.full || options.confirm_vanished;
        match *past {
            Past { watermark: Some(watermark), last_whole_walk_at: Some(at), .. } => {
                if full {
                    whole(SyncKind::Full, "requested".to_owned())
                } else if at > trusted_until(now) {
                    whole(SyncKind::Full, format!("the last full walk began at {at}, in the future"))
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
    fn a_time_in_the_future_is_not_trusted() {
        let options = Options::default();
        let plan = Plan::new(&read(20, 31), &options, day(21));
        assert_eq!((plan.kind, plan.boundary), (SyncKind::Full, None));
        assert_eq!(plan.reason, "the last full walk began at 2026-01-31T00:00:00.000000Z, in the future");
        let adjusted = Plan::new(&read(20, 21), &options, day(21).plus(-TimeDelta::minutes(1)));
        assert_eq!(adjusted.kind, SyncKind::Incremental);
        // The lookback begins now, not at the date of the newest run.
        let dated = Past { watermark: Some(Instant::MAX), ..read(20, 20) };
        assert_eq!(Plan::new(&dated, &options, day(21)).boundary, Some(day(14)));
        let cursor = Cursor { created_at: day(5), run_id: Uuid::nil() };
        let first = FirstWalk { started_at: day(20), page_size: 100, page: 7, cursor, top: Instant::MAX };
        let past = Past { watermark: None, last_whole_walk_at: None, interrupted: Some(first) };
        assert_eq!(Plan::new(&past, &options, day(21)).boundary, Some(day(14)));
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
