//! The routes of drawing, proposing and approving zones, and of the picture to draw on.
//!
//! Not here: what a document means and what may become of a version; the guard's zone desk says.

mod dto;
mod refusal;

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::{delete, get, post, put};
use tokio::time;

use self::dto::{
    CameraZonesDto, DifferencesDto, DocumentDto, DraftDto, ProposeDto, PutDraftDto, ReasonDto,
    VersionDto, VersionsDto,
};
use self::refusal::zone_error;
use super::access::{Access, Caller, Role, body};
use super::dto::EmptyDto;
use super::error::{ApiError, ErrorBody};
use super::live::take_place;
use super::query::{Numbers, Pairs, path_text};
use super::{App, RouteEntry, rails, routes};
use crate::guard::handle::{ZoneDeskError, Zones};

/// Largest body with a zone document, bytes; far above any drawn one.
pub const DOCUMENT_BODY_BYTES_MAX: usize = 1024 * 1024;

/// Longest reason of a person, characters.
const REASON_CHARS_MAX: usize = 500;

/// Longest wait for the next picture of a camera.
const PICTURE_MAX: Duration = Duration::from_secs(3);

/// What a body with a document looks like.
const DOCUMENT: &str = "{\"document\": {\"type\": \"FeatureCollection\", …}}";

/// Paths whose bodies hold a document.
pub(super) fn has_document(path: &str) -> bool {
    path.starts_with("/api/cameras/")
        && (path.ends_with("/zones/draft") || path.ends_with("/zones/check"))
}

/// The routes, with who may use them.
pub(super) fn table() -> Vec<RouteEntry> {
    let (viewer, engineer) = (Access::AtLeast(Role::Viewer), Access::AtLeast(Role::Engineer));
    let timed = || middleware::from_fn(rails::within_time);
    let large = || DefaultBodyLimit::max(DOCUMENT_BODY_BYTES_MAX);
    vec![
        ("get", "/api/cameras/{id}/picture.jpg", viewer, get(picture).layer(timed())),
        ("get", "/api/cameras/{id}/zones", viewer, get(zones).layer(timed())),
        (
            "put",
            "/api/cameras/{id}/zones/draft",
            engineer,
            put(put_draft).layer(large()).layer(timed()),
        ),
        ("delete", "/api/cameras/{id}/zones/draft", engineer, delete(delete_draft).layer(timed())),
        (
            "post",
            "/api/cameras/{id}/zones/check",
            engineer,
            post(check).layer(large()).layer(timed()),
        ),
        ("post", "/api/cameras/{id}/zones/propose", engineer, post(propose).layer(timed())),
        ("get", "/api/cameras/{id}/zones/versions", viewer, get(versions).layer(timed())),
        ("get", "/api/cameras/{id}/zones/versions/{n}", viewer, get(version).layer(timed())),
        (
            "post",
            "/api/cameras/{id}/zones/versions/{n}/approve",
            engineer,
            post(approve).layer(timed()),
        ),
        (
            "post",
            "/api/cameras/{id}/zones/versions/{n}/refuse",
            engineer,
            post(refuse).layer(timed()),
        ),
        (
            "post",
            "/api/cameras/{id}/zones/versions/{n}/restore",
            engineer,
            post(restore).layer(timed()),
        ),
        ("get", "/api/cameras/{id}/zones/differences", viewer, get(differences).layer(timed())),
    ]
}

/// What a camera's zones are, are to be, and might be.
#[utoipa::path(
    get,
    path = "/api/cameras/{id}/zones",
    params(("id" = String, Path, description = "Camera id")),
    responses(
        (status = 200, body = CameraZonesDto),
        (status = 404, description = "`unknown_camera`", body = ErrorBody),
        (status = 503, description = "`store`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn zones(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<CameraZonesDto>, ApiError> {
    let camera = path_text(path)?;
    ask(&app, move |desk| desk.zones(&camera)).await.map(|zones| Json(zones.into()))
}

/// Keeps a draft, finished or not.
#[utoipa::path(
    put,
    path = "/api/cameras/{id}/zones/draft",
    params(("id" = String, Path, description = "Camera id")),
    request_body = PutDraftDto,
    responses(
        (status = 200, body = DraftDto),
        (status = 404, description = "`unknown_camera`", body = ErrorBody),
        (status = 409, description = "`draft_changed`: another draft than `if_digest` says is kept", body = ErrorBody),
        (status = 413, description = "`too_large`: 1 MB", body = ErrorBody),
        (status = 422, description = "`bad_request`: not the shape of a zone document; `fields` says where", body = ErrorBody),
        (status = 503, description = "`busy`, `store`, `unclear`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn put_draft(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<DraftDto>, ApiError> {
    let camera = path_text(path)?;
    let sent: PutDraftDto = body::object_within(sent, DOCUMENT_BODY_BYTES_MAX, DOCUMENT)?;
    let (document, before) = (sent.document, sent.if_digest.into());
    let put = move |desk: &dyn Zones| desk.put_draft(&camera, &document, &caller.name, &before);
    ask(&app, put).await.map(|draft| Json(draft.into()))
}

/// What would be said of a document as a draft; nothing is kept.
#[utoipa::path(
    post,
    path = "/api/cameras/{id}/zones/check",
    params(("id" = String, Path, description = "Camera id")),
    request_body = DocumentDto,
    responses(
        (status = 200, body = DraftDto),
        (status = 404, description = "`unknown_camera`", body = ErrorBody),
        (status = 413, description = "`too_large`: 1 MB", body = ErrorBody),
        (status = 422, description = "`bad_request`: not the shape of a zone document; `fields` says where", body = ErrorBody),
        (status = 503, description = "`store`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn check(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<DraftDto>, ApiError> {
    let camera = path_text(path)?;
    let sent = sent_document(sent)?;
    let check = move |desk: &dyn Zones| desk.check_zones(&camera, &sent.document, &caller.name);
    ask(&app, check).await.map(|draft| Json(draft.into()))
}

/// Throws the draft away.
#[utoipa::path(
    delete,
    path = "/api/cameras/{id}/zones/draft",
    params(("id" = String, Path, description = "Camera id")),
    responses(
        (status = 200, body = EmptyDto),
        (status = 404, description = "`unknown_camera`", body = ErrorBody),
        (status = 409, description = "`no_draft`", body = ErrorBody),
        (status = 503, description = "`busy`, `store`, `unclear`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn delete_draft(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<EmptyDto>, ApiError> {
    let camera = path_text(path)?;
    ask(&app, move |desk| desk.delete_draft(&camera, &caller.name)).await?;
    Ok(Json(EmptyDto {}))
}

/// Makes the draft a version that waits for approval.
#[utoipa::path(
    post,
    path = "/api/cameras/{id}/zones/propose",
    params(("id" = String, Path, description = "Camera id")),
    request_body = ProposeDto,
    responses(
        (status = 200, body = VersionDto),
        (status = 404, description = "`unknown_camera`", body = ErrorBody),
        (status = 409, description = "`no_draft`, `stale_draft`, `draft_changed`", body = ErrorBody),
        (status = 422, description = "`bad_request`: the draft has problems; `fields` says which", body = ErrorBody),
        (status = 503, description = "`busy`, `store`, `unclear`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn propose(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<VersionDto>, ApiError> {
    let camera = path_text(path)?;
    let right = format!("{{\"reason\": \"…\", \"digest\": \"…\"}}, with {}", right_reason());
    let sent: ProposeDto = body::object(sent, &right)?;
    let (reason, digest) = (fit_reason(&sent.reason)?, sent.digest);
    let propose = move |desk: &dyn Zones| desk.propose(&camera, &caller.name, &reason, &digest);
    ask(&app, propose).await.map(|version| Json(version.into()))
}

/// Brings a proposed version into force: when the answer is 200, the box decides by it.
#[utoipa::path(
    post,
    path = "/api/cameras/{id}/zones/versions/{n}/approve",
    params(
        ("id" = String, Path, description = "Camera id"),
        ("n" = u32, Path, description = "Number of the version"),
    ),
    request_body = EmptyDto,
    responses(
        (status = 200, body = VersionDto),
        (status = 403, description = "`own_change`: a second person has to", body = ErrorBody),
        (status = 404, description = "`unknown_camera`, `unknown_version`", body = ErrorBody),
        (status = 409, description = "`wrong_state`, `stale_version`, `too_many_zones`", body = ErrorBody),
        (status = 422, description = "`bad_request`: it cannot be used on this site today; `fields` says why", body = ErrorBody),
        (status = 503, description = "`busy`, `not_taken`, `store`: nothing was changed. `unclear`, `too_slow`: look before trying again", body = ErrorBody),
    )
)]
pub(super) async fn approve(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<VersionDto>, ApiError> {
    let (camera, number) = version_path(path)?;
    let EmptyDto {} = body::object(sent, "{}")?;
    let approve = move |desk: &dyn Zones| desk.approve(&camera, number, &caller.name);
    ask(&app, approve).await.map(|version| Json(version.into()))
}

/// Turns a proposed version down; by its author, it is withdrawn.
#[utoipa::path(
    post,
    path = "/api/cameras/{id}/zones/versions/{n}/refuse",
    params(
        ("id" = String, Path, description = "Camera id"),
        ("n" = u32, Path, description = "Number of the version"),
    ),
    request_body = ReasonDto,
    responses(
        (status = 200, body = VersionDto),
        (status = 404, description = "`unknown_camera`, `unknown_version`", body = ErrorBody),
        (status = 409, description = "`wrong_state`", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`busy`, `store`, `unclear`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn refuse(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<VersionDto>, ApiError> {
    let (camera, number) = version_path(path)?;
    let reason = sent_reason(sent)?;
    let refuse = move |desk: &dyn Zones| desk.refuse(&camera, number, &caller.name, &reason);
    ask(&app, refuse).await.map(|version| Json(version.into()))
}

/// Goes back: the document of a version that was in force becomes a new version in force at once.
#[utoipa::path(
    post,
    path = "/api/cameras/{id}/zones/versions/{n}/restore",
    params(
        ("id" = String, Path, description = "Camera id"),
        ("n" = u32, Path, description = "Number of the version"),
    ),
    request_body = ReasonDto,
    responses(
        (status = 200, body = VersionDto),
        (status = 404, description = "`unknown_camera`, `unknown_version`", body = ErrorBody),
        (status = 409, description = "`already_in_force`; `wrong_state`: it never was in force", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`busy`, `not_taken`, `store`: nothing was changed. `unclear`, `too_slow`: look before trying again", body = ErrorBody),
    )
)]
pub(super) async fn restore(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<VersionDto>, ApiError> {
    let (camera, number) = version_path(path)?;
    let reason = sent_reason(sent)?;
    let restore = move |desk: &dyn Zones| desk.restore(&camera, number, &caller.name, &reason);
    ask(&app, restore).await.map(|version| Json(version.into()))
}

/// Versions of a camera's zones, newest first, without their documents.
#[utoipa::path(
    get,
    path = "/api/cameras/{id}/zones/versions",
    params(("id" = String, Path, description = "Camera id")),
    responses(
        (status = 200, body = VersionsDto),
        (status = 404, description = "`unknown_camera`", body = ErrorBody),
        (status = 503, description = "`store`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn versions(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<VersionsDto>, ApiError> {
    let camera = path_text(path)?;
    let versions = ask(&app, move |desk| desk.zone_versions(&camera)).await?;
    Ok(Json(VersionsDto::of(versions)))
}

/// One version with its document.
#[utoipa::path(
    get,
    path = "/api/cameras/{id}/zones/versions/{n}",
    params(
        ("id" = String, Path, description = "Camera id"),
        ("n" = u32, Path, description = "Number of the version"),
    ),
    responses(
        (status = 200, body = VersionDto),
        (status = 404, description = "`unknown_camera`, `unknown_version`", body = ErrorBody),
        (status = 503, description = "`store`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn version(
    State(app): State<App>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Json<VersionDto>, ApiError> {
    let (camera, number) = version_path(path)?;
    let version = ask(&app, move |desk| desk.zone_version(&camera, number)).await?;
    Ok(Json(version.into()))
}

/// What differs between two versions, in sentences.
#[utoipa::path(
    get,
    path = "/api/cameras/{id}/zones/differences",
    params(
        ("id" = String, Path, description = "Camera id"),
        ("from" = u32, Query, minimum = 1, description = "Number of the version before"),
        ("to" = u32, Query, minimum = 1, description = "Number of the version after"),
    ),
    responses(
        (status = 200, body = DifferencesDto),
        (status = 404, description = "`unknown_camera`, `unknown_version`", body = ErrorBody),
        (status = 422, description = "`bad_request`, names the parameter", body = ErrorBody),
        (status = 503, description = "`store`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn differences(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    pairs: Pairs,
) -> Result<Json<DifferencesDto>, ApiError> {
    let camera = path_text(path)?;
    let numbers = u64::from(u32::MAX);
    let asked = Numbers::parse(pairs, &[("from", 1..=numbers), ("to", 1..=numbers)])?;
    let number = |name: &str| {
        let found = asked.get(name).and_then(|number| u32::try_from(number).ok());
        found.ok_or_else(|| ApiError::bad_request(name, "", "the number of a version"))
    };
    let (from, to) = (number("from")?, number("to")?);
    let differences = ask(&app, move |desk| desk.zone_differences(&camera, from, to)).await?;
    Ok(Json(DifferencesDto { differences }))
}

/// The next picture of a camera, to draw on.
#[utoipa::path(
    get,
    path = "/api/cameras/{id}/picture.jpg",
    params(("id" = String, Path, description = "Camera id")),
    responses(
        (status = 200, description = "JPEG, people pixelated and masks black", content_type = "image/jpeg", body = Vec<u8>),
        (status = 404, description = "`unknown_camera`", body = ErrorBody),
        (status = 503, description = "`no_picture`: the camera gives none; `too_many_viewers`", body = ErrorBody),
    )
)]
pub(super) async fn picture(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
) -> Result<impl IntoResponse, ApiError> {
    let camera = path_text(path)?;
    let _place = take_place(&app)?;
    let Some(mut receiver) = app.handle.live(&camera) else {
        return Err(zone_error(ZoneDeskError::UnknownCamera { camera }));
    };
    // What was made before may be hours old: pictures are made only while somebody looks.
    receiver.pictures.mark_unchanged();
    let next = time::timeout(PICTURE_MAX, receiver.pictures.changed()).await;
    let picture = match next {
        Ok(Ok(())) => receiver.pictures.borrow_and_update().clone(),
        Ok(Err(_)) | Err(_) => None,
    };
    match picture {
        Some(picture) => {
            Ok(([(header::CONTENT_TYPE, "image/jpeg")], picture.jpeg.as_ref().clone()))
        }
        None => Err(ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "no_picture",
            format!("camera {camera:?} gave no picture within {} s", PICTURE_MAX.as_secs()),
        )),
    }
}

/// Asks the zone desk from a blocking task.
async fn ask<T: Send + 'static>(
    app: &App,
    question: impl FnOnce(&dyn Zones) -> Result<T, ZoneDeskError> + Send + 'static,
) -> Result<T, ApiError> {
    let answer = routes::ask(app, move |handle| question(handle.zone_desk())).await?;
    answer.map_err(zone_error)
}

fn sent_document(sent: Result<Bytes, BytesRejection>) -> Result<DocumentDto, ApiError> {
    body::object_within(sent, DOCUMENT_BODY_BYTES_MAX, DOCUMENT)
}

fn sent_reason(sent: Result<Bytes, BytesRejection>) -> Result<String, ApiError> {
    let right = format!("{{\"reason\": \"…\"}}, with {}", right_reason());
    let sent: ReasonDto = body::object(sent, &right)?;
    fit_reason(&sent.reason)
}

fn right_reason() -> String {
    format!("why, 1 to {REASON_CHARS_MAX} characters")
}

fn fit_reason(sent: &str) -> Result<String, ApiError> {
    let reason = sent.trim();
    let fits = (1..=REASON_CHARS_MAX).contains(&reason.chars().count());
    // Several lines are fine; what a terminal would obey is not.
    let plain = !reason.chars().any(|c| c.is_control() && c != '\n');
    if fits && plain {
        return Ok(reason.to_owned());
    }
    Err(ApiError::bad_request("reason", sent, &right_reason()))
}

fn version_path(
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<(String, u32), ApiError> {
    let Path((camera, text)) = path.map_err(|rejection| {
        ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "bad_request",
            format!("the path cannot be read: {}", rejection.body_text()),
        )
        .about("path")
    })?;
    match text.parse::<u32>() {
        Ok(number) if number > 0 => Ok((camera, number)),
        Ok(_) | Err(_) => Err(ApiError::bad_request("n", &text, "the number of a version, from 1")),
    }
}
