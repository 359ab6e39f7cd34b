//! How high things are: the picture of the upward direction, from the plane and from people.
//!
//! Three models, the first that holds is taken: a camera with square pixels and its centre in the
//! middle of the picture, whose focal length fits the people (one number, Hartley and Zisserman 8.8);
//! a free upward direction that fits the people (three numbers; for a cropped picture); and, without
//! people, the focal length that the plane itself gives.

use nalgebra::{DMatrix, DVector, Matrix3, Vector2, Vector3};

use super::plane::{Pair, Plane};
use super::{rms, square};
use crate::engine::geometry::PointNorm;

/// The upward metre in the picture, homogeneous, on the scale of the plane's matrix; frame heights.
#[derive(Clone, Copy, Debug)]
pub(super) struct Upright {
    pub up: Vector3<f64>,
}

/// Focal lengths of real lenses, in frame heights: about 110° to 5° from top to bottom.
pub(super) const FOCAL_MIN: f64 = 0.35;
pub(super) const FOCAL_MAX: f64 = 12.0;

/// How high a camera hangs, metres.
pub(super) const CAMERA_MIN_M: f64 = 1.0;
pub(super) const CAMERA_MAX_M: f64 = 60.0;

/// How far a click is off, frame heights: one and a half pixels of a 1080-line picture.
pub(super) const CLICK: f64 = 0.0015;

/// Heights that are no surer than this share are not used: sizes are judged by them.
const HEIGHT_DEVIATION_MAX: f64 = 0.15;

/// People may miss their heads by this share of their own height in the picture (RMS).
pub(super) const HEAD_ERROR_MAX: f64 = 0.06;

/// The two floor axes must come out equally long within this, or the picture is no full view of a
/// camera with square pixels.
const AXES_RATIO_MAX: f64 = 1.15;

/// Focal lengths tried before the best is narrowed down, and the steps of that.
const FOCAL_STEPS: usize = 48;
const NARROWING_STEPS: usize = 60;

const ASK_FOR_PEOPLE: &str = "mark feet and head of two people of known height";

type Person = (PointNorm, PointNorm, f64);

pub(super) fn find(
    plane: &Plane,
    pairs: &[Pair],
    people: &[Person],
    aspect: f64,
) -> Result<Upright, String> {
    let heads = heads(&plane.image_from_ground, people, aspect)?;
    let upright = if heads.is_empty() {
        from_plane(plane, pairs, aspect)?
    } else {
        from_people(&plane.image_from_ground, &heads, aspect)?
    };
    let height_m = camera_height_m(&plane.image_from_ground, &upright.up);
    if !(CAMERA_MIN_M..=CAMERA_MAX_M).contains(&height_m) {
        return Err(format!(
            "the camera would hang {height_m:.1} m above the floor, and {CAMERA_MIN_M} to \
             {CAMERA_MAX_M} m is possible; check the measured distances, or {ASK_FOR_PEOPLE}"
        ));
    }
    Ok(upright)
}

/// Somebody on the floor: the homogeneous image of the feet, where the head is, and how high.
struct Head {
    foot: Vector3<f64>,
    head: Vector2<f64>,
    height_m: f64,
    /// From feet to head in the picture.
    length: f64,
}

fn heads(plane: &Matrix3<f64>, people: &[Person], aspect: f64) -> Result<Vec<Head>, String> {
    let inverse = plane.try_inverse().ok_or("the plane cannot be inverted")?;
    let head = |(i, &(foot, head, height_m)): (usize, &Person)| {
        let (foot, head) = (square(foot, aspect), square(head, aspect));
        let floor = inverse * foot.push(1.0);
        let why = || format!("the feet of person {} are above the horizon; click them anew", i + 1);
        let foot_on_scale = foot.push(1.0) / floor.z;
        let length = (head - foot).norm();
        (floor.z > 0.0)
            .then_some(Head { foot: foot_on_scale, head, height_m, length })
            .ok_or_else(why)
    };
    people.iter().enumerate().map(head).collect()
}

/// How far the heads are from where they were clicked, RMS share of the people's heights; infinite
/// where a head would be behind the camera.
fn head_error(up: &Vector3<f64>, heads: &[Head]) -> f64 {
    let shares: Vec<f64> = heads.iter().map(|head| share(up, head)).collect();
    rms(&shares)
}

fn share(up: &Vector3<f64>, head: &Head) -> f64 {
    let found = head.foot + up * head.height_m;
    if found.z > 0.0 {
        (found.xy() / found.z - head.head).norm() / head.length
    } else {
        f64::INFINITY
    }
}

fn from_people(plane: &Matrix3<f64>, heads: &[Head], aspect: f64) -> Result<Upright, String> {
    let error = |focal: f64| match up(plane, focal, aspect) {
        Some(up) => head_error(&up, heads),
        None => f64::INFINITY,
    };
    let at = |step: f64| FOCAL_MIN * (FOCAL_MAX / FOCAL_MIN).powf(step / FOCAL_STEPS as f64);
    let best = (0..=FOCAL_STEPS)
        .map(|step| step as f64)
        .min_by(|a, b| error(at(*a)).total_cmp(&error(at(*b))))
        .unwrap_or(0.0);
    let (mut low, mut high) = ((best - 1.0).max(0.0), (best + 1.0).min(FOCAL_STEPS as f64));
    for _ in 0..NARROWING_STEPS {
        let (left, right) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
        if error(at(left)) <= error(at(right)) { high = right } else { low = left }
    }
    let model = up(plane, at((low + high) / 2.0), aspect);
    let candidates = [model, free_up(heads)];
    let fits = |up: &Vector3<f64>| head_error(up, heads) <= HEAD_ERROR_MAX;
    if let Some(up) = candidates.into_iter().flatten().find(fits) {
        return Ok(Upright { up });
    }
    let up = model.ok_or_else(|| format!("no camera fits the floor; {ASK_FOR_PEOPLE}"))?;
    let worst = (0..heads.len())
        .max_by(|&a, &b| share(&up, &heads[a]).total_cmp(&share(&up, &heads[b])))
        .unwrap_or(0);
    let off = 100.0 * share(&up, &heads[worst]);
    Err(format!(
        "the people marked do not fit the floor: the head of person {} is off by {off:.0} % of the \
         height; check feet, head and height",
        worst + 1
    ))
}

/// The upward metre that fits at least two people in different places; `None` when they do not fix it.
fn free_up(heads: &[Head]) -> Option<Vector3<f64>> {
    if heads.len() < 2 {
        return None;
    }
    let mut equations = DMatrix::<f64>::zeros(2 * heads.len(), 3);
    let mut right = DVector::<f64>::zeros(2 * heads.len());
    for (i, head) in heads.iter().enumerate() {
        // (foot + h up) lies on the head: two rows of a cross product, as errors in the picture
        // relative to the person.
        let weight = 1.0 / (head.foot.z * head.length);
        for row in 0..2 {
            equations[(2 * i + row, row)] = weight * head.height_m;
            equations[(2 * i + row, 2)] = -weight * head.height_m * head.head[row];
            right[2 * i + row] = weight * (head.head[row] * head.foot.z - head.foot[row]);
        }
    }
    let svd = equations.svd(true, true);
    // Below this, people stand too close together to tell where uprights meet.
    const CONDITION_MIN: f64 = 1e-3;
    let values = &svd.singular_values;
    (values[2] > CONDITION_MIN * values[0])
        .then(|| svd.solve(&right, 0.0).ok())?
        .map(|up| Vector3::new(up[0], up[1], up[2]))
}

fn from_plane(plane: &Plane, pairs: &[Pair], aspect: f64) -> Result<Upright, String> {
    let focal = focal(&plane.image_from_ground, aspect).ok_or_else(|| {
        format!(
            "heights cannot be told from these points (the camera looks straight down, or the \
             points are too flat or too few); {ASK_FOR_PEOPLE}"
        )
    })?;
    if !(FOCAL_MIN..=FOCAL_MAX).contains(&focal) {
        return Err(format!(
            "the lens would have a focal length of {focal:.2} picture heights, and {FOCAL_MIN} to \
             {FOCAL_MAX} is possible; add points, or {ASK_FOR_PEOPLE}"
        ));
    }
    let ratio = axes_ratio(&plane.image_from_ground, focal, aspect);
    if !(1.0 / AXES_RATIO_MAX..=AXES_RATIO_MAX).contains(&ratio) {
        return Err(format!(
            "the floor's axes come out unequal by {:.0} %: a cropped or distorted picture, or a point \
             measured wrongly; {ASK_FOR_PEOPLE}",
            100.0 * (ratio.max(1.0 / ratio) - 1.0)
        ));
    }
    let centre = pairs.iter().map(|pair| pair.ground).sum::<Vector2<f64>>() / pairs.len() as f64;
    let person = |m: &Matrix3<f64>| -> Option<f64> {
        let foot = m * centre.push(1.0);
        let head = foot + up(m, self::focal(m, aspect)?, aspect)?;
        let length = (head.xy() / head.z - foot.xy() / foot.z).norm();
        (head.z > 0.0 && length > 0.0).then(|| length.ln())
    };
    let deviation = plane.deviation(plane.click_error.max(CLICK), person).unwrap_or(f64::INFINITY);
    if deviation > HEIGHT_DEVIATION_MAX {
        return Err(format!(
            "the points tell heights only to about {:.0} %; spread them wider, near and far, add \
             some, or {ASK_FOR_PEOPLE}",
            100.0 * deviation.min(9.99)
        ));
    }
    let up = up(&plane.image_from_ground, focal, aspect);
    up.map(|up| Upright { up }).ok_or_else(|| format!("no camera fits the floor; {ASK_FOR_PEOPLE}"))
}

/// The plane's matrix with the middle of the picture as origin.
fn centred(plane: &Matrix3<f64>, aspect: f64) -> Matrix3<f64> {
    Matrix3::new(1.0, 0.0, -aspect / 2.0, 0.0, 1.0, -0.5, 0.0, 0.0, 1.0) * plane
}

/// The focal length in frame heights at which the floor's axes are at right angles and equally long,
/// least squares of the two conditions; `None` where there is none or no perspective.
fn focal(plane: &Matrix3<f64>, aspect: f64) -> Option<f64> {
    let m = centred(plane, aspect);
    let (a, b) = (m.column(0), m.column(1));
    // (right angles, equal lengths), turning together when the plan is turned:
    // numerator / focal² + slope = 0.
    let numerator = Vector2::new(
        2.0 * (a[0] * b[0] + a[1] * b[1]),
        a[0] * a[0] + a[1] * a[1] - b[0] * b[0] - b[1] * b[1],
    );
    let slope = Vector2::new(2.0 * a[2] * b[2], a[2] * a[2] - b[2] * b[2]);
    let squared = -numerator.dot(&slope) / slope.norm_squared();
    (squared > 0.0 && squared.is_finite()).then(|| squared.sqrt())
}

/// How much longer the first floor axis is than the second, with this focal length.
fn axes_ratio(plane: &Matrix3<f64>, focal: f64, aspect: f64) -> f64 {
    let m = rays(plane, focal, aspect);
    m.column(0).norm() / m.column(1).norm()
}

/// Floor to directions in the camera: x right, y down, z ahead.
fn rays(plane: &Matrix3<f64>, focal: f64, aspect: f64) -> Matrix3<f64> {
    Matrix3::from_diagonal(&Vector3::new(1.0 / focal, 1.0 / focal, 1.0)) * centred(plane, aspect)
}

/// The upward metre for a camera of this focal length: at right angles to both axes and as long.
fn up(plane: &Matrix3<f64>, focal: f64, aspect: f64) -> Option<Vector3<f64>> {
    let m = rays(plane, focal, aspect);
    let (a, b): (Vector3<f64>, Vector3<f64>) = (m.column(0).into(), m.column(1).into());
    let metre = (a.norm() * b.norm()).sqrt();
    let upward = a.cross(&b).try_normalize(f64::MIN_POSITIVE)? * metre;
    let lens = Matrix3::new(focal, 0.0, aspect / 2.0, 0.0, focal, 0.5, 0.0, 0.0, 1.0);
    let up = lens * upward;
    // Of the two directions the one in which the camera is above the floor.
    Some(if camera_height_m(plane, &up) < 0.0 { -up } else { up })
}

/// How high the camera hangs: the third coordinate of the point without a picture, by Cramer.
fn camera_height_m(plane: &Matrix3<f64>, up: &Vector3<f64>) -> f64 {
    let world = Matrix3::from_columns(&[plane.column(0).into(), plane.column(1).into(), *up]);
    -plane.determinant() / world.determinant()
}
