//! Bodies: JSON objects of a known shape, refused with what would be right.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use serde::de::DeserializeOwned;

use crate::web::error::ApiError;
use crate::web::{BODY_BYTES_MAX, rails};

/// The object in a body; `right` shows what it must look like.
pub(in crate::web) fn object<T: DeserializeOwned>(
    body: Result<Bytes, BytesRejection>,
    right: &str,
) -> Result<T, ApiError> {
    object_within(body, BODY_BYTES_MAX, right)
}

/// The same where the route takes larger bodies.
pub(in crate::web) fn object_within<T: DeserializeOwned>(
    body: Result<Bytes, BytesRejection>,
    bytes_max: usize,
    right: &str,
) -> Result<T, ApiError> {
    let body = whole(body, bytes_max)?;
    // serde would take a list as the members in their order.
    let is_list = body.trim_ascii_start().first() == Some(&b'[');
    let read = match is_list {
        false => serde_json::from_slice(&body),
        true => Err(serde::de::Error::custom("it is a list")),
    };
    read.map_err(|error: serde_json::Error| {
        let refusal = ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "bad_request",
            format!("the body cannot be read ({error}); it must be {right}"),
        );
        match member_in(&error) {
            Some(member) => refusal.about(&member),
            None => refusal.about(WHOLE),
        }
    })
}

/// A body that arrived whole.
pub(in crate::web) fn whole(
    body: Result<Bytes, BytesRejection>,
    bytes_max: usize,
) -> Result<Bytes, ApiError> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => rails::too_large(bytes_max),
        _ => ApiError::new(
            StatusCode::BAD_REQUEST,
            "broken_body",
            format!("the body did not arrive whole: {}", rejection.body_text()),
        ),
    })
}

/// What a refusal is about when it is about no single member.
const WHOLE: &str = "body";

/// The member that serde speaks of: one that is missing, unknown or there twice.
fn member_in(error: &serde_json::Error) -> Option<String> {
    let text = error.to_string();
    let known = ["missing field `", "unknown field `", "duplicate field `"];
    let named = known.iter().find_map(|start| text.strip_prefix(start))?;
    named.split('`').next().map(str::to_owned)
}
