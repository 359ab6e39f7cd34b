//! What devices are shown: the guard's snapshot in the words of handhelds, with who got what.
//!
//! Not here: deciding anything, and JSON.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::clock;
use crate::engine::alarm::Inhibition;
use crate::engine::paging::{self, OpenAlarm, Receipt, Wants};
use crate::engine::time::Instant;
use crate::engine::{AlarmId, AlarmSource, AlarmState, Priority, ZoneIndex, ZoneState};
use crate::guard::handle::{
    Alarm, Delivery, HandheldAlarm, HeldForHandheld, Outline, Presence, Snapshot, Sound, Unguarded,
    UnguardedZone, Zone,
};
use crate::store::handhelds::ReceiptRow;
use crate::zone_file::Kind;

/// What became of each open alarm on each device.
#[derive(Debug, Default)]
pub struct Deliveries(BTreeMap<AlarmId, OfAlarm>);

#[derive(Debug)]
struct OfAlarm {
    renewed: u64,
    /// What the box has told of it at most: a device may show a newer state than it was called with.
    version: u64,
    /// The camera's picture; without one, when the pager had the alarm.
    origin: Instant,
    captured_at: Option<Timestamp>,
    devices: Vec<OfDevice>,
}

#[derive(Debug)]
struct OfDevice {
    number: u32,
    person: String,
    name: String,
    version: u64,
    attempts: u32,
    sent_at: Instant,
    received_at: Option<Instant>,
    shown_at: Option<Instant>,
}

impl Deliveries {
    /// These alarms are open now.
    pub fn put(&mut self, alarms: &[Alarm], now: Instant) {
        self.0.retain(|id, _| alarms.iter().any(|alarm| alarm.id == *id));
        for alarm in alarms {
            let fresh = || OfAlarm {
                renewed: alarm.renewed,
                version: alarm.version,
                origin: alarm.captured.unwrap_or(now),
                captured_at: alarm.captured.map(clock::wall_at),
                devices: Vec::new(),
            };
            match self.0.get_mut(&alarm.id) {
                Some(known) if known.renewed == alarm.renewed => known.version = alarm.version,
                // Another cause: what became of the older one stands in the store.
                Some(_) | None => {
                    self.0.insert(alarm.id, fresh());
                }
            }
        }
    }

    /// It was put in the way of a device; what the store is to keep of it.
    pub fn sent(
        &mut self,
        alarm: AlarmId,
        version: u64,
        (number, person, name): (u32, &str, &str),
        now: Instant,
    ) -> Option<ReceiptRow> {
        let devices = &mut self.0.get_mut(&alarm)?.devices;
        match devices.iter_mut().find(|device| device.number == number) {
            Some(device) => {
                device.attempts = device.attempts.saturating_add(1);
                device.version = version;
            }
            None => devices.push(OfDevice {
                number,
                person: person.to_owned(),
                name: name.to_owned(),
                version,
                attempts: 1,
                sent_at: now,
                received_at: None,
                shown_at: None,
            }),
        }
        devices.iter().find(|device| device.number == number).map(|it| it.row(alarm))
    }

    /// A device confirmed it; `None` where that says nothing new.
    pub fn confirmed(
        &mut self,
        alarm: AlarmId,
        version: u64,
        number: u32,
        receipt: Receipt,
        now: Instant,
    ) -> Option<ReceiptRow> {
        let of_alarm = self.0.get_mut(&alarm)?;
        let told = of_alarm.renewed..=of_alarm.version;
        let device = of_alarm.devices.iter_mut().find(|device| device.number == number)?;
        if !told.contains(&version) {
            return None;
        }
        let before = (device.received_at, device.shown_at);
        device.received_at.get_or_insert(now);
        if receipt == Receipt::Shown {
            device.shown_at.get_or_insert(now);
        }
        let is_new = before != (device.received_at, device.shown_at);
        is_new.then(|| device.row(alarm))
    }

    pub fn of(&self, alarm: AlarmId) -> Vec<Delivery> {
        let Some(of_alarm) = self.0.get(&alarm) else { return Vec::new() };
        let ms =
            |at: Instant| u32::try_from(at.since(of_alarm.origin).as_millis()).unwrap_or(u32::MAX);
        let delivery = |device: &OfDevice| Delivery {
            person: device.person.clone(),
            device: device.name.clone(),
            sent_ms: ms(device.sent_at),
            received_ms: device.received_at.map(ms),
            shown_ms: device.shown_at.map(ms),
        };
        of_alarm.devices.iter().map(delivery).collect()
    }

    pub fn all(&self) -> Vec<(AlarmId, Vec<Delivery>)> {
        let told = self.0.iter().filter(|(_, of_alarm)| !of_alarm.devices.is_empty());
        told.map(|(alarm, _)| (*alarm, self.of(*alarm))).collect()
    }

    fn captured_at(&self, alarm: AlarmId) -> Option<Timestamp> {
        self.0.get(&alarm)?.captured_at
    }
}

impl OfDevice {
    fn row(&self, alarm: AlarmId) -> ReceiptRow {
        ReceiptRow {
            alarm: alarm.0,
            version: self.version,
            handheld: self.number,
            attempts: self.attempts,
            sent_at: clock::wall_at(self.sent_at),
            received_at: self.received_at.map(clock::wall_at),
            shown_at: self.shown_at.map(clock::wall_at),
            acknowledged_at: None,
        }
    }
}

/// What the pager has to know of an alarm.
pub fn open(alarm: &Alarm) -> OpenAlarm {
    OpenAlarm {
        alarm: alarm.id,
        version: alarm.version,
        renewed: alarm.renewed,
        wants: wants(alarm.priority, alarm.state),
    }
}

/// Whether a device can be heard, as far as it says.
pub fn sound(presence: Presence) -> paging::Sound {
    match presence.sound {
        Sound::Unknown | Sound::Ready => paging::Sound::Heard,
        Sound::Blocked => paging::Sound::Blocked,
    }
}

/// What an alarm wants of people. A fault that is over by itself at night has to be seen, and
/// nobody further is woken for it; somebody who was where nobody may be is looked for.
fn wants(priority: Priority, state: AlarmState) -> Wants {
    match (priority, state) {
        (Priority::Low, _) => Wants::Nothing,
        (Priority::Fault, AlarmState::ReturnedUnacknowledged) => Wants::Delivery,
        (
            Priority::Emergency | Priority::High | Priority::Fault,
            AlarmState::Unacknowledged
            | AlarmState::ReturnedUnacknowledged
            | AlarmState::LatchedUnacknowledged,
        ) => Wants::Answer,
        (
            Priority::Emergency | Priority::High | Priority::Fault,
            AlarmState::Normal
            | AlarmState::Acknowledged
            | AlarmState::LatchedAcknowledged
            | AlarmState::Shelved
            | AlarmState::OutOfService,
        ) => Wants::Nothing,
    }
}

/// An alarm as devices are shown it.
pub fn alarm(
    alarm: &Alarm,
    now: &Snapshot,
    deliveries: &Deliveries,
    next: Option<(String, Instant)>,
) -> HandheldAlarm {
    let zone = zone_of(alarm.source, now);
    let camera = match alarm.source {
        AlarmSource::Blind(camera) => Some(usize::from(camera.0)),
        AlarmSource::Intrusion(_) | AlarmSource::Warning(_) | AlarmSource::Untested(_) => {
            zone.map(|zone| zone.camera)
        }
        AlarmSource::Fault(_) => None,
    };
    HandheldAlarm {
        id: alarm.id,
        version: alarm.version,
        renewed: alarm.renewed,
        priority: alarm.priority,
        state: alarm.state,
        title: alarm.title.clone(),
        text: alarm.text.clone(),
        zone: zone.map(|zone| zone.id.clone()),
        camera: camera.and_then(|at| now.cameras.get(at)).map(|camera| camera.id.clone()),
        raised_at: alarm.raised_at,
        captured_at: deliveries.captured_at(alarm.id),
        changed_at: alarm.changed_at,
        acknowledged: alarm.acknowledged.clone(),
        incident: alarm.incident,
        has_snapshot: alarm.has_snapshot,
        people: zone.map_or(0, |zone| zone.people),
        outline: zone.map(outline),
        delivery: deliveries.of(alarm.id),
        next,
    }
}

/// Zones in which people are looked for, as the operator page counts them; in an ignored area
/// nobody is.
pub fn guarded(now: &Snapshot) -> impl Iterator<Item = &Zone> {
    now.zones.iter().filter(|zone| zone.kind != Kind::Ignore.as_str())
}

pub fn is_unknown(zone: &Zone) -> bool {
    matches!(zone.state, ZoneState::Unknown(_))
}

/// Zones in which a person would alarm nobody, though they are watched.
pub fn unguarded(now: &Snapshot) -> Vec<UnguardedZone> {
    let of = |zone: &Zone| {
        let why = match zone.inhibition {
            Inhibition::None => return None,
            Inhibition::SuppressedByDesign => Unguarded::Disarmed,
            Inhibition::Shelved => Unguarded::Shelved,
            Inhibition::OutOfService => Unguarded::OutOfService,
        };
        Some(UnguardedZone { id: zone.id.clone(), name: zone.name.clone(), why })
    };
    guarded(now).filter_map(of).collect()
}

/// What people keep quiet: also of an alarm that is over, so that nobody takes its end for calm.
pub fn held(now: &Snapshot) -> Vec<HeldForHandheld> {
    let zone = |source| zone_of(source, now).map(|zone| zone.id.clone());
    now.holds.iter().map(|it| HeldForHandheld { hold: it.clone(), zone: zone(it.source) }).collect()
}

fn outline(zone: &Zone) -> Outline {
    (zone.polygons.clone(), zone.line.clone())
}

fn zone_of(source: AlarmSource, now: &Snapshot) -> Option<&Zone> {
    let number = |zone: ZoneIndex| usize::from(zone.0);
    let number = match source {
        AlarmSource::Intrusion(zone) | AlarmSource::Warning(zone) | AlarmSource::Untested(zone) => {
            number(zone)
        }
        AlarmSource::Blind(_) | AlarmSource::Fault(_) => return None,
    };
    now.zones.iter().find(|zone| zone.number == number)
}
