//! The cost of a run: the API's number as a double and in whole nano-dollars (10⁻⁹ USD).

/// The decimals of a nano-dollar.
const NANO_DECIMALS: u32 = 9;

/// The maximum number of digits of nano-dollars: enough for any sum, and within an `i128`.
const MAX_DIGITS: usize = 30;

/// A cost as sent by the API: the double nearest to the number's text, and the text in whole nano-dollars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// The double: finite, and never a negative zero.
    pub usd: f64,
    /// The number's text, rounded half to even at the ninth decimal.
    pub nanos: i64,
}

impl Cost {
    /// Parses the text of a JSON number. `None`: it is out of the range of a cost (beyond ±9.2 billion USD).
    pub fn from_number(text: &str) -> Option<Cost> {
        let nanos = i64::try_from(nanos_of_number(text)?).ok()?;
        let usd: f64 = text.parse().ok()?;
        Some(Cost { usd: if usd == 0.0 { 0.0 } else { usd }, nanos })
    }
}

/// Splits a JSON number: whether it is negative, its digits without outer zeros, and the power of ten of the last
/// digit. `12.50e-1` is (false, "125", -2). Zero has no digits and the power 0.
pub fn decimal_parts(text: &str) -> Option<(bool, String, i64)> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        // No plausible number has an exponent beyond i64.
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits: String = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut power = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let significant = digits.trim_end_matches('0').len();
    power = power.checked_add(i64::try_from(digits.len() - significant).ok()?)?;
    digits.truncate(significant);
    let leading = digits.len() - digits.trim_start_matches('0').len();
    digits.drain(..leading);
    if digits.is_empty() {
        return Some((false, digits, 0));
    }
    Some((negative, digits, power))
}

/// The number's text in whole nano-dollars, halves to even. `None`: it is not a number, or has more than thirty digits
/// of nano-dollars.
pub fn nanos_of_number(text: &str) -> Option<i128> {
    let (negative, digits, power) = decimal_parts(text)?;
    let nano_power = power.checked_add(i64::from(NANO_DECIMALS))?;
    let magnitude: i128 = if digits.is_empty() {
        0
    } else if nano_power >= 0 {
        if digits.len() as i64 + nano_power > MAX_DIGITS as i64 {
            return None;
        }
        digits.parse::<i128>().ok()? * 10_i128.pow(u32::try_from(nano_power).ok()?)
    } else {
        round_dropping(&digits, nano_power.unsigned_abs())?
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// `digits` without the last `dropped` digits, rounded half to even.
fn round_dropping(digits: &str, dropped: u64) -> Option<i128> {
    let dropped = usize::try_from(dropped).unwrap_or(usize::MAX);
    if dropped > digits.len() {
        return Some(0);
    }
    let (kept, rest) = digits.split_at(digits.len() - dropped);
    let kept: i128 = match kept.len() {
        0 => 0,
        1..=MAX_DIGITS => kept.parse().ok()?,
        _ => return None,
    };
    let half = format!("5{}", "0".repeat(rest.len() - 1));
    Some(match rest.cmp(half.as_str()) {
        std::cmp::Ordering::Less => kept,
        std::cmp::Ordering::Greater => kept + 1,
        std::cmp::Ordering::Equal => kept + kept % 2,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Usd;
    use proptest::prelude::*;

    fn nanos(text: &str) -> Option<i64> {
        Cost::from_number(text).map(|cost| cost.nanos)
    }

    #[test]
    fn nano_dollars_come_from_the_text_of_a_cost() {
        assert_eq!(nanos("0.1"), Some(100_000_000));
        assert_eq!(nanos("12"), Some(12_000_000_000));
        assert_eq!(nanos("1.5e-3"), Some(1_500_000));
        assert_eq!(nanos("-0.25"), Some(-250_000_000));
        assert_eq!(nanos("0.000000000"), Some(0));
        assert_eq!(nanos("1E2"), Some(100_000_000_000));
    }

    #[test]
    fn half_a_nano_dollar_is_rounded_to_even() {
        assert_eq!(nanos("0.0000000005"), Some(0));
        assert_eq!(nanos("0.0000000015"), Some(2));
        assert_eq!(nanos("0.0000000025"), Some(2));
        assert_eq!(nanos("0.00000000250000000000000000001"), Some(3));
        assert_eq!(nanos("-0.0000000015"), Some(-2));
        assert_eq!(nanos("0.0234567891234567"), Some(23_456_789));
    }

    #[test]
    fn an_amount_out_of_range_is_no_cost() {
        assert_eq!(nanos("9223372036.854775807"), Some(i64::MAX));
        assert_eq!(nanos("9223372036.854775808"), None);
        assert_eq!(nanos("1e308"), None);
        assert_eq!(nanos("1e400"), None);
        assert_eq!(nanos("1e99999999999999999999"), None);
        assert_eq!(nanos("1e-400"), Some(0));
    }

    #[test]
    fn a_negative_zero_is_zero() {
        let cost = Cost::from_number("-0.0").unwrap();
        assert_eq!((cost.nanos, cost.usd.to_bits()), (0, 0));
        assert_eq!(Usd::from_units(-1).to_fixed(2), "0.00");
    }

    #[test]
    fn decimals_are_rounded_half_to_even_once() {
        assert_eq!(Usd::from_units(1_005_000_000).to_fixed(2), "1.00");
        assert_eq!(Usd::from_units(1_015_000_000).to_fixed(2), "1.02");
        assert_eq!(Usd::from_units(-1_015_000_001).to_fixed(2), "-1.02");
        assert_eq!(Usd::from_units(2_500_000_000).to_fixed(0), "2");
        assert_eq!(Usd::from_units(-1).to_string(), "-0.000000001");
    }

    #[test]
    fn a_share_is_rounded_at_the_nano_dollar() {
        assert_eq!(Usd::from_units(10).per(4), Some(Usd::from_units(2)));
        assert_eq!(Usd::from_units(10).per(3), Some(Usd::from_units(3)));
        assert_eq!(Usd::from_units(10).per(0), None);
    }

    proptest! {
        #[test]
        fn nano_dollars_survive_printing_and_parsing(nanos in any::<i64>()) {
            let text = Usd::from_units(i128::from(nanos)).to_string();
            prop_assert_eq!(super::nanos_of_number(&text), Some(i128::from(nanos)));
        }
    }
}
