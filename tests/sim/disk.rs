//! The disk as played: what was handed over, and what of it would be there after a power cut.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use standclear::engine::delivery::Class;
use standclear::engine::time::Instant;
use standclear::engine::{
    AlarmId, AlarmSource, AlarmState, Event, EventKind, Restored, RestoredAlarm,
};

use crate::script::{Fault, Script};

/// From handing over to the sync.
const SYNC: Duration = Duration::from_millis(15);

/// The guard calls a disk broken that has not answered for so long.
pub const SILENCE_MAX: Duration = Duration::from_millis(900);

/// A message that waits for a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub id: u64,
    pub class: Class,
    pub key: u64,
    pub version: u64,
}

/// Something handed over.
#[derive(Clone, Debug)]
pub enum Kept {
    /// What happened, with the alarm's version.
    Event(Event, u64),
    /// The receiver has everything of the class up to this row.
    Cursor(Class, u64),
}

/// What survives.
#[derive(Clone, Debug, Default)]
pub struct Persisted {
    pub lives: u64,
    pub incidents: BTreeSet<u64>,
    pub alarms: BTreeMap<AlarmId, (AlarmSource, AlarmState, Instant)>,
    pub last_alarm: u64,
    pub rows: Vec<Row>,
    pub cursors: BTreeMap<Class, u64>,
    /// On the wall clock, seconds.
    pub alive_wall_s: i64,
}

#[derive(Default)]
pub struct Disk {
    queue: VecDeque<(Instant, Kept)>,
    pub persisted: Persisted,
}

impl Disk {
    pub fn put(&mut self, kept: Kept, now: Instant) {
        self.queue.push_back((now, kept));
    }

    pub fn step(&mut self, script: &Script, now: Instant) {
        if script.fails(Fault::DiskStalls, now) || script.fails(Fault::DiskFails, now) {
            return;
        }
        while self.queue.front().is_some_and(|(at, _)| now.since(*at) >= SYNC) {
            if let Some((_, kept)) = self.queue.pop_front() {
                self.persisted.keep(kept);
            }
        }
    }

    pub fn is_silent(&self, now: Instant) -> bool {
        self.queue.front().is_some_and(|(at, _)| now.since(*at) > SILENCE_MAX)
    }

    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// The guard is gone, and with it what it had not handed to the disk.
    pub fn kill(&mut self) -> u64 {
        let lost = self.queue.iter().filter(|(_, kept)| matches!(kept, Kept::Event(..))).count();
        self.queue.clear();
        lost as u64
    }
}

impl Persisted {
    /// One transaction: the record and its message together.
    fn keep(&mut self, kept: Kept) {
        match kept {
            Kept::Cursor(class, id) => {
                let cursor = self.cursors.entry(class).or_default();
                *cursor = id.max(*cursor);
            }
            Kept::Event(event, version) => match event.kind {
                EventKind::IncidentStarted { incident, .. } => {
                    assert!(self.incidents.insert(incident.0), "incident {incident:?} twice");
                    self.row(Class::Alarm, 1_000_000 + incident.0, version);
                }
                EventKind::Alarm { alarm, source, to } => {
                    self.last_alarm = self.last_alarm.max(alarm.0);
                    match to {
                        AlarmState::Normal => drop(self.alarms.remove(&alarm)),
                        _ => {
                            let raised = self.alarms.get(&alarm).map_or(event.at, |it| it.2);
                            self.alarms.insert(alarm, (source, to, raised));
                        }
                    }
                    let class = match source {
                        AlarmSource::Blind(_) | AlarmSource::Fault(_) => Class::Fault,
                        _ => Class::Alarm,
                    };
                    self.row(class, alarm.0, version);
                }
                _ => {}
            },
        }
    }

    fn row(&mut self, class: Class, key: u64, version: u64) {
        let id = self.rows.len() as u64 + 1;
        self.rows.push(Row { id, class, key, version });
    }

    /// The oldest row of the class that the receiver does not have.
    pub fn head(&self, class: Class, after: u64) -> Option<&Row> {
        self.rows.iter().find(|row| row.class == class && row.id > after)
    }

    /// What a guard that starts is told.
    pub fn restored(&self, wall_s: i64) -> Restored {
        let away = u64::try_from(wall_s - self.alive_wall_s).map(Duration::from_secs);
        let alarm = |(id, it): (&AlarmId, &(AlarmSource, AlarmState, Instant))| RestoredAlarm {
            id: *id,
            source: it.0,
            state: it.1,
            raised_at: it.2,
        };
        Restored {
            last_incident: self.incidents.last().copied().unwrap_or(0),
            last_alarm: self.last_alarm,
            away: away.unwrap_or(Duration::MAX),
            alarms: self.alarms.iter().map(alarm).collect(),
            // Nobody keeps anything quiet here.
            holds: Vec::new(),
        }
    }
}
