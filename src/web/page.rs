//! The page, built into the binary: a box has no files beside it that could be missing.
//!
//! File names under `assets/` carry a hash of their content, so browsers may keep them for ever;
//! everything else is asked for again each time and answered with 304 while it is the same.

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::error::{self, ApiError};
use crate::digest::hex;

#[derive(RustEmbed)]
#[folder = "web/dist"]
struct Files;

/// Everything that is no API route.
pub(super) async fn page(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path();
    if path == "/api" || path.starts_with("/api/") {
        let message = format!("there is no {path}; /api/openapi.json lists what there is");
        return ApiError::new(StatusCode::NOT_FOUND, "not_found", message).into_response();
    }
    let name = match path {
        "/" => "index.html",
        other => other.trim_start_matches('/'),
    };
    let Some(file) = Files::get(name) else {
        return (StatusCode::NOT_FOUND, "there is no such page here\n").into_response();
    };
    if !matches!(method, Method::GET | Method::HEAD) {
        let allow = [(header::ALLOW, "GET,HEAD")];
        return (allow, error::wrong_method(method, uri).await).into_response();
    }
    send(name, file, &headers)
}

/// The page of handhelds, and nothing of the operator's.
pub(super) async fn handheld(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path();
    if path == "/api" || path.starts_with("/api/") {
        let message = format!("there is no {path} for handhelds");
        return ApiError::new(StatusCode::NOT_FOUND, "not_found", message).into_response();
    }
    let name = match path {
        "/" => return axum::response::Redirect::temporary("/handheld").into_response(),
        "/handheld" | "/handheld/" => HANDHELD_PAGE,
        other => other.trim_start_matches('/'),
    };
    let is_theirs = name == HANDHELD_PAGE || is_in(name, "handheld") || is_in(name, "assets");
    // A path without an ending is a view of the page itself.
    let is_view = is_in(name, "handheld") && !name.contains('.');
    let name = if is_view { HANDHELD_PAGE } else { name };
    let Some(file) = Files::get(name).filter(|_file| is_theirs) else {
        return (StatusCode::NOT_FOUND, "there is no such page here\n").into_response();
    };
    if !matches!(method, Method::GET | Method::HEAD) {
        let allow = [(header::ALLOW, "GET,HEAD")];
        return (allow, error::wrong_method(method, uri).await).into_response();
    }
    let mut response = send(name, file, &headers);
    if name == SERVICE_WORKER {
        // It lies below the page that it serves.
        let scope = HeaderValue::from_static("/handheld");
        response.headers_mut().insert("service-worker-allowed", scope);
    }
    response
}

const HANDHELD_PAGE: &str = "handheld.html";
const SERVICE_WORKER: &str = "handheld/sw.js";

fn is_in(name: &str, folder: &str) -> bool {
    name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn send(name: &str, file: EmbeddedFile, asked: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", hex(&file.metadata.sha256_hash()));
    let keep = if name.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let known = asked
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == tag);
    let headers = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, keep.to_owned()),
        (header::CONTENT_TYPE, content_type(name).to_owned()),
    ];
    if known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, file.data.into_owned()).into_response()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        Some("wav") => "audio/wav",
        Some(_) | None => "application/octet-stream",
    }
}
