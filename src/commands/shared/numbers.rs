//! Counts as people read them.

use crate::export::terminal::DECIMALS;
use crate::language::Language;
use crate::run::Usd;
use crate::store::UnsettledRuns;

/// The count with separated thousands: `12,003`.
pub(crate) fn grouped(count: u64) -> String {
    Language::English.number(&count.to_string())
}

/// The count with its noun: `1 run`, `12,003 runs`.
pub(crate) fn grouped_count(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// Why runs are unsettled, with how many: `3 still running`, `5 ended without a cost yet`. Empty: all are settled.
pub(crate) fn unsettled_parts(unsettled: UnsettledRuns) -> Vec<String> {
    let parts = [(unsettled.open, "still running"), (unsettled.cost_unknown, "ended without a cost yet")];
    let parts = parts.into_iter().filter(|(runs, _)| *runs > 0);
    parts.map(|(runs, what)| format!("{} {what}", grouped(runs))).collect()
}

/// A change with its sign: `+0.82`. One that rounds to nothing is `less than 0.01`.
pub(crate) fn signed(change: Usd) -> String {
    let rounded = Language::English.number(&change.to_fixed(DECIMALS));
    match rounded.strip_prefix('-') {
        Some(less) => format!("−{less}"),
        None if rounded == "0.00" => "less than 0.01".to_owned(),
        None => format!("+{rounded}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_has_its_sign() {
        let shown = |nanos| signed(Usd::from_units(nanos));
        assert_eq!(
            [shown(820_000_000), shown(-1_234_000_000_000), shown(1)],
            ["+0.82", "−1,234.00", "less than 0.01"]
        );
    }

    #[test]
    fn a_count_has_separators_and_the_noun_its_number() {
        assert_eq!([grouped(0), grouped(999), grouped(12_003)], ["0", "999", "12,003"]);
        assert_eq!([grouped_count(1, "run"), grouped_count(2_000, "run")], ["1 run", "2,000 runs"]);
    }
}
