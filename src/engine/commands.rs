//! Commands of people about alarms: answered, silenced, reset, shelved, out of service. Each is
//! carried out or refused; what is refused changes nothing.
//!
//! Not here: who may command what, and why they did (the shell).

use super::alarm::{Change, Hold, HoldTrigger, HoldView, Latch, Release, ShelfTime, next_hold};
use super::step::{Engine, alarm_event};
use super::time::Instant;
use super::{AlarmId, AlarmSource, Effects, Event, EventKind, Refusal, SirenOrder, ZoneIndex};

impl Engine {
    /// What people keep quiet.
    pub fn holds(&self) -> Vec<HoldView> {
        self.alarms.holds()
    }

    /// What the siren was told last.
    pub fn siren(&self) -> SirenOrder {
        self.siren
    }

    /// When the first of what was silenced sounds again; `None` when nothing is silenced.
    pub fn silent_until(&self, now: Instant) -> Option<Instant> {
        self.alarms.silent_until(now)
    }

    pub(super) fn acknowledge(&mut self, alarm: AlarmId, now: Instant, effects: &mut Effects) {
        let outcome = self.alarms.acknowledge(alarm, now);
        report(outcome.map(Some), now, effects);
    }

    pub(super) fn silence(&mut self, alarm: Option<AlarmId>, now: Instant, effects: &mut Effects) {
        let outcome = self.alarms.silence(alarm, now);
        report(outcome.map(|()| None), now, effects);
    }

    pub(super) fn reset(&mut self, alarm: AlarmId, now: Instant, effects: &mut Effects) {
        let outcome = self.alarms.reset(alarm, now);
        report(outcome.map(Some), now, effects);
    }

    pub(super) fn shelve(
        &mut self,
        alarm: AlarmId,
        time: ShelfTime,
        now: Instant,
        effects: &mut Effects,
    ) {
        let outcome = self.alarms.shelve(alarm, now.after(time.get()), now);
        report(outcome, now, effects);
    }

    pub(super) fn unshelve(&mut self, alarm: AlarmId, now: Instant, effects: &mut Effects) {
        let outcome = self.alarms.unshelve(alarm, now);
        report(outcome, now, effects);
    }

    pub(super) fn take_out_of_service(
        &mut self,
        zone: ZoneIndex,
        now: Instant,
        effects: &mut Effects,
    ) {
        if let Err(refusal) = self.may_hold(zone, HoldTrigger::TakeOut) {
            effects.refused = Some(refusal);
            return;
        }
        for source in sources_of(zone) {
            report(self.alarms.take_out(source, now), now, effects);
        }
    }

    pub(super) fn put_into_service(
        &mut self,
        zone: ZoneIndex,
        now: Instant,
        effects: &mut Effects,
    ) {
        if let Err(refusal) = self.may_hold(zone, HoldTrigger::PutBack) {
            effects.refused = Some(refusal);
            return;
        }
        for source in sources_of(zone) {
            report(self.alarms.put_back(source, now), now, effects);
        }
    }

    /// What has been on the shelf long enough is heard again.
    pub(super) fn end_shelves(&mut self, now: Instant, effects: &mut Effects) {
        let released = self.alarms.end_shelves(now);
        self.released(released, now, effects);
    }

    /// Tells of holds that ended without anybody asking for it.
    pub(super) fn released(
        &mut self,
        released: impl IntoIterator<Item = Release>,
        now: Instant,
        effects: &mut Effects,
    ) {
        for Release { source, was, alarm, change } in released {
            let kind = EventKind::HoldEnded { source, was, alarm };
            effects.events.push(Event { at: now, kind });
            effects.events.extend(change.map(|change| alarm_event(change, now)));
        }
    }

    /// Whether this source stays in alarm after its cause has gone: what a zone's incidents are
    /// alarms of. A warning on the way to a zone does not.
    pub(super) fn latch(&self, source: AlarmSource) -> Latch {
        match source {
            AlarmSource::Intrusion(zone) | AlarmSource::Warning(zone) => {
                let zone = self.zone_at(zone).filter(|zone| zone.source() == source);
                zone.map_or(Latch::No, |zone| zone.latch)
            }
            AlarmSource::Blind(_) | AlarmSource::Fault(_) | AlarmSource::Untested(_) => Latch::No,
        }
    }

    /// The sources of a zone go out of service and back together, so one of them speaks for all.
    fn may_hold(&self, zone: ZoneIndex, trigger: HoldTrigger) -> Result<Hold, Refusal> {
        self.zone_at(zone).ok_or(Refusal::UnknownZone)?;
        next_hold(self.alarms.hold(AlarmSource::Intrusion(zone)), trigger)
    }
}

/// Everything a zone can be an alarm of.
pub(super) const fn sources_of(zone: ZoneIndex) -> [AlarmSource; 3] {
    [AlarmSource::Intrusion(zone), AlarmSource::Warning(zone), AlarmSource::Untested(zone)]
}

fn report(outcome: Result<Option<Change>, Refusal>, now: Instant, effects: &mut Effects) {
    match outcome {
        Ok(change) => effects.events.extend(change.map(|change| alarm_event(change, now))),
        Err(refusal) => effects.refused = Some(refusal),
    }
}
