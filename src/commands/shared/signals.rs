//! The signals that end a command: SIGHUP, SIGINT and SIGTERM.

use crate::error::{Error, Result};
use crate::sync::CancelToken;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

/// The number of SIGHUP on every Unix.
const SIGHUP: u8 = 1;

/// Cancels the token on SIGHUP, SIGINT and SIGTERM. SIGHUP stays ignored if it is, as under `nohup`.
///
/// # Errors
/// [`Error::Internal`] when the system provides no signal handlers.
pub(crate) fn cancel_on_signals(runtime: &Runtime) -> Result<Arc<CancelToken>> {
    let cancel = Arc::new(CancelToken::default());
    let _context = runtime.enter();
    let mut signals = vec![(SignalKind::interrupt(), 2), (SignalKind::terminate(), 15)];
    // A handler would end the sync although SIGHUP is ignored. If unknown, the system's default ends it.
    if hangup_is_ignored() == Some(false) {
        signals.push((SignalKind::hangup(), SIGHUP));
    }
    for (kind, number) in signals {
        let mut signals =
            signal(kind).map_err(|cause| Error::Internal(format!("cannot handle signals: {cause}")))?;
        let cancel = Arc::clone(&cancel);
        runtime.spawn(async move {
            while signals.recv().await.is_some() {
                cancel.cancel(number);
            }
        });
    }
    Ok(cancel)
}

/// Whether this process ignores SIGHUP. `None`: unknown.
fn hangup_is_ignored() -> Option<bool> {
    match fs::read_to_string("/proc/self/status") {
        Ok(status) => in_status(&status),
        Err(_) => in_child(),
    }
}

/// As Linux reports it: a mask of the ignored signals, in hexadecimal.
fn in_status(status: &str) -> Option<bool> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
    Some(mask & 1 << (SIGHUP - 1) != 0)
}

/// As a shell shows it: a child inherits which signals are ignored, and sends itself one.
fn in_child() -> Option<bool> {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "kill -HUP $$; exit 0"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let status = shell.status().ok()?;
    match (status.signal(), status.code()) {
        (Some(signal), _) if signal == i32::from(SIGHUP) => Some(false),
        (None, Some(0)) => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_includes_sighup_or_not() {
        let status = |mask| format!("Name:\trunledger\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\n");
        assert_eq!(in_status(&status("0000000000001001")), Some(true));
        assert_eq!(in_status(&status("0000000000001000")), Some(false));
        assert_eq!(in_status(&status("?")), None);
        assert_eq!(in_status("Name:\trunledger\n"), None);
    }

    #[test]
    fn a_child_shows_what_linux_reports() {
        let reported = fs::read_to_string("/proc/self/status").ok();
        if let Some(reported) = reported {
            assert_eq!(in_child(), in_status(&reported));
        }
    }
}
