//! The dimensions that cost and duration reports can be split by.

use super::period::Calendar;

/// A value of `--by`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
}

impl Dimension {
    /// Every dimension with its name on the command line.
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

    /// The dimension with a name.
    pub fn named(name: &str) -> Option<Dimension> {
        Dimension::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, dimension)| dimension)
    }
}
