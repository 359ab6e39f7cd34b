//! The two files of the ledger: the newest, and the one before it.
//!
//! A new one is written beside them under a third name and synced; then the newest that is whole
//! becomes the backup, the new one gets its name, and the folder is synced. Whatever part of that a
//! power cut leaves, one of the two files is the ledger of before or the new one, whole. What is
//! damaged is never made the backup: it would take the place of the only one that is whole.

use std::io::{self, Read};
use std::path::Path;

use super::error::{ModelStoreError, chain};
use super::files::Files;
use crate::rollout::boot::Trust;
use crate::rollout::ledger::Ledger;
use crate::rollout::written::{BYTES_MAX, from_bytes, to_bytes};

pub const NEWEST: &str = "ledger.json";
pub const BACKUP: &str = "ledger.json.bak";
const UNFINISHED: &str = "ledger.json.new";

/// What one of the files was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there are two of them, and seldom")]
pub enum Found {
    Absent,
    /// And why, in words.
    Damaged(String),
    Whole(Ledger),
}

/// Both files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Both {
    pub newest: Found,
    pub backup: Found,
}

impl Found {
    pub const fn ledger(&self) -> Option<&Ledger> {
        match self {
            Found::Whole(ledger) => Some(ledger),
            Found::Absent | Found::Damaged(_) => None,
        }
    }

    fn generation(&self) -> Option<u64> {
        self.ledger().map(Ledger::generation)
    }
}

impl Both {
    pub fn read<F: Files>(files: &F) -> Both {
        Both { newest: read_one(files, NEWEST), backup: read_one(files, BACKUP) }
    }

    pub const fn are_absent(&self) -> bool {
        matches!((&self.newest, &self.backup), (Found::Absent, Found::Absent))
    }

    /// What is wrong with them, in words.
    pub fn damages(&self) -> Vec<String> {
        let damage = |(name, found): (&str, &Found)| match found {
            Found::Damaged(why) => Some(format!("{name}: {why}")),
            Found::Absent | Found::Whole(_) => None,
        };
        [(NEWEST, &self.newest), (BACKUP, &self.backup)].into_iter().filter_map(damage).collect()
    }

    /// The highest number given so far, as far as can be read.
    pub fn generation(&self) -> u64 {
        self.newest.generation().max(self.backup.generation()).unwrap_or(0)
    }

    /// The newest that is whole, and how far it can be trusted; `None`: there is none.
    pub fn best(&self) -> Option<(&Ledger, Trust)> {
        match (&self.newest, &self.backup) {
            (Found::Whole(newest), Found::Whole(backup)) => {
                let is_newer = backup.generation() > newest.generation();
                Some((if is_newer { backup } else { newest }, Trust::Newest))
            }
            (Found::Whole(newest), Found::Absent | Found::Damaged(_)) => {
                Some((newest, Trust::Newest))
            }
            // A write that was cut between its two renames.
            (Found::Absent, Found::Whole(backup)) => Some((backup, Trust::Newest)),
            (Found::Damaged(_), Found::Whole(backup)) => Some((backup, Trust::Older)),
            (Found::Absent | Found::Damaged(_), Found::Absent | Found::Damaged(_)) => None,
        }
    }

    fn newest_is_best(&self) -> bool {
        self.newest.generation().is_some() && self.newest.generation() >= self.backup.generation()
    }
}

/// # Errors
/// It is not known to be on the disk: it is there, or the one before is.
pub fn write<F: Files>(files: &F, ledger: &Ledger) -> Result<(), ModelStoreError> {
    let (newest, unfinished) = (Path::new(NEWEST), Path::new(UNFINISHED));
    let write = |source| ModelStoreError::Write { path: unfinished.into(), source };
    match files.remove_file(unfinished) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(write(source)),
    }
    files.write_new(unfinished, &mut to_bytes(ledger).as_slice()).map_err(write)?;
    files
        .sync_file(unfinished)
        .map_err(|source| ModelStoreError::Sync { path: unfinished.into(), source })?;
    let rename = |source| ModelStoreError::Rename { path: newest.into(), source };
    // Asked now: what was whole at the start may have been damaged since.
    if Both::read(files).newest_is_best() {
        files.rename(newest, Path::new(BACKUP)).map_err(rename)?;
    }
    files.rename(unfinished, newest).map_err(rename)?;
    let folder = Path::new("");
    files.sync_dir(folder).map_err(|source| ModelStoreError::Sync { path: newest.into(), source })
}

fn read_one<F: Files>(files: &F, name: &str) -> Found {
    match bytes_of(files, name) {
        Ok(bytes) => match from_bytes(&bytes) {
            Ok(ledger) => Found::Whole(ledger),
            Err(error) => Found::Damaged(chain(&error)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Absent,
        Err(error) => Found::Damaged(format!("it cannot be read: {error}")),
    }
}

fn bytes_of<F: Files>(files: &F, name: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    files.open(Path::new(name))?.take(BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
