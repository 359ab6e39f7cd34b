//! What fails of each part, as the engine was told last: more of it, or worse, is told as such.
//!
//! Not here: why it fails, in words (the board).

use std::collections::BTreeMap;

use super::Runner;
use crate::engine::{Health, Input, Part};
use crate::guard::message::Gravity;

/// What of a part can fail by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Thing {
    Output,
    Tests,
    Disk,
    /// By its place in the configuration.
    Relay(usize),
    Listeners,
    Pace,
}

/// What fails of one part now.
pub(super) type Failures = BTreeMap<Thing, Gravity>;

/// What fails of each part.
#[derive(Default)]
pub(super) struct Failing(BTreeMap<Part, Failures>);

impl Failing {
    /// What the engine is to be told. After a start nobody knows what was answered before, so the
    /// first failure is not told as worse: what was answered stays answered.
    fn judge(&mut self, part: Part, now: Failures) -> Health {
        let before = self.0.insert(part, now.clone()).unwrap_or_default();
        // What a graver failure brings with it is no news beside it.
        let gravest = before.values().max();
        let is_worse = |(thing, gravity): (&Thing, &Gravity)| {
            let is_news = before.get(thing).is_none_or(|was| was < gravity);
            is_news && gravest.is_some_and(|gravest| gravity >= gravest)
        };
        if now.is_empty() {
            Health::Working
        } else if now.iter().any(is_worse) {
            Health::Worse
        } else {
            Health::Broken
        }
    }
}

impl Runner {
    /// Tells the engine what fails of a part; nothing: it works.
    pub(super) fn tell_part(&mut self, part: Part, failures: Failures) {
        let health = self.failing.judge(part, failures);
        self.step(Input::Part { part, health });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relays(failing: &mut Failing, relays: &[usize]) -> Health {
        let failures = relays.iter().map(|it| (Thing::Relay(*it), Gravity::Failed));
        failing.judge(Part::Relay, failures.collect())
    }

    #[test]
    fn a_further_thing_that_fails_is_worse_and_one_less_is_not() {
        let mut failing = Failing::default();
        assert_eq!(relays(&mut failing, &[]), Health::Working);
        assert_eq!(relays(&mut failing, &[0]), Health::Broken);
        assert_eq!(relays(&mut failing, &[0]), Health::Broken);
        assert_eq!(relays(&mut failing, &[0, 1]), Health::Worse);
        assert_eq!(relays(&mut failing, &[0, 1]), Health::Broken);
        assert_eq!(relays(&mut failing, &[1]), Health::Broken);
        assert_eq!(relays(&mut failing, &[0]), Health::Worse);
        assert_eq!(relays(&mut failing, &[]), Health::Working);
        assert_eq!(relays(&mut failing, &[1]), Health::Broken);
    }

    #[test]
    fn a_graver_failure_is_worse_and_what_it_brings_with_it_is_not() {
        let (output, tests) = (Thing::Output, Thing::Tests);
        let (impaired, failed) = (Gravity::Impaired, Gravity::Failed);
        let mut failing = Failing::default();
        let mut tell =
            |of: &[(Thing, Gravity)]| failing.judge(Part::Siren, of.iter().copied().collect());
        assert_eq!(tell(&[(tests, impaired)]), Health::Broken);
        assert_eq!(tell(&[(tests, impaired), (output, impaired)]), Health::Worse);
        assert_eq!(tell(&[(output, failed)]), Health::Worse);
        assert_eq!(tell(&[(output, failed), (tests, impaired)]), Health::Broken);
        assert_eq!(tell(&[(output, impaired), (tests, impaired)]), Health::Broken);
    }
}
