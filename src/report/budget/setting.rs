//! A budget as the settings give it: for which runs, how much a month, in which months, and from which part on it
//! needs attention.

use crate::error::{Error, Result};
use crate::report::allocation::{Allocation, PipelinePattern, UNALLOCATED};
use crate::report::fx::{Amount, Currency};
use crate::run::Usd;
use crate::suggest::did_you_mean;
use std::fmt;

/// A monthly budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Its name. Several budgets of one name apply one after another.
    pub name: String,
    /// The runs that it is for.
    pub runs: BudgetRuns,
    /// How much may be spent in a month.
    pub limit: Limit,
    /// The first month. `None`: from the beginning.
    pub from: Option<String>,
    /// The first month in which it does not apply any more. `None`: it applies until another one of the same name.
    pub until: Option<String>,
    /// Percentages of the limit, ascending: what is spent reaches them.
    pub thresholds: Vec<u32>,
    /// Percentages of the limit, ascending: the forecast reaches them.
    pub forecast_thresholds: Vec<u32>,
    /// The workspace that it is for. `None`: every workspace of the settings.
    pub workspace: Option<String>,
}

/// The runs that a budget is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BudgetRuns {
    /// All runs of the workspace.
    All,
    /// Those of a cost center.
    CostCenter(String),
    /// Those of the pipelines whose slug or id matches the glob pattern.
    Pipelines(String),
}

/// The amount of a budget, more than zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// US dollars.
    Usd(Usd),
    /// Credits.
    Credits(u64),
    /// An amount of the second currency.
    Currency(Currency, Usd),
}

/// The unit of the amounts of a budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// US dollars.
    Usd,
    /// Credits.
    Credits,
    /// The second currency.
    Currency(Currency),
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unit::Usd => f.write_str("USD"),
            Unit::Credits => f.write_str("credits"),
            Unit::Currency(currency) => currency.fmt(f),
        }
    }
}

impl Limit {
    /// The unit.
    pub fn unit(&self) -> Unit {
        match self {
            Limit::Usd(_) => Unit::Usd,
            Limit::Credits(_) => Unit::Credits,
            Limit::Currency(currency, _) => Unit::Currency(currency.clone()),
        }
    }

    /// The number of units.
    pub(crate) fn amount(&self) -> Amount {
        match self {
            Limit::Usd(amount) | Limit::Currency(_, amount) => Amount::from(*amount),
            Limit::Credits(credits) => Amount::of_count(*credits),
        }
    }
}

impl fmt::Display for Limit {
    /// `60.00 USD`, `1200 credits`, `300.00 BRL`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = if self.unit() == Unit::Credits { 0 } else { 2 };
        write!(f, "{} {}", self.amount().to_fixed(decimals), self.unit())
    }
}

impl Budget {
    /// Checks the budget by itself.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the budget and what is wrong.
    pub(crate) fn validate(&self) -> Result<()> {
        if self.name.trim().is_empty() || self.name.chars().any(char::is_control) {
            return Err(Error::usage("a budget needs a printable name"));
        }
        let wrong = |cause: String| Error::usage(format!("budget {}: {cause}", self.name));
        if self.limit.amount() <= Amount::of_count(0) {
            return Err(wrong("its amount must be more than 0".to_owned()));
        }
        if let BudgetRuns::Pipelines(pattern) = &self.runs {
            if pattern.trim().is_empty() {
                return Err(wrong("`pipeline` is empty; leave it out for every run".to_owned()));
            }
            PipelinePattern::new(pattern).map_err(wrong)?;
        }
        if let (Some(from), Some(until)) = (&self.from, &self.until)
            && from >= until
        {
            return Err(wrong(format!("from {from} must be before until {until}, which is exclusive")));
        }
        Ok(())
    }

    /// Checks that the settings have the cost center, the currency and the workspace that it names. `None`: the
    /// settings have no second currency.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the budget and what is unknown.
    pub(crate) fn validate_names(
        &self,
        allocation: &Allocation,
        currency: Option<&Currency>,
        workspaces: &[&str],
    ) -> Result<()> {
        if let BudgetRuns::CostCenter(name) = &self.runs {
            let known = || allocation.0.iter().map(|rule| rule.cost_center.as_str()).chain([UNALLOCATED]);
            if !known().any(|known| known == name) {
                return Err(Error::Usage {
                    what: format!("budget {}: there is no cost center {name}", self.name),
                    hint: did_you_mean(name, known())
                        .or_else(|| Some("a [[cost_center]] defines which runs belong to it".to_owned())),
                });
            }
        }
        if let Limit::Currency(own, _) = &self.limit
            && currency != Some(own)
        {
            let second = match currency {
                Some(currency) => format!("the second currency is {currency}"),
                None => "there is no second currency".to_owned(),
            };
            return Err(Error::Usage {
                what: format!("budget {}: its currency is {own}, but {second}", self.name),
                hint: Some("[fx] sets the second currency and its rates".to_owned()),
            });
        }
        if let Some(workspace) = &self.workspace
            && !workspaces.contains(&workspace.as_str())
        {
            return Err(Error::Usage {
                what: format!("budget {}: there is no workspace {workspace}", self.name),
                hint: did_you_mean(workspace, workspaces.iter().copied())
                    .or_else(|| Some("a [[workspace]] names its archive".to_owned())),
            });
        }
        Ok(())
    }

    /// The budgets that apply to a month, by its label `2026-01`, in the order of the settings. Of several with one
    /// name, the one that began last applies.
    pub(crate) fn of_month<'b>(budgets: &'b [Budget], month: &str) -> Vec<&'b Budget> {
        let has_begun = |budget: &&Budget| budget.from.as_deref().is_none_or(|from| from <= month);
        let is_newest = |budget: &&Budget| {
            let mut same = budgets
                .iter()
                .filter(has_begun)
                .filter(|other| (&other.name, &other.workspace) == (&budget.name, &budget.workspace));
            same.all(|other| other.from <= budget.from)
        };
        let is_over = |budget: &Budget| budget.until.as_deref().is_some_and(|until| until <= month);
        budgets.iter().filter(has_begun).filter(is_newest).filter(|budget| !is_over(budget)).collect()
    }

    /// Checks that no two budgets of one name begin in the same month.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the budget.
    pub(crate) fn validate_all(budgets: &[Budget]) -> Result<()> {
        for (place, budget) in budgets.iter().enumerate() {
            budget.validate()?;
            let key = |budget: &Budget| (budget.name.clone(), budget.workspace.clone(), budget.from.clone());
            if budgets[..place].iter().any(|other| key(other) == key(budget)) {
                let when = match &budget.from {
                    Some(month) => format!("apply from {month}"),
                    None => "have no `from`".to_owned(),
                };
                return Err(Error::usage(format!("two budgets are named {} and {when}", budget.name)));
            }
        }
        Ok(())
    }
}

impl fmt::Display for BudgetRuns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BudgetRuns::All => f.write_str("every run"),
            BudgetRuns::CostCenter(name) => write!(f, "cost center {name}"),
            BudgetRuns::Pipelines(pattern) => write!(f, "pipeline {pattern}"),
        }
    }
}

impl fmt::Display for Budget {
    /// The budget on one line: `Data: 60.00 USD a month for cost center Data, at 80 % and 100 %, forecast at 100 %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} a month for {}", self.name, self.limit, self.runs)?;
        let percentages = |thresholds: &[u32]| {
            thresholds.iter().map(|percent| format!("{percent} %")).collect::<Vec<_>>().join(" and ")
        };
        if !self.thresholds.is_empty() {
            write!(f, ", at {}", percentages(&self.thresholds))?;
        }
        if !self.forecast_thresholds.is_empty() {
            write!(f, ", forecast at {}", percentages(&self.forecast_thresholds))?;
        }
        if let Some(workspace) = &self.workspace {
            write!(f, ", workspace {workspace}")?;
        }
        if let Some(from) = &self.from {
            write!(f, ", from {from}")?;
        }
        if let Some(until) = &self.until {
            write!(f, ", until {until}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(name: &str, from: Option<&str>, until: Option<&str>) -> Budget {
        Budget {
            name: name.to_owned(),
            runs: BudgetRuns::All,
            limit: Limit::Credits(10),
            from: from.map(str::to_owned),
            until: until.map(str::to_owned),
            thresholds: vec![80, 100],
            forecast_thresholds: vec![100],
            workspace: None,
        }
    }

    #[test]
    fn the_budget_of_one_name_that_began_last_applies() {
        let budgets = [
            budget("a", None, None),
            budget("a", Some("2026-03"), Some("2026-05")),
            budget("b", Some("2026-04"), None),
        ];
        let of = |month: &str| -> Vec<usize> {
            let of_month = Budget::of_month(&budgets, month);
            budgets
                .iter()
                .enumerate()
                .filter(|(_, one)| of_month.contains(one))
                .map(|(place, _)| place)
                .collect()
        };
        assert_eq!(of("2026-02"), [0]);
        assert_eq!(of("2026-03"), [1]);
        assert_eq!(of("2026-04"), [1, 2]);
        assert_eq!(of("2026-05"), [2], "the second one ended, and replaced the first one");
    }

    #[test]
    fn a_budget_is_described_on_one_line() {
        let data = Budget {
            runs: BudgetRuns::CostCenter("Data".to_owned()),
            limit: Limit::Usd(Usd::from_units(60_000_000_000)),
            ..budget("Data", Some("2026-03"), Some("2027-01"))
        };
        assert_eq!(
            data.to_string(),
            "Data: 60.00 USD a month for cost center Data, at 80 % and 100 %, forecast at 100 %, from 2026-03, \
             until 2027-01"
        );
    }
}
