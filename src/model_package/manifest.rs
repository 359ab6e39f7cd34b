//! What a manifest says for the package's sake: which files with which sha256, which release, until
//! when it may be installed.
//!
//! Only manifests of packages that come from outside are read here, whose schema is [`PACKAGE_SCHEMA`]. What
//! the same text says for the model's sake is read, and checked as strictly, by `vision`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::folder::MANIFEST;
use super::name::PackagePath;
use super::refusal::{Refusal, shown};
use super::signature::SIGNATURES;
use super::{FILES_MAX, PACKAGE_BYTES_MAX, archive};
use crate::digest::sha256_of;

/// The schema of packages that come from outside: the first that has a release.
pub const PACKAGE_SCHEMA: u32 = 2;

/// Largest release: what every reader of JSON still counts exactly, the page with them.
const RELEASE_MAX: u64 = (1 << 53) - 1;

/// Bytes of a model's name and of its version.
const WORD_BYTES_MAX: usize = 64;

/// What all named files may have together: the package's limit less manifest, signatures and headers.
const NAMED_BYTES_MAX: u64 = PACKAGE_BYTES_MAX - 2 * 1024 * 1024;

/// Hex digits of a sha256.
const SHA256_DIGITS: usize = 64;

/// A manifest, as far as it is about the package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    name: String,
    version: String,
    release: u64,
    not_after: Option<Timestamp>,
    files: Vec<NamedFile>,
    digest: String,
}

/// A file the manifest names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    pub name: PackagePath,
    /// Lower-case hex.
    pub sha256: String,
    pub bytes: u64,
}

/// Read first: a newer manifest is called new, not malformed.
#[derive(Deserialize)]
struct RawSchema {
    schema: u32,
}

/// What of a manifest is read here.
#[derive(Deserialize)]
struct RawContents {
    name: String,
    version: String,
    release: u64,
    #[serde(default)]
    not_after: Option<Timestamp>,
    variants: Vec<RawFile>,
    golden: Vec<RawFile>,
    #[serde(default)]
    files: Vec<RawFile>,
}

#[derive(Deserialize)]
struct RawFile {
    file: String,
    sha256: String,
    bytes: u64,
}

impl Contents {
    /// # Errors
    /// It is no manifest of a package, or names what a package cannot hold.
    pub fn parse(text: &[u8]) -> Result<Contents, Refusal> {
        let not_json = |error: serde_json::Error| Refusal::malformed(MANIFEST, error.to_string());
        let RawSchema { schema } = serde_json::from_slice(text).map_err(not_json)?;
        if schema != PACKAGE_SCHEMA {
            return Err(Refusal::WrongSchema { schema, expected: PACKAGE_SCHEMA });
        }
        let raw: RawContents = serde_json::from_slice(text).map_err(not_json)?;
        if !(1..=RELEASE_MAX).contains(&raw.release) {
            let at = format!("`release` of {MANIFEST}");
            return Err(Refusal::malformed(at, format!("it must be 1 to {RELEASE_MAX}")));
        }
        let lists = [("variants", raw.variants), ("golden", raw.golden), ("files", raw.files)];
        let contents = Contents {
            name: word("name", raw.name)?,
            version: word("version", raw.version)?,
            release: raw.release,
            not_after: raw.not_after,
            files: named_files(lists)?,
            digest: sha256_of(text),
        };
        let bytes = contents.files.iter().try_fold(0_u64, |sum, file| sum.checked_add(file.bytes));
        if bytes.is_none_or(|bytes| bytes > NAMED_BYTES_MAX) {
            let what = "what the manifest names".to_owned();
            return Err(Refusal::EndlessData { what, limit: NAMED_BYTES_MAX });
        }
        Ok(contents)
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn version(&self) -> &str {
        &self.version
    }

    /// Counts up; never below the floor.
    pub fn release(&self) -> u64 {
        self.release
    }

    /// The last moment at which it may be installed.
    pub fn not_after(&self) -> Option<Timestamp> {
        self.not_after
    }

    /// All files but manifest and signatures, by name.
    pub fn files(&self) -> &[NamedFile] {
        &self.files
    }

    /// sha256 of the manifest, lower-case hex: it names the package and everything in it.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    pub(super) fn file(&self, name: &PackagePath) -> Option<&NamedFile> {
        let at = self.files.binary_search_by(|file| file.name.cmp(name)).ok()?;
        self.files.get(at)
    }

    /// The named file that `name` would overwrite on some disks, or that manifest or signatures.
    pub(super) fn colliding(&self, name: &PackagePath) -> Option<&str> {
        let folded = name.folded();
        if let Some(own) = [MANIFEST, SIGNATURES].into_iter().find(|own| *own == folded) {
            return Some(own);
        }
        let same = |file: &&NamedFile| file.name.folded() == folded;
        self.files.iter().find(same).map(|file| file.name.as_str())
    }
}

/// A name or a version: it becomes part of file names and of what people read.
fn word(field: &str, value: String) -> Result<String, Refusal> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let fits = (1..=WORD_BYTES_MAX).contains(&value.len());
    if fits && value.bytes().all(plain) && !value.starts_with(['.', '-']) {
        return Ok(value);
    }
    Err(Refusal::malformed(
        format!("`{field}` of {MANIFEST}"),
        format!(
            "it is {}; it must be 1 to {WORD_BYTES_MAX} letters, digits or . _ - and begin with a \
             letter or digit",
            shown(value.as_bytes())
        ),
    ))
}

/// All files by name; none twice, none in the place of another's folder.
fn named_files(lists: [(&str, Vec<RawFile>); 3]) -> Result<Vec<NamedFile>, Refusal> {
    // Manifest and signatures are files, too.
    let mut taken: BTreeMap<String, String> =
        [MANIFEST, SIGNATURES].map(|name| (name.to_owned(), name.to_owned())).into();
    let mut files = Vec::new();
    for (list, raw) in lists {
        for (n, raw) in raw.into_iter().enumerate() {
            let file = named_file(&format!("{list}[{n}]"), raw)?;
            let name = file.name.as_str().to_owned();
            if let Some(other) = taken.insert(file.name.folded(), name.clone()) {
                return Err(Refusal::NameCollision { name, other });
            }
            files.push(file);
        }
    }
    if taken.len() > FILES_MAX {
        let what = "the list of files in the manifest".to_owned();
        return Err(Refusal::EndlessData { what, limit: FILES_MAX as u64 });
    }
    for (folded, name) in &taken {
        for (end, _) in folded.match_indices('/') {
            if let Some(other) = taken.get(&folded[..end]) {
                return Err(Refusal::NameCollision { name: name.clone(), other: other.clone() });
            }
        }
    }
    files.sort_by(|a: &NamedFile, b| a.name.cmp(&b.name));
    Ok(files)
}

fn named_file(field: &str, raw: RawFile) -> Result<NamedFile, Refusal> {
    let name = PackagePath::parse(raw.file.as_bytes())?;
    // One that no header can hold could never be found in a package.
    archive::header(&name, raw.bytes)?;
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if raw.sha256.len() != SHA256_DIGITS || !raw.sha256.bytes().all(digit) {
        return Err(Refusal::malformed(
            format!("`{field}.sha256` of {MANIFEST}"),
            format!("it must be {SHA256_DIGITS} digits of 0 to 9 and a to f"),
        ));
    }
    Ok(NamedFile { name, sha256: raw.sha256, bytes: raw.bytes })
}
