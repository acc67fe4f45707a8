//! The rules for the snapshots of a run, and for the number that each sync reports.

use super::CheckResult;
use rusqlite::Connection;
use std::collections::HashMap;

/// For each sync, the rows that it added: new runs and changed runs. `None`: not all rows could be read.
pub(super) type Added = Option<HashMap<i64, [u64; 2]>>;

/// A row of a run's history.
struct State {
    run_id: String,
    observed_at: String,
    superseded_at: Option<String>,
    sync_id: i64,
}

pub(super) fn history(archive: &Connection) -> (CheckResult, Added) {
    let mut checked = CheckResult::new(
        "history",
        "runs",
        "each has one current snapshot, and each earlier one ends where the next begins",
    );
    let mut added = HashMap::new();
    let ended = read_history(archive, &mut checked, &mut added);
    let whole = ended.is_ok();
    checked.end(ended);
    (checked, whole.then_some(added))
}

fn read_history(
    archive: &Connection,
    checked: &mut CheckResult,
    added: &mut HashMap<i64, [u64; 2]>,
) -> rusqlite::Result<()> {
    // Reading in the table's order and sorting is faster than the index, where each row would be a seek.
    let mut statement = archive.prepare(
        "SELECT run_id, observed_at, superseded_at, sync_id FROM run_snapshots NOT INDEXED \
         ORDER BY run_id, observed_at, snapshot_id",
    )?;
    let mut rows = statement.query([])?;
    let mut before: Option<State> = None;
    while let Some(row) = rows.next()? {
        let state = State {
            run_id: row.get(0)?,
            observed_at: row.get(1)?,
            superseded_at: row.get(2)?,
            sync_id: row.get(3)?,
        };
        let follows = before.as_ref().filter(|before| before.run_id == state.run_id);
        added.entry(state.sync_id).or_default()[usize::from(follows.is_some())] += 1;
        let name = || format!("run {}, observed at {}", state.run_id, state.observed_at);
        if state.superseded_at.as_ref().is_some_and(|at| *at <= state.observed_at) {
            checked.fail(|| format!("{}: it ends before it begins", name()));
        }
        match follows.map(|before| before.superseded_at.as_deref()) {
            Some(Some(ended)) if ended == state.observed_at => {}
            Some(Some(ended)) if *ended < *state.observed_at => {
                checked.fail(|| format!("{}: a gap since {ended}", name()));
            }
            Some(Some(_) | None) => checked.fail(|| format!("{}: it overlaps the previous one", name())),
            None => {
                checked.examined += 1;
                end_of_run(before.as_ref(), checked);
            }
        }
        before = Some(state);
    }
    end_of_run(before.as_ref(), checked);
    Ok(())
}

fn end_of_run(last: Option<&State>, checked: &mut CheckResult) {
    if let Some(State { run_id, superseded_at: Some(at), .. }) = last {
        checked.fail(|| format!("run {run_id} has no current snapshot since {at}"));
    }
}

pub(super) fn counts(archive: &Connection, added: &Added) -> CheckResult {
    let mut checked = CheckResult::new(
        "counts",
        "syncs",
        "the new and changed runs that each reports are the rows it added",
    );
    let Some(added) = added else {
        checked.fail(|| "not all rows could be read".to_owned());
        return checked;
    };
    let ended = (|| {
        let mut statement = archive.prepare("SELECT sync_id, runs_new, runs_changed FROM syncs")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let sync_id: i64 = row.get(0)?;
            let reported: [u64; 2] = [row.get(1)?, row.get(2)?];
            let found = added.get(&sync_id).copied().unwrap_or_default();
            checked.examined += 1;
            checked.require(reported == found, || {
                format!(
                    "sync {sync_id} reports {} new and {} changed runs; there are {} and {}",
                    reported[0], reported[1], found[0], found[1]
                )
            });
        }
        Ok(())
    })();
    checked.end(ended);
    checked
}
