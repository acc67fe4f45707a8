//! The pipelines' names: three short lists, read before the run list.

use super::Session;
use super::vanished::MAX_UNEXPLAINED;
use crate::error::{Error, Result};
use crate::store::{Pipeline, PipelineKind};
use crate::sync::decoded::DecodedPipelinePage;
use std::collections::HashSet;

const PAGE_SIZE: u32 = 100;

/// A limit against lists that never end; real lists are far shorter.
const MAX_PAGES: u32 = 1000;

impl Session<'_> {
    /// Reads the lists of sources, destinations and transformations. A list that cannot be read is missing from the
    /// sync, but does not end it.
    pub(super) fn read_pipeline_lists(&mut self) -> Result<()> {
        for (kind, list) in PipelineKind::ALL.into_iter().zip(["sources", "destinations", "transformations"])
        {
            match self.read_pipelines(list) {
                Ok(Ok(pipelines)) => self.pipelines.push((kind, pipelines)),
                Ok(Err(cause)) => self.missing.push(format!("the names of {list}: {cause}")),
                // The API refuses a key that may read runs but not pipelines only here.
                Err(
                    error @ (Error::KeyRefused { status: 403 }
                    | Error::ApiUnavailable { .. }
                    | Error::ResponseTooLarge { .. }),
                ) => {
                    let cause = error.on_one_line();
                    self.missing.push(format!("the names of {list}: {cause}"));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Stores the lists that were read, once there is evidence that they are those of the archive's workspace. Marks
    /// the pipelines that they lack as gone, unless more are missing than can be deleted without confirmation.
    pub(super) fn store_pipeline_lists(&mut self) -> Result<()> {
        let lists: Vec<_> = std::mem::take(&mut self.pipelines)
            .into_iter()
            .map(|(kind, pipelines)| {
                let ids: Vec<String> = pipelines.iter().map(|pipeline| pipeline.id.clone()).collect();
                (kind, pipelines, ids)
            })
            .collect();
        let mut unlisted = 0;
        for (kind, _, ids) in &lists {
            unlisted += self.archive.unlisted_pipelines(*kind, ids)?;
        }
        let may_be_deleted = unlisted <= MAX_UNEXPLAINED as u64 || self.options.confirm_vanished;
        if !may_be_deleted {
            self.missing.push(format!(
                "the pipeline lists lack {unlisted} archived pipelines: none was marked as gone{}",
                self.how_to_confirm()
            ));
        }
        for (kind, pipelines, ids) in lists {
            self.begin_observation()?;
            for pipeline in &pipelines {
                self.archive.upsert_pipeline(kind, pipeline, self.observed_at)?;
            }
            if may_be_deleted {
                self.archive.mark_gone_pipelines(kind, &ids, self.observed_at)?;
            }
        }
        Ok(())
    }

    /// The pipelines of one list. The inner error says why the list is incomplete.
    fn read_pipelines(&mut self, list: &str) -> Result<Result<Vec<Pipeline>, String>> {
        let mut pipelines: Vec<Pipeline> = Vec::new();
        let mut without_id = 0;
        let mut ids = HashSet::new();
        for number in 1..=MAX_PAGES {
            let request =
                self.prefetcher.client().pipeline_page(list, number, PAGE_SIZE, DecodedPipelinePage::decode);
            let page = match self.prefetcher.wait_for(request)? {
                Some(page) => page,
                None if number == 1 => return Ok(Err("the API has no such list".to_owned())),
                None => break,
            };
            without_id += page.without_id;
            let known = pipelines.len();
            pipelines.extend(page.pipelines.into_iter().filter(|pipeline| ids.insert(pipeline.id.clone())));
            // A list that claims another page but repeats itself is endless.
            if !page.has_next || pipelines.len() == known {
                break;
            }
        }
        Ok(match without_id {
            0 => Ok(pipelines),
            _ => Err(format!("{without_id} items have no id")),
        })
    }
}
