//! Orders from the people who draw, arm and test zones: taken whole, between two pictures.
//!
//! A **slot** is a zone's number and belongs to it for the life of the process. Whoever is inside a
//! zone that keeps its slot stays inside, with incident and alarm, and leaves the usual way if the
//! new shape leaves them outside.

use std::collections::BTreeSet;

use super::alarm::Trigger;
use super::approaching::Approaching;
use super::commands::sources_of;
use super::incident::{Zone, approaching};
use super::site::{Arming, CameraSpec, WalkTest, ZONES_MAX, ZoneSpec};
use super::step::{Engine, number};
use super::time::Instant;
use super::zone::Kept;
use super::{
    AlarmSource, ArmingView, BlindCause, CameraIndex, Effects, Event, EventKind, Refusal, ZoneIndex,
};

impl Engine {
    /// The camera's zones are these from now on.
    pub(super) fn rezone(
        &mut self,
        camera: CameraIndex,
        spec: CameraSpec,
        slots: &[ZoneIndex],
        now: Instant,
        effects: &mut Effects,
    ) {
        let index = usize::from(camera.0);
        if index >= self.cameras.len() {
            effects.refused = Some(Refusal::UnknownCamera);
            return;
        }
        if spec.zones.len() != slots.len() || !self.slots_fit(index, slots) {
            effects.refused = Some(Refusal::BadSlots);
            return;
        }
        let listed: BTreeSet<usize> = slots.iter().map(|slot| usize::from(slot.0)).collect();
        for slot in self.cameras[index].zones.clone() {
            if !listed.contains(&slot) {
                self.retire(slot, now, effects);
            }
        }
        self.cameras[index].redraw(spec.ground, spec.marks);
        for (zone, slot) in spec.zones.into_iter().zip(slots) {
            let slot = usize::from(slot.0);
            if slot == self.zones.len() {
                self.zones.push(None);
            }
            self.redraw(slot, index, zone, now, effects);
        }
        self.cameras[index].zones = listed.into_iter().collect();
    }

    /// Each slot once, and each one of this camera, retired, or the next nobody has had.
    fn slots_fit(&self, camera: usize, slots: &[ZoneIndex]) -> bool {
        let mut next = self.zones.len();
        let mut seen = BTreeSet::new();
        slots.iter().all(|slot| {
            let slot = usize::from(slot.0);
            let ours = match self.zones.get(slot) {
                Some(Some(zone)) => zone.camera == camera,
                Some(None) => true,
                None => {
                    let fits = slot == next && slot < ZONES_MAX;
                    next += 1;
                    fits
                }
            };
            ours && seen.insert(slot)
        })
    }

    /// Nobody watches this zone any more: its incident ends, its alarms return.
    fn retire(&mut self, slot: usize, now: Instant, effects: &mut Effects) {
        let Some(zone) = &self.zones[slot] else { return };
        let (index, camera) = (zone.index, zone.camera);
        let last_inside_at = self.cameras[camera].newest().unwrap_or(now);
        self.clear(slot, last_inside_at, now, effects);
        for source in sources_of(index) {
            self.trigger(source, Trigger::Return, now, effects);
            let released = self.alarms.retire(source);
            self.released(released, now, effects);
        }
        self.zones[slot] = None;
    }

    fn redraw(
        &mut self,
        slot: usize,
        camera: usize,
        spec: ZoneSpec,
        now: Instant,
        effects: &mut Effects,
    ) {
        let Some(mut zone) = self.zones[slot].take() else {
            let index = ZoneIndex(number(slot));
            let camera_now = &self.cameras[camera];
            let cause = camera_now.watch.blind().unwrap_or(BlindCause::Starting);
            let mut zone = Zone::new(index, camera, spec, camera_now.ground(), now);
            zone.set_sight(Some(cause), None);
            self.zones[slot] = Some(zone);
            let kind = EventKind::ZoneUnknown { zone: index, cause };
            effects.events.push(Event { at: now, kind });
            return;
        };
        let after = approaching(&spec.duty, self.cameras[camera].ground());
        let before = zone.approaching.take();
        let warned = before.as_ref().is_some_and(Approaching::is_warning);
        zone.latch = spec.rules.latch;
        zone.approaching = after.map(|after| after.after(before.as_ref()));
        let warns_no_more = warned && zone.approaching.is_none();
        let (index, source) = (zone.index, zone.source());
        let (watcher, kept) = zone.watcher.redrawn(spec.duty, spec.rules);
        match kept {
            Kept::Yes => {
                zone.watcher = watcher;
                self.zones[slot] = Some(zone);
                if warns_no_more {
                    self.trigger(AlarmSource::Warning(index), Trigger::Return, now, effects);
                }
            }
            Kept::No => {
                // The incident was one of the old kind; whoever is inside starts one of the new.
                let last_inside_at = self.cameras[camera].newest().unwrap_or(now);
                zone.watcher = watcher;
                let ended = zone.incident;
                self.zones[slot] = Some(zone);
                if ended.is_some() {
                    self.clear(slot, last_inside_at, now, effects);
                }
                self.trigger(source, Trigger::Return, now, effects);
                self.trigger(AlarmSource::Warning(index), Trigger::Return, now, effects);
                self.tell_now(slot, now, effects);
            }
        }
    }

    pub(super) fn arm(
        &mut self,
        zone: ZoneIndex,
        arming: Arming,
        now: Instant,
        effects: &mut Effects,
    ) {
        let slot = usize::from(zone.0);
        let Some(Some(zone)) = self.zones.get_mut(slot) else {
            effects.refused = Some(Refusal::UnknownZone);
            return;
        };
        let before = zone.arming_view();
        zone.arming = match arming {
            // A lease that has run out already.
            Arming::Disarmed { until, .. } if until <= now => Arming::Armed,
            Arming::Armed | Arming::Disarmed { .. } => arming,
        };
        let (index, after) = (zone.index, zone.arming_view());
        if before == after {
            return;
        }
        let kind = match after {
            ArmingView::Armed => EventKind::ZoneArmed { zone: index },
            ArmingView::Disarmed(by) => EventKind::ZoneDisarmed { zone: index, by },
        };
        effects.events.push(Event { at: now, kind });
        self.tell_now(slot, now, effects);
    }

    /// Zones whose lease has run out are armed.
    pub(super) fn end_leases(&mut self, now: Instant, effects: &mut Effects) {
        for slot in 0..self.zones.len() {
            let ended = match &self.zones[slot] {
                Some(Zone { arming: Arming::Disarmed { until, .. }, index, .. })
                    if *until <= now =>
                {
                    *index
                }
                Some(_) | None => continue,
            };
            self.arm(ended, Arming::Armed, now, effects);
        }
    }

    /// The same of many zones at once, so that a site with many of them costs one step.
    pub(super) fn arm_many(
        &mut self,
        zones: Vec<(ZoneIndex, Arming)>,
        now: Instant,
        effects: &mut Effects,
    ) {
        if zones.iter().any(|(zone, _)| self.zone_at(*zone).is_none()) {
            effects.refused = Some(Refusal::UnknownZone);
            return;
        }
        for (zone, arming) in zones {
            self.arm(zone, arming, now, effects);
        }
    }

    pub(super) fn tested_many(
        &mut self,
        zones: Vec<(ZoneIndex, WalkTest)>,
        now: Instant,
        effects: &mut Effects,
    ) {
        if zones.iter().any(|(zone, _)| self.zone_at(*zone).is_none()) {
            effects.refused = Some(Refusal::UnknownZone);
            return;
        }
        for (zone, walk_test) in zones {
            self.tested(zone, walk_test, now, effects);
        }
    }

    pub(super) fn tested(
        &mut self,
        zone: ZoneIndex,
        walk_test: WalkTest,
        now: Instant,
        effects: &mut Effects,
    ) {
        if self.zone_at(zone).is_none() {
            effects.refused = Some(Refusal::UnknownZone);
            return;
        }
        let trigger = match walk_test {
            WalkTest::Overdue => Trigger::Activate,
            WalkTest::Valid => Trigger::Return,
        };
        self.trigger(AlarmSource::Untested(zone), trigger, now, effects);
    }
}
