//! The parts of the difference between a group's costs in two periods.

use crate::report::cost::CostTotals;
use crate::run::Usd;

/// Why the cost of a group of runs differs between two periods. The known parts add up to the difference of the two
/// known costs, to the nano-dollar. `None`: the group has no such part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effects {
    /// The change of the number of runs, at the old cost per run.
    pub volume: Option<Usd>,
    /// The change of the cost per run, for the new number of runs.
    pub price: Option<Usd>,
    /// The cost of a group that had no run before.
    pub new: Option<Usd>,
    /// Minus the cost of a group that has no run any more.
    pub gone: Option<Usd>,
    /// What a group adds to the difference whose costs are all unknown in one period, although it has runs there. How
    /// much of it is a change is not known.
    pub unknown: Option<Usd>,
}

impl Effects {
    /// The parts for the costs in the period compared with, `old`, and in the period itself, `new`. Only runs with a
    /// known cost count.
    pub fn between(old: &CostTotals, new: &CostTotals) -> Effects {
        let nothing = Effects::default();
        match (old.total(), new.total()) {
            (Some(old_cost), Some(new_cost)) => {
                let more_runs = i128::from(new.runs_cost_known()) - i128::from(old.runs_cost_known());
                // The exact price would have to be rounded too. As the remainder, it makes the sum exact.
                let volume = old_cost.scaled(more_runs, old.runs_cost_known()).unwrap_or_default();
                Effects { volume: Some(volume), price: Some(new_cost - old_cost - volume), ..nothing }
            }
            (None, Some(new_cost)) if old.runs == 0 => Effects { new: Some(new_cost), ..nothing },
            (Some(old_cost), None) if new.runs == 0 => {
                Effects { gone: Some(Usd::default() - old_cost), ..nothing }
            }
            (None, None) => nothing,
            (old_cost, new_cost) => {
                let difference = new_cost.unwrap_or_default() - old_cost.unwrap_or_default();
                Effects { unknown: Some(difference), ..nothing }
            }
        }
    }

    /// The sum of the known parts. `None`: no part is known.
    pub fn total(&self) -> Option<Usd> {
        let parts = [self.volume, self.price, self.new, self.gone, self.unknown];
        parts.into_iter().flatten().reduce(|sum, part| sum + part)
    }

    /// Whether the group's costs cannot be compared, because all are unknown in at least one period.
    pub fn is_unknown(&self) -> bool {
        self.volume.is_none() && self.new.is_none() && self.gone.is_none()
    }

    /// Adds the parts of another group.
    pub fn add(&mut self, other: &Effects) {
        let add = |sum: &mut Option<Usd>, part: Option<Usd>| {
            if let Some(part) = part {
                *sum = Some(sum.unwrap_or_default() + part);
            }
        };
        add(&mut self.volume, other.volume);
        add(&mut self.price, other.price);
        add(&mut self.new, other.new);
        add(&mut self.gone, other.gone);
        add(&mut self.unknown, other.unknown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Runs with these costs in nano-dollars. `None`: not known.
    fn runs(costs: &[Option<i64>]) -> CostTotals {
        let mut totals = CostTotals::default();
        costs.iter().for_each(|cost| totals.add_run(*cost, None, false));
        totals
    }

    fn effects(old: &[Option<i64>], new: &[Option<i64>]) -> [Option<i128>; 5] {
        let Effects { volume, price, new, gone, unknown } = Effects::between(&runs(old), &runs(new));
        [volume, price, new, gone, unknown].map(|part| part.map(Usd::units))
    }

    #[test]
    fn more_runs_and_costlier_runs_are_volume_and_price() {
        // Two runs at 10 become three at 14: one more at 10, and three that cost 4 more.
        let parts = effects(&[Some(8), Some(12)], &[Some(14); 3]);
        assert_eq!(parts, [Some(10), Some(12), None, None, None]);
        assert_eq!(effects(&[Some(5)], &[Some(5)]), [Some(0), Some(0), None, None, None]);
    }

    #[test]
    fn half_a_nano_dollar_of_volume_goes_to_the_even_one() {
        // Half of 3, 5 and -3 nano-dollars for one run less.
        for (cost, volume) in [(3, -2), (5, -2), (-3, 2), (7, -4)] {
            let parts = effects(&[Some(cost), Some(0)], &[Some(1)]);
            assert_eq!(
                parts,
                [Some(volume), Some(1 - i128::from(cost) - volume), None, None, None],
                "{cost}"
            );
        }
    }

    #[test]
    fn a_group_in_one_period_only_is_new_or_gone() {
        assert_eq!(effects(&[], &[Some(7), None]), [None, None, Some(7), None, None]);
        assert_eq!(effects(&[Some(7), None], &[]), [None, None, None, Some(-7), None]);
        // A new group that cost nothing is new too.
        assert_eq!(effects(&[], &[Some(0)]), [None, None, Some(0), None, None]);
    }

    #[test]
    fn a_group_without_known_costs_in_one_period_is_unknown() {
        assert_eq!(effects(&[None, None], &[Some(7)]), [None, None, None, None, Some(7)]);
        assert_eq!(effects(&[Some(7)], &[None]), [None, None, None, None, Some(-7)]);
        // Unknown is not zero: nothing is known about the difference.
        for (old, new) in [(&[None][..], &[None][..]), (&[None], &[]), (&[], &[None])] {
            assert_eq!(effects(old, new), [None; 5]);
            let effects = Effects::between(&runs(old), &runs(new));
            assert!(effects.is_unknown() && effects.total().is_none());
        }
    }

    #[test]
    fn only_runs_with_a_known_cost_are_counted() {
        let known = effects(&[Some(10), Some(20)], &[Some(40)]);
        assert_eq!(effects(&[Some(10), None, Some(20)], &[Some(40), None, None]), known);
    }

    fn costs() -> impl Strategy<Value = Vec<Option<i64>>> {
        let cost = prop_oneof![Just(None), any::<i64>().prop_map(Some), (-9_i64..9).prop_map(Some)];
        prop::collection::vec(cost, 0..7)
    }

    proptest! {
        #[test]
        fn the_parts_add_up_to_the_difference_to_the_nano_dollar(
            groups in prop::collection::vec((costs(), costs()), 0..6)
        ) {
            let (mut sum, mut all_old, mut all_new) = (Effects::default(), Vec::new(), Vec::new());
            for (old, new) in &groups {
                let effects = Effects::between(&runs(old), &runs(new));
                let known = |costs: &[Option<i64>]| runs(costs).total().unwrap_or_default();
                prop_assert_eq!(effects.total().unwrap_or_default(), known(new) - known(old));
                sum.add(&effects);
                all_old.extend(old);
                all_new.extend(new);
            }
            let total = |costs: &[Option<i64>]| runs(costs).total().unwrap_or_default();
            prop_assert_eq!(sum.total().unwrap_or_default(), total(&all_new) - total(&all_old));
        }

        #[test]
        fn volume_is_within_half_a_nano_dollar_of_the_exact_value(
            old in any::<i64>(), old_runs in 1_u64..1_000_000, new_runs in 1_u64..1_000_000
        ) {
            let mut runs_before = CostTotals::default();
            runs_before.add_run(Some(old), None, false);
            (1..old_runs.min(50)).for_each(|_| runs_before.add_run(Some(0), None, false));
            let known = i128::from(runs_before.runs_cost_known());
            let more = i128::from(new_runs) - known;
            let volume = Usd::from_units(old.into()).scaled(more, runs_before.runs_cost_known()).unwrap().units();
            let error = volume * known - i128::from(old) * more;
            prop_assert!(2 * error.abs() <= known);
            prop_assert!(2 * error.abs() < known || volume % 2 == 0);
        }
    }
}
