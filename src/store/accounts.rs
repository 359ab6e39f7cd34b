//! Who may do what: people, their sessions, and the tokens of other machines, as kept.
//!
//! Secrets come here as digests and leave as digests. Changes come as a list of [`AccountChange`]s
//! together with what the audit log says of them: all of it is kept, or nothing.
//!
//! Not here: passwords and how they are checked, when a session ends, who may change what (the
//! guard). Only this is held here too, by a trigger: one enabled admin remains.

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};

use super::audit::{self, AuditEntry};
use super::query::timestamp;
use super::{Store, StoreError, in_transaction};

/// What somebody may do. Each includes those before it, but for the last, which stands beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sees everything.
    Viewer,
    /// Answers alarms.
    Supervisor,
    /// Changes zones.
    Engineer,
    /// Says who may do what.
    Admin,
    /// A machine: tells inputs, reads the state, nothing else.
    Integration,
}

impl Role {
    /// The roles of people, the least first.
    pub const OF_PEOPLE: [Role; 4] = [Role::Viewer, Role::Supervisor, Role::Engineer, Role::Admin];

    pub const fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Supervisor => "supervisor",
            Role::Engineer => "engineer",
            Role::Admin => "admin",
            Role::Integration => "integration",
        }
    }

    pub fn parse(name: &str) -> Option<Role> {
        Role::OF_PEOPLE.into_iter().chain([Role::Integration]).find(|role| role.name() == name)
    }

    /// Whether this role may do what `least` may.
    pub fn includes(self, least: Role) -> bool {
        match (self.rank(), least.rank()) {
            (Some(mine), Some(least)) => mine >= least,
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// `None` for the one that stands beside the others.
    const fn rank(self) -> Option<u8> {
        match self {
            Role::Viewer => Some(0),
            Role::Supervisor => Some(1),
            Role::Engineer => Some(2),
            Role::Admin => Some(3),
            Role::Integration => None,
        }
    }
}

/// SHA-256 of a secret.
pub type SecretDigest = [u8; 32];

/// A person. `folded` names them in every other row: the name in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    pub folded: String,
    pub name: String,
    /// One of [`Role::OF_PEOPLE`].
    pub role: Role,
    /// argon2id, as a PHC string.
    pub password: String,
    pub standing: Standing,
    pub created_at: Timestamp,
    pub last_seen_at: Option<Timestamp>,
}

/// Whether a person may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Enabled,
    Disabled,
}

/// A browser that somebody signed in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    pub token: SecretDigest,
    /// `UserRow::folded`.
    pub user: String,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
}

/// What another machine shows to be let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    pub id: String,
    pub name: String,
    pub role: Role,
    pub token: SecretDigest,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

/// Everything of the above.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountRows {
    pub users: Vec<UserRow>,
    pub sessions: Vec<SessionRow>,
    pub tokens: Vec<TokenRow>,
}

/// One change. Each may be made twice without harm, but for the first of all: a name or token that
/// is there already is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountChange {
    AddUser(UserRow),
    SetRole {
        user: String,
        role: Role,
    },
    SetPassword {
        user: String,
        password: String,
    },
    SetStanding {
        user: String,
        standing: Standing,
    },
    Seen {
        user: String,
        at: Timestamp,
    },
    KeepSession(SessionRow),
    /// A later use of a session; nothing where it has ended meanwhile.
    UseSession {
        token: SecretDigest,
        at: Timestamp,
    },
    EndSession(SecretDigest),
    /// Ends the sessions of a person, but for one.
    EndSessionsOf {
        user: String,
        except: Option<SecretDigest>,
    },
    AddToken(TokenRow),
    TokenUsed {
        id: String,
        at: Timestamp,
    },
    RemoveToken {
        id: String,
    },
}

impl Store {
    /// Everybody and everything that may sign in.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn accounts(&self) -> Result<AccountRows, StoreError> {
        read(&self.connection)
            .map_err(|source| StoreError::Accounts { path: self.path.clone(), source })
    }

    /// Keeps all changes and what the audit log says of them, or nothing.
    ///
    /// # Errors
    /// The disk is full or fails, a name is there already, or no enabled admin would remain.
    pub fn change_accounts(
        &mut self,
        changes: &[AccountChange],
        entries: &[AuditEntry],
    ) -> Result<(), StoreError> {
        in_transaction(&mut self.connection, |connection| {
            for one in changes {
                change(connection, one)?;
            }
            for entry in entries {
                audit::append(connection, entry)?;
            }
            Ok(())
        })
        .map_err(|source| {
            StoreError::or_full(&self.path, source, |path, source| StoreError::Accounts {
                path,
                source,
            })
        })
    }
}

fn change(connection: &Connection, change: &AccountChange) -> rusqlite::Result<()> {
    let run = |sql: &'static str, values: &[&dyn rusqlite::ToSql]| {
        connection.prepare_cached(sql)?.execute(values).map(|_rows| ())
    };
    match change {
        AccountChange::AddUser(user) => add_user(connection, user),
        AccountChange::SetRole { user, role } => {
            run("UPDATE user SET role = ?2 WHERE folded = ?1", params![user, role.name()])
        }
        AccountChange::SetPassword { user, password } => {
            run("UPDATE user SET password = ?2 WHERE folded = ?1", params![user, password])
        }
        AccountChange::SetStanding { user, standing } => run(
            "UPDATE user SET disabled = ?2 WHERE folded = ?1",
            params![user, *standing == Standing::Disabled],
        ),
        AccountChange::Seen { user, at } => run(
            "UPDATE user SET last_seen_us = ?2 WHERE folded = ?1",
            params![user, at.as_microsecond()],
        ),
        AccountChange::KeepSession(session) => run(
            "INSERT INTO session (token, user, created_us, last_used_us) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (token) DO NOTHING",
            params![
                session.token,
                session.user,
                session.created_at.as_microsecond(),
                session.last_used_at.as_microsecond()
            ],
        ),
        AccountChange::UseSession { token, at } => run(
            "UPDATE session SET last_used_us = ?2 WHERE token = ?1",
            params![token, at.as_microsecond()],
        ),
        AccountChange::EndSession(token) => {
            run("DELETE FROM session WHERE token = ?1", params![token])
        }
        AccountChange::EndSessionsOf { user, except } => {
            run("DELETE FROM session WHERE user = ?1 AND token IS NOT ?2", params![user, except])
        }
        AccountChange::AddToken(token) => run(
            "INSERT INTO api_token (id, name, role, token, created_us, last_used_us)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                token.id,
                token.name,
                token.role.name(),
                token.token,
                token.created_at.as_microsecond(),
                token.last_used_at.map(|at| at.as_microsecond())
            ],
        ),
        AccountChange::TokenUsed { id, at } => run(
            "UPDATE api_token SET last_used_us = ?2 WHERE id = ?1",
            params![id, at.as_microsecond()],
        ),
        AccountChange::RemoveToken { id } => {
            run("DELETE FROM api_token WHERE id = ?1", params![id])
        }
    }
}

fn add_user(connection: &Connection, user: &UserRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO user (folded, name, role, password, disabled, created_us, last_seen_us)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            user.folded,
            user.name,
            user.role.name(),
            user.password,
            user.standing == Standing::Disabled,
            user.created_at.as_microsecond(),
            user.last_seen_at.map(|at| at.as_microsecond())
        ])
        .map(|_rows| ())
}

fn read(connection: &Connection) -> rusqlite::Result<AccountRows> {
    let users = connection
        .prepare(
            "SELECT folded, name, role, password, disabled, created_us, last_seen_us
             FROM user ORDER BY folded",
        )?
        .query_map([], |row| {
            Ok(UserRow {
                folded: row.get(0)?,
                name: row.get(1)?,
                role: role(row, 2)?,
                password: row.get(3)?,
                standing: match row.get(4)? {
                    true => Standing::Disabled,
                    false => Standing::Enabled,
                },
                created_at: timestamp(5, row.get(5)?)?,
                last_seen_at: optional_time(row, 6)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let sessions = connection
        .prepare("SELECT token, user, created_us, last_used_us FROM session")?
        .query_map([], |row| {
            Ok(SessionRow {
                token: row.get(0)?,
                user: row.get(1)?,
                created_at: timestamp(2, row.get(2)?)?,
                last_used_at: timestamp(3, row.get(3)?)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let tokens = connection
        .prepare("SELECT id, name, role, token, created_us, last_used_us FROM api_token")?
        .query_map([], |row| {
            Ok(TokenRow {
                id: row.get(0)?,
                name: row.get(1)?,
                role: role(row, 2)?,
                token: row.get(3)?,
                created_at: timestamp(4, row.get(4)?)?,
                last_used_at: optional_time(row, 5)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(AccountRows { users, sessions, tokens })
}

fn role(row: &Row<'_>, column: usize) -> rusqlite::Result<Role> {
    let name = row.get_ref(column)?.as_str()?;
    // A CHECK forbids it, so the file was changed by other hands.
    Role::parse(name).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(
            column,
            Type::Text,
            format!("`{name}` is no role").into(),
        )
    })
}

fn optional_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    row.get::<_, Option<i64>>(column)?.map(|us| timestamp(column, us)).transpose()
}
