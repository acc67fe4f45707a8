//! What the answers to a probe show.

mod connection;
mod contract;
mod list;
mod page_size;
mod run;

use super::answers::Answers;
use super::run_page::RunPage;
use super::{Agreement, Connection, Finding};
use crate::api::BaseUrl;
use crate::run::Redaction;

impl Answers {
    /// The findings, in a fixed order.
    pub(super) fn findings(
        &self,
        base_url: &BaseUrl,
        redaction: &Redaction,
        connection: &Connection,
    ) -> Vec<Finding> {
        let page = |answer: &Option<_>| answer.as_ref().and_then(|answer| RunPage::of(answer, redaction));
        let (first, second) = (page(&self.first), page(&self.second));
        let last = self.last.as_ref().and_then(|last| RunPage::of(&last.answer, redaction));
        let longest = self.longest_page(redaction).map(|(_, page)| page);
        // The first page is part of the longest one.
        let pages: Vec<&RunPage> = longest.iter().chain(&last).collect();
        let details = self.details.as_ref().and_then(|details| details.run(redaction));
        let mut findings = vec![connection::network(base_url, connection)];
        findings.extend(self.first.as_ref().map(connection::api_key));
        findings.extend(connection::clock(self));
        findings.extend(connection::latency(self, longest.as_ref(), connection.concurrency));
        findings.extend(connection::rate_limit(self));
        // A rejected key ends the probe, and shows nothing about the list.
        if self.pipelines.is_empty() {
            return findings;
        }
        findings.extend(self.first.as_ref().map(|answer| list::run_list(answer, first.as_ref(), &pages)));
        findings.extend(longest.is_some().then(|| list::order(&pages)));
        findings.extend(page_size::findings(self, redaction));
        findings.extend(
            self.second.as_ref().map(|answer| list::second_page(answer, first.as_ref(), second.as_ref())),
        );
        findings.extend(first.as_ref().map(|page| list::next_link(page, base_url)));
        findings.extend(self.last.as_ref().map(|asked| list::last_page(asked, last.as_ref())));
        findings.extend(self.beyond_end.as_ref().map(list::beyond_end));
        findings.extend(self.pipelines.iter().map(|(name, answer)| list::pipelines(name, answer)));
        findings.extend(self.details.as_ref().map(|asked| run::details(asked, details.as_ref())));
        findings.extend(self.expanded.as_ref().map(|(field, answer)| run::expand(field, answer)));
        findings.extend(self.unknown_run.as_ref().map(run::unknown));
        findings.extend(longest.is_some().then(|| run::pipeline(&pages)));
        findings.extend(longest.is_some().then(|| contract::fields(&pages, details.as_ref())));
        findings
    }
}

/// `1 run`, `2 runs`.
fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
