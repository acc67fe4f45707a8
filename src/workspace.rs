//! Archives of several workspaces: opened together, checked for overlap, combined in one answer.

mod budget;
mod change;

pub(crate) use budget::{WorkspaceBudgets, budgets_of};
pub(crate) use change::{change, ledgers_of};

use crate::error::{Error, Result};
use crate::report::budget::Budget;
use crate::report::filter::{RunFilter, require_known};
use crate::report::latest_close::LatestClose;
use crate::report::scope::{ScopeDefaults, ScopeRequest};
use crate::report::{Ledger, Scope, Table};
use crate::store::{Archive, SecondConnection};
use crate::symlinks::same_file;
use std::path::{Path, PathBuf};

/// An archive to open.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The archive file.
    pub path: PathBuf,
    /// The name of the workspace. `None`: the file's name without its extension.
    pub name: Option<String>,
    /// The scope that applies where a question is silent.
    pub defaults: ScopeDefaults,
    /// Its budgets.
    pub budgets: Vec<Budget>,
}

/// A workspace of Nekt, with its archive open for reading.
#[derive(Debug)]
pub struct Workspace {
    /// Its name, unique among the workspaces of a question.
    pub name: String,
    /// The archive.
    pub archive: Archive,
    /// The scope that applies where a question is silent.
    pub defaults: ScopeDefaults,
    /// Its budgets.
    pub budgets: Vec<Budget>,
}

/// Opens each archive for reading.
///
/// # Errors
/// [`Error::Usage`] when two archives contain the same run, whose cost would count twice, or have the same name.
/// [`Error::Archive`] when one is unreadable.
pub fn open(sources: Vec<Source>) -> Result<Vec<Workspace>> {
    let names = names(&sources.iter().map(|source| source.path.as_path()).collect::<Vec<_>>());
    let mut workspaces: Vec<Workspace> = Vec::with_capacity(sources.len());
    for (source, file_name) in sources.into_iter().zip(names) {
        let Source { path, name, defaults, budgets } = source;
        let archive = Archive::open_for_reading(&path)?;
        let workspace = Workspace { name: name.unwrap_or(file_name), archive, defaults, budgets };
        for other in &workspaces {
            check_disjoint(other, &workspace)?;
        }
        workspaces.push(workspace);
    }
    Ok(workspaces)
}

/// A name for each path: `acme` for `acme.db`, or `acme/runs` where several files are called `runs`.
fn names(paths: &[&Path]) -> Vec<String> {
    let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = |path: &&Path| {
        let own = stem(path);
        let is_unique = paths.iter().filter(|other| stem(other) == own).count() == 1;
        match path.parent().and_then(Path::file_name) {
            Some(folder) if !is_unique => format!("{}/{own}", folder.to_string_lossy()),
            _ => own,
        }
    };
    paths.iter().map(name).collect()
}

fn check_disjoint(one: &Workspace, other: &Workspace) -> Result<()> {
    let (path, other_path) = (one.archive.path(), other.archive.path());
    if same_file(path, other_path) {
        return Err(Error::Usage {
            what: format!("{} and {} are one archive", one.name, other.name),
            hint: Some(format!("give {} once", path.display())),
        });
    }
    if let Some(run) = one.archive.shared_run(&other.archive)? {
        return Err(Error::Usage {
            what: format!(
                "{} and {} both contain the run {run}: they belong to one workspace, and its costs would count twice",
                path.display(),
                other_path.display()
            ),
            hint: Some("give one --db for each workspace".to_owned()),
        });
    }
    if one.name == other.name {
        return Err(Error::Usage {
            what: format!("{} and {} have the same name: {}", path.display(), other_path.display(), one.name),
            hint: Some("name each in the settings, as a [[workspace]] with name and archive".to_owned()),
        });
    }
    Ok(())
}

/// Freezes the state that each archive is read in, until the guards are dropped.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn read_transactions(workspaces: &[Workspace]) -> Result<Vec<impl Drop + '_>> {
    Ok(read_in_threads(workspaces, false)?.0)
}

/// The same, with a second connection to each archive, for another thread, if there are `two`.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn read_in_threads(
    workspaces: &[Workspace],
    two: bool,
) -> Result<(Vec<impl Drop + '_>, Vec<SecondConnection>)> {
    let (mut own, mut second) = (Vec::with_capacity(workspaces.len()), Vec::new());
    for Workspace { archive, .. } in workspaces {
        if two {
            let connections = archive.read_twice()?;
            own.push(connections.0);
            second.push(connections.1);
        } else {
            own.push(archive.connection().unchecked_transaction()?);
        }
    }
    Ok((own, second))
}

/// Opens the ledger of each workspace in the requested scope.
///
/// # Errors
/// [`Error::Usage`] when the request is invalid, or when two workspaces have different months: sums over both would mix
/// them.
pub(crate) fn ledgers<'w>(workspaces: &'w [Workspace], request: &ScopeRequest) -> Result<Vec<Ledger<'w>>> {
    let latest = shared_latest_close(workspaces, request)?;
    let mut scopes = Vec::with_capacity(workspaces.len());
    for Workspace { archive, defaults, .. } in workspaces {
        scopes.push(Scope::resolve_like(request, defaults, latest.as_ref(), archive)?);
    }
    if scopes.iter().any(|scope| scope.last.is_some()) {
        // All of them begin with the one that was synced last.
        let from = scopes.iter().filter_map(|scope| scope.span.from).max();
        scopes.iter_mut().for_each(|scope| scope.span.from = from);
    }
    require_known_values(workspaces, &request.filter, scopes.iter())?;
    in_scopes(workspaces, scopes)
}

/// Refuses a filter with a value that no workspace knows. Each workspace has as many scopes as the others.
fn require_known_values<'s>(
    workspaces: &[Workspace],
    filter: &RunFilter,
    scopes: impl Iterator<Item = &'s Scope>,
) -> Result<()> {
    let archives = workspaces.iter().map(|workspace| workspace.archive.connection()).cycle();
    require_known(filter, &scopes.zip(archives).collect::<Vec<_>>())
}

/// Opens the ledger of each workspace in its scope.
///
/// # Errors
/// As [`ledgers`].
fn in_scopes<'w>(
    workspaces: &'w [Workspace],
    scopes: impl IntoIterator<Item = Scope>,
) -> Result<Vec<Ledger<'w>>> {
    let mut ledgers: Vec<Ledger<'w>> = Vec::with_capacity(workspaces.len());
    for (Workspace { name, archive, .. }, scope) in workspaces.iter().zip(scopes) {
        let ledger = Ledger::open(archive.connection(), scope)
            .map_err(|error| error.in_archive(archive.path()))?
            .for_workspace(name);
        if let Some(first) = ledgers.first() {
            check_same_months(first, &ledger)?;
        }
        ledgers.push(ledger);
    }
    Ok(ledgers)
}

/// The close made last, whose zone and date basis all workspaces take where request and settings are silent. `None`:
/// there is no close, or those of two workspaces differ, which gives a warning.
fn shared_latest_close(workspaces: &[Workspace], request: &ScopeRequest) -> Result<Option<LatestClose>> {
    let mut found: Vec<(&str, LatestClose)> = Vec::new();
    for Workspace { name, archive, defaults, .. } in workspaces {
        let is_silent =
            request.zone.or(defaults.zone).is_none() || request.date_basis.or(defaults.date_basis).is_none();
        if is_silent && let Some(latest) = LatestClose::of(archive, request.as_of)? {
            found.push((name, latest));
        }
    }
    let Some((first_name, first)) = found.first() else { return Ok(None) };
    match found.iter().find(|(_, other)| (other.zone, other.date) != (first.zone, first.date)) {
        None => Ok(Some(first.clone())),
        Some((name, other)) => {
            tracing::warn!(
                "the latest closes differ: {first_name} in {} by {}, {name} in {} by {}; so neither is the default: \
                 give --zone and --date-basis, else UTC and started apply",
                first.zone,
                first.date.as_str(),
                other.zone,
                other.date.as_str()
            );
            Ok(None)
        }
    }
}

fn check_same_months(one: &Ledger<'_>, other: &Ledger<'_>) -> Result<()> {
    let months = |ledger: &Ledger<'_>| (ledger.scope().zone, ledger.scope().date);
    if months(one) == months(other) {
        return Ok(());
    }
    let describe = |ledger: &Ledger<'_>| {
        let (zone, date_basis) = months(ledger);
        let closed = if ledger.scope().close_id.is_some() { ", as it was closed" } else { "" };
        format!("{} by {} in {zone}{closed}", ledger.workspace(), date_basis.as_str())
    };
    let is_closed = [one, other].iter().any(|ledger| ledger.scope().close_id.is_some());
    let hint = if is_closed {
        "use --from and --until with --zone to ask about the same days without the closes"
    } else {
        "give --zone and --date-basis for all of them"
    };
    Err(Error::Usage {
        what: format!("the workspaces book runs differently: {}; {}", describe(one), describe(other)),
        hint: Some(hint.to_owned()),
    })
}

/// Appends the answers of the ledgers, with a column `workspace`. The answer of a single ledger stays as it is.
///
/// # Errors
/// Those of `answer`, which gets the index of the ledger and the ledger.
pub(crate) fn append_answers(
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Cell, cost};
    use crate::run::Instant;
    use crate::store::Lock;
    use chrono_tz::Tz;
    use tempfile::TempDir;

    /// An archive with one run that cost half a dollar.
    fn archive(folder: &TempDir, file: &str, run_id: &str) -> Source {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let lock = Lock::acquire(&path, Instant::parse("2026-01-01T00:00:00Z").unwrap()).unwrap();
        let archive = Archive::open(&path, &lock).unwrap();
        let rows = format!(
            "INSERT INTO syncs (sync_id, kind, started_at, process_id, program_version, api_url, last_observed_at)
             VALUES (1, 'first', '2026-01-31T00:00:00.000000Z', 1, '0.1.0', 'http://h/',
                     '2026-01-31T00:00:01.000000Z');
             INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, started_at, status, el_cost_usd,
                                        el_cost_nanos, source)
             VALUES ('{run_id}', '2026-01-31T00:00:01.000000Z', 1, zeroblob(32), '2026-01-25T22:00:00.000000Z',
                     'success', 0.5, 500000000, 's-1');"
        );
        archive.connection().execute_batch(&rows).unwrap();
        Source { path, name: None, defaults: ScopeDefaults::default(), budgets: Vec::new() }
    }

    fn refused<T>(result: Result<T>) -> String {
        let error = result.map(|_| ()).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{error}");
        error.to_string()
    }

    #[test]
    fn costs_of_two_workspaces_add_up() {
        let folder = tempfile::tempdir().unwrap();
        let sources = vec![archive(&folder, "acme.db", "run-1"), archive(&folder, "globex.db", "run-2")];
        let workspaces = open(sources).unwrap();
        let _reading = read_transactions(&workspaces).unwrap();
        let ledgers = ledgers(&workspaces, &ScopeRequest::default()).unwrap();
        let each: Vec<_> = ledgers.iter().map(|ledger| cost::total(ledger).unwrap().runs).collect();
        assert_eq!(each, [1, 1]);
        let appended = append_answers(&ledgers, |index, _| {
            Ok(Table {
                columns: vec!["index".to_owned()],
                rows: vec![vec![Cell::count(index as u64)]],
                totals: None,
            })
        })
        .unwrap();
        assert_eq!(appended.columns, ["workspace", "index"]);
        assert_eq!(appended.rows[1], [Cell::text("globex"), Cell::count(1)]);
    }

    #[test]
    fn archives_with_a_common_run_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (one, copy) = (archive(&folder, "a.db", "run-1"), archive(&folder, "b.db", "run-1"));
        assert!(refused(open(vec![one.clone(), copy])).contains("both contain the run run-1"));
        assert!(refused(open(vec![one.clone(), one])).contains("are one archive"));
    }

    #[test]
    fn workspaces_have_unique_names() {
        let folder = tempfile::tempdir().unwrap();
        let named = |file: &str, run: &str, name: &str| Source {
            name: Some(name.to_owned()),
            ..archive(&folder, file, run)
        };
        let pair = vec![named("a.db", "run-1", "acme"), named("b.db", "run-2", "acme")];
        assert!(refused(open(pair)).ends_with("have the same name: acme"));

        let paths = ["acme/runs.db", "globex/runs.db", "other.db"].map(Path::new);
        assert_eq!(names(&paths), ["acme/runs", "globex/runs", "other"]);
    }

    #[test]
    fn workspaces_with_different_months_are_not_combined() {
        let folder = tempfile::tempdir().unwrap();
        let mut sources = vec![archive(&folder, "acme.db", "run-1"), archive(&folder, "globex.db", "run-2")];
        sources[1].defaults.zone = Some(Tz::America__Sao_Paulo);
        let workspaces = open(sources).unwrap();
        let error = refused(ledgers(&workspaces, &ScopeRequest::default()));
        assert!(error.ends_with("acme by started in UTC; globex by started in America/Sao_Paulo"), "{error}");
        let request = ScopeRequest { zone: Some(Tz::UTC), ..ScopeRequest::default() };
        assert_eq!(ledgers(&workspaces, &request).unwrap().len(), 2);
    }
}
