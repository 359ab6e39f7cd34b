//! Evidence of incidents: what there is, its clips, its pins.
//!
//! Not here: the picture (`snapshot`).

mod download;
mod dto;
mod places;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, put};

use self::dto::{EvidenceDto, EvidenceStateDto, NewPinDto, TrackDto};
use super::access::{Access, Caller, Role, body};
use super::dto::EmptyDto;
use super::error::{ApiError, ErrorBody};
use super::privacy::{self, Sight};
use super::query::{Pairs, path_number};
use super::routes::{ask, store_error};
use super::{App, RouteEntry, rails};
use crate::guard::handle::{ClipFile, EvidenceError, Handle, Privacy, Reason, WhichClip};

pub use self::places::{DOWNLOADS_MAX, EXPORTS_MAX, READS_MAX};
pub(super) use self::places::{Download, Places, ask_evidence};

/// Sends a clip in which nobody can be recognised who is to be hidden, or the range of it that is asked for.
pub(super) fn send_hidden(
    app: App,
    caller: Caller,
    (clip, place): (ClipFile, Download),
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let places = app.evidence.clone();
    let may_still = move || privacy::may_still_see(&app, &caller, Sight::Shown);
    download::send(clip, headers, download::Listener { places, place, may_still })
}

/// The routes, with who may use them.
pub(super) fn table() -> Vec<RouteEntry> {
    let viewer = Access::AtLeast(Role::Viewer);
    let engineer = Access::AtLeast(Role::Engineer);
    let timed = || middleware::from_fn(rails::within_time);
    vec![
        ("get", "/api/evidence", viewer, get(state).layer(timed())),
        ("get", "/api/incidents/{id}/evidence", viewer, get(of_incident).layer(timed())),
        ("get", "/api/incidents/{id}/clips/{part}", viewer, get(clip).layer(timed())),
        ("get", "/api/incidents/{id}/clips/{part}/track", viewer, get(track).layer(timed())),
        ("put", "/api/incidents/{id}/pin", engineer, put(pin).layer(timed())),
        ("delete", "/api/incidents/{id}/pin", engineer, delete(unpin).layer(timed())),
    ]
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

/// A part of an incident's video in which nobody can be recognised, or the clear one.
#[utoipa::path(
    get,
    path = "/api/incidents/{id}/clips/{part}",
    params(
        ("id" = u64, Path, description = "Incident number"),
        ("part" = u32, Path, description = "From 1; an incident that goes on has several"),
        ("clear" = Option<u32>, Query, description = "1: people as they are, for whoever was granted it"),
    ),
    responses(
        (status = 200, description = "MP4", content_type = "video/mp4", body = Vec<u8>),
        (status = 206, description = "The part of it that `Range` asks for", content_type = "video/mp4", body = Vec<u8>),
        (status = 403, description = "`clear_not_granted`: with `clear`", body = ErrorBody),
        (status = 404, description = "`unknown_incident`; `no_clip`, with the reason", body = ErrorBody),
        (status = 416, description = "`bad_range`: it is not that long", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`store`, `too_slow`; `busy`: too many are sent evidence, or its disk hangs", body = ErrorBody),
    )
)]
pub(super) async fn clip(
    State(app): State<App>,
    caller: Caller,
    path: Parts,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (id, part) = parts(path)?;
    let place = app.evidence.download()?;
    let (which, sight) = match (app.handle.grants().privacy(), sight(pairs)?) {
        (Privacy::Off, _) => (WhichClip::Any, Sight::Shown),
        (Privacy::Persons | Privacy::Heads, Sight::Shown) => (WhichClip::Hidden, Sight::Shown),
        (Privacy::Persons | Privacy::Heads, Sight::Clear) => {
            privacy::look(&app, &caller, format!("incident {id} video {part}")).await?;
            (WhichClip::Clear, Sight::Clear)
        }
    };
    let open = move |handle: &dyn Handle| handle.evidence_desk().clip(id, part, which);
    let opened = ask_evidence(&app, open).await?;
    let places = app.evidence.clone();
    // A player takes its time over a clip, and a grant may end meanwhile.
    let may_still = move || privacy::may_still_see(&app, &caller, sight);
    let to = download::Listener { places, place, may_still };
    download::send(opened.map_err(refused)?, &headers, to)
}

/// Incident and part of a path.
type Parts = Result<Path<(String, String)>, PathRejection>;

fn parts(path: Parts) -> Result<(u64, u32), ApiError> {
    let Ok(Path((id, part))) = path else {
        return Err(ApiError::bad_request("id", "?", "a whole number from 1"));
    };
    let id = path_number(Ok(Path(id)))?;
    let number = part.parse::<u32>().ok().filter(|part| *part > 0);
    let number =
        number.ok_or_else(|| ApiError::bad_request("part", &part, "a whole number from 1"))?;
    Ok((id, number))
}

/// `?clear=1`, or nothing.
fn sight(pairs: Pairs) -> Result<Sight, ApiError> {
    let pairs = pairs.map(|pairs| pairs.0).unwrap_or_default();
    match pairs.as_slice() {
        [] => Ok(Sight::Shown),
        [(name, value)] if name == "clear" && value == "1" => Ok(Sight::Clear),
        [(name, value), ..] if name == "clear" => {
            Err(ApiError::bad_request("clear", value, "1, once, or left out"))
        }
        [(name, _), ..] => Err(ApiError::bad_request("query parameter", name, "one of: clear")),
    }
}

/// Who was seen where in a part of an incident's video.
#[utoipa::path(
    get,
    path = "/api/incidents/{id}/clips/{part}/track",
    params(
        ("id" = u64, Path, description = "Incident number"),
        ("part" = u32, Path, description = "From 1; an incident that goes on has several"),
    ),
    responses(
        (status = 200, body = TrackDto),
        (status = 404, description = "`unknown_incident`; `no_clip`, with the reason; `no_track`", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`store`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn track(State(app): State<App>, path: Parts) -> Result<Response, ApiError> {
    let (id, part) = parts(path)?;
    let json = ask(&app, move |handle| handle.evidence_desk().track(id, part)).await?;
    let json = json.map_err(refused)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
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
        EvidenceError::NoTrack => (StatusCode::NOT_FOUND, "no_track"),
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
