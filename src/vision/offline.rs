//! A whole video file, every picture looked at, as fast as the machine can: for replay.
//!
//! Decoding and preparing the next picture run in a thread of their own while this one runs the
//! model, so that the model is what the time is spent on. The queue between them is short and in
//! order: what comes out does not depend on threads. With detail, which hangs on what was found
//! before, pictures are prepared here, one after the other.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use image::RgbImage;

use crate::clock;
use crate::engine::detection::{Detection, FrameSize};
use crate::engine::view_fault::ViewFaults;
use crate::integrity::faults::{FaultSpan, dated};
use crate::integrity::{Grey, Hour, Watch};
use crate::link::{DetailZone, Ending};

use super::detail::{DELIVERED_PX_MAX, Detail, Unhurried};
use super::inference::{Detected, Detector, ModelError};
use super::ingest::file::{FileOptions, FileSource};
use super::ingest::{Frame, FrameSource, Pace, Polled, SourceError};
use super::preprocess::{Delivery, Fit, PictureRef, Prepared, Preprocessor};
use super::trial::ORIGIN;

/// Prepared pictures waiting for the model; 4 MB each. Two cover the jitter of decoding.
const QUEUE_PICTURES: usize = 2;

/// A file that gives no picture for so long hangs; local files give one in milliseconds.
pub(super) const STALL_MAX: Duration = Duration::from_secs(30);

/// How long the decoding thread waits before it looks at the time again.
const POLL: Duration = Duration::from_millis(500);

/// What to look at.
#[derive(Clone, Copy, Debug, Default)]
pub struct OfflineOptions {
    /// Pictures a second to look at; `None`: every one.
    pub fps: Option<f64>,
}

/// One picture, looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct OfflineFrame {
    /// Position in the source video, from 0, counting every picture, also those not looked at.
    pub index: u64,
    /// Presentation time from the start of the video.
    pub time: Duration,
    pub source_size: FrameSize,
    /// In source pixels, best score first.
    pub detections: Vec<Detection>,
    /// All that is wrong with the view; only looked at when faults are painted in.
    pub view: ViewFaults,
    /// How long the model had to wait for the picture.
    pub decode_wait_ms: f64,
    /// In the decoding thread, so not part of the time that passes here.
    pub preprocess_ms: f64,
    pub inference_ms: f64,
    pub postprocess_ms: f64,
    /// Pixels of the model's input, the whole picture's and its crops'.
    pub input_px: usize,
}

/// Why a replay cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    #[error("the video cannot be read")]
    Source(#[from] SourceError),
    #[error("{path} gives no picture and no end for {} s", STALL_MAX.as_secs())]
    Stalled { path: PathBuf },
    #[error("picture {index} could not be looked at")]
    Model {
        index: u64,
        #[source]
        source: ModelError,
    },
    #[error("the thread that decodes could not be started")]
    Thread(#[source] std::io::Error),
}

/// A picture on its way to the model.
struct Ready {
    index: u64,
    time: Duration,
    source_size: FrameSize,
    view: ViewFaults,
    input: Input,
    preprocess_ms: f64,
}

enum Input {
    Prepared(Prepared),
    /// To be looked at in detail.
    Delivered(Frame),
}

/// The zones of a picture of this size.
pub type ZonesOf<'z> = Box<dyn Fn(FrameSize) -> Vec<DetailZone> + 'z>;

/// Looking at parts of the picture closer.
pub struct DetailOptions<'z> {
    /// The longest side of picture that is handed out.
    pub long_side_px_max: u32,
    pub zones: ZonesOf<'z>,
    /// Faults to be painted into the pictures and looked for.
    pub faults: Vec<FaultSpan>,
}

struct Detailed<'z> {
    zones: ZonesOf<'z>,
    /// `None` before the first picture, which tells its size.
    detail: Option<Detail>,
}

/// Iterates over the pictures of a file. After an error it ends.
pub struct Offline<'d> {
    detector: &'d mut Detector,
    detailed: Option<Detailed<'d>>,
    /// `None` once the end was seen, so that dropping it stops the decoding thread.
    ready: Option<Receiver<Result<Ready, OfflineError>>>,
    used: SyncSender<Prepared>,
    decoding: Option<JoinHandle<()>>,
    total_frames: Option<u64>,
}

impl<'d> Offline<'d> {
    /// Opens a file. What is wrong inside it comes out of the iteration.
    pub fn open(
        path: &Path,
        detector: &'d mut Detector,
        options: OfflineOptions,
    ) -> Result<Offline<'d>, OfflineError> {
        Offline::open_faulty(path, detector, options, Vec::new())
    }

    /// The same, with these faults painted into the pictures and looked for.
    pub fn open_faulty(
        path: &Path,
        detector: &'d mut Detector,
        options: OfflineOptions,
        faults: Vec<FaultSpan>,
    ) -> Result<Offline<'d>, OfflineError> {
        let fit = detector.fit();
        Offline::start(path, detector, playing(fit, options), faults, None)
    }

    /// The same, with parts of the picture looked at closer.
    pub fn open_detailed(
        path: &Path,
        detector: &'d mut Detector,
        options: OfflineOptions,
        detail: DetailOptions<'d>,
    ) -> Result<Offline<'d>, OfflineError> {
        let delivery = Delivery::Own { long_side_px_max: detail.long_side_px_max };
        let fit = detector.fit().delivering(delivery);
        let detailed = Detailed { zones: detail.zones, detail: None };
        Offline::start(path, detector, playing(fit, options), detail.faults, Some(detailed))
    }

    fn start(
        path: &Path,
        detector: &'d mut Detector,
        playing: FileOptions,
        faults: Vec<FaultSpan>,
        detailed: Option<Detailed<'d>>,
    ) -> Result<Offline<'d>, OfflineError> {
        let watch = (!faults.is_empty()).then(Watch::new);
        let source = FileSource::open_faulty(path, playing, faults.clone())?;
        let total_frames = source.expected_frames();
        let (ready_sink, ready) = sync_channel(QUEUE_PICTURES);
        // One more than can be under way, so that giving back never blocks.
        let (used, reusable) = sync_channel(QUEUE_PICTURES + 2);
        let work = Decoding {
            path: path.to_owned(),
            source,
            faults,
            watch,
            preprocessor: detailed.is_none().then(|| detector.preprocessor()),
            reusable,
        };
        let decoding = thread::Builder::new()
            .name("decode".into())
            .spawn(move || work.run(&ready_sink))
            .map_err(OfflineError::Thread)?;
        Ok(Offline {
            detector,
            detailed,
            ready: Some(ready),
            used,
            decoding: Some(decoding),
            total_frames,
        })
    }

    /// How many pictures will come, as far as the file's header can be believed; for progress only.
    pub fn total_frames(&self) -> Option<u64> {
        self.total_frames
    }

    fn look_at(&mut self, ready: Ready, waited_ms: f64) -> Result<OfflineFrame, OfflineError> {
        let started = clock::monotonic().as_nanos();
        let Ready { index, source_size, .. } = ready;
        let looked = match ready.input {
            Input::Prepared(prepared) => self.look_at_prepared(prepared, source_size),
            Input::Delivered(frame) => self.look_closer(&frame),
        };
        let (detected, input_px) =
            looked.map_err(|source| OfflineError::Model { index, source })?;
        Ok(OfflineFrame {
            index: ready.index,
            time: ready.time,
            source_size: ready.source_size,
            detections: detected.detections,
            view: ready.view,
            decode_wait_ms: waited_ms,
            preprocess_ms: ready.preprocess_ms,
            inference_ms: span_ms(started, detected.inferred_ns),
            postprocess_ms: span_ms(detected.inferred_ns, detected.decoded_ns),
            input_px,
        })
    }

    fn look_at_prepared(
        &mut self,
        prepared: Prepared,
        size: FrameSize,
    ) -> Result<(Detected, usize), ModelError> {
        let detected = self.detector.detect_prepared(&prepared, size)?;
        let input_px = prepared.geometry().map_or(0, |it| it.tensor_width * it.tensor_height);
        // A full or closed queue only means that a buffer is made anew.
        let _ = self.used.try_send(prepared);
        Ok((detected, input_px))
    }

    fn look_closer(&mut self, frame: &Frame) -> Result<(Detected, usize), ModelError> {
        let size = frame.source_size;
        let (Some(detailed), Some(picture)) = (&mut self.detailed, frame.picture.as_ref()) else {
            // The decoding thread has seen that there are pixels.
            let none = Prepared::default();
            return Ok((self.detector.detect_prepared(&none, size)?, 0));
        };
        let zones = &detailed.zones;
        let detail = detailed.detail.get_or_insert_with(|| Detail::new(zones(size)));
        let looked = detail.look(self.detector, &picture, size, &mut Unhurried)?;
        Ok((looked.detected, looked.cost_px))
    }
}

impl Iterator for Offline<'_> {
    type Item = Result<OfflineFrame, OfflineError>;

    fn next(&mut self) -> Option<Self::Item> {
        let asked = clock::monotonic().as_nanos();
        // A closed queue is the end: an error would have come through it.
        let ready = self.ready.as_ref()?.recv().ok();
        let waited_ms = span_ms(asked, clock::monotonic().as_nanos());
        let result = match ready {
            Some(Ok(ready)) => Some(self.look_at(ready, waited_ms)),
            Some(Err(error)) => Some(Err(error)),
            None => None,
        };
        if !matches!(result, Some(Ok(_))) {
            self.ready = None;
        }
        result
    }
}

impl Drop for Offline<'_> {
    fn drop(&mut self) {
        self.ready = None;
        if let Some(decoding) = self.decoding.take() {
            // A panic in it was reported by the panic hook; there is nobody left to tell.
            let _ = decoding.join();
        }
    }
}

/// Some pictures of a video for people to look at, as large as cameras hand them out: number, pixels
/// of it for a pixel of the video, picture. No more is decoded than up to the last one wanted.
pub fn show_pictures(
    path: &Path,
    wanted: &BTreeSet<u64>,
    show: &mut dyn FnMut(u64, f64, RgbImage),
) -> Result<(), OfflineError> {
    let Some(&last) = wanted.last() else {
        return Ok(());
    };
    let delivery = Delivery::Own { long_side_px_max: DELIVERED_PX_MAX };
    let fit = Fit::new(DELIVERED_PX_MAX, 1).delivering(delivery);
    let mut source = FileSource::open(path, playing(fit, OfflineOptions::default()))?;
    while let Some(frame) = next_frame(&mut source, path)? {
        if wanted.contains(&frame.index) {
            let picture = picture_of(&frame, path)?;
            let scale = picture.width() as f64 / frame.source_size.width_px();
            let rgb = picture.rows().flat_map(|row| {
                row.as_chunks::<3>().0.iter().flat_map(|&[blue, green, red]| [red, green, blue])
            });
            let (width, height) = (picture.width() as u32, picture.height() as u32);
            if let Some(rgb) = RgbImage::from_raw(width, height, rgb.collect()) {
                show(frame.index, scale, rgb);
            }
        }
        if frame.index >= last {
            break;
        }
    }
    Ok(())
}

/// `Ok(None)` at the end of the file.
fn next_frame(source: &mut FileSource, path: &Path) -> Result<Option<Frame>, OfflineError> {
    let asked = clock::monotonic();
    loop {
        match source.next(POLL)? {
            Polled::Frame(frame) => return Ok(Some(frame)),
            Polled::Ended => return Ok(None),
            Polled::Idle if clock::monotonic().since(asked) > STALL_MAX => {
                return Err(OfflineError::Stalled { path: path.to_owned() });
            }
            Polled::Idle => {}
        }
    }
}

fn picture_of<'f>(frame: &'f Frame, path: &Path) -> Result<PictureRef<'f>, OfflineError> {
    let unusable = || SourceError::Picture {
        source_name: path.display().to_string(),
        reason: "its memory contradicts its format",
    };
    Ok(frame.picture.as_ref().ok_or_else(unusable)?)
}

/// The thread in front of the model.
struct Decoding {
    path: PathBuf,
    source: FileSource,
    faults: Vec<FaultSpan>,
    watch: Option<Watch>,
    /// `None`: the thread that runs the model prepares.
    preprocessor: Option<Preprocessor>,
    reusable: Receiver<Prepared>,
}

impl Decoding {
    fn run(mut self, sink: &SyncSender<Result<Ready, OfflineError>>) {
        while let Some(next) = self.next().transpose() {
            let failed = next.is_err();
            if sink.send(next).is_err() || failed {
                return;
            }
        }
    }

    /// `Ok(None)` at the end of the file.
    fn next(&mut self) -> Result<Option<Ready>, OfflineError> {
        let Some(frame) = next_frame(&mut self.source, &self.path)? else {
            return Ok(None);
        };
        let picture = picture_of(&frame, &self.path)?;
        let view = look(self.watch.as_mut(), &self.faults, &picture, frame.time);
        let started = clock::monotonic().as_nanos();
        let (index, time, source_size) = (frame.index, frame.time, frame.source_size);
        let input = match &self.preprocessor {
            Some(preprocessor) => {
                let mut prepared = self.reusable.try_recv().unwrap_or_default();
                preprocessor.prepare(&picture, &mut prepared);
                Input::Prepared(prepared)
            }
            None => Input::Delivered(frame),
        };
        Ok(Some(Ready {
            index,
            time,
            source_size,
            view,
            input,
            preprocess_ms: span_ms(started, clock::monotonic().as_nanos()),
        }))
    }
}

fn playing(fit: Fit, options: OfflineOptions) -> FileOptions {
    FileOptions { fit, pace: Pace::AsFast, ending: Ending::Stop, fps: options.fps }
}

fn look(
    watch: Option<&mut Watch>,
    faults: &[FaultSpan],
    picture: &PictureRef<'_>,
    time: Duration,
) -> ViewFaults {
    let at = ORIGIN.after(dated(faults, time));
    let looked = watch.and_then(|watch| {
        let (grey, tone) = Grey::from_bgr(picture.rows(), picture.width())?;
        Some(watch.look(grey, tone, at, Hour::new(0)))
    });
    let findings = looked.map(|look| look.findings).unwrap_or_default();
    findings.iter().map(|finding| finding.fault).collect()
}

pub(super) fn span_ms(from_ns: u64, to_ns: u64) -> f64 {
    to_ns.saturating_sub(from_ns) as f64 / 1e6
}
