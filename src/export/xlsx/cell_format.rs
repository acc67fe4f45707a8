//! The formats of cells: number format codes in Excel's neutral form, which each Excel shows as its country does.

use crate::language::Language;
use crate::report::Cell;
use crate::report::table::{Measure, USD_DECIMALS_FOR_PEOPLE};

/// The format of a column's cells, and how its texts are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum CellFormat {
    /// Text.
    Text,
    /// A name in one line: line breaks become spaces.
    Name,
    /// Text over several lines.
    Wrapped,
    /// US dollars with this many decimals.
    Usd(u32),
    /// A difference in US dollars, with its sign.
    Change(u32),
    /// Brazilian reais with this many decimals.
    Brl(u32),
    /// A count.
    Count,
    /// A number that is a name: of a run, of a close.
    Id,
    /// A share.
    Percent,
    /// An exchange rate.
    Rate,
    /// A number without a unit.
    Real,
    /// A day, from its label.
    Day,
    /// The first day of a month, from the month's label.
    Month,
    /// A closed month.
    ClosedMonth,
    /// The running month.
    RunningMonth,
    /// An instant in the zone of the book.
    Instant,
    /// An instant with its seconds.
    PreciseInstant,
    /// A duration as a part of a day, from seconds.
    Duration,
}

/// Numbers that are names, not quantities.
const IDS: [&str; 6] = ["number", "close", "close_id", "restates", "sync_id", "snapshot_id"];

/// The columns with differences.
const CHANGES: [&str; 9] = [
    "change_usd",
    "volume_usd",
    "price_usd",
    "new_usd",
    "gone_usd",
    "unknown_usd",
    "difference_usd",
    "gap_usd",
    "against_budget_amount",
];

/// Texts of one or more sentences.
const SENTENCES: [&str; 4] = ["why", "note", "objections", "question"];

/// Names that people give.
const NAMES: [&str; 5] = ["pipeline_name", "pipeline", "cost_center", "center", "workspace"];

impl CellFormat {
    /// The format of a column by its name and one of its cells, with amounts in `usd_decimals` decimals (`None`: those
    /// for people).
    pub(crate) fn of(field: &str, cell: Option<&Cell>, usd_decimals: Option<u32>) -> CellFormat {
        let decimals = usd_decimals.unwrap_or(USD_DECIMALS_FOR_PEOPLE);
        match cell {
            Some(Cell::Converted(_)) if field.starts_with("change_") => CellFormat::Change(decimals),
            Some(Cell::Converted(_)) if field.ends_with("_brl") => CellFormat::Brl(decimals),
            // The heading names any other currency.
            Some(Cell::Converted(_)) => CellFormat::Usd(decimals),
            Some(Cell::Rate(_)) => CellFormat::Rate,
            Some(Cell::Usd(_)) if CHANGES.contains(&field) => CellFormat::Change(decimals),
            Some(Cell::Usd(_)) => CellFormat::Usd(decimals),
            Some(Cell::Count(_)) if IDS.contains(&field) => CellFormat::Id,
            Some(Cell::Count(_) | Cell::Real(_)) if field.ends_with("_seconds") => CellFormat::Duration,
            Some(Cell::Count(_)) => CellFormat::Count,
            Some(Cell::Seconds(_)) => CellFormat::Duration,
            Some(Cell::Share(_)) => CellFormat::Percent,
            Some(Cell::Real(_)) => CellFormat::Real,
            Some(Cell::Text(_) | Cell::Rest(_) | Cell::Group { .. } | Cell::Blank) | None => {
                CellFormat::of_name(field, decimals)
            }
        }
    }

    /// The format of a column of texts, or of one without any value.
    fn of_name(field: &str, decimals: u32) -> CellFormat {
        match (field, Measure::of_column(field)) {
            ("month", _) => CellFormat::Month,
            ("day" | "fx_date", _) => CellFormat::Day,
            (_, Measure::Usd) => CellFormat::Usd(decimals),
            (_, Measure::Seconds) => CellFormat::Duration,
            (_, Measure::Share) => CellFormat::Percent,
            _ if field.ends_with("_at") => CellFormat::Instant,
            _ if field.ends_with("_on") => CellFormat::Day,
            _ if SENTENCES.contains(&field) => CellFormat::Wrapped,
            _ if NAMES.contains(&field) => CellFormat::Name,
            _ => CellFormat::Text,
        }
    }

    /// The number format code.
    pub(super) fn code(self, language: Language) -> String {
        let amount = |decimals: u32| match decimals {
            0 => "#,##0".to_owned(),
            decimals => format!("#,##0.{}", "0".repeat(decimals as usize)),
        };
        let (day, month) = match language {
            Language::English => ("yyyy-mm-dd", "yyyy-mm"),
            Language::Portuguese => ("dd/mm/yyyy", "mm/yyyy"),
        };
        match self {
            CellFormat::Text | CellFormat::Name | CellFormat::Wrapped => "@".to_owned(),
            CellFormat::Usd(decimals) => format!("{0};-{0}", amount(decimals)),
            CellFormat::Change(decimals) => format!("+{0};-{0};{0}", amount(decimals)),
            CellFormat::Brl(decimals) => format!("[$R$-416] {}", amount(decimals)),
            CellFormat::Count => "#,##0".to_owned(),
            CellFormat::Id => "0".to_owned(),
            CellFormat::Percent => "0.0%".to_owned(),
            CellFormat::Rate => "0.0000".to_owned(),
            CellFormat::Real => "General".to_owned(),
            CellFormat::Day => day.to_owned(),
            CellFormat::Month => month.to_owned(),
            CellFormat::ClosedMonth => format!("{month}\" {}\"", crate::report::month_states::CLOSED),
            CellFormat::RunningMonth => format!("{month}\" {}\"", crate::report::month_states::RUNNING),
            CellFormat::Instant => format!("{day} hh:mm"),
            CellFormat::PreciseInstant => format!("{day} hh:mm:ss"),
            CellFormat::Duration => "[h]:mm:ss".to_owned(),
        }
    }

    /// Whether cells of the format are aligned as texts: labels, dates, and numbers that are names.
    pub(super) fn is_left(self) -> bool {
        match self {
            CellFormat::Text | CellFormat::Name | CellFormat::Wrapped | CellFormat::Id => true,
            CellFormat::Day | CellFormat::Month | CellFormat::ClosedMonth | CellFormat::RunningMonth => true,
            CellFormat::Instant | CellFormat::PreciseInstant => true,
            CellFormat::Usd(_) | CellFormat::Change(_) | CellFormat::Brl(_) | CellFormat::Count => false,
            CellFormat::Percent | CellFormat::Rate | CellFormat::Real | CellFormat::Duration => false,
        }
    }

    /// The width of a column, in digits. `None`: it depends on the texts.
    pub(super) fn width(self) -> Option<f64> {
        Some(match self {
            CellFormat::Text | CellFormat::Name => return None,
            CellFormat::Wrapped => 60.0,
            CellFormat::Usd(decimals) | CellFormat::Change(decimals) | CellFormat::Brl(decimals) => {
                f64::from(decimals.max(4)) + 12.0
            }
            CellFormat::Count | CellFormat::Percent | CellFormat::Id | CellFormat::Rate => 13.0,
            CellFormat::Real => 16.0,
            CellFormat::Day => 13.0,
            CellFormat::Month | CellFormat::ClosedMonth | CellFormat::RunningMonth => 12.0,
            CellFormat::Instant => 17.0,
            CellFormat::PreciseInstant => 20.0,
            CellFormat::Duration => 14.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_follows_from_the_name_and_the_value() {
        let usd = Cell::Usd(None);
        let of = |field: &str, cell: Option<&Cell>| CellFormat::of(field, cell, None);
        assert_eq!(of("total_cost_usd", Some(&usd)), CellFormat::Usd(4));
        assert_eq!(of("change_usd", Some(&usd)), CellFormat::Change(4));
        assert_eq!(of("total_cost_brl", Some(&Cell::Converted(None))), CellFormat::Brl(4));
        assert_eq!(of("total_cost_eur", Some(&Cell::Converted(None))), CellFormat::Usd(4));
        assert_eq!(of("change_brl", Some(&Cell::Converted(None))), CellFormat::Change(4));
        assert_eq!(of("fx_rate", Some(&Cell::Rate(None))), CellFormat::Rate);
        assert_eq!(of("number", Some(&Cell::Count(None))), CellFormat::Id);
        assert_eq!(of("runs", Some(&Cell::Count(None))), CellFormat::Count);
        assert_eq!(of("duration_seconds", Some(&Cell::Count(Some(7)))), CellFormat::Duration);
        assert_eq!(of("booked_at", None), CellFormat::Instant);
        assert_eq!(of("credits_run_out_on", None), CellFormat::Day);
        assert_eq!(CellFormat::of("total_cost_usd", None, Some(2)), CellFormat::Usd(2));
    }

    #[test]
    fn a_date_has_the_order_of_its_language() {
        let codes = |format: CellFormat| [Language::English, Language::Portuguese].map(|to| format.code(to));
        assert_eq!(codes(CellFormat::Instant), ["yyyy-mm-dd hh:mm", "dd/mm/yyyy hh:mm"]);
        assert_eq!(codes(CellFormat::Month), ["yyyy-mm", "mm/yyyy"]);
        assert_eq!(codes(CellFormat::ClosedMonth), ["yyyy-mm\" ◆\"", "mm/yyyy\" ◆\""]);
        assert_eq!(CellFormat::Usd(2).code(Language::English), "#,##0.00;-#,##0.00");
        assert_eq!(CellFormat::Change(2).code(Language::English), "+#,##0.00;-#,##0.00;#,##0.00");
        assert_eq!(CellFormat::Usd(0).code(Language::English), "#,##0;-#,##0");
    }
}
