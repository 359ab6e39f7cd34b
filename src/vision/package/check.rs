//! Whether a manifest makes sense: every value that could make the program misbehave later is
//! refused here, with its field and what it must be.

use std::fmt::Debug;
use std::path::{Component, Path};

use super::spec::{
    DecoderSpec, Element, InputSize, InputSpec, ListSpec, NanodetSpec, ScoreKind, Source, YoloxSpec,
};
use super::{Golden, LONG_SIDE_PX_MAX, Manifest, PERSON, PackageError, Thresholds};

/// The smallest side of a model's input that makes sense: a person in it would have a few pixels.
const SIDE_PX_MIN: u32 = 32;

/// Numbers of a box.
const BOX_COLUMNS: usize = 4;

/// Columns of an output that make sense: the largest vocabularies of detectors have 1203 classes.
const COLUMNS_MAX: u32 = 4096;

/// Grids of one model that make sense: the most seen are five.
const GRIDS_MAX: usize = 8;

/// Tells the first thing wrong in a manifest.
pub(super) struct Checker<'a> {
    file: &'a Path,
}

impl<'a> Checker<'a> {
    pub(super) fn new(file: &'a Path) -> Checker<'a> {
        Checker { file }
    }

    pub(super) fn file(&self) -> &'a Path {
        self.file
    }

    /// That a field has a value which it must not have.
    pub(super) fn wrong(&self, field: &str, value: impl Debug, expected: &str) -> PackageError {
        PackageError::Value {
            file: self.file.to_owned(),
            field: field.to_owned(),
            value: format!("{value:?}"),
            expected: expected.to_owned(),
        }
    }

    pub(super) fn that(
        &self,
        holds: impl FnOnce() -> bool,
        field: &str,
        value: impl Debug,
        expected: &str,
    ) -> Result<(), PackageError> {
        match holds() {
            true => Ok(()),
            false => Err(self.wrong(field, value, expected)),
        }
    }

    /// A field that must be there.
    pub(super) fn some<T>(
        &self,
        field: &str,
        value: Option<T>,
        expected: &str,
    ) -> Result<T, PackageError> {
        value.ok_or_else(|| PackageError::Value {
            file: self.file.to_owned(),
            field: field.to_owned(),
            value: "missing".to_owned(),
            expected: expected.to_owned(),
        })
    }

    /// What one of a field's words means.
    pub(super) fn one_of<T: Copy>(
        &self,
        field: &str,
        word: &str,
        known: &[(&str, T)],
    ) -> Result<T, PackageError> {
        let found = known.iter().find(|(known, _)| *known == word);
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let words: Vec<_> = known.iter().map(|(known, _)| format!("`{known}`")).collect();
            self.wrong(field, word, &words.join(" or "))
        })
    }

    /// Plain names and sub-folders only: nothing absolute, nothing upwards.
    fn inside(&self, field: &str, value: &str) -> Result<(), PackageError> {
        let mut parts = Path::new(value).components();
        match !value.is_empty() && parts.all(|part| matches!(part, Component::Normal(_))) {
            true => Ok(()),
            false => Err(PackageError::OutsidePackage {
                file: self.file.to_owned(),
                field: field.to_owned(),
                value: value.to_owned(),
            }),
        }
    }

    fn sha256(&self, field: &str, value: &str) -> Result<(), PackageError> {
        let hex = || value.len() == 64 && value.bytes().all(|b| b.is_ascii_hexdigit());
        self.that(hex, field, value, "64 hexadecimal digits")
    }

    /// Names of a model's inputs and outputs.
    fn name(&self, field: &str, value: &str) -> Result<(), PackageError> {
        self.that(|| !value.is_empty(), field, value, "the name that it has in the model")
    }
}

/// The whole manifest.
pub(super) fn manifest(file: &Path, manifest: &Manifest) -> Result<(), PackageError> {
    let check = Checker::new(file);
    let some_variants = || !manifest.variants.is_empty();
    check.that(some_variants, "variants", "[]", "at least one variant")?;
    for (n, variant) in manifest.variants.iter().enumerate() {
        check.inside(&format!("variants[{n}].file"), &variant.file)?;
        check.sha256(&format!("variants[{n}].sha256"), &variant.sha256)?;
    }
    let Thresholds { candidate, nms_iou } = manifest.thresholds;
    let share = |value: f64| value > 0.0 && value < 1.0;
    let expected = "more than 0 and less than 1";
    let holds = || share(candidate.into());
    check.that(holds, "thresholds.candidate", candidate, expected)?;
    if let Some(nms_iou) = nms_iou {
        check.that(|| share(nms_iou), "thresholds.nms_iou", nms_iou, expected)?;
    }
    let has_person = || manifest.classes.iter().any(|class| class == PERSON);
    check.that(has_person, "classes", &manifest.classes, "a list with `person` in it")?;
    check_input(&check, &manifest.input)?;
    check_decoder(&check, manifest)?;
    check_golden(&check, &manifest.golden, manifest.input.size)
}

fn check_input(check: &Checker<'_>, input: &InputSpec) -> Result<(), PackageError> {
    check.name("input.name", &input.name)?;
    if let Some(size) = &input.size_input {
        let other = || !size.name.is_empty() && size.name != input.name;
        let expected = "the name of the model's other input";
        check.that(other, "input.size_input.name", &size.name, expected)?;
    }
    for n in 0..3 {
        let (mean, std) = (input.mean[n], input.std[n]);
        let field = format!("input.mean[{n}]");
        check.that(|| mean.is_finite(), &field, mean, "a finite number")?;
        let of_bytes = input.element == Element::U8;
        let expected = "0, since `input.type` u8 gives the model bytes as they are";
        check.that(|| !of_bytes || mean == 0.0, &field, mean, expected)?;
        let field = format!("input.std[{n}]");
        let positive = || std.is_finite() && std > 0.0;
        check.that(positive, &field, std, "a number above 0")?;
        let expected = "1, since `input.type` u8 gives the model bytes as they are";
        check.that(|| !of_bytes || std == 1.0, &field, std, expected)?;
    }
    check_size(check, input.size)
}

fn check_size(check: &Checker<'_>, size: InputSize) -> Result<(), PackageError> {
    let (multiple, default, max) = match size {
        InputSize::Fixed { width_px, height_px, fit: _ } => {
            let sides = SIDE_PX_MIN..=LONG_SIDE_PX_MAX;
            let right = || sides.contains(&width_px) && sides.contains(&height_px);
            let expected = format!("width and height, {SIDE_PX_MIN} to {LONG_SIDE_PX_MAX} each");
            return check.that(right, "input.size", [width_px, height_px], &expected);
        }
        InputSize::LongSide { multiple, default_px, max_px } => (multiple, default_px, max_px),
    };
    check.that(|| (1..=256).contains(&multiple), "input.multiple", multiple, "1 to 256")?;
    check.that(
        || (multiple..=LONG_SIDE_PX_MAX).contains(&max),
        "input.long_side_max",
        max,
        &format!("{multiple} to {LONG_SIDE_PX_MAX}"),
    )?;
    check.that(
        || (multiple..=max).contains(&default),
        "input.long_side_default",
        default,
        &format!("{multiple} to {max}"),
    )
}

/// Each kind by what it needs beside its own fields.
fn check_decoder(check: &Checker<'_>, manifest: &Manifest) -> Result<(), PackageError> {
    let nms_iou = manifest.thresholds.nms_iou;
    let duplicates = || {
        let expected = "there: this decoder gives several boxes for one person";
        check.some("thresholds.nms_iou", nms_iou, expected)
    };
    match &manifest.decoder {
        DecoderSpec::Nanodet(spec) => {
            duplicates()?;
            check_nanodet(check, spec, manifest.input.size)
        }
        DecoderSpec::Yolox(spec) => {
            duplicates()?;
            check_yolox(check, spec, manifest.input.size)
        }
        DecoderSpec::Ssd(spec) => {
            check.name("decoder.count", &spec.count)?;
            let sources = sources(&spec.list, manifest.classes.len());
            let apart = || sources.iter().all(|(_, source, _)| source.output != spec.count);
            check.that(apart, "decoder.count", &spec.count, "an output of its own")?;
            check_list(check, &spec.list, manifest.classes.len())
        }
        DecoderSpec::EndToEnd(spec) => check_list(check, spec, manifest.classes.len()),
    }
}

fn check_nanodet(
    check: &Checker<'_>,
    spec: &NanodetSpec,
    size: InputSize,
) -> Result<(), PackageError> {
    let expected = "2 to 64";
    check.that(|| (2..=64).contains(&spec.bins), "decoder.bins", spec.bins, expected)?;
    let of_outputs: Vec<u32> = spec.outputs.iter().map(|output| output.stride).collect();
    check.that(
        || !of_outputs.is_empty() && of_outputs == spec.strides,
        "decoder.outputs",
        &of_outputs,
        &format!("one output for each of the strides {:?}", spec.strides),
    )?;
    for output in &spec.outputs {
        check_stride(check, "decoder.outputs.stride", output.stride, size)?;
        let apart = || output.scores != output.boxes && !output.scores.is_empty();
        let names = (&output.scores, &output.boxes);
        check.that(apart, "decoder.outputs", names, "two different names")?;
    }
    Ok(())
}

fn check_yolox(check: &Checker<'_>, spec: &YoloxSpec, size: InputSize) -> Result<(), PackageError> {
    check.name("decoder.output", &spec.output)?;
    let some = || (1..=GRIDS_MAX).contains(&spec.strides.len());
    let expected = format!("1 to {GRIDS_MAX} strides");
    check.that(some, "decoder.strides", &spec.strides, &expected)?;
    for (n, stride) in spec.strides.iter().enumerate() {
        check_stride(check, &format!("decoder.strides[{n}]"), *stride, size)?;
    }
    Ok(())
}

fn check_stride(
    check: &Checker<'_>,
    field: &str,
    stride: u32,
    size: InputSize,
) -> Result<(), PackageError> {
    let expected = match size {
        InputSize::LongSide { multiple, .. } => {
            format!("a divisor of input.multiple ({multiple})")
        }
        InputSize::Fixed { width_px, height_px, .. } => {
            format!("a divisor of both sides of input.size ({width_px} and {height_px})")
        }
    };
    check.that(|| stride > 0 && size.is_divided_by(stride), field, stride, &expected)
}

/// The outputs that a list's numbers come from, and how many columns of each.
fn sources(spec: &ListSpec, classes: usize) -> Vec<(&'static str, &Source, usize)> {
    let of_scores = if spec.labels.is_some() { 1 } else { classes };
    let mut all = vec![
        ("decoder.boxes", &spec.boxes.source, BOX_COLUMNS),
        ("decoder.scores", &spec.scores.source, of_scores),
    ];
    all.extend(spec.labels.iter().map(|labels| ("decoder.labels", &labels.source, 1)));
    all
}

fn check_list(check: &Checker<'_>, spec: &ListSpec, classes: usize) -> Result<(), PackageError> {
    let sources = sources(spec, classes);
    for (field, source, _) in &sources {
        check.name(&format!("{field}.output"), &source.output)?;
        let column = source.column.unwrap_or_default();
        let expected = format!("less than {COLUMNS_MAX}");
        check.that(|| column < COLUMNS_MAX, &format!("{field}.column"), column, &expected)?;
    }
    let columns = |source: &Source, width: usize| {
        let from = source.column.map(|column| column as usize)?;
        Some(from..from + width)
    };
    for (n, (_, one, width)) in sources.iter().enumerate() {
        for (field, other, others_width) in &sources[n + 1..] {
            if one.output != other.output {
                continue;
            }
            let (ones, others) = (columns(one, *width), columns(other, *others_width));
            let apart = || match (&ones, &others) {
                (Some(one), Some(other)) => one.end <= other.start || other.end <= one.start,
                (Some(_), None) | (None, Some(_)) | (None, None) => false,
            };
            let expected = "columns of its own, since another field names the same output";
            let column = other.column.map_or("missing".to_owned(), |column| column.to_string());
            check.that(apart, &format!("{field}.column"), format_args!("{column}"), expected)?;
        }
    }
    if let Some(labels) = &spec.labels {
        let one_score = || spec.scores.kind != ScoreKind::Softmax;
        let expected = "shares or logits: softmax needs a score for each class, so no labels";
        check.that(one_score, "decoder.scores.are", "softmax", expected)?;
        // Larger labels could not be told apart where the model gives them as floats.
        let near = || (-1_000_000..=1_000_000).contains(&labels.first);
        let expected = "the label of the first of `classes`, -1000000 to 1000000";
        check.that(near, "decoder.labels.first", labels.first, expected)?;
    }
    Ok(())
}

fn check_golden(
    check: &Checker<'_>,
    golden: &[Golden],
    size: InputSize,
) -> Result<(), PackageError> {
    let some = || golden.iter().any(|picture| !picture.must_find.is_empty());
    let expected = "at least one picture with a person who must be found";
    check.that(some, "golden", golden.len(), expected)?;
    for (n, picture) in golden.iter().enumerate() {
        check.inside(&format!("golden[{n}].file"), &picture.file)?;
        check.sha256(&format!("golden[{n}].sha256"), &picture.sha256)?;
        check_golden_size(check, &format!("golden[{n}].long_side"), picture.long_side, size)?;
        for must in &picture.must_find {
            let [_, _, width, height] = must.bounds;
            let valid = || must.bounds.iter().all(|v| v.is_finite()) && width > 0.0 && height > 0.0;
            let field = format!("golden[{n}].must_find.box");
            check.that(valid, &field, must.bounds, "left, top, and a width and height above 0")?;
        }
    }
    Ok(())
}

fn check_golden_size(
    check: &Checker<'_>,
    field: &str,
    long_side_px: Option<u32>,
    size: InputSize,
) -> Result<(), PackageError> {
    match size {
        InputSize::LongSide { multiple, default_px: _, max_px } => {
            let expected = format!("{multiple} to {max_px}");
            let got = check.some(field, long_side_px, &expected)?;
            check.that(|| (multiple..=max_px).contains(&got), field, got, &expected)
        }
        InputSize::Fixed { .. } => {
            let expected = "left out, since `input.size` says that there is one size only";
            check.that(|| long_side_px.is_none(), field, long_side_px.unwrap_or_default(), expected)
        }
    }
}
