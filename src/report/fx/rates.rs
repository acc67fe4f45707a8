//! Exchange rates by day, and the CSV file that they come from.

use super::{Currency, MAX_RATE};
use crate::error::{Error, Result};
use crate::run::Fixed;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// The header of a file of rates.
const HEADER: &str = "date,currency,rate,source";

/// The most decimals of a rate.
const DECIMALS: usize = 9;

/// A rate: what one US dollar costs in another currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// The price of one US dollar, positive.
    pub per_usd: Fixed<9>,
    /// Where the rate comes from, such as `PTAX venda`.
    pub source: String,
}

/// The rates of one currency by day. In JSON, a list of objects with `date`, `rate` and `source`, by date.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<DatedRate>", into = "Vec<DatedRate>")]
pub struct Rates(pub(super) BTreeMap<NaiveDate, Rate>);

/// A rate of the JSON list.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DatedRate {
    date: String,
    rate: String,
    source: String,
}

impl From<Rates> for Vec<DatedRate> {
    fn from(rates: Rates) -> Vec<DatedRate> {
        let rates = rates.0.into_iter();
        rates
            .map(|(date, Rate { per_usd, source })| DatedRate {
                date: date.to_string(),
                rate: per_usd.to_string(),
                source,
            })
            .collect()
    }
}

impl TryFrom<Vec<DatedRate>> for Rates {
    type Error = String;

    fn try_from(rates: Vec<DatedRate>) -> Result<Rates, String> {
        let rates = rates.into_iter().map(|DatedRate { date, rate, source }| {
            Ok((parse_date(&date)?, Rate { per_usd: parse_rate(&rate, '.')?, source }))
        });
        Ok(Rates(rates.collect::<Result<_, String>>()?))
    }
}

/// The rows of a file of rates, of any currency, by date.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RateFile {
    rows: BTreeMap<(NaiveDate, Currency), Rate>,
}

impl RateFile {
    /// Reads the text of the file at `path`: the header `date,currency,rate,source`, then a row for each rate.
    ///
    /// # Errors
    /// [`Error::Usage`] with the line, when a row is malformed, when its rate is not positive or is dated after
    /// `today`, or when a day has two rates of one currency.
    pub fn parse(text: &str, path: &Path, today: NaiveDate) -> Result<RateFile> {
        let mut file = RateFile::default();
        let mut has_header = false;
        for (number, line) in lines(text) {
            let invalid = |what: String| invalid(path, number, what, FORM);
            if !has_header {
                if line != HEADER {
                    return Err(invalid(format!("the header is not `{HEADER}`")));
                }
                has_header = true;
                continue;
            }
            let fields: Vec<&str> = line.splitn(4, ',').collect();
            let [date, currency, rate, source] = fields[..] else {
                return Err(invalid("the row does not have four fields".to_owned()));
            };
            let date = parse_date(date).map_err(invalid)?;
            let currency = Currency::try_from(currency.to_owned()).map_err(invalid)?;
            let per_usd = parse_rate(rate, '.').map_err(invalid)?;
            let source = parse_source(source).map_err(invalid)?;
            require_past(date, today).map_err(invalid)?;
            if file.rows.insert((date, currency.clone()), Rate { per_usd, source }).is_some() {
                return Err(invalid(format!("a second {currency} rate of {date}")));
            }
        }
        match has_header {
            true => Ok(file),
            false => Err(invalid(path, 1, format!("the header is not `{HEADER}`"), FORM)),
        }
    }

    /// Reads the file at `path`.
    ///
    /// # Errors
    /// As [`RateFile::parse`]; also when the file cannot be read.
    pub fn read(path: &Path, today: NaiveDate) -> Result<RateFile> {
        let bytes = std::fs::read(path).map_err(|cause| Error::Usage {
            what: format!("cannot read the exchange rates in {}: {cause}", path.display()),
            hint: Some(format!(
                "`runledger fx import` writes the Banco Central's rates to it; or write it with the header {HEADER}"
            )),
        })?;
        RateFile::parse(&text_of(bytes, path)?, path, today)
    }

    /// The rates of a currency.
    pub fn rates_of(self, currency: &Currency) -> Rates {
        let rows = self.rows.into_iter().filter(|((_, other), _)| other == currency);
        Rates(rows.map(|((date, _), rate)| (date, rate)).collect())
    }

    /// The rate of a currency on a day. `None`: the file has none.
    pub(super) fn rate_of(&self, date: NaiveDate, currency: &Currency) -> Option<&Rate> {
        self.rows.get(&(date, currency.clone()))
    }

    /// Adds a rate, in place of the one of that day.
    pub(super) fn insert(&mut self, date: NaiveDate, currency: Currency, rate: Rate) {
        self.rows.insert((date, currency), rate);
    }

    /// The text of the file. Rates have at least four decimals, and no more zeros at their end.
    pub fn text(&self) -> String {
        let mut text = format!("{HEADER}\n");
        for ((date, currency), Rate { per_usd, source }) in &self.rows {
            let rate = per_usd.to_string();
            let (whole, decimals) = rate.split_once('.').unwrap_or((&rate, ""));
            let kept = decimals.trim_end_matches('0').len().max(4);
            let source = match source.contains(['"', ',']) {
                true => format!("\"{}\"", source.replace('"', "\"\"")),
                false => source.clone(),
            };
            let _ = writeln!(text, "{date},{currency},{whole}.{},{source}", &decimals[..kept]);
        }
        text
    }
}

const FORM: &str = "a row looks like 2026-10-30,BRL,5.4321,PTAX venda";

/// The error for a line of a file of rates.
pub(super) fn invalid(path: &Path, line: usize, what: String, hint: &str) -> Error {
    Error::Usage {
        what: format!("invalid exchange rates in {}, line {line}: {what}", path.display()),
        hint: Some(hint.to_owned()),
    }
}

/// The text of a file.
///
/// # Errors
/// [`Error::Usage`] when it is not UTF-8.
pub(super) fn text_of(bytes: Vec<u8>, path: &Path) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let end = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..end].iter().filter(|byte| **byte == b'\n').count() + 1;
        invalid(path, line, "the text is not UTF-8".to_owned(), "save the file as CSV in UTF-8")
    })
}

/// The lines that are not blank, with their numbers from 1, without a byte order mark.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty())
}

/// Reads a day of the form `2026-01-31`.
fn parse_date(text: &str) -> Result<NaiveDate, String> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .filter(|date| date.to_string() == text)
        .ok_or_else(|| format!("the date {text:?} is not of the form YYYY-MM-DD"))
}

/// Reads a positive rate below [`MAX_RATE`] with at most nine decimals.
pub(super) fn parse_rate(text: &str, decimal_mark: char) -> Result<Fixed<9>, String> {
    if text.strip_prefix('-').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit())) {
        return Err(format!("the rate {text} is negative"));
    }
    let (whole, decimals) = text.split_once(decimal_mark).unwrap_or((text, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(decimals) || decimals.len() > DECIMALS {
        return Err(format!(
            "the rate {text:?} is not a number with the decimal mark `{decimal_mark}` and at most nine decimals"
        ));
    }
    let units: Option<i128> = format!("{whole}{decimals:0<DECIMALS$}").parse().ok();
    match units {
        Some(0) => Err("the rate is zero".to_owned()),
        Some(units) if units < i128::from(MAX_RATE) * 1_000_000_000 => Ok(Fixed::from_units(units)),
        _ => Err(format!("the rate {text} is not below {MAX_RATE}")),
    }
}

/// Reads a source: a text, in quotes or not.
fn parse_source(text: &str) -> Result<String, String> {
    let quoted = text.strip_prefix('"').map(|rest| rest.strip_suffix('"').ok_or("the quotes are not closed"));
    let source = match quoted.transpose()? {
        Some(quoted) => quoted.replace("\"\"", "\""),
        // Without quotes, the comma could be the decimal mark of the rate before.
        None if text.contains(',') => return Err("the source has a comma, and so needs quotes".to_owned()),
        None => text.to_owned(),
    };
    match source.trim() {
        "" => Err("the source is blank: it says where the rate comes from".to_owned()),
        source if source.chars().any(char::is_control) => Err("the source has control characters".to_owned()),
        source => Ok(source.to_owned()),
    }
}

/// Refuses a rate of a day that has not begun.
pub(super) fn require_past(date: NaiveDate, today: NaiveDate) -> Result<(), String> {
    match date > today {
        true => Err(format!("the date {date} is in the future: today is {today}")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<RateFile> {
        RateFile::parse(text, Path::new("rates.csv"), "2026-11-27".parse().unwrap())
    }

    #[test]
    fn a_file_of_rates_is_read_exactly_and_written_in_one_spelling() {
        let text = "\u{feff}date,currency,rate,source\r\n2026-10-30,BRL,5.4321,\"PTAX, venda\"\r\n\r\n\
                    2026-10-29,BRL,5.40,PTAX venda\r\n2026-10-30,EUR,0.873456789,ECB\r\n";
        let file = parsed(text).unwrap();
        let written = "date,currency,rate,source\n2026-10-29,BRL,5.4000,PTAX venda\n\
                       2026-10-30,BRL,5.4321,\"PTAX, venda\"\n2026-10-30,EUR,0.873456789,ECB\n";
        assert_eq!(file.text(), written);
        assert_eq!(parsed(written).unwrap(), file);
        let rates = file.rates_of(&Currency::try_from("EUR".to_owned()).unwrap());
        let rate = &rates.0[&"2026-10-30".parse().unwrap()];
        assert_eq!((rate.per_usd.to_string().as_str(), rate.source.as_str()), ("0.873456789", "ECB"));
    }

    #[test]
    fn an_invalid_rate_is_refused_with_file_and_line() {
        let row = |row: &str| format!("date,currency,rate,source\n2026-10-29,BRL,5.1,PTAX\n{row}\n");
        for (text, line, why) in [
            (String::new(), 1, "the header is not `date,currency,rate,source`"),
            ("data;moeda;taxa;fonte\n".to_owned(), 1, "the header is not"),
            (row("2026-10-30;BRL;5,1;PTAX"), 3, "the row does not have four fields"),
            (row("2026-10-30,BRL,5.1"), 3, "the row does not have four fields"),
            (row("30/10/2026,BRL,5.1,PTAX"), 3, "the date \"30/10/2026\" is not of the form YYYY-MM-DD"),
            (row("2026-02-30,BRL,5.1,PTAX"), 3, "is not of the form"),
            (row("2026-10-30,brl,5.1,PTAX"), 3, "the currency \"brl\" is not a code of three capital"),
            (row("2026-10-30,USD,5.1,PTAX"), 3, "the currency is USD"),
            (row("2026-10-30,BRL,-5.1,PTAX"), 3, "the rate -5.1 is negative"),
            (row("2026-10-30,BRL,0.000,PTAX"), 3, "the rate is zero"),
            (row("2026-10-30,BRL,5e1,PTAX"), 3, "the rate \"5e1\" is not a number"),
            (row("2026-10-30,BRL,5.0000000001,PTAX"), 3, "is not a number"),
            (row("2026-10-30,BRL,10000000,PTAX"), 3, "the rate 10000000 is not below 10000000"),
            (row("2026-10-30,BRL,,PTAX"), 3, "is not a number"),
            (row("2026-10-30,BRL,5,1,PTAX"), 3, "the source has a comma"),
            (row("2026-10-30,BRL,5.1, "), 3, "the source is blank"),
            (row("2026-10-30,BRL,5.1,\"PTAX"), 3, "the quotes are not closed"),
            (row("2026-10-29,BRL,5.1,PTAX"), 3, "a second BRL rate of 2026-10-29"),
            (row("2026-11-28,BRL,5.1,PTAX"), 3, "2026-11-28 is in the future: today is 2026-11-27"),
        ] {
            let error = parsed(&text).unwrap_err();
            let message = error.to_string();
            assert_eq!(error.exit_code(), 2);
            assert!(
                message.starts_with(&format!("invalid exchange rates in rates.csv, line {line}: "))
                    && message.contains(why),
                "{text}: {message}"
            );
        }
        assert!(parsed(&row("2026-11-27,BRL,5.1,PTAX")).is_ok(), "a rate of today");
    }
}
