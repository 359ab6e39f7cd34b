//! Packages that were carried here: files on a stick or in a folder.
//!
//! A stick may hold anything, and give other bytes each time it is asked: its files are opened once,
//! without following links, and read once, by whoever verifies them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, open};

use super::refusal::Refusal;
use super::{EXTENSION, PACKAGE_BYTES_MAX};

/// Entries of a folder that are looked at.
const ENTRIES_MAX: usize = 4_096;

/// Packages of a folder that are shown.
pub const PACKAGES_MAX: usize = 64;

/// A file that is named like a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    pub path: PathBuf,
    pub bytes: u64,
}

/// Why a file or a folder cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CarriedError {
    #[error("{path} cannot be read; is it still there?", path = .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} is refused", path = .path.display())]
    Refused {
        path: PathBuf,
        #[source]
        refusal: Refusal,
    },
}

/// The packages in a folder, by name; what is in folders below it is not looked at.
///
/// # Errors
/// The folder cannot be read.
pub fn packages_in(folder: &Path) -> Result<Vec<Carried>, CarriedError> {
    let failed = |source| CarriedError::Read { path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)?.take(ENTRIES_MAX) {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        // Of the entry itself, not of what a link points to.
        let Ok(meta) = entry.metadata() else { continue };
        if meta.is_file() && path.extension() == Some(OsStr::new(EXTENSION)) {
            found.push(Carried { path, bytes: meta.len() });
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found.truncate(PACKAGES_MAX);
    Ok(found)
}

/// Opens a package to be read once.
///
/// # Errors
/// It is no plain file, is too large, or cannot be opened.
pub fn open_file(path: &Path) -> Result<File, CarriedError> {
    let failed = |source: io::Error| CarriedError::Read { path: path.to_owned(), source };
    let refused = |refusal| CarriedError::Refused { path: path.to_owned(), refusal };
    let name = || path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let meta = fs::symlink_metadata(path).map_err(failed)?;
    if meta.is_symlink() {
        return Err(refused(Refusal::NotARegularFile { name: name(), kind: "a link" }));
    }
    // A pipe that nobody writes to would be waited for; a link may have come since.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(open(path, flags, Mode::empty()).map_err(|error| failed(error.into()))?);
    let meta = file.metadata().map_err(failed)?;
    if !meta.is_file() {
        let kind = if meta.is_dir() { "a folder" } else { "a device or a pipe" };
        return Err(refused(Refusal::NotARegularFile { name: name(), kind }));
    }
    if meta.len() > PACKAGE_BYTES_MAX {
        let limit = PACKAGE_BYTES_MAX;
        return Err(refused(Refusal::EndlessData { what: name(), limit }));
    }
    Ok(file)
}
