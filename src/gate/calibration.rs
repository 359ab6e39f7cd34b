//! From what people said of incidents: a score threshold to propose for each camera.
//!
//! An incident whose best score is below the threshold would not have been. The proposal is the
//! highest of the scores at which a share of less than `miss_rate` of the true ones is lost, with
//! `confidence`: the (k + 1)-th lowest score of n true incidents, k the largest number with
//! P(X ≤ k) ≤ α for X binomial with n and `miss_rate`. That holds whatever the scores are distributed
//! like: Wilks, "Determination of sample sizes for setting tolerance limits", Ann. Math. Statist. 12
//! (1941); the same as the training-conditional form of conformal prediction, Vovk, "Conditional
//! validity of inductive conformal predictors", Asian Conf. on Machine Learning (2012). Equal scores
//! make it hold the more.
//!
//! It speaks of incidents like those that were seen, that is from the score on at which the box
//! looked: whoever never scored so much is in no count. Each camera is judged by itself, so of twenty
//! proposals at 95 % one must be expected to be wrong.
//!
//! Not here: bringing a threshold into force. An engineer does, or does not.

use std::collections::BTreeMap;

use super::claim::{Claim, Look};
use super::verdict::Label;
use super::{Probability, Tally, bounds};
use crate::engine::detection::Score;
use crate::evaluation::intervals::{Interval, share};

/// An incident that somebody labelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    pub camera: String,
    /// The best score among its evidence: what decides whether a threshold loses it.
    pub score: Score,
    pub label: Label,
}

/// What an engineer asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wish {
    pub miss_rate: Probability,
    pub confidence: Probability,
}

impl Wish {
    /// What a threshold may lose unless somebody asks for another: one of twenty.
    pub const MISS_DEFAULT: Probability = Probability(0.05);
}

/// What can be proposed for a camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Proposal {
    Threshold(Threshold),
    /// Too few true incidents for any threshold.
    NotEnough {
        have: usize,
        /// `None`: more than `INCIDENTS_MAX`.
        needed: Option<usize>,
    },
}

/// A threshold and what it would have done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    pub score: Score,
    /// The other end of the interval: from here on more than the miss rate is lost, with the same
    /// confidence. `None` where the incidents show no such score.
    pub too_high_from: Option<Score>,
    /// True incidents that it would have lost, with the interval of 95 %.
    pub lost: Tally,
    pub lost_share: Interval,
    /// False ones that it would have spared, of all false ones.
    pub spared: usize,
    pub false_incidents: usize,
    pub spared_share: Option<Interval>,
}

/// A proposal for each camera of which anything was labelled.
pub fn propose(answered: &[Answered], wish: Wish) -> BTreeMap<String, Proposal> {
    let mut by_camera: BTreeMap<&str, Vec<&Answered>> = BTreeMap::new();
    for one in answered {
        by_camera.entry(&one.camera).or_default().push(one);
    }
    by_camera.into_iter().map(|(camera, of)| (camera.to_owned(), for_camera(&of, wish))).collect()
}

fn for_camera(answered: &[&Answered], wish: Wish) -> Proposal {
    let scores = |is: fn(Label) -> bool| {
        let mut scores: Vec<Score> =
            answered.iter().filter(|a| is(a.label)).map(|a| a.score).collect();
        scores.sort();
        scores
    };
    let sure = scores(|label| label == Label::True);
    // Whoever cannot be judged may have been somebody or not: what is worse decides.
    let maybe = scores(|label| label != Label::False);
    let not_false = scores(|label| label == Label::False);
    let (Some(one), Some(other)) = (highest(&sure, wish), highest(&maybe, wish)) else {
        let once = Look::Once { incidents: sure.len() };
        let claim = Claim { miss_rate: wish.miss_rate, confidence: wish.confidence, look: once };
        return Proposal::NotEnough { have: sure.len(), needed: claim.incidents_needed(0) };
    };
    let score = one.min(other);
    let below = |scores: &[Score]| scores.partition_point(|s| *s < score);
    let (lost, spared) = (below(&sure), below(&not_false));
    match (Tally::new(lost, sure.len()), share(lost, sure.len())) {
        (Some(lost), Some(lost_share)) => Proposal::Threshold(Threshold {
            score,
            too_high_from: too_high(&sure, wish),
            lost,
            lost_share,
            spared,
            false_incidents: not_false.len(),
            spared_share: share(spared, not_false.len()),
        }),
        // Cannot be: `highest` found a score among the true ones, so there are some.
        _ => Proposal::NotEnough { have: sure.len(), needed: None },
    }
}

/// The highest threshold that may be proposed; `None` when there are too few. Scores ascending.
fn highest(scores: &[Score], wish: Wish) -> Option<Score> {
    let n = scores.len();
    let may_lose = |k: usize| {
        Tally::new(k, n).is_some_and(|t| bounds::shows(t, wish.miss_rate, wish.confidence))
    };
    let allowed = (0..n).take_while(|&k| may_lose(k)).last()?;
    scores.get(allowed).copied()
}

/// The lowest score above which too much is lost for sure. Scores ascending.
fn too_high(scores: &[Score], wish: Wish) -> Option<Score> {
    let n = scores.len();
    let surely = |k: usize| {
        Tally::new(k, n).is_some_and(|t| bounds::so_few(t, wish.miss_rate) >= wish.confidence.get())
    };
    (0..n).find(|&k| surely(k)).and_then(|k| scores.get(k).copied())
}
