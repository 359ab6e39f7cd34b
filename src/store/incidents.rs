//! Looking for incidents: by zone, camera, time, verdict and pin, newest first, a page at a time.
//!
//! The store holds 200 000 incidents, and somebody may look for the three of a zone: as a rule no
//! question reads them all. One member of what is wanted, the one that lets fewest through as a rule,
//! says in which order rows are met (its **driver**, always by number, the newest first); all members,
//! that one too, say which of them count. So a wrong driver costs time and never an incident.
//!
//! Where nearly all that the driver meets is met in vain, all of that is read: incidents without a
//! verdict where nearly all have one, a zone on a camera that it never was on, a verdict in a zone that
//! never had it. That is bounded by what the store keeps: a tenth of a second on a small machine, in
//! which others who ask through the same reader wait, and neither the writer nor any alarm does.
//!
//! Not here: what kind of zone a zone is; the store does not know.

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::query::{HistoryError, INCIDENTS_AT_ONCE_MAX, IncidentRow, StoreReader, incident_row};
use super::verdicts::{Judgement, VerdictRow, verdict_row};

/// What is looked for. Empty: everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only below this number.
    pub before: Option<u64>,
    /// In one of these zones.
    pub zones: Option<Vec<String>>,
    pub camera: Option<String>,
    pub verdict: Option<WantedVerdict>,
    /// Began then or later.
    pub from: Option<Timestamp>,
    /// Began before.
    pub to: Option<Timestamp>,
    pub pins: Pins,
}

/// What people said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedVerdict {
    Judged(Judgement),
    /// Nothing yet.
    NotJudged,
}

/// Whether it matters that the evidence is pinned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pins {
    #[default]
    Any,
    OnlyPinned,
}

/// Something by whose id incidents are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sought {
    Zone(String),
    Camera(String),
}

/// Some of what was looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Newest first.
    pub rows: Vec<IncidentRow>,
    /// What people judged them to be, where anybody has.
    pub verdicts: Vec<VerdictRow>,
    pub further: Further,
}

/// Whether there is more of it, below the last number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Further {
    More,
    #[default]
    Nothing,
}

/// All of an incident that a list shows.
const ROW: &str = "SELECT i.id, i.zone, i.zone_name, i.camera, i.started_us, i.ended_us,
    i.entries, i.score, i.model_digest, i.zone_revision, s.id IS NOT NULL,
    i.siren_after_ms, i.acknowledged_by,
    (SELECT group_concat(part) FROM clip AS c WHERE c.incident = i.id
      AND c.lost IS NULL AND c.removed_us IS NULL),
    EXISTS (SELECT 1 FROM pin AS p WHERE p.incident = i.id),
    CASE WHEN i.ended_us IS NULL OR EXISTS (SELECT 1 FROM clip AS c WHERE c.incident = i.id
        AND c.lost IS NULL AND c.removed_us IS NULL) THEN NULL
      ELSE coalesce(
        (SELECT coalesce(c.lost, 'it was removed: it was too old, or newer video needed the room')
          FROM clip AS c WHERE c.incident = i.id ORDER BY c.part LIMIT 1),
        (SELECT 'no video was kept in those days' FROM clip_since
          WHERE clip_since.place = 1 AND i.id <= clip_since.incident))
    END
  FROM incident AS i LEFT JOIN snapshot AS s ON s.incident = i.id
  WHERE i.id = ?1";

const VERDICT: &str = "SELECT incident, verdict, by, at_us, note FROM verdict WHERE incident = ?1";

impl StoreReader {
    /// Incidents that are wanted, newest first, at most `limit` and [`INCIDENTS_AT_ONCE_MAX`].
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn find_incidents(&self, limit: u32, wanted: &Wanted) -> Result<Found, HistoryError> {
        let limit = limit.min(INCIDENTS_AT_ONCE_MAX) as usize;
        find(&mut self.connection(), limit, wanted).map_err(HistoryError::Incidents)
    }

    /// Whether a zone or a camera has an incident, or was ever watched.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn has_been(&self, which: &Sought) -> Result<bool, HistoryError> {
        let (sql, id) = match which {
            Sought::Zone(id) => (
                "SELECT EXISTS (SELECT 1 FROM incident INDEXED BY incident_zone WHERE zone = ?1)
                   OR EXISTS (SELECT 1 FROM life_zone WHERE zone = ?1)",
                id,
            ),
            Sought::Camera(id) => (
                "SELECT EXISTS (SELECT 1 FROM incident INDEXED BY incident_camera WHERE camera = ?1)
                   OR EXISTS (SELECT 1 FROM zone_version WHERE camera = ?1)",
                id,
            ),
        };
        let connection = self.connection();
        let mut statement = connection.prepare_cached(sql).map_err(HistoryError::Incidents)?;
        statement.query_row([id], |row| row.get(0)).map_err(HistoryError::Incidents)
    }

    /// Incidents below number `before` (all of them for `None`), newest first, at most `limit` and
    /// [`INCIDENTS_AT_ONCE_MAX`].
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn incidents(
        &self,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<IncidentRow>, HistoryError> {
        Ok(self.find_incidents(limit, &Wanted { before, ..Wanted::default() })?.rows)
    }
}

fn find(connection: &mut Connection, limit: usize, wanted: &Wanted) -> rusqlite::Result<Found> {
    // One transaction: the answer is one moment of the file.
    let moment = connection.transaction()?;
    let Some(numbers) = Numbers::of(&moment, wanted)? else {
        return Ok(Found::default());
    };
    let mut ids = Vec::new();
    // One more than is asked for tells whether there is more.
    for question in questions(wanted, numbers, limit + 1) {
        let mut statement = moment.prepare_cached(&question.sql)?;
        let found = statement.query_map(params_from_iter(question.values), |row| row.get(0))?;
        ids.extend(found.collect::<rusqlite::Result<Vec<i64>>>()?);
    }
    ids.sort_unstable_by(|a, b| b.cmp(a));
    let further = if ids.len() > limit { Further::More } else { Further::Nothing };
    ids.truncate(limit);
    let (mut row_of, mut verdict_of) =
        (moment.prepare_cached(ROW)?, moment.prepare_cached(VERDICT)?);
    let (mut rows, mut verdicts) = (Vec::with_capacity(ids.len()), Vec::new());
    for id in ids {
        rows.push(row_of.query_row([id], incident_row)?);
        verdicts.extend(verdict_of.query_row([id], verdict_row).optional()?);
    }
    Ok(Found { rows, verdicts, further })
}

/// Numbers among which everything wanted lies, both ends included.
#[derive(Clone, Copy)]
struct Numbers {
    first: i64,
    last: i64,
}

impl Numbers {
    /// `None`: there is none of that time. Numbers rise with time but for a clock that was put back,
    /// so whatever lies between is nearly all of that time, and little is met in vain.
    fn of(connection: &Connection, wanted: &Wanted) -> rusqlite::Result<Option<Numbers>> {
        // Beyond what a number may be in the store means "before nothing yet written": all.
        let before = wanted.before.map_or(i64::MAX, |id| i64::try_from(id).unwrap_or(i64::MAX));
        let all = Numbers { first: 1, last: before.saturating_sub(1) };
        if wanted.from.is_none() && wanted.to.is_none() {
            return Ok(Some(all));
        }
        let (from_us, to_us) = times_us(wanted);
        let (first, last): (Option<i64>, Option<i64>) = connection
            .prepare_cached(SPAN)?
            .query_row([from_us, to_us], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (Some(first), Some(last)) = (first, last) else {
            return Ok(None);
        };
        Ok(Some(Numbers { first: all.first.max(first), last: all.last.min(last) }))
    }
}

/// Reads the index alone, sixteen bytes an incident of that time.
const SPAN: &str = "SELECT min(id), max(id) FROM incident INDEXED BY incident_started
  WHERE started_us >= ?1 AND started_us < ?2";

fn times_us(wanted: &Wanted) -> (i64, i64) {
    let us = |at: Option<Timestamp>, open| at.map_or(open, Timestamp::as_microsecond);
    (us(wanted.from, i64::MIN), us(wanted.to, i64::MAX))
}

/// What rows are met by.
enum Driver<'a> {
    Pin,
    Verdict(Judgement),
    Zone(&'a str),
    Camera(&'a str),
    Number,
}

struct Question {
    sql: String,
    values: Vec<Value>,
}

/// One, or one for each zone: rows of several zones come out of the index zone by zone.
fn questions(wanted: &Wanted, numbers: Numbers, limit: usize) -> Vec<Question> {
    let ask = |driver| question(&driver, wanted, numbers, limit);
    match (wanted.pins, wanted.verdict, &wanted.zones, &wanted.camera) {
        (Pins::OnlyPinned, _, _, _) => vec![ask(Driver::Pin)],
        (Pins::Any, Some(WantedVerdict::Judged(word)), _, _) => vec![ask(Driver::Verdict(word))],
        (Pins::Any, _, Some(zones), _) => {
            let once: std::collections::BTreeSet<&str> = zones.iter().map(String::as_str).collect();
            once.into_iter().map(|zone| ask(Driver::Zone(zone))).collect()
        }
        (Pins::Any, _, None, Some(camera)) => vec![ask(Driver::Camera(camera))],
        (Pins::Any, _, None, None) => vec![ask(Driver::Number)],
    }
}

fn question(driver: &Driver<'_>, wanted: &Wanted, numbers: Numbers, limit: usize) -> Question {
    let (from, number, only, value) = match driver {
        Driver::Pin => {
            ("pin AS d CROSS JOIN incident AS i ON i.id = d.incident", "d.incident", "", None)
        }
        Driver::Verdict(word) => (
            "verdict AS d INDEXED BY verdict_word CROSS JOIN incident AS i ON i.id = d.incident",
            "d.incident",
            "d.verdict = ?",
            Some(word.as_str()),
        ),
        Driver::Zone(zone) => {
            ("incident AS i INDEXED BY incident_zone", "i.id", "i.zone = ?", Some(*zone))
        }
        Driver::Camera(camera) => {
            ("incident AS i INDEXED BY incident_camera", "i.id", "i.camera = ?", Some(*camera))
        }
        Driver::Number => ("incident AS i NOT INDEXED", "i.id", "", None),
    };
    let mut conditions = vec![format!("{number} BETWEEN ? AND ?")];
    let mut values = vec![Value::from(numbers.first), Value::from(numbers.last)];
    if let Some(value) = value {
        conditions.push(only.to_owned());
        values.push(Value::from(value.to_owned()));
    }
    let mut also = |condition: &str, value: Option<Value>| {
        conditions.push(condition.to_owned());
        values.extend(value);
    };
    if let Some(zones) = &wanted.zones {
        let listed = serde_json::json!(zones).to_string();
        also(
            "EXISTS (SELECT 1 FROM json_each(?) AS z WHERE z.value = i.zone)",
            Some(listed.into()),
        );
    }
    if let Some(camera) = &wanted.camera {
        also("i.camera = ?", Some(camera.clone().into()));
    }
    if wanted.from.is_some() || wanted.to.is_some() {
        let (from_us, to_us) = times_us(wanted);
        also("i.started_us >= ?", Some(from_us.into()));
        also("i.started_us < ?", Some(to_us.into()));
    }
    match wanted.verdict {
        None => {}
        Some(WantedVerdict::Judged(word)) => also(
            "EXISTS (SELECT 1 FROM verdict AS v WHERE v.incident = i.id AND v.verdict = ?)",
            Some(word.as_str().to_owned().into()),
        ),
        Some(WantedVerdict::NotJudged) => {
            also("NOT EXISTS (SELECT 1 FROM verdict AS v WHERE v.incident = i.id)", None);
        }
    }
    match wanted.pins {
        Pins::Any => {}
        Pins::OnlyPinned => {
            also("EXISTS (SELECT 1 FROM pin AS p WHERE p.incident = i.id)", None);
        }
    }
    let conditions = conditions.join(" AND ");
    let sql =
        format!("SELECT i.id FROM {from} WHERE {conditions} ORDER BY {number} DESC LIMIT {limit}");
    Question { sql, values }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    fn some(zones: &[&str]) -> Option<Vec<String>> {
        Some(zones.iter().map(|&zone| zone.to_owned()).collect())
    }

    /// Every member alone and every pair of them.
    fn wanted() -> Vec<Wanted> {
        type Set = fn(&mut Wanted);
        let members: [Set; 8] = [
            |it| it.zones = some(&["gate"]),
            |it| it.zones = some(&["gate", "dock"]),
            |it| it.camera = Some("east".into()),
            |it| it.verdict = Some(WantedVerdict::Judged(Judgement::False)),
            |it| it.verdict = Some(WantedVerdict::NotJudged),
            |it| it.from = Some(Timestamp::UNIX_EPOCH),
            |it| it.to = Some(Timestamp::UNIX_EPOCH),
            |it| it.pins = Pins::OnlyPinned,
        ];
        let mut all = vec![Wanted::default()];
        for one in members {
            for other in members {
                let mut wanted = Wanted { before: Some(1_000), ..Wanted::default() };
                one(&mut wanted);
                other(&mut wanted);
                all.push(wanted);
            }
        }
        all
    }

    fn plan(connection: &Connection, sql: &str, values: &[Value]) -> Vec<String> {
        connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .expect("prepared")
            .query_map(params_from_iter(values), |row| row.get(3))
            .expect("explained")
            .collect::<rusqlite::Result<_>>()
            .expect("read")
    }

    #[test]
    fn no_question_reads_a_whole_table_or_sorts_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        let connection = &store.connection;
        let mut plans = vec![plan(connection, SPAN, &[0.into(), 1.into()])];
        plans.push(plan(connection, ROW, &[1.into()]));
        plans.push(plan(connection, VERDICT, &[1.into()]));
        for wanted in wanted() {
            for Question { sql, values } in questions(&wanted, Numbers { first: 1, last: 9 }, 51) {
                plans.push(plan(connection, &sql, &values));
            }
        }
        assert!(plans.len() > 60, "{}", plans.len());
        for steps in plans {
            // A short list in memory is not the store.
            let cheap = |step: &&String| {
                step.starts_with("SEARCH")
                    || step.contains("VIRTUAL TABLE")
                    || step.contains("SUBQUERY")
            };
            let costly: Vec<_> = steps.iter().filter(|step| !cheap(step)).collect();
            assert!(costly.is_empty(), "{costly:?} in {steps:?}");
        }
    }

    /// A hundred thousand of one busy zone, and among them, every 20 000, five of a quiet one on a
    /// camera of its own, judged and pinned. A minute apart.
    fn busy_store(folder: &std::path::Path) -> Store {
        let store = Store::open(folder).expect("a store");
        let rows = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n LIMIT 100000)
          INSERT INTO incident (id, zone, zone_name, camera, started_us, captured_us, frame, score,
            anchor_x, anchor_y, model_digest, zone_revision)
          SELECT id, iif(id % 20000, 'busy', 'quiet'), '', iif(id % 20000, 'east', 'west'),
            id * 60000000, 0, 0, 0.5, 0, 0, '', '' FROM n;
          INSERT INTO verdict SELECT id, 'false', '', 0, '' FROM incident WHERE zone = 'quiet';
          INSERT INTO pin SELECT id, '', 0, '' FROM incident WHERE zone = 'quiet';";
        store.connection.execute_batch(rows).expect("written");
        store
    }

    /// Steps of SQLite's machine; some twenty a row.
    fn steps(connection: &Connection, wanted: &Wanted) -> i32 {
        let numbers = Numbers::of(connection, wanted).expect("asked").expect("there are some");
        let mut steps = 0;
        for Question { sql, values } in questions(wanted, numbers, 51) {
            let mut statement = connection.prepare(&sql).expect("prepared");
            let mut rows = statement.query(params_from_iter(values)).expect("asked");
            while rows.next().expect("read").is_some() {}
            drop(rows);
            steps += statement.get_status(rusqlite::StatementStatus::VmStep);
        }
        steps
    }

    #[test]
    fn a_few_among_a_hundred_thousand_are_found_in_a_few_steps() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = busy_store(folder.path());
        let minute = |n: i64| Timestamp::from_second(n * 60).ok();
        let all = Wanted::default();
        for wanted in [
            Wanted { before: Some(60_000), ..all.clone() },
            Wanted { zones: some(&["quiet"]), ..all.clone() },
            Wanted { zones: some(&["busy", "quiet", "gone"]), ..all.clone() },
            Wanted { camera: Some("west".into()), ..all.clone() },
            Wanted { verdict: Some(WantedVerdict::Judged(Judgement::False)), ..all.clone() },
            Wanted { verdict: Some(WantedVerdict::NotJudged), ..all.clone() },
            Wanted { pins: Pins::OnlyPinned, ..all.clone() },
            Wanted { from: minute(500), to: minute(600), ..all.clone() },
            Wanted { from: minute(500), to: minute(600), zones: some(&["busy"]), ..all.clone() },
            Wanted { camera: Some("east".into()), pins: Pins::OnlyPinned, ..all.clone() },
        ] {
            let steps = steps(&store.connection, &wanted);
            assert!((1..6_000).contains(&steps), "{steps} steps for {wanted:?}");
        }
    }
}
