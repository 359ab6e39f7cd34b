//! Questions about the past, on a connection that cannot write.
//!
//! Times come back as they were given, to the microsecond.
//!
//! Not here: what is going on now; that is the guard's to say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use super::StoreError;

/// Most incidents in one answer: a page never shows more at once.
pub const INCIDENTS_AT_ONCE_MAX: u32 = 500;

/// Most spans of each kind in one answer, the newest: more cannot be told apart in a lane.
pub const SPANS_AT_ONCE_MAX: u32 = 20_000;

/// How long a question waits for a lock. Writers do not lock readers out; a recovery may.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// An incident as kept.
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentRow {
    pub id: u64,
    pub zone: String,
    pub zone_name: String,
    pub camera: String,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub entries: u32,
    pub score: f32,
    pub model_digest: String,
    pub zone_revision: String,
    pub has_snapshot: bool,
    /// Parts of its video that are there, the first first.
    pub clips: Vec<u32>,
    /// Why there is no video of it and none will come; `None` where there is some, or may still be.
    pub no_video: Option<String>,
    pub is_pinned: bool,
    pub siren_after_ms: Option<u32>,
    pub acknowledged_by: Option<String>,
}

/// A span in which a zone was occupied or unknown.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    pub zone: String,
    pub state: SpanState,
    pub from: Timestamp,
    pub to: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpanState {
    Occupied,
    Unknown,
    /// Before the zone, or the box, was there at all: nothing was promised then.
    NoRecord,
}

/// Why a question about the past has no answer.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error("the store is not open: {0}")]
    Closed(String),
    #[error("the incidents could not be read from the store")]
    Incidents(#[source] rusqlite::Error),
    #[error("the snapshot of incident {incident} could not be read from the store")]
    Snapshot {
        incident: u64,
        #[source]
        source: rusqlite::Error,
    },
    #[error("the history could not be read from the store")]
    History(#[source] rusqlite::Error),
    #[error("the alarms could not be read from the store")]
    Alarms(#[source] rusqlite::Error),
    #[error("the audit log could not be read from the store")]
    Audit(#[source] rusqlite::Error),
    #[error("the zone versions could not be read from the store")]
    Zones(#[source] rusqlite::Error),
    #[error("the walk tests could not be read from the store")]
    WalkTests(#[source] rusqlite::Error),
    #[error("the receipts of handhelds could not be read from the store")]
    Receipts(#[source] rusqlite::Error),
    #[error("where people stood could not be read from the store")]
    Heat(#[source] rusqlite::Error),
    #[error("what evidence there is could not be read from the store")]
    Evidence(#[source] rusqlite::Error),
    #[error(
        "what is kept as parent check {id} is none; `standclear check` says what else is wrong"
    )]
    ParentCheck {
        id: u64,
        #[source]
        source: serde_json::Error,
    },
    #[error("what cameras' views are held against could not be read from the store")]
    Views(#[source] rusqlite::Error),
    #[error("the examples could not be read from the store")]
    Examples(#[source] rusqlite::Error),
    #[error("what happened to models could not be read from the store")]
    Models(#[source] rusqlite::Error),
    #[error("what is to be sent could not be read from the store")]
    Outbox(#[source] rusqlite::Error),
}

/// Reads what is committed. Shared freely between threads; one question at a time.
#[derive(Debug)]
pub struct StoreReader {
    connection: Mutex<Connection>,
}

/// A connection that cannot write, beside whoever does.
pub(super) fn read_only(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;")?;
    Ok(connection)
}

impl StoreReader {
    pub(super) fn open(path: &Path) -> Result<StoreReader, StoreError> {
        match read_only(path) {
            Ok(connection) => Ok(StoreReader { connection: Mutex::new(connection) }),
            Err(source) => Err(StoreError::Open { path: PathBuf::from(path), source }),
        }
    }

    /// The JPEG kept for an incident; `None` when there is none (yet, or no more).
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn snapshot(&self, incident: u64) -> Result<Option<Vec<u8>>, HistoryError> {
        let Ok(number) = i64::try_from(incident) else {
            return Ok(None);
        };
        let ask = |connection: &Connection| {
            connection
                .prepare_cached("SELECT jpeg FROM snapshot WHERE incident = ?1")?
                .query_row([number], |row| row.get(0))
                .optional()
        };
        ask(&self.connection()).map_err(|source| HistoryError::Snapshot { incident, source })
    }

    /// Spans overlapping the time since `from`, oldest first, of the zones of the newest life.
    /// Unknown spans include the gaps between lives; unknown spans of a zone that touch are one.
    /// The time before a zone's first life is without record. A span may begin before `from`,
    /// except for that one, which has no beginning and gets `from`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn history(&self, from: Timestamp) -> Result<Vec<Span>, HistoryError> {
        let ask = |connection: &mut Connection| {
            // One transaction: the answer is one moment of the file, not three.
            let moment = connection.transaction()?;
            history(&moment, from.as_microsecond())
        };
        ask(&mut self.connection()).map_err(HistoryError::History)
    }

    /// A panic of another asker leaves a connection without an open statement: still usable.
    pub(super) fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A time column; a value outside the calendar means that other hands wrote it.
pub(super) fn timestamp(column: usize, at_us: i64) -> rusqlite::Result<Timestamp> {
    Timestamp::from_microsecond(at_us).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, Box::new(error))
    })
}

pub(super) fn incident_row(row: &Row<'_>) -> rusqlite::Result<IncidentRow> {
    let ended_us: Option<i64> = row.get(5)?;
    Ok(IncidentRow {
        id: row.get(0)?,
        zone: row.get(1)?,
        zone_name: row.get(2)?,
        camera: row.get(3)?,
        started_at: timestamp(4, row.get(4)?)?,
        ended_at: ended_us.map(|at_us| timestamp(5, at_us)).transpose()?,
        entries: row.get(6)?,
        score: row.get(7)?,
        model_digest: row.get(8)?,
        zone_revision: row.get(9)?,
        has_snapshot: row.get(10)?,
        siren_after_ms: row.get(11)?,
        acknowledged_by: row.get(12)?,
        clips: parts(row.get(13)?),
        is_pinned: row.get(14)?,
        no_video: row.get(15)?,
    })
}

/// `1,2`, in whatever order the rows were met.
fn parts(text: Option<String>) -> Vec<u32> {
    let text = text.unwrap_or_default();
    let mut parts: Vec<u32> = text.split(',').filter_map(|part| part.parse().ok()).collect();
    parts.sort_unstable();
    parts
}

/// From and to, microseconds; an open end is `None`.
type Interval = (i64, Option<i64>);

fn history(connection: &Connection, from_us: i64) -> rusqlite::Result<Vec<Span>> {
    let zones: Vec<String> = connection
        .prepare_cached(
            "SELECT zone FROM life_zone WHERE life = (SELECT max(id) FROM life)
             GROUP BY zone ORDER BY min(place)",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut occupied = intervals(
        connection,
        "SELECT zone, started_us, ended_us FROM incident
         WHERE ended_us IS NULL OR ended_us >= ?1 ORDER BY id DESC LIMIT ?2",
        from_us,
    )?;
    let mut unknown = intervals(
        connection,
        "SELECT zone, from_us, to_us FROM unknown_span
         WHERE to_us IS NULL OR to_us >= ?1 ORDER BY id DESC LIMIT ?2",
        from_us,
    )?;
    let mut spans = Vec::new();
    for zone in &zones {
        let mut blind = unknown.remove(zone).unwrap_or_default();
        let (before, gaps) = unwatched(connection, zone, from_us)?;
        blind.extend(gaps);
        for (state, intervals) in [
            (SpanState::NoRecord, before),
            (SpanState::Unknown, joined(blind)),
            (SpanState::Occupied, occupied.remove(zone).unwrap_or_default()),
        ] {
            for (start, end) in intervals {
                spans.push(Span {
                    zone: zone.clone(),
                    state,
                    from: timestamp(1, start)?,
                    // A clock that was put back may end a span before it began.
                    to: end.map(|end| timestamp(2, end.max(start))).transpose()?,
                });
            }
        }
    }
    spans.sort_by(|a, b| (a.from, &a.zone, a.state).cmp(&(b.from, &b.zone, b.state)));
    Ok(spans)
}

fn intervals(
    connection: &Connection,
    sql: &str,
    from_us: i64,
) -> rusqlite::Result<BTreeMap<String, Vec<Interval>>> {
    let mut by_zone: BTreeMap<String, Vec<Interval>> = BTreeMap::new();
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![from_us, SPANS_AT_ONCE_MAX])?;
    while let Some(row) = rows.next()? {
        by_zone.entry(row.get(0)?).or_default().push((row.get(1)?, row.get(2)?));
    }
    Ok(by_zone)
}

/// The times since `from_us` in which no life watched the zone: before its first one, and since.
fn unwatched(
    connection: &Connection,
    zone: &str,
    from_us: i64,
) -> rusqlite::Result<(Vec<Interval>, Vec<Interval>)> {
    let mut statement = connection.prepare_cached(
        "SELECT coalesce(z.from_us, l.started_us),
           CASE WHEN z.to_us IS NOT NULL OR l.id <> (SELECT max(id) FROM life)
             THEN coalesce(z.to_us, l.last_alive_us) END
         FROM life AS l JOIN life_zone AS z ON z.life = l.id WHERE z.zone = ?1
         ORDER BY l.id, z.place",
    )?;
    let lives: Vec<Interval> = statement
        .query_map([zone], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    // A clock that was put back may let a later life start before the first.
    let first_us = lives.iter().map(|&(started, _)| started).min().unwrap_or(from_us);
    let before = if first_us > from_us { vec![(from_us, Some(first_us))] } else { Vec::new() };
    let mut gaps = Vec::new();
    let mut blind_since = None;
    for (started, alive_until) in lives {
        match blind_since {
            Some(since) if started > since => gaps.push((since, Some(started))),
            Some(_) | None => {}
        }
        blind_since = Some(alive_until.unwrap_or(i64::MAX).max(from_us));
    }
    if let Some(since) = blind_since.filter(|&since| since < i64::MAX) {
        gaps.push((since, None));
    }
    Ok((before, gaps))
}

/// Intervals by start, those that overlap or touch made one.
fn joined(mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.sort_unstable();
    let mut out: Vec<Interval> = Vec::with_capacity(intervals.len());
    for (start, end) in intervals {
        match out.last_mut() {
            Some((_, None)) => {}
            Some((_, Some(last))) if *last >= start => match end {
                Some(end) => *last = end.max(*last),
                None => {
                    if let Some(open) = out.last_mut() {
                        open.1 = None;
                    }
                }
            },
            Some(_) | None => out.push((start, end)),
        }
    }
    out
}
