//! Suggestions for mistyped names: "did you mean `zone`?".

use strsim::osa_distance;

/// The maximum number of typing errors in a name of any length.
const MAX_EDITS: usize = 3;

/// The minimum length of a prefix or suffix that identifies a name.
const MIN_AFFIX: usize = 3;

/// A hint such as "did you mean `zone`?". `None`: no known name is similar.
pub(crate) fn did_you_mean<'n>(typed: &str, known: impl IntoIterator<Item = &'n str>) -> Option<String> {
    nearest(typed, known).map(|name| format!("did you mean `{name}`?"))
}

/// The most similar known name: at most one typing error in three letters, else the only name with that prefix or
/// suffix (`Tokyo` for `Asia/Tokyo`). The first of equally similar names wins. `None`: no name is similar.
pub(crate) fn nearest<'n>(typed: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let typed = normalize(typed);
    let letters = typed.chars().count();
    let max_edits = (letters / 3).min(MAX_EDITS);
    let known: Vec<(&str, String)> = known.into_iter().map(|name| (name, normalize(name))).collect();
    // Compare only names of similar length: the distance takes quadratic time, and the input can be very long.
    let near = known
        .iter()
        .filter(|(_, plain)| plain.chars().count().abs_diff(letters) <= max_edits)
        .map(|(name, plain)| (osa_distance(&typed, plain), *name))
        .filter(|(distance, _)| *distance <= max_edits)
        .min_by_key(|(distance, _)| *distance);
    if let Some((_, name)) = near {
        return Some(name);
    }
    let is_part = |plain: &String| plain.starts_with(&typed) || plain.ends_with(&typed);
    let mut matching = known.iter().filter(|(_, plain)| letters >= MIN_AFFIX && is_part(plain));
    match (matching.next(), matching.next()) {
        (Some((name, _)), None) => Some(name),
        _ => None,
    }
}

/// The name in lower case, with hyphens for spaces and underscores.
fn normalize(name: &str) -> String {
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
    fn a_typing_error_is_corrected() {
        assert_eq!(nearest("costs", REPORTS), Some("cost"));
        assert_eq!(nearest("csot", REPORTS), Some("cost"), "transposed letters");
        assert_eq!(nearest("DURATOIN", REPORTS), Some("duration"));
        assert_eq!(nearest("slowest_runs", REPORTS), Some("slowest-runs"));
        assert_eq!(nearest("zoen", ["zone", "date"]), Some("zone"));
        assert_eq!(nearest("etl", ["el", "transformation"]), Some("el"));
        assert_eq!(did_you_mean("costs", REPORTS).unwrap(), "did you mean `cost`?");
    }

    #[test]
    fn a_unique_prefix_or_suffix_identifies_a_name() {
        assert_eq!(nearest("costliest", REPORTS), Some("costliest-runs"));
        assert_eq!(nearest("runs", REPORTS), None);
        assert_eq!(nearest("d", ["duration"]), None, "one letter is too short");
    }

    #[test]
    fn a_zone_is_found_by_city_and_despite_typing_errors() {
        assert_eq!(zone("America/Sao_Paolo"), Some("America/Sao_Paulo"));
        assert_eq!(zone("america/sao paulo"), Some("America/Sao_Paulo"));
        assert_eq!(zone("Sao_Paulo"), Some("America/Sao_Paulo"));
        assert_eq!(zone("Tokyo"), Some("Asia/Tokyo"));
        assert_eq!(zone("Mars/Olympus_Mons"), None);
        assert_eq!(zone("Brasilia"), None);
    }

    #[test]
    fn nonsense_gives_no_suggestion() {
        for nonsense in ["", " ", "x", "qwertyuiop", "🦀", "\0", "0123456789", "c"] {
            assert_eq!(nearest(nonsense, REPORTS), None, "{nonsense:?}");
        }
        assert_eq!(nearest("cost", []), None);
    }

    proptest! {
        #[test]
        fn a_suggestion_is_a_known_name_and_a_known_name_suggests_itself(typed in ".{0,40}") {
            prop_assert!(nearest(&typed, REPORTS).is_none_or(|name| REPORTS.contains(&name)));
            for name in REPORTS {
                prop_assert_eq!(nearest(name, REPORTS), Some(name));
            }
        }
    }
}
