//! One zone: its memory, its incident, its sight and its arming, and what it looks like from outside.
//!
//! Not here: how anybody is found inside (`zone`), and what the alarms do (`alarm`).

use std::time::Duration;

use super::alarm::{Hold, Inhibition, Latch};
use super::approaching::Approaching;
use super::ground::Ground;
use super::site::{Arming, Duty, ZoneSpec};
use super::time::Instant;
use super::zone::{Following, Telling, Watcher};
use super::{AlarmSource, ArmingView, BlindCause, IncidentId, ZoneIndex, ZoneState, ZoneView};

/// An alarm of an earlier life returns no sooner than this after its zone is watched again: time for
/// somebody still inside to be seen and to make the alarm this life's own.
const INHERITED_MIN: Duration = Duration::from_millis(1500);

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Zone {
    pub index: ZoneIndex,
    pub camera: usize,
    pub watcher: Watcher,
    /// Warns of whoever is about to enter.
    pub approaching: Option<Approaching>,
    pub incident: Option<Incident>,
    pub blind: Option<BlindCause>,
    pub arming: Arming,
    pub latch: Latch,
    /// An alarm of an earlier life that was active: it returns once the zone has been watched and
    /// empty for `clear_after`, counted from here.
    pub inherited: Option<Inherited>,
    /// The state last seen from outside, and since when.
    shown: ZoneState,
    since: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Incident {
    pub id: IncidentId,
    pub entries: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Inherited {
    NotYetWatched,
    WatchedSince(Instant),
}

/// What became of an inherited alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inheritance {
    Stays,
    Returns,
}

impl Zone {
    /// A zone that nobody has looked at yet.
    pub fn new(
        index: ZoneIndex,
        camera: usize,
        spec: ZoneSpec,
        ground: Option<&Ground>,
        now: Instant,
    ) -> Zone {
        Zone {
            index,
            camera,
            approaching: approaching(&spec.duty, ground),
            latch: spec.rules.latch,
            watcher: Watcher::new(spec.duty, spec.rules),
            incident: None,
            blind: Some(BlindCause::Starting),
            arming: Arming::Armed,
            inherited: None,
            shown: ZoneState::Unknown(BlindCause::Starting),
            since: now,
        }
    }

    /// What its incidents are alarms of.
    pub fn source(&self) -> AlarmSource {
        match self.watcher.following() {
            Following::Warning(_) => AlarmSource::Warning(self.index),
            Following::Restricted(_)
            | Following::Occupancy(_)
            | Following::Tripwire(_)
            | Following::Ignore(_) => AlarmSource::Intrusion(self.index),
        }
    }

    pub fn telling(&self) -> Telling {
        match self.arming {
            Arming::Armed => Telling::Tell,
            Arming::Disarmed { .. } => Telling::Follow,
        }
    }

    pub fn view(&self, hold: Hold) -> ZoneView {
        ZoneView {
            inhibition: Inhibition::of(hold, self.by_design()),
            state: self.state(),
            since: self.since,
            people: self.people(),
            incident: self.incident.map(|incident| incident.id),
            arming: self.arming_view(),
        }
    }

    fn by_design(&self) -> Inhibition {
        match self.arming {
            Arming::Armed => Inhibition::None,
            Arming::Disarmed { .. } => Inhibition::SuppressedByDesign,
        }
    }

    pub fn arming_view(&self) -> ArmingView {
        match self.arming {
            Arming::Armed => ArmingView::Armed,
            Arming::Disarmed { by, .. } => ArmingView::Disarmed(by),
        }
    }

    pub fn people(&self) -> u32 {
        u32::try_from(self.watcher.people()).unwrap_or(u32::MAX)
    }

    pub fn state(&self) -> ZoneState {
        let inside = self.incident.is_some() || self.watcher.people() > 0;
        match (self.blind, self.inherited) {
            (Some(cause), _) => ZoneState::Unknown(cause),
            (None, _) if inside => ZoneState::Occupied,
            // Whoever was inside may still be: a moment without them does not make it clear.
            (None, Some(_)) => ZoneState::Unknown(BlindCause::Starting),
            (None, None) => ZoneState::Clear,
        }
    }

    /// Notes since when it looks as it does. UNKNOWN for another cause is still UNKNOWN.
    pub fn note_state(&mut self, now: Instant) {
        let state = self.state();
        if std::mem::discriminant(&state) != std::mem::discriminant(&self.shown) {
            self.since = now;
        }
        self.shown = state;
    }

    pub fn set_sight(&mut self, cause: Option<BlindCause>, newest: Option<Instant>) {
        if let (None, Some(newest)) = (cause, newest) {
            self.watcher.time_stood_still(newest);
        }
        self.blind = cause;
    }

    /// Follows an inherited alarm through time.
    pub fn inherit(&mut self, now: Instant) -> Inheritance {
        let empty_for = self.watcher.clear_after().max(INHERITED_MIN);
        match self.inherited {
            None => {}
            Some(_) if self.blind.is_some() => self.inherited = Some(Inherited::NotYetWatched),
            Some(Inherited::NotYetWatched) => self.inherited = Some(Inherited::WatchedSince(now)),
            // Somebody is inside a disarmed zone: their old alarm stays until they leave.
            Some(_) if self.watcher.people() > 0 => {
                self.inherited = Some(Inherited::WatchedSince(now));
            }
            Some(Inherited::WatchedSince(since)) if now.since(since) < empty_for => {}
            Some(Inherited::WatchedSince(_)) => {
                self.inherited = None;
                return Inheritance::Returns;
            }
        }
        Inheritance::Stays
    }
}

/// What a duty warns of before anybody is inside.
pub(super) fn approaching(duty: &Duty, ground: Option<&Ground>) -> Option<Approaching> {
    match duty {
        Duty::Restricted { area, approach, .. } => Approaching::new((*approach)?, area, ground),
        Duty::Warning { .. }
        | Duty::Occupancy { .. }
        | Duty::Tripwire { .. }
        | Duty::Ignore { .. } => None,
    }
}
