//! A page of a list. Only the paging fields are decoded; the items stay JSON text.

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// A page as Django REST framework sends it.
#[derive(Debug)]
pub struct Page<'a> {
    /// The number of items in the whole list. `None`: not sent, or not a whole number.
    pub count: Option<u64>,
    /// Whether the API announces another page. Its URL is ignored.
    pub has_next: bool,
    /// The items, as the API sent them.
    pub items: Vec<&'a RawValue>,
}

impl<'a> Page<'a> {
    /// Parses a page.
    ///
    /// # Errors
    /// The reason, when it is not a JSON object with an array of `results`.
    pub fn parse(body: &'a str) -> Result<Page<'a>, String> {
        #[derive(serde::Deserialize)]
        struct Raw<'a> {
            #[serde(borrow, default)]
            count: Option<&'a RawValue>,
            #[serde(borrow, default)]
            next: Option<&'a RawValue>,
            #[serde(borrow, default)]
            results: Option<Results<'a>>,
        }
        if !body.trim_start().starts_with('{') {
            return Err("it is not a JSON object".to_owned());
        }
        let raw: Raw<'a> =
            serde_json::from_str(body).map_err(|error| format!("it is not a page: {error}"))?;
        let Results(items) = raw.results.ok_or("it has no `results`")?;
        Ok(Page {
            count: raw.count.and_then(|count| count.get().parse().ok()),
            has_next: raw.next.is_some_and(|next| next.get().starts_with('"') && next.get() != "\"\""),
            items,
        })
    }
}

/// The items, split in one pass over the page.
struct Results<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Results<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ResultsVisitor;

        impl<'de> Visitor<'de> for ResultsVisitor {
            type Value = Results<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of results")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::with_capacity(512);
                while let Some(item) = sequence.next_element()? {
                    items.push(item);
                }
                Ok(Results(items))
            }
        }

        deserializer.deserialize_seq(ResultsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_paging_fields_of_a_page_are_decoded() {
        let page = Page::parse(
            r#"{"count":7,"next":"http://elsewhere/","previous":null,"results":[{"id":1},null]}"#,
        )
        .unwrap();
        assert_eq!((page.count, page.has_next), (Some(7), true));
        assert_eq!(page.items.iter().map(|item| item.get()).collect::<Vec<_>>(), [r#"{"id":1}"#, "null"]);
    }

    #[test]
    fn a_count_that_is_not_a_whole_number_is_unknown() {
        for count in ["-1", "\"7\"", "null", "1.5"] {
            let body = format!(r#"{{"count":{count},"next":null,"results":[]}}"#);
            let page = Page::parse(&body).unwrap();
            assert_eq!((page.count, page.has_next), (None, false), "{count}");
        }
    }

    #[test]
    fn a_body_that_is_no_page_is_refused_with_a_reason() {
        for (body, why) in [
            ("<html>", "it is not a JSON object"),
            ("[]", "it is not a JSON object"),
            (r#"{"count":1}"#, "it has no `results`"),
            (r#"{"results":null}"#, "it has no `results`"),
        ] {
            assert_eq!(Page::parse(body).unwrap_err(), why, "{body}");
        }
        let why = Page::parse(r#"{"results":"x"}"#).unwrap_err();
        assert!(why.contains("expected an array of results"), "{why}");
        assert!(Page::parse(r#"{"results":["#).is_err());
    }
}
