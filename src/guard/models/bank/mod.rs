//! The example bank: pictures that are worth learning from, kept while they are there.
//!
//! ```text
//! alarm path ── who was seen ──> this thread ── TakeSnapshot ──> vision process
//! painter    ── incidents ─────>  │   ^ └────────── the picture ──────┘
//! shadow     ── disagreements ──> │   watch: somebody close, hardly seen?
//!                                 └─> picture (masks, hash) ─> shelf (file) ─> row
//! ```
//!
//! Terms: a **near miss** is somebody at a zone's edge, or in it for too short, and no incident of it; a
//! **low score** is something that looked like somebody for a while and never enough; a
//! **disagreement** is an incident that one of two models told.
//!
//! Everything here comes after siren, store and evidence, on a thread of low priority. Nobody waits for
//! it: what finds no room is lost and counted. Bounded by number and bytes; what goes is chosen by
//! `gate::retention`.
//!
//! Not here: rows (`store::examples`), what labels are worth (`gate`).

mod coco;
pub mod desk;
mod keep;
mod picture;
mod shelf;
mod watch;
mod zip;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::Timestamp;

use self::keep::{Found, Keeper, Kept};
use self::picture::{Developed, develop};
use self::watch::{News, Wanted, Watch};
use crate::clock;
use crate::engine::ZoneState;
use crate::engine::time::Instant;
use crate::gate::retention::Room;
use crate::guard::clerk::Clerk;
use crate::guard::evidence::EvidenceJob;
use crate::guard::followers::Steps;
use crate::guard::handle::Armed;
use crate::guard::handle::shadowing::CaseBox;
use crate::guard::live::{FramePeople, LiveHub};
use crate::guard::records::SiteNames;
use crate::guard::worker::WorkerPost;
use crate::hiding::covers::Cover;
use crate::link::{Picture, ToWorker};
use crate::store::examples::{DrawnBy, ExampleOccasion, KeptBox};
use crate::store::query::StoreReader;

/// Tasks waiting for the thread; each takes as long as one picture at most.
const QUEUE_MAX: usize = 64;

/// Of these, pictures' people, so that they never take the room of an incident.
const SEEN_WAITING_MAX: usize = 16;

/// Largest picture taken, bytes: full HD at the best quality has a quarter of it.
const PICTURE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Pictures that may turn out to be worth nothing.
const PENDING_MAX: usize = 16;

/// How long an incident may still begin that makes a near miss none.
const SETTLES_AFTER: Duration = Duration::from_secs(3);

/// How often the thread looks at what is pending.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How often the folder is held against the rows.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);

/// How much less urgent than everything else (`nice`).
const NICENESS: i32 = 10;

/// Requests for pictures from here on are the bank's; the alarm path counts its own from 1.
pub const REQUESTS_FROM: u64 = 1 << 63;

/// One model told what the other did not.
#[derive(Debug)]
pub struct Disagreement {
    /// Position of the camera.
    pub camera: usize,
    /// Number of the zone.
    pub zone: Option<usize>,
    pub at: Timestamp,
    pub active: Vec<CaseBox>,
    pub shadow: Vec<CaseBox>,
    /// Where anybody is in this very picture; `None`: not known, and all of it is hidden.
    pub covers: Option<Vec<Cover>>,
    /// With what nobody may see of it.
    pub names: Arc<SiteNames>,
    /// JPEG.
    pub picture: Vec<u8>,
}

/// Something for the thread.
#[derive(Debug)]
pub enum BankTask {
    Seen(Box<FramePeople>),
    Incident(Box<IncidentPicture>),
    /// A picture that was asked for; `None` when it is no longer kept.
    Arrived {
        request: u64,
        picture: Option<Picture>,
    },
    Disagreement(Box<Disagreement>),
    /// Only the active model told this incident.
    Differs {
        incident: u64,
        active: Vec<CaseBox>,
        shadow: Vec<CaseBox>,
    },
}

/// The picture that raised an incident.
#[derive(Debug)]
pub struct IncidentPicture {
    pub incident: u64,
    pub zone: usize,
    pub score: f32,
    pub seen: FramePeople,
    pub picture: Picture,
}

/// Where others leave what may be worth keeping. Never waits.
#[derive(Clone, Debug)]
pub struct BankPost {
    queue: SyncSender<BankTask>,
    /// People of pictures that wait.
    seen: Arc<AtomicUsize>,
    lost: Arc<AtomicU64>,
}

impl BankPost {
    /// Who was seen in a picture, faint ones too; for the alarm path.
    pub fn seen(&self, people: &FramePeople) {
        if people.people.is_empty() || self.seen.load(Ordering::Relaxed) >= SEEN_WAITING_MAX {
            return;
        }
        self.seen.fetch_add(1, Ordering::Relaxed);
        if self.queue.try_send(BankTask::Seen(Box::new(people.clone()))).is_err() {
            self.seen.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// An incident has its picture.
    pub fn incident(&self, job: &EvidenceJob, picture: &Picture) {
        if picture.jpeg.len() > PICTURE_BYTES_MAX {
            return self.lose();
        }
        self.leave(BankTask::Incident(Box::new(IncidentPicture {
            incident: job.incident.0,
            zone: job.zone,
            score: job.entry.score.get(),
            seen: job.seen.clone(),
            picture: picture.clone(),
        })));
    }

    /// A picture that the bank asked for.
    pub fn arrived(&self, request: u64, picture: Option<Picture>) {
        self.leave(BankTask::Arrived { request, picture });
    }

    /// The shadow model and the active one differ.
    pub fn disagreement(&self, one: Disagreement) {
        if one.picture.len() > PICTURE_BYTES_MAX {
            return self.lose();
        }
        self.leave(BankTask::Disagreement(Box::new(one)));
    }

    /// Only the active model told this incident; what each of the two saw in its picture.
    pub fn differs(&self, incident: u64, active: Vec<CaseBox>, shadow: Vec<CaseBox>) {
        self.leave(BankTask::Differs { incident, active, shadow });
    }

    fn leave(&self, task: BankTask) {
        if self.queue.try_send(task).is_err() {
            self.lose();
        }
    }

    fn lose(&self) {
        let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
        if lost.is_power_of_two() {
            tracing::warn!("{lost} pictures were not kept as examples: too many at once");
        }
    }
}

/// Both ends of the bank's queue.
#[derive(Debug)]
pub struct BankQueue {
    tasks: Receiver<BankTask>,
    seen: Arc<AtomicUsize>,
}

/// A queue for the thread.
pub fn queue() -> (BankPost, BankQueue) {
    let (sender, tasks) = mpsc::sync_channel(QUEUE_MAX);
    let seen = Arc::new(AtomicUsize::new(0));
    let post = BankPost { queue: sender, seen: seen.clone(), lost: Arc::default() };
    (post, BankQueue { tasks, seen })
}

/// What the thread is made of.
pub struct BankParts {
    /// The folder of the pictures.
    pub folder: PathBuf,
    pub room: Room,
    /// How long a picture of people may be kept.
    pub longest: Duration,
    pub reader: StoreReader,
    pub clerk: Clerk,
    pub post: WorkerPost,
    pub hub: Arc<LiveHub>,
    /// Counts the tasks it takes; who is given none is nobody to wait for.
    pub steps: Steps,
}

/// Starts the thread; it ends when all posts are gone.
pub fn start(parts: BankParts, queue: BankQueue) -> io::Result<JoinHandle<()>> {
    let mut bank = Bank::of(parts);
    thread::Builder::new().name("example-bank".into()).spawn(move || {
        // Linux keeps niceness per thread; without it this thread merely competes.
        let _ = rustix::process::nice(NICENESS);
        // A panic costs what it was about, and no other example.
        while panic::catch_unwind(AssertUnwindSafe(|| bank.run(&queue))).is_err() {
            tracing::error!("the example bank panicked and goes on");
            bank.sweep_at = Instant::ZERO;
            thread::park_timeout(LOOK_EVERY);
        }
    })
}

/// A picture that was asked for and may be worth something.
struct Pending {
    request: u64,
    wanted: Wanted,
    seen: FramePeople,
    picture: Option<Picture>,
    settles_at: Instant,
}

struct Bank {
    keeper: Keeper,
    watch: Watch,
    pending: VecDeque<Pending>,
    /// Number of the newest picture asked for.
    requests: u64,
    post: WorkerPost,
    hub: Arc<LiveHub>,
    steps: Steps,
    sweep_at: Instant,
}

impl Bank {
    fn of(parts: BankParts) -> Bank {
        let BankParts { folder, room, longest, reader, clerk, post, hub, steps } = parts;
        Bank {
            keeper: Keeper::new((folder, room, longest), reader, clerk),
            watch: Watch::default(),
            pending: VecDeque::with_capacity(PENDING_MAX),
            requests: REQUESTS_FROM,
            post,
            hub,
            steps,
            sweep_at: Instant::ZERO,
        }
    }

    fn run(&mut self, queue: &BankQueue) {
        loop {
            let now = clock::monotonic();
            if now >= self.sweep_at {
                self.sweep_at = now.after(SWEEP_EVERY);
                self.keeper.tidy((clock::wall(), now));
            }
            let task = queue.tasks.recv_timeout(LOOK_EVERY);
            if task.is_ok() {
                self.steps.another();
            }
            match task {
                Ok(BankTask::Seen(people)) => {
                    queue.seen.fetch_sub(1, Ordering::Relaxed);
                    self.look(&people, clock::monotonic());
                }
                Ok(BankTask::Incident(one)) => self.incident(*one),
                Ok(BankTask::Arrived { request, picture }) => self.arrived(request, picture),
                Ok(BankTask::Disagreement(one)) => self.disagreement(*one),
                Ok(BankTask::Differs { incident, active, shadow }) => {
                    let (more, why) = (picture::alone(&active, &shadow), differ(&active, &shadow));
                    if let Err(why) = self.keeper.differs(incident, more, why) {
                        tracing::warn!("an example is not marked as a disagreement: {why}");
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.settle(clock::monotonic());
        }
    }

    fn look(&mut self, people: &FramePeople, now: Instant) {
        for news in self.watch.look(people) {
            match news {
                News::Somebody { chain } => {
                    self.pending.retain(|pending| pending.wanted.chain != Some(chain));
                }
                News::Wanted(wanted) => {
                    if wanted.zone.is_none_or(|zone| self.is_quiet(zone)) {
                        self.ask(wanted, people, now);
                    }
                }
            }
        }
    }

    fn ask(&mut self, wanted: Wanted, people: &FramePeople, now: Instant) {
        if self.pending.len() == PENDING_MAX {
            return;
        }
        self.requests += 1;
        let (request, frame) = (self.requests, people.frame);
        // Configured cameras number fewer than 2^16.
        let camera = u16::try_from(people.camera).unwrap_or(u16::MAX);
        self.watch.asked(people.camera, &wanted, people.captured_at);
        self.post.post(ToWorker::TakeSnapshot { request, camera, frame });
        let settles_at = now.after(SETTLES_AFTER);
        let seen = people.clone();
        self.pending.push_back(Pending { request, wanted, seen, picture: None, settles_at });
    }

    fn arrived(&mut self, request: u64, picture: Option<Picture>) {
        let Some(place) = self.pending.iter().position(|it| it.request == request) else {
            return;
        };
        match picture.filter(|it| it.jpeg.len() <= PICTURE_BYTES_MAX) {
            Some(picture) => self.pending[place].picture = Some(picture),
            None => drop(self.pending.remove(place)),
        }
    }

    /// What nothing came of by now is kept.
    fn settle(&mut self, now: Instant) {
        while self.pending.front().is_some_and(|pending| now >= pending.settles_at) {
            let Some(Pending { wanted, seen, picture, .. }) = self.pending.pop_front() else {
                return;
            };
            let Some(picture) = picture else { continue };
            if wanted.zone.is_some_and(|zone| !self.is_quiet(zone)) {
                continue;
            }
            let Wanted { occasion, zone, score, why, .. } = wanted;
            self.keep(&seen, &picture, About { occasion, zone, incident: None, score, why });
        }
    }

    /// Whether a zone alarms now and nobody is in it as far as it knows: who comes close to one that is
    /// off, or in alarm already, is no near miss.
    fn is_quiet(&self, zone: usize) -> bool {
        let now = self.hub.snapshots();
        let now = now.borrow();
        let found = now.zones.iter().find(|it| it.number == zone);
        found.is_some_and(|it| {
            it.state == ZoneState::Clear && it.incident.is_none() && it.arming.armed == Armed::Yes
        })
    }

    fn incident(&mut self, one: IncidentPicture) {
        let IncidentPicture { incident, zone, score, seen, picture } = one;
        // Whoever came close came in.
        let of_zone = |pending: &Pending| pending.wanted.zone == Some(zone);
        self.pending.retain(|pending| pending.seen.camera != seen.camera || !of_zone(pending));
        let name = seen.names.zones.get(zone).map_or("", |it| it.info.name.as_str());
        let why = format!("it raised incident {incident} in {name}");
        let (occasion, incident) = (ExampleOccasion::Incident, Some(incident));
        self.keep(&seen, &picture, About { occasion, zone: Some(zone), incident, score, why });
    }

    fn keep(&mut self, seen: &FramePeople, picture: &Picture, about: About) {
        let same = picture.frame == seen.frame;
        // Of another frame than was looked at nobody knows where people are.
        let boxes = if same { picture::boxes_of(&seen.people) } else { Vec::new() };
        let covers = same.then_some(&seen.covers[..]);
        let masks = seen.names.masks(seen.camera);
        let at = clock::wall_at(Instant::from_nanos(picture.captured_ns));
        match develop(&picture.jpeg, masks, covers, &boxes) {
            Ok(developed) => self.put(&seen.names, seen.camera, about, (at, boxes), developed),
            Err(error) => tracing::warn!("a picture is no example: {error}"),
        }
    }

    fn disagreement(&mut self, one: Disagreement) {
        let Disagreement { camera, zone, at, active, shadow, covers, names, picture } = one;
        let boxes = picture::of_both(&active, &shadow);
        let score = boxes.iter().map(|it| it.score).fold(0.0, f32::max);
        let why = differ(&active, &shadow);
        let masks = names.masks(camera);
        let occasion = ExampleOccasion::Disagreement;
        let about = About { occasion, zone, incident: None, score, why };
        match develop(&picture, masks, covers.as_deref(), &boxes) {
            Ok(developed) => self.put(&names, camera, about, (at, boxes), developed),
            Err(error) => tracing::warn!("a picture is no example: {error}"),
        }
    }

    fn put(
        &mut self,
        names: &SiteNames,
        camera: usize,
        about: About,
        (at, boxes): (Timestamp, Vec<KeptBox>),
        developed: Developed,
    ) {
        let About { occasion, zone, incident, score, why } = about;
        let Some((camera, _)) = names.cameras.get(camera) else { return };
        let zone = zone.and_then(|zone| names.zones.get(zone));
        let found = Found {
            occasion,
            camera: camera.clone(),
            zone: zone.map(|it| (it.info.id.clone(), it.info.name.clone())),
            incident,
            at,
            score: Some(score),
            boxes,
            why,
            developed,
        };
        match self.keeper.keep(found) {
            Ok(Kept::Yes(_) | Kept::AlikeIsThere | Kept::NoRoom) => {}
            Err(why) => {
                tracing::warn!("an example is not kept: {why}");
                self.sweep_at = clock::monotonic().after(Duration::from_secs(60));
            }
        }
    }
}

/// For people.
fn differ(active: &[CaseBox], shadow: &[CaseBox]) -> String {
    let (active, shadow) = (active.len(), shadow.len());
    format!("two models differ: the active one saw {active} people, the other {shadow}")
}

/// What a picture is an example of.
struct About {
    occasion: ExampleOccasion,
    zone: Option<usize>,
    incident: Option<u64>,
    score: f32,
    why: String,
}

/// One that the model drew.
fn by_model([left, top, width, height]: [f64; 4], score: f32) -> KeptBox {
    KeptBox { left, top, width, height, score, by: DrawnBy::Model }
}
