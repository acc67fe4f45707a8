//! The base URL of the API: the only origin that receives the key.

use crate::error::{Error, Result};
use crate::http::is_loopback;
use std::fmt;
use url::Url;

/// The validated base URL of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Parses a base URL such as `https://api.nekt.ai`.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is not a URL, would send the key unencrypted over a network, or has a user, password,
    /// query or fragment.
    pub fn parse(text: &str) -> Result<BaseUrl> {
        let refuse = |why: &str| Error::Usage {
            what: format!("invalid API URL {text:?}: {why}"),
            hint: Some("use a URL like https://api.nekt.ai".to_owned()),
        };
        let mut url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            // The text is not printed, because it may contain a password.
            return Err(Error::usage("the API URL must not contain a user or password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("it has a query or a fragment"));
        }
        if url.host().is_none() {
            return Err(refuse("it has no host"));
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => {
                return Err(refuse("http would send the key unencrypted; only this machine may use it"));
            }
            _ => return Err(refuse("its scheme is neither https nor http")),
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(BaseUrl(url))
    }

    /// The URL of a path below the base.
    pub fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{}", self.0.path(), path.trim_start_matches('/')));
        url
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for good in [
            "https://api.nekt.ai",
            "http://127.0.0.1:8080/",
            "http://localhost:1",
            "http://[::1]:1",
            "https://h/base",
        ] {
            assert!(BaseUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://api.nekt.ai",
            "http://127.0.0.1.example.com",
            "ftp://h",
            "api.nekt.ai",
            "https://h/?x=1",
            "",
        ] {
            assert!(BaseUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_in_the_url_is_not_printed() {
        let refused = BaseUrl::parse("https://me:s3cret@api.nekt.ai").unwrap_err().to_string();
        assert!(!refused.contains("s3cret"), "{refused}");
    }

    #[test]
    fn paths_are_joined_below_the_base_url() {
        let joined = |base: &str| BaseUrl::parse(base).unwrap().join("/api/v1/runs/").to_string();
        assert_eq!(joined("https://h"), "https://h/api/v1/runs/");
        assert_eq!(joined("https://h/base"), "https://h/base/api/v1/runs/");
    }
}
