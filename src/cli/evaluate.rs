//! `standclear evaluate`: what the engine made of footage, against the truth.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::engine::detection::FrameSize;
use crate::engine::zone::ENTER_SCORE;
use crate::evaluation::boxes::{BoxCount, IOU_MIN};
use crate::evaluation::episodes::episodes;
use crate::evaluation::intervals::Interval;
use crate::evaluation::pairing::{Balance, incidents, pair};
use crate::replay::event_log::LoggedEvent;
use crate::replay::mot::{MotError, TruthRow, parse_truth};
use crate::zone_file::{SiteZones, load_site};

use super::footage::{FootageArgs, Summary, play};
use super::output::{check, to_stdout, write_all};

/// Measure recall, precision, time to alarm and false alarms per zone.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    footage: FootageArgs,
    /// True boxes, MOTChallenge text.
    #[arg(long, value_name = "GT")]
    truth: PathBuf,
    /// Seconds by which an incident may miss an episode and still answer it.
    #[arg(long, value_name = "S", default_value_t = 0.7, value_parser = parse_tolerance)]
    tolerance: f64,
    /// Write the figures as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// A truth file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TruthError {
    #[error("truth file {} cannot be read", .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("truth file {} is not MOTChallenge text", .path.display())]
    Parse {
        path: PathBuf,
        #[source]
        source: MotError,
    },
    #[error(
        "truth file {} speaks of picture {frame}, the footage has {frames}; is it of this footage?",
        .path.display()
    )]
    OtherFootage { path: PathBuf, frame: u64, frames: u64 },
}

/// Replays, compares, prints a table.
pub fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let inputs = [&args.footage.video, &args.footage.zones, &args.truth];
    check(&[args.json.as_deref()], &inputs.map(PathBuf::as_path))?;
    let zones = load_site(&[("footage".to_owned(), args.footage.zones.as_path())])?;
    let truth = read_truth(&args.truth)?;
    let mut by_frame: BTreeMap<u64, Vec<TruthRow>> = BTreeMap::new();
    for row in &truth {
        by_frame.entry(row.frame).or_default().push(*row);
    }
    let mut boxes = BoxCount::default();
    let (outcome, summary) = play(&args.footage, &zones, |frame, _| {
        let rows = by_frame.get(&frame.index).map_or(&[][..], Vec::as_slice);
        boxes.picture(rows, &frame.detections, ENTER_SCORE);
    })?;
    refuse_other_footage(&args.truth, &truth, &summary)?;
    let balances = balances(&zones, &truth, &outcome.events, &summary, args.tolerance);
    to_stdout(|out| {
        if truth.is_empty() {
            writeln!(out, "the truth holds nobody: every incident counts as a false alarm")?;
        }
        print(out, &balances, &boxes, &args, &summary)
    })?;
    if let Some(file) = &args.json {
        let mut text = serde_json::to_vec_pretty(&report(&balances, &boxes, &args, &summary))?;
        text.push(b'\n');
        write_all(&[(file, &text)])?;
    }
    Ok(())
}

/// True boxes from a file.
pub fn read_truth(path: &Path) -> Result<Vec<TruthRow>, TruthError> {
    let text = fs::read_to_string(path)
        .map_err(|source| TruthError::Read { path: path.to_owned(), source })?;
    parse_truth(&text).map_err(|source| TruthError::Parse { path: path.to_owned(), source })
}

/// Truth of pictures that the footage does not have belongs to something else.
pub fn refuse_other_footage(
    path: &Path,
    truth: &[TruthRow],
    summary: &Summary,
) -> Result<(), TruthError> {
    let last = summary.times_s.keys().last().copied().unwrap_or(0);
    let beyond = truth.iter().map(|row| row.frame).max().unwrap_or(0);
    // With --fps the last picture looked at may lie a little before the last one there is.
    let slack = summary.times_s.keys().nth(1).copied().unwrap_or(1);
    if beyond > last + slack {
        let (path, frame, frames) = (path.to_owned(), beyond + 1, last + 1);
        return Err(TruthError::OtherFootage { path, frame, frames });
    }
    Ok(())
}

fn balances(
    zones: &SiteZones,
    truth: &[TruthRow],
    events: &[LoggedEvent],
    summary: &Summary,
    tolerance_s: f64,
) -> Vec<(String, Balance)> {
    let Some(size) = summary.size else {
        return Vec::new();
    };
    let specs = zones.site.cameras.iter().flat_map(|camera| &camera.zones);
    let balance = |id: &str, area| {
        let truly = episodes(truth, area, size, &summary.times_s, summary.picture_s());
        pair(&incidents(events, id), &truly, tolerance_s, summary.end.as_secs_f64())
    };
    zones
        .infos
        .iter()
        .zip(specs)
        // The truth says who is inside; counts, lines and ignored areas it cannot judge.
        .filter_map(|(i, spec)| Some((i, spec.duty.area_kept_clear()?)))
        .map(|(i, area)| (i.id.clone(), balance(&i.id, area)))
        .collect()
}

fn parse_tolerance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(s) if (0.0..=10.0).contains(&s) => Ok(s),
        _ => Err("seconds from 0 to 10 are wanted".to_owned()),
    }
}

fn print(
    out: &mut dyn Write,
    balances: &[(String, Balance)],
    boxes: &BoxCount,
    args: &Args,
    summary: &Summary,
) -> io::Result<()> {
    writeln!(
        out,
        "{} pictures, {:.1} s; tolerance {} s; [95 % interval]",
        summary.frames,
        summary.end.as_secs_f64(),
        args.tolerance
    )?;
    writeln!(
        out,
        "{:<18} {:>25} {:>25} {:>21} {:>27}",
        "zone", "recall", "precision", "time to alarm p50/max", "false alarms per hour"
    )?;
    let mut all = Balance::default();
    for (id, balance) in balances {
        print_row(out, id, balance)?;
        all.add(balance);
    }
    if balances.len() > 1 {
        print_row(out, "all zones", &all)?;
    }
    writeln!(
        out,
        "people at IoU {IOU_MIN} and score {ENTER_SCORE}: recall {}, precision {}",
        counted(boxes.recall(), boxes.found, boxes.people),
        counted(boxes.precision(), boxes.found, boxes.found + boxes.ghosts),
    )
}

fn print_row(out: &mut dyn Write, id: &str, b: &Balance) -> io::Result<()> {
    let delay = match (b.delay_s(0.5), b.delay_s(1.0)) {
        (Some(median), Some(longest)) => format!("{median:.2} / {longest:.2} s"),
        _ => "none".to_owned(),
    };
    let false_alarms = b.false_alarms_per_hour().map_or("none".to_owned(), |rate| {
        format!("{:.1} [{:.1}–{:.1}]", rate.estimate, rate.low, rate.high)
    });
    writeln!(
        out,
        "{id:<18} {:>25} {:>25} {delay:>21} {false_alarms:>27}",
        counted(b.recall(), b.found, b.episodes),
        counted(b.precision(), b.incidents - b.false_alarms, b.incidents),
    )?;
    writeln!(
        out,
        "{:<18} occupied {:.1} s, of which seen {:.1} s; empty {:.1} s, of which alarmed {:.1} s; \
         {} marginal, {} merged, {} split",
        "",
        plain(b.occupied_s),
        plain(b.occupied_seen_s),
        plain(b.empty_s),
        plain(b.empty_alarmed_s),
        b.marginal,
        b.merged,
        b.split
    )
}

/// A sum of nothing is −0 and would be shown with its sign.
fn plain(seconds: f64) -> f64 {
    seconds + 0.0
}

fn counted(interval: Option<Interval>, hits: usize, of: usize) -> String {
    match interval {
        Some(i) => format!("{hits}/{of} {:.2} [{:.2}–{:.2}]", i.estimate, i.low, i.high),
        None => "none to find".to_owned(),
    }
}

#[derive(Serialize)]
struct Report {
    video: String,
    pictures: u64,
    seconds: f64,
    frame_size_px: Option<[f64; 2]>,
    tolerance_s: f64,
    zones: Vec<ZoneReport>,
    detection: DetectionReport,
}

#[derive(Serialize)]
struct ZoneReport {
    zone: String,
    episodes: usize,
    found: usize,
    marginal: usize,
    incidents: usize,
    false_alarms: usize,
    merged: usize,
    split: usize,
    recall: Option<IntervalReport>,
    precision: Option<IntervalReport>,
    false_alarms_per_hour: Option<IntervalReport>,
    time_to_alarm_s: Vec<f64>,
    occupied_s: f64,
    occupied_seen_s: f64,
    empty_s: f64,
    empty_alarmed_s: f64,
}

#[derive(Serialize)]
struct DetectionReport {
    iou: f64,
    score: f32,
    people: usize,
    found: usize,
    ghosts: usize,
    recall: Option<IntervalReport>,
    precision: Option<IntervalReport>,
}

/// An estimate with its 95 % interval.
#[derive(Serialize)]
struct IntervalReport {
    estimate: f64,
    low: f64,
    high: f64,
}

impl From<Interval> for IntervalReport {
    fn from(i: Interval) -> Self {
        IntervalReport { estimate: i.estimate, low: i.low, high: i.high }
    }
}

fn report(
    balances: &[(String, Balance)],
    boxes: &BoxCount,
    args: &Args,
    summary: &Summary,
) -> Report {
    Report {
        video: args.footage.video.display().to_string(),
        pictures: summary.frames,
        seconds: summary.end.as_secs_f64(),
        frame_size_px: summary.size.map(|s: FrameSize| [s.width_px(), s.height_px()]),
        tolerance_s: args.tolerance,
        zones: balances.iter().map(|(id, balance)| zone_report(id, balance)).collect(),
        detection: DetectionReport {
            iou: IOU_MIN,
            score: ENTER_SCORE,
            people: boxes.people,
            found: boxes.found,
            ghosts: boxes.ghosts,
            recall: boxes.recall().map(Into::into),
            precision: boxes.precision().map(Into::into),
        },
    }
}

fn zone_report(id: &str, b: &Balance) -> ZoneReport {
    ZoneReport {
        zone: id.to_owned(),
        episodes: b.episodes,
        found: b.found,
        marginal: b.marginal,
        incidents: b.incidents,
        false_alarms: b.false_alarms,
        merged: b.merged,
        split: b.split,
        recall: b.recall().map(Into::into),
        precision: b.precision().map(Into::into),
        false_alarms_per_hour: b.false_alarms_per_hour().map(Into::into),
        time_to_alarm_s: b.delays_s.clone(),
        occupied_s: plain(b.occupied_s),
        occupied_seen_s: plain(b.occupied_seen_s),
        empty_s: plain(b.empty_s),
        empty_alarmed_s: plain(b.empty_alarmed_s),
    }
}
