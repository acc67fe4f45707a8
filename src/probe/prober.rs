//! The requests of a probe, one after another.

use super::answers::{Answers, Details, LastPage, PageAnswer, describe};
use crate::api::{Answer, Client, Failure, Page, RUNS};
use crate::error::{Error, Result};
use crate::run::decode::Decoded;
use crate::run::{Field, Redaction};
use crate::sync::{Clock, Options};
use std::time::Duration;
use uuid::Uuid;

/// The length of the first two pages.
pub(super) const SMALL_PAGE: u32 = 20;

/// A page size above the default, which the API may not serve.
pub(super) const LARGE_PAGE: u32 = 1000;

/// The sizes to try if the API rejects the default.
const SMALLER_PAGES: [u32; 3] = [250, 100, 50];

/// The length of the page of pipelines.
const PIPELINE_PAGE: u32 = 100;

/// A page that no list has.
const PAGE_BEYOND_END: u32 = 1_000_000;

/// How often a probe waits because of a rate limit.
const MAX_WAITS: u32 = 3;

/// How long it waits at most.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// After this many requests in a row without an answer, the API counts as unreachable.
const MAX_BROKEN: u32 = 3;

const PROXY_HINT: &str =
    "a proxy or firewall answers in place of the API: check HTTPS_PROXY, NO_PROXY and the API URL";
const MOVED_HINT: &str = "check --api-url and RUNLEDGER_API_URL";
const LATER_HINT: &str = "run the command again later; if it still fails, ask the operator of the API";

/// Sends the requests.
pub(super) struct Prober<'a> {
    client: &'a Client,
    redaction: &'a Redaction,
    clock: &'a dyn Clock,
    answers: Answers,
    /// The number of requests in a row without an answer.
    broken: u32,
}

/// The page size that a sync requests by default.
pub(super) fn default_page() -> u32 {
    Options::default().page_size
}

impl<'a> Prober<'a> {
    pub(super) fn new(client: &'a Client, redaction: &'a Redaction, clock: &'a dyn Clock) -> Prober<'a> {
        Prober { client, redaction, clock, answers: Answers::default(), broken: 0 }
    }

    /// Returns the answers, and why the probe ended early, if it did.
    pub(super) async fn run(mut self) -> (Answers, Result<()>) {
        let result = self.send_all().await;
        (self.answers, result)
    }

    async fn send_all(&mut self) -> Result<()> {
        // The run list comes first, because the contract has no 401 for pipelines.
        let first = self.runs(1, SMALL_PAGE).await?;
        let refused = first.answer.body.as_ref().err().filter(|failure| failure.refuses_key());
        let refused = refused.and_then(|failure| match failure {
            // Without the server's explanation, which can name people.
            Failure::Status { status, .. } => Some(Error::KeyRefused { status: *status, detail: None }),
            _ => None,
        });
        self.answers.first = Some(first);
        if let Some(refused) = refused {
            return Err(refused);
        }
        for list in ["sources", "destinations", "transformations"] {
            let answer = self.page(&format!("/api/v1/{list}/"), 1, PIPELINE_PAGE).await?;
            self.answers.pipelines.push((list, answer));
        }
        self.require_an_api()?;
        self.ask_for_pages().await?;
        self.ask_for_runs().await
    }

    /// Checks that at least one of the lists was a list.
    fn require_an_api(&self) -> Result<()> {
        let is_list = |answer: &Answer| answer.body.as_deref().is_ok_and(|body| Page::parse(body).is_ok());
        if self.answers.all().any(is_list) {
            return Ok(());
        }
        let first = self.answers.first.as_ref().map(|asked| &asked.answer.body);
        let (cause, hint) = match first {
            Some(Err(failure)) if failure.is_html() => (describe(failure), PROXY_HINT),
            Some(Err(failure @ (Failure::Redirect { .. } | Failure::Status { status: 404, .. }))) => {
                (describe(failure), MOVED_HINT)
            }
            Some(Err(failure)) => (describe(failure), LATER_HINT),
            _ => ("HTTP 200 with other content".to_owned(), MOVED_HINT),
        };
        let what = format!(
            "{} returns no list of runs, sources, destinations or transformations",
            self.client.base_url()
        );
        Err(Error::Unreachable { what, cause, hint: hint.to_owned() })
    }

    async fn ask_for_pages(&mut self) -> Result<()> {
        let first = self.answers.first.as_ref().and_then(|asked| asked.page.as_ref());
        if !first.is_some_and(|page| page.is_whole_list()) {
            self.answers.second = Some(self.runs(2, SMALL_PAGE).await?);
        }
        if self.ask_for_size(default_page()).await? {
            self.ask_for_size(LARGE_PAGE).await?;
        } else {
            for size in SMALLER_PAGES {
                if self.ask_for_size(size).await? {
                    break;
                }
            }
        }
        let last = self.answers.longest_page().and_then(|(size, page)| {
            let step = u32::try_from(page.length()).ok().filter(|step| *step > 0)?;
            let number = u32::try_from(page.count?.div_ceil(step.into())).ok()?;
            (number > 1).then_some((number, size, step))
        });
        if let Some((number, size, step)) = last {
            let asked = self.runs(number, size).await?;
            self.answers.last = Some(LastPage { number, step, asked });
        }
        self.answers.beyond_end = Some(self.runs(PAGE_BEYOND_END, SMALL_PAGE).await?);
        Ok(())
    }

    /// Requests the first page in that size. Returns whether it was a page.
    async fn ask_for_size(&mut self, size: u32) -> Result<bool> {
        let asked = self.runs(1, size).await?;
        let is_page = asked.page.is_some();
        self.answers.sizes.push((size, asked));
        Ok(is_page)
    }

    async fn ask_for_runs(&mut self) -> Result<()> {
        if let Some(listed) = self.run_to_compare() {
            let path = format!("{RUNS}{}/", listed.run.id);
            let field = expandable_field(&listed);
            let answer = self.ask(&path, &[]).await?;
            self.answers.details = Some(Details::of(listed, answer, self.redaction));
            if let Some(field) = field {
                let answer = self.ask(&path, &[("expand[]", field.to_owned())]).await?;
                self.answers.expanded = Some((field, answer));
            }
        }
        self.answers.unknown_run = Some(self.ask(&format!("{RUNS}{}/", Uuid::nil()), &[]).await?);
        Ok(())
    }

    /// A run of the list, one that does not change any more if there is one. `None`: the list has no run.
    fn run_to_compare(&self) -> Option<Decoded> {
        let (_, page) = self.answers.longest_page()?;
        let is_final = |run: &&Decoded| run.run.status.as_ref().is_some_and(|status| status.is_final());
        page.runs().find(is_final).or_else(|| page.runs().next()).cloned()
    }

    async fn runs(&mut self, page: u32, page_size: u32) -> Result<PageAnswer> {
        Ok(PageAnswer::of(self.page(RUNS, page, page_size).await?, self.redaction))
    }

    async fn page(&mut self, path: &str, page: u32, page_size: u32) -> Result<Answer> {
        self.ask(path, &[("page", page.to_string()), ("page_size", page_size.to_string())]).await
    }

    /// Sends a request, after a wait once more if a rate limit refused it.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    async fn ask(&mut self, path: &str, query: &[(&str, String)]) -> Result<Answer> {
        let mut answer = self.client.ask(path, query).await?;
        if let Some(wait) = rate_limit(&answer) {
            self.answers.rate_limited += 1;
            if self.answers.rate_limited <= MAX_WAITS {
                tokio::time::sleep(wait.min(MAX_WAIT)).await;
                answer = self.client.ask(path, query).await?;
                self.answers.rate_limited += u32::from(rate_limit(&answer).is_some());
            }
        }
        if let (None, Some(server_time)) = (self.answers.clock_ahead_seconds, answer.server_time) {
            let ahead = self.clock.now().to_utc() - server_time;
            self.answers.clock_ahead_seconds = Some(ahead.num_seconds());
        }
        match &answer.body {
            Err(failure @ (Failure::Transport(_) | Failure::Connection(_))) => {
                self.broken += 1;
                if self.broken >= MAX_BROKEN {
                    return Err(Error::Unreachable {
                        what: format!(
                            "{} gave no complete answer to {MAX_BROKEN} requests in a row",
                            self.client.base_url()
                        ),
                        cause: failure.to_string(),
                        hint: LATER_HINT.to_owned(),
                    });
                }
            }
            _ => self.broken = 0,
        }
        Ok(answer)
    }
}

/// The wait that a rate limit asks for. `None`: the answer is no rate limit.
fn rate_limit(answer: &Answer) -> Option<Duration> {
    match &answer.body {
        Err(failure @ Failure::Status { retry_after, .. }) if failure.is_rate_limit() => {
            Some(retry_after.unwrap_or(Duration::from_secs(1)))
        }
        _ => None,
    }
}

/// The field of a run that names its pipeline. `None`: it names none.
fn expandable_field(run: &Decoded) -> Option<&'static str> {
    let run = &run.run;
    let fields = [
        (Field::Source, &run.source),
        (Field::Destination, &run.destination),
        (Field::Transformation, &run.transformation),
    ];
    fields.into_iter().find(|(_, value)| value.is_some()).map(|(field, _)| field.name())
}
