//! Decoded API responses, ready to be stored. Decoding runs in parallel to the thread that writes.

use super::walk::PageSummary;
use crate::api::Page;
use crate::pipeline_settings::PipelineSettings;
use crate::run::{self, Drift, Instant, Redaction, json};
use crate::snapshot::Snapshot;
use crate::store::{Cursor, Pipeline};
use serde_json::value::RawValue;
use uuid::Uuid;

/// An item of the run list.
#[derive(Debug)]
pub(super) enum Item {
    /// A run, and its fields and values outside the API contract.
    Run(Box<Snapshot>, Vec<Drift>),
    /// An item that cannot be decoded as a run.
    DecodeError {
        /// The item's JSON, redacted.
        text: String,
        /// Why decoding failed.
        reason: String,
    },
}

impl Item {
    pub(super) fn decode(raw: &RawValue, redaction: &Redaction) -> Item {
        match run::decode(raw, redaction) {
            Ok(decoded) => Item::Run(Box::new(Snapshot::of(decoded.run)), decoded.drift),
            Err(error) => {
                Item::DecodeError { text: json::canonical_to_limit(raw, redaction), reason: error.0 }
            }
        }
    }

    /// Decodes the response to a request for the run `requested`; the response may contain another run.
    pub(super) fn decode_details(raw: &RawValue, requested: Uuid, redaction: &Redaction) -> Item {
        match Item::decode(raw, redaction) {
            Item::Run(snapshot, _) if snapshot.run.id != requested => Item::DecodeError {
                text: json::canonical_to_limit(raw, redaction),
                reason: format!("the API returned it for another id, {requested}"),
            },
            item => item,
        }
    }
}

/// One page of the run list.
#[derive(Debug)]
pub(super) struct DecodedPage {
    /// What the walk needs to know about it.
    pub(super) summary: PageSummary,
    pub(super) items: Vec<Item>,
}

impl DecodedPage {
    pub(super) fn decode(page: &Page<'_>, number: u32, redaction: &Redaction) -> DecodedPage {
        let items: Vec<Item> = page.items.iter().map(|raw| Item::decode(raw, redaction)).collect();
        let position = |item: &Item| match item {
            Item::Run(snapshot, _) => {
                snapshot.run.created_at.map(|created_at| Cursor { created_at, run_id: snapshot.run.id })
            }
            Item::DecodeError { .. } => None,
        };
        let summary = PageSummary {
            page: number,
            count: page.count,
            has_next: page.has_next,
            items: items.len(),
            positions: items.iter().filter_map(position).collect(),
        };
        DecodedPage { summary, items }
    }
}

/// One page of a pipeline list.
#[derive(Debug)]
pub(super) struct DecodedPipelinePage {
    /// Whether the API reports another page.
    pub(super) has_next: bool,
    /// The items that have an id.
    pub(super) pipelines: Vec<Pipeline>,
    /// Number of items without an id.
    pub(super) without_id: usize,
}

impl DecodedPipelinePage {
    pub(super) fn decode(page: &Page<'_>) -> DecodedPipelinePage {
        let pipelines: Vec<Pipeline> = page.items.iter().filter_map(|raw| decode_pipeline(raw)).collect();
        DecodedPipelinePage {
            has_next: page.has_next,
            without_id: page.items.len() - pipelines.len(),
            pipelines,
        }
    }
}

/// `None`: the item has no id.
fn decode_pipeline(raw: &RawValue) -> Option<Pipeline> {
    let entries = json::Entries::of(raw)?;
    let text = |key: &str| {
        let text = entries.get(key)?.text()?;
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
        settings: PipelineSettings::of_document(raw),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipeline_without_a_name_uses_its_description_or_slug() {
        let decode = |text| decode_pipeline(serde_json::from_str(text).unwrap());
        let name = |text| decode(text).unwrap().name;
        assert_eq!(name(r#"{"id":"1","slug":"s","description":"D","name":"N"}"#).as_deref(), Some("N"));
        assert_eq!(name(r#"{"id":"1","slug":"s","description":"D"}"#).as_deref(), Some("D"));
        assert_eq!(name(r#"{"id":"1","slug":"s","description":""}"#).as_deref(), Some("s"));
        assert_eq!(name(r#"{"id":"1","slug":7,"active":"yes"}"#), None);
        assert_eq!(decode(r#"{"slug":"s"}"#), None);
    }

    #[test]
    fn a_response_with_another_id_is_rejected() {
        let raw = serde_json::from_str(r#"{"id":"6f6b9a4e-58a3-4e6f-9d5c-2d6f3c0a9b11"}"#).unwrap();
        assert!(matches!(
            Item::decode_details(raw, Uuid::nil(), &Redaction::default()),
            Item::DecodeError { .. }
        ));
    }
}
