//! `standclear model check-quantization`: does the INT8 model still see what its FP32 parent saw, in
//! the zones of these recordings?
//!
//! What counts is what the engine makes of a picture: a zone that is OCCUPIED after it has somebody
//! inside. So a box that is missing for one picture while its person keeps the zone OCCUPIED is no
//! loss, as it is none for anybody who is guarded.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::super::output::{self, to_stdout};
use super::Refused;
use super::kept;
use super::pictures;
use super::recordings::{self, LookArgs, Recording, Truth, Watched};
use super::side::{BoxArgs, Side};
use super::words;
use crate::clock;
use crate::engine::detection::{Detection, FrameSize};
use crate::engine::geometry::Area;
use crate::gate::pairs::Place;
use crate::gate::quantization::{
    Checked, Counted, Difference, Differs, Looked, Outcome, Recall, Says, Truth as Known,
};
use crate::guard::models::recorded::{
    KeptZones, PARENT_FORMAT, PARENT_VERSION, ParentFile, ParentRecording,
};
use crate::replay::mot::{Counts, TruthRow};
use crate::vision::package::Activations;

/// See the module.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The quantized model: a folder, a name, a package file, or a slot (`shipped`, `sha256-…`).
    int8: String,
    /// Its parent, that is not quantized.
    fp32: String,
    #[command(flatten)]
    look: LookArgs,
    #[command(flatten)]
    of_box: BoxArgs,
    /// Write the pictures that differ into this folder, with the boxes of both: green the parent's,
    /// red the quantized model's.
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
    /// Write what came out as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Keep what was counted; `standclear model evidence --into-box` gives it to a box, whose gate
    /// lets no quantized model guard without.
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
}

/// Models that are no quantized one and its parent.
#[derive(Debug, thiserror::Error)]
enum SidesError {
    #[error(
        "the model {given} is not quantized (its `activations` are f32), and needs no such check"
    )]
    NotQuantized { given: String },
    #[error(
        "the model {given} is quantized itself (its `activations` are not f32); give the one that it \
         was quantized from"
    )]
    ParentQuantized { given: String },
    #[error(
        "the truth of {recording} has nobody at all, so nothing can be lost in it; leave the recording \
         out, or give the truth of this one"
    )]
    NobodyTrue { recording: String },
}

pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    output::check(&[args.json.as_deref(), args.keep.as_deref()], &[])?;
    if let Some(folder) = &args.pictures {
        pictures::make_folder(folder)?;
    }
    let recordings = recordings::open(&args.look)?;
    let int8 = args.of_box.open(&args.int8)?;
    let fp32 = args.of_box.open(&args.fp32)?;
    if !is_quantized(&int8) {
        return Err(SidesError::NotQuantized { given: args.int8.clone() }.into());
    }
    if let Some(empty) = recordings.iter().find(|it| it.truth.as_ref().is_some_and(Truth::is_empty))
    {
        return Err(SidesError::NobodyTrue { recording: empty.name.clone() }.into());
    }
    if is_quantized(&fp32) {
        return Err(SidesError::ParentQuantized { given: args.fp32.clone() }.into());
    }
    let (by_int8, int8_detector) = recordings::watch(&int8, &recordings, &args.look)?;
    let (by_fp32, fp32_detector) = recordings::watch(&fp32, &recordings, &args.look)?;
    let file = ParentFile {
        format: PARENT_FORMAT.to_owned(),
        version: PARENT_VERSION,
        made_at: clock::wall(),
        quantized: kept::model(&int8, &int8_detector),
        parent: kept::model(&fp32, &fp32_detector),
        settings: kept::settings(&args.look),
        recordings: counted(&recordings, &by_fp32, &by_int8),
    };
    let checked = file.checked();
    to_stdout(|out| print(out, &checked))?;
    if let Some(folder) = &args.pictures {
        let drawn = pictures::draw(folder, &recordings, &checked.differ, &by_fp32, &by_int8)?;
        to_stdout(|out| writeln!(out, "{drawn} pictures written to {}", folder.display()))?;
    }
    let mut report = serde_json::to_vec_pretty(&Report::of(&checked))?;
    report.push(b'\n');
    let kept = file.text()?;
    let mut files = Vec::new();
    files.extend(args.json.as_deref().map(|file| (file, report.as_slice())));
    files.extend(args.keep.as_deref().map(|file| (file, kept.as_slice())));
    output::write_all(&files)?;
    match checked.outcome {
        Outcome::Refused { .. } => Err(Refused::Quantized.into()),
        Outcome::Accepted | Outcome::NotEnough { .. } => Ok(()),
    }
}

/// Whether the model that is run here, or any other of the package, holds its activations in bytes.
fn is_quantized(side: &Side) -> bool {
    side.package.manifest().variants.iter().any(|it| it.activations != Activations::F32)
}

/// Every zone in every picture that both looked at, recording by recording.
fn counted(
    recordings: &[Recording],
    parent: &[Watched],
    quantized: &[Watched],
) -> Vec<ParentRecording> {
    let each = recordings.iter().zip(parent).zip(quantized);
    each.map(|((recording, parent), quantized)| {
        let looked = looked(recording, parent, quantized);
        let mut pictures: Vec<u64> = looked.iter().map(|one| one.picture).collect();
        pictures.dedup();
        let (seconds, pictures) = (parent.summary.end.as_secs_f64(), pictures.len() as u64);
        ParentRecording {
            recording: kept::recording(recording, Duration::ZERO, seconds, pictures),
            counted: KeptZones::of(&Counted::of(&looked)),
        }
    })
    .collect()
}

fn looked(recording: &Recording, parent: &Watched, quantized: &Watched) -> Vec<Looked> {
    let mut looked = Vec::new();
    // Where somebody is an incident by being there. Of a zone that wants somebody the state says nothing:
    // it is OCCUPIED by an incident as well, since there is nobody.
    let judged = recording.judged();
    let truth = Inside::of(recording, parent);
    let others: BTreeMap<u64, &[bool]> =
        quantized.pictures.iter().map(|one| (one.index, one.occupied.as_slice())).collect();
    for picture in &parent.pictures {
        let Some(other) = others.get(&picture.index) else {
            continue;
        };
        for (zone, id, _) in &judged {
            let zone = *zone;
            let says = |occupied: &[bool]| match occupied.get(zone) {
                Some(true) => Says::Inside,
                Some(false) | None => Says::Nobody,
            };
            looked.push(Looked {
                clip: recording.name.clone(),
                picture: picture.index,
                place: recording.place(id),
                truth: truth.at(zone, picture.index),
                parent: says(&picture.occupied),
                quantized: says(other),
            });
        }
    }
    looked
}

/// Who was inside, by the truth or, where there is none, by the parent: by zone and picture. Only of
/// areas in which somebody is an incident by being there.
#[derive(Default)]
struct Inside {
    known: BTreeMap<(usize, u64), Known>,
    /// Zones of which is said who is inside; of the others nobody knows.
    judged: BTreeSet<usize>,
}

impl Inside {
    fn of(recording: &Recording, parent: &Watched) -> Inside {
        let mut inside = Inside::default();
        let Some(size) = parent.summary.size else {
            return inside;
        };
        for (zone, _, area) in recording.judged() {
            inside.judged.insert(zone);
            match &recording.truth {
                Some(truth) => inside.by_truth(zone, area, truth, size),
                None => inside.by_parent(zone, area, parent, size),
            }
        }
        inside
    }

    fn by_truth(&mut self, zone: usize, area: &Area, truth: &Truth, size: FrameSize) {
        for (picture, rows) in truth.by_picture() {
            let is_in = |row: &&TruthRow| area.contains(row.bounds.anchor_norm(size));
            let counts = |wanted| rows.iter().filter(is_in).any(|row| row.counts == wanted);
            if counts(Counts::Yes) {
                self.known.insert((zone, picture), Known::Inside);
            } else if counts(Counts::LeftOut) {
                self.known.insert((zone, picture), Known::NotKnown);
            }
        }
    }

    /// Somebody whom the parent sees there in this very picture. That a zone is OCCUPIED for a second
    /// or two after everybody has left is no person inside.
    fn by_parent(&mut self, zone: usize, area: &Area, parent: &Watched, size: FrameSize) {
        for picture in &parent.pictures {
            let is_in = |one: &Detection| area.contains(one.bounds.anchor_norm(size));
            if picture.occupied.get(zone) == Some(&true) && picture.detections.iter().any(is_in) {
                self.known.insert((zone, picture.index), Known::Inside);
            }
        }
    }

    fn at(&self, zone: usize, picture: u64) -> Known {
        let otherwise = if self.judged.contains(&zone) { Known::Nobody } else { Known::NotKnown };
        self.known.get(&(zone, picture)).copied().unwrap_or(otherwise)
    }
}

fn print(out: &mut dyn Write, checked: &Checked) -> io::Result<()> {
    writeln!(
        out,
        "{:<40} {:>8} {:>8} {:>8} {:>12}",
        "zone", "inside", "FP32 saw", "INT8 saw", "points lost"
    )?;
    for (place, recall) in &checked.zones {
        let lost = recall.lost_points().map_or("-".to_owned(), |it| format!("{it:+.2}"));
        let Recall { demanded, parent_found, quantized_found } = recall;
        writeln!(
            out,
            "{:<40} {demanded:>8} {parent_found:>8} {quantized_found:>8} {lost:>12}",
            called(place)
        )?;
    }
    if !checked.differ.is_empty() {
        writeln!(out, "pictures in which they differ, the first {}:", checked.differ.len())?;
    }
    for one in &checked.differ {
        writeln!(out, "  {} picture {}: {}", called(&one.place), one.picture, how(one.how))?;
    }
    writeln!(out, "{}", words::quantization(checked))
}

fn called(place: &Place) -> String {
    format!("{} {}", place.camera, place.zone)
}

/// A difference in words.
pub fn how(how: Difference) -> &'static str {
    match how {
        Difference::Lost => "lost, only FP32 sees somebody",
        Difference::Won => "won, only INT8 sees somebody",
        Difference::Ghost => "only INT8 sees somebody, and nobody is known to be there",
        Difference::GhostGone => "only FP32 sees somebody, and nobody is known to be there",
    }
}

#[derive(Serialize)]
struct Report {
    outcome: &'static str,
    zones: Vec<ZoneReport>,
    differ: Vec<DiffersReport>,
}

#[derive(Serialize)]
struct ZoneReport {
    recording: String,
    zone: String,
    inside: usize,
    fp32_saw: usize,
    int8_saw: usize,
    lost_points: Option<f64>,
}

#[derive(Serialize)]
struct DiffersReport {
    recording: String,
    zone: String,
    picture: u64,
    how: &'static str,
}

impl Report {
    fn of(checked: &Checked) -> Report {
        let zone = |(place, recall): (&Place, &Recall)| ZoneReport {
            recording: place.camera.clone(),
            zone: place.zone.clone(),
            inside: recall.demanded,
            fp32_saw: recall.parent_found,
            int8_saw: recall.quantized_found,
            lost_points: recall.lost_points(),
        };
        let differs = |one: &Differs| DiffersReport {
            recording: one.clip.clone(),
            zone: one.place.zone.clone(),
            picture: one.picture,
            how: match one.how {
                Difference::Lost => "lost",
                Difference::Won => "won",
                Difference::Ghost => "ghost",
                Difference::GhostGone => "ghost_gone",
            },
        };
        Report {
            outcome: match checked.outcome {
                Outcome::Accepted => "accepted",
                Outcome::Refused { .. } => "refused",
                Outcome::NotEnough { .. } => "not_enough",
            },
            zones: checked.zones.iter().map(zone).collect(),
            differ: checked.differ.iter().map(differs).collect(),
        }
    }
}
