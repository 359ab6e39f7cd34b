//! A site in a temporary folder, a siren that takes notes, and waiting for what must come.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use standclear::clock;
use standclear::config::Config;
use standclear::engine::time::Instant;
use standclear::engine::{AlarmSource, AlarmState, SirenPattern};
use standclear::guard::app::{Guard, Parts};
use standclear::guard::handle::{Alarm, Snapshot};
use standclear::guard::siren::{OutputState, SirenOutput, Sound};

use crate::worker::{FOLDER, Scene};

/// Longest wait for anything that must come.
pub const WAIT_MAX: Duration = Duration::from_secs(20);

/// A folder with configuration, zone file, store and what the fake vision process sees.
pub struct TestSite {
    pub folder: tempfile::TempDir,
    pub siren: SirenNotes,
}

impl TestSite {
    /// One camera, one zone over the whole picture, nobody in sight.
    pub fn new() -> TestSite {
        let site = TestSite {
            folder: tempfile::tempdir().expect("a temporary folder"),
            siren: SirenNotes::default(),
        };
        site.zone("bay");
        site.shows(Scene::Empty);
        site
    }

    /// Writes a zone file with one zone of this id.
    pub fn zone(&self, id: &str) {
        let zones = format!(
            r#"{{"type":"FeatureCollection","features":[{{"type":"Feature",
            "properties":{{"id":"{id}","name":"Bay","kind":"restricted"}},
            "geometry":{{"type":"Polygon",
            "coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}}}}]}}"#
        );
        fs::write(self.path("yard.json"), zones).expect("a zone file");
    }

    /// What the camera shows from now on.
    pub fn shows(&self, scene: Scene) {
        fs::write(self.path("scene"), scene.name()).expect("a scene");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn config(&self) -> Config {
        self.config_on("127.0.0.1:0")
    }

    pub fn config_on(&self, listen: &str) -> Config {
        let text = format!(
            r#"
            site = {{ name = "Test", time_zone = "UTC" }}
            web.listen = "{listen}"
            [[camera]]
            id = "yard"
            name = "Yard"
            source = {{ test = "ball" }}
            zones = "yard.json"
            "#
        );
        Config::parse(&self.path("standclear.toml"), &text).expect("valid")
    }

    /// A guard with the fake vision process.
    pub fn start(&self) -> Guard {
        self.start_with(fake_worker(self.folder.path()))
    }

    /// A guard with any other vision process.
    pub fn start_with(&self, worker_command: Vec<OsString>) -> Guard {
        let siren = Box::new(self.siren.clone());
        let parts = Parts { siren, worker_command };
        Guard::start(&self.config(), parts).unwrap_or_else(|error| panic!("{error:?}"))
    }

    /// A guard with the fake vision process and these keys besides.
    pub fn start_saying(&self, keys: &str) -> Guard {
        let text = format!(
            r#"
            {keys}
            site = {{ name = "Test", time_zone = "UTC" }}
            web.listen = "127.0.0.1:0"
            [[camera]]
            id = "yard"
            name = "Yard"
            source = {{ test = "ball" }}
            zones = "yard.json"
            "#
        );
        let config = Config::parse(&self.path("standclear.toml"), &text).expect("valid");
        let worker_command = fake_worker(self.folder.path());
        let parts = Parts { siren: Box::new(self.siren.clone()), worker_command };
        Guard::start(&config, parts).unwrap_or_else(|error| panic!("{error:?}"))
    }

    /// The process id of the vision process of the moment.
    pub fn worker(&self) -> Pid {
        let text = fs::read_to_string(self.path("pid")).expect("a process id");
        Pid::from_raw(text.trim().parse().expect("a number")).expect("not 0")
    }

    pub fn signal_worker(&self, signal: Signal) {
        kill_process(self.worker(), signal).expect("it lives");
    }
}

/// This program as a vision process.
pub fn fake_worker(folder: &Path) -> Vec<OsString> {
    let mut variable = OsString::from(format!("{FOLDER}="));
    variable.push(folder);
    let program = env::current_exe().expect("this program");
    vec![
        "env".into(),
        variable,
        program.into(),
        "--exact".into(),
        "fake_vision_process".into(),
        "--nocapture".into(),
    ]
}

/// A siren that notes each change, and is broken on demand.
#[derive(Clone, Default)]
pub struct SirenNotes {
    heard: Arc<Mutex<Vec<(SirenPattern, Instant)>>>,
    /// The same with tests and all-clears.
    sounds: Arc<Mutex<Vec<(Sound, Instant)>>>,
    pub broken: Arc<Mutex<Option<String>>>,
    /// Whether nothing of what it is told leaves it.
    pub unheard: Arc<Mutex<bool>>,
}

impl SirenOutput for SirenNotes {
    fn sound(&mut self, sound: Sound) {
        let mut sounds = self.sounds.lock().expect("not poisoned");
        if sounds.last().map(|(last, _)| *last) != Some(sound) {
            sounds.push((sound, clock::monotonic()));
        }
        drop(sounds);
        let pattern = sound.pattern();
        let mut heard = self.heard.lock().expect("not poisoned");
        if heard.last().map(|(last, _)| *last) != Some(pattern) {
            heard.push((pattern, clock::monotonic()));
        }
    }

    fn state(&mut self, _now: Instant) -> OutputState {
        let device = "notes".to_owned();
        match self.broken.lock().expect("not poisoned").clone() {
            Some(reason) => OutputState::Broken { device, reason },
            None => OutputState::Working { device },
        }
    }

    fn played(&mut self, now: Instant) -> Option<Duration> {
        if *self.unheard.lock().expect("not poisoned") {
            return Some(Duration::ZERO);
        }
        let sounds = self.sounds.lock().expect("not poisoned");
        sounds.last().map(|(_, at)| now.since(*at))
    }
}

impl SirenNotes {
    /// Whoever sounds it hangs while this is kept.
    pub fn hang(&self) -> MutexGuard<'_, Vec<(SirenPattern, Instant)>> {
        self.heard.lock().expect("not poisoned")
    }

    /// How often this sound began.
    pub fn count(&self, sound: Sound) -> usize {
        let sounds = self.sounds.lock().expect("not poisoned");
        sounds.iter().filter(|(began, _)| *began == sound).count()
    }

    /// What sounds now.
    pub fn now(&self) -> SirenPattern {
        let heard = self.heard.lock().expect("not poisoned");
        heard.last().map_or(SirenPattern::Silent, |(pattern, _)| *pattern)
    }

    /// When this pattern began for the first time since `from`.
    pub fn since(&self, from: Instant, pattern: SirenPattern) -> Instant {
        let found = wait_for(&format!("{pattern:?}"), || {
            let heard = self.heard.lock().expect("not poisoned");
            let later = |(heard, at): &&(SirenPattern, Instant)| *heard == pattern && *at >= from;
            heard.iter().find(later).map(|(_, at)| *at)
        });
        println!("{pattern:?} after {:?}", found.since(from));
        found
    }
}

/// Waits until there is an answer.
#[track_caller]
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = clock::monotonic().after(WAIT_MAX);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(clock::monotonic() < until, "{what} did not come within {WAIT_MAX:?}");
        thread::park_timeout(Duration::from_millis(5));
    }
}

/// Waits until the newest snapshot is as wanted, and returns it.
#[track_caller]
pub fn wait_until(guard: &Guard, what: &str, wanted: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
    let snapshots = guard.handle().snapshots();
    wait_for(what, || {
        let snapshot = snapshots.borrow().clone();
        wanted(&snapshot).then_some(snapshot)
    })
}

/// Waits until every camera is watched.
#[track_caller]
pub fn wait_watched(guard: &Guard) -> Arc<Snapshot> {
    wait_until(guard, "sight", |now| now.cameras.iter().all(|c| c.unknown.is_none()))
}

/// Waits for an alarm of this kind in this state.
#[track_caller]
pub fn wait_alarm(guard: &Guard, kind: fn(AlarmSource) -> bool, state: AlarmState) -> Alarm {
    let is_it = |alarm: &&Alarm| kind(alarm.source) && alarm.state == state;
    let now = wait_until(guard, "the alarm", |now| now.alarms.iter().any(|a| is_it(&a)));
    now.alarms.iter().find(is_it).expect("just seen").clone()
}

pub fn intrusion(source: AlarmSource) -> bool {
    matches!(source, AlarmSource::Intrusion(_))
}

pub fn blind(source: AlarmSource) -> bool {
    matches!(source, AlarmSource::Blind(_))
}

pub fn fault(source: AlarmSource) -> bool {
    matches!(source, AlarmSource::Fault(_))
}
