//! Machine inputs that are posted: `POST /api/inputs/{name}`.
//!
//! Not here: how long a value counts, and what it arms (the arming thread).

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::access::{Caller, body};
use super::error::{ApiError, ErrorBody};
use crate::guard::handle::{InputValue, SetInputError};

/// A value of an input, as it is now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetInputDto {
    value: InputValueDto,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum InputValueDto {
    On,
    Off,
}

/// The value that was taken. It counts until the input's `max_age_ms` has passed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TakenInputDto {
    name: String,
    value: InputValueDto,
}

/// Takes a value for an input that is heard by HTTP.
#[utoipa::path(
    post,
    path = "/api/inputs/{name}",
    params(("name" = String, Path, description = "Name of the input in the configuration")),
    request_body = SetInputDto,
    responses(
        (status = 200, body = TakenInputDto),
        (status = 401, description = "`sign_in_needed`", body = ErrorBody),
        (status = 403, description = "`role_needed`, `csrf_needed`, `wrong_origin`", body = ErrorBody),
        (status = 404, description = "`unknown_input`", body = ErrorBody),
        (status = 409, description = "`not_posted`: the input is heard in another way", body = ErrorBody),
        (status = 413, description = "`too_large`", body = ErrorBody),
        (status = 415, description = "`wrong_content_type`", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`busy`, `stopping`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn set(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<TakenInputDto>, ApiError> {
    let refused = |refusal: SetInputError| {
        let (status, code) = match refusal {
            SetInputError::UnknownInput => (StatusCode::NOT_FOUND, "unknown_input"),
            SetInputError::NotPosted => (StatusCode::CONFLICT, "not_posted"),
            SetInputError::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            SetInputError::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        };
        ApiError::new(status, code, refusal.to_string())
    };
    // A name that is no text is nobody's.
    let Ok(Path(name)) = path else {
        return Err(refused(SetInputError::UnknownInput));
    };
    let right = r#"{"value": "on"} or {"value": "off"}"#;
    let said = body::object::<SetInputDto>(sent, right)?.value;
    let value = match said {
        InputValueDto::On => InputValue::On,
        InputValueDto::Off => InputValue::Off,
    };
    app.handle.set_input(&name, value, &caller.name).map_err(refused)?;
    Ok(Json(TakenInputDto { name, value: said }))
}
