//! An engineer's word that a camera's view is right as it is now.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};

use super::OutOfServiceDto as ReasonDto;
use super::{ApiError, App, Caller, EmptyDto, ErrorBody, body, command, reason_of};
use crate::guard::handle::AlarmCommand;

/// Confirms that the zones fit the camera's view as it is now; it is learned anew.
#[utoipa::path(
    post,
    path = "/api/cameras/{id}/view/confirm",
    params(("id" = String, Path, description = "Camera id")),
    request_body = ReasonDto,
    responses(
        (status = 200, body = EmptyDto),
        (status = 404, description = "`unknown_camera`", body = ErrorBody),
        (status = 409, description = "`view_unseen`: no picture shows it", body = ErrorBody),
        (status = 422, description = "`reason_needed`, `bad_request`", body = ErrorBody),
        (status = 503, description = "`busy`, `stopping`, `too_slow`", body = ErrorBody),
    )
)]
pub(in crate::web) async fn confirm(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<EmptyDto>, ApiError> {
    // A name that is no text is nobody's.
    let camera = path.map(|Path(camera)| camera).unwrap_or_default();
    let sent: ReasonDto = body::object(sent, r#"{"reason": "…"}"#)?;
    let reason = reason_of(&caller, &sent.reason)?;
    command(&app, caller, AlarmCommand::ConfirmView { camera, reason }).await?;
    Ok(Json(EmptyDto {}))
}
