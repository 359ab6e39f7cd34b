//! A package on its way in: verified while it is written beside the others, its last name, the ledger,
//! and then tried in a process of its own.
//!
//! It is written by whoever brings it, not by the keeper: a large package on a slow disk must not hold
//! up what the vision process may load.

use std::error::Error;
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::statvfs;

use super::chronicle::{Kind, Told};
use crate::guard::handle::models::{InstalledModel, ModelError};
use crate::model_package::WallTime;
use crate::model_package::folder::MANIFEST_BYTES_MAX;
use crate::model_package::keys::{Keyring, file};
use crate::model_package::refusal::PackageFileError;
use crate::model_package::verify::{self, Trust};
use crate::model_store::blobs::Unfinished;
use crate::model_store::files::Files;
use crate::model_store::{ModelStoreError, blobs};
use crate::rollout::ledger::Ledger;
use crate::rollout::slot::Digest;
use crate::store::FREE_BYTES_ADVISED;
use crate::telemetry::chain;

/// A package that is whole on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staging {
    pub digest: Digest,
    pub release: u64,
    pub name: String,
    pub version: String,
    /// For the history.
    pub said: String,
}

/// What it is held against.
pub struct Door<'a> {
    pub ledger: &'a Ledger,
    pub time: WallTime,
    /// The box's data, in which the keyring lies.
    pub data: &'a Path,
}

impl Staging {
    pub fn installed(&self) -> InstalledModel {
        InstalledModel {
            digest: self.digest,
            name: self.name.clone(),
            version: self.version.clone(),
            release: self.release,
        }
    }
}

/// A file of a package that is small: a manifest, a list of signatures.
///
/// # Errors
/// It cannot be read, or is longer than any of those.
pub fn read_small(files: &(impl Files + ?Sized), path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    files.open(path)?.take(MANIFEST_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MANIFEST_BYTES_MAX {
        true => Err(io::Error::other("it is too long")),
        false => Ok(bytes),
    }
}

/// The keyring in force.
///
/// # Errors
/// There is none, or it cannot be read.
pub fn keyring(data: &Path) -> Result<Keyring, ModelError> {
    file::load(&file::path_in(data))
        .map_err(|error| ModelError::Conflict { code: "no_keyring", text: chain(&error) })
}

/// Verifies a package while its files go where the box keeps them, until it is whole under its last
/// name. It is no candidate yet. `telling` is told the digest before anything of it is written.
///
/// # Errors
/// It is refused, cannot be read, or cannot be kept: nothing has changed but what is swept away.
pub fn take<F: Files>(
    files: &F,
    door: &Door<'_>,
    source: impl Read,
    telling: &mut dyn FnMut(Digest),
) -> Result<Staging, ModelError> {
    let keyring = keyring(door.data)?;
    let trust = Trust { keyring: &keyring, floor: door.ledger.floor(), time: door.time };
    let opened = verify::open(source, &trust).map_err(not_taken)?;
    let contents = opened.contents();
    let digest: Digest =
        contents.digest().parse().map_err(|error| ModelError::Source(chain(&error)))?;
    let release = contents.release();
    // As the ledger would say it, before a byte of it is written.
    door.ledger.staged(digest, release).map_err(|refusal| super::keeper::refused(&refusal))?;
    let bytes: u64 = contents.files().iter().map(|file| file.bytes).sum();
    has_room(door.data, bytes)?;
    telling(digest);
    let mut unfinished = Unfinished::begin(files, digest).map_err(not_kept)?;
    let verified = opened
        .unpack(&mut |name, mut bytes| unfinished.add(name.as_str(), &mut bytes).map_err(as_io))
        .map_err(not_taken)?;
    unfinished.finish().map_err(not_kept)?;
    let (contents, signer) = (verified.contents(), verified.signer());
    let mut said = format!(
        "{} {}, release {release}, signed by {} (key {})",
        contents.name(),
        contents.version(),
        signer.name,
        signer.key
    );
    for told in verified.told() {
        said += &format!("; not refused, because the clock is in doubt: {told}");
    }
    let (name, version) = (contents.name().to_owned(), contents.version().to_owned());
    Ok(Staging { digest, release, name, version, said })
}

/// What is free where the box keeps its data, bytes.
///
/// # Errors
/// It cannot be told.
pub fn free_bytes(data: &Path) -> Result<u64, ModelError> {
    let disk = statvfs(data).map_err(|error| ModelError::Disk(error.to_string()))?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Incidents need the room more.
fn has_room(data: &Path, bytes: u64) -> Result<(), ModelError> {
    let free = free_bytes(data)?;
    let needed = bytes.saturating_add(FREE_BYTES_ADVISED);
    if free >= needed {
        return Ok(());
    }
    const MB: u64 = 1024 * 1024;
    Err(ModelError::Disk(format!(
        "it needs {} MB, and {} MB have to stay free for incidents; {} MB are free",
        bytes.div_ceil(MB),
        FREE_BYTES_ADVISED / MB,
        free / MB
    )))
}

/// The disk's word through whoever unpacks.
fn as_io(error: ModelStoreError) -> io::Error {
    let kind = error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>())
        .map_or(io::ErrorKind::Other, io::Error::kind);
    io::Error::new(kind, chain(&error))
}

fn not_taken(error: PackageFileError) -> ModelError {
    match error {
        PackageFileError::Refused(refusal) => ModelError::Refused(refusal),
        error @ PackageFileError::Read(_) => ModelError::Source(chain(&error)),
        error @ PackageFileError::Keep { .. } => ModelError::Disk(chain(&error)),
    }
}

fn not_kept(error: ModelStoreError) -> ModelError {
    ModelError::Disk(chain(&error))
}

/// What the history has of a package that was not taken.
pub fn refusal_told(name: &str, error: &ModelError, by: &str) -> Told {
    let text = match error {
        ModelError::Refused(refusal) => format!("{name}: {}: {refusal}", refusal.code()),
        error => format!("{name}: {}", chain(error)),
    };
    Told::now(Kind::Refused, None, text).by(by)
}

/// Whether the keys that signed an installed package are trusted still. Where no keyring can be read
/// nobody can tell, and nothing is said against it.
///
/// # Errors
/// They are not, and why.
pub fn still_trusted(
    files: &(impl Files + ?Sized),
    data: &Path,
    digest: Digest,
) -> Result<(), String> {
    use crate::model_package::folder::MANIFEST;
    use crate::model_package::signature::SIGNATURES;
    let Ok(keyring) = keyring(data) else { return Ok(()) };
    let folder = blobs::folder_of(digest);
    let manifest = read_small(files, &folder.join(MANIFEST));
    let signatures = read_small(files, &folder.join(SIGNATURES));
    // Files that cannot be read are another fault.
    let (Ok(manifest), Ok(signatures)) = (manifest, signatures) else { return Ok(()) };
    let now = crate::clock::wall();
    match verify::still_vouched(&keyring, &manifest, &signatures, now) {
        Ok(_) => Ok(()),
        Err(refusal) => Err(refusal.to_string()),
    }
}
