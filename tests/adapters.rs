//! Every kind of model a manifest can describe, with a tiny one of each in ONNX Runtime: it finds its
//! person where the manifest is right, is refused where it is not, and nothing it returns is believed.

#![cfg(feature = "vision")]

mod support;

#[path = "adapters/manifest.rs"]
mod manifest;
#[path = "adapters/models.rs"]
mod models;

use std::error::Error;

use models::{Answer, PERSON, Package};
use serde_json::{Value, json};
use standclear::engine::detection::{Detection, FrameSize};
use standclear::link::DetailZone;
use standclear::vision::decoder::DecodeError;
use standclear::vision::detail::{Detail, Unhurried};
use standclear::vision::inference::{Detector, GoldenCheck, ModelError, Options};
use standclear::vision::offline::{Offline, OfflineOptions};
use standclear::vision::package::ModelPackage;
use standclear::vision::preprocess::PictureRef;
use standclear::vision::still;
use support::onnx::{Model, Type};

/// One person among three places, and two places that are none.
fn answer(person: [f32; 4]) -> Answer {
    let nobody = [0.0; 4];
    Answer {
        boxes: [person, nobody, nobody].concat(),
        labels: vec![1.0, 0.0, 0.0],
        count: 1.0,
        scores: vec![1.0, 0.0, 0.0],
    }
}

/// The person's sides as shares of the picture: left, top, right, bottom.
fn shares() -> [f32; 4] {
    let [left, top, width, height] = PERSON.map(|side| side as f32);
    [left / 128.0, top / 64.0, (left + width) / 128.0, (top + height) / 64.0]
}

fn ssd_answer() -> Answer {
    let [left, top, right, bottom] = shares();
    answer([top, left, bottom, right])
}

fn ssd_decoder() -> Value {
    json!({
        "kind": "ssd",
        "boxes": {"output": "detection_boxes", "order": "tlbr", "unit": "fractions"},
        "scores": {"output": "detection_scores", "are": "shares"},
        "labels": {"output": "detection_classes", "first": 1},
        "count": "num_detections",
    })
}

fn ssd_input(side: i64) -> Value {
    json!({
        "name": "image_tensor", "layout": "nhwc", "type": "u8", "colour": "rgb",
        "mean": [0, 0, 0], "std": [1, 1, 1], "size": [side, side], "fit": "stretch",
        "pad": [0, 0, 0],
    })
}

fn ssd_package(answer: &Answer) -> Package {
    Package::new(&models::ssd(answer), ssd_decoder(), ssd_input(models::SIDE))
}

fn yolox_package(boxes: &str) -> Package {
    let nobody = [0.0; 4];
    // In a tensor of 64 x 64 the picture is 64 x 32, so half as large as it is.
    let person = match boxes {
        // From the corner of the second cell, in cells of 32 pixels.
        "cells" => [13.0 / 32.0, 0.5, (20.0_f32 / 32.0).ln(), 0.5_f32.ln()],
        _ => [45.0, 16.0, 20.0, 16.0],
    };
    let answer = Answer {
        boxes: [nobody, person, nobody, nobody].concat(),
        scores: vec![0.0, 1.0, 0.0, 0.0],
        labels: vec![],
        count: 0.0,
    };
    let decoder = json!({
        "kind": "yolox", "output": "output", "strides": [32], "boxes": boxes, "scores": "shares",
    });
    let input = json!({
        "name": "images", "layout": "nchw", "type": "f32", "colour": "bgr", "mean": [0, 0, 0],
        "std": [255, 255, 255], "size": [64, 64], "fit": "letterbox", "pad": [114, 114, 114],
    });
    Package::new(&models::yolox(&answer), decoder, input)
}

fn end_to_end_package() -> Package {
    let answer = Answer { labels: vec![0.0; 3], ..answer(shares()) };
    let decoder = json!({
        "kind": "end-to-end",
        "boxes": {"output": "boxes", "order": "ltrb", "unit": "pixels"},
        "scores": {"output": "scores", "are": "shares"},
        "labels": {"output": "labels", "first": 0},
    });
    let input = json!({
        "name": "images", "layout": "nchw", "type": "f32", "colour": "rgb", "mean": [0, 0, 0],
        "std": [255, 255, 255], "multiple": 32, "long_side_default": 64, "long_side_max": 128,
        "fit": "letterbox", "pad": [0, 0, 0],
        "size_input": {"name": "orig_target_sizes", "order": "wh"},
    });
    Package::new(&models::end_to_end(&answer), decoder, input)
}

fn load(package: &Package, golden: GoldenCheck) -> Result<Detector, ModelError> {
    let package = ModelPackage::open(package.dir())?;
    Detector::load(&package, &support::options(golden))
}

fn words(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn bounds(detection: &Detection) -> [f64; 4] {
    let b = detection.bounds;
    [b.left(), b.top(), b.width(), b.height()]
}

#[test]
fn a_model_of_each_kind_finds_its_person() {
    let packages = [
        ssd_package(&ssd_answer()),
        yolox_package("cells"),
        yolox_package("pixels"),
        end_to_end_package(),
    ];
    for package in packages {
        let kind = &package.manifest["decoder"];
        let mut detector =
            load(&package, GoldenCheck::Run).unwrap_or_else(|it| panic!("{kind}: {}", words(&it)));
        let picture = image::DynamicImage::ImageRgb8(models::picture());
        let found = still::detect(&mut detector, &picture).expect("runs").expect("has pixels");
        let [person] = found.detections.as_slice() else {
            panic!("{kind}: {:?}", found.detections);
        };
        assert!(person.score.get() > 0.99, "{kind}: {person:?}");
        for (got, wanted) in bounds(person).into_iter().zip(PERSON) {
            assert!((got - wanted).abs() < 0.1, "{kind}: {person:?}");
        }
    }
}

/// What a manifest says that is not so.
type Lie = fn(&mut Value);

#[test]
fn a_manifest_that_tells_something_else_than_the_model_is_refused() {
    let of_ssd: [Lie; 6] = [
        |m| m["input"]["colour"] = json!("bgr"),
        |m| m["input"]["layout"] = json!("nchw"),
        |m| m["input"]["fit"] = json!("letterbox"),
        |m| m["input"]["size"] = json!([64, 32]),
        |m| m["decoder"]["boxes"]["order"] = json!("ltrb"),
        |m| m["decoder"]["labels"]["first"] = json!(0),
    ];
    let of_yolox: [Lie; 5] = [
        |m| m["input"]["colour"] = json!("rgb"),
        |m| m["input"]["fit"] = json!("stretch"),
        |m| m["decoder"]["boxes"] = json!("pixels"),
        |m| m["decoder"]["strides"] = json!([16]),
        |m| m["classes"] = json!(["truck", "person"]),
    ];
    let of_end_to_end: [Lie; 6] = [
        |m| m["input"]["colour"] = json!("bgr"),
        |m| m["input"]["size_input"]["order"] = json!("hw"),
        |m| m["input"]["size_input"] = Value::Null,
        |m| m["decoder"]["boxes"]["order"] = json!("cxcywh"),
        |m| m["decoder"]["boxes"]["unit"] = json!("fractions"),
        |m| m["decoder"]["labels"]["first"] = json!(1),
    ];
    let make: [fn() -> Package; 3] =
        [|| ssd_package(&ssd_answer()), || yolox_package("cells"), end_to_end_package];
    for (make, lies) in make.iter().zip([&of_ssd[..], &of_yolox[..], &of_end_to_end[..]]) {
        for (n, lie) in lies.iter().enumerate() {
            let package = make().with(lie);
            let refused = load(&package, GoldenCheck::Run);
            assert!(refused.is_err(), "lie {n} of {}", package.manifest["decoder"]);
        }
    }
}

#[test]
fn hostile_answers_are_errors_and_no_boxes() {
    let good = ssd_answer();
    let spoilt = |spoil: fn(&mut Answer)| {
        let mut answer = good.clone();
        spoil(&mut answer);
        let mut detector = load(&ssd_package(&answer), GoldenCheck::Skip).expect("loads");
        let picture = image::DynamicImage::ImageRgb8(models::picture());
        match still::detect(&mut detector, &picture) {
            Err(ModelError::Decode(error)) => error,
            other => panic!("{answer:?}: {other:?}"),
        }
    };
    assert!(matches!(spoilt(|it| it.boxes[2] = f32::NAN), DecodeError::NonFiniteBox { .. }));
    assert!(matches!(spoilt(|it| it.boxes[0] = f32::INFINITY), DecodeError::NonFiniteBox { .. }));
    assert!(matches!(spoilt(|it| it.boxes[3] = -0.5), DecodeError::ImpossibleBox { .. }));
    assert!(matches!(spoilt(|it| it.boxes[2] = 1e9), DecodeError::ImpossibleBox { .. }));
    assert!(matches!(spoilt(|it| it.scores[2] = f32::NAN), DecodeError::NonFiniteScore { .. }));
    assert!(matches!(spoilt(|it| it.scores[0] = 7.0), DecodeError::ScoreOutOfRange { .. }));
    assert!(matches!(spoilt(|it| it.labels[0] = f32::NAN), DecodeError::Label { .. }));
    assert!(matches!(spoilt(|it| it.labels[0] = 91.0), DecodeError::Label { .. }));
    assert!(matches!(spoilt(|it| it.count = 4.0), DecodeError::Count { max: 3, .. }));
    assert!(matches!(spoilt(|it| it.count = -1.0), DecodeError::Count { .. }));
    assert!(matches!(spoilt(|it| it.count = f32::NAN), DecodeError::Count { .. }));
    assert!(matches!(spoilt(|it| it.count = 0.0), DecodeError::BeyondCount { .. }));
    assert!(matches!(spoilt(|it| it.boxes.truncate(8)), DecodeError::Shape { .. }));
    assert!(matches!(spoilt(|it| it.labels.push(0.0)), DecodeError::Shape { .. }));
    // An output that ONNX Runtime makes no memory for, which its binding takes for impossible.
    let nothing = Answer { boxes: vec![], labels: vec![], scores: vec![], count: 0.0 };
    let mut detector = load(&ssd_package(&nothing), GoldenCheck::Skip).expect("loads");
    let picture = image::DynamicImage::ImageRgb8(models::picture());
    let answered = still::detect(&mut detector, &picture);
    assert!(matches!(answered, Err(ModelError::Answer)), "{answered:?}");
}

#[test]
fn inputs_and_outputs_of_another_type_are_refused_by_name() {
    let outputs = |kind| {
        Model::default()
            .input("image_tensor", kind, &[1, 64, 64, 3])
            .floats("boxes", &[1, 1, 4], &[0.0; 4])
            .floats("scores", &[1, 1], &[0.0])
            .floats("count", &[1], &[0.0])
    };
    let rest = |model: Model| {
        model
            .node("Identity", &["boxes"], "detection_boxes", &[])
            .node("Identity", &["scores"], "detection_classes", &[])
            .node("Identity", &["count"], "num_detections", &[])
            .output("detection_boxes", Type::F32, &[1, -1, 4])
            .output("detection_classes", Type::F32, &[1, -1])
            .output("num_detections", Type::F32, &[1])
    };
    let of_input = rest(outputs(Type::F32))
        .node("Identity", &["scores"], "detection_scores", &[])
        .output("detection_scores", Type::F32, &[1, -1]);
    let of_output = rest(outputs(Type::U8))
        .node("Cast", &["scores"], "detection_scores", &[("to", Type::F64 as i64)])
        .output("detection_scores", Type::F64, &[1, -1]);
    for (model, name) in [(of_input, "image_tensor"), (of_output, "detection_scores")] {
        let package = Package::new(&model, ssd_decoder(), ssd_input(64));
        let error = load(&package, GoldenCheck::Skip).err().expect("refused");
        assert!(matches!(error, ModelError::Interface { .. }), "{}", words(&error));
        assert!(words(&error).contains(name), "{}", words(&error));
    }
}

#[test]
fn a_model_of_one_size_cannot_be_given_another() {
    let package = ssd_package(&ssd_answer());
    let package = ModelPackage::open(package.dir()).expect("whole");
    let options = Options { long_side_px: Some(640), ..support::options(GoldenCheck::Skip) };
    let error = Detector::load(&package, &options).err().expect("refused");
    assert!(matches!(error, ModelError::FixedSize { got: 640, width: 64, height: 64 }));
    assert!(error.to_string().contains("input_long_side"), "{error}");
}

#[test]
fn video_of_any_shape_reaches_a_model_that_stretches_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let clip = folder.path().join("red.mkv");
    support::make_clip(&format!(
        "videotestsrc pattern=red num-buffers=5 ! \
         video/x-raw,width=320,height=240,framerate=10/1 ! openh264enc ! h264parse ! \
         matroskamux ! filesink location={}",
        clip.display()
    ));
    let mut detector = load(&ssd_package(&ssd_answer()), GoldenCheck::Run).expect("loads");
    // Sources hand out what people can look at, not 64 x 64 pixels of it.
    let shown = detector.fit().delivered(FrameSize::new(320, 240).expect("positive"));
    assert_eq!(shown, (640, 480));
    let frames = Offline::open(&clip, &mut detector, OfflineOptions::default()).expect("opens");
    let frames: Vec<_> = frames.map(|frame| frame.expect("a picture")).collect();
    assert_eq!(frames.len(), 5);
    for frame in frames {
        let [person] = frame.detections.as_slice() else {
            panic!("{:?}", frame.detections);
        };
        let expected = [175.0, 60.0, 100.0, 120.0];
        for (got, wanted) in bounds(person).into_iter().zip(expected) {
            assert!((got - wanted).abs() < 0.1, "{person:?}");
        }
    }
}

/// A picture of 1280 x 720 that is red from 0.45 to 0.8 of its height.
fn far_picture() -> Vec<u8> {
    let row = |y: usize| if (324..576).contains(&y) { [0, 0, 255] } else { [0; 3] };
    (0..720).flat_map(|y| row(y).repeat(1280)).collect()
}

#[test]
fn parts_are_looked_at_closer_unstretched_by_a_model_that_stretches_the_whole() {
    // A person of 20 x 50 pixels of the input, wherever it looks.
    let side = 128.0;
    let person = answer([20.0 / side, 40.0 / side, 70.0 / side, 60.0 / side]);
    let model = models::ssd_of(128, (50, 45), &person);
    let package = Package::new(&model, ssd_decoder(), ssd_input(128));
    let mut detector = load(&package, GoldenCheck::Skip).expect("loads");
    let bytes = far_picture();
    let picture = PictureRef::new(&bytes, 1280, 720, 1280 * 3).expect("fits");
    let size = FrameSize::new(1280, 720).expect("positive");
    let mut look = |zones: Vec<DetailZone>| {
        let looked = Detail::new(zones).look(&mut detector, &picture, size, &mut Unhurried);
        looked.expect("looks")
    };
    // What it looks at in the whole picture is black.
    assert_eq!(look(vec![]).detected.detections, []);
    let looked = look(vec![DetailZone {
        left_norm: 0.2,
        top_norm: 0.5,
        right_norm: 0.5,
        bottom_norm: 0.55,
        person_norm: vec![0.06; 8],
    }]);
    assert!(looked.parts_planned > 1, "{looked:?}");
    assert_eq!(looked.parts_looked_at, looked.parts_planned);
    assert_eq!(looked.cost_px, (1 + looked.parts_planned) * 128 * 128);
    assert_eq!(looked.detected.detections.len(), looked.parts_planned, "{looked:?}");
    for found in &looked.detected.detections {
        let [left, top, width, height] = bounds(found);
        assert!((width / height / 0.4 - 1.0).abs() < 0.05, "{found:?}");
        // As large as the crop was made for: 50 pixels of input are the zone's people.
        assert!((height / (0.06 * 720.0) - 1.0).abs() < 0.1, "{found:?}");
        assert!(left > 0.15 * 1280.0 && left + width < 0.55 * 1280.0, "{found:?}");
        assert!(top > 0.35 * 720.0 && top + height < 0.65 * 720.0, "{found:?}");
    }
}

#[test]
fn the_example_of_another_architecture_finds_its_people() {
    let folder = support::root().join("models/ssdlite-person-300-int8");
    let package = ModelPackage::open(&folder).expect("whole");
    let mut detector = Detector::load(&package, &support::options(GoldenCheck::Run))
        .unwrap_or_else(|error| panic!("{}", words(&error)));
    let picture = std::fs::read(folder.join("golden/walkway-1.jpg")).expect("readable");
    let picture = still::decode(&picture).expect("a picture");
    let found = still::detect(&mut detector, &picture).expect("runs").expect("has pixels");
    let sure = found.detections.iter().filter(|it| it.score.get() >= 0.4).count();
    assert!((4..=5).contains(&sure), "{:?}", found.detections);
}
