//! Handhelds and the duty list on the operator's page: who pairs, who revokes, who is on duty.
//!
//! Not here: what devices themselves ask (`handheld`), and how the duty list is judged.

pub(super) mod dto;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{delete, get, post, put};
use qrcode::QrCode;
use qrcode::render::svg;

use self::dto::{DutyDto, HandheldsDto, NewPairingDto, PairingDto, PutDutyDto, ReasonDto, list_of};
use super::access::{Access, Caller, Role, body};
use super::dto::timestamp;
use super::error::{ApiError, ErrorBody};
use super::handheld::handheld_error;
use super::query::path_text;
use super::{App, RouteEntry, rails, routes};
use crate::guard::handle::{HandheldError, Handle, Standing};

/// Pixels a side, at least: readable by a phone from a screen at arm's length.
const QR_SIDE_PX: u32 = 240;

/// The routes, with who may use them.
pub(super) fn table() -> Vec<RouteEntry> {
    let (viewer, engineer) = (Access::AtLeast(Role::Viewer), Access::AtLeast(Role::Engineer));
    let timed = || middleware::from_fn(rails::within_time);
    vec![
        ("get", "/api/handhelds", viewer, get(handhelds).layer(timed())),
        ("post", "/api/handhelds/pairings", engineer, post(begin_pairing).layer(timed())),
        ("delete", "/api/handhelds/{id}", engineer, delete(revoke).layer(timed())),
        ("get", "/api/duty", viewer, get(duty).layer(timed())),
        ("put", "/api/duty", engineer, put(put_duty).layer(timed())),
    ]
}

/// Every handheld there is or was.
#[utoipa::path(
    get,
    path = "/api/handhelds",
    responses((status = 200, body = HandheldsDto), (status = 503, description = "`too_slow`", body = ErrorBody))
)]
pub(super) async fn handhelds(State(app): State<App>) -> Result<Json<HandheldsDto>, ApiError> {
    let desk = app.handle.handheld_desk();
    let url = desk.handheld_address().map(|address| address.url(&app.names));
    Ok(Json(HandheldsDto {
        enabled: url.is_some(),
        url,
        handhelds: desk.handhelds().into_iter().map(Into::into).collect(),
    }))
}

/// Makes a code with which one device pairs.
#[utoipa::path(
    post,
    path = "/api/handhelds/pairings",
    request_body = NewPairingDto,
    responses(
        (status = 201, body = PairingDto),
        (status = 409, description = "`no_handhelds`: not configured; `full`", body = ErrorBody),
        (status = 422, description = "`bad_request`, names the field", body = ErrorBody),
        (status = 503, description = "`busy`, `store`: nothing was changed", body = ErrorBody),
    )
)]
pub(super) async fn begin_pairing(
    State(app): State<App>,
    caller: Caller,
    sent: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<PairingDto>), ApiError> {
    let right = r#"{"person": "Eva", "device_name": "Eva's phone"}"#;
    let NewPairingDto { person, device_name } = body::object(sent, right)?;
    let by = caller.name;
    let begin = move |handle: &dyn Handle| {
        let desk = handle.handheld_desk();
        let address = desk.handheld_address().ok_or(HandheldError::NotConfigured)?;
        desk.begin_pairing(&person, &device_name, &by).map(|pairing| (pairing, address))
    };
    let (pairing, address) = routes::ask(&app, begin).await?.map_err(handheld_error)?;
    let url = format!("{}#pair={}", address.url(&app.names), pairing.code);
    let qr_svg = qr_svg(&url)?;
    let expires_at = timestamp(pairing.expires_at);
    Ok((StatusCode::CREATED, Json(PairingDto { code: pairing.code, url, qr_svg, expires_at })))
}

/// Ends a handheld for good; its connection closes at once.
#[utoipa::path(
    delete,
    path = "/api/handhelds/{id}",
    params(("id" = String, Path, description = "The handheld's id")),
    request_body = ReasonDto,
    responses(
        (status = 204, description = "Gone"),
        (status = 404, description = "`unknown_handheld`", body = ErrorBody),
        (status = 409, description = "`already_revoked`", body = ErrorBody),
        (status = 422, description = "`bad_request`, names the field", body = ErrorBody),
        (status = 503, description = "`not_kept_yet`: revoked, and the store is asked again", body = ErrorBody),
    )
)]
pub(super) async fn revoke(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, ApiError> {
    let id = path_text(path)?;
    let ReasonDto { reason } = body::object(sent, r#"{"reason": "lost in the yard"}"#)?;
    let by = caller.name;
    let revoke = move |handle: &dyn Handle| handle.handheld_desk().revoke(&id, &reason, &by);
    routes::ask(&app, revoke).await?.map_err(handheld_error)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The duty list, and who is on duty.
#[utoipa::path(
    get,
    path = "/api/duty",
    responses((status = 200, body = DutyDto), (status = 503, description = "`too_slow`", body = ErrorBody))
)]
pub(super) async fn duty(State(app): State<App>) -> Result<Json<DutyDto>, ApiError> {
    let duty = routes::ask(&app, |handle| handle.handheld_desk().duty(&users(handle))).await?;
    Ok(Json(duty.into()))
}

/// Puts another duty list in force.
#[utoipa::path(
    put,
    path = "/api/duty",
    request_body = PutDutyDto,
    responses(
        (status = 200, body = DutyDto),
        (status = 409, description = "`duty_changed`: `if_digest` is not what is in force", body = ErrorBody),
        (status = 422, description = "`bad_request`, names every field that is wrong", body = ErrorBody),
        (status = 503, description = "`busy`, `store`: nothing was changed", body = ErrorBody),
    )
)]
pub(super) async fn put_duty(
    State(app): State<App>,
    caller: Caller,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<DutyDto>, ApiError> {
    let right = concat!(
        r#"{"shifts": [{"name": "Day", "days": ["mon"], "from": "06:00", "to": "14:00", "#,
        r#""people": ["Eva"]}], "otherwise": ["Ben"], "if_digest": null}"#
    );
    let PutDutyDto { shifts, otherwise, if_digest } = body::object(sent, right)?;
    let list = list_of(shifts, otherwise);
    let by = caller.name;
    let put = move |handle: &dyn Handle| {
        handle.handheld_desk().put_duty(list, if_digest.as_deref(), &users(handle), &by)
    };
    let duty = routes::ask(&app, put).await?.map_err(handheld_error)?;
    Ok(Json(duty.into()))
}

/// People who may sign in; a duty list may name them.
fn users(handle: &dyn Handle) -> Vec<String> {
    let users = handle.accounts().users().into_iter();
    users.filter(|user| user.standing == Standing::Enabled).map(|user| user.name).collect()
}

fn qr_svg(url: &str) -> Result<String, ApiError> {
    let code = QrCode::new(url.as_bytes()).map_err(|error| {
        let message = format!("the address does not fit into a QR code: {error}");
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    })?;
    Ok(code.render::<svg::Color>().min_dimensions(QR_SIDE_PX, QR_SIDE_PX).build())
}
