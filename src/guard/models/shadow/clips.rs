//! The thread that keeps video of what only the shadow model told.
//!
//! ```text
//! comparer ── a span is over ──> this thread ── one at a time, gives way ──> recorder of the active process
//!                                     ^  └─ hash, name, row                          │
//!                                     └────────────────── outcome ───────────────────┘
//! ```
//!
//! A clip is something to look at, and no evidence: nobody is told of it. It takes the recorder only while
//! no incident's clip does, has room of its own on the disk, and goes before an incident's clip would lack
//! any. One clip a case, in which nobody can be recognised who is to be hidden.
//!
//! A file has its last name before its row, and loses its row before it is removed: what a box that dies
//! leaves is a file without a row, which the next start removes.
//!
//! Not here: which spans, and whom to hide (`footage`).

mod rows;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use self::rows::{Row, Rows};
use crate::clock;
use crate::config::Evidence;
use crate::engine::time::Instant;
use crate::guard::age::Age;
use crate::guard::clerk::Clerk;
use crate::guard::clips::Folder;
use crate::guard::worker::WorkerPost;
use crate::link::{
    CLIP_S_MAX, ClipOutcome, ClipSpan, ClipVeil, ClipWritten, GIVES_WAY, RING_S, ToWorker,
    YIELD_S_MAX, YIELDS_FROM,
};
use crate::store::pictures::Hides;
use crate::store::shadow::clips::{CaseKey, CaseRoom, KeptCaseClip, NewCaseClip};
use crate::telemetry::chain;

/// Tasks that wait: each takes as long as hashing one clip at most.
pub(super) const QUEUE_MAX: usize = 64;

/// Clips that wait for the one that is being made.
const WAITING_MAX: usize = 8;

/// Clips kept, and their bytes: a label takes a minute, and a clip of 20 s has 2 to 10 MB. The bytes are
/// beside those of `[evidence] megabytes`, and at most a quarter as many.
const CLIPS_MAX: u64 = 100;
const BYTES_MAX: u64 = 512 * 1024 * 1024;
const OF_EVIDENCE: u64 = 4;

/// How often the thread looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How long the recorder is left alone after it was busy with others.
const WAY_GIVEN: Duration = Duration::from_secs(2);

/// Video of a span is there for so long after its beginning; the recorder takes a moment to get to it.
const THERE_FOR: Duration = Duration::from_secs(RING_S as u64 - 3);

/// The recorder gives a clip up by itself before this.
const ANSWER_MAX: Duration = Duration::from_secs(YIELD_S_MAX as u64 + 30);

/// How often clips are held within their room, and the folder against the rows: a run that is forgotten
/// takes rows with it.
const TIDY_EVERY: Duration = Duration::from_secs(60);

/// A clip that is to come is asked for, or said not to, within this: its span is over and settled, and the
/// shadow model had its time to say whom it saw. What says so may be lost where there is too much at once.
const AWAITED_MAX: Duration = Duration::from_secs(CLIP_S_MAX as u64 + 60);

/// Clips that were given up and may come all the same; older ones are found when the folder is looked over.
const GIVEN_UP_MAX: usize = 16;

/// Seconds.
const DAY_S: u64 = 24 * 3_600;

/// How much less urgent than everything else (`nice`).
const NICENESS: i32 = 10;

/// Something for the thread.
#[derive(Debug)]
pub(in crate::guard) enum ClipTask {
    /// A clip is to come.
    Await(CaseKey),
    /// Its span is over.
    Film(Box<WantedClip>),
    /// None comes.
    Lost {
        of: CaseKey,
        why: &'static str,
    },
    /// From the recorder.
    Outcome {
        request: u64,
        outcome: ClipOutcome,
    },
    Stop,
}

/// A clip that is wanted.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::guard) struct WantedClip {
    pub of: CaseKey,
    pub camera: crate::link::CameraIndex,
    pub span: ClipSpan,
    /// What is to be hidden; `None`: nothing is.
    pub veil: Option<ClipVeil>,
    pub hides: Option<Hides>,
}

impl WantedClip {
    /// Sorts by run, and needs no quoting anywhere.
    fn file(&self) -> String {
        format!("case-{:08}-{}.mp4", self.of.0, self.of.2)
    }

    fn is_there(&self, now: Instant) -> bool {
        now < Instant::from_nanos(self.span.from_ns).after(THERE_FOR)
    }
}

pub(super) struct ClipParts {
    pub tasks: Receiver<ClipTask>,
    /// The folder of these clips.
    pub folder: PathBuf,
    pub evidence: Evidence,
    pub clerk: Clerk,
    pub post: WorkerPost,
}

pub(super) fn start(parts: ClipParts) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("case-clips".into()).spawn(move || {
        // Linux keeps niceness per thread; without it this thread merely competes.
        let _ = rustix::process::nice(NICENESS);
        let ClipParts { tasks, folder, evidence, clerk, post } = parts;
        let mut keeper = Keeper::new(folder, evidence, clerk, post);
        // A panic costs what it was about, and no other clip.
        while panic::catch_unwind(AssertUnwindSafe(|| keeper.run(&tasks))).is_err() {
            tracing::error!("the keeper of cases' clips panicked and goes on");
            thread::park_timeout(LOOK_EVERY);
        }
    })
}

/// The clip that is being made.
struct UnderWay {
    request: u64,
    wanted: WantedClip,
    asked_at: Instant,
    /// Of the vision process.
    life: u32,
}

struct Keeper {
    folder: Folder,
    bytes_max: u64,
    clerk: Clerk,
    post: WorkerPost,
    /// Clips that are to come and are not asked for yet, and since when.
    awaited: BTreeMap<CaseKey, Instant>,
    waiting: VecDeque<WantedClip>,
    under_way: Option<UnderWay>,
    /// The recorder is asked for nothing before.
    not_before: Instant,
    given_up: VecDeque<(u64, String)>,
    requests: u64,
    rows: Rows,
    age: Age,
    tidied_at: Option<Instant>,
    /// Clips of an earlier life are still to be said not to come.
    closed: Closed,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Closed {
    Yes,
    NotYet,
}

impl Keeper {
    fn new(folder: PathBuf, evidence: Evidence, clerk: Clerk, post: WorkerPost) -> Keeper {
        let now = clock::monotonic();
        let longest = Duration::from_secs(DAY_S * u64::from(evidence.days));
        Keeper {
            folder: Folder::of_cases(folder),
            bytes_max: BYTES_MAX.min(evidence.bytes_max / OF_EVIDENCE),
            clerk,
            post,
            awaited: BTreeMap::new(),
            waiting: VecDeque::new(),
            under_way: None,
            not_before: now,
            given_up: VecDeque::new(),
            requests: YIELDS_FROM,
            rows: Rows::default(),
            age: Age::new(longest, clock::wall(), now),
            tidied_at: None,
            closed: Closed::NotYet,
        }
    }

    fn run(&mut self, tasks: &Receiver<ClipTask>) {
        loop {
            match tasks.recv_timeout(LOOK_EVERY) {
                Ok(ClipTask::Stop) | Err(RecvTimeoutError::Disconnected) => return self.end(),
                Ok(task) => self.take(task),
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.work(clock::monotonic());
        }
    }

    /// What does not come is said at the next start.
    fn end(&mut self) {
        if let Some(UnderWay { wanted, .. }) = self.under_way.take() {
            self.folder.discard(&wanted.file());
        }
    }

    fn take(&mut self, task: ClipTask) {
        match task {
            ClipTask::Await(of) => {
                self.awaited.insert(of, clock::monotonic());
                self.rows.put(Row::Awaited(of));
            }
            ClipTask::Lost { of, why } => self.lose(of, why.to_owned()),
            ClipTask::Film(wanted) => self.film(*wanted),
            ClipTask::Outcome { request, outcome } => self.answered(request, outcome),
            ClipTask::Stop => {}
        }
    }

    fn film(&mut self, wanted: WantedClip) {
        self.awaited.remove(&wanted.of);
        if self.waiting.len() == WAITING_MAX {
            return self.lose(wanted.of, "too many at once".into());
        }
        self.waiting.push_back(wanted);
    }

    fn work(&mut self, now: Instant) {
        self.close();
        self.give_up_what_nobody_asks_for(now);
        self.give_up_what_hangs(now);
        if now >= self.not_before {
            self.begin_next(now);
        }
        self.rows.write(&self.clerk, &self.folder);
        self.tidy(now);
    }

    /// What was being made when the box stopped.
    fn close(&mut self) {
        if self.closed == Closed::NotYet {
            let why = "the box stopped before it was written";
            match self.clerk.ask(move |store| store.close_case_clips(why)) {
                Ok(Ok(_)) => self.closed = Closed::Yes,
                Ok(Err(error)) => tracing::warn!("cases' clips are not closed: {}", chain(&error)),
                Err(error) => tracing::debug!("cases' clips are not closed yet: {error}"),
            }
        }
    }

    fn give_up_what_nobody_asks_for(&mut self, now: Instant) {
        let late = |(_, since): &(&CaseKey, &Instant)| now.since(**since) >= AWAITED_MAX;
        let late: Vec<CaseKey> = self.awaited.iter().filter(late).map(|(of, _)| *of).collect();
        for of in late {
            self.lose(of, "too much was to be done at once when its span was over".into());
        }
    }

    fn give_up_what_hangs(&mut self, now: Instant) {
        let ended = |it: &mut UnderWay| it.life != self.post.life();
        let hangs = |it: &mut UnderWay| now.since(it.asked_at) >= ANSWER_MAX;
        let why = "the vision process ended, or did not write it";
        if let Some(it) = self.under_way.take_if(|it| ended(it) || hangs(it)) {
            if self.given_up.len() == GIVEN_UP_MAX {
                self.given_up.pop_front();
            }
            self.given_up.push_back((it.request, it.wanted.file()));
            self.folder.discard(&it.wanted.file());
            self.lose(it.wanted.of, why.to_owned());
        }
    }

    /// One at a time: what waits in the recorder would be in the way of an incident's clip.
    fn begin_next(&mut self, now: Instant) {
        while self.under_way.is_none()
            && let Some(wanted) = self.waiting.pop_front()
        {
            if !wanted.is_there(now) {
                self.lose(wanted.of, "the recorder was busy until its video was gone".to_owned());
                continue;
            }
            let path = match self.folder.place_for(&wanted.file()) {
                Ok(path) => path.display().to_string(),
                Err(why) => {
                    // What is too much may go before its time.
                    self.tidied_at = None;
                    self.lose(wanted.of, why);
                    continue;
                }
            };
            self.requests += 1;
            let (request, camera, span) = (self.requests, wanted.camera, wanted.span);
            let life = self.post.life();
            self.post.post(match wanted.veil.clone() {
                Some(veil) => ToWorker::HideClip { request, camera, span, path, veil },
                None => ToWorker::WriteClip { request, camera, span, path },
            });
            self.under_way = Some(UnderWay { request, wanted, asked_at: now, life });
        }
    }

    fn answered(&mut self, request: u64, outcome: ClipOutcome) {
        let Some(UnderWay { wanted, .. }) = self.under_way.take_if(|it| it.request == request)
        else {
            if let Some(at) = self.given_up.iter().position(|(it, _)| *it == request)
                && let Some((_, file)) = self.given_up.remove(at)
            {
                self.folder.discard(&file);
            }
            return;
        };
        let now = clock::monotonic();
        match outcome {
            ClipOutcome::Written(written) => self.finish(&wanted, written),
            ClipOutcome::Failed { reason } if reason == GIVES_WAY && wanted.is_there(now) => {
                self.not_before = now.after(WAY_GIVEN);
                self.waiting.push_front(wanted);
            }
            ClipOutcome::Failed { reason } => {
                self.folder.discard(&wanted.file());
                self.lose(wanted.of, reason);
            }
        }
    }

    fn finish(&mut self, wanted: &WantedClip, written: ClipWritten) {
        let file = wanted.file();
        let finished = match self.folder.finish(&file) {
            Ok(finished) => finished,
            Err(why) => {
                self.folder.discard(&file);
                return self.lose(wanted.of, why);
            }
        };
        let time = |ns| clock::wall_at(Instant::from_nanos(ns));
        let file = KeptCaseClip {
            file,
            bytes: finished.bytes,
            sha256: finished.sha256,
            codec: written.codec,
            hides: wanted.hides,
            from: time(written.first_ns),
            to: time(written.last_ns),
        };
        self.rows.put(Row::Kept(NewCaseClip { of: wanted.of, file }));
        self.tidied_at = None;
    }

    fn lose(&mut self, of: CaseKey, why: String) {
        self.awaited.remove(&of);
        tracing::info!("a case has no clip: {why}");
        self.rows.put(Row::Lost(of, why));
    }

    fn tidy(&mut self, now: Instant) {
        let due = self.tidied_at.is_none_or(|at| now.since(at) >= TIDY_EVERY);
        // A row that waits may be of what is to go.
        if due && self.rows.is_empty() {
            self.tidied_at = Some(now);
            let there = self.sweep();
            self.retire(there, now);
        }
    }

    /// Removes files that no row names and says of which rows the file is gone. Bytes of what is there.
    fn sweep(&self) -> Option<u64> {
        let named = self.clerk.ask(|store| store.reader().map(|reader| reader.named_case_clips()));
        let Ok(Ok(Ok(named))) = named else { return None };
        let under_way = self.under_way.iter().map(|it| it.wanted.file());
        let under_way: BTreeSet<String> = under_way.chain(self.rows.files()).collect();
        match self.folder.sweep(&named, &under_way) {
            Ok(swept) => {
                if !swept.gone.is_empty() {
                    tracing::warn!("{} clips of cases are gone", swept.gone.len());
                    let gone = swept.gone;
                    let told = self.clerk.ask(move |store| store.case_clips_are_gone(&gone));
                    if !matches!(told, Ok(Ok(()))) {
                        tracing::warn!("which clips of cases are gone is not written down yet");
                    }
                }
                Some(swept.bytes)
            }
            Err(error) => {
                let folder = self.folder.path().display();
                tracing::warn!("clips of cases in {folder} are not looked over: {error}");
                None
            }
        }
    }

    /// Holds clips within their room, which is less on a disk that is nearly full.
    fn retire(&mut self, there: Option<u64>, now: Instant) {
        let bytes_max = match (self.folder.lacks_bytes(), there) {
            (0, _) | (_, None) => self.bytes_max,
            (lacks, Some(there)) => self.bytes_max.min(there.saturating_sub(lacks)),
        };
        let not_before = self.age.too_old_before(clock::wall(), now);
        let room = CaseRoom { clips_max: CLIPS_MAX, bytes_max, not_before };
        match self.clerk.ask(move |store| store.retire_case_clips(room)) {
            Ok(Ok(files)) => files.iter().for_each(|file| self.folder.remove(file)),
            Ok(Err(error)) => tracing::warn!("no clip of a case is removed: {}", chain(&error)),
            // Rows may say removed of files that are there: the next look finds them.
            Err(error) => tracing::debug!("no clip of a case is removed: {error}"),
        }
    }
}

#[cfg(test)]
mod tests;
