//! The settings of a pipeline for people: what is in force, what changed, and the runs around each change.

use crate::commands::shared::facts::{Facts, Moments};
use crate::commands::shared::numbers::grouped_count;
use crate::export::terminal::{DECIMALS, Role, Screen, duration, one_line};
use crate::language::Language;
use crate::report::setting_words::{self, SettingWords};
use crate::report::settings_history::{ComparedRuns, Setting, SettingsChange, SettingsHistory};
use crate::run::{Instant, Usd};

/// How many changes are shown: the last ones.
const CHANGES: usize = 3;

/// A value that is not known.
const UNKNOWN: &str = "–";

/// The decimals of a cost below one US dollar.
const DECIMALS_OF_SMALL: u32 = 4;

/// What the text is made of.
pub(super) struct SettingsText<'a> {
    pub(super) history: &'a SettingsHistory,
    pub(super) words: &'a SettingWords,
    pub(super) moments: Moments,
    pub(super) screen: &'a Screen,
}

impl SettingsText<'_> {
    /// One block for the settings in force, and one for each of the last changes, newest first. Empty: no setting is
    /// known, and none changed.
    pub(super) fn blocks(&self) -> Vec<Vec<String>> {
        let mut blocks = vec![self.in_force()];
        let changes = &self.history.changes;
        blocks.extend(changes.iter().rev().take(CHANGES).map(|change| self.change(change)));
        let earlier = changes.len().saturating_sub(CHANGES);
        if earlier > 0 {
            blocks.push(vec![format!("{} with --json", grouped_count(earlier as u64, "earlier change"))]);
        }
        blocks
    }

    fn in_force(&self) -> Vec<String> {
        let mut settings: Vec<&Setting> = self.history.current.iter().collect();
        let Some(first_seen_at) = settings.iter().map(|setting| setting.first_seen_at).min() else {
            return Vec::new();
        };
        settings.sort_by_key(|setting| setting_words::place(&setting.name));
        let mut facts = Facts::default();
        for setting in settings {
            let Setting { name, value, changed_at, .. } = setting;
            let since = match changed_at {
                Some(at) => format!(" (changed {})", self.local(*at)),
                None if setting.first_seen_at == first_seen_at => String::new(),
                None => format!(" (first seen {})", self.local(setting.first_seen_at)),
            };
            let value = one_line(&self.words.value(name, Some(value)));
            facts.add(setting_words::label(name), value + &since);
        }
        self.under(&format!("Settings, first seen {}", self.local(first_seen_at)), &facts)
    }

    fn change(&self, change: &SettingsChange) -> Vec<String> {
        let SettingsChange { at, settings, before, after } = change;
        let mut facts = Facts::default();
        for changed in settings {
            facts.add(setting_words::label(&changed.name), one_line(&self.words.change(changed)));
        }
        let [cost_before, cost_after] =
            [before, after].map(|runs| runs.mean_cost.map_or(UNKNOWN.to_owned(), amount));
        facts.add("USD/run", format!("{cost_before} → {cost_after}"));
        let [before_text, after_text] = [before, after]
            .map(|runs: &ComparedRuns| runs.median_duration.map_or(UNKNOWN.to_owned(), duration));
        facts.add("Median", format!("{before_text} → {after_text}"));
        let runs = format!("{} → {} successful", before.runs, after.runs);
        facts.add("Runs", runs);
        self.under(&format!("Changed {}", self.local(*at)), &facts)
    }

    fn local(&self, at: Instant) -> String {
        self.moments.local(at)
    }

    fn under(&self, heading: &str, facts: &Facts) -> Vec<String> {
        let mut lines = vec![Role::Bold.paint(heading, self.screen.color)];
        lines.extend(facts.lines(self.screen));
        lines
    }
}

/// An amount with two decimals, or four if it is small.
fn amount(usd: Usd) -> String {
    let decimals = if usd.units().unsigned_abs() < 1_000_000_000 { DECIMALS_OF_SMALL } else { DECIMALS };
    Language::English.number(&usd.to_fixed(decimals))
}
