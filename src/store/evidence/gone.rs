//! Clips whose files are gone though nobody removed them here, and files that are back.
//!
//! A row goes on naming its file: a disk that was not there for a while comes back with what is on it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use serde_json::json;

use super::{Unkept, note};
use crate::engine::IncidentId;
use crate::store::{Store, StoreError};

/// Of clips and of hidden ones: each gives the incident, when it changed something.
const GONE: [&str; 2] = [
    "UPDATE clip SET lost = 'its file is gone'
     WHERE file = ?1 AND lost IS NULL AND removed_us IS NULL RETURNING incident",
    "UPDATE clip_hidden SET lost = 'its file is gone' WHERE file = ?1 AND lost IS NULL
       AND clip_hidden.clip IN (SELECT id FROM clip WHERE removed_us IS NULL)
     RETURNING (SELECT incident FROM clip WHERE id = clip_hidden.clip)",
];

/// What is lost and has a file was kept once, so that nothing but its file was lost.
const BACK: [&str; 2] = [
    "UPDATE clip SET lost = NULL
     WHERE file = ?1 AND lost IS NOT NULL AND removed_us IS NULL RETURNING incident",
    "UPDATE clip_hidden SET lost = NULL WHERE file = ?1 AND lost IS NOT NULL
       AND clip_hidden.clip IN (SELECT id FROM clip WHERE removed_us IS NULL)
     RETURNING (SELECT incident FROM clip WHERE id = clip_hidden.clip)",
];

impl Store {
    /// Notes that files are gone though nobody removed them here; also in the audit log.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn clips_are_gone(&mut self, files: &[String], at: Timestamp) -> Result<(), StoreError> {
        self.evidence(|connection| each(connection, files, (GONE, "clip_gone"), at))
    }

    /// Notes that files that were gone are there again; also in the audit log.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn clips_are_back(&mut self, files: &[String], at: Timestamp) -> Result<(), StoreError> {
        self.evidence(|connection| each(connection, files, (BACK, "clip_back"), at))
    }
}

fn each(
    connection: &Connection,
    files: &[String],
    (changes, action): ([&str; 2], &str),
    at: Timestamp,
) -> Result<(), Unkept> {
    for file in files {
        for change in changes {
            let changed: Option<u64> = connection
                .prepare_cached(change)?
                .query_row([file], |row| row.get(0))
                .optional()?;
            if let Some(incident) = changed {
                let detail = json!({ "file": file }).to_string();
                note(connection, action, IncidentId(incident), &detail, at)?;
            }
        }
    }
    Ok(())
}
