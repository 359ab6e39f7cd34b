//! Questions about zone versions.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    Closed, Signed, VERSIONS_AT_ONCE_MAX, VersionSource, VersionState, ZoneDraft, ZoneVersion,
};
use crate::store::query::{HistoryError, StoreReader, timestamp};
use crate::store::{FILE_NAME, Store, StoreError};

/// What the store holds of one camera's zones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZonesOfCamera {
    pub in_force: Option<ZoneVersion>,
    pub proposed: Option<ZoneVersion>,
    pub draft: Option<ZoneDraft>,
    /// sha256 of the zone file as it was last taken, hex.
    pub file_digest: Option<String>,
    /// Digest of the document that file held.
    pub file_document: Option<String>,
}

/// Reads zone versions beside a box that may be running.
#[derive(Debug)]
pub struct ZoneReader(StoreReader);

const COLUMNS: &str = "camera, number, base, document, digest, state, source, by, at_us, reason, \
    approved_by, approved_us, applied_us, closed_by, closed_us, closed_reason, drawn_by";

impl Store {
    /// What the store holds of a camera's zones.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn zones_of(&self, camera: &str) -> Result<ZonesOfCamera, StoreError> {
        zones_of(&self.connection, camera).map_err(|source| self.zones_error(source))
    }

    /// Versions of a camera that were in force, newest first, at most [`VERSIONS_AT_ONCE_MAX`].
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn zones_once_in_force(&self, camera: &str) -> Result<Vec<ZoneVersion>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM zone_version
             WHERE camera = ?1 AND applied_us IS NOT NULL ORDER BY number DESC LIMIT ?2"
        );
        rows(&self.connection, &sql, params![camera, VERSIONS_AT_ONCE_MAX])
            .map_err(|source| self.zones_error(source))
    }

    pub(super) fn zones_error(&self, source: rusqlite::Error) -> StoreError {
        StoreError::or_full(&self.path, source, |path, source| StoreError::Zones { path, source })
    }
}

impl StoreReader {
    /// What the store holds of a camera's zones, as one moment.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn zones_of(&self, camera: &str) -> Result<ZonesOfCamera, HistoryError> {
        let ask = |connection: &mut Connection| zones_of(&*connection.transaction()?, camera);
        ask(&mut self.connection()).map_err(HistoryError::Zones)
    }

    /// Versions of a camera, newest first, at most [`VERSIONS_AT_ONCE_MAX`].
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn zone_versions(&self, camera: &str) -> Result<Vec<ZoneVersion>, HistoryError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM zone_version WHERE camera = ?1 ORDER BY number DESC LIMIT ?2"
        );
        rows(&self.connection(), &sql, params![camera, VERSIONS_AT_ONCE_MAX])
            .map_err(HistoryError::Zones)
    }

    /// One version of a camera.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn zone_version(
        &self,
        camera: &str,
        number: u32,
    ) -> Result<Option<ZoneVersion>, HistoryError> {
        version(&self.connection(), camera, number).map_err(HistoryError::Zones)
    }

    /// Cameras that ever had zones.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn zone_cameras(&self) -> Result<Vec<String>, HistoryError> {
        let ask = |connection: &Connection| -> rusqlite::Result<Vec<String>> {
            connection
                .prepare_cached("SELECT DISTINCT camera FROM zone_version ORDER BY camera")?
                .query_map([], |row| row.get(0))?
                .collect()
        };
        ask(&self.connection()).map_err(HistoryError::Zones)
    }

    /// What was in force at some time from `from` to `to`, by camera and number; with `from` equal
    /// to `to`, at that time. A camera that had none is not there.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn zones_in_force_between(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<ZoneVersion>, HistoryError> {
        // By number: versions come into force in the order of their numbers, while the clock may
        // have been put back between two of them.
        let sql = format!(
            "SELECT {COLUMNS} FROM zone_version AS v WHERE applied_us <= ?2 AND number >= coalesce(
               (SELECT max(number) FROM zone_version
                WHERE camera = v.camera AND applied_us <= ?1), 0) ORDER BY camera, number"
        );
        let asked = params![from.as_microsecond(), to.as_microsecond()];
        rows(&self.connection(), &sql, asked).map_err(HistoryError::Zones)
    }

    /// When another version took the place of this one; `None` while it is in force, and for one
    /// that never was.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn zones_replaced_at(
        &self,
        version: &ZoneVersion,
    ) -> Result<Option<Timestamp>, HistoryError> {
        let ask = |connection: &Connection| -> rusqlite::Result<Option<Timestamp>> {
            if version.applied_at.is_none() {
                return Ok(None);
            }
            connection
                .prepare_cached(
                    "SELECT applied_us FROM zone_version
                     WHERE camera = ?1 AND number > ?2 AND applied_us IS NOT NULL
                     ORDER BY number LIMIT 1",
                )?
                .query_row(params![version.camera, version.number], |row| timestamp(0, row.get(0)?))
                .optional()
        };
        ask(&self.connection()).map_err(HistoryError::Zones)
    }
}

impl ZoneReader {
    /// Opens the store in `dir` for reading, also while a box runs.
    ///
    /// # Errors
    /// There is no store, or it cannot be read.
    pub fn open(dir: &Path) -> Result<ZoneReader, StoreError> {
        let path = dir.join(FILE_NAME);
        if !path.is_file() {
            return Err(StoreError::NoStore { path });
        }
        StoreReader::open(&path).map(ZoneReader)
    }
}

impl std::ops::Deref for ZoneReader {
    type Target = StoreReader;

    fn deref(&self) -> &StoreReader {
        &self.0
    }
}

pub(super) fn zones_of(connection: &Connection, camera: &str) -> rusqlite::Result<ZonesOfCamera> {
    Ok(ZonesOfCamera {
        in_force: in_state(connection, camera, VersionState::InForce)?,
        proposed: in_state(connection, camera, VersionState::Proposed)?,
        draft: draft(connection, camera)?,
        file_digest: connection
            .prepare_cached("SELECT digest FROM zone_file WHERE camera = ?1")?
            .query_row([camera], |row| row.get(0))
            .optional()?,
        file_document: connection
            .prepare_cached("SELECT document_digest FROM zone_file WHERE camera = ?1")?
            .query_row([camera], |row| row.get(0))
            .optional()?
            .flatten(),
    })
}

pub(super) fn in_state(
    connection: &Connection,
    camera: &str,
    state: VersionState,
) -> rusqlite::Result<Option<ZoneVersion>> {
    let sql = format!("SELECT {COLUMNS} FROM zone_version WHERE camera = ?1 AND state = ?2");
    connection
        .prepare_cached(&sql)?
        .query_row(params![camera, state.name()], version_row)
        .optional()
}

pub(super) fn version(
    connection: &Connection,
    camera: &str,
    number: u32,
) -> rusqlite::Result<Option<ZoneVersion>> {
    let sql = format!("SELECT {COLUMNS} FROM zone_version WHERE camera = ?1 AND number = ?2");
    connection.prepare_cached(&sql)?.query_row(params![camera, number], version_row).optional()
}

pub(super) fn draft(connection: &Connection, camera: &str) -> rusqlite::Result<Option<ZoneDraft>> {
    connection
        .prepare_cached(
            "SELECT base, document, by, at_us, drawn_by FROM zone_draft WHERE camera = ?1",
        )?
        .query_row([camera], |row| {
            Ok(ZoneDraft {
                base: row.get(0)?,
                document: row.get(1)?,
                saved: Signed { by: row.get(2)?, at: timestamp(3, row.get(3)?)? },
                drawn_by: people(row, 4)?,
            })
        })
        .optional()
}

/// A JSON list of names.
fn people(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<String>> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    })
}

fn rows(
    connection: &Connection,
    sql: &str,
    asked: impl rusqlite::Params,
) -> rusqlite::Result<Vec<ZoneVersion>> {
    connection.prepare_cached(sql)?.query_map(asked, version_row)?.collect()
}

fn version_row(row: &Row<'_>) -> rusqlite::Result<ZoneVersion> {
    let signed = |by: usize, at: usize| -> rusqlite::Result<Option<Signed>> {
        let (by, at_us): (Option<String>, Option<i64>) = (row.get(by)?, row.get(at)?);
        let at = at_us.map(|at_us| timestamp(at, at_us)).transpose()?;
        Ok(by.zip(at).map(|(by, at)| Signed { by, at }))
    };
    let reason: Option<String> = row.get(15)?;
    let applied_us: Option<i64> = row.get(12)?;
    Ok(ZoneVersion {
        camera: row.get(0)?,
        number: row.get(1)?,
        base: row.get(2)?,
        document: row.get(3)?,
        digest: row.get(4)?,
        state: named(row, 5, &VersionState::ALL, VersionState::name)?,
        source: named(row, 6, &VersionSource::ALL, VersionSource::name)?,
        made: Signed { by: row.get(7)?, at: timestamp(8, row.get(8)?)? },
        drawn_by: people(row, 16)?,
        reason: row.get(9)?,
        approved: signed(10, 11)?,
        applied_at: applied_us.map(|at_us| timestamp(12, at_us)).transpose()?,
        closed: signed(13, 14)?.zip(reason).map(|(signed, reason)| Closed { signed, reason }),
    })
}

/// A CHECK allows only these words, so another one was written by other hands.
pub(in crate::store) fn named<T: Copy>(
    row: &Row<'_>,
    column: usize,
    all: &[T],
    name: fn(T) -> &'static str,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    all.iter().copied().find(|&value| name(value) == text).ok_or_else(|| {
        let problem = format!("`{text}` is none of the words this column may hold");
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, problem.into())
    })
}
