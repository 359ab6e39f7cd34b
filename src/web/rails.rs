//! What stands between the API and the rest of the world, before anybody asks who it is.
//!
//! - `Host` must be a loopback name or one that is configured: a foreign name that resolves to this machine (DNS rebinding)
//!   would make a stranger's page same-origin with ours.
//! - A request that changes something, and a WebSocket, must come from our own page or from no page
//!   at all: `Origin`, where there is one, equals `Host`.
//! - A change carries `application/json`, and a model's package `application/octet-stream`: no plain HTML
//!   form can send either.
//!
//! Not here: who the person is (`access`).

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, uri::Authority};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::ApiError;
use super::{App, BODY_BYTES_MAX, Encryption, REQUEST_TIMEOUT, examples, models, zones};

/// Scripts, styles and connections only to ourselves; nobody may frame the page (a hidden button
/// over ours would acknowledge an alarm).
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; img-src 'self' blob: data:; \
    connect-src 'self' ws:; object-src 'none'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

/// The same where everything is encrypted.
const CONTENT_SECURITY_POLICY_UNDER_TLS: &str = "default-src 'self'; img-src 'self' blob: data:; \
    connect-src 'self' wss:; object-src 'none'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

/// Refuses what may not come in, before anything else looks at it.
pub(super) async fn keep_out(State(app): State<App>, request: Request, next: Next) -> Response {
    match check(&app, &request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Cuts a request off that takes too long.
pub(super) async fn within_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_elapsed) => ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too_slow",
            format!("no answer within {} s; the box is busy, try again", REQUEST_TIMEOUT.as_secs()),
        )
        .into_response(),
    }
}

/// Headers every answer carries. Nothing is kept by browsers unless the route said so.
pub(super) async fn add_headers(State(app): State<App>, mut response: Response) -> Response {
    let headers = response.headers_mut();
    let policy = match app.encryption() {
        Encryption::Plain => CONTENT_SECURITY_POLICY,
        Encryption::Tls(_) => CONTENT_SECURITY_POLICY_UNDER_TLS,
    };
    // A page that stands alone is stricter than ours, and says so itself.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(policy));
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn check(app: &App, request: &Request) -> Result<(), ApiError> {
    let host = host(app, request)?;
    let headers = request.headers();
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if changes || headers.contains_key(header::UPGRADE) {
        check_origin(app, headers, &host)?;
    }
    if changes {
        let (method, path) = (request.method(), request.uri().path());
        // No form can send DELETE, and it has no body that had a type.
        if *method != Method::DELETE {
            check_content_type(headers, content_type(method, path))?;
        }
        check_length(headers, body_bytes_max(method, path))?;
    }
    Ok(())
}

/// The host the request is for; it must be one of ours, whatever the port.
fn host(app: &App, request: &Request) -> Result<String, ApiError> {
    let refused = |found: &str| {
        ApiError::new(
            StatusCode::MISDIRECTED_REQUEST,
            "wrong_host",
            format!(
                "this box answers only to {}, and was asked as {found}; if that is its name, write \
                 it into `names` in [web] of standclear.toml",
                app.names.join(", ")
            ),
        )
    };
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().map_err(|_| refused("something unreadable"))?,
        (Some(_), Some(_)) => return Err(refused("two hosts at once")),
        (None, _) => return Err(refused("nobody (no Host header)")),
    };
    let named = request.uri().authority().map(Authority::as_str);
    if named.is_some_and(|named| !named.eq_ignore_ascii_case(host)) {
        return Err(refused("two hosts at once"));
    }
    match host.parse::<Authority>() {
        Ok(authority) if !host.contains('@') && is_ours(&app.names, authority.host()) => {
            Ok(host.to_ascii_lowercase())
        }
        Ok(_) | Err(_) => Err(refused(&format!("{host:?}"))),
    }
}

fn is_ours(names: &[String], name: &str) -> bool {
    let address = name.trim_start_matches('[').trim_end_matches(']');
    match address.parse::<IpAddr>() {
        Ok(address) if address.is_loopback() => true,
        Ok(address) => {
            names.iter().any(|ours| ours.parse::<IpAddr>().is_ok_and(|ours| ours == address))
        }
        Err(_no_address) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            names.iter().any(|ours| ours.eq_ignore_ascii_case(name))
        }
    }
}

fn check_origin(app: &App, headers: &HeaderMap, host: &str) -> Result<(), ApiError> {
    let mine = match app.encryption() {
        Encryption::Plain => format!("http://{host}"),
        Encryption::Tls(_) => format!("https://{host}"),
    };
    for origin in headers.get_all(header::ORIGIN) {
        if !origin.as_bytes().eq_ignore_ascii_case(mine.as_bytes()) {
            return Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "wrong_origin",
                format!("another page ({origin:?}) may not do this; open {mine} itself"),
            ));
        }
    }
    Ok(())
}

fn check_content_type(headers: &HeaderMap, right: &str) -> Result<(), ApiError> {
    let found =
        headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or("unreadable"));
    let kind = found.and_then(|value| value.split(';').next()).map(str::trim);
    if kind.is_some_and(|kind| kind.eq_ignore_ascii_case(right)) {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "wrong_content_type",
        format!(
            "the header Content-Type is {}; it must be {right}",
            found.map_or_else(|| "missing".to_owned(), |found| format!("{found:?}"))
        ),
    ))
}

/// An honest sender is told at once; one that says nothing is stopped while its body is read.
fn check_length(headers: &HeaderMap, bytes_max: usize) -> Result<(), ApiError> {
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<u64>().ok());
    match length {
        Some(bytes) if bytes > bytes_max as u64 => Err(too_large(bytes_max)),
        Some(_) | None => Ok(()),
    }
}

/// Largest body of such a request.
fn body_bytes_max(method: &Method, path: &str) -> usize {
    if zones::has_document(path) {
        zones::DOCUMENT_BODY_BYTES_MAX
    } else if models::is_package(method, path) {
        models::PACKAGE_BYTES_MAX
    } else if models::is_evidence(method, path) {
        models::EVIDENCE_BYTES_MAX
    } else if examples::are_labels(method, path) {
        examples::LABELS_BYTES_MAX
    } else {
        BODY_BYTES_MAX
    }
}

/// What the body of a request to this path must be.
fn content_type(method: &Method, path: &str) -> &'static str {
    if models::is_package(method, path) { "application/octet-stream" } else { "application/json" }
}

/// 413.
pub(super) fn too_large(bytes_max: usize) -> ApiError {
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        format!("the body is larger than {bytes_max} bytes"),
    )
}
