//! Inserts runs from memory in a plain loop and prints the time: the baseline of a first sync.
//!
//! `cargo bench --bench raw_insert -- 100000`; `benches/end_to_end.py` compares a sync with it.

#![allow(clippy::print_stdout, reason = "prints its measurements")]

#[allow(dead_code, reason = "other benchmarks use the rest")]
mod ledger;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runs = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(20_000);
    let rows = ledger::rows(runs);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("raw.db");
    let (archive, sync_id) = ledger::new_archive(&path);
    let seconds = ledger::raw_insert(archive, sync_id, &rows).as_secs_f64();
    let bytes = std::fs::metadata(&path).expect("the archive exists").len();
    println!(
        "{runs} runs in {seconds:.3} s: {:.0} runs a second, {:.0} bytes a run",
        runs as f64 / seconds,
        bytes as f64 / runs as f64
    );
}
