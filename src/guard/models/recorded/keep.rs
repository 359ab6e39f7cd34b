//! Evidence of recordings as a run that a box keeps, whose gate judges by it.
//!
//! Each case is kept with who told it, as the comparison found it: a case of recordings is not paired
//! anew, since the truth has a part in it. And a quantized model beside its parent, as what the gate asks
//! for of each of its recordings.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::parent::{ParentFile, ParentRecording, checked_of};
use super::{AnyFile, CaseRow, EvidenceFile, LabelRow, RecordingRow, SpanRow, ToldRow, told};
use crate::digest::sha256_of;
use crate::gate::pairs::Place;
use crate::gate::quantization::{Checked, LOST_ONE_IN, Outcome};
use crate::gate::verdict::Told;
use crate::guard::handle::models::{ModelError, Slot};
use crate::guard::models::shown::Shared;
use crate::model_package::folder::MANIFEST;
use crate::rollout::slot::Digest;
use crate::store::shadow::{
    CaseWord, CorpusRun, Ended, NewShadowRun, ParentCheck, ParentChecks, RecordingKept,
    RunProgress, RunSide, RunSource, ShadowIncident,
};
use crate::telemetry::chain;

/// Largest file that a box takes, bytes, and most cases: one claim takes some hundred, and keeping more
/// would hold up whoever else writes.
pub const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;
pub const CASES_IN_BOX_MAX: usize = 4_000;

/// Zones that are named in a refusal.
const ZONES_NAMED_MAX: usize = 5;

/// Most recordings of one file, and longest name of anything in it, characters.
const RECORDINGS_MAX: usize = 1_000;
const NAME_CHARS_MAX: usize = 200;

/// What is kept of a case beside its incidents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptTold {
    told: ToldRow,
    later_by_ms: Option<u64>,
}

impl KeptTold {
    /// `None`: it was not kept so.
    pub fn read(text: &str) -> Option<Told> {
        let kept: KeptTold = serde_json::from_str(text).ok()?;
        told(kept.told, kept.later_by_ms)
    }
}

fn useless(text: impl Into<String>) -> ModelError {
    ModelError::Useless { code: "bad_evidence", text: text.into() }
}

/// A file that a box keeps.
#[derive(Clone, Debug, PartialEq)]
pub enum ForBox {
    Compared(Box<CorpusRun>),
    Parent(ParentChecks),
}

/// Reads a file that is to be kept, whole or not at all. `name` for what is wrong.
///
/// # Errors
/// It is none, has too much, or is of other models than this box has.
pub fn for_box(
    name: &Path,
    json: &[u8],
    shared: &Shared,
    now: Timestamp,
) -> Result<ForBox, ModelError> {
    if json.len() > FILE_BYTES_MAX {
        return Err(useless(format!("a box takes files of {FILE_BYTES_MAX} bytes at most")));
    }
    match AnyFile::parse(json, name).map_err(|error| useless(chain(&error)))? {
        AnyFile::Compared(file) => Ok(ForBox::Compared(Box::new(run_for_box(&file, shared, now)?))),
        AnyFile::Parent(file) => Ok(ForBox::Parent(checks_for_box(&file, shared, now)?)),
    }
}

fn is_small(file: &EvidenceFile) -> Result<(), ModelError> {
    if file.cases.len() > CASES_IN_BOX_MAX {
        return Err(useless(format!(
            "the file has {} cases, and a box takes {CASES_IN_BOX_MAX} at once; compare on fewer \
             recordings at a time",
            file.cases.len()
        )));
    }
    let zones = file.cases.iter().map(|case| case.zone.as_str());
    fits(&file.recordings, zones)
}

/// So many recordings, and names so long, as a box keeps.
fn fits<'n>(
    recordings: impl IntoIterator<Item = &'n RecordingRow>,
    mut names: impl Iterator<Item = &'n str>,
) -> Result<(), ModelError> {
    let is_long = |name: &str| name.chars().count() > NAME_CHARS_MAX;
    let mut many = 0;
    let mut any_long = names.any(is_long);
    for one in recordings {
        many += 1;
        any_long |= [&one.name, &one.sha256, &one.zones].into_iter().any(|name| is_long(name));
    }
    if !(1..=RECORDINGS_MAX).contains(&many) {
        return Err(useless(format!("1 to {RECORDINGS_MAX} recordings are right in one file")));
    }
    if any_long {
        return Err(useless(format!("a name has more than {NAME_CHARS_MAX} characters")));
    }
    Ok(())
}

/// The file as checks that this box keeps.
fn checks_for_box(
    file: &ParentFile,
    shared: &Shared,
    now: Timestamp,
) -> Result<ParentChecks, ModelError> {
    let zones = file.recordings.iter().flat_map(|one| &one.counted.zones);
    let names = zones.map(|row| row.zone.as_str());
    let models = [&file.quantized, &file.parent].map(|it| [&*it.package, &*it.model]);
    let names = names.chain(models.into_iter().flatten());
    fits(file.recordings.iter().map(|one| &one.recording), names)?;
    installed(shared, &file.quantized.package).ok_or_else(|| {
        other_models(format!("{} is not installed here; install its package first", file.quantized))
    })?;
    is_enough(file)?;
    let check = |one: &ParentRecording| -> Result<ParentCheck, ModelError> {
        let RecordingRow { name, sha256, zones, .. } = one.recording.clone();
        let counted = serde_json::to_string(&one.counted);
        let counted = counted.map_err(|error| useless(error.to_string()))?;
        let lost_most = one.counted.lost_most();
        Ok(ParentCheck { name, sha256, zones, counted, lost_most })
    };
    Ok(ParentChecks {
        package: file.quantized.package.clone(),
        parent: file.parent.package.clone(),
        model: file.quantized.model.clone(),
        settings: serde_json::to_string(&file.settings)
            .map_err(|error| useless(error.to_string()))?,
        made_at: file.made_at,
        recordings: file.recordings.iter().map(check).collect::<Result<_, _>>()?,
        at: now,
    })
}

/// What a box keeps stays a question until it is answered, and none of it is taken back: what says too little
/// does not come in. What speaks against the model does, however few pictures that takes.
fn is_enough(file: &ParentFile) -> Result<(), ModelError> {
    let Checked { zones, outcome, .. } = checked_of(&file.recordings);
    let Outcome::NotEnough { zones: short } = outcome else { return Ok(()) };
    let few = |at: &Place| {
        let inside = zones.get(at).map_or(0, |recall| recall.demanded);
        format!("{inside} in {} of {}", at.zone, at.camera)
    };
    let few: Vec<String> = short.iter().take(ZONES_NAMED_MAX).map(few).collect();
    let text = format!(
        "half a point takes {LOST_ONE_IN} pictures with somebody inside in each zone, and there are {}: \
         check it on more recordings at once, or with a file of zones without those; nothing was kept",
        if few.is_empty() { "none".to_owned() } else { few.join(", ") }
    );
    Err(ModelError::Useless { code: "too_few_pictures", text })
}

/// The file as a run of this box.
///
/// # Errors
/// It is of other models than this box has, or its times are none.
fn run_for_box(
    file: &EvidenceFile,
    shared: &Shared,
    now: Timestamp,
) -> Result<CorpusRun, ModelError> {
    is_small(file)?;
    let (active, shadow) = slots(file, shared)?;
    let mut incidents = Vec::new();
    for (case, number) in file.cases.iter().zip(0..) {
        incidents.extend(rows(file, case, number)?);
    }
    let names: Vec<&str> = file.recordings.iter().map(|it| it.name.as_str()).collect();
    let zones: Vec<&str> = file.recordings.iter().map(|it| it.zones.as_str()).collect();
    let recordings = file.recordings.iter().map(|it| RecordingKept {
        name: it.name.clone(),
        sha256: it.sha256.clone(),
        zones: it.zones.clone(),
    });
    Ok(CorpusRun {
        run: NewShadowRun {
            source: RunSource::Corpus,
            name: names.join(", ").chars().take(NAME_CHARS_MAX).collect(),
            active: active.to_string(),
            shadow: shadow.to_string(),
            active_model: file.active.model.clone(),
            shadow_model: file.shadow.model.clone(),
            zones: sha256_of(zones.join("\n")),
            began: file.made_at,
        },
        ended: now.max(file.made_at),
        progress: RunProgress {
            seen: file.coverage.seen,
            of: file.coverage.of,
            figures: "{}".into(),
        },
        incidents,
        recordings: recordings.collect(),
    })
}

/// The two models, as this box has them.
fn slots(file: &EvidenceFile, shared: &Shared) -> Result<(Slot, Slot), ModelError> {
    let shown = shared.now();
    let active = shown.active.slot.unwrap_or_else(|| shown.ledger.committed());
    let guards = match active {
        Slot::Blob(digest) => digest.to_string(),
        Slot::Shipped => {
            let manifest = shared.folders.shipped.join(MANIFEST);
            let bytes =
                std::fs::read(manifest).map_err(|error| ModelError::Disk(error.to_string()))?;
            sha256_of(bytes)
        }
    };
    if file.active.package != guards {
        return Err(other_models(format!(
            "the file compares with {}, and {active} guards here (manifest {guards}); compare with that",
            file.active
        )));
    }
    match installed(shared, &file.shadow.package) {
        Some(digest) if Slot::Blob(digest) != active => Ok((active, Slot::Blob(digest))),
        _ => Err(other_models(format!(
            "{} is not installed here beside what guards; install its package first",
            file.shadow
        ))),
    }
}

/// The package, where it is on this box and whole.
fn installed(shared: &Shared, package: &str) -> Option<Digest> {
    let digest = package.parse::<Digest>().ok()?;
    let facts = shared.now().facts;
    facts.get(&digest).is_some_and(|facts| facts.damaged.is_none()).then_some(digest)
}

fn other_models(text: String) -> ModelError {
    ModelError::Conflict { code: "other_models", text }
}

/// The incidents of a case, the label with the first.
fn rows(
    file: &EvidenceFile,
    case: &CaseRow,
    number: u64,
) -> Result<Vec<(ShadowIncident, Option<CaseWord>)>, ModelError> {
    let told = KeptTold { told: case.told, later_by_ms: case.later_by_ms };
    let boxes = serde_json::to_string(&told).map_err(|error| useless(error.to_string()))?;
    let at = SpanRow { began_ms: case.at_ms, ended_ms: case.at_ms };
    let spans = match case.told {
        ToldRow::Both => vec![(RunSide::Active, case.active), (RunSide::Shadow, case.shadow)],
        ToldRow::ActiveOnly => vec![(RunSide::Active, case.active)],
        ToldRow::ShadowOnly => vec![(RunSide::Shadow, case.shadow)],
        ToldRow::Neither => vec![(RunSide::Truth, None)],
    };
    let mut word = case.label.map(|label| match label {
        LabelRow::True => CaseWord::True,
        LabelRow::False => CaseWord::False,
        LabelRow::Unsure => CaseWord::Unsure,
    });
    let mut rows = Vec::new();
    for (side, span) in spans {
        let span = span.unwrap_or(at);
        let incident = ShadowIncident {
            side,
            number,
            camera: case.camera.clone(),
            zone: case.zone.clone(),
            zone_name: case.zone.clone(),
            zone_number: None,
            began: moment(file, span.began_ms)?,
            last: moment(file, span.ended_ms)?,
            ended: Ended::Yes,
            score: 0.0,
            boxes: boxes.clone(),
            left_out: None,
        };
        rows.push((incident, word.take()));
    }
    Ok(rows)
}

fn moment(file: &EvidenceFile, after_ms: u64) -> Result<Timestamp, ModelError> {
    let after = i64::try_from(after_ms).ok().map(SignedDuration::from_millis);
    let at = after.and_then(|after| file.made_at.checked_add(after).ok());
    at.ok_or_else(|| useless(format!("{after_ms} ms after {} is no time", file.made_at)))
}
