//! Incidents: the list, what people say of them, and one of them as a file.
//!
//! Not here: their pictures (`routes`) and what else is kept of them (`evidence`).

mod archive;
pub(super) mod export;
pub(super) mod list;
mod zip;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{Access, Caller, Role, body};
use super::dto::timestamp;
use super::error::{ApiError, ErrorBody};
use super::query::path_number;
use super::{App, RouteEntry, rails, routes};
use crate::guard::handle::{ClerkError, Judgement, NOTE_CHARS_MAX, VerdictError, VerdictRow};
use crate::telemetry::chain;

/// The routes, with who may use them.
pub(super) fn table() -> Vec<RouteEntry> {
    let timed = || middleware::from_fn(rails::within_time);
    let supervisor = Access::AtLeast(Role::Supervisor);
    vec![
        ("post", "/api/incidents/{id}/verdict", supervisor, post(judge).layer(timed())),
        ("get", "/api/incidents/{id}/export.zip", supervisor, get(export::export).layer(timed())),
    ]
}

/// What somebody judged an incident to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct JudgeDto {
    /// `true`, `false` or `test`.
    verdict: String,
    /// At most 500 characters.
    #[serde(default)]
    note: String,
}

/// A verdict as kept.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JudgementDto {
    incident: u64,
    /// `true`: somebody was there who must not be; `false`; `test`.
    verdict: &'static str,
    by: String,
    at: String,
    note: String,
}

impl From<VerdictRow> for JudgementDto {
    fn from(row: VerdictRow) -> JudgementDto {
        let (incident, verdict) = (row.incident, row.verdict.as_str());
        JudgementDto { incident, verdict, by: row.by, at: timestamp(row.at), note: row.note }
    }
}

/// Keeps what the person who is signed in judged an incident to be; changes no alarm.
#[utoipa::path(
    post,
    path = "/api/incidents/{id}/verdict",
    params(("id" = u64, Path, description = "Incident number")),
    request_body = JudgeDto,
    responses(
        (status = 200, body = JudgementDto),
        (status = 404, description = "`unknown_incident`", body = ErrorBody),
        (status = 422, description = "`bad_request`, names the field", body = ErrorBody),
        (status = 503, description = "`busy`, `unclear`, `stopping`, `store`", body = ErrorBody),
    )
)]
pub(super) async fn judge(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<JudgementDto>, ApiError> {
    let id = path_number(path)?;
    let JudgeDto { verdict, note } =
        body::object(sent, "{\"verdict\": \"false\", \"note\": \"…\"}")?;
    let verdict = Judgement::parse(&verdict)
        .ok_or_else(|| ApiError::bad_request("verdict", &verdict, "true, false or test"))?;
    let note = note.trim().to_owned();
    let plain = !note.chars().any(|letter| letter.is_control() && letter != '\n');
    if note.chars().count() > NOTE_CHARS_MAX || !plain {
        let right = format!("at most {NOTE_CHARS_MAX} characters");
        return Err(ApiError::bad_request("note", &note, &right));
    }
    let by = caller.name;
    let judged =
        routes::ask(&app, move |handle| handle.judging().judge(id, verdict, &by, &note)).await?;
    Ok(Json(judged.map_err(verdict_error)?.into()))
}

fn verdict_error(error: VerdictError) -> ApiError {
    let text = chain(&error);
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    let (status, code) = match error {
        VerdictError::NoIncident(_) => (StatusCode::NOT_FOUND, "unknown_incident"),
        VerdictError::Clerk(ClerkError::Busy) => (unavailable, "busy"),
        VerdictError::Clerk(ClerkError::Unclear) => (unavailable, "unclear"),
        VerdictError::Clerk(ClerkError::Stopping) => (unavailable, "stopping"),
        VerdictError::Store(_) => (unavailable, "store"),
    };
    ApiError::new(status, code, text)
}
