//! Time to entry, by hand.

use std::time::Duration;

use proptest::prelude::*;
use standclear::engine::approach::{SPEED_MIN_M_S, time_to_entry};
use standclear::engine::geometry::Area;
use standclear::engine::ground_area::GroundArea;

use crate::camera::{area, close, map, rectangle};

/// 10 to 14 m across, 8 to 12 m up.
fn zone() -> GroundArea {
    GroundArea::new(&map(), &area(&rectangle(10.0, 8.0, 14.0, 12.0))).expect("on the floor")
}

fn seconds(time: Option<Duration>) -> f64 {
    time.expect("enters").as_secs_f64()
}

#[test]
fn straight_at_the_edge_it_is_distance_by_speed() {
    // 4 m to go at 2 m/s; 3 m at 1.5 m/s.
    close(seconds(time_to_entry(&zone(), (6.0, 10.0), (2.0, 0.0))), 2.0, 1e-6);
    close(seconds(time_to_entry(&zone(), (12.0, 15.0), (0.0, -1.5))), 2.0, 1e-6);
    // Across: 3 m right and 4 m up at (0.6, 0.8) reaches the corner (10, 8) after 5 s.
    close(seconds(time_to_entry(&zone(), (7.0, 4.1), (0.6, 0.8))), 5.0, 1e-6);
}

#[test]
fn inside_is_now_whatever_the_speed() {
    for velocity in [(0.0, 0.0), (5.0, 5.0), (f64::NAN, 0.0)] {
        assert_eq!(time_to_entry(&zone(), (12.0, 10.0), velocity), Some(Duration::ZERO));
    }
}

#[test]
fn away_past_standing_and_far_ahead_never_enter() {
    assert_eq!(time_to_entry(&zone(), (6.0, 10.0), (-2.0, 0.0)), None);
    assert_eq!(time_to_entry(&zone(), (6.0, 7.0), (2.0, 0.0)), None);
    assert_eq!(time_to_entry(&zone(), (9.9, 10.0), (SPEED_MIN_M_S - 0.01, 0.0)), None);
    // 9 m at 0.5 m/s is 18 s.
    assert_eq!(time_to_entry(&zone(), (1.0, 10.0), (0.5, 0.0)), None);
    assert_eq!(time_to_entry(&zone(), (6.0, 10.0), (f64::NAN, 1.0)), None);
    assert_eq!(time_to_entry(&zone(), (f64::NAN, 10.0), (2.0, 0.0)), None);
}

#[test]
fn out_of_a_hole_the_holes_edge_is_the_way_in() {
    let ring = Area::new(&[vec![rectangle(4.0, 4.0, 16.0, 16.0), rectangle(8.0, 8.0, 12.0, 12.0)]]);
    let ring = GroundArea::new(&map(), &ring.expect("valid")).expect("on the floor");
    close(seconds(time_to_entry(&ring, (10.0, 10.0), (1.0, 0.0))), 2.0, 1e-6);
}

proptest! {
    #[test]
    fn at_the_time_told_the_path_is_at_the_zone_and_not_before(
        x in 0.0..20.0, y in 0.0..20.0, vx in -3.0..3.0, vy in -3.0..3.0,
    ) {
        let zone = zone();
        let at = |t: f64| (x + t * vx, y + t * vy);
        match time_to_entry(&zone, (x, y), (vx, vy)) {
            Some(time) => {
                let time = time.as_secs_f64();
                let near = |t: f64| (-1..=1).any(|i| zone.contains(at(t + f64::from(i) * 1e-6)));
                prop_assert!(near(time));
                let before = (0..100).map(|i| at(time * f64::from(i) / 101.0));
                prop_assert!(time == 0.0 || before.into_iter().all(|p| !zone.contains(p)));
            }
            None => if (vx * vx + vy * vy).sqrt() >= SPEED_MIN_M_S {
                prop_assert!((0..1000).all(|i| !zone.contains(at(f64::from(i) / 100.0))));
            }
        }
    }
}
