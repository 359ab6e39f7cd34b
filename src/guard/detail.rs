//! What the vision process is told of zones: where they lie and how high people are expected there.
//!
//! Not here: what is looked at closer because of that (`vision::detail`).

use crate::engine::geometry::PointNorm;
use crate::engine::ground::Ground;
use crate::engine::{CameraSpec, Duty};
use crate::link::{DETAIL_STRIPS, DetailZone};

/// The small adult sizes are expected of: `engine::plausible` has the same length for who lies.
const PERSON_M: f64 = 1.5;

/// The zones of one camera. Ignored ones are left out: nobody there raises anything.
pub fn zones(spec: &CameraSpec) -> Vec<DetailZone> {
    let bounds = spec.zones.iter().filter_map(|zone| bounds(&zone.duty));
    bounds
        .map(|((left_norm, top_norm), (right_norm, bottom_norm))| {
            let person_norm = match &spec.ground {
                Some(ground) => strips(ground, (left_norm, top_norm), (right_norm, bottom_norm)),
                None => Vec::new(),
            };
            DetailZone { left_norm, top_norm, right_norm, bottom_norm, person_norm }
        })
        .collect()
}

fn bounds(duty: &Duty) -> Option<(PointNorm, PointNorm)> {
    match duty {
        Duty::Restricted { area, .. }
        | Duty::Warning { area, .. }
        | Duty::Occupancy { area, .. } => Some(area.bounds_norm()),
        Duty::Tripwire { line, .. } => {
            let over = |pick: fn(&PointNorm) -> f64| {
                let values = || line.points_norm().iter().map(pick);
                (values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max))
            };
            let ((left, right), (top, bottom)) = (over(|point| point.0), over(|point| point.1));
            Some(((left, top), (right, bottom)))
        }
        Duty::Ignore { .. } => None,
    }
}

/// The least height expected in each strip; empty when heights are unknown in any of them.
fn strips(ground: &Ground, (left, top): PointNorm, (right, bottom): PointNorm) -> Vec<f64> {
    let height = |strip: usize| {
        let y = top + (bottom - top) * (strip as f64 + 0.5) / DETAIL_STRIPS as f64;
        let at = |x: f64| ground.expected_height_norm((x, y), PERSON_M);
        [left, (left + right) / 2.0, right].into_iter().filter_map(at).reduce(f64::min)
    };
    let heights: Option<Vec<f64>> = (0..DETAIL_STRIPS).map(height).collect();
    heights.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::geometry::Area;
    use crate::engine::zone::Rules;
    use crate::engine::{CameraSpec, ZoneSpec};

    fn area() -> Area {
        Area::new(&[vec![vec![(0.1, 0.4), (0.6, 0.4), (0.6, 0.8), (0.1, 0.8)]]]).expect("an area")
    }

    #[test]
    fn people_of_a_calibrated_zone_are_higher_the_nearer_they_are() {
        // A level camera 4 m up, seeing the floor from 4 m on: y = 0.5 + 2 / distance.
        let camera = [[0.5, 0.5, 0.0, 0.0], [0.0, 0.5, -0.5, 2.0], [0.0, 1.0, 0.0, 0.0]];
        let ground = Ground::from_camera(camera, 0.0).expect("a floor");
        let zone = ZoneSpec::restricted(
            Area::new(&[vec![vec![(0.1, 0.6), (0.6, 0.6), (0.6, 0.9), (0.1, 0.9)]]])
                .expect("an area"),
            Rules::DEFAULT,
        );
        let spec = CameraSpec { zones: vec![zone], ground: Some(ground), ..CameraSpec::default() };
        let found = zones(&spec);
        let heights = &found[0].person_norm;
        assert_eq!(heights.len(), DETAIL_STRIPS);
        assert!(heights.is_sorted(), "{heights:?}");
        // 0.5 * 1.5 m / distance, and y - 0.5 is 2 / distance.
        let first = (0.6 + 0.3 / 16.0 - 0.5) / 2.0 * 0.75;
        assert!((heights[0] - first).abs() < 1e-9, "{heights:?}");
    }

    #[test]
    fn without_calibration_only_the_place_is_told_and_ignored_zones_are_not() {
        let restricted = ZoneSpec::restricted(area(), Rules::DEFAULT);
        let ignored = ZoneSpec { duty: Duty::Ignore { area: area() }, rules: Rules::DEFAULT };
        let spec = CameraSpec { zones: vec![restricted, ignored], ..CameraSpec::default() };
        let found = zones(&spec);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].left_norm, found[0].bottom_norm), (0.1, 0.8));
        assert!(found[0].person_norm.is_empty());
    }
}
