//! What is known of each open alarm beyond its state: who answered, which incident, how fast.
//!
//! The **ladder** says how long after the camera's frame each step was reached; **stages** say where
//! the time to the siren went and add up to it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::handle::Latency;
use super::latency::{Latencies, millis};
use super::message::Sounding;
use crate::engine::time::Instant;
use crate::engine::{AlarmId, AlarmSource, AlarmState, IncidentId};
use crate::store::record::{OpenAlarm, Record};

/// Entries waiting for the siren's word; it comes within milliseconds or never.
const WAITING_MAX: usize = 64;

/// Everything about one open alarm that the engine does not know.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmNotes {
    pub raised_at: Timestamp,
    pub changed_at: Timestamp,
    /// Rises with every change of the alarm and every further person, over restarts too.
    pub version: u64,
    /// The version at which it last wanted an answer: raised, raised again, a further person.
    pub renewed: u64,
    pub acknowledged: Option<(String, Timestamp)>,
    pub incident: Option<IncidentId>,
    pub has_snapshot: bool,
    pub ladder: Vec<(&'static str, u32)>,
    pub stages: Vec<(&'static str, f64)>,
    /// When the light of the deciding picture reached the camera.
    pub captured_at: Option<Instant>,
}

/// Who keeps a source quiet, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldNotes {
    pub by: String,
    pub reason: String,
    pub since: Timestamp,
    /// The end of its time on the shelf, as it was said.
    pub until: Option<Timestamp>,
}

/// The picture that decided an entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Deciding {
    pub incident: IncidentId,
    pub part: EpisodePart,
    pub captured_at: Instant,
    /// When the alarm path's queue had the report.
    pub received_at: Instant,
    /// Up to `received_at`.
    pub stages: Vec<(&'static str, f64)>,
}

/// Whether an entry began the incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpisodePart {
    Start,
    FurtherPerson,
}

#[derive(Debug)]
struct Waiting {
    order: u64,
    alarm: AlarmId,
    deciding: Deciding,
}

/// Notes on all open alarms, and the latencies of this life.
#[derive(Debug, Default)]
pub struct Ledger {
    versions: Versions,
    holds: BTreeMap<AlarmSource, HoldNotes>,
    /// Who silenced the siren last.
    silenced_by: Option<String>,
    alarms: BTreeMap<AlarmId, AlarmNotes>,
    waiting: Vec<Waiting>,
    latencies: Latencies,
    /// The newest order the siren has taken, and whether it could be heard.
    accepted: Option<(u64, Sounding)>,
}

/// Gives out versions: numbers that only rise, over restarts too, so that whoever keeps the highest
/// one of an alarm or incident has the newest.
#[derive(Debug, Default)]
pub struct Versions {
    last: u64,
}

/// Versions that one life has for itself: with a change every second, twelve days. A life that needs
/// more pushes the next one up.
const VERSIONS_A_LIFE: u64 = 1 << 20;

impl Versions {
    /// Those of life number `life`, above every version up to `highest` that was kept.
    pub fn of_life(life: u64, highest: u64) -> Versions {
        // What a life that was killed had not kept yet is far less than a life's room.
        let passed = highest.checked_div(VERSIONS_A_LIFE).unwrap_or_default() + 1;
        let room = if highest == 0 { life } else { life.max(passed) };
        Versions { last: room.saturating_mul(VERSIONS_A_LIFE) }
    }

    /// The next one.
    pub fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

impl Ledger {
    /// Goes on with the alarms of an earlier life.
    pub fn restored(
        alarms: &[OpenAlarm],
        holds: &[(AlarmSource, HoldNotes)],
        versions: Versions,
    ) -> Ledger {
        // A version that was shown but not kept before a kill may be above the one that was kept.
        let version = versions.last;
        let notes = |open: &OpenAlarm| AlarmNotes {
            version,
            renewed: open.renewed,
            acknowledged: open.acknowledged.clone(),
            incident: open.incident,
            ..AlarmNotes::new(open.raised_at)
        };
        Ledger {
            alarms: alarms.iter().map(|open| (open.alarm, notes(open))).collect(),
            holds: holds.iter().cloned().collect(),
            versions,
            ..Ledger::default()
        }
    }

    /// Somebody keeps a source quiet from now on.
    pub fn keep_quiet(&mut self, source: AlarmSource, notes: HoldNotes) {
        self.holds.insert(source, notes);
    }

    /// Who keeps this source quiet; of a source that is kept quiet.
    pub fn hold(&self, source: AlarmSource) -> Option<&HoldNotes> {
        self.holds.get(&source)
    }

    pub fn silenced_by(&mut self, by: &str) {
        self.silenced_by = Some(by.to_owned());
    }

    /// Who silenced the siren last.
    pub fn silencer(&self) -> Option<&str> {
        self.silenced_by.as_deref()
    }

    /// Whether something happened to the alarm that a person who saw it at version `seen` does not
    /// know of, and must.
    ///
    /// Nobody has seen a version that is still to come: that is no answer to this alarm either.
    pub fn is_newer(&self, alarm: AlarmId, seen: u64) -> bool {
        let notes = self.alarms.get(&alarm);
        notes.is_some_and(|notes| !(notes.renewed..=notes.version).contains(&seen))
    }

    /// The same of all open alarms, for a person who saw none of a version above `seen`.
    pub fn any_newer(&self, seen: u64) -> bool {
        seen > self.versions.last || self.alarms.values().any(|notes| notes.renewed > seen)
    }

    pub fn notes(&self, alarm: AlarmId) -> Option<&AlarmNotes> {
        self.alarms.get(&alarm)
    }

    pub fn latency(&self, now: Instant) -> Latency {
        self.latencies.view(now)
    }

    /// An alarm changed its state, or a further person came; returns its incident, as far as known,
    /// and its version from now on.
    pub fn changed(
        &mut self,
        alarm: AlarmId,
        to: AlarmState,
        incident: Option<IncidentId>,
        at: Timestamp,
    ) -> (Option<IncidentId>, u64) {
        let version = self.versions.next();
        let notes = self.alarms.entry(alarm).or_insert_with(|| AlarmNotes::new(at));
        notes.changed_at = at;
        notes.version = version;
        notes.link(incident);
        let incident = notes.incident;
        match to {
            AlarmState::Normal => {
                self.alarms.remove(&alarm);
            }
            AlarmState::Unacknowledged => {
                notes.acknowledged = None;
                notes.renewed = version;
            }
            AlarmState::Acknowledged
            | AlarmState::ReturnedUnacknowledged
            | AlarmState::LatchedUnacknowledged
            | AlarmState::LatchedAcknowledged
            | AlarmState::Shelved
            | AlarmState::OutOfService => {}
        }
        (incident, version)
    }

    /// A person answered.
    pub fn answered(&mut self, alarm: AlarmId, by: &str, at: Timestamp) {
        if let Some(notes) = self.alarms.get_mut(&alarm) {
            notes.acknowledged = Some((by.to_owned(), at));
        }
    }

    /// A new picture decided an entry that the alarm is about.
    pub fn decided(&mut self, alarm: AlarmId, deciding: &Deciding) {
        if let Some(notes) = self.alarms.get_mut(&alarm) {
            notes.link(Some(deciding.incident));
            notes.captured_at = Some(deciding.captured_at);
            notes.ladder.clear();
            notes.stages = deciding.stages.clone();
        }
    }

    /// The entry waits for the siren to take this order. When it has taken it before, because it
    /// sounds already, the alarm is heard from `now`.
    pub fn await_siren(
        &mut self,
        order: u64,
        alarm: AlarmId,
        deciding: Deciding,
        now: Instant,
    ) -> Vec<Record> {
        if self.waiting.len() == WAITING_MAX {
            self.waiting.remove(0);
        }
        self.waiting.push(Waiting { order, alarm, deciding });
        match self.accepted {
            Some((accepted, output)) if accepted >= order => {
                self.siren_accepted(accepted, now, output)
            }
            Some(_) | None => Vec::new(),
        }
    }

    /// The siren has taken this order and all before it.
    pub fn siren_accepted(&mut self, order: u64, at: Instant, output: Sounding) -> Vec<Record> {
        self.accepted = Some((order, output));
        let (taken, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition::<Vec<_>, _>(|waiting| waiting.order <= order);
        self.waiting = waiting;
        taken.into_iter().filter_map(|taken| self.sounded(&taken, at, output)).collect()
    }

    fn sounded(&mut self, taken: &Waiting, at: Instant, output: Sounding) -> Option<Record> {
        let deciding = &taken.deciding;
        let latency = at.since(deciding.captured_at);
        self.latencies.add(latency, at);
        if output == Sounding::No {
            return None;
        }
        if let Some(notes) = self.alarms.get_mut(&taken.alarm)
            && notes.captured_at == Some(deciding.captured_at)
        {
            let last = at.since(deciding.received_at).as_secs_f64() * 1e3;
            notes.stages.push(("siren", last));
            notes.reached("siren", latency);
        }
        (deciding.part == EpisodePart::Start).then(|| Record::SirenSounded {
            incident: deciding.incident,
            after_ms: millis(latency),
        })
    }

    /// These incidents are on disk.
    pub fn stored(&mut self, incidents: &[IncidentId], at: Instant) {
        for notes in self.alarms.values_mut() {
            if let (Some(incident), Some(captured_at)) = (notes.incident, notes.captured_at)
                && incidents.contains(&incident)
            {
                notes.reached("stored", at.since(captured_at));
            }
        }
    }

    /// The picture of this incident is on disk.
    pub fn snapshot_stored(&mut self, incident: IncidentId) {
        for notes in self.alarms.values_mut() {
            notes.has_snapshot |= notes.incident == Some(incident);
        }
    }
}

impl AlarmNotes {
    fn new(raised_at: Timestamp) -> AlarmNotes {
        AlarmNotes {
            raised_at,
            changed_at: raised_at,
            version: 0,
            renewed: 0,
            acknowledged: None,
            incident: None,
            has_snapshot: false,
            ladder: Vec::new(),
            stages: Vec::new(),
            captured_at: None,
        }
    }

    fn link(&mut self, incident: Option<IncidentId>) {
        if incident.is_some() && incident != self.incident {
            self.incident = incident;
            self.has_snapshot = false;
        }
    }

    fn reached(&mut self, step: &'static str, after: Duration) {
        if !self.ladder.iter().any(|(reached, _)| *reached == step) {
            self.ladder.push((step, millis(after)));
            self.ladder.sort_by_key(|(_, after_ms)| *after_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deciding() -> Deciding {
        Deciding {
            incident: IncidentId(3),
            part: EpisodePart::Start,
            captured_at: Instant::from_millis(1000),
            received_at: Instant::from_millis(1080),
            stages: vec![("seen", 40.0), ("inferred", 39.0), ("link", 1.0)],
        }
    }

    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        let state = AlarmState::Unacknowledged;
        ledger.changed(AlarmId(1), state, None, Timestamp::UNIX_EPOCH);
        ledger.decided(AlarmId(1), &deciding());
        ledger
    }

    #[test]
    fn stages_add_up_to_light_to_siren() {
        let mut ledger = ledger();
        assert_eq!(ledger.await_siren(1, AlarmId(1), deciding(), Instant::from_millis(1081)), []);
        let records = ledger.siren_accepted(1, Instant::from_millis(1084), Sounding::Yes);
        let notes = ledger.notes(AlarmId(1)).expect("open");
        assert_eq!(notes.stages.iter().map(|(_, ms)| ms).sum::<f64>(), 84.0);
        assert_eq!(notes.ladder, [("siren", 84)]);
        let sounded = Record::SirenSounded { incident: IncidentId(3), after_ms: 84 };
        assert_eq!(records, [sounded]);
    }

    #[test]
    fn a_siren_that_sounds_already_is_heard_at_once() {
        let mut ledger = ledger();
        ledger.siren_accepted(5, Instant::from_millis(900), Sounding::Yes);
        let records = ledger.await_siren(5, AlarmId(1), deciding(), Instant::from_millis(1082));
        assert_eq!(records.len(), 1);
        assert_eq!(ledger.notes(AlarmId(1)).expect("open").ladder, [("siren", 82)]);
    }

    #[test]
    fn a_broken_siren_is_measured_but_never_said_to_have_sounded() {
        let mut ledger = ledger();
        ledger.await_siren(1, AlarmId(1), deciding(), Instant::from_millis(1081));
        let records = ledger.siren_accepted(1, Instant::from_millis(1084), Sounding::No);
        assert_eq!(records, []);
        assert_eq!(ledger.notes(AlarmId(1)).expect("open").ladder, []);
        assert_eq!(ledger.latency(Instant::ZERO).capture_to_siren_max_ms, Some(84));
    }

    #[test]
    fn versions_rise_within_a_life_and_over_restarts() {
        let mut first = Versions::of_life(1, 0);
        assert_eq!((first.next(), first.next()), ((1 << 20) + 1, (1 << 20) + 2));
        // Another life, and one after a life that had more changes than its share.
        assert_eq!(Versions::of_life(2, (1 << 20) + 2).next(), (2 << 20) + 1);
        assert_eq!(Versions::of_life(2, (5 << 20) + 2).next(), (6 << 20) + 1);
        // A store whose lives were lost but not its alarms.
        assert_eq!(Versions::of_life(0, (5 << 20) + 2).next(), (6 << 20) + 1);
    }

    #[test]
    fn who_looked_before_the_alarm_was_renewed_has_not_seen_it_all() {
        let (mut ledger, alarm, at) = (ledger(), AlarmId(1), Timestamp::UNIX_EPOCH);
        let raised = ledger.notes(alarm).expect("open").version;
        assert!(!ledger.is_newer(alarm, raised));
        ledger.changed(alarm, AlarmState::Acknowledged, None, at);
        assert!(!ledger.is_newer(alarm, raised), "an answer is no new cause");
        let (_, renewed) = ledger.changed(alarm, AlarmState::Unacknowledged, None, at);
        assert!(ledger.is_newer(alarm, raised));
        assert!(!ledger.is_newer(alarm, renewed));
        assert!(ledger.is_newer(alarm, renewed + 1), "nobody has seen what is still to come");
        assert!(!ledger.is_newer(AlarmId(2), 0), "nobody knows that one");
        assert!(ledger.any_newer(raised) && !ledger.any_newer(renewed));
        let (_, other) = ledger.changed(AlarmId(2), AlarmState::Unacknowledged, None, at);
        assert!(ledger.any_newer(renewed), "another alarm is news for who silences all");
        assert!(!ledger.any_newer(other) && ledger.any_newer(other + 1));
    }

    #[test]
    fn a_new_intruder_takes_back_the_answer() {
        let mut ledger = ledger();
        let at = Timestamp::UNIX_EPOCH;
        ledger.changed(AlarmId(1), AlarmState::Acknowledged, None, at);
        ledger.answered(AlarmId(1), "Eva", at);
        assert!(ledger.notes(AlarmId(1)).expect("open").acknowledged.is_some());
        ledger.changed(AlarmId(1), AlarmState::Unacknowledged, None, at);
        assert_eq!(ledger.notes(AlarmId(1)).expect("open").acknowledged, None);
    }
}
