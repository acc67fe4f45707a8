//! Several archives that answer as one, without counting anything twice.

use crate::support::command::{Ran, ran, rows_of_csv};
use crate::support::month_end::{MONTH, MonthEnd, ZONE, nanos};
use runledger::internal::report::question::reports;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Two workspaces whose archives are `acme.db` and `globex.db`, in the folder of the first.
struct Firms {
    acme: MonthEnd,
    globex: MonthEnd,
}

impl Firms {
    fn of(runs: usize) -> Firms {
        let firms = Firms { acme: MonthEnd::of(runs), globex: MonthEnd::elsewhere(runs / 2, 11) };
        firms.file();
        firms
    }

    /// Copies the current archives into one folder.
    fn file(&self) {
        for (month_end, name) in [(&self.acme, "acme.db"), (&self.globex, "globex.db")] {
            let to = self.acme.workspace.file(name);
            let _ = fs::remove_file(&to);
            month_end.output(&["backup", to.to_str().unwrap()]);
        }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.acme.command(arguments);
        command.env_remove("RUNLEDGER_DB");
        ran(command)
    }

    fn output(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran.out
    }

    /// The output of a command over both archives.
    fn both(&self, arguments: &[&str]) -> String {
        self.output(&[&["--db", "acme.db", "--db", "globex.db"], arguments].concat())
    }

    fn set(&self, settings: &str) {
        self.acme.set(settings);
    }
}

fn column(csv: &str, name: &str) -> Vec<String> {
    rows_of_csv(csv).into_iter().map(|row| row[name].clone()).collect()
}

fn sum(csv: &str, name: &str) -> i128 {
    column(csv, name).iter().map(|text| nanos(text)).sum()
}

#[test]
fn a_report_over_two_archives_is_their_sum() {
    let firms = Firms::of(120);
    for by in
        ["month", "day", "kind", "trigger", "status", "cost-center", "pipeline", "workspace", "week,pipeline"]
    {
        let cost = ["report", "cost", "--format", "csv", "--by", by];
        let both = firms.both(&cost);
        let [acme, globex] =
            ["acme.db", "globex.db"].map(|db| firms.output(&[&cost[..], &["--db", db]].concat()));
        for figure in ["runs", "runs_cost_unknown", "el_cost_usd", "total_cost_usd", "credits"] {
            assert_eq!(sum(&both, figure), sum(&acme, figure) + sum(&globex, figure), "{figure} by {by}");
            assert!(sum(&acme, "runs") > 0 && sum(&globex, "runs") > 0);
        }
    }
    // Percentiles cover all runs; they are not computed from two percentiles.
    let all = ["report", "duration", "--format", "csv", "--by", "month"];
    let longest =
        |csv: &str| column(csv, "max_seconds").iter().map(|text| text.parse().unwrap()).collect::<Vec<f64>>();
    let (both, acme) = (firms.both(&all), firms.output(&[&all[..], &["--db", "acme.db"]].concat()));
    assert_eq!(longest(&both).len(), longest(&acme).len());
    assert!(longest(&both).iter().zip(longest(&acme)).all(|(both, acme)| *both >= acme));
}

#[test]
fn each_pipeline_names_its_workspace() {
    let firms = Firms::of(120);
    let both = firms.both(&["report", "cost", "--by", "pipeline", "--format", "csv"]);
    let named: BTreeSet<_> = column(&both, "workspace").into_iter().collect();
    assert_eq!(named, BTreeSet::from(["acme".to_owned(), "globex".to_owned()]));
    let by_workspace = firms.both(&["report", "cost", "--by", "workspace,pipeline", "--format", "csv"]);
    assert!(
        by_workspace.starts_with("workspace,pipeline_name,pipeline_id,pipeline_kind,runs,"),
        "{by_workspace}"
    );
    assert_eq!(sum(&both, "total_cost_usd"), sum(&by_workspace, "total_cost_usd"));
    // For a single archive, a column that is the same in every row is left out.
    let one = firms.output(&["report", "cost", "--by", "pipeline", "--format", "csv", "--db", "acme.db"]);
    assert!(one.starts_with("pipeline_name,pipeline_id,pipeline_kind,runs,"), "{one}");
}

#[test]
fn a_change_over_two_workspaces_adds_up_to_their_costs() {
    let firms = Firms::of(120);
    let cost = ["report", "cost", "--by", "workspace", "--format", "csv", "--period"];
    let known = |period: &str| sum(&firms.both(&[&cost[..], &[period]].concat()), "total_cost_usd");
    let difference = known("2025-W09") - known("2025-W08");
    assert_ne!(difference, 0);
    for by in ["pipeline", "workspace", "kind", "workspace,pipeline"] {
        let change = ["report", "change", "--period", "2025-W09", "--by", by, "--format", "csv"];
        assert_eq!(sum(&firms.both(&change), "change_usd"), difference, "by {by}");
    }
    let by_workspace =
        firms.both(&["report", "change", "--period", "2025-W09", "--by", "workspace", "--format", "csv"]);
    let named: BTreeSet<_> = column(&by_workspace, "workspace").into_iter().collect();
    assert_eq!(named, BTreeSet::from(["acme".to_owned(), "globex".to_owned()]));
    let by_pipeline = firms.both(&["report", "change", "--period", "2025-W09", "--format", "csv"]);
    assert!(
        by_pipeline.starts_with("pipeline_name,pipeline_id,pipeline_kind,workspace,change_usd,"),
        "{by_pipeline}"
    );
}

#[test]
fn components_of_two_workspaces_are_those_of_both() {
    let firms = Firms::of(120);
    let sums = |by: &str| {
        let csv = firms.both(&["report", "components", "--by", by, "--format", "csv"]);
        ["component_usd", "runs_with_path"].map(|name| sum(&csv, name))
    };
    assert_eq!(sums("kind"), sums("workspace,kind"));
    assert!(sums("kind").iter().all(|sum| *sum > 0));
}

#[test]
fn other_reports_answer_per_workspace_under_its_name() {
    let firms = Firms::of(120);
    for (name, _) in
        reports().filter(|(name, _)| !["cost", "change", "duration", "components"].contains(name))
    {
        let rows = |json: String| -> Vec<Value> {
            let answer: Value = serde_json::from_str(&json).unwrap();
            answer["rows"].as_array().unwrap().clone()
        };
        let ask = ["report", name, "--format", "json"];
        let mut both = rows(firms.both(&ask));
        let mut expected = Vec::new();
        for workspace in ["acme", "globex"] {
            let db = format!("{workspace}.db");
            for mut row in rows(firms.output(&[&ask[..], &["--db", &db]].concat())) {
                row["workspace"] = json!(workspace);
                expected.push(row);
            }
        }
        if ["open", "recovery"].contains(&name) {
            // They are in one order over all workspaces.
            for rows in [&mut both, &mut expected] {
                rows.sort_by_key(Value::to_string);
            }
        }
        assert_eq!(both, expected, "{name}");
    }
}

#[test]
fn two_archives_of_one_workspace_are_rejected() {
    let firms = Firms::of(60);
    let copy = firms.acme.workspace.file("copy.db");
    fs::copy(firms.acme.workspace.file("acme.db"), &copy).unwrap();
    let run = |other: &str| firms.run(&["report", "cost", "--db", "acme.db", "--db", other]);
    run("copy.db").refused(2, &["both contain the run", "would count twice", "one --db for each workspace"]);
    std::os::unix::fs::symlink("acme.db", firms.acme.workspace.file("link.db")).unwrap();
    for same in ["acme.db", "./acme.db", "link.db"] {
        run(same).refused(2, &["are one archive", "acme.db once"]);
    }
    // Even with few runs in common.
    let one =
        firms.acme.workspace.rows("SELECT run_id FROM run_snapshots ORDER BY snapshot_id LIMIT 1 OFFSET 30");
    let globex =
        runledger::internal::store::Archive::open_for_reading(&firms.acme.workspace.file("globex.db"))
            .unwrap();
    let acme =
        runledger::internal::store::Archive::open_for_reading(&firms.acme.workspace.file("acme.db")).unwrap();
    assert_eq!(acme.shared_run(&globex).unwrap(), None);
    rusqlite::Connection::open(firms.acme.workspace.file("globex.db"))
        .unwrap()
        .execute("UPDATE run_snapshots SET run_id = ?1 WHERE snapshot_id = 7", [&one[0]])
        .unwrap();
    assert_eq!(acme.shared_run(&globex).unwrap().as_ref(), Some(&one[0]));
    assert_eq!(globex.shared_run(&acme).unwrap().as_ref(), Some(&one[0]));
}

#[test]
fn a_month_closed_in_each_archive_answers_as_closed() {
    let firms = Firms::of(150);
    for month_end in [&firms.acme, &firms.globex] {
        month_end.output(&["close", MONTH, "--zone", ZONE]);
    }
    firms.file();
    let ask = ["report", "cost", "--by", "workspace", "--period", MONTH, "--format", "csv"];
    let closed = firms.both(&ask);
    for month_end in [&firms.acme, &firms.globex] {
        let run = month_end.runs_of_the_month()[0];
        month_end.change(run, json!({"el_cost_usd": 99.5}));
        month_end.sync();
    }
    firms.file();
    assert_eq!(firms.both(&ask), closed);
    let mut open = ask.to_vec();
    open.splice(4..6, ["--from", "2025-02-01", "--until", "2025-03-01", "--zone", ZONE]);
    assert_ne!(firms.both(&open), closed);
    // The manifest records the question for each archive.
    let output = ["--output", "cost.csv", "--manifest"];
    firms.both(&[&ask[..], &output].concat());
    let manifest: Value =
        serde_json::from_slice(&fs::read(firms.acme.workspace.file("cost.manifest.json")).unwrap()).unwrap();
    let of = manifest["asked"]["workspaces"].as_array().unwrap();
    assert_eq!([&of[0]["workspace"], &of[1]["workspace"]], ["acme", "globex"]);
    assert!(of.iter().all(|of| of["close_state"].as_str().unwrap().starts_with("closed at")), "{manifest}");
    firms.output(&["verify-file", "cost.csv"]);
}

#[test]
fn each_archive_answers_with_the_plan_that_its_close_froze() {
    let firms = Firms::of(60);
    for (month_end, credits) in [(&firms.acme, 100), (&firms.globex, 200)] {
        month_end.set(&format!("[plan]\nfee_usd = 10\ncredits = {credits}\n"));
        month_end.output(&["close", MONTH, "--zone", ZONE]);
    }
    firms.file();
    // Both archives are in one folder, whose settings have another plan.
    firms.set("[plan]\nfee_usd = 10\ncredits = 300\n");
    let ask = ["report", "credits", "--format", "csv"];
    let closed = firms.both(&[&ask[..], &["--period", MONTH]].concat());
    assert_eq!(column(&closed, "plan_credits"), ["100", "200"]);
    let open = firms.both(&[&ask[..], &["--from", "2025-02-01", "--until", "2025-03-01"]].concat());
    assert!(column(&open, "plan_credits").iter().all(|credits| credits == "300"), "{open}");
}

#[test]
fn workspaces_with_different_months_are_not_summed() {
    let firms = Firms::of(60);
    firms.globex.output(&["close", MONTH, "--zone", ZONE]);
    firms.file();
    let ask = ["report", "cost", "--db", "acme.db", "--db", "globex.db", "--period", MONTH];
    // An archive without a close takes the zone of the other's.
    firms.output(&ask);
    firms.output(&["close", "2025-01", "--zone", "UTC", "--db", "acme.db"]);
    firms.run(&ask).refused(
        2,
        &["acme by started in UTC", "globex by started in America/Sao_Paulo, as it was closed", "--zone"],
    );
    firms.output(&[&ask[..], &["--zone", ZONE]].concat());
}

#[test]
fn workspace_names_come_from_the_settings() {
    let firms = Firms::of(60);
    firms.set(
        "[[workspace]]\nname = \"Acme S.A.\"\narchive = \"acme.db\"\napi_key_env = \"ACME\"\n\
         [[workspace]]\nname = \"Globex\"\narchive = \"./globex.db\"\napi_key_file = \"globex.key\"\n",
    );
    let both = firms.both(&["report", "cost", "--by", "workspace", "--format", "csv"]);
    assert_eq!(column(&both, "workspace"), ["Acme S.A.", "Globex"]);
    assert_eq!(firms.output(&["report", "cost", "--by", "workspace", "--format", "csv", "--all"]), both);
    firms.run(&["report", "cost", "--all", "--db", "acme.db"]).refused(2, &["cannot be combined with --db"]);
    // Without settings, archives with the same file name are distinguished by their folders.
    let folder = firms.acme.workspace.file("globex");
    fs::create_dir(&folder).unwrap();
    fs::copy(firms.acme.workspace.file("globex.db"), folder.join("acme.db")).unwrap();
    fs::remove_file(firms.acme.workspace.file("runledger.toml")).unwrap();
    firms.run(&["report", "cost", "--all"]).refused(2, &["there is no runledger.toml", "[[workspace]]"]);
    let ask = [
        "report",
        "cost",
        "--by",
        "workspace",
        "--format",
        "csv",
        "--db",
        "acme.db",
        "--db",
        "globex/acme.db",
    ];
    assert_eq!(column(&firms.output(&ask), "workspace"), ["acme", "globex/acme"]);
}

#[test]
fn an_unreadable_archive_is_named() {
    let firms = Firms::of(60);
    let ask = |db: &str| firms.run(&["report", "cost", "--db", "acme.db", "--db", db]);
    ask("none.db").refused(6, &["none.db", "no such file"]);
    // Damaged in the middle, so that it opens.
    let path = firms.acme.workspace.file("globex.db");
    let damaged = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        let pages = bytes.len() / 16384;
        for page in 3..pages {
            bytes[page * 16384..page * 16384 + 64].fill(0xff);
        }
        fs::write(path, bytes).unwrap();
    };
    damaged(&path);
    let ran = ask("globex.db");
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(ran.err.contains("globex.db") && !ran.err.contains("acme.db"), "{}", ran.err);
}

#[test]
fn a_command_for_one_archive_rejects_two() {
    let firms = Firms::of(60);
    for command in
        [vec!["status"], vec!["check"], vec!["query", "SELECT 1"], vec!["export", "runs"], vec!["sync"]]
    {
        let ran = firms.run(&[&command[..], &["--db", "acme.db", "--db", "globex.db"]].concat());
        ran.refused(2, &["acme.db and globex.db", "reads one archive", "runledger report"]);
    }
}

#[test]
fn datasette_metadata_describes_each_archive_by_file_name() {
    let firms = Firms::of(60);
    let metadata: Value = serde_json::from_str(&firms.both(&["datasette-metadata"])).unwrap();
    let databases = metadata["databases"].as_object().unwrap();
    assert_eq!(databases.keys().collect::<Vec<_>>(), ["acme", "globex"]);
    for database in databases.values() {
        assert_eq!(database["queries"]["cost"]["title"], json!(words_of("cost")));
        assert!(database["tables"]["runs"]["columns"]["total_cost_nanos"].is_string());
    }
    fs::create_dir(firms.acme.workspace.file("other")).unwrap();
    fs::copy(firms.acme.workspace.file("globex.db"), firms.acme.workspace.file("other/acme.db")).unwrap();
    let ran = firms.run(&["datasette-metadata", "--db", "acme.db", "--db", "other/acme.db"]);
    ran.refused(2, &["two archives are named acme", "identifies an archive by its file name"]);
    firms.run(&["datasette-metadata", "--db", "none.db"]).refused(6, &["none.db"]);
}

fn words_of(report: &str) -> &'static str {
    reports().find(|(name, _)| *name == report).unwrap().1
}

#[cfg(feature = "parquet")]
#[test]
fn a_dataset_of_several_workspaces_always_updates_all() {
    let firms = Firms::of(120);
    let export = ["export", "parquet", "--output", "lake", "--db", "acme.db"];
    let printed = |arguments: &[&str]| {
        let ran = firms.run(&[&export[..], arguments].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.err
    };
    let files = || -> BTreeSet<String> {
        let lake = firms.acme.workspace.file("lake/runs");
        let months = fs::read_dir(&lake).unwrap().map(|month| month.unwrap().path());
        months
            .flat_map(|month| {
                fs::read_dir(month).unwrap().map(|part| part.unwrap().path()).collect::<Vec<_>>()
            })
            .map(|part| part.strip_prefix(&lake).unwrap().to_str().unwrap().to_owned())
            .collect()
    };
    printed(&[]);
    let alone = files();
    assert!(alone.iter().all(|file| file.ends_with("part-0.parquet")), "{alone:?}");
    // A second workspace joins the first, whose files stay unchanged.
    let summary_of_both = printed(&["--db", "globex.db"]);
    assert!(
        summary_of_both.contains("runs: ") && summary_of_both.contains("180 rows in total"),
        "{summary_of_both}"
    );
    let both = files();
    assert!(both.is_superset(&alone) && both.iter().any(|file| file.ends_with("part-1.parquet")), "{both:?}");
    assert!(printed(&["--db", "globex.db"]).contains("runs: 0 written (0 rows)"));
    // In another order, each workspace keeps its files.
    let turned =
        firms.run(&["export", "parquet", "--output", "lake", "--db", "globex.db", "--db", "acme.db"]);
    assert!(turned.err.contains("runs: 0 written (0 rows)"), "{turned:?}");
    // Without the second workspace its files would become stale; under another name the first would be there twice.
    firms.run(&export).refused(2, &["also has the workspace globex", "would become stale"]);
    let renamed = [&export[..], &["--workspace", "other"]].concat();
    firms.run(&renamed).refused(2, &["also has the workspace acme"]);
    firms
        .run(&[&renamed[..], &["--db", "globex.db"]].concat())
        .refused(2, &["--workspace applies to one archive"]);
    assert_eq!(files(), both);
}

#[test]
fn an_output_never_replaces_an_archive() {
    let firms = Firms::of(60);
    let kept = |name: &str| fs::read(firms.acme.workspace.file(name)).unwrap();
    let before = [kept("acme.db"), kept("globex.db")];
    for arguments in [
        vec!["report", "cost", "--db", "acme.db", "--format", "csv", "--output", "acme.db"],
        vec!["report", "cost", "--db", "acme.db", "--db", "globex.db", "--output", "globex.db"],
        vec!["export", "runs", "--db", "acme.db", "--output", "globex.db"],
        vec!["export", "runs", "--db", "acme.db", "--output", "acme.db-wal"],
        vec!["query", "SELECT 1", "--db", "acme.db", "--output", "./acme.db"],
        vec!["sync", "--db", "acme.db", "--api-key-file", "any", "--metrics-file", "acme.db"],
    ] {
        firms.run(&arguments).refused(2, &["it would overwrite the archive", "choose another output file"]);
    }
    fs::write(firms.acme.workspace.file("any"), "a-key").unwrap();
    let over_the_key = ["sync", "--db", "acme.db", "--api-key-file", "any", "--metrics-file", "any"];
    firms.run(&over_the_key).refused(2, &["it contains a secret"]);
    assert_eq!([kept("acme.db"), kept("globex.db")], before);
}

#[test]
fn settings_of_an_archive_override_shared_settings() {
    let firms = Firms::of(120);
    let folder = firms.acme.workspace.file("globex");
    fs::create_dir(&folder).unwrap();
    fs::rename(firms.acme.workspace.file("globex.db"), folder.join("globex.db")).unwrap();
    fs::write(folder.join("runledger.toml"), "[plan]\nfee_usd = \"100\"\ncredits = 400\n").unwrap();
    firms.set(
        "zone = \"America/Sao_Paulo\"\n[plan]\nfee_usd = \"100\"\ncredits = 200\n\
         [[workspace]]\nname = \"acme\"\narchive = \"acme.db\"\napi_key_env = \"A\"\n\
         [[workspace]]\nname = \"globex\"\narchive = \"globex/globex.db\"\napi_key_env = \"B\"\n",
    );
    for arguments in [vec!["--all"], vec!["--all", "--config", "runledger.toml"]] {
        let printed = firms.output(&[&["report", "credits", "--format", "csv"], &arguments[..]].concat());
        let plans: BTreeSet<(String, String)> = rows_of_csv(&printed)
            .into_iter()
            .map(|row| (row["workspace"].clone(), row["plan_credits"].clone()))
            .collect();
        let expected = [("acme", "200"), ("globex", "400")];
        let expected = expected.map(|(name, plan)| (name.to_owned(), plan.to_owned()));
        assert_eq!(plans, BTreeSet::from(expected), "{arguments:?}");
    }
    firms.output(&["report", "cost", "--all", "--format", "csv", "--output", "c.csv", "--manifest"]);
    let manifest = fs::read_to_string(firms.acme.workspace.file("c.manifest.json")).unwrap();
    assert!(manifest.contains("America/Sao_Paulo"), "{manifest}");
    let what_if = ["report", "credits", "--all", "--what-if", "x=0 * * * *"];
    firms.run(&what_if).refused(2, &["several are given"]);
}

#[test]
fn archives_share_the_zone_of_their_closes_only_if_they_agree() {
    let firms = Firms::of(60);
    let cost = ["report", "cost", "--by", "day", "--format", "csv"];
    let in_zone = firms.both(&[&cost[..], &["--zone", ZONE]].concat());
    let in_utc = firms.both(&[&cost[..], &["--zone", "UTC"]].concat());
    let both = || {
        let ran = firms.run(&[&["--db", "acme.db", "--db", "globex.db"], &cost[..]].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        ran
    };
    // An archive without a close has no say.
    firms.output(&["close", MONTH, "--zone", ZONE, "--db", "acme.db"]);
    let ran = both();
    assert_eq!(ran.out, in_zone);
    assert!(ran.err.contains("time zone America/Sao_Paulo") && !ran.err.contains("WARN"), "{}", ran.err);
    firms.output(&["close", MONTH, "--zone", ZONE, "--db", "globex.db"]);
    assert_eq!(both().out, in_zone);

    firms.file();
    firms.output(&["close", MONTH, "--zone", ZONE, "--db", "acme.db"]);
    firms.output(&["close", MONTH, "--zone", "Asia/Tokyo", "--db", "globex.db"]);
    let ran = both();
    assert_eq!(ran.out, in_utc);
    let words =
        "the latest closes differ: acme in America/Sao_Paulo by started, globex in Asia/Tokyo by started";
    assert!(ran.err.contains(words) && ran.err.contains("give --zone and --date-basis"), "{}", ran.err);
    let given = firms.run(
        &[&["--db", "acme.db", "--db", "globex.db"], &cost[..], &["--zone", ZONE, "--date-basis", "started"]]
            .concat(),
    );
    assert!(given.out == in_zone && !given.err.contains("the latest closes differ"), "{}", given.err);
}
