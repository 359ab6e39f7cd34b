//! The models of a box, opened: what is read before anything runs, and the thread behind it.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex};
use std::thread;

use jiff::Timestamp;

use super::Rollout;
use super::chronicle::Chronicle;
use super::desk::{Lately, ModelsDesk, with_installed};
use super::evidence::ShadowEvidence;
use super::fetching::Intake;
use super::keeper::{self, KeeperParts, KeeperThread, Task};
use super::next_life::KeepersOrder;
use super::seen::{NewsQueue, news};
use super::shadow::ShadowDesk;
use super::shown::{Folders, Shared, Shown, facts_of, shipped_in};
use super::take;
use super::trying::TryProcess;
use crate::clock;
use crate::config::Config;
use crate::engine::time::Instant;
use crate::gate::Probability;
use crate::gate::claim::{Claim, Look};
use crate::guard::arming::{Calendar, ClockWatch};
use crate::guard::clerk::Clerk;
use crate::guard::handle::models::{ActiveModel, ModelFault, ModelFaultKind};
use crate::guard::inputs::Moment;
use crate::guard::parts::Parts;
use crate::guard::worker::WorkerPost;
use crate::link::ModelChoice;
use crate::model_package::{WallTime, folder};
use crate::model_store::files::{Disk, SharedFiles};
use crate::model_store::{FOLDER, ModelStore, Opened, blobs};
use crate::rollout::boot::{BootFault, Trust};
use crate::rollout::probation::Rules;
use crate::rollout::slot::Slot;
use crate::rollout::stage::Stage;
use crate::store::models::{ModelEventKind, ModelEventRow};
use crate::store::{Store, StoreError};
use crate::telemetry::chain;

/// Events of earlier lives that are looked through for when a package came and which reviews are open.
const EVENTS_LOOKED_AT: u32 = 500;

/// How much less urgent than everything else (`nice`) reading all packages is.
const NICENESS: i32 = 10;

/// A folder of models, opened.
pub struct OpenedModels {
    pub store: ModelStore<SharedFiles>,
    pub files: SharedFiles,
    pub shared: Arc<Shared>,
    pub found: Option<ModelFault>,
}

impl OpenedModels {
    /// Always succeeds: a box has to guard, whatever its disk says of models.
    pub fn open(config: &Config, events: &[ModelEventRow]) -> OpenedModels {
        let root = config.store.path.join(FOLDER);
        let disk = Disk::new(root.clone()).unwrap_or_else(|error| {
            tracing::error!("the folder of models cannot be made: {error}");
            Disk::existing(root.clone())
        });
        let folders = Folders { root, shipped: folder::found(&config.model.dir) };
        let rules = Rules::with_latency_budget(config.models.latency_budget);
        OpenedModels::of(Arc::new(disk), folders, rules, events)
    }

    pub fn of(
        files: SharedFiles,
        folders: Folders,
        rules: Rules,
        events: &[ModelEventRow],
    ) -> OpenedModels {
        let shipped = shipped_in(&folders.shipped);
        let Opened { store, damages, not_kept } = ModelStore::open(files.clone(), shipped.release);
        for damage in &damages {
            tracing::error!("the ledger of models: {damage}");
        }
        let ledger = store.ledger().clone();
        let packages = blobs::all(&files).unwrap_or_default();
        let facts = packages.iter().map(|digest| {
            let slot = Slot::Blob(*digest);
            (*digest, with_installed(facts_of(&files, *digest), events, slot))
        });
        let shown = Shown {
            active: ActiveModel { slot: None, since: None, passed_over: Vec::new() },
            course: None,
            reviews_open: reviews_open(&ledger, events),
            fault: None,
            facts: facts.collect(),
            under_way: None,
            banned: None,
            time: WallTime::Doubted(clock::wall()),
            ledger,
        };
        let found = found(store.trust(), &damages, not_kept.map(|error| chain(&error)));
        let shared = Arc::new(Shared::new(folders, shipped, rules, shown));
        OpenedModels { store, files, shared, found }
    }
}

/// What is wrong with the ledger, for people.
fn found(trust: Trust, damages: &[String], not_kept: Option<String>) -> Option<ModelFault> {
    let of = |kind, text: String| Some(ModelFault { kind, text });
    let said = damages.join("; ");
    match (trust, not_kept) {
        (Trust::Older, _) => {
            of(ModelFaultKind::LedgerOlder, format!("{} ({said})", BootFault::Older))
        }
        (Trust::Lost, _) => of(ModelFaultKind::LedgerLost, format!("{} ({said})", BootFault::Lost)),
        (Trust::Newest, Some(why)) => of(ModelFaultKind::NotKept, why),
        (Trust::Newest, None) => None,
    }
}

/// Reviews of the candidate that were opened and not closed.
fn reviews_open(ledger: &crate::rollout::ledger::Ledger, events: &[ModelEventRow]) -> u32 {
    let Some(candidate) = ledger.candidate() else { return 0 };
    let slot = Slot::Blob(candidate.digest).to_string();
    let mut open = 0_u32;
    for row in events.iter().rev().filter(|row| row.event.slot.as_ref() == Some(&slot)) {
        match row.event.kind {
            ModelEventKind::ReviewOpened => open += 1,
            ModelEventKind::ReviewDismissed => open = open.saturating_sub(1),
            // It came in anew.
            ModelEventKind::Installed => open = 0,
            _ => {}
        }
    }
    open
}

/// What of models faces people and the supervisor, before the thread runs.
pub struct ModelsFront {
    pub desk: Arc<ModelsDesk>,
    opened: OpenedModels,
    queue: (SyncSender<Task>, Receiver<Task>),
    clerk: Clerk,
    clock: ClockWatch,
    data: PathBuf,
}

/// A configuration has 1 to 20 percent; what is none is asked for at its least.
fn miss_rate(percent: u32) -> Probability {
    Probability::new(f64::from(percent) / 100.0).unwrap_or(Probability::CONFIDENCE)
}

/// Who leads the roll-out of this box.
pub struct Leading(Option<(ModelsFront, NewsQueue)>);

impl ModelsFront {
    /// # Errors
    /// The store cannot be read.
    pub fn of(
        config: &Config,
        store: &Store,
        clerk: &Clerk,
        (parts, last_alive): (&Parts, Option<Timestamp>),
        shadow: ShadowDesk,
    ) -> Result<ModelsFront, StoreError> {
        let reader = store.reader()?;
        let events = reader.model_events(EVENTS_LOOKED_AT, None).unwrap_or_default();
        let opened = OpenedModels::open(config, &events);
        let queue = keeper::queue();
        let budget = config.models.latency_budget;
        let intake = Intake {
            shared: opened.shared.clone(),
            tasks: queue.0.clone(),
            files: opened.files.clone(),
            data: config.store.path.clone(),
            tries: Arc::new(TryProcess::of(&parts.worker_command, &config.model, budget)),
            taking: Arc::default(),
            free: Arc::new({
                let data = config.store.path.clone();
                move || take::free_bytes(&data)
            }),
            ca_file: config.models.ca_file.clone(),
        };
        let (carried, found) = (config.models.carried.clone(), Mutex::default());
        let claim = Claim {
            miss_rate: miss_rate(config.models.miss_max_percent),
            confidence: Probability::CONFIDENCE,
            look: Look::Any,
        };
        let shared = opened.shared.clone();
        let evidence = Arc::new(ShadowEvidence { shadow, claim, shared });
        let lately = Lately::default();
        let desk =
            Arc::new(ModelsDesk { intake, evidence, reader, carried, found, asks: claim, lately });
        let clock = ClockWatch::new(&config.site.time_zone, last_alive);
        Ok(ModelsFront {
            desk,
            opened,
            queue,
            clerk: clerk.clone(),
            clock,
            data: config.store.path.clone(),
        })
    }

    /// What the supervisor is given, and who is behind it.
    pub fn led(self, by: Option<Rollout>) -> (Rollout, Leading) {
        match by {
            Some(other) => (other, Leading(None)),
            None => {
                let (news, heard) = news();
                let shared = self.opened.shared.clone();
                let next_life = Arc::new(KeepersOrder::new(self.queue.0.clone(), shared));
                (Rollout { next_life, news }, Leading(Some((self, heard))))
            }
        }
    }
}

impl Leading {
    /// Where the keeper of models takes what others say of a candidate; `None`: somebody else leads.
    pub fn tasks(&self) -> Option<SyncSender<Task>> {
        self.0.as_ref().map(|(front, _)| front.queue.0.clone())
    }

    /// Starts the keeper, and what is to be gone on with from an earlier life.
    ///
    /// # Errors
    /// The system does not allow another thread.
    pub fn start(
        self,
        post: &WorkerPost,
        candidate: impl FnMut(Option<ModelChoice>) + Send + 'static,
    ) -> io::Result<Option<KeeperThread>> {
        let Some((front, heard)) = self.0 else { return Ok(None) };
        let ModelsFront { desk, opened, queue, clerk, mut clock, data } = front;
        let OpenedModels { store, files, shared, found } = opened;
        let time = move |monotonic: Instant| {
            let wall = clock::wall();
            match clock.look(Moment { monotonic, wall }).0 {
                Calendar::Trusted => WallTime::Trusted(wall),
                Calendar::Doubted(_) => WallTime::Doubted(wall),
            }
        };
        let (signed, post) = (files.clone(), post.clone());
        let parts = KeeperParts {
            files,
            store,
            shared,
            vision: Box::new(move |message| post.post(message)),
            candidate: Box::new(candidate),
            book: Box::new(Chronicle::new(clerk)),
            found,
            time: Box::new(time),
            trusted: Box::new(move |digest| take::still_trusted(&signed, &data, digest)),
            evidence: desk.evidence.clone(),
        };
        let thread = KeeperThread::start(parts, queue, heard)?;
        go_on(desk.intake.clone())?;
        Ok(Some(thread))
    }
}

/// Reads all packages once, and tries a candidate that nobody has tried to the end.
///
/// # Errors
/// The system does not allow another thread.
pub fn go_on(intake: Intake) -> io::Result<()> {
    let work = move || {
        // Linux keeps niceness per thread; without it this one merely competes.
        let _ = rustix::process::nice(NICENESS);
        intake.forget_old_part();
        let ledger = intake.shared.now().ledger;
        let mut damaged = Vec::new();
        for digest in ledger.blobs() {
            let wrong = blobs::what_is_wrong(&intake.files, digest);
            damaged.extend(wrong.is_some().then_some(digest));
            if intake.tasks.send(Task::Looked { digest, wrong }).is_err() {
                return;
            }
        }
        let staged = ledger.candidate().filter(|it| it.stage == Stage::Staged);
        let staged = staged.filter(|it| !damaged.contains(&it.digest));
        if let Some(candidate) = staged
            && let Err(error) = intake.go_on_trying(candidate.digest)
        {
            tracing::warn!("the candidate is not verified: {}", chain(&error));
        }
    };
    thread::Builder::new().name("model-look".into()).spawn(work).map(drop)
}
