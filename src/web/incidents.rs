//! What people say of incidents, and one incident as a file.
//!
//! Not here: the list of incidents and their pictures (`routes`).

mod zip;

use std::fmt::Write as _;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::access::{Access, Caller, Role, body};
use super::dto::{IncidentDto, timestamp};
use super::error::{ApiError, ErrorBody};
use super::evidence::ask_evidence;
use super::privacy::{self, Sight};
use super::query::{Pairs, path_number};
use super::{App, RouteEntry, rails, routes};
use crate::guard::handle::{
    ClerkError, Handle, HistoryError, IncidentRow, Judgement, NOTE_CHARS_MAX, VerdictError,
    VerdictRow, hex,
};
use crate::telemetry::chain;

/// The routes, with who may use them.
pub(super) fn table() -> Vec<RouteEntry> {
    let timed = || middleware::from_fn(rails::within_time);
    let supervisor = Access::AtLeast(Role::Supervisor);
    vec![
        ("post", "/api/incidents/{id}/verdict", supervisor, post(judge).layer(timed())),
        ("get", "/api/incidents/{id}/export.zip", supervisor, get(export).layer(timed())),
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

/// An incident as it is exported.
#[derive(Serialize)]
struct ExportDto {
    incident: IncidentDto,
    verdict: Option<JudgementDto>,
    exported_by: String,
    exported_at: String,
    /// What is pixelated in the picture: `persons`, `heads`, or nothing.
    hidden: &'static str,
    version: &'static str,
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

/// Everything about an incident in one file: facts, picture and checksums.
#[utoipa::path(
    get,
    path = "/api/incidents/{id}/export.zip",
    params(
        ("id" = u64, Path, description = "Incident number"),
        ("picture" = Option<String>, Query, description = "`clear`, for whoever was granted clear pictures"),
    ),
    responses(
        (status = 200, description = "`incident.json`, `snapshot.jpg` where there is one, `SHA256SUMS`", content_type = "application/zip", body = Vec<u8>),
        (status = 403, description = "`clear_not_granted`", body = ErrorBody),
        (status = 404, description = "`unknown_incident`", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`store`, `busy`: what is not in the audit log is not given", body = ErrorBody),
    )
)]
pub(super) async fn export(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    pairs: Pairs,
) -> Result<impl IntoResponse, ApiError> {
    let id = path_number(path)?;
    let sight = privacy::sight(pairs)?;
    if sight == Sight::Clear {
        privacy::look(&app, &caller, format!("incident {id} export")).await?;
    }
    let by = caller.name;
    let _place = app.evidence.download()?;
    let made = ask_evidence(&app, move |handle| archive(handle, id, &by, sight)).await?;
    let bytes = made?;
    let name = format!("attachment; filename=\"incident-{id}.zip\"");
    Ok((
        [(header::CONTENT_TYPE, "application/zip".to_owned()), (header::CONTENT_DISPOSITION, name)],
        bytes,
    ))
}

/// The file, once the audit log has it.
fn archive(handle: &dyn Handle, id: u64, by: &str, sight: Sight) -> Result<Vec<u8>, ApiError> {
    let row = row_of(handle, id).map_err(routes::store_error)?;
    let row = row.ok_or_else(|| verdict_error(VerdictError::NoIncident(id)))?;
    let at = row.started_at;
    let verdict = handle.verdicts(id, id).map_err(routes::store_error)?.pop();
    let picture = match sight {
        Sight::Shown => handle.incident_snapshot(id),
        Sight::Clear => handle.clear_snapshot(id),
    };
    let picture = picture.map_err(routes::store_error)?;
    let facts = ExportDto {
        incident: row.into(),
        verdict: verdict.map(Into::into),
        exported_by: by.to_owned(),
        exported_at: timestamp(crate::clock::wall()),
        hidden: match sight {
            Sight::Shown => handle.grants().privacy().as_str(),
            Sight::Clear => "off",
        },
        version: env!("CARGO_PKG_VERSION"),
    };
    let facts = serde_json::to_vec_pretty(&facts).map_err(|error| {
        let message = format!("the incident cannot be written as JSON: {error}");
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "store", message)
    })?;
    let mut files = vec![("incident.json", facts)];
    files.extend(picture.map(|jpeg| ("snapshot.jpg", jpeg)));
    let sums = sums(&files);
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    let detail = serde_json::json!({
        "files": names,
        "sha256": hex(&Sha256::digest(sums.as_bytes()).into()),
        "hidden": match sight { Sight::Shown => "yes", Sight::Clear => "no" },
    });
    handle.judging().exported(id, by, detail.to_string()).map_err(verdict_error)?;
    files.push(("SHA256SUMS", sums.into_bytes()));
    Ok(zip::stored(&files, at))
}

fn row_of(handle: &dyn Handle, id: u64) -> Result<Option<IncidentRow>, HistoryError> {
    let rows = handle.incidents(1, id.checked_add(1))?;
    Ok(rows.into_iter().find(|row| row.id == id))
}

/// As `sha256sum --check` reads it.
fn sums(files: &[(&str, Vec<u8>)]) -> String {
    let mut text = String::new();
    for (name, bytes) in files {
        let digest = hex(&Sha256::digest(bytes).into());
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{digest}  {name}");
    }
    text
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
