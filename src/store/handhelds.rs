//! Handhelds, the duty list, and the receipts of what was sent to whom, as kept.
//!
//! Codes come here as digests. Changes come as a list together with what the audit log says of
//! them: all of it is kept, or nothing. Receipts are evidence and come in batches, off the way of
//! an alarm.
//!
//! Not here: who may pair, when a code is over, who is called (the guard).

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::accounts::SecretDigest;
use super::audit::{self, AuditEntry};
use super::query::{HistoryError, StoreReader, timestamp};
use super::{Store, StoreError, in_transaction, retention};

/// Receipts kept: at a hundred alarms a day to ten devices, half a year.
pub const RECEIPTS_KEPT: i64 = 200_000;

/// A handheld.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandheldRow {
    /// Never another device's.
    pub number: u32,
    pub id: String,
    pub person: String,
    pub name: String,
    pub platform: String,
    /// A point of P-256, uncompressed: 65 bytes.
    pub public_key: Vec<u8>,
    pub paired_by: String,
    pub paired_at: Timestamp,
    pub last_seen_at: Option<Timestamp>,
    pub revoked: Option<Revoked>,
}

/// Why a handheld is none any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    pub by: String,
    pub at: Timestamp,
    pub reason: String,
}

/// A code that waits to be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairingRow {
    pub code: SecretDigest,
    pub person: String,
    pub name: String,
    pub by: String,
    pub at: Timestamp,
    pub expires_at: Timestamp,
}

/// The duty list in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DutyRow {
    /// JSON.
    pub document: String,
    pub digest: String,
    pub by: String,
    pub at: Timestamp,
}

/// Everything of the above.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandheldRows {
    /// Who this box is.
    pub box_id: String,
    /// Oldest first, with those that were revoked.
    pub handhelds: Vec<HandheldRow>,
    pub pairings: Vec<PairingRow>,
    pub duty: Option<DutyRow>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandheldChange {
    AddPairing(PairingRow),
    /// Codes that are over by then.
    DropPairings {
        by: Timestamp,
    },
    /// Uses a code up. Nothing of the batch is kept when it is used already.
    Pair {
        code: SecretDigest,
        id: String,
        platform: String,
        public_key: Vec<u8>,
        at: Timestamp,
    },
    Revoke {
        id: String,
        revoked: Revoked,
    },
    Seen {
        number: u32,
        at: Timestamp,
    },
    PutDuty(DutyRow),
}

/// What became of one version of an alarm on one device. What is `None` is not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptRow {
    pub alarm: u64,
    pub version: u64,
    pub handheld: u32,
    pub attempts: u32,
    pub sent_at: Timestamp,
    pub received_at: Option<Timestamp>,
    pub shown_at: Option<Timestamp>,
    pub acknowledged_at: Option<Timestamp>,
}

impl Store {
    /// Handhelds, codes and the duty list.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn handhelds(&self) -> Result<HandheldRows, StoreError> {
        read(&self.connection)
            .map_err(|source| StoreError::Handhelds { path: self.path.clone(), source })
    }

    /// Keeps all changes and what the audit log says of them, or nothing.
    ///
    /// # Errors
    /// The disk is full or fails, a code is used already, or an id or key is there already.
    pub fn change_handhelds(
        &mut self,
        changes: &[HandheldChange],
        entries: &[AuditEntry],
    ) -> Result<(), StoreError> {
        in_transaction(&mut self.connection, |connection| {
            for one in changes {
                change(connection, one)?;
            }
            for entry in entries {
                audit::append(connection, entry)?;
            }
            Ok(())
        })
        .map_err(|source| self.handheld_error(source))
    }

    /// Keeps receipts; what was known of one stays known.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn keep_receipts(&mut self, receipts: &[ReceiptRow]) -> Result<(), StoreError> {
        in_transaction(&mut self.connection, |connection| {
            for receipt in receipts {
                keep_receipt(connection, receipt)?;
            }
            retention::trim_table(connection, "receipt", RECEIPTS_KEPT)
        })
        .map_err(|source| self.handheld_error(source))
    }

    fn handheld_error(&self, source: rusqlite::Error) -> StoreError {
        StoreError::or_full(&self.path, source, |path, source| StoreError::Handhelds {
            path,
            source,
        })
    }
}

impl StoreReader {
    /// The receipts of an alarm, oldest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn receipts(&self, alarm: u64) -> Result<Vec<ReceiptRow>, HistoryError> {
        let connection = self.connection();
        let read = || -> rusqlite::Result<Vec<ReceiptRow>> {
            connection
                .prepare_cached(
                    "SELECT alarm, version, handheld, attempts, sent_us, received_us, shown_us,
                       acknowledged_us FROM receipt WHERE alarm = ?1 ORDER BY id",
                )?
                .query_map([alarm], |row| {
                    Ok(ReceiptRow {
                        alarm: row.get(0)?,
                        version: row.get(1)?,
                        handheld: row.get(2)?,
                        attempts: row.get(3)?,
                        sent_at: timestamp(4, row.get(4)?)?,
                        received_at: optional_time(row, 5)?,
                        shown_at: optional_time(row, 6)?,
                        acknowledged_at: optional_time(row, 7)?,
                    })
                })?
                .collect()
        };
        read().map_err(HistoryError::Receipts)
    }
}

fn change(connection: &Connection, change: &HandheldChange) -> rusqlite::Result<()> {
    let run = |sql: &'static str, values: &[&dyn rusqlite::ToSql]| {
        connection.prepare_cached(sql)?.execute(values).map(|_rows| ())
    };
    match change {
        HandheldChange::AddPairing(pairing) => run(
            "INSERT INTO handheld_pairing (code, person, name, by, at_us, expires_us)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                pairing.code,
                pairing.person,
                pairing.name,
                pairing.by,
                pairing.at.as_microsecond(),
                pairing.expires_at.as_microsecond()
            ],
        ),
        HandheldChange::DropPairings { by } => {
            run("DELETE FROM handheld_pairing WHERE expires_us <= ?1", params![by.as_microsecond()])
        }
        HandheldChange::Pair { code, id, platform, public_key, at } => {
            let added = connection
                .prepare_cached(
                    "INSERT INTO handheld (id, person, name, platform, public_key, paired_by,
                       paired_us)
                     SELECT ?2, person, name, ?3, ?4, by, ?5 FROM handheld_pairing WHERE code = ?1",
                )?
                .execute(params![code, id, platform, public_key, at.as_microsecond()])?;
            if added != 1 {
                return Err(rusqlite::Error::StatementChangedRows(added));
            }
            run("DELETE FROM handheld_pairing WHERE code = ?1", params![code])
        }
        HandheldChange::Revoke { id, revoked } => {
            run(
                "UPDATE handheld SET revoked_by = ?2, revoked_us = ?3, revoked_reason = ?4
                 WHERE id = ?1 AND revoked_us IS NULL",
                params![id, revoked.by, revoked.at.as_microsecond(), revoked.reason],
            )?;
            // Whoever is revoked gets nothing more by way of a push service either.
            run("DELETE FROM push_subscription WHERE device = ?1", params![id])
        }
        HandheldChange::Seen { number, at } => run(
            "UPDATE handheld SET last_seen_us = ?2 WHERE number = ?1",
            params![number, at.as_microsecond()],
        ),
        HandheldChange::PutDuty(duty) => run(
            "INSERT INTO duty (place, document, digest, by, at_us) VALUES (1, ?1, ?2, ?3, ?4)
             ON CONFLICT (place) DO UPDATE SET document = excluded.document,
               digest = excluded.digest, by = excluded.by, at_us = excluded.at_us",
            params![duty.document, duty.digest, duty.by, duty.at.as_microsecond()],
        ),
    }
}

fn keep_receipt(connection: &Connection, receipt: &ReceiptRow) -> rusqlite::Result<()> {
    let us = |at: Option<Timestamp>| at.map(Timestamp::as_microsecond);
    connection
        .prepare_cached(
            "INSERT INTO receipt (alarm, version, handheld, attempts, sent_us, received_us,
               shown_us, acknowledged_us)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (alarm, version, handheld) DO UPDATE SET
               attempts = max(attempts, excluded.attempts),
               received_us = coalesce(received_us, excluded.received_us),
               shown_us = coalesce(shown_us, excluded.shown_us),
               acknowledged_us = coalesce(acknowledged_us, excluded.acknowledged_us)",
        )?
        .execute(params![
            receipt.alarm,
            receipt.version,
            receipt.handheld,
            receipt.attempts,
            receipt.sent_at.as_microsecond(),
            us(receipt.received_at),
            us(receipt.shown_at),
            us(receipt.acknowledged_at)
        ])
        .map(|_rows| ())
}

fn read(connection: &Connection) -> rusqlite::Result<HandheldRows> {
    let box_id =
        connection.query_row("SELECT id FROM box WHERE place = 1", [], |row| row.get(0))?;
    let pairings = connection
        .prepare("SELECT code, person, name, by, at_us, expires_us FROM handheld_pairing")?
        .query_map([], |row| {
            Ok(PairingRow {
                code: row.get(0)?,
                person: row.get(1)?,
                name: row.get(2)?,
                by: row.get(3)?,
                at: timestamp(4, row.get(4)?)?,
                expires_at: timestamp(5, row.get(5)?)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let duty = connection
        .query_row("SELECT document, digest, by, at_us FROM duty WHERE place = 1", [], |row| {
            Ok(DutyRow {
                document: row.get(0)?,
                digest: row.get(1)?,
                by: row.get(2)?,
                at: timestamp(3, row.get(3)?)?,
            })
        })
        .optional()?;
    Ok(HandheldRows { box_id, handhelds: read_handhelds(connection)?, pairings, duty })
}

fn read_handhelds(connection: &Connection) -> rusqlite::Result<Vec<HandheldRow>> {
    connection
        .prepare(
            "SELECT number, id, person, name, platform, public_key, paired_by, paired_us,
               last_seen_us, revoked_by, revoked_us, revoked_reason FROM handheld ORDER BY number",
        )?
        .query_map([], |row| {
            let revoked = match (row.get(9)?, optional_time(row, 10)?, row.get(11)?) {
                (Some(by), Some(at), Some(reason)) => Some(Revoked { by, at, reason }),
                // A CHECK holds the three together.
                (_, _, _) => None,
            };
            Ok(HandheldRow {
                number: row.get(0)?,
                id: row.get(1)?,
                person: row.get(2)?,
                name: row.get(3)?,
                platform: row.get(4)?,
                public_key: row.get(5)?,
                paired_by: row.get(6)?,
                paired_at: timestamp(7, row.get(7)?)?,
                last_seen_at: optional_time(row, 8)?,
                revoked,
            })
        })?
        .collect()
}

fn optional_time(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    row.get::<_, Option<i64>>(column)?.map(|us| timestamp(column, us)).transpose()
}
