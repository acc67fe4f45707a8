//! Apportionment: rounded amounts that add up to the rounded total, by the largest remainder.

use crate::run::Usd;

/// Nano-dollars in a cent.
const CENT: i128 = 10_000_000;

/// Each amount in whole cents, so that they add up to their exact sum, rounded once, half to even. The amounts with the
/// largest remainders are rounded up; of equal ones, the first. `None` stays unknown.
pub(crate) fn in_cents(amounts: &[Option<Usd>]) -> Vec<Option<Usd>> {
    let known = || amounts.iter().flatten().map(|usd| usd.units());
    let total = cents(Usd::from_units(known().sum()));
    let below: i128 = known().map(|nanos| nanos.div_euclid(CENT)).sum();
    let mut missing = total - below;
    let mut order: Vec<usize> = (0..amounts.len()).filter(|index| amounts[*index].is_some()).collect();
    let remainder = |index: &usize| amounts[*index].map_or(0, |usd| usd.units().rem_euclid(CENT));
    order.sort_by_key(|index| std::cmp::Reverse(remainder(index)));
    let mut rounded: Vec<Option<Usd>> = amounts.to_vec();
    for index in order {
        let up = i128::from(missing > 0);
        missing -= up;
        rounded[index] =
            rounded[index].map(|usd| Usd::from_units((usd.units().div_euclid(CENT) + up) * CENT));
    }
    rounded
}

/// The amount in cents, half to even.
fn cents(usd: Usd) -> i128 {
    let (floor, rest) = (usd.units().div_euclid(CENT), usd.units().rem_euclid(CENT));
    match (rest * 2).cmp(&CENT) {
        std::cmp::Ordering::Less => floor,
        std::cmp::Ordering::Greater => floor + 1,
        std::cmp::Ordering::Equal => floor + floor.rem_euclid(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn usd(nanos: i128) -> Option<Usd> {
        Some(Usd::from_units(nanos))
    }

    #[test]
    fn the_largest_remainders_are_rounded_up() {
        let thirds = [usd(333_333_333), usd(333_333_333), usd(333_333_334)];
        assert_eq!(in_cents(&thirds), [usd(330_000_000), usd(330_000_000), usd(340_000_000)]);
        assert_eq!(in_cents(&[usd(-5_000_001), None, usd(1)]), [usd(0), None, usd(0)]);
        assert_eq!(in_cents(&[None]), [None]);
        assert_eq!(in_cents(&[]), []);
    }

    proptest! {
        #[test]
        fn rounded_amounts_add_up_to_the_rounded_total(
            nanos in prop::collection::vec(prop::option::of(-1_000_000_000_000_i64..1_000_000_000_000), 0..20)
        ) {
            let amounts: Vec<Option<Usd>> =
                nanos.iter().map(|nanos| nanos.map(|nanos| Usd::from_units(nanos.into()))).collect();
            let rounded = in_cents(&amounts);
            let sum = |amounts: &[Option<Usd>]| -> i128 { amounts.iter().flatten().map(|usd| usd.units()).sum() };
            prop_assert_eq!(sum(&rounded), cents(Usd::from_units(sum(&amounts))) * CENT);
            for (exact, rounded) in amounts.iter().zip(&rounded) {
                let difference = exact.zip(*rounded).map_or(0, |(exact, rounded)| (exact - rounded).units().abs());
                prop_assert!(exact.is_some() == rounded.is_some() && difference < CENT);
            }
        }
    }
}
