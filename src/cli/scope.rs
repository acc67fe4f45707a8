//! Arguments that select runs: the period, the date basis and the as-of instant.

use super::value_parsers::Names;
use crate::report::DateBasis;
use crate::report::filter::UNKNOWN;
use crate::run::{Status, TriggerType};
use crate::store::PipelineKind;
use clap::Args;

/// How to assign a run to a month, week or day.
#[derive(Debug, Clone, Default, Args)]
pub struct PeriodArgs {
    /// IANA time zone of days, weeks and months
    ///
    /// [setting: zone] [default: that of the latest close, else UTC]
    // A value such as -03:00 gets a hint from the parser of zones.
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    pub zone: Option<String>,

    /// Instant that assigns a run to a period: started (else created), ended, or created [setting: date_basis]
    /// [default: that of the latest close, else started]
    #[arg(
        long,
        value_name = "BASIS",
        value_parser = Names(DateBasis::ALL.map(DateBasis::as_str).to_vec()),
        hide_possible_values = true,
        hide_short_help = true
    )]
    pub date_basis: Option<String>,
}

/// Which runs to read, and as known when.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Scope")]
pub struct ScopeArgs {
    /// Only this month, week or day: 2026-01, 2026-W05
    ///
    /// A day looks like 2026-01-31. A closed month gives the numbers it was closed with.
    #[arg(long, value_name = "PERIOD", conflicts_with_all = ["from", "until"])]
    pub period: Option<String>,

    /// Only runs on or after this day (YYYY-MM-DD)
    #[arg(long, value_name = "DAY")]
    pub from: Option<String>,

    /// Only runs before this day (YYYY-MM-DD)
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,

    /// Only the newest runs, such as 24h, 30d, 4w or 6m
    ///
    /// The span ends at the last observation. Days, weeks of seven days and months begin at midnight, and the current
    /// one counts.
    #[arg(long, value_name = "SPAN", conflicts_with_all = ["period", "from", "until"])]
    pub last: Option<String>,

    /// How to assign a run to a period.
    #[command(flatten)]
    pub booking: PeriodArgs,

    /// Use the data as known at this instant or day
    ///
    /// A day counts to its end. An instant looks like 2026-02-01T12:00:00Z.
    #[arg(long, value_name = "INSTANT|DAY")]
    pub as_of: Option<String>,

    /// Which of the runs.
    #[command(flatten)]
    pub filter: FilterArgs,
}

/// Which of the runs of a period.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Scope")]
pub struct FilterArgs {
    /// Only runs of these pipelines, such as 'google-*'
    ///
    /// A glob pattern of their slug, id or name: `*` matches any text, `?` one character. Repeatable.
    #[arg(long, value_name = "GLOB")]
    pub pipeline: Vec<String>,

    /// Only runs of this kind: source, destination or transformation; separate several with commas
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "KIND",
        value_parser = Names(PipelineKind::ALL.map(PipelineKind::as_str).into_iter().chain([UNKNOWN]).collect()),
        hide_possible_values = true,
        hide_short_help = true
    )]
    pub kind: Vec<String>,

    /// Only runs with this status, as in failed,canceled
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "STATUS",
        value_parser = Names(Status::WORDS.iter().copied().chain([UNKNOWN]).collect()),
        hide_possible_values = true
    )]
    pub status: Vec<String>,

    /// Only runs with this trigger: manual, cron or event; separate several with commas
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "TRIGGER",
        value_parser = Names(TriggerType::WORDS.iter().copied().chain([UNKNOWN]).collect()),
        hide_possible_values = true,
        hide_short_help = true
    )]
    pub trigger: Vec<String>,

    /// Only runs of this cost center, or unallocated; repeatable
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub cost_center: Vec<String>,
}
