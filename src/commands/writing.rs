//! This is the reading of `--decimals`, `--dialect` and what is set over it, and `--manifest`.

use super::span::span;
use crate::cli::{SpanArgs, WritingArgs, YesNo};
use crate::error::{Error, Result};
use crate::export::manifest::Asked;
use crate::export::{Beside, Dialect, Format, Writing};
use crate::store::Archive;
use chrono_tz::Tz;

/// How the arguments want an answer written whose format is `format`; instants for a spreadsheet in `zone`.
///
/// # Errors
/// [`Error::Usage`] when a dialect is given for what is no CSV, or when its parts cannot go together.
pub fn writing(args: &WritingArgs, format: Format, zone: Tz, asked: Asked) -> Result<Writing> {
    let format = match format {
        Format::Csv(_) => Format::Csv(dialect(args, zone)?),
        other => {
            refuse_dialect(args, other.name())?;
            other
        }
    };
    let beside = if args.manifest { Beside::Manifest } else { Beside::Nothing };
    Ok(Writing { format, usd_decimals: args.decimals, beside, asked })
}

/// What is asked of the archive, as far as the span says it.
///
/// # Errors
/// As [`span`], and what reading the archive's moment says.
pub fn asked(question: String, args: &SpanArgs, archive: &Archive) -> Result<Asked> {
    let (span, zone) = span(args)?;
    let moment = archive.moment()?;
    Ok(Asked {
        question,
        from: span.from.map(|at| at.to_string()),
        until: span.until.map(|at| at.to_string()),
        zone: zone.name().to_owned(),
        known_at: moment.known_at.map(|at| at.to_string()),
        schema_version: moment.schema_version,
        ..Asked::default()
    })
}

/// The dialect by its name, with what is set one by one over it.
fn dialect(args: &WritingArgs, zone: Tz) -> Result<Dialect> {
    let mut dialect = match args.dialect.as_deref() {
        None => Dialect::MACHINE,
        Some(name) => Dialect::named(name).ok_or_else(|| Error::Usage {
            what: format!("there is no dialect {name}"),
            hint: Some(format!("there are {}", Dialect::NAMES.join(", "))),
        })?,
    };
    if dialect.is_for_spreadsheets() {
        dialect.zone = zone;
    }
    dialect.separator = args.separator.unwrap_or(dialect.separator);
    dialect.decimal_mark = args.decimal_mark.unwrap_or(dialect.decimal_mark);
    dialect.bom = args.bom.map_or(dialect.bom, |bom| bom == YesNo::Yes);
    if dialect.separator == dialect.decimal_mark {
        return Err(Error::Usage {
            what: format!(
                "fields and decimals cannot both be separated by {}: no program could tell them apart",
                char::from(dialect.separator)
            ),
            hint: Some("give another --separator too, such as --separator ';'".to_owned()),
        });
    }
    Ok(dialect)
}

/// Refuses what only CSV has.
///
/// # Errors
/// [`Error::Usage`] when any of it is given.
pub fn refuse_dialect(args: &WritingArgs, format: &str) -> Result<()> {
    let given = [
        ("--dialect", args.dialect.is_some()),
        ("--separator", args.separator.is_some()),
        ("--decimal-mark", args.decimal_mark.is_some()),
        ("--bom", args.bom.is_some()),
    ];
    match given.into_iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((flag, _)) => Err(Error::Usage {
            what: format!("{flag} is for CSV alone, and the format is {format}"),
            hint: Some("add --format csv".to_owned()),
        }),
    }
}
