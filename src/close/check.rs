//! All checks of an archive, and the one that each closed month still gives what it froze.

use super::totals::totals;
use crate::error::Result;
use crate::report::{Ledger, Scope};
use crate::store::{Archive, CheckResult, Close, FrozenTerms};
use std::path::Path;

/// Runs all checks of the archive at `path`. Also returns the archive, as it was opened for checking.
///
/// # Errors
/// Those of opening the archive.
pub(crate) fn check_archive(path: &Path) -> Result<(Archive, Vec<CheckResult>)> {
    let archive = Archive::open_for_checking(path)?;
    let mut checked = archive.check()?;
    // The reports of a close need temporary views, which the connection for checking does not create.
    checked.push(check_closes(&Archive::open_for_reading(path)?));
    Ok((archive, checked))
}

/// Compares the totals, names and rows of each closed month with what it froze, and its terms with their hash.
pub(super) fn check_closes(archive: &Archive) -> CheckResult {
    let mut checked =
        CheckResult::new("closes", "closes", "each gives the totals, names and rows that it froze");
    match archive.closes() {
        Ok(closes) => {
            let mut before: Option<Close> = None;
            for close in closes {
                checked.examined += 1;
                let name = format!("close {} of {}", close.close_id, close.frozen.period);
                let earlier = before.filter(|before| before.frozen.period == close.frozen.period);
                if close.frozen.restates != earlier.map(|earlier| earlier.close_id) {
                    checked.fail(|| format!("{name} does not name the close before it"));
                }
                match differences(archive, &close) {
                    Ok(differences) if differences.is_empty() => {}
                    Ok(differences) => checked.fail(|| format!("{name}: {}", differences.join(", "))),
                    Err(error) => checked.fail(|| format!("{name}: {}", error.on_one_line())),
                }
                before = Some(close);
            }
        }
        Err(error) => checked.fail(|| format!("the closes are unreadable: {}", error.on_one_line())),
    }
    checked
}

/// The frozen values that the month no longer gives, by name.
fn differences(archive: &Archive, close: &Close) -> Result<Vec<&'static str>> {
    let ledger = Ledger::open(archive.connection(), Scope::of_close(close)?)?;
    let (now, then) = (totals(&ledger)?, &close.frozen.totals);
    let is_intact = close.frozen.terms.as_ref().is_none_or(FrozenTerms::is_intact);
    let same = [
        ("terms", is_intact),
        ("runs", now.runs == then.runs),
        ("runs without a known cost", now.runs_cost_unknown == then.runs_cost_unknown),
        ("el_cost_nanos", now.el_cost_nanos == then.el_cost_nanos),
        ("transformation_cost_nanos", now.transformation_cost_nanos == then.transformation_cost_nanos),
        ("total_cost_nanos", now.total_cost_nanos == then.total_cost_nanos),
        ("credits", now.credits == then.credits),
        ("names", now.names == then.names),
        ("rows_sha256", now.rows_sha256 == then.rows_sha256),
    ];
    Ok(same.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::column_totals::ColumnTotals;
    use crate::export::{Dialect, csv};
    use crate::report::rows;
    use crate::report::table::USD_DECIMALS;
    use crate::run::Instant;
    use crate::store::Lock;
    use std::fs;
    use std::path::Path;

    /// A copy of the fixture of a schema version, migrated to the current one.
    fn migrated(folder: &Path, version: u32) -> Archive {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = folder.join(format!("v{version}.db"));
        fs::copy(root.join(format!("tests/fixtures/v{version}.db")), &path).unwrap();
        let lock = Lock::acquire(&path, Instant::parse("2026-11-24T00:00:00Z").unwrap()).unwrap();
        drop(Archive::open(&path, &lock).unwrap());
        let broken: Vec<CheckResult> = Archive::open_for_checking(&path).unwrap().check().unwrap();
        assert!(broken.iter().all(|checked| checked.broken == 0), "{broken:?}");
        Archive::open_for_reading(&path).unwrap()
    }

    #[test]
    fn archives_of_older_schemas_pass_the_check_with_their_closes() {
        let folder = tempfile::tempdir().unwrap();
        for (version, closes) in [(1, 0), (2, 1), (3, 1), (4, 1), (5, 2)] {
            let checked = check_closes(&migrated(folder.path(), version));
            assert!(checked.examined >= closes && checked.broken == 0, "version {version}: {checked:?}");
        }
    }

    #[test]
    fn a_month_closed_under_an_older_layout_exports_its_frozen_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let archive = migrated(folder.path(), 2);
        let close = archive.close_of("2026-10").unwrap().unwrap();
        let ledger = Ledger::open(archive.connection(), Scope::of_close(&close).unwrap()).unwrap();
        let mut bytes = Vec::new();
        let mut rows = rows::costs(&ledger).unwrap();
        csv::write_rows(&mut rows, &Dialect::MACHINE, USD_DECIMALS, &mut ColumnTotals::default(), &mut bytes)
            .unwrap();
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v2-closed-costs.csv");
        assert_eq!(String::from_utf8(bytes).unwrap(), fs::read_to_string(golden).unwrap());
    }
}
