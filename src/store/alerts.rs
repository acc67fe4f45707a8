//! The state of alerts: what was found before, and what of it is still to be reported.
//!
//! An evaluation stores its events before any of them is printed or sent. So a killed process loses none: the next
//! evaluation reports what is pending, with the same ids.

use super::Archive;
use crate::error::Result;
use crate::run::Instant;
use chrono::TimeDelta;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Row, params};
use std::collections::{HashMap, HashSet};
use uuid::Builder;

/// How urgent an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertLevel {
    /// It needs attention.
    Warning,
    /// Something is wrong now.
    Error,
}

impl AlertLevel {
    /// The word in the archive and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            AlertLevel::Warning => "warning",
            AlertLevel::Error => "error",
        }
    }
}

/// What is reported of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertEventKind {
    /// It is found for the first time.
    Started,
    /// Its level rose above the highest that it had.
    Escalated,
    /// It is still open, after the time that the user set.
    Repeated,
    /// It is no longer found.
    Ended,
}

impl AlertEventKind {
    const ALL: [AlertEventKind; 4] =
        [AlertEventKind::Started, AlertEventKind::Escalated, AlertEventKind::Repeated, AlertEventKind::Ended];

    /// The word in the archive and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            AlertEventKind::Started => "started",
            AlertEventKind::Escalated => "escalated",
            AlertEventKind::Repeated => "repeated",
            AlertEventKind::Ended => "ended",
        }
    }
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The name of the rule.
    pub rule: String,
    /// What it is about. With the rule, it identifies the finding from one evaluation to the next.
    pub subject: String,
    /// How urgent it is.
    pub level: AlertLevel,
    /// The finding in one line.
    pub message: String,
}

/// The findings of one moment.
#[derive(Debug, Clone, Copy)]
pub struct Evaluation<'a> {
    /// What was found.
    pub findings: &'a [Finding],
    /// The rules whose alerts end without a finding. The alerts of other rules stay as they are.
    pub rules: &'a [&'a str],
    /// The moment.
    pub at: Instant,
    /// After which time an open alert is reported again. `None`: never.
    pub repeat_after: Option<TimeDelta>,
    /// Whether the events are also sent to a webhook.
    pub for_webhook: bool,
}

/// An alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its number.
    pub alert_id: i64,
    /// The rule that found it.
    pub rule: String,
    /// What it is about.
    pub subject: String,
    /// The highest level that it reached.
    pub level: AlertLevel,
    /// The finding as last evaluated.
    pub message: String,
    /// When it was first found.
    pub started_at: Instant,
    /// When a person acknowledged it. `None`: not acknowledged.
    pub acknowledged_at: Option<Instant>,
}

/// An event that is still to be reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertEvent {
    /// Its id (UUID), the same each time that it is reported.
    pub event_id: String,
    /// Its alert.
    pub alert_id: i64,
    /// The rule of its alert.
    pub rule: String,
    /// What its alert is about.
    pub subject: String,
    /// What is reported.
    pub kind: AlertEventKind,
    /// The level at the event.
    pub level: AlertLevel,
    /// The finding at the event.
    pub message: String,
    /// When it happened.
    pub happened_at: Instant,
    /// Whether it is still to be printed.
    pub is_unprinted: bool,
    /// Whether it is still to be sent to the webhook.
    pub is_undelivered: bool,
}

impl AlertEvent {
    /// The word in front of the message for people.
    pub fn label(&self) -> &'static str {
        match self.kind {
            AlertEventKind::Started | AlertEventKind::Escalated => self.level.as_str(),
            AlertEventKind::Repeated => "still",
            AlertEventKind::Ended => "ended",
        }
    }
}

/// An open alert, with what decides whether it is reported again.
struct Open {
    alert: Alert,
    last_event_at: Instant,
}

const OPEN: &str = "
SELECT alert_id, rule, subject, level, message, started_at, acknowledged_at,
       (SELECT max(happened_at) FROM alert_events AS e WHERE e.alert_id = a.alert_id) AS last_event_at
FROM alerts AS a
WHERE ended_at IS NULL
ORDER BY level, started_at DESC, alert_id";

const PENDING: &str = "
SELECT event_id, alert_id, rule, subject, kind, e.level, e.message, happened_at, printed_at IS NULL,
       for_webhook = 1 AND delivered_at IS NULL
FROM alert_events AS e JOIN alerts USING (alert_id)
WHERE printed_at IS NULL OR (for_webhook = 1 AND delivered_at IS NULL)
ORDER BY happened_at, e.rowid";

impl Archive {
    /// Compares the findings with the open alerts, and stores an event for each alert that starts, escalates, ends or
    /// is to be repeated: all in one transaction. Returns the number of alerts that started or escalated.
    ///
    /// # Errors
    /// Those of SQLite; nothing is stored then.
    pub fn record_evaluation(&self, evaluation: &Evaluation<'_>) -> Result<usize> {
        self.in_transaction(|| self.record(evaluation))
    }

    /// Commits what `act` writes, all or nothing.
    fn in_transaction<T>(&self, act: impl FnOnce() -> Result<T>) -> Result<T> {
        self.begin()?;
        let done = act();
        match &done {
            Ok(_) => self.commit()?,
            Err(_) => self.roll_back()?,
        }
        done
    }

    fn record(&self, evaluation: &Evaluation<'_>) -> Result<usize> {
        let mut open: HashMap<(String, String), Open> = self
            .open_with_last_event()?
            .into_iter()
            .map(|open| ((open.alert.rule.clone(), open.alert.subject.clone()), open))
            .collect();
        let mut new = 0;
        let mut seen = HashSet::new();
        for finding in evaluation.findings {
            let key = (finding.rule.clone(), finding.subject.clone());
            if !seen.insert(key.clone()) {
                continue;
            }
            match open.remove(&key) {
                None => {
                    let alert_id = self.start(finding, evaluation.at)?;
                    self.add_event(alert_id, AlertEventKind::Started, finding, evaluation)?;
                    new += 1;
                }
                Some(Open { alert, last_event_at }) => {
                    let level = alert.level.max(finding.level);
                    self.connection
                        .prepare_cached("UPDATE alerts SET level = ?2, message = ?3 WHERE alert_id = ?1")?
                        .execute(params![alert.alert_id, level, finding.message])?;
                    let is_due =
                        evaluation.repeat_after.is_some_and(|span| last_event_at.plus(span) <= evaluation.at);
                    if level > alert.level {
                        self.add_event(alert.alert_id, AlertEventKind::Escalated, finding, evaluation)?;
                        new += 1;
                    } else if is_due && alert.acknowledged_at.is_none() {
                        self.add_event(alert.alert_id, AlertEventKind::Repeated, finding, evaluation)?;
                    }
                }
            }
        }
        let mut ended: Vec<Alert> = open.into_values().map(|open| open.alert).collect();
        ended.retain(|alert| evaluation.rules.contains(&alert.rule.as_str()));
        ended.sort_by_key(|alert| alert.alert_id);
        for alert in ended {
            self.connection
                .prepare_cached("UPDATE alerts SET ended_at = max(?2, started_at) WHERE alert_id = ?1")?
                .execute(params![alert.alert_id, evaluation.at])?;
            let Alert { alert_id, rule, subject, level, message, .. } = alert;
            let last = Finding { rule, subject, level, message };
            self.add_event(alert_id, AlertEventKind::Ended, &last, evaluation)?;
        }
        Ok(new)
    }

    fn start(&self, finding: &Finding, at: Instant) -> Result<i64> {
        self.connection
            .prepare_cached(
                "INSERT INTO alerts (rule, subject, level, message, started_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![finding.rule, finding.subject, finding.level, finding.message, at])?;
        Ok(self.connection.last_insert_rowid())
    }

    fn add_event(
        &self,
        alert_id: i64,
        kind: AlertEventKind,
        finding: &Finding,
        evaluation: &Evaluation<'_>,
    ) -> Result<()> {
        let event_id = Builder::from_random_bytes(fastrand::u128(..).to_be_bytes()).into_uuid();
        self.connection
            .prepare_cached(
                "INSERT INTO alert_events (event_id, alert_id, kind, level, message, happened_at, for_webhook) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                event_id.to_string(),
                alert_id,
                kind.as_str(),
                finding.level,
                finding.message,
                evaluation.at,
                evaluation.for_webhook
            ])?;
        Ok(())
    }

    fn open_with_last_event(&self) -> Result<Vec<Open>> {
        let mut statement = self.connection.prepare_cached(OPEN)?;
        let rows = statement.query_map([], |row| {
            let alert = alert_of(row)?;
            let last_event_at = row.get::<_, Option<Instant>>(7)?.unwrap_or(alert.started_at);
            Ok(Open { alert, last_event_at })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The alerts that have not ended: errors first, then the newest first.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn open_alerts(&self) -> Result<Vec<Alert>> {
        Ok(self.open_with_last_event()?.into_iter().map(|open| open.alert).collect())
    }

    /// The events that are still to be printed or sent, oldest first.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn pending_alert_events(&self) -> Result<Vec<AlertEvent>> {
        let mut statement = self.connection.prepare_cached(PENDING)?;
        let rows = statement.query_map([], |row| {
            Ok(AlertEvent {
                event_id: row.get(0)?,
                alert_id: row.get(1)?,
                rule: row.get(2)?,
                subject: row.get(3)?,
                kind: row.get(4)?,
                level: row.get(5)?,
                message: row.get(6)?,
                happened_at: row.get(7)?,
                is_unprinted: row.get(8)?,
                is_undelivered: row.get(9)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Records that the events were printed.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn mark_events_printed(&self, events: &[String], at: Instant) -> Result<()> {
        self.mark_events("UPDATE alert_events SET printed_at = ?2 WHERE event_id = ?1", events, at)
    }

    /// Records that the webhook accepted the events.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn mark_events_delivered(&self, events: &[String], at: Instant) -> Result<()> {
        self.mark_events("UPDATE alert_events SET delivered_at = ?2 WHERE event_id = ?1", events, at)
    }

    fn mark_events(&self, sql: &str, events: &[String], at: Instant) -> Result<()> {
        self.in_transaction(|| {
            let mut statement = self.connection.prepare_cached(sql)?;
            for event in events {
                statement.execute(params![event, at])?;
            }
            Ok(())
        })
    }

    /// Acknowledges an open alert, so that it is not repeated. Returns whether there is one with that number.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn acknowledge_alert(&self, alert_id: i64, at: Instant) -> Result<bool> {
        let sql = "UPDATE alerts SET acknowledged_at = coalesce(acknowledged_at, ?2) \
                   WHERE alert_id = ?1 AND ended_at IS NULL";
        Ok(self.connection.execute(sql, params![alert_id, at])? > 0)
    }
}

fn alert_of(row: &Row<'_>) -> rusqlite::Result<Alert> {
    Ok(Alert {
        alert_id: row.get(0)?,
        rule: row.get(1)?,
        subject: row.get(2)?,
        level: row.get(3)?,
        message: row.get(4)?,
        started_at: row.get(5)?,
        acknowledged_at: row.get(6)?,
    })
}

impl ToSql for AlertLevel {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for AlertLevel {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<AlertLevel> {
        let word = value.as_str()?;
        let levels = [AlertLevel::Warning, AlertLevel::Error];
        levels.into_iter().find(|level| level.as_str() == word).ok_or(FromSqlError::InvalidType)
    }
}

impl FromSql for AlertEventKind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<AlertEventKind> {
        let word = value.as_str()?;
        AlertEventKind::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or(FromSqlError::InvalidType)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: [&str; 2] = ["overdue", "budget"];

    fn at(hour: u32) -> Instant {
        Instant::parse(&format!("2026-11-{:02}T{:02}:00:00Z", 1 + hour / 24, hour % 24)).unwrap()
    }

    fn finding(subject: &str, level: AlertLevel) -> Finding {
        let message = format!("{subject} is {}", level.as_str());
        Finding { rule: "overdue".to_owned(), subject: subject.to_owned(), level, message }
    }

    fn evaluation(findings: &[Finding], hour: u32) -> Evaluation<'_> {
        Evaluation { findings, rules: &RULES, at: at(hour), repeat_after: None, for_webhook: false }
    }

    /// Reports all pending events, each as `kind message`.
    fn report(archive: &Archive, hour: u32) -> Vec<String> {
        let events = archive.pending_alert_events().unwrap();
        let ids: Vec<String> = events.iter().map(|event| event.event_id.clone()).collect();
        archive.mark_events_printed(&ids, at(hour)).unwrap();
        events.iter().map(|event| format!("{} {}", event.kind.as_str(), event.message)).collect()
    }

    #[test]
    fn an_alert_is_reported_when_it_starts_escalates_and_ends() {
        let archive = Archive::temporary().unwrap();
        let (warning, error) = (finding("crm", AlertLevel::Warning), finding("crm", AlertLevel::Error));
        let steps: [(&[Finding], usize, &[&str]); 8] = [
            (&[], 0, &[]),
            (std::slice::from_ref(&warning), 1, &["started crm is warning"]),
            (std::slice::from_ref(&warning), 0, &[]),
            (std::slice::from_ref(&error), 1, &["escalated crm is error"]),
            // A level that falls and rises again is not reported again.
            (std::slice::from_ref(&warning), 0, &[]),
            (std::slice::from_ref(&error), 0, &[]),
            (&[], 0, &["ended crm is error"]),
            (&[error.clone(), error.clone()], 1, &["started crm is error"]),
        ];
        for (hour, (findings, new, reported)) in (0..).zip(steps) {
            assert_eq!(archive.record_evaluation(&evaluation(findings, hour)).unwrap(), new, "{hour}");
            assert_eq!(report(&archive, hour), reported, "{hour}");
        }
        assert_eq!(archive.open_alerts().unwrap().len(), 1);
    }

    #[test]
    fn a_rule_that_was_not_evaluated_ends_no_alert() {
        let archive = Archive::temporary().unwrap();
        let found = [finding("crm", AlertLevel::Error)];
        archive.record_evaluation(&evaluation(&found, 0)).unwrap();
        archive.record_evaluation(&Evaluation { rules: &["budget"], ..evaluation(&[], 1) }).unwrap();
        assert_eq!(archive.open_alerts().unwrap().len(), 1);
        archive.record_evaluation(&evaluation(&[], 2)).unwrap();
        assert_eq!(archive.open_alerts().unwrap(), []);
    }

    #[test]
    fn an_alert_is_repeated_until_it_is_acknowledged() {
        let archive = Archive::temporary().unwrap();
        let found = [finding("crm", AlertLevel::Error)];
        let evaluate = |hour| {
            let repeating =
                Evaluation { repeat_after: Some(TimeDelta::hours(24)), ..evaluation(&found, hour) };
            archive.record_evaluation(&repeating).unwrap();
            report(&archive, hour)
        };
        assert_eq!(evaluate(0), ["started crm is error"]);
        assert!(evaluate(23).is_empty());
        assert_eq!(evaluate(24), ["repeated crm is error"]);
        assert!(evaluate(47).is_empty());
        let alert = archive.open_alerts().unwrap().remove(0);
        assert!(archive.acknowledge_alert(alert.alert_id, at(47)).unwrap());
        assert!(!archive.acknowledge_alert(99, at(47)).unwrap());
        assert!(evaluate(60).is_empty());
        assert_eq!(archive.open_alerts().unwrap()[0].acknowledged_at, Some(at(47)));
    }

    #[test]
    fn an_event_is_pending_until_it_is_printed_and_delivered() {
        let archive = Archive::temporary().unwrap();
        let found = [finding("crm", AlertLevel::Error)];
        archive.record_evaluation(&Evaluation { for_webhook: true, ..evaluation(&found, 0) }).unwrap();
        let pending = archive.pending_alert_events().unwrap();
        assert!(pending[0].is_unprinted && pending[0].is_undelivered);
        assert_eq!(report(&archive, 0).len(), 1);
        let again = archive.pending_alert_events().unwrap();
        assert_eq!((&again[0].event_id, again[0].is_unprinted), (&pending[0].event_id, false));
        archive.mark_events_delivered(&[pending[0].event_id.clone()], at(1)).unwrap();
        assert_eq!(archive.pending_alert_events().unwrap(), []);
    }
}
