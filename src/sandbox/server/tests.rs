//! Tests of the server over HTTP.

use super::*;
use crate::sandbox::TOKEN_PREFIX;
use crate::sandbox::model::{Order, Outcome, Plan, format_instant};
use crate::store::PipelineKind;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};
use uuid::Uuid;

fn generated(runs: usize) -> Model {
    Model::new(&Plan { runs, ..Plan::ending_at("2026-11-23T16:00:00Z".parse().unwrap()) })
}

async fn sandbox(runs: usize) -> Sandbox {
    Sandbox::start(generated(runs), Options::default()).await.unwrap()
}

fn client() -> reqwest::Client {
    // Fails if another test has installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let no_redirects = reqwest::redirect::Policy::none();
    reqwest::Client::builder().redirect(no_redirects).no_proxy().build().unwrap()
}

/// Status and body of a response. The body is null if it is not JSON.
async fn request(sandbox: &Sandbox, path: &str) -> (u16, Value) {
    let url = format!("{}/api/v1{path}", sandbox.url());
    let response = client().get(url).header("x-api-key", API_KEY).send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default())
}

async fn page(sandbox: &Sandbox, query: &str) -> Value {
    let (status, page) = request(sandbox, &format!("/runs/{query}")).await;
    assert_eq!(status, 200, "{page}");
    page
}

fn ids(page: &Value) -> Vec<Uuid> {
    let ids = page["results"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap());
    ids.map(|id| id.parse().unwrap()).collect()
}

#[tokio::test]
async fn the_key_is_checked_as_in_the_contract() {
    let sandbox = sandbox(1).await;
    let status = async |path: &str, key: Option<&str>| {
        let mut request = client().get(format!("{}/api/v1{path}", sandbox.url()));
        if let Some(key) = key {
            request = request.header("x-api-key", key);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert!(status == 200 || body["detail"].is_string(), "{body}");
        status
    };
    assert_eq!(status("/runs/", None).await, 401);
    assert_eq!(status("/runs/", Some("wrong")).await, 403);
    assert_eq!(status("/sources/", None).await, 403);
    assert_eq!(status("/sources/", Some("wrong")).await, 403);
    assert_eq!(status("/runs/", Some(sandbox.api_key())).await, 200);
}

#[tokio::test]
async fn following_next_yields_every_run_once_in_list_order() {
    let sandbox = sandbox(250).await;
    let mut seen = Vec::new();
    let mut url = format!("{}/api/v1/runs/?page_size=60", sandbox.url());
    loop {
        let response = client().get(&url).header("x-api-key", API_KEY).send().await.unwrap();
        let page: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!(page["count"], 250);
        seen.extend(ids(&page));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        assert!(next.starts_with(&sandbox.url()), "{next}");
        url = next.to_string();
    }
    assert!(sandbox.model().ids().eq(seen));
    assert_eq!(sandbox.request_count(), 5);
}

#[tokio::test]
async fn links_have_the_requested_host_and_keep_the_query() {
    let sandbox = sandbox(30).await;
    let url = format!("{}/api/v1/runs/?page=2&page_size=10&expand[]=source", sandbox.url());
    let request = client().get(url).header("x-api-key", API_KEY).header("host", "nekt.test:81");
    let text = request.send().await.unwrap().text().await.unwrap();
    let page: Value = serde_json::from_str(&text).unwrap();
    let list = "http://nekt.test:81/api/v1/runs/?expand%5B%5D=source";
    assert_eq!(page["next"], format!("{list}&page=3&page_size=10"));
    assert_eq!(page["previous"], format!("{list}&page_size=10"));
}

#[tokio::test]
async fn page_size_is_capped_and_a_page_past_the_end_is_not_found() {
    let sandbox = sandbox(700).await;
    assert_eq!(ids(&page(&sandbox, "?page_size=10000").await).len(), 500);
    assert_eq!(ids(&page(&sandbox, "").await).len(), 100);
    let invalid = (404, json!({ "detail": "Invalid page." }));
    assert_eq!(request(&sandbox, "/runs/?page=8").await, invalid);
    assert_eq!(request(&sandbox, "/runs/?page=0").await, invalid);
    assert_eq!(request(&sandbox, "/runs/?page=x").await, invalid);
}

#[tokio::test]
async fn an_empty_workspace_has_one_empty_page() {
    let empty = json!({ "count": 0, "next": null, "previous": null, "results": [] });
    assert_eq!(page(&sandbox(0).await, "").await, empty);
}

#[tokio::test]
async fn a_run_is_found_by_its_id_only() {
    let sandbox = sandbox(20).await;
    let id = sandbox.model().ids().nth(7).unwrap();
    let run: Value = serde_json::from_str(sandbox.model().run(id).unwrap()).unwrap();
    assert_eq!(request(&sandbox, &format!("/runs/{id}/")).await, (200, run));
    sandbox.model().delete(id);
    for unknown in [id.to_string(), Uuid::nil().to_string(), "abc".into(), "%FF".into()] {
        let (status, body) = request(&sandbox, &format!("/runs/{unknown}/")).await;
        assert_eq!(status, 404, "{unknown}");
        assert!(body["detail"].is_string());
    }
}

#[tokio::test]
async fn expanded_ids_become_objects() {
    let sandbox = sandbox(400).await;
    let fields = ["source", "destination", "transformation", "triggered_by", "triggered_by_token"];
    let query = fields.map(|field| format!("expand[]={field}")).join("&");
    let expanded = page(&sandbox, &format!("?page_size=400&{query}")).await;
    let plain = page(&sandbox, "?page_size=400").await;
    let runs = |page: &Value| page["results"].as_array().unwrap().clone();
    for (expanded, plain) in runs(&expanded).iter().zip(&runs(&plain)) {
        for field in fields {
            let as_object = if plain[field].is_null() { &Value::Null } else { &expanded[field]["id"] };
            assert_eq!(as_object, &plain[field]);
        }
    }
    assert!(expanded.to_string().contains(TOKEN_PREFIX));
    assert!(!plain.to_string().contains(TOKEN_PREFIX));
}

#[tokio::test]
async fn expand_follows_dots_and_ignores_unknown_fields() {
    let sandbox = sandbox(100).await;
    let model = generated(100);
    let mut ids = model.ids();
    let id = ids.find(|id| model.document(*id).unwrap()["source"].is_string()).unwrap();
    let query = "expand[]=source.connector_version.connector&expand[]=number&expand[]=a.b";
    let (_, run) = request(&sandbox, &format!("/runs/{id}/?{query}")).await;
    assert!(run["source"]["connector_version"]["connector"]["slug"].is_string(), "{run}");
    assert!(run["number"].is_u64());
}

#[tokio::test]
async fn each_pipeline_is_in_one_of_the_three_lists() {
    let sandbox = sandbox(0).await;
    let mut count = 0;
    for kind in PipelineKind::ALL {
        let (status, page) = request(&sandbox, &format!("/{}s/?page_size=5", kind.as_str())).await;
        assert_eq!((status, page["results"].as_array().unwrap().len()), (200, 5));
        assert!(page["next"].as_str().unwrap().contains(&format!("/{}s/?page=2", kind.as_str())));
        count += page["count"].as_u64().unwrap();
    }
    assert_eq!(count, 40);
    let (status, beyond) = request(&sandbox, "/sources/?page=99").await;
    assert_eq!((status, &beyond["results"]), (200, &json!([])));
}

#[tokio::test]
async fn a_path_without_its_slash_redirects() {
    let sandbox = sandbox(1).await;
    for path in ["/api/v1/runs", "/api/v1/transformations", "/api/v1/runs/abc"] {
        let response = client().get(format!("{}{path}?a=1", sandbox.url())).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 301);
        assert_eq!(response.headers()["location"], format!("{path}/?a=1"));
    }
    assert_eq!(request(&sandbox, "/users").await.0, 404);
    assert_eq!(request(&sandbox, "/users/").await.0, 404);
}

#[tokio::test]
async fn the_workspace_can_change_between_two_requests() {
    let sandbox = sandbox(150).await;
    let first = ids(&page(&sandbox, "").await);
    sandbox.on_request(|call, model| {
        if call.number == 2 {
            model.add();
        }
        None
    });
    let second = ids(&page(&sandbox, "?page=2").await);
    assert_eq!(second[0], first[99], "a run was pushed onto the next page");
    assert_eq!(second.len(), 51);
}

#[tokio::test]
async fn a_hook_can_respond_instead() {
    let sandbox = sandbox(1).await;
    sandbox.on_request(|call, _| {
        (call.number == 1).then(|| (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "3")]).into_response())
    });
    assert_eq!(request(&sandbox, "/runs/").await.0, 429);
    assert_eq!(request(&sandbox, "/runs/").await.0, 200);
}

#[tokio::test]
async fn requests_are_logged_until_the_log_is_cleared() {
    let sandbox = sandbox(1).await;
    page(&sandbox, "?page=1&x=%20").await;
    let call =
        Call { number: 1, method: "GET".into(), path: "/api/v1/runs/".into(), query: "page=1&x=%20".into() };
    assert_eq!(sandbox.requests(), [call]);
    sandbox.forget_requests();
    assert_eq!((sandbox.requests(), sandbox.request_count()), (vec![], 0));
}

#[tokio::test]
async fn list_items_can_omit_fields_that_details_have() {
    let sandbox = sandbox(10).await;
    sandbox.model().omit_from_lists(&["el_cost_metadata", "trigger"]);
    let list = page(&sandbox, "").await;
    let item = list["results"][0].as_object().unwrap();
    assert!(!item.contains_key("trigger") && item.contains_key("status"));
    let (_, details) = request(&sandbox, &format!("/runs/{}/", ids(&list)[0])).await;
    assert!(details["trigger"].is_object());
}

#[tokio::test]
async fn pages_follow_the_order_of_the_model() {
    let sandbox = sandbox(10).await;
    let newest_first = ids(&page(&sandbox, "").await);
    sandbox.model().set_order(Order::OldestFirst);
    let oldest_first = ids(&page(&sandbox, "").await);
    assert!(oldest_first.iter().eq(newest_first.iter().rev()));
}

#[tokio::test]
async fn a_run_that_ends_changes_its_status() {
    let sandbox = sandbox(10).await;
    let id = sandbox.model().in_progress()[0];
    sandbox.model().finish(id, Outcome::Failed);
    let (_, run) = request(&sandbox, &format!("/runs/{id}/")).await;
    assert_eq!(
        (&run["status"], &run["ended_at"]),
        (&json!("failed"), &json!(format_instant(sandbox.model().now())))
    );
}

#[tokio::test]
async fn a_dropped_sandbox_accepts_no_connections() {
    let sandbox = sandbox(1).await;
    let address = sandbox.address;
    drop(sandbox);
    // The server shuts down asynchronously.
    for _ in 0..1000 {
        tokio::task::yield_now().await;
        if tokio::net::TcpStream::connect(address).await.is_err() {
            return;
        }
    }
    panic!("the sandbox still accepts connections");
}
