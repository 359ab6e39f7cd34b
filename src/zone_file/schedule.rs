//! When a zone is armed, by the clock on the wall of the site.
//!
//! - A *range* belongs to the day on which it begins; `22:00` to `06:00` runs on into the next day.
//! - An *exception* replaces the ranges that begin on its date, tails after midnight included. The
//!   tail of the day before belongs to the day before and stays.
//!
//! Clocks are put forward and back. Where a time of day happens twice, a range begins at the first
//! and ends at the second; where it does not happen, a range begins when the clock jumps and ends as
//! long after the jump as the missing time lay inside it. In doubt, armed.
//!
//! Not here: who asks, and machine signals. The clock is handed in.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};

/// How far ahead a change is looked for. A week repeats, and exceptions are entered for a year.
const SEARCH_DAYS: i64 = 400;

/// Days back that can still matter now: a tail from yesterday, and a clock that was put back.
const DAYS_BACK: i64 = 2;

/// The week, and the days that differ from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    pub armed: Vec<WeekRange>,
    pub exceptions: Vec<Exception>,
}

/// A range on some days of every week.
#[derive(Clone, Debug, PartialEq)]
pub struct WeekRange {
    /// In the order of the week, none twice.
    pub days: Vec<Weekday>,
    pub range: DayRange,
}

/// From a time of day to another; when that is not later, to the one of the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayRange {
    pub from: TimeOfDay,
    pub to: TimeOfDay,
}

/// One date on which the week does not count.
#[derive(Clone, Debug, PartialEq)]
pub struct Exception {
    pub date: Date,
    pub armed: DayPlan,
    pub reason: Option<String>,
}

/// When a zone is armed on one date.
#[derive(Clone, Debug, PartialEq)]
pub enum DayPlan {
    AllDay,
    Never,
    Ranges(Vec<DayRange>),
}

/// Minutes since midnight, 0..=1440.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(u16);

/// What a schedule says of a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    pub armed: Armed,
    /// When it next says something else; `None`: not within a year.
    pub next_change: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Armed {
    Yes,
    No,
}

impl Planned {
    /// Nothing is known of a change: armed, and it stays so.
    const UNKNOWN: Planned = Planned { armed: Armed::Yes, next_change: None };
}

impl Schedule {
    /// Whether the zone is armed at this moment, and until when that stays so.
    pub fn at(&self, when: Timestamp, tz: &TimeZone) -> Planned {
        let today = when.to_zoned(tz.clone()).date();
        let mut open: Option<Stretch> = None;
        for day in -DAYS_BACK..SEARCH_DAYS {
            // At the ends of the calendar nothing can be told: armed.
            let Ok(date) = today.checked_add(day.days()) else { return Planned::UNKNOWN };
            for range in self.ranges_of(date) {
                let Some(next) = range.on(date, tz) else { return Planned::UNKNOWN };
                open = match open {
                    Some(before) if next.from <= before.to => {
                        Some(Stretch { from: before.from, to: before.to.max(next.to) })
                    }
                    Some(before) if before.to > when => return before.planned(when),
                    _ => Some(next),
                };
            }
        }
        match open {
            Some(last) if last.to <= when => Planned { armed: Armed::No, next_change: None },
            // What reaches the end of the search has no end that is known.
            Some(last) if last.from <= when && last.to >= search_end(today, tz) => Planned::UNKNOWN,
            Some(last) => last.planned(when),
            None => Planned { armed: Armed::No, next_change: None },
        }
    }

    /// The ranges that begin on a date, in the order in which they begin.
    fn ranges_of(&self, date: Date) -> Vec<DayRange> {
        let exception = self.exceptions.iter().find(|exception| exception.date == date);
        let mut ranges: Vec<DayRange> = match exception.map(|exception| &exception.armed) {
            Some(DayPlan::AllDay) => vec![DayRange::ALL_DAY],
            Some(DayPlan::Never) => Vec::new(),
            Some(DayPlan::Ranges(ranges)) => ranges.clone(),
            None => {
                let today = self.armed.iter().filter(|week| week.days.contains(&date.weekday()));
                today.map(|week| week.range).collect()
            }
        };
        ranges.sort_by_key(|range| range.from);
        ranges
    }
}

impl DayRange {
    const ALL_DAY: DayRange = DayRange { from: TimeOfDay(0), to: TimeOfDay::END };

    /// The range that begins on this date.
    fn on(self, date: Date, tz: &TimeZone) -> Option<Stretch> {
        let last = if self.to > self.from { date } else { date.tomorrow().ok()? };
        Some(Stretch { from: begin(self.from.on(date)?, tz)?, to: end(self.to.on(last)?, tz)? })
    }
}

impl TimeOfDay {
    /// `24:00`, the end of the day.
    pub const END: TimeOfDay = TimeOfDay(24 * 60);

    /// From `HH:MM`, two digits each.
    pub fn parse(text: &str) -> Option<TimeOfDay> {
        let [h1, h2, b':', m1, m2] = text.as_bytes() else { return None };
        let digit = |byte: &u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
        let hour = digit(h1)? * 10 + digit(h2)?;
        let minute = digit(m1)? * 10 + digit(m2)?;
        let minutes = hour * 60 + minute;
        (minute < 60 && minutes <= TimeOfDay::END.0).then_some(TimeOfDay(minutes))
    }

    /// Minutes since midnight.
    pub fn minutes(self) -> usize {
        usize::from(self.0)
    }

    fn on(self, date: Date) -> Option<DateTime> {
        if self == TimeOfDay::END {
            return Some(date.tomorrow().ok()?.to_datetime(Time::midnight()));
        }
        let (hour, minute) = (i8::try_from(self.0 / 60).ok()?, i8::try_from(self.0 % 60).ok()?);
        Some(date.to_datetime(Time::new(hour, minute, 0, 0).ok()?))
    }
}

impl std::fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// A stretch of time; the end is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    from: Timestamp,
    to: Timestamp,
}

impl Stretch {
    fn planned(self, when: Timestamp) -> Planned {
        if when < self.from {
            Planned { armed: Armed::No, next_change: Some(self.from) }
        } else {
            Planned { armed: Armed::Yes, next_change: Some(self.to) }
        }
    }
}

/// The first moment at which the clock shows this time, or jumps past it.
fn begin(shown: DateTime, tz: &TimeZone) -> Option<Timestamp> {
    let ambiguous = tz.to_ambiguous_timestamp(shown);
    let first = ambiguous.earlier().ok()?;
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => Some(first),
        AmbiguousOffset::Gap { .. } => {
            let jump = tz.following(first).next().map(|transition| transition.timestamp());
            Some(jump.unwrap_or(first))
        }
    }
}

/// The last moment at which the clock shows this time, or would have without its jump.
fn end(shown: DateTime, tz: &TimeZone) -> Option<Timestamp> {
    tz.to_ambiguous_timestamp(shown).later().ok()
}

/// Midnight before the last day that is looked at.
fn search_end(today: Date, tz: &TimeZone) -> Timestamp {
    let last = today.checked_add((SEARCH_DAYS - 1).days());
    let midnight = last.ok().and_then(|date| begin(date.to_datetime(Time::midnight()), tz));
    midnight.unwrap_or(Timestamp::MAX)
}
