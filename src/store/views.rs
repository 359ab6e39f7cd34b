//! What cameras' views are held against: one reference a camera, and what else was learned of it.
//!
//! Bounded: as many cameras as [`VIEWS_KEPT`], the newest; each picture by its bytes (the schema says
//! how many).
//!
//! Not here: what the pictures mean (`crate::integrity`), and when they are taken (the guard).

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::open::BUSY_TIMEOUT;
use super::query::{HistoryError, StoreReader, timestamp};
use super::{Store, StoreError, in_transaction};

/// Cameras whose views are kept: twice what one box watches, so that one that comes back is known.
pub const VIEWS_KEPT: i64 = 128;

/// Longest wait for readers before the log is emptied: alarms wait behind it to be kept.
const READERS_MAX: Duration = Duration::from_millis(200);

/// Why a view became the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceWhy {
    /// The first that was known of the camera.
    First,
    /// Zones of the camera were approved.
    ZonesApproved,
    /// An engineer looked and confirmed it.
    Confirmed,
}

impl ReferenceWhy {
    pub const ALL: [ReferenceWhy; 3] =
        [ReferenceWhy::First, ReferenceWhy::ZonesApproved, ReferenceWhy::Confirmed];

    /// As it is kept, and stands in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            ReferenceWhy::First => "first",
            ReferenceWhy::ZonesApproved => "zones_approved",
            ReferenceWhy::Confirmed => "confirmed",
        }
    }
}

/// When a reference was taken and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceFacts {
    pub taken_at: Timestamp,
    pub why: ReferenceWhy,
    /// Who approved or confirmed.
    pub by: Option<String>,
    /// Number of the zones in force then.
    pub zone_version: Option<u32>,
}

/// A reference as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceRow {
    pub camera: String,
    pub facts: ReferenceFacts,
    pub width_px: u32,
    pub height_px: u32,
    pub luma: Vec<u8>,
    /// JPEG for everybody; none before there is one.
    pub shown: Option<Vec<u8>>,
    /// JPEG in which people can be recognised.
    pub clear: Option<Vec<u8>>,
}

/// All that is kept of one camera's view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewRows {
    pub camera: String,
    /// None: what is kept of one goes.
    pub reference: Option<ReferenceRow>,
    /// What else was learned; when.
    pub learned: Vec<u8>,
    pub at: Timestamp,
}

impl Store {
    /// Keeps all of a camera's view in place of what was kept: both or neither, since what was learned
    /// says what the reference is worth.
    ///
    /// # Errors
    /// A picture is not whole or too large, or the disk is full or fails; then nothing was changed.
    pub fn put_view(&mut self, rows: &ViewRows) -> Result<(), StoreError> {
        self.views(|connection| {
            match &rows.reference {
                Some(row) => put_reference(connection, row)?,
                None => connection
                    .prepare_cached("DELETE FROM view_reference WHERE camera = ?1")?
                    .execute([&rows.camera])
                    .map(drop)?,
            }
            put_learned(connection, &rows.camera, rows.at, &rows.learned)?;
            trim(connection)
        })
    }

    /// Keeps a camera's reference in place of the one before.
    ///
    /// # Errors
    /// A picture is not whole or too large, or the disk is full or fails; then nothing was changed.
    pub fn put_view_reference(&mut self, row: &ReferenceRow) -> Result<(), StoreError> {
        self.views(|connection| {
            put_reference(connection, row)?;
            trim(connection)
        })
    }

    /// Keeps the pictures to show of the reference that was taken then; of another one none.
    ///
    /// # Errors
    /// A picture is too large, or the disk is full or fails.
    pub fn put_view_pictures(
        &mut self,
        camera: &str,
        taken_at: Timestamp,
        shown: Option<&[u8]>,
        clear: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        self.views(|connection| {
            connection
                .prepare_cached(
                    "UPDATE view_reference SET shown = ?3, clear = ?4
                     WHERE camera = ?1 AND taken_us = ?2",
                )?
                .execute(params![camera, taken_at.as_microsecond(), shown, clear])
                .map(drop)
        })
    }

    /// Keeps what else was learned of a camera's view.
    ///
    /// # Errors
    /// It is empty or too large, or the disk is full or fails.
    pub fn put_view_learned(
        &mut self,
        camera: &str,
        at: Timestamp,
        learned: &[u8],
    ) -> Result<(), StoreError> {
        self.views(|connection| {
            put_learned(connection, camera, at, learned)?;
            trim(connection)
        })
    }

    /// Keeps since when a camera's view has moved and nobody has confirmed it, or that somebody has.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn put_view_unconfirmed(
        &mut self,
        camera: &str,
        since: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.views(|connection| {
            match since {
                Some(since) => connection.execute(
                    "INSERT OR IGNORE INTO view_unconfirmed (camera, since_us) VALUES (?1, ?2)",
                    params![camera, since.as_microsecond()],
                )?,
                None => connection
                    .execute("DELETE FROM view_unconfirmed WHERE camera = ?1", [camera])?,
            };
            trim(connection)
        })
    }

    /// Leaves nothing in the files of what was kept of views before: overwritten rows are zeros already,
    /// and now the log that led to them is empty.
    ///
    /// # Errors
    /// Somebody reads all the while, or the disk fails: try again.
    pub fn forget_overwritten_views(&mut self) -> Result<(), StoreError> {
        let emptied = self.connection.busy_timeout(READERS_MAX).and_then(|()| {
            let busy: i64 =
                self.connection
                    .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
            match busy {
                0 => Ok(()),
                _ => Err(rusqlite::Error::SqliteFailure(code, None)),
            }
        });
        let waits = self.connection.busy_timeout(BUSY_TIMEOUT);
        self.or_views(emptied.and(waits))
    }

    /// What is overwritten here is zeros afterwards: a privacy mask may be newer than a picture.
    fn views(
        &mut self,
        keep: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<(), StoreError> {
        let kept = self
            .connection
            .pragma_update(None, "secure_delete", true)
            .and_then(|()| in_transaction(&mut self.connection, keep));
        // Everything else goes by the thousand, and is not worth writing twice.
        let usual = self.connection.pragma_update(None, "secure_delete", false);
        self.or_views(kept.and(usual))
    }

    fn or_views(&self, outcome: rusqlite::Result<()>) -> Result<(), StoreError> {
        outcome.map_err(|source| {
            StoreError::or_full(&self.path, source, |path, source| StoreError::Views {
                path,
                source,
            })
        })
    }
}

fn put_reference(connection: &Connection, row: &ReferenceRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO view_reference (camera, taken_us, why, by,
               zone_version, width_px, height_px, luma, shown, clear)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            row.camera,
            row.facts.taken_at.as_microsecond(),
            row.facts.why.as_str(),
            row.facts.by,
            row.facts.zone_version,
            row.width_px,
            row.height_px,
            row.luma,
            row.shown,
            row.clear,
        ])
        .map(drop)
}

fn put_learned(
    connection: &Connection,
    camera: &str,
    at: Timestamp,
    learned: &[u8],
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO view_learned (camera, at_us, learned) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![camera, at.as_microsecond(), learned])
        .map(drop)
}

fn trim(connection: &Connection) -> rusqlite::Result<()> {
    for (table, at) in [
        ("view_reference", "taken_us"),
        ("view_learned", "at_us"),
        ("view_unconfirmed", "since_us"),
    ] {
        let sql = format!(
            "DELETE FROM {table} WHERE camera IN
               (SELECT camera FROM {table} ORDER BY {at} DESC LIMIT -1 OFFSET ?1)"
        );
        connection.execute(&sql, [VIEWS_KEPT])?;
    }
    Ok(())
}

impl StoreReader {
    /// The references of all cameras.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn view_references(&self) -> Result<Vec<ReferenceRow>, HistoryError> {
        let ask = |connection: &Connection| -> rusqlite::Result<Vec<ReferenceRow>> {
            connection
                .prepare(
                    "SELECT camera, taken_us, why, by, zone_version, width_px, height_px, luma,
                       shown, clear FROM view_reference ORDER BY camera",
                )?
                .query_map([], |row| {
                    let word: String = row.get(2)?;
                    let known = ReferenceWhy::ALL.into_iter().find(|why| why.as_str() == word);
                    Ok(ReferenceRow {
                        camera: row.get(0)?,
                        facts: ReferenceFacts {
                            taken_at: timestamp(1, row.get(1)?)?,
                            why: known.unwrap_or(ReferenceWhy::First),
                            by: row.get(3)?,
                            zone_version: row.get(4)?,
                        },
                        width_px: row.get(5)?,
                        height_px: row.get(6)?,
                        luma: row.get(7)?,
                        shown: row.get(8)?,
                        clear: row.get(9)?,
                    })
                })?
                .collect()
        };
        ask(&self.connection()).map_err(HistoryError::Views)
    }

    /// Cameras whose view has moved and that nobody has confirmed, and since when.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn views_unconfirmed(&self) -> Result<Vec<(String, Timestamp)>, HistoryError> {
        let ask = |connection: &Connection| -> rusqlite::Result<Vec<(String, Timestamp)>> {
            connection
                .prepare("SELECT camera, since_us FROM view_unconfirmed ORDER BY camera")?
                .query_map([], |row| Ok((row.get(0)?, timestamp(1, row.get(1)?)?)))?
                .collect()
        };
        ask(&self.connection()).map_err(HistoryError::Views)
    }

    /// What else was learned, by camera.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn view_learned(&self) -> Result<Vec<(String, Vec<u8>)>, HistoryError> {
        let ask = |connection: &Connection| -> rusqlite::Result<Vec<(String, Vec<u8>)>> {
            connection
                .prepare("SELECT camera, learned FROM view_learned ORDER BY camera")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        };
        ask(&self.connection()).map_err(HistoryError::Views)
    }
}
