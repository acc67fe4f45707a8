//! This is what the commands that ask the API share: the client, the runtime, the clock, the signals.

use crate::api::{Client, ClientConfig};
use crate::cli::ApiArgs;
use crate::error::{Error, Result};
use crate::secret::ApiKey;
use crate::settings::{self, Workspace};
use crate::sync::{CancelToken, Observer, SyncContext, SystemClock};
use std::sync::Arc;
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};

/// The key, and a client that uses it: those that the arguments name, else those of the workspace whose archive is
/// meant, else those of the environment. So no archive gets the runs of another workspace by a variable that is set.
///
/// # Errors
/// [`Error::Usage`] for an address or a key that cannot be used.
pub fn client(args: &ApiArgs, workspace: Option<&Workspace>) -> Result<(ApiKey, Arc<Client>)> {
    let key = match (&args.api_key_file, workspace) {
        (None, Some(workspace)) => workspace.api_key()?,
        (file, _) => settings::api_key(file.as_deref())?,
    };
    let address = args.api_url.as_deref().or(workspace.and_then(|workspace| workspace.api_url.as_deref()));
    let manners =
        ClientConfig { max_requests_per_second: args.max_requests_per_second, ..ClientConfig::default() };
    let client = Client::new(settings::api_address(address)?, &key, manners)?;
    Ok((key, Arc::new(client)))
}

/// What a sync works with here: the system's clock, and what was made for this command.
pub fn means<'a>(
    client: Arc<Client>,
    runtime: &'a runtime::Runtime,
    stop: &'a CancelToken,
    observer: &'a mut dyn Observer,
) -> SyncContext<'a> {
    SyncContext { client, handle: runtime.handle(), clock: &SystemClock, stop, observer }
}

/// What requests run on, and how a signal stops them.
pub struct Runtime {
    /// Where they run.
    pub runtime: runtime::Runtime,
    /// Whether somebody asked to stop.
    pub stop: Arc<CancelToken>,
}

impl Runtime {
    /// Starts it.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system gives no threads, or does not let signals be caught.
    pub fn start() -> Result<Runtime> {
        let runtime = runtime()?;
        let stop = stop_on_signals(&runtime)?;
        Ok(Runtime { runtime, stop })
    }

    /// Ends it. Requests still under way have nobody to answer to.
    pub fn shut_down(self) {
        self.runtime.shutdown_background();
    }
}

/// The runtime that requests run on.
///
/// # Errors
/// [`Error::Internal`] when the system gives no threads.
pub fn runtime() -> Result<runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|cause| Error::Internal(format!("no threads could be started: {cause}")))
}

/// Lets SIGINT and SIGTERM ask for an orderly stop.
///
/// # Errors
/// [`Error::Internal`] when the system does not let signals be caught.
pub fn stop_on_signals(runtime: &runtime::Runtime) -> Result<Arc<CancelToken>> {
    let stop = Arc::new(CancelToken::default());
    let _context = runtime.enter();
    for (kind, number) in [(SignalKind::interrupt(), 2), (SignalKind::terminate(), 15)] {
        let mut signals =
            signal(kind).map_err(|cause| Error::Internal(format!("signals cannot be caught: {cause}")))?;
        let stop = Arc::clone(&stop);
        runtime.spawn(async move {
            while signals.recv().await.is_some() {
                stop.request(number);
            }
        });
    }
    Ok(stop)
}
