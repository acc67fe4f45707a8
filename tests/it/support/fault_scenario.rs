//! This is a scenario: an archive that has runs already, a sync where something goes wrong, and a healthy one after it.

use super::workspace::{Workspace, at, manners, normal, options};
use chrono::TimeDelta;
use runledger::api::{BaseUrl, Client, ClientConfig};
use runledger::sandbox::{FaultPlan, Gateway, Outcome};
use runledger::secret::ApiKey;
use runledger::snapshot::hash;
use runledger::store::Archive;
use runledger::sync::{Options, Summary};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;

/// How many runs there are before anything goes wrong, and how many are added then.
pub const RUNS: [usize; 2] = [70, 30];

/// When each state of a run was seen, and its hash.
type Snapshots = BTreeSet<String>;

pub struct FaultScenario {
    pub workspace: Workspace,
    pub gateway: Gateway,
    before: Snapshots,
}

impl FaultScenario {
    /// An archive of runs, of which some change and thirty are added; then `plan` goes wrong.
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
        let gateway = workspace.runtime.block_on(Gateway::before(&workspace.sandbox, plan)).unwrap();
        workspace.sandbox.forget_requests();
        let before = snapshots(&workspace.path());
        FaultScenario { workspace, gateway, before }
    }

    /// A client of the gateway.
    pub fn client(&self, manners: ClientConfig) -> Arc<Client> {
        client(&self.workspace, &self.gateway, manners)
    }

    /// Reads the whole list through the gateway, a request at a time.
    pub fn sync(&self) -> Summary {
        self.sync_with(manners(), &one_by_one())
    }

    /// Syncs through the gateway; what was kept before must still be there, and all of it in order.
    pub fn sync_with(&self, manners: ClientConfig, options: &Options) -> Summary {
        self.sync_by(self.client(manners), options)
    }

    /// As [`FaultScenario::sync_with`], by way of somebody else's client.
    pub fn sync_by(&self, client: Arc<Client>, options: &Options) -> Summary {
        let summary = self.workspace.sync_by(client, options);
        let after = snapshots(&self.workspace.path());
        assert!(after.is_superset(&self.before), "what was kept before is kept");
        assert_invariants(&self.workspace.path());
        summary
    }

    /// How many runs the archive has.
    pub fn kept(&self) -> usize {
        self.workspace.archived().len()
    }

    /// All is well again: the next ordinary sync, with no word about what happened, ends in the archive
    /// of somebody to whom nothing ever happened.
    pub fn recovers(&self) {
        self.gateway.set_plan(FaultPlan::none());
        let summary = self.workspace.sync_by(self.client(manners()), &options());
        assert!(summary.result.is_ok(), "{:?}", summary.result);
        let undisturbed = self.workspace.file("undisturbed.db");
        assert!(self.workspace.sync_into(&undisturbed, &options()).result.is_ok());
        assert_invariants(&self.workspace.path());
        // Two whole ledgers side by side would say little to anybody.
        assert!(self.workspace.archived() == self.workspace.truth(), "the archive has what the API has");
        assert!(histories(&self.workspace.path()) == histories(&undisturbed), "and no more");
    }
}

/// A client of a gateway.
pub fn client(workspace: &Workspace, gateway: &Gateway, manners: ClientConfig) -> Arc<Client> {
    let address = BaseUrl::parse(&gateway.url()).unwrap();
    let key = ApiKey::new(workspace.sandbox.api_key(), "the test").unwrap();
    Arc::new(Client::new(address, &key, manners).unwrap())
}

/// Reads the whole list, a request at a time.
pub fn one_by_one() -> Options {
    Options { full: true, concurrency: 1, ..options() }
}

pub fn exit_code(summary: &Summary) -> u8 {
    summary.result.as_ref().err().map_or(0, |error| error.exit_code())
}

/// The text of what ended a sync.
pub fn told(summary: &Summary) -> String {
    summary.result.as_ref().err().map_or(String::new(), ToString::to_string)
}

/// What holds for every archive, whatever happened to it.
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

/// Every state of every run, times of observation aside.
fn histories(path: &Path) -> BTreeMap<Uuid, Vec<Value>> {
    let archive = Archive::open_for_reading(path).unwrap();
    let states =
        |id| archive.history(id).unwrap().iter().map(|entry| normal(&entry.run.document())).collect();
    hashes(&archive).into_keys().map(|id| (id, states(id))).collect()
}

/// Such as `2026-11-23T16:00:00Z`, moved by so many seconds, as HTTP writes dates.
pub fn http_date(seconds_from_now: i64) -> String {
    let now = chrono::Utc::now() + TimeDelta::seconds(seconds_from_now);
    assert!(now > at("2020-01-01T00:00:00Z").to_utc(), "the machine's clock is set");
    httpdate::fmt_http_date(now.into())
}
