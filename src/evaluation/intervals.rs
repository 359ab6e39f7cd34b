//! Exact 95 % intervals for shares and rates.
//!
//! Shares: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of
//! the binomial", Biometrika 26 (1934). Rates: Garwood, "Fiducial limits for the Poisson
//! distribution", Biometrika 28 (1936).

use statrs::distribution::{Beta, ContinuousCDF, Gamma};

/// Tail left out on each side.
const TAIL: f64 = 0.025;

/// An estimate with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub estimate: f64,
    pub low: f64,
    pub high: f64,
}

/// `hits` of `of`; `None` when there was nothing to hit.
pub fn share(hits: usize, of: usize) -> Option<Interval> {
    if of == 0 || hits > of {
        return None;
    }
    let (k, n) = (hits as f64, of as f64);
    let quantile = |a: f64, b: f64, p: f64| Beta::new(a, b).ok().map(|beta| beta.inverse_cdf(p));
    let low = if hits == 0 { 0.0 } else { quantile(k, n - k + 1.0, TAIL)? };
    let high = if hits == of { 1.0 } else { quantile(k + 1.0, n - k, 1.0 - TAIL)? };
    Some(Interval { estimate: k / n, low, high })
}

/// `count` events in `exposure` (any unit); `None` without exposure.
pub fn rate(count: usize, exposure: f64) -> Option<Interval> {
    if exposure.is_nan() || exposure <= 0.0 {
        return None;
    }
    let k = count as f64;
    let quantile = |shape: f64, p: f64| Gamma::new(shape, 1.0).ok().map(|g| g.inverse_cdf(p));
    let low = if count == 0 { 0.0 } else { quantile(k, TAIL)? };
    let high = quantile(k + 1.0, 1.0 - TAIL)?;
    Some(Interval { estimate: k / exposure, low: low / exposure, high: high / exposure })
}
