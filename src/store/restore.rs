//! Going on after a stop, clean or not.

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::event::{self, Detail, EventRow};
use super::holds;
use super::outbox::{self, enqueue::Logged};
use super::query::timestamp;
use super::record::{AlarmKey, OpenAlarm, OpenHold};
use crate::clock::BootId;
use crate::engine::{AlarmId, AlarmState, IncidentId};

/// What the store remembers of earlier lives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Remembered {
    /// Highest incident number ever given; 0 for none.
    pub last_incident: u64,
    /// Highest alarm number ever given; 0 for none.
    pub last_alarm: u64,
    /// Highest version an alarm has had; 0 for none.
    pub last_version: u64,
    /// The last sign of the earlier life, to the minute; `None` when there was none.
    pub last_alive: Option<Timestamp>,
    /// The machine's run in which that life began; `None` when it is not known.
    pub last_boot: Option<BootId>,
    /// Alarms that are not normal, oldest first.
    pub open_alarms: Vec<OpenAlarm>,
    /// What people keep quiet.
    pub holds: Vec<OpenHold>,
}

/// Whether the life that wrote the open rows is over.
pub(super) enum Closing {
    WhatWasLeftOpen,
    Nothing,
}

pub(super) fn restore(
    connection: &mut Connection,
    closing: Closing,
) -> rusqlite::Result<Remembered> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match closing {
        Closing::WhatWasLeftOpen => close_interrupted(&transaction)?,
        Closing::Nothing => {}
    }
    let remembered = Remembered {
        last_incident: highest(&transaction, "incident")?,
        last_alarm: highest(&transaction, "alarm")?,
        last_version: last_version(&transaction)?,
        last_alive: last_alive(&transaction)?.and_then(|us| Timestamp::from_microsecond(us).ok()),
        last_boot: last_boot(&transaction)?,
        open_alarms: open_alarms(&transaction)?,
        holds: holds::open(&transaction)?,
    };
    fail::fail_point!("store::restore::before_commit");
    transaction.commit()?;
    Ok(remembered)
}

/// The log has numbers too: of records whose table row is gone, or that never got one.
fn highest(connection: &Connection, what: &str) -> rusqlite::Result<u64> {
    connection.query_row(
        &format!(
            "SELECT max(coalesce((SELECT max(id) FROM {what}), 0),
                        coalesce((SELECT max({what}) FROM event WHERE id >
                          (SELECT max(id) FROM event) - 10000), 0))"
        ),
        [],
        |row| row.get(0),
    )
}

fn last_version(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("SELECT coalesce(max(version), 0) FROM alarm", [], |row| row.get(0))
}

fn last_alive(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    connection
        .query_row("SELECT last_alive_us FROM life ORDER BY id DESC LIMIT 1", [], |row| row.get(0))
        .optional()
}

fn last_boot(connection: &Connection) -> rusqlite::Result<Option<BootId>> {
    let last: Option<Option<String>> = connection
        .query_row("SELECT boot_id FROM life ORDER BY id DESC LIMIT 1", [], |row| row.get(0))
        .optional()?;
    Ok(last.flatten().map(BootId::new))
}

/// Nothing is known after the last sign of life, so that is where everything open ends. Something
/// that began later than that (the clock was put back) ends where it began.
fn close_interrupted(connection: &Connection) -> rusqlite::Result<()> {
    let last = last_alive(connection)?;
    let incidents: Vec<(u64, String, i64)> = connection
        .prepare("SELECT id, zone, started_us FROM incident WHERE ended_us IS NULL")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (incident, zone, started) in incidents {
        let at = last.map_or(started, |last| last.max(started));
        connection.execute(
            "UPDATE incident SET ended_us = ?2, ended_how = 'interrupted' WHERE id = ?1",
            params![incident, at],
        )?;
        note(connection, at, zone, Some(incident), "incident")?;
        let logged = Logged(connection.last_insert_rowid());
        outbox::enqueue::interrupted(connection, incident, at, logged)?;
    }
    let spans: Vec<(i64, String, i64)> = connection
        .prepare("SELECT id, zone, from_us FROM unknown_span WHERE to_us IS NULL")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (span, zone, from) in spans {
        let at = last.map_or(from, |last| last.max(from));
        connection.execute(
            "UPDATE unknown_span SET to_us = ?2, ended_how = 'interrupted' WHERE id = ?1",
            params![span, at],
        )?;
        note(connection, at, zone, None, "unknown_span")?;
    }
    Ok(())
}

fn note(
    connection: &Connection,
    at_us: i64,
    subject: String,
    incident: Option<u64>,
    what: &str,
) -> rusqlite::Result<()> {
    let mut detail = Detail::default();
    detail.add("what", what);
    let row = EventRow { at_us: Some(at_us), subject, incident, alarm: None, detail: detail.0 };
    event::append(connection, "interrupted", &row).map(|_appended| ())
}

pub(super) fn open_alarms(connection: &Connection) -> rusqlite::Result<Vec<OpenAlarm>> {
    connection
        .prepare(
            "SELECT id, source, subject, state, raised_us, incident, acknowledged_by,
               acknowledged_us, text, version, renewed
             FROM alarm WHERE state <> 'normal' ORDER BY id",
        )?
        .query_map([], open_alarm)?
        .collect()
}

/// What a row is about, by its columns of source and subject.
pub(super) fn key_of(row: &Row<'_>, source: usize, subject: usize) -> rusqlite::Result<AlarmKey> {
    let subject: String = row.get(subject)?;
    Ok(match row.get_ref(source)?.as_str()? {
        "intrusion" => AlarmKey::Intrusion(subject),
        "warning" => AlarmKey::Warning(subject),
        "untested" => AlarmKey::Untested(subject),
        "blind" => AlarmKey::Blind(subject),
        "fault" => AlarmKey::Fault(subject),
        other => return Err(unexpected(source, other)),
    })
}

/// The state a row tells in this column.
pub(super) fn state_of(row: &Row<'_>, column: usize) -> rusqlite::Result<AlarmState> {
    Ok(match row.get_ref(column)?.as_str()? {
        "normal" => AlarmState::Normal,
        "unacknowledged" => AlarmState::Unacknowledged,
        "acknowledged" => AlarmState::Acknowledged,
        "returned_unacknowledged" => AlarmState::ReturnedUnacknowledged,
        "latched_unacknowledged" => AlarmState::LatchedUnacknowledged,
        "latched_acknowledged" => AlarmState::LatchedAcknowledged,
        "shelved" => AlarmState::Shelved,
        "out_of_service" => AlarmState::OutOfService,
        other => return Err(unexpected(column, other)),
    })
}

fn open_alarm(row: &Row<'_>) -> rusqlite::Result<OpenAlarm> {
    let source = key_of(row, 1, 2)?;
    let state = state_of(row, 3)?;
    let by: Option<String> = row.get(6)?;
    let answered: Option<Timestamp> = match row.get(7)? {
        Some(at_us) => Some(timestamp(7, at_us)?),
        None => None,
    };
    Ok(OpenAlarm {
        alarm: AlarmId(row.get(0)?),
        source,
        state,
        raised_at: timestamp(4, row.get(4)?)?,
        incident: row.get::<_, Option<u64>>(5)?.map(IncidentId),
        acknowledged: by.zip(answered),
        text: row.get(8)?,
        version: row.get(9)?,
        renewed: row.get(10)?,
    })
}

/// A CHECK forbids it, so the file was changed by other hands.
fn unexpected(column: usize, found: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(
        column,
        Type::Text,
        format!("`{found}` is none of the words this column may hold").into(),
    )
}
