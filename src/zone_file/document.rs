//! The zone document of one camera: what a safety engineer draws, as typed values.
//!
//! Coordinates are frame fractions, y down. A `Document` has the right *shape*: every member is of
//! its kind and within its range. It may still be unfinished or contradict itself (a zone that
//! crosses itself, an id used twice): [`Document::problems`] says so, and nothing with problems is
//! ever compiled for the engine. So a draft can be kept that is not ready yet.
//!
//! Numbers carry six digits after the point. What a file leaves out is filled in with the default,
//! so that equal documents have equal text and digest, and an approved one does not change its
//! meaning when a default does.
//!
//! Not here: reading (`read`), writing (`write`), what contradicts (`check`), the engine (`compile`).

use crate::digest::sha256_of;
use crate::engine::alarm::Latch;
use jiff::Timestamp;

pub use crate::engine::{Criterion, Direction, Empty, HeadCount, Share};

pub use super::schedule::{DayPlan, DayRange, Exception, Schedule, TimeOfDay, WeekRange};

/// A point of the picture, frame fractions.
pub type Point = [f64; 2];

/// Corners in order; the first is not repeated at the end.
pub type Ring = Vec<Point>;

/// The outline, then the holes.
pub type Polygon = Vec<Ring>;

/// The zones of one camera.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// For people; mostly the camera's id.
    pub name: Option<String>,
    /// How the picture lies on the ground.
    pub ground: Option<GroundPoints>,
    /// Things that look like people and are none.
    pub marks: Vec<Mark>,
    /// In the order of `features`.
    pub zones: Vec<Zone>,
}

/// What calibration is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct GroundPoints {
    pub points: Vec<GroundPoint>,
    /// People of known height, upright; they tell how tall people look where.
    pub people: Vec<PersonPoint>,
}

/// A point on the ground seen in the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroundPoint {
    pub image: Point,
    /// Metres from an origin of the engineer's choice.
    pub ground_m: [f64; 2],
}

/// Somebody standing upright.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PersonPoint {
    pub foot: Point,
    pub head: Point,
    pub height_m: f64,
}

/// A thing an engineer saw and marked, for a limited time.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Left, top, width, height, frame fractions.
    pub bounds_norm: [f64; 4],
    pub reason: String,
    pub until: Timestamp,
}

/// One zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    pub id: String,
    pub name: String,
    pub duty: Duty,
}

/// What a zone is for, with what only such a zone has.
#[derive(Clone, Debug, PartialEq)]
pub enum Duty {
    /// Nobody may be here.
    Restricted {
        area: Vec<Polygon>,
        presence: Presence,
        watch: Watch,
        /// Warn when somebody would be inside within this time.
        approach_ms: Option<u32>,
        hazard: Option<Hazard>,
    },
    /// Somebody here is warned, softly.
    Warning { area: Vec<Polygon>, presence: Presence, watch: Watch, hazard: Option<Hazard> },
    /// So many may be here, or must be.
    Occupancy { area: Vec<Polygon>, presence: Presence, watch: Watch, count: HeadCount },
    /// Nobody may cross this line in this direction.
    Tripwire { line: Vec<Point>, direction: Direction, watch: Watch },
    /// Nothing here is looked at.
    Ignore { area: Vec<Polygon>, reason: String },
    /// Nothing here is shown or kept; people are looked for all the same.
    PrivacyMask { area: Vec<Polygon>, reason: String },
}

/// What counts as being inside, and for how long before it matters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Presence {
    pub criterion: Criterion,
    /// For an occupancy zone the grace before a wrong head count alarms.
    pub dwell_ms: u32,
}

/// How a zone is watched in time.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    pub enter_window_ms: u32,
    pub clear_after_ms: u32,
    /// Whether it stays in alarm after everybody has left, until somebody resets it.
    pub latch: Latch,
    pub schedule: Option<Schedule>,
    pub interlock: Option<Interlock>,
}

/// A machine that can hurt, for the set-back.
#[derive(Clone, Debug, PartialEq)]
pub struct Hazard {
    pub outline: Ring,
    /// From the signal until nothing moves any more.
    pub stop_time_ms: u32,
    /// Height of the detection plane above the ground.
    pub height_m: f64,
}

/// Armed while a machine signal is so, and while the signal is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interlock {
    pub input: String,
    pub is: Level,
}

/// State of a machine signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    On,
    Off,
}

/// The kinds of zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Restricted,
    Warning,
    Occupancy,
    Tripwire,
    Ignore,
    PrivacyMask,
}

impl Kind {
    pub const ALL: [Kind; 6] = [
        Kind::Restricted,
        Kind::Warning,
        Kind::Occupancy,
        Kind::Tripwire,
        Kind::Ignore,
        Kind::PrivacyMask,
    ];

    /// As it stands in documents, in the API and on the page.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Restricted => "restricted",
            Kind::Warning => "warning",
            Kind::Occupancy => "occupancy",
            Kind::Tripwire => "tripwire",
            Kind::Ignore => "ignore",
            Kind::PrivacyMask => "privacy_mask",
        }
    }
}

impl Document {
    /// The canonical text: one order of members, one spelling of numbers, every default written.
    pub fn to_text(&self) -> String {
        self.to_json().to_pretty()
    }

    /// sha256 of the canonical text, hex.
    pub fn digest(&self) -> String {
        sha256_of(self.to_text())
    }

    /// The zone of this id.
    pub fn zone(&self, id: &str) -> Option<&Zone> {
        self.zones.iter().find(|zone| zone.id == id)
    }
}

/// A part of the picture that is black wherever the picture is shown or kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Mask {
    pub id: String,
    pub name: String,
    /// Polygon, ring, point in frame fractions; rings are closed, as in GeoJSON.
    pub polygons: Vec<Vec<Vec<Point>>>,
}

impl Document {
    /// What nobody may see. The engine is told nothing of it: people are found there as everywhere.
    pub fn masks(&self) -> Vec<Mask> {
        let closed = |ring: &Ring| ring.iter().chain(ring.first()).copied().collect();
        let masks = self.zones.iter().filter(|zone| zone.kind() == Kind::PrivacyMask);
        masks
            .map(|zone| Mask {
                id: zone.id.clone(),
                name: zone.name.clone(),
                polygons: zone
                    .area()
                    .iter()
                    .map(|rings| rings.iter().map(closed).collect())
                    .collect(),
            })
            .collect()
    }
}

impl Zone {
    pub fn kind(&self) -> Kind {
        match self.duty {
            Duty::Restricted { .. } => Kind::Restricted,
            Duty::Warning { .. } => Kind::Warning,
            Duty::Occupancy { .. } => Kind::Occupancy,
            Duty::Tripwire { .. } => Kind::Tripwire,
            Duty::Ignore { .. } => Kind::Ignore,
            Duty::PrivacyMask { .. } => Kind::PrivacyMask,
        }
    }

    /// Its polygons; none for a tripwire.
    pub fn area(&self) -> &[Polygon] {
        match &self.duty {
            Duty::Restricted { area, .. }
            | Duty::Warning { area, .. }
            | Duty::Occupancy { area, .. }
            | Duty::Ignore { area, .. }
            | Duty::PrivacyMask { area, .. } => area,
            Duty::Tripwire { .. } => &[],
        }
    }

    /// Its line; empty for an area.
    pub fn line(&self) -> &[Point] {
        match &self.duty {
            Duty::Tripwire { line, .. } => line,
            Duty::Restricted { .. }
            | Duty::Warning { .. }
            | Duty::Occupancy { .. }
            | Duty::Ignore { .. }
            | Duty::PrivacyMask { .. } => &[],
        }
    }

    /// How it is watched; an ignored area and a privacy mask are not.
    pub fn watch(&self) -> Option<&Watch> {
        match &self.duty {
            Duty::Restricted { watch, .. }
            | Duty::Warning { watch, .. }
            | Duty::Occupancy { watch, .. }
            | Duty::Tripwire { watch, .. } => Some(watch),
            Duty::Ignore { .. } | Duty::PrivacyMask { .. } => None,
        }
    }

    pub fn presence(&self) -> Option<&Presence> {
        match &self.duty {
            Duty::Restricted { presence, .. }
            | Duty::Warning { presence, .. }
            | Duty::Occupancy { presence, .. } => Some(presence),
            Duty::Tripwire { .. } | Duty::Ignore { .. } | Duty::PrivacyMask { .. } => None,
        }
    }

    pub fn hazard(&self) -> Option<&Hazard> {
        match &self.duty {
            Duty::Restricted { hazard, .. } | Duty::Warning { hazard, .. } => hazard.as_ref(),
            Duty::Occupancy { .. }
            | Duty::Tripwire { .. }
            | Duty::Ignore { .. }
            | Duty::PrivacyMask { .. } => None,
        }
    }

    pub fn approach_ms(&self) -> Option<u32> {
        match self.duty {
            Duty::Restricted { approach_ms, .. } => approach_ms,
            Duty::Warning { .. }
            | Duty::Occupancy { .. }
            | Duty::Tripwire { .. }
            | Duty::Ignore { .. }
            | Duty::PrivacyMask { .. } => None,
        }
    }

    /// Why this blind spot was chosen, or why nobody may see what is here; no other kind has it.
    pub fn reason(&self) -> Option<&str> {
        match &self.duty {
            Duty::Ignore { reason, .. } | Duty::PrivacyMask { reason, .. } => Some(reason),
            Duty::Restricted { .. }
            | Duty::Warning { .. }
            | Duty::Occupancy { .. }
            | Duty::Tripwire { .. } => None,
        }
    }
}
