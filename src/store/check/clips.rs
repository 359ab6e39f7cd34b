//! Clips against their rows, both ways. Reads every clip once.
//!
//! A box may be writing: a file that is a moment old may be about to get its row, and a row's file
//! may have made room since the row was read, or be about to: what does not agree is looked at twice.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::{CheckError, Finding};
use crate::clock;
use crate::digest::{sha256_of, sha256_of_file};
use crate::store::evidence::{FOLDER, Whereabouts};
use crate::store::query::{HistoryError, StoreReader};
use crate::store::shadow::clips::FOLDER as CASES;
use crate::store::{FILE_NAME, StoreError};

/// A file so young may be about to get its row.
const YOUNG: Duration = Duration::from_secs(60);

/// What a file was found to be, when it is not what its row says.
type Broken = (String, String);

pub(super) fn check(dir: &Path) -> Result<[Finding; 3], CheckError> {
    let rows = Rows { known: StoreReader::clip_files, named: StoreReader::named_clips };
    let (broken, strays) = rows.against(dir, FOLDER)?;
    Ok([
        Finding::of("every clip is there, as long as it was and with its digest", broken),
        Finding::of("every file among the clips has its row", strays),
        Finding::of("every track of a clip has its digest", tracks(dir)?),
    ])
}

/// Clips of what only a shadow model told.
pub(super) fn check_cases(dir: &Path) -> Result<[Finding; 2], CheckError> {
    let rows = Rows { known: StoreReader::case_clip_files, named: StoreReader::named_case_clips };
    let (broken, strays) = rows.against(dir, CASES)?;
    Ok([
        Finding::of("every clip of a case is there, with its digest", broken),
        Finding::of("every file among the clips of cases has its row", strays),
    ])
}

type Known = BTreeMap<String, (u64, String)>;
/// Also those that were gone when the box looked: what is back has its row.
type Named = BTreeMap<String, Whereabouts>;

/// Where the rows of a folder are read.
struct Rows {
    known: fn(&StoreReader) -> Result<Known, HistoryError>,
    named: fn(&StoreReader) -> Result<Named, HistoryError>,
}

impl Rows {
    /// What is broken of the files that should be there, and which files no row is about.
    fn against(&self, dir: &Path, folder: &str) -> Result<(Vec<String>, Vec<String>), CheckError> {
        let folder = dir.join(folder);
        // The folder first: a file that comes later is none of ours to judge.
        let there =
            files(&folder).map_err(|source| CheckError::Clips { path: folder.clone(), source })?;
        fail::fail_point!("check::listed");
        let known = (self.known)(&reader(dir)?)?;
        let mut broken: Vec<Broken> = Vec::new();
        for (file, (bytes, sha256)) in &known {
            match File::open(folder.join(file)).and_then(|mut file| sha256_of_file(&mut file)) {
                Ok(found) if found == (*bytes, sha256.clone()) => {}
                Ok((found, _)) if found != *bytes => {
                    broken.push((file.clone(), format!("has {found} bytes instead of {bytes}")));
                }
                Ok(_) => broken.push((file.clone(), "has another digest".into())),
                Err(error) => broken.push((file.clone(), error.to_string())),
            }
        }
        if !broken.is_empty() {
            let now = (self.known)(&reader(dir)?)?;
            broken.retain(|(file, _)| now.contains_key(file));
        }
        let broken = broken.into_iter().map(|(file, how)| format!("{file}: {how}")).collect();
        let named = (self.named)(&reader(dir)?)?;
        let mut strays: Vec<String> =
            there.into_iter().filter(|file| !named.contains_key(file)).collect();
        if !strays.is_empty() {
            // Its row may say since a moment that it made room: then it goes right after. Or it was gone
            // before the rows were read.
            let now = (self.named)(&reader(dir)?)?;
            strays.retain(|file| !now.contains_key(file) && folder.join(file).exists());
        }
        Ok((broken, strays))
    }
}

fn reader(dir: &Path) -> Result<StoreReader, CheckError> {
    StoreReader::open(&dir.join(FILE_NAME)).map_err(|error: StoreError| CheckError::from(error))
}

/// Tracks that are not what their digests say.
fn tracks(dir: &Path) -> Result<Vec<String>, CheckError> {
    let differs = |(_, json, sha256): &(String, String, String)| sha256_of(json) != *sha256;
    let tracks = reader(dir)?.clip_tracks()?.into_iter().filter(differs);
    Ok(tracks.map(|(of, ..)| format!("{of}: has another digest")).collect())
}

/// Names in the folder but of files that are young or not finished.
fn files(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".mp4") && !young(entry.metadata()?.modified()?) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

pub(super) fn young(changed: SystemTime) -> bool {
    Timestamp::try_from(changed)
        .is_ok_and(|changed| clock::wall().duration_since(changed).unsigned_abs() < YOUNG)
}
