//! The styles of a book. Those of table cells have numbers, which rows refer to.

use super::book::{Book, Content, Look};
use super::cell_format::CellFormat;
use crate::language::Language;
use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder};

/// The colors of remarks and of what needs attention.
const GREY: Color = Color::RGB(0x59_59_59);
const PALE_YELLOW: Color = Color::RGB(0xFF_F2_CC);

/// The width of a filter button, as an indent.
const FILTER_BUTTON: u8 = 2;

/// The styles of a book.
pub(super) struct Styles {
    language: Language,
    /// The styles of table cells. Their numbers begin with one, after the default style.
    body: Vec<Format>,
    /// The number of each format's style.
    numbers: Vec<(CellFormat, u32)>,
}

impl Styles {
    /// The styles that the book needs.
    pub(super) fn of(book: &Book<'_>) -> Styles {
        let mut styles = Styles { language: book.language, body: Vec::new(), numbers: Vec::new() };
        for sheet in &book.sheets {
            let Content::Table(table) = &sheet.content else { continue };
            for column in &table.columns {
                styles.add(column.format);
                if column.format == CellFormat::Month {
                    styles.add(CellFormat::ClosedMonth);
                    styles.add(CellFormat::RunningMonth);
                }
            }
        }
        styles
    }

    fn add(&mut self, format: CellFormat) {
        if self.numbers.iter().any(|(known, _)| *known == format) {
            return;
        }
        // Formats that look alike, such as texts and names, are one style of the file.
        let style = self.base(format).set_align(FormatAlign::VerticalCenter);
        let index = self.body.iter().position(|known| *known == style).unwrap_or_else(|| {
            self.body.push(style);
            self.body.len() - 1
        });
        self.numbers.push((format, index as u32 + 1));
    }

    /// The styles of table cells in the order of their numbers.
    pub(super) fn body(&self) -> &[Format] {
        &self.body
    }

    /// The number of a format's style.
    pub(super) fn number_of(&self, format: CellFormat) -> u32 {
        self.numbers.iter().find(|(known, _)| *known == format).map_or(0, |(_, number)| *number)
    }

    fn base(&self, format: CellFormat) -> Format {
        let base = Format::new().set_num_format(format.code(self.language));
        match format {
            // Sentences follow a column of numbers, whose digits they would touch.
            CellFormat::Wrapped => base.set_text_wrap().set_align(FormatAlign::Left).set_indent(1),
            format if format.is_left() => base.set_align(FormatAlign::Left),
            _ => base,
        }
    }

    /// The style of a heading.
    pub(super) fn heading(&self, format: CellFormat) -> Format {
        let heading = Format::new().set_bold().set_text_wrap().set_border_bottom(FormatBorder::Thin);
        match format {
            CellFormat::Wrapped => heading.set_align(FormatAlign::Left).set_indent(1),
            format if format.is_left() => heading.set_align(FormatAlign::Left),
            // The filter button is at the right end.
            _ => heading.set_align(FormatAlign::Right).set_indent(FILTER_BUTTON),
        }
    }

    /// The style of a total.
    pub(super) fn total(&self, format: CellFormat) -> Format {
        self.base(format).set_bold().set_border_top(FormatBorder::Thin)
    }

    /// The style of a title.
    pub(super) fn title(&self) -> Format {
        Format::new().set_bold().set_font_size(14)
    }

    /// The style of remarks and notes.
    pub(super) fn remark(&self) -> Format {
        Format::new().set_font_color(GREY)
    }

    /// The style of what needs attention.
    pub(super) fn attention(&self) -> Format {
        Format::new().set_background_color(PALE_YELLOW)
    }

    /// The style of a cell of a form.
    pub(super) fn form(&self, format: CellFormat, look: Look) -> Format {
        let base = self.base(format).set_align(FormatAlign::VerticalCenter);
        match look {
            Look::Plain => base,
            Look::Strong => base.set_bold(),
            Look::Result => base.set_align(FormatAlign::Right),
            Look::Remark => base.set_font_color(GREY).set_align(FormatAlign::Left).set_indent(1),
            Look::Attention => base.set_align(FormatAlign::Right).set_background_color(PALE_YELLOW),
        }
    }
}
