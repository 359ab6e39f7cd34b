//! Whether a manifest makes sense: every value that could make the program misbehave later is
//! refused here, with its field and what it must be.

use std::path::{Component, Path};

use super::{
    DecoderSpec, Golden, InputSpec, LONG_SIDE_PX_MAX, Manifest, NanodetSpec, PERSON, PackageError,
    RawNanodet, Thresholds,
};

/// Collects the first thing wrong in a manifest.
struct Checker<'a> {
    file: &'a Path,
}

impl Checker<'_> {
    fn that(
        &self,
        holds: impl FnOnce() -> bool,
        field: &str,
        value: impl std::fmt::Debug,
        expected: &str,
    ) -> Result<(), PackageError> {
        match holds() {
            true => Ok(()),
            false => Err(PackageError::Value {
                file: self.file.to_owned(),
                field: field.to_owned(),
                value: format!("{value:?}"),
                expected: expected.to_owned(),
            }),
        }
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
}

/// The whole manifest.
pub(super) fn manifest(file: &Path, manifest: &Manifest) -> Result<(), PackageError> {
    let check = Checker { file };
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
    check.that(|| share(nms_iou), "thresholds.nms_iou", nms_iou, expected)?;
    let has_person = || manifest.classes.iter().any(|class| class == PERSON);
    check.that(has_person, "classes", &manifest.classes, "a list with `person` in it")?;
    check_input(&check, &manifest.input)?;
    check_decoder(&check, &manifest.decoder, &manifest.input)?;
    check_golden(&check, &manifest.golden, &manifest.input)
}

fn check_input(check: &Checker<'_>, input: &InputSpec) -> Result<(), PackageError> {
    for n in 0..3 {
        let (mean, std) = (input.mean[n], input.std[n]);
        let field = format!("input.mean[{n}]");
        check.that(|| mean.is_finite(), &field, mean, "a finite number")?;
        let field = format!("input.std[{n}]");
        let positive = || std.is_finite() && std > 0.0;
        check.that(positive, &field, std, "a number above 0")?;
    }
    let multiple = input.multiple;
    check.that(|| (1..=256).contains(&multiple), "input.multiple", multiple, "1 to 256")?;
    let (default, max) = (input.long_side_default, input.long_side_max);
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

fn check_decoder(
    check: &Checker<'_>,
    decoder: &DecoderSpec,
    input: &InputSpec,
) -> Result<(), PackageError> {
    let DecoderSpec::Nanodet(spec) = decoder;
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
        let divides = || output.stride > 0 && input.multiple.is_multiple_of(output.stride);
        let expected = format!("a divisor of input.multiple ({})", input.multiple);
        check.that(divides, "decoder.outputs.stride", output.stride, &expected)?;
        let apart = || output.scores != output.boxes && !output.scores.is_empty();
        let names = (&output.scores, &output.boxes);
        check.that(apart, "decoder.outputs", names, "two different names")?;
    }
    Ok(())
}

fn check_golden(
    check: &Checker<'_>,
    golden: &[Golden],
    input: &InputSpec,
) -> Result<(), PackageError> {
    let some = || golden.iter().any(|picture| !picture.must_find.is_empty());
    let expected = "at least one picture with a person who must be found";
    check.that(some, "golden", golden.len(), expected)?;
    for (n, picture) in golden.iter().enumerate() {
        check.inside(&format!("golden[{n}].file"), &picture.file)?;
        check.sha256(&format!("golden[{n}].sha256"), &picture.sha256)?;
        let long_side = picture.long_side;
        check.that(
            || (input.multiple..=input.long_side_max).contains(&long_side),
            &format!("golden[{n}].long_side"),
            long_side,
            &format!("{} to {}", input.multiple, input.long_side_max),
        )?;
        for must in &picture.must_find {
            let [_, _, width, height] = must.bounds;
            let valid = || must.bounds.iter().all(|v| v.is_finite()) && width > 0.0 && height > 0.0;
            let field = format!("golden[{n}].must_find.box");
            check.that(valid, &field, must.bounds, "left, top, and a width and height above 0")?;
        }
    }
    Ok(())
}

/// What the decoder takes for granted must not be contradicted.
pub(super) fn nanodet(file: &Path, raw: RawNanodet) -> Result<DecoderSpec, PackageError> {
    let check = Checker { file };
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
