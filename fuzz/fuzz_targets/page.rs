//! This is the fuzz target of the page reader: what it reads of a page is what a plain JSON parser reads of it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use runledger::api::Page;
use runledger::run::{decode, json, Redaction};
use serde_json::Value;

fuzz_target!(|body: &str| {
    let page = Page::parse(body);
    if let Ok(value) = serde_json::from_str::<Value>(body) {
        // A name that stands twice in an object is refused; a plain parser takes the last.
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
            // What goes into quarantine is kept in its canonical spelling.
            let kept = json::canonical_to_limit(item, &Redaction::default());
            serde_json::from_str::<&serde_json::value::RawValue>(&kept).expect("what is kept is JSON");
        }
    }
});

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("an item of a page that is JSON is JSON")
}
