//! What a quantized model sees beside its parent, by recording.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::store::audit::{self, AuditEntry};
use crate::store::query::{HistoryError, StoreReader};
use crate::store::{Store, StoreError};

/// Recordings kept, of all models together; those of the model that came last are never forgotten for
/// it, and those of others all at once: what speaks against one must not go before what speaks for it.
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
    /// For the audit log: most pictures lost in a zone.
    pub lost_most: usize,
}

/// All that a file has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentChecks {
    /// sha256 of the manifests of the quantized model and of its parent.
    pub package: String,
    pub parent: String,
    /// sha256 of the quantized model that was run.
    pub model: String,
    /// How it was looked, JSON of whoever keeps it.
    pub settings: String,
    pub recordings: Vec<ParentCheck>,
    /// When both were looked through, and when that came here.
    pub made_at: Timestamp,
    pub at: Timestamp,
}

/// A recording as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentCheckRow {
    pub id: u64,
    pub parent: String,
    pub model: String,
    pub settings: String,
    pub name: String,
    pub sha256: String,
    pub zones: String,
    pub counted: String,
}

/// What came of it.
enum Appended {
    Kept,
    Full,
    /// It has as new a one of this recording.
    Older(String),
}

impl Store {
    /// Keeps all of it and the audit entry, or nothing. What is known of a recording with the same zones
    /// beside the same parent, looked at in the same way, is replaced.
    ///
    /// # Errors
    /// The disk is full or fails, this model has more recordings than are kept, or what is kept of one of
    /// them is as new.
    pub fn append_parent_checks(
        &mut self,
        checks: &ParentChecks,
        by: &str,
    ) -> Result<(), StoreError> {
        let path = self.path.clone();
        match self.shadow_work(|connection| append(connection, checks, by))? {
            Appended::Kept => Ok(()),
            Appended::Full => Err(StoreError::ParentChecksFull { path, most: PARENT_CHECKS_KEPT }),
            Appended::Older(recording) => Err(StoreError::ParentCheckOlder { path, recording }),
        }
    }
}

/// Writes nothing unless all of it is kept.
fn append(connection: &Connection, checks: &ParentChecks, by: &str) -> rusqlite::Result<Appended> {
    let mut fresh: i64 = 0;
    for one in &checks.recordings {
        match made(connection, checks, one)? {
            Some(made_us) if made_us >= checks.made_at.as_microsecond() => {
                return Ok(Appended::Older(one.name.clone()));
            }
            Some(_) => {}
            None => fresh += 1,
        }
    }
    let have: i64 = connection.query_row(
        "SELECT count(*) FROM parent_check WHERE package = ?1",
        [&checks.package],
        |row| row.get(0),
    )?;
    if have + fresh > PARENT_CHECKS_KEPT {
        return Ok(Appended::Full);
    }
    for one in &checks.recordings {
        insert(connection, checks, one, by)?;
    }
    make_room(connection, &checks.package)?;
    let recordings = checks.recordings.iter().map(|one| {
        serde_json::json!({
            "name": one.name, "sha256": one.sha256, "zones": one.zones, "lost_most": one.lost_most,
        })
    });
    let recordings: Vec<serde_json::Value> = recordings.take(AUDITED_MAX).collect();
    let entry = AuditEntry {
        at: checks.at,
        by: by.to_owned(),
        action: "parent_check_kept".into(),
        subject: format!("model {}", checks.package),
        detail: serde_json::json!({
            "parent": checks.parent, "model": checks.model, "recordings": checks.recordings.len(),
            "first": recordings,
        })
        .to_string(),
    };
    audit::append(connection, &entry)?;
    Ok(Appended::Kept)
}

/// Recordings that an audit entry names.
const AUDITED_MAX: usize = 20;

/// When the one that would be replaced was made.
fn made(
    connection: &Connection,
    checks: &ParentChecks,
    one: &ParentCheck,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "SELECT made_us FROM parent_check WHERE package = ?1 AND parent = ?2 AND model = ?3
             AND sha256 = ?4 AND zones = ?5 AND settings = ?6",
        )?
        .query_row(
            params![
                checks.package,
                checks.parent,
                checks.model,
                one.sha256,
                one.zones,
                checks.settings
            ],
            |row| row.get(0),
        )
        .optional()
}

fn insert(
    connection: &Connection,
    checks: &ParentChecks,
    one: &ParentCheck,
    by: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO parent_check (package, parent, model, settings, made_us, name,
               sha256, zones, counted, by, kept_us)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            checks.package,
            checks.parent,
            checks.model,
            checks.settings,
            checks.made_at.as_microsecond(),
            one.name,
            one.sha256,
            one.zones,
            one.counted,
            by,
            checks.at.as_microsecond()
        ])
        .map(drop)
}

/// Forgets whole models, the one that was looked at longest ago first.
fn make_room(connection: &Connection, keep: &str) -> rusqlite::Result<()> {
    loop {
        let gone = connection.execute(
            "DELETE FROM parent_check WHERE (SELECT count(*) FROM parent_check) > ?2
             AND package = (SELECT package FROM parent_check WHERE package <> ?1
                            GROUP BY package ORDER BY max(id) LIMIT 1)",
            params![keep, PARENT_CHECKS_KEPT],
        )?;
        if gone == 0 {
            return Ok(());
        }
    }
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
                    "SELECT id, parent, model, settings, name, sha256, zones, counted FROM parent_check
                     WHERE package = ?1 ORDER BY id",
                )?
                .query_map([package], |row| {
                    Ok(ParentCheckRow {
                        id: row.get(0)?,
                        parent: row.get(1)?,
                        model: row.get(2)?,
                        settings: row.get(3)?,
                        name: row.get(4)?,
                        sha256: row.get(5)?,
                        zones: row.get(6)?,
                        counted: row.get(7)?,
                    })
                })?
                .collect()
        };
        ask(&self.connection()).map_err(HistoryError::Evidence)
    }
}
