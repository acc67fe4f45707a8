//! The spellings of a secret in a file or a variable: with a byte order mark, quotes, or a variable's name in front.

/// Decodes the content of a file: UTF-8, or UTF-16 with a byte order mark, as Windows PowerShell writes it.
/// `None`: it is neither.
pub(super) fn decode(bytes: &[u8]) -> Option<String> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> =
            bytes.chunks(2).map(|pair| pair.try_into().map(unit)).collect::<Result<_, _>>().ok()?;
        String::from_utf16(&units).ok()
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => std::str::from_utf8(bytes).ok().map(str::to_owned),
    }
}

/// The secret itself, from a line such as `export NAME="secret"`. No key and no URL starts with a quote.
pub(super) fn value<'a>(text: &'a str, name: &str) -> &'a str {
    let text = text.trim_start_matches('\u{feff}').trim();
    let assignment = text.strip_prefix("export ").map_or(text, str::trim_start);
    let text = match assignment.strip_prefix(name).map(str::trim_start) {
        Some(rest) => rest.strip_prefix('=').map_or(text, str::trim),
        None => text,
    };
    let quoted = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    quoted('"').or_else(|| quoted('\'')).unwrap_or(text).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_gives_the_same_secret() {
        for text in [
            "k-123",
            " k-123\r\n",
            "\u{feff}k-123\n",
            "\"k-123\"",
            "'k-123'\n",
            "KEY=k-123",
            "\u{feff}KEY=\"k-123\"\r\n",
            "export KEY='k-123'\n",
            "KEY = k-123",
        ] {
            assert_eq!(value(text, "KEY"), "k-123", "{text:?}");
        }
        for other in ["\"k-123", "k-123=", "KEYS=k-123", "OTHER=k-123", "export"] {
            assert_eq!(value(other, "KEY"), other);
        }
    }

    #[test]
    fn utf_16_is_decoded() {
        let text = "k-123\r\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode(&[&[0xff, 0xfe], little.as_slice()].concat()).as_deref(), Some(text));
        assert_eq!(decode(&[&[0xfe, 0xff], big.as_slice()].concat()).as_deref(), Some(text));
        assert_eq!(decode(text.as_bytes()).as_deref(), Some(text));
        assert_eq!(decode(&[0xff, 0xfe, 0x41]), None);
        assert_eq!(decode(&[0x41, 0xff]), None);
    }
}
