//! Video of what only the shadow model told. The clips are files in [`FOLDER`] beside the database; this
//! room knows their names, sizes and digests.
//!
//! They have room of their own, take none of an incident's, and are no evidence: nothing is alarmed by
//! them, and none is in the audit log.
//!
//! Not here: files, and who may see them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::RunSide;
use crate::store::evidence::{Kept, Whereabouts};
use crate::store::pictures::Hides;
use crate::store::query::{HistoryError, StoreReader, timestamp};
use crate::store::{Store, StoreError};

/// Below the store's folder.
pub const FOLDER: &str = "cases";

/// An incident of a run: run, side, number.
pub type CaseKey = (u64, RunSide, u64);

/// A clip to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCaseClip {
    pub of: CaseKey,
    pub file: KeptCaseClip,
}

/// A file that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCaseClip {
    /// Its name in the folder.
    pub file: String,
    pub bytes: u64,
    /// Hex.
    pub sha256: String,
    pub codec: String,
    /// What of people it hides; `None`: what is masked only.
    pub hides: Option<Hides>,
    /// Times of its first picture and its last.
    pub from: Timestamp,
    pub to: Timestamp,
}

/// What there is of a case's own video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseClipRow {
    Awaited,
    Kept(KeptCaseClip),
    /// Why there is none.
    Lost(String),
}

/// What clips of cases may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaseRoom {
    pub clips_max: u64,
    pub bytes_max: u64,
    /// Those of cases that began before go; `None` while the clock is not trusted.
    pub not_before: Option<Timestamp>,
}

impl Store {
    /// Notes that a clip is being made; changes nothing where more is known.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn await_case_clip(&mut self, of: CaseKey) -> Result<Kept, StoreError> {
        self.shadow_work(|connection| {
            set(
                connection,
                "INSERT INTO shadow_clip (incident)
                 SELECT id FROM shadow_incident WHERE run = ?1 AND side = ?2 AND number = ?3
                 ON CONFLICT (incident) DO UPDATE SET incident = incident",
                params![of.0, of.1.as_str(), of.2],
            )
        })
    }

    /// Keeps a clip's row.
    ///
    /// # Errors
    /// The disk is full or fails, or another row names that file.
    pub fn put_case_clip(&mut self, clip: &NewCaseClip) -> Result<Kept, StoreError> {
        let NewCaseClip { of, file } = clip;
        self.shadow_work(|connection| {
            set(
                connection,
                "INSERT OR REPLACE INTO shadow_clip
                   (incident, file, bytes, sha256, codec, hides, from_us, to_us)
                 SELECT id, ?4, ?5, ?6, ?7, ?8, ?9, ?10 FROM shadow_incident
                 WHERE run = ?1 AND side = ?2 AND number = ?3",
                params![
                    of.0,
                    of.1.as_str(),
                    of.2,
                    file.file,
                    file.bytes,
                    file.sha256,
                    file.codec,
                    file.hides.map(Hides::as_str),
                    file.from.as_microsecond(),
                    file.to.as_microsecond()
                ],
            )
        })
    }

    /// Says why there is no clip.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn put_case_clip_lost(&mut self, of: CaseKey, why: &str) -> Result<Kept, StoreError> {
        self.shadow_work(|connection| {
            set(
                connection,
                "INSERT OR REPLACE INTO shadow_clip (incident, lost)
                 SELECT id, ?4 FROM shadow_incident WHERE run = ?1 AND side = ?2 AND number = ?3",
                params![of.0, of.1.as_str(), of.2, why],
            )
        })
    }

    /// What was being made when the box stopped is not made any more. How many clips that is.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn close_case_clips(&mut self, why: &str) -> Result<usize, StoreError> {
        self.shadow_work(|connection| {
            connection.execute(
                "UPDATE shadow_clip SET lost = ?1 WHERE file IS NULL AND lost IS NULL",
                [why],
            )
        })
    }

    /// Holds clips within their room: first go those of cases that have a label, the oldest first. Names
    /// of the files whose rows say so now.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn retire_case_clips(&mut self, room: CaseRoom) -> Result<Vec<String>, StoreError> {
        let not_before = room.not_before.map(Timestamp::as_microsecond);
        self.shadow_work(|connection| {
            let gone: Vec<(i64, String, bool)> = connection
                .prepare_cached(
                    "SELECT incident, file, coalesce(began_us < ?3, 0) FROM (
                       SELECT c.incident, c.file, i.began_us, count(*) OVER newer AS clips,
                         sum(c.bytes) OVER newer AS taken
                       FROM shadow_clip c JOIN shadow_incident i ON i.id = c.incident
                         LEFT JOIN shadow_label l ON l.incident = c.incident
                       WHERE c.file IS NOT NULL
                       WINDOW newer AS (ORDER BY l.incident IS NOT NULL, c.incident DESC
                         ROWS UNBOUNDED PRECEDING))
                     WHERE clips > ?1 OR taken > ?2 OR began_us < ?3",
                )?
                .query_map(params![room.clips_max, room.bytes_max, not_before], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?
                .collect::<rusqlite::Result<_>>()?;
            gone.into_iter()
                .map(|(incident, file, is_old)| {
                    let why = match is_old {
                        true => "it was kept for as many days as clips are, and removed",
                        false => "it was removed to make room",
                    };
                    lose(connection, incident, why)?;
                    Ok(file)
                })
                .collect()
        })
    }

    /// Notes that files are gone though nobody removed them here.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn case_clips_are_gone(&mut self, files: &[String]) -> Result<(), StoreError> {
        self.shadow_work(|connection| {
            for file in files {
                connection
                    .prepare_cached("SELECT incident FROM shadow_clip WHERE file = ?1")?
                    .query_map([file], |row| row.get(0))?
                    .collect::<rusqlite::Result<Vec<i64>>>()?
                    .into_iter()
                    .try_for_each(|incident| lose(connection, incident, "its file is gone"))?;
            }
            Ok(())
        })
    }
}

impl StoreReader {
    /// Every clip of a case that should be there.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn named_case_clips(&self) -> Result<BTreeMap<String, Whereabouts>, HistoryError> {
        let files = self.case_clip_files()?;
        Ok(files.into_keys().map(|file| (file, Whereabouts::There)).collect())
    }

    /// Sizes and digests of every clip of a case that should be there.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn case_clip_files(&self) -> Result<BTreeMap<String, (u64, String)>, HistoryError> {
        let ask = |connection: &Connection| -> rusqlite::Result<_> {
            connection
                .prepare_cached(
                    "SELECT file, bytes, sha256 FROM shadow_clip WHERE file IS NOT NULL",
                )?
                .query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?
                .collect()
        };
        ask(&self.connection()).map_err(HistoryError::Evidence)
    }
}

fn set(
    connection: &Connection,
    statement: &str,
    values: impl rusqlite::Params,
) -> rusqlite::Result<Kept> {
    let changed = connection.prepare_cached(statement)?.execute(values)?;
    Ok(if changed == 0 { Kept::NoIncident } else { Kept::Yes })
}

fn lose(connection: &Connection, incident: i64, why: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO shadow_clip (incident, lost) VALUES (?1, ?2)")?
        .execute(params![incident, why])
        .map(drop)
}

/// From a row with incident, lost, file, bytes, sha256, codec, hides, from, to, beginning at a column.
pub(super) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<CaseClipRow>> {
    if row.get::<_, Option<i64>>(first)?.is_none() {
        return Ok(None);
    }
    if let Some(why) = row.get(first + 1)? {
        return Ok(Some(CaseClipRow::Lost(why)));
    }
    let Some(file) = row.get(first + 2)? else { return Ok(Some(CaseClipRow::Awaited)) };
    let hides: Option<String> = row.get(first + 6)?;
    Ok(Some(CaseClipRow::Kept(KeptCaseClip {
        file,
        bytes: row.get(first + 3)?,
        sha256: row.get(first + 4)?,
        codec: row.get(first + 5)?,
        hides: hides.as_deref().and_then(Hides::parse),
        from: timestamp(first + 7, row.get(first + 7)?)?,
        to: timestamp(first + 8, row.get(first + 8)?)?,
    })))
}
