//! Reading the audit log, and finding what was done to it by other hands.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, params};

use super::{AuditRow, Hash, ORIGIN, audit_row, hash_of};
use crate::digest::hex;
use crate::store::query::{HistoryError, read_only};
use crate::store::{FILE_NAME, StoreError};

/// Most entries in one answer.
pub const ENTRIES_AT_ONCE_MAX: u32 = 500;

/// Reads the audit log, on a connection that cannot write. One question at a time; checking a long
/// log holds up nobody but other readers of it.
#[derive(Debug)]
pub struct AuditReader {
    connection: Mutex<Connection>,
}

/// A log that is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Number of the newest entry, and of entries.
    pub entries: u64,
    /// Hash of the newest entry; zeros for an empty log.
    pub head: Hash,
}

impl Default for Checked {
    /// Nothing was checked yet: the empty log.
    fn default() -> Checked {
        Checked { entries: 0, head: ORIGIN }
    }
}

/// Where the log is not what was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {number}: {why}")]
pub struct Broken {
    pub number: u64,
    pub why: String,
}

impl AuditReader {
    /// Opens the log of a store that may be in use by a running box.
    ///
    /// # Errors
    /// There is no store in `dir`, or it cannot be read.
    pub fn of_store(dir: &Path) -> Result<AuditReader, StoreError> {
        AuditReader::open(&dir.join(FILE_NAME))
    }

    pub(in crate::store) fn open(path: &Path) -> Result<AuditReader, StoreError> {
        let open = || -> rusqlite::Result<Connection> {
            let connection = read_only(path)?;
            connection.prepare("SELECT number FROM audit LIMIT 1")?;
            Ok(connection)
        };
        match open() {
            Ok(connection) => Ok(AuditReader { connection: Mutex::new(connection) }),
            Err(source) => Err(StoreError::Open { path: path.to_owned(), source }),
        }
    }

    /// Entries below number `before` (all of them for `None`), newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn entries(&self, limit: u32, before: Option<u64>) -> Result<Vec<AuditRow>, HistoryError> {
        let limit = limit.min(ENTRIES_AT_ONCE_MAX);
        let before = before.and_then(|number| i64::try_from(number).ok()).unwrap_or(i64::MAX);
        let read = || -> rusqlite::Result<Vec<AuditRow>> {
            self.lock()
                .prepare_cached(
                    "SELECT number, at_us, by, action, subject, detail, previous, hash
                     FROM audit WHERE number < ?1 ORDER BY number DESC LIMIT ?2",
                )?
                .query_map(params![before, limit], audit_row)?
                .collect()
        };
        read().map_err(HistoryError::Audit)
    }

    /// Gives every entry after `from` to `each`, oldest first, and says whether the chain holds
    /// from there to the head. An entry that cannot be read ends it as broken.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn check(
        &self,
        from: Checked,
        mut each: impl FnMut(&AuditRow),
    ) -> Result<Result<Checked, Broken>, HistoryError> {
        let mut connection = self.lock();
        // One view of the file: the box may append meanwhile.
        let view = connection.transaction().map_err(HistoryError::Audit)?;
        let outcome = check(&view, from, &mut each).map_err(HistoryError::Audit)?;
        Ok(outcome)
    }

    /// Whether an entry has this hash.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn has(&self, hash: &Hash) -> Result<bool, HistoryError> {
        self.lock()
            .query_row("SELECT EXISTS (SELECT 1 FROM audit WHERE hash = ?1)", [hash], |row| {
                row.get(0)
            })
            .map_err(HistoryError::Audit)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic in a reader leaves a connection that works.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check(
    connection: &Connection,
    from: Checked,
    each: &mut impl FnMut(&AuditRow),
) -> rusqlite::Result<Result<Checked, Broken>> {
    let (head_number, head_hash): (u64, Hash) =
        connection.query_row("SELECT number, hash FROM audit_head WHERE id = 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let mut at = from;
    let mut statement = connection.prepare(
        "SELECT number, at_us, by, action, subject, detail, previous, hash
         FROM audit WHERE number >= ?1 ORDER BY number",
    )?;
    // The last one that was checked is looked at again: what follows must follow it.
    let mut rows = statement.query([from.entries.max(1)])?;
    let mut last_seen = from.entries == 0;
    while let Some(row) = rows.next()? {
        let Ok(row) = audit_row(row) else {
            return Ok(Err(broken(at.entries + 1, "it cannot be read any more".into())));
        };
        if !last_seen {
            last_seen = true;
            let own = hash_of(&row.previous, row.number, &row.entry);
            if (row.number, row.hash, own) != (from.entries, from.head, from.head) {
                return Ok(Err(broken(from.entries, "it was removed or changed".into())));
            }
            continue;
        }
        if let Err(broken) = follows(&at, &row) {
            return Ok(Err(broken));
        }
        each(&row);
        at = Checked { entries: row.number, head: row.hash };
    }
    if !last_seen {
        return Ok(Err(broken(from.entries, "it was removed".into())));
    }
    Ok(against_head(at, head_number, &head_hash))
}

/// Whether `row` is the entry that came after `before`.
fn follows(before: &Checked, row: &AuditRow) -> Result<(), Broken> {
    let expected = before.entries + 1;
    if row.number != expected {
        let last = row.number - 1;
        let gone = if last == expected {
            "it was removed".to_owned()
        } else {
            format!("this and all up to entry {last} were removed")
        };
        return Err(broken(expected, gone));
    }
    let own = hash_of(&row.previous, row.number, &row.entry) == row.hash;
    let chained = row.previous == before.head;
    match (own, chained) {
        (true, true) => Ok(()),
        (false, true) => {
            Err(broken(row.number, "its text was changed after it was written".into()))
        }
        (true, false) => Err(broken(
            row.number,
            format!(
                "it does not follow entry {}: one of them was replaced, or put in here",
                before.entries
            ),
        )),
        (false, false) => Err(broken(
            row.number,
            "it was moved here from another place, or put in by other hands".into(),
        )),
    }
}

fn against_head(at: Checked, number: u64, hash: &Hash) -> Result<Checked, Broken> {
    if at.entries < number {
        let first = at.entries + 1;
        let which = if first == number {
            "it was".to_owned()
        } else {
            format!("this and all up to entry {number} were")
        };
        return Err(broken(first, format!("{which} removed from the end of the log")));
    }
    if at.entries > number {
        let why =
            format!("the log was to end with entry {number}: the rest was added by other hands");
        return Err(broken(number + 1, why));
    }
    if at.head != *hash {
        let why = format!(
            "its hash is {}, and the log was to end with {}: it was written anew",
            hex(&at.head),
            hex(hash)
        );
        return Err(broken(number, why));
    }
    Ok(at)
}

fn broken(number: u64, why: String) -> Broken {
    Broken { number, why }
}
