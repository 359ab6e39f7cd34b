//! What share of incidents may a model miss, judged at one look that was fixed beforehand?
//!
//! Exact binomial, one-sided: Clopper and Pearson, "The use of confidence or fiducial limits
//! illustrated in the case of the binomial", Biometrika 26 (1934). A share of `p` or more is excluded
//! with confidence 1 − α once P(X ≤ misses) ≤ α for X binomial with `of` and `p`. It takes incidents
//! that are missed or found independently of each other, with the same chance.
//!
//! Not here: looking again and again, which makes these bounds wrong (`sequential`).

use statrs::distribution::{Binomial, DiscreteCDF};

use super::{Probability, Tally};

/// Halvings of 0..1 until a bound is as fine as numbers are.
const HALVINGS: u32 = 64;

/// The largest share of misses that is still possible; 1 before anything was seen.
pub fn at_most(tally: Tally, confidence: Probability) -> f64 {
    least_excluded(|rate| chance_of_so_few(tally, rate) <= confidence.doubt())
}

/// The least share that is excluded, where every greater one is as well. By halving, and not by the
/// inverse of the beta distribution as `evaluation::intervals` has it: that is a few millionths too low
/// for 100 000 incidents.
pub(super) fn least_excluded(is_excluded: impl Fn(f64) -> bool) -> f64 {
    let (mut possible, mut bound) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = (possible + bound) / 2.0;
        if is_excluded(middle) {
            bound = middle;
        } else {
            possible = middle;
        }
    }
    bound
}

/// Whether it is shown that fewer than `rate` are missed.
pub fn shows(tally: Tally, rate: Probability, confidence: Probability) -> bool {
    so_few(tally, rate) <= confidence.doubt()
}

/// Whether so many misses show that it is no fewer than `rate`: P(so many or more) is left to chance.
pub fn contradicts(tally: Tally, rate: Probability, confidence: Probability) -> bool {
    let fewer = tally.misses().checked_sub(1).and_then(|fewer| Tally::new(fewer, tally.of()));
    fewer.is_some_and(|fewer| so_few(fewer, rate) >= confidence.get())
}

/// P(so few misses or fewer) if `rate` were missed.
pub fn so_few(tally: Tally, rate: Probability) -> f64 {
    chance_of_so_few(tally, rate.get())
}

fn chance_of_so_few(tally: Tally, rate: f64) -> f64 {
    if tally.misses() == tally.of() {
        return 1.0;
    }
    Binomial::new(rate, tally.of() as u64)
        .map_or(1.0, |binomial| binomial.cdf(tally.misses() as u64))
}
