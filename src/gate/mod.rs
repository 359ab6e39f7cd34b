//! May a shadow model guard this site? What both models saw goes in, a judgement with its numbers
//! comes out. Pure: no I/O, clock, thread.
//!
//! ```text
//! incidents of both ─> pairs ─> a person labels what differs ─> verdict: refused, not enough,
//!                                  │                                     may be approved
//!                                  ├ mcnemar     does one of them find more?
//!                                  ├ bounds      what share may it miss? looked at once
//!                                  └ sequential  the same, looked at whenever one likes
//! recordings, truth ─> corpus: the same cases, labelled by the truth
//! frames of both    ─> agreement: do they see the same people?
//! frames of both    ─> quantization: does the INT8 model still see what its FP32 parent saw?
//! labels, scores    ─> calibration: a score threshold to propose, per camera
//! example bank full ─> retention: what goes
//! ```
//!
//! Terms: the **active** model guards, the **shadow** model sees the same pictures and nobody hears
//! it; a **case** is one incident of either or both; a **label** is what a person says of a case; a
//! **miss** is a true incident that the shadow model did not find; a **claim** is "it misses at most
//! so large a share, with so much confidence". `docs/design/gate.md` has the worked examples.
//!
//! Not here: who may approve, and that somebody must (the guard; nothing is promoted by itself); where
//! cases, clips and examples are kept; texts.

pub mod agreement;
pub mod bounds;
pub mod calibration;
pub mod claim;
pub mod corpus;
pub mod figures;
pub mod mcnemar;
pub mod pairs;
pub mod quantization;
pub mod retention;
pub mod sequential;
pub mod verdict;

/// A share or a confidence, neither 0 nor 1: nothing can be claimed of either.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Probability(f64);

impl Probability {
    /// The confidence of every figure on the evidence page, unless somebody asks for another.
    pub const CONFIDENCE: Probability = Probability(0.95);

    /// `None` unless strictly between 0 and 1.
    pub fn new(value: f64) -> Option<Probability> {
        (value > 0.0 && value < 1.0).then_some(Probability(value))
    }

    pub const fn get(self) -> f64 {
        self.0
    }

    /// What a confidence leaves to chance.
    pub fn doubt(self) -> f64 {
        1.0 - self.0
    }
}

/// How many of how many were missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    misses: usize,
    of: usize,
}

impl Tally {
    /// Nothing was seen yet.
    pub const EMPTY: Tally = Tally { misses: 0, of: 0 };

    /// `None` when more were missed than there were.
    pub fn new(misses: usize, of: usize) -> Option<Tally> {
        (misses <= of).then_some(Tally { misses, of })
    }

    pub const fn misses(self) -> usize {
        self.misses
    }

    pub const fn of(self) -> usize {
        self.of
    }

    pub const fn found(self) -> usize {
        self.of - self.misses
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Tally) -> Tally {
        Tally { misses: self.misses + other.misses, of: self.of + other.of }
    }

    /// One more incident, found.
    #[must_use]
    pub const fn with_found(self) -> Tally {
        Tally { misses: self.misses, of: self.of + 1 }
    }

    /// One more incident, missed.
    #[must_use]
    pub const fn with_miss(self) -> Tally {
        Tally { misses: self.misses + 1, of: self.of + 1 }
    }
}
