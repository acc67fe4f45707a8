//! A run by its id, and the pipeline that it names.

use super::{Agreement, Finding};
use crate::api::Answer;
use crate::probe::answers::{Details, instead, is_not_found};
use crate::probe::run_page::RunPage;
use crate::run::decode::Decoded;
use crate::run::json::{Entries, JsonText, JsonType};
use crate::run::{DriftKind, Field};
use crate::wording::counted;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Whether the list shows what the run by its id shows.
pub(super) fn details(asked: &Details) -> Finding {
    let (result, observed, for_sync) = match &asked.by_id {
        None => (
            Agreement::Differs,
            instead(&asked.answer),
            "sync cannot update a run that is not on the pages it reads",
        ),
        Some(by_id) => {
            let omitted = Omitted::by(&asked.listed, by_id);
            match omitted.words() {
                words if words.is_empty() => (
                    Agreement::Ok,
                    format!("{} fields; the list has them all", field_count(by_id)),
                    "sync needs no request for each run",
                ),
                words => {
                    (Agreement::Differs, format!("the list lacks {}", words.join(", ")), omitted.for_sync())
                }
            }
        }
    };
    let name = "run by its id".to_owned();
    Finding {
        name,
        result,
        observed,
        expected: "no field that the list lacks",
        for_sync: for_sync.to_owned(),
    }
}

/// What the list does not show of a run.
struct Omitted {
    /// Documented fields.
    fields: Vec<&'static str>,
    /// Documented fields that are null in the list only.
    values: Vec<&'static str>,
    /// The number of undocumented fields.
    undocumented: usize,
}

impl Omitted {
    fn by(listed: &Decoded, by_id: &Decoded) -> Omitted {
        let all = Field::ALL.iter();
        let is_omitted =
            |field: &&Field| listed.run.absent.contains(**field) && !by_id.run.absent.contains(**field);
        let fields = all.clone().filter(is_omitted).map(|field| field.name()).collect();
        // A run in progress may have received a value between the two requests.
        let is_final = by_id.run.status.as_ref().is_some_and(|status| status.is_final());
        let (in_list, in_run) = (listed.run.document(), by_id.run.document());
        let values = match (Entries::parse(&in_list), Entries::parse(&in_run)) {
            (Some(in_list), Some(in_run)) if is_final => {
                let is_null = |entries: &Entries<'_>, field: &Field| {
                    entries.get(field.name()).map(|value| value.json_type() == JsonType::Null)
                };
                let is_hidden = |field: &&Field| {
                    is_null(&in_list, field) == Some(true) && is_null(&in_run, field) == Some(false)
                };
                all.filter(is_hidden).map(|field| field.name()).collect()
            }
            _ => Vec::new(),
        };
        let undocumented = |run: &Decoded| -> BTreeSet<String> {
            let fields = run.drift.iter().filter(|drift| drift.kind == DriftKind::Field);
            fields.map(|drift| drift.field.clone()).collect()
        };
        let undocumented = undocumented(by_id).difference(&undocumented(listed)).count();
        Omitted { fields, values, undocumented }
    }

    /// What is omitted, without names of the API's own. Empty: nothing.
    fn words(&self) -> Vec<String> {
        let fields = self.fields.iter().map(|field| (*field).to_owned());
        let values = self.values.iter().map(|field| format!("the value of {field}"));
        let undocumented =
            (self.undocumented > 0).then(|| counted(self.undocumented as u64, "undocumented field"));
        fields.chain(values).chain(undocumented).collect()
    }

    fn for_sync(&self) -> &'static str {
        match (self.values.is_empty(), self.fields.is_empty()) {
            (false, _) => "sync can store the two views of a run in turn",
            (true, false) => "sync requests each new or changed run by its id, too",
            (true, true) => "sync stores a new run as the list shows it",
        }
    }
}

/// The number of fields in the run's JSON.
fn field_count(run: &Decoded) -> usize {
    Entries::parse(&run.run.document()).map_or(0, |entries| entries.0.len())
}

/// `field` names the run's pipeline.
pub(super) fn expand(field: &str, answer: &Answer) -> Finding {
    let value = answer
        .body
        .as_deref()
        .ok()
        .and_then(|body| Entries::parse(body)?.get(field).map(JsonText::json_type));
    let (result, observed) = match value {
        Some(JsonType::Object) => (Agreement::Ok, "an object in place of the id".to_owned()),
        Some(JsonType::String) => (Agreement::Differs, "the id, as without it".to_owned()),
        Some(_) => (Agreement::Differs, "neither an object nor the id".to_owned()),
        None => (Agreement::Differs, instead(answer)),
    };
    Finding {
        name: format!("expand[]={field}"),
        result,
        observed,
        expected: "an object in place of the id",
        for_sync: "sync does not use it".to_owned(),
    }
}

pub(super) fn unknown(answer: &Answer) -> Finding {
    let is_not_found = is_not_found(answer);
    let for_sync = match is_not_found {
        true => "sync recognizes a deleted run",
        false => "sync cannot recognize a deleted run",
    };
    Finding {
        name: "run that does not exist".to_owned(),
        result: Agreement::of(is_not_found),
        observed: instead(answer),
        expected: "HTTP 404",
        for_sync: for_sync.to_owned(),
    }
}

/// How the runs name their pipelines.
pub(super) fn pipeline(pages: &[&RunPage]) -> Finding {
    let (mut runs, mut with_one, mut by_uuid) = (0, 0, 0);
    for Decoded { run, .. } in pages.iter().flat_map(|page| page.runs()) {
        runs += 1;
        let named: Vec<&String> =
            [&run.source, &run.destination, &run.transformation].into_iter().flatten().collect();
        if let [name] = named.as_slice() {
            with_one += 1;
            by_uuid += u64::from(Uuid::try_parse(name).is_ok());
        }
    }
    let how = match by_uuid {
        0 => "by slug".to_owned(),
        _ if by_uuid == with_one => "by UUID".to_owned(),
        _ => format!("{by_uuid} by UUID, {} by slug", with_one - by_uuid),
    };
    let (result, observed, for_sync) = match runs {
        0 => (Agreement::Unknown, "no run to see it".to_owned(), "sync finds out"),
        _ if with_one == runs => (
            Agreement::Ok,
            format!("one in each of {} ({how})", counted(runs, "run")),
            "reports can assign each run",
        ),
        _ => (
            Agreement::Differs,
            format!("{} of {} without exactly one", runs - with_one, counted(runs, "run")),
            "sync keeps these runs; reports by pipeline cannot assign them",
        ),
    };
    let name = "pipeline of a run".to_owned();
    let expected = "one source, destination or transformation";
    Finding { name, result, observed, expected, for_sync: for_sync.to_owned() }
}
