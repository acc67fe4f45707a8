//! This is one page of a list, read no further than paging needs: what its items are is another's question.

use serde::Deserialize;
use serde_json::value::RawValue;

/// A page as Django REST framework sends it. The items are the API's own text.
#[derive(Debug)]
pub struct Page<'a> {
    /// How many items the whole list has. `None`: the API does not say, or not as a whole number.
    pub count: Option<u64>,
    /// Whether the API says that there is another page. Where it says that is, is not asked.
    pub has_next: bool,
    /// The items.
    pub items: Vec<&'a RawValue>,
}

impl<'a> Page<'a> {
    /// Reads a page.
    ///
    /// # Errors
    /// What is wrong, in words, when it is no JSON object with an array of `results`.
    pub fn parse(body: &'a str) -> Result<Page<'a>, String> {
        #[derive(Deserialize)]
        struct Raw<'a> {
            #[serde(borrow, default)]
            count: Option<&'a RawValue>,
            #[serde(borrow, default)]
            next: Option<&'a RawValue>,
            #[serde(borrow, default)]
            results: Option<&'a RawValue>,
        }
        if !body.trim_start().starts_with('{') {
            return Err("it is not a JSON object".to_owned());
        }
        let raw: Raw<'a> =
            serde_json::from_str(body).map_err(|error| format!("it is not a page: {error}"))?;
        let results = raw.results.ok_or("it has no `results`")?;
        let items = serde_json::from_str(results.get()).map_err(|_| "its `results` are not an array")?;
        Ok(Page {
            count: raw.count.and_then(|count| count.get().parse().ok()),
            has_next: raw.next.is_some_and(|next| next.get().starts_with('"') && next.get() != "\"\""),
            items,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_no_further_than_paging_needs() {
        let page = Page::parse(
            r#"{"count":7,"next":"http://elsewhere/","previous":null,"results":[{"id":1},null]}"#,
        )
        .unwrap();
        assert_eq!((page.count, page.has_next), (Some(7), true));
        assert_eq!(page.items.iter().map(|item| item.get()).collect::<Vec<_>>(), [r#"{"id":1}"#, "null"]);
    }

    #[test]
    fn a_count_that_is_none_is_none() {
        for count in ["-1", "\"7\"", "null", "1.5"] {
            let body = format!(r#"{{"count":{count},"next":null,"results":[]}}"#);
            let page = Page::parse(&body).unwrap();
            assert_eq!((page.count, page.has_next), (None, false), "{count}");
        }
    }

    #[test]
    fn what_is_no_page_says_why() {
        for (body, why) in [
            ("<html>", "it is not a JSON object"),
            ("[]", "it is not a JSON object"),
            (r#"{"count":1}"#, "it has no `results`"),
            (r#"{"results":null}"#, "it has no `results`"),
            (r#"{"results":"x"}"#, "its `results` are not an array"),
        ] {
            assert_eq!(Page::parse(body).unwrap_err(), why, "{body}");
        }
        assert!(Page::parse(r#"{"results":["#).is_err());
    }
}
