//! Room for clips: what goes to make some, and files in the folder that no row is about.
//!
//! A store that is slow may mark rows as removed and never say of which files, and a box may have died
//! between a file and its row. So the folder is held against the rows at the start, whenever it is not
//! known what the store did, and once in a while.

use std::collections::BTreeSet;

use super::{ClipKeeper, RETIRE_EVERY, SWEEP_AGAIN_AFTER, SWEEP_EVERY};
use crate::clock;
use crate::engine::time::Instant;
use crate::guard::clerk::ClerkError;
use crate::store::evidence::{Retired, Room};
use crate::store::record::Record;
use crate::telemetry::chain;

/// Pinned evidence leaves too little when it takes more than so much of the room, percent, and enough
/// again when it takes less than the other.
const PINNED_MAX_PERCENT: u64 = 90;
const PINNED_AGAIN_PERCENT: u64 = 80;

const MB: u64 = 1024 * 1024;

/// Whether what is pinned leaves room for anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pinned {
    LeavesRoom,
    /// That has been said.
    TakesAll,
}

impl ClipKeeper {
    /// What earlier lives left over.
    pub(super) fn begin(&mut self) {
        let why = "the box stopped before it was written";
        match self.clerk.ask(move |store| store.close_clips(why, clock::wall())) {
            Ok(Ok(_closed)) => {}
            // What has no row yet gets it at the next start: from now on it may be of this life.
            Ok(Err(error)) => tracing::error!("lost clips are not said: {}", chain(&error)),
            Err(error) => tracing::error!("lost clips are not said: {error}"),
        }
        self.sweep(clock::monotonic());
    }

    /// Whatever is due.
    pub(super) fn tidy(&mut self, now: Instant) {
        if now >= self.sweep_at {
            self.sweep(now);
        }
        if self.retired_at.is_none_or(|at| now.since(at) >= RETIRE_EVERY) {
            self.retire(now);
        }
    }

    /// Removes files that no row knows and nothing here is about to write down, and tells the store of
    /// rows whose files are gone.
    fn sweep(&mut self, now: Instant) {
        let known = match self.clerk.ask(|store| store.reader()) {
            Ok(Ok(reader)) => reader.clip_files().map_err(|error| chain(&error)),
            Ok(Err(error)) => Err(chain(&error)),
            Err(error) => Err(error.to_string()),
        };
        let known = match known {
            Ok(known) => known,
            Err(why) => {
                tracing::error!("clips are not looked over: {why}");
                self.sweep_at = now.after(SWEEP_AGAIN_AFTER);
                return;
            }
        };
        self.sweep_at = now.after(SWEEP_EVERY);
        for file in self.folder.sweep(&known, &self.under_way()) {
            let _ = self.clerk.leave(move |store| {
                if let Err(error) = store.clip_is_gone(&file, clock::wall()) {
                    tracing::error!("{}", chain(&error));
                }
            });
        }
    }

    /// Files that are being written, or have no row yet.
    fn under_way(&self) -> BTreeSet<String> {
        let awaited = self.book.awaited().map(super::Asked::file);
        let finished = self.parts.values().flat_map(super::Part::files);
        let rows = self.rows.files();
        awaited.chain(finished.chain(rows).map(str::to_owned)).collect()
    }

    /// Holds evidence within its bounds: first the rows, then the files they named.
    fn retire(&mut self, now: Instant) {
        let wall = clock::wall();
        let not_before = self.age.too_old_before(wall, now);
        let room = Room { bytes_max: self.folder.allowed(self.evidence.bytes_max), not_before };
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
                self.judge_pins(&retired, room);
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
    fn judge_pins(&mut self, retired: &Retired, room: Room) {
        let percent = match self.pinned {
            Pinned::LeavesRoom => PINNED_MAX_PERCENT,
            Pinned::TakesAll => PINNED_AGAIN_PERCENT,
        };
        let takes_all = retired.pinned_bytes > room.bytes_max / 100 * percent;
        let pinned = if takes_all { Pinned::TakesAll } else { Pinned::LeavesRoom };
        if self.pinned == pinned {
            return;
        }
        self.pinned = pinned;
        let (takes, has) = (retired.pinned_bytes / MB, room.bytes_max / MB);
        let text = match pinned {
            Pinned::TakesAll => format!(
                "Pinned clips take {takes} of {has} MB: others are removed soon after they were kept. \
                 Unpin what need not stay, or make room: [evidence] megabytes, and the disk itself."
            ),
            Pinned::LeavesRoom => {
                format!("Pinned clips take {takes} of {has} MB, and leave room for new ones again.")
            }
        };
        match pinned {
            Pinned::TakesAll => tracing::warn!("{text}"),
            Pinned::LeavesRoom => tracing::info!("{text}"),
        }
        let note = move |store: &mut crate::store::Store| {
            if let Err(error) = store.write(&[Record::Note { at: clock::wall(), text }]) {
                tracing::error!("{}", chain(&error));
            }
        };
        if let Err(error) = self.clerk.leave(note) {
            tracing::warn!("the event log does not say so: {error}");
        }
    }
}
