//! Does one of two models find more than the other? Only where they differ is there an answer.
//!
//! McNemar, "Note on the sampling error of the difference between correlated proportions or
//! percentages", Psychometrika 12 (1947); exact, that is with the binomial distribution of one half
//! over the discordant pairs instead of chi-squared: Fagerland, Lydersen and Laake, "The McNemar test
//! for binary matched-pairs data", BMC Med. Res. Methodol. 13:91 (2013), the exact conditional test.
//!
//! Not here: how much is missed (`bounds`). That no difference is seen shows no equality.

use statrs::distribution::{Binomial, DiscreteCDF};

use super::Probability;

/// Pairs in which only one of the two found it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Discordant {
    pub active_only: usize,
    pub shadow_only: usize,
}

impl Discordant {
    /// How probable it is that they differ so much, either way, if they find equally much.
    pub fn p_differs(self) -> f64 {
        (2.0 * self.p_active_more().min(self.p_shadow_more())).min(1.0)
    }

    /// How probable it is that the active model is ahead so much, if they find equally much.
    pub fn p_active_more(self) -> f64 {
        at_least(self.active_only, self.active_only + self.shadow_only)
    }

    /// How probable it is that the shadow model is ahead so much, if they find equally much.
    pub fn p_shadow_more(self) -> f64 {
        at_least(self.shadow_only, self.active_only + self.shadow_only)
    }
}

/// The fewest discordant pairs, all one way, that show a difference either way: 6 for 95 %.
pub fn fewest_conclusive(confidence: Probability) -> u32 {
    // 2 · (1/2)^n ≤ α
    (2.0 / confidence.doubt()).log2().ceil() as u32
}

/// P(X ≥ `one_way`) for `all` throws of a coin.
fn at_least(one_way: usize, all: usize) -> f64 {
    match one_way.checked_sub(1) {
        None => 1.0,
        Some(fewer) => Binomial::new(0.5, all as u64).map_or(1.0, |coin| coin.sf(fewer as u64)),
    }
}
