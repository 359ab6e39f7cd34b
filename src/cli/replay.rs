//! `standclear replay`: recorded footage through the real engine, as fast as it goes.
//!
//! Files are written when the whole footage has been replayed, each of them whole.

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::integrity::faults::FaultSpan;
use crate::replay::{Outcome, event_log, mot};
use crate::zone_file::load_site;

use super::footage::{FootageArgs, Summary, play};
use super::output::{check, to_stdout, write_all};

/// Show recorded footage to the engine and see what it would have done.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    footage: FootageArgs,
    /// Write what happened, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Write followed people as MOTChallenge text.
    #[arg(long, value_name = "FILE")]
    tracks: Option<PathBuf>,
    /// Write every detection as MOTChallenge text, id -1.
    #[arg(long, value_name = "FILE")]
    detections: Option<PathBuf>,
}

/// Replays and prints a summary.
pub fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let outputs = [args.events.as_deref(), args.tracks.as_deref(), args.detections.as_deref()];
    check(&outputs, &[&args.footage.video, &args.footage.zones])?;
    let zones = load_site(&[("footage".to_owned(), args.footage.zones.as_path())])?;
    let (mut tracks, mut detections) = (String::new(), String::new());
    let (outcome, summary) = play(&args.footage, &zones, |frame, followed| {
        for track in followed {
            let id = i64::try_from(track.id.0).unwrap_or(i64::MAX);
            mot::push_row(&mut tracks, frame.index, id, track.bounds, track.score.get());
        }
        for detection in &frame.detections {
            let score = detection.score.get();
            mot::push_row(&mut detections, frame.index, -1, detection.bounds, score);
        }
    })?;
    let events = event_log::to_json_lines(&outcome.events)?;
    let wanted =
        [(&args.events, &events), (&args.tracks, &tracks), (&args.detections, &detections)];
    let files: Vec<(&Path, &[u8])> = wanted
        .into_iter()
        .filter_map(|(path, text)| Some((path.as_deref()?, text.as_bytes())))
        .collect();
    write_all(&files)?;
    to_stdout(|out| print(out, &outcome, &summary))?;
    to_stdout(|out| print_view(out, &args.footage.faults, &summary))?;
    Ok(())
}

fn print(out: &mut dyn Write, outcome: &Outcome, summary: &Summary) -> io::Result<()> {
    let frames = summary.frames as f64;
    writeln!(
        out,
        "{} pictures of {:.1} s in {:.1} s: {:.1} pictures a second",
        summary.frames,
        summary.end.as_secs_f64(),
        summary.wall_s,
        frames / summary.wall_s
    )?;
    writeln!(out, "mean ms a picture:")?;
    for (stage, sum) in [
        ("waiting for decode", summary.decode_wait_ms),
        ("inference", summary.inference_ms),
        ("boxes", summary.postprocess_ms),
        ("engine", summary.engine_ms),
    ] {
        writeln!(out, "  {stage:<20}{:8.3}", sum / frames)?;
    }
    writeln!(out, "  (beside it, preparing the input: {:.3})", summary.preprocess_ms / frames)?;
    let goes_on = match outcome.unfinished {
        0 => String::new(),
        n => format!(", {n} of them still going on at the end"),
    };
    writeln!(out, "{} incident(s){goes_on}", outcome.incidents)
}

/// What was told of the view while faults were painted in, and after how long.
fn print_view(out: &mut dyn Write, faults: &[FaultSpan], summary: &Summary) -> io::Result<()> {
    for (fault, at) in &summary.told {
        let at_s = at.as_secs_f64();
        let recent = faults.iter().filter(|span| span.from <= *at).max_by_key(|span| span.from);
        match recent {
            Some(span) => {
                let after_s = at.saturating_sub(span.from).as_secs_f64();
                writeln!(out, "view: {fault:?} at {at_s:.1} s, {after_s:.1} s into {span}")?;
            }
            None => writeln!(out, "view: {fault:?} at {at_s:.1} s, falsely: no fault yet")?,
        }
    }
    if summary.told.is_empty() && !faults.is_empty() {
        writeln!(out, "view: nothing told")?;
    }
    Ok(())
}
