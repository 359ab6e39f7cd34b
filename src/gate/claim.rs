//! What is claimed of a model, and how many incidents it takes.
//!
//! Not here: which incidents count (`verdict`).

use super::{Probability, Tally, bounds, sequential};

/// More incidents than any site will ever see; where more were needed, nothing is promised.
pub const INCIDENTS_MAX: usize = 1_000_000;

/// "It misses less than `miss_rate`, with `confidence`, if one looks like that."
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Claim {
    pub miss_rate: Probability,
    pub confidence: Probability,
    pub look: Look,
}

/// When the evidence is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Once, at the first so many true incidents, as was said before the first one was seen; not before
    /// each of them is labelled. Later ones count against the model and for nothing else: a loss, or so
    /// many missed that it cannot be true.
    Once { incidents: usize },
    /// After any of them, as often as one likes.
    Any,
}

impl Claim {
    /// Whether so many misses show it.
    pub fn is_shown_by(&self, tally: Tally) -> bool {
        match self.look {
            Look::Once { .. } => bounds::shows(tally, self.miss_rate, self.confidence),
            Look::Any => sequential::shows(tally, self.miss_rate, self.confidence),
        }
    }

    /// The largest share of misses that is still possible.
    pub fn at_most(&self, tally: Tally) -> f64 {
        match self.look {
            Look::Once { .. } => bounds::at_most(tally, self.confidence),
            Look::Any => sequential::at_most(tally, self.confidence),
        }
    }

    /// The fewest incidents that show it, if so many of them are missed; `None` when more than
    /// `INCIDENTS_MAX`. By a single look that is how many to plan for.
    pub fn incidents_needed(&self, misses: usize) -> Option<usize> {
        let shown = |of: usize| Tally::new(misses, of).is_some_and(|t| self.is_shown_by(t));
        fewest(misses, INCIDENTS_MAX, shown)
    }
}

/// The least number from `low` to `high` that will do, where whatever is above one that does will do
/// as well.
fn fewest(low: usize, high: usize, will_do: impl Fn(usize) -> bool) -> Option<usize> {
    if low > high || !will_do(high) {
        return None;
    }
    let (mut too_few, mut enough) = (low, high);
    if will_do(low) {
        return Some(low);
    }
    while enough - too_few > 1 {
        let middle = too_few + (enough - too_few) / 2;
        if will_do(middle) {
            enough = middle;
        } else {
            too_few = middle;
        }
    }
    Some(enough)
}
