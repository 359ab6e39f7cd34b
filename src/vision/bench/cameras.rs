//! How many cameras can one box watch? The vision process itself, with one camera more each time.
//!
//! Every camera plays the same footage by the clock, as a camera would. A number of cameras **holds**
//! when each gets its rate and no picture gets too old. What is measured is what a guard would get:
//! the reports at the other end of the link.
//!
//! Not here: what the guard does with a report, and the way from a camera to the box.

use std::fs;
use std::num::NonZeroU16;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::clock;
use crate::engine::detection::FrameSize;
use crate::engine::supervision::FRAME_AGE_MAX;
use crate::engine::time::Instant;
use crate::link::{
    self, DecoderChoice, DetailChoice, DetailZone, Ending, FromWorker, LinkError, ModelChoice,
    RING_S, Report, RingBounds, Source, ToWorker, WorkerCamera, WorkerConfig, WorkerRole,
};

use super::super::ingest::file::{FileOptions, FileSource};
use super::super::ingest::{FrameSource, Pace, Polled};
use super::super::offline::{OfflineError, STALL_MAX};
use super::super::preprocess::Fit;
use super::super::worker;

/// R2 gives 500 ms from light to siren at p99; docs/design/latency.md leaves 100 ms of that for what
/// comes behind the detector.
pub const AGE_P99_MAX: Duration = Duration::from_millis(400);

/// A camera that gets less than this share of its pictures does not get its rate.
pub const RATE_MIN: f64 = 0.95;

/// Nothing counts before this: pipelines start, and the first pictures find cold caches.
const WARM_UP: Duration = Duration::from_secs(3);

/// Most cameras tried.
pub const CAMERAS_MAX: u16 = 64;

/// Memory for the newest video of each camera: what `evidence.ring_mb` is when nobody sets it.
const RING_BYTES_MAX: u64 = 48 * 1024 * 1024;

/// Clock ticks a second in /proc/self/stat: fixed by Linux for programs (USER_HZ).
const TICKS_PER_S: f64 = 100.0;

/// From this share on a thread, or the processor, has nothing left to give: pictures that come a
/// little together wait for each other long before it is at work all the time.
const BUSY_SHARE: f64 = 0.85;

/// From this share of all cores on, what others used falsifies what is measured.
const OTHERS_SHARE: f64 = 0.15;

/// What was used until then: seconds of a core, by this process and by the whole machine.
#[derive(Clone, Copy, Debug)]
struct Used {
    own_s: f64,
    machine_s: f64,
}

impl Used {
    fn now() -> Used {
        Used { own_s: process_s(), machine_s: machine_s() }
    }

    /// Cores since then: own, and those of others.
    fn cores_since(self, before: Used, span: Duration) -> (f64, f64) {
        let own = self.own_s - before.own_s;
        let others = (self.machine_s - before.machine_s - own).max(0.0);
        (own / span.as_secs_f64(), others / span.as_secs_f64())
    }
}

/// What is tried.
#[derive(Clone, Debug)]
pub struct Trial<'a> {
    pub video: &'a Path,
    pub model_dir: String,
    pub threads: NonZeroU16,
    pub long_side_px: Option<u32>,
    pub fps: f64,
    pub measure: Duration,
    /// Looked at closer; empty: the whole picture only.
    pub zones: Vec<DetailZone>,
}

/// How a number of cameras went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    pub cameras: u16,
    pub pictures: usize,
    /// Of the camera that got the least, pictures a second.
    pub least_fps: f64,
    pub age_p50_ms: f64,
    pub age_p99_ms: f64,
    pub age_max_ms: f64,
    /// Means of a picture, milliseconds of the detector's thread.
    pub preprocess_ms: f64,
    pub inference_ms: f64,
    pub boxes_ms: f64,
    /// Share of the time the detector's thread worked, and cores the whole process used.
    pub detector_share: f64,
    pub cores: f64,
    /// Cores that everything else on the machine used meanwhile.
    pub others_cores: f64,
    /// Memory at the end. What smaller numbers of cameras took before may be in it still.
    pub resident_mb: f64,
    pub holds: Holds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    Yes,
    No,
}

/// What keeps more cameras from being watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The one thread that runs the model.
    Detector,
    /// All cores together: decoding and scaling beside the model.
    Processor,
    /// Other programs had what this one needed: no limit of the box was found.
    OtherPrograms,
    /// Neither was busy: pictures waited for something else.
    Other,
}

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum CamerasError {
    #[error("the vision process cannot be started")]
    Start(#[source] std::io::Error),
    #[error("the vision process cannot be understood")]
    Link(#[source] LinkError),
    #[error("the vision process gave up: {reason}")]
    Fatal { reason: String },
    #[error("the footage gives no picture: {reason}")]
    Lost { reason: String },
    #[error("no picture was looked at")]
    NoPictures,
}

/// Tries 1, 2, 4 … cameras until one number does not hold twice, then those in between. `told` hears
/// of each trial.
pub fn find(
    trial: &Trial<'_>,
    most: u16,
    mut told: impl FnMut(&Outcome),
) -> Result<Vec<Outcome>, CamerasError> {
    let mut outcomes = Vec::new();
    let mut run = |cameras: u16| {
        let outcome = try_cameras(trial, cameras)?;
        told(&outcome);
        outcomes.push(outcome);
        Ok::<Holds, CamerasError>(outcome.holds)
    };
    let most = most.clamp(1, CAMERAS_MAX);
    let (mut holds, mut fails) = (0, most + 1);
    let mut next = 1;
    while fails - holds > 1 {
        // Once more before it counts: one pause of the machine is enough to make a picture too old.
        let held = match run(next)? {
            Holds::Yes => Holds::Yes,
            Holds::No => run(next)?,
        };
        match held {
            Holds::Yes => holds = next,
            Holds::No => fails = next,
        }
        let doubled = holds.saturating_mul(2).max(1);
        next = if fails > most { doubled.min(most) } else { holds + (fails - holds) / 2 };
    }
    Ok(outcomes)
}

/// The size of a video's pictures.
pub fn size_of(video: &Path) -> Result<FrameSize, OfflineError> {
    let fit = Fit::new(64, 32);
    let options = FileOptions { fit, pace: Pace::AsFast, ending: Ending::Stop, fps: None };
    match FileSource::open(video, options)?.next(STALL_MAX)? {
        Polled::Frame(frame) => Ok(frame.source_size),
        Polled::Idle | Polled::Ended => Err(OfflineError::Stalled { path: video.to_owned() }),
    }
}

/// What set the limit, by the first number of cameras that did not hold.
pub fn limit(failed: &Outcome) -> Limit {
    let all = thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64);
    match () {
        // Beside them the model's own thread is busy for longer, with the same work.
        () if failed.others_cores >= OTHERS_SHARE * all => Limit::OtherPrograms,
        () if failed.detector_share >= BUSY_SHARE => Limit::Detector,
        () if failed.cores >= BUSY_SHARE * all => Limit::Processor,
        () => Limit::Other,
    }
}

fn try_cameras(trial: &Trial<'_>, cameras: u16) -> Result<Outcome, CamerasError> {
    let (near, far) = UnixStream::pair().map_err(CamerasError::Start)?;
    let serving = thread::Builder::new()
        .name("vision".into())
        .spawn(move || worker::serve(far))
        .map_err(CamerasError::Start)?;
    let result = watch(trial, cameras, &near);
    // Either it hears that or it has ended by itself.
    let _ = link::send(&near, &ToWorker::Stop);
    drop(near);
    // Its error has come over the link as `Fatal`.
    let _ = serving.join();
    result
}

fn watch(trial: &Trial<'_>, cameras: u16, link: &UnixStream) -> Result<Outcome, CamerasError> {
    let send = |message| link::send(link, &message).map_err(CamerasError::Link);
    send(ToWorker::Start(config(trial, cameras)))?;
    if !trial.zones.is_empty() {
        for camera in 0..cameras {
            send(ToWorker::Detail { camera, zones: trial.zones.clone() })?;
        }
    }
    let mut reports: Vec<Report> = Vec::new();
    let mut span: Option<(Instant, Option<Used>)> = None;
    loop {
        match link::receive(link).map_err(CamerasError::Link)? {
            FromWorker::Report(report) => {
                let now = clock::monotonic();
                let (since, before) = *span.get_or_insert_with(|| (now.after(WARM_UP), None));
                if now >= since {
                    if before.is_none() {
                        span = Some((now, Some(Used::now())));
                    }
                    reports.push(report);
                }
            }
            FromWorker::Fatal { reason } => return Err(CamerasError::Fatal { reason }),
            FromWorker::CameraLost { reason, .. } => return Err(CamerasError::Lost { reason }),
            FromWorker::Heartbeat { .. } => {
                if let Some((since, Some(before))) = span {
                    let took = clock::monotonic().since(since);
                    if took >= trial.measure {
                        let used = Used::now().cores_since(before, took);
                        return outcome(trial, cameras, &reports, took, used);
                    }
                }
            }
            _ => {}
        }
    }
}

fn config(trial: &Trial<'_>, cameras: u16) -> WorkerConfig {
    let camera = |number: u16| WorkerCamera {
        id: format!("camera {number}"),
        source: Source::File { path: trial.video.display().to_string(), ending: Ending::Loop },
        fps: trial.fps,
        decoder: DecoderChoice::Auto,
    };
    WorkerConfig {
        models: vec![ModelChoice { slot: "shipped".into(), dir: trial.model_dir.clone() }],
        role: WorkerRole::Active,
        threads: trial.threads.get(),
        input_long_side_px: trial.long_side_px,
        provider: "cpu".to_owned(),
        cameras: (0..cameras).map(camera).collect(),
        detail: match trial.zones.is_empty() {
            true => DetailChoice::Off,
            false => DetailChoice::Zones,
        },
        ring: RingBounds { seconds: RING_S, bytes_max: RING_BYTES_MAX },
    }
}

fn outcome(
    trial: &Trial<'_>,
    cameras: u16,
    reports: &[Report],
    span: Duration,
    (cores, others_cores): (f64, f64),
) -> Result<Outcome, CamerasError> {
    if reports.is_empty() {
        return Err(CamerasError::NoPictures);
    }
    let ms = |from: u64, to: u64| to.saturating_sub(from) as f64 / 1e6;
    let mut ages: Vec<f64> =
        reports.iter().map(|it| ms(it.stages.captured_ns, it.stages.decoded_ns)).collect();
    ages.sort_by(f64::total_cmp);
    let quantile = |share: f64| {
        let place = (share * ages.len() as f64).ceil() as usize;
        ages.get(place.clamp(1, ages.len()) - 1).copied().unwrap_or(f64::MAX)
    };
    let (mut preprocess_ms, mut inference_ms, mut boxes_ms) = (0.0, 0.0, 0.0);
    let mut free_ns = 0;
    for stages in reports.iter().map(|report| report.stages) {
        // One thread: it began when the picture was there and the one before was done.
        preprocess_ms += ms(stages.arrived_ns.max(free_ns), stages.preprocessed_ns);
        inference_ms += ms(stages.preprocessed_ns, stages.inferred_ns);
        boxes_ms += ms(stages.inferred_ns, stages.decoded_ns);
        free_ns = stages.decoded_ns;
    }
    let of_camera = |camera| reports.iter().filter(|report| report.camera == camera).count();
    let least = (0..cameras).map(of_camera).min().unwrap_or(0);
    let (seconds, count) = (span.as_secs_f64(), reports.len() as f64);
    let outcome = Outcome {
        cameras,
        pictures: reports.len(),
        least_fps: least as f64 / seconds,
        age_p50_ms: quantile(0.5),
        age_p99_ms: quantile(0.99),
        age_max_ms: quantile(1.0),
        preprocess_ms: preprocess_ms / count,
        inference_ms: inference_ms / count,
        boxes_ms: boxes_ms / count,
        detector_share: (preprocess_ms + inference_ms + boxes_ms) / 1e3 / seconds,
        cores,
        others_cores,
        resident_mb: resident_mb(),
        holds: Holds::No,
    };
    Ok(Outcome { holds: judge(&outcome, trial.fps), ..outcome })
}

fn judge(outcome: &Outcome, fps: f64) -> Holds {
    let in_time = outcome.age_p99_ms <= AGE_P99_MAX.as_secs_f64() * 1e3
        && outcome.age_max_ms <= FRAME_AGE_MAX.as_secs_f64() * 1e3;
    match in_time && outcome.least_fps >= RATE_MIN * fps {
        true => Holds::Yes,
        false => Holds::No,
    }
}

/// Processor time of this process so far, seconds; 0 where the system does not say.
fn process_s() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name, which may hold anything but is in brackets: state is the first field, user and
    // system time the twelfth and thirteenth.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: f64 = fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / TICKS_PER_S
}

/// Processor time of the whole machine so far, seconds of a core; 0 where the system does not say.
fn machine_s() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let first = stat.lines().next().unwrap_or_default();
    let ticks: Vec<f64> = first.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    // User, nice, system; then idle and waiting, which are no work; then interrupts.
    let work = ticks.iter().take(3).chain(ticks.iter().skip(5).take(2));
    work.sum::<f64>() / TICKS_PER_S
}

/// 0 where the system does not say.
fn resident_mb() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0) / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{CaptureClock, StageTimes};

    /// Reports of two cameras at five a second for ten seconds, each this old.
    fn reports(age_ms: u64) -> Vec<Report> {
        let report = |number: u64| Report {
            camera: (number % 2) as u16,
            frame: number / 2,
            width_px: 1,
            height_px: 1,
            detections: vec![],
            clock: CaptureClock::Pipeline,
            passed_over: 0,
            stages: StageTimes {
                captured_ns: number * 100_000_000,
                arrived_ns: number * 100_000_000 + (age_ms - 30) * 1_000_000,
                preprocessed_ns: number * 100_000_000 + (age_ms - 28) * 1_000_000,
                inferred_ns: number * 100_000_000 + (age_ms - 3) * 1_000_000,
                decoded_ns: number * 100_000_000 + age_ms * 1_000_000,
            },
        };
        (1..101).map(report).collect()
    }

    fn judged(reports: &[Report]) -> Outcome {
        let trial = Trial {
            video: Path::new("x"),
            model_dir: String::new(),
            threads: NonZeroU16::MIN,
            long_side_px: None,
            fps: 5.0,
            measure: Duration::from_secs(10),
            zones: vec![],
        };
        outcome(&trial, 2, reports, Duration::from_secs(10), (0.6, 0.0)).expect("pictures")
    }

    #[test]
    fn a_number_of_cameras_holds_while_rates_are_met_and_pictures_are_fresh() {
        let fine = judged(&reports(60));
        assert_eq!((fine.holds, fine.least_fps), (Holds::Yes, 5.0));
        assert!((fine.detector_share - 0.3).abs() < 1e-9, "{fine:?}");
        assert_eq!(judged(&reports(450)).holds, Holds::No);
        let mut fewer = reports(60);
        fewer.retain(|report| report.camera == 0 || report.frame % 5 != 0);
        assert_eq!(judged(&fewer).holds, Holds::No);
    }

    #[test]
    fn what_is_busy_sets_the_limit() {
        let failed = judged(&reports(60));
        assert_eq!(limit(&Outcome { detector_share: 0.97, ..failed }), Limit::Detector);
        assert_eq!(
            limit(&Outcome { detector_share: 0.5, cores: 4096.0, ..failed }),
            Limit::Processor
        );
        assert_eq!(limit(&Outcome { detector_share: 0.1, cores: 0.01, ..failed }), Limit::Other);
        let beside = Outcome { detector_share: 0.97, others_cores: 4096.0, ..failed };
        assert_eq!(limit(&beside), Limit::OtherPrograms);
    }
}
