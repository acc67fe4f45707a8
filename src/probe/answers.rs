//! The answers to the requests of a probe.

use super::run_page::RunPage;
use crate::api::{Answer, Failure};
use crate::run::decode::Decoded;
use crate::run::{Redaction, decode};

/// The answers. `None`: the request was not sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Answers {
    /// The first page of the run list, of [`super::prober::SMALL_PAGE`] runs.
    pub first: Option<PageAnswer>,
    /// The page after it.
    pub second: Option<PageAnswer>,
    /// The first page in other sizes, in the order of the requests.
    pub sizes: Vec<(u32, PageAnswer)>,
    /// The page that should be the last.
    pub last: Option<LastPage>,
    /// A page far below the end of the list.
    pub beyond_end: Option<PageAnswer>,
    /// The first page of each pipeline list, with the list's name.
    pub pipelines: Vec<(&'static str, Answer)>,
    /// A run of the first page, by its id.
    pub details: Option<Details>,
    /// The same run with an expanded field, and the field's name.
    pub expanded: Option<(&'static str, Answer)>,
    /// A run that does not exist.
    pub unknown_run: Option<Answer>,
    /// How many answers were a rate limit.
    pub rate_limited: u32,
    /// The clock minus the server's time, in seconds, at the first answer that has a time.
    pub clock_ahead_seconds: Option<i64>,
}

/// The answer to a request for a page of the run list.
#[derive(Debug, Clone)]
pub(super) struct PageAnswer {
    pub answer: Answer,
    /// The page. `None`: the answer has none.
    pub page: Option<RunPage>,
}

impl PageAnswer {
    pub(super) fn of(answer: Answer, redaction: &Redaction) -> PageAnswer {
        let page = answer.body.as_deref().ok().and_then(|body| RunPage::parse(body, redaction));
        PageAnswer { answer, page }
    }
}

/// The page that should be the last one.
#[derive(Debug, Clone)]
pub(super) struct LastPage {
    /// Its number, from 1.
    pub number: u32,
    /// The length of the pages above it.
    pub step: u32,
    pub asked: PageAnswer,
}

/// A run by its id.
#[derive(Debug, Clone)]
pub(super) struct Details {
    /// The run in the list.
    pub listed: Decoded,
    pub answer: Answer,
    /// The run by its id. `None`: the answer has no run.
    pub by_id: Option<Decoded>,
}

impl Details {
    pub(super) fn of(listed: Decoded, answer: Answer, redaction: &Redaction) -> Details {
        let item = answer.body.as_deref().ok().and_then(|body| serde_json::from_str(body).ok());
        let by_id = item.and_then(|item| decode(item, redaction).ok());
        Details { listed, answer, by_id }
    }
}

impl Answers {
    /// All answers, in a fixed order.
    pub(super) fn all(&self) -> impl Iterator<Item = &Answer> {
        let sizes = self.sizes.iter().map(|(_, asked)| asked);
        let last = self.last.iter().map(|last| &last.asked);
        let pages = self.first.iter().chain(&self.second).chain(sizes).chain(last).chain(&self.beyond_end);
        pages
            .map(|asked| &asked.answer)
            .chain(self.pipelines.iter().map(|(_, answer)| answer))
            .chain(self.details.iter().map(|details| &details.answer))
            .chain(self.expanded.iter().map(|(_, answer)| answer))
            .chain(&self.unknown_run)
    }

    /// The answer to the request for a first page of that size. `None`: it was not sent.
    pub(super) fn of_size(&self, size: u32) -> Option<&PageAnswer> {
        self.sizes.iter().find(|(other, _)| *other == size).map(|(_, asked)| asked)
    }

    /// The longest first page that the API returned, with the size that was requested. `None`: it returned none.
    pub(super) fn longest_page(&self) -> Option<(u32, &RunPage)> {
        let first = self.first.iter().map(|asked| (super::prober::SMALL_PAGE, asked));
        let sizes = self.sizes.iter().map(|(size, asked)| (*size, asked));
        let pages = first.chain(sizes).filter_map(|(size, asked)| Some((size, asked.page.as_ref()?)));
        // The first of several pages with the same length: its size is the API's limit, or below it.
        pages.reduce(|longest, page| if page.1.length() > longest.1.length() { page } else { longest })
    }
}

/// A failed request, without any text of the server.
pub(super) fn describe(failure: &Failure) -> String {
    match failure {
        Failure::Status { status, .. } if failure.is_html() => {
            format!("HTTP {status} with HTML, from a proxy or firewall")
        }
        Failure::Status { status, .. } => format!("HTTP {status}"),
        Failure::Redirect { status } => format!("HTTP {status}, a redirect"),
        Failure::InvalidResponse(_) if failure.is_html() => {
            "HTML instead of JSON, from a proxy or firewall".to_owned()
        }
        Failure::InvalidResponse(_) => "text in an unknown encoding".to_owned(),
        Failure::TooLarge { limit_bytes } => format!("more than {limit_bytes} bytes"),
        Failure::Transport(cause) => format!("no complete answer: {cause}"),
        Failure::Connection(_) => "no connection".to_owned(),
    }
}

/// What an answer has in place of what was expected.
pub(super) fn instead(answer: &Answer) -> String {
    match &answer.body {
        Ok(_) => "HTTP 200 with other content".to_owned(),
        Err(failure) => describe(failure),
    }
}

/// Whether the API itself answered that there is no such page or run.
pub(super) fn is_not_found(answer: &Answer) -> bool {
    matches!(&answer.body, Err(failure @ Failure::Status { status: 404, .. }) if !failure.is_html())
}
