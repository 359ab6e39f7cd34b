//! Keyrings in files: read within a limit, and kept so that a power cut leaves the old or the new one.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use super::{KEYRING_BYTES_MAX, KEYRING_FILE, Keyring, KeyringError};

/// The folder of all that is about models, in the box's data.
const MODELS: &str = "models";

/// Why there is no keyring from a file, or it is not kept.
#[derive(Debug, thiserror::Error)]
pub enum KeyringFileError {
    #[error(
        "there is no keyring {path}, so no package can be trusted; put one in force with \
         `standclear model keys trust`",
        path = .path.display()
    )]
    NotThere { path: PathBuf },
    #[error("the keyring {path} cannot be read", path = .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the keyring {path} is refused", path = .path.display())]
    Refused {
        path: PathBuf,
        #[source]
        source: KeyringError,
    },
    #[error("the keyring cannot be kept in {path}; the old one stays in force", path = .path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Where the keyring in force lies, by the folder of the box's data.
pub fn path_in(data: &Path) -> PathBuf {
    data.join(MODELS).join(KEYRING_FILE)
}

/// # Errors
/// There is none, it cannot be read, or is no keyring. A damaged one is not taken for none: anybody's
/// would be the first then.
pub fn load(path: &Path) -> Result<Keyring, KeyringFileError> {
    let mut text = Vec::new();
    let read =
        File::open(path).and_then(|file| file.take(KEYRING_BYTES_MAX + 1).read_to_end(&mut text));
    match read {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(KeyringFileError::NotThere { path: path.to_owned() });
        }
        Err(source) => return Err(KeyringFileError::Read { path: path.to_owned(), source }),
        Ok(_) => {}
    }
    Keyring::parse(&text)
        .map_err(|source| KeyringFileError::Refused { path: path.to_owned(), source })
}

/// Puts a keyring in its place, under another name first.
///
/// # Errors
/// It cannot be written; what was there stays.
pub fn keep(path: &Path, keyring: &Keyring) -> Result<(), KeyringFileError> {
    written(path, keyring.to_text().as_bytes())
        .map_err(|source| KeyringFileError::Write { path: path.to_owned(), source })
}

#[expect(clippy::disallowed_methods, reason = "the folder is synced after the rename")]
fn written(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(folder)?.sync_all()?;
    // The folder may have been made just now.
    match folder.parent() {
        Some(above) if !above.as_os_str().is_empty() => File::open(above)?.sync_all(),
        Some(_) | None => Ok(()),
    }
}
