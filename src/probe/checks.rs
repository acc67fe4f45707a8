//! What the answers to a probe show.

use super::{Check, Connection, LARGE_PAGE, USUAL_PAGE};
use crate::api::{Answer, Page};
use crate::run::json::Entries;
use crate::run::{self, Drift, Instant, Redaction};
use serde_json::value::RawValue;
use std::collections::BTreeSet;
use uuid::Uuid;

/// A clock difference above this is reported.
const MAX_CLOCK_DIFFERENCE_SECONDS: i64 = 300;

/// A slower median is reported: 1,000 pages would take over half an hour.
const MAX_LATENCY_MS: u128 = 2000;

/// The answers to the requests of a probe.
pub(super) struct Answers {
    pub(super) first: Answer,
    pub(super) second: Answer,
    pub(super) usual: Answer,
    pub(super) large: Answer,
    pub(super) beyond_end: Answer,
    /// The last page of the list. `None`: the API gave no count.
    pub(super) last: Option<Answer>,
    /// `None`: the list has no run with an id.
    pub(super) details: Option<Answer>,
    pub(super) expanded: Option<Answer>,
    pub(super) unknown: Answer,
    pub(super) pipelines: Vec<(&'static str, Answer)>,
}

/// A page of the run list, as far as it could be read.
pub(super) struct RunPage {
    count: Option<u64>,
    next: Option<String>,
    ids: Vec<Option<Uuid>>,
    created: Vec<Instant>,
    drift: Vec<Drift>,
    /// The fields of the first item.
    fields: BTreeSet<String>,
    undecodable: usize,
}

impl RunPage {
    pub(super) fn of(answer: &Answer, redaction: &Redaction) -> RunPage {
        let mut read = RunPage {
            count: None,
            next: None,
            ids: Vec::new(),
            created: Vec::new(),
            drift: Vec::new(),
            fields: BTreeSet::new(),
            undecodable: 0,
        };
        let Ok(page) = Page::parse(&answer.body) else { return read };
        read.count = page.count;
        read.next = next_link(&answer.body);
        read.fields = page.items.first().map(|item| fields_of(item)).unwrap_or_default();
        for item in &page.items {
            match run::decode(item, redaction) {
                Ok(decoded) => {
                    read.ids.push(Some(decoded.run.id));
                    read.created.extend(decoded.run.created_at);
                    read.drift.extend(decoded.drift);
                }
                Err(_) => {
                    read.ids.push(None);
                    read.undecodable += 1;
                }
            }
        }
        read
    }

    /// The id of the first run. `None`: no item is a run.
    pub(super) fn first_id(&self) -> Option<Uuid> {
        self.ids.iter().flatten().next().copied()
    }

    /// The number of the last page of this length, if it is not this one. `None`: there is no other, or no count.
    pub(super) fn last_page(&self) -> Option<u32> {
        let last = self.count?.div_ceil(self.ids.len().max(1) as u64);
        u32::try_from(last).ok().filter(|last| *last > 1)
    }

    fn length(&self) -> usize {
        self.ids.len()
    }
}

impl Answers {
    /// The checks, in a fixed order.
    pub(super) fn checks(&self, redaction: &Redaction, connection: &Connection, now: Instant) -> Vec<Check> {
        let first = RunPage::of(&self.first, redaction);
        let second = RunPage::of(&self.second, redaction);
        let mut checks = vec![
            check("API key", "accepted".to_owned(), "accepted", "sync can read runs".to_owned(), true),
            network(connection),
            self.latency(),
            self.clock(now),
            self.rate_limit(),
        ];
        checks.extend(self.pipelines.iter().map(|(name, answer)| pipeline_list(name, answer)));
        checks.extend([
            run_list(&self.first, &first),
            order(&first, &second),
            next(&first),
            usual_page(&self.usual, &RunPage::of(&self.usual, redaction)),
            large_page(&self.large, &RunPage::of(&self.large, redaction)),
            last_page(self.last.as_ref()),
            beyond_end(&self.beyond_end),
            details(self.details.as_ref(), &first),
            expand(self.expanded.as_ref()),
            unknown_run(&self.unknown),
            contract(&[&first, &second]),
        ]);
        checks
    }

    fn all(&self) -> impl Iterator<Item = &Answer> {
        [&self.first, &self.second, &self.usual, &self.large, &self.beyond_end, &self.unknown]
            .into_iter()
            .chain(&self.last)
            .chain(&self.details)
            .chain(&self.expanded)
            .chain(self.pipelines.iter().map(|(_, answer)| answer))
    }

    fn latency(&self) -> Check {
        let mut times: Vec<u128> = self.all().map(|answer| answer.took.as_millis()).collect();
        times.sort_unstable();
        let (median, longest) = (times[times.len() / 2], times[times.len() - 1]);
        check(
            "latency",
            format!("median {median} ms, longest {longest} ms"),
            "a median of at most 2 s",
            "a first sync of 100,000 runs sends about 200 requests, four at a time".to_owned(),
            median <= MAX_LATENCY_MS,
        )
    }

    fn clock(&self, now: Instant) -> Check {
        let ahead = self.first.server_time.map(|server| (now.to_utc() - server).num_seconds());
        let observed = match ahead {
            None => "the server sends no time".to_owned(),
            Some(0) => "equal to the server's".to_owned(),
            Some(seconds @ 1..) => format!("{seconds} s ahead of the server's"),
            Some(seconds) => format!("{} s behind the server's", -seconds),
        };
        check(
            "clock",
            observed,
            "within 5 minutes of the server's",
            "sync dates its observations by this clock".to_owned(),
            ahead.is_none_or(|seconds| seconds.abs() <= MAX_CLOCK_DIFFERENCE_SECONDS),
        )
    }

    fn rate_limit(&self) -> Check {
        let limited = self.all().filter(|answer| answer.status == 429).count();
        let names: BTreeSet<&str> =
            self.all().flat_map(|answer| &answer.rate_limit_headers).map(String::as_str).collect();
        let observed = match (limited, names.is_empty()) {
            (0, true) => "no limit announced".to_owned(),
            (0, false) => format!("announced by {}", Vec::from_iter(names).join(", ")),
            (limited, _) => format!("{limited} requests answered with 429"),
        };
        check(
            "rate limit",
            observed,
            "no 429 in a dozen requests",
            "sync waits as Retry-After says; --max-requests-per-second avoids the limit".to_owned(),
            limited == 0,
        )
    }
}

fn check(
    name: &'static str,
    observed: String,
    expected: &'static str,
    meaning: String,
    as_expected: bool,
) -> Check {
    Check { name, observed, expected, meaning, as_expected }
}

fn network(connection: &Connection) -> Check {
    let through = connection
        .proxy_variable
        .map_or_else(|| "direct".to_owned(), |variable| format!("through the proxy in {variable}"));
    let authorities = if connection.has_own_certificates { "those in SSL_CERT_FILE" } else { "the system's" };
    check(
        "connection",
        format!("{through}, CA certificates: {authorities}"),
        "any",
        "sync uses the same connection".to_owned(),
        true,
    )
}

fn pipeline_list(name: &'static str, answer: &Answer) -> Check {
    let observed = match Page::parse(&answer.body) {
        Ok(page) if answer.status == 200 => {
            format!("{} listed", page.count.unwrap_or(page.items.len() as u64))
        }
        _ => status(answer),
    };
    let meaning = if answer.status == 200 {
        "pipelines have names".to_owned()
    } else {
        "these pipelines have no names; sync archives the runs and exits with 3".to_owned()
    };
    check(name, observed, "a list", meaning, answer.status == 200)
}

fn run_list(answer: &Answer, page: &RunPage) -> Check {
    let is_usable = answer.status == 200 && page.count.is_some() && page.undecodable == 0;
    let observed = match (answer.status, page.count, page.undecodable) {
        (200, Some(count), 0) => format!("{count} runs"),
        (200, None, 0) => "a page without a count".to_owned(),
        (200, _, items) => format!("{items} items that are no runs"),
        _ => status(answer),
    };
    check(
        "run list",
        observed,
        "runs and their count",
        "without a count, sync reads until a page is empty; items that are no runs go into quarantine"
            .to_owned(),
        is_usable,
    )
}

fn order(first: &RunPage, second: &RunPage) -> Check {
    let created: Vec<&Instant> = first.created.iter().chain(&second.created).collect();
    let (observed, meaning) = if created.len() < 2 {
        ("too few runs to tell", "sync finds out")
    } else if created.is_sorted_by(|newer, older| newer >= older) {
        ("newest first", "later syncs read only the newest pages")
    } else if created.is_sorted() {
        ("oldest first", "each sync reads the whole list")
    } else {
        ("none", "each sync reads the whole list, unless at most five runs are out of order")
    };
    let as_expected = !matches!(observed, "oldest first" | "none");
    check("order of the list", observed.to_owned(), "newest first", meaning.to_owned(), as_expected)
}

fn next(page: &RunPage) -> Check {
    let (observed, as_expected) = match page.next.as_deref() {
        None if page.count > Some(page.length() as u64) => ("null although the list goes on", false),
        None => ("null on the only page", true),
        Some(link) if link.starts_with("https://") || link.starts_with("http://") => {
            ("an absolute URL", true)
        }
        Some(_) => ("a relative URL", false),
    };
    check(
        "next link",
        observed.to_owned(),
        "an absolute URL",
        "sync builds each URL itself and follows no link".to_owned(),
        as_expected,
    )
}

fn usual_page(answer: &Answer, page: &RunPage) -> Check {
    let length = page.length() as u64;
    let is_whole = length >= u64::from(USUAL_PAGE) || page.count == Some(length);
    let (observed, meaning) = match (answer.status, is_whole) {
        (200, true) => {
            (format!("{length} runs"), "sync reads the list with its default page size".to_owned())
        }
        (200, false) => {
            (format!("cut to {length} runs"), format!("sync reads pages of {length} runs; nothing is missed"))
        }
        _ => (status(answer), "sync reads smaller pages; --page-size saves it the search".to_owned()),
    };
    check("page of 500 runs", observed, "500 runs, or fewer", meaning, answer.status == 200)
}

fn large_page(answer: &Answer, page: &RunPage) -> Check {
    let length = page.length() as u64;
    let is_whole = length >= u64::from(LARGE_PAGE) || page.count == Some(length);
    let observed = match (answer.status, is_whole) {
        (200, true) => format!("{length} runs"),
        (200, false) => format!("cut to {length} runs"),
        _ => status(answer),
    };
    let meaning = "the largest useful --page-size".to_owned();
    check("page of 1,000 runs", observed, "as many, or fewer", meaning, answer.status == 200)
}

fn last_page(answer: Option<&Answer>) -> Check {
    let observed = match answer {
        None => "the list has one page".to_owned(),
        Some(answer) if answer.status == 200 => "returned".to_owned(),
        Some(answer) => status(answer),
    };
    let as_expected = answer.is_none_or(|answer| answer.status == 200);
    let meaning = if as_expected {
        "sync can read the whole list"
    } else {
        "sync archives the runs above a position, names it, and exits with 3"
    };
    check("last page", observed, "returned", meaning.to_owned(), as_expected)
}

fn beyond_end(answer: &Answer) -> Check {
    let is_empty = Page::parse(&answer.body).is_ok_and(|page| page.items.is_empty());
    let (observed, as_expected) = match (answer.status, is_empty) {
        (404, _) => ("HTTP 404".to_owned(), true),
        (200, true) => ("an empty page".to_owned(), true),
        (200, false) => ("runs".to_owned(), false),
        _ => (status(answer), false),
    };
    let meaning = "sync finds the end of the list by its count, and by this answer".to_owned();
    check("page beyond the end", observed, "HTTP 404 or an empty page", meaning, as_expected)
}

fn details(answer: Option<&Answer>, listed: &RunPage) -> Check {
    let expected = "the fields of the list";
    let Some(answer) = answer else {
        return check(
            "one run by id",
            "not asked".to_owned(),
            expected,
            "the list has no run".to_owned(),
            true,
        );
    };
    let fields = serde_json::from_str::<&RawValue>(&answer.body).map(fields_of).unwrap_or_default();
    let missing: Vec<&str> = fields.difference(&listed.fields).map(String::as_str).collect();
    let (observed, meaning) = match (answer.status, missing.is_empty()) {
        (200, true) => (format!("{} fields, as in the list", fields.len()), "the list is enough"),
        (200, false) => (
            format!("also {}", missing.join(", ")),
            "sync requests a run by id where the list omits a documented field",
        ),
        _ => (status(answer), "sync cannot update runs that are not on the pages it reads"),
    };
    check("one run by id", observed, expected, meaning.to_owned(), answer.status == 200 && missing.is_empty())
}

fn expand(answer: Option<&Answer>) -> Check {
    let observed = match answer {
        None => "not asked".to_owned(),
        Some(answer) if answer.status != 200 => status(answer),
        Some(answer) => {
            let run = serde_json::from_str::<&RawValue>(&answer.body).ok().and_then(Entries::of);
            match run.as_ref().and_then(|run| run.get("source")).map(|source| source.get().as_bytes()[0]) {
                Some(b'{') => "an object in place of the id".to_owned(),
                _ => "no object, or the run has no source".to_owned(),
            }
        }
    };
    let as_expected = answer.is_none_or(|answer| answer.status == 200);
    check("expand[]=source", observed, "accepted", "sync does not use it".to_owned(), as_expected)
}

fn unknown_run(answer: &Answer) -> Check {
    let meaning = "sync takes 404 for a deleted run, and other answers for a failure".to_owned();
    check("unknown run", status(answer), "HTTP 404", meaning, answer.status == 404)
}

fn contract(pages: &[&RunPage]) -> Check {
    let deviations: BTreeSet<String> = pages
        .iter()
        .flat_map(|page| &page.drift)
        .map(|drift| format!("{} of {}", drift.kind.as_str(), drift.field))
        .collect();
    let observed = match deviations.len() {
        0 => "none".to_owned(),
        _ => Vec::from_iter(deviations.iter().map(String::as_str)).join(", "),
    };
    check(
        "fields, values and types outside the contract",
        observed,
        "none",
        "sync keeps them, and `runledger drift` lists them".to_owned(),
        deviations.is_empty(),
    )
}

fn status(answer: &Answer) -> String {
    match answer.status {
        200 => "HTTP 200 without a usable body".to_owned(),
        status => format!("HTTP {status}"),
    }
}

fn fields_of(item: &RawValue) -> BTreeSet<String> {
    let entries = Entries::of(item);
    entries.iter().flat_map(|entries| &entries.0).map(|entry| entry.key.to_string()).collect()
}

/// The text of a page's `next`. `None`: it is null or missing.
fn next_link(body: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Links {
        next: Option<String>,
    }
    serde_json::from_str::<Links>(body).ok()?.next
}
