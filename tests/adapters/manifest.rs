//! What manifests may say, and how what they must not is told.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;

use serde_json::{Value, json};
use standclear::vision::package::{DecoderSpec, InputSize, ModelPackage, PackageError};

use super::models::Package;
use super::support;
use super::{end_to_end_package, ssd_answer, ssd_package, words, yolox_package};

fn open(manifest: &Value) -> Result<ModelPackage, PackageError> {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("manifest.json"), manifest.to_string()).expect("written");
    ModelPackage::open(folder.path())
}

/// How to make a manifest wrong, or another one.
type Change = fn(&mut Value);

/// A field, how to make it wrong, and a word of what would be right.
type Case = (&'static str, Change, &'static str);

fn refused(package: Package, cases: &[Case]) {
    assert!(open(&package.manifest).is_ok());
    for (field, change, right) in cases {
        let mut manifest = package.manifest.clone();
        change(&mut manifest);
        let error = open(&manifest).expect_err(field);
        let text = words(&error);
        assert!(text.contains("manifest.json"), "{text}");
        assert!(text.contains(&format!("`{field}`")), "{field}: {text}");
        assert!(text.contains(right), "{field}, {right}: {text}");
    }
}

#[test]
fn what_is_wrong_in_any_manifest_is_told_with_what_would_be_right() {
    refused(
        ssd_package(&ssd_answer()),
        &[
            ("schema", |m| m["schema"] = json!(3), "1 or 2"),
            ("schema", |m| m["schema"] = json!("two"), "1 or 2"),
            ("release", |m| m["release"] = Value::Null, "missing"),
            ("release", |m| m["release"] = json!(0), "above 0"),
            ("input.layout", |m| m["input"]["layout"] = json!("nhcw"), "`nchw` or `nhwc`"),
            ("input.type", |m| m["input"]["type"] = json!("f16"), "`f32` or `u8`"),
            ("input.colour", |m| m["input"]["colour"] = json!("grey"), "`bgr` or `rgb`"),
            ("input.fit", |m| m["input"]["fit"] = json!("crop"), "`letterbox` or `stretch`"),
            ("input.size", |m| m["input"]["size"] = json!([300, 0]), "32 to 4096"),
            ("input.size", |m| m["input"]["size"] = json!([300, 100_000]), "32 to 4096"),
            ("input.multiple", |m| m["input"]["multiple"] = json!(32), "left out"),
            ("input.long_side_max", |m| m["input"]["long_side_max"] = json!(640), "left out"),
            ("input.mean[1]", |m| m["input"]["mean"][1] = json!(127.5), "u8"),
            ("input.std[2]", |m| m["input"]["std"][2] = json!(127.5), "u8"),
            ("golden[0].long_side", |m| m["golden"][0]["long_side"] = json!(64), "left out"),
            (
                "input.size_input.name",
                |m| {
                    m["input"]["size_input"] = json!({"name": "image_tensor", "order": "wh"});
                },
                "other input",
            ),
            (
                "input.size_input.order",
                |m| {
                    m["input"]["size_input"] = json!({"name": "size", "order": "xy"});
                },
                "`wh` or `hw`",
            ),
        ],
    );
    refused(
        end_to_end_package(),
        &[
            ("input.fit", |m| m["input"]["fit"] = json!("stretch"), "input.size"),
            ("input.multiple", |m| m["input"]["multiple"] = Value::Null, "missing"),
            ("golden[0].long_side", |m| m["golden"][0]["long_side"] = Value::Null, "missing"),
            ("golden[0].long_side", |m| m["golden"][0]["long_side"] = json!(640), "32 to 128"),
            ("thresholds.nms_iou", |m| m["thresholds"]["nms_iou"] = json!(0), "more than 0"),
        ],
    );
}

#[test]
fn what_is_wrong_in_a_decoder_is_told_with_what_would_be_right() {
    refused(
        ssd_package(&ssd_answer()),
        &[
            ("decoder.boxes.order", |m| m["decoder"]["boxes"]["order"] = json!("xyxy"), "`tlbr`"),
            ("decoder.boxes.unit", |m| m["decoder"]["boxes"]["unit"] = json!("px"), "`pixels`"),
            ("decoder.boxes.output", |m| m["decoder"]["boxes"]["output"] = json!(""), "name"),
            ("decoder.scores.are", |m| m["decoder"]["scores"]["are"] = json!("odds"), "`logits`"),
            ("decoder.scores.are", |m| m["decoder"]["scores"]["are"] = json!("softmax"), "labels"),
            (
                "decoder.labels.first",
                |m| {
                    m["decoder"]["labels"]["first"] = json!(i64::MIN);
                },
                "1000000",
            ),
            (
                "decoder.scores.column",
                |m| {
                    m["decoder"]["scores"]["output"] = json!("detection_boxes");
                },
                "columns of its own",
            ),
            (
                "decoder.labels.column",
                |m| {
                    m["decoder"]["scores"] =
                        json!({"output": "rows", "column": 4, "are": "shares"});
                    m["decoder"]["labels"] = json!({"output": "rows", "column": 4, "first": 1});
                },
                "columns of its own",
            ),
            (
                "decoder.boxes.column",
                |m| {
                    m["decoder"]["boxes"]["column"] = json!(5000);
                },
                "less than 4096",
            ),
            ("decoder.count", |m| m["decoder"]["count"] = json!("detection_scores"), "its own"),
            ("decoder", |m| m["decoder"]["anchors"] = json!(3), "anchors"),
            ("decoder", |m| m["decoder"]["labels"] = Value::Null, "null"),
            ("decoder", |m| m["decoder"]["boxes"]["order"] = json!(5), "string"),
        ],
    );
    refused(
        yolox_package("cells"),
        &[
            ("decoder.boxes", |m| m["decoder"]["boxes"] = json!("grid"), "`cells` or `pixels`"),
            ("decoder.scores", |m| m["decoder"]["scores"] = json!("softmax"), "`logits`"),
            ("decoder.strides", |m| m["decoder"]["strides"] = json!([]), "1 to 8"),
            ("decoder.strides[0]", |m| m["decoder"]["strides"] = json!([0]), "divisor"),
            ("decoder.strides[1]", |m| m["decoder"]["strides"] = json!([32, 48]), "input.size"),
            ("thresholds.nms_iou", |m| m["thresholds"]["nms_iou"] = Value::Null, "missing"),
            ("input", |m| m["input"]["pad"] = json!([0, 0, 300]), "300"),
        ],
    );
}

#[test]
fn a_package_of_the_first_schema_is_read_as_before_and_knows_nothing_new() {
    let package = ModelPackage::open(&support::model_dir()).expect("whole");
    let manifest = package.manifest();
    assert_eq!((manifest.schema, manifest.release), (1, 0));
    assert!(matches!(manifest.decoder, DecoderSpec::Nanodet(_)));
    let any_size = InputSize::LongSide { multiple: 32, default_px: 640, max_px: 1280 };
    assert_eq!(manifest.input.size, any_size);

    let first: Change = |m| {
        m["schema"] = json!(1);
        m.as_object_mut().expect("an object").remove("release");
    };
    let cases = [
        (ssd_package(&ssd_answer()), "`decoder.kind` is \"ssd\""),
        (end_to_end_package(), "`decoder.kind` is \"end-to-end\""),
    ];
    for (package, said) in cases {
        let error = open(&package.with(first).manifest).expect_err("refused");
        assert!(error.to_string().contains(said), "{error}");
        assert!(error.to_string().contains("`schema` 2"), "{error}");
    }
    let text = fs::read(support::model_dir().join("manifest.json")).expect("readable");
    let old: Value = serde_json::from_slice(&text).expect("JSON");
    let newer: [(Change, &str); 3] = [
        (|m| m["release"] = json!(7), "`release`"),
        (|m| m["input"]["layout"] = json!("nhwc"), "`schema`"),
        (|m| m["input"]["type"] = json!("u8"), "`schema`"),
    ];
    for (change, field) in newer {
        let mut manifest = old.clone();
        change(&mut manifest);
        let error = open(&manifest).expect_err(field);
        assert!(error.to_string().contains(field), "{error}");
    }
}

/// The reference's JSON, each block laid over the one before.
#[test]
fn the_examples_of_the_reference_are_manifests_that_are_read() {
    let text = fs::read_to_string(support::root().join("docs/reference/models.md"));
    let text = text.expect("readable");
    let mut manifest = json!({});
    let mut kinds = BTreeSet::new();
    let blocks: Vec<&str> = text.split("```json\n").skip(1).collect();
    assert!(blocks.len() >= 4);
    for block in blocks {
        let block = block.split("```").next().expect("an end");
        let parts: Value = serde_json::from_str(block).expect(block);
        for (field, value) in parts.as_object().expect("an object") {
            manifest[field] = value.clone();
        }
        let package = open(&manifest);
        let package = package.unwrap_or_else(|it| panic!("{block}: {}", words(&it)));
        kinds.insert(match package.manifest().decoder {
            DecoderSpec::Nanodet(_) => "nanodet",
            DecoderSpec::Ssd(_) => "ssd",
            DecoderSpec::Yolox(_) => "yolox",
            DecoderSpec::EndToEnd(_) => "end-to-end",
        });
    }
    assert_eq!(kinds.len(), 4, "{kinds:?}");
}

#[test]
fn a_refusal_names_the_cause_once() {
    let package = ssd_package(&ssd_answer()).with(|m| m["decoder"]["boxes"] = json!([]));
    let error = open(&package.manifest).expect_err("refused");
    assert!(error.to_string().contains("`decoder`"), "{error}");
    assert!(error.source().is_some(), "{error}");
}
