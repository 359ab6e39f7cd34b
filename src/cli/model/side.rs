//! A model that is named on the command line: a folder, a package file, or a slot of the box.
//!
//! A package file is verified as a box would, but for its release: one that is below the floor may be
//! looked at. It is unpacked into a folder of its own, which goes when nobody looks any more.

use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::clock;
use crate::config::Config;
use crate::digest::sha256_of;
use crate::model_package::carried::open_file;
use crate::model_package::folder::{self, MANIFEST};
use crate::model_package::keys::file;
use crate::model_package::refusal::PackageFileError;
use crate::model_package::verify::{self, Trust};
use crate::model_package::{EXTENSION, WallTime};
use crate::model_store;
use crate::model_store::blobs;
use crate::rollout::slot::Slot;
use crate::vision::package::{ModelPackage, PackageError};

/// Of the box in whose folder the program is called.
const CONFIG: &str = "standclear.toml";

/// Folders tried before one is free.
const FOLDERS_TRIED: u32 = 1000;

/// Where slots and keys lie.
#[derive(Clone, Debug, clap::Args)]
pub struct BoxArgs {
    /// The box's configuration, which says where slots and the keyring lie [default:
    /// standclear.toml].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A keyring to hold package files against, instead of the box's.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

/// A model that can be loaded.
#[derive(Debug)]
pub struct Side {
    pub package: ModelPackage,
    /// sha256 of the manifest, which names the package.
    pub digest: String,
    /// Goes with this.
    _unpacked: Option<Unpacked>,
}

/// A model that cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum SideError {
    #[error("the model {given} cannot be used")]
    Package {
        given: String,
        #[source]
        source: Box<PackageError>,
    },
    #[error("the package {given} is not taken")]
    File {
        given: String,
        #[source]
        source: PackageFileError,
    },
    #[error("the model {given} is not on this box: there is no {}", .folder.display())]
    NotHere { given: String, folder: PathBuf },
    #[error("{} cannot be read", .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} cannot be written; the package is unpacked there", .path.display())]
    Unpack {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl BoxArgs {
    fn config(&self) -> Result<Config, Box<dyn Error>> {
        Ok(Config::load(self.config.as_deref().unwrap_or(Path::new(CONFIG)))?)
    }

    /// Opens what is named: a slot (`shipped`, `sha256-…`), a package file, a folder or a name.
    pub fn open(&self, given: &str) -> Result<Side, Box<dyn Error>> {
        let failed = |source| SideError::Package { given: given.to_owned(), source };
        let mut unpacked = None;
        let package = if let Ok(slot) = given.parse::<Slot>() {
            let folder = self.folder_of(slot)?;
            if !folder.is_dir() {
                return Err(SideError::NotHere { given: given.to_owned(), folder }.into());
            }
            ModelPackage::open(&folder)
        } else if Path::new(given).is_file() || given.ends_with(&format!(".{EXTENSION}")) {
            let folder = self.unpack(given)?;
            let package = ModelPackage::open(&folder.0);
            unpacked = Some(folder);
            package
        } else {
            ModelPackage::find(given)
        };
        let package = package.map_err(|source| failed(Box::new(source)))?;
        let manifest = package.dir().join(MANIFEST);
        let bytes =
            fs::read(&manifest).map_err(|source| SideError::Read { path: manifest, source })?;
        Ok(Side { package, digest: sha256_of(bytes), _unpacked: unpacked })
    }

    fn folder_of(&self, slot: Slot) -> Result<PathBuf, Box<dyn Error>> {
        let config = self.config()?;
        Ok(match slot {
            Slot::Shipped => folder::found(&config.model.dir),
            Slot::Blob(digest) => {
                config.store.path.join(model_store::FOLDER).join(blobs::folder_of(digest))
            }
        })
    }

    fn unpack(&self, given: &str) -> Result<Unpacked, Box<dyn Error>> {
        let source = open_file(Path::new(given))?;
        let keys = match &self.keys {
            Some(keys) => keys.clone(),
            None => file::path_in(&self.config()?.store.path),
        };
        let keyring = file::load(&keys)?;
        let time = WallTime::Doubted(clock::wall());
        let trust = Trust { keyring: &keyring, floor: 0, time };
        let folder = Unpacked::new()?;
        verify::open(source, &trust)
            .and_then(|opened| {
                opened.unpack(&mut |name, bytes| {
                    let path = folder.0.join(name.as_str());
                    fs::create_dir_all(path.parent().unwrap_or(&folder.0))?;
                    fs::write(path, bytes)
                })
            })
            .map_err(|source| SideError::File { given: given.to_owned(), source })?;
        Ok(folder)
    }
}

/// A temporary folder.
#[derive(Debug)]
struct Unpacked(PathBuf);

impl Unpacked {
    fn new() -> Result<Unpacked, SideError> {
        let base = std::env::temp_dir();
        let process = std::process::id();
        for n in 0..FOLDERS_TRIED {
            let path = base.join(format!("standclear-model-{process}-{n}"));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Unpacked(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(SideError::Unpack { path, source }),
            }
        }
        let source = io::Error::from(io::ErrorKind::AlreadyExists);
        Err(SideError::Unpack { path: base, source })
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        // What is left lies where the machine's own cleaning finds it.
        let _ = fs::remove_dir_all(&self.0);
    }
}
