//! How many runs a page can have.

use super::{Agreement, Finding};
use crate::probe::answers::{Answers, PageAnswer, instead};
use crate::probe::prober::{LARGE_PAGE, SMALL_PAGE, default_page};
use crate::wording::counted;

pub(super) fn findings(answers: &Answers) -> Vec<Finding> {
    let served = answers.sizes.iter().filter(|(_, asked)| asked.page.is_some());
    let largest_served = served.map(|(size, _)| *size).max().unwrap_or(SMALL_PAGE);
    let default = answers.of_size(default_page()).map(|asked| of_default_size(asked, largest_served));
    default.into_iter().chain(answers.of_size(LARGE_PAGE).map(of_large_size)).collect()
}

/// The page that a sync requests by default. `largest_served` is the largest size that the API serves.
fn of_default_size(asked: &PageAnswer, largest_served: u32) -> Finding {
    let size = default_page() as usize;
    let (result, observed, for_sync) = match asked.page.as_ref().map(|page| (page, page.length())) {
        None => (
            Agreement::Differs,
            format!("{}; a page of {largest_served} is served", instead(&asked.answer)),
            format!("sync reads smaller pages; --page-size {largest_served} saves the search"),
        ),
        Some((_, length)) if length > size => (
            Agreement::Differs,
            format!("{length} runs, more than requested"),
            "--page-size has no effect".to_owned(),
        ),
        Some((_, length)) if length == size => {
            (Agreement::Ok, format!("{length} runs"), format!("each request of a sync reads {length} runs"))
        }
        Some((page, length)) if page.is_whole_list() => (
            Agreement::Unknown,
            format!("{}, the whole list", counted(length as u64, "run")),
            "the list is too short to show a limit".to_owned(),
        ),
        Some((_, 0)) => (
            Agreement::Differs,
            "no runs, although the list has some".to_owned(),
            "sync requests the page again, and then exits with 3".to_owned(),
        ),
        Some((_, length)) => (
            Agreement::Differs,
            format!("cut to {}", counted(length as u64, "run")),
            format!("a sync needs {} times the requests; it misses nothing", size.div_ceil(length)),
        ),
    };
    let name = format!("page of {size} runs");
    Finding { name, result, observed, expected: "as many runs as requested", for_sync }
}

fn of_large_size(asked: &PageAnswer) -> Finding {
    let size = LARGE_PAGE as usize;
    let (result, observed, for_sync) = match asked.page.as_ref().map(|page| (page, page.length())) {
        None => (
            Agreement::Differs,
            instead(&asked.answer),
            format!("keep --page-size at {} or below", default_page()),
        ),
        Some((_, length)) if length >= size => {
            (Agreement::Ok, format!("{length} runs"), format!("--page-size {size} is possible"))
        }
        Some((page, length)) if page.is_whole_list() => (
            Agreement::Unknown,
            format!("{}, the whole list", counted(length as u64, "run")),
            "the list is too short to show a limit".to_owned(),
        ),
        Some((_, length)) => (
            Agreement::of(length > 0),
            format!("cut to {}", counted(length as u64, "run")),
            format!("--page-size above {length} has no effect"),
        ),
    };
    let name = format!("page of {size} runs");
    Finding { name, result, observed, expected: "as many runs as requested, or fewer", for_sync }
}
