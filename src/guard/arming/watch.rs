//! Whether the civil clock can be believed. Pure.
//!
//! A schedule is only as good as the clock it is read from, so a watch begins in doubt: a machine
//! without a clock of its own starts with a wrong one, and is put right minutes later. Doubt ends
//! when the civil clock has run beside the monotonic one for [`STEADY_AT_START`], the machine has
//! been up for [`MACHINE_UP_FOR`], and no time is shown that has been before. When the two clocks
//! part later, somebody has set the civil one, and until it has run steadily for [`STEADY_FOR`]
//! nothing is switched off by it.
//!
//! Not here: a clock that is wrong, later than it was, and left alone. Nobody can know that.

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

/// How long a clock that was not looked at before must run steadily: what sets it while the box
/// starts is seen as a jump.
pub const STEADY_AT_START: Duration = Duration::from_secs(10);

/// How long the machine itself must be up: time for its network and its time server to come.
pub const MACHINE_UP_FOR: Duration = Duration::from_secs(120);

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
    Jumped {
        by: SignedDuration,
    },
    NotSet {
        year: i16,
    },
    /// It shows a time before one that has been already.
    Behind {
        known: Timestamp,
    },
    /// It has not been watched for long enough.
    JustStarted,
    NoTimeZone {
        name: String,
    },
}

/// Holds the two clocks against each other.
#[derive(Clone, Debug)]
pub struct ClockWatch {
    time_zone: Result<TimeZone, String>,
    /// A time that has been: now is not before it.
    known: Option<Timestamp>,
    /// The first look.
    first: Option<Instant>,
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
    /// For the time zone of this IANA name; `known` is the latest time of an earlier life.
    pub fn new(time_zone: &str, known: Option<Timestamp>) -> ClockWatch {
        ClockWatch {
            time_zone: TimeZone::get(time_zone).map_err(|_unknown| time_zone.to_owned()),
            known,
            first: None,
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
        (self.judge(jump, now), jumped.map(|by| Doubt::Jumped { by }))
    }

    /// How far the civil clock has been set since the last look.
    fn compare(&mut self, now: Moment) -> Option<SignedDuration> {
        self.first.get_or_insert(now.monotonic);
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

    fn judge(&self, jump: Option<Jump>, now: Moment) -> Calendar {
        if let Err(name) = &self.time_zone {
            return Calendar::Doubted(Doubt::NoTimeZone { name: name.clone() });
        }
        let year = now.wall.to_zoned(TimeZone::UTC).year();
        if year < YEAR_MIN {
            return Calendar::Doubted(Doubt::NotSet { year });
        }
        if let Some(jump) = jump {
            return Calendar::Doubted(Doubt::Jumped { by: jump.by });
        }
        if let Some(known) = self.known.filter(|&known| now.wall < known) {
            return Calendar::Doubted(Doubt::Behind { known });
        }
        let watched = self.first.map_or(Duration::ZERO, |first| now.monotonic.since(first));
        // The monotonic clock begins with the machine.
        let up = now.monotonic.since(Instant::ZERO);
        if watched < STEADY_AT_START || up < MACHINE_UP_FOR {
            return Calendar::Doubted(Doubt::JustStarted);
        }
        Calendar::Trusted
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
            Doubt::Behind { known } => {
                let known = known.strftime("%-d %b %Y %H:%M UTC");
                write!(f, "the clock shows a time before {known}, when the box has run already")
            }
            Doubt::JustStarted => f.write_str("the clock has not been watched for long enough"),
            Doubt::NoTimeZone { name } => write!(f, "the time zone {name} is not known here"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine that has been up for long, so that its first looks are all that is new.
    const UP_MS: u64 = 1_000_000;

    fn at(monotonic_ms: u64, wall: &str) -> Moment {
        let wall = wall.parse().expect("a time");
        Moment { monotonic: Instant::from_millis(UP_MS + monotonic_ms), wall }
    }

    /// The two clocks, side by side since `start`.
    fn beside(start: &str, up_ms: u64, passed_ms: u64) -> Moment {
        let passed = SignedDuration::from_millis(i64::try_from(passed_ms).expect("short"));
        let start: Timestamp = start.parse().expect("a time");
        let monotonic = Instant::from_millis(up_ms + passed_ms);
        Moment { monotonic, wall: start + passed }
    }

    /// After how many milliseconds of looking the clock is believed.
    fn believed_after(watch: &mut ClockWatch, start: &str, up_ms: u64) -> Option<u64> {
        (0..300_000)
            .step_by(500)
            .find(|&passed_ms| trusted(watch.look(beside(start, up_ms, passed_ms))))
    }

    #[test]
    fn a_clock_is_doubted_until_the_box_has_watched_it_and_the_machine_is_up() {
        let start = "2026-05-04T12:00:00Z";
        let mut watch = ClockWatch::new("UTC", None);
        assert_eq!(watch.look(at(0, start)).0, Calendar::Doubted(Doubt::JustStarted));
        assert_eq!(believed_after(&mut watch, start, UP_MS), Some(10_000));
        let mut watch = ClockWatch::new("UTC", None);
        assert_eq!(believed_after(&mut watch, start, 8_000), Some(112_000), "just switched on");
    }

    #[test]
    fn a_clock_that_shows_what_has_been_already_is_doubted() {
        let known = "2026-05-04T12:01:00Z".parse().ok();
        let mut watch = ClockWatch::new("UTC", known);
        let (calendar, _) = watch.look(at(0, "2026-05-04T12:00:00Z"));
        let Calendar::Doubted(doubt) = calendar else { panic!("trusted") };
        let text =
            "the clock shows a time before 4 May 2026 12:01 UTC, when the box has run already";
        assert_eq!(doubt.to_string(), text);
        let after = believed_after(&mut watch, "2026-05-04T12:00:00Z", UP_MS);
        assert_eq!(after, Some(60_000));
    }

    fn trusted(seen: (Calendar, Option<Doubt>)) -> bool {
        seen.0 == Calendar::Trusted
    }

    #[test]
    fn a_clock_that_was_set_is_doubted_until_it_has_been_steady() {
        for set in ["2026-05-04T13:00:00Z", "2026-05-04T11:00:00Z", "2026-05-04T12:00:02.5Z"] {
            let mut watch = ClockWatch::new("UTC", None);
            let start = "2026-05-04T11:59:50Z";
            assert_eq!(believed_after(&mut watch, start, UP_MS - 10_000), Some(10_000));
            assert!(trusted(watch.look(at(500, "2026-05-04T12:00:00.5Z"))));
            let (calendar, jump) = watch.look(at(1000, set));
            assert!(matches!(calendar, Calendar::Doubted(Doubt::Jumped { .. })), "{set}");
            assert!(jump.is_some(), "{set}");
            let set: Timestamp = set.parse().expect("a time");
            let later = |ms: u64| Moment {
                monotonic: Instant::from_millis(UP_MS + 1000 + ms),
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
            let mut watch = ClockWatch::new("UTC", None);
            (0..200u64).any(|look| {
                let passed = i64::try_from(look).expect("small") * (500_000 + extra_us_a_look);
                let now = Moment {
                    monotonic: Instant::from_millis(UP_MS + look * 500),
                    wall: start + SignedDuration::from_micros(passed),
                };
                watch.look(now).1.is_some()
            })
        };
        assert!(!run(250) && !run(-250), "500 ppm are what a time server slews");
        assert!(run(100_000) && run(-100_000), "a tenth of a second every look is no slewing");
    }

    #[test]
    fn a_clock_never_set_and_a_time_zone_nobody_knows_are_doubted() {
        let mut watch = ClockWatch::new("Europe/Prague", None);
        let (calendar, _) = watch.look(at(0, "1970-01-01T00:00:07Z"));
        assert_eq!(calendar, Calendar::Doubted(Doubt::NotSet { year: 1970 }));
        let mut watch = ClockWatch::new("Europe/Nowhere", None);
        let (calendar, _) = watch.look(at(0, "2026-05-04T12:00:00Z"));
        assert!(matches!(calendar, Calendar::Doubted(Doubt::NoTimeZone { .. })));
    }
}
