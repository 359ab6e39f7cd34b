//! The hidden clip beside a clear one: it comes later, or not at all, and goes with it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;

use super::{Kept, REASON_CHARS_MAX, note};
use crate::engine::IncidentId;
use crate::store::pictures::Hides;
use crate::store::{Store, StoreError};

/// A hidden clip that lies in the folder under its last name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHidden {
    pub incident: IncidentId,
    pub part: u32,
    pub file: String,
    pub bytes: u64,
    /// Hex.
    pub sha256: String,
    pub codec: String,
    /// What of people it hides; `None`: what is masked only.
    pub hides: Option<Hides>,
    pub at: Timestamp,
}

impl Store {
    /// Keeps the hidden clip of a clear one, and its digest in the audit log, or neither. One that
    /// stands already changes nothing.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn put_hidden(&mut self, hidden: &NewHidden) -> Result<Kept, StoreError> {
        self.evidence(|connection| {
            let Some(clip) = awaited(connection, hidden.incident, hidden.part)? else {
                return Ok(Kept::NoIncident);
            };
            let added = connection
                .prepare_cached(
                    "UPDATE clip_hidden SET file = ?2, bytes = ?3, sha256 = ?4, codec = ?5,
                       hides = ?6
                     WHERE clip = ?1 AND file IS NULL AND lost IS NULL",
                )?
                .execute(params![
                    clip,
                    hidden.file,
                    hidden.bytes,
                    hidden.sha256,
                    hidden.codec,
                    hidden.hides.map(Hides::as_str)
                ])?;
            if added > 0 {
                let detail = json!({
                    "sha256": hidden.sha256, "file": hidden.file, "bytes": hidden.bytes,
                    "shows": "hidden", "hides": hidden.hides.map(Hides::as_str),
                });
                note(connection, "clip_kept", hidden.incident, &detail.to_string(), hidden.at)?;
            }
            Ok(Kept::Yes)
        })
    }

    /// Notes that there is no hidden clip beside the clear one, and why.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn put_hidden_lost(
        &mut self,
        incident: IncidentId,
        part: u32,
        why: &str,
    ) -> Result<Kept, StoreError> {
        let why: String = why.chars().take(REASON_CHARS_MAX).collect();
        self.evidence(|connection| {
            let Some(clip) = awaited(connection, incident, part)? else {
                return Ok(Kept::NoIncident);
            };
            connection
                .prepare_cached(
                    "UPDATE clip_hidden SET lost = ?2
                     WHERE clip = ?1 AND file IS NULL AND lost IS NULL",
                )?
                .execute(params![clip, why])?;
            Ok(Kept::Yes)
        })
    }
}

/// The row of a clip beside which a hidden one is, or was, to come.
fn awaited(
    connection: &Connection,
    incident: IncidentId,
    part: u32,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "SELECT id FROM clip JOIN clip_hidden ON clip_hidden.clip = clip.id
             WHERE incident = ?1 AND part = ?2 AND removed_us IS NULL",
        )?
        .query_row(params![incident.0, part], |row| row.get(0))
        .optional()
}

/// What earlier lives, up to that incident, did not finish.
pub(super) fn close(connection: &Connection, up_to: IncidentId, why: &str) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE clip_hidden SET lost = ?1 WHERE file IS NULL AND lost IS NULL
           AND clip_hidden.clip IN (SELECT id FROM clip WHERE incident <= ?2)",
        params![why, up_to.0],
    )?;
    Ok(())
}

/// Marks a clip as removed, with all that belongs to it; the names of its files, also of one that was
/// gone and may be back.
pub(super) fn remove(
    connection: &Connection,
    clip: i64,
    at: Timestamp,
) -> rusqlite::Result<Vec<String>> {
    let files = connection
        .prepare_cached(
            "SELECT file FROM clip WHERE id = ?1 AND file IS NOT NULL
             UNION ALL SELECT file FROM clip_hidden WHERE clip = ?1 AND file IS NOT NULL",
        )?
        .query_map([clip], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    connection
        .prepare_cached("UPDATE clip SET removed_us = ?2 WHERE id = ?1")?
        .execute(params![clip, at.as_microsecond()])?;
    connection.prepare_cached("DELETE FROM clip_track WHERE clip = ?1")?.execute([clip])?;
    Ok(files)
}
