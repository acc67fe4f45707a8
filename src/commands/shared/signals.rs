//! The signals that end a command: SIGHUP, SIGINT and SIGTERM.

use crate::error::{Error, Result};
use crate::sync::CancelToken;
use crate::temporary_file;
use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The number of SIGHUP on every Unix.
const SIGHUP: u8 = 1;

/// Cancels the token on SIGHUP, SIGINT and SIGTERM. SIGHUP stays ignored if it is, as under `nohup`.
///
/// # Errors
/// [`Error::Internal`] when the system provides no signal handlers.
pub(crate) fn cancel_on_signals(runtime: &Runtime) -> Result<Arc<CancelToken>> {
    let cancel = Arc::new(CancelToken::default());
    let _context = runtime.enter();
    for (mut signals, number) in signals().map_err(no_handlers)? {
        let cancel = Arc::clone(&cancel);
        runtime.spawn(async move {
            while signals.recv().await.is_some() {
                cancel.cancel(number);
            }
        });
    }
    Ok(cancel)
}

/// Lets SIGHUP, SIGINT and SIGTERM end this process at once, as they do by default, but without temporary files left
/// behind. For commands that no token cancels.
///
/// # Errors
/// [`Error::Internal`] when the system provides no threads or no signal handlers.
pub(crate) fn end_on_signals() -> Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build().map_err(no_handlers)?;
    let context = runtime.enter();
    let signals = signals().map_err(no_handlers)?;
    drop(context);
    let wait = move || {
        let mut waiting = tokio::task::JoinSet::new();
        for (mut signals, number) in signals {
            waiting.spawn_on(async move { signals.recv().await.map(|()| number) }, runtime.handle());
        }
        if let Some(Ok(Some(number))) = runtime.block_on(waiting.join_next()) {
            end(number);
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop).map_err(no_handlers)
}

#[expect(
    clippy::disallowed_methods,
    clippy::exit,
    reason = "the main thread can be in the middle of a long statement"
)]
fn end(number: u8) {
    let _no_new_ones = temporary_file::remove_all();
    std::process::exit(128 + i32::from(number));
}

/// The signals that end a command, with their numbers.
fn signals() -> io::Result<Vec<(Signal, u8)>> {
    let mut kinds = vec![(SignalKind::interrupt(), 2), (SignalKind::terminate(), 15)];
    // A handler would end the command although SIGHUP is ignored. If unknown, the system's default ends it.
    if hangup_is_ignored() == Some(false) {
        kinds.push((SignalKind::hangup(), SIGHUP));
    }
    kinds.into_iter().map(|(kind, number)| Ok((signal(kind)?, number))).collect()
}

fn no_handlers(cause: io::Error) -> Error {
    Error::Internal(format!("cannot handle signals: {cause}"))
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
