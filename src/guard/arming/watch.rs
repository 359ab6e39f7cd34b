//! Whether the civil clock can be believed. Pure.
//!
//! A schedule is only as good as the clock it is read from. The civil clock is held against the
//! monotonic one: when they part, somebody has set it, and until it has run steadily for
//! [`STEADY_FOR`] nothing is switched off by it.
//!
//! Not here: a clock that was wrong before the box started and is left alone. Nobody can know that.

use std::fmt;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::engine::time::Instant;
use crate::guard::inputs::Moment;

/// Clocks that part by more have been set. Time servers slew what is less, and a schedule counts in
/// minutes.
const JUMP_MAX: SignedDuration = SignedDuration::from_secs(1);

/// Faster than any slewing (500 ppm), so that a slewed clock is followed and not called a jump.
const SLEW_MAX_PPM: i64 = 1000;

/// How long a clock that was set must run steadily.
pub const STEADY_FOR: Duration = Duration::from_secs(60);

/// Before this year the clock was never set: the program is younger.
pub const YEAR_MIN: i16 = 2024;

/// What the site's calendar is worth now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Calendar {
    Trusted,
    Doubted(Doubt),
}

/// Why it is worth nothing; behind "because".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    Jumped { by: SignedDuration },
    NotSet { year: i16 },
    NoTimeZone { name: String },
}

/// Holds the two clocks against each other.
#[derive(Clone, Debug)]
pub struct ClockWatch {
    time_zone: Result<TimeZone, String>,
    /// The two clocks when they were compared last.
    last: Option<Moment>,
    /// How far they have crept apart since the last jump, as far as not yet forgiven.
    apart: SignedDuration,
    jumped: Option<Jump>,
}

#[derive(Clone, Copy, Debug)]
struct Jump {
    by: SignedDuration,
    at: Instant,
}

impl ClockWatch {
    /// For the time zone of this IANA name.
    pub fn new(time_zone: &str) -> ClockWatch {
        ClockWatch {
            time_zone: TimeZone::get(time_zone).map_err(|_unknown| time_zone.to_owned()),
            last: None,
            apart: SignedDuration::ZERO,
            jumped: None,
        }
    }

    /// Looks at the clocks; to be called at least every few seconds. A jump is returned once.
    pub fn look(&mut self, now: Moment) -> (Calendar, Option<Doubt>) {
        let jumped = self.compare(now);
        if let Some(by) = jumped {
            self.jumped = Some(Jump { by, at: now.monotonic });
        }
        let jump = self.jumped.filter(|jump| now.monotonic.since(jump.at) < STEADY_FOR);
        (self.judge(jump, now.wall), jumped.map(|by| Doubt::Jumped { by }))
    }

    /// How far the civil clock has been set since the last look.
    fn compare(&mut self, now: Moment) -> Option<SignedDuration> {
        let last = self.last.replace(now)?;
        let passed = now.monotonic.since(last.monotonic);
        let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        let shown = now.wall.duration_since(last.wall);
        let apart = self.apart.saturating_add(shown.saturating_sub(passed));
        if apart.abs() > JUMP_MAX {
            self.apart = SignedDuration::ZERO;
            return Some(apart);
        }
        let forgiven = SignedDuration::from_nanos(
            i64::try_from(passed.as_nanos() * i128::from(SLEW_MAX_PPM) / 1_000_000)
                .unwrap_or(i64::MAX),
        );
        self.apart = match apart.is_negative() {
            true => (apart + forgiven).min(SignedDuration::ZERO),
            false => (apart - forgiven).max(SignedDuration::ZERO),
        };
        None
    }

    fn judge(&self, jump: Option<Jump>, wall: Timestamp) -> Calendar {
        if let Err(name) = &self.time_zone {
            return Calendar::Doubted(Doubt::NoTimeZone { name: name.clone() });
        }
        let year = wall.to_zoned(TimeZone::UTC).year();
        if year < YEAR_MIN {
            return Calendar::Doubted(Doubt::NotSet { year });
        }
        match jump {
            Some(jump) => Calendar::Doubted(Doubt::Jumped { by: jump.by }),
            None => Calendar::Trusted,
        }
    }

    /// For showing times; UTC where the site's is not known.
    pub fn time_zone(&self) -> TimeZone {
        self.time_zone.clone().unwrap_or(TimeZone::UTC)
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Doubt::Jumped { by } => {
                let way = if by.is_negative() { "back" } else { "forward" };
                write!(f, "the clock was set {way} by {} s", by.abs().as_secs())
            }
            Doubt::NotSet { year } => write!(f, "the clock shows the year {year}"),
            Doubt::NoTimeZone { name } => write!(f, "the time zone {name} is not known here"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(monotonic_ms: u64, wall: &str) -> Moment {
        let wall = wall.parse().expect("a time");
        Moment { monotonic: Instant::from_millis(monotonic_ms), wall }
    }

    fn trusted(seen: (Calendar, Option<Doubt>)) -> bool {
        seen.0 == Calendar::Trusted
    }

    #[test]
    fn a_clock_that_was_set_is_doubted_until_it_has_been_steady() {
        for set in ["2026-05-04T13:00:00Z", "2026-05-04T11:00:00Z", "2026-05-04T12:00:02.5Z"] {
            let mut watch = ClockWatch::new("UTC");
            assert!(trusted(watch.look(at(0, "2026-05-04T12:00:00Z"))));
            assert!(trusted(watch.look(at(500, "2026-05-04T12:00:00.5Z"))));
            let (calendar, jump) = watch.look(at(1000, set));
            assert!(matches!(calendar, Calendar::Doubted(Doubt::Jumped { .. })), "{set}");
            assert!(jump.is_some(), "{set}");
            let set: Timestamp = set.parse().expect("a time");
            let later = |ms: u64| Moment {
                monotonic: Instant::from_millis(1000 + ms),
                wall: set + SignedDuration::from_millis(i64::try_from(ms).expect("short")),
            };
            for ms in (500..60_000).step_by(500) {
                let (calendar, jump) = watch.look(later(ms));
                assert!(matches!(calendar, Calendar::Doubted(_)), "trusted after {ms} ms");
                assert_eq!(jump, None);
            }
            assert!(trusted(watch.look(later(60_000))));
        }
    }

    #[test]
    fn small_steps_add_up_and_slewing_does_not() {
        let start: Timestamp = "2026-05-04T12:00:00Z".parse().expect("a time");
        let run = |extra_us_a_look: i64| {
            let mut watch = ClockWatch::new("UTC");
            (0..200u64).any(|look| {
                let passed = i64::try_from(look).expect("small") * (500_000 + extra_us_a_look);
                let now = Moment {
                    monotonic: Instant::from_millis(look * 500),
                    wall: start + SignedDuration::from_micros(passed),
                };
                !trusted(watch.look(now))
            })
        };
        assert!(!run(250) && !run(-250), "500 ppm are what a time server slews");
        assert!(run(100_000) && run(-100_000), "a tenth of a second every look is no slewing");
    }

    #[test]
    fn a_clock_never_set_and_a_time_zone_nobody_knows_are_doubted() {
        let mut watch = ClockWatch::new("Europe/Prague");
        let (calendar, _) = watch.look(at(0, "1970-01-01T00:00:07Z"));
        assert_eq!(calendar, Calendar::Doubted(Doubt::NotSet { year: 1970 }));
        let mut watch = ClockWatch::new("Europe/Nowhere");
        let (calendar, _) = watch.look(at(0, "2026-05-04T12:00:00Z"));
        assert!(matches!(calendar, Calendar::Doubted(Doubt::NoTimeZone { .. })));
    }
}
