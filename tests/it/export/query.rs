//! `query` output in each format.

use crate::support::ledger;
use clap::Parser;
use runledger::internal::commands::query;
use runledger::internal::commands::query::QueryArgs;
use runledger::internal::error::Result;
use rusqlite::Connection;
use std::fs;

/// Parses the arguments as the binary does.
#[derive(Parser)]
struct Command {
    #[command(flatten)]
    query: QueryArgs,
}

/// The output of `runledger query` with these arguments.
fn ask(archive: &Connection, arguments: &[&str]) -> Result<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answer");
    let output = ["query", "--output", path.to_str().unwrap()];
    let command = Command::parse_from(output.iter().chain(arguments));
    query::run_on(&command.query, archive)?;
    Ok(fs::read_to_string(&path).unwrap())
}

#[test]
fn a_query_prints_every_format() {
    let archive = ledger::small();
    let sql =
        "SELECT run_id, el_cost_usd, ended_at FROM runs WHERE run_id IN ('run-05', 'run-10') ORDER BY 1";
    let ask = |format: &str| ask(&archive, &[sql, "--format", format]).unwrap();
    let ended = "2026-04-01T00:00:01.000000Z";
    assert_eq!(ask("csv"), format!("run_id,el_cost_usd,ended_at\nrun-05,,\nrun-10,0.000000001,{ended}\n"));
    assert_eq!(
        ask("ndjson"),
        format!(
            "{{\"run_id\":\"run-05\",\"el_cost_usd\":null,\"ended_at\":null}}\n\
             {{\"run_id\":\"run-10\",\"el_cost_usd\":0.000000001,\"ended_at\":\"{ended}\"}}\n"
        )
    );
    assert_eq!(serde_json::from_str::<Vec<serde_json::Value>>(&ask("json")).unwrap().len(), 2);
    assert!(ask("table").contains("0.000000001"));
}

#[test]
fn a_parameter_is_a_number_where_it_can_be() {
    let archive = ledger::empty();
    let sql = "SELECT typeof(:a) AS a, typeof($b) AS b, typeof(@c) AS c, typeof(:d) AS d, :e AS e";
    let params =
        ["--param", "a=7", "--param", "b=-1.5e3", "--param", "c=nan", "--param", "d=", "--param", "e=x=y"];
    let arguments: Vec<&str> = [sql, "--format", "csv"].iter().chain(&params).copied().collect();
    assert_eq!(ask(&archive, &arguments).unwrap(), "a,b,c,d,e\ninteger,real,text,text,x=y\n");
}

#[test]
fn only_one_read_only_statement_is_accepted() {
    let archive = ledger::small();
    for (arguments, reason) in [
        (vec!["DELETE FROM syncs"], "would write"),
        (vec!["INSERT INTO quarantine SELECT 1, 2, 3, 4, 5, 6 RETURNING 1"], "would write"),
        (vec!["ATTACH 'x' AS x"], "returns no rows"),
        (vec!["SELECT 1; SELECT 2"], "several statements"),
        (vec!["SELEKT 1"], "syntax error"),
        (vec![""], "no rows"),
        (vec!["SELECT :a"], ":a has no value"),
        (vec!["SELECT :a", "--param", "b=1"], "no parameter :b"),
        (vec!["SELECT :a", "--param", "a=1", "--param", "a=2"], "twice"),
        (vec!["SELECT :a", "--param", "a"], "NAME=VALUE"),
        (vec!["--file", "no/such.sql"], "no/such.sql"),
    ] {
        let refused = ask(&archive, &arguments).unwrap_err();
        assert_eq!(refused.exit_code(), 2, "{arguments:?}");
        assert!(refused.to_string().contains(reason), "{arguments:?}: {refused}");
    }
    assert_eq!(archive.query_row("SELECT count(*) FROM syncs", [], |row| row.get(0)), Ok(1));
}
