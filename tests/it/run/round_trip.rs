//! Lossless storage: any document of a run round-trips through the archive.

use crate::support::document;
use crate::support::document::{Json, read, same_run, units, write};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use ring::digest::{SHA256, digest};
use runledger::internal::ignored_fields::IgnoredFields;
use runledger::internal::run::{Instant, Redaction, decode, json};
use runledger::internal::snapshot::Snapshot;
use runledger::internal::store::{Archive, Detail, InsertHint, SyncKind, Upsert};
use serde_json::value::RawValue;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn raw(text: &str) -> &RawValue {
    serde_json::from_str(text).unwrap()
}

#[test]
fn any_document_round_trips_through_the_archive() {
    let archive = Archive::temporary().unwrap();
    let now = Instant::parse("2026-11-23T16:00:00Z").unwrap();
    let sync_id = archive.begin_sync(SyncKind::First, "a test", "http://127.0.0.1:1", None, now).unwrap();
    let stored = "SELECT content_hash FROM run_snapshots WHERE run_id = ?1";
    let outcome = TestRunner::new(config(400)).run(&(document::run(), any::<u32>()), |(sent, style)| {
        // Rows of an earlier case are removed, even if it failed.
        if !archive.connection().is_autocommit() {
            archive.roll_back().unwrap();
        }
        archive.begin().unwrap();
        let text = write(&sent, style);
        prop_assert!(same_run(&read(&text), &sent), "the test can parse its own text: {}", text);
        let run = decode(raw(&text), &Redaction::default()).unwrap().run;
        let snapshot = Snapshot::of(run.clone());
        let kept = archive
            .upsert_run(&snapshot, Detail::Details, InsertHint::New, &IgnoredFields::default(), now, sync_id)
            .unwrap();
        prop_assert!(matches!(kept, Upsert::New { .. }), "{:?}", kept);

        let history = archive.history(run.id).unwrap();
        prop_assert_eq!(history.len(), 1);
        prop_assert_eq!(&history[0].run, &run);
        let back = history[0].run.document();
        prop_assert!(same_run(&read(&back), &sent), "sent {}\n back {}", text, back);
        let stored: Vec<u8> =
            archive.connection().query_row(stored, [run.id.to_string()], |row| row.get(0)).unwrap();
        prop_assert_eq!(stored, digest(&SHA256, back.as_bytes()).as_ref().to_vec());

        // The exported line decodes to an equal document, so it adds no snapshot.
        let again = Snapshot::of(decode(raw(&back), &Redaction::default()).unwrap().run);
        prop_assert_eq!(&again.run.document(), &back);
        let kept = archive
            .upsert_run(&again, Detail::Details, InsertHint::New, &IgnoredFields::default(), now, sync_id)
            .unwrap();
        prop_assert!(matches!(kept, Upsert::Unchanged { .. }), "{:?}", kept);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn another_spelling_of_a_document_adds_no_snapshot() {
    let outcome = TestRunner::new(config(150)).run(
        &(document::run(), any::<u32>(), any::<u32>()),
        |(sent, one, other)| {
            let state =
                |style| Snapshot::of(decode(raw(&write(&sent, style)), &Redaction::default()).unwrap().run);
            // Invalid Unicode keeps its original spelling.
            let is_unicode = !write(&sent, 0).contains("\\uD");
            prop_assume!(is_unicode);
            prop_assert_eq!(state(one).content_hash, state(other).content_hash);
            Ok(())
        },
    );
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn any_value_is_decoded_or_rejected_without_panic() {
    let with_any_id = (document::run(), document::value()).prop_map(|(mut run, id)| {
        if let Json::Object(entries) = &mut run {
            entries.insert(units("id"), id);
        }
        run
    });
    let values = prop_oneof![document::value(), document::run(), with_any_id];
    let outcome = TestRunner::new(config(400)).run(&(values, any::<u32>()), |(value, style)| {
        let text = write(&value, style);
        let has_id = matches!(&value, Json::Object(entries) if entries.contains_key(&units("id")));
        match decode(raw(&text), &Redaction::default()) {
            Ok(decoded) => {
                prop_assert!(has_id);
                decoded.run.document();
            }
            Err(unreadable) => prop_assert!(!unreadable.0.is_empty()),
        }
        prop_assert!(!json::canonical_to_limit(raw(&text), &Redaction::default()).is_empty());
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn the_document_comparison_detects_differences() {
    let same = |one: &str, other: &str| same_run(&read(one), &read(other));
    assert!(same(r#"{"a":1.50,"b":"é"}"#, r#"{ "b" : "\u00e9", "a" : 15e-1 }"#));
    assert!(same(
        r#"{"created_at":"2026-01-01T00:00:00Z"}"#,
        r#"{"created_at":"2025-12-31T21:00:00.000-03:00"}"#
    ));
    assert!(same(r#"{"a":"\ud83d\ude00"}"#, r#"{"a":"😀"}"#));
    for (one, other) in [
        (r#"{"a":1}"#, r#"{"a":1.0000000000000000000000001}"#),
        (r#"{"a":1e400}"#, r#"{"a":1e401}"#),
        (r#"{"a":1}"#, r#"{"a":-1}"#),
        (r#"{"a":1}"#, r#"{"a":"1"}"#),
        (r#"{"a":null}"#, r"{}"),
        (r#"{"a":"\ud83d"}"#, r#"{"a":"\ud83e"}"#),
        (r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#),
        (r#"{"at":"2026-01-01T00:00:00Z"}"#, r#"{"at":"2025-12-31T21:00:00-03:00"}"#),
        (r#"{"created_at":"2026-01-01T00:00:00Z"}"#, r#"{"created_at":"2026-01-01T00:00:00.000000001Z"}"#),
    ] {
        assert!(!same(one, other), "{one} {other}");
    }
}
