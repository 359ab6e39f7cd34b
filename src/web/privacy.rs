//! Who may see people clear, and the routes with which an engineer asks to.
//!
//! Not here: how people are made unrecognisable, and how long a grant lasts (the guard).

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{Access, Caller, Role, body};
use super::dto::timestamp;
use super::error::{ApiError, ErrorBody};
use super::query::Pairs;
use super::{App, RouteEntry, rails, routes};
use crate::guard::handle::{ClerkError, GRANT_FOR, Grant, GrantError, Reason};
use crate::telemetry::chain;

/// Which picture is asked for, or shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// As everybody may see it.
    Shown,
    /// In which everybody can be recognised.
    Clear,
}

/// What people see of people.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PrivacyDto {
    /// What is pixelated: `persons`, `heads` or `off`.
    #[schema(example = "persons")]
    hidden: &'static str,
    /// How long a grant lasts.
    grant_minutes: u64,
    /// Who may see clear pictures now.
    clear: Vec<GrantDto>,
}

/// Somebody who may see clear pictures for a while.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GrantDto {
    by: String,
    reason: String,
    until: String,
    /// Whether it is of the browser that asks: a grant is of one session, not of all of a person.
    own: bool,
}

/// Why somebody has to see clear pictures.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClearDto {
    #[serde(default)]
    reason: String,
}

/// The routes, with who may use them.
pub(super) fn table() -> Vec<RouteEntry> {
    let timed = || middleware::from_fn(rails::within_time);
    let engineer = Access::AtLeast(Role::Engineer);
    vec![
        ("get", "/api/privacy", Access::AtLeast(Role::Viewer), get(privacy).layer(timed())),
        ("post", "/api/privacy/clear", engineer, post(see_clear).layer(timed())),
        ("delete", "/api/privacy/clear", engineer, axum::routing::delete(end_clear).layer(timed())),
    ]
}

/// What is hidden, and who sees clear pictures now.
#[utoipa::path(
    get,
    path = "/api/privacy",
    responses((status = 200, body = PrivacyDto))
)]
pub(super) async fn privacy(State(app): State<App>, caller: Caller) -> Json<PrivacyDto> {
    Json(now(&app, &caller))
}

/// Clear pictures for a quarter of an hour, for a reason that stands in the audit log.
#[utoipa::path(
    post,
    path = "/api/privacy/clear",
    request_body = ClearDto,
    responses(
        (status = 200, body = PrivacyDto),
        (status = 403, description = "`person_needed`: a token sees no clear pictures", body = ErrorBody),
        (status = 409, description = "`nothing_hidden`, `too_many`", body = ErrorBody),
        (status = 422, description = "`bad_request`: a reason is needed", body = ErrorBody),
        (status = 503, description = "`busy`, `unclear`, `stopping`, `store`: not logged, so not granted", body = ErrorBody),
    )
)]
pub(super) async fn see_clear(
    State(app): State<App>,
    caller: Caller,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<PrivacyDto>, ApiError> {
    let ClearDto { reason } = body::object(sent, "{\"reason\": \"…\"}")?;
    let reason = Reason::new(&reason)
        .map_err(|error| ApiError::bad_request("reason", &reason, &error.to_string()))?;
    let who = caller.identity().clone();
    let given = routes::ask(&app, move |handle| handle.grants().give(&who, reason)).await?;
    given.map_err(grant_error)?;
    Ok(Json(now(&app, &caller)))
}

/// Ends this browser's grant before its time.
#[utoipa::path(
    delete,
    path = "/api/privacy/clear",
    responses(
        (status = 200, body = PrivacyDto),
        (status = 409, description = "`not_granted`", body = ErrorBody),
        (status = 503, description = "`busy`, `unclear`, `stopping`, `store`: it has ended, and that is not logged", body = ErrorBody),
    )
)]
pub(super) async fn end_clear(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<PrivacyDto>, ApiError> {
    let who = caller.identity().clone();
    let ended = routes::ask(&app, move |handle| handle.grants().end(&who)).await?;
    ended.map_err(grant_error)?;
    Ok(Json(now(&app, &caller)))
}

/// `?picture=clear`, or nothing.
pub(super) fn sight(pairs: Pairs) -> Result<Sight, ApiError> {
    let pairs = pairs.map(|pairs| pairs.0).unwrap_or_default();
    match pairs.as_slice() {
        [] => Ok(Sight::Shown),
        [(name, value)] if name == "picture" && value == "clear" => Ok(Sight::Clear),
        [(name, value), ..] if name == "picture" => {
            Err(ApiError::bad_request("picture", value, "clear, once, or left out"))
        }
        [(name, _), ..] => Err(ApiError::bad_request("query parameter", name, "one of: picture")),
    }
}

/// Whether somebody may see clear pictures now.
pub(super) fn may_see_clear(app: &App, caller: &Caller) -> Result<(), ApiError> {
    if caller.still_has(app, Role::Engineer) && app.handle.grants().holds(caller.identity()) {
        return Ok(());
    }
    Err(not_granted())
}

/// The same, and notes in the audit log that they do.
pub(super) async fn look(app: &App, caller: &Caller, what: String) -> Result<(), ApiError> {
    may_see_clear(app, caller)?;
    let who = caller.identity().clone();
    let noted = routes::ask(app, move |handle| handle.grants().look(&who, &what)).await?;
    noted.map_err(|error| match error {
        GrantError::NoGrant { .. } => not_granted(),
        error => grant_error(error),
    })
}

/// Whether somebody may go on seeing what they are being shown.
pub(super) fn may_still_see(app: &App, caller: &Caller, sight: Sight) -> bool {
    match sight {
        Sight::Shown => caller.may_still(app),
        Sight::Clear => caller.may_still(app) && may_see_clear(app, caller).is_ok(),
    }
}

fn not_granted() -> ApiError {
    let minutes = GRANT_FOR.as_secs() / 60;
    let message = format!(
        "clear pictures take the role engineer and a reason: POST /api/privacy/clear grants them for \
         {minutes} minutes"
    );
    ApiError::new(StatusCode::FORBIDDEN, "clear_not_granted", message)
}

fn now(app: &App, caller: &Caller) -> PrivacyDto {
    let grants = app.handle.grants();
    let shown = |grant: Grant| GrantDto {
        own: grant.is_of(caller.identity()),
        reason: grant.reason.as_str().to_owned(),
        until: timestamp(grant.until),
        by: grant.by,
    };
    PrivacyDto {
        hidden: grants.privacy().as_str(),
        grant_minutes: GRANT_FOR.as_secs() / 60,
        clear: grants.now().into_iter().map(shown).collect(),
    }
}

fn grant_error(error: GrantError) -> ApiError {
    let text = chain(&error);
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    let (status, code) = match error {
        GrantError::NothingHidden => (StatusCode::CONFLICT, "nothing_hidden"),
        GrantError::PersonNeeded => (StatusCode::FORBIDDEN, "person_needed"),
        GrantError::TooMany => (StatusCode::CONFLICT, "too_many"),
        GrantError::NoGrant { .. } => (StatusCode::CONFLICT, "not_granted"),
        GrantError::Clerk(ClerkError::Busy) => (unavailable, "busy"),
        GrantError::Clerk(ClerkError::Unclear) => (unavailable, "unclear"),
        GrantError::Clerk(ClerkError::Stopping) => (unavailable, "stopping"),
        GrantError::Store(_) => (unavailable, "store"),
    };
    ApiError::new(status, code, text)
}
