//! A close, or its preview, as text for people.

use crate::digest::to_hex;
use crate::escape::escape_control;
use crate::report::billing::{Account, BilledBy};
use crate::report::{CreditPurchase, MonthTerms};
use crate::run::Usd;
use crate::store::{Close, Frozen};

/// One close.
pub(crate) fn of_close(Close { close_id, frozen }: &Close) -> String {
    let restates = frozen.restates.map_or_else(String::new, |before| format!(", restates close {before}"));
    format!("{} is closed: close {close_id}{restates}\n{}", frozen.period, details(frozen, "forced"))
}

/// What a close would freeze.
pub(super) fn of_preview(frozen: &Frozen) -> String {
    let restates = frozen.restates.map_or_else(String::new, |before| format!(", restating close {before}"));
    format!(
        "{} would be closed{restates} (dry run: nothing is stored)\n{}",
        frozen.period,
        details(frozen, "objections")
    )
}

/// Everything that is frozen. `objections` is the label of the objections.
fn details(frozen: &Frozen, objections: &'static str) -> String {
    let totals = &frozen.totals;
    let cost = totals.total_cost_nanos.map(|nanos| usd(Usd::from_units(nanos.into())));
    let mut lines = vec![
        ("zone", format!("{}, booked by {}", frozen.zone, frozen.date_basis)),
        ("bounds", format!("from {} until {}", frozen.starts_at, frozen.ends_at)),
        ("known at", frozen.known_at.to_string()),
        (
            "runs",
            format!(
                "{}, {} without a known cost, {} credits",
                totals.runs, totals.runs_cost_unknown, totals.credits
            ),
        ),
        ("cost", cost.unwrap_or_else(|| "unknown".to_owned())),
        ("sha256", to_hex(&totals.rows_sha256)),
    ];
    if let Some(terms) = frozen.terms.as_ref().and_then(MonthTerms::frozen) {
        lines.extend(lines_of(&terms));
    }
    let remarks =
        [("closed by", &frozen.closed_by), ("note", &frozen.note), (objections, &frozen.objections)];
    lines.extend(remarks.into_iter().filter_map(|(label, text)| Some((label, text.clone()?))));
    let lines: Vec<String> =
        lines.iter().map(|(label, text)| format!("{label:<12} {}", escape_control(text))).collect();
    lines.join("\n")
}

/// The lines of the terms. Those that the settings do not give have none.
fn lines_of(terms: &MonthTerms) -> Vec<(&'static str, String)> {
    let MonthTerms { plan, credit_purchases, billed_by, account, fx } = terms;
    let plan = plan.map(|plan| format!("{} a month for {} credits", usd(plan.fee_usd), plan.credits));
    let bought = credit_purchases.iter().map(|CreditPurchase { date, credits, price_usd }| {
        format!("{credits} credits for {} on {date}", usd(*price_usd))
    });
    let bought: Vec<String> = bought.collect();
    let BilledBy { el, transformation } = billed_by;
    let Account { billing_id, billing_name, sub_id, sub_name } = account;
    [
        ("plan", plan),
        ("bought", (!bought.is_empty()).then(|| bought.join(", "))),
        ("billed by", pairs(&[("el", el), ("transformation", transformation)])),
        (
            "account",
            pairs(&[
                ("billing id", billing_id),
                ("billing name", billing_name),
                ("sub id", sub_id),
                ("sub name", sub_name),
            ]),
        ),
        ("rates", fx.as_ref().map(ToString::to_string)),
    ]
    .into_iter()
    .filter_map(|(label, text)| Some((label, text?)))
    .collect()
}

/// The given values with their names. `None`: none is given.
fn pairs(values: &[(&str, &Option<String>)]) -> Option<String> {
    let given = values.iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?)));
    let given: Vec<String> = given.collect();
    (!given.is_empty()).then(|| given.join(", "))
}

fn usd(amount: Usd) -> String {
    format!("{amount} USD")
}
