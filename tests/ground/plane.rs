//! From picture to floor and back.

use proptest::prelude::*;
use standclear::engine::geometry::Area;
use standclear::engine::ground::{Ground, GroundError};
use standclear::engine::ground_area::{GroundArea, Horizon};

use crate::camera::{Camera, close, map, on_map};

pub fn cameras() -> impl Strategy<Value = Camera> {
    (0.6..4.0, 2.5..25.0, 8.0..75.0, -15.0..15.0, 0.7..2.4).prop_map(
        |(focal, height_m, tilt_deg, roll_deg, aspect)| Camera {
            focal,
            height_m,
            tilt_deg,
            roll_deg,
            aspect,
        },
    )
}

proptest! {
    #[test]
    fn picture_to_floor_and_back_is_where_it_was(
        camera in cameras(), x in 0.0..1.0, y in 0.0..1.0,
    ) {
        let ground = camera.ground();
        if let Some(place) = ground.metres((x, y)) {
            let back = ground.image(place).expect("a place that was seen is seen");
            close(back.0, x, 1e-7);
            close(back.1, y, 1e-7);
            let seen = camera.sees(place.0, place.1, 0.0);
            close(seen.0, x, 1e-7);
            close(seen.1, y, 1e-7);
        }
    }

    #[test]
    fn head_and_foot_find_each_other(
        camera in cameras(), x in 0.0..1.0, y in 0.0..1.0, height_m in 1.4..2.0,
    ) {
        let ground = camera.ground();
        if let Some(head) = ground.head_norm((x, y), height_m) {
            let place = ground.metres((x, y)).expect("a head has a foot");
            let seen = camera.sees(place.0, place.1, height_m);
            close(head.0, seen.0, 1e-6 * (1.0 + head.0.abs()));
            close(head.1, seen.1, 1e-6 * (1.0 + head.1.abs()));
            let foot = ground.foot_from_head(head, height_m).expect("below the camera");
            close(foot.0, x, 1e-5);
            close(foot.1, y, 1e-5);
        }
    }

    #[test]
    fn the_sign_and_scale_of_the_numbers_mean_nothing(
        camera in cameras(), factor in prop_oneof![-50.0..-0.02, 0.02..50.0_f64], x in 0.0..1.0, y in 0.0..1.0,
    ) {
        let scaled = Ground::from_camera(camera.matrix().map(|r| r.map(|v| v * factor)), 0.0);
        let (one, other) = (camera.ground().metres((x, y)), scaled.expect("the same").metres((x, y)));
        prop_assert_eq!(one.is_some(), other.is_some());
        if let (Some(one), Some(other)) = (one, other) {
            close(one.0, other.0, 1e-6 * (1.0 + one.0.abs()));
            close(one.1, other.1, 1e-6 * (1.0 + one.1.abs()));
        }
    }

    #[test]
    fn no_number_makes_it_panic(
        rows in prop::array::uniform3(prop::array::uniform4(any::<f64>())),
        points in prop::array::uniform4(any::<f64>()),
    ) {
        if let Ok(ground) = Ground::from_camera(rows, 0.0) {
            let [a, b, c, d] = points;
            let _ = (ground.metres((a, b)), ground.image((c, d)), ground.head_norm((a, b), c));
            let _ = (ground.foot_from_head((a, b), c), ground.visible((a, b), (c, d)));
            prop_assert!(ground.metres((a, b)).is_none_or(|p| p.0.is_finite() && p.1.is_finite()));
            standclear::engine::plausible::too_small(&ground, points);
        }
    }
}

#[test]
fn nothing_stands_at_or_above_the_horizon() {
    // 20° down, focal length 1: the horizon is tan 20° above the middle of the picture.
    let ground = Camera::new(1.0, 5.0, 20.0).ground();
    let horizon = 0.5 - 20.0_f64.to_radians().tan();
    for x in [0.0, 0.3, 1.0] {
        assert_eq!(ground.metres((x, horizon)), None);
        assert_eq!(ground.metres((x, horizon - 0.01)), None);
        assert_eq!(ground.head_norm((x, horizon - 0.01), 1.8), None);
        assert!(ground.metres((x, horizon + 0.01)).is_some());
    }
}

#[test]
fn what_is_behind_the_camera_is_not_seen() {
    let ground = Camera::new(1.0, 5.0, 20.0).ground();
    assert_eq!(ground.image((0.0, -30.0)), None);
    assert!(ground.image((0.0, 30.0)).is_some());
}

#[test]
fn a_head_at_the_height_of_the_camera_says_nothing_of_the_feet() {
    let ground = Camera::new(1.0, 1.7, 10.0).ground();
    assert_eq!(ground.foot_from_head((0.5, 0.5), 1.7), None);
    assert_eq!(ground.foot_from_head((0.5, 0.5), 1.9), None);
}

#[test]
fn the_place_and_height_of_the_camera_are_found() {
    let (x, y, height) =
        Camera::new(1.3, 6.5, 31.0).ground().camera_m().expect("heights are known");
    close(x, 0.0, 1e-9);
    close(y, 0.0, 1e-9);
    close(height, 6.5, 1e-9);
    assert_eq!(map().camera_m(), None);
}

#[test]
fn a_person_in_the_middle_is_as_tall_as_the_lens_says() {
    // Level camera at eye height 1.8 m would see 1.8 m at 9 m as focal * 0.2; from 5 m high, the foot
    // at 10 m is focal * 5/10 below the horizon and the head focal * 3.2/10.
    let ground = Camera::new(0.9, 5.0, 0.0).ground();
    let foot = ground.image((0.0, 10.0)).expect("ahead");
    close(foot.1, 0.5 + 0.9 * 0.5, 1e-12);
    close(ground.expected_height_norm(foot, 1.8).expect("heights"), 0.9 * 0.18, 1e-12);
}

#[test]
fn without_heights_nothing_is_said_of_heads() {
    let ground = map();
    assert!(ground.metres((0.5, 0.5)).is_some());
    assert_eq!(ground.head_norm((0.5, 0.5), 1.8), None);
    assert_eq!(ground.foot_from_head((0.5, 0.5), 1.8), None);
    assert_eq!(ground.expected_height_norm((0.5, 0.5), 1.8), None);
}

#[test]
fn numbers_that_are_no_floor_are_refused() {
    let flat = [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 0.0, 1.0]];
    assert_eq!(Ground::from_plane(flat, 0.0), Err(GroundError::EdgeOn));
    assert_eq!(Ground::from_plane([[0.0; 3]; 3], 0.0), Err(GroundError::EdgeOn));
    let nan = [[f64::NAN, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    assert_eq!(Ground::from_plane(nan, 0.0), Err(GroundError::NotFinite));
    let fine = [[0.05, 0.0, 0.0], [0.0, -0.05, 1.0], [0.0, 0.0, 1.0]];
    assert!(matches!(Ground::from_plane(fine, -1.0), Err(GroundError::BadResidual { .. })));
    // A camera whose horizon is the lower edge of the picture: half the view below the horizontal.
    let level = Camera::new(0.5, 5.0, -45.0);
    assert_eq!(Ground::from_camera(level.matrix(), 0.0), Err(GroundError::NoFloor));
    // Up and down mixed up.
    let below = Camera::new(1.0, 5.0, 20.0).matrix().map(|[x, y, z, one]| [x, y, -z, one]);
    assert!(matches!(
        Ground::from_camera(below, 0.0),
        Err(GroundError::CameraBelow { height_m }) if height_m < 0.0
    ));
}

#[test]
fn a_mirrored_plan_has_the_same_distances_and_heights() {
    let camera = Camera::new(1.1, 6.0, 25.0);
    let mirrored = camera.matrix().map(|[x, y, z, one]| [-x, y, z, one]);
    let mirrored = Ground::from_camera(mirrored, 0.0).expect("a floor all the same");
    let ground = camera.ground();
    for image in [(0.2, 0.9), (0.7, 0.5), (0.5, 0.7)] {
        let (one, other) =
            (ground.metres(image).expect("floor"), mirrored.metres(image).expect("floor"));
        close(one.0, -other.0, 1e-9);
        close(one.1, other.1, 1e-9);
        let heads = (ground.head_norm(image, 1.8), mirrored.head_norm(image, 1.8));
        close(heads.0.expect("a head").1, heads.1.expect("a head").1, 1e-12);
    }
}

#[test]
fn an_area_across_the_horizon_keeps_its_floor() {
    let ground = Camera::new(1.0, 5.0, 20.0).ground();
    let tall = Area::new(&[vec![vec![(0.3, 0.9), (0.7, 0.9), (0.7, 0.0), (0.3, 0.0)]]]);
    let tall = GroundArea::new(&ground, &tall.expect("valid")).expect("a part is floor");
    assert_eq!(tall.horizon(), Horizon::Crossed);
    for y_m in [6.0, 20.0, 200.0] {
        assert!(tall.contains((0.0, y_m)), "{y_m} m ahead");
    }
    assert!(!tall.contains((0.0, -20.0)), "behind the camera");
    let sky = Area::new(&[vec![vec![(0.3, 0.1), (0.7, 0.1), (0.7, 0.0), (0.3, 0.0)]]]);
    assert_eq!(GroundArea::new(&ground, &sky.expect("valid")), None);
}

#[test]
fn an_area_on_the_floor_holds_what_it_holds_in_the_picture() {
    let camera = Camera { roll_deg: 7.0, ..Camera::new(1.2, 7.0, 28.0) };
    let ground = camera.ground();
    let hole = vec![(0.45, 0.6), (0.55, 0.6), (0.55, 0.7), (0.45, 0.7)];
    let outer = vec![(0.2, 0.4), (0.8, 0.45), (0.9, 0.9), (0.5, 0.8), (0.15, 0.95)];
    let area = Area::new(&[vec![outer, hole]]).expect("valid");
    let floor = GroundArea::new(&ground, &area).expect("floor");
    for i in 0..60 {
        for j in 0..60 {
            let image = (f64::from(i) / 60.0 + 0.003, f64::from(j) / 60.0 + 0.003);
            let Some(place) = ground.metres(image) else { continue };
            assert_eq!(floor.contains(place), area.contains(image), "{image:?}");
        }
    }
}

#[test]
fn a_line_on_the_floor_is_cut_where_the_frame_ends() {
    let ground = map();
    let (from, to) = ground.visible((-10.0, 5.0), (30.0, 5.0)).expect("crosses the frame");
    assert_eq!((from.0, to.0), (0.0, 1.0));
    close(from.1, on_map(0.0, 5.0).1, 1e-12);
    assert_eq!(ground.visible((-10.0, 25.0), (30.0, 25.0)), None);
    // From behind the camera to far ahead: enters at the lower edge.
    let ground = Camera::new(1.0, 5.0, 20.0).ground();
    let (from, to) = ground.visible((0.0, -50.0), (0.0, 500.0)).expect("straight ahead");
    close(from.1, 1.0, 1e-9);
    assert!(to.1 < 0.2 && to.1 > 0.1);
}
