//! Names that earlier versions understood, each with its replacement.
//!
//! An old name is a usage error that gives the new one, so that no setting is silently ignored.

use crate::error::Error;

/// What a name names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameKind {
    /// A flag of a command, such as `--zone`.
    Flag,
    /// An environment variable.
    Variable,
    /// A key in the settings file.
    Setting,
    /// A report.
    Report,
    /// A value of `--by`.
    Dimension,
}

/// A name that was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renamed {
    /// What it names.
    pub kind: NameKind,
    /// The old name, no longer understood.
    pub old: &'static str,
    /// The name to use instead.
    pub new: &'static str,
}

/// Every name that was replaced.
pub const RENAMED: [Renamed; 7] = [
    Renamed { kind: NameKind::Flag, old: "--date", new: "--date-basis" },
    Renamed { kind: NameKind::Flag, old: "--watch-months", new: "--recheck-months" },
    Renamed { kind: NameKind::Variable, old: "RUNLEDGER_DATE", new: "RUNLEDGER_DATE_BASIS" },
    Renamed { kind: NameKind::Setting, old: "date", new: "date_basis" },
    Renamed { kind: NameKind::Setting, old: "centre", new: "cost_center" },
    Renamed { kind: NameKind::Report, old: "dearest-runs", new: "costliest-runs" },
    Renamed { kind: NameKind::Dimension, old: "centre", new: "cost-center" },
];

impl Renamed {
    /// The usage error for the old name.
    pub fn error(&self) -> Error {
        let Renamed { kind, old, new } = self;
        Error::usage(match kind {
            NameKind::Flag => format!("the flag {old} was renamed to {new}"),
            NameKind::Variable => format!("the environment variable {old} was renamed to {new}"),
            NameKind::Setting => format!("the setting `{old}` was renamed to `{new}`"),
            NameKind::Report => format!("the report {old} was renamed to {new}"),
            NameKind::Dimension => format!("--by {old} was renamed to --by {new}"),
        })
    }
}

/// The entry of an old name. `None`: no name of that kind was replaced.
pub(crate) fn renamed(kind: NameKind, old: &str) -> Option<Renamed> {
    RENAMED.into_iter().find(|renamed| renamed.kind == kind && renamed.old == old)
}
