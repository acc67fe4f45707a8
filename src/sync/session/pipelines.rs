//! The pipelines' names: three short lists, read before the run list.

use super::Session;
use super::vanished::MAX_UNEXPLAINED;
use crate::error::{Error, Result};
use crate::store::{Pipeline, PipelineKind};
use crate::sync::bisection::{Bisection, Finding, Request};
use crate::sync::decoded::DecodedPipelinePage;
use std::collections::HashSet;

const PAGE_SIZE: u32 = 100;

/// How often to try a page that takes the place of one that failed.
const ATTEMPTS: u32 = 2;

/// A limit against lists that never end; real lists are far shorter.
const MAX_PAGES: u32 = 1000;

/// What was read of a pipeline list.
#[derive(Default)]
pub(super) struct PipelineList {
    pub(super) pipelines: Vec<Pipeline>,
    ids: HashSet<String>,
    /// Why the list is incomplete, one sentence each.
    problems: Vec<String>,
}

impl PipelineList {
    fn listed_ids(&self) -> Vec<String> {
        self.pipelines.iter().map(|pipeline| pipeline.id.clone()).collect()
    }

    /// Adds the pipelines of a page. Returns whether any is new.
    fn add(&mut self, page: DecodedPipelinePage) -> bool {
        let known = self.pipelines.len();
        if page.without_id > 0 {
            self.problems.push(format!("{} items have no id", page.without_id));
        }
        self.pipelines
            .extend(page.pipelines.into_iter().filter(|pipeline| self.ids.insert(pipeline.id.clone())));
        self.pipelines.len() > known
    }
}

impl Session<'_> {
    /// Reads the lists of sources, destinations and transformations. What cannot be read is missing from the sync, but
    /// does not end it.
    pub(super) fn read_pipeline_lists(&mut self) -> Result<()> {
        for (kind, name) in PipelineKind::ALL.into_iter().zip(["sources", "destinations", "transformations"])
        {
            let list = self.read_pipelines(name)?;
            if !list.problems.is_empty() {
                self.missing.push(format!("the names of {name}: {}", list.problems.join(", ")));
            }
            self.pipelines.push((kind, list));
        }
        Ok(())
    }

    /// Stores the lists that were read, once there is evidence that they are those of the archive's workspace. Marks
    /// the pipelines that they lack as gone, unless more are missing than can be deleted without confirmation.
    pub(super) fn store_pipeline_lists(&mut self) -> Result<()> {
        let lists = std::mem::take(&mut self.pipelines);
        let mut unlisted = 0;
        for (kind, list) in lists.iter().filter(|(_, list)| list.problems.is_empty()) {
            unlisted += self.archive.unlisted_pipelines(*kind, &list.listed_ids())?;
        }
        let may_be_deleted = unlisted <= MAX_UNEXPLAINED as u64
            || self.options.confirm_vanished
            || self.workspace.is_accepted();
        if !may_be_deleted {
            self.missing.push(format!(
                "the pipeline lists lack {unlisted} archived pipelines: none was marked as gone{}",
                self.how_to_confirm()
            ));
        }
        for (kind, list) in lists {
            self.begin_observation()?;
            for pipeline in &list.pipelines {
                self.archive.upsert_pipeline(kind, pipeline, self.observed_at)?;
            }
            if list.problems.is_empty() && may_be_deleted {
                self.archive.mark_gone_pipelines(kind, &list.listed_ids(), self.observed_at)?;
            }
        }
        Ok(())
    }

    fn read_pipelines(&self, name: &str) -> Result<PipelineList> {
        let mut list = PipelineList::default();
        for number in 1..=MAX_PAGES {
            let has_next = match self.pipeline_page(name, number, PAGE_SIZE, None) {
                Ok(Some(page)) => {
                    let has_next = page.has_next;
                    // A list that claims another page but repeats itself is endless.
                    list.add(page) && has_next
                }
                Ok(None) if number == 1 => {
                    list.problems.push("the API has no such list".to_owned());
                    false
                }
                Ok(None) => false,
                // The API refuses a key that may read runs but not pipelines only here.
                Err(error @ (Error::KeyRefused { status: 403, .. } | Error::ApiMoved { .. })) => {
                    list.problems.push(error.on_one_line());
                    false
                }
                Err(error @ (Error::ApiUnavailable { .. } | Error::ResponseTooLarge { .. })) => {
                    self.bisect_pipelines(name, number, &error, &mut list)?
                }
                Err(error) => return Err(error),
            };
            if !has_next {
                break;
            }
        }
        Ok(list)
    }

    /// Reads a page that failed in smaller pages, without the pipelines that fail. Returns whether the list goes on.
    fn bisect_pipelines(
        &self,
        name: &str,
        number: u32,
        failure: &Error,
        list: &mut PipelineList,
    ) -> Result<bool> {
        let start = u64::from(number - 1) * u64::from(PAGE_SIZE);
        let mut bisection = Bisection::of_failed_page(start..start + u64::from(PAGE_SIZE), None, None);
        let mut skipped = 0;
        let mut has_next = false;
        let finding = loop {
            let request = bisection.request();
            let (Request::Read(block) | Request::Probe(block)) = request;
            let finding = match self.pipeline_page(name, block.page(), block.length, Some(ATTEMPTS)) {
                Ok(page) => {
                    if let Request::Read(_) = request {
                        skipped += bisection.take_skipped().map_or(0, |skipped| skipped.end - skipped.start);
                        has_next = page.as_ref().is_some_and(|page| page.has_next);
                        page.map(|page| list.add(page));
                        if !has_next {
                            break Finding::Done;
                        }
                    }
                    bisection.answered()
                }
                Err(Error::ApiUnavailable { .. } | Error::ResponseTooLarge { .. }) => bisection.failed(),
                Err(error) => return Err(error),
            };
            if finding != Finding::Continues {
                break finding;
            }
        };
        skipped += bisection.take_skipped().map_or(0, |skipped| skipped.end - skipped.start);
        list.problems.push(match (finding, skipped) {
            (Finding::Done, 1..) => format!("the API fails to return {skipped} of them: {}", failure.cause()),
            // It is readable in smaller pages.
            (Finding::Done, 0) => return Ok(has_next),
            _ => failure.on_one_line(),
        });
        Ok(finding == Finding::Done && has_next)
    }

    /// Requests a page of a pipeline list. `None`: there is no such page.
    fn pipeline_page(
        &self,
        name: &str,
        number: u32,
        page_size: u32,
        attempts: Option<u32>,
    ) -> Result<Option<DecodedPipelinePage>> {
        let client = self.prefetcher.client();
        let request = client.pipeline_page(name, number, page_size, attempts, DecodedPipelinePage::decode);
        self.prefetcher.wait_for(request)
    }
}
