//! Evidence that the API serves the workspace of the archive. Before there is any, the sync stores nothing.
//!
//! An archive belongs to one workspace. With the key of another one, a sync would mix two workspaces, and every run of
//! the first would seem to be deleted. The origin proves nothing: one host serves many workspaces, and it can move.

use super::Session;
use crate::error::{Error, Result};
use crate::escape::shell_word;
use crate::store::{Archive, SyncKind, WorkspaceEvidence};
use crate::sync::MAX_CONSECUTIVE_FAILURES;
use crate::sync::decoded::Item;

/// What a sync knows about the workspace behind the API.
#[derive(Debug)]
pub(super) struct WorkspaceCheck {
    /// Whether the sync may store what it reads: there is evidence, or the archive has no runs and needs none.
    is_passed: bool,
    /// Whether there was no evidence, and the user accepted the workspace.
    is_accepted: bool,
    /// Where earlier syncs read the runs, if that was another base URL. `None`: it was this one, or there was none.
    previous_api_url: Option<String>,
}

impl WorkspaceCheck {
    /// The check of an archive that a sync is about to fill from `api_url`.
    pub(super) fn begin(archive: &Archive, api_url: &str) -> Result<WorkspaceCheck> {
        Ok(WorkspaceCheck {
            is_passed: !archive.has_runs()?,
            is_accepted: false,
            previous_api_url: archive.last_api_url()?.filter(|previous| previous != api_url),
        })
    }

    /// Whether the sync may store what it reads.
    pub(super) fn is_passed(&self) -> bool {
        self.is_passed
    }

    /// Whether there was no evidence, and the user accepted the workspace.
    pub(super) fn is_accepted(&self) -> bool {
        self.is_accepted
    }

    /// Where earlier syncs read the runs that this one now reads elsewhere. `None`: the base URL is the same.
    pub(super) fn into_previous_api_url(self) -> Option<String> {
        self.previous_api_url.filter(|_| self.is_passed)
    }
}

impl Session<'_> {
    /// Ends the sync unless something shows that the API serves the archive's workspace. `read` are the runs that were
    /// just read, and `as_evidence` is what an archived run among them counts as.
    pub(super) fn require_evidence(&mut self, read: &[Item], as_evidence: WorkspaceEvidence) -> Result<()> {
        if self.workspace.is_passed {
            return Ok(());
        }
        let evidence =
            if self.find_archived_run(read)? { as_evidence } else { self.find_further_evidence()? };
        self.workspace.is_passed = true;
        self.workspace.is_accepted = evidence == WorkspaceEvidence::Accepted;
        self.ensure_transaction()?;
        self.archive.save_evidence(self.sync_id, evidence)?;
        self.store_pipeline_lists()
    }

    /// Whether one of the runs is in the archive.
    fn find_archived_run(&self, read: &[Item]) -> Result<bool> {
        for item in read {
            if let Item::Run(snapshot, _) = item
                && self.archive.has_run(snapshot.run.id)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Asks for a few archived runs by id, then compares the pipelines.
    fn find_further_evidence(&mut self) -> Result<WorkspaceEvidence> {
        let mut answers = Answers::default();
        // A workspace to be accepted may refuse the runs of another one with 403, which would end the sync.
        if !self.options.accept_workspace {
            answers = self.request_archived_runs()?;
            if answers.found {
                return Ok(WorkspaceEvidence::Run);
            }
        }
        if self.kind == SyncKind::Fetch {
            self.read_pipeline_lists()?;
        }
        for (kind, list) in &self.pipelines {
            for pipeline in &list.pipelines {
                if self.archive.has_pipeline(*kind, &pipeline.id)? {
                    return Ok(WorkspaceEvidence::Pipeline);
                }
            }
        }
        if self.options.accept_workspace {
            return Ok(WorkspaceEvidence::Accepted);
        }
        // An API that fails shows neither that it has the runs nor that it lacks them.
        Err(answers.failure.unwrap_or_else(|| self.unknown_workspace(answers.not_found)))
    }

    /// Requests archived runs by id until the API returns one.
    fn request_archived_runs(&self) -> Result<Answers> {
        let mut answers = Answers::default();
        let mut failures = 0;
        for id in self.archive.representative_runs()? {
            let redaction = &self.options.redaction;
            let request =
                self.prefetcher.client().run(id, None, |raw| Item::decode_details(raw, id, redaction));
            match self.prefetcher.wait_for(request) {
                Ok(Some(Item::Run(..))) => return Ok(Answers { found: true, ..answers }),
                Ok(Some(Item::DecodeError { .. }) | None) => answers.not_found += 1,
                Err(error @ (Error::ApiUnavailable { .. } | Error::ResponseTooLarge { .. })) => {
                    answers.failure = Some(error);
                    failures += 1;
                    if failures >= MAX_CONSECUTIVE_FAILURES {
                        break;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(answers)
    }

    fn unknown_workspace(&self, not_found: u32) -> Error {
        let mut shown = Vec::new();
        if self.kind != SyncKind::Fetch {
            shown.push("the first page of its run list has none of the archive's runs".to_owned());
        }
        if not_found > 0 {
            shown.push(format!("it does not have {not_found} of them that were requested by id"));
        }
        shown.push("its pipeline lists have none of the archive's pipelines".to_owned());
        if let Some(previous) = &self.workspace.previous_api_url {
            shown.push(format!("earlier syncs read {previous}"));
        }
        Error::Usage {
            what: format!(
                "nothing shows that {} serves the workspace of this archive, so nothing was stored\n  cause: {}",
                self.prefetcher.client().base_url(),
                shown.join("; ")
            ),
            hint: Some(format!(
                "use one archive for each workspace: name another file with --db; or, if this workspace has moved, run \
                 `runledger sync --accept-workspace --db {}` once",
                shell_word(self.archive.path())
            )),
        }
    }
}

/// The answers to requests for archived runs.
#[derive(Debug, Default)]
struct Answers {
    /// Whether the API returned one of them.
    found: bool,
    /// How many the API does not have.
    not_found: u32,
    /// The last failure. `None`: each request was answered.
    failure: Option<Error>,
}
