//! A run for people: what it cost, how long it took, what became known when, and the rest of its document.

use super::{Pipeline, steps, total_cost};
use crate::escape::{escape_control, escape_json, replace_control};
use crate::export::terminal::{Role, Screen, UNKNOWN, duration, local_minute};
use crate::export::title::Title;
use crate::run::json::Entries;
use crate::run::{ChargeStatus, Cost, Instant, Run, Seconds, Status, Usd};
use crate::store::HistoryEntry;
use chrono_tz::Tz;
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt::Write as _;

/// The decimals of costs.
const DECIMALS: u32 = 4;

/// The fields of the document that the blocks above the details have.
const SHOWN: [&str; 15] = [
    "id",
    "number",
    "status",
    "created_at",
    "started_at",
    "ended_at",
    "duration_seconds",
    "full_sync",
    "credit_charge_status",
    "el_cost_usd",
    "transformation_cost_usd",
    "source",
    "destination",
    "transformation",
    "updated_at",
];

/// What the text is made of.
pub(super) struct View<'a> {
    /// The current state.
    pub(super) run: &'a Run,
    /// `None`: the run has no pipeline, or more than one.
    pub(super) pipeline: Option<&'a Pipeline>,
    /// Every state, oldest first.
    pub(super) history: &'a [HistoryEntry],
    /// When the API no longer had the run. `None`: it has it.
    pub(super) vanished_at: Option<Instant>,
    /// The page of the run in the web app. `None`: not known.
    pub(super) web_url: Option<String>,
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
        self.write_costs(&mut text);
        self.write_times(&mut text);
        self.write_history(&mut text);
        self.write_ids(&mut text);
        self.write_details(&mut text);
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
        let name = one_line(name.unwrap_or("No pipeline, or several"));
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
        let parts: Vec<String> =
            std::iter::once(role.paint(&status, self.screen.color)).chain(parts).collect();
        let _ = writeln!(text, "{}", parts.join(" · "));
        if let Some(at) = self.vanished_at {
            let _ = writeln!(text, "The API no longer has this run (noticed {}).", self.minute(at));
        }
    }

    fn write_costs(&self, text: &mut String) {
        let part = |cost: &Option<Cost>| cost.as_ref().map(|cost| Usd::from_units(cost.nanos.into()));
        let usd = |usd: Option<Usd>| usd.map_or_else(|| UNKNOWN.to_owned(), |usd| usd.to_fixed(DECIMALS));
        let _ = writeln!(text, "\nCost in USD");
        for (name, cost) in [
            ("Extraction and loading", part(&self.run.el_cost_usd)),
            ("Transformation", part(&self.run.transformation_cost_usd)),
            ("Total", total_cost(self.run)),
        ] {
            let _ = writeln!(text, "  {name:<22}  {:>12}", usd(cost));
        }
    }

    fn write_times(&self, text: &mut String) {
        let run = self.run;
        let waited = run.created_at.zip(run.started_at);
        let waited = waited.and_then(|(created, started)| {
            Seconds::ratio((started.to_utc() - created.to_utc()).num_milliseconds().into(), 1_000)
        });
        let ran = run.duration_seconds.and_then(|seconds| Seconds::ratio(seconds.into(), 1));
        let shown = |seconds: Option<Seconds>| seconds.map_or_else(|| UNKNOWN.to_owned(), duration);
        let _ = writeln!(text, "\nTiming");
        let _ = writeln!(text, "  {:<22}  {:>12}", "Waited", shown(waited));
        let _ = writeln!(text, "  {:<22}  {:>12}", "Ran", shown(ran));
        let moments = [("Created", run.created_at), ("Started", run.started_at), ("Ended", run.ended_at)];
        for (name, at) in moments {
            let at = at.map_or_else(|| UNKNOWN.to_owned(), |at| self.second(at));
            let _ = writeln!(text, "  {name:<14}  {at:>20}");
        }
    }

    fn write_history(&self, text: &mut String) {
        let _ = writeln!(text, "\nHistory");
        for (entry, changes) in steps(self.history) {
            let first = if changes.is_empty() { ": first seen" } else { "" };
            let _ = writeln!(text, "  {}  sync {}{first}", self.second(entry.observed_at), entry.sync_id);
            for change in changes {
                let side = |json: &Option<String>| match json.as_deref() {
                    Some(json) => one_line(&shortened(&self.readable(json))),
                    None => "(absent)".to_owned(),
                };
                let _ = writeln!(
                    text,
                    "    {}: {} → {}",
                    escape_control(&change.field),
                    side(&change.before),
                    side(&change.after)
                );
            }
        }
    }

    fn write_ids(&self, text: &mut String) {
        let _ = writeln!(text, "\nRun id       {}", self.run.id);
        if let Some(pipeline) = self.pipeline {
            let _ = writeln!(text, "Pipeline id  {}", escape_control(&pipeline.id));
        }
        if let Some(address) = &self.web_url {
            let _ = writeln!(text, "Web          {}", escape_control(address));
        }
    }

    /// The fields that no block has: one line each, and JSON indented.
    fn write_details(&self, text: &mut String) {
        let document = self.run.document();
        let Some(entries) = Entries::parse(&document) else { return };
        for entry in entries.0.iter().filter(|entry| !SHOWN.contains(&entry.key.as_ref())) {
            let value = match serde_json::from_str::<Value>(entry.value.get()) {
                Ok(Value::Null) => continue,
                // The digits of numbers stay as they were sent.
                Ok(Value::Object(_) | Value::Array(_)) => format!("\n{}", indented(entry.value.get())),
                _ => format!("  {}", one_line(&self.readable(entry.value.get()))),
            };
            let _ = writeln!(text, "\n{}{value}", escape_control(&entry.key));
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
