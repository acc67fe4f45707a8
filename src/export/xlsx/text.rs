//! Texts in cells: as long as a cell permits, and escaped for XML.

use std::borrow::Cow;

/// The most UTF-16 code units of a text in a cell.
const MAX_TEXT: usize = 32_767;

/// The end of a text that was cut.
const CUT: &str = "… [cut: a spreadsheet cell has at most 32,767 characters]";

/// The length of an escaped character, `_x000D_`.
const ESCAPE_LENGTH: usize = 7;

/// Whether the text is too long for a cell.
pub(super) fn exceeds_a_cell(text: &str) -> bool {
    text.len() > MAX_TEXT && text.encode_utf16().count() > MAX_TEXT
}

/// The text as it fits into a cell. Lines end with LF: a CR would be the letters `_x000D_` in the file, which
/// many readers show.
pub(super) fn fit(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        return Cow::Owned(fit(&text.replace("\r\n", "\n").replace('\r', "\n")).into_owned());
    }
    if !exceeds_a_cell(text) {
        return Cow::Borrowed(text);
    }
    let mut left = MAX_TEXT - CUT.encode_utf16().count();
    let kept = text.chars().take_while(|letter| {
        let fits = letter.len_utf16() <= left;
        left -= letter.len_utf16().min(left);
        fits
    });
    Cow::Owned(kept.chain(CUT.chars()).collect())
}

/// The text in one line.
pub(super) fn one_line(text: &str) -> Cow<'_, str> {
    match text.contains(['\r', '\n']) {
        true => Cow::Owned(text.replace("\r\n", " ").replace(['\r', '\n'], " ")),
        false => Cow::Borrowed(text),
    }
}

/// The text in lines of at most `width` characters, broken at spaces. A longer word has its own line.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    if text.chars().count() <= width && !text.contains('\n') {
        return vec![text.to_owned()];
    }
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The lines that the text takes in a cell of that width, in digits, if it is wrapped.
pub(super) fn lines_in(text: &str, width: f64) -> usize {
    let room = (width as usize).max(1);
    let lines = |line: &str| {
        wrap(line, room).iter().map(|part| part.chars().count().div_ceil(room).max(1)).sum::<usize>()
    };
    text.lines().map(|line| lines(line).max(1)).sum::<usize>().max(1)
}

/// Appends the text as XML. Characters that XML does not permit become `_xHHHH_`, and so does the start of a text that
/// already looks like one.
pub(super) fn append_xml(text: &str, xml: &mut Vec<u8>) {
    for (at, letter) in text.char_indices() {
        match letter {
            '&' => xml.extend(b"&amp;"),
            '<' => xml.extend(b"&lt;"),
            '>' => xml.extend(b"&gt;"),
            '\t' | '\n' => xml.push(letter as u8),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => {
                xml.extend(format!("_x{:04X}_", u32::from(letter)).as_bytes());
            }
            '_' if is_escape(&text.as_bytes()[at..]) => xml.extend(b"_x005F_"),
            _ => xml.extend(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// Whether the bytes begin like an escaped character.
fn is_escape(bytes: &[u8]) -> bool {
    bytes.len() >= ESCAPE_LENGTH
        && bytes[1] == b'x'
        && bytes[2..6].iter().all(u8::is_ascii_hexdigit)
        && bytes[6] == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_in_a_cell_end_with_lf() {
        assert_eq!(fit("a\r\nb\rc\nd"), "a\nb\nc\nd");
        assert_eq!(fit(&"\r\n".repeat(MAX_TEXT)), "\n".repeat(MAX_TEXT));
        assert_eq!(one_line("a\r\nb\rc\nd"), "a b c d");
    }

    #[test]
    fn a_text_longer_than_a_cell_is_cut_and_says_so() {
        for (letter, units) in [("x", 1), ("é", 1), ("👩", 2)] {
            let longest = letter.repeat(MAX_TEXT / units);
            assert_eq!(fit(&longest), longest);
            let too_long = format!("{longest}{letter}");
            let fitting = fit(&too_long);
            let length = fitting.encode_utf16().count();
            assert!(fitting.starts_with(letter) && fitting.ends_with(CUT), "{letter}");
            assert!((MAX_TEXT - 1..=MAX_TEXT).contains(&length), "{letter}: {length}");
        }
    }

    #[test]
    fn a_text_is_escaped_for_xml() {
        let xml = |text: &str| {
            let mut xml = Vec::new();
            append_xml(text, &mut xml);
            String::from_utf8(xml).unwrap()
        };
        assert_eq!(xml("a<b> & \"c\"\n\td"), "a&lt;b&gt; &amp; \"c\"\n\td");
        assert_eq!(xml("\u{1}\u{1f}\u{ffff}"), "_x0001__x001F__xFFFF_");
        assert_eq!(xml("_x0041_ _x00_"), "_x005F_x0041_ _x00_");
        assert_eq!(xml("💸 é"), "💸 é");
    }

    #[test]
    fn a_sentence_is_wrapped_at_spaces() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a-long-word b", 4), ["a-long-word", "b"]);
        assert_eq!(wrap("a   b", 7), ["a   b"]);
        assert_eq!(
            [lines_in("", 9.0), lines_in("one two", 7.0), lines_in("one two\n\nthree", 6.5)],
            [1, 1, 4]
        );
        assert_eq!(lines_in("a-very-long-word", 5.0), 4);
    }
}
