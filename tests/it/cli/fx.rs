//! The second currency on the command line: settings, imports, reports in every format.

use crate::support::command::rows_of_csv;
use crate::support::golden::assert_golden;
use crate::support::month_end::{MONTH, MonthEnd};
use std::fs;

/// Settings with reais at the rates of `rates.csv`.
fn settings(policy: &str) -> String {
    format!(
        "zone = \"America/Sao_Paulo\"\n[plan]\nfee_usd = \"1490.00\"\ncredits = 100\n\
         [fx]\ncurrency = \"BRL\"\npolicy = \"{policy}\"\nrates = \"rates.csv\"\n"
    )
}

/// The Banco Central's file for some days of January, February and March.
const PTAX: &str = "31012025;220;A;USD;5,8295;5,8301;1,0000;1,0000\n\
                    14022025;220;A;USD;5,7052;5,7058;1,0000;1,0000\n\
                    28022025;220;A;USD;5,8479;5,8485;1,0000;1,0000\n\
                    05032025;220;A;USD;5,7716;5,7722;1,0000;1,0000\n";

/// A fixture with these rates, imported.
fn with_rates(policy: &str) -> MonthEnd {
    let month_end = MonthEnd::of(60);
    month_end.set(&settings(policy));
    fs::write(month_end.workspace.file("PTAX.csv"), PTAX).unwrap();
    month_end.output(&["fx", "import", "PTAX.csv"]);
    month_end
}

fn rates(month_end: &MonthEnd) -> String {
    fs::read_to_string(month_end.workspace.file("rates.csv")).unwrap()
}

#[test]
fn the_banco_centrals_file_becomes_a_file_of_rates() {
    let month_end = MonthEnd::of(10);
    fs::write(month_end.workspace.file("PTAX.csv"), PTAX.replace('\n', "\r\n")).unwrap();
    let refused = month_end.run(&["fx", "import", "PTAX.csv"]);
    refused.refused(2, &["the settings name no file of rates", "--rates"]);
    let said = month_end.output(&["fx", "import", "PTAX.csv", "--rates", "rates.csv"]);
    assert_eq!(said, "rates.csv: 4 rates added, from 2025-01-31 to 2025-03-05\n");
    assert_eq!(
        rates(&month_end),
        "date,currency,rate,source\n2025-01-31,BRL,5.8301,PTAX venda\n2025-02-14,BRL,5.7058,PTAX venda\n\
         2025-02-28,BRL,5.8485,PTAX venda\n2025-03-05,BRL,5.7722,PTAX venda\n"
    );
    month_end.set(&settings("day"));
    let said = month_end.output(&["fx", "import", "PTAX.csv"]);
    assert!(said.ends_with("rates.csv: 0 rates added; 4 unchanged\n"), "{said}");
    let config = month_end.output(&["config", "--json"]);
    for value in ["\"BRL\"", "\"day\"", "rates.csv\""] {
        assert!(config.contains(value), "{config}");
    }
}

#[test]
fn an_import_never_changes_a_rate_without_being_asked() {
    let month_end = with_rates("day");
    let before = rates(&month_end);
    fs::write(month_end.workspace.file("PTAX.csv"), PTAX.replace("5,7058", "5,7000")).unwrap();
    month_end.run(&["fx", "import", "PTAX.csv"]).refused(
        2,
        &[
            "invalid exchange rates in PTAX.csv, line 2: the rate of 2025-02-14 is 5.700000000",
            "has 5.705800000",
            "--replace",
        ],
    );
    assert_eq!(rates(&month_end), before);
    let said = month_end.output(&["fx", "import", "PTAX.csv", "--replace"]);
    assert!(said.ends_with("rates.csv: 0 rates added; 1 replaced; 3 unchanged\n"), "{said}");
    assert_eq!(rates(&month_end), before.replace("5.7058", "5.7000"));
}

#[test]
fn an_invalid_rate_is_refused_by_every_command_that_reads_it() {
    let month_end = with_rates("day");
    let valid = rates(&month_end);
    for (from, to, why) in [
        ("5.7058", "-5.7058", "line 3: the rate -5.7058 is negative"),
        ("5.7058", "5,7058", "line 3: the source has a comma, and so needs quotes"),
        ("2025-02-14", "2025-01-31", "line 3: a second BRL rate of 2025-01-31"),
        ("2025-02-14", "9999-02-14", "line 3: the date 9999-02-14 is in the future"),
        ("2025-02-14,BRL", "2025-02-14", "line 3: the row does not have four fields"),
        ("date,", "", "line 1: the header is not"),
    ] {
        fs::write(month_end.workspace.file("rates.csv"), valid.replacen(from, to, 1)).unwrap();
        for command in [
            &["report", "cost"][..],
            &["report", "change", "--period", MONTH],
            &["report", "credits"],
            &["report", "html"],
            &["close", MONTH],
            &["close", MONTH, "--dry-run"],
            &["fx", "import", "PTAX.csv"],
        ] {
            month_end.run(command).refused(2, &["invalid exchange rates in ", "rates.csv, ", why]);
        }
        let ran = month_end.run(&["config"]);
        assert!(ran.code == 2 && ran.err.contains(why), "{ran:?}");
    }
    fs::remove_file(month_end.workspace.file("rates.csv")).unwrap();
    month_end.run(&["report", "cost"]).refused(2, &["cannot read the exchange rates in ", "fx import"]);
    month_end.set("[fx]\ncurrency = \"USD\"\npolicy = \"day\"\nrates = \"rates.csv\"\n");
    month_end.run(&["report", "cost"]).refused(2, &["line 2: the currency is USD"]);
    month_end.set("[fx]\ncurrency = \"BRL\"\npolicy = \"month\"\nrates = \"rates.csv\"\n");
    month_end.run(&["report", "cost"]).refused(2, &["line 3", "`invoice`, `day`"]);
}

#[test]
fn every_format_has_the_amounts_with_rate_date_and_source() {
    for policy in ["invoice", "day", "average"] {
        let month_end = with_rates(policy);
        for (format, ending) in [("table", "txt"), ("csv", "csv"), ("json", "json"), ("markdown", "md")] {
            let report = ["report", "cost", "--by", "kind", "--period", MONTH, "--format", format];
            let answer = month_end.output(&report);
            if policy == "invoice" {
                assert_golden(&format!("cost-in-reais.{ending}"), answer.as_bytes());
            }
        }
        let csv = ["report", "cost", "--period", MONTH, "--dialect", "excel-br", "--format", "csv"];
        let csv = month_end.output(&csv);
        // By day, some of the month's runs have no rate. A date has no apostrophe.
        assert!(policy == "day" || csv.contains("PTAX venda"), "{csv}");
        assert!(policy != "invoice" || csv.contains(";2025-02-28;"), "{csv}");
        #[cfg(feature = "xlsx")]
        month_end.output(&["report", "cost", "--format", "xlsx", "--output", "reais.xlsx"]);
        let manifest = month_end.workspace.file("reais.manifest.json");
        month_end.output(&["report", "cost", "--format", "csv", "--manifest", "--output", "reais.csv"]);
        let manifest = fs::read_to_string(manifest).unwrap();
        assert!(manifest.contains("\"total_cost_brl\"") && manifest.contains("\"BRL: the "), "{manifest}");
        assert!(month_end.output(&["verify-file", "reais.csv"]).contains("ok"));
    }
}

#[test]
fn the_change_has_both_totals_at_the_rates_of_their_periods() {
    let month_end = with_rates("invoice");
    let report = ["report", "change", "--period", MONTH, "--by", "kind"];
    for row in month_end.rows(&report) {
        let of = |period: &str| {
            let cost = ["report", "cost", "--period", period, "--by", "kind"];
            let rows = month_end.rows(&cost);
            rows.into_iter().find(|other| other["pipeline_kind"] == row["pipeline_kind"])
        };
        let now = of(MONTH).unwrap();
        assert_eq!(row["total_cost_brl"], now["total_cost_brl"]);
        assert_eq!((row["fx_rate"].as_str(), row["fx_date"].as_str()), ("5.848500000", "2025-02-28"));
        // There are no runs in January.
        assert_eq!(
            (row["change_brl"].as_str(), row["against_fx_rate"].as_str()),
            (&*now["total_cost_brl"], "")
        );
    }
    let text = month_end.output(&report).replace('\n', " ");
    assert!(
        text.contains("BRL: the last rate of the month; 2025-02: 5.8485 of 2025-02-28, PTAX venda"),
        "{text}"
    );
}

#[test]
#[cfg_attr(not(feature = "page"), ignore = "it writes the page")]
fn the_page_has_the_months_in_the_second_currency() {
    let month_end = with_rates("invoice");
    let page = month_end.output(&["report", "html"]);
    for row in month_end.rows(&["report", "cost"]) {
        let amount = format!("value=\"{}\">", row["total_cost_brl"]);
        assert!(page.contains(&amount), "{amount}");
    }
    assert!(page.contains("Total, BRL") && page.contains("BRL: the last rate of the month"));
    month_end.set("zone = \"America/Sao_Paulo\"");
    assert!(!month_end.output(&["report", "html"]).contains("BRL"));
}

#[test]
fn the_credits_have_the_plans_fee_in_the_second_currency() {
    for (policy, rate, fee, date) in [
        ("invoice", "5.848500000", "8714.265000000", "2025-02-28"),
        ("day", "5.848500000", "8714.265000000", "2025-02-28"),
        ("average", "5.777150000", "8607.953500000", "2025-02"),
    ] {
        let month_end = with_rates(policy);
        let rows = month_end.rows(&["report", "credits", "--period", MONTH]);
        let columns = ["plan_fee_usd", "plan_fee_brl", "fx_rate", "fx_date", "fx_source"];
        let shown = columns.map(|column| rows[0][column].as_str());
        assert_eq!(shown, ["1490.000000000", fee, rate, date, "PTAX venda"]);
    }
}

#[test]
fn two_currencies_are_not_combined() {
    let (acme, globex) = (MonthEnd::of(30), MonthEnd::elsewhere(20, 11));
    let folder = acme.workspace.file("");
    for (month_end, name, currency) in [(&acme, "acme", "BRL"), (&globex, "globex", "EUR")] {
        fs::create_dir(folder.join(name)).unwrap();
        let archive = folder.join(name).join("runs.db");
        month_end.output(&["backup", archive.to_str().unwrap()]);
        fs::write(folder.join(name).join("runledger.toml"), settings("invoice").replace("BRL", currency))
            .unwrap();
        let rates = format!("date,currency,rate,source\n2025-02-28,{currency},2.5,a bank\n");
        fs::write(folder.join(name).join("rates.csv"), rates).unwrap();
    }
    let both = ["--db", "acme/runs.db", "--db", "globex/runs.db"];
    let cost = ["report", "cost", "--period", MONTH];
    for report in [&cost[..], &["report", "credits"], &["report", "change", "--period", MONTH]] {
        acme.run(&[&both[..], report].concat())
            .refused(2, &["different second currencies: BRL in acme/runs, EUR in globex/runs"]);
    }
    // With one currency, each archive has its own rates.
    fs::write(folder.join("globex/runledger.toml"), settings("invoice")).unwrap();
    fs::write(folder.join("globex/rates.csv"), "date,currency,rate,source\n2025-02-28,BRL,3,a bank\n")
        .unwrap();
    let csv = acme.output(&[&both[..], &cost, &["--by", "workspace", "--format", "csv"]].concat());
    let rates: Vec<String> = rows_of_csv(&csv).iter().map(|row| row["fx_rate"].clone()).collect();
    assert_eq!(rates, ["2.500000000", "3.000000000"]);
    let csv = acme.output(&[&both[..], &cost, &["--by", "month", "--format", "csv"]].concat());
    let row = &rows_of_csv(&csv)[0];
    assert!(row["fx_rate"].is_empty() && !row["total_cost_brl"].is_empty(), "{row:?}");
}

#[test]
fn an_import_of_another_file_names_the_file_to_give() {
    let month_end = MonthEnd::of(10);
    for (file, content, words) in [
        (
            "missing.csv",
            None,
            ["cannot read missing.csv: ", "hint:  give the CSV that the Banco Central's page"],
        ),
        (
            "other.csv",
            Some("date,rate\n2025-02-28,5.8\n"),
            ["line 1", "a line looks like 30102026;220;A;USD;"],
        ),
        ("page.csv", Some("<!DOCTYPE html>\n"), ["it is a web page", "download the file again"]),
        (
            "euro.csv",
            Some("28022025;978;B;EUR;6,0712;6,0742;1,0381;1,0386\n"),
            ["euro.csv has no rate of the US dollar", "for the currency \"Dólar dos EUA\""],
        ),
    ] {
        if let Some(content) = content {
            fs::write(month_end.workspace.file(file), content).unwrap();
        }
        month_end.run(&["fx", "import", file, "--rates", "rates.csv"]).refused(2, &words);
        assert!(!month_end.workspace.file("rates.csv").exists(), "{file}");
    }
    month_end
        .run(&["fx", "import"])
        .refused(2, &["needs FILE (the Banco Central's file", "runledger fx import <FILE>"]);
}
