//! This is the build script: a migration is embedded only when the crate is compiled again, and the smallest build is linked so.

use std::env::var;

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    let is = |name: &str, value: &str| var(name).as_deref() == Ok(value);
    if is("OPT_LEVEL", "z") && is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        // A tenth of the binary is the addresses of time zones' tables. Packed, they need glibc 2.36.
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
