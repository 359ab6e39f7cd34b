//! Files of a folder against their rows, both ways. Reads every file once.
//!
//! A box may be writing: a file that is a moment old may be about to get its row, and a row's file
//! may have made room since the row was read, or be about to: what does not agree is looked at twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::CheckError;
use crate::clock;
use crate::digest::sha256_of_file;
use crate::store::query::{HistoryError, StoreReader};
use crate::store::{FILE_NAME, StoreError};

/// A file so young may be about to get its row.
const YOUNG: Duration = Duration::from_secs(60);

/// What a file was found to be, when it is not what its row says.
type Broken = (String, String);

/// Bytes and sha256 of files, by their names.
pub(super) type Known = BTreeMap<String, (u64, String)>;

/// A folder of the store, and where the rows of its files are read.
pub(super) struct Held {
    pub folder: &'static str,
    pub suffix: &'static str,
    pub known: fn(&StoreReader) -> Result<Known, HistoryError>,
    /// Every file that a row is about, also those that need not be there.
    pub named: fn(&StoreReader) -> Result<BTreeSet<String>, HistoryError>,
}

impl Held {
    /// What is broken of the files that should be there, and which files no row is about.
    pub fn against(&self, dir: &Path) -> Result<(Vec<String>, Vec<String>), CheckError> {
        let folder = dir.join(self.folder);
        // The folder first: a file that comes later is none of ours to judge.
        let there = listed(&folder, self.suffix)
            .map_err(|source| CheckError::Folder { path: folder.clone(), source })?;
        fail::fail_point!("check::listed");
        let mut broken = broken(&folder, (self.known)(&reader(dir)?)?);
        if !broken.is_empty() {
            let now = (self.known)(&reader(dir)?)?;
            broken.retain(|(file, _)| now.contains_key(file));
        }
        let broken = broken.into_iter().map(|(file, how)| format!("{file}: {how}")).collect();
        let named = (self.named)(&reader(dir)?)?;
        let mut strays: Vec<String> =
            there.into_iter().filter(|file| !named.contains(file)).collect();
        if !strays.is_empty() {
            // Its row may say since a moment that it made room: then it goes right after. Or it was gone
            // before the rows were read.
            let now = (self.named)(&reader(dir)?)?;
            strays.retain(|file| !now.contains(file) && folder.join(file).exists());
        }
        Ok((broken, strays))
    }
}

pub(super) fn reader(dir: &Path) -> Result<StoreReader, CheckError> {
    StoreReader::open(&dir.join(FILE_NAME)).map_err(|error: StoreError| CheckError::from(error))
}

fn broken(folder: &Path, known: Known) -> Vec<Broken> {
    let how = |file: &str, (bytes, sha256): (u64, String)| match File::open(folder.join(file))
        .and_then(|mut file| sha256_of_file(&mut file))
    {
        Ok(found) if found == (bytes, sha256) => None,
        Ok((found, _)) if found != bytes => Some(format!("has {found} bytes instead of {bytes}")),
        Ok(_) => Some("has another digest".to_owned()),
        Err(error) => Some(error.to_string()),
    };
    let all = known.into_iter();
    all.filter_map(|(file, of)| how(&file, of).map(|how| (file, how))).collect()
}

/// Names in the folder but of files that are young or not finished.
fn listed(folder: &Path, suffix: &str) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // One that went meanwhile is no stray: whoever asks looks again.
        let is_young = |it: fs::Metadata| it.modified().is_ok_and(young);
        if name.ends_with(suffix) && !entry.metadata().is_ok_and(is_young) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn young(changed: SystemTime) -> bool {
    Timestamp::try_from(changed)
        .is_ok_and(|changed| clock::wall().duration_since(changed).unsigned_abs() < YOUNG)
}
