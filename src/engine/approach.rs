//! How long until somebody who goes on as they go now is inside.
//!
//! The path is straight: the measured velocity, kept. That is a guess, and so the answer only ever
//! adds a warning; no alarm waits for it.
//!
//! Not here: how positions and velocities are measured, and what is done about the answer.

use std::time::Duration;

use super::ground::PointM;
use super::ground_area::{EdgeM, GroundArea, crossing};

/// Slower than this is standing: below it, the direction is the noise of the foot point.
pub const SPEED_MIN_M_S: f64 = 0.2;

/// Farther ahead nobody keeps a straight path, and the answer is `None`.
pub const HORIZON: Duration = Duration::from_secs(10);

/// Time until the straight path enters the area: zero inside; `None` when it never does within
/// `HORIZON`, and for somebody slower than `SPEED_MIN_M_S`.
pub fn time_to_entry(
    area: &GroundArea,
    position_m: PointM,
    velocity_m_s: (f64, f64),
) -> Option<Duration> {
    if area.contains(position_m) {
        return Some(Duration::ZERO);
    }
    let (vx, vy) = velocity_m_s;
    let speed_m_s = (vx * vx + vy * vy).sqrt();
    // Written so that NaN fails it.
    if !(speed_m_s >= SPEED_MIN_M_S && speed_m_s.is_finite()) {
        return None;
    }
    // From outside, the first edge met is the way in. The parameter along this path is seconds.
    let path: EdgeM = (position_m, (position_m.0 + vx, position_m.1 + vy));
    let ahead = area.edges().iter().filter_map(|&edge| crossing(path, edge)).map(|(t, _)| t);
    let first_s = ahead.filter(|&t| t >= 0.0).fold(f64::INFINITY, f64::min);
    (first_s <= HORIZON.as_secs_f64()).then(|| Duration::from_secs_f64(first_s))
}
