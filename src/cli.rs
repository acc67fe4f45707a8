//! This is the command line: every argument that runledger understands.

use crate::export::Dialect;
use crate::report::DateBasis;
use crate::secret::PingUrl;
use chrono::TimeDelta;
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

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
pub struct VerbosityArgs {
    /// Say nothing on success
    #[arg(long, short)]
    pub quiet: bool,

    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
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

/// Names that a shell completes. Any other is taken too: what refuses it can tell which one it may mean.
#[derive(Clone)]
pub struct Names(pub Vec<&'static str>);

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

pub fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
    }
}

pub fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate >= 0.001 => Ok(rate),
        Ok(_) => Err("it must be at least 0.001".to_owned()),
        Err(error) => Err(format!("{error}")),
    }
}

/// A span of time such as `7d`, `26h`, `30m` or `90s`.
pub fn time_span(text: &str) -> Result<TimeDelta, String> {
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

/// How an answer that is a table is printed, and where.
#[derive(Debug, Clone, Args)]
pub struct TableArgs {
    /// How to print the answer
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,

    /// How it is written.
    #[command(flatten)]
    pub writing: FormatArgs,

    /// Where the answer goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// How an answer is written.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "How it is written")]
pub struct FormatArgs {
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

pub fn separator(text: &str) -> Result<u8, String> {
    match text {
        "," => Ok(b','),
        ";" => Ok(b';'),
        "|" => Ok(b'|'),
        "tab" | "\t" => Ok(b'\t'),
        _ => Err("it is one of , ; | or the word tab".to_owned()),
    }
}

pub fn decimal_mark(text: &str) -> Result<u8, String> {
    match text {
        "." => Ok(b'.'),
        "," => Ok(b','),
        _ => Err("it is . or ,".to_owned()),
    }
}

/// Which month, week or day a run is in.
#[derive(Debug, Clone, Default, Args)]
pub struct PeriodArgs {
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
    pub booking: PeriodArgs,

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
