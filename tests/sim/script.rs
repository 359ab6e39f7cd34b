//! What happens in a story, drawn before it begins: who walks where, and what fails from when to when.

use std::time::Duration;

use standclear::engine::time::Instant;

use crate::random::Random;

/// When the first act ends, and the second.
pub const ACT_1: Duration = Duration::from_secs(120);
pub const ACT_2: Duration = Duration::from_secs(120);

pub const CAMERAS: usize = 2;

/// The zones of the story: their camera, and a place well inside.
pub const ZONES: &[(usize, (f64, f64))] =
    &[(0, (750.0, 700.0)), (1, (500.0, 650.0)), (1, (150.0, 650.0))];

/// Somebody stands somewhere for a while.
#[derive(Clone, Copy, Debug)]
pub struct Visit {
    pub camera: usize,
    pub foot_px: (f64, f64),
    pub from: Instant,
    pub to: Instant,
}

/// Something that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The camera takes no pictures, and nobody says so.
    CameraStalls(usize),
    /// The vision process says that the camera gives nothing.
    CameraLost(usize),
    /// Pictures are looked at late.
    Slow,
    /// Reports come twice, and in the wrong order.
    Jumbled,
    /// The vision process says nothing any more.
    WorkerHangs,
    /// It ends; somebody starts it again.
    WorkerDies,
    /// Writes to the disk wait.
    DiskStalls,
    /// Writes to the disk fail and are tried again.
    DiskFails,
    /// The guard is killed, and started again.
    GuardDies,
    /// Nobody reaches anybody by radio.
    NetworkGone,
    /// This handheld is gone.
    HandheldGone(usize),
    /// It is connected, and neither reads nor answers.
    HandheldHangs(usize),
    /// The receiver of messages is not there.
    ReceiverGone,
    /// It answers that it does not work.
    ReceiverFails,
    /// It takes messages, but the word that it did gets lost.
    ReceiverMumbles,
}

#[derive(Clone, Copy, Debug)]
pub struct Trouble {
    pub fault: Fault,
    pub from: Instant,
    pub to: Instant,
}

#[derive(Clone, Debug)]
pub struct Script {
    pub fps: u64,
    pub visits: Vec<Visit>,
    pub troubles: Vec<Trouble>,
    /// When the wall clock is set, and by how many seconds.
    pub clock_steps: Vec<(Instant, i64)>,
    /// How often a person who is there is not detected.
    pub misses: f64,
    /// How often something is detected where nobody is.
    pub ghosts: f64,
}

impl Script {
    pub fn of(random: &mut Random, start: Instant) -> Script {
        let at = |random: &mut Random| start.after(random.millis(3_000, ACT_1.as_millis() as u64));
        let end = start.after(ACT_1);
        let until = |from: Instant, span: Duration| from.after(span).min(end);
        let mut visits = Vec::new();
        for _ in 0..4 + random.below(8) {
            let from = at(random);
            let to = until(from, random.millis(200, 15_000));
            let number = random.below(ZONES.len() as u64 + 1) as usize;
            let (camera, foot) = match ZONES.get(number) {
                Some(place) => *place,
                // Somebody who is where anybody may be.
                None => (random.below(CAMERAS as u64) as usize, (300.0, 200.0)),
            };
            let shift = 60.0 * random.share();
            let foot_px = (foot.0 + shift, foot.1);
            visits.push(Visit { camera, foot_px, from, to });
        }
        let mut troubles = Vec::new();
        for _ in 0..random.below(14) {
            let from = at(random);
            let to = until(from, random.millis(100, 12_000));
            troubles.push(Trouble { fault: fault(random), from, to });
        }
        let steps = (0..random.below(3)).map(|_| {
            let seconds = random.pick(&[-86_400, -3_600, -30, 30, 3_600, 86_400 * 365]);
            (at(random), seconds)
        });
        let clock_steps = steps.collect();
        Script {
            fps: random.pick(&[5, 10, 15]),
            visits,
            troubles,
            clock_steps,
            misses: random.pick(&[0.0, 0.1, 0.3]),
            ghosts: random.pick(&[0.0, 0.0, 0.01]),
        }
    }

    /// Whether this fails now.
    pub fn fails(&self, fault: Fault, now: Instant) -> bool {
        self.troubles.iter().any(|it| it.fault == fault && it.from <= now && now < it.to)
    }
}

fn fault(random: &mut Random) -> Fault {
    let camera = random.below(CAMERAS as u64) as usize;
    let handheld = random.below(crate::handhelds::DEVICES as u64) as usize;
    random.pick(&[
        Fault::CameraStalls(camera),
        Fault::CameraLost(camera),
        Fault::Slow,
        Fault::Jumbled,
        Fault::WorkerHangs,
        Fault::WorkerDies,
        Fault::DiskStalls,
        Fault::DiskFails,
        Fault::GuardDies,
        Fault::GuardDies,
        Fault::NetworkGone,
        Fault::HandheldGone(handheld),
        Fault::HandheldHangs(handheld),
        Fault::ReceiverGone,
        Fault::ReceiverFails,
        Fault::ReceiverMumbles,
    ])
}
