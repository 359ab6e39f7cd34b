//! A zone held armed while its walk test runs.
//!
//! The other way there is none: a hold arms, and when it is gone the rules decide as ever.

use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::ZoneIndex;
use crate::engine::time::Instant;

/// The zone that is held; one at a time.
#[derive(Clone, Debug, Default)]
pub struct TestHold(Arc<Mutex<Option<Held>>>);

/// Armed until then, whatever its rules say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    pub zone: ZoneIndex,
    pub until: Instant,
}

impl TestHold {
    pub fn hold(&self, held: Held) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
    }

    pub fn release(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What is held now; a hold that ran out holds nothing.
    pub fn now(&self, now: Instant) -> Option<Held> {
        let held = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.filter(|held| now < held.until)
    }
}
