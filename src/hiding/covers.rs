//! Where in a picture people are: those found in it, and those found a moment before and missed now.
//!
//! A detector loses a person for a picture or two. Whoever is not found again is carried on for
//! [`CARRIED_FOR`], in a place that grows as far as they may have walked meanwhile.
//!
//! Not here: who somebody is, and what is in alarm; a track that is lost here costs some pixels.

use std::time::Duration;

use crate::engine::time::Instant;

/// How long somebody who is not found is still covered: several times what a detector misses in a
/// row, and as long as the engine keeps a zone occupied that nobody is seen to leave.
const CARRIED_FOR: Duration = Duration::from_millis(1000);

/// How far somebody walks, in their own heights a second: 1.6 m/s (the walking speed of ISO 13855)
/// for a person of 1.7 m.
const WALK_HEIGHTS_A_SECOND: f64 = 1.6 / 1.7;

/// … and towards or away from the camera, where the picture shows less of the way.
const DEPTH_SHARE: f64 = 0.25;

/// The same person is expected to overlap by so much from one picture to the next.
const SAME_IOU_MIN: f64 = 0.2;

/// Covers of one picture; a crowd larger than this fills the picture anyway.
const COVERS_MAX: usize = 256;

/// Left, top, width, height in frame fractions.
pub type BoxNorm = [f64; 4];

/// Where somebody is, or was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cover {
    /// Where they were found.
    pub bounds_norm: BoxNorm,
    /// When.
    pub found_at: Instant,
    /// How long before the picture that was.
    pub age: Duration,
}

/// The covers of the next picture of a camera: whoever is `found` in it, and of the picture `before`
/// whoever has no successor.
pub fn next(before: &[Cover], at: Instant, found: &[BoxNorm]) -> Vec<Cover> {
    let here = |bounds: &BoxNorm| Cover { bounds_norm: *bounds, found_at: at, age: Duration::ZERO };
    let mut covers: Vec<Cover> = found.iter().take(COVERS_MAX).map(here).collect();
    let mut taken = vec![false; covers.len()];
    let mut lost = Vec::new();
    for old in before {
        match successor(old, &covers, &mut taken) {
            Some(_) => {}
            None => lost.push(Cover { age: at.since(old.found_at), ..*old }),
        }
    }
    lost.retain(|old| old.age <= CARRIED_FOR);
    covers.extend(lost);
    covers.truncate(COVERS_MAX);
    covers
}

/// The covers of a picture between two others, from theirs, each as old as it is away from this one.
/// Whoever is in both is on the way from one place to the other.
pub fn between(left: Vec<Cover>, right: Vec<Cover>) -> Vec<Cover> {
    let mut taken = vec![false; right.len()];
    let mut covers = Vec::with_capacity(left.len().max(right.len()));
    for old in left {
        covers.push(match successor(&old, &right, &mut taken) {
            Some(new) => midway(&old, &right[new]),
            None => old,
        });
    }
    let lone = right.iter().zip(&taken).filter(|(_, taken)| !**taken);
    covers.extend(lone.map(|(new, _)| *new));
    covers.retain(|cover| cover.age <= CARRIED_FOR);
    covers
}

/// Nobody walks as evenly as this: the place grows with the time to the nearer of the two.
fn midway(old: &Cover, new: &Cover) -> Cover {
    let whole = (old.age + new.age).as_secs_f64();
    let share = if whole > 0.0 { old.age.as_secs_f64() / whole } else { 0.0 };
    let side = |side: usize| {
        old.bounds_norm[side] + share * (new.bounds_norm[side] - old.bounds_norm[side])
    };
    Cover { bounds_norm: [0, 1, 2, 3].map(side), age: old.age.min(new.age), ..*old }
}

/// The same person in the next picture, whom nobody else has taken.
fn successor(old: &Cover, next: &[Cover], taken: &mut [bool]) -> Option<usize> {
    let best = (0..next.len())
        .filter(|&new| !taken[new])
        .map(|new| (new, overlap(old.bounds_norm, next[new].bounds_norm)))
        .filter(|(_, share)| *share >= SAME_IOU_MIN)
        .max_by(|a, b| a.1.total_cmp(&b.1));
    let (new, _) = best?;
    taken[new] = true;
    Some(new)
}

impl Cover {
    /// The place in which they are, as far as they may have walked since.
    pub fn place_norm(&self) -> BoxNorm {
        let [left, top, width, height] = self.bounds_norm;
        let walked = WALK_HEIGHTS_A_SECOND * self.age.as_secs_f64() * height;
        let deeper = DEPTH_SHARE * walked;
        [left - walked, top - deeper, width + 2.0 * walked, height + 2.0 * deeper]
    }
}

/// Intersection over union.
pub fn overlap(a: BoxNorm, b: BoxNorm) -> f64 {
    let side = |at: usize| (a[at] + a[at + 2]).min(b[at] + b[at + 2]) - a[at].max(b[at]);
    let (width, height) = (side(0), side(1));
    if width <= 0.0 || height <= 0.0 {
        return 0.0;
    }
    let shared = width * height;
    shared / (a[2] * a[3] + b[2] * b[3] - shared)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERSON: BoxNorm = [0.4, 0.3, 0.1, 0.4];
    const OTHER: BoxNorm = [0.8, 0.3, 0.1, 0.4];

    fn at(ms: u64) -> Instant {
        Instant::ZERO.after(Duration::from_millis(ms))
    }

    #[test]
    fn whoever_is_missed_for_a_second_stays_covered_and_then_no_more() {
        let mut covers = next(&[], at(0), &[PERSON, OTHER]);
        for ms in (100..=1000).step_by(100) {
            covers = next(&covers, at(ms), &[OTHER]);
            assert!(covers.iter().any(|cover| cover.bounds_norm == PERSON), "after {ms} ms");
        }
        covers = next(&covers, at(1100), &[OTHER]);
        assert_eq!(covers.len(), 1);
    }

    #[test]
    fn whoever_is_found_again_is_covered_once() {
        let covers = next(&[], at(0), &[PERSON]);
        let moved = [0.41, 0.3, 0.1, 0.4];
        let covers = next(&covers, at(100), &[moved]);
        assert_eq!(covers.len(), 1);
        assert_eq!(covers[0].bounds_norm, moved);
    }

    #[test]
    fn one_box_does_not_stand_for_two_people() {
        let beside = [0.43, 0.3, 0.1, 0.4];
        let covers = next(&[], at(0), &[PERSON, beside]);
        assert_eq!(next(&covers, at(100), &[PERSON]).len(), 2);
    }

    #[test]
    fn the_place_of_a_missed_person_holds_wherever_they_walk_to() {
        let cover = Cover { bounds_norm: PERSON, found_at: at(0), age: Duration::from_millis(500) };
        let [left, _, width, _] = cover.place_norm();
        // Half a second at 1.6 m/s is 0.8 m: 0.47 of 0.4 high.
        assert!(left < 0.4 - 0.18 && left + width > 0.5 + 0.18, "{left} {width}");
    }

    #[test]
    fn a_flood_of_boxes_is_bounded() {
        let flood: Vec<BoxNorm> = (0..10_000).map(|n| [f64::from(n), 0.0, 0.5, 0.5]).collect();
        let covers = next(&[], at(0), &flood);
        assert_eq!(next(&covers, at(100), &flood).len(), COVERS_MAX);
    }
}
