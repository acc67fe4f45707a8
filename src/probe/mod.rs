//! A probe of the API: a dozen requests that show whether it behaves as a sync expects. Stores nothing.
//!
//! A report can go into a public bug report. So no text of the API gets into it, only counts, times, statuses and the
//! contract's own names, with one exception: names of new fields that most runs have (`findings/contract`).

mod answers;
mod findings;
mod prober;
mod run_page;
#[cfg(test)]
mod tests;

use crate::api::Client;
use crate::error::{Error, Result};
use crate::run::Redaction;
use crate::sync::Clock;
use prober::Prober;
use serde::{Serialize, Serializer};

/// What a probe found, and whether it could be finished.
#[derive(Debug)]
pub(crate) struct Report {
    /// The findings, in a fixed order. What was not requested has none.
    pub findings: Vec<Finding>,
    /// The number of requests sent.
    pub requests: u64,
    /// [`crate::error::Error::KeyRefused`] or [`crate::error::Error::Unreachable`], if it could not be finished.
    pub result: Result<()>,
}

/// One property of the API, in words that a bug report may contain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// The property.
    pub name: String,
    /// How it compares with what a sync expects.
    pub result: Agreement,
    /// What was observed.
    pub observed: String,
    /// What was expected.
    pub expected: &'static str,
    /// What the observation means for a sync.
    pub for_sync: String,
}

/// How an observation compares with the expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// It is as expected.
    Ok,
    /// It differs.
    Differs,
    /// The data at hand does not show it.
    Unknown,
}

impl Agreement {
    /// The word for it in the output.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Agreement::Ok => "ok",
            Agreement::Differs => "differs",
            Agreement::Unknown => "unknown",
        }
    }

    fn of(is_as_expected: bool) -> Agreement {
        if is_as_expected { Agreement::Ok } else { Agreement::Differs }
    }
}

impl Serialize for Agreement {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// How the API is reached, which the client does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Connection {
    /// Whether it is Nekt's own address.
    pub is_nekt_api: bool,
    /// The variable that names the proxy. `None`: no proxy is used.
    pub proxy_variable: Option<&'static str>,
    /// The variables that name the CA certificates. Empty: those of the system are used.
    pub ca_variables: Vec<&'static str>,
    /// How many requests a sync sends at the same time.
    pub concurrency: usize,
}

/// Sends the requests one after another and describes what they show.
pub(crate) async fn probe(
    client: &Client,
    redaction: &Redaction,
    connection: &Connection,
    clock: &dyn Clock,
) -> Report {
    let (answers, result) = Prober::new(client, redaction, clock).run().await;
    let is_reachable = !matches!(result, Err(Error::Unreachable { .. }));
    let findings = answers.findings(client.base_url(), connection, is_reachable);
    Report { findings, requests: client.requests(), result }
}
