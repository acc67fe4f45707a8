//! Secrets under every fault of the API.

use super::{KEY, Stage, Traces};
use crate::support::fault::{Fault, FaultPlan, Target};
use crate::support::own_process::in_own_process;
use crate::support::ping_server::Reply;
use runledger::internal::api::{BaseUrl, Client, ClientConfig, Limits, RetryPolicy};
use runledger::internal::run::Instant;
use runledger::internal::sandbox::TOKEN_PREFIX;
use runledger::internal::secret::ApiKey;
use runledger::internal::store::{Archive, Lock};
use runledger::internal::sync::{
    CancelToken, Clock, Observer, Options as SyncOptions, Progress, SyncContext, sync,
};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn no_fault_leaks_a_secret() {
    let stage = Stage::new();
    stage.plant();
    let mut traces = Traces::default();
    // Transient faults, many in one sync; then each fault that ends a sync.
    let passing = [
        Fault::status_with(429, "retry-after", "0"),
        Fault::Reset,
        Fault::ResetInBody,
        Fault::ShortBody,
        Fault::DamagedGzip,
        Fault::body("<html>busy</html>"),
        Fault::EditText(|text| text.replace("\"results\"", "\"results\":\"\\u001b[2J\",\"x\"").into_bytes()),
    ];
    let plan = passing.into_iter().enumerate().fold(FaultPlan::none(), |plan, (place, fault)| {
        // Some requests of each kind succeed in between, so that none fails permanently.
        plan.and(Target::Any, 2 * place + 1..=2 * place + 1, fault)
    });
    stage.proxy.set_plan(plan);
    assert_eq!(stage.run(&["sync", "--page-size", "20"], &mut traces), 3);
    let elsewhere = "http://127.0.0.1:9/api/v1/runs/";
    for (fault, code) in [
        (Fault::status(401), 4),
        (Fault::status(403), 4),
        (Fault::status(404), 5),
        (Fault::status(418), 5),
        (Fault::status_with(302, "location", elsewhere), 5),
    ] {
        stage.proxy.set_plan(FaultPlan::always(Target::Runs, fault));
        assert_eq!(stage.run(&["sync", "--full", "--json"], &mut traces), code);
        // The pipelines are readable, so another failure of the run list is a deviation.
        assert_eq!(stage.run(&["probe"], &mut traces), if code == 4 { 4 } else { 3 });
    }
    // Ping servers that fail.
    stage.proxy.set_plan(FaultPlan::always(Target::Runs, Fault::status(404)));
    for reply in ["404 Not Found", "302 Found", "503 Service Unavailable"] {
        stage.ping_server.reply(&[Reply::Status(reply)]);
        assert_eq!(stage.run(&["sync"], &mut traces), 5);
    }
    stage.ping_server.reply(&[Reply::Status("200 OK")]);
    // An endless response is read up to the limit.
    for fault in [Fault::GzipBomb { bytes: 1 << 30 }, Fault::Flood] {
        stage.proxy.set_plan(FaultPlan::always(Target::Runs, fault));
        assert_eq!(stage.run(&["sync", "--full"], &mut traces), 5);
    }
    // Items with wrong types.
    stage.proxy.set_plan(FaultPlan::always(
        Target::Runs,
        Fault::EditJson(|page| {
            page["results"][0]["extra_config"] = json!({"password": format!("{TOKEN_PREFIX}{KEY}")})
        }),
    ));
    assert_eq!(stage.run(&["sync", "--full"], &mut traces), 3);
    traces.add_folder(stage.folder.path());
    traces.assert_clean();
}

/// The timeouts of the binary are a minute and more, so this test reads the log of the
/// library, with timeouts of milliseconds.
#[test]
fn no_timeout_leaks_a_secret() {
    // The test sets the logger of the whole process.
    in_own_process(module_path!(), "no_timeout_leaks_a_secret", || {
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
            stage.proxy.set_plan(FaultPlan::always(Target::Runs, fault));
            let limits = Limits {
                idle: Duration::from_millis(100),
                total: Duration::from_millis(400),
                ..Limits::default()
            };
            let retry = RetryPolicy { attempts: 2, base_delay: Duration::ZERO, ..RetryPolicy::default() };
            let address = BaseUrl::parse(&stage.proxy.url()).unwrap();
            let key = ApiKey::new(KEY, "the test").unwrap();
            let client =
                Client::new(address, &key, ClientConfig { retry, limits, ..ClientConfig::default() })
                    .unwrap();
            let lock = Lock::acquire(&archive_path, SystemClock.now()).unwrap();
            let archive = Archive::open(&archive_path, &lock).unwrap();
            let means = SyncContext {
                client: Arc::new(client),
                handle: stage.runtime.handle(),
                clock: &SystemClock,
                cancel: &CancelToken::default(),
                observer: &mut SilentObserver,
            };
            let summary = sync(&archive, means, &SyncOptions::default()).unwrap();
            let error = summary.result.unwrap_err();
            assert_eq!(error.exit_code(), 5);
            traces.add("the errors of a sync".to_owned(), format!("{error} {error:?}").into_bytes());
        }
        let heard = heard.0.lock().unwrap().clone();
        assert!(heard.len() > 1000, "the library logs at the highest verbosity");
        traces.add("the log".to_owned(), heard);
        traces.add_folder(stage.folder.path());
        traces.assert_clean();
    });
}

/// The log of the library.
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

struct SilentObserver;

impl Observer for SilentObserver {
    fn advanced(&mut self, _: &Progress) {}
}
