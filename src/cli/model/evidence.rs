//! `standclear model evidence`: reads what `compare --keep` and `check-quantization --keep` wrote and says
//! what the gate says of all of it; of several files all must be of the same models, and a recording counts
//! once. Without files: what the gate of a box that runs says.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};

use super::super::output::to_stdout;
use super::Refused;
use super::claim::ClaimArgs;
use super::judged::Judged;
use super::steps::{self, Where};
use super::words;
use crate::gate::quantization::Checked;
use crate::gate::verdict::{Evidence, Quantization};
use crate::guard::models::recorded::{self, AnyFile, ParentFile, ParentRecording};
pub use crate::guard::models::recorded::{
    CaseRow, CoverageRow, EvidenceError, EvidenceFile, FORMAT, LabelRow, ModelRow, RecordingRow,
    Settings, SpanRow, ToldRow, VERSION, later_by,
};

/// See the module.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Files that `compare --keep` and `check-quantization --keep` wrote, of the same models; without any,
    /// a box that runs says what its gate says.
    #[arg(required_unless_present = "url", value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    claim: ClaimArgs,
    /// Give them to a box, whose gate judges by them from then on.
    #[arg(long)]
    into_box: bool,
    #[command(flatten)]
    at: Where,
}

/// Reads the files and says what the gate says of all of them.
pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    if args.files.is_empty() {
        return steps::evidence_of_box(&args.at);
    }
    let mut gathered = Gathered::default();
    for path in &args.files {
        match AnyFile::read(path)? {
            AnyFile::Compared(file) => gathered.compared(&file, path)?,
            AnyFile::Parent(file) => gathered.parent(file, path)?,
        }
    }
    let checked = gathered.checked();
    let Gathered { mut evidence, models, against, .. } = gathered;
    if let Some(checked) = &checked {
        evidence.quantization = Quantization::Checked(checked.outcome.clone());
    }
    if args.into_box {
        steps::keep_evidence(&args.at, &args.files)?;
    }
    let judged = Judged::of(&evidence, args.claim.claim());
    to_stdout(|out| {
        if let Some((active, shadow)) = &models {
            writeln!(out, "active  {active}\nshadow  {shadow}")?;
        }
        if let Some(((quantized, parent), checked)) = against.as_ref().zip(checked.as_ref()) {
            writeln!(out, "{quantized} beside its parent {parent}:")?;
            writeln!(out, "  {}", words::quantization(checked))?;
        }
        words::judged(out, &evidence, &judged)
    })?;
    if judged.is_refused() { Err(Refused::ByGate.into()) } else { Ok(()) }
}

/// All files together.
#[derive(Default)]
struct Gathered {
    evidence: Evidence,
    /// Active and shadow.
    models: Option<(ModelRow, ModelRow)>,
    recordings: BTreeSet<(String, String)>,
    /// Quantized, and its parent.
    against: Option<(ModelRow, ModelRow)>,
    parent_recordings: Vec<ParentRecording>,
}

impl Gathered {
    fn compared(&mut self, file: &EvidenceFile, path: &Path) -> Result<(), EvidenceError> {
        let these = (file.active.clone(), file.shadow.clone());
        same(self.models.as_ref(), &these, path)?;
        is_of(self.against.as_ref().map(|(quantized, _)| quantized), &these.1, path)?;
        for one in &file.recordings {
            if !self.recordings.insert((one.sha256.clone(), one.zones.clone())) {
                return Err(twice(path, &one.name));
            }
        }
        self.models = Some(these);
        self.evidence.runs.push(file.run(path)?);
        Ok(())
    }

    fn parent(&mut self, file: ParentFile, path: &Path) -> Result<(), EvidenceError> {
        let these = (file.quantized, file.parent);
        same(self.against.as_ref(), &these, path)?;
        is_of(self.models.as_ref().map(|(_, shadow)| shadow), &these.0, path)?;
        for one in file.recordings {
            let is_it = |other: &ParentRecording| {
                let (a, b) = (&other.recording, &one.recording);
                (&a.sha256, &a.zones) == (&b.sha256, &b.zones)
            };
            if self.parent_recordings.iter().any(is_it) {
                return Err(twice(path, &one.recording.name));
            }
            self.parent_recordings.push(one);
        }
        self.against = Some(these);
        Ok(())
    }

    fn checked(&self) -> Option<Checked> {
        let all = &self.parent_recordings;
        (!all.is_empty()).then(|| recorded::checked_of(all))
    }
}

/// Both kinds of file are of the same model.
fn is_of(known: Option<&ModelRow>, model: &ModelRow, path: &Path) -> Result<(), EvidenceError> {
    let Some(first) = known.filter(|known| known.package != model.package) else {
        return Ok(());
    };
    let (path, first, other) = (path.to_owned(), first.to_string(), model.to_string());
    Err(EvidenceError::OtherModels { path, first, other })
}

fn same(
    first: Option<&(ModelRow, ModelRow)>,
    these: &(ModelRow, ModelRow),
    path: &Path,
) -> Result<(), EvidenceError> {
    let Some(first) = first.filter(|first| *first != these) else {
        return Ok(());
    };
    let (path, first, other) = (path.to_owned(), both(first), both(these));
    Err(EvidenceError::OtherModels { path, first, other })
}

fn twice(path: &Path, recording: &str) -> EvidenceError {
    EvidenceError::Twice { path: path.to_owned(), recording: recording.to_owned() }
}

fn both((active, shadow): &(ModelRow, ModelRow)) -> String {
    format!("{active} and {shadow}")
}
