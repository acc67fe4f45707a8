//! This is `runledger restatements`: what became known of closed months after their close.

use super::scope::as_of;
use super::writing::{asked, format_of_table, writing};
use crate::cli::RestatementsArgs;
use crate::error::{Error, Result};
use crate::export::manifest::Asked;
use crate::export::{Destination, write_table};
use crate::report::{Scope, restated};
use crate::settings::Settings;
use crate::store::{Archive, Close};
use std::path::Path;

/// Lists what became known, or one row a month. Of a month that was closed again the latest close answers.
///
/// # Errors
/// [`Error::Usage`] when the month that is asked for is not closed.
pub fn run(args: &RestatementsArgs, path: &Path, settings: &Settings) -> Result<()> {
    let archive = Archive::open_for_reading(path)?;
    let zone = settings.zone(None)?.value;
    let now = args.as_of.as_deref().map(|moment| as_of(moment, zone)).transpose()?;
    let closes: Vec<Close> = match &args.period {
        Some(period) => {
            vec![archive.close_of(period)?.ok_or_else(|| Error::Usage {
                what: format!("--period {period}: it is not closed"),
                hint: Some("`runledger close` lists the closed months".to_owned()),
            })?]
        }
        None => restated::latest(archive.closes()?),
    };
    let table = match args.totals {
        true => restated::summed(archive.connection(), &closes, now)?,
        false => restated::listed(archive.connection(), &closes, now)?,
    };
    let scope = Scope { as_of: now, zone, ..Scope::default() };
    let asked = Asked { period: args.period.clone(), ..asked("restatements".to_owned(), &scope, &archive)? };
    let writing = writing(&args.writing, settings, format_of_table(args.format, zone), zone, asked)?;
    write_table(&table, &writing, &Destination::at(args.output.output.as_deref()))
}
