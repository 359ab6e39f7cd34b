//! A model package that lies in a folder: its manifest within a limit, and files whose bytes proved to
//! be those that the manifest names.
//!
//! The bytes that were compared are the bytes that are handed out: nothing is read twice.
//!
//! Not here: what a manifest says, and packages that came from outside, as one file.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::digest::sha256_of;

/// Name of the manifest in every package.
pub const MANIFEST: &str = "manifest.json";

/// Largest manifest read: the largest seen is 40 KB.
pub const MANIFEST_BYTES_MAX: u64 = 1024 * 1024;

/// Where packages installed for the whole machine lie.
const SYSTEM_MODELS: &str = "/usr/share/standclear/models";

/// Why a file of a package cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("the model package's {file} could not be read")]
    Read {
        file: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{file} has {bytes} bytes; a manifest has at most {MANIFEST_BYTES_MAX}")]
    ManifestTooLong { file: PathBuf, bytes: u64 },
    #[error("{file} is missing, although the manifest beside it names it")]
    MissingFile { file: PathBuf },
    #[error(
        "{file} was changed or damaged: its sha256 is {got}, the manifest says {expected}; install \
         the package again"
    )]
    WrongSha256 { file: PathBuf, expected: String, got: String },
    #[error(
        "{file} was changed or damaged: its sha256 is {got}, and the package was installed as \
         {expected}; install it again"
    )]
    OtherManifest { file: PathBuf, expected: String, got: String },
}

/// Folders to look for `name` in, in order.
pub fn candidates(name: &str) -> Vec<PathBuf> {
    let mut all = vec![PathBuf::from(name)];
    // A name with a slash is a path and nothing else.
    if name.contains('/') || name.is_empty() || name == ".." {
        return all;
    }
    if let Ok(program) = env::current_exe() {
        let above = program.ancestors().skip(1);
        all.extend(above.map(|dir| dir.join("models").join(name)));
    }
    all.push(Path::new("models").join(name));
    all.push(Path::new(SYSTEM_MODELS).join(name));
    all
}

/// The folder that a name or a path means: the first in which a package lies, whole; else as it is given.
pub fn found(given: &Path) -> PathBuf {
    let name = given.to_str().unwrap_or_default();
    let found = candidates(name).into_iter().find(|dir| dir.join(MANIFEST).is_file());
    // It must mean the same wherever the program goes.
    found.and_then(|dir| std::path::absolute(dir).ok()).unwrap_or_else(|| given.to_owned())
}

/// The text of a manifest.
///
/// # Errors
/// It cannot be read, or is too long to be one.
pub fn read_manifest(file: &Path) -> Result<Vec<u8>, FolderError> {
    let failed = |source| FolderError::Read { file: file.to_owned(), source };
    let bytes = fs::metadata(file).map_err(failed)?.len();
    if bytes > MANIFEST_BYTES_MAX {
        return Err(FolderError::ManifestTooLong { file: file.to_owned(), bytes });
    }
    fs::read(file).map_err(failed)
}

/// Whether this text is the manifest of the package with this digest: it holds the sha256 of
/// everything else, and thresholds, sizes and classes that nothing else vouches for.
///
/// # Errors
/// It is another one.
pub fn verify_manifest(file: &Path, text: &[u8], digest: &str) -> Result<(), FolderError> {
    let got = sha256_of(text);
    if got == digest {
        return Ok(());
    }
    let (file, expected) = (file.to_owned(), digest.to_owned());
    Err(FolderError::OtherManifest { file, expected, got })
}

/// The bytes of a file the manifest names, after they proved to have this sha256.
///
/// # Errors
/// It is missing, cannot be read, or is another one.
pub fn read_verified(dir: &Path, file: &str, sha256: &str) -> Result<Vec<u8>, FolderError> {
    let path = dir.join(file);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(FolderError::MissingFile { file: path });
        }
        Err(source) => return Err(FolderError::Read { file: path, source }),
    };
    let got = sha256_of(&bytes);
    if !got.eq_ignore_ascii_case(sha256) {
        return Err(FolderError::WrongSha256 { file: path, expected: sha256.to_owned(), got });
    }
    Ok(bytes)
}
