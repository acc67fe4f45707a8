//! Fuzz target of the page reader: it reads the same items, count and `next` as a plain JSON parser.

#![no_main]

use libfuzzer_sys::fuzz_target;
use runledger_fuzz::Page;
use runledger_fuzz::run::{Redaction, decode, json};
use serde_json::Value;

fuzz_target!(|body: &str| {
    let page = Page::parse(body);
    if let Ok(value) = serde_json::from_str::<Value>(body) {
        // `Page::parse` rejects duplicate names in an object; a plain parser takes the last value.
        match &page {
            Ok(page) => {
                let items: Vec<Value> = page.items.iter().map(|item| parsed(item.get())).collect();
                assert_eq!(Some(&items), value["results"].as_array());
                assert_eq!(page.count, value["count"].as_u64());
                assert_eq!(page.has_next, value["next"].as_str().is_some_and(|next| !next.is_empty()));
            }
            Err(why) => assert!(!why.is_empty()),
        }
    }
    for item in page.iter().flat_map(|page| &page.items) {
        if decode(item, &Redaction::default()).is_err() {
            // Quarantined items are stored as canonical JSON.
            let kept = json::canonical_to_limit(*item, &Redaction::default());
            serde_json::from_str::<&serde_json::value::RawValue>(&kept).expect("canonical JSON is JSON");
        }
    }
});

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("items of a JSON page are JSON")
}
