//! `standclear bench detail`: what looking closer around the zones finds, and what it costs.
//!
//! The same pictures are looked at whole, whole with crops, and whole with a larger input, as they are
//! and as if the camera had fewer pixels. People are those of the truth.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write};
use std::num::NonZeroU16;
use std::path::PathBuf;

use crate::cli::detect::{DEFAULT_MODEL, parse_threads};
use crate::cli::evaluate::read_truth;
use crate::cli::footage::detail_zones;
use crate::cli::output::to_stdout;
use crate::engine::detection::FrameSize;
use crate::engine::geometry::Area;
use crate::engine::zone::ENTER_SCORE;
use crate::evaluation::boxes::BoxCount;
use crate::replay::mot::{Counts, TruthRow};
use crate::vision::detail::DELIVERED_PX_MAX;
use crate::vision::inference::{Detector, GoldenCheck, Options, Provider};
use crate::vision::offline::{DetailOptions, Offline, OfflineFrame, OfflineOptions};
use crate::vision::package::ModelPackage;
use crate::zone_file::{SiteZones, load_site};

/// Measure what looking closer around the zones finds and costs.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Video file.
    video: PathBuf,
    /// Zone file of the camera.
    #[arg(long, value_name = "FILE")]
    zones: PathBuf,
    /// True boxes, MOTChallenge text.
    #[arg(long, value_name = "GT")]
    truth: PathBuf,
    /// Longer side of the picture as if the camera delivered no more, pixels; may be given again.
    #[arg(long, value_name = "PX")]
    delivered: Vec<u32>,
    /// Longer side of the model's input for the whole picture, pixels; may be given again.
    #[arg(long, value_name = "PX", default_values_t = [640, 960])]
    long_side: Vec<u32>,
    /// Pictures to look at, from the first.
    #[arg(long, default_value = "400", value_parser = clap::value_parser!(u32).range(1..))]
    pictures: u32,
    /// Model package: a folder or a name.
    #[arg(long, default_value = DEFAULT_MODEL)]
    model: String,
    /// Threads inside one inference.
    #[arg(long, default_value = "1", value_parser = parse_threads)]
    threads: NonZeroU16,
}

/// One way of looking.
struct Way {
    delivered_px: u32,
    long_side_px: u32,
    closer: Closer,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Closer {
    No,
    Yes,
}

/// What one way found and cost.
#[derive(Default)]
struct Found {
    all: BoxCount,
    in_zones: BoxCount,
    pictures: u32,
    input_px: usize,
    ms: f64,
}

/// Measures and prints a table.
pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let package = ModelPackage::find(&args.model)?;
    let zones = load_site(&[("footage".to_owned(), args.zones.as_path())])?;
    let mut truth: BTreeMap<u64, Vec<TruthRow>> = BTreeMap::new();
    for row in read_truth(&args.truth)? {
        truth.entry(row.frame).or_default().push(row);
    }
    to_stdout(head)?;
    for delivered_px in [&[DELIVERED_PX_MAX], args.delivered.as_slice()].concat() {
        for long_side_px in &args.long_side {
            for closer in [Closer::No, Closer::Yes] {
                let way = Way { delivered_px, long_side_px: *long_side_px, closer };
                let found = look(args, &package, &zones, &truth, &way)?;
                to_stdout(|out| row(out, &way, &found))?;
            }
        }
    }
    Ok(())
}

fn look(
    args: &Args,
    package: &ModelPackage,
    zones: &SiteZones,
    truth: &BTreeMap<u64, Vec<TruthRow>>,
    way: &Way,
) -> Result<Found, Box<dyn Error>> {
    let options = Options {
        threads: args.threads,
        long_side_px: Some(way.long_side_px),
        provider: Provider::Cpu,
        golden: GoldenCheck::Skip,
    };
    let mut detector = Detector::load(package, &options)?;
    let detail = DetailOptions {
        long_side_px_max: way.delivered_px,
        zones: Box::new(|size| match way.closer {
            Closer::No => vec![],
            Closer::Yes => detail_zones(zones, size),
        }),
        faults: Vec::new(),
    };
    let pictures = args.pictures as usize;
    let frames =
        Offline::open_detailed(&args.video, &mut detector, OfflineOptions::default(), detail)?;
    let mut found = Found::default();
    for frame in frames.take(pictures) {
        let frame = frame?;
        let rows = truth.get(&frame.index).map_or(&[][..], Vec::as_slice);
        found.add(&frame, rows, zones);
    }
    Ok(found)
}

impl Found {
    fn add(&mut self, frame: &OfflineFrame, rows: &[TruthRow], zones: &SiteZones) {
        self.all.picture(rows, &frame.detections, ENTER_SCORE);
        let only: Vec<TruthRow> = rows
            .iter()
            .map(|row| match stands_in_a_zone(row, frame.source_size, zones) {
                true => *row,
                false => TruthRow { counts: Counts::LeftOut, ..*row },
            })
            .collect();
        self.in_zones.picture(&only, &frame.detections, ENTER_SCORE);
        self.pictures += 1;
        self.input_px += frame.input_px;
        self.ms += frame.inference_ms + frame.postprocess_ms;
    }
}

fn stands_in_a_zone(row: &TruthRow, size: FrameSize, zones: &SiteZones) -> bool {
    let foot_norm = row.bounds.anchor_norm(size);
    let specs = zones.site.cameras.iter().flat_map(|camera| &camera.zones);
    let mut areas = specs.filter_map(|zone| zone.duty.area_kept_clear());
    areas.any(|area: &Area| area.contains(foot_norm))
}

fn head(out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "| delivered, px | input, px | closer | people found | in the zones | ghosts a picture | Mpx a picture | ms a picture |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|")
}

fn row(out: &mut dyn Write, way: &Way, found: &Found) -> io::Result<()> {
    let pictures = f64::from(found.pictures.max(1));
    let share = |count: &BoxCount| {
        format!(
            "{:.3} ({} of {})",
            count.found as f64 / count.people.max(1) as f64,
            count.found,
            count.people
        )
    };
    let delivered = match way.delivered_px {
        DELIVERED_PX_MAX => "all".to_owned(),
        px => px.to_string(),
    };
    let closer = match way.closer {
        Closer::No => "",
        Closer::Yes => "zones",
    };
    writeln!(
        out,
        "| {delivered} | {} | {closer} | {} | {} | {:.2} | {:.2} | {:.1} |",
        way.long_side_px,
        share(&found.all),
        share(&found.in_zones),
        found.all.ghosts as f64 / pictures,
        found.input_px as f64 / pictures / 1e6,
        found.ms / pictures,
    )
}
