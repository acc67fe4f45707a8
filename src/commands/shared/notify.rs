//! The notifications that the arguments and the environment ask for.

use crate::commands::shared::runtime::Runtime;
use crate::commands::sync::SyncArgs;
use crate::error::Result;
use crate::notify::{Context, Notifier, Options, PingTarget};
use crate::settings;
use crate::sync::SystemClock;
use url::Url;

/// Starts the notifications of a sync. A dry run sends none.
///
/// # Errors
/// As [`Notifier::start`]; [`crate::error::Error::Usage`] when the file with the ping URL is unreadable, or the proxy
/// or CA file in the environment is unusable.
pub(crate) fn start<'a>(args: &SyncArgs, runtime: &'a Runtime) -> Result<Notifier<'a>> {
    let context = Context { handle: runtime.runtime.handle(), cancel: &runtime.cancel, clock: &SystemClock };
    let options = if args.dry_run { Options::default() } else { options(args)? };
    Notifier::start(options, context)
}

fn options(args: &SyncArgs) -> Result<Options> {
    let notifications = &args.notifications;
    let url = settings::ping_url(notifications.ping_url.as_ref(), notifications.ping_url_file.as_deref())?;
    if let Some(url) = url.as_ref().and_then(|url| Url::parse(url.value.expose()).ok()) {
        settings::check_network_variables(&url)?;
    }
    let secret_files = [&args.api.api_key_file, &notifications.ping_url_file, &args.reporting.webhook_file];
    Ok(Options {
        ping: url.map(|url| PingTarget { url: url.value, origin: url.origin.to_string() }),
        metrics_file: notifications.metrics_file.clone(),
        secret_files: secret_files.into_iter().flatten().cloned().collect(),
    })
}
