//! Arming: which zones alarm now, by schedule and by machine signals.
//!
//! Twice a second, and at once when an input changes, the arming thread decides for each zone with a
//! rule. It cannot switch a zone off; it can only lend the alarm path a **lease**: off until
//! [`LEASE`] from now, renewed every [`RENEW_EVERY`]. When this thread hangs or dies, or its messages
//! find no room, the leases run out and every zone is armed. Arming again is told at once.
//!
//! A zone goes off only after its rules have said so without a break for [`OFF_AFTER`]: a signal
//! that flickers keeps it armed.
//!
//! New rules come from the alarm path in the same step that changed the zones. They carry an
//! **epoch**; what was decided by older rules is not carried out, since its numbers may mean other
//! zones by now.
//!
//! - `decide`: one zone at one moment. `watch`: whether the clock can be believed.
//!
//! Not here: how inputs come in (`inputs`), what disarmed means (`engine`).

mod decide;
mod desk;
mod hold;
mod thread;
mod watch;

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use self::decide::{Circumstances, Decision, Verdict, decide};
pub use self::desk::{ArmingDesk, ArmingNews, ArmingPost};
pub use self::hold::{Held, TestHold};
pub use self::thread::{ArmingPlan, ArmingThread};
pub use self::watch::ClockWatch;
pub use self::watch::{Calendar, Doubt, MACHINE_UP_FOR, STEADY_AT_START, STEADY_FOR, YEAR_MIN};
use crate::engine::time::Instant;
use crate::engine::{self, ZoneIndex};
use crate::guard::handle::{Armed, ZoneArming};
use crate::guard::inputs::{InputTable, Moment};
use crate::zone_file::{ArmingRule, Planned};

/// How long a zone stays off without being told again. Three renewals: one may be late, and one may
/// find a full queue.
pub const LEASE: Duration = Duration::from_secs(3);

/// How often a lease is renewed.
pub const RENEW_EVERY: Duration = Duration::from_secs(1);

/// How long the rules must say off before a zone goes off.
pub const OFF_AFTER: Duration = Duration::from_secs(1);

/// How long what a schedule said may be used again; its own next change ends that too.
const PLAN_KEPT: Duration = Duration::from_secs(30);

/// The rules of all zones in force, by zone number; `None` for a number that is retired.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ZoneRules {
    /// Counts the changes of zones; decisions carry it.
    pub epoch: u64,
    pub rules: Vec<Option<ArmingRule>>,
}

/// What the alarm path is to tell the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArmOrder {
    pub zone: ZoneIndex,
    pub arming: engine::Arming,
}

/// The decision for every zone, advanced one look at a time. Pure: time is passed in.
#[derive(Clone, Debug)]
pub struct Arming {
    epoch: u64,
    clock: ClockWatch,
    time_zone: TimeZone,
    slots: Vec<Slot>,
    /// Armed for its walk test.
    held: Option<Held>,
}

/// What one look came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    pub orders: Vec<ArmOrder>,
    /// The clock was set.
    pub jump: Option<Doubt>,
}

#[derive(Clone, Debug)]
struct Slot {
    /// `None`: retired.
    rule: Option<ArmingRule>,
    plan: Option<Kept>,
    /// Since when the rules have said off without a break.
    off_since: Option<Instant>,
    told: Told,
    shown: Option<ZoneArming>,
}

/// What a schedule said last.
#[derive(Clone, Copy, Debug)]
struct Kept {
    asked_at: Timestamp,
    planned: Planned,
}

/// What decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ruled {
    ByRules,
    ByTest,
}

/// What the alarm path was told of a zone last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    Armed,
    Off { at: Instant },
}

impl Arming {
    /// For a site in the time zone of this IANA name; `last_alive` is the latest time of an earlier
    /// life. Begins in doubt of the clock.
    pub fn new(time_zone: &str, rules: ZoneRules, last_alive: Option<Timestamp>) -> Arming {
        let clock = ClockWatch::new(time_zone, last_alive);
        let mut arming =
            Arming { epoch: 0, time_zone: clock.time_zone(), clock, slots: Vec::new(), held: None };
        arming.put_rules(rules);
        arming
    }

    /// Takes the rules of changed zones, and tells everything anew at the next look.
    pub fn put_rules(&mut self, rules: ZoneRules) {
        self.epoch = rules.epoch;
        let count = rules.rules.len().max(self.slots.len());
        let fresh =
            || Slot { rule: None, plan: None, off_since: None, told: Told::Nothing, shown: None };
        self.slots.resize_with(count, fresh);
        let mut rules = rules.rules.into_iter();
        for slot in &mut self.slots {
            let rule = rules.next().flatten();
            if rule != slot.rule {
                *slot = Slot { rule, ..fresh() };
            }
            // What was on its way by older rules is not carried out: everything is told again.
            slot.told = Told::Nothing;
        }
    }

    /// This zone is armed at the next look, whatever its rules say; `None`: no zone.
    pub fn hold(&mut self, held: Option<Held>) {
        self.held = held;
    }

    /// Decides for every zone. The orders are to be handed over now; see [`Arming::undelivered`].
    pub fn look(&mut self, inputs: &InputTable, now: Moment) -> Look {
        let (calendar, jump) = self.clock.look(now);
        let at = Circumstances { calendar: &calendar, time_zone: &self.time_zone, inputs, now };
        let mut orders = Vec::new();
        for (number, slot) in (0u16..).zip(&mut self.slots) {
            let held = self.held.is_some_and(|held| held.zone == ZoneIndex(number));
            let rule = if held { Ruled::ByTest } else { Ruled::ByRules };
            if let Some(arming) = slot.look(at, rule) {
                orders.push(ArmOrder { zone: ZoneIndex(number), arming });
            }
        }
        Look { orders, jump }
    }

    /// These orders did not reach the alarm path: they are given again at the next look.
    pub fn undelivered(&mut self, orders: &[ArmOrder]) {
        for order in orders {
            if let Some(slot) = self.slots.get_mut(usize::from(order.zone.0)) {
                slot.told = Told::Nothing;
            }
        }
    }

    /// Each zone's arming for people, by number; `None` for a retired number.
    pub fn shown(&self) -> Vec<Option<ZoneArming>> {
        self.slots.iter().map(|slot| slot.shown.clone()).collect()
    }

    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    pub fn time_zone(&self) -> &TimeZone {
        &self.time_zone
    }
}

impl Slot {
    /// Decides, and returns what the engine has to be told.
    fn look(&mut self, at: Circumstances<'_>, ruled: Ruled) -> Option<engine::Arming> {
        let now = at.now.monotonic;
        let Some(rule) = &self.rule else {
            self.shown = None;
            // The number is retired: the engine knows no such zone, and a lease dies with it.
            self.told = Told::Nothing;
            return None;
        };
        let planned = rule.schedule.as_ref().map(|schedule| match self.plan {
            Some(kept) if kept.is_good(at.now.wall) => kept.planned,
            Some(_) | None => {
                let planned = schedule.at(at.now.wall, at.time_zone);
                self.plan = Some(Kept { asked_at: at.now.wall, planned });
                planned
            }
        });
        let decision = match ruled {
            Ruled::ByRules => decide(rule, planned, at),
            Ruled::ByTest => Decision {
                verdict: Verdict::Armed,
                by: None,
                reason: "Armed for its walk test".into(),
                until: None,
            },
        };
        let off = match decision.verdict {
            Verdict::Armed => {
                self.off_since = None;
                None
            }
            Verdict::Off(by) => {
                let since = *self.off_since.get_or_insert(now);
                (now.since(since) >= OFF_AFTER).then_some(by)
            }
        };
        self.shown = Some(shown(decision, if off.is_some() { Armed::No } else { Armed::Yes }));
        match (off, self.told) {
            (Some(_), Told::Off { at }) if now.since(at) < RENEW_EVERY => None,
            (Some(by), Told::Off { .. } | Told::Armed | Told::Nothing) => {
                self.told = Told::Off { at: now };
                Some(engine::Arming::Disarmed { until: now.after(LEASE), by })
            }
            (None, Told::Armed) => None,
            (None, Told::Off { .. } | Told::Nothing) => {
                self.told = Told::Armed;
                Some(engine::Arming::Armed)
            }
        }
    }
}

impl Kept {
    /// Whether it still holds. A clock that was put back asks anew.
    fn is_good(&self, now: Timestamp) -> bool {
        let fresh =
            Duration::try_from(now.duration_since(self.asked_at)).is_ok_and(|age| age < PLAN_KEPT);
        fresh && self.planned.next_change.is_none_or(|change| now < change)
    }
}

fn shown(decision: Decision, armed: Armed) -> ZoneArming {
    let Decision { verdict, by, reason, until } = decision;
    match (armed, verdict) {
        (Armed::Yes, Verdict::Off(_)) => {
            let reason = format!("Armed, and within a second: {reason}");
            ZoneArming { armed, by: None, reason, until: None }
        }
        (Armed::Yes, Verdict::Armed) | (Armed::No, _) => ZoneArming { armed, by, reason, until },
    }
}
