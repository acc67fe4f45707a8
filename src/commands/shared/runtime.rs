//! The API client, the async runtime and signal handling, shared by the commands that send requests.

use crate::api::{Client, ClientConfig};
use crate::cli::ApiArgs;
use crate::error::{Error, Result};
use crate::settings::{self, Workspace};
use crate::sync::{CancelToken, Observer, SyncContext, SystemClock};
use std::sync::Arc;
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};

/// A client with the API key. The flags take precedence, then the workspace of the archive, then the
/// environment. With this order, a variable that happens to be set never fills a workspace's archive with the runs of
/// another.
///
/// # Errors
/// [`Error::Usage`] for an invalid URL, key, proxy or CA file.
pub(crate) fn client(args: &ApiArgs, workspace: Option<&Workspace>) -> Result<Arc<Client>> {
    let key = match (&args.api_key_file, workspace) {
        (None, Some(workspace)) => workspace.api_key()?,
        (file, _) => settings::api_key(file.as_deref())?,
    };
    let url = args.api_url.as_deref().or(workspace.and_then(|workspace| workspace.api_url.as_deref()));
    let config =
        ClientConfig { max_requests_per_second: args.max_requests_per_second, ..ClientConfig::default() };
    let base_url = settings::api_address(url)?;
    settings::check_network_variables(&base_url.join(""))?;
    Ok(Arc::new(Client::new(base_url, &key, config)?))
}

/// The context of a sync with the system clock.
pub(crate) fn sync_context<'a>(
    client: Arc<Client>,
    runtime: &'a runtime::Runtime,
    cancel: &'a CancelToken,
    observer: &'a mut dyn Observer,
) -> SyncContext<'a> {
    SyncContext { client, handle: runtime.handle(), clock: &SystemClock, cancel, observer }
}

/// The async runtime, and the token that a signal cancels.
pub(crate) struct Runtime {
    /// The tokio runtime.
    pub runtime: runtime::Runtime,
    /// Set by SIGINT and SIGTERM.
    pub cancel: Arc<CancelToken>,
}

impl Runtime {
    /// Starts the runtime and the signal handlers.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system provides no threads or no signal handlers.
    pub(crate) fn start() -> Result<Runtime> {
        let runtime = runtime()?;
        let cancel = cancel_on_signals(&runtime)?;
        Ok(Runtime { runtime, cancel })
    }

    /// Shuts down without waiting for pending requests.
    pub(crate) fn shut_down(self) {
        self.runtime.shutdown_background();
    }
}

/// Starts the tokio runtime.
///
/// # Errors
/// [`Error::Internal`] when the system provides no threads.
pub(crate) fn runtime() -> Result<runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|cause| Error::Internal(format!("cannot start threads: {cause}")))
}

/// Cancels the token on SIGINT and SIGTERM.
///
/// # Errors
/// [`Error::Internal`] when the system provides no signal handlers.
pub(crate) fn cancel_on_signals(runtime: &runtime::Runtime) -> Result<Arc<CancelToken>> {
    let cancel = Arc::new(CancelToken::default());
    let _context = runtime.enter();
    for (kind, number) in [(SignalKind::interrupt(), 2), (SignalKind::terminate(), 15)] {
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
