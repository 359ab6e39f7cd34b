//! What a channel sends next, and when it tries again. Pure: the same questions, the same answers.
//!
//! Terms: a **class** is how urgent a message is; a **head** is the oldest waiting message of its
//! class; a **probe** is a test message that tells a channel that is down from a message that nobody
//! can take.
//!
//! - Alarms go before faults before telemetry; within a class the oldest goes first.
//! - Whatever is not taken is tried again after a pause that doubles from [`PAUSE_MIN`] to
//!   [`PAUSE_MAX`], shortened by a seeded part so that many boxes do not come back together.
//! - A message that comes to the front for the first time is tried at once, whatever failed before.
//! - No answer means that the channel is down: the same message is tried for ever.
//! - One poisonous message must not block the rest for ever. A message that fails
//!   [`FAILURES_BEFORE_PROBE`] times is held against a probe: when the probe is taken and the message
//!   fails with an answer right behind it, it is the message and not the channel, and it is given up.
//!   When the probe fails as well, it is the receiver, whatever it blames. So a receiver that was down
//!   and comes back, or refuses everything, never costs a message.
//! - A message that gets no answer [`SILENCES_MAX`] times, each right behind a probe that was taken,
//!   breaks the line each time it is sent: it is given up too.
//!
//! Not here: reading, sending, counting what was given up, and how old a message may be on the wire.

use std::time::Duration;

use super::time::Instant;

/// How urgent a message is; the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    Alarm,
    Fault,
    Telemetry,
}

impl Class {
    /// The most urgent first.
    pub const ALL: [Class; 3] = [Class::Alarm, Class::Fault, Class::Telemetry];

    pub fn name(self) -> &'static str {
        match self {
            Class::Alarm => "alarm",
            Class::Fault => "fault",
            Class::Telemetry => "telemetry",
        }
    }

    /// How long a message of the class is news; later it is history. An alarm that is two minutes
    /// old has been heard on the site; who gets it then must not run because of it.
    pub fn valid_for(self) -> Duration {
        match self {
            Class::Alarm => Duration::from_secs(120),
            Class::Fault => Duration::from_secs(600),
            Class::Telemetry => Duration::from_secs(60),
        }
    }
}

/// Why a channel will never get a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LossReason {
    /// It waited too long.
    Age,
    /// There was no room for it.
    Room,
    /// The receiver would not take it.
    Refused,
    /// It was too old to be of use to this channel.
    Expired,
    /// The channel was taken out of the configuration while it waited.
    Unconfigured,
    /// The store was too slow to take what it was about, so it was never written.
    Unkept,
}

impl LossReason {
    pub const ALL: [LossReason; 6] = [
        LossReason::Age,
        LossReason::Room,
        LossReason::Refused,
        LossReason::Expired,
        LossReason::Unconfigured,
        LossReason::Unkept,
    ];

    /// As it stands in messages and in the store.
    pub fn name(self) -> &'static str {
        match self {
            LossReason::Age => "age",
            LossReason::Room => "room",
            LossReason::Refused => "refused",
            LossReason::Expired => "expired",
            LossReason::Unconfigured => "unconfigured",
            LossReason::Unkept => "unkept",
        }
    }
}

/// A channel got on: everything of the class up to `position` is dealt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    pub class: Class,
    pub position: u64,
    /// Messages up to there that are not for this channel.
    pub passed: Vec<u64>,
    /// Messages up to there that it will never get.
    pub lost: Vec<(u64, LossReason)>,
}

/// What a receiver has been told to have lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    pub class: Class,
    pub reason: LossReason,
    pub rows: u64,
}

/// Pause after the first failure: a broken connection is often whole again at once.
pub const PAUSE_MIN: Duration = Duration::from_millis(500);

/// Longest pause. A receiver that comes back waits at most so long for its alarms.
pub const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Failures of a message before it is held against a probe: some ten seconds, in which a receiver
/// that is being changed gets a second chance.
pub const FAILURES_BEFORE_PROBE: u32 = 5;

/// Times a message may get no answer right behind a probe that was taken before it is given up. One
/// proves nothing: the line may have broken in between.
pub const SILENCES_MAX: u32 = 5;

/// What became of a message that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Taken,
    /// It is none that this channel passes on.
    NotForIt,
    /// It came too late to be of use to this receiver.
    TooLate,
    /// The receiver says that this message is unacceptable.
    Refused,
    /// The receiver answered that it does not work.
    Failed,
    /// The receiver says that the box may not: its rights are to be mended, no message is to blame.
    Forbidden,
    /// Nobody answered.
    Unreachable,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send the head of this class; `attempt` counts from 1.
    Send { class: Class, id: u64, attempt: u32 },
    /// Send a test message in place of the head of this class.
    Probe { class: Class },
    /// Nothing before then; for `None`, before something waits.
    Wait(Option<Instant>),
}

/// What an outcome means for the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is done.
    Done,
    /// It is passed over, since it is not for this channel.
    PassOver,
    /// It is lost: the receiver will not take it.
    GiveUp,
    /// It is lost: too old for what the channel is there for.
    Expired,
    /// It stays where it is.
    Again,
}

/// The oldest waiting message of each class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    pub alarm: Option<u64>,
    pub fault: Option<u64>,
    pub telemetry: Option<u64>,
}

impl Heads {
    pub fn of(self, class: Class) -> Option<u64> {
        match class {
            Class::Alarm => self.alarm,
            Class::Fault => self.fault,
            Class::Telemetry => self.telemetry,
        }
    }

    pub fn set(&mut self, class: Class, head: Option<u64>) {
        match class {
            Class::Alarm => self.alarm = head,
            Class::Fault => self.fault = head,
            Class::Telemetry => self.telemetry = head,
        }
    }
}

/// How the newest message of a class fares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Trial {
    id: u64,
    attempts: u32,
    /// Since the last probe.
    failures: u32,
    /// No answer right behind a probe that was taken, in a row.
    silences: u32,
    probe: Probe,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Probe {
    #[default]
    NotNeeded,
    Due,
    /// A probe was taken; the message gets its last chance.
    Taken,
}

/// Pauses between tries that fail.
#[derive(Clone, Debug)]
pub struct BackOff {
    random: u64,
    /// Failures in a row.
    failures: u32,
}

impl BackOff {
    /// `seed` decides the jitter.
    pub fn new(seed: u64) -> BackOff {
        // Zero is the one state that the generator does not leave.
        BackOff { random: seed | 1, failures: 0 }
    }

    /// It works: the next pause is the first again.
    pub fn works(&mut self) {
        self.failures = 0;
    }

    /// It failed: how long to leave it alone, half to all of what has doubled since the first.
    pub fn pause(&mut self) -> Duration {
        let doubled = PAUSE_MIN.saturating_mul(1 << self.failures.min(16)).min(PAUSE_MAX);
        self.failures = self.failures.saturating_add(1);
        let part = (self.draw() % 1_024) as u32;
        doubled / 2 + doubled / 2 * part / 1_024
    }

    /// xorshift64 (Marsaglia 2003): enough to part boxes from each other.
    fn draw(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

/// The policy of one channel.
#[derive(Clone, Debug)]
pub struct Delivery {
    back_off: BackOff,
    not_before: Option<Instant>,
    trials: [Trial; Class::ALL.len()],
    sending: Option<Class>,
}

impl Delivery {
    /// `seed` decides the jitter.
    pub fn new(seed: u64) -> Delivery {
        Delivery {
            back_off: BackOff::new(seed),
            not_before: None,
            trials: [Trial::default(); Class::ALL.len()],
            sending: None,
        }
    }

    /// What to do now, when these messages wait.
    pub fn next(&mut self, heads: Heads, now: Instant) -> Step {
        let Some((class, id)) =
            Class::ALL.into_iter().find_map(|class| Some((class, heads.of(class)?)))
        else {
            return Step::Wait(None);
        };
        let trial = &mut self.trials[class as usize];
        if trial.id != id {
            *trial = Trial { id, ..Trial::default() };
        } else if let Some(at) = self.not_before.filter(|at| *at > now) {
            return Step::Wait(Some(at));
        }
        self.sending = Some(class);
        if trial.probe == Probe::Due {
            return Step::Probe { class };
        }
        trial.attempts = trial.attempts.saturating_add(1);
        Step::Send { class, id, attempt: trial.attempts }
    }

    /// What became of the message that was sent last.
    pub fn sent(&mut self, outcome: Outcome, now: Instant) -> Verdict {
        let Some(class) = self.sending.take() else {
            return Verdict::Again;
        };
        let verdict = self.trials[class as usize].judge(outcome);
        match (outcome, verdict) {
            (Outcome::Taken | Outcome::NotForIt | Outcome::TooLate, _) => self.works(),
            // The receiver lives, and the rest is not to wait for what is given up.
            (_, Verdict::GiveUp) => self.works(),
            (Outcome::Refused | Outcome::Failed | Outcome::Forbidden | Outcome::Unreachable, _) => {
                self.pause(now)
            }
        }
        verdict
    }

    /// What became of the probe that was sent last.
    pub fn probed(&mut self, outcome: Outcome, now: Instant) {
        let Some(class) = self.sending.take() else {
            return;
        };
        let trial = &mut self.trials[class as usize];
        match outcome {
            Outcome::Taken | Outcome::NotForIt | Outcome::TooLate => {
                trial.probe = Probe::Taken;
                // The message goes at once; the pause starts anew only when it is dealt with, so that
                // one that breaks the line each time does not do so ever faster.
                self.not_before = None;
            }
            // The channel is down: the message is innocent so far.
            Outcome::Refused | Outcome::Failed | Outcome::Forbidden => {
                trial.is_innocent();
                self.pause(now);
            }
            Outcome::Unreachable => {
                // The message may have broken the line just before: that stays held against it.
                if trial.silences == 0 {
                    trial.is_innocent();
                }
                self.pause(now);
            }
        }
    }

    /// When the next try is due, if there was a failure.
    pub fn not_before(&self) -> Option<Instant> {
        self.not_before
    }

    /// Tries again at once: somebody asked, or the line is known to be whole again.
    pub fn hurry(&mut self) {
        self.not_before = None;
    }

    fn works(&mut self) {
        self.back_off.works();
        self.not_before = None;
    }

    fn pause(&mut self, now: Instant) {
        self.not_before = Some(now.after(self.back_off.pause()));
    }
}

impl Trial {
    fn judge(&mut self, outcome: Outcome) -> Verdict {
        match outcome {
            Outcome::Taken => Verdict::Done,
            Outcome::NotForIt => Verdict::PassOver,
            Outcome::TooLate => Verdict::Expired,
            Outcome::Refused | Outcome::Failed => match self.probe {
                Probe::Taken => Verdict::GiveUp,
                Probe::NotNeeded | Probe::Due => self.again(),
            },
            Outcome::Forbidden => {
                self.is_innocent();
                Verdict::Again
            }
            Outcome::Unreachable => match self.probe {
                Probe::Taken => {
                    self.silences += 1;
                    if self.silences >= SILENCES_MAX {
                        return Verdict::GiveUp;
                    }
                    // Whatever the probe showed is old now.
                    self.probe = Probe::Due;
                    Verdict::Again
                }
                Probe::NotNeeded | Probe::Due => self.again(),
            },
        }
    }

    /// It is the channel.
    fn is_innocent(&mut self) {
        self.probe = Probe::NotNeeded;
        self.failures = 0;
        self.silences = 0;
    }

    fn again(&mut self) -> Verdict {
        self.failures += 1;
        if self.failures >= FAILURES_BEFORE_PROBE {
            self.probe = Probe::Due;
        }
        Verdict::Again
    }
}

#[cfg(test)]
#[path = "delivery_tests.rs"]
mod tests;
