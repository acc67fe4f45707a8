//! A month-end fixture: a workspace with past months, and the command that queries it.

use super::command::{Ran, ran, rows_of_csv};
use super::workspace::{Workspace, at, options, rows_of};
use chrono::TimeDelta;
use fastrand::Rng;
use runledger::internal::sandbox::{Document, Model, Options as SandboxOptions, Outcome, PipelineKind, Plan};
use runledger::internal::sync::{Options, Summary};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use uuid::Uuid;

/// The month that most tests close, years before the current date.
pub const MONTH: &str = "2025-02";

/// The zone of that month: its months start three hours after those of UTC.
pub const ZONE: &str = "America/Sao_Paulo";

/// The start of the fixture: MONTH is over.
pub const OPENS: &str = "2025-03-05T12:00:00Z";

pub struct MonthEnd {
    pub workspace: Workspace,
    /// Deleted runs, so that they can return.
    deleted: RefCell<Vec<(Uuid, Document)>>,
}

impl MonthEnd {
    /// `runs` settled runs in the thirty days before the start, synced once into an archive.
    pub fn of(runs: usize) -> MonthEnd {
        let month_end = MonthEnd::opening(OPENS, runs, 30);
        month_end.settle();
        month_end.sync();
        month_end
    }

    /// Another fixture: as [`MonthEnd::of`], with pipelines and runs that no other seed has.
    pub fn elsewhere(runs: usize, seed: u64) -> MonthEnd {
        let now = at(OPENS).to_utc();
        let plan = Plan { runs, seed, span: TimeDelta::days(30), ..Plan::ending_at(now) };
        let workspace = Workspace::of_plan(&plan, SandboxOptions::default());
        let month_end = MonthEnd { workspace, deleted: RefCell::default() };
        month_end.settle();
        month_end.sync();
        month_end
    }

    /// A fixture that starts at that instant, with `runs` runs in the days before and an empty archive.
    pub fn opening(now: &str, runs: usize, days: i64) -> MonthEnd {
        let now = at(now).to_utc();
        let plan = Plan { runs, span: TimeDelta::days(days), ..Plan::ending_at(now) };
        let workspace = Workspace::of_plan(&plan, SandboxOptions::default());
        MonthEnd { workspace, deleted: RefCell::default() }
    }

    /// Ends every run and sets its cost.
    pub fn settle(&self) {
        let mut model = self.workspace.sandbox.model();
        for id in model.in_progress() {
            model.finish(id, Outcome::Success);
        }
        let ids: Vec<Uuid> = model.ids().collect();
        for id in ids {
            let run = model.document(id).unwrap();
            if run["el_cost_usd"].is_null() && run["transformation_cost_usd"].is_null() {
                model.settle(id);
            }
        }
    }

    /// Syncs the whole list an hour later. Returns the instant of the last observation.
    pub fn sync(&self) -> String {
        self.workspace.wait(TimeDelta::hours(1));
        let summary = self.sync_now();
        assert!(summary.result.is_ok(), "{:?}", summary.result);
        self.known_at()
    }

    pub fn sync_now(&self) -> Summary {
        self.workspace.sync(&Options { full: true, ..options() })
    }

    /// The instant of the last observation.
    pub fn known_at(&self) -> String {
        self.workspace.rows("SELECT max(last_observed_at) FROM syncs").remove(0)
    }

    /// The runs booked in MONTH at their last observation, oldest first.
    pub fn runs_of_the_month(&self) -> Vec<Uuid> {
        let sql = "SELECT run_id FROM runs \
                   WHERE booked_at >= '2025-02-01T03:00:00.000000Z' AND booked_at < '2025-03-01T03:00:00.000000Z' \
                   ORDER BY booked_at, run_id";
        self.workspace.rows(sql).iter().map(|id| id.parse().unwrap()).collect()
    }

    /// Edits a run's fields.
    pub fn change(&self, id: Uuid, fields: Value) {
        let Value::Object(fields) = fields else { panic!("fields are an object") };
        self.workspace.sandbox.model().change(id, |run| run.extend(fields));
    }

    /// Creates a copy of a run that is created and starts at an instant.
    pub fn add_like(&self, other: Uuid, at: &str) -> Uuid {
        let mut model = self.workspace.sandbox.model();
        let mut run = model.document(other).unwrap();
        let id =
            Uuid::from_u128(u128::from_str_radix(&format!("{:x}", other.as_u128()), 16).unwrap() ^ 0x5a5a);
        run.insert("id".to_owned(), json!(id));
        run.insert("created_at".to_owned(), json!(at));
        run.insert("started_at".to_owned(), json!(at));
        model.insert(id, &run);
        id
    }

    /// Applies changes of every kind, drawn at random.
    pub fn upset(&self, rng: &mut Rng) {
        let mut model = self.workspace.sandbox.model();
        for _ in 0..rng.usize(3..12) {
            let ids: Vec<Uuid> = model.ids().collect();
            let id = ids[rng.usize(..ids.len())];
            let instant = format!(
                "2025-0{}-{:02}T{:02}:{:02}:00.{:06}Z",
                rng.u8(1..=3),
                [1, 2, 27, 28][rng.usize(..4)],
                rng.u8(..24),
                rng.u8(..60),
                rng.u32(..1_000_000)
            );
            match rng.u8(..13) {
                0..=2 => set(&mut model, id, "el_cost_usd", cost(rng)),
                3 => set(&mut model, id, "transformation_cost_usd", cost(rng)),
                4 => set(&mut model, id, "started_at", json!(instant)),
                5 => set(&mut model, id, "ended_at", json!(instant)),
                6 => set(&mut model, id, "status", json!(["success", "failed", "paused"][rng.usize(..3)])),
                7 => set(
                    &mut model,
                    id,
                    "credit_charge_status",
                    json!(["charged", "unsuccessful"][rng.usize(..2)]),
                ),
                8 => {
                    let run = model.document(id).unwrap();
                    model.delete(id);
                    self.deleted.borrow_mut().push((id, run));
                }
                9 => {
                    if let Some((id, run)) = self.deleted.borrow_mut().pop() {
                        model.insert(id, &run);
                    }
                }
                10 => {
                    let mut run = model.document(id).unwrap();
                    let id = Uuid::from_u128(rng.u128(..));
                    for (field, value) in
                        [("id", json!(id)), ("created_at", json!(instant)), ("started_at", json!(null))]
                    {
                        run.insert(field.to_owned(), value);
                    }
                    model.insert(id, &run);
                }
                _ => {
                    let kind = PipelineKind::ALL[rng.usize(..3)];
                    let pipelines: Vec<Uuid> = model.pipelines(kind).map(|(id, _)| id).collect();
                    if let Some(pipeline) = pipelines.get(rng.usize(..pipelines.len().max(1))) {
                        match rng.u8(..4) {
                            0 => model.delete_pipeline(*pipeline),
                            _ => model.rename_pipeline(*pipeline, &format!("Pipeline {}", rng.u16(..))),
                        }
                    }
                }
            }
        }
    }

    // ---- the command

    /// Writes the settings file beside the archive.
    pub fn set(&self, settings: &str) {
        fs::write(self.workspace.file("runledger.toml"), settings).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runledger"));
        command
            .env_clear()
            .current_dir(self.workspace.file(""))
            .env("RUNLEDGER_DB", self.workspace.path())
            .args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        ran(self.command(arguments))
    }

    /// Standard output of the command, which must succeed.
    pub fn output(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.err);
        ran.out
    }

    /// The rows of the command's CSV, as maps from column to cell.
    pub fn rows(&self, arguments: &[&str]) -> Vec<BTreeMap<String, String>> {
        let csv = match arguments[0] {
            "export" => self.output(arguments),
            _ => self.output(&[arguments, &["--format", "csv"]].concat()),
        };
        rows_of_csv(&csv)
    }

    /// The sum of a column of the command's CSV, in nano-dollars.
    pub fn sum(&self, arguments: &[&str], column: &str) -> i128 {
        self.rows(arguments).iter().map(|row| nanos(&row[column])).sum()
    }

    /// The output of each of these commands in a scope, by its arguments.
    pub fn answers(&self, questions: &[Vec<&str>], scope: &[&str]) -> BTreeMap<String, Vec<u8>> {
        let answer = |question: &Vec<&str>| {
            let mut arguments = [question, scope].concat();
            let file = self.workspace.file("answer.xlsx");
            let is_sheet = question.contains(&"xlsx");
            if is_sheet {
                arguments.extend(["--output", file.to_str().unwrap()]);
            }
            let said = self.output(&arguments).into_bytes();
            (question.join(" "), if is_sheet { fs::read(&file).unwrap() } else { said })
        };
        questions.iter().map(answer).collect()
    }

    /// Every row of a table or query.
    pub fn table(&self, sql: &str) -> Vec<String> {
        rows_of(&self.workspace.path(), sql)
    }
}

fn set(model: &mut Model, id: Uuid, field: &str, value: Value) {
    model.change(id, |run| drop(run.insert(field.to_owned(), value)));
}

fn cost(rng: &mut Rng) -> Value {
    match rng.u8(..5) {
        0 => Value::Null,
        1 => json!(-0.000000001),
        _ => json!(f64::from(rng.u32(..)) / 1e9),
    }
}

/// Parses a decimal into nano-dollars; blank is zero.
pub fn nanos(text: &str) -> i128 {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    assert!(decimals.len() <= 9, "{text}");
    format!("{whole}{decimals:0<9}").parse().unwrap_or_else(|_| {
        assert_eq!(text, "");
        0
    })
}

/// Every report and export in the formats that programs read.
pub fn questions() -> Vec<Vec<&'static str>> {
    let mut questions: Vec<Vec<&str>> = vec![
        vec!["report", "cost", "--by", "day,pipeline", "--format", "csv"],
        vec!["report", "cost", "--by", "kind,trigger,status,cost-center", "--format", "csv"],
        vec!["report", "duration", "--by", "week,pipeline", "--format", "csv"],
        vec!["report", "metadata", "--format", "csv"],
        vec!["report", "components", "--by", "month,pipeline", "--format", "csv"],
        vec!["export", "documents"],
    ];
    for name in runledger::internal::report::question::QUESTIONS.iter().map(|question| question.name) {
        questions.push(vec!["report", name, "--format", "csv"]);
    }
    for what in ["runs", "snapshots", "costs"] {
        questions.push(vec!["export", what]);
    }
    questions
}

/// The commands whose output a close freezes: every split and format of every report and export.
pub fn questions_of_a_month() -> Vec<Vec<&'static str>> {
    let mut questions = questions();
    let splits = [
        "month",
        "week",
        "day",
        "pipeline",
        "kind",
        "trigger",
        "status",
        "cost-center",
        "cost-center,pipeline,day",
    ];
    for by in splits {
        for report in ["cost", "duration"] {
            for format in ["table", "csv", "json", "markdown", "xlsx"] {
                questions.push(vec!["report", report, "--by", by, "--format", format]);
            }
        }
    }
    for what in ["runs", "snapshots", "costs"] {
        for format in ["json", "ndjson"] {
            questions.push(vec!["export", what, "--format", format]);
        }
        questions.push(vec!["export", what, "--dialect", "excel-br"]);
    }
    questions.push(vec!["export", "focus"]);
    questions.push(vec!["export", "focus", "--focus-version", "1.4"]);
    questions.push(vec!["export", "focus", "--focus-version", "1.4", "--focus-dataset", "billing-period"]);
    questions.push(vec!["report", "credits", "--by", "month,pipeline", "--format", "csv"]);
    for format in ["table", "csv", "json", "markdown", "xlsx"] {
        questions.push(vec!["report", "schedule", "--format", format]);
        questions.push(vec!["report", "schedule", "--pipeline", "*", "--format", format]);
    }
    questions
}
