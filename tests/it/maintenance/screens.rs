//! How the commands about the archive look on terminals of several widths, and without anything to show.

use super::{closed, command, eventful, ran, tamper};
use crate::support::golden::assert_golden;
use crate::support::workspace::{Workspace, options};
use runledger::internal::store::{Archive, Lock};
use runledger::internal::sync::Options;
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;

/// The output on terminals of 60 to 200 columns, without what depends on the time and on the version of SQLite.
fn screens(workspace: &Workspace, arguments: &[&str]) -> String {
    let mut screens = String::new();
    for width in [60, 80, 120, 200] {
        let mut command = command(Path::new("runledger.db"), arguments);
        command.current_dir(workspace.file("")).env("COLUMNS", width.to_string());
        command.env_remove("RUNLEDGER_CONFIG").env_remove("RUNLEDGER_ZONE");
        for variable in ["NO_UNICODE", "LC_ALL", "LC_CTYPE", "LANG"] {
            command.env_remove(variable);
        }
        let shown = ran(command).out;
        assert!(shown.lines().all(|line| line.chars().count() <= width), "{width} columns: {shown}");
        writeln!(screens, "{width} columns:\n\n{}\n", stable(&shown)).unwrap();
    }
    screens
}

/// The output on terminals from a narrow to a wide one, without what depends on the time.
fn wide_screens(workspace: &Workspace, arguments: &[&str]) -> String {
    shown_at(workspace, arguments, 0)
}

/// The same of a command with an exit code.
fn shown_at(workspace: &Workspace, arguments: &[&str], code: i32) -> String {
    let mut screens = String::new();
    for width in [45, 60, 80, 120, 200] {
        let mut command = command(Path::new("runledger.db"), arguments);
        command.current_dir(workspace.file("")).env("COLUMNS", width.to_string());
        command.env_remove("RUNLEDGER_CONFIG").env_remove("RUNLEDGER_ZONE");
        let ran = ran(command);
        assert_eq!(ran.code, code, "{ran:?}");
        let shown = ran.out;
        for line in shown.lines() {
            assert!(line.chars().count() <= width, "{width} columns: {line}");
        }
        writeln!(screens, "{width} columns:\n\n{shown}\n").unwrap();
    }
    screens
}

/// The text without ages, sizes of files, process ids, and days that have passed since.
fn stable(text: &str) -> String {
    let mut lines = Vec::new();
    // A long line continues below.
    let mut is_left_out = false;
    for line in text.lines() {
        is_left_out = is_left_out && line.starts_with("    ");
        if is_left_out {
            continue;
        }
        let unstable =
            ["Last sync", "Complete", "Days", "File"].into_iter().find(|label| line.starts_with(label));
        is_left_out = unstable.is_some();
        lines.push(unstable.map_or(line.to_owned(), |label| format!("{label:13}(…)")));
    }
    lines.join("\n")
}

#[test]
fn status_fits_the_terminal() {
    assert_golden("screen-status.txt", screens(&closed(60), &["status"]).as_bytes());
    assert_golden("screen-status-empty.txt", screens(&empty(), &["status"]).as_bytes());
}

#[test]
fn show_fits_the_terminal() {
    let workspace = closed(60);
    let sql = "SELECT p.slug FROM runs AS r JOIN pipelines AS p ON p.pipeline_id = r.pipeline_id \
               WHERE p.slug IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1";
    let slug = &workspace.rows(sql)[0];
    assert_golden("screen-show-pipeline.txt", wide_screens(&workspace, &["show", slug]).as_bytes());
    let never = workspace.rows(
        "SELECT slug FROM pipelines AS p WHERE slug IS NOT NULL AND created_at IS NOT NULL \
           AND NOT EXISTS (SELECT 1 FROM runs AS r WHERE r.pipeline_id IN (p.pipeline_id, p.slug)) \
         ORDER BY slug LIMIT 1",
    );
    assert_golden("screen-show-never.txt", wide_screens(&workspace, &["show", &never[0]]).as_bytes());
    let sql = "SELECT r.run_id FROM runs AS r JOIN pipelines AS p ON p.pipeline_id = r.pipeline_id \
               WHERE p.slug = (SELECT p.slug FROM runs AS r JOIN pipelines AS p ON p.pipeline_id = r.pipeline_id \
                               WHERE p.slug IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1) \
                 AND r.status = 'success' ORDER BY r.booked_at DESC LIMIT 1";
    let run = &workspace.rows(sql)[0];
    // A long line of metadata is not cut.
    tamper(
        &workspace.path(),
        "UPDATE run_snapshots SET el_cost_metadata = NULL, transformation_cost_metadata = NULL",
    );
    assert_golden("screen-show-run.txt", wide_screens(&workspace, &["show", run]).as_bytes());
}

#[test]
fn runs_fit_the_terminal() {
    let workspace = closed(60);
    assert_golden("screen-runs.txt", wide_screens(&workspace, &["runs", "--limit", "6"]).as_bytes());
    let filtered = ["runs", "--min-usd", "0.05", "--status", "success", "--limit", "4"];
    assert_golden("screen-runs-filtered.txt", wide_screens(&workspace, &filtered).as_bytes());
    let unknown = wide_screens(&workspace, &["runs", "--unknown", "--limit", "3"]);
    assert_golden("screen-runs-unknown.txt", unknown.as_bytes());
}

#[test]
fn the_month_end_fits_the_terminal() {
    let workspace = closed(60);
    let sql =
        "SELECT run_id FROM runs WHERE booked_at < '2026-11-01' ORDER BY booked_at, run_id LIMIT 4 OFFSET 2";
    for (run, usd) in workspace.rows(sql).iter().zip([0.75, 0.5, 12.25, 0.125]) {
        workspace.sandbox.model().change(run.parse().unwrap(), |run| {
            run.insert("transformation_cost_usd".to_owned(), json!(usd));
        });
    }
    workspace.sync(&Options { full: true, ..options() });
    assert_golden("screen-close.txt", wide_screens(&workspace, &["close"]).as_bytes());
    assert_golden("screen-restatements.txt", wide_screens(&workspace, &["restatements"]).as_bytes());
    let totals = wide_screens(&workspace, &["restatements", "--totals"]);
    assert_golden("screen-restatements-totals.txt", totals.as_bytes());
    let invoice = ["reconcile", "--period", "2026-10", "--invoice", "0.30"];
    assert_golden("screen-reconcile.txt", shown_at(&workspace, &invoice, 3).as_bytes());
}

#[test]
fn reports_with_closed_months_fit_the_terminal() {
    let workspace = closed(60);
    assert_golden("screen-cost.txt", wide_screens(&workspace, &["report", "cost"]).as_bytes());
    let change = ["report", "change", "--period", "2026-11", "--limit", "4"];
    assert_golden("screen-change.txt", wide_screens(&workspace, &change).as_bytes());
    assert_golden("screen-report-list.txt", wide_screens(&workspace, &["report"]).as_bytes());
}

#[test]
fn queries_and_what_they_can_ask_fit_the_terminal() {
    let workspace = closed(60);
    let query = |sql: &str| wide_screens(&workspace, &["query", sql]);
    let few = "SELECT status, count(*) AS n, max(total_cost_usd) FROM runs GROUP BY 1 ORDER BY 1";
    assert_golden("screen-query.txt", query(few).as_bytes());
    let many = "SELECT run_id, number, pipeline_kind, pipeline_id, pipeline_name, status, trigger_type, created_at, \
                       started_at, ended_at, total_cost_usd FROM runs ORDER BY booked_at, run_id LIMIT 2";
    assert_golden("screen-query-records.txt", query(many).as_bytes());
    assert_golden("screen-schema.txt", wide_screens(&workspace, &["schema"]).as_bytes());
    assert_golden("screen-schema-table.txt", wide_screens(&workspace, &["schema", "syncs"]).as_bytes());
}

#[test]
fn open_alerts_fit_the_terminal() {
    let workspace = closed(60);
    assert_golden("screen-alert-empty.txt", wide_screens(&workspace, &["alert", "--list"]).as_bytes());
    tamper(
        &workspace.path(),
        "INSERT INTO alerts (rule, subject, level, message, started_at) VALUES
         ('overdue', 'source 1', 'error', 'Pedidos da loja (Shopify): overdue since 27 Nov 21:24',
          '2026-11-23T15:00:00.000000Z'),
         ('open', '3b1e0d04', 'error', 'Folha de pagamento; confidencial: run 3b1e0d04 has been running for 5 h 21 min; '
          || '95 % of the runs take at most 7 min 46 s', '2026-11-23T16:00:00.000000Z'),
         ('failing', 'source 2', 'warning', 'Notas fiscais: 4 failures in a row since 23 Nov 23:25',
          '2026-11-23T16:00:00.000000Z')",
    );
    assert_golden("screen-alert.txt", wide_screens(&workspace, &["alert", "--list"]).as_bytes());
}

#[test]
fn coverage_fits_the_terminal() {
    assert_golden("screen-coverage.txt", screens(&eventful(60), &["coverage", "--offline"]).as_bytes());
    assert_golden("screen-coverage-empty.txt", screens(&empty(), &["coverage", "--offline"]).as_bytes());
}

#[test]
fn drift_fits_the_terminal() {
    assert_golden("screen-drift.txt", screens(&eventful(60), &["drift"]).as_bytes());
    assert_golden("screen-drift-empty.txt", screens(&empty(), &["drift"]).as_bytes());
}

#[test]
fn check_fits_the_terminal() {
    let workspace = eventful(60);
    tamper(&workspace.path(), "UPDATE run_snapshots SET trigger_type = 'x' WHERE snapshot_id < 9");
    // The count of pages depends on the version of SQLite.
    let shown = screens(&workspace, &["check"]);
    let shown: Vec<&str> = shown.lines().filter(|line| !line.starts_with("ok      file ")).collect();
    assert_golden("screen-check.txt", shown.join("\n").as_bytes());
    assert_golden("screen-check-empty.txt", screens(&empty(), &["check"]).as_bytes());
}

#[test]
fn config_fits_the_terminal() {
    let workspace = empty();
    std::fs::write(
        workspace.file("runledger.toml"),
        "zone = \"America/Sao_Paulo\"\n[plan]\nfee_usd = \"1490.00\"\ncredits = 1200\n\
         [[cost_center]]\ncost_center = \"Marketing\"\npipeline = \"google-*\"\n\
         [[cost_center]]\ncost_center = \"Data\"\nkind = \"transformation\"\n",
    )
    .unwrap();
    assert_golden("screen-config.txt", screens(&workspace, &["config"]).as_bytes());
}

#[test]
fn colours_are_on_request_and_never_in_lines_for_programs() {
    let workspace = eventful(30);
    let shown = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = command(&workspace.path(), arguments);
        command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").envs(variables.iter().copied());
        let ran = ran(command);
        (ran.out.contains('\u{1b}'), ran.err.contains('\u{1b}'), ran)
    };
    for command in ["status", "coverage", "check", "config", "drift"] {
        assert!(!shown(&[command], &[]).0, "{command}: a pipe gets none");
        assert!(shown(&[command, "--color", "always"], &[]).0, "{command}");
        assert!(shown(&[command], &[("CLICOLOR_FORCE", "1")]).0, "{command}");
        assert!(!shown(&[command, "--color", "never"], &[("CLICOLOR_FORCE", "1")]).0, "{command}");
        assert!(!shown(&[command, "--color", "always", "--json"], &[]).0, "{command}");
    }
    assert!(!shown(&["status", "--check", "--color", "always"], &[]).0);
    let failed = shown(&["status", "--max-age", "1s", "--color", "always"], &[]).2;
    assert!(failed.err.starts_with("\u{1b}[31merror:\u{1b}[0m the archive is stale: "), "{failed:?}");
    assert!(failed.out.contains("\u{1b}[31m"), "the old sync is marked: {failed:?}");
    assert!(
        shown(&["status", "--wrong", "--color", "always"], &[]).1,
        "errors of the arguments have them too"
    );
    assert!(!shown(&["status", "--wrong", "--color", "never"], &[("CLICOLOR_FORCE", "1")]).1);
    let failed = shown(&["status", "--max-age", "1s", "--color", "always", "--json"], &[]).2;
    assert!(!failed.err.contains('\u{1b}'), "{failed:?}");
}

/// A workspace with an archive without syncs.
fn empty() -> Workspace {
    let workspace = Workspace::of(0);
    let lock =
        Lock::acquire(&workspace.path(), crate::support::workspace::at("2026-11-23T16:00:00Z")).unwrap();
    Archive::open(&workspace.path(), &lock).unwrap();
    workspace
}
