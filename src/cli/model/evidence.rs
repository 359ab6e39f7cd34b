//! `standclear model evidence`: reads what `compare --keep` wrote and says what the gate says of all of
//! it; of several files all must be of the same two models, and a recording counts once.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::PathBuf;

use super::super::output::to_stdout;
use super::Refused;
use super::claim::ClaimArgs;
use super::judged::Judged;
use super::steps::{self, Where};
use super::words;
use crate::gate::verdict::Evidence;
pub use crate::guard::models::recorded::{
    CaseRow, CoverageRow, EvidenceError, EvidenceFile, FORMAT, LabelRow, ModelRow, RecordingRow,
    Settings, SpanRow, ToldRow, VERSION, later_by,
};

/// See the module.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Files that `compare --keep` wrote, of the same two models.
    #[arg(required = true, value_name = "FILE")]
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
    let mut evidence = Evidence::default();
    let mut models: Option<(ModelRow, ModelRow)> = None;
    let mut recordings = BTreeSet::new();
    for path in &args.files {
        let file = EvidenceFile::read(path)?;
        let these = (file.active.clone(), file.shadow.clone());
        if let Some(first) = models.as_ref().filter(|first| **first != these) {
            let (path, first, other) = (path.clone(), both(first), both(&these));
            return Err(EvidenceError::OtherModels { path, first, other }.into());
        }
        for one in &file.recordings {
            if !recordings.insert((one.sha256.clone(), one.zones.clone())) {
                let (path, recording) = (path.clone(), one.name.clone());
                return Err(EvidenceError::Twice { path, recording }.into());
            }
        }
        models = Some(these);
        evidence.runs.push(file.run(path)?);
    }
    if args.into_box {
        steps::keep_evidence(&args.at, &args.files)?;
    }
    let judged = Judged::of(&evidence, args.claim.claim());
    to_stdout(|out| {
        if let Some((active, shadow)) = &models {
            writeln!(out, "active  {active}\nshadow  {shadow}")?;
        }
        words::judged(out, &evidence, &judged)
    })?;
    if judged.is_refused() { Err(Refused::ByGate.into()) } else { Ok(()) }
}

fn both((active, shadow): &(ModelRow, ModelRow)) -> String {
    format!("{active} and {shadow}")
}
