//! How high people are where they stand, from the boxes seen: for cameras without calibration.
//!
//! On a flat floor seen by a level camera a person's height in the picture grows in proportion to how
//! far below the horizon their feet are (Hoiem and others 2006, "Putting Objects in Perspective"), so
//! a straight line over the foot's height in the picture says how high people are also where nobody
//! was found yet, because they are too small there.
//!
//! Counted, not timed: the same boxes in the same order give the same line.

use std::collections::VecDeque;

use crate::engine::detection::{Detection, FrameSize};
use crate::engine::zone::ENTER_SCORE;
use crate::link::DetailZone;

/// Bands of the picture's height; in each the median counts, so that crouching people and things
/// taken for people weigh little.
const BANDS: usize = 8;

/// Boxes kept of each band, and how many it takes for its median to count.
const KEPT_MAX: usize = 65;
const KEPT_MIN: usize = 9;

/// Wider than this share of its height, a box is nobody who stands.
const WIDTH_SHARE_MAX: f64 = 0.75;

/// How near to the frame's edge a box may be cut by it: as `engine::plausible` has it.
const EDGE_NORM: f64 = 0.01;

/// The line does not go below this share of the smallest median: towards the horizon it would reach
/// zero.
const FAR_SHARE_MIN: f64 = 0.25;

/// Boxes after which a plan made with them is made anew; later, whenever so many more were seen.
const NEWS_FIRST: u64 = 32;
const NEWS_EVERY: u64 = 512;

/// The heights seen.
#[derive(Clone, Debug, Default)]
pub struct Heights {
    bands: [VecDeque<f64>; BANDS],
    seen: u64,
}

/// Whether a plan should be made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    Yes,
    No,
}

impl Heights {
    /// Learns from one picture's boxes.
    pub fn see(&mut self, detections: &[Detection], size: FrameSize) -> News {
        let before = self.seen;
        for detection in detections {
            let bounds = detection.bounds;
            let edge = |value: f64, of: f64| (EDGE_NORM..=1.0 - EDGE_NORM).contains(&(value / of));
            let clear = edge(bounds.left(), size.width_px())
                && edge(bounds.right(), size.width_px())
                && edge(bounds.top(), size.height_px())
                && edge(bounds.bottom(), size.height_px());
            let stands = bounds.width() <= WIDTH_SHARE_MAX * bounds.height();
            if !clear || !stands || detection.score.get() < ENTER_SCORE {
                continue;
            }
            let foot_norm = bounds.bottom() / size.height_px();
            let band = &mut self.bands[band(foot_norm)];
            if band.len() == KEPT_MAX {
                band.pop_front();
            }
            band.push_back(bounds.height() / size.height_px());
            self.seen += 1;
        }
        let passed = |mark: u64| before < mark && mark <= self.seen;
        let doubled = (0..4).any(|power| passed(NEWS_FIRST << power));
        match doubled || before / NEWS_EVERY != self.seen / NEWS_EVERY {
            true => News::Yes,
            false => News::No,
        }
    }

    /// A zone with the heights that are expected in its strips; as it is where those are calibrated, or
    /// nothing is known.
    pub fn known_in(&self, zone: &DetailZone) -> DetailZone {
        let strips = zone.strips();
        let step = (zone.bottom_norm - zone.top_norm) / strips as f64;
        let known = |strip: usize| self.at(middle(zone.top_norm + step * strip as f64, step));
        let person_norm = match zone.person_norm.is_empty() {
            true => (0..strips).filter_map(known).collect(),
            false => zone.person_norm.clone(),
        };
        DetailZone { person_norm, ..zone.clone() }
    }

    /// The expected height, as a share of the frame's, of somebody whose feet are here; `None` while
    /// too few were seen.
    pub fn at(&self, foot_norm: f64) -> Option<f64> {
        let known: Vec<(f64, f64)> = self
            .bands
            .iter()
            .enumerate()
            .filter(|(_, heights)| heights.len() >= KEPT_MIN)
            .map(|(band, heights)| ((band as f64 + 0.5) / BANDS as f64, median(heights)))
            .collect();
        let count = known.len() as f64;
        let smallest = known.iter().map(|(_, height)| *height).reduce(f64::min)?;
        let mean_at = known.iter().map(|(at, _)| at).sum::<f64>() / count;
        let mean = known.iter().map(|(_, height)| height).sum::<f64>() / count;
        let spread: f64 = known.iter().map(|(at, _)| (at - mean_at).powi(2)).sum();
        let slope = match spread > 0.0 {
            true => known.iter().map(|(at, h)| (at - mean_at) * (h - mean)).sum::<f64>() / spread,
            false => 0.0,
        };
        // Nearer people are never smaller: a slope that says so is chance.
        let height = mean + slope.max(0.0) * (foot_norm - mean_at);
        Some(height.max(FAR_SHARE_MIN * smallest))
    }
}

/// Where somebody's feet are taken to be in a strip.
pub fn middle(top_norm: f64, step: f64) -> f64 {
    (top_norm + (top_norm + step)) / 2.0
}

fn band(foot_norm: f64) -> usize {
    ((foot_norm * BANDS as f64) as usize).min(BANDS - 1)
}

fn median(heights: &VecDeque<f64>) -> f64 {
    let mut sorted: Vec<f64> = heights.iter().copied().collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::detection::{PixelBox, Score};

    fn size() -> FrameSize {
        FrameSize::new(1000, 1000).expect("positive")
    }

    fn person(foot: f64, height: f64) -> Detection {
        Detection {
            bounds: PixelBox::new(500.0, foot - height, 0.4 * height, height).expect("positive"),
            score: Score::new(0.6).expect("in range"),
        }
    }

    #[test]
    fn heights_go_on_in_a_straight_line_to_where_nobody_was_found() {
        let mut heights = Heights::default();
        for n in 0..200 {
            // A horizon at 0.1; people found from the middle of the picture on.
            let foot = 500.0 + f64::from(n % 40) * 12.0;
            heights.see(&[person(foot, 0.3 * (foot - 100.0))], size());
        }
        let expected = |foot: f64| 0.3 * (foot - 0.1);
        for foot in [0.3, 0.6, 0.9] {
            let got = heights.at(foot).expect("known");
            assert!((got - expected(foot)).abs() < 0.02, "{got} at {foot}");
        }
    }

    #[test]
    fn nothing_is_said_after_a_few_boxes_and_cut_or_lying_ones_teach_nothing() {
        let mut heights = Heights::default();
        for _ in 0..8 {
            heights.see(&[person(600.0, 100.0)], size());
        }
        assert_eq!(heights.at(0.6), None);
        let lying = Detection {
            bounds: PixelBox::new(300.0, 550.0, 120.0, 50.0).expect("positive"),
            ..person(600.0, 100.0)
        };
        for _ in 0..50 {
            heights.see(&[lying, person(1000.0, 300.0)], size());
        }
        assert_eq!(heights.at(0.6), None);
        heights.see(&[person(600.0, 100.0)], size());
        assert_eq!(heights.at(0.6), Some(0.1));
    }

    #[test]
    fn a_new_plan_is_asked_for_as_boxes_come_and_seldom_later() {
        let mut heights = Heights::default();
        let mut see = || heights.see(&[person(600.0, 100.0)], size()) == News::Yes;
        let asked: Vec<usize> = (1..=1100).filter(|_| see()).collect();
        assert_eq!(asked, [32, 64, 128, 256, 512, 1024]);
    }
}
