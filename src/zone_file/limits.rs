//! The limits of a zone document: smallest and largest, with unit and reason. The JSON Schema
//! (`zones/zones.schema.json`) says the same; `tests/zones.rs` holds them against each other.

use std::time::Duration;

use crate::engine::geometry::CORNERS_MAX;

/// Largest zone document read: far above any drawn one, and a wrong file does not fill the memory.
pub const DOCUMENT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Zones of one camera. More than anybody can draw or an operator can tell apart.
pub const ZONES_MAX: usize = 1024;

/// Corners of all zones of one camera. Every edge is held against every other of its ring, so this
/// keeps the checking of any document well below a second.
pub const CORNERS_TOTAL_MAX: usize = 16_384;

/// Outline and holes of one polygon.
pub const RINGS_MAX: usize = 33;

/// Points of a ring as written, the first repeated at the end.
pub const RING_POINTS_MAX: usize = CORNERS_MAX + 1;

/// Points of a tripwire.
pub const LINE_POINTS_MAX: usize = 64;

pub const ID_CHARS_MAX: usize = 64;
/// It has to fit on a handheld.
pub const NAME_CHARS_MAX: usize = 80;
pub const TITLE_CHARS_MAX: usize = 200;
pub const REASON_CHARS_MAX: usize = 500;
pub const INPUT_CHARS_MAX: usize = 80;

/// Entry evidence must fall into this span. The upper bound keeps the two seconds reachable.
pub const ENTER_WINDOW_MS: (u32, u32) = (100, 1000);

/// How long nobody must be seen; no deadline hangs on it.
pub const CLEAR_AFTER_MS: (u32, u32) = (200, 60_000);

/// An hour of grace for a head count; where a deadline hangs on it, the time sum is the bound.
pub const DWELL_MS: (u32, u32) = (0, 3_600_000);

/// Below, no warning comes before the alarm; above, everybody in the yard is approaching.
pub const APPROACH_MS: (u32, u32) = (200, 10_000);

/// The slowest machines need some seconds to stop; a minute is a slip.
pub const STOP_TIME_MS: (u32, u32) = (1, 60_000);

/// Height of the detection plane above the ground, metres. The formula of ISO 13855:2010, 6.3 holds
/// up to 1 m.
pub const PLANE_HEIGHT_M: (f64, f64) = (0.0, 1.0);

/// Smallest share of a person's box that can be asked for: below it the box only touches.
pub const OVERLAP: (f64, f64) = (0.01, 1.0);

/// People an occupancy zone can ask for or allow; the engine follows 256 in a zone.
pub const PEOPLE: (u32, u32) = (1, 255);

/// Metres from the origin of the ground points; larger ones are map coordinates, whose digits are
/// spent on where the site is.
pub const GROUND_M: (f64, f64) = (-10_000.0, 10_000.0);

/// Points of the ground; four are the least that fix a plane.
pub const GROUND_POINTS: (usize, usize) = (4, 64);

/// Without points, three people of known height are the least.
pub const GROUND_PEOPLE: (usize, usize) = (3, 64);

/// Height of a standing person, metres.
pub const PERSON_HEIGHT_M: (f64, f64) = (0.5, 2.5);

pub const MARKS_MAX: usize = 64;

/// Smallest side of a mark, frame fractions: two pixels of a Full HD picture.
pub const MARK_SIDE: (f64, f64) = (0.001, 1.0);

/// A mark ends after this long at the latest, so that somebody looks again.
pub const MARK_DAYS_MAX: i64 = 90;

pub const RANGES_MAX: usize = 64;
pub const EXCEPTIONS_MAX: usize = 366;

/// R2: from picture to siren, milliseconds.
pub const SYSTEM_MS_MAX: u32 = 2000;

/// What the pipeline may take before anything was measured: the silence budget of the vision
/// process and a look of the engine.
pub const PIPELINE_MS_DEFAULT: u32 = 700;

/// What stands for a member that is left out.
pub const ENTER_WINDOW_MS_DEFAULT: u32 = millis(crate::engine::zone::Rules::DEFAULT.enter_window);
pub const CLEAR_AFTER_MS_DEFAULT: u32 = millis(crate::engine::zone::Rules::DEFAULT.clear_after);

const fn millis(span: Duration) -> u32 {
    span.as_millis() as u32
}
