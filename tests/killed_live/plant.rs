//! The program itself with a package installed, to be started and killed as often as somebody likes. Its
//! package's way is written down while it does not run.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};
use standclear::clock;
use standclear::engine::time::Instant;
use standclear::model_package::keys::file;
use standclear::model_store::files::Disk;
use standclear::model_store::{FOLDER, ModelStore};
use standclear::rollout::slot::{Digest, Slot};
use standclear::rollout::stage::Event;
use standclear::store::Store;
use tempfile::TempDir;
use ureq::Agent;

use crate::maker::Maker;
use crate::running::{PASSWORD, Running};
use crate::shown;
use crate::support::{self, copy, hostile};

/// Its first admin.
pub const EVA: &str = "Eva";

/// Longest wait for anything that must come.
const SOON: Duration = Duration::from_secs(60);

/// How often somebody looks; what is measured here is longer than it is by so much at most.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Longest wait for an answer of the API.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// How long processes of a guard that is gone may stay.
const ORPHANS_MAX: Duration = Duration::from_secs(10);

/// Footage in which nobody comes into the zone.
const WALK: std::ops::Range<u64> = 618..680;

const ZONES: &str = r#"{"type":"FeatureCollection","features":[
    {"type":"Feature","properties":{"id":"road","name":"Road","kind":"restricted"},
     "geometry":{"type":"Polygon","coordinates":
     [[[0.76,0.8],[0.98,0.8],[0.98,0.98],[0.76,0.98],[0.76,0.8]]]}}]}"#;

/// See the module.
pub struct Plant {
    folder: TempDir,
    digest: Digest,
    token: String,
}

/// The box, running. Killed when this is dropped.
pub struct Life<'p> {
    plant: &'p Plant,
    child: Child,
    began: Instant,
    agent: Agent,
}

/// Processes of a box whose guard was killed; somebody looks until none of them runs.
pub struct Orphans(JoinHandle<Result<Duration, String>>);

impl Plant {
    /// Keys, a package that was tried, an admin and a token.
    pub fn with(package: &Path) -> Plant {
        let (folder, maker) = (tempfile::tempdir().expect("a folder"), Maker::new());
        let manifest = fs::read(package.join("manifest.json")).expect("readable");
        let plant = Plant { folder, digest: Digest::of(manifest), token: String::new() };
        support::part_of_footage(plant.folder.path(), "walk.mp4", WALK);
        fs::write(plant.path("yard.json"), ZONES).expect("written");
        fs::write(plant.path("standclear.toml"), config()).expect("written");
        fs::write(plant.path("password"), PASSWORD).expect("written");
        drop(Store::open(&plant.path("data")).expect("a store"));
        file::keep(&file::path_in(&plant.path("data")), &maker.keyring()).expect("kept");
        let signed = hostile::signed(package, &maker.signing("release"));
        fs::write(plant.path("new.standclear-model"), signed).expect("written");
        let (is_well, said) = plant.says(&["model", "install", "new.standclear-model"]);
        assert!(is_well && said.contains("installed and verified"), "{said}");
        let token = plant.makes_token();
        copy(&plant.path("data"), &plant.path("installed"));
        Plant { token, ..plant }
    }

    /// Whatever became of it: the package is verified, and nothing else happened.
    pub fn is_as_installed(&self) {
        fs::remove_dir_all(self.path("data")).expect("removed");
        copy(&self.path("installed"), &self.path("data"));
    }

    /// It looks in the shadow, and has shown enough to be approved.
    pub fn has_shown_enough(&self, model: &str) {
        self.store().apply(&Event::Shadow).expect("kept");
        let mut store = Store::open(&self.path("data")).expect("a store");
        shown::enough(&mut store, self.slot(), model);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn slot(&self) -> Slot {
        Slot::Blob(self.digest)
    }

    /// What is on the disk of models.
    pub fn store(&self) -> ModelStore<Disk> {
        ModelStore::open(Disk::existing(self.path("data").join(FOLDER)), 0).store
    }

    /// What `standclear check` finds.
    pub fn check(&self) -> (bool, String) {
        self.says(&["check"])
    }

    /// What the program says on the command line, and whether it ended well.
    fn says(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_standclear"));
        let output = command.args(arguments).current_dir(self.folder.path()).output().expect("ran");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    fn makes_token(&self) -> String {
        // `env` becomes the program.
        let itself = |root| Some(root);
        let config = self.path("standclear.toml");
        let mut running = Running::start(Command::new("env"), &config, EVA, itself);
        let wanted = json!({ "name": "somebody who looks", "role": "engineer" });
        let made = running.post("/api/tokens", &wanted).expect("a token");
        running.stop();
        made["token"].as_str().expect("text").to_owned()
    }

    /// Starts it.
    pub fn begins(&self) -> Life<'_> {
        let log = File::create(self.path("log")).expect("a log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_standclear"));
        command.arg("run").current_dir(self.folder.path()).stdin(Stdio::null());
        command.stdout(log.try_clone().expect("a log")).stderr(log);
        let began = clock::monotonic();
        let child = command.spawn().expect("it starts");
        let config = Agent::config_builder().timeout_global(Some(ANSWERS_WITHIN)).build();
        Life { plant: self, child, began, agent: Agent::new_with_config(config) }
    }
}

impl Life<'_> {
    /// Waits until this model decides on pictures and each zone is watched: how long after the start.
    #[track_caller]
    pub fn guarded_by(&self, slot: Slot, state: &str) -> Duration {
        let until = clock::monotonic().after(SOON);
        loop {
            let now = self.get("/api/state").unwrap_or_default();
            let (camera, zones) = (&now["cameras"][0], now["zones"].as_array());
            let is_watched = |zone: &Value| zone["state"] == "clear" || zone["state"] == "occupied";
            let all = zones.is_some_and(|zones| !zones.is_empty() && zones.iter().all(is_watched));
            if all && camera["state"] == "watched" && camera["frame_age_ms"].is_u64() {
                let after = clock::monotonic().since(self.began);
                let active = self.models()["active"]["slot"].clone();
                assert_eq!(active, slot.to_string(), "{state}: {}", self.output());
                return after;
            }
            let late = clock::monotonic() > until;
            assert!(!late, "{state}: nobody guards: {now:#}\n{}", self.output());
            thread::park_timeout(LOOK_EVERY);
        }
    }

    /// Lives that the trial has left, where there is one.
    pub fn lives_left(&self) -> Option<u64> {
        self.models()["trial"]["attempts_left"].as_u64()
    }

    fn models(&self) -> Value {
        self.get("/api/models").expect("it answers")
    }

    /// Waits until so many processes run beside the guard.
    #[track_caller]
    pub fn has_processes(&self, wanted: usize) {
        self.wait("processes", || (below(self.child.id()).len() == wanted).then_some(()));
    }

    /// Eva looks at the evidence and approves what she saw; it is being loaded when this returns.
    #[track_caller]
    pub fn is_approved(&self, name: &str) {
        let digest = self.plant.digest.to_string();
        self.wait("an approval", || {
            // Each question of somebody who signs in is one of the few that are answered.
            let shadow = self.get("/api/models/shadow")?;
            let evidence = self.get("/api/models/evidence")?;
            let is_enough = evidence["judgement"] == "may_be_approved";
            let seen = evidence["digest"].as_str().filter(|_| is_enough)?;
            (shadow["state"] == "watching").then_some(())?;
            let model = ["model", "promote", &digest, "--evidence", seen, "--confirm", name];
            let (at, who) = (self.address()?, ["--user", EVA, "--password-file", "password"]);
            let (is_well, said) = self.plant.says(&[&model[..], &["--url", &at], &who].concat());
            let may_come = said.contains("not_enough") || said.contains("evidence_changed");
            assert!(is_well || may_come, "{said}");
            is_well.then_some(())
        });
    }

    #[track_caller]
    fn wait<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let until = clock::monotonic().after(SOON);
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(clock::monotonic() < until, "{what}: not within {SOON:?}\n{}", self.output());
            thread::park_timeout(LOOK_EVERY);
        }
    }

    /// `None` when it does not answer (yet).
    fn get(&self, path: &str) -> Option<Value> {
        let url = format!("{}{path}", self.address()?);
        let bearer = format!("Bearer {}", self.plant.token);
        let mut answer = self.agent.get(&url).header("authorization", bearer).call().ok()?;
        serde_json::from_slice(&answer.body_mut().read_to_vec().ok()?).ok()
    }

    /// Where it listens, once it has said so.
    fn address(&self) -> Option<String> {
        let said = self.output();
        let line = said[said.find("http://127.0.0.1:")?..].split_once(char::is_whitespace)?.0;
        Some(line.trim_end_matches('/').to_owned())
    }

    fn output(&self) -> String {
        fs::read_to_string(self.plant.path("log")).unwrap_or_default()
    }

    /// As `kill -9` does it, to the guard alone; the others have to find out by themselves.
    pub fn dies(mut self) -> Orphans {
        let ids = below(self.child.id());
        assert!(!ids.is_empty(), "no vision process:\n{}", self.output());
        let since = clock::monotonic();
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
        Orphans::of(ids, since)
    }
}

impl Drop for Life<'_> {
    fn drop(&mut self) {
        // Ended already, after a test that passed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Orphans {
    fn of(ids: Vec<u32>, since: Instant) -> Orphans {
        let look = move || loop {
            let left: Vec<u32> = ids.iter().copied().filter(|id| runs(*id)).collect();
            let after = clock::monotonic().since(since);
            if left.is_empty() {
                return Ok(after);
            }
            if after > ORPHANS_MAX {
                return Err(format!("{left:?} run on without a guard"));
            }
            thread::park_timeout(LOOK_EVERY);
        };
        Orphans(thread::spawn(look))
    }

    /// How long after the kill they were gone.
    #[track_caller]
    pub fn gone_after(self) -> Duration {
        self.0.join().expect("no panic").expect("nobody is left behind")
    }
}

/// The processes that this one started and those started, in any depth.
fn below(root: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("Linux");
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let all: Vec<(u32, u32)> =
        ids.filter_map(|id| Some((id, stat(id)?.get(1)?.parse().ok()?))).collect();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(all.iter().filter(|(_, of)| *of == parent).map(|(id, _)| *id));
        next += 1;
    }
    found.split_off(1)
}

/// What ended and nobody has asked for runs no more.
fn runs(id: u32) -> bool {
    stat(id).is_some_and(|fields| fields.first().is_some_and(|state| state != "Z"))
}

/// Fields of /proc/PID/stat behind the name: state, parent, …; `None` when it is gone.
fn stat(id: u32) -> Option<Vec<String>> {
    let line = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    Some(line.rsplit(')').next()?.split_whitespace().map(str::to_owned).collect())
}

fn config() -> String {
    let models = support::root().join("models");
    format!(
        "[site]\nname = \"Yard\"\ntime_zone = \"UTC\"\n[store]\npath = \"data\"\n\
         [web]\nlisten = \"127.0.0.1:0\"\n[walk_test]\nrequired = false\n\
         [siren]\ndevice = \"none\"\n[model]\nfolder = {models:?}\ninput_long_side = 320\n\
         [models]\nlatency_budget_ms = 2000\nmiss_max_percent = 20\n\
         [[camera]]\nid = \"yard\"\nname = \"Yard\"\nzones = \"yard.json\"\nfps = 5.0\n\
         source = {{ file = \"walk.mp4\", loop = true }}\n"
    )
}
