//! Questions about what waits and what was lost.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Row, params};

use super::{Backlog, Loss, LossReason, Message, PushSubscription};
use crate::engine::delivery::Class;
use crate::store::query::{HistoryError, StoreReader, timestamp};
use crate::store::{FILE_NAME, StoreError};

/// Reads the outbox beside a box that may be running.
#[derive(Debug)]
pub struct OutboxReader(StoreReader);

impl OutboxReader {
    /// Opens the store in `dir` for reading, also while a box runs.
    ///
    /// # Errors
    /// There is no store, or it cannot be read.
    pub fn open(dir: &Path) -> Result<OutboxReader, StoreError> {
        let path = dir.join(FILE_NAME);
        if !path.is_file() {
            return Err(StoreError::NoStore { path });
        }
        StoreReader::open(&path).map(OutboxReader)
    }
}

impl std::ops::Deref for OutboxReader {
    type Target = StoreReader;

    fn deref(&self) -> &StoreReader {
        &self.0
    }
}

impl StoreReader {
    /// The box's identity.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn box_id(&self) -> Result<String, HistoryError> {
        let connection = self.connection();
        let id = connection.query_row("SELECT id FROM box", [], |row| row.get(0));
        id.map_err(HistoryError::Outbox)
    }

    /// The oldest message of a class behind `after` that waits for a channel.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next_message(
        &self,
        channel: &str,
        class: Class,
        after: u64,
    ) -> Result<Option<Message>, HistoryError> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let connection = self.connection();
        let ask = || -> rusqlite::Result<Option<Message>> {
            connection
                .prepare_cached(
                    "SELECT id, class, key, version, at_us, valid_until_us, body FROM outbox
                     WHERE class = ?2 AND id > (SELECT max(position, ?3) FROM outbox_cursor
                       WHERE channel = ?1 AND class = ?2)
                     ORDER BY id LIMIT 1",
                )?
                .query_map(params![channel, class.name(), after], message)?
                .next()
                .transpose()
        };
        ask().map_err(HistoryError::Outbox)
    }

    /// How a channel stands, a class each that it wants.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn backlog(&self, channel: &str) -> Result<Vec<Backlog>, HistoryError> {
        let connection = self.connection();
        let ask = || -> rusqlite::Result<Vec<Backlog>> {
            connection
                .prepare_cached(
                    "SELECT c.class, c.position, count(o.id), min(o.at_us), c.delivered,
                       c.delivered_us
                     FROM outbox_cursor AS c LEFT JOIN outbox AS o
                       ON o.class = c.class AND o.id > c.position
                     WHERE c.channel = ?1 GROUP BY c.class ORDER BY c.class",
                )?
                .query_map([channel], backlog)?
                .collect()
        };
        ask().map_err(HistoryError::Outbox)
    }

    /// What a channel lost.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn losses(&self, channel: &str) -> Result<Vec<Loss>, HistoryError> {
        let connection = self.connection();
        let ask = || -> rusqlite::Result<Vec<Loss>> {
            connection
                .prepare_cached(
                    "SELECT class, reason, rows, told, first_us, last_us FROM outbox_loss
                     WHERE channel = ?1 ORDER BY class, reason",
                )?
                .query_map([channel], loss)?
                .collect()
        };
        ask().map_err(HistoryError::Outbox)
    }

    /// Every channel that has a cursor or a loss.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn channel_names(&self) -> Result<Vec<String>, HistoryError> {
        let connection = self.connection();
        let ask = || -> rusqlite::Result<Vec<String>> {
            connection
                .prepare(
                    "SELECT channel FROM outbox_cursor UNION SELECT channel FROM outbox_loss
                     ORDER BY 1",
                )?
                .query_map([], |row| row.get(0))?
                .collect()
        };
        ask().map_err(HistoryError::Outbox)
    }

    /// Where handhelds take messages, by device.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn push_subscriptions(&self) -> Result<Vec<PushSubscription>, HistoryError> {
        let connection = self.connection();
        let ask = || -> rusqlite::Result<Vec<PushSubscription>> {
            connection
                .prepare_cached(
                    "SELECT device, endpoint, p256dh, auth FROM push_subscription
                     WHERE device NOT IN (SELECT id FROM handheld WHERE revoked_us IS NOT NULL)
                     ORDER BY device",
                )?
                .query_map([], |row| {
                    Ok(PushSubscription {
                        device: row.get(0)?,
                        endpoint: row.get(1)?,
                        p256dh: row.get(2)?,
                        auth: row.get(3)?,
                    })
                })?
                .collect()
        };
        ask().map_err(HistoryError::Outbox)
    }
}

fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        id: row.get(0)?,
        class: class(1, row.get_ref(1)?.as_str()?)?,
        key: row.get(2)?,
        version: row.get(3)?,
        at: timestamp(4, row.get(4)?)?,
        valid_until: timestamp(5, row.get(5)?)?,
        body: row.get(6)?,
    })
}

fn backlog(row: &Row<'_>) -> rusqlite::Result<Backlog> {
    Ok(Backlog {
        class: class(0, row.get_ref(0)?.as_str()?)?,
        position: row.get(1)?,
        waiting: row.get(2)?,
        oldest_at: some_time(3, row)?,
        delivered: row.get(4)?,
        delivered_at: some_time(5, row)?,
    })
}

fn loss(row: &Row<'_>) -> rusqlite::Result<Loss> {
    let reason = row.get_ref(1)?.as_str()?;
    Ok(Loss {
        class: class(0, row.get_ref(0)?.as_str()?)?,
        reason: LossReason::ALL
            .into_iter()
            .find(|known| known.name() == reason)
            .ok_or_else(|| unexpected(1, reason))?,
        rows: row.get(2)?,
        told: row.get(3)?,
        first_at: timestamp(4, row.get(4)?)?,
        last_at: timestamp(5, row.get(5)?)?,
    })
}

fn some_time(column: usize, row: &Row<'_>) -> rusqlite::Result<Option<Timestamp>> {
    row.get::<_, Option<i64>>(column)?.map(|us| timestamp(column, us)).transpose()
}

pub(super) fn class(column: usize, name: &str) -> rusqlite::Result<Class> {
    Class::ALL
        .into_iter()
        .find(|class| class.name() == name)
        .ok_or_else(|| unexpected(column, name))
}

/// A CHECK forbids it, so the file was changed by other hands.
fn unexpected(column: usize, found: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(
        column,
        Type::Text,
        format!("`{found}` is none of the words this column may hold").into(),
    )
}
