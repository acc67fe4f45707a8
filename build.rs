//! This is the build script: a migration is embedded only when the crate is compiled again, and the smallest build is linked tightly.

use std::env::var;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=packaging/small.ld");
    let is = |name: &str, value: &str| var(name).as_deref() == Ok(value);
    // The profile's name is told by the folder alone: target/small/build/runledger-…/out.
    let out = var("OUT_DIR").unwrap_or_default();
    let profile = Path::new(&out).ancestors().nth(3).and_then(Path::file_name);
    let is_small = profile.is_some_and(|profile| profile == "small");
    if is_small && is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        let folder = var("CARGO_MANIFEST_DIR").unwrap_or_default();
        for argument in [
            // The addresses in the tables of time zones were a tenth of the binary. Packed, they need glibc 2.36.
            "-z,pack-relative-relocs",
            "--no-eh-frame-hdr",
            &format!("-T,{folder}/packaging/small.ld"),
        ] {
            println!("cargo::rustc-link-arg-bins=-Wl,{argument}");
        }
    }
}
