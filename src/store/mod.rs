//! What must survive: incidents, alarms, the times nobody watched, and the pictures that prove it.
//!
//! One SQLite file, `standclear.db`, in a folder of its own; write-ahead log, every commit synced
//! to the disk before `write` returns (invariant 6). One process holds the folder; in it one
//! [`Store`] writes and any number of [`query::StoreReader`]s read without ever waiting for it.
//!
//! Terms: a **life** is the time between a `Record::Started` and the last sign of life after it;
//! a **gap** is the time between two lives, when nobody watched. What was open when a life ended
//! without a word is closed by [`Store::restore`] and marked `interrupted`.
//!
//! Bounded: every table has a limit (`retention`), the oldest rows go first and are counted.
//!
//! Not here: deciding what is worth keeping (the guard), a hash chain over the event log (the audit
//! log has one), deleting on a person's wish, and repairing a damaged file.

pub mod accounts;
pub mod alarms;
pub mod audit;
pub mod check;
pub mod distances;
pub mod error;
mod event;
pub mod evidence;
pub mod examples;
pub mod handhelds;
pub mod heat;
mod holds;
pub mod incidents;
pub mod models;
mod moving;
mod open;
pub mod outbox;
pub mod pictures;
pub mod query;
pub mod record;
mod restore;
mod retention;
pub mod shadow;
pub mod verdicts;
pub mod views;
pub mod walk;
mod write;
pub mod zones;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};

pub use self::error::StoreError;
pub use self::moving::Moved;
pub use self::open::{SCHEMA, in_use_by};
use self::outbox::enqueue::enqueue;
use self::query::StoreReader;
use self::record::Record;
pub use self::restore::Remembered;
pub use self::retention::{
    ALARMS_KEPT, EVENTS_KEPT, INCIDENTS_KEPT, LIVES_KEPT, SNAPSHOT_BYTES_KEPT, SNAPSHOTS_KEPT,
    UNKNOWN_SPANS_KEPT,
};

/// Name of the database inside the store's folder.
pub const FILE_NAME: &str = "standclear.db";

/// Largest snapshot accepted, bytes: a 4K picture at the best JPEG quality has about 4 MB.
pub const SNAPSHOT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What a person is told to free when the disk is full, bytes: room for a week of incidents.
pub const FREE_BYTES_ADVISED: u64 = 100 * 1024 * 1024;

/// How often [`Store::alive`] wants to be called, seconds. After a crash the time since the last
/// call counts as not watched, so a minute is the most that is ever lost to that caution.
pub const ALIVE_EVERY_S: u64 = 60;

/// The one writer. Dropping it releases the folder.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    /// The row of `life` that this process began; `None` until a `Record::Started` is written.
    life: Option<i64>,
    /// Held for as long as the store is open.
    _lock: open::FolderLock,
}

/// Does all of `work` or, when it fails, nothing of it.
fn in_transaction<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let outcome = work(&transaction)?;
    transaction.commit()?;
    Ok(outcome)
}

impl Store {
    /// Opens the store in `dir`, creating folder and file where there is none, and brings an older
    /// schema to this one.
    ///
    /// # Errors
    /// The folder cannot be created, written or is in use by another process; the file is not a
    /// Standclear store or was made by a newer one (it is left as it was, byte for byte); the disk
    /// is full; or it does not take the settings on which durability rests.
    pub fn open(dir: &Path) -> Result<Store, StoreError> {
        let (connection, path, lock) = open::open(dir)?;
        Ok(Store { connection, path, life: None, _lock: lock })
    }

    /// What earlier lives left behind, to go on with. Incidents and unknown spans that a crash left
    /// open are closed at the last sign of life and marked `interrupted`; alarms stay open, since
    /// only a person or the engine ends one. Once this process has written its `Record::Started`,
    /// it only reads.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn restore(&mut self) -> Result<Remembered, StoreError> {
        let closing = match self.life {
            None => restore::Closing::WhatWasLeftOpen,
            Some(_) => restore::Closing::Nothing,
        };
        restore::restore(&mut self.connection, closing).map_err(|source| {
            StoreError::or_full(&self.path, source, |path, source| StoreError::Restore {
                path,
                source,
            })
        })
    }

    /// Keeps all records or none of them. When it returns, they survive a power cut.
    ///
    /// A record that equals one already kept (same kind, time and content) changes nothing, so a
    /// batch may be written again after an error whose outcome is unclear.
    ///
    /// # Errors
    /// The disk is full or fails, or a record holds a value that cannot be kept (a score that is no
    /// number, a number beyond 2^63); then nothing of the batch is kept.
    pub fn write(&mut self, records: &[Record]) -> Result<(), StoreError> {
        let path = &self.path;
        let commit = |source| {
            StoreError::or_full(path, source, |path, source| StoreError::Commit { path, source })
        };
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(commit)?;
        let mut life = self.life;
        let failed = |index: usize, source| {
            StoreError::or_full(path, source, |path, source| StoreError::Record {
                path,
                place: index + 1,
                of: records.len(),
                kind: event::kind(&records[index]),
                source,
            })
        };
        let mut new = Vec::with_capacity(records.len());
        for (index, record) in records.iter().enumerate() {
            let logged = write::write_record(&transaction, &mut life, record)
                .map_err(|source| failed(index, source))?;
            new.extend(logged.map(|logged| (index, logged)));
        }
        for (index, logged) in new {
            enqueue(&transaction, &records[index], logged)
                .map_err(|source| failed(index, source))?;
        }
        retention::trim(&transaction).map_err(commit)?;
        fail::fail_point!("store::write::before_commit");
        transaction.commit().map_err(commit)?;
        fail::fail_point!("store::write::committed");
        // Only now: a batch that was rolled back has begun no life.
        self.life = life;
        Ok(())
    }

    /// Number of the life that is under way; 0 before its `Record::Started` is written. Each life
    /// has a higher one than all before it.
    pub fn life(&self) -> u64 {
        self.life.and_then(|life| u64::try_from(life).ok()).unwrap_or_default()
    }

    /// Notes that the box lives and watches at `at`; call it every [`ALIVE_EVERY_S`]. Before the
    /// first `Record::Started` of this process it does nothing, because then nobody watches.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn alive(&mut self, at: Timestamp) -> Result<(), StoreError> {
        let Some(life) = self.life else {
            return Ok(());
        };
        self.connection
            .execute(
                "UPDATE life SET last_alive_us = ?2 WHERE id = ?1",
                params![life, at.as_microsecond()],
            )
            .map(|_rows| ())
            .map_err(|source| {
                StoreError::or_full(&self.path, source, |path, source| StoreError::Alive {
                    path,
                    source,
                })
            })
    }

    /// A reader with a connection of its own; it sees what is committed and never holds up the
    /// writer.
    ///
    /// # Errors
    /// The file cannot be opened a second time.
    pub fn reader(&self) -> Result<StoreReader, StoreError> {
        StoreReader::open(&self.path)
    }
}
