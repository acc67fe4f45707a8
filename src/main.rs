//! This is the `runledger` command: it hands its arguments to the library and ends with the exit code.

use clap::Parser;
use clap::error::ErrorKind;
use runledger::commands;
use runledger::commands::Cli;
use runledger::error::{Error, Result, render};
use std::io::Write;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tracing::Level;

/// The signal to a process that writes a file beyond its limit, by its number on Linux and macOS.
const SIGXFSZ: i32 = 25;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            if !asked_for && commands::asks_for_a_check() {
                // To Nagios the usual 2 would mean that the archive is in a critical state.
                let words = error.to_string();
                let first = words.lines().next().unwrap_or_default();
                let usage = Error::usage(first.strip_prefix("error: ").unwrap_or(first));
                return ended(commands::status::nagios::refuse(&usage));
            }
            // Where nobody reads, there is nobody to tell.
            let _ = error.print();
            return ExitCode::from(if asked_for { 0 } else { 2 });
        }
    };
    log(cli.verbose);
    outlive_the_limit_on_file_sizes();
    ended(commands::run(&cli))
}

/// The exit code of what came of it; an error is told first.
fn ended(result: Result<u8>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            tell(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

/// Makes a limit on file sizes (`ulimit -f`) an error like that of a full disk. Unheeded, its signal
/// would end the process before it could say anything.
fn outlive_the_limit_on_file_sizes() {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
    let _context = runtime.enter();
    // Once heeded, a signal stays so until the process ends, also without the runtime.
    let _ = signal(SignalKind::from_raw(SIGXFSZ));
}

/// Lets the program's own words, and those of the libraries below it, reach the standard error.
fn log(verbosity: u8) {
    let level = match verbosity {
        0 => Level::WARN,
        1 => Level::INFO,
        2 => Level::DEBUG,
        _ => Level::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        // They are read in logs too.
        .with_ansi(false)
        .without_time()
        .with_target(false)
        // Where nobody reads, there is nobody to tell that nobody could be told.
        .log_internal_errors(false)
        .init();
}

/// Says what ended the command, and what to do about it.
fn tell(error: &Error) {
    let words = render(&error.to_string(), error.hint().as_deref());
    // Where nobody reads, there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{words}");
}
