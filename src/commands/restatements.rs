//! This is `runledger restatements`: what became known of closed months after their close.

use super::scope::as_of;
use crate::cli::{RestatementsArgs, TableFormat};
use crate::error::{Error, Result};
use crate::export::{Destination, csv, json, markdown, terminal};
use crate::report::restated;
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
    Destination::at(args.output.output.as_deref()).write(|out| {
        Ok(match args.format {
            TableFormat::Table => terminal::write_table(&table, out),
            TableFormat::Csv => csv::write_table(&table, out),
            TableFormat::Json => json::write_table(&table, out),
            TableFormat::Markdown => markdown::write_table(&table, out),
        }?)
    })
}
