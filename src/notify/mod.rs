//! Notifications about syncs, as pings and as a file of metrics, and about alerts, to a webhook.

mod endpoint;
mod metrics;
mod ping;
mod webhook;

pub(crate) use metrics::Watched;
pub(crate) use webhook::{Webhook, describe};

use crate::error::{Error, Result, render};
use crate::export::{Destination, reject_archive};
use crate::run::Instant;
use crate::secret::PingUrl;
use crate::store::{Archive, ArchiveStats, Freshness};
use crate::symlinks::same_file;
use crate::sync::{CancelToken, Clock};
use chrono::TimeDelta;
use metrics::ArchiveMetrics;
use ping::Ping;
use std::fs::metadata;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// How long the final ping waits for the start ping, which is sent while the sync runs.
const START_GRACE: Duration = Duration::from_secs(2);

/// The time limit of the final ping, with its wait and its retry.
const END_LIMIT: Duration = Duration::from_secs(10);

/// The time limit of the final ping after SIGHUP, SIGINT or SIGTERM.
const END_LIMIT_WHEN_CANCELED: Duration = Duration::from_secs(2);

/// The notifications to send. The default sends none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// The address to ping. `None`: no pings.
    pub ping: Option<PingTarget>,
    /// The file for the Prometheus textfile collector. `None`: no metrics.
    pub metrics_file: Option<PathBuf>,
    /// Files that contain secrets. `metrics_file` must not replace one of them.
    pub secret_files: Vec<PathBuf>,
}

/// The address to ping.
#[derive(Debug, Clone)]
pub(crate) struct PingTarget {
    /// The address, a secret.
    pub url: PingUrl,
    /// The flag, file or environment variable that the address comes from. Errors name it instead of the address.
    pub origin: String,
}

/// The surroundings of a notifier.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// A multi-threaded runtime. The notifier must not be used from within it.
    pub handle: &'a Handle,
    /// A request to stop also shortens the wait for the final ping.
    pub cancel: &'a Arc<CancelToken>,
    /// The clock that decides which runs are unsettled.
    pub clock: &'a dyn Clock,
}

/// The outcome of the sync of one archive.
#[derive(Debug)]
pub(crate) struct SyncReport<'a> {
    /// The name of the workspace. `None`: the command syncs a single archive.
    pub workspace: Option<String>,
    /// The archive.
    pub archive: &'a Path,
    /// How long after its end a run without a cost counts as unsettled.
    pub settle: TimeDelta,
    /// When the sync began.
    pub began_at: Instant,
    /// Its duration. `None`: it failed before it began.
    pub seconds: Option<f64>,
    /// The requests that it sent. `None`: it failed before it began.
    pub requests: Option<u64>,
    /// Its exit code.
    pub exit_code: u8,
    /// Lines for people, without secrets. The final ping sends them as its body.
    pub summary: String,
    /// What the metrics say about pipelines and budgets. `None`: it was not read.
    pub watched: Option<Watched>,
}

/// Sends a ping when a sync begins, and a ping and metrics when it ends.
pub(crate) struct Notifier<'a> {
    context: Context<'a>,
    ping: Option<Arc<Ping>>,
    /// The start ping, sent in the background.
    start: Option<JoinHandle<()>>,
    metrics_file: Option<PathBuf>,
}

impl<'a> Notifier<'a> {
    /// Sends the start ping in the background.
    ///
    /// # Errors
    /// [`Error::Usage`] when the address is invalid, or when the metrics file would replace an archive or a secret, or
    /// is a named pipe.
    pub(crate) fn start(options: Options, context: Context<'a>) -> Result<Notifier<'a>> {
        if let Some(path) = &options.metrics_file {
            check_metrics_file(path, &options.secret_files)?;
        }
        let ping = options.ping.map(|target| Ping::new(&target.url, &target.origin)).transpose()?;
        let ping = ping.flatten().map(Arc::new);
        let start = ping.clone().map(|ping| {
            context.handle.spawn(async move {
                if let Err(cause) = ping.start().await {
                    tracing::warn!("the start ping failed: {cause}");
                }
            })
        });
        Ok(Notifier { context, ping, start, metrics_file: options.metrics_file })
    }

    /// Writes the metrics, sends the final ping and returns the result of the command, which a failed ping does not
    /// change.
    ///
    /// # Errors
    /// That of `result`, else [`Error::Output`] when the metrics cannot be written.
    pub(crate) fn finish(self, reports: &[SyncReport<'_>], result: Result<()>) -> Result<()> {
        let mut lines: Vec<String> = reports.iter().map(SyncReport::lines).collect();
        let written = self.write_metrics(reports);
        if let Err(error) = &written {
            lines.push(format!("error: {}", error.on_one_line()));
        }
        let result = match (result, written) {
            (Err(first), Err(error)) => {
                tracing::warn!("{}", error.on_one_line());
                Err(first)
            }
            (result, written) => result.and(written),
        };
        let exit_code = result.as_ref().err().map_or(0, Error::exit_code);
        if let (Err(error), []) = (&result, lines.as_slice()) {
            lines.push(render(&error.to_string(), error.hint().as_deref()));
        }
        self.send_end(exit_code, &lines.join("\n"));
        result
    }

    fn send_end(self, exit_code: u8, summary: &str) {
        let Some(ping) = self.ping else { return };
        let is_canceled = self.context.cancel.error().is_some();
        let sent = self.context.handle.block_on(async {
            let send = async {
                if let Some(mut start) = self.start {
                    let grace = if is_canceled { Duration::ZERO } else { START_GRACE };
                    // A start ping after the final ping would report a running sync.
                    if tokio::time::timeout(grace, &mut start).await.is_err() {
                        start.abort();
                    }
                }
                ping.end(exit_code, summary).await
            };
            let limit = if is_canceled { END_LIMIT_WHEN_CANCELED } else { END_LIMIT };
            tokio::select! {
                sent = tokio::time::timeout(limit, send) => {
                    sent.unwrap_or_else(|_| Err("no response in time".to_owned()))
                }
                // The sync is done, so a signal ends the wait at once.
                error = self.context.cancel.cancelled(), if !is_canceled => Err(error.to_string()),
            }
        });
        if let Err(cause) = sent {
            tracing::warn!("the final ping failed: {cause}");
        }
    }

    fn write_metrics(&self, reports: &[SyncReport<'_>]) -> Result<()> {
        let Some(path) = &self.metrics_file else { return Ok(()) };
        if reports.is_empty() {
            // No archive was tried, so the metrics of the last sync still apply.
            return Ok(());
        }
        let now = self.context.clock.now();
        let cancel = self.context.cancel;
        let archives: Vec<ArchiveMetrics> =
            reports.iter().map(|report| report.metrics(now, cancel)).collect();
        let text = metrics::render(&archives);
        Destination::File(path.clone()).write(|out| Ok(out.write_all(text.as_bytes())?))
    }
}

/// Refuses a metrics file that would destroy something or block forever.
fn check_metrics_file(path: &Path, secret_files: &[PathBuf]) -> Result<()> {
    let refused = |why: &str| Error::Usage {
        what: format!("--metrics-file {}: {why}", path.display()),
        hint: Some("use a file of its own, such as runledger.prom".to_owned()),
    };
    reject_archive(path)?;
    if secret_files.iter().any(|secret| same_file(secret, path)) {
        return Err(refused("it contains a secret"));
    }
    // Standard output can be a pipe, and it has a reader.
    if metadata(path).is_ok_and(|there| there.file_type().is_fifo()) && !path.starts_with("/dev") {
        return Err(refused("it is a named pipe, which blocks without a reader"));
    }
    Ok(())
}

impl SyncReport<'_> {
    fn lines(&self) -> String {
        let name = self.workspace.as_ref().map(|name| format!("{name}: "));
        name.unwrap_or_default() + &self.summary
    }

    fn metrics(&self, now: Instant, cancel: &Arc<CancelToken>) -> ArchiveMetrics {
        let read = self.stats(now, cancel);
        if let Err(error) = &read
            && self.is_unexplained(error)
        {
            let error = error.on_one_line();
            tracing::warn!("the metrics lack the figures of {}: {error}", self.archive.display());
        }
        let (stats, freshness) = read.ok().unzip();
        ArchiveMetrics {
            workspace: self.workspace.clone(),
            began_at: self.began_at,
            exit_code: self.exit_code,
            seconds: self.seconds,
            requests: self.requests,
            stats,
            freshness,
            watched: self.watched.clone(),
        }
    }

    /// Whether neither the error of the sync nor the absence of an archive explains why its figures are missing.
    fn is_unexplained(&self, error: &Error) -> bool {
        error.exit_code() != self.exit_code && self.archive.exists()
    }

    /// The statistics and the freshness of the archive.
    fn stats(&self, now: Instant, cancel: &Arc<CancelToken>) -> Result<(ArchiveStats, Freshness)> {
        let archive = Archive::open_for_reading_until(self.archive, cancel)?;
        Ok((archive.stats(now.plus(-self.settle))?, archive.freshness(now)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;
    use std::sync::mpsc::{Receiver, channel};
    use tokio::runtime::Runtime;

    struct FixedClock(Instant);

    impl Clock for FixedClock {
        fn now(&self) -> Instant {
            self.0
        }
    }

    fn noon() -> Instant {
        Instant::parse("2026-11-23T12:00:00Z").unwrap()
    }

    fn report(archive: &Path, exit_code: u8) -> SyncReport<'_> {
        SyncReport {
            workspace: Some("acme".to_owned()),
            archive,
            settle: TimeDelta::days(30),
            began_at: noon(),
            seconds: Some(1.5),
            requests: Some(4),
            exit_code,
            summary: "Synced 30 runs: 30 new".to_owned(),
            watched: None,
        }
    }

    /// A ping server that accepts everything: its address, and each request as target and body.
    fn ping_server() -> (PingTarget, Receiver<(String, String)>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/code?rid=1", listener.local_addr().unwrap());
        let (seen, requests) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(&stream);
                let (mut head, mut length) = (String::new(), 0);
                while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {
                    let line = head.lines().last().unwrap_or_default().to_ascii_lowercase();
                    length = line.strip_prefix("content-length: ").map_or(length, |n| n.parse().unwrap());
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
                let _ = seen.send((target, String::from_utf8(body).unwrap()));
                let _ =
                    (&stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
        });
        (PingTarget { url: PingUrl::from(url), origin: "--ping-url".to_owned() }, requests)
    }

    fn runtime() -> Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
    }

    #[test]
    fn a_sync_is_pinged_at_its_start_and_with_its_exit_code() {
        let (runtime, cancel, clock) = (runtime(), Arc::default(), FixedClock(noon()));
        let context = Context { handle: runtime.handle(), cancel: &cancel, clock: &clock };
        let (target, requests) = ping_server();
        for (exit_code, end) in [(0, "/code?rid=1"), (5, "/code/5?rid=1")] {
            let options = Options { ping: Some(target.clone()), ..Options::default() };
            let notifier = Notifier::start(options, context).unwrap();
            let result = match exit_code {
                0 => Ok(()),
                _ => Err(Error::ApiUnavailable { what: "the API".to_owned(), cause: "HTTP 500".to_owned() }),
            };
            let finished = notifier.finish(&[report(Path::new("none.db"), exit_code)], result);
            assert_eq!(finished.is_ok(), exit_code == 0);
            assert_eq!(requests.recv().unwrap(), ("/code/start?rid=1".to_owned(), String::new()));
            let summary = "acme: Synced 30 runs: 30 new".to_owned();
            assert_eq!(requests.recv().unwrap(), (end.to_owned(), summary));
        }
    }

    #[test]
    fn metrics_are_written_also_without_a_readable_archive() {
        let (runtime, cancel, clock) = (runtime(), Arc::default(), FixedClock(noon()));
        let context = Context { handle: runtime.handle(), cancel: &cancel, clock: &clock };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runledger.prom");
        let options = || Options { metrics_file: Some(path.clone()), ..Options::default() };

        let notifier = Notifier::start(options(), context).unwrap();
        notifier.finish(&[report(&folder.path().join("none.db"), 0)], Ok(())).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("runledger_last_attempt_exit_code{workspace=\"acme\"} 0\n"), "{text}");
        assert!(!text.contains("runledger_runs{"), "{text}");

        // Without an attempt the last metrics stay.
        Notifier::start(options(), context).unwrap().finish(&[], Ok(())).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn a_metrics_file_does_not_replace_a_secret() {
        let (runtime, cancel, clock) = (runtime(), Arc::default(), FixedClock(noon()));
        let context = Context { handle: runtime.handle(), cancel: &cancel, clock: &clock };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.txt");
        std::fs::write(&path, "secret").unwrap();
        let options = Options {
            metrics_file: Some(path.clone()),
            secret_files: vec![path.clone()],
            ..Options::default()
        };
        let error = Notifier::start(options, context).err().unwrap();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("it contains a secret"), "{error}");
    }
}
