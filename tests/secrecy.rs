//! This is the test that no secret gets out.
//!
//! The whole program runs at its loudest, with a marked key and marked tokens; then everything that it
//! left behind is searched.

#[path = "support/watchman.rs"]
mod watchman;

use assert_cmd::cargo::CommandCargoExt;
use runledger::api::{Address, Client, Limits, Manners, Patience};
use runledger::run::Instant;
use runledger::sandbox::{
    Fault, FaultPlan, Gateway, Kind, Model, Options, Plan, Sandbox, TOKEN_PREFIX, Which,
};
use runledger::secret::ApiKey;
use runledger::store::{Archive, Lock};
use runledger::sync::{Clock, Means, Observer, Options as SyncOptions, Progress, Stop, sync};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use tokio::runtime::Runtime;
use uuid::Uuid;
use watchman::{Reply, Watchman};

/// How writing a spreadsheet ends: a build without that feature refuses to.
const SPREADSHEET: i32 = if cfg!(feature = "xlsx") { 0 } else { 2 };

/// A key that nothing else can look like. Its length is a multiple of neither three nor four.
const KEY: &str = "Marked+Key/7c1f9e5b3a~d2846=x";

/// What a key that somebody configured has under it.
const PERSON: &str = "marked-person-52998224725";

/// What is in the address of the pings, in its path and in its query.
const PING: &str = "marked-ping-0f9a7c31-e5";

/// What must be nowhere.
fn forbidden() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for secret in [KEY, TOKEN_PREFIX, PERSON, PING] {
        all.push(secret.as_bytes().to_vec());
        all.push(url::form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>().into_bytes());
        all.push(secret.bytes().flat_map(|byte| format!("%{byte:02X}").into_bytes()).collect());
        all.push(secret.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect());
        // At each of the three places that a text can have in base64, without the letters its neighbours share.
        for alphabet in [b"+/", b"-_"] {
            for lead in 0..3 {
                let shifted = [&[0; 3][..lead], secret.as_bytes()].concat();
                let whole = (shifted.len() / 3) * 4;
                let coded = base64(&shifted, alphabet);
                all.push(coded[(lead * 4).div_ceil(3)..whole].to_vec());
            }
        }
    }
    all.retain(|secret| secret.len() >= 12);
    all
}

fn base64(bytes: &[u8], last_two: &[u8; 2]) -> Vec<u8> {
    let letters: Vec<u8> =
        (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9').chain(last_two.iter().copied()).collect();
    let triples = bytes.chunks(3).map(|chunk| {
        let [a, b, c] = [0, 1, 2].map(|place| u32::from(chunk.get(place).copied().unwrap_or(0)));
        (a << 16) | (b << 8) | c
    });
    triples.flat_map(|triple| [18, 12, 6, 0].map(|shift| letters[(triple >> shift) as usize & 63])).collect()
}

/// Everything that was left behind, by the name of where it was.
#[derive(Default)]
struct Traces(BTreeMap<String, Vec<u8>>);

impl Traces {
    fn add(&mut self, place: String, bytes: Vec<u8>) {
        self.0.entry(place).or_default().extend(bytes);
    }

    fn add_folder(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.add_folder(&path);
            } else {
                self.add(path.display().to_string(), std::fs::read(&path).unwrap());
            }
        }
    }

    fn assert_clean(&self) {
        for secret in forbidden() {
            for (place, bytes) in &self.0 {
                let found = bytes.windows(secret.len()).position(|window| window == secret);
                assert_eq!(found, None, "{place} has {}", String::from_utf8_lossy(&secret));
            }
        }
    }
}

struct Stage {
    runtime: Runtime,
    sandbox: Sandbox,
    gateway: Gateway,
    watchman: Watchman,
    folder: tempfile::TempDir,
    /// Where the key file lies, and nothing else.
    safe: tempfile::TempDir,
}

impl Stage {
    fn new() -> Stage {
        let runtime = Runtime::new().unwrap();
        let plan = Plan { runs: 120, ..Plan::ending_at(chrono::Utc::now()) };
        let options = Options { api_key: KEY.to_owned(), ..Options::default() };
        let sandbox = runtime.block_on(Sandbox::start(Model::new(&plan), options)).unwrap();
        let gateway = runtime.block_on(Gateway::before(&sandbox, FaultPlan::none())).unwrap();
        let (folder, safe) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(safe.path().join("key"), format!("{KEY}\n")).unwrap();
        let watchman = Watchman::new();
        std::fs::write(safe.path().join("ping"), watchman.url(PING)).unwrap();
        Stage { runtime, sandbox, gateway, watchman, folder, safe }
    }

    /// Secrets in every place where an API could put them.
    fn plant(&self) -> Vec<Uuid> {
        let mut model = self.sandbox.model();
        let ids: Vec<Uuid> = model.ids().collect();
        let secret = format!("{TOKEN_PREFIX}0123456789");
        let token = json!({"id": "4b33ea35-0000-4000-8000-000000000001", "name": "CI", "token": secret});
        let planted: [(&str, Value); 7] = [
            ("triggered_by_token", token.clone()),
            ("triggered_by", json!({"id": 7, "email": PERSON, "api_key": secret})),
            ("extra_config", json!({"a": [{"Authorization": secret, "taxId": PERSON, "secrets": [secret]}]})),
            ("source", json!({"id": "p-1", "connector": {"client_secret": secret}, "tax-id": PERSON})),
            ("trigger", json!({"type": "manual", "token": {"value": secret}})),
            ("privateKey", json!(secret)),
            ("TAX_ID", json!(PERSON)),
        ];
        for (id, (field, value)) in ids[10..].iter().zip(planted) {
            model.change(*id, |run| drop(run.insert(field.to_owned(), value)));
        }
        model.set_text(
            ids[30],
            &json!({"id": "none", "triggered_by_token": token, "tax_id": PERSON}).to_string(),
        );
        model.set_text(ids[31], &json!([token, {"tax_id": 1, "password": secret}]).to_string());
        ids
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("runledger").unwrap();
        command
            .args(arguments)
            .arg("-vvv")
            .current_dir(self.folder.path())
            .env("NEKT_API_KEY", KEY)
            .env("RUNLEDGER_API_URL", self.gateway.url())
            .env("RUNLEDGER_PING_URL", self.watchman.url(PING))
            .env("RUNLEDGER_REDACT", "tax_id, whatever")
            .env("RUST_LOG", "trace")
            .env("RUST_BACKTRACE", "full")
            .env_remove("RUNLEDGER_DB");
        command
    }

    /// Runs a command and keeps what it said.
    fn run(&self, arguments: &[&str], traces: &mut Traces) -> i32 {
        let output = self.command(arguments).output().unwrap();
        let name = format!("runledger {}", arguments.join(" "));
        let code = output.status.code().unwrap();
        if arguments[0] == "sync" && code != 2 {
            assert!(output.stderr.len() > 1000, "{name} says all that it has to say");
        }
        traces.add(format!("the errors of {name}"), output.stderr);
        traces.add(format!("the output of {name}"), output.stdout);
        code
    }
}

/// The month in UTC that a run of the sandbox started in.
fn month_of(stage: &Stage, id: Uuid) -> String {
    stage.sandbox.model().document(id).unwrap()["started_at"].as_str().unwrap()[..7].to_owned()
}

#[test]
fn no_command_lets_a_secret_out() {
    let stage = Stage::new();
    let ids = stage.plant();
    let mut traces = Traces::default();
    let key_file = stage.safe.path().join("key");
    let (key_file, id) = (key_file.to_str().unwrap(), ids[12].to_string());
    let ping_file = stage.safe.path().join("ping");
    let ping_file = ping_file.to_str().unwrap();
    let (ping_url, no_ping_url) = (stage.watchman.url(PING), format!("{PING}://{PING}"));
    let api_url = stage.gateway.url();
    // A key that somebody put into the settings, where none belongs.
    let mistaken = stage.safe.path().join("mistaken.toml");
    std::fs::write(&mistaken, format!("zone = \"UTC\"\napi_key = \"{KEY}\"\n")).unwrap();
    let mistaken = mistaken.to_str().unwrap();
    let month = &month_of(&stage, ids[60]);
    let commands: Vec<(Vec<&str>, i32)> = vec![
        (vec!["sync", "--dry-run"], 3),
        (vec!["sync"], 3),
        (vec!["sync", "--full", "--json", "--api-key-file", key_file, "--api-url", &api_url], 3),
        (vec!["sync", "--full", "--ping-url-file", ping_file, "--metrics-file", "runledger.prom"], 3),
        (vec!["sync", "--full", "--ping-url", &ping_url], 3),
        (vec!["sync", "--ping-url", &no_ping_url], 2),
        (vec!["sync", "--ping-url", &ping_url, "--ping-url-file", ping_file], 2),
        (vec!["sync", "--ping-ulr", &ping_url], 2),
        (vec!["status", "--check", "--max-drift", "0"], 1),
        (vec!["fetch", &id, "--json"], 0),
        (vec!["status"], 0),
        (vec!["status", "--json"], 0),
        (vec!["show", &id], 0),
        (vec!["show", &id, "--json"], 0),
        (vec!["report", "cost"], 0),
        (vec!["report", "failures", "--format", "json"], 0),
        (vec!["export", "runs", "--output", "runs.csv"], 0),
        (vec!["export", "snapshots", "--output", "snapshots.csv", "--manifest"], 0),
        (vec!["verify-file", "snapshots.csv"], 0),
        (
            vec!["report", "cost", "--by", "pipeline", "--format", "xlsx", "--output", "cost.xlsx"],
            SPREADSHEET,
        ),
        (vec!["export", "documents", "--output", "documents.ndjson"], 0),
        (vec!["query", "SELECT * FROM runs", "--format", "json"], 0),
        (vec!["query", "SELECT * FROM quarantine"], 0),
        (vec!["query", "SELECT * FROM no_such_table"], 2),
        (vec!["check"], 0),
        (vec!["check", "--json"], 0),
        (vec!["backup", "copy.db"], 0),
        (vec!["verify", "--sample", "20", "--seed", "1"], 0),
        (vec!["verify", "--sample", "20", "--seed", "1", "--json"], 0),
        (vec!["coverage", "--json"], 0),
        (vec!["drift"], 0),
        (vec!["drift", "--json"], 0),
        (vec!["close", month, "--force"], 0),
        (vec!["close", "--json"], 0),
        (vec!["close", month], 2),
        (vec!["export", "focus", "--period", month, "--output", "focus.csv"], 0),
        (vec!["export", "costs", "--period", month, "--output", "costs.csv", "--manifest"], 0),
        (vec!["restatements"], 0),
        (vec!["restatements", "--totals", "--format", "json"], 0),
        (vec!["reconcile", "--period", month, "--invoice", "1000000"], 3),
        (vec!["report", "audit"], 0),
        (vec!["config"], 0),
        (vec!["config", "--json"], 0),
        (vec!["config", "--config", mistaken], 2),
        (vec!["report", "cost", "--config", mistaken], 2),
        (vec!["sync", "--no-such-flag"], 2),
    ];
    for (arguments, code) in commands {
        assert_eq!(stage.run(&arguments, &mut traces), code, "{arguments:?}");
    }
    traces.add_folder(stage.folder.path());
    assert!(traces.0.keys().any(|place| place.ends_with("runledger.db")), "the archive was searched");
    let archive = &traces.0.iter().find(|(place, _)| place.ends_with("runledger.db")).unwrap().1;
    let has = |text: &[u8]| archive.windows(text.len()).any(|window| window == text);
    assert!(has(b"[redacted]") && has(b"tax-id"), "what stands around the secrets is there");
    traces.assert_clean();
    let told = stage.watchman.told();
    assert!(told.len() >= 6 && told.iter().all(|told| told.target.contains(PING)), "{told:?}");
    let mut pings = Traces::default();
    // What the watchman is told has no secret but its own address.
    let bodies = told.iter().map(|told| told.head.clone() + &told.body).collect::<String>();
    pings.add("the pings".to_owned(), bodies.into_bytes());
    pings.assert_clean();
    let asked = stage.gateway.heads();
    assert!(asked.len() > 10 && asked.iter().all(|head| head.contains(KEY)), "the API itself got the key");
}

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
        stage.watchman.reply(&[Reply::Status(reply)]);
        assert_eq!(stage.run(&["sync"], &mut traces), 5);
    }
    stage.watchman.reply(&[Reply::Status("200 OK")]);
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
        let patience = Patience { attempts: 2, first_wait: Duration::ZERO, ..Patience::default() };
        let address = Address::parse(&stage.gateway.url()).unwrap();
        let key = ApiKey::new(KEY, "the test").unwrap();
        let client = Client::new(address, &key, Manners { patience, limits, ..Manners::default() }).unwrap();
        let lock = Lock::acquire(&archive_path, SystemClock.now()).unwrap();
        let archive = Archive::open(&archive_path, &lock).unwrap();
        let means = Means {
            client: Arc::new(client),
            handle: stage.runtime.handle(),
            clock: &SystemClock,
            stop: &Stop::default(),
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

#[test]
fn a_write_ahead_log_that_lies_beside_the_archive_has_no_secret() {
    let stage = Stage::new();
    stage.plant();
    let mut traces = Traces::default();
    assert_eq!(stage.run(&["sync"], &mut traces), 3);
    // Whoever reads keeps the log from being worked in: it lies there while it is searched.
    let path = stage.folder.path().join("runledger.db");
    let reader = Archive::open_for_reading(&path).unwrap();
    reader.connection().execute_batch("BEGIN; SELECT count(*) FROM runs").unwrap();
    stage.sandbox.model().add();
    assert_eq!(stage.run(&["sync", "--full"], &mut traces), 3);
    traces.add_folder(stage.folder.path());
    let log = traces.0.iter().find(|(place, _)| place.ends_with("-wal")).map(|(_, bytes)| bytes.len());
    assert!(log.is_some_and(|bytes| bytes > 1000), "the log was searched");
    traces.assert_clean();
}

#[test]
fn what_others_see_of_a_running_process_has_no_key() {
    let stage = Stage::new();
    let key_file = stage.safe.path().join("key");
    let (started, process_id) = mpsc::channel::<u32>();
    let (tell, told) = mpsc::channel();
    stage.sandbox.on_request(move |call, _| {
        if call.number == 1 {
            let id = process_id.recv_timeout(Duration::from_secs(60)).unwrap();
            tell.send(std::fs::read(format!("/proc/{id}/cmdline")).unwrap()).unwrap();
        }
        None
    });
    let mut command = stage.command(&["sync", "--api-key-file", key_file.to_str().unwrap()]);
    let mut child =
        command.env_remove("NEKT_API_KEY").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    started.send(child.id()).unwrap();
    assert!(child.wait().unwrap().success());
    let arguments = told.recv().unwrap();
    assert!(arguments.starts_with(b"/") && arguments.windows(4).any(|window| window == b"sync"));
    let mut traces = Traces::default();
    traces.add("the arguments".to_owned(), arguments);
    traces.assert_clean();
    drop(stage.runtime);
}

#[test]
fn nothing_from_the_api_steers_a_terminal() {
    let stage = Stage::new();
    let evil = "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}";
    let id = stage.sandbox.model().ids().nth(60).unwrap();
    {
        let mut model = stage.sandbox.model();
        let pipeline = model.pipelines(Kind::Source).next().unwrap().0;
        model.rename_pipeline(pipeline, evil);
        model.change(id, |run| {
            run.insert(evil.to_owned(), json!(evil));
            run.insert("status".to_owned(), json!(evil));
            run.insert("source".to_owned(), json!(pipeline.to_string()));
            run.insert("trigger".to_owned(), json!({"type": evil, evil: evil}));
        });
    }
    let (month, run) = (month_of(&stage, id), id);
    let id = id.to_string();
    stage.gateway.set_plan(FaultPlan::once(
        Which::Runs,
        Fault::body(json!({"count": 1, "results": evil}).to_string().replace("\\u001b", "\\u001B")),
    ));
    let commands: Vec<Vec<&str>> = vec![
        vec!["sync"],
        vec!["status"],
        vec!["show", &id],
        vec!["report", "cost", "--by", "pipeline"],
        vec!["report", "failures"],
        vec!["query", "SELECT * FROM drift"],
        vec!["drift"],
        vec!["export", "documents", "--output", "documents.ndjson", "--manifest"],
        vec!["verify-file", "documents.ndjson"],
        vec!["coverage"],
        vec!["verify", "--sample", "100"],
        vec!["check"],
        vec!["query", "SELECT status, pipeline_name FROM runs"],
        vec!["query", "SELECT status FROM runs WHERE status = char(27)", "--param", "\u{1b}=x"],
        vec!["close", &month, "--force"],
        vec!["close"],
        vec!["close", evil],
        vec!["reconcile", "--period", &month, "--invoice", "1"],
        vec!["report", "cost", "--by", "status,pipeline", "--period", &month],
        vec!["config"],
        vec!["fetch", &id],
        vec!["restatements"],
    ];
    for arguments in commands {
        if arguments[0] == "fetch" {
            // What became known of the closed month steers as little.
            stage.sandbox.model().change(run, |run| {
                run.insert("status".to_owned(), json!(format!("{evil} again")));
            });
        }
        let output = stage.command(&arguments).output().unwrap();
        for text in [output.stdout, output.stderr] {
            let text = String::from_utf8(text).unwrap();
            let steers = |letter: char| (letter.is_control() && letter != '\n') || letter == '\u{202e}';
            assert_eq!(text.find(steers), None, "{arguments:?}: {text:?}");
        }
    }
}

#[test]
fn the_search_finds_what_it_looks_for() {
    let mut traces = Traces::default();
    for lead in 0..3 {
        let text = format!("{}{KEY} and more", &"abc"[..lead]);
        traces.0.clear();
        traces.add("a place".to_owned(), base64(text.as_bytes(), b"+/"));
        assert!(std::panic::catch_unwind(|| traces.assert_clean()).is_err(), "at offset {lead}");
    }
    traces.0.clear();
    traces.add("a place".to_owned(), b"nothing".to_vec());
    traces.assert_clean();
}
