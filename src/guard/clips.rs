//! Clips: which spans of video become files, and for how long they stay.
//!
//! ```text
//! alarm path ── began, ended ──> this thread ── WriteClip, when the span is over ──> vision process
//!                                     ^  └─ hash, name, row, audit                        │
//!                                     └──────────────── outcome ──────────────────────────┘
//! ```
//!
//! Terms: a **part** is one file; an incident that goes on for longer than [`CLIP_S_MAX`] has
//! several, each beginning where the one before ended. Incidents that overlap have a clip each.
//!
//! Everything here comes after siren and store, on a thread of low priority. A disk that is full,
//! slow or gone costs clips, each with its reason in the store, and nothing else.
//!
//! Not here: pictures (`evidence`), encoded video (`vision::recorder`), rows (`store::evidence`).

mod book;
mod desk;
mod folder;

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub use self::desk::ClipDesk;

use self::book::{Asked, Book, Order};
use self::folder::{Finished, Folder};
use super::age::Age;
use super::clerk::Clerk;
use super::worker::WorkerPost;
use crate::clock;
use crate::config::Evidence;
use crate::engine::IncidentId;
use crate::engine::time::Instant;
use crate::link::{CLIP_S_MAX, CameraIndex, ClipOutcome, ClipWritten, ToWorker};
use crate::store::evidence::{Kept, NewClip, Room};
use crate::telemetry::chain;

/// Tasks waiting for the thread; each takes as long as hashing one clip at most.
const QUEUE_MAX: usize = 128;

/// How often the thread looks whether a span is over.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How often evidence is held within its bounds.
const RETIRE_EVERY: Duration = Duration::from_secs(60);

/// Seconds.
const DAY_S: u64 = 24 * 3_600;

/// An incident that is not in the store so long after its clip was made was lost to it.
const INCIDENT_WAITED_MAX: Duration = Duration::from_secs(600);

/// Why there is no video of a camera with a privacy mask.
const MASKED: &str = "its camera has a privacy mask, and nothing is blacked out in video";

/// Rows waiting for the store; the files of those beyond are removed at the next start.
const ROWS_MAX: usize = 256;

/// How long the end of the box waits for the clips of incidents that are under way.
const LAST_CLIPS_MAX: Duration = Duration::from_secs(2);

/// How much less urgent than everything else (`nice`).
const NICENESS: i32 = 10;

/// Something for the thread.
#[derive(Debug)]
pub enum ClipTask {
    Began(Began),
    /// An incident began on a camera of which something must not be seen, and nothing blacks it out in
    /// video.
    Masked(IncidentId),
    /// Nobody is inside any more, since then.
    Ended {
        incident: IncidentId,
        at: Instant,
    },
    Outcome {
        request: u64,
        outcome: ClipOutcome,
    },
    /// The box ends: what is under way is written as far as it goes.
    Stop,
}

/// An incident began.
#[derive(Debug)]
pub struct Began {
    pub incident: IncidentId,
    pub camera: CameraIndex,
    /// When the person was first seen.
    pub at: Instant,
}

/// What the thread is made of.
pub struct ClipParts {
    pub evidence: Evidence,
    /// The folder of the clips.
    pub folder: PathBuf,
    pub clerk: Clerk,
    pub post: WorkerPost,
}

/// A queue for the thread.
pub fn queue() -> (SyncSender<ClipTask>, Receiver<ClipTask>) {
    mpsc::sync_channel(QUEUE_MAX)
}

/// Leaves a task and goes; for the alarm path.
pub fn tell(queue: &SyncSender<ClipTask>, task: ClipTask) {
    // Gone: the box is ending.
    if matches!(queue.try_send(task), Err(TrySendError::Full(_))) {
        tracing::warn!("a clip may be missing or too long: too many at once");
    }
}

/// The thread, to be stopped.
pub struct ClipThread {
    queue: SyncSender<ClipTask>,
    thread: JoinHandle<()>,
}

impl ClipThread {
    /// Ends the thread once what is under way is written, as far as there is somebody to write it.
    pub fn stop(self) {
        // An error means that the thread has ended already.
        let _ = self.queue.send(ClipTask::Stop);
        let _ = self.thread.join();
    }
}

/// Starts the thread of a queue; it ends when it is stopped.
pub fn start(
    parts: ClipParts,
    (queue, tasks): (SyncSender<ClipTask>, Receiver<ClipTask>),
) -> io::Result<ClipThread> {
    let ClipParts { evidence, folder, clerk, post } = parts;
    let now = clock::monotonic();
    let seconds = |s: u32| Duration::from_secs(u64::from(s));
    let mut keeper = ClipKeeper {
        book: Book::new(seconds(evidence.before_s), seconds(evidence.after_s), seconds(CLIP_S_MAX)),
        evidence,
        folder: Folder::new(folder),
        clerk,
        post,
        rows: VecDeque::new(),
        age: Age::new(Duration::from_secs(DAY_S * u64::from(evidence.days)), clock::wall(), now),
        retired_at: None,
    };
    let thread = thread::Builder::new().name("clip-keeper".into()).spawn(move || {
        // Linux keeps niceness per thread; without it this thread merely competes.
        let _ = rustix::process::nice(NICENESS);
        keeper.begin();
        keeper.run(&tasks);
    })?;
    Ok(ClipThread { queue, thread })
}

struct ClipKeeper {
    evidence: Evidence,
    book: Book,
    folder: Folder,
    clerk: Clerk,
    post: WorkerPost,
    /// What the store has not taken yet.
    rows: VecDeque<(Instant, PendingRow)>,
    age: Age,
    retired_at: Option<Instant>,
}

/// What is to stand in the store.
#[derive(Clone, Debug)]
enum PendingRow {
    Clip(NewClip),
    Lost { incident: IncidentId, part: u32, why: String },
}

impl ClipKeeper {
    /// What earlier lives left over.
    fn begin(&mut self) {
        let why = "the box stopped before it was written";
        match self.clerk.ask(move |store| {
            store.close_clips(why, clock::wall())?;
            store.reader()
        }) {
            Ok(Ok(reader)) => match reader.clip_files() {
                Ok(known) => {
                    for file in self.folder.sweep(&known) {
                        let _ = self.clerk.leave(move |store| {
                            if let Err(error) = store.clip_is_gone(&file, clock::wall()) {
                                tracing::error!("{}", chain(&error));
                            }
                        });
                    }
                }
                Err(error) => tracing::error!("clips are not looked over: {}", chain(&error)),
            },
            Ok(Err(error)) => tracing::error!("clips are not looked over: {}", chain(&error)),
            Err(error) => tracing::error!("clips are not looked over: {error}"),
        }
    }

    fn run(&mut self, tasks: &Receiver<ClipTask>) {
        let mut ends_at: Option<Instant> = None;
        loop {
            match tasks.recv_timeout(LOOK_EVERY) {
                Ok(ClipTask::Stop) => {
                    let now = clock::monotonic();
                    self.book.end_all(now);
                    ends_at.get_or_insert(now.after(LAST_CLIPS_MAX));
                }
                Ok(task) => self.take(task),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let now = clock::monotonic();
            self.work(now);
            if let Some(until) = ends_at
                && (now >= until || (self.book.is_empty() && self.rows.is_empty()))
            {
                return;
            }
        }
    }

    fn take(&mut self, task: ClipTask) {
        match task {
            ClipTask::Began(began) => self.book.began(began.incident, began.camera, began.at),
            ClipTask::Masked(incident) => {
                self.put_row(PendingRow::Lost { incident, part: 1, why: MASKED.to_owned() });
            }
            ClipTask::Ended { incident, at } => self.book.ended(incident, at),
            ClipTask::Outcome { request, outcome } => {
                if let Some(asked) = self.book.answered(request) {
                    self.finish(&asked, outcome);
                }
            }
            ClipTask::Stop => {}
        }
    }

    fn work(&mut self, now: Instant) {
        for order in self.book.due(now) {
            match order {
                Order::Write { request, asked, from, to } => {
                    self.ask(request, &asked, from, to);
                }
                Order::GiveUp { asked, why } => {
                    self.folder.discard(&asked.file);
                    self.lose(&asked, why.into());
                }
            }
        }
        self.write_rows();
        if self.retired_at.is_none_or(|at| now.since(at) >= RETIRE_EVERY) {
            self.retire(now);
        }
    }

    fn ask(&mut self, request: u64, asked: &Asked, from: Instant, to: Instant) {
        match self.folder.place_for(&asked.file) {
            Ok(path) => self.post.post(ToWorker::WriteClip {
                request,
                camera: asked.camera,
                from_ns: from.as_nanos(),
                to_ns: to.as_nanos(),
                path: path.display().to_string(),
            }),
            Err(why) => {
                let _ = self.book.answered(request);
                self.lose(asked, why);
                // What is too much may go before its time.
                self.retired_at = None;
            }
        }
    }

    fn finish(&mut self, asked: &Asked, outcome: ClipOutcome) {
        let written = match outcome {
            ClipOutcome::Written(written) => written,
            ClipOutcome::Failed { reason } => {
                self.folder.discard(&asked.file);
                return self.lose(asked, reason);
            }
        };
        match self.folder.finish(&asked.file) {
            Ok(finished) => {
                let clip = new_clip(asked, &written, finished);
                self.put_row(PendingRow::Clip(clip));
            }
            Err(why) => {
                self.folder.discard(&asked.file);
                self.lose(asked, why);
            }
        }
    }

    fn lose(&mut self, asked: &Asked, why: String) {
        let Asked { incident, part, .. } = *asked;
        tracing::warn!("incident {} has no clip (part {part}): {why}", incident.0);
        self.put_row(PendingRow::Lost { incident, part, why });
    }

    fn put_row(&mut self, row: PendingRow) {
        if self.rows.len() >= ROWS_MAX {
            tracing::error!("a clip is lost: the store has taken nothing for too long");
            self.rows.pop_front();
        }
        self.rows.push_back((clock::monotonic(), row));
        self.write_rows();
    }

    /// Rows that the store does not take wait for the next look, and with them those behind.
    fn write_rows(&mut self) {
        while let Some((since, row)) = self.rows.pop_front() {
            let writing = row.clone();
            let asked = self.clerk.ask(move |store| match &writing {
                PendingRow::Clip(clip) => store.put_clip(clip),
                PendingRow::Lost { incident, part, why } => {
                    store.put_clip_lost(*incident, *part, why, clock::wall())
                }
            });
            let why = match asked {
                Ok(Ok(Kept::Yes)) => continue,
                // The incident itself may still be on its way.
                Ok(Ok(Kept::NoIncident)) => {
                    if clock::monotonic().since(since) >= INCIDENT_WAITED_MAX {
                        self.forget(&row);
                    } else {
                        self.rows.push_back((since, row));
                    }
                    return;
                }
                Ok(Err(error)) => chain(&error),
                Err(error) => error.to_string(),
            };
            tracing::debug!("a clip waits for the store: {why}");
            self.rows.push_front((since, row));
            return;
        }
    }

    fn forget(&self, row: &PendingRow) {
        tracing::warn!("a clip is of an incident that the store does not have");
        match row {
            PendingRow::Clip(clip) => self.folder.remove(&clip.file),
            PendingRow::Lost { .. } => {}
        }
    }

    /// Holds evidence within its bounds: first the rows, then the files they named.
    fn retire(&mut self, now: Instant) {
        let wall = clock::wall();
        let not_before = self.age.too_old_before(wall, now);
        let room = Room { bytes_max: self.folder.allowed(self.evidence.bytes_max), not_before };
        self.retired_at = Some(now);
        match self.clerk.ask(move |store| store.retire_evidence(room, wall)) {
            Ok(Ok(retired)) => {
                if !retired.files.is_empty() || retired.snapshots > 0 {
                    // There may be more.
                    self.retired_at = None;
                }
                retired.files.iter().for_each(|file| self.folder.remove(file));
            }
            Ok(Err(error)) => tracing::error!("no clip is removed: {}", chain(&error)),
            Err(error) => tracing::debug!("no clip is removed: {error}"),
        }
    }
}

fn new_clip(asked: &Asked, written: &ClipWritten, finished: Finished) -> NewClip {
    let at = |ns| clock::wall_at(Instant::from_nanos(ns));
    NewClip {
        incident: asked.incident,
        part: asked.part,
        file: asked.file.clone(),
        bytes: finished.bytes,
        sha256: finished.sha256,
        from: at(written.first_ns),
        to: at(written.last_ns),
        longest_gap_ms: written.longest_gap_ns / 1_000_000,
        pictures: written.pictures,
        codec: written.codec.clone(),
        at: clock::wall(),
    }
}
