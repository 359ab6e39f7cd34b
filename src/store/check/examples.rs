//! Pictures of examples against their rows, both ways. Reads every picture once.
//!
//! A box may be writing: a file that is a moment old may be about to get its row, and a row may have
//! made room since it was read: what does not agree is looked at twice.

use std::fs::{self, File};
use std::path::Path;

use super::clips::young;
use super::{CheckError, Finding};
use crate::digest::sha256_of_file;
use crate::store::examples::FOLDER;
use crate::store::query::StoreReader;
use crate::store::{FILE_NAME, StoreError};

pub(super) fn check(dir: &Path) -> Result<[Finding; 2], CheckError> {
    let folder = dir.join(FOLDER);
    let path = dir.join(FILE_NAME);
    let reader = StoreReader::open(&path).map_err(|error: StoreError| CheckError::from(error))?;
    // The folder first: a file that comes later is none of ours to judge.
    let there =
        files(&folder).map_err(|source| CheckError::Examples { path: folder.clone(), source })?;
    let known = reader.example_files()?;
    let mut broken: Vec<(String, String)> = Vec::new();
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
    let mut strays: Vec<String> = there.into_iter().filter(|it| !known.contains_key(it)).collect();
    if !broken.is_empty() || !strays.is_empty() {
        let now = reader.example_files()?;
        broken.retain(|(file, _)| now.contains_key(file));
        strays.retain(|file| !now.contains_key(file) && folder.join(file).exists());
    }
    let broken = broken.into_iter().map(|(file, how)| format!("{file}: {how}")).collect();
    Ok([
        Finding::of("every picture of an example is there, with its digest", broken),
        Finding::of("every file among the examples has its row", strays),
    ])
}

/// Names in the folder but of files that are young or not finished.
fn files(folder: &Path) -> std::io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // One that went meanwhile is no stray.
        let is_young = |it: fs::Metadata| it.modified().is_ok_and(young);
        if name.ends_with(".jpg") && !entry.metadata().is_ok_and(is_young) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
