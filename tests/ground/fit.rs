//! Calibration: what it finds, how sure it says it is, and what it refuses.

use proptest::prelude::*;
use standclear::calibration::{CalibrationInput, Check, Extent, Fit, FitError, Heights, fit, grid};
use standclear::engine::geometry::PointNorm;
use standclear::engine::ground::PointM;

use crate::camera::{Camera, close};

const PLACES: [PointM; 8] = [
    (-4.0, 5.5),
    (3.5, 6.0),
    (-6.0, 12.0),
    (0.5, 10.5),
    (6.5, 13.0),
    (-8.0, 22.0),
    (1.0, 19.0),
    (9.0, 24.0),
];

fn camera() -> Camera {
    Camera::new(1.15, 6.2, 27.0)
}

fn points(camera: &Camera, places: &[PointM]) -> Vec<(PointNorm, PointM)> {
    places.iter().map(|&(x, y)| (camera.sees(x, y, 0.0), (x, y))).collect()
}

fn people(camera: &Camera, rows: &[(f64, f64, f64)]) -> Vec<(PointNorm, PointNorm, f64)> {
    rows.iter().map(|&(x, y, h)| (camera.sees(x, y, 0.0), camera.sees(x, y, h), h)).collect()
}

fn of_points(points: Vec<(PointNorm, PointM)>) -> Result<Fit, FitError> {
    fit(&CalibrationInput { points, people: Vec::new() }, 16.0 / 9.0)
}

#[track_caller]
fn refusal(points: Vec<(PointNorm, PointM)>, words: &[&str]) {
    let text = of_points(points).expect_err("must be refused").to_string();
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

/// How tall somebody of 1.75 m comes out where they stand, metres.
fn height_found(fit: &Fit, camera: &Camera, (x, y): PointM) -> f64 {
    let (foot, head) = (camera.sees(x, y, 0.0), camera.sees(x, y, 1.75));
    let expected = fit.ground.expected_height_norm(foot, 1.75).expect("heights are known");
    1.75 * (foot.1 - head.1) / expected
}

#[test]
fn exact_points_give_the_camera_back() {
    let camera = Camera { roll_deg: 4.0, ..camera() };
    for count in 4..=8 {
        let found = of_points(points(&camera, &PLACES[..count])).expect("a floor");
        assert!(found.worst_m < 1e-9, "{count} points: {}", found.worst_m);
        assert_eq!(found.per_point_m.len(), count);
        assert_eq!(found.heights, Heights::Known, "{count} points");
        let (x, y, height) = found.ground.camera_m().expect("heights are known");
        close(x, 0.0, 1e-6);
        close(y, 0.0, 1e-6);
        close(height, 6.2, 1e-6);
        close(height_found(&found, &camera, (2.0, 15.0)), 1.75, 1e-6);
    }
}

#[test]
fn four_points_say_that_nothing_checks_them_and_five_check_each_other() {
    let found = of_points(points(&camera(), &PLACES[..4])).expect("a floor");
    let Check::Impossible { why } = found.check else { panic!("{:?}", found.check) };
    assert!(why.contains("no check possible; add a fifth point"), "{why}");

    let mut six = points(&camera(), &PLACES[..6]);
    six[3].1.0 += 0.5;
    let found = of_points(six).expect("a floor");
    let Check::LeaveOneOut { per_point_m } = found.check else { panic!("{:?}", found.check) };
    close(per_point_m[3].expect("the others fix the floor"), 0.5, 1e-6);
    assert!(found.per_point_m[3] < 0.5, "the fit gives way to the slip: {:?}", found.per_point_m);
    assert!(found.residual_m > 0.02 && found.worst_m >= found.residual_m);
}

#[test]
fn residuals_equal_those_of_an_independent_solver() {
    // Clicks in pixels of a 1280 × 720 picture, rounded and shaken; OpenCV 4.6.0's
    // findHomography(floor, picture, method 0) gives the numbers below.
    let clicks = [
        (211.0, 685.0),
        (995.0, 643.0),
        (272.0, 363.0),
        (674.0, 414.0),
        (1013.0, 337.0),
        (345.0, 196.0),
        (682.0, 229.0),
        (948.0, 177.0),
    ];
    let points = clicks.iter().zip(PLACES).map(|((x, y), place)| ((x / 1280.0, y / 720.0), place));
    let found = of_points(points.collect()).expect("a floor");
    let theirs = [0.002899, 0.005331, 0.06607, 0.076672, 0.047941, 0.08409, 0.077248, 0.0643];
    for (ours, theirs) in found.per_point_m.iter().zip(theirs) {
        close(*ours, theirs, 2e-5);
    }
    close(found.residual_m, 0.060983, 1e-5);
    close(found.worst_m, 0.084090, 1e-5);
    for (pixel, theirs) in [
        ((640.0, 400.0), (-0.003560, 10.836039)),
        ((100.0, 700.0), (-4.931407, 5.329530)),
        ((1000.0, 260.0), (7.793124, 16.932690)),
    ] {
        let ours = found.ground.metres((pixel.0 / 1280.0, pixel.1 / 720.0)).expect("floor");
        close(ours.0, theirs.0, 1e-4);
        close(ours.1, theirs.1, 1e-4);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn clicks_two_pixels_off_move_the_floor_by_decimetres_and_the_residual_says_so(
        focal in 0.8..2.0, height_m in 4.0..10.0, tilt_deg in 20.0..45.0,
        noise in prop::collection::vec((-2.0..2.0, -2.0..2.0), 9),
    ) {
        let camera = Camera::new(focal, height_m, tilt_deg);
        // Nine places spread over the lower three quarters of the picture.
        let ground = camera.ground();
        let spread = [0.15, 0.5, 0.85];
        let images = spread.iter().flat_map(|&x: &f64| [0.4, 0.65, 0.95_f64].map(|y| (x, y)));
        let points: Vec<_> = images.zip(&noise).map(|(image, (dx, dy))| {
            let place = ground.metres(image).expect("floor");
            ((image.0 + dx / 1920.0, f64::min(image.1 + dy / 1080.0, 1.0)), place)
        }).collect();
        let found = of_points(points).expect("a floor");
        // What two pixels are on the floor at the farthest row.
        let far = |y| ground.metres((0.5, y)).expect("floor").1;
        let pixel_m = far(0.4) - far(0.4 + 1.0 / 1080.0);
        prop_assert!(found.residual_m < 3.0 * pixel_m, "{} against {pixel_m}", found.residual_m);
        for image in [(0.3, 0.5), (0.7, 0.8), (0.5, 0.45)] {
            let (ours, truth) = (found.ground.metres(image), ground.metres(image));
            let (ours, truth) = (ours.expect("floor"), truth.expect("floor"));
            let off = (ours.0 - truth.0).hypot(ours.1 - truth.1);
            prop_assert!(off < 6.0 * pixel_m, "{off} m off, a pixel is {pixel_m} m");
        }
        // Where heights are given out, they are right within what was promised times three.
        if found.heights == Heights::Known {
            let foot = ground.image(ground.metres((0.5, 0.65)).expect("floor")).expect("seen");
            let expected = ground.expected_height_norm(foot, 1.75).expect("heights");
            let ours = found.ground.expected_height_norm(foot, 1.75).expect("heights");
            prop_assert!((ours / expected - 1.0).abs() < 0.45, "{ours} against {expected}");
        }
    }

    #[test]
    fn no_input_makes_it_panic(
        points in prop::collection::vec(((any::<f64>(), any::<f64>()), (any::<f64>(), any::<f64>())), 0..7),
        unit in prop::collection::vec(((0.0..1.0, 0.0..1.0), (-9.0..9.0, -9.0..9.0)), 0..9),
        people in prop::collection::vec(((0.0..1.0, 0.0..1.0), (0.0..1.0, 0.0..1.0), 0.5..2.5), 0..6),
    ) {
        let _ = fit(&CalibrationInput { points, people: people.clone() }, 1.3);
        let _ = fit(&CalibrationInput { points: Vec::new(), people: people.clone() }, 1.3);
        if let Ok(found) = fit(&CalibrationInput { points: unit, people }, 1.3) {
            let extent = Extent::visible(&found.ground);
            let lines = extent.map_or(0, |extent| grid(&found.ground, 1.0, extent).len());
            prop_assert!(lines <= 200);
        }
    }
}

#[test]
fn too_few_and_too_many_are_refused_with_what_to_click() {
    refusal(points(&camera(), &PLACES[..3]), &["3 points", "at least 4 points"]);
    refusal(Vec::new(), &["0 points and 0 people", "3 people of known height"]);
    let many = (0..65).map(|i| (f64::from(i % 8), 6.0 + f64::from(i / 8)));
    refusal(points(&camera(), &many.collect::<Vec<_>>()), &["65 points", "at most 64"]);
}

#[test]
fn degenerate_points_are_refused_with_what_to_do() {
    let line: Vec<PointM> = (0..5).map(|i| (f64::from(i), 6.0 + 2.0 * f64::from(i))).collect();
    refusal(points(&camera(), &line), &["one line", "to the side"]);
    let mut but_one = line.clone();
    but_one.push((-3.0, 8.0));
    refusal(points(&camera(), &but_one), &["all points but point 6", "undetermined"]);
    // Three of four.
    refusal(points(&camera(), &but_one[2..]), &["all points but point 4", "add a point"]);

    let mut twice = points(&camera(), &PLACES[..5]);
    twice[4].0 = twice[1].0;
    refusal(twice, &["points 2 and 5", "clicked at the same place"]);
    let mut twice = points(&camera(), &PLACES[..5]);
    twice[4].1 = twice[1].1;
    refusal(twice, &["points 2 and 5", "measured at the same place"]);
}

#[test]
fn swapped_points_are_named() {
    let mut swapped = points(&camera(), &PLACES[..6]);
    (swapped[1].1, swapped[4].1) = (swapped[4].1, swapped[1].1);
    match of_points(swapped) {
        Err(FitError::Crossed { swapped: Some(pair), .. }) => assert_eq!(pair, (2, 5)),
        Err(other) => panic!("{other}"),
        // It may still be a floor; then the residual tells.
        Ok(found) => assert!(found.worst_m > 1.0, "{}", found.worst_m),
    }
    let square = [(-3.0, 6.0), (3.0, 6.0), (3.0, 14.0), (-3.0, 14.0)];
    let mut crossed = points(&camera(), &square);
    (crossed[2].1, crossed[3].1) = (crossed[3].1, crossed[2].1);
    refusal(crossed, &["contradict each other", "are points 3 and 4 swapped?"]);
}

#[test]
fn numbers_out_of_range_name_the_place() {
    let mut bad = points(&camera(), &PLACES[..4]);
    bad[2].0.0 = 1.2;
    refusal(bad.clone(), &["point 3", "outside the picture"]);
    bad[2].0.0 = f64::NAN;
    refusal(bad.clone(), &["point 3"]);
    bad[2].0.0 = 0.5;
    bad[1].1.1 = 5_932_000.0;
    refusal(bad, &["point 2", "measure from a place on the site"]);
    let person = ((0.5, 0.9), (0.5, 0.5), 178.0);
    let input = CalibrationInput { points: points(&camera(), &PLACES), people: vec![person] };
    let text = fit(&input, 1.5).expect_err("centimetres").to_string();
    assert!(text.contains("person 1 is 178 m tall") && text.contains("metres"), "{text}");
    assert!(fit(&input, 0.0).is_err() && fit(&input, f64::NAN).is_err());
}

#[test]
fn a_mirrored_plan_is_taken() {
    let mirrored = points(&camera(), &PLACES).into_iter().map(|(i, (x, y))| (i, (-x, y))).collect();
    let found = of_points(mirrored).expect("the same distances");
    assert_eq!(found.heights, Heights::Known);
    close(height_found(&found, &camera(), (2.0, 15.0)), 1.75, 1e-6);
}

#[test]
fn looking_straight_down_there_are_no_heights_without_people() {
    let down = Camera::new(1.0, 8.0, 90.0);
    let places = [(-3.0, -2.0), (3.0, -2.5), (2.5, 2.0), (-2.0, 2.5), (0.5, 0.0)];
    let found = of_points(points(&down, &places)).expect("a floor");
    assert!(found.worst_m < 1e-9);
    let Heights::Unknown { why } = &found.heights else { panic!("heights out of nothing") };
    assert!(why.contains("two people of known height"), "{why}");
    assert_eq!(found.ground.head_norm((0.5, 0.9), 1.8), None);
    assert!(found.ground.metres((0.5, 0.9)).is_some());

    let people = people(&down, &[(2.0, 1.0, 1.8), (-2.5, -1.5, 1.7)]);
    let input = CalibrationInput { points: points(&down, &places), people };
    let found = fit(&input, 16.0 / 9.0).expect("a floor");
    assert_eq!(found.heights, Heights::Known);
    close(found.ground.camera_m().expect("heights").2, 8.0, 0.01);
}

#[test]
fn a_cropped_picture_needs_people_and_gets_heights_from_them() {
    // The left half of the picture: its middle is not where the lens looks.
    let camera = Camera::new(1.15, 6.2, 40.0);
    let crop = |(x, y): PointNorm| (2.0 * x, y);
    let places = [(-4.0, 6.0), (-0.5, 5.0), (-6.0, 12.0), (-0.5, 10.5), (-3.0, 8.0), (-1.0, 14.0)];
    let cropped = points(&camera, &places).into_iter().map(|(i, g)| (crop(i), g)).collect();
    let rows = [(-4.0, 8.0, 1.8), (-1.0, 6.0, 1.7), (-2.0, 13.0, 1.75), (-5.0, 12.0, 1.9)];
    let people = people(&camera, &rows).into_iter().map(|(f, h, m)| (crop(f), crop(h), m));
    let input = CalibrationInput { points: cropped, people: people.collect() };
    let found = fit(&input, 8.0 / 9.0).expect("a floor");
    assert_eq!(found.heights, Heights::Known);
    let (foot, head) = (crop(camera.sees(-3.0, 9.0, 0.0)), crop(camera.sees(-3.0, 9.0, 1.75)));
    let ours = found.ground.head_norm(foot, 1.75).expect("heights");
    close(ours.0, head.0, 0.01);
    close(ours.1, head.1, 0.01);
}

#[test]
fn people_who_contradict_the_floor_are_named() {
    let mut people = people(&camera(), &[(-2.0, 8.0, 1.8), (3.0, 12.0, 1.7), (0.0, 9.0, 1.75)]);
    people[1].2 = 1.0;
    people[1].1.0 += 0.05;
    let input = CalibrationInput { points: points(&camera(), &PLACES), people };
    let found = fit(&input, 16.0 / 9.0).expect("the floor itself is right");
    assert!(found.worst_m < 1e-9);
    let Heights::Unknown { why } = found.heights else { panic!("contradicting people") };
    assert!(why.contains("person 2"), "{why}");
}

#[test]
fn one_person_of_known_height_is_enough_beside_points() {
    let input = CalibrationInput {
        points: points(&camera(), &PLACES),
        people: people(&camera(), &[(1.0, 11.0, 1.82)]),
    };
    let found = fit(&input, 16.0 / 9.0).expect("a floor");
    assert_eq!(found.heights, Heights::Known);
    close(height_found(&found, &camera(), (-3.0, 16.0)), 1.75, 0.005);
}

#[test]
fn three_people_alone_give_scale_and_floor() {
    let camera = Camera { roll_deg: 3.0, ..camera() };
    let rows = [(-3.0, 7.0, 1.8), (3.0, 9.0, 1.65), (0.5, 16.0, 1.75), (-5.0, 14.0, 1.9)];
    for count in [3, 4] {
        let input =
            CalibrationInput { points: Vec::new(), people: people(&camera, &rows[..count]) };
        let found = fit(&input, 16.0 / 9.0).expect("well placed people");
        assert!(found.residual_m < 1e-4, "{}", found.residual_m);
        assert_eq!(found.per_point_m.len(), count);
        close(found.ground.camera_m().expect("heights").2, 6.2, 1e-3);
        let place = |(x, y)| found.ground.metres(camera.sees(x, y, 0.0)).expect("floor");
        let (a, b) = (place((-4.0, 8.0)), place((4.0, 14.0)));
        close((a.0 - b.0).hypot(a.1 - b.1), 10.0, 1e-3);
    }
}

#[test]
fn people_in_a_huddle_or_a_row_are_refused() {
    for rows in [
        [(0.0, 10.0, 1.8), (0.05, 10.0, 1.7), (0.0, 10.05, 1.75)],
        [(-2.0, 8.0, 1.8), (0.0, 10.0, 1.7), (2.0, 12.0, 1.75)],
    ] {
        let input = CalibrationInput { points: Vec::new(), people: people(&camera(), &rows) };
        let error = fit(&input, 16.0 / 9.0).expect_err("not well placed");
        assert!(error.to_string().contains("spread"), "{error}");
    }
}

#[test]
fn the_grid_lies_in_the_frame_and_is_one_metre_apart() {
    let ground = camera().ground();
    let extent = Extent::visible(&ground).expect("floor in view");
    let lines = grid(&ground, 1.0, extent);
    assert!(lines.len() > 20 && lines.len() <= 200, "{}", lines.len());
    for line in &lines {
        let places = line.iter().map(|&point| {
            assert!((0.0..=1.0).contains(&point.0) && (0.0..=1.0).contains(&point.1));
            ground.metres(point).expect("below the horizon")
        });
        let places: Vec<_> = places.collect();
        let whole = |pick: fn(&PointM) -> f64| {
            places.iter().all(|p| (pick(p) - pick(p).round()).abs() < 1e-6)
                && (pick(&places[0]) - pick(&places[1])).abs() < 1e-6
        };
        assert!(whole(|p| p.0) || whole(|p| p.1), "{places:?}");
    }
    assert!(grid(&ground, 1e-6, extent).len() <= 200);
    assert!(grid(&ground, 0.0, extent).is_empty() && grid(&ground, f64::NAN, extent).is_empty());
}
