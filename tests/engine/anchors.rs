//! Feet that machines and the picture's edge hide (R9), and people who only look as if.

use proptest::prelude::*;
use standclear::engine::detection::{Detection, PixelBox, Score};
use standclear::engine::ground::Ground;
use standclear::engine::zone::Rules;
use standclear::engine::{Anchor, AnchorHow, CameraSpec, Restored, ZoneSpec, ZoneState};

use crate::floor::{floor, patch, pixel, somebody, standing};
use crate::world::{CAMERA, World, person_sized, size};

/// A zone on the floor, seen by a calibrated camera or by one that is not.
fn world(y_m: (f64, f64), ground: Option<Ground>) -> World {
    let zones = vec![ZoneSpec::restricted(patch((-2.0, 2.0), y_m), Rules::DEFAULT)];
    World::of(CameraSpec { zones, ground, marks: vec![] }, &Restored::default())
}

fn anchor(detection: &Detection) -> Anchor {
    Anchor::of(detection, size(), Some(&floor()), None)
}

/// Somebody who stands 10 m away of whom only head and chest show.
fn behind_a_bench() -> Detection {
    somebody(0.0, 10.0, 1.75, 0.65, 1.1)
}

#[test]
fn hidden_feet_are_found_below_the_head_by_a_persons_height() {
    let found = anchor(&behind_a_bench());
    assert_eq!(found.how, AnchorHow::Head);
    let (from, to) = found.stretch();
    let (_, foot_px) = pixel(0.0, 10.0, 0.0);
    assert!(from.1 * 1000.0 <= foot_px && foot_px <= to.1 * 1000.0, "{from:?} {foot_px} {to:?}");
    assert!(to.1 - from.1 < 0.06, "it is a place, not half the picture: {from:?} to {to:?}");
}

#[test]
fn somebody_whose_hidden_feet_are_inside_alarms_though_the_box_ends_outside() {
    let mut seen = world((9.0, 11.0), Some(floor()));
    seen.film(10.0, 10, |_| vec![behind_a_bench()]);
    assert_eq!(seen.incidents(), 1);
    let beyond = world((6.0, 8.0), Some(floor()));
    let mut beyond = beyond;
    beyond.film(10.0, 10, |_| vec![behind_a_bench()]);
    assert_eq!(beyond.incidents(), 0, "the feet are not there either");
}

#[test]
fn foot_of_the_box_still_counts_when_the_estimate_lies_outside() {
    let seen = behind_a_bench();
    let (x, y) = seen.bounds.anchor_norm(size());
    let strip =
        vec![(x - 0.1, y - 0.01), (x + 0.1, y - 0.01), (x + 0.1, y + 0.01), (x - 0.1, y + 0.01)];
    let (from, _) = anchor(&seen).stretch();
    assert!(from.1 > y + 0.02, "the estimate is below the strip");
    let zones = vec![ZoneSpec::restricted(crate::world::area(&strip), Rules::DEFAULT)];
    let spec = CameraSpec { zones, ground: Some(floor()), marks: vec![] };
    let mut world = World::of(spec, &Restored::default());
    world.film(10.0, 10, |_| vec![seen]);
    assert_eq!(world.incidents(), 1);
}

#[test]
fn who_crouches_sits_or_lies_in_full_view_keeps_their_feet() {
    for (height_m, width_m, what) in [
        (1.75, 0.7, "stands"),
        (1.6, 0.9, "stands with arms out"),
        (1.3, 0.7, "sits"),
        (1.05, 0.75, "crouches"),
        (1.0, 0.8, "crouches low"),
        (0.45, 1.75, "lies across"),
    ] {
        let mut below = world((7.0, 9.4), Some(floor()));
        let body = || somebody(0.0, 10.0, height_m, width_m, 0.0);
        assert_eq!(anchor(&body()).how, AnchorHow::Box, "{what}");
        below.film(10.0, 20, |_| vec![body()]);
        assert_eq!(below.incidents(), 0, "somebody who {what} behind the zone");
    }
}

#[test]
fn nobody_stands_above_the_horizon_so_their_feet_are_hidden() {
    // 3 m above the floor and 30 m away, behind a parapet: only the head, above the horizon.
    let head = person_sized(500.0, 120.0, 16.0, 20.0, 0.8);
    assert_eq!(floor().metres((0.5, 0.12)), None);
    assert_ne!(anchor(&head).how, AnchorHow::Box);
}

#[test]
fn box_cut_by_the_lower_edge_has_its_feet_at_the_edge_or_below() {
    let cut = person_sized(500.0, 1000.0, 120.0, 180.0, 0.8);
    for ground in [None, Some(floor())] {
        let found = Anchor::of(&cut, size(), ground.as_ref(), None);
        assert_ne!(found.how, AnchorHow::Box);
        assert_eq!(found.stretch().1.1, 1.0, "{found:?}");
        assert_eq!(found.foot_norm, (0.5, 1.0));
    }
}

#[test]
fn without_a_ground_head_and_shoulders_reach_down_and_who_crouches_does_not() {
    let plain = |detection: &Detection| Anchor::of(detection, size(), None, None);
    let bust = plain(&person_sized(500.0, 400.0, 60.0, 60.0, 0.8));
    assert_eq!(bust.how, AnchorHow::Conservative);
    let (from, to) = bust.stretch();
    assert_eq!(from, (0.5, 0.4));
    assert!((to.1 - 0.54).abs() < 1e-9, "no lower than a narrow person's feet: {to:?}");
    for (width, height, what) in
        [(40.0, 100.0, "stands"), (60.0, 75.0, "crouches"), (110.0, 40.0, "lies")]
    {
        let found = plain(&person_sized(500.0, 400.0, width, height, 0.8));
        assert_eq!(found.how, AnchorHow::Box, "somebody who {what}");
    }
}

#[test]
fn conservative_feet_that_only_pass_over_a_zone_are_inside() {
    // A strip 20 px high, below the box and above the lowest place the feet can be.
    let strip = vec![(0.3, 0.45), (0.7, 0.45), (0.7, 0.47), (0.3, 0.47)];
    let mut world = World::new(&[strip]);
    world.film(10.0, 10, |_| vec![person_sized(500.0, 400.0, 60.0, 60.0, 0.8)]);
    assert_eq!(world.incidents(), 1);
}

/// Walks along a bench that hides everything below 0.9 m from x = 0 on.
fn along_a_bench(t: f64, y: f64) -> Detection {
    let x = -1.5 + 0.7 * t;
    let hidden_m = if x < 0.0 { 0.0 } else { 0.9 };
    somebody(x, y, 1.75, 0.6, hidden_m)
}

#[test]
fn somebody_inside_whose_legs_go_behind_a_machine_stays_inside_with_or_without_a_ground() {
    for ground in [None, Some(floor())] {
        let mut world = world((9.0, 10.8), ground);
        world.film(10.0, 50, |i| vec![along_a_bench(i as f64 / 10.0, 10.0)]);
        let looked = world.engine.looked(CAMERA)[0];
        assert_eq!(looked.anchor.how, AnchorHow::Head);
        assert_eq!(world.state(), ZoneState::Occupied);
        assert_eq!((world.incidents(), world.entries()), (1, 1));
    }
}

#[test]
fn somebody_who_crouches_down_or_walks_away_is_not_taken_for_hidden() {
    let mut world = world((7.0, 9.4), Some(floor()));
    world.film(10.0, 40, |i| {
        let height_m = (1.75 - 0.1 * (i as f64 - 10.0).max(0.0)).max(1.05);
        vec![somebody(0.0, 10.0, height_m, 0.75, 0.0)]
    });
    world.film(10.0, 60, |i| vec![standing(0.0, 10.0 + 0.2 * i as f64)]);
    assert_eq!(world.incidents(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// A correction adds a place at or below what is seen; the foot of the box always counts.
    #[test]
    fn correction_never_moves_anybody_out(
        left in -100.0..1000.0f64, top in -100.0..1000.0f64,
        width in 2.0..400.0f64, height in 2.0..800.0f64,
        standing_px in prop::option::of(10.0..900.0f64),
        calibrated in any::<bool>(),
    ) {
        let bounds = PixelBox::new(left, top, width, height).expect("a box");
        let detection = Detection { bounds, score: Score::new(0.8).expect("a score") };
        let ground = floor();
        let ground = calibrated.then_some(&ground);
        let corrected = Anchor::of(&detection, size(), ground, standing_px);
        prop_assert_eq!(corrected.foot_norm, Anchor::of_box(&detection, size()).foot_norm);
        let (from, to) = corrected.stretch();
        for point in [from, to] {
            prop_assert!((0.0..=1.0).contains(&point.0) && (0.0..=1.0).contains(&point.1));
            prop_assert!(point.1 >= corrected.foot_norm.1 - 1e-9, "{:?}", corrected);
        }
        prop_assert_eq!(corrected.estimated.is_some(), corrected.how != AnchorHow::Box);
    }
}
