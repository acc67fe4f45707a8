//! This is `runledger status --check`: the archive's state in the one line, and the exit codes, that Nagios and its like understand.
//!
//! It follows the Monitoring Plugins Development Guidelines: what is wrong with the archive is CRITICAL, and what
//! kept this program from looking is UNKNOWN.

use crate::cli::time_span;
use crate::commands::shared::output::say;
use crate::error::{Error, Result};
use crate::escape::escape_control;
use crate::run::Instant;
use crate::store::{Archive, ArchiveStats};
use crate::sync::Clock;
use crate::sync::SystemClock;
use chrono::TimeDelta;
use clap::Args;
use std::path::Path;

/// How a monitoring system that runs plugins of Nagios is answered.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "As a plugin of Nagios")]
pub struct NagiosArgs {
    /// Answer in one line with Nagios's own exit codes: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN
    #[arg(long, conflicts_with_all = ["json", "max_age"])]
    pub check: bool,

    /// WARNING when the last complete sync began longer ago than this
    #[arg(long, value_name = "SPAN", default_value = "26h", value_parser = time_span, requires = "check")]
    pub warning: TimeDelta,

    /// CRITICAL when it began longer ago than this
    #[arg(long, value_name = "SPAN", default_value = "50h", value_parser = time_span, requires = "check")]
    pub critical: TimeDelta,

    /// WARNING when more items than this are in quarantine
    #[arg(long, value_name = "N", default_value_t = 0, requires = "check")]
    pub max_quarantined: u64,

    /// WARNING when more than this is known that the API's contract does not know; without it never
    #[arg(long, value_name = "N", requires = "check")]
    pub max_drift: Option<u64>,
}

/// What a plugin can say. A later one outweighs those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// All is well.
    Ok,
    /// Somebody should look.
    Warning,
    /// Somebody must look.
    Critical,
    /// It could not be found out.
    Unknown,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            State::Ok => "OK",
            State::Warning => "WARNING",
            State::Critical => "CRITICAL",
            State::Unknown => "UNKNOWN",
        }
    }

    fn exit_code(self) -> u8 {
        match self {
            State::Ok => 0,
            State::Warning => 1,
            State::Critical => 2,
            State::Unknown => 3,
        }
    }
}

/// Tells the state on the standard output, and gives Nagios's exit code of it.
///
/// # Errors
/// [`Error::Output`] when nobody can be told.
pub fn run(args: &NagiosArgs, settle: TimeDelta, path: &Path) -> Result<u8> {
    let now = SystemClock.now();
    match look(args, settle, path, now) {
        Ok((contents, fresh_since)) => {
            let (state, words) = judge(args, &contents, fresh_since, now);
            let measured = measured(args, &contents, fresh_since, now);
            answer(state, &format!("{words} | {measured}"))
        }
        Err(error) => refuse(&error.in_archive(path)),
    }
}

/// Tells that it could not look, or that there is nothing to look at, and gives Nagios's exit code of that.
///
/// # Errors
/// As [`run`].
pub fn refuse(error: &Error) -> Result<u8> {
    let state = match error {
        Error::Archive { .. } | Error::Sqlite(_) => State::Critical,
        _ => State::Unknown,
    };
    // What follows a bar would be taken for measurements.
    answer(state, &error.on_one_line().replace('|', "/"))
}

fn answer(state: State, words: &str) -> Result<u8> {
    say(&format!("RUNLEDGER {} - {}", state.as_str(), escape_control(words)))?;
    Ok(state.exit_code())
}

fn look(
    args: &NagiosArgs,
    settle: TimeDelta,
    path: &Path,
    now: Instant,
) -> Result<(ArchiveStats, Option<Instant>)> {
    if args.critical < args.warning {
        return Err(Error::usage("--critical is shorter than --warning, which is 26h unless it is given"));
    }
    let archive = Archive::open_for_reading(path)?;
    let contents = archive.contents(now.plus(-settle))?;
    Ok((contents, archive.last_complete_sync()?.map(|sync| sync.started_at)))
}

/// How long ago it was. A clock that went back makes nothing older than the present.
fn age(at: Instant, now: Instant) -> TimeDelta {
    (now.to_utc() - at.to_utc()).max(TimeDelta::zero())
}

/// The state, and why it is that.
fn judge(
    args: &NagiosArgs,
    contents: &ArchiveStats,
    fresh_since: Option<Instant>,
    now: Instant,
) -> (State, String) {
    let mut findings = Vec::new();
    let fed = match fresh_since {
        None => {
            findings.push(State::Critical);
            "no sync was ever complete".to_owned()
        }
        Some(at) => {
            let age = age(at, now);
            if age > args.critical {
                findings.push(State::Critical);
            } else if age > args.warning {
                findings.push(State::Warning);
            }
            format!("last complete sync {} ago", in_words(age))
        }
    };
    if contents.quarantined > args.max_quarantined {
        findings.push(State::Warning);
    }
    if args.max_drift.is_some_and(|most| contents.drift > most) {
        findings.push(State::Warning);
    }
    let words = format!(
        "{fed}, {} runs, {} unsettled, {} quarantined, {} drift",
        contents.runs, contents.unsettled, contents.quarantined, contents.drift
    );
    (findings.into_iter().max().unwrap_or(State::Ok), words)
}

/// Such as `2 d 3 h`, `3 h 5 min` or `45 s`.
fn in_words(span: TimeDelta) -> String {
    let (days, hours, minutes) = (span.num_days(), span.num_hours() % 24, span.num_minutes() % 60);
    match (span.num_days(), span.num_hours(), span.num_minutes()) {
        (1.., _, _) => format!("{days} d {hours} h"),
        (_, 1.., _) => format!("{hours} h {minutes} min"),
        (_, _, 1..) => format!("{minutes} min"),
        _ => format!("{} s", span.num_seconds()),
    }
}

/// What was measured: `label=value[unit];warning;critical;least`, each with a blank between.
fn measured(
    args: &NagiosArgs,
    contents: &ArchiveStats,
    fresh_since: Option<Instant>,
    now: Instant,
) -> String {
    let (warning, critical) = (args.warning.num_seconds(), args.critical.num_seconds());
    // `U` is the format's own word for what could not be measured.
    let age = fresh_since.map_or("U".to_owned(), |at| format!("{}s", age(at, now).num_seconds()));
    let most_drift = args.max_drift.map_or(String::new(), |most| most.to_string());
    let values = [
        format!("age={age};{warning};{critical};0"),
        format!("runs={};;;0", contents.runs),
        format!("snapshots={};;;0", contents.snapshots),
        format!("unsettled={};;;0", contents.unsettled),
        format!("vanished={};;;0", contents.vanished),
        format!("quarantined={};{};;0", contents.quarantined, args.max_quarantined),
        format!("drift={};{most_drift};;0", contents.drift),
        format!("size={}B;;;0", contents.file_bytes),
    ];
    values.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::{Cli, Command};
    use clap::Parser;

    fn args(more: &[&str]) -> NagiosArgs {
        let cli = Cli::try_parse_from([&["runledger", "status", "--check"], more].concat()).unwrap();
        let Command::Status(status) = cli.command else { panic!("it is a status") };
        status.nagios
    }

    fn contents() -> ArchiveStats {
        Archive::temporary().unwrap().contents(at("2026-11-23T16:00:00Z")).unwrap()
    }

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    #[test]
    fn the_worst_of_what_is_found_is_the_state() {
        let now = at("2026-11-23T16:00:00Z");
        let state = |more: &[&str], contents: &ArchiveStats, fresh_since: Option<&str>| {
            judge(&args(more), contents, fresh_since.map(at), now).0
        };
        let (good, odd) = (contents(), ArchiveStats { quarantined: 2, drift: 3, ..contents() });
        let (fresh, old, older) = ("2026-11-23T15:00:00Z", "2026-11-22T13:00:00Z", "2026-11-01T00:00:00Z");
        assert_eq!(state(&[], &good, Some(fresh)), State::Ok);
        assert_eq!(state(&[], &good, Some("2026-11-23T17:00:00Z")), State::Ok);
        assert_eq!(state(&[], &good, Some(old)), State::Warning);
        assert_eq!(state(&[], &good, Some(older)), State::Critical);
        assert_eq!(state(&[], &good, None), State::Critical);
        assert_eq!(state(&["--warning", "28h"], &good, Some(old)), State::Ok);
        assert_eq!(state(&["--warning", "1h", "--critical", "2h"], &good, Some(old)), State::Critical);
        assert_eq!(state(&[], &odd, Some(fresh)), State::Warning);
        assert_eq!(state(&[], &odd, Some(older)), State::Critical);
        assert_eq!(state(&["--max-quarantined", "2"], &odd, Some(fresh)), State::Ok);
        assert_eq!(state(&["--max-quarantined", "2", "--max-drift", "2"], &odd, Some(fresh)), State::Warning);
        assert_eq!(state(&["--max-quarantined", "2", "--max-drift", "3"], &odd, Some(fresh)), State::Ok);
    }

    #[test]
    fn a_span_is_told_in_its_two_largest_units() {
        let words = |seconds| in_words(TimeDelta::seconds(seconds));
        assert_eq!(
            [words(0), words(59), words(60), words(3_660), words(93_600)],
            ["0 s", "59 s", "1 min", "1 h 1 min", "1 d 2 h"]
        );
    }
}
