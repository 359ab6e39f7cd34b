//! What the web side may ask of models: which guards, which is on its way to, and every step of that
//! way. What the shadow model did is `shadowing`, the example bank `examples`.

use std::io::Read;
use std::time::Duration;

use jiff::Timestamp;

use super::Reason;
pub use crate::gate::claim::Claim;
use crate::guard::clerk::ClerkError;
pub use crate::model_package::refusal::Refusal as PackageRefusal;
pub use crate::rollout::slot::{Digest, Slot};
pub use crate::rollout::stage::{Fault, Person, Reason as EndReason, Stage};
use crate::store::query::HistoryError;

/// Everything there is to show of the box's models.
#[derive(Clone, Debug)]
pub struct ModelsNow {
    pub active: ActiveModel,
    /// What came with the program first, then the packages: the active one, the candidate, the others.
    pub models: Vec<ModelRow>,
    /// Nothing of a lower release comes in.
    pub floor: u64,
    pub trial: Option<TrialNow>,
    pub previous: Option<Slot>,
    /// The newest last.
    pub rejected: Vec<(Digest, EndReason)>,
    /// The package that is being taken in.
    pub taking: Option<Taking>,
    pub may: Possible,
    /// What the evidence has to show before a model may be promoted here.
    pub asks: Claim,
    /// Of the candidate; it is not promoted, or does not end its probation, while there is one.
    pub reviews_open: u32,
    pub fault: Option<ModelFault>,
}

/// What guards.
#[derive(Clone, Debug)]
pub struct ActiveModel {
    /// `None`: none does; every zone is UNKNOWN.
    pub slot: Option<Slot>,
    pub since: Option<Timestamp>,
    /// Why an earlier one of the order does not guard, for people.
    pub passed_over: Vec<(Slot, String)>,
}

/// What a model is to the box; one may be several of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ModelRole {
    Active,
    Committed,
    Previous,
    Candidate,
    Trial,
    /// Sees what the active one sees.
    Shadow,
    Shipped,
}

#[derive(Clone, Debug)]
pub struct ModelRow {
    pub slot: Slot,
    pub name: String,
    pub version: String,
    pub release: u64,
    pub roles: Vec<ModelRole>,
    /// Of the candidate.
    pub stage: Option<Stage>,
    pub installed_at: Option<Timestamp>,
    pub installed_by: Option<String>,
    /// Each a name and a key's id.
    pub signed_by: Vec<String>,
    pub bytes: u64,
    pub licence: Option<String>,
    /// Name of the decoder its manifest asks for.
    pub decoder: Option<String>,
    pub guards_since: Option<Timestamp>,
    /// What is wrong with its files, for people.
    pub damaged: Option<String>,
}

/// A probation under way.
#[derive(Clone, Debug)]
pub struct TrialNow {
    pub digest: Digest,
    pub approved_by: Person,
    pub started: Timestamp,
    pub deadline: Timestamp,
    pub attempts_left: u8,
    pub attempts: u8,
    pub frames: u64,
    pub frames_min: u64,
    pub run: Duration,
    pub run_min: Duration,
    /// Of a picture's inference, over the newest pictures; `None`: too few yet.
    pub p99: Option<Duration>,
    pub budget: Duration,
    pub reviews_open: u32,
    pub golden: GoldenLook,
}

/// The last look at the golden pictures before a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoldenLook {
    NotYet,
    Asked,
    Passed,
}

/// A package on its way in.
#[derive(Clone, Debug)]
pub struct Taking {
    pub from: TakingFrom,
    /// Of its file.
    pub name: String,
    pub bytes: u64,
    pub of: Option<u64>,
    pub state: TakingState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakingFrom {
    Upload,
    Url,
    Folder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakingState {
    Taking,
    /// Golden pictures and speed are tried.
    Verifying,
}

/// What can be done now, and else why not.
#[derive(Clone, Debug)]
pub struct Possible {
    pub install: May,
    pub shadow: May,
    pub promote: May,
    pub rollback: May,
    /// What a rollback would lead to.
    pub rollback_to: Option<Slot>,
    pub discard: May,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum May {
    Yes,
    No { why: String },
}

/// What somebody has to be told of the box's models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFault {
    pub kind: ModelFaultKind,
    /// For people.
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelFaultKind {
    /// The newest ledger was damaged; the one before is in force.
    LedgerOlder,
    /// No ledger could be read.
    LedgerLost,
    /// The disk does not take a ledger.
    NotKept,
    /// What should guard could not be loaded; the next in the order does.
    PassedOver,
}

/// What was installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledModel {
    pub digest: Digest,
    pub name: String,
    pub version: String,
    pub release: u64,
}

/// A package found in a folder that packages are carried to the box in.
#[derive(Clone, Debug)]
pub struct CarriedModel {
    /// Names it until the folders are looked at again.
    pub id: String,
    pub file: String,
    pub folder: String,
    pub bytes: u64,
    /// What its manifest says, where somebody trusted signed it; else why not.
    pub contents: Result<InstalledModel, (&'static str, String)>,
}

/// What looking through those folders gave.
#[derive(Clone, Debug, Default)]
pub struct CarriedModels {
    pub folders: Vec<String>,
    pub packages: Vec<CarriedModel>,
}

/// Something that happened to a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelHistoryRow {
    pub id: u64,
    pub at: Timestamp,
    /// `installed`, `refused`, `committed`…
    pub kind: String,
    /// As `Slot` writes it.
    pub slot: Option<String>,
    pub release: Option<u64>,
    /// A person's name, or `box`.
    pub by: String,
    /// For people.
    pub text: String,
}

/// What people do about a model on probation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewStep {
    /// It may miss somebody; nothing is committed until somebody has looked.
    Open,
    /// It does not.
    Dismiss,
    /// It does; it is taken back.
    Confirm,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The package; named after the attack that the refusal stops.
    #[error(transparent)]
    Refused(#[from] PackageRefusal),
    /// The package is genuine, and its model is of no use here: `code` is `not_loadable`,
    /// `golden_failed`, `too_slow`.
    #[error("{text}")]
    Useless { code: &'static str, text: String },
    /// The steps have an order; `code` is the API's.
    #[error("{text}")]
    Conflict { code: &'static str, text: String },
    #[error("there is no such package here: {0}")]
    NoSuchPackage(String),
    #[error("the package cannot be read: {0}")]
    Source(String),
    #[error("the disk does not take it: {0}")]
    Disk(String),
    /// Another package is being taken in, or another step is under way.
    #[error("something else is being done with models; try again in a moment")]
    Busy,
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    Clerk(#[from] ClerkError),
}

/// What came of evidence that was brought in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptEvidence {
    /// A comparison, as the run of this number.
    Run(u64),
    /// A quantized model beside its parent, on so many recordings.
    ParentCheck { recordings: usize },
}

/// What can be done about models. All of it blocking; `by` is whoever is signed in.
pub trait Models: Send + Sync {
    fn models_now(&self) -> ModelsNow;

    /// What the evidence has to show before a model may be promoted here.
    fn asks(&self) -> Claim;

    /// Takes a package from its bytes.
    fn install(
        &self,
        name: &str,
        bytes: &mut dyn Read,
        by: &str,
    ) -> Result<InstalledModel, ModelError>;

    /// Begins to fetch a package; how it goes is in `models_now` and the history.
    fn fetch(&self, url: &str, by: &str) -> Result<(), ModelError>;

    /// Packages in the folders that they are carried in.
    fn carried(&self) -> Result<CarriedModels, ModelError>;

    fn install_carried(&self, id: &str, by: &str) -> Result<InstalledModel, ModelError>;

    /// The candidate begins to see what the active model sees.
    fn shadow(&self, digest: Digest, by: &str) -> Result<(), ModelError>;

    /// A named person wants it, having seen this evidence (`Shadowing::evidence`), and it guards on
    /// probation from the next picture on.
    fn promote(&self, digest: Digest, evidence: &str, by: &str) -> Result<(), ModelError>;

    /// Takes in what was found on recordings (`standclear model compare --keep`, `check-quantization
    /// --keep`), for the gate.
    fn keep_evidence(&self, json: &[u8], by: &str) -> Result<KeptEvidence, ModelError>;

    /// Ends the trial, or puts the previous model back.
    fn rollback(&self, reason: &Reason, by: &str) -> Result<(), ModelError>;

    /// The candidate is wanted no more.
    fn discard(&self, digest: Digest, reason: &Reason, by: &str) -> Result<(), ModelError>;

    fn review(&self, step: ReviewStep, reason: &Reason, by: &str) -> Result<(), ModelError>;

    /// Newest first, those below a number.
    fn model_history(
        &self,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<ModelHistoryRow>, ModelError>;
}
