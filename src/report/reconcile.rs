//! This is the reconciliation of an invoice with the ledger: which of the usual causes closes the gap, and by how much.

use super::booked::BookedRun;
use super::groups::for_each_run;
use super::ledger::Ledger;
use super::period::{Period, Span};
use super::plan::Plan;
use super::restated::restatements;
use super::scope::{DateBasis, Scope};
use super::table::{Cell, Table};
use crate::error::{Error, Result};
use crate::run::money::decimal_parts;
use crate::run::{Cost, Fixed, Instant, Usd};
use chrono_tz::{TZ_VARIANTS, Tz};
use rusqlite::Connection;
use std::collections::BTreeSet;

/// An invoiced amount, and to how many decimals it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invoice {
    amount: Usd,
    decimals: u32,
}

impl Invoice {
    /// Reads an amount such as `412.10`. Its last digit tells how exact it is.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is no amount, or has more decimals than the ledger.
    pub fn parse(text: &str) -> Result<Invoice> {
        let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
        decimal_parts(text)
            .filter(|_| plain && decimals <= 9)
            .and_then(|_| Cost::from_number(text))
            .map(|cost| Invoice { amount: Usd::from_units(cost.nanos.into()), decimals: decimals as u32 })
            .ok_or_else(|| Error::Usage {
                what: format!("--invoice {text}: no amount of US dollars"),
                hint: Some("an amount looks like 412.10".to_owned()),
            })
    }

    /// Half of the last digit, in nano-dollars: a total that is no farther away may have been rounded to the amount.
    fn tolerance(self) -> i128 {
        10_i128.pow(9 - self.decimals) / 2
    }

    fn gap(self, total: Usd) -> Usd {
        Usd::from_units(self.amount.units() - total.units())
    }

    fn met_by(self, total: Usd) -> bool {
        self.gap(total).units().abs() <= self.tolerance()
    }
}

/// One cause that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The cause, in a few words.
    pub cause: String,
    /// What the ledger says if it is the cause. `None`: it gives no total.
    pub total: Option<Usd>,
    /// Whether that is the invoice's amount.
    pub closes: bool,
    /// What else there is to say.
    pub note: String,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciliation {
    /// The invoice.
    pub invoice: Invoice,
    /// The causes in the order they were tried; the first is that there is no gap.
    pub attempts: Vec<Attempt>,
}

/// A run of the month as the causes look at it.
struct Line {
    /// In nano-dollars.
    el: Option<i64>,
    transformation: Option<i64>,
    status: Option<String>,
    charged: bool,
}

impl Line {
    fn read(run: &BookedRun<'_>) -> Result<Line> {
        Ok(Line {
            el: run.el_cost_nanos()?,
            transformation: run.transformation_cost_nanos()?,
            status: run.status()?.map(str::to_owned),
            charged: run.credit_charge_status()? == Some(super::credits::CHARGED),
        })
    }

    fn costs(&self) -> impl Iterator<Item = i64> {
        [self.el, self.transformation].into_iter().flatten()
    }

    fn total(&self) -> i128 {
        self.costs().map(i128::from).sum()
    }
}

/// Compares the invoice with the month of the scope, and tries the usual causes of a gap in turn.
///
/// # Errors
/// [`Error::Usage`] when the scope has no month. Those of SQLite.
pub fn reconcile(
    archive: &Connection,
    scope: &Scope,
    invoice: Invoice,
    plan: Option<Plan>,
) -> Result<Reconciliation> {
    let Some(period) = scope.period.clone() else {
        return Err(Error::usage("an invoice is for a month: give it with --period"));
    };
    let mut lines = Vec::new();
    for_each_run(&Ledger::open(archive, scope.clone())?, |run| {
        lines.push(Line::read(run)?);
        Ok(())
    })?;
    let mut trial = Trial { invoice, base: sum(&lines, |_| true), attempts: Vec::new() };
    let unknown = lines.iter().filter(|line| line.costs().next().is_none()).count();
    let runs = |count: usize| if count == 1 { "1 run".to_owned() } else { format!("{count} runs") };
    trial.attempt(
        "as the ledger has it",
        trial.base,
        format!("{}, {unknown} without a known cost", runs(lines.len())),
    );
    if !trial.attempts[0].closes {
        trial.rounding(&lines);
        trial.selections(&lines);
        trial.plan(plan);
        trial.zones_and_bases(archive, scope, &period)?;
        trial.late_changes(archive, scope)?;
        trial.unknown_costs(unknown);
    }
    Ok(Reconciliation { invoice, attempts: trial.attempts })
}

fn sum(lines: &[Line], chosen: impl Fn(&Line) -> bool) -> Usd {
    Usd::from_units(lines.iter().filter(|line| chosen(line)).map(Line::total).sum())
}

struct Trial {
    invoice: Invoice,
    base: Usd,
    attempts: Vec<Attempt>,
}

impl Trial {
    fn attempt(&mut self, cause: impl Into<String>, total: Usd, note: impl Into<String>) {
        let closes = self.invoice.met_by(total);
        self.attempts.push(Attempt { cause: cause.into(), total: Some(total), closes, note: note.into() });
    }

    /// A cause that changes nothing here is not worth a line.
    fn attempt_if_other(&mut self, cause: impl Into<String>, total: Usd, note: impl Into<String>) {
        if total != self.base {
            self.attempt(cause, total, note);
        }
    }

    fn rounding(&mut self, lines: &[Line]) {
        let decimals = self.invoice.decimals;
        let unit = 10_i128.pow(9 - decimals);
        let rounded = |nanos: i128| Fixed::<0>::ratio(nanos, unit).unwrap_or_default().units() * unit;
        let by_run = Usd::from_units(lines.iter().map(|line| rounded(line.total())).sum());
        let by_cost =
            Usd::from_units(lines.iter().flat_map(Line::costs).map(|nanos| rounded(nanos.into())).sum());
        let costs = lines.iter().flat_map(Line::costs).count();
        let bound = Usd::from_units(costs as i128 * self.invoice.tolerance());
        let within = match self.invoice.gap(self.base).units().abs() <= bound.units() {
            true => "the gap is within",
            false => "the gap is beyond",
        };
        let note = format!("{within} what rounding {costs} costs can move: {bound} USD");
        self.attempt(format!("each run rounded to {decimals} decimals"), by_run, note);
        self.attempt_if_other(format!("each cost rounded to {decimals} decimals"), by_cost, "");
    }

    fn selections(&mut self, lines: &[Line]) {
        let of = |line: &Line, words: &[&str]| {
            line.status.as_deref().is_some_and(|status| words.contains(&status))
        };
        let count = |words: &[&str]| lines.iter().filter(|line| of(line, words)).count();
        let failed = count(&["failed"]);
        self.attempt_if_other(
            "failed runs left out",
            sum(lines, |line| !of(line, &["failed"])),
            format!("{failed} failed"),
        );
        let both = ["failed", "canceled"];
        let note = format!("{} failed or canceled", count(&both));
        self.attempt_if_other("failed and canceled runs left out", sum(lines, |line| !of(line, &both)), note);
        let charged = lines.iter().filter(|line| line.charged).count();
        self.attempt_if_other(
            "charged runs alone",
            sum(lines, |line| line.charged),
            format!("{charged} charged"),
        );
        let part = |part: fn(&Line) -> Option<i64>| {
            Usd::from_units(lines.iter().filter_map(part).map(i128::from).sum())
        };
        self.attempt_if_other("extraction and loading alone", part(|line| line.el), "");
        self.attempt_if_other("transformation alone", part(|line| line.transformation), "");
    }

    fn plan(&mut self, plan: Option<Plan>) {
        let Some(plan) = plan else { return };
        self.attempt_if_other("with the plan's fee", self.base + plan.fee_usd, "");
        self.attempt_if_other("the plan's fee alone", plan.fee_usd, "");
    }

    /// The same month in other zones, and booked by other instants. Zones that have the month at the same time count
    /// once, under the name that the ledger knows best.
    fn zones_and_bases(&mut self, archive: &Connection, scope: &Scope, period: &str) -> Result<()> {
        let mut zones: Vec<Tz> = vec![scope.zone, Tz::UTC];
        zones.extend(zones_of_schedules(archive)?);
        let known = zones.len();
        zones.extend(TZ_VARIANTS);
        let mut months: Vec<(Tz, Instant, Instant, bool)> = Vec::new();
        for (nth, zone) in zones.into_iter().enumerate() {
            if let Some(Period { start: Some(start), end: Some(end), .. }) = Period::named(period, zone)
                && !months.iter().any(|(_, from, until, _)| (*from, *until) == (start, end))
            {
                months.push((zone, start, end, nth < known));
            }
        }
        let (Some(from), Some(until)) =
            (months.iter().map(|month| month.1).min(), months.iter().map(|month| month.2).max())
        else {
            return Ok(());
        };
        for date in
            [scope.date].into_iter().chain(DateBasis::ALL.into_iter().filter(|date| *date != scope.date))
        {
            let span = Span { from: Some(from), until: Some(until) };
            let mut booked: Vec<(String, i128)> = Vec::new();
            for_each_run(&Ledger::open(archive, Scope { span, date, ..scope.clone() })?, |run| {
                let total = Line::read(run)?.total();
                booked.extend(run.booked_at()?.map(|booked_at| (booked_at.to_owned(), total)));
                Ok(())
            })?;
            for (zone, start, end, known) in &months {
                let inside = booked
                    .iter()
                    .filter(|(at, _)| start.as_str() <= at.as_str() && at.as_str() < end.as_str());
                let total = Usd::from_units(inside.map(|(_, nanos)| nanos).sum());
                // A zone that nobody here works in is worth a line only when it explains the gap.
                if *known || self.invoice.met_by(total) {
                    let cause = match (*zone == scope.zone, date == scope.date) {
                        (true, true) => continue,
                        (false, true) => format!("months of {zone}"),
                        (true, false) => format!("booked by {}", date.as_str()),
                        (false, false) => format!("months of {zone}, booked by {}", date.as_str()),
                    };
                    self.attempt_if_other(cause, total, "");
                }
            }
        }
        Ok(())
    }

    /// The month as it was known before each change that was seen after its end, and after.
    fn late_changes(&mut self, archive: &Connection, scope: &Scope) -> Result<()> {
        // What an open month says is known now; what a closed one says, or one asked about as of then, was known then.
        let since = scope.as_of.or(scope.span.until);
        let changes = restatements(archive, &Scope { as_of: since, ..scope.clone() }, None)?;
        let moved: i128 = changes.iter().filter_map(|change| change.difference).map(Usd::units).sum();
        let mut total = match scope.as_of {
            Some(_) => self.base.units(),
            None => self.base.units() - moved,
        };
        let seen: BTreeSet<Instant> = changes
            .iter()
            .filter(|change| change.difference.is_some())
            .map(|change| change.seen_at)
            .collect();
        let (Some(first), Some(last)) = (seen.first(), seen.last()) else { return Ok(()) };
        self.attempt_if_other(
            format!("as known before {first}"),
            Usd::from_units(total),
            "no change seen since is in it",
        );
        for moment in &seen {
            let difference: i128 = changes
                .iter()
                .filter(|change| change.seen_at == *moment)
                .filter_map(|change| change.difference)
                .map(Usd::units)
                .sum();
            total += difference;
            let total = Usd::from_units(total);
            if moment == last || self.invoice.met_by(total) {
                self.attempt_if_other(format!("as known at {moment}"), total, "later changes are not in it");
            }
        }
        Ok(())
    }

    /// Unknown costs give no total; what each would have to be is told.
    fn unknown_costs(&mut self, unknown: usize) {
        let gap = self.invoice.gap(self.base);
        if unknown > 0 && gap.units() > 0 {
            let each = gap.per(unknown as u64).unwrap_or_default();
            self.attempts.push(Attempt {
                cause: "costs that are not known".to_owned(),
                total: None,
                closes: false,
                note: format!("{unknown} runs without a known cost would have to cost {each} USD each"),
            });
        }
    }
}

/// The zones that pipelines are scheduled in.
fn zones_of_schedules(archive: &Connection) -> Result<Vec<Tz>> {
    let mut statement = archive.prepare(
        "SELECT DISTINCT json_extract(\"trigger\", '$.cron_timezone') FROM (SELECT \"trigger\" FROM run_snapshots \
         WHERE superseded_at IS NULL AND trigger_type = 'cron' ORDER BY snapshot_id DESC LIMIT 10000) ORDER BY 1",
    )?;
    let mut rows = statement.query([])?;
    let mut zones = Vec::new();
    while let Some(row) = rows.next()? {
        zones.extend(row.get::<_, Option<String>>(0)?.and_then(|name| name.parse::<Tz>().ok()));
    }
    Ok(zones)
}

impl Reconciliation {
    /// What closes the gap, in the order it was tried. Empty: nothing did.
    pub fn explanations(&self) -> Vec<&str> {
        self.attempts.iter().filter(|attempt| attempt.closes).map(|attempt| attempt.cause.as_str()).collect()
    }

    /// The gap between the invoice and the ledger: positive when the invoice is higher.
    pub fn gap(&self) -> Usd {
        self.attempts
            .first()
            .and_then(|attempt| attempt.total)
            .map_or(self.invoice.amount, |total| self.invoice.gap(total))
    }

    /// The causes that were tried, each with what it leaves of the gap.
    pub fn table(&self) -> Table {
        let columns = ["cause", "ledger_cost_usd", "invoice_usd", "gap_usd", "closes", "note"];
        let rows = self.attempts.iter().map(|attempt| {
            vec![
                Cell::text(&attempt.cause),
                Cell::Usd(attempt.total),
                Cell::Usd(Some(self.invoice.amount)),
                Cell::Usd(attempt.total.map(|total| self.invoice.gap(total))),
                Cell::text(if attempt.closes { "yes" } else { "no" }),
                Cell::Text(Some(attempt.note.clone()).filter(|note| !note.is_empty())),
            ]
        });
        Table { columns: columns.map(str::to_owned).to_vec(), rows: rows.collect(), totals: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invoice_is_met_by_what_rounds_to_it() {
        let invoice = Invoice::parse("412.10").unwrap();
        for (nanos, met) in [
            (412_100_000_000, true),
            (412_105_000_000, true),
            (412_105_000_001, false),
            (412_095_000_000, true),
            (412_094_999_999, false),
        ] {
            assert_eq!(invoice.met_by(Usd::from_units(nanos)), met, "{nanos}");
        }
        assert_eq!(Invoice::parse("412").unwrap().tolerance(), 500_000_000);
        assert_eq!(Invoice::parse("412.123456789").unwrap().tolerance(), 0);
        for wrong in ["412,10", "R$ 412", "4e2", "", "412.1234567891", "1.2.3"] {
            assert!(Invoice::parse(wrong).is_err(), "{wrong}");
        }
    }
}
