//! Carrying out what the engine wants: sound, record, tell.

use std::collections::BTreeSet;
use std::sync::mpsc::TrySendError;

use jiff::Timestamp;

use super::{Changed, Runner, Seen};
use crate::clock;
use crate::engine::alarm::Hold;
use crate::engine::time::Instant;
use crate::engine::{
    AlarmId, AlarmSource, AlarmState, AlarmView, ArmingView, Effects, Entry, Event, EventKind,
    IncidentId, SirenPattern, ZoneIndex,
};
use crate::guard::clips::{self, About, Began, ClipTask};
use crate::guard::evidence::{EvidenceJob, PaintTask};
use crate::guard::ledger::{Deciding, EpisodePart};
use crate::guard::observer::Observation;
use crate::guard::records::{EvidenceContext, incident_start};
use crate::guard::words;
use crate::link::ToWorker;
use crate::store::record::Record;

impl Runner {
    /// Sound, record, tell.
    pub(super) fn carry_out(&mut self, effects: Effects, now: Instant) {
        let sounded = self.path.board.siren.pattern;
        if let Some(order) = effects.siren {
            let zone = order.zone.map(|zone| self.path.names.zone_id(zone));
            self.ordered = self.path.siren.order(order.pattern, zone);
            fail::fail_point!("alarm_path::sounded");
            self.path.board.siren = order;
            self.changed = Changed::Yes;
        }
        self.judge_all_clear();
        self.show_calls();
        if effects.events.is_empty() {
            return;
        }
        self.changed = Changed::Yes;
        let mut decided = Vec::new();
        let mut changed = BTreeSet::new();
        for event in effects.events {
            if let EventKind::Alarm { alarm, .. } = event.kind {
                changed.insert(alarm);
            }
            self.observe(&event, sounded);
            let records = self.record(event, &mut decided);
            self.path.handover.put(records);
        }
        for (zone, deciding) in decided {
            let news = self.further_person(zone, &deciding, &changed, now);
            self.path.handover.put(news);
            let records = self.hear(zone, deciding, now);
            self.path.handover.put(records);
        }
    }

    /// Lets others look; nothing waits for them.
    fn observe(&self, event: &Event, sounded: SirenPattern) {
        match &event.kind {
            EventKind::IncidentStarted { incident, zone, entry }
            | EventKind::PersonEntered { incident, zone, entry } => {
                self.observe_entry(*zone, *incident, entry, event.at, sounded);
                if matches!(event.kind, EventKind::IncidentStarted { .. }) {
                    let (camera, at) = (entry.camera.0, entry.first_seen_at);
                    let about = About { zone: usize::from(zone.0), names: self.path.names.clone() };
                    let began = Began { incident: *incident, camera, at, about };
                    clips::tell(&self.path.clips, ClipTask::Began(began));
                }
            }
            EventKind::IncidentEnded { zone, incident, .. } => {
                self.path.tap.tell(Observation::Ended(*zone));
                let ended = ClipTask::Ended { incident: *incident, at: event.at };
                clips::tell(&self.path.clips, ended);
            }
            EventKind::ZoneUnknown { .. }
            | EventKind::ZoneKnown { .. }
            | EventKind::ZoneArmed { .. }
            | EventKind::ZoneDisarmed { .. }
            | EventKind::Alarm { .. }
            | EventKind::HoldEnded { .. } => {}
        }
    }

    fn record(&mut self, event: Event, decided: &mut Vec<(ZoneIndex, Deciding)>) -> Option<Record> {
        let at = clock::wall_at(event.at);
        let zone_id = |zone| self.path.names.zone_id(zone).to_owned();
        Some(match event.kind {
            EventKind::IncidentStarted { incident, zone, entry } => {
                let deciding = self.deciding(incident, EpisodePart::Start, &entry);
                // Of the picture that decided: by now another one may look.
                let model = self.find(&entry).map_or(&self.model, |seen| &seen.model);
                let context = EvidenceContext {
                    names: &self.path.names,
                    model_digest: model,
                    stages: &deciding.stages,
                };
                let record = incident_start(incident, zone, &entry, event.at, context);
                self.ask_for_picture(incident, zone, &entry);
                decided.push((zone, deciding));
                record
            }
            EventKind::PersonEntered { incident, zone, entry } => {
                decided.push((zone, self.deciding(incident, EpisodePart::FurtherPerson, &entry)));
                Record::PersonEntered {
                    incident,
                    at,
                    score: entry.score.get(),
                    anchor_norm: entry.anchor_norm,
                    track: entry.track.map(|track| track.0),
                }
            }
            EventKind::IncidentEnded { incident, entries, last_inside_at, .. } => {
                let last_inside_at = clock::wall_at(last_inside_at);
                Record::IncidentEnded { incident, at, last_inside_at, entries }
            }
            EventKind::ZoneUnknown { zone, cause } => {
                Record::ZoneUnknown { zone: zone_id(zone), at, cause: words::blind(cause, None) }
            }
            EventKind::ZoneKnown { zone } => Record::ZoneKnown { zone: zone_id(zone), at },
            EventKind::ZoneArmed { zone } => {
                let shown = self.path.board.arming.zone(zone, ArmingView::Armed, event.at);
                Record::ZoneArmed { zone: zone_id(zone), at, reason: shown.reason }
            }
            EventKind::ZoneDisarmed { zone, by } => {
                let view = ArmingView::Disarmed(by);
                let reason = self.path.board.arming.zone(zone, view, event.at).reason;
                let by = words::disarmed_by(by).into();
                Record::ZoneDisarmed { zone: zone_id(zone), at, by, reason }
            }
            EventKind::Alarm { alarm, source, to } => {
                self.alarm_record(alarm, source, to, event.at)
            }
            EventKind::HoldEnded { source, was, alarm } => {
                return self.hold_ended(source, was, alarm, at);
            }
        })
    }

    /// What nobody asked for is recorded as the box's own. A zone stands for all its sources.
    fn hold_ended(
        &self,
        source: AlarmSource,
        was: Hold,
        alarm: Option<AlarmId>,
        at: Timestamp,
    ) -> Option<Record> {
        match (was, alarm, source) {
            (Hold::Shelved, Some(alarm), _) => {
                let source = self.path.names.key(source);
                Some(Record::Unshelved { alarm, source, at, by: None })
            }
            (Hold::OutOfService, _, AlarmSource::Intrusion(zone)) => {
                let zone = self.path.names.zone_id(zone).to_owned();
                Some(Record::InService { zone, at, by: None })
            }
            (Hold::None | Hold::Shelved | Hold::OutOfService, _, _) => None,
        }
    }

    fn alarm_record(
        &mut self,
        alarm: AlarmId,
        source: AlarmSource,
        state: AlarmState,
        at: Instant,
    ) -> Record {
        let at = clock::wall_at(at);
        let incident = match source {
            AlarmSource::Intrusion(zone) | AlarmSource::Warning(zone) => {
                self.path.engine.zone(zone).and_then(|z| z.incident)
            }
            AlarmSource::Blind(_) | AlarmSource::Fault(_) | AlarmSource::Untested(_) => None,
        };
        let (incident, version) = self.path.ledger.changed(alarm, state, incident, at);
        Record::Alarm {
            alarm,
            at,
            source: self.path.names.key(source),
            state,
            version,
            incident,
            text: self.path.board.text(&self.path.engine, source, state),
        }
    }

    /// A further person in a zone that nobody has answered yet changes no state, and is news to
    /// whoever is about to answer.
    fn further_person(
        &mut self,
        zone: ZoneIndex,
        deciding: &Deciding,
        changed: &BTreeSet<AlarmId>,
        now: Instant,
    ) -> Option<Record> {
        let alarm = self.alarm_of(zone)?.0;
        let news = deciding.part == EpisodePart::FurtherPerson && !changed.contains(&alarm.id);
        news.then(|| self.alarm_record(alarm.id, alarm.source, alarm.state, now))
    }

    /// The alarm that entries into the zone are about, and what it sounds like: an intrusion, or in
    /// a warning zone a warning.
    pub(super) fn alarm_of(&self, zone: ZoneIndex) -> Option<(AlarmView, SirenPattern)> {
        let alarms = self.path.engine.alarms();
        let find = |source| alarms.iter().copied().find(|alarm| alarm.source == source);
        let intrusion = find(AlarmSource::Intrusion(zone)).zip(Some(SirenPattern::Intrusion));
        let warning = || find(AlarmSource::Warning(zone)).zip(Some(SirenPattern::Warning));
        intrusion.or_else(warning)
    }

    fn deciding(&self, incident: IncidentId, part: EpisodePart, entry: &Entry) -> Deciding {
        let seen = self.find(entry);
        Deciding {
            incident,
            part,
            captured_at: entry.captured_at,
            received_at: seen.map_or(entry.captured_at, |seen| seen.received_at),
            stages: seen.map(|seen| seen.stages.clone()).unwrap_or_default(),
        }
    }

    fn find(&self, entry: &Entry) -> Option<&Seen> {
        let seen = self.seen.get(usize::from(entry.camera.0))?;
        let is_it = |seen: &&Seen| {
            seen.people.frame == entry.frame && seen.people.captured_at == entry.captured_at
        };
        seen.iter().rev().find(is_it)
    }

    /// The entry's alarm is heard when the siren takes the newest order, if that is to sound.
    fn hear(&mut self, zone: ZoneIndex, deciding: Deciding, now: Instant) -> Vec<Record> {
        let Some((alarm, pattern)) = self.alarm_of(zone) else {
            return Vec::new();
        };
        self.path.ledger.decided(alarm.id, &deciding);
        let sounds = self.path.board.siren.pattern == pattern;
        match (alarm.state, sounds) {
            (AlarmState::Unacknowledged, true) => {
                self.path.ledger.await_siren(self.ordered, alarm.id, deciding, now)
            }
            _ => Vec::new(),
        }
    }

    fn ask_for_picture(&mut self, incident: IncidentId, zone: ZoneIndex, entry: &Entry) {
        let Some(seen) = self.find(entry).map(|seen| seen.people.clone()) else {
            return;
        };
        self.requests += 1;
        let request = self.requests;
        let zone = usize::from(zone.0);
        let names = self.path.names.clone();
        let job = EvidenceJob { incident, zone, entry: *entry, names, seen };
        if let Err(error) = self.path.painter.try_send(PaintTask::Asked { request, job }) {
            let why = match error {
                TrySendError::Full(_) => "too many at once",
                TrySendError::Disconnected(_) => "the painter has ended",
            };
            tracing::warn!("incident {} has no picture: {why}", incident.0);
            return;
        }
        self.path.post.post(ToWorker::TakeSnapshot {
            request,
            camera: entry.camera.0,
            frame: entry.frame,
        });
    }
}
