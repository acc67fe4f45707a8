//! The connection and the server as a whole: network, key, clock, latency, rate limit.

use super::{Agreement, Connection, Finding};
use crate::api::{Answer, BaseUrl};
use crate::probe::answers::{Answers, instead};
use crate::probe::prober::default_page;
use crate::probe::run_page::RunPage;
use crate::wording::counted;
use std::collections::BTreeSet;
use std::time::Duration;

/// A clock difference above this is reported.
const MAX_CLOCK_DIFFERENCE_SECONDS: i64 = 300;

/// Below this, the difference is that of the transfer and of whole seconds.
const NO_CLOCK_DIFFERENCE_SECONDS: i64 = 2;

/// A slower median is reported.
const MAX_LATENCY: Duration = Duration::from_secs(2);

/// A limit with more digits can be something else, such as an id.
const MAX_SHOWN_LIMIT: u32 = 999_999;

pub(super) fn network(base_url: &BaseUrl, connection: &Connection, is_reachable: bool) -> Finding {
    let is_encrypted = base_url.join("").scheme() == "https";
    let to = match (connection.is_nekt_api, is_encrypted) {
        (true, _) => "HTTPS to api.nekt.ai",
        (false, true) => "HTTPS to another address than Nekt's",
        (false, false) => "HTTP to this machine",
    };
    let through = connection
        .proxy_variable
        .map_or_else(|| "no proxy".to_owned(), |variable| format!("the proxy in {variable}"));
    let authorities = match connection.ca_variables.as_slice() {
        _ if !is_encrypted => String::new(),
        [] => ", CA certificates of this system".to_owned(),
        variables => format!(", CA certificates from {}", variables.join(" and ")),
    };
    let (outcome, for_sync) = match is_reachable {
        true => ("", "sync connects in the same way"),
        false => ("; no usable answer", "sync exits with 5 and stores no runs"),
    };
    Finding {
        name: "connection".to_owned(),
        result: Agreement::of(is_reachable),
        observed: format!("{to}, {through}{authorities}{outcome}"),
        expected: "answers over HTTPS, or over HTTP from this machine",
        for_sync: for_sync.to_owned(),
    }
}

pub(super) fn api_key(first: &Answer) -> Finding {
    let (result, observed, for_sync) = match &first.body {
        Ok(_) => (Agreement::Ok, "accepted".to_owned(), "sync can read the run list"),
        Err(failure) if failure.refuses_key() => (
            Agreement::Differs,
            format!("rejected ({})", instead(first)),
            "sync exits with 4 and stores nothing",
        ),
        Err(_) => (Agreement::Unknown, instead(first), "the run list shows whether the API accepts the key"),
    };
    let name = "API key".to_owned();
    Finding { name, result, observed, expected: "accepted", for_sync: for_sync.to_owned() }
}

/// `None`: nothing was answered.
pub(super) fn clock(answers: &Answers) -> Option<Finding> {
    answers.first.as_ref()?;
    let ahead = answers.clock_ahead_seconds;
    let observed = match ahead {
        None => "the server sends no time".to_owned(),
        Some(ahead) if ahead.abs() <= NO_CLOCK_DIFFERENCE_SECONDS => "equal to the server's".to_owned(),
        Some(ahead @ 0..) => format!("{ahead} s ahead of the server's"),
        Some(ahead) => format!("{} s behind the server's", ahead.unsigned_abs()),
    };
    Some(Finding {
        name: "clock of this machine".to_owned(),
        result: match ahead {
            None => Agreement::Unknown,
            Some(ahead) => Agreement::of(ahead.abs() <= MAX_CLOCK_DIFFERENCE_SECONDS),
        },
        observed,
        expected: "at most 5 min from the server's",
        for_sync: "this clock dates each observation and each sync".to_owned(),
    })
}

/// `None`: nothing was answered.
pub(super) fn latency(answers: &Answers, longest: Option<&RunPage>, concurrency: usize) -> Option<Finding> {
    let mut times: Vec<Duration> = answers.all().map(|answer| answer.took).collect();
    times.sort_unstable();
    let median = *times.get(times.len() / 2)?;
    let page_took =
        answers.of_size(default_page()).filter(|asked| asked.page.is_some()).map(|asked| asked.answer.took);
    let observed = match page_took {
        Some(took) => {
            let runs = counted(longest.map_or(0, RunPage::length) as u64, "run");
            format!("median {} ms; {} ms for {runs}", median.as_millis(), took.as_millis())
        }
        None => format!("median {} ms", median.as_millis()),
    };
    let first_sync = page_took.zip(longest).and_then(|(took, page)| {
        let requests = page.count?.div_ceil(u64::try_from(page.length()).ok().filter(|length| *length > 0)?);
        let seconds = took.as_secs_f64() * requests as f64 / concurrency as f64;
        if requests == 0 {
            return None;
        }
        let about = if seconds < 90.0 {
            format!("{} s", seconds.ceil())
        } else {
            format!("{} min", (seconds / 60.0).ceil())
        };
        Some(format!("a first sync reads this list in {}, about {about}", counted(requests, "request")))
    });
    Some(Finding {
        name: "latency".to_owned(),
        result: Agreement::of(median <= MAX_LATENCY),
        observed,
        expected: "a median of at most 2000 ms",
        for_sync: first_sync.unwrap_or_else(|| "it decides how long a sync takes".to_owned()),
    })
}

/// `None`: nothing was answered.
pub(super) fn rate_limit(answers: &Answers) -> Option<Finding> {
    answers.first.as_ref()?;
    let headers: BTreeSet<(&str, Option<u32>)> = answers
        .all()
        .flat_map(|answer| &answer.rate_limit_headers)
        // What is left changes with each request.
        .map(|(name, value)| {
            (*name, value.filter(|value| name.ends_with("-limit") && *value <= MAX_SHOWN_LIMIT))
        })
        .collect();
    let headers = Vec::from_iter(headers.iter().map(|(name, value)| match value {
        Some(value) => format!("{name}: {value}"),
        None => (*name).to_owned(),
    }));
    let mut observed = match answers.rate_limited {
        0 => "no request refused".to_owned(),
        refused => format!("{} refused", counted(refused.into(), "request")),
    };
    match headers.as_slice() {
        [] => observed.push_str(", no header about a limit"),
        headers => observed.push_str(&format!("; headers: {}", headers.join(", "))),
    }
    let for_sync = match answers.rate_limited {
        0 => "sync waits if a request is refused; --max-requests-per-second avoids that",
        _ => "sync waits and goes on; --max-requests-per-second avoids the waits",
    };
    Some(Finding {
        name: "rate limit".to_owned(),
        result: Agreement::of(answers.rate_limited == 0),
        observed,
        expected: "no request refused",
        for_sync: for_sync.to_owned(),
    })
}
