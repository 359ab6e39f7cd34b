//! What is kept quiet, as told.

use serde::Serialize;
use utoipa::ToSchema;

use super::convert::{About, about, timestamp};
use super::{AlarmKindDto, PartDto, StateDto};
use crate::engine::alarm::Inhibition;
use crate::guard::handle::{Hold, HoldKind, Snapshot};

/// Something that people keep quiet.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct HoldDto {
    state: HoldStateDto,
    /// The alarm that was shelved, which ends it by its number; null out of service.
    alarm: Option<u64>,
    /// When it leaves the shelf by itself; null out of service.
    until: Option<String>,
    /// What it is about; for a zone out of service `intrusion`, and meant are all its alarms.
    kind: AlarmKindDto,
    zone: Option<String>,
    camera: Option<String>,
    part: Option<PartDto>,
    title: String,
    by: String,
    reason: String,
    since: String,
    /// The alarm that is open there now, if the cause is there.
    open_alarm: Option<u64>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum HoldStateDto {
    Shelved,
    OutOfService,
}

/// Why nobody is told of what happens in a zone.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum InhibitionDto {
    None,
    /// Disarmed by its schedule or a machine.
    SuppressedByDesign,
    Shelved,
    OutOfService,
}

impl StateDto {
    pub(in crate::web) fn holds_of(now: &Snapshot) -> Vec<HoldDto> {
        now.holds.iter().map(|it| hold(it, now)).collect()
    }
}

fn hold(hold: &Hold, now: &Snapshot) -> HoldDto {
    let About { kind, zone, camera, part } = about(hold.source, now);
    let (state, alarm, until) = match hold.kind {
        HoldKind::Shelved { alarm, until } => {
            (HoldStateDto::Shelved, Some(alarm.0), Some(timestamp(until)))
        }
        HoldKind::OutOfService => (HoldStateDto::OutOfService, None, None),
    };
    HoldDto {
        state,
        alarm,
        until,
        kind,
        zone,
        camera,
        part,
        title: hold.title.clone(),
        by: hold.by.clone(),
        reason: hold.reason.clone(),
        since: timestamp(hold.since),
        open_alarm: hold.open.map(|alarm| alarm.0),
    }
}

impl From<Inhibition> for InhibitionDto {
    fn from(inhibition: Inhibition) -> InhibitionDto {
        match inhibition {
            Inhibition::None => InhibitionDto::None,
            Inhibition::SuppressedByDesign => InhibitionDto::SuppressedByDesign,
            Inhibition::Shelved => InhibitionDto::Shelved,
            Inhibition::OutOfService => InhibitionDto::OutOfService,
        }
    }
}
