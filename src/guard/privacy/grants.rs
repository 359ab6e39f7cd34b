//! Who may see clear pictures, why, and until when.
//!
//! A grant is in the audit log before it counts, ends by itself after [`GRANT_FOR`], and does not
//! outlive the process: what nobody knows for sure is not granted.
//!
//! Not here: which role it takes (the web side's route table).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock;
use crate::config::Privacy;
use crate::engine::time::Instant;
use crate::guard::clerk::{Clerk, ClerkError};
use crate::guard::handle::Reason;
use crate::store::StoreError;

/// How long clear pictures may be seen for one reason: time to look at an incident with somebody, and
/// less than a shift.
pub const GRANT_FOR: Duration = Duration::from_secs(15 * 60);

/// Different things that are noted of one grant; who looks at more ends it and asks again.
const LOOKS_MAX: usize = 4096;

/// People with a grant at once; more than engineers of any site.
const GRANTS_MAX: usize = 64;

/// Somebody who may see clear pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub by: String,
    pub reason: Reason,
    pub until: Timestamp,
    ends: Instant,
    /// What is in the audit log as seen: a video is asked for in many pieces.
    seen: BTreeSet<String>,
}

/// Why a grant was not given, or a look not noted.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    #[error("pictures are clear already: the configuration says privacy = \"off\"")]
    NothingHidden,
    #[error("{GRANTS_MAX} people see clear pictures already; wait until somebody has ended")]
    TooMany,
    #[error("{by} does not see clear pictures now; it may have ended meanwhile")]
    NoGrant { by: String },
    #[error(transparent)]
    Clerk(#[from] ClerkError),
    #[error("this cannot be kept in the audit log, so it is not granted")]
    Store(#[from] StoreError),
}

/// The grants of this life of the box.
#[derive(Debug)]
pub struct Grants {
    privacy: Privacy,
    clerk: Clerk,
    given: Mutex<BTreeMap<String, Grant>>,
}

impl Grants {
    pub fn new(privacy: Privacy, clerk: Clerk) -> Grants {
        Grants { privacy, clerk, given: Mutex::default() }
    }

    pub fn privacy(&self) -> Privacy {
        self.privacy
    }

    /// Clear pictures for a while, from now; a second one replaces the first. Blocking.
    ///
    /// # Errors
    /// Nothing is hidden, or the audit log does not take it; then nothing is granted.
    pub fn give(&self, by: &str, reason: Reason) -> Result<Grant, GrantError> {
        if self.privacy == Privacy::Off {
            return Err(GrantError::NothingHidden);
        }
        let now = clock::monotonic();
        let given = self.at(now);
        if given.len() >= GRANTS_MAX && !given.contains_key(by) {
            return Err(GrantError::TooMany);
        }
        // Others may ask meanwhile.
        drop(given);
        let until = clock::wall() + GRANT_FOR;
        let detail = serde_json::json!({
            "reason": reason.as_str(), "minutes": GRANT_FOR.as_secs() / 60
        });
        self.note(by, "clear_pictures_granted", by, &detail)?;
        let ends = now.after(GRANT_FOR);
        let grant = Grant { by: by.to_owned(), reason, until, ends, seen: BTreeSet::new() };
        self.at(now).insert(by.to_owned(), grant.clone());
        Ok(grant)
    }

    /// Ends one before its time. Blocking.
    ///
    /// # Errors
    /// There is none, or the audit log does not take it; it has ended all the same.
    pub fn end(&self, by: &str) -> Result<(), GrantError> {
        let ended = self.at(clock::monotonic()).remove(by);
        if ended.is_none() {
            return Err(GrantError::NoGrant { by: by.to_owned() });
        }
        self.note(by, "clear_pictures_ended", by, &serde_json::json!({}))
    }

    /// Whether somebody may see clear pictures now.
    pub fn holds(&self, by: &str) -> bool {
        self.at(clock::monotonic()).contains_key(by)
    }

    /// Who may, now.
    pub fn now(&self) -> Vec<Grant> {
        self.at(clock::monotonic()).values().cloned().collect()
    }

    /// Notes what was seen clear, before it is; once a grant. Blocking.
    ///
    /// # Errors
    /// There is no grant, or the audit log does not take it; then it must not be shown.
    pub fn look(&self, by: &str, subject: &str) -> Result<(), GrantError> {
        let no_grant = || GrantError::NoGrant { by: by.to_owned() };
        let given = self.at(clock::monotonic());
        let grant = given.get(by).ok_or_else(no_grant)?;
        if grant.seen.contains(subject) {
            return Ok(());
        }
        if grant.seen.len() >= LOOKS_MAX {
            return Err(no_grant());
        }
        let detail = serde_json::json!({ "reason": grant.reason.as_str() });
        // The store may take its time; others ask meanwhile.
        drop(given);
        self.note(by, "clear_picture_seen", subject, &detail)?;
        if let Some(grant) = self.at(clock::monotonic()).get_mut(by) {
            grant.seen.insert(subject.to_owned());
        }
        Ok(())
    }

    /// Those that have not ended.
    fn at(&self, now: Instant) -> MutexGuard<'_, BTreeMap<String, Grant>> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.retain(|_, grant| now < grant.ends);
        given
    }

    fn note(
        &self,
        by: &str,
        action: &'static str,
        subject: &str,
        detail: &serde_json::Value,
    ) -> Result<(), GrantError> {
        let (by, subject, detail) = (by.to_owned(), subject.to_owned(), detail.to_string());
        let at = clock::wall();
        let noted =
            self.clerk.ask(move |store| store.append_audit(&by, action, &subject, &detail, at))?;
        Ok(noted?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    fn reason() -> Reason {
        Reason::new("who opened the gate").expect("a reason")
    }

    #[test]
    fn a_grant_is_logged_counts_and_ends_by_itself() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        let audit = store.audit_reader().expect("a reader");
        let grants = Grants::new(Privacy::Persons, Clerk::over(store).expect("a thread"));
        assert!(!grants.holds("Eva"));
        assert!(matches!(grants.look("Eva", "incident 1"), Err(GrantError::NoGrant { .. })));
        let grant = grants.give("Eva", reason()).expect("granted");
        assert!(grants.holds("Eva") && !grants.holds("Karl"));
        grants.look("Eva", "incident 1").expect("noted");
        grants.look("Eva", "incident 1").expect("noted already");
        assert!(grants.at(grant.ends).is_empty(), "it ended");
        let entries = audit.entries(10, None).expect("read");
        let said: Vec<_> =
            entries.iter().map(|row| (&*row.entry.action, &*row.entry.subject)).collect();
        assert_eq!(said, [("clear_picture_seen", "incident 1"), ("clear_pictures_granted", "Eva")]);
        assert!(entries[1].entry.detail.contains("who opened the gate"));
    }

    #[test]
    fn what_cannot_be_logged_is_not_granted() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        let clerk = Clerk::over(store).expect("a thread");
        let (busy, _hanging) = std::sync::mpsc::sync_channel(1);
        let grants = Grants::new(Privacy::Heads, Clerk::new(busy));
        assert!(matches!(grants.give("Eva", reason()), Err(GrantError::Clerk(_))));
        assert!(!grants.holds("Eva"));
        let off = Grants::new(Privacy::Off, clerk);
        assert!(matches!(off.give("Eva", reason()), Err(GrantError::NothingHidden)));
    }
}
