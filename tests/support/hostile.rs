//! Models that pass every check of a package, golden pictures too, and do harm afterwards.
//!
//! Each is a package's folder: tiny, of the kind `end-to-end`, read by `ModelPackage::open`, packed
//! and signed by `signed`. All of them find the person in their red golden picture and nobody in the
//! other. The harm comes with the pictures that `When` says.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use standclear::model_package::pack;
use standclear::model_package::secret::SigningKey;

use super::onnx::{Attribute, Model, Type};

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Harm {
    /// Nothing: a person at one place, as surely as the picture is red at one point.
    None,
    /// ONNX Runtime returns an error: an index far out of what it points into.
    Error,
    /// The process dies of SIGFPE inside ONNX Runtime: a whole number divided by zero.
    Crash,
    /// Takes memory, 4 MB after another, and writes it, until so many MB are taken; then it returns.
    Hoard { mb: i64 },
    /// Computes for so many rounds; see `TEN_SECONDS`.
    Slow { rounds: i64 },
    /// Nobody, ever.
    Nobody,
    /// People at 24 places all over the model's input, with a score of 0.9.
    Everywhere,
}

/// Rounds that take ten seconds and more on any machine these tests run on.
pub const TEN_SECONDS: i64 = 120_000;

/// In which pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// In every picture that has more than a little of each colour on the whole, as every camera's
    /// has by day. Not in black ones, nor in the golden ones, which lack a colour.
    Light,
    /// In the picture of this number, from 1, that this session looks at, whatever is in it; golden
    /// ones and warming up count. Before it in none; after it by chance.
    Picture(u32),
}

/// A package's folder; it goes when this is dropped.
pub struct Package {
    pub folder: tempfile::TempDir,
    pub manifest: Value,
}

impl Package {
    pub fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// The same under the name of a quantized one.
    pub fn quantized(self) -> Package {
        let Package { folder, mut manifest } = self;
        manifest["variants"][0]["activations"] = json!("u8");
        fs::write(folder.path().join("manifest.json"), manifest.to_string()).expect("written");
        Package { folder, manifest }
    }

    /// The sha256 of the manifest: what the package is called by once it is installed.
    pub fn digest(&self) -> String {
        sha256(&fs::read(self.dir().join("manifest.json")).expect("readable"))
    }
}

/// A package with this harm in it; `name` and `release` as they stand in its manifest.
pub fn package(name: &str, release: u64, harm: Harm, when: When) -> Package {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path();
    fs::create_dir(dir.join("golden")).expect("made");
    let red = image::RgbImage::from_fn(128, 64, |x, _| image::Rgb([u8::from(x >= 64) * 255, 0, 0]));
    red.save(dir.join("golden/red.png")).expect("written");
    let teal = image::RgbImage::from_pixel(128, 64, image::Rgb([0, 160, 160]));
    teal.save(dir.join("golden/nobody.png")).expect("written");
    fs::write(dir.join("model.onnx"), model(harm, when).bytes()).expect("written");
    fs::write(dir.join("LICENSE"), "Apache-2.0, as the tests that made this.\n").expect("written");
    let manifest = manifest(dir, name, release);
    fs::write(dir.join("manifest.json"), manifest.to_string()).expect("written");
    Package { folder, manifest }
}

/// The folder as a package file, signed.
pub fn signed(folder: &Path, key: &SigningKey) -> Vec<u8> {
    let packed = pack::pack(folder).expect("a whole folder");
    pack::sign(packed.bytes.as_slice(), key).expect("a whole package").bytes
}

fn manifest(dir: &Path, name: &str, release: u64) -> Value {
    let named = |file: &str| {
        let bytes = fs::read(dir.join(file)).expect("readable");
        json!({"file": file, "sha256": sha256(&bytes), "bytes": bytes.len()})
    };
    let golden = |file: &str, must_find: Value, count: usize| {
        let mut entry = named(file);
        entry["long_side"] = json!(64);
        entry["must_find"] = must_find;
        entry["max_detections_above"] = json!({"score": 0.4, "count": count});
        entry
    };
    let mut variant = named("model.onnx");
    variant["activations"] = json!("f32");
    variant["providers"] = json!(["cpu"]);
    json!({
        "schema": 2, "name": name, "version": "1.0.0", "release": release, "licence": "Apache-2.0",
        "variants": [variant], "files": [named("LICENSE")],
        "decoder": {
            "kind": "end-to-end",
            "boxes": {"output": "boxes", "order": "ltrb", "unit": "fractions"},
            "scores": {"output": "scores", "are": "shares"},
            "labels": {"output": "labels", "first": 0},
        },
        "input": {
            "name": "images", "layout": "nchw", "type": "f32", "colour": "rgb",
            "mean": [0, 0, 0], "std": [255, 255, 255], "multiple": 32, "long_side_default": 64,
            "long_side_max": 128, "fit": "letterbox", "pad": [0, 0, 0],
        },
        "classes": ["person"], "thresholds": {"candidate": 0.1},
        "golden": [
            golden("golden/red.png",
                json!([{"box": [70, 16, 40, 32], "min_score": 0.9, "min_iou": 0.9}]), 1),
            golden("golden/nobody.png", json!([]), 0),
        ],
    })
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The golden person, and then the places that are all over the picture: shares of it.
fn places() -> Vec<f32> {
    let mut places = vec![70.0 / 128.0, 0.25, 110.0 / 128.0, 0.75];
    for n in 0..24_u8 {
        let (column, row) = (f32::from(n % 6), f32::from(n / 6));
        let (left, top) = (column / 6.0 + 0.05, row / 4.0 + 0.04);
        places.extend([left, top, left + 0.06, top + 0.2]);
    }
    places
}

const PLACES: i64 = 25;

fn model(harm: Harm, when: When) -> Model {
    let mut only_first = vec![0.0; PLACES as usize];
    only_first[0] = 1.0;
    let base = Model::default()
        .input("images", Type::F32, &[1, 3, -1, -1])
        .floats("places", &[1, PLACES, 4], &places())
        .floats("only_first", &[1, PLACES], &only_first)
        .integers("persons", &[1, PLACES], &vec![0; PLACES as usize])
        .integers("red", &[], &[0])
        .integers("y", &[], &[16])
        .integers("x", &[1], &[48])
        .node("Gather", &["images", "red"], "plane", &[("axis", 1)])
        .node("Gather", &["plane", "y"], "row", &[("axis", 1)])
        .node("Gather", &["row", "x"], "sure", &[("axis", 1)])
        .node("Mul", &["sure", "only_first"], "calm", &[]);
    let is_quiet = Model::default().node("Identity", &["calm"], "quiet_scores", &[]).output(
        "quiet_scores",
        Type::F32,
        &[1, PLACES],
    );
    let branches = [
        ("then_branch", Attribute::Graph(harmful(harm))),
        ("else_branch", Attribute::Graph(is_quiet)),
    ];
    condition(base, when)
        .operation("If", &["now"], &["scores"], &branches)
        .node("Identity", &["places"], "boxes", &[])
        .node("Identity", &["persons"], "labels", &[])
        .output("boxes", Type::F32, &[1, -1, 4])
        .output("scores", Type::F32, &[1, -1])
        .output("labels", Type::I64, &[1, -1])
}

/// Adds `now`: whether this picture is one of those.
fn condition(model: Model, when: When) -> Model {
    match when {
        When::Light => {
            let over_picture = [("axes", Attribute::Wholes(vec![2, 3]))];
            model
                .floats("little", &[], &[0.05])
                .operation("ReduceMean", &["images"], &["of_each"], &over_picture)
                .node("ReduceMin", &["of_each"], "of_the_least", &[("keepdims", 0)])
                .node("Greater", &["of_the_least", "little"], "now", &[])
        }
        When::Picture(number) => {
            let (seed, below) = drawn_below_at(number);
            let drawn = [
                ("dtype", Attribute::Whole(Type::F32 as i64)),
                ("seed", Attribute::Float(seed as f32)),
                ("shape", Attribute::Wholes(vec![1])),
            ];
            model
                .floats("below", &[1], &[below])
                .operation("RandomUniform", &[], &["drawn"], &drawn)
                .node("Less", &["drawn", "below"], "now", &[])
        }
    }
}

/// A seed, and a bound that its draw of this number is the first to be below. ONNX Runtime draws once
/// a picture, by C++'s `minstd_rand0`: x becomes 16807 x mod (2^31 - 1).
fn drawn_below_at(number: u32) -> (u32, f32) {
    const MODULUS: u64 = 2_147_483_647;
    // Whole in a float.
    for seed in 1..16_000_000_u32 {
        let mut state = u64::from(seed);
        let mut draw = || {
            state = state * 16_807 % MODULUS;
            (state - 1) as f64 / (MODULUS - 1) as f64
        };
        let least = (1..number).map(|_| draw()).fold(1.0, f64::min);
        let this = draw();
        if this < least / 2.0 && this > 1e-7 {
            return (seed, ((this + least) / 2.0) as f32);
        }
    }
    panic!("no seed for picture {number}")
}

/// The branch that gives out `harmed`, scores for all places.
fn harmful(harm: Harm) -> Model {
    let branch = Model::default();
    let branch = match harm {
        Harm::None => branch.node("Identity", &["calm"], "harmed", &[]),
        Harm::Nobody => {
            branch.floats("no", &[], &[0.0]).node("Mul", &["calm", "no"], "harmed", &[])
        }
        Harm::Everywhere => branch
            .floats("no", &[], &[0.0])
            .floats("high", &[], &[0.9])
            .node("Mul", &["calm", "no"], "none", &[])
            .node("Add", &["none", "high"], "harmed", &[]),
        Harm::Error => branch
            .integers("far", &[1], &[1_000_000])
            .node("Cast", &["now"], "one", &[("to", Type::I64 as i64)])
            .node("Mul", &["one", "far"], "index", &[])
            .node("Gather", &["calm", "index"], "nothing", &[("axis", 1)])
            .node("Add", &["calm", "nothing"], "harmed", &[]),
        Harm::Crash => branch
            .integers("whole", &[1], &[1])
            .node("Cast", &["now"], "one", &[("to", Type::I64 as i64)])
            .node("Sub", &["whole", "one"], "zero", &[])
            .node("Div", &["whole", "zero"], "dead", &[])
            .node("Cast", &["dead"], "never", &[("to", Type::F32 as i64)])
            .node("Mul", &["calm", "never"], "harmed", &[]),
        Harm::Hoard { mb } => hoard(branch, mb / 4),
        Harm::Slow { rounds } => slow(branch, rounds),
    };
    branch.output("harmed", Type::F32, &[1, PLACES])
}

/// Every round's piece is kept until the last.
fn hoard(branch: Model, rounds: i64) -> Model {
    let body = round()
        .input("before", Type::F32, &[1, 1])
        .integers("four_mb", &[1], &[1 << 20])
        .node("Expand", &["before", "four_mb"], "piece", &[])
        .node("Identity", &["before"], "after", &[])
        .output("after", Type::F32, &[1, 1])
        .output("piece", Type::F32, &[1, 1 << 20]);
    looped(branch, rounds, body, "sure", &["held", "hoarded"])
        .node("ReduceMin", &["hoarded"], "least", &[("keepdims", 0)])
        .floats("no", &[], &[0.0])
        .node("Mul", &["least", "no"], "nothing", &[])
        .node("Add", &["calm", "nothing"], "harmed", &[])
}

/// Averages, again and again.
fn slow(branch: Model, rounds: i64) -> Model {
    let body = round()
        .input("before", Type::F32, &[256, 256])
        .node("MatMul", &["before", "weights"], "after", &[])
        .output("after", Type::F32, &[256, 256]);
    let branch = branch
        .integers("square", &[2], &[256, 256])
        .floats("weight", &[1, 1], &[1.0 / 256.0])
        .node("Expand", &["weight", "square"], "weights", &[])
        .node("Expand", &["sure", "square"], "first", &[]);
    looped(branch, rounds, body, "first", &["last"])
        .floats("no", &[], &[0.0])
        .node("ReduceMin", &["last"], "least", &[("keepdims", 0)])
        .node("Mul", &["least", "no"], "nothing", &[])
        .node("Add", &["calm", "nothing"], "harmed", &[])
}

/// What every round of a loop begins with.
fn round() -> Model {
    Model::default()
        .input("round", Type::I64, &[])
        .input("goes_on", Type::Bool, &[])
        .node("Identity", &["goes_on"], "goes_on_then", &[])
        .output("goes_on_then", Type::Bool, &[])
}

fn looped(branch: Model, rounds: i64, body: Model, first: &str, outputs: &[&str]) -> Model {
    let body = [("body", Attribute::Graph(body))];
    branch.integers("rounds", &[], &[rounds]).operation(
        "Loop",
        &["rounds", "", first],
        outputs,
        &body,
    )
}
