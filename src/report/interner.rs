//! Interned labels of one dimension: maps each distinct label to a small index.

use super::allocation::Allocator;
use super::by_pipeline::ByPipeline;
use super::catalogue::Catalogue;
use super::dimension::Dimension;
use super::ledger::Ledger;
use super::period::{Calendar, Period};
use super::run_scan::{Columns, IndexedRun};
use crate::error::Result;
use crate::run::Instant;
use chrono_tz::Tz;
use foldhash::{HashMap, HashMapExt};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

/// The index of "not known" in every dimension.
const UNKNOWN: u32 = 0;

/// Separates the parts of a pipeline's key: its ledger's number, its kind, its id.
const SEPARATOR: char = '\0';

/// One label as its cells, in sort order. `None`: not known.
pub(super) type Label = Vec<Option<String>>;

/// Maps the labels of one dimension to indexes.
pub(super) struct Interner {
    dimension: Dimension,
    /// The ledgers entered so far. Runs belong to the last one.
    ledgers: Vec<LedgerContext>,
    indexes: HashMap<String, u32>,
    /// The key of each label by index: its text, or a pipeline's ledger, kind and id. [`UNKNOWN`] has `None`.
    keys: Vec<Option<String>>,
    /// The period of the last run. Rows come in order of time, so the next run is mostly in the same period.
    current: Option<(Period, u32)>,
    /// The indexes of the last ledger's pipelines.
    pipelines: ByPipeline<u32>,
    /// The number of [`IndexedRun::json`] with the value of a path.
    json_number: usize,
}

/// The context of a run's labels.
struct LedgerContext {
    zone: Tz,
    allocator: Arc<Allocator>,
    /// The position among the entered ledgers, as text for the keys of pipelines.
    number: String,
    workspace: String,
}

impl Interner {
    /// An interner that contains only [`UNKNOWN`].
    pub(super) fn new(dimension: Dimension) -> Interner {
        Interner {
            dimension,
            ledgers: Vec::new(),
            indexes: HashMap::new(),
            keys: vec![None],
            current: None,
            pipelines: ByPipeline::default(),
            json_number: 0,
        }
    }

    /// Sets which JSON of a run is the value of this dimension's path.
    #[must_use]
    pub(super) fn reading_json(self, number: usize) -> Interner {
        Interner { json_number: number, ..self }
    }

    /// Starts a ledger: the runs that follow belong to it.
    pub(super) fn enter_ledger(&mut self, ledger: &Ledger<'_>) {
        self.ledgers.push(LedgerContext {
            zone: ledger.scope().zone,
            allocator: Arc::clone(ledger.allocator()),
            number: self.ledgers.len().to_string(),
            workspace: ledger.workspace().to_owned(),
        });
        // Pipeline ids are unique within a workspace only.
        self.pipelines = ByPipeline::default();
    }

    fn ledger(&self) -> &LedgerContext {
        self.ledgers.last().expect("a ledger is entered before its runs are read")
    }

    /// What [`Interner::index_of`] reads of a run for a dimension.
    pub(super) const fn reads(dimension: &Dimension) -> Columns {
        match dimension {
            Dimension::Period(_) => Columns::BOOKED_AT,
            Dimension::Pipeline | Dimension::Kind => Columns::PIPELINE,
            Dimension::Trigger => Columns::TRIGGER,
            Dimension::Status => Columns::STATUS,
            Dimension::CostCenter => Columns::BOOKED_AT.and(Columns::TRIGGER).and(Columns::PIPELINE),
            Dimension::Workspace | Dimension::Metadata(_) => Columns::NONE,
        }
    }

    /// The index of the run's label.
    pub(super) fn index_of(&mut self, run: &IndexedRun<'_>) -> Result<u32> {
        match self.dimension {
            Dimension::Period(calendar) => Ok(self.index_of_period(run.booked_at()?, calendar)),
            Dimension::Pipeline => {
                Ok(run.pipeline()?.map_or(UNKNOWN, |(kind, id)| self.index_of_pipeline(kind, id)))
            }
            Dimension::Kind => Ok(self.intern(run.pipeline()?.map(|(kind, _)| kind))),
            Dimension::Trigger => Ok(self.intern(run.trigger_type()?)),
            Dimension::Status => Ok(self.intern(run.status()?)),
            Dimension::Workspace => {
                let workspace = self.ledger().workspace.clone();
                Ok(self.intern(Some(&workspace)))
            }
            Dimension::CostCenter => {
                let allocator = Arc::clone(&self.ledger().allocator);
                let cost_center =
                    allocator.cost_center(run.pipeline()?, run.trigger_type()?, run.booked_at()?);
                Ok(self.intern(Some(cost_center)))
            }
            Dimension::Metadata(_) => {
                let label = run.json(self.json_number)?.and_then(label_of_json);
                Ok(self.intern(label.as_deref()))
            }
        }
    }

    /// The index of a label by its [`Interner::key`].
    pub(super) fn intern(&mut self, text: Option<&str>) -> u32 {
        let Some(text) = text else { return UNKNOWN };
        if let Some(index) = self.indexes.get(text) {
            return *index;
        }
        let index = u32::try_from(self.keys.len()).expect("an archive has fewer than 2^32 distinct labels");
        self.indexes.insert(text.to_owned(), index);
        self.keys.push(Some(text.to_owned()));
        index
    }

    fn index_of_pipeline(&mut self, kind: &str, id: &str) -> u32 {
        if let Some(index) = self.pipelines.get(kind, id) {
            return *index;
        }
        let key = format!("{}{SEPARATOR}{kind}{SEPARATOR}{id}", self.ledger().number);
        let index = self.intern(Some(&key));
        *self.pipelines.get_or_insert_with(kind, id, || index)
    }

    fn index_of_period(&mut self, booked_at: Option<&str>, calendar: Calendar) -> u32 {
        let Some(booked_at) = booked_at else { return UNKNOWN };
        if let Some((_, index)) = self.current.as_ref().filter(|(period, _)| period.contains(booked_at)) {
            return *index;
        }
        let Some(instant) = Instant::parse(booked_at) else { return UNKNOWN };
        let period = Period::around(instant, calendar, self.ledger().zone);
        let index = self.intern(Some(&period.label));
        self.current = Some((period, index));
        index
    }

    /// The columns of this dimension in a report split by `all`: the index of the label's part, and the column name.
    pub(super) fn columns(&self, all: &[Interner]) -> Vec<(usize, String)> {
        let has = |dimension| all.iter().any(|other| other.dimension == dimension);
        let name = match &self.dimension {
            Dimension::Period(Calendar::Month) => "month",
            Dimension::Period(Calendar::Week) => "week",
            Dimension::Period(Calendar::Day) => "day",
            Dimension::Pipeline => {
                let mut columns = vec![(0, "pipeline_name"), (1, "pipeline_id")];
                // Parts with a column of their own are omitted, and so is a workspace that is the same in every row.
                if !has(Dimension::Kind) {
                    columns.push((2, "pipeline_kind"));
                }
                if self.ledgers.len() > 1 && !has(Dimension::Workspace) {
                    columns.push((3, "workspace"));
                }
                return columns.into_iter().map(|(part, name)| (part, name.to_owned())).collect();
            }
            Dimension::Metadata(path) => return vec![(0, path.to_string())],
            Dimension::Kind => "pipeline_kind",
            Dimension::Trigger => "trigger_type",
            Dimension::Status => "status",
            Dimension::CostCenter => "cost_center",
            Dimension::Workspace => "workspace",
        };
        vec![(0, name.to_owned())]
    }

    /// What makes a label the same in another scope of the same ledgers: its text, or a pipeline's ledger, kind and id.
    /// `None`: not known.
    pub(super) fn key(&self, index: u32) -> Option<&str> {
        self.keys[index as usize].as_deref()
    }

    /// All labels by index. Pipeline names come from the catalogue of their ledger; `ledgers` are the entered ones.
    pub(super) fn labels(&self, ledgers: &[Ledger<'_>]) -> Result<Vec<Label>> {
        if self.dimension != Dimension::Pipeline {
            return Ok(self.keys.iter().map(|key| vec![key.clone()]).collect());
        }
        let has_workspaces = self.ledgers.len() > 1;
        let mut catalogues = Vec::with_capacity(ledgers.len());
        for ledger in ledgers {
            catalogues.push(Catalogue::read(ledger.connection())?);
        }
        let mut labels = Vec::with_capacity(self.keys.len());
        for key in &self.keys {
            let parts = key.as_ref().and_then(|key| {
                let (number, pipeline) = key.split_once(SEPARATOR)?;
                Some((number.parse::<usize>().ok()?, pipeline.split_once(SEPARATOR)?))
            });
            labels.push(match parts {
                Some((number, (kind, id))) => {
                    let name = catalogues[number].find(kind, id).and_then(|pipeline| pipeline.name.clone());
                    let mut label = vec![name, Some(id.to_owned()), Some(kind.to_owned())];
                    if has_workspaces {
                        label.push(Some(self.ledgers[number].workspace.clone()));
                    }
                    label
                }
                None => vec![None; if has_workspaces { 4 } else { 3 }],
            });
        }
        Ok(labels)
    }
}

/// The label of a JSON value: a string's text, anything else as JSON. `None`: the value is `null`.
fn label_of_json(json: &str) -> Option<Cow<'_, str>> {
    match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        None => (json != "null").then_some(Cow::Borrowed(json)),
        Some(text) if !text.contains('\\') => Some(Cow::Borrowed(text)),
        // A string that is not valid Unicode stays JSON.
        Some(_) => Some(serde_json::from_str(json).map_or(Cow::Borrowed(json), Cow::Owned)),
    }
}

/// The rank of each label by index: texts ascending, "not known" last.
pub(super) fn ranks(labels: &[Label]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|left, right| compare(&labels[*left], &labels[*right]));
    let mut ranks = vec![0; labels.len()];
    for (rank, index) in order.into_iter().enumerate() {
        ranks[index] = rank;
    }
    ranks
}

/// The order of labels: texts ascending, "not known" last.
pub(super) fn compare(left: &Label, right: &Label) -> Ordering {
    let known_first = |part: &Option<String>| (part.is_none(), part.clone());
    left.iter().map(known_first).cmp(right.iter().map(known_first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_of_a_json_value_is_its_text_or_its_json() {
        let label = |json| label_of_json(json).map(Cow::into_owned);
        assert_eq!(label(r#""m5.large""#).as_deref(), Some("m5.large"));
        assert_eq!(label(r#""a\"b\u00e9""#).as_deref(), Some("a\"bé"));
        assert_eq!(label(r#""\ud800""#).as_deref(), Some(r#""\ud800""#));
        for json in ["true", "1.10", "[1,2]", "{\"a\":1}", "9007199254740993"] {
            assert_eq!(label(json).as_deref(), Some(json));
        }
        assert_eq!(label("null"), None);
    }
}
