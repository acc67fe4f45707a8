//! A fault scenario: an archive with runs, a sync with a fault, and a healthy sync after it.

use super::fault::FaultPlan;
use super::fault_proxy::FaultProxy;
use super::workspace::{Workspace, at, manners, normal, options};
use chrono::TimeDelta;
use runledger::internal::api::{BaseUrl, Client, ClientConfig};
use runledger::internal::sandbox::Outcome;
use runledger::internal::secret::ApiKey;
use runledger::internal::snapshot::hash;
use runledger::internal::store::Archive;
use runledger::internal::sync::{Options, Summary};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;

/// The number of runs before the fault, and the number added at the fault.
pub const RUNS: [usize; 2] = [70, 30];

/// When each state of a run was observed, and its hash.
type Snapshots = BTreeSet<String>;

pub struct FaultScenario {
    pub workspace: Workspace,
    pub proxy: FaultProxy,
    before: Snapshots,
}

impl FaultScenario {
    /// An archive of runs; some change and thirty are added; then the faults of `plan` occur.
    pub fn of(plan: FaultPlan) -> FaultScenario {
        let workspace = Workspace::of(RUNS[0]);
        for path in [workspace.path(), workspace.file("undisturbed.db")] {
            let summary = workspace.sync_into(&path, &options());
            assert!(summary.result.is_ok(), "{:?}", summary.result);
        }
        workspace.wait(TimeDelta::hours(1));
        {
            let mut model = workspace.sandbox.model();
            for id in model.in_progress() {
                model.finish(id, Outcome::Success);
            }
            for _ in 0..RUNS[1] {
                model.add();
            }
        }
        let proxy = workspace.runtime.block_on(FaultProxy::start(&workspace.sandbox, plan)).unwrap();
        workspace.sandbox.forget_requests();
        let before = snapshots(&workspace.path());
        FaultScenario { workspace, proxy, before }
    }

    /// A client of the fault proxy.
    pub fn client(&self, manners: ClientConfig) -> Arc<Client> {
        client(&self.workspace, &self.proxy, manners)
    }

    /// Reads the whole list through the proxy, one request at a time.
    pub fn sync(&self) -> Summary {
        self.sync_with(manners(), &one_by_one())
    }

    /// Syncs through the proxy; asserts that earlier rows are kept and the invariants hold.
    pub fn sync_with(&self, manners: ClientConfig, options: &Options) -> Summary {
        self.sync_by(self.client(manners), options)
    }

    /// As [`FaultScenario::sync_with`], with another client.
    pub fn sync_by(&self, client: Arc<Client>, options: &Options) -> Summary {
        let summary = self.workspace.sync_by(client, options);
        let after = snapshots(&self.workspace.path());
        assert!(after.is_superset(&self.before), "earlier snapshots are kept");
        assert_invariants(&self.workspace.path());
        summary
    }

    /// The number of runs in the archive.
    pub fn run_count(&self) -> usize {
        self.workspace.archived().len()
    }

    /// Asserts that after the fault, the next sync without options ends in the same archive as an
    /// undisturbed sync.
    pub fn recovers(&self) {
        self.proxy.set_plan(FaultPlan::none());
        let summary = self.workspace.sync_by(self.client(manners()), &options());
        assert!(summary.result.is_ok(), "{:?}", summary.result);
        let undisturbed = self.workspace.file("undisturbed.db");
        assert!(self.workspace.sync_into(&undisturbed, &options()).result.is_ok());
        assert_invariants(&self.workspace.path());
        // The difference of two whole ledgers would be unreadable.
        assert!(self.workspace.archived() == self.workspace.truth(), "the archive has every run of the API");
        assert!(
            histories(&self.workspace.path()) == histories(&undisturbed),
            "the archive has no other runs"
        );
    }
}

/// A client of a fault proxy.
pub fn client(workspace: &Workspace, proxy: &FaultProxy, manners: ClientConfig) -> Arc<Client> {
    let address = BaseUrl::parse(&proxy.url()).unwrap();
    let key = ApiKey::new(workspace.sandbox.api_key(), "the test").unwrap();
    Arc::new(Client::new(address, &key, manners).unwrap())
}

/// Reads the whole list, one request at a time.
pub fn one_by_one() -> Options {
    Options { full: true, concurrency: 1, ..options() }
}

pub fn exit_code(summary: &Summary) -> u8 {
    summary.result.as_ref().err().map_or(0, |error| error.exit_code())
}

/// The text of the error that ended a sync.
pub fn error_text(summary: &Summary) -> String {
    summary.result.as_ref().err().map_or(String::new(), ToString::to_string)
}

/// Asserts what holds for every archive after any fault.
pub fn assert_invariants(path: &Path) {
    let archive = Archive::open_for_reading(path).unwrap();
    let number = |sql: &str| -> i64 { archive.connection().query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(number("SELECT count(*) FROM syncs WHERE outcome = 'running' OR ended_at IS NULL"), 0);
    assert_eq!(number("SELECT count(*) FROM pragma_foreign_key_check"), 0);
    let whole: String =
        archive.connection().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
    for (id, hashes) in hashes(&archive) {
        let history = archive.history(id).unwrap();
        for (entry, kept) in history.iter().zip(&hashes) {
            assert_eq!(&hash(entry.run.document().as_bytes()).to_vec(), kept, "the hash of {id}");
        }
        for pair in history.windows(2) {
            assert_eq!(pair[0].superseded_at, Some(pair[1].observed_at), "no gap in the history of {id}");
        }
        assert_eq!(history.last().unwrap().superseded_at, None, "{id} has a current state");
    }
}

fn hashes(archive: &Archive) -> BTreeMap<Uuid, Vec<Vec<u8>>> {
    let sql = "SELECT run_id, content_hash FROM run_snapshots ORDER BY run_id, observed_at";
    let mut statement = archive.connection().prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?)));
    let mut hashes: BTreeMap<Uuid, Vec<Vec<u8>>> = BTreeMap::new();
    for row in rows.unwrap() {
        let (id, hash) = row.unwrap();
        hashes.entry(id.parse().unwrap()).or_default().push(hash);
    }
    hashes
}

fn snapshots(path: &Path) -> Snapshots {
    let sql = "SELECT run_id, observed_at, content_hash FROM run_snapshots";
    super::workspace::rows_of(path, sql).into_iter().collect()
}

/// Every state of every run, without observation times.
fn histories(path: &Path) -> BTreeMap<Uuid, Vec<Value>> {
    let archive = Archive::open_for_reading(path).unwrap();
    let states =
        |id| archive.history(id).unwrap().iter().map(|entry| normal(&entry.run.document())).collect();
    hashes(&archive).into_keys().map(|id| (id, states(id))).collect()
}

/// An instant such as `2026-11-23T16:00:00Z`, moved by `seconds`, in the date format of HTTP.
pub fn http_date(seconds_from_now: i64) -> String {
    let now = chrono::Utc::now() + TimeDelta::seconds(seconds_from_now);
    assert!(now > at("2020-01-01T00:00:00Z").to_utc(), "the instant is valid");
    httpdate::fmt_http_date(now.into())
}
