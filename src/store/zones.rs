//! Zone versions and drafts, camera by camera.
//!
//! Terms: a **version** is a zone document with a number; it is never rewritten and never removed.
//! It is **proposed** until somebody answers, **in force** while the box decides by it. A **draft**
//! is the one unfinished document of a camera; its **base** is the version it was drawn from.
//!
//! ```text
//!            approve              replace
//! proposed ──────────> in force ──────────> replaced
//!    │  ^                 │  ^                 │
//!    │  └──── put back ───┘  └──── put back ───┘
//!    ├── withdraw ──> withdrawn
//!    └── refuse ────> refused
//! ```
//!
//! Each change is one transaction together with its entry in the audit log, so that a kill leaves
//! all of it or nothing. At most one version of a camera is in force and at most one is proposed;
//! the schema says so too.
//!
//! Not here: what a document means (`zone_file`), who may do what (`web`), telling the engine
//! (`guard`).

mod life;
mod notes;
mod read;
mod steps;
mod write;

use jiff::Timestamp;

pub(super) use self::read::named;
pub use self::read::{ZoneReader, ZonesOfCamera};
pub use self::steps::{Step, VersionState};
pub use self::write::ApprovalRule;
use super::StoreError;
use crate::digest::sha256_of;

/// Most versions in one answer, the newest: more than a page can show.
pub const VERSIONS_AT_ONCE_MAX: u32 = 1_000;

/// Who speaks when the box itself changes what is in force.
pub const BY_BOX: &str = "standclear";

/// Who speaks for the zone file on disk: its author is not known.
pub const BY_FILE: &str = "file";

/// A version as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneVersion {
    pub camera: String,
    /// From 1, in the order of making.
    pub number: u32,
    pub base: Option<u32>,
    /// The zone document, canonical text.
    pub document: String,
    /// sha256 of the document, hex: what incidents name.
    pub digest: String,
    pub state: VersionState,
    pub source: VersionSource,
    pub made: Signed,
    /// Everybody who saved the draft it was proposed from; empty for what never was a draft.
    pub drawn_by: Vec<String>,
    pub reason: String,
    pub approved: Option<Signed>,
    /// When it came into force.
    pub applied_at: Option<Timestamp>,
    /// Who refused or withdrew it.
    pub closed: Option<Closed>,
}

/// Who, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub by: String,
    pub at: Timestamp,
}

/// The end of a proposal that was not approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    pub signed: Signed,
    pub reason: String,
}

/// Where a version came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionSource {
    /// A zone file.
    File,
    /// The page.
    Page,
    /// An earlier version, brought back.
    Rollback,
}

/// The unfinished document of a camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneDraft {
    pub base: Option<u32>,
    pub document: String,
    /// The last who saved it.
    pub saved: Signed,
    /// Everybody who saved it since it was begun.
    pub drawn_by: Vec<String>,
}

/// What somebody who saves a draft believes is kept already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftBefore {
    /// They did not say.
    Anything,
    /// No draft.
    Nothing,
    /// The draft of this digest.
    Digest(String),
}

/// A document on its way to being a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVersion {
    pub camera: String,
    pub document: String,
    pub digest: String,
    pub made: Signed,
    pub reason: String,
    /// For the audit log: what differs from the version in force, a sentence each.
    pub differences: Vec<String>,
}

/// A version of a camera that somebody decides on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub camera: String,
    pub number: u32,
    pub signed: Signed,
}

/// Why zones were not changed; nothing was.
#[derive(Debug, thiserror::Error)]
pub enum ZonesError {
    #[error("camera {camera} has no draft; save one first")]
    NoDraft { camera: String },
    #[error("the draft was changed by somebody else meanwhile; look at it again")]
    DraftChanged,
    #[error(
        "the draft was drawn from {}, and {} is in force now; compare the two, then begin a new draft",
        spoken(*.base), spoken(*.in_force)
    )]
    StaleDraft { base: Option<u32>, in_force: Option<u32> },
    #[error("camera {camera} has no version {number}")]
    NoVersion { camera: String, number: u32 },
    #[error("version {number} is {state}; that cannot be done with it")]
    WrongState { number: u32, state: VersionState },
    #[error(
        "version {number} was drawn from {}, and {} is in force now; propose it anew",
        spoken(*.base), spoken(*.in_force)
    )]
    StaleVersion { number: u32, base: Option<u32>, in_force: Option<u32> },
    #[error("{by} drew or proposed version {number}, so somebody else must approve it")]
    OwnChange { number: u32, by: String },
    #[error("the zones could not be kept")]
    Store(#[source] StoreError),
}

/// sha256 of a document's text, hex: what whoever saw a draft names it by.
pub fn text_digest(document: &str) -> String {
    sha256_of(document)
}

/// sha256 of a zone file as it lies on the disk, hex: by it the box knows a file it has taken.
pub fn file_digest(bytes: &[u8]) -> String {
    sha256_of(bytes)
}

fn spoken(number: Option<u32>) -> String {
    number.map_or("no version".into(), |number| format!("version {number}"))
}

impl VersionSource {
    const ALL: [VersionSource; 3] =
        [VersionSource::File, VersionSource::Page, VersionSource::Rollback];

    /// As kept and as told.
    pub fn name(self) -> &'static str {
        match self {
            VersionSource::File => "file",
            VersionSource::Page => "page",
            VersionSource::Rollback => "rollback",
        }
    }
}
