//! The engine: one site's cameras, zones and alarms, advanced one input at a time.
//!
//! Order inside a step: sight is judged first (a picture that restores sight counts), then the
//! picture, then alarms, and last what the siren must sound, so that the order given to the siren is
//! always that of the newest state.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::alarm::{AlarmBook, Trigger};
use super::geometry::{Area, PointNorm};
use super::supervision::{CameraWatch, WorkerWatch};
use super::time::Instant;
use super::tracking::Tracker;
use super::zone::{Look, Occupancy, Rules};
use super::{
    AlarmId, AlarmSource, AlarmState, AlarmView, BlindCause, CameraIndex, Effects, Entry, Event,
    EventKind, FrameReport, Health, IncidentId, Input, Refusal, Restored, SirenOrder, SirenPattern,
    TrackView, ZoneIndex, ZoneState, ZoneView,
};

/// Pictures remembered per camera: enough to know its pace and to fill the entry window at 60 fps.
const PICTURES_KEPT: usize = 48;

/// Most cameras and zones of a site; the index types hold more.
const CAMERAS_MAX: usize = 256;
const ZONES_MAX: usize = 16_384;

/// What the engine is told of a site.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Site {
    pub cameras: Vec<CameraSpec>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct CameraSpec {
    /// Numbered over all cameras in order: the first zone of the second camera follows the last one
    /// of the first.
    pub zones: Vec<ZoneSpec>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ZoneSpec {
    pub area: Area,
    pub rules: Rules,
}

/// More cameras or zones than the engine numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteError {
    TooManyCameras { count: usize },
    TooManyZones { count: usize },
}

impl fmt::Display for SiteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SiteError::TooManyCameras { count } => {
                write!(f, "{count} cameras; at most {CAMERAS_MAX} are allowed")
            }
            SiteError::TooManyZones { count } => {
                write!(f, "{count} zones; at most {ZONES_MAX} are allowed")
            }
        }
    }
}

impl std::error::Error for SiteError {}

/// All state of the decision. See the module above for what goes in and out.
#[derive(Clone, Debug, PartialEq)]
pub struct Engine {
    worker: WorkerWatch,
    cameras: Vec<Camera>,
    zones: Vec<Zone>,
    alarms: AlarmBook,
    last_incident: u64,
    /// How long nobody watched before this life.
    away: Duration,
    siren: SirenOrder,
}

#[derive(Clone, Debug, PartialEq)]
struct Camera {
    watch: CameraWatch,
    tracker: Tracker,
    pictures: VecDeque<Instant>,
    zones: std::ops::Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
struct Zone {
    camera: usize,
    occupancy: Occupancy,
    incident: Option<Incident>,
    blind: Option<BlindCause>,
    since: Instant,
    /// An intrusion alarm of an earlier life that was active: it returns once the zone has been
    /// watched and empty for `clear_after`, counted from here.
    inherited: Option<Inherited>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Incident {
    id: IncidentId,
    entries: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Inherited {
    NotYetWatched,
    WatchedSince(Instant),
}

impl Site {
    /// Checks the limits.
    pub fn checked(self) -> Result<Site, SiteError> {
        let zones = self.cameras.iter().map(|camera| camera.zones.len()).sum();
        if self.cameras.len() > CAMERAS_MAX {
            return Err(SiteError::TooManyCameras { count: self.cameras.len() });
        }
        if zones > ZONES_MAX {
            return Err(SiteError::TooManyZones { count: zones });
        }
        Ok(self)
    }
}

impl Engine {
    /// An engine that has seen nothing yet: every zone is UNKNOWN.
    pub fn new(site: Site, restored: &Restored, now: Instant) -> Engine {
        let alarms = AlarmBook::restored(restored);
        let mut cameras = Vec::new();
        let mut zones = Vec::new();
        for (index, spec) in site.cameras.into_iter().enumerate() {
            let first = zones.len();
            for zone in spec.zones {
                let source = AlarmSource::Intrusion(ZoneIndex(number(zones.len())));
                let active = matches!(
                    alarms.state(source),
                    AlarmState::Unacknowledged | AlarmState::Acknowledged
                );
                zones.push(Zone {
                    camera: index,
                    occupancy: Occupancy::new(zone.area, zone.rules),
                    incident: None,
                    blind: Some(BlindCause::Starting),
                    since: now,
                    inherited: active.then_some(Inherited::NotYetWatched),
                });
            }
            cameras.push(Camera {
                watch: CameraWatch::new(now),
                tracker: Tracker::default(),
                pictures: VecDeque::with_capacity(PICTURES_KEPT),
                zones: first..zones.len(),
            });
        }
        Engine {
            worker: WorkerWatch::new(),
            cameras,
            zones,
            alarms,
            last_incident: restored.last_incident,
            away: restored.away,
            siren: SirenOrder { pattern: SirenPattern::Silent, zone: None },
        }
    }

    /// Takes one input. `now` never runs backwards between steps.
    pub fn step(&mut self, input: Input, now: Instant) -> Effects {
        let mut effects = Effects::default();
        match input {
            Input::Frame(report) => self.frame(report, now, &mut effects),
            Input::CameraLost { camera } => match self.cameras.get_mut(usize::from(camera.0)) {
                Some(camera) => {
                    self.worker.alive(now);
                    camera.watch.source_lost();
                }
                None => effects.refused = Some(Refusal::UnknownCamera),
            },
            Input::WorkerHeartbeat => self.worker.alive(now),
            Input::WorkerDown => self.worker.down(),
            Input::Part { part, health } => {
                let trigger = match health {
                    Health::Working => Trigger::Return,
                    Health::Broken => Trigger::Activate,
                };
                self.trigger(AlarmSource::Fault(part), trigger, now, &mut effects);
            }
            Input::Acknowledge { alarm } => self.acknowledge(alarm, now, &mut effects),
            Input::Tick => {}
        }
        self.judge_sight(now, &mut effects);
        self.return_inherited(now, &mut effects);
        let order = self.alarms.siren();
        if order != self.siren {
            self.siren = order;
            effects.siren = Some(order);
        }
        effects
    }

    /// What a zone is; `None` for a number the site does not have.
    pub fn zone(&self, zone: ZoneIndex) -> Option<ZoneView> {
        let zone = self.zones.get(usize::from(zone.0))?;
        Some(ZoneView {
            state: zone.state(),
            since: zone.since,
            people: u32::try_from(zone.occupancy.people()).unwrap_or(u32::MAX),
            incident: zone.incident.map(|incident| incident.id),
        })
    }

    /// How many zones there are; their indices run from 0.
    pub fn zone_count(&self) -> usize {
        self.zones.len()
    }

    /// Whether the point lies in the zone, edge included; `false` for an unknown zone.
    pub fn contains(&self, zone: ZoneIndex, point: PointNorm) -> bool {
        self.zones
            .get(usize::from(zone.0))
            .is_some_and(|zone| zone.occupancy.area().contains(point))
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

    /// Why the camera is not watched; `None` while it is.
    pub fn blind(&self, camera: CameraIndex) -> Option<BlindCause> {
        self.cameras.get(usize::from(camera.0)).and_then(|camera| camera.watch.blind())
    }

    fn frame(&mut self, report: FrameReport, now: Instant, effects: &mut Effects) {
        let Some(camera) = self.cameras.get_mut(usize::from(report.camera.0)) else {
            effects.refused = Some(Refusal::UnknownCamera);
            return;
        };
        self.worker.alive(now);
        camera.watch.frame(report.captured_at, now);
        // A picture older than the newest one would run time backwards; it proves sight, no more.
        if camera.pictures.back().is_some_and(|newest| report.captured_at <= *newest) {
            return;
        }
        if camera.pictures.len() == PICTURES_KEPT {
            camera.pictures.pop_front();
        }
        camera.pictures.push_back(report.captured_at);
        let tracks = camera.tracker.update(&report.detections, report.captured_at);
        let zones = camera.zones.clone();
        self.judge_sight(now, effects);
        let camera = &mut self.cameras[usize::from(report.camera.0)];
        let pictures: &[Instant] = camera.pictures.make_contiguous();
        let anchors: Vec<PointNorm> =
            report.detections.iter().map(|d| d.bounds.anchor_norm(report.size)).collect();
        let look = Look {
            detections: &report.detections,
            anchors_norm: &anchors,
            tracks: &tracks,
            size: report.size,
            at: report.captured_at,
            pictures,
        };
        for zone in &mut self.zones[zones.clone()] {
            // Until the zone counts as watched again, a single look proves nobody's absence.
            if zone.blind.is_some() {
                zone.occupancy.time_stood_still(report.captured_at);
            }
        }
        let changes: Vec<_> = zones.clone().map(|z| self.zones[z].occupancy.look(look)).collect();
        for (zone, change) in zones.zip(changes) {
            for arrival in change.arrivals {
                self.arrive(zone, &report, arrival, now, effects);
            }
            if let Some(last_inside_at) = change.cleared {
                self.clear(zone, last_inside_at, now, effects);
            }
        }
    }

    fn arrive(
        &mut self,
        index: usize,
        report: &FrameReport,
        arrival: super::zone::Arrival,
        now: Instant,
        effects: &mut Effects,
    ) {
        let zone = &mut self.zones[index];
        let entry = Entry {
            camera: report.camera,
            frame: report.frame,
            captured_at: report.captured_at,
            first_seen_at: arrival.first_seen_at,
            track: arrival.track,
            score: arrival.score,
            anchor_norm: arrival.anchor_norm,
            people: u32::try_from(zone.occupancy.people()).unwrap_or(u32::MAX),
        };
        let number = ZoneIndex(number(index));
        let (kind, trigger) = match &mut zone.incident {
            Some(incident) => {
                incident.entries = incident.entries.saturating_add(1);
                let incident = incident.id;
                (EventKind::PersonEntered { incident, zone: number, entry }, Trigger::Renew)
            }
            None => {
                self.last_incident += 1;
                let id = IncidentId(self.last_incident);
                zone.incident = Some(Incident { id, entries: 1 });
                zone.since = if zone.blind.is_none() { now } else { zone.since };
                // Whoever is first seen after a short absence is taken for the one already answered.
                let trigger = match zone.inherited.take() {
                    Some(_) if self.away <= SAME_PERSON_AFTER => Trigger::Activate,
                    Some(_) | None => Trigger::Renew,
                };
                (EventKind::IncidentStarted { incident: id, zone: number, entry }, trigger)
            }
        };
        effects.events.push(Event { at: now, kind });
        self.trigger(AlarmSource::Intrusion(number), trigger, now, effects);
    }

    fn clear(
        &mut self,
        index: usize,
        last_inside_at: Instant,
        now: Instant,
        effects: &mut Effects,
    ) {
        let zone = &mut self.zones[index];
        let Some(incident) = zone.incident.take() else {
            return;
        };
        zone.since = if zone.blind.is_none() { now } else { zone.since };
        let number = ZoneIndex(number(index));
        let kind = EventKind::IncidentEnded {
            incident: incident.id,
            zone: number,
            entries: incident.entries,
            last_inside_at,
        };
        effects.events.push(Event { at: now, kind });
        self.trigger(AlarmSource::Intrusion(number), Trigger::Return, now, effects);
    }

    fn acknowledge(&mut self, alarm: AlarmId, now: Instant, effects: &mut Effects) {
        match self.alarms.acknowledge(alarm, now) {
            Ok(change) => effects.events.push(alarm_event(change, now)),
            Err(refusal) => effects.refused = Some(refusal),
        }
    }

    fn trigger(
        &mut self,
        source: AlarmSource,
        trigger: Trigger,
        now: Instant,
        effects: &mut Effects,
    ) {
        if let Some(change) = self.alarms.apply(source, trigger, now) {
            effects.events.push(alarm_event(change, now));
        }
    }

    fn judge_sight(&mut self, now: Instant, effects: &mut Effects) {
        for index in 0..self.cameras.len() {
            let camera = &mut self.cameras[index];
            if let Some(cause) = camera.watch.judge(&self.worker, now) {
                let newest = camera.pictures.back().copied();
                for zone in camera.zones.clone() {
                    self.zones[zone].set_sight(cause, newest, now);
                    let zone = ZoneIndex(number(zone));
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
                self.trigger(source, Trigger::Activate, now, effects);
            } else if camera.watch.blind().is_none() {
                self.trigger(source, Trigger::Return, now, effects);
            }
        }
    }

    fn return_inherited(&mut self, now: Instant, effects: &mut Effects) {
        for index in 0..self.zones.len() {
            let zone = &mut self.zones[index];
            let watched = zone.blind.is_none();
            match zone.inherited {
                None => {}
                Some(_) if !watched => zone.inherited = Some(Inherited::NotYetWatched),
                Some(Inherited::NotYetWatched) => {
                    zone.inherited = Some(Inherited::WatchedSince(now));
                }
                Some(Inherited::WatchedSince(since)) if now.since(since) < zone.empty_for() => {}
                Some(Inherited::WatchedSince(_)) => {
                    zone.inherited = None;
                    zone.since = now;
                    let source = AlarmSource::Intrusion(ZoneIndex(number(index)));
                    self.trigger(source, Trigger::Return, now, effects);
                }
            }
        }
    }
}

/// An alarm of an earlier life returns no sooner than this after its zone is watched again: time for
/// somebody still inside to be seen and to make the alarm this life's own.
const INHERITED_MIN: Duration = Duration::from_millis(1500);

/// After a longer absence whoever is inside alarms anew. The store knows the end of the earlier life
/// to the minute; this is that, and half a minute to start.
const SAME_PERSON_AFTER: Duration = Duration::from_secs(90);

impl Zone {
    fn state(&self) -> ZoneState {
        match (self.blind, self.incident, self.inherited) {
            (Some(cause), _, _) => ZoneState::Unknown(cause),
            (None, Some(_), _) => ZoneState::Occupied,
            // Whoever was inside may still be: a moment without them does not make it clear.
            (None, None, Some(_)) => ZoneState::Unknown(BlindCause::Starting),
            (None, None, None) => ZoneState::Clear,
        }
    }

    /// How long the zone must have been watched and empty for an inherited alarm to return.
    fn empty_for(&self) -> Duration {
        self.occupancy.clear_after().max(INHERITED_MIN)
    }

    fn set_sight(&mut self, cause: Option<BlindCause>, newest: Option<Instant>, now: Instant) {
        if cause.is_some() != self.blind.is_some() {
            self.since = now;
        }
        if let (None, Some(newest)) = (cause, newest) {
            self.occupancy.time_stood_still(newest);
        }
        self.blind = cause;
    }
}

fn alarm_event(change: super::alarm::Change, now: Instant) -> Event {
    let kind = EventKind::Alarm { alarm: change.alarm, source: change.source, to: change.to };
    Event { at: now, kind }
}

/// A position as the index types hold it; `Site::checked` keeps it in range.
fn number(position: usize) -> u16 {
    u16::try_from(position).unwrap_or(u16::MAX)
}
