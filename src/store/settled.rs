//! The one definition of a settled run: no change of its status, cost or credit is expected any more.
//!
//! A run is settled when
//!
//! - its status is final and a cost is known, or
//! - it was over before the settling time began: 30 days ago by default. A run is over since `ended_at`; if that is not
//!   known and its status is final, since `created_at`.
//!
//! The view `runs` (`migrations/V2__closed_months.sql`) has the same rule in its column `settled`.

use crate::run::Status;
use std::sync::LazyLock;

/// The final statuses as an SQL list: `('success', 'failed', 'canceled')`.
static FINAL_STATUSES: LazyLock<String> = LazyLock::new(|| {
    let quoted = Status::FINAL.map(|status| format!("'{status}'"));
    format!("({})", quoted.join(", "))
});

/// SQL over `run_snapshots`: the status is not final, or no cost is known. SQLite reads the partial index
/// `run_snapshots_open` only where a query repeats the condition of the index to the letter. Never NULL.
///
/// The index has comparisons, and no `NOT IN`: for a list of three, SQLite would fill a table in each insert.
static INCOMPLETE: LazyLock<String> = LazyLock::new(|| {
    let not_final = Status::FINAL.map(|status| format!("status <> '{status}'")).join(" AND ");
    format!(
        "(status IS NULL OR ({not_final}) OR (el_cost_nanos IS NULL AND transformation_cost_nanos IS NULL))"
    )
});

/// SQL over `run_snapshots`: since when the run is over. NULL: it is not over, or the instant is not known.
static OVER_SINCE: LazyLock<String> = LazyLock::new(|| {
    format!("coalesce(ended_at, CASE WHEN status IN {} THEN created_at END)", *FINAL_STATUSES)
});

/// SQL over `run_snapshots`: when a run that is not over was created. NULL: it is over, or the instant is not known.
pub(super) static OPEN_SINCE: LazyLock<String> = LazyLock::new(|| {
    let finals = &*FINAL_STATUSES;
    format!("CASE WHEN ended_at IS NULL AND (status IS NULL OR status NOT IN {finals}) THEN created_at END")
});

/// SQL over `run_snapshots`: the run is settled. `:settled_before` is the beginning of the settling time.
pub(super) static SETTLED: LazyLock<String> =
    LazyLock::new(|| format!("(NOT {} OR {} < :settled_before)", *INCOMPLETE, *OVER_SINCE));

/// SQL over `run_snapshots`: the run is not settled.
pub(super) static UNSETTLED: LazyLock<String> = LazyLock::new(|| {
    let over_since = &*OVER_SINCE;
    format!("{} AND ({over_since} IS NULL OR {over_since} >= :settled_before)", *INCOMPLETE)
});

/// Whether the status is final and a cost is known.
pub(crate) fn is_complete(status_is_final: bool, cost_is_known: bool) -> bool {
    status_is_final && cost_is_known
}

/// Whether the run was over before the settling time began. Instants are texts as the archive has them.
pub(crate) fn was_over(
    status_is_final: bool,
    ended_at: Option<&str>,
    created_at: Option<&str>,
    settled_before: &str,
) -> bool {
    ended_at.or(created_at.filter(|_| status_is_final)).is_some_and(|over_since| over_since < settled_before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ignored_fields::IgnoredFields;
    use crate::run::{Instant, Redaction, decode};
    use crate::snapshot::Snapshot;
    use crate::store::{Archive, Detail, InsertHint, SyncKind};
    use std::collections::BTreeSet;
    use std::path::Path;
    use uuid::Uuid;

    const SETTLED_BEFORE: &str = "2026-01-01T00:00:00.000000Z";

    /// A run of the table.
    struct Case {
        id: Uuid,
        document: String,
        settled: bool,
    }

    /// Every status × cost × end × creation.
    fn table() -> Vec<Case> {
        let statuses = ["null", "pending_events", "queued", "running", "cancelling", "paused"]
            .into_iter()
            .map(|word| (word, false))
            .chain(["success", "failed", "canceled"].map(|word| (word, true)));
        // The view reads the clock: `old` and `new` are far from any settling time.
        let instants = [
            None,
            Some("2020-01-01T00:00:00.000000Z"),
            Some(SETTLED_BEFORE),
            Some("2999-01-01T00:00:00.000000Z"),
        ];
        let mut cases = Vec::new();
        for (status, is_final) in statuses {
            for costs in ["", r#","el_cost_usd":0.5"#, r#","transformation_cost_usd":0"#] {
                for ended_at in instants {
                    for created_at in instants {
                        let id = Uuid::from_u128(cases.len() as u128);
                        let text = |instant: Option<&str>| {
                            instant.map_or("null".to_owned(), |at| format!("\"{at}\""))
                        };
                        let status =
                            if status == "null" { status.to_owned() } else { format!("\"{status}\"") };
                        cases.push(Case {
                            id,
                            document: format!(
                                r#"{{"id":"{id}","status":{status},"ended_at":{},"created_at":{}{costs}}}"#,
                                text(ended_at),
                                text(created_at)
                            ),
                            settled: is_complete(is_final, !costs.is_empty())
                                || was_over(is_final, ended_at, created_at, SETTLED_BEFORE),
                        });
                    }
                }
            }
        }
        cases
    }

    #[test]
    fn a_run_is_either_settled_or_unsettled_by_every_definition() {
        let cases = table();
        let archive = Archive::temporary().unwrap();
        let now = Instant::parse("2026-02-01T00:00:00Z").unwrap();
        let sync = archive.begin_sync(SyncKind::First, "a test", "http://127.0.0.1:1/", None, now).unwrap();
        for case in &cases {
            let item = serde_json::from_str(&case.document).unwrap();
            let snapshot = Snapshot::of(decode(item, &Redaction::default()).unwrap().run);
            archive
                .upsert_run(&snapshot, Detail::Details, InsertHint::New, &IgnoredFields::default(), now, sync)
                .unwrap();
        }
        let wrong = |found: BTreeSet<Uuid>, settled: bool| -> Vec<&str> {
            let wrong = cases.iter().filter(|case| found.contains(&case.id) != (case.settled == settled));
            wrong.map(|case| case.document.as_str()).collect()
        };
        let none: Vec<&str> = Vec::new();
        let settled_before = Instant::parse(SETTLED_BEFORE).unwrap();
        let sampled = archive.settled_sample(settled_before, cases.len(), 1).unwrap();
        assert_eq!(wrong(sampled.into_iter().collect(), true), none, "what verify samples");
        let asked = archive.unsettled(settled_before).unwrap().into_iter().map(|candidate| candidate.run_id);
        assert_eq!(wrong(asked.collect(), false), none, "what sync asks for");
        // The clock of the view is the machine's: what is over since the settling time itself has settled by now.
        let mut view = archive.connection().prepare("SELECT run_id, settled FROM runs").unwrap();
        let view = view.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?))).unwrap();
        for (id, settled) in view.map(Result::unwrap) {
            let case = cases.iter().find(|case| case.id.to_string() == id).unwrap();
            if !case.document.contains(SETTLED_BEFORE) {
                assert_eq!(settled, case.settled, "the view `runs`: {}", case.document);
            }
        }
    }

    /// The lists of statuses in a file's SQL that name `success` among others.
    fn lists_of_statuses(sql: &str) -> Vec<String> {
        let lists = sql.match_indices(" IN (").filter_map(|(start, _)| {
            let list = &sql[start + " IN ".len()..];
            Some(list[..=list.find(')')?].to_owned())
        });
        lists.filter(|list| list.contains("'success'")).collect()
    }

    fn sql_files(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                sql_files(&entry, files);
            } else if entry.extension().is_some_and(|extension| extension == "sql") {
                files.push(entry);
            }
        }
    }

    #[test]
    fn sql_files_list_the_final_statuses_that_rust_knows() {
        let mut files = Vec::new();
        for folder in ["migrations", "queries", "src"] {
            sql_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut files);
        }
        let mut lists = 0;
        for file in files {
            for list in lists_of_statuses(&std::fs::read_to_string(&file).unwrap()) {
                assert_eq!(list, *FINAL_STATUSES, "{}", file.display());
                lists += 1;
            }
        }
        assert!(lists > 0, "no file lists the final statuses");
    }
}
