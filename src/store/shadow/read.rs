//! Questions about runs of shadow models.

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::clips::{self, CaseClipRow};
use super::{CaseWord, Ended, RunSide, RunSource, ShadowIncident};
use crate::config::Privacy;
use crate::store::pictures::Hides;
use crate::store::query::{HistoryError, StoreReader, timestamp};

/// A run as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShadowRunRow {
    pub id: u64,
    pub source: RunSource,
    pub name: String,
    pub active: String,
    pub shadow: String,
    /// sha256 of the models that were loaded.
    pub active_model: String,
    pub shadow_model: String,
    pub zones: String,
    pub began: Timestamp,
    pub ended: Option<Timestamp>,
    pub seen: u64,
    pub of: u64,
    pub figures: String,
}

/// An incident as kept.
#[derive(Clone, Debug, PartialEq)]
pub struct ShadowIncidentRow {
    pub id: u64,
    pub run: u64,
    pub of: ShadowIncident,
    pub mark: Option<CaseMark>,
    /// Its own video; `None`: none was asked for.
    pub clip: Option<CaseClipRow>,
}

/// What somebody said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseMark {
    pub word: CaseWord,
    pub by: String,
    pub at: Timestamp,
}

const RUN: &str =
    "SELECT id, source, name, active, shadow, zones, began_us, ended_us, seen, looked,
                   figures, active_model, shadow_model FROM shadow_run";

impl StoreReader {
    /// The runs in these two slots, oldest first: of those models that were in them last on this site.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn shadow_runs(
        &self,
        active: &str,
        shadow: &str,
    ) -> Result<Vec<ShadowRunRow>, HistoryError> {
        let ask = |connection: &Connection| -> rusqlite::Result<Vec<ShadowRunRow>> {
            connection
                .prepare_cached(&format!("{RUN} WHERE shadow = ?1 AND active = ?2 ORDER BY id"))?
                .query_map([shadow, active], run_row)?
                .collect()
        };
        let mut runs = ask(&self.connection()).map_err(HistoryError::Evidence)?;
        let models = |run: &ShadowRunRow| (run.active_model.clone(), run.shadow_model.clone());
        let live = runs.iter().rfind(|run| run.source == RunSource::Live);
        if let Some(last) = live.or(runs.last()).map(models) {
            runs.retain(|run| models(run) == last);
        }
        Ok(runs)
    }

    /// One run; without a number the newest.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn shadow_run(&self, id: Option<u64>) -> Result<Option<ShadowRunRow>, HistoryError> {
        let ask = |connection: &Connection| {
            connection
                .prepare_cached(&format!(
                    "{RUN} WHERE id = coalesce(?1, id) ORDER BY id DESC LIMIT 1"
                ))?
                .query_row([id.map(number)], run_row)
                .optional()
        };
        ask(&self.connection()).map_err(HistoryError::Evidence)
    }

    /// The newest run beside this active model.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn newest_shadow(&self, active: &str) -> Result<Option<ShadowRunRow>, HistoryError> {
        let ask = |connection: &Connection| {
            connection
                .prepare_cached(&format!("{RUN} WHERE active = ?1 ORDER BY id DESC LIMIT 1"))?
                .query_row([active], run_row)
                .optional()
        };
        ask(&self.connection()).map_err(HistoryError::Evidence)
    }

    /// Everything that was told in a run, in the order it was kept.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn shadow_incidents(&self, run: u64) -> Result<Vec<ShadowIncidentRow>, HistoryError> {
        let ask = |connection: &Connection| -> rusqlite::Result<Vec<ShadowIncidentRow>> {
            connection
                .prepare_cached(
                    "SELECT i.id, i.run, i.side, i.number, i.camera, i.zone, i.zone_name,
                       i.zone_number, i.began_us, i.last_us, i.ended, i.score, i.boxes, i.left_out,
                       l.label, l.by, l.at_us, c.incident, c.lost, c.file, c.bytes, c.sha256,
                       c.codec, c.hides, c.from_us, c.to_us
                     FROM shadow_incident i LEFT JOIN shadow_label l ON l.incident = i.id
                       LEFT JOIN shadow_clip c ON c.incident = i.id
                     WHERE i.run = ?1 ORDER BY i.id",
                )?
                .query_map([number(run)], incident_row)?
                .collect()
        };
        ask(&self.connection()).map_err(HistoryError::Evidence)
    }

    /// The run that an incident is of.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn run_of_case(&self, case: u64) -> Result<Option<u64>, HistoryError> {
        let ask = |connection: &Connection| {
            connection
                .prepare_cached("SELECT run FROM shadow_incident WHERE id = ?1")?
                .query_row([number(case)], |row| row.get(0))
                .optional()
        };
        ask(&self.connection()).map_err(HistoryError::Evidence)
    }

    /// The picture kept of a case; `None` also where it hides less than is configured.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn case_picture(
        &self,
        incident: u64,
        privacy: Privacy,
    ) -> Result<Option<Vec<u8>>, HistoryError> {
        let ask = |connection: &Connection| {
            connection
                .prepare_cached("SELECT hides, jpeg FROM shadow_picture WHERE incident = ?1")?
                .query_row(params![number(incident)], |row| {
                    Ok((row.get::<_, Option<String>>(0)?, row.get::<_, Vec<u8>>(1)?))
                })
                .optional()
        };
        let found = ask(&self.connection()).map_err(HistoryError::Evidence)?;
        Ok(found.and_then(|(hides, jpeg)| {
            let hides = hides.as_deref().and_then(Hides::parse);
            (hides >= Hides::of(privacy)).then_some(jpeg)
        }))
    }
}

fn number(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

fn word<T>(row: &Row<'_>, column: usize, parse: impl Fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let word: String = row.get(column)?;
    parse(&word).ok_or_else(|| {
        let what = format!("{word:?} has no meaning here").into();
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, what)
    })
}

fn run_row(row: &Row<'_>) -> rusqlite::Result<ShadowRunRow> {
    let ended_us: Option<i64> = row.get(7)?;
    Ok(ShadowRunRow {
        id: row.get(0)?,
        source: word(row, 1, RunSource::parse)?,
        name: row.get(2)?,
        active: row.get(3)?,
        shadow: row.get(4)?,
        zones: row.get(5)?,
        began: timestamp(6, row.get(6)?)?,
        ended: ended_us.map(|at_us| timestamp(7, at_us)).transpose()?,
        seen: row.get(8)?,
        of: row.get(9)?,
        figures: row.get(10)?,
        active_model: row.get(11)?,
        shadow_model: row.get(12)?,
    })
}

fn incident_row(row: &Row<'_>) -> rusqlite::Result<ShadowIncidentRow> {
    let labelled: Option<String> = row.get(14)?;
    let mark = match labelled {
        None => None,
        Some(_) => Some(CaseMark {
            word: word(row, 14, CaseWord::parse)?,
            by: row.get(15)?,
            at: timestamp(16, row.get(16)?)?,
        }),
    };
    let zone_number: Option<u32> = row.get(7)?;
    Ok(ShadowIncidentRow {
        id: row.get(0)?,
        run: row.get(1)?,
        of: ShadowIncident {
            side: word(row, 2, RunSide::parse)?,
            number: row.get(3)?,
            camera: row.get(4)?,
            zone: row.get(5)?,
            zone_name: row.get(6)?,
            zone_number: zone_number.map(|number| number as usize),
            began: timestamp(8, row.get(8)?)?,
            last: timestamp(9, row.get(9)?)?,
            ended: if row.get(10)? { Ended::Yes } else { Ended::No },
            score: row.get(11)?,
            boxes: row.get(12)?,
            left_out: row.get(13)?,
        },
        mark,
        clip: clips::read(row, 17)?,
    })
}
