//! How often a shadow process may die before it is given up.
//!
//! One that dies soon after each start is given up within minutes. One that lives for a quarter of an hour
//! each time loses a little of what it should see, and would go on so for ever: it is given up, too.
//!
//! Pure: it is told what time it is. Counted anew when a model is ordered again, and with the box.

use std::collections::VecDeque;
use std::time::Duration;

use crate::engine::time::Instant;

/// So many deaths in a row are enough to know.
const IN_A_ROW_MAX: usize = 5;

/// A process that watched this long is healthy: deaths in a row are counted anew, so five within it are
/// always in a row.
pub(super) const HEALTHY_AFTER: Duration = Duration::from_secs(600);

/// So many within a day are enough, however long it lived in between.
const A_DAY_MAX: usize = 20;
const A_DAY: Duration = Duration::from_secs(24 * 3600);

/// The deaths of one model.
#[derive(Debug, Default)]
pub(super) struct Deaths {
    in_a_row: usize,
    /// Those of the newest day.
    at: VecDeque<Instant>,
}

/// Whether it is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Again,
    /// So many deaths were enough, for people in these words.
    GiveUp {
        deaths: u32,
        words: &'static str,
    },
}

/// How a life went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lived {
    /// It watched for `HEALTHY_AFTER` or longer.
    Well,
    Shortly,
}

impl Deaths {
    /// A life is over; `died` follows where it ended with a death.
    pub fn lived(&mut self, lived: Lived) {
        if lived == Lived::Well {
            self.in_a_row = 0;
        }
    }

    pub fn died(&mut self, now: Instant) -> Then {
        self.in_a_row += 1;
        self.at.push_back(now);
        while self.at.front().is_some_and(|at| now.since(*at) >= A_DAY) {
            self.at.pop_front();
        }
        let give_up = |deaths: usize, words| Then::GiveUp {
            deaths: u32::try_from(deaths).unwrap_or(u32::MAX),
            words,
        };
        if self.in_a_row >= IN_A_ROW_MAX {
            give_up(self.in_a_row, "in a row")
        } else if self.at.len() >= A_DAY_MAX {
            give_up(self.at.len(), "within a day")
        } else {
            Then::Again
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_minute(minute: u64) -> Instant {
        Instant::from_nanos(minute * 60 * 1_000_000_000)
    }

    /// After how many deaths it is given up that come each so many minutes, and when; of so many at most.
    fn given_up(every_min: u64, lived: Lived, at_most: u64) -> Option<(u64, u32, &'static str)> {
        let mut deaths = Deaths::default();
        (1..=at_most).find_map(|death| {
            deaths.lived(lived);
            match deaths.died(at_minute(death * every_min)) {
                Then::Again => None,
                Then::GiveUp { deaths, words } => Some((death * every_min, deaths, words)),
            }
        })
    }

    #[test]
    fn five_deaths_in_a_row_are_enough() {
        assert_eq!(given_up(1, Lived::Shortly, 100), Some((5, 5, "in a row")));
        // It loads for long, or rests: in a row all the same.
        assert_eq!(given_up(30, Lived::Shortly, 100), Some((150, 5, "in a row")));
    }

    #[test]
    fn one_that_dies_every_quarter_of_an_hour_is_given_up_with_its_twentieth_death() {
        assert_eq!(given_up(15, Lived::Well, 100), Some((300, 20, "within a day")));
        // The twentieth falls within the day of the first by a minute.
        assert_eq!(given_up(75, Lived::Well, 100), Some((1500, 20, "within a day")));
    }

    #[test]
    fn one_that_dies_less_than_twenty_times_a_day_is_not_given_up_in_a_hundred_days() {
        assert_eq!(given_up(76, Lived::Well, 1900), None);
    }

    #[test]
    fn a_long_life_in_between_begins_the_row_anew_and_a_short_one_does_not() {
        let mut deaths = Deaths::default();
        for minute in 1..=4 {
            deaths.lived(Lived::Shortly);
            assert_eq!(deaths.died(at_minute(minute)), Then::Again);
        }
        deaths.lived(Lived::Well);
        assert_eq!(deaths.died(at_minute(20)), Then::Again);
        for minute in 21..=23 {
            deaths.lived(Lived::Shortly);
            assert_eq!(deaths.died(at_minute(minute)), Then::Again);
        }
        deaths.lived(Lived::Shortly);
        let then = deaths.died(at_minute(24));
        assert_eq!(then, Then::GiveUp { deaths: 5, words: "in a row" });
    }
}
