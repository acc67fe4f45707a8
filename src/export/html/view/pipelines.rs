//! The costliest pipelines, and the names of pipelines.

use super::{ViewBuilder, of_them_unknown};
use crate::export::html::chart::Sparkline;
use crate::export::html::data::TOP;
use crate::export::html::label::{is_visible, single_line};
use crate::export::html::number::{Number, group_thousands};
use crate::report::overview::calendar::month_label;
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
    name: String,
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
                name: name_of(pipeline),
                runs: Number::count(cost.runs),
                unknown: Number::count(cost.runs_cost_unknown),
                cost: Number::usd(cost.total(), USD_DECIMALS_FOR_PEOPLE),
                share: Number::share(share),
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
                let text = Number::usd(usd, USD_DECIMALS_FOR_PEOPLE).text;
                (usd.map(Usd::units), format!("{}: {text} USD", month_label(month)))
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
        let title = format!("Cost by month up to {}", month_label(self.range.months.1));
        Sparkline::new(title, &months, headline)
    }

    pub(super) fn pipelines_more(&self) -> String {
        let rest = self.overview.pipelines.get(TOP..).unwrap_or_default();
        if rest.is_empty() {
            return String::new();
        }
        let mut sums = Sums::default();
        rest.iter().for_each(|pipeline| sums.merge(pipeline.total));
        format!(
            "{} more pipelines, together {} USD for {} runs{}.",
            group_thousands(&rest.len().to_string()),
            Number::usd(sums.cost.total(), USD_DECIMALS_FOR_PEOPLE).text,
            group_thousands(&sums.cost.runs.to_string()),
            of_them_unknown(sums.cost.runs_cost_unknown)
        )
    }
}

/// The name to display. A pipeline with an invisible name is displayed by its id.
pub(super) fn name(name: Option<&String>, id: Option<&String>, kind: Option<&String>) -> Name {
    let clean = |text: &String| single_line(text);
    match (name.filter(|name| is_visible(name)), id) {
        (Some(name), id) => {
            Name { name: clean(name), kind: kind.cloned().unwrap_or_default(), id: id.map(clean) }
        }
        (None, Some(id)) => Name { name: clean(id), kind: kind.cloned().unwrap_or_default(), id: None },
        (None, None) => {
            Name { name: "No single pipeline".to_owned(), kind: "none or several".to_owned(), id: None }
        }
    }
}

pub(super) fn name_of(pipeline: &PipelineSummary) -> Name {
    name(pipeline.name.as_ref(), pipeline.id.as_ref(), pipeline.kind.as_ref())
}
