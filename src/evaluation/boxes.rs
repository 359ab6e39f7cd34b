//! Are the people themselves found? Detections against true boxes at IoU 0.5.

use super::intervals::{Interval, share};
use crate::engine::assignment::assign;
use crate::engine::detection::Detection;
use crate::replay::mot::{Counts, TruthRow};

/// Overlap from which a detection is this person.
pub const IOU_MIN: f64 = 0.5;

/// People found and missed over all pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BoxCount {
    /// Boxes of the truth that count, and how many were found.
    pub people: usize,
    pub found: usize,
    /// Detections that are nobody of the truth.
    pub ghosts: usize,
}

impl BoxCount {
    pub fn recall(&self) -> Option<Interval> {
        share(self.found, self.people)
    }

    pub fn precision(&self) -> Option<Interval> {
        share(self.found, self.found + self.ghosts)
    }

    /// Counts one picture. Detections that fall on left-out rows are left out too.
    pub fn picture(&mut self, truth: &[TruthRow], detections: &[Detection], score_min: f32) {
        let seen: Vec<&Detection> =
            detections.iter().filter(|d| d.score.get() >= score_min).collect();
        let people: Vec<&TruthRow> = truth.iter().filter(|r| r.counts == Counts::Yes).collect();
        let limit = 1.0 - IOU_MIN + f64::EPSILON;
        let pairs = assign(people.len(), seen.len(), limit, |p, d| {
            1.0 - people[p].bounds.iou(seen[d].bounds)
        });
        let matched: Vec<usize> = pairs.iter().map(|pair| pair.1).collect();
        let left_out = |d: &Detection| {
            truth
                .iter()
                .filter(|row| row.counts == Counts::LeftOut)
                .any(|row| row.bounds.iou(d.bounds) >= IOU_MIN)
        };
        self.people += people.len();
        self.found += pairs.len();
        self.ghosts += (0..seen.len())
            .filter(|index| !matched.contains(index) && !left_out(seen[*index]))
            .count();
    }
}
