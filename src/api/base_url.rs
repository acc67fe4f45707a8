//! This is the API's address: the one origin that the key is sent to.

use crate::error::{Error, Result};
use crate::http::is_loopback;
use std::fmt;
use url::Url;

/// The base address of the API, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Reads a base address such as `https://api.nekt.ai`.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is no address, would send the key in clear over a network, or has
    /// parts that a base address cannot have.
    pub fn parse(text: &str) -> Result<BaseUrl> {
        let refuse = |why: &str| Error::Usage {
            what: format!("the API's address {text:?} cannot be used: {why}"),
            hint: Some("an address looks like https://api.nekt.ai".to_owned()),
        };
        let mut url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            // The text is not repeated: it may hold a password.
            return Err(Error::usage("the API's address must not have a user or a password in it"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("it has a query or a fragment"));
        }
        if url.host().is_none() {
            return Err(refuse("it names no host"));
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => {
                return Err(refuse(
                    "plain http would send the key in clear; only this machine may be asked so",
                ));
            }
            _ => return Err(refuse("it is neither https nor http")),
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(BaseUrl(url))
    }

    /// The address of a path below the base.
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
    fn plain_http_reaches_this_machine_only() {
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
    fn a_password_in_the_address_is_not_repeated() {
        let refused = BaseUrl::parse("https://me:s3cret@api.nekt.ai").unwrap_err().to_string();
        assert!(!refused.contains("s3cret"), "{refused}");
    }

    #[test]
    fn paths_are_joined_below_the_base() {
        let joined = |base: &str| BaseUrl::parse(base).unwrap().join("/api/v1/runs/").to_string();
        assert_eq!(joined("https://h"), "https://h/api/v1/runs/");
        assert_eq!(joined("https://h/base"), "https://h/base/api/v1/runs/");
    }
}
