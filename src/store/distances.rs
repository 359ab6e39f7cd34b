//! How far people were from camera and zone in the picture that raised an incident, where the floor
//! is known.
//!
//! Not here: measuring (`guard::evidence`).

use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::query::{HistoryError, StoreReader};
use super::{Store, StoreError};
use crate::engine::IncidentId;

/// All that was measured in a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distances {
    /// How far the ground points lie from where they were measured: nothing here is better than that.
    pub residual_m: f64,
    pub people: Vec<PersonDistance>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PersonDistance {
    /// Frame fractions.
    pub foot_norm: [f64; 2],
    /// From the point on the floor below the camera.
    pub camera_m: Option<f64>,
    /// Only of whoever raised the incident.
    pub edge: Option<EdgeDistance>,
}

/// To the nearest edge of the zone, or to the line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EdgeDistance {
    pub metres: f64,
    pub side: Side,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Inside,
    Outside,
    /// A line has no inside.
    Line,
}

impl Store {
    /// Keeps what was measured; of an incident that is not in the store, nothing.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn put_distances(
        &mut self,
        incident: IncidentId,
        distances: &Distances,
    ) -> Result<(), StoreError> {
        let facts = serde_json::json!(distances).to_string();
        let number = incident.0;
        let kept = self.connection.execute(
            "INSERT OR REPLACE INTO distance (incident, facts) SELECT id, ?2 FROM incident WHERE id = ?1",
            params![number, facts],
        );
        kept.map(|_rows| ()).map_err(|source| {
            StoreError::or_full(&self.path, source, |path, source| StoreError::Snapshot {
                path,
                incident: number,
                source,
            })
        })
    }
}

impl StoreReader {
    /// What was measured; `None` where the floor was not known.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn distances(&self, incident: u64) -> Result<Option<Distances>, HistoryError> {
        let Ok(number) = i64::try_from(incident) else {
            return Ok(None);
        };
        let connection = self.connection();
        let facts = connection
            .prepare_cached("SELECT facts FROM distance WHERE incident = ?1")
            .and_then(|mut statement| {
                statement.query_row([number], |row| row.get::<_, String>(0)).optional()
            });
        let facts = facts.map_err(|source| HistoryError::Snapshot { incident, source })?;
        let parse = |text: String| {
            serde_json::from_str(&text).map_err(|error| {
                let broken = rusqlite::Error::FromSqlConversionFailure(
                    0,
                    rusqlite::types::Type::Text,
                    Box::new(error),
                );
                HistoryError::Snapshot { incident, source: broken }
            })
        };
        facts.map(parse).transpose()
    }
}
