//! What the web side may ask of evidence.

use std::fs::File;

use super::Reason;
use crate::guard::clerk::ClerkError;
use crate::store::StoreError;
pub use crate::store::evidence::{
    ClearFacts, ClipRow, EvidenceRow, EvidenceState, KeptClip, Pin, SnapshotFacts,
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
    pub kept: KeptClip,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    #[error("there is no incident {0}")]
    NoIncident(u64),
    /// With what is known of it.
    #[error("there is no such clip: {0}")]
    NoClip(String),
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
    fn clip(&self, incident: u64, part: u32) -> Result<ClipFile, EvidenceError>;

    /// Keeps the incident's evidence until somebody takes the pin off.
    fn pin(&self, incident: u64, by: &str, reason: &Reason) -> Result<(), EvidenceError>;

    fn unpin(&self, incident: u64, by: &str) -> Result<(), EvidenceError>;

    fn evidence_now(&self) -> Result<EvidenceNow, EvidenceError>;
}
