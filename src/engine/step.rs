//! The engine: one site's cameras, zones and alarms, advanced one input at a time.
//!
//! Order inside a step: leases and times on the shelf that ran out, then the input, then sight is judged (a
//! picture that restores sight counts), then alarms, and last what the siren must sound, so that the
//! order given to the siren is always that of the newest state.

use std::time::Duration;

use super::alarm::{AlarmBook, Change as AlarmChange, SILENT, Trigger};
use super::approaching::Approaching;
use super::camera::Camera;
use super::geometry::PointNorm;
use super::incident::{Incident, Inheritance, Inherited, Zone};
use super::supervision::WorkerWatch;
use super::time::Instant;
use super::view_fault::{ViewFault, ViewFaults};
use super::zone::{Arrival, Change, Following, Look, Pace, Telling};
use super::{
    AlarmSource, AlarmView, BlindCause, CameraIndex, Effects, Entry, Event, EventKind, FrameReport,
    Health, IncidentId, Input, Looked, Part, Refusal, Restored, SirenOrder, Site, TrackView,
    ZoneIndex, ZoneView,
};

/// After a longer absence whoever is inside alarms anew. The store knows the end of the earlier life
/// to the minute; this is that, and half a minute to start.
const SAME_PERSON_AFTER: Duration = Duration::from_secs(90);

/// All state of the decision. See the module above for what goes in and out.
#[derive(Clone, Debug, PartialEq)]
pub struct Engine {
    worker: WorkerWatch,
    pub(super) cameras: Vec<Camera>,
    /// By slot; `None` for a retired one.
    pub(super) zones: Vec<Option<Zone>>,
    pub(super) alarms: AlarmBook,
    last_incident: u64,
    /// How long nobody watched before this life.
    away: Duration,
    pub(super) siren: SirenOrder,
}

/// The picture an entry is evidenced by.
#[derive(Clone, Copy, Debug)]
struct Deciding {
    camera: CameraIndex,
    frame: u64,
    captured_at: Instant,
}

impl Engine {
    /// An engine that has seen nothing yet: every zone is UNKNOWN.
    pub fn new(site: Site, restored: &Restored, now: Instant) -> Engine {
        let alarms = AlarmBook::restored(restored);
        let mut cameras = Vec::new();
        let mut zones: Vec<Option<Zone>> = Vec::new();
        for (camera, spec) in site.cameras.into_iter().enumerate() {
            let first = zones.len();
            for zone in spec.zones {
                let index = ZoneIndex(number(zones.len()));
                let mut zone = Zone::new(index, camera, zone, spec.ground.as_ref(), now);
                let active = |source| alarms.state(source).is_active();
                if active(AlarmSource::Intrusion(index)) || active(AlarmSource::Warning(index)) {
                    zone.inherited = Some(Inherited::NotYetWatched);
                }
                zones.push(Some(zone));
            }
            let slots = (first..zones.len()).collect();
            cameras.push(Camera::new(slots, spec.ground, spec.marks, now));
        }
        Engine {
            worker: WorkerWatch::new(),
            cameras,
            zones,
            alarms,
            last_incident: restored.last_incident,
            away: restored.away,
            siren: SILENT,
        }
    }

    /// Takes one input. `now` never runs backwards between steps.
    pub fn step(&mut self, input: Input, now: Instant) -> Effects {
        let mut effects = Effects::default();
        self.end_leases(now, &mut effects);
        self.end_shelves(now, &mut effects);
        self.take(input, now, &mut effects);
        self.judge_sight(now, &mut effects);
        self.return_inherited(now, &mut effects);
        for zone in self.zones.iter_mut().flatten() {
            zone.note_state(now);
        }
        let order = self.alarms.siren(now);
        if order != self.siren {
            self.siren = order;
            effects.siren = Some(order);
        }
        effects
    }

    fn take(&mut self, input: Input, now: Instant, effects: &mut Effects) {
        match input {
            Input::Frame(report) => self.frame(&report, now, effects),
            Input::CameraLost { camera } => match self.cameras.get_mut(usize::from(camera.0)) {
                Some(camera) => {
                    self.worker.alive(now);
                    camera.watch.source_lost();
                }
                None => effects.refused = Some(Refusal::UnknownCamera),
            },
            Input::View { camera, faults } => match self.cameras.get_mut(usize::from(camera.0)) {
                Some(camera) => {
                    self.worker.alive(now);
                    camera.watch.view(faults);
                }
                None => effects.refused = Some(Refusal::UnknownCamera),
            },
            Input::ViewConfirmed { camera } => match self.cameras.get_mut(usize::from(camera.0)) {
                Some(camera) => camera.watch.view_confirmed(),
                None => effects.refused = Some(Refusal::UnknownCamera),
            },
            Input::WorkerHeartbeat => self.worker.alive(now),
            Input::WorkerDown => {
                self.worker.down();
                self.cameras.iter_mut().for_each(|camera| camera.watch.view_unsaid());
            }
            Input::Part { part, health } => self.part(part, health, now, effects),
            Input::Acknowledge { alarm } => self.acknowledge(alarm, now, effects),
            Input::Silence { alarm } => self.silence(alarm, now, effects),
            Input::Reset { alarm } => self.reset(alarm, now, effects),
            Input::Shelve { alarm, time } => self.shelve(alarm, time, now, effects),
            Input::Unshelve { alarm } => self.unshelve(alarm, now, effects),
            Input::TakeOutOfService { zone } => self.take_out_of_service(zone, now, effects),
            Input::PutIntoService { zone } => self.put_into_service(zone, now, effects),
            Input::Rezone { camera, spec, slots } => {
                self.rezone(camera, spec, &slots, now, effects);
            }
            Input::Arm { zone, arming } => self.arm(zone, arming, now, effects),
            Input::ArmMany { zones } => self.arm_many(zones, now, effects),
            Input::Tested { zone, walk_test } => self.tested(zone, walk_test, now, effects),
            Input::TestedMany { zones } => self.tested_many(zones, now, effects),
            Input::Tick => {}
        }
    }

    /// What a zone is; `None` for a number the site does not have, or has no longer.
    pub fn zone(&self, zone: ZoneIndex) -> Option<ZoneView> {
        self.zone_at(zone).map(|zone| zone.view(self.alarms.hold(zone.source())))
    }

    /// How many zone numbers there are, retired ones included; they run from 0.
    pub fn zone_count(&self) -> usize {
        self.zones.len()
    }

    /// Whether the point lies in the zone, edge included; `false` for an unknown zone and for a line.
    pub fn contains(&self, zone: ZoneIndex, point: PointNorm) -> bool {
        self.zone_at(zone).is_some_and(|zone| zone.watcher.contains(point))
    }

    /// Alarms that are not normal, oldest first.
    pub fn alarms(&self) -> Vec<AlarmView> {
        self.alarms.views()
    }

    /// Confirmed tracks of the camera's newest picture.
    pub fn tracks(&self, camera: CameraIndex) -> Vec<TrackView> {
        let Some(camera) = self.cameras.get(usize::from(camera.0)) else {
            return Vec::new();
        };
        camera
            .tracker
            .seen()
            .map(|track| TrackView { id: track.id(), bounds: track.bounds(), score: track.score() })
            .collect()
    }

    /// What was made of each detection of the camera's newest picture, in the detector's order.
    pub fn looked(&self, camera: CameraIndex) -> &[Looked] {
        self.cameras.get(usize::from(camera.0)).map_or(&[], |camera| &camera.looked)
    }

    /// The camera's view had moved when the box ended, and nobody has confirmed it since; before the
    /// first step.
    pub fn view_stands(&mut self, camera: CameraIndex) {
        if let Some(camera) = self.cameras.get_mut(usize::from(camera.0)) {
            camera.watch.view_stands();
        }
    }

    /// All that is wrong with the camera's view, as far as said.
    pub fn view_faults(&self, camera: CameraIndex) -> ViewFaults {
        let camera = self.cameras.get(usize::from(camera.0));
        camera.map_or(ViewFaults::NONE, |camera| camera.watch.view_faults())
    }

    /// Why the camera is not watched; `None` while it is.
    pub fn blind(&self, camera: CameraIndex) -> Option<BlindCause> {
        self.cameras.get(usize::from(camera.0)).and_then(|camera| camera.watch.blind())
    }

    pub(super) fn zone_at(&self, zone: ZoneIndex) -> Option<&Zone> {
        self.zones.get(usize::from(zone.0)).and_then(Option::as_ref)
    }

    fn frame(&mut self, report: &FrameReport, now: Instant, effects: &mut Effects) {
        let index = usize::from(report.camera.0);
        let Some(camera) = self.cameras.get_mut(index) else {
            effects.refused = Some(Refusal::UnknownCamera);
            return;
        };
        self.worker.alive(now);
        camera.watch.frame(report.captured_at, now);
        // A picture older than the newest one would run time backwards; it proves sight, no more.
        if camera.newest().is_some_and(|newest| report.captured_at <= newest) {
            return;
        }
        camera.take(report);
        self.judge_sight(now, effects);
        self.uncover_new_zones(index, now, effects);
        for (slot, change, warning) in self.look(index, report) {
            let deciding = Deciding {
                camera: report.camera,
                frame: report.frame,
                captured_at: report.captured_at,
            };
            for arrival in change.arrivals {
                self.arrive(slot, deciding, arrival, now, effects);
            }
            if let Some(last_inside_at) = change.cleared {
                self.clear(slot, last_inside_at, now, effects);
            }
            if let Some(trigger) = warning {
                let source = AlarmSource::Warning(ZoneIndex(number(slot)));
                self.trigger(source, trigger, now, effects);
            }
        }
    }

    /// Shows the picture to every zone of the camera; returns those in which something changed.
    fn look(
        &mut self,
        index: usize,
        report: &FrameReport,
    ) -> Vec<(usize, Change, Option<Trigger>)> {
        let Engine { cameras, zones, .. } = self;
        let camera = &mut cameras[index];
        let slots = camera.zones.clone();
        let ignored =
            slots.iter().filter_map(|&slot| match zones[slot].as_ref()?.watcher.following() {
                Following::Ignore(area) => Some(area),
                Following::Restricted(_)
                | Following::Warning(_)
                | Following::Occupancy(_)
                | Following::Tripwire(_) => None,
            });
        let (crowd, moving) = camera.see(report, ignored);
        let pace = Pace::of(camera.pictures());
        let mut changes = Vec::new();
        for slot in slots {
            let Some(zone) = &mut zones[slot] else { continue };
            // Until the zone counts as watched again, a single look proves nobody's absence.
            if zone.blind.is_some() {
                zone.watcher.time_stood_still(report.captured_at);
            }
            let change = zone.watcher.look(Look {
                crowd: &crowd,
                size: report.size,
                at: report.captured_at,
                pace,
                telling: zone.telling(),
            });
            let (telling, clear_after) = (zone.telling(), zone.watcher.clear_after());
            let warning = zone
                .approaching
                .as_mut()
                .and_then(|it| it.look(&moving, report.captured_at, clear_after, telling));
            if change != Change::default() || warning.is_some() {
                changes.push((slot, change, warning));
            }
        }
        changes
    }

    /// A zone drawn while the camera was watched is UNKNOWN until the first picture it is shown.
    fn uncover_new_zones(&mut self, index: usize, now: Instant, effects: &mut Effects) {
        let camera = &self.cameras[index];
        if camera.watch.blind().is_some() {
            return;
        }
        for &slot in &camera.zones {
            let Some(zone) = &mut self.zones[slot] else { continue };
            if zone.blind.is_some() {
                zone.set_sight(None, camera.newest());
                let kind = EventKind::ZoneKnown { zone: zone.index };
                effects.events.push(Event { at: now, kind });
            }
        }
    }

    /// Somebody is inside a zone that is armed from now on, or was drawn as another kind.
    pub(super) fn tell_now(&mut self, slot: usize, now: Instant, effects: &mut Effects) {
        let Some(zone) = &mut self.zones[slot] else { return };
        if zone.telling() == Telling::Follow {
            return;
        }
        let camera = zone.camera;
        let arrivals = zone.watcher.tell_now();
        let deciding = Deciding {
            camera: CameraIndex(number(camera)),
            frame: self.cameras[camera].newest_frame,
            captured_at: self.cameras[camera].newest().unwrap_or(now),
        };
        for arrival in arrivals {
            self.arrive(slot, deciding, arrival, now, effects);
        }
    }

    fn arrive(
        &mut self,
        slot: usize,
        deciding: Deciding,
        arrival: Arrival,
        now: Instant,
        effects: &mut Effects,
    ) {
        let Some(zone) = &mut self.zones[slot] else { return };
        let entry = Entry {
            camera: deciding.camera,
            frame: deciding.frame,
            captured_at: deciding.captured_at,
            first_seen_at: arrival.first_seen_at,
            track: arrival.track,
            score: arrival.score,
            anchor_norm: arrival.anchor_norm,
            people: zone.people(),
        };
        let index = zone.index;
        let (kind, trigger) = match &mut zone.incident {
            Some(incident) => {
                incident.entries = incident.entries.saturating_add(1);
                let incident = incident.id;
                (EventKind::PersonEntered { incident, zone: index, entry }, Trigger::Renew)
            }
            None => {
                self.last_incident += 1;
                let id = IncidentId(self.last_incident);
                zone.incident = Some(Incident { id, entries: 1 });
                // Whoever is first seen after a short absence is taken for the one already answered.
                let trigger = match zone.inherited.take() {
                    Some(_) if self.away <= SAME_PERSON_AFTER => Trigger::Activate,
                    Some(_) | None => Trigger::Renew,
                };
                (EventKind::IncidentStarted { incident: id, zone: index, entry }, trigger)
            }
        };
        let source = zone.source();
        effects.events.push(Event { at: now, kind });
        self.trigger(source, trigger, now, effects);
    }

    /// Ends the zone's incident, if it has one.
    pub(super) fn clear(
        &mut self,
        slot: usize,
        last_inside_at: Instant,
        now: Instant,
        effects: &mut Effects,
    ) {
        let Some(zone) = &mut self.zones[slot] else { return };
        let Some(incident) = zone.incident.take() else {
            return;
        };
        let source = zone.source();
        let kind = EventKind::IncidentEnded {
            incident: incident.id,
            zone: zone.index,
            entries: incident.entries,
            last_inside_at,
        };
        effects.events.push(Event { at: now, kind });
        self.trigger(source, Trigger::Return, now, effects);
    }

    fn part(&mut self, part: Part, health: Health, now: Instant, effects: &mut Effects) {
        let source = AlarmSource::Fault(part);
        let trigger = match health {
            Health::Working => Trigger::Return,
            Health::Broken => Trigger::Activate,
            Health::Worse => {
                // Whoever put it on the shelf knew of less.
                let ended = self.alarms.end_shelf(source, now);
                self.released(ended, now, effects);
                Trigger::Renew
            }
        };
        self.trigger(source, trigger, now, effects);
    }

    pub(super) fn trigger(
        &mut self,
        source: AlarmSource,
        trigger: Trigger,
        now: Instant,
        effects: &mut Effects,
    ) {
        let latch = self.latch(source);
        if let Some(change) = self.alarms.apply(source, trigger, latch, now) {
            effects.events.push(alarm_event(change, now));
        }
    }

    fn judge_sight(&mut self, now: Instant, effects: &mut Effects) {
        for index in 0..self.cameras.len() {
            let camera = &mut self.cameras[index];
            let (before, worst) = (camera.watch.blind(), camera.watch.worst_view());
            let change = camera.watch.judge(&self.worker, now);
            let graver = is_graver((before, worst), camera.watch.blind());
            if let Some(cause) = change {
                let newest = camera.newest();
                for &slot in &camera.zones {
                    let Some(zone) = &mut self.zones[slot] else { continue };
                    zone.set_sight(cause, newest);
                    let zone = zone.index;
                    let kind = match cause {
                        Some(cause) => EventKind::ZoneUnknown { zone, cause },
                        None => EventKind::ZoneKnown { zone },
                    };
                    effects.events.push(Event { at: now, kind });
                }
            }
            let camera = &self.cameras[index];
            let source = AlarmSource::Blind(CameraIndex(number(index)));
            if camera.watch.alarming(now) {
                let mut trigger = Trigger::Activate;
                if graver {
                    // Whoever put it on the shelf knew of less.
                    let ended = self.alarms.end_shelf(source, now);
                    self.released(ended, now, effects);
                    trigger = Trigger::Renew;
                }
                self.trigger(source, trigger, now, effects);
            } else if camera.watch.blind().is_none() {
                self.trigger(source, Trigger::Return, now, effects);
            }
        }
    }

    fn return_inherited(&mut self, now: Instant, effects: &mut Effects) {
        for slot in 0..self.zones.len() {
            let Some(zone) = &mut self.zones[slot] else { continue };
            let index = zone.index;
            if zone.inherited.is_some() && zone.inherit(now) == Inheritance::Returns {
                let warns = zone.approaching.as_ref().is_some_and(Approaching::is_warning);
                self.trigger(AlarmSource::Intrusion(index), Trigger::Return, now, effects);
                if !warns {
                    self.trigger(AlarmSource::Warning(index), Trigger::Return, now, effects);
                }
            }
        }
    }
}

/// Whether more is wrong with the view than what somebody may have answered. Whoever answered that
/// pictures are missing knew of no view, unless it was wrong before they were.
fn is_graver(
    (before, worst): (Option<BlindCause>, Option<ViewFault>),
    now: Option<BlindCause>,
) -> bool {
    let Some(BlindCause::View(now)) = now else { return false };
    match before {
        // The alarm is raised, or was inherited with its answer.
        None | Some(BlindCause::Starting) => false,
        Some(BlindCause::View(before)) => now < before,
        Some(
            BlindCause::NoFrames
            | BlindCause::LateFrames
            | BlindCause::SourceLost
            | BlindCause::WorkerSilent
            | BlindCause::WorkerDown,
        ) => worst.is_none_or(|worst| now < worst),
    }
}

pub(super) fn alarm_event(change: AlarmChange, now: Instant) -> Event {
    let kind = EventKind::Alarm { alarm: change.alarm, source: change.source, to: change.to };
    Event { at: now, kind }
}

/// A position as the index types hold it; `Site::checked` keeps it in range.
pub(super) fn number(position: usize) -> u16 {
    u16::try_from(position).unwrap_or(u16::MAX)
}
