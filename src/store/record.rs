//! What the guard asks the store to keep: the engine's events with names and wall-clock times,
//! since zone numbers mean nothing after the configuration changed.

use jiff::Timestamp;

use super::models::ModelEvent;
use crate::clock::BootId;
use crate::engine::delivery::Class;
use crate::engine::{AlarmId, AlarmState, IncidentId};

/// One thing to keep. A batch of them is one transaction.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// The box began to watch, with everything an auditor needs to read the rest.
    Started {
        at: Timestamp,
        version: String,
        zone_revision: String,
        /// The machine's run; `None` where it is not known.
        boot: Option<BootId>,
        zones: Vec<ZoneName>,
    },
    IncidentStarted(IncidentStart),
    PersonEntered {
        incident: IncidentId,
        at: Timestamp,
        score: f32,
        anchor_norm: (f64, f64),
        track: Option<u64>,
    },
    IncidentEnded {
        incident: IncidentId,
        at: Timestamp,
        last_inside_at: Timestamp,
        entries: u32,
    },
    ZoneUnknown {
        zone: String,
        at: Timestamp,
        cause: String,
    },
    ZoneKnown {
        zone: String,
        at: Timestamp,
    },
    ZoneArmed {
        zone: String,
        at: Timestamp,
        /// For people.
        reason: String,
    },
    ZoneDisarmed {
        zone: String,
        at: Timestamp,
        /// `schedule` or `interlock`.
        by: String,
        /// For people.
        reason: String,
    },
    /// The alarm's state from now on; `normal` closes it.
    Alarm {
        alarm: AlarmId,
        at: Timestamp,
        source: AlarmKey,
        state: AlarmState,
        /// Above every version the alarm had before.
        version: u64,
        incident: Option<IncidentId>,
        text: String,
    },
    /// A person answered.
    Acknowledged {
        alarm: AlarmId,
        at: Timestamp,
        by: String,
    },
    /// A person paused the sound of one alarm, or of all.
    Silenced {
        alarm: Option<AlarmId>,
        at: Timestamp,
        by: String,
    },
    /// A person ended a latched alarm.
    Reset {
        alarm: AlarmId,
        at: Timestamp,
        by: String,
    },
    /// A person put an alarm on the shelf.
    Shelved {
        alarm: AlarmId,
        source: AlarmKey,
        at: Timestamp,
        until: Timestamp,
        by: String,
        reason: String,
    },
    /// It is there no more; by nobody: its time was over, or its source is no more.
    Unshelved {
        alarm: AlarmId,
        source: AlarmKey,
        at: Timestamp,
        by: Option<String>,
    },
    /// A person keeps all alarms of a zone quiet.
    OutOfService {
        zone: String,
        at: Timestamp,
        by: String,
        reason: String,
    },
    /// They are no more; by nobody: the zone was taken away.
    InService {
        zone: String,
        at: Timestamp,
        by: Option<String>,
    },
    /// When the siren was commanded for this incident, milliseconds after the camera's frame.
    SirenSounded {
        incident: IncidentId,
        after_ms: u32,
    },
    /// Messages that others would have got, of records that found no room before the store took them.
    Unkept {
        at: Timestamp,
        class: Class,
        messages: u64,
        /// The times that they were from.
        first_at: Timestamp,
        last_at: Timestamp,
    },
    /// Something happened to a model.
    ModelEvent(ModelEvent),
    /// The vision process ended and was started again, or a similar thing people should find later.
    Note {
        at: Timestamp,
        text: String,
    },
}

impl Record {
    /// When it happened; `None` for what has no time of its own.
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            Record::IncidentStarted(start) => Some(start.at),
            Record::ModelEvent(event) => Some(event.at),
            Record::Started { at, .. }
            | Record::PersonEntered { at, .. }
            | Record::IncidentEnded { at, .. }
            | Record::ZoneUnknown { at, .. }
            | Record::ZoneKnown { at, .. }
            | Record::ZoneArmed { at, .. }
            | Record::ZoneDisarmed { at, .. }
            | Record::Alarm { at, .. }
            | Record::Acknowledged { at, .. }
            | Record::Silenced { at, .. }
            | Record::Reset { at, .. }
            | Record::Shelved { at, .. }
            | Record::Unshelved { at, .. }
            | Record::OutOfService { at, .. }
            | Record::InService { at, .. }
            | Record::Unkept { at, .. }
            | Record::Note { at, .. } => Some(*at),
            Record::SirenSounded { .. } => None,
        }
    }
}

/// A zone with the names in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneName {
    pub id: String,
    pub name: String,
    pub camera: String,
}

/// Everything invariant 3 demands of an incident.
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentStart {
    pub incident: IncidentId,
    pub zone: String,
    pub zone_name: String,
    pub camera: String,
    /// When the engine decided.
    pub at: Timestamp,
    /// When the light of the deciding frame reached the camera.
    pub captured_at: Timestamp,
    pub frame: u64,
    pub score: f32,
    pub anchor_norm: (f64, f64),
    pub track: Option<u64>,
    pub model_digest: String,
    pub zone_revision: String,
    /// Stage name and milliseconds, in order.
    pub stages: Vec<(String, f64)>,
}

/// What an alarm is about, by name: survives a changed configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlarmKey {
    /// Zone id.
    Intrusion(String),
    /// Zone id.
    Warning(String),
    /// Zone id.
    Untested(String),
    /// Camera id.
    Blind(String),
    /// `siren`, `store`, `relay` or `handhelds`.
    Fault(String),
}

/// What people kept quiet when the box stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenHold {
    pub source: AlarmKey,
    pub kind: HeldKind,
    pub by: String,
    pub reason: String,
    pub since: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldKind {
    Shelved { alarm: AlarmId, until: Timestamp },
    OutOfService,
}

/// An alarm that was open when the box stopped.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenAlarm {
    pub alarm: AlarmId,
    pub source: AlarmKey,
    pub state: AlarmState,
    pub raised_at: Timestamp,
    pub version: u64,
    /// The version at which it last wanted an answer.
    pub renewed: u64,
    pub incident: Option<IncidentId>,
    pub acknowledged: Option<(String, Timestamp)>,
    pub text: String,
}
