//! The terminal that output goes to.

use crate::export::terminal::Screen;
use crate::settings;
use anstream::{AutoStream, ColorChoice};
use chrono_tz::Tz;
use clap::ValueEnum;
use std::io::IsTerminal;
use std::path::Path;
use terminal_size::{Width, terminal_size_of};

/// When output has colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set; anywhere if CLICOLOR_FORCE is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl ColorWhen {
    /// Makes it the choice of this process.
    pub(crate) fn apply(self) {
        let choice = match self {
            ColorWhen::Auto => ColorChoice::Auto,
            ColorWhen::Always => ColorChoice::Always,
            ColorWhen::Never => ColorChoice::Never,
        };
        choice.write_global();
    }
}

/// The screen that a table is shown on: standard output, or the file at `output`. `COLUMNS` sets its width.
pub(crate) fn screen(output: Option<&Path>, wide: bool, zone: impl Into<Option<Tz>>) -> Screen {
    let stdout = std::io::stdout();
    let is_file = output.is_some();
    let is_terminal = !is_file && stdout.is_terminal() && !settings::terminal_is_dumb();
    let of_terminal =
        || terminal_size_of(&stdout).filter(|_| is_terminal).map(|(Width(columns), _)| usize::from(columns));
    Screen {
        width: settings::columns().or_else(of_terminal).unwrap_or(Screen::FILE.width),
        wide,
        color: !is_file && AutoStream::choice(&stdout) != ColorChoice::Never,
        is_terminal,
        zone: zone.into(),
    }
}

/// Whether messages on standard error have colours.
pub(crate) fn errors_have_color() -> bool {
    AutoStream::choice(&std::io::stderr()) != ColorChoice::Never
}
