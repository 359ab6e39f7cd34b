//! A model package: a folder with `manifest.json`, the model in one or more variants, its licence,
//! and golden pictures in which it must find people before it may guard anything.
//!
//! Every file is compared with the sha256 in the manifest, and the bytes that were compared are the
//! bytes that are used: nothing is read twice.
//!
//! Not here: signatures and version floors (a package is trusted as the folder is), and running it.

mod check;

use std::env;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::decoder::{Decoder, Settings};
use crate::model_package::folder::{self, FolderError, MANIFEST};

/// The only manifest schema this program reads.
pub const SCHEMA: u32 = 1;

/// The class this program is about.
pub const PERSON: &str = "person";

/// Decoders a manifest may name.
pub const DECODERS_KNOWN: &str = "nanodet";

/// Sides of a model input in pixels that make sense; a larger one would take seconds a picture.
const LONG_SIDE_PX_MAX: u32 = 4096;

/// Where packages installed for the whole machine lie.
const SYSTEM_MODELS: &str = "/usr/share/standclear/models";

/// A package whose manifest is understood. The files it names are verified when they are read.
#[derive(Clone, Debug)]
pub struct ModelPackage {
    dir: PathBuf,
    manifest: Manifest,
}

/// `manifest.json`, parsed and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    pub name: String,
    pub version: String,
    pub licence: String,
    pub variants: Vec<Variant>,
    pub decoder: DecoderSpec,
    pub input: InputSpec,
    pub classes: Vec<String>,
    pub thresholds: Thresholds,
    pub golden: Vec<Golden>,
}

/// The manifest as written; `provenance` and `source` are for people and kept free-form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawManifest {
    schema: u32,
    name: String,
    version: String,
    licence: String,
    #[serde(default, rename = "source")]
    _source: serde_json::Value,
    variants: Vec<Variant>,
    decoder: serde_json::Value,
    input: InputSpec,
    classes: Vec<String>,
    thresholds: Thresholds,
    #[serde(default, rename = "opset")]
    _opset: u32,
    golden: Vec<Golden>,
    #[serde(default, rename = "provenance")]
    _provenance: serde_json::Value,
}

/// One ONNX file of the same model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// File name inside the package.
    pub file: String,
    /// Lower-case hex.
    pub sha256: String,
    pub bytes: u64,
    /// How quantised activations are held; processors differ in what they are quick at.
    pub activations: Activations,
    /// Execution providers this variant is for.
    pub providers: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activations {
    U8,
    S8,
    F32,
}

/// How the outputs are to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecoderSpec {
    Nanodet(NanodetSpec),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NanodetSpec {
    pub strides: Vec<u32>,
    /// Logits per side of a box.
    pub bins: u32,
    pub outputs: Vec<NanodetOutput>,
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

/// The two output tensors of one stride.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NanodetOutput {
    pub stride: u32,
    pub scores: String,
    pub boxes: String,
}

/// What the model wants to be fed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSpec {
    pub name: String,
    pub layout: Layout,
    #[serde(rename = "type")]
    pub element: Element,
    pub colour: Colour,
    /// Per channel, in the order of `colour`, in byte units.
    pub mean: [f32; 3],
    pub std: [f32; 3],
    /// Both sides of the tensor are multiples of this many pixels.
    pub multiple: u32,
    /// Longer side of the content in pixels.
    pub long_side_default: u32,
    pub long_side_max: u32,
    pub fit: FitRule,
    /// Bytes of the padding, in the order of `colour`.
    pub pad: [u8; 3],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    Nchw,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Element {
    F32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colour {
    Bgr,
    Rgb,
}

/// Aspect kept, content at the top left, the rest padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FitRule {
    Letterbox,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Boxes below this score are not looked at.
    pub candidate: f32,
    pub nms_iou: f64,
}

/// A picture in which the model must find people.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    pub file: String,
    pub sha256: String,
    /// Longer side of the content in pixels for this check.
    pub long_side: u32,
    pub must_find: Vec<MustFind>,
    /// Guards against a model that sees people everywhere.
    #[serde(default)]
    pub max_detections_above: Option<MaxDetections>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MustFind {
    /// Left, top, width, height in pixels of the golden picture.
    #[serde(rename = "box")]
    pub bounds: [f64; 4],
    pub min_score: f32,
    pub min_iou: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxDetections {
    pub score: f32,
    pub count: usize,
}

/// Why a package cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    #[error("there is no model package `{name}`; looked for manifest.json in: {looked}")]
    NotFound { name: String, looked: String },
    #[error(transparent)]
    File(#[from] FolderError),
    #[error("{file} is not a manifest this program understands")]
    ManifestParse {
        file: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("{file}: `{field}` is {value}; it must be {expected}")]
    Value { file: PathBuf, field: String, value: String, expected: String },
    #[error("{file}: `decoder.kind` is {kind}; this program knows only: {DECODERS_KNOWN}")]
    UnknownDecoder { file: PathBuf, kind: String },
    #[error(
        "{file}: `{field}` names `{value}`; a package may only name files inside its own folder"
    )]
    OutsidePackage { file: PathBuf, field: String, value: String },
    #[error(
        "{file}: no variant is for the execution provider `{provider}`; there are: {available}"
    )]
    NoVariant { file: PathBuf, provider: String, available: String },
}

impl ModelPackage {
    /// Finds a package by the path of its folder or by its name: `name` as a path, then `models/`
    /// in each folder above the program, `./models/`, and the system's folder.
    pub fn find(name: &str) -> Result<ModelPackage, PackageError> {
        let candidates = candidates(name);
        for dir in &candidates {
            if dir.join(MANIFEST).is_file() {
                return ModelPackage::open(dir);
            }
        }
        let looked: Vec<_> = candidates.iter().map(|d| d.display().to_string()).collect();
        Err(PackageError::NotFound { name: name.to_owned(), looked: looked.join(", ") })
    }

    /// Reads and checks the manifest in `dir`.
    pub fn open(dir: &Path) -> Result<ModelPackage, PackageError> {
        let file = dir.join(MANIFEST);
        let text = folder::read_manifest(&file)?;
        let manifest = parse(&file, &text)?;
        check::manifest(&file, &manifest)?;
        Ok(ModelPackage { dir: dir.to_owned(), manifest })
    }

    /// The package's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the package says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The first variant made for an execution provider.
    pub fn variant_for(&self, provider: &str) -> Result<&Variant, PackageError> {
        let made_for = |v: &&Variant| v.providers.iter().any(|p| p == provider);
        self.manifest.variants.iter().find(made_for).ok_or_else(|| {
            let mut all: Vec<&str> = (self.manifest.variants.iter())
                .flat_map(|v| v.providers.iter().map(String::as_str))
                .collect();
            all.dedup();
            PackageError::NoVariant {
                file: self.dir.join(MANIFEST),
                provider: provider.to_owned(),
                available: all.join(", "),
            }
        })
    }

    /// The bytes of a file the manifest names, after they proved to have this sha256.
    pub fn read_verified(&self, file: &str, sha256: &str) -> Result<Vec<u8>, PackageError> {
        Ok(folder::read_verified(&self.dir, file, sha256)?)
    }

    /// The bytes of one variant, after every variant proved to have its sha256: a package that was
    /// changed anywhere is not trusted, also where this machine would not have looked.
    pub fn read_variant(&self, variant: &Variant) -> Result<Vec<u8>, PackageError> {
        for other in self.manifest.variants.iter().filter(|other| *other != variant) {
            self.read_verified(&other.file, &other.sha256)?;
        }
        self.read_verified(&variant.file, &variant.sha256)
    }

    /// The decoder for this model's outputs.
    pub fn decoder(&self) -> Decoder {
        let manifest = &self.manifest;
        // `check` made sure that the class is there.
        let person = manifest.classes.iter().position(|c| c == PERSON);
        Decoder::new(
            &manifest.decoder,
            Settings {
                candidate: manifest.thresholds.candidate,
                nms_iou: manifest.thresholds.nms_iou,
                classes: manifest.classes.len(),
                person: person.unwrap_or(0),
            },
        )
    }
}

/// Folders to look for `name` in, in order.
fn candidates(name: &str) -> Vec<PathBuf> {
    let mut all = vec![PathBuf::from(name)];
    // A name with a slash is a path and nothing else.
    if name.contains('/') || name.is_empty() || name == ".." {
        return all;
    }
    if let Ok(program) = env::current_exe() {
        let above = program.ancestors().skip(1);
        all.extend(above.map(|dir| dir.join("models").join(name)));
    }
    all.push(Path::new("models").join(name));
    all.push(Path::new(SYSTEM_MODELS).join(name));
    all
}

fn parse(file: &Path, text: &[u8]) -> Result<Manifest, PackageError> {
    let unreadable = |source| PackageError::ManifestParse { file: file.to_owned(), source };
    let raw: RawManifest = serde_json::from_slice(text).map_err(unreadable)?;
    if raw.schema != SCHEMA {
        return Err(PackageError::Value {
            file: file.to_owned(),
            field: "schema".into(),
            value: raw.schema.to_string(),
            expected: format!("{SCHEMA}; a newer package needs a newer program"),
        });
    }
    let kind = raw.decoder.get("kind").cloned().unwrap_or_default();
    let decoder = match kind.as_str() {
        Some("nanodet") => {
            let raw: RawNanodet = serde_json::from_value(raw.decoder).map_err(unreadable)?;
            check::nanodet(file, raw)?
        }
        _ => {
            return Err(PackageError::UnknownDecoder {
                file: file.to_owned(),
                kind: kind.to_string(),
            });
        }
    };
    Ok(Manifest {
        name: raw.name,
        version: raw.version,
        licence: raw.licence,
        variants: raw.variants,
        decoder,
        input: raw.input,
        classes: raw.classes,
        thresholds: raw.thresholds,
        golden: raw.golden,
    })
}
