//! This is the guess at which of the known names a mistyped one means.

use strsim::osa_distance;

/// No more letters than these are taken for slips, however long a name is.
const MOST_SLIPS: usize = 3;

/// Fewer letters than these say nothing about a name that begins or ends with them.
const FEWEST_LETTERS: usize = 3;

/// The question that a hint begins with: "did you mean `zone`?". `None`: nothing known is near.
pub fn did_you_mean<'n>(typed: &str, known: impl IntoIterator<Item = &'n str>) -> Option<String> {
    nearest(typed, known).map(|name| format!("did you mean `{name}`?"))
}

/// The known name that is nearest to what was typed: one slip in three letters away at most, else the only one that
/// begins or ends with it (`Tokyo` for `Asia/Tokyo`). Of two as near the first. `None`: none is near.
fn nearest<'n>(typed: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let typed = plain(typed);
    let letters = typed.chars().count();
    let slips = (letters / 3).min(MOST_SLIPS);
    let known: Vec<(&str, String)> = known.into_iter().map(|name| (name, plain(name))).collect();
    // What is much longer or shorter needs no comparing, and can be very long.
    let near = known
        .iter()
        .filter(|(_, plain)| plain.chars().count().abs_diff(letters) <= slips)
        .map(|(name, plain)| (osa_distance(&typed, plain), *name))
        .filter(|(distance, _)| *distance <= slips)
        .min_by_key(|(distance, _)| *distance);
    if let Some((_, name)) = near {
        return Some(name);
    }
    let is_part = |plain: &String| plain.starts_with(&typed) || plain.ends_with(&typed);
    let mut whole = known.iter().filter(|(_, plain)| letters >= FEWEST_LETTERS && is_part(plain));
    match (whole.next(), whole.next()) {
        (Some((name, _)), None) => Some(name),
        _ => None,
    }
}

/// The name without what people write one way or the other.
fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace(['_', ' '], "-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REPORTS: [&str; 5] = ["cost", "duration", "slowest-runs", "costliest-runs", "credits"];

    fn zone(typed: &str) -> Option<&'static str> {
        nearest(typed, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()))
    }

    #[test]
    fn a_slip_is_understood() {
        assert_eq!(nearest("costs", REPORTS), Some("cost"));
        assert_eq!(nearest("csot", REPORTS), Some("cost"), "two letters in each other's place");
        assert_eq!(nearest("DURATOIN", REPORTS), Some("duration"));
        assert_eq!(nearest("slowest_runs", REPORTS), Some("slowest-runs"));
        assert_eq!(nearest("zoen", ["zone", "date"]), Some("zone"));
        assert_eq!(nearest("etl", ["el", "transformation"]), Some("el"));
        assert_eq!(did_you_mean("costs", REPORTS).unwrap(), "did you mean `cost`?");
    }

    #[test]
    fn the_beginning_or_end_of_one_name_means_it_and_that_of_two_means_neither() {
        assert_eq!(nearest("costliest", REPORTS), Some("costliest-runs"));
        assert_eq!(nearest("runs", REPORTS), None);
        assert_eq!(nearest("d", ["duration"]), None, "a letter says nothing");
    }

    #[test]
    fn a_zone_is_found_by_its_city_and_in_spite_of_slips() {
        assert_eq!(zone("America/Sao_Paolo"), Some("America/Sao_Paulo"));
        assert_eq!(zone("america/sao paulo"), Some("America/Sao_Paulo"));
        assert_eq!(zone("Sao_Paulo"), Some("America/Sao_Paulo"));
        assert_eq!(zone("Tokyo"), Some("Asia/Tokyo"));
        assert_eq!(zone("Mars/Olympus_Mons"), None);
        assert_eq!(zone("Brasilia"), None);
    }

    #[test]
    fn nonsense_means_nothing() {
        for nonsense in ["", " ", "x", "qwertyuiop", "🦀", "\0", "0123456789", "c"] {
            assert_eq!(nearest(nonsense, REPORTS), None, "{nonsense:?}");
        }
        assert_eq!(nearest("cost", []), None);
    }

    proptest! {
        #[test]
        fn whatever_is_typed_the_guess_is_a_known_name_and_a_known_name_means_itself(typed in ".{0,40}") {
            prop_assert!(nearest(&typed, REPORTS).is_none_or(|name| REPORTS.contains(&name)));
            for name in REPORTS {
                prop_assert_eq!(nearest(name, REPORTS), Some(name));
            }
        }
    }
}
