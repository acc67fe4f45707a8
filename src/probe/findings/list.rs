//! The lists: their order, their pages and their links.

use super::{Agreement, Finding};
use crate::api::{Answer, BaseUrl, Page, RUNS};
use crate::probe::answers::{LastPage, PageAnswer, instead, is_not_found};
use crate::probe::prober::SMALL_PAGE;
use crate::probe::run_page::RunPage;
use crate::run::Instant;
use crate::sync::MAX_OUT_OF_ORDER;
use crate::wording::counted;
use url::Url;

/// `first` is its first page, `pages` are those to look for items that are no runs.
pub(super) fn run_list(first: &PageAnswer, pages: &[&RunPage]) -> Finding {
    let (items, undecodable) = pages
        .iter()
        .fold((0, 0), |(items, broken), page| (items + page.length(), broken + page.undecodable()));
    let first_length = first.page.as_ref().map_or(0, RunPage::length) as u64;
    let (result, observed, for_sync) = match first.page.as_ref().map(|page| page.count) {
        None => (Agreement::Differs, instead(&first.answer), "sync cannot read runs, and exits with 5"),
        Some(_) if undecodable > 0 => (
            Agreement::Differs,
            format!("{undecodable} of {items} items are no runs"),
            "they go into quarantine, and sync exits with 3",
        ),
        Some(Some(count)) if first_length > count => (
            Agreement::Differs,
            format!("{}, more than their count", counted(first_length, "run")),
            "sync does not trust the count, and reads until nothing is new",
        ),
        Some(None) => {
            (Agreement::Differs, "runs without their count".to_owned(), "sync reads until a page is empty")
        }
        Some(Some(0)) => (
            Agreement::Unknown,
            "an empty list".to_owned(),
            "there is nothing to sync, or the key's role does not see the runs",
        ),
        Some(Some(count)) => (Agreement::Ok, counted(count, "run"), "sync knows how many runs to read"),
    };
    let name = "run list".to_owned();
    Finding { name, result, observed, expected: "runs, and their count", for_sync: for_sync.to_owned() }
}

/// The order of the runs on pages from the top and from the end of the list.
pub(super) fn order(pages: &[&RunPage]) -> Finding {
    let created: Vec<Instant> = pages.iter().flat_map(|page| page.created()).collect();
    let steps =
        |is: fn(&Instant, &Instant) -> bool| created.windows(2).filter(|pair| is(&pair[0], &pair[1])).count();
    let (up, down) = (steps(|before, after| before < after), steps(|before, after| before > after));
    let compared = format!("({} compared)", counted(created.len() as u64, "run"));
    let (result, observed, for_sync) = match (up, down) {
        (0, 0) => (Agreement::Unknown, "too few runs to see it".to_owned(), "sync finds out"),
        (0, _) => (
            Agreement::Ok,
            format!("newest first {compared}"),
            "after the first sync, each sync reads the newest pages only",
        ),
        (_, 0) => (Agreement::Differs, format!("oldest first {compared}"), "each sync reads the whole list"),
        (1..=MAX_OUT_OF_ORDER, _) if up * 2 <= down => (
            Agreement::Differs,
            format!("newest first, except {} {compared}", counted(up as u64, "run")),
            "each sync reads the newest pages only, while at most 5 runs are out of order",
        ),
        _ => (
            Agreement::Differs,
            format!("neither newest nor oldest first {compared}"),
            "each sync reads the whole list, until a pass finds nothing new",
        ),
    };
    let name = "order of the run list".to_owned();
    Finding { name, result, observed, expected: "newest first", for_sync: for_sync.to_owned() }
}

/// `first` is the page before it, if it could be read.
pub(super) fn second_page(asked: &PageAnswer, first: Option<&RunPage>) -> Finding {
    let (result, observed, for_sync) = match (first, &asked.page) {
        (Some(first), Some(second)) if second.length() > 0 => {
            let (above, below) = (first.ids(), second.ids());
            // A run that is created meanwhile pushes another onto the second page.
            match above.intersection(&below).count() {
                0 => (
                    Agreement::Ok,
                    "other runs than on the first page".to_owned(),
                    "page numbers lead through the list",
                ),
                repeated if repeated * 2 < below.len() => (
                    Agreement::Ok,
                    format!("other runs, and {repeated} of the first page"),
                    "runs are being created; sync reads pages that overlap",
                ),
                _ => (
                    Agreement::Differs,
                    "the runs of the first page again".to_owned(),
                    "sync archives the runs of the first page, and exits with 3",
                ),
            }
        }
        (_, Some(_)) => {
            (Agreement::Differs, "no runs".to_owned(), "sync reads the first page only, and exits with 3")
        }
        (_, None) => (Agreement::Differs, instead(&asked.answer), "sync cannot read below the first page"),
    };
    let name = "second page".to_owned();
    Finding {
        name,
        result,
        observed,
        expected: "the runs after the first page",
        for_sync: for_sync.to_owned(),
    }
}

/// What the link of the first page looks like, without the link itself.
pub(super) fn next_link(page: &RunPage, base_url: &BaseUrl) -> Finding {
    let goes_on = page.count.is_some_and(|count| count > page.length() as u64);
    let (result, observed) = match page.next.as_deref() {
        None if goes_on => (Agreement::Differs, "null, although the list goes on".to_owned()),
        None => (Agreement::Unknown, "null, as on a last page".to_owned()),
        Some(link) => match deviations_of(link, base_url) {
            Ok(deviations) if deviations.is_empty() => {
                (Agreement::Ok, "an absolute URL with the same host and parameters".to_owned())
            }
            Ok(deviations) => (Agreement::Differs, format!("an absolute URL with {}", deviations.join(", "))),
            Err(kind) => (Agreement::Differs, kind.to_owned()),
        },
    };
    Finding {
        name: "next link".to_owned(),
        result,
        observed,
        expected: "an absolute URL with the same host and parameters",
        for_sync: "sync builds each URL itself, and follows no link".to_owned(),
    }
}

/// How a link to the second page differs from the URL that a sync would request.
///
/// # Errors
/// What the link is instead of an absolute URL.
fn deviations_of(link: &str, base_url: &BaseUrl) -> Result<Vec<&'static str>, &'static str> {
    let link = match Url::parse(link) {
        Ok(link) => link,
        Err(url::ParseError::RelativeUrlWithoutBase) => return Err("a relative URL"),
        Err(_) => return Err("a text that is no URL"),
    };
    let own = base_url.join(RUNS);
    let has = |name: &str, value: u32| {
        link.query_pairs().any(|(key, text)| key == name && text == value.to_string())
    };
    let deviations = [
        (link.scheme() != own.scheme(), "another scheme"),
        (
            link.host() != own.host() || (link.scheme() == own.scheme() && link.port() != own.port()),
            "another host",
        ),
        (link.path() != own.path(), "another path"),
        (!has("page", 2), "no page=2"),
        (!has("page_size", SMALL_PAGE), "no page_size"),
    ];
    Ok(deviations.into_iter().filter(|(differs, _)| *differs).map(|(_, how)| how).collect())
}

pub(super) fn last_page(last: &LastPage) -> Finding {
    let above = u64::from(last.number - 1) * u64::from(last.step);
    let (result, observed, for_sync) = match &last.asked.page {
        None => (
            Agreement::Differs,
            instead(&last.asked.answer),
            "sync archives the runs above, names the position, and exits with 3",
        ),
        // Its own count, because runs may have been created since the first page.
        Some(page) if page.count.is_some_and(|count| count.saturating_sub(above) != page.length() as u64) => {
            (
                Agreement::Differs,
                format!("{}, other than the count says", counted(page.length() as u64, "run")),
                "sync does not trust the count, and reads on until nothing is new",
            )
        }
        Some(page) if page.next.is_some() => (
            Agreement::Differs,
            format!("{}, and a link to another page", counted(page.length() as u64, "run")),
            "sync does not trust the link",
        ),
        Some(page) => (
            Agreement::Ok,
            format!("{} and no next link", counted(page.length() as u64, "run")),
            "sync can read the list to its end",
        ),
    };
    let name = "last page".to_owned();
    Finding { name, result, observed, expected: "the rest of the runs", for_sync: for_sync.to_owned() }
}

pub(super) fn beyond_end(asked: &PageAnswer) -> Finding {
    let (result, observed) = match &asked.page {
        Some(page) if page.length() == 0 => (Agreement::Ok, "an empty page".to_owned()),
        Some(_) => (Agreement::Differs, "a page with runs".to_owned()),
        None => (Agreement::of(is_not_found(&asked.answer)), instead(&asked.answer)),
    };
    let for_sync = match result {
        Agreement::Ok => "sync recognizes the end of the list",
        _ => "sync ends at the count, or when pages contain nothing new",
    };
    let name = "page beyond the end".to_owned();
    Finding { name, result, observed, expected: "HTTP 404, or an empty page", for_sync: for_sync.to_owned() }
}

pub(super) fn pipelines(list: &str, answer: &Answer) -> Finding {
    let page = answer.body.as_deref().ok().and_then(|body| Page::parse(body).ok());
    let (result, observed, for_sync) = match page {
        Some(page) => (
            Agreement::Ok,
            format!("{} listed", page.count.unwrap_or(page.items.len() as u64)),
            format!("reports can name {list}"),
        ),
        None => (
            Agreement::Differs,
            instead(answer),
            format!("{list} keep their ids as names; sync archives the runs and exits with 3"),
        ),
    };
    Finding { name: format!("list of {list}"), result, observed, expected: "a list of pipelines", for_sync }
}
