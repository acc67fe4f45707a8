//! The server's explanation of an error status.

use crate::escape::escape_control;
use crate::excerpt::excerpt;
use serde_json::Value;

/// How much of an error's body is read.
pub(super) const MAX_BYTES: usize = 64 * 1024;

/// The maximum length of an explanation in characters.
const MAX_CHARS: usize = 200;

/// The explanation of a body that is HTML. The API answers in JSON only.
pub(super) const HTML: &str = "HTML instead of JSON: a proxy or firewall answered";

/// The explanation in a body: `detail` as Django REST framework sends it, else the first text in the JSON, else the
/// first line. It is short, on one line, without control characters. `None`: there is none.
pub(super) fn explanation(body: &str) -> Option<String> {
    if is_html(body) {
        return Some(HTML.to_owned());
    }
    let text = match serde_json::from_str::<Value>(body) {
        Ok(value) => first_text(&value)?,
        // The beginning of a long JSON text explains nothing.
        Err(_) if body.trim_start().starts_with(['{', '[']) => return None,
        Err(_) => body.lines().find(|line| !line.trim().is_empty())?.to_owned(),
    };
    Some(shortened(&text)).filter(|text| !text.is_empty())
}

/// Whether a body is HTML. No JSON starts with a tag.
pub(super) fn is_html(body: &str) -> bool {
    let mut start = body.trim_start().chars();
    start.next() == Some('<') && start.next().is_some_and(|next| next == '!' || next.is_ascii_alphabetic())
}

fn first_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Array(items) => items.iter().find_map(first_text),
        Value::Object(entries) => entries.get("detail").and_then(first_text).or_else(|| {
            // An invalid parameter is explained under its name.
            entries.iter().find_map(|(key, value)| Some(format!("{key}: {}", first_text(value)?)))
        }),
        _ => None,
    }
}

fn shortened(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    escape_control(&excerpt(&line, MAX_CHARS, 0)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explanation_is_the_detail_or_the_first_text() {
        for (body, expected) in [
            (r#"{"detail":"Invalid API key."}"#, "Invalid API key."),
            (r#"{"code":"x","detail":{"message":"Not yours.","n":1}}"#, "message: Not yours."),
            (r#"{"detail":["One.","Two."]}"#, "One."),
            (r#"{"page_size":["A valid integer is required."]}"#, "page_size: A valid integer is required."),
            (r#"["Invalid."]"#, "Invalid."),
            (r#""Closed.""#, "Closed."),
            ("\nupstream request timeout\nid 7", "upstream request timeout"),
            ("\n <!DOCTYPE html><html>", HTML),
            ("<html>\r\n<head><title>403", HTML),
        ] {
            assert_eq!(explanation(body).as_deref(), Some(expected), "{body}");
        }
        for body in ["", " \n", "{}", "[]", "null", "7", r#"{"detail":" "}"#, r#"{"results":["#] {
            assert_eq!(explanation(body), None, "{body}");
        }
    }

    #[test]
    fn an_explanation_is_short_and_harmless() {
        let body = serde_json::json!({"detail": format!("a\u{1b}[31m\n\tb\u{202e}{}", "é".repeat(10_000))});
        let text = explanation(&body.to_string()).unwrap();
        assert!(text.starts_with("a\\u{1b}[31m b\\u{202e}éé") && text.ends_with("é…"), "{text}");
        assert!(text.chars().count() < 230, "{text}");
    }
}
