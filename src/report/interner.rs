//! This is the memory for labels of one dimension: each label met gets a small number, its place.

use super::allocation::Allocator;
use super::dimension::Dimension;
use super::ledger::Ledger;
use super::period::{Calendar, Period};
use super::run_scan::IndexedRun;
use crate::error::Result;
use crate::run::Instant;
use chrono_tz::Tz;
use rusqlite::named_params;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

/// What the catalogue calls a pipeline, found as the view `runs` finds it.
const PIPELINE_NAME: &str = "
SELECT coalesce(
           (SELECT p.name FROM pipelines AS p WHERE p.kind = :kind AND p.pipeline_id = :id),
           (SELECT p.name FROM pipelines AS p WHERE p.slug = :id AND +p.kind = :kind
            ORDER BY p.gone_at, p.pipeline_id LIMIT 1)
       )";

/// The place of "not known" in every dimension.
const UNKNOWN: u32 = 0;

/// Stands between the parts of a pipeline's interned key: its ledger's number, its kind, its id.
const PART_END: char = '\0';

/// One label as its cells, in the order they are sorted by. `None`: not known.
pub type Label = Vec<Option<String>>;

/// Gives each label of one dimension its place.
pub struct Interner {
    dimension: Dimension,
    /// The ledgers whose runs came so far; the last one's are coming now.
    entered: Vec<Entered>,
    places: HashMap<String, u32>,
    /// The label's own text by place, for pipelines their ledger, kind and id; `None` is at [`UNKNOWN`].
    keys: Vec<Option<String>>,
    /// The period of the last run: rows come in order of time, so the next one mostly shares it.
    current: Option<(Period, u32)>,
    pipeline_key: String,
}

/// What labels take from the ledger that a run is in.
struct Entered {
    zone: Tz,
    allocator: Arc<Allocator>,
    /// Its place among those that were entered, as pipelines' keys have it.
    number: String,
    workspace: String,
}

impl Interner {
    /// Nothing met yet, except what is not known.
    pub fn new(dimension: Dimension) -> Interner {
        Interner {
            dimension,
            entered: Vec::new(),
            places: HashMap::new(),
            keys: vec![None],
            current: None,
            pipeline_key: String::new(),
        }
    }

    /// The runs that come are those of that ledger.
    pub fn enter_ledger(&mut self, ledger: &Ledger<'_>) {
        self.entered.push(Entered {
            zone: ledger.scope().zone,
            allocator: Arc::clone(ledger.allocator()),
            number: self.entered.len().to_string(),
            workspace: ledger.workspace().to_owned(),
        });
    }

    fn entered(&self) -> &Entered {
        self.entered.last().expect("runs come after their ledger")
    }

    /// The place of the run's label.
    pub fn index_of(&mut self, run: &IndexedRun<'_>) -> Result<u32> {
        match self.dimension {
            Dimension::Period(calendar) => Ok(self.place_of_period(run.booked_at()?, calendar)),
            Dimension::Pipeline => {
                let Some((kind, id)) = run.pipeline()? else { return Ok(UNKNOWN) };
                let mut key = std::mem::take(&mut self.pipeline_key);
                key.clear();
                // Two workspaces may each have a pipeline of that id.
                key.push_str(&self.entered().number);
                for part in [kind, id] {
                    key.push(PART_END);
                    key.push_str(part);
                }
                let place = self.place_of_text(Some(&key));
                self.pipeline_key = key;
                Ok(place)
            }
            Dimension::Kind => Ok(self.place_of_text(run.pipeline()?.map(|(kind, _)| kind))),
            Dimension::Trigger => Ok(self.place_of_text(run.trigger_type()?)),
            Dimension::Status => Ok(self.place_of_text(run.status()?)),
            Dimension::Workspace => {
                let workspace = self.entered().workspace.clone();
                Ok(self.place_of_text(Some(&workspace)))
            }
            Dimension::Centre => {
                let allocator = Arc::clone(&self.entered().allocator);
                let centre = allocator.centre(run.pipeline()?, run.trigger_type()?, run.booked_at()?);
                Ok(self.place_of_text(Some(centre)))
            }
        }
    }

    fn place_of_text(&mut self, text: Option<&str>) -> u32 {
        let Some(text) = text else { return UNKNOWN };
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let place = u32::try_from(self.keys.len()).expect("an archive has fewer than 2^32 distinct labels");
        self.places.insert(text.to_owned(), place);
        self.keys.push(Some(text.to_owned()));
        place
    }

    fn place_of_period(&mut self, booked_at: Option<&str>, calendar: Calendar) -> u32 {
        let Some(booked_at) = booked_at else { return UNKNOWN };
        if let Some((_, place)) = self.current.as_ref().filter(|(period, _)| period.contains(booked_at)) {
            return *place;
        }
        let Some(instant) = Instant::parse(booked_at) else { return UNKNOWN };
        let period = Period::around(instant, calendar, self.entered().zone);
        let place = self.place_of_text(Some(&period.label));
        self.current = Some((period, place));
        place
    }

    /// Which parts of this dimension's labels are shown, each by its index and under its column's name, where the
    /// dimension stands among `all` that the report is split by.
    pub fn columns(&self, all: &[Interner]) -> Vec<(usize, &'static str)> {
        let has = |dimension| all.iter().any(|other| other.dimension == dimension);
        let name = match self.dimension {
            Dimension::Period(Calendar::Month) => "month",
            Dimension::Period(Calendar::Week) => "week",
            Dimension::Period(Calendar::Day) => "day",
            Dimension::Pipeline => {
                let mut columns = vec![(0, "pipeline_name"), (1, "pipeline_id")];
                // What has a column already is left off, and what is the same in every row.
                if !has(Dimension::Kind) {
                    columns.push((2, "pipeline_kind"));
                }
                if self.entered.len() > 1 && !has(Dimension::Workspace) {
                    columns.push((3, "workspace"));
                }
                return columns;
            }
            Dimension::Kind => "pipeline_kind",
            Dimension::Trigger => "trigger_type",
            Dimension::Status => "status",
            Dimension::Centre => "centre",
            Dimension::Workspace => "workspace",
        };
        vec![(0, name)]
    }

    /// All labels by their place. Pipelines get their names from the catalogue of their ledger, one of those
    /// entered.
    pub fn labels(&self, ledgers: &[Ledger<'_>]) -> Result<Vec<Label>> {
        if self.dimension != Dimension::Pipeline {
            return Ok(self.keys.iter().map(|key| vec![key.clone()]).collect());
        }
        let mut catalogues = Vec::with_capacity(ledgers.len());
        for ledger in ledgers {
            catalogues.push(ledger.connection().prepare(PIPELINE_NAME)?);
        }
        let mut labels = Vec::with_capacity(self.keys.len());
        for key in &self.keys {
            let parts = key.as_ref().and_then(|key| {
                let (number, pipeline) = key.split_once(PART_END)?;
                Some((number.parse::<usize>().ok()?, pipeline.split_once(PART_END)?))
            });
            labels.push(match parts {
                Some((number, (kind, id))) => {
                    let name = catalogues[number]
                        .query_row(named_params! {":kind": kind, ":id": id}, |row| row.get(0))?;
                    let mut label = vec![name, Some(id.to_owned()), Some(kind.to_owned())];
                    if self.entered.len() > 1 {
                        label.push(Some(self.entered[number].workspace.clone()));
                    }
                    label
                }
                None => vec![None; if self.entered.len() > 1 { 4 } else { 3 }],
            });
        }
        Ok(labels)
    }
}

/// By place, the position of each label in the order of reports: texts ascending, "not known" last.
pub fn ranks(labels: &[Label]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|left, right| compare(&labels[*left], &labels[*right]));
    let mut ranks = vec![0; labels.len()];
    for (rank, place) in order.into_iter().enumerate() {
        ranks[place] = rank;
    }
    ranks
}

fn compare(left: &Label, right: &Label) -> Ordering {
    let known_first = |part: &Option<String>| (part.is_none(), part.clone());
    left.iter().map(known_first).cmp(right.iter().map(known_first))
}
