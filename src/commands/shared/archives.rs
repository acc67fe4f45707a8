//! This is the archives that a question is asked of: one, or those of several workspaces.

use crate::cli::ScopeArgs;
use crate::commands::Cli;
use crate::commands::shared::output::asked;
use crate::commands::shared::scope::scope;
use crate::error::{Error, Result};
use crate::export::manifest::{Provenance, WorkspaceProvenance};
use crate::report::{Ledger, Table};
use crate::settings::{self, Settings};
use crate::store::Archive;
use std::path::{Path, PathBuf};

/// An archive, what its workspace is called, and the settings that belong to it.
pub struct Workspace {
    /// Its name: as the settings call it, else the archive's own without its ending.
    pub name: String,
    /// The archive, open for reading.
    pub archive: Archive,
    /// Its settings.
    pub settings: Settings,
}

/// Opens each archive that `--db` names, or `--all`. Nothing is read twice: two archives that hold one run are refused.
///
/// # Errors
/// [`Error::Usage`] for an archive that is named twice, or shares a run with another. [`Error::Archive`] for one that
/// cannot be read.
pub fn open(cli: &Cli, all: bool) -> Result<Vec<Workspace>> {
    let shared = all.then(|| every_workspace(cli)).transpose()?;
    let paths = match (&shared, cli.db.as_slice()) {
        (Some(settings), _) => settings.workspaces().iter().map(|named| named.archive.clone()).collect(),
        (None, []) => vec![settings::archive(None).value],
        (None, named) => named.to_vec(),
    };
    // What belongs to one archive stands beside it, also where something is said of several.
    let shared = match (shared, paths.as_slice()) {
        (None, [_, _, ..]) => Some(Settings::load(cli.config.as_deref(), settings::default_archive())?),
        (shared, _) => shared,
    };
    let mut workspaces: Vec<Workspace> = Vec::with_capacity(paths.len());
    for (path, name) in paths.iter().zip(names(&paths)) {
        let archive = Archive::open_for_reading(path)?;
        let settings = match &shared {
            Some(shared) => Settings::beside(path)?.over(shared),
            None => Settings::load(cli.config.as_deref(), path)?,
        };
        let name = settings.workspace_at(path).map_or(name, |named| named.name.clone());
        let workspace = Workspace { name, archive, settings };
        for other in &workspaces {
            can_be_taken_together(other, &workspace)?;
        }
        workspaces.push(workspace);
    }
    Ok(workspaces)
}

/// The settings that name the workspaces, at least one, for a command with `--all`.
///
/// # Errors
/// [`Error::Usage`] when they name none, or an archive is named beside `--all`.
pub fn every_workspace(cli: &Cli) -> Result<Settings> {
    if !cli.db.is_empty() {
        return Err(Error::Usage {
            what: "--all means the archives that the settings name, and --db names another".to_owned(),
            hint: Some("leave one of them out; --config says where the settings are".to_owned()),
        });
    }
    let settings = Settings::load(cli.config.as_deref(), settings::default_archive())?;
    if settings.workspaces().is_empty() {
        let place = settings.path().map_or_else(
            || "there is no runledger.toml in this folder".to_owned(),
            |path| format!("{} names no workspace", path.display()),
        );
        return Err(Error::Usage {
            what: format!("--all: {place}"),
            hint: Some(
                "write a [[workspace]] with name, archive and api_key_file for each; docs/workspaces.md"
                    .to_owned(),
            ),
        });
    }
    Ok(settings)
}

/// What each archive is called after its path: `acme` for `acme.db`, `acme/runs` where others are called `runs` too.
fn names(paths: &[PathBuf]) -> Vec<String> {
    let stem = |path: &PathBuf| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = |path: &PathBuf| {
        let stem_of_path = stem(path);
        let is_only = paths.iter().filter(|other| stem(other) == stem_of_path).count() == 1;
        match path.parent().and_then(Path::file_name) {
            Some(folder) if !is_only => format!("{}/{stem_of_path}", folder.to_string_lossy()),
            _ => stem_of_path,
        }
    };
    paths.iter().map(name).collect()
}

fn can_be_taken_together(one: &Workspace, other: &Workspace) -> Result<()> {
    let (path, other_path) = (one.archive.path(), other.archive.path());
    if let Some(run) = one.archive.shared_run(&other.archive)? {
        return Err(Error::Usage {
            what: format!(
                "{} and {} both hold the run {run}: they are of one workspace, and its costs would count twice",
                path.display(),
                other_path.display()
            ),
            hint: Some("give one --db for each workspace".to_owned()),
        });
    }
    if one.name == other.name {
        return Err(Error::Usage {
            what: format!("{} and {} are both called {}", path.display(), other_path.display(), one.name),
            hint: Some("name each in the settings, as a [[workspace]] with name and archive".to_owned()),
        });
    }
    Ok(())
}

/// Keeps each archive at the moment it was first read, until it is dropped.
///
/// # Errors
/// Those of SQLite.
pub fn at_one_moment(workspaces: &[Workspace]) -> Result<Vec<impl Drop + '_>> {
    workspaces.iter().map(|of| Ok(of.archive.connection().unchecked_transaction()?)).collect()
}

/// The ledger of each workspace in the scope that the arguments mean there.
///
/// # Errors
/// [`Error::Usage`] when they cannot be meant, or would mean different months in two workspaces.
pub fn ledgers<'w>(workspaces: &'w [Workspace], args: &ScopeArgs) -> Result<Vec<Ledger<'w>>> {
    let mut ledgers: Vec<Ledger<'w>> = Vec::with_capacity(workspaces.len());
    for Workspace { name, archive, settings } in workspaces {
        let scope = scope(args, settings, archive)?;
        let ledger = Ledger::open(archive.connection(), scope)
            .map_err(|error| error.in_archive(archive.path()))?
            .for_workspace(name);
        if let Some(first) = ledgers.first() {
            mean_the_same_months(first, &ledger)?;
        }
        ledgers.push(ledger);
    }
    Ok(ledgers)
}

fn mean_the_same_months(one: &Ledger<'_>, other: &Ledger<'_>) -> Result<()> {
    let months = |ledger: &Ledger<'_>| (ledger.scope().zone, ledger.scope().date);
    if months(one) == months(other) {
        return Ok(());
    }
    let says = |ledger: &Ledger<'_>| {
        let (zone, date) = months(ledger);
        let closed = if ledger.scope().close_id.is_some() { ", as it was closed" } else { "" };
        format!("{} by {} in {zone}{closed}", ledger.workspace(), date.as_str())
    };
    let is_closed = [one, other].iter().any(|ledger| ledger.scope().close_id.is_some());
    let hint = if is_closed {
        "--from and --until, with --zone, ask about the same days without the closes"
    } else {
        "give --zone and --date for all of them"
    };
    Err(Error::Usage {
        what: format!("the workspaces book runs differently: {}; {}", says(one), says(other)),
        hint: Some(hint.to_owned()),
    })
}

/// What is asked of each, and as known when.
///
/// # Errors
/// Those of SQLite.
pub fn asked_of(question: &str, workspaces: &[Workspace], ledgers: &[Ledger<'_>]) -> Result<Provenance> {
    let mut each = Vec::with_capacity(ledgers.len());
    for (Workspace { archive, .. }, ledger) in workspaces.iter().zip(ledgers) {
        each.push(asked(question.to_owned(), ledger.scope(), archive)?);
    }
    let mut all = each.first().cloned().unwrap_or_default();
    if let [_, _, ..] = each.as_slice() {
        all.workspaces = workspaces
            .iter()
            .zip(&each)
            .map(|(workspace, asked)| WorkspaceProvenance {
                workspace: workspace.name.clone(),
                as_of: asked.as_of.clone(),
                known_at: asked.known_at.clone(),
                close_state: asked.close_state.clone(),
                cost_centers: asked.cost_centers.clone(),
            })
            .collect();
        // What each workspace says for itself is not said of all.
        (all.as_of, all.known_at, all.close_state, all.cost_centers) = (None, None, None, Vec::new());
    }
    Ok(all)
}

/// The answers that the workspaces give one by one, one below the other under a column `workspace`. A single
/// workspace's answer stays as it is.
///
/// # Errors
/// Those of `answer`.
pub fn one_by_one(
    ledgers: &[Ledger<'_>],
    mut answer: impl FnMut(usize, &Ledger<'_>) -> Result<Table>,
) -> Result<Table> {
    if let [ledger] = ledgers {
        return answer(0, ledger);
    }
    let mut all = Table { columns: Vec::new(), rows: Vec::new(), totals: None };
    for (index, ledger) in ledgers.iter().enumerate() {
        let table = answer(index, ledger).map_err(|error| ledger.with_archive_path(error))?;
        all.append_labeled("workspace", ledger.workspace(), table);
    }
    Ok(all)
}
