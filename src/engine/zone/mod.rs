//! Is anybody in the zone? Fast in, slow out, by time and not by frames (R3–R8).
//!
//! **In.** A *candidate* is a chain of detections that are inside by the zone's criterion and which
//! one person could have produced (within reach of each other). It becomes a *presence* when there
//! is enough evidence (`evidence`): two looks at least 85 ms apart are somebody, one errant
//! detection is nothing. Somebody who has been inside for the zone's dwell time is an *arrival*.
//!
//! **Stay.** A presence is held by any detection within reach that is inside or within a margin of
//! the edge, and a weaker score is enough for that (`HOLD_SCORE`): doubt keeps an alarm.
//!
//! **Out.** A presence ends when nothing has held it for `clear_after`; longer (`vanished_after`) if
//! it vanished in the middle of the zone, where nobody can have left without being seen.
//!
//! Tracks play no part: chains are made of detections and reach, so a tracker that swaps, drops or
//! invents numbers changes nothing here (R4). There is no motion anywhere in it: who stands still,
//! lies or was there from the first picture on is present (R3).

pub mod anchor;
pub mod crowd;
pub mod evidence;
mod headcount;
mod inside;
mod presence;
mod tripwire;
mod watcher;

use std::time::Duration;

use super::TrackId;
use super::alarm::Latch;
use super::detection::{FrameSize, PixelBox, Score};
use super::time::Instant;
pub use crowd::{Crowd, Sighting};
pub use evidence::{EVIDENCE_SPAN_MIN, Pace};
pub use presence::Occupancy;
pub(super) use watcher::{Following, Kept, Watcher};

/// Detections from this score count as evidence of an entry. Measured: docs/design/thresholds.md.
pub const ENTER_SCORE: f32 = 0.3;

/// Detections from this score hold a presence. Measured: docs/design/thresholds.md.
pub const HOLD_SCORE: f32 = 0.2;

/// Outside by this much of the person's height still holds a presence.
const MARGIN_HEIGHTS: f64 = 0.08;

/// The margin is never below this, in pixels: jitter of a foot line.
const MARGIN_PX_MIN: f64 = 3.0;

/// Most candidates and presences kept per zone; far above any crowd a picture can hold.
const PEOPLE_MAX: usize = 256;

/// How a zone decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Evidence for an entry must fall into this span.
    pub enter_window: Duration,
    /// How long nobody must be seen before the zone is clear.
    pub clear_after: Duration,
    /// The same for somebody who vanished in the middle of the zone.
    pub vanished_after: Duration,
    /// How long somebody must be inside before that is an incident; in an occupancy zone, how long
    /// there must be too many or too few.
    pub dwell: Duration,
    /// Detections from this score count as evidence of an entry.
    pub enter_score: f32,
    /// Detections from this score hold a presence.
    pub hold_score: f32,
    /// Whether the zone stays in alarm after everybody has left.
    pub latch: Latch,
}

impl Rules {
    /// Chosen by measurement, see docs/design/thresholds.md.
    pub const DEFAULT: Rules = Rules {
        enter_window: Duration::from_millis(300),
        clear_after: Duration::from_millis(1000),
        vanished_after: Duration::from_millis(2000),
        dwell: Duration::ZERO,
        enter_score: ENTER_SCORE,
        hold_score: HOLD_SCORE,
        latch: Latch::No,
    };
}

/// One person's completed evidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    pub first_seen_at: Instant,
    pub score: Score,
    pub track: Option<TrackId>,
    pub anchor_norm: (f64, f64),
}

/// What one picture changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// People who entered, in order of the detections.
    pub arrivals: Vec<Arrival>,
    /// Set when the cause of the incident went: when it was last seen.
    pub cleared: Option<Instant>,
}

/// Whether what happens is told, or only followed because the zone is disarmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    Tell,
    Follow,
}

/// What a zone is shown of a picture.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    pub crowd: &'a Crowd,
    pub size: FrameSize,
    pub at: Instant,
    pub pace: Pace<'a>,
    pub telling: Telling,
}

/// How far outside still counts as an edge's jitter, frame pixels.
fn margin_px(bounds: PixelBox) -> f64 {
    (MARGIN_HEIGHTS * bounds.height()).max(MARGIN_PX_MIN)
}

fn foot_distance(a: PixelBox, b: PixelBox) -> f64 {
    let across = (a.left() + a.width() / 2.0) - (b.left() + b.width() / 2.0);
    let down = a.bottom() - b.bottom();
    (across * across + down * down).sqrt()
}
