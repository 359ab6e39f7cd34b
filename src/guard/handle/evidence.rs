//! What the web side may ask of evidence.

use std::fs::File;

use super::Reason;
use crate::guard::clerk::ClerkError;
use crate::store::StoreError;
pub use crate::store::evidence::{
    ClearFacts, ClipRow, EvidenceRow, EvidenceState, HiddenFile, KeptClip, Pin, Shows,
    SnapshotFacts, Track,
};
use crate::store::query::HistoryError;

/// How much evidence there is, and what it may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceNow {
    pub state: EvidenceState,
    pub bytes_max: u64,
    pub days: u32,
    pub before_s: u32,
    pub after_s: u32,
}

/// A clip, opened.
#[derive(Debug)]
pub struct ClipFile {
    pub file: File,
    pub name: String,
    pub bytes: u64,
}

/// Which of a part's clips is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichClip {
    /// The one in which nobody can be recognised.
    Hidden,
    Clear,
    /// The clear one, or the hidden one where no clear one was kept.
    Any,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    #[error("there is no incident {0}")]
    NoIncident(u64),
    /// With what is known of it.
    #[error("there is no such clip: {0}")]
    NoClip(String),
    #[error("it is not known who was seen where in this clip")]
    NoTrack,
    #[error("incident {0} is pinned already")]
    AlreadyPinned(u64),
    #[error("incident {0} is not pinned")]
    NotPinned(u64),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Clerk(#[from] ClerkError),
}

/// Clips, pictures and pins of incidents. All of it blocking.
pub trait EvidenceDesk: Send + Sync {
    fn evidence(&self, incident: u64) -> Result<EvidenceRow, EvidenceError>;

    /// A part of the incident's video, from 1.
    fn clip(&self, incident: u64, part: u32, which: WhichClip) -> Result<ClipFile, EvidenceError>;

    /// Who was seen where in it, as JSON.
    fn track(&self, incident: u64, part: u32) -> Result<String, EvidenceError>;

    /// Keeps the incident's evidence until somebody takes the pin off.
    fn pin(&self, incident: u64, by: &str, reason: &Reason) -> Result<(), EvidenceError>;

    fn unpin(&self, incident: u64, by: &str) -> Result<(), EvidenceError>;

    fn evidence_now(&self) -> Result<EvidenceNow, EvidenceError>;
}
