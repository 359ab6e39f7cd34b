//! What `compare` and `check-quantization` look at: recordings with zones and, where it is known, the
//! truth; and what one model makes of them.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs::File;
use std::io;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::detect::parse_threads;
use super::super::evaluate::{TruthError, read_truth, refuse_other_footage};
use super::super::footage::{
    DetailArg, FootageArgs, FootageError, Summary, load, parse_fps, play_with,
};
use super::side::Side;
use crate::digest::{sha256_of, sha256_of_file};
use crate::engine::detection::{Detection, FrameSize};
use crate::engine::geometry::Area;
use crate::engine::time::Instant;
use crate::engine::zone::HOLD_SCORE;
use crate::engine::{ZoneIndex, ZoneState};
use crate::evaluation::episodes::episodes;
use crate::evaluation::pairing::incidents;
use crate::gate::corpus::Presence;
use crate::gate::pairs::{Incident, Place};
use crate::replay::event_log::LoggedEvent;
use crate::replay::mot::TruthRow;
use crate::telemetry::chain;
use crate::vision::inference::{Detector, Provider};
use crate::vision::package::InputSize;
use crate::zone_file::{SiteZones, load_site, revision};

/// Pictures of all recordings together that are kept for the comparison: a day at 10 a second.
const PICTURES_MAX: usize = 864_000;

/// Recordings and how to look at them.
#[derive(Clone, Debug, clap::Args)]
pub struct LookArgs {
    /// Video files.
    #[arg(required = true, value_name = "VIDEO")]
    videos: Vec<PathBuf>,
    /// Zone files: one for each video in their order, or one for all of them.
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    zones: Vec<PathBuf>,
    /// True boxes, MOTChallenge text: one file for each video in their order.
    #[arg(long, value_name = "GT", num_args = 1..)]
    truth: Vec<PathBuf>,
    /// Threads inside one inference.
    #[arg(long, default_value = "1", value_parser = parse_threads)]
    threads: NonZeroU16,
    /// Pictures a second to look at; without it, every one.
    #[arg(long, value_name = "N", value_parser = parse_fps)]
    pub fps: Option<f64>,
    /// Longer side of the input in pixels, for models that take any.
    #[arg(long, value_name = "PX")]
    pub long_side: Option<u32>,
    /// What runs the models, as `model.provider` does: of a package the file that is for it.
    #[arg(long, value_name = "NAME", default_value = "cpu", value_parser = parse_provider)]
    pub provider: Provider,
    /// Look closer where the zones are and people are small, as `model.detail` does.
    #[arg(long, value_enum, default_value = "off")]
    pub detail: DetailArg,
}

/// Recordings that cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    #[error(
        "{files} {what} files for {videos} videos: give one for each video, in their order{or_one}"
    )]
    Count { what: &'static str, files: usize, videos: usize, or_one: &'static str },
    #[error("video {} cannot be read", .path.display())]
    Video {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} and {} are the same recording; each counts once", .first.display(), .second.display())]
    Twice { first: PathBuf, second: PathBuf },
    #[error(
        "the zones of {} are calibrated for another picture than the {width} x {height} of {}; are \
         they of this camera?",
        .zones.display(), .video.display()
    )]
    OtherCamera { zones: PathBuf, video: PathBuf, width: f64, height: f64 },
    #[error(
        "truth file {}: the person in picture {picture} is outside of the {width} x {height} of {}; \
         is it of this footage, in this size?",
        .truth.display(), .video.display()
    )]
    OtherSize { truth: PathBuf, video: PathBuf, picture: u64, width: f64, height: f64 },
    #[error("more than {PICTURES_MAX} pictures in all; compare fewer recordings, or with --fps")]
    TooLong,
}

/// A recording, before anybody looked.
#[derive(Debug)]
pub struct Recording {
    /// The file's name, and a number where another has the same.
    pub name: String,
    pub video: PathBuf,
    pub sha256: String,
    pub zones_file: PathBuf,
    pub zones: SiteZones,
    pub truth: Option<Truth>,
}

/// Who was where, by somebody who knows.
#[derive(Debug)]
pub struct Truth {
    file: PathBuf,
    pub sha256: String,
    pub rows: Vec<TruthRow>,
}

/// One picture as one model saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub index: u64,
    /// From the score on that holds somebody in a zone.
    pub detections: Vec<Detection>,
    /// Whether each zone was OCCUPIED after it.
    pub occupied: Vec<bool>,
}

/// What one model made of a recording.
#[derive(Debug)]
pub struct Watched {
    pub events: Vec<LoggedEvent>,
    pub pictures: Vec<Seen>,
    pub inference_ms: Vec<f64>,
    pub summary: Summary,
}

/// Opens every recording and what belongs to it, and refuses what does not fit together.
pub fn open(args: &LookArgs) -> Result<Vec<Recording>, Box<dyn Error>> {
    let videos = args.videos.len();
    if args.zones.len() != 1 && args.zones.len() != videos {
        let (files, or_one) = (args.zones.len(), ", or one for all");
        return Err(RecordingError::Count { what: "zone", files, videos, or_one }.into());
    }
    if !args.truth.is_empty() && args.truth.len() != videos {
        let (files, or_one) = (args.truth.len(), "");
        return Err(RecordingError::Count { what: "truth", files, videos, or_one }.into());
    }
    let mut recordings: Vec<Recording> = Vec::new();
    let mut names = BTreeSet::new();
    for (n, video) in args.videos.iter().enumerate() {
        let failed = |source| RecordingError::Video { path: video.clone(), source };
        let mut file = File::open(video).map_err(failed)?;
        let (_, sha256) = sha256_of_file(&mut file).map_err(failed)?;
        if let Some(same) = recordings.iter().find(|other| other.sha256 == sha256) {
            let (first, second) = (same.video.clone(), video.clone());
            return Err(RecordingError::Twice { first, second }.into());
        }
        let plain = video.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = if names.contains(&plain) { format!("{plain} #{}", n + 1) } else { plain };
        names.insert(name.clone());
        let zones_file = args.zones.get(n).unwrap_or(&args.zones[0]).clone();
        let zones = load_site(&[(name.clone(), zones_file.as_path())])?;
        let truth = args.truth.get(n).map(|path| Truth::read(path)).transpose()?;
        recordings.push(Recording { name, video: video.clone(), sha256, zones_file, zones, truth });
    }
    Ok(recordings)
}

impl Truth {
    fn read(path: &Path) -> Result<Truth, TruthError> {
        let rows = read_truth(path)?;
        let bytes = std::fs::read(path);
        let bytes = bytes.map_err(|source| TruthError::Read { path: path.to_owned(), source })?;
        Ok(Truth { file: path.to_owned(), sha256: sha256_of(bytes), rows })
    }
}

fn parse_provider(text: &str) -> Result<Provider, String> {
    text.parse().map_err(|error| chain(&error))
}

/// All recordings through one model and the real engine.
pub fn watch(
    side: &Side,
    recordings: &[Recording],
    args: &LookArgs,
) -> Result<(Vec<Watched>, Detector), Box<dyn Error>> {
    let long_side = match side.package.manifest().input.size {
        InputSize::LongSide { .. } => args.long_side,
        InputSize::Fixed { .. } => None,
    };
    let footage = |recording: &Recording| FootageArgs {
        video: recording.video.clone(),
        zones: recording.zones_file.clone(),
        model: side.package.dir().display().to_string(),
        threads: args.threads,
        fps: args.fps,
        long_side,
        detail: args.detail,
        faults: Vec::new(),
    };
    let mut detector = load(&side.package, &footage(&recordings[0]), args.provider)?;
    let mut all = Vec::new();
    let mut pictures = 0;
    for recording in recordings {
        let watched = watch_one(&mut detector, &footage(recording), recording)?;
        pictures += watched.pictures.len();
        if pictures > PICTURES_MAX {
            return Err(RecordingError::TooLong.into());
        }
        recording.fits(&watched.summary)?;
        all.push(watched);
    }
    Ok((all, detector))
}

fn watch_one(
    detector: &mut Detector,
    footage: &FootageArgs,
    recording: &Recording,
) -> Result<Watched, FootageError> {
    let mut pictures = Vec::new();
    let mut inference_ms = Vec::new();
    let zones = recording.zones.infos.len();
    let (outcome, summary) = play_with(detector, footage, &recording.zones, |frame, _, player| {
        inference_ms.push(frame.inference_ms);
        let held = frame.detections.iter().filter(|one| one.score.get() >= HOLD_SCORE);
        let occupied = (0..zones).map(|zone| {
            let zone = u16::try_from(zone).ok().and_then(|zone| player.zone(ZoneIndex(zone)));
            zone.is_some_and(|zone| zone.state == ZoneState::Occupied)
        });
        // What is over the limit is refused at the end of this recording.
        if pictures.len() <= PICTURES_MAX {
            pictures.push(Seen {
                index: frame.index,
                detections: held.copied().collect(),
                occupied: occupied.collect(),
            });
        }
    })?;
    Ok(Watched { events: outcome.events, pictures, inference_ms, summary })
}

impl Recording {
    /// The zones whose emptiness the truth can judge: name and area.
    pub fn judged(&self) -> Vec<(usize, String, &Area)> {
        let specs = self.zones.site.cameras.iter().flat_map(|camera| &camera.zones);
        let zones = self.zones.infos.iter().zip(specs).enumerate();
        zones
            .filter_map(|(n, (info, spec))| {
                Some((n, info.id.clone(), spec.duty.area_kept_clear()?))
            })
            .collect()
    }

    pub fn place(&self, zone: &str) -> Place {
        Place { camera: self.name.clone(), zone: zone.to_owned() }
    }

    /// sha256 of the zones, whatever the recording is called: under another name it is no other one.
    pub fn zones_digest(&self) -> String {
        let documents = self.zones.documents.iter();
        revision(&documents.map(|document| (String::new(), document.clone())).collect::<Vec<_>>())
    }

    /// When somebody was truly inside, from `offset` on.
    pub fn presences(&self, summary: &Summary, offset: Duration) -> Option<Vec<Presence>> {
        let (truth, size) = (self.truth.as_ref()?, summary.size?);
        let of_zone = |(_, zone, area): &(usize, String, &Area)| -> Vec<Presence> {
            episodes(&truth.rows, area, size, &summary.times_s, summary.picture_s())
                .into_iter()
                .map(|episode| Presence {
                    place: self.place(zone),
                    from: at(offset, episode.start_s),
                    until: at(offset, episode.end_s),
                    weight: episode.weight,
                })
                .collect()
        };
        Some(self.judged().iter().flat_map(of_zone).collect())
    }

    /// One model's incidents, from `offset` on.
    pub fn incidents(&self, events: &[LoggedEvent], offset: Duration) -> Vec<Incident> {
        let zones = self.zones.infos.iter().map(|info| info.id.as_str());
        let all = zones.flat_map(|zone| {
            incidents(events, zone).into_iter().map(move |incident| (zone, incident))
        });
        all.zip(0..)
            .map(|((zone, incident), id)| Incident {
                id,
                place: self.place(zone),
                started_at: at(offset, incident.start_s),
                last_inside_at: at(offset, incident.last_inside_s),
            })
            .collect()
    }

    /// Whether what was given for this recording is of it.
    fn fits(&self, summary: &Summary) -> Result<(), Box<dyn Error>> {
        let Some(size) = summary.size else {
            return Ok(());
        };
        let (width, height) = (size.width_px(), size.height_px());
        let site = self.zones.for_footage(&[Some(size)]);
        let is_calibrated = self.zones.documents.iter().any(|document| document.ground.is_some());
        if is_calibrated && site.cameras.iter().all(|camera| camera.ground.is_none()) {
            let (zones, video) = (self.zones_file.clone(), self.video.clone());
            return Err(RecordingError::OtherCamera { zones, video, width, height }.into());
        }
        if let Some(truth) = &self.truth {
            refuse_other_footage(&truth.file, &truth.rows, summary)?;
            if let Some(row) = truth.rows.iter().find(|row| is_outside(row, size)) {
                let (truth, video) = (truth.file.clone(), self.video.clone());
                let picture = row.frame + 1;
                let error = RecordingError::OtherSize { truth, video, picture, width, height };
                return Err(error.into());
            }
        }
        Ok(())
    }
}

impl Truth {
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// By picture.
    pub fn by_picture(&self) -> BTreeMap<u64, Vec<TruthRow>> {
        let mut by_picture: BTreeMap<u64, Vec<TruthRow>> = BTreeMap::new();
        for row in &self.rows {
            by_picture.entry(row.frame).or_default().push(*row);
        }
        by_picture
    }
}

/// Published boxes reach over the edge; their middle does not.
fn is_outside(row: &TruthRow, size: FrameSize) -> bool {
    let middle_x = row.bounds.left() + row.bounds.width() / 2.0;
    let middle_y = row.bounds.top() + row.bounds.height() / 2.0;
    !(0.0..=size.width_px()).contains(&middle_x) || !(0.0..=size.height_px()).contains(&middle_y)
}

/// Video time as the gate has time.
fn at(offset: Duration, seconds: f64) -> Instant {
    Instant::ZERO.after(offset + Duration::from_secs_f64(seconds.max(0.0)))
}
