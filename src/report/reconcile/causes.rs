//! The usual causes of a gap between an invoice and the ledger, tried one after the other.

use super::{Attempt, ClosesGap, Invoice, Zones};
use crate::error::Result;
use crate::report::group_by::for_each_run;
use crate::report::ledger::{self, Ledger};
use crate::report::period::{Calendar, Period, Span};
use crate::report::restatements::restatements;
use crate::report::run_scan::{Columns, IndexedRun};
use crate::report::scope::{DateBasis, Scope};
use crate::report::terms::MonthTerms;
use crate::run::{Fixed, Instant, Usd};
use crate::wording::counted;
use chrono::TimeDelta;
use chrono_tz::{TZ_VARIANTS, Tz};
use rusqlite::Connection;

/// The home zone of Nekt and its invoices.
const NEKT_ZONE: Tz = Tz::America__Sao_Paulo;

/// The zones of recent pipeline schedules.
const SCHEDULE_ZONES: &str = "
SELECT DISTINCT json_extract(\"trigger\", '$.cron_timezone')
FROM (SELECT \"trigger\"
      FROM run_snapshots
      WHERE superseded_at IS NULL AND trigger_type = 'cron'
      ORDER BY snapshot_id DESC
      LIMIT 10000)
ORDER BY 1";

/// The values of a run that the causes depend on.
pub(super) struct RunLine {
    el_nanos: Option<i64>,
    transformation_nanos: Option<i64>,
    status: Option<String>,
    is_charged: bool,
    booked_at: Option<String>,
}

impl RunLine {
    const READS: Columns = Columns::BOOKED_AT.and(Columns::STATUS).and(Columns::CREDIT).and(Columns::COSTS);

    /// The runs of a scope.
    pub(super) fn read_all(archive: &Connection, scope: Scope) -> Result<Vec<RunLine>> {
        let mut lines = Vec::new();
        for_each_run(&Ledger::open(archive, scope)?, RunLine::READS, |run| {
            lines.push(RunLine::read(run)?);
            Ok(())
        })?;
        Ok(lines)
    }

    fn read(run: &IndexedRun<'_>) -> Result<RunLine> {
        Ok(RunLine {
            el_nanos: run.el_cost_nanos()?,
            transformation_nanos: run.transformation_cost_nanos()?,
            status: run.status()?.map(str::to_owned),
            is_charged: run.is_charged()?,
            booked_at: run.booked_at()?.map(str::to_owned),
        })
    }

    fn costs(&self) -> impl Iterator<Item = i64> {
        [self.el_nanos, self.transformation_nanos].into_iter().flatten()
    }

    fn total(&self) -> i128 {
        self.costs().map(i128::from).sum()
    }

    fn has_status(&self, statuses: &[&str]) -> bool {
        self.status.as_deref().is_some_and(|status| statuses.contains(&status))
    }
}

/// The total of some runs.
#[derive(Default, Clone, Copy)]
pub(super) struct RunTotal {
    nanos: i128,
    runs: usize,
    cost_unknown: usize,
}

impl RunTotal {
    pub(super) fn of<'l>(lines: impl IntoIterator<Item = &'l RunLine>) -> RunTotal {
        let mut total = RunTotal::default();
        for line in lines {
            total.nanos += line.total();
            total.runs += 1;
            total.cost_unknown += usize::from(line.costs().next().is_none());
        }
        total
    }

    pub(super) fn usd(self) -> Usd {
        Usd::from_units(self.nanos)
    }

    fn note(self) -> String {
        format!("{}, {} without a known cost", counted(self.runs as u64, "run"), self.cost_unknown)
    }
}

/// The attempts to explain one invoice.
pub(super) struct Attempts {
    invoice: Invoice,
    base: RunTotal,
    attempts: Vec<Attempt>,
}

impl Attempts {
    /// Starts with the unchanged ledger, whose total is `base`.
    pub(super) fn new(invoice: Invoice, base: RunTotal) -> Attempts {
        let mut attempts = Attempts { invoice, base, attempts: Vec::new() };
        attempts.add("as the ledger has it", base.usd(), base.note());
        attempts
    }

    pub(super) fn into_vec(self) -> Vec<Attempt> {
        self.attempts
    }

    /// Whether the unchanged ledger equals the invoice.
    pub(super) fn has_no_gap(&self) -> bool {
        self.invoice.matches(self.base.usd())
    }

    fn add(&mut self, cause: impl Into<String>, total: Usd, note: impl Into<String>) {
        let closes = if self.invoice.matches(total) { ClosesGap::Yes } else { ClosesGap::No };
        self.attempts.push(Attempt { cause: cause.into(), total: Some(total), closes, note: note.into() });
    }

    /// Adds a cause, unless it leaves the total unchanged.
    fn add_if_different(&mut self, cause: impl Into<String>, total: RunTotal) {
        if total.usd() != self.base.usd() {
            self.add(cause, total.usd(), total.note());
        }
    }

    /// The same month in other zones and by other date bases. Zones in which the month has the same bounds count once,
    /// under the first name.
    pub(super) fn zones_and_bases(
        &mut self,
        archive: &Connection,
        scope: &Scope,
        period: &str,
        zones: Zones,
    ) -> Result<()> {
        let mut candidates: Vec<Tz> = vec![scope.zone, Tz::UTC, NEKT_ZONE];
        candidates.extend(schedule_zones(archive)?);
        let known_count = candidates.len();
        if zones == Zones::All {
            candidates.extend(TZ_VARIANTS);
        }
        let mut months: Vec<(Tz, Instant, Instant, bool)> = Vec::new();
        for (index, zone) in candidates.into_iter().enumerate() {
            if let Some(Period { start: Some(start), end: Some(end), .. }) = Period::named(period, zone)
                && !months.iter().any(|(_, from, until, _)| (*from, *until) == (start, end))
            {
                months.push((zone, start, end, index < known_count));
            }
        }
        let (Some(from), Some(until)) =
            (months.iter().map(|month| month.1).min(), months.iter().map(|month| month.2).max())
        else {
            return Ok(());
        };
        let (mut single, mut combined) = (Vec::new(), Vec::new());
        for date in DateBasis::ALL {
            let span = Span { from: Some(from), until: Some(until) };
            let lines = RunLine::read_all(archive, Scope { span, date, ..scope.clone() })?;
            for (zone, start, end, is_known) in &months {
                let total = RunTotal::of(lines.iter().filter(|line| {
                    let at = line.booked_at.as_deref();
                    at.is_some_and(|at| start.as_str() <= at && at < end.as_str())
                }));
                // A zone unrelated to this archive is listed only if it explains the gap.
                if *is_known || self.invoice.matches(total.usd()) {
                    match (*zone == scope.zone, date == scope.date) {
                        (true, true) => {}
                        (false, true) => single.push((format!("months of {zone}"), total)),
                        (true, false) => single.push((format!("booked by {}", date.as_str()), total)),
                        (false, false) => {
                            combined.push((format!("months of {zone}, booked by {}", date.as_str()), total));
                        }
                    }
                }
            }
        }
        // A combination is listed only if its total differs from that of every single cause.
        let single_totals: Vec<Usd> = single.iter().map(|(_, total)| total.usd()).collect();
        combined.retain(|(_, total)| !single_totals.contains(&total.usd()));
        for (cause, total) in single.into_iter().chain(combined) {
            self.add_if_different(cause, total);
        }
        Ok(())
    }

    /// Unknown costs have no total. The note says how high each would have to be.
    pub(super) fn unknown_costs(&mut self) {
        let unknown = self.base.cost_unknown;
        if unknown == 0 {
            return;
        }
        let gap = self.invoice.gap(self.base.usd());
        let (closes, note) = match gap.units() > 0 {
            true => {
                let each = gap.per(unknown as u64).unwrap_or_default();
                let required = match unknown {
                    1 => format!("it would have to be {each} USD"),
                    _ => format!("they would have to be {each} USD each on average"),
                };
                (
                    ClosesGap::Could,
                    format!("{} without a known cost: {required}", counted(unknown as u64, "run")),
                )
            }
            false => (ClosesGap::No, "the invoice is lower than what is known already".to_owned()),
        };
        self.attempts.push(Attempt {
            cause: "costs that are not known".to_owned(),
            total: None,
            closes,
            note,
        });
    }

    /// The month as known at the end of each day on which it changed after it ended. The invoice may have been made
    /// from that state.
    pub(super) fn late_changes(&mut self, archive: &Connection, scope: &Scope) -> Result<()> {
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
        let first_sync_at = ledger::first_sync_at(archive)?;
        let mut previous = None;
        for day in [first].into_iter().chain(days) {
            let Some(known_at) = day.end.map(|end| end.plus(TimeDelta::microseconds(-1))) else { continue };
            if first_sync_at.is_none_or(|first_sync_at| known_at < first_sync_at) {
                continue;
            }
            let as_of = Scope { as_of: Some(known_at), ..scope.clone() };
            let total = RunTotal::of(&RunLine::read_all(archive, as_of)?);
            let (is_first, is_last) = (previous.is_none(), last.as_ref() == Some(&day.label));
            // The first and the last day are always listed: they show how far the total has moved.
            if (is_first || is_last || self.invoice.matches(total.usd())) && previous != Some(total.usd()) {
                self.add_if_different(format!("as known on {}", day.label), total);
            }
            previous = Some(total.usd());
        }
        Ok(())
    }

    /// Parts of the month: without some statuses, charged runs only, one cost component only.
    pub(super) fn selections(&mut self, lines: &[RunLine]) {
        let without = |statuses: &'static [&'static str]| {
            RunTotal::of(lines.iter().filter(move |line| !line.has_status(statuses)))
        };
        self.add_if_different("failed runs left out", without(&["failed"]));
        self.add_if_different("canceled runs left out", without(&["canceled"]));
        self.add_if_different("failed and canceled runs left out", without(&["failed", "canceled"]));
        let charged = RunTotal::of(lines.iter().filter(|line| line.is_charged));
        self.add_if_different("charged runs alone", charged);
        let component = |nanos: fn(&RunLine) -> Option<i64>| RunTotal {
            nanos: lines.iter().filter_map(nanos).map(i128::from).sum(),
            runs: lines.len(),
            cost_unknown: lines.iter().filter(|line| nanos(line).is_none()).count(),
        };
        for (cause, total) in [
            ("extraction and loading alone", component(|line| line.el_nanos)),
            ("transformation alone", component(|line| line.transformation_nanos)),
        ] {
            if total.usd() != self.base.usd() {
                // A run without this component does not lack a cost.
                let with = total.runs - total.cost_unknown;
                let note = format!(
                    "{} this part",
                    counted(with as u64, "run") + if with == 1 { " has" } else { " have" }
                );
                self.add(cause, total.usd(), note);
            }
        }
    }

    /// The plan's fee, the price of purchased credits, and both, each in addition to the runs and alone.
    pub(super) fn purchases(&mut self, terms: &MonthTerms) {
        let fee = terms.plan.map(|plan| plan.fee_usd);
        let price =
            terms.credit_purchases.iter().map(|purchase| purchase.price_usd).reduce(|one, two| one + two);
        let both = fee.zip(price).map(|(fee, price)| fee + price);
        for (cause, amount) in [
            ("the plan's fee", fee),
            ("the purchased credits", price),
            ("the plan's fee and the purchased credits", both),
        ] {
            let Some(amount) = amount else { continue };
            let with_runs = RunTotal { nanos: self.base.nanos + amount.units(), ..self.base };
            self.add_if_different(format!("with {cause}"), with_runs);
            if amount != self.base.usd() {
                self.add(format!("{cause} alone"), amount, "no run's cost is in it");
            }
        }
    }

    /// Amounts rounded before they were added up, and the most that any rounding can move the total.
    pub(super) fn rounding(&mut self, lines: &[RunLine]) {
        // Invoice lines are not rounded to less than cents.
        let decimals = self.invoice.decimals.max(2);
        let unit = 10_i128.pow(9 - decimals);
        let nearest = |nanos: i128| Fixed::<0>::ratio(nanos, unit).unwrap_or_default().units() * unit;
        let up = |nanos: i128| -((-nanos).div_euclid(unit)) * unit;
        let all = RunTotal::of(lines);
        let by_run = |round: &dyn Fn(i128) -> i128| lines.iter().map(|line| round(line.total())).sum();
        let by_cost = lines.iter().flat_map(RunLine::costs).map(|nanos| nearest(nanos.into())).sum();
        let to = counted(decimals.into(), "decimal");
        for (cause, nanos) in [
            (format!("each run rounded to {to}"), by_run(&nearest)),
            (format!("each cost rounded to {to}"), by_cost),
            (format!("each run rounded up to {to}"), by_run(&up)),
        ] {
            self.add_if_different(cause, RunTotal { nanos, ..all });
        }
        let costs = lines.iter().flat_map(RunLine::costs).count();
        let bound = Usd::from_units(costs as i128 * (unit / 2) + self.invoice.tolerance());
        let (closes, result) = match self.invoice.gap(self.base.usd()).units().abs() <= bound.units() {
            true => (ClosesGap::Could, "the gap is within"),
            false => (ClosesGap::No, "the gap is beyond"),
        };
        let note = format!(
            "{result} {bound} USD, the most that rounding {} to {to} can move",
            counted(costs as u64, "cost")
        );
        self.attempts.push(Attempt {
            cause: "rounding of some other kind".to_owned(),
            total: None,
            closes,
            note,
        });
    }
}

fn schedule_zones(archive: &Connection) -> Result<Vec<Tz>> {
    let mut statement = archive.prepare(SCHEDULE_ZONES)?;
    let mut rows = statement.query([])?;
    let mut zones = Vec::new();
    while let Some(row) = rows.next()? {
        zones.extend(row.get::<_, Option<String>>(0)?.and_then(|name| name.parse::<Tz>().ok()));
    }
    Ok(zones)
}
