//! What the web side may ask of the shadow model: how it does, the cases in which the two models are
//! compared, and what all that allows.

use jiff::Timestamp;

use super::ClipFile;
pub use crate::gate::claim::Claim;
pub use crate::gate::figures::Figures;
pub use crate::gate::mcnemar::Discordant;
pub use crate::gate::quantization::Checked;
pub use crate::gate::verdict::{Coverage, Judgement, Label, Source, Standing, Told};
use crate::guard::clerk::ClerkError;
pub use crate::rollout::slot::Slot;
use crate::store::query::HistoryError;

/// How the shadow process does.
#[derive(Clone, Debug)]
pub struct ShadowNow {
    pub state: ShadowState,
    /// For people; empty when there is nothing to say.
    pub text: String,
    /// How often its process ended and was started again.
    pub restarts: u32,
    /// Of this run so far.
    pub coverage: Coverage,
    /// Why it skips pictures, for people.
    pub skipped_because: Option<String>,
    pub run: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShadowState {
    Off,
    Starting,
    Watching,
    /// It waits before its next start.
    Resting,
    /// It died as often as it may.
    GaveUp,
}

/// Where a detection was and how sure the model is; frame fractions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CaseBox {
    pub left_norm: f64,
    pub top_norm: f64,
    pub width_norm: f64,
    pub height_norm: f64,
    pub score: f32,
}

/// One model's incident.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseSide {
    pub began: Timestamp,
    /// `None`: it goes on.
    pub ended: Option<Timestamp>,
    pub score: f32,
    /// The box's own incident, where the active model told it.
    pub incident: Option<u64>,
    /// In the picture that completed its evidence.
    pub boxes: Vec<CaseBox>,
}

/// One incident of either or both models.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseRow {
    pub id: u64,
    pub run: u64,
    pub camera: String,
    /// Number on this box where it has one, and name.
    pub zone: (Option<usize>, String),
    pub at: Timestamp,
    pub told: Told,
    pub standing: Standing,
    pub label: Option<CaseLabel>,
    pub active: Option<CaseSide>,
    pub shadow: Option<CaseSide>,
    /// Its own video; what the active model told has that of its incident.
    pub clip: CaseClip,
}

/// Video of what only the shadow model told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseClip {
    There,
    /// Why there is none, for people.
    None(String),
}

/// What somebody said of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseLabel {
    pub label: Label,
    pub by: String,
    pub at: Timestamp,
}

/// Which cases are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedCases {
    /// Told by one model only, or by the shadow model too late.
    Discordant,
    Unlabelled,
    /// Discordant, and nobody has said what it was.
    ToLabel,
    /// Told by both in time, and nobody has said what it was.
    AgreedToLabel,
    All,
}

/// Most cases in one answer.
pub const CASES_AT_ONCE_MAX: u32 = 500;

/// How much the models agree picture by picture, whatever came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FrameAgreement {
    /// Pictures both looked at.
    pub looked: u64,
    /// Detections of both that overlap by half at least, and those of one model only.
    pub matched: u64,
    pub active_only: u64,
    pub shadow_only: u64,
    /// Mean of the shadow model's score minus the active one's, over matched detections.
    pub score_shift: f64,
}

/// What a picture's inference takes, milliseconds; `None`: too few pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CompareLatency {
    pub active_p50_ms: Option<f64>,
    pub active_p99_ms: Option<f64>,
    pub shadow_p50_ms: Option<f64>,
    pub shadow_p99_ms: Option<f64>,
}

/// One run of both models over the same pictures.
#[derive(Clone, Debug)]
pub struct RunRow {
    pub id: u64,
    pub source: Source,
    /// `this site`, or what was compared on.
    pub name: String,
    pub began: Timestamp,
    /// `None`: it goes on.
    pub ended: Option<Timestamp>,
    pub coverage: Coverage,
    pub both: usize,
    pub discordant: Discordant,
    pub figures: Figures,
    pub frames: FrameAgreement,
    pub latency: CompareLatency,
}

/// All that is known of the candidate against the active model.
#[derive(Clone, Debug)]
pub struct EvidenceFacts {
    /// sha256 over the facts, hex: what a person who approves has seen.
    pub digest: String,
    pub active: Slot,
    pub shadow: Option<Slot>,
    pub claim: Claim,
    pub judgement: Judgement,
    pub runs: Vec<RunRow>,
    /// An INT8 model against its FP32 parent, where it was checked.
    pub quantization: Option<ParentFacts>,
}

/// What a quantized model was found to see beside what it was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentFacts {
    pub checked: Checked,
    /// sha256 of the manifests of the parents.
    pub parents: Vec<String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ShadowError {
    #[error("there is no case {0}")]
    NoCase(u64),
    #[error("there is no picture of case {0}: {1}")]
    NoPicture(u64, String),
    #[error("there is no video of case {0}: {1}")]
    NoClip(u64, String),
    #[error(
        "there is nothing to compare: no candidate was in the shadow, and none was compared on recordings"
    )]
    NoCandidate,
    #[error("it could not be kept; try again")]
    NotKept,
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    Clerk(#[from] ClerkError),
}

/// What the shadow model did. All of it blocking.
pub trait Shadowing: Send + Sync {
    fn shadow_now(&self) -> ShadowNow;

    /// For the candidate of now; every run of it against what guards.
    fn evidence(&self, claim: Claim) -> Result<EvidenceFacts, ShadowError>;

    /// Newest first, those below a number.
    fn cases(
        &self,
        run: Option<u64>,
        wanted: WantedCases,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<CaseRow>, ShadowError>;

    fn case(&self, id: u64) -> Result<CaseRow, ShadowError>;

    /// JPEG, as everybody may see it, without boxes.
    fn case_picture(&self, id: u64) -> Result<Vec<u8>, ShadowError>;

    /// Video of what only the shadow model told, as everybody may see it.
    fn case_clip(&self, id: u64) -> Result<ClipFile, ShadowError>;

    /// What somebody says of a case.
    fn label_case(&self, id: u64, label: Label, by: &str) -> Result<CaseRow, ShadowError>;
}
