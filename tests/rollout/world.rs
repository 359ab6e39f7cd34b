//! A box without cameras: the real keeper of models over real files and a real store, and a vision
//! process that says what a test wants.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use jiff::{Span, Timestamp};
use serde_json::{Value, json};
use standclear::clock;
use standclear::config::Config;
use standclear::gate::Probability;
use standclear::gate::claim::{Claim, Look};
use standclear::gate::verdict::Judgement;
use standclear::guard::clerk::Clerk;
use standclear::guard::handle::models::{ModelError, Models, ModelsNow};
use standclear::guard::models::chronicle::Chronicle;
use standclear::guard::models::desk::{Lately, ModelsDesk};
use standclear::guard::models::evidence::{EvidenceSource, ShadowEvidence};
use standclear::guard::models::fetching::Intake;
use standclear::guard::models::keeper::{KeeperParts, KeeperThread, queue};
use standclear::guard::models::next_life::KeepersOrder;
use standclear::guard::models::order::NextLife;
use standclear::guard::models::seen::{LifeEnd, ModelNews, NewsPost, news};
use standclear::guard::models::shadow::ShadowSlot;
use standclear::guard::models::shown::{Folders, Shared};
use standclear::guard::models::start::{OpenedModels, go_on};
use standclear::guard::models::take;
use standclear::guard::models::trying::{Tried, TryModel};
use standclear::link::{ModelInfo, SwitchedTo, ToWorker};
use standclear::model_package::WallTime;
use standclear::model_package::keys::file;
use standclear::model_store::FOLDER;
use standclear::model_store::files::{Disk, SharedFiles};
use standclear::rollout::probation::Rules;
use standclear::rollout::slot::{Digest, Slot};
use standclear::rollout::stage::{Fault, Stage};
use standclear::store::Store;
use standclear::store::query::StoreReader;
use tempfile::TempDir;

use super::maker::{Maker, manifest_with, tar_of};
pub use super::moody::{Mood, Moody};

/// Of the model that came with the program.
pub const SHIPPED_RELEASE: u64 = 5;

/// Longest wait for anything.
const SOON: Duration = Duration::from_secs(20);

pub const EVIDENCE: &str = "what they saw";

/// The next trials of models, in their order; a good one where nothing is said.
#[derive(Clone, Default)]
pub struct Tries(pub Arc<Mutex<VecDeque<Tried>>>, Endless);

/// Whether the next one never comes to an end.
type Endless = Arc<AtomicBool>;

impl TryModel for Tries {
    fn try_model(&self, dir: &Path) -> Tried {
        assert!(dir.join("model.onnx").is_file(), "{} is not there", dir.display());
        if self.1.swap(false, Ordering::SeqCst) {
            loop {
                thread::park();
            }
        }
        let next = self.0.lock().expect("not poisoned").pop_front();
        next.unwrap_or(Tried::Well { p99: Duration::from_millis(40), pictures: 100 })
    }
}

pub fn badly(fault: Fault) -> Tried {
    Tried::Badly { fault, code: "not_loadable", text: "the test wants it so".into() }
}

/// What the shadow has shown, as a test wants it, and how often that was read.
#[derive(Clone, Default)]
pub struct Seen {
    lost: Arc<AtomicBool>,
    read: Arc<AtomicUsize>,
}

fn asks(miss: f64) -> Claim {
    let miss_rate = Probability::new(miss).expect("a share");
    Claim { miss_rate, confidence: Probability::CONFIDENCE, look: Look::Any }
}

impl Seen {
    /// Somebody labels an incident that the candidate lost.
    pub fn is_lost(&self) {
        self.lost.store(true, Ordering::SeqCst);
    }

    /// How often all evidence was read.
    pub fn read(&self) -> usize {
        self.read.load(Ordering::SeqCst)
    }
}

impl EvidenceSource for Seen {
    fn judgement(&self, _: Digest) -> Option<(String, Judgement)> {
        self.read.fetch_add(1, Ordering::SeqCst);
        let (claims, warnings) = (Vec::new(), Vec::new());
        let judgement = match self.lost.load(Ordering::SeqCst) {
            true => Judgement::Refused { reasons: Vec::new() },
            false => Judgement::MayBeApproved { claims, warnings },
        };
        Some((EVIDENCE.into(), judgement))
    }
}

/// Who says what the evidence allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judge {
    /// Nobody looks: it always does.
    Nobody,
    /// The gate, by what is in the store: less than a fifth may be missed.
    Gate,
}

fn gate(folder: &Path, reader: StoreReader, clerk: &Clerk, shared: Arc<Shared>) -> ShadowEvidence {
    let text = "[site]\nname = \"North yard\"\ntime_zone = \"UTC\"\n[store]\npath = \".\"\n[[camera]]\n\
                id = \"yard\"\nname = \"Yard\"\nsource = { test = \"ball\" }\nzones = \"yard.json\"\n";
    let zones = r#"{"type":"FeatureCollection","features":[{"type":"Feature",
        "properties":{"id":"gate","name":"Gate","kind":"restricted"},
        "geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}}]}"#;
    fs::write(folder.join("yard.json"), zones).expect("a zone file");
    let config = Config::parse(&folder.join("standclear.toml"), text).expect("a configuration");
    let slot = ShadowSlot::of(&config, reader, clerk.clone());
    let claim = asks(0.2);
    slot.post().looks_beside(Slot::Shipped);
    ShadowEvidence { shadow: slot.desk(), claim, shared }
}

/// One life of the box.
pub struct Life {
    pub desk: ModelsDesk,
    pub clerk: Clerk,
    pub order: KeepersOrder,
    pub news: NewsPost,
    told: Receiver<ToWorker>,
    thread: KeeperThread,
}

/// What outlives the lives of a box.
pub struct World {
    pub folder: TempDir,
    pub maker: Maker,
    pub tries: Tries,
    pub evidence: Seen,
    pub rules: Rules,
    /// Bytes, as a fetch is told.
    pub free: Arc<AtomicU64>,
    mood: Arc<AtomicU8>,
    clock_shift_years: Arc<Mutex<i64>>,
    clock_is_doubted: Arc<AtomicBool>,
    judge: Judge,
    life: Option<Life>,
}

impl World {
    pub fn new() -> World {
        World::judged_by(Judge::Nobody)
    }

    pub fn judged_by(judge: Judge) -> World {
        let (folder, maker) = (TempDir::new().expect("a folder"), Maker::new());
        let shipped = folder.path().join("shipped");
        fs::create_dir(&shipped).expect("made");
        let manifest = json!({ "name": "shipped", "version": "1", "release": SHIPPED_RELEASE });
        fs::write(shipped.join("manifest.json"), manifest.to_string()).expect("written");
        file::keep(&file::path_in(folder.path()), &maker.keyring()).expect("kept");
        let mut world = World {
            folder,
            maker,
            tries: Tries::default(),
            evidence: Seen::default(),
            rules: Rules {
                frames_min: 300,
                run_min: Duration::from_millis(300),
                // Of a test that shares its machine with others.
                silence_max: SOON,
                ..Rules::with_latency_budget(Duration::from_millis(150))
            },
            free: Arc::new(AtomicU64::new(1 << 40)),
            mood: Arc::default(),
            clock_shift_years: Arc::default(),
            clock_is_doubted: Arc::default(),
            judge,
            life: None,
        };
        world.begin();
        world
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join(FOLDER)
    }

    pub fn mood(&self, mood: Mood) {
        self.mood.store(mood as u8, Ordering::SeqCst);
    }

    pub fn clock_is_off_by_years(&self, years: i64) {
        *self.clock_shift_years.lock().expect("not poisoned") = years;
    }

    /// A box without a clock of its own, to which nobody has told the time.
    pub fn has_no_clock(&self) {
        self.clock_is_off_by_years(-56);
        self.clock_is_doubted.store(true, Ordering::SeqCst);
    }

    pub fn life(&self) -> &Life {
        self.life.as_ref().expect("the box runs")
    }

    pub fn desk(&self) -> &ModelsDesk {
        &self.life().desk
    }

    pub fn now(&self) -> ModelsNow {
        self.desk().models_now()
    }

    /// The box starts; its vision process does not yet.
    pub fn begin(&mut self) {
        let store = Store::open(self.folder.path()).expect("a store");
        let reader = store.reader().expect("one");
        let events = reader.model_events(500, None).expect("read");
        let read = store.reader().expect("one");
        let clerk = Clerk::over(store).expect("a thread");
        let disk = Disk::new(self.root()).expect("a folder");
        let files: SharedFiles = Arc::new(Moody { disk, mood: self.mood.clone() });
        let folders = Folders { root: self.root(), shipped: self.folder.path().join("shipped") };
        let opened = OpenedModels::of(files, folders, self.rules, &events);
        let OpenedModels { store, files, shared, found } = opened;
        let (tasks, asked) = queue();
        let intake = Intake {
            shared: shared.clone(),
            tasks: tasks.clone(),
            files: files.clone(),
            data: self.folder.path().to_owned(),
            tries: Arc::new(self.tries.clone()),
            taking: Arc::default(),
            free: Arc::new({
                let free = self.free.clone();
                move || Ok(free.load(Ordering::SeqCst))
            }),
            ca_file: None,
        };
        let (vision, told) = mpsc::sync_channel(64);
        let (signed, data) = (files.clone(), self.folder.path().to_owned());
        let (shift, doubted) = (self.clock_shift_years.clone(), self.clock_is_doubted.clone());
        let time_at_first = shared.now().time;
        let evidence: Arc<dyn EvidenceSource> = match self.judge {
            Judge::Nobody => Arc::new(self.evidence.clone()),
            Judge::Gate => Arc::new(gate(self.folder.path(), read, &clerk, shared.clone())),
        };
        let parts = KeeperParts {
            files,
            store,
            shared: shared.clone(),
            vision: Box::new(move |message| vision.try_send(message).expect("room")),
            candidate: Box::new(|_| ()),
            book: Box::new(Chronicle::new(clerk.clone())),
            found,
            time: Box::new(move |_| match doubted.load(Ordering::SeqCst) {
                false => WallTime::Trusted(shifted(&shift)),
                true => WallTime::Doubted(shifted(&shift)),
            }),
            trusted: Box::new(move |digest| take::still_trusted(&signed, &data, digest)),
            evidence: evidence.clone(),
        };
        let (post, heard) = news();
        let order = KeepersOrder::new(tasks.clone(), shared);
        let thread = KeeperThread::start(parts, (tasks, asked), heard).expect("a thread");
        let carried = vec![self.folder.path().join("media")];
        let (found, lately) = (Mutex::default(), Lately::default());
        let desk =
            ModelsDesk { intake, evidence, reader, carried, found, asks: asks(0.01), lately };
        go_on(desk.intake.clone()).expect("a thread");
        self.life = Some(Life { desk, clerk, order, news: post, told, thread });
        self.wait_for("the clock to be looked at", || {
            self.desk().intake.shared.now().time != time_at_first
        });
    }

    /// The box ends, as after a power cut as far as the folder goes, and starts again.
    pub fn restart(&mut self) {
        self.end();
        self.begin();
    }

    pub fn end(&mut self) {
        if let Some(life) = self.life.take() {
            let Life { desk, order, thread, .. } = life;
            drop((desk, order));
            thread.stop();
        }
        // The store closes with the last clerk, on a thread of its own.
        self.wait_for("the store to close", || {
            standclear::store::in_use_by(self.folder.path()).is_none()
        });
    }

    /// The box ends while this package is being tried, as by a kill as far as the folder goes.
    pub fn end_in_a_try(&mut self, digest: Digest) {
        self.tries.1.store(true, Ordering::SeqCst);
        let intake = self.desk().intake.clone();
        thread::spawn(move || intake.try_candidate(digest));
        self.wait_for("it is being tried", || !self.tries.1.load(Ordering::SeqCst));
        self.end();
    }

    /// A vision process starts with what the keeper gives it, the first of it looks, and that is told.
    pub fn watch(&self) -> Slot {
        let order = self.life().order.order();
        let slots = order.iter().map(|it| it.slot.clone()).collect();
        self.tell(ModelNews::LifeBegins { order: slots });
        self.tell(ModelNews::Ready(info(&order[0].slot)));
        let first: Slot = order[0].slot.parse().expect("a slot");
        self.wait(&format!("{first} guards"), |now| now.active.slot == Some(first));
        first
    }

    pub fn tell(&self, news: ModelNews) {
        self.life().news.tell(news);
    }

    pub fn life_ends(&self, how: LifeEnd) {
        self.tell(ModelNews::LifeEnded { how, reason: "the test wants it so".into() });
        self.wait("nobody guards", |now| now.active.slot.is_none());
    }

    /// The next thing the vision process is told.
    #[track_caller]
    pub fn told(&self) -> ToWorker {
        self.life().told.recv_timeout(SOON).expect("something is told in time")
    }

    pub fn told_now(&self) -> Option<ToWorker> {
        self.life().told.try_recv().ok()
    }

    pub fn told_nothing(&self) -> bool {
        self.told_now().is_none()
    }

    #[track_caller]
    pub fn wait(&self, what: &str, is_so: impl Fn(&ModelsNow) -> bool) -> ModelsNow {
        let until = clock::monotonic().after(SOON);
        loop {
            let now = self.now();
            if is_so(&now) {
                return now;
            }
            assert!(clock::monotonic() < until, "{what}: not in time; it is {now:#?}");
            thread::park_timeout(Duration::from_millis(5));
        }
    }

    #[track_caller]
    pub fn wait_for(&self, what: &str, is_so: impl Fn() -> bool) {
        let until = clock::monotonic().after(SOON);
        while !is_so() {
            assert!(clock::monotonic() < until, "{what}: not in time");
            thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Kinds of what is in the history, the oldest first.
    pub fn history(&self) -> Vec<String> {
        let rows = self.desk().model_history(500, None).expect("read");
        rows.into_iter().rev().map(|row| row.kind).collect()
    }

    /// Waits until the history has it: it is written behind the step.
    #[track_caller]
    pub fn is_told(&self, kind: &str) {
        self.wait_for(&format!("{kind} in the history"), || {
            self.history().iter().any(|it| it == kind)
        });
    }

    pub fn stage(&self) -> Option<Stage> {
        self.desk().intake.shared.now().ledger.candidate().map(|it| it.stage.clone())
    }

    /// A signed package of this release.
    pub fn package(&self, release: u64) -> Vec<u8> {
        self.package_with(|manifest| manifest["release"] = json!(release))
    }

    pub fn package_with(&self, change: impl FnOnce(&mut Value)) -> Vec<u8> {
        tar_of(&self.maker.parts(&manifest_with(change)))
    }

    pub fn install(&self, package: &[u8]) -> Result<Digest, ModelError> {
        let done = self.desk().install("people", &mut &*package, "Eva");
        done.map(|installed| installed.digest)
    }

    pub fn candidate(&self) -> Digest {
        let ledger = self.desk().intake.shared.now().ledger;
        ledger.candidate().expect("a candidate").digest
    }

    /// Answers `Prepare` and `Switch` well.
    pub fn switches(&self) {
        self.prepares();
        let ToWorker::Switch { switch } = self.told() else { panic!("a switch") };
        let slot = Slot::Blob(self.candidate());
        self.switched(switch, slot);
    }

    pub fn prepares(&self) {
        let ToWorker::Prepare { switch, model } = self.told() else { panic!("a preparation") };
        self.tell(ModelNews::Prepared { switch, outcome: Ok(info(&model.slot)) });
    }

    pub fn switched(&self, switch: u64, slot: Slot) {
        let (at_ns, gap_ns) = (clock::monotonic().as_nanos(), 80_000_000);
        let to = SwitchedTo { model: info(&slot.to_string()), at_ns, gap_ns };
        self.tell(ModelNews::Switched { switch, outcome: Ok(to) });
        self.wait(&format!("{slot} guards"), |now| now.active.slot == Some(slot));
    }

    /// Pictures that each took so long.
    pub fn pictures(&self, count: usize, inference: Duration) {
        for _ in 0..count {
            let decided_ns = clock::monotonic().as_nanos();
            let inference_ns = u64::try_from(inference.as_nanos()).expect("short");
            let frame =
                ModelNews::Frame { camera: 0, captured_ns: decided_ns, decided_ns, inference_ns };
            self.tell(frame);
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.mood(Mood::Well);
        self.life = None;
    }
}

fn shifted(years: &Mutex<i64>) -> Timestamp {
    let days = *years.lock().expect("not poisoned") * 365;
    let now = clock::wall();
    now.checked_add(Span::new().hours(days * 24)).expect("a time")
}

pub fn info(slot: &str) -> ModelInfo {
    ModelInfo { name: "people".into(), slot: slot.into(), ..ModelInfo::default() }
}
