//! `GET /healthz`: whether the box watches all it should and can say so, for another machine to ask.
//!
//! What is so now counts, whether somebody has answered its alarm or not.
//!
//! Not here: what is wrong in detail; the state says that.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;

use super::App;
use super::access::Caller;
use super::dto::{HealthDto, HealthStatusDto};
use super::error::guard_silent_text;
use crate::engine::{AlarmSource, AlarmState, Part};
use crate::guard::handle::{Alarm, Channel, ChannelState, Listening, RelayState, Snapshot};

/// Whether the box watches all it should and can say so; for supervision by others.
#[utoipa::path(
    get,
    path = "/healthz",
    responses(
        (status = 200, description = "Every zone is watched; siren, store and relays work; handhelds that should listen do. `degraded`: somebody else is not told (a channel)", body = HealthDto),
        (status = 503, description = "Something is not; `reasons` says what, to whoever is signed in", body = HealthDto),
    )
)]
pub(super) async fn health(State(app): State<App>, caller: Option<Caller>) -> impl IntoResponse {
    let (faults, others) = match app.now() {
        Ok(now) => (faults(&now), others_not_told(&now)),
        Err(silent_ms) => (vec![guard_silent_text(silent_ms)], Vec::new()),
    };
    let (code, status) = match (faults.is_empty(), others.is_empty()) {
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, HealthStatusDto::Fault),
        (true, false) => (StatusCode::OK, HealthStatusDto::Degraded),
        (true, true) => (StatusCode::OK, HealthStatusDto::Ok),
    };
    let reasons = [faults, others].concat();
    // A stranger learns that something is wrong, not where nobody watches.
    let reasons = if caller.is_some() { reasons } else { Vec::new() };
    (code, Json(HealthDto { status, reasons }))
}

fn faults(now: &Snapshot) -> Vec<String> {
    use crate::engine::ZoneState::{Clear, Occupied, Unknown};
    let mut reasons = Vec::new();
    if now.zones.is_empty() {
        reasons.push("no zone is configured, so nothing is watched".to_owned());
    }
    for zone in &now.zones {
        match zone.state {
            Clear | Occupied => {}
            Unknown(_) => {
                let why = zone.reason.as_deref().unwrap_or("the reason is not known");
                reasons.push(format!("zone {} is not watched: {why}", zone.name));
            }
        }
    }
    for camera in &now.cameras {
        if let Some(why) = &camera.zones_fault {
            reasons
                .push(format!("the zones of {} are not those that were meant: {why}", camera.name));
        }
    }
    if let Some(why) = &now.siren.attention {
        reasons.push(format!("the siren sounds, but somebody has to look after it: {why}"));
    }
    if let Some(why) = &now.siren.fault {
        reasons.push(format!("the siren cannot sound: {why}"));
    }
    if let Some(why) = &now.store_fault {
        reasons.push(format!("the store cannot keep anything: {why}"));
    }
    reasons.extend(relays(now));
    reasons.extend(listeners(now));
    reasons
}

fn relays(now: &Snapshot) -> Vec<String> {
    let failed = now.relays.iter().filter_map(|relay| match &relay.state {
        RelayState::Failed(why) => Some(format!("the relay {} does not work: {why}", relay.name)),
        RelayState::Starting | RelayState::Working => None,
    });
    let failed: Vec<String> = failed.collect();
    match failed.is_empty() {
        true => open_fault(now, Part::Relay).into_iter().collect(),
        false => failed,
    }
}

fn listeners(now: &Snapshot) -> Option<String> {
    let nobody = match now.handhelds.listening {
        Listening::Nobody => Some("no handheld listens, and some should".to_owned()),
        Listening::Somebody | Listening::NotExpected => None,
    };
    open_fault(now, Part::Handhelds).or(nobody)
}

/// The alarm of a part that is broken now, in words.
fn open_fault(now: &Snapshot, part: Part) -> Option<String> {
    let is_it = |alarm: &&Alarm| {
        alarm.source == AlarmSource::Fault(part)
            && matches!(alarm.state, AlarmState::Unacknowledged | AlarmState::Acknowledged)
    };
    now.alarms.iter().find(is_it).map(|alarm| format!("{}: {}", alarm.title, alarm.text))
}

/// The box guards; somebody beyond it is not told.
fn others_not_told(now: &Snapshot) -> Vec<String> {
    let say = |channel: &Channel| {
        let how = match channel.state {
            ChannelState::Starting | ChannelState::Working => return None,
            ChannelState::Unheard => "nobody has subscribed to what it sends",
            ChannelState::Down => "it does not work",
            ChannelState::Off => "this program cannot do it",
        };
        let why = channel.error.as_ref().map_or(String::new(), |(why, _)| format!(": {why}"));
        Some(format!("the channel {}: {how}{why}", channel.name))
    };
    now.channels.iter().filter_map(say).collect()
}
