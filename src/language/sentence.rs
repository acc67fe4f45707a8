//! The sentences that reports make, such as findings and notes, in the language of the reader.
//!
//! Reports make their sentences in English, where the facts are. Here a sentence is found by its words in the
//! catalogue, and its values are put into the translation. A sentence that the catalogue does not have stays English.

use super::sentence_catalogue::SENTENCES;
use super::{Language, Phrase};
use chrono::NaiveDateTime;
use std::borrow::Cow;

/// The most sentences within a sentence.
const MAX_DEPTH: u32 = 3;

impl Language {
    /// A sentence of a report. One that the catalogue does not have is unchanged.
    pub fn sentence(self, english: &str) -> Cow<'_, str> {
        match self {
            Language::English => Cow::Borrowed(english),
            Language::Portuguese => translated(english, MAX_DEPTH).map_or(Cow::Borrowed(english), Cow::Owned),
        }
    }
}

/// The sentence in Portuguese. `None`: the catalogue does not have it.
fn translated(english: &str, depth: u32) -> Option<String> {
    if depth == 0 {
        return None;
    }
    let (values, portuguese) =
        SENTENCES.iter().find_map(|(known, portuguese)| Some((values(known, english)?, *portuguese)))?;
    let values: Vec<(&str, String)> =
        values.into_iter().map(|(name, value)| (name, value_in_portuguese(name, value, depth))).collect();
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let sentence = Phrase::new("", portuguese).fill(Language::Portuguese, &values);
    // The name of a month is in lower case within a sentence, and a label begins with its year.
    let is_whole = depth == MAX_DEPTH
        && english.starts_with(|first: char| first.is_uppercase() || first.is_ascii_digit());
    Some(if is_whole { with_capital(&sentence) } else { sentence })
}

fn with_capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The value of a placeholder in Portuguese: a number, a period, a moment, or sentences.
fn value_in_portuguese(name: &str, value: &str, depth: u32) -> String {
    if matches!(name, "code" | "name") {
        return value.to_owned();
    }
    if is_number(value) {
        return value.replace('.', ",");
    }
    if let Some(period) = period(value) {
        return period;
    }
    if let Some(sentence) = translated(value, depth - 1) {
        return sentence;
    }
    let parts = value
        .split(", ")
        .map(|part| period(part).or_else(|| translated(part, depth - 1)).unwrap_or_else(|| part.to_owned()));
    parts.collect::<Vec<_>>().join(", ")
}

/// The name of a month or a period, or a moment in UTC. `None`: it is none of them.
fn period(value: &str) -> Option<String> {
    let portuguese = Language::Portuguese;
    if let Ok(moment) = NaiveDateTime::parse_from_str(value, "%Y-%m-%dT%H:%M:%S%.fZ") {
        return Some(format!("{} UTC", portuguese.moment(moment)));
    }
    let month = |name: &str| {
        (1..=12)
            .find(|month| Language::English.month_name(*month) == Some(name))
            .and_then(|month| portuguese.month_name(month))
    };
    match value.rsplit_once(' ') {
        Some((name, year)) if is_number(year) => Some(format!("{} de {year}", month(name)?)),
        Some(_) => None,
        None => month(value).map(str::to_owned).or_else(|| {
            let named = portuguese.period(value);
            (named != value).then_some(named)
        }),
    }
}

/// The values of the placeholders, in order. `None`: the text has other words.
fn values<'t>(pattern: &'static str, text: &'t str) -> Option<Vec<(&'static str, &'t str)>> {
    let (first, rest) = pattern.split_once('{').unwrap_or((pattern, ""));
    let mut text = text.strip_prefix(first)?;
    let mut found = Vec::new();
    let mut placeholders = rest.split('{').filter(|placeholder| !placeholder.is_empty()).peekable();
    while let Some(placeholder) = placeholders.next() {
        let (name, literal) = placeholder.split_once('}')?;
        let end = match placeholders.peek() {
            None => text.len().checked_sub(literal.len()).filter(|_| text.ends_with(literal))?,
            Some(_) => text.find(literal)?,
        };
        let value = &text[..end];
        if value.is_empty() || (name.len() == 1 && !is_number(value)) {
            return None;
        }
        found.push((name, value));
        text = &text[end + literal.len()..];
    }
    text.is_empty().then_some(found)
}

/// Whether the text is a plain number, such as `-12.5`.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && digits.bytes().filter(|byte| *byte == b'.').count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_translated_with_its_values() {
        for (english, portuguese) in [
            ("411 of 12000 runs failed", "411 de 12000 execuções falharam"),
            ("12 runs, 1 without a known cost", "12 execuções, 1 sem custo apurado"),
            (
                "2026-09 was closed with 111.2566 USD; 0.7799 USD more is known since",
                "Setembro de 2026 foi fechado com US$ 111,2566; desde então foram apurados US$ 0,7799 a mais",
            ),
            (
                "2026-09 is closed, but shown as known now: `--period 2026-09` gives it as closed",
                "Setembro de 2026 está fechado, mas aparece como apurado agora: `--period 2026-09` o mostra como foi fechado",
            ),
            (
                "October cost 20.56 USD more than September: 13 % more runs with a known cost, 5 % higher cost per run",
                "Outubro custou US$ 20,56 a mais que setembro: 13% mais execuções com custo apurado, custo por execução 5% maior",
            ),
            (
                "January 2026 so far cost 1.00 USD less than December 2025 up to the same point: as many runs, 1 new pipeline",
                "Janeiro de 2026 até agora custou US$ 1,00 a menos que dezembro de 2025 até o mesmo ponto: o mesmo número de execuções, 1 pipeline novo",
            ),
            (
                "2026-09 is closed: as known at 2026-11-28T01:39:10.410708Z",
                "Setembro de 2026 está fechado: valores apurados até 28/11/2026 01:39 UTC",
            ),
            (
                "Without a known cost, and in no sum: 3 runs of 2026-09, 1 run of 2026-10",
                "Sem custo apurado, e fora de todas as somas: 3 execuções de setembro de 2026, 1 execução de outubro de 2026",
            ),
            ("91.6 % of the month is over", "91,6% do mês já passaram"),
            (
                "Vendas: Sul: 47.61 to 54.81 USD at the end of the month, over since 2026-11-25",
                "Vendas: Sul: 47.61 to 54.81 USD at the end of the month, over since 2026-11-25",
            ),
            (
                "Dados: 47.61 to 54.81 USD at the end of the month, over since 2026-11-25",
                "Dados: de 47,61 a 54,81 USD no fim do mês, excedido desde 25/11/2026",
            ),
            (
                "Créditos: 1231 to 1243 credits at the end of the month, over on 2026-11-28",
                "Créditos: de 1231 a 1243 créditos no fim do mês, excedido em 28/11/2026",
            ),
            (
                "2026-09 was closed without the cost center Dados",
                "Setembro de 2026 foi fechado sem o centro de custo Dados",
            ),
            (
                "months of America/Sao_Paulo, booked by ended",
                "mês no fuso America/Sao_Paulo, pelo término da execução",
            ),
        ] {
            assert_eq!(Language::Portuguese.sentence(english), portuguese);
            assert_eq!(Language::English.sentence(english), english);
        }
    }

    #[test]
    fn an_unknown_sentence_is_unchanged() {
        for text in ["", "{n} runs", "many runs", "a pipeline of ours", "1 run is late", "12.3.4 USD"] {
            assert_eq!(Language::Portuguese.sentence(text), text);
        }
    }

    #[test]
    fn each_sentence_of_the_catalogue_is_found_by_its_own_words() {
        for (english, portuguese) in SENTENCES {
            let names: Vec<&str> =
                english.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect();
            for name in portuguese.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)) {
                assert!(names.contains(&name), "{portuguese}");
            }
            let filled = names.iter().fold((*english).to_owned(), |text, name| {
                text.replacen(&format!("{{{name}}}"), if name.len() == 1 { "7" } else { "x" }, 1)
            });
            let first = SENTENCES.iter().find(|(known, _)| values(known, &filled).is_some()).unwrap();
            assert_eq!(first.0, *english, "{filled}");
        }
    }
}
