//! Room on the disk that is kept for starts, so that a box that starts on a full disk guards.
//!
//! A start must write: what the last life left open is closed, the new one begins, zones come into
//! force. On a full disk none of that would succeed, and a box that refuses to start guards nothing.
//! So **pieces** of room are held beside the store while there is plenty; a start that finds the disk
//! full gives up one and tries again. From then on the store's thread has a fault that is heard, and
//! tries each record until there is room.
//!
//! Not here: telling that the disk is full (`disk`), and a box whose very first start finds it so.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::app::StartError;
use super::disk;
use crate::store::error::may_want_room;
use crate::telemetry::chain;

/// Starts on a full disk, one after the other, that are seen to.
const PIECES: u32 = 8;

/// What a start writes at most, bytes: its records and SQLite's log of them, with a large site's zones.
const PIECE_BYTES: u64 = 2 * 1024 * 1024;

/// Written at once, bytes.
const BLOCK_BYTES: usize = 64 * 1024;

/// What became of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    GivenUp,
    /// There is none any more.
    None,
}

/// Begins by `begin`; a disk that is full for it gets one piece after the other.
///
/// # Errors
/// Whatever is wrong with the start, when it is not that, or when no piece is left.
pub fn with_room<T>(
    folder: &Path,
    begin: impl Fn() -> Result<T, StartError>,
) -> Result<T, StartError> {
    loop {
        match begin() {
            Err(error) if may_want_room(&error) && disk::fault(folder).is_some() => {
                match give_up_one(folder) {
                    Piece::GivenUp => tracing::error!(
                        "the store fails: {}; it is tried again with room that was kept for this",
                        chain(&error)
                    ),
                    Piece::None => return Err(error),
                }
            }
            outcome => return outcome,
        }
    }
}

/// Makes the next piece that is missing, while the disk has room to spare.
///
/// # Errors
/// The folder cannot be written.
pub fn keep(folder: &Path) -> io::Result<()> {
    let Some(path) = (0..PIECES).map(|number| piece(folder, number)).find(|path| !is_whole(path))
    else {
        return Ok(());
    };
    if disk::fault(folder).is_some() {
        return Ok(());
    }
    let made = fill(&path);
    if made.is_err() {
        // A torn piece is no room; the next look tries again.
        let _ = fs::remove_file(&path);
    }
    made
}

/// Gives one piece up to the disk.
fn give_up_one(folder: &Path) -> Piece {
    let removed = (0..PIECES).rev().any(|number| fs::remove_file(piece(folder, number)).is_ok());
    if removed { Piece::GivenUp } else { Piece::None }
}

fn piece(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("reserve-{number}"))
}

fn is_whole(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.len() == PIECE_BYTES)
}

/// Written, not only promised: a file with a hole has no room. Not zeros, since some file systems keep
/// nothing of them.
fn fill(path: &Path) -> io::Result<()> {
    let mut file: File =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    let mut block = vec![0; BLOCK_BYTES];
    for _ in 0..PIECE_BYTES / BLOCK_BYTES as u64 {
        getrandom::fill(&mut block).map_err(io::Error::other)?;
        file.write_all(&block)?;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_kept_once_and_given_up_once() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for _ in 0..PIECES + 2 {
            keep(folder.path()).expect("kept");
        }
        let kept = || fs::read_dir(folder.path()).expect("listed").count();
        assert_eq!(kept(), PIECES as usize);
        assert!((0..PIECES).all(|number| is_whole(&piece(folder.path(), number))));
        for _ in 0..PIECES {
            assert_eq!(give_up_one(folder.path()), Piece::GivenUp);
        }
        assert_eq!((give_up_one(folder.path()), kept()), (Piece::None, 0));
    }

    #[test]
    fn a_piece_that_was_torn_is_made_anew() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(piece(folder.path(), 0), b"half").expect("written");
        keep(folder.path()).expect("kept");
        assert!(is_whole(&piece(folder.path(), 0)));
    }
}
