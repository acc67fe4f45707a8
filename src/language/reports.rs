//! The names of reports, exports and dimensions in titles.

use super::{Language, Phrase};

/// Each question, as in a manifest, with its name in a title.
const QUESTIONS: &[(&str, Phrase)] = &[
    ("report cost", Phrase::new("Cost", "Custo")),
    ("report duration", Phrase::new("Duration", "Duração")),
    ("report credits", Phrase::new("Credits", "Créditos")),
    ("report budget", Phrase::new("Budgets", "Orçamentos")),
    ("report change", Phrase::new("Change", "Variação")),
    ("report schedule", Phrase::new("Schedule", "Agendamento")),
    ("report failures", Phrase::new("Failures", "Falhas")),
    ("report recovery", Phrase::new("Recovery from failures", "Recuperação de falhas")),
    ("report open", Phrase::new("Runs that have not ended", "Execuções não encerradas")),
    ("report audit", Phrase::new("Audit", "Auditoria")),
    ("report waste", Phrase::new("Spent without result", "Gasto sem resultado")),
    ("report anomalies", Phrase::new("Out of the ordinary", "Fora do padrão")),
    ("report settling", Phrase::new("Settling of costs", "Estabilização dos custos")),
    ("report costliest-runs", Phrase::new("Most expensive runs", "Execuções mais caras")),
    ("report slowest-runs", Phrase::new("Slowest runs", "Execuções mais demoradas")),
    ("report status-transitions", Phrase::new("Status transitions", "Transições de situação")),
    (
        "report cost-changes-after-success",
        Phrase::new("Changes of cost after success", "Alterações de custo após o sucesso"),
    ),
    ("report pipelines-without-runs", Phrase::new("Pipelines without runs", "Pipelines sem execuções")),
    ("report metadata", Phrase::new("Metadata", "Metadados")),
    ("report components", Phrase::new("Components of the cost", "Componentes do custo")),
    ("runs", Phrase::new("Runs", "Execuções")),
    ("export runs", Phrase::new("Runs", "Execuções")),
    ("export costs", Phrase::new("Cost of runs", "Custo das execuções")),
    ("export snapshots", Phrase::new("States of runs", "Estados das execuções")),
    ("restatements", Phrase::new("Changes after the close", "Alterações após o fechamento")),
    ("statements", Phrase::new("Statements", "Demonstrativos")),
    ("reconcile", Phrase::new("Reconciliation", "Conciliação")),
];

/// Each dimension of `--by`, with its name within a title.
const DIMENSIONS: &[(&str, Phrase)] = &[
    ("month", Phrase::new("month", "mês")),
    ("week", Phrase::new("week", "semana")),
    ("day", Phrase::new("day", "dia")),
    ("pipeline", Phrase::new("pipeline", "pipeline")),
    ("kind", Phrase::new("kind", "tipo")),
    ("trigger", Phrase::new("trigger", "acionamento")),
    ("status", Phrase::new("status", "situação")),
    ("cost-center", Phrase::new("cost center", "centro de custo")),
    ("workspace", Phrase::new("workspace", "workspace")),
];

impl Language {
    /// The name of a question, such as `report cost`. `None`: the catalogue has none, as for the reports of users.
    pub(crate) fn question(self, question: &str) -> Option<&'static str> {
        named(QUESTIONS, question).map(|phrase| phrase.text(self))
    }

    /// The name of a dimension within a title. Any other text is unchanged.
    pub(crate) fn dimension(self, dimension: &str) -> &str {
        named(DIMENSIONS, dimension).map_or(dimension, |phrase| phrase.text(self))
    }
}

fn named(names: &[(&str, Phrase)], name: &str) -> Option<Phrase> {
    names.iter().find(|(known, _)| *known == name).map(|(_, phrase)| *phrase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Dimension;
    use crate::report::question::QUESTIONS;

    #[test]
    fn every_report_and_dimension_has_a_name() {
        for question in QUESTIONS {
            assert!(Language::Portuguese.question(&format!("report {}", question.name)).is_some());
        }
        for (dimension, _) in Dimension::ALL {
            assert!(named(DIMENSIONS, dimension).is_some(), "{dimension}");
        }
    }
}
