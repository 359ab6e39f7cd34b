//! From what an engineer clicks and measures to the ground plane, with the errors said.
//!
//! Terms: a **point** is a place on the floor, clicked in the picture and measured in metres; a
//! **person** is somebody of known height, feet and head clicked. Lengths in the picture are in frame
//! heights here, so that pixels are square; in and out go frame fractions.
//!
//! Four points fix the plane and leave nothing to check it by; from the fifth on there are residuals and
//! each point is foretold from the others. Heights come from people where some are marked, otherwise
//! from the plane itself. Without points, three people are enough for scale.
//!
//! Method: Hartley and Zisserman, Multiple View Geometry, 2nd ed.: 4.1 and 4.4.4 (normalised direct
//! linear transform), A6 (Levenberg-Marquardt), 8.8 (focal length from a plane). Why in Rust:
//! `docs/design/ground.md`.
//!
//! Not here: files, texts around the errors, lens distortion.

mod floor;
mod grid;
mod heights;
mod people;
mod plane;

use nalgebra::{Matrix3, Vector2, Vector3};

use crate::engine::geometry::PointNorm;
use crate::engine::ground::{Ground, GroundError, PointM};

pub use grid::{Extent, grid};
use heights::Upright;
use plane::Pair;

/// Bounds for the work of one fit, which runs while somebody drags a point.
pub const POINTS_MAX: usize = 64;
pub const PEOPLE_MAX: usize = 64;

/// Farthest from the plan's origin, metres. Larger numbers are map coordinates, whose digits are
/// wasted on where the site is.
pub const COORDINATE_MAX_M: f64 = 10_000.0;

/// Heights of people, metres: beyond it is a slip of the unit.
pub const PERSON_MIN_M: f64 = 0.5;
pub const PERSON_MAX_M: f64 = 2.5;

/// What was clicked and measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CalibrationInput {
    /// A place in the picture and where it lies on the floor.
    pub points: Vec<(PointNorm, PointM)>,
    /// Feet and head in the picture, and the height in metres.
    pub people: Vec<(PointNorm, PointNorm, f64)>,
}

/// A ground plane and how far it can be trusted.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    pub ground: Ground,
    /// How far the points lie from where they were measured, RMS; 0 by construction for four points.
    pub residual_m: f64,
    pub worst_m: f64,
    /// One for each point; for each person where there are no points.
    pub per_point_m: Vec<f64>,
    pub check: Check,
    pub heights: Heights,
}

/// What the residuals are worth.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// Four points always fit. The text says what to add.
    Impossible { why: &'static str },
    /// How far each point lies from where the others say it is; `None` for one without which the
    /// others say nothing.
    LeaveOneOut { per_point_m: Vec<Option<f64>> },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Heights {
    Known,
    /// The floor is known, how high things are is not; and what would help.
    Unknown {
        why: String,
    },
}

/// Why there is no ground plane. Points and people count from 1.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FitError {
    #[error("the picture's width divided by its height is {aspect}; it must be above 0")]
    BadAspect { aspect: f64 },
    #[error(
        "there are {points} points and {people} people; click at least 4 points on the floor whose \
         places you have measured, or feet and head of at least 3 people of known height"
    )]
    TooFew { points: usize, people: usize },
    #[error("there are {count} {what}; at most {max} are allowed")]
    TooMany { what: &'static str, count: usize, max: usize },
    #[error("{what} {number} lies at ({}, {}) outside the picture; both must be 0 to 1", at.0, at.1)]
    OutsidePicture { what: &'static str, number: usize, at: PointNorm },
    #[error(
        "point {number} is measured at ({}, {}) m; measure from a place on the site, so that all \
         numbers are below {COORDINATE_MAX_M} m", at.0, at.1
    )]
    FarAway { number: usize, at: PointM },
    #[error(
        "person {number} is {height_m} m tall; give the height in metres, {PERSON_MIN_M} to \
         {PERSON_MAX_M}"
    )]
    BadPerson { number: usize, height_m: f64 },
    #[error("the head of person {number} is clicked where the feet are; click the top of the head")]
    FlatPerson { number: usize },
    #[error(
        "points {} and {} are {where_}; remove one, or move it at least a step away", pair.0, pair.1
    )]
    SamePlace { pair: (usize, usize), where_: &'static str },
    #[error("all points lie in one line {where_}; add two points well to the side of it")]
    InLine { where_: &'static str },
    #[error(
        "all points but point {lonely} lie in one line {where_}; that leaves the floor undetermined: \
         move one of them, or add a point, well to the side of the line"
    )]
    AllButOneInLine { lonely: usize, where_: &'static str },
    #[error(
        "the points contradict each other: point {number} would lie behind the camera{}",
        Swapped(*swapped)
    )]
    Crossed { number: usize, swapped: Option<(usize, usize)> },
    #[error(
        "the points lie too close together or too nearly in one line to tell how the floor runs; \
         spread them over the floor you want to watch, near and far, left and right"
    )]
    IllConditioned,
    #[error(
        "the people marked stand too close together or in one line; mark at least 3 at places spread \
         over the floor, near and far, left and right, or click 4 measured points"
    )]
    PeopleInLine,
    #[error(
        "the people marked do not fit a camera over a flat floor ({detail}); check feet, heads and \
         heights, or click 4 measured points"
    )]
    PeopleContradict { detail: String },
    #[error(
        "the floor would lie in the upper part of the picture and the sky below; check that near \
         points are measured as near and far ones as far"
    )]
    UpsideDown,
    #[error("the points give no usable floor")]
    Ground(#[source] GroundError),
}

struct Swapped(Option<(usize, usize)>);

impl std::fmt::Display for Swapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some((a, b)) => write!(f, "; are points {a} and {b} swapped?"),
            None => write!(f, "; check that each is measured where it was clicked"),
        }
    }
}

/// Fits the ground plane; `aspect` is the picture's width divided by its height.
pub fn fit(input: &CalibrationInput, aspect: f64) -> Result<Fit, FitError> {
    floor::check(input, aspect)?;
    if input.points.is_empty() { people::fit(input, aspect) } else { fit_points(input, aspect) }
}

fn fit_points(input: &CalibrationInput, aspect: f64) -> Result<Fit, FitError> {
    let pairs = pairs(&input.points, aspect);
    floor::check_spread(&pairs)?;
    let plane = plane::solve(&pairs).map_err(|error| floor::explain(error, &pairs))?;
    let per_point_m = distances_m(&plane.image_from_ground, &pairs);
    let residual_m = rms(&per_point_m);
    let (upright, heights) = match heights::find(&plane, &pairs, &input.people, aspect) {
        Ok(upright) => (Some(upright), Heights::Known),
        Err(why) => (None, Heights::Unknown { why }),
    };
    let (ground, heights) = match ground(&plane.image_from_ground, upright, aspect, residual_m) {
        Err(GroundError::CameraBelow { .. }) => {
            let why = "the camera would hang below the floor; mark two people of known height";
            let flat = ground(&plane.image_from_ground, None, aspect, residual_m);
            (flat, Heights::Unknown { why: why.to_owned() })
        }
        ground => (ground, heights),
    };
    let ground = ground.map_err(FitError::Ground)?;
    if input.points.iter().any(|&(image, _)| ground.metres(image).is_none()) {
        return Err(FitError::UpsideDown);
    }
    Ok(Fit {
        ground,
        residual_m,
        worst_m: per_point_m.iter().copied().fold(0.0, f64::max),
        per_point_m,
        check: leave_one_out(&pairs),
        heights,
    })
}

/// Each point, foretold from the others.
fn leave_one_out(pairs: &[Pair]) -> Check {
    if pairs.len() < 5 {
        let why = "four points always fit: no check possible; add a fifth point";
        return Check::Impossible { why };
    }
    let foretold = |i: usize| {
        let mut others = pairs.to_vec();
        let left_out = others.remove(i);
        floor::check_spread(&others).ok()?;
        let plane = plane::solve(&others).ok()?;
        distances_m(&plane.image_from_ground, &[left_out]).pop().filter(|d| d.is_finite())
    };
    Check::LeaveOneOut { per_point_m: (0..pairs.len()).map(foretold).collect() }
}

fn pairs(points: &[(PointNorm, PointM)], aspect: f64) -> Vec<Pair> {
    let pair = |&(image, ground): &(PointNorm, PointM)| Pair {
        image: square(image, aspect),
        ground: Vector2::new(ground.0, ground.1),
    };
    points.iter().map(pair).collect()
}

/// Frame fractions to frame heights, in which pixels are square.
fn square((x, y): PointNorm, aspect: f64) -> Vector2<f64> {
    Vector2::new(x * aspect, y)
}

/// How far each point lies on the floor from where it was measured; infinite above the horizon.
fn distances_m(image_from_ground: &Matrix3<f64>, pairs: &[Pair]) -> Vec<f64> {
    let inverse = image_from_ground.try_inverse();
    let distance = |pair: &Pair| {
        let floor = inverse? * pair.image.push(1.0);
        let found = Vector2::new(floor.x / floor.z, floor.y / floor.z);
        (floor.z > 0.0).then(|| (found - pair.ground).norm())
    };
    pairs.iter().map(|pair| distance(pair).unwrap_or(f64::INFINITY)).collect()
}

fn rms(values: &[f64]) -> f64 {
    (values.iter().map(|v| v * v).sum::<f64>() / values.len().max(1) as f64).sqrt()
}

/// The engine's ground from matrices in frame heights.
fn ground(
    image_from_ground: &Matrix3<f64>,
    upright: Option<Upright>,
    aspect: f64,
    residual_m: f64,
) -> Result<Ground, GroundError> {
    let fractions = Vector3::new(1.0 / aspect, 1.0, 1.0);
    let m = |row: usize, column: usize| image_from_ground[(row, column)] * fractions[row];
    match upright {
        None => Ground::from_plane([0, 1, 2].map(|r| [m(r, 0), m(r, 1), m(r, 2)]), residual_m),
        Some(Upright { up }) => {
            let rows = [0, 1, 2].map(|r| [m(r, 0), m(r, 1), up[r] * fractions[r], m(r, 2)]);
            Ground::from_camera(rows, residual_m)
        }
    }
}
