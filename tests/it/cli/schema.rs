//! The command `schema`, and the hints of `query` for names that the archive does not have.

use super::{archived, with};
use serde_json::Value;

#[test]
fn schema_lists_the_tables_and_the_columns_of_one() {
    let workspace = archived(60);
    let tables = with(&workspace, &["schema", "--json"]).json();
    let names: Vec<&str> =
        tables.as_array().unwrap().iter().map(|table| table["table"].as_str().unwrap()).collect();
    assert!(names[0] == "runs" && names.contains(&"pipelines"), "{names:?}");

    let columns = with(&workspace, &["schema", "RUNS", "--format", "json"]).json();
    assert_eq!(columns.as_array().unwrap().len(), tables[0]["columns"]);
    let cost =
        columns.as_array().unwrap().iter().find(|column| column["column"] == "total_cost_usd").unwrap();
    assert_eq!(cost["type"], "REAL");
    assert!(cost["description"].as_str().unwrap().contains("NULL: no cost is known"));

    let text = with(&workspace, &["schema", "runs"]).out();
    assert!(text.contains("total_cost_usd") && text.contains("INTEGER"), "{text}");
    with(&workspace, &["schema", "run"])
        .refused(2, &["the archive has no table run", "did you mean `runs`?"]);
    with(&workspace, &["schema", "qwertyuiop"]).refused(2, &["`runledger schema` lists the tables"]);
}

#[test]
fn the_listed_types_are_those_of_the_values() {
    let workspace = archived(60);
    for table in with(&workspace, &["schema", "--json"]).json().as_array().unwrap() {
        let table = table["table"].as_str().unwrap();
        for column in with(&workspace, &["schema", table, "--json"]).json().as_array().unwrap() {
            let name = column["column"].as_str().unwrap();
            let sql = format!(
                "SELECT DISTINCT upper(typeof(\"{name}\")) AS type FROM \"{table}\" WHERE \"{name}\" IS NOT NULL"
            );
            let found = with(&workspace, &["query", &sql, "--format", "json"]).json();
            let types: Vec<&Value> = found.as_array().unwrap().iter().map(|row| &row["type"]).collect();
            assert!(types.iter().all(|found| **found == column["type"]), "{table}.{name}: {types:?}");
        }
    }
}

#[test]
fn a_query_with_a_mistyped_name_gets_a_suggestion() {
    let workspace = archived(5);
    for (sql, words) in [
        ("SELECT * FROM rusn", ["invalid SQL: no such table: rusn", "did you mean `runs`?"]),
        ("SELECT r.total_cost_us FROM runs AS r", ["no such column", "did you mean `total_cost_usd`?"]),
        ("SELECT * FROM xyzzyxyzzy", ["no such table", "hint:  `runledger schema` lists the tables"]),
    ] {
        with(&workspace, &["query", sql]).refused(2, &words);
    }
    let refused = with(&workspace, &["query", "SELCT 1"]);
    refused.refused(2, &["syntax error"]);
    assert!(!refused.err.contains("hint:"), "{refused:?}");
}

#[test]
fn query_tables_keep_the_names_of_the_columns() {
    let workspace = archived(5);
    let sql = "SELECT 1 AS total_cost_usd, 2 AS a_b_c_d_e_f_g_h_i_j_k_l, 3 AS \"a  b\"";
    let table = with(&workspace, &["query", sql]).out();
    for name in ["total_cost_usd", "a_b_c_d_e_f_g_h_i_j_k_l", "a  b"] {
        assert!(table.contains(name), "{name} is not in {table}");
    }
}
