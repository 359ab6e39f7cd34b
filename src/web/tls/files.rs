//! The files of the authority: for their owner only, and whole or not there.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::TlsError;

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// What anybody but the owner may do.
const OTHERS: u32 = 0o077;

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

/// A key that others may read, as after a careless copy, is its owner's alone from now on.
pub(super) fn close_to_others(path: &Path) -> Result<(), TlsError> {
    match fs::metadata(path) {
        Ok(file) if file.permissions().mode() & OTHERS != 0 => {
            tracing::warn!(
                "{} could be read by others of this machine and is closed to them now; whoever \
                 read it can pretend to be this box",
                path.display()
            );
            fs::set_permissions(path, Permissions::from_mode(FILE_MODE))
                .map_err(|source| TlsError::Write { path: path.to_owned(), source })
        }
        // What is not there is made; what cannot be looked at says so when it is read.
        Ok(_) | Err(_) => Ok(()),
    }
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
