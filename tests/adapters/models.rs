//! One tiny model for each decoder. Each looks at one pixel of its input: as red as that is, as sure
//! is the person it tells of, whose box is always at the same place. So a person is found only where
//! layout, channels, scaling and units are all as the manifest says.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::support::onnx::{Model, Type};

/// What a model's outputs hold beside what the pixel says; tests spoil it.
#[derive(Clone, Debug)]
pub struct Answer {
    pub boxes: Vec<f32>,
    pub labels: Vec<f32>,
    pub count: f32,
    /// What the pixel's share of red is multiplied by, for each place.
    pub scores: Vec<f32>,
}

/// A package's folder.
pub struct Package {
    pub folder: tempfile::TempDir,
    pub manifest: Value,
}

/// Side of the tensors, and the pixels that are looked at: in the red half of the picture, where it
/// fills the tensor and where it fills the upper half.
pub const SIDE: i64 = 64;
const X: i64 = 48;
const STRETCHED_Y: i64 = 32;
const LETTERBOXED_Y: i64 = 16;

/// As TensorFlow's models are: bytes, rows of pixels, red first, stretched to one size.
pub fn ssd(answer: &Answer) -> Model {
    ssd_of(SIDE, (X, STRETCHED_Y), answer)
}

/// The same with another size and pixel.
pub fn ssd_of(side: i64, (x, y): (i64, i64), answer: &Answer) -> Model {
    let places = answer.scores.len() as i64;
    let scores: Vec<f32> = answer.scores.iter().map(|score| score / 255.0).collect();
    constants(answer)
        .input("image_tensor", Type::U8, &[1, side, side, 3])
        .floats("scale", &[1, places], &scores)
        .node("Cast", &["image_tensor"], "pixels", &[("to", Type::F32 as i64)])
        .integers("y", &[], &[y])
        .integers("x", &[], &[x])
        .integers("red", &[1], &[0])
        .node("Gather", &["pixels", "y"], "row", &[("axis", 1)])
        .node("Gather", &["row", "x"], "pixel", &[("axis", 1)])
        .node("Gather", &["pixel", "red"], "sure", &[("axis", 1)])
        .node("Mul", &["sure", "scale"], "detection_scores", &[])
        .node("Identity", &["boxes"], "detection_boxes", &[])
        .node("Identity", &["labels"], "detection_classes", &[])
        .node("Identity", &["count"], "num_detections", &[])
        .output("detection_boxes", Type::F32, &[1, -1, 4])
        .output("detection_scores", Type::F32, &[1, -1])
        .output("detection_classes", Type::F32, &[1, -1])
        .output("num_detections", Type::F32, &[1])
}

/// As YOLOX is exported: floats, planes, blue first; four cells of one grid.
pub fn yolox(answer: &Answer) -> Model {
    let cells = answer.scores.len() as i64;
    let (mut fixed, mut of_pixel) = (Vec::new(), Vec::new());
    for (bounds, score) in answer.boxes.chunks_exact(4).zip(&answer.scores) {
        fixed.extend_from_slice(bounds);
        fixed.extend_from_slice(&[0.0, 1.0]);
        of_pixel.extend_from_slice(&[0.0, 0.0, 0.0, 0.0, *score, 0.0]);
    }
    planes("images", 2)
        .floats("fixed", &[1, cells, 6], &fixed)
        .floats("of_pixel", &[1, cells, 6], &of_pixel)
        .node("Mul", &["sure", "of_pixel"], "objectness", &[])
        .node("Add", &["fixed", "objectness"], "output", &[])
        .output("output", Type::F32, &[1, -1, 6])
}

/// As RT-DETR is exported: any size, red first, told the size in which boxes are wanted.
pub fn end_to_end(answer: &Answer) -> Model {
    let places = answer.scores.len() as i64;
    let labels: Vec<i64> = answer.labels.iter().map(|label| *label as i64).collect();
    planes("images", 0)
        .input("orig_target_sizes", Type::I64, &[1, 2])
        .floats("scale", &[1, places], &answer.scores)
        .floats("fractions", &[1, places, 4], &answer.boxes)
        .integers("whole_labels", &[1, places], &labels)
        .node("Cast", &["orig_target_sizes"], "size", &[("to", Type::F32 as i64)])
        .node("Concat", &["size", "size"], "sides", &[("axis", 1)])
        .node("Mul", &["sides", "fractions"], "boxes", &[])
        .node("Mul", &["sure", "scale"], "scores", &[])
        .node("Identity", &["whole_labels"], "labels", &[])
        .output("boxes", Type::F32, &[1, -1, 4])
        .output("scores", Type::F32, &[1, -1])
        .output("labels", Type::I64, &[1, -1])
}

/// An input in planes, of any size, and how much of a colour its pixel has, `[1, 1]`.
fn planes(name: &str, red: i64) -> Model {
    Model::default()
        .input(name, Type::F32, &[1, 3, -1, -1])
        .integers("red", &[], &[red])
        .integers("y", &[], &[LETTERBOXED_Y])
        .integers("x", &[1], &[X])
        .node("Gather", &[name, "red"], "plane", &[("axis", 1)])
        .node("Gather", &["plane", "y"], "row", &[("axis", 1)])
        .node("Gather", &["row", "x"], "sure", &[("axis", 1)])
}

fn constants(answer: &Answer) -> Model {
    Model::default()
        .floats("boxes", &[1, (answer.boxes.len() / 4) as i64, 4], &answer.boxes)
        .floats("labels", &[1, answer.labels.len() as i64], &answer.labels)
        .floats("count", &[1], &[answer.count])
}

/// Halves of the picture: black, and red where the models look.
pub fn picture() -> image::RgbImage {
    image::RgbImage::from_fn(128, 64, |x, _| image::Rgb([if x >= 64 { 255 } else { 0 }, 0, 0]))
}

/// The person in it: the golden picture's box.
pub const PERSON: [f64; 4] = [70.0, 16.0, 40.0, 32.0];

impl Package {
    /// A folder with this model, the golden pictures and a manifest around `decoder` and `input`.
    pub fn new(model: &Model, decoder: Value, input: Value) -> Package {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("golden")).expect("made");
        let bytes = model.bytes();
        fs::write(folder.path().join("model.onnx"), &bytes).expect("written");
        let golden = |name: &str, picture: &image::RgbImage, must_find: Value, count: usize| {
            let file = format!("golden/{name}.png");
            picture.save(folder.path().join(&file)).expect("written");
            let sha256 = sha256(&fs::read(folder.path().join(&file)).expect("readable"));
            let most = json!({"score": 0.4, "count": count});
            let mut entry = json!({
                "file": file, "sha256": sha256, "must_find": must_find,
                "max_detections_above": most,
            });
            if input.get("size").is_none() {
                entry["long_side"] = json!(64);
            }
            entry
        };
        let must = json!([{"box": PERSON, "min_score": 0.9, "min_iou": 0.9}]);
        let nobody = image::RgbImage::from_pixel(128, 64, image::Rgb([0, 255, 255]));
        let manifest = json!({
            "schema": 2, "name": "tiny", "version": "1.0.0", "release": 1, "licence": "Apache-2.0",
            "variants": [{
                "file": "model.onnx", "sha256": sha256(&bytes), "bytes": bytes.len(),
                "activations": "f32", "providers": ["cpu"],
            }],
            "decoder": decoder, "input": input, "classes": ["person"],
            "thresholds": {"candidate": 0.1, "nms_iou": 0.6},
            "golden": [
                golden("red", &picture(), must, 1),
                golden("nobody", &nobody, json!([]), 0),
            ],
        });
        let package = Package { folder, manifest };
        package.write();
        package
    }

    /// The same with something changed in the manifest.
    pub fn with(mut self, change: impl FnOnce(&mut Value)) -> Package {
        change(&mut self.manifest);
        self.write();
        self
    }

    pub fn dir(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self) {
        let file = self.dir().join("manifest.json");
        fs::write(file, self.manifest.to_string()).expect("written");
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
