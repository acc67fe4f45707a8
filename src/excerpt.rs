//! Excerpts of long texts, for messages that quote what the API sent.

use std::borrow::Cow;

/// The first `head` and the last `tail` characters of a text, with an ellipsis between them. A text that is not longer
/// than both together is unchanged.
pub(crate) fn excerpt(text: &str, head: usize, tail: usize) -> Cow<'_, str> {
    if text.char_indices().nth(head + tail).is_none() {
        return Cow::Borrowed(text);
    }
    let end = text.char_indices().nth(head).map_or(text.len(), |(at, _)| at);
    let last = match tail {
        0 => "",
        _ => text.char_indices().nth_back(tail - 1).map_or(text, |(at, _)| &text[at..]),
    };
    Cow::Owned(format!("{}…{last}", &text[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_has_the_start_and_the_end_of_a_long_text() {
        assert_eq!(excerpt("invalid: é, expected ü", 8, 10), "invalid:…expected ü");
        assert_eq!(excerpt("éééé", 3, 0), "ééé…");
        for (head, tail) in [(2, 2), (4, 0), (0, 4), (9, 9)] {
            assert!(matches!(excerpt("éééé", head, tail), Cow::Borrowed("éééé")));
        }
        assert_eq!(excerpt("abcd", 0, 2), "…cd");
        assert_eq!(excerpt("", 0, 0), "");
    }
}
