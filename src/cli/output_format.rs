//! The format of output: `--format`, else `--json`, else the extension of `--output`, else a default.

use crate::error::{Error, Result};
use clap::ValueEnum;
use std::path::Path;

/// A type of file that an extension names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileType {
    Csv,
    Json,
    Ndjson,
    Markdown,
    Xlsx,
    Html,
    Parquet,
}

impl FileType {
    /// Every type, with its extension and its name in text.
    const ALL: [(FileType, &'static str, &'static str); 7] = [
        (FileType::Csv, "csv", "CSV"),
        (FileType::Json, "json", "JSON"),
        (FileType::Ndjson, "ndjson", "NDJSON"),
        (FileType::Markdown, "md", "Markdown"),
        (FileType::Xlsx, "xlsx", "XLSX"),
        (FileType::Html, "html", "HTML"),
        (FileType::Parquet, "parquet", "Parquet"),
    ];

    /// The type that the extension names, in any case. `None`: the name has no extension, or another one.
    pub(crate) fn of(path: &Path) -> Option<FileType> {
        let extension = path.extension()?.to_str()?;
        let named = FileType::ALL.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(extension));
        named.map(|(file_type, _, _)| *file_type)
    }

    fn extension(self) -> &'static str {
        self.entry().1
    }

    fn name(self) -> &'static str {
        self.entry().2
    }

    fn entry(self) -> (FileType, &'static str, &'static str) {
        *FileType::ALL.iter().find(|(file_type, _, _)| *file_type == self).expect("the list is complete")
    }
}

/// A format of a command, one of the values of its `--format`.
pub(crate) trait OutputFormat: ValueEnum + Copy {
    /// The type of its files. `None`: text for people, which no extension names.
    fn file_type(self) -> Option<FileType>;
}

/// The format to write: the one given by `--format` or `--json`, else that of the extension, else `default`.
///
/// # Errors
/// [`Error::Usage`] when the extension contradicts the given format, or names one that the command does not write.
pub(crate) fn resolve<F: OutputFormat>(
    format: Option<F>,
    json: bool,
    output: Option<&Path>,
    default: F,
) -> Result<F> {
    let of_type = |wanted: FileType| {
        F::value_variants().iter().copied().find(|format| format.file_type() == Some(wanted))
    };
    let given = if json { of_type(FileType::Json) } else { format };
    match (given, named(output)) {
        (Some(format), Some((output, named))) if format.file_type() != Some(named) => {
            Err(contradiction(&name_of(format), format.file_type(), output))
        }
        (None, Some((output, named))) => of_type(named).ok_or_else(|| not_written::<F>(named, output)),
        (given, _) => Ok(given.unwrap_or(default)),
    }
}

/// The output and the type that its extension names. `None`: standard output, or a name of no type.
fn named(output: Option<&Path>) -> Option<(&Path, FileType)> {
    output.and_then(|output| Some((output, FileType::of(output)?)))
}

/// Checks the name of a file whose format the command decides. `what` names the command in the error.
///
/// # Errors
/// [`Error::Usage`] when the extension names another format.
pub(crate) fn require_type(output: Option<&Path>, required: FileType, what: &str) -> Result<()> {
    match named(output) {
        Some((output, named)) if named != required => Err(Error::Usage {
            what: format!(
                "`{what}` writes {}, and --output {} names {}",
                required.name(),
                output.display(),
                named.name()
            ),
            // A dataset is a folder of many files.
            hint: Some(match required {
                FileType::Parquet => {
                    format!("name a folder, such as {}", output.with_extension("").display())
                }
                _ => format!("name the file {}", output.with_extension(required.extension()).display()),
            }),
        }),
        _ => Ok(()),
    }
}

/// The name of the format, as `--format` takes it.
fn name_of(format: impl OutputFormat) -> String {
    format.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

fn contradiction(format: &str, file_type: Option<FileType>, output: &Path) -> Error {
    let extension = file_type.map_or("txt", FileType::extension);
    Error::Usage {
        what: format!("--output {} contradicts the format {format}", output.display()),
        hint: Some(format!(
            "leave out the format, which the name of the file sets, or name the file {}",
            output.with_extension(extension).display()
        )),
    }
}

/// The error for a file type that the command does not write.
fn not_written<F: OutputFormat>(named: FileType, output: &Path) -> Error {
    let written = F::value_variants().iter().filter_map(|format| format.file_type());
    let extensions: Vec<String> = written.map(|written| format!(".{}", written.extension())).collect();
    Error::Usage {
        what: format!("--output {}: this command does not write {}", output.display(), named.name()),
        hint: Some(match named {
            FileType::Html => format!("`runledger report html --output {}` writes a page", output.display()),
            FileType::Parquet => "`runledger export parquet --output FOLDER` writes Parquet".to_owned(),
            _ => format!("name the file with one of {}", extensions.join(", ")),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::TableFormat;

    fn resolved(format: Option<TableFormat>, json: bool, output: &str) -> Result<TableFormat> {
        resolve(format, json, Some(Path::new(output)), TableFormat::Table)
    }

    #[test]
    fn the_extension_in_any_case_selects_the_format() {
        for (name, format) in [
            ("a.csv", TableFormat::Csv),
            ("a.b.JSON", TableFormat::Json),
            ("folder.csv/a.Md", TableFormat::Markdown),
            ("A.XLSX", TableFormat::Xlsx),
            ("a.txt", TableFormat::Table),
            ("csv", TableFormat::Table),
            (".csv", TableFormat::Table),
            ("a.csv.gz", TableFormat::Table),
            ("-", TableFormat::Table),
        ] {
            assert_eq!(resolved(None, false, name).unwrap(), format, "{name}");
        }
    }

    #[test]
    fn a_given_format_agrees_with_the_extension_or_is_refused() {
        assert_eq!(resolved(Some(TableFormat::Csv), false, "a.CSV").unwrap(), TableFormat::Csv);
        assert_eq!(resolved(Some(TableFormat::Csv), false, "a.txt").unwrap(), TableFormat::Csv);
        assert_eq!(resolved(None, true, "a.json").unwrap(), TableFormat::Json);
        for (format, json, name, hint) in [
            (Some(TableFormat::Csv), false, "a.xlsx", "name the file a.csv"),
            (Some(TableFormat::Table), false, "a.csv", "name the file a.txt"),
            (None, true, "a.csv", "name the file a.json"),
        ] {
            let refused = resolved(format, json, name).unwrap_err();
            assert!(refused.exit_code() == 2 && refused.hint().unwrap().contains(hint), "{refused:?}");
        }
    }

    #[test]
    fn a_type_of_another_command_names_that_command() {
        for (name, hint) in [
            ("a.parquet", "`runledger export parquet"),
            ("a.HTML", "`runledger report html --output a.HTML`"),
            ("a.ndjson", ".csv, .json, .md, .xlsx"),
        ] {
            let refused = resolved(None, false, name).unwrap_err();
            assert!(refused.exit_code() == 2 && refused.hint().unwrap().contains(hint), "{refused:?}");
        }
    }

    #[test]
    fn a_command_with_one_format_refuses_the_extensions_of_others() {
        let require = |name: &str| require_type(Some(Path::new(name)), FileType::Html, "report html");
        for name in ["a.html", "a.HTML", "a", "a.htm", "a.page"] {
            assert!(require(name).is_ok(), "{name}");
        }
        let refused = require("a.csv").unwrap_err();
        assert_eq!((refused.exit_code(), refused.hint().unwrap().as_str()), (2, "name the file a.html"));
        assert!(require_type(None, FileType::Html, "report html").is_ok());
        let dataset =
            require_type(Some(Path::new("a.csv")), FileType::Parquet, "export parquet").unwrap_err();
        assert_eq!(dataset.hint().unwrap(), "name a folder, such as a");
    }
}
