//! The costliest pipelines, and the names of pipelines.

use super::ViewBuilder;
use super::prepared::TOP;
use crate::export::html::chart::Sparkline;
use crate::export::html::label::{is_visible, single_line};
use crate::export::html::number::Number;
use crate::language::Language;
use crate::report::overview::{PipelineSummary, Sums};
use crate::report::table::USD_DECIMALS_FOR_PEOPLE;
use crate::run::{Share, Usd};
use askama::Template;

/// The maximum number of months in a sparkline.
const SPARKLINE_MONTHS: usize = 24;

/// The name, kind and id of a pipeline.
#[derive(Debug, Template)]
#[template(path = "name.html")]
pub(super) struct Name {
    pub(super) name: String,
    kind: String,
    id: Option<String>,
}

#[derive(Debug)]
pub(super) struct PipelineRow {
    pub(super) name: Name,
    pub(super) runs: Number,
    pub(super) unknown: Number,
    pub(super) cost: Number,
    pub(super) share: Number,
    pub(super) sparkline: Sparkline,
}

impl ViewBuilder<'_> {
    pub(super) fn pipelines(&self) -> Vec<PipelineRow> {
        let all = self.overview.all.total.cost.total();
        let row = |pipeline: &PipelineSummary| {
            let Sums { cost, .. } = pipeline.total;
            let share = cost.total().zip(all).and_then(|(part, all)| Share::ratio(part.units(), all.units()));
            PipelineRow {
                name: name_of(pipeline, self.language()),
                runs: self.numbers.count(cost.runs),
                unknown: self.numbers.count(cost.runs_cost_unknown),
                cost: self.numbers.usd_exact(cost.total()),
                share: self.numbers.share(share),
                sparkline: self.sparkline(pipeline),
            }
        };
        self.overview.pipelines.iter().take(TOP).map(row).collect()
    }

    fn sparkline(&self, pipeline: &PipelineSummary) -> Sparkline {
        let months: Vec<(Option<i128>, String)> = self
            .range
            .months()
            .rev()
            .take(SPARKLINE_MONTHS)
            .map(|month| {
                let usd = pipeline.months.get(month).and_then(|sums| sums.cost.total());
                let text = self.numbers.usd(usd, USD_DECIMALS_FOR_PEOPLE).text;
                (usd.map(Usd::units), format!("{}: {text} USD", self.range.month(month)))
            })
            .collect();
        let months: Vec<_> = months.into_iter().rev().collect();
        // The index of the headline month, counted from the end: the sparkline and the range end
        // with the same month.
        let headline = self.overview.headline_month.as_ref().and_then(|headline| {
            months
                .len()
                .checked_sub(1)?
                .checked_sub(usize::try_from(self.range.months.1 - headline.month).ok()?)
        });
        let last = self.range.month(self.range.months.1);
        let title = self.filled("Cost by month up to {month}", &[("month", &last)]);
        Sparkline::new(title, &months, headline)
    }

    pub(super) fn pipelines_more(&self) -> String {
        let rest = self.overview.pipelines.get(TOP..).unwrap_or_default();
        if rest.is_empty() {
            return String::new();
        }
        let mut sums = Sums::default();
        rest.iter().for_each(|pipeline| sums.merge(pipeline.total));
        self.filled(
            "{count} more pipelines, together {cost} USD for {runs} runs{unknown}.",
            &[
                ("count", &self.numbers.whole(rest.len() as u64)),
                ("cost", &self.numbers.usd(sums.cost.total(), USD_DECIMALS_FOR_PEOPLE).text),
                ("runs", &self.numbers.whole(sums.cost.runs)),
                ("unknown", &self.of_them_unknown(sums.cost.runs_cost_unknown)),
            ],
        )
    }
}

/// The name to display. A pipeline with an invisible name is displayed by its id.
pub(super) fn name(
    name: Option<&String>,
    id: Option<&String>,
    kind: Option<&String>,
    language: Language,
) -> Name {
    let clean = |text: &String| single_line(text);
    // In English the page has the words of the API.
    let kind = match (kind, language) {
        (Some(kind), Language::Portuguese) => language.value("pipeline_kind", kind).into_owned(),
        (kind, _) => kind.cloned().unwrap_or_default(),
    };
    match (name.filter(|name| is_visible(name)), id) {
        (Some(name), id) => Name { name: clean(name), kind, id: id.map(clean) },
        (None, Some(id)) => Name { name: clean(id), kind, id: None },
        (None, None) => {
            let text = |english: &'static str| language.page(english).to_owned();
            Name { name: text("No single pipeline"), kind: text("none or several"), id: None }
        }
    }
}

/// The name to display of a group by pipeline: its labels are name, id and kind.
pub(super) fn name_of_labels(labels: &[Option<String>], language: Language) -> Name {
    let part = |index: usize| labels.get(index).and_then(Option::as_ref);
    name(part(0), part(1), part(2), language)
}

pub(super) fn name_of(pipeline: &PipelineSummary, language: Language) -> Name {
    name(pipeline.name.as_ref(), pipeline.id.as_ref(), pipeline.kind.as_ref(), language)
}
