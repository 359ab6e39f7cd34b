//! Packages on their way in: sent, fetched, or carried on a stick.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{get, post};

use super::dto::{CarriedModelsDto, FetchDto, InstalledModelDto, ModelsDto};
use super::places::{INSTALL_MAX, ask_models, in_place};
use super::refusal::of_model;
use super::upload::{Limits, through};
use crate::guard::handle::Handle;
use crate::guard::handle::models::ModelError;
use crate::web::access::{Access, Caller, Role, body};
use crate::web::dto::EmptyDto;
use crate::web::error::{ApiError, ErrorBody};
use crate::web::query::{Pairs, Texts, path_text};
use crate::web::{App, RouteEntry, rails};

/// Largest package that is sent here. The largest detectors in use have a tenth of it.
pub(in crate::web) const PACKAGE_BYTES_MAX: usize = 512 * 1024 * 1024;

/// Longest name of a package's file, and address that one is fetched from, characters.
const FILE_NAME_CHARS_MAX: usize = 200;
const URL_CHARS_MAX: usize = 2_000;

/// A package that was sent without a name.
const UNNAMED: &str = "upload.standclear-model";

/// 512 MB in half an hour are 2.4 Mbit/s; a usual package of 8 MB takes 36 kbit/s.
const LIMITS: Limits = Limits {
    bytes_max: PACKAGE_BYTES_MAX,
    silence_max: Duration::from_secs(20),
    arrival_max: Duration::from_secs(30 * 60),
    answer_max: INSTALL_MAX,
};

pub(super) fn table() -> Vec<RouteEntry> {
    let viewer = Access::AtLeast(Role::Viewer);
    let engineer = Access::AtLeast(Role::Engineer);
    let timed = || middleware::from_fn(rails::within_time);
    vec![
        // What takes long has a time limit of its own.
        ("post", "/api/models", engineer, post(install)),
        ("post", "/api/models/fetch", engineer, post(fetch).layer(timed())),
        ("get", "/api/models/carried", viewer, get(carried).layer(timed())),
        ("post", "/api/models/carried/{id}", engineer, post(install_carried)),
    ]
}

/// Takes a package in: the body is the file.
#[utoipa::path(
    post,
    path = "/api/models",
    params(("name" = Option<String>, Query, description = "Of the file, for people; at most 200 characters")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "A `.standclear-model` of at most 512 MB"),
    responses(
        (status = 201, body = InstalledModelDto),
        (status = 400, description = "`broken_body`: it did not arrive whole", body = ErrorBody),
        (status = 408, description = "`body_too_slow`", body = ErrorBody),
        (status = 409, description = "`busy`, `busy_candidate`, `known`, `no_keyring`, `not_kept`", body = ErrorBody),
        (status = 413, description = "`too_large`", body = ErrorBody),
        (status = 415, description = "`wrong_content_type`", body = ErrorBody),
        (status = 422, description = "The package is refused, named after the attack that this stops: `unsigned`, `swapped_file`, `rollback`, `path_traversal`…; `not_loadable`, `golden_failed`, `too_slow`: its model is of no use here; `unreadable`; `bad_request`", body = ErrorBody),
        (status = 503, description = "`store`, `unclear`, `stopping`, `too_slow`", body = ErrorBody),
        (status = 507, description = "`disk`", body = ErrorBody),
    )
)]
pub(super) async fn install(
    State(app): State<App>,
    caller: Caller,
    pairs: Pairs,
    sent: Body,
) -> Result<(StatusCode, Json<InstalledModelDto>), ApiError> {
    let name = file_name(pairs)?;
    let place = app.models.taken()?;
    let by = caller.name;
    let installed = through(&app, place, sent, LIMITS, move |handle, bytes| {
        handle.model_desk().install(&name, bytes, &by)
    });
    Ok((StatusCode::CREATED, Json(installed.await?.map_err(of_model)?.into())))
}

/// Begins to fetch a package; `taking` of the models says how it goes, their history how it ended.
#[utoipa::path(
    post,
    path = "/api/models/fetch",
    request_body = FetchDto,
    responses(
        (status = 202, body = ModelsDto),
        (status = 409, description = "`busy`, `busy_candidate`, `not_kept`", body = ErrorBody),
        (status = 422, description = "`bad_request`: no http or https address", body = ErrorBody),
        (status = 503, description = "`store`, `unclear`, `stopping`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn fetch(
    State(app): State<App>,
    caller: Caller,
    sent: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<ModelsDto>), ApiError> {
    let right = r#"{"url": "https://models.example/r3.standclear-model"}"#;
    let FetchDto { url } = body::object(sent, right)?;
    if !is_address(&url) {
        let right = "an http:// or https:// address of at most 2000 characters";
        return Err(ApiError::bad_request("url", &url, right));
    }
    let begun = ask_models(&app, move |handle| {
        let desk = handle.model_desk();
        desk.fetch(&url, &caller.name)?;
        Ok(desk.models_now().into())
    });
    Ok((StatusCode::ACCEPTED, Json(begun.await?.map_err(of_model)?)))
}

/// Packages in the folders that they are carried to the box in.
#[utoipa::path(
    get,
    path = "/api/models/carried",
    responses(
        (status = 200, body = CarriedModelsDto),
        (status = 422, description = "`unreadable`: a folder cannot be read", body = ErrorBody),
        (status = 503, description = "`busy`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn carried(State(app): State<App>) -> Result<Json<CarriedModelsDto>, ApiError> {
    let found =
        ask_models(&app, |handle| handle.model_desk().carried()).await?.map_err(of_model)?;
    let packages = found.packages.into_iter().map(Into::into).collect();
    Ok(Json(CarriedModelsDto { folders: found.folders, packages }))
}

/// Takes in a package that was carried here.
#[utoipa::path(
    post,
    path = "/api/models/carried/{id}",
    params(("id" = String, Path, description = "`id` of `GET /api/models/carried`")),
    request_body = EmptyDto,
    responses(
        (status = 201, body = InstalledModelDto),
        (status = 404, description = "`unknown_package`: look at the folders again", body = ErrorBody),
        (status = 409, description = "`busy`, `busy_candidate`, `known`, `no_keyring`, `not_kept`", body = ErrorBody),
        (status = 422, description = "As `POST /api/models`", body = ErrorBody),
        (status = 503, description = "`store`, `unclear`, `stopping`, `too_slow`", body = ErrorBody),
        (status = 507, description = "`disk`", body = ErrorBody),
    )
)]
pub(super) async fn install_carried(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<InstalledModelDto>), ApiError> {
    let id = path_text(path)?;
    let EmptyDto {} = body::object(sent, "{}")?;
    let place = app.models.taken()?;
    let by = caller.name;
    let work = move |handle: &dyn Handle| handle.model_desk().install_carried(&id, &by);
    let installed = in_place(&app, place, INSTALL_MAX, work).await?;
    let installed = installed.map_err(|error| match error {
        ModelError::NoSuchPackage(_) => {
            ApiError::new(StatusCode::NOT_FOUND, "unknown_package", error.to_string())
        }
        error => of_model(error),
    })?;
    Ok((StatusCode::CREATED, Json(installed.into())))
}

/// What the file is called; it is shown, and opens nothing.
fn file_name(pairs: Pairs) -> Result<String, ApiError> {
    let texts = Texts::parse(pairs, &["name"])?;
    let right = || format!("1 to {FILE_NAME_CHARS_MAX} characters on one line");
    let name = texts.parsed("name", right, |text| {
        let fits = (1..=FILE_NAME_CHARS_MAX).contains(&text.chars().count());
        (fits && !text.chars().any(char::is_control)).then(|| text.to_owned())
    })?;
    Ok(name.unwrap_or_else(|| UNNAMED.to_owned()))
}

/// Whether a package might be there; whoever fetches it looks closer.
fn is_address(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let plain = |letter: char| !letter.is_control() && !letter.is_whitespace();
    url.chars().count() <= URL_CHARS_MAX
        && url.chars().all(plain)
        && rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#']))
}
