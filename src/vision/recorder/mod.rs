//! The recorder: the last seconds of each camera's encoded video, in memory, and clips cut from it.
//!
//! ```text
//! parser ─> [tap] ─> decoder ─> scaler ...        encoded video, as the camera sent it
//!             │        └─[tap]─> encoder ┐        only where there is none that browsers play
//!             v                          v
//!           ring of whole groups of pictures ──"write this span"──> clip thread ──> MP4
//! ```
//!
//! Terms: a **unit** is one encoded picture; a **group** begins with a picture that needs no other
//! one (a key frame) and is kept or dropped whole; the **ring** is what is kept of one camera.
//!
//! A clip takes its video out of the ring when it is asked for, and may wait then. Clear ones are written
//! as they came; hidden ones (`hide`) are decoded and encoded anew, one at a time, in another thread.
//!
//! Nothing here waits on the way of a picture: a tap copies the unit and goes on, the ring drops its
//! oldest group, and writing has threads of its own that a bad disk may hold up.
//!
//! Not here: which spans are worth a file, what they are called, and for how long they are kept.

mod encode;
mod hide;
mod mux;
mod ring;
mod row;
mod tap;

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

pub use self::hide::Bounds as HideBounds;
use crate::clock;
use crate::engine::time::Instant;
use crate::link::{
    CameraIndex, ClipOutcome, ClipSpan, ClipVeil, ClipWritten, FromWorker, GIVES_WAY, HIDE_S_MAX,
    RingBounds, YIELD_S_MAX, YIELDS_FROM,
};
use crate::telemetry::chain;

pub use self::mux::MuxError;
pub use self::ring::{Ring, Selection, Unit, UnitKind};
pub(super) use self::tap::Tap;

/// Clips waiting to be written: each camera's zones may all be entered at once.
const CLIPS_WAITING_MAX: usize = 32;

/// Hidden clips waiting to be made; each takes some seconds.
const HIDES_WAITING_MAX: usize = 16;

/// Video held for clips that wait, bytes: the ring goes on meanwhile. One clip is always taken.
const HELD_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// A hidden clip that is not made so long after it was asked for is given up.
const HIDE_MAX: Duration = Duration::from_secs(HIDE_S_MAX as u64);

/// The same of one that gives way.
const YIELD_MAX: Duration = Duration::from_secs(YIELD_S_MAX as u64);

/// How much less urgent than the rest of this process (`nice`) a clip is.
const NICENESS: i32 = 15;

/// A span of a camera's video that is wanted as a file.
#[derive(Clone, Debug, PartialEq)]
pub struct ClipRequest {
    pub request: u64,
    pub camera: CameraIndex,
    pub span: ClipSpan,
    /// Written, and meanwhile a file beside it; nothing else is.
    pub path: PathBuf,
    pub shown: Shown,
}

/// What people are to see of a clip.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown {
    /// What the camera sent.
    AsSent,
    /// Nobody can be recognised.
    Hidden(ClipVeil),
}

/// What is kept of one camera, shared by its taps and the clip thread.
pub struct CameraRing {
    ring: Mutex<Ring>,
    /// Why nothing is being kept, for people.
    why_not: Mutex<Option<String>>,
}

impl CameraRing {
    pub fn new(bounds: RingBounds) -> CameraRing {
        CameraRing { ring: Mutex::new(Ring::new(bounds)), why_not: Mutex::default() }
    }

    pub fn push(&self, unit: Unit) {
        lock(&self.ring).push(unit);
    }

    /// Bytes of video kept now.
    pub fn bytes(&self) -> u64 {
        lock(&self.ring).bytes()
    }

    /// Says why no video comes; `None` when some does.
    fn explain(&self, why: Option<String>) {
        *lock(&self.why_not) = why;
    }

    /// What is kept of the span, and a little more before it: a clip begins with a key frame. Units are
    /// shared, not copied: the ring is held for microseconds, and may go on.
    pub fn select(&self, span: ClipSpan) -> Result<Selection, String> {
        let ring = lock(&self.ring);
        if let Some(selected) = ring.select(span) {
            return Ok(selected);
        }
        if ring.select(ClipSpan { not_before_ns: 0, ..span }).is_some() {
            return Err("it would begin at a time when something was masked".into());
        }
        drop(ring);
        let why = lock(&self.why_not).clone();
        Err(why.unwrap_or_else(|| "no video of this time is kept".into()))
    }

    /// Writes what is kept of the span.
    pub fn write(&self, from_ns: u64, to_ns: u64, path: &Path) -> ClipOutcome {
        match self.select(ClipSpan::between(from_ns, to_ns)) {
            Ok(selected) => outcome(mux::write(&selected, path).map_err(|error| chain(&error))),
            Err(reason) => ClipOutcome::Failed { reason },
        }
    }

    /// The same with nobody to be recognised.
    pub fn hide(
        &self,
        span_ns: (u64, u64),
        veil: &ClipVeil,
        path: &Path,
        bounds: &HideBounds<'_>,
    ) -> ClipOutcome {
        match self.select(ClipSpan::between(span_ns.0, span_ns.1)) {
            Ok(selected) => hidden(&selected, veil, path, bounds),
            Err(reason) => ClipOutcome::Failed { reason },
        }
    }
}

/// A clip that waits, with all of its video: it is the same whenever its turn comes.
struct Job {
    request: u64,
    path: PathBuf,
    shown: Shown,
    selected: Selection,
    bytes: u64,
    until: Instant,
}

/// The rings of all cameras, and the threads that cut clips from them.
pub struct Recorder {
    rings: Vec<Arc<CameraRing>>,
    as_sent: Queue,
    hidden: Queue,
}

/// Clips that wait for one thread. Each has its own bound: one that is slow to hide costs no clear one.
struct Queue {
    jobs: SyncSender<Job>,
    /// Bytes of the jobs that wait.
    held: Arc<AtomicU64>,
}

impl Recorder {
    /// Starts the threads; they end when the recorder is dropped and nothing waits. `tell` gets every
    /// outcome.
    pub fn start(
        cameras: usize,
        bounds: RingBounds,
        tell: impl Fn(FromWorker) + Clone + Send + 'static,
    ) -> io::Result<Recorder> {
        let rings: Vec<_> = (0..cameras).map(|_| Arc::new(CameraRing::new(bounds))).collect();
        let thread = |name: &str, waiting_max, niceness| {
            let (jobs, waiting) = sync_channel(waiting_max);
            let held = Arc::new(AtomicU64::new(0));
            let queue = Queue { jobs, held: Arc::clone(&held) };
            let tell = tell.clone();
            let spawned = thread::Builder::new().name(name.into()).spawn(move || {
                // Linux keeps niceness per thread; without it clips merely compete.
                let _ = rustix::process::nice(niceness);
                write_all(&waiting, &held, tell);
            });
            spawned.map(|_| queue)
        };
        let as_sent = thread("clips", CLIPS_WAITING_MAX, NICENESS)?;
        // One at a time, and less urgent than the clear ones, which are done in a moment.
        let hidden = thread("hidden-clips", HIDES_WAITING_MAX, encode::NICENESS)?;
        Ok(Recorder { rings, as_sent, hidden })
    }

    /// The rings, in the order of the cameras.
    pub fn rings(&self) -> &[Arc<CameraRing>] {
        &self.rings
    }

    /// Takes the span's video and queues the clip; comes back with the outcome when there is no room.
    pub fn write(&self, asked: ClipRequest) -> Result<(), Box<FromWorker>> {
        let request = asked.request;
        self.queue(asked).map_err(|reason| {
            Box::new(FromWorker::Clip { request, outcome: ClipOutcome::Failed { reason } })
        })
    }

    fn queue(&self, asked: ClipRequest) -> Result<(), String> {
        let ClipRequest { request, camera, span, path, shown } = asked;
        let ring = self.rings.get(usize::from(camera));
        let ring = ring.ok_or_else(|| format!("there is no camera {camera}"))?;
        let selected = ring.select(span)?;
        let bytes = selected.units.iter().map(|unit| unit.bytes.len() as u64).sum();
        let queue = match shown {
            Shown::AsSent => &self.as_sent,
            Shown::Hidden(_) => &self.hidden,
        };
        let held = queue.held.load(Ordering::Relaxed);
        let yields = request >= YIELDS_FROM;
        if yields && held > 0 {
            return Err(GIVES_WAY.into());
        }
        if held > 0 && held + bytes > HELD_BYTES_MAX {
            return Err("too much video waits to be written".into());
        }
        // What gives way takes none of the others' room; there is one of it at a time.
        let (bytes, most) = if yields { (0, YIELD_MAX) } else { (bytes, HIDE_MAX) };
        let until = clock::monotonic().after(most);
        queue.held.fetch_add(bytes, Ordering::Relaxed);
        let job = Job { request, path, shown, selected, bytes, until };
        queue.jobs.try_send(job).map_err(|_full| {
            queue.held.fetch_sub(bytes, Ordering::Relaxed);
            "too many clips are being written".to_owned()
        })
    }
}

fn write_all(waiting: &Receiver<Job>, held: &AtomicU64, tell: impl Fn(FromWorker)) {
    for Job { request, path, shown, selected, bytes, until } in waiting {
        // What comes out of a camera is not to end this thread, and clips with it.
        let written = panic::catch_unwind(AssertUnwindSafe(|| match &shown {
            Shown::AsSent => outcome(mux::write(&selected, &path).map_err(|error| chain(&error))),
            Shown::Hidden(veil) => {
                // An incident's clip that came meanwhile does not wait for one that gives way.
                let gives_way = request >= YIELDS_FROM;
                let is_wanted = || gives_way && held.load(Ordering::Relaxed) > 0;
                hidden(&selected, veil, &path, &HideBounds { until, is_wanted: &is_wanted })
            }
        }));
        let reason = "the program failed over it; its log says more".to_owned();
        let outcome = written.unwrap_or(ClipOutcome::Failed { reason });
        drop(selected);
        held.fetch_sub(bytes, Ordering::Relaxed);
        tell(FromWorker::Clip { request, outcome });
    }
}

fn hidden(
    selected: &Selection,
    veil: &ClipVeil,
    path: &Path,
    bounds: &HideBounds<'_>,
) -> ClipOutcome {
    outcome(hide::write(selected, veil, path, bounds).map_err(|error| chain(&error)))
}

fn outcome(written: Result<ClipWritten, String>) -> ClipOutcome {
    match written {
        Ok(written) => ClipOutcome::Written(written),
        Err(reason) => ClipOutcome::Failed { reason },
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
