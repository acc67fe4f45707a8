//! This is the test of the settings file: what overrules what, and what is refused and how it is named.

use crate::support::month_end::{MonthEnd, ran};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

/// Every setting in force: its value, and where it comes from.
fn in_force(
    month_end: &MonthEnd,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> BTreeMap<String, (Value, String)> {
    let mut command = month_end.command(&[&["config", "--json"], arguments].concat());
    command.envs(environment.iter().copied());
    let ran = ran(command);
    assert_eq!(ran.code, 0, "{ran:?}");
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    let settings = told.as_array().unwrap().iter().map(|setting| {
        let text = |name: &str| setting[name].as_str().unwrap().to_owned();
        (text("setting"), (setting["value"].clone(), text("from")))
    });
    settings.collect()
}

#[test]
fn a_flag_overrules_the_environment_which_overrules_the_file() {
    let month_end = MonthEnd::of(30);
    let zone_of = |arguments: &[&str], environment: &[(&str, &str)]| {
        let manifest = month_end.workspace.file("answer.manifest.json");
        let mut command = month_end
            .command(&[&["export", "costs", "--output", "answer.csv", "--manifest"], arguments].concat());
        command.envs(environment.iter().copied());
        let ran = ran(command);
        assert_eq!(ran.code, 0, "{ran:?}");
        let told: Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
        let parts = [&told["asked"]["zone"], &told["asked"]["date_basis"], &told["dialect"]["name"]];
        parts.map(|part| part.as_str().unwrap().to_owned()).join(" ")
    };
    let flags = ["--zone", "Asia/Tokyo", "--date", "ended", "--dialect", "excel"];
    let environment = [
        ("RUNLEDGER_ZONE", "Europe/Berlin"),
        ("RUNLEDGER_DATE", "started"),
        ("RUNLEDGER_DIALECT", "machine"),
    ];
    assert_eq!(zone_of(&[], &[]), "UTC started machine");
    month_end.set("zone = \"America/Sao_Paulo\"\ndate = \"created\"\ndialect = \"excel-br\"");
    assert_eq!(zone_of(&[], &[]), "America/Sao_Paulo created excel-br");
    assert_eq!(zone_of(&[], &environment), "Europe/Berlin started machine");
    assert_eq!(zone_of(&flags, &environment), "Asia/Tokyo ended excel");
    assert_eq!(zone_of(&flags[..2], &environment[1..]), "Asia/Tokyo started machine");
    // What is set to nothing is not set.
    assert_eq!(zone_of(&[], &[("RUNLEDGER_ZONE", "")]), "America/Sao_Paulo created excel-br");
}

#[test]
fn the_file_is_the_one_that_is_named_or_else_lies_beside_the_archive() {
    let month_end = MonthEnd::of(20);
    let folder = month_end.workspace.file("elsewhere");
    fs::create_dir(&folder).unwrap();
    let other = folder.join("other.toml");
    fs::write(&other, "zone = \"Asia/Tokyo\"").unwrap();
    let other = other.to_str().unwrap();
    let zone = |arguments: &[&str], environment: &[(&str, &str)]| {
        in_force(&month_end, arguments, environment)["zone"].0.clone()
    };
    assert_eq!(zone(&[], &[]), "UTC");
    month_end.set("zone = \"America/Sao_Paulo\"");
    assert_eq!(zone(&[], &[]), "America/Sao_Paulo");
    assert_eq!(zone(&[], &[("RUNLEDGER_CONFIG", other)]), "Asia/Tokyo");
    let beside = month_end.workspace.file("runledger.toml");
    assert_eq!(
        zone(&["--config", beside.to_str().unwrap()], &[("RUNLEDGER_CONFIG", other)]),
        "America/Sao_Paulo"
    );
    // Beside the archive, wherever somebody stands.
    let mut command = month_end.command(&["config"]);
    command.current_dir(&folder);
    assert!(ran(command).out.contains("America/Sao_Paulo"));

    // One that is named must be there.
    for name in ["none.toml", "elsewhere"] {
        month_end
            .run(&["config", "--config", name])
            .refused(2, &[&format!("the settings in {name} cannot be read: ")]);
        month_end.run(&["report", "cost", "--config", name]).refused(2, &[name]);
        let mut command = month_end.command(&["report", "cost"]);
        command.env("RUNLEDGER_CONFIG", name);
        ran(command).refused(2, &[name]);
    }
    fs::write(&beside, [0xff, 0xfe]).unwrap();
    month_end.run(&["report", "cost"]).refused(2, &["runledger.toml cannot be read"]);
    // Whoever does not ask for them is not kept from working.
    month_end.says(&["status"]);
    month_end.says(&["check"]);
}

#[test]
fn what_the_file_cannot_mean_is_named_by_file_line_and_key() {
    let month_end = MonthEnd::of(20);
    for (settings, words) in [
        (
            "zone = \"UTC\"\nzones = \"UTC\"",
            &["line 2: unknown field `zones`, expected one of `zone`, `date`"][..],
        ),
        ("\n[plan]\nfee_usd = \"10\"\ncredits = 5\nbonus = 1", &["line 5: unknown field `bonus`"]),
        ("[billed_by]\netl = \"Nekt\"", &["line 2: unknown field `etl`"]),
        ("[account]\nid = \"7\"", &["line 2: unknown field `id`"]),
        ("[[centre]]\ncentre = \"A\"\npipelines = \"x\"", &["line 3: unknown field `pipelines`"]),
        ("[[centre]]\npipeline = \"x\"", &["missing field `centre`"]),
        ("zone = \"Brasilia\"", &["zone Brasilia: there is no such time zone"]),
        ("zone = 3", &["line 1: invalid type"]),
        ("date = \"paid\"", &["date paid: a run is booked by one of started, ended, created"]),
        ("dialect = \"lotus\"", &["dialect lotus: there is no such dialect of CSV"]),
        (
            "[[centre]]\ncentre = \"A\"\n[[centre]]\ncentre = \"B\"\npipeline = \"[a\"",
            &["the cost centres' rule 2 (B): the pattern [a: "],
        ),
        (
            "[[centre]]\ncentre = \"A\"\nkind = \"sink\"",
            &["rule 1 (A): there is no kind sink: it is one of source, destination, transformation"],
        ),
        (
            "[[centre]]\ncentre = \"A\"\nfrom = \"2025-2-1\"",
            &["rule 1 (A): from 2025-2-1: not a day of the form YYYY-MM-DD"],
        ),
        ("[[centre]]\ncentre = \"A\"\nfrom = 2025-02-01", &["line 3: "]),
        ("[[centre]]\ncentre = \"\"", &["a centre has a name"]),
        ("[[centre]]\ncentre = \"unallocated\"", &["a centre has a name, and not unallocated"]),
        ("[plan]\nfee_usd = \"-1\"\ncredits = 5", &["line 2: "]),
        ("[plan]\nfee_usd = \"much\"\ncredits = 5", &["line 2: "]),
        ("[plan]\nfee_usd = \"1\"\ncredits = -5", &["line 3: "]),
        ("zone = \"UTC\"\nzone = \"UTC\"", &["line 2: duplicate key"]),
        ("zone = UTC", &["line 1: "]),
        ("= 3", &["line 1: "]),
    ] {
        month_end.set(settings);
        let refused = month_end.run(&["report", "cost"]);
        refused.refused(2, &[&["runledger.toml cannot be meant: "], words].concat());
        // An environment that is right does not hide a file that is wrong.
        let mut command = month_end.command(&["config"]);
        command.env("RUNLEDGER_ZONE", "UTC").env("RUNLEDGER_DATE", "ended").env("RUNLEDGER_DIALECT", "excel");
        ran(command).refused(2, words);
    }
    // A variable that is wrong is not blamed on the file.
    month_end.set("zone = \"UTC\"");
    for (name, words) in [
        ("RUNLEDGER_ZONE", "RUNLEDGER_ZONE nonsense: there is no such time zone"),
        ("RUNLEDGER_DATE", "RUNLEDGER_DATE nonsense: a run is booked by one of"),
    ] {
        let mut command = month_end.command(&["report", "cost"]);
        command.env(name, "nonsense");
        let refused = ran(command);
        refused.refused(2, &[words]);
        assert!(!refused.err.contains("runledger.toml"), "{}", refused.err);
    }
}

#[test]
fn the_settings_in_force_are_told_with_their_origins_and_never_the_key() {
    let month_end = MonthEnd::of(20);
    let key = "Marked+Key/7c1f9e5b3a~d2846=x";
    month_end.set(
        "zone = \"America/Sao_Paulo\"\n[billed_by]\nel = \"Nekt\"\n[account]\nbilling_id = \"acme\"\nbilling_name = \"Acme S.A.\"\n\
         [plan]\nfee_usd = \"1490.00\"\ncredits = 500\n[[centre]]\ncentre = \"Sales\"\npipeline = \"crm-*\"\nfrom = \"2025-01-01\"\n\
         [[centre]]\ncentre = \"All\"",
    );
    let file = month_end.workspace.file("runledger.toml").display().to_string();
    let environment = [
        ("NEKT_API_KEY", key),
        ("RUNLEDGER_DATE", "ended"),
        ("RUNLEDGER_REDACT", "tax_id"),
        ("RUNLEDGER_API_URL", "http://127.0.0.1:8080/"),
    ];
    let settings = in_force(&month_end, &[], &environment);
    let told = |name: &str| {
        let (value, from) = &settings[name];
        (value.as_str().unwrap_or("null"), from.as_str())
    };
    assert_eq!(told("zone"), ("America/Sao_Paulo", file.as_str()));
    assert_eq!(told("date"), ("ended", "RUNLEDGER_DATE"));
    assert_eq!(told("dialect"), ("machine", "default"));
    assert_eq!(told("api_key"), ("(given)", "NEKT_API_KEY"));
    assert_eq!(told("api_url"), ("http://127.0.0.1:8080", "RUNLEDGER_API_URL"));
    assert_eq!(told("redact"), ("tax_id", "RUNLEDGER_REDACT"));
    assert_eq!(told("archive").1, "RUNLEDGER_DB");
    assert_eq!(told("billed_by.el"), ("Nekt", file.as_str()));
    assert_eq!(told("billed_by.transformation"), ("null", "default"));
    assert_eq!(told("account.billing_name"), ("Acme S.A.", file.as_str()));
    assert_eq!(told("plan.fee_usd"), ("1490.000000000", file.as_str()));
    assert_eq!(told("plan.credits"), ("500", file.as_str()));
    assert_eq!(told("centre"), ("All: every run", file.as_str()));
    for arguments in [&["config"][..], &["config", "--json"], &["config", "-vv"]] {
        let mut command = month_end.command(arguments);
        command.envs(environment);
        let ran = ran(command);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.out.contains("Sales: pipeline crm-*, from 2025-01-01"), "{}", ran.out);
        assert!(!ran.out.contains("Marked") && !ran.err.contains("Marked"), "{ran:?}");
    }
    let without = in_force(&month_end, &[], &[]);
    assert_eq!(without["api_key"], (Value::Null, "default".to_owned()));
    // A password in the address, or a key in the file, is not repeated.
    let mut command = month_end.command(&["config"]);
    command.env("RUNLEDGER_API_URL", "https://user:Marked@127.0.0.1/");
    let refused = ran(command);
    refused.refused(2, &["must not have a user or a password"]);
    assert!(!refused.err.contains("Marked"), "{}", refused.err);
    month_end.set(&format!("zone = \"UTC\"\napi_key = \"{key}\""));
    let refused = month_end.run(&["config"]);
    refused.refused(2, &["line 2: unknown field `api_key`"]);
    assert!(!refused.err.contains("Marked"), "{}", refused.err);
}
