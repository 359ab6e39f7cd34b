//! Which decoder is tried when one fails at its work: a driver that is there and does not decode.
//!
//! Only where the box chooses (`decoder = "auto"`). Whoever named a decoder gets that one or none.
//!
//! Not here: what this machine has; `decode` knows. A decoder that failed is tried again by the next
//! vision process.

use std::collections::VecDeque;
use std::time::Duration;

use super::decode::{self, Wanted};
use crate::engine::time::Instant;
use crate::link::{DecoderChoice, DecoderFamily};

/// So many failures of a decoder …
pub const FAILURES_MAX: usize = 3;

/// … within this time are its own, and not the camera's of one broken picture. Three connections with
/// the waits between them take a minute at worst.
pub const FAILURES_WITHIN: Duration = Duration::from_secs(120);

/// A decoder that did not do its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecoderFailure {
    /// GStreamer's name.
    pub element: String,
    pub reason: String,
}

/// What became of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fell {
    /// The same decoder is tried again.
    No,
    ToNext,
}

/// The decoders of one camera.
#[derive(Clone, Debug)]
pub struct Fallback {
    choice: DecoderChoice,
    /// It and those before it are not tried any more.
    failed: Option<DecoderFamily>,
    failures: VecDeque<Instant>,
    failures_max: usize,
    words: Option<String>,
}

impl Fallback {
    pub fn new(choice: DecoderChoice) -> Fallback {
        let (failed, failures, words) = (None, VecDeque::new(), None);
        Fallback { choice, failed, failures, failures_max: FAILURES_MAX, words }
    }

    /// For who looks once: the first failure counts.
    pub fn at_once(choice: DecoderChoice) -> Fallback {
        Fallback { failures_max: 1, ..Fallback::new(choice) }
    }

    /// What may be taken now.
    pub fn wanted(&self) -> Wanted {
        Wanted { choice: self.choice, after: self.failed }
    }

    /// Why the best decoder is not taken, for people.
    pub fn words(&self) -> Option<&str> {
        self.words.as_deref()
    }

    /// A decoder failed. The next one is taken only if there is one.
    pub fn failed(&mut self, failure: &DecoderFailure, now: Instant) -> Fell {
        let Some((codec, family)) = decode::kind_of(&failure.element) else {
            return Fell::No;
        };
        let next = Wanted { choice: self.choice, after: Some(family) };
        let is_another = || !codec.available(next).is_empty();
        self.judge(failure, family, now, is_another)
    }

    fn judge(
        &mut self,
        failure: &DecoderFailure,
        family: DecoderFamily,
        now: Instant,
        is_another: impl Fn() -> bool,
    ) -> Fell {
        match self.choice {
            DecoderChoice::Named(_) => return Fell::No,
            DecoderChoice::Auto => {}
        }
        self.failures.push_back(now);
        while self.failures.front().is_some_and(|then| now.since(*then) > FAILURES_WITHIN) {
            self.failures.pop_front();
        }
        if self.failures.len() < self.failures_max || !is_another() {
            return Fell::No;
        }
        self.failures.clear();
        self.failed = Some(family);
        let (name, why) = (&failure.element, &failure.reason);
        self.words = Some(format!("{name} is there and does not decode: {why}"));
        Fell::ToNext
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMED: DecoderChoice = DecoderChoice::Named(DecoderFamily::Va);

    fn failure() -> DecoderFailure {
        DecoderFailure { element: "vah264dec".into(), reason: "no".into() }
    }

    /// A failure each so many seconds: after how many the next one is taken.
    fn fails_every(seconds: u64, choice: DecoderChoice, others: usize) -> Option<u64> {
        let mut fallback = Fallback::new(choice);
        (1..50).find(|n| {
            let now = Instant::from_nanos(n * seconds * 1_000_000_000);
            let fell = fallback.judge(&failure(), DecoderFamily::Va, now, || others > 0);
            assert_eq!(fallback.words().is_some(), fell == Fell::ToNext);
            fell == Fell::ToNext
        })
    }

    #[test]
    fn the_next_decoder_is_taken_after_three_failures_within_two_minutes() {
        assert_eq!(fails_every(1, DecoderChoice::Auto, 1), Some(3));
        assert_eq!(fails_every(60, DecoderChoice::Auto, 1), Some(3));
        // Now and then is a broken picture of the camera.
        assert_eq!(fails_every(61, DecoderChoice::Auto, 1), None);
    }

    #[test]
    fn a_decoder_that_was_named_is_never_replaced_nor_the_only_one() {
        assert_eq!(fails_every(1, NAMED, 1), None);
        assert_eq!(fails_every(1, DecoderChoice::Auto, 0), None);
    }

    #[test]
    fn what_failed_is_not_tried_again_and_what_is_better_neither() {
        let mut fallback = Fallback::at_once(DecoderChoice::Auto);
        assert!(DecoderFamily::ALL.into_iter().all(|family| fallback.wanted().allows(family)));
        fallback.judge(&failure(), DecoderFamily::Va, Instant::from_nanos(0), || true);
        let left: Vec<DecoderFamily> = DecoderFamily::ALL
            .into_iter()
            .filter(|family| fallback.wanted().allows(*family))
            .collect();
        assert_eq!(left, [DecoderFamily::V4l2, DecoderFamily::Software]);
    }
}
