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
//! Nothing here waits on the way of a picture: a tap copies the unit and goes on, the ring drops its
//! oldest group, and writing has a thread of its own that a bad disk may hold up.
//!
//! Not here: which spans are worth a file, what they are called, and for how long they are kept.

mod encode;
mod mux;
mod ring;
mod tap;

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::link::{CameraIndex, ClipOutcome, FromWorker, RingBounds};
use crate::telemetry::chain;

pub use self::mux::MuxError;
pub use self::ring::{Ring, Selection, Unit, UnitKind};
pub(super) use self::tap::Tap;

/// Clips waiting to be written: each camera's zones may all be entered at once.
const CLIPS_WAITING_MAX: usize = 32;

/// How much less urgent than the rest of this process (`nice`) a clip is.
const NICENESS: i32 = 15;

/// A span of a camera's video that is wanted as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClipRequest {
    pub request: u64,
    pub camera: CameraIndex,
    pub from_ns: u64,
    pub to_ns: u64,
    /// Written, and meanwhile a file beside it; nothing else is.
    pub path: PathBuf,
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

    /// Writes what is kept of the span, and a little more before it: a clip begins with a key frame.
    pub fn write(&self, from_ns: u64, to_ns: u64, path: &std::path::Path) -> ClipOutcome {
        // Units are shared, not copied: the ring is held for microseconds.
        let selected = lock(&self.ring).select(from_ns, to_ns);
        let Some(selected) = selected else {
            let why = lock(&self.why_not).clone();
            let reason = why.unwrap_or_else(|| "no video of this time is kept".into());
            return ClipOutcome::Failed { reason };
        };
        match mux::write(&selected, path) {
            Ok(written) => ClipOutcome::Written(written),
            Err(error) => ClipOutcome::Failed { reason: chain(&error) },
        }
    }
}

/// The rings of all cameras, and the thread that cuts clips from them.
pub struct Recorder {
    rings: Vec<Arc<CameraRing>>,
    requests: SyncSender<ClipRequest>,
}

impl Recorder {
    /// Starts the thread; it ends when the recorder is dropped and nothing waits. `tell` gets every
    /// outcome.
    pub fn start(
        cameras: usize,
        bounds: RingBounds,
        tell: impl Fn(FromWorker) + Send + 'static,
    ) -> io::Result<Recorder> {
        let rings: Vec<_> = (0..cameras).map(|_| Arc::new(CameraRing::new(bounds))).collect();
        let (requests, waiting) = sync_channel(CLIPS_WAITING_MAX);
        let ours = rings.clone();
        thread::Builder::new().name("clips".into()).spawn(move || {
            // Linux keeps niceness per thread; without it clips merely compete.
            let _ = rustix::process::nice(NICENESS);
            write_all(&waiting, &ours, tell);
        })?;
        Ok(Recorder { rings, requests })
    }

    /// The rings, in the order of the cameras.
    pub fn rings(&self) -> &[Arc<CameraRing>] {
        &self.rings
    }

    /// Queues a clip and goes on; comes back with the outcome when there is no room.
    pub fn write(&self, request: ClipRequest) -> Result<(), FromWorker> {
        let number = request.request;
        self.requests.try_send(request).map_err(|_full| FromWorker::Clip {
            request: number,
            outcome: ClipOutcome::Failed { reason: "too many clips are being written".into() },
        })
    }
}

fn write_all(
    waiting: &Receiver<ClipRequest>,
    rings: &[Arc<CameraRing>],
    tell: impl Fn(FromWorker),
) {
    for ClipRequest { request, camera, from_ns, to_ns, path } in waiting {
        let outcome = match rings.get(usize::from(camera)) {
            Some(ring) => ring.write(from_ns, to_ns, &path),
            None => ClipOutcome::Failed { reason: format!("there is no camera {camera}") },
        };
        tell(FromWorker::Clip { request, outcome });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
