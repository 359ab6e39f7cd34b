//! What the engine is told of a site: cameras, zones, and what each zone is for.
//!
//! Terms: a zone's **duty** says what is an incident there; the **criterion** says which part of a
//! person must be inside; an **arming** is a lease, never a switch: who disarms must go on saying so.
//!
//! Not here: what any of it does (`zone`, `step`), and files (the shell).

use std::fmt;
use std::time::Duration;

use super::detection::{FrameSize, PixelBox};
use super::geometry::{Area, Line};
use super::ground::Ground;
use super::time::Instant;
use super::zone::Rules;

/// Most cameras and zones of a site; the index types hold more.
pub(super) const CAMERAS_MAX: usize = 256;
pub(super) const ZONES_MAX: usize = 16_384;

/// What the engine is told of a site.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Site {
    pub cameras: Vec<CameraSpec>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct CameraSpec {
    /// Numbered over all cameras in order: the first zone of the second camera follows the last one
    /// of the first.
    pub zones: Vec<ZoneSpec>,
    /// Where the ground is, if the camera was calibrated.
    pub ground: Option<Ground>,
    pub marks: Vec<StaticMark>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ZoneSpec {
    pub duty: Duty,
    pub rules: Rules,
}

/// What a zone is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Duty {
    /// Nobody may be inside. `approach`: warn when somebody will be inside sooner than this (needs
    /// the ground).
    Restricted { area: Area, criterion: Criterion, approach: Option<Duration> },
    /// Whoever is inside is warned.
    Warning { area: Area, criterion: Criterion },
    /// So many people may, or must, be inside.
    Occupancy { area: Area, criterion: Criterion, count: HeadCount },
    /// Nobody may cross this line this way.
    Tripwire { line: Line, direction: Direction },
    /// Who is wholly inside is seen and does not count anywhere.
    Ignore { area: Area },
}

/// Which part of a person must be inside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Criterion {
    /// The foot point.
    Foot,
    /// This share of the box's area.
    Overlap(Share),
    /// Any part of the box, its edge included.
    Any,
}

/// A share above 0 and at most 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Share(f64);

impl Share {
    /// `None` unless the value is above 0 and at most 1.
    pub fn new(value: f64) -> Option<Share> {
        (value > 0.0 && value <= 1.0).then_some(Share(value))
    }

    pub fn get(self) -> f64 {
        self.0
    }
}

/// How many people are an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadCount {
    /// More than so many are.
    AtMost(u16),
    /// Fewer than so many are; whether nobody at all is too few, `empty` says.
    AtLeast { people: u16, empty: Empty },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Empty {
    /// Nobody inside is fine: two-person rule, no lone worker.
    Allowed,
    /// The place must be staffed.
    Alarms,
}

/// Which way a line may not be crossed, seen along it from its first to its last point, as it is
/// drawn on the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    LeftToRight,
    RightToLeft,
    Both,
}

/// A box in frame fractions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoxNorm {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

/// A thing the detector takes for a person, marked by an engineer for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StaticMark {
    pub bounds_norm: BoxNorm,
    pub until: Instant,
}

/// Whether a zone alarms. Disarming is a lease: past `until` the zone is armed again by itself, so
/// that whoever disarms cannot leave it off by hanging or dying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arming {
    Armed,
    Disarmed { until: Instant, by: DisarmedBy },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisarmedBy {
    Schedule,
    Interlock,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalkTest {
    Valid,
    Overdue,
}

impl ZoneSpec {
    /// A zone in which nobody may put a foot.
    pub fn restricted(area: Area, rules: Rules) -> ZoneSpec {
        let duty = Duty::Restricted { area, criterion: Criterion::Foot, approach: None };
        ZoneSpec { duty, rules }
    }
}

impl Duty {
    /// The area in which somebody inside is an incident by being there.
    pub fn area_kept_clear(&self) -> Option<&Area> {
        match self {
            Duty::Restricted { area, .. } | Duty::Warning { area, .. } => Some(area),
            Duty::Occupancy { .. } | Duty::Tripwire { .. } | Duty::Ignore { .. } => None,
        }
    }
}

impl BoxNorm {
    /// The part of a box inside the frame; `None` when nothing of it is.
    pub(super) fn seen(bounds: PixelBox, size: FrameSize) -> Option<BoxNorm> {
        let b = bounds.clipped_to(size)?;
        let (w, h) = (size.width_px(), size.height_px());
        Some(BoxNorm {
            left: b.left() / w,
            top: b.top() / h,
            width: b.width() / w,
            height: b.height() / h,
        })
    }

    pub fn right(self) -> f64 {
        self.left + self.width
    }

    pub fn bottom(self) -> f64 {
        self.top + self.height
    }

    /// Intersection over union, 0..=1.
    pub fn iou(self, other: BoxNorm) -> f64 {
        let width = self.right().min(other.right()) - self.left.max(other.left);
        let height = self.bottom().min(other.bottom()) - self.top.max(other.top);
        if width <= 0.0 || height <= 0.0 {
            return 0.0;
        }
        let shared = width * height;
        shared / (self.width * self.height + other.width * other.height - shared)
    }
}

/// More cameras or zones than the engine numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteError {
    TooManyCameras { count: usize },
    TooManyZones { count: usize },
}

impl fmt::Display for SiteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SiteError::TooManyCameras { count } => {
                write!(f, "{count} cameras; at most {CAMERAS_MAX} are allowed")
            }
            SiteError::TooManyZones { count } => {
                write!(f, "{count} zones; at most {ZONES_MAX} are allowed")
            }
        }
    }
}

impl std::error::Error for SiteError {}

impl Site {
    /// Checks the limits.
    pub fn checked(self) -> Result<Site, SiteError> {
        let zones = self.cameras.iter().map(|camera| camera.zones.len()).sum();
        if self.cameras.len() > CAMERAS_MAX {
            return Err(SiteError::TooManyCameras { count: self.cameras.len() });
        }
        if zones > ZONES_MAX {
            return Err(SiteError::TooManyZones { count: zones });
        }
        Ok(self)
    }
}
