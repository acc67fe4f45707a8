//! This is a workspace for the tests: a sandbox API, a clock that moves when it is told to, and an archive in a folder of its own.

use chrono::TimeDelta;
use runledger::api::{BaseUrl, Client, ClientConfig, RetryPolicy};
use runledger::error::Result;
use runledger::run::Instant;
use runledger::sandbox::{Call, Model, Options as SandboxOptions, Plan, Sandbox};
use runledger::secret::ApiKey;
use runledger::store::{Archive, Lock};
use runledger::sync::{CancelToken, Clock, Observer, Options, Progress, Summary, SyncContext};
use rusqlite::types::Value as Cell;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// How many runs a page has, unless a test says otherwise.
pub const PAGE_SIZE: u32 = 20;

/// How often a request is tried.
pub const ATTEMPTS: u32 = 4;

/// When every test begins.
const BEGIN: &str = "2026-11-23T16:00:00Z";

/// A clock that stands still until it is moved.
pub struct ManualClock {
    now: Mutex<Instant>,
    /// Readings left until the alarm goes off, and what it stops.
    alarm: Mutex<Option<(u32, Arc<CancelToken>)>>,
}

impl ManualClock {
    pub fn set(&self, text: &str) {
        *self.now.lock().unwrap() = at(text);
    }

    /// Stops somebody when the clock is read for the `reading`-th time from now: an instant that is
    /// the same in each test, whatever the machine is busy with.
    pub fn stop_at(&self, reading: u32, stop: Arc<CancelToken>) {
        *self.alarm.lock().unwrap() = Some((reading, stop));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        if let Some((left, stop)) = self.alarm.lock().unwrap().as_mut() {
            *left = left.saturating_sub(1);
            if *left == 0 {
                stop.request(15);
            }
        }
        *self.now.lock().unwrap()
    }
}

/// Somebody who does not look.
struct Nobody;

impl Observer for Nobody {
    fn advanced(&mut self, _: &Progress) {}
}

pub struct Workspace {
    pub sandbox: Sandbox,
    pub clock: ManualClock,
    pub runtime: Runtime,
    folder: TempDir,
}

impl Workspace {
    /// A workspace of so many runs in thirty days.
    pub fn of(runs: usize) -> Workspace {
        Workspace::serving(runs, SandboxOptions::default())
    }

    pub fn serving(runs: usize, options: SandboxOptions) -> Workspace {
        let plan = Plan { runs, span: TimeDelta::days(30), ..Plan::ending_at(at(BEGIN).to_utc()) };
        Workspace::of_plan(&plan, options)
    }

    /// A workspace as the plan has it; its clock begins at the plan's `now`.
    pub fn of_plan(plan: &Plan, options: SandboxOptions) -> Workspace {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let begin = Instant::from_utc(plan.now).unwrap();
        let sandbox = runtime.block_on(Sandbox::start(Model::new(plan), options)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock { now: Mutex::new(begin), alarm: Mutex::new(None) };
        Workspace { sandbox, clock, runtime, folder }
    }

    /// Lets time go by, here and in the sandbox.
    pub fn wait(&self, span: TimeDelta) {
        self.sandbox.model().advance(span);
        let mut now = self.clock.now.lock().unwrap();
        *now = now.plus(span);
    }

    // ---- asking

    pub fn client(&self) -> Arc<Client> {
        self.client_with(self.sandbox.api_key())
    }

    pub fn client_with(&self, key: &str) -> Arc<Client> {
        let address = BaseUrl::parse(&self.sandbox.url()).unwrap();
        Arc::new(Client::new(address, &ApiKey::new(key, "the test").unwrap(), manners()).unwrap())
    }

    /// Syncs into the workspace's archive.
    pub fn sync(&self, options: &Options) -> Summary {
        self.sync_until(&CancelToken::default(), options)
    }

    pub fn sync_until(&self, stop: &CancelToken, options: &Options) -> Summary {
        self.attempt(&self.path(), self.client(), stop, options, runledger::sync::sync)
    }

    pub fn sync_into(&self, path: &Path, options: &Options) -> Summary {
        self.attempt(path, self.client(), &CancelToken::default(), options, runledger::sync::sync)
    }

    pub fn sync_with_key(&self, key: &str, options: &Options) -> Summary {
        self.sync_by(self.client_with(key), options)
    }

    /// Syncs into the workspace's archive by way of somebody else's client.
    pub fn sync_by(&self, client: Arc<Client>, options: &Options) -> Summary {
        self.attempt(&self.path(), client, &CancelToken::default(), options, runledger::sync::sync)
    }

    pub fn fetch(&self, ids: &[Uuid]) -> Summary {
        self.attempt(
            &self.path(),
            self.client(),
            &CancelToken::default(),
            &options(),
            |archive, means, options| runledger::sync::fetch(archive, means, options, ids),
        )
    }

    fn attempt(
        &self,
        path: &Path,
        client: Arc<Client>,
        stop: &CancelToken,
        options: &Options,
        act: impl for<'a> FnOnce(&'a Archive, SyncContext<'a>, &'a Options) -> Result<Summary>,
    ) -> Summary {
        let lock = Lock::acquire(path, self.clock.now()).unwrap();
        let archive = Archive::open(path, &lock).unwrap();
        let handle = self.runtime.handle();
        let means = SyncContext { client, handle, clock: &self.clock, stop, observer: &mut Nobody };
        act(&archive, means, options).unwrap()
    }

    // ---- what was asked

    /// The pages of the run list that were asked for since the last look, in the order in which they came in.
    pub fn pages_asked(&self) -> Vec<u32> {
        self.sandbox.requests().iter().filter_map(page_of).collect()
    }

    /// The same, sorted: the order of pages that are asked for at once is a matter of luck.
    pub fn pages_asked_sorted(&self) -> Vec<u32> {
        let mut pages = self.pages_asked();
        pages.sort_unstable();
        pages
    }

    /// The runs that were asked for by id since the last look, sorted.
    pub fn runs_asked(&self) -> Vec<Uuid> {
        let mut ids: Vec<Uuid> = self.sandbox.requests().iter().filter_map(run_of).collect();
        ids.sort_unstable();
        ids
    }

    /// The pages of all pipeline lists that were asked for since the last look.
    pub fn pipeline_pages_asked(&self) -> usize {
        self.sandbox.requests().iter().filter(|call| !call.path.starts_with("/api/v1/runs/")).count()
    }

    // ---- what is true, and what is archived

    pub fn path(&self) -> PathBuf {
        self.file("runledger.db")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn archive(&self) -> Archive {
        Archive::open_for_reading(&self.path()).unwrap()
    }

    /// The runs' ids in the order of the list.
    pub fn ids(&self) -> Vec<Uuid> {
        self.sandbox.model().ids().collect()
    }

    /// Every run as the sandbox has it.
    pub fn truth(&self) -> BTreeMap<Uuid, Value> {
        let model = self.sandbox.model();
        model.ids().map(|id| (id, normal(model.run(id).unwrap()))).collect()
    }

    /// The current state of every run that the archive has.
    pub fn archived(&self) -> BTreeMap<Uuid, Value> {
        archived_in(&self.path())
    }

    /// Every state of a run that the archive has, oldest first.
    pub fn states(&self, id: Uuid) -> Vec<Value> {
        self.archive().history(id).unwrap().iter().map(|entry| normal(&entry.run.document())).collect()
    }

    /// The rows of a query, each with a bar between its cells.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        rows_of(&self.path(), sql)
    }

    /// The one number that a query gives.
    pub fn number(&self, sql: &str) -> i64 {
        self.archive().connection().query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

/// Patience without waiting.
pub fn manners() -> ClientConfig {
    let patience = RetryPolicy {
        attempts: ATTEMPTS,
        first_wait: Duration::ZERO,
        longest_wait: Duration::ZERO,
        longest_retry_after: Duration::ZERO,
    };
    ClientConfig { patience, ..ClientConfig::default() }
}

/// What most tests sync with: small pages, and no look back.
pub fn options() -> Options {
    Options { page_size: PAGE_SIZE, lookback: TimeDelta::zero(), ..Options::default() }
}

pub fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

/// The page of the run list that a request asks for. `None`: it asks for something else.
pub fn page_of(call: &Call) -> Option<u32> {
    if call.path != "/api/v1/runs/" {
        return None;
    }
    let page = url::form_urlencoded::parse(call.query.as_bytes()).find(|(key, _)| key == "page");
    Some(page.expect("each page is asked for by its number").1.parse().unwrap())
}

/// The run that a request asks for by its id. `None`: it asks for something else.
pub fn run_of(call: &Call) -> Option<Uuid> {
    call.path.strip_prefix("/api/v1/runs/")?.strip_suffix('/')?.parse().ok()
}

/// A run's JSON with instants and costs in one spelling.
pub fn normal(text: &str) -> Value {
    let mut run: Value = serde_json::from_str(text).unwrap();
    let Some(fields) = run.as_object_mut() else { return run };
    for (name, value) in fields {
        if name.ends_with("_at")
            && let Some(instant) = value.as_str().and_then(Instant::parse)
        {
            *value = json!(instant.as_str());
        } else if name.ends_with("_cost_usd")
            && let Some(cost) = value.as_f64()
        {
            *value = json!(cost);
        }
    }
    run
}

/// The current state of every run that the archive there has.
pub fn archived_in(path: &Path) -> BTreeMap<Uuid, Value> {
    let archive = Archive::open_for_reading(path).unwrap();
    rows_of(path, "SELECT run_id FROM runs")
        .iter()
        .map(|id| {
            let id: Uuid = id.parse().unwrap();
            let history = archive.history(id).unwrap();
            let current = history.last().unwrap();
            assert_eq!(current.superseded_at, None, "the last state of {id} is the current one");
            (id, normal(&current.run.document()))
        })
        .collect()
}

/// The rows of a query, each with a bar between its cells.
pub fn rows_of(path: &Path, sql: &str) -> Vec<String> {
    let archive = Archive::open_for_reading(path).unwrap();
    let mut statement = archive.connection().prepare(sql).unwrap();
    let width = statement.column_count();
    let rows = statement.query_map([], |row| {
        let cell = |column| {
            Ok(match row.get(column)? {
                Cell::Null => "NULL".to_owned(),
                Cell::Integer(whole) => whole.to_string(),
                Cell::Real(real) => real.to_string(),
                Cell::Text(text) => text,
                Cell::Blob(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            })
        };
        (0..width).map(cell).collect::<rusqlite::Result<Vec<String>>>()
    });
    rows.unwrap().map(|row| row.unwrap().join("|")).collect()
}
