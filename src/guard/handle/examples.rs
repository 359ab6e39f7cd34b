//! What the web side may ask of the example bank: pictures that are worth learning from, what people
//! say of them, and thresholds that follow.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use jiff::Timestamp;

pub use super::shadowing::{CaseBox, CaseLabel};
pub use crate::gate::calibration::{Proposal, Wish};
pub use crate::gate::retention::{Occasion, Room};
pub use crate::gate::verdict::Label;
use crate::guard::clerk::ClerkError;
use crate::store::query::HistoryError;

/// A picture in the bank.
#[derive(Clone, Debug, PartialEq)]
pub struct ExampleRow {
    pub id: u64,
    pub occasion: Occasion,
    pub camera: String,
    /// Number on this box where it has one, and name.
    pub zone: Option<(Option<usize>, String)>,
    pub at: Timestamp,
    pub score: Option<f32>,
    pub size_px: (u32, u32),
    pub boxes: Vec<ExampleBox>,
    pub label: Option<CaseLabel>,
    /// For people.
    pub kept_because: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExampleBox {
    pub at: CaseBox,
    pub by: BoxBy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoxBy {
    Model,
    /// Labels that were imported.
    Person,
}

/// Which examples are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedExamples {
    pub labelled: WantedLabels,
    pub occasion: Option<Occasion>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedLabels {
    Unlabelled,
    All,
}

/// How full the bank is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BankNow {
    pub examples: usize,
    pub bytes: u64,
    pub room: Room,
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Pictures that have labels now.
    pub labels: usize,
    /// Named in the file, and not in the bank.
    pub unknown: usize,
    /// Of the pictures, those whose labels are others than before.
    pub changed: usize,
}

/// What a camera's score threshold is and might be.
#[derive(Clone, Debug)]
pub struct Thresholds {
    /// By camera: the threshold in force.
    pub now: BTreeMap<String, f32>,
    pub proposals: BTreeMap<String, Proposal>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExampleError {
    #[error("there is no example {0}")]
    NoExample(u64),
    #[error("the picture of example {0} is not there: {1}")]
    NoPicture(u64, String),
    #[error("the file is not COCO JSON as this box writes it: {0}")]
    BadImport(String),
    #[error("the bank cannot be written out: {0}")]
    Export(String),
    #[error("this cannot be kept: {0}")]
    NotKept(String),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    Clerk(#[from] ClerkError),
}

/// The example bank. All of it blocking.
pub trait Examples: Send + Sync {
    fn bank_now(&self) -> Result<BankNow, ExampleError>;

    /// Newest first, those below a number.
    fn examples(
        &self,
        wanted: WantedExamples,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<ExampleRow>, ExampleError>;

    /// JPEG, as everybody may see it.
    fn example_picture(&self, id: u64) -> Result<Vec<u8>, ExampleError>;

    fn label_example(&self, id: u64, label: Label, by: &str) -> Result<ExampleRow, ExampleError>;

    /// Unlabelled ones, the one that teaches most first.
    fn example_queue(&self, limit: u32) -> Result<Vec<ExampleRow>, ExampleError>;

    /// A zip with `annotations.json` (COCO) and `images/`. Pictures are clear, so it takes an engineer,
    /// and is in the audit log.
    fn export(&self, to: &mut dyn Write, by: &str) -> Result<(), ExampleError>;

    /// Labels of pictures that this box wrote out; taken whole or refused.
    fn import(&self, coco: &mut dyn Read, by: &str) -> Result<Imported, ExampleError>;

    /// Proposed, never applied.
    fn thresholds(&self, wish: Wish) -> Result<Thresholds, ExampleError>;
}
