//! This is a dimension: one thing that cost and duration reports can be split by.

use super::period::Calendar;

/// What `--by` can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// The month, week or day that a run is booked in.
    Period(Calendar),
    /// The pipeline, by its kind and id: two pipelines with one name stay two.
    Pipeline,
    /// Source, destination or transformation.
    Kind,
    /// What set the run off: `manual`, `cron`, `event`.
    Trigger,
    /// The run's status.
    Status,
    /// The cost centre, by finance's rules.
    Centre,
    /// The workspace, each of which has an archive of its own.
    Workspace,
}

impl Dimension {
    /// Every dimension under its name on the command line.
    pub const ALL: [(&'static str, Dimension); 9] = [
        ("month", Dimension::Period(Calendar::Month)),
        ("week", Dimension::Period(Calendar::Week)),
        ("day", Dimension::Period(Calendar::Day)),
        ("pipeline", Dimension::Pipeline),
        ("kind", Dimension::Kind),
        ("trigger", Dimension::Trigger),
        ("status", Dimension::Status),
        ("centre", Dimension::Centre),
        ("workspace", Dimension::Workspace),
    ];

    /// The dimension of that name.
    pub fn named(name: &str) -> Option<Dimension> {
        Dimension::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, dimension)| dimension)
    }
}
