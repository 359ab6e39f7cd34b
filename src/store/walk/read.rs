//! Questions about walk tests.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    Attempt, Outcome, SirenHeard, SirenProof, Skipped, SkippedBy, WALK_TESTS_AT_ONCE_MAX, WalkEdge,
    WalkState, WalkTest,
};
use crate::config::Privacy;
use crate::store::pictures::Hides;
use crate::store::query::{HistoryError, StoreReader, timestamp};
use crate::store::zones::{Closed, Signed, named};
use crate::store::{FILE_NAME, StoreError};

/// What the tests of a zone say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WalkStanding {
    /// The newest that was finished, of whatever the zone was then.
    pub last: Option<LastWalk>,
    /// The newest that passed or failed, of what the zone is. One that passed unheard, where the
    /// siren was to be proved, decides nothing.
    pub decisive: Option<LastWalk>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastWalk {
    pub id: u64,
    pub at: Timestamp,
    pub result: WalkState,
}

/// Reads walk tests beside a box that may be running.
#[derive(Debug)]
pub struct WalkReader(StoreReader);

const COLUMNS: &str = "id, zone, zone_name, camera, zone_digest, zones_version, tester, by, \
    started_us, state, siren, limit_ms, facts, lost, closed_by, closed_us, closed_reason";

impl WalkReader {
    /// Opens the store in `dir` for reading, also while a box runs.
    ///
    /// # Errors
    /// There is no store, or it cannot be read.
    pub fn open(dir: &Path) -> Result<WalkReader, StoreError> {
        let path = dir.join(FILE_NAME);
        if !path.is_file() {
            return Err(StoreError::NoStore { path });
        }
        StoreReader::open(&path).map(WalkReader)
    }
}

impl std::ops::Deref for WalkReader {
    type Target = StoreReader;

    fn deref(&self) -> &StoreReader {
        &self.0
    }
}

impl StoreReader {
    /// One walk test with its edges.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn walk_test(&self, id: u64) -> Result<Option<WalkTest>, HistoryError> {
        let ask = |connection: &mut Connection| test(&*connection.transaction()?, id);
        ask(&mut self.connection()).map_err(HistoryError::WalkTests)
    }

    /// The test that runs.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn running_walk_test(&self) -> Result<Option<u64>, HistoryError> {
        running_id(&self.connection()).map_err(HistoryError::WalkTests)
    }

    /// Walk tests, newest first, of one zone or of all, at most [`WALK_TESTS_AT_ONCE_MAX`].
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn walk_tests(&self, zone: Option<&str>) -> Result<Vec<WalkTest>, HistoryError> {
        let ask = |connection: &mut Connection| {
            let moment = connection.transaction()?;
            let sql = format!(
                "SELECT {COLUMNS} FROM walk_test WHERE ?1 IS NULL OR zone = ?1
                 ORDER BY id DESC LIMIT ?2"
            );
            let mut tests: Vec<WalkTest> = moment
                .prepare_cached(&sql)?
                .query_map(params![zone, WALK_TESTS_AT_ONCE_MAX], row)?
                .collect::<rusqlite::Result<_>>()?;
            for test in &mut tests {
                test.edges = edges(&moment, test.id)?;
            }
            Ok(tests)
        };
        ask(&mut self.connection()).map_err(HistoryError::WalkTests)
    }

    /// What the tests of a zone say of it, as it is now.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn walk_standing(
        &self,
        zone: &str,
        digest: &str,
        proof: SirenProof,
    ) -> Result<WalkStanding, HistoryError> {
        let decisive = match proof {
            SirenProof::Needed => "(state = 'failed' OR (state = 'passed' AND siren = 'sounds'))",
            SirenProof::NotNeeded => "state IN ('passed', 'failed')",
        };
        let ask = |connection: &Connection| {
            Ok(WalkStanding {
                last: last(
                    connection,
                    "state IN ('passed', 'failed', 'incomplete') AND ?2 <> ''",
                    zone,
                    digest,
                )?,
                decisive: last(
                    connection,
                    &format!("{decisive} AND zone_digest = ?2"),
                    zone,
                    digest,
                )?,
            })
        };
        ask(&self.connection()).map_err(HistoryError::WalkTests)
    }

    /// The picture of a walk test, without drawings, where this is configured; `None` when there is
    /// none, no more, or one that hides less.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn walk_picture(&self, id: u64, privacy: Privacy) -> Result<Option<Vec<u8>>, HistoryError> {
        type Found = (Option<Vec<u8>>, Option<String>);
        let ask = |connection: &Connection| {
            connection
                .prepare_cached("SELECT picture, picture_hides FROM walk_test WHERE id = ?1")?
                .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        };
        let found: Option<Found> = ask(&self.connection()).map_err(HistoryError::WalkTests)?;
        Ok(found.and_then(|(picture, hides)| {
            let hides = hides.and_then(|it| Hides::parse(&it));
            picture.filter(|_| hides >= Hides::of(privacy))
        }))
    }
}

fn last(
    connection: &Connection,
    which: &str,
    zone: &str,
    digest: &str,
) -> rusqlite::Result<Option<LastWalk>> {
    let sql = format!(
        "SELECT id, closed_us, state FROM walk_test WHERE zone = ?1 AND {which}
         ORDER BY id DESC LIMIT 1"
    );
    connection
        .prepare_cached(&sql)?
        .query_row(params![zone, digest], |row| {
            Ok(LastWalk {
                id: row.get(0)?,
                at: timestamp(1, row.get(1)?)?,
                result: named(row, 2, &WalkState::ALL, WalkState::name)?,
            })
        })
        .optional()
}

pub(super) fn test(connection: &Connection, id: u64) -> rusqlite::Result<Option<WalkTest>> {
    let sql = format!("SELECT {COLUMNS} FROM walk_test WHERE id = ?1");
    // A number beyond what the store can hold is none of its tests.
    let Ok(number) = i64::try_from(id) else {
        return Ok(None);
    };
    let found = connection.prepare_cached(&sql)?.query_row([number], row).optional()?;
    let Some(mut test) = found else {
        return Ok(None);
    };
    test.edges = edges(connection, id)?;
    Ok(Some(test))
}

pub(super) fn running(connection: &Connection) -> rusqlite::Result<Option<WalkTest>> {
    match running_id(connection)? {
        Some(id) => test(connection, id),
        None => Ok(None),
    }
}

fn running_id(connection: &Connection) -> rusqlite::Result<Option<u64>> {
    connection
        .prepare_cached("SELECT id FROM walk_test WHERE state = 'running'")?
        .query_row([], |row| row.get(0))
        .optional()
}

fn row(row: &Row<'_>) -> rusqlite::Result<WalkTest> {
    let (closed_by, closed_us): (Option<String>, Option<i64>) = (row.get(14)?, row.get(15)?);
    let closed_at = closed_us.map(|at_us| timestamp(15, at_us)).transpose()?;
    let reason: Option<String> = row.get(16)?;
    Ok(WalkTest {
        id: row.get(0)?,
        zone: row.get(1)?,
        zone_name: row.get(2)?,
        camera: row.get(3)?,
        zone_digest: row.get(4)?,
        zones_version: row.get(5)?,
        tester: row.get(6)?,
        started: Signed { by: row.get(7)?, at: timestamp(8, row.get(8)?)? },
        state: named(row, 9, &WalkState::ALL, WalkState::name)?,
        siren: named(row, 10, &SirenHeard::ALL, SirenHeard::name)?,
        limit_ms: row.get(11)?,
        facts: row.get(12)?,
        lost: row.get(13)?,
        closed: closed_by.zip(closed_at).map(|(by, at)| Closed {
            signed: Signed { by, at },
            reason: reason.unwrap_or_default(),
        }),
        edges: Vec::new(),
    })
}

fn edges(connection: &Connection, test: u64) -> rusqlite::Result<Vec<WalkEdge>> {
    let mut edges: Vec<WalkEdge> = connection
        .prepare_cached(
            "SELECT edge, label, points, skipped_by, skipped_reason FROM walk_edge
             WHERE test = ?1 ORDER BY edge",
        )?
        .query_map([test], |row| {
            let skipped: Option<String> = row.get(3)?;
            let reason: Option<String> = row.get(4)?;
            let skipped = match skipped.zip(reason) {
                Some((_, reason)) => {
                    let by = named(row, 3, &SkippedBy::ALL, SkippedBy::name)?;
                    Some(Skipped { by, reason })
                }
                None => None,
            };
            let points: String = row.get(2)?;
            let points = serde_json::from_str(&points).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(2, Type::Text, Box::new(error))
            })?;
            let (edge, label) = (row.get(0)?, row.get(1)?);
            Ok(WalkEdge { edge, label, points, skipped, attempts: Vec::new() })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut statement = connection.prepare_cached(
        "SELECT edge, at_us, outcome, reason, detected_ms, decided_ms, time_ms, frames, incident
         FROM walk_attempt WHERE test = ?1 ORDER BY number",
    )?;
    for attempt in statement.query_map([test], attempt)? {
        let attempt = attempt?;
        if let Some(edge) = edges.iter_mut().find(|edge| edge.edge == attempt.edge) {
            edge.attempts.push(attempt);
        }
    }
    Ok(edges)
}

fn attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    let outcome: String = row.get(2)?;
    let reason: String = row.get(3)?;
    Ok(Attempt {
        edge: row.get(0)?,
        at: timestamp(1, row.get(1)?)?,
        // The schema has two outcomes.
        outcome: if outcome == "pass" { Outcome::Pass } else { Outcome::Fail { reason } },
        detected_ms: row.get(4)?,
        decided_ms: row.get(5)?,
        time_ms: row.get(6)?,
        frames: row.get(7)?,
        incident: row.get(8)?,
    })
}
