//! Does the shadow model see enough of the pictures that the active one looks at?
//!
//! Where it does not, and is not held back on purpose, this box has no time for it: each look of the active
//! model goes first, and between them there is less than the shadow model takes.
//!
//! Pure: no clock, thread, lock.

use std::collections::VecDeque;

/// Counted over so many seconds: long enough that a burst is none of it.
const SECONDS: usize = 60;

/// The first word after so many.
const SECONDS_MIN: usize = 20;

/// The gate wants 95 % of the pictures; below that it is said.
const SHORT_BELOW: f64 = 0.95;

/// From here on it is over: a share that swings around the limit is said once.
const ENOUGH_FROM: f64 = 0.97;

/// What was offered and given, second by second.
#[derive(Debug, Default)]
pub struct Share {
    counts: VecDeque<(u64, u64)>,
    short: Option<u8>,
}

impl Share {
    /// Each second: how many pictures the active model has looked at, and how many of them were given.
    pub fn count(&mut self, offered: u64, given: u64) {
        if self.counts.len() > SECONDS {
            self.counts.pop_front();
        }
        self.counts.push_back((offered, given));
        let Some((before_offered, before_given)) = self.counts.front().copied() else { return };
        let offered = offered.saturating_sub(before_offered);
        if self.counts.len() <= SECONDS_MIN || offered == 0 {
            return;
        }
        let share = given.saturating_sub(before_given) as f64 / offered as f64;
        let limit = if self.short.is_some() { ENOUGH_FROM } else { SHORT_BELOW };
        self.short = (share < limit).then_some((share * 100.0) as u8);
    }

    /// How many percent it sees, where that is too little.
    pub fn short(&self) -> Option<u8> {
        self.short
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said after each of so many seconds, in which of a hundred pictures so many were given.
    fn said(share: &mut Share, from: &mut (u64, u64), seconds: usize, of: u64) -> Vec<Option<u8>> {
        let mut said = Vec::new();
        for _ in 0..seconds {
            *from = (from.0 + 100, from.1 + of);
            share.count(from.0, from.1);
            said.push(share.short());
        }
        said.dedup();
        said
    }

    #[test]
    fn a_shadow_that_sees_too_little_is_told_with_its_share_and_so_is_the_end_of_it() {
        let (mut share, mut count) = (Share::default(), (0, 0));
        assert_eq!(said(&mut share, &mut count, 100, 99), [None]);
        assert_eq!(said(&mut share, &mut count, 100, 70).last(), Some(&Some(70)));
        assert_eq!(said(&mut share, &mut count, 100, 99).last(), Some(&None));
    }

    #[test]
    fn a_share_that_swings_around_the_limit_is_said_once() {
        let (mut share, mut count) = (Share::default(), (0, 0));
        let mut changes = 0;
        let mut before = false;
        for turn in 0..40 {
            for it in said(&mut share, &mut count, 30, if turn % 2 == 0 { 94 } else { 96 }) {
                changes += u32::from(it.is_some() != before);
                before = it.is_some();
            }
        }
        assert!(changes <= 1, "{changes}");
    }

    #[test]
    fn nothing_is_said_of_the_first_seconds_in_which_the_model_warms_up() {
        let (mut share, mut count) = (Share::default(), (0, 0));
        assert_eq!(said(&mut share, &mut count, SECONDS_MIN, 0), [None]);
        assert_eq!(said(&mut share, &mut count, 1, 0), [Some(0)]);
    }
}
