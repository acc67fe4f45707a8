//! Name resolution with a time limit: `getaddrinfo` alone can block for minutes.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::error::Error;
use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;

/// The time limit of a lookup. glibc asks the second name server after 5 s, so it must be longer.
const LOOKUP_LIMIT: Duration = Duration::from_secs(7);

/// Resolves names with the system's resolver.
pub(super) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        Box::pin(async move {
            match within(LOOKUP_LIMIT, &host, lookup(host.clone())).await {
                Ok(addresses) => Ok(Box::new(addresses.into_iter()) as Addrs),
                Err(error) => Err(error.into()),
            }
        })
    }
}

/// A name without an address. Its text does not contain the name: the host of a ping is a secret.
#[derive(Debug)]
pub(super) struct NameError {
    /// The name.
    pub host: String,
    /// Why it has no address.
    pub reason: NameErrorReason,
}

/// Why a name has no address.
#[derive(Debug)]
pub(super) enum NameErrorReason {
    /// The resolver reported an error: the name is unknown, or no name server is reachable.
    Failed(io::Error),
    /// No name server responded in time.
    TimedOut(Duration),
}

impl NameError {
    /// The text with the name.
    pub(super) fn with_host(&self) -> String {
        let host = &self.host;
        match &self.reason {
            NameErrorReason::Failed(cause) => format!("unknown host {host} ({cause})"),
            NameErrorReason::TimedOut(limit) => {
                format!("no name server resolved {host} in {} s", limit.as_secs())
            }
        }
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            NameErrorReason::Failed(cause) => write!(f, "unknown host ({cause})"),
            NameErrorReason::TimedOut(limit) => {
                write!(f, "no name server responded in {} s", limit.as_secs())
            }
        }
    }
}

impl Error for NameError {}

async fn within(
    limit: Duration,
    host: &str,
    lookup: impl Future<Output = io::Result<Vec<SocketAddr>>>,
) -> Result<Vec<SocketAddr>, NameError> {
    let reason = match tokio::time::timeout(limit, lookup).await {
        Ok(Ok(addresses)) => return Ok(addresses),
        Ok(Err(cause)) => NameErrorReason::Failed(cause),
        Err(_) => NameErrorReason::TimedOut(limit),
    };
    Err(NameError { host: host.to_owned(), reason })
}

/// Looks the name up in a thread of its own. The end of a tokio runtime would wait for a lookup in its pool.
async fn lookup(host: String) -> io::Result<Vec<SocketAddr>> {
    let (sender, receiver) = oneshot::channel();
    thread::Builder::new().name("lookup".to_owned()).spawn(move || {
        let addresses = (host.as_str(), 0).to_socket_addrs();
        // After the time limit, the receiver is gone.
        let _ = sender.send(addresses.map(Iterator::collect));
    })?;
    receiver.await.unwrap_or_else(|_| Err(io::Error::other("the lookup ended without a result")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn a_lookup_without_a_response_ends_at_its_limit() {
        let error = block_on(within(Duration::from_millis(10), "api.example", std::future::pending()));
        let error = error.unwrap_err();
        assert!(matches!(error.reason, NameErrorReason::TimedOut(_)), "{error}");
        assert!(error.with_host().contains("api.example") && !error.to_string().contains("api"), "{error}");
    }

    #[test]
    fn a_name_resolves_to_addresses_or_a_reason() {
        let addresses = block_on(within(LOOKUP_LIMIT, "localhost", lookup("localhost".to_owned()))).unwrap();
        assert!(addresses.iter().all(|address| address.ip().is_loopback()), "{addresses:?}");
        let name = "runledger.invalid";
        let error = block_on(within(LOOKUP_LIMIT, name, lookup(name.to_owned()))).unwrap_err();
        assert!(error.with_host().contains(name) && !error.to_string().contains(name), "{error}");
    }
}
