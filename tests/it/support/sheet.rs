//! The cells of spreadsheets, read from their XML.

use super::zip::inflated;
use std::collections::BTreeMap;

/// The cells of a sheet by their place, such as `B5`, as texts. Sheets are counted from one.
pub fn cells(book: &[u8], sheet: usize) -> BTreeMap<String, String> {
    let shared: Vec<String> = match book.windows(20).any(|name| name == b"xl/sharedStrings.xml") {
        true => inflated(book, "xl/sharedStrings.xml").split("<si>").skip(1).map(text).collect(),
        false => Vec::new(),
    };
    let xml = sheet_xml(book, sheet);
    let mut cells = BTreeMap::new();
    for cell in xml.split("<c r=\"").skip(1) {
        let (place, rest) = cell.split_once('"').unwrap();
        let (attributes, content) = rest.split_once('>').unwrap();
        if attributes.ends_with('/') {
            continue;
        }
        let content = content.split("</c>").next().unwrap();
        let value = || content.split_once("<v>").map_or("", |(_, rest)| rest.split("</v>").next().unwrap());
        let text = match attributes {
            attributes if attributes.contains("inlineStr") => text(content),
            attributes if attributes.contains("t=\"s\"") => shared[value().parse::<usize>().unwrap()].clone(),
            _ => unescaped(value()),
        };
        assert!(cells.insert(place.to_owned(), text).is_none(), "{place} is in the sheet twice");
    }
    cells
}

/// The cells of a column in rows below `header`, by the column's heading, from top to bottom. Unknown values are
/// missing.
pub fn column(cells: &BTreeMap<String, String>, header: usize, heading: &str) -> Vec<(usize, String)> {
    let is_heading = |place: &str| {
        place.trim_start_matches(|letter: char| letter.is_ascii_uppercase()) == header.to_string()
    };
    let place = cells
        .iter()
        .find(|(place, text)| is_heading(place) && *text == heading)
        .unwrap_or_else(|| panic!("no heading {heading}: {cells:?}"))
        .0;
    let letters = place.trim_end_matches(|letter: char| letter.is_ascii_digit()).to_owned();
    let mut found: Vec<(usize, String)> = cells
        .iter()
        .filter_map(|(place, text)| {
            let row: usize = place.strip_prefix(&letters)?.parse().ok()?;
            (row > header).then(|| (row, text.clone()))
        })
        .collect();
    found.sort();
    found
}

/// Every sheet as text, for a golden file: its name, and a line for each row with its cells.
pub fn dump(book: &[u8]) -> String {
    let mut text = String::new();
    for (number, name) in (1..).zip(sheet_names(book)) {
        text += &format!("## {name}\n");
        let mut rows: BTreeMap<usize, BTreeMap<(usize, String), String>> = BTreeMap::new();
        for (place, value) in cells(book, number) {
            let (letters, row) = place.split_at(place.find(|letter: char| letter.is_ascii_digit()).unwrap());
            let row = rows.entry(row.parse().unwrap()).or_default();
            row.insert((letters.len(), letters.to_owned()), value.replace('\n', "\\n"));
        }
        for (row, cells) in rows {
            let cells: Vec<String> =
                cells.iter().map(|((_, letters), value)| format!("{letters}={value}")).collect();
            text += &format!("{row}: {}\n", cells.join(" | "));
        }
        text.push('\n');
    }
    text
}

/// The XML of a sheet, counted from one.
pub fn sheet_xml(book: &[u8], sheet: usize) -> String {
    inflated(book, &format!("xl/worksheets/sheet{sheet}.xml"))
}

/// The names of the sheets, in order.
pub fn sheet_names(book: &[u8]) -> Vec<String> {
    let xml = inflated(book, "xl/workbook.xml");
    let names = xml.split("<sheet name=\"").skip(1);
    names.map(|rest| unescaped(rest.split('"').next().unwrap())).collect()
}

/// The text in an element with `t`.
fn text(xml: &str) -> String {
    let (_, rest) = xml.split_once("<t").unwrap_or(("", ">"));
    let (_, rest) = rest.split_once('>').unwrap();
    unescaped(rest.split("</t>").next().unwrap())
}

fn unescaped(xml: &str) -> String {
    xml.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}
