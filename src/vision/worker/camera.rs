//! One thread per camera: opens the source, hands the newest picture on, opens it again when it
//! fails or hangs, waiting longer each time.

use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::clock;
use crate::engine::time::Instant;
use crate::link::{CameraIndex, Source, Stream, Transport, WorkerCamera};

use super::super::ingest::described::DescribedSource;
use super::super::ingest::fallback::{DecoderFailure, Fallback, Fell};
use super::super::ingest::file::{FileOptions, FileSource};
use super::super::ingest::mjpeg::MjpegSource;
use super::super::ingest::pattern::PatternSource;
use super::super::ingest::rtsp::{RtspOptions, RtspSource, Way};
use super::super::ingest::v4l2::V4l2Source;
use super::super::ingest::{FrameSource, Pace, Polled, SourceError};
use super::super::preprocess::Fit;
use super::super::recorder::CameraRing;
use super::duties::{DUTY_MAX, Doing, Duties};
use super::inbox::Inbox;
use crate::reach::LOOK_MAX;
use crate::telemetry::chain;

/// First wait before a source is opened again, doubled each time …
const RETRY_FIRST: Duration = Duration::from_millis(500);

/// … up to this: a camera that comes back is seen again within ten seconds.
const RETRY_MAX: Duration = Duration::from_secs(10);

/// Only a source that has given pictures for so long begins with the first wait again: one that gives
/// a picture and dies, over and over, is not asked twice a second.
const GOOD_AFTER: Duration = Duration::from_secs(5);

/// Share of a wait that is random, so that cameras behind one switch do not all come at once.
const RETRY_JITTER: f64 = 0.2;

/// A source without a picture for so long hangs and is opened anew. Slow rates get more.
const STALL_MIN: Duration = Duration::from_secs(3);

/// … this many picture intervals.
const STALL_PICTURES: f64 = 3.0;

/// A source that was just opened gets this long: a camera may send a whole picture only every few
/// seconds.
const FIRST_PICTURE_MAX: Duration = Duration::from_secs(10);

/// Looking why a camera does not answer is no hanging thread.
const _: () = assert!(LOOK_MAX.as_millis() < DUTY_MAX.as_millis());

/// How often what is known of the stream is looked at.
const STREAM_EVERY: Duration = Duration::from_secs(1);

/// How often a waiting thread looks whether it shall stop.
const POLL: Duration = Duration::from_millis(100);

/// How long an ending process waits for pipelines to be torn down in order.
const STOP_MAX: Duration = Duration::from_secs(2);

/// What pictures are to be handed out for; may change while cameras give them.
pub struct WantedFit(Mutex<Fit>);

impl WantedFit {
    pub fn new(fit: Fit) -> WantedFit {
        WantedFit(Mutex::new(fit))
    }

    pub fn set(&self, fit: Fit) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fit;
    }

    fn now(&self) -> Fit {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All cameras' threads.
pub struct Cameras {
    stop: Arc<Stop>,
    /// Every thread holds the other end and never sends: it closes when the last has ended.
    ended: Receiver<()>,
}

/// A stop that can be waited for.
#[derive(Default)]
struct Stop {
    wanted: Mutex<bool>,
    changed: Condvar,
}

struct Camera {
    index: CameraIndex,
    camera: WorkerCamera,
    wanted: Arc<WantedFit>,
    /// What pictures are handed out for now.
    fit: Fit,
    inbox: Arc<Inbox>,
    ring: Arc<CameraRing>,
    stop: Arc<Stop>,
    duties: Arc<Duties>,
    /// What the guard was told last; `None` while pictures come.
    told: Option<String>,
    /// How pictures came when the guard was told last, and when that was looked at.
    stream: Option<Stream>,
    looked_at: Instant,
    /// How packets are asked for next time.
    way: Way,
    /// What decodes, after others failed.
    decoders: Fallback,
    wait: Duration,
}

/// How watching a source ended.
enum Outcome {
    Stopped,
    Finished,
    Failed(String),
}

impl Cameras {
    pub fn start(
        cameras: &[WorkerCamera],
        rings: &[Arc<CameraRing>],
        wanted: &Arc<WantedFit>,
        inbox: &Arc<Inbox>,
        duties: &Arc<Duties>,
    ) -> io::Result<Cameras> {
        let stop = Arc::new(Stop::default());
        let (alive, ended) = sync_channel(0);
        for (index, (camera, ring)) in (0..).zip(cameras.iter().zip(rings)) {
            let camera = Camera {
                index,
                camera: camera.clone(),
                wanted: Arc::clone(wanted),
                fit: wanted.now(),
                inbox: Arc::clone(inbox),
                ring: Arc::clone(ring),
                stop: Arc::clone(&stop),
                duties: Arc::clone(duties),
                told: None,
                stream: None,
                looked_at: clock::monotonic(),
                way: Way::first(transport(&camera.source)),
                decoders: Fallback::new(camera.decoder),
                wait: RETRY_FIRST,
            };
            let alive: SyncSender<()> = alive.clone();
            thread::Builder::new().name(format!("camera {index}")).spawn(move || {
                camera.run();
                drop(alive);
            })?;
        }
        Ok(Cameras { stop, ended })
    }

    /// Stops all threads and waits for them, but not for one that hangs in a driver.
    pub fn stop(self) {
        self.stop.set();
        if self.ended.recv_timeout(STOP_MAX) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("a camera's pipeline does not stop; leaving it behind");
        }
    }
}

impl Drop for Cameras {
    fn drop(&mut self) {
        self.stop.set();
    }
}

impl Stop {
    fn set(&self) {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits; true when a stop is wanted.
    fn within(&self, wait: Duration) -> bool {
        let wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(wanted, wait, |wanted| !*wanted);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Camera {
    fn run(mut self) {
        loop {
            match self.watch() {
                Outcome::Stopped => return,
                Outcome::Finished => {
                    self.tell("the file has ended".into());
                    return;
                }
                Outcome::Failed(reason) => self.tell(reason),
            }
            if self.stop.within(jittered(self.wait)) {
                return;
            }
            self.wait = (self.wait * 2).min(RETRY_MAX);
        }
    }

    fn watch(&mut self) -> Outcome {
        let duties = Arc::clone(&self.duties);
        self.stream = None;
        self.fit = self.wanted.now();
        let mut source = match duties.during(self.index, Doing::Opening, || self.open()) {
            Ok(source) => source,
            Err(error) => return Outcome::Failed(chain(&error)),
        };
        let outcome = self.watch_opened(source.as_mut());
        if let (Outcome::Failed(_), Some(failure)) = (&outcome, source.decoder_failed())
            && self.decoders.failed(&failure, clock::monotonic()) == Fell::ToNext
        {
            let DecoderFailure { element, reason } = failure;
            let id = &self.camera.id;
            tracing::warn!(
                "camera {id}: {element} failed too often ({reason}): trying the next decoder"
            );
        }
        duties.during(self.index, Doing::Closing, || drop(source));
        if self.stream.is_none() {
            self.way = self.way.after_failure(transport(&self.camera.source));
        }
        outcome
    }

    fn watch_opened(&mut self, source: &mut dyn FrameSource) -> Outcome {
        source.record(Arc::clone(&self.ring));
        let interval = Duration::try_from_secs_f64(STALL_PICTURES / self.camera.fps);
        let stall = STALL_MIN.max(interval.unwrap_or(STALL_MIN));
        let mut allowed = FIRST_PICTURE_MAX;
        let mut last_at = clock::monotonic();
        let mut first_at = None;
        let duties = Arc::clone(&self.duties);
        while !self.stop.within(Duration::ZERO) {
            match duties.during(self.index, Doing::Asking, || source.next(POLL)) {
                Ok(Polled::Frame(frame)) => {
                    last_at = clock::monotonic();
                    allowed = stall;
                    self.told = None;
                    if last_at.since(*first_at.get_or_insert(last_at)) >= GOOD_AFTER {
                        self.wait = RETRY_FIRST;
                    }
                    self.look_at_stream(source);
                    self.refit(source);
                    self.inbox.put_frame(self.index, frame);
                }
                Ok(Polled::Idle) if clock::monotonic().since(last_at) > allowed => {
                    let why = || first_at.is_none().then(|| source.unreachable()).flatten();
                    if let Some(error) = duties.during(self.index, Doing::Asking, why) {
                        return Outcome::Failed(chain(&error));
                    }
                    let seconds = allowed.as_secs_f64();
                    return Outcome::Failed(format!("no picture for {seconds:.0} s"));
                }
                Ok(Polled::Idle) => {}
                Ok(Polled::Ended) => return Outcome::Finished,
                Err(error) => return Outcome::Failed(chain(&error)),
            }
        }
        Outcome::Stopped
    }

    /// Another model looks, or soon may.
    fn refit(&mut self, source: &mut dyn FrameSource) {
        let wanted = self.wanted.now();
        if self.fit != wanted {
            self.fit = wanted;
            source.refit(wanted);
        }
    }

    /// Tells the guard how pictures come, when that is news.
    fn look_at_stream(&mut self, source: &dyn FrameSource) {
        let now = clock::monotonic();
        if self.stream.is_some() && now.since(self.looked_at) < STREAM_EVERY {
            return;
        }
        self.looked_at = now;
        let decoder_failed = self.decoders.words().map(str::to_owned);
        let stream = Some(Stream { decoder_failed, ..source.stream() });
        if self.stream != stream {
            self.stream.clone_from(&stream);
            if let Some(stream) = stream {
                self.inbox.put_up(self.index, stream);
            }
        }
    }

    fn open(&self) -> Result<Box<dyn FrameSource>, SourceError> {
        let fps = Some(self.camera.fps);
        Ok(match &self.camera.source {
            Source::File { path, ending } => {
                let options =
                    FileOptions { fit: self.fit, pace: Pace::Clock, ending: *ending, fps };
                Box::new(FileSource::open(Path::new(path), options)?)
            }
            Source::Test { pattern } => {
                Box::new(PatternSource::open(pattern, self.fit, self.camera.fps)?)
            }
            Source::Gst { description } => {
                Box::new(DescribedSource::open(description, self.fit, fps)?)
            }
            Source::Rtsp(rtsp) => {
                let options = RtspOptions {
                    fit: self.fit,
                    fps,
                    way: self.way,
                    decoder: self.decoders.wanted(),
                };
                Box::new(RtspSource::open(rtsp, &options)?)
            }
            Source::HttpMjpeg(mjpeg) => {
                Box::new(MjpegSource::open(mjpeg, self.decoders.wanted(), self.fit, fps)?)
            }
            Source::V4l2(v4l2) => {
                Box::new(V4l2Source::open(v4l2, self.decoders.wanted(), self.fit, fps)?)
            }
        })
    }

    /// Tells the guard, unless it was told the same before.
    fn tell(&mut self, reason: String) {
        if self.told.as_ref() != Some(&reason) {
            self.inbox.put_lost(self.index, reason.clone());
            self.told = Some(reason);
        }
    }
}

/// How packets may come; of no meaning for sources that have none.
fn transport(source: &Source) -> Transport {
    match source {
        Source::Rtsp(rtsp) => rtsp.transport,
        Source::File { .. }
        | Source::Test { .. }
        | Source::Gst { .. }
        | Source::HttpMjpeg(_)
        | Source::V4l2(_) => Transport::Auto,
    }
}

/// A wait with up to 20 % taken off; the clock's last digits are random enough for this.
fn jittered(wait: Duration) -> Duration {
    let share = (clock::monotonic().as_nanos() / 1000 % 1000) as f64 / 1000.0;
    wait.mul_f64(1.0 - RETRY_JITTER * share)
}
