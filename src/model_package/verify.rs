//! A package from outside: who signed it is judged before anything it says is believed, and each file
//! is handed on only after its bytes proved to be those that were signed.
//!
//! The source is read once, from its start to its end. Whoever takes the files throws them away unless
//! a [`Verified`] comes out at the end; it comes from nowhere else.

use std::collections::BTreeSet;
use std::io::{self, Read};

use jiff::Timestamp;

use super::WallTime;
use super::archive::{Archive, Entry};
use super::folder::{MANIFEST, MANIFEST_BYTES_MAX};
use super::keys::{Keyring, Signer};
use super::manifest::{Contents, NamedFile};
use super::name::PackagePath;
use super::refusal::{PackageFileError, Refusal};
use super::signature::{SIGNATURES, SIGNATURES_BYTES_MAX, parse_list};
use crate::digest::sha256_of;

/// Names of files in a sentence; the rest is counted.
const NAMES_SAID_MAX: usize = 5;

/// What a package is held against.
#[derive(Clone, Copy, Debug)]
pub struct Trust<'a> {
    pub keyring: &'a Keyring,
    /// No release below it is taken.
    pub floor: u64,
    pub time: WallTime,
}

/// A package whose manifest is signed by whom this box trusts; its files are still to be read.
pub struct Opened<R> {
    head: Head<R>,
    contents: Contents,
    signer: Signer,
    told: Vec<Refusal>,
}

/// A package every byte of which was read and is what was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    contents: Contents,
    signer: Signer,
    told: Vec<Refusal>,
}

/// Takes a file of a package: its name and all its bytes.
pub type Take<'a> = dyn FnMut(&PackagePath, &[u8]) -> io::Result<()> + 'a;

/// A package of which manifest and signatures are read, and nothing is believed.
pub(super) struct Head<R> {
    pub(super) archive: Archive<R>,
    manifest: (PackagePath, Vec<u8>),
    signatures: (PackagePath, Vec<u8>),
}

/// Reads as far as the signatures, and judges them.
///
/// # Errors
/// It is not to be taken, or cannot be read.
pub fn open<R: Read>(source: R, trust: &Trust<'_>) -> Result<Opened<R>, PackageFileError> {
    let head = Head::read(source)?;
    let manifest = head.manifest();
    let signatures = parse_list(head.signatures())?;
    let (signer, doubt) = trust.keyring.vouch(manifest, &signatures, trust.time)?;
    let contents = Contents::parse(manifest)?;
    let (release, floor) = (contents.release(), trust.floor);
    if release < floor {
        return Err(Refusal::Rollback { release, floor }.into());
    }
    let mut told: Vec<Refusal> = doubt.into_iter().collect();
    let now = trust.time.timestamp();
    if let Some(not_after) = contents.not_after().filter(|until| now > *until) {
        let freeze = Refusal::Freeze { not_after, now };
        match trust.time {
            WallTime::Trusted(_) => return Err(freeze.into()),
            WallTime::Doubted(_) => told.push(freeze),
        }
    }
    Ok(Opened { head, contents, signer, told })
}

/// Whether somebody whose word counts still vouches for a package that was taken in before. Nothing is
/// over by its date: that was asked at the door.
///
/// # Errors
/// Nobody does, or the signatures cannot be read.
pub fn still_vouched(
    keyring: &Keyring,
    manifest: &[u8],
    signatures: &[u8],
    now: Timestamp,
) -> Result<Signer, Refusal> {
    let signatures = parse_list(signatures)?;
    keyring.vouch(manifest, &signatures, WallTime::Doubted(now)).map(|(signer, _)| signer)
}

impl<R: Read> Opened<R> {
    /// What is in it, as its signer says.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Reads the rest. `take` gets manifest, signatures, and then each file once it is verified.
    ///
    /// # Errors
    /// Something in it is not what was signed, it cannot be read, or a file cannot be kept: what was
    /// taken so far is to be thrown away.
    pub fn unpack(self, take: &mut Take<'_>) -> Result<Verified, PackageFileError> {
        let Opened { mut head, contents, signer, told } = self;
        for (name, bytes) in [&head.manifest, &head.signatures] {
            keep(take, name, bytes)?;
        }
        files(&mut head.archive, &contents, take)?;
        Ok(Verified { contents, signer, told })
    }
}

impl Verified {
    /// sha256 of the manifest, lower-case hex.
    pub fn digest(&self) -> &str {
        self.contents.digest()
    }

    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Whose signature made it count.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// What would have been refused if the clock could be relied on.
    pub fn told(&self) -> &[Refusal] {
        &self.told
    }
}

impl<R: Read> Head<R> {
    pub(super) fn read(source: R) -> Result<Head<R>, PackageFileError> {
        let mut archive = Archive::new(source);
        let missing = || Refusal::Missing { names: format!("{MANIFEST} at its start") };
        let manifest = first(&mut archive, MANIFEST, MANIFEST_BYTES_MAX, missing)?;
        let unsigned = || Refusal::Unsigned;
        let signatures = first(&mut archive, SIGNATURES, SIGNATURES_BYTES_MAX, unsigned)?;
        Ok(Head { archive, manifest, signatures })
    }

    pub(super) fn manifest(&self) -> &[u8] {
        &self.manifest.1
    }

    pub(super) fn signatures(&self) -> &[u8] {
        &self.signatures.1
    }
}

/// The next file, which must be this one.
fn first<R: Read>(
    archive: &mut Archive<R>,
    name: &str,
    limit: u64,
    otherwise: impl Fn() -> Refusal,
) -> Result<(PackagePath, Vec<u8>), PackageFileError> {
    let entry = archive.next()?.filter(|entry| entry.name.as_str() == name);
    let entry = entry.ok_or_else(otherwise)?;
    if entry.bytes > limit {
        return Err(Refusal::EndlessData { what: name.to_owned(), limit }.into());
    }
    let bytes = archive.bytes(&entry)?;
    Ok((entry.name, bytes))
}

/// The files after manifest and signatures: all that the manifest names, once, and nothing else.
pub(super) fn files<R: Read>(
    archive: &mut Archive<R>,
    contents: &Contents,
    take: &mut Take<'_>,
) -> Result<(), PackageFileError> {
    let mut seen = BTreeSet::new();
    while let Some(entry) = archive.next()? {
        let Some(named) = contents.file(&entry.name) else {
            return Err(stranger(contents, &entry).into());
        };
        if !seen.insert(entry.name.clone()) {
            let name = entry.name.as_str().to_owned();
            return Err(Refusal::NameCollision { other: name.clone(), name }.into());
        }
        let bytes = verified(archive, &entry, named)?;
        keep(take, &entry.name, &bytes)?;
    }
    let missing = contents.files().iter().filter(|file| !seen.contains(&file.name));
    let missing: Vec<&str> = missing.map(|file| file.name.as_str()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let said = missing.iter().take(NAMES_SAID_MAX).copied().collect::<Vec<_>>().join(", ");
    let names = match missing.len().saturating_sub(NAMES_SAID_MAX) {
        0 => said,
        more => format!("{said} and {more} more"),
    };
    Err(Refusal::Missing { names }.into())
}

/// The bytes of a file that is what the manifest says.
fn verified<R: Read>(
    archive: &mut Archive<R>,
    entry: &Entry,
    named: &NamedFile,
) -> Result<Vec<u8>, PackageFileError> {
    let file = || named.name.as_str().to_owned();
    // Before a byte of it is read: the header may say anything.
    if entry.bytes > named.bytes {
        return Err(Refusal::EndlessData { what: file(), limit: named.bytes }.into());
    }
    let swapped = |what, expected: String, got: String| {
        PackageFileError::from(Refusal::SwappedFile { file: file(), what, expected, got })
    };
    if entry.bytes < named.bytes {
        return Err(swapped("its bytes are", named.bytes.to_string(), entry.bytes.to_string()));
    }
    let bytes = archive.bytes(entry)?;
    let got = sha256_of(&bytes);
    if got != named.sha256 {
        return Err(swapped("its sha256 is", named.sha256.clone(), got));
    }
    Ok(bytes)
}

/// Why a file that the manifest does not name is refused.
fn stranger(contents: &Contents, entry: &Entry) -> Refusal {
    let name = entry.name.as_str().to_owned();
    match contents.colliding(&entry.name) {
        Some(other) => Refusal::NameCollision { name, other: other.to_owned() },
        None => Refusal::NotNamed { name },
    }
}

fn keep(take: &mut Take<'_>, name: &PackagePath, bytes: &[u8]) -> Result<(), PackageFileError> {
    take(name, bytes)
        .map_err(|source| PackageFileError::Keep { name: name.as_str().to_owned(), source })
}
