//! The API key: its sources, and that it is never shown or sent elsewhere.

use super::{Ran, command, command_with, files, run, with};
use crate::support::workspace;
use crate::support::workspace::{Workspace, page_of};
use axum::response::IntoResponse;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use uuid::Uuid;

/// Writes a file that only this user can read.
fn write_private(path: &Path, content: impl AsRef<[u8]>) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

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
            assert!(refused.err.contains("this command has no --"), "{}", refused.err);
            assert!(!refused.err.contains(key), "{}", refused.err);
        }
    }
}

#[test]
fn a_key_file_of_any_spelling_is_accepted_or_explained() {
    let workspace = Workspace::of(10);
    let key = workspace.sandbox.api_key();
    let sync = |content: &[u8]| {
        write_private(&workspace.file("key.txt"), content);
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
fn a_key_file_that_others_can_read_is_a_warning_that_chmod_ends() {
    let workspace = Workspace::of(10);
    let (key, ping) = (workspace.file("the key.txt"), workspace.file("ping.txt"));
    write_private(&key, workspace.sandbox.api_key());
    write_private(&ping, "http://127.0.0.1:1/s3cret");
    let sync = || {
        let mut command = command_with(&workspace, &["sync", "--quiet", "--ping-url-file", "ping.txt"]);
        command.arg("--api-key-file").arg(&key).env_remove("NEKT_API_KEY");
        let ran = run(command);
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.err.lines().filter(|line| line.contains("every user of this machine")).count()
    };
    assert_eq!(sync(), 0);
    for (mode, warnings) in [(0o640, 0), (0o644, 1), (0o602, 1)] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(sync(), warnings, "{mode:o}");
    }
    fs::set_permissions(&ping, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(sync(), 2);
    // The advice.
    let advised = format!("chmod o= '{}' ping.txt", key.display());
    let mut shell = std::process::Command::new("sh");
    assert!(shell.args(["-c", &advised]).current_dir(workspace.file("")).status().unwrap().success());
    assert_eq!(sync(), 0);
}

#[test]
fn a_key_file_without_an_end_is_refused() {
    let workspace = Workspace::of(0);
    let large = workspace.file("large.txt");
    write_private(&large, vec![b'a'; 100_000]);
    for path in ["/dev/zero", "large.txt"] {
        for flag in ["--api-key-file", "--ping-url-file"] {
            with(&workspace, &["sync", flag, path]).refused(2, &[path, "it is larger than 65536 bytes"]);
        }
    }
}

#[test]
fn a_rejected_key_leaves_no_archive_where_there_was_none() {
    let workspace = Workspace::of(30);
    let with_wrong_key = |args: &[&str]| {
        let mut command = command_with(&workspace, args);
        command.env("NEKT_API_KEY", "wrong-key");
        run(command)
    };
    let id = workspace.ids()[0].to_string();
    for args in [&["sync"][..], &["sync", "--full", "--quiet"], &["fetch", &id]] {
        assert_eq!(with_wrong_key(args).code, 4);
        assert_eq!(files(&workspace), [""; 0], "{args:?}");
    }
    // An archive that was there stays, with a record of the attempt.
    with(&workspace, &["sync", "--quiet"]).out();
    let archived = workspace.archived();
    for args in [&["sync"][..], &["fetch", &id]] {
        assert_eq!(with_wrong_key(args).code, 4);
    }
    assert_eq!(workspace.archived(), archived);
    assert_eq!(workspace.rows("SELECT exit_code FROM syncs ORDER BY sync_id"), ["0", "4", "4"]);
}

#[test]
fn a_key_that_is_revoked_in_a_first_sync_keeps_its_pages() {
    let workspace = Workspace::of(60);
    workspace.sandbox.on_request(|call, _| match page_of(call) {
        Some(3..) => Some(axum::http::StatusCode::UNAUTHORIZED.into_response()),
        _ => None,
    });
    let ran = with(&workspace, &["sync", "--page-size", "10", "--concurrency", "1"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert_eq!(workspace.archived().len(), 20);
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
