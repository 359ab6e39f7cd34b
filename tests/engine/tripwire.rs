//! Lines: who crosses, which way, how often; at every pace of the camera.

use std::time::Duration;

use proptest::prelude::*;
use standclear::engine::detection::Detection;
use standclear::engine::geometry::{Line, LineError};
use standclear::engine::{AlarmState, Direction, Duty, ZoneState};

use crate::world::{World, person, right_half, size};

/// Down the middle of the picture: its left is the picture's right side.
fn down() -> Vec<(f64, f64)> {
    vec![(0.5, 0.2), (0.5, 0.95)]
}

fn wire(points: &[(f64, f64)], direction: Direction) -> World {
    let line = Line::new(points).expect("a line");
    World::on_duty(vec![Duty::Tripwire { line, direction }])
}

/// A walk over the picture at 1.8 body heights a second, foot at 600 px down.
fn walk(from: f64, to: f64, t: f64) -> Vec<Detection> {
    let x = from + 180.0 * t * (to - from).signum();
    let over = if to > from { x > to } else { x < to };
    if over { vec![] } else { vec![person(x, 600.0, 0.8)] }
}

#[test]
fn direction_is_seen_along_the_line_on_the_picture() {
    use Direction::{Both, LeftToRight, RightToLeft};
    // Down the line, its left is where x grows.
    for (from, to, direction, incidents) in [
        (200.0, 800.0, RightToLeft, 1),
        (200.0, 800.0, LeftToRight, 0),
        (800.0, 200.0, LeftToRight, 1),
        (800.0, 200.0, RightToLeft, 0),
        (200.0, 800.0, Both, 1),
        (800.0, 200.0, Both, 1),
    ] {
        let mut world = wire(&down(), direction);
        world.film(10.0, 40, |i| walk(from, to, i as f64 / 10.0));
        assert_eq!(world.incidents(), incidents, "{from} to {to}, {direction:?}");
    }
}

#[test]
fn a_crossing_ends_by_itself() {
    let mut world = wire(&down(), Direction::Both);
    world.film(10.0, 20, |i| walk(300.0, 900.0, i as f64 / 10.0));
    assert_eq!((world.incidents(), world.state()), (1, ZoneState::Occupied));
    world.film(10.0, 15, |_| vec![]);
    assert_eq!(world.state(), ZoneState::Clear);
    assert_eq!(world.intrusion(), AlarmState::ReturnedUnacknowledged);
}

#[test]
fn walking_past_the_end_of_the_line_is_no_crossing() {
    let mut world = wire(&[(0.5, 0.2), (0.5, 0.55)], Direction::Both);
    world.film(10.0, 40, |i| walk(200.0, 800.0, i as f64 / 10.0));
    assert_eq!(world.incidents(), 0);
}

#[test]
fn jitter_on_the_line_counts_at_most_once() {
    let mut world = wire(&down(), Direction::Both);
    world.film(10.0, 300, |i| {
        let jitter = [4.0, -3.0, 2.0, -5.0, 1.0, -1.0, 0.0][i % 7];
        vec![person(500.0 + jitter, 600.0, 0.8)]
    });
    assert!(world.entries() <= 1, "{} crossings of somebody who stands", world.entries());
}

#[test]
fn a_jump_beyond_reach_never_crosses() {
    let mut world = wire(&down(), Direction::Both);
    world.film(10.0, 40, |i| {
        let x = if i % 2 == 0 { 100.0 } else { 900.0 };
        vec![person(x, 600.0, 0.8)]
    });
    assert_eq!(world.incidents(), 0);
}

#[test]
fn one_errant_picture_beyond_the_line_is_no_crossing() {
    let mut world = wire(&down(), Direction::Both);
    world.film(10.0, 40, |i| vec![person(if i == 20 { 530.0 } else { 450.0 }, 600.0, 0.8)]);
    assert_eq!(world.incidents(), 0);
}

#[test]
fn whoever_leaves_the_picture_after_one_look_beyond_the_line_has_crossed() {
    let mut world = wire(&down(), Direction::Both);
    world.film(5.0, 12, |i| {
        if i < 6 { vec![person(340.0 + 36.0 * i as f64, 600.0, 0.8)] } else { vec![] }
    });
    assert_eq!(world.incidents(), 1);
}

#[test]
fn there_and_back_is_one_crossing_each_way() {
    let mut world = wire(&down(), Direction::Both);
    let there = |t: f64| 300.0 + 180.0 * t;
    world.film(10.0, 60, |i| {
        let t = i as f64 / 10.0;
        let x = if t < 2.5 { there(t) } else { there(2.5) - 180.0 * (t - 2.5) };
        vec![person(x.max(200.0), 600.0, 0.8)]
    });
    assert_eq!(world.entries(), 2);
}

#[test]
fn a_path_through_a_corner_of_the_line_counts_once() {
    let bent = Line::new(&[(0.5, 0.2), (0.5, 0.5), (0.6, 0.9)]).expect("a line");
    assert_eq!(bent.crossings((0.4, 0.5), (0.7, 0.5)), -1);
    assert_eq!(bent.crossings((0.7, 0.5), (0.4, 0.5)), 1);
    let stops_on_it =
        bent.crossings((0.4, 0.5), (0.5, 0.5)) + bent.crossings((0.5, 0.5), (0.7, 0.5));
    assert_eq!(stops_on_it, -1, "in two steps as in one");
}

#[test]
fn lines_that_are_none_are_refused_with_the_point() {
    assert_eq!(Line::new(&[(0.1, 0.1)]), Err(LineError::TooFewPoints { points: 1 }));
    let outside = Line::new(&[(0.1, 0.1), (1.2, 0.1)]);
    assert_eq!(outside, Err(LineError::OutsideFrame { point: 2, at: (1.2, 0.1) }));
    let nan = Line::new(&[(f64::NAN, 0.1), (0.2, 0.1)]);
    assert!(matches!(nan, Err(LineError::OutsideFrame { point: 1, .. })));
    let same = Line::new(&[(0.1, 0.1), (0.5, 0.1), (0.5, 0.1)]);
    assert_eq!(same, Err(LineError::TooShort { point: 3 }));
}

#[test]
fn distance_to_a_line_is_in_pixels() {
    let line = Line::new(&down()).expect("a line");
    assert!((line.distance_px((0.4, 0.5), size()) - 100.0).abs() < 1e-9);
}

#[test]
fn a_zone_beside_the_line_does_not_mind_it() {
    let mut world = World::new(&[right_half()]);
    world.film(10.0, 20, |_| vec![person(450.0, 600.0, 0.8)]);
    assert_eq!(world.incidents(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The same crossing at 5 to 30 pictures a second with 30 % of them dropped.
    #[test]
    fn crossing_is_found_at_every_pace_with_pictures_dropped(
        drops in prop::collection::vec(0u8..10, 140),
        fps in prop::sample::select(vec![5.0, 10.0, 15.0, 30.0]),
    ) {
        let mut world = wire(&down(), Direction::RightToLeft);
        let start = world.now;
        let mut dropped = 0;
        for i in 0..(8.0 * fps) as usize {
            let due = start.after(Duration::from_secs_f64(i as f64 / fps));
            world.wait(due.since(world.now));
            // Never more than half a second without a picture: beyond, the camera counts as blind.
            if drops[i % drops.len()] < 3 && (f64::from(dropped) + 1.0) / fps < 0.5 {
                dropped += 1;
                continue;
            }
            dropped = 0;
            let x = (250.0 + 90.0 * i as f64 / fps).min(900.0);
            world.picture(&[person(x, 600.0, 0.8)]);
        }
        prop_assert_eq!((world.incidents(), world.entries()), (1, 1));
    }
}
