//! A span of time as people read it.

use chrono::TimeDelta;

/// A span in its two largest units: `2 d 3 h`, `3 h 5 min` or `45 s`.
pub(crate) fn format_span(span: TimeDelta) -> String {
    let (days, hours, minutes) = (span.num_days(), span.num_hours() % 24, span.num_minutes() % 60);
    match (span.num_days(), span.num_hours(), span.num_minutes()) {
        (1.., _, _) => format!("{days} d {hours} h"),
        (_, 1.., _) => format!("{hours} h {minutes} min"),
        (_, _, 1..) => format!("{minutes} min"),
        _ => format!("{} s", span.num_seconds()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_shows_its_two_largest_units() {
        let span = |seconds| format_span(TimeDelta::seconds(seconds));
        assert_eq!(
            [span(0), span(59), span(60), span(3_660), span(93_600)],
            ["0 s", "59 s", "1 min", "1 h 1 min", "1 d 2 h"]
        );
    }
}
