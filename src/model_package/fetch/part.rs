//! A package that has come in part, and what it is a part of.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest::sha256_of;
use crate::model_package::PACKAGE_BYTES_MAX;

/// Only for the user the box runs as.
const FILE_MODE: u32 = 0o600;

/// Largest note read, bytes: tags of servers are short.
const NOTE_BYTES_MAX: u64 = 4 * 1024;

/// What has come so far.
pub(super) struct Part {
    path: PathBuf,
    file: File,
    bytes: u64,
    url_sha256: String,
    /// Without it nothing can go on from here.
    validator: Option<String>,
}

/// What the part is a part of. The address may be a secret, so its sha256 must do.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    url_sha256: String,
    validator: String,
}

/// Removes a part and what is known of it; there may be none.
///
/// # Errors
/// It cannot be removed.
pub fn forget(part: &Path) -> io::Result<()> {
    // The note first: without it whatever is left of the part is not gone on from.
    for path in [&note_path(part), part] {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

impl Part {
    /// What an earlier try left of this address, or an empty file.
    pub(super) fn open(path: &Path, url: &str) -> io::Result<Part> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(path)?;
        let bytes = file.seek(SeekFrom::End(0))?;
        let url_sha256 = sha256_of(url.as_bytes());
        let noted = noted(path).filter(|note| {
            note.url_sha256 == url_sha256 && (1..PACKAGE_BYTES_MAX).contains(&bytes)
        });
        let validator = noted.map(|note| note.validator);
        let mut part = Part { path: path.to_owned(), file, bytes, url_sha256, validator };
        if part.validator.is_none() {
            part.start_over(None)?;
        }
        Ok(part)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What the other side must still have for the rest to fit; `None`: there is nothing to go on
    /// from.
    pub(super) fn validator(&self) -> Option<&str> {
        self.validator.as_deref().filter(|_| self.bytes > 0)
    }

    /// Begins anew with a file that is told from others by this.
    pub(super) fn start_over(&mut self, validator: Option<String>) -> io::Result<()> {
        // The note of the old file must not outlive it.
        match fs::remove_file(note_path(&self.path)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.bytes = 0;
        if let Some(validator) = &validator {
            let note = Note { url_sha256: self.url_sha256.clone(), validator: validator.clone() };
            fs::write(note_path(&self.path), serde_json::to_vec(&note)?)?;
        }
        self.validator = validator;
        Ok(())
    }

    pub(super) fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// The file, to be read.
    pub(super) fn into_start(mut self) -> io::Result<File> {
        self.file.seek(SeekFrom::Start(0))?;
        Ok(self.file)
    }
}

fn noted(part: &Path) -> Option<Note> {
    let mut text = Vec::new();
    File::open(note_path(part)).ok()?.take(NOTE_BYTES_MAX).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

fn note_path(part: &Path) -> PathBuf {
    let mut name = OsString::from(part);
    name.push(".from");
    PathBuf::from(name)
}
