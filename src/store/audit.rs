//! Who did what: an append-only log in which every entry carries the hash of the one before.
//!
//! Terms: the **head** is the newest entry's number and hash; it is kept a second time beside the
//! log. An **entry's hash** is SHA-256 over the previous hash and the entry's fields, each text with
//! its length before it, so that no two entries have the same bytes.
//!
//! What the chain shows: an entry that was changed, removed (also at the end), put in between or
//! moved. What it cannot show by itself: a log that was written anew from some entry on, by
//! somebody who may write the file. A head that was exported to another place shows that too.
//!
//! Not here: what is worth an entry; deleting (there is none, see docs/design/access.md).

mod verify;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use sha2::{Digest, Sha256};

use super::query::timestamp;
use super::{Store, StoreError};

pub use self::verify::{AuditReader, Broken, Checked};

/// Longest names and subjects, characters; what is longer is cut.
const TEXT_CHARS_MAX: usize = 200;

/// Longest detail, bytes: the differences of a zone file with a few hundred corners.
const DETAIL_BYTES_MAX: usize = 16 * 1024;

/// A repeat is looked for among so many of the newest entries: more never wait to be kept.
const REPEATS_WITHIN: u64 = 256;

/// Before the first entry.
const ORIGIN: Hash = [0; 32];

/// SHA-256.
pub type Hash = [u8; 32];

/// Something to be kept for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    pub at: Timestamp,
    /// Who: a person's name, `token NAME`, `console`, or `nobody`.
    pub by: String,
    /// What, as one word: `signed_in`, `zones_approved`.
    pub action: String,
    /// To what: a person, `alarm 40`, a camera's id.
    pub subject: String,
    /// JSON, or empty.
    pub detail: String,
}

/// An entry as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    pub number: u64,
    pub entry: AuditEntry,
    pub previous: Hash,
    pub hash: Hash,
}

impl Store {
    /// Adds one entry to the audit log, in a transaction of its own. Changes that are made in this
    /// room add theirs in the same transaction instead (`append`).
    ///
    /// # Errors
    /// The disk is full or fails; then there is no entry.
    pub fn append_audit(
        &mut self,
        by: &str,
        action: &str,
        subject: &str,
        detail: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let entry = AuditEntry {
            at,
            by: by.into(),
            action: action.into(),
            subject: subject.into(),
            detail: detail.into(),
        };
        let mut keep = || {
            let transaction =
                self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            append(&transaction, &entry)?;
            transaction.commit()
        };
        keep().map_err(|source| {
            StoreError::or_full(&self.path, source, |path, source| StoreError::Audit {
                path,
                source,
            })
        })
    }

    /// A reader of the audit log with a connection of its own.
    ///
    /// # Errors
    /// The file cannot be opened a second time.
    pub fn audit_reader(&self) -> Result<AuditReader, StoreError> {
        AuditReader::open(&self.path)
    }
}

/// Adds an entry within the caller's transaction.
pub(super) fn append(connection: &Connection, entry: &AuditEntry) -> rusqlite::Result<()> {
    let newest: Option<(u64, Hash)> = connection
        .prepare_cached("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (last, previous) = newest.unwrap_or((0, ORIGIN));
    let number = last + 1;
    let entry = AuditEntry {
        at: entry.at,
        by: cut(&entry.by),
        action: cut(&entry.action),
        subject: cut(&entry.subject),
        detail: cut_detail(&entry.detail),
    };
    if stands_already(connection, number, &entry)? {
        return Ok(());
    }
    let hash = hash_of(&previous, number, &entry);
    connection
        .prepare_cached(
            "INSERT INTO audit (number, at_us, by, action, subject, detail, previous, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            number,
            entry.at.as_microsecond(),
            entry.by,
            entry.action,
            entry.subject,
            entry.detail,
            previous,
            hash
        ])?;
    connection
        .prepare_cached("UPDATE audit_head SET number = ?1, hash = ?2 WHERE id = 1")?
        .execute(params![number, hash])
        .map(|_rows| ())
}

/// Whoever does not know whether an entry was kept hands it in again: a repeat changes nothing.
fn stands_already(
    connection: &Connection,
    next: u64,
    entry: &AuditEntry,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM audit WHERE number >= ?1 AND at_us = ?2 AND by = ?3
               AND action = ?4 AND subject = ?5 AND detail = ?6)",
        )?
        .query_row(
            params![
                next.saturating_sub(REPEATS_WITHIN),
                entry.at.as_microsecond(),
                entry.by,
                entry.action,
                entry.subject,
                entry.detail
            ],
            |row| row.get(0),
        )
}

/// What ties an entry to everything before it.
fn hash_of(previous: &Hash, number: u64, entry: &AuditEntry) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    hasher.update(number.to_be_bytes());
    hasher.update(entry.at.as_microsecond().to_be_bytes());
    for text in [&entry.by, &entry.action, &entry.subject, &entry.detail] {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text);
    }
    hasher.finalize().into()
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT_CHARS_MAX).collect()
}

/// A detail that is too long stays JSON: its beginning, as a text.
fn cut_detail(detail: &str) -> String {
    if detail.len() <= DETAIL_BYTES_MAX {
        return detail.to_owned();
    }
    // A quarter: every character may need four bytes, or an escape.
    let start: String = detail.chars().take(DETAIL_BYTES_MAX / 4).collect();
    let quoted = start.replace('\\', "\\\\").replace('"', "\\\"").replace(char::is_control, " ");
    format!("{{\"cut\":\"{quoted}\"}}")
}

/// Number, time, by, action, subject, detail, previous, hash.
fn audit_row(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    Ok(AuditRow {
        number: row.get(0)?,
        entry: AuditEntry {
            at: timestamp(1, row.get(1)?)?,
            by: row.get(2)?,
            action: row.get(3)?,
            subject: row.get(4)?,
            detail: row.get(5)?,
        },
        previous: row.get(6)?,
        hash: row.get(7)?,
    })
}
