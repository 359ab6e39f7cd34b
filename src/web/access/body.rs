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
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => rails::too_large(bytes_max),
        _ => ApiError::new(
            StatusCode::BAD_REQUEST,
            "broken_body",
            format!("the body did not arrive whole: {}", rejection.body_text()),
        ),
    })?;
    serde_json::from_slice(&body).map_err(|error| {
        ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "bad_request",
            format!("the body cannot be read ({error}); it must be {right}"),
        )
    })
}
