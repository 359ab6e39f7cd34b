//! Revoking a device: at once in memory, then on disk.
//!
//! A lost phone shows alarms and pictures to whoever found it. That ends with the first try, whether
//! the disk works or not; what the store does not take is handed in again until it does.
//!
//! Not here: telling the device (the pager does, when it sees that the device is none any more).

use std::sync::Arc;

use super::fields::text_of;
use super::{HandheldDesk, REASON_CHARS_MAX, audit, directory};
use crate::guard::handle::HandheldError;
use crate::store::audit::AuditEntry;
use crate::store::handhelds::{HandheldChange, Revoked};
use crate::store::{Store, StoreError};
use crate::telemetry::chain;

/// What is to be kept of it.
#[derive(Clone, Debug)]
pub struct Revocation {
    pub id: String,
    pub revoked: Revoked,
    pub entry: AuditEntry,
}

impl Revocation {
    /// Keeps it, unless it is kept already: nobody knows that of a try without an answer.
    pub fn keep(&self, store: &mut Store) -> Result<(), StoreError> {
        let rows = store.handhelds()?.handhelds;
        if rows.iter().any(|row| row.id == self.id && row.revoked.is_some()) {
            return Ok(());
        }
        let (id, revoked) = (self.id.clone(), self.revoked.clone());
        let entry = std::slice::from_ref(&self.entry);
        store.change_handhelds(&[HandheldChange::Revoke { id, revoked }], entry)
    }
}

impl HandheldDesk {
    pub(super) fn revoke_at_once(
        &self,
        id: &str,
        reason: &str,
        by: &str,
    ) -> Result<(), HandheldError> {
        let reason = text_of("reason", reason, REASON_CHARS_MAX)?;
        let revocation = self.forget(id, reason, by)?;
        let (id, revoked) = (revocation.id.clone(), revocation.revoked.clone());
        let entry = revocation.entry.clone();
        let kept =
            self.change(|_book| Ok((vec![HandheldChange::Revoke { id, revoked }], entry, ())));
        kept.map_err(|why| {
            tracing::error!("the revoking of {} is kept later: {}", revocation.id, chain(&why));
            self.receipts.revocation(revocation);
            HandheldError::NotKeptYet
        })
    }

    /// Its line, its ticket and its answers are worth nothing from here on.
    fn forget(&self, id: &str, reason: String, by: &str) -> Result<Revocation, HandheldError> {
        let mut book = self.book();
        let row = book.device(id).ok_or(HandheldError::UnknownHandheld)?;
        if row.revoked.is_some() {
            return Err(HandheldError::AlreadyRevoked);
        }
        let detail = serde_json::json!({
            "device": row.name, "person": row.person, "reason": reason,
        });
        let entry = audit(by, "handheld_revoked", id, &detail);
        let revoked = Revoked { by: by.to_owned(), at: entry.at, reason };
        book.revoke(id, &revoked);
        self.directory.send_replace(Arc::new(directory(&book)));
        Ok(Revocation { id: id.to_owned(), revoked, entry })
    }
}
