//! The search for secrets: it finds each encoding.

use super::{KEY, Traces, base64};

#[test]
fn the_secret_search_finds_every_encoding() {
    let mut traces = Traces::default();
    for lead in 0..3 {
        let text = format!("{}{KEY} and more", &"abc"[..lead]);
        traces.0.clear();
        traces.add("a place".to_owned(), base64(text.as_bytes(), b"+/"));
        assert!(std::panic::catch_unwind(|| traces.assert_clean()).is_err(), "at offset {lead}");
    }
    traces.0.clear();
    traces.add("a place".to_owned(), b"nothing".to_vec());
    traces.assert_clean();
}
