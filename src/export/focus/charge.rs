//! This is a charge: one line of the Cost and Usage dataset, still typed.

use super::terms::{Account, BilledBy, Issuer, NEKT};
use crate::report::{CostComponent, CostedRun, Plan};
use crate::run::{Instant, Usd};
use chrono::TimeDelta;
use std::cmp::{max, min};

/// A month of the books as a half-open stretch of UTC instants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillingPeriod {
    /// Its name: `2026-01`.
    pub label: String,
    /// The first instant inside.
    pub start: Instant,
    /// The first instant outside.
    pub end: Instant,
    /// When it was closed; the last time where that was more than once. `None`: it is open.
    pub closed_at: Option<Instant>,
}

/// What became known of a run after the period it is booked in was closed: it goes into a later, open one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Correction<'r> {
    /// The closed period.
    pub period: &'r BillingPeriod,
    /// The run as it is known now.
    pub run: CostedRun<'r>,
    /// Which of its costs changed.
    pub part: CostComponent,
    /// By how much, after less before; an unknown cost counts as nothing was charged for it.
    pub difference: Usd,
    /// When that became known.
    pub seen_at: Instant,
}

/// What holds for all charges of one export.
#[derive(Debug, Clone)]
pub struct Books {
    /// The period that the charges are put into.
    pub period: BillingPeriod,
    /// Who invoices what.
    pub billed_by: BilledBy,
    /// The accounts.
    pub account: Account,
    /// The monthly plan; `None`: there is none, or nobody has said.
    pub plan: Option<Plan>,
}

/// What a charge is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For<'c> {
    /// A cost of a run.
    Run(CostComponent, &'c CostedRun<'c>),
    /// What a cost of a run of a closed period changed by.
    Change(&'c Correction<'c>),
    /// The month's plan.
    Plan(Plan),
}

/// One line of the dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge<'c> {
    /// What it is for.
    pub what: For<'c>,
    /// The first second that it is for.
    pub start: Instant,
    /// The first second after it, later than `start`.
    pub end: Instant,
    /// Who invoices it.
    pub issuer: &'c str,
    /// What Nekt invoices of it.
    pub billed: Usd,
    /// What the work that it stands for cost.
    pub effective: Usd,
    /// What it costs before anything is taken off: the only price that is known.
    pub list: Usd,
}

impl<'c> Charge<'c> {
    /// The run that it is for; `None`: it is the plan's.
    pub fn run(&self) -> Option<&'c CostedRun<'c>> {
        match self.what {
            For::Run(_, run) => Some(run),
            For::Change(correction) => Some(&correction.run),
            For::Plan(_) => None,
        }
    }

    /// Which cost of its run it is; `None`: it is the plan's.
    pub fn part(&self) -> Option<CostComponent> {
        match self.what {
            For::Run(part, _) => Some(part),
            For::Change(correction) => Some(correction.part),
            For::Plan(_) => None,
        }
    }
}

impl Books {
    /// The charges of a run: one for each cost that is known, also when it is zero.
    pub fn usage<'c>(&'c self, run: &'c CostedRun<'c>) -> impl Iterator<Item = Charge<'c>> {
        CostComponent::ALL.into_iter().filter_map(move |part| {
            let cost = run.cost(part)?;
            Some(self.work(For::Run(part, run), part, cost, charge_period(run, &self.period)))
        })
    }

    /// The charge that puts right what a closed period has. It is for the time that the original was for.
    pub fn correction<'c>(&'c self, correction: &'c Correction<'c>) -> Charge<'c> {
        let Correction { period, run, part, difference, .. } = correction;
        self.work(For::Change(correction), *part, *difference, charge_period(run, period))
    }

    /// The plan's charge; `None`: there is no plan.
    ///
    /// It is paid for runs that follow, whose charges say what they cost. So its effective cost is zero, as
    /// FOCUS has it, or the same work would count twice.
    pub fn purchase(&self) -> Option<Charge<'_>> {
        let plan = self.plan?;
        Some(Charge {
            what: For::Plan(plan),
            start: self.period.start,
            end: self.period.end,
            issuer: NEKT,
            billed: plan.fee_usd,
            effective: Usd::default(),
            list: plan.fee_usd,
        })
    }

    /// Whoever may stand as the issuer of a charge, each once, in the order of the names.
    pub fn issuers(&self) -> Vec<&str> {
        let of_parts = CostComponent::ALL.map(|part| self.billed_by.issuer(part).name());
        let mut names: Vec<&str> = of_parts.into_iter().chain(self.plan.map(|_| NEKT)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn work<'c>(
        &'c self,
        what: For<'c>,
        part: CostComponent,
        cost: Usd,
        (start, end): (Instant, Instant),
    ) -> Charge<'c> {
        let issuer = self.billed_by.issuer(part);
        let billed = if issuer == Issuer::Nekt { cost } else { Usd::default() };
        Charge { what, start, end, issuer: issuer.name(), billed, effective: cost, list: cost }
    }
}

/// The whole seconds of `period` in which the run worked, at least one: a run is booked in one period as a
/// whole, so what it worked outside of it is left out. A run that did not work in it at all, or that does not
/// say when, has the second that it is booked in.
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

/// The instant without what is finer than a second, which FOCUS does not write.
fn whole_second(instant: Instant) -> Instant {
    let text = [&instant.as_str()[..19], ".000000Z"].concat();
    Instant::parse(&text).expect("the whole second of an instant is one")
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
        Books {
            period: january(),
            billed_by: BilledBy { el: el.map(str::to_owned), transformation: None },
            account: Account::default(),
            plan: None,
        }
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
    fn a_charge_is_for_the_seconds_that_its_run_worked() {
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
    fn a_charge_lasts_a_second_at_least() {
        let booked = "2026-01-05T10:00:00Z";
        let second = seconds("01-05T10:00:00", "01-05T10:00:01");
        assert_eq!(period_of(booked, Some(booked), Some(booked)), second);
        assert_eq!(period_of(booked, Some(booked), None), second);
        assert_eq!(period_of(booked, None, None), second);
        // An end before the beginning is the API's mistake, and no reason for a negative time.
        assert_eq!(period_of(booked, Some(booked), Some("2026-01-04T00:00:00Z")), second);
    }

    #[test]
    fn a_charge_stays_inside_its_billing_period() {
        let started = "2026-02-01T02:59:59.5Z";
        assert_eq!(
            period_of(started, Some(started), Some("2026-02-01T05:00:00Z")),
            seconds("02-01T02:59:59", "02-01T03:00:00")
        );
        // Booked by its end: it began the month before.
        assert_eq!(
            period_of("2026-01-01T03:00:10Z", Some("2025-12-31T23:00:00Z"), Some("2026-01-01T03:00:10Z")),
            seconds("01-01T03:00:00", "01-01T03:00:10")
        );
        // Booked by its creation: it worked in the next month only.
        assert_eq!(
            period_of("2026-02-01T02:59:58Z", Some("2026-02-01T03:00:05Z"), Some("2026-02-01T03:01:00Z")),
            seconds("02-01T02:59:58", "02-01T02:59:59")
        );
    }

    #[test]
    fn only_what_nekt_invoices_is_billed() {
        let run = run("2026-01-05T10:00:00Z", None, None);
        for (el, issuer, billed) in [
            (Some("nekt"), "Nekt", 5),
            (Some("Amazon Web Services"), "Amazon Web Services", 0),
            (None, "Nekt", 0),
        ] {
            let books = books(el);
            let charges: Vec<Charge<'_>> = books.usage(&run).collect();
            assert_eq!(charges.len(), 1, "the transformation's cost is not known");
            assert_eq!((charges[0].issuer, charges[0].billed.units()), (issuer, billed));
            assert_eq!((charges[0].effective.units(), charges[0].list.units()), (5, 5));
        }
    }

    #[test]
    fn a_correction_is_for_the_time_of_the_original() {
        let (books, december) = (
            books(Some("Nekt")),
            BillingPeriod {
                label: "2025-12".to_owned(),
                start: at("2025-12-01T03:00:00Z"),
                end: at("2026-01-01T03:00:00Z"),
                closed_at: Some(at("2026-01-10T00:00:00Z")),
            },
        );
        let started = "2026-01-01T02:59:00Z";
        let run = run(started, Some(started), Some("2026-01-01T04:00:00Z"));
        let correction = Correction {
            period: &december,
            run,
            part: CostComponent::El,
            difference: Usd::from_units(-7),
            seen_at: at("2026-01-12T00:00:00Z"),
        };
        let charge = books.correction(&correction);
        assert_eq!((charge.start, charge.end), (at(started), december.end));
        assert_eq!((charge.billed.units(), charge.effective.units(), charge.list.units()), (-7, -7, -7));
    }

    #[test]
    fn the_plan_is_billed_and_counts_no_work_twice() {
        let plan = Plan { fee_usd: Usd::from_units(9), credits: 3 };
        let books = Books { plan: Some(plan), ..books(Some("Amazon Web Services")) };
        let charge = books.purchase().unwrap();
        assert_eq!((charge.billed.units(), charge.effective.units(), charge.list.units()), (9, 0, 9));
        assert_eq!((charge.start, charge.end), (january().start, january().end));
        assert_eq!(books.issuers(), ["Amazon Web Services", "Nekt"]);
    }
}
