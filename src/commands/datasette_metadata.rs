//! `runledger datasette-metadata`: writes metadata that Datasette displays for archives.

use crate::cli::{FileType, OutputArgs, require_type};
use crate::error::{Error, Result};
use crate::export::Destination;
use crate::export::datasette::{ServedArchive, write};
use crate::settings;
use crate::store::Archive;
use clap::Args;
use std::path::PathBuf;

/// The arguments of `runledger datasette-metadata`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger datasette-metadata --output meta.json")]
pub struct DatasetteArgs {
    /// The destination.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Writes the metadata of each archive given by `--db`.
///
/// # Errors
/// [`Error::Usage`] when two archives have the same name. [`Error::Archive`] for one that cannot be read.
pub(super) fn run(args: &DatasetteArgs, db: &[PathBuf]) -> Result<()> {
    require_type(args.output.output.as_deref(), FileType::Json, "datasette-metadata")?;
    let paths = if db.is_empty() { vec![settings::archive(None)?.value] } else { db.to_vec() };
    let mut served: Vec<ServedArchive> = Vec::with_capacity(paths.len());
    for path in paths {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if served.iter().any(|other| other.name == name) {
            return Err(Error::Usage {
                what: format!(
                    "two archives are named {name}, and Datasette identifies an archive by its file name"
                ),
                hint: Some("copy one to a file with another name".to_owned()),
            });
        }
        let archive = Archive::open_for_reading(&path)?;
        let tables = archive.data_dictionary().map_err(|error| error.in_archive(&path))?;
        served.push(ServedArchive { name, tables });
    }
    Destination::at(args.output.output.as_deref()).write(|out| Ok(write(&served, out)?))
}
