//! What the page and the record say to people: sentences for causes, states and alarms.

use super::records::SiteNames;
use crate::engine::{AlarmSource, AlarmState, BlindCause, Part};

/// Why a camera's zones are not watched; `detail` is what the vision process said, if anything.
pub fn blind(cause: BlindCause, detail: Option<&str>) -> String {
    let why = match cause {
        BlindCause::Starting => "waiting for the first picture",
        BlindCause::NoFrames => "pictures stopped coming",
        BlindCause::LateFrames => "pictures come too late to act on",
        BlindCause::SourceLost => "the source gives no picture",
        BlindCause::WorkerSilent => "the vision process does not answer",
        BlindCause::WorkerDown => "the vision process is not running",
    };
    match detail {
        Some(detail) if !detail.is_empty() => format!("{why}: {detail}"),
        Some(_) | None => why.into(),
    }
}

/// The part's name in the record.
pub fn part_key(part: Part) -> &'static str {
    match part {
        Part::Siren => "siren",
        Part::Store => "store",
    }
}

/// What an alarm is called.
pub fn title(source: AlarmSource, names: &SiteNames) -> String {
    match source {
        AlarmSource::Intrusion(zone) => names.zone(zone).map_or("?", |zone| &zone.name).to_owned(),
        AlarmSource::Blind(camera) => names.camera_name(camera).to_owned(),
        AlarmSource::Fault(Part::Siren) => "Siren".into(),
        AlarmSource::Fault(Part::Store) => "Store".into(),
    }
}

/// What an intrusion alarm says.
pub fn intrusion(people: u32, state: AlarmState) -> String {
    match (state, people) {
        (AlarmState::ReturnedUnacknowledged | AlarmState::Normal, _) | (_, 0) => {
            "Nobody seen inside any more".into()
        }
        (AlarmState::Unacknowledged | AlarmState::Acknowledged, 1) => "1 person inside".into(),
        (AlarmState::Unacknowledged | AlarmState::Acknowledged, people) => {
            format!("{people} people inside")
        }
    }
}

/// What an alarm about missing sight or a broken part says; `fault` is the cause while it lasts.
pub fn trouble(source: AlarmSource, fault: Option<&str>) -> String {
    match (source, fault) {
        (AlarmSource::Blind(_), Some(fault)) => format!("Its zones are not watched: {fault}"),
        (AlarmSource::Blind(_) | AlarmSource::Intrusion(_), None) => "Watched again".into(),
        (AlarmSource::Fault(Part::Siren), Some(fault)) => {
            format!("The siren cannot sound: {fault}")
        }
        (AlarmSource::Fault(Part::Store), Some(fault)) => {
            format!("Incidents cannot be kept: {fault}")
        }
        (AlarmSource::Fault(_), None) => "Works again".into(),
        (AlarmSource::Intrusion(_), Some(fault)) => fault.into(),
    }
}
