//! Evidence of incidents: what there is, its clips, its pins.
//!
//! Not here: the picture (`routes::snapshot`, which was first).

mod download;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware;
use axum::response::Response;
use axum::routing::{delete, get, put};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{Access, Caller, Role, body};
use super::dto::{EmptyDto, timestamp};
use super::error::{ApiError, ErrorBody};
use super::privacy;
use super::query::path_number;
use super::routes::{ask, store_error};
use super::{App, RouteEntry, rails};
use crate::guard::handle::{
    ClipRow, EvidenceError, EvidenceNow, EvidenceRow, Handle, Pin, Privacy, Reason,
};

/// The routes, with who may use them.
pub(super) fn table() -> Vec<RouteEntry> {
    let viewer = Access::AtLeast(Role::Viewer);
    let engineer = Access::AtLeast(Role::Engineer);
    let timed = || middleware::from_fn(rails::within_time);
    vec![
        ("get", "/api/evidence", viewer, get(state).layer(timed())),
        ("get", "/api/incidents/{id}/evidence", viewer, get(of_incident).layer(timed())),
        ("get", "/api/incidents/{id}/clips/{part}", viewer, get(clip).layer(timed())),
        ("put", "/api/incidents/{id}/pin", engineer, put(pin).layer(timed())),
        ("delete", "/api/incidents/{id}/pin", engineer, delete(unpin).layer(timed())),
    ]
}

/// How much evidence there is, and what it may take.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EvidenceStateDto {
    clips: u64,
    clip_bytes: u64,
    clip_bytes_max: u64,
    snapshots: u64,
    snapshot_bytes: u64,
    /// Incidents that are pinned.
    pinned: u64,
    /// Beginning of the oldest incident with a clip.
    oldest_at: Option<String>,
    /// Clips that should be there and are not; each says why at its incident.
    lost: u64,
    /// Clips that made room.
    removed: u64,
    days: u32,
    seconds_before: u32,
    seconds_after: u32,
}

/// What is kept of an incident besides its records.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EvidenceDto {
    snapshot: Option<SnapshotDto>,
    /// None yet, while the incident is under way or its first clip is being written.
    clips: Vec<ClipDto>,
    pin: Option<PinDto>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SnapshotDto {
    bytes: u64,
    /// Of pictures of older versions, none.
    sha256: Option<String>,
}

/// A part of the incident's video, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClipDto {
    part: u32,
    /// `kept`, `lost` or `removed`.
    state: &'static str,
    /// Why it is lost.
    reason: Option<String>,
    removed_at: Option<String>,
    bytes: Option<u64>,
    sha256: Option<String>,
    /// When its first and its last picture were captured.
    from: Option<String>,
    to: Option<String>,
    /// Longest time between two pictures.
    longest_gap_ms: Option<u64>,
    codec: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PinDto {
    by: String,
    at: String,
    reason: String,
}

/// Why the evidence must stay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPinDto {
    #[serde(default)]
    reason: String,
}

/// How much evidence there is.
#[utoipa::path(
    get,
    path = "/api/evidence",
    responses(
        (status = 200, body = EvidenceStateDto),
        (status = 503, description = "`store`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn state(State(app): State<App>) -> Result<Json<EvidenceStateDto>, ApiError> {
    let now = ask(&app, |handle| handle.evidence_desk().evidence_now()).await?;
    Ok(Json(now.map_err(refused)?.into()))
}

/// What is kept of an incident, with its checksums.
#[utoipa::path(
    get,
    path = "/api/incidents/{id}/evidence",
    params(("id" = u64, Path, description = "Incident number")),
    responses(
        (status = 200, body = EvidenceDto),
        (status = 404, description = "`unknown_incident`", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`store`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn of_incident(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<EvidenceDto>, ApiError> {
    let id = path_number(path)?;
    let row = ask(&app, move |handle| handle.evidence_desk().evidence(id)).await?;
    Ok(Json(row.map_err(refused)?.into()))
}

/// A part of an incident's video.
#[utoipa::path(
    get,
    path = "/api/incidents/{id}/clips/{part}",
    params(
        ("id" = u64, Path, description = "Incident number"),
        ("part" = u32, Path, description = "From 1; an incident that goes on has several"),
    ),
    responses(
        (status = 200, description = "MP4", content_type = "video/mp4", body = Vec<u8>),
        (status = 206, description = "The part of it that `Range` asks for", content_type = "video/mp4", body = Vec<u8>),
        (status = 403, description = "`clear_not_granted`: video shows people as they are", body = ErrorBody),
        (status = 404, description = "`unknown_incident`; `no_clip`, with the reason", body = ErrorBody),
        (status = 416, description = "`bad_range`: it is not that long", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`store`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn clip(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Ok(Path((id, part))) = path else {
        return Err(ApiError::bad_request("id", "?", "a whole number from 1"));
    };
    let id = path_number(Ok(Path(id)))?;
    let part = part
        .parse::<u32>()
        .ok()
        .filter(|part| *part > 0)
        .ok_or_else(|| ApiError::bad_request("part", &part, "a whole number from 1"))?;
    // Nobody is hidden in video, so it is for whoever may see people clear.
    match app.handle.grants().privacy() {
        Privacy::Off => {}
        Privacy::Persons | Privacy::Heads => {
            privacy::look(&app, &caller, format!("incident {id} video {part}")).await?;
        }
    }
    let opened = ask(&app, move |handle| handle.evidence_desk().clip(id, part)).await?;
    download::send(opened.map_err(refused)?, &headers)
}

/// Keeps an incident's evidence until somebody takes the pin off.
#[utoipa::path(
    put,
    path = "/api/incidents/{id}/pin",
    params(("id" = u64, Path, description = "Incident number")),
    request_body = NewPinDto,
    responses(
        (status = 200, body = EmptyDto),
        (status = 404, description = "`unknown_incident`", body = ErrorBody),
        (status = 409, description = "`already_pinned`", body = ErrorBody),
        (status = 422, description = "`reason_needed`, `bad_request`", body = ErrorBody),
        (status = 503, description = "`store`, `busy`, `stopping`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn pin(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<EmptyDto>, ApiError> {
    let id = path_number(path)?;
    let sent: NewPinDto = body::object(sent, r#"{"reason": "…"}"#)?;
    let reason = Reason::new(&sent.reason).map_err(|refusal| {
        let (code, status) = ("reason_needed", StatusCode::UNPROCESSABLE_ENTITY);
        ApiError::new(status, code, refusal.to_string()).about("reason")
    })?;
    let pin = move |handle: &dyn Handle| handle.evidence_desk().pin(id, &caller.name, &reason);
    ask(&app, pin).await?.map_err(refused)?;
    Ok(Json(EmptyDto {}))
}

/// Takes the pin off.
#[utoipa::path(
    delete,
    path = "/api/incidents/{id}/pin",
    params(("id" = u64, Path, description = "Incident number")),
    responses(
        (status = 200, body = EmptyDto),
        (status = 404, description = "`unknown_incident`, `not_pinned`", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`store`, `busy`, `stopping`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn unpin(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<EmptyDto>, ApiError> {
    let id = path_number(path)?;
    let unpin = move |handle: &dyn Handle| handle.evidence_desk().unpin(id, &caller.name);
    ask(&app, unpin).await?.map_err(refused)?;
    Ok(Json(EmptyDto {}))
}

pub(super) fn refused(error: EvidenceError) -> ApiError {
    let (status, code) = match &error {
        EvidenceError::NoIncident(_) => (StatusCode::NOT_FOUND, "unknown_incident"),
        EvidenceError::NoClip(_) => (StatusCode::NOT_FOUND, "no_clip"),
        EvidenceError::NotPinned(_) => (StatusCode::NOT_FOUND, "not_pinned"),
        EvidenceError::AlreadyPinned(_) => (StatusCode::CONFLICT, "already_pinned"),
        EvidenceError::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "store"),
        EvidenceError::Clerk(_) => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        EvidenceError::History(_) => (StatusCode::SERVICE_UNAVAILABLE, "store"),
    };
    match error {
        EvidenceError::History(error) => store_error(error),
        error => ApiError::new(status, code, error.to_string()),
    }
}

impl From<EvidenceNow> for EvidenceStateDto {
    fn from(now: EvidenceNow) -> EvidenceStateDto {
        let EvidenceNow { state, bytes_max, days, before_s, after_s } = now;
        EvidenceStateDto {
            clips: state.clips,
            clip_bytes: state.clip_bytes,
            clip_bytes_max: bytes_max,
            snapshots: state.snapshots,
            snapshot_bytes: state.snapshot_bytes,
            pinned: state.pinned,
            oldest_at: state.oldest.map(timestamp),
            lost: state.lost,
            removed: state.removed,
            days,
            seconds_before: before_s,
            seconds_after: after_s,
        }
    }
}

impl From<EvidenceRow> for EvidenceDto {
    fn from(row: EvidenceRow) -> EvidenceDto {
        EvidenceDto {
            snapshot: row.snapshot.map(|it| SnapshotDto { bytes: it.bytes, sha256: it.sha256 }),
            clips: row.clips.into_iter().map(Into::into).collect(),
            pin: row.pin.map(|Pin { by, at, reason }| PinDto { by, at: timestamp(at), reason }),
        }
    }
}

impl From<ClipRow> for ClipDto {
    fn from(row: ClipRow) -> ClipDto {
        let state = match (row.file(), &row.lost) {
            (Some(_), _) => "kept",
            (None, Some(_)) => "lost",
            (None, None) => "removed",
        };
        let ClipRow { part, kept, lost, removed_at } = row;
        let of = kept.as_ref();
        ClipDto {
            part,
            state,
            reason: lost,
            removed_at: removed_at.map(timestamp),
            bytes: of.map(|kept| kept.bytes),
            from: of.map(|kept| timestamp(kept.from)),
            to: of.map(|kept| timestamp(kept.to)),
            longest_gap_ms: of.map(|kept| kept.longest_gap_ms),
            codec: of.map(|kept| kept.codec.clone()),
            sha256: kept.map(|kept| kept.sha256),
        }
    }
}
