//! What can go wrong with the store, in words a person at the box can act on.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the store could not do what was asked. Nothing was changed when one of these comes back.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "the store folder {path} cannot be created; name a folder that this user may create, or create it first"
    )]
    CreateFolder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the store folder {path} is a file; name a folder, or move the file away")]
    NotAFolder { path: PathBuf },
    #[error(
        "the store folder {path} cannot be written to; give this user the right to write there, or name another folder"
    )]
    NotWritable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "the store in {path} is in use by {holder}; stop that one first, or give this one a folder of its own"
    )]
    InUse { path: PathBuf, holder: String },
    #[error("the store file {path} cannot be read; give this user the right to read and write it")]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "{path} is not a Standclear store: {found}; it was left untouched, move it away or name another folder"
    )]
    NotAStore { path: PathBuf, found: &'static str },
    #[error(
        "{path} was made by a newer Standclear (schema {found}, this one knows up to {known}); run that version again, or name another folder"
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error(
        "the store {path} holds {most} comparisons of models that all speak for or against what guards now; discard the candidate, or let another one guard, before more is compared"
    )]
    ShadowRunsFull { path: PathBuf, most: i64 },
    #[error(
        "the store {path} has the recording `{recording}` with these zones of these two models already; a recording counts once"
    )]
    RecordingKnown { path: PathBuf, recording: String },
    #[error(
        "the store {path} would hold more than {most} recordings of this model beside its parent; give fewer"
    )]
    ParentChecksFull { path: PathBuf, most: i64 },
    #[error(
        "the store {path} has as new a check of the recording `{recording}` beside this parent already; check it anew"
    )]
    ParentCheckOlder { path: PathBuf, recording: String },
    #[error("the store {path} cannot be opened")]
    Open {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error(
        "the store {path} refuses {setting} = {wanted} (it says {found}); a record would not survive a power cut, so put the folder on a local disk that supports it"
    )]
    Setting { path: PathBuf, setting: &'static str, wanted: &'static str, found: String },
    #[error("the store {path} could not be brought to schema {to}")]
    Migrate {
        path: PathBuf,
        to: i64,
        #[source]
        source: rusqlite::Error,
    },
    #[error(
        "the disk under {path} is full; free at least {} MB, the store goes on by itself then",
        super::FREE_BYTES_ADVISED / (1024 * 1024)
    )]
    Full {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("what the store {path} remembers could not be read")]
    Restore {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("record {place} of {of} ({kind}) could not be kept in {path}; none of them was")]
    Record {
        path: PathBuf,
        /// Counted from 1.
        place: usize,
        of: usize,
        kind: &'static str,
        #[source]
        source: rusqlite::Error,
    },
    #[error("the records could not be committed to {path}; none of them was")]
    Commit {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("the heartbeat could not be written to {path}")]
    Alive {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("the snapshot of incident {incident} could not be kept in {path}")]
    Snapshot {
        path: PathBuf,
        incident: u64,
        #[source]
        source: rusqlite::Error,
    },
    #[error("the accounts could not be read from or kept in {path}; nothing was changed")]
    Accounts {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("the entry of the audit log could not be kept in {path}")]
    Audit {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("the zone versions could not be read from or kept in {path}; nothing was changed")]
    Zones {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("the walk tests could not be read from or kept in {path}; nothing was changed")]
    WalkTests {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("handhelds and duty could not be read from or kept in {path}; nothing was changed")]
    Handhelds {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("what is known of evidence could not be kept in {path}; nothing was changed")]
    Evidence {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("where people stood could not be kept in {path}")]
    Heat {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("what is known of a camera's view could not be kept in {path}; nothing was changed")]
    Views {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("what is known of examples could not be kept in {path}; nothing was changed")]
    Examples {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("what is to be sent could not be kept in {path}; nothing was changed")]
    Outbox {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("there is no store {path}; name the folder of the box's store, or start the box first")]
    NoStore { path: PathBuf },
    #[error("there is no incident {incident} in {path} to keep a snapshot of")]
    NoIncident { path: PathBuf, incident: u64 },
    #[error(
        "the snapshot of incident {incident} has {bytes} bytes; 1 to {} are kept",
        super::SNAPSHOT_BYTES_MAX
    )]
    SnapshotSize { incident: u64, bytes: usize },
}

/// Whether something may have failed for want of room: SQLite has several words for a full disk, also
/// when it cannot make the files that it keeps beside its own.
pub fn may_want_room(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let of_sqlite = error.downcast_ref().and_then(rusqlite::Error::sqlite_error_code);
        let of_system = error.downcast_ref().map(io::Error::kind);
        let full = matches!(
            of_sqlite,
            Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::CannotOpen)
        );
        if full || of_system == Some(io::ErrorKind::StorageFull) {
            return true;
        }
        next = error.source();
    }
    false
}

impl StoreError {
    /// Whether what was to be kept is to blame, and would be as often as it is tried again.
    pub fn is_of_the_row(&self) -> bool {
        let (StoreError::Handhelds { source, .. } | StoreError::Evidence { source, .. }) = self
        else {
            return false;
        };
        match source.sqlite_error_code() {
            Some(code) => matches!(
                code,
                ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig
            ),
            None => matches!(source, rusqlite::Error::ToSqlConversionFailure(_)),
        }
    }

    /// A full disk is the same trouble whatever was being done, and has its own remedy; everything
    /// else is `otherwise`.
    pub(super) fn or_full(
        path: &Path,
        source: rusqlite::Error,
        otherwise: impl FnOnce(PathBuf, rusqlite::Error) -> StoreError,
    ) -> StoreError {
        let path = path.to_path_buf();
        if source.sqlite_error_code() == Some(ErrorCode::DiskFull) {
            StoreError::Full { path, source }
        } else {
            otherwise(path, source)
        }
    }
}
