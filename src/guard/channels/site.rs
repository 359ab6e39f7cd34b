//! What channels see of now, and the one thing they may ask for.

use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock;
use crate::engine::time::Instant;
use crate::engine::{AlarmId, AlarmState, ZoneState};
use crate::guard::desk;
use crate::guard::handle::{
    AcknowledgeError, AlarmCommand, Armed, SirenSound, Snapshot, VisionState, Zone,
};
use crate::guard::live::LiveHub;
use crate::guard::message::Answer;
use crate::notify::{Refused, Site, SiteNow, ZoneNow};

/// Snapshots come at least once a second; after this long what was shown last is not of now.
const SILENT_AFTER: Duration = Duration::from_secs(3);

/// Whether what was shown last is of now.
#[derive(Clone, Copy)]
enum Sight {
    Now,
    Silent,
}

/// See [`Site`].
pub(super) struct HubSite {
    hub: Arc<LiveHub>,
    answers: SyncSender<Answer>,
    /// The newest snapshot's time, and when it was first seen: its own clock may step.
    seen: Mutex<(Timestamp, Instant)>,
}

impl HubSite {
    pub fn new(hub: Arc<LiveHub>, answers: SyncSender<Answer>) -> HubSite {
        let seen = Mutex::new((Timestamp::UNIX_EPOCH, clock::monotonic()));
        HubSite { hub, answers, seen }
    }

    fn sight(&self, shown_at: Timestamp) -> Sight {
        let now = clock::monotonic();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.0 != shown_at {
            *seen = (shown_at, now);
        }
        if now.since(seen.1) > SILENT_AFTER { Sight::Silent } else { Sight::Now }
    }
}

impl Site for HubSite {
    fn now(&self) -> SiteNow {
        let snapshot = self.hub.snapshots().borrow().clone();
        let sight = self.sight(snapshot.now);
        let waits = |state| {
            matches!(
                state,
                AlarmState::Unacknowledged
                    | AlarmState::ReturnedUnacknowledged
                    | AlarmState::LatchedUnacknowledged
            )
        };
        SiteNow {
            name: snapshot.site.name.clone(),
            at: snapshot.now,
            zones: snapshot.zones.iter().map(|zone| zone_now(zone, &snapshot, sight)).collect(),
            siren: match snapshot.siren.sound {
                SirenSound::Silent => "silent",
                SirenSound::Intrusion => "intrusion",
                SirenSound::Warning => "warning",
                SirenSound::Fault => "fault",
            },
            vision: match snapshot.vision.state {
                VisionState::Starting => "starting",
                VisionState::Watching => "watching",
                VisionState::Restarting => "restarting",
            },
            unacknowledged: snapshot.alarms.iter().filter(|alarm| waits(alarm.state)).count(),
            latency_p99_ms: snapshot.latency.capture_to_siren_p99_ms,
            latency_max_ms: snapshot.latency.capture_to_siren_max_ms,
        }
    }

    fn acknowledge(&self, alarm: u64, version: u64, by: &str) -> Result<(), Refused> {
        let command = AlarmCommand::Acknowledge { alarm: AlarmId(alarm), seen: Some(version) };
        let asked = desk::ask(&self.answers, command, by).map_err(AcknowledgeError::from);
        asked.map(|_state| ()).map_err(|refusal| Refused {
            code: match refusal {
                AcknowledgeError::UnknownAlarm => "unknown_alarm",
                AcknowledgeError::AlreadyAcknowledged => "already_acknowledged",
                AcknowledgeError::NewerCause => "newer_cause",
                AcknowledgeError::Busy => "busy",
                AcknowledgeError::Stopping => "stopping",
            },
            message: refusal.to_string(),
        })
    }
}

fn zone_now(zone: &Zone, snapshot: &Snapshot, sight: Sight) -> ZoneNow {
    let (state, reason) = match (sight, zone.state) {
        (Sight::Silent, _) => ("unknown", Some("the guard says nothing".to_owned())),
        (Sight::Now, ZoneState::Clear) => ("clear", zone.reason.clone()),
        (Sight::Now, ZoneState::Occupied) => ("occupied", zone.reason.clone()),
        (Sight::Now, ZoneState::Unknown(_)) => ("unknown", zone.reason.clone()),
    };
    ZoneNow {
        id: zone.id.clone(),
        name: zone.name.clone(),
        camera: snapshot.cameras.get(zone.camera).map_or_else(String::new, |c| c.id.clone()),
        state,
        reason,
        since: zone.since,
        people: zone.people,
        armed: match zone.arming.armed {
            Armed::Yes => "armed",
            Armed::No => "disarmed",
        },
    }
}
