//! The index of a folder of statements, `statements.json`: which files each cost center has, with hashes and sums.

use super::Statements;
use super::figures::IndexedFigures;
use super::file_name::month_of;
use crate::error::{Error, Result};
use crate::export::manifest::{Provenance, WrittenFile};
use crate::report::Scope;
use crate::report::ledger::{first_run_id, first_sync_at};
use crate::run::Instant;
use crate::workspace::Workspace;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::Path;

/// The name of the index file.
pub const INDEX_FILE: &str = "statements.json";

/// The version of the layout of the folder and of its index.
const VERSION: u32 = 1;

/// The content of `statements.json`. Instants are UTC in the archive's format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Index {
    statements_version: u32,
    #[serde(flatten)]
    pub(super) identity: Identity,
    /// The as-of instant that was asked for. `None`: none was.
    pub(super) as_of: Option<String>,
    /// All cost centers together.
    pub(super) total: IndexedFigures,
    /// The statements, `unallocated` last.
    pub(super) statements: Vec<IndexedStatement>,
    /// The query.
    pub(super) asked: Provenance,
    /// The version of the program that wrote the statements.
    program_version: String,
}

/// What all files of a folder have in common. Statements of another identity are never mixed with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    /// The month.
    pub(super) period: String,
    /// The month compared with.
    pub(super) against: String,
    /// The time zone of the months.
    pub(super) zone: String,
    /// The date that books a run.
    pub(super) date_basis: String,
    /// The archives, in the order in which they were given.
    pub(super) archives: Vec<IndexedArchive>,
}

/// An archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct IndexedArchive {
    /// The name of the workspace.
    pub(super) workspace: String,
    /// The start of the archive's first sync. With the first run, it identifies an archive under any name. `None`: it
    /// has no sync.
    pub(super) began_at: Option<String>,
    /// The id of the run that the archive stored first. `None`: it has no run.
    pub(super) first_run_id: Option<String>,
    /// The close that answers for the month. `None`: the month was not closed.
    pub(super) close_id: Option<i64>,
}

/// A statement, with its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct IndexedStatement {
    /// The cost center.
    pub(super) cost_center: String,
    #[serde(flatten)]
    pub(super) figures: IndexedFigures,
    /// The files.
    pub(super) files: Vec<WrittenFile>,
}

/// The field that the index of every version has.
#[derive(Deserialize)]
struct IndexVersion {
    statements_version: u32,
}

impl Index {
    /// The index of statements without their files.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(super) fn new(statements: &Statements, workspaces: &[Workspace], asked: Provenance) -> Result<Index> {
        let whole = &statements.whole;
        let scopes: Vec<&Scope> = whole.scopes.iter().map(|scopes| &scopes.period).collect();
        let mut archives = Vec::with_capacity(workspaces.len());
        for (Workspace { name, archive, .. }, scope) in workspaces.iter().zip(&scopes) {
            archives.push(IndexedArchive {
                workspace: name.clone(),
                began_at: first_sync_at(archive.connection())?.map(|at| at.to_string()),
                first_run_id: first_run_id(archive.connection())?,
                close_id: scope.close_id,
            });
        }
        let first = scopes.first();
        let as_of = first.filter(|scope| scope.close_id.is_none()).and_then(|scope| scope.as_of);
        Ok(Index {
            statements_version: VERSION,
            identity: Identity {
                period: whole.period.clone(),
                against: whole.against.clone(),
                zone: first.map(|scope| scope.zone.name().to_owned()).unwrap_or_default(),
                date_basis: first.map(|scope| scope.date.as_str().to_owned()).unwrap_or_default(),
                archives,
            },
            as_of: as_of.map(|at: Instant| at.to_string()),
            total: IndexedFigures::of(&whole.all),
            statements: Vec::with_capacity(statements.statements.len()),
            asked,
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    /// Reads the index of the folder. `None`: it has none.
    ///
    /// # Errors
    /// [`Error::Usage`] when the file is no such index, or one of a newer version; when it cannot be read.
    pub(super) fn read(folder: &Path) -> Result<Option<Index>> {
        let path = folder.join(INDEX_FILE);
        let unusable = |what: String, hint: &str| Error::Usage { what, hint: Some(hint.to_owned()) };
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(Error::usage(format!("cannot read {}: {cause}", path.display()))),
        };
        let version = serde_json::from_slice::<IndexVersion>(&text).map(|index| index.statements_version);
        if version.as_ref().is_ok_and(|version| *version > VERSION) {
            return Err(unusable(
                format!("{} was written by a newer version of runledger", path.display()),
                "use that version, or another folder",
            ));
        }
        let index: Index = serde_json::from_slice(&text).map_err(|cause| {
            unusable(
                format!("{} is not an index of statements: {cause}", path.display()),
                "give another folder, or move that file elsewhere",
            )
        })?;
        // An edited index must not make other files a part of the statements.
        let mut files = index.statements.iter().flat_map(|statement| &statement.files);
        match files.find(|file| month_of(&file.name) != Some(&index.identity.period)) {
            None => Ok(Some(index)),
            Some(file) => Err(unusable(
                format!("{} lists {}, which is no file of a statement", path.display(), file.name),
                "give another folder, or move that file elsewhere",
            )),
        }
    }

    /// The index as indented JSON.
    pub(super) fn json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).expect("an index is JSON");
        json.push(b'\n');
        json
    }
}

impl Identity {
    /// What the statements of another identity have in another way: `2026-09, not 2026-10`. `None`: both are the same.
    /// An archive is the same one after a rename, and in any order.
    pub(super) fn difference(&self, other: &Identity) -> Option<String> {
        let archives = |identity: &Identity| {
            let archives = identity.archives.iter();
            let mut archives: Vec<_> =
                archives.map(|archive| (archive.began_at.clone(), archive.first_run_id.clone())).collect();
            archives.sort_unstable();
            archives
        };
        let differs = |name: &str, own: &str, other: &str| {
            (own != other).then(|| format!("{name}{own}, not {name}{other}"))
        };
        differs("", &self.period, &other.period)
            .or_else(|| differs("the time zone ", &self.zone, &other.zone))
            .or_else(|| differs("the date basis ", &self.date_basis, &other.date_basis))
            .or_else(|| {
                let workspaces = |identity: &Identity| {
                    let names = identity.archives.iter().map(|archive| archive.workspace.as_str());
                    names.collect::<Vec<_>>().join(", ")
                };
                (archives(self) != archives(other)).then(|| {
                    let (own, other) = (workspaces(self), workspaces(other));
                    match own == other {
                        true => format!("another archive called {own}"),
                        false => format!("the archive of {own}, not of {other}"),
                    }
                })
            })
    }
}
