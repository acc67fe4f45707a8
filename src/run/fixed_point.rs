//! Fixed-point numbers, rounded once, half to even.

use std::io::Write;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

/// An amount of US dollars in whole nano-dollars (10⁻⁹ USD), so that sums are exact in any order.
///
/// A cost of a run fits an `i64`; an `i128` holds the sum of any archive.
pub type Usd = Fixed<9>;

/// A duration in seconds with three decimals.
pub type Seconds = Fixed<3>;

/// A share of a whole, 0 to 1, with six decimals.
pub(crate) type Share = Fixed<6>;

/// A whole number of units of 10^-`DECIMALS`.
///
/// SQL can calculate it with integers only, so every engine gives the same digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fixed<const DECIMALS: u32>(i128);

impl<const DECIMALS: u32> Fixed<DECIMALS> {
    /// The number of units in 1.
    const UNITS: i128 = 10_i128.pow(DECIMALS);

    /// The number with this many units.
    pub const fn from_units(units: i128) -> Fixed<DECIMALS> {
        Fixed(units)
    }

    /// The number of units.
    pub const fn units(self) -> i128 {
        self.0
    }

    /// The number divided by `count`, halves to the even unit. `None`: `count` is zero.
    pub fn per(self, count: u64) -> Option<Fixed<DECIMALS>> {
        (count > 0).then(|| Fixed(divide_half_even(self.0, i128::from(count))))
    }

    /// The number times `numerator / denominator`, rounded once, halves to the even unit. `None`: the denominator is
    /// zero. The product fits for the sum of 2³¹ costs of any size and a numerator up to 2³¹.
    pub(crate) fn scaled(self, numerator: i128, denominator: u64) -> Option<Fixed<DECIMALS>> {
        (denominator > 0).then(|| Fixed(divide_half_even(self.0 * numerator, i128::from(denominator))))
    }

    /// `dividend / divisor`, halves to the even unit. `None`: the divisor is not positive.
    pub fn ratio(dividend: i128, divisor: i128) -> Option<Fixed<DECIMALS>> {
        (divisor > 0).then(|| Fixed(divide_half_even(dividend * Self::UNITS, divisor)))
    }

    /// The number with `decimals` decimals, at most its own, halves to even. It has neither an exponent nor a negative
    /// zero.
    pub fn to_fixed(self, decimals: u32) -> String {
        let mut text = Vec::with_capacity(24);
        self.append_fixed(decimals, b'.', &mut text);
        String::from_utf8(text).expect("digits, sign and decimal mark are ASCII")
    }

    /// Appends the text of [`Fixed::to_fixed`] with `mark`, an ASCII character, as decimal mark.
    pub fn append_fixed(self, decimals: u32, mark: u8, text: &mut Vec<u8>) {
        let decimals = decimals.min(DECIMALS);
        let rounded = match decimals == DECIMALS {
            true => self.0,
            false => divide_half_even(self.0, 10_i128.pow(DECIMALS - decimals)),
        };
        if rounded < 0 {
            text.push(b'-');
        }
        let (scale, magnitude) = (10_u64.pow(decimals), rounded.unsigned_abs());
        let (whole, mut fraction) = match u64::try_from(magnitude) {
            // Most amounts fit into 64 bits, which divide many times faster than 128.
            Ok(small) => (u128::from(small / scale), small % scale),
            Err(_) => (magnitude / u128::from(scale), (magnitude % u128::from(scale)) as u64),
        };
        match u64::try_from(whole) {
            Ok(small) => write!(text, "{small}"),
            Err(_) => write!(text, "{whole}"),
        }
        .expect("writing to a vector cannot fail");
        if decimals > 0 {
            text.push(mark);
            let start = text.len();
            text.resize(start + decimals as usize, b'0');
            for digit in text[start..].iter_mut().rev() {
                *digit += (fraction % 10) as u8;
                fraction /= 10;
            }
        }
    }
}

impl<const DECIMALS: u32> Add for Fixed<DECIMALS> {
    type Output = Fixed<DECIMALS>;
    fn add(self, other: Fixed<DECIMALS>) -> Fixed<DECIMALS> {
        Fixed(self.0 + other.0)
    }
}

impl<const DECIMALS: u32> Sub for Fixed<DECIMALS> {
    type Output = Fixed<DECIMALS>;
    fn sub(self, other: Fixed<DECIMALS>) -> Fixed<DECIMALS> {
        Fixed(self.0 - other.0)
    }
}

impl<const DECIMALS: u32> AddAssign for Fixed<DECIMALS> {
    fn add_assign(&mut self, other: Fixed<DECIMALS>) {
        self.0 += other.0;
    }
}

impl<const DECIMALS: u32> Sum for Fixed<DECIMALS> {
    fn sum<I: Iterator<Item = Fixed<DECIMALS>>>(numbers: I) -> Fixed<DECIMALS> {
        numbers.fold(Fixed::default(), Add::add)
    }
}

impl Seconds {
    /// A whole number of seconds.
    pub(crate) fn whole(seconds: i64) -> Seconds {
        Seconds::from_units(i128::from(seconds) * Seconds::UNITS)
    }
}

impl Share {
    /// The share in percent with one decimal: `97.5 %`.
    pub fn to_percent(self) -> String {
        format!("{} %", Fixed::<4>(self.0).to_fixed(1))
    }
}

impl<const DECIMALS: u32> std::fmt::Display for Fixed<DECIMALS> {
    /// Writes all decimals.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_fixed(DECIMALS))
    }
}

/// `dividend / divisor`, rounded to the nearest integer, halves to even. The divisor is positive.
fn divide_half_even(dividend: i128, divisor: i128) -> i128 {
    let (floor, rest) = (dividend.div_euclid(divisor), dividend.rem_euclid(divisor));
    match (rest * 2).cmp(&divisor) {
        std::cmp::Ordering::Less => floor,
        std::cmp::Ordering::Greater => floor + 1,
        std::cmp::Ordering::Equal => floor + floor.rem_euclid(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_rounded_once_half_to_even() {
        assert_eq!(Seconds::ratio(1, 3).unwrap().to_string(), "0.333");
        assert_eq!(Seconds::ratio(1, 16).unwrap().to_string(), "0.062");
        assert_eq!(Seconds::ratio(3, 16).unwrap().to_string(), "0.188");
        assert_eq!(Seconds::ratio(-1, 16).unwrap().to_string(), "-0.062");
        assert_eq!(Seconds::ratio(-1, 4000).unwrap().to_string(), "0.000");
        assert_eq!(Seconds::ratio(7, 0), None);
    }

    #[test]
    fn a_scaled_number_is_rounded_once_half_to_even() {
        let scaled =
            |units, numerator, denominator| Seconds::from_units(units).scaled(numerator, denominator);
        assert_eq!(scaled(3, 1, 2), Some(Seconds::from_units(2)));
        assert_eq!(scaled(1, 1, 2), Some(Seconds::from_units(0)));
        assert_eq!(scaled(3, -1, 2), Some(Seconds::from_units(-2)));
        assert_eq!(scaled(1, 7, 3), Some(Seconds::from_units(2)));
        assert_eq!(scaled(1, 1, 0), None);
    }

    #[test]
    fn a_share_is_printed_in_percent() {
        assert_eq!(Share::ratio(39, 40).unwrap().to_percent(), "97.5 %");
        assert_eq!(Share::ratio(1, 1).unwrap().to_percent(), "100.0 %");
        assert_eq!(Share::ratio(2, 3).unwrap().to_string(), "0.666667");
    }
}
