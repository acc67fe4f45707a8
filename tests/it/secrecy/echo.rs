//! The API echoes the key: in errors, runs, names and headers.

use super::{KEY, Stage, Traces};
use crate::support::command::ran;
use crate::support::fault::{Fault, FaultPlan, Response, Target};
use crate::support::machine::RUNLEDGER;
use crate::support::workspace::Workspace;
use runledger::internal::sandbox::PipelineKind;
use serde_json::{Value, json};
use std::process::Command;

/// The key in each form that responses contain.
fn forms() -> Vec<String> {
    let encoded: String = url::form_urlencoded::byte_serialize(KEY.as_bytes()).collect();
    vec![
        KEY.to_owned(),
        KEY.replace('/', "\\/"),
        KEY.replace('+', "\\u002B").replace('=', "\\u003d"),
        encoded.replace("%2B", "%2b").replace("%2F", "%2f"),
        encoded,
        KEY.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        KEY.bytes().map(|byte| format!("%{byte:02x}")).collect(),
    ]
}

#[test]
fn an_echoed_key_is_printed_and_stored_nowhere() {
    let stage = Stage::new();
    let mut traces = Traces::default();
    // Errors that quote the key.
    for form in forms() {
        for (status, body, code) in [
            (400, format!(r#"{{"detail":"Key {form} is unknown."}}"#), 5),
            (403, format!("Key {form} is unknown."), 4),
        ] {
            let answer =
                Response { status, headers: vec![("x-echo", KEY.to_owned())], body: body.into_bytes() };
            stage.proxy.set_plan(FaultPlan::always(Target::Runs, Fault::Respond(answer)));
            assert_eq!(stage.run(&["sync", "--full"], &mut traces), code, "{status} {form}");
            let probed = if status == 403 { 4 } else { 3 };
            assert_eq!(stage.run(&["probe"], &mut traces), probed, "{status} {form}");
        }
    }
    // Runs, items in quarantine and names that contain it.
    stage.proxy.set_plan(FaultPlan::none());
    let ids: Vec<_> = {
        let mut model = stage.sandbox.model();
        let ids: Vec<_> = model.ids().collect();
        let pipeline = model.pipelines(PipelineKind::Source).next().unwrap().0;
        model.rename_pipeline(pipeline, &format!("Sales {KEY}"));
        for (id, form) in ids[10..].iter().zip(forms()) {
            // The forms are JSON already.
            let note: Value = serde_json::from_str(&format!("\"https://h/?k={form}\"")).unwrap();
            model.change(*id, |run| {
                drop(run.insert("extra_config".to_owned(), json!({"note": note, KEY: [KEY]})))
            });
        }
        model.set_text(ids[30], &json!({"id": "none", "note": KEY}).to_string());
        ids
    };
    assert_eq!(stage.run(&["sync", "--full"], &mut traces), 3);
    let id = ids[10].to_string();
    for arguments in [
        vec!["show", &id],
        vec!["show", &id, "--json"],
        vec!["fetch", &id],
        vec!["status", "--json"],
        vec!["query", "SELECT * FROM quarantine"],
        vec!["query", "SELECT name FROM pipelines", "--format", "json"],
        vec!["export", "documents", "--output", "documents.ndjson"],
        vec!["verify", "--sample", "100"],
        vec!["probe"],
        vec!["probe", "--json"],
    ] {
        stage.run(&arguments, &mut traces);
    }
    traces.add_folder(stage.folder.path());
    let archive = &traces.0.iter().find(|(place, _)| place.ends_with("runledger.db")).unwrap().1;
    let redacted = b"https://h/?k=[redacted]";
    assert!(archive.windows(redacted.len()).any(|window| window == redacted), "the text around it is kept");
    traces.assert_clean();
    // The pings carry errors and summaries.
    let pings = stage.ping_server.pings();
    let mut bodies = Traces::default();
    bodies.add("the pings".to_owned(), pings.iter().map(|ping| ping.body.clone()).collect::<String>().into());
    assert!(
        bodies.0["the pings"].windows(10).any(|window| window == b"[redacted]"),
        "a ping quoted an error"
    );
    bodies.assert_clean();
}

#[test]
fn a_short_key_is_kept_as_text_and_reported_once() {
    let workspace = Workspace::of(10);
    let key = workspace.sandbox.api_key();
    assert!(key.len() < 12);
    let ids: Vec<_> = {
        let mut model = workspace.sandbox.model();
        let pipelines: Vec<_> = model.pipelines(PipelineKind::Source).map(|(id, _)| id).collect();
        pipelines[..2].iter().for_each(|id| model.rename_pipeline(*id, &format!("the {key}")));
        pipelines
    };
    let mut command = Command::new(RUNLEDGER);
    command
        .args(["sync", "--quiet"])
        .current_dir(workspace.file(""))
        .env("NEKT_API_KEY", key)
        .env("RUNLEDGER_API_URL", workspace.sandbox.url())
        .env("RUNLEDGER_DB", workspace.path());
    let ran = ran(command);
    assert_eq!(ran.code, 0, "{ran:?}");
    let warning =
        "a response contains the API key, which is not redacted, because it has fewer than 12 characters";
    assert_eq!((ran.err.matches(warning).count(), ran.err.lines().count()), (1, 1), "{}", ran.err);
    let named = workspace.number("SELECT count(*) FROM pipelines WHERE name = 'the sandbox-key'");
    assert_eq!(named, 2.min(ids.len() as i64));
}
