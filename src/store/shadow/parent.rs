//! What a quantized model sees beside its parent, by recording.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::store::audit::{self, AuditEntry};
use crate::store::query::{HistoryError, StoreReader};
use crate::store::{Store, StoreError};

/// Recordings kept, of all models together; those of the model that came last are never forgotten for
/// it.
pub const PARENT_CHECKS_KEPT: i64 = 2_000;

/// One recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentCheck {
    pub name: String,
    pub sha256: String,
    /// The zones, as a digest.
    pub zones: String,
    /// JSON of whoever keeps it.
    pub counted: String,
}

/// All that a file has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentChecks {
    /// sha256 of the manifests of the quantized model and of its parent.
    pub package: String,
    pub parent: String,
    /// sha256 of the quantized model that was run.
    pub model: String,
    pub recordings: Vec<ParentCheck>,
    pub at: Timestamp,
}

/// A recording as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentCheckRow {
    pub id: u64,
    pub parent: String,
    pub model: String,
    pub check: ParentCheck,
}

impl Store {
    /// Keeps all of it and the audit entry, or nothing. What is known of a recording with the same zones
    /// is replaced. Returns the number of the last row.
    ///
    /// # Errors
    /// The disk is full or fails, or this model has more recordings than are kept.
    pub fn append_parent_checks(
        &mut self,
        checks: &ParentChecks,
        by: &str,
    ) -> Result<u64, StoreError> {
        let kept = self.shadow_work(|connection| append(connection, checks, by))?;
        kept.ok_or_else(|| StoreError::ParentChecksFull {
            path: self.path.clone(),
            most: PARENT_CHECKS_KEPT,
        })
    }
}

/// `None`: there is no room; then nothing may be kept.
fn append(
    connection: &Connection,
    checks: &ParentChecks,
    by: &str,
) -> rusqlite::Result<Option<u64>> {
    let ParentChecks { package, parent, model, recordings, at } = checks;
    let have: i64 = connection.query_row(
        "SELECT count(*) FROM parent_check WHERE package = ?1",
        [package],
        |row| row.get(0),
    )?;
    // Counted before: what is replaced is counted twice, which costs nobody anything.
    if have + i64::try_from(recordings.len()).unwrap_or(i64::MAX) > PARENT_CHECKS_KEPT {
        return Ok(None);
    }
    let mut last = 0;
    for one in recordings {
        last = connection
            .prepare_cached(
                "INSERT OR REPLACE INTO parent_check
                   (package, parent, model, name, sha256, zones, counted, by, kept_us)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id",
            )?
            .query_row(
                params![
                    package,
                    parent,
                    model,
                    one.name,
                    one.sha256,
                    one.zones,
                    one.counted,
                    by,
                    at.as_microsecond()
                ],
                |row| row.get(0),
            )?;
    }
    connection.execute(
        "DELETE FROM parent_check WHERE id IN (
           SELECT id FROM parent_check WHERE package <> ?1 ORDER BY id
           LIMIT max(0, (SELECT count(*) FROM parent_check) - ?2))",
        params![package, PARENT_CHECKS_KEPT],
    )?;
    let entry = AuditEntry {
        at: *at,
        by: by.to_owned(),
        action: "parent_check_kept".into(),
        subject: format!("model {package}"),
        detail: serde_json::json!({ "parent": parent, "recordings": recordings.len() }).to_string(),
    };
    audit::append(connection, &entry)?;
    Ok(Some(last))
}

impl StoreReader {
    /// What is kept of a package, by the digest of its manifest; oldest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn parent_checks(&self, package: &str) -> Result<Vec<ParentCheckRow>, HistoryError> {
        let ask = |connection: &Connection| -> rusqlite::Result<Vec<ParentCheckRow>> {
            connection
                .prepare_cached(
                    "SELECT id, parent, model, name, sha256, zones, counted FROM parent_check
                     WHERE package = ?1 ORDER BY id",
                )?
                .query_map([package], |row| {
                    Ok(ParentCheckRow {
                        id: row.get(0)?,
                        parent: row.get(1)?,
                        model: row.get(2)?,
                        check: ParentCheck {
                            name: row.get(3)?,
                            sha256: row.get(4)?,
                            zones: row.get(5)?,
                            counted: row.get(6)?,
                        },
                    })
                })?
                .collect()
        };
        ask(&self.connection()).map_err(HistoryError::Evidence)
    }
}
