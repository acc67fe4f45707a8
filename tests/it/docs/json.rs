//! `docs/json.md`: the output of each command fits its JSON Schema, and the schema names every key.

use super::root;
use crate::support::command::ran;
use crate::support::month_end::{MONTH, MonthEnd, ZONE};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs;

/// The schemas of the page, by the name in the heading.
fn schemas() -> BTreeMap<String, Value> {
    let page = fs::read_to_string(root().join("docs/json.md")).unwrap();
    let sections = page.split("\n### ").skip(1);
    let schema = |section: &str| {
        let name = section.lines().next().unwrap().to_owned();
        let (_, block) = section.split_once("```json\n").unwrap();
        (name, serde_json::from_str(block.split("```").next().unwrap()).unwrap())
    };
    sections.map(schema).collect()
}

/// The JSON Schema type of a value.
fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// What contradicts the schema, of the keywords that the page uses. A key that the schema does not name is one too:
/// programs may ignore it, but the page must describe it.
fn faults(value: &Value, schema: &Value, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    let keywords = schema.as_object().unwrap();
    if let Some(unknown) = keywords.keys().find(|key| {
        !["type", "items", "required", "properties", "additionalProperties"].contains(&key.as_str())
    }) {
        found.push(format!("{path}: the test does not know the keyword {unknown}"));
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().map(|one| one.as_str().unwrap()).collect(),
        _ => Vec::new(),
    };
    let actual = type_of(value);
    let fits = types.contains(&actual) || actual == "integer" && types.contains(&"number");
    if !types.is_empty() && !fits {
        found.push(format!("{path} is {actual}, not one of {types:?}"));
    }
    match value {
        Value::Object(object) => found.extend(faults_of_object(object, schema, path)),
        Value::Array(items) if schema.get("items").is_some() => {
            found.extend(items.iter().flat_map(|item| faults(item, &schema["items"], &format!("{path}[]"))));
        }
        _ => {}
    }
    found
}

fn faults_of_object(object: &Map<String, Value>, schema: &Value, path: &str) -> Vec<String> {
    let required = schema["required"].as_array().into_iter().flatten().map(|key| key.as_str().unwrap());
    let mut found: Vec<String> = required
        .filter(|key| !object.contains_key(*key))
        .map(|key| format!("{path}.{key} is missing"))
        .collect();
    let Some(properties) = schema.get("properties") else { return found };
    for (key, value) in object {
        match properties.get(key) {
            Some(property) => found.extend(faults(value, property, &format!("{path}.{key}"))),
            None => found.push(format!("{path}.{key} is not in the schema")),
        }
    }
    found
}

#[test]
fn the_json_of_each_command_fits_its_schema() {
    let month_end = MonthEnd::of(60);
    month_end.set(&format!("zone = \"{ZONE}\""));
    month_end.output(&["close", MONTH]);
    let run = month_end.workspace.ids()[0].to_string();
    let pipeline = &month_end.workspace.rows("SELECT pipeline_id FROM runs ORDER BY 1 LIMIT 1")[0];
    fs::copy(month_end.workspace.path(), month_end.workspace.file("damaged.db")).unwrap();
    month_end.output(&["export", "costs", "--period", MONTH, "--manifest", "--output", "rows.csv"]);
    fs::write(month_end.workspace.file("PTAX.csv"), "31012025;220;A;USD;5,8295;5,8301;1,0000;1,0000\n")
        .unwrap();
    let mut unused = schemas();
    let mut checked = 0;
    for (name, arguments, code) in [
        ("status", &["status"][..], 0),
        ("show", &["show", &run], 0),
        ("pipeline", &["show", pipeline], 0),
        ("runs", &["runs"], 0),
        ("runs", &["runs", "--min-usd", "0.01", "--id", "a"], 0),
        ("runs", &["runs", "--unknown"], 0),
        ("runs", &["runs", "--status", "success,failed", "--last", "30d", "--limit", "3"], 0),
        ("report", &["report", "cost", "--kind", "source", "--last", "6m"], 0),
        ("reports", &["report"], 0),
        ("report", &["report", "cost"], 0),
        ("report", &["report", "cost", "--period", MONTH, "--by", "pipeline"], 0),
        ("report", &["report", "change", "--period", MONTH], 0),
        ("report", &["report", "failures"], 0),
        ("report open", &["report", "open"], 0),
        ("report recovery", &["report", "recovery"], 0),
        ("report recovery", &["report", "recovery", "--by", "pipeline", "--limit", "1"], 0),
        ("report", &["report", "credits"], 0),
        ("report schedule", &["report", "schedule"], 0),
        ("report schedule", &["report", "schedule", "--pipeline", "*", "--last", "30d"], 0),
        ("report", &["report", "budget"], 0),
        ("report", &["restatements"], 0),
        ("report", &["reconcile", "--period", MONTH, "--invoice", "1"], 0),
        ("query", &["query", "SELECT * FROM runs"], 0),
        ("query", &["export", "costs"], 0),
        ("query", &["export", "runs"], 0),
        ("schema", &["schema", "runs"], 0),
        ("tables", &["schema"], 0),
        ("close", &["close"], 0),
        ("close", &["close", MONTH, "--restate", "--dry-run"], 0),
        ("check", &["check"], 0),
        ("coverage", &["coverage", "--offline"], 0),
        ("drift", &["drift"], 0),
        ("config", &["config"], 0),
        ("salvage", &["salvage", "damaged.db", "--output", "new.db"], 0),
        ("verify-file", &["verify-file", "rows.csv"], 0),
        ("statements", &["statements", "--period", MONTH, "--output", "month"], 0),
        ("verify-file", &["statements", "--check", "month"], 0),
        ("fx", &["fx", "import", "PTAX.csv", "--rates", "rates.csv"], 0),
        ("backup", &["backup", "copy.db"], 0),
        ("backup", &["backup", "copy.db", "--quiet"], 0),
        ("restore", &["restore", "copy.db"], 0),
        ("migrate", &["migrate"], 0),
        ("demo", &["demo", "--runs", "100", "--db", "demo.db"], 0),
        ("demo", &["demo", "--runs", "100", "--db", "demo.db", "--verbose"], 0),
        ("sync", &["sync"], 0),
        ("sync", &["fetch", &run], 0),
        ("verify", &["verify"], 0),
        ("probe", &["probe"], 0),
        ("alert", &["alert"], 0),
        ("alerts", &["alert", "--list"], 0),
    ] {
        let mut command = month_end.command(&[arguments, &["--json"]].concat());
        command
            .env("NEKT_API_KEY", month_end.workspace.sandbox.api_key())
            .env("RUNLEDGER_API_URL", month_end.workspace.sandbox.url());
        let ran = ran(command);
        assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
        let printed: Value = serde_json::from_str(&ran.out)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}\n{}", ran.out));
        let schema = &schemas()[name];
        assert_eq!(faults(&printed, schema, name), [""; 0], "{arguments:?}");
        unused.remove(name);
        checked += 1;
    }
    // Errors are on standard error.
    unused.remove("error");
    assert!(checked > 20 && unused.is_empty(), "no command was checked against {:?}", unused.keys());
}

#[test]
fn with_json_the_last_line_of_an_error_fits_its_schema() {
    let month_end = MonthEnd::of(10);
    for (arguments, code) in [
        (&["query", "SELECT * FROM rusn", "--json"][..], 2),
        (&["report", "cost", "--format=json", "--by", "pipline"], 2),
        (&["report", "cost", "--format", "json", "--period", "2026-99"], 2),
        (&["status", "--json", "--jsno"], 2),
        (&["export", "parquet", "--json", "--watch-months", "3"], 2),
        (&["status", "--json", "--db", "none.db"], 6),
        (&["report", "cost", "--json", "--output", "none/a.json"], 7),
        (&["verify-file", "none.csv", "--json"], 2),
        (&["statements", "--check", "none", "--json"], 2),
        (&["fx", "import", "none.csv", "--rates", "rates.csv", "--json"], 2),
        (&["backup", "none/copy.db", "--json"], 7),
        (&["restore", "none.db", "--json"], 6),
        (&["migrate", "--db", "none.db", "--json"], 6),
        (&["status", "--json", "--max-age", "1h"], 3),
    ] {
        let ran = month_end.run(arguments);
        let printed: Value = serde_json::from_str(ran.err.lines().last().unwrap())
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}\n{ran:?}"));
        assert_eq!(faults(&printed, &schemas()["error"], "error"), [""; 0], "{arguments:?}");
        assert_eq!((ran.code, &printed["exit_code"]), (code, &Value::from(code)), "{arguments:?}: {ran:?}");
        assert!(!printed["error"].as_str().unwrap().contains("error: "), "{printed}");
    }
}

#[test]
fn a_fault_of_each_kind_is_found() {
    let schema = serde_json::json!({
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"type": ["integer", "null"]}, "b": {"type": "array", "items": {"type": "string"}}},
    });
    let found = |text: &str| faults(&serde_json::from_str(text).unwrap(), &schema, "x").len();
    assert_eq!([found(r#"{"a":1}"#), found(r#"{"a":null,"b":["c"]}"#)], [0, 0]);
    assert_eq!([found("[]"), found("{}"), found(r#"{"a":"1"}"#)], [1, 1, 1]);
    assert_eq!([found(r#"{"a":1,"b":[1]}"#), found(r#"{"a":1,"c":2}"#)], [1, 1]);
}
