//! The routes by which an admin says who may come in.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refusal::account_error;
use super::{Caller, Role, body};
use crate::guard::handle::{Standing, TokenRow, UserPatch, UserRow, When};
use crate::web::dto::timestamp;
use crate::web::error::{ApiError, ErrorBody};
use crate::web::query::path_text;
use crate::web::{App, routes};

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct UsersDto {
    users: Vec<UserDto>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct UserDto {
    name: String,
    #[schema(example = "supervisor")]
    role: &'static str,
    created_at: String,
    last_seen_at: Option<String>,
    disabled: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct NewUserDto {
    name: String,
    role: String,
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct UserPatchDto {
    role: Option<String>,
    password: Option<String>,
    disabled: Option<bool>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct TokensDto {
    tokens: Vec<TokenDto>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct TokenDto {
    id: String,
    name: String,
    #[schema(example = "integration")]
    role: &'static str,
    created_at: String,
    last_used_at: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct NewTokenDto {
    name: String,
    role: String,
}

#[derive(Serialize, ToSchema)]
pub(in crate::web) struct MadeTokenDto {
    id: String,
    /// Shown this once.
    token: String,
}

/// Everybody who may sign in, or might again.
#[utoipa::path(get, path = "/api/users", responses((status = 200, body = UsersDto)))]
pub(in crate::web) async fn users(State(app): State<App>) -> Json<UsersDto> {
    let users = app.handle.accounts().users();
    Json(UsersDto { users: users.into_iter().map(UserDto::from).collect() })
}

/// Adds a person.
#[utoipa::path(
    post,
    path = "/api/users",
    request_body = NewUserDto,
    responses(
        (status = 201, body = UserDto),
        (status = 409, description = "`name_taken`, `full`", body = ErrorBody),
        (status = 422, description = "`bad_request`, names the field", body = ErrorBody),
        (status = 503, description = "`busy`, `store`: nothing was changed", body = ErrorBody),
    )
)]
pub(in crate::web) async fn add_user(
    State(app): State<App>,
    caller: Caller,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<UserDto>), ApiError> {
    let right = "{\"name\": \"…\", \"role\": \"supervisor\", \"password\": \"…\"}";
    let NewUserDto { name, role, password } = body::object(body, right)?;
    let role = parse_role(&role)?;
    let added = routes::ask_slowly(&app, move |handle| {
        handle.accounts().add_user(caller.identity(), &name, role, &password, When::now())
    });
    let user = added.await?.map_err(account_error)?;
    Ok((StatusCode::CREATED, Json(user.into())))
}

/// Changes a person: role, password, or whether they may sign in.
#[utoipa::path(
    patch,
    path = "/api/users/{name}",
    params(("name" = String, Path, description = "The person's name")),
    request_body = UserPatchDto,
    responses(
        (status = 200, body = UserDto),
        (status = 404, description = "`unknown_user`", body = ErrorBody),
        (status = 409, description = "`last_admin`", body = ErrorBody),
        (status = 422, description = "`bad_request`, names the field", body = ErrorBody),
        (status = 503, description = "`busy`, `store`: nothing was changed", body = ErrorBody),
    )
)]
pub(in crate::web) async fn change_user(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<UserDto>, ApiError> {
    let name = path_text(path)?;
    let right = "{\"role\": …, \"password\": …, \"disabled\": …}, each where it is to be another";
    let UserPatchDto { role, password, disabled } = body::object(body, right)?;
    let patch = UserPatch {
        role: role.as_deref().map(parse_role).transpose()?,
        password,
        standing: disabled.map(|disabled| match disabled {
            true => Standing::Disabled,
            false => Standing::Enabled,
        }),
    };
    let changed = routes::ask_slowly(&app, move |handle| {
        handle.accounts().change_user(caller.identity(), &name, patch, When::now())
    });
    let user = changed.await?.map_err(account_error)?;
    Ok(Json(user.into()))
}

/// The tokens of other machines.
#[utoipa::path(get, path = "/api/tokens", responses((status = 200, body = TokensDto)))]
pub(in crate::web) async fn tokens(State(app): State<App>) -> Json<TokensDto> {
    let tokens = app.handle.accounts().tokens();
    Json(TokensDto { tokens: tokens.into_iter().map(TokenDto::from).collect() })
}

/// Makes a token; the answer shows its secret, once.
#[utoipa::path(
    post,
    path = "/api/tokens",
    request_body = NewTokenDto,
    responses(
        (status = 201, body = MadeTokenDto),
        (status = 409, description = "`name_taken`, `full`", body = ErrorBody),
        (status = 422, description = "`bad_request`, names the field", body = ErrorBody),
        (status = 503, description = "`busy`, `store`: nothing was changed", body = ErrorBody),
    )
)]
pub(in crate::web) async fn add_token(
    State(app): State<App>,
    caller: Caller,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<MadeTokenDto>), ApiError> {
    let right = "{\"name\": \"…\", \"role\": \"integration\"}";
    let NewTokenDto { name, role } = body::object(body, right)?;
    let role = parse_role(&role)?;
    let made = routes::ask(&app, move |handle| {
        handle.accounts().add_token(caller.identity(), &name, role, When::now())
    });
    let (token, secret) = made.await?.map_err(account_error)?;
    Ok((StatusCode::CREATED, Json(MadeTokenDto { id: token.id, token: secret })))
}

/// Takes a token away.
#[utoipa::path(
    delete,
    path = "/api/tokens/{id}",
    params(("id" = String, Path, description = "The token's id, not its secret")),
    responses(
        (status = 204, description = "Gone"),
        (status = 404, description = "`unknown_token`", body = ErrorBody),
        (status = 503, description = "`busy`, `store`: nothing was changed", body = ErrorBody),
    )
)]
pub(in crate::web) async fn remove_token(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let id = path_text(path)?;
    let removed = routes::ask(&app, move |handle| {
        handle.accounts().remove_token(caller.identity(), &id, When::now())
    });
    removed.await?.map_err(account_error)?;
    Ok(StatusCode::NO_CONTENT)
}

fn parse_role(text: &str) -> Result<Role, ApiError> {
    Role::parse(text).ok_or_else(|| {
        let names = Role::OF_PEOPLE.map(Role::name).join(", ");
        ApiError::bad_request(
            "role",
            text,
            &format!("one of: {names}; for tokens also integration"),
        )
    })
}

impl From<UserRow> for UserDto {
    fn from(user: UserRow) -> UserDto {
        UserDto {
            name: user.name,
            role: user.role.name(),
            created_at: timestamp(user.created_at),
            last_seen_at: user.last_seen_at.map(timestamp),
            disabled: user.standing == Standing::Disabled,
        }
    }
}

impl From<TokenRow> for TokenDto {
    fn from(token: TokenRow) -> TokenDto {
        TokenDto {
            id: token.id,
            name: token.name,
            role: token.role.name(),
            created_at: timestamp(token.created_at),
            last_used_at: token.last_used_at.map(timestamp),
        }
    }
}
