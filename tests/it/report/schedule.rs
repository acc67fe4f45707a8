//! The report on schedules: every run that came on time is found, and so is every one that did not come.

use crate::support::ledger;
use crate::support::scheduled::{Scheduled, cron, event, triggered_by, utc};
use chrono::{DateTime, Datelike, NaiveDate, Offset, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use runledger::internal::report::filter::RunFilter;
use runledger::internal::report::schedule::{
    DEFAULT_GRACE, PipelinePunctuality, Punctuality, Standing, StartedBy,
};
use runledger::internal::report::{Ledger, Scope, Span};
use runledger::internal::run::Instant;
use rusqlite::Connection;

/// Zones whose clocks change, some of them at midnight and one by half an hour.
const ZONES: [Tz; 10] = [
    Tz::America__New_York,
    Tz::America__Santiago,
    Tz::America__Havana,
    Tz::Europe__Berlin,
    Tz::Europe__London,
    Tz::Africa__Cairo,
    Tz::Asia__Jerusalem,
    Tz::Australia__Lord_Howe,
    Tz::Australia__Sydney,
    Tz::Pacific__Auckland,
];

const EXPRESSIONS: [&str; 12] = [
    "30 2 * * *",
    "0 0 * * *",
    "15 0 * * *",
    "15 1 * * *",
    "59 23 * * *",
    "*/15 * * * *",
    "10 * * * *",
    "0 */6 * * *",
    "15 0-3 * * *",
    "0,30 2 * * 1-5",
    "5 3 * * 0",
    "0 12 1,15 * 2,4,6",
];

/// In how many turns the runs are removed. The neighbors of a removed run stay.
const TURNS: usize = 3;

/// The values that a field of a cron expression matches.
fn field(text: &str, least: u32, most: u32) -> Vec<u32> {
    let mut values = Vec::new();
    for part in text.split(',') {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let (from, to) = match (range, range.split_once('-')) {
            ("*", _) => (least, most),
            (_, Some((from, to))) => (from.parse().unwrap(), to.parse().unwrap()),
            (one, None) => (one.parse().unwrap(), one.parse().unwrap()),
        };
        values.extend((from..=to).step_by(step.parse().unwrap()));
    }
    values
}

/// The due times by a walk over every minute, and by a search for times that the clock skips.
fn walked(expression: &str, zone: Tz, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let fields: Vec<&str> = expression.split(' ').collect();
    let (minutes, hours) = (field(fields[0], 0, 59), field(fields[1], 0, 23));
    let (days, weekdays) = (field(fields[2], 1, 31), field(fields[4], 0, 6));
    // Either of the two, if both are restricted.
    let is_either = fields[2] != "*" && fields[4] != "*";
    let is_day = |day: NaiveDate| {
        let (one, other) =
            (days.contains(&day.day()), weekdays.contains(&day.weekday().num_days_from_sunday()));
        if is_either { one || other } else { one && other }
    };
    let is_fixed = minutes.len() == 1 && hours.len() == 1;
    let mut due = Vec::new();
    if is_fixed {
        let mut day = from.with_timezone(&zone).date_naive().pred_opt().unwrap();
        while day <= until.with_timezone(&zone).date_naive() {
            if is_day(day) {
                let mut local = day.and_hms_opt(hours[0], minutes[0], 0).unwrap();
                // The first instant after a gap.
                while zone.from_local_datetime(&local).earliest().is_none() {
                    local += TimeDelta::seconds(1);
                }
                due.push(zone.from_local_datetime(&local).earliest().unwrap().to_utc());
            }
            day = day.succ_opt().unwrap();
        }
    } else {
        let mut at = from;
        while at < until {
            let local = at.with_timezone(&zone);
            if minutes.contains(&local.minute())
                && hours.contains(&local.hour())
                && is_day(local.date_naive())
            {
                due.push(at);
            }
            at += TimeDelta::minutes(1);
        }
    }
    due.retain(|at| from <= *at && *at < until);
    due.dedup();
    due
}

/// The hour before each of the two clock changes of 2026.
fn clock_changes(zone: Tz) -> Vec<DateTime<Utc>> {
    let offset = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix();
    let hours = (0..365 * 24).map(|hour| utc("2026-01-01T00:00:00Z") + TimeDelta::hours(hour));
    hours.filter(|at| offset(*at) != offset(*at + TimeDelta::hours(1))).collect()
}

fn punctuality(archive: &Connection, span: Span, as_of: Option<DateTime<Utc>>) -> Punctuality {
    let as_of = as_of.map(|at| Instant::from_utc(at).unwrap());
    let ledger = Ledger::open(archive, Scope { span, as_of, ..Scope::default() }).unwrap();
    Punctuality::of(&ledger, &RunFilter::default(), None).unwrap().unwrap()
}

fn since(from: DateTime<Utc>) -> Span {
    Span { from: Instant::from_utc(from), until: None }
}

fn missing(pipeline: &PipelinePunctuality) -> Vec<DateTime<Utc>> {
    pipeline.missing_since(DateTime::<Utc>::MIN_UTC).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_run_on_time_is_found_and_every_removed_run_is_missing(
        zone in prop::sample::select(&ZONES[..]),
        change in 0..2_usize,
        expressions in prop::sample::subsequence(&EXPRESSIONS[..], 3),
        knows_settings: bool,
        late in 0..240_i64,
    ) {
        let change = clock_changes(zone)[change];
        let (from, now) = (change - TimeDelta::hours(75), change + TimeDelta::hours(77));
        let archive = ledger::empty();
        let rows = Scheduled(&archive);
        rows.sync(from - TimeDelta::days(1), "complete");
        rows.sync(now, "complete");
        let mut expected = Vec::new();
        for (place, expression) in expressions.iter().enumerate() {
            let (id, trigger) = (format!("s-{place}"), cron(expression, zone.name()));
            let settings = knows_settings.then(|| triggered_by(&trigger));
            rows.state(&id, from - TimeDelta::days(1), true, settings.as_deref());
            let due = walked(expression, zone, from, now);
            for at in &due {
                rows.run(&id, *at + TimeDelta::seconds(late), &trigger, "success");
            }
            expected.push(due);
        }
        let found = punctuality(&archive, since(from), None);
        for (place, due) in expected.iter().enumerate() {
            let id = format!("s-{place}");
            let Some(pipeline) = found.pipelines.iter().find(|pipeline| pipeline.pipeline_id == id) else {
                prop_assert!(due.is_empty() && !knows_settings, "{} in {zone}", expressions[place]);
                continue;
            };
            prop_assert_eq!(pipeline.standing(), Standing::Ok);
            let times: Vec<DateTime<Utc>> = pipeline.due.iter().map(|due| due.due_at).collect();
            prop_assert_eq!(&times, due, "{} in {}", expressions[place], zone);
            prop_assert!(pipeline.due.iter().all(|due| due.run.is_some()));
        }
        // Without settings, the first run shows the schedule.
        let first = usize::from(!knows_settings);
        for turn in 0..TURNS {
            archive.execute_batch("SAVEPOINT removed").unwrap();
            let is_removed = |nth: &usize| *nth >= first && nth % TURNS == turn;
            for (place, due) in expected.iter().enumerate() {
                for (_, at) in due.iter().enumerate().filter(|(nth, _)| is_removed(nth)) {
                    let sql = "DELETE FROM run_snapshots WHERE source = ?1 AND created_at = ?2";
                    let created_at = Instant::from_utc(*at + TimeDelta::seconds(late));
                    prop_assert_eq!(archive.execute(sql, (format!("s-{place}"), created_at)).unwrap(), 1);
                }
            }
            let found = punctuality(&archive, since(from), None);
            archive.execute_batch("ROLLBACK TO removed").unwrap();
            for (place, due) in expected.iter().enumerate() {
                let id = format!("s-{place}");
                let Some(pipeline) = found.pipelines.iter().find(|pipeline| pipeline.pipeline_id == id) else {
                    continue;
                };
                // A run that is not late yet is not missing.
                let removed = due.iter().enumerate().filter(|(nth, at)| is_removed(nth) && **at + DEFAULT_GRACE < now);
                let removed: Vec<DateTime<Utc>> = removed.map(|(_, at)| *at).collect();
                prop_assert_eq!(missing(pipeline), removed, "{} in {}", expressions[place], zone);
            }
        }
    }
}

/// An archive with one daily source, and the moment of its last sync.
struct Daily {
    archive: Connection,
    trigger: String,
    now: DateTime<Utc>,
}

impl Daily {
    /// Runs at 3:00 on the first days of March, except on `missing`. Syncs each hour from 4:00 on until the 11th.
    fn without(missing: &[u32], settings: Option<&str>) -> Daily {
        let daily = Daily {
            archive: ledger::empty(),
            trigger: cron("0 3 * * *", "UTC"),
            now: utc("2026-03-11T12:00:00Z"),
        };
        let mut sync = utc("2026-03-01T04:00:00Z");
        while sync <= daily.now {
            daily.rows().sync(sync, "complete");
            sync += TimeDelta::hours(1);
        }
        daily.rows().state("s-1", utc("2026-03-01T04:00:00Z"), true, settings);
        for day in (1..=11).filter(|day| !missing.contains(day)) {
            daily.rows().run("s-1", Daily::at(day, 3), &daily.trigger, "success");
        }
        daily
    }

    fn at(day: u32, hour: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 3, day, hour, 0, 0).unwrap()
    }

    fn rows(&self) -> Scheduled<'_> {
        Scheduled(&self.archive)
    }

    fn pipeline(&self, span: Span) -> PipelinePunctuality {
        self.pipeline_as_of(span, None)
    }

    fn pipeline_as_of(&self, span: Span, as_of: Option<DateTime<Utc>>) -> PipelinePunctuality {
        let found = punctuality(&self.archive, span, as_of).pipelines;
        found.into_iter().find(|pipeline| pipeline.pipeline_id == "s-1").unwrap()
    }

    fn missing_days(&self) -> Vec<u32> {
        missing(&self.pipeline(since(Daily::at(1, 0)))).iter().map(Datelike::day).collect()
    }
}

#[test]
fn a_pipeline_is_overdue_until_a_run_comes() {
    let daily = Daily::without(&[7, 10, 11], None);
    let pipeline = daily.pipeline(since(Daily::at(5, 0)));
    assert_eq!((pipeline.expected(), pipeline.found(), pipeline.missing()), (7, 4, 3));
    assert_eq!(pipeline.standing(), Standing::Overdue);
    assert_eq!(pipeline.overdue_since, Some(Daily::at(10, 3)));
    assert_eq!(pipeline.next_due_at, Some(Daily::at(12, 3)));
    assert_eq!(pipeline.last_run_at, Some(Daily::at(9, 3)));
    // A late run ends it, although the run of the 10th stays missing.
    daily.rows().run("s-1", Daily::at(11, 9), &daily.trigger, "running");
    let pipeline = daily.pipeline(since(Daily::at(5, 0)));
    assert_eq!((pipeline.standing(), pipeline.missing(), pipeline.created_late()), (Standing::Missing, 2, 1));
    assert_eq!(pipeline.overdue_since, None);
    let recent = punctuality(&daily.archive, since(Daily::at(5, 0)), None);
    assert_eq!(recent.overdue().count(), 0);
    let missing: Vec<_> = recent.missing_since(Daily::at(8, 0)).map(|(_, missing)| missing).collect();
    assert_eq!(missing, [[Daily::at(10, 3)]]);
}

#[test]
fn an_overdue_run_counts_although_it_was_due_before_the_period() {
    let daily = Daily::without(&[11], None);
    let pipeline = daily.pipeline(since(Daily::at(11, 10)));
    assert_eq!((pipeline.expected(), pipeline.overdue_since), (0, Some(Daily::at(11, 3))));
    // A period that ended before the last sync says nothing about now.
    let past = Span { until: Instant::from_utc(Daily::at(11, 4)), ..since(Daily::at(1, 0)) };
    let pipeline = daily.pipeline(past);
    assert_eq!((pipeline.missing(), pipeline.overdue_since, pipeline.next_due_at), (1, None, None));
}

#[test]
fn a_manual_run_satisfies_no_due_time() {
    let daily = Daily::without(&[6], None);
    daily.rows().run("s-1", Daily::at(6, 3), r#"{"type":"manual"}"#, "success");
    assert_eq!(daily.missing_days(), [6]);
}

#[test]
fn nothing_is_expected_while_a_pipeline_is_off_or_a_draft() {
    for off in [None, Some(r#"{"draft":true}"#), Some(r#"{"trigger":{"type":"manual"}}"#)] {
        let settings = off.map(|_| triggered_by(&cron("0 3 * * *", "UTC")));
        let daily = Daily::without(&[4, 5, 6, 7, 9], settings.as_deref());
        daily.rows().state("s-1", Daily::at(5, 1), off.is_some(), off);
        daily.rows().state("s-1", Daily::at(7, 12), true, settings.as_deref());
        assert_eq!(daily.missing_days(), [4, 9], "{off:?}");
    }
}

#[test]
fn a_changed_schedule_applies_from_its_first_evidence() {
    // Without settings, the runs show it: the days between the last old and the first new run are not known.
    let daily = Daily::without(&[3, 5, 6, 7, 8, 9, 10, 11], None);
    let noon = cron("0 12 * * *", "UTC");
    for day in [8, 10] {
        daily.rows().run("s-1", Daily::at(day, 12), &noon, "success");
    }
    assert_eq!(daily.missing_days(), [3, 9]);
    // With settings, it applies from the sync that saw them.
    let daily = Daily::without(&[3, 5, 6, 7, 8, 9, 10, 11], Some(&triggered_by(&cron("0 3 * * *", "UTC"))));
    daily.rows().state("s-1", Daily::at(6, 6), true, Some(&triggered_by(&noon)));
    for day in [8, 10] {
        daily.rows().run("s-1", Daily::at(day, 12), &noon, "success");
    }
    assert_eq!(daily.missing_days(), [3, 5, 6, 6, 7, 9]);
}

#[test]
fn a_schedule_that_the_last_sync_found_has_the_next_due_time() {
    let daily = Daily::without(&[], Some(&triggered_by(&cron("0 3 * * *", "UTC"))));
    let found_at = daily.now + TimeDelta::seconds(10);
    daily.rows().state("s-1", found_at, true, Some(&triggered_by(&cron("0 13 * * *", "UTC"))));
    let pipeline = daily.pipeline(since(Daily::at(5, 0)));
    assert_eq!((pipeline.standing(), pipeline.expected()), (Standing::Ok, 7));
    assert_eq!(pipeline.next_due_at, Some(Daily::at(11, 13)));
    assert_eq!(pipeline.schedules, ["0 13 * * * UTC"]);
}

#[test]
fn an_unreadable_new_schedule_is_counted_and_not_expected() {
    for (expression, zone) in
        [("every day at noon", "UTC"), ("61 3 * * *", "UTC"), ("0 3 * * *", "Mars/Phobos")]
    {
        let daily = Daily::without(&[5, 7, 8, 9, 10, 11], Some(&triggered_by(&cron("0 3 * * *", "UTC"))));
        let counted = || punctuality(&daily.archive, since(Daily::at(1, 0)), None).newly_unreadable;
        assert_eq!((counted(), daily.missing_days()), (0, vec![5, 7, 8, 9, 10, 11]));
        daily.rows().state("s-1", Daily::at(6, 6), true, Some(&triggered_by(&cron(expression, zone))));
        assert_eq!((counted(), daily.missing_days()), (1, vec![5]), "{expression} {zone}");
    }
}

#[test]
fn a_pipeline_that_the_catalog_does_not_have_is_not_overdue() {
    let daily = Daily::without(&[6, 10, 11], None);
    daily.archive.execute("DELETE FROM pipeline_snapshots", []).unwrap();
    assert_eq!(daily.missing_days(), [6]);
}

#[test]
fn only_a_complete_sync_shows_that_a_run_is_missing() {
    let daily = Daily::without(&[11], None);
    let archive = &daily.archive;
    let as_known = || punctuality(archive, since(Daily::at(1, 0)), None);
    assert!(!as_known().completeness.runs_may_be_absent);
    archive.execute("DELETE FROM syncs WHERE started_at > '2026-03-11T03:30:00'", []).unwrap();
    daily.rows().sync(Daily::at(11, 4), "interrupted");
    let found = as_known();
    assert_eq!(found.completeness.until, Daily::at(11, 3));
    assert!(found.completeness.runs_may_be_absent);
    assert_eq!(found.pipelines[0].missing(), 0);
    daily.rows().sync(Daily::at(11, 5), "partial");
    let found = as_known();
    assert_eq!((found.completeness.runs_may_be_absent, found.pipelines[0].missing()), (true, 1));
    daily.rows().sync(Daily::at(11, 6), "complete");
    assert!(!as_known().completeness.runs_may_be_absent);
    archive.execute_batch("PRAGMA foreign_keys = 0; DELETE FROM syncs").unwrap();
    let ledger = Ledger::open(archive, Scope::default()).unwrap();
    assert_eq!(Punctuality::of(&ledger, &RunFilter::default(), None).unwrap(), None);
}

#[test]
fn an_earlier_moment_answers_as_it_was_known() {
    let daily = Daily::without(&[6], None);
    let as_of = |day, hour| {
        let pipeline = daily.pipeline_as_of(since(Daily::at(1, 0)), Some(Daily::at(day, hour)));
        (pipeline.expected(), pipeline.missing(), pipeline.overdue_since)
    };
    // The syncs of full hours end half a minute later.
    assert_eq!(as_of(6, 4), (5, 0, None));
    assert_eq!(as_of(6, 5), (6, 1, Some(Daily::at(6, 3))));
    assert_eq!(as_of(7, 5), (7, 1, None));
}

#[test]
fn events_need_a_run_after_each_success_of_a_parent() {
    let now = Daily::at(9, 0);
    let archive = ledger::empty();
    let rows = Scheduled(&archive);
    rows.sync(Daily::at(1, 0), "complete");
    rows.sync(now, "complete");
    rows.state("parent", Daily::at(1, 0), true, None);
    rows.state("child", Daily::at(1, 0), true, Some(&triggered_by(&event("any", &["parent-slug"]))));
    rows.state("lost", Daily::at(1, 0), true, Some(&triggered_by(&event("any", &["gone"]))));
    let (by_schedule, by_event) = (cron("0 3 * * *", "UTC"), r#"{"type":"event"}"#);
    for day in 2..=8 {
        let status = if day == 4 || day == 8 { "failed" } else { "success" };
        rows.run("parent", Daily::at(day, 3), &by_schedule, status);
        if ![4, 6, 8].contains(&day) {
            // The parent ends at 3:10:20.
            let late = if day == 7 { TimeDelta::hours(1) } else { TimeDelta::zero() };
            rows.run("child", Daily::at(day, 3) + TimeDelta::seconds(625) + late, by_event, "success");
        }
    }
    let found = punctuality(&archive, since(Daily::at(1, 0)), None);
    assert_eq!((found.parents_unknown, found.pipelines.len()), (1, 2));
    let child = found.pipelines.iter().find(|pipeline| pipeline.started_by == StartedBy::Events).unwrap();
    let days = |times: &[DateTime<Utc>]| times.iter().map(Datelike::day).collect::<Vec<_>>();
    assert_eq!((child.expected(), child.found(), child.created_late()), (5, 4, 1));
    assert_eq!((days(&missing(child)), days(&child.failed_parents)), (vec![6], vec![4, 8]));
    assert_eq!(child.standing(), Standing::Missing);
}
