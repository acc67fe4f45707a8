//! The setting `run_url`: the address of a run in the web app, as a pattern.

use crate::run::Run;
use serde::Deserialize;
use std::fmt::Write as _;

/// A pattern of addresses, such as `https://app.example.com/{pipeline_kind}s/{pipeline_id}/runs/{run_id}`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct RunUrl(String);

/// What a pattern can have in braces.
const PLACEHOLDERS: [&str; 4] = ["run_id", "number", "pipeline_kind", "pipeline_id"];

impl TryFrom<String> for RunUrl {
    type Error = String;

    fn try_from(text: String) -> Result<RunUrl, String> {
        if !(text.starts_with("https://") || text.starts_with("http://")) {
            return Err("run_url must begin with https://".to_owned());
        }
        if text.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
            return Err("run_url must not contain spaces or control characters".to_owned());
        }
        let mut names = Vec::new();
        for part in text.split('{').skip(1) {
            let Some((name, _)) = part.split_once('}') else {
                return Err("run_url has an opening brace without a closing one".to_owned());
            };
            if !PLACEHOLDERS.contains(&name) {
                let known = PLACEHOLDERS.map(|name| format!("{{{name}}}"));
                return Err(format!("run_url has {{{name}}}, and can have {}", known.join(", ")));
            }
            names.push(name);
        }
        match names.contains(&"run_id") || names.contains(&"number") {
            true => Ok(RunUrl(text)),
            false => Err("run_url needs {run_id} or {number}, or every run has the same address".to_owned()),
        }
    }
}

impl RunUrl {
    /// The pattern.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of a run, whose pipeline is given by kind and by id or slug. `None`: the run lacks something that
    /// the pattern needs.
    pub(crate) fn of_run(&self, run: &Run, pipeline: Option<(&str, &str)>) -> Option<String> {
        let mut address = String::new();
        for (place, part) in self.0.split('{').enumerate() {
            if place == 0 {
                address.push_str(part);
                continue;
            }
            let (name, rest) = part.split_once('}')?;
            let value = match name {
                "run_id" => run.id.to_string(),
                "number" => run.number?.to_string(),
                "pipeline_kind" => pipeline?.0.to_owned(),
                _ => pipeline?.1.to_owned(),
            };
            push_encoded(&value, &mut address);
            address.push_str(rest);
        }
        Some(address)
    }
}

/// Appends a value as part of an address: only letters, digits and `-._~` stay as they are.
fn push_encoded(value: &str, address: &mut String) {
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => address.push(byte.into()),
            _ => {
                let _ = write!(address, "%{byte:02X}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(entries: &str) -> Run {
        let text = format!(r#"{{"id":"6f6b9a4e-58a3-4e6f-9d5c-2d6f3c0a9b11"{entries}}}"#);
        crate::run::decode(serde_json::from_str(&text).unwrap(), &Default::default()).unwrap().run
    }

    #[test]
    fn a_pattern_gives_the_address_of_a_run() {
        let pattern =
            RunUrl::try_from("https://a.b/{pipeline_kind}/{pipeline_id}/{number}?id={run_id}".to_owned())
                .unwrap();
        assert_eq!(
            pattern.of_run(&run(r#","number":7"#), Some(("source", "a b/ç"))).unwrap(),
            "https://a.b/source/a%20b%2F%C3%A7/7?id=6f6b9a4e-58a3-4e6f-9d5c-2d6f3c0a9b11"
        );
        assert_eq!(pattern.of_run(&run(""), Some(("source", "a"))), None, "the run has no number");
        assert_eq!(pattern.of_run(&run(r#","number":7"#), None), None, "the run has no pipeline");
    }

    #[test]
    fn an_invalid_pattern_is_refused() {
        for text in [
            "app.example.com/{run_id}",
            "javascript:alert({run_id})",
            "https://a.b/{run}",
            "https://a.b/{run_id",
            "https://a.b/",
            "https://a.b/ {run_id}",
            "https://a.b/{pipeline_id}",
        ] {
            assert!(RunUrl::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
