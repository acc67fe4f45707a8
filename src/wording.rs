//! Words that depend on a number.

/// `1 run`, `2 runs`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// A duration for people: `24 s`, `22 min 2 s`, `1 h 05 min`, and from 48 hours on `86 d`. A negative one keeps its
/// sign.
pub(crate) fn duration(seconds: i64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let sign = if seconds < 0 { "−" } else { "" };
    let length = seconds.unsigned_abs();
    let text = match length {
        0..MINUTE => format!("{length} s"),
        MINUTE..HOUR => format!("{} min {} s", length / MINUTE, length % MINUTE),
        HOUR..172_800 => format!("{} h {:02} min", length / HOUR, length % HOUR / MINUTE),
        _ => format!("{} d", length / DAY),
    };
    format!("{sign}{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_at_most_two_units() {
        let shown = [0, 24, 60, 1322, 3600, 3900, 172_799, 172_800, 86 * 86_400].map(duration);
        let expected = [
            "0 s",
            "24 s",
            "1 min 0 s",
            "22 min 2 s",
            "1 h 00 min",
            "1 h 05 min",
            "47 h 59 min",
            "2 d",
            "86 d",
        ];
        assert_eq!(shown, expected);
        assert_eq!(duration(-90), "−1 min 30 s");
    }
}
