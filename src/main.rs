//! The `runledger` command: parses the arguments, runs the command and exits with its code.

use clap::Parser;
use clap::error::ErrorKind;
use runledger::internal::commands::status::nagios;
use runledger::internal::commands::{self, Cli};
use runledger::internal::error::{Error, Result};
use std::io::Write;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tracing::Level;

/// The signal for exceeding the file size limit, as numbered on Linux and macOS.
const SIGXFSZ: i32 = 25;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => {
            init_logging(cli.verbose);
            catch_file_size_signal();
            exit_code(commands::run(&cli))
        }
        Err(error) => reject_arguments(&error),
    }
}

/// Prints help, the version, or a usage error.
fn reject_arguments(error: &clap::Error) -> ExitCode {
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let renamed = commands::renamed_flag(error);
    if !is_help && nagios::is_requested() {
        // Nagios would take the usual exit code 2 for a critical archive.
        let text = error.to_string();
        let first_line = text.lines().next().unwrap_or_default();
        let usage = Error::usage(first_line.strip_prefix("error: ").unwrap_or(first_line));
        return exit_code(nagios::print_error(&renamed.unwrap_or(usage)));
    }
    if let Some(error) = renamed {
        return exit_code(Err(error));
    }
    // If stderr is closed, give up silently.
    let _ = error.print();
    ExitCode::from(if is_help { 0 } else { 2 })
}

/// Prints an error, if there is one, and returns the exit code.
fn exit_code(result: Result<u8>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            // If stderr is closed, give up silently.
            let _ = writeln!(std::io::stderr(), "{}", error.render());
            ExitCode::from(error.exit_code())
        }
    }
}

/// Turns an exceeded file size limit (`ulimit -f`) into an I/O error like that of a full disk. By default, its signal
/// kills the process before it can print anything.
fn catch_file_size_signal() {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
    let _context = runtime.enter();
    // The handler stays installed after the runtime is dropped.
    let _ = signal(SignalKind::from_raw(SIGXFSZ));
}

/// Sends log messages, also those of libraries, to standard error.
fn init_logging(verbosity: u8) {
    let level = match verbosity {
        0 => Level::WARN,
        1 => Level::INFO,
        2 => Level::DEBUG,
        _ => Level::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        // The messages also go to log files.
        .with_ansi(false)
        .without_time()
        .with_target(false)
        // If stderr is closed, give up silently.
        .log_internal_errors(false)
        .init();
}
