//! Amounts of the second currency: summed exactly, and rounded once, when they are written.

use super::Conversion;
use crate::run::{Fixed, Usd};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The most decimals of an amount.
const DECIMALS: u32 = 9;

/// The billionths in 1.
const BILLION: i128 = 1_000_000_000;

/// An amount as whole billionths, and what it has beyond them. It is exact enough to be rounded once to any number of
/// decimals up to nine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount {
    /// The whole billionths below the amount.
    billionths: i128,
    rest: Rest,
}

/// The rest below one billionth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rest {
    Nothing,
    BelowHalf,
    Half,
    AboveHalf,
}

impl From<Usd> for Amount {
    fn from(usd: Usd) -> Amount {
        Amount { billionths: usd.units(), rest: Rest::Nothing }
    }
}

impl Amount {
    /// A whole number.
    pub(crate) fn of_count(count: u64) -> Amount {
        Amount { billionths: i128::from(count) * BILLION, rest: Rest::Nothing }
    }

    /// This amount minus `whole`, which has nothing beyond its billionths.
    pub(crate) fn less(self, whole: Amount) -> Amount {
        debug_assert_eq!(whole.rest, Rest::Nothing);
        Amount { billionths: self.billionths - whole.billionths, ..self }
    }

    /// The amount with the other sign.
    pub(crate) fn negated(self) -> Amount {
        let below = |rest| Amount { billionths: -self.billionths - 1, rest };
        match self.rest {
            Rest::Nothing => Amount { billionths: -self.billionths, ..self },
            Rest::BelowHalf => below(Rest::AboveHalf),
            Rest::Half => below(Rest::Half),
            Rest::AboveHalf => below(Rest::BelowHalf),
        }
    }

    /// The whole billionths below the amount.
    pub(crate) fn billionths(self) -> i128 {
        self.billionths
    }

    /// The amount with `decimals` decimals, at most nine, rounded once, halves to even. It has neither an exponent nor
    /// a negative zero.
    pub fn to_fixed(self, decimals: u32) -> String {
        let decimals = decimals.min(DECIMALS);
        let unit = 10_i128.pow(DECIMALS - decimals);
        let (floor, left) = (self.billionths.div_euclid(unit), self.billionths.rem_euclid(unit));
        let up = match self.compared_with_half(left, unit) {
            Ordering::Less => 0,
            Ordering::Greater => 1,
            Ordering::Equal => floor.rem_euclid(2),
        };
        Fixed::<DECIMALS>::from_units((floor + up) * unit).to_fixed(decimals)
    }

    /// What `left` billionths and the rest are, compared with half a unit.
    fn compared_with_half(self, left: i128, unit: i128) -> Ordering {
        match (unit, self.rest) {
            (1, Rest::Nothing | Rest::BelowHalf) => Ordering::Less,
            (1, Rest::Half) => Ordering::Equal,
            (1, Rest::AboveHalf) => Ordering::Greater,
            // Half of a larger unit is a whole number of billionths.
            (_, Rest::Nothing) => left.cmp(&(unit / 2)),
            _ => left.cmp(&(unit / 2)).then(Ordering::Greater),
        }
    }
}

/// The exact sum of converted amounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ExactSum {
    billionths: i128,
    /// The fractions below one billionth by the number of rates in the mean that they come from: a numerator over that
    /// number of billions.
    fractions: BTreeMap<u32, i128>,
}

impl ExactSum {
    /// Adds an amount that needs no conversion, in billionths.
    pub(crate) fn add_exact(&mut self, billionths: i128) {
        self.billionths += billionths;
    }

    /// Adds US dollars, converted. No amount of an archive overflows: see [`super::MAX_RATE`].
    pub(crate) fn add(&mut self, usd: Usd, conversion: &Conversion) {
        let denominator = BILLION * i128::from(conversion.rates);
        let (whole, left) = (usd.units().div_euclid(denominator), usd.units().rem_euclid(denominator));
        let product = left * conversion.sum.units();
        self.billionths += whole * conversion.sum.units() + product / denominator;
        let fraction = self.fractions.entry(conversion.rates).or_default();
        *fraction += product % denominator;
        self.billionths += *fraction / denominator;
        *fraction %= denominator;
    }

    /// This sum plus another.
    pub(crate) fn plus(&self, other: &ExactSum) -> ExactSum {
        self.combined(other, 1)
    }

    /// This sum minus another.
    pub(crate) fn minus(&self, other: &ExactSum) -> ExactSum {
        self.combined(other, -1)
    }

    /// This sum plus another one times `sign`.
    fn combined(&self, other: &ExactSum, sign: i128) -> ExactSum {
        let mut sum = self.clone();
        sum.billionths += sign * other.billionths;
        for (rates, numerator) in &other.fractions {
            let fraction = sum.fractions.entry(*rates).or_default();
            *fraction += sign * numerator;
            let denominator = BILLION * i128::from(*rates);
            sum.billionths += fraction.div_euclid(denominator);
            *fraction = fraction.rem_euclid(denominator);
        }
        sum
    }

    /// The sum.
    pub(crate) fn amount(&self) -> Amount {
        // The numbers of rates are those of the days of months, so their least common multiple has 14 digits.
        let multiple = self.fractions.keys().fold(1, |multiple, rates| lcm(multiple, i128::from(*rates)));
        let denominator = BILLION * multiple;
        let scaled = |(rates, fraction): (&u32, &i128)| fraction * (multiple / i128::from(*rates));
        let fraction: i128 = self.fractions.iter().map(scaled).sum();
        let rest = fraction % denominator;
        Amount {
            billionths: self.billionths + fraction / denominator,
            rest: match (rest, (rest * 2).cmp(&denominator)) {
                (0, _) => Rest::Nothing,
                (_, Ordering::Less) => Rest::BelowHalf,
                (_, Ordering::Equal) => Rest::Half,
                (_, Ordering::Greater) => Rest::AboveHalf,
            },
        }
    }
}

fn lcm(one: i128, other: i128) -> i128 {
    let (mut divisor, mut rest) = (one, other);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    one / divisor * other
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn conversion(rates: &[i128]) -> Conversion {
        Conversion {
            sum: Fixed::from_units(rates.iter().sum()),
            rates: u32::try_from(rates.len()).unwrap(),
            date: String::new(),
            source: String::new(),
        }
    }

    fn converted(nanos: &[(i128, &[i128])]) -> Amount {
        let mut sum = ExactSum::default();
        for (nanos, rates) in nanos {
            sum.add(Usd::from_units(*nanos), &conversion(rates));
        }
        sum.amount()
    }

    #[test]
    fn an_amount_is_rounded_once_to_each_number_of_decimals() {
        // 0.001 USD at 4.9999999995 on average: 0.0049999999995.
        let amount = converted(&[(1_000_000, &[4_999_999_999, 5_000_000_000])]);
        assert_eq!(amount.to_fixed(9), "0.005000000");
        // Rounded from nine decimals, it would be a half that goes to the even cent above or below.
        assert_eq!(amount.to_fixed(2), "0.00");
        let amount = converted(&[(3_000_000, &[4_999_999_999, 5_000_000_000])]);
        assert_eq!((amount.to_fixed(9).as_str(), amount.to_fixed(2).as_str()), ("0.015000000", "0.01"));
    }

    #[test]
    fn halves_go_to_the_even_unit() {
        let half = |nanos| converted(&[(nanos, &[500_000_000])]).to_fixed(9);
        assert_eq!([half(1), half(3), half(-1), half(-3)].map(|text| text.len()), [11, 11, 11, 12]);
        assert_eq!(half(1), "0.000000000");
        assert_eq!(half(3), "0.000000002");
        assert_eq!(half(-1), "0.000000000");
        assert_eq!(half(-3), "-0.000000002");
        assert_eq!(converted(&[(1, &[500_000_000]), (1, &[500_000_000])]).to_fixed(9), "0.000000001");
    }

    #[test]
    fn a_negated_amount_is_rounded_to_the_negated_text() {
        // A quarter, a half and three quarters of a billionth, and none.
        for rate in [250_000_000, 500_000_000, 750_000_000, 1_000_000_000] {
            for nanos in [1, 2, 3, 5, 7] {
                let amount = converted(&[(nanos, &[rate])]);
                let text = amount.negated().to_fixed(9);
                assert_eq!(text.trim_start_matches('-'), amount.to_fixed(9), "{nanos} at {rate}");
                assert_eq!(amount.negated().negated(), amount);
            }
        }
    }

    #[test]
    fn means_of_different_numbers_of_rates_are_added_exactly() {
        // 1/3 + 1/7 + 11/21 of a billionth.
        let parts: [(i128, &[i128]); 3] =
            [(1, &[1_000_000_000, 0, 0]), (1, &[1_000_000_000, 0, 0, 0, 0, 0, 0]), (11, &[0; 21])];
        let mut sum = ExactSum::default();
        for (nanos, rates) in &parts[..2] {
            sum.add(Usd::from_units(*nanos), &conversion(rates));
        }
        let twenty_first = Conversion { sum: Fixed::from_units(1_000_000_000), ..conversion(parts[2].1) };
        sum.add(Usd::from_units(11), &twenty_first);
        assert_eq!(sum.amount(), Amount { billionths: 1, rest: Rest::Nothing });
    }

    #[test]
    fn the_largest_costs_and_rates_do_not_overflow() {
        let largest = Usd::from_units(i128::from(i64::MAX) << 31);
        let rates = [i128::from(super::super::MAX_RATE) * BILLION - 1; 31];
        let mut sum = ExactSum::default();
        sum.add(largest, &conversion(&rates));
        assert_eq!(sum.minus(&sum).amount().to_fixed(9), "0.000000000");
        let mut refund = ExactSum::default();
        refund.add(Usd::from_units(-largest.units()), &conversion(&rates));
        assert_eq!(refund, ExactSum::default().minus(&sum));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_order_and_the_split_of_a_sum_do_not_matter(
            nanos in proptest::collection::vec(-1_000_000_000_000_i128..1_000_000_000_000, 1..20),
            rates in proptest::collection::vec(1_i128..10_000_000_000, 1..31),
        ) {
            let conversion = conversion(&rates);
            let (mut each, mut reversed, mut whole) =
                (ExactSum::default(), ExactSum::default(), ExactSum::default());
            nanos.iter().for_each(|nanos| each.add(Usd::from_units(*nanos), &conversion));
            nanos.iter().rev().for_each(|nanos| reversed.add(Usd::from_units(*nanos), &conversion));
            let total: i128 = nanos.iter().sum();
            whole.add(Usd::from_units(total), &conversion);
            prop_assert_eq!(each.amount(), whole.amount());
            prop_assert_eq!(reversed.amount(), whole.amount());
            // The text is that of the exact quotient, rounded half to even.
            let count = i128::try_from(rates.len()).unwrap();
            for decimals in [0_u32, 2, 4, 9] {
                let unit = 10_i128.pow(9 - decimals);
                let product = total * rates.iter().sum::<i128>();
                let rounded = Fixed::<0>::ratio(product, BILLION * count * unit).unwrap();
                let text = Fixed::<9>::from_units(rounded.units() * unit).to_fixed(decimals);
                prop_assert_eq!(whole.amount().to_fixed(decimals), text);
            }
        }
    }
}
