//! The components report: the amounts in the metadata of each group of runs, next to the cost of these runs.
//!
//! An amount is a number whose key ends in a name such as `usd`. Each path is a row: one amount can contain others, so
//! amounts of different paths are never added up.

use super::cost::CostTotals;
use super::dimension::Dimension;
use super::group_by::{self, Aggregate, Group};
use super::json_tree::{JsonTree, PathId};
use super::ledger::Ledger;
use super::metadata_path::JSON_COLUMNS;
use super::table::{Cell, Table};
use crate::error::Result;
use crate::run::json::JsonType;
use crate::run::money::nanos_of_number;
use crate::run::{Share, Usd};
use serde::Deserialize;

const COLUMNS: [&str; 7] = [
    "path",
    "runs_with_path",
    "group_runs",
    "group_runs_cost_unknown",
    "component_usd",
    "group_cost_usd",
    "explained_rate",
];

/// Which numbers in the metadata are amounts of US dollars: those whose key ends in one of these names, in upper or
/// lower case.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct MonetaryNames(Vec<String>);

impl Default for MonetaryNames {
    fn default() -> MonetaryNames {
        MonetaryNames(vec!["usd".to_owned()])
    }
}

impl TryFrom<Vec<String>> for MonetaryNames {
    type Error = String;

    fn try_from(endings: Vec<String>) -> std::result::Result<MonetaryNames, String> {
        if endings.is_empty() || endings.iter().any(String::is_empty) {
            return Err("names_ending_in: a list of endings such as \"usd\", none of them empty".to_owned());
        }
        Ok(MonetaryNames(endings))
    }
}

impl MonetaryNames {
    /// The endings, in the order of the settings.
    pub(crate) fn endings(&self) -> &[String] {
        &self.0
    }

    /// Whether a number with this key is an amount.
    pub(super) fn include(&self, key: &str) -> bool {
        self.0.iter().any(|ending| {
            let start = key.len().checked_sub(ending.len());
            start.and_then(|start| key.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(ending))
        })
    }
}

/// The amounts in the metadata of each group of runs, by group, column and path. The cost is that of all runs of the
/// group: for `el_cost_metadata` of extraction and loading, for `transformation_cost_metadata` of transformation, for
/// `extra_config` both. A group without amounts has a row without a path.
///
/// # Errors
/// As `report::cost`.
pub fn report_across(ledgers: &[Ledger<'_>], by: &[Dimension], monetary: &MonetaryNames) -> Result<Table> {
    let (groups, (amounts, ..)) = group_by::groups_with_documents(
        ledgers,
        by,
        CostTotals::READS,
        &JSON_COLUMNS,
        (Amounts::default(), monetary.clone(), 0),
        |(amounts, monetary, run_number), totals: &mut Totals, _, run| {
            *run_number += 1;
            Aggregate::add(&mut totals.costs, run)?;
            for column in 0..JSON_COLUMNS.len() {
                let Some(document) = run.json(column)? else { continue };
                let add = |amount, nanos| totals.add(amount, nanos, *run_number);
                amounts.read(column, document, monetary, add);
            }
            Ok(())
        },
    )?;
    let order = amounts.in_order();
    let columns = groups.columns.iter().map(String::as_str).chain(COLUMNS).map(str::to_owned).collect();
    let mut rows = Vec::new();
    for Group { labels, aggregate, .. } in groups.groups {
        let labels: Vec<Cell> = labels.into_iter().map(Cell::Text).collect();
        let known = order.iter().filter(|place| aggregate.sum(place.amount).is_some());
        let mut of_group: Vec<Vec<Cell>> = known.map(|place| aggregate.row(&labels, place)).collect();
        if of_group.is_empty() {
            of_group.push(aggregate.row_without_amounts(&labels));
        }
        rows.append(&mut of_group);
    }
    // Adding up the amounts of all paths would count some of them twice.
    Ok(Table { columns, rows, totals: None })
}

/// The number of a path with amounts.
type AmountId = usize;

/// The paths with amounts.
struct Amounts {
    tree: JsonTree,
    /// By path. `None`: the path was not met yet.
    kinds: Vec<Option<PathKind>>,
    /// By amount.
    paths: Vec<PathId>,
}

#[derive(Debug, Clone, Copy)]
enum PathKind {
    Amount(AmountId),
    Other,
}

/// A path with amounts, for the rows.
struct Place {
    amount: AmountId,
    column: usize,
    text: String,
}

impl Default for Amounts {
    fn default() -> Amounts {
        Amounts { tree: JsonTree::new(), kinds: Vec::new(), paths: Vec::new() }
    }
}

impl Amounts {
    /// Passes each amount in a document to `add`, in nano-dollars.
    fn read(
        &mut self,
        column: usize,
        document: &str,
        monetary: &MonetaryNames,
        mut add: impl FnMut(AmountId, i128),
    ) {
        let Amounts { tree, kinds, paths } = self;
        tree.for_each_value(column, document, &mut |tree, value| {
            if value.json.json_type() != JsonType::Number {
                return;
            }
            if value.path >= kinds.len() {
                kinds.resize(value.path + 1, None);
            }
            let kind = *kinds[value.path].get_or_insert_with(|| {
                if tree.name(value.path).is_some_and(|name| monetary.include(name)) {
                    paths.push(value.path);
                    PathKind::Amount(paths.len() - 1)
                } else {
                    PathKind::Other
                }
            });
            if let (PathKind::Amount(amount), Some(nanos)) = (kind, nanos_of_number(value.json.get())) {
                add(amount, nanos);
            }
        });
    }

    /// The paths with amounts, by column and text.
    fn in_order(&self) -> Vec<Place> {
        let place = |(amount, path): (AmountId, &PathId)| Place {
            amount,
            column: self.tree.column(*path),
            text: self.tree.text(*path),
        };
        let mut places: Vec<Place> = self.paths.iter().enumerate().map(place).collect();
        places.sort_by(|left, right| (left.column, &left.text).cmp(&(right.column, &right.text)));
        places
    }
}

/// The costs and the amounts of a group.
#[derive(Debug, Default)]
struct Totals {
    costs: CostTotals,
    /// By amount.
    sums: Vec<Sum>,
}

/// The sum of the amounts at a path.
#[derive(Debug, Default, Clone, Copy)]
struct Sum {
    nanos: i128,
    runs: u64,
    /// The number of the last run with the path, from 1.
    last_run: u64,
}

impl Totals {
    fn add(&mut self, amount: AmountId, nanos: i128, run_number: u64) {
        if amount >= self.sums.len() {
            self.sums.resize(amount + 1, Sum::default());
        }
        let sum = &mut self.sums[amount];
        sum.nanos = sum.nanos.saturating_add(nanos);
        // Several elements of an array are in one run.
        if sum.last_run != run_number {
            sum.last_run = run_number;
            sum.runs += 1;
        }
    }

    /// The sum at a path. `None`: no run of the group has it.
    fn sum(&self, amount: AmountId) -> Option<&Sum> {
        self.sums.get(amount).filter(|sum| sum.runs > 0)
    }

    fn row(&self, labels: &[Cell], place: &Place) -> Vec<Cell> {
        let Sum { nanos, runs, .. } = self.sum(place.amount).copied().unwrap_or_default();
        let cost = match JSON_COLUMNS[place.column] {
            "el_cost_metadata" => self.costs.el(),
            "transformation_cost_metadata" => self.costs.transformation(),
            _ => self.costs.total(),
        };
        let explained = cost.and_then(|cost| Share::ratio(nanos, cost.units()));
        let figures = [
            Cell::text(place.text.as_str()),
            Cell::count(runs),
            Cell::count(self.costs.runs),
            Cell::count(self.costs.runs_cost_unknown),
            Cell::Usd(Some(Usd::from_units(nanos))),
            Cell::Usd(cost),
            Cell::Share(explained),
        ];
        labels.iter().cloned().chain(figures).collect()
    }

    fn row_without_amounts(&self, labels: &[Cell]) -> Vec<Cell> {
        let figures = [
            Cell::Text(None),
            Cell::count(0),
            Cell::count(self.costs.runs),
            Cell::count(self.costs.runs_cost_unknown),
            Cell::Usd(None),
            Cell::Usd(self.costs.total()),
            Cell::Share(None),
        ];
        labels.iter().cloned().chain(figures).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_with_a_monetary_ending_names_an_amount() {
        let usd = MonetaryNames::default();
        assert!(["usd", "storage_usd", "computeUSD"].into_iter().all(|key| usd.include(key)));
        assert!(!["", "sd", "usd_rate", "é"].into_iter().any(|key| usd.include(key)));
        let several = MonetaryNames::try_from(vec!["usd".to_owned(), "_cost".to_owned()]).unwrap();
        assert!(several.include("vm_cost") && !several.include("cost"));
        assert!(MonetaryNames::try_from(vec![String::new()]).is_err());
    }
}
