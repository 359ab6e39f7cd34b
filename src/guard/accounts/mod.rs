//! Who may come in, and what they may do: people with passwords, and machines with tokens.
//!
//! Terms: a **session** is a browser in which a person signed in; a **token** is what a machine
//! shows; the **set-up code** makes the first admin, is printed where the box was started, and is
//! another at every start until there is one.
//!
//! Whether somebody may do something is answered from memory (`directory`): a disk that does not
//! work must keep nobody from answering an alarm. For the same reason a person may sign in while
//! the store is broken; the session and what the audit log says of it are kept as soon as it works.
//! Everything that changes what people may do is on disk first, together with its audit entry.
//!
//! Every method that takes `When` is told the time, and reads no clock. Those that hash a password
//! or wait for the store block: call them from blocking tasks.
//!
//! Not here: which route wants which role (`web::access`), and how accounts lie on disk.

mod attempts;
mod directory;
mod marks;
pub mod password;
mod people;
pub mod secret;
mod sign_in;
mod trail;

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use self::attempts::Attempts;
use self::directory::Directory;
use self::password::HashError;
use self::secret::NoRandom;
use self::trail::Trail;
use super::clerk::{Clerk, ClerkError};
use crate::clock;
use crate::engine::time::Instant;
use crate::store::accounts::{AccountChange, AccountRows, Role, SecretDigest, TokenRow, UserRow};
use crate::store::audit::{AuditEntry, AuditReader};
use crate::store::{Store, StoreError};

pub use self::directory::Footing;
pub use self::marks::Marks;
pub use self::people::{UserPatch, fold, is_name};
pub use self::sign_in::{SignedIn, Visitor};
pub use self::trail::AuditState;

/// Changes and entries that wait for a broken store; beyond it nobody may sign in.
const WAITING_MAX: usize = 256;

/// Everybody and everything that may come in. See the module.
#[derive(Debug)]
pub struct Accounts {
    clerk: Clerk,
    trail: Trail,
    directory: Mutex<Directory>,
    attempts: Mutex<Attempts>,
    setup_code: Mutex<Option<SecretDigest>>,
    /// What is not in the store yet, in order.
    waiting: Mutex<Waiting>,
    /// Held by whoever writes; says whether memory may differ from the store.
    writing: Mutex<Memory>,
    /// A hash of no password, for names nobody has.
    nobody: String,
}

/// The time, as told.
#[derive(Clone, Copy, Debug)]
pub struct When {
    pub wall: Timestamp,
    pub monotonic: Instant,
}

impl When {
    pub fn now() -> When {
        When { wall: clock::wall(), monotonic: clock::monotonic() }
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// A person's name, or `token NAME`.
    pub name: String,
    pub role: Role,
    /// What a page has to say besides its cookie; machines have no cookie and need none.
    pub csrf: Option<String>,
    pub proof: Proof,
}

/// By what somebody was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    Session(SecretDigest),
    /// The digest of a token's secret.
    Token(SecretDigest),
}

#[derive(Debug, Default)]
struct Waiting {
    changes: Vec<AccountChange>,
    entries: Vec<AuditEntry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Memory {
    LikeStore,
    /// Something was begun whose outcome is not known.
    Unclear,
}

/// Why something about accounts was refused.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("this name and this password do not belong together")]
    WrongPassword,
    #[error(
        "this is not the set-up code; it is printed where Standclear was started, and is another after every start"
    )]
    WrongCode,
    #[error("there is an admin already; sign in, or ask one to add you")]
    AlreadySetUp,
    #[error("too many attempts; try again in {} s", wait.as_secs() + 1)]
    TooMany { wait: Duration },
    #[error("{field} is {found:?}; it must be {right}")]
    Field { field: &'static str, found: String, right: String },
    #[error("there is somebody of this name already; names are told apart without regard to case")]
    NameTaken,
    #[error("there is nobody of this name; GET /api/users lists who there is")]
    UnknownUser,
    #[error("there is no token of this id; GET /api/tokens lists those there are")]
    UnknownToken,
    #[error("this is the last admin who may sign in; make another person an admin first")]
    LastAdmin,
    #[error("there are {max} {what} already, the most that are kept")]
    Full { what: &'static str, max: usize },
    #[error("the session has ended meanwhile; sign in again")]
    SessionOver,
    #[error("the store does not take it now")]
    Clerk(#[source] ClerkError),
    #[error("the store could not keep it")]
    Store(#[source] StoreError),
    #[error(transparent)]
    NoRandom(#[from] NoRandom),
    #[error(transparent)]
    Hash(#[from] HashError),
}

/// What is to change, and what the audit log says of it.
struct Plan {
    changes: Vec<AccountChange>,
    entries: Vec<AuditEntry>,
}

impl Accounts {
    /// Accounts over a store; the code that makes the first admin, while there is none.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn new(
        rows: AccountRows,
        audit: AuditReader,
        clerk: Clerk,
    ) -> Result<(Accounts, Option<String>), HashError> {
        let directory = Directory::new(rows);
        let code = match directory.admins_besides("") {
            0 => Some(secret::code()?),
            _ => None,
        };
        let accounts = Accounts {
            clerk,
            trail: Trail::new(audit),
            directory: Mutex::new(directory),
            attempts: Mutex::default(),
            setup_code: Mutex::new(code.as_deref().map(secret::code_digest)),
            waiting: Mutex::default(),
            writing: Mutex::new(Memory::LikeStore),
            nobody: password::hash(&secret::secret()?)?,
        };
        Ok((accounts, code))
    }

    /// Whether the first admin is still to be made.
    pub fn setup_needed(&self) -> bool {
        lock(&self.setup_code).is_some()
    }

    /// Who holds the secret of a session. Counts as a use of it.
    pub fn session(&self, session_secret: &str, now: Timestamp) -> Option<Identity> {
        let token = secret::digest(session_secret);
        let mut identity = self.of_session(token, now)?;
        identity.csrf = Some(secret::csrf(session_secret));
        Some(identity)
    }

    /// What holds the secret of a token. Counts as a use of it.
    pub fn token(&self, token_secret: &str, now: Timestamp) -> Option<Identity> {
        self.of_token(secret::digest(token_secret), now)
    }

    /// Whether who was let in by this is still let in, and as what. Counts as a use.
    pub fn again(&self, proof: &Proof, now: Timestamp) -> Option<Identity> {
        match proof {
            Proof::Session(token) => self.of_session(*token, now),
            Proof::Token(token) => self.of_token(*token, now),
        }
    }

    /// What the right of a session rests on now; `None` when it is over. Asking is no use of it.
    pub fn footing(&self, session: &SecretDigest, now: Timestamp) -> Option<Footing> {
        lock(&self.directory).footing(session, now)
    }

    /// To be called about once a minute: keeps what has not been kept yet, and forgets what is over.
    pub fn tend(&self, when: When) {
        let drift = lock(&self.directory).drift(when.wall);
        let unlisted = lock(&self.attempts).unlisted(when.monotonic);
        {
            let mut directory = lock(&self.directory);
            for change in
                drift.iter().filter(|change| matches!(change, AccountChange::EndSession(_)))
            {
                directory.apply(change);
            }
        }
        let entries = unlisted.map(|count| AuditEntry {
            at: when.wall,
            by: "nobody".into(),
            action: "sign_ins_failed".into(),
            subject: String::new(),
            detail: serde_json::json!({ "not_listed": count }).to_string(),
        });
        self.keep_soon(drift, entries.into_iter().collect());
    }

    fn of_session(&self, token: SecretDigest, now: Timestamp) -> Option<Identity> {
        let mut directory = lock(&self.directory);
        let UserRow { name, role, .. } = directory.person(&token, now)?;
        let identity =
            Identity { name: name.clone(), role: *role, csrf: None, proof: Proof::Session(token) };
        directory.use_session(&token, now);
        Some(identity)
    }

    fn of_token(&self, token: SecretDigest, now: Timestamp) -> Option<Identity> {
        let mut directory = lock(&self.directory);
        let TokenRow { name, role, .. } = directory.use_token(&token, now)?;
        Some(Identity {
            name: format!("token {name}"),
            role: *role,
            csrf: None,
            proof: Proof::Token(token),
        })
    }

    /// Carries out what `plan` makes of the accounts as they are: on disk first, then in memory.
    fn change(
        &self,
        plan: impl FnOnce(&Directory) -> Result<Plan, AccountError>,
    ) -> Result<(), AccountError> {
        let mut writing = lock(&self.writing);
        if *writing == Memory::Unclear {
            self.read_again(&mut writing)?;
        }
        let Plan { changes, entries } = plan(&lock(&self.directory))?;
        self.write(&mut writing, changes.clone(), entries)?;
        let mut directory = lock(&self.directory);
        changes.iter().for_each(|change| directory.apply(change));
        // A session may have begun meanwhile that is not in the store yet: it must not come back to
        // life there after it has ended here.
        let mut waiting = lock(&self.waiting);
        if !waiting.changes.is_empty() {
            let ends =
                |change: &&AccountChange| matches!(change, AccountChange::EndSessionsOf { .. });
            waiting.changes.extend(changes.iter().filter(ends).cloned());
        }
        Ok(())
    }

    /// Keeps what is true in memory already, now or as soon as the store takes it.
    fn keep_soon(&self, changes: Vec<AccountChange>, entries: Vec<AuditEntry>) {
        {
            let mut waiting = lock(&self.waiting);
            // A later use that is not kept costs nothing; the others are few (see `room_for_more`).
            if waiting.changes.len() < WAITING_MAX {
                waiting.changes.extend(changes);
            }
            if waiting.entries.len() < WAITING_MAX {
                waiting.entries.extend(entries);
            } else if !entries.is_empty() {
                tracing::error!("the audit log lacks {entries:?}: the store takes nothing");
            }
        }
        // Whoever writes just now takes it along, or the next one does.
        let Ok(mut writing) = self.writing.try_lock() else { return };
        // Again for what others have left here meanwhile.
        while self.something_waits() {
            if let Err(error) = self.write(&mut writing, Vec::new(), Vec::new()) {
                tracing::warn!("accounts are kept later: {}", crate::telemetry::chain(&error));
                return;
            }
        }
    }

    fn something_waits(&self) -> bool {
        let waiting = lock(&self.waiting);
        !waiting.changes.is_empty() || !waiting.entries.is_empty()
    }

    /// Whether a sign-in may wait for the store still.
    fn room_for_more(&self) -> bool {
        let waiting = lock(&self.waiting);
        waiting.changes.len() < WAITING_MAX && waiting.entries.len() < WAITING_MAX
    }

    fn write(
        &self,
        writing: &mut MutexGuard<'_, Memory>,
        changes: Vec<AccountChange>,
        entries: Vec<AuditEntry>,
    ) -> Result<(), AccountError> {
        let (first_changes, first_entries) = {
            let waiting = lock(&self.waiting);
            (waiting.changes.clone(), waiting.entries.clone())
        };
        let taken = (first_changes.len(), first_entries.len());
        let all: Vec<AccountChange> = first_changes.into_iter().chain(changes).collect();
        let told: Vec<AuditEntry> = first_entries.into_iter().chain(entries).collect();
        let outcome = self.clerk.ask(move |store: &mut Store| store.change_accounts(&all, &told));
        match outcome {
            Ok(Ok(())) => {
                let mut waiting = lock(&self.waiting);
                waiting.changes.drain(..taken.0);
                waiting.entries.drain(..taken.1);
                Ok(())
            }
            Ok(Err(error)) => Err(AccountError::Store(error)),
            Err(error) => {
                match error {
                    ClerkError::Busy => {}
                    ClerkError::Unclear | ClerkError::Stopping => **writing = Memory::Unclear,
                }
                Err(AccountError::Clerk(error))
            }
        }
    }

    /// Takes over what the store has; what waits for it stays true.
    fn read_again(&self, writing: &mut MutexGuard<'_, Memory>) -> Result<(), AccountError> {
        let rows = self.clerk.ask(|store| store.accounts()).map_err(AccountError::Clerk)?;
        let mut fresh = Directory::new(rows.map_err(AccountError::Store)?);
        lock(&self.waiting).changes.iter().for_each(|change| fresh.apply(change));
        let mut directory = lock(&self.directory);
        fresh.succeed(&directory);
        *directory = fresh;
        **writing = Memory::LikeStore;
        Ok(())
    }
}

/// A panic elsewhere leaves values that are whole: every change is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// For audit entries.
fn from_detail(from: IpAddr) -> String {
    serde_json::json!({ "from": from.to_canonical().to_string() }).to_string()
}
