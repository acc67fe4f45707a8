//! The command `report html`.

use crate::support::machine::Machine;
use crate::support::month_end::{MONTH, MonthEnd};
use serde_json::json;

#[test]
fn the_html_report_of_a_closed_month_does_not_change() {
    let month_end = MonthEnd::of(150);
    month_end.set("zone = \"America/Sao_Paulo\"\n[plan]\nfee_usd = \"1490.00\"\ncredits = 100\n");
    month_end.output(&["close", MONTH]);
    let asked = ["report", "html", "--period", MONTH];
    let before = month_end.output(&asked);
    assert!(
        before.contains("closed at ") && before.contains("America/Sao_Paulo"),
        "the page shows the scope"
    );
    let badge = before.split_once("data-slot=\"badge\">").unwrap().1.split_once("</span>").unwrap().0;
    let moment = badge.strip_prefix("Closed ").expect("the badge has the day of the close");
    assert!(before.contains(&format!("<dd>closed at {moment}, close 1")), "{moment}");
    assert!(before.contains("1,490.00 USD a month for 100 credits"), "the page shows the plan");
    let runs = month_end.runs_of_the_month();
    month_end.change(runs[0], json!({"el_cost_usd": 7.5}));
    month_end.change(runs[1], json!({"el_cost_usd": null, "transformation_cost_usd": null}));
    month_end.sync();
    assert!(month_end.output(&asked) == before, "the page of the closed month changed");
    let total = month_end.rows(&["report", "cost", "--period", MONTH])[0]["total_cost_usd"].clone();
    assert!(before.contains(&format!("value=\"{total}\">")), "{total} is on the page");
    let open = month_end.output(&["report", "html", "--from", "2025-02-01", "--until", "2025-03-01"]);
    let shown = open.split_once("<strong data-figure=\"total\">").unwrap().1;
    assert!(!shown.split_once("</strong>").unwrap().0.contains(&total));
}

#[test]
fn the_page_of_the_running_month_lists_what_alerts_find() {
    let machine = Machine::of(1);
    let settings = "[[budget]]\nname = \"All <b>\"\namount_usd = \"0.01\"\n";
    std::fs::write(machine.file("runledger.toml"), settings).unwrap();
    let archive = machine.file("demo.db");
    machine.run(&archive, ["demo", "--runs", "2000", "--quiet"]).with(0);
    let page =
        |arguments: &[&str]| machine.run(&archive, [&["report", "html"], arguments].concat()).with(0).stdout;
    let list = |page: &str| {
        page.split_once("id=\"attention\"").unwrap().1.split_once("</section>").unwrap().0.to_owned()
    };
    let alerts = machine.run(&archive, ["alert"]).with(0).stdout;
    let running = list(&page(&[]));
    for (words, tag, why) in [
        (": overdue since ", "Overdue", "Overdue since "),
        (" has been running for ", "Open too long", "of the runs take at most "),
        (
            ": 1 more failure disables it (4 of 5)",
            "About to be disabled",
            "1 more failure disables it (4 of 5).",
        ),
        ("budget All <b>: ", "Budget exceeded", " of 0.01 USD are spent (100% reached)."),
    ] {
        assert!(alerts.contains(words), "{words}: {alerts}");
        assert!(running.contains(&format!(">{tag}</span>")) && running.contains(why), "{tag}: {running}");
    }
    assert!(running.contains(">All &#60;b&#62;<"), "{running}");
    let portuguese = list(&page(&["--language", "pt-BR"]));
    assert!(portuguese.contains(">Atrasado</span>") && portuguese.contains(">Orçamento excedido</span>"));
    // What is due and open now says nothing about an earlier month.
    let month = (chrono::Utc::now() - chrono::TimeDelta::days(40)).format("%Y-%m").to_string();
    let month = page(&["--period", &month]);
    let earlier = list(&month);
    assert!(!earlier.contains("Overdue") && !earlier.contains("overdue"), "{earlier}");
    assert!(!month.contains("<svg class=\"spark\" data-spark"), "one month is no curve");
    let now = chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    assert_eq!(list(&page(&["--as-of", &now])), running);
}

#[test]
fn the_page_explains_the_change_as_the_report_does() {
    let month_end = MonthEnd::of(150);
    for period in [&[][..], &["--period", "2025-02"], &["--period", "2025-W09", "--zone", "Asia/Tokyo"]] {
        let page = month_end.output(&[&["report", "html"], period].concat());
        let section =
            page.split_once("<section id=\"change\"").unwrap().1.split_once("</section>").unwrap().0;
        let rows = month_end.rows(&[&["report", "change", "--limit", "10"], period].concat());
        assert!(rows.len() > 5, "{rows:?}");
        assert!(!section.contains(" %"), "percentages are written as on the rest of the page: {section}");
        for row in rows {
            for column in ["change_usd", "volume_usd", "price_usd", "new_usd", "gone_usd", "total_cost_usd"] {
                let exact = &row[column];
                assert!(
                    exact.is_empty() || section.contains(&format!("value=\"{exact}\">")),
                    "{column} {row:?}"
                );
            }
        }
    }
    // A part of a month is not compared.
    let page = month_end.output(&["report", "html", "--from", "2025-02-10", "--until", "2025-02-20"]);
    assert!(!page.contains("<section id=\"change\""));
}

#[test]
fn a_page_that_contradicts_a_closed_month_gives_the_reason() {
    let month_end = MonthEnd::of(60);
    month_end.output(&["close", MONTH, "--zone", "America/Sao_Paulo"]);
    let february = ["--from", "2025-02-01", "--until", "2025-03-01"];
    let page = month_end.output(&[&["report", "html", "--zone", "Asia/Tokyo"], &february[..]].concat());
    assert!(page.contains("Not compared: 2025-02 is closed"));
    assert!(!month_end.output(&["report", "html"]).contains("Not compared"));
}

#[test]
fn an_html_report_is_written_atomically_and_silently() {
    let month_end = MonthEnd::of(20);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    assert_eq!(month_end.output(&["report", "html", "--output", file.to_str().unwrap()]), "");
    let page = std::fs::read_to_string(&file).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>\n") && page.trim_end().ends_with("</html>"));
    assert_eq!(page, month_end.output(&["report", "html"]));
}

#[test]
fn every_command_of_the_html_report_docs_works() {
    let month_end = MonthEnd::of(20);
    let folder = tempfile::tempdir().unwrap();
    let commands = include_str!("../../../../docs/html-report.md")
        .lines()
        .filter_map(|line| line.strip_prefix("$ runledger "));
    let mut count = 0;
    for command in commands {
        let command = command.split("  #").next().unwrap().trim();
        let (arguments, file) = command.rsplit_once(' ').unwrap();
        let file = folder.path().join(file);
        let arguments: Vec<&str> = arguments.split(' ').chain(file.to_str()).collect();
        month_end.output(&arguments);
        assert!(file.exists(), "{command}");
        count += 1;
    }
    assert!(count >= 3);
}

#[test]
fn table_options_are_rejected_for_html() {
    let month_end = MonthEnd::of(5);
    for flags in [
        &["--by", "week"][..],
        &["--limit", "3"],
        &["--format", "csv"],
        &["--decimals", "2"],
        &["--dialect", "excel"],
    ] {
        let refused = month_end.run(&[&["report", "html"], flags].concat());
        refused.refused(2, &[flags[0], "`report html` writes a page"]);
    }
}

#[test]
fn the_page_names_the_month_that_only_the_comparison_has_as_closed() {
    let month_end = MonthEnd::of(150);
    month_end.output(&["close", MONTH, "--zone", "America/Sao_Paulo"]);
    let page = |arguments: &[&str]| month_end.output(&[&["report", "html"], arguments].concat());
    let changes = |page: &str| page.split_once("id=\"change\"").unwrap().1.to_owned();
    let note = "The cards and charts show February 2025 with the changes after its close.";
    assert!(changes(&page(&[])).contains(note));
    let portuguese = "Os cartões e gráficos mostram fevereiro de 2025 com as alterações após o fechamento.";
    assert!(changes(&page(&["--language", "pt-BR"])).contains(portuguese));
    // The cards of the next month compare it with the closed one, as known now.
    assert!(changes(&page(&["--period", "2025-03"])).contains(note));
    // The page of the closed month has it as closed everywhere.
    assert!(!page(&["--period", MONTH]).contains("The cards and charts show"));
}
