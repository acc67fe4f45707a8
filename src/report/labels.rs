//! This is the memory for labels of one dimension: each label met gets a small number, its place.

use super::booked::BookedRun;
use super::centre::Allocator;
use super::dimension::Dimension;
use super::ledger::Ledger;
use super::period::{Calendar, Period};
use crate::error::Result;
use crate::run::Instant;
use chrono_tz::Tz;
use rusqlite::{Connection, named_params};
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

/// Stands between a pipeline's kind and its id in an interned key.
const KIND_END: char = '\0';

/// One label as its cells, in the order they are sorted by. `None`: not known.
pub type Label = Vec<Option<String>>;

/// Gives each label of one dimension its place.
pub struct Interner {
    dimension: Dimension,
    zone: Tz,
    allocator: Arc<Allocator>,
    places: HashMap<String, u32>,
    /// The label's own text by place, for pipelines their kind and id; `None` is at [`UNKNOWN`].
    keys: Vec<Option<String>>,
    /// The period of the last run: rows come in order of time, so the next one mostly shares it.
    current: Option<(Period, u32)>,
    pipeline_key: String,
}

impl Interner {
    /// Nothing met yet, except what is not known.
    pub fn new(dimension: Dimension, ledger: &Ledger<'_>) -> Interner {
        Interner {
            dimension,
            zone: ledger.scope().zone,
            allocator: Arc::clone(ledger.allocator()),
            places: HashMap::new(),
            keys: vec![None],
            current: None,
            pipeline_key: String::new(),
        }
    }

    /// The place of the run's label.
    pub fn place_of(&mut self, run: &BookedRun<'_>) -> Result<u32> {
        match self.dimension {
            Dimension::Period(calendar) => Ok(self.place_of_period(run.booked_at()?, calendar)),
            Dimension::Pipeline => {
                let Some((kind, id)) = run.pipeline()? else { return Ok(UNKNOWN) };
                let mut key = std::mem::take(&mut self.pipeline_key);
                key.clear();
                key.push_str(kind);
                key.push(KIND_END);
                key.push_str(id);
                let place = self.place_of_text(Some(&key));
                self.pipeline_key = key;
                Ok(place)
            }
            Dimension::Kind => Ok(self.place_of_text(run.pipeline()?.map(|(kind, _)| kind))),
            Dimension::Trigger => Ok(self.place_of_text(run.trigger_type()?)),
            Dimension::Status => Ok(self.place_of_text(run.status()?)),
            Dimension::Centre => {
                let allocator = Arc::clone(&self.allocator);
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
        let period = Period::around(instant, calendar, self.zone);
        let place = self.place_of_text(Some(&period.label));
        self.current = Some((period, place));
        place
    }

    /// The columns of this dimension's labels, which stands among `all` that the report is split by.
    pub fn columns(&self, all: &[Interner]) -> Vec<String> {
        let columns: &[&str] = match self.dimension {
            Dimension::Period(Calendar::Month) => &["month"],
            Dimension::Period(Calendar::Week) => &["week"],
            Dimension::Period(Calendar::Day) => &["day"],
            // The kind is last, so that it is left off where it has a column already.
            Dimension::Pipeline if all.iter().any(|other| other.dimension == Dimension::Kind) => {
                &["pipeline_name", "pipeline_id"]
            }
            Dimension::Pipeline => &["pipeline_name", "pipeline_id", "pipeline_kind"],
            Dimension::Kind => &["pipeline_kind"],
            Dimension::Trigger => &["trigger_type"],
            Dimension::Status => &["status"],
            Dimension::Centre => &["centre"],
        };
        columns.iter().map(|column| (*column).to_owned()).collect()
    }

    /// All labels by their place. Pipelines get their names from the catalogue.
    pub fn labels(&self, archive: &Connection) -> Result<Vec<Label>> {
        if self.dimension != Dimension::Pipeline {
            return Ok(self.keys.iter().map(|key| vec![key.clone()]).collect());
        }
        let mut name_of = archive.prepare(PIPELINE_NAME)?;
        let mut labels = Vec::with_capacity(self.keys.len());
        for key in &self.keys {
            labels.push(match key.as_ref().and_then(|key| key.split_once(KIND_END)) {
                Some((kind, id)) => {
                    let name =
                        name_of.query_row(named_params! {":kind": kind, ":id": id}, |row| row.get(0))?;
                    vec![name, Some(id.to_owned()), Some(kind.to_owned())]
                }
                None => vec![None, None, None],
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
