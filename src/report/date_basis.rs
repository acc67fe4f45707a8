//! The date basis: which instant of a run decides its month.

use crate::error::{Error, Result};
use crate::run::{Instant, Run};
use crate::suggest::did_you_mean;

/// The instant that books a run into a month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DateBasis {
    /// The start, else the creation.
    #[default]
    Started,
    /// The end. A run that has not ended is in no month.
    Ended,
    /// The creation.
    Created,
}

impl DateBasis {
    /// Every basis.
    pub const ALL: [DateBasis; 3] = [DateBasis::Started, DateBasis::Ended, DateBasis::Created];

    /// Its word on the command line and in the archive.
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

    /// Reads a basis that comes from `origin`: a flag, an environment variable or a key of the settings.
    ///
    /// # Errors
    /// [`Error::Usage`] naming `origin` when there is no such basis.
    pub fn parse(word: &str, origin: &str) -> Result<DateBasis> {
        DateBasis::named(word).ok_or_else(|| {
            let words = DateBasis::ALL.map(DateBasis::as_str);
            Error::Usage {
                what: format!("{origin} {word}: not one of {}", words.join(", ")),
                hint: did_you_mean(word, words),
            }
        })
    }

    /// The instant that books a run. `None`: the run has none yet.
    pub(crate) fn of_run(self, run: &Run) -> Option<Instant> {
        match self {
            DateBasis::Started => run.started_at.or(run.created_at),
            DateBasis::Ended => run.ended_at,
            DateBasis::Created => run.created_at,
        }
    }

    /// The instant in SQL, over the columns of `run_snapshots`. The index of the reports sorts by that of `Started`.
    pub fn sql(self) -> &'static str {
        match self {
            DateBasis::Started => "coalesce(started_at, created_at)",
            DateBasis::Ended => "ended_at",
            DateBasis::Created => "created_at",
        }
    }
}
