//! Numbers on the page: rounded for people, with the exact value in the markup for programs.

use crate::export::terminal::UNKNOWN;
use crate::language::Language;
use crate::run::{Seconds, Share, Usd};
use askama::Template;

/// The decimals of an amount in a small space.
pub(super) const FEW_DECIMALS: u32 = 2;

/// A number with its exact value; a dash if it is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(
    source = "{% match exact %}{% when Some with (exact) %}<data{% if self.is_rounded() %} title=\"{{ exact }}\"{% endif %} value=\"{{ exact }}\">{{ text }}</data>\
              {% when None %}<span class=\"unknown\" title=\"{{ unknown }}\">{{ text }}</span>{% endmatch %}",
    ext = "html"
)]
pub(super) struct Number {
    /// The text for people.
    pub text: String,
    /// The exact value. `None`: unknown.
    pub exact: Option<String>,
    /// What a dash means.
    pub unknown: &'static str,
}

impl Number {
    /// Whether the text lacks digits of the exact value.
    fn is_rounded(&self) -> bool {
        let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
        self.exact.as_deref().is_some_and(|exact| digits(exact.trim_end_matches('0')) > digits(&self.text))
    }

    /// A cell without a number.
    pub(super) fn blank() -> Number {
        Number { text: String::new(), exact: Some(String::new()), unknown: "" }
    }
}

/// The numbers of a page, in its language.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers(pub Language);

impl Numbers {
    /// A number for people, and exact. `None`: unknown.
    pub(super) fn of(self, known: Option<(String, String)>) -> Number {
        let unknown = self.0.page("not known");
        match known {
            Some((text, exact)) => Number { text, exact: Some(exact), unknown },
            None => Number { text: UNKNOWN.to_owned(), exact: None, unknown },
        }
    }

    /// An amount in US dollars with `decimals` decimals, without the currency.
    pub(super) fn usd(self, usd: Option<Usd>, decimals: u32) -> Number {
        self.of(usd.map(|usd| (self.decimal(&usd.to_fixed(decimals)), usd.to_string())))
    }

    /// A change of an amount, with its sign. One that rounds to nothing has none.
    pub(super) fn usd_change(self, usd: Option<Usd>, decimals: u32) -> Number {
        let number = self.usd(usd, decimals);
        let rises =
            usd.is_some_and(|usd| usd.units() > 0) && number.text.contains(|c| matches!(c, '1'..='9'));
        Number { text: if rises { format!("+{}", number.text) } else { number.text }, ..number }
    }

    /// An amount in US dollars with two decimals. One that is not zero is not shown as zero.
    pub(super) fn money(self, usd: Option<Usd>) -> Number {
        let number = self.usd(usd, FEW_DECIMALS);
        let is_hidden = usd.is_some_and(|usd| usd.units() != 0)
            && !number.text.contains(|character| matches!(character, '1'..='9'));
        let cent = self.decimal("0.01");
        match (is_hidden, usd.is_some_and(|usd| usd.units() > 0)) {
            (false, _) => number,
            (true, true) => Number { text: format!("<{cent}"), ..number },
            (true, false) => Number { text: format!(">\u{2212}{cent}"), ..number },
        }
    }

    /// An amount in US dollars in few characters: whole from 10 on, else with one decimal. One that is not zero is not
    /// shown as zero.
    pub(super) fn short_usd(self, usd: Option<Usd>) -> String {
        let nanos = usd.map_or(0, |usd| usd.units().abs());
        let text = self.usd(usd, if nanos < 10_000_000_000 { 1 } else { 0 }).text;
        match nanos != 0 && !text.contains(|character| matches!(character, '1'..='9')) {
            true => format!("<{}", self.decimal("0.1")),
            false => text,
        }
    }

    /// An amount in US dollars with all its digits, at least two decimals.
    pub(super) fn usd_exact(self, usd: Option<Usd>) -> Number {
        self.of(usd.map(|usd| {
            let exact = usd.to_string();
            let short = exact.trim_end_matches('0');
            let decimals = short.len() - short.find('.').map_or(short.len(), |point| point + 1);
            (self.decimal(&exact[..short.len() + 2_usize.saturating_sub(decimals)]), exact.clone())
        }))
    }

    /// A count.
    pub(super) fn count(self, count: u64) -> Number {
        self.of(Some((self.whole(count), count.to_string())))
    }

    /// A duration.
    pub(super) fn seconds(self, seconds: Option<Seconds>) -> Number {
        self.of(seconds.map(|seconds| (self.duration(seconds.units()), seconds.to_string())))
    }

    /// A share of a whole, in percent.
    pub(super) fn share(self, share: Option<Share>) -> Number {
        self.of(share.map(|share| (self.percent(share), share.to_string())))
    }

    /// A count as text.
    pub(super) fn whole(self, count: u64) -> String {
        self.decimal(&count.to_string())
    }

    /// A decimal as text, with thousands separators.
    pub(super) fn decimal(self, number: &str) -> String {
        self.0.number(number).replacen('-', "\u{2212}", 1)
    }

    /// Milliseconds in the two largest units: `4 min 10 s`.
    pub(super) fn duration(self, millis: i128) -> String {
        let (sign, millis) = if millis < 0 { ("\u{2212}", -millis) } else { ("", millis) };
        // Tenths of a second up to ten seconds, then whole seconds. A value that rounds up to the next
        // unit is shown in that unit.
        let tenths = (millis + 50) / 100;
        let seconds = (millis + 500) / 1000;
        let two_units = |large: i128, large_unit: &str, small: i128, small_unit: &str| match small {
            0 => format!("{sign}{large}\u{a0}{large_unit}"),
            small => format!("{sign}{large}\u{a0}{large_unit} {small}\u{a0}{small_unit}"),
        };
        if tenths < 100 {
            return match tenths % 10 {
                0 => format!("{sign}{}\u{a0}s", tenths / 10),
                tenth => format!("{sign}{}{}{tenth}\u{a0}s", tenths / 10, self.0.decimal_mark()),
            };
        }
        let (minutes, hours) = ((seconds + 30) / 60, (seconds + 1800) / 3600);
        match seconds {
            0..60 => format!("{sign}{seconds}\u{a0}s"),
            60..3600 => two_units(seconds / 60, "min", seconds % 60, "s"),
            3600..86_400 if minutes < 1440 => two_units(minutes / 60, "h", minutes % 60, "min"),
            _ => two_units(hours / 24, "d", hours % 24, "h"),
        }
    }

    /// A share in percent.
    pub(super) fn percent(self, share: Share) -> String {
        share.to_percent().replace(' ', "").replace('.', &self.0.decimal_mark().to_string())
    }

    /// The relative change: `+14.3%`. `None`: there is no value to compare with.
    pub(super) fn change(self, now: Option<i128>, before: Option<i128>) -> Option<String> {
        let (now, before) = now.zip(before)?;
        let share = Share::ratio(now - before, before)?;
        let text = self.percent(share);
        Some(match text.strip_prefix('-') {
            Some(less) => format!("\u{2212}{less}"),
            None if share.units() == 0 => text,
            None => format!("+{text}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGLISH: Numbers = Numbers(Language::English);
    const PORTUGUESE: Numbers = Numbers(Language::Portuguese);

    #[test]
    fn a_number_is_rounded_for_people_and_exact_for_programs() {
        let usd = ENGLISH.usd(Some(Usd::from_units(1_234_567_891_234_567)), 4);
        assert_eq!(
            usd.to_string(),
            "<data title=\"1234567.891234567\" value=\"1234567.891234567\">1,234,567.8912</data>"
        );
        assert_eq!(ENGLISH.usd(None, 4).to_string(), "<span class=\"unknown\" title=\"not known\">–</span>");
        let change = |nanos| ENGLISH.usd_change(Some(Usd::from_units(nanos)), 4).text;
        assert_eq!([change(1_500_000_000), change(-1_500_000_000)], ["+1.5000", "\u{2212}1.5000"]);
        assert_eq!([change(0), change(40_000), change(-40_000)], ["0.0000"; 3]);
        assert_eq!(ENGLISH.decimal("-1234.5"), "\u{2212}1,234.5");
        assert_eq!(ENGLISH.decimal("999"), "999");
        let money = |nanos| ENGLISH.money(Some(Usd::from_units(nanos))).text;
        assert_eq!([money(137_591_234_567), money(0), money(4_999_999)], ["137.59", "0.00", "<0.01"]);
        assert_eq!(money(-1), ">\u{2212}0.01");
        let short = |nanos| ENGLISH.short_usd(Some(Usd::from_units(nanos)));
        assert_eq!(
            [short(137_591_234_567), short(9_960_000_000), short(440_000_000), short(1), short(0)],
            ["138", "10.0", "0.4", "<0.1", "0.0"]
        );
        let exact = |nanos| ENGLISH.usd_exact(Some(Usd::from_units(nanos))).text;
        assert_eq!([exact(1_500_000_000), exact(1_234_000_000_001)], ["1.50", "1,234.000000001"]);
        let usd = PORTUGUESE.usd(Some(Usd::from_units(1_234_567_891_234_567)), 4);
        assert_eq!(
            usd.to_string(),
            "<data title=\"1234567.891234567\" value=\"1234567.891234567\">1.234.567,8912</data>"
        );
        assert_eq!(
            PORTUGUESE.usd(None, 4).to_string(),
            "<span class=\"unknown\" title=\"não apurado\">–</span>"
        );
        assert_eq!(PORTUGUESE.duration(449), "0,4\u{a0}s");
        assert_eq!(PORTUGUESE.change(Some(115), Some(100)).as_deref(), Some("+15,0%"));
    }

    #[test]
    fn a_duration_has_two_units() {
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
            assert_eq!(ENGLISH.duration(millis).replace('\u{a0}', " "), text, "{millis}");
        }
    }

    #[test]
    fn a_change_is_relative_to_the_previous_value() {
        let formatted = |now, before| ENGLISH.change(Some(now), Some(before)).unwrap().replace('\u{a0}', " ");
        assert_eq!(
            [formatted(115, 100), formatted(50, 100), formatted(100, 100)],
            ["+15.0%", "−50.0%", "0.0%"]
        );
        assert_eq!(ENGLISH.change(Some(1), Some(0)), None);
        assert_eq!(ENGLISH.change(None, Some(1)), None);
    }
}
