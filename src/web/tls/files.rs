//! The files of the authority: for their owner only, and whole or not there.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::TlsError;

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Longest part of a host name, characters: RFC 1035.
const LABEL_CHARS_MAX: usize = 63;

pub(super) fn make_folder(folder: &Path) -> Result<(), TlsError> {
    if folder.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(folder)
        .map_err(|source| TlsError::Write { path: folder.to_owned(), source })
}

pub(super) fn read(path: &Path) -> Result<String, TlsError> {
    fs::read_to_string(path).map_err(|source| TlsError::Read { path: path.to_owned(), source })
}

/// What the machine calls itself, if that is a host name.
pub(super) fn machine_name() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok()?.trim().to_lowercase();
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = (1..=LABEL_CHARS_MAX).contains(&name.len())
        && name.chars().all(legal)
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-');
    fits.then_some(name)
}

/// Replaces a file; a power cut leaves the old one or the new one.
#[expect(clippy::disallowed_methods, reason = "the folder is synced after the rename")]
pub(super) fn write_private(path: &Path, text: &str) -> Result<(), TlsError> {
    let write = || -> io::Result<()> {
        let new = path.with_extension("new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(FILE_MODE)
            .open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        match path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(|source| TlsError::Write { path: path.to_owned(), source })
}
