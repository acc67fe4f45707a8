//! A run for people: what it cost, how long it took, what became known when, and its document.

use super::booking::Booking;
use super::run::{Pipeline, steps, total_cost};
use super::{in_lines, labeled_id};
use crate::escape::{escape_control, escape_json, replace_control};
use crate::export::terminal::{
    self, Role, Screen, UNKNOWN, cut, display_width, duration, isolated, local_minute, wrap,
};
use crate::export::title::Title;
use crate::report::month_states::CLOSED;
use crate::report::usual::{Usual, factor};
use crate::run::{ChargeStatus, Cost, Instant, Run, Seconds, Status, Usd};
use crate::snapshot::Change;
use crate::store::HistoryEntry;
use chrono_tz::Tz;
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt::Write as _;

/// The decimals of costs.
const DECIMALS: u32 = 4;

/// Below this width, a usual value follows its value.
const IN_COLUMNS_FROM: usize = 58;

/// From this width on, costs and times are side by side.
const SIDE_BY_SIDE_FROM: usize = 120;

/// A line of costs or times.
#[derive(Default)]
struct Line {
    name: &'static str,
    value: String,
    /// `None`: nothing is usual yet.
    usual: Option<String>,
    /// How many times the usual value the value is, if that stands out.
    factor: Option<f64>,
    is_heading: bool,
}

/// What the text is made of.
pub(super) struct View<'a> {
    /// The current state.
    pub(super) run: &'a Run,
    /// `None`: the run has no pipeline, or more than one.
    pub(super) pipeline: Option<&'a Pipeline>,
    /// What is usual for the pipeline.
    pub(super) usual: Usual,
    /// Every state, oldest first.
    pub(super) history: &'a [HistoryEntry],
    /// The closes of its month.
    pub(super) bookings: Vec<Booking>,
    /// When the API no longer had the run. `None`: it has it.
    pub(super) vanished_at: Option<Instant>,
    /// The page of the run in the web app. `None`: not known.
    pub(super) web_url: Option<String>,
    /// Whether the document is printed, too.
    pub(super) is_raw: bool,
    /// The zone of all times.
    pub(super) zone: Tz,
    /// The last observation. `None`: there was none.
    pub(super) known_at: Option<Instant>,
    /// Where the text is shown.
    pub(super) screen: Screen,
}

impl View<'_> {
    /// The text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        self.write_head(&mut text);
        self.write_figures(&mut text);
        self.write_history(&mut text);
        self.write_ids(&mut text);
        self.write_document(&mut text);
        text
    }

    fn write_head(&self, text: &mut String) {
        let run = self.run;
        let as_of = self.known_at.map(|at| format!(" · as of {}", self.minute(at))).unwrap_or_default();
        let title = Title {
            subject: format!("Run {}", &run.id.to_string()[..8]),
            context: format!("{}{as_of}", self.zone.name()),
        };
        let _ = writeln!(text, "{}\n", title.lines(&self.screen).join("\n"));
        let name = self.pipeline.map(|pipeline| pipeline.name.as_deref().unwrap_or(&pipeline.id));
        let name = terminal::one_line(name.unwrap_or("No pipeline, or several"));
        let name = cut(&name, self.screen.table_width());
        let name = if self.screen.is_terminal { isolated(name) } else { name };
        let _ = writeln!(text, "{}", Role::Bold.paint(&name, self.screen.color));
        let trigger = run.trigger.as_deref().and_then(trigger_type);
        let parts = [
            self.pipeline.map(|pipeline| pipeline.kind.as_str().to_owned()),
            run.number.map(|number| format!("run {number}")),
            trigger,
            run.full_sync.map(|is_full| if is_full { "full sync" } else { "incremental" }.to_owned()),
            run.credit_charge_status.as_ref().map(|status| match status {
                ChargeStatus::Charged => "charged (1 credit)".to_owned(),
                ChargeStatus::Unsuccessful => "not charged".to_owned(),
                other => other.as_str().to_owned(),
            }),
        ];
        let status = run.status.as_ref();
        let role = match status {
            Some(Status::Failed) => Role::Error,
            Some(Status::Success) => Role::Plain,
            _ => Role::Warning,
        };
        let status = escape_control(status.map_or("status not known", Status::as_str));
        let parts = parts.into_iter().flatten().map(|part| escape_control(&part).into_owned());
        let parts: Vec<String> = std::iter::once(status.to_string()).chain(parts).collect();
        for (number, line) in in_lines(&parts, self.screen.table_width()).into_iter().enumerate() {
            let painted = role.paint(&status, self.screen.color);
            let line = if number == 0 { line.replacen(status.as_ref(), &painted, 1) } else { line };
            let _ = writeln!(text, "{line}");
        }
        if let Some(at) = self.vanished_at {
            let _ = writeln!(text, "The API no longer has this run (noticed {}).", self.minute(at));
        }
    }

    /// The costs and the times beside the usual ones; side by side where both fit.
    fn write_figures(&self, text: &mut String) {
        let (costs, times) = (self.costs(), self.times());
        text.push('\n');
        if self.screen.width >= SIDE_BY_SIDE_FROM {
            for row in 0..costs.len().max(times.len()) {
                let (left, right) = (costs.get(row), times.get(row));
                let left = left.map_or((String::new(), 0), |line| self.painted(line));
                let right = right.map(|line| self.painted(line).0).unwrap_or_default();
                let gap = " ".repeat((SIDE_BY_SIDE_FROM / 2).saturating_sub(left.1));
                let _ = writeln!(text, "{}", format!("{}{gap}{right}", left.0).trim_end());
            }
        } else {
            for line in costs.iter().chain([&Line::default()]).chain(&times) {
                let _ = writeln!(text, "{}", self.painted(line).0);
            }
        }
        self.write_moments(text);
        let runs = self.usual.runs;
        if runs > 0 {
            let of = if runs == 1 {
                "the successful run".to_owned()
            } else {
                format!("the {runs} successful runs")
            };
            let note = format!("Usual: the median of {of} of the pipeline before this one");
            let _ = writeln!(text, "{}", wrapped(&note, &self.screen));
        }
    }

    fn costs(&self) -> Vec<Line> {
        let part = |cost: &Option<Cost>| cost.as_ref().map(|cost| Usd::from_units(cost.nanos.into()));
        let usd = |usd: Usd| usd.to_fixed(DECIMALS);
        let mut lines = vec![self.heading("Cost in USD")];
        for (name, cost, usual) in [
            ("Extraction and loading", part(&self.run.el_cost_usd), self.usual.el_cost),
            ("Transformation", part(&self.run.transformation_cost_usd), self.usual.transformation_cost),
            ("Total", total_cost(self.run), self.usual.total_cost),
        ] {
            let factor = cost.zip(usual).and_then(|(cost, usual)| factor(cost.units(), usual.units()));
            lines.push(self.line(name, cost.map(usd), usual.map(usd), factor));
        }
        lines
    }

    fn times(&self) -> Vec<Line> {
        let run = self.run;
        let waited = run.created_at.zip(run.started_at);
        let waited = waited.and_then(|(created, started)| {
            Seconds::ratio((started.to_utc() - created.to_utc()).num_milliseconds().into(), 1_000)
        });
        let ran = run.duration_seconds.and_then(|seconds| Seconds::ratio(seconds.into(), 1));
        let mut lines = vec![self.heading("Timing")];
        for (name, seconds, usual) in [("Waited", waited, self.usual.waited), ("Ran", ran, self.usual.ran)] {
            let factor = seconds.zip(usual).and_then(|(one, usual)| factor(one.units(), usual.units()));
            lines.push(self.line(name, seconds.map(duration), usual.map(duration), factor));
        }
        lines
    }

    /// When the run was created, started and ended. An instant of the same day has no date.
    fn write_moments(&self, text: &mut String) {
        let run = self.run;
        let mut day = None;
        let mut moments = Vec::new();
        for (name, at) in [("created", run.created_at), ("started", run.started_at), ("ended", run.ended_at)]
        {
            let Some(at) = at else {
                moments.push(format!("{name} {UNKNOWN}"));
                continue;
            };
            let shown = self.second(at);
            let (date, time) = shown.rsplit_once(' ').unwrap_or(("", &shown));
            let is_same_day = day.as_deref() == Some(date);
            moments.push(format!("{name} {}", if is_same_day { time } else { &shown }));
            day = Some(date.to_owned());
        }
        let mut line = moments.join(" · ");
        line[..1].make_ascii_uppercase();
        match display_width(&line) + 2 <= self.screen.width {
            true => {
                let _ = writeln!(text, "  {line}");
            }
            false => {
                for mut moment in moments {
                    moment[..1].make_ascii_uppercase();
                    let _ = writeln!(text, "  {moment}");
                }
            }
        }
    }

    fn heading(&self, name: &'static str) -> Line {
        let usual = (self.usual.runs > 0).then(|| "Usual".to_owned());
        Line { name, value: "This run".to_owned(), usual, factor: None, is_heading: true }
    }

    fn line(
        &self,
        name: &'static str,
        value: Option<String>,
        usual: Option<String>,
        factor: Option<f64>,
    ) -> Line {
        let value = value.unwrap_or_else(|| UNKNOWN.to_owned());
        let usual = (self.usual.runs > 0).then(|| usual.unwrap_or_else(|| UNKNOWN.to_owned()));
        Line { name, value, usual, factor, is_heading: false }
    }

    /// A line and its width without colors.
    fn painted(&self, line: &Line) -> (String, usize) {
        let Line { name, value, usual, factor, is_heading } = line;
        if name.is_empty() {
            return (String::new(), 0);
        }
        if self.screen.width < IN_COLUMNS_FROM {
            return self.sentence(line);
        }
        let indent = if *is_heading { "" } else { "  " };
        let mut plain = format!("{:<24}  {value:>11}", format!("{indent}{name}"));
        if let Some(usual) = usual {
            plain.push_str(&format!("  {usual:>11}"));
        }
        let color = self.screen.color;
        let (mut text, mut width) = match is_heading {
            true => (Role::Dim.paint(&plain, color), display_width(&plain)),
            false => (plain.clone(), display_width(&plain)),
        };
        if let Some(factor) = factor {
            let factor = format!("{factor:.1} x");
            text.push_str(&format!("  {}", Role::Warning.paint(&factor, color)));
            width += 2 + display_width(&factor);
        }
        (text, width)
    }

    /// A line for a narrow screen: `Ran 12 min 57 s, usually 5 min 59 s (2.2 x)`.
    fn sentence(&self, line: &Line) -> (String, usize) {
        let Line { name, value, usual, factor, is_heading } = line;
        let color = self.screen.color;
        if *is_heading {
            return (Role::Dim.paint(name, color), display_width(name));
        }
        let mut text = format!("  {name} {value}");
        if let Some(usual) = usual.as_ref().filter(|usual| *usual != UNKNOWN) {
            text.push_str(&format!(", usually {usual}"));
        }
        let text = wrap(text.split(' '), self.screen.width).replace('\n', "\n    ");
        let factor =
            factor.map(|factor| format!(" ({})", Role::Warning.paint(&format!("{factor:.1} x"), color)));
        (text + &factor.unwrap_or_default(), 0)
    }

    /// What became known, and what was closed, oldest first.
    fn write_history(&self, text: &mut String) {
        let mut events: Vec<(Instant, Vec<String>)> = Vec::new();
        for (entry, changes) in steps(self.history) {
            let first = if changes.is_empty() { ": first seen" } else { "" };
            let mut lines = vec![format!("sync {}{first}", entry.sync_id)];
            for change in changes {
                let side = |json: &Option<String>| match json.as_deref() {
                    Some(json) => one_line(&shortened(&self.readable(json))),
                    None => "(absent)".to_owned(),
                };
                let field = escape_control(&change.field);
                let other = || format!("{field}: {} → {}", side(&change.before), side(&change.after));
                lines.push(cost_change(&change).unwrap_or_else(other));
            }
            events.push((entry.observed_at, lines));
        }
        for Booking { closed_at, close_id, restates, month, cost } in &self.bookings {
            let verb = if restates.is_some() { "restated" } else { "booked" };
            let cost = cost.map_or_else(|| "no known cost".to_owned(), |cost| cost.to_fixed(DECIMALS));
            let line = format!("{verb} in {month} {CLOSED} (close {close_id}) with {cost}");
            events.push((*closed_at, vec![line]));
        }
        // A close at the moment of an observation is after it.
        events.sort_by_key(|(at, _)| *at);
        let _ = writeln!(text, "\nHistory");
        let width = self.screen.table_width();
        for (at, lines) in events {
            for (number, line) in lines.iter().enumerate() {
                let line = match number {
                    0 => format!("  {}  {line}", self.second(at)),
                    _ => format!("    {line}"),
                };
                let _ = writeln!(text, "{}", cut(&line, width));
            }
        }
    }

    fn write_ids(&self, text: &mut String) {
        const LABELS_WIDTH: usize = 12;
        let width = self.screen.table_width();
        let _ = writeln!(text, "\n{}", labeled_id("Run id", LABELS_WIDTH, &self.run.id.to_string(), width));
        if let Some(pipeline) = self.pipeline {
            let id = escape_control(&pipeline.id);
            let _ = writeln!(text, "{}", labeled_id("Pipeline id", LABELS_WIDTH, &id, width));
        }
        if let Some(address) = &self.web_url {
            let _ = writeln!(text, "Web           {}", escape_control(address));
        }
        let token = self.run.triggered_by_token.as_deref().map(|token| format!("token {token}"));
        let by = token.or_else(|| self.run.triggered_by.map(|user| format!("user {user}")));
        if let Some(by) = by {
            let _ = writeln!(text, "Triggered by  {}", escape_control(&by));
        }
    }

    /// The document as the API sent it, or how to see it.
    fn write_document(&self, text: &mut String) {
        if self.is_raw {
            let _ = writeln!(text, "\nDocument\n{}", indented(&self.run.document()));
        } else {
            let _ = writeln!(text, "\n{}", wrapped("All that the API sent: --raw", &self.screen));
        }
    }

    /// A JSON value on one line: texts without quotes, instants in the zone, null as a dash.
    fn readable(&self, json: &str) -> String {
        match serde_json::from_str::<Value>(json) {
            Ok(Value::String(text)) => match Instant::parse(&text).filter(|_| text.len() > 10) {
                Some(at) => self.second(at),
                None => text,
            },
            Ok(Value::Null) => UNKNOWN.to_owned(),
            _ => serde_json::from_str::<&RawValue>(json).map_or(json, RawValue::get).to_owned(),
        }
    }

    fn minute(&self, at: Instant) -> String {
        local_minute(at, self.zone, None)
    }

    fn second(&self, at: Instant) -> String {
        at.to_utc().with_timezone(&self.zone).format("%-d %b %Y %H:%M:%S").to_string()
    }
}

/// The change of a cost: `transformation 0.0410 → 0.1235 (+0.0825)`. `None`: another field has changed.
fn cost_change(change: &Change) -> Option<String> {
    let name = match change.field.as_str() {
        "el_cost_usd" => "extraction and loading",
        "transformation_cost_usd" => "transformation",
        _ => return None,
    };
    let amount = |json: &Option<String>| {
        json.as_deref().and_then(Cost::from_number).map(|cost| Usd::from_units(cost.nanos.into()))
    };
    let (before, after) = (amount(&change.before), amount(&change.after));
    let text = |amount: Option<Usd>| amount.map_or_else(|| UNKNOWN.to_owned(), |usd| usd.to_fixed(DECIMALS));
    let difference = before.zip(after).map(|(before, after)| (after - before).to_fixed(DECIMALS));
    let difference = difference.map_or_else(String::new, |difference| match difference.strip_prefix('-') {
        Some(less) => format!(" (−{less})"),
        None => format!(" (+{difference})"),
    });
    Some(format!("{name} {} → {}{difference}", text(before), text(after)))
}

/// A note that is as wide as the screen.
fn wrapped(note: &str, screen: &Screen) -> String {
    let lines = wrap(note.split(' '), screen.table_width());
    lines.lines().map(|line| Role::Dim.paint(line, screen.color)).collect::<Vec<_>>().join("\n")
}

/// The word for the trigger in its JSON.
fn trigger_type(json: &str) -> Option<String> {
    let value: Value = serde_json::from_str(json).ok()?;
    Some(value.get("type")?.as_str()?.to_owned())
}

/// The text without line breaks and control characters.
fn one_line(text: &str) -> String {
    replace_control(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}

/// The JSON with a line for each value, indented by two spaces. Strings and numbers stay as they are.
fn indented(json: &str) -> String {
    let mut lines = String::from("  ");
    let (mut depth, mut is_string, mut is_escaped) = (1_usize, false, false);
    let mut letters = json.chars().peekable();
    while let Some(letter) = letters.next() {
        if is_string {
            lines.push(letter);
            is_string = is_escaped || letter != '"';
            is_escaped = !is_escaped && letter == '\\';
            continue;
        }
        match letter {
            '"' => {
                is_string = true;
                lines.push(letter);
            }
            '{' | '[' => {
                lines.push(letter);
                let close = if letter == '{' { '}' } else { ']' };
                if letters.peek() == Some(&close) {
                    lines.extend(letters.next());
                } else {
                    depth += 1;
                    line_break(&mut lines, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line_break(&mut lines, depth);
                lines.push(letter);
            }
            ',' => {
                lines.push(letter);
                line_break(&mut lines, depth);
            }
            ':' => lines.push_str(": "),
            letter if letter.is_whitespace() => {}
            letter => lines.push(letter),
        }
    }
    escape_json(&lines).into_owned()
}

fn line_break(lines: &mut String, depth: usize) {
    lines.push('\n');
    lines.push_str(&"  ".repeat(depth));
}

/// The first 60 characters of a value.
fn shortened(text: &str) -> String {
    const MAX_CHARACTERS: usize = 60;
    match text.char_indices().nth(MAX_CHARACTERS) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_controls_no_terminal_and_reads_as_in_tables() {
        assert_eq!(one_line("Notas\nfiscais \u{1b}[31m\u{202e}x"), "Notas fiscais �[31m�x");
    }

    #[test]
    fn a_changed_cost_has_its_difference() {
        let change = |field: &str, before: &str, after: &str| {
            let (before, after) = (Some(before.to_owned()), Some(after.to_owned()));
            cost_change(&Change { field: field.to_owned(), before, after, replaced: Vec::new() })
        };
        let shown = |before, after| change("el_cost_usd", before, after).unwrap();
        assert_eq!(shown("0.041", "0.1234567890123"), "extraction and loading 0.0410 → 0.1235 (+0.0825)");
        assert_eq!(shown("1.5", "1.25"), "extraction and loading 1.5000 → 1.2500 (−0.2500)");
        assert_eq!(shown("null", "0.25"), "extraction and loading – → 0.2500");
        assert_eq!(change("number", "1", "2"), None);
    }

    #[test]
    fn json_is_indented_with_its_own_digits() {
        let json = r#"{"a":[1.10,{"b":"x, {y}: \"z\""}],"c":{},"d":[],"e":1e-9}"#;
        let expected = "  {\n    \"a\": [\n      1.10,\n      {\n        \"b\": \"x, {y}: \\\"z\\\"\"\n      }\n    ],\n    \
                        \"c\": {},\n    \"d\": [],\n    \"e\": 1e-9\n  }";
        assert_eq!(indented(json), expected);
        assert_eq!(
            serde_json::from_str::<Value>(&indented(json)).unwrap(),
            serde_json::from_str::<Value>(json).unwrap()
        );
    }
}
