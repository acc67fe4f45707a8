//! Answers by two dimensions, for people: each value of the first one with the most important values of the second, and
//! the second as columns if it has few values.

use super::dimension::Dimension;
use super::group_by::{Group, Groups};
use super::period::Calendar;
use super::ranking::{Ranking, RowOrder, compare_cells};
use super::table::{Cell, Table};
use crate::error::Result;
use crate::run::Share;
use std::cmp::Ordering;

/// The most values of the second dimension that become columns.
const MAX_COLUMNS: usize = 5;

/// The column with the share of a group's main figure.
pub(crate) const SHARE: &str = "share_rate";

/// Between the name of a figure and the value of the second dimension in the name of a column.
const VALUE_MARK: char = '=';

/// The heading of the runs whose value is not known.
const NOT_KNOWN: &str = "Not known";

/// The name of the column with a figure of one value of the second dimension: `total_cost_usd=source`.
pub(crate) fn value_column(figure: &str, value: &str) -> String {
    format!("{figure}{VALUE_MARK}{value}")
}

/// The figure and the value of such a column. `None`: it is another column.
pub(crate) fn value_of_column(column: &str) -> Option<(&str, &str)> {
    // A path into the metadata can have the mark too, but no figure is named like it.
    column.split_once(VALUE_MARK).filter(|(figure, _)| !figure.contains(['.', '[']))
}

/// How the rows of an answer by two dimensions are chosen.
#[derive(Debug, Clone)]
pub(crate) struct TwoLevelRequest<'r> {
    /// The two dimensions.
    pub(crate) by: [&'r Dimension; 2],
    /// The given order, and the most rows of a group, unless it is left to the defaults.
    pub(crate) ranking: &'r Ranking,
    /// Whether every row is wanted.
    pub(crate) has_all_rows: bool,
    /// The figure that rows are ordered by, that columns show, and that shares are of.
    pub(crate) figure: &'static str,
    /// The most groups without a limit. Periods have none.
    pub(crate) groups: usize,
    /// The most rows of a group without a limit.
    pub(crate) members: usize,
}

impl TwoLevelRequest<'_> {
    fn is_by_time(&self) -> bool {
        matches!(self.by[0], Dimension::Period(_))
    }

    /// The most rows, with a default. `None`: all.
    fn limit(&self, default: Option<usize>) -> Option<usize> {
        if self.has_all_rows { None } else { self.ranking.limit.or(default) }
    }

    /// The most groups. A period is never left out of groups, because the others would not be its rest.
    fn groups(&self) -> Option<usize> {
        if self.is_by_time() { None } else { self.limit(Some(self.groups)) }
    }

    /// The most rows beside columns.
    fn rows_with_columns(&self) -> Option<usize> {
        self.limit((!self.is_by_time()).then_some(self.groups))
    }

    /// How many rows of a group are shown if it has this many. One row is not replaced by a rest of one.
    fn members_of(&self, members: usize) -> usize {
        let is_default = self.ranking.limit.is_none();
        match self.limit(Some(self.members)) {
            Some(limit) if is_default && members == limit + 1 => members,
            Some(limit) => limit.min(members),
            None => members,
        }
    }
}

/// An answer by two dimensions in both forms.
#[derive(Debug, Clone)]
pub(crate) struct TwoLevels {
    /// Each group's sum, followed by its rows.
    pub(crate) rows: Table,
    /// One row for each group, with the values of the second dimension as columns. `None`: they are too many, or no
    /// figure is alone.
    pub(crate) columns: Option<Table>,
}

/// The figures of some runs with their cells.
#[derive(Clone)]
struct Figures<T> {
    cells: Vec<Cell>,
    aggregate: T,
}

/// A value of the first dimension.
struct Parent<T> {
    identity: Option<String>,
    labels: Vec<Cell>,
    figures: Figures<T>,
    members: Vec<Member<T>>,
}

/// A value of the second dimension in a group.
struct Member<T> {
    identity: Option<String>,
    labels: Vec<Cell>,
    figures: Figures<T>,
}

impl<T: Default + Clone> Groups<T> {
    /// Both forms of the answer by two dimensions, with these figures after the labels.
    ///
    /// # Errors
    /// [`crate::error::Error::Usage`] when the answer has no column with the name of the order.
    pub(crate) fn into_two_levels(
        self,
        request: &TwoLevelRequest<'_>,
        figures: impl IntoIterator<Item = String>,
        cells: impl Fn(&mut T) -> Vec<Cell>,
        merge: impl Fn(&mut T, T),
    ) -> Result<TwoLevels> {
        let label_columns = self.label_columns.clone();
        let (first, second) = (label_columns[0], label_columns[1]);
        let columns: Vec<String> = self.columns.iter().cloned().chain(figures).collect();
        let figure = columns.iter().position(|column| column == request.figure);
        let figure = figure.expect("the figure is a column of the aggregate");
        let order = request.ranking.order(&columns)?;
        let sum = |parts: &mut dyn Iterator<Item = &T>| {
            let mut aggregate = T::default();
            parts.for_each(|part| merge(&mut aggregate, part.clone()));
            Figures { cells: cells(&mut aggregate), aggregate }
        };
        let form = Form { first, second, columns, figure, request, sum: &sum };
        let mut parents = form.parents(self.groups);
        form.sort(&mut parents, order);
        Ok(TwoLevels { columns: form.as_columns(&parents), rows: form.as_rows(&parents) })
    }
}

/// What both forms are made of.
struct Form<'f, T> {
    /// The label columns of the first dimension.
    first: usize,
    /// Those of the second.
    second: usize,
    columns: Vec<String>,
    /// The position of the main figure.
    figure: usize,
    request: &'f TwoLevelRequest<'f>,
    sum: &'f dyn Fn(&mut dyn Iterator<Item = &T>) -> Figures<T>,
}

impl<T> Form<'_, T> {
    /// The groups of the first dimension, in the order of the report.
    fn parents(&self, groups: Vec<Group<T>>) -> Vec<Parent<T>> {
        let mut parents: Vec<Parent<T>> = Vec::new();
        for Group { identity, labels, aggregate } in groups {
            let [first, second] = <[_; 2]>::try_from(identity).unwrap_or_default();
            let mut labels: Vec<Cell> = labels.into_iter().map(Cell::Text).collect();
            let of_second = labels.split_off(self.first);
            let figures = (self.sum)(&mut std::iter::once(&aggregate));
            let member = Member { identity: second, labels: of_second, figures };
            match parents.last_mut().filter(|last| last.identity == first) {
                Some(parent) => parent.members.push(member),
                None => {
                    let figures = (self.sum)(&mut std::iter::empty());
                    parents.push(Parent { identity: first, labels, figures, members: vec![member] });
                }
            }
        }
        for parent in &mut parents {
            parent.figures = (self.sum)(&mut parent.members.iter().map(|member| &member.figures.aggregate));
        }
        parents
    }

    /// Orders groups and their rows: periods by time, everything else by the given column, or by the main figure.
    fn sort(&self, parents: &mut [Parent<T>], order: Option<RowOrder>) {
        let labels = self.first + self.second;
        let is_reversed = self.request.ranking.is_reversed;
        let default = RowOrder::largest_first(self.figure, is_reversed && !self.request.is_by_time());
        let of_members = order.filter(|order| order.column() >= self.first).unwrap_or(default);
        let of_parents = match order {
            Some(order) if order.column() < self.first => Some(order),
            _ if self.request.is_by_time() => None,
            Some(order) if order.column() >= labels => Some(order),
            _ => Some(default),
        };
        for parent in parents.iter_mut() {
            parent.members.sort_by(|one, other| of_members.compare(&self.member(one), &self.member(other)));
        }
        match of_parents {
            Some(order) => {
                parents.sort_by(|one, other| order.compare(&self.parent(one), &self.parent(other)));
            }
            None if is_reversed && order.is_none() => parents.reverse(),
            None => {}
        }
    }

    /// The row of a group's sum.
    fn parent(&self, parent: &Parent<T>) -> Vec<Cell> {
        let members = Cell::Group { rows: parent.members.len() as u64, noun: noun(self.request.by[1]) };
        let labels = parent.labels.iter().cloned().chain([members]).chain(blanks(self.second - 1));
        labels.chain(parent.figures.cells.iter().cloned()).collect()
    }

    /// The row of a value of the second dimension.
    fn member(&self, member: &Member<T>) -> Vec<Cell> {
        let labels = blanks(self.first).chain(member.labels.iter().cloned());
        labels.chain(member.figures.cells.iter().cloned()).collect()
    }

    /// One row with the rest, with its label after `before` columns.
    fn rest(&self, before: usize, figures: &mut dyn Iterator<Item = &Figures<T>>) -> Vec<Cell> {
        let mut rows = 0;
        let sum = (self.sum)(&mut figures.map(|figures| {
            rows += 1;
            &figures.aggregate
        }));
        let labels = blanks(before).chain([Cell::Rest(rows)]).chain(blanks(self.first + self.second));
        labels.take(self.first + self.second).chain(sum.cells).collect()
    }

    /// The rows of both dimensions, with the share of each group's figure.
    fn as_rows(&self, parents: &[Parent<T>]) -> Table {
        let shown = self.request.groups().unwrap_or(parents.len()).min(parents.len());
        let mut rows = Vec::new();
        for parent in &parents[..shown] {
            let whole = self.parent(parent);
            let share = |row: Vec<Cell>| {
                let share = share_of(&row[self.figure], &whole[self.figure]);
                row.into_iter().chain(share).collect::<Vec<_>>()
            };
            let (members, hidden) = parent.members.split_at(self.request.members_of(parent.members.len()));
            let of_members: Vec<_> = members.iter().map(|member| share(self.member(member))).collect();
            let rest = share(self.rest(self.first, &mut hidden.iter().map(|member| &member.figures)));
            let has_shares = share_of(&whole[self.figure], &whole[self.figure]).is_some();
            rows.push(whole.into_iter().chain(has_shares.then_some(Cell::Blank)).collect());
            rows.extend(of_members);
            rows.extend((!hidden.is_empty()).then_some(rest));
        }
        let mut columns = self.columns.clone();
        let has_shares = rows.iter().any(|row: &Vec<Cell>| row.len() > columns.len());
        let hidden = &parents[shown..];
        if !hidden.is_empty() {
            rows.push(self.rest(0, &mut hidden.iter().map(|parent| &parent.figures)));
        }
        let mut totals = (rows.len() > 1 && parents.len() > 1).then(|| self.totals(parents));
        if has_shares {
            columns.push(SHARE.to_owned());
            rows.iter_mut().chain(&mut totals).for_each(|row| row.resize(columns.len(), Cell::Blank));
        }
        Table { columns, rows, totals }
    }

    /// The name of a value of the second dimension: words of the API begin with a capital, as headings do.
    fn name_of(&self, labels: &[Cell]) -> Option<String> {
        let mut name = labels.iter().find_map(Cell::exact)?;
        if let (Dimension::Kind | Dimension::Trigger | Dimension::Status, Some(first)) =
            (self.request.by[1], name.get_mut(..1))
        {
            first.make_ascii_uppercase();
        }
        Some(name)
    }

    fn totals(&self, parents: &[Parent<T>]) -> Vec<Cell> {
        let all = (self.sum)(&mut parents.iter().map(|parent| &parent.figures.aggregate));
        std::iter::repeat_n(Cell::Text(None), self.first + self.second).chain(all.cells).collect()
    }

    /// The row of each group with the main figure of each value of the second dimension. `None`: they are too many.
    fn as_columns(&self, parents: &[Parent<T>]) -> Option<Table> {
        let labels = self.first + self.second;
        let figure = self.figure - labels;
        let mut values: Vec<(&Option<String>, &[Cell])> = Vec::new();
        for member in parents.iter().flat_map(|parent| &parent.members) {
            if !values.iter().any(|(identity, _)| *identity == &member.identity) {
                values.push((&member.identity, &member.labels));
            }
            if values.len() > MAX_COLUMNS {
                return None;
            }
        }
        let cell_of = |parents: &[Parent<T>], identity: &Option<String>| {
            let members = parents.iter().flat_map(|parent| &parent.members);
            let mut members = members.filter(|member| member.identity == *identity).peekable();
            // Without a run, there is no cost that could be known.
            members.peek()?;
            let sum = (self.sum)(&mut members.map(|member| &member.figures.aggregate));
            Some(sum.cells[figure].clone())
        };
        let mut values: Vec<(&Option<String>, String, Cell)> = values
            .into_iter()
            .map(|(identity, labels)| {
                let name = self.name_of(labels).unwrap_or_else(|| NOT_KNOWN.to_owned());
                (identity, name, cell_of(parents, identity).unwrap_or(Cell::Blank))
            })
            .collect();
        let is_time = matches!(self.request.by[1], Dimension::Period(_));
        values.sort_by(|(one_identity, one, one_sum), (other_identity, other, other_sum)| {
            let by_sum = if is_time { Ordering::Equal } else { compare_cells(one_sum, other_sum, true) };
            let is_unknown = one_identity.is_none().cmp(&other_identity.is_none());
            by_sum.then(is_unknown).then_with(|| one.cmp(other))
        });
        let with_values = |parents: &[Parent<T>], row: Vec<Cell>| -> Vec<Cell> {
            let cells = values.iter().map(|(identity, ..)| cell_of(parents, identity).unwrap_or(Cell::Blank));
            row[..self.first].iter().chain(&row[labels..]).cloned().chain(cells).collect()
        };
        let shown = self.request.rows_with_columns().unwrap_or(parents.len()).min(parents.len());
        let (head, hidden) = parents.split_at(shown);
        let mut rows: Vec<_> = head
            .iter()
            .map(|parent| with_values(std::slice::from_ref(parent), self.parent(parent)))
            .collect();
        if !hidden.is_empty() {
            let rest = self.rest(0, &mut hidden.iter().map(|parent| &parent.figures));
            rows.push(with_values(hidden, rest));
        }
        let totals = (parents.len() > 1).then(|| with_values(parents, self.totals(parents)));
        let names = values.iter().map(|(_, name, _)| value_column(self.request.figure, name));
        let columns = self.columns[..self.first].iter().chain(&self.columns[labels..]).cloned();
        Some(Table { columns: columns.chain(names).collect(), rows, totals })
    }
}

/// Adds the share of each row's figure in the total to a table. Without two rows, there is nothing to share.
pub(crate) fn add_shares(table: &mut Table, figure: &str) {
    let place = table.columns.iter().position(|column| column == figure);
    let (Some(place), Some(totals)) = (place, table.totals.clone()) else { return };
    for row in table.rows.iter_mut().chain(&mut table.totals) {
        let share = share_of(&row[place], &totals[place]).unwrap_or(Cell::Blank);
        row.push(share);
    }
    table.columns.push(SHARE.to_owned());
}

fn blanks(number: usize) -> impl Iterator<Item = Cell> {
    std::iter::repeat_n(Cell::Blank, number)
}

/// The share of a part in its whole. `None`: they are no amounts.
fn share_of(part: &Cell, whole: &Cell) -> Option<Cell> {
    let (Cell::Usd(part), Cell::Usd(whole)) = (part, whole) else { return None };
    Some(Cell::Share(part.zip(*whole).and_then(|(part, whole)| Share::ratio(part.units(), whole.units()))))
}

/// What a value of the dimension is called.
fn noun(dimension: &Dimension) -> &'static str {
    match dimension {
        Dimension::Period(Calendar::Month) => "month",
        Dimension::Period(Calendar::Week) => "week",
        Dimension::Period(Calendar::Day) => "day",
        Dimension::Pipeline => "pipeline",
        Dimension::Kind => "kind",
        Dimension::Trigger => "trigger",
        Dimension::Status => "status",
        Dimension::CostCenter => "cost center",
        Dimension::Workspace => "workspace",
        Dimension::Metadata(_) => "value",
    }
}

#[cfg(test)]
mod tests;
