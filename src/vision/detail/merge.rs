//! One list of people from the whole picture and its crops: nobody twice, nobody cut in half.
//!
//! - A box that a crop's edge cuts is dropped, unless that edge is the picture's own: it is half of
//!   somebody, whose foot would be at the edge.
//!   So is one that ends near such an edge and lies in a box that was found before.
//! - A box of a crop and one found before that overlap by `SAME_IOU_MIN` and stand at the same place
//!   (`SAME_FOOT_MAX`) are one person, each of them at most once, with the better score of both. The
//!   crop's box is kept, it was measured with more pixels, where the crop shows that person whole;
//!   else the one found before is.
//! - Whoever is left was seen by one of them only, and stays.
//!
//! So nobody found before is ever lost, and nobody's feet are moved to where somebody else stands:
//! when in doubt, one person is two boxes and not two people one.

use crate::engine::detection::{Detection, FrameSize, PixelBox};

/// Overlap from which boxes at two scales may be one person. Two measures of one box whose sides are
/// each off by a tenth of it overlap by 0.47.
const SAME_IOU_MIN: f64 = 0.45;

/// … and how far their feet may lie apart for that, in heights of the lower one, across and down. Two
/// people one behind the other overlap by as much as that or more; what tells them apart is where
/// they stand.
const SAME_FOOT_MAX: f64 = 0.1;

/// A crop shows only a part of somebody whose box lies outside it by more than this, in heights of the
/// box: by less, it is as likely that the whole picture's box is too large.
const CUT_MIN: f64 = 0.1;

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
            if iou >= SAME_IOU_MIN && stand_together(known.bounds, detection.bounds) {
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
            let bounds = match is_cut(found[old].bounds, crop, size) {
                true => found[old].bounds,
                false => seen[new].bounds,
            };
            found[old] = Detection { bounds, score: found[old].score.max(seen[new].score) };
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

/// Whether two boxes have their feet at the same place, as well as that can be measured.
fn stand_together(one: PixelBox, other: PixelBox) -> bool {
    let near = SAME_FOOT_MAX * one.height().min(other.height());
    let middle = |it: PixelBox| (it.left() + it.right()) / 2.0;
    (middle(one) - middle(other)).abs() <= near && (one.bottom() - other.bottom()).abs() <= near
}

/// Whether the crop shows only a part of what is in this box.
fn is_cut(bounds: PixelBox, crop: Seen, size: FrameSize) -> bool {
    ends_at_edge(bounds, crop, size, -CUT_MIN * bounds.height() / crop.input_px)
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
        // One of them each.
        assert_eq!(merged(&[left], &[right]), [left, right]);
    }

    fn person(left: f64, top: f64, height: f64, score: f32) -> Detection {
        let bounds = PixelBox::new(left, top, 20.0, height).expect("positive");
        Detection { bounds, ..seen(0.0, 0.0, score) }
    }

    #[test]
    fn who_stands_in_front_keeps_their_feet_when_the_crop_shows_only_the_one_behind() {
        // The crop ends at 200 and shows the one in front without feet, so not at all.
        let (front, behind) = (person(200.0, 145.0, 60.0, 0.6), person(201.0, 132.0, 55.0, 0.5));
        let cut = person(200.0, 145.0, 54.5, 0.5);
        assert!((0.45..=0.7).contains(&front.bounds.iou(behind.bounds)));
        assert_eq!(merged(&[front], &[cut, behind]), [front, behind]);
        // The same two where the crop shows both whole, and finds only one of them.
        let (front, behind) = (person(200.0, 85.0, 60.0, 0.6), person(201.0, 72.0, 55.0, 0.5));
        assert_eq!(merged(&[front], &[behind]), [front, behind]);
        assert_eq!(merged(&[front], &[front, behind]), [front, behind]);
        assert_eq!(merged(&[behind], &[front]), [behind, front]);
    }

    #[test]
    fn nobody_s_feet_move_further_than_they_can_be_measured_wherever_the_crop_finds_somebody() {
        let known = person(200.0, 100.0, 60.0, 0.6);
        for (right, down) in (-30..=30).flat_map(|x| (-60..=60).map(move |y| (x, y))) {
            for height in [30.0, 54.0, 60.0, 66.0, 99.0] {
                let (left, top) = (200.0 + f64::from(right), 160.0 - height + f64::from(down));
                let Some(bounds) = PixelBox::new(left, top, height / 3.0, height) else {
                    continue;
                };
                let got = merged(&[known], &[Detection { bounds, ..known }]);
                let foot = |it: &Detection| it.bounds.anchor_norm(size());
                let (x, y) = foot(&known);
                let near = |it: &Detection| {
                    let (to_x, to_y) = foot(it);
                    (to_x - x).abs() * 800.0 <= 6.1 && (to_y - y).abs() * 600.0 <= 6.1
                };
                assert!(got.iter().any(near), "{bounds:?} leaves {got:?}");
            }
        }
    }

    #[test]
    fn somebody_of_whom_the_crop_shows_a_part_keeps_the_box_of_the_whole_picture() {
        // The crop begins at 100: the arm to the left of it is not in it.
        let (whole, without_arm) =
            (PixelBox::new(80.0, 20.0, 60.0, 150.0), PixelBox::new(109.0, 20.0, 31.0, 150.0));
        let seen = |bounds: Option<PixelBox>, score| Detection {
            bounds: bounds.expect("positive"),
            ..seen(0.0, 0.0, score)
        };
        let got = merged(&[seen(whole, 0.4)], &[seen(without_arm, 0.7)]);
        assert_eq!(got, [seen(whole, 0.7)]);
        // Five pixels outside are none that the whole picture could have measured.
        let (whole, better) =
            (PixelBox::new(95.0, 20.0, 60.0, 150.0), PixelBox::new(109.0, 20.0, 46.0, 150.0));
        let got = merged(&[seen(whole, 0.4)], &[seen(better, 0.7)]);
        assert_eq!(got, [seen(better, 0.7)]);
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
