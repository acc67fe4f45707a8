//! The API key: its sources, and that it is never shown or sent elsewhere.

use super::{Ran, command, command_with, files, run, with};
use crate::support::workspace;
use crate::support::workspace::Workspace;
use std::fs;
use uuid::Uuid;

#[test]
fn the_key_comes_from_the_environment_or_a_file_not_an_argument() {
    let workspace = Workspace::of(10);
    let key = workspace.sandbox.api_key();
    fs::write(workspace.file("key.txt"), format!("{key}\n")).unwrap();
    let url = workspace.sandbox.url();
    let sync = |args: &[&str]| {
        run(command(&workspace.file(""), &[&["sync", "--api-url", &url, "--db", "a.db"], args].concat()))
    };
    assert_eq!(sync(&["--api-key-file", "key.txt"]).code, 0);
    assert_eq!(workspace::archived_in(&workspace.file("a.db")), workspace.truth());

    let without = sync(&[]);
    assert_eq!(without.code, 2);
    assert!(
        without.err.contains("there is no API key") && without.err.contains("NEKT_API_KEY"),
        "{}",
        without.err
    );
    assert_eq!(sync(&["--api-key-file", "none.txt"]).code, 2);
    for argument in ["--api-key", "--key", "--token"] {
        for args in [vec![argument.to_owned(), key.to_owned()], vec![format!("{argument}={key}")]] {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let refused = sync(&args);
            assert_eq!(refused.code, 2, "{refused:?}");
            assert!(refused.err.contains("unexpected argument"), "{}", refused.err);
            assert!(!refused.err.contains(key), "{}", refused.err);
        }
    }
}

#[test]
fn a_key_file_of_any_spelling_is_accepted_or_explained() {
    let workspace = Workspace::of(10);
    let key = workspace.sandbox.api_key();
    let sync = |content: &[u8]| {
        fs::write(workspace.file("key.txt"), content).unwrap();
        let mut command = command_with(&workspace, &["sync", "--quiet", "--api-key-file", "key.txt"]);
        command.env_remove("NEKT_API_KEY");
        run(command)
    };
    let utf16: Vec<u8> = format!("\u{feff}{key}\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for content in [
        format!("\u{feff}{key}\r\n").into_bytes(),
        format!("\"{key}\"\n").into_bytes(),
        format!("'{key}'").into_bytes(),
        format!("NEKT_API_KEY={key}\n").into_bytes(),
        format!("\u{feff}export NEKT_API_KEY=\"{key}\"\n").into_bytes(),
        utf16,
    ] {
        assert_eq!(sync(&content).out(), "");
    }
    for (content, why) in [
        (format!("NEKT_API_KEY={key}\nOTHER=1\n").into_bytes(), "several lines"),
        (format!("{key}\u{200b}").into_bytes(), "invalid character"),
        (vec![0xff, 0x41], "not UTF-8"),
    ] {
        let refused = sync(&content);
        refused.refused(2, &["key.txt", why]);
        assert!(!refused.err.contains(key), "{}", refused.err);
    }
    // Docker keeps quotes in the file of --env-file.
    let mut command = command_with(&workspace, &["sync", "--quiet"]);
    command.env("NEKT_API_KEY", format!("\"{key}\""));
    assert_eq!(run(command).out(), "");
}

#[test]
fn the_key_is_never_printed_and_never_stored() {
    let workspace = Workspace::of(30);
    let shown = |key: &str, ran: &Ran| ran.out.contains(key) || ran.err.contains(key);
    for args in
        [&["sync", "-vvv"][..], &["sync", "-vvv", "--full"], &["fetch", "-vvv", &Uuid::nil().to_string()]]
    {
        let ran = with(&workspace, args);
        assert!(ran.err.contains("TRACE"), "the log is verbose: {}", ran.err);
        assert!(!shown(workspace.sandbox.api_key(), &ran), "{args:?}");
    }
    let mut refused = command_with(&workspace, &["sync", "-vvv"]);
    refused.env("NEKT_API_KEY", "wrong-key-0123456789");
    let ran = run(refused);
    assert_eq!(ran.code, 4);
    assert!(ran.err.contains("hint:  check NEKT_API_KEY"), "{}", ran.err);
    assert!(!shown("wrong-key-0123456789", &ran));
    let mut unfit = command_with(&workspace, &["sync", "-vvv"]);
    unfit.env("NEKT_API_KEY", "two words-0123");
    let ran = run(unfit);
    assert_eq!(ran.code, 2);
    assert!(!shown("words-0123", &ran), "{ran:?}");
    for name in files(&workspace) {
        let bytes = fs::read(workspace.file(&name)).unwrap();
        let key = workspace.sandbox.api_key().as_bytes();
        assert!(!bytes.windows(key.len()).any(|window| window == key), "{name} contains the key");
    }
}

#[test]
fn plain_http_to_another_machine_is_rejected_before_any_request() {
    let workspace = Workspace::of(0);
    for url in ["http://api.nekt.ai", "http://10.0.0.1", "ftp://127.0.0.1", "https://a:b@127.0.0.1/"] {
        let ran = with(&workspace, &["sync", "--api-url", url]);
        assert_eq!(ran.code, 2, "{url}: {ran:?}");
        assert_eq!(files(&workspace), [""; 0]);
    }
}
