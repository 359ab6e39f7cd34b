//! What `replay` and `evaluate` share: footage through the model and the engine.

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::clock;
use crate::engine::TrackView;
use crate::engine::detection::FrameSize;
use crate::engine::view_fault::{ViewFault, ViewFaults};
use crate::guard::detail;
use crate::integrity::faults::FaultSpan;
use crate::link::DetailZone;
use crate::replay::{Outcome, Player};
use crate::vision::detail::DELIVERED_PX_MAX;
use crate::vision::inference::{Detector, GoldenCheck, ModelError, Options, Provider};
use crate::vision::offline::{DetailOptions, Offline, OfflineError, OfflineFrame, OfflineOptions};
use crate::vision::package::{ModelPackage, PackageError};
use crate::zone_file::SiteZones;

use super::detect::{DEFAULT_MODEL, parse_threads};

/// Fewer pictures a second than this show nobody walking through a zone …
const FPS_MIN: f64 = 0.1;

/// … and no camera delivers more.
const FPS_MAX: f64 = 1000.0;

/// Footage and how to look at it.
#[derive(Clone, Debug, clap::Args)]
pub struct FootageArgs {
    /// Video file.
    pub video: PathBuf,
    /// Zone file of the camera.
    #[arg(long, value_name = "FILE")]
    pub zones: PathBuf,
    /// Model package: a folder or a name.
    #[arg(long, default_value = DEFAULT_MODEL)]
    pub model: String,
    /// Threads inside one inference.
    #[arg(long, default_value = "1", value_parser = parse_threads)]
    pub threads: NonZeroU16,
    /// Pictures a second to look at; without it, every one.
    #[arg(long, value_name = "N", value_parser = parse_fps)]
    pub fps: Option<f64>,
    /// Longer side of the model's input in pixels; more finds smaller people and takes longer.
    #[arg(long, value_name = "PX")]
    pub long_side: Option<u32>,
    /// Look closer where the zones are and people are small, as `model.detail` does.
    #[arg(long, value_enum, default_value = "off")]
    pub detail: DetailArg,
    /// Paint a fault into the footage, seconds of video time, as in freeze@10..15; may be repeated.
    /// Zones are then UNKNOWN while a fault is told.
    #[arg(long = "fault", value_name = "KIND@START..END")]
    pub faults: Vec<FaultSpan>,
}

/// Whether to look closer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum DetailArg {
    #[default]
    Off,
    /// Around zones in which people are small.
    Zones,
}

impl DetailArg {
    /// As on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            DetailArg::Off => "off",
            DetailArg::Zones => "zones",
        }
    }
}

/// Footage that cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum FootageError {
    #[error("the model package cannot be used")]
    Package(#[source] Box<PackageError>),
    #[error("the model cannot be used")]
    Model(#[source] Box<ModelError>),
    #[error("{} cannot be replayed", .video.display())]
    Replay {
        video: PathBuf,
        #[source]
        source: Box<OfflineError>,
    },
    #[error("{} has no pictures", .video.display())]
    Empty { video: PathBuf },
}

/// Where the time went and what was looked at.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    pub frames: u64,
    pub wall_s: f64,
    /// Sums over all pictures, milliseconds.
    pub decode_wait_ms: f64,
    pub preprocess_ms: f64,
    pub inference_ms: f64,
    pub postprocess_ms: f64,
    pub engine_ms: f64,
    pub size: Option<FrameSize>,
    /// When each picture that was looked at was taken, seconds of video time.
    pub times_s: BTreeMap<u64, f64>,
    /// Video time at the end of the last picture.
    pub end: Duration,
    /// What was told of the view, and when.
    pub told: Vec<(ViewFault, Duration)>,
    /// What was wrong with it in the newest picture.
    wrong: ViewFaults,
}

impl Summary {
    /// How long a picture lasts, seconds.
    pub fn picture_s(&self) -> f64 {
        self.end.as_secs_f64() / self.frames.max(1) as f64
    }
}

/// Plays footage; `see` is shown every picture with the people followed in it.
pub fn play(
    args: &FootageArgs,
    zones: &SiteZones,
    mut see: impl FnMut(&OfflineFrame, &[TrackView]),
) -> Result<(Outcome, Summary), FootageError> {
    let package =
        ModelPackage::find(&args.model).map_err(|e| FootageError::Package(Box::new(e)))?;
    let mut detector = load(&package, args, Provider::Cpu)?;
    play_with(&mut detector, args, zones, |frame, tracks, _| see(frame, tracks))
}

/// The same with a model that is loaded already, whatever `args` says of it; `see` is shown the engine
/// after each picture, too.
pub fn play_with(
    detector: &mut Detector,
    args: &FootageArgs,
    zones: &SiteZones,
    mut see: impl FnMut(&OfflineFrame, &[TrackView], &Player<'_>),
) -> Result<(Outcome, Summary), FootageError> {
    let failed =
        |error| FootageError::Replay { video: args.video.clone(), source: Box::new(error) };
    let options = OfflineOptions { fps: args.fps };
    let started = clock::monotonic();
    let frames = open(args, zones, detector, options).map_err(failed)?;
    let bar = progress_bar(&args.video, frames.total_frames());
    let mut player = Player::new(zones);
    let mut summary = Summary::default();
    let mut last = Duration::ZERO;
    for frame in frames {
        let frame = frame.map_err(failed)?;
        let shown = frame.detections.clone();
        let before = clock::monotonic();
        let tracks = player.show(frame.index, frame.time, frame.source_size, shown);
        player.view(frame.view);
        summary.engine_ms += clock::monotonic().since(before).as_secs_f64() * 1e3;
        summary.add(&frame);
        last = frame.time;
        see(&frame, &tracks, &player);
        bar.set_position(frame.index + 1);
    }
    bar.finish_and_clear();
    if summary.frames == 0 {
        return Err(FootageError::Empty { video: args.video.clone() });
    }
    summary.wall_s = clock::monotonic().since(started).as_secs_f64();
    // The last picture lasts as long as the others did.
    let gaps = u32::try_from(summary.frames - 1).unwrap_or(u32::MAX);
    summary.end = last + last.checked_div(gaps).unwrap_or(Duration::ZERO);
    let outcome = player.finish(summary.end);
    Ok((outcome, summary))
}

fn open<'d>(
    args: &FootageArgs,
    zones: &'d SiteZones,
    detector: &'d mut Detector,
    options: OfflineOptions,
) -> Result<Offline<'d>, OfflineError> {
    match args.detail {
        DetailArg::Off => Offline::open_faulty(&args.video, detector, options, args.faults.clone()),
        DetailArg::Zones => {
            let detail = DetailOptions {
                long_side_px_max: DELIVERED_PX_MAX,
                zones: Box::new(|size| detail_zones(zones, size)),
                faults: args.faults.clone(),
            };
            Offline::open_detailed(&args.video, detector, options, detail)
        }
    }
}

/// The zones of footage of this size, with its calibration.
pub fn detail_zones(zones: &SiteZones, size: FrameSize) -> Vec<DetailZone> {
    let site = zones.for_footage(&[Some(size)]);
    site.cameras.iter().flat_map(detail::zones).collect()
}

impl Summary {
    fn add(&mut self, frame: &OfflineFrame) {
        self.frames += 1;
        self.decode_wait_ms += frame.decode_wait_ms;
        self.preprocess_ms += frame.preprocess_ms;
        self.inference_ms += frame.inference_ms;
        self.postprocess_ms += frame.postprocess_ms;
        self.size = Some(frame.source_size);
        self.times_s.insert(frame.index, frame.time.as_secs_f64());
        for fault in frame.view.iter().filter(|fault| !self.wrong.has(*fault)) {
            self.told.push((fault, frame.time));
        }
        self.wrong = frame.view;
    }
}

/// The model of this package, as `args` wants it run.
pub fn load(
    package: &ModelPackage,
    args: &FootageArgs,
    provider: Provider,
) -> Result<Detector, FootageError> {
    let options = Options {
        threads: args.threads,
        long_side_px: args.long_side,
        provider,
        golden: GoldenCheck::Run,
    };
    Detector::load(package, &options).map_err(|e| FootageError::Model(Box::new(e)))
}

/// A bar on a terminal, nothing anywhere else.
fn progress_bar(video: &Path, frames: Option<u64>) -> ProgressBar {
    let bar = match frames {
        Some(frames) => ProgressBar::new(frames),
        None => ProgressBar::new_spinner(),
    };
    let template = "{msg} {wide_bar} {pos}/{len} pictures, {per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(video.file_name().unwrap_or_default().to_string_lossy().into_owned());
    bar
}

/// For `--fps`.
pub fn parse_fps(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(fps) if (FPS_MIN..=FPS_MAX).contains(&fps) => Ok(fps),
        _ => Err(format!("a number from {FPS_MIN} to {FPS_MAX} is wanted")),
    }
}
