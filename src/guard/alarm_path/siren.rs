//! The siren as the alarm path sees it: what it reports, whether it answers, and the all-clear.

use std::time::Duration;

use super::failing::{Failures, Thing};
use super::{Changed, Runner};
use crate::clock;
use crate::engine::time::Instant;
use crate::engine::{AlarmSource, AlarmState, Part, SirenPattern, ZoneState};
use crate::guard::handle::{CommandError, SirenTested, TestHeard};
use crate::guard::message::{Gravity, SirenReport, Sounding};
use crate::guard::observer::Observation;
use crate::guard::siren::tester::{Asked, SirenTest, TestSound};
use crate::store::record::Record;
use crate::store::zones::BY_BOX;

/// Longest silence of the siren's thread, which looks every 20 ms: R1 allows one second until a
/// fault shows, and a busy box needs a part of it.
const SIREN_SILENCE_MAX: Duration = Duration::from_millis(500);

/// Longest time until a test that somebody asked for has an outcome: the audible one takes a few
/// seconds, and a device that stalls some more.
const OUTCOME_MAX: Duration = Duration::from_secs(15);

/// What is known of the siren.
pub(super) struct SirenWatch {
    /// Why it cannot sound, or not as it should, as its thread says.
    says: Option<String>,
    sounds: Sounding,
    /// Why its tests do not vouch for it.
    test: Option<String>,
    /// Whether its thread still looks.
    answers: Answers,
    all_clear: AllClear,
    /// Who waits for the outcome of a test, and since when.
    asked: Option<(String, Instant)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answers {
    Yes,
    No,
}

/// Whether people have to be told that it is over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AllClear {
    /// An intrusion has sounded.
    Owed,
    NotOwed,
}

/// A test as people see it.
fn tested(test: &SirenTest) -> SirenTested {
    SirenTested {
        at: test.at,
        heard: match test.sound {
            TestSound::Audible => TestHeard::ByPeople,
            TestSound::Inaudible => TestHeard::ByNobody,
        },
        failed: test.outcome.as_ref().err().cloned(),
    }
}

impl SirenWatch {
    pub fn new() -> SirenWatch {
        SirenWatch {
            says: Some("the sound device has not opened yet".into()),
            sounds: Sounding::No,
            test: None,
            answers: Answers::Yes,
            all_clear: AllClear::NotOwed,
            asked: None,
        }
    }

    /// What its silence says, or else what its thread says, or else its tests.
    fn fault(&self) -> Option<String> {
        match self.answers {
            Answers::No => Some("the siren's thread does not answer".to_owned()),
            Answers::Yes => self.says.clone().or_else(|| self.test.clone()),
        }
    }

    fn failures(&self) -> Failures {
        let output = match (self.answers, &self.says, self.sounds) {
            (Answers::No, _, _) | (Answers::Yes, Some(_), Sounding::No) => Some(Gravity::Failed),
            (Answers::Yes, Some(_), Sounding::Yes) => Some(Gravity::Impaired),
            (Answers::Yes, None, _) => None,
        };
        let output = output.map(|gravity| (Thing::Output, gravity));
        let tests = self.test.as_ref().map(|_| (Thing::Tests, Gravity::Impaired));
        output.into_iter().chain(tests).collect()
    }
}

impl Runner {
    pub(super) fn siren(&mut self, report: SirenReport) {
        self.changed = Changed::Yes;
        let board = &mut self.path.board;
        match report {
            SirenReport::Accepted { order, at, output } => {
                self.path.tap.tell(Observation::Siren { order, at, output });
                let records = self.path.ledger.siren_accepted(order, at, output);
                self.path.handover.put(records);
                return;
            }
            SirenReport::Working { device } => {
                tracing::info!("the siren is ready on the sound device {device:?}");
                board.siren_device = device;
                self.siren.says = None;
                self.siren.sounds = Sounding::Yes;
            }
            SirenReport::Degraded { device, reason } => {
                tracing::error!("the siren sounds on {device:?}, but: {reason}");
                board.siren_device = device;
                self.siren.says = Some(reason);
                self.siren.sounds = Sounding::Yes;
            }
            SirenReport::Broken { device, reason } => {
                tracing::error!("the siren cannot sound on {device:?}: {reason}");
                board.siren_device = device;
                self.siren.says = Some(reason);
                self.siren.sounds = Sounding::No;
            }
            SirenReport::Tested(test) => return self.siren_tested(test),
            SirenReport::TestFault(fault) => {
                if let Some(fault) = &fault {
                    tracing::error!("the siren: {fault}");
                }
                self.siren.test = fault;
            }
        }
        self.show_siren();
    }

    /// Into the event log, and into the audit log.
    fn siren_tested(&mut self, test: SirenTest) {
        let text = test.sentence();
        let action = match &test.outcome {
            Ok(_) => {
                tracing::info!("{text}");
                "siren_test_passed"
            }
            Err(_) => {
                tracing::error!("{text}");
                "siren_test_failed"
            }
        };
        if test.asked != Asked::ByPersonInVain {
            self.path.board.siren_test = Some(tested(&test));
        }
        let by = match test.asked {
            Asked::ByPlan => None,
            Asked::ByPerson | Asked::ByPersonInVain => self.siren.asked.take(),
        };
        let by = by.map_or_else(|| BY_BOX.to_owned(), |(by, _)| by);
        let device = match test.device.is_empty() {
            true => self.path.board.siren_device.clone(),
            false => test.device,
        };
        self.path.handover.put([Record::Note { at: test.at, text: text.clone() }]);
        self.sign_siren_test(by, action, device, text);
    }

    fn sign_siren_test(&self, by: String, action: &'static str, device: String, text: String) {
        let at = clock::wall();
        let left = self.path.clerk.leave(move |store| {
            if let Err(error) = store.append_audit(&by, action, &device, &text, at) {
                tracing::error!("the siren test is not in the audit log: {error}");
            }
        });
        if let Err(error) = left {
            tracing::error!("the siren test is not in the audit log: {error}");
        }
    }

    pub(super) fn may_test_siren(&self) -> Result<(), CommandError> {
        match (self.path.board.siren.pattern, &self.siren.asked) {
            (SirenPattern::Silent, None) => Ok(()),
            (SirenPattern::Silent, Some(_)) => Err(CommandError::SirenUnderTest),
            (SirenPattern::Fault | SirenPattern::Warning | SirenPattern::Intrusion, _) => {
                Err(CommandError::SirenSounds)
            }
        }
    }

    /// For a person, who is named in the audit log with what comes of it.
    pub(super) fn test_siren(&mut self, heard: TestHeard, by: String) {
        self.siren.asked = Some((by, clock::monotonic()));
        self.path.siren.test(match heard {
            TestHeard::ByPeople => TestSound::Audible,
            TestHeard::ByNobody => TestSound::Inaudible,
        });
    }

    /// A siren's thread that hangs or died tells no outcome; that is one too.
    fn judge_asked_test(&mut self, now: Instant) {
        let late = |(_, since): &mut (String, Instant)| now.since(*since) > OUTCOME_MAX;
        if let Some((by, _)) = self.siren.asked.take_if(late) {
            let device = self.path.board.siren_device.clone();
            let text = format!("no outcome within {} s", OUTCOME_MAX.as_secs());
            tracing::error!("the siren test that {by} asked for: {text}");
            self.sign_siren_test(by, "siren_test_failed", device, text);
        }
    }

    /// Whether the siren's thread still looks: nobody else would notice that orders get lost.
    pub(super) fn judge_siren(&mut self, now: Instant) {
        self.judge_asked_test(now);
        let answers = match self.path.siren.silence(now) > SIREN_SILENCE_MAX {
            true => Answers::No,
            false => Answers::Yes,
        };
        if answers == self.siren.answers {
            return;
        }
        self.siren.answers = answers;
        match answers {
            Answers::No => tracing::error!("the siren's thread does not answer"),
            Answers::Yes => tracing::info!("the siren's thread answers again"),
        }
        self.changed = Changed::Yes;
        self.show_siren();
    }

    fn show_siren(&mut self) {
        let fault = self.siren.fault();
        self.path.board.siren_fault = fault;
        self.path.board.siren_sounds = match self.siren.answers {
            Answers::Yes => self.siren.sounds,
            Answers::No => Sounding::No,
        };
        self.tell_part(Part::Siren, self.siren.failures());
    }

    /// Says once that it is over: an intrusion has sounded, and now nobody is inside, every zone is
    /// known, and no intrusion alarm is active.
    pub(super) fn judge_all_clear(&mut self) {
        match (self.path.board.siren.pattern, self.siren.all_clear) {
            (SirenPattern::Intrusion, _) => self.siren.all_clear = AllClear::Owed,
            (SirenPattern::Silent, AllClear::Owed) if self.is_clear() => {
                self.siren.all_clear = AllClear::NotOwed;
                self.path.siren.all_clear();
                tracing::info!("all clear: nobody is inside any more");
            }
            (SirenPattern::Silent | SirenPattern::Fault | SirenPattern::Warning, _) => {}
        }
    }

    fn is_clear(&self) -> bool {
        let engine = &self.path.engine;
        let clear = |zone| engine.zone(zone).is_none_or(|zone| zone.state == ZoneState::Clear);
        // Whatever state an alarm may have, this alone says that its cause is gone.
        let over = |state| state == AlarmState::ReturnedUnacknowledged;
        self.path.names.live().all(|(zone, _)| clear(zone))
            && engine.alarms().iter().all(|alarm| match alarm.source {
                AlarmSource::Intrusion(_) => over(alarm.state),
                AlarmSource::Warning(_)
                | AlarmSource::Blind(_)
                | AlarmSource::Fault(_)
                | AlarmSource::Untested(_) => true,
            })
    }
}
