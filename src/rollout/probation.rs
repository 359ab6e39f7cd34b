//! When a model on trial has shown enough to stay, and when it has to go.
//!
//! ```text
//!   counting ── frames and hours are enough, no review is open ──> golden pictures once more
//!      │                                                              │ passed
//!      │ error, hang, silence, latency, review confirmed, golden failed       v
//!      └──────────────────────> RollBack                           Commit
//! ```
//!
//! Time is monotonic and comes in with each thing that was seen, as the moment at which it was: a
//! wall clock that steps changes nothing, and a keeper that was held up takes nobody for silent.
//! Only time in which the model showed signs of life is counted.
//!
//! Not here: what makes a frame late or a golden picture right, and lives that end, which `boot`
//! counts.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::stage::Fault;
use crate::engine::time::Instant;

/// Pictures a model has to decide on before it stays: four cameras at five a second for four minutes.
pub const FRAMES_MIN: u64 = 5_000;

/// How long it has to guard before it stays: every shift, every light of a day.
pub const RUN_MIN: Duration = Duration::from_secs(24 * 3600);

/// Longest silence: then its process is killed anyway.
pub const SILENCE_MAX: Duration = Duration::from_secs(2);

/// How long the golden pictures may take beside everything else.
pub const GOLDEN_MAX: Duration = Duration::from_secs(120);

/// What a model has to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    pub frames_min: u64,
    pub run_min: Duration,
    /// Of the 99th percentile over a stretch of pictures that whoever measures it chooses.
    pub latency_budget: Duration,
    pub silence_max: Duration,
    pub golden_max: Duration,
}

/// What a trial has shown so far, over all its lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    pub frames: u64,
    pub run_s: u64,
}

/// Something that was seen of the model on trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It decided on a picture.
    Frame,
    /// Its process says that it lives.
    Heartbeat,
    /// It could not decide on a picture.
    Error,
    /// It did not answer in time.
    Hang,
    /// The 99th percentile of what it takes for a picture.
    Latency { p99: Duration },
    /// Its golden pictures were looked at.
    Golden(Golden),
    /// What people think of it.
    Review(Review),
    /// Nothing happened; time passed.
    Tick,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Golden {
    Passed,
    Failed,
}

/// A look by people whether it misses somebody. What is open at the start of a life is told again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Review {
    Opened,
    /// It does not.
    Dismissed,
    /// It does.
    Confirmed,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    GoOn,
    /// Look at its golden pictures, now. Told once; the answer is a [`Seen::Golden`].
    RunGolden,
    /// It stays. Told until somebody acts on it, and withdrawn when something goes wrong before.
    Commit,
    /// It goes. Final.
    RollBack {
        reason: Fault,
    },
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Probation {
    rules: Rules,
    frames: u64,
    run: Duration,
    /// Its last sign of life.
    heard: Instant,
    reviews_open: u32,
    last_look: LastLook,
    over: Option<Fault>,
}

/// The golden pictures before the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LastLook {
    NotYet,
    Asked { at: Instant },
    Passed,
}

impl Rules {
    /// The usual rules, with the budget of this box.
    pub const fn with_latency_budget(latency_budget: Duration) -> Rules {
        Rules {
            frames_min: FRAMES_MIN,
            run_min: RUN_MIN,
            latency_budget,
            silence_max: SILENCE_MAX,
            golden_max: GOLDEN_MAX,
        }
    }
}

impl Progress {
    /// The further of both, each for itself.
    pub fn or_further(self, other: Progress) -> Progress {
        Progress { frames: self.frames.max(other.frames), run_s: self.run_s.max(other.run_s) }
    }
}

impl Probation {
    /// A life of the trial begins; `before` is what earlier ones have shown.
    pub fn new(rules: Rules, before: Progress, now: Instant) -> Probation {
        Probation {
            rules,
            frames: before.frames,
            run: Duration::from_secs(before.run_s),
            heard: now,
            reviews_open: 0,
            last_look: LastLook::NotYet,
            over: None,
        }
    }

    /// Takes in what was seen at `now`, and says what follows.
    pub fn see(&mut self, seen: Seen, now: Instant) -> Verdict {
        if self.over.is_none() {
            self.over = self.fault(seen, now);
        }
        match self.over {
            Some(reason) => Verdict::RollBack { reason },
            None => self.verdict(now),
        }
    }

    /// What it has shown by now; for the ledger.
    pub const fn progress(&self) -> Progress {
        Progress { frames: self.frames, run_s: self.run.as_secs() }
    }

    fn fault(&mut self, seen: Seen, now: Instant) -> Option<Fault> {
        if now.since(self.heard) > self.rules.silence_max {
            return Some(Fault::Hung);
        }
        if let LastLook::Asked { at } = self.last_look
            && now.since(at) > self.rules.golden_max
        {
            return Some(Fault::Hung);
        }
        match seen {
            Seen::Frame => {
                self.frames = self.frames.saturating_add(1);
                self.lives(now);
                None
            }
            Seen::Heartbeat => {
                self.lives(now);
                None
            }
            Seen::Error => Some(Fault::Error),
            Seen::Hang => Some(Fault::Hung),
            Seen::Latency { p99 } => (p99 > self.rules.latency_budget).then_some(Fault::Latency),
            Seen::Golden(Golden::Failed) => Some(Fault::GoldenFailed),
            Seen::Golden(Golden::Passed) => {
                // One that nobody asked for is of before.
                if let LastLook::Asked { .. } = self.last_look {
                    self.last_look = LastLook::Passed;
                }
                None
            }
            Seen::Review(Review::Opened) => {
                self.reviews_open = self.reviews_open.saturating_add(1);
                // However long it takes, the golden pictures are looked at after it.
                self.last_look = LastLook::NotYet;
                None
            }
            Seen::Review(Review::Dismissed) => {
                self.reviews_open = self.reviews_open.saturating_sub(1);
                None
            }
            Seen::Review(Review::Confirmed) => Some(Fault::ReviewConfirmed),
            Seen::Tick => None,
        }
    }

    fn lives(&mut self, now: Instant) {
        self.run = self.run.saturating_add(now.since(self.heard));
        self.heard = self.heard.max(now);
    }

    fn verdict(&mut self, now: Instant) -> Verdict {
        let enough = self.frames >= self.rules.frames_min && self.run >= self.rules.run_min;
        if !enough || self.reviews_open > 0 {
            return Verdict::GoOn;
        }
        match self.last_look {
            LastLook::NotYet => {
                self.last_look = LastLook::Asked { at: now };
                Verdict::RunGolden
            }
            LastLook::Asked { .. } => Verdict::GoOn,
            LastLook::Passed => Verdict::Commit,
        }
    }
}
