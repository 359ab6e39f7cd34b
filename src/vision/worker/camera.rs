//! One thread per camera: opens the source, hands the newest picture on, opens it again when it
//! fails or hangs, waiting longer each time.

use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::clock;
use crate::link::{CameraIndex, Source, WorkerCamera};

use super::super::ingest::described::DescribedSource;
use super::super::ingest::file::{FileOptions, FileSource};
use super::super::ingest::pattern::PatternSource;
use super::super::ingest::{FrameSource, Pace, Polled, SourceError};
use super::super::preprocess::Fit;
use super::inbox::Inbox;
use crate::telemetry::chain;

/// First wait before a source is opened again, doubled each time …
const RETRY_FIRST: Duration = Duration::from_millis(500);

/// … up to this: a camera that comes back is seen again within ten seconds.
const RETRY_MAX: Duration = Duration::from_secs(10);

/// Share of a wait that is random, so that cameras behind one switch do not all come at once.
const RETRY_JITTER: f64 = 0.2;

/// A source without a picture for so long hangs and is opened anew. Slow rates get more.
const STALL_MIN: Duration = Duration::from_secs(3);

/// … this many picture intervals.
const STALL_PICTURES: f64 = 3.0;

/// How often a waiting thread looks whether it shall stop.
const POLL: Duration = Duration::from_millis(100);

/// How long an ending process waits for pipelines to be torn down in order.
const STOP_MAX: Duration = Duration::from_secs(2);

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
    fit: Fit,
    inbox: Arc<Inbox>,
    stop: Arc<Stop>,
    /// What the guard was told last; `None` while pictures come.
    told: Option<String>,
    wait: Duration,
}

/// How watching a source ended.
enum Outcome {
    Stopped,
    Finished,
    Failed(String),
}

impl Cameras {
    pub fn start(cameras: &[WorkerCamera], fit: Fit, inbox: &Arc<Inbox>) -> io::Result<Cameras> {
        let stop = Arc::new(Stop::default());
        let (alive, ended) = sync_channel(0);
        for (index, camera) in (0..).zip(cameras) {
            let camera = Camera {
                index,
                camera: camera.clone(),
                fit,
                inbox: Arc::clone(inbox),
                stop: Arc::clone(&stop),
                told: None,
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
        let mut source = match self.open() {
            Ok(source) => source,
            Err(error) => return Outcome::Failed(chain(&error)),
        };
        let interval = Duration::try_from_secs_f64(STALL_PICTURES / self.camera.fps);
        let stall = STALL_MIN.max(interval.unwrap_or(STALL_MIN));
        let mut last_at = clock::monotonic();
        while !self.stop.within(Duration::ZERO) {
            match source.next(POLL) {
                Ok(Polled::Frame(frame)) => {
                    last_at = clock::monotonic();
                    self.told = None;
                    self.wait = RETRY_FIRST;
                    self.inbox.put_frame(self.index, frame);
                }
                Ok(Polled::Idle) if clock::monotonic().since(last_at) > stall => {
                    let seconds = stall.as_secs_f64();
                    return Outcome::Failed(format!("no picture for {seconds:.0} s"));
                }
                Ok(Polled::Idle) => {}
                Ok(Polled::Ended) => return Outcome::Finished,
                Err(error) => return Outcome::Failed(chain(&error)),
            }
        }
        Outcome::Stopped
    }

    fn open(&self) -> Result<Box<dyn FrameSource>, SourceError> {
        Ok(match &self.camera.source {
            Source::File { path, ending } => {
                let options = FileOptions {
                    fit: self.fit,
                    pace: Pace::Clock,
                    ending: *ending,
                    fps: Some(self.camera.fps),
                };
                Box::new(FileSource::open(Path::new(path), options)?)
            }
            Source::Test { pattern } => {
                Box::new(PatternSource::open(pattern, self.fit, self.camera.fps)?)
            }
            Source::Gst { description } => {
                Box::new(DescribedSource::open(description, self.fit, Some(self.camera.fps))?)
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

/// A wait with up to 20 % taken off; the clock's last digits are random enough for this.
fn jittered(wait: Duration) -> Duration {
    let share = (clock::monotonic().as_nanos() / 1000 % 1000) as f64 / 1000.0;
    wait.mul_f64(1.0 - RETRY_JITTER * share)
}
