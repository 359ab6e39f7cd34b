//! Evidence of incidents: which clips there are, what pins them, and what goes to make room.
//!
//! The clips are files in [`FOLDER`] beside the database; this room knows their names, sizes and
//! digests, and never touches one. A file is complete and has its last name before its row is
//! written, and its row says removed before it goes: what a crash leaves over is a file without a
//! row, which whoever owns the folder removes at the start.
//!
//! Terms: **lost** is what should have been kept and is not, with the reason; **removed** is what
//! made room; **gone** is a clip whose file is not there though nobody removed it here: that is lost
//! too, until the file is back; **pinned** is what a person said must stay.
//!
//! A clip is **clear**, or **hidden**: nobody can be recognised in it. Usually there are both.
//!
//! Not here: writing, hashing and removing files (`guard::clips`).

mod gone;
mod hidden;
mod read;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde_json::{Value, json};

use super::audit::{self, AuditEntry};
use super::pictures::Hides;
use super::zones::BY_BOX;
use super::{Store, StoreError, retention};
use crate::digest::sha256_of;
use crate::engine::IncidentId;

pub use self::hidden::NewHidden;
pub use self::read::{
    ClearFacts, ClipRow, EvidenceRow, EvidenceState, HiddenFile, KeptClip, Pin, Shows,
    SnapshotFacts, Track, Whereabouts,
};

/// The clips' folder, inside the store's.
pub const FOLDER: &str = "evidence";

/// Clips marked as removed in one transaction.
const REMOVED_AT_ONCE: u32 = 64;

/// Longest reason of a loss that is kept, characters.
const REASON_CHARS_MAX: usize = 300;

/// A clip that lies in the folder under its last name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewClip {
    pub incident: IncidentId,
    /// From 1.
    pub part: u32,
    pub file: String,
    pub bytes: u64,
    /// Hex.
    pub sha256: String,
    /// When its first and its last picture were captured.
    pub from: Timestamp,
    pub to: Timestamp,
    pub longest_gap_ms: u64,
    pub pictures: u32,
    pub codec: String,
    pub shows: Shows,
    /// What of people it hides, of a hidden one; `None`: what is masked only.
    pub hides: Option<Hides>,
    pub hidden: HiddenCopy,
    /// Who was seen where, as JSON.
    pub track: Option<String>,
    pub at: Timestamp,
}

/// Whether a hidden clip is to come beside a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HiddenCopy {
    None,
    Awaited,
}

/// Whether what was to be kept found its incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Yes,
    /// It is not in the store (yet, or no more).
    NoIncident,
}

/// What a pin, or its end, found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pinning {
    Done,
    /// It was so already; nothing was changed.
    AsBefore,
    NoIncident,
}

/// What evidence may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    pub bytes_max: u64,
    /// Of incidents that began before, evidence goes; `None` while the clock is not trusted.
    pub not_before: Option<Timestamp>,
}

/// What is to go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retired {
    /// Names of files whose rows say removed.
    pub files: Vec<String>,
    /// Pictures that went with their rows.
    pub snapshots: usize,
    /// Bytes of clips that stay because they are pinned.
    pub pinned_bytes: u64,
}

impl Store {
    /// Keeps a clip's row, and its digest in the audit log, or neither. One that stands already
    /// changes nothing.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn put_clip(&mut self, clip: &NewClip) -> Result<Kept, StoreError> {
        self.evidence(|connection| {
            let Some(of) = incident_facts(connection, clip.incident)? else {
                return Ok(Kept::NoIncident);
            };
            let added = connection
                .prepare_cached(
                    "INSERT INTO clip (incident, part, kept_us, file, bytes, sha256, from_us, to_us,
                       longest_gap_ms, pictures, codec, shows, hides)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
                     ON CONFLICT (incident, part) DO NOTHING",
                )?
                .execute(params![
                    clip.incident.0,
                    clip.part,
                    clip.at.as_microsecond(),
                    clip.file,
                    clip.bytes,
                    clip.sha256,
                    clip.from.as_microsecond(),
                    clip.to.as_microsecond(),
                    clip.longest_gap_ms,
                    clip.pictures,
                    clip.codec,
                    clip.shows.as_str(),
                    clip.hides.map(Hides::as_str)
                ])?;
            if added > 0 {
                let track = put_beside(connection, clip)?;
                let mut detail = json!({
                    "sha256": clip.sha256, "file": clip.file, "bytes": clip.bytes,
                    "shows": clip.shows.as_str(), "from": clip.from, "to": clip.to,
                    "camera": of.camera, "model": of.model_digest, "zones": of.zone_revision,
                });
                if let Some(track) = track {
                    detail["track"] = Value::String(track);
                }
                note(connection, "clip_kept", clip.incident, &detail.to_string(), clip.at)?;
            }
            Ok(Kept::Yes)
        })
    }

    /// Notes that there is no clip, and why.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn put_clip_lost(
        &mut self,
        incident: IncidentId,
        part: u32,
        why: &str,
        at: Timestamp,
    ) -> Result<Kept, StoreError> {
        let why: String = why.chars().take(REASON_CHARS_MAX).collect();
        self.evidence(|connection| {
            if incident_facts(connection, incident)?.is_none() {
                return Ok(Kept::NoIncident);
            }
            connection
                .prepare_cached(
                    "INSERT INTO clip (incident, part, kept_us, lost) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (incident, part) DO NOTHING",
                )?
                .execute(params![incident.0, part, at.as_microsecond(), why])?;
            Ok(Kept::Yes)
        })
    }

    /// Incidents of earlier lives, up to that one, that have no clip will get none.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn close_clips(
        &mut self,
        up_to: IncidentId,
        why: &str,
        at: Timestamp,
    ) -> Result<usize, StoreError> {
        self.evidence(|connection| {
            hidden::close(connection, up_to, why)?;
            let closed = connection.execute(
                "INSERT INTO clip (incident, part, kept_us, lost)
                 SELECT id, 1, ?1, ?2 FROM incident
                 WHERE id > (SELECT incident FROM clip_since) AND id <= ?3 AND ended_us IS NOT NULL
                   AND NOT EXISTS (SELECT 1 FROM clip WHERE clip.incident = incident.id)",
                params![at.as_microsecond(), why, up_to.0],
            )?;
            Ok(closed)
        })
    }

    /// Pins an incident's evidence: it stays whatever its age and size. Its reason is kept, and both
    /// stand in the audit log.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn pin(
        &mut self,
        incident: IncidentId,
        by: &str,
        reason: &str,
        at: Timestamp,
    ) -> Result<Pinning, StoreError> {
        self.evidence(|connection| {
            if incident_facts(connection, incident)?.is_none() {
                return Ok(Pinning::NoIncident);
            }
            let added = connection.execute(
                "INSERT INTO pin (incident, by, at_us, reason) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (incident) DO NOTHING",
                params![incident.0, by, at.as_microsecond(), reason],
            )?;
            if added == 0 {
                return Ok(Pinning::AsBefore);
            }
            let detail = json!({ "reason": reason }).to_string();
            pinning(connection, "evidence_pinned", by, incident, detail, at)
        })
    }

    /// Takes the pin off.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn unpin(
        &mut self,
        incident: IncidentId,
        by: &str,
        at: Timestamp,
    ) -> Result<Pinning, StoreError> {
        self.evidence(|connection| {
            if incident_facts(connection, incident)?.is_none() {
                return Ok(Pinning::NoIncident);
            }
            if connection.execute("DELETE FROM pin WHERE incident = ?1", [incident.0])? == 0 {
                return Ok(Pinning::AsBefore);
            }
            pinning(connection, "evidence_unpinned", by, incident, String::new(), at)
        })
    }

    /// Marks what is too old, then the oldest of what is too much, as removed; never what is pinned.
    /// At most a portion: ask again until nothing comes.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn retire_evidence(&mut self, room: Room, at: Timestamp) -> Result<Retired, StoreError> {
        self.evidence(|connection| {
            let before_us = room.not_before.map(Timestamp::as_microsecond);
            // Newest first, what is pinned counts and stays: what lies below the room goes.
            let mut statement = connection.prepare_cached(
                "WITH there AS (
                   SELECT clip.id AS clip, iif(clip.lost IS NULL, coalesce(clip.bytes, 0), 0)
                     + iif(it.file IS NOT NULL AND it.lost IS NULL, it.bytes, 0) AS bytes
                   FROM clip INDEXED BY clip_there
                   LEFT JOIN clip_hidden AS it ON it.clip = clip.id
                   WHERE clip.removed_us IS NULL AND ((clip.lost IS NULL AND clip.bytes IS NOT NULL)
                     OR (it.file IS NOT NULL AND it.lost IS NULL))),
                 kept AS (
                   SELECT clip.id, clip.incident, incident.started_us,
                     sum(there.bytes) OVER (ORDER BY pin.incident IS NULL, clip.id DESC) AS total,
                     pin.incident IS NOT NULL AS pinned
                   FROM there JOIN clip ON clip.id = there.clip
                   JOIN incident ON incident.id = clip.incident
                   LEFT JOIN pin ON pin.incident = clip.incident)
                 SELECT id FROM kept WHERE NOT pinned AND (started_us < ?1 OR total > ?2)
                 ORDER BY id LIMIT ?3",
            )?;
            let clips: Vec<i64> = statement
                .query_map(params![before_us, room.bytes_max, REMOVED_AT_ONCE], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            let (mut files, removed) = (Vec::new(), clips.len());
            for clip in clips {
                files.extend(hidden::remove(connection, clip, at)?);
            }
            let snapshots = connection
                .prepare_cached(
                    "DELETE FROM snapshot WHERE id IN (
                       SELECT snapshot.id FROM snapshot
                       JOIN incident ON incident.id = snapshot.incident
                       WHERE started_us < ?1 AND incident.id NOT IN (SELECT incident FROM pin)
                       ORDER BY snapshot.id LIMIT ?2)",
                )?
                .execute(params![before_us, REMOVED_AT_ONCE])?;
            retention::count(connection, "clip", removed)?;
            retention::count(connection, "snapshot", snapshots)?;
            let pinned_bytes =
                connection.prepare_cached(read::PINNED_BYTES)?.query_row([], |row| row.get(0))?;
            Ok(Retired { files, snapshots, pinned_bytes })
        })
    }

    /// All of it or nothing.
    fn evidence<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, Unkept>,
    ) -> Result<T, StoreError> {
        let Store { connection, path, .. } = self;
        let keep = || -> Result<T, Unkept> {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let outcome = work(&transaction)?;
            transaction.commit()?;
            Ok(outcome)
        };
        keep().map_err(|unkept| match unkept {
            Unkept::Row(source) => StoreError::or_full(path, source, |path, source| {
                StoreError::Evidence { path, source }
            }),
            Unkept::Entry(source) => {
                StoreError::or_full(path, source, |path, source| StoreError::Audit { path, source })
            }
        })
    }
}

/// Why something is not kept.
enum Unkept {
    Row(rusqlite::Error),
    /// Its entry in the audit log could not be written, which is no fault of the row.
    Entry(rusqlite::Error),
}

impl From<rusqlite::Error> for Unkept {
    fn from(error: rusqlite::Error) -> Unkept {
        Unkept::Row(error)
    }
}

/// What goes with a new clip; the digest of its track.
fn put_beside(connection: &Connection, clip: &NewClip) -> rusqlite::Result<Option<String>> {
    let id = connection.last_insert_rowid();
    match clip.hidden {
        HiddenCopy::Awaited => {
            connection
                .prepare_cached("INSERT INTO clip_hidden (clip) VALUES (?1)")?
                .execute([id])?;
        }
        HiddenCopy::None => {}
    }
    let Some(json) = &clip.track else {
        return Ok(None);
    };
    let digest = sha256_of(json);
    connection
        .prepare_cached("INSERT INTO clip_track (clip, json, sha256) VALUES (?1, ?2, ?3)")?
        .execute(params![id, json, digest])?;
    Ok(Some(digest))
}

/// What evidence belongs to.
struct IncidentFacts {
    camera: String,
    model_digest: String,
    zone_revision: String,
}

fn incident_facts(
    connection: &Connection,
    incident: IncidentId,
) -> rusqlite::Result<Option<IncidentFacts>> {
    connection
        .prepare_cached("SELECT camera, model_digest, zone_revision FROM incident WHERE id = ?1")?
        .query_row([incident.0], |row| {
            Ok(IncidentFacts {
                camera: row.get(0)?,
                model_digest: row.get(1)?,
                zone_revision: row.get(2)?,
            })
        })
        .optional()
}

/// What is told of an incident's picture in the audit log, within the caller's transaction.
pub(super) fn note_snapshot(
    connection: &Connection,
    incident: u64,
    mut told: serde_json::Value,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let incident = IncidentId(incident);
    let Some(of) = incident_facts(connection, incident)? else {
        return Ok(());
    };
    told["camera"] = of.camera.into();
    told["model"] = of.model_digest.into();
    told["zones"] = of.zone_revision.into();
    audit::append(connection, &entry_of("snapshot_kept", incident, &told.to_string(), at))
}

fn note(
    connection: &Connection,
    action: &str,
    incident: IncidentId,
    detail: &str,
    at: Timestamp,
) -> Result<(), Unkept> {
    let entry = entry_of(action, incident, detail, at);
    audit::append(connection, &entry).map_err(Unkept::Entry)
}

/// What the box itself did.
fn entry_of(action: &str, incident: IncidentId, detail: &str, at: Timestamp) -> AuditEntry {
    let subject = format!("incident {}", incident.0);
    let (by, action, detail) = (BY_BOX.into(), action.into(), detail.into());
    AuditEntry { at, by, action, subject, detail }
}

fn pinning(
    connection: &Connection,
    action: &str,
    by: &str,
    incident: IncidentId,
    detail: String,
    at: Timestamp,
) -> Result<Pinning, Unkept> {
    let subject = format!("incident {}", incident.0);
    let entry = AuditEntry { at, by: by.into(), action: action.into(), subject, detail };
    audit::append(connection, &entry).map_err(Unkept::Entry)?;
    Ok(Pinning::Done)
}
