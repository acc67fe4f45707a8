//! This is the sandbox's HTTP server: the five endpoints of the contract over a model that may change between two requests.

use super::expand::expand;
use super::model::{Document, Model, render_run};
use super::paging::{self, Lengths, Query};
use crate::store::PipelineKind;
use axum::Router;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use axum::serve::{Listener, ListenerExt};
use serde_json::json;
use std::fmt::Write;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use uuid::Uuid;

/// The one key that a sandbox accepts, unless its options name another.
pub const API_KEY: &str = "sandbox-key";

/// How a sandbox behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// How long each answer waits.
    pub latency: Duration,
    /// A page's length when the request names none.
    pub page_size: usize,
    /// The greatest length; a request for more is cut in silence.
    pub max_page_size: usize,
    /// Whether [`Sandbox::requests`] remembers. Counting goes on either way.
    pub log: bool,
    /// The one key that is accepted.
    pub api_key: String,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            port: 0,
            latency: Duration::ZERO,
            page_size: 100,
            max_page_size: 500,
            log: true,
            api_key: API_KEY.to_owned(),
        }
    }
}

/// One request as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Counts the requests, from 1.
    pub number: usize,
    /// Such as `GET`.
    pub method: String,
    /// Undecoded.
    pub path: String,
    /// Undecoded, without its question mark.
    pub query: String,
}

type Hook = Box<dyn FnMut(&Call, &mut Model) -> Option<Response> + Send>;

/// A running server. It stops when dropped.
pub struct Sandbox {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Dropping this end tells the server to stop.
    _stop: oneshot::Sender<()>,
}

struct Shared {
    model: Mutex<Model>,
    hook: Mutex<Option<Hook>>,
    address: SocketAddr,
    options: Options,
    count: AtomicUsize,
    calls: Mutex<Vec<Call>>,
}

impl Sandbox {
    /// Serves `model` on loopback, in the tokio runtime of the caller.
    ///
    /// # Errors
    /// If the port cannot be had.
    pub async fn start(model: Model, options: Options) -> io::Result<Sandbox> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            model: Mutex::new(model),
            hook: Mutex::new(None),
            address,
            options,
            count: AtomicUsize::new(0),
            calls: Mutex::new(Vec::new()),
        });
        // Small answers must not wait for each other's acknowledgement.
        let listener = listener.tap_io(|connection| {
            let _ = connection.set_nodelay(true);
        });
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(serve(listener, router(&shared), stopped));
        Ok(Sandbox { address, shared, _stop: stop })
    }

    /// The address to give as the API's, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The key that opens it.
    pub fn api_key(&self) -> &str {
        &self.shared.options.api_key
    }

    /// The workspace, to be read or changed. No request is answered while the guard lives.
    pub fn model(&self) -> MutexGuard<'_, Model> {
        self.shared.model.lock().expect("no request panicked")
    }

    /// How many requests came.
    pub fn request_count(&self) -> usize {
        self.shared.count.load(Ordering::SeqCst)
    }

    /// The requests since the start or the last [`Sandbox::forget_requests`], in the order they
    /// came; none if the log is off.
    pub fn requests(&self) -> Vec<Call> {
        self.shared.calls.lock().expect("no request panicked").clone()
    }

    /// Empties the log and starts counting from 1 again.
    pub fn forget_requests(&self) {
        self.shared.calls.lock().expect("no request panicked").clear();
        self.shared.count.store(0, Ordering::SeqCst);
    }

    /// Where it answers.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on `hook` sees each request before it is answered. It may change the workspace,
    /// and it may answer in the sandbox's stead. The key is checked after it.
    pub fn on_request(&self, hook: impl FnMut(&Call, &mut Model) -> Option<Response> + Send + 'static) {
        *self.shared.hook.lock().expect("no request panicked") = Some(Box::new(hook));
    }
}

async fn serve<L: Listener>(listener: L, router: Router, stopped: oneshot::Receiver<()>)
where
    L::Addr: std::fmt::Debug,
{
    let stopped = async {
        let _ = stopped.await;
    };
    let server = axum::serve(listener, router).with_graceful_shutdown(stopped);
    server.await.expect("accepting connections does not end in an error");
}

fn router(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/api/v1/runs/", only_get(get(run_list)))
        .route("/api/v1/runs/{id}/", only_get(get(run)))
        .route("/api/v1/sources/", only_get(get(sources)))
        .route("/api/v1/destinations/", only_get(get(destinations)))
        .route("/api/v1/transformations/", only_get(get(transformations)))
        .route_layer(from_fn_with_state(shared.clone(), check_key))
        .fallback(append_slash)
        .layer(from_fn_with_state(shared.clone(), watch))
        .with_state(shared.clone())
}

fn only_get(route: MethodRouter<Arc<Shared>>) -> MethodRouter<Arc<Shared>> {
    route.fallback(async |method: Method| {
        refusal(StatusCode::METHOD_NOT_ALLOWED, &format!("Method \"{method}\" not allowed."))
    })
}

/// Counts and logs each request, lets the hook see it, and waits.
async fn watch(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let call = Call {
        number: shared.count.fetch_add(1, Ordering::SeqCst) + 1,
        method: request.method().to_string(),
        path: request.uri().path().to_string(),
        query: request.uri().query().unwrap_or_default().to_string(),
    };
    let instead = shared
        .hook
        .lock()
        .expect("no request panicked")
        .as_mut()
        .and_then(|hook| hook(&call, &mut shared.model.lock().expect("no request panicked")));
    if shared.options.log {
        shared.calls.lock().expect("no request panicked").push(call);
    }
    if !shared.options.latency.is_zero() {
        tokio::time::sleep(shared.options.latency).await;
    }
    match instead {
        Some(response) => response,
        None => next.run(request).await,
    }
}

/// The contract has both refusals for runs, and 403 alone for the lists of pipelines.
async fn check_key(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let of_runs = request.uri().path().starts_with("/api/v1/runs/");
    match request.headers().get("x-api-key") {
        Some(key) if key.as_bytes() == shared.options.api_key.as_bytes() => next.run(request).await,
        Some(_) => refusal(StatusCode::FORBIDDEN, "Invalid API key."),
        None => {
            let status = if of_runs { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN };
            refusal(status, "Authentication credentials were not provided.")
        }
    }
}

async fn run_list(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = Query::parse(&query.unwrap_or_default());
    let model = shared.model.lock().expect("no request panicked");
    let Ok(page) = paging::page(&query, shared.lengths(), model.count()) else {
        return refusal(StatusCode::NOT_FOUND, "Invalid page.");
    };
    let expanded: Vec<&str> = query.all("expand[]").collect();
    let as_kept = expanded.is_empty() && model.left_out().is_empty();
    let mut body = shared.page_head("/api/v1/runs/", &headers, model.count(), &page);
    let runs = model.listed_at(page.places);
    if as_kept {
        join(&mut body, runs.map(|kept| &*kept.text));
    } else {
        join(&mut body, runs.map(|kept| reshaped(&model, &kept.text, &expanded, model.left_out())));
    }
    body.push_str("]}");
    json_text(StatusCode::OK, body)
}

async fn run(
    State(shared): State<Arc<Shared>>,
    path: Result<Path<String>, axum::extract::rejection::PathRejection>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = Query::parse(&query.unwrap_or_default());
    let expanded: Vec<&str> = query.all("expand[]").collect();
    let id = path.ok().and_then(|Path(text)| Uuid::parse_str(&text).ok());
    let model = shared.model.lock().expect("no request panicked");
    match id.and_then(|id| model.run(id)) {
        Some(text) if expanded.is_empty() => json_text(StatusCode::OK, text.to_string()),
        Some(text) => json_text(StatusCode::OK, reshaped(&model, text, &expanded, &[])),
        None => refusal(StatusCode::NOT_FOUND, "No Run matches the given query."),
    }
}

async fn sources(shared: State<Arc<Shared>>, query: RawQuery, headers: HeaderMap) -> Response {
    pipeline_list(shared, PipelineKind::Source, query, &headers)
}

async fn destinations(shared: State<Arc<Shared>>, query: RawQuery, headers: HeaderMap) -> Response {
    pipeline_list(shared, PipelineKind::Destination, query, &headers)
}

async fn transformations(shared: State<Arc<Shared>>, query: RawQuery, headers: HeaderMap) -> Response {
    pipeline_list(shared, PipelineKind::Transformation, query, &headers)
}

fn pipeline_list(
    State(shared): State<Arc<Shared>>,
    kind: PipelineKind,
    RawQuery(query): RawQuery,
    headers: &HeaderMap,
) -> Response {
    let query = Query::parse(&query.unwrap_or_default());
    let model = shared.model.lock().expect("no request panicked");
    let mut pipelines: Vec<Document> = model.pipelines(kind).map(|(_, it)| it.clone()).collect();
    let count = pipelines.len();
    // The contract has no 404 here: a page that does not exist is an empty one.
    let nothing = paging::Page { places: 0..0, next: None, previous: None };
    let page = paging::page(&query, shared.lengths(), count).unwrap_or(nothing);
    for path in query.all("expand[]") {
        pipelines.iter_mut().for_each(|pipeline| expand(&model, pipeline, path));
    }
    let path = format!("/api/v1/{}s/", kind.as_str());
    let mut body = shared.page_head(&path, headers, count, &page);
    join(&mut body, pipelines[page.places].iter().map(|it| json!(it).to_string()));
    body.push_str("]}");
    json_text(StatusCode::OK, body)
}

/// What is no endpoint: a path that only lacks its slash is sent on its way, as Django does.
async fn append_slash(request: Request) -> Response {
    const LISTS: [&str; 4] = ["runs", "sources", "destinations", "transformations"];
    let path = request.uri().path();
    let known = path.strip_prefix("/api/v1/").is_some_and(|rest| {
        LISTS.contains(&rest)
            || rest.strip_prefix("runs/").is_some_and(|id| !id.is_empty() && !id.contains('/'))
    });
    if !known {
        return refusal(StatusCode::NOT_FOUND, "Not found.");
    }
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, format!("{path}/{query}"))]).into_response()
}

impl Shared {
    fn lengths(&self) -> Lengths {
        Lengths { default: self.options.page_size, greatest: self.options.max_page_size }
    }

    /// A page's JSON up to its first item.
    fn page_head(&self, path: &str, headers: &HeaderMap, count: usize, page: &paging::Page) -> String {
        let asked = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = asked.map_or_else(|| self.address.to_string(), ToString::to_string);
        let link = |query: &Option<String>| {
            json!(query.as_ref().map(|query| match query.as_str() {
                "" => format!("http://{host}{path}"),
                query => format!("http://{host}{path}?{query}"),
            }))
        };
        let mut body = String::with_capacity(500 + page.places.len() * 1400);
        let (next, previous) = (link(&page.next), link(&page.previous));
        write!(body, r#"{{"count":{count},"next":{next},"previous":{previous},"results":["#)
            .expect("a string takes what is written");
        body
    }
}

/// A run with some fields expanded and others left out; text that is no object stays as it is.
fn reshaped(model: &Model, text: &str, expanded: &[&str], left_out: &[String]) -> String {
    let Ok(mut document) = serde_json::from_str::<Document>(text) else {
        return text.to_string();
    };
    for path in expanded {
        expand(model, &mut document, path);
    }
    document.retain(|field, _| !left_out.contains(field));
    render_run(&document)
}

fn join<Item: AsRef<str>>(body: &mut String, items: impl Iterator<Item = Item>) {
    for (number, item) in items.enumerate() {
        if number > 0 {
            body.push(',');
        }
        body.push_str(item.as_ref());
    }
}

fn refusal(status: StatusCode, detail: &str) -> Response {
    json_text(status, json!({ "detail": detail }).to_string())
}

fn json_text(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::super::model::{Order, Outcome, Plan};
    use super::super::{TOKEN_PREFIX, model};
    use super::*;
    use serde_json::Value;

    fn workspace(runs: usize) -> Model {
        Model::new(&Plan { runs, ..Plan::ending_at("2026-11-23T16:00:00Z".parse().unwrap()) })
    }

    async fn sandbox(runs: usize) -> Sandbox {
        Sandbox::start(workspace(runs), Options::default()).await.unwrap()
    }

    fn client() -> reqwest::Client {
        // A second installation is refused, and no matter.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let no_redirects = reqwest::redirect::Policy::none();
        reqwest::Client::builder().redirect(no_redirects).no_proxy().build().unwrap()
    }

    /// Status and body of an answer; the body is null if it is no JSON.
    async fn ask(sandbox: &Sandbox, path: &str) -> (u16, Value) {
        let url = format!("{}/api/v1{path}", sandbox.url());
        let answer = client().get(url).header("x-api-key", API_KEY).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }

    async fn page(sandbox: &Sandbox, query: &str) -> Value {
        let (status, page) = ask(sandbox, &format!("/runs/{query}")).await;
        assert_eq!(status, 200, "{page}");
        page
    }

    fn ids(page: &Value) -> Vec<Uuid> {
        let ids = page["results"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap());
        ids.map(|id| id.parse().unwrap()).collect()
    }

    #[tokio::test]
    async fn the_key_is_asked_for_as_the_contract_has_it() {
        let sandbox = sandbox(1).await;
        let status = async |path: &str, key: Option<&str>| {
            let mut request = client().get(format!("{}/api/v1{path}", sandbox.url()));
            if let Some(key) = key {
                request = request.header("x-api-key", key);
            }
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
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
    async fn following_next_meets_every_run_once_in_the_order_of_the_list() {
        let sandbox = sandbox(250).await;
        let mut met = Vec::new();
        let mut url = format!("{}/api/v1/runs/?page_size=60", sandbox.url());
        loop {
            let answer = client().get(&url).header("x-api-key", API_KEY).send().await.unwrap();
            let page: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
            assert_eq!(page["count"], 250);
            met.extend(ids(&page));
            let Some(next) = page["next"].as_str() else {
                break;
            };
            assert!(next.starts_with(&sandbox.url()), "{next}");
            url = next.to_string();
        }
        assert!(sandbox.model().ids().eq(met));
        assert_eq!(sandbox.request_count(), 5);
    }

    #[tokio::test]
    async fn links_name_the_host_that_was_asked_and_keep_the_query() {
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
    async fn a_page_too_long_is_cut_and_a_page_past_the_end_is_not_found() {
        let sandbox = sandbox(700).await;
        assert_eq!(ids(&page(&sandbox, "?page_size=10000").await).len(), 500);
        assert_eq!(ids(&page(&sandbox, "").await).len(), 100);
        let invalid = (404, json!({ "detail": "Invalid page." }));
        assert_eq!(ask(&sandbox, "/runs/?page=8").await, invalid);
        assert_eq!(ask(&sandbox, "/runs/?page=0").await, invalid);
        assert_eq!(ask(&sandbox, "/runs/?page=x").await, invalid);
    }

    #[tokio::test]
    async fn an_empty_workspace_has_one_empty_page() {
        let empty = json!({ "count": 0, "next": null, "previous": null, "results": [] });
        assert_eq!(page(&sandbox(0).await, "").await, empty);
    }

    #[tokio::test]
    async fn a_run_is_found_by_its_id_and_nothing_else_is() {
        let sandbox = sandbox(20).await;
        let id = sandbox.model().ids().nth(7).unwrap();
        let truth: Value = serde_json::from_str(sandbox.model().run(id).unwrap()).unwrap();
        assert_eq!(ask(&sandbox, &format!("/runs/{id}/")).await, (200, truth));
        sandbox.model().delete(id);
        for unknown in [id.to_string(), Uuid::nil().to_string(), "abc".into(), "%FF".into()] {
            let (status, body) = ask(&sandbox, &format!("/runs/{unknown}/")).await;
            assert_eq!(status, 404, "{unknown}");
            assert!(body["detail"].is_string());
        }
    }

    #[tokio::test]
    async fn expanded_ids_become_the_objects_behind_them() {
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
    async fn dots_reach_what_lies_deeper_and_unknown_fields_are_ignored() {
        let sandbox = sandbox(100).await;
        let model = workspace(100);
        let mut ids = model.ids();
        let id = ids.find(|id| model.document(*id).unwrap()["source"].is_string()).unwrap();
        let query = "expand[]=source.connector_version.connector&expand[]=number&expand[]=a.b";
        let (_, run) = ask(&sandbox, &format!("/runs/{id}/?{query}")).await;
        assert!(run["source"]["connector_version"]["connector"]["slug"].is_string(), "{run}");
        assert!(run["number"].is_u64());
    }

    #[tokio::test]
    async fn the_three_lists_share_out_the_pipelines() {
        let sandbox = sandbox(0).await;
        let mut count = 0;
        for kind in PipelineKind::ALL {
            let (status, page) = ask(&sandbox, &format!("/{}s/?page_size=5", kind.as_str())).await;
            assert_eq!((status, page["results"].as_array().unwrap().len()), (200, 5));
            assert!(page["next"].as_str().unwrap().contains(&format!("/{}s/?page=2", kind.as_str())));
            count += page["count"].as_u64().unwrap();
        }
        assert_eq!(count, 40);
        let (status, beyond) = ask(&sandbox, "/sources/?page=99").await;
        assert_eq!((status, &beyond["results"]), (200, &json!([])));
    }

    #[tokio::test]
    async fn a_path_without_its_slash_is_sent_to_the_one_with_it() {
        let sandbox = sandbox(1).await;
        for path in ["/api/v1/runs", "/api/v1/transformations", "/api/v1/runs/abc"] {
            let answer = client().get(format!("{}{path}?a=1", sandbox.url())).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), 301);
            assert_eq!(answer.headers()["location"], format!("{path}/?a=1"));
        }
        assert_eq!(ask(&sandbox, "/users").await.0, 404);
        assert_eq!(ask(&sandbox, "/users/").await.0, 404);
    }

    #[tokio::test]
    async fn the_workspace_changes_between_two_requests() {
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
    async fn a_hook_may_answer_instead() {
        let sandbox = sandbox(1).await;
        sandbox.on_request(|call, _| {
            (call.number == 1)
                .then(|| (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "3")]).into_response())
        });
        assert_eq!(ask(&sandbox, "/runs/").await.0, 429);
        assert_eq!(ask(&sandbox, "/runs/").await.0, 200);
    }

    #[tokio::test]
    async fn requests_are_remembered_and_can_be_forgotten() {
        let sandbox = sandbox(1).await;
        page(&sandbox, "?page=1&x=%20").await;
        let call = Call {
            number: 1,
            method: "GET".into(),
            path: "/api/v1/runs/".into(),
            query: "page=1&x=%20".into(),
        };
        assert_eq!(sandbox.requests(), [call]);
        sandbox.forget_requests();
        assert_eq!((sandbox.requests(), sandbox.request_count()), (vec![], 0));
    }

    #[tokio::test]
    async fn list_items_may_lack_what_details_have() {
        let sandbox = sandbox(10).await;
        sandbox.model().leave_out_of_lists(&["el_cost_metadata", "trigger"]);
        let list = page(&sandbox, "").await;
        let item = list["results"][0].as_object().unwrap();
        assert!(!item.contains_key("trigger") && item.contains_key("status"));
        let (_, details) = ask(&sandbox, &format!("/runs/{}/", ids(&list)[0])).await;
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
    async fn a_run_that_ends_is_seen_to_end() {
        let sandbox = sandbox(10).await;
        let id = sandbox.model().in_progress()[0];
        sandbox.model().finish(id, Outcome::Failed);
        let (_, run) = ask(&sandbox, &format!("/runs/{id}/")).await;
        assert_eq!(
            (&run["status"], &run["ended_at"]),
            (&json!("failed"), &json!(model::instant(sandbox.model().now())))
        );
    }

    #[tokio::test]
    async fn a_dropped_sandbox_takes_no_more_connections() {
        let sandbox = sandbox(1).await;
        let address = sandbox.address;
        drop(sandbox);
        // The server notices at its next turn.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
            if tokio::net::TcpStream::connect(address).await.is_err() {
                return;
            }
        }
        panic!("it still answers");
    }
}
