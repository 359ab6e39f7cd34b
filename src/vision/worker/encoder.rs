//! Pictures to JPEG, in a thread of its own that yields to everything else: a preview must never
//! delay a detection.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

use crate::link::{self, CameraIndex, FromWorker};

use super::super::ingest::Picture;
use super::outbox::Outbox;

/// Snapshots waiting: one incident asks for one, and zones are few.
const SNAPSHOTS_MAX: usize = 16;

/// … and in not more memory than this: full HD is 6.2 MB, and takes some 15 ms each.
const SNAPSHOT_BYTES_MAX: usize = 40 * 1024 * 1024;

/// Good enough to recognise a person's clothes, 60 to 100 KB at 640x480.
const JPEG_QUALITY: u8 = 80;

/// How much more willing than the rest this thread is to wait for a core.
const NICENESS: i32 = 10;

/// A picture to be encoded.
pub struct Job {
    pub camera: CameraIndex,
    pub frame: u64,
    pub captured_ns: u64,
    pub picture: Arc<Picture>,
    pub purpose: Purpose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Preview,
    Snapshot { request: u64 },
}

/// Whether a job was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queued {
    Yes,
    Full,
}

/// The thread's handle; dropping it ends the thread after the picture it works on.
pub struct Encoder {
    shared: Arc<Shared>,
}

struct Shared {
    jobs: Mutex<Jobs>,
    arrived: Condvar,
}

#[derive(Default)]
struct Jobs {
    snapshots: VecDeque<Job>,
    /// The newest of each camera that waits.
    previews: VecDeque<Job>,
    ended: bool,
}

impl Encoder {
    pub fn start(outbox: Arc<Outbox>) -> io::Result<Encoder> {
        let shared = Arc::new(Shared { jobs: Mutex::default(), arrived: Condvar::new() });
        let own = Arc::clone(&shared);
        thread::Builder::new().name("jpeg".into()).spawn(move || {
            // On Linux this is the thread's own niceness. Failing leaves it as important as others.
            let _ = rustix::process::nice(NICENESS);
            while let Some(job) = own.take() {
                outbox.push(encode(job));
            }
        })?;
        Ok(Encoder { shared })
    }

    /// Queues a job. A preview replaces an older one of its camera; snapshots are never replaced.
    pub fn put(&self, job: Job) -> Queued {
        let mut jobs = self.shared.lock();
        match job.purpose {
            Purpose::Snapshot { .. } if jobs.is_full_for(&job) => return Queued::Full,
            Purpose::Snapshot { .. } => jobs.snapshots.push_back(job),
            Purpose::Preview => {
                jobs.previews.retain(|waiting| waiting.camera != job.camera);
                jobs.previews.push_back(job);
            }
        }
        drop(jobs);
        self.shared.arrived.notify_one();
        Queued::Yes
    }
}

impl Jobs {
    /// One snapshot always has room.
    fn is_full_for(&self, job: &Job) -> bool {
        let bytes: usize = self.snapshots.iter().map(|waiting| waiting.picture.bytes()).sum();
        let too_large = bytes + job.picture.bytes() > SNAPSHOT_BYTES_MAX;
        self.snapshots.len() >= SNAPSHOTS_MAX || (!self.snapshots.is_empty() && too_large)
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.arrived.notify_one();
    }
}

impl Shared {
    /// Snapshots first. `None` when the encoder was dropped.
    fn take(&self) -> Option<Job> {
        let idle =
            |jobs: &mut Jobs| jobs.snapshots.is_empty() && jobs.previews.is_empty() && !jobs.ended;
        let waited = self.arrived.wait_while(self.lock(), idle);
        let mut jobs = waited.unwrap_or_else(PoisonError::into_inner);
        if jobs.ended {
            return None;
        }
        jobs.snapshots.pop_front().or_else(|| jobs.previews.pop_front())
    }

    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn encode(job: Job) -> FromWorker {
    let jpeg = jpeg(&job.picture).unwrap_or_default();
    let picture =
        link::Picture { camera: job.camera, frame: job.frame, captured_ns: job.captured_ns, jpeg };
    match job.purpose {
        Purpose::Preview => FromWorker::Preview(picture),
        Purpose::Snapshot { request } => {
            FromWorker::Snapshot { request, picture: (!picture.jpeg.is_empty()).then_some(picture) }
        }
    }
}

fn jpeg(picture: &Picture) -> Option<Vec<u8>> {
    let picture = picture.as_ref()?;
    let (width, height) = (picture.width(), picture.height());
    let mut rgb = Vec::with_capacity(width * height * 3);
    for row in picture.rows() {
        for [blue, green, red] in row.as_chunks::<3>().0 {
            rgb.extend([*red, *green, *blue]);
        }
    }
    let mut jpeg = Vec::new();
    let (width, height) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY)
        .encode(&rgb, width, height, ExtendedColorType::Rgb8)
        .ok()?;
    Some(jpeg)
}
