//! Argument groups that several commands share, and the value parsers of arguments.
//!
//! The arguments of one command are in the file of that command, below `commands/`.

mod api;
mod json;
mod notifications;
mod output;
mod output_format;
mod scope;
mod value_parsers;

pub(crate) use crate::time_span::parse as time_span;
pub(crate) use api::{ApiArgs, LockArgs};
pub(crate) use json::JsonArgs;
pub(crate) use notifications::NotificationArgs;
pub(crate) use output::{
    FormatArgs, LanguageArgs, OutcomeArgs, OutputArgs, TableArgs, TableFormat, VerbosityArgs, WidthArgs,
    YesNo,
};
pub(crate) use output_format::{FileType, OutputFormat, require_type, resolve};
pub(crate) use scope::{FilterArgs, PeriodArgs, ScopeArgs};
pub(crate) use value_parsers::{Names, at_least_one, first_given};
