//! `runledger show`: a pipeline, and what is usual for the pipeline of a run.

use super::{archived, with};
use crate::support::command::rows_of_csv;
use crate::support::workspace::Workspace;
use rusqlite::Connection;
use serde_json::{Value, json};

/// The id, the slug and the name of the pipeline with the most runs.
fn busiest(workspace: &Workspace) -> [String; 3] {
    let archive = Connection::open(workspace.path()).unwrap();
    let sql = "SELECT p.pipeline_id, p.slug, p.name FROM runs AS r \
               JOIN pipelines AS p ON p.kind = r.pipeline_kind AND p.pipeline_id = r.pipeline_id \
               GROUP BY 1, 2, 3 ORDER BY count(*) DESC, 1 LIMIT 1";
    archive.query_row(sql, [], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?])).unwrap()
}

fn json_of(workspace: &Workspace, subject: &str) -> Value {
    with(workspace, &["show", subject, "--json"]).json()
}

/// Edits the archive.
fn edit(workspace: &Workspace, sql: &str) {
    Connection::open(workspace.path()).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_pipeline_is_shown_by_slug_name_or_id() {
    let workspace = archived(60);
    let [id, slug, name] = busiest(&workspace);
    let on_one_line = name.split_whitespace().collect::<Vec<_>>().join(" ");
    for subject in [&id, &slug, &name, &on_one_line, &slug.to_uppercase(), &id[..18].to_owned()] {
        assert_eq!(json_of(&workspace, subject)["pipeline"]["id"], id, "{subject}");
    }
    let similar = with(&workspace, &["show", &format!("{slug}x")]);
    similar.refused(2, &[&format!("did you mean `{slug}`?")]);
}

#[test]
fn a_pipeline_has_the_figures_of_the_reports() {
    let workspace = archived(400);
    for slug in workspace
        .rows("SELECT DISTINCT slug FROM pipelines JOIN runs USING (pipeline_id) ORDER BY slug LIMIT 6")
    {
        let shown = json_of(&workspace, &slug);
        let report = |args: &[&str]| {
            let args = [&["report"], args, &["--pipeline", &slug, "--format", "csv"]].concat();
            rows_of_csv(with(&workspace, &args).out())
        };
        let number =
            |value: &Value| value.as_f64().map_or_else(|| value.to_string(), |number| number.to_string());
        let text =
            |text: &str| text.parse::<f64>().map_or_else(|_| "null".to_owned(), |number| number.to_string());
        let months = shown["months"].as_array().unwrap();
        for (report, columns) in [
            ("cost", &["runs", "runs_cost_unknown", "total_cost_usd", "cost_per_run_usd", "credits"][..]),
            ("duration", &["p50_seconds", "p95_seconds"]),
        ] {
            let rows = report_months(report, &report_rows(&workspace, report, &slug));
            assert_eq!(months.len(), rows.len(), "{slug}");
            for (month, row) in months.iter().zip(&rows) {
                assert_eq!(month["month"], row["month"]);
                for column in columns {
                    assert_eq!(number(&month[column]), text(&row[*column]), "{slug} {column}");
                }
            }
        }
        let failures = report(&["failures"]);
        let (failed, in_a_row) = match failures.first() {
            Some(row) => (row["failed_runs"].clone(), row["failures_in_a_row"].clone()),
            None => ("0".to_owned(), "0".to_owned()),
        };
        assert_eq!(shown["total"]["failed_runs"].to_string(), failed, "{slug}");
        assert_eq!(shown["failures_in_a_row"].to_string(), in_a_row, "{slug}");

        let costs =
            rows_of_csv(with(&workspace, &["report", "cost", "--by", "pipeline", "--format", "csv"]).out());
        let cost = |text: &str| text.parse::<f64>().unwrap_or(0.0);
        let Some(own) = shown["total"]["total_cost_usd"].as_f64() else { continue };
        let above = costs.iter().filter(|row| cost(&row["total_cost_usd"]) > own).count();
        assert_eq!(
            (shown["rank"].as_u64(), shown["pipelines"].as_u64()),
            (Some(above as u64 + 1), Some(costs.len() as u64))
        );
        let last = shown["last_runs"].as_array().unwrap();
        let id = shown["pipeline"]["id"].as_str().unwrap();
        let expected = workspace.rows(&format!(
            "SELECT run_id FROM runs WHERE pipeline_id = '{id}' ORDER BY booked_at DESC, snapshot_id DESC LIMIT 5"
        ));
        assert_eq!(last.iter().map(|run| run["run_id"].as_str().unwrap()).collect::<Vec<_>>(), expected);
    }
}

type Rows = Vec<std::collections::BTreeMap<String, String>>;

fn report_rows(workspace: &Workspace, report: &str, slug: &str) -> Rows {
    let args = ["report", report, "--by", "month", "--pipeline", slug, "--format", "csv"];
    rows_of_csv(with(workspace, &args).out())
}

/// The last six months of a report.
fn report_months(report: &str, rows: &Rows) -> Rows {
    assert!(!rows.is_empty(), "{report}");
    rows[rows.len().saturating_sub(6)..].to_vec()
}

#[test]
fn the_text_of_a_pipeline_names_what_stands_out() {
    let workspace = archived(400);
    let [id, slug, _] = busiest(&workspace);
    let settings =
        "zone = \"America/Sao_Paulo\"\n[[cost_center]]\ncost_center = \"Finance\"\npipeline = \"*\"\n";
    std::fs::write(workspace.file("runledger.toml"), settings).unwrap();
    edit(
        &workspace,
        &format!(
            "UPDATE run_snapshots SET trigger_type = 'cron', \"trigger\" = \
                 '{{\"type\":\"cron\",\"cron_expression\":\"*/30 * * * *\",\"cron_timezone\":\"Europe/Lisbon\"}}' \
             WHERE '{id}' IN (source, destination, transformation);
             UPDATE pipeline_snapshots SET settings = NULL WHERE pipeline_id = '{id}'"
        ),
    );
    let text = with(&workspace, &["show", &slug]).out();
    for words in [
        &format!("Pipeline {slug}  "),
        " · active · every 30 minutes (*/30 * * * *, Europe/Lisbon)",
        "cost center Finance",
        "\nIn all       ",
        " most expensive of ",
        "\nFailures     ",
        &format!("\nPipeline id  {id}\n"),
        "America/Sao_Paulo · by start · as of ",
    ] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn a_slug_comes_before_the_beginning_of_an_id() {
    let workspace = archived(60);
    let [id, ..] = busiest(&workspace);
    let run = &workspace.rows("SELECT run_id FROM runs ORDER BY run_id")[0];
    let slug = &run[..6];
    edit(&workspace, &format!("UPDATE pipeline_snapshots SET slug = '{slug}' WHERE pipeline_id = '{id}'"));
    let shown = with(&workspace, &["show", slug]).out();
    assert!(shown.contains(&format!("Pipeline id  {id}")), "{shown}");
    assert!(
        shown.contains(&format!("the id of a run begins so too: `runledger runs --id {slug}`")),
        "{shown}"
    );
    assert_eq!(json_of(&workspace, &run[..9])["run"]["id"], *run);
    // Without the slug, the beginning of a run's id and of a pipeline's id are candidates alike.
    edit(
        &workspace,
        &format!(
            "UPDATE pipeline_snapshots SET slug = NULL, pipeline_id = '{slug}' || 'x' WHERE pipeline_id = '{id}'"
        ),
    );
    with(&workspace, &["show", slug]).refused(
        2,
        &[&format!("{slug} is the beginning of 1 run and of 1 pipeline:"), run, "add more of the id"],
    );
}

#[test]
fn a_name_of_several_pipelines_lists_them() {
    let workspace = archived(30);
    let ids = workspace.rows("SELECT pipeline_id FROM pipelines ORDER BY 1 LIMIT 2");
    edit(
        &workspace,
        &format!(
            "UPDATE pipeline_snapshots SET name = 'Vendas' WHERE pipeline_id IN ('{}', '{}')",
            ids[0], ids[1]
        ),
    );
    with(&workspace, &["show", "vendas"])
        .refused(2, &["vendas is the name of 2 pipelines:", &ids[0], &ids[1], "give the slug or the id"]);
    // One that was deleted is no candidate beside one that exists.
    edit(
        &workspace,
        &format!(
            "UPDATE pipeline_snapshots SET gone_at = '2026-01-01T00:00:00.000000Z' WHERE pipeline_id = '{}'",
            ids[0]
        ),
    );
    assert_eq!(json_of(&workspace, "Vendas")["pipeline"]["id"], ids[1]);
    let gone = with(&workspace, &["show", &ids[0]]).out();
    assert!(gone.contains("no longer in the API (noticed "), "{gone}");
}

#[test]
fn a_pipeline_without_runs_says_so() {
    let workspace = archived(30);
    edit(
        &workspace,
        "INSERT INTO pipeline_snapshots (kind, pipeline_id, observed_at, slug, name, active, created_at) \
         VALUES ('source', 'f00', '2026-01-01T00:00:00.000000Z', 'erp-antigo', 'ERP antigo', 0, \
                 '2025-07-08T14:20:00.000000Z')",
    );
    let text = with(&workspace, &["show", "erp-antigo"]).out();
    for words in
        ["ERP antigo\nsource · paused\n", "\nIt never ran. Created 8 Jul 2025 14:20.\n", "\nPipeline id  f00"]
    {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    let shown = json_of(&workspace, "erp-antigo");
    assert_eq!(
        (&shown["total"]["runs"], &shown["rank"], &shown["months"]),
        (&json!(0), &Value::Null, &json!([]))
    );
}

#[test]
fn a_pipeline_that_only_runs_name_is_shown() {
    let workspace = archived(60);
    let [id, ..] = busiest(&workspace);
    edit(&workspace, &format!("DELETE FROM pipeline_snapshots WHERE pipeline_id = '{id}'"));
    let shown = json_of(&workspace, &id);
    assert_eq!(shown["pipeline"]["name"], Value::Null);
    assert!(shown["total"]["runs"].as_u64().unwrap() > 0, "{shown}");
}

#[test]
fn a_run_is_compared_with_the_successful_runs_before_it() {
    let workspace = archived(400);
    let [id, ..] = busiest(&workspace);
    let runs = workspace.rows(&format!(
        "SELECT run_id FROM runs WHERE pipeline_id = '{id}' ORDER BY booked_at DESC, snapshot_id DESC LIMIT 1"
    ));
    let before = workspace.rows(&format!(
        "SELECT coalesce(total_cost_nanos, '') || ' ' || duration_seconds FROM runs \
         WHERE pipeline_id = '{id}' AND status = 'success' \
           AND booked_at < (SELECT booked_at FROM runs WHERE run_id = '{}') ORDER BY booked_at DESC LIMIT 30",
        runs[0]
    ));
    assert!(before.len() > 5, "{}", before.len());
    let median = |place: usize| {
        let mut values: Vec<f64> =
            before.iter().filter_map(|row| row.split(' ').nth(place)?.parse().ok()).collect();
        values.sort_by(f64::total_cmp);
        (values[values.len() / 2] + values[(values.len() - 1) / 2]) / 2.0
    };
    let usual = json_of(&workspace, &runs[0])["usual"].clone();
    assert_eq!(usual["runs"], before.len());
    assert!((usual["total_cost_usd"].as_f64().unwrap() - median(0) / 1e9).abs() < 1e-8, "{usual}");
    assert!((usual["duration_seconds"].as_f64().unwrap() - median(1)).abs() < 1e-9, "{usual}");

    let run: uuid::Uuid = runs[0].parse().unwrap();
    workspace.sandbox.model().change(run, |run| {
        run.insert("duration_seconds".to_owned(), json!((median(1) * 3.0) as i64));
    });
    with(&workspace, &["sync", "--quiet", "--full"]).out();
    let text = with(&workspace, &["show", &runs[0], "--color", "always"]).out();
    let ran = text.lines().find(|line| line.contains("  Ran ")).unwrap();
    assert!(ran.ends_with("\u{1b}[33m3.0 x\u{1b}[0m"), "{text}");
    let note =
        format!("Usual: the median of the {} successful runs of the pipeline before this one", before.len());
    assert!(text.contains(&note), "{text}");
    let first = workspace
        .rows(&format!("SELECT run_id FROM runs WHERE pipeline_id = '{id}' ORDER BY booked_at LIMIT 1"));
    let text = with(&workspace, &["show", &first[0]]).out();
    assert!(!text.contains("Usual"), "nothing is usual yet: {text}");
}

#[test]
fn several_archives_are_refused() {
    let workspace = archived(10);
    let path = workspace.path().display().to_string();
    let args = ["show", "notas-fiscais", "--db", &path, "--db", "other.db"];
    with(&workspace, &args).refused(2, &["this command reads one archive"]);
}

/// Gives the pipeline settings of two states: those of today, and others until a moment within its runs.
fn with_changed_settings(workspace: &Workspace, id: &str, changed_at: &str) {
    let settings = |retries: u32| {
        format!(
            r#"{{"settings_number_of_retries":{retries},"trigger":{{"type":"cron","cron_expression":"0 3 * * *","cron_timezone":"Europe/Lisbon"}}}}"#
        )
    };
    edit(
        workspace,
        &format!(
            "UPDATE pipeline_snapshots SET settings = '{new}', observed_at = '{changed_at}'
             WHERE pipeline_id = '{id}' AND superseded_at IS NULL;
             INSERT INTO pipeline_snapshots (kind, pipeline_id, observed_at, superseded_at, slug, name, active, settings)
             SELECT kind, pipeline_id, '2020-01-02T00:00:00.000000Z', observed_at, slug, name, active, '{old}'
             FROM pipeline_snapshots WHERE pipeline_id = '{id}' AND superseded_at IS NULL;
             INSERT INTO pipeline_snapshots (kind, pipeline_id, observed_at, superseded_at, slug, name, active)
             SELECT kind, pipeline_id, '2020-01-01T00:00:00.000000Z', '2020-01-02T00:00:00.000000Z', slug, name, active
             FROM pipeline_snapshots WHERE pipeline_id = '{id}' AND superseded_at IS NULL;",
            new = settings(3),
            old = settings(1),
        ),
    );
}

#[test]
fn a_changed_setting_has_the_runs_before_and_after_it() {
    let workspace = archived(400);
    let [id, slug, _] = busiest(&workspace);
    let runs = format!("FROM runs WHERE pipeline_id = '{id}' AND status = 'success'");
    let middle = &workspace.rows(&format!("SELECT started_at {runs} ORDER BY 1 LIMIT 1 OFFSET 4"))[0];
    with_changed_settings(&workspace, &id, middle);
    let shown = json_of(&workspace, &slug);
    assert_eq!(shown["schedule"], json!({"cron_expression": "0 3 * * *", "cron_timezone": "Europe/Lisbon"}));
    let first_seen = "2020-01-02T00:00:00.000000Z";
    assert_eq!(
        shown["settings"][0],
        json!({"name": "settings_number_of_retries", "value": 3, "first_seen_at": first_seen, "changed_at": middle})
    );
    assert_eq!(shown["settings"][1]["changed_at"], Value::Null);
    let changes = shown["setting_changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "the first settings are no change: {changes:?}");
    assert_eq!(
        (&changes[0]["changed_at"], &changes[0]["settings"]),
        (&json!(middle), &json!([{"name": "settings_number_of_retries", "before": 1, "after": 3}]))
    );
    for (side, condition, order) in [("runs_before", "<", "DESC"), ("runs_after", ">=", "ASC")] {
        let figures = &workspace.rows(&format!(
            "SELECT count(*) || ' ' || (avg(total_cost_nanos) / 1e9) FROM \
             (SELECT total_cost_nanos {runs} AND started_at {condition} '{middle}' ORDER BY started_at {order} LIMIT 30)"
        ))[0];
        let (count, mean) = figures.split_once(' ').unwrap();
        assert_eq!(changes[0][side]["runs"].to_string(), count, "{side}");
        let error = changes[0][side]["cost_per_run_usd"].as_f64().unwrap() - mean.parse::<f64>().unwrap();
        assert!(error.abs() < 1e-8, "{side}: {figures}");
    }
    let text = with(&workspace, &["show", &slug]).out();
    for words in [
        "daily at 03:00 (0 3 * * *, Europe/Lisbon)",
        "\nSettings, first seen 2 Jan 2020 00:00\nTrigger  daily at 03:00",
        "\nRetries  3 (changed ",
        "\nRetries  1 → 3\nUSD/run  ",
    ] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
}
