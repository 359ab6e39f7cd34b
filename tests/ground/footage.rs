//! The same on real footage, where it is present: people in a yard with measured foot points.
//!
//! `STANDCLEAR_TRUTH` names the folder with `ground.csv` (foot points in metres) and `gt.csv` (boxes);
//! without it these tests say that they were skipped.

use std::fs;
use std::path::Path;

use standclear::calibration::{CalibrationInput, Fit, Heights, fit};
use standclear::engine::plausible::{may_be_hidden_by, too_small};

/// The footage's picture, pixels.
const WIDTH_PX: f64 = 768.0;
const HEIGHT_PX: f64 = 576.0;

/// The rows of a table of the footage as numbers, without its head; `None` where there is no footage.
fn rows(name: &str, numbers: &[usize]) -> Option<Vec<Vec<f64>>> {
    let Some(truth) = std::env::var_os("STANDCLEAR_TRUTH") else {
        println!("skipped: STANDCLEAR_TRUTH does not name the folder with gt.csv and ground.csv");
        return None;
    };
    let text = fs::read_to_string(Path::new(&truth).join(name)).expect("a table of the footage");
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        numbers.iter().map(|&i| fields[i].parse().expect("a number")).collect()
    };
    Some(text.lines().skip(1).map(row).collect())
}

/// Left, top, width, height in pixels to frame fractions.
fn norm(px: &[f64]) -> [f64; 4] {
    [px[0] / WIDTH_PX, px[1] / HEIGHT_PX, px[2] / WIDTH_PX, px[3] / HEIGHT_PX]
}

type Points = Vec<((f64, f64), (f64, f64))>;

/// Every other foot point, the rest, and the ground fitted to the first.
fn calibrated() -> Option<(Fit, Points)> {
    let rows = rows("ground.csv", &[2, 3, 4, 5, 6, 7])?;
    let point = |row: &Vec<f64>| {
        let [left, top, width, height] = norm(row);
        ((left + width / 2.0, top + height), (row[4], row[5]))
    };
    let half = |first: usize| rows.iter().skip(first).step_by(2).map(point).collect::<Points>();
    let input = CalibrationInput { points: half(0), people: Vec::new() };
    Some((fit(&input, WIDTH_PX / HEIGHT_PX).expect("measured points"), half(1)))
}

#[test]
fn held_out_foot_points_meet_within_four_centimetres() {
    let Some((found, held_out)) = calibrated() else { return };
    let off = held_out.iter().map(|&(image, (x, y))| {
        let place = found.ground.metres(image).expect("on the floor");
        (place.0 - x).hypot(place.1 - y)
    });
    let off: Vec<f64> = off.collect();
    let worst = off.iter().copied().fold(0.0, f64::max);
    let rms = (off.iter().map(|d| d * d).sum::<f64>() / off.len() as f64).sqrt();
    println!(
        "{} points fitted: RMS {:.4} m, worst {:.4} m; {} held out: RMS {rms:.4} m, worst {worst:.4} m",
        found.per_point_m.len(),
        found.residual_m,
        found.worst_m,
        off.len(),
    );
    assert!(worst < 0.04, "{worst}");
}

#[test]
fn from_floor_points_alone_people_come_out_as_tall_as_they_are() {
    let Some((found, _)) = calibrated() else { return };
    assert_eq!(found.heights, Heights::Known);
    println!("camera at {:?}", found.ground.camera_m().expect("heights"));
    let Some(rows) = rows("gt.csv", &[3, 4, 5, 6, 7]) else { return };
    let mut metres: Vec<f64> = Vec::new();
    for row in rows.iter().filter(|row| row[4] == 1.0) {
        let [left, top, width, height] = norm(row);
        let foot = (left + width / 2.0, top + height);
        let expected = found.ground.expected_height_norm(foot, 1.0).expect("on the floor");
        metres.push(height / expected);
    }
    metres.sort_by(f64::total_cmp);
    let quantile = |share: f64| metres[(share * (metres.len() - 1) as f64) as usize];
    println!(
        "{} boxes: {:.2} m median, {:.2} to {:.2} m",
        metres.len(),
        quantile(0.5),
        quantile(0.0),
        quantile(1.0)
    );
    assert!((1.65..1.85).contains(&quantile(0.5)), "{}", quantile(0.5));
}

#[test]
fn the_false_detection_is_too_small_and_no_person_is() {
    let Some((found, _)) = calibrated() else { return };
    let ghost = norm(&[163.0, 187.0, 15.0, 20.0]);
    assert!(too_small(&found.ground, ghost), "the false detection at (163, 187)");
    let Some(rows) = rows("gt.csv", &[3, 4, 5, 6]) else { return };
    assert!(rows.len() > 2000);
    for row in &rows {
        assert!(!too_small(&found.ground, norm(row)), "{row:?}");
        // Of whom a machine leaves the upper 45 %.
        let upper = [row[0], row[1], row[2], 0.45 * row[3]];
        assert!(!too_small(&found.ground, norm(&upper)), "upper part of {row:?}");
    }
}

/// With `STANDCLEAR_DETECTIONS` naming the file that `replay --detections` wrote on this footage.
#[test]
fn of_the_footages_detections_only_small_things_are_refused() {
    let Some((found, _)) = calibrated() else { return };
    let Some(path) = std::env::var_os("STANDCLEAR_DETECTIONS") else {
        println!("skipped: STANDCLEAR_DETECTIONS is not set");
        return;
    };
    let text = fs::read_to_string(path).expect("detections");
    let row = |line: &str| -> Vec<f64> {
        line.split(',').map(|v| v.parse().expect("a number")).collect()
    };
    // Frame, identity, box, score; those that the engine would look at.
    let rows: Vec<Vec<f64>> = text.lines().map(row).filter(|row| row[6] >= 0.2).collect();
    let (mut all, mut refused, mut ghosts, mut ghosts_refused) = (0, 0, 0, 0);
    for row in &rows {
        let bounds = norm(&row[2..6]);
        let hides = |other: &Vec<f64>| {
            other[0] == row[0] && may_be_hidden_by(&found.ground, bounds, norm(&other[2..6]))
        };
        let small = too_small(&found.ground, bounds) && !rows.iter().any(hides);
        let centre = (row[2] + row[4] / 2.0, row[3] + row[5] / 2.0);
        let at_ghost = (centre.0 - 170.5).abs() < 10.0 && (centre.1 - 197.0).abs() < 10.0;
        if at_ghost && row[5] < 35.0 {
            ghosts += 1;
            ghosts_refused += u32::from(small);
        } else {
            all += 1;
            refused += u32::from(small);
        }
        if small {
            println!("REFUSED {row:?}");
        }
    }
    println!("at the ghost {ghosts}, refused {ghosts_refused}; elsewhere {all}, refused {refused}");
    assert!(ghosts_refused > 0);
}
