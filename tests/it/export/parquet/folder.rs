//! Files of a Parquet dataset: only changed months are rewritten, and other files are never touched.

use super::{counted, files, options, rows_of, write, write_in, write_of};
use crate::support::{ledger, machine};
use ::parquet::record::Field;
use chrono_tz::Tz;
use runledger::internal::error::Error;
use runledger::internal::export::parquet::Options;
use runledger::internal::report::rows::dataset::DatasetTable;
use runledger::internal::report::{DateBasis, Scope};
use runledger::internal::run::Instant;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

#[test]
fn the_same_archive_gives_the_same_files_and_rewrites_none() {
    let archive = ledger::small();
    let [one, other] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let first = write(&archive, one.path());
    assert_eq!((first[&DatasetTable::Runs].written, first[&DatasetTable::Runs].rows), (6, 12));
    write(&archive, other.path());
    assert_eq!(files(one.path()), files(other.path()));
    let before = files(one.path());
    for (table, summary) in write(&archive, one.path()) {
        assert_eq!((summary.written, summary.removed), (0, 0), "{table:?}");
        assert_eq!(summary.rows, first[&table].rows);
    }
    assert_eq!(files(one.path()), before);
}

/// The paths of the files that differ between two listings; either may lack a file.
fn changed(before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let names = before.keys().chain(after.keys()).filter(|name| !name.starts_with('_'));
    let mut changed: Vec<String> =
        names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect();
    changed.sort_unstable();
    changed.dedup();
    changed
}

#[test]
fn a_change_rewrites_only_the_months_it_affects() {
    let archive = ledger::small();
    let folder = tempfile::tempdir().unwrap();
    write(&archive, folder.path());
    let mut before = files(folder.path());
    let mut after = |sql: &str| {
        archive.execute_batch(sql).unwrap();
        write(&archive, folder.path());
        let now = files(folder.path());
        let changed = changed(&before, &now);
        before = now;
        changed
    };
    assert_eq!(
        after("UPDATE run_snapshots SET el_cost_usd = 0.7, el_cost_nanos = 700000000 WHERE snapshot_id = 9"),
        ["run_snapshots/month=2026-04/part-0.parquet", "runs/month=2026-04/part-0.parquet"]
    );
    assert_eq!(
        after("UPDATE pipeline_snapshots SET name = 'Saída' WHERE pipeline_id = 'd-1'"),
        ["pipelines/part-0.parquet", "runs/month=2026-02/part-0.parquet"]
    );
    assert_eq!(
        after(
            "INSERT INTO vanishings (run_id, vanished_at, sync_id) VALUES ('run-06', '2026-06-02T00:00:00.000000Z', 1)"
        ),
        ["runs/month=2026-03/part-0.parquet"]
    );
    // A month without rows is removed with its folder.
    assert_eq!(
        after("DELETE FROM run_snapshots WHERE snapshot_id IN (11, 12)"),
        ["run_snapshots/month=2026-05/part-0.parquet", "runs/month=2026-05/part-0.parquet"]
    );
    assert!(!folder.path().join("runs/month=2026-05").exists());
}

#[test]
fn recheck_months_limits_checks_but_writes_missing_files() {
    let archive = ledger::small();
    let folder = tempfile::tempdir().unwrap();
    let watching = options(&[DatasetTable::Pipelines, DatasetTable::Runs], Some(1));
    write_in(&archive, folder.path(), Scope::default(), &watching).unwrap();
    let before = files(folder.path());
    archive
        .execute_batch(
            "UPDATE run_snapshots SET number = 77 WHERE snapshot_id IN (1, 8, 12);
             UPDATE run_snapshots SET started_at = '2025-07-01T00:00:00.000000Z' WHERE snapshot_id = 3",
        )
        .unwrap();
    let done = write_in(&archive, folder.path(), Scope::default(), &watching).unwrap();
    assert_eq!(
        changed(&before, &files(folder.path())),
        [
            "runs/month=2025-07/part-0.parquet",
            // It has one run less.
            "runs/month=2026-01/part-0.parquet",
            "runs/month=2026-05/part-0.parquet",
            "runs/month=unbooked/part-0.parquet",
        ]
    );
    assert_eq!(done.tables[1].1.not_compared, 3);
}

#[test]
fn another_dataset_in_the_folder_is_rejected_untouched() {
    let archive = ledger::small();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("dataset");
    let refused = |scope: Scope, options: &Options, words: &str| {
        let before = if place.is_dir() { files(&place) } else { BTreeMap::new() };
        match write_in(&archive, &place, scope, options) {
            Err(Error::Usage { what, hint: Some(_) }) => assert!(what.contains(words), "{words}: {what}"),
            other => panic!("{words}: {other:?}"),
        }
        if place.is_dir() {
            assert_eq!(files(&place), before, "{words}");
        }
    };
    let all = options(&DatasetTable::ALL, None);
    fs::write(&place, "a file").unwrap();
    refused(Scope::default(), &all, "is not a folder");
    fs::remove_file(&place).unwrap();
    fs::create_dir(&place).unwrap();
    fs::write(place.join("budget.xlsx"), "mine").unwrap();
    refused(Scope::default(), &all, "budget.xlsx");
    fs::remove_file(place.join("budget.xlsx")).unwrap();

    write(&archive, &place);
    refused(Scope { zone: Tz::America__Sao_Paulo, ..Scope::default() }, &all, "America/Sao_Paulo");
    refused(Scope { date: DateBasis::Ended, ..Scope::default() }, &all, "ended");
    let other = write_of("other", &archive, &place, Scope::default(), &all).unwrap_err().to_string();
    assert!(other.contains("also has the workspace small, which is not part of this export"), "{other}");
    refused(
        Scope::default(),
        &options(&[DatasetTable::Pipelines, DatasetTable::Runs], None),
        "run_snapshots",
    );
    for strange in [
        "_delta_log",
        "runs/month=2026-01/part-00000-x.parquet",
        "runs/part-0.parquet",
        "pipelines/more.parquet",
    ] {
        fs::write(place.join(strange), "theirs").unwrap();
        refused(Scope::default(), &all, strange);
        fs::remove_file(place.join(strange)).unwrap();
    }
    let state = place.join("_runledger.json");
    let ours = fs::read_to_string(&state).unwrap();
    fs::write(&state, ours.replace("\"dataset_version\": 1", "\"dataset_version\": 2")).unwrap();
    refused(Scope::default(), &all, "layout version 2");
    fs::write(&state, "{").unwrap();
    refused(Scope::default(), &all, "is invalid");
    fs::write(&state, ours).unwrap();
    assert_eq!(write(&archive, &place)[&DatasetTable::Runs].written, 0);
}

#[test]
fn a_missing_or_truncated_file_is_written_again() {
    let archive = ledger::small();
    let folder = tempfile::tempdir().unwrap();
    write(&archive, folder.path());
    let whole = files(folder.path());
    fs::remove_dir_all(folder.path().join("runs/month=2026-02")).unwrap();
    fs::write(folder.path().join("pipelines/part-0.parquet"), "PAR1").unwrap();
    fs::write(folder.path().join("runs/.runledger-left"), "behind").unwrap();
    write(&archive, folder.path());
    assert_eq!(files(folder.path()), whole);
    assert!(!folder.path().join("runs/.runledger-left").exists());
}

#[cfg(unix)]
#[test]
fn export_parquet_prints_a_summary_and_rejects_table_options() {
    let machine = machine::Machine::of(50);
    let archive = machine.file("ledger.db");
    machine.synced(&archive, 0);
    let folder = machine.file("dataset");
    let output = folder.to_str().unwrap();
    machine.run(&archive, ["export", "parquet"]).refused(2, "export parquet needs a folder");
    let period = ["export", "parquet", "--output", output, "--period", "2026-01"];
    machine.run(&archive, period).refused(2, "a dataset contains every month");
    let decimals =
        machine.run(&archive, ["export", "parquet", "--output", output, "--decimals", "2"]).with(2);
    assert!(decimals.stderr.contains("--decimals does not apply to a Parquet dataset"), "{decimals:?}");
    let runs = machine.run(&archive, ["export", "runs", "--snapshots"]).with(2);
    assert!(runs.stderr.contains("only apply to `runledger export parquet`"), "{runs:?}");
    assert!(!folder.exists(), "a rejected export creates no folder");

    let ended = machine.run(&archive, ["export", "parquet", "--output", output]).with(0);
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("\nruns: ") && ended.stderr.contains("; 50 rows in total\n"), "{ended:?}");
    let row = &rows_of(&folder.join("pipelines/part-0.parquet"))[0];
    assert_eq!(row[0], ("workspace".to_owned(), Field::Str("ledger".to_owned())));
    machine
        .run(&archive, ["export", "parquet", "--output", output, "--zone", "Asia/Tokyo"])
        .refused(2, "Asia/Tokyo");
}

/// Copies a folder recursively.
#[cfg(unix)]
fn copy(from: &Path, to: &Path) {
    for (name, bytes) in files(from) {
        let path = to.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_killed_export_stays_readable_and_the_next_one_repairs_it() {
    let machine = machine::Machine::of(400);
    let archive = machine.file("a.db");
    machine.synced(&archive, 0);
    let export = |folder: &Path| {
        let output = folder.to_str().unwrap();
        machine.command(&archive, ["export", "parquet", "--snapshots", "--output", output])
    };
    let older = machine.file("older");
    assert!(export(&older).output().unwrap().status.success());
    machine.let_an_hour_pass();
    machine.synced(&archive, 0);
    let undisturbed = machine.file("undisturbed");
    assert!(export(&undisturbed).output().unwrap().status.success());
    let expected = files(&undisturbed);

    let mut random = fastrand::Rng::with_seed(35);
    let mut killed = 0;
    for round in 0..40 {
        let folder = machine.file(&format!("round-{round}"));
        // Half of them start empty, the others with the state of an hour ago.
        if round % 2 == 0 {
            copy(&older, &folder);
        }
        let mut child = export(&folder).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_micros(random.u64(0..60_000)));
        let _ = child.kill();
        killed += usize::from(!child.wait().unwrap().success());
        // The process can be killed before it creates the folder.
        let there = if folder.exists() { files(&folder) } else { BTreeMap::new() };
        for name in there.keys().filter(|name| name.ends_with(".parquet")) {
            rows_of(&folder.join(name));
        }
        let ended = export(&folder).output().unwrap();
        assert!(ended.status.success(), "round {round}: {ended:?}");
        assert_eq!(changed(&expected, &files(&folder)), Vec::<String>::new(), "round {round}");
        assert_eq!(files(&folder), expected, "round {round}");
    }
    assert!(killed >= 10, "most kills hit a running process: {killed}");
}

#[test]
fn a_run_that_moves_to_a_rechecked_month_leaves_its_old_one() {
    let archive = ledger::small();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("lake");
    let tables = [DatasetTable::Pipelines, DatasetTable::Runs];
    write_in(&archive, &place, Scope::default(), &options(&tables, None)).unwrap();
    let runs = counted(&place, "runs/");
    assert!(runs.0 > 5 && runs.0 == runs.1, "{runs:?}");
    // Queued in the oldest month, started in the newest one.
    let moved = archive
        .execute(
            "UPDATE run_snapshots SET started_at = (SELECT max(started_at) FROM run_snapshots) \
             WHERE snapshot_id = (SELECT snapshot_id FROM run_snapshots WHERE superseded_at IS NULL \
                                  AND started_at IS NOT NULL ORDER BY started_at LIMIT 1)",
            [],
        )
        .unwrap();
    assert_eq!(moved, 1);
    write_in(&archive, &place, Scope::default(), &options(&tables, Some(1))).unwrap();
    assert_eq!(counted(&place, "runs/"), runs);
    // This does not depend on the number of rechecked months.
    write_in(&archive, &place, Scope::default(), &options(&tables, Some(usize::MAX))).unwrap();
    assert_eq!(counted(&place, "runs/"), runs);
}

#[test]
fn files_outside_the_dataset_are_never_touched() {
    let archive = ledger::small();
    let folder = tempfile::tempdir().unwrap();
    let (place, victim) = (folder.path().join("lake"), folder.path().join("victim"));
    write(&archive, &place);
    fs::create_dir(&victim).unwrap();
    fs::write(victim.join("part-0.parquet"), "theirs").unwrap();
    let state = place.join("_runledger.json");
    let ours = fs::read_to_string(&state).unwrap();
    for strange in
        ["../../victim/part-0.parquet", "month=../../../victim/part-0.parquet", "/etc/part-0.parquet"]
    {
        let edited = ours.replacen("\"month=2026-01/part-0.parquet\"", &format!("\"{strange}\""), 1);
        assert_ne!(edited, ours);
        fs::write(&state, edited).unwrap();
        let error =
            write_in(&archive, &place, Scope::default(), &options(&DatasetTable::ALL, None)).unwrap_err();
        assert!(error.to_string().contains("is not a file of a dataset"), "{error}");
        assert_eq!(fs::read(victim.join("part-0.parquet")).unwrap(), b"theirs");
    }
}

#[test]
fn two_as_of_instants_are_never_mixed_in_a_dataset() {
    let archive = ledger::small();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("lake");
    let known_at: String =
        archive.query_row("SELECT max(observed_at) FROM run_snapshots", [], |row| row.get(0)).unwrap();
    let then = || Scope { as_of: Some(Instant::parse(&known_at).unwrap()), ..Scope::default() };
    let not_compared = |scope: Scope| {
        let done = write_in(&archive, &place, scope, &options(&DatasetTable::ALL, Some(1))).unwrap();
        done.tables.iter().map(|(_, summary)| summary.not_compared).sum::<u64>()
    };
    write(&archive, &place);
    let watched = not_compared(Scope::default());
    assert!(watched > 0);
    // With another instant, every month is checked, even if few are rechecked.
    assert_eq!(not_compared(then()), 0);
    assert_eq!(not_compared(then()), watched);
    assert_eq!(not_compared(Scope::default()), 0);
}

/// The sum of a column over all files of a table, in nano-dollars; and its rows whose `superseded_at` is NULL.
fn nanos_and_current(folder: &Path, table: &str) -> (i128, usize) {
    let files = files(folder);
    let names = files.keys().filter(|name| name.starts_with(table) && name.ends_with(".parquet"));
    let (mut nanos, mut current) = (0, 0);
    for row in names.flat_map(|name| rows_of(&folder.join(name))) {
        let field = |wanted: &str| row.iter().find(|(name, _)| name == wanted).map(|(_, field)| field);
        for column in ["el_cost_usd_exact", "transformation_cost_usd_exact"] {
            if let Some(Field::Decimal(decimal)) = field(column) {
                let bytes = decimal.data();
                let sign = if bytes[0] & 0x80 == 0 { 0 } else { u8::MAX };
                let mut whole = [sign; 16];
                whole[16 - bytes.len()..].copy_from_slice(bytes);
                nanos += i128::from_be_bytes(whole);
            }
        }
        current += usize::from(field("superseded_at") == Some(&Field::Null));
    }
    (nanos, current)
}

#[test]
fn runs_that_swap_months_stay_in_the_dataset_once() {
    for recheck in [1, 2] {
        let archive = ledger::small();
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("lake");
        write(&archive, &place);
        let (runs, sums) = (counted(&place, "runs/"), nanos_and_current(&place, "runs/"));
        assert_eq!(sums.0, 3_753_456_791);
        // Each month keeps its number of runs: January and the newest month, and two months that are not rechecked.
        archive
            .execute_batch(
                "CREATE TEMP TABLE swaps AS
                 SELECT a.snapshot_id AS id, b.started_at AS moved_to FROM run_snapshots AS a JOIN run_snapshots AS b
                 ON (a.run_id, b.run_id) IN (VALUES ('run-01', 'run-11'), ('run-11', 'run-01'),
                                                    ('run-02', 'run-04'), ('run-04', 'run-02'))
                 WHERE a.superseded_at IS NULL AND b.superseded_at IS NULL;
                 UPDATE run_snapshots SET started_at = moved_to FROM swaps WHERE snapshot_id = id;",
            )
            .unwrap();
        let watching = options(&DatasetTable::ALL, Some(recheck));
        let done = write_in(&archive, &place, Scope::default(), &watching).unwrap();
        assert_eq!(counted(&place, "runs/"), runs, "{recheck}");
        assert_eq!(nanos_and_current(&place, "runs/"), sums, "{recheck}");
        assert!(done.tables[1].1.not_compared > 0, "other months are not compared: {done:?}");
        // A full export finds nothing to repair.
        assert_eq!(write(&archive, &place)[&DatasetTable::Runs].written, 0);
    }
}

#[test]
fn a_state_superseded_in_another_month_is_no_longer_current() {
    let archive = ledger::small();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("lake");
    write(&archive, &place);
    let before = nanos_and_current(&place, "run_snapshots/");
    assert_eq!(before.1, 12);
    // Queued in January, started in May: January keeps its number of states.
    archive
        .execute_batch(
            "UPDATE run_snapshots SET superseded_at = '2026-06-20T00:00:00.000000Z' WHERE snapshot_id = 3;
             INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, created_at, started_at, status)
             VALUES ('run-03', '2026-06-20T00:00:00.000000Z', 1, zeroblob(32), '2026-01-31T23:29:59.000000Z',
                     '2026-05-19T00:00:00.000000Z', 'success')",
        )
        .unwrap();
    write_in(&archive, &place, Scope::default(), &options(&DatasetTable::ALL, Some(1))).unwrap();
    assert_eq!(nanos_and_current(&place, "run_snapshots/"), before);
}

#[test]
fn an_index_of_an_earlier_version_is_compared_once() {
    let archive = ledger::small();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("lake");
    write(&archive, &place);
    let whole = files(&place);
    let path = place.join("_runledger.json");
    let text = fs::read_to_string(&path).unwrap();
    let mut index: serde_json::Value = serde_json::from_str(&text).unwrap();
    for files in index["tables"].as_object_mut().unwrap().values_mut() {
        for entry in files.as_object_mut().unwrap().values_mut() {
            entry.as_object_mut().unwrap().remove("states_digest");
        }
    }
    let old = serde_json::to_string_pretty(&index).unwrap();
    assert_ne!(old.trim_end(), text.trim_end());
    fs::write(&path, old).unwrap();
    let again = || {
        let done =
            write_in(&archive, &place, Scope::default(), &options(&DatasetTable::ALL, Some(1))).unwrap();
        done.tables.iter().fold((0, 0), |(written, skipped), (_, summary)| {
            (written + summary.written, skipped + summary.not_compared)
        })
    };
    assert_eq!(again(), (0, 0), "every month is compared, and none is written");
    assert_eq!(files(&place), whole, "the index has the digests again");
    assert!(again().1 > 0);
}

#[test]
fn the_folder_of_runs_without_a_month_is_renamed_once() {
    let archive = ledger::small();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("lake");
    write(&archive, &place);
    let whole = files(&place);
    // As an earlier version wrote it, with Hive's name for NULL.
    for table in ["runs", "run_snapshots"] {
        let rows = place.join(table);
        let old = rows.join("month=__HIVE_DEFAULT_PARTITION__");
        fs::rename(rows.join("month=unbooked"), old).unwrap();
    }
    let path = place.join("_runledger.json");
    let index = fs::read_to_string(&path).unwrap();
    fs::write(&path, index.replace("month=unbooked/", "month=__HIVE_DEFAULT_PARTITION__/")).unwrap();
    for (table, summary) in write(&archive, &place) {
        assert_eq!((summary.written, summary.removed), (0, 0), "{table:?}");
    }
    assert_eq!(files(&place), whole);
    assert!(!place.join("runs/month=__HIVE_DEFAULT_PARTITION__").exists());
}
