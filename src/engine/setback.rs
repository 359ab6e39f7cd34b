//! The set-back: how far from a hazard a zone has to begin, so that the machine stands before anybody
//! who walks in arrives.
//!
//! S = K·T + C (ISO 13855:2010, 6.3: detection zone parallel to the direction of approach).
//! K is 1600 mm/s. T is the time from light on the sensor to the siren, plus the time the machine needs
//! to stop. C = 1200 mm − 0.4·H, never below 850 mm, with H the height of the detection plane above the
//! floor: 0 for feet, which is what a camera looks for.
//!
//! This helps to draw a zone. It makes no protective equipment of a camera.
//!
//! Not here: measuring T, the text on the page.

use std::time::Duration;

use super::geometry::{Area, PointNorm};
use super::ground::{Ground, PointM};
use super::ground_area::distance_to_edge;
use super::ground_area::{EdgeM, GroundArea, Horizon, at, distance, distance_of_edges};

/// K: how fast somebody walks towards the hazard. ISO 13855:2010, 6.3.
pub const APPROACH_M_S: f64 = 1.6;

/// C at floor level, what it loses for each metre of height, and its least. ISO 13855:2010, 6.3.
pub const REACH_M: f64 = 1.2;
pub const REACH_LOSS: f64 = 0.4;
pub const REACH_MIN_M: f64 = 0.85;

/// The formula holds for detection planes up to this height. ISO 13855:2010, 6.3.
pub const PLANE_HEIGHT_MAX_M: f64 = 1.0;

/// Longest piece of the band's outline, and the most pieces one edge or corner is cut into.
const BAND_STEP_M: f64 = 0.1;
const BAND_PIECES_MAX: usize = 64;

/// What the band's outline may be nearer to the hazard than required, metres: rounding.
const BAND_SLACK_M: f64 = 1e-6;

/// A zone's distance from its hazard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setback {
    /// What the formula asks for.
    pub required_m: f64,
    /// What somebody who enters the zone still has to go, at least; less what the ground may be wrong by.
    pub actual_m: f64,
    /// `actual_m` is less than `required_m`.
    pub tight: bool,
}

/// Why nothing can be said of a zone and a hazard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetbackError {
    /// A part of the hazard is at or above the horizon, where no distance can be measured.
    HazardAboveHorizon,
    /// The zone is wholly above the horizon.
    ZoneAboveHorizon,
}

impl std::fmt::Display for SetbackError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SetbackError::HazardAboveHorizon => write!(
                f,
                "the hazard's outline reaches the horizon; outline where it stands on the floor"
            ),
            SetbackError::ZoneAboveHorizon => {
                write!(f, "the zone lies above the horizon; draw it on the floor")
            }
        }
    }
}

impl std::error::Error for SetbackError {}

/// S in metres: `stop` is how long the machine needs, `system` how long until the siren sounds
/// (the measured p99), `plane_height_m` H. Heights outside 0 to 1 m count as the nearest of the two.
pub fn required_m(stop: Duration, system: Duration, plane_height_m: f64) -> f64 {
    let total_s = (stop.saturating_add(system)).as_secs_f64();
    // No height, NaN too, asks for the most.
    let plane_height_m =
        if plane_height_m > 0.0 { plane_height_m.min(PLANE_HEIGHT_MAX_M) } else { 0.0 };
    APPROACH_M_S * total_s + (REACH_M - REACH_LOSS * plane_height_m).max(REACH_MIN_M)
}

impl Setback {
    /// Measures on the floor from where a zone is entered to the hazard. The zone holds the hazard or
    /// lies around it as a ring; of a hazard that sticks out, nothing is left to go.
    pub fn measure(
        ground: &Ground,
        zone: &Area,
        hazard: &Area,
        required_m: f64,
    ) -> Result<Setback, SetbackError> {
        let hazard = hazard_m(ground, hazard)?;
        let zone = GroundArea::new(ground, zone).ok_or(SetbackError::ZoneAboveHorizon)?;
        let zone = zone.filled_around(&hazard);
        let held = hazard.edges().iter().all(|&(corner, _)| zone.contains(corner));
        let nearest_m = zone
            .entry_edges()
            .iter()
            .flat_map(|&entry| hazard.edges().iter().map(move |&edge| (entry, edge)))
            .map(|(entry, edge)| distance_of_edges(entry, edge))
            .fold(f64::INFINITY, f64::min);
        let actual_m = if held { (nearest_m - ground.residual_m()).max(0.0) } else { 0.0 };
        let tight = required_m.is_nan() || actual_m < required_m;
        Ok(Setback { required_m, actual_m, tight })
    }
}

/// The outline of everything nearer to the hazard than required: what of it the frame shows, as lines
/// in frame fractions. Corners are rounded, notches filled as far as they must be.
pub fn band(
    ground: &Ground,
    hazard: &Area,
    required_m: f64,
) -> Result<Vec<Vec<PointNorm>>, SetbackError> {
    let hazard = hazard_m(ground, hazard)?;
    let outside = |p: PointM| {
        let near = hazard.edges().iter().map(|&edge| distance_to_edge(p, edge));
        near.fold(f64::INFINITY, f64::min) >= required_m - BAND_SLACK_M && !hazard.contains(p)
    };
    let mut lines = Lines::default();
    for &edge in hazard.edges() {
        // Both sides and a full circle at each corner; what lies inside the band falls away.
        for piece in offset(edge, required_m).into_iter().chain([circle(edge.0, required_m)]) {
            for pair in piece.windows(2) {
                if outside(pair[0]) && outside(pair[1]) {
                    lines.add(ground.visible(pair[0], pair[1]));
                } else {
                    lines.lift();
                }
            }
            lines.lift();
        }
    }
    Ok(lines.done)
}

/// Pieces of line, joined where one begins at the end of the other.
#[derive(Default)]
struct Lines {
    done: Vec<Vec<PointNorm>>,
    pen: Pen,
}

#[derive(Default, PartialEq)]
enum Pen {
    #[default]
    Lifted,
    Down,
}

impl Lines {
    fn add(&mut self, piece: Option<(PointNorm, PointNorm)>) {
        let Some((from, to)) = piece else {
            return self.lift();
        };
        match self.done.last_mut() {
            Some(line) if self.pen == Pen::Down && line.last() == Some(&from) => line.push(to),
            _ => self.done.push(vec![from, to]),
        }
        self.pen = Pen::Down;
    }

    fn lift(&mut self) {
        self.pen = Pen::Lifted;
    }
}

fn hazard_m(ground: &Ground, hazard: &Area) -> Result<GroundArea, SetbackError> {
    let hazard = GroundArea::new(ground, hazard).ok_or(SetbackError::HazardAboveHorizon)?;
    match hazard.horizon() {
        Horizon::Below => Ok(hazard),
        Horizon::Crossed => Err(SetbackError::HazardAboveHorizon),
    }
}

fn pieces(length_m: f64) -> usize {
    ((length_m / BAND_STEP_M).ceil() as usize).clamp(1, BAND_PIECES_MAX)
}

/// The edge moved to the left and to the right, in pieces.
fn offset(edge: EdgeM, by_m: f64) -> [Vec<PointM>; 2] {
    let (a, b) = edge;
    let length_m = distance(a, b);
    let (nx, ny) = ((a.1 - b.1) / length_m * by_m, (b.0 - a.0) / length_m * by_m);
    let count = pieces(length_m);
    [1.0, -1.0].map(|side| {
        (0..=count)
            .map(|i| at(edge, i as f64 / count as f64))
            .map(|(x, y)| (x + side * nx, y + side * ny))
            .collect()
    })
}

/// A circle in pieces.
fn circle(centre: PointM, radius_m: f64) -> Vec<PointM> {
    // At least twelve, so that a small circle is round; the ends meet.
    let count = pieces(std::f64::consts::TAU * radius_m).max(12);
    (0..=count)
        .map(|i| (i as f64 / count as f64 * std::f64::consts::TAU).sin_cos())
        .map(|(sine, cosine)| (centre.0 + radius_m * cosine, centre.1 + radius_m * sine))
        .collect()
}
