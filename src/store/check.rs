//! Whether a store is what this program would have written: its invariants, each asked of the file.
//!
//! For people (`standclear check`) and for tests that kill the box. Reads only, in one view of the
//! file, so a box may go on writing; it reads everything, so it takes a while on a large store, and
//! so long what the box writes stays in the write-ahead log, which grows.
//!
//! What was removed to keep the store bounded is not missed: an invariant speaks of what both sides
//! still have to know.
//!
//! Not here: repairing anything, and the hash chain of the audit log itself (`audit::verify`).

mod clips;
mod examples;
mod held;
mod pictures;

use std::path::Path;

use rusqlite::Connection;

use super::audit::{AuditReader, Checked};
use super::query::{HistoryError, read_only};
use super::retention::{ALARMS_KEPT, INCIDENTS_KEPT};
use super::zones::text_digest;
use super::{FILE_NAME, SCHEMA, StoreError};

/// Violations shown of one invariant; the others are counted.
pub const SHOWN_MAX: usize = 10;

/// What one invariant was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What must hold, as a sentence.
    pub holds: &'static str,
    /// Where it does not, the first [`SHOWN_MAX`] of them; empty when it holds.
    pub broken: Vec<String>,
    /// How many there are in all.
    pub count: usize,
}

impl Finding {
    pub fn is_broken(&self) -> bool {
        self.count > 0
    }

    fn of(holds: &'static str, mut broken: Vec<String>) -> Finding {
        let count = broken.len();
        broken.truncate(SHOWN_MAX);
        Finding { holds, broken, count }
    }
}

/// Why a store could not be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "the store {path} has schema {found}, this program checks schema {SCHEMA}; start the box \
         once with this program, which brings it there, or check it with the program that wrote it",
        path = .path.display()
    )]
    OtherSchema { path: std::path::PathBuf, found: i64 },
    #[error("the store could not be read to its end while asking whether {holds}")]
    Ask {
        holds: &'static str,
        #[source]
        source: rusqlite::Error,
    },
    #[error(transparent)]
    Audit(#[from] HistoryError),
    #[error("the folder {path} could not be read", path = .path.display())]
    Folder {
        path: std::path::PathBuf,
        #[source]
        source: std::io::Error,
    },
}

/// A sentence and the query that lists, in words, where it is not so.
struct Invariant {
    holds: &'static str,
    sql: &'static str,
}

/// Asked in this order. `:incidents` and `:alarms` are the numbers below which rows may have gone.
const INVARIANTS: &[Invariant] = &[
    Invariant {
        holds: "every row that names another one finds it",
        sql: "SELECT \"table\" || ' row ' || coalesce(rowid, '?') || ' names a row of ' || parent
                || ' that is not there'
              FROM pragma_foreign_key_check",
    },
    Invariant {
        holds: "every incident stands in the event log",
        sql: "SELECT 'incident ' || id FROM (
                SELECT id FROM incident
                WHERE id >= (SELECT min(incident) FROM event WHERE kind = 'incident_started')
                EXCEPT SELECT incident FROM event WHERE kind = 'incident_started')",
    },
    Invariant {
        holds: "every incident of the event log stands in the list of incidents",
        sql: "SELECT 'incident ' || incident FROM (
                SELECT incident FROM event WHERE kind = 'incident_started' AND incident > :incidents
                EXCEPT SELECT id FROM incident)",
    },
    Invariant {
        holds: "every alarm of the event log stands in the list of alarms",
        sql: "SELECT 'alarm ' || alarm FROM (
                SELECT alarm FROM event WHERE kind = 'alarm' AND alarm > :alarms
                EXCEPT SELECT id FROM alarm)",
    },
    Invariant {
        holds: "an alarm is in the state that was told of it last",
        sql: "SELECT 'alarm ' || alarm.id || ' is ' || alarm.state
              FROM (SELECT alarm AS number, max(id) AS newest FROM event WHERE kind = 'alarm'
                    GROUP BY alarm) AS told
              JOIN event ON event.id = told.newest
              JOIN alarm ON alarm.id = told.number
              WHERE instr(char(10) || event.detail || char(10),
                          char(10) || 'state=' || alarm.state || char(10)) = 0",
    },
    Invariant {
        holds: "one thing has one open alarm",
        sql: "SELECT count(*) || ' open alarms of ' || source || ' ' || subject FROM alarm
              WHERE state <> 'normal' GROUP BY source, subject HAVING count(*) > 1",
    },
    Invariant {
        holds: "an alarm that is kept quiet is so by somebody",
        sql: "SELECT 'alarm ' || id || ' is ' || state || ' by nobody' FROM alarm
              WHERE state IN ('shelved', 'out_of_service') AND NOT EXISTS (
                SELECT 1 FROM inhibition AS it WHERE it.kind = alarm.state
                  AND it.source = alarm.source AND it.subject = alarm.subject)",
    },
    Invariant {
        holds: "an alarm that waits for an answer has none",
        sql: "SELECT 'alarm ' || id || ' waits and was answered by ' || acknowledged_by FROM alarm
              WHERE state = 'unacknowledged' AND acknowledged_by IS NOT NULL",
    },
    Invariant {
        holds: "every answer stands in the audit log",
        sql: "SELECT 'alarm ' || alarm || ' was answered ' || count(*) || ' times'
              FROM event WHERE kind = 'acknowledged' GROUP BY alarm
              HAVING count(*) > (SELECT count(*) FROM audit
                WHERE action = 'alarm_acknowledged' AND subject = 'alarm ' || event.alarm)",
    },
    Invariant {
        holds: "an incident has as many entries as were told, and the first",
        sql: "SELECT 'incident ' || incident || ' has ' || count(*) || ' further entries'
              FROM entry GROUP BY incident
              HAVING count(*) + 1 > (SELECT entries FROM incident WHERE id = entry.incident)",
    },
    Invariant {
        holds: "a zone has one incident at a time",
        sql: "SELECT 'zone ' || zone || ' has ' || count(*) || ' open incidents' FROM incident
              WHERE ended_us IS NULL GROUP BY zone HAVING count(*) > 1",
    },
    Invariant {
        holds: "an incident names an alarm that is there",
        sql: "SELECT 'incident ' || id || ' names alarm ' || alarm FROM incident
              WHERE alarm > :alarms AND alarm NOT IN (SELECT id FROM alarm)",
    },
    Invariant {
        holds: "a message is told from every other by key and version",
        sql: "SELECT key || ' has version ' || version || ' ' || count(*) || ' times' FROM outbox
              GROUP BY key, version HAVING count(*) > 1",
    },
    Invariant {
        holds: "no channel has got further than there were messages",
        sql: "SELECT channel || ' has got to ' || class || ' ' || position FROM outbox_cursor
              WHERE position > coalesce(
                (SELECT seq FROM sqlite_sequence WHERE name = 'outbox'), 0)",
    },
    Invariant {
        holds: "a clip's digest stands in the audit log",
        sql: "SELECT file FROM clip WHERE file IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM audit WHERE action = 'clip_kept'
                  AND subject = 'incident ' || clip.incident AND instr(detail, clip.sha256) > 0)",
    },
    Invariant {
        holds: "a pixelated picture has its clear one beside it, and a clear one has none",
        sql: "SELECT 'the picture of incident ' || it.incident FROM snapshot AS it
              LEFT JOIN snapshot_clear AS clear ON clear.incident = it.incident
              WHERE (it.shows = 'pixelated') <> (clear.incident IS NOT NULL)
                OR it.clear_bytes <> coalesce(length(clear.jpeg), 0)",
    },
    Invariant {
        holds: "a hidden clip's digest stands in the audit log",
        sql: "SELECT hidden.file FROM clip_hidden AS hidden JOIN clip ON clip.id = hidden.clip
              WHERE hidden.file IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM audit WHERE action = 'clip_kept'
                  AND subject = 'incident ' || clip.incident AND instr(detail, hidden.sha256) > 0)",
    },
    Invariant {
        holds: "a track's digest stands in the audit log",
        sql: "SELECT 'incident ' || clip.incident || ' part ' || part FROM clip_track AS track
              JOIN clip ON clip.id = track.clip WHERE NOT EXISTS (
                SELECT 1 FROM audit WHERE action = 'clip_kept'
                  AND subject = 'incident ' || clip.incident AND instr(detail, track.sha256) > 0)",
    },
    Invariant {
        holds: "a label that somebody gave an example stands in the audit log",
        sql: "SELECT 'example ' || id FROM example WHERE label_from = 'person' AND NOT EXISTS (
                SELECT 1 FROM audit WHERE action = 'examples_imported'
                  OR (action = 'example_labelled' AND subject = 'example ' || example.id)
                  OR (action = 'example_labelled' AND example.incident IS NOT NULL))",
    },
    Invariant {
        holds: "a label that comes from a verdict has that verdict",
        sql: "SELECT 'example ' || id FROM example WHERE label_from = 'verdict'
                AND incident IN (SELECT id FROM incident) AND NOT EXISTS (
                  SELECT 1 FROM verdict WHERE verdict.incident = example.incident
                    AND verdict.verdict IN ('true', 'test'))",
    },
    Invariant {
        holds: "what happened to a model stands in the event log",
        sql: "SELECT 'model event ' || id FROM model_event
              WHERE at_us >= (SELECT min(at_us) FROM event) AND NOT EXISTS (
                SELECT 1 FROM event WHERE event.kind = 'note' AND event.at_us = model_event.at_us
                  AND instr(event.detail, 'model=' || model_event.kind) = 1)",
    },
    Invariant {
        holds: "the numbers of the event log have no hole",
        sql: "SELECT (max(id) - min(id) + 1 - count(*)) || ' events are missing' FROM event
              HAVING max(id) - min(id) + 1 <> count(*)",
    },
];

/// Checks the store in `dir`, of a box that runs or is stopped.
///
/// # Errors
/// There is no store, it has another schema, or it cannot be read to its end.
pub fn check(dir: &Path) -> Result<Vec<Finding>, CheckError> {
    let path = dir.join(FILE_NAME);
    if !path.is_file() {
        return Err(StoreError::NoStore { path }.into());
    }
    let mut connection =
        read_only(&path).map_err(|source| StoreError::Open { path: path.clone(), source })?;
    let view = connection
        .transaction()
        .map_err(|source| StoreError::Open { path: path.clone(), source })?;
    let found: i64 = view
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(|source| StoreError::Open { path: path.clone(), source })?;
    if found != SCHEMA {
        return Err(CheckError::OtherSchema { path, found });
    }
    let mut findings = vec![whole(&view)?];
    if findings.iter().any(Finding::is_broken) {
        // What a torn file answers to anything else is worth nothing.
        return Ok(findings);
    }
    for invariant in INVARIANTS {
        findings.push(ask(&view, invariant)?);
    }
    findings.push(documents(&view)?);
    findings.extend(pictures::check(&view)?);
    drop(view);
    findings.push(audit(dir)?);
    findings.extend(clips::check(dir)?);
    findings.extend(clips::check_cases(dir)?);
    findings.extend(examples::check(dir)?);
    Ok(findings)
}

/// What SQLite itself says of pages, indexes and every `CHECK`.
fn whole(view: &Connection) -> Result<Finding, CheckError> {
    let holds = "the file is whole";
    let lines = texts(view, "PRAGMA integrity_check(100)", &[])
        .map_err(|source| CheckError::Ask { holds, source })?;
    Ok(Finding::of(holds, lines.into_iter().filter(|line| line != "ok").collect()))
}

fn ask(view: &Connection, invariant: &Invariant) -> Result<Finding, CheckError> {
    let Invariant { holds, sql } = *invariant;
    let gone = [(":incidents", "incident", INCIDENTS_KEPT), (":alarms", "alarm", ALARMS_KEPT)];
    let failed = |source| CheckError::Ask { holds, source };
    let mut named = Vec::new();
    for (name, table, kept) in gone.into_iter().filter(|(name, ..)| sql.contains(name)) {
        let newest: i64 = view
            .query_row(&format!("SELECT coalesce(max(id), 0) FROM {table}"), [], |row| row.get(0))
            .map_err(failed)?;
        // Numbers up to here may have been removed.
        named.push((name, (newest - kept).max(0)));
    }
    Ok(Finding::of(holds, texts(view, sql, &named).map_err(failed)?))
}

fn texts(view: &Connection, sql: &str, named: &[(&str, i64)]) -> rusqlite::Result<Vec<String>> {
    let named: Vec<(&str, &dyn rusqlite::ToSql)> =
        named.iter().map(|(name, value)| (*name, value as &dyn rusqlite::ToSql)).collect();
    view.prepare(sql)?.query_map(&*named, |row| row.get(0))?.collect()
}

/// SQLite cannot compute a digest, so this one is asked here.
fn documents(view: &Connection) -> Result<Finding, CheckError> {
    let holds = "every zone version has the digest of its document";
    let ask = || -> rusqlite::Result<Vec<String>> {
        let mut broken = Vec::new();
        let mut statement =
            view.prepare("SELECT camera, number, document, digest FROM zone_version")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (camera, number): (String, u32) = (row.get(0)?, row.get(1)?);
            let (document, digest): (String, String) = (row.get(2)?, row.get(3)?);
            if text_digest(&document) != digest {
                broken.push(format!("version {number} of {camera}"));
            }
        }
        Ok(broken)
    };
    Ok(Finding::of(holds, ask().map_err(|source| CheckError::Ask { holds, source })?))
}

fn audit(dir: &Path) -> Result<Finding, CheckError> {
    let holds = "the audit log is what was written";
    let checked = AuditReader::of_store(dir)?.check(Checked::default(), |_row| {})?;
    Ok(Finding::of(holds, checked.err().map(|broken| broken.to_string()).into_iter().collect()))
}
