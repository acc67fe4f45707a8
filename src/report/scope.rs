//! This is the scope of a question: which runs it is about, what books them, and as known when.

use super::allocation::Allocation;
use super::period::Span;
use crate::error::{Error, Result};
use crate::run::Instant;
use crate::store::{Close, RowLayout};
use chrono_tz::Tz;

/// Which instant books a run into a month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DateBasis {
    /// When it started, else when it was created.
    #[default]
    Started,
    /// When it ended. A run that has not ended is in no month yet.
    Ended,
    /// When it was created.
    Created,
}

impl DateBasis {
    /// All of them.
    pub const ALL: [DateBasis; 3] = [DateBasis::Started, DateBasis::Ended, DateBasis::Created];

    /// The basis's word, on the command line and in the archive.
    pub fn as_str(self) -> &'static str {
        match self {
            DateBasis::Started => "started",
            DateBasis::Ended => "ended",
            DateBasis::Created => "created",
        }
    }

    /// The basis of that word.
    pub fn named(word: &str) -> Option<DateBasis> {
        DateBasis::ALL.into_iter().find(|basis| basis.as_str() == word)
    }

    /// The instant in SQL, over the columns of `run_snapshots`. The first is what the reports' index is sorted by.
    pub fn sql(self) -> &'static str {
        match self {
            DateBasis::Started => "coalesce(started_at, created_at)",
            DateBasis::Ended => "ended_at",
            DateBasis::Created => "created_at",
        }
    }
}

/// What a question is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    /// Which runs.
    pub span: Span,
    /// The zone that months, weeks and days are meant in.
    pub zone: Tz,
    /// Which instant books a run.
    pub date: DateBasis,
    /// As known when; `None`: as known now.
    pub as_of: Option<Instant>,
    /// Which cost centre each run belongs to.
    pub allocation: Allocation,
    /// The month, week or day that was asked for by its name; `None`: none was.
    pub period: Option<String>,
    /// The close that answers for the month; `None`: it is not closed, or no month was asked for.
    pub close_id: Option<i64>,
    /// The layout of the rows of `export costs`: that of the close, otherwise the newest.
    pub row_layout: RowLayout,
}

impl Default for Scope {
    /// Every run, in months of UTC, as known now.
    fn default() -> Scope {
        Scope {
            span: Span::default(),
            zone: Tz::UTC,
            date: DateBasis::default(),
            as_of: None,
            allocation: Allocation::default(),
            period: None,
            close_id: None,
            row_layout: RowLayout::default(),
        }
    }
}

impl Scope {
    /// What a closed month was closed with.
    ///
    /// # Errors
    /// [`Error::Internal`] when the close holds what this program cannot read.
    pub fn of_close(close: &Close) -> Result<Scope> {
        let frozen = &close.frozen;
        let unreadable = |what: &str| {
            Error::Internal(format!(
                "the close of {} has {what} that this program cannot read",
                frozen.period
            ))
        };
        Ok(Scope {
            span: Span { from: Some(frozen.starts_at), until: Some(frozen.ends_at) },
            zone: frozen.zone.parse().map_err(|_| unreadable("a zone"))?,
            date: DateBasis::named(&frozen.date_basis).ok_or_else(|| unreadable("a date basis"))?,
            as_of: Some(frozen.known_at),
            allocation: serde_json::from_str(&frozen.allocation).map_err(|_| unreadable("rules"))?,
            period: Some(frozen.period.clone()),
            close_id: Some(close.close_id),
            row_layout: frozen.row_layout,
        })
    }
}
