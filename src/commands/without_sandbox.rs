//! `runledger demo` and `runledger sandbox` in a build without the feature `sandbox`: an error that names it.

use super::shared::output::built_without;
use crate::error::Result;
use clap::Args;
use std::ffi::OsString;

/// Any arguments, which are ignored.
#[derive(Debug, Clone, Args)]
pub struct IgnoredArgs {
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    _ignored: Vec<OsString>,
}

pub mod demo {
    pub use super::IgnoredArgs as DemoArgs;

    /// # Errors
    /// Always.
    pub fn run(_: &DemoArgs, _: Option<&std::path::Path>, _: u8) -> super::Result<()> {
        Err(super::built_without("the mock API", "sandbox"))
    }
}

pub mod sandbox {
    pub use super::IgnoredArgs as SandboxArgs;

    /// # Errors
    /// Always.
    pub fn run(_: &SandboxArgs) -> super::Result<()> {
        Err(super::built_without("the mock API", "sandbox"))
    }
}
