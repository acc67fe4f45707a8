//! Spans of time as people write them: `7d`, `26h`, `30m`, `90s`.

use chrono::TimeDelta;

/// Parses a span of time such as `7d`, `26h`, `30m` or `90s`, of at most 100 years.
///
/// # Errors
/// What a span looks like, or that it is too long.
pub(crate) fn parse(text: &str) -> Result<TimeDelta, String> {
    let form = || "a span of time looks like 7d, 26h, 30m or 90s".to_owned();
    let unit = text.chars().last().ok_or_else(form)?;
    let seconds = match unit {
        'd' => 24 * 60 * 60,
        'h' => 60 * 60,
        'm' => 60,
        's' => 1,
        _ => return Err(form()),
    };
    let number: u32 = text[..text.len() - 1].parse().map_err(|_| form())?;
    let span = TimeDelta::seconds(i64::from(number) * seconds);
    if span > TimeDelta::days(36_525) { Err("must be at most 100 years".to_owned()) } else { Ok(span) }
}
