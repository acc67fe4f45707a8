//! A probe of the API: a dozen requests that show how it behaves, and what that means for a sync. Stores nothing.
//!
//! A report can go into a public bug report, so it contains no name, id or secret: only counts, times, the names of
//! fields, and words of the contract's vocabulary.

mod checks;

use crate::api::{Answer, Client};
use crate::error::{Error, Result};
use crate::run::{Instant, Redaction};
use checks::{Answers, RunPage};
use serde::Serialize;
use uuid::Uuid;

/// Runs per page of the pages that show the order of the list.
const SMALL_PAGE: u32 = 20;

/// Runs per page that a sync requests by default.
const USUAL_PAGE: u32 = 500;

/// A page size that no server needs to serve.
const LARGE_PAGE: u32 = 1000;

/// A page that no list has.
const PAGE_BEYOND_END: u32 = 1_000_000;

/// One observation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    /// What was examined.
    pub name: &'static str,
    /// What was seen.
    pub observed: String,
    /// What the API's documentation, or Django REST framework, leads to expect.
    pub expected: &'static str,
    /// What the observation means for a sync.
    pub meaning: String,
    /// Whether the observation is as expected.
    pub as_expected: bool,
}

/// How the API is reached, which only the caller knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Connection {
    /// The variable that names the proxy. `None`: there is none.
    pub proxy_variable: Option<&'static str>,
    /// Whether `SSL_CERT_FILE` names the CA certificates.
    pub has_own_certificates: bool,
}

/// Sends the requests and describes the answers, in a fixed order.
///
/// # Errors
/// [`Error::KeyRefused`] and [`Error::Unreachable`]. Other failures are observations.
pub(crate) async fn probe(
    client: &Client,
    redaction: &Redaction,
    connection: &Connection,
    now: Instant,
) -> Result<Vec<Check>> {
    let page = |page: u32, page_size: u32| {
        [("page".to_owned(), page.to_string()), ("page_size".to_owned(), page_size.to_string())]
    };
    let runs = "/api/v1/runs/";
    // The run list comes first: the contract has no 401 for the lists of pipelines.
    let first = client.ask(runs, &page(1, SMALL_PAGE)).await?;
    if let Some(error) = refused(&first) {
        return Err(error);
    }
    let second = client.ask(runs, &page(2, SMALL_PAGE)).await?;
    let usual = client.ask(runs, &page(1, USUAL_PAGE)).await?;
    let large = client.ask(runs, &page(1, LARGE_PAGE)).await?;
    let beyond_end = client.ask(runs, &page(PAGE_BEYOND_END, SMALL_PAGE)).await?;
    let listed = RunPage::of(&first, redaction);
    let last = match RunPage::of(&usual, redaction).last_page() {
        Some(last) => Some(client.ask(runs, &page(last, USUAL_PAGE)).await?),
        None => None,
    };
    let (details, expanded) = match listed.first_id() {
        Some(id) => {
            let path = format!("{runs}{id}/");
            let expand = [("expand[]".to_owned(), "source".to_owned())];
            (Some(client.ask(&path, &[]).await?), Some(client.ask(&path, &expand).await?))
        }
        None => (None, None),
    };
    let unknown = client.ask(&format!("{runs}{}/", Uuid::nil()), &[]).await?;
    let mut pipelines = Vec::new();
    for list in ["sources", "destinations", "transformations"] {
        pipelines.push((list, client.ask(&format!("/api/v1/{list}/"), &page(1, 100)).await?));
    }
    let answers =
        Answers { first, second, usual, large, beyond_end, last, details, expanded, unknown, pipelines };
    Ok(answers.checks(redaction, connection, now))
}

/// The error for an answer that refuses the key. `None`: it does not.
fn refused(answer: &Answer) -> Option<Error> {
    matches!(answer.status, 401 | 403)
        .then(|| Error::KeyRefused { status: answer.status, detail: answer.detail.clone() })
}
