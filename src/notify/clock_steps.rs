//! How far the wall clock was stepped forward since a message was dated, so that a message that is
//! seconds old is no history because the time was set.
//!
//! The wall clock is compared with the monotonic one; what it gained on it at once is a **step**. Only
//! messages dated since this channel began are looked at in this way: of older ones nobody knows by
//! which clock they were dated, and the wall clock decides. A clock that was put back makes a message
//! look young: louder than needed, not quieter.
//!
//! Not here: reading the clocks.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::clock::{AgreedClocks, ClockStep};
use crate::engine::time::Instant;

/// Least gain that is a step; below it clocks are slewed, and no message's time is so short.
const STEP_MIN: SignedDuration = SignedDuration::from_secs(1);

/// Most steps that are remembered: no clock that is set more often tells anything.
const STEPS_MAX: usize = 16;

/// The steps that were seen.
#[derive(Debug)]
pub(super) struct ClockSteps {
    agreed: AgreedClocks,
    /// Nothing that was dated before is corrected.
    began_at: Timestamp,
    /// The oldest first: what the clock said when it was stepped, and by how much.
    steps: VecDeque<(Timestamp, SignedDuration)>,
}

impl ClockSteps {
    pub fn new(wall: Timestamp, now: Instant) -> ClockSteps {
        ClockSteps { agreed: AgreedClocks::new(wall, now), began_at: wall, steps: VecDeque::new() }
    }

    /// Compares the clocks.
    pub fn look(&mut self, wall: Timestamp, now: Instant) {
        let Some(ClockStep { unstepped, gained }) = self.agreed.look(wall, now, STEP_MIN) else {
            return;
        };
        if gained.is_positive() {
            if self.steps.len() == STEPS_MAX {
                self.steps.pop_front();
            }
            self.steps.push_back((unstepped, gained));
        } else {
            self.began_at = self.began_at.min(wall);
            self.undo(gained.abs());
        }
    }

    /// What is to be taken for now beside a time that a message was dated with.
    pub fn now_for(&self, at: Timestamp, wall: Timestamp) -> Timestamp {
        if at < self.began_at {
            return wall;
        }
        let since = self.steps.iter().filter(|(stepped_at, _)| at <= *stepped_at);
        let gained = since.fold(SignedDuration::ZERO, |sum, (_, by)| sum.saturating_add(*by));
        wall.checked_sub(gained).unwrap_or(wall)
    }

    /// A clock that is put back takes back what it gained last.
    fn undo(&mut self, mut by: SignedDuration) {
        while let Some((_, gained)) = self.steps.back_mut() {
            if *gained > by + STEP_MIN {
                *gained -= by;
                return;
            }
            by -= (*gained).min(by);
            self.steps.pop_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const START_S: i64 = 1_772_373_600;

    fn wall(s: i64) -> Timestamp {
        Timestamp::from_second(START_S + s).expect("a time")
    }

    fn mono(s: u64) -> Instant {
        Instant::from_nanos(0).after(Duration::from_secs(s))
    }

    #[test]
    fn a_message_that_is_seconds_old_stays_so_when_the_clock_is_set_forward() {
        let mut clock = ClockSteps::new(wall(0), mono(0));
        clock.look(wall(10), mono(10));
        // Dated at 10; at 12 the clock is set to an hour later.
        clock.look(wall(3_612), mono(12));
        assert_eq!(clock.now_for(wall(10), wall(3_612)), wall(12));
        clock.look(wall(3_812), mono(212));
        assert_eq!(clock.now_for(wall(10), wall(3_812)), wall(212), "it grows old all the same");
        assert_eq!(clock.now_for(wall(3_612), wall(3_812)), wall(3_812), "dated behind the step");
        clock.look(wall(7_412), mono(212));
        assert_eq!(clock.now_for(wall(10), wall(7_412)), wall(212), "a second step");
        assert_eq!(clock.now_for(wall(3_612), wall(7_412)), wall(3_812));
    }

    #[test]
    fn what_was_dated_before_the_channel_began_is_as_old_as_the_clock_says() {
        let mut clock = ClockSteps::new(wall(0), mono(0));
        clock.look(wall(3_601), mono(1));
        assert_eq!(clock.now_for(wall(-1), wall(3_601)), wall(3_601));
    }

    #[test]
    fn a_clock_that_is_set_forward_and_back_has_gained_nothing() {
        let mut clock = ClockSteps::new(wall(0), mono(0));
        clock.look(wall(3_601), mono(1));
        clock.look(wall(2), mono(2));
        assert_eq!(clock.now_for(wall(0), wall(2)), wall(2));
        clock.look(wall(500), mono(500));
        assert_eq!(clock.now_for(wall(0), wall(500)), wall(500));
    }
}
