//! One list of people from the whole picture and its crops: nobody twice, nobody cut in half.
//!
//! - A box that a crop's edge cuts is dropped, unless that edge is the picture's own: it is half of
//!   somebody, whose foot would be at the edge.
//!   So is one that ends near such an edge and lies in a box that was found before.
//! - A box of a crop and one found before that overlap by `SAME_IOU_MIN` are one person, each of them
//!   at most once: the crop's box is kept, it was measured with more pixels, with the better score of
//!   both.
//! - Whoever is left was seen by one of them only, and stays. Nothing found before is ever lost.

use crate::engine::detection::{Detection, FrameSize, PixelBox};

/// Overlap from which boxes at two scales are one person. Two measures of one box whose sides are each
/// off by a tenth of it overlap by 0.47; people beside each other overlap less, and of two who do not,
/// one is found before and the other joins.
const SAME_IOU_MIN: f64 = 0.45;

/// A box that ends within this many pixels of the model's input of a crop's edge is cut by it: half of
/// the finest cell (8 px) in which the model places anything.
const EDGE_INPUT_PX: f64 = 4.0;

/// … and one that ends within this many, when it also lies in a box found before: boxes at an edge
/// often end some pixels before it. The next coarser cell.
const NEAR_EDGE_INPUT_PX: f64 = 16.0;

/// Share of such a box inside the other from which it is a part of that person.
const PART_SHARE_MIN: f64 = 0.7;

/// A crop's place in the picture and what one of the model's pixels is there, picture pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    pub bounds: PixelBox,
    pub input_px: f64,
}

/// Adds what a crop shows, in picture pixels, to what was found before.
pub fn add(found: &mut Vec<Detection>, crop: Seen, seen: Vec<Detection>, size: FrameSize) {
    let mut seen: Vec<Detection> =
        seen.into_iter().filter(|it| !is_part(it.bounds, crop, size, found)).collect();
    let before = found.len();
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (new, detection) in seen.iter().enumerate() {
        for (old, known) in found.iter().enumerate() {
            let iou = known.bounds.iou(detection.bounds);
            if iou >= SAME_IOU_MIN {
                pairs.push((iou, old, new));
            }
        }
    }
    // The best first; of equals the one found first, so that the order is always the same.
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let (mut old_taken, mut new_taken) = (vec![Taken::No; before], vec![Taken::No; seen.len()]);
    for (_, old, new) in pairs {
        if old_taken[old] == Taken::No && new_taken[new] == Taken::No {
            (old_taken[old], new_taken[new]) = (Taken::Yes, Taken::Yes);
            let score = found[old].score.max(seen[new].score);
            found[old] = Detection { bounds: seen[new].bounds, score };
        }
    }
    let mut taken = new_taken.iter();
    seen.retain(|_| taken.next() == Some(&Taken::No));
    found.extend(seen);
}

/// Best score first, as a detector gives them.
pub fn sort(found: &mut [Detection]) {
    found.sort_by(|a, b| {
        b.score
            .cmp(&a.score)
            .then(a.bounds.top().total_cmp(&b.bounds.top()))
            .then(a.bounds.left().total_cmp(&b.bounds.left()))
    });
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    Yes,
    No,
}

/// Whether the crop's edge has cut this box off somebody.
fn is_part(bounds: PixelBox, crop: Seen, size: FrameSize, found: &[Detection]) -> bool {
    let of_known = || found.iter().any(|it| share_inside(bounds, it.bounds) >= PART_SHARE_MIN);
    ends_at_edge(bounds, crop, size, EDGE_INPUT_PX)
        || (ends_at_edge(bounds, crop, size, NEAR_EDGE_INPUT_PX) && of_known())
}

/// Which share of a box lies in another.
fn share_inside(bounds: PixelBox, other: PixelBox) -> f64 {
    let width = bounds.right().min(other.right()) - bounds.left().max(other.left());
    let height = bounds.bottom().min(other.bottom()) - bounds.top().max(other.top());
    width.max(0.0) * height.max(0.0) / (bounds.width() * bounds.height())
}

fn ends_at_edge(bounds: PixelBox, crop: Seen, size: FrameSize, within_input_px: f64) -> bool {
    let near = within_input_px * crop.input_px;
    let inside = crop.bounds;
    // An edge the crop shares with the picture cuts nobody more than the picture does.
    (inside.left() > 0.0 && bounds.left() < inside.left() + near)
        || (inside.top() > 0.0 && bounds.top() < inside.top() + near)
        || (inside.right() < size.width_px() && bounds.right() > inside.right() - near)
        || (inside.bottom() < size.height_px() && bounds.bottom() > inside.bottom() - near)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::detection::Score;

    fn size() -> FrameSize {
        FrameSize::new(800, 600).expect("positive")
    }

    fn seen(left: f64, top: f64, score: f32) -> Detection {
        Detection {
            bounds: PixelBox::new(left, top, 20.0, 50.0).expect("positive"),
            score: Score::new(score).expect("in range"),
        }
    }

    fn crop() -> Seen {
        let bounds = PixelBox::new(100.0, 0.0, 300.0, 200.0).expect("positive");
        Seen { bounds, input_px: 0.5 }
    }

    fn merged(whole: &[Detection], of_crop: &[Detection]) -> Vec<Detection> {
        let mut found = whole.to_vec();
        add(&mut found, crop(), of_crop.to_vec(), size());
        found
    }

    #[test]
    fn a_person_seen_at_both_scales_is_one_with_the_crop_s_box_and_the_better_score() {
        let got = merged(&[seen(200.0, 100.0, 0.6)], &[seen(202.0, 103.0, 0.4)]);
        assert_eq!(got, [seen(202.0, 103.0, 0.6)]);
    }

    #[test]
    fn who_is_seen_only_in_the_crop_is_added_and_who_is_not_stays() {
        let (whole, only) = (seen(500.0, 300.0, 0.7), seen(250.0, 100.0, 0.3));
        assert_eq!(merged(&[whole], &[only]), [whole, only]);
        let unseen = seen(300.0, 100.0, 0.3);
        assert_eq!(merged(&[unseen], &[]), [unseen]);
    }

    #[test]
    fn a_person_cut_by_the_crop_s_edge_is_no_second_person() {
        for cut in [seen(100.5, 100.0, 0.9), seen(379.0, 100.0, 0.9), seen(200.0, 149.0, 0.9)] {
            assert_eq!(merged(&[], &[cut]), [], "{cut:?}");
        }
        // The crop's upper edge is the picture's.
        assert_eq!(merged(&[], &[seen(200.0, 0.0, 0.9)]).len(), 1);
    }

    #[test]
    fn a_part_that_ends_near_the_edge_is_no_second_person_and_a_whole_person_there_is() {
        let bounds = PixelBox::new(195.0, 100.0, 40.0, 150.0).expect("positive");
        let tall = Detection { bounds, ..seen(0.0, 0.0, 0.6) };
        // The crop ends at 200: five pixels below this half of the tall person.
        let half = seen(205.0, 145.0, 0.5);
        assert_eq!(merged(&[tall], &[half]), [tall]);
        assert_eq!(merged(&[], &[half]), [half]);
        // In front of the tall one, and nowhere near an edge.
        let other = seen(205.0, 110.0, 0.5);
        assert_eq!(merged(&[tall], &[other]), [tall, other]);
    }

    #[test]
    fn of_two_people_beside_each_other_none_is_lost_to_the_other() {
        let (left, right) = (seen(200.0, 100.0, 0.6), seen(206.0, 100.0, 0.5));
        assert_eq!(merged(&[left, right], &[left, right]).len(), 2);
        // The whole picture shows one of them.
        assert_eq!(merged(&[left], &[left, right]).len(), 2);
    }

    #[test]
    fn overlapping_crops_count_nobody_twice() {
        let mut found = merged(&[], &[seen(300.0, 100.0, 0.5)]);
        let bounds = PixelBox::new(250.0, 0.0, 300.0, 200.0).expect("positive");
        let next = Seen { bounds, input_px: 0.5 };
        add(&mut found, next, vec![seen(301.0, 101.0, 0.6)], size());
        assert_eq!(found.len(), 1);
    }
}
