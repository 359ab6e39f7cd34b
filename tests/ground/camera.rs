//! Cameras built from what an installer knows, as an independent source of pictures.

use standclear::engine::geometry::{Area, PointNorm};
use standclear::engine::ground::Ground;

/// A camera above the floor's origin, looking along +y and down.
#[derive(Clone, Copy, Debug)]
pub struct Camera {
    /// Frame heights.
    pub focal: f64,
    pub height_m: f64,
    /// Below the horizontal.
    pub tilt_deg: f64,
    pub roll_deg: f64,
    pub aspect: f64,
}

impl Camera {
    pub fn new(focal: f64, height_m: f64, tilt_deg: f64) -> Camera {
        Camera { focal, height_m, tilt_deg, roll_deg: 0.0, aspect: 16.0 / 9.0 }
    }

    /// World to picture, by turning the world step by step rather than by the engine's formulas.
    pub fn matrix(&self) -> [[f64; 4]; 3] {
        let (s, c) = self.tilt_deg.to_radians().sin_cos();
        let (rs, rc) = self.roll_deg.to_radians().sin_cos();
        let h = self.height_m;
        // Camera axes in the world: right, down, ahead; then the offset of the camera.
        let right = [1.0, 0.0, 0.0, 0.0];
        let down = [0.0, -s, -c, c * h];
        let ahead = [0.0, c, -s, s * h];
        let turned = |a: f64, b: f64| [0, 1, 2, 3].map(|i| a * right[i] + b * down[i]);
        let (x, y) = (turned(rc, -rs), turned(rs, rc));
        [
            [0, 1, 2, 3].map(|i| self.focal / self.aspect * x[i] + 0.5 * ahead[i]),
            [0, 1, 2, 3].map(|i| self.focal * y[i] + 0.5 * ahead[i]),
            ahead,
        ]
    }

    /// Where a point of the world is seen; the caller knows that it is before the camera.
    pub fn sees(&self, x: f64, y: f64, z: f64) -> PointNorm {
        let [u, v, w] = self.matrix().map(|r| r[0] * x + r[1] * y + r[2] * z + r[3]);
        assert!(w > 0.0, "({x}, {y}, {z}) is behind the camera");
        (u / w, v / w)
    }

    pub fn ground(&self) -> Ground {
        Ground::from_camera(self.matrix(), 0.0).expect("a camera above the floor")
    }

    /// The box around points of the world: left, top, width, height.
    pub fn bounds(&self, points: impl IntoIterator<Item = (f64, f64, f64)>) -> [f64; 4] {
        let seen: Vec<_> = points.into_iter().map(|(x, y, z)| self.sees(x, y, z)).collect();
        let low = |pick: fn(&PointNorm) -> f64| seen.iter().map(pick).fold(f64::INFINITY, f64::min);
        let high = |pick: fn(&PointNorm) -> f64| seen.iter().map(pick).fold(0.0, f64::max);
        let (left, top) = (low(|p| p.0), low(|p| p.1));
        [left, top, high(|p| p.0) - left, high(|p| p.1) - top]
    }
}

/// An area from one outline.
pub fn area(outline: &[PointNorm]) -> Area {
    Area::new(&[vec![outline.to_vec()]]).expect("a valid outline")
}

/// A ground on which metres are easy: straight down, 20 m wide and high, x to the right, y up, the
/// origin in the lower left corner.
pub fn map() -> Ground {
    let matrix = [[0.05, 0.0, 0.0], [0.0, -0.05, 1.0], [0.0, 0.0, 1.0]];
    Ground::from_plane(matrix, 0.0).expect("a map")
}

/// A place of `map` in frame fractions.
pub fn on_map(x_m: f64, y_m: f64) -> PointNorm {
    (x_m / 20.0, 1.0 - y_m / 20.0)
}

/// A rectangle on `map`, metres.
pub fn rectangle(left: f64, low: f64, right: f64, high: f64) -> Vec<PointNorm> {
    [(left, low), (right, low), (right, high), (left, high)].map(|(x, y)| on_map(x, y)).to_vec()
}

/// Whether two numbers are the same within a margin.
#[track_caller]
pub fn close(found: f64, wanted: f64, within: f64) {
    assert!((found - wanted).abs() <= within, "{found} is not {wanted} (within {within})");
}
