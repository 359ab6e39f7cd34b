//! `standclear integrity`: what a camera's faults would be told as, tried on footage.

mod quiet;

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::integrity::faults::FaultKind;
use crate::integrity::judge::STRONG_MIN;
use crate::vision::preprocess::Fit;
use crate::vision::trial::{self, Trial, TrialOptions};

use super::output::to_stdout;

/// The clean footage is looked at for at least so long.
const CLEAN_AT_LEAST: Duration = Duration::from_secs(60);

/// The multiple to which a model's input is filled up; it does not change the picture's content.
const MULTIPLE_PX: u32 = 32;

/// Put every fault of a camera into footage, and see what is told and when.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Video files.
    #[arg(required = true)]
    videos: Vec<PathBuf>,
    /// Pictures a second to look at.
    #[arg(long, value_name = "N", default_value = "5")]
    fps: f64,
    /// Longer side of the picture that is looked at, in pixels.
    #[arg(long, value_name = "PX", default_value = "416",
          value_parser = clap::value_parser!(u32).range(128..))]
    long_side: u32,
    /// Then show each of them, and a generated yard, without faults for so many hours of made days.
    #[arg(long, value_name = "N", default_value = "0")]
    hours: f64,
    /// … and spend no more than this on all of them together.
    #[arg(long, value_name = "N", default_value = "30")]
    minutes: f64,
    /// Of these videos the camera itself moves: nothing told of them as they are is false.
    #[arg(long, value_name = "VIDEO")]
    moved: Vec<PathBuf>,
    /// Only these kinds of fault; without it, all.
    #[arg(long, value_name = "KIND", value_parser = parse_kind)]
    fault: Vec<FaultKind>,
}

fn parse_kind(text: &str) -> Result<FaultKind, String> {
    let found = FaultKind::ALL.into_iter().find(|kind| kind.word() == text);
    let known = FaultKind::ALL.map(FaultKind::word).join(", ");
    found.ok_or_else(|| format!("no kind of fault; there are: {known}"))
}

/// Whether footage is of a camera that stands still.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Camera {
    Stands,
    Moves,
}

/// What a kind of fault gave on one piece of footage.
enum Verdict {
    /// Told in time.
    Found {
        after: Duration,
    },
    /// Nothing is wrong with such pictures, and nothing was told.
    Quiet,
    /// Something else was told, in time: the zones are UNKNOWN, by another name.
    Otherwise {
        word: String,
        after: Duration,
    },
    Late {
        after: Duration,
    },
    Missed,
    /// Told though nothing is wrong with such pictures.
    FalselyTold {
        word: String,
    },
}

/// Tries and prints a table.
pub fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let options = TrialOptions { fit: Fit::new(args.long_side, MULTIPLE_PX), fps: args.fps };
    let kinds = match args.fault.is_empty() {
        true => FaultKind::ALL.to_vec(),
        false => args.fault,
    };
    let (mut clean, mut failed) = (Vec::new(), 0);
    let videos = args.videos.iter().map(|video| (video, Camera::Stands));
    let moved = args.moved.iter().map(|video| (video, Camera::Moves));
    for (video, camera) in videos.chain(moved) {
        to_stdout(|out| writeln!(out, "{}", name(video)))?;
        let plain = trial::clean(video, options, CLEAN_AT_LEAST)?;
        to_stdout(|out| print_clean(out, &plain))?;
        if camera == Camera::Stands {
            clean.push(plain);
        }
        for &kind in &kinds {
            let trial = trial::of_kind(video, options, kind)?;
            let verdict = judge(kind, &trial);
            failed += usize::from(verdict.is_failure(&trial));
            to_stdout(|out| print_fault(out, kind, &trial, verdict))?;
        }
    }
    to_stdout(|out| print_rate(out, &clean))?;
    if args.hours > 0.0 {
        let videos: Vec<&Path> = args.videos.iter().map(PathBuf::as_path).collect();
        quiet::run(&videos, options, (args.hours, args.minutes))?;
    }
    if failed > 0 {
        return Err(
            format!("{failed} of the faults above were not told in time, or falsely").into()
        );
    }
    Ok(())
}

fn name(video: &Path) -> String {
    video.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn judge(kind: FaultKind, trial: &Trial) -> Verdict {
    let from = trial.fault_at.unwrap_or_default();
    let after = |at: Duration| at.saturating_sub(from);
    let since = trial.told.iter().filter(|told| told.at >= from);
    if kind == FaultKind::Stall {
        return match trial.no_picture_at {
            Some(at) => Verdict::Found { after: after(at) },
            None => Verdict::Missed,
        };
    }
    let Some((fault, within)) = kind.must_tell() else {
        let mut since = since.filter(|told| told.at < from + trial::LASTS);
        return match since.next() {
            Some(told) => Verdict::FalselyTold { word: format!("{:?}", told.fault) },
            None => Verdict::Quiet,
        };
    };
    let during: Vec<_> = since.filter(|told| told.at < from + trial::LASTS).collect();
    let right = during.iter().find(|told| told.fault == fault);
    match (right, during.first()) {
        (Some(told), _) if after(told.at) <= within => Verdict::Found { after: after(told.at) },
        (_, Some(other)) if after(other.at) <= within => {
            Verdict::Otherwise { word: format!("{:?}", other.fault), after: after(other.at) }
        }
        (Some(told), _) => Verdict::Late { after: after(told.at) },
        (None, Some(other)) => Verdict::Late { after: after(other.at) },
        (None, None) => Verdict::Missed,
    }
}

impl Verdict {
    /// Whether that is not what R15 asks for. A view too plain to be recognised is none of ours.
    fn is_failure(&self, trial: &Trial) -> bool {
        match self {
            Verdict::Found { .. } | Verdict::Quiet | Verdict::Otherwise { .. } => false,
            Verdict::Missed => trial.strong >= STRONG_MIN,
            Verdict::Late { .. } | Verdict::FalselyTold { .. } => true,
        }
    }
}

fn print_fault(
    out: &mut dyn Write,
    kind: FaultKind,
    trial: &Trial,
    verdict: Verdict,
) -> io::Result<()> {
    let within = kind.must_tell().map(|(_, within)| within.as_secs_f64());
    let text = match verdict {
        Verdict::Found { after } => format!("found after {:.1} s", after.as_secs_f64()),
        Verdict::Quiet => "nothing told, as it should be".to_owned(),
        Verdict::Otherwise { word, after } => {
            format!("found after {:.1} s as {word}", after.as_secs_f64())
        }
        Verdict::Late { after } => format!("LATE: after {:.1} s", after.as_secs_f64()),
        Verdict::Missed if trial.strong < STRONG_MIN => format!(
            "not found: the view is too plain, {} of its cells can be recognised, {STRONG_MIN} are needed",
            trial.strong
        ),
        Verdict::Missed => "NOT FOUND".to_owned(),
        Verdict::FalselyTold { word } => format!("FALSELY TOLD: {word}"),
    };
    let allowed = within.map_or(String::new(), |within| format!(" (allowed: {within:.0} s)"));
    writeln!(out, "  {:<10} {text}{allowed}", kind.word())
}

fn print_clean(out: &mut dyn Write, trial: &Trial) -> io::Result<()> {
    let ms = trial.cost.as_secs_f64() * 1e3 / trial.pictures.max(1) as f64;
    write!(
        out,
        "  {:<10} {} false in {:.0} s, {ms:.2} ms a picture",
        "clean",
        trial.told.len(),
        trial.shown.as_secs_f64()
    )?;
    for told in &trial.told {
        let at = told.at.as_secs_f64();
        write!(
            out,
            "; {:?} at {at:.1} s ({:.2}, limit {:.2})",
            told.fault, told.measured, told.limit
        )?;
    }
    writeln!(out)
}

fn print_rate(out: &mut dyn Write, clean: &[Trial]) -> io::Result<()> {
    let told: usize = clean.iter().map(|trial| trial.told.len()).sum();
    let hours = clean.iter().map(|trial| trial.shown.as_secs_f64()).sum::<f64>() / 3600.0;
    writeln!(out, "clean footage: {told} false troubles in {hours:.3} h")
}
