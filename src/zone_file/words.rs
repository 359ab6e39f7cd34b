//! Zones in the words of people: for differences, messages and the command line.
//!
//! Not here: what has changed (`difference`).

use jiff::civil::Weekday;
use jiff::{Timestamp, Zoned};

use super::compile::ArmingRule;
use super::document::{
    Criterion, DayPlan, DayRange, Direction, Empty, Exception, HeadCount, Interlock, Kind,
    Schedule, WeekRange,
};
use super::schedule::Armed;
use crate::engine::alarm::Latch;

const DAY_NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

impl Kind {
    pub fn words(self) -> &'static str {
        match self {
            Kind::Restricted => "restricted zone",
            Kind::Warning => "warning zone",
            Kind::Occupancy => "occupancy zone",
            Kind::Tripwire => "tripwire",
            Kind::Ignore => "ignored area",
            Kind::PrivacyMask => "privacy mask",
        }
    }
}

impl Schedule {
    /// The week, as `Mon–Fri 06:00–22:00, Sat 08:00–12:00`.
    pub fn words(&self) -> String {
        self.ranges_words().join(", ")
    }

    /// Each range of the week by itself, in the order of the week.
    pub(super) fn ranges_words(&self) -> Vec<String> {
        let mut ranges: Vec<&WeekRange> = self.armed.iter().collect();
        let first = |range: &WeekRange| range.days.first().map(|day| day.to_monday_zero_offset());
        ranges.sort_by_key(|range| (first(range), range.range.from, range.range.to));
        ranges.iter().map(|week| format!("{} {}", days(&week.days), range(week.range))).collect()
    }
}

/// `Mon–Fri` or `Mon, Wed`.
fn days(days: &[Weekday]) -> String {
    let offsets: Vec<usize> =
        days.iter().filter_map(|day| usize::try_from(day.to_monday_zero_offset()).ok()).collect();
    let name = |offset: usize| DAY_NAMES.get(offset).copied().unwrap_or("?");
    match offsets.as_slice() {
        [first, .., last] if offsets.len() > 2 && last - first + 1 == offsets.len() => {
            format!("{}–{}", name(*first), name(*last))
        }
        _ => offsets.iter().map(|&offset| name(offset)).collect::<Vec<_>>().join(", "),
    }
}

fn range(range: DayRange) -> String {
    format!("{}–{}", range.from, range.to)
}

impl Exception {
    /// What applies on its date.
    pub fn words(&self) -> String {
        match &self.armed {
            DayPlan::AllDay => "armed all day".to_owned(),
            DayPlan::Never => "not armed".to_owned(),
            DayPlan::Ranges(ranges) => {
                let ranges: Vec<String> = ranges.iter().map(|one| range(*one)).collect();
                format!("armed {}", ranges.join(", "))
            }
        }
    }
}

impl Interlock {
    pub fn words(&self) -> String {
        format!("armed while {} is {} or not known", self.input, self.is.as_str())
    }
}

impl ArmingRule {
    /// Whether the zone is armed at this moment, why, and until when, as far as clocks can tell.
    pub fn words(&self, now: &Zoned) -> String {
        let by_clock = self.schedule.as_ref().map(|plan| {
            let planned = plan.at(now.timestamp(), now.time_zone());
            let state = match planned.armed {
                Armed::Yes => "armed now",
                Armed::No => "not armed now",
            };
            match planned.next_change {
                Some(next) => format!("{state}; changes {}", day_and_time(next, now)),
                None => format!("{state}; no change within a year"),
            }
        });
        match (by_clock, self.interlock.as_ref().map(Interlock::words)) {
            (None, None) => "armed always".to_owned(),
            (None, Some(signal)) => signal,
            (Some(clock), None) => clock,
            (Some(clock), Some(signal)) => format!("{clock}; besides {signal}"),
        }
    }
}

/// `today 22:00`, `Sunday 22:00` within the week, with the date otherwise.
fn day_and_time(at: Timestamp, now: &Zoned) -> String {
    let shown = at.to_zoned(now.time_zone().clone());
    let format = if shown.date() == now.date() {
        "today %H:%M"
    } else if at.duration_since(now.timestamp()).as_hours() < 6 * 24 {
        "%A %H:%M"
    } else {
        "%A %Y-%m-%d %H:%M"
    };
    shown.strftime(format).to_string()
}

pub(super) fn criterion(criterion: Criterion) -> String {
    match criterion {
        Criterion::Foot => "foot point".to_owned(),
        Criterion::Any => "any part of the person".to_owned(),
        Criterion::Overlap(share) => format!("{} % of the person", percent(share.get())),
    }
}

pub(super) fn count(count: HeadCount) -> String {
    match count {
        HeadCount::AtMost(people) => format!("at most {}", heads(people)),
        HeadCount::AtLeast { people, empty: Empty::Allowed } => {
            format!("at least {} or nobody", heads(people))
        }
        HeadCount::AtLeast { people, empty: Empty::Alarms } => {
            format!("always at least {}", heads(people))
        }
    }
}

fn heads(people: u16) -> String {
    if people == 1 { "1 person".to_owned() } else { format!("{people} people") }
}

pub(super) fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::LeftToRight => "left to right",
        Direction::RightToLeft => "right to left",
        Direction::Both => "both ways",
    }
}

/// A share as percent with at most two digits after the point.
pub(super) fn percent(share: f64) -> f64 {
    (share * 10_000.0).round() / 100.0
}

/// `one corner`, `2 corners`.
pub(super) fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("one {thing}") } else { format!("{count} {thing}s") }
}

/// `one`, `one and two`, `one, two and three`.
pub(super) fn and(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// What becomes of an alarm whose cause has gone.
pub(super) fn latched(latch: Latch) -> &'static str {
    match latch {
        Latch::No => "the alarm ends",
        Latch::Yes => "the alarm goes on until it is reset",
    }
}
