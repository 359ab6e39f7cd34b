//! How long feet of people were where: a grid an hour and camera, kept for a month of hours.
//!
//! A row holds only the cells that have any. Adding merges into the row that is there, so that a
//! box that ends in the middle of an hour goes on where it was.
//!
//! Not here: whose feet count and how often a grid is kept (`guard::heat`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::query::{HistoryError, StoreReader, timestamp};
use super::{Store, StoreError};

/// Cells across and down: a person twenty metres off is about as wide as one.
pub const HEAT_COLUMNS: u16 = 64;
pub const HEAT_ROWS: u16 = 48;

/// Hours kept, those without anybody not counted: 31 days.
pub const HEAT_HOURS_KEPT: i64 = 31 * 24;

/// Hours by which a clock that is right may have been put back since.
const HOURS_AHEAD_MAX: i64 = 1;

/// Most incidents in one answer, the newest: more cannot be told apart on a picture.
pub const HEAT_INCIDENTS_MAX: u32 = 1_000;

const CELLS: u16 = HEAT_COLUMNS * HEAT_ROWS;
const CELL_BYTES: usize = 6;
const MICROSECONDS_AN_HOUR: i64 = 3_600_000_000;

/// Milliseconds by number of the cell, row by row; only cells that have any.
pub type HeatCells = BTreeMap<u16, u32>;

/// An hour of a camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeatHour {
    pub camera: String,
    pub hour: Hour,
    pub cells: HeatCells,
}

/// Hours since 1970 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hour(pub i64);

impl Hour {
    pub fn of(at: Timestamp) -> Hour {
        Hour(at.as_microsecond().div_euclid(MICROSECONDS_AN_HOUR))
    }

    /// Its beginning; the end of the calendar for what lies beyond.
    pub fn start(self) -> Timestamp {
        let at_us = self.0.saturating_mul(MICROSECONDS_AN_HOUR);
        Timestamp::from_microsecond(at_us).unwrap_or(Timestamp::MAX)
    }
}

/// Where an incident began.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatIncident {
    pub anchor_norm: [f64; 2],
    pub at: Timestamp,
    pub zone: String,
}

impl Store {
    /// Adds to what is kept of these hours, and takes what is too much: first hours that are ahead of
    /// `now`, which only a wrong clock makes, then the oldest.
    ///
    /// # Errors
    /// The disk is full or fails; then nothing was added.
    pub fn add_heat(&mut self, hours: &[HeatHour], now: Hour) -> Result<(), StoreError> {
        let path = &self.path;
        let mut add = || {
            let transaction =
                self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for hour in hours.iter().filter(|hour| !hour.cells.is_empty()) {
                let mut cells = cells_of(&transaction, &hour.camera, hour.hour)?;
                merge(&mut cells, &hour.cells);
                transaction
                    .prepare_cached(
                        "INSERT INTO heat_hour (camera, hour, cells) VALUES (?1, ?2, ?3)
                         ON CONFLICT (camera, hour) DO UPDATE SET cells = excluded.cells",
                    )?
                    .execute(params![hour.camera, hour.hour.0, to_bytes(&cells)])?;
            }
            // By their number and not by their age: one wrong date must not take the others.
            transaction.execute(
                "DELETE FROM heat_hour WHERE hour IN (
                   SELECT DISTINCT hour FROM heat_hour
                   ORDER BY hour > ?1, CASE WHEN hour > ?1 THEN hour ELSE -hour END
                   LIMIT -1 OFFSET ?2)",
                [now.0.saturating_add(HOURS_AHEAD_MAX), HEAT_HOURS_KEPT],
            )?;
            transaction.commit()
        };
        add().map_err(|source| {
            StoreError::or_full(path, source, |path, source| StoreError::Heat { path, source })
        })
    }
}

impl StoreReader {
    /// All there is of a camera from an hour on, in one grid.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn heat(&self, camera: &str, from: Hour) -> Result<HeatCells, HistoryError> {
        let ask = |connection: &Connection| {
            let mut all = HeatCells::new();
            let mut statement = connection
                .prepare_cached("SELECT cells FROM heat_hour WHERE camera = ?1 AND hour >= ?2")?;
            let mut rows = statement.query(params![camera, from.0])?;
            while let Some(row) = rows.next()? {
                let bytes: Vec<u8> = row.get(0)?;
                merge(&mut all, &from_bytes(&bytes));
            }
            Ok(all)
        };
        ask(&self.connection()).map_err(HistoryError::Heat)
    }

    /// Where the incidents of a camera began since a time, newest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn heat_incidents(
        &self,
        camera: &str,
        since: Timestamp,
    ) -> Result<Vec<HeatIncident>, HistoryError> {
        let ask = |connection: &Connection| {
            connection
                .prepare_cached(
                    "SELECT anchor_x, anchor_y, started_us, zone FROM incident
                     WHERE camera = ?1 AND started_us >= ?2 ORDER BY id DESC LIMIT ?3",
                )?
                .query_map(params![camera, since.as_microsecond(), HEAT_INCIDENTS_MAX], |row| {
                    Ok(HeatIncident {
                        anchor_norm: [row.get(0)?, row.get(1)?],
                        at: timestamp(2, row.get(2)?)?,
                        zone: row.get(3)?,
                    })
                })?
                .collect::<rusqlite::Result<_>>()
        };
        ask(&self.connection()).map_err(HistoryError::Heat)
    }
}

fn cells_of(connection: &Connection, camera: &str, hour: Hour) -> rusqlite::Result<HeatCells> {
    let bytes: Option<Vec<u8>> = connection
        .prepare_cached("SELECT cells FROM heat_hour WHERE camera = ?1 AND hour = ?2")?
        .query_row(params![camera, hour.0], |row| row.get(0))
        .optional()?;
    Ok(bytes.map(|bytes| from_bytes(&bytes)).unwrap_or_default())
}

/// Adds cell by cell; what is no cell is left out.
pub fn merge(into: &mut HeatCells, more: &HeatCells) {
    for (&cell, &ms) in more.range(..CELLS) {
        let sum = into.entry(cell).or_default();
        *sum = sum.saturating_add(ms);
    }
}

fn to_bytes(cells: &HeatCells) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(cells.len() * CELL_BYTES);
    for (cell, ms) in cells {
        bytes.extend_from_slice(&cell.to_le_bytes());
        bytes.extend_from_slice(&ms.to_le_bytes());
    }
    bytes
}

fn from_bytes(bytes: &[u8]) -> HeatCells {
    let cell = |six: &[u8]| match *six {
        [a, b, c, d, e, f] => Some((u16::from_le_bytes([a, b]), u32::from_le_bytes([c, d, e, f]))),
        _ => None,
    };
    bytes.chunks_exact(CELL_BYTES).filter_map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_come_back_as_they_were_kept() {
        let cells = HeatCells::from([(0, 1), (7, 65_536), (CELLS - 1, u32::MAX)]);
        assert_eq!(from_bytes(&to_bytes(&cells)), cells);
    }

    #[test]
    fn adding_never_runs_over_and_takes_no_cell_beyond_the_grid() {
        let mut sum = HeatCells::from([(3, u32::MAX - 1)]);
        merge(&mut sum, &HeatCells::from([(3, 5), (4, 9), (CELLS, 1)]));
        assert_eq!(sum, HeatCells::from([(3, u32::MAX), (4, 9)]));
    }

    #[test]
    fn an_hour_before_1970_is_still_an_hour() {
        let at: Timestamp = "1969-12-31T23:30:00Z".parse().expect("a time");
        assert_eq!(Hour::of(at), Hour(-1));
        assert_eq!(Hour(-1).start().to_string(), "1969-12-31T23:00:00Z");
    }
}
