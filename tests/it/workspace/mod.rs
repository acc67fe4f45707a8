//! This is the test of several workspaces: one answer over their archives, and none that counts anything twice.

mod combine;
mod sync_all;
