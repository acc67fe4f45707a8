//! `runledger show`: shows one run with its history, or one pipeline.

mod booking;
mod pipeline;
mod pipeline_text;
mod run;
mod run_text;
mod settings_text;

use crate::cli::JsonArgs;
use crate::error::{Error, Result};
use crate::export::terminal::{cut, display_width, wrap};
use crate::settings::Settings;
use crate::store::{Archive, Found};
use clap::Args;
use std::path::Path;

/// The arguments of `runledger show`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
A whole id, slug or name of a pipeline comes first, then the beginnings of ids. A slug such as `cafe` can also
begin the id of a run: that run is shown by more of its id.

Examples:
  runledger show notas-fiscais           # a pipeline by its slug, name or id
  runledger show 31a52a1f                # a run by the beginning of its id
  runledger show notas-fiscais#1231      # a run by the number in its pipeline
  runledger show 31a52a1f --raw          # and all that the API sent
  runledger show 31a52a1f-3907-430d-87fb-995156708555 --json")]
pub struct ShowArgs {
    /// A run or a pipeline: a run id, a pipeline's slug, name or id, or the beginning of an id; PIPELINE#NUMBER is a
    /// run too
    #[arg(value_name = "RUN|PIPELINE")]
    pub subject: String,

    /// Print below a run the whole document that the API sent, indented
    #[arg(long, conflicts_with_all = ["json", "format"])]
    pub raw: bool,

    /// Text or JSON.
    #[command(flatten)]
    pub format: JsonArgs,
}

/// Prints the run with its history, or the pipeline.
///
/// # Errors
/// [`crate::error::Error::Usage`] when the archive has no such run and no such pipeline, or several.
pub(super) fn run(args: &ShowArgs, path: &Path, settings: &Settings) -> Result<()> {
    let archive = Archive::open_for_reading(path)?;
    // One read transaction, so that all figures are of one state.
    let _reading = archive.connection().unchecked_transaction()?;
    match archive.find_run_or_pipeline(&args.subject)? {
        Found::Run(id) => run::show(&archive, id, settings, args),
        Found::Pipeline(_) if args.raw => Err(Error::Usage {
            what: format!("--raw applies to a run, and {} is a pipeline", args.subject),
            hint: Some("`runledger runs --pipeline` lists its runs".to_owned()),
        }),
        Found::Pipeline(found) => pipeline::show(&archive, &found, args, settings),
    }
}

/// The words about a run or a pipeline, separated by dots. A line ends before the words that do not fit.
fn in_lines(parts: &[String], width: usize) -> Vec<String> {
    const SEPARATOR: &str = " · ";
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if display_width(line) + display_width(SEPARATOR) + display_width(part) <= width => {
                line.push_str(SEPARATOR);
                line.push_str(part);
            }
            _ => {
                let wrapped = wrap(part.split(' '), width);
                lines.extend(wrapped.lines().map(|line| cut(line, width).into_owned()));
            }
        }
    }
    lines
}

/// A label and an id, which can be copied whole: below the label if both do not fit on one line.
fn labeled_id(label: &str, labels_width: usize, id: &str, width: usize) -> String {
    let line = format!("{label:labels_width$}  {id}");
    if display_width(&line) <= width { line } else { format!("{label}\n  {id}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_does_not_fit_beside_its_label_is_below_it() {
        let id = "a".repeat(36);
        assert_eq!(labeled_id("Run id", 11, &id, 49), format!("Run id       {id}"));
        assert_eq!(labeled_id("Run id", 11, &id, 48), format!("Run id\n  {id}"));
    }

    #[test]
    fn words_that_do_not_fit_are_on_the_next_line() {
        let parts = ["source", "active", "cost center Finance"].map(str::to_owned);
        assert_eq!(in_lines(&parts, 40), ["source · active · cost center Finance"]);
        assert_eq!(in_lines(&parts, 30), ["source · active", "cost center Finance"]);
        assert_eq!(in_lines(&parts, 12), ["source", "active", "cost center", "Finance"]);
        assert_eq!(in_lines(&["x".repeat(300_000)], 12), [format!("{}…", "x".repeat(11))]);
    }
}
