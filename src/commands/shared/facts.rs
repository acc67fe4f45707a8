//! Facts below a title, one labelled line each: the form of answers that are no tables.

use crate::commands::shared::numbers::grouped;
use crate::error::Result;
use crate::escape::escape_control;
use crate::export::terminal::{Role, Screen, display_width, local_minute, wrap, write_notes};
use crate::export::title::Title;
use crate::report::latest_close::LatestClose;
use crate::run::Instant;
use crate::settings::{self, Settings};
use crate::store::Archive;
use chrono_tz::Tz;
use std::path::Path;

/// The space between the labels and the facts.
const GAP: usize = 2;

/// The least columns of a fact, also on a narrow screen.
const MIN_WIDTH: usize = 30;

/// Labelled facts.
#[derive(Debug, Default)]
pub(crate) struct Facts(Vec<Fact>);

#[derive(Debug)]
struct Fact {
    label: String,
    text: String,
    role: Role,
}

impl Facts {
    /// Adds a fact. One without a label continues the fact before it.
    pub(crate) fn add(&mut self, label: impl Into<String>, text: impl Into<String>) {
        self.add_as(Role::Plain, label, text);
    }

    /// Adds a fact in the color of a role.
    pub(crate) fn add_as(&mut self, role: Role, label: impl Into<String>, text: impl Into<String>) {
        self.0.push(Fact { label: label.into(), text: text.into(), role });
    }

    /// Adds a count that should be zero. `advice` says what to do about any other number; empty: nothing.
    pub(crate) fn count(&mut self, label: impl Into<String>, count: u64, advice: &str) {
        match (count, advice) {
            (0, _) => self.add_as(Role::Dim, label, "0"),
            (_, "") => self.add_as(Role::Warning, label, grouped(count)),
            _ => self.add_as(Role::Warning, label, format!("{}: {advice}", grouped(count))),
        }
    }

    /// The lines. A fact that is wider than the screen continues below itself. Control characters are escaped.
    pub(crate) fn lines(&self, screen: &Screen) -> Vec<String> {
        let indent = self.0.iter().map(|fact| display_width(&fact.label)).max().unwrap_or(0) + GAP;
        let width = screen.table_width().saturating_sub(indent).max(MIN_WIDTH);
        let mut lines = Vec::new();
        for Fact { label, text, role } in &self.0 {
            let text = escape_control(text);
            let wrapped = if screen.wide { text.into_owned() } else { wrap(text.split(' '), width) };
            for (number, line) in wrapped.lines().enumerate() {
                let label = if number == 0 { label.as_str() } else { "" };
                let padding = indent - display_width(label);
                let label = Role::Dim.paint(label, screen.color);
                lines.push(format!("{label}{:padding$}{}", "", role.paint(line.trim_end(), screen.color)));
            }
        }
        lines
    }
}

/// The title of a view: what is shown, and in which zone and as of which moment.
pub(crate) fn title(subject: String, context: &[Option<String>], screen: &Screen) -> Vec<String> {
    let context: Vec<_> = context.iter().flatten().map(|part| escape_control(part)).collect();
    let lines = Title { subject, context: context.join(" · ") }.lines(screen);
    // Without a context, the first half needs no room after it.
    lines.into_iter().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// The notes below a view, without empty ones: dim, several on one line where they fit.
pub(crate) fn notes(notes: &[&str], screen: &Screen) -> Vec<String> {
    let mut drawn = Vec::new();
    let notes = notes.iter().filter(|note| !note.is_empty());
    write_notes(notes.map(|note| (*note).to_owned()), screen, &mut drawn).expect("memory accepts every byte");
    String::from_utf8_lossy(&drawn).lines().map(str::to_owned).collect()
}

/// The instants of a view: in its zone, to the minute, with their year if it is not that of the moment of the view.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moments {
    /// The zone.
    pub(crate) zone: Tz,
    /// The last observation by the system clock. `None`: nothing was archived.
    pub(crate) moment: Option<Instant>,
}

impl Moments {
    /// The instants of a view of the archive in the zone of the settings, else in that of the close made last, else in
    /// UTC.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn of(archive: &Archive, settings: Result<Settings>) -> Result<Moments> {
        let configured = settings.and_then(|settings| settings.zone()).ok().flatten();
        let latest = || LatestClose::of(archive, None).ok().flatten().map(|close| close.zone);
        let zone = configured.map(|zone| zone.value).or_else(latest).unwrap_or(Tz::UTC);
        Ok(Moments { zone, moment: archive.clock_at_last_observation(None)? })
    }

    /// `27 Nov 08:02`, or `8 Dec 2025 08:28`.
    pub(crate) fn local(&self, at: Instant) -> String {
        local_minute(at, self.zone, self.moment)
    }

    /// The context of a title: `America/Sao_Paulo`, `as of 27 Nov 2026 09:06`.
    pub(crate) fn context(&self) -> [Option<String>; 2] {
        let moment = self.moment.map(|at| format!("as of {}", local_minute(at, self.zone, None)));
        [Some(self.zone.name().to_owned()), moment]
    }
}

/// The path as it is named from the current folder: `demo.db`, or the full path of a file elsewhere.
pub(crate) fn from_here(path: &Path) -> String {
    let here = settings::current_folder();
    let full = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let shown = here.and_then(|here| full.strip_prefix(here).ok().map(ToOwned::to_owned)).unwrap_or(full);
    shown.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_fact_continues_below_itself() {
        let mut facts = Facts::default();
        facts.add("Runs", "12,003 of 40 pipelines, 27 Nov 2025 08:17 to 27 Nov 09:06");
        facts.count("API drift", 0, "see");
        facts.count("Vanished", 1_200, "run `runledger sync`");
        let screen = Screen { width: 50, ..Screen::FILE };
        assert_eq!(
            facts.lines(&screen),
            [
                "Runs       12,003 of 40 pipelines, 27 Nov 2025",
                "           08:17 to 27 Nov 09:06",
                "API drift  0",
                "Vanished   1,200: run `runledger sync`",
            ]
        );
        assert_eq!(facts.lines(&Screen { wide: true, ..screen }).len(), 3);
    }

    #[test]
    fn a_fact_controls_no_terminal() {
        let mut facts = Facts::default();
        facts.add("Error", "a\u{1b}[31mb");
        assert_eq!(facts.lines(&Screen::FILE), ["Error  a\\u{1b}[31mb"]);
        let painted = facts.lines(&Screen { color: true, ..Screen::FILE });
        assert_eq!(painted, ["\u{1b}[2mError\u{1b}[0m  a\\u{1b}[31mb"]);
    }
}
