//! The clips' folder: places for new files, their last names, and what is left over.
//!
//! A file is written under its name with `.part`, hashed, synced, and then named; only then is there
//! a row. What is removed loses its row first. So whatever a crash leaves is a file without a row.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::statvfs;

use crate::digest::sha256_of_file;

/// Of a file that is being written.
const UNFINISHED: &str = ".part";

/// Added to that: what the muxer gathers pictures in.
const GATHERED: &str = ".moov";

/// In the name of a clip in which nobody can be recognised.
const HIDDEN: &str = ".hidden";

/// Video of people: only for the user the box runs as.
const FOLDER_MODE: u32 = 0o700;

/// Least free room, bytes, when a clip is begun: the store's own reserve comes first, and a clip is
/// seldom longer.
const FREE_MIN_BYTES: u64 = 64 * 1024 * 1024;

/// A file under its last name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    pub bytes: u64,
    /// Hex.
    pub sha256: String,
}

pub struct Folder {
    path: PathBuf,
}

impl Folder {
    pub fn new(path: PathBuf) -> Folder {
        Folder { path }
    }

    /// Where a new file is to be written, or why it cannot.
    pub fn place_for(&self, file: &str) -> Result<PathBuf, String> {
        let shown = self.path.display();
        self.make().map_err(|error| format!("the folder {shown} cannot be made: {error}"))?;
        match self.free_bytes() {
            Ok(free) if free < FREE_MIN_BYTES => Err(format!(
                "the disk under {shown} is nearly full; free at least {} MB",
                FREE_MIN_BYTES / (1024 * 1024)
            )),
            Ok(_) => Ok(self.unfinished(file)),
            Err(error) => Err(format!("the folder {shown} cannot be looked at: {error}")),
        }
    }

    /// Hashes what was written, brings it to the disk and gives it its last name.
    pub fn finish(&self, file: &str) -> Result<Finished, String> {
        let written = self.unfinished(file);
        #[expect(clippy::disallowed_methods, reason = "the folder is synced right after")]
        let finish = || -> io::Result<Finished> {
            let mut opened = File::open(&written)?;
            let (bytes, sha256) = sha256_of_file(&mut opened)?;
            opened.sync_all()?;
            fail::fail_point!("clips::hashed");
            fs::rename(&written, self.path.join(file))?;
            // The name must survive a power cut too.
            File::open(&self.path)?.sync_all()?;
            fail::fail_point!("clips::named");
            Ok(Finished { bytes, sha256 })
        };
        finish().map_err(|error| format!("the clip could not be kept: {error}"))
    }

    /// Removes what was begun.
    pub fn discard(&self, file: &str) {
        remove(&self.unfinished(file));
        remove(&self.path.join(format!("{file}{UNFINISHED}{GATHERED}")));
    }

    /// Removes a finished file.
    pub fn remove(&self, file: &str) {
        remove(&self.path.join(file));
    }

    /// How much clips may take: what is configured, and less on a disk that is nearly full.
    pub fn allowed(&self, configured: u64) -> u64 {
        let Ok(free) = self.free_bytes() else {
            return configured;
        };
        if free >= FREE_MIN_BYTES {
            return configured;
        }
        let used: u64 = self.files().iter().map(|(_, bytes)| bytes).sum();
        configured.min(used.saturating_sub(FREE_MIN_BYTES - free))
    }

    /// Removes files of ours that no row knows, and returns the names of rows without a file.
    /// Anything else that lies there is somebody else's and stays.
    pub fn sweep(&self, known: &BTreeMap<String, (u64, String)>) -> Vec<String> {
        if let Err(error) = self.make() {
            tracing::error!("the folder {} cannot be made: {error}", self.path.display());
        }
        let there = self.files();
        for (file, _) in &there {
            if !known.contains_key(file) {
                tracing::warn!("{file} was never finished, or was to be removed; it goes");
                self.remove(file);
            }
        }
        let lacks = |file: &&String| there.iter().all(|(it, _)| it != *file);
        known.keys().filter(lacks).cloned().collect()
    }

    /// Our files and their sizes; none of a folder that cannot be read.
    fn files(&self) -> Vec<(String, u64)> {
        let Ok(entries) = fs::read_dir(&self.path) else {
            return Vec::new();
        };
        let ours = |entry: fs::DirEntry| {
            let name = entry.file_name().into_string().ok()?;
            let bytes = entry.metadata().ok().filter(fs::Metadata::is_file)?.len();
            is_ours(&name).then_some((name, bytes))
        };
        entries.flatten().filter_map(ours).collect()
    }

    fn make(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&self.path)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let disk = statvfs(&self.path)?;
        // Blocks that others than the administrator may use.
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn unfinished(&self, file: &str) -> PathBuf {
        self.path.join(format!("{file}{UNFINISHED}"))
    }
}

/// `incident-00000007-01.mp4` or `incident-00000007-01.hidden.mp4`, finished or not.
fn is_ours(name: &str) -> bool {
    let name = name.strip_suffix(GATHERED).unwrap_or(name);
    let name = name.strip_suffix(UNFINISHED).unwrap_or(name);
    let number = name.strip_prefix("incident-").and_then(|rest| rest.strip_suffix(".mp4"));
    let number = number.map(|number| number.strip_suffix(HIDDEN).unwrap_or(number));
    number.and_then(|number| number.split_once('-')).is_some_and(|(incident, part)| {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits(incident) && digits(part)
    })
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tracing::error!("{} cannot be removed: {error}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIP: &str = "incident-00000007-01.mp4";

    fn folder() -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder::new(dir.path().join("evidence"));
        (dir, folder)
    }

    #[test]
    fn a_finished_file_has_its_name_its_size_and_its_digest() {
        let (_dir, folder) = folder();
        let place = folder.place_for(CLIP).expect("room");
        fs::write(&place, b"abc").expect("written");
        let finished = folder.finish(CLIP).expect("named");
        assert_eq!(finished.bytes, 3);
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(finished.sha256, known);
        assert!(folder.path.join(CLIP).is_file() && !place.exists());
    }

    #[test]
    fn the_sweep_takes_what_no_row_knows_and_nothing_of_anybody_else() {
        let (_dir, folder) = folder();
        folder.make().expect("made");
        let kept = ["incident-00000001-01.mp4", "notes.txt", "incident-1.mp4"];
        let left = [
            "incident-00000002-01.mp4",
            "incident-00000003-01.mp4.part",
            "incident-00000003-01.mp4.part.moov",
            "incident-00000001-01.hidden.mp4.part",
            "incident-00000004-01.hidden.mp4",
        ];
        for name in kept.iter().chain(&left) {
            fs::write(folder.path.join(name), b"x").expect("written");
        }
        let row = |name: &str| (name.to_owned(), (1, String::new()));
        let known = BTreeMap::from([row(kept[0]), row("incident-00000009-01.mp4")]);
        assert_eq!(folder.sweep(&known), ["incident-00000009-01.mp4"]);
        let there = |name: &&&str| folder.path.join(name).exists();
        assert_eq!(kept.iter().filter(there).count(), 3);
        assert_eq!(left.iter().filter(there).count(), 0);
    }
}
