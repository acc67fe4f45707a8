//! `runledger verify-file`: verifies an exported file against its manifest, without the archive.

use crate::cli::OutcomeArgs;
use crate::commands::shared::outcome::print_checks;
use crate::error::{Error, Result};
use crate::export::manifest::Manifest;
use crate::export::verify::compare;
use clap::Args;
use std::path::PathBuf;

/// The arguments of `runledger verify-file`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger export runs --manifest --output rows.csv
  runledger verify-file rows.csv
  runledger verify-file rows.csv --json")]
pub struct VerifyFileArgs {
    /// Exported file, with the NAME.manifest.json that --manifest wrote in the same folder
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// What to print.
    #[command(flatten)]
    pub outcome: OutcomeArgs,
}

/// Prints one line per check, or JSON.
///
/// # Errors
/// [`Error::Usage`] when the file or the manifest cannot be read, [`Error::Partial`] when a check fails.
pub(super) fn run(args: &VerifyFileArgs) -> Result<()> {
    let path = &args.file;
    let manifest = Manifest::for_file(path)?;
    let findings = compare(path, &manifest)
        .map_err(|cause| Error::usage(format!("cannot read {}: {cause}", path.display())))?;
    let differing = print_checks(path, &findings, args.outcome)?;
    if differing == 0 {
        return Ok(());
    }
    Err(Error::Partial {
        what: format!(
            "{} does not match its manifest: {differing} of {} checks differ",
            path.display(),
            findings.len()
        ),
    })
}
