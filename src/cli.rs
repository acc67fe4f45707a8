//! This is the command line: every argument that runledger understands.

use crate::error::EXIT_CODES;
use crate::export::Dialect;
use crate::report::question::{PAGE, reports};
use crate::report::{DateBasis, Dimension};
use crate::secret::PingUrl;
use chrono::TimeDelta;
use chrono_tz::Tz;
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, ValueHint};
use std::path::PathBuf;
use uuid::Uuid;

/// A ledger of every Nekt pipeline run: what it cost, how long it took, and what was known of it when
#[derive(Debug, Clone, Parser)]
#[command(name = "runledger", version, max_term_width = 100, after_help = examples_and_exit_codes())]
pub struct Cli {
    /// The archive: one SQLite file; reports can be given several [env: RUNLEDGER_DB] [default: runledger.db]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Everywhere")]
    pub db: Vec<PathBuf>,

    /// The settings [env: RUNLEDGER_CONFIG] [default: runledger.toml beside the archive]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Everywhere")]
    pub config: Option<PathBuf>,

    /// Say more on standard error; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Everywhere")]
    pub verbose: u8,

    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// The definition that help, completions and man pages are made from, with every command's whole name.
    pub fn definition() -> clap::Command {
        /// With a hint that a path is a file a shell completes names with spaces too.
        fn files(command: clap::Command) -> clap::Command {
            let is_path = |argument: &clap::Arg| argument.get_value_hint() == ValueHint::AnyPath;
            command
                .mut_args(|argument| {
                    if is_path(&argument) { argument.value_hint(ValueHint::FilePath) } else { argument }
                })
                .mut_subcommands(files)
        }
        let mut definition = files(Cli::command()).bin_name("runledger").disable_help_subcommand(true);
        definition.build();
        definition
    }
}

/// Whether this process was asked for `status --check`, also where the rest of its arguments is not understood.
pub fn asks_for_a_check() -> bool {
    let matches = Cli::command().ignore_errors(true).try_get_matches();
    let status = matches.as_ref().ok().and_then(|matches| matches.subcommand_matches("status"));
    status.is_some_and(|status| matches!(status.try_get_one("check"), Ok(Some(true))))
}

fn examples_and_exit_codes() -> String {
    let lines = EXIT_CODES.map(|(code, meaning)| format!("\n  {code:<8}  {meaning}"));
    let examples = "
  runledger demo                  # a year of made-up runs, with no account
  NEKT_API_KEY=… runledger sync
  runledger report cost --by pipeline
  runledger report --help";
    format!(
        "Examples:{examples}\n\n`status --check` has Nagios's own exit codes. Of all others:\n\nExit codes:{}",
        lines.concat()
    )
}

/// The commands.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Bring the archive up to date with the API
    Sync(SyncArgs),
    /// Archive runs by their ids
    Fetch(FetchArgs),
    /// Tell what the archive holds and how fresh it is
    Status(StatusArgs),
    /// Show one run and what became known of it when
    Show(ShowArgs),
    /// Answer a question that has a name
    Report(ReportArgs),
    /// Write the archive's rows for other programs
    Export(ExportArgs),
    /// Run one SQL statement that reads
    Query(QueryArgs),
    /// Write what Datasette shows beside the rows: words, units, and every question
    DatasetteMetadata(DatasetteArgs),
    /// Close a month: its answers stay what finance has booked; without one, list the closed ones
    Close(CloseArgs),
    /// List what became known of closed months after their close
    Restatements(RestatementsArgs),
    /// Compare an invoice with the ledger, and find what closes the gap
    Reconcile(ReconcileArgs),
    /// Check that everything that must be true of the archive is true
    Check(CheckArgs),
    /// Copy the archive, also while a sync is running
    Backup(BackupArgs),
    /// Ask the API again for random settled runs and compare
    Verify(VerifyArgs),
    /// Hold a written file against its manifest, without the archive
    VerifyFile(VerifyFileArgs),
    /// Tell what can be missing from the archive
    Coverage(CoverageArgs),
    /// Tell what the API's contract does not know, and when each was first seen
    Drift(DriftArgs),
    /// Print the settings in force, and where each comes from
    Config(ConfigArgs),
    /// Archive a year of made-up runs and show what can be asked
    Demo(DemoArgs),
    /// Serve a look-alike of the API on this machine
    Sandbox(SandboxArgs),
    /// Print what a shell needs to complete commands, options and names
    Completions(CompletionsArgs),
    /// Print a command's man page, or write the man page of every command
    Man(ManArgs),
}

/// How the API is asked.
#[derive(Debug, Clone, Args)]
pub struct ApiArgs {
    /// The API's address; by default Nekt's own.
    #[arg(
        long,
        value_name = "URL",
        help = "The API's address [env: RUNLEDGER_API_URL] [default: https://api.nekt.ai]"
    )]
    pub api_url: Option<String>,

    /// Read the API key from this file instead of the environment variable NEKT_API_KEY
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,

    /// At most this many requests at once
    #[arg(long, value_name = "N", default_value = "4", value_parser = at_least_one)]
    pub concurrency: usize,

    /// Begin at most this many requests in a second
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub max_requests_per_second: Option<f64>,
}

/// How the archive's lock is taken.
#[derive(Debug, Clone, Args)]
pub struct LockArgs {
    /// When another sync is using the archive, wait for it up to this long, such as 10m
    #[arg(long, value_name = "SPAN", default_value = "0s", value_parser = time_span, hide_default_value = true)]
    pub lock_wait: TimeDelta,
}

/// What is said of a sync.
#[derive(Debug, Clone, Args)]
pub struct TalkArgs {
    /// Say nothing on success
    #[arg(long, short)]
    pub quiet: bool,

    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// `runledger sync`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  NEKT_API_KEY=… runledger sync
  runledger sync --api-key-file key.txt --db runs.db --quiet
  runledger sync --all            # every [[workspace]] of runledger.toml
  runledger sync --full --max-requests-per-second 2
  runledger sync --dry-run --json
  runledger sync --quiet --ping-url-file ping.txt --metrics-file runledger.prom

Environment:
  NEKT_API_KEY         the API key
  RUNLEDGER_PING_URL   who is told when the sync begins and how it ended
  RUNLEDGER_REDACT     further keys, with commas, whose values are never stored")]
pub struct SyncArgs {
    /// How the API is asked.
    #[command(flatten)]
    pub api: ApiArgs,

    /// Sync every workspace that the settings name, each with its own key; one that fails does not stop the others
    #[arg(long)]
    pub all: bool,

    /// Read the whole list, not only its newest part
    #[arg(long)]
    pub full: bool,

    /// Read the whole list when the last time is longer ago: costs can change unannounced
    #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = time_span)]
    pub full_every: TimeDelta,

    /// How far back to look for changes of runs that were seen before
    #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = time_span)]
    pub lookback: TimeDelta,

    /// How long after its end a run without a known cost is asked for again
    #[arg(long, value_name = "SPAN", default_value = "30d", value_parser = time_span)]
    pub settle: TimeDelta,

    /// Ask for this many runs a page; the API may give fewer
    #[arg(long, value_name = "N", default_value = "500", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub page_size: u32,

    /// Store nothing; tell what would be stored
    #[arg(long)]
    pub dry_run: bool,

    /// How the archive's lock is taken.
    #[command(flatten)]
    pub lock: LockArgs,

    /// What is said of it.
    #[command(flatten)]
    pub talk: TalkArgs,

    /// Who else is told.
    #[command(flatten)]
    pub watch: WatchArgs,
}

/// Who else is told of a sync. Of a dry run nobody is.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Watched")]
pub struct WatchArgs {
    /// Tell this address when the sync begins and how it ended, as healthchecks.io has it. Others on this machine see it here,
    /// and not in the file or the environment
    #[arg(long, value_name = "URL", conflicts_with = "ping_url_file")]
    pub ping_url: Option<PingUrl>,

    /// Read that address from this file instead of the environment variable RUNLEDGER_PING_URL
    #[arg(long, value_name = "FILE")]
    pub ping_url_file: Option<PathBuf>,

    /// Write figures for Prometheus's textfile collector to this file, replaced in one step, however the sync ended
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,
}

/// `runledger fetch`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger fetch 31a52a1f-3907-430d-87fb-995156708555
  runledger fetch 31a52a1f-3907-430d-87fb-995156708555 780070c5-2b82-417c-9546-e17b43c1387b --json")]
pub struct FetchArgs {
    /// The ids (UUIDs) of the runs
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<Uuid>,

    /// How the API is asked.
    #[command(flatten)]
    pub api: ApiArgs,

    /// How the archive's lock is taken.
    #[command(flatten)]
    pub lock: LockArgs,

    /// What is said of it.
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// `runledger status`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger status
  runledger status --max-age 26h || mail -s 'runledger is stale' ops@example.com < /dev/null
  runledger status --check --warning 3h --critical 12h
  runledger status --json")]
pub struct StatusArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,

    /// Exit with 3 when the last complete sync began longer ago than this, such as 26h
    #[arg(long, value_name = "SPAN", value_parser = time_span)]
    pub max_age: Option<TimeDelta>,

    /// How long after its end a run without a known cost counts as unsettled
    #[arg(long, value_name = "SPAN", default_value = "30d", value_parser = time_span)]
    pub settle: TimeDelta,

    /// How a monitoring system is answered.
    #[command(flatten)]
    pub nagios: NagiosArgs,
}

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

/// `runledger show`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger show 31a52a1f-3907-430d-87fb-995156708555
  runledger show 31a52a1f-3907-430d-87fb-995156708555 --json")]
pub struct ShowArgs {
    /// The run's id (UUID)
    pub id: Uuid,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `runledger close`
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
A close freezes the month's zone, bounds, date basis, pipeline names, cost centres and totals,
and the moment of knowledge. From then on `--period 2026-01` gives the same answers for ever,
whatever becomes known; what does is listed by `runledger restatements`.

Examples:
  runledger close 2026-01 --zone America/Sao_Paulo
  runledger close                     # which months are closed
  runledger close --restate 2026-01   # a second close beside the first; both stay")]
pub struct CloseArgs {
    /// The month, such as 2026-01
    #[arg(value_name = "MONTH")]
    pub period: Option<String>,

    /// Close a closed month again, as known now; the new close names the one before it
    #[arg(long, requires = "period")]
    pub restate: bool,

    /// Close it though something speaks against it, such as unsettled runs; what does is recorded
    #[arg(long, requires = "period")]
    pub force: bool,

    /// Which month a run is in.
    #[command(flatten)]
    pub booking: BookingArgs,

    /// Print an array of objects
    #[arg(long)]
    pub json: bool,
}

impl CloseArgs {
    /// A first close of that month of a zone.
    pub fn of(month: &str, zone: Tz) -> CloseArgs {
        let booking = BookingArgs { zone: Some(zone.to_string()), date: None };
        CloseArgs { period: Some(month.to_owned()), booking, ..CloseArgs::default() }
    }
}

/// `runledger restatements`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger restatements
  runledger restatements --period 2026-01 --totals
  runledger restatements --period 2026-01 --format csv --output late.csv")]
pub struct RestatementsArgs {
    /// Only of this month, such as 2026-01
    #[arg(long, value_name = "MONTH")]
    pub period: Option<String>,

    /// One row a month: what was closed, what is known now, and the difference
    #[arg(long)]
    pub totals: bool,

    /// As known at this instant (2026-02-01T12:00:00Z), or at the end of this day
    #[arg(long, value_name = "INSTANT|DAY")]
    pub as_of: Option<String>,

    /// How the answer is printed, and where.
    #[command(flatten)]
    pub answer: AnswerArgs,
}

/// `runledger reconcile`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger reconcile --period 2026-01 --invoice 412.10
  runledger reconcile --period 2026-01 --invoice 412.10 --zone America/Sao_Paulo --every-zone")]
pub struct ReconcileArgs {
    /// The month that is invoiced, such as 2026-01. A closed month answers as it was closed
    #[arg(long, value_name = "PERIOD")]
    pub period: String,

    /// The invoice's amount in US dollars, such as 412.10; its last digit tells how exact it is
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    pub invoice: String,

    /// Try the months of every time zone, not only of those that the ledger knows: some may meet the invoice by chance
    #[arg(long)]
    pub every_zone: bool,

    /// Which month a run is in.
    #[command(flatten)]
    pub booking: BookingArgs,

    /// Answer as known at this instant (2026-02-01T12:00:00Z), or at the end of this day
    #[arg(long, value_name = "INSTANT|DAY")]
    pub as_of: Option<String>,

    /// How the answer is printed, and where.
    #[command(flatten)]
    pub answer: AnswerArgs,
}

/// `runledger check`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger check
  runledger check --db runs-backup.db --json")]
pub struct CheckArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `runledger backup`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger backup runs-backup.db
  runledger backup --db runs.db /var/backups/runs.db")]
pub struct BackupArgs {
    /// The copy; a file that is there is replaced in one step, once the copy is verified
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// `runledger verify`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger verify
  runledger verify --sample 20 --max-requests-per-second 2")]
pub struct VerifyArgs {
    /// How many runs to compare
    #[arg(long, value_name = "N", default_value = "100", value_parser = at_least_one)]
    pub sample: usize,

    /// Draw the same runs as the comparison that named this seed
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// How long after its end a run without a known cost counts as settled
    #[arg(long, value_name = "SPAN", default_value = "30d", value_parser = time_span)]
    pub settle: TimeDelta,

    /// How the API is asked.
    #[command(flatten)]
    pub api: ApiArgs,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `runledger verify-file`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger export runs --manifest --output rows.csv
  runledger verify-file rows.csv")]
pub struct VerifyFileArgs {
    /// The file, with NAME.manifest.json beside it as --manifest wrote it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// `runledger coverage`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger coverage
  runledger coverage --offline --json")]
pub struct CoverageArgs {
    /// Do not ask the API how many runs it has
    #[arg(long)]
    pub offline: bool,

    /// How the API is asked.
    #[command(flatten)]
    pub api: ApiArgs,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `runledger drift`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger drift
  runledger drift --json")]
pub struct DriftArgs {
    /// Print an array of objects
    #[arg(long)]
    pub json: bool,
}

/// `runledger config`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger config
  runledger config --config /etc/runledger/runledger.toml --json")]
pub struct ConfigArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `runledger demo`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger demo
  runledger demo --runs 500 --seed 3 --db try.db")]
pub struct DemoArgs {
    /// How many runs to make up
    #[arg(long, default_value_t = 12_000, value_name = "N", value_parser = clap::value_parser!(u32).range(100..))]
    pub runs: u32,

    /// What to make them up from: the same seed makes the same runs
    #[arg(long, default_value_t = 7, value_name = "N")]
    pub seed: u64,
}

/// `runledger sandbox`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger sandbox --port 8080 --runs 100000 --latency-ms 50
  NEKT_API_KEY=sandbox-key RUNLEDGER_API_URL=http://127.0.0.1:8080 runledger sync --db try.db")]
pub struct SandboxArgs {
    /// The port on 127.0.0.1; 0 takes any that is free
    #[arg(long, default_value_t = 8080)]
    pub port: u16,

    /// How many runs to make up
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub runs: usize,

    /// What to make them up from: the same seed makes the same runs
    #[arg(long, default_value_t = 7, value_name = "N")]
    pub seed: u64,

    /// How long each answer takes, in milliseconds
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub latency_ms: u64,

    /// The most runs on a page; a larger page_size is cut without a word
    #[arg(long, default_value = "500", value_name = "N", value_parser = at_least_one)]
    pub max_page_size: usize,
}

/// `runledger completions`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger completions bash > ~/.local/share/bash-completion/completions/runledger
  runledger completions zsh > ~/.zfunc/_runledger    # with fpath+=~/.zfunc before compinit
  runledger completions fish > ~/.config/fish/completions/runledger.fish")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// The shells that complete what is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU bash, from 4.4 on
    Bash,
    /// The Z shell
    Zsh,
    /// fish
    Fish,
}

/// `runledger man`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger man sync | man -l -
  runledger man --output ~/.local/share/man/man1")]
pub struct ManArgs {
    /// The command, such as sync; without one the page of runledger itself
    #[arg(value_name = "COMMAND", conflicts_with = "output")]
    pub of: Vec<String>,

    /// Write a page for every command into this folder, which is made if it is not there
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub output: Option<PathBuf>,
}

/// Names that a shell completes. Any other is taken too: what refuses it can tell which one it may mean.
#[derive(Clone)]
struct Names(Vec<&'static str>);

impl TypedValueParser for Names {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(PossibleValue::new)))
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate >= 0.001 => Ok(rate),
        Ok(_) => Err("it must be at least 0.001".to_owned()),
        Err(error) => Err(format!("{error}")),
    }
}

/// A span of time such as `7d`, `26h`, `30m` or `90s`.
fn time_span(text: &str) -> Result<TimeDelta, String> {
    let form = || "a span of time looks like 7d, 26h, 30m or 90s".to_owned();
    let unit = text.chars().last().ok_or_else(form)?;
    let seconds = match unit {
        'd' => 24 * 60 * 60,
        'h' => 60 * 60,
        'm' => 60,
        's' => 1,
        _ => return Err(form()),
    };
    let number: u32 = text[..text.len() - 1].parse().map_err(|_| form())?;
    // A hundred years are longer than any ledger is kept.
    let span = TimeDelta::seconds(i64::from(number) * seconds);
    if span > TimeDelta::days(36_525) {
        Err("it is longer than a hundred years".to_owned())
    } else {
        Ok(span)
    }
}

/// `runledger report`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger report                                # every question that has a name
  runledger report cost --by pipeline --period 2026-01 --zone America/Sao_Paulo
  runledger report duration --by week,kind --format csv --output durations.csv
  runledger report failures --from 2026-01-01 --limit 10
  runledger report cost --as-of 2026-02-01        # as it was known then
  runledger report credits --what-if google-ads='0 */2 * * *'")]
pub struct ReportArgs {
    /// The question to answer; without one the questions are listed
    #[arg(value_parser = Names(reports().map(|(name, _)| name).chain([PAGE.0]).collect()))]
    pub name: Option<String>,

    /// List the questions
    #[arg(long, conflicts_with = "name")]
    pub list: bool,

    /// Ask the archives of all workspaces that the settings name
    #[arg(long)]
    pub all: bool,

    /// Split cost and duration by month, week, day, pipeline, kind, trigger, status, centre, workspace; several
    /// with commas [default: month]
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "WHAT",
        value_parser = Names(Dimension::ALL.map(|(name, _)| name).to_vec()),
        hide_possible_values = true
    )]
    pub by: Vec<String>,

    /// Forecast credits as if a pipeline (by slug, id or name) had this cron expression; can be repeated
    #[arg(long, value_name = "PIPELINE=EXPRESSION")]
    pub what_if: Vec<String>,

    /// At most this many rows, where the question has a limit
    #[arg(long, value_name = "N")]
    pub limit: Option<u32>,

    /// Which runs are meant.
    #[command(flatten)]
    pub scope: ScopeArgs,

    /// How the answer is printed, and where.
    #[command(flatten)]
    pub answer: AnswerArgs,
}

/// How an answer that is a table is printed, and where.
#[derive(Debug, Clone, Args)]
pub struct AnswerArgs {
    /// How to print the answer
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,

    /// How it is written.
    #[command(flatten)]
    pub writing: WritingArgs,

    /// Where the answer goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// How an answer is written.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "How it is written")]
pub struct WritingArgs {
    /// Money with this many decimals, rounded half to even [default: 9, and 4 for people]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=9))]
    pub decimals: Option<u32>,

    /// CSV for programs, or for a spreadsheet: with dates it reads, totals, and no text taken for a formula
    /// [default: machine]
    #[arg(long, value_name = "NAME", value_parser = Names(Dialect::NAMES.to_vec()))]
    pub dialect: Option<String>,

    /// What stands between two fields of CSV, instead of the dialect's own: one of , ; | or tab
    #[arg(long, value_name = "C", value_parser = separator)]
    pub separator: Option<u8>,

    /// What stands before the decimals in CSV, instead of the dialect's own: . or ,
    #[arg(long, value_name = "C", value_parser = decimal_mark)]
    pub decimal_mark: Option<u8>,

    /// Whether CSV begins with a byte order mark, instead of as in the dialect
    #[arg(long, value_enum, value_name = "yes|no", hide_possible_values = true)]
    pub bom: Option<YesNo>,

    /// Write NAME.manifest.json beside NAME.csv: rows, sums, what was asked, SHA-256
    #[arg(long, requires = "output")]
    pub manifest: bool,
}

/// A yes or a no where leaving it out means something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum YesNo {
    /// Yes
    Yes,
    /// No
    No,
}

fn separator(text: &str) -> Result<u8, String> {
    match text {
        "," => Ok(b','),
        ";" => Ok(b';'),
        "|" => Ok(b'|'),
        "tab" | "\t" => Ok(b'\t'),
        _ => Err("it is one of , ; | or the word tab".to_owned()),
    }
}

fn decimal_mark(text: &str) -> Result<u8, String> {
    match text {
        "." => Ok(b'.'),
        "," => Ok(b','),
        _ => Err("it is . or ,".to_owned()),
    }
}

/// Which month, week or day a run is in.
#[derive(Debug, Clone, Default, Args)]
pub struct BookingArgs {
    /// The IANA time zone that days, weeks and months are meant in [setting: zone] [default: UTC]
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<String>,

    /// Which instant books a run: started (else created), ended, or created [setting: date] [default: started]
    #[arg(
        long,
        value_name = "INSTANT",
        value_parser = Names(DateBasis::ALL.map(DateBasis::as_str).to_vec()),
        hide_possible_values = true
    )]
    pub date: Option<String>,
}

/// Which runs are meant, what books them, and as known when.
#[derive(Debug, Clone, Default, Args)]
pub struct ScopeArgs {
    /// Only runs of this month, week or day: 2026-01, 2026-W05, 2026-01-31. A closed month answers as it was closed
    #[arg(long, value_name = "PERIOD", conflicts_with_all = ["from", "until"])]
    pub period: Option<String>,

    /// Only runs booked on this day (YYYY-MM-DD) or later
    #[arg(long, value_name = "DAY")]
    pub from: Option<String>,

    /// Only runs booked before this day (YYYY-MM-DD), the day itself left out
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,

    /// Which month a run is in.
    #[command(flatten)]
    pub booking: BookingArgs,

    /// Answer as known at this instant (2026-02-01T12:00:00Z), or at the end of this day
    #[arg(long, value_name = "INSTANT|DAY")]
    pub as_of: Option<String>,
}

/// Where the answer goes.
#[derive(Debug, Clone, Args)]
pub struct OutputArgs {
    /// Write to this file, replaced in one step, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// The formats of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// For people at a terminal
    Table,
    /// For programs: every decimal
    Csv,
    /// For programs: an array of objects
    Json,
    /// For people reading a page
    Markdown,
    /// A spreadsheet with numbers, dates and its manifest; needs --output
    Xlsx,
}

/// `runledger export`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger export runs --period 2026-01 --output runs.csv
  runledger export runs --dialect excel-br --zone America/Sao_Paulo --manifest --output runs.csv
  runledger export snapshots --format ndjson | gzip > snapshots.ndjson.gz
  runledger export documents --output runs.ndjson
  runledger export focus --period 2026-01 --output focus.csv
  runledger export parquet --output dataset --watch-months 3")]
pub struct ExportArgs {
    /// What to write
    #[arg(value_enum)]
    pub what: Exported,

    /// Which runs are meant.
    #[command(flatten)]
    pub scope: ScopeArgs,

    /// How to write runs and snapshots [default: csv]
    #[arg(long, value_enum)]
    pub format: Option<RowFormat>,

    /// The version of FOCUS [default: 1.2]
    #[arg(long, value_enum, value_name = "VERSION")]
    pub focus_version: Option<FocusVersion>,

    /// Which dataset of FOCUS [default: cost-and-usage]
    #[arg(long, value_enum, value_name = "DATASET")]
    pub focus_dataset: Option<FocusDataset>,

    /// What is written as Parquet.
    #[command(flatten)]
    pub parquet: ParquetArgs,

    /// How it is written.
    #[command(flatten)]
    pub writing: WritingArgs,

    /// Where the answer goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What `runledger export parquet` writes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Parquet")]
pub struct ParquetArgs {
    /// Write every state of each run too, as the table run_snapshots
    #[arg(long)]
    pub snapshots: bool,

    /// Compare only so many of the newest months with their files, and write what has none yet; older ones are left alone
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub watch_months: Option<usize>,

    /// Write the archives of all workspaces that the settings name
    #[arg(long)]
    pub all: bool,

    /// What the column `workspace` says [default: as the settings call it, else the archive's name without its ending]
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    pub workspace: Option<String>,
}

/// What can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Exported {
    /// The current state of each run
    Runs,
    /// Every state that each run was seen in
    Snapshots,
    /// What each run cost and whom: the rows of a closed month
    Costs,
    /// Each run's own JSON as the API sent it, one a line
    Documents,
    /// Each known cost of a month's runs as a charge of FOCUS, the FinOps Open Cost and Usage Specification
    Focus,
    /// Runs and pipelines as a dataset of Parquet files by month, of which only those that changed are written again
    Parquet,
}

/// The versions of FOCUS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FocusVersion {
    /// The version that most tools read
    #[value(name = "1.2")]
    V1_2,
    /// The version that has billing periods too
    #[value(name = "1.4")]
    V1_4,
}

/// The datasets of FOCUS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FocusDataset {
    /// The charges
    CostAndUsage,
    /// Whether the month's books are closed, for each who invoices; from FOCUS 1.4 on
    BillingPeriod,
}

/// The formats of a stream of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RowFormat {
    /// Comma-separated values
    Csv,
    /// An array of objects
    Json,
    /// One object a line
    Ndjson,
}

/// `runledger datasette-metadata`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger datasette-metadata --output meta.json && datasette runledger.db --metadata meta.json")]
pub struct DatasetteArgs {
    /// Where the metadata goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `runledger query`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger query 'SELECT status, count(*) AS runs FROM runs GROUP BY status'
  runledger query --file question.sql --param status=failed --format csv
  runledger query --as-of 2026-02-01 'SELECT sum(el_cost_nanos) FROM runs'")]
pub struct QueryArgs {
    /// One SQL statement that reads
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    pub sql: Option<String>,

    /// Read the statement from this file
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// Ask the archive as it was known at this instant (2026-02-01T12:00:00Z), or at the end of this day
    #[arg(long, value_name = "INSTANT|DAY")]
    pub as_of: Option<String>,

    /// A value for `:name` in the statement; can be repeated
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub params: Vec<String>,

    /// How to print the answer
    #[arg(long, value_enum, default_value_t = QueryFormat::Table)]
    pub format: QueryFormat,

    /// Where the answer goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The formats of a query's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QueryFormat {
    /// For people at a terminal; the whole answer is held in memory
    Table,
    /// Comma-separated values
    Csv,
    /// An array of objects
    Json,
    /// One object a line
    Ndjson,
}
