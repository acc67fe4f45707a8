//! Network and API faults, and plans that say which requests they hit.

use serde_json::Value;
use std::ops::RangeInclusive;
use std::time::Duration;

/// A fault that hits one request.
#[derive(Clone)]
pub enum Fault {
    /// This response instead of the real one.
    Respond(Response),
    /// The real response with its JSON changed.
    EditJson(fn(&mut Value)),
    /// The real response with its text changed. The result need not be JSON.
    EditText(fn(String) -> Vec<u8>),
    /// The connection is reset before the response.
    Reset,
    /// The connection is reset in the middle of the real response.
    ResetInBody,
    /// The connection is closed cleanly in the middle of the real response.
    ShortBody,
    /// No response; the connection stays open.
    Stall,
    /// The real response stops in the middle; the connection stays open.
    StallInBody,
    /// The real response arrives one byte at a time, with this delay after each.
    Trickle(Duration),
    /// The real response as gzip with a wrong checksum.
    DamagedGzip,
    /// The real response as gzip with two members.
    TwoGzipMembers,
    /// Spaces as gzip, generated while they are sent.
    GzipBomb {
        /// The size after decompression.
        bytes: u64,
    },
    /// Endless uncompressed spaces.
    Flood,
}

/// A response written by a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Additional header names and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Fault {
    /// A response with this status and an empty JSON object.
    pub fn status(status: u16) -> Fault {
        Fault::Respond(Response { status, headers: Vec::new(), body: b"{}".to_vec() })
    }

    /// As [`Fault::status`], with one header.
    pub fn status_with(status: u16, name: &'static str, value: impl Into<String>) -> Fault {
        Fault::Respond(Response { status, headers: vec![(name, value.into())], body: b"{}".to_vec() })
    }

    /// A response with status 200 and this body.
    pub fn body(body: impl Into<Vec<u8>>) -> Fault {
        Fault::Respond(Response { status: 200, headers: Vec::new(), body: body.into() })
    }
}

/// The requests that a rule matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// All requests.
    Any,
    /// This page of the run list.
    Page(u32),
    /// Any page of the run list.
    Runs,
    /// Any run by id.
    Details,
    /// Any list of pipelines.
    Pipelines,
}

impl Target {
    fn matches(&self, uri: &str) -> bool {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let of_runs = path == "/api/v1/runs/";
        match self {
            Target::Any => true,
            Target::Page(number) => {
                let page = format!("page={number}");
                of_runs && query.split('&').any(|pair| pair == page)
            }
            Target::Runs => of_runs,
            Target::Details => !of_runs && path.starts_with("/api/v1/runs/"),
            Target::Pipelines => !path.starts_with("/api/v1/runs/"),
        }
    }
}

/// When a rule applies to the requests that it matches.
#[derive(Clone, Debug)]
enum When {
    /// To the requests with these numbers, from 1.
    Numbers(RangeInclusive<usize>),
    /// At random.
    Random { probability: f64, rng: fastrand::Rng },
}

#[derive(Clone)]
struct Rule {
    target: Target,
    when: When,
    /// Applied in turn.
    faults: Vec<Fault>,
    /// Number of matching requests so far.
    matched: usize,
    /// Number of faults so far.
    applied: usize,
}

/// Which faults hit which requests. The first rule that applies to a request wins.
#[derive(Clone, Default)]
pub struct FaultPlan {
    rules: Vec<Rule>,
}

impl FaultPlan {
    /// A plan without faults.
    pub fn none() -> FaultPlan {
        FaultPlan::default()
    }

    /// A fault on each of these requests.
    pub fn always(target: Target, fault: Fault) -> FaultPlan {
        FaultPlan::none().and(target, 1..=usize::MAX, fault)
    }

    /// A fault on the first of these requests.
    pub fn once(target: Target, fault: Fault) -> FaultPlan {
        FaultPlan::none().and(target, 1..=1, fault)
    }

    /// Adds a fault on the matching requests with these numbers, from 1.
    pub fn and(mut self, target: Target, numbers: RangeInclusive<usize>, fault: Fault) -> FaultPlan {
        let when = When::Numbers(numbers);
        self.rules.push(Rule { target, when, faults: vec![fault], matched: 0, applied: 0 });
        self
    }

    /// Adds the faults, in turn, on random matching requests.
    pub fn and_randomly(
        mut self,
        target: Target,
        seed: u64,
        probability: f64,
        faults: Vec<Fault>,
    ) -> FaultPlan {
        let when = When::Random { probability, rng: fastrand::Rng::with_seed(seed) };
        self.rules.push(Rule { target, when, faults, matched: 0, applied: 0 });
        self
    }

    /// The fault for the next request, given its path and query. `None`: no fault.
    pub fn next(&mut self, uri: &str) -> Option<Fault> {
        let mut chosen = None;
        for rule in self.rules.iter_mut().filter(|rule| rule.target.matches(uri)) {
            rule.matched += 1;
            let applies = match &mut rule.when {
                When::Numbers(numbers) => numbers.contains(&rule.matched),
                When::Random { probability, rng } => rng.f64() < *probability,
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

    fn statuses(plan: &mut FaultPlan, uris: &[&str]) -> Vec<Option<u16>> {
        let status = |fault| match fault {
            Fault::Respond(response) => response.status,
            _ => 0,
        };
        uris.iter().map(|uri| plan.next(uri).map(status)).collect()
    }

    #[test]
    fn a_rule_counts_the_requests_that_it_matches() {
        let mut plan = FaultPlan::none()
            .and(Target::Page(2), 2..=3, Fault::status(503))
            .and(Target::Details, 1..=1, Fault::status(500))
            .and(Target::Pipelines, 2..=2, Fault::status(403));
        let page = "/api/v1/runs/?page=2&page_size=20";
        let other = "/api/v1/runs/?page=22&page_size=2";
        let uris = [page, other, page, "/api/v1/runs/x/", page, page, "/api/v1/sources/?page=1"];
        let expected = [None, None, Some(503), Some(500), Some(503), None, None];
        assert_eq!(statuses(&mut plan, &uris), expected);
        assert_eq!(statuses(&mut plan, &["/api/v1/sources/?page=2"]), [Some(403)]);
    }

    #[test]
    fn random_faults_are_the_same_for_the_same_seed() {
        let plan =
            |seed| FaultPlan::none().and_randomly(Target::Any, seed, 0.3, vec![Fault::Reset, Fault::Stall]);
        let drawn = |seed| statuses(&mut plan(seed), &["/"; 200]);
        let hits = drawn(7).iter().flatten().count();
        assert!((30..90).contains(&hits), "{hits}");
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
    }
}
