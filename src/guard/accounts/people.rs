//! People and tokens: adding, changing, taking away.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::directory::{TOKENS_MAX, USERS_MAX};
use super::{AccountError, Accounts, Identity, Plan, When, lock, password, secret};
use crate::store::accounts::{AccountChange, Role, Standing, TokenRow, UserRow};
use crate::store::audit::AuditEntry;

/// Longest name of a person or token, characters.
const NAME_CHARS_MAX: usize = 80;

/// Names that the audit log uses for others than people.
const NOT_FOR_PEOPLE: [&str; 4] = ["console", "file", "nobody", "standclear"];

const RIGHT_NAME: &str = "1 to 80 characters on one line, not beginning with \"token \", and none \
    of: console, file, nobody, standclear";

/// What of a person is to be another.
#[derive(Clone, Debug, Default)]
pub struct UserPatch {
    pub role: Option<Role>,
    pub password: Option<String>,
    pub standing: Option<Standing>,
}

/// Names are told apart by this.
pub fn fold(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Whether a person may be called this.
pub fn is_name(name: &str) -> bool {
    let folded = fold(name);
    (1..=NAME_CHARS_MAX).contains(&name.trim().chars().count())
        && !name.chars().any(char::is_control)
        && !folded.starts_with("token ")
        && !NOT_FOR_PEOPLE.contains(&folded.as_str())
}

impl Accounts {
    /// Everybody, by name.
    pub fn users(&self) -> Vec<UserRow> {
        lock(&self.directory).users().cloned().collect()
    }

    /// Every token, by time of making.
    pub fn tokens(&self) -> Vec<TokenRow> {
        let mut tokens: Vec<TokenRow> = lock(&self.directory).tokens().cloned().collect();
        tokens.sort_by_key(|token| token.created_at);
        tokens
    }

    /// Adds a person.
    ///
    /// # Errors
    /// Name, role or password cannot be, the name is taken, or the store does not take it.
    pub fn add_user(
        &self,
        by: &Identity,
        name: &str,
        role: Role,
        password: &str,
        when: When,
    ) -> Result<UserRow, AccountError> {
        let name = check_name("name", name)?;
        check_role(role)?;
        check_password("password", password, &name)?;
        let user = new_user(&name, role, password::hash(password)?, when.wall);
        let detail = json!({ "role": role.name() });
        let entry = entry(by, when, "user_added", &name, &detail);
        self.change(|directory| {
            if directory.user(&user.folded).is_some() {
                return Err(AccountError::NameTaken);
            }
            if directory.users().count() >= USERS_MAX {
                return Err(AccountError::Full { what: "people", max: USERS_MAX });
            }
            Ok(Plan { changes: vec![AccountChange::AddUser(user.clone())], entries: vec![entry] })
        })?;
        Ok(user)
    }

    /// Changes a person. Another password or standing ends their sessions; another role counts for
    /// them at once.
    ///
    /// # Errors
    /// There is nobody of this name; what is wanted cannot be; no enabled admin would remain; or the
    /// store does not take it.
    pub fn change_user(
        &self,
        by: &Identity,
        name: &str,
        patch: UserPatch,
        when: When,
    ) -> Result<UserRow, AccountError> {
        let folded = fold(name);
        let written = match lock(&self.directory).user(&folded) {
            Some(user) => user.name.clone(),
            None => return Err(AccountError::UnknownUser),
        };
        if patch.role.is_none() && patch.password.is_none() && patch.standing.is_none() {
            let right = "an object with `role`, `password` or `disabled`".to_owned();
            return Err(AccountError::Field { field: "body", found: "{}".into(), right });
        }
        patch.role.map_or(Ok(()), check_role)?;
        let hash = match &patch.password {
            Some(password) => {
                check_password("password", password, &written)?;
                Some(password::hash(password)?)
            }
            None => None,
        };
        let detail = patch_detail(&patch);
        self.change(|directory| {
            let user = directory.user(&folded).ok_or(AccountError::UnknownUser)?;
            let admin = |role: Role, standing| role == Role::Admin && standing == Standing::Enabled;
            let role = patch.role.unwrap_or(user.role);
            let standing = patch.standing.unwrap_or(user.standing);
            let was_admin = admin(user.role, user.standing);
            if was_admin && !admin(role, standing) && directory.admins_besides(&folded) == 0 {
                return Err(AccountError::LastAdmin);
            }
            let mut changes = Vec::new();
            let user = || folded.clone();
            changes.extend(patch.role.map(|role| AccountChange::SetRole { user: user(), role }));
            let standing = patch.standing;
            changes.extend(
                standing.map(|standing| AccountChange::SetStanding { user: user(), standing }),
            );
            let leaves = hash.is_some() || patch.standing == Some(Standing::Disabled);
            changes
                .extend(hash.map(|password| AccountChange::SetPassword { user: user(), password }));
            if leaves {
                changes.push(AccountChange::EndSessionsOf { user: user(), except: None });
            }
            let entry = entry(by, when, "user_changed", &written, &detail);
            Ok(Plan { changes, entries: vec![entry] })
        })?;
        lock(&self.directory).user(&folded).cloned().ok_or(AccountError::UnknownUser)
    }

    /// Makes a token; its secret is returned here and nowhere kept.
    ///
    /// # Errors
    /// The name cannot be or is taken, there are too many, or the store does not take it.
    pub fn add_token(
        &self,
        by: &Identity,
        name: &str,
        role: Role,
        when: When,
    ) -> Result<(TokenRow, String), AccountError> {
        let name = check_name("name", name)?;
        let token_secret = secret::secret()?;
        let token = TokenRow {
            id: secret::id()?,
            name,
            role,
            token: secret::digest(&token_secret),
            created_at: when.wall,
            last_used_at: None,
        };
        let detail = json!({ "id": token.id, "role": role.name() });
        let entry = entry(by, when, "token_added", &token.name, &detail);
        self.change(|directory| {
            let mut others = directory.tokens();
            if others.any(|other| fold(&other.name) == fold(&token.name)) {
                return Err(AccountError::NameTaken);
            }
            if directory.tokens().count() >= TOKENS_MAX {
                return Err(AccountError::Full { what: "tokens", max: TOKENS_MAX });
            }
            Ok(Plan { changes: vec![AccountChange::AddToken(token.clone())], entries: vec![entry] })
        })?;
        Ok((token, token_secret))
    }

    /// Takes a token away; whoever shows it is a stranger from then on.
    ///
    /// # Errors
    /// There is no such token, or the store does not take it.
    pub fn remove_token(&self, by: &Identity, id: &str, when: When) -> Result<(), AccountError> {
        self.change(|directory| {
            let token = directory.token(id).ok_or(AccountError::UnknownToken)?;
            let entry = entry(by, when, "token_removed", &token.name, &json!({ "id": id }));
            let change = AccountChange::RemoveToken { id: id.to_owned() };
            Ok(Plan { changes: vec![change], entries: vec![entry] })
        })
    }
}

pub(super) fn new_user(name: &str, role: Role, password: String, at: Timestamp) -> UserRow {
    UserRow {
        folded: fold(name),
        name: name.to_owned(),
        role,
        password,
        standing: Standing::Enabled,
        created_at: at,
        last_seen_at: None,
    }
}

pub(super) fn check_name(field: &'static str, name: &str) -> Result<String, AccountError> {
    if is_name(name) {
        return Ok(name.trim().to_owned());
    }
    Err(AccountError::Field { field, found: name.to_owned(), right: RIGHT_NAME.to_owned() })
}

pub(super) fn check_password(
    field: &'static str,
    password: &str,
    name: &str,
) -> Result<(), AccountError> {
    if password::is_fit(password, name) {
        return Ok(());
    }
    // Not even a refused password belongs into an answer or a log.
    let found = format!("{} characters long", password.chars().count());
    Err(AccountError::Field { field, found, right: password::RIGHT_PASSWORD.to_owned() })
}

fn check_role(role: Role) -> Result<(), AccountError> {
    if Role::OF_PEOPLE.contains(&role) {
        return Ok(());
    }
    let names = Role::OF_PEOPLE.map(Role::name).join(", ");
    let right = format!("one of: {names}; integration is for tokens");
    Err(AccountError::Field { field: "role", found: role.name().to_owned(), right })
}

fn patch_detail(patch: &UserPatch) -> Value {
    let mut detail = Map::new();
    if let Some(role) = patch.role {
        detail.insert("role".into(), role.name().into());
    }
    if patch.password.is_some() {
        detail.insert("password".into(), "set".into());
    }
    if let Some(standing) = patch.standing {
        detail.insert("disabled".into(), (standing == Standing::Disabled).into());
    }
    Value::Object(detail)
}

fn entry(by: &Identity, when: When, action: &str, subject: &str, detail: &Value) -> AuditEntry {
    AuditEntry {
        at: when.wall,
        by: by.name.clone(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        detail: detail.to_string(),
    }
}
