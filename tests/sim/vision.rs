//! Cameras and the vision process as played: what reaches the guard, when, and in which order.

use std::time::Duration;

use standclear::engine::detection::{Detection, FrameSize, PixelBox, Score};
use standclear::engine::time::Instant;
use standclear::engine::{CameraIndex, FrameReport, Input};

use crate::random::Random;
use crate::script::{CAMERAS, Fault, Script};

/// The guard's worker sends as often.
const BEAT_EVERY: Duration = Duration::from_millis(100);

/// A source that gives nothing is said to as often.
const LOST_EVERY: Duration = Duration::from_millis(500);

/// Pictures of one camera that are looked at at once: newest wins.
const IN_FLIGHT_MAX: usize = 2;

pub struct Vision {
    due: [Instant; CAMERAS],
    said_lost: [Instant; CAMERAS],
    beat_at: Instant,
    frame: u64,
    in_flight: Vec<(Instant, FrameReport)>,
    alive: bool,
}

impl Vision {
    pub fn new(now: Instant) -> Vision {
        Vision {
            due: [now; CAMERAS],
            said_lost: [now; CAMERAS],
            beat_at: now,
            frame: 0,
            in_flight: Vec::new(),
            alive: true,
        }
    }

    /// What reaches the guard now.
    pub fn step(&mut self, script: &Script, now: Instant, random: &mut Random) -> Vec<Input> {
        let mut inputs = Vec::new();
        let dead = script.fails(Fault::WorkerDies, now);
        if dead && self.alive {
            self.in_flight.clear();
            inputs.push(Input::WorkerDown);
        }
        self.alive = !dead;
        self.take_pictures(script, now, random);
        if dead || script.fails(Fault::WorkerHangs, now) {
            return inputs;
        }
        if self.beat_at <= now {
            self.beat_at = now.after(BEAT_EVERY);
            inputs.push(Input::WorkerHeartbeat);
        }
        for camera in 0..CAMERAS {
            if script.fails(Fault::CameraLost(camera), now) && self.said_lost[camera] <= now {
                self.said_lost[camera] = now.after(LOST_EVERY);
                inputs.push(Input::CameraLost { camera: CameraIndex(camera as u16) });
            }
        }
        let (ready, waiting) =
            std::mem::take(&mut self.in_flight).into_iter().partition(|(due, _)| *due <= now);
        self.in_flight = waiting;
        let mut ready: Vec<(Instant, FrameReport)> = ready;
        ready.sort_by_key(|(due, report)| (*due, report.frame));
        for (_, report) in ready {
            if script.fails(Fault::Jumbled, now) && random.chance(0.2) {
                inputs.push(Input::Frame(report.clone()));
            }
            inputs.push(Input::Frame(report));
        }
        inputs
    }

    fn take_pictures(&mut self, script: &Script, now: Instant, random: &mut Random) {
        for camera in 0..CAMERAS {
            if self.due[camera] > now {
                continue;
            }
            self.due[camera] = now.after(Duration::from_millis(1000 / script.fps));
            self.frame += 1;
            let stalled = script.fails(Fault::CameraStalls(camera), now)
                || script.fails(Fault::CameraLost(camera), now);
            let index = CameraIndex(camera as u16);
            let busy = self.in_flight.iter().filter(|(_, it)| it.camera == index).count();
            if stalled || !self.alive || busy >= IN_FLIGHT_MAX {
                continue;
            }
            let mut takes = match script.fails(Fault::Slow, now) {
                true => random.millis(300, 2_500),
                false => random.millis(30, 150),
            };
            if script.fails(Fault::Jumbled, now) && random.chance(0.3) {
                takes += Duration::from_millis(250);
            }
            let report = FrameReport {
                camera: index,
                frame: self.frame,
                size: FrameSize::new(1000, 1000).expect("positive"),
                captured_at: now,
                detections: detections(script, camera, now, random),
            };
            self.in_flight.push((now.after(takes), report));
        }
    }
}

fn detections(script: &Script, camera: usize, now: Instant, random: &mut Random) -> Vec<Detection> {
    let mut seen = Vec::new();
    for visit in &script.visits {
        if visit.camera != camera || now < visit.from || now >= visit.to {
            continue;
        }
        if random.chance(script.misses) {
            continue;
        }
        let score = match random.chance(0.1) {
            true => 0.25,
            false => 0.35 + 0.6 * random.share(),
        };
        let shake = |random: &mut Random| 4.0 * random.share() - 2.0;
        let foot = (visit.foot_px.0 + shake(random), visit.foot_px.1 + shake(random));
        seen.push(person(foot, score));
    }
    if random.chance(script.ghosts) {
        let place = (1000.0 * random.share(), 200.0 + 800.0 * random.share());
        seen.push(person(place, 0.3 + 0.4 * random.share()));
    }
    seen
}

fn person((x, y): (f64, f64), score: f64) -> Detection {
    Detection {
        bounds: PixelBox::new(x - 20.0, y - 100.0, 40.0, 100.0).expect("a box"),
        score: Score::new(score as f32).expect("a score"),
    }
}
