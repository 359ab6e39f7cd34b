//! A model package that is not exactly what it says is refused, with the reason.

mod support;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use standclear::model_package::folder::FolderError;
use standclear::vision::inference::{Detector, GoldenCheck, ModelError, Options, Provider};
use standclear::vision::package::{ModelPackage, PackageError};
use standclear::vision::still;

/// A copy of the package that may be damaged.
struct Copy {
    folder: tempfile::TempDir,
}

impl Copy {
    fn new() -> Copy {
        let folder = tempfile::tempdir().expect("a folder");
        let from = support::model_dir();
        fs::create_dir(folder.path().join("golden")).expect("made");
        let mut files = vec!["manifest.json".into(), "model.onnx".into(), "model-s8.onnx".into()];
        for entry in fs::read_dir(from.join("golden")).expect("readable") {
            files.push(PathBuf::from("golden").join(entry.expect("readable").file_name()));
        }
        for file in files {
            fs::copy(from.join(&file), folder.path().join(&file)).expect("copied");
        }
        Copy { folder }
    }

    /// A copy whose manifest was changed.
    fn with(change: impl FnOnce(&mut Value)) -> Copy {
        let copy = Copy::new();
        let path = copy.folder.path().join("manifest.json");
        let text = fs::read(&path).expect("readable");
        let mut manifest = serde_json::from_slice(&text).expect("JSON");
        change(&mut manifest);
        fs::write(&path, manifest.to_string()).expect("written");
        copy
    }

    fn load(&self) -> Result<Detector, ModelError> {
        let package = ModelPackage::open(self.folder.path())?;
        Detector::load(&package, &support::options(GoldenCheck::Run))
    }

    /// The whole chain of reasons of the refusal.
    fn refusal(&self) -> (ModelError, String) {
        let error = self.load().err().expect("refused");
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        (error, text)
    }
}

fn is_of_file(error: &ModelError, kind: impl Fn(&FolderError) -> bool) -> bool {
    matches!(error, ModelError::Package(PackageError::File(error)) if kind(error))
}

#[test]
fn both_variants_find_their_golden_people() {
    Copy::new().load().expect("the u8 variant");
    let s8 = Copy::with(|manifest| {
        manifest["variants"][0]["providers"] = json!([]);
        manifest["variants"][1]["providers"] = json!(["cpu"]);
    });
    s8.load().expect("the s8 variant");
}

#[test]
fn known_picture_is_decoded_to_the_people_in_it() {
    let mut detector = support::detector();
    let file = support::model_dir().join("golden/walkway-1.jpg");
    let picture = still::decode(&fs::read(file).expect("readable")).expect("a picture");
    let found = still::detect(&mut detector, &picture).expect("runs").expect("has pixels");
    let best = found.detections[0];
    assert!(best.score.get() > 0.7);
    assert!(found.detections.is_sorted_by(|a, b| a.score >= b.score));
    for detection in &found.detections {
        let b = detection.bounds;
        assert!(b.left() >= 0.0 && b.top() >= 0.0);
        assert!(
            b.right() <= f64::from(picture.width()) && b.bottom() <= f64::from(picture.height())
        );
    }
}

#[test]
fn flipped_byte_in_any_variant_or_golden_picture_is_refused() {
    for file in ["model.onnx", "model-s8.onnx", "golden/walkway-2.jpg"] {
        let copy = Copy::new();
        let path = copy.folder.path().join(file);
        let mut bytes = fs::read(&path).expect("readable");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        fs::write(&path, bytes).expect("written");
        let (error, text) = copy.refusal();
        assert!(is_of_file(&error, |error| matches!(error, FolderError::WrongSha256 { .. })));
        assert!(text.contains(file) && text.contains("changed or damaged"), "{text}");
    }
}

#[test]
fn missing_file_is_refused_by_name() {
    let copy = Copy::new();
    fs::remove_file(copy.folder.path().join("model.onnx")).expect("removed");
    let (error, text) = copy.refusal();
    assert!(is_of_file(&error, |error| matches!(error, FolderError::MissingFile { .. })));
    assert!(text.contains("model.onnx"), "{text}");
}

#[test]
fn unknown_decoder_is_refused_with_those_known() {
    let copy = Copy::with(|m| m["decoder"] = json!({"kind": "yolo", "anchors": 3}));
    let (error, text) = copy.refusal();
    assert!(matches!(error, ModelError::Package(PackageError::UnknownDecoder { .. })));
    for word in ["\"yolo\"", "nanodet", "ssd", "yolox", "end-to-end"] {
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn outputs_that_the_model_does_not_have_are_refused() {
    let copy = Copy::with(|m| m["decoder"]["outputs"][1]["boxes"] = json!("boxes_17"));
    let (error, text) = copy.refusal();
    assert!(matches!(error, ModelError::Interface { .. }), "{text}");
    assert!(text.contains("boxes_17") && text.contains("boxes_16"), "{text}");
    let copy = Copy::with(|m| m["input"]["name"] = json!("picture"));
    assert!(matches!(copy.refusal().0, ModelError::Interface { .. }));
    let copy = Copy::with(|m| m["classes"] = json!(["person", "truck"]));
    assert!(matches!(copy.refusal().0, ModelError::Interface { .. } | ModelError::Decode(_)));
    let copy = Copy::with(|m| m["decoder"]["bins"] = json!(12));
    assert!(matches!(copy.refusal().0, ModelError::Interface { .. } | ModelError::Decode(_)));
}

#[test]
fn golden_picture_without_its_people_is_refused_with_who_is_missing() {
    let black = image::RgbImage::new(768, 576);
    let copy = Copy::with(|_| {});
    let path = copy.folder.path().join("golden/black.png");
    black.save(&path).expect("written");
    let bytes = fs::read(&path).expect("readable");
    let digest: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    let manifest = copy.folder.path().join("manifest.json");
    let mut value: Value =
        serde_json::from_slice(&fs::read(&manifest).expect("readable")).expect("JSON");
    value["golden"][0]["file"] = json!("golden/black.png");
    value["golden"][0]["sha256"] = json!(digest);
    fs::write(&manifest, value.to_string()).expect("written");
    let (error, text) = copy.refusal();
    assert!(matches!(error, ModelError::GoldenNotFound { person: 1, .. }));
    assert!(text.contains("black.png") && text.contains("nothing"), "{text}");
}

#[test]
fn model_that_sees_too_many_people_is_refused() {
    let copy = Copy::with(|m| {
        m["golden"][0]["max_detections_above"] = json!({"score": 0.3, "count": 2});
    });
    assert!(matches!(copy.refusal().0, ModelError::GoldenTooMany { max: 2, .. }));
}

#[test]
fn manifest_that_points_outside_its_folder_is_refused() {
    for file in ["../model.onnx", "/etc/passwd", "a/../../b", ""] {
        let copy = Copy::with(|m| m["variants"][0]["file"] = json!(file));
        let (error, _) = copy.refusal();
        assert!(
            matches!(error, ModelError::Package(PackageError::OutsidePackage { .. })),
            "{file}: {error}"
        );
    }
}

/// A field and how to make it impossible.
type Case = (&'static str, fn(&mut Value));

#[test]
fn every_impossible_value_is_named_with_its_field() {
    let cases: [Case; 11] = [
        ("schema", |m| m["schema"] = json!(3)),
        ("variants", |m| m["variants"] = json!([])),
        ("variants[0].sha256", |m| m["variants"][0]["sha256"] = json!("abc")),
        ("thresholds.nms_iou", |m| m["thresholds"]["nms_iou"] = json!(1.5)),
        ("thresholds.candidate", |m| m["thresholds"]["candidate"] = json!(0)),
        ("classes", |m| m["classes"] = json!(["truck"])),
        ("input.std[1]", |m| m["input"]["std"][1] = json!(0)),
        ("input.multiple", |m| m["input"]["multiple"] = json!(0)),
        ("input.long_side_default", |m| m["input"]["long_side_default"] = json!(99999)),
        ("decoder.outputs.stride", |m| {
            m["decoder"]["strides"][0] = json!(7);
            m["decoder"]["outputs"][0]["stride"] = json!(7);
        }),
        ("golden", |m| m["golden"] = json!([])),
    ];
    for (field, change) in cases {
        let (error, text) = Copy::with(change).refusal();
        assert!(matches!(error, ModelError::Package(PackageError::Value { .. })), "{text}");
        assert!(text.contains(&format!("`{field}`")), "{field}: {text}");
    }
}

#[test]
fn unknown_key_and_broken_json_are_refused_with_the_place() {
    let (error, text) = Copy::with(|m| m["thresholds"]["nms"] = json!(0.6)).refusal();
    assert!(matches!(error, ModelError::Package(PackageError::ManifestParse { .. })));
    assert!(text.contains("nms"), "{text}");
    let copy = Copy::new();
    fs::write(copy.folder.path().join("manifest.json"), "{\"schema\": 1,").expect("written");
    assert!(copy.refusal().1.contains("line 1"));
}

#[test]
fn unknown_package_is_refused_with_where_it_was_looked_for() {
    let error = ModelPackage::find("no-such-model").expect_err("refused");
    assert!(error.to_string().contains("models/no-such-model"), "{error}");
}

#[test]
fn provider_that_the_library_lacks_is_refused_and_not_replaced() {
    let package = ModelPackage::open(&support::model_dir()).expect("whole");
    for provider in [Provider::Tensorrt, Provider::Cuda, Provider::Openvino] {
        let options = Options { provider, ..support::options(GoldenCheck::Skip) };
        let error = Detector::load(&package, &options).err().expect("refused");
        let text = error.to_string();
        assert!(matches!(error, ModelError::ProviderMissing { .. }), "{error:?}");
        assert!(text.contains(&provider.to_string()), "{text}");
    }
    assert!("gpu".parse::<Provider>().is_err());
}

#[test]
fn input_size_the_model_does_not_allow_is_refused() {
    let package = ModelPackage::open(&support::model_dir()).expect("whole");
    let options = Options { long_side_px: Some(5000), ..support::options(GoldenCheck::Skip) };
    assert!(matches!(
        Detector::load(&package, &options),
        Err(ModelError::LongSide { got: 5000, max: 1280, .. })
    ));
}
