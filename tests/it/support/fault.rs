//! This is what can go wrong between a client and the API, and on which request it does.

use serde_json::Value;
use std::ops::RangeInclusive;
use std::time::Duration;

/// What becomes of one request.
#[derive(Clone)]
pub enum Fault {
    /// This answer, instead of the true one.
    Answer(Answer),
    /// The true answer with its JSON changed.
    Altered(fn(&mut Value)),
    /// The true answer with its text changed, into JSON or not.
    Rewritten(fn(String) -> Vec<u8>),
    /// The connection is reset before anything is said.
    Reset,
    /// The connection is reset in the middle of the true answer.
    ResetInBody,
    /// The connection ends in good order in the middle of the true answer.
    ShortBody,
    /// Nothing is said, and the connection stays.
    Stall,
    /// Nothing is said after the middle of the true answer, and the connection stays.
    StallInBody,
    /// The true answer comes a byte at a time, one in each span of this length.
    Trickle(Duration),
    /// The true answer as gzip, with a wrong checksum.
    DamagedGzip,
    /// Spaces as gzip, so many before compression. They are made while they are sent.
    GzipBomb {
        /// How many bytes unpack from it.
        bytes: u64,
    },
    /// Spaces without compression and without an end.
    Flood,
}

/// An answer made by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Names and values beside the ones that every answer has.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Fault {
    /// An answer of nothing but a status.
    pub fn status(status: u16) -> Fault {
        Fault::Answer(Answer { status, headers: Vec::new(), body: b"{}".to_vec() })
    }

    /// An answer of a status and one header.
    pub fn status_with(status: u16, name: &'static str, value: impl Into<String>) -> Fault {
        Fault::Answer(Answer { status, headers: vec![(name, value.into())], body: b"{}".to_vec() })
    }

    /// A body with 200, whatever it is.
    pub fn body(body: impl Into<Vec<u8>>) -> Fault {
        Fault::Answer(Answer { status: 200, headers: Vec::new(), body: body.into() })
    }
}

/// Which requests a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    Any,
    /// Those for this page of the run list.
    Page(u32),
    /// Those for any page of the run list.
    Runs,
    /// Those for a run by its id.
    Details,
    /// Those for the lists of pipelines.
    Pipelines,
}

impl Which {
    fn is_about(&self, target: &str) -> bool {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let of_runs = path == "/api/v1/runs/";
        match self {
            Which::Any => true,
            Which::Page(number) => {
                let page = format!("page={number}");
                of_runs && query.split('&').any(|pair| pair == page)
            }
            Which::Runs => of_runs,
            Which::Details => !of_runs && path.starts_with("/api/v1/runs/"),
            Which::Pipelines => !path.starts_with("/api/v1/runs/"),
        }
    }
}

/// When a rule applies, counted in the requests that it is about.
#[derive(Clone, Debug)]
enum When {
    /// From one to another, counted from 1.
    Numbers(RangeInclusive<usize>),
    /// By chance.
    Chance { probability: f64, rng: fastrand::Rng },
}

#[derive(Clone)]
struct Rule {
    which: Which,
    when: When,
    /// One of them, by turns.
    faults: Vec<Fault>,
    /// How many requests it was about so far.
    met: usize,
    /// How often it applied.
    applied: usize,
}

/// What goes wrong, and when. The first rule that applies to a request decides.
#[derive(Clone, Default)]
pub struct FaultPlan {
    rules: Vec<Rule>,
}

impl FaultPlan {
    /// Nothing goes wrong.
    pub fn none() -> FaultPlan {
        FaultPlan::default()
    }

    /// A fault on each of these requests, for ever.
    pub fn always(which: Which, fault: Fault) -> FaultPlan {
        FaultPlan::none().and(which, 1..=usize::MAX, fault)
    }

    /// A fault on the first of these requests.
    pub fn once(which: Which, fault: Fault) -> FaultPlan {
        FaultPlan::none().and(which, 1..=1, fault)
    }

    /// Beside what is planned already, a fault on those of these requests that have such a number, from 1.
    pub fn and(mut self, which: Which, numbers: RangeInclusive<usize>, fault: Fault) -> FaultPlan {
        let when = When::Numbers(numbers);
        self.rules.push(Rule { which, when, faults: vec![fault], met: 0, applied: 0 });
        self
    }

    /// Beside what is planned already, one of the faults by turns, each time that the dice say so.
    pub fn and_by_chance(
        mut self,
        which: Which,
        seed: u64,
        probability: f64,
        faults: Vec<Fault>,
    ) -> FaultPlan {
        let when = When::Chance { probability, rng: fastrand::Rng::with_seed(seed) };
        self.rules.push(Rule { which, when, faults, met: 0, applied: 0 });
        self
    }

    /// What becomes of the next request, for this path and query. `None`: nothing goes wrong.
    pub(super) fn next(&mut self, target: &str) -> Option<Fault> {
        let mut chosen = None;
        for rule in self.rules.iter_mut().filter(|rule| rule.which.is_about(target)) {
            rule.met += 1;
            let applies = match &mut rule.when {
                When::Numbers(numbers) => numbers.contains(&rule.met),
                When::Chance { probability, rng } => rng.f64() < *probability,
            };
            if applies && chosen.is_none() && !rule.faults.is_empty() {
                chosen = Some(rule.faults[rule.applied % rule.faults.len()].clone());
                rule.applied += 1;
            }
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(plan: &mut FaultPlan, targets: &[&str]) -> Vec<Option<u16>> {
        let status = |fault| match fault {
            Fault::Answer(answer) => answer.status,
            _ => 0,
        };
        targets.iter().map(|target| plan.next(target).map(status)).collect()
    }

    #[test]
    fn a_rule_counts_the_requests_that_it_is_about() {
        let mut plan = FaultPlan::none()
            .and(Which::Page(2), 2..=3, Fault::status(503))
            .and(Which::Details, 1..=1, Fault::status(500))
            .and(Which::Pipelines, 2..=2, Fault::status(403));
        let page = "/api/v1/runs/?page=2&page_size=20";
        let other = "/api/v1/runs/?page=22&page_size=2";
        let targets = [page, other, page, "/api/v1/runs/x/", page, page, "/api/v1/sources/?page=1"];
        let expected = [None, None, Some(503), Some(500), Some(503), None, None];
        assert_eq!(told(&mut plan, &targets), expected);
        assert_eq!(told(&mut plan, &["/api/v1/sources/?page=2"]), [Some(403)]);
    }

    #[test]
    fn chance_is_the_same_for_the_same_seed() {
        let plan =
            |seed| FaultPlan::none().and_by_chance(Which::Any, seed, 0.3, vec![Fault::Reset, Fault::Stall]);
        let drawn = |seed| told(&mut plan(seed), &["/"; 200]);
        let hits = drawn(7).iter().flatten().count();
        assert!((30..90).contains(&hits), "{hits}");
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
    }
}
