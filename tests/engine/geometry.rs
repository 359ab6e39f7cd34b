//! Inside or outside, compared with exact rational arithmetic (R5).

use num_bigint::BigInt;
use num_rational::BigRational;
use proptest::prelude::*;
use standclear::engine::detection::{FrameSize, PixelBox};
use standclear::engine::geometry::{Area, AreaError};

type Point = (f64, f64);

fn exact(value: f64) -> BigRational {
    BigRational::from_float(value).expect("finite")
}

/// The sign of the turn a → b → c, without rounding.
fn turn(a: Point, b: Point, c: Point) -> i32 {
    let (ax, ay) = (exact(a.0), exact(a.1));
    let (bx, by) = (exact(b.0) - &ax, exact(b.1) - &ay);
    let (cx, cy) = (exact(c.0) - &ax, exact(c.1) - &ay);
    let cross = bx * cy - by * cx;
    let zero = BigRational::from_integer(BigInt::from(0));
    i32::from(cross > zero) - i32::from(cross < zero)
}

/// Inside or on the edge of a simple ring, by crossing number, without rounding.
fn inside_exactly(ring: &[Point], p: Point) -> bool {
    let mut inside = false;
    for i in 0..ring.len() {
        let (a, b) = (ring[i], ring[(i + 1) % ring.len()]);
        let within = |v: f64, s: f64, t: f64| v >= s.min(t) && v <= s.max(t);
        if turn(a, b, p) == 0 && within(p.0, a.0, b.0) && within(p.1, a.1, b.1) {
            return true;
        }
        if (a.1 > p.1) != (b.1 > p.1) {
            let upward = b.1 > a.1;
            let side = turn(a, b, p);
            if (upward && side > 0) || (!upward && side < 0) {
                inside = !inside;
            }
        }
    }
    inside
}

/// Corners on a coarse grid make collinear, vertical and touching cases common.
fn coordinate() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => (0u32..=16).prop_map(|n| f64::from(n) / 16.0),
        1 => (0u32..=10).prop_map(|n| f64::from(n) / 10.0),
        2 => 0.0..=1.0f64,
    ]
}

fn ring() -> impl Strategy<Value = Vec<Point>> {
    prop::collection::vec((coordinate(), coordinate()), 3..9)
}

/// Points of the picture, and points exactly on corners and midway on edges of the ring.
fn probe(ring: &[Point], pick: usize, free: Point) -> Point {
    let (a, b) = (ring[pick % ring.len()], ring[(pick + 1) % ring.len()]);
    match pick % 3 {
        0 => a,
        1 => ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0),
        _ => free,
    }
}

/// Cases of the exact comparison; `STANDCLEAR_CASES=1000000` is the long run.
fn cases() -> u32 {
    std::env::var("STANDCLEAR_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000)
}

#[test]
fn inside_equals_exact_rational_arithmetic() {
    let config =
        ProptestConfig { cases: cases(), max_global_rejects: u32::MAX, ..Default::default() };
    let strategy = (ring(), any::<usize>(), (coordinate(), coordinate()));
    let mut compared = 0u32;
    let counter = std::cell::RefCell::new(&mut compared);
    proptest!(config, |((ring, pick, free) in strategy)| {
        if let Ok(area) = Area::new(&[vec![ring.clone()]]) {
            let p = probe(&ring, pick, free);
            prop_assert_eq!(area.contains(p), inside_exactly(&ring, p), "ring {:?} point {:?}", ring, p);
            **counter.borrow_mut() += 1;
        }
    });
    assert!(compared > cases() / 10, "only {compared} valid rings: the test compares too little");
}

#[test]
fn hole_is_outside_but_its_edge_is_inside() {
    let outer = vec![(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)];
    let hole = vec![(0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6)];
    let area = Area::new(&[vec![outer, hole]]).expect("valid");
    assert!(area.contains((0.2, 0.2)));
    assert!(!area.contains((0.5, 0.5)));
    assert!(area.contains((0.4, 0.5)), "the hole's edge belongs to the zone");
    assert!(area.contains((0.1, 0.9)), "a corner belongs to the zone");
}

#[test]
fn two_polygons_are_one_zone() {
    let left = vec![(0.0, 0.0), (0.2, 0.0), (0.2, 0.2), (0.0, 0.2)];
    let right = vec![(0.8, 0.8), (1.0, 0.8), (1.0, 1.0), (0.8, 1.0)];
    let area = Area::new(&[vec![left], vec![right]]).expect("valid");
    assert!(area.contains((0.1, 0.1)) && area.contains((1.0, 1.0)) && !area.contains((0.5, 0.5)));
}

#[test]
fn refused_polygons_say_what_is_wrong_and_where() {
    let refusal = |rings: Vec<Vec<Point>>| Area::new(&[rings]).expect_err("must be refused");
    let bow_tie = vec![(0.1, 0.1), (0.9, 0.9), (0.9, 0.1), (0.1, 0.9)];
    match refusal(vec![bow_tie]) {
        AreaError::SelfIntersection { edges: (1, 3), at, .. } => assert_eq!(at, (0.5, 0.5)),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        refusal(vec![vec![(0.1, 0.1), (0.9, 0.9)]]),
        AreaError::TooFewCorners { corners: 2, .. }
    ));
    assert!(matches!(
        refusal(vec![vec![(0.1, 0.1), (1.1, 0.1), (0.5, 0.5)]]),
        AreaError::OutsideFrame { corner: 2, .. }
    ));
    assert!(matches!(
        refusal(vec![vec![(0.1, 0.1), (f64::NAN, 0.1), (0.5, 0.5)]]),
        AreaError::OutsideFrame { corner: 2, .. }
    ));
    assert!(matches!(
        refusal(vec![vec![(0.1, 0.1), (0.1, 0.1), (0.5, 0.1), (0.5, 0.5)]]),
        AreaError::RepeatedCorner { corner: 2, .. }
    ));
    // A line there and back has no area: its edges lie on each other.
    assert!(matches!(
        refusal(vec![vec![(0.1, 0.1), (0.5, 0.1), (0.9, 0.1)]]),
        AreaError::SelfIntersection { .. }
    ));
    assert!(matches!(
        refusal(vec![vec![(0.1, 0.1), (0.11, 0.1), (0.11, 0.11)]]),
        AreaError::TooSmall { .. }
    ));
    let outer = vec![(0.1, 0.1), (0.5, 0.1), (0.5, 0.5), (0.1, 0.5)];
    let stray_hole = vec![(0.6, 0.6), (0.8, 0.6), (0.8, 0.8)];
    assert!(matches!(refusal(vec![outer, stray_hole]), AreaError::Invalid { .. }));
    assert!(matches!(Area::new(&[]), Err(AreaError::Empty)));
}

#[test]
fn closed_and_open_rings_are_the_same_area() {
    let open = vec![(0.2, 0.2), (0.8, 0.2), (0.5, 0.8)];
    let mut closed = open.clone();
    closed.push(open[0]);
    assert_eq!(Area::new(&[vec![open]]), Area::new(&[vec![closed]]));
}

#[test]
fn anchor_is_the_bottom_centre_of_the_part_inside_the_frame() {
    let size = FrameSize::new(200, 100).expect("positive");
    let at = |l, t, w, h| PixelBox::new(l, t, w, h).expect("a box").anchor_norm(size);
    assert_eq!(at(20.0, 10.0, 40.0, 50.0), (0.2, 0.6));
    assert_eq!(at(20.0, 60.0, 40.0, 80.0), (0.2, 1.0), "cut by the lower edge");
    assert_eq!(at(-20.0, 10.0, 40.0, 50.0), (0.05, 0.6), "cut by the left edge");
}

#[test]
fn distance_to_a_zone_is_in_pixels_of_the_frame() {
    let area = Area::new(&[vec![vec![(0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)]]]);
    let size = FrameSize::new(200, 100).expect("positive");
    let area = area.expect("valid");
    assert!((area.distance_px((0.4, 0.5), size) - 20.0).abs() < 1e-9);
    assert_eq!(area.distance_px((0.7, 0.5), size), 0.0);
}

#[test]
fn depth_does_not_count_edges_on_the_pictures_border() {
    let area = Area::new(&[vec![vec![(0.5, 0.5), (1.0, 0.5), (1.0, 1.0), (0.5, 1.0)]]]);
    let area = area.expect("valid");
    let size = FrameSize::new(200, 100).expect("positive");
    assert!((area.depth_px((0.9, 1.0), size) - 50.0).abs() < 1e-9, "on the lower border");
    assert_eq!(area.depth_px((0.5, 0.8), size), 0.0, "on the left edge");
    assert_eq!(area.depth_px((0.2, 0.8), size), 0.0, "outside");
}
