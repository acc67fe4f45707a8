//! The groups and the columns of two dimensions.

use super::*;
use crate::report::cost::CostTotals;
use crate::report::group_by::Aggregate;

/// Groups by month or cost center, and pipeline: a label, a name, and the cost in cents of each of its runs.
fn groups(rows: &[(&str, &str, &[i64])]) -> Groups<CostTotals> {
    let groups = rows.iter().map(|(first, second, cents)| {
        let mut aggregate = CostTotals::default();
        cents.iter().for_each(|cents| aggregate.add_run(Some(cents * 10_000_000), None, false));
        let labels = vec![Some((*first).to_owned()), Some((*second).to_owned())];
        Group { identity: labels.clone(), labels, aggregate }
    });
    let columns = ["first", "second"].map(str::to_owned).to_vec();
    Groups { columns, label_columns: vec![1, 1], groups: groups.collect() }
}

fn levels(
    rows: &[(&str, &str, &[i64])],
    by: [&Dimension; 2],
    ranking: &Ranking,
    has_all_rows: bool,
) -> TwoLevels {
    let figure = "total_cost_usd";
    let request = TwoLevelRequest { by, ranking, has_all_rows, figure, groups: 10, members: 3 };
    let columns = CostTotals::COLUMNS.iter().map(|column| (*column).to_owned());
    groups(rows).into_two_levels(&request, columns, CostTotals::cells, CostTotals::merge).unwrap()
}

/// The labels and the total of each row: `2026-01 | 5 pipelines | 3.50`.
fn lines(table: &Table) -> Vec<String> {
    let total = table.columns.iter().position(|column| column == "total_cost_usd").unwrap();
    let line = |row: &Vec<Cell>| {
        let cells = [&row[0], &row[1], &row[total]].map(|cell| cell.exact_to(2).unwrap_or_default());
        cells.join(" | ")
    };
    table.rows.iter().chain(&table.totals).map(line).collect()
}

const MONTH: Dimension = Dimension::Period(Calendar::Month);
const ROWS: [(&str, &str, &[i64]); 9] = [
    ("2026-01", "a", &[100]),
    ("2026-01", "b", &[300]),
    ("2026-01", "c", &[200, 50]),
    ("2026-01", "d", &[10]),
    ("2026-01", "e", &[20]),
    ("2026-01", "f", &[5]),
    ("2026-02", "a", &[900]),
    ("2026-02", "g", &[1]),
    ("2026-02", "h", &[2]),
];

#[test]
fn a_group_has_its_sum_its_largest_rows_and_the_rest() {
    let by = [&MONTH, &Dimension::Pipeline];
    let TwoLevels { rows, columns } = levels(&ROWS, by, &Ranking::default(), false);
    assert_eq!(
        lines(&rows),
        [
            "2026-01 | 6 pipelines | 6.85",
            " | b | 3.00",
            " | c | 2.50",
            " | a | 1.00",
            " | 3 more | 0.35",
            "2026-02 | 3 pipelines | 9.03",
            " | a | 9.00",
            " | h | 0.02",
            " | g | 0.01",
            " |  | 15.88",
        ]
    );
    assert_eq!(columns, None, "eight pipelines are no columns");
    let share = rows.columns.iter().position(|column| column == SHARE).unwrap();
    assert_eq!(
        (&rows.rows[0][share], rows.rows[1][share].exact().as_deref()),
        (&Cell::Blank, Some("0.437956"))
    );
    assert!(rows.rows.iter().chain(&rows.totals).all(|row| row.len() == rows.columns.len()));
}

#[test]
fn orders_and_limits_apply_to_the_rows_of_each_group() {
    let by = [&MONTH, &Dimension::Pipeline];
    let shown = |sort: Option<&str>, is_reversed, limit, has_all_rows| {
        let ranking = Ranking { sort: sort.map(str::to_owned), is_reversed, limit };
        let lines = lines(&levels(&ROWS, by, &ranking, has_all_rows).rows);
        let labels = lines.iter().map(|line| line.rsplit_once(" | ").unwrap().0.replace(" | ", ""));
        labels.collect::<Vec<_>>().join(",")
    };
    assert_eq!(
        shown(None, false, Some(1), false),
        "2026-016 pipelines,b,5 more,2026-023 pipelines,a,2 more,"
    );
    assert_eq!(
        shown(None, false, None, true),
        "2026-016 pipelines,b,c,a,e,d,f,2026-023 pipelines,a,h,g,",
        "every row is asked for"
    );
    assert_eq!(
        shown(Some("second"), false, Some(2), false),
        "2026-016 pipelines,a,b,4 more,2026-023 pipelines,a,g,1 more,"
    );
    assert_eq!(
        shown(Some("runs"), false, Some(1), false),
        "2026-016 pipelines,c,5 more,2026-023 pipelines,a,2 more,",
        "months stay in the order of time"
    );
    assert_eq!(shown(None, true, Some(1), false), "2026-023 pipelines,a,2 more,2026-016 pipelines,b,5 more,");
    let error = Ranking { sort: Some("x".to_owned()), ..Ranking::default() };
    let request = TwoLevelRequest {
        by,
        ranking: &error,
        has_all_rows: false,
        figure: "total_cost_usd",
        groups: 10,
        members: 3,
    };
    let columns = CostTotals::COLUMNS.iter().map(|column| (*column).to_owned());
    let refused = groups(&ROWS).into_two_levels(&request, columns, CostTotals::cells, CostTotals::merge);
    assert_eq!(refused.unwrap_err().exit_code(), 2);
}

#[test]
fn one_more_row_is_shown_instead_of_a_rest_of_one() {
    let four =
        [("2026-01", "a", &[1][..]), ("2026-01", "b", &[2]), ("2026-01", "c", &[3]), ("2026-01", "d", &[4])];
    let by = [&MONTH, &Dimension::Pipeline];
    let shown = lines(&levels(&four, by, &Ranking::default(), false).rows);
    assert_eq!(shown.len(), 5, "a group and its rows, no total of one group: {shown:?}");
    let one = levels(&four, by, &Ranking::default(), false).rows;
    assert_eq!(one.unknown_costs(), Some(0), "the group has the count of all");
    let three = Ranking { limit: Some(3), ..Ranking::default() };
    assert_eq!(lines(&levels(&four, by, &three, false).rows).last().unwrap(), " | 1 more | 0.01");
}

#[test]
fn groups_of_names_begin_with_the_most_expensive_and_have_a_rest() {
    let names: Vec<String> = (0..13).map(|number| format!("center {number:02}")).collect();
    let costs: Vec<[i64; 1]> = (0..13).map(|number| [100 * (number + 1)]).collect();
    let rows: Vec<(&str, &str, &[i64])> =
        names.iter().zip(&costs).map(|(name, cost)| (name.as_str(), "source", &cost[..])).collect();
    let by = [&Dimension::CostCenter, &Dimension::Kind];
    let TwoLevels { rows, columns } = levels(&rows, by, &Ranking::default(), false);
    let shown = lines(&rows);
    assert_eq!(shown[..2], ["center 12 | 1 kind | 13.00", " | source | 13.00"]);
    assert_eq!(shown[20..], ["3 more |  | 6.00", " |  | 91.00"]);
    let columns = columns.unwrap();
    assert_eq!(columns.rows.len(), 11);
    assert_eq!(columns.rows[10][0], Cell::Rest(3));
}

#[test]
fn few_values_become_columns_with_the_largest_first() {
    let rows: [(&str, &str, &[i64]); 5] = [
        ("2026-01", "destination", &[1]),
        ("2026-01", "source", &[300]),
        ("2026-01", "transformation", &[40]),
        ("2026-02", "source", &[100]),
        ("2026-02", "transformation", &[50]),
    ];
    let by = [&MONTH, &Dimension::Kind];
    let table = levels(&rows, by, &Ranking::default(), false).columns.unwrap();
    let values = ["Source", "Transformation", "Destination"];
    assert_eq!(
        table.columns[table.columns.len() - 3..],
        values.map(|value| value_column("total_cost_usd", value))
    );
    let of = |row: &[Cell]| -> Vec<Option<String>> {
        row[row.len() - 3..].iter().map(|cell| cell.exact_to(2)).collect()
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(of(&table.rows[0]), [text("3.00"), text("0.40"), text("0.01")]);
    assert_eq!(of(&table.rows[1]), [text("1.00"), text("0.50"), None]);
    assert_eq!(table.rows[1].last(), Some(&Cell::Blank), "a kind that did not run has no unknown cost");
    assert_eq!(of(table.totals.as_ref().unwrap()), [text("4.00"), text("0.90"), text("0.01")]);
    let limit = Ranking { limit: Some(1), ..Ranking::default() };
    let cut = levels(&rows, by, &limit, false).columns.unwrap();
    assert_eq!((cut.rows.len(), of(&cut.rows[1])[0].clone()), (2, text("1.00")));
}

#[test]
fn months_as_columns_are_in_the_order_of_time() {
    let rows: [(&str, &str, &[i64]); 3] =
        [("a", "2026-01", &[1]), ("a", "2026-02", &[300]), ("b", "2026-02", &[2])];
    let table = levels(&rows, [&Dimension::Pipeline, &MONTH], &Ranking::default(), false).columns.unwrap();
    let months = ["2026-01", "2026-02"].map(|month| value_column("total_cost_usd", month));
    assert_eq!(table.columns[table.columns.len() - 2..], months);
    assert_eq!(value_of_column(&months[0]), Some(("total_cost_usd", "2026-01")));
    assert_eq!(value_of_column("extra_config.a=b"), None);
}
