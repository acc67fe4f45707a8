//! The title of an answer for people: what is shown, and in which zone, by which date, as known when.

use super::manifest::Provenance;
use super::terminal::{Role, Screen, display_width, local_minute, wrap};
use crate::escape::escape_control;
use crate::report::DateBasis;
use crate::report::last::Last;
use crate::report::period::{Calendar, Period};
use crate::run::Instant;
use chrono::TimeDelta;
use chrono_tz::Tz;

/// The title of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Title {
    /// What is shown: `Cost by month: 2026-10`.
    pub subject: String,
    /// The zone, the date basis and the moment: `UTC · by start · as of 27 Nov 2026 09:06`.
    pub context: String,
}

impl Title {
    /// The title of an answer. `None`: it answers no question about runs.
    pub(crate) fn of(provenance: &Provenance) -> Option<Title> {
        let (kind, question) = provenance.question.split_once(' ').unwrap_or(("", &provenance.question));
        let is_report = kind == "report";
        let question = if is_report { question } else { provenance.question.as_str() };
        if question.is_empty() {
            return None;
        }
        let zone: Tz = provenance.zone.parse().unwrap_or(Tz::UTC);
        let mut subject = match (is_report, question) {
            (true, "open") => "Runs that have not ended".to_owned(),
            (true, name) => name.replace('-', " "),
            (false, "restatements") => "Changes after the close".to_owned(),
            (false, words) => words.replacen(" --", ", ", 1),
        };
        subject[..1].make_ascii_uppercase();
        if !provenance.by.is_empty() {
            let by = match provenance.by.as_slice() {
                [first, second] => format!("{first} and {second}"),
                several => several.join(", "),
            };
            subject = format!("{subject} by {by}");
        }
        let span = match (&provenance.against, span(provenance, zone)) {
            (Some(against), Some(span)) => Some(format!("{span} against {}", against.period)),
            (_, span) => span,
        };
        let filter = provenance.filter.as_ref().map(ToString::to_string);
        let id = provenance.list.id_prefix.as_ref().map(|id| format!("id {id}"));
        let least = provenance.list.min_cost_usd.as_ref().map(|usd| format!("at least {usd} USD"));
        let unknown = provenance.list.cost_unknown.then(|| "cost not known".to_owned());
        let which: Vec<String> = [span, filter, id, least, unknown].into_iter().flatten().collect();
        if !which.is_empty() {
            subject = format!("{subject}: {}", which.join(", "));
        }
        match provenance.workspaces.len() {
            0 => {}
            workspaces => subject = format!("{subject}, {workspaces} workspaces"),
        }
        let date_basis = provenance.date_basis.as_deref().and_then(DateBasis::named);
        let date_basis = date_basis.map(|basis| booked_by(basis).to_owned());
        let context = [Some(zone.name().to_owned()), date_basis, moment(provenance, zone)];
        Some(Title { subject, context: context.into_iter().flatten().collect::<Vec<_>>().join(" · ") })
    }

    /// The title as one line, or as two lines if both halves do not fit. The second half ends at the right.
    pub(crate) fn lines(&self, screen: &Screen) -> Vec<String> {
        let width = screen.table_width();
        let subject = escape_control(&self.subject);
        let (subject, context) = (screen.text(&subject), screen.text(&self.context));
        let (left, right) = (display_width(&subject), display_width(&context));
        if left + 2 + right <= width {
            let gap = " ".repeat(width - left - right);
            let (subject, context) =
                (Role::Bold.paint(&subject, screen.color), Role::Dim.paint(&context, screen.color));
            return vec![format!("{subject}{gap}{context}")];
        }
        let lines = |words: Vec<&str>, role: Role, is_right: bool| -> Vec<String> {
            let text = wrap(words.into_iter(), width);
            let painted = text.lines().map(|line| {
                let line = screen.cut(line, width);
                let gap = if is_right { width - display_width(&line) } else { 0 };
                format!("{}{}", " ".repeat(gap), role.paint(&line, screen.color))
            });
            painted.collect()
        };
        let mut both = lines(subject.split(' ').collect(), Role::Bold, false);
        both.extend(lines(parts(&context, &screen.text("·"), width), Role::Dim, true));
        both
    }
}

/// The parts of a context between which a line may break, so that a date stays whole. Where one of them is wider than a
/// line, these are the words.
fn parts<'c>(context: &'c str, separator: &str, width: usize) -> Vec<&'c str> {
    let separator = format!("{separator} ");
    let separated = context.split_inclusive(&separator).flat_map(|part| part.split_inclusive(", "));
    let parts: Vec<&str> = separated.map(str::trim_end).collect();
    match parts.iter().all(|part| display_width(part) <= width) {
        true => parts,
        false => context.split(' ').collect(),
    }
}

/// What books a run, in words.
pub(crate) fn booked_by(basis: DateBasis) -> &'static str {
    match basis {
        DateBasis::Started => "by start",
        DateBasis::Ended => "by end",
        DateBasis::Created => "by creation",
    }
}

/// The period, or the first and the last day. `None`: every run.
fn span(provenance: &Provenance, zone: Tz) -> Option<String> {
    if let Some(period) = &provenance.period {
        return Some(period.clone());
    }
    let day = |at: Instant| Period::around(at, Calendar::Day, zone).label;
    if let Some(last) = &provenance.last {
        return Some(newest(provenance, last, zone));
    }
    let from = provenance.from.as_deref().and_then(Instant::parse).map(day);
    let until = provenance.until.as_deref().and_then(Instant::parse);
    let last = until.map(|until| day(until.plus(TimeDelta::microseconds(-1))));
    match (from, last) {
        (None, None) => None,
        (Some(from), None) => Some(format!("from {from}")),
        (None, Some(last)) => Some(format!("up to {last}")),
        (Some(from), Some(last)) if from == last => Some(from),
        (Some(from), Some(last)) => Some(format!("{from} to {last}")),
    }
}

/// The newest part of the archive, with the first and the last moment: `last 30d, 2026-10-29 to 2026-11-27`.
fn newest(provenance: &Provenance, last: &str, zone: Tz) -> String {
    let is_in_hours = Last::parse(last).is_ok_and(Last::is_in_hours);
    let shown = |at: Instant| {
        let form = if is_in_hours { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d" };
        at.to_utc().with_timezone(&zone).format(form).to_string()
    };
    let from = provenance.from.as_deref().and_then(Instant::parse);
    let Provenance { as_of, known_at, workspaces, .. } = provenance;
    let known = workspaces.iter().map(|each| each.as_of.as_ref().or(each.known_at.as_ref())).max().flatten();
    let until = known.or(as_of.as_ref()).or(known_at.as_ref()).and_then(|at| Instant::parse(at));
    match (from, until) {
        (Some(from), Some(until)) => format!("last {last}, {} to {}", shown(from), shown(until)),
        _ => format!("last {last}"),
    }
}

/// When the answer was closed, or the moment that it is as of. `None`: nothing was archived.
fn moment(provenance: &Provenance, zone: Tz) -> Option<String> {
    let shown = |instant: &String| Some(local_minute(Instant::parse(instant)?, zone, None));
    let Provenance { as_of, known_at, closed_at, close_state, workspaces, .. } = provenance;
    if workspaces.is_empty() {
        if let Some(closed_at) = closed_at {
            return Some(format!("closed {}", shown(closed_at)?));
        }
        let running = if close_state.as_deref() == Some("running") { "running, " } else { "" };
        return Some(format!("{running}as of {}", shown(as_of.as_ref().or(known_at.as_ref())?)?));
    }
    let states: Vec<&str> = workspaces.iter().filter_map(|each| each.close_state.as_deref()).collect();
    if !states.is_empty() && states.iter().all(|state| state.starts_with("closed")) {
        return Some("closed".to_owned());
    }
    let running = if states.contains(&"running") { "running, " } else { "" };
    // The answer is complete up to the moment that every workspace has reached.
    let moments = workspaces.iter().map(|each| each.as_of.as_ref().or(each.known_at.as_ref()));
    Some(format!("{running}as of {}", shown(moments.min()??)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::manifest::ComparedPeriod;
    use crate::report::filter::RunFilter;

    fn provenance(question: &str) -> Provenance {
        let text = |text: &str| Some(text.to_owned());
        Provenance {
            question: question.to_owned(),
            zone: "America/Sao_Paulo".to_owned(),
            date_basis: text("started"),
            known_at: text("2026-11-27T12:06:00.000000Z"),
            close_state: text("current"),
            ..Provenance::default()
        }
    }

    #[test]
    fn a_title_is_one_line_of_eighty_characters() {
        let by_month = Provenance { by: vec!["month".to_owned()], ..provenance("report cost") };
        let title = Title::of(&by_month).unwrap();
        assert_eq!(
            title.lines(&Screen::FILE),
            ["Cost by month             America/Sao_Paulo · by start · as of 27 Nov 2026 09:06"]
        );
        let long = Provenance {
            by: ["month", "pipeline", "kind"].map(str::to_owned).to_vec(),
            period: Some("2026-11".to_owned()),
            close_state: Some("running".to_owned()),
            ..provenance("report cost")
        };
        assert_eq!(
            Title::of(&long).unwrap().lines(&Screen::FILE),
            [
                "Cost by month, pipeline, kind: 2026-11",
                "                 America/Sao_Paulo · by start · running, as of 27 Nov 2026 09:06",
            ]
        );
    }

    #[test]
    fn a_narrow_title_breaks_no_date() {
        let running = Provenance { close_state: Some("running".to_owned()), ..provenance("report cost") };
        let lines = |width, unicode| {
            let screen = Screen { width, unicode, ..Screen::FILE };
            let lines = Title::of(&running).unwrap().lines(&screen);
            lines.iter().map(|line| line.trim_start().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(
            lines(50, true),
            ["Cost", "America/Sao_Paulo · by start · running,", "as of 27 Nov 2026 09:06"]
        );
        assert_eq!(
            lines(30, false),
            ["Cost", "America/Sao_Paulo - by start -", "running,", "as of 27 Nov 2026 09:06"]
        );
        let narrow = lines(20, true);
        assert!(narrow.concat().ends_with("09:06") && narrow.len() > 4, "{narrow:?}");
    }

    #[test]
    fn a_title_names_the_days_and_the_close() {
        let asked = Provenance {
            from: Some("2026-09-01T03:00:00.000000Z".to_owned()),
            until: Some("2026-10-01T03:00:00.000000Z".to_owned()),
            closed_at: Some("2026-10-05T12:00:00.000000Z".to_owned()),
            ..provenance("report slowest-runs")
        };
        let title = Title::of(&asked).unwrap();
        assert_eq!(title.subject, "Slowest runs: 2026-09-01 to 2026-09-30");
        assert!(title.context.ends_with("by start · closed 5 Oct 2026 09:00"), "{title:?}");
        let compared = Provenance {
            period: Some("2026-10".to_owned()),
            against: Some(ComparedPeriod { period: "2026-09".to_owned(), ..ComparedPeriod::default() }),
            by: vec!["kind".to_owned()],
            ..provenance("report change")
        };
        assert_eq!(Title::of(&compared).unwrap().subject, "Change by kind: 2026-10 against 2026-09");
        let failed = RunFilter { status: vec!["failed".to_owned()], ..RunFilter::default() };
        let asked = Provenance { filter: Some(failed.clone()), ..asked };
        assert_eq!(
            Title::of(&asked).unwrap().subject,
            "Slowest runs: 2026-09-01 to 2026-09-30, status failed"
        );
        let newest = |last: &str| {
            let from = Some("2026-11-26T12:06:00.000000Z".to_owned());
            let asked = Provenance { from, last: Some(last.to_owned()), ..provenance("report cost") };
            Title::of(&Provenance { filter: Some(failed.clone()), ..asked }).unwrap().subject
        };
        assert_eq!(newest("24h"), "Cost: last 24h, 2026-11-26 09:06 to 2026-11-27 09:06, status failed");
        assert_eq!(newest("2d"), "Cost: last 2d, 2026-11-26 to 2026-11-27, status failed");
        let invoice = Title::of(&provenance("reconcile --invoice 412.10")).unwrap();
        assert_eq!(invoice.subject, "Reconcile, invoice 412.10");
        assert_eq!(Title::of(&Provenance::default()), None);
    }
}
