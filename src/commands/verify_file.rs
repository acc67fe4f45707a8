//! This is `runledger verify-file`: a written file, held against its manifest without the archive.

use crate::commands::shared::output::say;
use crate::error::{Error, Result};
use crate::escape::escape_control;
use crate::export::manifest::Manifest;
use crate::export::verify::{FileCheck, compare};
use clap::Args;
use std::path::PathBuf;

/// `runledger verify-file`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger export runs --manifest --output rows.csv
  runledger verify-file rows.csv")]
pub struct VerifyFileArgs {
    /// The file, with NAME.manifest.json beside it as --manifest wrote it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Tells line by line what holds and what does not.
///
/// # Errors
/// [`Error::Usage`] when file or manifest cannot be read, [`Error::Partial`] when the manifest does not hold.
pub fn run(args: &VerifyFileArgs) -> Result<()> {
    let path = &args.file;
    let manifest = Manifest::for_file(path)?;
    let findings = compare(path, &manifest)
        .map_err(|cause| Error::usage(format!("{} cannot be read: {cause}", path.display())))?;
    let mut differing = 0;
    for finding in &findings {
        let (word, told) = match finding {
            FileCheck::Matches(told) => ("holds  ", told),
            FileCheck::Differs(told) => ("DIFFERS", told),
            FileCheck::Skipped(told) => ("-      ", told),
        };
        differing += u32::from(matches!(finding, FileCheck::Differs(_)));
        say(&format!("{word}  {}", escape_control(told)))?;
    }
    if differing == 0 {
        return Ok(());
    }
    Err(Error::Partial {
        what: format!(
            "{} is not the file that its manifest describes: {differing} of {} findings differ",
            path.display(),
            findings.len()
        ),
    })
}
