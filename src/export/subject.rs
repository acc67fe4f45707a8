//! What an answer shows, in the language of its reader: `Custo por centro de custo · outubro de 2026`.

use super::manifest::Provenance;
use crate::language::{Language, phrases};
use crate::report::filter::RunFilter;
use crate::report::period::{Calendar, Period};
use crate::run::Instant;
use chrono::TimeDelta;
use chrono_tz::Tz;

/// The subject of an answer. `None`: it answers no question about runs.
pub(crate) fn subject(provenance: &Provenance, language: Language) -> Option<String> {
    if provenance.question.is_empty() {
        return None;
    }
    let mut subject = match &provenance.cost_center {
        Some(center) => {
            let center = language.value("cost_center", center);
            phrases::STATEMENT.fill(language, &[("center", &center)])
        }
        None => name(&provenance.question, language),
    };
    // A statement always lists pipelines.
    if !provenance.by.is_empty() && provenance.cost_center.is_none() {
        let dimensions: Vec<&str> = provenance.by.iter().map(|by| language.dimension(by)).collect();
        let dimensions = dimensions.join(", ");
        subject = phrases::BY.fill(language, &[("what", &subject), ("dimensions", &dimensions)]);
    }
    if let Some(period) = period(provenance, language) {
        subject = phrases::OF_PERIOD.fill(language, &[("what", &subject), ("period", &period)]);
    }
    for (dimension, values) in provenance.filter.iter().flat_map(RunFilter::conditions) {
        if !values.is_empty() {
            let column = column_of(dimension);
            let values: Vec<_> = values.iter().map(|value| language.value(column, value)).collect();
            subject = format!("{subject} · {}: {}", language.dimension(dimension), values.join(", "));
        }
    }
    let id = provenance.list.id_prefix.as_ref().map(|id| phrases::ID_BEGINS.fill(language, &[("id", id)]));
    let least = provenance
        .list
        .min_cost_usd
        .as_ref()
        .map(|amount| phrases::AT_LEAST.fill(language, &[("amount", &language.number(amount))]));
    let unknown = provenance.list.cost_unknown.then(|| phrases::COST_NOT_KNOWN.fill(language, &[]));
    for words in [id, least, unknown].into_iter().flatten() {
        subject = format!("{subject} · {words}");
    }
    if !provenance.workspaces.is_empty() {
        let count = provenance.workspaces.len().to_string();
        subject = format!("{subject}, {}", phrases::WORKSPACES.fill(language, &[("count", &count)]));
    }
    Some(subject)
}

/// The column with the values of a dimension.
fn column_of(dimension: &str) -> &'static str {
    match dimension {
        "kind" => "pipeline_kind",
        "status" => "status",
        "trigger" => "trigger_type",
        "cost-center" => "cost_center",
        _ => "pipeline_name",
    }
}

/// The name of the question. The report of a user has its own name, with spaces for hyphens.
fn name(question: &str, language: Language) -> String {
    if let Some(name) = language.question(question) {
        return name.to_owned();
    }
    if let Some(amount) = question.strip_prefix("reconcile --invoice ") {
        return phrases::RECONCILIATION.fill(language, &[("amount", &language.number(amount))]);
    }
    let name = question.strip_prefix("report ").unwrap_or(question).replace('-', " ");
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The period, or the first and the last day; with the period that it is compared with. `None`: every run.
fn period(provenance: &Provenance, language: Language) -> Option<String> {
    let period = match &provenance.period {
        Some(period) => language.period(period),
        None => days(provenance, language)?,
    };
    Some(match &provenance.against {
        Some(against) => {
            let against = language.period(&against.period);
            phrases::AGAINST.fill(language, &[("period", &period), ("against", &against)])
        }
        None => period,
    })
}

fn days(provenance: &Provenance, language: Language) -> Option<String> {
    let zone: Tz = provenance.zone.parse().unwrap_or(Tz::UTC);
    let day = |at: Instant| language.period(&Period::around(at, Calendar::Day, zone).label);
    let from = provenance.from.as_deref().and_then(Instant::parse).map(day);
    let until = provenance.until.as_deref().and_then(Instant::parse);
    let last = until.map(|until| day(until.plus(TimeDelta::microseconds(-1))));
    match (from, last) {
        (None, None) => None,
        (Some(from), None) => Some(phrases::FROM.fill(language, &[("from", &from)])),
        (None, Some(last)) => Some(phrases::UP_TO.fill(language, &[("last", &last)])),
        (Some(from), Some(last)) if from == last => Some(from),
        (Some(from), Some(last)) => {
            Some(phrases::FROM_TO.fill(language, &[("from", &from), ("last", &last)]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::manifest::ComparedPeriod;
    use crate::report::run_list::ListConditions;

    fn asked(question: &str, by: &[&str]) -> Provenance {
        Provenance {
            question: question.to_owned(),
            by: by.iter().map(|by| (*by).to_owned()).collect(),
            zone: "America/Sao_Paulo".to_owned(),
            ..Provenance::default()
        }
    }

    fn subjects(provenance: &Provenance) -> [String; 2] {
        [Language::English, Language::Portuguese].map(|language| subject(provenance, language).unwrap())
    }

    #[test]
    fn a_subject_names_the_question_and_the_period() {
        let month = Provenance {
            period: Some("2026-10".to_owned()),
            ..asked("report cost", &["month", "cost-center"])
        };
        assert_eq!(
            subjects(&month),
            ["Cost by month, cost center · October 2026", "Custo por mês, centro de custo · outubro de 2026"]
        );
        let compared = Provenance {
            period: Some("2026-10".to_owned()),
            against: Some(ComparedPeriod { period: "2026-09".to_owned(), ..ComparedPeriod::default() }),
            ..asked("report change", &["kind"])
        };
        assert_eq!(
            subjects(&compared),
            [
                "Change by kind · October 2026 against September 2026",
                "Variação por tipo · outubro de 2026 em relação a setembro de 2026"
            ]
        );
        let statement = Provenance {
            period: Some("2026-10".to_owned()),
            cost_center: Some("unallocated".to_owned()),
            ..asked("statements", &["pipeline"])
        };
        assert_eq!(
            subjects(&statement),
            ["Statement of Unallocated · October 2026", "Demonstrativo de Não alocado · outubro de 2026"]
        );
        assert_eq!(
            subjects(&asked("reconcile --invoice 1234.56", &[])),
            ["Reconciliation with the invoice of 1,234.56 USD", "Conciliação com a fatura de US$ 1.234,56"]
        );
        assert_eq!(subjects(&asked("report my-own", &[])), ["My own", "My own"]);
        assert_eq!(subject(&Provenance::default(), Language::Portuguese), None);
    }

    #[test]
    fn a_span_has_its_first_and_last_day() {
        let days = Provenance {
            from: Some("2026-09-01T03:00:00.000000Z".to_owned()),
            until: Some("2026-10-01T03:00:00.000000Z".to_owned()),
            ..asked("report slowest-runs", &[])
        };
        assert_eq!(
            subjects(&days),
            ["Slowest runs · 2026-09-01 to 2026-09-30", "Execuções mais demoradas · 01/09/2026 a 30/09/2026"]
        );
        let filter = RunFilter {
            kind: vec!["source".to_owned()],
            status: vec!["failed".to_owned(), "canceled".to_owned()],
            ..RunFilter::default()
        };
        assert_eq!(
            subjects(&Provenance { until: None, filter: Some(filter), ..days }),
            [
                "Slowest runs · from 2026-09-01 · kind: Source · status: Failed, Canceled",
                "Execuções mais demoradas · a partir de 01/09/2026 · tipo: Fonte · situação: Falha, Cancelada"
            ]
        );
    }

    #[test]
    fn a_list_says_which_runs_it_has() {
        let list = ListConditions { min_cost_usd: Some("0.25".to_owned()), ..ListConditions::default() };
        let english = |list| subject(&Provenance { list, ..asked("runs", &[]) }, Language::English).unwrap();
        let subjects = subjects(&Provenance { list, ..asked("runs", &[]) });
        assert!(subjects[0].ends_with(" · at least 0.25 USD"), "{subjects:?}");
        assert!(subjects[1].ends_with(" · no mínimo US$ 0,25"), "{subjects:?}");
        let id_prefix = Some("a0".to_owned());
        let both = ListConditions { id_prefix, cost_unknown: true, ..ListConditions::default() };
        assert!(english(both).ends_with(" · id a0 · cost not known"));
    }
}
