//! From a model's raw outputs to detections in source pixels.
//!
//! A model package names its decoder; a name that is not known here is refused when the package is
//! read, long before it runs.

pub mod nanodet;
pub mod nms;

use crate::engine::detection::{Detection, FrameSize};

use super::package::DecoderSpec;
use super::preprocess::InputGeometry;

/// One output tensor of the model as it came.
#[derive(Clone, Copy, Debug)]
pub struct RawOutput<'a> {
    pub shape: &'a [i64],
    pub values: &'a [f32],
}

/// Why the model's answer is no set of boxes.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DecodeError {
    #[error(
        "the model's output `{output}` has the shape {got:?}; for an input of {width}x{height} pixels \
         this decoder needs {expected:?}"
    )]
    Shape { output: String, got: Vec<i64>, expected: [i64; 3], width: usize, height: usize },
    #[error("the model returned a non-finite score in `{output}`, cell {cell}")]
    NonFiniteScore { output: String, cell: usize },
    #[error("the model returned the score {score} in `{output}`, cell {cell}; scores are 0 to 1")]
    ScoreOutOfRange { output: String, cell: usize, score: f32 },
    #[error("the model returned a non-finite box in `{output}`, cell {cell}")]
    NonFiniteBox { output: String, cell: usize },
    #[error("the model has no output `{output}`")]
    Missing { output: String },
}

/// Reads the outputs of one kind of model.
#[derive(Clone, Debug)]
pub enum Decoder {
    Nanodet(nanodet::Nanodet),
}

impl Decoder {
    /// For the decoder a manifest describes.
    pub fn new(spec: &DecoderSpec, settings: Settings) -> Decoder {
        match spec {
            DecoderSpec::Nanodet(spec) => {
                Decoder::Nanodet(nanodet::Nanodet::new(spec.clone(), settings))
            }
        }
    }

    /// Detections in source pixels, clipped to the frame, best score first. `output` gives the
    /// tensor of a name.
    pub fn decode<'a>(
        &self,
        output: impl Fn(&str) -> Option<RawOutput<'a>>,
        geometry: InputGeometry,
        source: FrameSize,
    ) -> Result<Vec<Detection>, DecodeError> {
        match self {
            Decoder::Nanodet(decoder) => decoder.decode(output, geometry, source),
        }
    }
}

/// What every decoder is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Boxes below this score are not looked at; 0..=1.
    pub candidate: f32,
    /// Of two boxes that overlap more than this (IoU), the weaker is the same person.
    pub nms_iou: f64,
    /// Classes the model knows.
    pub classes: usize,
    /// Which of them is the person.
    pub person: usize,
}
