//! `runledger schema`: lists the tables that a query can read, or the columns of one.

use crate::cli::JsonArgs;
use crate::commands::shared::output::print_plain_table;
use crate::error::{Error, Result};
use crate::report::{Cell, Table};
use crate::store::{Archive, TableDescription};
use crate::suggest::did_you_mean;
use clap::Args;
use std::path::Path;

/// The arguments of `runledger schema`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger schema                # the tables and views
  runledger schema runs           # its columns, with types and units
  runledger schema runs --json")]
pub struct SchemaArgs {
    /// Table or view whose columns to list [default: list the tables and views]
    pub table: Option<String>,

    /// Text or JSON.
    #[command(flatten)]
    pub format: JsonArgs,
}

/// Prints the data dictionary of the archive: its tables, or the columns of one with types and descriptions.
///
/// # Errors
/// [`Error::Usage`] when the archive has no such table.
pub(super) fn run(args: &SchemaArgs, path: &Path) -> Result<()> {
    let archive = Archive::open_for_reading(path)?;
    let mut tables = archive.data_dictionary()?;
    // An archive of an earlier schema lacks some.
    tables.retain(|table| !table.columns.is_empty());
    let table = match &args.table {
        None => list(&tables),
        Some(name) => columns(named(name, &tables)?),
    };
    print_plain_table(&table, args.format.is_json())
}

/// The table with that name. Case does not matter, as in SQL.
fn named<'t>(name: &str, tables: &'t [TableDescription]) -> Result<&'t TableDescription> {
    tables.iter().find(|table| table.name.eq_ignore_ascii_case(name)).ok_or_else(|| Error::Usage {
        what: format!("the archive has no table {name}"),
        hint: did_you_mean(name, tables.iter().map(|table| table.name))
            .or_else(|| Some("`runledger schema` lists the tables".to_owned())),
    })
}

fn list(tables: &[TableDescription]) -> Table {
    let rows = tables.iter().map(|table| {
        vec![Cell::text(table.name), Cell::count(table.columns.len() as u64), Cell::text(table.description)]
    });
    Table { columns: names(["table", "columns", "description"]), rows: rows.collect(), totals: None }
}

fn columns(table: &TableDescription) -> Table {
    let rows = table.columns.iter().map(|column| {
        vec![
            Cell::text(column.name.as_str()),
            Cell::text(column.sql_type.as_str()),
            Cell::text(column.description),
        ]
    });
    Table { columns: names(["column", "type", "description"]), rows: rows.collect(), totals: None }
}

fn names(columns: [&str; 3]) -> Vec<String> {
    columns.map(str::to_owned).to_vec()
}
