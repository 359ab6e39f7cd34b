//! Whether the model's file has the inputs and outputs that the manifest promises.
//!
//! A dimension that the file leaves open fits any; a fixed one must agree. What cannot be told before
//! the model runs (how many places a list has) the decoder checks on every answer.

use ort::session::Session;
use ort::value::{Outlet, TensorElementType, ValueType};

use super::super::package::{
    DecoderSpec, Element, InputSize, InputSpec, Layout, ListSpec, Manifest, NanodetSpec, Source,
    YoloxSpec,
};
use super::super::preprocess::CHANNELS;
use super::ModelError;

/// Numbers of a box, and what YOLOX has before the classes.
const BOX: usize = 4;
const BEFORE_CLASSES: usize = 5;

/// Types that labels and counts may have.
const NUMBERS: [TensorElementType; 3] =
    [TensorElementType::Float32, TensorElementType::Int64, TensorElementType::Int32];

/// One dimension of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dimension {
    Is(usize),
    AtLeast(usize),
    Any,
}

/// What one input or output must be like.
struct Expected<'m> {
    side: &'static str,
    name: &'m str,
    types: &'static [TensorElementType],
    shape: Shape,
}

enum Shape {
    Of(Vec<Dimension>),
    OneNumber,
}

/// Compares what the file has with what the manifest promises.
pub(super) fn check(session: &Session, manifest: &Manifest) -> Result<(), ModelError> {
    let inputs = of_inputs(&manifest.input);
    for expected in &inputs {
        expected.check(session.inputs())?;
    }
    // Without it no picture could be looked at.
    let fed = |it: &&Outlet| inputs.iter().any(|expected| expected.name == it.name());
    if let Some(more) = session.inputs().iter().find(|it| !fed(it)) {
        return Err(ModelError::Interface {
            what: format!("input `{}`", more.name()),
            got: "one that the manifest says nothing of".to_owned(),
            expected: "no other input than `input.name` and `input.size_input`".to_owned(),
        });
    }
    for expected in of_outputs(&manifest.decoder, manifest.classes.len()) {
        expected.check(session.outputs())?;
    }
    Ok(())
}

fn of_inputs(input: &InputSpec) -> Vec<Expected<'_>> {
    use Dimension::{Any, Is};
    let (width, height) = match input.size {
        InputSize::LongSide { .. } => (Any, Any),
        InputSize::Fixed { width_px, height_px, fit: _ } => {
            (Is(width_px as usize), Is(height_px as usize))
        }
    };
    let shape = match input.layout {
        Layout::Nchw => vec![Is(1), Is(CHANNELS), height, width],
        Layout::Nhwc => vec![Is(1), height, width, Is(CHANNELS)],
    };
    let types: &[TensorElementType] = match input.element {
        Element::F32 => &[TensorElementType::Float32],
        Element::U8 => &[TensorElementType::Uint8],
    };
    let of = |name, types, shape| Expected { side: "input", name, types, shape: Shape::Of(shape) };
    let mut all = vec![of(input.name.as_str(), types, shape)];
    if let Some(size) = &input.size_input {
        all.push(of(&size.name, &[TensorElementType::Int64], vec![Is(1), Is(2)]));
    }
    all
}

fn of_outputs(decoder: &DecoderSpec, classes: usize) -> Vec<Expected<'_>> {
    match decoder {
        DecoderSpec::Nanodet(spec) => of_nanodet(spec, classes),
        DecoderSpec::Yolox(spec) => of_yolox(spec, classes),
        DecoderSpec::EndToEnd(spec) => of_list(spec, classes),
        DecoderSpec::Ssd(spec) => {
            let mut all = of_list(&spec.list, classes);
            let (name, shape) = (spec.count.as_str(), Shape::OneNumber);
            all.push(Expected { side: "output", name, types: &NUMBERS, shape });
            all
        }
    }
}

fn of_nanodet(spec: &NanodetSpec, classes: usize) -> Vec<Expected<'_>> {
    use Dimension::{Any, Is};
    let logits = BOX * spec.bins as usize;
    let level = |name, width| output(name, vec![Is(1), Any, Is(width)]);
    let levels = spec.outputs.iter();
    levels.flat_map(|it| [level(&it.scores, classes), level(&it.boxes, logits)]).collect()
}

fn of_yolox(spec: &YoloxSpec, classes: usize) -> Vec<Expected<'_>> {
    use Dimension::{Any, Is};
    vec![output(&spec.output, vec![Is(1), Any, Is(BEFORE_CLASSES + classes)])]
}

fn of_list(spec: &ListSpec, classes: usize) -> Vec<Expected<'_>> {
    use Dimension::{Any, AtLeast, Is};
    let shape = |source: &Source, alone: Vec<Dimension>, width: usize| match source.column {
        None => alone,
        Some(column) => vec![Is(1), Any, AtLeast(column as usize + width)],
    };
    let line = |source: &Source, width| shape(source, vec![Is(1), Any, Is(width)], width);
    let number = |source: &Source| shape(source, vec![Is(1), Any], 1);
    let (boxes, scores) = (&spec.boxes.source, &spec.scores.source);
    let of_scores = if spec.labels.is_some() { number(scores) } else { line(scores, classes) };
    let mut all = vec![output(&boxes.output, line(boxes, BOX)), output(&scores.output, of_scores)];
    if let Some(labels) = &spec.labels {
        let source = &labels.source;
        all.push(Expected { types: &NUMBERS, ..output(&source.output, number(source)) });
    }
    all
}

fn output(name: &str, shape: Vec<Dimension>) -> Expected<'_> {
    let types = &[TensorElementType::Float32];
    Expected { side: "output", name, types, shape: Shape::Of(shape) }
}

impl Expected<'_> {
    fn check(&self, all: &[Outlet]) -> Result<(), ModelError> {
        let Some(outlet) = all.iter().find(|outlet| outlet.name() == self.name) else {
            let names: Vec<_> = all.iter().map(Outlet::name).collect();
            return Err(self.wrong(format!("missing; it has {}", names.join(", "))));
        };
        let ValueType::Tensor { ty, shape, .. } = outlet.dtype() else {
            return Err(self.wrong("no tensor".into()));
        };
        match self.types.contains(ty) && self.shape.takes(shape) {
            true => Ok(()),
            false => Err(self.wrong(format!("{ty} {:?}", &shape[..]))),
        }
    }

    fn wrong(&self, got: String) -> ModelError {
        let types: Vec<_> = self.types.iter().map(ToString::to_string).collect();
        ModelError::Interface {
            what: format!("{} `{}`", self.side, self.name),
            got,
            expected: format!("{} {}", types.join(" or "), self.shape.words()),
        }
    }
}

impl Shape {
    /// Whether a shape with open dimensions, which are negative, can be this one.
    fn takes(&self, got: &[i64]) -> bool {
        match self {
            Shape::OneNumber => got.iter().all(|dimension| *dimension < 0 || *dimension == 1),
            Shape::Of(all) => {
                all.len() == got.len() && all.iter().zip(got).all(|(it, got)| it.takes(*got))
            }
        }
    }

    fn words(&self) -> String {
        match self {
            Shape::OneNumber => "with one number".to_owned(),
            Shape::Of(all) => {
                let words: Vec<_> = all.iter().map(|it| it.words()).collect();
                format!("[{}]", words.join(", "))
            }
        }
    }
}

impl Dimension {
    fn takes(self, got: i64) -> bool {
        let Ok(got) = usize::try_from(got) else {
            return true;
        };
        match self {
            Dimension::Is(length) => got == length,
            Dimension::AtLeast(length) => got >= length,
            Dimension::Any => true,
        }
    }

    fn words(self) -> String {
        match self {
            Dimension::Is(length) => length.to_string(),
            Dimension::AtLeast(length) => format!("{length} or more"),
            Dimension::Any => "any".to_owned(),
        }
    }
}
