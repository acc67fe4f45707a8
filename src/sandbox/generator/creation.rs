//! Creation times of the generated runs.

use super::{DAY_MICROS, in_progress_count};
use crate::sandbox::model::Plan;
use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;

/// Relative load of each hour of the day, in UTC. Most schedules run in the Brazilian night and morning.
const HOURLY_LOAD: [u64; 24] = [3, 3, 4, 6, 8, 9, 9, 8, 7, 6, 6, 5, 5, 4, 4, 4, 4, 4, 3, 3, 3, 2, 2, 2];

const HOUR_MICROS: i64 = DAY_MICROS / 24;

/// The creation time of each run, strictly increasing. Runs follow the daily load; those in progress were
/// created in the last minutes.
pub(super) fn creation_instants(rng: &mut Rng, plan: &Plan) -> Vec<DateTime<Utc>> {
    let day = |micros: i64| micros.div_euclid(DAY_MICROS);
    let micros = |time: TimeDelta| time.num_microseconds().expect("a span of less than 290,000 years");
    let now = plan.now.timestamp_micros();
    let span = micros(plan.span).max(1);
    let minutes = (20 * HOUR_MICROS / 60).min(span / 10);
    let recent = in_progress_count(plan.runs);
    let older = plan.runs - recent;
    let moment = |from: i64, length: i64, number: usize, of: usize, rng: &mut Rng| {
        let part = (number as f64 + rng.f64()) / of as f64;
        // The workspace grows: twice as many runs at the end as at the beginning.
        let part = part * (4.0 - part) / 3.0;
        from + (part * length as f64) as i64
    };
    let mut last = i64::MIN;
    let mut instants = Vec::with_capacity(plan.runs);
    for number in 0..plan.runs {
        let micros = if number < older {
            let end = now - 3 * minutes / 2;
            let even = moment(now - span, end - (now - span), number, older, rng);
            // On the first and the last day, which are partial, moving could leave the span.
            if [now - span, end].map(day).contains(&day(even)) { even } else { follow_daily_load(even) }
        } else {
            moment(now - minutes, minutes, number - older, recent, rng)
        };
        last = micros.max(last.saturating_add(1));
        instants.push(DateTime::from_timestamp_micros(last).expect("a moment within the span"));
    }
    instants
}

/// Moves a moment within its day, so that evenly spread moments concentrate in the busy hours. Keeps
/// the order of moments.
fn follow_daily_load(micros: i64) -> i64 {
    let day = micros.div_euclid(DAY_MICROS) * DAY_MICROS;
    let total: u64 = HOURLY_LOAD.iter().sum();
    // At most 24 hours times a small sum, so it cannot overflow.
    let mut left = micros.rem_euclid(DAY_MICROS) * total as i64;
    for (hour, &load) in HOURLY_LOAD.iter().enumerate() {
        let share = load as i64 * DAY_MICROS;
        if left < share {
            return day + hour as i64 * HOUR_MICROS + left / (load as i64 * 24);
        }
        left -= share;
    }
    unreachable!("the shares make up the day")
}
