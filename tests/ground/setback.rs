//! The set-back: the formula by hand, distances on a floor where metres are easy.

use std::time::Duration;

use standclear::engine::geometry::Area;
use standclear::engine::ground::Ground;
use standclear::engine::setback::{Setback, SetbackError, band, required_m};

use crate::camera::{Camera, area, close, map, rectangle};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn measured(zone: &Area, hazard: &Area) -> f64 {
    Setback::measure(&map(), zone, hazard, 0.0).expect("on the floor").actual_m
}

#[test]
fn the_formula_of_iso_13855_by_hand() {
    // 1.6 × (0.21 + 0.45) + 1.2 = 1.056 + 1.2
    close(required_m(ms(450), ms(210), 0.0), 2.256, 1e-12);
    // 1.6 × 0.6 + (1.2 − 0.4 × 0.1) = 0.96 + 1.16
    close(required_m(ms(500), ms(100), 0.1), 2.12, 1e-12);
    // 1.6 × 0.3 + (1.2 − 0.4 × 0.8) = 0.48 + 0.88
    close(required_m(ms(200), ms(100), 0.8), 1.36, 1e-12);
    // From 875 mm on, C stays 850 mm: 1.6 × 0.3 + 0.85
    close(required_m(ms(200), ms(100), 0.875), 1.33, 1e-12);
    close(required_m(ms(200), ms(100), 1.0), 1.33, 1e-12);
    // Nothing to wait for: C alone.
    close(required_m(ms(0), ms(0), 0.0), 1.2, 1e-12);
}

#[test]
fn heights_outside_the_formula_count_as_its_ends() {
    assert_eq!(required_m(ms(200), ms(100), -3.0), required_m(ms(200), ms(100), 0.0));
    assert_eq!(required_m(ms(200), ms(100), 7.0), required_m(ms(200), ms(100), 1.0));
    assert_eq!(required_m(ms(200), ms(100), f64::NAN), required_m(ms(200), ms(100), 0.0));
}

#[test]
fn the_nearest_edge_of_the_zone_decides() {
    let hazard = area(&rectangle(9.0, 9.0, 11.0, 11.0));
    // 3 m left, 4 m right, 2.5 m below, 5 m above.
    let zone = area(&rectangle(6.0, 6.5, 15.0, 16.0));
    close(measured(&zone, &hazard), 2.5, 1e-9);
    let setback = Setback::measure(&map(), &zone, &hazard, 2.4).expect("on the floor");
    assert!(!setback.tight);
    close(setback.required_m, 2.4, 0.0);
    assert!(Setback::measure(&map(), &zone, &hazard, 2.6).expect("on the floor").tight);
}

#[test]
fn what_the_ground_may_be_wrong_by_counts_against_the_zone() {
    let matrix = [[0.05, 0.0, 0.0], [0.0, -0.05, 1.0], [0.0, 0.0, 1.0]];
    let rough = Ground::from_plane(matrix, 0.2).expect("a map");
    let hazard = area(&rectangle(9.0, 9.0, 11.0, 11.0));
    let zone = area(&rectangle(6.0, 6.5, 15.0, 16.0));
    let setback = Setback::measure(&rough, &zone, &hazard, 2.4).expect("on the floor");
    close(setback.actual_m, 2.3, 1e-9);
    assert!(setback.tight);
}

#[test]
fn a_hazard_that_sticks_out_leaves_nothing_to_go() {
    let zone = area(&rectangle(6.0, 6.0, 15.0, 15.0));
    for hazard in [
        rectangle(4.0, 9.0, 8.0, 11.0),
        rectangle(1.0, 1.0, 3.0, 3.0),
        rectangle(5.0, 5.0, 16.0, 16.0),
        rectangle(4.0, 9.0, 17.0, 10.0),
    ] {
        let setback = Setback::measure(&map(), &zone, &area(&hazard), 1.2).expect("on the floor");
        close(setback.actual_m, 0.0, 0.0);
        assert!(setback.tight);
    }
    // On the edge is inside, with nothing to go.
    close(measured(&zone, &area(&rectangle(6.0, 9.0, 8.0, 11.0))), 0.0, 1e-9);
}

#[test]
fn a_ring_around_the_hazard_is_entered_from_outside() {
    let ring = Area::new(&[vec![rectangle(5.0, 5.0, 15.0, 15.0), rectangle(8.0, 8.0, 12.0, 12.0)]]);
    let ring = ring.expect("valid");
    close(measured(&ring, &area(&rectangle(8.5, 8.5, 11.5, 11.5))), 3.5, 1e-9);
    // A hole beside the hazard is a place where people stand unseen: they enter from there.
    let beside = area(&rectangle(13.0, 9.0, 14.0, 11.0));
    close(measured(&ring, &beside), 1.0, 1e-9);
}

#[test]
fn seams_between_polygons_are_no_way_in() {
    let hazard = area(&rectangle(9.0, 9.0, 9.9, 11.0));
    // Two halves that touch 0.1 m beside the hazard, and two that overlap there.
    for left_end in [10.0, 10.5] {
        let halves = [rectangle(5.0, 5.0, left_end, 15.0), rectangle(10.0, 4.0, 15.0, 15.0)];
        let zone = Area::new(&halves.map(|half| vec![half])).expect("valid");
        close(measured(&zone, &hazard), 4.0, 1e-9);
    }
    // A gap of half a metre is a way in.
    let halves = [rectangle(5.0, 5.0, 10.0, 15.0), rectangle(10.5, 5.0, 15.0, 15.0)];
    close(measured(&Area::new(&halves.map(|h| vec![h])).expect("valid"), &hazard), 0.1, 1e-9);
}

#[test]
fn in_perspective_the_distance_is_still_metres() {
    let camera = Camera { roll_deg: 5.0, ..Camera::new(1.2, 7.0, 30.0) };
    let outline = |half: f64| {
        let corners = [(-half, -half), (half, -half), (half, half), (-half, half)];
        area(&corners.map(|(x, y)| camera.sees(x, 13.0 + y, 0.0)))
    };
    let setback = Setback::measure(&camera.ground(), &outline(3.2), &outline(1.0), 2.0);
    close(setback.expect("on the floor").actual_m, 2.2, 1e-9);
}

#[test]
fn at_the_horizon_nothing_is_measured() {
    let ground = Camera::new(1.0, 5.0, 20.0).ground();
    let floor = area(&[(0.3, 0.7), (0.6, 0.7), (0.5, 0.9)]);
    let sky = area(&[(0.3, 0.01), (0.6, 0.01), (0.5, 0.1)]);
    let both = area(&[(0.3, 0.01), (0.6, 0.01), (0.5, 0.9)]);
    for hazard in [&sky, &both] {
        let refused = Setback::measure(&ground, &floor, hazard, 1.0);
        assert_eq!(refused, Err(SetbackError::HazardAboveHorizon));
        assert_eq!(band(&ground, hazard, 1.0), Err(SetbackError::HazardAboveHorizon));
    }
    assert_eq!(Setback::measure(&ground, &sky, &floor, 1.0), Err(SetbackError::ZoneAboveHorizon));
}

/// Length of lines on `map`, metres, and the distances of their points to a rectangle's nearest edge.
fn length_m(lines: &[Vec<(f64, f64)>]) -> f64 {
    let pairs = lines.iter().flat_map(|line| line.windows(2));
    pairs.map(|p| (20.0 * (p[0].0 - p[1].0)).hypot(20.0 * (p[0].1 - p[1].1))).sum()
}

#[test]
fn the_band_is_the_hazard_grown_by_the_setback_with_round_corners() {
    let ground = map();
    let lines = band(&ground, &area(&rectangle(8.0, 9.0, 12.0, 11.0)), 2.0).expect("on the floor");
    for &point in lines.iter().flatten() {
        let (x, y) = ground.metres(point).expect("a map");
        let away = (8.0 - x).max(x - 12.0).max(0.0).hypot((9.0 - y).max(y - 11.0).max(0.0));
        close(away, 2.0, 1e-6);
    }
    // Perimeter 12 m and one full circle.
    let wanted = 12.0 + std::f64::consts::TAU * 2.0;
    close(length_m(&lines), wanted, 0.02 * wanted);
}

#[test]
fn a_notch_in_the_hazard_is_filled() {
    // A U, 6 m wide, whose notch is 2 m wide: all of it is nearer than 1.5 m to the hazard.
    let notched = [(7.0, 7.0), (13.0, 7.0), (13.0, 12.0), (11.0, 12.0), (11.0, 9.0), (9.0, 9.0)];
    let outline: Vec<_> = notched
        .into_iter()
        .chain([(9.0, 12.0), (7.0, 12.0)])
        .map(|(x, y)| crate::camera::on_map(x, y))
        .collect();
    let ground = map();
    let lines = band(&ground, &area(&outline), 1.5).expect("on the floor");
    assert!(length_m(&lines) > 20.0);
    for &point in lines.iter().flatten() {
        let (x, y) = ground.metres(point).expect("a map");
        let in_notch = (9.0..11.0).contains(&x) && (9.0..12.0).contains(&y);
        assert!(!in_notch, "({x}, {y})");
    }
}

#[test]
fn the_band_ends_at_the_frame() {
    let lines = band(&map(), &area(&rectangle(0.5, 9.0, 3.0, 11.0)), 2.0).expect("on the floor");
    let inside = |p: &(f64, f64)| (0.0..=1.0).contains(&p.0) && (0.0..=1.0).contains(&p.1);
    assert!(!lines.is_empty() && lines.iter().flatten().all(inside));
    let camera = Camera::new(1.0, 5.0, 15.0);
    let far = [(-3.0, 90.0), (3.0, 90.0), (3.0, 95.0), (-3.0, 95.0)];
    let far = far.map(|(x, y)| camera.sees(x, y, 0.0));
    // Too small a picture for an area would be refused before; here it is wide enough.
    if let Ok(far) = Area::new(&[vec![far.to_vec()]]) {
        let lines = band(&camera.ground(), &far, 200.0).expect("on the floor");
        assert!(lines.iter().flatten().all(inside));
    }
}
