//! Relays and stack lights: what each shows, and whether it does.
//!
//! Not here: switching one; that is the alarm path's alone.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::error::{ApiError, ErrorBody};
use crate::guard::handle::{RelayCalling, RelayNow, RelayRole, RelayState, Wiring};

/// Every relay that is configured.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RelaysDto {
    relays: Vec<RelayDto>,
}

/// A relay, or a lamp of a stack light. One that failed is an alarm.
#[derive(Debug, Serialize, ToSchema)]
struct RelayDto {
    name: String,
    /// What it calls for: `emergency`, `warning`, `fault`, `siren`.
    role: Vec<&'static str>,
    /// What switches it.
    device: String,
    /// `fail_safe` or `energise_to_call`.
    wiring: &'static str,
    /// How often its coil changes while it does not call; null without a heartbeat.
    heartbeat_ms: Option<u64>,
    /// `starting` (its device has not answered yet), `working` or `failed`.
    state: &'static str,
    /// Why it does not show what it should, for people.
    fault: Option<String>,
    /// Whether it is to call for attention now.
    calling: bool,
    /// Why it may not call when the box is dead though it is wired fail-safe, for people.
    caution: Option<&'static str>,
}

/// How the relays stand.
#[utoipa::path(
    get,
    path = "/api/relays",
    responses(
        (status = 200, body = RelaysDto),
        (status = 503, description = "`guard_silent`", body = ErrorBody),
    )
)]
pub(super) async fn list(State(app): State<App>) -> Result<Json<RelaysDto>, ApiError> {
    let now = app.now().map_err(ApiError::guard_silent)?;
    Ok(Json(RelaysDto { relays: now.relays.iter().map(Into::into).collect() }))
}

impl From<&RelayNow> for RelayDto {
    fn from(relay: &RelayNow) -> RelayDto {
        let (state, fault) = match &relay.state {
            RelayState::Starting => ("starting", None),
            RelayState::Working => ("working", None),
            RelayState::Failed(reason) => ("failed", Some(reason.clone())),
        };
        RelayDto {
            name: relay.name.clone(),
            role: relay.role.iter().map(|role| word(*role)).collect(),
            device: relay.device.clone(),
            wiring: match relay.wiring {
                Wiring::FailSafe => "fail_safe",
                Wiring::EnergiseToCall => "energise_to_call",
            },
            heartbeat_ms: relay.heartbeat.map(|it| it.as_millis().try_into().unwrap_or(u64::MAX)),
            state,
            fault,
            calling: match relay.calling {
                RelayCalling::Yes => true,
                RelayCalling::No => false,
            },
            caution: relay.caution,
        }
    }
}

const fn word(role: RelayRole) -> &'static str {
    match role {
        RelayRole::Emergency => "emergency",
        RelayRole::Warning => "warning",
        RelayRole::Fault => "fault",
        RelayRole::Siren => "siren",
    }
}
