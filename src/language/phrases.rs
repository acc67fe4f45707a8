//! The phrases of titles and pages. Placeholders are in braces: `closed {moment}`.

use super::Language;

/// A phrase in every language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phrase {
    english: &'static str,
    portuguese: &'static str,
}

impl Phrase {
    /// The phrase in English and in Portuguese.
    pub const fn new(english: &'static str, portuguese: &'static str) -> Phrase {
        Phrase { english, portuguese }
    }

    /// The phrase in the language.
    pub const fn text(self, language: Language) -> &'static str {
        match language {
            Language::English => self.english,
            Language::Portuguese => self.portuguese,
        }
    }

    /// The phrase with a value for each placeholder. A placeholder without a value is unchanged; braces in a value are
    /// text.
    pub fn fill(self, language: Language, values: &[(&str, &str)]) -> String {
        let mut filled = String::new();
        let mut rest = self.text(language);
        while let Some((before, (name, after))) =
            rest.split_once('{').and_then(|(before, after)| Some((before, after.split_once('}')?)))
        {
            filled.push_str(before);
            match values.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => filled.push_str(value),
                None => filled.extend(["{", name, "}"]),
            }
            rest = after;
        }
        filled.push_str(rest);
        filled
    }
}

/// The label of a row of totals.
pub const TOTAL: Phrase = Phrase::new("Total", "Total");

/// The label of the groups beyond those shown.
pub const OTHERS: Phrase = Phrase::new("Others", "Demais");

/// The state of a closed month.
pub const CLOSED: Phrase = Phrase::new("Closed", "Fechado");
/// The state of a month that is over and not closed.
pub const NOT_CLOSED: Phrase = Phrase::new("Not closed", "Não fechado");
/// The state of a month that is not over.
pub const RUNNING: Phrase = Phrase::new("Running", "Em andamento");

/// The second line of a title: a closed month.
pub const CLOSED_AT: Phrase = Phrase::new("Closed {moment}", "Fechado em {moment}");
/// The second line of a title: a closed month, with the number of its close.
pub const CLOSED_AT_BY_CLOSE: Phrase =
    Phrase::new("Closed {moment} (close {close})", "Fechado em {moment} (fechamento {close})");
/// The second line of a title: a month that is over and not closed.
pub const NOT_CLOSED_KNOWN_UNTIL: Phrase =
    Phrase::new("Not closed, known until {moment}", "Não fechado, apurado até {moment}");
/// The second line of a title: a month that is not over.
pub const RUNNING_KNOWN_UNTIL: Phrase =
    Phrase::new("Running, known until {moment}", "Em andamento, apurado até {moment}");
/// The second line of a title: an answer about several months, or about every run.
pub const KNOWN_UNTIL: Phrase = Phrase::new("Known until {moment}", "Apurado até {moment}");

/// A title: what, and grouped by what.
pub const BY: Phrase = Phrase::new("{what} by {dimensions}", "{what} por {dimensions}");
/// A title: the statement of a cost center.
pub const STATEMENT: Phrase = Phrase::new("Statement of {center}", "Demonstrativo de {center}");
/// A title: what, and of which period.
pub const OF_PERIOD: Phrase = Phrase::new("{what} · {period}", "{what} · {period}");
/// A compared period.
pub const AGAINST: Phrase = Phrase::new("{period} against {against}", "{period} em relação a {against}");
/// A span of days.
pub const FROM_TO: Phrase = Phrase::new("{from} to {last}", "{from} a {last}");
/// A span of days without an end.
pub const FROM: Phrase = Phrase::new("from {from}", "a partir de {from}");
/// A span of days without a start.
pub const UP_TO: Phrase = Phrase::new("up to {last}", "até {last}");
/// The beginning of the ids of runs.
pub const ID_BEGINS: Phrase = Phrase::new("id {id}", "id {id}");
/// The least cost of runs.
pub const AT_LEAST: Phrase = Phrase::new("at least {amount} USD", "no mínimo US$ {amount}");
/// Runs without a known cost.
pub const COST_NOT_KNOWN: Phrase = Phrase::new("cost not known", "custo não conhecido");
/// The number of workspaces in an answer.
pub const WORKSPACES: Phrase = Phrase::new("{count} workspaces", "{count} workspaces");
/// The title of a reconciliation.
pub const RECONCILIATION: Phrase = Phrase::new(
    "Reconciliation with the invoice of {amount} USD",
    "Conciliação com a fatura de US$ {amount}",
);

/// The date basis `started`.
pub const BY_START: Phrase = Phrase::new("by start", "pelo início da execução");
/// The date basis `ended`.
pub const BY_END: Phrase = Phrase::new("by end", "pelo término da execução");
/// The date basis `created`.
pub const BY_CREATION: Phrase = Phrase::new("by creation", "pela criação da execução");

/// The number of a printed page, in the codes of Excel.
pub const PAGE_OF: Phrase = Phrase::new("Page &P of &N", "Página &P de &N");

/// The result of a check that found no difference.
pub const CHECK_OK: Phrase = Phrase::new("OK", "OK");
/// The result of a check that found a difference.
pub const CHECK_ERROR: Phrase = Phrase::new("Error", "ERRO");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_takes_the_place_of_its_placeholder() {
        let values = [("moment", "05/11/2026 09:00"), ("close", "{moment}")];
        assert_eq!(
            CLOSED_AT_BY_CLOSE.fill(Language::Portuguese, &values),
            "Fechado em 05/11/2026 09:00 (fechamento {moment})"
        );
        assert_eq!(CLOSED_AT.fill(Language::English, &[]), "Closed {moment}");
        assert_eq!(Phrase::new("a } b { c", "").fill(Language::English, &values), "a } b { c");
    }
}
