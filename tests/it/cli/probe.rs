//! `runledger probe`: what the API does, what sync expects, and no text of the workspace.

use super::{command, command_with, files, run, with};
use crate::support::command::Ran;
use crate::support::fault::{Fault, FaultPlan, Response, Target};
use crate::support::fault_proxy::FaultProxy;
use crate::support::machine::{Machine, Victim};
use crate::support::network::{ConnectProxy, ProxyRule, closed_port, serve_tls, tls_fixture};
use crate::support::workspace::{Workspace, page_of, places, run_of};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use runledger::internal::sandbox::{Model, Options, Order, PipelineKind};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::mpsc;
use uuid::Uuid;

/// The output of `probe --json`.
struct Probed {
    code: i32,
    report: Value,
    error: String,
}

impl Probed {
    fn of(ran: &Ran) -> Probed {
        let report = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
        Probed { code: ran.code, report, error: ran.err.clone() }
    }

    /// The result and the observation of a finding.
    fn found(&self, name: &str) -> (&str, &str) {
        let findings = self.report["findings"].as_array().unwrap();
        let finding = findings.iter().find(|finding| finding["name"] == name);
        let finding = finding.unwrap_or_else(|| panic!("there is no finding {name} in {findings:#?}"));
        (finding["result"].as_str().unwrap(), finding["observed"].as_str().unwrap())
    }

    fn differing(&self) -> Vec<&str> {
        let findings = self.report["findings"].as_array().unwrap().iter();
        let differing = findings.filter(|finding| finding["result"] == "differs");
        differing.map(|finding| finding["name"].as_str().unwrap()).collect()
    }
}

fn probed(workspace: &Workspace) -> Probed {
    Probed::of(&with(workspace, &["probe", "--json"]))
}

/// Probes through a proxy that injects faults.
fn probed_under(workspace: &Workspace, plan: FaultPlan) -> Probed {
    let proxy = workspace.runtime.block_on(FaultProxy::start(&workspace.sandbox, plan)).unwrap();
    Probed::of(&with(workspace, &["probe", "--json", "--api-url", &proxy.url()]))
}

#[test]
fn a_healthy_api_is_probed_with_twelve_requests() {
    let workspace = Workspace::of(1200);
    let ran = with(&workspace, &["probe"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    assert_eq!(workspace.sandbox.request_count(), 12);
    assert_eq!(files(&workspace), [""; 0], "it stores nothing");
    assert!(ran.out.lines().all(|line| line.chars().count() <= 80), "{}", ran.out);
    let title = ran.out.lines().next().unwrap();
    assert!(
        title.starts_with("Probe of the API  ") && title.contains(" · 12 requests · runledger "),
        "{title}"
    );
    assert!(ran.out.ends_with("\n\n21 ok, 0 differ   nothing was stored   in full: --wide\n"), "{}", ran.out);
    let line = "ok       order of the run list    newest first (700 runs compared)\n";
    assert!(ran.out.contains(line), "{}", ran.out);
    for width in ["60", "120"] {
        let mut probe = command_with(&workspace, &["probe"]);
        probe.env("COLUMNS", width);
        let most = width.parse::<usize>().unwrap();
        assert!(run(probe).out().lines().all(|line| line.chars().count() <= most));
    }
    let in_full = with(&workspace, &["probe", "--wide"]).out();
    let record = "ok       order of the run list\n         observed  newest first (700 runs compared)\n         \
                  expected  newest first\n         for sync  after the first sync, each sync reads the newest pages only\n";
    assert!(
        in_full.contains(record) && in_full.ends_with("\n\n21 ok, 0 differ   nothing was stored\n"),
        "{in_full}"
    );

    let probed = probed(&workspace);
    assert_eq!(
        (probed.code, &probed.report["as_expected"], &probed.report["requests"]),
        (0, &true.into(), &12.into())
    );
    assert_eq!(probed.report["runledger_version"], env!("CARGO_PKG_VERSION"));
    for finding in probed.report["findings"].as_array().unwrap() {
        let keys: BTreeSet<&str> = finding.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, BTreeSet::from(["name", "result", "observed", "expected", "for_sync"]));
        assert!(
            finding
                .as_object()
                .unwrap()
                .values()
                .all(|text| text.as_str().is_some_and(|text| !text.is_empty()))
        );
    }
    assert_eq!(probed.found("page of 1000 runs"), ("ok", "cut to 500 runs"));
    assert_eq!(probed.found("last page"), ("ok", "200 runs and no next link"));
    assert_eq!(probed.found("run that does not exist"), ("ok", "HTTP 404"));
}

#[test]
fn a_workspace_with_few_runs_leaves_some_findings_unknown() {
    for runs in [0, 1, 15] {
        let workspace = Workspace::of(runs);
        let probed = probed(&workspace);
        assert_eq!((probed.code, probed.differing()), (0, Vec::new()), "{runs}: {:#?}", probed.report);
        assert_eq!(probed.found("page of 500 runs").0, "unknown");
    }
    let text = with(&Workspace::of(15), &["probe"]).out();
    let first = text.lines().nth(2).unwrap();
    assert!(first.starts_with("unknown  "), "what is ok comes last: {text}");
    assert!(text.contains(" ok, 0 differ, 3 unknown   nothing was stored   in full: --wide\n"), "{text}");
}

#[test]
fn each_deviation_is_reported_with_its_meaning_and_exits_with_3() {
    let workspace = Workspace::of(1200);
    workspace.sandbox.model().set_order(Order::OldestFirst);
    workspace.sandbox.model().omit_from_lists(&["el_cost_metadata", "trigger"]);
    // No page of more than 100 runs, none below the thousandth run, and no sources.
    workspace.sandbox.on_request(|call, _| {
        let refused = places(call).is_some_and(|places| places.len() > 100 || places.end > 1000);
        let status = match (call.path.as_str(), refused) {
            ("/api/v1/sources/", _) => StatusCode::INTERNAL_SERVER_ERROR,
            (_, true) => StatusCode::BAD_REQUEST,
            _ => return None,
        };
        Some(status.into_response())
    });
    let ran = with(&workspace, &["probe"]);
    assert_eq!(ran.code, 3);
    assert!(
        ran.out.lines().nth(2).unwrap().starts_with("differs  "),
        "what differs comes first: {}",
        ran.out
    );
    let probed = probed(&workspace);
    let differing = [
        "order of the run list",
        "page of 500 runs",
        "last page",
        "page beyond the end",
        "list of sources",
        "run by its id",
    ];
    assert_eq!((probed.code, probed.differing()), (3, differing.to_vec()), "{:#?}", probed.report);
    let what = format!("the API differs from what sync expects: {}", differing.join(", "));
    assert_eq!(serde_json::from_str::<Value>(&probed.error).unwrap()["error"], what);
    assert_eq!(probed.found("page of 500 runs").1, "HTTP 400; a page of 100 is served");
    assert_eq!(probed.found("list of sources").1, "HTTP 500");
    assert_eq!(probed.found("run by its id").1, "the list lacks trigger, el_cost_metadata");
    assert!(workspace.sandbox.request_count() <= 2 * 14);
}

#[test]
fn a_page_size_that_is_cut_or_ignored_is_measured() {
    let options = Options { max_page_size: 100, ..Options::default() };
    let cut = probed(&Workspace::serving(1200, options));
    assert_eq!((cut.code, cut.differing()), (3, vec!["page of 500 runs"]));
    assert_eq!(cut.found("page of 500 runs").1, "cut to 100 runs");
    assert_eq!(cut.found("last page").0, "ok");
    let workspace = Workspace::of(1200);
    workspace.sandbox.on_request(|call, model| {
        let page = page_of(call)?;
        let runs: Vec<&str> = model.runs().skip((page as usize - 1) * 50).take(50).collect();
        let link = "http://elsewhere.example/api/v1/runs/?cursor=abc";
        let body = format!(r#"{{"count":{},"next":"{link}","results":[{}]}}"#, model.count(), runs.join(","));
        Some(body.into_response())
    });
    let ignored = probed(&workspace);
    assert_eq!(ignored.found("page of 500 runs").1, "cut to 50 runs");
    let link = ignored.found("next link");
    assert_eq!(link, ("differs", "an absolute URL with another host, no page=2, no page_size"));
    assert_eq!(ignored.found("page beyond the end"), ("ok", "an empty page"));
    assert_eq!(ignored.found("last page").1, "50 runs, and a link to another page");
}

#[test]
fn a_rate_limit_is_waited_for_and_reported() {
    let workspace = Workspace::of(700);
    for status in [429, 403] {
        let limited = Response {
            status,
            headers: vec![("retry-after", "0".to_owned()), ("x-ratelimit-limit", "60".to_owned())],
            body: b"{}".to_vec(),
        };
        let plan = FaultPlan::none().and(Target::Any, 1..=1, Fault::Respond(limited.clone()));
        let probed = probed_under(&workspace, plan.and(Target::Any, 5..=5, Fault::Respond(limited)));
        assert_eq!((probed.code, probed.differing()), (3, vec!["rate limit"]), "{:#?}", probed.report);
        assert_eq!(probed.found("API key"), ("ok", "accepted"));
        // The answers in place of the refused ones have no header.
        assert_eq!(probed.found("rate limit").1, "2 requests refused, no header about a limit");
        assert_eq!(probed.report["requests"], 14);
    }
    workspace
        .sandbox
        .on_request(|_, _| Some((StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")]).into_response()));
    workspace.sandbox.forget_requests();
    let probed = probed(&workspace);
    assert_eq!((probed.code, probed.found("rate limit").0), (5, "differs"));
    assert!(workspace.sandbox.request_count() <= 7);
}

#[test]
fn a_refused_key_exits_with_4_after_one_request() {
    let workspace = Workspace::of(10);
    for json in [false, true] {
        workspace.sandbox.forget_requests();
        let mut command = command_with(&workspace, if json { &["probe", "--json"] } else { &["probe"] });
        command.env("NEKT_API_KEY", "the-key-of-another-workspace");
        let ran = run(command);
        assert_eq!(ran.code, 4, "{ran:?}");
        assert_eq!(workspace.sandbox.request_count(), 1);
        assert!(ran.err.contains("check NEKT_API_KEY"), "{}", ran.err);
        assert!(ran.out.contains("rejected (HTTP 403)"), "{}", ran.out);
        assert!(!ran.out.contains("Invalid API key") && !ran.err.contains("Invalid API key"), "{ran:?}");
    }
    // A key whose role does not see the pipelines is no refused key.
    workspace.sandbox.on_request(|call, _| {
        (!call.path.starts_with("/api/v1/runs/")).then(|| StatusCode::FORBIDDEN.into_response())
    });
    let probed = probed(&workspace);
    assert_eq!(probed.code, 3);
    assert_eq!(probed.differing(), ["list of sources", "list of destinations", "list of transformations"]);
}

#[test]
fn an_api_that_cannot_be_reached_exits_with_5() {
    let workspace = Workspace::of(10);
    let html = Response { status: 403, headers: Vec::new(), body: b"<html>Acme firewall".to_vec() };
    for (fault, cause, hint) in [
        (Fault::Respond(html), "HTTP 403 with HTML, from a proxy or firewall", "check HTTPS_PROXY"),
        (Fault::body("<html>Acme login"), "HTML instead of JSON", "check HTTPS_PROXY"),
        (
            Fault::status_with(302, "location", "https://acme.example"),
            "HTTP 302, a redirect",
            "check --api-url",
        ),
        (Fault::status(404), "HTTP 404", "check --api-url"),
        (Fault::status(503), "HTTP 503", "run the command again later"),
        (Fault::body("{}"), "HTTP 200 with other content", "check --api-url"),
        (Fault::Reset, "", "run the command again later"),
    ] {
        let probed = probed_under(&workspace, FaultPlan::always(Target::Any, fault));
        assert_eq!(probed.code, 5, "{}", probed.error);
        assert!(probed.error.contains(cause) && probed.error.contains(hint), "{}", probed.error);
        assert!(!probed.error.to_lowercase().contains("acme"), "{}", probed.error);
        assert!(probed.report["requests"].as_u64().unwrap() <= 4, "{}", probed.report);
        assert_eq!((probed.found("connection").0, &probed.report["as_expected"]), ("differs", &false.into()));
    }
    let url = format!("http://127.0.0.1:{}", closed_port());
    let unreachable = with(&workspace, &["probe", "--json", "--api-url", &url]);
    assert_eq!(unreachable.code, 5);
    assert!(unreachable.err.contains("start the server at this address"), "{}", unreachable.err);
    assert_eq!(
        Probed::of(&unreachable).found("connection").1,
        "HTTP to this machine, no proxy; no usable answer"
    );
    // One list is enough to be reachable.
    let probed = probed_under(&workspace, FaultPlan::always(Target::Runs, Fault::status(500)));
    assert_eq!((probed.code, probed.found("run list")), (3, ("differs", "HTTP 500")));
    assert_eq!(probed.found("API key"), ("unknown", "HTTP 500"));
}

#[test]
fn the_proxy_and_the_ca_in_use_are_named_without_their_values() {
    let workspace = Workspace::of(10);
    let server = serve_tls("server.pem", &workspace.sandbox.url());
    let proxy = ConnectProxy::to(server, ProxyRule::Allow);
    let proxy_url = format!("http://me:s3cret@127.0.0.1:{}", proxy.port);
    let ca = tls_fixture("ca.pem");
    let through = |url: &str, environment: &[(&str, &str)]| {
        let mut command = command(&workspace.file(""), &["probe", "--json"]);
        command.env("NEKT_API_KEY", workspace.sandbox.api_key()).env("RUNLEDGER_API_URL", url);
        let ran = run({
            command.envs(environment.iter().copied()).env("SSL_CERT_FILE", &ca);
            command
        });
        assert!(!ran.out.contains("s3cret") && !ran.out.contains("ca.pem"), "{}", ran.out);
        (ran.code, Probed::of(&ran).found("connection").1.to_owned())
    };
    let observed =
        "HTTPS to another address than Nekt's, the proxy in HTTPS_PROXY, CA certificates from SSL_CERT_FILE";
    let proxied = through("https://api.runledger.test", &[("HTTPS_PROXY", &proxy_url)]);
    // The fixture forwards without the server's links.
    assert_eq!(proxied.1, observed);
    assert!(matches!(proxied.0, 0 | 3) && proxy.heads().len() >= 10, "{proxied:?}");
    let direct = "HTTPS to another address than Nekt's, no proxy, CA certificates from SSL_CERT_FILE";
    let url = format!("https://localhost:{server}");
    assert_eq!(through(&url, &[("HTTPS_PROXY", &proxy_url)]).1, direct);
    // The client decides in the same way: without the proxy, the host is unknown.
    let excluded = [("HTTPS_PROXY", proxy_url.as_str()), ("NO_PROXY", "runledger.test")];
    let asked = proxy.heads().len();
    assert_eq!(through("https://api.runledger.test", &excluded), (5, format!("{direct}; no usable answer")));
    assert_eq!(proxy.heads().len(), asked);
}

#[test]
fn a_clock_that_differs_from_the_servers_is_reported() {
    let workspace = Workspace::of(10);
    workspace.sandbox.on_request(|call, model| {
        let date = [("date", "Sat, 01 Jan 2000 00:00:00 GMT")];
        let runs: Vec<&str> = model.runs().collect();
        let body = format!(r#"{{"count":10,"next":null,"results":[{}]}}"#, runs.join(","));
        (call.number == 1).then(|| (date, body).into_response())
    });
    let probed = probed(&workspace);
    assert_eq!((probed.code, probed.differing()), (3, vec!["clock of this machine"]));
    assert!(probed.found("clock of this machine").1.ends_with(" s ahead of the server's"));
}

#[test]
fn a_signal_ends_a_probe() {
    let machine = Machine::of(10);
    let victim = Victim::default();
    let (done, is_done) = mpsc::channel::<()>();
    machine.sandbox.on_request({
        let victim = victim.clone();
        move |_, _| {
            victim.signal("INT");
            // It responds only after the command has ended.
            let _ = is_done.recv();
            None
        }
    });
    let ended = victim.start(&mut machine.command(&machine.file("none.db"), ["probe"])).wait();
    done.send(()).unwrap();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(!machine.file("none.db").exists());
}

/// Ids, slugs, names and the key: everything that a report must not contain.
fn private(workspace: &Workspace) -> BTreeSet<String> {
    fn texts(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::String(text) => drop(found.insert(text.clone())),
            Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
            Value::Object(entries) => entries.values().for_each(|value| texts(value, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::from([workspace.sandbox.api_key().to_owned()]);
    let model: &Model = &workspace.sandbox.model();
    for run in model.runs() {
        texts(&serde_json::from_str(run).unwrap(), &mut found);
    }
    for (_, pipeline) in PipelineKind::ALL.into_iter().flat_map(|kind| model.pipelines(kind)) {
        texts(&Value::Object(pipeline.clone()), &mut found);
    }
    // Words of the contract, and texts too short to identify anything.
    found.retain(|text| {
        text.trim().len() > 4 && !["manual", "event", "success", "failed", "running"].contains(&&**text)
    });
    found
}

#[test]
fn a_probe_prints_no_text_of_the_workspace() {
    let workspace = Workspace::of(700);
    let private = private(&workspace);
    assert!(private.len() > 1000, "{}", private.len());
    let check = |args: &[&str]| {
        let ran = with(&workspace, args);
        assert!(matches!(ran.code, 0 | 3) && ran.out.len() > 2000, "{ran:?}");
        for text in &private {
            assert!(!ran.out.contains(text.as_str()), "{text:?} is in {}", ran.out);
            assert!(!ran.err.contains(text.as_str()), "{text:?} is in {}", ran.err);
        }
    };
    check(&["probe", "--wide"]);
    check(&["probe", "--json"]);
}

#[test]
fn a_probe_prints_no_text_of_a_hostile_api() {
    const HOSTILE: &str = "Ana Souza 4b33ea35-0000-4000-8000-000000000001 \u{1b}[31m\u{202e}s3cret";
    let workspace = Workspace::of(60);
    let id: Uuid = workspace.ids()[5];
    let items: Vec<String> = {
        let model = workspace.sandbox.model();
        let spoiled = model.runs().map(|run| {
            let mut run: Value = serde_json::from_str(run).unwrap();
            for name in ["status", "source", "trigger", "created_at", "number", "credit_charge_status"] {
                run[name] = json!(HOSTILE);
            }
            run[HOSTILE] = json!({ HOSTILE: HOSTILE });
            run["triggered_by"] = json!({"id": HOSTILE, "email": HOSTILE});
            run.to_string()
        });
        spoiled.collect()
    };
    let page = json!({"count": 60, "next": HOSTILE, "previous": HOSTILE, HOSTILE: HOSTILE, "results": "@"});
    let page = page.to_string().replace("\"@\"", &format!("[{}]", items.join(",")));
    let details = items[5].clone();
    workspace.sandbox.on_request(move |call, _| {
        let headers =
            [("x-ratelimit-limit", "Ana Souza"), ("x-ratelimit-ana-souza", "1"), ("retry-after", "Ana")];
        let error = (StatusCode::BAD_REQUEST, headers, json!({"detail": HOSTILE}).to_string());
        Some(match (page_of(call), run_of(call)) {
            (Some(1), _) => (headers, page.clone()).into_response(),
            (_, Some(run)) if run == id => details.clone().into_response(),
            _ => error.into_response(),
        })
    });
    for args in [&["probe"][..], &["probe", "--wide"], &["probe", "--json"]] {
        let ran = with(&workspace, args);
        assert_eq!(ran.code, 3, "{ran:?}");
        for part in ["Ana", "ana", "Souza", "4b33ea35", "\u{1b}", "\\u001b", "\u{202e}", "s3cret"] {
            assert!(!ran.out.contains(part) && !ran.err.contains(part), "{part:?} is in {ran:?}");
        }
    }
}
