//! The real program with a looping camera, its own keys and a sound card that nobody hears; asked from the
//! command line and over its API, as people do.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use standclear::clock;

use crate::process;
use crate::running::{PASSWORD, Running, STARTS_WITHIN};
use crate::support;

/// Its first admin.
pub const EVA: &str = "Eva";

/// Longest wait for anything that must come, but incidents.
pub const SOON: Duration = Duration::from_secs(60);

/// From the camera's picture to the siren, whatever becomes of models meanwhile. R2 asks for a second where
/// nothing else runs on the machine.
const SIREN_MAX_MS: u64 = 2000;

/// How often somebody looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What the camera sees again and again, and how it is looked at.
pub struct Scene {
    /// Of the walkway footage.
    pub pictures: Range<u64>,
    pub zones: &'static str,
    /// What `[model]` says besides.
    pub model: &'static str,
}

/// A folder with everything in it, and the program that runs there.
pub struct Service {
    folder: tempfile::TempDir,
    running: Option<Running>,
    /// Alarms that sounded in time, of this box's earlier lives.
    heard_before: u64,
}

impl Service {
    /// Keys, a keyring in force, and the program; it watches when this returns.
    pub fn start(scene: Scene) -> Service {
        let folder = tempfile::tempdir().expect("a folder");
        support::part_of_footage(folder.path(), "yard.mp4", scene.pictures);
        fs::write(folder.path().join("yard.json"), scene.zones).expect("written");
        fs::write(folder.path().join("standclear.toml"), config(scene.model)).expect("written");
        let mut service = Service { folder, running: None, heard_before: 0 };
        service.makes_keys();
        service.begins();
        service.has_token();
        service
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("it runs")
    }

    /// Starts it, and waits until its camera is watched.
    pub fn begins(&mut self) {
        let record = support::root().join("tests/siren/record");
        let can = Command::new(&record).arg("true").stderr(Stdio::null()).status();
        let wrapper = match can.is_ok_and(|status| status.success()) {
            true => Command::new(record),
            false => Command::new("env"),
        };
        let guard = |root| process::started_as("run", root);
        let running = Running::start(wrapper, &self.path("standclear.toml"), EVA, guard);
        running
            .wait("it watches", STARTS_WITHIN, |state| state["cameras"][0]["state"] == "watched");
        self.running = Some(running);
    }

    /// Ends it as an operator does. Whoever came in this life was heard in time.
    pub fn ends(&mut self) {
        self.heard_before = self.heard();
        if let Some(mut running) = self.running.take() {
            running.stop();
        }
    }

    /// Each incident so far sounded the siren in time; how many that were.
    #[track_caller]
    pub fn heard(&self) -> u64 {
        let state = self.state();
        let worst = state["latency"]["capture_to_siren_max_ms"].as_u64().unwrap_or(0);
        assert!(worst <= SIREN_MAX_MS, "{worst} ms from the camera to the siren: {state:#}");
        let incidents = self.get("/api/incidents?limit=500");
        for incident in incidents["incidents"].as_array().expect("a list") {
            // Null: another one had it sounding, or there is no card.
            let after = incident["siren_after_ms"].as_u64().unwrap_or(0);
            assert!(after <= SIREN_MAX_MS, "{incident:#}");
        }
        let alarms = state["latency"]["alarms"].as_u64().expect("a number");
        println!("{alarms} alarms in this life, the siren {worst} ms after the picture at most");
        self.heard_before + alarms
    }

    #[track_caller]
    pub fn state(&self) -> Value {
        self.get("/api/state")
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        self.asked(path).unwrap_or_else(|| panic!("{path}\n{}", self.running().output()))
    }

    /// `None` when the box refuses, or does not answer.
    pub fn asked(&self, path: &str) -> Option<Value> {
        self.running().get(path)
    }

    pub fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        self.running().bytes(path)
    }

    /// What the program says on the command line, and how it ended.
    pub fn says(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_standclear"));
        let output = command.args(arguments).current_dir(self.folder.path()).output().expect("ran");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    #[track_caller]
    pub fn well(&self, arguments: &[&str]) -> String {
        let (code, said) = self.says(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {said}");
        said
    }

    /// `standclear model …` at this box, by its token.
    pub fn asks(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let at = ["--url", self.running().address(), "--token-file", "token"];
        self.says(&[&["model"], arguments, &at].concat())
    }

    #[track_caller]
    pub fn does(&self, arguments: &[&str]) -> String {
        let (code, said) = self.asks(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {said}");
        said
    }

    /// Eva signs in and approves, having seen this evidence.
    pub fn approves(&self, digest: &str, evidence: &str, name: &str) -> (Option<i32>, String) {
        let model = ["model", "promote", digest, "--evidence", evidence, "--confirm", name];
        let who = ["--url", self.running().address(), "--user", EVA, "--password-file", "password"];
        self.says(&[&model[..], &who].concat())
    }

    /// Looks until there is something; whoever stands at the box answers alarms meanwhile.
    #[track_caller]
    pub fn wait<T>(&self, what: &str, within: Duration, mut look: impl FnMut() -> Option<T>) -> T {
        let until = clock::monotonic().after(within);
        loop {
            if let Some(found) = look() {
                return found;
            }
            self.answers_alarms();
            let late = clock::monotonic() > until;
            assert!(!late, "{what}: not within {within:?}\n{}", self.running().output());
            thread::park_timeout(LOOK_EVERY);
        }
    }

    fn answers_alarms(&self) {
        let state = self.running().state().unwrap_or_default();
        for alarm in state["alarms"].as_array().into_iter().flatten() {
            if let Some(id) = alarm["id"].as_u64().filter(|_| alarm["state"] == "unacknowledged") {
                self.running().acknowledge(id);
            }
        }
    }

    /// Labels what waits, as true: in this footage somebody is there whenever either model says so.
    pub fn labels_cases(&self) {
        let queue = self.get("/api/models/queue?limit=100");
        for item in queue["items"].as_array().into_iter().flatten() {
            if item["kind"] == "case" {
                self.labels(&item["id"], "true");
            }
        }
    }

    #[track_caller]
    pub fn labels(&self, case: &Value, label: &str) {
        let path = format!("/api/models/cases/{case}/label");
        let labelled = self.running().post(&path, &json!({ "label": label })).expect("labelled");
        assert_eq!((&labelled["label"], &labelled["labelled_by"]), (&json!(label), &json!(EVA)));
    }

    /// A package of a folder of models, signed; how it is called.
    pub fn packs(&self, folder: &Path, file: &str) {
        let folder = folder.display().to_string();
        self.well(&["model", "pack", &folder, "-o", file]);
        self.well(&["model", "sign", file, "--key", "release.pem"]);
    }

    /// Takes a package in; its digest.
    #[track_caller]
    pub fn installs(&self, file: &str) -> String {
        let said = self.does(&["install", file]);
        let digest = said.trim().rsplit(' ').next().unwrap_or_default().to_owned();
        assert!(said.contains("installed and verified") && digest.len() == 64, "{said}");
        digest
    }

    /// The same from a server on the site's network.
    #[track_caller]
    pub fn fetches(&self, file: &str) -> String {
        let bytes = fs::read(self.path(file)).expect("packed");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/{file}", listener.local_addr().expect("an address"));
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("the box");
            let head = BufReader::new(stream.try_clone().expect("a stream")).lines();
            let lines = head.map_while(Result::ok).take_while(|line| !line.is_empty());
            assert!(lines.count() > 0);
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len());
            stream.write_all(&[head.into_bytes(), bytes].concat()).expect("sent");
        });
        self.installs(&url)
    }

    /// Kinds of what is in the history, the oldest first.
    pub fn history(&self) -> Vec<String> {
        let history = self.get("/api/models/history?limit=200");
        let events = history["events"].as_array().expect("a list").iter().rev();
        events.filter_map(|event| event["kind"].as_str().map(str::to_owned)).collect()
    }

    /// Waits until the history has this kind, and gives the newest of it.
    #[track_caller]
    pub fn told(&self, kind: &str) -> Value {
        self.wait(&format!("{kind} in the history"), SOON, || {
            let history = self.get("/api/models/history?limit=200");
            let events = history["events"].as_array()?.clone();
            events.into_iter().find(|event| event["kind"] == kind)
        })
    }

    /// Waits for an incident that this model file (its sha256) saw, after this one.
    #[track_caller]
    pub fn incident_by(&self, model: &str, after: u64) -> u64 {
        self.wait("an incident", SOON, || {
            let incidents = self.get("/api/incidents?limit=20");
            let newest = incidents["incidents"].as_array()?.first()?.clone();
            let id = newest["id"].as_u64().filter(|id| *id > after)?;
            assert_eq!(newest["model_digest"], model, "{newest:#}");
            Some(id)
        })
    }

    /// The newest incident so far.
    pub fn newest_incident(&self) -> u64 {
        self.get("/api/incidents?limit=1")["incidents"][0]["id"].as_u64().unwrap_or(0)
    }

    fn makes_keys(&self) {
        let after = |said: &str, word: &str| {
            let line = said.lines().find_map(|line| line.strip_prefix(word)).expect("said");
            line.trim().to_owned()
        };
        let root = self.well(&["model", "keys", "new", "root.pem"]);
        let release = self.well(&["model", "keys", "new", "release.pem"]);
        let named = |name: &str, said: &str| format!("{name}={}", after(said, "Public "));
        let (ada, eva) = (named("Ada", &root), named(EVA, &release));
        let ring = ["model", "keys", "ring", "--root", &ada, "--release", &eva];
        self.well(&[&ring[..], &["--sign", "root.pem", "-o", "keys.json"]].concat());
        let id = after(&root, "Key ");
        self.well(&["model", "keys", "trust", "keys.json", "--root", &id]);
    }

    fn has_token(&self) {
        let wanted = json!({ "name": "upgrades", "role": "engineer" });
        let made = self.running().post("/api/tokens", &wanted).expect("a token");
        fs::write(self.path("token"), made["token"].as_str().expect("text")).expect("written");
        fs::write(self.path("password"), PASSWORD).expect("written");
    }
}

fn config(model: &str) -> String {
    let models = support::root().join("models");
    format!(
        "[site]\nname = \"Yard\"\ntime_zone = \"UTC\"\n[store]\npath = \"data\"\n\
         [web]\nlisten = \"127.0.0.1:0\"\n[walk_test]\nrequired = false\n\
         [siren]\ndevice = \"default\"\n[model]\nfolder = {models:?}\n{model}\n\
         [models]\nlatency_budget_ms = 2000\nmiss_max_percent = 20\n\
         [[camera]]\nid = \"yard\"\nname = \"Yard\"\nzones = \"yard.json\"\nfps = 5.0\n\
         source = {{ file = \"yard.mp4\", loop = true }}\n"
    )
}
