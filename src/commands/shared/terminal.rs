//! The terminal that output goes to.

use crate::export::terminal::{Role, Screen};
use crate::settings;
use anstream::{AutoStream, ColorChoice};
use chrono_tz::Tz;
use clap::ValueEnum;
use std::io::IsTerminal;
use std::path::Path;
use terminal_size::{Width, terminal_size_of};

/// When output has colors.
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
        unicode: settings::has_unicode(),
        zone: zone.into(),
    }
}

/// A message with its label in color if standard error has colors: `error:`, `warning:`, and, less visible, `note:`,
/// `cause:` and `hint:`.
pub fn paint_message(message: &str) -> String {
    let color = stderr_has_color();
    message.split('\n').map(|line| paint_label(line, color)).collect::<Vec<_>>().join("\n")
}

/// Whether messages have colors.
pub(crate) fn stderr_has_color() -> bool {
    AutoStream::choice(&std::io::stderr()) != ColorChoice::Never
}

fn paint_label(line: &str, color: bool) -> String {
    let text = line.trim_start();
    let role = match text.split_once(':') {
        Some(("error", _)) => Role::Error,
        Some(("warning", _)) => Role::Warning,
        Some(("note" | "cause" | "hint", _)) => Role::Dim,
        _ => return line.to_owned(),
    };
    let (label, rest) = text.split_at(text.find(':').map_or(0, |colon| colon + 1));
    format!("{}{}{rest}", &line[..line.len() - text.len()], role.paint(label, color))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_label_of_a_message_has_a_color() {
        assert_eq!(paint_label("error: no: never", true), "\u{1b}[31merror:\u{1b}[0m no: never");
        assert_eq!(paint_label("  hint:  wait", true), "  \u{1b}[2mhint:\u{1b}[0m  wait");
        assert_eq!(paint_label("warning: late", false), "warning: late");
        assert_eq!(paint_label("acme: error: no", true), "acme: error: no");
    }
}
