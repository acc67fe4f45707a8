//! This is the watch over syncs: whoever waits for them is told when they begin and how they ended, by ping and by metrics.

use crate::api::Ping;
use crate::atomic_file::{same_file, write_atomically};
use crate::cli::WatchArgs;
use crate::commands::shared::runtime::Runtime;
use crate::commands::sync::SyncArgs;
use crate::error::render;
use crate::error::{Error, Result};
use crate::export::prometheus::{self, Figures};
use crate::export::{Destination, reject_archive};
use crate::run::Instant;
use crate::settings;
use crate::store::{Archive, ArchiveStats};
use crate::sync::Clock;
use crate::sync::SystemClock;
use chrono::TimeDelta;
use std::fs::{Permissions, metadata, set_permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How long the ping of the end waits for that of the start, which was sent while the sync was running.
const START_GRACE: Duration = Duration::from_secs(2);

/// How long the ping of the end may take in all.
const END_LIMIT: Duration = Duration::from_secs(10);

/// How long it may take when somebody has asked to stop.
const LIMIT_WHEN_STOPPED: Duration = Duration::from_secs(2);

/// What came of one archive's sync, for those who wait for it.
#[derive(Debug)]
pub struct SyncReport<'a> {
    /// The workspace's name. `None`: there is one archive only.
    pub workspace: Option<String>,
    /// The archive.
    pub archive: &'a Path,
    /// How long after its end a run may still change.
    pub settle: TimeDelta,
    /// When the sync began.
    pub began_at: Instant,
    /// How long it took. `None`: it ended before it could begin.
    pub seconds: Option<f64>,
    /// The requests that it sent. `None`: it ended before it could begin.
    pub requests: Option<u64>,
    /// The exit code that it ended with.
    pub exit_code: u8,
    /// What came, in lines for people. No secret is in it.
    pub words: String,
}

/// Those who wait.
pub struct Notifier<'a> {
    engine: &'a Runtime,
    ping: Option<Arc<Ping>>,
    /// The ping of the start, on its way.
    start: Option<JoinHandle<()>>,
    metrics_file: Option<PathBuf>,
}

impl<'a> Notifier<'a> {
    /// Those whom the arguments and the environment name; of a dry run nobody is told.
    ///
    /// # Errors
    /// As [`Notifier::begin`].
    pub fn of(args: &SyncArgs, engine: &'a Runtime) -> Result<Notifier<'a>> {
        if args.dry_run {
            return Ok(Notifier::nobody(engine));
        }
        if let Some(path) = &args.watch.metrics_file {
            can_be_replaced(path, &[args.api.api_key_file.as_deref(), args.watch.ping_url_file.as_deref()])?;
        }
        Notifier::begin(&args.watch, engine)
    }

    /// Nobody waits.
    fn nobody(engine: &'a Runtime) -> Notifier<'a> {
        Notifier { engine, ping: None, start: None, metrics_file: None }
    }

    /// Tells that it begins, without waiting until that has arrived.
    ///
    /// # Errors
    /// [`Error::Usage`] when there is an address for pings that cannot be used.
    fn begin(args: &WatchArgs, engine: &'a Runtime) -> Result<Notifier<'a>> {
        let url = settings::ping_url(args.ping_url.as_ref(), args.ping_url_file.as_deref())?;
        let ping = url.map(|url| Ping::new(&url.value, &url.origin.to_string())).transpose()?.map(Arc::new);
        let start = ping.clone().map(|ping| {
            engine.runtime.spawn(async move {
                if let Err(cause) = ping.start().await {
                    tracing::warn!("the ping of the start did not arrive: {cause}");
                }
            })
        });
        Ok(Notifier { engine, ping, start, metrics_file: args.metrics_file.clone() })
    }

    /// Tells what came of each archive, and how the command ends: that is what it gives back. A ping that does not
    /// arrive changes nothing about it.
    ///
    /// # Errors
    /// Those of `result`; else [`Error::Output`] when the metrics could not be written.
    pub fn end(self, accounts: &[SyncReport<'_>], result: Result<()>) -> Result<()> {
        let mut words: Vec<String> = accounts.iter().map(SyncReport::lines).collect();
        let written = self.write_metrics(accounts);
        if let Err(error) = &written {
            words.push(format!("error: {}", error.on_one_line()));
        }
        let result = match (result, written) {
            (Err(graver), Err(error)) => {
                tracing::warn!("{}", error.on_one_line());
                Err(graver)
            }
            (result, written) => result.and(written),
        };
        let exit_code = result.as_ref().err().map_or(0, Error::exit_code);
        if let (Err(error), []) = (&result, words.as_slice()) {
            words.push(render(&error.to_string(), error.hint().as_deref()));
        }
        self.send_end(exit_code, &words.join("\n"));
        result
    }

    fn send_end(self, exit_code: u8, summary: &str) {
        let Some(ping) = self.ping else { return };
        let is_stopped = self.engine.stop.error().is_some();
        let arrived = self.engine.runtime.block_on(async {
            let sent = async {
                if let Some(mut start) = self.start {
                    let grace = if is_stopped { Duration::ZERO } else { START_GRACE };
                    // One that comes after the end would say that a sync is under way.
                    if tokio::time::timeout(grace, &mut start).await.is_err() {
                        start.abort();
                    }
                }
                ping.end(exit_code, summary).await
            };
            let too_late = || Err("no answer in time".to_owned());
            let limit = if is_stopped { LIMIT_WHEN_STOPPED } else { END_LIMIT };
            tokio::select! {
                arrived = tokio::time::timeout(limit, sent) => arrived.unwrap_or_else(|_| too_late()),
                // Who asks to stop now is not kept waiting. The sync itself is done.
                error = self.engine.stop.requested(), if !is_stopped => Err(error.to_string()),
            }
        });
        if let Err(cause) = arrived {
            tracing::warn!("the ping of the end did not arrive: {cause}");
        }
    }

    fn write_metrics(&self, accounts: &[SyncReport<'_>]) -> Result<()> {
        let Some(path) = &self.metrics_file else { return Ok(()) };
        if accounts.is_empty() {
            // Nothing was looked at: what is there says more.
            return Ok(());
        }
        let figures: Vec<Figures> = accounts.iter().map(SyncReport::figures).collect();
        let page = prometheus::page(&figures);
        if metadata(path).is_ok_and(|there| !there.is_file()) {
            return Destination::File(path.clone()).write(|out| Ok(out.write_all(page.as_bytes())?));
        }
        write_atomically(path, |beside| -> io::Result<()> {
            beside.write_all(page.as_bytes())?;
            // Whatever the umask of a service is: node_exporter is another user.
            set_permissions(beside.path(), Permissions::from_mode(0o644))
        })
        .map_err(|cause| Error::Output { what: path.display().to_string(), cause })
    }
}

/// Refuses a place for metrics that would be lost or never come to an end, before anything begins.
fn can_be_replaced(path: &Path, secrets: &[Option<&Path>]) -> Result<()> {
    let refused = |why: &str| Error::Usage {
        what: format!("--metrics-file {}: {why}", path.display()),
        hint: Some("name a file of its own, such as runledger.prom".to_owned()),
    };
    reject_archive(path)?;
    if secrets.iter().flatten().any(|secret| same_file(secret, path)) {
        return Err(refused("it holds a secret that is read"));
    }
    // The standard output may be one, and is read.
    if metadata(path).is_ok_and(|there| there.file_type().is_fifo()) && !path.starts_with("/dev") {
        return Err(refused("it is a pipe, and nobody may be reading it"));
    }
    Ok(())
}

impl SyncReport<'_> {
    fn lines(&self) -> String {
        let name = self.workspace.as_ref().map(|name| format!("{name}: "));
        name.unwrap_or_default() + &self.words
    }

    fn figures(&self) -> Figures {
        // An archive that cannot be read has no figures; why is told by the sync's own error.
        let (contents, last_success_at) =
            self.look().map_or((None, None), |(contents, at)| (Some(contents), at));
        Figures {
            workspace: self.workspace.clone(),
            began_at: self.began_at,
            exit_code: self.exit_code,
            seconds: self.seconds,
            requests: self.requests,
            contents,
            last_success_at,
        }
    }

    fn look(&self) -> Result<(ArchiveStats, Option<Instant>)> {
        let archive = Archive::open_for_reading(self.archive)?;
        let contents = archive.contents(SystemClock.now().plus(-self.settle))?;
        Ok((contents, archive.last_complete_sync()?.map(|sync| sync.started_at)))
    }
}
