//! The plain routes: one question, one answer.
//!
//! The guard's handle blocks (it waits for the engine or for the disk), so it is asked from
//! blocking tasks, [`super::QUESTIONS_MAX`] at a time; answers to alarms have places of their own.

use std::error::Error;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::SignedDuration;
use tokio::sync::Semaphore;

use super::App;
use super::access::{Caller, body};
use super::dto::{AcknowledgeDto, AcknowledgedDto, HistoryDto, StateDto};
use super::error::{ApiError, ErrorBody};
use super::query::{Numbers, Pairs, path_number};
use crate::clock;
use crate::engine::AlarmId;
use crate::guard::handle::{AcknowledgeError, Handle, HistoryError};

/// Minutes of history when none are asked for, and at most: a week.
const HISTORY_MINUTES_DEFAULT: u64 = 60;
const HISTORY_MINUTES_MAX: u64 = 7 * 24 * 60;

/// The whole picture of now.
#[utoipa::path(
    get,
    path = "/api/state",
    responses(
        (status = 200, body = StateDto),
        (status = 503, description = "`guard_silent`: what was said last is not now", body = ErrorBody),
    )
)]
pub(super) async fn state(State(app): State<App>) -> Result<Json<StateDto>, ApiError> {
    let now = app.now().map_err(ApiError::guard_silent)?;
    Ok(Json(StateDto::from(&*now)))
}

/// Answers an alarm, as the person who is signed in.
#[utoipa::path(
    post,
    path = "/api/alarms/{id}/acknowledge",
    params(("id" = u64, Path, description = "Alarm number")),
    request_body = AcknowledgeDto,
    responses(
        (status = 200, body = AcknowledgedDto),
        (status = 401, description = "`sign_in_needed`", body = ErrorBody),
        (status = 403, description = "`role_needed`, `csrf_needed`, `wrong_origin`", body = ErrorBody),
        (status = 404, description = "`unknown_alarm`", body = ErrorBody),
        (status = 409, description = "`already_acknowledged`, `newer_cause`", body = ErrorBody),
        (status = 413, description = "`too_large`", body = ErrorBody),
        (status = 415, description = "`wrong_content_type`", body = ErrorBody),
        (status = 422, description = "`bad_request`, names the field", body = ErrorBody),
        (status = 503, description = "`busy`, `stopping`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn acknowledge(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<AcknowledgedDto>, ApiError> {
    let id = path_number(path)?;
    let right = r#"{} or {"seen": 7340033}, the version that was shown; who is signed in answers"#;
    let AcknowledgeDto { seen } = body::object(body, right)?;
    let by = caller.name;
    let answer = move |handle: &dyn Handle| handle.acknowledge(AlarmId(id), seen, &by);
    let answer = ask_alarms(&app, answer).await?;
    let state = answer.map_err(|refusal| {
        let (status, code) = match refusal {
            AcknowledgeError::UnknownAlarm => (StatusCode::NOT_FOUND, "unknown_alarm"),
            AcknowledgeError::AlreadyAcknowledged => (StatusCode::CONFLICT, "already_acknowledged"),
            AcknowledgeError::NewerCause => (StatusCode::CONFLICT, "newer_cause"),
            AcknowledgeError::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            AcknowledgeError::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        };
        ApiError::new(status, code, refusal.to_string())
    })?;
    Ok(Json(AcknowledgedDto { id, state: state.into() }))
}

/// When each zone was occupied or unknown.
#[utoipa::path(
    get,
    path = "/api/history",
    params(("minutes" = Option<u64>, Query, minimum = 1, maximum = 10080, description = "60 unless told")),
    responses(
        (status = 200, body = HistoryDto),
        (status = 422, description = "`bad_request`, names the parameter", body = ErrorBody),
        (status = 503, description = "`store`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn history(
    State(app): State<App>,
    pairs: Pairs,
) -> Result<Json<HistoryDto>, ApiError> {
    let numbers = Numbers::parse(pairs, &[("minutes", 1..=HISTORY_MINUTES_MAX)])?;
    let minutes = numbers.get("minutes").unwrap_or(HISTORY_MINUTES_DEFAULT);
    let to = clock::wall();
    let span = SignedDuration::from_mins(i64::try_from(minutes).unwrap_or(i64::MAX));
    let from = to.checked_sub(span).unwrap_or(jiff::Timestamp::MIN);
    let spans = ask(&app, move |handle| handle.history(from)).await?;
    let spans = spans.map_err(store_error)?;
    let now = app.handle.snapshots().borrow().clone();
    Ok(Json(HistoryDto::of(&now, from, to, spans)))
}

/// Asks the handle from a blocking task; waits its turn when many ask.
pub(super) async fn ask<T: Send + 'static>(
    app: &App,
    question: impl FnOnce(&dyn Handle) -> T + Send + 'static,
) -> Result<T, ApiError> {
    ask_in_turn(app, &app.questions, question).await
}

/// The same for commands about alarms, which have a queue of their own.
pub(super) async fn ask_alarms<T: Send + 'static>(
    app: &App,
    command: impl FnOnce(&dyn Handle) -> T + Send + 'static,
) -> Result<T, ApiError> {
    ask_in_turn(app, &app.answers, command).await
}

/// The same for what hashes a password: few at once, for the memory, and in a queue of their own,
/// so that a crowd of guesses does not keep an alarm from being answered.
pub(super) async fn ask_slowly<T: Send + 'static>(
    app: &App,
    question: impl FnOnce(&dyn Handle) -> T + Send + 'static,
) -> Result<T, ApiError> {
    ask_in_turn(app, &app.passwords, question).await
}

async fn ask_in_turn<T: Send + 'static>(
    app: &App,
    turns: &Arc<Semaphore>,
    question: impl FnOnce(&dyn Handle) -> T + Send + 'static,
) -> Result<T, ApiError> {
    let broken = || {
        ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the box failed to answer; its log says why",
        )
    };
    let turn = Arc::clone(turns).acquire_owned().await;
    let turn = turn.map_err(|_closed| broken())?;
    let handle = Arc::clone(&app.handle);
    let answer = tokio::task::spawn_blocking(move || {
        let answer = question(&*handle);
        // Not before: a request that was given up still occupies the store.
        drop(turn);
        answer
    });
    answer.await.map_err(|error| {
        tracing::error!(%error, "a question to the guard panicked");
        broken()
    })
}

pub(super) fn store_error(error: HistoryError) -> ApiError {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "store", message)
}
