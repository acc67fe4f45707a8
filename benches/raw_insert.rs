//! This is the bare loop as a program of its own: it prints how long it took to insert so many runs from memory.
//!
//! `cargo bench --bench bare_loop -- 100000`; `benches/whole.py` holds the sync against it.

#![allow(clippy::print_stdout, reason = "it is a program that tells what it measured")]

#[allow(dead_code, reason = "the other benchmark needs the rest")]
mod ledger;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runs = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(20_000);
    let rows = ledger::rows(runs);
    let folder = tempfile::tempdir().expect("a place for temporary files");
    let path = folder.path().join("bare.db");
    let (archive, sync_id) = ledger::new_archive(&path);
    let seconds = ledger::insert_bare(archive, sync_id, &rows).as_secs_f64();
    let bytes = std::fs::metadata(&path).expect("the archive was written").len();
    println!(
        "{runs} runs in {seconds:.3} s: {:.0} runs a second, {:.0} bytes a run",
        runs as f64 / seconds,
        bytes as f64 / runs as f64
    );
}
