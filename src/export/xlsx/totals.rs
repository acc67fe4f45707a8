//! Whether the total of a column is the exact sum of its rows.

use super::book::Rows;
use crate::report::Cell;
use crate::report::table::USD_DECIMALS;
use crate::run::Usd;

/// Whether the rows, each rounded to `usd_decimals`, add up to the total. Those of a stream do: their total is computed
/// from them.
pub(super) fn adds_up(rows: &Rows<'_>, column: usize, total: &Cell, usd_decimals: u32) -> bool {
    match rows {
        Rows::Stream { .. } => true,
        Rows::Cells(rows) => {
            let known = || rows.iter().filter_map(|row| units(&row[column], usd_decimals));
            let (Some(total_units), sum) = (units(total, usd_decimals), known().sum::<i128>()) else {
                return false;
            };
            // Converted amounts are rounded, rows and total each on its own. A double does not show a billionth.
            let tolerance = match total {
                Cell::Converted(_) if usd_decimals == USD_DECIMALS => known().count() as u128,
                _ => 0,
            };
            (total_units - sum).unsigned_abs() <= tolerance
        }
    }
}

/// The cell as a whole number of its smallest unit. `None`: not known, or not a quantity.
fn units(cell: &Cell, usd_decimals: u32) -> Option<i128> {
    match cell {
        Cell::Usd(usd) => {
            let rounded: String = usd.map(|usd: Usd| usd.to_fixed(usd_decimals))?;
            rounded.replace('.', "").parse().ok()
        }
        Cell::Converted(amount) => amount.as_ref()?.to_fixed(usd_decimals).replace('.', "").parse().ok(),
        Cell::Count(count) => count.map(i128::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(nanos: i128) -> Cell {
        Cell::Usd(Some(Usd::from_units(nanos)))
    }

    #[test]
    fn a_total_is_the_sum_of_the_rows_as_they_are_shown() {
        let rows =
            Rows::Cells(vec![vec![usd(1_004_000_000)], vec![usd(1_004_000_000)], vec![Cell::Usd(None)]]);
        assert!(adds_up(&rows, 0, &usd(2_008_000_000), 9));
        assert!(!adds_up(&rows, 0, &usd(2_009_000_000), 9));
        assert!(!adds_up(&rows, 0, &usd(2_008_000_000), 2), "1.00 and 1.00 are not 2.01");
        let counts = Rows::Cells(vec![vec![Cell::count(2)], vec![Cell::count(3)]]);
        assert!(adds_up(&counts, 0, &Cell::count(5), 9));
    }
}
