//! The event log: every record as a row, in the order of arrival, for whoever reads it later.
//!
//! Columns hold what one searches for; everything else of the record stands in `detail`, one
//! `key=value` a line. Nothing of a record is left out.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::models::ModelEvent;
use super::record::{AlarmKey, IncidentStart, Record};
use crate::engine::AlarmState;

/// A row of the event log.
#[derive(Default)]
pub(super) struct EventRow {
    pub at_us: Option<i64>,
    pub subject: String,
    pub incident: Option<u64>,
    pub alarm: Option<u64>,
    pub detail: String,
}

#[derive(PartialEq, Eq)]
pub(super) enum Appended {
    New,
    Repeat,
}

/// Adds a row to the log unless the very same row is there.
pub(super) fn append(
    connection: &Connection,
    kind: &str,
    row: &EventRow,
) -> rusqlite::Result<Appended> {
    let added = connection
        .prepare_cached(
            "INSERT INTO event (kind, at_us, subject, incident, alarm, detail)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE NOT EXISTS (
               SELECT 1 FROM event WHERE at_us IS ?2 AND kind = ?1 AND subject = ?3
                 AND incident IS ?4 AND alarm IS ?5 AND detail = ?6)",
        )?
        .execute(params![kind, row.at_us, row.subject, row.incident, row.alarm, row.detail])?;
    Ok(if added == 0 { Appended::Repeat } else { Appended::New })
}

/// The record as a row of the log.
pub(super) fn row_of(connection: &Connection, record: &Record) -> rusqlite::Result<EventRow> {
    let (at, subject, incident, alarm) = match record {
        Record::Started { at, .. } => (Some(*at), "", None, None),
        Record::IncidentStarted(start) => {
            (Some(start.at), &*start.zone, Some(start.incident), None)
        }
        Record::PersonEntered { incident, at, .. } | Record::IncidentEnded { incident, at, .. } => {
            (Some(*at), "", Some(*incident), None)
        }
        Record::ZoneUnknown { zone, at, .. }
        | Record::ZoneKnown { zone, at }
        | Record::ZoneArmed { zone, at, .. }
        | Record::ZoneDisarmed { zone, at, .. } => (Some(*at), &**zone, None, None),
        Record::Alarm { alarm, at, source, incident, .. } => {
            (Some(*at), subject(source), *incident, Some(*alarm))
        }
        Record::Acknowledged { alarm, at, .. } | Record::Reset { alarm, at, .. } => {
            (Some(*at), "", None, Some(*alarm))
        }
        Record::Silenced { alarm, at, .. } => (Some(*at), "", None, *alarm),
        Record::Shelved { alarm, source, at, .. } | Record::Unshelved { alarm, source, at, .. } => {
            (Some(*at), subject(source), None, Some(*alarm))
        }
        Record::OutOfService { zone, at, .. } | Record::InService { zone, at, .. } => {
            (Some(*at), &**zone, None, None)
        }
        Record::SirenSounded { incident, .. } => (None, "", Some(*incident), None),
        Record::ModelEvent(event) => {
            (Some(event.at), event.slot.as_deref().unwrap_or_default(), None, None)
        }
        Record::Unkept { at, .. } | Record::Note { at, .. } => (Some(*at), "", None, None),
    };
    let at_us = match record {
        Record::SirenSounded { incident, after_ms } => {
            siren_at_us(connection, incident.0, *after_ms)?
        }
        _ => at.map(Timestamp::as_microsecond),
    };
    Ok(EventRow {
        at_us,
        subject: subject.to_owned(),
        incident: incident.map(|incident| incident.0),
        alarm: alarm.map(|alarm| alarm.0),
        detail: describe(record).0,
    })
}

/// Every field of the record that has no column of its own.
fn describe(record: &Record) -> Detail {
    let mut detail = Detail::default();
    match record {
        Record::Started { .. } => describe_life(&mut detail, record),
        Record::IncidentStarted(start) => describe_start(&mut detail, start),
        Record::PersonEntered { .. } => describe_entry(&mut detail, record),
        Record::IncidentEnded { last_inside_at, entries, .. } => {
            detail.add("last_inside_at", last_inside_at).add("entries", entries);
        }
        Record::ZoneUnknown { cause, .. } => {
            detail.add("cause", cause);
        }
        Record::ZoneKnown { .. } => {}
        Record::ZoneArmed { reason, .. } => {
            detail.add("reason", reason);
        }
        Record::ZoneDisarmed { by, reason, .. } => {
            detail.add("by", by).add("reason", reason);
        }
        Record::Alarm { .. } => describe_alarm(&mut detail, record),
        Record::Acknowledged { by, .. }
        | Record::Silenced { by, .. }
        | Record::Reset { by, .. } => {
            detail.add("by", by);
        }
        Record::Shelved { source, until, by, reason, .. } => {
            detail
                .add("source", source_name(source))
                .add("until", until)
                .add("by", by)
                .add("reason", reason);
        }
        Record::Unshelved { source, by, .. } => {
            detail.add("source", source_name(source)).add_text("by", by.as_deref());
        }
        Record::OutOfService { by, reason, .. } => {
            detail.add("by", by).add("reason", reason);
        }
        Record::InService { by, .. } => {
            detail.add_text("by", by.as_deref());
        }
        Record::SirenSounded { after_ms, .. } => {
            detail.add("after_ms", after_ms);
        }
        Record::Unkept { class, messages, first_at, last_at, .. } => {
            let class = class.name();
            let text =
                format!("{messages} messages of class {class} were lost: the store was too slow");
            detail.add("text", &text).add("first_at", first_at).add("last_at", last_at);
        }
        Record::ModelEvent(event) => describe_model(&mut detail, event),
        Record::Note { text, .. } => {
            detail.add("text", text);
        }
    }
    detail
}

fn describe_life(detail: &mut Detail, record: &Record) {
    let Record::Started { version, zone_revision, boot, zones, .. } = record else {
        return;
    };
    detail.add("version", version).add("zone_revision", zone_revision);
    if let Some(boot) = boot {
        detail.add("boot", boot.as_str());
    }
    for zone in zones {
        detail.add("zone", &zone.id).add("name", &zone.name).add("camera", &zone.camera);
    }
}

fn describe_model(detail: &mut Detail, event: &ModelEvent) {
    detail
        .add("model", event.kind.as_str())
        .add_some("release", event.release)
        .add("by", &event.by)
        .add("text", &event.text);
}

fn describe_entry(detail: &mut Detail, record: &Record) {
    if let Record::PersonEntered { score, anchor_norm, track, .. } = record {
        detail
            .add("score", score)
            .add("anchor_x", anchor_norm.0)
            .add("anchor_y", anchor_norm.1)
            .add_some("track", *track);
    }
}

fn describe_alarm(detail: &mut Detail, record: &Record) {
    if let Record::Alarm { source, state, version, text, .. } = record {
        detail
            .add("source", source_name(source))
            .add("state", state_name(*state))
            .add("version", version)
            .add("text", text);
    }
}

fn describe_start(detail: &mut Detail, start: &IncidentStart) {
    detail
        .add("zone_name", &start.zone_name)
        .add("camera", &start.camera)
        .add("captured_at", start.captured_at)
        .add("frame", start.frame)
        .add("score", start.score)
        .add("anchor_x", start.anchor_norm.0)
        .add("anchor_y", start.anchor_norm.1)
        .add_some("track", start.track)
        .add("model_digest", &start.model_digest)
        .add("zone_revision", &start.zone_revision);
    for (stage, ms) in &start.stages {
        detail.add("stage", stage).add("ms", ms);
    }
}

/// The siren's time is told after the frame, so it is known once the incident is.
fn siren_at_us(
    connection: &Connection,
    incident: u64,
    after_ms: u32,
) -> rusqlite::Result<Option<i64>> {
    let captured: Option<i64> = connection
        .prepare_cached("SELECT captured_us FROM incident WHERE id = ?1")?
        .query_row([incident], |row| row.get(0))
        .optional()?;
    Ok(captured.map(|captured| captured.saturating_add(i64::from(after_ms) * 1_000)))
}

/// `key=value` lines in the order added.
#[derive(Default)]
pub(super) struct Detail(pub String);

impl Detail {
    pub fn add(&mut self, key: &str, value: impl std::fmt::Display) -> &mut Detail {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(key);
        self.0.push('=');
        for letter in value.to_string().chars() {
            match letter {
                '\\' => self.0.push_str("\\\\"),
                '\n' => self.0.push_str("\\n"),
                '\r' => self.0.push_str("\\r"),
                other => self.0.push(other),
            }
        }
        self
    }

    fn add_text(&mut self, key: &str, value: Option<&str>) -> &mut Detail {
        match value {
            Some(value) => self.add(key, value),
            None => self,
        }
    }

    fn add_some(&mut self, key: &str, value: Option<u64>) -> &mut Detail {
        match value {
            Some(value) => self.add(key, value),
            None => self,
        }
    }
}

/// The record's name in the log.
pub(super) fn kind(record: &Record) -> &'static str {
    match record {
        Record::Started { .. } => "started",
        Record::IncidentStarted(_) => "incident_started",
        Record::PersonEntered { .. } => "person_entered",
        Record::IncidentEnded { .. } => "incident_ended",
        Record::ZoneUnknown { .. } => "zone_unknown",
        Record::ZoneKnown { .. } => "zone_known",
        Record::ZoneArmed { .. } => "zone_armed",
        Record::ZoneDisarmed { .. } => "zone_disarmed",
        Record::Alarm { .. } => "alarm",
        Record::Acknowledged { .. } => "acknowledged",
        Record::Silenced { .. } => "silenced",
        Record::Reset { .. } => "reset",
        Record::Shelved { .. } => "shelved",
        Record::Unshelved { .. } => "unshelved",
        Record::OutOfService { .. } => "out_of_service",
        Record::InService { .. } => "in_service",
        Record::SirenSounded { .. } => "siren_sounded",
        Record::ModelEvent(_) | Record::Unkept { .. } | Record::Note { .. } => "note",
    }
}

pub(super) fn source_name(source: &AlarmKey) -> &'static str {
    match source {
        AlarmKey::Intrusion(_) => "intrusion",
        AlarmKey::Warning(_) => "warning",
        AlarmKey::Untested(_) => "untested",
        AlarmKey::Blind(_) => "blind",
        AlarmKey::Fault(_) => "fault",
    }
}

pub(super) fn subject(source: &AlarmKey) -> &str {
    match source {
        AlarmKey::Intrusion(name)
        | AlarmKey::Warning(name)
        | AlarmKey::Untested(name)
        | AlarmKey::Blind(name)
        | AlarmKey::Fault(name) => name,
    }
}

pub(super) fn state_name(state: AlarmState) -> &'static str {
    match state {
        AlarmState::Normal => "normal",
        AlarmState::Unacknowledged => "unacknowledged",
        AlarmState::Acknowledged => "acknowledged",
        AlarmState::ReturnedUnacknowledged => "returned_unacknowledged",
        AlarmState::LatchedUnacknowledged => "latched_unacknowledged",
        AlarmState::LatchedAcknowledged => "latched_acknowledged",
        AlarmState::Shelved => "shelved",
        AlarmState::OutOfService => "out_of_service",
    }
}
