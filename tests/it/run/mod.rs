//! Single runs.

mod round_trip;
