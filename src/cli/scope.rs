//! Arguments that select runs: the period, the date basis and the as-of instant.

use super::value_parsers::Names;
use crate::report::DateBasis;
use clap::Args;

/// How to assign a run to a month, week or day.
#[derive(Debug, Clone, Default, Args)]
pub struct PeriodArgs {
    /// IANA time zone of days, weeks and months [setting: zone] [default: that of the latest close, else UTC]
    // A value such as -03:00 gets a hint from the parser of zones.
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    pub zone: Option<String>,

    /// Instant that assigns a run to a period: started (else created), ended, or created [setting: date_basis]
    /// [default: that of the latest close, else started]
    #[arg(
        long,
        value_name = "BASIS",
        value_parser = Names(DateBasis::ALL.map(DateBasis::as_str).to_vec()),
        hide_possible_values = true
    )]
    pub date_basis: Option<String>,
}

/// Which runs to read, and as known when.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Scope")]
pub struct ScopeArgs {
    /// Only runs of this month, week or day: 2026-01, 2026-W05, 2026-01-31. A closed month gives the numbers it was
    /// closed with
    #[arg(long, value_name = "PERIOD", conflicts_with_all = ["from", "until"])]
    pub period: Option<String>,

    /// Only runs on or after this day (YYYY-MM-DD)
    #[arg(long, value_name = "DAY")]
    pub from: Option<String>,

    /// Only runs before this day (YYYY-MM-DD)
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,

    /// How to assign a run to a period.
    #[command(flatten)]
    pub booking: PeriodArgs,

    /// Use the data as known at this instant (2026-02-01T12:00:00Z), or at the end of this day
    #[arg(long, value_name = "INSTANT|DAY")]
    pub as_of: Option<String>,
}
