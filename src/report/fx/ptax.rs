//! The Banco Central's file of exchange rates, as downloaded from its PTAX pages, and its import into a file of rates.
//!
//! A line is `30102026;220;A;USD;5,4315;5,4321;1,0000;1,0000`: the day, the code of the currency, its type, its symbol,
//! the buying and the selling rate in reais, and two parities. There is no header. The file with the closing rates of
//! one day writes it as `30/10/2026`, and has a line for each currency.

use super::rates::{invalid, lines, parse_rate, require_past, text_of};
use super::{Currency, Rate, RateFile};
use crate::error::{Error, Result};
use chrono::NaiveDate;
use std::collections::BTreeMap;
use std::path::Path;

/// The source of imported rates: "venda" is the selling rate.
const SOURCE: &str = "PTAX venda";

const FORM: &str = "a line looks like 30102026;220;A;USD;5,4315;5,4321;1,0000;1,0000; download the file again, for the \
                    currency \"Dólar dos EUA\"";

/// What an import has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Imported {
    /// The days whose rates are new.
    pub(crate) added: Vec<NaiveDate>,
    /// The rates in place of others.
    pub(crate) replaced: u64,
    /// The rates that the file had already.
    pub(crate) unchanged: u64,
    /// The lines about other currencies.
    pub(crate) other_currencies: u64,
}

/// What to do with a day for which both files have a rate, and not the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnConflict {
    /// Keep both files as they are, and report it.
    Refuse,
    /// Take the imported rate.
    Replace,
}

/// Adds the selling rates of one US dollar in the Banco Central's file at `path` to `rates`, which is at `rates_path`.
///
/// # Errors
/// [`Error::Usage`] with the line, when the file is malformed or has no rate of the dollar, when a rate is not positive
/// or dated after `today`, when a day has two rates, or when `rates` has another one.
pub(crate) fn import(
    path: &Path,
    today: NaiveDate,
    rates: &mut RateFile,
    rates_path: &Path,
    on_conflict: OnConflict,
) -> Result<Imported> {
    let bytes = std::fs::read(path).map_err(|cause| Error::Usage {
        what: format!("cannot read {}: {cause}", path.display()),
        hint: Some(
            "give the CSV that the Banco Central's page of quotations saves; see docs/finance.md".to_owned(),
        ),
    })?;
    let (quoted, other_currencies) = quoted(&text_of(bytes, path)?, path, today)?;
    let mut imported = Imported { other_currencies, ..Imported::default() };
    let real = Currency::brl();
    for (date, (line, rate)) in quoted {
        match rates.rate_of(date, &real) {
            Some(known) if known.per_usd == rate.per_usd => {
                imported.unchanged += 1;
                continue;
            }
            Some(known) if on_conflict == OnConflict::Refuse => {
                let what = format!(
                    "the rate of {date} is {}, and {} has {} ({})",
                    rate.per_usd,
                    rates_path.display(),
                    known.per_usd,
                    known.source
                );
                return Err(invalid(path, line, what, "replace that rate with --replace"));
            }
            Some(_) => imported.replaced += 1,
            None => imported.added.push(date),
        }
        rates.insert(date, real.clone(), rate);
    }
    Ok(imported)
}

/// Rates by day, each with its line.
type RatesByDay = BTreeMap<NaiveDate, (usize, Rate)>;

/// The selling rates, and the number of lines about other currencies.
fn quoted(text: &str, path: &Path, today: NaiveDate) -> Result<(RatesByDay, u64)> {
    let mut rates = BTreeMap::new();
    let mut other_currencies = 0;
    for (number, line) in lines(text) {
        let invalid = |what: String| invalid(path, number, what, FORM);
        if line.trim_start().starts_with('<') {
            return Err(invalid("it is a web page".to_owned()));
        }
        let fields: Vec<&str> = line.trim_end().split(';').collect();
        let [date, _, _, symbol, _, selling, _, _] = fields[..] else {
            return Err(invalid(format!("there are {} fields and not 8", fields.len())));
        };
        let date = parse_date(date).map_err(invalid)?;
        if symbol != "USD" {
            other_currencies += 1;
            continue;
        }
        let per_usd = parse_rate(selling, ',').map_err(invalid)?;
        require_past(date, today).map_err(invalid)?;
        let rate = Rate { per_usd, source: SOURCE.to_owned() };
        if rates.insert(date, (number, rate)).is_some() {
            return Err(invalid(format!("a second rate of {date}")));
        }
    }
    match rates.is_empty() {
        false => Ok((rates, other_currencies)),
        true => Err(Error::Usage {
            what: format!("{} has no rate of the US dollar", path.display()),
            hint: Some(FORM.to_owned()),
        }),
    }
}

/// Reads a day of the form `30102026` or `30/10/2026`.
fn parse_date(text: &str) -> Result<NaiveDate, String> {
    let digits = match text.as_bytes() {
        [_, _, b'/', _, _, b'/', _, _, _, _] => text.replace('/', ""),
        _ => text.to_owned(),
    };
    let is_date = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let date = is_date.then(|| NaiveDate::parse_from_str(&digits, "%d%m%Y").ok()).flatten();
    date.ok_or_else(|| format!("the date {text:?} is not of the form DDMMYYYY"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// The file for the dollar in a range of days.
    const DOLLAR: &str = "29102026;220;A;USD;5,3994;5,4000;1,0000;1,0000\n\
                          30102026;220;A;USD;5,4315;5,4321;1,0000;1,0000\n";

    /// The closing rates of one day.
    const CLOSING: &str = "30/10/2026;540;B;GBP;7,25190000;7,25320000;1,33310000;1,33320000\r\n\
                           30/10/2026;220;A;USD;5,43150000;5,43210000;1,00000000;1,00000000\r\n";

    fn imported_into(rates: &mut RateFile, text: &str, on_conflict: OnConflict) -> Result<Imported> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("PTAX.csv");
        fs::write(&path, text).unwrap();
        import(&path, "2026-11-27".parse().unwrap(), rates, Path::new("rates.csv"), on_conflict)
    }

    #[test]
    fn the_selling_rates_of_the_dollar_are_imported_once() {
        let mut rates = RateFile::default();
        let imported = imported_into(&mut rates, DOLLAR, OnConflict::Refuse).unwrap();
        let days = ["2026-10-29", "2026-10-30"].map(|day| day.parse().unwrap());
        assert_eq!(imported, Imported { added: days.to_vec(), ..Imported::default() });
        let text = "date,currency,rate,source\n2026-10-29,BRL,5.4000,PTAX venda\n\
                    2026-10-30,BRL,5.4321,PTAX venda\n";
        assert_eq!(rates.text(), text);
        let imported = imported_into(&mut rates, CLOSING, OnConflict::Refuse).unwrap();
        assert_eq!(imported, Imported { unchanged: 1, other_currencies: 1, ..Imported::default() });
        assert_eq!(rates.text(), text);
    }

    #[test]
    fn another_rate_of_the_same_day_is_replaced_only_on_request() {
        let mut rates = RateFile::default();
        imported_into(&mut rates, DOLLAR, OnConflict::Refuse).unwrap();
        let other = DOLLAR.replace("5,4321", "5,5");
        let error = imported_into(&mut rates, &other, OnConflict::Refuse).unwrap_err().to_string();
        assert!(
            error.ends_with(
                "PTAX.csv, line 2: the rate of 2026-10-30 is 5.500000000, and rates.csv has 5.432100000 (PTAX venda)"
            ),
            "{error}"
        );
        let imported = imported_into(&mut rates, &other, OnConflict::Replace).unwrap();
        assert_eq!((imported.replaced, imported.unchanged), (1, 1));
        assert!(rates.text().contains("2026-10-30,BRL,5.5000,PTAX venda"), "{}", rates.text());
    }

    #[test]
    fn an_invalid_line_is_refused_with_file_and_line() {
        for (from, to, why) in [
            ("30102026", "1102026", "line 2: the date \"1102026\" is not of the form DDMMYYYY"),
            ("30102026", "31022026", "line 2: the date \"31022026\" is not"),
            ("30102026", "29102026", "line 2: a second rate of 2026-10-29"),
            ("30102026", "28112026", "line 2: the date 2026-11-28 is in the future: today is 2026-11-27"),
            ("5,4321", "5.4321", "line 2: the rate \"5.4321\" is not a number with the decimal mark `,`"),
            ("5,4321", "-5,4321", "line 2: the rate -5,4321 is negative"),
            ("5,4321", "0,0", "line 2: the rate is zero"),
            (";1,0000\n30", "\n30", "line 1: there are 7 fields and not 8"),
            ("29102026;220", "<!DOCTYPE html>", "line 1: it is a web page"),
            ("USD", "EUR", "has no rate of the US dollar"),
        ] {
            assert!(DOLLAR.contains(from), "{from}");
            let mut rates = RateFile::default();
            let error = imported_into(&mut rates, &DOLLAR.replace(from, to), OnConflict::Refuse).unwrap_err();
            assert!(error.exit_code() == 2 && error.to_string().contains(why), "{error}");
            assert_eq!(rates, RateFile::default());
        }
        assert!(imported_into(&mut RateFile::default(), "", OnConflict::Refuse).is_err());
    }
}
