//! The closed and running months of an answer: how tables mark them, and what has changed since a close.
//!
//! An answer without `--period` shows closed months as they are known now. It says so, with what each was closed with.

use super::neighbors::is_booked_alike;
use super::period::{Calendar, Period};
use super::scope::Scope;
use super::table::{Cell, Table};
use super::two_levels::value_of_column;
use crate::error::Result;
use crate::run::{Instant, Usd};
use crate::store::{Archive, ClosedMonth};
use std::collections::{BTreeMap, BTreeSet};

/// The mark of a closed month.
pub(crate) const CLOSED: &str = "◆";

/// The mark of a running month.
pub(crate) const RUNNING: &str = "…";

/// The columns of periods.
const PERIODS: [(&str, Calendar); 3] =
    [("month", Calendar::Month), ("week", Calendar::Week), ("day", Calendar::Day)];

/// How many changed months are listed one by one: the latest.
const MAX_LISTED: usize = 3;

/// The closed and running months of an answer, over one archive or several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MonthStates {
    /// The month that the answer gives as it was closed.
    as_closed: Option<String>,
    /// When each closed month was closed last.
    closed_at: BTreeMap<String, Instant>,
    /// The month, the week and the day of the last observation, as [`Calendar`] labels them. Empty: the answer does not
    /// reach them, or nothing was archived.
    running: BTreeMap<&'static str, String>,
    /// The closed months that the answer covers whole and as they were booked, with what they were closed with. `None`:
    /// no cost was known.
    whole: BTreeMap<String, Option<Usd>>,
    /// The closed months that the answer covers in part, with other bounds, filtered, or in some of the archives.
    partial: BTreeSet<String>,
    /// The label of a day or a week. `None`: the answer is about something else.
    part: Option<String>,
    /// Whether the answer is as of an earlier moment.
    is_past: bool,
}

impl MonthStates {
    /// The months of an answer over archives with one meaning of a month.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn of(answers: &[(&Scope, &Archive)]) -> Result<MonthStates> {
        let mut states = MonthStates::default();
        let mut closed: BTreeMap<String, (usize, Option<Usd>)> = BTreeMap::new();
        for (scope, archive) in answers {
            let months = archive.closed_months(scope.as_of)?;
            for month in &months {
                let closed_at = states.closed_at.entry(month.period.clone()).or_insert(month.closed_at);
                *closed_at = month.closed_at.max(*closed_at);
            }
            if scope.close_id.is_some() {
                states.as_closed.clone_from(&scope.period);
                continue;
            }
            states.is_past |= scope.as_of.is_some();
            states.part = scope.period.clone().filter(|label| Calendar::of_label(label) != Calendar::Month);
            for month in months {
                let ClosedMonth { starts_at, ends_at, .. } = month;
                let (from, until) = (scope.span.from, scope.span.until);
                if from.is_some_and(|from| from >= ends_at) || until.is_some_and(|until| until <= starts_at) {
                    continue;
                }
                // A close says nothing about some of its month's runs.
                let is_whole = scope.filter.is_empty()
                    && from.is_none_or(|from| from <= starts_at)
                    && until.is_none_or(|until| until >= ends_at);
                if is_whole && is_booked_alike(scope, &month) {
                    let booked = month.total_cost_nanos.map(|nanos| Usd::from_units(nanos.into()));
                    let (count, total) = closed.entry(month.period).or_default();
                    (*count, *total) = (*count + 1, sum([*total, booked]));
                } else {
                    states.partial.insert(month.period);
                }
            }
            let Some(moment) = archive.clock_at_last_observation(scope.as_of)? else { continue };
            if scope.span.until.is_none_or(|until| until > moment) {
                for (column, calendar) in PERIODS {
                    let label = Period::around(moment, calendar, scope.zone).label;
                    let running = states.running.entry(column).or_default();
                    *running = label.max(std::mem::take(running));
                }
            }
        }
        for (period, (count, booked)) in closed {
            if count == answers.len() && !states.partial.contains(&period) {
                states.whole.insert(period, booked);
            } else {
                states.partial.insert(period);
            }
        }
        Ok(states)
    }

    /// What a month was closed with, which the answer shows as known now. `None`: it is not closed, or not shown whole.
    /// Inside, `None`: no cost was known.
    pub(crate) fn booked(&self, month: &str) -> Option<Option<Usd>> {
        self.whole.get(month).copied()
    }

    /// When a month was closed last. `None`: it is not closed.
    pub(crate) fn closed_at(&self, month: &str) -> Option<Instant> {
        self.closed_at.get(month).copied()
    }

    /// Whether the answer gives the month as it was closed.
    pub(crate) fn is_as_closed(&self, month: &str) -> bool {
        self.as_closed.as_deref() == Some(month)
    }

    /// The mark of a month. `None`: it is open and over.
    pub(crate) fn mark(&self, month: &str) -> Option<&'static str> {
        self.mark_in("month", month)
    }

    /// The mark of a period in the column of that name. Only months are closed.
    fn mark_in(&self, column: &str, period: &str) -> Option<&'static str> {
        if self.as_closed.as_deref() == Some(period) || self.whole.contains_key(period) {
            Some(CLOSED)
        } else {
            (self.running.get(column).is_some_and(|running| running == period)).then_some(RUNNING)
        }
    }

    /// The only closed month of a table with costs by month: what it was closed with, and what has changed since.
    /// `None`: there are none, or several, or it is not shown whole.
    pub(crate) fn only_closed(&self, table: &Table) -> Option<(Option<Usd>, Usd)> {
        let cost = table.columns.iter().position(|column| column == "total_cost_usd")?;
        let month = month_column(table)?;
        let mut closed = self.whole.iter().filter(|_| self.partial.is_empty());
        let (Some((period, booked)), None) = (closed.next(), closed.next()) else { return None };
        let now = cost_of(table, month, cost, period).unwrap_or_default();
        let change = now.units() - booked.unwrap_or_default().units();
        Some((*booked, Usd::from_units(change)))
    }

    /// Marks the months, weeks or days of a table for people, and returns what the marks mean. `None`: there are none.
    pub(crate) fn mark_table(&self, table: &mut Table) -> Option<String> {
        let mut found = BTreeSet::new();
        for (name, _) in PERIODS {
            let Some(column) = table.columns.iter().position(|column| column == name) else { continue };
            for row in &mut table.rows {
                let Cell::Text(Some(period)) = &mut row[column] else { continue };
                if let Some(mark) = self.mark_in(name, period) {
                    *period = format!("{period} {mark}");
                    found.insert(mark);
                }
            }
        }
        legend(found.into_iter())
    }

    /// Marks months that are columns of a table for people.
    pub(crate) fn mark_columns(&self, table: &mut Table) {
        for column in &mut table.columns {
            let mark = value_of_column(column).and_then(|(_, month)| self.mark(month));
            if let Some(mark) = mark {
                *column = format!("{column} {mark}");
            }
        }
    }

    /// What people have to know about the closed months of a table: what the cost of each was closed with, and that
    /// other answers are as known now. Amounts have `usd_decimals` decimals.
    pub(crate) fn notes(&self, table: &Table, usd_decimals: u32) -> Vec<String> {
        let cost = table.columns.iter().position(|column| column == "total_cost_usd");
        match (month_column(table), cost) {
            (Some(month), Some(cost)) => {
                self.notes_of_costs(|period| cost_of(table, month, cost, period), usd_decimals)
            }
            _ => self.note_of_knowledge(self.whole.keys().chain(&self.partial)).into_iter().collect(),
        }
    }

    /// What each closed month was closed with, and what has changed since. `now` gives its total in the answer.
    pub(crate) fn notes_of_costs(&self, now: impl Fn(&str) -> Option<Usd>, usd_decimals: u32) -> Vec<String> {
        let usd = |amount: Usd| format!("{} USD", amount.to_fixed(usd_decimals));
        let (mut changed, mut unchanged) = (Vec::new(), Vec::new());
        for (period, booked) in self.whole.iter().rev() {
            let difference = now(period).unwrap_or_default().units() - booked.unwrap_or_default().units();
            let booked = booked.map_or_else(|| "no known cost".to_owned(), usd);
            match difference {
                0 => unchanged.push(format!("{period} was closed with {booked}, unchanged since")),
                _ => changed.push((period, booked, difference)),
            }
        }
        let mut notes: Vec<String> = Vec::new();
        for (period, booked, difference) in changed.iter().take(MAX_LISTED) {
            let direction = if *difference > 0 { "more" } else { "less" };
            let difference = usd(Usd::from_units(difference.abs()));
            notes.push(format!("{period} was closed with {booked}; {difference} {direction} is known since"));
        }
        if let Some(earlier) = changed.get(MAX_LISTED..).filter(|earlier| !earlier.is_empty()) {
            let months = count(earlier.len(), "earlier closed month has", "earlier closed months have");
            notes.push(format!("{months} changed too: `runledger restatements --totals`"));
        }
        match unchanged.len() {
            1 => notes.append(&mut unchanged),
            0 => {}
            months => notes.push(format!("{months} closed months are unchanged since they were closed")),
        }
        notes.extend(self.note_of_knowledge(self.partial.iter()));
        notes
    }

    /// The note that closed months are shown as known now. `None`: the answer shows none.
    fn note_of_knowledge<'p>(&self, closed: impl Iterator<Item = &'p String>) -> Option<String> {
        let closed: BTreeSet<&String> = closed.collect();
        let last = closed.last()?;
        let moment = if self.is_past { "then" } else { "now" };
        Some(match (&self.part, closed.len()) {
            (Some(part), _) => format!("{part} is as known {moment}, not as {last} was closed"),
            (None, 1) => {
                format!("{last} is closed, but shown as known {moment}: `--period {last}` gives it as closed")
            }
            (None, months) => format!(
                "{months} closed months up to {last} are shown as known {moment}: `--period` gives each as closed"
            ),
        })
    }
}

/// What marks mean: `◆ closed   … running`. `None`: there are none.
pub(crate) fn legend(marks: impl Iterator<Item = &'static str>) -> Option<String> {
    let mut words: Vec<&str> =
        marks.map(|mark| if mark == CLOSED { "◆ closed" } else { "… running" }).collect();
    words.sort_unstable_by_key(|words| words.starts_with(RUNNING));
    words.dedup();
    (!words.is_empty()).then(|| words.join("   "))
}

/// Whether a note says what marks mean.
pub(crate) fn is_legend(note: &str) -> bool {
    note.starts_with(CLOSED) || note.starts_with(RUNNING)
}

fn month_column(table: &Table) -> Option<usize> {
    table.columns.iter().position(|column| column == "month")
}

/// The cost of a month in a table with these columns. `None`: none is known.
fn cost_of(table: &Table, month: usize, cost: usize, period: &str) -> Option<Usd> {
    let rows = table.rows.iter().filter(|row| row[month] == Cell::text(period));
    sum(rows.map(|row| match row[cost] {
        Cell::Usd(usd) => usd,
        _ => None,
    }))
}

/// The sum of the known amounts. `None`: none is known.
fn sum(amounts: impl IntoIterator<Item = Option<Usd>>) -> Option<Usd> {
    amounts.into_iter().flatten().reduce(|one, other| one + other)
}

fn count(number: usize, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(whole: &[(&str, Option<i128>)]) -> MonthStates {
        let whole = whole.iter().map(|(period, nanos)| ((*period).to_owned(), nanos.map(Usd::from_units)));
        MonthStates { whole: whole.collect(), ..MonthStates::default() }
    }

    #[test]
    fn a_closed_month_says_what_it_was_closed_with_and_what_changed() {
        let states = states(&[("2026-08", Some(5_000_000_000)), ("2026-09", Some(12_310_000_000))]);
        let now = |period: &str| {
            Some(Usd::from_units(if period == "2026-09" { 12_330_000_000 } else { 5_000_000_000 }))
        };
        assert_eq!(
            states.notes_of_costs(now, 2),
            [
                "2026-09 was closed with 12.31 USD; 0.02 USD more is known since",
                "2026-08 was closed with 5.00 USD, unchanged since",
            ]
        );
        let less = states.notes_of_costs(|_| Some(Usd::from_units(1_000_000_000)), 2);
        assert_eq!(less[0], "2026-09 was closed with 12.31 USD; 11.31 USD less is known since");
    }

    #[test]
    fn many_closed_months_take_few_lines() {
        let periods: Vec<String> = (1..=12).map(|month| format!("2026-{month:02}")).collect();
        let all: Vec<(&str, Option<i128>)> =
            periods.iter().map(|period| (period.as_str(), Some(1_000_000_000))).collect();
        let notes = states(&all).notes_of_costs(
            |period| Some(Usd::from_units(if period < "2026-08" { 1_000_000_000 } else { 2 })),
            2,
        );
        assert_eq!(notes.len(), 5);
        assert_eq!(notes[3], "2 earlier closed months have changed too: `runledger restatements --totals`");
        assert_eq!(notes[4], "7 closed months are unchanged since they were closed");
    }

    #[test]
    fn periods_are_marked_only_in_their_own_column() {
        let running = [("month", "2026-10"), ("week", "2026-W41"), ("day", "2026-10-08")];
        let running = running.map(|(column, label)| (column, label.to_owned()));
        let states = MonthStates { running: BTreeMap::from(running), ..states(&[("2026-09", None)]) };
        let row = |month: &str| vec![Cell::text(month), Cell::text("2026-09")];
        let mut table = Table {
            columns: vec!["month".to_owned(), "pipeline_name".to_owned()],
            rows: vec![row("2026-08"), row("2026-09"), row("2026-10")],
            totals: None,
        };
        assert_eq!(states.mark_table(&mut table).as_deref(), Some("◆ closed   … running"));
        let months: Vec<String> = table.rows.iter().map(|row| row[0].exact().unwrap()).collect();
        assert_eq!(months, ["2026-08", "2026-09 ◆", "2026-10 …"]);
        assert!(table.rows.iter().all(|row| row[1] == Cell::text("2026-09")));
        for (column, period) in [("week", "2026-W41"), ("day", "2026-10-08")] {
            table.columns[0] = column.to_owned();
            table.rows = vec![row("2026-W40"), row(period), row("2026-10")];
            assert_eq!(states.mark_table(&mut table).as_deref(), Some("… running"));
            let periods: Vec<String> = table.rows.iter().map(|row| row[0].exact().unwrap()).collect();
            assert_eq!(periods, ["2026-W40".to_owned(), format!("{period} …"), "2026-10".to_owned()]);
        }
    }

    #[test]
    fn a_day_in_a_closed_month_is_current_knowledge() {
        let of_day = MonthStates { part: Some("2026-09-15".to_owned()), ..states(&[]) };
        let of_day = MonthStates { partial: BTreeSet::from(["2026-09".to_owned()]), ..of_day };
        let table = Table { columns: vec!["runs".to_owned()], rows: Vec::new(), totals: None };
        assert_eq!(of_day.notes(&table, 4), ["2026-09-15 is as known now, not as 2026-09 was closed"]);
    }
}
