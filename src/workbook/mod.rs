//! The month-end workbook: one spreadsheet that finance can file, print and book from.
//!
//! Every sheet answers for the same month, zone, date basis and moment of knowledge. A closed month is exported as it
//! was closed.

mod after_close;
mod change;
mod converted;
mod cost_centers;
mod credits;
mod days;
mod figures;
mod notes;
mod open_items;
mod pipelines;
mod provenance;
mod runs;
mod summary;
mod words;

pub(crate) use figures::MonthFigures;

use crate::error::{Error, Result};
use crate::export::manifest::Provenance;
use crate::export::xlsx::book::{Book, Content, Rows, Sheet, TableContent};
use crate::export::xlsx::column::Column;
use crate::export::xlsx::title_block::{TitleBlock, state};
use crate::language::{Language, Phrase, phrases};
use crate::report::period::Calendar;
use crate::report::scope::ScopeRequest;
use crate::report::{Cell, Ledger};
use std::path::Path;

/// The extension of a workbook.
const EXTENSION: &str = "xlsx";

/// The hexadecimal digits of the rows' hash on a printed page.
const HASH_DIGITS: usize = 12;

/// Checks that a request names a month.
///
/// # Errors
/// [`Error::Usage`] when it does not.
pub(crate) fn require_month(request: &ScopeRequest) -> Result<&str> {
    let refused =
        |what: String| Error::Usage { what, hint: Some("name the month, as in --period 2026-10".to_owned()) };
    if request.from.is_some() || request.until.is_some() {
        return Err(refused("a workbook is about a month: --from and --until do not apply".to_owned()));
    }
    match &request.period {
        Some(label) if Calendar::of_label(label) == Calendar::Month => Ok(label),
        Some(label) => Err(refused(format!("{label} is not a month, and a workbook is about one"))),
        None => Err(refused("a workbook is about a month, and none is given".to_owned())),
    }
}

/// Checks that a file name says what the file is.
///
/// # Errors
/// [`Error::Usage`] when it does not end in `.xlsx`.
pub(crate) fn require_extension(path: &Path) -> Result<()> {
    match path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(EXTENSION)) {
        true => Ok(()),
        false => Err(Error::Usage {
            what: format!("{} does not end in .xlsx, and Excel opens a workbook by its name", path.display()),
            hint: Some("give another name with --output, such as close.xlsx".to_owned()),
        }),
    }
}

/// What the sheets have in common.
struct Context<'p> {
    language: Language,
    provenance: &'p Provenance,
    account: String,
    month: String,
}

/// A table before it gets its title.
struct TableSheet<'a> {
    name: Phrase,
    table_name: &'static str,
    columns: Vec<Column>,
    rows: Rows<'a>,
    totals: Option<Vec<Cell>>,
    empty: Phrase,
    notes: Vec<String>,
    frozen_columns: u16,
}

impl Context<'_> {
    fn text(&self, phrase: Phrase) -> String {
        phrase.text(self.language).to_owned()
    }

    /// The title of a sheet of that name.
    fn title(&self, name: Phrase) -> TitleBlock {
        let values = [("what", name.text(self.language)), ("period", self.month.as_str())];
        let subject = phrases::OF_PERIOD.fill(self.language, &values);
        TitleBlock::new(subject, self.provenance, Some(&self.account), self.language)
    }

    fn sheet<'a>(&self, sheet: TableSheet<'a>) -> Sheet<'a> {
        Sheet {
            name: self.text(sheet.name),
            title: self.title(sheet.name),
            content: Content::Table(TableContent {
                table_name: sheet.table_name.to_owned(),
                columns: sheet.columns,
                rows: sheet.rows,
                totals: sheet.totals,
                empty: self.text(sheet.empty),
                notes: sheet.notes,
                frozen_columns: sheet.frozen_columns,
                chart: None,
            }),
        }
    }
}

/// The workbook of a month whose ledger is open. Its runs are read while it is written.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn book<'l>(
    figures: &mut MonthFigures,
    ledger: &'l Ledger<'_>,
    provenance: &Provenance,
    language: Language,
) -> Result<Book<'l>> {
    let scope = ledger.scope();
    let month = language.period(scope.period.as_deref().unwrap_or_default());
    let account = figures.account.clone();
    let context = Context { language, provenance, account: account.clone(), month: month.clone() };
    let mut tables = vec![
        cost_centers::sheet(&context, figures),
        pipelines::sheet(&context, figures),
        change::sheet(&context, figures),
        days::sheet(&context, figures),
        credits::sheet(&context, figures),
        after_close::sheet(&context, figures),
        open_items::sheet(&context, figures),
        runs::sheet(&context, figures, ledger)?,
    ];
    let manifest = provenance::sheet(&context, figures, &tables);
    let mut sheets = vec![summary::sheet(&context, figures, &tables)];
    sheets.append(&mut tables);
    sheets.push(notes::sheet(&context, figures));
    sheets.push(manifest);
    let state = state(provenance, language).unwrap_or_default();
    Ok(Book {
        language,
        zone: scope.zone,
        usd_decimals: None,
        title: phrases::OF_PERIOD
            .fill(language, &[("what", words::WORKBOOK.text(language)), ("period", &month)]),
        page_header: [format!("{month} · {state}"), account],
        page_footer: figures.rows_sha256().chars().take(HASH_DIGITS).collect(),
        state,
        sheets,
    })
}
