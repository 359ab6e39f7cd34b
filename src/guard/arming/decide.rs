//! Whether a zone is armed at a moment, and why. Pure.
//!
//! A zone is armed when its schedule says so, or its interlock, or when either cannot tell. Only what
//! is known to be off on both sides is off.
//!
//! Not here: how often that is asked, and how the engine hears of it (`arming`).

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::watch::Calendar;
use crate::engine::DisarmedBy;
use crate::guard::handle::ArmedBy;
use crate::guard::inputs::{InputState, InputTable, Moment};
use crate::zone_file::{self, ArmingRule, Interlock, Level, Planned};

/// What becomes of a zone, with the reason for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub verdict: Verdict,
    /// What says so; `None`: nothing could say otherwise, or it is in doubt.
    pub by: Option<ArmedBy>,
    pub reason: String,
    /// When the schedule changes that.
    pub until: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Armed,
    Off(DisarmedBy),
}

/// What the schedule says.
enum Plan {
    None,
    Armed { until: Option<Timestamp> },
    Off { until: Option<Timestamp> },
    Doubt(String),
}

/// What the interlock says; the sentence goes on behind "while" or "because".
enum Lock {
    None,
    Armed(String),
    Off(String),
    Unknown(String),
}

/// What all zones share at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    pub calendar: &'a Calendar,
    /// For showing times.
    pub time_zone: &'a TimeZone,
    pub inputs: &'a InputTable,
    pub now: Moment,
}

/// Decides for one zone. `planned` is what its schedule says now, if it has one.
pub fn decide(rule: &ArmingRule, planned: Option<Planned>, at: Circumstances<'_>) -> Decision {
    let plan = match (planned, at.calendar) {
        (None, _) if rule.schedule.is_none() => Plan::None,
        (_, Calendar::Doubted(why)) => Plan::Doubt(why.to_string()),
        (None, Calendar::Trusted) => Plan::Doubt("its schedule cannot be read".into()),
        (Some(Planned { armed: zone_file::Armed::Yes, next_change }), Calendar::Trusted) => {
            Plan::Armed { until: next_change }
        }
        (Some(Planned { armed: zone_file::Armed::No, next_change }), Calendar::Trusted) => {
            Plan::Off { until: next_change }
        }
    };
    let lock = rule.interlock.as_ref().map_or(Lock::None, |interlock| lock(interlock, at));
    combine(plan, lock, at)
}

fn lock(interlock: &Interlock, at: Circumstances<'_>) -> Lock {
    let name = &interlock.input;
    match (at.inputs.state_of(name, at.now.monotonic), interlock.is) {
        (InputState::On, Level::On) => Lock::Armed(format!("{name} is on")),
        (InputState::Off, Level::Off) => Lock::Armed(format!("{name} is off")),
        (InputState::Off, Level::On) => Lock::Off(format!("{name} is off")),
        (InputState::On, Level::Off) => Lock::Off(format!("{name} is on")),
        (InputState::Unknown(why), Level::On | Level::Off) => {
            Lock::Unknown(format!("{name} {}", why.predicate(at.time_zone)))
        }
    }
}

fn combine(plan: Plan, lock: Lock, at: Circumstances<'_>) -> Decision {
    let text = |until| until_text(until, at.now.wall, at.time_zone);
    let armed = |by, reason, until| Decision { verdict: Verdict::Armed, by, reason, until };
    let off = |by, reason, until| Decision {
        verdict: Verdict::Off(by),
        by: Some(says(by)),
        reason,
        until,
    };
    match (plan, lock) {
        (Plan::None, Lock::None) => armed(None, "Always armed".into(), None),
        (Plan::Armed { until }, _) => {
            let reason = format!("Armed by schedule{}", text(until));
            armed(Some(ArmedBy::Schedule), reason, until)
        }
        (_, Lock::Unknown(why)) => {
            armed(Some(ArmedBy::Interlock), format!("Armed because {why}"), None)
        }
        (_, Lock::Armed(why)) => {
            armed(Some(ArmedBy::Interlock), format!("Armed while {why}"), None)
        }
        (Plan::Doubt(why), Lock::None | Lock::Off(_)) => {
            armed(None, format!("Armed because {why}"), None)
        }
        (Plan::Off { until }, Lock::None) => {
            let reason = format!("Off by schedule{}", text(until));
            off(DisarmedBy::Schedule, reason, until)
        }
        (Plan::Off { until }, Lock::Off(why)) => {
            let reason = format!("Off by schedule{}, while {why}", text(until));
            off(DisarmedBy::Schedule, reason, until)
        }
        (Plan::None, Lock::Off(why)) => {
            off(DisarmedBy::Interlock, format!("Off while {why}"), None)
        }
    }
}

fn says(by: DisarmedBy) -> ArmedBy {
    match by {
        DisarmedBy::Schedule => ArmedBy::Schedule,
        DisarmedBy::Interlock => ArmedBy::Interlock,
    }
}

/// Days within which a weekday names one day only.
const WEEKDAY_DAYS: i64 = 6;

fn until_text(until: Option<Timestamp>, now: Timestamp, zone: &TimeZone) -> String {
    let Some(until) = until else {
        return String::new();
    };
    let near = until.duration_since(now).as_hours() < WEEKDAY_DAYS * 24;
    let format = if near { "%a %H:%M" } else { "%-d %b %Y %H:%M" };
    format!(" until {}", until.to_zoned(zone.clone()).strftime(format))
}
