//! Which runs are forgotten when there are too many. A run that speaks against a model is what the gate
//! refuses it by, so it must not go because others came after it.

use rusqlite::{Connection, params};

use super::{NewShadowRun, RecordingKept};

/// Whether one run more may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    There,
    Full,
}

/// Makes room for one more of at most `most`: first goes what holds nothing, then what nobody labelled,
/// of each the oldest. Never what goes on; of the two models of the new run nothing that holds anything;
/// of those compared with the same active model nothing that has a label.
pub(super) fn make_room(
    connection: &Connection,
    new: &NewShadowRun,
    most: i64,
) -> rusqlite::Result<Room> {
    connection.execute(
        "DELETE FROM shadow_run WHERE id IN (
           SELECT id FROM (
             SELECT id, active, shadow,
               EXISTS (SELECT 1 FROM shadow_incident i JOIN shadow_label l ON l.incident = i.id
                       WHERE i.run = shadow_run.id) AS labelled,
               looked = 0 AND NOT EXISTS (SELECT 1 FROM shadow_incident i
                       WHERE i.run = shadow_run.id) AS empty
             FROM shadow_run WHERE ended_us IS NOT NULL)
           WHERE empty OR active <> ?1 OR (shadow <> ?2 AND NOT labelled)
           ORDER BY empty DESC, labelled, id
           LIMIT max(0, (SELECT count(*) FROM shadow_run) - ?3))",
        params![new.active, new.shadow, most - 1],
    )?;
    let kept: i64 =
        connection.query_row("SELECT count(*) FROM shadow_run", [], |row| row.get(0))?;
    Ok(if kept < most { Room::There } else { Room::Full })
}

/// Whether the two models were compared on it already, with the same zones.
pub(super) fn has_recording(
    connection: &Connection,
    run: &NewShadowRun,
    recording: &RecordingKept,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM shadow_recording c JOIN shadow_run r ON r.id = c.run
             WHERE r.active = ?1 AND r.shadow = ?2 AND c.sha256 = ?3 AND c.zones = ?4)",
        )?
        .query_row(params![run.active, run.shadow, recording.sha256, recording.zones], |row| {
            row.get(0)
        })
}

pub(super) fn keep_recording(
    connection: &Connection,
    run: u64,
    recording: &RecordingKept,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO shadow_recording (run, name, sha256, zones) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![run, recording.name, recording.sha256, recording.zones])
        .map(drop)
}
