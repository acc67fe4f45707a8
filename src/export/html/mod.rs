//! The HTML report: an overview of the ledger as one self-contained file that needs no network,
//! server or script.
//!
//! The Content-Security-Policy of the page allows only its own style and script, by their hashes.
//! The script adds the filter; without it the page is complete.

mod chart;
mod label;
mod number;
mod range;
mod scale;
mod stack;
mod view;

use crate::digest::{hash, to_base64};
use crate::error::{Error, Result};
use crate::export::{Destination, WriteError};
use crate::language::Language;
use crate::report::month_states::MonthStates;
use crate::report::overview::Overview;
use askama::Template;
use view::View;

const STYLE: &str = include_str!("../../../templates/page.css");
const SCRIPT: &str = include_str!("../../../templates/page.js");

/// What the page says about closed and running months.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    /// The name of the workspace. Empty: not known.
    pub(crate) workspace: String,
    /// Whether the page is closed, running or current. Empty: not known.
    pub(crate) state: String,
    /// When the page was closed. `None`: it is not closed.
    pub(crate) closed_at: Option<String>,
    /// The closed and running months.
    pub(crate) months: MonthStates,
    /// Further notes.
    pub(crate) notes: Vec<String>,
}

/// Renders the page in the language.
///
/// # Errors
/// [`Error::Internal`] when a template fails.
pub fn render(overview: &Overview, labels: &Labels, language: Language) -> Result<String> {
    let mut view = View::new(overview, labels, language);
    (view.style, view.style_hash) = (STYLE, to_base64(&hash(STYLE.as_bytes())));
    (view.script, view.script_hash) = (SCRIPT, to_base64(&hash(SCRIPT.as_bytes())));
    view.render().map_err(|error| Error::Internal(format!("the HTML report cannot be rendered: {error}")))
}

/// Writes the page in the language.
///
/// # Errors
/// As [`render`]; [`Error::Output`] when the destination cannot be written.
pub fn write(
    overview: &Overview,
    labels: &Labels,
    language: Language,
    destination: &Destination,
) -> Result<()> {
    let page = render(overview, labels, language)?;
    destination.write(|out| out.write_all(page.as_bytes()).map_err(WriteError::from))
}
