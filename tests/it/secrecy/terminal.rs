//! Control characters from the API: none reaches a terminal.

use super::{Stage, month_of};
use crate::support::fault::{Fault, FaultPlan, Target};
use runledger::internal::sandbox::PipelineKind;
use serde_json::json;

#[test]
fn api_text_cannot_control_the_terminal() {
    let stage = Stage::new();
    let evil =
        "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\u{2067}\u{61c}ad\u{200b}m\u{200d}i\u{2060}n\u{ad}\u{feff}";
    let id = stage.sandbox.model().ids().nth(60).unwrap();
    let pipeline_id = {
        let mut model = stage.sandbox.model();
        let pipeline = model.pipelines(PipelineKind::Source).next().unwrap().0;
        model.rename_pipeline(pipeline, evil);
        model.change(id, |run| {
            run.insert(evil.to_owned(), json!(evil));
            run.insert("status".to_owned(), json!(evil));
            run.insert("source".to_owned(), json!(pipeline.to_string()));
            run.insert("trigger".to_owned(), json!({"type": evil, evil: evil}));
        });
        pipeline.to_string()
    };
    let (month, run) = (month_of(&stage, id), id);
    let id = id.to_string();
    stage.proxy.set_plan(FaultPlan::once(
        Target::Runs,
        Fault::body(json!({"count": 1, "results": evil}).to_string().replace("\\u001b", "\\u001B")),
    ));
    let commands: Vec<Vec<&str>> = vec![
        vec!["sync"],
        vec!["status"],
        vec!["status", "--json"],
        vec!["show", &id],
        vec!["show", &id, "--json"],
        vec!["show", &pipeline_id],
        vec!["show", &pipeline_id, "--json"],
        vec!["show", evil],
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
        vec!["close", &month, "--force", "--dry-run", "--by", evil, "--note", evil, "--zone", "UTC"],
        vec!["close", &month, "--force", "--by", evil, "--note", evil, "--zone", "UTC"],
        vec!["close"],
        vec!["close", evil],
        vec!["reconcile", "--period", &month, "--invoice", "1"],
        vec!["report", "cost", "--by", "status,pipeline", "--period", &month],
        vec!["config"],
        vec!["fetch", &id],
        vec!["restatements"],
        vec!["probe"],
        vec!["probe", "--json"],
        vec!["sync", "--full", "--json"],
        vec!["verify", "--sample", "100", "--json"],
    ];
    for arguments in commands {
        if arguments[0] == "fetch" {
            // The restatements of a closed month are escaped too.
            stage.sandbox.model().change(run, |run| {
                run.insert("status".to_owned(), json!(format!("{evil} again")));
            });
        }
        let output = stage.command(&arguments).output().unwrap();
        for text in [output.stdout, output.stderr] {
            let text = String::from_utf8(text).unwrap();
            let steers = |letter: char| {
                (letter.is_control() && letter != '\n')
                    || (!letter.is_control() && evil.contains(letter) && !letter.is_ascii())
            };
            assert_eq!(text.find(steers), None, "{arguments:?}: {text:?}");
        }
    }
}
