//! Alarms: what a person has to answer, and in which state that is.
//!
//! ```text
//!              Activate                 Acknowledge
//!   Normal ──────────────> Unacknowledged ────────> Acknowledged
//!     ^                      │  ^    ^                │   │
//!     │               Return │  │    └─── Renew ──────┘   │ Return
//!     │                      v  │ Activate, Renew         │
//!     │  Acknowledge  ReturnedUnacknowledged              │
//!     └───────────────────────┴───────────────────────────┘
//! ```
//!
//! The states are those of ISA-18.2 / IEC 62682. **Renew** is a new intruder in a zone whose alarm was
//! answered: it must be answered again (R7). One alarm per source, so an operator sees one line per
//! zone however many people are inside.
//!
//! Not here: what makes an alarm active, and what it sounds like.

use std::collections::BTreeMap;

use super::time::Instant;
use super::{
    AlarmId, AlarmSource, AlarmState, AlarmView, Refusal, Restored, SirenOrder, SirenPattern,
};

/// What can happen to an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The cause is there.
    Activate,
    /// The cause is there once more: a further person.
    Renew,
    /// The cause is gone.
    Return,
    /// A person answers.
    Acknowledge,
}

/// The whole behaviour of an alarm. A state that maps to itself is a trigger without effect.
pub const fn next(state: AlarmState, trigger: Trigger) -> AlarmState {
    use AlarmState::{
        Acknowledged, LatchedAcknowledged, LatchedUnacknowledged, Normal, OutOfService,
        ReturnedUnacknowledged, Shelved, Unacknowledged,
    };
    match (state, trigger) {
        // Not reached yet: nothing latches and nothing is on the shelf.
        (
            LatchedUnacknowledged | LatchedAcknowledged | Shelved | OutOfService,
            Trigger::Activate | Trigger::Renew | Trigger::Return | Trigger::Acknowledge,
        ) => state,
        (Normal, Trigger::Activate | Trigger::Renew) => Unacknowledged,
        (Normal, Trigger::Return | Trigger::Acknowledge) => Normal,
        (Unacknowledged, Trigger::Activate | Trigger::Renew) => Unacknowledged,
        (Unacknowledged, Trigger::Return) => ReturnedUnacknowledged,
        (Unacknowledged, Trigger::Acknowledge) => Acknowledged,
        (Acknowledged, Trigger::Activate | Trigger::Acknowledge) => Acknowledged,
        (Acknowledged, Trigger::Renew) => Unacknowledged,
        (Acknowledged, Trigger::Return) => Normal,
        (ReturnedUnacknowledged, Trigger::Activate | Trigger::Renew) => Unacknowledged,
        (ReturnedUnacknowledged, Trigger::Return) => ReturnedUnacknowledged,
        (ReturnedUnacknowledged, Trigger::Acknowledge) => Normal,
    }
}

/// A change of one alarm's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub alarm: AlarmId,
    pub source: AlarmSource,
    pub to: AlarmState,
}

/// Every alarm that is not normal.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmBook {
    open: BTreeMap<AlarmSource, Open>,
    last_id: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Open {
    id: AlarmId,
    state: AlarmState,
    raised_at: Instant,
    /// Orders alarms by their newest cause, so that the siren names the latest zone.
    activated_at: Instant,
}

impl AlarmBook {
    /// The book as it stood when the box stopped.
    pub fn restored(restored: &Restored) -> AlarmBook {
        let open = restored.alarms.iter().filter(|a| a.state != AlarmState::Normal).map(|a| {
            let (id, state, raised_at) = (a.id, a.state, a.raised_at);
            (a.source, Open { id, state, raised_at, activated_at: raised_at })
        });
        AlarmBook { open: open.collect(), last_id: restored.last_alarm }
    }

    /// Applies a trigger to the alarm of a source; `None` when nothing changed.
    pub fn apply(&mut self, source: AlarmSource, trigger: Trigger, now: Instant) -> Option<Change> {
        let from = self.state(source);
        let to = next(from, trigger);
        if matches!(trigger, Trigger::Activate | Trigger::Renew)
            && let Some(open) = self.open.get_mut(&source)
        {
            open.activated_at = now;
        }
        if from == to {
            return None;
        }
        let id = match self.open.get(&source) {
            Some(open) => open.id,
            None => {
                self.last_id += 1;
                AlarmId(self.last_id)
            }
        };
        if to == AlarmState::Normal {
            self.open.remove(&source);
        } else {
            let fresh = Open { id, state: to, raised_at: now, activated_at: now };
            self.open.entry(source).or_insert(fresh).state = to;
        }
        Some(Change { alarm: id, source, to })
    }

    /// Answers the alarm of this number.
    pub fn acknowledge(&mut self, alarm: AlarmId, now: Instant) -> Result<Change, Refusal> {
        let source = self.open.iter().find(|(_, open)| open.id == alarm).map(|(source, _)| *source);
        let source = source.ok_or(Refusal::UnknownAlarm)?;
        self.apply(source, Trigger::Acknowledge, now).ok_or(Refusal::AlreadyAcknowledged)
    }

    /// The state of a source's alarm.
    pub fn state(&self, source: AlarmSource) -> AlarmState {
        self.open.get(&source).map_or(AlarmState::Normal, |open| open.state)
    }

    /// Open alarms, oldest first.
    pub fn views(&self) -> Vec<AlarmView> {
        let mut views: Vec<AlarmView> = self
            .open
            .iter()
            .map(|(&source, open)| AlarmView {
                id: open.id,
                source,
                state: open.state,
                raised_at: open.raised_at,
            })
            .collect();
        views.sort_by_key(|view| view.id);
        views
    }

    /// What must sound: the most urgent of what nobody has answered. An intrusion goes before a
    /// warning, a warning before a fault; an overdue walk test is only shown.
    ///
    /// An alarm whose cause is gone waits on the page in silence, so that sound always means *now*.
    pub fn siren(&self) -> SirenOrder {
        let order = |(source, open): (&AlarmSource, &Open)| {
            let (pattern, zone) = match source {
                AlarmSource::Intrusion(zone) => (SirenPattern::Intrusion, Some(*zone)),
                AlarmSource::Warning(zone) => (SirenPattern::Warning, Some(*zone)),
                AlarmSource::Blind(_) | AlarmSource::Fault(_) => (SirenPattern::Fault, None),
                AlarmSource::Untested(_) => return None,
            };
            Some((urgency(pattern), open.activated_at, SirenOrder { pattern, zone }))
        };
        self.open
            .iter()
            .filter(|(_, open)| open.state == AlarmState::Unacknowledged)
            .filter_map(order)
            .max_by_key(|(urgency, activated_at, order)| (*urgency, *activated_at, order.zone))
            .map_or(SirenOrder { pattern: SirenPattern::Silent, zone: None }, |(_, _, order)| order)
    }
}

/// Which pattern drowns which.
const fn urgency(pattern: SirenPattern) -> u8 {
    match pattern {
        SirenPattern::Silent => 0,
        SirenPattern::Fault => 1,
        SirenPattern::Warning => 2,
        SirenPattern::Intrusion => 3,
    }
}
