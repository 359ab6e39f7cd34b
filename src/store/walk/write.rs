//! Changing walk tests: what a person does, in one transaction with its entry in the audit log.

use rusqlite::{Connection, TransactionBehavior, params};

use super::read::{running, test};
use super::{
    ATTEMPTS_MAX, Attempt, EdgeState, NewWalkTest, Outcome, SirenHeard, SkippedBy,
    WALK_PICTURES_KEPT, WALK_TESTS_KEPT, WalkError, WalkState, WalkTest, result,
};
use crate::store::audit::{self, AuditEntry};
use crate::store::pictures::Hides;
use crate::store::zones::Signed;
use crate::store::{SNAPSHOT_BYTES_MAX, Store, StoreError, retention};

/// What stops a transaction.
enum Stop {
    Refused(WalkError),
    Broken(rusqlite::Error),
}

impl From<rusqlite::Error> for Stop {
    fn from(source: rusqlite::Error) -> Stop {
        Stop::Broken(source)
    }
}

impl From<WalkError> for Stop {
    fn from(refusal: WalkError) -> Stop {
        Stop::Refused(refusal)
    }
}

impl Store {
    /// Starts a test.
    ///
    /// # Errors
    /// Another one is running, or the disk is full or fails.
    pub fn start_walk_test(&mut self, new: &NewWalkTest) -> Result<WalkTest, WalkError> {
        self.change_walk(|connection| {
            if let Some(other) = running(connection)? {
                return Err(WalkError::Running { id: other.id, zone: other.zone_name }.into());
            }
            let id = insert(connection, new)?;
            let detail = [
                ("test", id.to_string()),
                ("tester", new.tester.clone()),
                ("zone_digest", new.zone_digest.clone()),
                ("siren", new.siren.name().to_owned()),
            ];
            note(connection, &new.started, "walk_test_started", &new.zone, &detail)?;
            trim(connection)?;
            found(connection, id)
        })
    }

    /// Keeps what came of a walk across an edge. An edge that was skipped meanwhile stays skipped.
    ///
    /// # Errors
    /// The test is over or full, or the disk fails.
    pub fn add_walk_attempt(
        &mut self,
        id: u64,
        attempt: &Attempt,
        heard: SirenHeard,
    ) -> Result<(), WalkError> {
        self.change_walk(|connection| {
            let now = open(connection, id)?;
            let known: usize = now.edges.iter().map(|edge| edge.attempts.len()).sum();
            if known >= ATTEMPTS_MAX {
                return Err(WalkError::TooMany { id }.into());
            }
            if now.edges.iter().all(|edge| edge.edge != attempt.edge) {
                return Err(WalkError::NoEdge { id, edge: attempt.edge }.into());
            }
            let (outcome, reason) = match &attempt.outcome {
                Outcome::Pass => ("pass", ""),
                Outcome::Fail { reason } => ("fail", reason.as_str()),
            };
            connection
                .prepare_cached(
                    "INSERT INTO walk_attempt (test, number, edge, at_us, outcome, reason,
                       detected_ms, decided_ms, time_ms, frames, incident)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                )?
                .execute(params![
                    id,
                    known + 1,
                    attempt.edge,
                    attempt.at.as_microsecond(),
                    outcome,
                    reason,
                    attempt.detected_ms,
                    attempt.decided_ms,
                    attempt.time_ms,
                    attempt.frames,
                    attempt.incident
                ])?;
            if heard == SirenHeard::Muted {
                connection.execute("UPDATE walk_test SET siren = 'muted' WHERE id = ?1", [id])?;
            }
            Ok(())
        })
    }

    /// Skips an edge that waits.
    ///
    /// # Errors
    /// The test is over, it has no such edge, the edge does not wait, or the disk fails.
    pub fn skip_walk_edge(
        &mut self,
        id: u64,
        edge: u32,
        signed: &Signed,
        reason: &str,
    ) -> Result<WalkTest, WalkError> {
        self.change_walk(|connection| {
            let now = open(connection, id)?;
            let Some(found_edge) = now.edges.iter().find(|known| known.edge == edge) else {
                return Err(WalkError::NoEdge { id, edge }.into());
            };
            if found_edge.state() != EdgeState::Waiting {
                return Err(WalkError::NotWaiting { label: found_edge.label.clone() }.into());
            }
            connection
                .prepare_cached(
                    "UPDATE walk_edge SET skipped_by = ?3, skipped_reason = ?4
                     WHERE test = ?1 AND edge = ?2",
                )?
                .execute(params![id, edge, SkippedBy::Person.name(), reason])?;
            let detail = [
                ("test", id.to_string()),
                ("edge", found_edge.label.clone()),
                ("reason", reason.to_owned()),
            ];
            note(connection, signed, "walk_test_edge_skipped", &now.zone, &detail)?;
            found(connection, id)
        })
    }

    /// Finishes a test: its edges say what it is.
    ///
    /// # Errors
    /// It is over, or the disk fails.
    pub fn finish_walk_test(
        &mut self,
        id: u64,
        signed: &Signed,
        lost: u32,
    ) -> Result<WalkTest, WalkError> {
        self.change_walk(|connection| {
            let now = open(connection, id)?;
            let state = result(&now.edges);
            close(connection, id, state, signed, "", lost)?;
            let count = |wanted| now.edges.iter().filter(|edge| edge.state() == wanted).count();
            let detail = [
                ("test", id.to_string()),
                ("result", state.name().to_owned()),
                ("edges_passed", count(EdgeState::Pass).to_string()),
                ("edges_failed", count(EdgeState::Fail).to_string()),
                ("edges_skipped", count(EdgeState::Skipped).to_string()),
                ("tester", now.tester.clone()),
            ];
            note(connection, signed, "walk_test_finished", &now.zone, &detail)?;
            found(connection, id)
        })
    }

    /// Gives a test up.
    ///
    /// # Errors
    /// It is over, or the disk fails.
    pub fn abandon_walk_test(
        &mut self,
        id: u64,
        signed: &Signed,
        reason: &str,
        lost: u32,
    ) -> Result<WalkTest, WalkError> {
        self.change_walk(|connection| {
            let now = open(connection, id)?;
            abandon(connection, &now, signed, reason, lost)?;
            found(connection, id)
        })
    }

    /// Gives up the test that an earlier life of the box left running.
    ///
    /// # Errors
    /// The disk fails.
    pub fn abandon_running_walk_test(
        &mut self,
        signed: &Signed,
        reason: &str,
    ) -> Result<Option<u64>, WalkError> {
        self.change_walk(|connection| match running(connection)? {
            Some(left) => {
                abandon(connection, &left, signed, reason, left.lost)?;
                Ok(Some(left.id))
            }
            None => Ok(None),
        })
    }

    /// Keeps the picture of a running test, with how much of people it hides.
    ///
    /// # Errors
    /// The test is over, or the disk fails.
    pub fn put_walk_picture(
        &mut self,
        id: u64,
        jpeg: &[u8],
        hides: Option<Hides>,
    ) -> Result<(), WalkError> {
        self.change_walk(|connection| {
            open(connection, id)?;
            // What is larger is no picture of a camera that the box can watch.
            if jpeg.len() <= SNAPSHOT_BYTES_MAX {
                connection
                    .prepare_cached(
                        "UPDATE walk_test SET picture = ?2, picture_hides = ?3 WHERE id = ?1",
                    )?
                    .execute(params![id, jpeg, hides.map(Hides::as_str)])?;
            }
            Ok(())
        })
    }

    fn change_walk<T>(
        &mut self,
        change: impl FnOnce(&Connection) -> Result<T, Stop>,
    ) -> Result<T, WalkError> {
        let path = &self.path;
        let attempt = || {
            let transaction =
                self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let outcome = change(&transaction)?;
            transaction.commit()?;
            Ok(outcome)
        };
        let outcome = attempt();
        outcome.map_err(|stop| match stop {
            Stop::Refused(refusal) => refusal,
            Stop::Broken(source) => {
                WalkError::Store(StoreError::or_full(path, source, |path, source| {
                    StoreError::WalkTests { path, source }
                }))
            }
        })
    }
}

fn found(connection: &Connection, id: u64) -> Result<WalkTest, Stop> {
    test(connection, id)?.ok_or_else(|| WalkError::NoTest { id }.into())
}

/// The test, if it is still running.
fn open(connection: &Connection, id: u64) -> Result<WalkTest, Stop> {
    let now = found(connection, id)?;
    match now.state {
        WalkState::Running => Ok(now),
        state @ (WalkState::Passed
        | WalkState::Failed
        | WalkState::Incomplete
        | WalkState::Abandoned) => Err(WalkError::Over { id, state }.into()),
    }
}

fn insert(connection: &Connection, new: &NewWalkTest) -> rusqlite::Result<u64> {
    let id: u64 = connection
        .prepare_cached(
            "INSERT INTO walk_test (id, zone, zone_name, camera, zone_digest, zones_version,
               tester, by, started_us, state, siren, limit_ms, facts)
             SELECT coalesce(max(id), 0) + 1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'running', ?9, ?10,
               ?11 FROM walk_test RETURNING id",
        )?
        .query_row(
            params![
                new.zone,
                new.zone_name,
                new.camera,
                new.zone_digest,
                new.zones_version,
                new.tester,
                new.started.by,
                new.started.at.as_microsecond(),
                new.siren.name(),
                new.limit_ms,
                new.facts
            ],
            |row| row.get(0),
        )?;
    let mut edge_in = connection.prepare_cached(
        "INSERT INTO walk_edge (test, edge, label, points, skipped_by, skipped_reason)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for edge in &new.edges {
        let points = serde_json::json!(edge.points).to_string();
        let (by, reason) =
            edge.skipped.as_ref().map(|skip| (skip.by.name(), skip.reason.as_str())).unzip();
        edge_in.execute(params![id, edge.edge, edge.label, points, by, reason])?;
    }
    Ok(id)
}

fn close(
    connection: &Connection,
    id: u64,
    state: WalkState,
    signed: &Signed,
    reason: &str,
    lost: u32,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE walk_test SET state = ?2, closed_by = ?3, closed_us = ?4, closed_reason = ?5,
               lost = ?6 WHERE id = ?1",
        )?
        .execute(params![id, state.name(), signed.by, signed.at.as_microsecond(), reason, lost])
        .map(|_rows| ())
}

fn abandon(
    connection: &Connection,
    now: &WalkTest,
    signed: &Signed,
    reason: &str,
    lost: u32,
) -> Result<(), Stop> {
    close(connection, now.id, WalkState::Abandoned, signed, reason, lost)?;
    let detail = [("test", now.id.to_string()), ("reason", reason.to_owned())];
    note(connection, signed, "walk_test_abandoned", &now.zone, &detail)
}

/// The oldest tests go, and the oldest pictures before them.
fn trim(connection: &Connection) -> rusqlite::Result<()> {
    let removed = connection.execute(
        "DELETE FROM walk_test WHERE id <= (SELECT max(id) FROM walk_test) - ?1",
        [WALK_TESTS_KEPT],
    )?;
    retention::count(connection, "walk_test", removed)?;
    let removed = connection.execute(
        "UPDATE walk_test SET picture = NULL
         WHERE picture IS NOT NULL AND id <= (SELECT max(id) FROM walk_test) - ?1",
        [WALK_PICTURES_KEPT],
    )?;
    retention::count(connection, "walk_picture", removed)
}

fn note(
    connection: &Connection,
    signed: &Signed,
    action: &str,
    zone: &str,
    detail: &[(&str, String)],
) -> Result<(), Stop> {
    let detail = detail.iter().map(|(key, value)| ((*key).to_owned(), value.clone().into()));
    let entry = AuditEntry {
        at: signed.at,
        by: signed.by.clone(),
        action: action.into(),
        subject: zone.into(),
        detail: serde_json::Value::Object(detail.collect()).to_string(),
    };
    audit::append(connection, &entry).map_err(Stop::Broken)
}
