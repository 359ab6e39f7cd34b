//! Telling others: brokers, webhooks, push services. One thread a channel; each may fail for ever
//! and nothing else notices.
//!
//! Terms: a **channel** is one way out; a **letter** is a message as it leaves, with what is true
//! only now (that it is history, what was lost); a **source** is where the messages wait and where
//! it is noted how far the channel has got; the **site** is what is shown of now.
//!
//! ```text
//!  store ── source ──> channel thread ── delivery policy ──> MQTT · webhook · Web Push
//!            ^  how far it got  │
//!            └──────────────────┘
//! ```
//!
//! Messages are delivered at least once: what was sent and not yet noted is sent again after a crash,
//! with the same key and version, by which a receiver knows it.
//!
//! - `runner`: the thread of a channel. `letter`: what leaves. `face`: what people see of a channel.
//!   `clock_steps`: how old a message is when the time was set meanwhile.
//! - `mqtt`, `webhook`, `web_push`: the ways out.
//!
//! Not here: what is worth telling and keeping it (`store::outbox`), what goes next (the engine's
//! `delivery`), siren and handhelds on the site's own network: none of them depends on any of this.

mod clock_steps;
pub mod face;
pub mod letter;
pub mod mqtt;
pub mod runner;
#[cfg(feature = "push")]
pub mod vapid;
#[cfg(feature = "push")]
pub mod web_push;
pub mod webhook;

use std::time::Duration;

use jiff::Timestamp;

pub use self::face::{Backlog, Face, Faces, Kind, Loss, State};
pub use self::letter::{Letter, Occasion};
use crate::engine::delivery::{Class, Outcome, Progress, Told};

/// A message that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub id: u64,
    pub class: Class,
    pub key: String,
    pub version: u64,
    pub at: Timestamp,
    pub valid_until: Timestamp,
    /// A JSON object.
    pub body: String,
}

/// Where a channel's messages wait. Blocking; the channel's thread alone asks.
pub trait Source: Send {
    /// The oldest message of a class behind `after`.
    ///
    /// # Errors
    /// It cannot be read now.
    fn next(&self, class: Class, after: u64) -> Result<Option<Waiting>, SourceError>;

    /// How the channel stands, a class each that it wants.
    ///
    /// # Errors
    /// It cannot be read now.
    fn backlog(&self) -> Result<Vec<Backlog>, SourceError>;

    /// What the channel will never get.
    ///
    /// # Errors
    /// It cannot be read now.
    fn losses(&self) -> Result<Vec<Loss>, SourceError>;

    /// Notes how far the channel has got. After an error it may have been noted or not.
    ///
    /// # Errors
    /// It cannot be noted now.
    fn advance(&self, progress: Vec<Progress>, told: Vec<Told>) -> Result<(), SourceError>;
}

/// Why a source gave no answer, for people.
#[derive(Debug, thiserror::Error)]
#[error("the outbox does not answer: {0}")]
pub struct SourceError(pub String);

/// What is shown of now, and the one thing that may be asked for from outside.
pub trait Site: Send + Sync {
    fn now(&self) -> SiteNow;

    /// Answers an alarm for somebody, who saw this version of it.
    ///
    /// # Errors
    /// It was not carried out; why, for people.
    fn acknowledge(&self, alarm: u64, version: u64, by: &str) -> Result<(), Refused>;
}

/// Why an answer was not taken: a word for machines and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub code: &'static str,
    pub message: String,
}

/// What is shown of now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SiteNow {
    pub name: String,
    pub at: Timestamp,
    pub zones: Vec<ZoneNow>,
    pub siren: &'static str,
    pub vision: &'static str,
    pub unacknowledged: usize,
    pub latency_p99_ms: Option<u32>,
    pub latency_max_ms: Option<u32>,
}

/// One zone now.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneNow {
    pub id: String,
    pub name: String,
    pub camera: String,
    /// `clear`, `occupied` or `unknown`.
    pub state: &'static str,
    pub reason: Option<String>,
    pub since: Timestamp,
    pub people: u32,
    pub armed: &'static str,
}

/// What became of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub outcome: Outcome,
    pub arrived: Arrived,
    /// What was wrong, for people; empty when nothing was.
    pub why: String,
}

/// How much of a letter a receiver has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// All of it, with what it says of losses.
    Whole,
    /// The alarm in it, and nothing of losses.
    InPart,
    /// It is out of our hands, and nobody was there to get it; or it is not out of them.
    Nowhere,
}

impl Sent {
    /// A receiver has all of it.
    pub fn taken() -> Sent {
        Sent { outcome: Outcome::Taken, arrived: Arrived::Whole, why: String::new() }
    }

    /// A receiver has what calls people.
    pub fn taken_in_part() -> Sent {
        Sent { arrived: Arrived::InPart, ..Sent::taken() }
    }

    /// It is delivered as far as it can be, to nobody; why, for people.
    pub fn taken_for_nobody(why: impl Into<String>) -> Sent {
        Sent { outcome: Outcome::Taken, arrived: Arrived::Nowhere, why: why.into() }
    }

    pub fn not(outcome: Outcome, why: impl Into<String>) -> Sent {
        Sent { outcome, arrived: Arrived::Nowhere, why: why.into() }
    }
}

/// What looking after a channel found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tended {
    /// Nothing new.
    Same,
    /// The line stands again.
    Came,
    /// Messages go out, and something beside them does not work; why, for people.
    Complains(String),
    /// The line is broken; why, for people.
    Broken(String),
}

/// A way out. Its thread alone calls it; every call ends within [`SEND_MAX`] or so.
pub trait Channel: Send {
    /// Looks after the line: connects, answers what came in, shows what is now.
    fn tend(&mut self) -> Tended;

    /// Sends one letter and waits for the receiver's word.
    fn send(&mut self, letter: &Letter) -> Sent;

    /// Says goodbye, when the box ends.
    fn close(&mut self);
}

/// Longest time for one letter: a receiver that takes longer is as good as none.
pub const SEND_MAX: Duration = Duration::from_secs(10);
