//! The last sheet of a spreadsheet: where its figures come from, field by field.

use super::NO_ROWS;
use super::book::{Content, Rows, Sheet, TableContent};
use super::cell_format::CellFormat;
use super::column::Column;
use super::title_block::TitleBlock;
use crate::export::manifest::Manifest;
use crate::language::{Language, Phrase};
use crate::report::Cell;
use crate::run::json::{Entries, JsonText};

/// The name of the sheet.
const MANIFEST: Phrase = Phrase::new("Manifest", "Manifesto");

/// The headings.
const FIELD: Phrase = Phrase::new("Field", "Campo");
const VALUE: Phrase = Phrase::new("Value", "Valor");

/// The sheet of a manifest: every field of its JSON with its path, as texts.
pub(crate) fn manifest_sheet(manifest: &Manifest, language: Language) -> Sheet<'static> {
    let json = manifest.json();
    let mut entries = Vec::new();
    if let Some(root) = str::from_utf8(&json).ok().and_then(JsonText::parse) {
        flatten(String::new(), root, &mut entries);
    }
    sheet_of(entries, TitleBlock::default(), language)
}

/// A sheet of fields with values.
pub(crate) fn sheet_of(
    entries: Vec<(String, String)>,
    title: TitleBlock,
    language: Language,
) -> Sheet<'static> {
    let column = |field: &str, heading: Phrase, width| Column {
        heading: heading.text(language).to_owned(),
        ..Column::new(field, CellFormat::Text, width, language)
    };
    let rows = entries.into_iter().map(|(field, value)| {
        let value = if value.is_empty() { Cell::Text(None) } else { Cell::text(value) };
        vec![Cell::text(field), value]
    });
    Sheet {
        name: MANIFEST.text(language).to_owned(),
        title,
        content: Content::Table(TableContent {
            table_name: "RL_manifest".to_owned(),
            columns: vec![column("manifest_field", FIELD, 36.0), column("manifest_value", VALUE, 90.0)],
            rows: Rows::Cells(rows.collect()),
            totals: None,
            empty: NO_ROWS.text(language).to_owned(),
            notes: Vec::new(),
            frozen_columns: 1,
            chart: None,
        }),
    }
}

/// Appends every value of the JSON with its path, in order; null becomes an empty text.
fn flatten(path: String, json: JsonText<'_>, output: &mut Vec<(String, String)>) {
    let child = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    if let Some(entries) = Entries::of(json) {
        for entry in &entries.0 {
            flatten(child(&entry.key), entry.value, output);
        }
    } else if let Some(items) = json.elements() {
        for (nth, item) in (1..).zip(items) {
            flatten(child(&format!("{nth}")), item, output);
        }
    } else {
        let text = match json.get() {
            "null" => String::new(),
            value => serde_json::from_str(value).unwrap_or_else(|_| value.to_owned()),
        };
        output.push((path, text));
    }
}
