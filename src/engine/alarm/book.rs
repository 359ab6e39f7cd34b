//! Every alarm that is not normal, and every source that people keep quiet.

use std::collections::BTreeMap;

use super::condition::{Condition, Latch, Trigger, next};
use super::inhibition::{Hold, HoldTrigger, next_hold};
use crate::engine::time::Instant;
use crate::engine::{AlarmId, AlarmSource, AlarmState, AlarmView, Refusal, Restored, RestoredHold};

/// A change of what one alarm is to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub alarm: AlarmId,
    pub source: AlarmSource,
    pub to: AlarmState,
}

/// What people keep quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldView {
    pub source: AlarmSource,
    pub hold: Hold,
    /// The alarm that was put on the shelf; it may be over by now.
    pub alarm: Option<AlarmId>,
    /// When its time on the shelf is over.
    pub until: Option<Instant>,
}

/// The end of a hold that nobody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    pub source: AlarmSource,
    pub was: Hold,
    pub alarm: Option<AlarmId>,
    /// The alarm that is raised anew, because the cause is there.
    pub change: Option<Change>,
}

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmBook {
    pub(super) open: BTreeMap<AlarmSource, Open>,
    held: BTreeMap<AlarmSource, Held>,
    last_id: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Open {
    pub id: AlarmId,
    pub condition: Condition,
    pub raised_at: Instant,
    /// Orders alarms by their newest cause, so that the siren names the latest zone.
    pub activated_at: Instant,
    /// A person paused its sound until then.
    pub silent_until: Option<Instant>,
}

/// Why a source is kept quiet.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Held {
    Shelved { alarm: AlarmId, until: Instant },
    OutOfService,
}

impl AlarmBook {
    /// The book as it stood when the box stopped. What was silenced is heard again. An alarm on a
    /// shelf of which nothing more is known leaves it at the first look at the time.
    pub fn restored(restored: &Restored) -> AlarmBook {
        let held = restored.holds.iter().map(|hold| (hold.source(), Held::of(hold)));
        let mut book =
            AlarmBook { open: BTreeMap::new(), held: held.collect(), last_id: restored.last_alarm };
        for alarm in &restored.alarms {
            let (id, source) = (alarm.id, alarm.source);
            let condition = match alarm.state {
                AlarmState::Normal => continue,
                AlarmState::Unacknowledged => Condition::Unacknowledged,
                AlarmState::Acknowledged => Condition::Acknowledged,
                AlarmState::ReturnedUnacknowledged => Condition::ReturnedUnacknowledged,
                AlarmState::LatchedUnacknowledged => Condition::LatchedUnacknowledged,
                AlarmState::LatchedAcknowledged => Condition::LatchedAcknowledged,
                AlarmState::Shelved | AlarmState::OutOfService => {
                    let over = Held::Shelved { alarm: id, until: Instant::ZERO };
                    book.held.entry(source).or_insert(over);
                    Condition::Acknowledged
                }
            };
            let (raised_at, activated_at) = (alarm.raised_at, alarm.raised_at);
            let open = Open { id, condition, raised_at, activated_at, silent_until: None };
            book.open.insert(source, open);
        }
        book
    }

    /// Applies a trigger to the alarm of a source; `None` when nothing changed for people.
    pub fn apply(
        &mut self,
        source: AlarmSource,
        trigger: Trigger,
        latch: Latch,
        now: Instant,
    ) -> Option<Change> {
        let before = (self.state(source), self.id(source));
        let from = self.condition(source);
        let to = next(from, trigger, latch);
        let is_news = to == Condition::Unacknowledged
            && (from != Condition::Unacknowledged || trigger == Trigger::Renew);
        let held = self.hold(source) != Hold::None;
        if is_news && !held {
            self.end_silence();
        }
        self.put(source, if held { to.unasked() } else { to }, now);
        if matches!(trigger, Trigger::Activate | Trigger::Renew)
            && let Some(open) = self.open.get_mut(&source)
        {
            open.activated_at = now;
        }
        self.change(source, before)
    }

    /// Answers the alarm of this number.
    ///
    /// # Errors
    /// There is none, or nobody has to answer it any more.
    pub fn acknowledge(&mut self, alarm: AlarmId, now: Instant) -> Result<Change, Refusal> {
        let source = self.source(alarm)?;
        self.apply(source, Trigger::Acknowledge, Latch::No, now).ok_or(Refusal::AlreadyAcknowledged)
    }

    /// Ends the latched alarm of this number.
    ///
    /// # Errors
    /// There is none, its cause is still there, nobody has answered it, or it does not latch.
    pub fn reset(&mut self, alarm: AlarmId, now: Instant) -> Result<Change, Refusal> {
        let source = self.source(alarm)?;
        match self.condition(source) {
            Condition::LatchedAcknowledged => {}
            Condition::LatchedUnacknowledged => return Err(Refusal::NotAcknowledged),
            Condition::Unacknowledged | Condition::Acknowledged => {
                return Err(Refusal::StillActive);
            }
            Condition::Normal | Condition::ReturnedUnacknowledged => {
                return Err(Refusal::NotLatched);
            }
        }
        self.apply(source, Trigger::Reset, Latch::No, now).ok_or(Refusal::NotLatched)
    }

    /// Puts the alarm of this number on the shelf.
    ///
    /// # Errors
    /// There is none, or its source is kept quiet already.
    pub fn shelve(
        &mut self,
        alarm: AlarmId,
        until: Instant,
        now: Instant,
    ) -> Result<Option<Change>, Refusal> {
        let source = self.source(alarm)?;
        next_hold(self.hold(source), HoldTrigger::Shelve)?;
        Ok(self.keep_quiet(source, Held::Shelved { alarm, until }, now))
    }

    /// Takes from the shelf what was put there as the alarm of this number.
    ///
    /// # Errors
    /// Nothing was, or it is there no more.
    pub fn unshelve(&mut self, alarm: AlarmId, now: Instant) -> Result<Option<Change>, Refusal> {
        let is_it = |held: &Held| matches!(held, Held::Shelved { alarm: it, .. } if *it == alarm);
        let found = self.held.iter().find(|(_, held)| is_it(held)).map(|(source, _)| *source);
        let source = found.ok_or(Refusal::NotShelved)?;
        Ok(self.release(source, now))
    }

    /// Keeps a source out of service.
    ///
    /// # Errors
    /// It is so already.
    pub fn take_out(
        &mut self,
        source: AlarmSource,
        now: Instant,
    ) -> Result<Option<Change>, Refusal> {
        next_hold(self.hold(source), HoldTrigger::TakeOut)?;
        Ok(self.keep_quiet(source, Held::OutOfService, now))
    }

    /// Puts a source back into service.
    ///
    /// # Errors
    /// It is not out of service.
    pub fn put_back(
        &mut self,
        source: AlarmSource,
        now: Instant,
    ) -> Result<Option<Change>, Refusal> {
        next_hold(self.hold(source), HoldTrigger::PutBack)?;
        Ok(self.release(source, now))
    }

    /// Ends whatever hold a source has that is no more; nothing of it is raised anew.
    pub fn retire(&mut self, source: AlarmSource) -> Option<Release> {
        let held = self.held.remove(&source)?;
        Some(Release { source, was: held.hold(), alarm: held.alarm(), change: None })
    }

    /// Ends every stay on the shelf whose time is over.
    pub fn end_shelves(&mut self, now: Instant) -> Vec<Release> {
        let over = |held: &Held| match held {
            Held::Shelved { until, .. } => *until <= now,
            Held::OutOfService => false,
        };
        let ended: Vec<(AlarmSource, Held)> =
            self.held.iter().filter(|(_, held)| over(held)).map(|(&s, &held)| (s, held)).collect();
        let release = |(source, held): (AlarmSource, Held)| Release {
            source,
            was: held.hold(),
            alarm: held.alarm(),
            change: self.release(source, now),
        };
        ended.into_iter().map(release).collect()
    }

    /// Ends the source's stay on the shelf before its time, if it is there.
    pub fn end_shelf(&mut self, source: AlarmSource, now: Instant) -> Option<Release> {
        let held = *self.held.get(&source)?;
        match held {
            Held::Shelved { .. } => Some(Release {
                source,
                was: held.hold(),
                alarm: held.alarm(),
                change: self.release(source, now),
            }),
            Held::OutOfService => None,
        }
    }

    /// What a source's alarm is to people.
    pub fn state(&self, source: AlarmSource) -> AlarmState {
        match (self.condition(source), self.hold(source)) {
            (Condition::Normal, _) => AlarmState::Normal,
            (_, Hold::Shelved) => AlarmState::Shelved,
            (_, Hold::OutOfService) => AlarmState::OutOfService,
            (Condition::Unacknowledged, Hold::None) => AlarmState::Unacknowledged,
            (Condition::Acknowledged, Hold::None) => AlarmState::Acknowledged,
            (Condition::ReturnedUnacknowledged, Hold::None) => AlarmState::ReturnedUnacknowledged,
            (Condition::LatchedUnacknowledged, Hold::None) => AlarmState::LatchedUnacknowledged,
            (Condition::LatchedAcknowledged, Hold::None) => AlarmState::LatchedAcknowledged,
        }
    }

    pub fn hold(&self, source: AlarmSource) -> Hold {
        self.held.get(&source).map_or(Hold::None, |held| held.hold())
    }

    /// Open alarms, oldest first.
    pub fn views(&self) -> Vec<AlarmView> {
        let view = |(&source, open): (&AlarmSource, &Open)| AlarmView {
            id: open.id,
            source,
            state: self.state(source),
            raised_at: open.raised_at,
            silent_until: open.silent_until,
        };
        let mut views: Vec<AlarmView> = self.open.iter().map(view).collect();
        views.sort_by_key(|view| view.id);
        views
    }

    /// What people keep quiet.
    pub fn holds(&self) -> Vec<HoldView> {
        let view = |(&source, held): (&AlarmSource, &Held)| HoldView {
            source,
            hold: held.hold(),
            alarm: held.alarm(),
            until: match held {
                Held::Shelved { until, .. } => Some(*until),
                Held::OutOfService => None,
            },
        };
        self.held.iter().map(view).collect()
    }

    fn condition(&self, source: AlarmSource) -> Condition {
        self.open.get(&source).map_or(Condition::Normal, |open| open.condition)
    }

    fn id(&self, source: AlarmSource) -> Option<AlarmId> {
        self.open.get(&source).map(|open| open.id)
    }

    fn source(&self, alarm: AlarmId) -> Result<AlarmSource, Refusal> {
        let found = self.open.iter().find(|(_, open)| open.id == alarm);
        found.map(|(source, _)| *source).ok_or(Refusal::UnknownAlarm)
    }

    fn put(&mut self, source: AlarmSource, condition: Condition, now: Instant) {
        if condition == Condition::Normal {
            self.open.remove(&source);
        } else if let Some(open) = self.open.get_mut(&source) {
            open.condition = condition;
        } else {
            self.last_id += 1;
            let id = AlarmId(self.last_id);
            let (raised_at, activated_at) = (now, now);
            let open = Open { id, condition, raised_at, activated_at, silent_until: None };
            self.open.insert(source, open);
        }
    }

    fn keep_quiet(&mut self, source: AlarmSource, held: Held, now: Instant) -> Option<Change> {
        let before = (self.state(source), self.id(source));
        self.held.insert(source, held);
        self.put(source, self.condition(source).unasked(), now);
        self.change(source, before)
    }

    /// Whoever was quiet while the cause is there is raised anew.
    fn release(&mut self, source: AlarmSource, now: Instant) -> Option<Change> {
        let before = (self.state(source), self.id(source));
        self.held.remove(&source);
        if self.condition(source).is_active() {
            self.apply(source, Trigger::Renew, Latch::No, now);
        }
        self.change(source, before)
    }

    fn change(
        &self,
        source: AlarmSource,
        (before, id): (AlarmState, Option<AlarmId>),
    ) -> Option<Change> {
        let to = self.state(source);
        let alarm = self.id(source).or(id)?;
        (to != before).then_some(Change { alarm, source, to })
    }
}

impl Held {
    fn of(restored: &RestoredHold) -> Held {
        match *restored {
            RestoredHold::Shelved { alarm, until, .. } => Held::Shelved { alarm, until },
            RestoredHold::OutOfService { .. } => Held::OutOfService,
        }
    }

    fn hold(self) -> Hold {
        match self {
            Held::Shelved { .. } => Hold::Shelved,
            Held::OutOfService => Hold::OutOfService,
        }
    }

    fn alarm(self) -> Option<AlarmId> {
        match self {
            Held::Shelved { alarm, .. } => Some(alarm),
            Held::OutOfService => None,
        }
    }
}
