//! What people keep quiet: alarms on the shelf, zones out of service. Each change is in the audit
//! log in the same transaction, with the person and the reason.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::audit::{self, AuditEntry};
use super::event::{source_name, subject};
use super::query::timestamp;
use super::record::{AlarmKey, HeldKind, OpenHold, Record};
use super::restore::key_of;
use super::zones::BY_BOX;
use crate::engine::AlarmId;

/// Keeps what a record says of a hold; of any other record nothing.
pub(super) fn write(connection: &Connection, record: &Record) -> rusqlite::Result<()> {
    match record {
        Record::Shelved { alarm, source, at, until, by, reason } => {
            let until_us = Some(until.as_microsecond());
            put(connection, source, Some(alarm.0), (*at, until_us), (by, reason))?;
            let detail = [("reason", reason.as_str()), ("until", &until.to_string())];
            sign_alarm(connection, *at, by, ("alarm_shelved", *alarm), &detail)
        }
        Record::Unshelved { alarm, source, at, by } => {
            connection
                .prepare_cached(
                    "DELETE FROM inhibition
                     WHERE source = ?1 AND subject = ?2 AND kind = 'shelved'",
                )?
                .execute(params![source_name(source), subject(source)])?;
            let by = by.as_deref().unwrap_or(BY_BOX);
            sign_alarm(connection, *at, by, ("alarm_unshelved", *alarm), &[])
        }
        Record::OutOfService { zone, at, by, reason } => {
            for source in sources_of(zone) {
                put(connection, &source, None, (*at, None), (by, reason))?;
            }
            sign(connection, *at, by, "zone_out_of_service", zone, &[("reason", reason)])
        }
        Record::InService { zone, at, by } => {
            connection
                .prepare_cached(
                    "DELETE FROM inhibition WHERE subject = ?1 AND kind = 'out_of_service'",
                )?
                .execute([zone])?;
            let by = by.as_deref().unwrap_or(BY_BOX);
            sign(connection, *at, by, "zone_in_service", zone, &[])
        }
        Record::Silenced { alarm: Some(alarm), at, by } => {
            sign_alarm(connection, *at, by, ("siren_silenced", *alarm), &[])
        }
        Record::Silenced { alarm: None, at, by } => {
            sign(connection, *at, by, "siren_silenced", "siren", &[])
        }
        Record::Reset { alarm, at, by } => {
            sign_alarm(connection, *at, by, ("alarm_reset", *alarm), &[])
        }
        Record::Started { .. }
        | Record::IncidentStarted(_)
        | Record::PersonEntered { .. }
        | Record::IncidentEnded { .. }
        | Record::ZoneUnknown { .. }
        | Record::ZoneKnown { .. }
        | Record::ZoneArmed { .. }
        | Record::ZoneDisarmed { .. }
        | Record::Alarm { .. }
        | Record::Acknowledged { .. }
        | Record::SirenSounded { .. }
        | Record::ModelEvent(_)
        | Record::Unkept { .. }
        | Record::Note { .. } => Ok(()),
    }
}

/// What was kept quiet when the box stopped.
pub(super) fn open(connection: &Connection) -> rusqlite::Result<Vec<OpenHold>> {
    connection
        .prepare(
            "SELECT source, subject, alarm, until_us, by, reason, since_us FROM inhibition
             ORDER BY since_us, source, subject",
        )?
        .query_map([], open_hold)?
        .collect()
}

fn open_hold(row: &Row<'_>) -> rusqlite::Result<OpenHold> {
    let alarm: Option<u64> = row.get(2)?;
    let until_us: Option<i64> = row.get(3)?;
    let kind = match (alarm, until_us) {
        (Some(alarm), Some(us)) => {
            HeldKind::Shelved { alarm: AlarmId(alarm), until: timestamp(3, us)? }
        }
        (Some(_), None) | (None, Some(_)) | (None, None) => HeldKind::OutOfService,
    };
    Ok(OpenHold {
        source: key_of(row, 0, 1)?,
        kind,
        by: row.get(4)?,
        reason: row.get(5)?,
        since: timestamp(6, row.get(6)?)?,
    })
}

fn put(
    connection: &Connection,
    source: &AlarmKey,
    alarm: Option<u64>,
    (since, until_us): (Timestamp, Option<i64>),
    (by, reason): (&str, &str),
) -> rusqlite::Result<()> {
    let kind = if until_us.is_some() { "shelved" } else { "out_of_service" };
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO inhibition
               (source, subject, kind, alarm, by, reason, since_us, until_us)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            source_name(source),
            subject(source),
            kind,
            alarm,
            by,
            reason,
            since.as_microsecond(),
            until_us
        ])
        .map(|_rows| ())
}

fn sources_of(zone: &str) -> [AlarmKey; 3] {
    [
        AlarmKey::Intrusion(zone.into()),
        AlarmKey::Warning(zone.into()),
        AlarmKey::Untested(zone.into()),
    ]
}

/// Into the audit log, with the zone, camera or part the alarm is about: by its number alone nobody
/// finds that once it is closed.
pub(super) fn sign_alarm(
    connection: &Connection,
    at: Timestamp,
    by: &str,
    (action, alarm): (&str, AlarmId),
    detail: &[(&str, &str)],
) -> rusqlite::Result<()> {
    let about: Option<(String, String)> = connection
        .prepare_cached("SELECT source, subject FROM alarm WHERE id = ?1")?
        .query_row([alarm.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let mut members = detail.to_vec();
    if let Some((source, subject)) = &about {
        let what = match source.as_str() {
            "blind" => "camera",
            "fault" => "part",
            // An intrusion, a warning, a walk test.
            _ => "zone",
        };
        members.extend([(what, subject.as_str()), ("alarm_of", source.as_str())]);
    }
    sign(connection, at, by, action, &format!("alarm {}", alarm.0), &members)
}

fn sign(
    connection: &Connection,
    at: Timestamp,
    by: &str,
    action: &str,
    subject: &str,
    detail: &[(&str, &str)],
) -> rusqlite::Result<()> {
    let members = detail.iter().map(|(name, value)| ((*name).to_owned(), (*value).into()));
    let detail = match detail {
        [] => String::new(),
        [..] => serde_json::Value::Object(members.collect()).to_string(),
    };
    let (by, action, subject) = (by.into(), action.into(), subject.into());
    audit::append(connection, &AuditEntry { at, by, action, subject, detail })
}
