//! What people judged incidents to be. The newest verdict counts; each is in the audit log.
//!
//! One that says whether somebody was there is said of the incident's example, too.
//!
//! Not here: what else follows from one. A verdict changes no alarm and no zone.

use jiff::Timestamp;
use rusqlite::params;

use super::audit::{self, AuditEntry};
use super::examples;
use super::query::{HistoryError, StoreReader, timestamp};
use super::{Store, StoreError};

/// What an incident was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Somebody was there who must not be.
    True,
    /// Nobody was, or somebody who may be.
    False,
    /// Somebody tested.
    Test,
}

/// A verdict as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerdictRow {
    pub incident: u64,
    pub verdict: Judgement,
    pub by: String,
    pub at: Timestamp,
    /// What else there is to say; may be empty.
    pub note: String,
}

/// Whether there was anything to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    Yes,
    NoIncident,
}

impl Judgement {
    pub const ALL: [Judgement; 3] = [Judgement::True, Judgement::False, Judgement::Test];

    /// As it is kept, and stands in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Judgement::True => "true",
            Judgement::False => "false",
            Judgement::Test => "test",
        }
    }

    pub fn parse(text: &str) -> Option<Judgement> {
        Judgement::ALL.into_iter().find(|verdict| verdict.as_str() == text)
    }
}

impl Store {
    /// Keeps a verdict and its audit entry, or neither.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn judge(&mut self, row: &VerdictRow) -> Result<Judged, StoreError> {
        let entry = AuditEntry {
            at: row.at,
            by: row.by.clone(),
            action: "incident_judged".into(),
            subject: format!("incident {}", row.incident),
            detail: serde_json::json!({ "verdict": row.verdict.as_str(), "note": row.note })
                .to_string(),
        };
        let keep = |connection: &rusqlite::Connection| {
            let kept = connection
                .prepare_cached(
                    "INSERT INTO verdict (incident, verdict, by, at_us, note)
                     SELECT id, ?2, ?3, ?4, ?5 FROM incident WHERE id = ?1
                     ON CONFLICT (incident) DO UPDATE SET verdict = excluded.verdict,
                       by = excluded.by, at_us = excluded.at_us, note = excluded.note",
                )?
                .execute(params![
                    i64::try_from(row.incident).unwrap_or(i64::MAX),
                    row.verdict.as_str(),
                    row.by,
                    row.at.as_microsecond(),
                    row.note,
                ])?;
            if kept == 0 {
                return Ok(Judged::NoIncident);
            }
            examples::judged(connection, row)?;
            audit::append(connection, &entry)?;
            Ok(Judged::Yes)
        };
        super::in_transaction(&mut self.connection, keep).map_err(|source| {
            StoreError::or_full(&self.path, source, |path, source| StoreError::Audit {
                path,
                source,
            })
        })
    }
}

impl StoreReader {
    /// The verdicts on incidents of these numbers, both ends included.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn verdicts(&self, first: u64, last: u64) -> Result<Vec<VerdictRow>, HistoryError> {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let ask = |connection: &rusqlite::Connection| -> rusqlite::Result<Vec<VerdictRow>> {
            connection
                .prepare_cached(
                    "SELECT incident, verdict, by, at_us, note FROM verdict
                     WHERE incident BETWEEN ?1 AND ?2 ORDER BY incident DESC",
                )?
                .query_map([number(first), number(last)], verdict_row)?
                .collect()
        };
        ask(&self.connection()).map_err(HistoryError::Incidents)
    }
}

/// Of `incident, verdict, by, at_us, note`.
pub(super) fn verdict_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<VerdictRow> {
    let word: String = row.get(1)?;
    let verdict = Judgement::parse(&word).ok_or_else(|| {
        let what = format!("{word:?} is no verdict").into();
        rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, what)
    })?;
    Ok(VerdictRow {
        incident: row.get(0)?,
        verdict,
        by: row.get(2)?,
        at: timestamp(3, row.get(3)?)?,
        note: row.get(4)?,
    })
}
