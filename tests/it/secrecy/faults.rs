//! This is the test of secrets under every fault of the API.

use super::{KEY, Stage, Traces};
use crate::support::own_process::in_own_process;
use crate::support::ping_server::Reply;
use runledger::api::{BaseUrl, Client, ClientConfig, Limits, RetryPolicy};
use runledger::run::Instant;
use runledger::sandbox::{Fault, FaultPlan, TOKEN_PREFIX, Which};
use runledger::secret::ApiKey;
use runledger::store::{Archive, Lock};
use runledger::sync::{CancelToken, Clock, Observer, Options as SyncOptions, Progress, SyncContext, sync};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn no_fault_lets_a_secret_out() {
    let stage = Stage::new();
    stage.plant();
    let mut traces = Traces::default();
    // Faults that pass, many in one sync; then each of those that end one at once.
    let passing = [
        Fault::status_with(429, "retry-after", "0"),
        Fault::Reset,
        Fault::ResetInBody,
        Fault::ShortBody,
        Fault::DamagedGzip,
        Fault::body("<html>busy</html>"),
        Fault::Rewritten(|text| text.replace("\"results\"", "\"results\":\"\\u001b[2J\",\"x\"").into_bytes()),
    ];
    let plan = passing.into_iter().enumerate().fold(FaultPlan::none(), |plan, (place, fault)| {
        // Some requests of every kind lie between, so that none is refused for good.
        plan.and(Which::Any, 2 * place + 1..=2 * place + 1, fault)
    });
    stage.gateway.set_plan(plan);
    assert_eq!(stage.run(&["sync", "--page-size", "20"], &mut traces), 3);
    let elsewhere = "http://127.0.0.1:9/api/v1/runs/";
    for (fault, code) in [
        (Fault::status(401), 4),
        (Fault::status(403), 4),
        (Fault::status(404), 5),
        (Fault::status(418), 5),
        (Fault::status_with(302, "location", elsewhere), 5),
    ] {
        stage.gateway.set_plan(FaultPlan::always(Which::Runs, fault));
        assert_eq!(stage.run(&["sync", "--full", "--json"], &mut traces), code);
    }
    // Those who are told of the sync do not take it.
    stage.gateway.set_plan(FaultPlan::always(Which::Runs, Fault::status(404)));
    for reply in ["404 Not Found", "302 Found", "503 Service Unavailable"] {
        stage.ping_server.reply(&[Reply::Status(reply)]);
        assert_eq!(stage.run(&["sync"], &mut traces), 5);
    }
    stage.ping_server.reply(&[Reply::Status("200 OK")]);
    // What comes without an end is taken in up to the limit.
    for fault in [Fault::GzipBomb { bytes: 1 << 30 }, Fault::Flood] {
        stage.gateway.set_plan(FaultPlan::always(Which::Runs, fault));
        assert_eq!(stage.run(&["sync", "--full"], &mut traces), 5);
    }
    // Items that lie about what they are.
    stage.gateway.set_plan(FaultPlan::always(
        Which::Runs,
        Fault::Altered(|page| {
            page["results"][0]["extra_config"] = json!({"password": format!("{TOKEN_PREFIX}{KEY}")})
        }),
    ));
    assert_eq!(stage.run(&["sync", "--full"], &mut traces), 3);
    traces.add_folder(stage.folder.path());
    traces.assert_clean();
}

/// The limits of the binary are a minute and more: what it says when they are reached is heard in the
/// library, with limits of a blink.
#[test]
fn no_fault_that_takes_its_time_lets_a_secret_out() {
    // It sets the log of the whole process.
    in_own_process(module_path!(), "no_fault_that_takes_its_time_lets_a_secret_out", || {
        let heard = Heard::default();
        let hearing = heard.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || hearing.clone())
            .init();
        let stage = Stage::new();
        stage.plant();
        let archive_path = stage.folder.path().join("runledger.db");
        let mut traces = Traces::default();
        for fault in [Fault::Stall, Fault::StallInBody, Fault::Trickle(Duration::from_millis(20))] {
            stage.gateway.set_plan(FaultPlan::always(Which::Runs, fault));
            let limits = Limits {
                idle: Duration::from_millis(100),
                total: Duration::from_millis(400),
                ..Limits::default()
            };
            let patience = RetryPolicy { attempts: 2, first_wait: Duration::ZERO, ..RetryPolicy::default() };
            let address = BaseUrl::parse(&stage.gateway.url()).unwrap();
            let key = ApiKey::new(KEY, "the test").unwrap();
            let client =
                Client::new(address, &key, ClientConfig { patience, limits, ..ClientConfig::default() })
                    .unwrap();
            let lock = Lock::acquire(&archive_path, SystemClock.now()).unwrap();
            let archive = Archive::open(&archive_path, &lock).unwrap();
            let means = SyncContext {
                client: Arc::new(client),
                handle: stage.runtime.handle(),
                clock: &SystemClock,
                stop: &CancelToken::default(),
                observer: &mut Nobody,
            };
            let summary = sync(&archive, means, &SyncOptions::default()).unwrap();
            let error = summary.result.unwrap_err();
            assert_eq!(error.exit_code(), 5);
            traces.add("the errors of a sync".to_owned(), format!("{error} {error:?}").into_bytes());
        }
        let heard = heard.0.lock().unwrap().clone();
        assert!(heard.len() > 1000, "the library says all that it has to say");
        traces.add("the log".to_owned(), heard);
        traces.add_folder(stage.folder.path());
        traces.assert_clean();
    });
}

/// What the library says to its log.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::from_utc(chrono::Utc::now()).unwrap()
    }
}

struct Nobody;

impl Observer for Nobody {
    fn advanced(&mut self, _: &Progress) {}
}
