//! What is refused before any fitting, and how a failed fit is put into words.

use nalgebra::Vector2;

use super::plane::{self, Pair, PlaneError};
use super::{
    COORDINATE_MAX_M, CalibrationInput, FitError, PEOPLE_MAX, PERSON_MAX_M, PERSON_MIN_M,
    POINTS_MAX,
};
use crate::engine::geometry::PointNorm;

/// Points closer than this are one: about two pixels of a 1080-line picture, in frame heights.
const IMAGE_STEP: f64 = 0.002;

/// And on the floor, metres: below what a tape gives.
const GROUND_STEP_M: f64 = 0.01;

/// A point this near to a line lies on it, as a share of the points' extent: what clicking and
/// measuring may be off by, times a few.
const LINE_SHARE: f64 = 0.02;

/// Up to this many points, each pair is tried for having been swapped.
const SWAP_POINTS_MAX: usize = 8;

/// Checks numbers and counts.
pub(super) fn check(input: &CalibrationInput, aspect: f64) -> Result<(), FitError> {
    let CalibrationInput { points, people } = input;
    if !(aspect.is_finite() && aspect > 0.0) {
        return Err(FitError::BadAspect { aspect });
    }
    for (what, count, max) in
        [("points", points.len(), POINTS_MAX), ("people", people.len(), PEOPLE_MAX)]
    {
        if count > max {
            return Err(FitError::TooMany { what, count, max });
        }
    }
    if points.len() < 4 && (!points.is_empty() || people.len() < 3) {
        return Err(FitError::TooFew { points: points.len(), people: people.len() });
    }
    for (i, &(image, ground)) in points.iter().enumerate() {
        in_picture("point", i, image)?;
        // Written so that NaN fails it.
        if !(ground.0.abs() <= COORDINATE_MAX_M && ground.1.abs() <= COORDINATE_MAX_M) {
            return Err(FitError::FarAway { number: i + 1, at: ground });
        }
    }
    for (i, &(foot, head, height_m)) in people.iter().enumerate() {
        in_picture("the foot of person", i, foot)?;
        in_picture("the head of person", i, head)?;
        if !(PERSON_MIN_M..=PERSON_MAX_M).contains(&height_m) {
            return Err(FitError::BadPerson { number: i + 1, height_m });
        }
        let (dx, dy) = ((head.0 - foot.0) * aspect, head.1 - foot.1);
        if dx * dx + dy * dy < IMAGE_STEP * IMAGE_STEP {
            return Err(FitError::FlatPerson { number: i + 1 });
        }
    }
    Ok(())
}

fn in_picture(what: &'static str, i: usize, at: PointNorm) -> Result<(), FitError> {
    let inside = (0.0..=1.0).contains(&at.0) && (0.0..=1.0).contains(&at.1);
    inside.then_some(()).ok_or(FitError::OutsidePicture { what, number: i + 1, at })
}

/// Refuses points in the same place, and points that lie in one line but for at most one: exactly
/// then no four of them fix a plane (Hartley and Zisserman 4.1.3).
pub(super) fn check_spread(pairs: &[Pair]) -> Result<(), FitError> {
    let image: Vec<_> = pairs.iter().map(|pair| pair.image).collect();
    let ground: Vec<_> = pairs.iter().map(|pair| pair.ground).collect();
    for (places, step, clicked) in [
        (&image, IMAGE_STEP, "clicked at the same place"),
        (&ground, GROUND_STEP_M, "measured at the same place"),
    ] {
        for i in 0..places.len() {
            if let Some(j) = (i + 1..places.len()).find(|&j| (places[i] - places[j]).norm() < step)
            {
                return Err(FitError::SamePlace { pair: (i + 1, j + 1), where_: clicked });
            }
        }
    }
    for (places, where_) in [(&image, "in the picture"), (&ground, "on the floor")] {
        match off_best_line(places).as_slice() {
            [] => return Err(FitError::InLine { where_ }),
            [lonely] => return Err(FitError::AllButOneInLine { lonely: lonely + 1, where_ }),
            _ => {}
        }
    }
    Ok(())
}

/// The points that do not lie on the line through two of them that holds most.
pub(super) fn off_best_line(places: &[Vector2<f64>]) -> Vec<usize> {
    let pairs = || (0..places.len()).flat_map(|i| (i + 1..places.len()).map(move |j| (i, j)));
    let extent = pairs().map(|(i, j)| (places[i] - places[j]).norm()).fold(0.0, f64::max);
    let off = |(i, j): (usize, usize)| -> Vec<usize> {
        let along = (places[j] - places[i]).normalize();
        let aside = |p: &Vector2<f64>| along.perp(&(p - places[i])).abs();
        (0..places.len()).filter(|&k| aside(&places[k]) > LINE_SHARE * extent).collect()
    };
    pairs().map(off).min_by_key(Vec::len).unwrap_or_default()
}

/// The error in the engineer's words; looks for two swapped points that would explain it.
pub(super) fn explain(error: PlaneError, pairs: &[Pair]) -> FitError {
    match error {
        PlaneError::IllConditioned => FitError::IllConditioned,
        PlaneError::Crossed(i) => FitError::Crossed { number: i + 1, swapped: swapped(pairs) },
    }
}

/// The two points that make a possible floor when swapped; the one that fits best, and for four
/// points one with a plan that is not mirrored.
fn swapped(pairs: &[Pair]) -> Option<(usize, usize)> {
    if pairs.len() > SWAP_POINTS_MAX {
        return None;
    }
    let all = (0..pairs.len()).flat_map(|i| (i + 1..pairs.len()).map(move |j| (i, j)));
    let tried = all.filter_map(|(i, j)| {
        let mut exchanged = pairs.to_vec();
        (exchanged[i].ground, exchanged[j].ground) = (pairs[j].ground, pairs[i].ground);
        let plane = plane::solve(&exchanged).ok()?;
        // Seen from above, a plan that is not mirrored has a negative determinant.
        let mirrored = plane.image_from_ground.determinant() > 0.0;
        let score = if pairs.len() > 4 { plane.click_error } else { f64::from(u8::from(mirrored)) };
        Some(((i + 1, j + 1), score))
    });
    tried.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(pair, _)| pair)
}
