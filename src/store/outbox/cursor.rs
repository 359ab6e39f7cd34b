//! Moving a channel on, and taking what will not be delivered any more.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{AGE_MAX, Bounds, LossReason, Progress, TRIMMED_AT_ONCE, Told, Trimmed};
use crate::engine::delivery::Class;
use crate::store::{Store, StoreError, in_transaction};

impl Store {
    /// Says which channels there are from now on, and what each of them wants. A new one begins with
    /// what comes now. What waited for one that is gone is counted as lost.
    ///
    /// # Errors
    /// The disk is full or fails; then nothing has changed.
    pub fn set_channels(&mut self, channels: &[(&str, &[Class])]) -> Result<(), StoreError> {
        self.outbox(|connection| {
            for (channel, class) in cursors(connection)? {
                let stays = |(name, classes): &(&str, &[Class])| {
                    *name == channel && classes.contains(&class)
                };
                if !channels.iter().any(stays) {
                    retire(connection, &channel, class)?;
                }
            }
            for (channel, classes) in channels {
                for class in *classes {
                    // The counter outlives its rows; without any there was no message yet.
                    connection.execute(
                        "INSERT INTO outbox_cursor (channel, class, position) VALUES (?1, ?2,
                           coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'outbox'), 0))
                         ON CONFLICT DO NOTHING",
                        params![channel, class.name()],
                    )?;
                }
            }
            for class in Class::ALL {
                forget_delivered(connection, class)?;
            }
            Ok(())
        })
    }

    /// Notes how far a channel has got. Told twice it changes nothing; so is what lies behind.
    ///
    /// # Errors
    /// The disk is full or fails; then nothing has changed.
    pub fn advance(
        &mut self,
        channel: &str,
        progress: &[Progress],
        told: &[Told],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.outbox(|connection| {
            for step in progress {
                step_on(connection, channel, step, at)?;
                forget_delivered(connection, step.class)?;
            }
            for told in told {
                connection
                    .prepare_cached(
                        "UPDATE outbox_loss SET told = max(told, ?4)
                         WHERE channel = ?1 AND class = ?2 AND reason = ?3",
                    )?
                    .execute(params![channel, told.class.name(), told.reason.name(), told.rows])?;
            }
            Ok(())
        })
    }

    /// Takes one portion of what is beyond the bounds: what is too old first, then, while there is
    /// too much, the oldest of the least urgent class. Call it again while there is more.
    ///
    /// # Errors
    /// The disk is full or fails; then nothing has changed.
    pub fn trim_outbox(&mut self, bounds: Bounds) -> Result<Trimmed, StoreError> {
        self.outbox(|connection| {
            if let Some(not_before) = bounds.not_before {
                for class in Class::ALL {
                    if let Some(last) = last_too_old(connection, class, not_before)? {
                        trim_to(connection, class, last, LossReason::Age)?;
                        return Ok(Trimmed::Portion);
                    }
                }
            }
            let bytes: i64 = connection
                .prepare_cached("SELECT coalesce(sum(bytes), 0) FROM outbox")?
                .query_row([], |row| row.get(0))?;
            if u64::try_from(bytes).is_ok_and(|bytes| bytes <= bounds.bytes_max) {
                return Ok(Trimmed::Enough);
            }
            let beyond = bytes.saturating_sub_unsigned(bounds.bytes_max);
            for class in Class::ALL.into_iter().rev() {
                if let Some(last) = last_beyond(connection, class, beyond)? {
                    trim_to(connection, class, last, LossReason::Room)?;
                    return Ok(Trimmed::Portion);
                }
            }
            Ok(Trimmed::Enough)
        })
    }

    /// The box's identity.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn box_id(&self) -> Result<String, StoreError> {
        let id = self.connection.query_row("SELECT id FROM box", [], |row| row.get(0));
        id.map_err(|source| StoreError::Outbox { path: self.path.clone(), source })
    }

    pub(super) fn outbox<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let path = &self.path;
        let connection = &mut self.connection;
        let outcome = in_transaction(connection, |connection| {
            let outcome = work(connection)?;
            fail::fail_point!("outbox::before_commit");
            Ok(outcome)
        })
        .map_err(|source| {
            StoreError::or_full(path, source, |path, source| StoreError::Outbox { path, source })
        })?;
        fail::fail_point!("outbox::committed");
        Ok(outcome)
    }
}

fn cursors(connection: &Connection) -> rusqlite::Result<Vec<(String, Class)>> {
    connection
        .prepare("SELECT channel, class FROM outbox_cursor")?
        .query_map([], |row| Ok((row.get(0)?, super::read::class(1, row.get_ref(1)?.as_str()?)?)))?
        .collect()
}

/// A channel that is gone: nobody will deliver what waits for it.
fn retire(connection: &Connection, channel: &str, class: Class) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO outbox_loss (channel, class, reason, rows, first_us, last_us)
         SELECT ?1, ?2, ?3, count(*), min(at_us), max(at_us) FROM outbox
         WHERE class = ?2 AND id > (SELECT position FROM outbox_cursor
           WHERE channel = ?1 AND class = ?2)
         HAVING count(*) > 0
         ON CONFLICT DO UPDATE SET rows = rows + excluded.rows,
           first_us = min(first_us, excluded.first_us), last_us = max(last_us, excluded.last_us)",
        params![channel, class.name(), LossReason::Unconfigured.name()],
    )?;
    connection
        .execute(
            "DELETE FROM outbox_cursor WHERE channel = ?1 AND class = ?2",
            params![channel, class.name()],
        )
        .map(|_rows| ())
}

fn step_on(
    connection: &Connection,
    channel: &str,
    step: &Progress,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let class = step.class.name();
    let position: Option<u64> = connection
        .prepare_cached("SELECT position FROM outbox_cursor WHERE channel = ?1 AND class = ?2")?
        .query_row(params![channel, class], |row| row.get(0))
        .optional()?;
    let Some(before) = position.filter(|position| *position < step.position) else {
        return Ok(());
    };
    let mut lost = 0;
    for (id, reason) in &step.lost {
        if *id > before && *id <= step.position {
            lost += lose(connection, channel, class, *id, *reason)?;
        }
    }
    let passed = step.passed.iter().filter(|id| **id > before && **id <= step.position).count();
    connection
        .prepare_cached(
            "UPDATE outbox_cursor SET position = ?3,
               delivered = delivered + gone, delivered_us = iif(gone > 0, ?6, delivered_us)
             FROM (SELECT max(count(*) - ?4, 0) AS gone FROM outbox
               WHERE class = ?2 AND id > ?5 AND id <= ?3)
             WHERE channel = ?1 AND class = ?2",
        )?
        .execute(params![channel, class, step.position, lost + passed, before, at.as_microsecond()])
        .map(|_rows| ())
}

fn lose(
    connection: &Connection,
    channel: &str,
    class: &str,
    id: u64,
    reason: LossReason,
) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "INSERT INTO outbox_loss (channel, class, reason, rows, first_us, last_us)
             SELECT ?1, ?2, ?3, 1, at_us, at_us FROM outbox WHERE class = ?2 AND id = ?4
             ON CONFLICT DO UPDATE SET rows = rows + 1,
               first_us = min(first_us, excluded.first_us),
               last_us = max(last_us, excluded.last_us)",
        )?
        .execute(params![channel, class, reason.name(), id])
}

/// Deletes what every channel that wants the class is done with.
fn forget_delivered(connection: &Connection, class: Class) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM outbox WHERE id IN (
               SELECT id FROM outbox WHERE class = ?1 AND id <= coalesce(
                 (SELECT min(position) FROM outbox_cursor WHERE class = ?1), ?3)
               ORDER BY id LIMIT ?2)",
        )?
        .execute(params![class.name(), TRIMMED_AT_ONCE, i64::MAX])
        .map(|_rows| ())
}

/// A date before this is no date: a clock that nobody had set. 2026-01-01, before any box.
const DATES_FROM_US: i64 = 1_767_225_600_000_000;

/// A message dated this much later than now tells nothing of when it came.
const AHEAD_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The last of the oldest messages of the class that are all too old, at most one portion of them.
/// Messages stand in the order in which they came: what is in front of one that is too old is too old
/// as well, whatever it was dated; what is behind one that is not is not.
fn last_too_old(
    connection: &Connection,
    class: Class,
    not_before: Timestamp,
) -> rusqlite::Result<Option<i64>> {
    let not_after = not_before.checked_add(AGE_MAX + AHEAD_MAX).unwrap_or(Timestamp::MAX);
    connection
        .prepare_cached(
            "SELECT max(id) FROM (SELECT id FROM outbox WHERE class = ?1 AND id <= (
               SELECT max(id) FROM outbox WHERE class = ?1 AND at_us >= ?5 AND at_us < ?2
                 AND id < coalesce((SELECT min(id) FROM outbox
                   WHERE class = ?1 AND at_us BETWEEN ?2 AND ?6), ?4))
             ORDER BY id LIMIT ?3)",
        )?
        .query_row(
            params![
                class.name(),
                not_before.as_microsecond(),
                TRIMMED_AT_ONCE,
                i64::MAX,
                DATES_FROM_US,
                not_after.as_microsecond()
            ],
            |row| row.get(0),
        )
}

/// The last of the oldest messages of the class that make up so many bytes, at most one portion.
fn last_beyond(connection: &Connection, class: Class, bytes: i64) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "SELECT max(id) FROM (
               SELECT id, sum(bytes) OVER (ORDER BY id) - bytes AS before FROM (
                 SELECT id, bytes FROM outbox WHERE class = ?1 ORDER BY id LIMIT ?2))
             WHERE before < ?3",
        )?
        .query_row(params![class.name(), TRIMMED_AT_ONCE, bytes], |row| row.get(0))
}

/// Takes everything of the class up to `last`; whoever had not got it has lost it.
fn trim_to(
    connection: &Connection,
    class: Class,
    last: i64,
    reason: LossReason,
) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO outbox_loss (channel, class, reason, rows, first_us, last_us)
         SELECT c.channel, c.class, ?3, count(*), min(o.at_us), max(o.at_us)
         FROM outbox_cursor AS c JOIN outbox AS o
           ON o.class = c.class AND o.id > c.position AND o.id <= ?2
         WHERE c.class = ?1 GROUP BY c.channel, c.class
         ON CONFLICT DO UPDATE SET rows = rows + excluded.rows,
           first_us = min(first_us, excluded.first_us), last_us = max(last_us, excluded.last_us)",
        params![class.name(), last, reason.name()],
    )?;
    connection.execute(
        "UPDATE outbox_cursor SET position = ?2 WHERE class = ?1 AND position < ?2",
        params![class.name(), last],
    )?;
    connection
        .execute("DELETE FROM outbox WHERE class = ?1 AND id <= ?2", params![class.name(), last])
        .map(|_rows| ())
}
