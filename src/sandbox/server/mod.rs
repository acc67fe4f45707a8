//! The sandbox's HTTP server. It serves a model that can change between two requests.

mod endpoints;

use super::model::Model;
use axum::response::Response;
use axum::serve::{Listener, ListenerExt};
use axum::{Router, serve};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// The default API key of a sandbox.
pub(crate) const API_KEY: &str = "sandbox-key";

/// The options of a sandbox.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on 127.0.0.1; 0 takes any free port.
    pub port: u16,
    /// The delay before each response.
    pub latency: Duration,
    /// Items per page if the request does not set `page_size`.
    pub page_size: usize,
    /// The largest `page_size`. A larger request is capped silently.
    pub max_page_size: usize,
    /// Whether to log requests for [`Sandbox::requests`]. They are counted in any case.
    pub log: bool,
    /// The one key that the sandbox accepts.
    pub api_key: String,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            port: 0,
            latency: Duration::ZERO,
            page_size: 100,
            max_page_size: 500,
            log: true,
            api_key: API_KEY.to_owned(),
        }
    }
}

/// A logged request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The number of the request, from 1.
    pub number: usize,
    /// The HTTP method.
    pub method: String,
    /// The path, percent-encoded.
    pub path: String,
    /// The query, percent-encoded, without its question mark.
    pub query: String,
}

type Hook = Box<dyn FnMut(&Call, &mut Model) -> Option<Response> + Send>;

/// A running server. It stops when dropped.
pub struct Sandbox {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Dropping the sender stops the server.
    _stop: oneshot::Sender<()>,
}

struct Shared {
    model: Mutex<Model>,
    hook: Mutex<Option<Hook>>,
    address: SocketAddr,
    options: Options,
    count: AtomicUsize,
    calls: Mutex<Vec<Call>>,
}

impl Sandbox {
    /// Serves `model` on 127.0.0.1, in the caller's tokio runtime.
    ///
    /// # Errors
    /// If the port cannot be bound.
    pub async fn start(model: Model, options: Options) -> io::Result<Sandbox> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            model: Mutex::new(model),
            hook: Mutex::new(None),
            address,
            options,
            count: AtomicUsize::new(0),
            calls: Mutex::new(Vec::new()),
        });
        // Small responses must not wait for each other's acknowledgement.
        let listener = listener.tap_io(|connection| {
            let _ = connection.set_nodelay(true);
        });
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(run(listener, endpoints::router(&shared), stopped));
        Ok(Sandbox { address, shared, _stop: stop })
    }

    /// The base URL, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The key that the sandbox accepts.
    pub fn api_key(&self) -> &str {
        &self.shared.options.api_key
    }

    /// The workspace, for reading and changing. The server waits while the guard lives.
    pub fn model(&self) -> MutexGuard<'_, Model> {
        self.shared.model()
    }

    /// Number of requests since the start or the last [`Sandbox::forget_requests`].
    pub fn request_count(&self) -> usize {
        self.shared.count.load(Ordering::SeqCst)
    }

    /// The requests since the start or the last [`Sandbox::forget_requests`], in the order of
    /// arrival. Empty if the log is off.
    pub fn requests(&self) -> Vec<Call> {
        self.shared.calls.lock().expect("no request panicked").clone()
    }

    /// Clears the log and resets the count.
    pub fn forget_requests(&self) {
        self.shared.calls.lock().expect("no request panicked").clear();
        self.shared.count.store(0, Ordering::SeqCst);
    }

    /// Sets the hook that sees each request before it is served. It may change the workspace, and may
    /// return a response instead of the sandbox. The key is checked after the hook.
    pub fn on_request(&self, hook: impl FnMut(&Call, &mut Model) -> Option<Response> + Send + 'static) {
        *self.shared.hook.lock().expect("no request panicked") = Some(Box::new(hook));
    }
}

impl Shared {
    fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().expect("no request panicked")
    }

    /// Counts and logs a request, and lets the hook respond to it.
    fn intercept(&self, method: String, path: String, query: String) -> Option<Response> {
        let call = Call { number: self.count.fetch_add(1, Ordering::SeqCst) + 1, method, path, query };
        let mut hook = self.hook.lock().expect("no request panicked");
        let response = hook.as_mut().and_then(|hook| hook(&call, &mut self.model()));
        drop(hook);
        if self.options.log {
            self.calls.lock().expect("no request panicked").push(call);
        }
        response
    }
}

async fn run<L: Listener>(listener: L, router: Router, stopped: oneshot::Receiver<()>)
where
    L::Addr: std::fmt::Debug,
{
    let stopped = async {
        let _ = stopped.await;
    };
    let server = serve(listener, router).with_graceful_shutdown(stopped);
    server.await.expect("accepting connections never fails");
}

#[cfg(test)]
mod tests;
