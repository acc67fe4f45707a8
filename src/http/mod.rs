//! The HTTP client shared by API requests and pings: TLS, redirects, proxies, error causes.

mod diagnosis;
mod proxy;
mod resolver;

pub(crate) use diagnosis::Diagnosis;
pub(crate) use proxy::{ProxyKind, is_excluded_from_proxy, parse_proxy};

use resolver::SystemResolver;
use url::{Host, Url};

/// A builder with the settings that every request has. `url` decides about certificates and proxies.
pub(crate) fn client_builder(url: &Url) -> reqwest::ClientBuilder {
    // It fails when the program has installed a provider before. That one works too.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("runledger/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(SystemResolver)
        // reqwest would send `x-api-key` to the target of a redirect.
        .redirect(reqwest::redirect::Policy::none());
    if url.scheme() == "http" {
        // Plain HTTP has no certificate to verify, so the system needs none.
        builder = builder.tls_certs_only([]);
    }
    if is_loopback(url) {
        builder = builder.no_proxy();
    }
    builder
}

/// Whether the host is `localhost` or a loopback address.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Why a client could not be built, and the next step.
pub(crate) fn tls_unavailable(error: &reqwest::Error) -> Diagnosis {
    Diagnosis {
        cause: format!("TLS is unavailable: {}", root_cause(error)),
        hint: "install the package ca-certificates, or set SSL_CERT_FILE to a PEM file with CA certificates"
            .to_owned(),
        is_permanent: true,
    }
}

/// The innermost cause of an error. It contains no URL, which can be a secret.
pub(crate) fn root_cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no response in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    match cause.downcast_ref::<reqwest::Error>() {
        // An error without a source is its own innermost cause, and its text contains the URL.
        Some(_) => "the request failed".to_owned(),
        None => cause.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_a_loopback_address() {
        let is_loopback = |url: &str| is_loopback(&Url::parse(url).unwrap());
        for url in ["http://localhost:1", "http://127.0.0.1:8080/", "http://127.9.9.9", "https://[::1]/x"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in ["http://127.0.0.1.example.com", "https://api.nekt.ai", "http://localhost.example"] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
