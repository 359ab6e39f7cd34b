//! What share of incidents may a model miss, judged as often as one likes?
//!
//! A bet against "it misses `p` or more". The stake is split over a few beliefs, each that it misses
//! u·p with u < 1, and each grows with the likelihood ratio of its belief to `p`: by
//! (1 − u·p) / (1 − p) with an incident found, by u with one missed. Where `p` or more are missed this
//! shrinks on average whatever came before, so that it reaches 1/α at any time at all with probability
//! α at most (Ville's inequality). The bound is the least `p` at which it has; the wealth grows with
//! `p`, so everything beyond is excluded too.
//!
//! Sources: Ville, "Étude critique de la notion de collectif" (1939); Robbins, "Statistical methods
//! related to the law of the iterated logarithm", Ann. Math. Statist. 41 (1970): mixtures of
//! likelihood ratios; Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform, nonparametric,
//! nonasymptotic confidence sequences", Ann. Statist. 49 (2021); Waudby-Smith and Ramdas, "Estimating
//! means of bounded random variables by betting", J. R. Statist. Soc. B 86 (2024).
//!
//! It takes no independence: only that each incident, whatever came before, is missed with a chance
//! of `p` or more if the claim is wrong.
//!
//! Not here: the cheaper bound for one look (`bounds`).

use super::bounds::least_excluded;
use super::{Probability, Tally};

/// What part of the stake is on a belief, and the belief: misses as a share of the claimed ones.
/// Half is on "it misses nothing", since then an approval comes with 11 % more incidents than a
/// single look would need; the rest is even, by halves, so that some misses cost less than twice.
/// Weights sum to 1. Any others would be as true, fixed beforehand.
const STAKES: [(f64, f64); 4] =
    [(1.0 / 2.0, 0.0), (1.0 / 6.0, 1.0 / 8.0), (1.0 / 6.0, 1.0 / 4.0), (1.0 / 6.0, 1.0 / 2.0)];

/// The largest share of misses that is still possible, at this look and at every other one; 1 before
/// anything was seen.
pub fn at_most(tally: Tally, confidence: Probability) -> f64 {
    if tally.found() == 0 {
        return 1.0;
    }
    least_excluded(|rate| ln_wealth(tally, rate) >= ln_goal(confidence))
}

/// Whether it is shown that fewer than `rate` are missed.
pub fn shows(tally: Tally, rate: Probability, confidence: Probability) -> bool {
    ln_wealth(tally, rate.get()) >= ln_goal(confidence)
}

fn ln_goal(confidence: Probability) -> f64 {
    -confidence.doubt().ln()
}

/// The logarithm of what a stake of 1 has become. Sums of large terms, hence logarithms.
fn ln_wealth(tally: Tally, rate: f64) -> f64 {
    let (misses, found) = (tally.misses() as f64, tally.found() as f64);
    let parts = STAKES.map(|(stake, belief)| {
        // Nothing to the power of nothing is one, here as in the likelihood.
        let of_misses = if tally.misses() == 0 { 0.0 } else { misses * belief.ln() };
        stake.ln() + of_misses + found * ((-belief * rate).ln_1p() - (-rate).ln_1p())
    });
    let largest = parts.into_iter().fold(f64::NEG_INFINITY, f64::max);
    if largest.is_infinite() {
        return largest;
    }
    largest + parts.iter().map(|part| (part - largest).exp()).sum::<f64>().ln()
}
