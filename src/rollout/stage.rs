//! How far a candidate has come, and what each thing that can happen makes of it.
//!
//! ```text
//!          Verify           Shadow            Approve            Try              Commit
//!   Staged ─────> Verified ───────> Shadowing ──────> Approved ──────> Probation ───────> Committed
//!     │              │                │  ^               │ │               │                  │
//!     │              │                │  └─ it went wrong ┘ │              │ fault, Operator   │ Operator
//!     └──────────────┴── fault, Operator ────────────────┘                 v                  v
//!                              v                                       RolledBack <────────────┘
//!                          Rejected
//! ```
//!
//! A **step** is what somebody wants; out of order it is refused. A **fault** is what happened; it
//! has an answer at every stage, and what it does not concern stays as it is.
//!
//! Not here: who decides that a fault is there, and what is written where.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest name of a person.
pub const PERSON_BYTES_MAX: usize = 128;

/// How far a candidate has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Stage {
    /// Whole on the disk; nothing else is known of it.
    Staged,
    /// Signature, files, golden pictures and speed are right.
    Verified,
    /// Sees what the active model sees, and nothing follows from what it says.
    Shadowing,
    /// A named person has looked at what it did, and wants it.
    Approved { by: Person },
    /// Guards, and may be taken back at any moment.
    Probation,
    /// Guards.
    Committed,
    /// Will not guard.
    Rejected { reason: Reason },
    /// Has guarded, and was taken back.
    RolledBack { reason: Reason },
}

/// What can happen to a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was found to be right.
    Verify,
    /// It begins to see what the active model sees.
    Shadow,
    /// A person wants it.
    Approve {
        by: Person,
    },
    /// It is about to guard. Both times are for people; nothing is decided by them.
    Try {
        started_unix_s: i64,
        deadline_unix_s: i64,
    },
    /// Its probation is over, and well.
    Commit,
    /// A person does not want it, or not any more.
    Operator,
    Fault(Fault),
}

/// What can go wrong, or at least be different from what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It could not be loaded, or a picture ended in an error.
    Error,
    /// Its process or the box died.
    Killed,
    /// It did not answer in time.
    Hung,
    /// It takes longer than the budget.
    Latency,
    /// It did not find whom it must find in its golden pictures, or saw people who are not there.
    GoldenFailed,
    /// It died as often as it may.
    CrashLoop,
    /// People have begun to look whether it misses somebody.
    ReviewOpened,
    /// They found that it does.
    ReviewConfirmed,
    /// The ledger could not be written: no room.
    DiskFull,
    /// The ledger could not be written: nothing can be.
    ReadOnly,
    /// A file of it is shorter than it was, or gone; or the ledger that names it is.
    TornFile,
    /// A file of it is another one; or the ledger that names it is.
    FlippedBit,
    /// Nobody who is trusted has signed it, or is trusted no more.
    WrongKey,
    /// It is older than what was committed.
    OldRelease,
    /// Its manifest says that it is valid no more.
    Expired,
    /// The wall clock was put forward or back.
    ClockStepped,
}

/// Why a candidate is none any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A person wanted it so.
    Operator,
    Fault(Fault),
}

/// The name of a person, for the record: not empty, not longer than [`PERSON_BYTES_MAX`], one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Person(String);

/// A text that is nobody's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a person's name has 1 to {PERSON_BYTES_MAX} bytes and no line breaks; this one has {bytes} bytes"
)]
pub struct BadPerson {
    bytes: usize,
}

/// A step that is out of order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the candidate {stage}: it cannot be {event} now")]
pub struct NotAllowed {
    pub stage: Stage,
    pub event: Event,
}

impl Stage {
    /// The whole behaviour of a candidate.
    ///
    /// # Errors
    /// The step is out of order; nothing has changed. Faults are never refused.
    pub fn next(&self, event: &Event) -> Result<Stage, NotAllowed> {
        use Event::{Approve, Commit, Operator, Shadow, Try, Verify};
        use Stage::{
            Approved, Committed, Probation, Rejected, RolledBack, Shadowing, Staged, Verified,
        };
        let reason = Reason::Operator;
        match (self, event) {
            (Staged, Verify) => Ok(Verified),
            (Verified, Shadow) => Ok(Shadowing),
            (Shadowing, Approve { by }) => Ok(Approved { by: by.clone() }),
            (Approved { .. }, Try { .. }) => Ok(Probation),
            (Probation, Commit) => Ok(Committed),
            (Staged | Verified | Shadowing | Approved { .. }, Operator) => Ok(Rejected { reason }),
            (Probation | Committed, Operator) => Ok(RolledBack { reason }),
            (stage, Event::Fault(fault)) => Ok(stage.after_fault(*fault)),
            (Staged, Shadow | Approve { .. } | Try { .. } | Commit)
            | (Verified, Verify | Approve { .. } | Try { .. } | Commit)
            | (Shadowing, Verify | Shadow | Try { .. } | Commit)
            | (Approved { .. }, Verify | Shadow | Approve { .. } | Commit)
            | (Probation, Verify | Shadow | Approve { .. } | Try { .. })
            | (Committed, Verify | Shadow | Approve { .. } | Try { .. } | Commit)
            | (
                Rejected { .. } | RolledBack { .. },
                Verify | Shadow | Approve { .. } | Try { .. } | Commit | Operator,
            ) => Err(NotAllowed { stage: self.clone(), event: event.clone() }),
        }
    }

    /// The faults' half of the table.
    fn after_fault(&self, fault: Fault) -> Stage {
        use Fault::{
            ClockStepped, CrashLoop, DiskFull, Error, Expired, FlippedBit, GoldenFailed, Hung,
            Killed, Latency, OldRelease, ReadOnly, ReviewConfirmed, ReviewOpened, TornFile,
            WrongKey,
        };
        let rejected = Stage::Rejected { reason: Reason::Fault(fault) };
        let rolled_back = Stage::RolledBack { reason: Reason::Fault(fault) };
        match (self, fault) {
            // What is on its way in: anything that speaks against it ends it. A kill says nothing of
            // it, as long as it is not one of many; a disk or a clock never does.
            (
                Stage::Staged,
                Error | Hung | Latency | GoldenFailed | CrashLoop | ReviewConfirmed | TornFile
                | FlippedBit | WrongKey | OldRelease | Expired,
            )
            // Expiry is asked at the door, once: a clock that is put forward later ends nothing.
            | (
                Stage::Verified,
                Error | Hung | Latency | GoldenFailed | CrashLoop | ReviewConfirmed | TornFile
                | FlippedBit | WrongKey | OldRelease,
            )
            | (
                Stage::Shadowing | Stage::Approved { .. },
                GoldenFailed | CrashLoop | ReviewConfirmed | TornFile | FlippedBit | WrongKey
                | OldRelease,
            ) => rejected,
            (Stage::Staged, Killed | ReviewOpened | DiskFull | ReadOnly | ClockStepped)
            | (
                Stage::Verified,
                Killed | ReviewOpened | DiskFull | ReadOnly | Expired | ClockStepped,
            ) => self.clone(),
            // A shadow that fails is a line in the log, and a poorer coverage.
            (
                Stage::Shadowing,
                Error | Killed | Hung | Latency | ReviewOpened | DiskFull | ReadOnly | Expired
                | ClockStepped,
            ) => Stage::Shadowing,
            // Whoever approved it had not seen this.
            (Stage::Approved { .. }, Error | Hung | Latency | ReviewOpened) => Stage::Shadowing,
            (Stage::Approved { .. }, Killed | DiskFull | ReadOnly | Expired | ClockStepped) => {
                self.clone()
            }
            (
                Stage::Probation,
                Error | Hung | Latency | GoldenFailed | CrashLoop | ReviewConfirmed | TornFile
                | FlippedBit | WrongKey,
            ) => rolled_back,
            // Kills are counted at the start; an open review holds up the commit.
            (
                Stage::Probation,
                Killed | ReviewOpened | DiskFull | ReadOnly | OldRelease | Expired | ClockStepped,
            ) => Stage::Probation,
            // What guards by right goes on, or the next in order does: see `boot`.
            (
                Stage::Committed | Stage::Rejected { .. } | Stage::RolledBack { .. },
                Error | Killed | Hung | Latency | GoldenFailed | CrashLoop | ReviewOpened
                | ReviewConfirmed | DiskFull | ReadOnly | TornFile | FlippedBit | WrongKey
                | OldRelease | Expired | ClockStepped,
            ) => self.clone(),
        }
    }
}

impl Fault {
    pub const ALL: [Fault; 16] = [
        Fault::Error,
        Fault::Killed,
        Fault::Hung,
        Fault::Latency,
        Fault::GoldenFailed,
        Fault::CrashLoop,
        Fault::ReviewOpened,
        Fault::ReviewConfirmed,
        Fault::DiskFull,
        Fault::ReadOnly,
        Fault::TornFile,
        Fault::FlippedBit,
        Fault::WrongKey,
        Fault::OldRelease,
        Fault::Expired,
        Fault::ClockStepped,
    ];
}

impl Person {
    /// # Errors
    /// It is empty, too long, or has control characters.
    pub fn named(name: &str) -> Result<Person, BadPerson> {
        let is_name = !name.trim().is_empty()
            && name.len() <= PERSON_BYTES_MAX
            && !name.chars().any(char::is_control);
        is_name.then(|| Person(name.to_owned())).ok_or(BadPerson { bytes: name.len() })
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Person {
    type Error = BadPerson;

    fn try_from(name: String) -> Result<Person, BadPerson> {
        Person::named(&name)
    }
}

impl From<Person> for String {
    fn from(person: Person) -> String {
        person.0
    }
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stage::Staged => f.write_str("is installed and not verified"),
            Stage::Verified => f.write_str("is verified"),
            Stage::Shadowing => f.write_str("runs in the shadow"),
            Stage::Approved { by } => write!(f, "is approved by {by}"),
            Stage::Probation => f.write_str("is on probation"),
            Stage::Committed => f.write_str("is committed"),
            Stage::Rejected { reason } => write!(f, "was rejected: {reason}"),
            Stage::RolledBack { reason } => write!(f, "was rolled back: {reason}"),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Verify => f.write_str("verified"),
            Event::Shadow => f.write_str("run in the shadow"),
            Event::Approve { by } => write!(f, "approved by {by}"),
            Event::Try { .. } => f.write_str("tried"),
            Event::Commit => f.write_str("committed"),
            Event::Operator => f.write_str("taken back"),
            Event::Fault(fault) => write!(f, "faulty: {fault}"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Operator => f.write_str("an engineer took it back"),
            Reason::Fault(fault) => fault.fmt(f),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Error => "it ended with an error",
            Fault::Killed => "its process died",
            Fault::Hung => "it did not answer in time",
            Fault::Latency => "it takes longer than the budget",
            Fault::GoldenFailed => "it failed its golden pictures",
            Fault::CrashLoop => "it died as often as it may",
            Fault::ReviewOpened => "a review was opened",
            Fault::ReviewConfirmed => "a review found that it misses people",
            Fault::DiskFull => "the disk is full",
            Fault::ReadOnly => "the disk cannot be written",
            Fault::TornFile => "a file is shorter than it was",
            Fault::FlippedBit => "a file is not what was written",
            Fault::WrongKey => "no key that is trusted has signed it",
            Fault::OldRelease => "it is older than what was committed",
            Fault::Expired => "its manifest has expired",
            Fault::ClockStepped => "the clock was put forward or back",
        })
    }
}
