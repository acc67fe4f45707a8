//! Recompiles the crate, which embeds the migrations, when a migration changes. Links debug builds for a fast start.

#![expect(clippy::disallowed_methods, reason = "cargo describes the build in the environment")]

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    // The tests start thousands of processes. Relocating a debug build takes half of a start.
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    if is("PROFILE", "debug") && is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
