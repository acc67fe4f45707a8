//! A charge: one row of the Cost and Usage dataset as typed values.

use super::billing_period::BillingPeriod;
use crate::error::Result;
use crate::report::billing::{BilledBy, Issuer, NEKT};
use crate::report::period::Period;
use crate::report::{CostComponent, CostedRun, CreditPurchase, MonthTerms, Plan, Scope};
use crate::run::{Instant, Usd};
use crate::store::Close;
use chrono::TimeDelta;
use chrono_tz::Tz;
use std::cmp::{max, min};

/// A change of a run's cost that became known after its period was closed. A later, open period contains it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Correction<'r> {
    /// The closed period.
    pub period: &'r BillingPeriod,
    /// The invoice issuers of the closed period.
    pub billed_by: &'r BilledBy,
    /// The run as known now.
    pub run: CostedRun<'r>,
    /// The component that changed.
    pub component: CostComponent,
    /// The new cost minus the old one. An unknown cost counts as zero, because it has no charge.
    pub difference: Usd,
    /// When the change was observed.
    pub seen_at: Instant,
}

/// The facts that all charges of one export share.
#[derive(Debug, Clone)]
pub struct Books {
    /// The period of the charges.
    pub period: BillingPeriod,
    /// The zone of the period's days.
    pub zone: Tz,
    /// The plan, the purchased credits, the invoice issuers and the accounts.
    pub terms: MonthTerms,
}

/// The source of a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeSource<'c> {
    /// A cost of a run.
    Run(CostComponent, &'c CostedRun<'c>),
    /// A changed cost of a run of a closed period.
    Correction(&'c Correction<'c>),
    /// The monthly plan.
    Plan(Plan),
    /// Credits bought in addition to the plan.
    Credits(CreditPurchase),
}

/// One row of the dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge<'c> {
    /// What is charged.
    pub source: ChargeSource<'c>,
    /// The first second of the charge period.
    pub start: Instant,
    /// The first second after the charge period, later than `start`.
    pub end: Instant,
    /// The invoice issuer.
    pub issuer: &'c str,
    /// The amount that Nekt invoices.
    pub billed: Usd,
    /// The cost of the work.
    pub effective: Usd,
    /// The cost before discounts: the only known price.
    pub list: Usd,
}

impl<'c> Charge<'c> {
    /// The run. `None`: the charge is for a purchase.
    pub fn run(&self) -> Option<&'c CostedRun<'c>> {
        match self.source {
            ChargeSource::Run(_, run) => Some(run),
            ChargeSource::Correction(correction) => Some(&correction.run),
            ChargeSource::Plan(_) | ChargeSource::Credits(_) => None,
        }
    }

    /// The cost component of the run. `None`: the charge is for a purchase.
    pub fn component(&self) -> Option<CostComponent> {
        match self.source {
            ChargeSource::Run(component, _) => Some(component),
            ChargeSource::Correction(correction) => Some(correction.component),
            ChargeSource::Plan(_) | ChargeSource::Credits(_) => None,
        }
    }
}

impl Books {
    /// The books of the scope's month, with the terms that apply to it.
    ///
    /// # Errors
    /// As [`BillingPeriod::of_scope`].
    pub fn of_scope(scope: &Scope, closes: &[Close]) -> Result<Books> {
        let period = BillingPeriod::of_scope(scope, closes)?;
        let terms = scope.terms_of(&period.label);
        Ok(Books { period, zone: scope.zone, terms })
    }

    /// The charges of a run: one for each known cost, also for zero.
    pub fn usage<'c>(&'c self, run: &'c CostedRun<'c>) -> impl Iterator<Item = Charge<'c>> {
        CostComponent::ALL.into_iter().filter_map(move |component| {
            let cost = run.cost(component)?;
            let source = ChargeSource::Run(component, run);
            Some(work(source, self.terms.billed_by.issuer(component), cost, charge_period(run, &self.period)))
        })
    }

    /// The charges of the plan and of purchased credits, in this order.
    ///
    /// They pay for runs that have charges of their own. So their effective cost is zero, as FOCUS requires. Otherwise
    /// the same work would count twice.
    pub fn purchases(&self) -> impl Iterator<Item = Charge<'_>> {
        let whole = (self.period.start, self.period.end);
        let plan = self.terms.plan.map(|plan| purchase(ChargeSource::Plan(plan), plan.fee_usd, whole));
        let credits = self.terms.credit_purchases.iter().map(|credits| {
            let day = self.day_of(credits);
            purchase(ChargeSource::Credits(*credits), credits.price_usd, day)
        });
        plan.into_iter().chain(credits)
    }

    /// The day of a purchase, cut at the bounds of the period.
    fn day_of(&self, purchase: &CreditPurchase) -> (Instant, Instant) {
        let BillingPeriod { start, end, .. } = self.period;
        let day = Period::named(&purchase.date.to_string(), self.zone);
        let inside = |at: Option<Instant>, otherwise| at.map_or(otherwise, |at| at.clamp(start, end));
        let (from, until) = day.map_or((None, None), |day| (day.start, day.end));
        match (inside(from, start), inside(until, end)) {
            (from, until) if from < until => (from, until),
            _ => (start, end),
        }
    }

    /// The possible issuers of charges, without duplicates, sorted by name.
    pub fn issuers(&self) -> Vec<&str> {
        let of_components = CostComponent::ALL.map(|component| self.terms.billed_by.issuer(component).name());
        let of_purchases = self.purchases().map(|purchase| purchase.issuer);
        let mut names: Vec<&str> = of_components.into_iter().chain(of_purchases).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// The charge that corrects a closed period. It has the charge period and the invoice issuer of the original.
pub(super) fn correct<'c>(correction: &'c Correction<'c>) -> Charge<'c> {
    let Correction { period, billed_by, run, component, difference, .. } = correction;
    let source = ChargeSource::Correction(correction);
    work(source, billed_by.issuer(*component), *difference, charge_period(run, period))
}

fn work<'c>(
    source: ChargeSource<'c>,
    issuer: Issuer<'c>,
    cost: Usd,
    (start, end): (Instant, Instant),
) -> Charge<'c> {
    let billed = if issuer == Issuer::Nekt { cost } else { Usd::default() };
    Charge { source, start, end, issuer: issuer.name(), billed, effective: cost, list: cost }
}

fn purchase(source: ChargeSource<'_>, price: Usd, (start, end): (Instant, Instant)) -> Charge<'_> {
    Charge { source, start, end, issuer: NEKT, billed: price, effective: Usd::default(), list: price }
}

/// The whole seconds of `period` in which the run worked, at least one.
///
/// A run is booked in one period as a whole, so its work outside of the period is left out. A run that did not work in
/// the period, or has no instants, gets the second that it is booked in.
fn charge_period(run: &CostedRun<'_>, period: &BillingPeriod) -> (Instant, Instant) {
    let second = TimeDelta::seconds(1);
    let booked = whole_second(run.booked_at);
    let began = run.started_at.map_or(booked, whole_second);
    let ended = match run.ended_at {
        Some(ended) if whole_second(ended) == ended => ended,
        Some(ended) => whole_second(ended).plus(second),
        None => began,
    };
    let start = max(began, whole_second(period.start));
    let end = min(max(ended, began.plus(second)), whole_second(period.end));
    if start < end { (start, end) } else { (booked, booked.plus(second)) }
}

/// The instant rounded down to the second, the precision of FOCUS.
fn whole_second(instant: Instant) -> Instant {
    let text = [&instant.as_str()[..19], ".000000Z"].concat();
    Instant::parse(&text).expect("an instant rounded down is an instant")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    fn january() -> BillingPeriod {
        BillingPeriod {
            label: "2026-01".to_owned(),
            start: at("2026-01-01T03:00:00Z"),
            end: at("2026-02-01T03:00:00Z"),
            closed_at: None,
        }
    }

    fn run(booked_at: &str, started_at: Option<&str>, ended_at: Option<&str>) -> CostedRun<'static> {
        CostedRun {
            run_id: "run-1",
            booked_at: at(booked_at),
            number: Some(1),
            pipeline_kind: Some("source"),
            pipeline_id: Some("s-1"),
            pipeline_name: Some("Vendas"),
            status: Some("success"),
            trigger_type: Some("cron"),
            created_at: None,
            started_at: started_at.map(at),
            ended_at: ended_at.map(at),
            duration_seconds: None,
            credit_charge_status: Some("charged"),
            el_cost_nanos: Some(5),
            transformation_cost_nanos: None,
            cost_center: None,
        }
    }

    fn books(el: Option<&str>) -> Books {
        let billed_by = BilledBy { el: el.map(str::to_owned), transformation: None };
        let terms = MonthTerms { billed_by, ..MonthTerms::default() };
        Books { period: january(), zone: Tz::America__Sao_Paulo, terms }
    }

    fn period_of(booked_at: &str, started_at: Option<&str>, ended_at: Option<&str>) -> (String, String) {
        let (start, end) = charge_period(&run(booked_at, started_at, ended_at), &january());
        let short = |instant: Instant| instant.as_str()[5..19].to_owned();
        assert!(start < end && january().start <= start && end <= january().end);
        (short(start), short(end))
    }

    fn seconds(start: &str, end: &str) -> (String, String) {
        (start.to_owned(), end.to_owned())
    }

    #[test]
    fn a_charge_covers_the_seconds_of_its_run() {
        let (started, ended) = ("2026-01-05T10:00:00.9Z", "2026-01-05T10:01:40.1Z");
        assert_eq!(
            period_of(started, Some(started), Some(ended)),
            seconds("01-05T10:00:00", "01-05T10:01:41")
        );
        let ended = "2026-01-05T10:01:40Z";
        assert_eq!(
            period_of(started, Some(started), Some(ended)),
            seconds("01-05T10:00:00", "01-05T10:01:40")
        );
    }

    #[test]
    fn a_charge_lasts_at_least_a_second() {
        let booked = "2026-01-05T10:00:00Z";
        let second = seconds("01-05T10:00:00", "01-05T10:00:01");
        assert_eq!(period_of(booked, Some(booked), Some(booked)), second);
        assert_eq!(period_of(booked, Some(booked), None), second);
        assert_eq!(period_of(booked, None, None), second);
        // The API can report an end before the start. The charge period must still be positive.
        assert_eq!(period_of(booked, Some(booked), Some("2026-01-04T00:00:00Z")), second);
    }

    #[test]
    fn a_charge_stays_inside_its_billing_period() {
        let started = "2026-02-01T02:59:59.5Z";
        assert_eq!(
            period_of(started, Some(started), Some("2026-02-01T05:00:00Z")),
            seconds("02-01T02:59:59", "02-01T03:00:00")
        );
        // Booked by its end, started the month before.
        assert_eq!(
            period_of("2026-01-01T03:00:10Z", Some("2025-12-31T23:00:00Z"), Some("2026-01-01T03:00:10Z")),
            seconds("01-01T03:00:00", "01-01T03:00:10")
        );
        // Booked by its creation, started the month after.
        assert_eq!(
            period_of("2026-02-01T02:59:58Z", Some("2026-02-01T03:00:05Z"), Some("2026-02-01T03:01:00Z")),
            seconds("02-01T02:59:58", "02-01T02:59:59")
        );
    }

    #[test]
    fn only_costs_that_nekt_invoices_are_billed() {
        let run = run("2026-01-05T10:00:00Z", None, None);
        for (el, issuer, billed) in [
            (Some("nekt"), "Nekt", 5),
            (Some("Amazon Web Services"), "Amazon Web Services", 0),
            (None, "Nekt", 0),
        ] {
            let books = books(el);
            let charges: Vec<Charge<'_>> = books.usage(&run).collect();
            assert_eq!(charges.len(), 1, "the cost of the transformation is unknown");
            assert_eq!((charges[0].issuer, charges[0].billed.units()), (issuer, billed));
            assert_eq!((charges[0].effective.units(), charges[0].list.units()), (5, 5));
        }
    }

    #[test]
    fn a_correction_has_the_charge_period_of_the_original() {
        let december = BillingPeriod {
            label: "2025-12".to_owned(),
            start: at("2025-12-01T03:00:00Z"),
            end: at("2026-01-01T03:00:00Z"),
            closed_at: Some(at("2026-01-10T00:00:00Z")),
        };
        let started = "2026-01-01T02:59:00Z";
        let run = run(started, Some(started), Some("2026-01-01T04:00:00Z"));
        for (el, issuer, billed) in [("Nekt", "Nekt", -7), ("Amazon Web Services", "Amazon Web Services", 0)]
        {
            let correction = Correction {
                period: &december,
                billed_by: &BilledBy { el: Some(el.to_owned()), transformation: None },
                run,
                component: CostComponent::El,
                difference: Usd::from_units(-7),
                seen_at: at("2026-01-12T00:00:00Z"),
            };
            let charge = correct(&correction);
            assert_eq!((charge.start, charge.end), (at(started), december.end));
            assert_eq!((charge.issuer, charge.billed.units()), (issuer, billed));
            assert_eq!((charge.effective.units(), charge.list.units()), (-7, -7));
        }
    }

    #[test]
    fn the_plan_is_billed_without_an_effective_cost() {
        let mut books = books(Some("Amazon Web Services"));
        books.terms.plan = Some(Plan { fee_usd: Usd::from_units(9), credits: 3 });
        let charge = books.purchases().next().unwrap();
        assert_eq!((charge.billed.units(), charge.effective.units(), charge.list.units()), (9, 0, 9));
        assert_eq!((charge.start, charge.end), (january().start, january().end));
        assert_eq!(books.issuers(), ["Amazon Web Services", "Nekt"]);
    }

    #[test]
    fn purchased_credits_are_billed_on_their_day() {
        let mut books = books(Some("Amazon Web Services"));
        books.terms.billed_by.transformation = Some("Amazon Web Services".to_owned());
        assert_eq!(books.issuers(), ["Amazon Web Services"]);
        for (date, start, end) in [
            ("2026-01-01", "2026-01-01T03:00:00Z", "2026-01-02T03:00:00Z"),
            ("2026-01-31", "2026-01-31T03:00:00Z", "2026-02-01T03:00:00Z"),
        ] {
            let price_usd = Usd::from_units(7);
            books.terms.credit_purchases =
                vec![CreditPurchase { date: date.parse().unwrap(), credits: 500, price_usd }];
            let charges: Vec<Charge<'_>> = books.purchases().collect();
            assert_eq!(charges.len(), 1);
            assert_eq!((charges[0].start, charges[0].end), (at(start), at(end)));
            assert_eq!((charges[0].billed.units(), charges[0].effective.units()), (7, 0));
            assert_eq!(books.issuers(), ["Amazon Web Services", "Nekt"]);
        }
    }
}
