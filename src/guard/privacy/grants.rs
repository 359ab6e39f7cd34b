//! Who may see clear pictures, why, and until when.
//!
//! A grant is in the audit log before it counts, ends by itself after [`GRANT_FOR`], and does not
//! outlive the process: what nobody knows for sure is not granted. It is a session's, not a person's:
//! the wall screen in the hall on which the same person signed in stays pixelated. Whatever its session
//! rests on (`accounts::Footing`) ends it too, however that came about.
//!
//! Not here: which role it takes (the web side's route table).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock;
use crate::config::Privacy;
use crate::engine::time::Instant;
use crate::guard::accounts::{Accounts, Footing, Identity, Proof};
use crate::guard::clerk::{Clerk, ClerkError};
use crate::guard::handle::Reason;
use crate::store::StoreError;
use crate::store::accounts::SecretDigest;

/// How long clear pictures may be seen for one reason: time to look at an incident with somebody, and
/// less than a shift.
pub const GRANT_FOR: Duration = Duration::from_secs(15 * 60);

/// Different things that are noted of one grant; who looks at more ends it and asks again.
const LOOKS_MAX: usize = 4096;

/// Sessions with a grant at once; more than engineers of any site have open.
const GRANTS_MAX: usize = 64;

/// Somebody who may see clear pictures, in one browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub by: String,
    pub reason: Reason,
    pub until: Timestamp,
    session: SecretDigest,
    footing: Footing,
    ends: Instant,
    /// What is in the audit log as seen: a video is asked for in many pieces.
    seen: BTreeSet<String>,
}

/// Why a grant was not given, or a look not noted.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    #[error("pictures are clear already: the configuration says privacy = \"off\"")]
    NothingHidden,
    #[error("clear pictures are for a person who signed in and says why, not for a token")]
    PersonNeeded,
    #[error("{GRANTS_MAX} browsers show clear pictures already; wait until somebody has ended")]
    TooMany,
    #[error("{by} does not see clear pictures in this browser now; it may have ended meanwhile")]
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
    accounts: Arc<Accounts>,
    given: Mutex<BTreeMap<SecretDigest, Grant>>,
}

impl Grants {
    pub fn new(privacy: Privacy, clerk: Clerk, accounts: Arc<Accounts>) -> Grants {
        Grants { privacy, clerk, accounts, given: Mutex::default() }
    }

    pub fn privacy(&self) -> Privacy {
        self.privacy
    }

    /// Clear pictures for a while, from now; a second one of the same session replaces the first.
    /// Blocking.
    ///
    /// # Errors
    /// Nothing is hidden, who asks has no session, or the audit log does not take it; then nothing is
    /// granted.
    pub fn give(&self, who: &Identity, reason: Reason) -> Result<Grant, GrantError> {
        if self.privacy == Privacy::Off {
            return Err(GrantError::NothingHidden);
        }
        let session = session_of(who).ok_or(GrantError::PersonNeeded)?;
        // As it is before the log is asked: whatever changes meanwhile ends it.
        let footing = self.accounts.footing(&session, clock::wall());
        let footing = footing.ok_or_else(|| no_grant(who))?;
        let now = clock::monotonic();
        let given = self.at(now);
        if given.len() >= GRANTS_MAX && !given.contains_key(&session) {
            return Err(GrantError::TooMany);
        }
        // Others may ask meanwhile.
        drop(given);
        let until = clock::wall() + GRANT_FOR;
        let detail = serde_json::json!({
            "reason": reason.as_str(), "minutes": GRANT_FOR.as_secs() / 60
        });
        self.note(&who.name, "clear_pictures_granted", &who.name, &detail)?;
        let ends = now.after(GRANT_FOR);
        let (by, seen) = (who.name.clone(), BTreeSet::new());
        let grant = Grant { by, reason, until, session, footing, ends, seen };
        self.at(now).insert(session, grant.clone());
        Ok(grant)
    }

    /// Ends one before its time. Blocking.
    ///
    /// # Errors
    /// There is none, or the audit log does not take it; it has ended all the same.
    pub fn end(&self, who: &Identity) -> Result<(), GrantError> {
        let session = session_of(who).ok_or_else(|| no_grant(who))?;
        if self.at(clock::monotonic()).remove(&session).is_none() {
            return Err(no_grant(who));
        }
        self.note(&who.name, "clear_pictures_ended", &who.name, &serde_json::json!({}))
    }

    /// Whether clear pictures may be shown to this session now.
    pub fn holds(&self, who: &Identity) -> bool {
        session_of(who).is_some_and(|session| self.at(clock::monotonic()).contains_key(&session))
    }

    /// Who may see them, now.
    pub fn now(&self) -> Vec<Grant> {
        self.at(clock::monotonic()).values().cloned().collect()
    }

    /// Notes what is seen clear, before it is; once a grant. Blocking.
    ///
    /// # Errors
    /// There is no grant (any more), or the audit log does not take it; then it must not be shown.
    pub fn look(&self, who: &Identity, subject: &str) -> Result<(), GrantError> {
        let session = session_of(who).ok_or_else(|| no_grant(who))?;
        let given = self.at(clock::monotonic());
        let grant = given.get(&session).ok_or_else(|| no_grant(who))?;
        if grant.seen.contains(subject) {
            return Ok(());
        }
        if grant.seen.len() >= LOOKS_MAX {
            return Err(no_grant(who));
        }
        let detail = serde_json::json!({ "reason": grant.reason.as_str() });
        // The store may take its time; others ask meanwhile, and the grant may end.
        drop(given);
        self.note(&who.name, "clear_picture_seen", subject, &detail)?;
        let mut given = self.at(clock::monotonic());
        let grant = given.get_mut(&session).ok_or_else(|| no_grant(who))?;
        grant.seen.insert(subject.to_owned());
        Ok(())
    }

    /// Those that have not ended, by the clock or with what their session rests on.
    fn at(&self, now: Instant) -> MutexGuard<'_, BTreeMap<SecretDigest, Grant>> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let wall = clock::wall();
        given.retain(|session, grant| {
            now < grant.ends
                && self.accounts.footing(session, wall).as_ref() == Some(&grant.footing)
        });
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

impl Grant {
    /// Whether it is this very browser's.
    pub fn is_of(&self, who: &Identity) -> bool {
        session_of(who) == Some(self.session)
    }
}

fn session_of(who: &Identity) -> Option<SecretDigest> {
    match who.proof {
        Proof::Session(session) => Some(session),
        Proof::Token(_) => None,
    }
}

fn no_grant(who: &Identity) -> GrantError {
    GrantError::NoGrant { by: who.name.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::accounts::{UserPatch, Visitor, When};
    use crate::store::Store;
    use crate::store::accounts::{Role, Standing};

    const PASSWORD: &str = "correct horse battery";

    fn reason() -> Reason {
        Reason::new("who opened the gate").expect("a reason")
    }

    /// A box with an admin, Ada, and an engineer, Eva.
    struct World {
        _folder: tempfile::TempDir,
        accounts: Arc<Accounts>,
        clerk: Clerk,
        grants: Grants,
        ada: Identity,
    }

    fn visitor() -> Visitor {
        Visitor { from: [192, 0, 2, 1].into(), when: When::now() }
    }

    fn world() -> World {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        let (rows, audit) = (store.accounts().expect("read"), store.audit_reader().expect("read"));
        let clerk = Clerk::over(store).expect("a thread");
        let (accounts, code) = Accounts::new(rows, audit, clerk.clone()).expect("accounts");
        let code = code.expect("a set-up code");
        let ada = accounts.set_up(&code, "Ada", PASSWORD, visitor()).expect("set up").identity;
        accounts.add_user(&ada, "Eva", Role::Engineer, PASSWORD, When::now()).expect("added");
        let accounts = Arc::new(accounts);
        let grants = Grants::new(Privacy::Persons, clerk.clone(), accounts.clone());
        World { _folder: folder, accounts, clerk, grants, ada }
    }

    impl World {
        fn eva(&self) -> Identity {
            self.accounts.sign_in("Eva", PASSWORD, visitor()).expect("signed in").identity
        }

        fn change_eva(&self, patch: UserPatch) {
            self.accounts.change_user(&self.ada, "Eva", patch, When::now()).expect("changed");
        }
    }

    #[test]
    fn a_grant_is_logged_counts_and_ends_by_itself() {
        let world = world();
        let (grants, eva) = (&world.grants, world.eva());
        assert!(!grants.holds(&eva));
        assert!(matches!(grants.look(&eva, "incident 1"), Err(GrantError::NoGrant { .. })));
        let grant = grants.give(&eva, reason()).expect("granted");
        assert!(grants.holds(&eva) && !grants.holds(&world.ada));
        grants.look(&eva, "incident 1").expect("noted");
        grants.look(&eva, "incident 1").expect("noted already");
        assert!(grants.at(grant.ends).is_empty(), "it ended");
        let entries = world.accounts.audit(10, None).expect("read");
        let said: Vec<_> = entries
            .iter()
            .map(|row| (&*row.entry.action, &*row.entry.subject))
            .filter(|(action, _)| action.starts_with("clear_"))
            .collect();
        assert_eq!(said, [("clear_picture_seen", "incident 1"), ("clear_pictures_granted", "Eva")]);
        assert!(entries[1].entry.detail.contains("who opened the gate"));
    }

    #[test]
    fn a_grant_is_of_one_browser_and_ends_with_all_that_it_rests_on() {
        let world = world();
        let (grants, accounts) = (&world.grants, &world.accounts);
        let (desk, wall) = (world.eva(), world.eva());
        let grant = grants.give(&desk, reason()).expect("granted");
        assert!(grants.holds(&desk) && grant.is_of(&desk));
        assert!(!grants.holds(&wall) && !grant.is_of(&wall), "the screen in the hall");
        accounts.sign_out(&desk, When::now());
        assert!(!grants.holds(&desk) && grants.now().is_empty(), "signed out");
        assert!(!grants.holds(&world.eva()), "signed in again");

        // A role that is taken away and given back between two looks.
        grants.give(&wall, reason()).expect("granted");
        for role in [Role::Supervisor, Role::Engineer] {
            world.change_eva(UserPatch { role: Some(role), ..UserPatch::default() });
        }
        assert!(!grants.holds(&wall) && grants.now().is_empty(), "another role meanwhile");
        assert!(accounts.footing(&session_of(&wall).expect("one"), clock::wall()).is_some());

        // The own password: this session goes on, its grant does not.
        grants.give(&wall, reason()).expect("granted");
        accounts.change_password(&wall, PASSWORD, "another horse", visitor()).expect("changed");
        assert!(!grants.holds(&wall), "another password");
        grants.give(&wall, reason()).expect("granted: the session goes on");
        world.change_eva(UserPatch { standing: Some(Standing::Disabled), ..UserPatch::default() });
        assert!(!grants.holds(&wall) && grants.now().is_empty(), "nobody's any more");
    }

    #[test]
    fn a_session_that_is_over_by_age_takes_its_grant_along() {
        let world = world();
        let eva = world.eva();
        let session = session_of(&eva).expect("one");
        let later = clock::wall() + Duration::from_secs(13 * 3600);
        assert!(world.accounts.footing(&session, clock::wall()).is_some());
        assert_eq!(world.accounts.footing(&session, later), None);
    }

    #[test]
    fn what_cannot_be_logged_is_not_granted() {
        let world = world();
        let eva = world.eva();
        let (busy, _hanging) = std::sync::mpsc::sync_channel(1);
        let grants = Grants::new(Privacy::Heads, Clerk::new(busy), world.accounts.clone());
        assert!(matches!(grants.give(&eva, reason()), Err(GrantError::Clerk(_))));
        assert!(!grants.holds(&eva));
        let off = Grants::new(Privacy::Off, world.clerk.clone(), world.accounts.clone());
        assert!(matches!(off.give(&eva, reason()), Err(GrantError::NothingHidden)));
    }
}
