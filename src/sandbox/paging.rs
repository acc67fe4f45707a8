//! This is the paging of the Django REST framework: which items a page holds, and the links to its neighbours.

use std::ops::Range;
use url::form_urlencoded;

/// A request's query, decoded, in the order it was written.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(raw: &str) -> Query {
        Query(form_urlencoded::parse(raw.as_bytes()).into_owned().collect())
    }

    /// Every value given for `name`.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(key, _)| key == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The value that counts when a name is given twice: Django takes the last.
    fn last(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The same query for another page. Page 1 is the one without a number, and the parameters
    /// come sorted by name, as the framework writes them.
    fn for_page(&self, number: usize) -> String {
        let number = number.to_string();
        let others = self.0.iter().filter(|(key, _)| key != "page");
        let mut pairs: Vec<(&str, &str)> =
            others.map(|(key, value)| (key.as_str(), value.as_str())).collect();
        if number != "1" {
            pairs.push(("page", &number));
        }
        pairs.sort_by_key(|&(key, _)| key);
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }
}

/// How long a page is when nobody asks, and at most.
#[derive(Clone, Copy)]
pub(super) struct Lengths {
    pub(super) default: usize,
    pub(super) greatest: usize,
}

/// One page of a list.
#[derive(Debug, PartialEq)]
pub(super) struct Page {
    /// The places in the list that this page shows.
    pub(super) places: Range<usize>,
    /// The query of the page after this one; `None` on the last.
    pub(super) next: Option<String>,
    /// The query of the page before this one; `None` on the first.
    pub(super) previous: Option<String>,
}

/// There is no such page: a number past the end, or none at all.
#[derive(Debug, PartialEq)]
pub(super) struct InvalidPage;

/// The page that `query` asks for in a list of `count` items.
pub(super) fn page(query: &Query, lengths: Lengths, count: usize) -> Result<Page, InvalidPage> {
    let size = page_size(query, lengths);
    // The first page of an empty list exists.
    let pages = count.div_ceil(size).max(1);
    let number = match query.last("page").unwrap_or_default() {
        "" => 1,
        "last" => pages,
        text => text.trim().parse().map_err(|_| InvalidPage)?,
    };
    if !(1..=pages).contains(&number) {
        return Err(InvalidPage);
    }
    let start = (number - 1) * size;
    Ok(Page {
        places: start..(start + size).min(count),
        next: (number < pages).then(|| query.for_page(number + 1)),
        previous: (number > 1).then(|| query.for_page(number - 1)),
    })
}

/// A length that makes no sense is the default one, a greater one is cut: neither is refused.
fn page_size(query: &Query, lengths: Lengths) -> usize {
    let asked = query.last("page_size").map(str::trim).unwrap_or_default();
    let digits = asked.strip_prefix('+').unwrap_or(asked);
    let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match digits.parse::<usize>() {
        Ok(0) => lengths.default,
        Ok(size) => size.min(lengths.greatest),
        // More digits than fit are still a number, and a large one.
        Err(_) if number => lengths.greatest,
        Err(_) => lengths.default,
    }
    .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTHS: Lengths = Lengths { default: 100, greatest: 500 };

    fn asked(query: &str, count: usize) -> Result<Page, InvalidPage> {
        page(&Query::parse(query), LENGTHS, count)
    }

    fn places(query: &str) -> Range<usize> {
        asked(query, 10_000).unwrap().places
    }

    #[test]
    fn a_page_has_the_default_length_unless_asked() {
        assert_eq!(places(""), 0..100);
        assert_eq!(places("page=2&page_size=30"), 30..60);
    }

    #[test]
    fn a_length_beyond_the_greatest_is_cut_in_silence() {
        assert_eq!(places("page_size=501"), 0..500);
        assert_eq!(places("page_size=99999999999999999999999"), 0..500);
    }

    #[test]
    fn a_length_that_makes_no_sense_is_the_default() {
        for nonsense in ["page_size=0", "page_size=-5", "page_size=abc", "page_size=", "page_size=1.5"] {
            assert_eq!(places(nonsense), 0..100, "{nonsense}");
        }
    }

    #[test]
    fn the_last_page_may_be_short_and_has_no_next() {
        let last = asked("page=3&page_size=100", 250).unwrap();
        assert_eq!(last.places, 200..250);
        assert_eq!(last.next, None);
        assert_eq!(asked("page=last", 250).unwrap().places, 200..250);
    }

    #[test]
    fn a_page_past_the_end_or_without_a_sense_is_invalid() {
        for nonsense in
            ["page=4", "page=0", "page=-1", "page=abc", "page=1.0", "page=99999999999999999999999"]
        {
            assert_eq!(asked(nonsense, 250), Err(InvalidPage), "{nonsense}");
        }
    }

    #[test]
    fn the_first_page_of_an_empty_list_is_empty() {
        let first = asked("", 0).unwrap();
        assert_eq!(first, Page { places: 0..0, next: None, previous: None });
        assert_eq!(asked("page=2", 0), Err(InvalidPage));
    }

    #[test]
    fn links_keep_every_other_parameter() {
        let second = asked("page=2&expand[]=source&page_size=50&expand[]=triggered_by", 250).unwrap();
        let others = "expand%5B%5D=source&expand%5B%5D=triggered_by";
        assert_eq!(second.next.unwrap(), format!("{others}&page=3&page_size=50"));
        assert_eq!(second.previous.unwrap(), format!("{others}&page_size=50"));
    }

    #[test]
    fn of_two_pages_asked_for_the_last_counts() {
        assert_eq!(places("page=2&page=3"), 200..300);
    }
}
