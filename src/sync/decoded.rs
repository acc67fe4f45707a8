//! This is what arrives from the API, decoded beside the writer and ready to be stored.

use super::walk::PageSummary;
use crate::api::Page;
use crate::run::{Drift, Instant, Redaction, decode, json};
use crate::snapshot::Snapshot;
use crate::store::{Cursor, Pipeline};
use serde_json::value::RawValue;
use uuid::Uuid;

/// One item.
#[derive(Debug)]
pub(super) enum Item {
    /// A run, and what in it the contract does not know.
    Run(Box<Snapshot>, Vec<Drift>),
    /// An item that cannot be kept as a run.
    DecodeError {
        /// Its own JSON, credentials taken out.
        text: String,
        /// Why.
        reason: String,
    },
}

impl Item {
    /// Decodes one item.
    pub(super) fn read(raw: &RawValue, redaction: &Redaction) -> Item {
        match decode(raw, redaction) {
            Ok(decoded) => Item::Run(Box::new(Snapshot::of(decoded.run)), decoded.drift),
            Err(unreadable) => {
                Item::DecodeError { text: json::canonical_to_limit(raw, redaction), reason: unreadable.0 }
            }
        }
    }

    /// Decodes the details of the run that was asked for.
    pub(super) fn read_details(raw: &RawValue, asked: Uuid, redaction: &Redaction) -> Item {
        match Item::read(raw, redaction) {
            Item::Run(snapshot, _) if snapshot.run.id != asked => Item::DecodeError {
                text: json::canonical_to_limit(raw, redaction),
                reason: format!("it came as the answer to another id, {asked}"),
            },
            item => item,
        }
    }
}

/// One page of the run list.
#[derive(Debug)]
pub(super) struct DecodedPage {
    /// What the walk needs to know of it.
    pub(super) outline: PageSummary,
    /// Its items.
    pub(super) items: Vec<Item>,
}

impl DecodedPage {
    /// Decodes a page.
    pub(super) fn read(page: &Page<'_>, number: u32, redaction: &Redaction) -> DecodedPage {
        let items: Vec<Item> = page.items.iter().map(|raw| Item::read(raw, redaction)).collect();
        let place = |item: &Item| match item {
            Item::Run(snapshot, _) => {
                snapshot.run.created_at.map(|created_at| Cursor { created_at, run_id: snapshot.run.id })
            }
            Item::DecodeError { .. } => None,
        };
        let outline = PageSummary {
            page: number,
            count: page.count,
            has_next: page.has_next,
            items: items.len(),
            places: items.iter().filter_map(place).collect(),
        };
        DecodedPage { outline, items }
    }
}

/// One page of a pipeline list.
#[derive(Debug)]
pub(super) struct DecodedPipelinePage {
    /// Whether there is another page.
    pub(super) has_next: bool,
    /// What could be read of its items.
    pub(super) pipelines: Vec<Pipeline>,
    /// How many items name no pipeline.
    pub(super) unreadable: usize,
}

impl DecodedPipelinePage {
    /// Decodes a page.
    pub(super) fn read(page: &Page<'_>) -> DecodedPipelinePage {
        let pipelines: Vec<Pipeline> = page.items.iter().filter_map(|raw| read_pipeline(raw)).collect();
        DecodedPipelinePage {
            has_next: page.has_next,
            unreadable: page.items.len() - pipelines.len(),
            pipelines,
        }
    }
}

/// `None`: the item has no id.
fn read_pipeline(raw: &RawValue) -> Option<Pipeline> {
    let entries = json::Entries::of(raw)?;
    let text = |key: &str| {
        let text = json::text_of(entries.get(key)?)?;
        (!text.is_empty() && !text.contains('\0')).then(|| text.into_owned())
    };
    let (slug, description) = (text("slug"), text("description"));
    Some(Pipeline {
        id: text("id")?,
        name: text("name").or_else(|| description.clone()).or_else(|| slug.clone()),
        slug,
        description,
        active: entries.get("active").and_then(|value| value.get().parse().ok()),
        status: text("status"),
        created_at: text("created_at").and_then(|text| Instant::parse(&text)),
        updated_at: text("updated_at").and_then(|text| Instant::parse(&text)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipeline_is_called_what_people_call_it() {
        let read = |text| read_pipeline(serde_json::from_str(text).unwrap());
        let name = |text| read(text).unwrap().name;
        assert_eq!(name(r#"{"id":"1","slug":"s","description":"D","name":"N"}"#).as_deref(), Some("N"));
        assert_eq!(name(r#"{"id":"1","slug":"s","description":"D"}"#).as_deref(), Some("D"));
        assert_eq!(name(r#"{"id":"1","slug":"s","description":""}"#).as_deref(), Some("s"));
        assert_eq!(name(r#"{"id":"1","slug":7,"active":"yes"}"#), None);
        assert_eq!(read(r#"{"slug":"s"}"#), None);
    }

    #[test]
    fn the_answer_to_another_id_is_no_answer() {
        let raw = serde_json::from_str(r#"{"id":"6f6b9a4e-58a3-4e6f-9d5c-2d6f3c0a9b11"}"#).unwrap();
        assert!(matches!(
            Item::read_details(raw, Uuid::nil(), &Redaction::default()),
            Item::DecodeError { .. }
        ));
    }
}
