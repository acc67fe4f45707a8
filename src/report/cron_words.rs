//! The schedule of a cron expression in words: `every 30 minutes`, `daily at 03:00`.

/// The days of the week from Sunday on, as cron counts them.
const WEEKDAYS: [&str; 7] =
    ["Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays"];

/// The most times or days that are listed.
const MAX_LISTED: usize = 3;

/// The words for an expression of five fields. `None`: it is another one, or it has no short words.
pub(crate) fn in_words(expression: &str) -> Option<String> {
    let fields: Vec<&str> = expression.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields[..] else { return None };
    if month != "*" {
        return None;
    }
    let is_every_day = day == "*" && weekday == "*";
    match (minute, hour) {
        ("*", "*") if is_every_day => return Some("every minute".to_owned()),
        (_, "*") if is_every_day => {
            return match step(minute, 60) {
                Some(1) => Some("every minute".to_owned()),
                Some(minutes) => Some(format!("every {minutes} minutes")),
                None => Some(format!("every hour at :{:02}", number(minute, 59)?)),
            };
        }
        _ => {}
    }
    let minute = number(minute, 59)?;
    let times = match step(hour, 24) {
        Some(1) => format!("every hour at :{minute:02}"),
        Some(hours) => format!("every {hours} hours at :{minute:02}"),
        None => {
            let hours: Option<Vec<u32>> = hour.split(',').map(|hour| number(hour, 23)).collect();
            let times = hours?.into_iter().map(|hour| format!("{hour:02}:{minute:02}"));
            format!("at {}", listed(times.collect())?)
        }
    };
    match (day, weekday) {
        ("*", "*") if times.starts_with("at ") => Some(format!("daily {times}")),
        ("*", "*") => Some(times),
        ("*", weekday) => Some(format!("{} {times}", weekdays(weekday)?)),
        (day, "*") => Some(format!("monthly on day {} {times}", number(day, 31).filter(|day| *day > 0)?)),
        _ => None,
    }
}

/// The step of `*/30`. `None`: the field is another one, or the steps do not divide the whole evenly.
fn step(field: &str, whole: u32) -> Option<u32> {
    let step = number(field.strip_prefix("*/")?, whole)?;
    (step > 0 && whole.is_multiple_of(step)).then_some(step)
}

/// A number up to `most`, in digits.
fn number(field: &str, most: u32) -> Option<u32> {
    let is_number = !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit());
    field.parse().ok().filter(|number| is_number && *number <= most)
}

/// The days of the week of a field: `weekdays`, or `Mondays and Fridays`.
fn weekdays(field: &str) -> Option<String> {
    if field == "1-5" || field.eq_ignore_ascii_case("mon-fri") {
        return Some("weekdays".to_owned());
    }
    let day = |name: &str| {
        let by_name = || WEEKDAYS.iter().position(|day| day[..3].eq_ignore_ascii_case(name));
        number(name, 7).map(|day| day as usize % 7).or_else(by_name)
    };
    let days: Option<Vec<usize>> = field.split(',').map(day).collect();
    listed(days?.into_iter().map(|day| WEEKDAYS[day].to_owned()).collect())
}

/// The words as a list: `03:00, 09:00 and 15:00`. `None`: they are too many.
fn listed(words: Vec<String>) -> Option<String> {
    match words.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        [before @ .., last] if words.len() <= MAX_LISTED => Some(format!("{} and {last}", before.join(", "))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_schedule_has_words() {
        for (expression, words) in [
            ("* * * * *", "every minute"),
            ("*/1 * * * *", "every minute"),
            ("*/30 * * * *", "every 30 minutes"),
            ("5 * * * *", "every hour at :05"),
            ("0 */1 * * *", "every hour at :00"),
            ("15 */6 * * *", "every 6 hours at :15"),
            ("0 3 * * *", "daily at 03:00"),
            ("30 3,15 * * *", "daily at 03:30 and 15:30"),
            ("0 6 * * 1-5", "weekdays at 06:00"),
            ("0 6 * * MON", "Mondays at 06:00"),
            ("0 6 * * 7,3", "Sundays and Wednesdays at 06:00"),
            ("0 */2 * * 1", "Mondays every 2 hours at :00"),
            ("0 4 1 * *", "monthly on day 1 at 04:00"),
        ] {
            assert_eq!(in_words(expression).as_deref(), Some(words), "{expression}");
        }
    }

    #[test]
    fn a_schedule_without_short_words_has_none() {
        for expression in [
            "",
            "rate(5 minutes)",
            "*/7 * * * *",
            "*/0 * * * *",
            "0 */5 * * *",
            "0-30 * * * *",
            "61 * * * *",
            "0 24 * * *",
            "0 3 0 * *",
            "0 3 1 * 1",
            "0 3 1 1 *",
            "0 1,2,3,4 * * *",
            "0 3 * * 1#2",
            "0 0 3 * * *",
            "+5 * * * *",
        ] {
            assert_eq!(in_words(expression), None, "{expression}");
        }
    }
}
