//! The check of a folder of statements: its files are unchanged, and add up to the close of their month.

use super::figures::{Figures, usd};
use super::folder::files_of_statements;
use super::index::{INDEX_FILE, Identity, Index, IndexedArchive, IndexedStatement};
use super::{Statements, statements};
use crate::digest::{hash, to_hex};
use crate::error::{Error, Result};
use crate::export::manifest::{ColumnSum, Manifest, WrittenFile, manifest_path};
use crate::export::verify::{FileCheck, compare};
use crate::report::DateBasis;
use crate::report::scope::{AsOf, ScopeRequest};
use crate::run::Usd;
use crate::store::Close;
use crate::workspace::Workspace;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Compares each file with the index, the rows of each CSV with its manifest, their sums with the close of the month,
/// and each cost center with the archive. A month that is not closed is compared with `report cost`, as known now.
///
/// # Errors
/// [`Error::Usage`] when the folder has no statements, or those of other archives. Those of SQLite.
pub(crate) fn check(folder: &Path, workspaces: &[Workspace]) -> Result<Vec<FileCheck>> {
    let index = Index::read(folder)?.ok_or_else(|| Error::Usage {
        what: format!("{} has no statements: there is no {INDEX_FILE} in it", folder.display()),
        hint: Some("write them with `runledger statements --period MONTH --output DIR`".to_owned()),
    })?;
    let closes = closes(&index.identity, workspaces)?;
    let now = statements(workspaces, &request(&index, &closes)?)?;
    let current = Index::new(&now, workspaces, index.asked.clone())?;
    if let Some(difference) = index.identity.difference(&current.identity) {
        return Err(Error::Usage {
            what: format!("{} has statements of {difference}", folder.display()),
            hint: Some(
                "give the archives that they were written from, with --db or --all, or write them again"
                    .to_owned(),
            ),
        });
    }
    let mut checks = Vec::new();
    let sum = check_files(folder, &index, &mut checks);
    checks.extend(unlisted(folder, &index)?);
    checks.extend(closes_since(&index.identity, &closes));
    let (expected, origin) = expected(&now, workspaces, &closes);
    for ((column, found), (_, expected)) in sum.named().into_iter().zip(expected.named()) {
        checks.push(match found == expected {
            true => FileCheck::Matches(format!("sum of {column}: {found}, as in {origin}")),
            false => FileCheck::Differs(format!("sum of {column}: {found}, but {expected} in {origin}")),
        });
    }
    checks.extend(check_centers(&index, &now));
    Ok(checks)
}

/// The closes of the month, one for each archive. `None`: the month is open there.
fn closes(identity: &Identity, workspaces: &[Workspace]) -> Result<Vec<Option<Close>>> {
    workspaces.iter().map(|workspace| workspace.archive.close_of(&identity.period)).collect()
}

/// The question that the statements answer. A closed month has its own zone, date basis and moment.
fn request(index: &Index, closes: &[Option<Close>]) -> Result<ScopeRequest> {
    let identity = &index.identity;
    let month = ScopeRequest { period: Some(identity.period.clone()), ..ScopeRequest::default() };
    if !closes.is_empty() && closes.iter().all(Option::is_some) {
        return Ok(month);
    }
    let unreadable = |what: &str, value: &str| {
        Error::usage(format!("{INDEX_FILE} has {what} that this version does not know: {value}"))
    };
    let zone = identity.zone.parse().map_err(|_| unreadable("a time zone", &identity.zone))?;
    let date_basis = DateBasis::named(&identity.date_basis)
        .ok_or_else(|| unreadable("a date basis", &identity.date_basis))?;
    let as_of = index.as_of.as_deref().map(AsOf::parse).transpose()?;
    Ok(ScopeRequest { zone: Some(zone), date_basis: Some(date_basis), as_of, ..month })
}

/// Checks the files of each statement, and adds up the rows of the CSV files that match their manifest.
fn check_files(folder: &Path, index: &Index, checks: &mut Vec<FileCheck>) -> Figures {
    let mut sum = Figures::default();
    for statement in &index.statements {
        let mut differences: Vec<String> =
            statement.files.iter().filter_map(|file| changed(folder, file)).collect();
        match figures_of_rows(folder, statement) {
            Ok(figures) => {
                sum.add(figures);
                if figures != statement.figures.of_month() {
                    differences.push(format!("{figures} in its rows"));
                }
            }
            Err(difference) => differences.push(difference),
        }
        let name = &statement.cost_center;
        checks
            .extend(differences.iter().map(|difference| FileCheck::Differs(format!("{name}: {difference}"))));
        if differences.is_empty() {
            checks.push(FileCheck::Matches(format!("{name}: {}", statement.figures.of_month())));
        }
    }
    sum
}

/// How a file differs from the index. `None`: it does not.
fn changed(folder: &Path, file: &WrittenFile) -> Option<String> {
    match fs::read(folder.join(&file.name)) {
        Ok(bytes) if to_hex(&hash(&bytes)) == file.sha256 => None,
        Ok(_) => Some(format!("{} was changed", file.name)),
        Err(cause) => Some(format!("{} cannot be read: {cause}", file.name)),
    }
}

/// The sums of the rows of a statement's CSV, which match its manifest. The error is a difference.
fn figures_of_rows(folder: &Path, statement: &IndexedStatement) -> Result<Figures, String> {
    let manifest_name = |file: &WrittenFile| manifest_path(Path::new(&file.name));
    let listed = |name: &Path| statement.files.iter().any(|file| Path::new(&file.name) == name);
    // The file with a manifest is the one that the manifest's name comes from and that is no manifest itself.
    let csv = statement
        .files
        .iter()
        .find(|file| file.name.ends_with(".csv") && listed(&manifest_name(file)))
        .ok_or("it has no CSV with a manifest")?;
    let path = folder.join(&csv.name);
    let manifest = Manifest::for_file(&path).map_err(|error| error.on_one_line())?;
    if manifest.provenance.cost_center.as_deref() != Some(&statement.cost_center) {
        return Err(format!("{} is the statement of another cost center", csv.name));
    }
    let compared =
        compare(&path, &manifest).map_err(|cause| format!("{} cannot be read: {cause}", csv.name))?;
    for check in compared {
        if let FileCheck::Differs(difference) = check {
            return Err(format!("{}: {difference}", csv.name));
        }
    }
    figures_of(&manifest.sums).ok_or_else(|| format!("{} lacks sums", csv.name))
}

/// The figures in the sums of a manifest. `None`: one is missing.
fn figures_of(sums: &[ColumnSum]) -> Option<Figures> {
    let sum = |column: &str| sums.iter().find(|sum| sum.column == column);
    let count = |column: &str| match &sum(column)?.sum {
        Some(count) => count.parse::<u64>().ok(),
        // A statement without rows.
        None => Some(0),
    };
    let total_cost: Option<Usd> = match &sum("total_cost_usd")?.sum {
        Some(amount) => Some(usd(amount)?),
        None => None,
    };
    Some(Figures { runs: count("runs")?, runs_cost_unknown: count("runs_cost_unknown")?, total_cost })
}

/// The files of statements that the index does not list.
fn unlisted(folder: &Path, index: &Index) -> Result<Vec<FileCheck>> {
    let files = files_of_statements(folder)
        .map_err(|cause| Error::usage(format!("cannot read {}: {cause}", folder.display())))?;
    let listed: BTreeSet<&str> = index
        .statements
        .iter()
        .flat_map(|statement| &statement.files)
        .map(|file| file.name.as_str())
        .collect();
    let unlisted = files.iter().filter(|file| !listed.contains(file.as_str()));
    Ok(unlisted.map(|file| FileCheck::Differs(format!("{INDEX_FILE} does not list {file}"))).collect())
}

/// The closes of the month that were made after the statements were written. Archives can be in another order.
fn closes_since(identity: &Identity, closes: &[Option<Close>]) -> Vec<FileCheck> {
    let mut written: Vec<Option<i64>> =
        identity.archives.iter().map(|IndexedArchive { close_id, .. }| *close_id).collect();
    let mut now: Vec<Option<i64>> =
        closes.iter().map(|close| close.as_ref().map(|close| close.close_id)).collect();
    written.sort_unstable();
    now.sort_unstable();
    let period = &identity.period;
    let describe = |ids: &[Option<i64>]| {
        let each =
            ids.iter().map(|id| id.map_or_else(|| "not closed".to_owned(), |id| format!("close {id}")));
        each.collect::<Vec<_>>().join(", ")
    };
    match written == now {
        true if now.iter().all(Option::is_some) => {
            vec![FileCheck::Matches(format!("{period}: {}", describe(&now)))]
        }
        true => vec![FileCheck::Skipped(format!("{period} is not closed: compared with `report cost`"))],
        false => vec![FileCheck::Differs(format!(
            "{period}: {} when they were written, {} now",
            describe(&written),
            describe(&now)
        ))],
    }
}

/// What the statements have to add up to, and where it comes from.
fn expected(now: &Statements, workspaces: &[Workspace], closes: &[Option<Close>]) -> (Figures, String) {
    let of_report = Figures::of(&now.whole.all.new);
    let Some(closed) = closes.iter().map(Option::as_ref).collect::<Option<Vec<&Close>>>() else {
        return (of_report, "report cost".to_owned());
    };
    let mut figures = Figures::default();
    for close in &closed {
        let totals = &close.frozen.totals;
        figures.add(Figures {
            runs: totals.runs,
            runs_cost_unknown: totals.runs_cost_unknown,
            total_cost: totals.total_cost_nanos.map(|nanos| Usd::from_units(nanos.into())),
        });
    }
    let names = closed.iter().zip(workspaces).map(|(close, workspace)| match workspaces.len() {
        1 => format!("close {}", close.close_id),
        _ => format!("close {} of {}", close.close_id, workspace.name),
    });
    (figures, names.collect::<Vec<_>>().join(" and "))
}

/// Compares each cost center with the archive. The month before may have changed since, which is no fault of the
/// statements.
fn check_centers(index: &Index, now: &Statements) -> Vec<FileCheck> {
    let mut checks = Vec::new();
    let written: BTreeMap<&str, &IndexedStatement> =
        index.statements.iter().map(|statement| (statement.cost_center.as_str(), statement)).collect();
    let current: BTreeMap<&str, _> = now
        .statements
        .iter()
        .map(|statement| (statement.cost_center.as_str(), &statement.change.all))
        .collect();
    let mut has_changed_before = false;
    for cost_center in written.keys().chain(current.keys()).copied().collect::<BTreeSet<&str>>() {
        let own = written.get(cost_center).map(|statement| &statement.figures);
        let group = current.get(cost_center);
        let (was, is) = (
            own.map(|own| own.of_month()).unwrap_or_default(),
            group.map(|group| Figures::of(&group.new)).unwrap_or_default(),
        );
        if was != is {
            checks.push(FileCheck::Differs(format!(
                "{cost_center}: {was} in its statement, {is} in the archive"
            )));
        }
        let before = own.map(|own| own.of_month_before()).unwrap_or_default();
        has_changed_before |= before != group.map(|group| Figures::of(&group.old)).unwrap_or_default();
    }
    if checks.is_empty() {
        checks.push(FileCheck::Matches("each cost center: as in the archive".to_owned()));
    }
    if has_changed_before {
        checks.push(FileCheck::Skipped(format!(
            "{} has changed since, which the statements compare with: write them again to adopt that",
            index.identity.against
        )));
    }
    checks
}
