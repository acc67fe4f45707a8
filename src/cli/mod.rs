//! Argument groups that several commands share, and the value parsers of arguments.
//!
//! The arguments of one command are in the file of that command, below `commands/`.

mod api;
mod notifications;
mod output;
mod scope;
mod value_parsers;

pub use api::{ApiArgs, LockArgs};
pub use notifications::NotificationArgs;
pub use output::{FormatArgs, OutputArgs, TableArgs, TableFormat, VerbosityArgs, YesNo};
pub use scope::{PeriodArgs, ScopeArgs};
pub use value_parsers::{Names, at_least_one, decimal_mark, first_given, rate, separator, time_span};
