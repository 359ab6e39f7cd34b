//! What is too small to be a person, and what never is.

use proptest::prelude::*;
use standclear::engine::plausible::{may_be_hidden_by, too_small};

use crate::camera::{Camera, map};

/// A body as a box over the floor: along and across its direction, from this low to this high.
fn body(camera: &Camera, at: (f64, f64), turn: f64, size: (f64, f64), z: (f64, f64)) -> [f64; 4] {
    let (s, c) = turn.sin_cos();
    let signs = [(-0.5, -0.5), (-0.5, 0.5), (0.5, -0.5), (0.5, 0.5)];
    camera.bounds(signs.iter().flat_map(|&(a, b)| {
        let (u, v) = (a * size.0, b * size.1);
        let (x, y) = (at.0 + u * c - v * s, at.1 + u * s + v * c);
        [(x, y, z.0), (x, y, z.1)]
    }))
}

fn seen() -> impl Strategy<Value = (Camera, (f64, f64), f64)> {
    (0.8..3.0, 3.0..15.0, 10.0..80.0, 0.05..0.95, 0.05..0.95, 0.0..std::f64::consts::TAU)
        .prop_filter_map(
            "on the floor, no farther than 60 m",
            |(focal, height, tilt, x, y, turn)| {
                let camera = Camera::new(focal, height, tilt);
                let at = camera.ground().metres((x, y))?;
                (at.0.hypot(at.1) < 60.0).then_some((camera, at, turn))
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    // Sizes of a small adult in work clothes, in every place and direction.
    #[test]
    fn a_standing_person_is_never_too_small((camera, at, turn) in seen()) {
        let bounds = body(&camera, at, turn, (0.28, 0.44), (0.0, 1.5));
        prop_assert!(!too_small(&camera.ground(), bounds), "{bounds:?}");
    }

    #[test]
    fn a_crouching_person_is_never_too_small((camera, at, turn) in seen()) {
        let bounds = body(&camera, at, turn, (0.5, 0.44), (0.0, 0.75));
        prop_assert!(!too_small(&camera.ground(), bounds), "{bounds:?}");
    }

    #[test]
    fn a_lying_person_is_never_too_small((camera, at, turn) in seen()) {
        for (size, high) in [((1.5, 0.45), 0.22), ((1.5, 0.26), 0.42)] {
            let bounds = body(&camera, at, turn, size, (0.0, high));
            prop_assert!(!too_small(&camera.ground(), bounds), "{size:?}: {bounds:?}");
        }
    }

    #[test]
    fn the_upper_half_over_a_machine_is_never_too_small((camera, at, turn) in seen()) {
        // Seen from the hip up; the box ends where the machine begins.
        let visible = body(&camera, at, turn, (0.28, 0.44), (0.8, 1.5));
        prop_assert!(!too_small(&camera.ground(), visible), "{visible:?}");
    }

    #[test]
    fn a_thing_half_as_large_as_a_head_and_shoulders_is_too_small((camera, at, turn) in seen()) {
        let bounds = body(&camera, at, turn, (0.15, 0.15), (0.0, 0.15));
        let inner = |v: f64| (0.02..0.98).contains(&v);
        let inside = inner(bounds[0]) && inner(bounds[1]);
        if inside && inner(bounds[0] + bounds[2]) && inner(bounds[1] + bounds[3]) {
            prop_assert!(too_small(&camera.ground(), bounds), "{bounds:?}");
        }
    }
}

#[test]
fn at_the_frames_edge_nothing_is_too_small() {
    let camera = Camera::new(1.2, 7.0, 30.0);
    let ground = camera.ground();
    let small = |left: f64, top: f64| too_small(&ground, [left, top, 0.005, 0.01]);
    assert!(small(0.5, 0.5));
    for (left, top) in [(0.0, 0.5), (0.99, 0.5), (0.5, 0.985), (0.005, 0.5)] {
        assert!(!small(left, top), "({left}, {top})");
    }
    assert!(!too_small(&ground, [0.5, 0.0, 0.005, 0.9]));
}

#[test]
fn where_size_is_unknown_nothing_is_too_small() {
    assert!(!too_small(&map(), [0.5, 0.5, 0.001, 0.001]));
    let ground = Camera::new(1.0, 5.0, 20.0).ground();
    assert!(!too_small(&ground, [0.5, 0.05, 0.001, 0.001]), "above the horizon");
    assert!(!too_small(&ground, [f64::NAN, 0.5, 0.1, 0.1]));
}

#[test]
fn a_head_behind_somebody_may_be_hidden_and_one_in_the_open_is_not() {
    let camera = Camera::new(1.2, 7.0, 25.0);
    let ground = camera.ground();
    let (size, whole) = ((0.3, 0.45), (0.0, 1.75));
    let behind = body(&camera, (0.1, 13.0), 1.57, size, (1.45, 1.75));
    let front = body(&camera, (0.0, 12.0), 1.57, size, whole);
    let aside = body(&camera, (2.0, 12.0), 1.57, size, whole);
    let beyond = body(&camera, (0.0, 17.0), 1.57, size, whole);
    assert!(may_be_hidden_by(&ground, behind, front));
    assert!(!may_be_hidden_by(&ground, behind, aside), "beside");
    assert!(!may_be_hidden_by(&ground, behind, beyond), "farther away");
    assert!(!may_be_hidden_by(&ground, behind, behind), "the same box");
    assert!(!may_be_hidden_by(&map(), behind, front), "without heights");
}

#[test]
fn somebody_lying_with_the_head_towards_the_camera_is_never_too_small() {
    // The smallest picture of a body: from near the horizon to straight down, on the back and on the
    // side, and up to 10° off the line of sight.
    for height_m in [3.0, 5.0, 8.0, 15.0] {
        for down_deg in (2..=85).step_by(1).map(f64::from) {
            let y = height_m / f64::tan(down_deg.to_radians());
            let camera = Camera::new(2.0, height_m, down_deg);
            for off_deg in [-10.0, -5.0, 0.0, 5.0, 10.0_f64] {
                let turn = (90.0 + off_deg).to_radians();
                for (size, high) in [((1.5, 0.45), 0.22), ((1.5, 0.26), 0.42)] {
                    let bounds = body(&camera, (0.0, y), turn, size, (0.0, high));
                    let small = too_small(&camera.ground(), bounds);
                    assert!(!small, "{height_m} m, {down_deg}°, {off_deg}°, {size:?}");
                }
            }
        }
    }
}
