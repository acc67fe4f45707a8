//! This is the test of single runs.

mod round_trip;
