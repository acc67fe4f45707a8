//! This is the page: the ledger at a glance as one file of HTML that needs no network, no server and no script.
//!
//! The rules that the page gives the browser let nothing in but its own style and its own script, by their hashes.
//! What the script adds is the filter; without it everything is there.

mod chart;
mod data;
mod label;
mod number;
mod range;
mod scale;
mod view;

use crate::digest::{hash, to_base64};
use crate::error::{Error, Result};
use crate::export::{Destination, WriteError};
use crate::report::overview::Overview;
use askama::Template;
use view::View;

const STYLE: &str = include_str!("../../../templates/page.css");
const SCRIPT: &str = include_str!("../../../templates/page.js");

/// The page as a text. `state` says of a month whether it is closed; empty where no month is asked about.
///
/// # Errors
/// [`Error::Internal`] when it cannot be made.
pub fn html(overview: &Overview, state: &str) -> Result<String> {
    let mut view = View::of(overview, state);
    (view.style, view.style_hash) = (STYLE, to_base64(&hash(STYLE.as_bytes())));
    (view.script, view.script_hash) = (SCRIPT, to_base64(&hash(SCRIPT.as_bytes())));
    view.render().map_err(|error| Error::Internal(format!("the page cannot be made: {error}")))
}

/// Writes the page.
///
/// # Errors
/// As [`html`]; [`Error::Output`] when the place refuses.
pub fn write(overview: &Overview, state: &str, destination: &Destination) -> Result<()> {
    let page = html(overview, state)?;
    destination.write(|out| out.write_all(page.as_bytes()).map_err(WriteError::from))
}
