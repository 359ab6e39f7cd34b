//! Installed packages: each a folder named by its digest, there whole or not there at all.
//!
//! A package is written in a folder of another name, every file and folder of it is synced, and only
//! then does it get its name. It goes the other way round: it loses its name first. So whatever dies
//! in between, a folder `sha256-…` is whole; the others are swept away when nobody uses them.
//!
//! Not here: whether a package may come in at all, and who reads it to guard with it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::error::{ModelStoreError, chain};
use super::files::{Files, Kind};
use super::named::{NEW_SIGNATURES, Named, named};
use crate::model_package::folder::{MANIFEST, MANIFEST_BYTES_MAX};
use crate::model_package::signature::SIGNATURES;
use crate::rollout::slot::{Digest, Slot};
use crate::rollout::stage::Fault;

/// Below the store's folder.
pub const FOLDER: &str = "blobs";

/// Half-written and half-removed packages have this before their names.
const UNFINISHED: &str = "tmp-";

/// Longest file of a package, where its manifest does not say how long it is.
const FILE_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Read at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// Folders inside folders inside a package; names allow fewer.
const DEPTH_MAX: usize = 128;

/// A package on its way to the disk. One that is not finished is swept away.
#[derive(Debug)]
pub struct Unfinished<'f, F> {
    files: &'f F,
    digest: Digest,
    folder: PathBuf,
    /// What is still to come; `None` before the manifest.
    missing: Option<BTreeMap<String, Named>>,
    /// A file that was begun and did not become what it must be.
    spoilt: Option<String>,
    /// Below `folder`, those above before those in them.
    folders: Vec<PathBuf>,
}

/// Where a package lies, below the store's folder.
pub fn folder_of(digest: Digest) -> PathBuf {
    Path::new(FOLDER).join(Slot::Blob(digest).to_string())
}

fn unfinished(what: &str, digest: Digest) -> PathBuf {
    Path::new(FOLDER).join(format!("{UNFINISHED}{what}-{digest}"))
}

impl<'f, F: Files> Unfinished<'f, F> {
    /// Needs no [`super::ModelStore`], so that whoever owns that need not wait for a large package.
    ///
    /// # Errors
    /// The disk does not take it.
    pub fn begin(files: &'f F, digest: Digest) -> Result<Self, ModelStoreError> {
        let folder = unfinished("new", digest);
        let create =
            |path: &Path, source| ModelStoreError::CreateFolder { path: path.into(), source };
        let blobs = Path::new(FOLDER);
        if files.kind(blobs).map_err(|source| create(blobs, source))?.is_none() {
            files.create_dir(blobs).map_err(|source| create(blobs, source))?;
        }
        // Also when it was there: whoever made it may have died before this.
        sync_folder(files, Path::new(""))?;
        remove_tree(files, &folder)?;
        files.create_dir(&folder).map_err(|source| create(&folder, source))?;
        Ok(Self { files, digest, folder, missing: None, spoilt: None, folders: Vec::new() })
    }

    /// Takes a file of the package; the manifest comes first. After an error the package cannot be
    /// finished.
    ///
    /// # Errors
    /// It does not belong to the package, is not what the manifest says, or the disk does not take it.
    pub fn add(&mut self, file: &str, content: &mut dyn Read) -> Result<(), ModelStoreError> {
        self.spoilt.get_or_insert_with(|| file.to_owned());
        self.take(file, content)?;
        self.spoilt.take_if(|it| it == file);
        Ok(())
    }

    /// Gives it its name, under which it is whole. One that was there and is damaged is replaced.
    ///
    /// # Errors
    /// A file is missing, or the disk does not take it.
    pub fn finish(self) -> Result<Digest, ModelStoreError> {
        let Self { files, digest, folder, missing, spoilt, folders } = self;
        let missing = match missing {
            Some(missing) => missing.into_keys().next(),
            None => Some(MANIFEST.to_owned()),
        };
        if let Some(file) = spoilt.or(missing) {
            return Err(ModelStoreError::Missing { file });
        }
        for inner in folders.iter().rev() {
            sync_folder(files, inner)?;
        }
        sync_folder(files, &folder)?;
        let (place, aside) = (folder_of(digest), unfinished("old", digest));
        let rename = |source| ModelStoreError::Rename { path: place.clone(), source };
        let is_there = files.kind(&place).map_err(rename)?.is_some();
        if is_there && damages(files, digest).is_empty() {
            // Somebody may guard with it: of what is guarded with nothing is touched.
            sign_anew(files, &folder, &place)?;
            sync_folder(files, Path::new(FOLDER))?;
            remove_tree(files, &folder)?;
            return Ok(digest);
        }
        if is_there {
            remove_tree(files, &aside)?;
            files.rename(&place, &aside).map_err(rename)?;
        }
        files.rename(&folder, &place).map_err(rename)?;
        sync_folder(files, Path::new(FOLDER))?;
        remove_tree(files, &aside)?;
        Ok(digest)
    }

    fn take(&mut self, file: &str, content: &mut dyn Read) -> Result<(), ModelStoreError> {
        let Some(missing) = &mut self.missing else {
            return self.add_manifest(file, content);
        };
        if file == SIGNATURES {
            return self.write(file, content, MANIFEST_BYTES_MAX).map(|_| ());
        }
        let not_named = || ModelStoreError::NotNamed { file: file.into() };
        let named = missing.remove(file).ok_or_else(not_named)?;
        self.make_folders_of(file)?;
        let found = self.write(file, content, named.bytes.unwrap_or(FILE_BYTES_MAX))?;
        match difference(named, found) {
            None => Ok(()),
            Some(why) => Err(ModelStoreError::Differs { file: file.into(), why }),
        }
    }

    fn add_manifest(&mut self, file: &str, content: &mut dyn Read) -> Result<(), ModelStoreError> {
        if file != MANIFEST {
            return Err(ModelStoreError::ManifestFirst { file: file.into() });
        }
        let read = |source| ModelStoreError::Read { path: file.into(), source };
        let mut bytes = Vec::new();
        content.take(MANIFEST_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(read)?;
        let found = Digest::of(&bytes);
        if found != self.digest {
            return Err(ModelStoreError::SwappedManifest { digest: self.digest, found });
        }
        let named = named(&bytes)?;
        self.write(file, &mut bytes.as_slice(), MANIFEST_BYTES_MAX)?;
        self.missing = Some(named);
        Ok(())
    }

    fn make_folders_of(&mut self, file: &str) -> Result<(), ModelStoreError> {
        let above: Vec<&Path> = Path::new(file).ancestors().skip(1).collect();
        for inner in above.into_iter().rev().filter(|it| !it.as_os_str().is_empty()) {
            let path = self.folder.join(inner);
            if self.folders.contains(&path) {
                continue;
            }
            let create = |source| ModelStoreError::CreateFolder { path: path.clone(), source };
            self.files.create_dir(&path).map_err(create)?;
            self.folders.push(path);
        }
        Ok(())
    }

    /// At most one byte more than allowed, so that more is seen and not kept.
    fn write(
        &self,
        file: &str,
        content: &mut dyn Read,
        bytes_max: u64,
    ) -> Result<Named, ModelStoreError> {
        let path = self.folder.join(file);
        let mut hashing = Hashing { content, sha256: Sha256::new() };
        let mut limited = hashing.by_ref().take(bytes_max.saturating_add(1));
        let bytes = self
            .files
            .write_new(&path, &mut limited)
            .map_err(|source| ModelStoreError::Write { path: path.clone(), source })?;
        if bytes > bytes_max {
            let why = format!("it has more than {bytes_max} bytes");
            return Err(ModelStoreError::Differs { file: file.into(), why });
        }
        self.files.sync_file(&path).map_err(|source| ModelStoreError::Sync { path, source })?;
        let sha256 = Digest::from_bytes(hashing.sha256.finalize().into());
        Ok(Named { sha256, bytes: Some(bytes) })
    }
}

/// A package that is there gets the signatures that it came with now: whoever signed it before may not
/// be trusted any more.
fn sign_anew<F: Files>(files: &F, from: &Path, place: &Path) -> Result<(), ModelStoreError> {
    let (new, old) = (from.join(SIGNATURES), place.join(SIGNATURES));
    let read = |source| ModelStoreError::Read { path: new.clone(), source };
    if files.kind(&new).map_err(read)?.is_none() {
        return Ok(());
    }
    let is_same = match read_through(files, &old) {
        Ok(old) => old == read_through(files, &new).map_err(read)?,
        // There is none, or none that can be read.
        Err(_) => false,
    };
    if !is_same {
        let aside = place.join(NEW_SIGNATURES);
        remove_tree(files, &aside)?;
        let mut content = files.open(&new).map_err(read)?;
        let write = |source| ModelStoreError::Write { path: aside.clone(), source };
        files.write_new(&aside, &mut content).map_err(write)?;
        let sync = |source| ModelStoreError::Sync { path: aside.clone(), source };
        files.sync_file(&aside).map_err(sync)?;
        let rename = |source| ModelStoreError::Rename { path: old.clone(), source };
        files.rename(&aside, &old).map_err(rename)?;
    }
    // Also where they are the same: whoever wrote them may have died before this.
    sync_folder(files, place)
}

/// Reads, and remembers the digest of what was read.
struct Hashing<'c> {
    content: &'c mut dyn Read,
    sha256: Sha256,
}

impl Read for Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        self.sha256.update(&buffer[..read]);
        Ok(read)
    }
}

/// How a file differs from what the manifest says of it.
fn difference(said: Named, found: Named) -> Option<String> {
    match (said.bytes, found.bytes) {
        (Some(said), Some(found)) if said != found => {
            Some(format!("it has {found} bytes instead of {said}"))
        }
        _ if said.sha256 != found.sha256 => Some(format!("its sha256 is {}", found.sha256)),
        _ => None,
    }
}

/// Everything by which a package on the disk is not what its name says, in words; nothing when it is
/// whole. Reads all of it.
pub fn damages<F: Files>(files: &F, digest: Digest) -> Vec<String> {
    let folder = folder_of(digest);
    let manifest = match manifest_of(files, &folder, digest) {
        Ok(manifest) => manifest,
        Err(error) => return vec![chain(&error)],
    };
    let mut damages = Vec::new();
    for (file, said) in &manifest {
        match read_through(files, &folder.join(file)) {
            Ok(found) => {
                damages.extend(difference(*said, found).map(|why| format!("{file}: {why}")))
            }
            Err(error) => damages.push(format!("{file}: {error}")),
        }
    }
    match walk(files, &folder, DEPTH_MAX) {
        Ok(there) => {
            let inside = there.iter().filter_map(|path| path.strip_prefix(&folder).ok());
            let names = inside.map(|path| path.to_string_lossy().into_owned());
            let is_known = |file: &String| {
                [MANIFEST, SIGNATURES, NEW_SIGNATURES].contains(&file.as_str())
                    || manifest.contains_key(file)
            };
            let strays = names.filter(|file| !is_known(file));
            damages.extend(strays.map(|file| format!("{file}: the manifest does not name it")));
        }
        Err(error) => damages.push(chain(&error)),
    }
    damages
}

/// The first thing by which a package on the disk is not what its name says: a file that is shorter
/// than it was or gone, or one that is another. Reads all of it.
pub fn what_is_wrong<F: Files>(files: &F, digest: Digest) -> Option<(Fault, String)> {
    let folder = folder_of(digest);
    let manifest = match manifest_of(files, &folder, digest) {
        Ok(manifest) => manifest,
        Err(error @ ModelStoreError::Read { .. }) => return Some((Fault::TornFile, chain(&error))),
        Err(error) => return Some((Fault::FlippedBit, chain(&error))),
    };
    for (file, said) in &manifest {
        match read_through(files, &folder.join(file)) {
            Ok(found) => {
                let Some(why) = difference(*said, found) else { continue };
                let is_shorter = said.bytes.zip(found.bytes).is_some_and(|(said, it)| it < said);
                let fault = if is_shorter { Fault::TornFile } else { Fault::FlippedBit };
                return Some((fault, format!("{file}: {why}")));
            }
            Err(error) => return Some((Fault::TornFile, format!("{file}: {error}"))),
        }
    }
    damages(files, digest).into_iter().next().map(|why| (Fault::FlippedBit, why))
}

/// The digests of all packages that have their names.
///
/// # Errors
/// The folder cannot be read.
pub fn all<F: Files>(files: &F) -> Result<BTreeSet<Digest>, ModelStoreError> {
    let slots = names(files)?.into_iter().filter_map(|name| name.parse::<Slot>().ok());
    Ok(slots.filter_map(Slot::digest).collect())
}

/// Removes what is half-written or half-removed, and the packages that need not stay; says which.
/// What is being taken stays in either form; anything else that lies there is somebody else's.
///
/// # Errors
/// The disk does not do it; what is left is swept the next time.
pub(super) fn sweep<F: Files>(
    files: &F,
    taking: Option<Digest>,
    stays: impl Fn(Digest) -> bool,
) -> Result<Vec<Digest>, ModelStoreError> {
    let is_taken = |name: &str| taking.is_some_and(|it| name.ends_with(&it.to_string()));
    for name in names(files)?.iter().filter(|it| it.starts_with(UNFINISHED) && !is_taken(it)) {
        remove_tree(files, &Path::new(FOLDER).join(name))?;
    }
    for digest in all(files)?.into_iter().filter(|digest| taking != Some(*digest)) {
        remove_tree(files, &folder_of(digest).join(NEW_SIGNATURES))?;
    }
    let mut gone = Vec::new();
    let goes = |digest: &Digest| taking != Some(*digest) && !stays(*digest);
    for digest in all(files)?.into_iter().filter(goes) {
        let (place, aside) = (folder_of(digest), unfinished("old", digest));
        files
            .rename(&place, &aside)
            .map_err(|source| ModelStoreError::Rename { path: aside.clone(), source })?;
        // Or a power cut could bring the name back, and not what is in it.
        sync_folder(files, Path::new(FOLDER))?;
        remove_tree(files, &aside)?;
        gone.push(digest);
    }
    Ok(gone)
}

fn names<F: Files>(files: &F) -> Result<Vec<String>, ModelStoreError> {
    let mut names = match files.list(Path::new(FOLDER)) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(source) => return Err(ModelStoreError::Read { path: FOLDER.into(), source }),
    };
    names.sort();
    Ok(names)
}

fn sync_folder<F: Files>(files: &F, path: &Path) -> Result<(), ModelStoreError> {
    files.sync_dir(path).map_err(|source| ModelStoreError::Sync { path: path.into(), source })
}

fn manifest_of<F: Files>(
    files: &F,
    folder: &Path,
    digest: Digest,
) -> Result<BTreeMap<String, Named>, ModelStoreError> {
    let path = folder.join(MANIFEST);
    let read = |source| ModelStoreError::Read { path: path.clone(), source };
    let mut bytes = Vec::new();
    let file = files.open(&path).map_err(read)?;
    file.take(MANIFEST_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(read)?;
    let found = Digest::of(&bytes);
    if found != digest {
        let what = format!("the digest {found}");
        return Err(ModelStoreError::Damaged { path, what });
    }
    named(&bytes)
}

fn read_through<F: Files>(files: &F, path: &Path) -> io::Result<Named> {
    let mut file = files.open(path)?;
    let mut sha256 = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut bytes = 0;
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            read => {
                sha256.update(&chunk[..read]);
                bytes += read as u64;
            }
        }
    }
    let sha256 = Digest::from_bytes(sha256.finalize().into());
    Ok(Named { sha256, bytes: Some(bytes) })
}

/// Everything below a folder that is no folder itself.
fn walk<F: Files>(files: &F, folder: &Path, depth: usize) -> Result<Vec<PathBuf>, ModelStoreError> {
    let read = |source| ModelStoreError::Read { path: folder.into(), source };
    if depth == 0 {
        let what = format!("more than {DEPTH_MAX} folders inside each other");
        return Err(ModelStoreError::Damaged { path: folder.into(), what });
    }
    let mut found = Vec::new();
    for name in files.list(folder).map_err(read)? {
        let path = folder.join(name);
        match files.kind(&path).map_err(read)? {
            Some(Kind::Folder) => found.extend(walk(files, &path, depth - 1)?),
            Some(Kind::File | Kind::Other) => found.push(path),
            None => {}
        }
    }
    Ok(found)
}

fn remove_tree<F: Files>(files: &F, path: &Path) -> Result<(), ModelStoreError> {
    let failed = |source| ModelStoreError::Remove { path: path.into(), source };
    match files.kind(path).map_err(failed)? {
        None => Ok(()),
        Some(Kind::File | Kind::Other) => files.remove_file(path).map_err(failed),
        Some(Kind::Folder) => {
            let mut names = files.list(path).map_err(failed)?;
            names.sort();
            for name in names {
                remove_tree(files, &path.join(name))?;
            }
            files.remove_dir(path).map_err(failed)
        }
    }
}
