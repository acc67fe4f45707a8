//! Connections that cannot be made: each is diagnosed once, in seconds, and the hint helps.

use crate::support::command::{Ran, ran};
use crate::support::machine::RUNLEDGER;
use crate::support::network::{
    ConnectProxy, NameServer, ProxyRule, closed_port, serve_silence, serve_tls, tls_fixture,
};
use crate::support::workspace::{Workspace, manners};
use runledger::internal::api::{BaseUrl, Client};
use runledger::internal::secret::ApiKey;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The limit that the documentation promises.
const LIMIT: Duration = Duration::from_secs(10);

/// A host that only the proxy and the certificate of the tests know.
const API: &str = "https://api.runledger.test";

/// A sync of the API at `url`, in the workspace's folder.
fn sync(workspace: &Workspace, url: &str, environment: &[(&str, &str)]) -> Ran {
    ran(set_up(Command::new(RUNLEDGER), workspace, url, environment))
}

fn set_up(mut command: Command, workspace: &Workspace, url: &str, environment: &[(&str, &str)]) -> Command {
    command
        .args(["sync", "--json"])
        .current_dir(workspace.file(""))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("NEKT_API_KEY", workspace.sandbox.api_key())
        .env("RUNLEDGER_API_URL", url)
        .env("RUNLEDGER_DB", workspace.path())
        .envs(environment.iter().copied());
    command
}

/// Runs a sync that must fail with one error, in time and after few requests.
fn diagnosed(command: Command, words: &[&str]) {
    let began = Instant::now();
    let ran = ran(command);
    assert!(began.elapsed() < LIMIT, "{:?}: {ran:?}", began.elapsed());
    assert_eq!(ran.code, 5, "{ran:?}");
    // The error as JSON with its cause and hint, and what the TLS library logs.
    assert!(ran.err.lines().count() <= 4, "{}", ran.err);
    assert_eq!(ran.err.matches("\"error\":").count(), 1, "{}", ran.err);
    for words in words {
        assert!(ran.err.contains(words), "{words:?} is not in {}", ran.err);
    }
    let summary: Value = serde_json::from_str(&ran.out).unwrap();
    assert!(summary["requests"].as_u64().unwrap() <= 3, "{summary}");
    assert_eq!((&summary["exit_code"], &summary["missing"]), (&5.into(), &serde_json::json!([])));
}

fn fails(workspace: &Workspace, url: &str, environment: &[(&str, &str)], words: &[&str]) {
    diagnosed(set_up(Command::new(RUNLEDGER), workspace, url, environment), words);
}

fn succeeds(workspace: &Workspace, url: &str, environment: &[(&str, &str)]) {
    let ran = sync(workspace, url, environment);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn an_unknown_ca_is_diagnosed_and_ssl_cert_file_helps() {
    let workspace = Workspace::of(10);
    let url = format!("https://localhost:{}", serve_tls("server.pem", &workspace.sandbox.url()));
    fails(&workspace, &url, &[], &["UnknownIssuer", "if a proxy or firewall", "SSL_CERT_FILE"]);
    succeeds(&workspace, &url, &[("SSL_CERT_FILE", tls_fixture("ca.pem").to_str().unwrap())]);
}

#[test]
fn a_certificate_that_no_ca_file_can_repair_is_diagnosed() {
    let workspace = Workspace::of(0);
    let ca = tls_fixture("ca.pem");
    let environment = [("SSL_CERT_FILE", ca.to_str().unwrap())];
    let expired = serve_tls("expired.pem", &workspace.sandbox.url());
    fails(&workspace, &format!("https://localhost:{expired}"), &environment, &["expired", "date and time"]);
    let valid = serve_tls("server.pem", &workspace.sandbox.url());
    fails(&workspace, &format!("https://127.0.0.1:{valid}"), &environment, &["not valid for", "API URL"]);
    // The port of a server without TLS.
    let plain = workspace.sandbox.url().replace("http://127.0.0.1", "https://localhost");
    fails(&workspace, &plain, &environment, &["check the API URL"]);
}

#[test]
fn an_unusable_ca_file_is_a_usage_error() {
    let workspace = Workspace::of(0);
    let url = format!("https://localhost:{}", serve_tls("server.pem", &workspace.sandbox.url()));
    let key = tls_fixture("server-key.pem");
    for (file, why) in [("none.pem", "No such file"), (key.to_str().unwrap(), "no PEM certificate")] {
        sync(&workspace, &url, &[("SSL_CERT_FILE", file)])
            .refused(2, &["SSL_CERT_FILE", file, why, "\"hint\":"]);
    }
}

#[test]
fn a_system_without_ca_certificates_is_diagnosed() {
    let workspace = Workspace::of(10);
    let url = format!("https://localhost:{}", serve_tls("server.pem", &workspace.sandbox.url()));
    let ran = sync(&workspace, &url, &[("SSL_CERT_DIR", workspace.file("").to_str().unwrap())]);
    ran.refused(5, &["cannot connect to", "install the package ca-certificates", "SSL_CERT_FILE"]);
    succeeds(&workspace, &url, &[("SSL_CERT_FILE", tls_fixture("ca.pem").to_str().unwrap())]);
}

#[test]
fn a_refused_connection_is_diagnosed_in_seconds() {
    let workspace = Workspace::of(0);
    let port = closed_port();
    for scheme in ["http", "https"] {
        let url = format!("{scheme}://127.0.0.1:{port}");
        let words = ["cannot connect to", "onnection refused", "start the server at this address"];
        fails(&workspace, &url, &[], &words);
    }
}

#[test]
fn an_unknown_host_is_diagnosed_once() {
    let workspace = Workspace::of(0);
    let Some(name_server) = NameServer::empty("127.86.53.1") else { return };
    let words = ["unknown host api.runledger.test", "HTTPS_PROXY"];
    let command = name_server.command(Path::new(RUNLEDGER));
    diagnosed(set_up(command, &workspace, API, &[]), &words);
    // The same for the host of a proxy.
    let command = name_server.command(Path::new(RUNLEDGER));
    let environment = [("HTTPS_PROXY", "http://me:s3cret@proxy.runledger.test:3128")];
    diagnosed(
        set_up(command, &workspace, API, &environment),
        &["unknown host proxy.runledger.test", "host and port in HTTPS_PROXY"],
    );
}

#[test]
fn a_silent_name_server_is_diagnosed_within_ten_seconds() {
    let workspace = Workspace::of(0);
    let Some(name_server) = NameServer::silent("127.86.53.2") else { return };
    let command = name_server.command(Path::new(RUNLEDGER));
    let words = ["no name server resolved api.runledger.test in 7 s", "HTTPS_PROXY"];
    diagnosed(set_up(command, &workspace, API, &[]), &words);
}

#[test]
fn a_server_or_proxy_that_never_answers_is_diagnosed_in_time() {
    let silent = serve_silence();
    let (server, proxy) = (format!("https://localhost:{silent}"), format!("http://127.0.0.1:{silent}"));
    thread::scope(|scope| {
        scope.spawn(|| fails(&Workspace::of(0), &server, &[], &["no connection in 8 s", "\"hint\":"]));
        scope.spawn(|| {
            fails(
                &Workspace::of(0),
                API,
                &[("HTTPS_PROXY", &proxy)],
                &["no connection in 8 s", "HTTPS_PROXY"],
            );
        });
    });
}

#[test]
fn a_proxy_that_fails_is_diagnosed() {
    // Each sync tries for some seconds, so they run in parallel.
    thread::scope(|scope| {
        for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            scope.spawn(move || {
                let closed = format!("http://me:s3cret@127.0.0.1:{}", closed_port());
                let words = ["the proxy: ", "onnection refused", "host and port in HTTPS_PROXY", "NO_PROXY"];
                fails(&Workspace::of(0), API, &[(name, &closed)], &words);
            });
        }
        for status in ["403 Forbidden", "502 Bad Gateway"] {
            scope.spawn(move || {
                let proxy = ConnectProxy::to(closed_port(), ProxyRule::Refuse(status));
                let url = format!("http://127.0.0.1:{}", proxy.port);
                let words = ["the proxy did not connect to api.runledger.test", "NO_PROXY"];
                fails(&Workspace::of(0), API, &[("HTTPS_PROXY", &url)], &words);
                assert!(proxy.heads().len() <= 3, "{:?}", proxy.heads());
            });
        }
        // Most proxies speak HTTP, also for HTTPS.
        scope.spawn(|| {
            let proxy = ConnectProxy::to(closed_port(), ProxyRule::Allow);
            let url = format!("https://127.0.0.1:{}", proxy.port);
            let words = ["most proxies are http://HOST:PORT"];
            fails(&Workspace::of(0), API, &[("HTTPS_PROXY", &url)], &words);
        });
    });
}

#[test]
fn a_proxy_that_requires_a_password_gets_it_from_its_url() {
    let workspace = Workspace::of(10);
    let server = serve_tls("server.pem", &workspace.sandbox.url());
    // "me:p@ss" in base64.
    let proxy = ConnectProxy::to(server, ProxyRule::Require("Basic bWU6cEBzcw=="));
    let ca = tls_fixture("ca.pem");
    let ca = ("SSL_CERT_FILE", ca.to_str().unwrap());
    for url in [format!("http://127.0.0.1:{}", proxy.port), format!("127.0.0.1:{}", proxy.port)] {
        let words = ["HTTP 407", "set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT"];
        fails(&workspace, API, &[ca, ("HTTPS_PROXY", &url)], &words);
    }
    succeeds(&workspace, API, &[ca, ("HTTPS_PROXY", &format!("http://me:p%40ss@127.0.0.1:{}", proxy.port))]);
    assert!(proxy.heads().iter().all(|head| !head.contains(workspace.sandbox.api_key())));
}

#[test]
fn a_proxy_that_inspects_tls_needs_its_ca() {
    let workspace = Workspace::of(10);
    let proxy = ConnectProxy::to(serve_tls("server.pem", &workspace.sandbox.url()), ProxyRule::Allow);
    let proxy = format!("http://127.0.0.1:{}", proxy.port);
    fails(&workspace, API, &[("HTTPS_PROXY", &proxy)], &["UnknownIssuer", "SSL_CERT_FILE"]);
    let ca = tls_fixture("ca.pem");
    succeeds(&workspace, API, &[("HTTPS_PROXY", &proxy), ("SSL_CERT_FILE", ca.to_str().unwrap())]);
}

#[test]
fn a_proxy_that_is_no_url_is_rejected_before_any_request() {
    let workspace = Workspace::of(0);
    for value in ["me:s3cret@proxy", "not a url s3cret", "http//s3cret:1", "socks5://me:s3cret@127.0.0.1:1"] {
        for name in ["HTTPS_PROXY", "all_proxy"] {
            let ran = sync(&workspace, API, &[(name, value)]);
            ran.refused(2, &[&format!("invalid proxy in {name}"), "set ", "http://proxy.example:3128"]);
            assert!(!ran.err.contains("s3cret"), "{}", ran.err);
        }
    }
    // It is rejected even where no proxy is used.
    let ran = sync(&workspace, &workspace.sandbox.url(), &[("HTTPS_PROXY", "nonsense")]);
    ran.refused(2, &["invalid proxy in HTTPS_PROXY"]);
    assert!(workspace.sandbox.requests().is_empty() && !workspace.path().exists());
    // A SOCKS proxy does not matter to an API on this machine.
    let ran = sync(&workspace, &workspace.sandbox.url(), &[("ALL_PROXY", "socks5://127.0.0.1:1")]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

/// Answers one request with an empty page, and stops listening.
fn answer_once(listener: TcpListener) {
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        drop(listener);
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
            head.push(byte[0]);
        }
        let body = r#"{"count":0,"next":null,"results":[]}"#;
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
    });
}

#[test]
fn a_connection_refused_later_in_a_sync_is_retried() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    answer_once(listener);
    let waits = Arc::new(Mutex::new(0));
    let client = Client::new(
        BaseUrl::parse(&format!("http://{address}")).unwrap(),
        &ApiKey::new("sandbox-key", "the test").unwrap(),
        manners(),
    );
    let counted = Arc::clone(&waits);
    let client = client.unwrap().with_sleeper(Box::new(move |_| {
        // The server is back before the third attempt.
        let mut waits = counted.lock().unwrap();
        *waits += 1;
        if *waits == 2 {
            answer_once(TcpListener::bind(address).unwrap());
        }
        Box::pin(async {})
    }));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for _ in 0..2 {
        let page = runtime.block_on(client.run_page(1, 20, None, |page| page.items.len()));
        assert_eq!(page.unwrap(), Some(0));
    }
    assert_eq!(*waits.lock().unwrap(), 2);
}

#[test]
fn requests_at_the_same_time_share_one_diagnosis() {
    let url = format!("http://127.0.0.1:{}", closed_port());
    let key = ApiKey::new("sandbox-key", "the test").unwrap();
    let client = Client::new(BaseUrl::parse(&url).unwrap(), &key, manners()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let page = |number| client.run_page(number, 20, None, |page| page.items.len());
    let results = runtime.block_on(async { tokio::join!(page(1), page(2), page(3), page(4)) });
    for result in [results.0, results.1, results.2, results.3] {
        let error = result.unwrap_err();
        assert!(error.exit_code() == 5 && error.to_string().contains("cannot connect"), "{error}");
    }
    // One attempt each, and two more by the first that failed.
    assert_eq!(client.requests(), 6);
    // A request that starts later tries again.
    assert!(runtime.block_on(page(1)).is_err());
    assert_eq!(client.requests(), 9);
}
