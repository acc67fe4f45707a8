//! This is `runledger datasette-metadata`: it writes what Datasette shows of archives beside their rows.

use crate::cli::OutputArgs;
use crate::error::{Error, Result};
use crate::export::Destination;
use crate::export::datasette::{ServedArchive, write};
use crate::settings;
use crate::store::Archive;
use clap::Args;
use std::path::PathBuf;

/// `runledger datasette-metadata`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger datasette-metadata --output meta.json && datasette runledger.db --metadata meta.json")]
pub struct DatasetteArgs {
    /// Where the metadata goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Writes the metadata of each archive that `--db` names.
///
/// # Errors
/// [`Error::Usage`] when two archives would have one name. [`Error::Archive`] for one that cannot be read.
pub fn run(args: &DatasetteArgs, db: &[PathBuf]) -> Result<()> {
    let paths = if db.is_empty() { vec![settings::archive(None).value] } else { db.to_vec() };
    let mut served: Vec<ServedArchive> = Vec::with_capacity(paths.len());
    for path in paths {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if served.iter().any(|other| other.name == name) {
            return Err(Error::Usage {
                what: format!("two archives are called {name}, and Datasette tells archives by their names"),
                hint: Some("serve them from files of different names".to_owned()),
            });
        }
        let archive = Archive::open_for_reading(&path)?;
        let tables = archive.described().map_err(|error| error.in_archive(&path))?;
        served.push(ServedArchive { name, tables });
    }
    Destination::at(args.output.output.as_deref()).write(|out| Ok(write(&served, out)?))
}
