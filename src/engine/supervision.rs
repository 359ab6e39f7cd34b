//! Is a camera watched? Loss of sight raises a fault; quiet never means safe (invariant 4).
//!
//! A camera is watched only while fresh pictures of it keep arriving. Nobody has to report a failure:
//! whoever falls silent is blind by the passing of time alone, which also covers a vision process
//! that hangs, was stopped or was killed.
//!
//! Pictures that come in time may still not be trusted: **view faults** are what the vision process
//! says of that. A view that has moved stays moved until an engineer confirms it, whatever is said
//! later: zones drawn on another view watch the wrong ground.
//!
//! ```text
//!   Starting ──fresh picture──> Watched ──any cause──> Blind
//!                                  ^                     │
//!                                  └─ fresh pictures for RECOVERY ─┘
//! ```

use std::time::Duration;

use super::BlindCause;
use super::time::Instant;
use super::view_fault::{ViewFault, ViewFaults};

/// Longest silence of the vision process: six missed beats. With `TICK_EVERY` the engine knows within
/// 650 ms, well inside the second that R1 allows.
pub const WORKER_SILENT_MAX: Duration = Duration::from_millis(600);

/// Longest gap between two pictures of a camera. Leaves 150 ms of R1's second for tick and siren, and
/// allows cameras down to 2 pictures a second with one late.
pub const FRAME_GAP_MAX: Duration = Duration::from_millis(800);

/// Oldest picture that may still be acted on. R2 allows one second from light to siren.
pub const FRAME_AGE_MAX: Duration = Duration::from_millis(900);

/// A camera that was lost must show fresh pictures this long before its zones count as watched, so
/// that a flickering source is one alarm and not twenty.
pub const RECOVERY: Duration = Duration::from_millis(500);

/// A box may take this long to see its first pictures before that is an alarm ("armed ≤ 5 s").
/// Zones are UNKNOWN all the while.
pub const START_GRACE: Duration = Duration::from_millis(5000);

/// R1: the longest time from the last light, or the last beat, to UNKNOWN and its alarm.
const UNKNOWN_WITHIN_MS: u128 = 1000;
const TICK_MS: u128 = super::TICK_EVERY.as_millis();
const _: () = assert!(WORKER_SILENT_MAX.as_millis() + TICK_MS < UNKNOWN_WITHIN_MS);
const _: () = assert!(FRAME_GAP_MAX.as_millis() + TICK_MS < UNKNOWN_WITHIN_MS);
const _: () = assert!(FRAME_AGE_MAX.as_millis() + TICK_MS < UNKNOWN_WITHIN_MS);

/// What is known of the vision process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WorkerWatch {
    last_sign_of_life: Option<Instant>,
    down: bool,
}

/// What is known of one camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CameraWatch {
    started_at: Instant,
    last_frame: Option<LastFrame>,
    source_lost: bool,
    faults: ViewFaults,
    moved: Moved,
    /// Since when pictures have been fresh without a gap.
    fresh_since: Option<Instant>,
    was_watched: bool,
    blind: Option<BlindCause>,
    worst_view: Option<ViewFault>,
}

/// Whether the view is the one that the zones were drawn on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    No,
    /// The vision process says that it has moved.
    Said,
    /// It says so no more, and no engineer has looked.
    Stands,
    /// An engineer has confirmed the view, and the vision process has not heard of it yet.
    Confirmed,
}

/// The newest picture: when light reached the camera, when it reached the engine, how old it was.
#[derive(Clone, Copy, Debug, PartialEq)]
struct LastFrame {
    captured_at: Instant,
    arrived_at: Instant,
    freshness: Freshness,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Freshness {
    Fresh,
    Late,
}

impl WorkerWatch {
    pub fn new() -> WorkerWatch {
        WorkerWatch { last_sign_of_life: None, down: false }
    }

    /// The vision process said something.
    pub fn alive(&mut self, now: Instant) {
        self.last_sign_of_life = Some(now);
        self.down = false;
    }

    /// The vision process ended.
    pub fn down(&mut self) {
        self.down = true;
    }

    fn trouble(&self, now: Instant) -> Option<BlindCause> {
        match self.last_sign_of_life {
            _ if self.down => Some(BlindCause::WorkerDown),
            Some(last) if now.since(last) > WORKER_SILENT_MAX => Some(BlindCause::WorkerSilent),
            Some(_) | None => None,
        }
    }
}

impl Default for WorkerWatch {
    fn default() -> Self {
        WorkerWatch::new()
    }
}

impl CameraWatch {
    pub fn new(now: Instant) -> CameraWatch {
        CameraWatch {
            started_at: now,
            last_frame: None,
            source_lost: false,
            faults: ViewFaults::NONE,
            moved: Moved::No,
            fresh_since: None,
            was_watched: false,
            blind: Some(BlindCause::Starting),
            worst_view: None,
        }
    }

    /// A picture arrived.
    pub fn frame(&mut self, captured_at: Instant, now: Instant) {
        let late = now.since(captured_at) > FRAME_AGE_MAX;
        self.source_lost = false;
        let gap = self.last_frame.is_none_or(|last| now.since(last.arrived_at) > FRAME_GAP_MAX);
        if late {
            self.fresh_since = None;
        } else if gap || self.fresh_since.is_none() {
            self.fresh_since = Some(now);
        }
        let freshness = if late { Freshness::Late } else { Freshness::Fresh };
        self.last_frame = Some(LastFrame { captured_at, arrived_at: now, freshness });
    }

    /// The vision process says that the source gives nothing.
    pub fn source_lost(&mut self) {
        self.source_lost = true;
        self.fresh_since = None;
    }

    /// The vision process says all that is wrong with the view.
    pub fn view(&mut self, faults: ViewFaults) {
        self.moved = match (self.moved, faults.has(ViewFault::Moved)) {
            (Moved::No | Moved::Said | Moved::Stands, true) => Moved::Said,
            (Moved::Confirmed, true) => Moved::Confirmed,
            (Moved::Said | Moved::Stands, false) => Moved::Stands,
            (Moved::No | Moved::Confirmed, false) => Moved::No,
        };
        self.faults = faults.without(ViewFault::Moved);
    }

    /// It had moved when the box ended, and nobody has confirmed it since.
    pub fn view_stands(&mut self) {
        self.moved = Moved::Stands;
    }

    /// The gravest fault of the view that was a cause since the camera was last watched.
    pub fn worst_view(&self) -> Option<ViewFault> {
        self.worst_view
    }

    /// An engineer has looked: the zones fit the view as it is now.
    pub fn view_confirmed(&mut self) {
        self.moved = match self.moved {
            Moved::Said | Moved::Confirmed => Moved::Confirmed,
            Moved::No | Moved::Stands => Moved::No,
        };
    }

    /// The vision process ended. What it said of the view stands until another one has looked and says
    /// otherwise: the next process may take a covered view for the right one.
    pub fn view_unsaid(&mut self) {
        self.moved = match self.moved {
            Moved::Said | Moved::Stands => Moved::Stands,
            Moved::No | Moved::Confirmed => Moved::No,
        };
    }

    /// All that is wrong with the view.
    pub fn view_faults(&self) -> ViewFaults {
        match self.moved {
            Moved::Said | Moved::Stands => self.faults.with(ViewFault::Moved),
            Moved::No | Moved::Confirmed => self.faults,
        }
    }

    /// Judges anew; returns the change, if there is one.
    pub fn judge(&mut self, worker: &WorkerWatch, now: Instant) -> Option<Option<BlindCause>> {
        let cause = self.trouble(worker, now);
        if cause == self.blind {
            return None;
        }
        match cause {
            None => (self.was_watched, self.worst_view) = (true, None),
            Some(BlindCause::View(fault)) => {
                self.worst_view = Some(self.worst_view.map_or(fault, |worst| worst.min(fault)));
            }
            Some(
                BlindCause::Starting
                | BlindCause::NoFrames
                | BlindCause::LateFrames
                | BlindCause::SourceLost
                | BlindCause::WorkerSilent
                | BlindCause::WorkerDown,
            ) => {}
        }
        self.blind = cause;
        Some(cause)
    }

    /// Why the camera is not watched, as last judged.
    pub fn blind(&self) -> Option<BlindCause> {
        self.blind
    }

    /// Whether blindness is an alarm: always, but for the first seconds of the box's life.
    pub fn alarming(&self, now: Instant) -> bool {
        match self.blind {
            None => false,
            Some(BlindCause::Starting) => now.since(self.started_at) > START_GRACE,
            Some(
                BlindCause::NoFrames
                | BlindCause::LateFrames
                | BlindCause::SourceLost
                | BlindCause::WorkerSilent
                | BlindCause::WorkerDown
                | BlindCause::View(_),
            ) => true,
        }
    }

    fn trouble(&mut self, worker: &WorkerWatch, now: Instant) -> Option<BlindCause> {
        let cause = match (worker.trouble(now), self.last_frame) {
            (Some(cause), _) => Some(cause),
            (None, _) if self.source_lost => Some(BlindCause::SourceLost),
            (None, None) => Some(BlindCause::Starting),
            (None, Some(last)) if now.since(last.arrived_at) > FRAME_GAP_MAX => {
                Some(BlindCause::NoFrames)
            }
            (None, Some(LastFrame { freshness: Freshness::Late, .. })) => {
                Some(BlindCause::LateFrames)
            }
            // A second after the last light there must be an alarm, however long that light took.
            (None, Some(last)) if now.since(last.captured_at) > FRAME_AGE_MAX => {
                Some(BlindCause::NoFrames)
            }
            (None, Some(LastFrame { freshness: Freshness::Fresh, .. })) => {
                self.view_faults().first().map(BlindCause::View)
            }
        };
        if cause.is_some() {
            self.fresh_since = self.fresh_since.filter(|_| cause == Some(BlindCause::Starting));
            return cause;
        }
        let recovering = self.was_watched && self.blind.is_some();
        let steady = match (self.fresh_since, self.last_frame) {
            (Some(since), Some(newest)) => newest.arrived_at.since(since) >= RECOVERY,
            _ => false,
        };
        if recovering && !steady { self.blind } else { None }
    }
}
