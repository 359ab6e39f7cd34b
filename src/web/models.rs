//! Models: which guards, which is on its way to, and every step of that way.
//!
//! Whoever changes something is noted by the guard, with their name, in the audit log and in the models'
//! history; nothing here decides whether it may be done.
//!
//! Not here: pictures that are worth learning from (`examples`).

mod cases;
mod dto;
mod evidence;
mod places;
mod queue;
mod refusal;
mod taking;
mod upload;
mod words;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::middleware;
use axum::routing::{get, post};

use self::dto::{ModelHistoryDto, ModelsDto, PromoteDto, ReviewDto, WhyDto};
use self::places::{Way, step};
use super::access::{Access, Caller, Role, body};
use super::dto::EmptyDto;
use super::error::{ApiError, ErrorBody};
use super::query::{Numbers, Pairs, path_text};
use super::{App, RouteEntry, rails};
use crate::guard::handle::models::{Digest, ModelError, ModelRow, Models};
use crate::guard::handle::{Handle, Reason};

pub(super) use self::cases::{CaseBoxDto, LabelDto, LabelledDto, SetLabelDto, ZoneOfDto, jpeg};
pub(super) use self::evidence::{EVIDENCE_BYTES_MAX, is_evidence, wished};
pub use self::places::MODEL_QUESTIONS_MAX;
pub(super) use self::places::{Place, Places, ask_models};
pub(super) use self::refusal::of_example;
pub(super) use self::taking::PACKAGE_BYTES_MAX;
pub(super) use self::upload::{Limits, through};
pub(super) use self::words::{at_most_lost, threshold};

/// Where a package is sent to.
const PACKAGES: &str = "/api/models";

/// Events in one answer when none are asked for, and at most.
const EVENTS_DEFAULT: u64 = 50;
const EVENTS_MAX: u64 = 500;

/// Digits of an evidence digest.
const DIGEST_DIGITS: usize = 64;

/// The routes, with who may use them.
pub(super) fn table() -> Vec<RouteEntry> {
    let viewer = Access::AtLeast(Role::Viewer);
    let engineer = Access::AtLeast(Role::Engineer);
    let timed = || middleware::from_fn(rails::within_time);
    let mut table = vec![
        ("get", PACKAGES, viewer, get(models).layer(timed())),
        ("get", "/api/models/history", viewer, get(history).layer(timed())),
        // The steps have time limits of their own.
        ("post", "/api/models/{digest}/shadow", engineer, post(shadow)),
        ("post", "/api/models/{digest}/promote", Access::Person(Role::Engineer), post(promote)),
        ("post", "/api/models/{digest}/discard", engineer, post(discard)),
        ("post", "/api/models/rollback", engineer, post(rollback)),
        ("post", "/api/models/review", engineer, post(review)),
    ];
    table.extend(taking::table());
    table.extend(evidence::table());
    table.extend(cases::table());
    table.extend(queue::table());
    table
}

/// Whether a request sends a package, which is no JSON and large.
pub(super) fn is_package(method: &Method, path: &str) -> bool {
    *method == Method::POST && path == PACKAGES
}

/// The API's description of the routes here.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    models,
    history,
    shadow,
    promote,
    discard,
    rollback,
    review,
    taking::install,
    taking::fetch,
    taking::carried,
    taking::install_carried,
    evidence::evidence,
    evidence::keep,
    evidence::shadow_now,
    cases::cases,
    cases::picture,
    cases::clip,
    cases::label,
    queue::queue,
))]
pub(super) struct Description;

/// Which model guards, which is on its way to, and what can be done.
#[utoipa::path(
    get,
    path = "/api/models",
    responses(
        (status = 200, body = ModelsDto),
        (status = 503, description = "`busy`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn models(State(app): State<App>) -> Result<Json<ModelsDto>, ApiError> {
    let now = ask_models(&app, |handle| handle.model_desk().models_now()).await?;
    Ok(Json(now.into()))
}

/// What happened to models, newest first.
#[utoipa::path(
    get,
    path = "/api/models/history",
    params(
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 500, description = "50 unless told"),
        ("before" = Option<u64>, Query, minimum = 1, description = "Only events below this number"),
    ),
    responses(
        (status = 200, body = ModelHistoryDto),
        (status = 422, description = "`bad_request`, names the parameter", body = ErrorBody),
        (status = 503, description = "`store`, `busy`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn history(
    State(app): State<App>,
    pairs: Pairs,
) -> Result<Json<ModelHistoryDto>, ApiError> {
    let known = [("limit", 1..=EVENTS_MAX), ("before", 1..=u64::MAX)];
    let numbers = Numbers::parse(pairs, &known)?;
    let page = Page::of(numbers.get("limit").unwrap_or(EVENTS_DEFAULT), numbers.get("before"));
    let asked = move |handle: &dyn Handle| {
        handle.model_desk().model_history(page.with_one_more(), page.before)
    };
    let rows = ask_models(&app, asked).await?.map_err(refusal::of_model)?;
    let (rows, next) = page.cut(rows, |row| row.id);
    Ok(Json(ModelHistoryDto { events: rows.into_iter().map(Into::into).collect(), next }))
}

/// The candidate begins to see what the active model sees; nothing follows from what it says.
#[utoipa::path(
    post,
    path = "/api/models/{digest}/shadow",
    params(("digest" = String, Path, description = "Of the package: 64 digits of 0-9 and a-f")),
    request_body = EmptyDto,
    responses(
        (status = 200, body = ModelsDto),
        (status = 404, description = "`unknown_model`", body = ErrorBody),
        (status = 409, description = "`no_candidate`, `on_trial`, `out_of_order`, `not_kept`, `busy`", body = ErrorBody),
        (status = 422, description = "`bad_request`, names the field", body = ErrorBody),
        (status = 503, description = "`store`, `unclear`, `stopping`, `too_slow`", body = ErrorBody),
        (status = 507, description = "`disk`: the step is not written down; the message says whether it holds nevertheless", body = ErrorBody),
    )
)]
pub(super) async fn shadow(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<ModelsDto>, ApiError> {
    let digest = path_digest(path)?;
    let EmptyDto {} = body::object(sent, "{}")?;
    take(&app, Way::Forward, move |desk| desk.shadow(digest, &caller.name)).await
}

/// A named person who has seen the evidence lets the model guard, on probation.
#[utoipa::path(
    post,
    path = "/api/models/{digest}/promote",
    params(("digest" = String, Path, description = "Of the package: 64 digits of 0-9 and a-f")),
    request_body = PromoteDto,
    responses(
        (status = 200, body = ModelsDto),
        (status = 403, description = "`person_needed`: a token approves nothing; `role_needed`", body = ErrorBody),
        (status = 404, description = "`unknown_model`", body = ErrorBody),
        (status = 409, description = "`not_shadowing`, `not_enough`, `refused_by_gate`, `evidence_changed`, `review_open`, `no_candidate`, `on_trial`, `not_watching`, `damaged`, `not_kept`, `busy`", body = ErrorBody),
        (status = 422, description = "`bad_request`, names the field: `confirm` is not the model's name, `evidence` no digest", body = ErrorBody),
        (status = 503, description = "`store`, `unclear`, `stopping`, `too_slow`", body = ErrorBody),
        (status = 507, description = "`disk`: the step is not written down; the message says whether it holds nevertheless", body = ErrorBody),
    )
)]
pub(super) async fn promote(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<ModelsDto>, ApiError> {
    let digest = path_digest(path)?;
    let right = r#"{"evidence": "3f9a…", "confirm": "nanodet-g-416"}: the digest of the evidence that was seen, and the model's name"#;
    let PromoteDto { evidence, confirm } = body::object(sent, right)?;
    let is_digest = evidence.len() == DIGEST_DIGITS && evidence.bytes().all(is_digit);
    if !is_digest {
        let right = "`digest` of GET /api/models/evidence: 64 digits of 0-9 and a-f";
        return Err(ApiError::bad_request("evidence", &evidence, right));
    }
    let taken = step(&app, Way::Forward, move |handle| {
        let desk = handle.model_desk();
        let rows = desk.models_now().models;
        confirmed(&rows, digest, &confirm)?;
        desk.promote(digest, &evidence, &caller.name).map_err(refusal::of_model)?;
        Ok(desk.models_now().into())
    });
    taken.await?.map(Json)
}

/// The candidate is wanted no more.
#[utoipa::path(
    post,
    path = "/api/models/{digest}/discard",
    params(("digest" = String, Path, description = "Of the package: 64 digits of 0-9 and a-f")),
    request_body = WhyDto,
    responses(
        (status = 200, body = ModelsDto),
        (status = 404, description = "`unknown_model`", body = ErrorBody),
        (status = 409, description = "`no_candidate`, `on_trial`, `out_of_order`, `not_kept`, `busy`", body = ErrorBody),
        (status = 422, description = "`bad_request`: a reason is needed", body = ErrorBody),
        (status = 503, description = "`store`, `unclear`, `stopping`, `too_slow`", body = ErrorBody),
        (status = 507, description = "`disk`: the step is not written down; the message says whether it holds nevertheless", body = ErrorBody),
    )
)]
pub(super) async fn discard(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<ModelsDto>, ApiError> {
    let digest = path_digest(path)?;
    let why = why(sent)?;
    take(&app, Way::Back, move |desk| desk.discard(digest, &why, &caller.name)).await
}

/// Ends the trial; where there is none, the previous model guards again.
#[utoipa::path(
    post,
    path = "/api/models/rollback",
    request_body = WhyDto,
    responses(
        (status = 200, body = ModelsDto),
        (status = 409, description = "`no_previous`, `not_kept`, `busy`", body = ErrorBody),
        (status = 422, description = "`bad_request`: a reason is needed", body = ErrorBody),
        (status = 503, description = "`store`, `unclear`, `stopping`, `too_slow`", body = ErrorBody),
        (status = 507, description = "`disk`: the step is not written down; the message says whether it holds nevertheless", body = ErrorBody),
    )
)]
pub(super) async fn rollback(
    State(app): State<App>,
    caller: Caller,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<ModelsDto>, ApiError> {
    let why = why(sent)?;
    take(&app, Way::Back, move |desk| desk.rollback(&why, &caller.name)).await
}

/// Whether the model on probation misses somebody: asked, dismissed, confirmed.
#[utoipa::path(
    post,
    path = "/api/models/review",
    request_body = ReviewDto,
    responses(
        (status = 200, body = ModelsDto),
        (status = 409, description = "`no_candidate`, `no_review`, `not_kept`, `busy`: there is no candidate, or no review is open", body = ErrorBody),
        (status = 422, description = "`bad_request`, names the field; a reason is needed", body = ErrorBody),
        (status = 503, description = "`store`, `unclear`, `stopping`, `too_slow`", body = ErrorBody),
        (status = 507, description = "`disk`: the step is not written down; the message says whether it holds nevertheless", body = ErrorBody),
    )
)]
pub(super) async fn review(
    State(app): State<App>,
    caller: Caller,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<ModelsDto>, ApiError> {
    let right = r#"{"action": "open", "reason": "…"}; action is open, dismiss or confirm"#;
    let ReviewDto { action, reason } = body::object(sent, right)?;
    let why = reason_of(&reason)?;
    take(&app, Way::Back, move |desk| desk.review(action.into(), &why, &caller.name)).await
}

/// Takes a step and says how things stand then.
async fn take(
    app: &App,
    way: Way,
    taken: impl FnOnce(&dyn Models) -> Result<(), ModelError> + Send + 'static,
) -> Result<Json<ModelsDto>, ApiError> {
    let done = step(app, way, move |handle| {
        let desk = handle.model_desk();
        taken(desk)?;
        Ok(desk.models_now().into())
    });
    done.await?.map(Json).map_err(refusal::of_model)
}

/// Whoever lets a model guard has typed its name.
fn confirmed(rows: &[ModelRow], digest: Digest, confirm: &str) -> Result<(), ApiError> {
    let row = rows.iter().find(|row| row.slot.digest() == Some(digest));
    let Some(row) = row else {
        let message = format!("there is no package {digest} here; GET /api/models lists them");
        return Err(ApiError::new(StatusCode::NOT_FOUND, "unknown_model", message));
    };
    if confirm == row.name {
        return Ok(());
    }
    let right = format!("the name of the model that is to guard, {:?}", row.name);
    Err(ApiError::bad_request("confirm", confirm, &right))
}

fn why(sent: Result<Bytes, BytesRejection>) -> Result<Reason, ApiError> {
    let WhyDto { reason } = body::object(sent, r#"{"reason": "…"}"#)?;
    reason_of(&reason)
}

fn reason_of(text: &str) -> Result<Reason, ApiError> {
    Reason::new(text).map_err(|error| ApiError::bad_request("reason", text, &error.to_string()))
}

fn path_digest(path: Result<Path<String>, PathRejection>) -> Result<Digest, ApiError> {
    let text = path_text(path)?;
    let right = "the digest of a package, 64 digits of 0-9 and a-f";
    text.parse().map_err(|_bad| ApiError::bad_request("digest", &text, right))
}

fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// A page of a list whose newest come first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    limit: u32,
    pub before: Option<u64>,
}

impl Page {
    pub fn of(limit: u64, before: Option<u64>) -> Page {
        Page { limit: u32::try_from(limit).unwrap_or(u32::MAX), before }
    }

    /// One more than is shown says whether there is another page.
    pub fn with_one_more(self) -> u32 {
        self.limit.saturating_add(1)
    }

    /// The rows of the page, and below which number the next one begins.
    pub fn cut<R>(self, mut rows: Vec<R>, id: impl Fn(&R) -> u64) -> (Vec<R>, Option<u64>) {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        if rows.len() <= limit {
            return (rows, None);
        }
        rows.truncate(limit);
        let next = rows.last().map(id);
        (rows, next)
    }
}
