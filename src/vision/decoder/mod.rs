//! From a model's raw outputs to detections in source pixels.
//!
//! A model package names its decoder; a name that is not known here is refused when the package is
//! read, long before it runs.
//!
//! Terms: a **place** is a cell of a grid or an entry of a list, counted from 0. A **candidate** is a
//! place whose score is high enough to be looked at.
//!
//! Outputs are not trusted: what a sound model cannot return is an error, which is a fault alarm and
//! unknown zones, and never a box and never silence. Only boxes without area, and those wholly in the
//! padding, are dropped.

mod list;
pub mod nanodet;
pub mod nms;
mod place;
mod score;
mod ssd;
mod table;
mod yolox;

#[cfg(test)]
mod hostile;

use crate::engine::detection::{Detection, FrameSize};

use super::package::DecoderSpec;
use super::preprocess::InputGeometry;

/// One output tensor of the model as it came.
#[derive(Clone, Copy, Debug)]
pub struct RawOutput<'a> {
    pub shape: &'a [i64],
    pub values: Values<'a>,
}

/// The values of an output. Labels and counts may be whole numbers.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    F32(&'a [f32]),
    I32(&'a [i32]),
    I64(&'a [i64]),
}

/// Why the model's answer is no set of boxes.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DecodeError {
    #[error(
        "the model's output `{output}` has the shape {got:?}; for an input of {width}x{height} pixels \
         this decoder needs {expected}"
    )]
    Shape { output: String, got: Vec<i64>, expected: String, width: usize, height: usize },
    #[error("the model's output `{output}` has whole numbers; this decoder needs f32 there")]
    WholeNumbers { output: String },
    #[error("the model returned a non-finite score in `{output}`, place {place}")]
    NonFiniteScore { output: String, place: usize },
    #[error("the model returned the score {score} in `{output}`, place {place}; scores are 0 to 1")]
    ScoreOutOfRange { output: String, place: usize, score: f64 },
    #[error("the model returned a non-finite box in `{output}`, place {place}")]
    NonFiniteBox { output: String, place: usize },
    #[error(
        "the model returned a box in `{output}`, place {place}, that has its sides turned around or \
         lies far outside the picture: {sides:?}; perhaps the manifest tells another order or unit \
         than the model has"
    )]
    ImpossibleBox {
        output: String,
        place: usize,
        /// Left, top, right, bottom in pixels of the tensor, rounded.
        sides: [i64; 4],
    },
    #[error(
        "the model returned the label {label} in `{output}`, place {place}; the manifest's classes \
         are {first} to {last}"
    )]
    Label { output: String, place: usize, label: f64, first: i64, last: i64 },
    #[error("the model says in `{output}` that {count} of its {max} boxes count")]
    Count { output: String, count: f64, max: usize },
    #[error(
        "the model says in `{output}` that {count} boxes count, and gives a person beyond them, at \
         place {place}"
    )]
    BeyondCount { output: String, count: usize, place: usize },
    #[error("the model has no output `{output}`")]
    Missing { output: String },
}

/// Reads the outputs of one kind of model.
#[derive(Clone, Debug)]
pub enum Decoder {
    Nanodet(nanodet::Nanodet),
    Ssd(ssd::Ssd),
    Yolox(yolox::Yolox),
    EndToEnd(list::List),
}

impl Decoder {
    /// For the decoder a manifest describes.
    pub fn new(spec: &DecoderSpec, settings: Settings) -> Decoder {
        match spec {
            DecoderSpec::Nanodet(spec) => {
                Decoder::Nanodet(nanodet::Nanodet::new(spec.clone(), settings))
            }
            DecoderSpec::Ssd(spec) => Decoder::Ssd(ssd::Ssd::new(spec.clone(), settings)),
            DecoderSpec::Yolox(spec) => Decoder::Yolox(yolox::Yolox::new(spec.clone(), settings)),
            DecoderSpec::EndToEnd(spec) => {
                Decoder::EndToEnd(list::List::new(spec.clone(), settings))
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
            Decoder::Ssd(decoder) => decoder.decode(output, geometry, source),
            Decoder::Yolox(decoder) => decoder.decode(output, geometry, source),
            Decoder::EndToEnd(decoder) => decoder.decode(output, geometry, source),
        }
    }
}

/// What every decoder is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Boxes below this score are not looked at; 0..=1.
    pub candidate: f32,
    /// Of two boxes that overlap more than this (IoU), the weaker is the same person. `None`: every
    /// box is somebody else.
    pub nms_iou: Option<f64>,
    /// Classes the model knows.
    pub classes: usize,
    /// Which of them is the person.
    pub person: usize,
}

impl<'a> Values<'a> {
    fn len(self) -> usize {
        match self {
            Values::F32(values) => values.len(),
            Values::I32(values) => values.len(),
            Values::I64(values) => values.len(),
        }
    }

    /// NaN where there is none.
    fn at(self, place: usize) -> f64 {
        match self {
            Values::F32(values) => values.get(place).map(|value| f64::from(*value)),
            Values::I32(values) => values.get(place).map(|value| f64::from(*value)),
            // Labels and counts above 2^53 are no labels and counts, whatever they are rounded to.
            Values::I64(values) => values.get(place).map(|value| *value as f64),
        }
        .unwrap_or(f64::NAN)
    }

    fn floats(self) -> Option<&'a [f32]> {
        match self {
            Values::F32(values) => Some(values),
            Values::I32(_) | Values::I64(_) => None,
        }
    }
}
