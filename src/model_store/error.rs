//! Why something of the store of models could not be done.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use crate::rollout::ledger::Refusal;
use crate::rollout::slot::{BadDigest, Digest};
use crate::rollout::stage::Fault;

/// A variant per operation; paths are below the folder of models.
#[derive(Debug, thiserror::Error)]
pub enum ModelStoreError {
    #[error("the folder {path} cannot be made", path = .path.display())]
    CreateFolder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} cannot be written", path = .path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} is written, and it is not known whether the disk has it", path = .path.display())]
    Sync {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} cannot get its last name", path = .path.display())]
    Rename {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} cannot be removed", path = .path.display())]
    Remove {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} cannot be read", path = .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} has {what}", path = .path.display())]
    Damaged { path: PathBuf, what: String },
    #[error("the package {digest} has the manifest of {found}: it was swapped")]
    SwappedManifest { digest: Digest, found: Digest },
    #[error(
        "the manifest of a package comes before `{file}`: nothing else says what belongs to it"
    )]
    ManifestFirst { file: String },
    #[error("the manifest is not one that names its files: {why}")]
    Manifest {
        why: String,
        #[source]
        source: Option<serde_json::Error>,
    },
    #[error("the manifest names `{file}` with a sha256 that is none")]
    ManifestDigest {
        file: String,
        #[source]
        source: BadDigest,
    },
    #[error("`{file}` is in the package, and the manifest does not name it, or it came twice")]
    NotNamed { file: String },
    #[error("`{file}` is not what the manifest says: {why}")]
    Differs { file: String, why: String },
    #[error("`{file}` did not come, or not as the manifest says; nothing of the package is kept")]
    Missing { file: String },
    #[error("the package {digest} is not on the disk; install it again")]
    NotThere { digest: Digest },
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl ModelStoreError {
    /// What the disk did, where it was the disk.
    pub fn disk_fault(&self) -> Option<Fault> {
        let source = self.source()?.downcast_ref::<io::Error>()?;
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(Fault::DiskFull),
            io::ErrorKind::ReadOnlyFilesystem => Some(Fault::ReadOnly),
            _ => None,
        }
    }
}

/// The error and all that led to it, in one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(it) = cause {
        said.push_str(": ");
        said.push_str(&it.to_string());
        cause = it.source();
    }
    said
}
