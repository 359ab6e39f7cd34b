//! A site in a test: one camera of 1000 × 1000 px, zones in frame fractions, people as boxes.

use std::time::Duration;

use standclear::engine::detection::{Detection, FrameSize, PixelBox, Score};
use standclear::engine::geometry::Area;
use standclear::engine::time::Instant;
use standclear::engine::zone::Rules;
use standclear::engine::{
    AlarmSource, AlarmState, CameraIndex, CameraSpec, Duty, Effects, Engine, Event, EventKind,
    FrameReport, Input, Restored, Site, TICK_EVERY, ZoneIndex, ZoneSpec, ZoneState,
};

pub const CAMERA: CameraIndex = CameraIndex(0);
pub const ZONE: ZoneIndex = ZoneIndex(0);

/// The right half of the picture, below its upper third.
pub fn right_half() -> Vec<(f64, f64)> {
    vec![(0.5, 0.3), (1.0, 0.3), (1.0, 1.0), (0.5, 1.0)]
}

/// A ring as an area.
pub fn area(ring: &[(f64, f64)]) -> Area {
    Area::new(&[vec![ring.to_vec()]]).expect("a valid zone")
}

pub fn size() -> FrameSize {
    FrameSize::new(1000, 1000).expect("positive")
}

/// A person whose foot point is at (x, y) pixels: 40 × 100 px.
pub fn person(x: f64, y: f64, score: f32) -> Detection {
    person_sized(x, y, 40.0, 100.0, score)
}

pub fn person_sized(x: f64, y: f64, width: f64, height: f64, score: f32) -> Detection {
    Detection {
        bounds: PixelBox::new(x - width / 2.0, y - height, width, height).expect("a box"),
        score: Score::new(score).expect("a score"),
    }
}

/// How many cases a property is tried with; `STANDCLEAR_CASES` is for long runs.
pub fn cases(usual: u32) -> u32 {
    std::env::var("STANDCLEAR_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

/// An engine with its own time.
pub struct World {
    pub engine: Engine,
    pub now: Instant,
    pub frame: u64,
    pub events: Vec<Event>,
    last_tick: Instant,
}

impl World {
    pub fn new(zones: &[Vec<(f64, f64)>]) -> World {
        World::with(zones, Rules::DEFAULT, &Restored::default())
    }

    pub fn with(zones: &[Vec<(f64, f64)>], rules: Rules, restored: &Restored) -> World {
        let zones = zones.iter().map(|ring| ZoneSpec::restricted(area(ring), rules)).collect();
        World::of(CameraSpec { zones, ..CameraSpec::default() }, restored)
    }

    /// One camera with these zones, by their duties.
    pub fn on_duty(duties: Vec<Duty>) -> World {
        let zone = |duty| ZoneSpec { duty, rules: Rules::DEFAULT };
        let zones = duties.into_iter().map(zone).collect();
        World::of(CameraSpec { zones, ..CameraSpec::default() }, &Restored::default())
    }

    pub fn of(camera: CameraSpec, restored: &Restored) -> World {
        let now = Instant::from_millis(1_000);
        let engine = Engine::new(Site { cameras: vec![camera] }, restored, now);
        World { engine, now, frame: 0, events: Vec::new(), last_tick: now }
    }

    pub fn step(&mut self, input: Input) -> Effects {
        let effects = self.engine.step(input, self.now);
        self.events.extend(effects.events.iter().cloned());
        effects
    }

    /// Time passes with ticks and beats, as in the guard.
    pub fn wait(&mut self, span: Duration) {
        let end = self.now.after(span);
        while self.last_tick.after(TICK_EVERY) <= end {
            self.last_tick = self.last_tick.after(TICK_EVERY);
            self.now = self.last_tick.max(self.now);
            self.step(Input::WorkerHeartbeat);
        }
        self.now = end;
    }

    /// Time passes and nobody says anything.
    pub fn silence(&mut self, span: Duration) {
        let end = self.now.after(span);
        while self.last_tick.after(TICK_EVERY) <= end {
            self.last_tick = self.last_tick.after(TICK_EVERY);
            self.now = self.last_tick.max(self.now);
            self.step(Input::Tick);
        }
        self.now = end;
    }

    /// One picture, now.
    pub fn picture(&mut self, people: &[Detection]) -> Effects {
        let report = FrameReport {
            camera: CAMERA,
            frame: self.frame,
            size: size(),
            captured_at: self.now,
            detections: people.to_vec(),
        };
        self.frame += 1;
        self.step(Input::Frame(report))
    }

    /// A picture every `1 / fps` seconds; `people` gives who is in picture `i`.
    pub fn film(&mut self, fps: f64, pictures: usize, people: impl Fn(usize) -> Vec<Detection>) {
        let start = self.now;
        for i in 0..pictures {
            let due = start.after(Duration::from_secs_f64(i as f64 / fps));
            self.wait(due.since(self.now));
            self.picture(&people(i));
        }
        let due = start.after(Duration::from_secs_f64(pictures as f64 / fps));
        self.wait(due.since(self.now));
    }

    /// How often this happened.
    pub fn count(&self, wanted: impl Fn(&EventKind) -> bool) -> usize {
        self.events.iter().filter(|event| wanted(&event.kind)).count()
    }

    pub fn state(&self) -> ZoneState {
        self.engine.zone(ZONE).expect("the zone").state
    }

    pub fn incidents(&self) -> usize {
        self.events
            .iter()
            .filter(|event| matches!(event.kind, EventKind::IncidentStarted { .. }))
            .count()
    }

    pub fn entries(&self) -> usize {
        self.incidents()
            + self
                .events
                .iter()
                .filter(|event| matches!(event.kind, EventKind::PersonEntered { .. }))
                .count()
    }

    pub fn intrusion(&self) -> AlarmState {
        self.alarm(AlarmSource::Intrusion(ZONE))
    }

    pub fn blind_alarm(&self) -> AlarmState {
        self.alarm(AlarmSource::Blind(CAMERA))
    }

    pub fn alarm(&self, source: AlarmSource) -> AlarmState {
        let alarms = self.engine.alarms();
        alarms.iter().find(|a| a.source == source).map_or(AlarmState::Normal, |a| a.state)
    }

    pub fn acknowledge_all(&mut self) {
        for alarm in self.engine.alarms() {
            self.step(Input::Acknowledge { alarm: alarm.id });
        }
    }
}
