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

impl Answers {
    /// The findings, in a fixed order. `is_reachable`: whether the API gave usable answers to the end.
    pub(super) fn findings(
        &self,
        base_url: &BaseUrl,
        connection: &Connection,
        is_reachable: bool,
    ) -> Vec<Finding> {
        let first = self.first.as_ref();
        let first_page = first.and_then(|asked| asked.page.as_ref());
        let longest = self.longest_page().map(|(_, page)| page);
        let last = self.last.as_ref().and_then(|last| last.asked.page.as_ref());
        // The first two pages are part of the longest one.
        let pages: Vec<&RunPage> = longest.into_iter().chain(last).collect();
        let by_id = self.details.as_ref().and_then(|details| details.by_id.as_ref());
        let mut findings = vec![connection::network(base_url, connection, is_reachable)];
        findings.extend(first.map(|asked| connection::api_key(&asked.answer)));
        findings.extend(connection::clock(self));
        findings.extend(connection::latency(self, longest, connection.concurrency));
        findings.extend(connection::rate_limit(self));
        // A rejected key ends the probe, and shows nothing about the list.
        if self.pipelines.is_empty() {
            return findings;
        }
        findings.extend(first.map(|asked| list::run_list(asked, &pages)));
        findings.extend(longest.map(|_| list::order(&pages)));
        findings.extend(page_size::findings(self));
        findings.extend(self.second.as_ref().map(|asked| list::second_page(asked, first_page)));
        findings.extend(first_page.map(|page| list::next_link(page, base_url)));
        findings.extend(self.last.as_ref().map(list::last_page));
        findings.extend(self.beyond_end.as_ref().map(list::beyond_end));
        findings.extend(self.pipelines.iter().map(|(name, answer)| list::pipelines(name, answer)));
        findings.extend(self.details.as_ref().map(run::details));
        findings.extend(self.expanded.as_ref().map(|(field, answer)| run::expand(field, answer)));
        findings.extend(self.unknown_run.as_ref().map(run::unknown));
        findings.extend(longest.map(|_| run::pipeline(&pages)));
        findings.extend(longest.map(|_| contract::fields(&pages, by_id)));
        findings
    }
}
