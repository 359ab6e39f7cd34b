//! Which models a vision process may load, and which one it looks with.

use serde::{Deserialize, Serialize};

/// Of a sha256 in hex.
const SHA256_DIGITS: usize = 64;

/// What a vision process is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WorkerRole {
    /// It guards.
    #[default]
    Active,
    /// It only looks, and nothing it says has an effect.
    Shadow,
}

/// A model that may be loaded, and where it lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelChoice {
    /// As the ledger writes a slot: `shipped`, or `sha256-…`.
    pub slot: String,
    /// Folder of the package.
    pub dir: String,
}

impl ModelChoice {
    /// The sha256 that its manifest must have; what came with the program is named by none.
    pub fn manifest_sha256(&self) -> Option<&str> {
        self.slot.strip_prefix("sha256-").filter(|digest| digest.len() == SHA256_DIGITS)
    }
}

/// A loaded model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    pub name: String,
    pub version: String,
    /// sha256 of the loaded ONNX file, hex.
    pub digest: String,
    pub provider: String,
    /// ONNX Runtime's version.
    pub runtime: String,
    /// Of the choice that it was; empty where nobody chose.
    pub slot: String,
    /// 0 where the manifest has none.
    pub release: u64,
    /// What came earlier in the order and could not be loaded.
    pub passed_over: Vec<PassedOver>,
}

/// A model that could not be loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    pub slot: String,
    /// For people.
    pub reason: String,
}

/// What a switch came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchedTo {
    pub model: ModelInfo,
    /// When, of CLOCK_MONOTONIC.
    pub at_ns: u64,
    /// Longest time that a camera was without a decision over the switch: from the last one of the old
    /// model to the first one of the new.
    pub gap_ns: u64,
}
