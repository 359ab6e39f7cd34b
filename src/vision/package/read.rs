//! A manifest's text, word for word, and how it becomes what the program works with.
//!
//! Each word that has a meaning is looked up here, so that an unknown one is told with its field and
//! with those that would be right. Whether the values make sense together is `check`'s.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::check::Checker;
use super::spec::{
    BoxOrder, BoxSource, BoxUnit, Colour, DecoderSpec, Element, FitRule, GridBoxes, InputSize,
    InputSpec, LabelSource, Layout, ListSpec, NanodetOutput, NanodetSpec, ScoreKind, ScoreSource,
    ShareKind, SizeInput, SizeOrder, Source, SsdSpec, YoloxSpec,
};
use super::{Golden, Manifest, PackageError, SCHEMA, SCHEMA_FIRST, Thresholds, Variant};

/// The manifest as written; what is for people (`provenance`, `source`), and what matters before a
/// package is unpacked and not after (`files`, `not_after`), is kept free-form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawManifest {
    schema: u32,
    name: String,
    version: String,
    release: Option<u64>,
    #[serde(default, rename = "not_after")]
    _not_after: Value,
    licence: String,
    #[serde(default, rename = "source")]
    _source: Value,
    variants: Vec<Variant>,
    #[serde(default, rename = "files")]
    _files: Value,
    decoder: Value,
    input: Value,
    classes: Vec<String>,
    thresholds: Thresholds,
    #[serde(default, rename = "opset")]
    _opset: u32,
    golden: Vec<Golden>,
    #[serde(default, rename = "provenance")]
    _provenance: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawInput {
    name: String,
    layout: String,
    #[serde(rename = "type")]
    element: String,
    colour: String,
    mean: [f32; 3],
    std: [f32; 3],
    size: Option<[u32; 2]>,
    multiple: Option<u32>,
    long_side_default: Option<u32>,
    long_side_max: Option<u32>,
    fit: String,
    pad: [u8; 3],
    size_input: Option<RawSizeInput>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSizeInput {
    name: String,
    order: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNanodet {
    #[serde(rename = "kind")]
    _kind: String,
    strides: Vec<u32>,
    bins: u32,
    outputs: Vec<NanodetOutput>,
    /// Written down by newer packages; there is only one order, centre and scale so far.
    #[serde(default)]
    sides: Option<[String; 4]>,
    #[serde(default)]
    cell_centre: Option<f64>,
    #[serde(default)]
    scores_are_sigmoid: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSsd {
    #[serde(rename = "kind")]
    _kind: String,
    boxes: RawBoxes,
    scores: RawScores,
    labels: RawLabels,
    count: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEndToEnd {
    #[serde(rename = "kind")]
    _kind: String,
    boxes: RawBoxes,
    scores: RawScores,
    labels: Option<RawLabels>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawYolox {
    #[serde(rename = "kind")]
    _kind: String,
    output: String,
    strides: Vec<u32>,
    boxes: String,
    scores: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBoxes {
    output: String,
    column: Option<u32>,
    order: String,
    unit: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScores {
    output: String,
    column: Option<u32>,
    are: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLabels {
    output: String,
    column: Option<u32>,
    first: i64,
}

/// Reads a manifest; whether its values make sense is not looked at yet.
pub(super) fn manifest(file: &Path, text: &[u8]) -> Result<Manifest, PackageError> {
    let unreadable = |source| PackageError::ManifestParse { file: file.to_owned(), source };
    // First alone: a newer one has fields that this program does not know.
    let value: Value = serde_json::from_slice(text).map_err(unreadable)?;
    let check = Checker::new(file);
    let schema = value.get("schema").cloned().unwrap_or_default();
    let readable = u64::from(SCHEMA_FIRST)..=u64::from(SCHEMA);
    let known = schema.as_u64().is_some_and(|number| readable.contains(&number));
    let expected = format!("{SCHEMA_FIRST} or {SCHEMA}; a newer package needs a newer program");
    check.that(|| known, "schema", format_args!("{schema}"), &expected)?;
    // From the text again, so that what is wrong is told with its line.
    let raw: RawManifest = serde_json::from_slice(text).map_err(unreadable)?;
    let release = release(&check, &raw)?;
    let decoder = decoder(&check, raw.schema, raw.decoder)?;
    let input = input(&check, part(file, "input", raw.input)?)?;
    let known = || raw.schema != SCHEMA_FIRST || is_of_first_schema(&input);
    let expected = format!("{SCHEMA}: {SCHEMA_FIRST} knows only nchw, f32 and inputs of any size");
    check.that(known, "schema", raw.schema, &expected)?;
    Ok(Manifest {
        schema: raw.schema,
        name: raw.name,
        version: raw.version,
        release,
        licence: raw.licence,
        variants: raw.variants,
        decoder,
        input,
        classes: raw.classes,
        thresholds: raw.thresholds,
        golden: raw.golden,
    })
}

fn is_of_first_schema(input: &InputSpec) -> bool {
    let any_size = matches!(input.size, InputSize::LongSide { .. });
    let plain = input.layout == Layout::Nchw && input.element == Element::F32;
    any_size && plain && input.size_input.is_none()
}

/// Packages of the first schema have none, and every other one comes after them.
fn release(check: &Checker<'_>, raw: &RawManifest) -> Result<u64, PackageError> {
    match (raw.schema, raw.release) {
        (SCHEMA_FIRST, None) => Ok(0),
        (SCHEMA_FIRST, Some(release)) => {
            let expected = format!("left out, or `schema` {SCHEMA}");
            Err(check.wrong("release", release, &expected))
        }
        (_, release) => {
            let expected = "a whole number above 0 that counts up with every release";
            let release = check.some("release", release, expected)?;
            check.that(|| release > 0, "release", release, expected).map(|()| release)
        }
    }
}

/// A part of the manifest whose form hangs on another part.
fn part<T: DeserializeOwned>(
    file: &Path,
    part: &'static str,
    value: Value,
) -> Result<T, PackageError> {
    let unreadable = |source| PackageError::PartParse { file: file.to_owned(), part, source };
    serde_json::from_value(value).map_err(unreadable)
}

fn input(check: &Checker<'_>, raw: RawInput) -> Result<InputSpec, PackageError> {
    let layouts = [("nchw", Layout::Nchw), ("nhwc", Layout::Nhwc)];
    let elements = [("f32", Element::F32), ("u8", Element::U8)];
    let colours = [("bgr", Colour::Bgr), ("rgb", Colour::Rgb)];
    let size = input_size(check, &raw)?;
    let size_input = match raw.size_input {
        None => None,
        Some(RawSizeInput { name, order }) => {
            let orders = [("wh", SizeOrder::WidthHeight), ("hw", SizeOrder::HeightWidth)];
            let order = check.one_of("input.size_input.order", &order, &orders)?;
            Some(SizeInput { name, order })
        }
    };
    Ok(InputSpec {
        name: raw.name,
        layout: check.one_of("input.layout", &raw.layout, &layouts)?,
        element: check.one_of("input.type", &raw.element, &elements)?,
        colour: check.one_of("input.colour", &raw.colour, &colours)?,
        mean: raw.mean,
        std: raw.std,
        size,
        pad: raw.pad,
        size_input,
    })
}

/// Either one size, or what there is to choose one by.
fn input_size(check: &Checker<'_>, raw: &RawInput) -> Result<InputSize, PackageError> {
    let rules = [("letterbox", FitRule::Letterbox), ("stretch", FitRule::Stretch)];
    let fit = check.one_of("input.fit", &raw.fit, &rules)?;
    if let Some([width_px, height_px]) = raw.size {
        let others = [
            ("input.multiple", raw.multiple),
            ("input.long_side_default", raw.long_side_default),
            ("input.long_side_max", raw.long_side_max),
        ];
        for (field, value) in others {
            let expected = "left out, since `input.size` says that there is one size only";
            check.that(|| value.is_none(), field, value.unwrap_or_default(), expected)?;
        }
        return Ok(InputSize::Fixed { width_px, height_px, fit });
    }
    let expected = "letterbox, unless `input.size` gives the one size that the model takes";
    check.that(|| fit == FitRule::Letterbox, "input.fit", &raw.fit, expected)?;
    let needed = |field: &str, value: Option<u32>| {
        let expected = "there, unless `input.size` gives the one size that the model takes";
        check.some(field, value, expected)
    };
    Ok(InputSize::LongSide {
        multiple: needed("input.multiple", raw.multiple)?,
        default_px: needed("input.long_side_default", raw.long_side_default)?,
        max_px: needed("input.long_side_max", raw.long_side_max)?,
    })
}

fn decoder(check: &Checker<'_>, schema: u32, raw: Value) -> Result<DecoderSpec, PackageError> {
    let file = check.file();
    let kind = raw.get("kind").cloned().unwrap_or_default();
    match kind.as_str() {
        Some("nanodet") => nanodet(check, part(file, "decoder", raw)?),
        Some("ssd" | "yolox" | "end-to-end") if schema == SCHEMA_FIRST => {
            let expected =
                format!("nanodet in schema {schema}; write `schema` {SCHEMA} for others");
            Err(check.wrong("decoder.kind", format_args!("{kind}"), &expected))
        }
        Some("ssd") => ssd(check, part(file, "decoder", raw)?),
        Some("yolox") => yolox(check, part(file, "decoder", raw)?),
        Some("end-to-end") => end_to_end(check, part(file, "decoder", raw)?),
        Some(_) | None => {
            Err(PackageError::UnknownDecoder { file: file.to_owned(), kind: kind.to_string() })
        }
    }
}

/// What the decoder takes for granted must not be contradicted.
fn nanodet(check: &Checker<'_>, raw: RawNanodet) -> Result<DecoderSpec, PackageError> {
    let order = ["left", "top", "right", "bottom"];
    let sides = raw.sides;
    let holds = || sides.as_ref().is_none_or(|sides| sides[..] == order);
    check.that(holds, "decoder.sides", &sides, "left, top, right, bottom in this order")?;
    let centre = raw.cell_centre;
    let holds = || centre.is_none_or(|centre| centre == 0.5);
    check.that(holds, "decoder.cell_centre", centre, "0.5")?;
    let sigmoid = raw.scores_are_sigmoid;
    let holds = || sigmoid != Some(false);
    check.that(holds, "decoder.scores_are_sigmoid", sigmoid, "true")?;
    Ok(DecoderSpec::Nanodet(NanodetSpec {
        strides: raw.strides,
        bins: raw.bins,
        outputs: raw.outputs,
    }))
}

fn ssd(check: &Checker<'_>, raw: RawSsd) -> Result<DecoderSpec, PackageError> {
    let list = list(check, raw.boxes, raw.scores, Some(raw.labels))?;
    Ok(DecoderSpec::Ssd(SsdSpec { list, count: raw.count }))
}

fn end_to_end(check: &Checker<'_>, raw: RawEndToEnd) -> Result<DecoderSpec, PackageError> {
    Ok(DecoderSpec::EndToEnd(list(check, raw.boxes, raw.scores, raw.labels)?))
}

fn yolox(check: &Checker<'_>, raw: RawYolox) -> Result<DecoderSpec, PackageError> {
    let boxes = [("cells", GridBoxes::Cells), ("pixels", GridBoxes::Pixels)];
    let scores = [("shares", ShareKind::Shares), ("logits", ShareKind::Logits)];
    Ok(DecoderSpec::Yolox(YoloxSpec {
        boxes: check.one_of("decoder.boxes", &raw.boxes, &boxes)?,
        scores: check.one_of("decoder.scores", &raw.scores, &scores)?,
        output: raw.output,
        strides: raw.strides,
    }))
}

fn list(
    check: &Checker<'_>,
    boxes: RawBoxes,
    scores: RawScores,
    labels: Option<RawLabels>,
) -> Result<ListSpec, PackageError> {
    let orders = [("ltrb", BoxOrder::Ltrb), ("tlbr", BoxOrder::Tlbr), ("cxcywh", BoxOrder::Cxcywh)];
    let units = [("pixels", BoxUnit::Pixels), ("fractions", BoxUnit::Fractions)];
    let kinds = [
        ("shares", ScoreKind::Each(ShareKind::Shares)),
        ("logits", ScoreKind::Each(ShareKind::Logits)),
        ("softmax", ScoreKind::Softmax),
    ];
    Ok(ListSpec {
        boxes: BoxSource {
            order: check.one_of("decoder.boxes.order", &boxes.order, &orders)?,
            unit: check.one_of("decoder.boxes.unit", &boxes.unit, &units)?,
            source: Source { output: boxes.output, column: boxes.column },
        },
        scores: ScoreSource {
            kind: check.one_of("decoder.scores.are", &scores.are, &kinds)?,
            source: Source { output: scores.output, column: scores.column },
        },
        labels: labels.map(|labels| LabelSource {
            source: Source { output: labels.output, column: labels.column },
            first: labels.first,
        }),
    })
}
