//! The dimensions that cost and duration reports can be split by.

use super::metadata_path::MetadataPath;
use super::period::Calendar;

/// A value of `--by`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// The month, week or day in which a run is booked.
    Period(Calendar),
    /// The pipeline by kind and id. Two pipelines with the same name stay separate.
    Pipeline,
    /// Source, destination or transformation.
    Kind,
    /// The trigger type: `manual`, `cron` or `event`.
    Trigger,
    /// The status of the run.
    Status,
    /// The cost center, by the allocation rules.
    CostCenter,
    /// The workspace. Each has its own archive.
    Workspace,
    /// The value at a path in a JSON column: a text as it is, anything else as JSON. A run without the path, and one
    /// with `null` there, is in the group "not known".
    Metadata(MetadataPath),
}

impl Dimension {
    /// Every dimension with a name, with its name on the command line. A path is its own name.
    pub const ALL: [(&'static str, Dimension); 9] = [
        ("month", Dimension::Period(Calendar::Month)),
        ("week", Dimension::Period(Calendar::Week)),
        ("day", Dimension::Period(Calendar::Day)),
        ("pipeline", Dimension::Pipeline),
        ("kind", Dimension::Kind),
        ("trigger", Dimension::Trigger),
        ("status", Dimension::Status),
        ("cost-center", Dimension::CostCenter),
        ("workspace", Dimension::Workspace),
    ];

    /// The dimension with a name. `None`: there is none; a path is parsed with [`MetadataPath::parse`].
    pub fn named(name: &str) -> Option<Dimension> {
        Dimension::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, dimension)| dimension)
    }
}
