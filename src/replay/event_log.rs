//! The event file of a replay: one JSON object a line, the same keys in every line.
//!
//! `time_s` is seconds of video time at which the engine decided; `anchor` is in frame fractions.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::engine::{BlindCause, DisarmedBy, Entry, Event, EventKind, ZoneIndex};
use crate::zone_file::SiteZones;

pub const INCIDENT_STARTED: &str = "incident_started";
pub const INCIDENT_ENDED: &str = "incident_ended";
const PERSON_ENTERED: &str = "person_entered";
const ZONE_UNKNOWN: &str = "zone_unknown";
const ZONE_KNOWN: &str = "zone_known";
const ZONE_ARMED: &str = "zone_armed";
const ZONE_DISARMED: &str = "zone_disarmed";

/// One line of the event file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LoggedEvent {
    pub event: &'static str,
    /// The zone's id.
    pub zone: String,
    /// Seconds of video time, to the microsecond.
    pub time_s: f64,
    pub incident: Option<u64>,
    pub track: Option<u64>,
    pub score: Option<f32>,
    pub anchor: Option<[f64; 2]>,
    /// Number of the picture in the file, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<u64>,
    /// First picture of the evidence, seconds of video time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen_s: Option<f64>,
    /// When somebody was last seen inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_inside_s: Option<f64>,
    /// People inside after this entry; for an end, how many entered in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub people: Option<u32>,
    /// Why: for the end of an incident, the loss of sight, and disarming.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// Collects events and gives zones their names.
#[derive(Debug)]
pub struct EventLog<'a> {
    zones: &'a SiteZones,
    events: Vec<LoggedEvent>,
    /// Position in `events` of the start of each incident that goes on, by its number.
    open: BTreeMap<u64, usize>,
}

impl<'a> EventLog<'a> {
    pub fn new(zones: &'a SiteZones) -> EventLog<'a> {
        EventLog { zones, events: Vec::new(), open: BTreeMap::new() }
    }

    /// Adds an event; `at` is video time.
    pub fn push(&mut self, event: &Event, at: Duration) {
        // Instants in events share the origin of `event.at`.
        let video_time =
            |then: crate::engine::time::Instant| seconds(at.saturating_sub(event.at.since(then)));
        match &event.kind {
            EventKind::IncidentStarted { incident, zone, entry } => {
                self.open.insert(incident.0, self.events.len());
                let first = video_time(entry.first_seen_at);
                self.entered(INCIDENT_STARTED, incident.0, *zone, entry, seconds(at), first);
            }
            EventKind::PersonEntered { incident, zone, entry } => {
                let first = video_time(entry.first_seen_at);
                self.entered(PERSON_ENTERED, incident.0, *zone, entry, seconds(at), first);
            }
            EventKind::IncidentEnded { incident, entries, last_inside_at, .. } => {
                if let Some(start) = self.open.remove(&incident.0) {
                    let mut end = self.ending(start, seconds(at), "left");
                    end.last_inside_s = Some(video_time(*last_inside_at));
                    end.people = Some(*entries);
                    self.events.push(end);
                }
            }
            EventKind::ZoneUnknown { zone, cause } => {
                self.of_zone(ZONE_UNKNOWN, *zone, seconds(at), Some(cause_name(*cause)));
            }
            EventKind::ZoneKnown { zone } => self.of_zone(ZONE_KNOWN, *zone, seconds(at), None),
            EventKind::ZoneArmed { zone } => self.of_zone(ZONE_ARMED, *zone, seconds(at), None),
            EventKind::ZoneDisarmed { zone, by } => {
                let by = match by {
                    DisarmedBy::Schedule => "schedule",
                    DisarmedBy::Interlock => "interlock",
                };
                self.of_zone(ZONE_DISARMED, *zone, seconds(at), Some(by));
            }
            EventKind::Alarm { .. } | EventKind::HoldEnded { .. } => {}
        }
    }

    /// Ends what still goes on when the footage does; returns how many.
    pub fn end_open_incidents(&mut self, end: Duration) -> usize {
        let open = std::mem::take(&mut self.open);
        for &start in open.values() {
            let end = self.ending(start, seconds(end), "footage_ended");
            self.events.push(end);
        }
        open.len()
    }

    pub fn into_events(self) -> Vec<LoggedEvent> {
        self.events
    }

    fn entered(
        &mut self,
        event: &'static str,
        incident: u64,
        zone: ZoneIndex,
        entry: &Entry,
        time_s: f64,
        first_seen_s: f64,
    ) {
        self.events.push(LoggedEvent {
            event,
            zone: self.zone_id(zone),
            time_s,
            incident: Some(incident),
            track: entry.track.map(|track| track.0),
            score: Some(entry.score.get()),
            anchor: Some([entry.anchor_norm.0, entry.anchor_norm.1]),
            frame: Some(entry.frame),
            first_seen_s: Some(first_seen_s),
            last_inside_s: None,
            people: Some(entry.people),
            reason: None,
        });
    }

    /// The end of the incident that started at this position, with the evidence of its start.
    fn ending(&self, start: usize, time_s: f64, reason: &'static str) -> LoggedEvent {
        LoggedEvent {
            event: INCIDENT_ENDED,
            time_s,
            frame: None,
            first_seen_s: None,
            people: None,
            reason: Some(reason),
            ..self.events[start].clone()
        }
    }

    fn of_zone(
        &mut self,
        event: &'static str,
        zone: ZoneIndex,
        time_s: f64,
        reason: Option<&'static str>,
    ) {
        self.events.push(LoggedEvent {
            event,
            zone: self.zone_id(zone),
            time_s,
            incident: None,
            track: None,
            score: None,
            anchor: None,
            frame: None,
            first_seen_s: None,
            last_inside_s: None,
            people: None,
            reason,
        });
    }

    fn zone_id(&self, zone: ZoneIndex) -> String {
        self.zones.infos.get(usize::from(zone.0)).map(|info| info.id.clone()).unwrap_or_default()
    }
}

/// The events as text, one JSON object a line.
pub fn to_json_lines(events: &[LoggedEvent]) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    for event in events {
        text.push_str(&serde_json::to_string(event)?);
        text.push('\n');
    }
    Ok(text)
}

/// Seconds, rounded to the microsecond: finer digits are the container's rounding.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e6
}

fn cause_name(cause: BlindCause) -> &'static str {
    match cause {
        BlindCause::Starting => "starting",
        BlindCause::NoFrames => "no_frames",
        BlindCause::LateFrames => "late_frames",
        BlindCause::SourceLost => "source_lost",
        BlindCause::WorkerSilent => "vision_silent",
        BlindCause::WorkerDown => "vision_down",
        BlindCause::View(fault) => fault.name(),
    }
}
