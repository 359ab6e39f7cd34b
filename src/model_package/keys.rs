//! The keyring: whose signature counts for what, and how one keyring follows another.
//!
//! Terms: a **root** key signs keyrings and nothing else; a **release** key signs packages and nothing
//! else. A **version** of the keyring follows the one before it, and no other: version N + 1 is signed
//! by a root key of version N that is not revoked there, so that keys can be changed and revoked from
//! afar, and nobody gets back to keys that were revoked. It is signed by a root key of its own as well:
//! a keyring that nobody can ever follow is refused before it is in force.
//!
//! Root keys do not expire: a box that lay in a store for years must be able to follow.
//!
//! What is signed is version and keys as this module writes them, so that the text around them does
//! not matter, and nothing else can be in it.

pub mod file;
mod ring;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::sha256_of;

pub use self::ring::{Draft, Keyring, KeyringError, Signer};

/// Name of the keyring in force, in the folder `models` of the box's data.
pub const KEYRING_FILE: &str = "keys.json";

/// Largest keyring read, bytes: the keys allowed have less than half of it.
pub const KEYRING_BYTES_MAX: u64 = 64 * 1024;

/// Keys of a keyring, those that are revoked with them.
pub const KEYS_MAX: usize = 64;

/// Characters of a key's name.
pub const KEY_NAME_CHARS_MAX: usize = 80;

/// Bytes of an ed25519 public key.
const PUBLIC_BYTES: usize = 32;

/// Characters of a key's id.
const ID_CHARS: usize = 16;

/// What people call a key by: the first 16 hex digits of the sha256 of its public half.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

/// The half of a key that everybody may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; PUBLIC_BYTES]);

/// What a key may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Keyrings.
    Root,
    /// Packages.
    Release,
}

/// Whether a key's signatures still count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Valid,
    /// Also for what it signed long ago: whoever has it can say any date.
    Revoked,
}

/// A key of the keyring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub public: PublicKey,
    pub role: Role,
    pub standing: Standing,
    /// A release key's; from then on its signatures do not count.
    pub not_after: Option<Timestamp>,
    /// Whose it is, for people.
    pub name: String,
}

impl KeyId {
    /// `None`: no id of a key.
    pub fn parse(text: &str) -> Option<KeyId> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == ID_CHARS && text.bytes().all(hex)).then(|| KeyId(text.to_owned()))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PublicKey {
    pub fn from_bytes(bytes: &[u8]) -> Option<PublicKey> {
        bytes.try_into().ok().map(PublicKey)
    }

    pub fn as_bytes(&self) -> &[u8; PUBLIC_BYTES] {
        &self.0
    }

    pub fn id(&self) -> KeyId {
        let mut text = sha256_of(self.0);
        text.truncate(ID_CHARS);
        KeyId(text)
    }
}

impl Role {
    pub fn name(self) -> &'static str {
        match self {
            Role::Root => "root",
            Role::Release => "release",
        }
    }
}

impl Key {
    pub fn id(&self) -> KeyId {
        self.public.id()
    }

    fn signs_keyrings(&self) -> bool {
        self.role == Role::Root && self.standing == Standing::Valid
    }
}
