//! Questions about alarms: what is open, what is kept quiet, and what has been.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::query::{HistoryError, StoreReader, timestamp};
use super::record::{AlarmKey, OpenAlarm, OpenHold};
use super::restore::{key_of, open_alarms, state_of};
use super::{FILE_NAME, StoreError, holds};
use crate::engine::{AlarmId, AlarmState};

/// Most changes in one answer, the oldest of the span: far more than people can have answered.
pub const CHANGES_AT_ONCE_MAX: u32 = 200_000;

/// The store of a box, for whoever asks about alarms beside it.
#[derive(Debug)]
pub struct AlarmReader(StoreReader);

/// One alarm with its changes, oldest first. One that was open before the span begins with its
/// raising, as if it had been answered, and what is known of it since; where nothing is, with the state
/// that it has.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmStory {
    pub alarm: AlarmId,
    pub source: AlarmKey,
    pub changes: Vec<(Timestamp, AlarmState)>,
}

impl AlarmReader {
    /// Opens the store in `dir` for reading, also while a box runs.
    ///
    /// # Errors
    /// There is no store, or it cannot be read.
    pub fn open(dir: &Path) -> Result<AlarmReader, StoreError> {
        let path = dir.join(FILE_NAME);
        if !path.is_file() {
            return Err(StoreError::NoStore { path });
        }
        StoreReader::open(&path).map(AlarmReader)
    }
}

impl std::ops::Deref for AlarmReader {
    type Target = StoreReader;

    fn deref(&self) -> &StoreReader {
        &self.0
    }
}

impl StoreReader {
    /// Alarms that are not normal, oldest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn open_alarms(&self) -> Result<Vec<OpenAlarm>, HistoryError> {
        open_alarms(&self.connection()).map_err(HistoryError::Alarms)
    }

    /// What people keep quiet, oldest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn holds(&self) -> Result<Vec<OpenHold>, HistoryError> {
        holds::open(&self.connection()).map_err(HistoryError::Alarms)
    }

    /// When the box first watched, or the first event there is, where that is older; `None` before.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn began_at(&self) -> Result<Option<Timestamp>, HistoryError> {
        let ask = |connection: &Connection| -> rusqlite::Result<Option<Timestamp>> {
            let first = connection.query_row(
                "SELECT min(at_us) FROM (SELECT min(started_us) AS at_us FROM life
                 UNION ALL SELECT (SELECT raised_us FROM alarm ORDER BY id LIMIT 1))",
                [],
                |row| row.get::<_, Option<i64>>(0),
            )?;
            first.map(|at| timestamp(0, at)).transpose()
        };
        ask(&self.connection()).map_err(HistoryError::Alarms)
    }

    /// Every alarm that changed since `from` or is open still.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn alarm_stories(&self, from: Timestamp) -> Result<Vec<AlarmStory>, HistoryError> {
        let ask = |connection: &mut Connection| stories(&*connection.transaction()?, from);
        ask(&mut self.connection()).map_err(HistoryError::Alarms)
    }
}

fn stories(connection: &Connection, from: Timestamp) -> rusqlite::Result<Vec<AlarmStory>> {
    let from_us = from.as_microsecond();
    let mut stories: BTreeMap<u64, AlarmStory> = BTreeMap::new();
    let mut old = connection.prepare_cached(
        "SELECT id, source, subject, iif(changed_us < ?1, state, 'acknowledged'), raised_us
         FROM alarm WHERE raised_us < ?1 AND (state <> 'normal' OR changed_us >= ?1) ORDER BY id",
    )?;
    for row in old.query_map([from_us], change)? {
        put(&mut stories, row?);
    }
    // How an alarm that is older came to be as it was, where the log still tells.
    let mut before = connection.prepare_cached(&format!(
        "{CHANGES} AND event.at_us < ?1 AND event.id > (SELECT max(id) FROM event) - {LOOKED_BACK}
           AND alarm.raised_us < ?1 AND (alarm.state <> 'normal' OR alarm.changed_us >= ?1)
         ORDER BY event.id LIMIT ?2"
    ))?;
    let mut changes = connection
        .prepare_cached(&format!("{CHANGES} AND event.at_us >= ?1 ORDER BY event.id LIMIT ?2"))?;
    for statement in [&mut before, &mut changes] {
        for row in statement.query_map(params![from_us, CHANGES_AT_ONCE_MAX], change)? {
            put(&mut stories, row?);
        }
    }
    Ok(stories.into_values().collect())
}

/// Rows of the log that are looked through for what came before the span.
const LOOKED_BACK: u32 = 100_000;

/// The log has the record's fields a line each.
const CHANGES: &str = "SELECT alarm.id, alarm.source, alarm.subject,
       substr(event.detail, instr(event.detail, 'state=') + 6,
         instr(substr(event.detail, instr(event.detail, 'state=') + 6) || char(10), char(10)) - 1),
       event.at_us
     FROM event JOIN alarm ON alarm.id = event.alarm
     WHERE event.kind = 'alarm' AND instr(event.detail, 'state=') > 0";

type Changed = (u64, AlarmKey, AlarmState, Timestamp);

fn change(row: &Row<'_>) -> rusqlite::Result<Changed> {
    Ok((row.get(0)?, key_of(row, 1, 2)?, state_of(row, 3)?, timestamp(4, row.get(4)?)?))
}

fn put(stories: &mut BTreeMap<u64, AlarmStory>, (id, source, state, at): Changed) {
    let fresh = AlarmStory { alarm: AlarmId(id), source, changes: Vec::new() };
    stories.entry(id).or_insert(fresh).changes.push((at, state));
}
