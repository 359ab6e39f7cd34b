//! `standclear bench cameras`: how many cameras this box can watch, and what keeps it from more.

use std::error::Error;
use std::io::{self, Write};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::detect::{DEFAULT_MODEL, parse_threads};
use crate::cli::footage::{detail_zones, parse_fps};
use crate::cli::output::to_stdout;
use crate::engine::detection::FrameSize;
use crate::vision::bench::cameras::{
    AGE_P99_MAX, CAMERAS_MAX, Holds, Limit, Outcome, RATE_MIN, Trial, find, limit, size_of,
};
use crate::vision::package::ModelPackage;
use crate::zone_file::load_site;

/// Find how many cameras this box can watch with every picture in time.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Video file that every camera plays.
    video: PathBuf,
    /// Pictures a second of each camera.
    #[arg(long, default_value = "5", value_name = "N", value_parser = parse_fps)]
    fps: f64,
    /// Most cameras to try.
    #[arg(long, default_value = "16", value_parser = clap::value_parser!(u16).range(1..=i64::from(CAMERAS_MAX)))]
    most: u16,
    /// Seconds to measure each number of cameras.
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Zone file: look closer around its zones, as `model.detail` does.
    #[arg(long, value_name = "FILE")]
    detail: Option<PathBuf>,
    /// Model package: a folder or a name.
    #[arg(long, default_value = DEFAULT_MODEL)]
    model: String,
    /// Threads inside one inference.
    #[arg(long, default_value = "1", value_parser = parse_threads)]
    threads: NonZeroU16,
    /// Longer side of the model's input in pixels.
    #[arg(long, value_name = "PX")]
    long_side: Option<u32>,
}

/// Measures, printing each number of cameras as it is done.
pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let package = ModelPackage::find(&args.model)?;
    let zones = match &args.detail {
        None => vec![],
        Some(file) => {
            let size: FrameSize = size_of(&args.video)?;
            detail_zones(&load_site(&[("footage".to_owned(), file.as_path())])?, size)
        }
    };
    let trial = Trial {
        video: &args.video,
        model_dir: package.dir().display().to_string(),
        threads: args.threads,
        long_side_px: args.long_side,
        fps: args.fps,
        measure: Duration::from_secs(args.seconds),
        zones,
    };
    to_stdout(head)?;
    let mut written = Ok(());
    let outcomes = find(&trial, args.most, |outcome| {
        if written.is_ok() {
            written = to_stdout(|out| row(out, outcome));
        }
    })?;
    written?;
    to_stdout(|out| verdict(out, &outcomes, args.fps))?;
    Ok(())
}

fn head(out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "cameras  least fps  age p50    p99    max ms  input  model  boxes ms  detector busy  cores  others  MB"
    )
}

fn row(out: &mut dyn Write, it: &Outcome) -> io::Result<()> {
    writeln!(
        out,
        "{:>7}  {:>9.2}  {:>7.0} {:>6.0} {:>6.0}     {:>5.1} {:>6.1} {:>6.1}     {:>11.0} %  {:>5.2}  {:>6.2}  {:>4.0}  {}",
        it.cameras,
        it.least_fps,
        it.age_p50_ms,
        it.age_p99_ms,
        it.age_max_ms,
        it.preprocess_ms,
        it.inference_ms,
        it.boxes_ms,
        100.0 * it.detector_share,
        it.cores,
        it.others_cores,
        it.resident_mb,
        match it.holds {
            Holds::Yes => "holds",
            Holds::No => "does not hold",
        }
    )
}

fn verdict(out: &mut dyn Write, outcomes: &[Outcome], fps: f64) -> io::Result<()> {
    let most = outcomes.iter().filter(|it| it.holds == Holds::Yes).map(|it| it.cameras).max();
    let beyond = |it: &&Outcome| it.holds == Holds::No && most.is_none_or(|most| it.cameras > most);
    let failed = outcomes.iter().filter(beyond).min_by_key(|it| it.cameras);
    let (p99_ms, rate) = (AGE_P99_MAX.as_millis(), 100.0 * RATE_MIN);
    match most {
        Some(most) => writeln!(
            out,
            "{most} camera(s) x {fps} pictures a second: age p99 at most {p99_ms} ms, {rate:.0} % of the \
             pictures looked at"
        )?,
        None => writeln!(out, "not even one camera x {fps} pictures a second")?,
    }
    let Some(failed) = failed else {
        return writeln!(out, "more was not tried");
    };
    let busy = 100.0 * failed.detector_share;
    let picture_ms = failed.preprocess_ms + failed.inference_ms + failed.boxes_ms;
    match limit(failed) {
        Limit::Detector => writeln!(
            out,
            "set by the detector: at {} its thread works {busy:.0} % of the time, {picture_ms:.1} ms a picture",
            failed.cameras
        ),
        Limit::Processor => writeln!(
            out,
            "set by the processor: at {} all threads use {:.2} cores, decoding and scaling among them",
            failed.cameras, failed.cores
        ),
        Limit::OtherPrograms => writeln!(
            out,
            "no limit of this box: other programs used {:.2} cores meanwhile; measure it with nothing beside it",
            failed.others_cores
        ),
        Limit::Other => writeln!(
            out,
            "set by neither detector ({busy:.0} % busy) nor processor ({:.2} cores): the source, or the disk",
            failed.cores
        ),
    }
}
