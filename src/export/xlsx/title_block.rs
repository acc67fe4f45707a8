//! The title block of a sheet: what it shows, how far the figures are known, and by which zone, date and currency.

use crate::export::manifest::Provenance;
use crate::export::subject::subject;
use crate::language::{Language, phrases};
use crate::report::DateBasis;
use crate::run::Instant;
use chrono_tz::Tz;

/// The lines above a sheet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TitleBlock {
    /// What the sheet shows: `Cost centers · October 2026`.
    pub subject: String,
    /// The other lines: the state, then account, zone, date basis and currency, then a summary if there is one.
    pub lines: Vec<String>,
}

impl TitleBlock {
    /// The title of an answer. `None`: it answers no question about runs.
    pub(crate) fn of_answer(provenance: &Provenance, language: Language) -> Option<TitleBlock> {
        Some(TitleBlock::new(subject(provenance, language)?, provenance, None, language))
    }

    /// The title of a sheet with another subject. `account` is who the figures are about.
    pub(crate) fn new(
        subject: String,
        provenance: &Provenance,
        account: Option<&str>,
        language: Language,
    ) -> TitleBlock {
        let date_basis = provenance.date_basis.as_deref().and_then(DateBasis::named).map(|basis| {
            let phrase = match basis {
                DateBasis::Started => phrases::BY_START,
                DateBasis::Ended => phrases::BY_END,
                DateBasis::Created => phrases::BY_CREATION,
            };
            phrase.text(language)
        });
        let context = [account, Some(provenance.zone.as_str()), date_basis, Some("USD")];
        let context: Vec<&str> = context.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        let summary = provenance.summary.as_ref().map(|summary| language.sentence(summary).into_owned());
        let lines = [state(provenance, language), Some(context.join(" · ")), summary];
        TitleBlock { subject, lines: lines.into_iter().flatten().collect() }
    }

    /// The row of the headings, below an empty row. Rows are counted from zero.
    pub(crate) fn header_row(&self) -> u32 {
        match self.subject.is_empty() && self.lines.is_empty() {
            true => 0,
            false => 2 + self.lines.len() as u32,
        }
    }
}

/// Whether the answer is closed, and up to which moment it is known. `None`: nothing was archived.
pub(crate) fn state(provenance: &Provenance, language: Language) -> Option<String> {
    let zone: Tz = provenance.zone.parse().unwrap_or(Tz::UTC);
    let shown = |instant: &String| {
        let local = Instant::parse(instant)?.to_utc().with_timezone(&zone);
        Some(language.moment(local.naive_local()))
    };
    let Provenance { as_of, known_at, closed_at, close_state, workspaces, .. } = provenance;
    if let Some(closed_at) = closed_at {
        let moment = shown(closed_at)?;
        return Some(match close_number(close_state.as_deref()) {
            Some(close) => {
                phrases::CLOSED_AT_BY_CLOSE.fill(language, &[("moment", &moment), ("close", close)])
            }
            None => phrases::CLOSED_AT.fill(language, &[("moment", &moment)]),
        });
    }
    let states: Vec<&str> = match workspaces.is_empty() {
        true => close_state.as_deref().into_iter().collect(),
        false => workspaces.iter().filter_map(|each| each.close_state.as_deref()).collect(),
    };
    if !states.is_empty() && states.iter().all(|state| state.starts_with("closed")) {
        return Some(phrases::CLOSED.text(language).to_owned());
    }
    // The answer is complete up to the moment that every workspace has reached.
    let moment = match workspaces.is_empty() {
        true => as_of.as_ref().or(known_at.as_ref()),
        false => workspaces.iter().map(|each| each.as_of.as_ref().or(each.known_at.as_ref())).min()?,
    };
    let phrase = match &provenance.period {
        _ if states.contains(&"running") && provenance.until.is_some() => phrases::RUNNING_KNOWN_UNTIL,
        Some(_) => phrases::NOT_CLOSED_KNOWN_UNTIL,
        None => phrases::KNOWN_UNTIL,
    };
    Some(phrase.fill(language, &[("moment", &shown(moment?)?)]))
}

/// The number of the close in a state such as `closed at …, close 2`.
fn close_number(close_state: Option<&str>) -> Option<&str> {
    let (_, number) = close_state?.split_once(", close ")?;
    number.split(',').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provenance() -> Provenance {
        let text = |text: &str| Some(text.to_owned());
        Provenance {
            question: "report cost".to_owned(),
            zone: "America/Sao_Paulo".to_owned(),
            date_basis: text("started"),
            period: text("2026-10"),
            until: text("2026-11-01T03:00:00.000000Z"),
            known_at: text("2026-11-27T12:06:00.000000Z"),
            close_state: text("current"),
            ..Provenance::default()
        }
    }

    fn lines(provenance: &Provenance) -> [Vec<String>; 2] {
        [Language::English, Language::Portuguese]
            .map(|language| TitleBlock::new(String::new(), provenance, Some("Acme S.A."), language).lines)
    }

    #[test]
    fn a_title_says_the_state_the_zone_and_the_currency() {
        assert_eq!(
            lines(&provenance()),
            [
                [
                    "Not closed, known until 2026-11-27 09:06",
                    "Acme S.A. · America/Sao_Paulo · by start · USD"
                ],
                [
                    "Não fechado, apurado até 27/11/2026 09:06",
                    "Acme S.A. · America/Sao_Paulo · pelo início da execução · USD"
                ],
            ]
        );
        let running = Provenance { close_state: Some("running".to_owned()), ..provenance() };
        assert_eq!(lines(&running)[1][0], "Em andamento, apurado até 27/11/2026 09:06");
        let closed = Provenance {
            closed_at: Some("2026-11-05T12:00:00.000000Z".to_owned()),
            close_state: Some("closed at 2026-11-05T12:00:00.000000Z, close 2, restates close 1".to_owned()),
            ..provenance()
        };
        assert_eq!(lines(&closed)[0][0], "Closed 2026-11-05 09:00 (close 2)");
        let always = Provenance { period: None, until: None, ..provenance() };
        assert_eq!(lines(&always)[0][0], "Known until 2026-11-27 09:06");
    }

    #[test]
    fn the_headings_are_below_an_empty_row() {
        assert_eq!(TitleBlock::default().header_row(), 0);
        let title = TitleBlock::of_answer(&provenance(), Language::English).unwrap();
        assert_eq!(title.header_row(), 4, "row 5 in a spreadsheet");
        let with_summary = Provenance { summary: Some("More.".to_owned()), ..provenance() };
        assert_eq!(TitleBlock::of_answer(&with_summary, Language::English).unwrap().header_row(), 5);
    }
}
