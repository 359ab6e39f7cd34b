//! `standclear bench`: the whole pipeline against the model alone, in one run; how many cameras a box
//! can watch; what looking closer finds and costs.

mod cameras;
mod detail;

use std::error::Error;
use std::io::{self, Write};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};

use crate::engine::geometry::{Area, AreaError};
use crate::engine::zone::Rules;
use crate::engine::{CameraSpec, Site, ZoneSpec};
use crate::replay::Player;
use crate::vision::bench::{self, BenchOptions, BenchResult};
use crate::vision::inference::{Detector, GoldenCheck, Options, Provider};
use crate::vision::package::ModelPackage;
use crate::zone_file::{SiteZones, ZoneInfo, load_site};

use super::detect::{DEFAULT_MODEL, parse_threads};
use super::output::to_stdout;

/// Measure how much the pipeline costs beyond the model itself.
#[derive(Clone, Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    other: Option<Other>,
    /// Video file to run on.
    #[arg(required = true)]
    video: Option<PathBuf>,
    /// Zone file the engine decides on; without it, the whole picture is one zone.
    #[arg(long, value_name = "FILE")]
    zones: Option<PathBuf>,
    /// Model package: a folder or a name.
    #[arg(long, default_value = DEFAULT_MODEL)]
    model: String,
    /// Threads inside one inference.
    #[arg(long, default_value = "1", value_parser = parse_threads)]
    threads: NonZeroU16,
    /// Longer side of the model's input in pixels.
    #[arg(long, value_name = "PX")]
    long_side: Option<u32>,
    /// How often raw inference and pipeline take turns.
    #[arg(long, default_value = "5", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Pictures in each turn.
    #[arg(long, default_value = "100", value_parser = clap::value_parser!(u32).range(1..))]
    pictures: u32,
}

/// Other measurements.
#[derive(Clone, Debug, clap::Subcommand)]
enum Other {
    Cameras(cameras::Args),
    Detail(detail::Args),
}

/// Measures and prints a table.
pub fn run(args: Args) -> Result<(), Box<dyn Error>> {
    match (&args.other, &args.video) {
        (Some(Other::Cameras(cameras)), _) => cameras::run(cameras),
        (Some(Other::Detail(detail)), _) => detail::run(detail),
        (None, Some(video)) => pipeline(&args, video),
        // The parser asks for one or the other.
        (None, None) => Ok(()),
    }
}

fn pipeline(args: &Args, video: &Path) -> Result<(), Box<dyn Error>> {
    let package = ModelPackage::find(&args.model)?;
    let options = Options {
        threads: args.threads,
        long_side_px: args.long_side,
        provider: Provider::Cpu,
        golden: GoldenCheck::Skip,
    };
    let mut detector = Detector::load(&package, &options)?;
    let options = BenchOptions { rounds: args.rounds, pictures: args.pictures };
    let zones = match &args.zones {
        Some(file) => load_site(&[("footage".to_owned(), file.as_path())])?,
        None => whole_picture()?,
    };
    // Each pass shows the footage from its start, so each gets a player of its own.
    let mut player = Player::new(&zones);
    let result = bench::run(video, &mut detector, options, |frame| {
        if frame.index == 0 {
            player = Player::new(&zones);
        }
        player.show(frame.index, frame.time, frame.source_size, frame.detections.clone());
    })?;
    to_stdout(|out| print(out, &result, args.threads))?;
    Ok(())
}

fn whole_picture() -> Result<SiteZones, AreaError> {
    let area = Area::new(&[vec![vec![(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]]])?;
    let zone = ZoneSpec::restricted(area, Rules::DEFAULT);
    let info = ZoneInfo {
        id: "picture".to_owned(),
        name: "Picture".to_owned(),
        kind: "restricted".to_owned(),
        ..ZoneInfo::default()
    };
    let site = Site { cameras: vec![CameraSpec { zones: vec![zone], ..CameraSpec::default() }] };
    Ok(SiteZones { site, infos: vec![info], ..SiteZones::default() })
}

fn print(out: &mut dyn Write, result: &BenchResult, threads: NonZeroU16) -> io::Result<()> {
    writeln!(out, "{} pictures, {threads} thread(s)", result.pictures)?;
    writeln!(out, "raw inference        {:8.3} ms/picture", result.raw_ms)?;
    writeln!(out, "pipeline             {:8.3} ms/picture", result.pipeline_ms)?;
    writeln!(out, "pipeline / raw       {:8.3}", result.ratio())?;
    writeln!(out, "of the pipeline:")?;
    writeln!(out, "  inference          {:8.3} ms", result.inference_ms)?;
    writeln!(out, "  waiting for decode {:8.3} ms", result.decode_wait_ms)?;
    writeln!(out, "  boxes              {:8.3} ms", result.postprocess_ms)?;
    writeln!(out, "  engine             {:8.3} ms", result.consumer_ms)?;
    writeln!(out, "beside it, in the decoding thread: input {:.3} ms", result.preprocess_ms)
}
