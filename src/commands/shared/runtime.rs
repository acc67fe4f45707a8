//! The API client and the async runtime, shared by the commands that send requests.

use super::signals::cancel_on_signals;
use crate::api::{Client, ClientConfig};
use crate::cli::ApiArgs;
use crate::error::{Error, Result};
use crate::settings::{self, Workspace};
use crate::sync::{CancelToken, Observer, SyncContext, SystemClock};
use std::sync::Arc;
use tokio::runtime;

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
    /// Set by SIGHUP, SIGINT and SIGTERM.
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
