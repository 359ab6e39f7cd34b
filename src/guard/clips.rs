//! Clips: which spans of video become files, and for how long they stay.
//!
//! ```text
//! alarm path ── began, ended ──> this thread ── WriteClip, when the span is over ──> vision process
//!                                     ^  └─ hash, name, row, audit                        │
//!                                     └──────────────── outcome ──────────────────────────┘
//! ```
//!
//! Terms: a **part** is a span of an incident; one that goes on for longer than [`CLIP_S_MAX`] has
//! several, each beginning where the one before ended. Incidents that overlap have parts of their own.
//! Of a part there is a **clear** clip, and a **hidden** one in which nobody can be recognised; only the
//! hidden one where anything was masked.
//!
//! Everything here comes after siren and store, on a thread of low priority. A disk that is full,
//! slow or gone costs clips, each with its reason in the store, and nothing else.
//!
//! Not here: pictures (`evidence`), encoded video (`vision::recorder`), rows (`store::evidence`).

mod book;
mod desk;
mod folder;
mod part;
mod room;
mod rows;
mod sightings;
mod spell;
mod track;

use std::collections::BTreeMap;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub use self::desk::ClipDesk;
pub use self::folder::Folder;
#[cfg(test)]
pub use self::sightings::Seen;
pub use self::sightings::{SightingLog, SightingPost, Sightings, start as start_sightings};
pub use self::track::About;

use self::book::{Answered, Asked, Book, Order};
use self::part::{KeptFile, Part, PendingRow, Version};
use self::rows::{Refused, Rows};
use self::spell::Spell;
use super::age::Age;
use super::clerk::Clerk;
use super::worker::WorkerPost;
use crate::clock;
use crate::config::{Evidence, Privacy};
use crate::engine::IncidentId;
use crate::engine::time::Instant;
use crate::link::{CLIP_S_MAX, CameraIndex, ClipOutcome, ClipSpan, ToWorker};
use crate::store::evidence::Shows;
use crate::store::pictures::Hides;

/// Tasks waiting for the thread; each takes as long as hashing one clip at most.
const QUEUE_MAX: usize = 128;

/// How often the thread looks whether a span is over.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How often evidence is held within its bounds.
const RETIRE_EVERY: Duration = Duration::from_secs(60);

/// Seconds.
const DAY_S: u64 = 24 * 3_600;

/// How often the folder is held against the rows, and how soon again when that could not be done.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);
const SWEEP_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// How long the end of the box waits for the clips of incidents that are under way.
const LAST_CLIPS_MAX: Duration = Duration::from_secs(2);

/// How much longer the end of the box waits for the thread: a disk that hangs is nothing to wait for.
const LAST_WORDS_MAX: Duration = Duration::from_secs(1);

/// How often the end of the box looks.
const LOOK_AT_END: Duration = Duration::from_millis(10);

/// How much less urgent than everything else (`nice`).
const NICENESS: i32 = 10;

/// Something for the thread.
#[derive(Debug)]
pub enum ClipTask {
    Began(Began),
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
    pub about: About,
}

/// What the thread is made of.
pub struct ClipParts {
    pub evidence: Evidence,
    pub privacy: Privacy,
    pub sightings: Arc<SightingLog>,
    /// The folder of the clips.
    pub folder: PathBuf,
    /// The newest incident of earlier lives.
    pub earlier: IncidentId,
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
        let until = clock::monotonic().after(LAST_CLIPS_MAX + LAST_WORDS_MAX);
        let mut told = false;
        while !self.thread.is_finished() && clock::monotonic() < until {
            // Full: it is told when there is room. Gone: it has ended already.
            told = told || self.queue.try_send(ClipTask::Stop).is_ok();
            thread::park_timeout(LOOK_AT_END);
        }
        if self.thread.is_finished() {
            let _ = self.thread.join();
            return;
        }
        tracing::error!("the keeper of clips hangs, perhaps with the disk; it is left behind");
    }
}

/// Starts the thread of a queue; it ends when it is stopped.
pub fn start(
    parts: ClipParts,
    (queue, tasks): (SyncSender<ClipTask>, Receiver<ClipTask>),
) -> io::Result<ClipThread> {
    let mut keeper = ClipKeeper::of(parts);
    let thread = thread::Builder::new().name("clip-keeper".into()).spawn(move || {
        // Linux keeps niceness per thread; without it this thread merely competes.
        let _ = rustix::process::nice(NICENESS);
        let begun = panic::catch_unwind(AssertUnwindSafe(|| keeper.begin()));
        if begun.is_err() {
            tracing::error!("clips are not looked over: that panicked");
        }
        // A panic costs what it was about, and no other clip.
        while panic::catch_unwind(AssertUnwindSafe(|| keeper.run(&tasks))).is_err() {
            tracing::error!("the keeper of clips panicked and goes on");
            thread::park_timeout(LOOK_EVERY);
        }
    })?;
    Ok(ClipThread { queue, thread })
}

struct ClipKeeper {
    evidence: Evidence,
    privacy: Privacy,
    sightings: Arc<SightingLog>,
    book: Book,
    /// What the incidents that are recorded are about.
    abouts: BTreeMap<IncidentId, About>,
    /// What was asked for and is not all in the store.
    parts: BTreeMap<(IncidentId, u32), Part>,
    folder: Folder,
    clerk: Clerk,
    post: WorkerPost,
    /// What the store has not taken yet.
    rows: Rows,
    /// Up to this incident it is still to be said which have no clip.
    unclosed: Option<IncidentId>,
    age: Age,
    retired_at: Option<Instant>,
    /// When the folder is held against the rows.
    sweep_at: Instant,
    /// The folder cannot be looked over.
    unseen: Spell,
    /// What is pinned leaves no room for anything else.
    pinned: Spell,
    /// The box ends, at the latest then.
    ends_at: Option<Instant>,
}

/// Which clips of a part are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Clear,
    Hidden,
    Both,
}

impl ClipKeeper {
    fn of(parts: ClipParts) -> ClipKeeper {
        let ClipParts { evidence, privacy, sightings, folder, earlier, clerk, post } = parts;
        let now = clock::monotonic();
        let seconds = |s: u32| Duration::from_secs(u64::from(s));
        ClipKeeper {
            book: Book::new(
                seconds(evidence.before_s),
                seconds(evidence.after_s),
                seconds(CLIP_S_MAX),
            ),
            evidence,
            privacy,
            sightings,
            abouts: BTreeMap::new(),
            parts: BTreeMap::new(),
            folder: Folder::new(folder),
            clerk,
            post,
            rows: Rows::default(),
            ends_at: None,
            unclosed: Some(earlier),
            age: Age::new(
                Duration::from_secs(DAY_S * u64::from(evidence.days)),
                clock::wall(),
                now,
            ),
            retired_at: None,
            sweep_at: now,
            unseen: Spell::default(),
            pinned: Spell::default(),
        }
    }

    fn run(&mut self, tasks: &Receiver<ClipTask>) {
        loop {
            match tasks.recv_timeout(LOOK_EVERY) {
                Ok(ClipTask::Stop) => {
                    let now = clock::monotonic();
                    self.book.end_all(now);
                    self.ends_at.get_or_insert(now.after(LAST_CLIPS_MAX));
                }
                Ok(task) => self.take(task),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let now = clock::monotonic();
            self.work(now);
            if let Some(until) = self.ends_at
                && (now >= until || (self.book.is_empty() && self.rows.is_empty()))
            {
                self.say_what_is_missing();
                return;
            }
        }
    }

    /// The box ends, and what is still being written will not be.
    fn say_what_is_missing(&mut self) {
        let mut rows = Vec::new();
        for part in self.parts.values_mut() {
            for shows in part.give_up("the box stopped before it was written") {
                let (incident, part) = (part.incident, part.part);
                self.folder.discard(&Asked { incident, part, shows }.file());
            }
            rows.extend(part.settle(clock::wall()));
        }
        self.put_rows(rows);
    }

    fn take(&mut self, task: ClipTask) {
        match task {
            ClipTask::Began(Began { incident, camera, at, about }) => {
                self.book.began(incident, camera, at);
                self.abouts.insert(incident, about);
            }
            ClipTask::Ended { incident, at } => self.book.ended(incident, at),
            ClipTask::Outcome { request, outcome } => match self.book.answered(request) {
                Answered::Awaited(asked) => self.finish(&asked, outcome),
                // Nobody would count it.
                Answered::GivenUp(asked) => self.folder.discard(&asked.file()),
                Answered::Nobody => {}
            },
            ClipTask::Stop => {}
        }
    }

    fn work(&mut self, now: Instant) {
        for order in self.book.due(now) {
            match order {
                Order::Write { incident, part, camera, from, to } => {
                    self.ask((incident, part), camera, (from, to));
                }
                Order::GiveUp { asked, why } => {
                    self.folder.discard(&asked.file());
                    self.settle(&asked, Version::Lost(why.into()));
                }
                Order::TooLong { incident, part } => {
                    let why = "the incident went on for longer than is recorded".to_owned();
                    self.put_rows(vec![PendingRow::Lost { incident, part, why }]);
                }
            }
        }
        let (book, rows) = (&self.book, &self.rows);
        // What the store refuses of a part is said with what else there is of it.
        self.parts.retain(|of, part| !part.is_done() || rows.any_of(*of));
        self.abouts.retain(|incident, _| book.records(*incident));
        self.write_rows();
        if self.ends_at.is_none() {
            self.tidy(now);
        }
    }

    /// A part is over: asks for its clips.
    fn ask(&mut self, of: (IncidentId, u32), camera: CameraIndex, span: (Instant, Instant)) {
        let sightings = self.sightings.of(usize::from(camera), span.0, span.1);
        let wanted = match (self.privacy, sightings.masks.is_empty()) {
            // Nothing clear of what was masked ever touches the disk.
            (_, false) => Wanted::Hidden,
            (Privacy::Off, true) => Wanted::Clear,
            (Privacy::Persons | Privacy::Heads, true) => Wanted::Both,
        };
        let veil = sightings.veil(self.privacy);
        let (from_ns, to_ns) = (span.0.as_nanos(), span.1.as_nanos());
        let span = ClipSpan { from_ns, to_ns, not_before_ns: sightings.not_before.as_nanos() };
        let (clear, hidden) = match wanted {
            Wanted::Clear => (Version::Awaited, Version::NotWanted),
            Wanted::Hidden => (Version::NotWanted, Version::Awaited),
            Wanted::Both => (Version::Awaited, Version::Awaited),
        };
        let about = self.abouts.get(&of.0).cloned();
        let hides = Hides::of(self.privacy);
        self.parts.insert(of, Part::new(of, (clear, hidden), hides, about, sightings));
        if wanted != Wanted::Hidden {
            self.ask_for(of, Shows::Clear, |request, path| ToWorker::WriteClip {
                request,
                camera,
                span,
                path,
            });
        }
        if wanted != Wanted::Clear {
            self.ask_for(of, Shows::Hidden, |request, path| ToWorker::HideClip {
                request,
                camera,
                span,
                path,
                veil,
            });
        }
    }

    fn ask_for(
        &mut self,
        (incident, part): (IncidentId, u32),
        shows: Shows,
        message: impl FnOnce(u64, String) -> ToWorker,
    ) {
        let asked = Asked { incident, part, shows };
        match self.folder.place_for(&asked.file()) {
            Ok(path) => {
                let request = self.book.ask(asked, clock::monotonic());
                self.post.post(message(request, path.display().to_string()));
            }
            Err(why) => {
                self.settle(&asked, Version::Lost(why));
                // What is too much may go before its time.
                self.retired_at = None;
            }
        }
    }

    fn finish(&mut self, asked: &Asked, outcome: ClipOutcome) {
        let file = asked.file();
        let version = match outcome {
            ClipOutcome::Written(written) => match self.folder.finish(&file) {
                Ok(finished) => Version::Kept(KeptFile { file, finished, written }),
                Err(why) => Version::Lost(why),
            },
            ClipOutcome::Failed { reason } => Version::Lost(reason),
        };
        self.settle(asked, version);
    }

    /// What became of a clip; what can be written down of its part, is.
    fn settle(&mut self, asked: &Asked, version: Version) {
        let Asked { incident, part, shows } = *asked;
        if let Version::Lost(why) = &version {
            self.folder.discard(&asked.file());
            tracing::warn!("incident {} has no {shows:?} clip (part {part}): {why}", incident.0);
        }
        let Some(known) = self.parts.get_mut(&(incident, part)) else {
            return;
        };
        match shows {
            Shows::Clear => known.clear = version,
            Shows::Hidden => known.hidden = version,
        }
        let rows = known.settle(clock::wall());
        self.put_rows(rows);
    }

    /// All of them, before the store is given any: one that it refuses takes others with it.
    fn put_rows(&mut self, rows: Vec<PendingRow>) {
        rows.into_iter().for_each(|row| self.rows.put(row));
        self.write_rows();
    }

    /// Gives the store what waits. A file whose row it refuses is lost; what else there is of the part
    /// is not.
    fn write_rows(&mut self) {
        while let Some(refused) = self.rows.write(&self.clerk, &self.folder) {
            let Refused { incident, part, shows, why } = refused;
            if let Some(known) = self.parts.get_mut(&(incident, part)) {
                known.refused(shows, &why);
                known.settle(clock::wall()).into_iter().for_each(|row| self.rows.put(row));
            }
        }
    }
}

#[cfg(test)]
mod tests;
