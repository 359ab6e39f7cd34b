//! What stands in a message: the facts as of the commit, as one JSON object.
//!
//! Written here and nowhere changed: what is true only at the moment of sending (that it is history,
//! what was lost) is added by the channel. `docs/reference/messages.md` describes every field.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::{Value, json};

use crate::engine::AlarmState;
use crate::store::event::{source_name, state_name, subject};
use crate::store::record::{AlarmKey, Record};

/// The words of a priority.
fn priority(source: &AlarmKey) -> &'static str {
    match source {
        AlarmKey::Intrusion(_) => "emergency",
        AlarmKey::Warning(_) => "high",
        AlarmKey::Untested(_) => "low",
        AlarmKey::Blind(_) | AlarmKey::Fault(_) => "fault",
    }
}

/// An alarm's new state. Who answered stands in the table by now.
pub(super) fn alarm(connection: &Connection, record: &Record) -> rusqlite::Result<String> {
    let Record::Alarm { alarm, at, source, state, incident, text, .. } = record else {
        return Ok("{}".into());
    };
    let row: Option<(i64, Option<u64>, Option<String>)> = connection
        .prepare_cached("SELECT raised_us, incident, acknowledged_by FROM alarm WHERE id = ?1")?
        .query_row([alarm.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let (raised_us, kept_incident, by) =
        row.unwrap_or((at.as_microsecond(), incident.map(|incident| incident.0), None));
    // The answer may be younger than this state: an alarm that waits for one has none.
    let waits = matches!(
        state,
        AlarmState::Unacknowledged
            | AlarmState::ReturnedUnacknowledged
            | AlarmState::LatchedUnacknowledged
    );
    let by = by.filter(|_| !waits);
    let (zone, camera) = match source {
        AlarmKey::Intrusion(zone) | AlarmKey::Warning(zone) | AlarmKey::Untested(zone) => {
            (Some(zone), None)
        }
        AlarmKey::Blind(camera) => (None, Some(camera)),
        AlarmKey::Fault(_) => (None, None),
    };
    let title = match zone {
        Some(zone) => zone_name(connection, zone)?,
        None => subject(source).to_owned(),
    };
    Ok(json!({
        "kind": "alarm",
        "alarm": {
            "id": alarm.0,
            "priority": priority(source),
            "state": state_name(*state),
            "source": source_name(source),
            "subject": subject(source),
            "zone": zone,
            "camera": camera,
            "title": title,
            "text": text,
            "raised_at": time(raised_us),
            "changed_at": at.to_string(),
            "incident": incident.map(|incident| incident.0).or(kept_incident),
            "acknowledged_by": by,
        }
    })
    .to_string())
}

/// An incident as it stands now.
pub(super) fn incident(
    connection: &Connection,
    number: u64,
    change: &str,
) -> rusqlite::Result<String> {
    let facts = connection
        .prepare_cached(
            "SELECT zone, zone_name, camera, started_us, captured_us, entries, score, model_digest,
               zone_revision, ended_us, ended_how, alarm FROM incident WHERE id = ?1",
        )?
        .query_row([number], incident_facts)
        .optional()?;
    let mut facts = facts.unwrap_or_else(|| json!({}));
    facts["id"] = json!(number);
    facts["change"] = json!(change);
    Ok(json!({ "kind": "incident", "incident": facts }).to_string())
}

fn incident_facts(row: &Row<'_>) -> rusqlite::Result<Value> {
    Ok(json!({
        "zone": row.get::<_, String>(0)?,
        "zone_name": row.get::<_, String>(1)?,
        "camera": row.get::<_, String>(2)?,
        "started_at": time(row.get(3)?),
        "captured_at": time(row.get(4)?),
        "people": row.get::<_, u32>(5)?,
        "score": row.get::<_, f64>(6)?,
        "model_digest": row.get::<_, String>(7)?,
        "zone_revision": row.get::<_, String>(8)?,
        "ended_at": row.get::<_, Option<i64>>(9)?.map(time),
        "ended_how": row.get::<_, Option<String>>(10)?,
        "alarm": row.get::<_, Option<u64>>(11)?,
    }))
}

/// A zone that is watched or armed, or is no more.
pub(super) fn zone(zone: &str, change: &str, text: Option<&str>) -> String {
    json!({ "kind": "zone", "zone": { "id": zone, "change": change, "text": text } }).to_string()
}

/// The name people know a zone by; its id where no life named it.
fn zone_name(connection: &Connection, zone: &str) -> rusqlite::Result<String> {
    let name: Option<String> = connection
        .prepare_cached(
            "SELECT name FROM life_zone WHERE life = (SELECT max(id) FROM life) AND zone = ?1
             ORDER BY place DESC LIMIT 1",
        )?
        .query_row([zone], |row| row.get(0))
        .optional()?;
    Ok(name.unwrap_or_else(|| zone.to_owned()))
}

fn time(us: i64) -> Option<String> {
    Timestamp::from_microsecond(us).ok().map(|at| at.to_string())
}
