//! Export destinations: files are replaced atomically, links and devices are kept.

use crate::support::ledger;
use chrono_tz::Tz;
use runledger::internal::error::{Error, Result};
use runledger::internal::export::column_totals::ColumnTotals;
use runledger::internal::export::json::Layout;
use runledger::internal::export::terminal::{self, Screen};
use runledger::internal::export::{Destination, Dialect, WriteError, csv, json, markdown};
use runledger::internal::report::rows;
use runledger::internal::report::table::USD_DECIMALS;
use runledger::internal::report::{Dimension, Span, cost};
use std::fs;
use std::path::Path;

const ALWAYS: Span = Span { from: None, until: None };

fn write_to(path: &Path, text: &str) -> Result<()> {
    Destination::at(Some(path)).write(|out| Ok(out.write_all(text.as_bytes())?))
}

#[test]
fn a_file_is_replaced_atomically_without_leftovers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cost.csv");
    write_to(&path, "old").unwrap();
    write_to(&path, "new").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_failed_write_keeps_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cost.csv");
    write_to(&path, "old").unwrap();
    let failed = Destination::at(Some(&path)).write(|out| {
        out.write_all(b"half of the n")?;
        Err(std::io::Error::other("no space left").into())
    });
    assert_eq!(failed.unwrap_err().exit_code(), 7);
    let failed = Destination::at(Some(&path)).write(|_| Err(Error::usage("stop").into()));
    assert_eq!(failed.unwrap_err().exit_code(), 2);
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// A pipe that the reader has closed.
struct ClosedPipe;

impl std::io::Write for ClosedPipe {
    fn write(&mut self, _bytes: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }
}

#[test]
fn every_format_recognizes_a_closed_pipe() {
    let archive = ledger::small();
    let ledger = ledger::opened(&archive, &ALWAYS, Tz::UTC);
    let selection = || rows::snapshots(&ledger).unwrap();
    let table = cost::report(&ledger, &[Dimension::Status]).unwrap();
    let tally = &mut ColumnTotals::default();
    for failed in [
        csv::write_rows(&mut selection(), &Dialect::MACHINE, USD_DECIMALS, tally, &mut ClosedPipe)
            .unwrap_err(),
        json::write_rows(&mut selection(), Layout::Array, USD_DECIMALS, tally, &mut ClosedPipe).unwrap_err(),
        json::write_rows(&mut selection(), Layout::Lines, USD_DECIMALS, tally, &mut ClosedPipe).unwrap_err(),
        csv::write_table(&table, &Dialect::MACHINE, USD_DECIMALS, &mut ClosedPipe).unwrap_err().into(),
        json::write_table(&table, Layout::Array, USD_DECIMALS, &mut ClosedPipe).unwrap_err().into(),
        terminal::write_answer(&table, None, None, &Screen::FILE, &mut ClosedPipe).unwrap_err().into(),
        markdown::write_table(&table, USD_DECIMALS, &mut ClosedPipe).unwrap_err().into(),
    ] {
        assert!(matches!(failed, WriteError::Io(error) if error.kind() == std::io::ErrorKind::BrokenPipe));
    }
}

#[test]
fn a_folder_that_does_not_exist_is_an_output_error() {
    let folder = tempfile::tempdir().unwrap();
    let failed = write_to(&folder.path().join("none/cost.csv"), "new").unwrap_err();
    assert_eq!(failed.exit_code(), 7);
    assert!(failed.to_string().contains("cost.csv was not written"), "{failed}");
    assert_eq!(write_to(folder.path(), "new").unwrap_err().exit_code(), 7);
}

#[cfg(unix)]
#[test]
fn links_and_devices_are_written_in_place() {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (file, link, plain) =
        (folder.path().join("file"), folder.path().join("link"), folder.path().join("plain"));
    write_to(&file, "old").unwrap();
    symlink(&file, &link).unwrap();
    write_to(&link, "new").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&file).unwrap(), "new");

    let (dangling, later) = (folder.path().join("dangling"), folder.path().join("later"));
    symlink("later", &dangling).unwrap();
    for text in ["first", "second"] {
        write_to(&dangling, text).unwrap();
        assert!(fs::symlink_metadata(&dangling).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&later).unwrap(), text);
    }

    write_to(Path::new("/dev/null"), "new").unwrap();
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());

    // The same permissions as any other file of this process.
    fs::write(&plain, "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&file), mode(&plain));
}
