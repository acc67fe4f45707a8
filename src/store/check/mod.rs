//! The check of an archive: the rules that hold for every archive, and where this one breaks them.
//!
//! Every snapshot is read twice, once in the table's order and once sorted by run. Memory does not grow with their
//! number.

mod file;
mod history;
mod snapshots;
mod tables;

pub(super) use tables::{CONTRADICTORY_END, CONTRADICTORY_SUSPICION};

use super::Archive;
use crate::error::Result;

/// SQL: whether the column `c` of `pragma_table_info` holds instants.
pub(super) const IS_INSTANT: &str =
    "(c.name LIKE '%\\_at' ESCAPE '\\' OR c.name IN ('walk_top', 'watermark'))";

/// The number of examples listed for each rule.
const MOST_EXAMPLES: usize = 5;

/// A rule, and the places where the archive breaks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckResult {
    /// The rule's name, one word.
    pub name: &'static str,
    /// The rule.
    pub rule: &'static str,
    /// How many things were examined, in `unit`.
    pub examined: u64,
    /// What was examined.
    pub unit: &'static str,
    /// In how many places the rule is broken.
    pub broken: u64,
    /// Descriptions of the first of these places.
    pub examples: Vec<String>,
}

impl CheckResult {
    /// A rule with nothing examined yet.
    pub fn new(name: &'static str, unit: &'static str, rule: &'static str) -> CheckResult {
        CheckResult { name, rule, examined: 0, unit, broken: 0, examples: Vec::new() }
    }

    /// Records a place where the rule is broken.
    pub fn fail(&mut self, example: impl FnOnce() -> String) {
        self.broken += 1;
        if self.examples.len() < MOST_EXAMPLES {
            self.examples.push(example());
        }
    }

    pub(super) fn require(&mut self, holds: bool, example: impl FnOnce() -> String) {
        if !holds {
            self.fail(example);
        }
    }

    /// Records a pass that could not read to the end as broken.
    pub(super) fn end(&mut self, pass: rusqlite::Result<()>) {
        if let Err(error) = pass {
            self.fail(|| format!("it cannot be read to its end: {error}"));
        }
    }
}

impl Archive {
    /// Checks all rules that need no API, at one moment of the archive. A sync may be writing at the same time.
    ///
    /// # Errors
    /// Those of SQLite when not even the first row can be read. All other faults are in the result.
    pub fn check(&self) -> Result<Vec<CheckResult>> {
        // One transaction, so that counts and rows are from the same moment.
        self.connection.execute_batch("BEGIN")?;
        let checked = self.check_all();
        self.connection.execute_batch("COMMIT")?;
        checked
    }

    fn check_all(&self) -> Result<Vec<CheckResult>> {
        let archive = &self.connection;
        let mut checked = file::check(archive)?.to_vec();
        let snapshots = snapshots::check(archive);
        let (history, added) = history::history(archive);
        checked.push(history);
        checked.extend(snapshots);
        checked.extend([
            history::counts(archive, &added),
            tables::syncs(archive),
            tables::vanished(archive),
            tables::catalog(archive),
        ]);
        Ok(checked)
    }
}
