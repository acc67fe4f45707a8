//! Which columns of a report are shown first, and under which headings.

use super::text::one_line;
use super::value::{self, Form};
use crate::escape::escape_control;
use crate::report::two_levels::value_of_column;
use crate::report::{Cell, MetadataPath};
use std::borrow::Cow;

/// Up to this priority, columns belong to a report at 80 columns. The others are shown where there is more room.
pub(super) const LAST_OF_STANDARD: usize = 9;

/// The priority of a dimension, and of the figure that a report is about.
const FIRST: usize = 1;

/// The reports of one dimension that is no period: what is most expensive or takes longest.
const OF_A_LIST: [&str; 2] = ["report cost of a list", "report duration of a list"];

/// The columns of periods.
const PERIODS: [&str; 3] = ["month", "week", "day"];

/// The costs of two dimensions, with the values of the second one as columns.
const WITH_COLUMNS: &str = "report cost with columns";

/// The reports of two dimensions in groups.
const IN_GROUPS: [&str; 2] = ["report cost in groups", "report duration in groups"];

/// The columns of each report from left to right, each with its priority: 1 is never left out. Columns that are not
/// here are shown last. What a report is grouped by has the priority 1 everywhere.
#[rustfmt::skip]
const VIEWS: &[(&str, &[(&str, usize)])] = &[
    ("report cost", &[("runs", 3), ("el_cost_usd", 8), ("transformation_cost_usd", 7), ("total_cost_usd", 1), ("credits", 4), ("cost_per_run_usd", 5)]),
    ("report budget", &[("state", 1), ("unit", 1), ("budget_amount", 3), ("spent_amount", 2), ("used_rate", 5), ("forecast_amount", 6), ("forecast_low_amount", 11), ("forecast_high_amount", 12), ("against_budget_amount", 7), ("left_amount", 13), ("per_day_amount", 14), ("over_on", 10), ("budget_name", 3)]),
    (OF_A_LIST[1], &[("total_seconds", 1), ("runs", 5), ("success_rate", 6), ("p50_seconds", 3), ("p95_seconds", 4), ("max_seconds", 10), ("queued_p50_seconds", 11), ("queued_p95_seconds", 12)]),
    (OF_A_LIST[0], &[("total_cost_usd", 1), ("share_rate", 4), ("runs", 3), ("credits", 7), ("cost_per_run_usd", 5), ("el_cost_usd", 11), ("transformation_cost_usd", 10)]),
    (WITH_COLUMNS, &[("runs", 4), ("total_cost_usd=", 3), ("total_cost_usd", 1), ("credits", 10), ("cost_per_run_usd", 11)]),
    (IN_GROUPS[0], &[("total_cost_usd", 1), ("share_rate", 12), ("runs", 3), ("credits", 4), ("cost_per_run_usd", 5), ("el_cost_usd", 14), ("transformation_cost_usd", 13)]),
    (IN_GROUPS[1], &[("total_seconds", 1), ("runs", 5), ("success_rate", 6), ("p50_seconds", 3), ("p95_seconds", 4), ("max_seconds", 10), ("queued_p50_seconds", 11), ("queued_p95_seconds", 12)]),
    ("report change", &[("change_usd", 1), ("volume_usd", 3), ("price_usd", 4), ("new_usd", 7), ("gone_usd", 8), ("unknown_usd", 9), ("against_total_cost_usd", 6), ("total_cost_usd", 5), ("pipeline_name", 2)]),
    ("report duration", &[("runs", 4), ("success_rate", 5), ("p50_seconds", 2), ("p95_seconds", 1), ("max_seconds", 6), ("total_seconds", 7), ("queued_p50_seconds", 11), ("queued_p95_seconds", 12)]),
    ("report credits", &[("runs", 6), ("charged_runs", 2), ("free_runs", 7), ("undecided_runs", 8), ("forecast_credits", 4), ("expected_credits", 1), ("plan_credits", 4), ("plan_used_rate", 4), ("credits_run_out_on", 5)]),
    ("report failures", &[("failed_runs", 1), ("final_runs", 4), ("failure_rate", 3), ("failures_in_a_row", 3), ("last_failure_at", 5), ("last_success_at", 6), ("pipeline_name", 2)]),
    ("report schedule", &[("state", 1), ("due_at", 1), ("created_at", 3), ("expected_runs", 5), ("found_runs", 6), ("missing_runs", 1), ("created_late_runs", 7), ("failed_parent_runs", 9), ("next_due_at", 4), ("lateness_seconds", 4), ("status", 5), ("lateness_p95_seconds", 12), ("started_late_runs", 8), ("last_run_at", 14), ("started_at", 11), ("trigger_type", 15), ("grace_seconds", 16), ("run_id", 4), ("pipeline_name", 2), ("schedule", 10)]),
    ("report recovery", &[("state", 1), ("failed_runs", 2), ("chains", 6), ("longest_chain", 7), ("failures_in_a_row", 5), ("failures_left", 4), ("failures_limit", 12), ("lost_seconds", 2), ("lost_usd", 5), ("first_failure_at", 7), ("last_failure_at", 11), ("recovered_at", 6), ("run_id", 10), ("pipeline_name", 3)]),
    ("report open", &[("state", 1), ("age_seconds", 2), ("p95_seconds", 5), ("started_at", 6), ("p95_factor", 10), ("p50_seconds", 11), ("status", 12), ("trigger_type", 13), ("created_at", 14), ("run_id", 3), ("pipeline_name", 4)]),
    ("report costliest-runs", &[("total_cost_usd", 1), ("duration_seconds", 5), ("p50_factor", 10), ("started_at", 4), ("status", 6), ("pipeline_kind", 15), ("run_id", 2), ("pipeline_name", 3)]),
    ("report slowest-runs", &[("duration_seconds", 1), ("p50_factor", 10), ("total_cost_usd", 5), ("started_at", 4), ("ended_at", 13), ("status", 6), ("pipeline_kind", 15), ("run_id", 2), ("pipeline_name", 3)]),
    ("report cost-changes-after-success", &[("cost_at_success_usd", 5), ("cost_now_usd", 4), ("difference_usd", 1), ("succeeded_at", 8), ("changed_at", 7), ("run_id", 2), ("pipeline_name", 3)]),
    ("report pipelines-without-runs", &[("first_seen_at", 3), ("last_run_at", 4), ("gone_at", 5), ("active", 2), ("slug", 6), ("pipeline_name", 1)]),
    ("report status-transitions", &[("steps", 2), ("median_seconds", 3), ("max_seconds", 4), ("from_status", 1), ("to_status", 1)]),
    ("report settling", &[("pipeline_kind", 1), ("runs", 5), ("runs_changed", 4), ("p50_seconds", 8), ("p95_seconds", 7), ("max_seconds", 6), ("safe_after_days", 3), ("safe_close_on", 2)]),
    ("runs", &[("status", 1), ("started_at", 4), ("duration_seconds", 5), ("p50_factor", 10), ("total_cost_usd", 6), ("trigger_type", 8), ("queued_seconds", 11), ("credit_charge_status", 12), ("run_id", 2), ("pipeline_name", 3), ("cost_center", 13)]),
    ("runs with costs", &[("total_cost_usd", 1), ("duration_seconds", 5), ("p50_factor", 10), ("started_at", 4), ("status", 6), ("trigger_type", 8), ("queued_seconds", 11), ("credit_charge_status", 12), ("run_id", 2), ("pipeline_name", 3), ("cost_center", 13)]),
    ("show months", &[("total_cost_usd", 1), ("runs", 3), ("failed_runs", 4), ("cost_per_run_usd", 5), ("p50_seconds", 5), ("p95_seconds", 10), ("credits", 11)]),
    ("show runs", &[("status", 1), ("started_at", 3), ("duration_seconds", 4), ("total_cost_usd", 5), ("trigger_type", 6), ("run_id", 2), ("queued_seconds", 10), ("credit_charge_status", 11)]),
    ("report audit", &[("finding", 1), ("run_id", 1), ("booked_at", 4), ("status", 5), ("total_cost_usd", 2), ("duration_seconds", 6), ("pipeline_name", 3), ("why", 1)]),
    ("report waste", &[("total_cost_usd", 1), ("waste", 2), ("runs", 4), ("costliest_run_usd", 6), ("costliest_run_id", 5), ("pipeline_name", 3)]),
    ("report anomalies", &[("cost_usd", 1), ("cost_median_usd", 4), ("duration_seconds", 2), ("duration_median_seconds", 4), ("run_id", 2), ("pipeline_name", 3)]),
    ("report metadata", &[("types", 2), ("runs_with_path", 5), ("path", 1), ("values", 4), ("sum", 5), ("min", 7), ("max", 6)]),
    ("report components", &[("component_usd", 1), ("explained_rate", 3), ("group_cost_usd", 4), ("runs_with_path", 5), ("path", 1)]),
    ("close", &[("month", 1), ("total_cost_usd", 2), ("runs", 5), ("credits", 7), ("closed_at", 3), ("zone", 6), ("date_basis", 8), ("close_id", 4), ("restates", 4), ("closed_by", 3), ("note", 3)]),
    ("check", &[("result", 1), ("check", 2), ("examined", 3), ("unit", 12), ("rule", 4)]),
    ("alert", &[("alert_id", 2), ("level", 2), ("alert_rule", 5), ("since_at", 4), ("acknowledged_at", 6), ("message", 1)]),
    ("drift", &[("first_seen_at", 4), ("kind", 2), ("observed", 3), ("run_id", 5), ("field", 1)]),
    ("reconcile", &[("closes", 1), ("ledger_cost_usd", 4), ("gap_usd", 2), ("difference_usd", 11), ("cause", 3), ("invoice_usd", 13), ("note", 12)]),
    ("restatements", &[("closed_total_cost_usd", 4), ("now_usd", 5), ("difference_usd", 1), ("before", 5), ("after", 4), ("part", 6), ("runs_changed", 6), ("changes", 7), ("close_id", 8), ("run_id", 2), ("seen_at", 11), ("pipeline_name", 3)]),
];

/// Columns that only programs need: whole ids, and what a name or a note says already.
const ONLY_WIDE: &[&str] = &["pipeline_id", "workspace_id", "rows_sha256", "terms"];

/// Columns with figures that a note below the table sums up, or that describe another column.
const LATE: &[&str] =
    &["pipeline_kind", "runs_cost_unknown", "runs_duration_unknown", "number", "credit_charge_status"];

/// The reports that need the room of bars for other columns.
const LATE_BARS: &[&str] = &["report duration", "report costliest-runs", "report slowest-runs"];

/// Columns whose value is the name of something, or a sentence. They are the last ones of a table, because what a
/// terminal draws in another width than expected can then move no figure.
const NAMES: &[&str] = &[
    "pipeline_name",
    "budget_name",
    "pipeline",
    "cost_center",
    "center",
    "path",
    "values",
    "example",
    "cause",
    "slug",
    "schedule",
    "value",
    "closed_by",
];

/// Columns with sentences. They come after the names.
const SENTENCES: &[&str] = &["question", "description", "why", "note", "hint", "lookback", "rule", "message"];

/// Numbers that name something.
const LABELS: &[&str] =
    &["number", "close_id", "restates", "sync_id", "snapshot_id", "schema_version", "close"];

/// Amounts that are changes.
const CHANGES: &[&str] =
    &["change", "volume", "price", "new", "gone", "unknown", "difference", "gap", "against_budget"];

/// The headings that are shorter or clearer than the name of their column.
#[rustfmt::skip]
const HEADINGS: &[(&str, &str)] = &[
    ("total_cost_usd", "Total USD"), ("closed_total_cost_usd", "Booked USD"), ("el_cost_usd", "Extract"), ("transformation_cost_usd", "Transform"),
    ("cost_per_run_usd", "USD/run"), ("pipeline_name", "Pipeline"), ("pipeline_kind", "Kind"), ("run_id", "Run"),
    ("runs_cost_unknown", "Not known"), ("runs_duration_unknown", "Not known"), ("closed_runs_cost_unknown", "Not known then"),
    ("cost_usd", "USD"), ("cost_median_usd", "Usual USD"), ("cost_low_usd", "Usual from"), ("cost_high_usd", "Usual to"),
    ("duration_seconds", "Duration"), ("duration_median_seconds", "Usual"), ("duration_low_seconds", "From"), ("duration_high_seconds", "To"),
    ("p50_seconds", "Median"), ("median_seconds", "Median"), ("mean_seconds", "Mean"), ("p95_seconds", "95 %"), ("p99_seconds", "99 %"), ("max_seconds", "Longest"), ("total_seconds", "All runs"),
    ("queued_seconds", "Waited"), ("queued_mean_seconds", "Mean wait"), ("queued_p50_seconds", "Median wait"), ("queued_p95_seconds", "Wait 95 %"), ("queued_max_seconds", "Longest wait"),
    ("success_rate", "Success"), ("share_rate", "Share"), ("failure_rate", "Failed %"), ("failed_runs", "Failed"), ("final_runs", "Ended"), ("failures_in_a_row", "In a row"), ("last_failure_at", "Last failure"), ("last_success_at", "Last success"),
    ("budget_name", "Name"), ("budget_amount", "Budget"), ("spent_amount", "Spent"), ("used_rate", "Used"), ("left_amount", "Left"), ("forecast_amount", "Forecast"), ("forecast_low_amount", "From"), ("forecast_high_amount", "To"), ("against_budget_amount", "vs budget"), ("per_day_amount", "Per day"), ("over_on", "Over on"),
    ("change_usd", "Change"), ("volume_usd", "Volume"), ("price_usd", "Price"), ("new_usd", "New"), ("gone_usd", "Gone"), ("unknown_usd", "Unknown"),
    ("against_total_cost_usd", "Before"), ("against_runs", "Runs before"),
    ("charged_runs", "Charged"), ("free_runs", "Free"), ("undecided_runs", "Undecided"), ("forecast_credits", "Forecast"), ("expected_credits", "Expected"), ("plan_credits", "Plan"), ("purchased_credits", "Bought"), ("plan_used_rate", "Used"), ("credits_run_out_on", "Runs out on"),
    ("costliest_run_usd", "Max"), ("costliest_run_id", "Run"), ("waste", "Why"), ("why", "Reason"),
    ("cost_at_success_usd", "At success"), ("cost_now_usd", "Now USD"), ("difference_usd", "Change"), ("succeeded_at", "Succeeded"), ("changed_at", "Changed"),
    ("runs_changed", "Changed"), ("safe_after_days", "Safe after"), ("safe_close_on", "Safe on"),
    ("from_status", "From"), ("to_status", "To"), ("first_seen_at", "First seen"), ("last_run_at", "Last run"), ("gone_at", "Gone"),
    ("longest_chain", "Longest"), ("first_failure_at", "First failure"), ("recovered_at", "Recovered"), ("lost_seconds", "Lost"), ("lost_usd", "Lost USD"), ("failures_limit", "Limit"), ("failures_left", "Left"),
    ("age_seconds", "Running"), ("p50_factor", "x median"), ("p95_factor", "Times 95 %"), ("runs_before", "Compared"),
    ("credit_charge_status", "Credit"), ("trigger_type", "Trigger"), ("booked_at", "Booked"), ("started_at", "Started"), ("ended_at", "Ended"), ("created_at", "Created"),
    ("component_usd", "USD"), ("group_cost_usd", "Cost"), ("group_runs", "Group runs"), ("explained_rate", "Explained"), ("runs_with_path", "Runs"),
    ("before", "Booked"), ("after", "Now"), ("closes", "Closes"), ("gap_usd", "Gap"), ("ledger_cost_usd", "Ledger"), ("invoice_usd", "Invoice"),
    ("rule", "What must be true"), ("alert_id", "No."), ("alert_rule", "Rule"), ("since_at", "Since"), ("acknowledged_at", "Acknowledged"), ("message", "What"),
    ("expected_runs", "Expected"), ("found_runs", "Found"), ("missing_runs", "Missing"), ("created_late_runs", "Late"), ("started_late_runs", "Started late"), ("failed_parent_runs", "Blocked"), ("lateness_p95_seconds", "Late 95 %"), ("lateness_seconds", "After"), ("due_at", "Due"),
    ("close_id", "Close"), ("closed_at", "Closed"), ("date_basis", "Basis"), ("credits", "Credits"),
];

/// What an empty answer means, for the reports where it is good news or needs an explanation.
const EMPTY: &[(&str, &str)] = &[
    ("report budget", "No budget applies: add [[budget]] to runledger.toml."),
    ("runs", "No such run."),
    ("runs with costs", "No such run."),
    ("report failures", "No run has failed."),
    ("report schedule", "No pipeline has a schedule."),
    ("report recovery", "No run has failed."),
    ("report open", "Every run has ended."),
    ("report costliest-runs", "No run has a known cost."),
    ("report slowest-runs", "No run has a known duration."),
    ("report cost-changes-after-success", "No cost has changed after success."),
    ("report pipelines-without-runs", "Every pipeline has runs."),
    ("report status-transitions", "No run was seen in two statuses: sync more often to see how they go on."),
    ("report settling", "No cost has changed yet: nothing can be said before two syncs have seen a change."),
    ("report audit", "No run contradicts how Nekt charges."),
    ("report waste", "No money was wasted as far as can be told: no failed, canceled or overlapping runs."),
    ("report anomalies", "Every pipeline's latest run is as usual."),
    ("report metadata", "No run has metadata."),
    ("restatements", "Nothing has changed since the close."),
];

/// The sentence for an answer without rows.
pub(super) fn empty(question: &str) -> &'static str {
    EMPTY.iter().find(|(name, _)| *name == question).map_or("No rows.", |(_, sentence)| sentence)
}

/// The columns of a table in the order of their display, as positions in the table, each with its priority.
pub(super) fn arrange(columns: &[String], rows: &[Vec<Cell>], question: &str) -> Vec<(usize, usize)> {
    let is_grouped = rows.iter().any(|row| is_group(row));
    let in_groups =
        IN_GROUPS.into_iter().find(|name| is_grouped && !question.is_empty() && name.starts_with(question));
    let has_values = columns.iter().any(|name| value_of_column(name).is_some());
    let is_list = columns.first().is_some_and(|first| !PERIODS.contains(&first.as_str()));
    let of_a_list =
        OF_A_LIST.into_iter().find(|name| is_list && !question.is_empty() && name.starts_with(question));
    // A question can have options: `reconcile --invoice 412.10`.
    let name = question.split(" --").next().unwrap_or(question);
    let question = match has_values {
        true => WITH_COLUMNS,
        false => in_groups.or(of_a_list).unwrap_or(name),
    };
    let view = VIEWS.iter().find(|(name, _)| *name == question).map_or(&[][..], |(_, view)| *view);
    let is_named = |name: &str, column: &str| {
        column == name
            || is_in_currency(name, column)
            || value_of_column(name).is_some_and(|(figure, _)| column.strip_suffix('=') == Some(figure))
    };
    let place_of = |name: &str| view.iter().position(|(column, _)| is_named(name, column));
    let has_name = columns.iter().any(|column| column == "pipeline_name");
    let first_number = (0..columns.len())
        .find(|column| rows.iter().any(|row| row[*column].is_number()))
        .unwrap_or(columns.len());
    let mut arranged: Vec<(usize, Option<usize>, usize, usize)> = Vec::new();
    for (index, name) in columns.iter().enumerate() {
        let place = place_of(name);
        // What a report is grouped by comes first, whatever it is.
        let is_label = index == 0 || rows.iter().any(|row| matches!(row[index], Cell::Group { .. }));
        let is_late = LATE.contains(&name.as_str()) && (has_name || name != "pipeline_kind") && !is_label;
        let priority = match place {
            _ if ONLY_WIDE.contains(&name.as_str()) => usize::MAX,
            Some(place) => view[place].1,
            None if is_late => 2 * LAST_OF_STANDARD + index,
            None if index < first_number || view.is_empty() => {
                FIRST + if view.is_empty() { index } else { 0 }
            }
            None => LAST_OF_STANDARD + 1 + index,
        };
        // Dimensions are first, then the columns of the view, then the others; names are last.
        let group = match place {
            None if index < first_number => None,
            Some(place) => Some(place),
            None => Some(view.len() + index),
        };
        let texts = [NAMES, SENTENCES];
        let last = texts.iter().position(|texts| texts.contains(&name.as_str())).map_or(0, |text| text + 1);
        arranged.push((last, group, index, priority));
    }
    arranged.sort();
    arranged.into_iter().map(|(_, _, index, priority)| (index, priority)).collect()
}

/// Whether the row is the sum of a group.
pub(super) fn is_group(row: &[Cell]) -> bool {
    row.iter().any(|cell| matches!(cell, Cell::Group { .. }))
}

/// Whether the row has the rest.
pub(super) fn is_rest(row: &[Cell]) -> bool {
    row.iter().any(|cell| matches!(cell, Cell::Rest(_)))
}

/// Whether the column has the amounts of a column in US dollars, in another currency.
fn is_in_currency(name: &str, column_in_usd: &str) -> bool {
    let Some(amount) = column_in_usd.strip_suffix("usd") else { return false };
    name.strip_prefix(amount).is_some_and(|currency| currency.len() == 3 && amount.ends_with('_'))
}

/// The form of a column's values.
pub(super) fn form_of(name: &str, cells: &[&Cell], decimals: u32) -> Form {
    match name {
        _ if cells.iter().any(|cell| matches!(cell, Cell::Usd(_) | Cell::Converted(_))) => {
            Form::Money { decimals, signed: is_change(name) }
        }
        // The amounts of a budget can be credits.
        "against_budget_amount" => Form::Money { decimals, signed: true },
        "run_id" | "costliest_run_id" => Form::RunId,
        _ if LABELS.contains(&name) => Form::Label,
        "before" | "after" => Form::Changed,
        _ if name.ends_with("_at") => Form::Instant,
        "total_seconds" if value::is_in_hours(cells) => Form::Hours,
        _ if name.ends_with("_seconds") => Form::Seconds,
        _ if name.ends_with("_days") => Form::Days,
        _ if name.ends_with("_factor") => Form::Factor,
        _ if NAMES.contains(&name) => Form::Name,
        _ if SENTENCES.contains(&name) => Form::Sentence,
        _ => Form::Plain,
    }
}

/// Whether the amounts of the column are compared with those of others beside it.
pub(super) fn is_compared(name: &str) -> bool {
    is_change(name) || name.ends_with("_median_usd")
}

/// Whether the amounts of the column are changes, which show their sign.
pub(super) fn is_change(name: &str) -> bool {
    name.rsplit_once('_').is_some_and(|(amount, _)| CHANGES.contains(&amount))
}

/// The priority of the bars beside the figure that a report is about.
pub(super) fn bar_priority(question: &str, rows: &[Vec<Cell>]) -> usize {
    let is_late = LATE_BARS.contains(&question) || rows.iter().any(|row| is_group(row));
    if is_late { LAST_OF_STANDARD + 2 } else { 6 }
}

/// The heading of a column: that of the list, else its name as words.
pub(super) fn heading(column: &str) -> Cow<'_, str> {
    if let Some((_, heading)) = HEADINGS.iter().find(|(name, _)| *name == column) {
        return Cow::Borrowed(heading);
    }
    if let Some((_, value)) = value_of_column(column) {
        return Cow::Owned(one_line(value));
    }
    // A path stays as it is, so that it can be copied.
    if column.is_empty() || (MetadataPath::is_path(column) && column.contains(['.', '['])) {
        return escape_control(column);
    }
    if let Some((name, in_usd)) = HEADINGS.iter().find(|(name, _)| is_in_currency(column, name)) {
        let currency = column[name.len() - "usd".len()..].to_uppercase();
        return Cow::Owned(in_usd.replace("USD", &currency));
    }
    let mut words =
        column.strip_suffix("_at").or(column.strip_suffix("_seconds")).unwrap_or(column).replace('_', " ");
    if let Some(rest) = words.strip_suffix(" usd") {
        words = format!("{rest} USD");
    }
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Cow::Owned(escape_control(&words).into_owned())
}
