//! What evidence there is, for whoever looks.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use crate::store::pictures::Hides;
use crate::store::query::{HistoryError, StoreReader, timestamp};

/// Why there is no hidden clip, for the time being.
const BEING_MADE: &str = "it is being made";

/// All that is kept of an incident besides its records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvidenceRow {
    pub snapshot: Option<SnapshotFacts>,
    /// In the order of their parts.
    pub clips: Vec<ClipRow>,
    pub pin: Option<Pin>,
}

/// A picture, without its pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotFacts {
    pub bytes: u64,
    /// Hex; pictures of older versions have none.
    pub sha256: Option<String>,
    /// What of people it hides; `None`: nothing.
    pub hides: Option<Hides>,
    /// The clear one beside it.
    pub clear: Option<ClearFacts>,
}

/// The clear one of a pixelated picture, without its pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClearFacts {
    pub bytes: u64,
    /// Hex; pictures of older versions have none.
    pub sha256: Option<String>,
}

/// A clip, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClipRow {
    pub part: u32,
    /// `None`: it was never kept.
    pub kept: Option<KeptClip>,
    /// Why it is not there.
    pub lost: Option<String>,
    /// When it made room, with all that belongs to it.
    pub removed_at: Option<Timestamp>,
    /// The one in which nobody can be recognised, while it is there.
    pub hidden: Option<HiddenFile>,
    /// Why there is none.
    pub hidden_lost: Option<String>,
    pub track: Track,
}

/// Whether it is known who was seen where in a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Track {
    Kept,
    None,
}

/// What a clip shows of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// People as they are.
    Clear,
    /// Nobody can be recognised.
    Hidden,
}

impl Shows {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Shows::Clear => "clear",
            Shows::Hidden => "hidden",
        }
    }
}

/// What a row says of the file that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    There,
    /// It was not there when it was looked for, and may be back.
    Gone,
}

/// A clip in which people, or what is masked, are hidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HiddenFile {
    pub file: String,
    pub bytes: u64,
    pub sha256: String,
    pub codec: String,
    /// What of people it hides; `None`: what is masked only.
    pub hides: Option<Hides>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptClip {
    pub file: String,
    pub bytes: u64,
    pub sha256: String,
    pub from: Timestamp,
    pub to: Timestamp,
    pub longest_gap_ms: u64,
    pub codec: String,
    pub shows: Shows,
}

impl ClipRow {
    /// The clear file, while it is there.
    pub fn clear(&self) -> Option<&KeptClip> {
        self.file().filter(|kept| kept.shows == Shows::Clear)
    }

    /// The file that the row is about, while it is there: the clear one, or the hidden one where no
    /// clear one was kept.
    pub fn file(&self) -> Option<&KeptClip> {
        match (&self.kept, &self.lost, self.removed_at) {
            (Some(kept), None, None) => Some(kept),
            _ => None,
        }
    }
}

/// Who said that an incident's evidence must stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    pub by: String,
    pub at: Timestamp,
    pub reason: String,
}

/// All evidence together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvidenceState {
    /// Clips that are there, and their bytes.
    pub clips: u64,
    pub clip_bytes: u64,
    pub snapshots: u64,
    /// Those of clear pictures too.
    pub snapshot_bytes: u64,
    /// Incidents that are pinned, and the bytes of their clips.
    pub pinned: u64,
    pub pinned_bytes: u64,
    /// Beginning of the oldest incident with a clip.
    pub oldest: Option<Timestamp>,
    /// Clips that should be there and are not.
    pub lost: u64,
    /// Clips that made room.
    pub removed: u64,
}

impl StoreReader {
    /// What there is of an incident; `None` for one that is not in the store.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn evidence(&self, incident: u64) -> Result<Option<EvidenceRow>, HistoryError> {
        let Ok(number) = i64::try_from(incident) else {
            return Ok(None);
        };
        evidence(&mut self.connection(), number).map_err(HistoryError::Evidence)
    }

    /// Who was seen where in a clip, as JSON.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn clip_track(&self, incident: u64, part: u32) -> Result<Option<String>, HistoryError> {
        let Ok(number) = i64::try_from(incident) else {
            return Ok(None);
        };
        self.connection()
            .prepare_cached(
                "SELECT json FROM clip_track JOIN clip ON clip.id = clip_track.clip
                 WHERE incident = ?1 AND part = ?2",
            )
            .and_then(|mut found| found.query_row((number, part), |row| row.get(0)).optional())
            .map_err(HistoryError::Evidence)
    }

    /// Every track, by the name of what it is of, with its digest.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn clip_tracks(&self) -> Result<Vec<(String, String, String)>, HistoryError> {
        let ask = |connection: &Connection| -> rusqlite::Result<Vec<_>> {
            connection
                .prepare_cached(
                    "SELECT 'incident ' || incident || ' part ' || part, json, clip_track.sha256
                     FROM clip_track JOIN clip ON clip.id = clip_track.clip ORDER BY clip",
                )?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect()
        };
        ask(&self.connection()).map_err(HistoryError::Evidence)
    }

    /// How much evidence there is.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn evidence_state(&self) -> Result<EvidenceState, HistoryError> {
        state(&self.connection()).map_err(HistoryError::Evidence)
    }

    /// Every file that should be in the folder, with its size and digest.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn clip_files(&self) -> Result<BTreeMap<String, (u64, String)>, HistoryError> {
        clip_files(&self.connection()).map_err(HistoryError::Evidence)
    }

    /// Every file that a row names and that was not removed to make room.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn named_clips(&self) -> Result<BTreeMap<String, Whereabouts>, HistoryError> {
        named_clips(&self.connection()).map_err(HistoryError::Evidence)
    }
}

fn evidence(connection: &mut Connection, incident: i64) -> rusqlite::Result<Option<EvidenceRow>> {
    // One transaction: the answer is one moment of the file.
    let moment = connection.transaction()?;
    let known: bool = moment
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM incident WHERE id = ?1)")?
        .query_row([incident], |row| row.get(0))?;
    if !known {
        return Ok(None);
    }
    let snapshot = moment
        .prepare_cached(
            "SELECT it.bytes, it.sha256, it.shows = 'pixelated', it.hides, it.clear_bytes,
               (SELECT sha256 FROM snapshot_clear AS clear WHERE clear.incident = it.incident)
             FROM snapshot AS it WHERE it.incident = ?1",
        )?
        .query_row([incident], snapshot_facts)
        .optional()?;
    let clips = moment
        .prepare_cached(
            "SELECT part, clip.file, clip.bytes, clip.sha256, from_us, to_us, longest_gap_ms,
               clip.codec, clip.lost, removed_us, shows = 'hidden', hidden.clip IS NOT NULL,
               hidden.file, hidden.bytes, hidden.sha256, hidden.codec, hidden.lost,
               EXISTS (SELECT 1 FROM clip_track WHERE clip_track.clip = clip.id),
               coalesce(hidden.hides, clip.hides)
             FROM clip LEFT JOIN clip_hidden AS hidden ON hidden.clip = clip.id
             WHERE incident = ?1 ORDER BY part",
        )?
        .query_map([incident], clip_row)?
        .collect::<rusqlite::Result<_>>()?;
    let pin = moment
        .prepare_cached("SELECT by, at_us, reason FROM pin WHERE incident = ?1")?
        .query_row([incident], |row| {
            Ok(Pin { by: row.get(0)?, at: timestamp(1, row.get(1)?)?, reason: row.get(2)? })
        })
        .optional()?;
    Ok(Some(EvidenceRow { snapshot, clips, pin }))
}

fn snapshot_facts(row: &Row<'_>) -> rusqlite::Result<SnapshotFacts> {
    let (pixelated, hides): (bool, Option<String>) = (row.get(2)?, row.get(3)?);
    let clear_bytes: u64 = row.get(4)?;
    let clear_sha256 = row.get(5)?;
    Ok(SnapshotFacts {
        bytes: row.get(0)?,
        sha256: row.get(1)?,
        // Of older ones it is the heads at least.
        hides: pixelated.then(|| hides.and_then(|it| Hides::parse(&it)).unwrap_or(Hides::Heads)),
        clear: (clear_bytes > 0).then_some(ClearFacts { bytes: clear_bytes, sha256: clear_sha256 }),
    })
}

fn clip_row(row: &Row<'_>) -> rusqlite::Result<ClipRow> {
    let file: Option<String> = row.get(1)?;
    let removed_us: Option<i64> = row.get(9)?;
    let kept = match file {
        Some(file) => Some(KeptClip {
            file,
            bytes: row.get(2)?,
            sha256: row.get(3)?,
            from: timestamp(4, row.get(4)?)?,
            to: timestamp(5, row.get(5)?)?,
            longest_gap_ms: row.get(6)?,
            codec: row.get(7)?,
            shows: if row.get(10)? { Shows::Hidden } else { Shows::Clear },
        }),
        None => None,
    };
    let mut clip = ClipRow {
        part: row.get(0)?,
        kept,
        lost: row.get(8)?,
        removed_at: removed_us.map(|us| timestamp(9, us)).transpose()?,
        hidden: None,
        hidden_lost: None,
        track: if row.get(17)? { Track::Kept } else { Track::None },
    };
    (clip.hidden, clip.hidden_lost) = hidden(row, &clip)?;
    Ok(clip)
}

/// The hidden clip, or why there is none.
fn hidden(row: &Row<'_>, clip: &ClipRow) -> rusqlite::Result<(Option<HiddenFile>, Option<String>)> {
    if clip.removed_at.is_some() {
        return Ok((None, None));
    }
    let hides: Option<String> = row.get(18)?;
    let hides = hides.and_then(|it| Hides::parse(&it));
    if let Some(kept) = clip.file().filter(|kept| kept.shows == Shows::Hidden) {
        let KeptClip { file, bytes, sha256, codec, .. } = kept.clone();
        return Ok((Some(HiddenFile { file, bytes, sha256, codec, hides }), None));
    }
    let (asked_for, file): (bool, Option<String>) = (row.get(11)?, row.get(12)?);
    let lost: Option<String> = row.get(16)?;
    Ok(match (asked_for, file, lost) {
        (false, ..) => (None, None),
        (true, _, Some(lost)) => (None, Some(lost)),
        (true, None, None) => (None, Some(BEING_MADE.to_owned())),
        (true, Some(file), None) => {
            let (bytes, sha256, codec) = (row.get(13)?, row.get(14)?, row.get(15)?);
            (Some(HiddenFile { file, bytes, sha256, codec, hides }), None)
        }
    })
}

/// Bytes of clips that are there, of pinned incidents.
pub(super) const PINNED_BYTES: &str = "SELECT coalesce(sum(
    iif(clip.lost IS NULL, coalesce(clip.bytes, 0), 0)
      + iif(hidden.file IS NOT NULL AND hidden.lost IS NULL, hidden.bytes, 0)), 0)
  FROM pin CROSS JOIN clip ON clip.incident = pin.incident
  LEFT JOIN clip_hidden AS hidden ON hidden.clip = clip.id
  WHERE clip.removed_us IS NULL";

fn state(connection: &Connection) -> rusqlite::Result<EvidenceState> {
    let question = format!(
        "WITH kept AS (
           SELECT clip.id, incident, bytes FROM clip WHERE lost IS NULL AND removed_us IS NULL
           UNION ALL SELECT clip.id, incident, hidden.bytes FROM clip_hidden AS hidden
           JOIN clip ON clip.id = hidden.clip
           WHERE hidden.file IS NOT NULL AND hidden.lost IS NULL AND removed_us IS NULL)
         SELECT (SELECT count(DISTINCT id) FROM kept), (SELECT coalesce(sum(bytes), 0) FROM kept),
           (SELECT count(*) FROM snapshot), (SELECT coalesce(sum(bytes + clear_bytes), 0) FROM snapshot INDEXED BY snapshot_bytes),
           (SELECT count(*) FROM pin),
           (SELECT min(started_us) FROM incident WHERE id IN (SELECT incident FROM kept)),
           (SELECT count(*) FROM clip WHERE lost IS NOT NULL),
           (SELECT coalesce(max(rows), 0) FROM removed WHERE what = 'clip'),
           ({PINNED_BYTES})"
    );
    connection.query_row(&question, [], |row| {
        let oldest_us: Option<i64> = row.get(5)?;
        Ok(EvidenceState {
            clips: row.get(0)?,
            clip_bytes: row.get(1)?,
            snapshots: row.get(2)?,
            snapshot_bytes: row.get(3)?,
            pinned: row.get(4)?,
            oldest: oldest_us.map(|us| timestamp(5, us)).transpose()?,
            lost: row.get(6)?,
            removed: row.get(7)?,
            pinned_bytes: row.get(8)?,
        })
    })
}

pub(in crate::store) fn clip_files(
    connection: &Connection,
) -> rusqlite::Result<BTreeMap<String, (u64, String)>> {
    connection
        .prepare_cached(
            "SELECT file, bytes, sha256 FROM clip WHERE lost IS NULL AND removed_us IS NULL
             UNION ALL SELECT hidden.file, hidden.bytes, hidden.sha256 FROM clip_hidden AS hidden
             JOIN clip ON clip.id = hidden.clip
             WHERE hidden.file IS NOT NULL AND hidden.lost IS NULL AND removed_us IS NULL",
        )?
        .query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?
        .collect()
}

fn named_clips(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Whereabouts>> {
    connection
        .prepare_cached(
            "SELECT file, lost IS NULL FROM clip WHERE file IS NOT NULL AND removed_us IS NULL
             UNION ALL SELECT hidden.file, hidden.lost IS NULL FROM clip_hidden AS hidden
             JOIN clip ON clip.id = hidden.clip
             WHERE hidden.file IS NOT NULL AND removed_us IS NULL",
        )?
        .query_map([], |row| {
            let whereabouts = if row.get(1)? { Whereabouts::There } else { Whereabouts::Gone };
            Ok((row.get(0)?, whereabouts))
        })?
        .collect()
}
