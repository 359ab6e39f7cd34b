//! What is to be told to others: messages that came about with a record, and how far each channel
//! has got.
//!
//! A message is written in the transaction of the record that it is about: it is there when the
//! record is there, and never without it. Where no channel wants a class, none of it is written.
//!
//! Terms: a **channel** is a way out (a broker, a webhook, push services), each with a cursor per
//! class; a **loss** is a message that a channel will never get, counted with the reason and the time
//! it is from. For each channel and class: written = delivered + passed over + lost + waiting.
//!
//! - `enqueue`: from record to message. `body`: what stands in one. `cursor`: moving on, and losing.
//! - `read`: what waits, what was lost. `push`: where handhelds take messages.
//!
//! Bounded by [`Bounds`]: telemetry goes first, then faults, then alarms, the oldest of each first.
//!
//! Not here: what is sent next and when (`engine::delivery`), and sending.

mod body;
mod cursor;
pub(super) mod enqueue;
mod push;
mod read;

use std::time::Duration;

use jiff::Timestamp;

pub use self::enqueue::class_of;
pub use self::push::{PushSubscription, SUBSCRIPTIONS_MAX};
pub use self::read::OutboxReader;
pub use crate::engine::delivery::{Class, LossReason, Progress, Told};

/// Longest time a message waits for its channel: R13's 30 days.
pub const AGE_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Rows that are trimmed in one transaction, so that no alarm's commit waits long behind it.
pub const TRIMMED_AT_ONCE: u32 = 512;

/// A message that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Counts up; a number is never given twice.
    pub id: u64,
    pub class: Class,
    /// What it is about: `alarm-12`, `incident-3`, `zone-gate`.
    pub key: String,
    /// Rises with every message of the key, also over restarts.
    pub version: u64,
    pub at: Timestamp,
    pub valid_until: Timestamp,
    /// A JSON object.
    pub body: String,
}

/// What of a class a channel lost for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    pub class: Class,
    pub reason: LossReason,
    pub rows: u64,
    /// How many of them the receiver has been told of.
    pub told: u64,
    /// The times that the lost messages are from.
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

/// How a channel stands with a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    pub class: Class,
    /// Everything up to this number is dealt with.
    pub position: u64,
    pub waiting: u64,
    pub oldest_at: Option<Timestamp>,
    pub delivered: u64,
    pub delivered_at: Option<Timestamp>,
}

/// How much waits at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub bytes_max: u64,
    /// Nothing that came before then, which is [`AGE_MAX`] ago; `None` while the clock has not shown
    /// that it can be trusted.
    pub not_before: Option<Timestamp>,
}

/// Whether there is more to trim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trimmed {
    /// Everything is within bounds.
    Enough,
    /// One portion went; there is more to go.
    Portion,
}
