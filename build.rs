//! This is the build script: a migration is embedded only when the crate is compiled again.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
