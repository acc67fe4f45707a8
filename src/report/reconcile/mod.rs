//! Reconciliation of an invoice with the ledger: which usual cause explains the gap, and by how much.

mod causes;

use super::period::{Calendar, Period};
use super::scope::Scope;
use super::table::{Cell, Table};
use crate::error::{Error, Result};
use crate::language::Language;
use crate::run::money::decimal_parts;
use crate::run::{Cost, Usd};
use causes::{Attempts, RunLine, RunTotal};
use rusqlite::Connection;

/// An invoiced amount with its number of decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invoice {
    amount: Usd,
    decimals: u32,
}

impl Invoice {
    /// Parses an amount such as `412.10`, or `1.234,56` in Portuguese. The number of decimals defines its precision. An
    /// amount with a decimal point that is none in the language is accepted too.
    ///
    /// # Errors
    /// [`Error::Usage`] when the text is not an amount, or has more than nine decimals.
    pub fn parse(text: &str, language: Language) -> Result<Invoice> {
        let plain = match language {
            Language::English => None,
            Language::Portuguese => language.parse_number(text),
        };
        Invoice::parse_plain(plain.as_deref().unwrap_or(text)).ok_or_else(|| Error::Usage {
            what: format!("--invoice {text}: not an amount in US dollars"),
            hint: Some(match language {
                Language::English if Language::Portuguese.parse_number(text).is_some() => {
                    "write the amount as in 412.10, or add --language pt-BR".to_owned()
                }
                Language::English => "write the amount as in 412.10".to_owned(),
                Language::Portuguese => "write the amount as in 1.234,56".to_owned(),
            }),
        })
    }

    fn parse_plain(text: &str) -> Option<Invoice> {
        let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
        decimal_parts(text)
            .filter(|_| plain && decimals <= 9)
            .and_then(|_| Cost::from_number(text))
            .map(|cost| Invoice { amount: Usd::from_units(cost.nanos.into()), decimals: decimals as u32 })
    }

    /// The amount with its decimals: `1234.56`.
    pub fn text(self) -> String {
        self.amount.to_fixed(self.decimals)
    }

    /// Half of the last digit, in nano-dollars. A total within it may have been rounded to the amount.
    fn tolerance(self) -> i128 {
        10_i128.pow(9 - self.decimals) / 2
    }

    fn gap(self, total: Usd) -> Usd {
        Usd::from_units(self.amount.units() - total.units())
    }

    fn matches(self, total: Usd) -> bool {
        self.gap(total).units().abs() <= self.tolerance()
    }
}

/// Whether a cause closes the gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClosesGap {
    /// The ledger's total becomes the invoiced amount.
    Yes,
    /// The cause has no total of its own, but can change the ledger's total by enough.
    Could,
    /// A gap remains.
    No,
}

impl ClosesGap {
    fn as_str(self) -> &'static str {
        match self {
            ClosesGap::Yes => "yes",
            ClosesGap::No => "no",
            ClosesGap::Could => "could",
        }
    }
}

/// One cause that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The cause, in a few words.
    pub cause: String,
    /// The ledger's total if it is the cause. `None`: it has no total.
    pub total: Option<Usd>,
    /// Whether that is the invoiced amount.
    pub closes: ClosesGap,
    /// Details: the number of runs, and how many have no known cost.
    pub note: String,
}

/// The result of a reconciliation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciliation {
    /// The invoice.
    pub invoice: Invoice,
    /// The causes in the order they were tried. The first is the unchanged ledger.
    pub attempts: Vec<Attempt>,
}

/// The zones to try.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Zones {
    /// The scope's zone, UTC, Nekt's home zone and the zones of schedules.
    #[default]
    Known,
    /// Every zone. That gives hundreds of candidate months, and one may match by chance.
    All,
}

/// Compares an invoice with the month of the scope, and tries the usual causes of a gap in turn.
///
/// # Errors
/// [`Error::Usage`] when the scope has no month. Those of SQLite.
pub fn reconcile(
    archive: &Connection,
    scope: &Scope,
    invoice: Invoice,
    zones: Zones,
) -> Result<Reconciliation> {
    let Some(period) = scope.period.clone() else {
        return Err(Error::usage("an invoice covers a month: select it with --period"));
    };
    let lines = RunLine::read_all(archive, scope.clone())?;
    let mut attempts = Attempts::new(invoice, RunTotal::of(&lines));
    if !attempts.has_no_gap() {
        attempts.zones_and_bases(archive, scope, &period, zones)?;
        attempts.unknown_costs();
        attempts.late_changes(archive, scope)?;
        attempts.selections(&lines);
        let month = scope.span.from.map(|from| Period::around(from, Calendar::Month, scope.zone).label);
        attempts.purchases(&scope.terms_of(&month.unwrap_or_default()));
        attempts.rounding(&lines);
    }
    Ok(Reconciliation { invoice, attempts: attempts.into_vec() })
}

impl Reconciliation {
    /// The causes that close the gap, in the order they were tried. Empty: none does.
    pub fn explanations(&self) -> Vec<&str> {
        self.causes_with(ClosesGap::Yes)
    }

    /// The causes that could close the gap but have no total to prove it.
    pub fn possible(&self) -> Vec<&str> {
        self.causes_with(ClosesGap::Could)
    }

    fn causes_with(&self, closes: ClosesGap) -> Vec<&str> {
        let attempts = self.attempts.iter().filter(|attempt| attempt.closes == closes);
        attempts.map(|attempt| attempt.cause.as_str()).collect()
    }

    /// The gap between the invoice and the ledger; positive when the invoice is higher.
    pub fn gap(&self) -> Usd {
        self.invoice.gap(self.base())
    }

    /// The total of the unchanged ledger.
    fn base(&self) -> Usd {
        self.attempts.first().and_then(|attempt| attempt.total).unwrap_or_default()
    }

    /// The attempts as a table, each with the change of the ledger's total and the remaining gap.
    pub fn table(&self) -> Table {
        self.table_of(self.attempts.iter())
    }

    /// The same table for people: causes that close the gap come first, then those that could, then the smallest gap.
    pub(crate) fn table_with_best_first(&self) -> Table {
        let gap = |attempt: &Attempt| attempt.total.map(|total| self.invoice.gap(total).units().abs());
        let mut attempts: Vec<&Attempt> = self.attempts.iter().collect();
        attempts.sort_by_key(|attempt| (attempt.closes, gap(attempt).is_none(), gap(attempt)));
        self.table_of(attempts.into_iter())
    }

    fn table_of<'a>(&self, attempts: impl Iterator<Item = &'a Attempt>) -> Table {
        let columns =
            ["cause", "closes", "ledger_cost_usd", "difference_usd", "invoice_usd", "gap_usd", "note"];
        let base = self.base().units();
        let rows = attempts.map(|attempt| {
            let difference = attempt.total.map(|total| Usd::from_units(total.units() - base));
            vec![
                Cell::text(&attempt.cause),
                Cell::text(attempt.closes.as_str()),
                Cell::Usd(attempt.total),
                Cell::Usd(difference),
                Cell::Usd(Some(self.invoice.amount)),
                Cell::Usd(attempt.total.map(|total| self.invoice.gap(total))),
                Cell::text(&attempt.note),
            ]
        });
        Table { columns: columns.map(str::to_owned).to_vec(), rows: rows.collect(), totals: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invoice_matches_totals_that_round_to_it() {
        let parse = |text: &str| Invoice::parse(text, Language::English);
        let invoice = parse("412.10").unwrap();
        for (nanos, matches) in [
            (412_100_000_000, true),
            (412_105_000_000, true),
            (412_105_000_001, false),
            (412_095_000_000, true),
            (412_094_999_999, false),
        ] {
            assert_eq!(invoice.matches(Usd::from_units(nanos)), matches, "{nanos}");
        }
        assert_eq!(parse("412").unwrap().tolerance(), 500_000_000);
        assert_eq!(parse("412.123456789").unwrap().tolerance(), 0);
        for invalid in ["412,10", "R$ 412", "4e2", "", "412.1234567891", "1.2.3"] {
            assert!(parse(invalid).is_err(), "{invalid}");
        }
    }
}
