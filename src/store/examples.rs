//! Examples: pictures that are worth learning from, where people are in them, and what somebody said.
//!
//! The pictures are files in [`FOLDER`] beside the database; this room knows their names, sizes and
//! digests, and never touches one. A file is complete and has its last name before its row is written,
//! and its row is gone before it goes: what a crash leaves over is a file without a row, which whoever
//! owns the folder removes.
//!
//! A **label** is what somebody says was there. One who judged an incident true, or a test, has said
//! that somebody was; a false one has said nothing, since somebody may have been who may be there.
//! The newest word counts.
//!
//! Not here: which examples stay (`gate::retention`), and what a label means for a model (`gate`).

mod labels;
mod read;

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::query::StoreReader;
use super::verdicts::Judgement;
use super::{FILE_NAME, Store, StoreError};

pub(super) use self::labels::judged;
pub use self::labels::{ImportedLabels, LabelGiven, NewLabels};
pub use self::read::{ExampleFacts, LabelledIncident, SoughtExamples, SoughtLabels};

/// The pictures' folder, inside the store's.
pub const FOLDER: &str = "examples";

/// Most rows in one answer.
pub const EXAMPLES_AT_ONCE_MAX: u32 = 500;

/// Why an example was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExampleOccasion {
    Incident,
    NearMiss,
    Disagreement,
    LowScore,
}

impl ExampleOccasion {
    pub const ALL: [ExampleOccasion; 4] = [
        ExampleOccasion::Incident,
        ExampleOccasion::NearMiss,
        ExampleOccasion::Disagreement,
        ExampleOccasion::LowScore,
    ];

    /// As it is kept.
    pub fn as_str(self) -> &'static str {
        match self {
            ExampleOccasion::Incident => "incident",
            ExampleOccasion::NearMiss => "near_miss",
            ExampleOccasion::Disagreement => "disagreement",
            ExampleOccasion::LowScore => "low_score",
        }
    }

    pub fn parse(text: &str) -> Option<ExampleOccasion> {
        ExampleOccasion::ALL.into_iter().find(|occasion| occasion.as_str() == text)
    }
}

/// Whether somebody is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaidLabel {
    True,
    False,
    Unsure,
}

impl SaidLabel {
    pub const ALL: [SaidLabel; 3] = [SaidLabel::True, SaidLabel::False, SaidLabel::Unsure];

    /// As it is kept, and stands in files.
    pub fn as_str(self) -> &'static str {
        match self {
            SaidLabel::True => "true",
            SaidLabel::False => "false",
            SaidLabel::Unsure => "unsure",
        }
    }

    pub fn parse(text: &str) -> Option<SaidLabel> {
        SaidLabel::ALL.into_iter().find(|label| label.as_str() == text)
    }
}

/// Who drew a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DrawnBy {
    Model,
    Person,
}

/// Where somebody is, frame fractions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptBox {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
    pub score: f32,
    pub by: DrawnBy,
}

/// An example whose picture lies in the folder under its last name.
#[derive(Clone, Debug, PartialEq)]
pub struct NewExample {
    /// Above [`StoreReader::newest_example`]; never given twice.
    pub id: u64,
    pub occasion: ExampleOccasion,
    pub camera: String,
    /// Id and name.
    pub zone: Option<(String, String)>,
    pub incident: Option<u64>,
    pub at: Timestamp,
    pub score: Option<f32>,
    pub size_px: (u32, u32),
    pub boxes: Vec<KeptBox>,
    /// What is to be hidden, as whoever hides it wrote it; `None`: everything.
    pub covers: Option<String>,
    pub hash: u64,
    pub file: String,
    pub bytes: u64,
    /// Hex.
    pub sha256: String,
    /// For people.
    pub why: String,
}

/// What somebody said of an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptLabel {
    pub label: SaidLabel,
    pub by: String,
    pub at: Timestamp,
}

/// An example as kept.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptExample {
    pub example: NewExample,
    pub label: Option<KeptLabel>,
    /// What somebody judged its incident to be.
    pub verdict: Option<Judgement>,
}

impl Store {
    /// Keeps an example's row, and takes those away that make room for it, or neither. What was said of
    /// its incident is said of it. Names the files that may go now.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn put_example(
        &mut self,
        new: &NewExample,
        making_room: &[u64],
    ) -> Result<Vec<String>, StoreError> {
        self.examples(|connection| {
            let files = remove(connection, making_room)?;
            insert(connection, new)?;
            labels::take_over(connection, new)?;
            Ok(files)
        })
    }

    /// An incident's example becomes one of a disagreement: `more` people were seen in it, who are hidden
    /// with the others. Boxes that a person drew stay as they are. Without an example nothing happens.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn example_differs(
        &mut self,
        incident: u64,
        more: &[KeptBox],
        why: &str,
    ) -> Result<(), StoreError> {
        self.examples(|connection| labels::differs(connection, incident, more, why))
    }

    /// Takes examples away. Names the files that may go now.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn remove_examples(&mut self, ids: &[u64]) -> Result<Vec<String>, StoreError> {
        self.examples(|connection| remove(connection, ids))
    }

    /// Takes examples away whose pictures were taken before then. Names the files that may go now.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn remove_examples_before(&mut self, then: Timestamp) -> Result<Vec<String>, StoreError> {
        self.examples(|connection| {
            let ids: Vec<u64> = connection
                .prepare_cached("SELECT id FROM example WHERE at_us < ?1")?
                .query_map([then.as_microsecond()], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            remove(connection, &ids)
        })
    }

    fn examples<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        super::in_transaction(&mut self.connection, work).map_err(|source| {
            StoreError::or_full(&self.path, source, |path, source| StoreError::Examples {
                path,
                source,
            })
        })
    }
}

/// A reader of the store in `dir`, beside a box that may run.
///
/// # Errors
/// There is no store, or it cannot be read.
pub fn reader_of(dir: &Path) -> Result<StoreReader, StoreError> {
    let path = dir.join(FILE_NAME);
    if !path.is_file() {
        return Err(StoreError::NoStore { path });
    }
    StoreReader::open(&path)
}

fn insert(connection: &Connection, new: &NewExample) -> rusqlite::Result<()> {
    let (zone, zone_name) = new.zone.clone().unzip();
    connection
        .prepare_cached(
            "INSERT INTO example (id, occasion, camera, zone, zone_name, incident, at_us, score,
               width_px, height_px, boxes, covers, hash, file, bytes, sha256, why)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        )?
        .execute(params![
            new.id,
            new.occasion.as_str(),
            new.camera,
            zone,
            zone_name,
            new.incident,
            new.at.as_microsecond(),
            new.score.map(f64::from),
            new.size_px.0,
            new.size_px.1,
            json(&new.boxes),
            new.covers,
            new.hash.cast_signed(),
            new.file,
            new.bytes,
            new.sha256,
            new.why,
        ])
        .map(|_rows| ())
}

fn remove(connection: &Connection, ids: &[u64]) -> rusqlite::Result<Vec<String>> {
    let mut files = Vec::with_capacity(ids.len());
    let mut statement =
        connection.prepare_cached("DELETE FROM example WHERE id = ?1 RETURNING file")?;
    for id in ids {
        files.extend(statement.query_row([id], |row| row.get(0)).optional()?);
    }
    super::retention::count(connection, "example", files.len())?;
    Ok(files)
}

fn json(boxes: &[KeptBox]) -> String {
    serde_json::json!(boxes).to_string()
}
