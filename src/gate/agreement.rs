//! Picture by picture: do two models see the same people, and how sure are they? For people who look
//! for the reason of a difference; nothing is decided by it.
//!
//! A person of one is that of the other when their boxes overlap enough, one to one. Each counts from
//! the score at which it would be evidence of an entry; its partner may be as weak as what holds one,
//! else two models that say 0.31 and 0.29 would not agree.

use crate::engine::assignment::assign;
use crate::engine::detection::Detection;
use crate::engine::zone::{ENTER_SCORE, HOLD_SCORE};

/// Overlap from which two boxes are one person.
pub const IOU_MIN: f64 = 0.5;

/// Sums over pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Agreement {
    pub pictures: u64,
    pub matched: u64,
    pub active_only: u64,
    pub shadow_only: u64,
    /// Sum of the shadow model's score less the active one's, over what is matched.
    score_shift: f64,
}

impl Agreement {
    /// Counts one picture.
    pub fn picture(&mut self, active: &[Detection], shadow: &[Detection]) {
        let held = |of: &[Detection]| -> Vec<Detection> {
            of.iter().filter(|one| one.score.get() >= HOLD_SCORE).copied().collect()
        };
        let (active, shadow) = (held(active), held(shadow));
        let limit = 1.0 - IOU_MIN + f64::EPSILON;
        let pairs = assign(active.len(), shadow.len(), limit, |a, s| {
            1.0 - active[a].bounds.iou(shadow[s].bounds)
        });
        let enters = |one: &Detection| one.score.get() >= ENTER_SCORE;
        for &(a, s) in &pairs {
            let (a, s) = (&active[a], &shadow[s]);
            if enters(a) || enters(s) {
                self.matched += 1;
                self.score_shift += f64::from(s.score.get()) - f64::from(a.score.get());
            }
        }
        let alone = |of: &[Detection], is_paired: &dyn Fn(usize) -> bool| {
            let alone = of.iter().enumerate().filter(|(n, one)| enters(one) && !is_paired(*n));
            alone.count() as u64
        };
        self.active_only += alone(&active, &|n| pairs.iter().any(|pair| pair.0 == n));
        self.shadow_only += alone(&shadow, &|n| pairs.iter().any(|pair| pair.1 == n));
        self.pictures += 1;
    }

    /// Of the people that either sees, the share that both see; `None` where there is none.
    pub fn share(&self) -> Option<f64> {
        let all = self.matched + self.active_only + self.shadow_only;
        (all > 0).then(|| self.matched as f64 / all as f64)
    }

    /// How much surer the shadow model is of whom both see, on average.
    pub fn score_shift(&self) -> Option<f64> {
        (self.matched > 0).then(|| self.score_shift / self.matched as f64)
    }

    pub fn add(&mut self, other: &Agreement) {
        self.pictures += other.pictures;
        self.matched += other.matched;
        self.active_only += other.active_only;
        self.shadow_only += other.shadow_only;
        self.score_shift += other.score_shift;
    }
}
