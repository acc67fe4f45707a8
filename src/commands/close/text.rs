//! A close, or its preview, as text for people.

use super::evidence::LateChanges;
use crate::close::CloseRequest;
use crate::commands::shared::facts::{Facts, notes, title};
use crate::commands::shared::numbers::grouped;
use crate::digest::to_hex;
use crate::export::terminal::{DECIMALS, Role, Screen, local_minute};
use crate::export::title::booked_by;
use crate::language::Language;
use crate::report::billing::{Account, BilledBy};
use crate::report::{CreditPurchase, DateBasis, MonthTerms};
use crate::run::Usd;
use crate::store::{Close, Frozen};
use crate::wording::counted;
use chrono_tz::Tz;

/// One close.
pub(crate) fn of_close(Close { close_id, frozen }: &Close, screen: &Screen) -> String {
    let restates = frozen.restates.map_or_else(String::new, |before| format!(", restates close {before}"));
    let mut facts = facts(frozen, None);
    for objection in objections(frozen) {
        facts.add_as(Role::Warning, "Forced", objection);
    }
    view(format!("{}{restates}", headline(*close_id, frozen)), frozen, &facts, &[], screen)
}

/// `2026-10 is closed: close 2`
pub(super) fn headline(close_id: i64, frozen: &Frozen) -> String {
    format!("{} is closed: close {close_id}", frozen.period)
}

/// What a close would freeze, and what blocks it. `next` says how to close if nothing does.
pub(super) fn of_preview(
    frozen: &Frozen,
    zone_from: &str,
    late: Option<LateChanges>,
    request: &CloseRequest,
    next: &[&str],
    screen: &Screen,
) -> String {
    let Frozen { period, restates, .. } = frozen;
    let again = restates.map_or_else(String::new, |before| format!(", restates close {before}"));
    let mut facts = facts(frozen, Some(zone_from));
    let objections = objections(frozen);
    let (label, role) = if request.force { ("Forced", Role::Warning) } else { ("Blocked", Role::Error) };
    for objection in &objections {
        facts.add_as(role, label, objection);
    }
    if objections.is_empty() {
        facts.add_as(Role::Dim, "Ready", "no objection to the close");
    }
    if let Some(LateChanges { days, safe_from }) = late {
        let day = safe_from.to_utc().with_timezone(&zone_of(frozen)).format("%-d %b %Y");
        let days = counted(days.unsigned_abs(), "day");
        facts.add_as(
            Role::Warning,
            "Warning",
            format!(
                "costs have changed up to {days} after their run: from {day} on it is safe to close; until then \
                 changes are restatements"
            ),
        );
    }
    let next = if objections.is_empty() || request.force { next } else { &next[..1] };
    view(format!("Close {period} (preview{again})"), frozen, &facts, next, screen)
}

/// The command of the close.
pub(super) fn command(request: &CloseRequest) -> String {
    let restate = if request.restate { " --restate" } else { "" };
    let force = if request.force { " --force" } else { "" };
    format!("runledger close {}{restate}{force}", request.month)
}

/// The total of a close: `133.10 USD`.
pub(super) fn total(frozen: &Frozen) -> String {
    cost(frozen.totals.total_cost_nanos)
}

fn cost(nanos: Option<i64>) -> String {
    nanos.map_or_else(|| "not known".to_owned(), |nanos| usd(Usd::from_units(nanos.into())))
}

/// The title, the facts and the notes.
fn view(subject: String, frozen: &Frozen, facts: &Facts, below: &[&str], screen: &Screen) -> String {
    let moment = local_minute(frozen.known_at, zone_of(frozen), None);
    let context = [Some(frozen.zone.clone()), Some(basis_of(frozen)), Some(format!("as of {moment}"))];
    let mut lines = title(subject, &context, screen);
    lines.push(String::new());
    lines.extend(facts.lines(screen));
    let notes = notes(below, screen);
    if !notes.is_empty() {
        lines.push(String::new());
        lines.extend(notes);
    }
    lines.join("\n")
}

/// Everything that is frozen, except the objections. `zone_from` says where the zone comes from.
fn facts(frozen: &Frozen, zone_from: Option<&str>) -> Facts {
    let totals = &frozen.totals;
    let local = |at| local_minute(at, zone_of(frozen), None);
    let mut facts = Facts::default();
    facts.add_as(Role::Bold, "Total", cost(totals.total_cost_nanos));
    facts.add("  Extract", cost(totals.el_cost_nanos));
    facts.add("  Transform", cost(totals.transformation_cost_nanos));
    facts.add("Runs", grouped(totals.runs));
    match totals.runs_cost_unknown {
        0 => facts.add_as(Role::Dim, "Cost unknown", "no run"),
        1 => facts.add_as(Role::Warning, "Cost unknown", "1 run, which is not in the total"),
        runs => {
            let runs = grouped(runs);
            facts.add_as(Role::Warning, "Cost unknown", format!("{runs} runs, which are not in the total"));
        }
    }
    facts.add("Credits", grouped(totals.credits));
    let names: Vec<serde_json::Value> = serde_json::from_str(&totals.names).unwrap_or_default();
    facts.add("Pipelines", grouped(names.len() as u64));
    facts.add("From", local(frozen.starts_at));
    facts.add("Until", local(frozen.ends_at));
    let zone_from = zone_from.map_or_else(String::new, |origin| format!(" ({origin})"));
    facts.add("Zone", format!("{}{zone_from}, booked {}", frozen.zone, basis_of(frozen)));
    if let Some(terms) = frozen.terms.as_ref().and_then(MonthTerms::frozen) {
        lines_of(&terms).into_iter().for_each(|(label, text)| facts.add(label, text));
    }
    let remarks = [("Closed by", &frozen.closed_by), ("Note", &frozen.note)];
    for (label, text) in remarks {
        text.iter().for_each(|text| facts.add(label, text));
    }
    facts.add("SHA-256", to_hex(&totals.rows_sha256));
    facts
}

/// What speaks or spoke against the close.
fn objections(frozen: &Frozen) -> Vec<String> {
    let stored = frozen.objections.as_ref();
    // A text that is no list is shown as it is stored.
    stored.map_or_else(Vec::new, |text| serde_json::from_str(text).unwrap_or_else(|_| vec![text.clone()]))
}

/// The zone of the month.
fn zone_of(frozen: &Frozen) -> Tz {
    frozen.zone.parse().unwrap_or(Tz::UTC)
}

/// What books a run: `by start`.
fn basis_of(frozen: &Frozen) -> String {
    let known = DateBasis::named(&frozen.date_basis);
    known.map_or_else(|| format!("by {}", frozen.date_basis), |basis| booked_by(basis).to_owned())
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
        ("Plan", plan),
        ("Bought", (!bought.is_empty()).then(|| bought.join(", "))),
        ("Billed by", pairs(&[("el", el), ("transformation", transformation)])),
        (
            "Account",
            pairs(&[
                ("billing id", billing_id),
                ("billing name", billing_name),
                ("sub id", sub_id),
                ("sub name", sub_name),
            ]),
        ),
        ("Rates", fx.as_ref().map(ToString::to_string)),
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
    format!("{} USD", Language::English.number(&amount.to_fixed(DECIMALS)))
}
