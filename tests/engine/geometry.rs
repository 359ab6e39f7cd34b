//! Areas, lines, places and distances in the picture (R5). The comparison with exact arithmetic is
//! in `exact`.

use proptest::prelude::*;
use standclear::engine::detection::{Detection, FrameSize, PixelBox, Score};
use standclear::engine::geometry::{Area, AreaError};
use standclear::engine::zone::{Crowd, Sighting};
use standclear::engine::{Anchor, Criterion, Verdict};

use crate::exact::{Point, coordinate, ring, turn};

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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// The index that finds who is near a zone leaves nobody out whom the zone would ask about.
    #[test]
    fn nobody_inside_or_within_the_margin_is_left_out_by_the_index(
        ring in ring(),
        boxes in prop::collection::vec(
            (-50.0..2000.0f64, -50.0..1100.0f64, 1.0..400.0f64, 1.0..800.0f64), 0..40,
        ),
        standing_px in prop::option::of(10.0..900.0f64),
    ) {
        let Ok(area) = Area::new(&[vec![ring]]) else { return Ok(()) };
        let size = FrameSize::new(1920, 1080).expect("positive");
        let sighting = |&(left, top, width, height): &(f64, f64, f64, f64)| {
            let bounds = PixelBox::new(left, top, width, height).expect("a box");
            let detection = Detection { bounds, score: Score::new(0.8).expect("a score") };
            let anchor = Anchor::of(&detection, size, None, standing_px);
            Sighting { detection, track: None, anchor, verdict: Verdict::Person }
        };
        let crowd = Crowd::new(boxes.iter().map(sighting).collect(), size);
        for criterion in [Criterion::Foot, Criterion::Any] {
            let near = crowd.near(&area, criterion);
            prop_assert!(near.is_sorted());
            for (index, seen) in crowd.sightings().iter().enumerate() {
                let margin_px = (0.08 * seen.detection.bounds.height()).max(3.0);
                let (from, to) = seen.anchor.stretch();
                let middle = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0);
                let foot = seen.anchor.foot_norm;
                let asked = [foot, from, middle, to];
                if asked.iter().any(|&point| area.is_within_px(point, size, margin_px)) {
                    prop_assert!(near.contains(&index), "{:?} {:?}", criterion, seen);
                }
                let corners = crowd.box_norm(index).map(|b| {
                    [(b.left, b.top), (b.right(), b.top), (b.left, b.bottom()),
                     (b.left + b.width / 2.0, b.top + b.height / 2.0)]
                });
                let touched = corners.is_some_and(|points| points.iter().any(|&p| area.contains(p)));
                if criterion == Criterion::Any && touched {
                    prop_assert!(near.contains(&index), "{:?}", seen);
                }
            }
        }
    }

    /// A path in pieces crosses a line as often as the whole: no foot that stops on the line, or on
    /// one of its corners, counts twice or not at all.
    #[test]
    fn line_is_crossed_as_often_in_pieces_as_at_once(
        line in prop::collection::vec((coordinate(), coordinate()), 2..6),
        from in (coordinate(), coordinate()),
        to in (coordinate(), coordinate()),
        pick in 0usize..6,
    ) {
        let Ok(line) = standclear::engine::geometry::Line::new(&line) else { return Ok(()) };
        prop_assert_eq!(line.crossings(from, to), -line.crossings(to, from));
        // A stop exactly on the way: rounding of other points would leave the straight path.
        let middle = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0);
        let exactly = turn(from, to, middle) == 0;
        if exactly {
            let pieces = line.crossings(from, middle) + line.crossings(middle, to);
            prop_assert_eq!(pieces, line.crossings(from, to));
        }
        // A walk around a closed triangle crosses each line as often in as out.
        let corner = line.points_norm()[pick % line.points_norm().len()];
        let around = line.crossings(from, corner) + line.crossings(corner, to);
        let back = line.crossings(to, corner) + line.crossings(corner, from);
        prop_assert_eq!(around, -back);
    }
}
