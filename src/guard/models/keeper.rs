//! The keeper of models: the one thread that owns the ledger, and does each step of a model's way.
//!
//! It hears what people ask (`Task`) and what the vision process does (`ModelNews`), writes the ledger,
//! and tells the vision process. What is in force is on the disk first; what is to be taken back is
//! taken back in the vision process first.
//!
//! Everything is derived from the ledger at the start, so that the box may die between any two steps:
//! what was approved and not yet switched to stays approved, and somebody asks again; what is on trial
//! is counted by `rollout::boot`; a package that was not verified yet is verified again.
//!
//! A panic costs what it was about. A keeper that hangs with its disk is waited for by nobody:
//! `next_life` answers without the trial.

mod asked;
mod ends;
mod lives;
mod switching;
mod thread;
mod watch;

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

pub use self::asked::refused;
use self::switching::Step;
pub use self::thread::KeeperThread;
use self::watch::Watch;
use super::chronicle::{Book, Kind, Told};
use super::evidence::EvidenceSource;
use super::seen::NewsQueue;
use super::shown::Shared;
use super::take::Staging;
use super::trying::Tried;
use crate::clock;
use crate::engine::time::Instant;
use crate::guard::handle::models::{ModelError, ModelFault, ModelFaultKind, ReviewStep};
use crate::link::{ModelChoice, ToWorker};
use crate::model_package::WallTime;
use crate::model_store::files::SharedFiles;
use crate::model_store::{ModelStore, ModelStoreError};
use crate::rollout::slot::{Digest, Slot};
use crate::rollout::stage::{Event, Fault, Stage};
use crate::telemetry::chain;

/// Tasks that wait; people ask one at a time.
const TASKS_MAX: usize = 32;

/// How often the keeper looks at what is due.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Held up for longer, by a disk, it takes nobody for silent because of it.
const HELD_UP: Duration = Duration::from_millis(800);

/// How soon something is tried again that the disk did not take.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// How often it is asked whether those who signed are still trusted.
const KEYS_EVERY: Duration = Duration::from_secs(60);

/// Why a candidate is not promoted while a review of it is open, for people.
pub const REVIEW_OPEN: &str = "a review of it is open; dismiss it or confirm it first";

/// Something for the keeper.
pub enum Task {
    /// The supervisor starts a vision process; afterwards nobody waits for the answer.
    Order {
        until: Instant,
        reply: SyncSender<Vec<ModelChoice>>,
    },
    /// After `until` whoever asked was told that it is not known what became of it.
    Ask {
        what: Ask,
        by: String,
        until: Instant,
        reply: Reply,
    },
    /// A package is whole on the disk.
    Stage {
        package: Staging,
        by: String,
        reply: Reply,
    },
    /// A package was tried in a process of its own.
    Tried {
        digest: Digest,
        tried: Tried,
        reply: Option<Reply>,
    },
    /// A package's files were read: what is wrong with them.
    Looked {
        digest: Digest,
        wrong: Option<(Fault, String)>,
    },
    /// Something else speaks against a candidate.
    Against {
        digest: Digest,
        fault: Fault,
        why: String,
    },
    /// For the history alone.
    Tell(Told),
    Sweep,
    Stop,
}

pub type Reply = SyncSender<Result<(), ModelError>>;

/// What people ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    Shadow(Digest),
    /// The evidence was judged, and is what they saw.
    Promote {
        digest: Digest,
        evidence: String,
    },
    Rollback {
        reason: String,
    },
    Discard {
        digest: Digest,
        reason: String,
    },
    Review {
        step: ReviewStep,
        reason: String,
    },
}

/// What the keeper is made of.
pub struct KeeperParts {
    pub files: SharedFiles,
    pub store: ModelStore<SharedFiles>,
    pub shared: Arc<Shared>,
    /// Posts to the vision process; never waits.
    pub vision: Box<dyn FnMut(ToWorker) + Send>,
    /// Which candidate is to look beside what guards; called at each change.
    pub candidate: Box<dyn FnMut(Option<ModelChoice>) + Send>,
    pub book: Box<dyn Book>,
    /// What is wrong with the ledger since the start.
    pub found: Option<ModelFault>,
    pub time: Box<dyn FnMut(Instant) -> WallTime + Send>,
    /// Whether the keys that signed a package are trusted still.
    pub trusted: Box<dyn Fn(Digest) -> Result<(), String> + Send>,
    /// What the shadow has shown.
    pub evidence: Arc<dyn EvidenceSource>,
}

/// See the module.
pub struct Keeper {
    files: SharedFiles,
    store: ModelStore<SharedFiles>,
    shared: Arc<Shared>,
    vision: Box<dyn FnMut(ToWorker) + Send>,
    candidate: Box<dyn FnMut(Option<ModelChoice>) + Send>,
    /// What it was told last.
    looking: Option<Digest>,
    book: Box<dyn Book>,
    time: Box<dyn FnMut(Instant) -> WallTime + Send>,
    trusted: Box<dyn Fn(Digest) -> Result<(), String> + Send>,
    evidence: Arc<dyn EvidenceSource>,
    life: Life,
    step: Step,
    watch: Option<Watch>,
    /// What has to be written and could not be.
    owed: Option<Owed>,
    /// Since the start.
    found: Option<ModelFault>,
    /// Why the disk did not take the ledger.
    not_kept: Option<String>,
    passed_over: Option<String>,
    /// Numbers of switches and looks at golden pictures.
    last_number: u64,
    reviews_open: u32,
    sweep_due: bool,
    looked: Instant,
    /// News of what the vision process does that found no room.
    missed: u64,
    keys_at: Option<Instant>,
}

/// The vision process of the moment.
#[derive(Clone, Debug, Default)]
struct Life {
    /// Its order, as far as it is known.
    order: Vec<Slot>,
    active: Option<Slot>,
    /// Whether another model is loaded beside.
    standby: Option<Slot>,
    /// The trial that it does not guard with, and why.
    left_out: Option<(Digest, String)>,
    /// How long that stays loaded after a model was put back; until then it takes over from that one,
    /// and the ledger follows.
    kept_until: Option<Instant>,
}

/// A trial that is over, and the disk does not have it yet.
#[derive(Clone, Debug)]
struct Owed {
    digest: Digest,
    event: Event,
    told: Told,
    again_at: Instant,
}

/// A queue for the keeper.
pub fn queue() -> (SyncSender<Task>, Receiver<Task>) {
    mpsc::sync_channel(TASKS_MAX)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    On,
    Over,
}

impl Keeper {
    pub fn new(parts: KeeperParts) -> Keeper {
        let KeeperParts {
            files,
            store,
            shared,
            vision,
            candidate,
            book,
            found,
            time,
            trusted,
            evidence,
        } = parts;
        Keeper {
            files,
            store,
            shared,
            vision,
            candidate,
            looking: None,
            book,
            time,
            trusted,
            evidence,
            life: Life::default(),
            step: Step::Idle,
            watch: None,
            owed: None,
            found,
            not_kept: None,
            passed_over: None,
            last_number: 0,
            reviews_open: 0,
            sweep_due: true,
            looked: clock::monotonic(),
            missed: 0,
            keys_at: None,
        }
    }

    fn run(&mut self, tasks: &Receiver<Task>, news: &NewsQueue) {
        self.reviews_open = self.shared.now().reviews_open;
        loop {
            let run = match tasks.recv_timeout(LOOK_EVERY) {
                Ok(task) => {
                    // What happened before it was asked.
                    self.hear(news);
                    self.take(task)
                }
                Err(RecvTimeoutError::Timeout) => Run::On,
                Err(RecvTimeoutError::Disconnected) => Run::Over,
            };
            self.hear(news);
            self.tend(clock::monotonic());
            self.show();
            if run == Run::Over {
                self.note_progress();
                return;
            }
        }
    }

    fn hear(&mut self, news: &NewsQueue) {
        // What is told meanwhile is heard when it is known whether this was held up.
        for _ in 0..news.waiting() {
            let Some(one) = news.next() else { break };
            self.heard(one.news, one.at);
        }
        let now = clock::monotonic();
        if news.missed() != self.missed {
            self.missed = news.missed();
            self.has_missed_news();
        }
        if now.since(self.looked) > HELD_UP {
            self.was_held_up(now);
        }
        self.looked = now;
    }

    fn take(&mut self, task: Task) -> Run {
        match task {
            Task::Order { until, reply } => {
                // Nobody waits any more; an attempt must not be spent on that.
                if clock::monotonic() < until {
                    let order = self.order();
                    let _ = reply.try_send(order);
                }
            }
            Task::Ask { what, by, until, reply } => {
                let now = clock::monotonic();
                let done = if now < until { self.ask(what, &by, now) } else { self.too_late() };
                // Before they look again.
                self.show();
                let _ = reply.try_send(done);
            }
            Task::Stage { package, by, reply } => {
                let staged = self.stage(&package, &by);
                self.show();
                let _ = reply.try_send(staged);
            }
            Task::Tried { digest, tried, reply } => {
                let verified = self.tried(digest, tried);
                self.show();
                if let Some(reply) = reply {
                    let _ = reply.try_send(verified);
                }
            }
            Task::Looked { digest, wrong } => self.looked_over(digest, wrong),
            Task::Against { digest, fault, why } => {
                self.against(digest, fault, &why, clock::monotonic());
            }
            Task::Tell(told) => self.book.tell(told),
            Task::Sweep => self.sweep_due = true,
            Task::Stop => return Run::Over,
        }
        Run::On
    }

    /// What is due without anybody asking.
    fn tend(&mut self, now: Instant) {
        self.book.tend();
        let time = (self.time)(now);
        self.shared.change(|shown| shown.time = time);
        self.settle(now);
        self.tend_step(now);
        self.tend_watch(now);
        if self.keys_at.is_none_or(|at| now.since(at) > KEYS_EVERY) {
            self.keys_at = Some(now);
            self.ask_keys(now);
        }
        // What is being taken, or may still be looked with, stays.
        let is_quiet = matches!(self.step, Step::Idle) && self.owed.is_none();
        if self.sweep_due && is_quiet {
            self.sweep_due = false;
            let (store, shared) = (&self.store, &self.shared);
            match shared.sweep(|taking| store.sweep(taking)) {
                Ok(gone) => gone.iter().for_each(|digest| {
                    self.shared.change(|shown| shown.facts.remove(digest));
                }),
                Err(error) => tracing::warn!("packages are not swept away yet: {}", chain(&error)),
            }
        }
    }

    /// For a box that is stopped: what is due, at once.
    pub fn sweep_now(&mut self) {
        self.step = Step::Idle;
        self.sweep_due = true;
        self.tend(clock::monotonic());
        self.show();
    }

    pub fn show_now(&mut self) {
        self.show();
    }

    pub fn tell(&mut self, told: Told) {
        self.book.tell(told);
    }

    fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    fn post(&mut self, message: ToWorker) {
        (self.vision)(message);
    }

    /// Whether there is somebody who can load a model.
    fn watches(&self) -> bool {
        self.life.active.is_some()
    }

    /// Writes a change of the ledger.
    fn change(&mut self, event: &Event) -> Result<(), ModelError> {
        let done = self.store.apply(event);
        self.kept(done)
    }

    fn kept(&mut self, done: Result<(), ModelStoreError>) -> Result<(), ModelError> {
        match done {
            Ok(()) => {
                self.is_kept();
                self.publish();
                Ok(())
            }
            Err(ModelStoreError::Refused(refusal)) => Err(asked::refused(&refusal)),
            Err(ModelStoreError::NotThere { digest }) => {
                Err(ModelError::NoSuchPackage(digest.to_string()))
            }
            Err(error) => {
                let text = chain(&error);
                self.cannot_keep(&text);
                Err(ModelError::Disk(text))
            }
        }
    }

    /// The disk took something.
    fn is_kept(&mut self) {
        self.not_kept = None;
        self.found.take_if(|found| found.kind == ModelFaultKind::NotKept);
    }

    /// Told once; shown until the disk takes something again.
    fn cannot_keep(&mut self, why: &str) {
        if self.not_kept.is_none() {
            let text = format!("the disk does not take what is to be known of models: {why}");
            self.book.tell(Told::now(Kind::Fault, None, text));
        }
        self.not_kept = Some(why.to_owned());
    }

    /// The ledger, at once: whoever does not wait for the keeper reads it.
    fn publish(&mut self) {
        let ledger = self.store.ledger().clone();
        let banned = self.owed.as_ref().map(|owed| owed.digest);
        self.shared.change(|shown| (shown.ledger, shown.banned) = (ledger, banned));
        self.let_look();
    }

    /// The candidate looks from the moment on at which that is on the disk, until it guards or is none.
    fn let_look(&mut self) {
        let candidate = self.store.ledger().candidate();
        let looks = |stage: &Stage| matches!(stage, Stage::Shadowing | Stage::Approved { .. });
        let looking = candidate.filter(|it| looks(&it.stage)).map(|it| it.digest);
        if looking != self.looking {
            self.looking = looking;
            let choice = looking.map(|it| self.shared.folders.choice(Slot::Blob(it)));
            (self.candidate)(choice);
        }
    }

    fn show(&mut self) {
        self.publish();
        let fault = self.fault();
        let course = self.watch.as_ref().map(Watch::course);
        let (reviews_open, under_way) = (self.reviews_open, self.step.said());
        self.shared.change(|shown| {
            (shown.fault, shown.course) = (fault, course);
            (shown.reviews_open, shown.under_way) = (reviews_open, under_way);
        });
    }

    fn fault(&self) -> Option<ModelFault> {
        let of = |kind, text: &String| ModelFault { kind, text: text.clone() };
        self.found
            .clone()
            .or_else(|| Some(of(ModelFaultKind::NotKept, self.not_kept.as_ref()?)))
            .or_else(|| {
                let left_out = self.life.left_out.as_ref();
                let (_, text) = left_out.filter(|(trial, _)| self.is_on_trial(*trial))?;
                Some(of(ModelFaultKind::PassedOver, text))
            })
            .or_else(|| Some(of(ModelFaultKind::PassedOver, self.passed_over.as_ref()?)))
    }
}
