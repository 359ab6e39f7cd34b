//! Questions about examples, and about the incidents that people have spoken of.

use std::collections::BTreeMap;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    EXAMPLES_AT_ONCE_MAX, ExampleOccasion, KeptBox, KeptExample, KeptLabel, NewExample, SaidLabel,
};
use crate::store::query::{HistoryError, StoreReader, timestamp};
use crate::store::verdicts::Judgement;

/// Which examples are asked for; the newest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoughtExamples {
    pub labels: SoughtLabels,
    pub occasion: Option<ExampleOccasion>,
    pub before: Option<u64>,
    pub limit: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SoughtLabels {
    #[default]
    All,
    Unlabelled,
}

/// What it takes to choose which examples stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExampleFacts {
    pub id: u64,
    pub occasion: ExampleOccasion,
    pub label: Option<SaidLabel>,
    pub camera: String,
    pub hash: u64,
    pub bytes: u64,
}

/// An incident of which somebody said whether anybody was there.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledIncident {
    pub camera: String,
    /// The best score among its evidence.
    pub score: f32,
    pub label: SaidLabel,
}

const COLUMNS: &str = "example.id, occasion, camera, zone, zone_name, example.incident,
    example.at_us, score, width_px, height_px, boxes, covers, hash, file, bytes, sha256, why, label,
    labelled_by, labelled_us, verdict.verdict
  FROM example LEFT JOIN verdict ON verdict.incident = example.incident";

impl StoreReader {
    /// # Errors
    /// The store cannot be read.
    pub fn examples(&self, sought: SoughtExamples) -> Result<Vec<KeptExample>, HistoryError> {
        let SoughtExamples { labels, occasion, before, limit } = sought;
        let below = before.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
        let only = match labels {
            SoughtLabels::All => "",
            SoughtLabels::Unlabelled => "AND label IS NULL",
        };
        let sql = format!(
            "SELECT {COLUMNS} WHERE example.id < ?1 AND (?2 IS NULL OR occasion = ?2) {only}
             ORDER BY example.id DESC LIMIT ?3"
        );
        let occasion = occasion.map(ExampleOccasion::as_str);
        let limit = limit.min(EXAMPLES_AT_ONCE_MAX);
        self.example_rows(&sql, params![below, occasion, limit])
    }

    /// The oldest first, those above a number.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn examples_after(&self, after: u64, limit: u32) -> Result<Vec<KeptExample>, HistoryError> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let sql = format!("SELECT {COLUMNS} WHERE example.id > ?1 ORDER BY example.id LIMIT ?2");
        self.example_rows(&sql, params![after, limit.min(EXAMPLES_AT_ONCE_MAX)])
    }

    /// Examples that nobody has labelled, the one that teaches most first: where two models differ;
    /// what somebody judged false, since they were not asked whether anybody was there; then what the
    /// box told, what it nearly told, and what it hardly saw.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn example_queue(&self, limit: u32) -> Result<Vec<KeptExample>, HistoryError> {
        let sql = format!(
            "SELECT {COLUMNS} WHERE label IS NULL
             ORDER BY CASE WHEN occasion = 'disagreement' THEN 0
               WHEN verdict.verdict = 'false' THEN 1 WHEN occasion = 'incident' THEN 2
               WHEN occasion = 'near_miss' THEN 3 ELSE 4 END, example.id DESC LIMIT ?1"
        );
        self.example_rows(&sql, params![limit.min(EXAMPLES_AT_ONCE_MAX)])
    }

    /// # Errors
    /// The store cannot be read.
    pub fn example(&self, id: u64) -> Result<Option<KeptExample>, HistoryError> {
        let Ok(id) = i64::try_from(id) else {
            return Ok(None);
        };
        let sql = format!("SELECT {COLUMNS} WHERE example.id = ?1");
        Ok(self.example_rows(&sql, params![id])?.pop())
    }

    fn example_rows(
        &self,
        sql: &str,
        parameters: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<KeptExample>, HistoryError> {
        let ask = |connection: &Connection| -> rusqlite::Result<Vec<KeptExample>> {
            connection.prepare_cached(sql)?.query_map(parameters, example_row)?.collect()
        };
        ask(&self.connection()).map_err(HistoryError::Examples)
    }

    /// All examples, the oldest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn example_facts(&self) -> Result<Vec<ExampleFacts>, HistoryError> {
        let ask = |connection: &Connection| -> rusqlite::Result<Vec<ExampleFacts>> {
            connection
                .prepare_cached(
                    "SELECT id, occasion, label, camera, hash, bytes FROM example ORDER BY id",
                )?
                .query_map([], facts_row)?
                .collect()
        };
        ask(&self.connection()).map_err(HistoryError::Examples)
    }

    /// How many there are, and their bytes.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn examples_kept(&self) -> Result<(usize, u64), HistoryError> {
        let ask = |connection: &Connection| {
            connection
                .prepare_cached("SELECT count(*), coalesce(sum(bytes), 0) FROM example")?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        };
        ask(&self.connection()).map_err(HistoryError::Examples)
    }

    /// Bytes and digest of every picture, by the name of its file.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn example_files(&self) -> Result<BTreeMap<String, (u64, String)>, HistoryError> {
        let ask = |connection: &Connection| -> rusqlite::Result<BTreeMap<String, (u64, String)>> {
            connection
                .prepare_cached("SELECT file, bytes, sha256 FROM example")?
                .query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?
                .collect()
        };
        ask(&self.connection()).map_err(HistoryError::Examples)
    }

    /// Incidents of which somebody said whether anybody was there, the oldest first. Of one that was
    /// judged false that is not known: somebody may have been who may be.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn labelled_incidents(&self) -> Result<Vec<LabelledIncident>, HistoryError> {
        let ask = |connection: &Connection| -> rusqlite::Result<Vec<LabelledIncident>> {
            connection
                .prepare_cached(
                    "SELECT camera, score, coalesce(incident_label.label,
                       CASE verdict.verdict WHEN 'false' THEN 'unsure' ELSE 'true' END)
                     FROM incident
                     LEFT JOIN incident_label ON incident_label.incident = incident.id
                     LEFT JOIN verdict ON verdict.incident = incident.id
                     WHERE incident_label.label IS NOT NULL OR verdict.verdict IS NOT NULL
                     ORDER BY incident.id",
                )?
                .query_map([], |row| {
                    let label: String = row.get(2)?;
                    let label = word(2, &label, SaidLabel::parse)?;
                    Ok(LabelledIncident { camera: row.get(0)?, score: row.get(1)?, label })
                })?
                .collect()
        };
        ask(&self.connection()).map_err(HistoryError::Examples)
    }

    /// The number of the newest example that there ever was; 0 before the first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn newest_example(&self) -> Result<u64, HistoryError> {
        let ask = |connection: &Connection| -> rusqlite::Result<Option<u64>> {
            connection
                .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'example'")?
                .query_row([], |row| row.get(0))
                .optional()
        };
        Ok(ask(&self.connection()).map_err(HistoryError::Examples)?.unwrap_or_default())
    }
}

fn facts_row(row: &Row<'_>) -> rusqlite::Result<ExampleFacts> {
    let (occasion, label): (String, Option<String>) = (row.get(1)?, row.get(2)?);
    Ok(ExampleFacts {
        id: row.get(0)?,
        occasion: word(1, &occasion, ExampleOccasion::parse)?,
        label: label.map(|label| word(2, &label, SaidLabel::parse)).transpose()?,
        camera: row.get(3)?,
        hash: row.get::<_, i64>(4)?.cast_unsigned(),
        bytes: row.get(5)?,
    })
}

fn example_row(row: &Row<'_>) -> rusqlite::Result<KeptExample> {
    let occasion: String = row.get(1)?;
    let zone: (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
    let verdict: Option<String> = row.get(20)?;
    Ok(KeptExample {
        example: NewExample {
            id: row.get(0)?,
            occasion: word(1, &occasion, ExampleOccasion::parse)?,
            camera: row.get(2)?,
            zone: zone.0.zip(zone.1),
            incident: row.get(5)?,
            at: timestamp(6, row.get(6)?)?,
            score: row.get(7)?,
            size_px: (row.get(8)?, row.get(9)?),
            boxes: boxes(10, &row.get::<_, String>(10)?)?,
            covers: row.get(11)?,
            hash: row.get::<_, i64>(12)?.cast_unsigned(),
            file: row.get(13)?,
            bytes: row.get(14)?,
            sha256: row.get(15)?,
            why: row.get(16)?,
        },
        label: label(row)?,
        verdict: verdict.map(|verdict| word(20, &verdict, Judgement::parse)).transpose()?,
    })
}

fn label(row: &Row<'_>) -> rusqlite::Result<Option<KeptLabel>> {
    let Some(text) = row.get::<_, Option<String>>(17)? else {
        return Ok(None);
    };
    Ok(Some(KeptLabel {
        label: word(17, &text, SaidLabel::parse)?,
        by: row.get(18)?,
        at: timestamp(19, row.get(19)?)?,
    }))
}

fn boxes(column: usize, text: &str) -> rusqlite::Result<Vec<KeptBox>> {
    serde_json::from_str(text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    })
}

/// A word out of a column; another one means that other hands wrote it.
fn word<T>(
    column: usize,
    text: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    parse(text).ok_or_else(|| {
        let what = format!("{text:?} is no word of this column").into();
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, what)
    })
}
