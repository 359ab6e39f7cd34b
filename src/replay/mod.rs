//! Recorded footage through the real engine on a virtual clock (R24).
//!
//! The engine cannot tell a replay from a live camera: time is the footage's, ticks and heartbeats
//! come in between as they would in the guard. Nothing here reads a clock, so two replays give the
//! same bytes.
//!
//! Not here: decoding and inference (`vision`), and what the result is worth (`evaluation`).

pub mod event_log;
pub mod mot;

use std::time::Duration;

use crate::engine::detection::{Detection, FrameSize};
use crate::engine::time::Instant;
use crate::engine::view_fault::ViewFaults;
use crate::engine::{
    CameraIndex, Effects, Engine, EventKind, FrameReport, Input, Restored, TICK_EVERY, TrackView,
    ZoneIndex, ZoneView,
};
use crate::zone_file::SiteZones;
use event_log::{EventLog, LoggedEvent};

/// The engine's time at the footage's start. Not zero, so that "a second earlier" exists.
const ORIGIN: Instant = Instant::from_millis(1_000_000);

const CAMERA: CameraIndex = CameraIndex(0);

/// One camera's footage being shown to an engine.
pub struct Player<'a> {
    zones: &'a SiteZones,
    engine: Engine,
    log: EventLog<'a>,
    now: Instant,
    started: bool,
}

/// What a whole replay gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub events: Vec<LoggedEvent>,
    /// Incidents started, and how many of them were still going on when the footage ended.
    pub incidents: usize,
    pub unfinished: usize,
}

impl<'a> Player<'a> {
    /// A player for footage of the site's only camera.
    pub fn new(zones: &'a SiteZones) -> Player<'a> {
        Player {
            zones,
            engine: Engine::new(zones.site.clone(), &Restored::default(), ORIGIN),
            log: EventLog::new(zones),
            now: ORIGIN,
            started: false,
        }
    }

    /// Shows one picture; `time` since the footage's start, never running backwards. Returns the
    /// people followed in it.
    pub fn show(
        &mut self,
        frame: u64,
        time: Duration,
        size: FrameSize,
        detections: Vec<Detection>,
    ) -> Vec<TrackView> {
        if !self.started && self.zones.documents.iter().any(|document| document.ground.is_some()) {
            // Nothing has happened yet; only the first picture tells its size.
            let site = self.zones.for_footage(&[Some(size)]);
            self.engine = Engine::new(site, &Restored::default(), ORIGIN);
        }
        self.pass_time(ORIGIN.after(time));
        let captured_at = self.now;
        let report = FrameReport { camera: CAMERA, frame, size, captured_at, detections };
        let effects = self.engine.step(Input::Frame(report), self.now);
        self.keep(effects);
        self.engine.tracks(CAMERA)
    }

    /// All that is wrong with the view in the newest picture.
    pub fn view(&mut self, faults: ViewFaults) {
        let effects = self.engine.step(Input::View { camera: CAMERA, faults }, self.now);
        self.keep(effects);
    }

    /// What a zone is now.
    pub fn zone(&self, zone: ZoneIndex) -> Option<ZoneView> {
        self.engine.zone(zone)
    }

    /// The footage is over. Incidents that still go on end here, marked as such.
    pub fn finish(mut self, end: Duration) -> Outcome {
        self.pass_time(ORIGIN.after(end));
        let unfinished = self.log.end_open_incidents(end);
        let events = self.log.into_events();
        let incidents = events.iter().filter(|e| e.event == event_log::INCIDENT_STARTED).count();
        Outcome { events, incidents, unfinished }
    }

    fn pass_time(&mut self, until: Instant) {
        // Before the first picture no time passes: footage starts where it starts.
        if self.started {
            while self.now.after(TICK_EVERY) < until {
                self.now = self.now.after(TICK_EVERY);
                let effects = self.engine.step(Input::WorkerHeartbeat, self.now);
                self.keep(effects);
            }
        }
        self.started = true;
        self.now = self.now.max(until);
    }

    fn keep(&mut self, effects: Effects) {
        for event in effects.events {
            // Nobody answers alarms in a replay; their states say nothing that incidents do not.
            if !matches!(event.kind, EventKind::Alarm { .. }) {
                self.log.push(&event, event.at.since(ORIGIN));
            }
        }
    }
}
