//! The routes of walk tests, of their printed report, and of the heat map.
//!
//! Not here: what makes a test pass and when it is due; the guard's walk desk says.

mod dto;
mod encode;
pub mod report;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::{get, post};

use self::dto::{HeatDto, SkipDto, StartDto, WalkTestDto, WalkTestsDto};
use super::access::{Access, Caller, Role, body};
use super::dto::EmptyDto;
use super::error::{ApiError, ErrorBody};
use super::query::{Numbers, Pairs, path_number, path_text};
use super::{App, RouteEntry, rails, routes};
use crate::guard::handle::{ClerkError, WalkDeskError, WalkError, WalkTests};
use crate::telemetry::chain;

/// Longest name of who walks, characters.
const TESTER_CHARS_MAX: usize = 80;

/// Longest reason of a person, characters.
const REASON_CHARS_MAX: usize = 500;

/// Hours of the heat map when none are asked for, and at most: a week.
const HOURS_DEFAULT: u64 = 24;
const HOURS_MAX: u64 = 7 * 24;

/// The routes, with who may use them.
pub(super) fn table() -> Vec<RouteEntry> {
    let (viewer, engineer) = (Access::AtLeast(Role::Viewer), Access::AtLeast(Role::Engineer));
    let timed = || middleware::from_fn(rails::within_time);
    vec![
        ("post", "/api/cameras/{id}/walk-tests", engineer, post(start).layer(timed())),
        ("get", "/api/walk-tests", viewer, get(tests).layer(timed())),
        ("get", "/api/walk-tests/{id}", viewer, get(test).layer(timed())),
        ("post", "/api/walk-tests/{id}/edges/{n}/skip", engineer, post(skip).layer(timed())),
        ("post", "/api/walk-tests/{id}/finish", engineer, post(finish).layer(timed())),
        ("post", "/api/walk-tests/{id}/abandon", engineer, post(abandon).layer(timed())),
        ("get", "/api/walk-tests/{id}/report.html", viewer, get(report_page).layer(timed())),
        ("get", "/api/cameras/{id}/heat", viewer, get(heat).layer(timed())),
    ]
}

/// Starts a walk test; the zone is armed for it while it runs.
#[utoipa::path(
    post,
    path = "/api/cameras/{id}/walk-tests",
    params(("id" = String, Path, description = "Camera id")),
    request_body = StartDto,
    responses(
        (status = 200, body = WalkTestDto),
        (status = 404, description = "`unknown_camera`, `unknown_zone`", body = ErrorBody),
        (status = 409, description = "`walk_test_running`: one at a time; `not_testable`: an ignored area; `zone_shelved`, `zone_out_of_service`: nobody would be heard; `not_watched`", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`busy`, `store`, `unclear`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn start(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<WalkTestDto>, ApiError> {
    let camera = path_text(path)?;
    let sent: StartDto = body::object(sent, "{\"zone\": \"…\", \"tester\": \"…\"}")?;
    let by = caller.name;
    let tester = match &sent.tester {
        Some(tester) => line_of("tester", tester, TESTER_CHARS_MAX)?,
        None => by.clone(),
    };
    let start = move |desk: &dyn WalkTests| desk.start_walk(&camera, &sent.zone, &tester, &by);
    ask(&app, start).await.map(|view| Json(view.into()))
}

/// Walk tests, newest first.
#[utoipa::path(
    get,
    path = "/api/walk-tests",
    params(("zone" = Option<String>, Query, description = "Only of this zone")),
    responses(
        (status = 200, body = WalkTestsDto),
        (status = 422, description = "`bad_request`, names the parameter", body = ErrorBody),
        (status = 503, description = "`store`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn tests(
    State(app): State<App>,
    pairs: Pairs,
) -> Result<Json<WalkTestsDto>, ApiError> {
    let zone = zone_of(pairs)?;
    let tests = ask(&app, move |desk| desk.walk_tests(zone.as_deref())).await?;
    Ok(Json(WalkTestsDto { walk_tests: tests.into_iter().map(Into::into).collect() }))
}

/// One walk test.
#[utoipa::path(
    get,
    path = "/api/walk-tests/{id}",
    params(("id" = u64, Path, description = "Number of the test")),
    responses(
        (status = 200, body = WalkTestDto),
        (status = 404, description = "`unknown_walk_test`", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`store`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn test(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<WalkTestDto>, ApiError> {
    let id = path_number(path)?;
    ask(&app, move |desk| desk.walk_test(id)).await.map(|view| Json(view.into()))
}

/// Skips an edge that waits; the test cannot pass any more.
#[utoipa::path(
    post,
    path = "/api/walk-tests/{id}/edges/{n}/skip",
    params(
        ("id" = u64, Path, description = "Number of the test"),
        ("n" = u32, Path, description = "Number of the edge, from 0"),
    ),
    request_body = SkipDto,
    responses(
        (status = 200, body = WalkTestDto),
        (status = 404, description = "`unknown_walk_test`, `unknown_edge`", body = ErrorBody),
        (status = 409, description = "`walk_test_over`; `not_waiting`: it was walked or skipped", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`busy`, `store`, `unclear`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn skip(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<WalkTestDto>, ApiError> {
    let (id, edge) = edge_path(path)?;
    let right = format!("{{\"reason\": \"…\"}}, 1 to {REASON_CHARS_MAX} characters");
    let sent: SkipDto = body::object(sent, &right)?;
    let reason = line_of("reason", &sent.reason, REASON_CHARS_MAX)?;
    let skip = move |desk: &dyn WalkTests| desk.skip_edge(id, edge, &caller.name, &reason);
    ask(&app, skip).await.map(|view| Json(view.into()))
}

/// Finishes a test: its edges say what it is.
#[utoipa::path(
    post,
    path = "/api/walk-tests/{id}/finish",
    params(("id" = u64, Path, description = "Number of the test")),
    request_body = EmptyDto,
    responses(
        (status = 200, body = WalkTestDto),
        (status = 404, description = "`unknown_walk_test`", body = ErrorBody),
        (status = 409, description = "`walk_test_over`", body = ErrorBody),
        (status = 503, description = "`busy`, `store`, `unclear`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn finish(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<WalkTestDto>, ApiError> {
    let id = path_number(path)?;
    let EmptyDto {} = body::object(sent, "{}")?;
    let finish = move |desk: &dyn WalkTests| desk.finish_walk(id, &caller.name);
    ask(&app, finish).await.map(|view| Json(view.into()))
}

/// Gives a test up; it proves nothing.
#[utoipa::path(
    post,
    path = "/api/walk-tests/{id}/abandon",
    params(("id" = u64, Path, description = "Number of the test")),
    request_body = EmptyDto,
    responses(
        (status = 200, body = WalkTestDto),
        (status = 404, description = "`unknown_walk_test`", body = ErrorBody),
        (status = 409, description = "`walk_test_over`", body = ErrorBody),
        (status = 503, description = "`busy`, `store`, `unclear`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn abandon(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<WalkTestDto>, ApiError> {
    let id = path_number(path)?;
    let EmptyDto {} = body::object(sent, "{}")?;
    let abandon = move |desk: &dyn WalkTests| desk.abandon_walk(id, &caller.name);
    ask(&app, abandon).await.map(|view| Json(view.into()))
}

/// The report of a test: one page that stands alone and prints.
#[utoipa::path(
    get,
    path = "/api/walk-tests/{id}/report.html",
    params(("id" = u64, Path, description = "Number of the test")),
    responses(
        (status = 200, description = "A page without scripts; pictures are in it", content_type = "text/html", body = String),
        (status = 404, description = "`unknown_walk_test`", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`store`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn report_page(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
) -> Result<impl IntoResponse, ApiError> {
    let id = path_number(path)?;
    let page = ask(&app, move |desk| desk.walk_report(id).map(|it| report::page(&it))).await?;
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    let policy = HeaderValue::from_str(&report::content_security_policy())
        // Made of a hash and fixed words; without it the page has no style and no picture.
        .unwrap_or(HeaderValue::from_static("default-src 'none'"));
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, policy)], page))
}

/// Where people stood, and where incidents began.
#[utoipa::path(
    get,
    path = "/api/cameras/{id}/heat",
    params(
        ("id" = String, Path, description = "Camera id"),
        ("hours" = Option<u64>, Query, minimum = 1, maximum = 168, description = "24 unless told"),
    ),
    responses(
        (status = 200, body = HeatDto),
        (status = 404, description = "`unknown_camera`", body = ErrorBody),
        (status = 422, description = "`bad_request`, names the parameter", body = ErrorBody),
        (status = 503, description = "`store`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn heat(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    pairs: Pairs,
) -> Result<Json<HeatDto>, ApiError> {
    let camera = path_text(path)?;
    let asked = Numbers::parse(pairs, &[("hours", 1..=HOURS_MAX)])?;
    let hours = asked.get("hours").unwrap_or(HOURS_DEFAULT);
    let hours = u32::try_from(hours).unwrap_or(u32::MAX);
    ask(&app, move |desk| desk.heat(&camera, hours)).await.map(|heat| Json(heat.into()))
}

/// Asks the walk desk from a blocking task.
async fn ask<T: Send + 'static>(
    app: &App,
    question: impl FnOnce(&dyn WalkTests) -> Result<T, WalkDeskError> + Send + 'static,
) -> Result<T, ApiError> {
    let answer = routes::ask(app, move |handle| question(handle.walk_desk())).await?;
    answer.map_err(walk_error)
}

fn walk_error(error: WalkDeskError) -> ApiError {
    let text = chain(&error);
    let (status, code) = match error {
        WalkDeskError::Zones(errors) => return ApiError::fields(&text, errors),
        WalkDeskError::UnknownCamera { .. } => (StatusCode::NOT_FOUND, "unknown_camera"),
        WalkDeskError::UnknownZone { .. } => (StatusCode::NOT_FOUND, "unknown_zone"),
        WalkDeskError::NotTestable { .. } => (StatusCode::CONFLICT, "not_testable"),
        WalkDeskError::Shelved { .. } => (StatusCode::CONFLICT, "zone_shelved"),
        WalkDeskError::OutOfService { .. } => (StatusCode::CONFLICT, "zone_out_of_service"),
        WalkDeskError::NotWatched { .. } => (StatusCode::CONFLICT, "not_watched"),
        WalkDeskError::Refused(refusal) => of_store(&refusal),
        WalkDeskError::Clerk(ClerkError::Busy) => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        WalkDeskError::Clerk(ClerkError::Unclear) => (StatusCode::SERVICE_UNAVAILABLE, "unclear"),
        WalkDeskError::Clerk(ClerkError::Stopping) => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        WalkDeskError::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "store"),
    };
    ApiError::new(status, code, text)
}

fn of_store(refusal: &WalkError) -> (StatusCode, &'static str) {
    match refusal {
        WalkError::NoTest { .. } => (StatusCode::NOT_FOUND, "unknown_walk_test"),
        WalkError::NoEdge { .. } => (StatusCode::NOT_FOUND, "unknown_edge"),
        WalkError::Running { .. } => (StatusCode::CONFLICT, "walk_test_running"),
        WalkError::Over { .. } => (StatusCode::CONFLICT, "walk_test_over"),
        WalkError::NotWaiting { .. } => (StatusCode::CONFLICT, "not_waiting"),
        WalkError::TooMany { .. } => (StatusCode::CONFLICT, "full"),
        WalkError::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "store"),
    }
}

/// A text of a person, on one line.
fn line_of(field: &str, sent: &str, chars_max: usize) -> Result<String, ApiError> {
    let text = sent.trim();
    let fits = (1..=chars_max).contains(&text.chars().count());
    if fits && !text.contains(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(ApiError::bad_request(field, sent, &format!("1 to {chars_max} characters on one line")))
}

fn zone_of(pairs: Pairs) -> Result<Option<String>, ApiError> {
    let Query(pairs) = pairs.map_err(|rejection| {
        ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "bad_request",
            format!("the query string cannot be read: {}", rejection.body_text()),
        )
    })?;
    let mut zone = None;
    for (name, value) in pairs {
        if name != "zone" {
            return Err(ApiError::bad_request("query parameter", &name, "zone"));
        }
        if zone.replace(value).is_some() {
            return Err(ApiError::bad_request("zone", "", "given once"));
        }
    }
    Ok(zone)
}

fn edge_path(path: Result<Path<(String, String)>, PathRejection>) -> Result<(u64, u32), ApiError> {
    let Path((id, edge)) = path.map_err(|rejection| {
        ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "bad_request",
            format!("the path cannot be read: {}", rejection.body_text()),
        )
    })?;
    let number = id.parse::<u64>().ok().filter(|number| *number > 0);
    let number = number.ok_or_else(|| ApiError::bad_request("id", &id, "a whole number from 1"))?;
    let place = edge.parse::<u32>();
    let place = place.map_err(|_no| ApiError::bad_request("n", &edge, "a whole number from 0"))?;
    Ok((number, place))
}
