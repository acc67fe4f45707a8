//! Several workspaces: one answer over their archives, in which nothing counts twice.

mod combine;
mod sync_all;
