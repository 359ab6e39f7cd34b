//! What is remembered of each step a model takes: the history for people, and the audit log where a
//! person did it.
//!
//! Nobody waits for it: what the store does not take now waits here, up to [`WAITING_MAX`], and is
//! tried again. What is lost beyond that is in the log of the program.

use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver, SyncSender};

use jiff::Timestamp;

use crate::clock;
use crate::guard::clerk::Clerk;
use crate::rollout::slot::Slot;
use crate::store::audit::AuditEntry;
use crate::store::models::ModelEvent;
pub use crate::store::models::ModelEventKind as Kind;
use crate::store::record::Record;
use crate::store::{Store, StoreError};

/// Whoever acts by itself.
pub const BY_BOX: &str = "box";

/// Events that wait for the store.
const WAITING_MAX: usize = 256;

/// Longest text of an event, characters.
const TEXT_CHARS_MAX: usize = 500;

/// An event, and whether a person did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub at: Timestamp,
    pub kind: Kind,
    pub slot: Option<Slot>,
    pub release: Option<u64>,
    /// `None`: the box did it by itself.
    pub by: Option<String>,
    pub text: String,
}

/// Remembers; never waits.
pub trait Book: Send {
    fn tell(&mut self, told: Told);

    /// Tries again what was not taken.
    fn tend(&mut self) {}
}

impl Told {
    pub fn now(kind: Kind, slot: Option<Slot>, text: impl Into<String>) -> Told {
        let at = clock::wall();
        // As the store keeps it.
        let at = Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at);
        let text: String = text.into();
        let text = text.chars().take(TEXT_CHARS_MAX).collect();
        Told { at, kind, slot, release: None, by: None, text }
    }

    pub fn by(self, by: impl Into<String>) -> Told {
        Told { by: Some(by.into()), ..self }
    }

    pub fn of_release(self, release: u64) -> Told {
        Told { release: Some(release), ..self }
    }

    fn event(&self) -> ModelEvent {
        ModelEvent {
            at: self.at,
            kind: self.kind,
            slot: self.slot.map(|slot| slot.to_string()),
            release: self.release,
            by: self.by.clone().unwrap_or_else(|| BY_BOX.into()),
            text: self.text.clone(),
        }
    }

    fn audit(&self) -> Option<AuditEntry> {
        Some(AuditEntry {
            at: self.at,
            by: self.by.clone()?,
            action: format!("model_{}", self.kind.as_str()),
            subject: self.slot.map(|slot| slot.to_string()).unwrap_or_default(),
            detail: serde_json::json!({ "release": self.release, "text": self.text }).to_string(),
        })
    }
}

/// Writes an event, and the audit entry of what a person did.
///
/// # Errors
/// The disk is full or fails.
pub fn write(store: &mut Store, told: &Told) -> Result<(), StoreError> {
    // First: whatever was done stands there, and a repeat changes nothing.
    if let Some(entry) = told.audit() {
        let AuditEntry { at, by, action, subject, detail } = entry;
        store.append_audit(&by, &action, &subject, &detail, at)?;
    }
    store.write(&[Record::ModelEvent(told.event())])
}

/// By the store's thread.
pub struct Chronicle {
    clerk: Clerk,
    waiting: VecDeque<Told>,
    /// What an errand could not write, and that one was carried out.
    back: (SyncSender<Option<Told>>, Receiver<Option<Told>>),
    /// One at a time, so that the history keeps its order.
    under_way: bool,
}

impl Chronicle {
    pub fn new(clerk: Clerk) -> Chronicle {
        Chronicle { clerk, waiting: VecDeque::new(), back: mpsc::sync_channel(1), under_way: false }
    }

    fn next(&mut self) {
        let Some(told) = self.waiting.pop_front() else { return };
        let mut letter = Letter { told: Some(told), back: self.back.0.clone() };
        let errand = move |store: &mut Store| {
            let Some(told) = &letter.told else { return };
            match write(store, told) {
                Ok(()) => letter.told = None,
                Err(error) => tracing::warn!("an event of a model is not kept yet: {error}"),
            }
        };
        self.under_way = true;
        // One that found no room comes back like one that failed.
        let _ = self.clerk.leave(errand);
    }
}

/// Comes back when nobody has written it, also when nobody has carried it out.
struct Letter {
    told: Option<Told>,
    back: SyncSender<Option<Told>>,
}

impl Drop for Letter {
    fn drop(&mut self) {
        let _ = self.back.try_send(self.told.take());
    }
}

impl Book for Chronicle {
    fn tell(&mut self, told: Told) {
        let slot = told.slot.map(|slot| slot.to_string()).unwrap_or_default();
        tracing::info!("models: {} {slot}: {}", told.kind.as_str(), told.text);
        self.waiting.push_back(told);
        if self.waiting.len() > WAITING_MAX {
            self.waiting.pop_front();
            tracing::error!("an event of a model was lost: the store takes nothing");
        }
        self.tend();
    }

    fn tend(&mut self) {
        match self.back.1.try_recv() {
            Ok(Some(told)) => {
                self.under_way = false;
                self.waiting.push_front(told);
                // The disk takes nothing now.
                return;
            }
            Ok(None) => self.under_way = false,
            Err(_) => {}
        }
        if !self.under_way {
            self.next();
        }
    }
}
