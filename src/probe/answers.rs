//! The answers to the requests of a probe.

use super::run_page::RunPage;
use crate::api::{Answer, Failure};
use crate::run::decode::Decoded;
use crate::run::{Redaction, decode};

/// The answers. `None`: the request was not sent.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// The first page of the run list, of [`super::prober::SMALL_PAGE`] runs.
    pub first: Option<Answer>,
    /// The page after it.
    pub second: Option<Answer>,
    /// The first page in other sizes, in the order of the requests.
    pub sizes: Vec<(u32, Answer)>,
    /// The page that should be the last.
    pub last: Option<LastPage>,
    /// A page far below the end of the list.
    pub beyond_end: Option<Answer>,
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

/// The page that should be the last one.
#[derive(Debug)]
pub(super) struct LastPage {
    /// Its number, from 1.
    pub number: u32,
    /// The length of the pages above it.
    pub step: u32,
    pub answer: Answer,
}

/// A run by its id.
#[derive(Debug)]
pub(super) struct Details {
    /// The same run in the list.
    pub listed: Decoded,
    pub answer: Answer,
}

impl Details {
    /// The run. `None`: there was none in the answer.
    pub(super) fn run(&self, redaction: &Redaction) -> Option<Decoded> {
        let item = serde_json::from_str(self.answer.body.as_deref().ok()?).ok()?;
        decode(item, redaction).ok()
    }
}

impl Answers {
    /// All answers, in a fixed order.
    pub(super) fn all(&self) -> impl Iterator<Item = &Answer> {
        [&self.first, &self.second, &self.beyond_end, &self.unknown_run]
            .into_iter()
            .flatten()
            .chain(self.sizes.iter().map(|(_, answer)| answer))
            .chain(self.last.iter().map(|last| &last.answer))
            .chain(self.pipelines.iter().map(|(_, answer)| answer))
            .chain(self.details.iter().map(|details| &details.answer))
            .chain(self.expanded.iter().map(|(_, answer)| answer))
    }

    /// The answer to the request for a first page of that size. `None`: it was not sent.
    pub(super) fn of_size(&self, size: u32) -> Option<&Answer> {
        self.sizes.iter().find(|(other, _)| *other == size).map(|(_, answer)| answer)
    }

    /// The longest first page that the API returned, with the size that was requested. `None`: it returned none.
    pub(super) fn longest_page(&self, redaction: &Redaction) -> Option<(u32, RunPage)> {
        let first = self.first.iter().map(|answer| (super::prober::SMALL_PAGE, answer));
        let sizes = self.sizes.iter().map(|(size, answer)| (*size, answer));
        let pages =
            first.chain(sizes).filter_map(|(size, answer)| Some((size, RunPage::of(answer, redaction)?)));
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
