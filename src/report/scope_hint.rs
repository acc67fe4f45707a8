//! Hints for days, periods and time zones that are spelled in another way.

use super::period::{Calendar, Period};
use crate::suggest::did_you_mean;
use chrono::{Datelike, NaiveDate};
use chrono_tz::{TZ_VARIANTS, Tz};

/// The hint for a text that is not a day.
pub(super) fn for_day(text: &str) -> String {
    if let Some(first) = Period::named(text, Tz::UTC).and_then(|period| period.start) {
        let whole = if Calendar::of_label(text) == Calendar::Week { "week" } else { "month" };
        let first_day = Period::around(first, Calendar::Day, Tz::UTC).label;
        return format!("`--period {text}` is the whole {whole}, and its first day is {first_day}");
    }
    if ["today", "yesterday", "hoje", "ontem"].contains(&text.to_lowercase().as_str()) {
        return "a day looks like 2026-01-31; `--last 1d` is today, and `--last 2d` since yesterday"
            .to_owned();
    }
    match days(text).as_slice() {
        [] => "a day looks like 2026-01-31".to_owned(),
        [day] => format!("did you mean {day}?"),
        days => {
            let readings: Vec<String> =
                days.iter().map(|day| format!("{day} for {}", in_words(*day))).collect();
            format!("write {}", readings.join(", or "))
        }
    }
}

/// The hint for a text that is neither an instant nor a day.
pub(super) fn for_moment(text: &str) -> String {
    let is_day = !text.contains(['T', ' ']) && days(text).iter().any(|day| day.to_string() != text);
    match is_day {
        true => for_day(text),
        false => "an instant looks like 2026-02-01T12:00:00Z, a day like 2026-01-31".to_owned(),
    }
}

/// The hint for a text that is not a month.
pub(super) fn for_month(text: &str) -> String {
    month(text)
        .map_or_else(|| "a month looks like 2026-01".to_owned(), |month| format!("did you mean {month}?"))
}

/// The month that a text spells in another way. `None`: none.
fn month(text: &str) -> Option<String> {
    match numbers(text)?.as_slice() {
        [year, month] if year.len() == 4 => label_of_month(year, month),
        [month, year] if year.len() == 4 => label_of_month(year, month),
        _ => None,
    }
}

/// The hint for a text that is not a period.
pub(super) fn for_period(text: &str) -> String {
    if let Some(month) = month(text) {
        return format!("did you mean {month}?");
    }
    match days(text).as_slice() {
        [] => "a period looks like 2026-01, 2026-W05 or 2026-01-31".to_owned(),
        _ => for_day(text),
    }
}

/// The hint for a text that is not the name of a time zone.
pub(super) fn for_zone(text: &str) -> String {
    if let Some(hint) = for_offset(text) {
        return hint;
    }
    let zones = || TZ_VARIANTS.iter().map(|zone| zone.name());
    // A place under another continent or country.
    let place = |name: &str| name.rsplit('/').next().unwrap_or(name).to_lowercase().replace(['_', ' '], "-");
    let mut same_place = zones().filter(|zone| place(zone) == place(text));
    if let (Some(zone), None) = (same_place.next(), same_place.next()) {
        return format!("did you mean `{zone}`?");
    }
    did_you_mean(text, zones())
        .unwrap_or_else(|| "give an IANA name such as UTC or America/Sao_Paulo".to_owned())
}

/// The hint for a difference to UTC such as `-03:00`, `UTC-3` or `+0530`. `None`: it is something else.
fn for_offset(text: &str) -> Option<String> {
    let offset = text.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
    let prefix = &text[..text.len() - offset.len()];
    let (sign, digits) = offset.split_at_checked(1)?;
    let is_offset = matches!(sign, "+" | "-")
        && matches!(prefix.to_ascii_uppercase().as_str(), "" | "UTC" | "GMT")
        && digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    if !is_offset {
        return None;
    }
    let hint = "an offset is not a time zone, because clocks change: give a name such as America/Sao_Paulo";
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None => digits.split_at_checked(2).unwrap_or((digits, "")),
    };
    let hours: u32 = hours.parse().ok()?;
    // The names of these zones have the sign of POSIX: hours behind UTC are positive.
    let fixed = format!("Etc/GMT{}{hours}", if sign == "-" { "+" } else { "-" });
    let is_whole = minutes.bytes().all(|digit| digit == b'0');
    Some(match fixed.parse::<Tz>() {
        Ok(zone) if is_whole && hours > 0 => format!("{hint}; {} always has this offset", zone.name()),
        _ => hint.to_owned(),
    })
}

/// The days that a text can mean in another spelling, such as `01/10/2026`: the day before the month first.
fn days(text: &str) -> Vec<NaiveDate> {
    let day = |year: &str, month: &str, day: &str| {
        NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
    };
    // An instant has a time after its day.
    let text = text.split(['T', ' ']).next().unwrap_or(text);
    let found = match numbers(text).unwrap_or_default().as_slice() {
        [whole] if whole.len() == 8 => [day(&whole[..4], &whole[4..6], &whole[6..]), None],
        [year, month, of_month] if year.len() == 4 => [day(year, month, of_month), None],
        [first, second, year] if year.len() == 4 => [day(year, second, first), day(year, first, second)],
        _ => [None, None],
    };
    let mut days: Vec<NaiveDate> = found.into_iter().flatten().collect();
    days.dedup();
    days
}

/// The numbers of a text with slashes, dots or hyphens between them. `None`: it has other characters.
fn numbers(text: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = text.split(['/', '.', '-']).collect();
    let is_number =
        |part: &&str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.iter().all(is_number).then_some(parts)
}

fn label_of_month(year: &str, month: &str) -> Option<String> {
    let first = NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1)?;
    Some(first.format("%Y-%m").to_string())
}

/// A day with the name of its month: `1 October`.
fn in_words(day: NaiveDate) -> String {
    format!("{} {}", day.day(), day.format("%B"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_in_another_spelling_is_recognized() {
        for (text, hint) in [
            ("2026-10", "`--period 2026-10` is the whole month, and its first day is 2026-10-01"),
            ("2026-W05", "`--period 2026-W05` is the whole week, and its first day is 2026-01-26"),
            ("01/10/2026", "write 2026-10-01 for 1 October, or 2026-01-10 for 10 January"),
            ("31/10/2026", "did you mean 2026-10-31?"),
            ("10/31/2026", "did you mean 2026-10-31?"),
            ("5.5.2026", "did you mean 2026-05-05?"),
            ("2026/10/1", "did you mean 2026-10-01?"),
            ("20261001", "did you mean 2026-10-01?"),
            ("2026-10-01T00:00:00Z", "did you mean 2026-10-01?"),
            (
                "yesterday",
                "a day looks like 2026-01-31; `--last 1d` is today, and `--last 2d` since yesterday",
            ),
            ("2026-02-30", "a day looks like 2026-01-31"),
            ("", "a day looks like 2026-01-31"),
            ("ontem à noite", "a day looks like 2026-01-31"),
        ] {
            assert_eq!(for_day(text), hint, "{text}");
        }
    }

    #[test]
    fn a_moment_in_another_spelling_is_recognized() {
        let form = "an instant looks like 2026-02-01T12:00:00Z, a day like 2026-01-31";
        for (text, hint) in [
            ("01/10/2026", "write 2026-10-01 for 1 October, or 2026-01-10 for 10 January"),
            ("20261001", "did you mean 2026-10-01?"),
            ("2026-10-01T12:00", form),
            ("9999-12-31", form),
            ("2026-10", form),
            ("yesterday", form),
        ] {
            assert_eq!(for_moment(text), hint, "{text}");
        }
    }

    #[test]
    fn a_period_in_another_spelling_is_recognized() {
        for (text, hint) in [
            ("10/2026", "did you mean 2026-10?"),
            ("2026-1", "did you mean 2026-01?"),
            ("2026.12", "did you mean 2026-12?"),
            ("31/10/2026", "did you mean 2026-10-31?"),
            ("13/2026", "a period looks like 2026-01, 2026-W05 or 2026-01-31"),
            ("october", "a period looks like 2026-01, 2026-W05 or 2026-01-31"),
        ] {
            assert_eq!(for_period(text), hint, "{text}");
        }
    }

    #[test]
    fn a_time_zone_in_another_spelling_is_recognized() {
        let offset =
            "an offset is not a time zone, because clocks change: give a name such as America/Sao_Paulo";
        for (text, hint) in [
            ("Brazil/Sao_Paulo", "did you mean `America/Sao_Paulo`?"),
            ("sao paulo", "did you mean `America/Sao_Paulo`?"),
            ("America/Sao_Paolo", "did you mean `America/Sao_Paulo`?"),
            ("-03:00", &format!("{offset}; Etc/GMT+3 always has this offset")),
            ("UTC+2", &format!("{offset}; Etc/GMT-2 always has this offset")),
            ("+0530", offset),
            ("GMT-99", offset),
            ("BRT", "give an IANA name such as UTC or America/Sao_Paulo"),
            ("é", "give an IANA name such as UTC or America/Sao_Paulo"),
        ] {
            assert_eq!(for_zone(text), hint, "{text}");
        }
    }

    #[test]
    fn a_month_has_one_spelling() {
        for (text, hint) in [
            ("10/2026", "did you mean 2026-10?"),
            ("2026-1", "did you mean 2026-01?"),
            ("2026", "a month looks like 2026-01"),
            ("October", "a month looks like 2026-01"),
        ] {
            assert_eq!(for_month(text), hint, "{text}");
        }
    }
}
