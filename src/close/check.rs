//! The check that each closed month still gives what it froze.

use super::totals::totals;
use crate::error::Result;
use crate::report::{Ledger, Scope};
use crate::store::{Archive, Checked, Close};

/// Compares the totals, names and rows of each closed month with what it froze.
pub fn check_closes(archive: &Archive) -> Checked {
    let mut checked = Checked::new("closes", "closes", "each gives the totals, names and rows that it froze");
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
    let same = [
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
