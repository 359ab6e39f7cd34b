//! A keyring as it is written, checked, followed and asked.

use base64::prelude::{BASE64_STANDARD, Engine};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    KEY_NAME_CHARS_MAX, KEYRING_BYTES_MAX, KEYS_MAX, Key, KeyId, PublicKey, Role, Standing,
};
use crate::model_package::WallTime;
use crate::model_package::refusal::{Refusal, shown};
use crate::model_package::secret::SigningKey;
use crate::model_package::signature::{RawSignature, Signature, Signed, from_raw};

/// Keys that are well-formed, and signed by a root key among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyring {
    version: u64,
    keys: Vec<Key>,
    signatures: Vec<Signature>,
}

/// A keyring that is being made: not yet one that counts.
#[derive(Clone, Debug)]
pub struct Draft {
    version: u64,
    keys: Vec<Key>,
    signatures: Vec<Signature>,
}

/// Whose signature made a package count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    pub key: KeyId,
    pub name: String,
}

/// Why a keyring is not taken; the one in force stays.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    #[error("it has more than {KEYRING_BYTES_MAX} bytes, which no keyring has")]
    TooLong,
    #[error("it is not a keyring this program understands")]
    Parse(#[source] serde_json::Error),
    #[error("`{field}`: {problem}")]
    Value { field: String, problem: String },
    #[error("it holds no root key that is not revoked: no keyring could ever follow it")]
    NoRoot,
    #[error(
        "the signature of the key {key} does not fit: keys or signature were changed; fetch the \
         keyring again from its maker"
    )]
    BadSignature { key: KeyId },
    #[error("none of its own root keys signed it; its maker has to sign it with one of: {roots}")]
    NotSelfSigned { roots: String },
    #[error(
        "none of the root keys in force signed it; somebody else made it, or it has to be signed \
         with one of: {roots}"
    )]
    NotSignedByRoot { roots: String },
    #[error(
        "it is version {given}, and version {held} is in force; only version {next} can follow",
        next = .held.saturating_add(1)
    )]
    NotTheNext { held: u64, given: u64 },
    #[error(
        "it is version {version} like the one in force, but another one; there is only one keyring \
         of a version: ask its maker which"
    )]
    Twin { version: u64 },
    #[error(
        "{named} is no root key of it that signed it; its root keys are: {roots}. Compare with what \
         its maker told you on another way than this file came"
    )]
    NotTheNamedRoot { named: String, roots: String },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKeyring {
    version: u64,
    keys: Vec<RawKey>,
    signatures: Vec<RawSignature>,
}

/// What is signed.
#[derive(Serialize)]
struct RawContent {
    version: u64,
    keys: Vec<RawKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKey {
    id: String,
    public: String,
    role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_after: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked: Option<bool>,
    name: String,
}

impl Keyring {
    /// Reads a keyring; whether it may be in force here is another question.
    ///
    /// # Errors
    /// It is damaged, could never be followed, or no root key of its own signed it.
    pub fn parse(text: &[u8]) -> Result<Keyring, KeyringError> {
        if text.len() as u64 > KEYRING_BYTES_MAX {
            return Err(KeyringError::TooLong);
        }
        let raw: RawKeyring = serde_json::from_slice(text).map_err(KeyringError::Parse)?;
        let draft = Draft {
            version: raw.version,
            keys: checked_keys(&raw.keys)?,
            signatures: from_raw(&raw.signatures).map_err(|problem| KeyringError::Value {
                field: "signatures".to_owned(),
                problem,
            })?,
        };
        draft.finish()
    }

    /// May this be the first keyring of a box? Only a person can say so, who names a root key that
    /// they learned on another way.
    ///
    /// # Errors
    /// The key is not one of its root keys, or did not sign it.
    pub fn be_first(self, root: &str) -> Result<Keyring, KeyringError> {
        let named = KeyId::parse(root);
        let signed = |key: &Key| {
            Some(key.id()) == named && self.signatures.iter().any(|one| one.key == key.id())
        };
        match self.keys.iter().filter(|key| key.signs_keyrings()).any(signed) {
            true => Ok(self),
            false => Err(KeyringError::NotTheNamedRoot {
                named: shown(root.as_bytes()),
                roots: self.roots(),
            }),
        }
    }

    /// The keyring to be in force once `next` was offered: `next`, or the same again.
    ///
    /// # Errors
    /// `next` is not the one that follows, or no root key in force signed it.
    pub fn follow(&self, next: Keyring) -> Result<Keyring, KeyringError> {
        let (held, given) = (self.version, next.version);
        if given == held {
            return match next.content() == self.content() {
                true => Ok(next),
                false => Err(KeyringError::Twin { version: held }),
            };
        }
        if Some(given) != held.checked_add(1) {
            return Err(KeyringError::NotTheNext { held, given });
        }
        let content = next.content();
        let vouches = |key: &Key| {
            let mut by_it = next.signatures.iter().filter(|one| one.key == key.id());
            by_it.any(|one| one.holds(Signed::Keyring, &content, &key.public))
        };
        match self.keys.iter().filter(|key| key.signs_keyrings()).any(vouches) {
            true => Ok(next),
            false => Err(KeyringError::NotSignedByRoot { roots: self.roots() }),
        }
    }

    /// Who vouches for a manifest, and what would be refused if the clock could be relied on.
    ///
    /// # Errors
    /// Nobody whose word counts.
    pub(in crate::model_package) fn vouch(
        &self,
        manifest: &[u8],
        signatures: &[Signature],
        time: WallTime,
    ) -> Result<(Signer, Option<Refusal>), Refusal> {
        let now = time.timestamp();
        let mut refused = Vec::new();
        let mut candidates = Vec::new();
        for signature in signatures {
            let Some(key) = self.find(&signature.key) else { continue };
            let (id, name) = (key.id(), key.name.clone());
            // Whoever changes one signature of several changed the package.
            if !signature.holds(Signed::Manifest, manifest, &key.public) {
                return Err(Refusal::BadSignature { key: id, name });
            }
            let over = key.not_after.filter(|until| now > *until).map(|not_after| {
                Refusal::ExpiredKey { key: id.clone(), name: name.clone(), not_after, now }
            });
            match (not_counting(key), over, time) {
                (Some(why), _, _) => refused.push(why),
                (None, Some(why), WallTime::Trusted(_)) => refused.push((Gravity::Over, why)),
                (None, doubt, _) => candidates.push((Signer { key: id, name }, doubt)),
            }
        }
        // Rather one whose word counts at any time.
        match candidates.into_iter().min_by_key(|(_, doubt)| doubt.is_some()) {
            Some((signer, doubt)) => Ok((signer, doubt)),
            None if signatures.is_empty() => Err(Refusal::Unsigned),
            None => Err(match refused.into_iter().min_by_key(|(gravity, _)| *gravity) {
                Some((_, why)) => why,
                None => Refusal::UnknownKey {
                    keys: listed(signatures.iter().map(|one| one.key.to_string())),
                    version: self.version,
                },
            }),
        }
    }

    /// What is to follow this one, with its keys as they are.
    pub fn next_draft(&self) -> Draft {
        Draft {
            version: self.version.saturating_add(1),
            keys: self.keys.clone(),
            signatures: Vec::new(),
        }
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Its own keys whose signatures it carries; they fit.
    pub fn signed_by(&self) -> impl Iterator<Item = &KeyId> {
        self.signatures.iter().map(|one| &one.key).filter(|id| self.find(id).is_some())
    }

    /// As it stands in a file.
    pub fn to_text(&self) -> String {
        let raw = RawKeyring {
            version: self.version,
            keys: self.keys.iter().map(raw_key).collect(),
            signatures: self.signatures.iter().map(Signature::raw).collect(),
        };
        let text = serde_json::to_string_pretty(&raw);
        text.expect("numbers and texts alone are always JSON") + "\n"
    }

    fn find(&self, id: &KeyId) -> Option<&Key> {
        self.keys.iter().find(|key| key.id() == *id)
    }

    fn content(&self) -> Vec<u8> {
        content(self.version, &self.keys)
    }

    fn roots(&self) -> String {
        roots(&self.keys)
    }
}

impl Draft {
    /// The first version of a keyring.
    pub fn first() -> Draft {
        Draft { version: 1, keys: Vec::new(), signatures: Vec::new() }
    }

    /// # Errors
    /// It is there already, or the name is none.
    pub fn add(&mut self, key: Key) -> Result<(), KeyringError> {
        self.keys.push(key);
        let raw: Vec<RawKey> = self.keys.iter().map(raw_key).collect();
        checked_keys(&raw).map(|_| ())
    }

    /// # Errors
    /// There is no such key.
    pub fn revoke(&mut self, id: &str) -> Result<(), KeyringError> {
        let wanted = KeyId::parse(id);
        match self.keys.iter_mut().find(|key| Some(key.id()) == wanted) {
            Some(key) => {
                key.standing = Standing::Revoked;
                Ok(())
            }
            None => Err(KeyringError::Value {
                field: "keys".to_owned(),
                problem: format!("there is no key {} that could be revoked", shown(id.as_bytes())),
            }),
        }
    }

    /// Signs what the draft holds now.
    pub fn sign(&mut self, key: &SigningKey) {
        let signature = key.sign(Signed::Keyring, &content(self.version, &self.keys));
        self.signatures.retain(|one| one.key != signature.key);
        self.signatures.push(signature);
    }

    /// # Errors
    /// It could never be followed, or no root key of its own signed it.
    pub fn finish(self) -> Result<Keyring, KeyringError> {
        let content = content(self.version, &self.keys);
        let mut by_own_root = false;
        for signature in &self.signatures {
            let key = self.keys.iter().find(|key| key.id() == signature.key);
            // Of a key that is no longer in it: whether it fits is seen by whoever still has it.
            let Some(key) = key else { continue };
            if !signature.holds(Signed::Keyring, &content, &key.public) {
                return Err(KeyringError::BadSignature { key: key.id() });
            }
            by_own_root |= key.signs_keyrings();
        }
        if !self.keys.iter().any(Key::signs_keyrings) {
            return Err(KeyringError::NoRoot);
        }
        if !by_own_root {
            return Err(KeyringError::NotSelfSigned { roots: roots(&self.keys) });
        }
        let Draft { version, keys, signatures } = self;
        Ok(Keyring { version, keys, signatures })
    }
}

/// Which of several reasons is said: the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Gravity {
    Revoked,
    Over,
    Role,
}

/// Why a key's word does not count for packages, whatever the time.
fn not_counting(key: &Key) -> Option<(Gravity, Refusal)> {
    let (id, name) = (key.id(), key.name.clone());
    match (key.standing, key.role) {
        (Standing::Revoked, _) => Some((Gravity::Revoked, Refusal::RevokedKey { key: id, name })),
        (Standing::Valid, Role::Root) => {
            Some((Gravity::Role, Refusal::WrongRole { key: id, name, role: Role::Root }))
        }
        (Standing::Valid, Role::Release) => None,
    }
}

fn checked_keys(raw: &[RawKey]) -> Result<Vec<Key>, KeyringError> {
    let wrong = |n: usize, field: &str, problem: String| KeyringError::Value {
        field: format!("keys[{n}].{field}"),
        problem,
    };
    if raw.len() > KEYS_MAX {
        let problem = format!("there are {}; at most {KEYS_MAX}", raw.len());
        return Err(KeyringError::Value { field: "keys".to_owned(), problem });
    }
    let mut keys: Vec<Key> = Vec::new();
    for (n, raw) in raw.iter().enumerate() {
        let public = BASE64_STANDARD.decode(&raw.public).ok();
        let public = public.as_deref().and_then(PublicKey::from_bytes);
        let public =
            public.ok_or_else(|| wrong(n, "public", "must be 32 bytes in base64".to_owned()))?;
        if public.id().to_string() != raw.id {
            return Err(wrong(n, "id", format!("must be {}, that of `public`", public.id())));
        }
        if keys.iter().any(|other| other.id() == public.id()) {
            return Err(wrong(n, "id", "is that of another key, too; each is there once".into()));
        }
        let fits = (1..=KEY_NAME_CHARS_MAX).contains(&raw.name.chars().count());
        if !fits || raw.name.contains(char::is_control) {
            let right = format!("must be 1 to {KEY_NAME_CHARS_MAX} characters on one line");
            return Err(wrong(n, "name", right));
        }
        if raw.role == Role::Root && raw.not_after.is_some() {
            return Err(wrong(n, "not_after", "is for release keys; root keys are revoked".into()));
        }
        let standing = if raw.revoked == Some(true) { Standing::Revoked } else { Standing::Valid };
        let name = raw.name.clone();
        keys.push(Key { public, role: raw.role, standing, not_after: raw.not_after, name });
    }
    Ok(keys)
}

fn raw_key(key: &Key) -> RawKey {
    RawKey {
        id: key.id().to_string(),
        public: BASE64_STANDARD.encode(key.public.as_bytes()),
        role: key.role,
        not_after: key.not_after,
        revoked: (key.standing == Standing::Revoked).then_some(true),
        name: key.name.clone(),
    }
}

fn content(version: u64, keys: &[Key]) -> Vec<u8> {
    let raw = RawContent { version, keys: keys.iter().map(raw_key).collect() };
    serde_json::to_vec(&raw).expect("numbers and texts alone are always JSON")
}

fn roots(keys: &[Key]) -> String {
    listed(keys.iter().filter(|key| key.signs_keyrings()).map(|key| key.id().to_string()))
}

fn listed(ids: impl Iterator<Item = String>) -> String {
    let ids: Vec<String> = ids.collect();
    if ids.is_empty() { "none".to_owned() } else { ids.join(", ") }
}
