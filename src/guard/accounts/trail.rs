//! The audit log, read: its entries, and whether it is whole.
//!
//! The whole log is checked once in a while; in between only what has come since. So the question
//! costs little however long the log is, and a change in old entries is found within that time.

use std::sync::Mutex;
use std::time::Duration;

use super::{Accounts, lock};
use crate::digest::hex;
use crate::engine::time::Instant;
use crate::store::audit::{AuditReader, AuditRow, Broken, Checked};
use crate::store::query::HistoryError;

/// The whole log is checked again after so long.
const WHOLE_EVERY: Duration = Duration::from_secs(600);

#[derive(Debug)]
pub(super) struct Trail {
    reader: AuditReader,
    last: Mutex<Option<Last>>,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    checked: Checked,
    whole_at: Instant,
}

/// Whether the log is what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditState {
    Whole(Checked),
    Broken(Broken),
}

impl Trail {
    pub fn new(reader: AuditReader) -> Trail {
        Trail { reader, last: Mutex::new(None) }
    }
}

impl Accounts {
    /// Entries of the audit log, newest first. Blocking.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn audit(&self, limit: u32, before: Option<u64>) -> Result<Vec<AuditRow>, HistoryError> {
        self.trail.reader.entries(limit, before)
    }

    /// Whether the audit log is whole. Blocking: half a second for a million entries.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn audit_state(&self, now: Instant) -> Result<AuditState, HistoryError> {
        // Held while checking: two who ask at once need one check.
        let mut last = lock(&self.trail.last);
        let recent = last.filter(|last| now.since(last.whole_at) < WHOLE_EVERY);
        let from = recent.map_or_else(Checked::default, |last| last.checked);
        let whole_at = recent.map_or(now, |last| last.whole_at);
        let outcome = self.trail.reader.check(from, |_row| {})?;
        *last = outcome.as_ref().ok().map(|checked| Last { checked: *checked, whole_at });
        Ok(match outcome {
            Ok(checked) => AuditState::Whole(checked),
            Err(broken) => AuditState::Broken(broken),
        })
    }

    /// The state in a sentence, with the head: for the machine's own log, which is another place than
    /// the store. Whoever writes the whole audit log anew does not match what stands there. `Err` is
    /// for the log as well, louder. Blocking, as `audit_state`.
    pub fn audit_sentence(&self, now: Instant) -> Result<String, String> {
        match self.audit_state(now) {
            Ok(AuditState::Whole(Checked { entries, head })) => {
                Ok(format!("the audit log is whole: {entries} entries, head {}", hex(&head)))
            }
            Ok(AuditState::Broken(broken)) => {
                Err(format!("the audit log is not what was written: {broken}"))
            }
            Err(error) => Err(crate::telemetry::chain(&error)),
        }
    }
}
