//! Room for clips: what goes to make some, and files in the folder that no row is about.
//!
//! A store that is slow may mark rows as removed and never say of which files, and a box may have died
//! between a file and its row. So the folder is held against the rows at the start, whenever it is not
//! known what the store did, and once in a while.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use super::folder::Swept;
use super::spell::Turn;
use super::{ClipKeeper, RETIRE_EVERY, SWEEP_AGAIN_AFTER, SWEEP_EVERY};
use crate::clock;
use crate::engine::time::Instant;
use crate::guard::clerk::ClerkError;
use crate::store::evidence::{Retired, Room};
use crate::store::query::HistoryError;
use crate::store::record::Record;
use crate::store::{Store, StoreError};
use crate::telemetry::chain;

/// Pinned evidence leaves too little when it takes more than so much of the room, percent, and enough
/// again when it takes less than the other.
const PINNED_MAX_PERCENT: u64 = 90;
const PINNED_AGAIN_PERCENT: u64 = 80;

const MB: u64 = 1024 * 1024;

/// Rows that are corrected in one transaction.
const CORRECTED_AT_ONCE: usize = 64;

/// Why the folder was not held against the rows.
#[derive(Debug, thiserror::Error)]
enum Unswept {
    #[error("the folder of clips {path} cannot be read as it should be", path = .path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Rows(#[from] HistoryError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Clerk(#[from] ClerkError),
}

impl ClipKeeper {
    /// What earlier lives left over.
    pub(super) fn begin(&mut self) {
        self.close_earlier();
        self.sweep(clock::monotonic());
    }

    /// Whatever is due.
    pub(super) fn tidy(&mut self, now: Instant) {
        if now >= self.sweep_at {
            self.sweep(now);
        }
        if self.retired_at.is_none_or(|at| now.since(at) >= RETIRE_EVERY) {
            self.close_earlier();
            self.retire(now);
        }
    }

    /// Says which incidents of earlier lives have no clip, as often as it takes: those of this life
    /// may get one still.
    fn close_earlier(&mut self) {
        let Some(up_to) = self.unclosed else { return };
        let why = "the box stopped before it was written";
        match self.clerk.ask(move |store| store.close_clips(up_to, why, clock::wall())) {
            Ok(Ok(_closed)) => self.unclosed = None,
            Ok(Err(error)) => tracing::error!("lost clips are not said yet: {}", chain(&error)),
            Err(error) => tracing::warn!("lost clips are not said yet: {error}"),
        }
    }

    /// Removes files that no row names and nothing here is about to write down, and tells the store
    /// where its rows are wrong. Bytes of the clips that are there; `None`: nothing is known of that.
    fn sweep(&mut self, now: Instant) -> Option<u64> {
        match self.hold_against_rows() {
            Ok((bytes, rows)) => {
                self.sweep_at = now.after(match &rows {
                    Ok(()) => SWEEP_EVERY,
                    Err(_) => SWEEP_AGAIN_AFTER,
                });
                // What lies there makes room whatever the rows say of it.
                if let Err(why) = rows {
                    tracing::error!(
                        "which clips are there again is not written down: {}",
                        chain(&why)
                    );
                }
                if self.unseen.is_not(now) == Some(Turn::Over) {
                    self.tell("The folder of clips can be looked over again.".to_owned());
                }
                Some(bytes)
            }
            Err(why) => {
                self.sweep_at = now.after(SWEEP_AGAIN_AFTER);
                let text = format!("Clips are not looked over: {}", chain(&why));
                tracing::error!("{text}");
                let of_folder = matches!(why, Unswept::Folder { .. });
                if of_folder && self.unseen.is_so() == Some(Turn::Begins) {
                    self.tell(text);
                }
                None
            }
        }
    }

    /// Bytes of the clips that are there, and whether the rows were told.
    fn hold_against_rows(&self) -> Result<(u64, Result<(), Unswept>), Unswept> {
        let reader = self.clerk.ask(|store| store.reader())??;
        let named = reader.named_clips()?;
        let swept = self.folder.sweep(&named, &self.under_way());
        let Swept { gone, back, bytes } = swept
            .map_err(|source| Unswept::Folder { path: self.folder.path().to_path_buf(), source })?;
        // Rows of files that are gone would count for room that is not there; those of files that are
        // back count for nothing, which makes less room.
        self.tell_gone(&gone)?;
        Ok((bytes, self.tell_back(&back)))
    }

    fn tell_gone(&self, gone: &[String]) -> Result<(), Unswept> {
        for files in gone.chunks(CORRECTED_AT_ONCE) {
            tracing::error!(
                "{} files of clips are gone, and nobody here removed them",
                files.len()
            );
            let files = files.to_vec();
            self.clerk.ask(move |store| store.clips_are_gone(&files, clock::wall()))??;
        }
        Ok(())
    }

    fn tell_back(&self, back: &[String]) -> Result<(), Unswept> {
        for files in back.chunks(CORRECTED_AT_ONCE) {
            tracing::info!("{} files of clips are there again", files.len());
            let files = files.to_vec();
            self.clerk.ask(move |store| store.clips_are_back(&files, clock::wall()))??;
        }
        Ok(())
    }

    /// Files that are being written, or have no row yet.
    fn under_way(&self) -> BTreeSet<String> {
        let awaited = self.book.awaited().map(super::Asked::file);
        let finished = self.parts.values().flat_map(super::Part::files);
        let rows = self.rows.files();
        awaited.chain(finished.chain(rows).map(str::to_owned)).collect()
    }

    /// How much clips may take: what is configured, and less on a disk that is nearly full. Then only
    /// what lies on it can make room, so rows and files have to agree first: with another disk than
    /// that of the clips in its place, all that is on that one would go, and no room be made.
    fn allowed(&mut self, now: Instant) -> u64 {
        let configured = self.evidence.bytes_max;
        match self.folder.lacks_bytes() {
            0 => configured,
            lacks => match self.sweep(now) {
                Some(there) => configured.min(there.saturating_sub(lacks)),
                None => configured,
            },
        }
    }

    /// Holds evidence within its bounds: first the rows, then the files they named.
    fn retire(&mut self, now: Instant) {
        let wall = clock::wall();
        let not_before = self.age.too_old_before(wall, now);
        let room = Room { bytes_max: self.allowed(now), not_before };
        self.retired_at = Some(now);
        let retired = self.clerk.ask(move |store| {
            let retired = store.retire_evidence(room, wall);
            fail::fail_point!("clips::retired");
            retired
        });
        match retired {
            Ok(Ok(retired)) => {
                if !retired.files.is_empty() || retired.snapshots > 0 {
                    // There may be more.
                    self.retired_at = None;
                }
                retired.files.iter().for_each(|file| self.folder.remove(file));
                self.judge_pins(&retired, room, now);
            }
            Ok(Err(error)) => tracing::error!("no clip is removed: {}", chain(&error)),
            Err(ClerkError::Unclear) => {
                tracing::warn!("the store has not said which clips made room; they are looked for");
                self.sweep_at = now;
            }
            Err(error @ (ClerkError::Busy | ClerkError::Stopping)) => {
                tracing::debug!("no clip is removed: {error}");
            }
        }
    }

    /// Says it once, in the event log too, when clips that nobody pinned go soon after they were kept.
    fn judge_pins(&mut self, retired: &Retired, room: Room, now: Instant) {
        let percent = if self.pinned.lasts() { PINNED_AGAIN_PERCENT } else { PINNED_MAX_PERCENT };
        let takes_all = retired.pinned_bytes > room.bytes_max / 100 * percent;
        let turn = if takes_all { self.pinned.is_so() } else { self.pinned.is_not(now) };
        let (takes, has) = (retired.pinned_bytes / MB, room.bytes_max / MB);
        let text = match turn {
            None => return,
            Some(Turn::Begins) => format!(
                "Pinned clips take {takes} of {has} MB: others are removed soon after they were kept. \
                 Unpin what need not stay, or make room: [evidence] megabytes, and the disk itself."
            ),
            Some(Turn::Over) => {
                format!("Pinned clips take {takes} of {has} MB, and leave room for new ones again.")
            }
        };
        tracing::warn!("{text}");
        self.tell(text);
    }

    /// Says something in the event log.
    fn tell(&self, text: String) {
        let note = move |store: &mut Store| {
            if let Err(error) = store.write(&[Record::Note { at: clock::wall(), text }]) {
                tracing::error!("{}", chain(&error));
            }
        };
        if let Err(error) = self.clerk.leave(note) {
            tracing::warn!("the event log does not say so: {error}");
        }
    }
}
