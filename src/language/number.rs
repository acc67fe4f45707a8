//! Numbers for people: `1,234.56` in English, `1.234,56` in Portuguese.

use super::Language;

impl Language {
    /// The decimal mark.
    pub fn decimal_mark(self) -> char {
        match self {
            Language::English => '.',
            Language::Portuguese => ',',
        }
    }

    /// The mark between groups of three digits.
    pub fn thousands_separator(self) -> char {
        match self {
            Language::English => ',',
            Language::Portuguese => '.',
        }
    }

    /// A number such as `-1234.5`, with separated thousands and the decimal mark of the language. Digits, sign and
    /// number of decimals are unchanged; so is a text that is not such a number.
    pub fn number(self, exact: &str) -> String {
        let (sign, digits) = match exact.strip_prefix(['-', '+']) {
            Some(digits) => (&exact[..1], digits),
            None => ("", exact),
        };
        let (whole, decimals) = match digits.split_once('.') {
            Some((whole, decimals)) => (whole, Some(decimals)),
            None => (digits, None),
        };
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !decimals.is_none_or(is_number) {
            return exact.to_owned();
        }
        let mut number = sign.to_owned();
        for (place, digit) in whole.char_indices() {
            if place > 0 && (whole.len() - place) % 3 == 0 {
                number.push(self.thousands_separator());
            }
            number.push(digit);
        }
        if let Some(decimals) = decimals {
            number.push(self.decimal_mark());
            number.push_str(decimals);
        }
        number
    }

    /// The number that a person wrote, with a decimal point and without separators of thousands: `1234.56` for
    /// `1.234,56` in Portuguese and for `1,234.56` in English. A number without separators and with the other
    /// language's mark is ambiguous only if three digits follow it: `1.234` is 1234 in Portuguese. `None`: the text is
    /// not a number in this language, or its thousands are not groups of three digits.
    pub fn parse_number(self, text: &str) -> Option<String> {
        let (whole, decimals) = match text.split_once(self.decimal_mark()) {
            Some((whole, decimals)) => (whole, Some(decimals)),
            None => (text, None),
        };
        let (sign, digits) = match whole.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", whole),
        };
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let mut groups = digits.split(self.thousands_separator());
        let first = groups.next().filter(|first| is_digits(first))?;
        let mut number = format!("{sign}{first}");
        for group in groups {
            if first.len() > 3 || group.len() != 3 || !is_digits(group) {
                return None;
            }
            number.push_str(group);
        }
        match decimals {
            Some(decimals) if !is_digits(decimals) => None,
            Some(decimals) => Some(format!("{number}.{decimals}")),
            None => Some(number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn thousands_are_separated_and_decimals_marked() {
        for (exact, english, portuguese) in [
            ("1234.56", "1,234.56", "1.234,56"),
            ("-1234567.000000001", "-1,234,567.000000001", "-1.234.567,000000001"),
            ("+12.30", "+12.30", "+12,30"),
            ("999", "999", "999"),
            ("0.5", "0.5", "0,5"),
            ("2026-10", "2026-10", "2026-10"),
            ("–", "–", "–"),
            ("", "", ""),
            ("1.", "1.", "1."),
        ] {
            assert_eq!(Language::English.number(exact), english);
            assert_eq!(Language::Portuguese.number(exact), portuguese);
        }
    }

    #[test]
    fn a_number_that_a_person_wrote_is_read() {
        for (text, english, portuguese) in [
            ("1.234,56", None, Some("1234.56")),
            ("1,234.56", Some("1234.56"), None),
            ("1234,56", None, Some("1234.56")),
            ("1234.56", Some("1234.56"), None),
            ("412.10", Some("412.10"), None),
            ("1.234", Some("1.234"), Some("1234")),
            ("-1.234.567", None, Some("-1234567")),
            ("12345.678", Some("12345.678"), None),
            ("412", Some("412"), Some("412")),
            ("R$ 412", None, None),
            ("1.23.456", None, None),
            ("4e2", None, None),
            ("1,", None, None),
            ("", None, None),
        ] {
            assert_eq!(Language::English.parse_number(text).as_deref(), english, "{text}");
            assert_eq!(Language::Portuguese.parse_number(text).as_deref(), portuguese, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_written_number_is_read_as_the_same(exact in "-?(0|[1-9][0-9]{0,12})(\\.[0-9]{1,9})?") {
            for language in [Language::English, Language::Portuguese] {
                prop_assert_eq!(language.parse_number(&language.number(&exact)), Some(exact.clone()));
            }
        }
    }
}
