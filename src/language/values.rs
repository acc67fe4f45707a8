//! The values of columns with a fixed set of words, such as statuses. A word that the list does not have, such as a
//! status that the API has added, is shown as it was sent. Columns of sentences are translated as such.

use super::{Language, Phrase, headings};
use std::borrow::Cow;

/// A value for programs, and for people.
type Value = (&'static str, Phrase);

const STATUSES: &[Value] = &[
    ("success", Phrase::new("Success", "Sucesso")),
    ("failed", Phrase::new("Failed", "Falha")),
    ("canceled", Phrase::new("Canceled", "Cancelada")),
    ("running", Phrase::new("Running", "Em execução")),
    ("queued", Phrase::new("Queued", "Na fila")),
    ("cancelling", Phrase::new("Canceling", "Em cancelamento")),
    ("pending_events", Phrase::new("Pending events", "Aguardando eventos")),
];

const KINDS: &[Value] = &[
    ("source", Phrase::new("Source", "Fonte")),
    ("destination", Phrase::new("Destination", "Destino")),
    ("transformation", Phrase::new("Transformation", "Transformação")),
    ("all kinds", Phrase::new("All kinds", "Todos os tipos")),
];

const TRIGGERS: &[Value] = &[
    ("cron", Phrase::new("Schedule", "Agendamento")),
    ("event", Phrase::new("Event", "Evento")),
    ("manual", Phrase::new("Manual", "Manual")),
];

const CHARGES: &[Value] = &[
    ("charged", Phrase::new("Charged", "Cobrada")),
    ("unsuccessful", Phrase::new("Not charged", "Não cobrada")),
    ("first_extraction", Phrase::new("Not charged: first extraction", "Não cobrada: primeira extração")),
];

const COST_CENTERS: &[Value] = &[("unallocated", Phrase::new("Unallocated", "Não alocado"))];

const DATE_BASES: &[Value] = &[
    ("started", Phrase::new("by start", "pelo início")),
    ("ended", Phrase::new("by end", "pelo término")),
    ("created", Phrase::new("by creation", "pela criação")),
];

const STATES: &[Value] = &[
    ("closed", super::phrases::CLOSED),
    ("current", super::phrases::NOT_CLOSED),
    ("running", super::phrases::RUNNING),
    // Of runs that were due.
    ("overdue", Phrase::new("Overdue", "Em atraso")),
    ("missing", Phrase::new("Missing", "Ausente")),
    ("blocked", Phrase::new("Blocked", "Bloqueado")),
    ("late", Phrase::new("Late", "Com atraso")),
    ("pending", Phrase::new("Pending", "Pendente")),
    ("ok", Phrase::new("OK", "OK")),
    // Of budgets.
    ("over", Phrase::new("Over", "Excedido")),
    ("will be over", Phrase::new("Will be over", "Será excedido")),
    ("unknown", Phrase::new("Not known", "Não apurado")),
    // Of runs that have not ended.
    ("too long", Phrase::new("Too long", "Longa demais")),
    ("queued", Phrase::new("Queued", "Na fila")),
    // Of failures in a row.
    ("broken", Phrase::new("Broken", "Quebrado")),
    ("flaky", Phrase::new("Flaky", "Instável")),
    ("recovered", Phrase::new("Recovered", "Recuperado")),
];

const UNITS: &[Value] = &[("credits", Phrase::new("Credits", "Créditos"))];

const ANSWERS: &[Value] = &[
    ("yes", Phrase::new("Yes", "Sim")),
    ("no", Phrase::new("No", "Não")),
    ("could", Phrase::new("Could", "Possível")),
];

const SEVERITIES: &[Value] =
    &[("error", Phrase::new("Error", "Erro")), ("warning", Phrase::new("Warning", "Atenção"))];

const WASTES: &[Value] = &[
    ("failed", Phrase::new("Failed", "Falha")),
    ("canceled", Phrase::new("Canceled", "Cancelada")),
    ("overlapping", Phrase::new("Overlapping", "Sobreposta")),
    ("dear full sync", Phrase::new("Costly full sync", "Sincronização completa cara")),
];

const FINDINGS: &[Value] = &[
    ("failed but charged", Phrase::new("Failed but charged", "Falhou, mas foi cobrada")),
    ("charged twice", Phrase::new("Charged twice", "Cobrada duas vezes")),
    ("negative cost", Phrase::new("Negative cost", "Custo negativo")),
    ("cost without duration", Phrase::new("Cost without duration", "Custo sem duração")),
    (
        "successful but not charged",
        Phrase::new("Successful but not charged", "Concluída com sucesso, mas não cobrada"),
    ),
];

/// The values of the column. Empty: its texts are not translated.
fn of_column(column: &str) -> &'static [Value] {
    match column {
        "status" | "from_status" | "to_status" => STATUSES,
        "pipeline_kind" | "kind" => KINDS,
        "trigger_type" => TRIGGERS,
        "credit_charge_status" => CHARGES,
        "cost_center" | "center" => COST_CENTERS,
        "date_basis" => DATE_BASES,
        "state" => STATES,
        "unit" => UNITS,
        "closes" => ANSWERS,
        "severity" => SEVERITIES,
        "waste" => WASTES,
        "finding" => FINDINGS,
        _ => &[],
    }
}

/// The text in the language.
pub(super) fn translated<'t>(language: Language, column: &str, text: &'t str) -> Cow<'t, str> {
    if let Some((_, phrase)) = of_column(column).iter().find(|(value, _)| *value == text) {
        return Cow::Borrowed(phrase.text(language));
    }
    match column {
        // A changed field is named by its column.
        "field" | "part" => {
            headings::of(text).map_or(Cow::Borrowed(text), |name| Cow::Borrowed(name.text(language)))
        }
        // Amounts and statuses are texts here, because the column has both.
        "before" | "after" => [STATUSES, CHARGES]
            .iter()
            .find_map(|values| values.iter().find(|(value, _)| *value == text))
            .map_or_else(|| amount(language, text), |(_, phrase)| Cow::Borrowed(phrase.text(language))),
        "why" | "cause" | "note" | "lookback" => language.sentence(text),
        _ => Cow::Borrowed(text),
    }
}

/// A decimal with the mark of the language. Any other text is unchanged.
fn amount(language: Language, text: &str) -> Cow<'_, str> {
    let is_decimal = text.contains('.') && language.number(text) != text;
    match language {
        Language::Portuguese if is_decimal => Cow::Owned(text.replace('.', ",")),
        _ => Cow::Borrowed(text),
    }
}

/// The value whose translation the text is.
pub(super) fn original<'t>(language: Language, column: &str, text: &'t str) -> &'t str {
    of_column(column)
        .iter()
        .find(|(_, phrase)| phrase.text(language) == text)
        .map_or(text, |(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_values_of_a_column_have_different_translations() {
        for values in [
            STATUSES,
            KINDS,
            TRIGGERS,
            CHARGES,
            COST_CENTERS,
            DATE_BASES,
            STATES,
            ANSWERS,
            SEVERITIES,
            WASTES,
            FINDINGS,
        ] {
            for language in [Language::English, Language::Portuguese] {
                let mut texts: Vec<&str> = values.iter().map(|(_, phrase)| phrase.text(language)).collect();
                texts.sort_unstable();
                texts.dedup();
                assert_eq!(texts.len(), values.len(), "{values:?}");
            }
        }
    }
}
