//! What a shadow model told beside the active one: runs, incidents of both, and what people say of them.
//!
//! Terms: a **run** is one active and one shadow model over the same pictures with the same zones, live or
//! on recordings. An incident is kept under the number its model's engine gave it, so that it may be kept
//! again when more is known of it. A label is one person's; the newest counts, each is in the audit log.
//!
//! Bounded: runs go whole, those that say least of what guards now first (`kept`); a run keeps its first
//! `INCIDENTS_OF_RUN_MAX`, and pictures of the newest cases only.
//!
//! Not here: which incident of one model is which of the other, and what all that shows (`gate`).

pub mod clips;
mod kept;
mod parent;
mod read;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

pub use self::parent::{PARENT_CHECKS_KEPT, ParentCheck, ParentCheckRow, ParentChecks};
pub use self::read::{CaseMark, ShadowIncidentRow, ShadowRunRow};
use super::audit::{self, AuditEntry};
use super::pictures::Hides;
use super::{SNAPSHOT_BYTES_MAX, Store, StoreError, in_transaction};

/// Runs kept: of a site whose zones change each day, more than half a year.
pub const RUNS_KEPT: i64 = 200;

/// Incidents kept of a run; a claim takes some hundred.
pub const INCIDENTS_OF_RUN_MAX: i64 = 20_000;

/// Pictures kept of cases that the active model did not tell; the others have theirs with the incident.
pub const CASE_PICTURES_KEPT: i64 = 300;

/// Where a run's pictures came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunSource {
    Live,
    Corpus,
}

/// Whose incident it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunSide {
    Active,
    Shadow,
    /// Known of a recording.
    Truth,
}

/// What somebody said of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseWord {
    True,
    False,
    Unsure,
}

/// A run to be begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewShadowRun {
    pub source: RunSource,
    /// `this site`, or what was compared on.
    pub name: String,
    /// Slots, as their type writes them.
    pub active: String,
    pub shadow: String,
    /// sha256 of the models that were loaded.
    pub active_model: String,
    pub shadow_model: String,
    /// What the zones were, as one digest.
    pub zones: String,
    pub began: Timestamp,
}

/// How far a run has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunProgress {
    /// Pictures that the shadow model saw, of those the active one looked at.
    pub seen: u64,
    pub of: u64,
    /// Whatever else was counted, JSON of whoever counts.
    pub figures: String,
}

/// An incident of one model, as far as it is known now.
#[derive(Clone, Debug, PartialEq)]
pub struct ShadowIncident {
    pub side: RunSide,
    /// Unique for its run and side.
    pub number: u64,
    pub camera: String,
    pub zone: String,
    pub zone_name: String,
    pub zone_number: Option<usize>,
    pub began: Timestamp,
    /// When somebody was last seen inside.
    pub last: Timestamp,
    pub ended: Ended,
    pub score: f32,
    /// JSON of whoever keeps it.
    pub boxes: String,
    /// Why it is not compared.
    pub left_out: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Yes,
    No,
}

/// A run over recordings, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct CorpusRun {
    pub run: NewShadowRun,
    pub ended: Timestamp,
    pub progress: RunProgress,
    /// With what is known of each; what both missed is of the side `Truth`.
    pub incidents: Vec<(ShadowIncident, Option<CaseWord>)>,
    /// Each counts once for the two models.
    pub recordings: Vec<RecordingKept>,
}

/// What was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingKept {
    pub name: String,
    pub sha256: String,
    pub zones: String,
}

/// What came of a run over recordings.
enum Appended {
    Run(u64),
    Full,
    /// It has this recording already.
    Known(String),
}

/// Whether there was anything to label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Labelled {
    Yes,
    NoCase,
}

macro_rules! words {
    ($of:ident: $($variant:ident = $word:literal),+) => {
        impl $of {
            /// As it is kept.
            pub fn as_str(self) -> &'static str {
                match self { $($of::$variant => $word),+ }
            }

            pub(super) fn parse(text: &str) -> Option<$of> {
                [$($of::$variant),+].into_iter().find(|it| it.as_str() == text)
            }
        }
    };
}

words!(RunSource: Live = "live", Corpus = "corpus");
words!(RunSide: Active = "active", Shadow = "shadow", Truth = "truth");
words!(CaseWord: True = "true", False = "false", Unsure = "unsure");

impl Store {
    /// Goes on with the live run of the same models and zones, when that was the last one and nothing in it
    /// is dated later than this one begins; else ends what is open and begins another. Returns its number.
    ///
    /// # Errors
    /// The disk is full or fails, or the runs that are kept may none of them be forgotten.
    pub fn open_shadow_run(&mut self, new: &NewShadowRun) -> Result<u64, StoreError> {
        let open = |connection: &Connection| -> rusqlite::Result<Option<u64>> {
            let last = connection
                .prepare_cached(
                    "SELECT id FROM shadow_run WHERE source = 'live' AND ended_us IS NULL
                     AND active = ?1 AND shadow = ?2 AND zones = ?3
                     AND active_model = ?4 AND shadow_model = ?5 AND began_us <= ?6
                     AND NOT EXISTS (SELECT 1 FROM shadow_incident i
                       WHERE i.run = shadow_run.id AND max(i.began_us, i.last_us) > ?6)
                     AND id = (SELECT max(id) FROM shadow_run WHERE source = 'live')",
                )?
                .query_row(
                    params![
                        new.active,
                        new.shadow,
                        new.zones,
                        new.active_model,
                        new.shadow_model,
                        new.began.as_microsecond()
                    ],
                    |row| row.get(0),
                )
                .optional()?;
            connection.execute(
                "UPDATE shadow_run SET ended_us = ?1
                 WHERE source = 'live' AND ended_us IS NULL AND id IS NOT ?2",
                params![new.began.as_microsecond(), last],
            )?;
            if let Some(run) = last {
                // What was under way when the box stopped is over.
                connection.execute("UPDATE shadow_incident SET ended = 1 WHERE run = ?1", [run])?;
                return Ok(Some(run));
            }
            begin(connection, new)
        };
        self.shadow_work(open)?.ok_or_else(|| self.runs_full())
    }

    /// Ends every live run that is open.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn end_shadow_runs(&mut self, at: Timestamp) -> Result<(), StoreError> {
        let end = |connection: &Connection| {
            connection
                .prepare_cached(
                    "UPDATE shadow_run SET ended_us = ?1
                     WHERE source = 'live' AND ended_us IS NULL",
                )?
                .execute([at.as_microsecond()])
                .map(|_| ())
        };
        self.shadow_work(end)
    }

    /// Keeps how far a run has come and what is new of its incidents; the same again changes nothing.
    ///
    /// # Errors
    /// The disk is full or fails; then nothing of it is kept.
    pub fn keep_shadow(
        &mut self,
        run: u64,
        progress: &RunProgress,
        incidents: &[ShadowIncident],
    ) -> Result<(), StoreError> {
        self.shadow_work(|connection| {
            keep_progress(connection, run, progress)?;
            incidents.iter().try_for_each(|it| keep_incident(connection, run, it).map(drop))
        })
    }

    /// Keeps a whole run over recordings, and the audit entry, or neither. Returns its number.
    ///
    /// # Errors
    /// The disk is full or fails, a recording is kept already of these two models with the same zones, or
    /// the runs that are kept may none of them be forgotten; then nothing of it is kept.
    pub fn append_corpus_run(&mut self, corpus: &CorpusRun, by: &str) -> Result<u64, StoreError> {
        match self.shadow_work(|connection| append_corpus(connection, corpus, by))? {
            Appended::Run(run) => Ok(run),
            Appended::Full => Err(self.runs_full()),
            Appended::Known(recording) => {
                Err(StoreError::RecordingKnown { path: self.path.clone(), recording })
            }
        }
    }

    /// Keeps what somebody says of a case, and the audit entry, or neither. `case` is the number of one of
    /// its incidents.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn label_case(
        &mut self,
        case: u64,
        word: CaseWord,
        by: &str,
        at: Timestamp,
    ) -> Result<Labelled, StoreError> {
        let entry = AuditEntry {
            at,
            by: by.to_owned(),
            action: "case_labelled".into(),
            subject: format!("case {case}"),
            detail: serde_json::json!({ "label": word.as_str() }).to_string(),
        };
        self.shadow_work(|connection| {
            if keep_label(connection, case, word, by, at)? == 0 {
                return Ok(Labelled::NoCase);
            }
            audit::append(connection, &entry)?;
            Ok(Labelled::Yes)
        })
    }

    /// Keeps the picture of a case, as everybody may see it; `hides`: what of people it hides.
    ///
    /// # Errors
    /// The picture is empty or larger than [`SNAPSHOT_BYTES_MAX`], or the disk is full or fails.
    pub fn put_case_picture(
        &mut self,
        (run, side, number): (u64, RunSide, u64),
        hides: Option<Hides>,
        jpeg: &[u8],
    ) -> Result<(), StoreError> {
        if jpeg.is_empty() || jpeg.len() > SNAPSHOT_BYTES_MAX {
            return Err(StoreError::SnapshotSize { incident: number, bytes: jpeg.len() });
        }
        self.shadow_work(|connection| {
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO shadow_picture (incident, hides, jpeg)
                     SELECT id, ?4, ?5 FROM shadow_incident
                     WHERE run = ?1 AND side = ?2 AND number = ?3",
                )?
                .execute(params![run, side.as_str(), number, hides.map(Hides::as_str), jpeg])?;
            connection
                .prepare_cached(
                    "DELETE FROM shadow_picture WHERE incident <= (SELECT incident FROM
                     shadow_picture ORDER BY incident DESC LIMIT 1 OFFSET ?1)",
                )?
                .execute([CASE_PICTURES_KEPT])
                .map(|_| ())
        })
    }

    fn runs_full(&self) -> StoreError {
        StoreError::ShadowRunsFull { path: self.path.clone(), most: RUNS_KEPT }
    }

    fn shadow_work<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let path = &self.path;
        in_transaction(&mut self.connection, work).map_err(|source| {
            StoreError::or_full(path, source, |path, source| StoreError::Commit { path, source })
        })
    }
}

/// Its number; `None`: there is no room, and no run may be forgotten for it.
fn begin(connection: &Connection, new: &NewShadowRun) -> rusqlite::Result<Option<u64>> {
    if kept::make_room(connection, new, RUNS_KEPT)? == kept::Room::Full {
        return Ok(None);
    }
    connection
        .prepare_cached(
            "INSERT INTO shadow_run (source, name, active, shadow, zones, began_us, active_model,
               shadow_model)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id",
        )?
        .query_row(
            params![
                new.source.as_str(),
                new.name,
                new.active,
                new.shadow,
                new.zones,
                new.began.as_microsecond(),
                new.active_model,
                new.shadow_model
            ],
            |row| row.get(0),
        )
        .map(Some)
}

fn append_corpus(
    connection: &Connection,
    corpus: &CorpusRun,
    by: &str,
) -> rusqlite::Result<Appended> {
    for one in &corpus.recordings {
        if kept::has_recording(connection, &corpus.run, one)? {
            return Ok(Appended::Known(one.name.clone()));
        }
    }
    let Some(run) = begin(connection, &corpus.run)? else { return Ok(Appended::Full) };
    keep_progress(connection, run, &corpus.progress)?;
    connection.execute(
        "UPDATE shadow_run SET ended_us = ?2 WHERE id = ?1",
        params![run, corpus.ended.as_microsecond()],
    )?;
    for one in &corpus.recordings {
        kept::keep_recording(connection, run, one)?;
    }
    for (incident, word) in &corpus.incidents {
        let id = keep_incident(connection, run, incident)?;
        if let (Some(id), Some(word)) = (id, word) {
            keep_label(connection, id, *word, by, corpus.ended)?;
        }
    }
    let (recordings, incidents) = (corpus.recordings.len(), corpus.incidents.len());
    let shadow = &corpus.run.shadow;
    let entry = AuditEntry {
        at: corpus.ended,
        by: by.to_owned(),
        action: "evidence_kept".into(),
        subject: format!("run {run}"),
        detail: serde_json::json!({
            "shadow": shadow, "recordings": recordings, "incidents": incidents,
        })
        .to_string(),
    };
    audit::append(connection, &entry)?;
    Ok(Appended::Run(run))
}

fn keep_progress(connection: &Connection, run: u64, to: &RunProgress) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE shadow_run SET seen = ?2, looked = ?3, figures = ?4 WHERE id = ?1")?
        .execute(params![run, to.seen, to.of, to.figures])
        .map(|_| ())
}

/// Its number; `None` when the run has too many.
fn keep_incident(
    connection: &Connection,
    run: u64,
    it: &ShadowIncident,
) -> rusqlite::Result<Option<u64>> {
    connection
        .prepare_cached(
            "INSERT INTO shadow_incident (run, side, number, camera, zone, zone_name, zone_number,
               began_us, last_us, ended, score, boxes, left_out)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13
             WHERE EXISTS (SELECT 1 FROM shadow_run WHERE id = ?1)
               AND (SELECT count(*) FROM shadow_incident WHERE run = ?1) < ?14
             ON CONFLICT (run, side, number) DO UPDATE SET last_us = excluded.last_us,
               ended = excluded.ended, score = excluded.score, left_out = excluded.left_out
             RETURNING id",
        )?
        .query_row(
            params![
                run,
                it.side.as_str(),
                it.number,
                it.camera,
                it.zone,
                it.zone_name,
                it.zone_number,
                it.began.as_microsecond(),
                it.last.as_microsecond(),
                it.ended == Ended::Yes,
                it.score,
                it.boxes,
                it.left_out,
                INCIDENTS_OF_RUN_MAX,
            ],
            |row| row.get(0),
        )
        .optional()
}

fn keep_label(
    connection: &Connection,
    incident: u64,
    word: CaseWord,
    by: &str,
    at: Timestamp,
) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "INSERT INTO shadow_label (incident, label, by, at_us)
             SELECT id, ?2, ?3, ?4 FROM shadow_incident WHERE id = ?1
             ON CONFLICT (incident) DO UPDATE SET label = excluded.label, by = excluded.by,
               at_us = excluded.at_us",
        )?
        .execute(params![
            i64::try_from(incident).unwrap_or(i64::MAX),
            word.as_str(),
            by,
            at.as_microsecond()
        ])
}
