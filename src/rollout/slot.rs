//! What may guard: the model that came with the program, or a package by its digest.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Before the digest in the name of a slot, and of its folder.
const BLOB_PREFIX: &str = "sha256-";

const SHIPPED: &str = "shipped";

/// Hex digits of a digest.
const DIGITS: usize = 64;

/// Of a text that is no digest, this much is said.
const SHOWN_CHARS: usize = 80;

/// sha256 of a package's manifest, which holds the sha256 of everything else: it names the package.
/// As text 64 hex digits, lower case: one spelling, since it is a folder's name, too.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// What may guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Slot {
    /// The model package that came with the program. Always there, never changed by a roll-out.
    Shipped,
    /// An installed package.
    Blob(Digest),
}

/// A text that is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no digest: it has 64 digits of 0-9 and a-f, as `sha256sum` writes it")]
pub struct BadDigest {
    text: String,
}

/// A text that names nothing that may guard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` names no model: `shipped`, or `sha256-` and 64 digits of 0-9 and a-f")]
pub struct BadSlot {
    text: String,
}

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: impl AsRef<[u8]>) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }

    /// What a hash that was computed piece by piece came to.
    pub const fn from_bytes(bytes: [u8; 32]) -> Digest {
        Digest(bytes)
    }
}

impl Slot {
    pub const fn digest(self) -> Option<Digest> {
        match self {
            Slot::Shipped => None,
            Slot::Blob(digest) => Some(digest),
        }
    }
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}

impl FromStr for Digest {
    type Err = BadDigest;

    fn from_str(text: &str) -> Result<Digest, BadDigest> {
        let bad = || BadDigest { text: shown(text) };
        if text.len() != DIGITS {
            return Err(bad());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let high = nibble(pair[0]).ok_or_else(bad)?;
            let low = nibble(pair[1]).ok_or_else(bad)?;
            *byte = high << 4 | low;
        }
        Ok(Digest(bytes))
    }
}

impl FromStr for Slot {
    type Err = BadSlot;

    fn from_str(text: &str) -> Result<Slot, BadSlot> {
        if text == SHIPPED {
            return Ok(Slot::Shipped);
        }
        let digest = text.strip_prefix(BLOB_PREFIX).and_then(|hex| hex.parse().ok());
        digest.map(Slot::Blob).ok_or_else(|| BadSlot { text: shown(text) })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Slot::Shipped => f.write_str(SHIPPED),
            Slot::Blob(digest) => write!(f, "{BLOB_PREFIX}{digest}"),
        }
    }
}

impl TryFrom<String> for Digest {
    type Error = BadDigest;

    fn try_from(text: String) -> Result<Digest, BadDigest> {
        text.parse()
    }
}

impl TryFrom<String> for Slot {
    type Error = BadSlot;

    fn try_from(text: String) -> Result<Slot, BadSlot> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.to_string()
    }
}

impl From<Slot> for String {
    fn from(slot: Slot) -> String {
        slot.to_string()
    }
}
