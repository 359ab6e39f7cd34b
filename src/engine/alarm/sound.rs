//! What of the open alarms is heard.
//!
//! An alarm whose cause is gone waits on the page in silence, so that sound always means *now*; but
//! for a latched one, which goes on until somebody has answered.

use std::time::Duration;

use super::book::{AlarmBook, Open};
use super::condition::Condition;
use super::inhibition::Hold;
use crate::engine::time::Instant;
use crate::engine::{AlarmId, AlarmSource, Refusal, SirenOrder, SirenPattern};

/// How long a silenced alarm stays silent: time for a call over the radio. Longer, and somebody
/// forgets; whoever needs longer acknowledges or shelves.
pub const SILENCE_MAX: Duration = Duration::from_secs(120);

/// The order under which nothing sounds.
pub(in crate::engine) const SILENT: SirenOrder =
    SirenOrder { pattern: SirenPattern::Silent, zone: None };

/// Whether an alarm is heard, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hearing {
    Heard,
    /// Until then.
    Silenced(Instant),
    /// Answered, over, kept quiet, or only ever shown.
    Quiet,
}

impl AlarmBook {
    /// What must sound: the most urgent of what nobody has answered. An intrusion goes before a
    /// warning, a warning before a fault; an overdue walk test is only shown.
    pub fn siren(&self, now: Instant) -> SirenOrder {
        self.open
            .iter()
            .filter(|(source, open)| self.hearing(**source, open, now) == Hearing::Heard)
            .map(|(source, open)| (open.activated_at, order(*source)))
            .max_by_key(|(activated_at, order)| (urgency(order.pattern), *activated_at, order.zone))
            .map_or(SILENT, |(_, order)| order)
    }

    /// Pauses one alarm's sound, or all sound.
    ///
    /// # Errors
    /// There is no such alarm; it is not heard, or is silenced already.
    pub fn silence(&mut self, alarm: Option<AlarmId>, now: Instant) -> Result<(), Refusal> {
        let asked = self.open.iter().filter(|(_, open)| alarm.is_none_or(|it| open.id == it));
        let hearing = asked.map(|(&source, open)| (source, self.hearing(source, open, now)));
        let hearing: Vec<(AlarmSource, Hearing)> = hearing.collect();
        if alarm.is_some() && hearing.is_empty() {
            return Err(Refusal::UnknownAlarm);
        }
        let mut refusal = Refusal::NothingSounds;
        let mut outcome = None;
        for (source, hearing) in hearing {
            match hearing {
                Hearing::Heard => {
                    if let Some(open) = self.open.get_mut(&source) {
                        open.silent_until = Some(now.after(SILENCE_MAX));
                    }
                    outcome = Some(());
                }
                Hearing::Silenced(_) => refusal = Refusal::AlreadySilenced,
                Hearing::Quiet => {}
            }
        }
        outcome.ok_or(refusal)
    }

    /// When the first of what was silenced sounds again; `None` when nothing is.
    pub fn silent_until(&self, now: Instant) -> Option<Instant> {
        let silenced =
            |(source, open): (&AlarmSource, &Open)| match self.hearing(*source, open, now) {
                Hearing::Silenced(until) => Some(until),
                Hearing::Heard | Hearing::Quiet => None,
            };
        self.open.iter().filter_map(silenced).min()
    }

    /// A cause is news: whatever was silenced before is heard again.
    pub(super) fn end_silence(&mut self) {
        for open in self.open.values_mut() {
            open.silent_until = None;
        }
    }

    fn hearing(&self, source: AlarmSource, open: &Open, now: Instant) -> Hearing {
        if order(source) == SILENT || self.hold(source) != Hold::None {
            return Hearing::Quiet;
        }
        match open.condition {
            Condition::Unacknowledged | Condition::LatchedUnacknowledged => {
                match open.silent_until.filter(|until| now < *until) {
                    Some(until) => Hearing::Silenced(until),
                    None => Hearing::Heard,
                }
            }
            Condition::Normal
            | Condition::Acknowledged
            | Condition::ReturnedUnacknowledged
            | Condition::LatchedAcknowledged => Hearing::Quiet,
        }
    }
}

/// What an alarm about this sounds like.
fn order(source: AlarmSource) -> SirenOrder {
    match source {
        AlarmSource::Intrusion(zone) => {
            SirenOrder { pattern: SirenPattern::Intrusion, zone: Some(zone) }
        }
        AlarmSource::Warning(zone) => {
            SirenOrder { pattern: SirenPattern::Warning, zone: Some(zone) }
        }
        AlarmSource::Blind(_) | AlarmSource::Fault(_) => {
            SirenOrder { pattern: SirenPattern::Fault, zone: None }
        }
        AlarmSource::Untested(_) => SILENT,
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
