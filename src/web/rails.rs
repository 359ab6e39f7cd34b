//! What stands between the API and the rest of the world while there is no sign-in.
//!
//! - `Host` must be a loopback name: a foreign name that resolves to this machine (DNS rebinding)
//!   would make a stranger's page same-origin with ours.
//! - A request that changes something, and a WebSocket, must come from our own page or from no page
//!   at all: `Origin`, where there is one, equals `Host`.
//! - A change carries `application/json`, which no plain HTML form can send.
//!
//! Not here: who the person is.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, uri::Authority};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::ApiError;
use super::{BODY_BYTES_MAX, REQUEST_TIMEOUT};

/// Scripts, styles and connections only to ourselves; nobody may frame the page (a hidden button
/// over ours would acknowledge an alarm).
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; img-src 'self' blob: data:; \
    connect-src 'self' ws:; object-src 'none'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// Refuses what may not come in, before anything else looks at it.
pub(super) async fn keep_out(request: Request, next: Next) -> Response {
    match check(&request) {
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
pub(super) async fn add_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
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

fn check(request: &Request) -> Result<(), ApiError> {
    let host = host(request)?;
    let headers = request.headers();
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if changes || headers.contains_key(header::UPGRADE) {
        check_origin(headers, &host)?;
    }
    if changes {
        check_content_type(headers)?;
        check_length(headers)?;
    }
    Ok(())
}

/// The host the request is for; it must be a loopback name or address, whatever the port.
fn host(request: &Request) -> Result<String, ApiError> {
    let refused = |found: &str| {
        ApiError::new(
            StatusCode::MISDIRECTED_REQUEST,
            "wrong_host",
            format!(
                "this box answers only to localhost, 127.0.0.1 and [::1], and was asked as {found}"
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
        Ok(authority) if !host.contains('@') && is_loopback(authority.host()) => {
            Ok(host.to_ascii_lowercase())
        }
        Ok(_) | Err(_) => Err(refused(&format!("{host:?}"))),
    }
}

fn is_loopback(name: &str) -> bool {
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn check_origin(headers: &HeaderMap, host: &str) -> Result<(), ApiError> {
    let mine = format!("http://{host}");
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

fn check_content_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let found =
        headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or("unreadable"));
    let kind = found.and_then(|value| value.split(';').next()).map(str::trim);
    if kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "wrong_content_type",
        format!(
            "the header Content-Type is {}; it must be application/json",
            found.map_or_else(|| "missing".to_owned(), |found| format!("{found:?}"))
        ),
    ))
}

/// An honest sender is told at once; one that says nothing is stopped while its body is read.
fn check_length(headers: &HeaderMap) -> Result<(), ApiError> {
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<u64>().ok());
    match length {
        Some(bytes) if bytes > BODY_BYTES_MAX as u64 => Err(too_large()),
        Some(_) | None => Ok(()),
    }
}

/// 413.
pub(super) fn too_large() -> ApiError {
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        format!("the body is larger than {BODY_BYTES_MAX} bytes"),
    )
}
