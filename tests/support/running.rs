//! The real program as a service of its own: started in a folder, its first admin signed in (also when it
//! is started there once more), and what its API says.
//!
//! Not here: its configuration, and what wraps it (a sound card, a priority).

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use standclear::clock;
use ureq::Agent;

/// Longest wait for the program to say its address, and to watch: four pipelines beside other tests.
pub const STARTS_WITHIN: Duration = Duration::from_secs(90);

/// Longest wait for an answer of the API.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);

/// Longest wait for its end.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Of its first admin.
pub const PASSWORD: &str = "correct horse battery";

/// Ended, as an operator does it, when this is dropped.
pub struct Running {
    child: Child,
    log: PathBuf,
    agent: Agent,
    address: String,
    cookie: String,
    csrf: String,
    /// The guard among the processes below the one that was started; itself when it wraps nothing.
    guard: fn(u32) -> Option<u32>,
}

/// One answer of the API.
struct Answer {
    status: u16,
    cookie: Option<String>,
    body: Vec<u8>,
}

impl Running {
    /// Starts `wrapper`, which starts the program with this configuration. `name` is its first admin, who
    /// signs in when the box knows them.
    pub fn start(
        mut wrapper: Command,
        config: &Path,
        name: &str,
        guard: fn(u32) -> Option<u32>,
    ) -> Running {
        let folder = config.parent().expect("a file in a folder");
        let (log, knows) = (folder.join("log"), folder.join("knows"));
        let child = wrapper
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
        let agent = Agent::new_with_config(agent);
        let (cookie, csrf, address) = (String::new(), String::new(), String::new());
        let mut running = Running { child, log, agent, address, cookie, csrf, guard };
        running.address = running.said("http://127.0.0.1:");
        if knows.exists() {
            running.come_in("/api/session", &json!({ "name": name, "password": PASSWORD }));
        } else {
            let code = running.said("Set-up code:");
            let person = json!({ "code": code, "name": name, "password": PASSWORD });
            running.come_in("/api/setup", &person);
            fs::write(knows, name).expect("a note");
        }
        running
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

    fn come_in(&mut self, door: &str, who: &Value) {
        let answer = self.call("POST", door, &who.to_string()).expect("an answer");
        let said = String::from_utf8_lossy(&answer.body);
        assert!(answer.status < 300, "{door}: {} {said}", answer.status);
        let cookie = answer.cookie.expect("a session");
        self.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
        self.csrf = body["csrf"].as_str().expect("a token").to_owned();
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// The process that was started.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The picture of now; `None` when the API does not answer.
    pub fn state(&self) -> Option<Value> {
        self.get("/api/state")
    }

    /// `None` when the API does not answer, or refuses.
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
    #[track_caller]
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

    /// Ends it as an operator does, and by force when it does not end.
    pub fn stop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let guard = (self.guard)(self.child.id());
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

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What is measured: `STANDCLEAR` (the release build, where a script measures), or the build under test.
fn program() -> PathBuf {
    let named = std::env::var_os("STANDCLEAR").map(PathBuf::from);
    named.unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_standclear")))
}
