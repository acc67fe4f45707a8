//! `runledger verify-file`: verifies an exported file against its manifest, without the archive.

use crate::commands::shared::output::print_line;
use crate::error::{Error, Result};
use crate::escape::escape_control;
use crate::export::manifest::Manifest;
use crate::export::verify::{FileCheck, compare};
use clap::Args;
use std::path::PathBuf;

/// The arguments of `runledger verify-file`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger export runs --manifest --output rows.csv
  runledger verify-file rows.csv")]
pub struct VerifyFileArgs {
    /// Exported file, with the NAME.manifest.json that --manifest wrote in the same folder
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Prints one line per check.
///
/// # Errors
/// [`Error::Usage`] when the file or the manifest cannot be read, [`Error::Partial`] when a check fails.
pub(super) fn run(args: &VerifyFileArgs) -> Result<()> {
    let path = &args.file;
    let manifest = Manifest::for_file(path)?;
    let findings = compare(path, &manifest)
        .map_err(|cause| Error::usage(format!("cannot read {}: {cause}", path.display())))?;
    let mut differing = 0;
    for finding in &findings {
        let (label, text) = match finding {
            FileCheck::Matches(text) => ("ok     ", text),
            FileCheck::Differs(text) => ("DIFFERS", text),
            FileCheck::Skipped(text) => ("-      ", text),
        };
        differing += u32::from(matches!(finding, FileCheck::Differs(_)));
        print_line(&format!("{label}  {}", escape_control(text)))?;
    }
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
