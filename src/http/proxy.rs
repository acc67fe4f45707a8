//! The address of a proxy, as environment variables give it.

use url::Url;

/// The scheme of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProxyKind {
    /// `http` or `https`: runledger can use it.
    Http,
    /// A SOCKS proxy, which runledger does not support.
    Socks,
}

/// Parses `http://[USER:PASSWORD@]HOST[:PORT]`, or without a scheme `[USER:PASSWORD@]HOST:PORT`.
///
/// The HTTP client ignores an invalid proxy and connects directly, so this check is at least as strict.
///
/// # Errors
/// The reason. It does not contain the address, which may contain a password.
pub(crate) fn parse_proxy(text: &str) -> Result<ProxyKind, &'static str> {
    let is_in_uri = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    if !text.bytes().all(is_in_uri) {
        return Err("it is not a URL");
    }
    if text.matches('@').count() > 1 {
        return Err("it is not a URL: write an @ in the password as %40");
    }
    let has_scheme = text.contains("://");
    let url = if has_scheme { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
    let url = url.map_err(|_| "it is not a URL")?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err("it has no host");
    }
    if !has_scheme && (url.path() != "/" || !ends_with_port(text)) {
        // Without a port, curl and the HTTP client assume different ones.
        return Err("it is not a URL: it has neither a scheme nor a port");
    }
    match url.scheme() {
        "http" | "https" => Ok(ProxyKind::Http),
        "socks4" | "socks4a" | "socks5" | "socks5h" => Ok(ProxyKind::Socks),
        _ => Err("its scheme is neither http nor https"),
    }
}

/// Whether an authority without a scheme, such as `proxy.example:3128`, ends with a port.
fn ends_with_port(authority: &str) -> bool {
    let port = authority.trim_end_matches('/').rsplit(':').next().unwrap_or_default();
    authority.contains(':') && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether `NO_PROXY` excludes the host of `url`: it lists the host, a domain above it, or `*`.
///
/// The HTTP client decides in the same way. Networks in the list, such as `10.0.0.0/8`, only concern URLs with an
/// address as host, and are not evaluated.
pub(crate) fn is_excluded_from_proxy(list: &str, url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
    let is_name = url.domain().is_some();
    list.split(',').map(|entry| entry.trim().to_ascii_lowercase()).any(|entry| {
        let domain = entry.strip_prefix('.').unwrap_or(&entry);
        let is_below = || host.strip_suffix(domain).is_some_and(|start| start.ends_with('.'));
        match is_name {
            true => entry == "*" || (!domain.is_empty() && (host == domain || is_below())),
            false => entry == host,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_excludes_a_host_and_those_below_a_domain() {
        let excluded = |list: &str, url: &str| is_excluded_from_proxy(list, &Url::parse(url).unwrap());
        for list in ["*", "api.nekt.ai", "x.org, NEKT.ai", ".nekt.ai", "ai"] {
            assert!(excluded(list, "https://api.nekt.ai/"), "{list}");
        }
        for list in ["", ",", ".", "other.ai", "kt.ai", "api.nekt.ai.org", "https://api.nekt.ai"] {
            assert!(!excluded(list, "https://api.nekt.ai/"), "{list}");
        }
        assert!(excluded("10.0.0.1", "https://10.0.0.1/") && excluded("::1", "https://[::1]/"));
        assert!(!excluded("0.0.1", "https://10.0.0.1/"));
    }

    #[test]
    fn a_proxy_is_a_url_or_a_host_with_a_port() {
        for good in [
            "http://proxy.example:3128",
            "http://proxy.example/",
            "https://me:p%40ss@proxy.example:443",
            "http://[::1]:3128",
            "proxy.example:3128",
            "me:secret@10.0.0.1:80",
        ] {
            assert_eq!(parse_proxy(good), Ok(ProxyKind::Http), "{good}");
        }
        for socks in ["socks5://proxy.example:1080", "socks5h://localhost"] {
            assert_eq!(parse_proxy(socks), Ok(ProxyKind::Socks), "{socks}");
        }
        for bad in [
            "proxy",
            "proxy.example",
            "not a url",
            "http//proxy:3128",
            "http:/proxy:3128:x",
            "http://",
            "http://proxy.example:port",
            "http://proxy.example:99999",
            "http://proxy.example:3128 ",
            "http://me:p@ss@proxy.example:3128",
            "ftp://proxy.example",
            "http://pröxy.example:3128",
            "::::",
            "me:secret@proxy",
        ] {
            assert!(parse_proxy(bad).is_err(), "{bad}");
        }
    }
}
