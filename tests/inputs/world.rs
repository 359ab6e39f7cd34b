//! One zone, its rule and two clocks, on simulated time: the real decision and the real engine.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use standclear::engine::detection::{Detection, FrameSize, PixelBox, Score};
use standclear::engine::geometry::Area;
use standclear::engine::time::Instant;
use standclear::engine::zone::Rules;
use standclear::engine::{
    AlarmSource, ArmingView, CameraIndex, CameraSpec, Engine, FrameReport, Input, Restored, Site,
    ZoneIndex, ZoneSpec,
};
use standclear::guard::arming::{Arming, MACHINE_UP_FOR, STEADY_AT_START, ZoneRules};
use standclear::guard::handle::ZoneArming;
use standclear::guard::inputs::{InputIndex, InputTable, Moment, Said};
use standclear::zone_file::ArmingRule;

use crate::posted;

pub const ZONE: ZoneIndex = ZoneIndex(0);
pub const PRESS: InputIndex = InputIndex(0);
pub const MAX_AGE_MS: u64 = 2_000;

/// How often the arming thread looks.
pub const LOOK_MS: u64 = 500;

/// How often the engine is told that time passes.
pub const TICK_MS: u64 = 50;

/// Whether the arming thread reaches the alarm path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reaches {
    Yes,
    No,
}

/// One zone over the whole picture, its rule, and two clocks.
pub struct World {
    pub engine: Engine,
    pub arming: Arming,
    pub table: InputTable,
    pub now: Moment,
    looked_ms: u64,
    frame: u64,
    pub person: bool,
    pub alarmed: bool,
}

impl World {
    /// At `start` the box has watched its clock for long enough.
    pub fn new(rule: ArmingRule, start: &str, time_zone: &str) -> World {
        let start: Timestamp = start.parse().expect("a time");
        let wall = start - SignedDuration::try_from(STEADY_AT_START).expect("short");
        let mut world = World::just_started(rule, wall, time_zone, None);
        world.look(Reaches::Yes);
        world.run(STEADY_AT_START, Reaches::Yes);
        world
    }

    /// A box that begins to watch at `wall`, on a machine that has been up for long.
    pub fn just_started(
        rule: ArmingRule,
        wall: Timestamp,
        time_zone: &str,
        last_alive: Option<Timestamp>,
    ) -> World {
        let ring = vec![(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];
        let area = Area::new(&[vec![ring]]).expect("an area");
        let zones = vec![ZoneSpec::restricted(area, Rules::DEFAULT)];
        let site = Site { cameras: vec![CameraSpec { zones, ..CameraSpec::default() }] };
        let now = Moment { monotonic: Instant::ZERO.after(MACHINE_UP_FOR), wall };
        let rules = ZoneRules { epoch: 0, rules: vec![Some(rule)] };
        World {
            engine: Engine::new(site, &Restored::default(), now.monotonic),
            arming: Arming::new(time_zone, rules, last_alive),
            table: InputTable::new(&[posted("press", MAX_AGE_MS)], wall),
            now,
            looked_ms: 0,
            frame: 0,
            person: false,
            alarmed: false,
        }
    }

    /// Time passes: ticks, pictures, and looks as the arming thread has them.
    pub fn run(&mut self, span: Duration, reaches: Reaches) {
        let ticks = span.as_millis() / u128::from(TICK_MS);
        for _ in 0..ticks {
            self.now.monotonic = self.now.monotonic.after(Duration::from_millis(TICK_MS));
            let tick = SignedDuration::from_millis(TICK_MS as i64);
            self.now.wall = self.now.wall.checked_add(tick).expect("in the calendar");
            self.looked_ms += TICK_MS;
            if self.looked_ms >= LOOK_MS {
                self.looked_ms = 0;
                self.look(reaches);
            }
            self.picture();
        }
    }

    pub fn look(&mut self, reaches: Reaches) {
        self.table.look(self.now);
        let look = self.arming.look(&self.table, self.now);
        match reaches {
            Reaches::No => self.arming.undelivered(&look.orders),
            Reaches::Yes => {
                for order in look.orders {
                    let input = Input::Arm { zone: order.zone, arming: order.arming };
                    let effects = self.engine.step(input, self.now.monotonic);
                    assert_eq!(effects.refused, None);
                }
            }
        }
    }

    pub fn picture(&mut self) {
        let now = self.now.monotonic;
        let person = Detection {
            bounds: PixelBox::new(400.0, 400.0, 60.0, 150.0).expect("a box"),
            score: Score::new(0.9).expect("a score"),
        };
        self.frame += 1;
        let report = FrameReport {
            camera: CameraIndex(0),
            frame: self.frame,
            size: FrameSize::new(1000, 1000).expect("positive"),
            captured_at: now,
            detections: if self.person { vec![person] } else { Vec::new() },
        };
        self.engine.step(Input::Frame(report), now);
        let intrusion = AlarmSource::Intrusion(ZONE);
        self.alarmed |= self.engine.alarms().iter().any(|alarm| alarm.source == intrusion);
    }

    pub fn say(&mut self, said: Said) {
        self.table.heard(PRESS, said, self.now.monotonic, None);
    }

    /// The same word again and again for a while, as a gateway says it.
    pub fn repeat(&mut self, said: &Said, seconds: u64) {
        for _ in 0..seconds {
            self.say(said.clone());
            self.run(Duration::from_secs(1), Reaches::Yes);
        }
    }

    pub fn step_wall(&mut self, seconds: i64) {
        let step = SignedDuration::from_secs(seconds);
        self.now.wall = self.now.wall.checked_add(step).expect("in the calendar");
    }

    pub fn view(&self) -> ArmingView {
        self.engine.zone(ZONE).expect("the zone").arming
    }

    pub fn is_armed(&self) -> bool {
        self.view() == ArmingView::Armed
    }

    pub fn shown(&self) -> ZoneArming {
        self.arming.shown()[0].clone().expect("the zone has a rule")
    }
}
