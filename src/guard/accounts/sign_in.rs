//! Coming in and going out: the first admin, sign-in, sign-out, the own password.

use std::net::IpAddr;

use jiff::SignedDuration;
use serde_json::json;

use super::attempts::Told;
use super::directory::{is_enabled, life};
use super::people::{check_name, check_password, fold, new_user};
use super::{
    AccountError, Accounts, Identity, Plan, Proof, When, from_detail, lock, password, secret,
};
use crate::store::accounts::{AccountChange, Role, SessionRow};
use crate::store::audit::AuditEntry;

/// Under this name tries at the set-up code are counted; no person can have it.
const CODE_TRIES: &str = "\0set-up code";

/// Longest name that is looked up; a longer one belongs to nobody, and is not remembered.
const NAME_BYTES_MAX: usize = 320;

/// Who knocks.
#[derive(Clone, Copy, Debug)]
pub struct Visitor {
    pub from: IpAddr,
    pub when: When,
}

/// A session that has begun.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub identity: Identity,
    /// For the cookie, and nowhere else.
    pub session_secret: String,
    /// The longest it can last.
    pub life: SignedDuration,
}

impl Accounts {
    /// Makes the first admin, and signs them in.
    ///
    /// # Errors
    /// There is an admin; the code is wrong, or was tried too often; name or password cannot be; the
    /// store does not take it.
    pub fn set_up(
        &self,
        code: &str,
        name: &str,
        password: &str,
        visitor: Visitor,
    ) -> Result<SignedIn, AccountError> {
        let Visitor { from, when } = visitor;
        if !self.setup_needed() {
            return Err(AccountError::AlreadySetUp);
        }
        self.begin(CODE_TRIES, visitor)?;
        let guess = secret::code_digest(code);
        // Not held while a failure is told: strangers ask all the time whether there is a code.
        let code = *lock(&self.setup_code);
        match code {
            None => return Err(AccountError::AlreadySetUp),
            Some(code) if secret::same(&code, &guess) => {}
            Some(_) => {
                self.tell_failure("set-up code", visitor);
                return Err(AccountError::WrongCode);
            }
        }
        lock(&self.attempts).succeeded(CODE_TRIES, from, when.monotonic);
        let name = check_name("name", name)?;
        check_password("password", password, &name)?;
        let user = new_user(&name, Role::Admin, password::hash(password)?, when.wall);
        let folded = user.folded.clone();
        let entry = AuditEntry {
            at: when.wall,
            by: name.clone(),
            action: "set_up".into(),
            subject: name,
            detail: from_detail(from),
        };
        self.change(|directory| {
            if directory.admins_besides("") > 0 {
                return Err(AccountError::AlreadySetUp);
            }
            if directory.user(&folded).is_some() {
                return Err(AccountError::NameTaken);
            }
            Ok(Plan { changes: vec![AccountChange::AddUser(user)], entries: vec![entry] })
        })?;
        *lock(&self.setup_code) = None;
        self.begin_session(&folded, visitor)
    }

    /// Signs a person in.
    ///
    /// # Errors
    /// Name and password do not belong together, or were tried too often.
    pub fn sign_in(
        &self,
        name: &str,
        password: &str,
        visitor: Visitor,
    ) -> Result<SignedIn, AccountError> {
        let folded = fold(name);
        self.prove(&folded, password, visitor)?;
        let signed_in = self.begin_session(&folded, visitor)?;
        let name = signed_in.identity.name.clone();
        self.keep_soon(
            Vec::new(),
            vec![AuditEntry {
                at: visitor.when.wall,
                by: name.clone(),
                action: "signed_in".into(),
                subject: name,
                detail: from_detail(visitor.from),
            }],
        );
        Ok(signed_in)
    }

    /// Ends the session somebody asks with. A token is not a session; nothing ends then.
    pub fn sign_out(&self, who: &Identity, when: When) {
        let Proof::Session(token) = who.proof else { return };
        let change = AccountChange::EndSession(token);
        lock(&self.directory).apply(&change);
        let entry = AuditEntry {
            at: when.wall,
            by: who.name.clone(),
            action: "signed_out".into(),
            subject: who.name.clone(),
            detail: String::new(),
        };
        self.keep_soon(vec![change], vec![entry]);
    }

    /// Gives the person who asks another password, and ends their other sessions.
    ///
    /// # Errors
    /// The old password is wrong, the new one cannot be, or the store does not take it.
    pub fn change_password(
        &self,
        who: &Identity,
        old: &str,
        new: &str,
        visitor: Visitor,
    ) -> Result<(), AccountError> {
        let Proof::Session(token) = who.proof else {
            return Err(AccountError::SessionOver);
        };
        let user = fold(&who.name);
        self.prove(&user, old, visitor)?;
        check_password("new", new, &who.name)?;
        let password = password::hash(new)?;
        let entry = AuditEntry {
            at: visitor.when.wall,
            by: who.name.clone(),
            action: "password_changed".into(),
            subject: who.name.clone(),
            detail: from_detail(visitor.from),
        };
        self.change(|_directory| {
            let changes = vec![
                AccountChange::SetPassword { user: user.clone(), password },
                AccountChange::EndSessionsOf { user, except: Some(token) },
            ];
            Ok(Plan { changes, entries: vec![entry] })
        })
    }

    /// Whether this is the password of this enabled person; takes the same time when there is none.
    fn prove(&self, folded: &str, password: &str, visitor: Visitor) -> Result<(), AccountError> {
        let known = if folded.len() <= NAME_BYTES_MAX { folded } else { "" };
        self.begin(known, visitor)?;
        let kept = lock(&self.directory)
            .user(known)
            .filter(|user| is_enabled(user))
            .map(|user| user.password.clone());
        let fits = password.len() <= password::PASSWORD_BYTES_MAX;
        let tried = if fits { password } else { "" };
        let right = password::is_right(tried, kept.as_deref().unwrap_or(&self.nobody));
        if right && fits && kept.is_some() {
            lock(&self.attempts).succeeded(known, visitor.from, visitor.when.monotonic);
            return Ok(());
        }
        self.tell_failure(known, visitor);
        Err(AccountError::WrongPassword)
    }

    fn begin(&self, name: &str, visitor: Visitor) -> Result<(), AccountError> {
        lock(&self.attempts)
            .begin(name, visitor.from, visitor.when.monotonic)
            .map_err(|wait| AccountError::TooMany { wait })
    }

    fn tell_failure(&self, tried: &str, visitor: Visitor) {
        match lock(&self.attempts).tell(visitor.when.monotonic) {
            Told::Counted => return,
            Told::Listed => {}
        }
        let entry = AuditEntry {
            at: visitor.when.wall,
            by: "nobody".into(),
            action: "sign_in_failed".into(),
            subject: tried.to_owned(),
            detail: json!({ "from": visitor.from.to_canonical().to_string() }).to_string(),
        };
        self.keep_soon(Vec::new(), vec![entry]);
    }

    /// In memory at once, in the store as soon as it takes it.
    fn begin_session(&self, folded: &str, visitor: Visitor) -> Result<SignedIn, AccountError> {
        if !self.room_for_more() {
            return Err(AccountError::Clerk(crate::guard::clerk::ClerkError::Busy));
        }
        let session_secret = secret::secret()?;
        let token = secret::digest(&session_secret);
        let now = visitor.when.wall;
        let row = SessionRow { token, user: folded.to_owned(), created_at: now, last_used_at: now };
        {
            let mut directory = lock(&self.directory);
            let mut changes = directory.crowded_out(folded);
            changes.push(AccountChange::KeepSession(row));
            changes.iter().for_each(|change| directory.apply(change));
            // With the directory held: whatever ends sessions next finds it in both.
            lock(&self.waiting).changes.extend(changes);
        }
        // They may have been disabled since the password was looked at.
        let Some(mut identity) = self.of_session(token, now) else {
            let end = AccountChange::EndSession(token);
            lock(&self.directory).apply(&end);
            lock(&self.waiting).changes.push(end);
            return Err(AccountError::WrongPassword);
        };
        identity.csrf = Some(secret::csrf(&session_secret));
        self.keep_soon(vec![AccountChange::Seen { user: folded.to_owned(), at: now }], Vec::new());
        let life = life(identity.role);
        Ok(SignedIn { identity, session_secret, life })
    }
}
