//! A webhook for alerts: `POST` of JSON with a `text`, which Slack and Mattermost display.

use super::endpoint::{Endpoint, parse_address, truncated};
use crate::error::{Error, Result};
use crate::escape::replace_control;
use crate::secret::WebhookUrl;
use crate::store::AlertEvent;
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant as Deadline, timeout_at};
use url::Url;

/// The time limit of all messages of one evaluation.
const LIMIT: Duration = Duration::from_secs(10);

/// The longest text of a message in bytes. Slack cuts texts of more than 40,000 characters, and people read less.
const MAX_TEXT: usize = 3500;

/// The longest line of a message in bytes.
const MAX_LINE: usize = 400;

/// An address that accepts messages.
pub(crate) struct Webhook {
    endpoint: Endpoint,
    url: Url,
}

/// The events of one message, and its JSON.
#[derive(Debug, PartialEq, Eq)]
struct Message<'e> {
    events: Vec<&'e AlertEvent>,
    body: String,
}

impl Webhook {
    /// A webhook at the address. Messages name its `origin`, never the address itself.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is not an HTTPS address, nor an HTTP address of this machine.
    pub(crate) fn new(url: &WebhookUrl, origin: &str) -> Result<Webhook> {
        let example = "https://hooks.slack.com/services/ and a code";
        let (url, is_safe) = parse_address(url.expose(), "webhook URL", origin, example)?;
        if !is_safe {
            return Err(Error::Usage {
                what: format!(
                    "invalid webhook URL in {origin}: over plain http, others on the network can read it"
                ),
                hint: Some("use https".to_owned()),
            });
        }
        Ok(Webhook { endpoint: Endpoint::new(&url), url })
    }

    /// Sends a test message.
    ///
    /// # Errors
    /// Why it was not accepted, without the address.
    pub(crate) async fn send_test(&self) -> Result<(), String> {
        let text = "*runledger*\ntest: alerts arrive here";
        let body = json!({ "text": text, "archive": "", "events": [] }).to_string();
        self.endpoint.post(&self.url, "application/json", &body).await
    }

    /// Sends the events, in as few messages as their length allows. Returns the ids of those that were accepted, and
    /// why the others were not.
    pub(crate) async fn send(&self, archive: &str, events: &[AlertEvent]) -> (Vec<String>, Option<String>) {
        let deadline = Deadline::now() + LIMIT;
        let mut accepted = Vec::new();
        for message in messages(archive, events) {
            let sent =
                timeout_at(deadline, self.endpoint.post(&self.url, "application/json", &message.body)).await;
            match sent.unwrap_or_else(|_| Err("no response in time".to_owned())) {
                Ok(()) => accepted.extend(message.events.iter().map(|event| event.event_id.clone())),
                Err(cause) => return (accepted, Some(cause)),
            }
        }
        (accepted, None)
    }
}

/// The events in messages of limited length.
fn messages<'e>(archive: &str, events: &'e [AlertEvent]) -> Vec<Message<'e>> {
    let mut messages: Vec<(String, Vec<&AlertEvent>)> = Vec::new();
    for event in events {
        let line = line(event);
        match messages.last_mut() {
            Some((text, events)) if text.len() + 1 + line.len() <= MAX_TEXT => {
                text.push('\n');
                text.push_str(&line);
                events.push(event);
            }
            _ => messages.push((format!("*runledger* {}\n{line}", escaped(archive)), vec![event])),
        }
    }
    messages
        .into_iter()
        .map(|(text, events)| {
            let described: Vec<_> = events.iter().map(|event| describe(event)).collect();
            let body = json!({ "text": text, "archive": archive, "events": described }).to_string();
            Message { events, body }
        })
        .collect()
}

/// An event in one line: `error: Pedidos: overdue since 27 Nov 08:30`.
fn line(event: &AlertEvent) -> String {
    let message = replace_control(&event.message);
    let message = match truncated(&message, MAX_LINE) {
        cut if cut.len() < message.len() => format!("{cut}…"),
        whole => whole.to_owned(),
    };
    format!("{}: {}", event.label(), escaped(&message))
}

/// Escapes what begins a link or a mention in Slack: a name of a pipeline must not notify a channel.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The event for programs.
pub(crate) fn describe(event: &AlertEvent) -> serde_json::Value {
    json!({
        "id": event.event_id,
        "alert": event.alert_id,
        "kind": event.kind.as_str(),
        "rule": event.rule,
        "subject": event.subject,
        "level": event.level.as_str(),
        "message": event.message,
        "happened_at": event.happened_at.as_str(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Instant;
    use crate::store::{AlertEventKind, AlertLevel};

    fn event(number: usize, message: &str) -> AlertEvent {
        AlertEvent {
            event_id: format!("event-{number}"),
            alert_id: 1,
            rule: "overdue".to_owned(),
            subject: "source 1".to_owned(),
            kind: AlertEventKind::Started,
            level: AlertLevel::Error,
            message: message.to_owned(),
            happened_at: Instant::parse("2026-11-27T12:00:00Z").unwrap(),
            is_unprinted: true,
            is_undelivered: true,
        }
    }

    #[test]
    fn a_name_cannot_mention_a_channel_or_break_a_line() {
        let events = [event(1, "<!channel> R&D\nerror: \u{202e}x: overdue")];
        let messages = messages("demo.db", &events);
        let sent: serde_json::Value = serde_json::from_str(&messages[0].body).unwrap();
        let text = sent["text"].as_str().unwrap();
        assert_eq!(
            text,
            "*runledger* demo.db\nerror: &lt;!channel&gt; R&amp;D\u{fffd}error: \u{fffd}x: overdue"
        );
        assert_eq!(sent["events"][0]["id"], "event-1");
    }

    #[test]
    fn long_texts_are_cut_and_many_events_take_several_messages() {
        let long = "ç".repeat(10_000);
        let events: Vec<AlertEvent> = (0..100).map(|number| event(number, &long)).collect();
        let messages = messages("demo.db", &events);
        assert_eq!(messages.iter().map(|message| message.events.len()).sum::<usize>(), 100);
        for message in &messages {
            let sent: serde_json::Value = serde_json::from_str(&message.body).unwrap();
            assert!(sent["text"].as_str().unwrap().len() <= MAX_TEXT);
        }
        assert!(messages.len() < 20);
    }

    #[test]
    fn only_https_and_this_machine_receive_messages() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("webhook.txt");
        let accepts = |url: &str| {
            std::fs::write(&file, url).unwrap();
            Webhook::new(&WebhookUrl::from_file(&file).unwrap(), "--webhook-file")
        };
        for url in
            ["https://hooks.example/s3cret", "http://127.0.0.1:1/s3cret", "\"http://localhost/s3cret\"\n"]
        {
            assert!(accepts(url).is_ok(), "{url}");
        }
        for url in ["http://hooks.example/s3cret", "ftp://h/s3cret", "s3cret", ""] {
            let error = accepts(url).err().unwrap();
            assert_eq!(error.exit_code(), 2);
            assert!(!format!("{error} {:?}", error.hint()).contains("s3cret"), "{error}");
        }
    }
}
