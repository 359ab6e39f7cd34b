//! From a record to the message about it, in the record's own transaction.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::body;
use crate::engine::delivery::{Class, LossReason};
use crate::store::record::{AlarmKey, Record};

/// A record that is new in the event log, with its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Logged(pub i64);

/// A message before it has a number.
struct Draft {
    class: Class,
    key: String,
    version: i64,
    at_us: i64,
    body: String,
}

/// Writes the message about a record, if there is one and a channel wants its class. Called once the
/// whole batch stands in the tables, so that a message says who answered.
pub(in crate::store) fn enqueue(
    connection: &Connection,
    record: &Record,
    logged: Logged,
) -> rusqlite::Result<()> {
    if let Record::Unkept { class, messages, first_at, last_at, .. } = record {
        return lose_unkept(connection, *class, *messages, (*first_at, *last_at));
    }
    let Some(class) = class_of(record) else {
        return Ok(());
    };
    if !is_wanted(connection, class)? {
        return Ok(());
    }
    let Some(draft) = draft(connection, class, record, logged)? else {
        return Ok(());
    };
    insert(connection, &draft)
}

/// Writes that an incident was cut short with the life of the box.
pub(in crate::store) fn interrupted(
    connection: &Connection,
    incident: u64,
    at_us: i64,
    logged: Logged,
) -> rusqlite::Result<()> {
    if !is_wanted(connection, Class::Alarm)? {
        return Ok(());
    }
    let body = body::incident(connection, incident, "ended")?;
    let key = format!("incident-{incident}");
    insert(connection, &Draft { class: Class::Alarm, key, version: logged.0, at_us, body })
}

/// Counts for every channel that wants the class what was lost before it could be written.
fn lose_unkept(
    connection: &Connection,
    class: Class,
    messages: u64,
    (first_at, last_at): (Timestamp, Timestamp),
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO outbox_loss (channel, class, reason, rows, first_us, last_us)
             SELECT channel, class, ?2, ?3, ?4, ?5 FROM outbox_cursor WHERE class = ?1
             ON CONFLICT DO UPDATE SET rows = rows + excluded.rows,
               first_us = min(first_us, excluded.first_us),
               last_us = max(last_us, excluded.last_us)",
        )?
        .execute(params![
            class.name(),
            LossReason::Unkept.name(),
            messages,
            first_at.as_microsecond(),
            last_at.as_microsecond()
        ])
        .map(|_rows| ())
}

/// What a record is to others. An answer is told with the alarm's new state.
pub fn class_of(record: &Record) -> Option<Class> {
    match record {
        Record::IncidentStarted(_)
        | Record::PersonEntered { .. }
        | Record::IncidentEnded { .. } => Some(Class::Alarm),
        Record::Alarm { source, .. } => Some(match source {
            AlarmKey::Intrusion(_) | AlarmKey::Warning(_) | AlarmKey::Untested(_) => Class::Alarm,
            AlarmKey::Blind(_) | AlarmKey::Fault(_) => Class::Fault,
        }),
        Record::ZoneUnknown { .. }
        | Record::ZoneKnown { .. }
        | Record::ZoneArmed { .. }
        | Record::ZoneDisarmed { .. } => Some(Class::Telemetry),
        Record::Started { .. }
        | Record::Acknowledged { .. }
        | Record::Silenced { .. }
        | Record::Reset { .. }
        | Record::Shelved { .. }
        | Record::Unshelved { .. }
        | Record::OutOfService { .. }
        | Record::InService { .. }
        | Record::SirenSounded { .. }
        | Record::ModelEvent(_)
        | Record::Unkept { .. }
        | Record::Note { .. } => None,
    }
}

fn is_wanted(connection: &Connection, class: Class) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM outbox_cursor WHERE class = ?1)")?
        .query_row([class.name()], |row| row.get(0))
}

/// The number in the event log rises with everything that is ever kept, so it is a version that no
/// restart can give twice; alarms have one of their own, which handhelds know them by too.
fn draft(
    connection: &Connection,
    class: Class,
    record: &Record,
    logged: Logged,
) -> rusqlite::Result<Option<Draft>> {
    let incident = |number: u64, change| {
        Ok::<_, rusqlite::Error>((
            format!("incident-{number}"),
            body::incident(connection, number, change)?,
        ))
    };
    let zone = |zone: &str, state, text: Option<&str>| {
        (format!("zone-{zone}"), body::zone(zone, state, text))
    };
    let (key, body) = match record {
        Record::IncidentStarted(start) => incident(start.incident.0, "started")?,
        Record::PersonEntered { incident: of, .. } => incident(of.0, "person_entered")?,
        Record::IncidentEnded { incident: of, .. } => incident(of.0, "ended")?,
        Record::Alarm { alarm, .. } => {
            (format!("alarm-{}", alarm.0), body::alarm(connection, record)?)
        }
        Record::ZoneUnknown { zone: id, cause, .. } => zone(id, "unknown", Some(cause)),
        Record::ZoneKnown { zone: id, .. } => zone(id, "known", None),
        Record::ZoneArmed { zone: id, reason, .. } => zone(id, "armed", Some(reason)),
        Record::ZoneDisarmed { zone: id, reason, .. } => zone(id, "disarmed", Some(reason)),
        Record::Started { .. }
        | Record::Acknowledged { .. }
        | Record::Silenced { .. }
        | Record::Reset { .. }
        | Record::Shelved { .. }
        | Record::Unshelved { .. }
        | Record::OutOfService { .. }
        | Record::InService { .. }
        | Record::SirenSounded { .. }
        | Record::ModelEvent(_)
        | Record::Unkept { .. }
        | Record::Note { .. } => return Ok(None),
    };
    let at_us = connection
        .prepare_cached("SELECT at_us FROM event WHERE id = ?1")?
        .query_row([logged.0], |row| row.get::<_, Option<i64>>(0))
        .optional()?
        .flatten()
        .unwrap_or_default();
    Ok(Some(Draft { class, key, version: version_of(record, logged), at_us, body }))
}

fn version_of(record: &Record, logged: Logged) -> i64 {
    match record {
        Record::Alarm { version, .. } => i64::try_from(*version).unwrap_or(i64::MAX),
        _ => logged.0,
    }
}

fn insert(connection: &Connection, draft: &Draft) -> rusqlite::Result<()> {
    let valid_us = i64::try_from(draft.class.valid_for().as_micros()).unwrap_or(i64::MAX);
    // What a row takes besides its texts is about as much as the texts of a short one.
    let bytes = draft.body.len() + draft.key.len() + ROW_BYTES;
    connection
        .prepare_cached(
            "INSERT INTO outbox (class, key, version, at_us, valid_until_us, body, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            draft.class.name(),
            draft.key,
            draft.version,
            draft.at_us,
            draft.at_us.saturating_add(valid_us),
            draft.body,
            bytes
        ])
        .map(|_rows| ())
}

/// Numbers, class and index entries of a row, bytes.
const ROW_BYTES: usize = 120;
