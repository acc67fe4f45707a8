//! This is a figure on the page: few digits for a person, and the exact ones for whoever reads the page by program.

use crate::export::terminal::UNKNOWN;
use crate::report::table::USD_DECIMALS_FOR_PEOPLE;
use crate::run::{Seconds, Share, Usd};
use askama::Template;

/// What parts the thousands: a narrow space that does not break.
const THOUSANDS: char = '\u{202f}';

/// The decimals of an amount where there is room for few.
pub const FEW_DECIMALS: u32 = 2;

/// How many characters there is room for in large letters.
const LARGE: usize = 10;

/// A figure with its exact value; a dash where it is not known.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(
    source = "{% match exact %}{% when Some with (exact) %}<data value=\"{{ exact }}\">{{ shown }}</data>\
              {% when None %}<span class=\"unknown\" title=\"not known\">{{ shown }}</span>{% endmatch %}",
    ext = "html"
)]
pub struct Figure {
    /// What people see.
    pub shown: String,
    /// The value in full. `None`: it is not known.
    pub exact: Option<String>,
}

impl Figure {
    /// Whether it is too long for large letters.
    pub fn is_long(&self) -> bool {
        self.shown.chars().count() > LARGE
    }

    fn of(known: Option<(String, String)>) -> Figure {
        match known {
            Some((shown, exact)) => Figure { shown, exact: Some(exact) },
            None => Figure { shown: UNKNOWN.to_owned(), exact: None },
        }
    }

    /// An amount of US dollars with so many decimals, without the currency.
    pub fn usd(usd: Option<Usd>, decimals: u32) -> Figure {
        Figure::of(usd.map(|usd| (grouped(&usd.to_fixed(decimals)), usd.to_string())))
    }

    /// An amount of US dollars where there is room for few digits: more decimals of less than a dollar.
    pub fn usd_in_short(usd: Option<Usd>) -> Figure {
        let is_small = usd.is_some_and(|usd| usd.units().abs() < 1_000_000_000);
        Figure::usd(usd, if is_small { USD_DECIMALS_FOR_PEOPLE } else { FEW_DECIMALS })
    }

    /// A count.
    pub fn count(count: u64) -> Figure {
        Figure::of(Some((grouped(&count.to_string()), count.to_string())))
    }

    /// A duration.
    pub fn seconds(seconds: Option<Seconds>) -> Figure {
        Figure::of(seconds.map(|seconds| (lasting(seconds.units()), seconds.to_string())))
    }

    /// A part of a whole.
    pub fn share(share: Option<Share>) -> Figure {
        Figure::of(share.map(|share| (percent(share), share.to_string())))
    }
}

/// A number with its thousands apart.
pub fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("\u{2212}", digits));
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut text = sign.to_owned();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            text.push(THOUSANDS);
        }
        text.push(digit);
    }
    text + fraction
}

/// A number of milliseconds in the two units that tell most: `4 min 10 s`.
pub fn lasting(millis: i128) -> String {
    let (sign, millis) = if millis < 0 { ("\u{2212}", -millis) } else { ("", millis) };
    // Tenths of a second up to ten, then whole ones; what is rounded up to the next unit is told in that.
    let tenths = (millis + 50) / 100;
    let seconds = (millis + 500) / 1000;
    let two = |many: i128, unit: &str, few: i128, rest: &str| match few {
        0 => format!("{sign}{many}\u{a0}{unit}"),
        few => format!("{sign}{many}\u{a0}{unit} {few}\u{a0}{rest}"),
    };
    if tenths < 100 {
        return match tenths % 10 {
            0 => format!("{sign}{}\u{a0}s", tenths / 10),
            tenth => format!("{sign}{}.{tenth}\u{a0}s", tenths / 10),
        };
    }
    let (minutes, hours) = ((seconds + 30) / 60, (seconds + 1800) / 3600);
    match seconds {
        0..60 => format!("{sign}{seconds}\u{a0}s"),
        60..3600 => two(seconds / 60, "min", seconds % 60, "s"),
        3600..86_400 if minutes < 1440 => two(minutes / 60, "h", minutes % 60, "min"),
        _ => two(hours / 24, "d", hours % 24, "h"),
    }
}

/// A part of a whole in percent, on one line.
pub fn percent(share: Share) -> String {
    share.to_percent().replace(' ', "\u{a0}")
}

/// How much more or less, as a part of what was before: `+14.3 %`. `None`: there is nothing to hold it against.
pub fn change(now: Option<i128>, before: Option<i128>) -> Option<String> {
    let (now, before) = now.zip(before)?;
    let share = Share::ratio(now - before, before)?;
    let text = percent(share);
    Some(match text.strip_prefix('-') {
        Some(less) => format!("\u{2212}{less}"),
        None if share.units() == 0 => text,
        None => format!("+{text}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_has_few_digits_for_people_and_all_for_programs() {
        let usd = Figure::usd(Some(Usd::from_units(1_234_567_891_234_567)), 4);
        assert_eq!(usd.to_string(), "<data value=\"1234567.891234567\">1\u{202f}234\u{202f}567.8912</data>");
        assert_eq!(Figure::usd(None, 4).to_string(), "<span class=\"unknown\" title=\"not known\">–</span>");
        assert_eq!(grouped("-1234.5"), "\u{2212}1\u{202f}234.5");
        assert_eq!(grouped("999"), "999");
    }

    #[test]
    fn a_time_is_told_in_two_units() {
        for (millis, text) in [
            (0, "0 s"),
            (449, "0.4 s"),
            (9_949, "9.9 s"),
            (9_951, "10 s"),
            (59_499, "59 s"),
            (59_500, "1 min"),
            (250_000, "4 min 10 s"),
            (3_599_500, "1 h"),
            (7_500_000, "2 h 5 min"),
            (86_370_000, "1 d"),
            (273_600_000, "3 d 4 h"),
            (-1_500, "−1.5 s"),
        ] {
            assert_eq!(lasting(millis).replace('\u{a0}', " "), text, "{millis}");
        }
    }

    #[test]
    fn a_change_is_a_part_of_what_was_before() {
        let told = |now, before| change(Some(now), Some(before)).unwrap().replace('\u{a0}', " ");
        assert_eq!([told(115, 100), told(50, 100), told(100, 100)], ["+15.0 %", "−50.0 %", "0.0 %"]);
        assert_eq!(change(Some(1), Some(0)), None);
        assert_eq!(change(None, Some(1)), None);
    }
}
