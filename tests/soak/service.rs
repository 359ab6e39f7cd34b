//! The real program as a service of its own, with network cameras, and what its API says.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use standclear::clock;
use ureq::Agent;

use crate::support;
use crate::{FPS, process};

/// Longest wait for the program to say its address, and to watch: four pipelines beside other tests.
const STARTS_WITHIN: Duration = Duration::from_secs(90);

/// Longest wait for an answer of the API.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);

/// Longest wait for its end.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What plays the siren.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    /// A sound card that nobody hears (`tests/siren/record`).
    Recorded,
    /// There is none here, which is a fault of the box, and the only one that is expected.
    None,
}

pub struct Service {
    child: Child,
    log: PathBuf,
    agent: Agent,
    address: String,
    cookie: String,
    csrf: String,
    pub sound: Sound,
}

impl Service {
    /// Starts it with a camera for each source, as the configuration writes them.
    pub fn start(folder: &Path, cameras: &[String]) -> Service {
        let record = support::root().join("tests/siren/record");
        let can = Command::new(&record).arg("true").stderr(Stdio::null()).status();
        let sound = match can.is_ok_and(|status| status.success()) {
            true => Sound::Recorded,
            false => Sound::None,
        };
        let config = write_config(folder, cameras, sound);
        let log = folder.join("log");
        let mut command = match sound {
            Sound::Recorded => Command::new(record),
            Sound::None => Command::new("env"),
        };
        let child = command
            .arg(program())
            .args(["run", "--config"])
            .arg(config)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(File::create(&log).expect("a log"))
            .stderr(File::options().append(true).open(&log).expect("a log"))
            .spawn()
            .expect("it starts");
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWERS_WITHIN))
            .build();
        let (cookie, csrf, address) = (String::new(), String::new(), String::new());
        let agent = Agent::new_with_config(agent);
        let mut service = Service { child, log, agent, address, cookie, csrf, sound };
        service.address = service.said("http://127.0.0.1:");
        let code = service.said("Set-up code:");
        service.come_in(&code);
        service
    }

    /// The word that begins with `mark` or follows it, once the program has said it.
    fn said(&mut self, mark: &str) -> String {
        let until = clock::monotonic().after(STARTS_WITHIN);
        loop {
            let text = self.output();
            if let Some(at) = text.find(mark) {
                let from = if mark.starts_with("http") { at } else { at + mark.len() };
                let word = text[from..].split_whitespace().next();
                return word.unwrap_or_default().trim_end_matches('/').to_owned();
            }
            let ended = self.child.try_wait().expect("a child");
            assert!(ended.is_none(), "it ended with {ended:?}:\n{text}");
            assert!(clock::monotonic() < until, "it does not say {mark}:\n{text}");
            thread::park_timeout(LOOK_EVERY);
        }
    }

    /// What it has printed.
    pub fn output(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn come_in(&mut self, code: &str) {
        let body =
            format!(r#"{{"code":"{code}","name":"Soak","password":"correct horse battery"}}"#);
        let url = format!("{}/api/setup", self.address);
        let answer = self.agent.post(&url).content_type("application/json").send(body.as_bytes());
        let mut answer = answer.expect("an answer");
        let cookie = answer.headers().get("set-cookie").and_then(|it| it.to_str().ok());
        self.cookie = cookie.and_then(|it| it.split(';').next()).expect("a session").to_owned();
        let body = answer.body_mut().read_to_vec().expect("a body");
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        self.csrf = body["csrf"].as_str().expect("a token").to_owned();
    }

    /// `None` when the API does not answer, or refuses.
    pub fn get(&self, path: &str) -> Option<Value> {
        let url = format!("{}{path}", self.address);
        let mut answer = self.agent.get(&url).header("cookie", &self.cookie).call().ok()?;
        let body = answer.body_mut().read_to_vec().ok()?;
        (answer.status() == 200).then(|| serde_json::from_slice(&body).ok())?
    }

    pub fn acknowledge(&self, alarm: u64) {
        let url = format!("{}/api/alarms/{alarm}/acknowledge", self.address);
        // Refused or unanswered: it is found open again and asked again.
        let _ = self
            .agent
            .post(&url)
            .header("cookie", &self.cookie)
            .header("x-standclear-csrf", &self.csrf)
            .content_type("application/json")
            .send("{}".as_bytes());
    }

    /// Until every camera is watched.
    pub fn wait_watched(&self) {
        let until = clock::monotonic().after(STARTS_WITHIN);
        loop {
            let state = self.get("/api/state").unwrap_or(Value::Null);
            let cameras = state["cameras"].as_array().map_or(&[][..], Vec::as_slice);
            if !cameras.is_empty() && cameras.iter().all(|camera| camera["state"] == "watched") {
                return;
            }
            assert!(clock::monotonic() < until, "not all are watched: {state}\n{}", self.output());
            thread::park_timeout(LOOK_EVERY);
        }
    }

    /// The guard and the vision process.
    pub fn processes(&self) -> Option<(u32, u32)> {
        let root = self.child.id();
        Some((process::started_as("run", root)?, process::started_as("vision", root)?))
    }

    /// Ends it as an operator does, and by force when it does not end.
    fn stop(&mut self) {
        let guard = process::started_as("run", self.child.id());
        if let Some(guard) = guard.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) {
            // It may have ended.
            let _ = kill_process(guard, Signal::TERM);
        }
        let until = clock::monotonic().after(ENDS_WITHIN);
        while matches!(self.child.try_wait(), Ok(None)) {
            if clock::monotonic() > until {
                let _ = self.child.kill();
            }
            thread::park_timeout(LOOK_EVERY);
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What is measured: `STANDCLEAR` (the release build, in `scripts/soak`), or the build under test.
fn program() -> PathBuf {
    let named = std::env::var_os("STANDCLEAR").map(PathBuf::from);
    named.unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_standclear")))
}

fn write_config(folder: &Path, cameras: &[String], sound: Sound) -> PathBuf {
    let models = support::root().join("models");
    let device = match sound {
        Sound::Recorded => "default",
        Sound::None => "none",
    };
    let mut text = format!(
        "[site]\nname = \"Soak\"\ntime_zone = \"UTC\"\n[model]\nfolder = {models:?}\n\
         [store]\npath = \"data\"\n[web]\nlisten = \"127.0.0.1:0\"\n\
         [walk_test]\nrequired = false\n[siren]\ndevice = \"{device}\"\n"
    );
    let zones = fs::read_to_string(support::root().join("zones/yard-east.json")).expect("zones");
    for (number, source) in cameras.iter().enumerate() {
        let file = format!("yard-{number}.json");
        let named = zones.replace("excavation", &format!("excavation-{number}"));
        let named = named.replace("gate-road", &format!("gate-road-{number}"));
        fs::write(folder.join(&file), named).expect("a zone file");
        text += &format!(
            "[[camera]]\nid = \"yard-{number}\"\nname = \"Yard {number}\"\n\
             source = {source}\nzones = {file:?}\nfps = {FPS}\n"
        );
    }
    let file = folder.join("standclear.toml");
    fs::write(&file, text).expect("a configuration");
    file
}
