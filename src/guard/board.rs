//! What is shown: the engine's state with names, civil times and sentences, as one value.
//!
//! The board remembers what the engine has no use for: reasons in words, pace, sizes, the model.

use std::sync::Arc;

use jiff::Timestamp;

use super::arming::ArmingDesk;
use super::handle::{
    Alarm, Camera, Delivery, HandheldsNow, Hold, HoldKind, RelayNow, RetiredZone, Siren,
    SirenSound, SirenTested, SiteInfo, Snapshot, Vision, VisionState, WalkDue, Zone,
};
use super::ledger::Ledger;
use super::message::Sounding;
use super::pictures::Pictures;
use super::records::{SiteNames, ZoneSlot};
use super::view_board::ViewBoard;
use super::words;
use crate::clock;
use crate::engine::alarm::{Hold as Held, HoldView};
use crate::engine::time::Instant;
use crate::engine::{
    AlarmId, AlarmSource, AlarmState, AlarmView, BlindCause, CameraIndex, Engine, FrameReport,
    Part, SirenOrder, SirenPattern, ZoneIndex, ZoneState,
};
use crate::link::{DetailCut, ModelInfo, Stream};

/// Everything shown that is not the engine's.
#[derive(Debug)]
pub struct Board {
    names: Arc<SiteNames>,
    site: SiteInfo,
    started_at: Instant,
    pub vision: Vision,
    pub model: Option<ModelInfo>,
    /// What the siren was told last.
    pub siren: SirenOrder,
    pub siren_device: String,
    pub siren_fault: Option<String>,
    /// Whether it can be heard all the same.
    pub siren_sounds: Sounding,
    pub siren_test: Option<SirenTested>,
    pub store_fault: Option<String>,
    /// Why the relay cannot be switched.
    pub relay_fault: Option<String>,
    /// How the relays stand, in the order of the configuration.
    pub relays: Vec<RelayNow>,
    /// Why no handheld gets an alarm.
    pub handhelds_fault: Option<String>,
    /// Why the detector does not look at every picture.
    pub detector_fault: Option<String>,
    /// What the pager said last.
    pub handhelds: HandheldsNow,
    /// What was heard of inputs and arming.
    pub arming: ArmingDesk,
    /// What was heard of walk tests.
    pub walk_tests: WalkBoard,
    cameras: Vec<CameraBoard>,
    zones_since: Vec<Since>,
}

/// How the walk tests stand, as was said last.
#[derive(Debug, Default)]
pub struct WalkBoard(Vec<(ZoneIndex, WalkDue)>);

impl WalkBoard {
    /// Whether that is news.
    pub fn put(&mut self, zones: Vec<(ZoneIndex, WalkDue)>) -> bool {
        let news = self.0 != zones;
        self.0 = zones;
        news
    }

    fn zone(&self, zone: ZoneIndex) -> Option<&WalkDue> {
        self.0.iter().find(|(number, _)| *number == zone).map(|(_, due)| due)
    }
}

#[derive(Debug)]
struct CameraBoard {
    /// How pictures come, by the newest connection.
    stream: Option<Stream>,
    /// What the vision process said of its source.
    lost: Option<String>,
    view: ViewBoard,
    pictures: Pictures,
    size_px: Option<(u32, u32)>,
    detail_cut: Option<DetailCut>,
    blind: Option<BlindCause>,
    since: Timestamp,
}

/// A monotonic time with its civil time, computed once so that it does not tremble.
#[derive(Clone, Copy, Debug)]
struct Since {
    at: Instant,
    wall: Timestamp,
}

impl Board {
    pub fn new(names: Arc<SiteNames>, site: SiteInfo, now: Instant) -> Board {
        let wall = clock::wall();
        let camera = || CameraBoard {
            stream: None,
            lost: None,
            view: ViewBoard::default(),
            pictures: Pictures::new(now),
            size_px: None,
            detail_cut: None,
            blind: Some(BlindCause::Starting),
            since: wall,
        };
        Board {
            site,
            started_at: now,
            vision: Vision { state: VisionState::Starting, detail: String::new(), restarts: 0 },
            model: None,
            siren: SirenOrder { pattern: SirenPattern::Silent, zone: None },
            siren_device: String::new(),
            siren_fault: None,
            siren_sounds: Sounding::No,
            siren_test: None,
            store_fault: None,
            relay_fault: None,
            relays: Vec::new(),
            handhelds_fault: None,
            detector_fault: None,
            handhelds: HandheldsNow::default(),
            arming: ArmingDesk::default(),
            walk_tests: WalkBoard::default(),
            cameras: names.cameras.iter().map(|_| camera()).collect(),
            zones_since: vec![Since { at: now, wall }; names.zones.len()],
            names,
        }
    }

    /// The zones are others from now on.
    pub fn put_names(&mut self, names: Arc<SiteNames>, now: Instant) {
        let since = Since { at: now, wall: clock::wall_at(now) };
        self.zones_since.resize(names.zones.len(), since);
        self.names = names;
    }

    /// A picture was looked at; in the life of its vision process so many were passed over.
    pub fn seen(
        &mut self,
        frame: &FrameReport,
        size_px: (u32, u32),
        passed_over: u64,
        now: Instant,
    ) {
        if let Some(camera) = self.cameras.get_mut(usize::from(frame.camera.0)) {
            camera.lost = None;
            camera.size_px = Some(size_px);
            camera.pictures.seen(frame, passed_over, now);
        }
    }

    /// The vision process said how a camera's pictures come.
    pub fn up(&mut self, camera: CameraIndex, stream: Stream) {
        let Some(board) = self.cameras.get_mut(usize::from(camera.0)) else {
            return;
        };
        let id = self.names.camera_id(camera);
        tracing::info!("camera {id}: {stream}");
        if let Some(refused) = &stream.clock_refused {
            tracing::warn!("camera {id}: {refused}; pictures count from their arrival");
        }
        if let Some(failed) = &stream.decoder_failed {
            tracing::warn!("camera {id}: {failed}; another decodes");
        }
        board.stream = Some(stream);
    }

    /// The vision process said why a camera gives no picture.
    pub fn lost(&mut self, camera: CameraIndex, reason: String) {
        if let Some(camera) = self.cameras.get_mut(usize::from(camera.0)) {
            camera.lost = Some(reason);
        }
    }

    /// The vision process said whether there is time to look closer.
    pub fn detail_cut(&mut self, camera: CameraIndex, cut: Option<DetailCut>) {
        if let Some(camera) = self.cameras.get_mut(usize::from(camera.0)) {
            camera.detail_cut = cut;
        }
    }

    /// What was said of a camera's view.
    pub fn view(&mut self, camera: CameraIndex) -> Option<&mut ViewBoard> {
        self.cameras.get_mut(usize::from(camera.0)).map(|camera| &mut camera.view)
    }

    /// Why a camera's zones are not watched, in words.
    pub fn why_blind(&self, camera: CameraIndex, cause: BlindCause) -> String {
        let board = self.cameras.get(usize::from(camera.0));
        let measured = match cause {
            BlindCause::View(fault) => board.and_then(|camera| camera.view.measured(fault)),
            BlindCause::Starting
            | BlindCause::NoFrames
            | BlindCause::LateFrames
            | BlindCause::SourceLost
            | BlindCause::WorkerSilent
            | BlindCause::WorkerDown => None,
        };
        let detail = match cause {
            BlindCause::SourceLost => board.and_then(|camera| camera.lost.as_deref()),
            BlindCause::Starting | BlindCause::WorkerDown | BlindCause::WorkerSilent => {
                Some(self.vision.detail.as_str())
            }
            BlindCause::LateFrames => {
                board.and_then(|camera| words::timed_by(camera.stream.as_ref()?.clock))
            }
            BlindCause::NoFrames => None,
            BlindCause::View(_) => measured.as_deref(),
        };
        words::blind(cause, detail)
    }

    /// What an alarm says now.
    pub fn text(&self, engine: &Engine, source: AlarmSource, state: AlarmState) -> String {
        match source {
            AlarmSource::Intrusion(zone) | AlarmSource::Warning(zone) => {
                let people = engine.zone(zone).map_or(0, |zone| zone.people);
                let kind = self.names.zone(zone).map_or("", |zone| zone.kind.as_str());
                words::people(source, kind, people, state)
            }
            AlarmSource::Untested(_) => words::untested(state),
            AlarmSource::Blind(camera) => {
                let cause = engine.blind(camera).map(|cause| self.why_blind(camera, cause));
                words::trouble(source, cause.as_deref())
            }
            AlarmSource::Fault(part) => words::trouble(source, self.fault(part)),
        }
    }

    /// Why a part of the box does not work; `None` while it does.
    fn fault(&self, part: Part) -> Option<&str> {
        let fault = match part {
            Part::Siren => &self.siren_fault,
            Part::Store => &self.store_fault,
            Part::Relay => &self.relay_fault,
            Part::Handhelds => &self.handhelds_fault,
            Part::Detector => &self.detector_fault,
        };
        fault.as_deref()
    }

    /// Now, as one value.
    pub fn snapshot(&mut self, engine: &Engine, ledger: &Ledger, now: Instant) -> Snapshot {
        let (cameras, zones) = (self.camera_views(engine, now), self.zone_views(engine, now));
        let uptime_ms = now.since(self.started_at).as_millis();
        Snapshot {
            site: self.site.clone(),
            now: clock::wall(),
            uptime_ms: u64::try_from(uptime_ms).unwrap_or(u64::MAX),
            vision: self.vision.clone(),
            model: self.model.clone(),
            siren: self.siren_view(engine, ledger, now),
            store_fault: self.store_fault.clone(),
            latency: ledger.latency(now),
            cameras,
            zones,
            retired: self.retired_views(),
            inputs: self.arming.inputs(now),
            handhelds: self.handhelds.clone(),
            alarms: self.alarm_views(engine, ledger, now),
            holds: self.hold_views(engine, ledger),
            channels: Vec::new(),
            relays: self.relays.clone(),
        }
    }

    fn siren_view(&self, engine: &Engine, ledger: &Ledger, now: Instant) -> Siren {
        let until = engine.silent_until(now).map(|until| wall_of(until, now));
        let (fault, attention) = match self.siren_sounds {
            Sounding::Yes => (None, self.siren_fault.clone()),
            Sounding::No => (self.siren_fault.clone(), None),
        };
        Siren {
            sound: match self.siren.pattern {
                SirenPattern::Silent => SirenSound::Silent,
                SirenPattern::Fault => SirenSound::Fault,
                SirenPattern::Warning => SirenSound::Warning,
                SirenPattern::Intrusion => SirenSound::Intrusion,
            },
            zone: self.siren.zone.map(|zone| usize::from(zone.0)),
            device: self.siren_device.clone(),
            fault,
            attention,
            test: self.siren_test.clone(),
            silenced: ledger.silencer().map(str::to_owned).zip(until),
        }
    }

    fn camera_views(&mut self, engine: &Engine, now: Instant) -> Vec<Camera> {
        let names = self.names.clone();
        let mut views = Vec::with_capacity(self.cameras.len());
        let cameras = names.cameras.iter().zip(&names.in_force);
        for (index, ((id, name), in_force)) in (0u16..).zip(cameras) {
            let number = CameraIndex(index);
            let blind = engine.blind(number);
            let unknown = blind.map(|cause| self.why_blind(number, cause));
            let camera = &mut self.cameras[usize::from(index)];
            camera.pictures.judged(blind, now);
            if blind != camera.blind {
                if blind.is_some() != camera.blind.is_some() {
                    camera.since = clock::wall();
                }
                camera.blind = blind;
            }
            let people = if blind.is_some() { 0 } else { engine.tracks(number).len() };
            views.push(Camera {
                id: id.clone(),
                name: name.clone(),
                unknown,
                since: camera.since,
                size_px: camera.size_px,
                fps: camera.pictures.fps(now),
                frame_age_ms: camera.pictures.age_ms(now),
                pictures: camera.pictures.tally(now),
                detail_cut: camera.detail_cut.map(words::detail_cut),
                people: u32::try_from(people).unwrap_or(u32::MAX),
                zones_version: in_force.version,
                zones_fault: in_force.fault.clone(),
                address: names.addresses.get(usize::from(index)).cloned().unwrap_or_default(),
                stream: camera.stream.clone(),
                masks: in_force.masks.clone(),
                view: camera.view.now(engine.view_faults(number)),
            });
        }
        views
    }

    fn zone_views(&mut self, engine: &Engine, now: Instant) -> Vec<Zone> {
        let names = self.names.clone();
        let mut views = Vec::with_capacity(names.zones.len());
        for (number, slot) in names.live() {
            let (index, info) = (number.0, &slot.info);
            let Some(zone) = engine.zone(number) else {
                continue;
            };
            let since = &mut self.zones_since[usize::from(index)];
            if since.at != zone.since {
                *since = Since { at: zone.since, wall: clock::wall_at(zone.since) };
            }
            let since = since.wall;
            let reason = match zone.state {
                ZoneState::Unknown(cause) => Some(self.why_blind(CameraIndex(info.camera), cause)),
                ZoneState::Clear | ZoneState::Occupied => None,
            };
            views.push(Zone {
                number: usize::from(index),
                id: info.id.clone(),
                name: info.name.clone(),
                camera: usize::from(info.camera),
                kind: info.kind.clone(),
                state: zone.state,
                reason,
                since,
                people: zone.people,
                incident: zone.incident.map(|incident| incident.0),
                arming: self.arming.zone(ZoneIndex(index), zone.arming, now),
                inhibition: zone.inhibition,
                walk_test: self.walk_tests.zone(number).cloned(),
                polygons: slot.polygons.clone(),
                line: slot.line.clone(),
            });
        }
        views
    }

    fn retired_views(&self) -> Vec<RetiredZone> {
        let retired = self.names.zones.iter().enumerate().filter(|(_, zone)| !zone.is_live());
        let view = |(number, zone): (usize, &ZoneSlot)| RetiredZone {
            number,
            id: zone.info.id.clone(),
            camera: usize::from(zone.info.camera),
        };
        retired.map(view).collect()
    }

    fn alarm_views(&self, engine: &Engine, ledger: &Ledger, now: Instant) -> Vec<Alarm> {
        let mut alarms = engine.alarms();
        alarms.sort_by_key(urgency);
        let view = |alarm: &AlarmView| {
            let notes = ledger.notes(alarm.id)?;
            Some(Alarm {
                id: alarm.id,
                source: alarm.source,
                state: alarm.state,
                version: notes.version,
                renewed: notes.renewed,
                priority: alarm.source.priority(),
                silenced_until: alarm
                    .silent_until
                    .filter(|until| now < *until)
                    .map(|until| wall_of(until, now)),
                title: words::title(alarm.source, &self.names),
                text: self.text(engine, alarm.source, alarm.state),
                raised_at: notes.raised_at,
                changed_at: notes.changed_at,
                acknowledged: notes.acknowledged.clone(),
                incident: notes.incident.map(|incident| incident.0),
                has_snapshot: notes.has_snapshot,
                ladder: notes.ladder.clone(),
                stages: notes.stages.clone(),
                captured: notes.captured_at,
                delivery: self.delivery(alarm.id),
            })
        };
        alarms.iter().filter_map(view).collect()
    }

    /// What people keep quiet; a zone out of service once.
    fn hold_views(&self, engine: &Engine, ledger: &Ledger) -> Vec<Hold> {
        let open = engine.alarms();
        let view = |hold: HoldView| {
            let notes = ledger.hold(hold.source)?;
            let kind = match (hold.hold, hold.alarm, notes.until) {
                (Held::Shelved, Some(alarm), Some(until)) => HoldKind::Shelved { alarm, until },
                // One for all sources of the zone.
                (Held::OutOfService, _, _) => match hold.source {
                    AlarmSource::Intrusion(_) => HoldKind::OutOfService,
                    AlarmSource::Warning(_)
                    | AlarmSource::Untested(_)
                    | AlarmSource::Blind(_)
                    | AlarmSource::Fault(_) => return None,
                },
                (Held::None | Held::Shelved, _, _) => return None,
            };
            Some(Hold {
                kind,
                source: hold.source,
                title: words::title(hold.source, &self.names),
                by: notes.by.clone(),
                reason: notes.reason.clone(),
                since: notes.since,
                open: open.iter().find(|alarm| alarm.source == hold.source).map(|alarm| alarm.id),
            })
        };
        engine.holds().into_iter().filter_map(view).collect()
    }
}

/// The civil time of an instant to come.
fn wall_of(then: Instant, now: Instant) -> Timestamp {
    let at = clock::wall_at(now);
    at.checked_add(then.since(now)).unwrap_or(at)
}

impl Board {
    fn delivery(&self, alarm: AlarmId) -> Vec<Delivery> {
        let found = self.handhelds.deliveries.iter().find(|(id, _)| *id == alarm);
        found.map(|(_, delivery)| delivery.clone()).unwrap_or_default()
    }
}

/// Orders alarms, most urgent first.
fn urgency(alarm: &AlarmView) -> impl Ord + use<> {
    let state = match alarm.state {
        AlarmState::Unacknowledged => 0,
        AlarmState::LatchedUnacknowledged => 1,
        AlarmState::ReturnedUnacknowledged => 2,
        AlarmState::Acknowledged => 3,
        AlarmState::LatchedAcknowledged => 4,
        AlarmState::Shelved | AlarmState::OutOfService => 5,
        AlarmState::Normal => 6,
    };
    let kind = match alarm.source {
        AlarmSource::Intrusion(_) => 0,
        AlarmSource::Warning(_) => 1,
        AlarmSource::Blind(_) => 2,
        AlarmSource::Fault(_) => 3,
        AlarmSource::Untested(_) => 4,
    };
    (state, kind, std::cmp::Reverse(alarm.id))
}
