//! Who may do what, in memory: the truth while the box runs, so that a person is let in or kept out
//! without asking the disk. The store has the same for the next life.
//!
//! Not here: how a change gets into the store, and passwords.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::store::accounts::{
    AccountChange, AccountRows, Role, SecretDigest, SessionRow, Standing, TokenRow, UserRow,
};

/// People, with those who are disabled: nobody is ever removed.
pub const USERS_MAX: usize = 200;

/// Tokens of other machines.
pub const TOKENS_MAX: usize = 100;

/// Browsers one person is signed in with; the one used longest ago goes first.
const SESSIONS_OF_USER_MAX: usize = 32;

/// Who may change nothing may stay on a wall screen for a season.
const VIEWER_LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Everybody else signs in once a week …
const LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// … or after a shift's time without any open page.
const IDLE: SignedDuration = SignedDuration::from_hours(12);

/// A later use is worth a write when it is this much later.
const KEPT_EVERY: SignedDuration = SignedDuration::from_mins(5);

#[derive(Debug, Default)]
pub(super) struct Directory {
    /// By folded name.
    users: BTreeMap<String, UserRow>,
    sessions: BTreeMap<SecretDigest, Session>,
    /// By id.
    tokens: BTreeMap<String, TokenRow>,
    /// Tokens and people that were seen since the store was told.
    tokens_seen: BTreeMap<String, Timestamp>,
    /// How often role, password or standing of a person became others in this life of the box.
    turns: BTreeMap<String, u64>,
    users_seen: BTreeMap<String, Timestamp>,
}

/// What the right of a session rests on. When any of it was another meanwhile, so is this: a role that
/// was taken away and given back, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footing {
    role: Role,
    password: SecretDigest,
    turn: u64,
}

#[derive(Debug)]
struct Session {
    row: SessionRow,
    /// `last_used_at` as the store has it.
    kept_at: Timestamp,
}

impl Directory {
    pub fn new(rows: AccountRows) -> Directory {
        let session = |row: SessionRow| (row.token, Session { kept_at: row.last_used_at, row });
        Directory {
            users: rows.users.into_iter().map(|row| (row.folded.clone(), row)).collect(),
            sessions: rows.sessions.into_iter().map(session).collect(),
            tokens: rows.tokens.into_iter().map(|row| (row.id.clone(), row)).collect(),
            tokens_seen: BTreeMap::new(),
            turns: BTreeMap::new(),
            users_seen: BTreeMap::new(),
        }
    }

    pub fn user(&self, folded: &str) -> Option<&UserRow> {
        self.users.get(folded)
    }

    pub fn users(&self) -> impl Iterator<Item = &UserRow> {
        self.users.values()
    }

    pub fn token(&self, id: &str) -> Option<&TokenRow> {
        self.tokens.get(id)
    }

    pub fn tokens(&self) -> impl Iterator<Item = &TokenRow> {
        self.tokens.values()
    }

    /// How many enabled admins there are besides this one.
    pub fn admins_besides(&self, folded: &str) -> usize {
        let others = self.users.values().filter(|user| user.folded != folded);
        others.filter(|user| user.role == Role::Admin && is_enabled(user)).count()
    }

    /// The person of a session that is not over, who may sign in still.
    pub fn person(&self, token: &SecretDigest, now: Timestamp) -> Option<&UserRow> {
        let session = self.sessions.get(token)?;
        let user = self.users.get(&session.row.user)?;
        (is_enabled(user) && !is_over(&session.row, user.role, now)).then_some(user)
    }

    /// What the right of a session rests on now; asking is no use of it.
    pub fn footing(&self, token: &SecretDigest, now: Timestamp) -> Option<Footing> {
        let user = self.person(token, now)?;
        Some(Footing {
            role: user.role,
            password: super::secret::digest(&user.password),
            turn: self.turns.get(&user.folded).copied().unwrap_or_default(),
        })
    }

    /// Takes the place of what was known before: what was changed then stays changed.
    pub fn succeed(&mut self, before: &Directory) {
        self.turns.clone_from(&before.turns);
    }

    /// Notes that a session is used.
    pub fn use_session(&mut self, token: &SecretDigest, now: Timestamp) {
        if let Some(session) = self.sessions.get_mut(token) {
            session.row.last_used_at = now.max(session.row.last_used_at);
            if let Some(user) = self.users.get_mut(&session.row.user)
                && user.last_seen_at.is_none_or(|seen| seen < now)
            {
                user.last_seen_at = Some(now);
                self.users_seen.insert(user.folded.clone(), now);
            }
        }
    }

    /// The token with this secret; notes that it is used.
    pub fn use_token(&mut self, secret: &SecretDigest, now: Timestamp) -> Option<&TokenRow> {
        // All of them are looked at: how long that takes says nothing about the secret.
        let mut found = None;
        for token in self.tokens.values_mut() {
            if super::secret::same(&token.token, secret) {
                token.last_used_at = Some(now);
                self.tokens_seen.insert(token.id.clone(), now);
                found = Some(&*token);
            }
        }
        found
    }

    /// What makes room for one more session of a person.
    pub fn crowded_out(&self, folded: &str) -> Vec<AccountChange> {
        let mut mine: Vec<&SessionRow> =
            self.sessions.values().map(|s| &s.row).filter(|row| row.user == folded).collect();
        mine.sort_by_key(|row| row.last_used_at);
        let surplus = (mine.len() + 1).saturating_sub(SESSIONS_OF_USER_MAX);
        mine.iter().take(surplus).map(|row| AccountChange::EndSession(row.token)).collect()
    }

    /// What has to be kept from time to time: sessions that are over, and later uses. Each is told
    /// once.
    pub fn drift(&mut self, now: Timestamp) -> Vec<AccountChange> {
        let mut changes = Vec::new();
        for (token, session) in &mut self.sessions {
            let user = self.users.get(&session.row.user);
            if user.is_none_or(|user| is_over(&session.row, user.role, now)) {
                changes.push(AccountChange::EndSession(*token));
            } else if session.row.last_used_at.duration_since(session.kept_at) >= KEPT_EVERY {
                session.kept_at = session.row.last_used_at;
                changes.push(AccountChange::UseSession { token: *token, at: session.kept_at });
            }
        }
        let seen = std::mem::take(&mut self.users_seen);
        changes.extend(seen.into_iter().map(|(user, at)| AccountChange::Seen { user, at }));
        let seen = std::mem::take(&mut self.tokens_seen);
        changes.extend(seen.into_iter().map(|(id, at)| AccountChange::TokenUsed { id, at }));
        changes
    }

    /// The same as the store does.
    pub fn apply(&mut self, change: &AccountChange) {
        let user =
            |users: &mut BTreeMap<String, UserRow>, name: &str, set: &dyn Fn(&mut UserRow)| {
                if let Some(user) = users.get_mut(name) {
                    set(user);
                }
            };
        if let AccountChange::SetRole { user, .. }
        | AccountChange::SetPassword { user, .. }
        | AccountChange::SetStanding { user, .. } = change
        {
            *self.turns.entry(user.clone()).or_default() += 1;
        }
        match change {
            AccountChange::AddUser(row) => {
                self.users.insert(row.folded.clone(), row.clone());
            }
            AccountChange::SetRole { user: name, role } => {
                user(&mut self.users, name, &|user| user.role = *role);
            }
            AccountChange::SetPassword { user: name, password } => {
                user(&mut self.users, name, &|user| user.password.clone_from(password));
            }
            AccountChange::SetStanding { user: name, standing } => {
                user(&mut self.users, name, &|user| user.standing = *standing);
            }
            AccountChange::Seen { user: name, at } => {
                user(&mut self.users, name, &|user| user.last_seen_at = Some(*at));
            }
            AccountChange::KeepSession(row) => {
                let session = Session { kept_at: row.last_used_at, row: row.clone() };
                self.sessions.insert(row.token, session);
            }
            AccountChange::UseSession { token, at } => self.use_session(token, *at),
            AccountChange::EndSession(token) => {
                self.sessions.remove(token);
            }
            AccountChange::EndSessionsOf { user, except } => {
                self.sessions
                    .retain(|token, session| session.row.user != *user || Some(*token) == *except);
            }
            AccountChange::AddToken(row) => {
                self.tokens.insert(row.id.clone(), row.clone());
            }
            AccountChange::TokenUsed { id, at } => {
                if let Some(token) = self.tokens.get_mut(id) {
                    token.last_used_at = Some(*at);
                }
            }
            AccountChange::RemoveToken { id } => {
                self.tokens.remove(id);
                self.tokens_seen.remove(id);
            }
        }
    }
}

pub(super) fn is_enabled(user: &UserRow) -> bool {
    match user.standing {
        Standing::Enabled => true,
        Standing::Disabled => false,
    }
}

/// The role is the person's of now: whoever becomes an engineer has an engineer's session.
fn is_over(session: &SessionRow, role: Role, now: Timestamp) -> bool {
    let age = now.duration_since(session.created_at);
    let idle = now.duration_since(session.last_used_at);
    match role {
        Role::Viewer => age >= VIEWER_LIFE,
        Role::Supervisor | Role::Engineer | Role::Admin | Role::Integration => {
            age >= LIFE || idle >= IDLE
        }
    }
}

/// How long a browser keeps the cookie: as long as the session can last.
pub(super) fn life(role: Role) -> SignedDuration {
    match role {
        Role::Viewer => VIEWER_LIFE,
        Role::Supervisor | Role::Engineer | Role::Admin | Role::Integration => LIFE,
    }
}
