//! The choice between text for people and JSON.

use clap::{Args, ValueEnum};

/// Whether a command prints text or JSON. `docs/json.md` describes the JSON of each command.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct JsonArgs {
    /// Output format
    #[arg(long, value_enum, default_value_t, hide_short_help = true)]
    pub format: TextFormat,

    /// Print JSON: short form of --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
}

/// The formats of output without a table for spreadsheets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum TextFormat {
    /// Text for people
    // Scripts give the same value to every command.
    #[default]
    #[value(alias = "table")]
    Text,
    /// JSON for programs
    Json,
}

impl JsonArgs {
    /// Whether to print JSON.
    pub fn is_json(self) -> bool {
        self.json || self.format == TextFormat::Json
    }
}
