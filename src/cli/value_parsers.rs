//! Parsers of argument values.

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};

/// Accepts any text and offers these names for completion. The command itself rejects an unknown name, so that the
/// error can suggest a similar one.
#[derive(Clone)]
pub(crate) struct Names(pub Vec<&'static str>);

impl TypedValueParser for Names {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(PossibleValue::new)))
    }
}

/// Parses a count of at least 1.
pub(crate) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("not a whole number".to_owned()),
    }
}

/// Parses a rate per second of at least 0.001.
pub(crate) fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate >= 0.001 => Ok(rate),
        Ok(_) => Err("must be at least 0.001".to_owned()),
        Err(_) => Err("not a number".to_owned()),
    }
}

/// Parses the field separator of CSV.
pub(crate) fn separator(text: &str) -> Result<u8, String> {
    match text {
        "," => Ok(b','),
        ";" => Ok(b';'),
        "|" => Ok(b'|'),
        "tab" | "\t" => Ok(b'\t'),
        _ => Err("must be one of , ; | or the word tab".to_owned()),
    }
}

/// Parses the decimal mark of CSV.
pub(crate) fn decimal_mark(text: &str) -> Result<u8, String> {
    match text {
        "." => Ok(b'.'),
        "," => Ok(b','),
        _ => Err("must be . or ,".to_owned()),
    }
}

/// The first flag that was given, of those that a command does not support. `None`: none was given.
pub(crate) fn first_given(flags: &[(&'static str, bool)]) -> Option<&'static str> {
    flags.iter().find(|(_, given)| *given).map(|(flag, _)| *flag)
}
