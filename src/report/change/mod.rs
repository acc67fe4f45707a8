//! The change report: why the cost of a period differs from that of another one.
//!
//! Each group's difference is split into volume, price, new, gone and unknown, see [`Effects`]. The parts of all groups
//! add up to the difference of the totals of `report cost` for both periods, to the nano-dollar. An unknown cost adds
//! nothing to either.

mod converted;
mod decomposition;
mod periods;
mod settings;
mod summary;
mod table;

pub use decomposition::Effects;
pub use periods::{Against, ComparedScopes, Cut, Side};
pub use settings::SettingChanges;
pub(crate) use settings::later_side;
pub(crate) use summary::UNKNOWN_DEFINED;

use super::cost::CostTotals;
use super::dimension::Dimension;
use super::fx::ConvertedCost;
use super::group_by::{self, Aggregate, Group, Groups};
use super::interner::{self, Label};
use super::ledger::Ledger;
use super::scope::ScopeRequest;
use crate::error::{Error, Result};
use crate::run::Usd;
use converted::{ChangeFx, PeriodCost, PeriodFx};
use std::cmp::Reverse;
use std::collections::HashMap;

/// Two periods to compare.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChangeRequest {
    /// The period asked about, its zone, date basis and moment. Without a period, the month of the last observation.
    pub scope: ScopeRequest,
    /// The period to compare with.
    pub against: Against,
    /// What to group by: any dimensions except periods.
    pub by: Vec<Dimension>,
}

impl ChangeRequest {
    /// Checks what does not depend on an archive.
    ///
    /// # Errors
    /// [`Error::Usage`] naming what a comparison does not support.
    pub fn validate(&self) -> Result<()> {
        if self.by.iter().any(|dimension| matches!(dimension, Dimension::Period(_))) {
            return Err(Error::Usage {
                what: "the report change compares two periods, so it is not grouped by month, week or day"
                    .to_owned(),
                hint: Some("use --by pipeline, kind, cost-center or workspace".to_owned()),
            });
        }
        let day = [("--from", self.scope.from), ("--until", self.scope.until)]
            .into_iter()
            .find(|(_, day)| day.is_some());
        if let Some((flag, _)) = day {
            return Err(Error::Usage {
                what: format!(
                    "the report change compares whole months, weeks or days: {flag} does not apply"
                ),
                hint: Some("name both periods, such as --period 2026-10 --against 2026-09".to_owned()),
            });
        }
        match &self.scope.period {
            Some(period) => self.against.label(period).map(drop),
            None => Ok(()),
        }
    }
}

/// The costs of one period by group.
pub struct PeriodCosts {
    groups: Groups<PeriodCost>,
    /// The second currency. `None`: there is none.
    fx: Option<PeriodFx>,
    /// Whether an archive has no run before the period: it may have begun within it.
    is_first: bool,
}

impl PeriodCosts {
    /// Reads the ledgers, which are in the scopes of one period.
    ///
    /// # Errors
    /// [`Error::Usage`] when the ledgers have different second currencies. Those of SQLite.
    pub fn read(ledgers: &[Ledger<'_>], by: &[Dimension]) -> Result<PeriodCosts> {
        let mut is_first = false;
        for ledger in ledgers {
            is_first = is_first || !group_by::has_earlier_runs(ledger)?;
        }
        let (groups, fx) = converted::read(ledgers, by)?;
        Ok(PeriodCosts { groups, fx, is_first })
    }
}

/// The costs of two periods, group by group.
#[derive(Debug, Clone)]
pub struct Change {
    /// The period asked about.
    pub period: String,
    /// The period compared with.
    pub against: String,
    /// The scopes, one for each archive.
    pub scopes: Vec<ComparedScopes>,
    /// The groups, the largest difference first, unknown ones last.
    pub groups: Vec<ChangedGroup>,
    /// All groups together. Its labels are empty.
    pub all: ChangedGroup,
    by: Vec<Dimension>,
    /// Whether the allocation rules decide about the groups.
    is_allocated: bool,
    /// The second currency. `None`: there is none.
    fx: Option<ChangeFx>,
    /// The periods among both before which an archive has no run.
    first_periods: Vec<String>,
    /// The names of the label columns.
    columns: Vec<String>,
    /// The pipelines whose settings changed.
    settings: SettingChanges,
}

/// The costs of one group in both periods.
#[derive(Debug, Clone, Default)]
pub struct ChangedGroup {
    /// One for each label column. `None`: not known.
    pub labels: Label,
    /// The costs in the period compared with.
    pub old: CostTotals,
    /// The costs in the period asked about.
    pub new: CostTotals,
    /// The parts of the difference.
    pub effects: Effects,
    /// The old costs in the second currency.
    pub(crate) old_converted: ConvertedCost,
    /// The new costs in the second currency.
    pub(crate) new_converted: ConvertedCost,
}

impl ChangedGroup {
    /// The groups together, with `labels` labels that are not known.
    fn sum(groups: &[ChangedGroup], labels: usize) -> ChangedGroup {
        let mut sum = ChangedGroup { labels: vec![None; labels], ..ChangedGroup::default() };
        groups.iter().for_each(|group| sum.add(group));
        sum
    }

    fn add(&mut self, other: &ChangedGroup) {
        self.old.merge(other.old);
        self.new.merge(other.new);
        self.effects.add(&other.effects);
        self.old_converted.merge(&other.old_converted);
        self.new_converted.merge(&other.new_converted);
    }
}

impl Change {
    /// Compares the costs of the two periods of `scopes`, which are not empty.
    pub fn between(
        scopes: Vec<ComparedScopes>,
        by: Vec<Dimension>,
        old: PeriodCosts,
        new: PeriodCosts,
    ) -> Change {
        let label = |label: &Option<String>| label.clone().unwrap_or_default();
        let first = scopes.first();
        let period = first.map(|scopes| label(&scopes.period.period)).unwrap_or_default();
        let against = first.map(|scopes| label(&scopes.against.period)).unwrap_or_default();
        let firsts = [(&against, old.is_first), (&period, new.is_first)].into_iter();
        let first_periods =
            firsts.filter(|(_, is_first)| *is_first).map(|(label, _)| label.clone()).collect();
        let columns = new.groups.columns.clone();
        let fx = ChangeFx::of(old.fx, new.fx);
        let groups = paired(old.groups, new.groups);
        let all = ChangedGroup::sum(&groups, columns.len());
        let is_allocated = by.contains(&Dimension::CostCenter);
        let settings = SettingChanges::default();
        Change {
            period,
            against,
            scopes,
            groups,
            all,
            by,
            is_allocated,
            fx,
            first_periods,
            columns,
            settings,
        }
    }

    /// The names of the label columns.
    pub(crate) fn label_columns(&self) -> &[String] {
        &self.columns
    }

    /// The groups whose first label is `label`, as a change of their own that leaves this label out, without changed
    /// settings. Without such a group, it has no rows. The dimension of the first label has one column.
    pub(crate) fn part(&self, label: &str) -> Change {
        let is_inside =
            |group: &&ChangedGroup| group.labels.first().is_some_and(|first| first.as_deref() == Some(label));
        let without_label = |group: &ChangedGroup| ChangedGroup {
            labels: group.labels.iter().skip(1).cloned().collect(),
            ..group.clone()
        };
        let groups: Vec<ChangedGroup> = self.groups.iter().filter(is_inside).map(without_label).collect();
        let columns: Vec<String> = self.columns.iter().skip(1).cloned().collect();
        Change {
            period: self.period.clone(),
            against: self.against.clone(),
            scopes: self.scopes.clone(),
            all: ChangedGroup::sum(&groups, columns.len()),
            groups,
            by: self.by.iter().skip(1).cloned().collect(),
            is_allocated: self.is_allocated,
            fx: self.fx.clone(),
            first_periods: self.first_periods.clone(),
            columns,
            settings: SettingChanges::default(),
        }
    }

    /// The difference of both periods' known costs.
    pub fn difference(&self) -> Usd {
        self.all.effects.total().unwrap_or_default()
    }
}

/// The groups of both periods. A group in both has the labels of the new period, in which a pipeline may have another
/// name.
fn paired(old: Groups<PeriodCost>, new: Groups<PeriodCost>) -> Vec<ChangedGroup> {
    let mut places = HashMap::new();
    let mut groups: Vec<ChangedGroup> = Vec::new();
    for Group { identity, labels, aggregate: PeriodCost { usd, converted } } in new.groups {
        places.insert(identity, groups.len());
        groups.push(ChangedGroup { labels, new: usd, new_converted: converted, ..ChangedGroup::default() });
    }
    for Group { identity, labels, aggregate: PeriodCost { usd, converted } } in old.groups {
        let place = *places.entry(identity).or_insert(groups.len());
        if place == groups.len() {
            groups.push(ChangedGroup { labels, ..ChangedGroup::default() });
        }
        (groups[place].old, groups[place].old_converted) = (usd, converted);
    }
    for group in &mut groups {
        group.effects = Effects::between(&group.old, &group.new);
    }
    groups.sort_by(|left, right| {
        let size =
            |group: &ChangedGroup| Reverse(group.effects.total().map(|usd| usd.units().unsigned_abs()));
        size(left).cmp(&size(right)).then_with(|| interner::compare(&left.labels, &right.labels))
    });
    groups
}
