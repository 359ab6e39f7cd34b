//! Pictures of incidents: what everybody may see of one, with how much of people it hides, and beside
//! it the clear one. Both, their digests and the audit entry are kept together or not at all.
//!
//! A picture knows what it hides: when the configuration says later that more is to be hidden, it is
//! not shown as if it did.
//!
//! Not here: making them, and who may see which.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde_json::json;

use super::query::{HistoryError, StoreReader};
use super::{SNAPSHOT_BYTES_MAX, Store, StoreError, evidence, retention};
use crate::clock;
use crate::config::Privacy;
use crate::digest::sha256_of;
use crate::engine::IncidentId;

/// How much of people a picture hides; a later one hides more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hides {
    Heads,
    Persons,
}

impl Hides {
    /// What is hidden where this is configured; `None` for nothing.
    pub fn of(privacy: Privacy) -> Option<Hides> {
        match privacy {
            Privacy::Off => None,
            Privacy::Heads => Some(Hides::Heads),
            Privacy::Persons => Some(Hides::Persons),
        }
    }

    /// As it is configured.
    pub fn as_str(self) -> &'static str {
        match self {
            Hides::Heads => "heads",
            Hides::Persons => "persons",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Hides> {
        [Hides::Heads, Hides::Persons].into_iter().find(|hides| hides.as_str() == text)
    }
}

/// A picture of an incident to be kept, in both versions.
#[derive(Clone, Copy, Debug)]
pub struct Pixelated<'a> {
    pub hides: Hides,
    pub jpeg: &'a [u8],
    /// The same with nobody hidden.
    pub clear: &'a [u8],
}

/// A picture to be kept, in as many versions as there are.
#[derive(Clone, Copy)]
struct NewPicture<'a> {
    jpeg: &'a [u8],
    beside: Option<(Hides, &'a [u8])>,
}

/// Whether the incident was there.
enum PictureKept {
    Yes,
    NoIncident,
}

impl Store {
    /// Keeps the picture of an incident in which nobody is hidden; a second one for the same incident
    /// replaces the first. The oldest pictures go when there are more than
    /// [`super::SNAPSHOTS_KEPT`] or they have more than [`super::SNAPSHOT_BYTES_KEPT`] together, clear ones
    /// counted.
    ///
    /// # Errors
    /// The incident is not in the store, the picture is empty or larger than [`SNAPSHOT_BYTES_MAX`],
    /// or the disk is full or fails.
    pub fn put_snapshot(&mut self, incident: IncidentId, jpeg: &[u8]) -> Result<(), StoreError> {
        self.put_picture(incident.0, NewPicture { jpeg, beside: None })
    }

    /// Keeps both versions of an incident's picture, or neither.
    ///
    /// # Errors
    /// As [`Store::put_snapshot`].
    pub fn put_pixelated_snapshot(
        &mut self,
        incident: IncidentId,
        picture: Pixelated<'_>,
    ) -> Result<(), StoreError> {
        let Pixelated { hides, jpeg, clear } = picture;
        self.put_picture(incident.0, NewPicture { jpeg, beside: Some((hides, clear)) })
    }

    fn put_picture(&mut self, incident: u64, picture: NewPicture<'_>) -> Result<(), StoreError> {
        let clear = picture.beside.map(|(_, clear)| clear);
        for bytes in [Some(picture.jpeg), clear].into_iter().flatten().map(<[u8]>::len) {
            if bytes == 0 || bytes > SNAPSHOT_BYTES_MAX {
                return Err(StoreError::SnapshotSize { incident, bytes });
            }
        }
        match write(&mut self.connection, incident, picture) {
            Ok(PictureKept::Yes) => Ok(()),
            Ok(PictureKept::NoIncident) => {
                Err(StoreError::NoIncident { path: self.path.clone(), incident })
            }
            Err(source) => Err(StoreError::or_full(&self.path, source, |path, source| {
                StoreError::Snapshot { path, incident, source }
            })),
        }
    }
}

fn write(
    connection: &mut Connection,
    incident: u64,
    picture: NewPicture<'_>,
) -> rusqlite::Result<PictureKept> {
    let NewPicture { jpeg, beside } = picture;
    let (sha256, clear_sha256) = (sha256_of(jpeg), beside.map(|(_, clear)| sha256_of(clear)));
    let (shows, hides, clear_bytes) = match beside {
        None => ("clear", None, 0),
        Some((hides, clear)) => ("pixelated", Some(hides.as_str()), clear.len()),
    };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // With the clear one of before.
    transaction
        .prepare_cached("DELETE FROM snapshot WHERE incident = ?1")?
        .execute(params![incident])?;
    let kept = transaction
        .prepare_cached(
            "INSERT INTO snapshot (incident, bytes, jpeg, sha256, shows, hides, clear_bytes)
             SELECT id, length(?2), ?2, ?3, ?4, ?5, ?6 FROM incident WHERE id = ?1",
        )?
        .execute(params![incident, jpeg, sha256, shows, hides, clear_bytes])?;
    if kept == 0 {
        return Ok(PictureKept::NoIncident);
    }
    if let Some((_, clear)) = beside {
        transaction
            .prepare_cached(
                "INSERT INTO snapshot_clear (incident, jpeg, sha256) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![incident, clear, clear_sha256])?;
    }
    let told = json!({
        "sha256": sha256, "bytes": jpeg.len(), "hidden": hides.unwrap_or("off"),
        "clear_sha256": clear_sha256, "clear_bytes": beside.map(|(_, clear)| clear.len()),
    });
    evidence::note_snapshot(&transaction, incident, told, clock::wall())?;
    retention::trim_snapshots(
        &transaction,
        retention::SNAPSHOTS_KEPT,
        retention::SNAPSHOT_BYTES_KEPT,
    )?;
    transaction.commit()?;
    Ok(PictureKept::Yes)
}

impl StoreReader {
    /// The picture of an incident as everybody may see it where this is configured; `None` also when
    /// what is kept hides less than that.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn shown_snapshot(
        &self,
        incident: u64,
        privacy: Privacy,
    ) -> Result<Option<Vec<u8>>, HistoryError> {
        match privacy {
            Privacy::Off => self.snapshot(incident),
            Privacy::Heads => self.picture(
                incident,
                "SELECT jpeg FROM snapshot WHERE incident = ?1 AND shows = 'pixelated'",
            ),
            Privacy::Persons => self.picture(
                incident,
                "SELECT jpeg FROM snapshot
                 WHERE incident = ?1 AND shows = 'pixelated' AND hides = 'persons'",
            ),
        }
    }

    /// The clear picture.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn clear_snapshot(&self, incident: u64) -> Result<Option<Vec<u8>>, HistoryError> {
        self.picture(
            incident,
            "SELECT jpeg FROM snapshot_clear WHERE incident = ?1
             UNION ALL SELECT jpeg FROM snapshot WHERE incident = ?1 AND shows = 'clear' LIMIT 1",
        )
    }

    fn picture(&self, incident: u64, sql: &str) -> Result<Option<Vec<u8>>, HistoryError> {
        let Ok(number) = i64::try_from(incident) else {
            return Ok(None);
        };
        let connection = self.connection();
        let found = connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row([number], |row| row.get(0)).optional());
        found.map_err(|source| HistoryError::Snapshot { incident, source })
    }
}
