//! Hostile names in the HTML report, and its content security policy.

use super::{between, data, html, large, scopes};
use crate::support::ledger;
use crate::support::workspace::at;
use runledger::internal::digest::{hash, to_base64};
use runledger::internal::report::{Scope, Span};
use rusqlite::Connection;
use serde_json::json;

#[test]
fn the_csp_allows_only_the_inline_style_and_script() {
    let page = html(&ledger::small(), &Scope::default());
    let rules = between(&page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"")
        .replace("&#x27;", "'")
        .replace("&#39;", "'");
    let hashed = |text: &str| format!("'sha256-{}'", to_base64(&hash(text.as_bytes())));
    let style = between(&page, "<style>", "</style>");
    let script = page.rsplit_once("<script>").unwrap().1.split_once("</script>").unwrap().0;
    assert!(script.contains("\"use strict\"") && style.contains("prefers-color-scheme"));
    assert_eq!(
        rules,
        format!(
            "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
            hashed(style),
            hashed(script)
        )
    );
    // The page contains nothing that the policy would block.
    let body = page.replace(style, "").replace(script, "");
    for part in [
        " style=",
        " onclick=",
        " onload=",
        "javascript:",
        "http://",
        "https://",
        " src=",
        "<link",
        "<img",
        "@import",
    ] {
        assert!(!body.contains(part), "the page contains {part}");
    }
    // A fragment of the page itself loads nothing.
    assert!(!style.replace("url(#", "").contains("url(") && !style.contains("@import"));
}

/// Names that break a page without escaping.
const NAMES: [&str; 7] = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"'`&amp;<!--\u{2028}]]>",
    "مبيعات \u{202e}gnp.exe",
    "👩‍👩‍👧 ↩️",
    "a\0b\u{1b}[31mc\nd",
    "",
];

fn renamed(name: &str) -> Connection {
    let archive = ledger::small();
    archive.execute("UPDATE pipeline_snapshots SET name = ?1, slug = NULL", [name]).unwrap();
    archive.execute("UPDATE run_snapshots SET source = ?1 WHERE source = 's-2'", [name]).unwrap();
    archive
}

#[test]
fn hostile_names_are_escaped() {
    let plain = html(&renamed("plain"), &Scope::default());
    let tags = |page: &str| page.matches('<').count();
    for name in NAMES {
        let archive = renamed(name);
        let page = html(&archive, &Scope::default());
        for part in ["alert(1)</script>", "<img", "<!--\u{2028}"] {
            assert!(!page.contains(part), "{name:?}: {part}");
        }
        assert!(page.matches("</script>").count() == 2 && page.matches("<script").count() == 2, "{name:?}");
        // An id outside the catalogue has no name, so it removes or adds two tags.
        let differing = tags(&plain).abs_diff(tags(&page));
        assert!(differing <= 40, "{name:?} made {differing} tags");
        let data = data(&page);
        let shown: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let listed = data["pipelines"].as_array().unwrap();
        assert!(
            name.is_empty() || listed.iter().any(|pipeline| pipeline["n"] == json!(shown)),
            "{name:?} is on one line in the data"
        );
    }
}

#[test]
fn the_same_archive_gives_the_same_bytes() {
    let (one, other) = (ledger::findings(), ledger::findings());
    for scope in scopes() {
        assert_eq!(html(&one, &scope), html(&other, &scope));
    }
}

#[test]
fn an_archive_without_runs_has_a_message() {
    let page = html(&ledger::empty(), &Scope::default());
    assert!(page.contains("This archive has no runs") && page.contains("The archive is empty."));
    assert!(page.contains("Run runledger sync"));
    // There are no headings without content.
    assert_eq!(page.matches("<h2").count(), 1);
    let synced = ledger::empty();
    synced
        .execute_batch(
            "INSERT INTO syncs (sync_id, kind, started_at, ended_at, outcome, process_id, program_version, api_url, last_observed_at, walk_complete)
             VALUES (1, 'first', '2026-06-01T00:00:00.000000Z', '2026-06-01T00:01:00.000000Z', 'complete', 1, '0.1.0', 'http://127.0.0.1:1/', '2026-06-01T00:01:00.000000Z', 1)",
        )
        .unwrap();
    assert!(html(&synced, &Scope::default()).contains("The last complete sync found none."));
    let later = Span { from: Some(at("2100-01-01T00:00:00Z")), until: None };
    assert!(
        html(&large(100, 2, 30), &Scope { span: later, ..Scope::default() })
            .contains("No runs in this time range")
    );
    let page = page.split_once("<main").unwrap().1.split_once("<script").unwrap().0;
    assert!(!page.contains("<rect") && !page.contains("NaN") && !page.contains("inf"));
}
