//! Converted costs: the columns of the second currency in tables of costs.

use super::{Amount, Conversion, Currency, ExactSum, Fx};
use crate::error::{Error, Result};
use crate::report::cost::CostTotals;
use crate::report::dimension::Dimension;
use crate::report::group_by::{self, Aggregate, Groups};
use crate::report::ledger::Ledger;
use crate::report::period::Calendar;
use crate::report::ranking::Ranking;
use crate::report::slices::{Slice, Sliced};
use crate::report::table::{Cell, RATE_DECIMALS_FOR_PEOPLE, Table};
use crate::report::two_levels::{TwoLevelRequest, TwoLevels};
use std::collections::{BTreeMap, BTreeSet};

/// The columns after the converted total.
pub(crate) const RATE_COLUMNS: [&str; 4] = ["fx_rate", "fx_date", "fx_source", "runs_fx_unknown"];

/// The columns that tables for people leave out, because notes have their content.
const ONLY_FOR_PROGRAMS: [&str; 2] = ["fx_source", "runs_fx_unknown"];

/// The second currency of the ledgers. `None`: none of them has one.
///
/// # Errors
/// [`Error::Usage`] when two of them have different ones: an amount in both would mix them.
pub(crate) fn shared_currency(ledgers: &[Ledger<'_>]) -> Result<Option<Currency>> {
    let mut shared: Option<(&str, &Currency)> = None;
    for ledger in ledgers {
        let Some(Fx { currency, .. }) = ledger.scope().fx() else { continue };
        match shared {
            Some((first, other)) if other != currency => {
                return Err(Error::Usage {
                    what: format!(
                        "the workspaces have different second currencies: {other} in {first}, {currency} in {}",
                        ledger.workspace()
                    ),
                    hint: Some("give one --db, or set one `currency` in [fx] for all of them".to_owned()),
                });
            }
            _ => shared = Some((ledger.workspace(), currency)),
        }
    }
    Ok(shared.map(|(_, currency)| currency.clone()))
}

/// The number of the ledger's runs with a known cost that have no rate. `None`: there is no second currency.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn runs_without_rate(ledger: &Ledger<'_>) -> Result<Option<(u64, Currency)>> {
    let Some(Fx { currency, .. }) = ledger.scope().fx() else { return Ok(None) };
    let ledgers = std::slice::from_ref(ledger);
    let calendar = Conversions::calendar(ledgers);
    let (groups, slices) = group_by::sliced_groups_across::<CostTotals>(ledgers, &[], calendar)?;
    let conversions = Conversions::of(ledgers, &slices);
    let missing = groups.groups.iter().map(|group| conversions.convert(&group.aggregate).runs_without_rate);
    Ok(Some((missing.sum(), currency.clone())))
}

/// The rates of slices.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conversions {
    /// The distinct conversions, by their dates.
    distinct: Vec<Conversion>,
    /// The position of its conversion for each slice. `None`: there is no rate.
    of_slices: Vec<Option<usize>>,
}

impl Conversions {
    /// The kind of period that has one rate in each ledger.
    pub(crate) fn calendar(ledgers: &[Ledger<'_>]) -> Calendar {
        let mut all = ledgers.iter().filter_map(|ledger| ledger.scope().fx());
        match all.any(Fx::is_by_day) {
            true => Calendar::Day,
            false => Calendar::Month,
        }
    }

    /// The rates of these slices of the ledgers.
    pub(crate) fn of(ledgers: &[Ledger<'_>], slices: &[Slice]) -> Conversions {
        let found: Vec<Option<Conversion>> = slices
            .iter()
            .map(|Slice { ledger, period }| ledgers[*ledger].scope().fx()?.conversion(period.as_deref()?))
            .collect();
        let distinct: Vec<Conversion> =
            found.iter().flatten().cloned().collect::<BTreeSet<_>>().into_iter().collect();
        let of_slices =
            found.iter().map(|conversion| distinct.binary_search(conversion.as_ref()?).ok()).collect();
        Conversions { distinct, of_slices }
    }

    /// The rates in words: the rate, or the number of rates with their dates, and the sources. `None`: there is none.
    pub(crate) fn description(&self) -> Option<String> {
        let (first, last) = (self.distinct.first()?, self.distinct.last()?);
        let sources: BTreeSet<&str> =
            self.distinct.iter().map(|conversion| conversion.source.as_str()).collect();
        let sources = sources.into_iter().collect::<Vec<_>>().join(", ");
        Some(match self.distinct.len() {
            1 => format!("{} of {}, {sources}", first.rate().to_fixed(RATE_DECIMALS_FOR_PEOPLE), first.date),
            rates => format!("{rates} rates of {} to {}, {sources}", first.date, last.date),
        })
    }

    /// The costs of some slices, followed by the converted ones.
    fn cells(&self, costs: &Sliced<CostTotals>) -> Vec<Cell> {
        let mut cells = costs.total().cells();
        cells.extend(self.convert(costs).cells(self));
        cells
    }

    /// The converted costs of the runs of some slices.
    pub(crate) fn convert(&self, costs: &Sliced<CostTotals>) -> ConvertedCost {
        let mut converted = ConvertedCost::default();
        for (slice, costs) in &costs.0 {
            let Some(usd) = costs.total() else { continue };
            match self.of_slices[*slice] {
                Some(position) => {
                    converted.sum.add(usd, &self.distinct[position]);
                    converted.used.insert(position);
                }
                None => converted.runs_without_rate += costs.runs_cost_known(),
            }
        }
        converted
    }
}

/// The converted costs of some runs. Runs without a known cost add nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConvertedCost {
    sum: ExactSum,
    /// The positions of the conversions.
    used: BTreeSet<usize>,
    /// The runs with a known cost, but without a rate.
    pub(crate) runs_without_rate: u64,
}

impl ConvertedCost {
    /// The costs of a period without any rates, with this many runs whose cost is known.
    pub(crate) fn without_rates(runs: u64) -> ConvertedCost {
        ConvertedCost { runs_without_rate: runs, ..ConvertedCost::default() }
    }

    /// Adds the costs of other runs, with the same conversions.
    pub(crate) fn merge(&mut self, other: &ConvertedCost) {
        self.sum = self.sum.plus(&other.sum);
        self.used.extend(&other.used);
        self.runs_without_rate += other.runs_without_rate;
    }

    /// The total. `None`: no cost is known, or one has no rate.
    pub(crate) fn total(&self) -> Option<Amount> {
        self.is_known().then(|| self.sum.amount())
    }

    fn is_known(&self) -> bool {
        self.runs_without_rate == 0 && !self.used.is_empty()
    }

    /// The difference to an earlier period. A period without any known cost adds nothing. `None`: a rate is missing, or
    /// neither period has a known cost.
    pub(crate) fn change_since(&self, earlier: &ConvertedCost) -> Option<Amount> {
        let is_complete = self.runs_without_rate == 0 && earlier.runs_without_rate == 0;
        let is_known = is_complete && (self.is_known() || earlier.is_known());
        is_known.then(|| self.sum.minus(&earlier.sum).amount())
    }

    /// The cells of the converted total and of [`RATE_COLUMNS`]. A row with several rates has none, the first and the
    /// last date as `2026-10-01/2026-10-30`, and all sources.
    pub(crate) fn cells(&self, conversions: &Conversions) -> Vec<Cell> {
        let used = || {
            let known = self.used.iter().filter(|_| self.is_known());
            known.map(|position| &conversions.distinct[*position])
        };
        let (first, last) = (used().next(), used().next_back());
        let rate = first.filter(|first| Some(*first) == last).map(Conversion::rate);
        let date = first.zip(last).map(|(first, last)| match first.date == last.date {
            true => first.date.clone(),
            false => format!("{}/{}", first.date, last.date),
        });
        let sources: BTreeSet<&str> = used().map(|conversion| conversion.source.as_str()).collect();
        let sources: Vec<&str> = sources.into_iter().collect();
        vec![
            Cell::Converted(self.total()),
            Cell::Rate(rate),
            Cell::Text(date),
            Cell::Text((!sources.is_empty()).then(|| sources.join(", "))),
            Cell::count(self.runs_without_rate),
        ]
    }
}

/// The cost report with the columns of the second currency.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn ranked_across(
    ledgers: &[Ledger<'_>],
    by: &[Dimension],
    currency: &Currency,
    ranking: &Ranking,
) -> Result<Table> {
    let (groups, conversions) = converted_groups(ledgers, by)?;
    let cells = |sliced: &mut Sliced<CostTotals>| conversions.cells(sliced);
    groups.into_table_of(ranking, figures(currency), cells, Sliced::merge)
}

/// The cost report by two dimensions with the columns of the second currency, for people.
///
/// # Errors
/// As [`ranked_across`].
pub(crate) fn two_levels_across(
    ledgers: &[Ledger<'_>],
    by: &[Dimension],
    currency: &Currency,
    request: &TwoLevelRequest<'_>,
) -> Result<TwoLevels> {
    let (groups, conversions) = converted_groups(ledgers, by)?;
    let cells = |sliced: &mut Sliced<CostTotals>| conversions.cells(sliced);
    groups.into_two_levels(request, figures(currency), cells, Sliced::merge)
}

/// The groups of the ledgers' runs, and the rates of their slices.
fn converted_groups(
    ledgers: &[Ledger<'_>],
    by: &[Dimension],
) -> Result<(Groups<Sliced<CostTotals>>, Conversions)> {
    let calendar = Conversions::calendar(ledgers);
    let (groups, slices) = group_by::sliced_groups_across::<CostTotals>(ledgers, by, calendar)?;
    Ok((groups, Conversions::of(ledgers, &slices)))
}

/// The columns of costs, followed by those of the second currency.
fn figures(currency: &Currency) -> impl Iterator<Item = String> {
    let converted = format!("total_cost_{}", currency.suffix());
    let names = CostTotals::COLUMNS.iter().map(|column| (*column).to_owned());
    names.chain([converted]).chain(RATE_COLUMNS.map(str::to_owned))
}

impl Sliced<CostTotals> {
    /// The costs of all slices.
    pub(crate) fn total(&self) -> CostTotals {
        let mut total = CostTotals::default();
        self.0.values().for_each(|costs| total.merge(*costs));
        total
    }

    pub(crate) fn merge(&mut self, other: Sliced<CostTotals>) {
        for (slice, costs) in other.0 {
            self.0.entry(slice).or_default().merge(costs);
        }
    }
}

/// Takes the columns from a table for people that its notes replace.
pub(crate) fn leave_out_columns_for_programs(table: &mut Table) {
    table.retain_columns(|column| !ONLY_FOR_PROGRAMS.iter().any(|left_out| column.ends_with(left_out)));
}

/// The note about runs without a rate. `None`: there are none.
pub(crate) fn note_of_runs(runs: u64, currency: &Currency) -> Option<String> {
    let runs_have = match runs {
        0 => return None,
        1 => "1 run with a known cost has".to_owned(),
        runs => format!("{runs} runs with a known cost have"),
    };
    Some(format!("{runs_have} no {currency} rate, so the amounts of their rows are blank"))
}

/// What people have to know about the converted amounts of a table: the policies, the sources, and how many runs have
/// no rate.
pub(crate) fn notes(ledgers: &[Ledger<'_>], table: &Table) -> Vec<String> {
    if !table.columns.iter().any(|column| column == "fx_rate") {
        return Vec::new();
    }
    let mut policies: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let sources = texts_of(table, "fx_source");
    for fx in ledgers.iter().filter_map(|ledger| ledger.scope().fx()) {
        policies.entry(fx.description()).or_default().extend(sources.clone());
    }
    let sourced = |(policy, sources): (String, BTreeSet<&str>)| match sources.is_empty() {
        true => policy,
        false => format!("{policy}; source: {}", sources.into_iter().collect::<Vec<_>>().join(", ")),
    };
    let mut notes: Vec<String> = policies.into_iter().map(sourced).collect();
    if let Some(Fx { currency, .. }) = ledgers.iter().find_map(|ledger| ledger.scope().fx()) {
        notes.extend(note_of_missing_rates(table, currency));
        notes.extend(note_of_missing_fees(table, currency));
    }
    notes
}

/// The note about months whose fee or purchased credits have no rate.
fn note_of_missing_fees(table: &Table, currency: &Currency) -> Option<String> {
    let place = |name: &str| table.columns.iter().position(|column| column == name);
    let (fee, purchased, rate) = (place("plan_fee_usd")?, place("purchased_credits_usd")?, place("fx_rate")?);
    let is_missing = |row: &&Vec<Cell>| {
        row[rate] == Cell::Rate(None) && (row[fee] != Cell::Usd(None) || row[purchased] != Cell::Usd(None))
    };
    let months = match table.rows.iter().filter(is_missing).count() {
        0 => return None,
        1 => "1 month has".to_owned(),
        months => format!("{months} months have"),
    };
    Some(format!("{months} no {currency} rate, so their amounts are blank"))
}

fn note_of_missing_rates(table: &Table, currency: &Currency) -> Option<String> {
    let place = table.columns.iter().position(|column| column == "runs_fx_unknown")?;
    let counts =
        table.rows.iter().filter_map(|row| if let Cell::Count(count) = row[place] { count } else { None });
    note_of_runs(counts.sum::<i64>().unsigned_abs(), currency)
}

/// The distinct known texts of a column.
fn texts_of<'t>(table: &'t Table, name: &str) -> BTreeSet<&'t str> {
    let place = table.columns.iter().position(|column| column == name);
    let cells = place.into_iter().flat_map(|place| table.rows.iter().map(move |row| &row[place]));
    cells
        .filter_map(|cell| if let Cell::Text(Some(text)) = cell { Some(text.as_str()) } else { None })
        .collect()
}
