//! The names of statement files: safe on every file system, and a function of month and cost center alone.
//!
//! `2026-10-Marketing-f5904cf7a123.csv`: the month, a readable part, and the start of the SHA-256 of the cost center's
//! name. The hash tells names apart whose readable parts are equal, also where a file system ignores case or the form
//! of accents. A name that begins with a year is none that Windows reserves.

use crate::digest::{hash, to_hex};
use crate::report::period::{Calendar, Period};
use chrono_tz::Tz;

/// The extension of the file of rows.
pub(super) const CSV: &str = "csv";
/// The extension of the manifest of that file.
const MANIFEST: &str = "manifest.json";
/// The extension of the spreadsheet.
pub(super) const XLSX: &str = "xlsx";

/// The hexadecimal digits of the hash: 48 bits.
const HASH_DIGITS: usize = 12;

/// The most characters of the readable part.
const MAX_READABLE: usize = 40;

/// The readable part of a name without Latin letters and digits.
const UNREADABLE: &str = "center";

/// The name of the files of a cost center's statement, without extension.
pub fn stem(month: &str, cost_center: &str) -> String {
    let hash = &to_hex(&hash(cost_center.as_bytes()))[..HASH_DIGITS];
    format!("{month}-{}-{hash}", readable(cost_center))
}

/// The letters and digits of the text without accents; one hyphen stands for anything between them.
fn readable(text: &str) -> String {
    let mut readable = String::new();
    for letter in text.chars().filter_map(without_accent) {
        if readable.len() >= MAX_READABLE {
            break;
        }
        if letter.is_ascii_alphanumeric() {
            readable.push(letter);
        } else if !readable.is_empty() && !readable.ends_with('-') {
            readable.push('-');
        }
    }
    let readable = readable.trim_end_matches('-');
    if readable.is_empty() { UNREADABLE.to_owned() } else { readable.to_owned() }
}

/// The base letter of the accented letters that Western European languages use. `None`: an accent that follows its
/// letter.
fn without_accent(letter: char) -> Option<char> {
    Some(match letter {
        'À'..='Å' => 'A',
        'Ç' => 'C',
        'È'..='Ë' => 'E',
        'Ì'..='Ï' => 'I',
        'Ñ' => 'N',
        'Ò'..='Ö' | 'Ø' => 'O',
        'Ù'..='Ü' => 'U',
        'Ý' => 'Y',
        'à'..='å' => 'a',
        'ç' => 'c',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ñ' => 'n',
        'ò'..='ö' | 'ø' => 'o',
        'ù'..='ü' => 'u',
        'ý' | 'ÿ' => 'y',
        '\u{300}'..='\u{36f}' => return None,
        other => other,
    })
}

/// The month of a statement's file. `None`: no statement has a file of that name.
pub(super) fn month_of(file: &str) -> Option<&str> {
    let extensions = [CSV, MANIFEST, XLSX];
    let stem = extensions.iter().find_map(|extension| file.strip_suffix(extension)?.strip_suffix('.'))?;
    let (month, rest) = stem.split_at_checked(7)?;
    let (readable, hash) = rest.strip_prefix('-')?.rsplit_once('-')?;
    let is_month = Calendar::of_label(month) == Calendar::Month && Period::named(month, Tz::UTC).is_some();
    let is_readable = !readable.is_empty()
        && readable.bytes().all(|letter| letter.is_ascii_alphanumeric() || letter == b'-');
    let is_hash = hash.len() == HASH_DIGITS
        && hash.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit));
    (is_month && is_readable && is_hash).then_some(month)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const MONTH: &str = "2026-10";

    fn readable_part(cost_center: &str) -> String {
        let stem = stem(MONTH, cost_center);
        stem[MONTH.len() + 1..stem.len() - HASH_DIGITS - 1].to_owned()
    }

    #[test]
    fn a_name_is_readable_and_ends_with_its_hash() {
        assert_eq!(stem(MONTH, "Marketing"), "2026-10-Marketing-f5904cf7a123");
        assert_eq!(readable_part("Operações / São Paulo"), "Operacoes-Sao-Paulo");
        assert_eq!(readable_part("Opera\u{e7}\u{f5}es"), readable_part("Operac\u{327}o\u{303}es"));
        assert_eq!(readable_part("../../etc/passwd"), "etc-passwd");
        for unreadable in ["", "...", "///", "財務", "\0"] {
            assert_eq!(readable_part(unreadable), UNREADABLE, "{unreadable:?}");
        }
        assert_eq!(readable_part(&"x".repeat(300)).len(), MAX_READABLE);
    }

    #[test]
    fn names_that_a_file_system_confuses_have_different_files() {
        let confused = [
            "Data",
            "data",
            "DATA",
            "Data.",
            "Data ",
            " Data",
            "Da/ta",
            "Da-ta",
            "Da:ta",
            "Dat\u{e1}",
            "Data\u{301}",
            "Dat\u{430}",
            "con",
            "CON",
            "nul.csv",
            "COM1",
            "aux.",
            "~",
            "",
        ];
        let long = ["a", "b"].map(|end| "x".repeat(299) + end);
        let stems: BTreeSet<String> = confused
            .into_iter()
            .chain(long.iter().map(String::as_str))
            .map(|name| stem(MONTH, name).to_lowercase())
            .collect();
        assert_eq!(stems.len(), confused.len() + long.len());
    }

    #[test]
    fn only_the_files_of_statements_have_a_month() {
        let stem = stem(MONTH, "Data");
        for extension in ["csv", "xlsx", "manifest.json"] {
            assert_eq!(month_of(&format!("{stem}.{extension}")), Some(MONTH));
        }
        for other in [
            "statements.json",
            "outubro.csv",
            "2026-10.csv",
            "2026-10-costs.csv",
            "2026-13-Data-0123456789ab.csv",
            "2026-10-Data-0123456789AB.csv",
            "2026-10-Data-0123456789ab.txt",
            "2026-10-Data-0123456789ab csv",
            "2026-10-Data-0123456789abc.csv",
            "2026-10-0123456789ab.csv",
            "2026-10-Da ta-0123456789ab.csv",
            "é",
        ] {
            assert_eq!(month_of(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_name_gives_a_safe_name_of_its_own(
            name in ".{0,300}", other in ".{0,300}"
        ) {
            let own = stem(MONTH, &name);
            prop_assert!(own.len() <= 7 + 1 + MAX_READABLE + 1 + HASH_DIGITS);
            prop_assert!(own.bytes().all(|letter| letter.is_ascii_alphanumeric() || letter == b'-'));
            let file = format!("{own}.csv");
            prop_assert_eq!(month_of(&file), Some(MONTH));
            let is_same = own.eq_ignore_ascii_case(&stem(MONTH, &other));
            prop_assert_eq!(is_same, name == other);
        }
    }
}
