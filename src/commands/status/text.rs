//! The status of an archive as text.

use super::open::OpenSummary;
use crate::commands::shared::facts::{Facts, Moments, from_here, notes, title};
use crate::commands::shared::numbers::{grouped, grouped_count, signed, unsettled_parts};
use crate::commands::shared::span::format_span;
use crate::error::Result;
use crate::escape::shell_word;
use crate::export::terminal::{DECIMALS, Role, Screen};
use crate::language::Language;
use crate::report::latest_close::LatestClose;
use crate::report::month_states::{CLOSED, RUNNING};
use crate::report::{DateBasis, month_cost};
use crate::run::{Instant, Usd};
use crate::store::{Archive, ArchiveStats, Freshness, LastComplete, SyncRow};
use chrono::TimeDelta;

/// What the status is computed from.
pub(super) struct Status<'a> {
    pub(super) archive: &'a Archive,
    pub(super) contents: &'a ArchiveStats,
    pub(super) open: &'a OpenSummary,
    /// The last sync. `None`: there was none.
    pub(super) last: Option<&'a SyncRow>,
    pub(super) freshness: Freshness,
    /// Whether the last complete sync is older than `--max-age`.
    pub(super) is_stale: bool,
    pub(super) moments: Moments,
    /// The date basis of the settings. `None`: they have none, or they are invalid.
    pub(super) date_basis: Option<DateBasis>,
    pub(super) now: Instant,
    /// The flag that commands need to find the archive: ` --db FILE`, or nothing.
    pub(super) flag: &'a str,
}

impl Status<'_> {
    /// The lines: a title, the facts, and what to do next.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(super) fn text(&self, screen: &Screen) -> Result<String> {
        let subject = format!("Archive {}", from_here(self.archive.path()));
        let mut lines = title(subject, &self.moments.context(), screen);
        lines.push(String::new());
        lines.extend(self.facts()?.lines(screen));
        lines.push(String::new());
        let flag = self.flag;
        let cost = format!("Next: runledger report cost{flag}");
        let failures = format!("runledger runs{flag} --status failed");
        let check = format!("runledger check{flag}");
        let nothing = format!("Nothing archived yet: NEKT_API_KEY=… runledger sync{flag}");
        lines.extend(match self.contents.runs {
            0 => notes(&[&nothing], screen),
            _ => notes(&[&cost, &failures, &check], screen),
        });
        Ok(lines.join("\n"))
    }

    fn facts(&self) -> Result<Facts> {
        let Status { archive, contents, freshness, .. } = self;
        let mut facts = Facts::default();
        self.add_syncs(&mut facts);
        if freshness.observations_ahead > TimeDelta::zero() {
            let ahead = format_span(freshness.observations_ahead);
            let text = format!("observations are {ahead} ahead of it: a sync ran with a wrong clock");
            facts.add_as(Role::Warning, "Clock", text);
        }
        let mut runs =
            format!("{} of {}", grouped(contents.runs), grouped_count(contents.pipelines, "pipeline"));
        if let (Some(oldest), Some(newest)) = (contents.oldest_booked_at, contents.newest_booked_at) {
            runs.push_str(&format!(", {} to {}", self.local(oldest), self.local(newest)));
        }
        facts.add("Runs", runs);
        if let Some(cost) = self.cost()? {
            facts.add("Cost", cost);
        }
        facts.add("Closed", self.closed()?);
        self.open.add_to(&mut facts);
        match contents.unsettled.total() {
            0 => facts.count("Unsettled", 0, ""),
            total => {
                let parts = unsettled_parts(contents.unsettled);
                // A running pipeline is no reason to worry.
                facts.add("Unsettled", format!("{}: {}", grouped(total), parts.join(", ")));
            }
        }
        facts.add_as(
            if contents.vanished == 0 { Role::Dim } else { Role::Plain },
            "Vanished",
            match contents.vanished {
                0 => "0".to_owned(),
                vanished => format!("{}, kept here", grouped(vanished)),
            },
        );
        if contents.suspected > 0 {
            let advice = format!(
                "missing from the run list, and not known to be deleted; if they are, run `runledger sync \
                 --confirm-vanished --db {}`",
                shell_word(archive.path())
            );
            facts.count("Suspected", contents.suspected, &advice);
        }
        facts.count(
            "Quarantined",
            contents.quarantined,
            "`runledger query 'SELECT * FROM quarantine'` shows them",
        );
        facts.count("Unreadable", contents.unreadable, "the API fails to return them");
        for gap in archive.list_gaps()?.iter().filter(|gap| gap.is_missing()) {
            facts.add("", gap.to_string());
        }
        facts.count("API drift", contents.drift, "`runledger drift` lists it; everything is kept");
        let since = contents.archived_since.map_or(String::new(), |at| format!(" since {}", self.local(at)));
        let (size, states) = (in_mib(contents.file_bytes), grouped_count(contents.snapshots, "state"));
        facts.add(
            "File",
            format!("{size}, {states} of runs, {}{since}", grouped_count(contents.syncs, "sync")),
        );
        if archive.has_large_log() {
            let text = format!(
                "{}: a long-running reader keeps, or kept, it from shrinking; the first sync after the reader ends \
                 empties it",
                in_mib(contents.log_bytes)
            );
            facts.add_as(Role::Warning, "Log", text);
        }
        Ok(facts)
    }

    /// The last sync, and the last complete one if that is another.
    fn add_syncs(&self, facts: &mut Facts) {
        let role = if self.is_stale { Role::Error } else { Role::Plain };
        let mut shown = None;
        if let Some(sync) = self.last {
            let at = sync.clock_started_at.unwrap_or(sync.started_at);
            shown = Some(at);
            facts.add_as(role, "Last sync", format!("{}: {}", self.with_age(at), outcome(sync)));
            if let Some(error) = &sync.error {
                facts.add_as(Role::Error, "", error.replace('\n', " "));
            }
        } else {
            facts.add_as(role, "Last sync", "never");
        }
        match self.freshness.last_complete {
            LastComplete::At(at) if shown == Some(at) => {}
            LastComplete::At(at) => facts.add_as(role, "Complete", self.with_age(at)),
            LastComplete::InFuture(at) => {
                let text = format!("{}, in the future: the clock was wrong", self.local(at));
                facts.add_as(Role::Error, "Complete", text);
            }
            LastComplete::Never if shown.is_some() => facts.add_as(Role::Warning, "Complete", "never"),
            LastComplete::Never => {}
        }
    }

    /// The cost of the running month. `None`: there are no runs, or every run would have to be read for it.
    fn cost(&self) -> Result<Option<String>> {
        let Some(moment) = self.moments.moment.filter(|_| self.contents.runs > 0) else { return Ok(None) };
        let latest = || LatestClose::of(self.archive, None).ok().flatten().map(|close| close.date);
        let date = self.date_basis.or_else(latest).unwrap_or_default();
        let Some((month, totals)) = month_cost::around(self.archive, moment, self.moments.zone, date)? else {
            return Ok(None);
        };
        let cost = match (totals.total(), totals.runs) {
            (_, 0) => "no runs".to_owned(),
            (None, _) => "no known cost".to_owned(),
            (Some(total), _) => usd(total),
        };
        let unknown = match totals.runs_cost_unknown {
            0 => String::new(),
            runs => format!(", {}: cost not known", grouped_count(runs, "run")),
        };
        Ok(Some(format!("{cost} in {month} {RUNNING}{unknown}")))
    }

    /// The latest closed month, with what it was closed with, and what has changed since.
    fn closed(&self) -> Result<String> {
        let months = self.archive.closed_months(None)?;
        let Some(last) = months.last() else { return Ok("no month yet".to_owned()) };
        let total = last.total_cost_nanos.map(|nanos| Usd::from_units(nanos.into()));
        let total = total.map_or("an unknown cost".to_owned(), usd);
        let since = match month_cost::change_since_close(self.archive, last)? {
            None => String::new(),
            Some(change) if change.units() == 0 => ", unchanged since".to_owned(),
            Some(change) => format!(", {} since", signed(change)),
        };
        let last = format!("{} {CLOSED} with {total}{since}", last.period);
        Ok(match months.len() as u64 {
            1 => last,
            count => format!("{}, the latest {last}", grouped_count(count, "month")),
        })
    }

    fn local(&self, at: Instant) -> String {
        self.moments.local(at)
    }

    /// The instant, and how long ago that is: `27 Nov 09:06, 2 min ago`.
    fn with_age(&self, at: Instant) -> String {
        let age = self.now.to_utc() - at.to_utc();
        let is_past = age >= TimeDelta::zero();
        let age = if is_past { format!(", {} ago", format_span(age)) } else { String::new() };
        format!("{}{age}", self.local(at))
    }
}

/// An amount with separated thousands: `1,277.56 USD`.
fn usd(amount: Usd) -> String {
    format!("{} USD", Language::English.number(&amount.to_fixed(DECIMALS)))
}

/// The outcome of a sync. One marked as running is still running or was killed.
fn outcome(sync: &SyncRow) -> String {
    let outcome = match sync.outcome.as_str() {
        "running" => format!("running in process {}, or killed", sync.process_id),
        outcome => outcome.to_owned(),
    };
    let tally = &sync.counts;
    let counts = [(tally.new, "new"), (tally.changed, "changed"), (tally.vanished, "vanished")];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let counts: String = counts.map(|(count, what)| format!(", {} {what}", grouped(count))).collect();
    format!("{outcome} ({}){}", sync.kind, if counts.is_empty() { ", nothing new" } else { &counts })
}

fn in_mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1024.0 * 1024.0))
}
