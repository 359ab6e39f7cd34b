//! What a manifest says of a model's input and outputs, understood and checked.
//!
//! Everything here is of the manifest's own words; docs/reference/models.md describes them with an
//! example of each kind of model.

use serde::Deserialize;

/// How the outputs are to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecoderSpec {
    /// Sides of boxes as distributions, a score a cell.
    Nanodet(NanodetSpec),
    /// Boxes, scores, classes and how many of them count: duplicates are removed already.
    Ssd(SsdSpec),
    /// A box, an objectness and a score a class in each cell of several grids.
    Yolox(YoloxSpec),
    /// A list of people that is final as it is.
    EndToEnd(ListSpec),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NanodetSpec {
    pub strides: Vec<u32>,
    /// Logits per side of a box.
    pub bins: u32,
    pub outputs: Vec<NanodetOutput>,
}

/// The two output tensors of one stride.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NanodetOutput {
    pub stride: u32,
    pub scores: String,
    pub boxes: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsdSpec {
    pub list: ListSpec,
    /// The output that says how many entries of the list count.
    pub count: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YoloxSpec {
    pub output: String,
    /// Of the grids, in the order in which their cells stand in the output.
    pub strides: Vec<u32>,
    pub boxes: GridBoxes,
    /// Of objectness and classes.
    pub scores: ShareKind,
}

/// What a grid's four numbers of a box are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GridBoxes {
    /// Centre in strides from the cell's corner, logarithms of width and height in strides.
    Cells,
    /// Centre, width and height in pixels of the tensor.
    Pixels,
}

/// Boxes with scores, and whose they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListSpec {
    pub boxes: BoxSource,
    pub scores: ScoreSource,
    /// `None`: there is a column of scores for each class.
    pub labels: Option<LabelSource>,
}

/// Where numbers of each entry stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub output: String,
    /// The first of their columns, where the output has others too.
    pub column: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoxSource {
    pub source: Source,
    pub order: BoxOrder,
    pub unit: BoxUnit,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScoreSource {
    pub source: Source,
    pub kind: ScoreKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelSource {
    pub source: Source,
    /// The label of the first class in the manifest's list.
    pub first: i64,
}

/// Order of a box's four numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoxOrder {
    /// Left, top, right, bottom.
    Ltrb,
    /// Top, left, bottom, right.
    Tlbr,
    /// Middle across, middle down, width, height.
    Cxcywh,
}

/// What a box's numbers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoxUnit {
    /// Pixels of the tensor.
    Pixels,
    /// Shares of the tensor's width and height.
    Fractions,
}

/// What makes shares, 0 to 1, of the scores' numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreKind {
    /// Each number by itself.
    Each(ShareKind),
    /// All numbers of an entry, one a class, together.
    Softmax,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShareKind {
    /// Nothing: they are shares.
    Shares,
    /// The logistic function: they are logarithms of odds.
    Logits,
}

/// What the model wants to be fed.
#[derive(Clone, Debug, PartialEq)]
pub struct InputSpec {
    pub name: String,
    pub layout: Layout,
    pub element: Element,
    pub colour: Colour,
    /// Per channel, in the order of `colour`, in byte units.
    pub mean: [f32; 3],
    pub std: [f32; 3],
    pub size: InputSize,
    /// Bytes of the padding, in the order of `colour`.
    pub pad: [u8; 3],
    /// A second input that some models have.
    pub size_input: Option<SizeInput>,
}

/// Which sizes of picture the model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputSize {
    /// Any: both sides of the tensor are multiples of so many pixels, and the content's longer side
    /// is chosen.
    LongSide { multiple: u32, default_px: u32, max_px: u32 },
    /// This one only.
    Fixed { width_px: u32, height_px: u32, fit: FitRule },
}

impl InputSize {
    /// The longer side that is set for a box, where a model takes it; else it keeps its own: what is set
    /// is meant for the model that came with the program.
    pub fn allowed(self, long_side_px: Option<u32>) -> Option<u32> {
        long_side_px.filter(|wanted| match self {
            InputSize::LongSide { multiple, max_px, .. } => (multiple..=max_px).contains(wanted),
            InputSize::Fixed { .. } => false,
        })
    }
}

/// How pictures of other shapes are brought into one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FitRule {
    /// Aspect kept, content at the top left, the rest padding.
    Letterbox,
    /// Every picture fills the tensor.
    Stretch,
}

/// Which input is told the tensor's size, in which boxes then come: RT-DETR's `orig_target_sizes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SizeInput {
    pub name: String,
    pub order: SizeOrder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeOrder {
    WidthHeight,
    HeightWidth,
}

/// Order of the tensor's four dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One, channels, rows, columns.
    Nchw,
    /// One, rows, columns, channels.
    Nhwc,
}

/// Type of the tensor's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    F32,
    /// Bytes, which the model normalises itself.
    U8,
}

/// Order of the channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    Bgr,
    Rgb,
}

impl InputSize {
    /// Whether a grid of this stride fits into every tensor.
    pub(super) fn is_divided_by(self, stride: u32) -> bool {
        match self {
            InputSize::LongSide { multiple, .. } => multiple.is_multiple_of(stride),
            InputSize::Fixed { width_px, height_px, fit: _ } => {
                width_px.is_multiple_of(stride) && height_px.is_multiple_of(stride)
            }
        }
    }
}
