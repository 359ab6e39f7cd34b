//! How much two models agree picture by picture, and how long each takes.

use serde::{Deserialize, Serialize};

use crate::engine::detection::Detection;
use crate::gate::agreement::Agreement;
use crate::guard::handle::shadowing::{CompareLatency, FrameAgreement};

/// Classes of times, from `MS_MIN` on, each so much wider than the one before: known to a tenth.
const CLASSES: usize = 128;
const MS_MIN: f64 = 0.1;
const WIDER: f64 = 1.1;

/// Below so many pictures nothing is said of times.
const PICTURES_MIN: u64 = 100;

/// What was counted of a run, as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    pub looked: u64,
    pub matched: u64,
    pub active_only: u64,
    pub shadow_only: u64,
    /// Sum over matched detections, score of the shadow model minus that of the active one.
    pub score_shift: f64,
    pub active: Times,
    pub shadow: Times,
}

/// How many pictures took how long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Times(Vec<u64>);

impl Figures {
    /// As kept; what cannot be read counts nothing.
    pub fn read(text: &str) -> Figures {
        serde_json::from_str(text).unwrap_or_default()
    }

    pub fn written(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| "{}".into())
    }

    /// A picture that both looked at, counted as over recordings (`gate::agreement`).
    pub fn compare(&mut self, active: &[Detection], shadow: &[Detection]) {
        let mut picture = Agreement::default();
        picture.picture(active, shadow);
        self.looked += picture.pictures;
        self.matched += picture.matched;
        self.active_only += picture.active_only;
        self.shadow_only += picture.shadow_only;
        self.score_shift += picture.score_shift().unwrap_or(0.0) * picture.matched as f64;
    }

    pub fn agreement(&self) -> FrameAgreement {
        let mean = match self.matched {
            0 => 0.0,
            matched => self.score_shift / matched as f64,
        };
        FrameAgreement {
            looked: self.looked,
            matched: self.matched,
            active_only: self.active_only,
            shadow_only: self.shadow_only,
            score_shift: mean,
        }
    }

    pub fn latency(&self) -> CompareLatency {
        CompareLatency {
            active_p50_ms: self.active.share(0.5),
            active_p99_ms: self.active.share(0.99),
            shadow_p50_ms: self.shadow.share(0.5),
            shadow_p99_ms: self.shadow.share(0.99),
        }
    }
}

impl Times {
    pub fn took(&mut self, ms: f64) {
        let class = ((ms / MS_MIN).max(1.0).ln() / WIDER.ln()) as usize;
        self.0.resize(CLASSES, 0);
        self.0[class.min(CLASSES - 1)] += 1;
    }

    /// What that share of pictures did not exceed, to a tenth.
    fn share(&self, share: f64) -> Option<f64> {
        let all: u64 = self.0.iter().sum();
        let wanted = (share * all as f64).ceil() as u64;
        let mut so_far = 0;
        let class = self.0.iter().position(|many| {
            so_far += many;
            so_far >= wanted
        })?;
        (all >= PICTURES_MIN).then(|| MS_MIN * WIDER.powi(class as i32 + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::detection::{PixelBox, Score};

    fn person(left: f64, score: f32) -> Detection {
        Detection {
            bounds: PixelBox::new(left, 0.0, 100.0, 200.0).expect("a box"),
            score: Score::new(score).expect("a score"),
        }
    }

    #[test]
    fn detections_that_overlap_by_half_are_one_and_faint_ones_nobody() {
        let mut figures = Figures::default();
        figures.compare(&[person(0.0, 0.8), person(500.0, 0.5)], &[person(30.0, 0.6)]);
        figures.compare(&[person(0.0, 0.5)], &[person(40.0, 0.9), person(900.0, 0.1)]);
        let it = figures.agreement();
        assert_eq!((it.looked, it.matched, it.active_only, it.shadow_only), (2, 1, 2, 1));
        assert!((it.score_shift + 0.2).abs() < 1e-6, "{}", it.score_shift);
        assert_eq!(Figures::read(&figures.written()), figures);
    }

    #[test]
    fn live_pictures_are_counted_as_those_of_recordings_are() {
        let scores = [0.1, 0.24, 0.26, 0.29, 0.31, 0.9];
        let (mut live, mut recorded) = (Figures::default(), Agreement::default());
        for active in scores {
            for shadow in scores {
                for left in [0.0, 30.0, 60.0] {
                    let picture = ([person(0.0, active)], [person(left, shadow)]);
                    live.compare(&picture.0, &picture.1);
                    recorded.picture(&picture.0, &picture.1);
                }
            }
        }
        let it = live.agreement();
        assert_eq!(
            (it.looked, it.matched, it.active_only, it.shadow_only),
            (recorded.pictures, recorded.matched, recorded.active_only, recorded.shadow_only)
        );
        let shift = recorded.score_shift().expect("some are matched");
        assert!((it.score_shift - shift).abs() < 1e-9, "{}", it.score_shift);
    }

    #[test]
    fn times_are_known_to_a_tenth_once_there_are_enough() {
        let mut times = Times::default();
        for _ in 0..98 {
            times.took(20.0);
        }
        assert_eq!(times.share(0.5), None);
        for _ in 0..2 {
            times.took(400.0);
        }
        for (share, ms) in [(0.5, 20.0), (0.99, 400.0)] {
            let said = times.share(share).expect("enough");
            assert!((ms..ms * 1.21).contains(&said), "{said}");
        }
    }
}
