//! A pipeline for people: a header, its months, its last runs, and what stands out.

use super::in_lines;
use super::settings_text::SettingsText;
use crate::commands::shared::facts::{Facts, Moments, notes, title};
use crate::commands::shared::numbers::{grouped, grouped_count};
use crate::error::{Error, Result};
use crate::export::terminal::{
    DECIMALS, Role, Screen, cut, display_width, isolated, local_minute, one_line, write_view,
};
use crate::export::title::booked_by;
use crate::language::Language;
use crate::report::month_states::{MonthStates, legend};
use crate::report::pipeline_profile::PipelineProfile;
use crate::report::setting_words;
use crate::report::{Cell, DateBasis, Table};
use crate::run::{Instant, Usd};
use crate::store::KnownPipeline;
use chrono_tz::Tz;
use std::borrow::Cow;

/// The columns of the last runs.
const COLUMNS: [&str; 8] = [
    "status",
    "started_at",
    "duration_seconds",
    "total_cost_usd",
    "trigger_type",
    "run_id",
    "queued_seconds",
    "credit_charge_status",
];

/// What the text is made of.
pub(super) struct View<'a> {
    pub(super) pipeline: &'a KnownPipeline,
    pub(super) profile: &'a mut PipelineProfile,
    /// The marks of the months.
    pub(super) states: &'a MonthStates,
    /// The zone of all times and months.
    pub(super) zone: Tz,
    /// What books a run into a month.
    pub(super) date: DateBasis,
    /// The last observation by the system clock. `None`: nothing was archived.
    pub(super) moment: Option<Instant>,
    /// The last observation. `None`: there was none.
    pub(super) known_at: Option<Instant>,
    /// How many runs have an id that begins with the argument too.
    pub(super) runs_of_that_name: u64,
    /// The argument.
    pub(super) subject: &'a str,
    /// Where the text is shown.
    pub(super) screen: Screen,
}

impl View<'_> {
    /// The text, one block below the other: what it is, its months, its last runs, and what stands out.
    ///
    /// # Errors
    /// [`Error::Internal`] when memory cannot be written.
    pub(super) fn text(mut self) -> Result<String> {
        let mut blocks = vec![self.title(), self.head()];
        let mut marks = Vec::new();
        if self.profile.total.cost.runs > 0 {
            blocks.push(self.months(&mut marks)?);
            blocks.push(self.last_runs()?);
        } else {
            blocks.push(vec![self.never_ran()]);
        }
        blocks.extend(self.settings());
        blocks.push(self.facts());
        blocks.push(self.notes(&marks));
        blocks.retain(|block| !block.is_empty());
        Ok(blocks.into_iter().map(|block| block.join("\n")).collect::<Vec<_>>().join("\n\n"))
    }

    fn title(&self) -> Vec<String> {
        let pipeline = self.pipeline;
        let short = || pipeline.id.chars().take(8).collect();
        let name = pipeline.slug.clone().filter(|slug| !slug.is_empty()).unwrap_or_else(short);
        let subject = format!("Pipeline {}", self.line(&name));
        let as_of = self.known_at.map(|at| format!("as of {}", local_minute(at, self.zone, None)));
        title(
            subject,
            &[Some(self.zone.name().to_owned()), Some(booked_by(self.date).to_owned()), as_of],
            &self.screen,
        )
    }

    fn head(&self) -> Vec<String> {
        let KnownPipeline { kind, name, active, gone_at, .. } = self.pipeline;
        let mut lines = Vec::new();
        if let Some(name) = name.as_deref().filter(|name| !name.trim().is_empty()) {
            let name = match self.screen.is_terminal {
                true => isolated(Cow::Owned(self.line(name))).into_owned(),
                false => self.line(name),
            };
            lines.push(Role::Bold.paint(&name, self.screen.color));
        }
        let state = match (gone_at, active) {
            (Some(at), _) => Some(format!("no longer in the API (noticed {})", self.local(*at))),
            (None, Some(true)) => Some("active".to_owned()),
            (None, Some(false)) => Some("paused".to_owned()),
            (None, None) => None,
        };
        let center = self.profile.cost_center.as_deref().map(|center| format!("cost center {center}"));
        let parts = [Some(kind.as_str().to_owned()), state, self.schedule(), center];
        let parts: Vec<String> = parts.into_iter().flatten().map(|part| one_line(&part)).collect();
        lines.extend(in_lines(&parts, self.screen.table_width()));
        lines
    }

    /// The schedule: `every 30 minutes (*/30 * * * *, UTC)`.
    fn schedule(&self) -> Option<String> {
        let schedule = self.profile.schedule.as_ref()?;
        Some(setting_words::schedule(&schedule.expression, Some(schedule.zone.as_deref().unwrap_or("UTC"))))
    }

    /// The settings, and their changes.
    fn settings(&self) -> Vec<Vec<String>> {
        SettingsText {
            history: &self.profile.settings,
            words: &self.profile.setting_words,
            moments: Moments { zone: self.zone, moment: self.moment },
            screen: &self.screen,
        }
        .blocks()
    }

    fn months(&mut self, marks: &mut Vec<&'static str>) -> Result<Vec<String>> {
        let mut table = self.profile.months_table();
        for (row, (month, _)) in table.rows.iter_mut().zip(&self.profile.months) {
            if let Some(mark) = self.states.mark(month) {
                row[0] = Cell::text(format!("{month} {mark}"));
                marks.push(mark);
            }
        }
        self.table("show months", &table)
    }

    fn last_runs(&self) -> Result<Vec<String>> {
        let mut table = self.profile.last_runs.clone();
        table.retain_columns(|column| COLUMNS.contains(&column));
        self.table("show runs", &table)
    }

    fn never_ran(&self) -> String {
        match self.pipeline.created_at.or(self.pipeline.first_seen_at) {
            Some(at) => format!("It never ran. Created {}.", self.local(at)),
            None => "It never ran.".to_owned(),
        }
    }

    fn facts(&mut self) -> Vec<String> {
        let mut facts = Facts::default();
        let usd = |usd: Usd| format!("{} USD", Language::English.number(&usd.to_fixed(DECIMALS)));
        let total = &self.profile.total;
        if total.cost.runs > 0 {
            let runs = grouped_count(total.cost.runs, "run");
            let in_all = match total.cost.total() {
                Some(cost) => format!("{} in {runs}", usd(cost)),
                None => format!("{runs}, no known cost"),
            };
            let rank = self.profile.rank.map(|(rank, pipelines)| place(rank, pipelines));
            facts.add("In all", in_all + &rank.unwrap_or_default());
        }
        if total.final_runs > 0 {
            let failed = grouped(total.failed_runs());
            let ended = grouped(total.final_runs);
            let rate =
                total.failure_rate().map(|rate| format!(" ({})", rate.to_percent())).unwrap_or_default();
            let row = match self.profile.failures_in_a_row {
                0 => "none in a row".to_owned(),
                1 => "the last run too".to_owned(),
                several => format!("the last {} in a row", grouped(several)),
            };
            let (role, text) = match total.failed_runs() {
                0 => (Role::Plain, format!("none of {ended}")),
                _ => {
                    let spent = total.failed_cost().map(|cost| format!("; {} spent on them", usd(cost)));
                    let role = if self.profile.failures_in_a_row >= 3 { Role::Error } else { Role::Plain };
                    (role, format!("{failed} of {ended}{rate}, {row}{}", spent.unwrap_or_default()))
                }
            };
            facts.add_as(role, "Failures", text);
        }
        let width = self.screen.table_width();
        let id = cut(&one_line(&self.pipeline.id), width.max(36)).into_owned();
        const LABEL: &str = "Pipeline id";
        if display_width(LABEL) + 2 + display_width(&id) <= width {
            facts.add(LABEL, id);
            return facts.lines(&self.screen);
        }
        let label = Role::Dim.paint(LABEL, self.screen.color);
        [facts.lines(&self.screen), vec![label, format!("  {id}")]].concat()
    }

    fn notes(&self, marks: &[&'static str]) -> Vec<String> {
        let legend = legend(marks.iter().copied()).unwrap_or_default();
        let unknown = match self.profile.total.cost.runs_cost_unknown {
            0 => String::new(),
            runs => format!("{}: cost not known", grouped_count(runs, "run")),
        };
        let runs = match self.runs_of_that_name {
            0 => String::new(),
            1 => format!("the id of a run begins so too: `runledger runs --id {}`", self.subject),
            several => format!(
                "the ids of {} runs begin so too: `runledger runs --id {}`",
                grouped(several),
                self.subject
            ),
        };
        notes(&[&legend, &unknown, &runs], &self.screen)
    }

    fn table(&self, name: &str, table: &Table) -> Result<Vec<String>> {
        let mut drawn = Vec::new();
        write_view(name, table, &[], self.moment, &self.screen, &mut drawn)
            .map_err(|error| Error::Internal(error.to_string()))?;
        Ok(String::from_utf8_lossy(&drawn).lines().map(str::to_owned).collect())
    }

    /// A name on one line of the screen.
    fn line(&self, name: &str) -> String {
        cut(&one_line(name), self.screen.table_width()).into_owned()
    }

    fn local(&self, at: Instant) -> String {
        local_minute(at, self.zone, self.moment)
    }
}

/// The place of a pipeline by its costs, after a comma. Empty: there is no other pipeline.
fn place(rank: u64, pipelines: u64) -> String {
    let of = format!("most expensive of {}", grouped_count(pipelines, "pipeline"));
    match (rank, pipelines) {
        (_, 0 | 1) => String::new(),
        (1, _) => format!(", the {of}"),
        (rank, _) => format!(", the {} {of}", ordinal(rank)),
    }
}

/// The number as an ordinal: `2nd`, `13th`.
fn ordinal(number: u64) -> String {
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{}{ending}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_an_ordinal() {
        assert_eq!([place(1, 1), place(1, 40)], ["", ", the most expensive of 40 pipelines"]);
        let ordinals = [2, 3, 4, 11, 21, 112, 1_001].map(ordinal);
        assert_eq!(ordinals, ["2nd", "3rd", "4th", "11th", "21st", "112th", "1,001st"]);
    }
}
