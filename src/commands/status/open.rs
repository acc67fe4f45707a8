//! The runs that have not ended, for the status of an archive.

use crate::commands::shared::facts::Facts;
use crate::commands::shared::numbers::grouped;
use crate::error::Result;
use crate::export::terminal::{Role, duration};
use crate::report::open::{Factor, OpenRuns, TOO_LONG_FROM_SECONDS, open_runs_judged, runs_without_usual};
use crate::report::{Ledger, Scope};
use crate::run::Seconds;
use crate::store::Archive;
use chrono::TimeDelta;
use std::collections::BTreeMap;

/// The runs of an archive that have not ended, as of its last complete sync.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct OpenSummary {
    /// Their number.
    pub(super) runs: u64,
    /// Those that take longer than is usual in their pipeline.
    pub(super) too_long: u64,
    /// The longest time since one started, or was created. `None`: there is none, or it is not known.
    pub(super) oldest_seconds: Option<i64>,
    /// The id of that run.
    pub(super) oldest_run_id: Option<String>,
    /// How many there are of each status, the most frequent first.
    pub(super) statuses: Vec<(String, u64)>,
}

impl OpenSummary {
    /// The summary with the comparison of each run with its pipeline.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(super) fn compared(archive: &Archive) -> Result<OpenSummary> {
        let ledger = Ledger::open(archive.connection(), Scope::default())?;
        Ok(OpenSummary::of(&open_runs_judged(&ledger, Factor::default())?))
    }

    /// The summary without comparisons, in a time that does not depend on the number of runs.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(super) fn without_comparison(archive: &Archive) -> Result<OpenSummary> {
        let ledger = Ledger::open(archive.connection(), Scope::default())?;
        Ok(OpenSummary::of(&runs_without_usual(&ledger)?))
    }

    fn of(open: &OpenRuns) -> OpenSummary {
        let mut statuses: BTreeMap<&str, u64> = BTreeMap::new();
        for run in &open.runs {
            *statuses.entry(run.status.as_deref().unwrap_or("without a status")).or_default() += 1;
        }
        let mut statuses: Vec<(String, u64)> =
            statuses.into_iter().map(|(status, runs)| (status.replace('_', " "), runs)).collect();
        statuses.sort_by_key(|(_, runs)| std::cmp::Reverse(*runs));
        let oldest =
            open.runs.iter().filter(|run| run.age_seconds.is_some()).max_by_key(|run| run.age_seconds);
        OpenSummary {
            runs: open.runs.len() as u64,
            too_long: open.runs.iter().filter(|run| run.is_too_long()).count() as u64,
            oldest_seconds: oldest.and_then(|run| run.age_seconds),
            oldest_run_id: oldest.map(|run| run.run_id.clone()),
            statuses,
        }
    }

    /// Adds the line `Open`.
    pub(super) fn add_to(&self, facts: &mut Facts) {
        if self.runs == 0 {
            return facts.count("Open", 0, "");
        }
        let statuses: Vec<String> =
            self.statuses.iter().map(|(status, runs)| format!("{} {status}", grouped(*runs))).collect();
        match self.oldest_seconds.filter(|seconds| *seconds >= TOO_LONG_FROM_SECONDS) {
            None => facts.add("Open", statuses.join(", ")),
            Some(seconds) => {
                let age = duration(Seconds::whole(seconds));
                let text = format!("{}; the longest for {age}: `runledger report open`", statuses.join(", "));
                facts.add_as(Role::Warning, "Open", text);
            }
        }
    }

    /// Whether a run has not ended for longer than this.
    pub(super) fn is_older_than(&self, most: TimeDelta) -> bool {
        self.oldest_seconds.is_some_and(|seconds| seconds > most.num_seconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::terminal::Screen;
    use crate::report::open::{OpenRun, OpenState};

    fn run(id: &str, status: Option<&str>, age_seconds: Option<i64>, state: OpenState) -> OpenRun {
        OpenRun {
            run_id: id.to_owned(),
            pipeline_name: None,
            pipeline_id: None,
            pipeline_kind: None,
            status: status.map(str::to_owned),
            trigger_type: None,
            created_at: None,
            started_at: None,
            age_seconds,
            usual: None,
            state,
        }
    }

    fn line(runs: Vec<OpenRun>) -> String {
        let mut facts = Facts::default();
        OpenSummary::of(&OpenRuns { moment: None, runs }).add_to(&mut facts);
        facts.lines(&Screen::FILE).join("\n")
    }

    #[test]
    fn the_line_counts_statuses_and_has_the_longest_age() {
        assert_eq!(line(Vec::new()), "Open  0");
        let mut runs = vec![
            run("a", Some("pending_events"), None, OpenState::Queued),
            run("b", Some("running"), Some(60), OpenState::Ok),
            run("c", Some("running"), Some(60), OpenState::Unknown),
            run("d", None, Some(60), OpenState::Unknown),
        ];
        assert_eq!(line(runs.clone()), "Open  2 running, 1 pending events, 1 without a status");
        runs[1].age_seconds = Some(19_260);
        assert_eq!(
            line(runs),
            "Open  2 running, 1 pending events, 1 without a status; the longest for 5 h 21\n      min: \
             `runledger report open`"
        );
    }

    #[test]
    fn the_oldest_run_is_the_one_with_the_largest_age() {
        let open = |ages: &[Option<i64>]| {
            let runs = ages.iter().enumerate();
            let runs = runs.map(|(nth, age)| run(&nth.to_string(), None, *age, OpenState::Unknown)).collect();
            OpenSummary::of(&OpenRuns { moment: None, runs })
        };
        let oldest = open(&[None, Some(60), Some(3_600), Some(5)]);
        assert_eq!((oldest.oldest_seconds, oldest.oldest_run_id.as_deref()), (Some(3_600), Some("2")));
        let older = |seconds| oldest.is_older_than(TimeDelta::seconds(seconds));
        assert_eq!([older(3_599), older(3_600)], [true, false]);
        assert!(!open(&[None]).is_older_than(TimeDelta::zero()));
    }
}
