//! Machine inputs and arming, as the API says them.

use serde::Serialize;
use utoipa::ToSchema;

use super::convert::timestamp;
use crate::guard::handle::{Armed, ArmedBy, Input, InputSight, ZoneArming};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InputDto {
    name: String,
    state: InputStateDto,
    /// For people, when unknown.
    reason: Option<String>,
    /// Since when it is on, off or unknown.
    since: String,
    /// Since anything was heard of it; null: never.
    age_ms: Option<u64>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum InputStateDto {
    On,
    Off,
    Unknown,
}

/// Whether a zone alarms now, and why.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ArmingDto {
    armed: bool,
    /// Null: nothing could say otherwise, or what could is in doubt.
    by: Option<ArmedByDto>,
    /// For people.
    reason: String,
    /// When the schedule changes that.
    until: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ArmedByDto {
    Schedule,
    Interlock,
}

impl From<&Input> for InputDto {
    fn from(input: &Input) -> InputDto {
        let (state, reason) = match &input.state {
            InputSight::On => (InputStateDto::On, None),
            InputSight::Off => (InputStateDto::Off, None),
            InputSight::Unknown(reason) => (InputStateDto::Unknown, Some(reason.clone())),
        };
        let (name, since) = (input.name.clone(), timestamp(input.since));
        InputDto { name, state, reason, since, age_ms: input.age_ms }
    }
}

impl From<&ZoneArming> for ArmingDto {
    fn from(arming: &ZoneArming) -> ArmingDto {
        ArmingDto {
            armed: arming.armed == Armed::Yes,
            by: arming.by.map(|by| match by {
                ArmedBy::Schedule => ArmedByDto::Schedule,
                ArmedBy::Interlock => ArmedByDto::Interlock,
            }),
            reason: arming.reason.clone(),
            until: arming.until.map(timestamp),
        }
    }
}
