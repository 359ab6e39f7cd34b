//! What the keeper of models hears of the vision process.

use crate::link::{ModelInfo, SwitchedTo};

/// Left on a bounded queue; what finds it full is lost and counted.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelNews {
    /// A process is started with this order of slots.
    LifeBegins { order: Vec<String> },
    Ready(ModelInfo),
    /// A picture was decided on.
    Frame { camera: u16, captured_ns: u64, decided_ns: u64, inference_ns: u64 },
    Heartbeat,
    Prepared { switch: u64, outcome: Result<ModelInfo, String> },
    Switched { switch: u64, outcome: Result<SwitchedTo, String> },
    FellBack { model: ModelInfo, reason: String },
    Golden { run: u64, outcome: Result<(), String> },
    LifeEnded { how: LifeEnd, reason: String },
}

/// How a life of the vision process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifeEnd {
    /// By itself, by a signal, or it closed the link.
    Killed,
    /// It was silent for too long, and was killed.
    Hung,
    /// It said that it cannot go on.
    Failed,
    /// The box ends.
    Stopped,
}
