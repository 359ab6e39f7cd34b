//! A ledger as bytes, and back: whole, or not at all.
//!
//! The text is JSON for people's eyes, and there is one spelling of it: a file that differs in any bit
//! from what would be written is not believed. `check` is the sha256 over the facts; it says which of
//! two files is the damaged one, and is no defence against whoever may write the folder.

use serde::{Deserialize, Serialize};

use super::ledger::Ledger;
use super::slot::Digest;

/// The only form this program reads and writes.
pub const SCHEMA: u32 = 1;

/// Longest ledger read; with everything at its limit one has about 12 KB.
pub const BYTES_MAX: usize = 64 * 1024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    schema: u32,
    check: Digest,
    ledger: Ledger,
}

/// What can be said of any form.
#[derive(Deserialize)]
struct Head {
    schema: u32,
}

/// Why bytes are no ledger.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("it has {bytes} bytes; a ledger has at most {BYTES_MAX}")]
    TooLong { bytes: usize },
    #[error("it is no ledger of models")]
    Parse {
        #[source]
        source: serde_json::Error,
    },
    #[error(
        "it has schema {found}, and this program reads {SCHEMA}; start the program that wrote it"
    )]
    OtherSchema { found: u32 },
    #[error("it is not what was written: its check is that of other facts")]
    Changed,
    #[error("it is not spelt as this program writes it")]
    Spelling,
    #[error("it has {what}, which no roll-out leads to")]
    Contradiction { what: &'static str },
}

/// The bytes of the file.
pub fn to_bytes(ledger: &Ledger) -> Vec<u8> {
    let written = Written { schema: SCHEMA, check: check(ledger), ledger: ledger.clone() };
    let mut bytes = serde_json::to_vec_pretty(&written).expect("texts and numbers are JSON");
    bytes.push(b'\n');
    bytes
}

/// # Errors
/// They are not what [`to_bytes`] makes of a ledger.
pub fn from_bytes(bytes: &[u8]) -> Result<Ledger, Unreadable> {
    if bytes.len() > BYTES_MAX {
        return Err(Unreadable::TooLong { bytes: bytes.len() });
    }
    let parse = |source| Unreadable::Parse { source };
    let head: Head = serde_json::from_slice(bytes).map_err(parse)?;
    if head.schema != SCHEMA {
        return Err(Unreadable::OtherSchema { found: head.schema });
    }
    let Written { check: said, ledger, .. } = serde_json::from_slice(bytes).map_err(parse)?;
    if check(&ledger) != said {
        return Err(Unreadable::Changed);
    }
    if let Some(what) = ledger.contradiction() {
        return Err(Unreadable::Contradiction { what });
    }
    match to_bytes(&ledger) == bytes {
        true => Ok(ledger),
        false => Err(Unreadable::Spelling),
    }
}

fn check(ledger: &Ledger) -> Digest {
    Digest::of(serde_json::to_vec(ledger).expect("texts and numbers are JSON"))
}
