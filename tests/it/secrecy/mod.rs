//! Secrets: none leaks.
//!
//! The program runs at its highest verbosity, with a marked key and marked tokens; then all its output
//! and files are searched.

mod commands;
mod echo;
mod faults;
mod search;
mod terminal;

use crate::support::fault::FaultPlan;
use crate::support::fault_proxy::FaultProxy;
use crate::support::ping_server::PingServer;
use assert_cmd::cargo::CommandCargoExt;
use runledger::internal::sandbox::{Model, Options, Plan, SETTINGS_PREFIX, Sandbox, TOKEN_PREFIX};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// A key that no other text resembles. Its length is a multiple of neither three nor four.
const KEY: &str = "Marked+Key/7c1f9e5b3a~d2846=x";

/// The value below a credential's name in a configuration.
const PERSON: &str = "marked-person-52998224725";

/// The secret in the ping URL, in its path and in its query.
const PING: &str = "marked-ping-0f9a7c31-e5";

/// The texts that must not appear.
fn forbidden() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for secret in [KEY, TOKEN_PREFIX, SETTINGS_PREFIX, PERSON, PING] {
        all.push(secret.as_bytes().to_vec());
        all.push(url::form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>().into_bytes());
        all.push(secret.bytes().flat_map(|byte| format!("%{byte:02X}").into_bytes()).collect());
        all.push(secret.bytes().flat_map(|byte| format!("%{byte:02x}").into_bytes()).collect());
        all.push(secret.replace('/', "\\/").into_bytes());
        all.push(secret.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect());
        // In base64 a text has three alignments; the letters that depend on neighboring bytes are left out.
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

/// All output and files, by their origin.
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
    proxy: FaultProxy,
    ping_server: PingServer,
    folder: tempfile::TempDir,
    /// The folder of the key file, which contains nothing else.
    safe: tempfile::TempDir,
}

impl Stage {
    fn new() -> Stage {
        let runtime = Runtime::new().unwrap();
        let plan = Plan { runs: 120, ..Plan::ending_at(chrono::Utc::now()) };
        let options = Options { api_key: KEY.to_owned(), ..Options::default() };
        let sandbox = runtime.block_on(Sandbox::start(Model::new(&plan), options)).unwrap();
        let proxy = runtime.block_on(FaultProxy::start(&sandbox, FaultPlan::none())).unwrap();
        let (folder, safe) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(safe.path().join("key"), format!("{KEY}\n")).unwrap();
        let ping_server = PingServer::new();
        std::fs::write(safe.path().join("ping"), ping_server.url(PING)).unwrap();
        Stage { runtime, sandbox, proxy, ping_server, folder, safe }
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
            .env("RUNLEDGER_API_URL", self.proxy.url())
            .env("RUNLEDGER_PING_URL", self.ping_server.url(PING))
            .env("RUNLEDGER_REDACT", "tax_id, whatever")
            .env("RUST_LOG", "trace")
            .env("RUST_BACKTRACE", "full")
            .env_remove("RUNLEDGER_DB");
        command
    }

    /// Runs a command and records its output.
    fn run(&self, arguments: &[&str], traces: &mut Traces) -> i32 {
        let output = self.command(arguments).output().unwrap();
        let name = format!("runledger {}", arguments.join(" "));
        let code = output.status.code().unwrap();
        if arguments[0] == "sync" && code != 2 {
            assert!(output.stderr.len() > 1000, "{name} logs at the highest verbosity");
        }
        traces.add(format!("the errors of {name}"), output.stderr);
        traces.add(format!("the output of {name}"), output.stdout);
        code
    }
}

/// The month in UTC in which a run of the sandbox started.
fn month_of(stage: &Stage, id: Uuid) -> String {
    stage.sandbox.model().document(id).unwrap()["started_at"].as_str().unwrap()[..7].to_owned()
}
