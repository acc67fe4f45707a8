//! A workspace fixture: a sandbox API, a manual clock, and an archive in a temporary folder.

use axum::http::StatusCode;
use axum::response::IntoResponse;
use chrono::TimeDelta;
use runledger::internal::api::{BaseUrl, Client, ClientConfig, RetryPolicy};
use runledger::internal::error::Result;
use runledger::internal::run::Instant;
use runledger::internal::sandbox::{Call, Model, Options as SandboxOptions, Plan, Sandbox};
use runledger::internal::secret::ApiKey;
use runledger::internal::store::{Archive, Lock};
use runledger::internal::sync::{CancelToken, Clock, Observer, Options, Progress, Summary, SyncContext};
use rusqlite::types::Value as Cell;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// The default page size.
pub const PAGE_SIZE: u32 = 20;

/// The maximum number of attempts per request.
pub const ATTEMPTS: u32 = 4;

/// The start time of every test.
const BEGIN: &str = "2026-11-23T16:00:00Z";

/// A clock that only a test advances.
pub struct ManualClock {
    now: Mutex<Instant>,
    /// Readings left until the alarm, and the token that it cancels.
    alarm: Mutex<Option<(u32, Arc<CancelToken>)>>,
}

impl ManualClock {
    pub fn set(&self, text: &str) {
        *self.now.lock().unwrap() = at(text);
    }

    /// Cancels a sync when the clock is read for the `reading`-th time from now. That is the same point in
    /// each run of the test, whatever the load of the machine.
    pub fn stop_at(&self, reading: u32, stop: Arc<CancelToken>) {
        *self.alarm.lock().unwrap() = Some((reading, stop));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        if let Some((left, stop)) = self.alarm.lock().unwrap().as_mut() {
            *left = left.saturating_sub(1);
            if *left == 0 {
                stop.cancel(15);
            }
        }
        *self.now.lock().unwrap()
    }
}

/// Progress that is discarded.
struct SilentObserver;

impl Observer for SilentObserver {
    fn advanced(&mut self, _: &Progress) {}
}

pub struct Workspace {
    pub sandbox: Sandbox,
    pub clock: ManualClock,
    pub runtime: Runtime,
    folder: TempDir,
}

impl Workspace {
    /// A workspace of `runs` runs in thirty days.
    pub fn of(runs: usize) -> Workspace {
        Workspace::serving(runs, SandboxOptions::default())
    }

    pub fn serving(runs: usize, options: SandboxOptions) -> Workspace {
        let plan = Plan { runs, span: TimeDelta::days(30), ..Plan::ending_at(at(BEGIN).to_utc()) };
        Workspace::of_plan(&plan, options)
    }

    /// A workspace with that plan; its clock starts at the plan's `now`.
    pub fn of_plan(plan: &Plan, options: SandboxOptions) -> Workspace {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let begin = Instant::from_utc(plan.now).unwrap();
        let sandbox = runtime.block_on(Sandbox::start(Model::new(plan), options)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock { now: Mutex::new(begin), alarm: Mutex::new(None) };
        Workspace { sandbox, clock, runtime, folder }
    }

    /// Serves another model from now on, under the same URL and key. Returns the one before.
    pub fn serve(&self, model: Model) -> Model {
        std::mem::replace(&mut *self.sandbox.model(), model)
    }

    /// Advances the time, here and in the sandbox.
    pub fn wait(&self, span: TimeDelta) {
        self.sandbox.model().advance(span);
        let mut now = self.clock.now.lock().unwrap();
        *now = now.plus(span);
    }

    // ---- syncing

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
        self.attempt(&self.path(), self.client(), stop, options, runledger::internal::sync::sync)
    }

    pub fn sync_into(&self, path: &Path, options: &Options) -> Summary {
        self.attempt(path, self.client(), &CancelToken::default(), options, runledger::internal::sync::sync)
    }

    pub fn sync_with_key(&self, key: &str, options: &Options) -> Summary {
        self.sync_by(self.client_with(key), options)
    }

    /// Syncs into the workspace's archive with another client.
    pub fn sync_by(&self, client: Arc<Client>, options: &Options) -> Summary {
        self.attempt(&self.path(), client, &CancelToken::default(), options, runledger::internal::sync::sync)
    }

    pub fn fetch(&self, ids: &[Uuid]) -> Summary {
        self.attempt(
            &self.path(),
            self.client(),
            &CancelToken::default(),
            &options(),
            |archive, means, options| runledger::internal::sync::fetch(archive, means, options, ids),
        )
    }

    /// Syncs and passes each progress report to the observer.
    pub fn sync_observed(&self, observer: &mut dyn Observer, options: &Options) -> Summary {
        let (path, stop) = (self.path(), CancelToken::default());
        self.observed(&path, self.client(), &stop, options, observer, runledger::internal::sync::sync)
    }

    fn attempt(
        &self,
        path: &Path,
        client: Arc<Client>,
        stop: &CancelToken,
        options: &Options,
        act: impl for<'a> FnOnce(&'a Archive, SyncContext<'a>, &'a Options) -> Result<Summary>,
    ) -> Summary {
        self.observed(path, client, stop, options, &mut SilentObserver, act)
    }

    fn observed(
        &self,
        path: &Path,
        client: Arc<Client>,
        stop: &CancelToken,
        options: &Options,
        observer: &mut dyn Observer,
        act: impl for<'a> FnOnce(&'a Archive, SyncContext<'a>, &'a Options) -> Result<Summary>,
    ) -> Summary {
        let lock = Lock::acquire(path, self.clock.now()).unwrap();
        let archive = Archive::open(path, &lock).unwrap();
        let handle = self.runtime.handle();
        let means = SyncContext { client, handle, clock: &self.clock, cancel: stop, observer };
        act(&archive, means, options).unwrap()
    }

    // ---- requests

    /// The pages of the run list that were requested since the last call, in order of arrival.
    pub fn requested_pages(&self) -> Vec<u32> {
        self.sandbox.requests().iter().filter_map(page_of).collect()
    }

    /// The same, sorted: concurrent requests arrive in any order.
    pub fn requested_pages_sorted(&self) -> Vec<u32> {
        let mut pages = self.requested_pages();
        pages.sort_unstable();
        pages
    }

    /// The runs that were requested by id since the last call, sorted.
    pub fn requested_runs(&self) -> Vec<Uuid> {
        let mut ids: Vec<Uuid> = self.sandbox.requests().iter().filter_map(run_of).collect();
        ids.sort_unstable();
        ids
    }

    /// The pages of all pipeline lists that were requested since the last call.
    pub fn requested_pipeline_pages(&self) -> usize {
        self.sandbox.requests().iter().filter(|call| !call.path.starts_with("/api/v1/runs/")).count()
    }

    // ---- the sandbox's runs and the archive's

    pub fn path(&self) -> PathBuf {
        self.file("runledger.db")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn archive(&self) -> Archive {
        Archive::open_for_reading(&self.path()).unwrap()
    }

    /// The ids of the runs in list order.
    pub fn ids(&self) -> Vec<Uuid> {
        self.sandbox.model().ids().collect()
    }

    /// Every run of the sandbox.
    pub fn truth(&self) -> BTreeMap<Uuid, Value> {
        let model = self.sandbox.model();
        model.ids().map(|id| (id, normal(model.run(id).unwrap()))).collect()
    }

    /// The current state of every run in the archive.
    pub fn archived(&self) -> BTreeMap<Uuid, Value> {
        archived_in(&self.path())
    }

    /// Every state of a run in the archive, oldest first.
    pub fn states(&self, id: Uuid) -> Vec<Value> {
        self.archive().history(id).unwrap().iter().map(|entry| normal(&entry.run.document())).collect()
    }

    /// The rows of a query, cells joined by `|`.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        rows_of(&self.path(), sql)
    }

    /// The single number that a query returns.
    pub fn number(&self, sql: &str) -> i64 {
        self.archive().connection().query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

/// The model of another workspace: none of its runs and pipelines has an id of [`Workspace::of`].
pub fn foreign(runs: usize) -> Model {
    let plan = Plan { runs, seed: 11, span: TimeDelta::days(30), ..Plan::ending_at(at(BEGIN).to_utc()) };
    Model::new(&plan)
}

/// Omits these runs from the run list, in pages of [`PAGE_SIZE`]. By id, the API still has them.
pub fn hide_from_list(workspace: &Workspace, hidden: BTreeSet<Uuid>) {
    workspace.sandbox.on_request(move |call, model| {
        let page = page_of(call)?;
        let listed: Vec<Uuid> = model.ids().filter(|id| !hidden.contains(id)).collect();
        let start = (page as usize - 1) * PAGE_SIZE as usize;
        let runs = listed.iter().skip(start).take(PAGE_SIZE as usize);
        let runs: Vec<&str> = runs.map(|id| model.run(*id).unwrap()).collect();
        if runs.is_empty() && page > 1 {
            return Some(StatusCode::NOT_FOUND.into_response());
        }
        let next = if start + runs.len() < listed.len() { "\"x\"" } else { "null" };
        let (count, runs) = (listed.len(), runs.join(","));
        Some(format!(r#"{{"count":{count},"next":{next},"results":[{runs}]}}"#).into_response())
    });
}

/// Revokes the key's role for runs: the run list is empty, and each run answers 404. The pipelines stay readable.
pub fn revoke_role(workspace: &Workspace) {
    workspace.sandbox.on_request(|call, _| match (page_of(call), run_of(call)) {
        (Some(_), _) => Some(r#"{"count":0,"next":null,"results":[]}"#.into_response()),
        (_, Some(_)) => Some(StatusCode::NOT_FOUND.into_response()),
        _ => None,
    });
}

/// A retry policy without waiting.
pub fn manners() -> ClientConfig {
    let retry = RetryPolicy {
        attempts: ATTEMPTS,
        base_delay: Duration::ZERO,
        max_delay: Duration::ZERO,
        max_retry_after: Duration::ZERO,
    };
    ClientConfig { retry, ..ClientConfig::default() }
}

/// The options of most tests: small pages, and no lookback.
pub fn options() -> Options {
    Options { page_size: PAGE_SIZE, lookback: TimeDelta::zero(), ..Options::default() }
}

pub fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

/// The page of the run list that a request is for. `None`: another request.
pub fn page_of(call: &Call) -> Option<u32> {
    if call.path != "/api/v1/runs/" {
        return None;
    }
    let page = url::form_urlencoded::parse(call.query.as_bytes()).find(|(key, _)| key == "page");
    Some(page.expect("each page is requested by its number").1.parse().unwrap())
}

/// The places of the run list that a request asks for, from 0. `None`: another request.
pub fn places(call: &Call) -> Option<Range<usize>> {
    let page = page_of(call)? as usize;
    let size = url::form_urlencoded::parse(call.query.as_bytes()).find(|(key, _)| key == "page_size")?.1;
    let size: usize = size.parse().unwrap();
    Some((page - 1) * size..page * size)
}

/// The id of the run that a request is for. `None`: another request.
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

/// The current state of every run in that archive.
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

/// The rows of a query, cells joined by `|`.
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
