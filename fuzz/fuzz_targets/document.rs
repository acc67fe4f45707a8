//! Fuzz target of the document decoder: a decoded run's document decodes to the same run.

#![no_main]

use libfuzzer_sys::fuzz_target;
use runledger_fuzz::run::{Redaction, decode};
use runledger_fuzz::snapshot::Snapshot;
use serde_json::value::RawValue;

fuzz_target!(|text: &str| {
    let Ok(item) = serde_json::from_str::<&RawValue>(text) else { return };
    let Ok(decoded) = decode(item, &Redaction::default()) else { return };
    let document = decoded.run.document();
    let item: &RawValue = serde_json::from_str(&document).expect("a document is JSON");
    let again = decode(item, &Redaction::default()).expect("a document is a run").run;
    assert_eq!(again.document(), document);
    assert_eq!(again, decoded.run);
    assert_eq!(again.trigger_type(), decoded.run.trigger_type());
    assert_eq!(Snapshot::of(again).content_hash, Snapshot::of(decoded.run).content_hash);
});
