//! Making a package of a folder, and signing it.
//!
//! The same folder gives the same bytes. What the manifest does not name is not left out in silence,
//! it is refused: a licence that was forgotten is one that is not kept.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::FILES_MAX;
use super::archive::{header, write_end, write_file};
use super::folder::{FolderError, MANIFEST, read_manifest, read_verified};
use super::manifest::Contents;
use super::name::PackagePath;
use super::refusal::{PackageFileError, Refusal};
use super::secret::SigningKey;
use super::signature::{SIGNATURES, SIGNATURES_MAX, Signature, Signed, list_text, parse_list};
use super::verify::{Head, files};

/// Folders within folders of a package that is packed.
const DEPTH_MAX: usize = 16;

/// A package that was made.
pub struct Packed {
    pub contents: Contents,
    /// The whole file.
    pub bytes: Vec<u8>,
}

/// Why no package is made.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("the folder cannot be packed")]
    Folder(#[from] FolderError),
    #[error("a package of this folder would be refused")]
    Refused(#[from] Refusal),
    #[error("the folder {path} cannot be read", path = .path.display())]
    Walk {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "{path} is in the folder, but the manifest does not name it; name it in `files`, or take it \
         away",
        path = .path.display()
    )]
    NotNamed { path: PathBuf },
    #[error("the package cannot be signed as it is")]
    Package(#[from] PackageFileError),
    #[error("the package has {SIGNATURES_MAX} signatures already, and there is no room for more")]
    TooManySignatures,
}

/// Makes an unsigned package of a folder.
///
/// # Errors
/// The package would be refused, or the folder holds something that the manifest does not name.
pub fn pack(folder: &Path) -> Result<Packed, PackError> {
    let manifest = read_manifest(&folder.join(MANIFEST))?;
    let contents = Contents::parse(&manifest)?;
    let named = contents.files().iter().map(|file| folder.join(file.name.as_str()));
    let named: BTreeSet<PathBuf> =
        named.chain([MANIFEST, SIGNATURES].map(|own| folder.join(own))).collect();
    nothing_else(folder, &named, 0)?;
    let mut package = Package::new(&manifest, &[])?;
    for file in contents.files() {
        let bytes = read_verified(folder, file.name.as_str(), &file.sha256)?;
        if bytes.len() as u64 != file.bytes {
            return Err(PackError::Refused(Refusal::SwappedFile {
                file: file.name.as_str().to_owned(),
                what: "its bytes are",
                expected: file.bytes.to_string(),
                got: bytes.len().to_string(),
            }));
        }
        package.add(&file.name, &bytes)?;
    }
    Ok(Packed { contents, bytes: package.end() })
}

/// The same package with one more signature; one of the same key is made anew. Only a package that is
/// whole is signed.
///
/// # Errors
/// It is not whole, or cannot be read.
pub fn sign(source: impl Read, key: &SigningKey) -> Result<Packed, PackError> {
    let mut head = Head::read(source)?;
    let contents = Contents::parse(head.manifest())?;
    let mut signatures = parse_list(head.signatures())?;
    signatures.retain(|one| one.key != key.id());
    if signatures.len() >= SIGNATURES_MAX {
        return Err(PackError::TooManySignatures);
    }
    signatures.push(key.sign(Signed::Manifest, head.manifest()));
    let mut package = Package::new(head.manifest(), &signatures)?;
    let mut failed = None;
    files(&mut head.archive, &contents, &mut |name, bytes| {
        failed = failed.take().or_else(|| package.add(name, bytes).err());
        Ok(())
    })?;
    match failed {
        Some(refusal) => Err(refusal.into()),
        None => Ok(Packed { contents, bytes: package.end() }),
    }
}

/// A package as it grows.
struct Package(Vec<u8>);

impl Package {
    fn new(manifest: &[u8], signatures: &[Signature]) -> Result<Package, Refusal> {
        let mut package = Package(Vec::new());
        package.add(&PackagePath::parse(MANIFEST.as_bytes())?, manifest)?;
        package.add(&PackagePath::parse(SIGNATURES.as_bytes())?, &list_text(signatures))?;
        Ok(package)
    }

    fn add(&mut self, name: &PackagePath, bytes: &[u8]) -> Result<(), Refusal> {
        write_file(&mut self.0, &header(name, bytes.len() as u64)?, bytes);
        Ok(())
    }

    fn end(mut self) -> Vec<u8> {
        write_end(&mut self.0);
        self.0
    }
}

/// Every file below the folder is one of these.
fn nothing_else(folder: &Path, named: &BTreeSet<PathBuf>, depth: usize) -> Result<(), PackError> {
    let failed = |source| PackError::Walk { path: folder.to_owned(), source };
    for (n, entry) in fs::read_dir(folder).map_err(failed)?.enumerate() {
        let entry = entry.map_err(failed)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
        if n > FILES_MAX || depth > DEPTH_MAX {
            return Err(PackError::NotNamed { path });
        }
        if kind.is_dir() {
            nothing_else(&path, named, depth + 1)?;
        } else if !kind.is_file() || !named.contains(&path) {
            return Err(PackError::NotNamed { path });
        }
    }
    Ok(())
}
