//! One record, into the event log and into the tables that answer questions.
//!
//! The log comes first and decides: a record that stands there already (same kind, time and
//! content) is a repeat and changes nothing else either. What a record speaks of may be missing
//! (its beginning was lost with a broken disk); then the log keeps it and the tables stay as they
//! are, because the rest of the batch is worth more than an error.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::event::{self, Appended, source_name, state_name, subject};
use super::holds;
use super::models;
use super::outbox::enqueue::Logged;
use super::record::{IncidentStart, Record};
use crate::clock::BootId;
use crate::engine::{AlarmId, AlarmState};

/// Adds one record; `life` is the row of the life it belongs to. `None` for a repeat.
pub(super) fn write_record(
    connection: &Connection,
    life: &mut Option<i64>,
    record: &Record,
) -> rusqlite::Result<Option<Logged>> {
    let row = event::row_of(connection, record)?;
    if event::append(connection, event::kind(record), &row)? == Appended::Repeat {
        if matches!(record, Record::Started { .. }) {
            *life = newest_life(connection)?;
        }
        return Ok(None);
    }
    let logged = Logged(connection.last_insert_rowid());
    match record {
        Record::Started { .. } => *life = start_life(connection, record)?.or(*life),
        Record::IncidentStarted(start) => start_incident(connection, start)?,
        Record::PersonEntered { .. } => enter_person(connection, record)?,
        Record::IncidentEnded { .. } => end_incident(connection, record)?,
        Record::ZoneUnknown { zone, at, cause } => open_unknown(connection, zone, *at, cause)?,
        Record::ZoneKnown { zone, at } => close_unknown(connection, zone, *at)?,
        Record::Alarm { .. } => change_alarm(connection, record)?,
        Record::Acknowledged { alarm, at, by } => acknowledge(connection, alarm.0, *at, by)?,
        Record::SirenSounded { incident, after_ms } => {
            connection
                .prepare_cached(
                    "UPDATE incident SET siren_after_ms = ?2
                     WHERE id = ?1 AND siren_after_ms IS NULL",
                )?
                .execute(params![incident.0, after_ms])?;
        }
        Record::Silenced { .. }
        | Record::Reset { .. }
        | Record::Shelved { .. }
        | Record::Unshelved { .. }
        | Record::OutOfService { .. }
        | Record::InService { .. } => holds::write(connection, record)?,
        Record::ModelEvent(event) => models::write(connection, event)?,
        // The log has them; no table answers questions about them.
        Record::ZoneArmed { .. }
        | Record::ZoneDisarmed { .. }
        | Record::Unkept { .. }
        | Record::Note { .. } => {}
    }
    if let (Some(life), Some(at_us)) = (*life, row.at_us) {
        connection
            .prepare_cached("UPDATE life SET last_alive_us = ?2 WHERE id = ?1")?
            .execute(params![life, at_us])?;
    }
    Ok(Some(logged))
}

/// The life whose beginning was kept already, by a write of which that was not known.
fn newest_life(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    connection.query_row("SELECT max(id) FROM life", [], |row| row.get(0))
}

/// A zone counts as not watched from the start until the engine says that it is.
fn start_life(connection: &Connection, record: &Record) -> rusqlite::Result<Option<i64>> {
    let Record::Started { at, version, zone_revision, boot, zones } = record else {
        return Ok(None);
    };
    let boot = boot.as_ref().map(BootId::as_str);
    connection.execute(
        "INSERT INTO life (started_us, last_alive_us, version, zone_revision, boot_id)
         VALUES (?1, ?1, ?2, ?3, ?4)",
        params![at.as_microsecond(), version, zone_revision, boot],
    )?;
    let life = connection.last_insert_rowid();
    for (place, zone) in zones.iter().enumerate() {
        connection
            .prepare_cached(
                "INSERT INTO life_zone (life, place, zone, name, camera)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![life, place, zone.id, zone.name, zone.camera])?;
        open_unknown(connection, &zone.id, *at, "starting")?;
    }
    Ok(Some(life))
}

/// A zone that is unknown already stays so since when it was; the log has the new cause.
fn open_unknown(
    connection: &Connection,
    zone: &str,
    at: Timestamp,
    cause: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO unknown_span (zone, from_us, cause) VALUES (?1, ?2, ?3)
             ON CONFLICT (zone) WHERE to_us IS NULL DO NOTHING",
        )?
        .execute(params![zone, at.as_microsecond(), cause])
        .map(|_rows| ())
}

fn close_unknown(connection: &Connection, zone: &str, at: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE unknown_span SET to_us = ?2, ended_how = 'known'
             WHERE zone = ?1 AND to_us IS NULL",
        )?
        .execute(params![zone, at.as_microsecond()])
        .map(|_rows| ())
}

fn start_incident(connection: &Connection, start: &IncidentStart) -> rusqlite::Result<()> {
    let incident = start.incident.0;
    let added = connection
        .prepare_cached(
            "INSERT INTO incident (id, zone, zone_name, camera, started_us, captured_us, frame,
               score, anchor_x, anchor_y, track, model_digest, zone_revision, alarm)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,
               (SELECT max(id) FROM alarm WHERE incident = ?1))
             ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            incident,
            start.zone,
            start.zone_name,
            start.camera,
            start.at.as_microsecond(),
            start.captured_at.as_microsecond(),
            start.frame,
            f64::from(start.score),
            start.anchor_norm.0,
            start.anchor_norm.1,
            start.track,
            start.model_digest,
            start.zone_revision
        ])?;
    if added == 0 {
        return Ok(());
    }
    for (place, (stage, ms)) in start.stages.iter().enumerate() {
        connection
            .prepare_cached(
                "INSERT INTO stage (incident, place, stage, ms) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![incident, place, stage, ms])?;
    }
    Ok(())
}

fn enter_person(connection: &Connection, record: &Record) -> rusqlite::Result<()> {
    let Record::PersonEntered { incident, at, score, anchor_norm, track } = record else {
        return Ok(());
    };
    let entered = connection
        .prepare_cached(
            "INSERT INTO entry (incident, at_us, anchor_x, anchor_y, score, track)
             SELECT id, ?2, ?3, ?4, ?5, ?6 FROM incident WHERE id = ?1
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            incident.0,
            at.as_microsecond(),
            anchor_norm.0,
            anchor_norm.1,
            f64::from(*score),
            track
        ])?;
    if entered > 0 {
        connection
            .prepare_cached("UPDATE incident SET entries = entries + 1 WHERE id = ?1")?
            .execute([incident.0])?;
    }
    Ok(())
}

fn end_incident(connection: &Connection, record: &Record) -> rusqlite::Result<()> {
    let Record::IncidentEnded { incident, at, last_inside_at, entries } = record else {
        return Ok(());
    };
    connection
        .prepare_cached(
            "UPDATE incident SET ended_us = ?2, last_inside_us = ?3,
               entries = max(entries, ?4), ended_how = 'clear' WHERE id = ?1",
        )?
        .execute(params![incident.0, at.as_microsecond(), last_inside_at.as_microsecond(), entries])
        .map(|_rows| ())
}

/// The alarm's newest state. An alarm that wants an answer again has lost the one it had.
fn change_alarm(connection: &Connection, record: &Record) -> rusqlite::Result<()> {
    let Record::Alarm { alarm, at, source, state, version, incident, text } = record else {
        return Ok(());
    };
    let incident = incident.map(|incident| incident.0);
    connection
        .prepare_cached(
            "INSERT INTO alarm (id, source, subject, state, raised_us, changed_us, incident, text,
               version, renewed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?8)
             ON CONFLICT (id) DO UPDATE SET state = excluded.state, text = excluded.text,
               changed_us = excluded.changed_us, incident = coalesce(excluded.incident, incident),
               version = excluded.version,
               renewed = iif(excluded.state = 'unacknowledged', excluded.version, renewed)",
        )?
        .execute(params![
            alarm.0,
            source_name(source),
            subject(source),
            state_name(*state),
            at.as_microsecond(),
            incident,
            text,
            version
        ])?;
    connection
        .prepare_cached("UPDATE incident SET alarm = ?2 WHERE id = ?1")?
        .execute(params![incident, alarm.0])?;
    if *state == AlarmState::Unacknowledged {
        connection
            .prepare_cached(
                "UPDATE alarm SET acknowledged_by = NULL, acknowledged_us = NULL WHERE id = ?1",
            )?
            .execute([alarm.0])?;
        connection
            .prepare_cached("UPDATE incident SET acknowledged_by = NULL WHERE id = ?1")?
            .execute([incident])?;
    }
    Ok(())
}

/// One answer stands for every incident the alarm spoke of that had none.
fn acknowledge(
    connection: &Connection,
    alarm: u64,
    at: Timestamp,
    by: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE alarm SET acknowledged_by = ?2, acknowledged_us = ?3 WHERE id = ?1",
        )?
        .execute(params![alarm, by, at.as_microsecond()])?;
    connection
        .prepare_cached(
            "UPDATE incident SET acknowledged_by = ?2 WHERE alarm = ?1 AND acknowledged_by IS NULL",
        )?
        .execute(params![alarm, by])?;
    holds::sign_alarm(connection, at, by, ("alarm_acknowledged", AlarmId(alarm)), &[])
}
