//! The five endpoints of the API contract, with its checks and redirects.

use super::Shared;
use crate::sandbox::expand::expand;
use crate::sandbox::model::{Document, Model, render_run};
use crate::sandbox::paging::{self, PageSizes, Query};
use crate::store::PipelineKind;
use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use serde_json::json;
use std::fmt::Write;
use std::sync::Arc;
use uuid::Uuid;

pub(super) fn router(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/api/v1/runs/", only_get(get(run_list)))
        .route("/api/v1/runs/{id}/", only_get(get(run)))
        .route("/api/v1/sources/", only_get(get(sources)))
        .route("/api/v1/destinations/", only_get(get(destinations)))
        .route("/api/v1/transformations/", only_get(get(transformations)))
        .route_layer(from_fn_with_state(shared.clone(), check_key))
        .fallback(append_slash)
        .layer(from_fn_with_state(shared.clone(), intercept))
        .with_state(shared.clone())
}

fn only_get(route: MethodRouter<Arc<Shared>>) -> MethodRouter<Arc<Shared>> {
    route.fallback(async |method: Method| {
        error(StatusCode::METHOD_NOT_ALLOWED, &format!("Method \"{method}\" not allowed."))
    })
}

/// Logs each request, runs the hook, and adds the latency.
async fn intercept(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let response = shared.intercept(
        request.method().to_string(),
        request.uri().path().to_string(),
        request.uri().query().unwrap_or_default().to_string(),
    );
    if !shared.options.latency.is_zero() {
        tokio::time::sleep(shared.options.latency).await;
    }
    match response {
        Some(response) => response,
        None => next.run(request).await,
    }
}

/// The contract has 401 and 403 for runs, and only 403 for the lists of pipelines.
async fn check_key(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let of_runs = request.uri().path().starts_with("/api/v1/runs/");
    match request.headers().get("x-api-key") {
        Some(key) if key.as_bytes() == shared.options.api_key.as_bytes() => next.run(request).await,
        Some(_) => error(StatusCode::FORBIDDEN, "Invalid API key."),
        None => {
            let status = if of_runs { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN };
            error(status, "Authentication credentials were not provided.")
        }
    }
}

async fn run_list(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = Query::parse(&query.unwrap_or_default());
    let model = shared.model();
    let Ok(page) = paging::page(&query, shared.page_sizes(), model.count()) else {
        return error(StatusCode::NOT_FOUND, "Invalid page.");
    };
    let expanded: Vec<&str> = query.all("expand[]").collect();
    let mut body = shared.page_start("/api/v1/runs/", &headers, model.count(), &page);
    let runs = model.listed_in(page.range);
    if expanded.is_empty() && model.omitted_fields().is_empty() {
        join(&mut body, runs.map(|item| &*item.text));
    } else {
        join(&mut body, runs.map(|item| reshape(&model, &item.text, &expanded, model.omitted_fields())));
    }
    body.push_str("]}");
    json_response(StatusCode::OK, body)
}

async fn run(
    State(shared): State<Arc<Shared>>,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = Query::parse(&query.unwrap_or_default());
    let expanded: Vec<&str> = query.all("expand[]").collect();
    let id = path.ok().and_then(|Path(text)| Uuid::parse_str(&text).ok());
    let model = shared.model();
    match id.and_then(|id| model.run(id)) {
        Some(text) if expanded.is_empty() => json_response(StatusCode::OK, text.to_string()),
        Some(text) => json_response(StatusCode::OK, reshape(&model, text, &expanded, &[])),
        None => error(StatusCode::NOT_FOUND, "No Run matches the given query."),
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
    let model = shared.model();
    let mut pipelines: Vec<Document> = model.pipelines(kind).map(|(_, document)| document.clone()).collect();
    let count = pipelines.len();
    // The contract has no 404 here: a page past the end is empty.
    let empty = paging::Page { range: 0..0, next: None, previous: None };
    let page = paging::page(&query, shared.page_sizes(), count).unwrap_or(empty);
    for path in query.all("expand[]") {
        pipelines.iter_mut().for_each(|pipeline| expand(&model, pipeline, path));
    }
    let path = format!("/api/v1/{}s/", kind.as_str());
    let mut body = shared.page_start(&path, headers, count, &page);
    join(&mut body, pipelines[page.range].iter().map(|document| json!(document).to_string()));
    body.push_str("]}");
    json_response(StatusCode::OK, body)
}

/// Redirects a known path without its trailing slash, as Django does. Any other path is not found.
async fn append_slash(request: Request) -> Response {
    const LISTS: [&str; 4] = ["runs", "sources", "destinations", "transformations"];
    let path = request.uri().path();
    let known = path.strip_prefix("/api/v1/").is_some_and(|rest| {
        LISTS.contains(&rest)
            || rest.strip_prefix("runs/").is_some_and(|id| !id.is_empty() && !id.contains('/'))
    });
    if !known {
        return error(StatusCode::NOT_FOUND, "Not found.");
    }
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, format!("{path}/{query}"))]).into_response()
}

impl Shared {
    fn page_sizes(&self) -> PageSizes {
        PageSizes { default: self.options.page_size, max: self.options.max_page_size }
    }

    /// A page's JSON up to its first item.
    fn page_start(&self, path: &str, headers: &HeaderMap, count: usize, page: &paging::Page) -> String {
        let requested = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = requested.map_or_else(|| self.address.to_string(), ToString::to_string);
        let link = |query: &Option<String>| {
            json!(query.as_ref().map(|query| match query.as_str() {
                "" => format!("http://{host}{path}"),
                query => format!("http://{host}{path}?{query}"),
            }))
        };
        let mut body = String::with_capacity(500 + page.range.len() * 1400);
        let (next, previous) = (link(&page.next), link(&page.previous));
        write!(body, r#"{{"count":{count},"next":{next},"previous":{previous},"results":["#)
            .expect("writing to a string never fails");
        body
    }
}

/// A run with some fields expanded and others omitted. Text that is not a JSON object stays as it is.
fn reshape(model: &Model, text: &str, expanded: &[&str], omitted: &[String]) -> String {
    let Ok(mut document) = serde_json::from_str::<Document>(text) else {
        return text.to_string();
    };
    for path in expanded {
        expand(model, &mut document, path);
    }
    document.retain(|field, _| !omitted.contains(field));
    render_run(&document)
}

fn join<Item: AsRef<str>>(body: &mut String, items: impl Iterator<Item = Item>) {
    for (index, item) in items.enumerate() {
        if index > 0 {
            body.push(',');
        }
        body.push_str(item.as_ref());
    }
}

fn error(status: StatusCode, detail: &str) -> Response {
    json_response(status, json!({ "detail": detail }).to_string())
}

fn json_response(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
