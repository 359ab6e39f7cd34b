//! The ground plane: where a place in the picture lies on the floor, in metres, and back.
//!
//! Terms: the **floor** is the plane z = 0; the **horizon** is the line in the picture where it ends.
//! An image point is in frame fractions (`_norm`), a ground point in metres (`_m`). **Heights** are
//! known when the picture of the third axis is: then heads can be found from feet and back.
//!
//! The projection of (X, Y, Z) is `h1 X + h2 Y + up Z + h3`, a homogeneous image point (Hartley and
//! Zisserman, Multiple View Geometry, 2nd ed., 6.1 and 8.1.1). Its third member is positive before the
//! camera: the sign is settled once, by the lower edge of the frame, which sees the floor if anything
//! does. Left-handed floor plans are taken as they are: a mirrored plan has the same distances.
//!
//! Only `+ - * /` and `sqrt`, so the same numbers give the same answers on every machine.
//!
//! Not here: where the numbers come from (`calibration`), lens distortion, floors that are not flat.

use std::fmt;

use super::geometry::PointNorm;

/// A point on the floor, metres.
pub type PointM = (f64, f64);

/// A place counts as on the floor only when it is nearer than this many times the depth at the lower
/// edge of the frame. Beyond, one pixel is many metres and rounding decides.
const DEPTH_RATIO_MAX: f64 = 1e4;

/// The nearness (one over the depth) from which on a place counts as floor.
pub(super) const FLOOR_MIN: f64 = 1.0 / DEPTH_RATIO_MAX;

/// The middle of the frame's lower edge, homogeneous.
const FRAME_LOWER_EDGE: Vector = [0.5, 1.0, 1.0];

/// A head less than this below the camera is at the horizon wherever the feet are, metres.
const BELOW_CAMERA_MIN_M: f64 = 0.1;

/// Smallest determinant of a plane's matrix with columns scaled to length one; below it, the floor is
/// seen edge on.
const DETERMINANT_MIN: f64 = 1e-9;

type Matrix = [[f64; 3]; 3];
type Vector = [f64; 3];

/// The floor as one camera sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Ground {
    image_from_ground: Matrix,
    ground_from_image: Matrix,
    upright: Option<Upright>,
    residual_m: f64,
}

/// What is known when heights are.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Upright {
    /// The picture of one metre upwards, homogeneous, on the scale of `image_from_ground`.
    up: Vector,
    /// Where the camera hangs: x, y and height, metres.
    camera_m: Vector,
}

/// Why numbers are no view of a floor.
#[derive(Clone, Debug, PartialEq)]
pub enum GroundError {
    /// A number that is not finite.
    NotFinite,
    /// The matrix maps the floor onto a line or a point.
    EdgeOn,
    /// The lower edge of the picture lies at the horizon.
    NoFloor,
    /// The camera would hang in or below the floor.
    CameraBelow { height_m: f64 },
    /// A residual below zero.
    BadResidual { residual_m: f64 },
}

impl fmt::Display for GroundError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GroundError::NotFinite => write!(f, "a number of the ground plane is not finite"),
            GroundError::EdgeOn => write!(
                f,
                "the ground plane is seen edge on; choose points that are spread over the floor"
            ),
            GroundError::NoFloor => write!(
                f,
                "the lower edge of the picture would lie at the horizon; check the points' order"
            ),
            GroundError::CameraBelow { height_m } => write!(
                f,
                "the camera would hang {height_m:.2} m above the floor; it must be above it"
            ),
            GroundError::BadResidual { residual_m } => {
                write!(f, "the residual is {residual_m} m; it must be 0 or more")
            }
        }
    }
}

impl std::error::Error for GroundError {}

impl Ground {
    /// From a full camera: world in metres, z up, floor at z = 0; image in frame fractions, y down.
    /// Any non-zero multiple of the matrix is the same camera.
    pub fn from_camera(
        image_from_world: [[f64; 4]; 3],
        residual_m: f64,
    ) -> Result<Ground, GroundError> {
        let plane = image_from_world.map(|[x, y, _, one]| [x, y, one]);
        let up = image_from_world.map(|row| row[2]);
        if !up.iter().all(|v| v.is_finite()) {
            return Err(GroundError::NotFinite);
        }
        let (mut ground, factor) = Ground::scaled(plane, residual_m)?;
        let up = up.map(|v| v * factor);
        let camera_m = camera_centre(&ground.image_from_ground, up).ok_or(GroundError::EdgeOn)?;
        if camera_m[2] <= 0.0 {
            return Err(GroundError::CameraBelow { height_m: camera_m[2] });
        }
        ground.upright = Some(Upright { up, camera_m });
        Ok(ground)
    }

    /// From the plane alone: no heights are known. Image in frame fractions, y down.
    /// Any non-zero multiple of the matrix is the same plane.
    pub fn from_plane(
        image_from_ground: [[f64; 3]; 3],
        residual_m: f64,
    ) -> Result<Ground, GroundError> {
        Ok(Ground::scaled(image_from_ground, residual_m)?.0)
    }

    /// The plane with its sign settled, and the factor that the matrix was multiplied by.
    fn scaled(plane: Matrix, residual_m: f64) -> Result<(Ground, f64), GroundError> {
        if !plane.iter().flatten().chain([&residual_m]).all(|v| v.is_finite()) {
            return Err(GroundError::NotFinite);
        }
        if residual_m < 0.0 {
            return Err(GroundError::BadResidual { residual_m });
        }
        let lengths = [0, 1, 2].map(|c| length(plane.map(|row| row[c])));
        let determinant = determinant(&plane);
        // Written so that NaN fails it.
        let seen = determinant.abs() > DETERMINANT_MIN * lengths[0] * lengths[1] * lengths[2];
        let (true, Some(inverse)) = (seen, inverse(&plane)) else {
            return Err(GroundError::EdgeOn);
        };
        // The third member of `inverse * point` is one over the point's depth.
        let nearness = times(&inverse, FRAME_LOWER_EDGE)[2];
        if nearness.abs() <= length(inverse[2]) / DEPTH_RATIO_MAX {
            return Err(GroundError::NoFloor);
        }
        // So that the depth at the lower edge is 1.
        let ground = Ground {
            image_from_ground: plane.map(|row| row.map(|v| v * nearness)),
            ground_from_image: inverse.map(|row| row.map(|v| v / nearness)),
            upright: None,
            residual_m,
        };
        let all = ground.image_from_ground.iter().chain(&ground.ground_from_image).flatten();
        if all.into_iter().all(|v| v.is_finite()) {
            Ok((ground, nearness))
        } else {
            Err(GroundError::EdgeOn)
        }
    }

    /// Where on the floor an image point lies; `None` at and above the horizon.
    pub fn metres(&self, image_norm: PointNorm) -> Option<PointM> {
        let [x, y, nearness] = times(&self.ground_from_image, homogeneous(image_norm));
        let point = (x / nearness, y / nearness);
        (nearness > FLOOR_MIN && is_finite(point)).then_some(point)
    }

    /// Where in the picture a place on the floor is seen, also outside the frame; `None` behind the
    /// camera and too far away to be told from the horizon.
    pub fn image(&self, ground_m: PointM) -> Option<PointNorm> {
        self.seen(times(&self.image_from_ground, homogeneous(ground_m)))
    }

    /// Where the head of somebody of this height is, whose feet are seen here.
    pub fn head_norm(&self, foot_norm: PointNorm, height_m: f64) -> Option<PointNorm> {
        self.image_above(self.metres(foot_norm)?, height_m)
    }

    /// Where a point this far above a place on the floor is seen; `None` too when heights are unknown.
    pub fn image_above(&self, ground_m: PointM, height_m: f64) -> Option<PointNorm> {
        let up = self.upright?.up;
        let foot = times(&self.image_from_ground, homogeneous(ground_m));
        self.seen([0, 1, 2].map(|i| foot[i] + up[i] * height_m))
    }

    /// Where the feet are of somebody of this height whose head is seen here; `None` too for heads at
    /// the height of the camera or above, which say nothing of a place.
    pub fn foot_from_head(&self, head_norm: PointNorm, height_m: f64) -> Option<PointNorm> {
        let upright = self.upright?;
        if height_m.is_nan() || height_m + BELOW_CAMERA_MIN_M > upright.camera_m[2] {
            return None;
        }
        let mut plane = self.image_from_ground;
        for (row, up) in plane.iter_mut().zip(upright.up) {
            row[2] += up * height_m;
        }
        let [x, y, nearness] = times(&inverse(&plane)?, homogeneous(head_norm));
        if nearness > FLOOR_MIN { self.image((x / nearness, y / nearness)) } else { None }
    }

    /// How far head and feet of somebody of this height are apart downwards, as a share of the frame's
    /// height. Seen steeply from above this is far less than the box is high.
    pub fn expected_height_norm(&self, foot_norm: PointNorm, height_m: f64) -> Option<f64> {
        let head = self.head_norm(foot_norm, height_m)?;
        Some((foot_norm.1 - head.1).abs())
    }

    /// How large one metre is here, as a share of the frame's width and of its height: the extents of
    /// a small ball, whichever way the camera looks.
    pub fn metre_norm(&self, foot_norm: PointNorm) -> Option<(f64, f64)> {
        let up = self.upright?.up;
        let m = &self.image_from_ground;
        let [x, y, depth] = times(m, homogeneous(self.metres(foot_norm)?));
        let along = |row: usize, value: f64| {
            let slope = |a: f64, a3: f64| (a - value / depth * a3) / depth;
            length([slope(m[row][0], m[2][0]), slope(m[row][1], m[2][1]), slope(up[row], up[2])])
        };
        let size = (along(0, x), along(1, y));
        (is_finite(size) && size.0 > 0.0 && size.1 > 0.0).then_some(size)
    }

    /// Sine and cosine of the angle at which the camera looks down on a place: 0 and 1 at the
    /// horizon, 1 and 0 straight below it.
    pub fn look_down(&self, ground_m: PointM) -> Option<(f64, f64)> {
        let [x, y, height] = self.upright?.camera_m;
        let (dx, dy) = (ground_m.0 - x, ground_m.1 - y);
        let across = (dx * dx + dy * dy).sqrt();
        let far = (across * across + height * height).sqrt();
        far.is_finite().then(|| (height / far, across / far))
    }

    /// The camera's place and height in metres; `None` when heights are unknown.
    pub fn camera_m(&self) -> Option<(f64, f64, f64)> {
        self.upright.map(|Upright { camera_m: [x, y, height], .. }| (x, y, height))
    }

    /// How far the points it was fitted to lie from where they were measured (RMS).
    pub fn residual_m(&self) -> f64 {
        self.residual_m
    }

    /// The part of a straight line on the floor that the frame shows, from `a_m` to `b_m`.
    pub fn visible(&self, a_m: PointM, b_m: PointM) -> Option<(PointNorm, PointNorm)> {
        let depth = |p: PointM| times(&self.image_from_ground, homogeneous(p))[2];
        // Before the camera, by a depth that is small against what the frame shows.
        const DEPTH_MIN: f64 = 1e-6;
        let (from, to) = (depth(a_m) - DEPTH_MIN, depth(b_m) - DEPTH_MIN);
        let between = |t: f64| (a_m.0 + t * (b_m.0 - a_m.0), a_m.1 + t * (b_m.1 - a_m.1));
        let (a_m, b_m) = match (from >= 0.0, to >= 0.0) {
            (true, true) => (a_m, b_m),
            (true, false) => (a_m, between(from / (from - to))),
            (false, true) => (between(from / (from - to)), b_m),
            (false, false) => return None,
        };
        let image = |p: PointM| {
            let [x, y, depth] = times(&self.image_from_ground, homogeneous(p));
            let point = (x / depth, y / depth);
            is_finite(point).then_some(point)
        };
        clipped_to_frame(image(a_m)?, image(b_m)?)
    }

    /// An image point from its homogeneous form, if it lies before the camera and not too far away.
    fn seen(&self, [x, y, depth]: Vector) -> Option<PointNorm> {
        let point = (x / depth, y / depth);
        (depth > 0.0 && depth < DEPTH_RATIO_MAX && is_finite(point)).then_some(point)
    }

    /// How near the floor at an image point is: one over its depth, 1 in the middle of the frame's
    /// lower edge; linear over the picture, and at most `FLOOR_MIN` from the horizon on.
    pub(super) fn nearness(&self, image_norm: PointNorm) -> f64 {
        times(&self.ground_from_image, homogeneous(image_norm))[2]
    }
}

/// The part of a segment inside the frame (Liang and Barsky: four bounds on the parameter).
fn clipped_to_frame(a: PointNorm, b: PointNorm) -> Option<(PointNorm, PointNorm)> {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let (mut from, mut to) = (0.0_f64, 1.0_f64);
    for (slope, room) in [(-dx, a.0), (dx, 1.0 - a.0), (-dy, a.1), (dy, 1.0 - a.1)] {
        if slope == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if slope < 0.0 {
            from = from.max(room / slope);
        } else {
            to = to.min(room / slope);
        }
    }
    let at = |t: f64| ((a.0 + t * dx).clamp(0.0, 1.0), (a.1 + t * dy).clamp(0.0, 1.0));
    (from < to).then(|| (at(from), at(to)))
}

/// Where the camera hangs: the point that has no picture (Hartley and Zisserman 6.2.4), by Cramer.
fn camera_centre(plane: &Matrix, up: Vector) -> Option<Vector> {
    let column = |c: usize| plane.map(|row| row[c]);
    let [a, b, minus] = [column(0), column(1), column(2).map(|v| -v)];
    let triple = |a: Vector, b: Vector, c: Vector| determinant(&[a, b, c]);
    let whole = triple(a, b, up);
    let centre = [triple(minus, b, up), triple(a, minus, up), triple(a, b, minus)];
    let centre = centre.map(|v| v / whole);
    (whole != 0.0 && centre.iter().all(|v| v.is_finite())).then_some(centre)
}

fn homogeneous((x, y): (f64, f64)) -> Vector {
    [x, y, 1.0]
}

fn is_finite((x, y): (f64, f64)) -> bool {
    x.is_finite() && y.is_finite()
}

fn length([x, y, z]: Vector) -> f64 {
    (x * x + y * y + z * z).sqrt()
}

fn times(m: &Matrix, [x, y, z]: Vector) -> Vector {
    m.map(|[a, b, c]| a * x + b * y + c * z)
}

fn determinant([a, b, c]: &Matrix) -> f64 {
    a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0])
        + a[2] * (b[0] * c[1] - b[1] * c[0])
}

/// The inverse by cofactors; `None` when there is none in numbers.
fn inverse(m: &Matrix) -> Option<Matrix> {
    let whole = determinant(m);
    let cofactor = |r: usize, c: usize| {
        let (r1, r2, c1, c2) = ((r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3);
        m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    };
    let inverse = [0, 1, 2].map(|r| [0, 1, 2].map(|c| cofactor(c, r) / whole));
    (whole != 0.0 && inverse.iter().flatten().all(|v: &f64| v.is_finite())).then_some(inverse)
}
