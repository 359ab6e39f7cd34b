//! How wrong calibration is when clicks are: cameras and clicks drawn from a fixed seed.

use standclear::calibration::{CalibrationInput, FitError, Heights, fit};

use crate::camera::Camera;

/// One and a half pixels of a 1080-line picture, the standard deviation of a click; frame heights.
const CLICK: f64 = 0.0015;

/// A small generator (Park and Miller 1988), so that every run draws the same.
struct Draw(u64);

impl Draw {
    fn unit(&mut self) -> f64 {
        self.0 = self.0 * 48_271 % 2_147_483_647;
        self.0 as f64 / 2_147_483_647.0
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Standard normal, as a sum of twelve.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    fn camera(&mut self) -> Camera {
        Camera {
            roll_deg: self.between(-4.0, 4.0),
            ..Camera::new(self.between(0.8, 2.2), self.between(3.5, 10.0), self.between(15.0, 45.0))
        }
    }

    fn clicked(&mut self, camera: &Camera, (x, y): (f64, f64)) -> (f64, f64) {
        let dx = CLICK * self.normal() / camera.aspect;
        let dy = CLICK * self.normal();
        ((x + dx).clamp(0.0, 1.0), (y + dy).clamp(0.0, 1.0))
    }

    /// Places on the floor somewhere in the lower part of the picture, one in each of its cells.
    fn places(&mut self, camera: &Camera, across: usize, down: usize) -> Vec<(f64, f64)> {
        let ground = camera.ground();
        let mut places = Vec::new();
        for i in 0..across {
            for j in 0..down {
                let x = (i as f64 + self.between(0.2, 0.8)) / across as f64;
                let y = 0.4 + 0.55 * (j as f64 + self.between(0.1, 0.9)) / down as f64;
                places.extend(ground.metres((x, y)));
            }
        }
        places
    }
}

/// The errors' spread and the worst, as text and as numbers.
fn summary(mut errors: Vec<f64>) -> (f64, f64) {
    errors.sort_by(f64::total_cmp);
    let rms = (errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64).sqrt();
    (rms, errors.last().copied().unwrap_or(0.0))
}

/// How wrong the expected height is in the middle of the floor in view, share.
fn height_error(camera: &Camera, found: &standclear::engine::ground::Ground) -> f64 {
    let foot = (0.5, 0.7);
    let expected = camera.ground().expected_height_norm(foot, 1.75).expect("heights");
    let ours = found.expected_height_norm(foot, 1.75).expect("heights are known");
    (ours / expected - 1.0).abs()
}

/// Six and twelve points: how often heights are given out, and how right they are then.
#[test]
fn heights_given_out_without_people_are_as_sure_as_promised() {
    let mut draw = Draw(20_260_301);
    for (across, down) in [(2, 2), (3, 2), (4, 3)] {
        let (mut heights, mut places, mut known, mut tries) = (Vec::new(), Vec::new(), 0, 0);
        while tries < 300 {
            let camera = draw.camera();
            let points: Vec<_> = draw
                .places(&camera, across, down)
                .into_iter()
                .map(|(x, y)| (draw.clicked(&camera, camera.sees(x, y, 0.0)), (x, y)))
                .collect();
            if points.len() < across * down {
                continue;
            }
            let input = CalibrationInput { points, people: Vec::new() };
            // Four drawn at random have three in a line now and then.
            let found = match fit(&input, camera.aspect) {
                Err(FitError::AllButOneInLine { .. }) => continue,
                found => found.expect("well spread points"),
            };
            tries += 1;
            let truth = camera.ground().metres((0.5, 0.7)).expect("floor");
            let place = found.ground.metres((0.5, 0.7)).expect("floor");
            let far = (truth.0 * truth.0 + truth.1 * truth.1 + camera.height_m.powi(2)).sqrt();
            places.push((place.0 - truth.0).hypot(place.1 - truth.1) / far);
            if found.heights == Heights::Known {
                known += 1;
                heights.push(height_error(&camera, &found.ground));
            }
        }
        let (height, place) = (summary(heights), summary(places));
        println!(
            "{} points: heights in {known} of {tries}, off by {:.1} % RMS, {:.1} % worst; places \
             off by {:.2} % of the distance RMS, {:.2} % worst",
            across * down,
            100.0 * height.0,
            100.0 * height.1,
            100.0 * place.0,
            100.0 * place.1
        );
        assert!(known > tries / 2, "{known}");
        assert!(height.0 < 0.10 && height.1 < 0.45, "{height:?}");
        assert!(place.0 < 0.01, "{place:?}");
    }
}

/// One, two and four people beside six points.
#[test]
fn people_make_heights_sure() {
    let mut draw = Draw(7);
    for count in [1, 2, 4] {
        let (mut heights, mut unknown) = (Vec::new(), 0);
        for _ in 0..200 {
            let camera = draw.camera();
            let places = draw.places(&camera, 3, 2);
            if places.len() < 6 {
                continue;
            }
            let points = places
                .iter()
                .map(|&(x, y)| (draw.clicked(&camera, camera.sees(x, y, 0.0)), (x, y)))
                .collect();
            let mut people = Vec::new();
            for &(x, y) in places.iter().step_by(2).chain(&places).take(count) {
                let height_m = draw.between(1.6, 1.9);
                let head = camera.sees(x, y, height_m);
                if head.1 < 0.0 || !(0.0..=1.0).contains(&head.0) {
                    continue;
                }
                let foot = draw.clicked(&camera, camera.sees(x, y, 0.0));
                people.push((foot, draw.clicked(&camera, head), height_m));
            }
            let found = fit(&CalibrationInput { points, people }, camera.aspect).expect("a floor");
            match found.heights {
                Heights::Known => heights.push(height_error(&camera, &found.ground)),
                Heights::Unknown { .. } => unknown += 1,
            }
        }
        let all = heights.len();
        let (rms, worst) = summary(heights);
        println!(
            "{count} people: heights off by {:.1} % RMS, {:.1} % worst of {all}; unknown {unknown}",
            100.0 * rms,
            100.0 * worst
        );
        assert!(rms < 0.05 && all > 150, "{rms}, {all}");
    }
}

/// Three to eight people and no point: right, or refused.
#[test]
fn people_alone_are_right_or_refused() {
    let mut draw = Draw(99);
    for (across, down) in [(3, 1), (2, 2), (4, 2)] {
        let (mut scales, mut refused) = (Vec::new(), 0);
        for _ in 0..200 {
            let camera = draw.camera();
            let mut people = Vec::new();
            for (x, y) in draw.places(&camera, across, down) {
                let height_m = draw.between(1.6, 1.9);
                let (foot, head) = (camera.sees(x, y, 0.0), camera.sees(x, y, height_m));
                if head.1 < 0.0 || !(0.0..=1.0).contains(&head.0) {
                    continue;
                }
                people.push((draw.clicked(&camera, foot), draw.clicked(&camera, head), height_m));
            }
            let input = CalibrationInput { points: Vec::new(), people };
            match fit(&input, camera.aspect) {
                Ok(found) => {
                    let height_m = found.ground.camera_m().expect("heights").2;
                    scales.push((height_m / camera.height_m - 1.0).abs());
                }
                Err(FitError::PeopleInLine | FitError::PeopleContradict { .. }) => refused += 1,
                Err(FitError::TooFew { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
        let all = scales.len();
        let (rms, worst) = summary(scales);
        println!(
            "{} people alone: scale off by {:.1} % RMS, {:.1} % worst of {all}; refused {refused}",
            across * down,
            100.0 * rms,
            100.0 * worst
        );
        assert!(rms < 0.05 && worst < 0.2, "{rms}, {worst}");
    }
}

/// Where there is little perspective, the plane tells little of heights: then it must say so.
#[test]
fn from_nearly_overhead_heights_are_right_or_unknown() {
    let mut draw = Draw(4711);
    let (mut heights, mut unknown) = (Vec::new(), 0);
    for _ in 0..300 {
        let camera =
            Camera::new(draw.between(1.0, 3.0), draw.between(4.0, 10.0), draw.between(72.0, 90.0));
        let points = draw
            .places(&camera, 3, 2)
            .into_iter()
            .map(|(x, y)| (draw.clicked(&camera, camera.sees(x, y, 0.0)), (x, y)))
            .collect();
        let input = CalibrationInput { points, people: Vec::new() };
        let found = fit(&input, camera.aspect).expect("well spread points");
        match found.heights {
            Heights::Unknown { .. } => unknown += 1,
            Heights::Known => {
                let found_m = found.ground.camera_m().expect("heights").2;
                heights.push((found_m / camera.height_m - 1.0).abs());
            }
        }
    }
    let all = heights.len();
    let (rms, worst) = summary(heights);
    println!(
        "overhead: camera's height off by {:.1} % RMS, {:.1} % worst of {all}; unknown {unknown}",
        100.0 * rms,
        100.0 * worst
    );
    assert!(unknown > 30 && all > 30, "{unknown} unknown, {all} known");
    assert!(rms < 0.15 && worst < 0.5, "{rms}, {worst}");
}

/// A lens that bends straight lines is not modelled; the residual tells.
#[test]
fn a_distorting_lens_shows_in_the_residual() {
    let mut draw = Draw(12);
    let camera = Camera::new(0.9, 5.0, 30.0);
    let places = draw.places(&camera, 4, 3);
    let residual_m = |draw: &mut Draw, bend: f64| {
        let bent = |(x, y): (f64, f64)| {
            let (u, v) = ((x - 0.5) * camera.aspect, y - 0.5);
            let grow = 1.0 + bend * (u * u + v * v);
            (0.5 + u * grow / camera.aspect, 0.5 + v * grow)
        };
        let points = places
            .iter()
            .map(|&(x, y)| (draw.clicked(&camera, bent(camera.sees(x, y, 0.0))), (x, y)))
            .collect();
        let input = CalibrationInput { points, people: Vec::new() };
        let found = fit(&input, camera.aspect).expect("a floor all the same");
        (found.residual_m, found.worst_m)
    };
    let straight = residual_m(&mut draw, 0.0);
    for bend in [-0.02, -0.05, -0.1, -0.2] {
        let (rms, worst) = residual_m(&mut draw, bend);
        println!(
            "bent by {:.1} % at the corner: residual {rms:.3} m RMS, {worst:.3} m worst; straight \
             {:.3} m, {:.3} m",
            -100.0 * bend * (0.25 + camera.aspect.powi(2) / 4.0),
            straight.0,
            straight.1
        );
        let least = if bend <= -0.1 { 3.0 } else { 1.2 };
        assert!(rms > least * straight.0, "{rms} against {}", straight.0);
    }
}
