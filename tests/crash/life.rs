//! One life of the box: this test program as a guard, and its end.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use standclear::clock;
use standclear::config::Config;
use standclear::engine::{AlarmSource, AlarmState};
use standclear::guard::app::{Guard, Parts};
use tempfile::TempDir;

use crate::site::{SirenNotes, fake_worker};
use crate::worker::Scene;

/// Where a box may be killed: before and after everything that makes something last.
pub const POINTS: &[&str] = &[
    "alarm_path::sounded",
    "keeper::taken",
    "store::write::before_commit",
    "store::write::committed",
    "store::restore::before_commit",
    "notify::sent",
    "outbox::before_commit",
    "outbox::committed",
];

const FOLDER: &str = "STANDCLEAR_CRASH_FOLDER";
const POINT: &str = "STANDCLEAR_CRASH_POINT";
const QUIET: &str = "STANDCLEAR_CRASH_QUIET";

/// Somebody is in sight so long, and then nobody: an incident begins and ends.
const IN_SIGHT: Duration = Duration::from_millis(350);
const OUT_OF_SIGHT: Duration = Duration::from_millis(550);

/// A point that is not passed often enough by then is not waited for.
const POINT_MAX: Duration = Duration::from_secs(6);

/// A box whose test has gone ends by itself.
const LIFE_MAX: Duration = Duration::from_secs(60);

const DRAINED_MAX: Duration = Duration::from_secs(60);

/// A folder with everything a box needs, whose messages go to `url`.
pub fn folder(url: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).expect("written");
    };
    // The person of the fake vision process stands close to its edge, so that whoever is gone has left.
    write(
        "yard.json",
        r#"{"type":"FeatureCollection","features":[{"type":"Feature",
            "properties":{"id":"bay","name":"Bay","kind":"restricted","clear_after_ms":200},
            "geometry":{"type":"Polygon",
              "coordinates":[[[0.1,0.5],[0.9,0.5],[0.9,0.8],[0.1,0.8],[0.1,0.5]]]}}]}"#,
    );
    write("secret", "a secret of the crash test\n");
    write("scene", &Scene::Empty.name());
    write(
        "standclear.toml",
        &format!(
            r#"
            site = {{ name = "Test", time_zone = "UTC" }}
            web.listen = "127.0.0.1:0"
            [[camera]]
            id = "yard"
            name = "Yard"
            source = {{ test = "ball" }}
            zones = "yard.json"
            [[notify.webhook]]
            name = "hook"
            url = "{url}"
            secret_file = "secret"
            "#
        ),
    );
    folder
}

/// A box that was started, and what it says.
pub struct Life {
    child: Child,
    folder: PathBuf,
    lines: Receiver<String>,
    restored: Option<Vec<(u64, String)>>,
    answered: Vec<(u64, u64)>,
    /// Whether it kills itself.
    waits: Waits,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Waits {
    ForThePoint,
    ForUs,
}

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    AtThePoint,
    Killed,
}

impl Life {
    /// Starts it; it kills itself at the point, the so-many-th time it passes it.
    pub fn begin(folder: &Path, point: Option<(&str, u64)>) -> Life {
        let mut command = command(folder);
        let waits = match point {
            Some((point, times)) => {
                command.env(POINT, format!("{point}={times}"));
                Waits::ForThePoint
            }
            None => Waits::ForUs,
        };
        Life::spawn(folder, command, waits)
    }

    fn spawn(folder: &Path, mut command: Command, waits: Waits) -> Life {
        let mut child = command.spawn().expect("spawned");
        let said = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = mpsc::sync_channel(4_096);
        thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Life {
            child,
            folder: folder.to_owned(),
            lines,
            restored: None,
            answered: Vec::new(),
            waits,
        }
    }

    /// The alarms with which it began, once it has said so; `None` when it ended before.
    pub fn restored(&mut self) -> Option<Vec<(u64, String)>> {
        while self.restored.is_none() {
            match self.lines.recv_timeout(LIFE_MAX) {
                Ok(line) => self.take(&line),
                Err(_) => return None,
            }
        }
        self.restored.clone()
    }

    /// Kills it after the pause, unless it does so itself at its point.
    pub fn end(&mut self, pause: Duration) -> Ended {
        let span = match self.waits {
            Waits::ForThePoint => POINT_MAX,
            Waits::ForUs => pause,
        };
        let until = clock::monotonic().after(span);
        let mut ended = Ended::Killed;
        while ended == Ended::Killed && clock::monotonic() < until {
            if self.child.try_wait().expect("asked").is_some() {
                let said = fs::read_to_string(self.folder.join("stderr")).unwrap_or_default();
                assert!(self.waits == Waits::ForThePoint, "it ended by itself: {said}");
                ended = Ended::AtThePoint;
            }
            thread::park_timeout(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        self.child.wait().expect("ended");
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(5)) {
            self.take(&line);
        }
        ended
    }

    /// Alarm and version of each answer that the box said it had kept.
    pub fn answered(&self) -> &[(u64, u64)] {
        &self.answered
    }

    fn take(&mut self, line: &str) {
        if let Some(list) = line.strip_prefix("restored ") {
            let alarm = |text: &str| {
                let (id, state) = text.split_once(':').expect("id:state");
                (id.parse().expect("a number"), state.to_owned())
            };
            self.restored = Some(list.split_whitespace().map(alarm).collect());
        }
        if let Some(answer) = line.strip_prefix("answered ") {
            let (alarm, version) = answer.split_once(' ').expect("alarm and version");
            let number = |text: &str| text.parse().expect("a number");
            self.answered.push((number(alarm), number(version)));
        }
    }
}

/// Runs a box in which nobody walks any more, until `done`.
pub fn live_on(folder: &Path, mut done: impl FnMut() -> bool) {
    let mut quiet = command(folder);
    quiet.env(QUIET, "1");
    let mut life = Life::spawn(folder, quiet, Waits::ForUs);
    let until = clock::monotonic().after(DRAINED_MAX);
    while !done() {
        assert!(clock::monotonic() < until, "messages wait still");
        thread::park_timeout(Duration::from_millis(50));
    }
    let _ = life.child.kill();
    life.child.wait().expect("ended");
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command
        .args(["--exact", "box_that_is_killed", "--nocapture"])
        .env(FOLDER, folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(fs::File::create(folder.join("stderr")).expect("a file"));
    command
}

/// The box itself, in a process of its own.
pub fn live_if_asked() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    die_at_the_point();
    let config = Config::load(&folder.join("standclear.toml")).expect("a configuration");
    fs::write(folder.join("scene"), Scene::Empty.name()).expect("written");
    let parts =
        Parts { siren: Box::new(SirenNotes::default()), worker_command: fake_worker(&folder) };
    let guard = Guard::start(&config, parts).expect("a guard");
    say(&restored(&guard));
    let until = clock::monotonic().after(LIFE_MAX);
    let walks = env::var_os(QUIET).is_none();
    while clock::monotonic() < until {
        if walks {
            shows(&folder, Scene::Person);
            pause(IN_SIGHT);
            answer(&guard);
        }
        shows(&folder, Scene::Empty);
        pause(OUT_OF_SIGHT);
    }
    std::process::exit(1);
}

fn die_at_the_point() {
    let Ok(text) = env::var(POINT) else { return };
    let (point, times) = text.split_once('=').expect("point=times");
    let (left, times) = (AtomicU64::new(0), times.parse::<u64>().expect("a number"));
    fail::cfg_callback(point, move || {
        if left.fetch_add(1, Ordering::SeqCst) + 1 == times {
            let _ = kill_process(getpid(), Signal::KILL);
        }
    })
    .expect("a point");
}

fn shows(folder: &Path, scene: Scene) {
    fs::write(folder.join("scene"), scene.name()).expect("written");
}

fn pause(span: Duration) {
    thread::park_timeout(span);
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "\n{line}");
    let _ = out.flush();
}

fn restored(guard: &Guard) -> String {
    let now = guard.handle().snapshots().borrow().clone();
    let mut alarms: Vec<(u64, AlarmState)> = now
        .alarms
        .iter()
        .filter(|alarm| matches!(alarm.source, AlarmSource::Intrusion(_)))
        .map(|alarm| (alarm.id.0, alarm.state))
        .collect();
    alarms.sort_by_key(|(id, _)| *id);
    let name = |state: AlarmState| match state {
        AlarmState::Unacknowledged => "unacknowledged",
        AlarmState::Acknowledged => "acknowledged",
        AlarmState::ReturnedUnacknowledged => "returned_unacknowledged",
        _ => "other",
    };
    let words: Vec<String> =
        alarms.iter().map(|(id, state)| format!("{id}:{}", name(*state))).collect();
    format!("restored {}", words.join(" "))
}

/// Somebody answers whatever is open, and says so when the box has said that it is kept.
fn answer(guard: &Guard) {
    let handle = guard.handle();
    let now = handle.snapshots().borrow().clone();
    for alarm in now.alarms.iter().filter(|alarm| alarm.version % 3 != 0) {
        if handle.acknowledge(alarm.id, Some(alarm.version), "Eva").is_ok() {
            say(&format!("answered {} {}", alarm.id.0, alarm.version));
        }
    }
}
