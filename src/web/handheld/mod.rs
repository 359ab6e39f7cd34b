//! The door of handhelds: a server of its own, which serves them and nobody else.
//!
//! Who a device is it shows on its socket, by signing something fresh (`socket`); pictures are
//! shown to whoever shows the ticket of an open line. There are no accounts, cookies or sessions
//! here, and no route of the operator's page. docs/reference/handhelds.md has every message.
//!
//! Not here: who gets an alarm and when (the guard's pager), and how devices are paired by an
//! engineer (`handheld_admin`).

mod messages;
mod pictures;
mod socket;
mod talk;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};

pub(super) use self::talk::Devices;
use super::access::{Peer, body};
use super::error::{self, ApiError};
use super::{App, BODY_BYTES_MAX, health, page, rails, routes, tls};
use crate::guard::handle::{HandheldError, PairRequest};
use crate::telemetry::chain;

/// TCP connections at once: three for each handheld there may be.
pub(super) const CONNECTIONS_MAX: usize = 192;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PairDto {
    code: String,
    public_key: String,
    #[serde(default)]
    platform: String,
}

#[derive(Serialize)]
struct PairedDto {
    device: String,
    person: String,
    name: String,
    #[serde(rename = "box")]
    box_id: String,
}

/// Everything this door serves.
pub(super) fn router(app: App) -> Router {
    let timed = || middleware::from_fn(rails::within_time);
    Router::new()
        .route("/api/handheld/pair", post(pair).layer(timed()))
        .route("/api/handheld/socket", get(socket::socket))
        .route("/api/handheld/cameras/{id}/live", get(pictures::live))
        .route("/api/handheld/incidents/{id}/snapshot.jpg", get(pictures::snapshot).layer(timed()))
        .route("/healthz", get(health::health))
        .route("/ca.crt", get(tls::authority_download))
        .fallback(page::handheld)
        .method_not_allowed_fallback(error::wrong_method)
        .layer(axum::extract::DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(app.clone(), rails::keep_out))
        .layer(middleware::map_response_with_state(app.clone(), rails::add_headers))
        .with_state(app)
}

/// Uses a code up: whoever holds the device is its person from now on.
async fn pair(
    State(app): State<App>,
    Peer(from): Peer,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<PairedDto>, ApiError> {
    let right = r#"{"code": "…", "public_key": "…", "platform": "…"}"#;
    let PairDto { code, public_key, platform } = body::object(sent, right)?;
    let request = PairRequest { code, public_key, platform };
    let paired =
        routes::ask(&app, move |handle| handle.handheld_desk().pair(&request, from)).await?;
    let paired = paired.map_err(handheld_error)?;
    Ok(Json(PairedDto {
        device: paired.id,
        person: paired.person,
        name: paired.name,
        box_id: paired.box_id,
    }))
}

/// A refusal in the API's shape.
pub(super) fn handheld_error(error: HandheldError) -> ApiError {
    let (status, code) = match &error {
        HandheldError::NotConfigured => (StatusCode::CONFLICT, "no_handhelds"),
        HandheldError::Field(field) => {
            return ApiError::bad_request(&field.field, &field.value, &field.right);
        }
        HandheldError::Fields(_) => {
            let HandheldError::Fields(fields) = error else { return internal() };
            return ApiError::fields("the duty list cannot be used", fields);
        }
        HandheldError::WrongCode => (StatusCode::FORBIDDEN, "wrong_code"),
        HandheldError::TooMany { wait } => {
            let wait = HeaderValue::from(wait.as_secs() + 1);
            let code = "too_many_attempts";
            return ApiError::new(StatusCode::TOO_MANY_REQUESTS, code, error.to_string())
                .with(header::RETRY_AFTER, wait);
        }
        HandheldError::KeyTaken => (StatusCode::CONFLICT, "key_taken"),
        HandheldError::Full { .. } => (StatusCode::CONFLICT, "full"),
        HandheldError::UnknownHandheld => (StatusCode::NOT_FOUND, "unknown_handheld"),
        HandheldError::AlreadyRevoked => (StatusCode::CONFLICT, "already_revoked"),
        HandheldError::NotKeptYet => (StatusCode::SERVICE_UNAVAILABLE, "not_kept_yet"),
        HandheldError::DutyChanged => (StatusCode::CONFLICT, "duty_changed"),
        HandheldError::Clerk(_) => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        HandheldError::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "store"),
        HandheldError::NoRandom => return internal(),
    };
    ApiError::new(status, code, chain(&error))
}

fn internal() -> ApiError {
    let message = "the system gives no random numbers";
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
}
