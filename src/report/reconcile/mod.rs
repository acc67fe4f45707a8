//! This is the reconciliation of an invoice with the ledger: which of the usual causes closes the gap, and by how much.

use super::cost::CHARGED;
use super::group_by::for_each_run;
use super::ledger::{self, Ledger};
use super::period::{Calendar, Period, Span};
use super::plan::Plan;
use super::restatements::restatements;
use super::run_scan::IndexedRun;
use super::scope::{DateBasis, Scope};
use super::table::{Cell, Table};
use crate::error::{Error, Result};
use crate::run::money::decimal_parts;
use crate::run::{Cost, Fixed, Instant, Usd};
use chrono::TimeDelta;
use chrono_tz::{TZ_VARIANTS, Tz};
use rusqlite::Connection;

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

/// Whether a cause closes the gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closes {
    /// With it the ledger has the invoice's amount.
    Yes,
    /// It leaves a gap.
    No,
    /// It gives no total of its own, and may move the ledger's that far.
    Could,
}

impl Closes {
    fn as_str(self) -> &'static str {
        match self {
            Closes::Yes => "yes",
            Closes::No => "no",
            Closes::Could => "could",
        }
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
    pub closes: Closes,
    /// What else there is to say: of how many runs the total is, and of how many of them no cost is known.
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

/// Which zones' months are tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Zones {
    /// Those that the ledger knows: the one asked about, UTC, those of schedules, and that of Nekt.
    #[default]
    Known,
    /// Every zone there is. There are hundreds of months then, and one of them may be met by chance.
    All,
}

/// Where Nekt is at home, and its invoices.
const HOME_OF_NEKT: Tz = Tz::America__Sao_Paulo;

/// A run of the month as the causes look at it.
struct Line {
    /// In nano-dollars.
    el: Option<i64>,
    transformation: Option<i64>,
    status: Option<String>,
    charged: bool,
    booked_at: Option<String>,
}

impl Line {
    fn read(run: &IndexedRun<'_>) -> Result<Line> {
        Ok(Line {
            el: run.el_cost_nanos()?,
            transformation: run.transformation_cost_nanos()?,
            status: run.status()?.map(str::to_owned),
            charged: run.credit_charge_status()? == Some(CHARGED),
            booked_at: run.booked_at()?.map(str::to_owned),
        })
    }

    fn costs(&self) -> impl Iterator<Item = i64> {
        [self.el, self.transformation].into_iter().flatten()
    }

    fn total(&self) -> i128 {
        self.costs().map(i128::from).sum()
    }

    fn ended_in(&self, statuses: &[&str]) -> bool {
        self.status.as_deref().is_some_and(|status| statuses.contains(&status))
    }
}

/// Some runs taken together.
#[derive(Default, Clone, Copy)]
struct Sum {
    nanos: i128,
    runs: usize,
    cost_unknown: usize,
}

impl Sum {
    fn of<'l>(lines: impl IntoIterator<Item = &'l Line>) -> Sum {
        let mut sum = Sum::default();
        for line in lines {
            sum.nanos += line.total();
            sum.runs += 1;
            sum.cost_unknown += usize::from(line.costs().next().is_none());
        }
        sum
    }

    fn usd(self) -> Usd {
        Usd::from_units(self.nanos)
    }

    fn note(self) -> String {
        format!("{}, {} without a known cost", counted(self.runs, "run"), self.cost_unknown)
    }
}

/// `1 run`, `2 runs`.
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The runs of the scope.
fn lines(archive: &Connection, scope: Scope) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for_each_run(&Ledger::open(archive, scope)?, |run| {
        lines.push(Line::read(run)?);
        Ok(())
    })?;
    Ok(lines)
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
    zones: Zones,
) -> Result<Reconciliation> {
    let Some(period) = scope.period.clone() else {
        return Err(Error::usage("an invoice is for a month: give it with --period"));
    };
    let lines = lines(archive, scope.clone())?;
    let base = Sum::of(&lines);
    let mut trial = Trial { invoice, base: base.usd(), attempts: Vec::new() };
    trial.attempt("as the ledger has it", base.usd(), base.note());
    if trial.attempts[0].closes != Closes::Yes {
        trial.zones_and_bases(archive, scope, &period, zones)?;
        trial.unknown_costs(base.cost_unknown);
        trial.late_changes(archive, scope)?;
        trial.selections(&lines);
        trial.plan(plan, base);
        trial.rounding(&lines);
    }
    Ok(Reconciliation { invoice, attempts: trial.attempts })
}

struct Trial {
    invoice: Invoice,
    base: Usd,
    attempts: Vec<Attempt>,
}

impl Trial {
    fn attempt(&mut self, cause: impl Into<String>, total: Usd, note: impl Into<String>) {
        let closes = if self.invoice.met_by(total) { Closes::Yes } else { Closes::No };
        self.attempts.push(Attempt { cause: cause.into(), total: Some(total), closes, note: note.into() });
    }

    /// A cause that changes nothing here is not worth a line.
    fn attempt_if_other(&mut self, cause: impl Into<String>, sum: Sum) {
        if sum.usd() != self.base {
            self.attempt(cause, sum.usd(), sum.note());
        }
    }

    /// The same month in other zones, and booked by other instants. Zones that have the month at the same time count
    /// once, under the name that the ledger knows best.
    fn zones_and_bases(
        &mut self,
        archive: &Connection,
        scope: &Scope,
        period: &str,
        zones: Zones,
    ) -> Result<()> {
        let mut tried: Vec<Tz> = vec![scope.zone, Tz::UTC, HOME_OF_NEKT];
        tried.extend(zones_of_schedules(archive)?);
        let known = tried.len();
        if zones == Zones::All {
            tried.extend(TZ_VARIANTS);
        }
        let mut months: Vec<(Tz, Instant, Instant, bool)> = Vec::new();
        for (nth, zone) in tried.into_iter().enumerate() {
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
        let (mut alone, mut together) = (Vec::new(), Vec::new());
        for date in DateBasis::ALL {
            let span = Span { from: Some(from), until: Some(until) };
            let booked = lines(archive, Scope { span, date, ..scope.clone() })?;
            for (zone, start, end, known) in &months {
                let sum = Sum::of(booked.iter().filter(|line| {
                    let at = line.booked_at.as_deref();
                    at.is_some_and(|at| start.as_str() <= at && at < end.as_str())
                }));
                // A zone that nobody here works in is worth a line only when it explains the gap.
                if *known || self.invoice.met_by(sum.usd()) {
                    match (*zone == scope.zone, date == scope.date) {
                        (true, true) => {}
                        (false, true) => alone.push((format!("months of {zone}"), sum)),
                        (true, false) => alone.push((format!("booked by {}", date.as_str()), sum)),
                        (false, false) => {
                            together.push((format!("months of {zone}, booked by {}", date.as_str()), sum));
                        }
                    }
                }
            }
        }
        // Two causes at once are worth a line only when they give what neither gives alone.
        let by_one: Vec<Usd> = alone.iter().map(|(_, sum)| sum.usd()).collect();
        together.retain(|(_, sum)| !by_one.contains(&sum.usd()));
        for (cause, sum) in alone.into_iter().chain(together) {
            self.attempt_if_other(cause, sum);
        }
        Ok(())
    }

    /// Unknown costs give no total; what each would have to be is told.
    fn unknown_costs(&mut self, unknown: usize) {
        if unknown == 0 {
            return;
        }
        let gap = self.invoice.gap(self.base);
        let (closes, note) = match gap.units() > 0 {
            true => {
                let each = gap.per(unknown as u64).unwrap_or_default();
                let would = match unknown {
                    1 => format!("it would have to be {each} USD"),
                    _ => format!("they would have to be {each} USD each on average"),
                };
                (Closes::Could, format!("{} without a known cost: {would}", counted(unknown, "run")))
            }
            false => (Closes::No, "the invoice is lower than what is known already".to_owned()),
        };
        self.attempts.push(Attempt {
            cause: "costs that are not known".to_owned(),
            total: None,
            closes,
            note,
        });
    }

    /// The month as it was known on each day on which more of it became known, since it ended. Whoever made the
    /// invoice may have known as much.
    fn late_changes(&mut self, archive: &Connection, scope: &Scope) -> Result<()> {
        let Some(until) = scope.span.until else { return Ok(()) };
        let ended = until.plus(TimeDelta::microseconds(-1));
        let changes = restatements(archive, &Scope { as_of: Some(ended), ..scope.clone() }, None)?;
        let mut days: Vec<Period> = Vec::new();
        for change in changes.iter().filter(|change| change.difference.is_some()) {
            if !days.last().is_some_and(|day| day.contains(change.seen_at.as_str())) {
                days.push(Period::around(change.seen_at, Calendar::Day, scope.zone));
            }
        }
        let first = Period::around(ended, Calendar::Day, scope.zone);
        let last = days.last().map(|day| day.label.clone());
        let began = ledger::first_sync_at(archive)?;
        let mut before = None;
        for day in [first].into_iter().chain(days) {
            let Some(known_at) = day.end.map(|end| end.plus(TimeDelta::microseconds(-1))) else { continue };
            if began.is_none_or(|began| known_at < began) {
                continue;
            }
            let sum = Sum::of(&lines(archive, Scope { as_of: Some(known_at), ..scope.clone() })?);
            let (is_first, is_last) = (before.is_none(), last.as_ref() == Some(&day.label));
            // The first and the last of them show how far the total has moved.
            if (is_first || is_last || self.invoice.met_by(sum.usd())) && before != Some(sum.usd()) {
                self.attempt_if_other(format!("as known on {}", day.label), sum);
            }
            before = Some(sum.usd());
        }
        Ok(())
    }

    fn selections(&mut self, lines: &[Line]) {
        let without = |statuses: &'static [&'static str]| {
            Sum::of(lines.iter().filter(move |line| !line.ended_in(statuses)))
        };
        self.attempt_if_other("failed runs left out", without(&["failed"]));
        self.attempt_if_other("canceled runs left out", without(&["canceled"]));
        self.attempt_if_other("failed and canceled runs left out", without(&["failed", "canceled"]));
        self.attempt_if_other("charged runs alone", Sum::of(lines.iter().filter(|line| line.charged)));
        let part = |part: fn(&Line) -> Option<i64>| Sum {
            nanos: lines.iter().filter_map(part).map(i128::from).sum(),
            runs: lines.len(),
            cost_unknown: lines.iter().filter(|line| part(line).is_none()).count(),
        };
        for (cause, sum) in [
            ("extraction and loading alone", part(|line| line.el)),
            ("transformation alone", part(|line| line.transformation)),
        ] {
            if sum.usd() != self.base {
                // A run without this part is no run whose cost is missing.
                let with = sum.runs - sum.cost_unknown;
                let note =
                    format!("{} this part", counted(with, "run") + if with == 1 { " has" } else { " have" });
                self.attempt(cause, sum.usd(), note);
            }
        }
    }

    fn plan(&mut self, plan: Option<Plan>, base: Sum) {
        let Some(Plan { fee_usd, .. }) = plan else { return };
        self.attempt_if_other("with the plan's fee", Sum { nanos: base.nanos + fee_usd.units(), ..base });
        if fee_usd != self.base {
            self.attempt("the plan's fee alone", fee_usd, "no run's cost is in it");
        }
    }

    /// Amounts that were rounded before they were added up; and how far rounding of any kind can reach.
    fn rounding(&mut self, lines: &[Line]) {
        // Nobody rounds the lines of an invoice to less than cents.
        let decimals = self.invoice.decimals.max(2);
        let unit = 10_i128.pow(9 - decimals);
        let nearest = |nanos: i128| Fixed::<0>::ratio(nanos, unit).unwrap_or_default().units() * unit;
        let up = |nanos: i128| -((-nanos).div_euclid(unit)) * unit;
        let all = Sum::of(lines);
        let by_run = |round: &dyn Fn(i128) -> i128| lines.iter().map(|line| round(line.total())).sum();
        let by_cost = lines.iter().flat_map(Line::costs).map(|nanos| nearest(nanos.into())).sum();
        let to = counted(decimals as usize, "decimal");
        for (cause, nanos) in [
            (format!("each run rounded to {to}"), by_run(&nearest)),
            (format!("each cost rounded to {to}"), by_cost),
            (format!("each run rounded up to {to}"), by_run(&up)),
        ] {
            self.attempt_if_other(cause, Sum { nanos, ..all });
        }
        let costs = lines.iter().flat_map(Line::costs).count();
        let bound = Usd::from_units(costs as i128 * (unit / 2) + self.invoice.tolerance());
        let (closes, reach) = match self.invoice.gap(self.base).units().abs() <= bound.units() {
            true => (Closes::Could, "the gap is within"),
            false => (Closes::No, "the gap is beyond"),
        };
        let note = format!(
            "{reach} {bound} USD, the most that rounding {} to {to} can move",
            counted(costs, "cost")
        );
        self.attempts.push(Attempt {
            cause: "rounding of some other kind".to_owned(),
            total: None,
            closes,
            note,
        });
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
        self.causes_that(Closes::Yes)
    }

    /// What may close the gap, though no total shows it.
    pub fn possible(&self) -> Vec<&str> {
        self.causes_that(Closes::Could)
    }

    fn causes_that(&self, closes: Closes) -> Vec<&str> {
        let attempts = self.attempts.iter().filter(|attempt| attempt.closes == closes);
        attempts.map(|attempt| attempt.cause.as_str()).collect()
    }

    /// The gap between the invoice and the ledger: positive when the invoice is higher.
    pub fn gap(&self) -> Usd {
        self.invoice.gap(self.base())
    }

    /// What the ledger says without any cause.
    fn base(&self) -> Usd {
        self.attempts.first().and_then(|attempt| attempt.total).unwrap_or_default()
    }

    /// The causes that were tried, each with how far it moves the ledger's total, and what it leaves of the gap.
    pub fn table(&self) -> Table {
        let columns =
            ["cause", "closes", "ledger_cost_usd", "difference_usd", "invoice_usd", "gap_usd", "note"];
        let base = self.base().units();
        let rows = self.attempts.iter().map(|attempt| {
            let moved = attempt.total.map(|total| Usd::from_units(total.units() - base));
            vec![
                Cell::text(&attempt.cause),
                Cell::text(attempt.closes.as_str()),
                Cell::Usd(attempt.total),
                Cell::Usd(moved),
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
