//! A box with a package on trial: the whole guard and the real vision process, a camera past which people
//! walk every few seconds, and somebody who looks at it all the while.

use std::ffi::OsString;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use standclear::clock;
use standclear::config::Config;
use standclear::engine::time::Instant;
use standclear::engine::{SirenPattern, ZoneState};
use standclear::guard::app::{Guard, Parts};
use standclear::guard::handle::Snapshot;
use standclear::guard::handle::models::{EndReason, Slot};
use standclear::model_package::keys::file;
use standclear::model_store::files::Disk;
use standclear::model_store::{FOLDER, ModelStore};
use standclear::rollout::probation::{FRAMES_MIN, Progress, RUN_MIN};
use standclear::rollout::slot::Digest;
use standclear::rollout::stage::{Event, Person};
use standclear::store::Store;
use tempfile::TempDir;

use crate::maker::Maker;
use crate::shown;
use crate::site::{SirenNotes, blind, fault};
use crate::support::hostile::{self, Harm, When};
use crate::support::{self, copy};

/// R20: some verified model guards again so soon …
const GUARDS_AGAIN_MAX: Duration = Duration::from_secs(5);

/// … where a vision process takes two seconds to start. On a machine that has other things to do it is
/// as many starts as there are, twice as long as the first one took, and this.
const BESIDE_STARTS: Duration = Duration::from_secs(3);

/// What a picture may take, milliseconds: nobody's business where nothing else is said.
const BUDGET_MS: u32 = 2000;

/// Longest wait for anything that must come.
const SOON: Duration = Duration::from_secs(60);

/// No picture is acted on that is older than 0.9 s; the rest is for looking and telling.
const DECIDES_UNTIL: u64 = 1200;

/// The footage in which one person walks through the zone and nobody else does.
const WALK: Range<u64> = 618..680;

/// The same with what comes before and after: long enough for a trial that is led back in one life of the
/// vision process, and a camera whose file begins again meanwhile may be UNKNOWN for that.
const LONG_WALK: Range<u64> = 560..790;

/// A minute, for what takes half of it.
const MINUTE: Range<u64> = 0..600;

const ZONES: &str = r#"{"type":"FeatureCollection","features":[
    {"type":"Feature","properties":{"id":"road","name":"Road","kind":"restricted"},
     "geometry":{"type":"Polygon","coordinates":[POLYGON]}}]}"#;

/// Through which they walk.
const ROAD: &str =
    "[[0.7891,0.3594],[0.9271,0.3854],[0.9948,0.5729],[0.7812,0.5295],[0.7891,0.3594]]";

/// Where nobody comes by.
const CORNER: &str = "[[0.76,0.8],[0.98,0.8],[0.98,0.98],[0.76,0.98],[0.76,0.8]]";

pub struct Yard {
    folder: TempDir,
    digest: Digest,
    /// sha256 of its model file.
    model: String,
}

/// The box, running.
pub struct Life {
    pub guard: Guard,
    siren: SirenNotes,
    watchman: Watchman,
    /// From nothing to the first decision.
    start: Duration,
}

impl Yard {
    /// A package on trial, in light pictures of the walk: it comes in as people bring it in, and is tried;
    /// the rest of its way is written down.
    pub fn with(harm: Harm) -> Yard {
        Yard::on_trial(harm, WALK)
    }

    /// The same where a picture may take so long, and the camera's file does not begin again for a while.
    pub fn within(harm: Harm, budget_ms: u32) -> Yard {
        let yard = Yard::on_trial(harm, LONG_WALK);
        yard.configured("fps = 5.0", budget_ms);
        yard
    }

    fn on_trial(harm: Harm, walk: Range<u64>) -> Yard {
        let yard = Yard::installed(harm, When::Light, (ROAD, walk), "fps = 5.0");
        let by = Person::named("Eva").expect("a name");
        let tried = Event::Try { started_unix_s: 0, deadline_unix_s: 86_400 };
        let mut store = yard.store();
        for event in [Event::Shadow, Event::Approve { by }, tried] {
            store.apply(&event).expect("kept");
        }
        yard
    }

    /// A package that guards by right.
    pub fn committed() -> Yard {
        let yard = Yard::with(Harm::None);
        yard.store().apply(&Event::Commit).expect("kept");
        yard
    }

    /// A trial that has shown all that it must, but for a few seconds of it.
    pub fn nearly_over() -> Yard {
        let yard = Yard::within(Harm::None, BUDGET_MS);
        let progress = Progress { frames: FRAMES_MIN - 20, run_s: RUN_MIN.as_secs() - 5 };
        yard.store().note(progress).expect("kept");
        yard
    }

    /// A package in the shadow, with a zone that nobody comes into; what it has shown is written down.
    pub fn in_the_shadow(harm: Harm, when: When) -> Yard {
        let yard = Yard::installed(harm, when, (CORNER, MINUTE), "fps = 10.0");
        yard.store().apply(&Event::Shadow).expect("kept");
        let mut store = Store::open(&yard.path("data")).expect("a store");
        shown::enough(&mut store, yard.slot(), &yard.model);
        yard
    }

    fn installed(harm: Harm, when: When, scene: (&str, Range<u64>), pace: &str) -> Yard {
        let (zone, pictures) = scene;
        let (folder, maker) = (TempDir::new().expect("a folder"), Maker::new());
        let package = as_large_as_shipped(hostile::package("harm", 7, harm, when));
        let digest: Digest = package.digest().parse().expect("a digest");
        let model =
            package.manifest["variants"][0]["sha256"].as_str().expect("a digest").to_owned();
        let yard = Yard { folder, digest, model };
        support::part_of_footage(yard.folder.path(), "walk.mp4", pictures);
        copy(&support::model_dir(), &yard.path("models/nanodet-g-416-int8"));
        fs::write(yard.path("yard.json"), ZONES.replace("POLYGON", zone)).expect("written");
        yard.configured(pace, BUDGET_MS);
        drop(Store::open(&yard.path("data")).expect("a store"));
        file::keep(&file::path_in(&yard.path("data")), &maker.keyring()).expect("kept");
        let signed = hostile::signed(package.dir(), &maker.signing("release"));
        fs::write(yard.path("harm.standclear-model"), signed).expect("written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_standclear"));
        command.args(["model", "install", "harm.standclear-model"]).current_dir(yard.folder.path());
        let output = command.output().expect("ran");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success() && said.contains("installed and verified"), "{said}");
        yard
    }

    fn configured(&self, pace: &str, budget_ms: u32) {
        let budget = format!("latency_budget_ms = {budget_ms}");
        let text = CONFIG.replace("PACE", pace).replace("BUDGET", &budget);
        fs::write(self.path("standclear.toml"), text).expect("written");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What is on the disk of models, while the box is stopped.
    pub fn store(&self) -> ModelStore<Disk> {
        ModelStore::open(Disk::existing(self.path("data").join(FOLDER)), 0).store
    }

    /// Lives that the trial has left by the ledger in a folder.
    pub fn lives_left(&self, folder: &str) -> Option<u8> {
        let store = ModelStore::open(Disk::existing(self.path(folder)), 0).store;
        store.ledger().trial().map(|trial| trial.attempts_left)
    }

    /// Starts the box. What the disk has of models when a vision process begins lies in `begun`.
    pub fn start(&self) -> Life {
        let began = clock::monotonic();
        let mut life = self.start_blind();
        life.start = life.wait("a vision process", |now| now.model.is_some()).since(began);
        life
    }

    /// The same, where no model may come.
    pub fn start_blind(&self) -> Life {
        let config = Config::load(&self.path("standclear.toml")).expect("valid");
        let noted = "[ \"$1\" ] && exec \"$0\" vision \"$@\"; mkdir -p begun; cp data/models/ledger.json* begun; echo $$ > pid; exec \"$0\" vision";
        let line = format!("cd {}; {noted}", self.folder.path().display());
        let program = env!("CARGO_BIN_EXE_standclear");
        let worker_command: Vec<OsString> =
            vec!["sh".into(), "-c".into(), line.into(), program.into()];
        let siren = SirenNotes::default();
        let parts = Parts { siren: Box::new(siren.clone()), worker_command };
        let guard = Guard::start(&config, parts).expect("it starts");
        let watchman = Watchman::of(&guard);
        Life { guard, siren, watchman, start: Duration::ZERO }
    }

    fn vision(&self) -> Pid {
        let pid = fs::read_to_string(self.path("pid")).expect("written");
        Pid::from_raw(pid.trim().parse().expect("a number")).expect("not zero")
    }

    pub fn signal_vision(&self, signal: Signal) {
        kill_process(self.vision(), signal).expect("it is there");
    }

    pub fn slot(&self) -> Slot {
        Slot::Blob(self.digest)
    }

    /// Of the model that came with the program.
    pub fn shipped_model(&self) -> PathBuf {
        self.path("models/nanodet-g-416-int8/model.onnx")
    }

    pub fn trial_model(&self) -> PathBuf {
        self.of_package("model.onnx")
    }

    /// A file of the package, installed.
    pub fn of_package(&self, file: &str) -> PathBuf {
        self.path(&format!("data/models/blobs/sha256-{}/{file}", self.digest))
    }
}

const CONFIG: &str = r#"
    site = { name = "Test", time_zone = "UTC" }
    web.listen = "127.0.0.1:0"
    walk_test.required = false
    model = { folder = "models", input_long_side = 320, memory_max_mb = 768 }
    models = { BUDGET, miss_max_percent = 20 }
    [[camera]]
    id = "yard"
    name = "Yard"
    source = { file = "walk.mp4", loop = true }
    zones = "yard.json"
    PACE
"#;

/// Flips a bit in the middle.
pub fn damage(file: &Path) {
    let mut bytes = fs::read(file).expect("readable");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).expect("written");
}

/// Looks at pictures as large as the shipped model does: what a camera shows is judged by them as well.
fn as_large_as_shipped(mut package: hostile::Package) -> hostile::Package {
    let input = &mut package.manifest["input"];
    (input["long_side_default"], input["long_side_max"]) = (320.into(), 640.into());
    fs::write(package.dir().join("manifest.json"), package.manifest.to_string()).expect("written");
    package
}

impl Life {
    /// Waits for a snapshot as wanted, and says when it was there.
    #[track_caller]
    pub fn wait(&self, what: &str, wanted: impl Fn(&Snapshot) -> bool) -> Instant {
        let snapshots = self.guard.handle().snapshots();
        let until = clock::monotonic().after(SOON);
        loop {
            let now = snapshots.borrow().clone();
            if wanted(&now) {
                return clock::monotonic();
            }
            let told = (&now.vision, now.model.as_ref().map(|it| &it.slot));
            assert!(clock::monotonic() < until, "{what}: not within {SOON:?}; {told:?}");
            thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Whatever was not watched until now does not count.
    pub fn forgets_blindness(&mut self) {
        let anew = Watchman::of(&self.guard);
        std::mem::replace(&mut self.watchman, anew).ends();
    }

    /// Waits until this model decides on pictures, and says since when.
    #[track_caller]
    pub fn guarded_by(&self, slot: Slot) -> Instant {
        let name = slot.to_string();
        self.wait(&format!("{name} guards"), |now| {
            let sees = now.cameras.iter().all(|camera| camera.unknown.is_none());
            sees && now.model.as_ref().is_some_and(|model| model.slot == name)
        })
    }

    /// Eva looks at the evidence and approves, once it is enough.
    #[track_caller]
    pub fn is_approved(&self, slot: Slot) {
        let handle = self.guard.handle();
        let digest = slot.digest().expect("a package");
        let until = clock::monotonic().after(SOON);
        loop {
            let claim = handle.model_desk().asks();
            let facts = handle.shadow_desk().evidence(claim);
            let seen = facts.as_ref().map(|facts| facts.digest.clone()).unwrap_or_default();
            match handle.model_desk().promote(digest, &seen, "Eva") {
                Ok(()) => return,
                Err(error) => assert!(clock::monotonic() < until, "{error}: {facts:#?}"),
            }
            thread::park_timeout(Duration::from_millis(100));
        }
    }

    /// Somebody walks in, and the siren sounds for them.
    #[track_caller]
    pub fn hears_the_next_person(&self) {
        let from = clock::monotonic();
        let at = self.siren.since(from, SirenPattern::Intrusion);
        println!("a person is heard {:?} later", at.since(from));
    }

    #[track_caller]
    pub fn fault_is_heard(&self) {
        self.siren.since(Instant::ZERO, SirenPattern::Fault);
        self.wait("an alarm of it", |now| {
            now.alarms.iter().any(|alarm| blind(alarm.source) || fault(alarm.source))
        });
    }

    /// How long nobody may guard, over so many lives of the vision process.
    pub fn blind_max(&self, lives: u32) -> Duration {
        println!("a start takes {:?}", self.start);
        GUARDS_AGAIN_MAX.max(self.start * 2 * lives + BESIDE_STARTS)
    }

    /// Why the trial was taken back.
    #[track_caller]
    pub fn taken_back(&self) -> EndReason {
        let until = clock::monotonic().after(SOON);
        loop {
            let now = self.guard.handle().model_desk().models_now();
            if let Some((_, reason)) = now.rejected.last() {
                return *reason;
            }
            assert!(clock::monotonic() < until, "it is not taken back: {now:#?}");
            thread::park_timeout(Duration::from_millis(10));
        }
    }

    /// Waits until the history has this kind, and gives what it says, the oldest first.
    #[track_caller]
    pub fn told(&self, kind: &str) -> Vec<String> {
        let until = clock::monotonic().after(SOON);
        loop {
            let rows = self.guard.handle().model_desk().model_history(500, None).expect("read");
            let of_kind = rows.iter().rev().filter(|row| row.kind == kind);
            let found: Vec<String> = of_kind.map(|row| row.text.clone()).collect();
            if !found.is_empty() {
                return found;
            }
            let kinds: Vec<_> = rows.iter().map(|row| (&row.kind, &row.text)).collect();
            assert!(clock::monotonic() < until, "{kind} is not in the history: {kinds:#?}");
            thread::park_timeout(Duration::from_millis(10));
        }
    }

    /// Ends the box. Zones were UNKNOWN whenever nobody looked; says how long that was at most.
    #[track_caller]
    pub fn stop(self) -> Blindness {
        let seen = self.watchman.ends();
        self.guard.stop();
        assert_eq!(seen.clear_unseen, Vec::<String>::new(), "CLEAR, and nobody looked");
        seen
    }
}

/// What somebody saw who looked all the while.
#[derive(Debug, Default)]
pub struct Blindness {
    /// Zones that were CLEAR although no picture had been decided on for too long.
    clear_unseen: Vec<String>,
    /// The longest time without a zone that was watched, once there was a model.
    pub longest: Duration,
    /// What was said of it at its end.
    pub why: Option<String>,
}

struct Watchman {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Blindness>,
}

impl Watchman {
    fn of(guard: &Guard) -> Watchman {
        let (over, snapshots) = (Arc::new(AtomicBool::new(false)), guard.handle().snapshots());
        let ended = Arc::clone(&over);
        let thread = thread::spawn(move || {
            let (mut seen, mut since) = (Blindness::default(), None::<Instant>);
            while !ended.load(Ordering::Acquire) {
                let (now, at) = (snapshots.borrow().clone(), clock::monotonic());
                since = since.or(now.model.as_ref().map(|_| at));
                since = seen.look(&now, at, since);
                thread::park_timeout(Duration::from_millis(10));
            }
            seen
        });
        Watchman { over, thread }
    }

    fn ends(self) -> Blindness {
        self.over.store(true, Ordering::Release);
        self.thread.join().expect("no panic")
    }
}

impl Blindness {
    /// `watched`: the last moment at which all zones were, or a model was there to do it.
    fn look(&mut self, now: &Snapshot, at: Instant, watched: Option<Instant>) -> Option<Instant> {
        for zone in &now.zones {
            let decided = now.cameras.get(zone.camera).and_then(|camera| camera.frame_age_ms);
            let is_old = decided.is_none_or(|age_ms| age_ms > DECIDES_UNTIL);
            if is_old && zone.state == ZoneState::Clear {
                self.clear_unseen.push(format!("{}, {decided:?} ms", zone.id));
            }
        }
        if now.zones.iter().any(|zone| matches!(zone.state, ZoneState::Unknown(_))) {
            let blind = watched.map_or(Duration::ZERO, |since| at.since(since));
            if blind > self.longest {
                self.longest = blind;
                self.why = now.zones.iter().find_map(|zone| zone.reason.clone());
            }
            return watched;
        }
        Some(at)
    }
}
