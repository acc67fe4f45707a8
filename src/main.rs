//! The `runledger` command: parses the arguments, runs the command and exits with its code.

use clap::error::ErrorKind;
use runledger::internal::api::RETRIES;
use runledger::internal::commands::status::nagios;
use runledger::internal::commands::{self, Cli, Command};
use runledger::internal::error::Result;
use std::collections::VecDeque;
use std::io::Write;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// The signal for exceeding the file size limit, as numbered on Linux and macOS.
const SIGXFSZ: i32 = 25;

fn main() -> ExitCode {
    match Cli::from_process() {
        Ok(cli) => {
            init_logging(cli.verbose, cli.command.as_ref().is_some_and(Command::is_quiet));
            catch_file_size_signal();
            exit_code(commands::run(&cli))
        }
        Err(error) => reject_arguments(&error),
    }
}

/// Prints help, the version, or a usage error.
fn reject_arguments(error: &clap::Error) -> ExitCode {
    commands::apply_color();
    let is_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if is_help {
        // If stderr is closed, give up silently.
        let _ = error.print();
        return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
    }
    let error = commands::usage_error(error);
    // Nagios would take the usual exit code 2 for a critical archive.
    exit_code(if nagios::is_requested() { nagios::print_error(&error) } else { Err(error) })
}

/// Prints an error, if there is one, and returns the exit code.
fn exit_code(result: Result<u8>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let mut stderr = std::io::stderr().lock();
            // If stderr is closed, give up silently.
            for line in HELD_BACK.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
                let _ = stderr.write_all(&line);
            }
            let text = match commands::json_is_requested() {
                true => error.render_json(),
                false => commands::paint_message(&error.render()),
            };
            let _ = writeln!(stderr, "{text}");
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

/// The newest log messages about retries that `--quiet` holds back. They matter only if the command fails.
static HELD_BACK: Mutex<VecDeque<Vec<u8>>> = Mutex::new(VecDeque::new());

/// The most messages to hold back: a sync against a failing server would collect thousands.
const MAX_HELD_BACK: usize = 20;

/// Where log messages go.
struct Log {
    holds_back_retries: bool,
}

/// The destination of one log message.
enum LogWriter {
    StandardError,
    HeldBack,
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = LogWriter;

    fn make_writer(&'a self) -> LogWriter {
        LogWriter::StandardError
    }

    fn make_writer_for(&'a self, message: &Metadata<'_>) -> LogWriter {
        match self.holds_back_retries && message.target() == RETRIES {
            true => LogWriter::HeldBack,
            false => LogWriter::StandardError,
        }
    }
}

impl Write for LogWriter {
    /// Writes one message, which the subscriber passes as a whole.
    fn write(&mut self, message: &[u8]) -> std::io::Result<usize> {
        match self {
            LogWriter::StandardError => {
                commands::beside_bar(|| std::io::stderr().write_all(message)).map(|()| message.len())
            }
            LogWriter::HeldBack => {
                let mut held_back = HELD_BACK.lock().unwrap_or_else(PoisonError::into_inner);
                if held_back.len() == MAX_HELD_BACK {
                    held_back.pop_front();
                }
                held_back.push_back(message.to_vec());
                Ok(message.len())
            }
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

/// Sends log messages, also those of libraries, to standard error. `is_quiet` holds back those about retries, unless
/// the user asked for more detail.
fn init_logging(verbosity: u8, is_quiet: bool) {
    let level = match verbosity {
        0 => Level::WARN,
        1 => Level::INFO,
        2 => Level::DEBUG,
        _ => Level::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(Log { holds_back_retries: is_quiet && verbosity == 0 })
        // The messages also go to log files.
        .with_ansi(false)
        .without_time()
        .with_target(false)
        // If stderr is closed, give up silently.
        .log_internal_errors(false)
        .init();
}
