//! Coming in and going out: the first admin, sign-in, sign-out, the own password.

use std::net::IpAddr;

use jiff::SignedDuration;
use serde_json::json;

use super::attempts::{Told, Trier};
use super::directory::{is_enabled, life};
use super::people::{check_name, check_password, fold, new_user};
use super::{
    AccountError, Accounts, Identity, Marks, Plan, Proof, When, from_detail, lock, password, secret,
};
use crate::digest::hex;
use crate::store::accounts::{AccountChange, Role, SessionRow};
use crate::store::audit::AuditEntry;

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
    /// What the browser is known by at the next sign-in.
    pub marks: Marks,
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
        // By address alone: the code cannot be guessed, and a stranger who tries must not keep out
        // whoever has it.
        let who = Trier::Code { from };
        self.begin(who, when)?;
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
        lock(&self.attempts).succeeded(who, when.monotonic);
        let name = check_name("name", name)?;
        check_password("password", password, &name)?;
        let user = new_user(&name, Role::Admin, password::hash(password)?, when.wall);
        let (folded, kept) = (user.folded.clone(), user.password.clone());
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
        self.begin_session(&folded, &kept, visitor, Marks::default())
    }

    /// Signs a person in, from a browser that nobody used before.
    ///
    /// # Errors
    /// Name and password do not belong together, or were tried too often.
    pub fn sign_in(
        &self,
        name: &str,
        password: &str,
        visitor: Visitor,
    ) -> Result<SignedIn, AccountError> {
        self.sign_in_again(name, password, visitor, Marks::default())
    }

    /// Signs a person in, from a browser that shows these marks.
    ///
    /// # Errors
    /// Name and password do not belong together, or were tried too often.
    pub fn sign_in_again(
        &self,
        name: &str,
        password: &str,
        visitor: Visitor,
        marks: Marks,
    ) -> Result<SignedIn, AccountError> {
        let folded = fold(name);
        let of_person = lock(&self.directory).user(&folded).map(|user| user.password.clone());
        let browser = of_person.as_deref().and_then(|kept| marks.of(kept)).map(str::to_owned);
        let kept = self.prove(&folded, password, visitor, browser.as_deref())?;
        let signed_in = self.begin_session(&folded, &kept, visitor, marks)?;
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
        self.prove(&user, old, visitor, Some(&hex(&token)))?;
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

    /// Whether this is the password of this enabled person, and what is kept of it; takes the same
    /// time when there is none. `browser` had it before.
    fn prove(
        &self,
        folded: &str,
        password: &str,
        visitor: Visitor,
        browser: Option<&str>,
    ) -> Result<String, AccountError> {
        let name = if folded.len() <= NAME_BYTES_MAX { folded } else { "" };
        let who = match browser {
            Some(browser) => Trier::Known { name, browser },
            None => Trier::Stranger { name, from: visitor.from },
        };
        self.begin(who, visitor.when)?;
        let kept = lock(&self.directory)
            .user(name)
            .filter(|user| is_enabled(user))
            .map(|user| user.password.clone());
        let fits = password.len() <= password::PASSWORD_BYTES_MAX;
        let tried = if fits { password } else { "" };
        let right = password::is_right(tried, kept.as_deref().unwrap_or(&self.nobody));
        if let (true, true, Some(kept)) = (right, fits, kept) {
            lock(&self.attempts).succeeded(who, visitor.when.monotonic);
            return Ok(kept);
        }
        self.tell_failure(name, visitor);
        Err(AccountError::WrongPassword)
    }

    fn begin(&self, who: Trier<'_>, when: When) -> Result<(), AccountError> {
        lock(&self.attempts)
            .begin(who, when.monotonic)
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

    /// In memory at once, in the store as soon as it takes it. `kept` is what is kept of the password
    /// that was right.
    fn begin_session(
        &self,
        folded: &str,
        kept: &str,
        visitor: Visitor,
        marks: Marks,
    ) -> Result<SignedIn, AccountError> {
        if !self.room_for_more() {
            return Err(AccountError::Clerk(crate::guard::clerk::ClerkError::Busy));
        }
        let marks = marks.with(kept)?;
        let session_secret = secret::secret()?;
        let token = secret::digest(&session_secret);
        let now = visitor.when.wall;
        let row = SessionRow { token, user: folded.to_owned(), created_at: now, last_used_at: now };
        {
            let mut directory = lock(&self.directory);
            // A password that was replaced while it was looked at opens nothing any more.
            if directory.user(folded).is_none_or(|user| user.password != kept) {
                return Err(AccountError::WrongPassword);
            }
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
        Ok(SignedIn { identity, session_secret, life, marks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::clerk::Clerk;
    use crate::store::Store;

    #[test]
    fn a_password_that_is_replaced_while_it_is_looked_at_opens_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        let (rows, audit) = (store.accounts().expect("read"), store.audit_reader().expect("read"));
        let clerk = Clerk::over(store).expect("a thread");
        let (accounts, code) = Accounts::new(rows, audit, clerk).expect("accounts");
        let visitor = Visitor { from: [192, 0, 2, 1].into(), when: When::now() };
        let code = code.expect("a set-up code");
        let ada = accounts.set_up(&code, "Ada", "the first password", visitor).expect("set up");
        let proven = accounts.prove("ada", "the first password", visitor, None).expect("right");
        // Between the look and the session.
        accounts
            .change_password(&ada.identity, "the first password", "another password", visitor)
            .expect("changed");
        let begun = accounts.begin_session("ada", &proven, visitor, Marks::default());
        assert!(matches!(begun, Err(AccountError::WrongPassword)), "{begun:?}");
        accounts.sign_in("Ada", "another password", visitor).expect("the new one");
    }
}
