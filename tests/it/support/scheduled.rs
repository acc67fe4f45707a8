//! An archive whose runs follow schedules, written row by row.

use chrono::{DateTime, TimeDelta, Utc};
use runledger::internal::run::Instant;
use rusqlite::{Connection, params};

/// The moment in the text of the archive.
pub fn text(at: DateTime<Utc>) -> String {
    Instant::from_utc(at).unwrap().to_string()
}

/// The moment of such a text.
pub fn utc(text: &str) -> DateTime<Utc> {
    Instant::parse(text).unwrap().to_utc()
}

/// The JSON of a cron trigger.
pub fn cron(expression: &str, zone: &str) -> String {
    format!(r#"{{"type":"cron","cron_expression":"{expression}","cron_timezone":"{zone}"}}"#)
}

/// The settings of a pipeline with a trigger.
pub fn triggered_by(trigger: &str) -> String {
    format!(r#"{{"trigger":{trigger}}}"#)
}

/// The JSON of an event trigger.
pub fn event(rule: &str, parents: &[&str]) -> String {
    let parents: Vec<String> = parents.iter().map(|parent| format!("\"{parent}\"")).collect();
    format!(r#"{{"type":"event","event_rule":"{rule}","events":[{}]}}"#, parents.join(","))
}

/// The id of a run with this name: an FNV hash as a UUID, because an archive has no other ids.
fn id_of(name: &str) -> String {
    let hash = name.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    });
    uuid::Uuid::from_u128(hash).hyphenated().to_string()
}

/// An archive under construction. Every row belongs to the first sync.
pub struct Scheduled<'a>(pub &'a Connection);

impl Scheduled<'_> {
    /// Adds a sync that takes half a minute.
    pub fn sync(&self, started_at: DateTime<Utc>, outcome: &str) {
        let ended_at = started_at + TimeDelta::seconds(30);
        let is_complete = matches!(outcome, "complete" | "partial");
        let sql = "INSERT INTO syncs (kind, started_at, ended_at, outcome, process_id, program_version, api_url, \
                       last_observed_at, walk_complete) \
                   VALUES ('full', ?1, ?2, ?3, 1, '0.1.0', 'http://127.0.0.1:1/', ?2, ?4)";
        self.0.execute(sql, params![text(started_at), text(ended_at), outcome, is_complete]).unwrap();
    }

    /// Adds a state of a source that supersedes the one before.
    pub fn state(&self, id: &str, observed_at: DateTime<Utc>, is_active: bool, settings: Option<&str>) {
        let at = text(observed_at);
        let sql = "UPDATE pipeline_snapshots SET superseded_at = ?2 WHERE pipeline_id = ?1 AND superseded_at IS NULL";
        self.0.execute(sql, params![id, at]).unwrap();
        let sql = "INSERT INTO pipeline_snapshots (kind, pipeline_id, slug, name, active, observed_at, settings) \
                   VALUES ('source', ?1, ?1 || '-slug', 'Pipeline ' || ?1, ?2, ?3, ?4)";
        self.0.execute(sql, params![id, is_active, at, settings]).unwrap();
    }

    /// Adds a run of a source that starts twenty seconds after its creation and takes ten minutes. Returns its id.
    pub fn run(&self, pipeline: &str, created_at: DateTime<Utc>, trigger: &str, status: &str) -> String {
        let started_at = (status != "queued").then(|| created_at + TimeDelta::seconds(20));
        let ended_at = started_at.filter(|_| !matches!(status, "queued" | "running"));
        let ended_at = ended_at.map(|at| at + TimeDelta::minutes(10));
        let run_id = id_of(&format!("{pipeline}-{}", text(created_at)));
        let kind: serde_json::Value = serde_json::from_str(trigger).unwrap();
        let sql = "INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, created_at, started_at, \
                       ended_at, status, \"trigger\", trigger_type, source) \
                   VALUES (?1, ?2, 1, zeroblob(32), ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let row = params![
            run_id,
            text(created_at),
            started_at.map(text),
            ended_at.map(text),
            status,
            trigger,
            kind["type"].as_str(),
            pipeline
        ];
        self.0.execute(sql, row).unwrap();
        run_id
    }
}
