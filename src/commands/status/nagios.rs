//! `runledger status --check`: a check for Nagios and compatible monitoring systems.
//!
//! It follows the Monitoring Plugins Development Guidelines: one line with performance data, and exit codes 0 to 3. A
//! problem with the archive is CRITICAL; a problem that prevents the check is UNKNOWN.

use super::open::OpenSummary;
use crate::cli::time_span;
use crate::commands::Cli;
use crate::commands::shared::output::print_line;
use crate::commands::shared::span::format_span;
use crate::error::{Error, Result};
use crate::escape::escape_control;
use crate::run::Instant;
use crate::store::{Archive, ArchiveStats, Freshness, LastComplete};
use crate::sync::{Clock, SystemClock};
use chrono::TimeDelta;
use clap::{Args, CommandFactory};
use std::path::Path;

/// Options for Nagios.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Nagios plugin")]
pub struct NagiosArgs {
    /// Print one line and exit as a Nagios plugin: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN
    #[arg(long, conflicts_with_all = ["json", "format", "max_age"])]
    pub check: bool,

    /// WARNING if the last complete sync started longer ago than this
    #[arg(
        long,
        value_name = "SPAN",
        default_value = "26h",
        value_parser = time_span,
        requires = "check",
        hide_short_help = true
    )]
    pub warning: TimeDelta,

    /// CRITICAL if the last complete sync started longer ago than this
    #[arg(
        long,
        value_name = "SPAN",
        default_value = "50h",
        value_parser = time_span,
        requires = "check",
        hide_short_help = true
    )]
    pub critical: TimeDelta,

    /// WARNING if more items than this are quarantined
    #[arg(long, value_name = "N", default_value_t = 0, requires = "check", hide_short_help = true)]
    pub max_quarantined: u64,

    /// WARNING if the archive has more undocumented fields, values and types than this [default: never]
    #[arg(long, value_name = "N", requires = "check", hide_short_help = true)]
    pub max_drift: Option<u64>,

    /// WARNING if a run had not ended for longer than this when the last complete sync ended [default: never]
    #[arg(long, value_name = "SPAN", value_parser = time_span, requires = "check", hide_short_help = true)]
    pub max_run_age: Option<TimeDelta>,
}

/// The state that a plugin reports, in order of severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// No problem.
    Ok,
    /// A problem to look into.
    Warning,
    /// A problem that needs action.
    Critical,
    /// The check itself failed.
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

/// Whether the process arguments ask for `status --check`, even if the other arguments are invalid.
pub fn is_requested() -> bool {
    let matches = Cli::command().ignore_errors(true).try_get_matches();
    let status = matches.as_ref().ok().and_then(|matches| matches.subcommand_matches("status"));
    status.is_some_and(|status| matches!(status.try_get_one("check"), Ok(Some(true))))
}

/// Prints the state and returns its exit code.
///
/// # Errors
/// [`Error::Output`] when standard output cannot be written.
pub fn run(args: &NagiosArgs, settle: TimeDelta, path: &Path) -> Result<u8> {
    let now = SystemClock.now();
    match inspect(args, settle, path, now) {
        Ok((contents, open, freshness)) => {
            let (state, text) = evaluate(args, &contents, &open, freshness, now);
            let values = performance_data(args, &contents, &open, freshness, now);
            print_state(state, &format!("{text} | {values}"))
        }
        Err(error) => print_error(&error.in_archive(path)),
    }
}

/// Prints an error as a state and returns its exit code.
///
/// # Errors
/// As [`run`].
pub fn print_error(error: &Error) -> Result<u8> {
    let state = match error {
        Error::Archive { .. } | Error::Sqlite(_) => State::Critical,
        _ => State::Unknown,
    };
    // Nagios parses the text after a bar as performance data.
    print_state(state, &error.on_one_line().replace('|', "/"))
}

fn print_state(state: State, text: &str) -> Result<u8> {
    print_line(&format!("RUNLEDGER {} - {}", state.as_str(), escape_control(text)))?;
    Ok(state.exit_code())
}

fn inspect(
    args: &NagiosArgs,
    settle: TimeDelta,
    path: &Path,
    now: Instant,
) -> Result<(ArchiveStats, OpenSummary, Freshness)> {
    if args.critical < args.warning {
        return Err(Error::usage("--critical must not be shorter than --warning, which defaults to 26h"));
    }
    let archive = Archive::open_for_reading(path)?;
    let contents = archive.stats(now.plus(-settle))?;
    Ok((contents, OpenSummary::without_comparison(&archive)?, archive.freshness(now)?))
}

/// The age of an instant; zero if the clock was adjusted backwards.
fn age(at: Instant, now: Instant) -> TimeDelta {
    (now.to_utc() - at.to_utc()).max(TimeDelta::zero())
}

/// The state, and its description.
fn evaluate(
    args: &NagiosArgs,
    contents: &ArchiveStats,
    open: &OpenSummary,
    freshness: Freshness,
    now: Instant,
) -> (State, String) {
    let mut findings = Vec::new();
    let last_complete = match freshness.last_complete {
        LastComplete::Never => {
            findings.push(State::Critical);
            "no sync has completed yet".to_owned()
        }
        LastComplete::InFuture(at) => {
            findings.push(State::Critical);
            format!("last complete sync at {at}, in the future: its clock was wrong")
        }
        LastComplete::At(at) => {
            let age = age(at, now);
            if age > args.critical {
                findings.push(State::Critical);
            } else if age > args.warning {
                findings.push(State::Warning);
            }
            format!("last complete sync {} ago", format_span(age))
        }
    };
    if contents.quarantined > args.max_quarantined {
        findings.push(State::Warning);
    }
    if args.max_drift.is_some_and(|most| contents.drift > most) {
        findings.push(State::Warning);
    }
    if freshness.clock_went_back {
        findings.push(State::Warning);
    }
    let mut text = format!(
        "{last_complete}, {} runs, {} unsettled, {} quarantined, {} drift",
        contents.runs,
        contents.unsettled.total(),
        contents.quarantined,
        contents.drift
    );
    if contents.suspected > 0 {
        findings.push(State::Warning);
        text.push_str(&format!(", {} suspected missing from the run list", contents.suspected));
    }
    if let Some(most) = args.max_run_age.filter(|most| open.is_older_than(*most)) {
        findings.push(State::Warning);
        let (run, age) =
            (open.oldest_run_id.as_deref().unwrap_or_default(), open.oldest_seconds.unwrap_or(0));
        let (age, most) = (format_span(TimeDelta::seconds(age)), format_span(most));
        text.push_str(&format!(", run {run} open for {age}, longer than {most}"));
    }
    if freshness.observations_ahead > TimeDelta::zero() {
        let ahead = format_span(freshness.observations_ahead);
        text.push_str(&format!(", observations {ahead} ahead of the clock"));
    }
    (findings.into_iter().max().unwrap_or(State::Ok), text)
}

/// Performance data: `label=value[unit];warning;critical;minimum`, separated by spaces.
fn performance_data(
    args: &NagiosArgs,
    contents: &ArchiveStats,
    open: &OpenSummary,
    freshness: Freshness,
    now: Instant,
) -> String {
    let (warning, critical) = (args.warning.num_seconds(), args.critical.num_seconds());
    // `U` is the format's code for an unknown value.
    let age = freshness.last_complete.at();
    let age = age.map_or("U".to_owned(), |at| format!("{}s", self::age(at, now).num_seconds()));
    let most_drift = args.max_drift.map_or(String::new(), |most| most.to_string());
    let oldest = open.oldest_seconds.map_or("0s".to_owned(), |seconds| format!("{seconds}s"));
    let most_age = args.max_run_age.map_or(String::new(), |most| most.num_seconds().to_string());
    let values = [
        format!("age={age};{warning};{critical};0"),
        format!("runs={};;;0", contents.runs),
        format!("snapshots={};;;0", contents.snapshots),
        format!("unsettled={};;;0", contents.unsettled.total()),
        format!("open={};;;0", open.runs),
        format!("oldest_run={oldest};{most_age};;0"),
        format!("vanished={};;;0", contents.vanished),
        format!("suspected={};0;;0", contents.suspected),
        format!("quarantined={};{};;0", contents.quarantined, args.max_quarantined),
        format!("drift={};{most_drift};;0", contents.drift),
        format!("size={}B;;;0", contents.file_bytes),
        format!("ahead={}s;;;0", freshness.observations_ahead.num_seconds()),
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
        let Some(Command::Status(status)) = cli.command else { panic!("the command is status") };
        status.nagios
    }

    fn contents() -> ArchiveStats {
        Archive::temporary().unwrap().stats(at("2026-11-23T16:00:00Z")).unwrap()
    }

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    /// The freshness of an archive whose clock is right.
    fn right() -> Freshness {
        Freshness {
            last_complete: LastComplete::At(at("2026-11-23T15:00:00Z")),
            observations_ahead: TimeDelta::zero(),
            clock_went_back: false,
        }
    }

    #[test]
    fn a_wrong_clock_is_a_finding_until_the_next_sync() {
        let now = at("2026-11-23T16:00:00Z");
        let checked =
            |freshness: Freshness| evaluate(&args(&[]), &contents(), &OpenSummary::default(), freshness, now);
        let ahead = at("2027-11-23T16:00:00Z");
        let (state, text) = checked(Freshness { last_complete: LastComplete::InFuture(ahead), ..right() });
        assert_eq!(state, State::Critical);
        assert!(
            text.starts_with("last complete sync at 2027-11-23T16:00:00.000000Z, in the future"),
            "{text}"
        );
        let ahead = Freshness { observations_ahead: TimeDelta::days(365), ..right() };
        let (state, text) = checked(Freshness { clock_went_back: true, ..ahead });
        assert_eq!(state, State::Warning);
        assert!(text.ends_with(", observations 365 d 0 h ahead of the clock"), "{text}");
        assert_eq!(checked(ahead), (State::Ok, text));
    }

    #[test]
    fn the_most_severe_finding_is_the_state() {
        let now = at("2026-11-23T16:00:00Z");
        let state = |more: &[&str], contents: &ArchiveStats, fresh_since: Option<&str>| {
            let last_complete = fresh_since.map_or(LastComplete::Never, |text| LastComplete::At(at(text)));
            let freshness = Freshness { last_complete, ..right() };
            evaluate(&args(more), contents, &OpenSummary::default(), freshness, now).0
        };
        let (good, issues) = (contents(), ArchiveStats { quarantined: 2, drift: 3, ..contents() });
        let (fresh, old, older) = ("2026-11-23T15:00:00Z", "2026-11-22T13:00:00Z", "2026-11-01T00:00:00Z");
        assert_eq!(state(&[], &good, Some(fresh)), State::Ok);
        assert_eq!(state(&[], &good, Some("2026-11-23T17:00:00Z")), State::Ok);
        assert_eq!(state(&[], &good, Some(old)), State::Warning);
        assert_eq!(state(&[], &good, Some(older)), State::Critical);
        assert_eq!(state(&[], &good, None), State::Critical);
        assert_eq!(state(&["--warning", "28h"], &good, Some(old)), State::Ok);
        assert_eq!(state(&["--warning", "1h", "--critical", "2h"], &good, Some(old)), State::Critical);
        assert_eq!(state(&[], &issues, Some(fresh)), State::Warning);
        assert_eq!(state(&[], &issues, Some(older)), State::Critical);
        let suspected = ArchiveStats { suspected: 1, ..contents() };
        assert_eq!(state(&[], &suspected, Some(fresh)), State::Warning);
        assert_eq!(state(&["--max-quarantined", "2"], &issues, Some(fresh)), State::Ok);
        assert_eq!(
            state(&["--max-quarantined", "2", "--max-drift", "2"], &issues, Some(fresh)),
            State::Warning
        );
        assert_eq!(state(&["--max-quarantined", "2", "--max-drift", "3"], &issues, Some(fresh)), State::Ok);
    }
    #[test]
    fn a_run_that_is_open_for_too_long_is_a_finding() {
        let open = OpenSummary {
            runs: 2,
            oldest_seconds: Some(43_201),
            oldest_run_id: Some("8304b373".to_owned()),
            ..OpenSummary::default()
        };
        let now = at("2026-11-23T16:00:00Z");
        let checked = |more: &[&str]| evaluate(&args(more), &contents(), &open, right(), now);
        let (state, text) = checked(&["--max-run-age", "12h"]);
        assert_eq!(state, State::Warning);
        assert!(text.ends_with(", run 8304b373 open for 12 h 0 min, longer than 12 h 0 min"), "{text}");
        assert_eq!([checked(&["--max-run-age", "13h"]).0, checked(&[]).0], [State::Ok; 2]);
        let data = |more: &[&str]| performance_data(&args(more), &contents(), &open, right(), now);
        assert!(data(&["--max-run-age", "12h"]).contains(" open=2;;;0 oldest_run=43201s;43200;;0 "));
        assert!(data(&[]).contains(" open=2;;;0 oldest_run=43201s;;;0 "));
    }
}
