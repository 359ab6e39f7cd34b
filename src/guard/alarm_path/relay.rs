//! The relays as the alarm path sees them: what they show, what they report, whether they answer.

use std::time::Duration;

use super::failing::{Failures, Thing};
use super::{Changed, Runner};
use crate::config::RelayRole;
use crate::engine::time::Instant;
use crate::engine::{AlarmSource, AlarmState, Engine, Part, SirenPattern};
use crate::guard::handle::{RelayCalling, RelayNow, RelayState};
use crate::guard::message::Gravity;
use crate::guard::relay::{self, Calls, RelayReport, Relays};

/// Longest silence of a relay's thread: it may wait for its device to open, to take the coil and to
/// tell it, each for `ANSWER_MAX`.
const RELAY_SILENCE_MAX: Duration = Duration::from_millis(3000);

/// What is known of the relays, in the order of the configuration.
pub(super) struct RelayWatch(Vec<Watched>);

#[derive(Clone, PartialEq, Eq)]
struct Watched {
    /// How it stands, as its thread says.
    says: RelayState,
    answers: Answers,
}

impl Watched {
    fn state(&self) -> RelayState {
        match self.answers {
            Answers::No => RelayState::Failed("its thread does not answer".into()),
            Answers::Yes => self.says.clone(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answers {
    Yes,
    No,
}

impl RelayWatch {
    pub fn new(relays: usize) -> RelayWatch {
        RelayWatch(vec![Watched { says: RelayState::Starting, answers: Answers::Yes }; relays])
    }

    /// Every relay that fails, with its reason.
    fn fault(&self, names: &[String]) -> Option<String> {
        let fault = |(watched, name): (&Watched, &String)| match watched.state() {
            RelayState::Failed(reason) => Some(format!("{name}: {reason}")),
            RelayState::Starting | RelayState::Working => None,
        };
        let faults: Vec<String> = self.0.iter().zip(names).filter_map(fault).collect();
        (!faults.is_empty()).then(|| faults.join("; "))
    }

    /// How each stands.
    fn shown(&self, relays: &Relays, calls: Calls) -> Vec<RelayNow> {
        let shown = |(watched, it): (&Watched, &crate::config::Relay)| RelayNow {
            name: it.name.clone(),
            role: it.role.clone(),
            device: relay::place(it),
            wiring: it.wiring,
            heartbeat: it.heartbeat,
            caution: relay::caution(it),
            state: watched.state(),
            calling: match calls.has_any(&it.role) {
                true => RelayCalling::Yes,
                false => RelayCalling::No,
            },
        };
        self.0.iter().zip(relays.configured()).map(shown).collect()
    }

    fn failures(&self) -> Failures {
        let fails = |watched: &Watched| matches!(watched.state(), RelayState::Failed(_));
        let failing = self.0.iter().enumerate().filter(|(_, watched)| fails(watched));
        failing.map(|(relay, _)| (Thing::Relay(relay), Gravity::Failed)).collect()
    }
}

impl Runner {
    /// Shows what is open now. Never waits.
    pub(super) fn show_calls(&self) {
        if self.path.relays.names().is_empty() {
            return;
        }
        let calls = calls(&self.path.engine, self.path.board.siren.pattern);
        self.path.relays.show(calls);
    }

    /// Puts how the relays stand on the board. Not at each picture: it is for people.
    pub(super) fn list_relays(&mut self) {
        let calls = calls(&self.path.engine, self.path.board.siren.pattern);
        let shown = self.relays.shown(&self.path.relays, calls);
        if self.path.board.relays != shown {
            self.path.board.relays = shown;
            self.changed = Changed::Yes;
        }
    }

    pub(super) fn relay(&mut self, report: RelayReport) {
        let name = self.path.relays.names().get(report.relay).cloned().unwrap_or_default();
        match &report.fault {
            Some(reason) => {
                tracing::error!("the relay {name} does not show what it should: {reason}")
            }
            None => tracing::info!("the relay {name} works"),
        }
        if let Some(watched) = self.relays.0.get_mut(report.relay) {
            watched.says = report.fault.map_or(RelayState::Working, RelayState::Failed);
        }
        self.tell_relays();
    }

    /// Whether the relays' threads still look.
    pub(super) fn judge_relays(&mut self, now: Instant) {
        let before = self.relays.0.clone();
        for (watched, silence) in self.relays.0.iter_mut().zip(self.path.relays.silences(now)) {
            watched.answers = match silence > RELAY_SILENCE_MAX {
                true => Answers::No,
                false => Answers::Yes,
            };
        }
        if before != self.relays.0 {
            self.tell_relays();
        }
    }

    fn tell_relays(&mut self) {
        let fault = self.relays.fault(self.path.relays.names());
        self.path.board.relay_fault = fault;
        self.changed = Changed::Yes;
        self.tell_part(Part::Relay, self.relays.failures());
    }
}

/// What calls for attention: every alarm that is open, until nobody has to do anything about it any
/// more; and what sounds.
fn calls(engine: &Engine, pattern: SirenPattern) -> Calls {
    let sounding = match pattern {
        SirenPattern::Silent => Calls::NONE,
        SirenPattern::Fault | SirenPattern::Warning | SirenPattern::Intrusion => {
            Calls::NONE.with(RelayRole::Siren)
        }
    };
    engine.alarms().iter().filter(|alarm| is_shown(alarm.state)).fold(sounding, |calls, alarm| {
        match alarm.source {
            AlarmSource::Intrusion(_) => calls.with(RelayRole::Emergency),
            AlarmSource::Warning(_) => calls.with(RelayRole::Warning),
            AlarmSource::Blind(_) | AlarmSource::Fault(_) => calls.with(RelayRole::Fault),
            // Overdue walk tests are for the page.
            AlarmSource::Untested(_) => calls,
        }
    })
}

fn is_shown(state: AlarmState) -> bool {
    match state {
        AlarmState::Unacknowledged
        | AlarmState::Acknowledged
        | AlarmState::ReturnedUnacknowledged
        | AlarmState::LatchedUnacknowledged
        | AlarmState::LatchedAcknowledged => true,
        // Somebody has said why it may stay unseen, and the page shows it.
        AlarmState::Normal | AlarmState::Shelved | AlarmState::OutOfService => false,
    }
}
