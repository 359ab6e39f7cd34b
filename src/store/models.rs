//! What happened to models: which came, which guarded since when, who wanted it, and what was taken
//! back and why. Each is a line of the event log, too.
//!
//! Not here: which model guards. That is the ledger's beside this file (`model_store`).

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};

use super::query::{HistoryError, StoreReader, timestamp};
use super::retention;

/// Rows kept: at three a day, nine years.
pub const MODEL_EVENTS_KEPT: i64 = 10_000;

/// Most rows in one answer.
pub const MODEL_EVENTS_AT_ONCE_MAX: u32 = 500;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelEventKind {
    Installed,
    /// A package was not taken in.
    Refused,
    Verified,
    Shadowing,
    Approved,
    /// It guards, on probation.
    Switched,
    Committed,
    /// The trial was ended.
    RolledBack,
    /// The previous one guards again.
    PutBack,
    Rejected,
    Discarded,
    CrashLoop,
    GoldenFailed,
    ReviewOpened,
    ReviewDismissed,
    ReviewConfirmed,
    Fault,
}

impl ModelEventKind {
    pub const ALL: [ModelEventKind; 17] = [
        ModelEventKind::Installed,
        ModelEventKind::Refused,
        ModelEventKind::Verified,
        ModelEventKind::Shadowing,
        ModelEventKind::Approved,
        ModelEventKind::Switched,
        ModelEventKind::Committed,
        ModelEventKind::RolledBack,
        ModelEventKind::PutBack,
        ModelEventKind::Rejected,
        ModelEventKind::Discarded,
        ModelEventKind::CrashLoop,
        ModelEventKind::GoldenFailed,
        ModelEventKind::ReviewOpened,
        ModelEventKind::ReviewDismissed,
        ModelEventKind::ReviewConfirmed,
        ModelEventKind::Fault,
    ];

    /// As it is kept, and stands in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            ModelEventKind::Installed => "installed",
            ModelEventKind::Refused => "refused",
            ModelEventKind::Verified => "verified",
            ModelEventKind::Shadowing => "shadowing",
            ModelEventKind::Approved => "approved",
            ModelEventKind::Switched => "switched",
            ModelEventKind::Committed => "committed",
            ModelEventKind::RolledBack => "rolled_back",
            ModelEventKind::PutBack => "put_back",
            ModelEventKind::Rejected => "rejected",
            ModelEventKind::Discarded => "discarded",
            ModelEventKind::CrashLoop => "crash_loop",
            ModelEventKind::GoldenFailed => "golden_failed",
            ModelEventKind::ReviewOpened => "review_opened",
            ModelEventKind::ReviewDismissed => "review_dismissed",
            ModelEventKind::ReviewConfirmed => "review_confirmed",
            ModelEventKind::Fault => "fault",
        }
    }

    pub fn parse(text: &str) -> Option<ModelEventKind> {
        ModelEventKind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Something that happened to a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelEvent {
    pub at: Timestamp,
    pub kind: ModelEventKind,
    /// As `rollout::slot::Slot` writes it.
    pub slot: Option<String>,
    pub release: Option<u64>,
    /// A person's name, or the box.
    pub by: String,
    /// For people.
    pub text: String,
}

/// The same with its number; later ones are greater.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelEventRow {
    pub id: u64,
    pub event: ModelEvent,
}

/// Adds a row; called once the record stands in the log as a new one.
pub(super) fn write(connection: &Connection, event: &ModelEvent) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO model_event (at_us, kind, slot, release, by, text)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            event.at.as_microsecond(),
            event.kind.as_str(),
            event.slot,
            event.release,
            event.by,
            event.text
        ])?;
    retention::trim_table(connection, "model_event", MODEL_EVENTS_KEPT)
}

impl StoreReader {
    /// What happened to models, the newest first, those below a number; at most
    /// [`MODEL_EVENTS_AT_ONCE_MAX`].
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn model_events(
        &self,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<ModelEventRow>, HistoryError> {
        let below = before.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
        let ask = |connection: &Connection| -> rusqlite::Result<Vec<ModelEventRow>> {
            connection
                .prepare_cached(
                    "SELECT id, at_us, kind, slot, release, by, text FROM model_event
                     WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
                )?
                .query_map(params![below, limit.min(MODEL_EVENTS_AT_ONCE_MAX)], event_row)?
                .collect()
        };
        ask(&self.connection()).map_err(HistoryError::Models)
    }
}

fn event_row(row: &Row<'_>) -> rusqlite::Result<ModelEventRow> {
    let word: String = row.get(2)?;
    let kind = ModelEventKind::parse(&word).ok_or_else(|| {
        let what = format!("{word:?} is nothing that happens to a model").into();
        rusqlite::Error::FromSqlConversionFailure(2, Type::Text, what)
    })?;
    Ok(ModelEventRow {
        id: row.get(0)?,
        event: ModelEvent {
            at: timestamp(1, row.get(1)?)?,
            kind,
            slot: row.get(3)?,
            release: row.get(4)?,
            by: row.get(5)?,
            text: row.get(6)?,
        },
    })
}
