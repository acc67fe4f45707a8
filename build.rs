//! Recompiles the crate, which embeds the migrations, when a migration changes.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
