//! Values as people read them on a terminal: `1,277.56`, `22 min 2 s`, `88.3 %`, `27 Nov 08:02`.

use super::UNKNOWN;
use super::text::one_line;
use crate::language::Language;
use crate::report::Cell;
use crate::report::table::RATE_DECIMALS_FOR_PEOPLE;
use crate::run::{Cost, Instant, Seconds, Usd};
use chrono::Datelike;
use chrono_tz::Tz;

/// The decimals of money, unless the amounts are small.
pub(crate) const DECIMALS: u32 = 2;

/// The decimals of small amounts, and of costs per run.
const DECIMALS_OF_SMALL: u32 = 4;

/// Below this median, in nano-dollars, the amounts of a column are small.
const SMALL: i128 = 100_000_000;

/// The end of the label of the rest: the option that shows what it sums up.
pub(super) const ALL_ROWS: &str = " (--all-rows)";

/// The milliseconds of an hour.
const HOUR: i128 = 3_600_000;

/// From this duration on, sums of durations are shown in whole hours, in the whole column.
const HOURS_FROM: i128 = 100 * HOUR;

/// The characters of a run's id that are shown; more than enough to be unique.
pub(super) const SHORT_ID: usize = 8;

/// How a column is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The name of something: on one line, cut if it is too wide.
    Name,
    /// A sentence: on several lines if it is too wide.
    Sentence,
    /// The id of a run: its beginning.
    RunId,
    /// An instant in UTC, shown in a zone.
    Instant,
    /// A number without separators, such as the number of a run.
    Label,
    /// A value before or after a change: an amount, or the text of another field.
    Changed,
    /// A duration in whole seconds.
    Seconds,
    /// A sum of durations, in whole hours.
    Hours,
    /// A number of days.
    Days,
    /// A multiple of what is usual.
    Factor,
    /// An amount with `decimals`; `signed` amounts are changes and show `+`.
    Money { decimals: u32, signed: bool },
    /// Any other value, as its type says.
    Plain,
}

impl Form {
    /// Whether the values are numbers, which end at the right.
    pub(super) fn is_number(self, cells: &[&Cell]) -> bool {
        match self {
            Form::Name | Form::Sentence | Form::RunId => false,
            Form::Instant => true,
            Form::Changed => cells.iter().all(|cell| match cell {
                Cell::Text(Some(text)) => Cost::from_number(text).is_some(),
                _ => cell.is_unknown(),
            }),
            // The unknown value of a column without a unit is a text.
            _ => {
                cells.iter().any(|cell| cell.is_number())
                    && cells
                        .iter()
                        .all(|cell| cell.is_number() || matches!(cell, Cell::Text(None) | Cell::Blank))
            }
        }
    }
}

/// The decimals that the amounts of a column need.
pub(super) fn decimals_of<'c>(column: &str, cells: impl Iterator<Item = &'c Cell>) -> u32 {
    if column.starts_with("cost_per_run") {
        return DECIMALS_OF_SMALL;
    }
    let mut amounts: Vec<i128> = cells.filter_map(nanos).filter(|nanos| *nanos != 0).collect();
    amounts.sort_unstable_by_key(|nanos| nanos.abs());
    match amounts.get(amounts.len() / 2) {
        Some(median) if median.abs() < SMALL => DECIMALS_OF_SMALL,
        _ => DECIMALS,
    }
}

/// The billionths of an amount. `None`: it is unknown, or no amount.
fn nanos(cell: &Cell) -> Option<i128> {
    match cell {
        Cell::Usd(usd) => usd.map(|usd| usd.units()),
        Cell::Converted(_) => cell.exact()?.replace('.', "").parse().ok(),
        _ => None,
    }
}

/// What the values of a table depend on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context {
    /// The zone of instants. `None`: they stay in UTC.
    pub zone: Option<Tz>,
    /// The moment of the answer: instants of its year leave the year out. `None`: they all have it.
    pub moment: Option<Instant>,
    /// Whether values are as exact as the table has them.
    pub wide: bool,
}

/// The text of a cell. Unknown values are a dash.
pub(super) fn text_of(cell: &Cell, form: Form, context: Context) -> String {
    known_text(cell, form, context).unwrap_or_else(|| UNKNOWN.to_owned())
}

fn known_text(cell: &Cell, form: Form, context: Context) -> Option<String> {
    Some(match (cell, form) {
        (Cell::Rest(rows), _) => format!("{} more{ALL_ROWS}", number(&rows.to_string())),
        (Cell::Group { rows, .. }, _) => {
            let exact = rows.to_string();
            cell.exact()?.replacen(&exact, &number(&exact), 1)
        }
        (Cell::Blank, _) => String::new(),
        (Cell::Text(text), _) => {
            let text = text.as_deref()?;
            match form {
                Form::RunId if !context.wide => text.chars().take(SHORT_ID).collect(),
                Form::Instant => instant(text, context),
                Form::Changed => match Cost::from_number(text).filter(|_| text.contains('.')) {
                    Some(cost) => {
                        money(&Usd::from_units(cost.nanos.into()).to_fixed(DECIMALS_OF_SMALL), false)
                    }
                    None => one_line(text),
                },
                _ => one_line(text),
            }
        }
        (Cell::Count(count), Form::Label) => count.as_ref()?.to_string(),
        (Cell::Count(count), Form::Seconds) => duration(Seconds::whole((*count)?)),
        (Cell::Count(count), Form::Days) => format!("{} d", number(&count.as_ref()?.to_string())),
        (Cell::Count(count), Form::Money { signed, .. }) => money(&count.as_ref()?.to_string(), signed),
        (Cell::Count(count), _) => number(&count.as_ref()?.to_string()),
        (Cell::Usd(_) | Cell::Converted(_), Form::Money { decimals, signed }) => {
            money(&cell.exact_to(decimals)?, signed)
        }
        (Cell::Usd(_) | Cell::Converted(_), _) => money(&cell.exact()?, false),
        (Cell::Rate(rate), Form::Factor) => format!("{} x", number(&rate.as_ref()?.to_fixed(1))),
        (Cell::Rate(rate), _) => number(&rate.as_ref()?.to_fixed(RATE_DECIMALS_FOR_PEOPLE)),
        (Cell::Seconds(seconds), Form::Hours) => hours(*seconds.as_ref()?),
        (Cell::Seconds(seconds), _) => duration(*seconds.as_ref()?),
        (Cell::Share(share), _) => share.as_ref()?.to_percent().replace('-', "−"),
        (Cell::Real(real), _) => real.to_string(),
    })
}

/// Whether sums of durations like these are shown in whole hours.
pub(super) fn is_in_hours(cells: &[&Cell]) -> bool {
    let is_long = |cell: &&Cell| matches!(cell, Cell::Seconds(Some(sum)) if sum.units() >= HOURS_FROM);
    cells.iter().any(is_long)
}

/// A duration in whole hours: `152 h`.
fn hours(seconds: Seconds) -> String {
    let hours = (seconds.units() + HOUR / 2).div_euclid(HOUR);
    format!("{} h", number(&hours.to_string()))
}

pub(super) fn number(exact: &str) -> String {
    Language::English.number(exact).replacen('-', "−", 1)
}

/// An amount with separated thousands. Zero has no sign.
fn money(rounded: &str, signed: bool) -> String {
    let is_zero = !rounded.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    match number(rounded) {
        text if is_zero => text.replacen('−', "", 1),
        text if signed && !text.starts_with('−') => format!("+{text}"),
        text => text,
    }
}

/// An instant in the zone, to the minute; with its year if that is not the year of the answer.
fn instant(text: &str, context: Context) -> String {
    let Some(instant) = Instant::parse(text) else { return one_line(text) };
    let Some(zone) = context.zone.filter(|_| !context.wide) else {
        return instant.to_utc().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    };
    local_minute(instant, zone, context.moment)
}

/// An instant in the zone, to the minute: `27 Nov 08:02`, or `8 Dec 2025 08:28` if its year is not that of `moment`.
/// `None`: with its year.
pub(crate) fn local_minute(at: Instant, zone: Tz, moment: Option<Instant>) -> String {
    let local = |at: Instant| at.to_utc().with_timezone(&zone);
    let is_this_year = moment.is_some_and(|moment| local(moment).year() == local(at).year());
    local(at).format(if is_this_year { "%-d %b %H:%M" } else { "%-d %b %Y %H:%M" }).to_string()
}

/// A duration in its largest units: `0.4 s`, `24 s`, `22 min 2 s`, `1 h 05 min`, from 48 hours on `86 d`. A value that
/// rounds up to the next unit is shown in that unit.
pub(crate) fn duration(seconds: Seconds) -> String {
    let millis = seconds.units();
    let (sign, millis) = if millis < 0 { ("−", -millis) } else { ("", millis) };
    let rounded = |unit: i128| (millis + unit / 2) / unit;
    let (tenths, whole, minutes, days) = (rounded(100), rounded(1_000), rounded(60_000), rounded(86_400_000));
    let text = match () {
        () if tenths < 100 && tenths % 10 > 0 => format!("{}.{} s", tenths / 10, tenths % 10),
        () if whole < 60 => format!("{whole} s"),
        () if whole < 3_600 && whole % 60 == 0 => format!("{} min", whole / 60),
        () if whole < 3_600 => format!("{} min {} s", whole / 60, whole % 60),
        () if minutes < 48 * 60 => format!("{} h {:02} min", minutes / 60, minutes % 60),
        () => format!("{} d", number(&days.to_string())),
    };
    format!("{sign}{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: Context = Context { zone: Some(chrono_tz::America::Sao_Paulo), moment: None, wide: false };

    #[test]
    fn a_duration_has_its_largest_units() {
        for (millis, text) in [
            (0, "0 s"),
            (449, "0.4 s"),
            (9_949, "9.9 s"),
            (9_951, "10 s"),
            (59_500, "1 min"),
            (1_322_000, "22 min 2 s"),
            (3_599_500, "1 h 00 min"),
            (3_900_000, "1 h 05 min"),
            (172_740_000, "47 h 59 min"),
            (172_800_000, "2 d"),
            (7_430_400_000, "86 d"),
            (-1_500, "−1.5 s"),
        ] {
            assert_eq!(duration(Seconds::from_units(millis)), text, "{millis}");
        }
    }

    #[test]
    fn an_amount_has_separators_and_a_change_its_sign() {
        let shown = |nanos, signed| {
            let cell = Cell::Usd(Some(Usd::from_units(nanos)));
            text_of(&cell, Form::Money { decimals: 2, signed }, CONTEXT)
        };
        assert_eq!(shown(1_277_561_234_567, false), "1,277.56");
        assert_eq!([shown(820_000_000, true), shown(-820_000_000, true)], ["+0.82", "−0.82"]);
        assert_eq!([shown(1_000_000, true), shown(-1_000_000, false)], ["0.00", "0.00"]);
        assert_eq!(text_of(&Cell::Usd(None), Form::Plain, CONTEXT), UNKNOWN);
    }

    #[test]
    fn small_amounts_have_four_decimals() {
        let amounts = |nanos: &[i128]| -> Vec<Cell> {
            nanos.iter().map(|nanos| Cell::Usd(Some(Usd::from_units(*nanos)))).collect()
        };
        let decimals = |cells: &[Cell]| decimals_of("total_cost_usd", cells.iter());
        assert_eq!(decimals(&amounts(&[0, 0, 20_000_000, 99_999_999, 500_000_000])), 4);
        assert_eq!(decimals(&amounts(&[0, 0, 0, 100_000_000, 500_000_000])), 2);
        assert_eq!(decimals(&[]), 2);
        assert_eq!(decimals_of("cost_per_run_usd", [].iter()), 4);
    }

    #[test]
    fn an_instant_is_in_the_zone_and_has_another_year() {
        let moment = Instant::parse("2026-11-27T12:00:00Z");
        let context = |wide| Context { moment, wide, ..CONTEXT };
        let shown = |text: &str, wide| text_of(&Cell::text(text), Form::Instant, context(wide));
        assert_eq!(shown("2026-11-27T11:02:00.000000Z", false), "27 Nov 08:02");
        assert_eq!(shown("2026-01-01T01:00:00.000000Z", false), "31 Dec 2025 22:00");
        assert_eq!(shown("2026-11-27T11:02:00.000000Z", true), "2026-11-27T11:02:00Z");
        assert_eq!(shown("soon", false), "soon");
    }
}
