//! Removing the second, third … box of the same person.
//!
//! Greedy: the best box stays and takes away every box that overlaps it by more than the limit.
//! Two people who overlap less than that both stay. A model that gives one box for each person is only
//! brought into order.

use crate::engine::detection::Detection;

/// Boxes looked at, best first. More than this many candidates in one picture are noise, and the
/// work grows with the square; 1000 take under 5 ms.
pub const CANDIDATES_MAX: usize = 1000;

/// What a picture's candidates come to. `None`: every box is somebody else.
pub fn finish(candidates: Vec<Detection>, iou_max: Option<f64>) -> Vec<Detection> {
    match iou_max {
        Some(iou_max) => suppress(candidates, iou_max),
        None => best(candidates),
    }
}

/// Keeps the best box of each person. The order of the result is by score (best first), then top,
/// then left, so that it never depends on the order of the input.
pub fn suppress(candidates: Vec<Detection>, iou_max: f64) -> Vec<Detection> {
    let mut kept: Vec<Detection> = Vec::new();
    for candidate in best(candidates) {
        let same = |better: &Detection| better.bounds.iou(candidate.bounds) > iou_max;
        if !kept.iter().any(same) {
            kept.push(candidate);
        }
    }
    kept
}

/// The best ones, in their order.
fn best(mut candidates: Vec<Detection>) -> Vec<Detection> {
    candidates.sort_by(|a, b| {
        b.score
            .cmp(&a.score)
            .then(a.bounds.top().total_cmp(&b.bounds.top()))
            .then(a.bounds.left().total_cmp(&b.bounds.left()))
            .then(a.bounds.height().total_cmp(&b.bounds.height()))
            .then(a.bounds.width().total_cmp(&b.bounds.width()))
    });
    candidates.truncate(CANDIDATES_MAX);
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::detection::{PixelBox, Score};

    fn seen(left: f64, top: f64, score: f32) -> Detection {
        Detection {
            bounds: PixelBox::new(left, top, 40.0, 100.0).expect("positive"),
            score: Score::new(score).expect("in range"),
        }
    }

    #[test]
    fn second_box_of_the_same_person_goes_and_the_neighbour_stays() {
        let best = seen(10.0, 10.0, 0.9);
        let again = seen(12.0, 11.0, 0.6);
        let neighbour = seen(30.0, 10.0, 0.5);
        assert_eq!(suppress(vec![neighbour, again, best], 0.6), [best, neighbour]);
    }

    #[test]
    fn overlap_of_exactly_the_limit_keeps_both() {
        let (a, b) = (seen(0.0, 0.0, 0.9), seen(10.0, 0.0, 0.8));
        assert_eq!(a.bounds.iou(b.bounds), 0.6);
        assert_eq!(suppress(vec![a, b], 0.6).len(), 2);
        assert_eq!(suppress(vec![a, b], 0.59).len(), 1);
    }

    #[test]
    fn a_model_that_gives_one_box_a_person_keeps_them_all() {
        let (back, front) = (seen(10.0, 10.0, 0.5), seen(11.0, 10.0, 0.9));
        assert_eq!(finish(vec![back, front], None), [front, back]);
        assert_eq!(finish(vec![back, front], Some(0.6)), [front]);
    }

    #[test]
    fn result_does_not_depend_on_the_order_of_the_input() {
        let boxes: Vec<_> = (0..20u8)
            .map(|n| seen(f64::from(n % 7) * 9.0, f64::from(n / 7) * 30.0, f32::from(n % 4) / 4.0))
            .collect();
        let mut backwards = boxes.clone();
        backwards.reverse();
        assert_eq!(suppress(boxes, 0.5), suppress(backwards, 0.5));
    }

    #[test]
    fn a_flood_of_candidates_is_bounded() {
        let flood = (0..3000).map(|n| seen(f64::from(n) * 50.0, 0.0, 0.5)).collect();
        assert_eq!(suppress(flood, 0.6).len(), CANDIDATES_MAX);
    }
}
