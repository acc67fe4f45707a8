//! The credits of the rest of the running month, expected from what was used in the last thirty days.

use super::usage::{Credits, Usage, recent_usage, retain_active};
use super::{CreditsOptions, PipelineKey};
use crate::error::{Error, Result};
use crate::report::catalogue::Catalogue;
use crate::report::ledger::Ledger;
use crate::report::period::{Calendar, Period, days_between};
use crate::run::{Fixed, Instant};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The forecast from now to the end of the running month.
pub(super) struct Forecast {
    /// The label of the running month.
    pub month: String,
    /// Whole credits by pipeline. They add up to the whole credits of the month.
    pub credits: BTreeMap<PipelineKey, u64>,
    /// Cumulative whole credits by the end of each day.
    pub days: Vec<(String, u64)>,
    /// The schedules, as text.
    pub schedules: BTreeMap<PipelineKey, String>,
}

impl Forecast {
    /// `None`: the ledger's span does not go on after `now`.
    pub(super) fn compute(
        ledger: &Ledger<'_>,
        catalogue: &Catalogue,
        options: &CreditsOptions,
        now: Instant,
    ) -> Result<Option<Forecast>> {
        let scope = ledger.scope();
        let month = Period::around(now, Calendar::Month, scope.zone);
        // A run that triggers exactly at `now` counts as archived already.
        let from = now.next();
        let until = [month.end, scope.span.until].into_iter().flatten().min();
        let Some(until) =
            until.filter(|until| from < *until && scope.span.from.is_none_or(|start| start <= now))
        else {
            return Ok(None);
        };
        let usages = expected_usage(ledger, catalogue, &options.what_if, now)?;
        let rest = days_between(from, until, scope.zone);
        let mut triggers = vec![0; usages.len()];
        let counts: Vec<Vec<u64>> = usages
            .values()
            .map(|usage| usage.schedule().map(|schedule| schedule.count_by_day(&rest)).unwrap_or_default())
            .collect();
        let mut credits = vec![Credits::default(); usages.len()];
        let mut days = Vec::with_capacity(rest.len());
        for (number, day) in rest.into_iter().enumerate() {
            let seconds = (day.until.to_utc() - from.to_utc()).num_seconds();
            for (index, usage) in usages.values().enumerate() {
                triggers[index] += counts[index].get(number).copied().unwrap_or_default();
                credits[index] = usage.expected_credits(triggers[index], seconds);
            }
            days.push((day.label, round(credits.iter().copied().sum())));
        }
        let schedules =
            usages.iter().filter_map(|(key, usage)| Some((key.clone(), usage.schedule()?.to_string())));
        Ok(Some(Forecast {
            month: month.label,
            schedules: schedules.collect(),
            credits: usages.keys().cloned().zip(apportion(&credits)).collect(),
            days,
        }))
    }
}

/// The usage of each pipeline in the window, with the what-if expressions applied. Inactive pipelines are left out.
fn expected_usage(
    ledger: &Ledger<'_>,
    catalogue: &Catalogue,
    what_if: &[(String, String)],
    now: Instant,
) -> Result<BTreeMap<PipelineKey, Usage>> {
    let mut usages = recent_usage(ledger, now)?;
    let mut changed = BTreeSet::new();
    for (pipeline, expression) in what_if {
        let key = catalogue.resolve(pipeline, usages.keys())?;
        let usage = usages.entry(key.clone()).or_default();
        usage.set_expression(expression, ledger.scope().zone).map_err(|cause| Error::Usage {
            what: format!("--what-if {pipeline}: {cause}"),
            hint: Some("an expression has five fields, such as '0 */2 * * *' for every two hours".to_owned()),
        })?;
        if !changed.insert(key) {
            return Err(Error::usage(format!(
                "--what-if {pipeline}: that pipeline already has an expression"
            )));
        }
    }
    retain_active(&mut usages, catalogue, &changed);
    Ok(usages)
}

/// Rounds each part to whole credits that add up to the rounded total. The largest remainders are rounded up; of equal
/// remainders, the first.
fn apportion(parts: &[Credits]) -> Vec<u64> {
    let (units, one) = (|part: &Credits| part.units(), 1_000_000);
    let mut shares: Vec<i128> = parts.iter().map(|part| units(part) / one).collect();
    let remaining = i128::from(round(parts.iter().copied().sum())) - shares.iter().sum::<i128>();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&index| Reverse(units(&parts[index]) % one));
    for &index in order.iter().take(usize::try_from(remaining).unwrap_or_default()) {
        shares[index] += 1;
    }
    shares.into_iter().map(|share| u64::try_from(share).unwrap_or_default()).collect()
}

fn round(credits: Credits) -> u64 {
    let whole = Fixed::<0>::ratio(credits.units(), 1_000_000).unwrap_or_default();
    u64::try_from(whole.units()).unwrap_or_default()
}
