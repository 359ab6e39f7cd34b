//! Evidence of recordings as a file: what two models made of them, case by case, with the digests of
//! everything it hangs on. `compare --keep` writes it; `standclear model evidence` reads it again, says
//! what the gate says, and gives it to a box (`keep`), whose gate judges by it, too. `parent`: the same
//! of a quantized model beside its parent, as `check-quantization --keep` writes it.
//!
//! Times are milliseconds from the first recording's start. The file is read whole or refused. A
//! recording counts once, with the same zones.

mod keep;
mod parent;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::keep::{CASES_IN_BOX_MAX, FILE_BYTES_MAX, ForBox, KeptTold, for_box};
pub use self::parent::{
    DifferRow, HowRow, KeptZones, PARENT_FORMAT, PARENT_VERSION, ParentFile, ParentRecording,
    ZoneRow, checked, checked_of,
};
use crate::engine::time::Instant;
use crate::gate::pairs::Meanwhile;
use crate::gate::verdict::{Case, CaseId, Coverage, Label, Run, Source, Told};

/// What stands in every such file.
pub const FORMAT: &str = "standclear-model-evidence";

pub const VERSION: u32 = 1;

/// Longest file read: a hundred thousand cases have some 30 MB.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Most cases read, and most incidents the gate ever needs by far.
const CASES_MAX: usize = 100_000;

/// A file that is no evidence.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    #[error("evidence file {} cannot be read", .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("evidence file {} has more than {BYTES_MAX} bytes", .path.display())]
    TooLong { path: PathBuf },
    #[error("evidence file {} is not what `standclear model compare --keep` or `check-quantization --keep` writes", .path.display())]
    Parse {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("evidence file {}: {what}", .path.display())]
    Wrong { path: PathBuf, what: String },
    #[error(
        "evidence file {} is of {other}, and the one before of {first}; give files of the same two models",
        .path.display()
    )]
    OtherModels { path: PathBuf, first: String, other: String },
    #[error(
        "evidence file {} is of the recording `{recording}` once more; a recording counts once, with the same zones",
        .path.display()
    )]
    Twice { path: PathBuf, recording: String },
}

/// The whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceFile {
    pub format: String,
    pub version: u32,
    pub made_at: jiff::Timestamp,
    pub active: ModelRow,
    pub shadow: ModelRow,
    pub settings: Settings,
    pub recordings: Vec<RecordingRow>,
    pub coverage: CoverageRow,
    pub cases: Vec<CaseRow>,
}

/// One of the two models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRow {
    pub name: String,
    pub version: String,
    pub release: u64,
    /// sha256 of the manifest: the package.
    pub package: String,
    /// sha256 of the ONNX file that was run: what incidents name.
    pub model: String,
}

/// How it was looked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub fps: Option<f64>,
    pub long_side_px: Option<u32>,
    pub detail: String,
    /// What ran the models; not in files of earlier versions of the program.
    #[serde(default)]
    pub provider: Option<String>,
}

/// A recording with what belongs to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordingRow {
    pub name: String,
    pub sha256: String,
    /// sha256 of the zones, whatever the recording is called.
    pub zones: String,
    /// sha256 of the truth, where there was one.
    pub truth: Option<String>,
    pub began_ms: u64,
    pub seconds: f64,
    pub pictures: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoverageRow {
    pub seen: u64,
    pub of: u64,
}

/// One incident of either model, both, or the truth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseRow {
    /// The recording's name.
    pub camera: String,
    pub zone: String,
    pub at_ms: u64,
    pub told: ToldRow,
    /// Both: how much later the shadow model told it. One: how much later the other model's incident
    /// began that was under way then, if one was.
    pub later_by_ms: Option<u64>,
    pub label: Option<LabelRow>,
    pub active: Option<SpanRow>,
    pub shadow: Option<SpanRow>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToldRow {
    Both,
    ActiveOnly,
    ShadowOnly,
    Neither,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelRow {
    True,
    False,
    Unsure,
}

/// From when to when somebody was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpanRow {
    pub began_ms: u64,
    pub ended_ms: u64,
}

impl std::fmt::Display for ModelRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let short = self.package.get(..12).unwrap_or(&self.package);
        write!(f, "{} {}, release {} (sha256-{short}…)", self.name, self.version, self.release)
    }
}

/// A file of either kind.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyFile {
    Compared(EvidenceFile),
    Parent(ParentFile),
}

/// What is read first, to know which kind it is.
#[derive(Deserialize)]
struct Format {
    format: String,
}

impl AnyFile {
    /// Reads a file, whole or not at all.
    pub fn read(path: &Path) -> Result<AnyFile, EvidenceError> {
        let mut text = Vec::new();
        File::open(path)
            .and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut text))
            .map_err(|source| EvidenceError::Read { path: path.to_owned(), source })?;
        if text.len() as u64 > BYTES_MAX {
            return Err(EvidenceError::TooLong { path: path.to_owned() });
        }
        AnyFile::parse(&text, path)
    }

    /// The same of what was read. `path` for what is wrong.
    pub fn parse(text: &[u8], path: &Path) -> Result<AnyFile, EvidenceError> {
        // What has no format is told so by whoever reads it whole.
        let format = serde_json::from_slice::<Format>(text).map(|it| it.format).unwrap_or_default();
        if format == PARENT_FORMAT {
            return ParentFile::parse(text, path).map(AnyFile::Parent);
        }
        EvidenceFile::parse(text, path).map(AnyFile::Compared)
    }
}

impl EvidenceFile {
    /// The same of what was read. `path` for what is wrong.
    pub fn parse(text: &[u8], path: &Path) -> Result<EvidenceFile, EvidenceError> {
        let file: EvidenceFile = serde_json::from_slice(text)
            .map_err(|source| EvidenceError::Parse { path: path.to_owned(), source })?;
        file.run(path)?;
        Ok(file)
    }

    /// As bytes of a file.
    pub fn text(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// What the gate judges; a case's number is its position. `path` for what is wrong.
    pub fn run(&self, path: &Path) -> Result<Run, EvidenceError> {
        let wrong = |what: String| EvidenceError::Wrong { path: path.to_owned(), what };
        if (self.format.as_str(), self.version) != (FORMAT, VERSION) {
            return Err(wrong(format!(
                "it is `{}` version {}; this program reads `{FORMAT}` version {VERSION}",
                self.format, self.version
            )));
        }
        if self.coverage.seen > self.coverage.of {
            return Err(wrong("more pictures were seen than there were".to_owned()));
        }
        let mut recordings = BTreeSet::new();
        for one in &self.recordings {
            if !recordings.insert((&one.sha256, &one.zones)) {
                return Err(wrong(format!(
                    "`{}` is in it twice; a recording counts once",
                    one.name
                )));
            }
        }
        if self.cases.len() > CASES_MAX {
            return Err(wrong(format!("more than {CASES_MAX} cases")));
        }
        let mut cases = BTreeMap::new();
        for (row, id) in self.cases.iter().zip(0..) {
            if !self.recordings.iter().any(|recording| recording.name == row.camera) {
                return Err(wrong(format!("case {id} is of `{}`, no recording", row.camera)));
            }
            let case = row.case().ok_or_else(|| {
                wrong(format!("case {id}: `later_by_ms` does not fit who told it"))
            })?;
            cases.insert(CaseId(id), case);
        }
        let coverage = Coverage { seen: self.coverage.seen, of: self.coverage.of };
        Ok(Run { source: Source::Corpus, coverage, cases, left_out: 0 })
    }
}

impl CaseRow {
    fn case(&self) -> Option<Case> {
        let told = told(self.told, self.later_by_ms)?;
        let label = self.label.map(|label| match label {
            LabelRow::True => Label::True,
            LabelRow::False => Label::False,
            LabelRow::Unsure => Label::Unsure,
        });
        Some(Case { at: Instant::ZERO.after(Duration::from_millis(self.at_ms)), told, label })
    }
}

/// `None`: the two do not fit.
fn told(told: ToldRow, later_by_ms: Option<u64>) -> Option<Told> {
    let later_by = later_by_ms.map(Duration::from_millis);
    let meanwhile =
        later_by.map_or(Meanwhile::Quiet, |later_by| Meanwhile::InIncident { later_by });
    match (told, later_by) {
        (ToldRow::Both, Some(shadow_later_by)) => Some(Told::Both { shadow_later_by }),
        (ToldRow::Neither, None) => Some(Told::Neither),
        (ToldRow::ActiveOnly, _) => Some(Told::ActiveOnly(meanwhile)),
        (ToldRow::ShadowOnly, _) => Some(Told::ShadowOnly(meanwhile)),
        (ToldRow::Both, None) | (ToldRow::Neither, Some(_)) => None,
    }
}

impl From<Told> for ToldRow {
    fn from(told: Told) -> ToldRow {
        match told {
            Told::Both { .. } => ToldRow::Both,
            Told::ActiveOnly(_) => ToldRow::ActiveOnly,
            Told::ShadowOnly(_) => ToldRow::ShadowOnly,
            Told::Neither => ToldRow::Neither,
        }
    }
}

impl From<Label> for LabelRow {
    fn from(label: Label) -> LabelRow {
        match label {
            Label::True => LabelRow::True,
            Label::False => LabelRow::False,
            Label::Unsure => LabelRow::Unsure,
        }
    }
}

/// How much later the other model's incident began, where that is known.
pub fn later_by(told: Told) -> Option<Duration> {
    match told {
        Told::Both { shadow_later_by } => Some(shadow_later_by),
        Told::ActiveOnly(Meanwhile::InIncident { later_by })
        | Told::ShadowOnly(Meanwhile::InIncident { later_by }) => Some(later_by),
        Told::ActiveOnly(Meanwhile::Quiet) | Told::ShadowOnly(Meanwhile::Quiet) | Told::Neither => {
            None
        }
    }
}
