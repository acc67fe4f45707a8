//! The diagnosis of a failed connection: its cause, and the setting that can help.

use super::is_loopback;
use super::resolver::NameError;
use rustls::{CertificateError, Error as TlsError};
use std::error::Error;
use std::io;
use std::time::Duration;
use url::Url;

/// Why no connection to a server could be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// What failed. It names the host, but contains no URL.
    pub cause: String,
    /// The next step.
    pub hint: String,
    /// Whether another attempt within seconds would fail too.
    pub is_permanent: bool,
}

const CA_HINT: &str = "if a proxy or firewall of this network inspects TLS, set SSL_CERT_FILE to a PEM file with its \
    CA certificate; then run the command again";
const CLOCK_HINT: &str = "check the date and time of this machine; if they are right, the certificate of the server \
    or of an inspecting proxy must be renewed";
const NAME_HINT: &str = "check the host in the API URL; a proxy or firewall that answers in its place must be \
    bypassed, with HTTPS_PROXY or NO_PROXY";
const TLS_HINT: &str = "check the API URL, and whether a firewall answers in place of the server";
const PROXY_TLS_HINT: &str =
    "check HTTPS_PROXY: most proxies are http://HOST:PORT, also for requests over https";
const PASSWORD_HINT: &str = "set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT, with special characters of the \
    password percent-encoded";
const TUNNEL_HINT: &str = "the proxy in HTTPS_PROXY must allow this host; if the network reaches it directly, add \
    the host to NO_PROXY";
const PROXY_HINT: &str = "check the host and port in HTTPS_PROXY; if the network needs no proxy, unset it or add the API's host to NO_PROXY";
const NETWORK_HINT: &str =
    "check the network, the firewall and the API URL; if this network needs a proxy, set HTTPS_PROXY";
const LOCAL_HINT: &str = "start the server at this address, or check the API URL";

impl Diagnosis {
    /// Diagnoses a failed request to `server`, whose connection may take `connect_limit`. `None`: the connection was
    /// made, and something failed later.
    pub(crate) fn of(error: &reqwest::Error, server: &Url, connect_limit: Duration) -> Option<Diagnosis> {
        if !error.is_connect() {
            return None;
        }
        let links = links(error);
        let proxy_says = |text: &str| links.iter().any(|link| link.to_string() == text);
        let is_at_proxy = links.iter().any(|link| link.to_string().starts_with("tunnel error"));
        let network_hint = match (is_loopback(server), is_at_proxy) {
            (true, _) => LOCAL_HINT,
            (false, true) => PROXY_HINT,
            (false, false) => NETWORK_HINT,
        };
        let (cause, hint, is_permanent) = if let Some(tls) = find::<TlsError>(&links) {
            (tls.to_string(), hint_of_tls(tls, is_at_proxy), true)
        } else if proxy_says("tunnel error: proxy authorization required") {
            ("the proxy requires a user and a password (HTTP 407)".to_owned(), PASSWORD_HINT, true)
        } else if proxy_says("tunnel error: unsuccessful") {
            // The status is unknown: 403 would be permanent, 502 may not be.
            let host = server.host_str().unwrap_or_default();
            (format!("the proxy did not connect to {host}"), TUNNEL_HINT, false)
        } else if let Some(name) = find::<NameError>(&links) {
            (name.with_host(), network_hint, false)
        } else if error.is_timeout() {
            (format!("no connection in {} s", connect_limit.as_secs()), network_hint, false)
        } else {
            let last = links.last().map_or_else(String::new, ToString::to_string);
            let at = if is_at_proxy { "the proxy: " } else { "" };
            (format!("{at}{last}"), network_hint, false)
        };
        Some(Diagnosis { cause, hint: hint.to_owned(), is_permanent })
    }
}

fn hint_of_tls(error: &TlsError, is_at_proxy: bool) -> &'static str {
    use CertificateError as Certificate;
    match error {
        TlsError::InvalidCertificate(
            Certificate::Expired
            | Certificate::ExpiredContext { .. }
            | Certificate::NotValidYet
            | Certificate::NotValidYetContext { .. },
        ) => CLOCK_HINT,
        TlsError::InvalidCertificate(
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
        ) => NAME_HINT,
        TlsError::InvalidCertificate(_) => CA_HINT,
        _ if is_at_proxy => PROXY_TLS_HINT,
        _ => TLS_HINT,
    }
}

/// The causes below a failed request, outermost first.
fn links(error: &reqwest::Error) -> Vec<&(dyn Error + 'static)> {
    let mut links: Vec<&(dyn Error + 'static)> = Vec::new();
    let mut next = error.source();
    while let Some(link) = next {
        links.push(link);
        // An I/O error skips the error that it wraps: its source is the source of that one.
        let wrapped = link.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| link.source());
    }
    links
}

fn find<'e, T: Error + 'static>(links: &[&'e (dyn Error + 'static)]) -> Option<&'e T> {
    links.iter().find_map(|link| link.downcast_ref::<T>())
}
