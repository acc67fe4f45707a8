//! Pagination as in the Django REST framework: the items of a page, and the links to its neighbors.

use std::ops::Range;
use url::form_urlencoded;

/// A request's query, decoded, in its original order.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(raw: &str) -> Query {
        Query(form_urlencoded::parse(raw.as_bytes()).into_owned().collect())
    }

    /// Every value of the parameter `name`.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(key, _)| key == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The last value of the parameter `name`, which Django uses if it is repeated.
    fn last(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The same query for another page. As in the framework, page 1 has no `page` parameter, and parameters
    /// are sorted by name.
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

/// Items per page: the default and the maximum.
#[derive(Clone, Copy)]
pub(super) struct PageSizes {
    pub(super) default: usize,
    pub(super) max: usize,
}

/// One page of a list.
#[derive(Debug, PartialEq)]
pub(super) struct Page {
    /// The indices of the page's items in the list.
    pub(super) range: Range<usize>,
    /// The query of the next page. `None` on the last page.
    pub(super) next: Option<String>,
    /// The query of the previous page. `None` on the first page.
    pub(super) previous: Option<String>,
}

/// The page number is past the end, or not a number.
#[derive(Debug, PartialEq)]
pub(super) struct InvalidPage;

/// The page that `query` requests from a list of `count` items.
pub(super) fn page(query: &Query, sizes: PageSizes, count: usize) -> Result<Page, InvalidPage> {
    let size = page_size(query, sizes);
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
        range: start..(start + size).min(count),
        next: (number < pages).then(|| query.for_page(number + 1)),
        previous: (number > 1).then(|| query.for_page(number - 1)),
    })
}

/// The requested size. An invalid size becomes the default, and a larger one is capped; neither is an error.
fn page_size(query: &Query, sizes: PageSizes) -> usize {
    let requested = query.last("page_size").map(str::trim).unwrap_or_default();
    let digits = requested.strip_prefix('+').unwrap_or(requested);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match digits.parse::<usize>() {
        Ok(0) => sizes.default,
        Ok(size) => size.min(sizes.max),
        // Too many digits for the type: still a number, and a large one.
        Err(_) if is_number => sizes.max,
        Err(_) => sizes.default,
    }
    .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: PageSizes = PageSizes { default: 100, max: 500 };

    fn requested(query: &str, count: usize) -> Result<Page, InvalidPage> {
        page(&Query::parse(query), SIZES, count)
    }

    fn range(query: &str) -> Range<usize> {
        requested(query, 10_000).unwrap().range
    }

    #[test]
    fn a_page_has_the_default_size_unless_requested() {
        assert_eq!(range(""), 0..100);
        assert_eq!(range("page=2&page_size=30"), 30..60);
    }

    #[test]
    fn a_size_above_the_maximum_is_capped() {
        assert_eq!(range("page_size=501"), 0..500);
        assert_eq!(range("page_size=99999999999999999999999"), 0..500);
    }

    #[test]
    fn an_invalid_size_becomes_the_default() {
        for invalid in ["page_size=0", "page_size=-5", "page_size=abc", "page_size=", "page_size=1.5"] {
            assert_eq!(range(invalid), 0..100, "{invalid}");
        }
    }

    #[test]
    fn the_last_page_may_be_short_and_has_no_next() {
        let last = requested("page=3&page_size=100", 250).unwrap();
        assert_eq!(last.range, 200..250);
        assert_eq!(last.next, None);
        assert_eq!(requested("page=last", 250).unwrap().range, 200..250);
    }

    #[test]
    fn a_page_past_the_end_or_not_a_number_is_invalid() {
        for invalid in ["page=4", "page=0", "page=-1", "page=abc", "page=1.0", "page=99999999999999999999999"]
        {
            assert_eq!(requested(invalid, 250), Err(InvalidPage), "{invalid}");
        }
    }

    #[test]
    fn the_first_page_of_an_empty_list_is_empty() {
        let first = requested("", 0).unwrap();
        assert_eq!(first, Page { range: 0..0, next: None, previous: None });
        assert_eq!(requested("page=2", 0), Err(InvalidPage));
    }

    #[test]
    fn links_keep_every_other_parameter() {
        let second = requested("page=2&expand[]=source&page_size=50&expand[]=triggered_by", 250).unwrap();
        let others = "expand%5B%5D=source&expand%5B%5D=triggered_by";
        assert_eq!(second.next.unwrap(), format!("{others}&page=3&page_size=50"));
        assert_eq!(second.previous.unwrap(), format!("{others}&page_size=50"));
    }

    #[test]
    fn the_last_of_two_page_parameters_counts() {
        assert_eq!(range("page=2&page=3"), 200..300);
    }
}
