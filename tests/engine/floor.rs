//! A camera over a floor in metres: where people of a given height and posture are in the picture.

use standclear::engine::detection::Detection;
use standclear::engine::geometry::Area;
use standclear::engine::ground::Ground;

use crate::world::{area, person_sized};

/// How high the camera hangs, and how it looks down: 4 m, 20 degrees, 60 degrees wide.
const HEIGHT_M: f64 = 4.0;
const TILT: f64 = 0.349;
const FOCAL: f64 = 0.866;

/// The floor before the camera: x to the right, y away from it, in metres.
pub fn floor() -> Ground {
    Ground::from_camera(image_from_world(), 0.02).expect("a floor")
}

fn image_from_world() -> [[f64; 4]; 3] {
    let (sin, cos) = TILT.sin_cos();
    let forward = [0.0, cos, -sin, HEIGHT_M * sin];
    let down = [0.0, -sin, -cos, HEIGHT_M * cos];
    let right = [1.0, 0.0, 0.0, 0.0];
    let row = |axis: [f64; 4]| [0, 1, 2, 3].map(|i| FOCAL * axis[i] + 0.5 * forward[i]);
    [row(right), row(down), forward]
}

/// Where a point is in the picture, pixels of 1000 × 1000.
pub fn pixel(x: f64, y: f64, z: f64) -> (f64, f64) {
    let [u, v, w] = image_from_world().map(|r| r[0] * x + r[1] * y + r[2] * z + r[3]);
    (1000.0 * u / w, 1000.0 * v / w)
}

/// Somebody at this place, as high and as wide as said, of whom only what is above `hidden_m` shows.
pub fn somebody(x: f64, y: f64, height_m: f64, width_m: f64, hidden_m: f64) -> Detection {
    let (foot, head) = (pixel(x, y, hidden_m), pixel(x, y, height_m));
    let width = pixel(x + width_m / 2.0, y, 0.0).0 - pixel(x - width_m / 2.0, y, 0.0).0;
    person_sized(foot.0, foot.1, width, foot.1 - head.1, 0.8)
}

/// Somebody who stands, in full view.
pub fn standing(x: f64, y: f64) -> Detection {
    somebody(x, y, 1.75, 0.7, 0.0)
}

/// A rectangle of the floor.
pub fn patch(x: (f64, f64), y: (f64, f64)) -> Area {
    let corner = |x: f64, y: f64| {
        let (u, v) = pixel(x, y, 0.0);
        ((u / 1000.0).clamp(0.0, 1.0), (v / 1000.0).clamp(0.0, 1.0))
    };
    area(&[corner(x.0, y.0), corner(x.1, y.0), corner(x.1, y.1), corner(x.0, y.1)])
}
