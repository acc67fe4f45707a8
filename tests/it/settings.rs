//! The settings: precedence, rejected values, and error messages.

use crate::support::command::ran;
use crate::support::month_end::MonthEnd;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

/// Every setting in force: its value and origin.
fn in_force(
    month_end: &MonthEnd,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> BTreeMap<String, (Value, String)> {
    let mut command = month_end.command(&[&["config", "--json"], arguments].concat());
    command.envs(environment.iter().copied());
    let ran = ran(command);
    assert_eq!(ran.code, 0, "{ran:?}");
    let printed: Value = serde_json::from_str(&ran.out).unwrap();
    let settings = printed.as_array().unwrap().iter().map(|setting| {
        let text = |name: &str| setting[name].as_str().unwrap().to_owned();
        (text("setting"), (setting["value"].clone(), text("from")))
    });
    settings.collect()
}

#[test]
fn flags_override_the_environment_which_overrides_the_file() {
    let month_end = MonthEnd::of(30);
    let zone_of = |arguments: &[&str], environment: &[(&str, &str)]| {
        let manifest = month_end.workspace.file("answer.manifest.json");
        let mut command = month_end
            .command(&[&["export", "costs", "--output", "answer.csv", "--manifest"], arguments].concat());
        command.envs(environment.iter().copied());
        let ran = ran(command);
        assert_eq!(ran.code, 0, "{ran:?}");
        let printed: Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
        let dialect = &printed["dialect"];
        let parts = [&printed["asked"]["zone"], &printed["asked"]["date_basis"], &dialect["name"]];
        let language =
            dialect["headings"].as_str().map(|language| format!(" {language}")).unwrap_or_default();
        parts.map(|part| part.as_str().unwrap().to_owned()).join(" ") + &language
    };
    let flags = ["--zone", "Asia/Tokyo", "--date-basis", "ended", "--dialect", "excel"];
    let environment = [
        ("RUNLEDGER_ZONE", "Europe/Berlin"),
        ("RUNLEDGER_DATE_BASIS", "started"),
        ("RUNLEDGER_DIALECT", "machine"),
    ];
    assert_eq!(zone_of(&[], &[]), "UTC started machine");
    month_end.set("zone = \"America/Sao_Paulo\"\ndate_basis = \"created\"\ndialect = \"excel-br\"");
    assert_eq!(zone_of(&[], &[]), "America/Sao_Paulo created excel-br pt-BR");
    assert_eq!(zone_of(&[], &environment), "Europe/Berlin started machine");
    assert_eq!(zone_of(&flags, &environment), "Asia/Tokyo ended excel en");
    assert_eq!(zone_of(&flags[..2], &environment[1..]), "Asia/Tokyo started machine");
    // An empty variable counts as unset.
    assert_eq!(zone_of(&[], &[("RUNLEDGER_ZONE", "")]), "America/Sao_Paulo created excel-br pt-BR");
    // The default language is that of the dialect.
    let language = ["--dialect", "excel", "--language", "pt-BR"];
    month_end.set("language = \"en\"");
    assert_eq!(zone_of(&["--dialect", "excel-br"], &[]), "UTC started excel-br en");
    assert_eq!(zone_of(&language[..2], &[("RUNLEDGER_LANGUAGE", "pt-BR")]), "UTC started excel pt-BR");
    assert_eq!(zone_of(&language, &[("RUNLEDGER_LANGUAGE", "en")]), "UTC started excel pt-BR");
}

#[test]
fn the_settings_file_is_named_or_beside_the_archive() {
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
    // The file beside the archive, from any working directory.
    let mut command = month_end.command(&["config"]);
    command.current_dir(&folder);
    assert!(ran(command).out.contains("America/Sao_Paulo"));

    // A named file must exist.
    for name in ["none.toml", "elsewhere"] {
        month_end
            .run(&["config", "--config", name])
            .refused(2, &[&format!("cannot read the settings in {name}: ")]);
        month_end.run(&["report", "cost", "--config", name]).refused(2, &[name]);
        let mut command = month_end.command(&["report", "cost"]);
        command.env("RUNLEDGER_CONFIG", name);
        ran(command).refused(2, &[name]);
    }
    fs::write(&beside, [0xff, 0xfe]).unwrap();
    month_end.run(&["report", "cost"]).refused(2, &["runledger.toml: "]);
    // Commands that need no settings still work.
    month_end.output(&["status"]);
    month_end.output(&["check"]);
}

#[test]
fn invalid_settings_are_named_by_file_line_and_key() {
    let month_end = MonthEnd::of(20);
    for (settings, words) in [
        (
            "zone = \"UTC\"\nzones = \"UTC\"",
            &["line 2: unknown field `zones`, expected one of `archive`, `zone`, `date_basis`"][..],
        ),
        ("\n[plan]\nfee_usd = \"10\"\ncredits = 5\nbonus = 1", &["line 5: unknown field `bonus`"]),
        ("[billed_by]\netl = \"Nekt\"", &["line 2: unknown field `etl`"]),
        ("[account]\nid = \"7\"", &["line 2: unknown field `id`"]),
        ("[[cost_center]]\ncost_center = \"A\"\npipelines = \"x\"", &["line 3: unknown field `pipelines`"]),
        ("[[cost_center]]\npipeline = \"x\"", &["missing field `cost_center`"]),
        ("zone = \"Brasilia\"", &["zone Brasilia: there is no such time zone"]),
        ("zone = 3", &["line 1: invalid type"]),
        ("date_basis = \"paid\"", &["date_basis paid: not one of started, ended, created"]),
        ("dialect = \"lotus\"", &["dialect lotus: must be one of machine, excel, excel-br"]),
        ("language = \"pt\"", &["language pt: must be one of en, pt-BR"]),
        (
            "[[cost_center]]\ncost_center = \"A\"\n[[cost_center]]\ncost_center = \"B\"\npipeline = \"[a\"",
            &["cost center rule 2 (B): invalid pattern [a: "],
        ),
        (
            "[[cost_center]]\ncost_center = \"A\"\nkind = \"sink\"",
            &["rule 1 (A): unknown kind sink; expected source, destination, transformation"],
        ),
        (
            "[[cost_center]]\ncost_center = \"A\"\nfrom = \"2025-2-1\"",
            &["rule 1 (A): from 2025-2-1: not a day of the form YYYY-MM-DD"],
        ),
        ("[[cost_center]]\ncost_center = \"A\"\nfrom = 2025-02-01", &["line 3: "]),
        ("[[cost_center]]\ncost_center = \"\"", &["the name of the cost center is empty"]),
        (
            "[[cost_center]]\ncost_center = \"unallocated\"",
            &["`unallocated` is reserved for runs that no rule matches"],
        ),
        ("[plan]\nfee_usd = \"-1\"\ncredits = 5", &["line 2: "]),
        ("[plan]\nfee_usd = \"much\"\ncredits = 5", &["line 2: "]),
        ("[plan]\nfee_usd = \"1\"\ncredits = -5", &["line 3: "]),
        ("plan = 3", &["line 1: ", "expected a table or an array of tables"]),
        (
            "[[plan]]\nfee_usd = 1\ncredits = 5\n[[plan]]\nfee_usd = 1\ncredits = 5\nbonus = 1",
            &["line 7: unknown field `bonus`"],
        ),
        (
            "[plan]\nfrom = \"2025-2-1\"\nfee_usd = 1\ncredits = 5",
            &["2025-2-1: not a day of the form YYYY-MM-DD"],
        ),
        (
            "[[plan]]\nfee_usd = 1\ncredits = 5\n[[plan]]\nfee_usd = 2\ncredits = 5",
            &["two of them have no `from`: only the first of several needs none"],
        ),
        (
            "[[billed_by]]\nel = \"A\"\n[[billed_by]]\nfrom = \"2025-01-01\"\n[[billed_by]]\nfrom = \"2025-01-01\"",
            &["two of them apply from 2025-01-01"],
        ),
        (
            "[[credit_purchase]]\ndate = \"2025-02-30\"\ncredits = 1\nprice_usd = 1",
            &["2025-02-30: not a day"],
        ),
        ("[[credit_purchase]]\ndate = \"2025-02-03\"\ncredits = 1", &["missing field `price_usd`"]),
        ("zone = \"UTC\"\nzone = \"UTC\"", &["line 2: duplicate key"]),
        ("zone = UTC", &["line 1: "]),
        ("= 3", &["line 1: "]),
    ] {
        month_end.set(settings);
        let refused = month_end.run(&["report", "cost"]);
        refused.refused(2, &[&["runledger.toml: "], words].concat());
        // A valid environment does not hide an invalid file.
        let mut command = month_end.command(&["config"]);
        command
            .env("RUNLEDGER_ZONE", "UTC")
            .env("RUNLEDGER_DATE_BASIS", "ended")
            .env("RUNLEDGER_DIALECT", "excel");
        ran(command).refused(2, words);
    }
    // An error in a variable does not blame the file.
    month_end.set("zone = \"UTC\"");
    for (name, words) in [
        ("RUNLEDGER_ZONE", "RUNLEDGER_ZONE nonsense: there is no such time zone"),
        ("RUNLEDGER_DATE_BASIS", "RUNLEDGER_DATE_BASIS nonsense: not one of"),
        ("RUNLEDGER_LANGUAGE", "RUNLEDGER_LANGUAGE nonsense: must be one of"),
    ] {
        let mut command = month_end.command(&["report", "cost"]);
        command.env(name, "nonsense");
        let refused = ran(command);
        refused.refused(2, &[words]);
        assert!(!refused.err.contains("runledger.toml"), "{}", refused.err);
    }
}

#[test]
fn config_prints_settings_and_origins_but_never_the_key() {
    let month_end = MonthEnd::of(20);
    let key = "Marked+Key/7c1f9e5b3a~d2846=x";
    month_end.set(
        "zone = \"America/Sao_Paulo\"\n[billed_by]\nel = \"Nekt\"\n[account]\nbilling_id = \"acme\"\nbilling_name = \"Acme S.A.\"\n\
         [plan]\nfee_usd = \"1490.00\"\ncredits = 500\n[[cost_center]]\ncost_center = \"Sales\"\npipeline = \"crm-*\"\nfrom = \"2025-01-01\"\n\
         [[cost_center]]\ncost_center = \"All\"",
    );
    let file = month_end.workspace.file("runledger.toml").display().to_string();
    let environment = [
        ("NEKT_API_KEY", key),
        ("RUNLEDGER_DATE_BASIS", "ended"),
        ("RUNLEDGER_REDACT", "tax_id"),
        ("RUNLEDGER_API_URL", "http://127.0.0.1:8080/"),
    ];
    let settings = in_force(&month_end, &[], &environment);
    let printed = |name: &str| {
        let (value, from) = &settings[name];
        (value.as_str().unwrap_or("null"), from.as_str())
    };
    assert_eq!(printed("zone"), ("America/Sao_Paulo", file.as_str()));
    assert_eq!(printed("date_basis"), ("ended", "RUNLEDGER_DATE_BASIS"));
    assert_eq!(printed("dialect"), ("machine", "default"));
    assert_eq!(printed("api_key"), ("(set)", "NEKT_API_KEY"));
    assert_eq!(printed("api_url"), ("http://127.0.0.1:8080", "RUNLEDGER_API_URL"));
    assert_eq!(printed("redact"), ("tax_id", "RUNLEDGER_REDACT"));
    assert_eq!(printed("archive").1, "RUNLEDGER_DB");
    assert_eq!(printed("billed_by.el"), ("Nekt", file.as_str()));
    assert_eq!(printed("billed_by.transformation"), ("null", "default"));
    assert_eq!(printed("account.billing_name"), ("Acme S.A.", file.as_str()));
    assert_eq!(printed("plan.fee_usd"), ("1490.000000000", file.as_str()));
    assert_eq!(printed("plan.credits"), ("500", file.as_str()));
    assert_eq!(printed("cost_center"), ("All: every run", file.as_str()));
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
    // A password in the URL, or a key in the file, is not repeated.
    let mut command = month_end.command(&["config"]);
    command.env("RUNLEDGER_API_URL", "https://user:Marked@127.0.0.1/");
    let refused = ran(command);
    refused.refused(2, &["must not contain a user or password"]);
    assert!(!refused.err.contains("Marked"), "{}", refused.err);
    month_end.set(&format!("zone = \"UTC\"\napi_key = \"{key}\""));
    let refused = month_end.run(&["config"]);
    refused.refused(2, &["line 2: unknown field `api_key`"]);
    assert!(!refused.err.contains("Marked"), "{}", refused.err);
}

#[test]
fn a_plan_and_issuers_apply_from_their_day_on() {
    let month_end = MonthEnd::of(40);
    month_end.set(
        "[[plan]]\nfee_usd = \"1490.00\"\ncredits = 100\n\
         [[plan]]\nfrom = \"2025-03-01\"\nfee_usd = \"1600.00\"\ncredits = 120\n\
         [[billed_by]]\nfrom = \"2025-03-01\"\nel = \"Nekt\"\n\
         [[credit_purchase]]\ndate = \"2025-02-20\"\ncredits = 30\nprice_usd = 45.5\n",
    );
    let rows = month_end.rows(&["report", "credits", "--from", "2025-02-01"]);
    let of = |column: &str| rows.iter().map(|row| row[column].as_str()).collect::<Vec<_>>();
    assert_eq!(of("plan_credits"), ["100", "120"]);
    assert_eq!(of("purchased_credits"), ["30", ""]);
    let charges = |month: &str| month_end.rows(&["export", "focus", "--period", month]);
    let billed: Vec<(String, String)> = charges("2025-02")
        .iter()
        .filter(|row| row["BilledCost"] != "0.000000000")
        .map(|row| (row["ChargeDescription"].clone(), row["BilledCost"].clone()))
        .collect();
    let purchases = [
        ("Plan of 2025-02 with 100 credits", "1490.000000000"),
        ("30 credits bought on 2025-02-20", "45.500000000"),
    ];
    assert_eq!(billed, purchases.map(|(charge, cost)| (charge.to_owned(), cost.to_owned())));
    assert!(
        charges("2025-03").iter().any(|row| row["x_CostPart"] == "el" && row["BilledCost"] != "0.000000000")
    );

    let settings = in_force(&month_end, &[], &[]);
    let value = |name: &str| settings[name].0.as_str().unwrap_or("null");
    assert_eq!((value("plan.fee_usd"), value("plan.credits")), ("1490.000000000", "100"));
    assert_eq!(value("plan"), "1600.000000000 USD a month for 120 credits, from 2025-03-01");
    assert_eq!(
        (value("billed_by.el"), value("billed_by")),
        ("null", "el Nekt, transformation not set, from 2025-03-01")
    );
    assert_eq!(value("credit_purchase"), "30 credits for 45.500000000 USD on 2025-02-20");
}

#[test]
fn an_invalid_budget_is_named_with_its_reason() {
    let month_end = MonthEnd::of(20);
    for (budget, words) in [
        ("amount_usd = -1", "line 5: invalid value: string \"-1\", expected an amount from 0"),
        ("amount_usd = 0", "budget x: its amount must be more than 0"),
        ("credits = 5\namount_usd = 3", "line 3: budget x: give one of `amount_usd`, `credits`"),
        ("from = \"2026-01\"", "line 3: budget x: give `amount_usd`, `credits`, or `amount` with `currency`"),
        ("amount = 5", "line 3: budget x: `amount` needs `currency`"),
        ("amount = 5\ncurrency = \"BRL\"", "budget x: its currency is BRL, but there is no second currency"),
        (
            "amount_usd = 5\ncost_center = \"Dta\"",
            "budget x: there is no cost center Dta\n  hint:  did you mean `Data`?",
        ),
        (
            "amount_usd = 5\ncost_center = \"Data\"\npipeline = \"a\"",
            "give `cost_center` or `pipeline`, not both",
        ),
        ("amount_usd = 5\npipeline = \"[a\"", "budget x: invalid pattern [a"),
        ("amount_usd = 5\npipeline = \" \"", "budget x: `pipeline` is empty"),
        ("amount_usd = 5\nworkspace = \"acme\"", "budget x: there is no workspace acme"),
        (
            "amount_usd = 5\namuont = 5",
            "line 6: unknown field `amuont`, expected one of `name`, `cost_center`",
        ),
        ("amount_usd = 5\nfrom = \"2026-1\"", "line 6: 2026-1: not a month of the form YYYY-MM"),
        (
            "amount_usd = 5\nfrom = \"2026-02\"\nuntil = \"2026-02\"",
            "from 2026-02 must be before until 2026-02",
        ),
        ("amount_usd = 5\nthresholds = [0]", "line 6: 0: a threshold is a percentage from 1 to 1000"),
        ("amount_usd = 5\nthresholds = [-1]", "line 6: -1: a threshold is a percentage from 1 to 1000"),
        ("credits = -4", "line 5: -4: credits are 1 or more"),
        ("amount_usd = -5", "line 5: "),
        (
            "amount_usd = 5\n[[budget]]\nname = \"x\"\ncredits = 7",
            "two budgets are named x and have no `from`",
        ),
        ("amount_usd = 5\n[[budget]]\nname = \" \"\ncredits = 7", "a budget needs a printable name"),
    ] {
        month_end
            .set(&format!("[[cost_center]]\ncost_center = \"Data\"\n[[budget]]\nname = \"x\"\n{budget}\n"));
        for command in [&["config"][..], &["report", "budget"]] {
            month_end.run(command).refused(2, &["runledger.toml: ", words]);
        }
    }
    month_end.set(
        "[[cost_center]]\ncost_center = \"Data\"\n\
         [[budget]]\nname = \"Data\"\ncost_center = \"Data\"\namount_usd = \"60.5\"\nthresholds = [100, 50]\n\
         [[budget]]\nname = \"all\"\ncredits = 1200\nfrom = \"2026-10\"\nuntil = \"2027-01\"\nforecast_thresholds = []\n",
    );
    let listed = month_end.output(&["config", "--json"]);
    for budget in [
        "Data: 60.50 USD a month for cost center Data, at 50 % and 100 %, forecast at 100 %",
        "all: 1200 credits a month for every run, at 80 % and 100 %, from 2026-10, until 2027-01",
    ] {
        assert!(listed.contains(budget), "{listed}");
    }
}
