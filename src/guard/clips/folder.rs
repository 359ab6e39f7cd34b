//! The clips' folder: places for new files, their last names, and what is left over.
//!
//! A file is written under its name with `.part`, hashed, synced, and then named; only then is there
//! a row. What is removed loses its row first. So whatever a crash leaves is a file without a row.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::statvfs;

use crate::digest::sha256_of_file;
use crate::store::evidence::Whereabouts;

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

/// The same for a clip that is nobody's evidence: what incidents need, several times.
const CASES_FREE_MIN_BYTES: u64 = 4 * FREE_MIN_BYTES;

/// A file under its last name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    pub bytes: u64,
    /// Hex.
    pub sha256: String,
}

/// What the folder was found to have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Files that rows say are there, and that are not.
    pub gone: Vec<String>,
    /// Files that rows say are gone, and that are there.
    pub back: Vec<String>,
    /// Of the files that have rows.
    pub bytes: u64,
}

pub struct Folder {
    path: PathBuf,
    /// How the names of our files begin.
    prefix: &'static str,
    free_min_bytes: u64,
}

impl Folder {
    /// Of incidents.
    pub fn new(path: PathBuf) -> Folder {
        Folder { path, prefix: "incident-", free_min_bytes: FREE_MIN_BYTES }
    }

    /// Of cases that a shadow model told: they go before an incident's clip lacks anything.
    pub fn of_cases(path: PathBuf) -> Folder {
        Folder { path, prefix: "case-", free_min_bytes: CASES_FREE_MIN_BYTES }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a new file is to be written, or why it cannot.
    pub fn place_for(&self, file: &str) -> Result<PathBuf, String> {
        let shown = self.path.display();
        self.make().map_err(|error| format!("the folder {shown} cannot be made: {error}"))?;
        match self.free_bytes() {
            Ok(free) if free < self.free_min_bytes => Err(format!(
                "the disk under {shown} is nearly full; free at least {} MB",
                self.free_min_bytes / (1024 * 1024)
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

    /// Bytes that the disk lacks before a clip can be begun; none of a disk that cannot be asked.
    pub fn lacks_bytes(&self) -> u64 {
        self.free_bytes().map_or(0, |free| self.free_min_bytes.saturating_sub(free))
    }

    /// Removes files of ours that no row names, but for those that are under way, finished or not, and
    /// tells where rows are wrong. Anything else that lies there is somebody else's and stays.
    ///
    /// # Errors
    /// The folder could not be read to its end, or has none of the files that should be there, as when
    /// its disk is not mounted. Then nothing is known and nothing is removed.
    pub fn sweep(
        &self,
        named: &BTreeMap<String, Whereabouts>,
        under_way: &BTreeSet<String>,
    ) -> io::Result<Swept> {
        let there = self.files()?;
        let of = |said| named.iter().filter(move |(_, it)| **it == said).map(|(file, _)| file);
        let expected = of(Whereabouts::There).count();
        let missing: Vec<&String> =
            of(Whereabouts::There).filter(|file| !there.contains_key(*file)).collect();
        if expected > 0 && missing.len() == expected {
            let why = format!("none of the {expected} files is in it; is its disk mounted?");
            return Err(io::Error::other(why));
        }
        for file in there.keys() {
            if !named.contains_key(file) && !under_way.contains(last_name(file)) {
                tracing::warn!("{file} was never finished, or was to be removed; it goes");
                self.remove(file);
            }
        }
        let bytes = there.iter().filter(|(file, _)| named.contains_key(*file)).map(|(_, it)| it);
        Ok(Swept {
            gone: missing.into_iter().filter(|file| self.lacks(file)).cloned().collect(),
            back: of(Whereabouts::Gone).filter(|file| there.contains_key(*file)).cloned().collect(),
            bytes: bytes.sum(),
        })
    }

    /// Our files and their sizes: all of them, or an error. None of a folder that is not there.
    fn files(&self) -> io::Result<BTreeMap<String, u64>> {
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            entries => entries?,
        };
        let mut files = BTreeMap::new();
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if !is_ours(&name, self.prefix) {
                continue;
            }
            match entry.metadata() {
                Ok(it) if it.is_file() => drop(files.insert(name, it.len())),
                Ok(_somebody_elses) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(files)
    }

    /// Whether there is no such file, and that is certain.
    fn lacks(&self, file: &str) -> bool {
        let found = fs::symlink_metadata(self.path.join(file));
        found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
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

/// `incident-00000007-01.mp4` or `incident-00000007-01.hidden.mp4`, finished or not; of a case
/// `case-00000003-1772373600000000.mp4`.
fn is_ours(name: &str, prefix: &str) -> bool {
    let number = last_name(name).strip_prefix(prefix);
    let number = number.and_then(|rest| rest.strip_suffix(".mp4"));
    let number = number.map(|number| number.strip_suffix(HIDDEN).unwrap_or(number));
    number.and_then(|number| number.split_once('-')).is_some_and(|(incident, part)| {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits(incident) && digits(part)
    })
}

/// What a file is called once it is finished.
fn last_name(name: &str) -> &str {
    let name = name.strip_suffix(GATHERED).unwrap_or(name);
    name.strip_suffix(UNFINISHED).unwrap_or(name)
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

    fn rows(rows: &[(&str, Whereabouts)]) -> BTreeMap<String, Whereabouts> {
        rows.iter().map(|(file, said)| ((*file).to_owned(), *said)).collect()
    }

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
        let kept = [
            "incident-00000001-01.mp4",
            "notes.txt",
            "incident-1.mp4",
            "incident-00000005-01.mp4",
            "incident-00000005-01.hidden.mp4.part",
            "incident-00000005-01.hidden.mp4.part.moov",
            "incident-00000006-01.mp4",
        ];
        let left = [
            "incident-00000002-01.mp4",
            "incident-00000003-01.mp4.part",
            "incident-00000003-01.mp4.part.moov",
            "incident-00000001-01.hidden.mp4.part",
            "incident-00000004-01.hidden.mp4",
            "incident-00000005-02.mp4.part",
        ];
        for name in kept.iter().chain(&left) {
            fs::write(folder.path.join(name), b"x").expect("written");
        }
        let named = rows(&[
            (kept[0], Whereabouts::There),
            ("incident-00000006-01.mp4", Whereabouts::Gone),
            ("incident-00000008-01.mp4", Whereabouts::Gone),
            ("incident-00000009-01.mp4", Whereabouts::There),
        ]);
        let under_way = ["incident-00000005-01.mp4", "incident-00000005-01.hidden.mp4"];
        let under_way = under_way.map(str::to_owned).into();
        let swept = folder.sweep(&named, &under_way).expect("looked over");
        assert_eq!(swept.gone, ["incident-00000009-01.mp4"]);
        assert_eq!(swept.back, ["incident-00000006-01.mp4"]);
        assert_eq!(swept.bytes, 2, "of those that have rows");
        let there = |name: &&&str| folder.path.join(name).exists();
        assert_eq!(kept.iter().filter(there).count(), kept.len());
        assert_eq!(left.iter().filter(there).count(), 0);
    }

    #[test]
    fn a_folder_that_cannot_be_looked_at_has_lost_nothing() {
        let (_dir, folder) = folder();
        fs::write(&folder.path, b"not a folder").expect("written");
        let named = rows(&[(CLIP, Whereabouts::There)]);
        let _ = folder.sweep(&named, &BTreeSet::new()).expect_err("nothing is known");
    }

    #[test]
    fn a_folder_whose_disk_is_not_there_has_lost_nothing_and_keeps_what_it_has() {
        let (_dir, folder) = folder();
        let named = rows(&[(CLIP, Whereabouts::There)]);
        let swept = || folder.sweep(&named, &BTreeSet::new());
        assert!(swept().expect_err("no folder").to_string().contains("mounted"));
        folder.make().expect("made");
        let stray = folder.path.join("incident-00000008-01.mp4");
        fs::write(&stray, b"x").expect("written");
        assert!(swept().expect_err("other files").to_string().contains("mounted"));
        assert!(stray.is_file());
        fs::write(folder.path.join(CLIP), b"x").expect("written");
        assert_eq!(swept().expect("it is there"), Swept { bytes: 1, ..Swept::default() });
        assert!(!stray.exists());
    }
}
