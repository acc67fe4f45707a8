//! The archives that `--db`, `--all` and the settings name.

use crate::cli::ScopeArgs;
use crate::commands::Cli;
use crate::commands::shared::output::provenance;
use crate::commands::shared::scope::{defaults, request};
use crate::error::{Error, Result};
use crate::export::manifest::{Provenance, WorkspaceProvenance};
use crate::report::Ledger;
use crate::report::neighbors::warn_of_conflicts;
use crate::report::scope::ScopeRequest;
use crate::settings::{self, Settings};
use crate::workspace::{self, Source, Workspace};
use std::path::PathBuf;

/// Opens the ledger of each workspace, and warns of closed months that share runs with the scope or lose some.
///
/// # Errors
/// As [`workspace::ledgers`]. Those of SQLite.
pub(crate) fn open_ledgers<'w>(
    workspaces: &'w [Workspace],
    request: &ScopeRequest,
) -> Result<Vec<Ledger<'w>>> {
    let ledgers = workspace::ledgers(workspaces, request)?;
    for (workspace, ledger) in workspaces.iter().zip(&ledgers) {
        warn_of_conflicts(ledger.scope(), &workspace.archive)?;
    }
    Ok(ledgers)
}

/// An archive that `--db`, `--all` or the settings name.
pub(crate) struct ConfiguredArchive {
    /// The archive.
    pub(crate) path: PathBuf,
    /// Its settings. With several archives, each one's own file overrides the shared settings.
    pub(crate) settings: Settings,
    /// Its name in the settings. `None`: they do not name it.
    pub(crate) name: Option<String>,
}

/// The archives that `--db` or `--all` names, in this order, each with its settings.
///
/// # Errors
/// [`Error::Usage`] when settings are invalid, or `--all` finds no workspace.
pub(crate) fn configured(cli: &Cli, all: bool) -> Result<Vec<ConfiguredArchive>> {
    each_configured(cli, all)?.into_iter().map(|(_, configured)| configured).collect()
}

/// The path of each of these archives, and the archive, or why its settings are invalid.
///
/// # Errors
/// [`Error::Usage`] when the settings that they share are invalid, or `--all` finds no workspace.
pub(crate) fn each_configured(cli: &Cli, all: bool) -> Result<Vec<(PathBuf, Result<ConfiguredArchive>)>> {
    let shared = all.then(|| every_workspace(cli)).transpose()?;
    let paths: Vec<PathBuf> = match (&shared, cli.db.as_slice()) {
        (Some(settings), _) => settings.workspaces().iter().map(|named| named.archive.clone()).collect(),
        (None, []) => vec![settings::archive(None)?.value],
        (None, named) => named.to_vec(),
    };
    let shared = match (shared, paths.as_slice()) {
        (None, [_, _, ..]) => Some(Settings::load(cli.config.as_deref(), settings::default_archive())?),
        (shared, _) => shared,
    };
    let configured = |path: PathBuf| {
        let settings = match &shared {
            Some(shared) => Settings::next_to(&path)?.over(shared),
            None => Settings::load(cli.config.as_deref(), &path)?,
        };
        let name = settings.workspace_at(&path).map(|named| named.name.clone());
        Ok(ConfiguredArchive { path, settings, name })
    };
    Ok(paths.into_iter().map(|path| (path.clone(), configured(path))).collect())
}

/// Opens each archive that `--db` or `--all` names, with its own settings. Also returns the settings of the first,
/// which decide about the output.
///
/// # Errors
/// As [`workspace::open`]; [`Error::Usage`] when settings are invalid.
pub(crate) fn open(cli: &Cli, all: bool, scope: &ScopeArgs) -> Result<(Vec<Workspace>, Settings)> {
    let configured = configured(cli, all)?;
    let request = request(scope)?;
    let mut first = None;
    let mut sources = Vec::with_capacity(configured.len());
    for ConfiguredArchive { path, settings, name } in configured {
        sources.push(Source {
            budgets: settings.budgets(name.as_deref())?,
            name,
            defaults: defaults(&request, &settings)?,
            path,
        });
        first.get_or_insert(settings);
    }
    Ok((workspace::open(sources)?, first.unwrap_or_default()))
}

/// The settings of `--all`, which name at least one workspace.
///
/// # Errors
/// [`Error::Usage`] when they name none, or when `--db` is given too.
pub(crate) fn every_workspace(cli: &Cli) -> Result<Settings> {
    if !cli.db.is_empty() {
        return Err(Error::Usage {
            what: "--all uses the archives in the settings and cannot be combined with --db".to_owned(),
            hint: Some("remove one of them; --config sets the settings file".to_owned()),
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
                "add a [[workspace]] with name, archive and api_key_file for each; see docs/workspaces.md"
                    .to_owned(),
            ),
        });
    }
    Ok(settings)
}

/// The question for a manifest, with the state of each workspace.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn combined_provenance(
    question: &str,
    workspaces: &[Workspace],
    ledgers: &[Ledger<'_>],
) -> Result<Provenance> {
    let mut each = Vec::with_capacity(ledgers.len());
    for (Workspace { archive, .. }, ledger) in workspaces.iter().zip(ledgers) {
        each.push(provenance(question.to_owned(), ledger.scope(), archive)?);
    }
    let mut all = each.first().cloned().unwrap_or_default();
    if let [_, _, ..] = each.as_slice() {
        all.workspaces = workspaces
            .iter()
            .zip(&each)
            .map(|(workspace, provenance)| WorkspaceProvenance {
                workspace: workspace.name.clone(),
                as_of: provenance.as_of.clone(),
                known_at: provenance.known_at.clone(),
                close_state: provenance.close_state.clone(),
                closed_by: provenance.closed_by.clone(),
                close_note: provenance.close_note.clone(),
                cost_centers: provenance.cost_centers.clone(),
            })
            .collect();
        // These differ between workspaces, so they are not properties of the whole.
        (all.as_of, all.known_at, all.close_state, all.closed_at) = (None, None, None, None);
        all.cost_centers = Vec::new();
        (all.closed_by, all.close_note) = (None, None);
    }
    Ok(all)
}
