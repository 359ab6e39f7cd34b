//! A camera's view: what it is held against, what is wrong with it, and pictures of both.
//!
//! Not here: confirming it (`alarms::view`), and zones moved with it (the page and `zones`).

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::get;
use serde::Serialize;
use utoipa::ToSchema;

use super::access::{Access, Caller, Role};
use super::dto::timestamp;
use super::error::{ApiError, ErrorBody};
use super::privacy::{self, Sight};
use super::query::{Pairs, path_text};
use super::routes::ask;
use super::{App, RouteEntry, rails};
use crate::guard::handle::{
    Judged, Onlooker, Pictured, ReferenceFacts, ViewPicture, ViewShift, ViewTrouble,
};

/// The routes, with who may use them.
pub(super) fn table() -> Vec<RouteEntry> {
    let viewer = Access::AtLeast(Role::Viewer);
    let timed = || middleware::from_fn(rails::within_time);
    vec![
        ("get", "/api/cameras/{id}/view", viewer, get(view).layer(timed())),
        ("get", "/api/cameras/{id}/view/reference.jpg", viewer, get(reference).layer(timed())),
        ("get", "/api/cameras/{id}/view/trouble.jpg", viewer, get(trouble).layer(timed())),
    ]
}

/// What a camera's view is held against, and what is wrong with it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ViewDto {
    camera: String,
    /// False: a test pattern, which is drawn and no view.
    judged: bool,
    /// Null until the view is known: half a minute after the camera's first picture.
    reference: Option<ReferenceDto>,
    /// The gravest of what is wrong.
    trouble: Option<TroubleDto>,
    /// How far the view lies from the reference; only while it has moved.
    shift: Option<ShiftDto>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ReferenceDto {
    taken_at: String,
    /// `first`, `zones_approved` or `confirmed`.
    why: &'static str,
    /// Who approved or confirmed.
    by: Option<String>,
    /// Number of the zones that were in force then.
    zone_version: Option<u32>,
    /// Null before there is one.
    picture: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct TroubleDto {
    #[schema(example = "moved")]
    kind: &'static str,
    /// For people.
    words: String,
    since: String,
    /// Null, with its limit, when it is so no more and waits for an engineer.
    measured: Option<f32>,
    limit: Option<f32>,
    /// Of both.
    #[schema(example = "pixels of 1920")]
    unit: Option<&'static str>,
    /// Null before there is one.
    picture: Option<String>,
}

/// What was at `p` in the reference, from the frame's middle, is now at `p`, turned and zoomed about
/// the middle, plus the shift.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ViewShiftDto)]
struct ShiftDto {
    /// Fractions of the frame, to the right and down.
    x_norm: f64,
    y_norm: f64,
    /// Clockwise as seen.
    turn_deg: f64,
    /// 1: as large as it was.
    zoom: f64,
}

/// What a camera's view is held against, and what is wrong with it.
#[utoipa::path(
    get,
    path = "/api/cameras/{id}/view",
    params(("id" = String, Path, description = "Camera id")),
    responses(
        (status = 200, body = ViewDto),
        (status = 404, description = "`unknown_camera`", body = ErrorBody),
        (status = 503, description = "`guard_silent`, `busy`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn view(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<ViewDto>, ApiError> {
    let id = path_text(path)?;
    let now = app.now().map_err(ApiError::guard_silent)?;
    let asked = id.clone();
    let facts = ask(&app, move |handle| handle.view_desk().view_facts(&asked)).await?;
    let camera = now.cameras.iter().find(|camera| camera.id == id);
    let (Some(facts), Some(camera)) = (facts, camera) else {
        return Err(unknown(&id));
    };
    let address = |has: Pictured, name: &str| match has {
        Pictured::Yes => Some(format!("/api/cameras/{}/view/{name}.jpg", path_segment(&id))),
        Pictured::No => None,
    };
    let (reference_picture, trouble_picture) = facts.pictures;
    let reference = facts.reference.map(|it| {
        let ReferenceFacts { taken_at, why, by, zone_version } = it;
        let picture = address(reference_picture, "reference");
        ReferenceDto { taken_at: timestamp(taken_at), why: why.as_str(), by, zone_version, picture }
    });
    let trouble = camera.view.trouble.clone().map(|it| {
        let ViewTrouble { fault, words, since, measured } = it;
        TroubleDto {
            kind: fault.name(),
            words,
            since: timestamp(since),
            measured: measured.map(|it| it.value),
            limit: measured.map(|it| it.limit),
            unit: measured.map(|it| it.unit),
            picture: address(trouble_picture, "trouble"),
        }
    });
    let shift = camera.view.shift.map(|it| {
        let ViewShift { x_norm, y_norm, turn_deg, zoom } = it;
        ShiftDto { x_norm, y_norm, turn_deg, zoom }
    });
    let judged = facts.judged == Judged::Yes;
    Ok(Json(ViewDto { camera: id, judged, reference, trouble, shift }))
}

/// What the view is held against.
#[utoipa::path(
    get,
    path = "/api/cameras/{id}/view/reference.jpg",
    params(
        ("id" = String, Path, description = "Camera id"),
        ("picture" = Option<String>, Query, description = "`clear`, for whoever was granted clear pictures; else people are pixelated"),
    ),
    responses(
        (status = 200, description = "JPEG", content_type = "image/jpeg", body = Vec<u8>),
        (status = 403, description = "`clear_not_granted`", body = ErrorBody),
        (status = 404, description = "`unknown_camera`, `no_picture`", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`busy`, `store`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn reference(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    pairs: Pairs,
) -> Result<impl IntoResponse, ApiError> {
    picture(app, caller, path_text(path)?, pairs, ViewPicture::Reference).await
}

/// The view when the gravest of what is wrong with it was told; until that ends.
#[utoipa::path(
    get,
    path = "/api/cameras/{id}/view/trouble.jpg",
    params(
        ("id" = String, Path, description = "Camera id"),
        ("picture" = Option<String>, Query, description = "`clear`, for whoever was granted clear pictures; else people are pixelated"),
    ),
    responses(
        (status = 200, description = "JPEG", content_type = "image/jpeg", body = Vec<u8>),
        (status = 403, description = "`clear_not_granted`", body = ErrorBody),
        (status = 404, description = "`unknown_camera`, `no_picture`", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`busy`, `store`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn trouble(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    pairs: Pairs,
) -> Result<impl IntoResponse, ApiError> {
    picture(app, caller, path_text(path)?, pairs, ViewPicture::Trouble).await
}

async fn picture(
    app: App,
    caller: Caller,
    camera: String,
    pairs: Pairs,
    which: ViewPicture,
) -> Result<impl IntoResponse, ApiError> {
    let who = match privacy::sight(pairs)? {
        Sight::Shown => Onlooker::Anybody,
        Sight::Clear => {
            privacy::look(&app, &caller, format!("camera {camera} view")).await?;
            Onlooker::Granted
        }
    };
    let asked = camera.clone();
    let jpeg = ask(&app, move |handle| {
        let desk = handle.view_desk();
        desk.view_facts(&asked).map(|_facts| desk.view_picture(&asked, which, who))
    });
    match jpeg.await? {
        None => Err(unknown(&camera)),
        Some(None) => Err(ApiError::new(
            StatusCode::NOT_FOUND,
            "no_picture",
            format!("there is no such picture of camera {camera} (yet, or no more)"),
        )),
        Some(Some(jpeg)) => Ok(([(header::CONTENT_TYPE, "image/jpeg")], jpeg)),
    }
}

fn unknown(camera: &str) -> ApiError {
    let message = format!("there is no camera {camera:?}; /api/state lists those there are");
    ApiError::new(StatusCode::NOT_FOUND, "unknown_camera", message)
}

/// A name as it stands in an address: camera ids may hold any letter.
fn path_segment(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(byte);
    let escape = |byte: u8| match plain(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}
