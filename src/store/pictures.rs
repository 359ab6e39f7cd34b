//! Pictures of incidents in two versions: one in which nobody can be recognised, and the clear one.
//!
//! Not here: making them, and who may see which.

use rusqlite::{OptionalExtension, params};

use super::query::{HistoryError, StoreReader};
use super::{SNAPSHOT_BYTES_MAX, Store, StoreError};
use crate::engine::IncidentId;

impl Store {
    /// Keeps both versions of an incident's picture; as [`Store::put_snapshot`] the one that is
    /// counted and bounded is the pixelated one, and the clear one goes with it.
    ///
    /// # Errors
    /// As [`Store::put_snapshot`]; a picture that was kept only in part is shown to nobody.
    pub fn put_pixelated_snapshot(
        &mut self,
        incident: IncidentId,
        pixelated: &[u8],
        clear: &[u8],
    ) -> Result<(), StoreError> {
        let number = incident.0;
        if clear.is_empty() || clear.len() > SNAPSHOT_BYTES_MAX {
            return Err(StoreError::SnapshotSize { incident: number, bytes: clear.len() });
        }
        self.put_snapshot(incident, pixelated)?;
        let keep = |connection: &rusqlite::Connection| {
            let marked = connection
                .prepare_cached("UPDATE snapshot SET shows = 'pixelated' WHERE incident = ?1")?
                .execute(params![number])?;
            // A full store may have let it go at once.
            if marked > 0 {
                connection
                    .prepare_cached(
                        "INSERT OR REPLACE INTO snapshot_clear (incident, jpeg) VALUES (?1, ?2)",
                    )?
                    .execute(params![number, clear])?;
            }
            Ok(())
        };
        super::in_transaction(&mut self.connection, keep).map_err(|source| {
            StoreError::or_full(&self.path, source, |path, source| StoreError::Snapshot {
                path,
                incident: number,
                source,
            })
        })
    }
}

impl StoreReader {
    /// The picture in which nobody can be recognised; `None` also when there is only a clear one.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn pixelated_snapshot(&self, incident: u64) -> Result<Option<Vec<u8>>, HistoryError> {
        self.picture(
            incident,
            "SELECT jpeg FROM snapshot WHERE incident = ?1 AND shows = 'pixelated'",
        )
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
