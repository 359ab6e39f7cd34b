//! The routes of coming in and going out.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refusal::account_error;
use super::{Caller, Peer, Role, body, cookie};
use crate::guard::handle::{SignedIn, Visitor, When};
use crate::web::error::{ApiError, ErrorBody};
use crate::web::{App, routes};

/// Who is signed in here.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct SessionDto {
    signed_in: Option<WhoDto>,
    /// For the header `X-Standclear-CSRF` of every change; null for tokens, which need none.
    csrf: Option<String>,
    /// The first admin is still to be made, with the set-up code.
    setup_needed: bool,
    /// Roles of people, each with those before it.
    roles: [&'static str; 4],
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct WhoDto {
    name: String,
    #[schema(example = "supervisor")]
    role: &'static str,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct SetUpDto {
    /// As printed where Standclear was started.
    code: String,
    name: String,
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct SignInDto {
    name: String,
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct NewPasswordDto {
    old: String,
    new: String,
}

type Cookies = AppendHeaders<[(HeaderName, HeaderValue); 2]>;

/// Who is signed in here, if anybody.
#[utoipa::path(get, path = "/api/session", responses((status = 200, body = SessionDto)))]
pub(in crate::web) async fn session(
    State(app): State<App>,
    caller: Option<Caller>,
) -> Json<SessionDto> {
    let csrf = caller.as_ref().and_then(|caller| caller.identity.csrf.clone());
    Json(dto(&app, caller.map(|caller| (caller.name, caller.role)), csrf))
}

/// Makes the first admin, and signs them in.
#[utoipa::path(
    post,
    path = "/api/setup",
    request_body = SetUpDto,
    responses(
        (status = 200, description = "Signed in; sets the session's cookie", body = SessionDto),
        (status = 403, description = "`wrong_code`", body = ErrorBody),
        (status = 409, description = "`already_set_up`", body = ErrorBody),
        (status = 422, description = "`bad_request`, names the field", body = ErrorBody),
        (status = 429, description = "`too_many_attempts`, with Retry-After", body = ErrorBody),
    )
)]
pub(in crate::web) async fn set_up(
    State(app): State<App>,
    Peer(from): Peer,
    body: Result<Bytes, BytesRejection>,
) -> Result<(Cookies, Json<SessionDto>), ApiError> {
    let right = "{\"code\": \"…\", \"name\": \"…\", \"password\": \"…\"}";
    let SetUpDto { code, name, password } = body::object(body, right)?;
    let signed_in = routes::ask_slowly(&app, move |handle| {
        let visitor = Visitor { from, when: When::now() };
        handle.accounts().set_up(&code, &name, &password, visitor)
    });
    welcome(&app, signed_in.await?.map_err(account_error)?)
}

/// Signs a person in.
#[utoipa::path(
    post,
    path = "/api/session",
    request_body = SignInDto,
    responses(
        (status = 200, description = "Signed in; sets the session's cookie", body = SessionDto),
        (status = 403, description = "`wrong_password`", body = ErrorBody),
        (status = 422, description = "`bad_request`, names the field", body = ErrorBody),
        (status = 429, description = "`too_many_attempts`, with Retry-After", body = ErrorBody),
    )
)]
pub(in crate::web) async fn sign_in(
    State(app): State<App>,
    Peer(from): Peer,
    before: Option<Caller>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(Cookies, Json<SessionDto>), ApiError> {
    let right = "{\"name\": \"…\", \"password\": \"…\"}";
    let SignInDto { name, password } = body::object(body, right)?;
    let marks = cookie::marks(&headers, app.encryption());
    let signed_in = routes::ask_slowly(&app, move |handle| {
        let when = When::now();
        let visitor = Visitor { from, when };
        let signed_in = handle.accounts().sign_in_again(&name, &password, visitor, marks)?;
        // Whoever was signed in in this browser is not any more.
        if let Some(before) = before {
            handle.accounts().sign_out(before.identity(), when);
        }
        Ok(signed_in)
    });
    welcome(&app, signed_in.await?.map_err(account_error)?)
}

/// Signs out.
#[utoipa::path(
    delete,
    path = "/api/session",
    responses(
        (status = 204, description = "Signed out; takes the cookie back"),
        (status = 401, description = "`sign_in_needed`", body = ErrorBody),
    )
)]
pub(in crate::web) async fn sign_out(
    State(app): State<App>,
    caller: Caller,
) -> Result<impl IntoResponse, ApiError> {
    let cookie = AppendHeaders([(header::SET_COOKIE, cookie::clear(app.encryption()))]);
    routes::ask(&app, move |handle| {
        handle.accounts().sign_out(caller.identity(), When::now());
    })
    .await?;
    Ok((StatusCode::NO_CONTENT, cookie))
}

/// Changes the password of whoever asks; their other sessions end.
#[utoipa::path(
    post,
    path = "/api/session/password",
    request_body = NewPasswordDto,
    responses(
        (status = 204, description = "Changed"),
        (status = 401, description = "`sign_in_needed`", body = ErrorBody),
        (status = 403, description = "`wrong_password`", body = ErrorBody),
        (status = 422, description = "`bad_request`, names the field", body = ErrorBody),
        (status = 429, description = "`too_many_attempts`, with Retry-After", body = ErrorBody),
    )
)]
pub(in crate::web) async fn change_password(
    State(app): State<App>,
    Peer(from): Peer,
    caller: Caller,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, ApiError> {
    let NewPasswordDto { old, new } = body::object(body, "{\"old\": \"…\", \"new\": \"…\"}")?;
    let changed = routes::ask_slowly(&app, move |handle| {
        let visitor = Visitor { from, when: When::now() };
        handle.accounts().change_password(caller.identity(), &old, &new, visitor)
    });
    changed.await?.map_err(account_error)?;
    Ok(StatusCode::NO_CONTENT)
}

fn welcome(app: &App, signed_in: SignedIn) -> Result<(Cookies, Json<SessionDto>), ApiError> {
    let SignedIn { identity, session_secret, life, marks } = signed_in;
    let session_cookie = cookie::set(&session_secret, life, app.encryption());
    let known = cookie::remember(&marks, app.encryption());
    let session = dto(app, Some((identity.name, identity.role)), identity.csrf);
    let cookies = [(header::SET_COOKIE, session_cookie), (header::SET_COOKIE, known)];
    Ok((AppendHeaders(cookies), Json(session)))
}

fn dto(app: &App, who: Option<(String, Role)>, csrf: Option<String>) -> SessionDto {
    SessionDto {
        signed_in: who.map(|(name, role)| WhoDto { name, role: role.name() }),
        csrf,
        setup_needed: app.handle.accounts().setup_needed(),
        roles: Role::OF_PEOPLE.map(Role::name),
    }
}
