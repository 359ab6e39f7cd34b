//! The real program as a service of its own: configuration, zones, store and port in a folder, and
//! what its API says.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use standclear::clock;
use standclear::engine::time::Instant;
use ureq::Agent;

use crate::camera::{Camera, FPS};
use crate::yard;

/// Longest wait for the program to say its address, and to watch.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// Longest wait for an answer of the API.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);

const LOOK_EVERY: Duration = Duration::from_millis(50);

const NAME: &str = "Latency";
const PASSWORD: &str = "correct horse battery";

pub struct Service {
    child: Child,
    log: PathBuf,
    agent: Agent,
    address: String,
    cookie: String,
    csrf: String,
}

/// One answer of the API.
struct Answer {
    status: u16,
    cookie: Option<String>,
    body: Vec<u8>,
}

impl Service {
    /// Starts it with these cameras; `settings` are added to its configuration.
    pub fn start(folder: &Path, store: &Path, cameras: &[Camera], settings: &str) -> Service {
        let config = write_config(folder, store, cameras, settings);
        let log = folder.join("log");
        // At normal priority, whatever the test itself runs at: what the box may have it must ask for.
        let child = Command::new("chrt")
            .args(["--other", "0"])
            .arg(program())
            .args(["run", "--config"])
            .arg(config)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(File::create(&log).expect("a log"))
            .stderr(File::options().append(true).open(&log).expect("a log"))
            .spawn()
            .expect("chrt of util-linux");
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWERS_WITHIN))
            .build();
        let (cookie, csrf) = (String::new(), String::new());
        let agent = Agent::new_with_config(config);
        let address = String::new();
        let mut service = Service { child, log, agent, address, cookie, csrf };
        service.address = service.said("http://127.0.0.1:");
        let code = service.said("Set-up code:");
        service.come_in(&code);
        service
    }

    pub fn address(&self) -> &str {
        &self.address
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
        let body = format!(r#"{{"code":"{code}","name":"{NAME}","password":"{PASSWORD}"}}"#);
        let answer = self.call("POST", "/api/setup", &body).expect("an answer");
        let said = String::from_utf8_lossy(&answer.body);
        assert!(answer.status < 300, "/api/setup: {} {said}", answer.status);
        let cookie = answer.cookie.expect("a session");
        self.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
        self.csrf = body["csrf"].as_str().expect("a token").to_owned();
    }

    /// The picture of now; `None` when the API does not answer.
    pub fn state(&self) -> Option<Value> {
        self.get("/api/state")
    }

    pub fn get(&self, path: &str) -> Option<Value> {
        serde_json::from_slice(&self.bytes(path)?).ok()
    }

    pub fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let answer = self.call("GET", path, "").ok()?;
        (answer.status == 200).then_some(answer.body)
    }

    /// The answer to a question that changes something; `None` when it is refused.
    pub fn post(&self, path: &str, body: &Value) -> Option<Value> {
        let answer = self.call("POST", path, &body.to_string()).ok()?;
        let said = serde_json::from_slice(&answer.body).ok();
        said.filter(|_| answer.status < 300)
    }

    pub fn acknowledge(&self, alarm: u64) {
        let path = format!("/api/alarms/{alarm}/acknowledge");
        // Refused or unanswered: it is found open again and asked again.
        let _ = self.call("POST", &path, "{}");
    }

    fn call(&self, method: &str, path: &str, body: &str) -> Result<Answer, ureq::Error> {
        let url = format!("{}{path}", self.address);
        let mut answer = match method {
            "GET" => self.agent.get(&url).header("cookie", &self.cookie).call()?,
            _ => self
                .agent
                .post(&url)
                .header("cookie", &self.cookie)
                .header("x-standclear-csrf", &self.csrf)
                .content_type("application/json")
                .send(body)?,
        };
        let cookie = answer.headers().get("set-cookie").and_then(|c| c.to_str().ok());
        Ok(Answer {
            status: answer.status().as_u16(),
            cookie: cookie.map(str::to_owned),
            body: answer.body_mut().read_to_vec()?,
        })
    }

    /// Looks until the state is as wanted.
    pub fn wait(&self, what: &str, within: Duration, wanted: impl Fn(&Value) -> bool) {
        let until = clock::monotonic().after(within);
        let mut last = Value::Null;
        while clock::monotonic() < until {
            if let Some(state) = self.state() {
                if wanted(&state) {
                    return;
                }
                last = state;
            }
            thread::park_timeout(LOOK_EVERY);
        }
        panic!("{what}: not within {within:?}; the box says {last}\n{}", self.output());
    }

    /// All cameras are watched and nobody is in sight.
    pub fn wait_calm(&self) {
        self.wait("all zones are watched and clear", STARTS_WITHIN, |state| {
            let zones = state["zones"].as_array().map_or(&[][..], Vec::as_slice);
            !zones.is_empty() && zones.iter().all(|zone| zone["state"] == "clear")
        });
    }

    /// Ends it as an operator does, and by force when it does not end.
    pub fn stop(&mut self) {
        let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) else {
            return;
        };
        // It may have ended.
        let _ = kill_process(pid, Signal::TERM);
        let until = clock::monotonic().after(Duration::from_secs(20));
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

/// What is measured: `STANDCLEAR` (the release build, in `scripts/latency`), or the build under test.
fn program() -> PathBuf {
    let named = std::env::var_os("STANDCLEAR").map(PathBuf::from);
    named.unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_standclear")))
}

pub fn zone_of(camera: usize) -> String {
    format!("yard-{camera}")
}

fn write_config(folder: &Path, store: &Path, cameras: &[Camera], settings: &str) -> PathBuf {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let mut text = format!(
        "[site]\nname = \"Latency\"\ntime_zone = \"UTC\"\n[model]\nfolder = {models:?}\n\
         [store]\npath = {store:?}\n[web]\nlisten = \"127.0.0.1:0\"\n\
         [walk_test]\nrequired = false\n{settings}\n"
    );
    for (number, camera) in cameras.iter().enumerate() {
        let (zone, description) = (zone_of(number), camera.description());
        let zones = format!("{zone}.json");
        let coordinates = yard::zone();
        let document = format!(
            r#"{{"type":"FeatureCollection","features":[{{"type":"Feature","properties":
            {{"id":"{zone}","name":"Yard {number}","kind":"restricted"}},"geometry":
            {{"type":"MultiPolygon","coordinates":{coordinates}}}}}]}}"#
        );
        fs::write(folder.join(&zones), document).expect("a zone file");
        text += &format!(
            "[[camera]]\nid = \"{zone}\"\nname = \"Yard {number}\"\n\
             source = {{ gst = {description:?} }}\nzones = {zones:?}\nfps = {FPS}\n"
        );
    }
    let file = folder.join("standclear.toml");
    fs::write(&file, text).expect("a configuration");
    file
}

/// The instant of a time that the API said, by today's difference of the two clocks.
pub fn instant_of(said: &Value) -> Option<Instant> {
    let then: jiff::Timestamp = said.as_str()?.parse().ok()?;
    let age = clock::wall().duration_since(then);
    Some(clock::monotonic().before(Duration::try_from(age).ok()?))
}
