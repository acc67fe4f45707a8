//! The scale of a chart: converts values to heights, with ticks at round numbers.

use super::number::Numbers;
use crate::run::{Share, Usd};

/// The approximate number of ticks above the lowest.
const TICKS: i128 = 4;

/// The unit of the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Nano-dollars.
    Usd,
    /// Milliseconds.
    Time,
    /// Whole numbers.
    Count,
    /// Millionths.
    Share,
}

/// Round steps of time, in seconds.
const TIME_STEPS: [i128; 20] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800,
    432_000,
];

impl Unit {
    /// The smallest round step of at least `min`.
    fn step(self, min: i128) -> i128 {
        if self == Unit::Time
            && let Some(seconds) = TIME_STEPS.into_iter().find(|seconds| seconds * 1000 >= min)
        {
            return seconds * 1000;
        }
        let mut power = 1;
        loop {
            if let Some(step) = [1, 2, 5].into_iter().map(|digit| digit * power).find(|step| *step >= min) {
                return step;
            }
            power *= 10;
        }
    }

    /// Steps of 4, 40, … in place of 5, 50, … where they leave less space above the highest value.
    fn finer(self, step: i128, low: i128, high: i128) -> i128 {
        let four = step / 5 * 4;
        let top = |step: i128| -(-high).div_euclid(step) * step;
        let is_five = step % 5 == 0 && step.to_string().starts_with('5');
        let is_better = is_five && low == 0 && four * TICKS >= high && top(four) < top(step);
        if matches!(self, Unit::Usd | Unit::Count) && is_better { four } else { step }
    }

    fn label(self, value: i128, numbers: Numbers) -> String {
        match self {
            Unit::Usd => {
                let text = Usd::from_units(value).to_string();
                numbers.decimal(text.trim_end_matches('0').trim_end_matches('.'))
            }
            Unit::Count => numbers.decimal(&value.to_string()),
            Unit::Time => numbers.duration(value),
            Unit::Share => numbers
                .percent(Share::from_units(value))
                .replace(&format!("{}0", numbers.0.decimal_mark()), ""),
        }
    }
}

/// A scale whose ends are on ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scale {
    unit: Unit,
    low: i128,
    high: i128,
    step: i128,
}

impl Scale {
    /// A scale that includes both values.
    pub(super) fn new(unit: Unit, low: i128, high: i128) -> Scale {
        let step = unit.finer(unit.step(((high - low) + TICKS - 1) / TICKS), low, high);
        let low = low.div_euclid(step) * step;
        let high = -(-high).div_euclid(step) * step;
        Scale { unit, low, high: high.max(low + step), step }
    }

    /// The distance of the value from the top of a chart with this height.
    pub(super) fn y(&self, value: i128, height: u32) -> f64 {
        (self.high - value) as f64 / (self.high - self.low) as f64 * f64::from(height)
    }

    /// The ticks with their labels, from the lowest.
    pub(super) fn ticks(&self, numbers: Numbers) -> Vec<(i128, String)> {
        let count = (self.high - self.low) / self.step;
        (0..=count)
            .map(|tick| self.low + tick * self.step)
            .map(|tick| (tick, self.unit.label(tick, numbers)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    fn labels(unit: Unit, low: i128, high: i128) -> Vec<String> {
        let ticks = Scale::new(unit, low, high).ticks(Numbers(Language::English));
        ticks.into_iter().map(|(_, label)| label.replace(['\u{a0}', '\u{202f}'], " ")).collect()
    }

    #[test]
    fn ticks_are_round_and_include_both_ends() {
        assert_eq!(labels(Unit::Usd, 0, 140_352_400_000), ["0", "50", "100", "150"]);
        assert_eq!(labels(Unit::Usd, -249_999_999, 1), ["−0.3", "−0.2", "−0.1", "0", "0.1"]);
        assert_eq!(labels(Unit::Usd, 0, 3), ["0", "0.000000001", "0.000000002", "0.000000003"]);
        assert_eq!(labels(Unit::Usd, 0, 12_000_000_000_000), ["0", "4,000", "8,000", "12,000"]);
        assert_eq!(labels(Unit::Time, 0, 760_000), ["0 s", "5 min", "10 min", "15 min"]);
        assert_eq!(labels(Unit::Usd, 0, 156_860_000_000), ["0", "40", "80", "120", "160"]);
        assert_eq!(labels(Unit::Count, 0, 100), ["0", "50", "100"]);
        assert_eq!(labels(Unit::Share, 930_000, 1_000_000), ["92%", "94%", "96%", "98%", "100%"]);
    }

    #[test]
    fn a_scale_of_equal_values_has_a_height() {
        assert_eq!(labels(Unit::Usd, 0, 0), ["0", "0.000000001"]);
        assert_eq!(Scale::new(Unit::Time, 0, 0).y(0, 100), 100.0);
    }

    #[test]
    fn heights_are_proportional() {
        let scale = Scale::new(Unit::Usd, 0, 200);
        assert_eq!([0, 50, 200].map(|value| scale.y(value, 100)), [100.0, 75.0, 0.0]);
    }
}
