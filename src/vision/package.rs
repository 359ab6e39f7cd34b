//! A model package: a folder with `manifest.json`, the model in one or more variants, its licence,
//! and golden pictures in which it must find people before it may guard anything.
//!
//! Every file is compared with the sha256 in the manifest, and the bytes that were compared are the
//! bytes that are used: nothing is read twice.
//!
//! Not here: signatures and version floors (a package is trusted as the folder is), and running it.

mod check;
mod read;
mod spec;

use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use self::spec::{
    BoxOrder, BoxSource, BoxUnit, Colour, DecoderSpec, Element, FitRule, GridBoxes, InputSize,
    InputSpec, LabelSource, Layout, ListSpec, NanodetOutput, NanodetSpec, ScoreKind, ScoreSource,
    ShareKind, SizeInput, SizeOrder, Source, SsdSpec, YoloxSpec,
};
use super::decoder::{Decoder, Settings};
use crate::link::ModelChoice;
use crate::model_package::folder::{self, FolderError, MANIFEST};

/// The newest manifest schema this program reads …
pub const SCHEMA: u32 = 2;

/// … and the oldest.
pub const SCHEMA_FIRST: u32 = 1;

/// The class this program is about.
pub const PERSON: &str = "person";

/// Decoders a manifest may name.
pub const DECODERS_KNOWN: &str = "nanodet, ssd, yolox, end-to-end";

/// Sides of a model input in pixels that make sense; a larger one would take seconds a picture.
const LONG_SIDE_PX_MAX: u32 = 4096;

/// A package whose manifest is understood. The files it names are verified when they are read.
#[derive(Clone, Debug)]
pub struct ModelPackage {
    dir: PathBuf,
    manifest: Manifest,
}

/// `manifest.json`, parsed and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    pub schema: u32,
    pub name: String,
    /// For people.
    pub version: String,
    /// Counts up; 0 for packages of the first schema, which have none.
    pub release: u64,
    pub licence: String,
    pub variants: Vec<Variant>,
    pub decoder: DecoderSpec,
    pub input: InputSpec,
    pub classes: Vec<String>,
    pub thresholds: Thresholds,
    pub golden: Vec<Golden>,
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

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Boxes below this score are not looked at.
    pub candidate: f32,
    /// Of two boxes that overlap by more than this (IoU), the weaker is the same person. `None`: the
    /// model gives one box for each.
    #[serde(default)]
    pub nms_iou: Option<f64>,
}

/// A picture in which the model must find people.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    pub file: String,
    pub sha256: String,
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Longer side of the content in pixels for this check; `None` for a model of one size.
    #[serde(default)]
    pub long_side: Option<u32>,
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
    #[error("{file}: `{part}` is nothing this program understands")]
    PartParse {
        file: PathBuf,
        part: &'static str,
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

impl Manifest {
    /// Reads and checks a manifest's text; `file` is what errors call it.
    pub fn parse(file: &Path, text: &[u8]) -> Result<Manifest, PackageError> {
        let manifest = read::manifest(file, text)?;
        check::manifest(file, &manifest)?;
        Ok(manifest)
    }
}

impl ModelPackage {
    /// Finds a package by the path of its folder or by its name: `name` as a path, then `models/`
    /// in each folder above the program, `./models/`, and the system's folder.
    pub fn find(name: &str) -> Result<ModelPackage, PackageError> {
        ModelPackage::found(name, None)
    }

    /// Finds what was chosen; of an installed package the manifest must be the one that was installed.
    pub fn chosen(choice: &ModelChoice) -> Result<ModelPackage, PackageError> {
        ModelPackage::found(&choice.dir, choice.manifest_sha256())
    }

    fn found(name: &str, digest: Option<&str>) -> Result<ModelPackage, PackageError> {
        let candidates = folder::candidates(name);
        for dir in &candidates {
            if dir.join(MANIFEST).is_file() {
                return ModelPackage::read(dir, digest);
            }
        }
        let looked: Vec<_> = candidates.iter().map(|d| d.display().to_string()).collect();
        Err(PackageError::NotFound { name: name.to_owned(), looked: looked.join(", ") })
    }

    /// Reads and checks the manifest in `dir`.
    pub fn open(dir: &Path) -> Result<ModelPackage, PackageError> {
        ModelPackage::read(dir, None)
    }

    fn read(dir: &Path, digest: Option<&str>) -> Result<ModelPackage, PackageError> {
        let file = dir.join(MANIFEST);
        let text = folder::read_manifest(&file)?;
        if let Some(digest) = digest {
            folder::verify_manifest(&file, &text, digest)?;
        }
        let manifest = Manifest::parse(&file, &text)?;
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
