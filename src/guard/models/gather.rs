//! Packages that were carried to the box: on a stick, or in a folder of the machine.
//!
//! Sticks are mounted below a folder, by their name or by whoever put them in first; so each folder is
//! looked at with those in it and those in them. Links and special files are never followed.

use std::fs;
use std::path::{Path, PathBuf};

use super::take::keyring;
use crate::digest::sha256_of;
use crate::guard::handle::models::{CarriedModel, CarriedModels, InstalledModel};
use crate::model_package::WallTime;
use crate::model_package::carried::{Carried, CarriedError, open_file, packages_in};
use crate::model_package::refusal::PackageFileError;
use crate::model_package::verify::{self, Trust};
use crate::telemetry::chain;

/// Folders looked at, in all.
const FOLDERS_MAX: usize = 64;

/// Entries of a folder among which folders are looked for.
const ENTRIES_MAX: usize = 256;

/// `/media/eva/STICK`: so deep below the folder that is configured.
const DEPTH: usize = 2;

/// Packages that are shown.
const PACKAGES_MAX: usize = 64;

/// Hex digits by which a package is named until the folders are looked at again.
const ID_CHARS: usize = 16;

/// What is found, and where each lies.
pub struct Gathered {
    pub shown: CarriedModels,
    pub paths: Vec<(String, PathBuf)>,
}

/// Looks through the folders. What a package says of itself is shown where somebody trusted signed it.
pub fn gather(folders: &[PathBuf], data: &Path, floor: u64, time: WallTime) -> Gathered {
    let keyring = keyring(data).map_err(|error| ("no_keyring", chain(&error)));
    let mut places = Vec::new();
    for folder in folders {
        below(folder, DEPTH, &mut places);
    }
    let mut gathered = Gathered { shown: CarriedModels::default(), paths: Vec::new() };
    gathered.shown.folders = folders.iter().map(|it| it.display().to_string()).collect();
    for place in places {
        for Carried { path, bytes } in packages_in(&place).unwrap_or_default() {
            if gathered.paths.len() >= PACKAGES_MAX {
                return gathered;
            }
            let mut id = sha256_of(path.as_os_str().as_encoded_bytes());
            id.truncate(ID_CHARS);
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let contents = match &keyring {
                Ok(keyring) => look(&path, &Trust { keyring, floor, time }),
                Err((code, text)) => Err((*code, text.clone())),
            };
            let folder = place.display().to_string();
            let shown = CarriedModel { id: id.clone(), file: name, folder, bytes, contents };
            gathered.shown.packages.push(shown);
            gathered.paths.push((id, path));
        }
    }
    gathered
}

/// A folder and those in it.
fn below(folder: &Path, depth: usize, places: &mut Vec<PathBuf>) {
    // Of the name itself, not of what a link points to.
    let is_folder = fs::symlink_metadata(folder).is_ok_and(|it| it.is_dir());
    if !is_folder || places.len() >= FOLDERS_MAX {
        return;
    }
    places.push(folder.to_owned());
    if depth == 0 {
        return;
    }
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut inner: Vec<PathBuf> =
        entries.take(ENTRIES_MAX).flatten().map(|entry| entry.path()).collect();
    inner.sort();
    for folder in inner {
        below(&folder, depth - 1, places);
    }
}

/// Who signed it is judged, and what its manifest says; its files are read when it is installed.
fn look(path: &Path, trust: &Trust<'_>) -> Result<InstalledModel, (&'static str, String)> {
    let file = open_file(path).map_err(|error| match &error {
        CarriedError::Refused { refusal, .. } => (refusal.code(), refusal.to_string()),
        CarriedError::Read { .. } => ("unreadable", chain(&error)),
    })?;
    let opened = verify::open(file, trust).map_err(|error| match &error {
        PackageFileError::Refused(refusal) => (refusal.code(), refusal.to_string()),
        PackageFileError::Read(_) | PackageFileError::Keep { .. } => ("unreadable", chain(&error)),
    })?;
    let contents = opened.contents();
    let digest = contents.digest().parse();
    Ok(InstalledModel {
        digest: digest.map_err(|_| ("malformed", "its digest is none".to_owned()))?,
        name: contents.name().to_owned(),
        version: contents.version().to_owned(),
        release: contents.release(),
    })
}
