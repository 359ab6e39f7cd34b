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

/// What the columns mean, under every table.
const COLUMNS: &str = "\
least fps      pictures a second of the camera that got the fewest
age p50…max    from the camera's picture to its detections: half, 99 % and all of them are no older
input          bringing a picture into the model's form, ms of the detector's thread
model          the model itself, ms a picture
boxes          from the model's numbers to detections, ms a picture
detector busy  how much of the time the one thread that does these three works
cores          what the whole vision process uses, decoding and scaling among it
others         what other programs used meanwhile: much of it, and the row says nothing of this box
MB             memory of the process at the end of the row";

/// Find how many cameras this box can watch with every picture in time.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = format!("The columns:\n{COLUMNS}"))]
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
    to_stdout(|out| verdict(out, &outcomes, args.fps, args.most))?;
    to_stdout(|out| writeln!(out, "\n{COLUMNS}"))?;
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

fn verdict(out: &mut dyn Write, outcomes: &[Outcome], fps: f64, tried_max: u16) -> io::Result<()> {
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
        let held = most.unwrap_or(0);
        return writeln!(
            out,
            "{held} cameras hold; the limit was not reached (--most {tried_max}): try more with \
             --most, up to {CAMERAS_MAX}"
        );
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn outcome(cameras: u16, holds: Holds) -> Outcome {
        Outcome {
            cameras,
            pictures: 100,
            least_fps: 5.0,
            age_p50_ms: 40.0,
            age_p99_ms: 60.0,
            age_max_ms: 70.0,
            preprocess_ms: 2.0,
            inference_ms: 25.0,
            boxes_ms: 3.0,
            detector_share: 0.95,
            cores: 1.1,
            others_cores: 0.0,
            resident_mb: 300.0,
            holds,
        }
    }

    fn said(outcomes: &[Outcome], most: u16) -> String {
        let mut out = Vec::new();
        verdict(&mut out, outcomes, 5.0, most).expect("memory takes it");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_limit_that_was_not_reached_is_not_said_to_be_one() {
        let all_hold = [outcome(1, Holds::Yes), outcome(2, Holds::Yes)];
        let text = said(&all_hold, 2);
        assert!(text.contains("2 cameras hold; the limit was not reached (--most 2)"), "{text}");
        let limited = [outcome(1, Holds::Yes), outcome(2, Holds::No)];
        let text = said(&limited, 2);
        assert!(text.contains("1 camera(s)") && text.contains("set by the detector"), "{text}");
        assert!(!text.contains("not reached"), "{text}");
    }

    #[test]
    fn the_side_of_the_model_s_input_is_taken_and_every_column_is_explained() {
        let line = Line::parse_from(["cameras", "clip.avi", "--long-side", "320"]);
        assert_eq!(line.args.long_side, Some(320));
        let mut table = Vec::new();
        head(&mut table).expect("memory takes it");
        let table = String::from_utf8(table).expect("text");
        let named = ["least fps", "age p50", "input", "model", "boxes", "detector busy", "cores"];
        for name in named.into_iter().chain(["others", "MB"]) {
            assert!(table.contains(name), "{name} is no column: {table}");
            assert!(COLUMNS.lines().any(|line| line.starts_with(name)), "{name} is not explained");
        }
    }
}
