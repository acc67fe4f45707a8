//! Synthetic answers, and what they show.

use super::answers::{Answers, Details, LastPage, PageAnswer};
use super::{Agreement, Connection, Finding};
use crate::api::{Answer, BaseUrl, Failure};
use crate::run::decode::Decoded;
use crate::run::{Redaction, decode};
use serde_json::{Value, json};
use std::sync::LazyLock;
use std::time::Duration;

const NEXT: &str = "https://api.nekt.ai/api/v1/runs/?page=2&page_size=20";

/// The n-th run of a list that is newest first.
fn item(number: u32) -> Value {
    let minutes = 60_000 - number;
    json!({
        "id": format!("00000000-0000-4000-8000-{number:012}"), "number": minutes,
        "created_at": format!("2026-{:02}-{:02}T{:02}:{:02}:00Z",
            minutes / 40_000 + 1, minutes / 1440 % 28 + 1, minutes / 60 % 24, minutes % 60),
        "updated_at": "2026-03-01T00:00:00Z", "started_at": null, "ended_at": null, "duration_seconds": null,
        "status": "success", "trigger": {"type": "manual"}, "full_sync": false, "extra_config": null,
        "credit_charge_status": "charged", "el_cost_usd": 0.5, "el_cost_metadata": null,
        "transformation_cost_usd": null, "transformation_cost_metadata": null, "triggered_by": null,
        "triggered_by_token": null, "source": "acme-crm", "destination": null, "transformation": null,
    })
}

fn answer(body: Result<String, Failure>) -> Answer {
    Answer { body, took: Duration::from_millis(40), server_time: None, rate_limit_headers: Vec::new() }
}

fn json_answer(body: &Value) -> Answer {
    answer(Ok(body.to_string()))
}

fn status(status: u16) -> Answer {
    answer(Err(Failure::Status {
        status,
        retry_after: None,
        detail: Some("Acme may not see this".to_owned()),
    }))
}

fn page(count: u64, next: Option<&str>, items: Vec<Value>) -> PageAnswer {
    asked(json_answer(&json!({"count": count, "next": next, "previous": null, "results": items})))
}

fn asked(answer: Answer) -> PageAnswer {
    PageAnswer::of(answer, &Redaction::default())
}

fn decoded(item: &Value) -> Decoded {
    decode(serde_json::from_str(&item.to_string()).unwrap(), &Redaction::default()).unwrap()
}

fn details(listed: &Value, by_id: &Value) -> Option<Details> {
    Some(Details::of(decoded(listed), json_answer(by_id), &Redaction::default()))
}

fn runs(numbers: std::ops::Range<u32>) -> Vec<Value> {
    numbers.map(item).collect()
}

/// The answers of an API that is as expected, with 700 runs.
fn healthy() -> Answers {
    // Parsed once: a debug build takes a moment for a thousand runs.
    static HEALTHY: LazyLock<Answers> = LazyLock::new(|| {
        let mut expanded = item(0);
        expanded["source"] = json!({"id": "p", "slug": "acme-crm"});
        let pipelines = page(3, None, vec![json!({"id": "p", "slug": "acme-crm"})]).answer;
        let longest = page(700, Some(NEXT), runs(0..500));
        let lists = ["sources", "destinations", "transformations"];
        Answers {
            first: Some(page(700, Some(NEXT), runs(0..20))),
            second: Some(page(700, Some(NEXT), runs(20..40))),
            sizes: vec![(500, longest.clone()), (1000, longest)],
            last: last_page(page(700, None, runs(500..700))),
            beyond_end: Some(asked(status(404))),
            pipelines: lists.map(|list| (list, pipelines.clone())).into(),
            details: details(&item(0), &item(0)),
            expanded: Some(("source", json_answer(&expanded))),
            unknown_run: Some(status(404)),
            rate_limited: 0,
            clock_ahead_seconds: Some(0),
        }
    });
    HEALTHY.clone()
}

fn last_page(asked: PageAnswer) -> Option<LastPage> {
    Some(LastPage { number: 2, step: 500, asked })
}

/// An API with these runs on its only page.
fn short(items: Vec<Value>) -> Answers {
    let first = Some(page(items.len() as u64, None, items));
    Answers { first, sizes: Vec::new(), last: None, ..healthy() }
}

fn findings(answers: &Answers) -> Vec<Finding> {
    let connection =
        Connection { is_nekt_api: true, proxy_variable: None, ca_variables: Vec::new(), concurrency: 4 };
    answers.findings(&BaseUrl::parse("https://api.nekt.ai").unwrap(), &connection, true)
}

/// The result and the observation of a finding.
fn found(answers: &Answers, name: &str) -> (Agreement, String) {
    let found = findings(answers);
    let finding = found.iter().find(|finding| finding.name == name);
    let finding = finding.unwrap_or_else(|| panic!("there is no finding {name} in {found:#?}"));
    assert!(!finding.for_sync.is_empty() && !finding.expected.is_empty(), "{finding:?}");
    (finding.result, finding.observed.clone())
}

fn assert_found(answers: &Answers, name: &str, result: Agreement, observed: &str) {
    assert_eq!(found(answers, name), (result, observed.to_owned()), "{name}");
}

use Agreement::{Differs, Ok as Fits, Unknown};

#[test]
fn nothing_differs_in_a_healthy_api() {
    let found = findings(&healthy());
    assert_eq!(found.len(), 21);
    for finding in &found {
        assert_eq!(finding.result, Fits, "{finding:?}");
    }
    for (name, observed) in [
        ("connection", "HTTPS to api.nekt.ai, no proxy, CA certificates of this system"),
        ("run list", "700 runs"),
        ("order of the run list", "newest first (700 runs compared)"),
        ("page of 500 runs", "500 runs"),
        ("page of 1000 runs", "cut to 500 runs"),
        ("latency", "median 40 ms; 40 ms for 500 runs"),
        ("last page", "200 runs and no next link"),
        ("list of sources", "3 listed"),
        ("run by its id", "21 fields; the list has them all"),
        ("pipeline of a run", "one in each of 700 runs (by slug)"),
    ] {
        assert_found(&healthy(), name, Fits, observed);
    }
}

#[test]
fn the_order_is_seen_in_all_pages() {
    let order = |first: Vec<Value>, last: Vec<Value>| {
        let last = last_page(page(700, None, last));
        let answers = Answers { sizes: vec![(500, page(700, None, first))], last, ..healthy() };
        found(&answers, "order of the run list")
    };
    let reversed = |numbers| Vec::from_iter(runs(numbers).into_iter().rev());
    assert_eq!(
        order(reversed(200..700), reversed(0..200)),
        (Differs, "oldest first (700 runs compared)".to_owned())
    );
    // Only the last page shows it.
    assert_eq!(order(runs(200..700), runs(0..200)).0, Differs);
    let mut few = runs(0..500);
    few.swap(10, 11);
    few.swap(300, 320);
    let (result, observed) = order(few, runs(500..700));
    assert_eq!((result, observed.as_str()), (Differs, "newest first, except 3 runs (700 runs compared)"));
    let mixed: Vec<Value> = (0..500).map(|number| item(number * 37 % 500)).collect();
    assert_eq!(
        order(mixed, Vec::new()),
        (Differs, "neither newest nor oldest first (500 runs compared)".to_owned())
    );
    assert_found(&short(runs(0..1)), "order of the run list", Unknown, "too few runs to see it");
}

#[test]
fn the_limit_of_a_page_is_found() {
    let with = |sizes| Answers { sizes, ..healthy() };
    let pages = |lengths: [(u32, u32); 2], count| {
        with(lengths.map(|(size, length)| (size, page(count, None, runs(0..length)))).into())
    };
    let cut = pages([(500, 100), (1000, 100)], 700);
    assert_found(&cut, "page of 500 runs", Differs, "cut to 100 runs");
    assert_found(&cut, "page of 1000 runs", Fits, "cut to 100 runs");
    let meaning =
        findings(&cut).into_iter().find(|finding| finding.name == "page of 500 runs").unwrap().for_sync;
    assert!(meaning.contains("5 times the requests"), "{meaning}");
    let rejected = with(vec![
        (500, asked(status(400))),
        (250, asked(status(400))),
        (100, page(700, None, runs(0..100))),
    ]);
    assert_found(&rejected, "page of 500 runs", Differs, "HTTP 400; a page of 100 is served");
    let rejected = with(vec![(500, page(700, None, runs(0..500))), (1000, asked(status(400)))]);
    assert_found(&rejected, "page of 500 runs", Fits, "500 runs");
    assert_found(&rejected, "page of 1000 runs", Differs, "HTTP 400");
    let all_rejected = with(vec![
        (500, asked(status(504))),
        (250, asked(status(504))),
        (100, asked(status(504))),
        (50, asked(status(504))),
    ]);
    assert_found(&all_rejected, "page of 500 runs", Differs, "HTTP 504; a page of 20 is served");
    let short = pages([(500, 60), (1000, 60)], 60);
    assert_found(&short, "page of 500 runs", Unknown, "60 runs, the whole list");
    assert_found(&short, "page of 1000 runs", Unknown, "60 runs, the whole list");
    let ignored = pages([(500, 700), (1000, 700)], 2000);
    assert_found(&ignored, "page of 500 runs", Differs, "700 runs, more than requested");
    assert_found(&pages([(500, 500), (1000, 1000)], 2000), "page of 1000 runs", Fits, "1000 runs");
}

#[test]
fn the_next_link_is_described_and_not_printed() {
    for (link, result, observed) in [
        (Some(NEXT), Fits, "an absolute URL with the same host and parameters"),
        (None, Differs, "null, although the list goes on"),
        (Some("/api/v1/runs/?page=2&page_size=20"), Differs, "a relative URL"),
        (Some("https://"), Differs, "a text that is no URL"),
        (
            Some("http://acme.internal/api/v1/runs/?cursor=YWNtZQ&page_size=20"),
            Differs,
            "an absolute URL with another scheme, another host, no page=2",
        ),
        (Some("https://api.nekt.ai/api/v1/runs/?page=2"), Differs, "an absolute URL with no page_size"),
    ] {
        let answers = Answers { first: Some(page(700, link, runs(0..20))), ..healthy() };
        assert_found(&answers, "next link", result, observed);
    }
    let whole = Answers { first: Some(page(20, None, runs(0..20))), ..healthy() };
    assert_found(&whole, "next link", Unknown, "null, as on a last page");
}

#[test]
fn pages_that_do_not_lead_through_the_list_differ() {
    let second = |answer| found(&Answers { second: Some(answer), ..healthy() }, "second page");
    assert_eq!(
        second(page(700, None, runs(0..20))),
        (Differs, "the runs of the first page again".to_owned())
    );
    // A run was created meanwhile.
    assert_eq!(
        second(page(701, None, runs(19..39))),
        (Fits, "other runs, and 1 of the first page".to_owned())
    );
    assert_eq!(second(page(700, None, Vec::new())), (Differs, "no runs".to_owned()));
    assert_eq!(second(asked(status(404))), (Differs, "HTTP 404".to_owned()));

    let first = |asked| found(&Answers { first: Some(asked), ..healthy() }, "run list");
    assert_eq!(first(page(0, None, runs(0..1))), (Differs, "1 run, more than their count".to_owned()));
    assert_eq!(first(page(0, None, Vec::new())), (Unknown, "an empty list".to_owned()));
    let uncounted = json_answer(&json!({"next": NEXT, "results": runs(0..20)}));
    assert_eq!(first(asked(uncounted)), (Differs, "runs without their count".to_owned()));
    let broken = Answers {
        sizes: vec![(500, page(3, None, vec![item(0), json!(7), json!({})]))],
        ..short(runs(0..2))
    };
    assert_found(&broken, "run list", Differs, "2 of 3 items are no runs");

    let last = |asked| found(&Answers { last: last_page(asked), ..healthy() }, "last page");
    assert_eq!(
        last(page(650, None, runs(500..700))),
        (Differs, "200 runs, other than the count says".to_owned())
    );
    // Runs were created meanwhile.
    assert_eq!(last(page(702, None, runs(498..700))).0, Fits);
    assert_eq!(
        last(page(700, Some(NEXT), runs(500..700))),
        (Differs, "200 runs, and a link to another page".to_owned())
    );
    assert_eq!(last(asked(status(400))), (Differs, "HTTP 400".to_owned()));

    let beyond = |answer| found(&Answers { beyond_end: Some(answer), ..healthy() }, "page beyond the end");
    assert_eq!(beyond(page(700, None, Vec::new())), (Fits, "an empty page".to_owned()));
    assert_eq!(beyond(page(700, None, runs(0..20))), (Differs, "a page with runs".to_owned()));
    assert_eq!(beyond(asked(status(500))), (Differs, "HTTP 500".to_owned()));
}

#[test]
fn fields_that_only_a_run_by_its_id_has_are_named_if_documented() {
    let compared = |listed: &Value, by_id: &Value| {
        found(&Answers { details: details(listed, by_id), ..healthy() }, "run by its id")
    };
    let mut by_id = item(0);
    by_id["el_cost_metadata"] = json!({"a": 1});
    by_id["acme_secret"] = json!("x");
    let mut listed = item(0);
    listed.as_object_mut().unwrap().remove("trigger");
    assert_eq!(
        compared(&listed, &by_id),
        (Differs, "the list lacks trigger, the value of el_cost_metadata, 1 undocumented field".to_owned())
    );
    // It may have ended between the two requests.
    listed["status"] = json!("running");
    by_id["status"] = json!("running");
    listed["trigger"] = json!({"type": "manual"});
    listed["acme_secret"] = json!("x");
    assert_eq!(compared(&listed, &by_id).0, Fits);
    let gone = Details::of(decoded(&listed), status(404), &Redaction::default());
    let gone = Answers { details: Some(gone), ..healthy() };
    assert_found(&gone, "run by its id", Differs, "HTTP 404");
}

#[test]
fn deviations_from_the_contract_are_counted_without_their_texts() {
    let with = |change: fn(u32, &mut Value)| {
        let mut items = runs(0..40);
        items.iter_mut().zip(0..).for_each(|(item, number)| change(number, item));
        found(&short(items), "fields, values and types outside the contract").1
    };
    assert_eq!(with(|_, _| ()), "none in 40 runs");
    // A field of the schema has a name, and a key of one run may be a person's.
    assert_eq!(with(|_, run| run["retry_policy"] = json!(1)), "in 40 runs: new field retry_policy (40 runs)");
    let hidden = "in 40 runs: 1 new field with a name that is not shown";
    assert_eq!(
        with(|number, run| if number == 7 {
            run["ana_souza"] = json!(1)
        }),
        hidden
    );
    for name in ["Ana Souza", "ana52998224725", "acme@example.com", "a\u{1b}b", ""] {
        let mut items = runs(0..40);
        items.iter_mut().for_each(|run| run[name] = json!(1));
        assert_found(&short(items), "fields, values and types outside the contract", Differs, hidden);
    }
    assert_eq!(
        with(|number, run| if number < 3 {
            run["status"] = json!("acme")
        }),
        "in 40 runs: unknown status (3 runs)"
    );
    assert_eq!(
        with(|number, run| if number == 1 {
            run["trigger"] = json!({"type": "acme", "cron_timezone": 7})
        }),
        "in 40 runs: unknown trigger.type (1 run); trigger.cron_timezone: number (1 run)"
    );
    assert_eq!(
        with(|_, run| run["el_cost_usd"] = json!("acme")),
        "in 40 runs: el_cost_usd: string (40 runs)"
    );
    let mut by_id = item(0);
    by_id.as_object_mut().unwrap().remove("full_sync");
    let answers = Answers { details: details(&item(0), &by_id), ..healthy() };
    assert_found(
        &answers,
        "fields, values and types outside the contract",
        Differs,
        "in 700 runs: no full_sync",
    );
}

#[test]
fn runs_without_exactly_one_pipeline_differ() {
    let with = |change: fn(&mut Value)| {
        let mut items = runs(0..40);
        change(&mut items[3]);
        found(&short(items), "pipeline of a run")
    };
    assert_eq!(
        with(|run| run["source"] = Value::Null),
        (Differs, "1 of 40 runs without exactly one".to_owned())
    );
    assert_eq!(
        with(|run| run["destination"] = json!("x")),
        (Differs, "1 of 40 runs without exactly one".to_owned())
    );
    let (_, observed) = with(|run| run["source"] = json!("00000000-0000-4000-8000-000000000001"));
    assert_eq!(observed, "one in each of 40 runs (1 by UUID, 39 by slug)");
}

#[test]
fn a_wrong_clock_a_slow_server_and_a_rate_limit_differ() {
    let clock = |ahead| found(&Answers { clock_ahead_seconds: ahead, ..healthy() }, "clock of this machine");
    assert_eq!(clock(Some(-1)), (Fits, "equal to the server's".to_owned()));
    assert_eq!(clock(Some(100)), (Fits, "100 s ahead of the server's".to_owned()));
    assert_eq!(clock(Some(-3600)), (Differs, "3600 s behind the server's".to_owned()));
    assert_eq!(clock(None), (Unknown, "the server sends no time".to_owned()));

    let mut answers = healthy();
    answers.rate_limited = 2;
    answers.second.as_mut().unwrap().answer.rate_limit_headers =
        vec![("ratelimit-policy", None), ("x-ratelimit-limit", Some(60)), ("x-ratelimit-remaining", Some(7))];
    answers.unknown_run.as_mut().unwrap().rate_limit_headers = vec![("x-ratelimit-remaining", Some(6))];
    let observed =
        "2 requests refused; headers: ratelimit-policy, x-ratelimit-limit: 60, x-ratelimit-remaining";
    assert_found(&answers, "rate limit", Differs, observed);

    let mut answers = healthy();
    answers.pipelines.iter_mut().for_each(|(_, answer)| answer.took = Duration::from_secs(9));
    assert_eq!(found(&answers, "latency").0, Fits);
    answers.sizes.iter_mut().for_each(|(_, asked)| asked.answer.took = Duration::from_secs(9));
    for asked in [&mut answers.first, &mut answers.second] {
        asked.as_mut().unwrap().answer.took = Duration::from_secs(9);
    }
    assert_found(&answers, "latency", Differs, "median 9000 ms; 9000 ms for 500 runs");
}

#[test]
fn a_failure_is_described_without_text_of_the_server() {
    for (failure, observed) in [
        (Failure::Status { status: 500, retry_after: None, detail: Some("Acme".to_owned()) }, "HTTP 500"),
        (Failure::Redirect { status: 302 }, "HTTP 302, a redirect"),
        (Failure::InvalidResponse("Acme".to_owned()), "text in an unknown encoding"),
        (Failure::TooLarge { limit_bytes: 7 }, "more than 7 bytes"),
        (Failure::Transport("no response in time".to_owned()), "no complete answer: no response in time"),
    ] {
        let mut answers = healthy();
        answers.pipelines[0].1 = answer(Err(failure));
        assert_found(&answers, "list of sources", Differs, observed);
    }
    let mut answers = healthy();
    answers.pipelines[0].1 = answer(Ok(r#"{"results":"Acme"}"#.to_owned()));
    assert_found(&answers, "list of sources", Differs, "HTTP 200 with other content");
}

#[test]
fn no_text_of_the_api_is_in_a_finding() {
    let hostile = "Acme S\u{e3}o Paulo \u{1b}[31m 00000000-0000-4000-8000-000000000001";
    /// Replaces every text and adds one under its own name.
    fn spoil(value: &mut Value, hostile: &str) {
        match value {
            Value::String(text) => *text = hostile.to_owned(),
            Value::Array(items) => items.iter_mut().for_each(|item| spoil(item, hostile)),
            Value::Object(entries) => {
                entries
                    .iter_mut()
                    .filter(|(key, _)| *key != "id")
                    .for_each(|(_, value)| spoil(value, hostile));
                entries.insert(hostile.to_owned(), json!(hostile));
            }
            _ => *value = json!(hostile),
        }
    }
    let spoiled = |answer: &Answer| {
        let mut value: Value = serde_json::from_str(answer.body.as_deref().unwrap()).unwrap();
        match value.get_mut("results").and_then(Value::as_array_mut) {
            Some(items) => {
                items.iter_mut().for_each(|item| spoil(item, hostile));
                value["next"] = json!(hostile);
            }
            None => spoil(&mut value, hostile),
        }
        json_answer(&value)
    };
    let mut answers = healthy();
    let details = answers.details.as_mut().unwrap();
    *details = Details::of(details.listed.clone(), spoiled(&details.answer), &Redaction::default());
    let first = answers.first.iter_mut().chain(&mut answers.second);
    let pages = first.chain(answers.sizes.iter_mut().map(|(_, page)| page));
    pages.for_each(|page| *page = asked(spoiled(&page.answer)));
    let others = answers.pipelines.iter_mut().chain(&mut answers.expanded);
    others.for_each(|(_, answer)| *answer = spoiled(answer));
    let text = serde_json::to_string(&findings(&answers)).unwrap();
    assert!(text.contains("unknown status (500 runs)"), "{text}");
    for part in ["Acme", "Paulo", "00000000", "u001b", "acme"] {
        assert!(!text.contains(part), "{part} is in {text}");
    }
}
