//! Values by pipeline, found without a copy of each run's pipeline.

use super::credits::PipelineKey;
use super::run_scan::IndexedRun;
use crate::error::Result;
use foldhash::HashMap;

/// The kinds of pipelines.
const KINDS: [&str; 3] = ["source", "destination", "transformation"];

/// A value for each pipeline, and one for the runs that have no pipeline, or several.
#[derive(Debug)]
pub(super) struct ByPipeline<T> {
    /// The place of each value, by kind, and by the id or slug in the runs.
    places: [HashMap<String, usize>; KINDS.len()],
    values: Vec<T>,
    without_pipeline: Option<T>,
}

impl<T> Default for ByPipeline<T> {
    fn default() -> ByPipeline<T> {
        ByPipeline { places: Default::default(), values: Vec::new(), without_pipeline: None }
    }
}

impl<T> ByPipeline<T> {
    /// The value of a pipeline. `None`: it has none.
    pub(super) fn get(&self, kind: &str, id: &str) -> Option<&T> {
        Some(&self.values[*self.places[number_of(kind)?].get(id)?])
    }

    /// The value of a pipeline, made if it has none. The kind must be that of a run.
    pub(super) fn get_or_insert_with(&mut self, kind: &str, id: &str, value: impl FnOnce() -> T) -> &mut T {
        let places = &mut self.places[number_of(kind).expect("runs have pipelines of three kinds")];
        let place = match places.get(id) {
            Some(place) => *place,
            None => {
                places.insert(id.to_owned(), self.values.len());
                self.values.push(value());
                self.values.len() - 1
            }
        };
        &mut self.values[place]
    }

    /// The value of a run's pipeline, or of the runs without one, made if there is none.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(super) fn of_run(&mut self, run: &IndexedRun<'_>) -> Result<&mut T>
    where
        T: Default,
    {
        Ok(match run.pipeline()? {
            Some((kind, id)) => self.get_or_insert_with(kind, id, T::default),
            None => self.without_pipeline.get_or_insert_default(),
        })
    }

    /// The values of pipelines, without that of other runs, in no order: the kind, the id or slug, and the value.
    pub(super) fn into_pipelines(self) -> impl Iterator<Item = (&'static str, String, T)> {
        let mut values: Vec<Option<T>> = self.values.into_iter().map(Some).collect();
        let places = KINDS.into_iter().zip(self.places);
        places.flat_map(|(kind, ids)| ids.into_iter().map(move |(id, place)| (kind, id, place))).map(
            move |(kind, id, place)| {
                (kind, id, values[place].take().expect("each place belongs to one pipeline"))
            },
        )
    }

    /// All values, in no order.
    pub(super) fn into_keys(mut self) -> impl Iterator<Item = (PipelineKey, T)> {
        let without_pipeline = self.without_pipeline.take().map(|value| (None, value));
        let pipelines = self.into_pipelines().map(|(kind, id, value)| (Some((kind.to_owned(), id)), value));
        pipelines.chain(without_pipeline)
    }
}

fn number_of(kind: &str) -> Option<usize> {
    KINDS.iter().position(|known| *known == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipelines_of_two_kinds_with_the_same_id_differ() {
        let mut counts: ByPipeline<u32> = ByPipeline::default();
        for (kind, id) in [("source", "7"), ("destination", "7"), ("source", "8"), ("source", "7")] {
            *counts.get_or_insert_with(kind, id, || 10) += 1;
        }
        assert_eq!([counts.get("source", "7"), counts.get("destination", "8")], [Some(&12), None]);
        assert_eq!(counts.get("transformation", "7"), None);
        assert_eq!(counts.get("report", "7"), None, "there is no such kind");
        let mut all: Vec<_> = counts.into_pipelines().collect();
        all.sort_unstable();
        let text = |text: &str| text.to_owned();
        assert_eq!(
            all,
            [("destination", text("7"), 11), ("source", text("7"), 12), ("source", text("8"), 11)]
        );
    }
}
