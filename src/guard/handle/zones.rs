//! Zones, as the web side sees, draws and approves them.

use std::sync::Arc;

use crate::engine::Refusal;
use crate::guard::clerk::ClerkError;
use crate::store::query::HistoryError;

pub use crate::store::zones::{
    ApprovalRule, Closed, DraftBefore, Signed, VersionSource, VersionState, ZoneDraft, ZoneVersion,
    ZonesError,
};
pub use crate::zone_file::{FieldError, Json};

/// What the web side may do about zones. All of it blocks: call from a blocking task.
pub trait Zones: Send + Sync + 'static {
    /// What a camera's zones are, are to be, and might be.
    fn zones(&self, camera: &str) -> Result<CameraZones, ZoneDeskError>;

    /// What would be said of a document; nothing is kept.
    fn check_zones(&self, camera: &str, document: &Json, by: &str) -> Result<Draft, ZoneDeskError>;

    /// Keeps a draft, finished or not; one that has not even the right shape is refused, and one
    /// that would overwrite what its author has not seen.
    fn put_draft(
        &self,
        camera: &str,
        document: &Json,
        by: &str,
        before: &DraftBefore,
    ) -> Result<Draft, ZoneDeskError>;

    fn delete_draft(&self, camera: &str, by: &str) -> Result<(), ZoneDeskError>;

    /// Makes the draft of this digest a version that waits for approval: whoever proposes answers
    /// for what they saw, not for what somebody else saved since.
    fn propose(
        &self,
        camera: &str,
        by: &str,
        reason: &str,
        digest: &str,
    ) -> Result<ZoneVersion, ZoneDeskError>;

    /// Brings a proposed version into force; when this returns `Ok`, the box decides by it.
    fn approve(&self, camera: &str, number: u32, by: &str) -> Result<ZoneVersion, ZoneDeskError>;

    /// Turns a proposed version down.
    fn refuse(
        &self,
        camera: &str,
        number: u32,
        by: &str,
        reason: &str,
    ) -> Result<ZoneVersion, ZoneDeskError>;

    /// Brings a version that was in force before into force again, as a new version.
    fn restore(
        &self,
        camera: &str,
        number: u32,
        by: &str,
        reason: &str,
    ) -> Result<ZoneVersion, ZoneDeskError>;

    /// Newest first.
    fn zone_versions(&self, camera: &str) -> Result<Vec<ZoneVersion>, ZoneDeskError>;

    fn zone_version(&self, camera: &str, number: u32) -> Result<ZoneVersion, ZoneDeskError>;

    /// What differs between two versions, a sentence each.
    fn zone_differences(
        &self,
        camera: &str,
        from: u32,
        to: u32,
    ) -> Result<Vec<String>, ZoneDeskError>;
}

/// A camera's zones.
#[derive(Clone, Debug)]
pub struct CameraZones {
    pub camera: String,
    pub in_force: ZoneVersion,
    pub draft: Option<Draft>,
    pub proposed: Option<ZoneVersion>,
    /// Size of the source picture; `None` before the first.
    pub frame_px: Option<(u32, u32)>,
    pub pipeline: Pipeline,
    /// Names of the machine inputs.
    pub inputs: Arc<[String]>,
    pub approval: ApprovalRule,
}

/// Time from picture to siren, as zones are judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pipeline {
    pub p99_ms: u32,
    pub max_ms: u32,
    pub measured: Measured,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measured {
    Yes,
    /// Nothing was measured yet: the numbers are the usual ones.
    NotYet,
}

/// A draft and what is to be said of it.
#[derive(Clone, Debug)]
pub struct Draft {
    pub saved: Signed,
    pub base: Option<u32>,
    /// Canonical text.
    pub document: String,
    /// sha256 of the text, hex.
    pub digest: String,
    pub findings: Findings,
}

/// What is to be said of a document.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// What keeps it from being proposed.
    pub problems: Vec<FieldError>,
    pub warnings: Vec<FieldError>,
    /// From what is in force, a sentence each.
    pub differences: Vec<String>,
    pub calibration: Option<Calibration>,
    pub setbacks: Vec<ZoneSetback>,
}

/// How well the ground points fit.
#[derive(Clone, Debug)]
pub struct Calibration {
    pub residual_m: f64,
    pub worst_m: f64,
    pub per_point_m: Vec<f64>,
    pub heights: HeightsKnown,
    /// Lines of a metre grid on the floor, frame fractions.
    pub grid: Vec<Vec<(f64, f64)>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeightsKnown {
    Yes,
    No,
}

/// How far a zone begins from the machine it keeps people away from.
#[derive(Clone, Debug)]
pub struct ZoneSetback {
    /// Id of the zone.
    pub zone: String,
    pub required_m: f64,
    /// `None` where it cannot be measured; `text` says why.
    pub actual_m: Option<f64>,
    /// Outlines of the required set-back, frame fractions.
    pub band: Vec<Vec<(f64, f64)>>,
    pub fit: SetbackFit,
    /// The sum, for people.
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetbackFit {
    Enough,
    /// Less than required, or not known to be enough.
    Tight,
}

/// Why nothing of what was asked about zones was done.
#[derive(Debug, thiserror::Error)]
pub enum ZoneDeskError {
    #[error("there is no camera {camera:?}; /api/state lists those there are")]
    UnknownCamera { camera: String },
    #[error("the zones cannot be used as they are")]
    Fields(Vec<FieldError>),
    #[error(transparent)]
    Refused(ZonesError),
    #[error("version {number} is in force already")]
    AlreadyInForce { number: u32 },
    #[error("another change of zones is being carried out; try again")]
    Busy,
    #[error("too many zones were drawn and removed since the box started; start it again")]
    NoNumbers,
    #[error("the guard has not taken the zones; nothing was changed, try again")]
    NotTaken,
    #[error("the guard refused the zones ({0:?}); nothing was changed")]
    EngineRefused(Refusal),
    /// It will be settled within a second: what the store says is what the box will decide by.
    #[error("the box has not said whether this is in force; look before trying again")]
    Unclear,
    #[error(transparent)]
    Clerk(ClerkError),
    #[error(transparent)]
    Store(HistoryError),
}
