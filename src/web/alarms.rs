//! Commands about alarms besides answering them: silence, reset, shelf, out of service.
//!
//! Not here: what they do (the engine), and how long a silence lasts.

pub(super) mod kpi;
pub(super) mod view;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{Access, Caller, Role, body};
use super::dto::{AlarmStateDto, EmptyDto, HoldDto, StateDto, timestamp};
use super::error::{ApiError, ErrorBody};
use super::query::path_number;
use super::{App, RouteEntry, rails, routes};
use crate::engine::AlarmId;
use crate::engine::alarm::{ShelfTime, ShelfTimeError};
use crate::guard::handle::{
    AlarmCommand, CommandError, Commanded, Handle, Reason, TestHeard, ZonePlace,
};

/// The routes, with who may use them.
pub(super) fn table() -> Vec<RouteEntry> {
    let (viewer, supervisor, engineer) = (
        Access::AtLeast(Role::Viewer),
        Access::AtLeast(Role::Supervisor),
        Access::AtLeast(Role::Engineer),
    );
    let timed = || middleware::from_fn(rails::within_time);
    vec![
        ("post", "/api/siren/silence", supervisor, post(silence_all).layer(timed())),
        ("post", "/api/siren/test", engineer, post(test_siren).layer(timed())),
        ("post", "/api/alarms/{id}/silence", supervisor, post(silence).layer(timed())),
        ("post", "/api/alarms/{id}/reset", supervisor, post(reset).layer(timed())),
        ("post", "/api/alarms/{id}/shelve", supervisor, post(shelve).layer(timed())),
        ("get", "/api/alarms/shelved", viewer, get(shelved)),
        ("get", "/api/alarms/kpi", viewer, get(kpi::kpi).layer(timed())),
        ("post", "/api/shelved/{id}/end", supervisor, post(unshelve).layer(timed())),
        (
            "post",
            "/api/zones/{camera}/{zone}/out-of-service",
            engineer,
            post(take_out).layer(timed()),
        ),
        ("post", "/api/cameras/{id}/view/confirm", engineer, post(view::confirm).layer(timed())),
        ("post", "/api/zones/{camera}/{zone}/in-service", engineer, post(put_back).layer(timed())),
    ]
}

/// For how long, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShelveDto {
    /// At most 480: one shift.
    #[schema(value_type = u64, minimum = 1, maximum = 480)]
    minutes: serde_json::Value,
    #[serde(default)]
    reason: String,
}

/// Whether people are to hear the test.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AskTestDto {
    sound: TestSoundDto,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TestSoundDto {
    Audible,
    Inaudible,
}

/// What was seen by whoever silences.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SilenceDto {
    /// The `version` of the alarm that was shown; for all sound, the highest of all alarms.
    seen: u64,
}

/// What a body of [`SilenceDto`] looks like.
const SEEN: &str = r#"{"seen": 7340042}"#;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OutOfServiceDto {
    #[serde(default)]
    reason: String,
}

/// It is so until then.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UntilDto {
    /// Null for all sound.
    id: Option<u64>,
    until: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ResetDto {
    id: u64,
    state: AlarmStateDto,
}

/// What people keep quiet.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HoldsDto {
    holds: Vec<HoldDto>,
}

/// Pauses all sound for two minutes; answers nothing.
#[utoipa::path(
    post,
    path = "/api/siren/silence",
    request_body = SilenceDto,
    responses(
        (status = 200, body = UntilDto),
        (status = 409, description = "`newer_cause`, `nothing_sounds`, `already_silenced`", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`busy`, `stopping`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn silence_all(
    State(app): State<App>,
    caller: Caller,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<UntilDto>, ApiError> {
    let SilenceDto { seen } = body::object(sent, SEEN)?;
    let silence = AlarmCommand::Silence { alarm: None, seen };
    let until = until(command(&app, caller, silence).await?);
    Ok(Json(UntilDto { id: None, until }))
}

/// Tests the siren now, in the name of whoever asks.
#[utoipa::path(
    post,
    path = "/api/siren/test",
    request_body = AskTestDto,
    responses(
        (status = 200, body = EmptyDto),
        (status = 409, description = "`siren_sounds`, `siren_under_test`", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`busy`, `stopping`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn test_siren(
    State(app): State<App>,
    caller: Caller,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<EmptyDto>, ApiError> {
    let AskTestDto { sound } = body::object(sent, r#"{"sound": "audible"}"#)?;
    let heard = match sound {
        TestSoundDto::Audible => TestHeard::ByPeople,
        TestSoundDto::Inaudible => TestHeard::ByNobody,
    };
    command(&app, caller, AlarmCommand::TestSiren { heard }).await?;
    Ok(Json(EmptyDto {}))
}

/// Pauses the sound of one alarm for two minutes; answers nothing.
#[utoipa::path(
    post,
    path = "/api/alarms/{id}/silence",
    params(("id" = u64, Path, description = "Alarm number")),
    request_body = SilenceDto,
    responses(
        (status = 200, body = UntilDto),
        (status = 404, description = "`unknown_alarm`", body = ErrorBody),
        (status = 409, description = "`newer_cause`, `nothing_sounds`, `already_silenced`", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`busy`, `stopping`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn silence(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<UntilDto>, ApiError> {
    let id = path_number(path)?;
    let SilenceDto { seen } = body::object(sent, SEEN)?;
    let silence = AlarmCommand::Silence { alarm: Some(AlarmId(id)), seen };
    let until = until(command(&app, caller, silence).await?);
    Ok(Json(UntilDto { id: Some(id), until }))
}

/// Ends a latched alarm that was acknowledged.
#[utoipa::path(
    post,
    path = "/api/alarms/{id}/reset",
    params(("id" = u64, Path, description = "Alarm number")),
    request_body = EmptyDto,
    responses(
        (status = 200, body = ResetDto),
        (status = 404, description = "`unknown_alarm`", body = ErrorBody),
        (status = 409, description = "`still_active`, `not_acknowledged`, `not_latched`", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`busy`, `stopping`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn reset(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<ResetDto>, ApiError> {
    let id = path_number(path)?;
    let EmptyDto {} = body::object(sent, "{}")?;
    let state = match command(&app, caller, AlarmCommand::Reset { alarm: AlarmId(id) }).await? {
        Commanded::State(state) => state.into(),
        Commanded::Until(_) | Commanded::Done => AlarmStateDto::Normal,
    };
    Ok(Json(ResetDto { id, state }))
}

/// Keeps an alarm quiet for a while, for a reason.
#[utoipa::path(
    post,
    path = "/api/alarms/{id}/shelve",
    params(("id" = u64, Path, description = "Alarm number")),
    request_body = ShelveDto,
    responses(
        (status = 200, body = UntilDto),
        (status = 404, description = "`unknown_alarm`", body = ErrorBody),
        (status = 409, description = "`already_shelved`, `already_out_of_service`", body = ErrorBody),
        (status = 422, description = "`too_long`, `too_short`, `reason_needed`, `bad_request`", body = ErrorBody),
        (status = 503, description = "`busy`, `stopping`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn shelve(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<UntilDto>, ApiError> {
    let id = path_number(path)?;
    let right = r#"{"minutes": 30, "reason": "…"}"#;
    let sent: ShelveDto = body::object(sent, right)?;
    let time = ShelfTime::from_minutes(minutes_of(&caller, &sent.minutes)?).map_err(|refusal| {
        let code = match refusal {
            ShelfTimeError::Nothing => "too_short",
            ShelfTimeError::TooLong { .. } => "too_long",
        };
        logged(&caller, &refusal.to_string());
        unfit(code, "minutes", refusal.to_string())
    })?;
    let reason = reason_of(&caller, &sent.reason)?;
    let shelve = AlarmCommand::Shelve { alarm: AlarmId(id), time, reason };
    let until = until(command(&app, caller, shelve).await?);
    Ok(Json(UntilDto { id: Some(id), until }))
}

/// What people keep quiet now: alarms on the shelf, zones out of service.
#[utoipa::path(
    get,
    path = "/api/alarms/shelved",
    responses(
        (status = 200, body = HoldsDto),
        (status = 503, description = "`guard_silent`", body = ErrorBody),
    )
)]
pub(super) async fn shelved(State(app): State<App>) -> Result<Json<HoldsDto>, ApiError> {
    let now = app.now().map_err(ApiError::guard_silent)?;
    Ok(Json(HoldsDto { holds: StateDto::holds_of(&now) }))
}

/// Takes an alarm from the shelf; when its cause is there it is raised anew.
#[utoipa::path(
    post,
    path = "/api/shelved/{id}/end",
    params(("id" = u64, Path, description = "Number of the alarm that was shelved")),
    request_body = EmptyDto,
    responses(
        (status = 200, body = EmptyDto),
        (status = 404, description = "`not_shelved`", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`busy`, `stopping`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn unshelve(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<EmptyDto>, ApiError> {
    let alarm = AlarmId(path_number(path)?);
    let EmptyDto {} = body::object(sent, "{}")?;
    command(&app, caller, AlarmCommand::Unshelve { alarm }).await?;
    Ok(Json(EmptyDto {}))
}

/// Keeps all alarms of a zone quiet until somebody puts it back, for a reason.
#[utoipa::path(
    post,
    path = "/api/zones/{camera}/{zone}/out-of-service",
    params(
        ("camera" = String, Path, description = "Camera id"),
        ("zone" = String, Path, description = "Zone id"),
    ),
    request_body = OutOfServiceDto,
    responses(
        (status = 200, body = EmptyDto),
        (status = 404, description = "`unknown_zone`", body = ErrorBody),
        (status = 409, description = "`already_out_of_service`", body = ErrorBody),
        (status = 422, description = "`reason_needed`, `bad_request`", body = ErrorBody),
        (status = 503, description = "`busy`, `stopping`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn take_out(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<EmptyDto>, ApiError> {
    let zone = place(path)?;
    let sent: OutOfServiceDto = body::object(sent, r#"{"reason": "…"}"#)?;
    let reason = reason_of(&caller, &sent.reason)?;
    command(&app, caller, AlarmCommand::TakeOutOfService { zone, reason }).await?;
    Ok(Json(EmptyDto {}))
}

/// Puts a zone back into service; what is there is raised anew.
#[utoipa::path(
    post,
    path = "/api/zones/{camera}/{zone}/in-service",
    params(
        ("camera" = String, Path, description = "Camera id"),
        ("zone" = String, Path, description = "Zone id"),
    ),
    request_body = EmptyDto,
    responses(
        (status = 200, body = EmptyDto),
        (status = 404, description = "`unknown_zone`", body = ErrorBody),
        (status = 409, description = "`already_in_service`", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`busy`, `stopping`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn put_back(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<EmptyDto>, ApiError> {
    let zone = place(path)?;
    let EmptyDto {} = body::object(sent, "{}")?;
    command(&app, caller, AlarmCommand::PutIntoService { zone }).await?;
    Ok(Json(EmptyDto {}))
}

async fn command(app: &App, caller: Caller, command: AlarmCommand) -> Result<Commanded, ApiError> {
    let ask = move |handle: &dyn Handle| handle.command(command, &caller.name);
    routes::ask_alarms(app, ask).await?.map_err(refused)
}

fn refused(refusal: CommandError) -> ApiError {
    let (status, code) = match refusal {
        CommandError::UnknownAlarm => (StatusCode::NOT_FOUND, "unknown_alarm"),
        CommandError::UnknownZone => (StatusCode::NOT_FOUND, "unknown_zone"),
        CommandError::UnknownCamera => (StatusCode::NOT_FOUND, "unknown_camera"),
        CommandError::ViewUnseen => (StatusCode::CONFLICT, "view_unseen"),
        CommandError::NotShelved => (StatusCode::NOT_FOUND, "not_shelved"),
        CommandError::AlreadyAcknowledged => (StatusCode::CONFLICT, "already_acknowledged"),
        CommandError::NewerCause => (StatusCode::CONFLICT, "newer_cause"),
        CommandError::NothingSounds => (StatusCode::CONFLICT, "nothing_sounds"),
        CommandError::AlreadySilenced => (StatusCode::CONFLICT, "already_silenced"),
        CommandError::StillActive => (StatusCode::CONFLICT, "still_active"),
        CommandError::NotAcknowledged => (StatusCode::CONFLICT, "not_acknowledged"),
        CommandError::NotLatched => (StatusCode::CONFLICT, "not_latched"),
        CommandError::AlreadyShelved => (StatusCode::CONFLICT, "already_shelved"),
        CommandError::AlreadyOutOfService => (StatusCode::CONFLICT, "already_out_of_service"),
        CommandError::AlreadyInService => (StatusCode::CONFLICT, "already_in_service"),
        CommandError::SirenSounds => (StatusCode::CONFLICT, "siren_sounds"),
        CommandError::SirenUnderTest => (StatusCode::CONFLICT, "siren_under_test"),
        CommandError::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        CommandError::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
    };
    ApiError::new(status, code, refusal.to_string())
}

fn until(commanded: Commanded) -> String {
    match commanded {
        Commanded::Until(until) => timestamp(until),
        // The guard tells a time of whatever has one.
        Commanded::State(_) | Commanded::Done => String::new(),
    }
}

fn place(path: Result<Path<(String, String)>, PathRejection>) -> Result<ZonePlace, ApiError> {
    // A name that is no text is nobody's.
    let Ok(Path((camera, zone))) = path else {
        return Err(refused(CommandError::UnknownZone));
    };
    Ok(ZonePlace { camera, zone })
}

fn reason_of(caller: &Caller, sent: &str) -> Result<Reason, ApiError> {
    Reason::new(sent).map_err(|refusal| {
        logged(caller, &refusal.to_string());
        unfit("reason_needed", "reason", refusal.to_string())
    })
}

fn unfit(code: &'static str, field: &str, message: String) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, code, message).about(field)
}

/// Whole minutes. Read here, so that the refusal names the field and what would be right.
fn minutes_of(caller: &Caller, sent: &serde_json::Value) -> Result<u64, ApiError> {
    sent.as_u64().ok_or_else(|| {
        let refusal = format!("must be a whole number of minutes from 1 to 480, not {sent}");
        logged(caller, &refusal);
        unfit("bad_request", "minutes", refusal)
    })
}

/// What never reaches the guard is logged here.
fn logged(caller: &Caller, refusal: &str) {
    tracing::warn!("{}: a command about an alarm was refused: {refusal}", caller.name);
}
