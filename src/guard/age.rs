//! From when on what is kept for a while is too old, whatever becomes of the wall clock.
//!
//! A clock that is set forward makes what is of this minute look years old, and what goes by age would
//! go at once and for good. So the wall clock is held against the monotonic one, and what it gained at
//! once counts for nothing until the longest time has passed since: by then whatever was dated before
//! is too old by any clock. A clock that is put back takes back what it gained. A process that began is
//! in no position to know how its clock was before; nothing goes by age in its first hour.
//!
//! Not here: what goes (`store::outbox` of messages, `store::evidence` of clips and pictures), and what
//! is dated before this process began, of which nobody knows by which clock: there the wall clock
//! decides, but for what it gained since.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::clock::{AgreedClocks, ClockStep};
use crate::engine::time::Instant;

/// A box without a battery begins with a wrong clock; by then it was set, if it ever is.
const TRUSTED_AFTER: Duration = Duration::from_secs(3_600);

/// Least gain that is a step; below it clocks are slewed, and it is nothing beside a day.
const STEP_MIN: SignedDuration = SignedDuration::from_secs(60);

/// Most steps that are remembered; further ones are added to the newest.
const STEPS_MAX: usize = 64;

/// See the module.
#[derive(Debug)]
pub struct Age {
    /// Whatever is older goes.
    longest: Duration,
    began_at: Instant,
    agreed: AgreedClocks,
    /// When the wall clock was set forward, and by how much; oldest first.
    steps: VecDeque<(Instant, SignedDuration)>,
}

impl Age {
    pub fn new(longest: Duration, wall: Timestamp, now: Instant) -> Age {
        let agreed = AgreedClocks::new(wall, now);
        Age { longest, began_at: now, agreed, steps: VecDeque::new() }
    }

    /// Compares the clocks. What is dated before the answer is too old; `None` while nothing is.
    pub fn too_old_before(&mut self, wall: Timestamp, now: Instant) -> Option<Timestamp> {
        self.look(wall, now);
        while self.steps.front().is_some_and(|(at, _)| now.since(*at) > self.longest) {
            self.steps.pop_front();
        }
        if now.since(self.began_at) < TRUSTED_AFTER {
            return None;
        }
        let gains = self.steps.iter().map(|(_, gained)| *gained);
        let gained = gains.fold(SignedDuration::ZERO, SignedDuration::saturating_add);
        wall.checked_sub(gained).and_then(|wall| wall.checked_sub(self.longest)).ok()
    }

    fn look(&mut self, wall: Timestamp, now: Instant) {
        let Some(ClockStep { gained, .. }) = self.agreed.look(wall, now, STEP_MIN) else {
            return;
        };
        if gained.is_negative() {
            self.take_back(gained.abs());
        } else if self.steps.len() < STEPS_MAX {
            self.steps.push_back((now, gained));
        } else if let Some((at, sum)) = self.steps.back_mut() {
            (*at, *sum) = (now, sum.saturating_add(gained));
        }
    }

    fn take_back(&mut self, mut by: SignedDuration) {
        while let Some((_, gained)) = self.steps.back_mut() {
            if *gained > by {
                *gained -= by;
                return;
            }
            by -= *gained;
            self.steps.pop_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_S: u64 = 3_600;
    const DAY_S: u64 = 24 * HOUR_S;
    const MONTH_S: i64 = 30 * 24 * 3_600;

    fn wall(s: i64) -> Timestamp {
        Timestamp::from_second(1_772_373_600 + s).expect("a time")
    }

    fn mono(s: u64) -> Instant {
        Instant::from_nanos(0).after(Duration::from_secs(s))
    }

    fn of(s: u64) -> i64 {
        i64::try_from(s).expect("small")
    }

    #[test]
    fn a_clock_that_is_right_keeps_a_month() {
        let mut age = Age::new(Duration::from_secs(30 * DAY_S), wall(0), mono(0));
        assert_eq!(age.too_old_before(wall(60), mono(60)), None, "in the first hour nothing goes");
        let day = age.too_old_before(wall(of(DAY_S)), mono(DAY_S));
        assert_eq!(day, Some(wall(of(DAY_S) - MONTH_S)));
    }

    #[test]
    fn a_clock_set_years_ahead_throws_nothing_away_that_is_not_a_month_old() {
        let mut age = Age::new(Duration::from_secs(30 * DAY_S), wall(0), mono(0));
        age.too_old_before(wall(of(HOUR_S)), mono(HOUR_S));
        let years = 10 * 365 * of(DAY_S);
        for passed_s in [DAY_S, 15 * DAY_S, 30 * DAY_S] {
            let limit = age.too_old_before(wall(years + of(passed_s)), mono(passed_s));
            let off = limit.expect("trusted").duration_since(wall(of(passed_s) - MONTH_S));
            assert!(off.abs() < SignedDuration::from_hours(25), "{off}");
        }
        // A month after the step everything from before it is too old by any clock.
        let later = 32 * DAY_S;
        let limit = age.too_old_before(wall(years + of(later)), mono(later));
        assert_eq!(limit, Some(wall(years + of(later) - MONTH_S)));
    }

    #[test]
    fn a_clock_that_is_set_right_again_has_gained_nothing() {
        let mut age = Age::new(Duration::from_secs(30 * DAY_S), wall(0), mono(0));
        age.too_old_before(wall(9_000_000), mono(1));
        let limit = age.too_old_before(wall(of(DAY_S)), mono(DAY_S)).expect("trusted");
        assert!(limit.duration_since(wall(of(DAY_S) - MONTH_S)).abs() < STEP_MIN);
    }

    #[test]
    fn what_was_dated_before_a_clock_without_a_battery_was_set_is_as_young_as_it_is() {
        let born = Timestamp::UNIX_EPOCH;
        let mut age = Age::new(Duration::from_secs(30 * DAY_S), born, mono(0));
        age.too_old_before(born, mono(10));
        age.too_old_before(wall(600), mono(600));
        for passed_s in [HOUR_S, DAY_S, 29 * DAY_S] {
            let limit = age.too_old_before(wall(of(passed_s)), mono(passed_s)).expect("trusted");
            assert!(limit < born, "it is {passed_s} s old, and everything before {limit} goes");
        }
        let limit = age.too_old_before(wall(of(31 * DAY_S)), mono(31 * DAY_S));
        assert_eq!(limit, Some(wall(of(DAY_S))));
    }
}
