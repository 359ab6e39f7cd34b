//! The same with a whole guard around it: what people were told holds over a switch, and whatever the
//! new model does, some verified model guards again within seconds.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use standclear::clock;
use standclear::config::Config;
use standclear::engine::time::Instant;
use standclear::engine::{AlarmState, ZoneState};
use standclear::guard::app::{Guard, Parts};
use standclear::guard::models::Rollout;
use standclear::guard::models::order::NextLife;
use standclear::guard::models::seen::{Heard, LifeEnd, ModelNews, NewsPost, NewsQueue, news};
use standclear::link::{ModelChoice, SwitchedTo, ToWorker};

use crate::process::{choice, damage, other_model, shipped};
use crate::site::{SirenNotes, blind, fault, intrusion, wait_alarm, wait_for, wait_until};
use crate::support::hostile::{self, Harm, TEN_SECONDS, When};
use crate::support::{self, copy};

/// R20: some verified model guards again so soon …
const GUARDS_AGAIN_MAX: Duration = Duration::from_secs(5);

/// … where a vision process takes two seconds to start. On a machine that has other things to do it is
/// as many starts as there are, twice as long as the first one took, and this.
const BESIDE_STARTS: Duration = Duration::from_secs(3);

/// Longest wait for any news.
const NEWS_WAIT_MAX: Duration = Duration::from_secs(90);

/// A trial has so many lives, the one in which it was switched to among them.
const LIVES: u32 = 3;

/// What a ledger does, in memory: a trial is counted before it is loaded, and one that hung is over.
#[derive(Default)]
struct Ledger {
    trial: Mutex<Option<(ModelChoice, u32)>>,
    committed: Vec<ModelChoice>,
}

impl Ledger {
    fn trial(&self) -> std::sync::MutexGuard<'_, Option<(ModelChoice, u32)>> {
        self.trial.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NextLife for Ledger {
    fn order(&self) -> Vec<ModelChoice> {
        let mut trial = self.trial();
        let mut order = Vec::new();
        if let Some((model, left)) = &mut *trial
            && *left > 0
        {
            *left -= 1;
            order.push(model.clone());
        }
        order.extend(self.committed.clone());
        order
    }
}

/// Quick on any machine.
const SMALL: &str = "input_long_side = 320";

struct Site {
    folder: tempfile::TempDir,
    ledger: Arc<Ledger>,
    guard: Guard,
    heard: NewsQueue,
    siren: SirenNotes,
    /// From nothing to the first decision.
    start: Duration,
}

/// A zone over the whole picture.
const ZONES: &str = r#"{"type":"FeatureCollection","features":[
    {"type":"Feature","properties":{"id":"bay","name":"Bay","kind":"restricted"},
     "geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}}]}"#;

impl Site {
    fn new(committed: Vec<ModelChoice>, more: &str) -> Site {
        let footage = format!("file = \"{}\"", support::footage().display());
        Site::showing(&footage, committed, more)
    }

    fn showing(source: &str, committed: Vec<ModelChoice>, more: &str) -> Site {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = Arc::new(Ledger { committed, ..Ledger::default() });
        let siren = SirenNotes::default();
        let (news, heard) = news();
        let guard = start(folder.path(), (source, more), ledger.clone(), news, siren.clone());
        Site { folder, ledger, guard, heard, siren, start: Duration::ZERO }
    }

    /// One that looks.
    fn looking(committed: Vec<ModelChoice>, more: &str) -> Site {
        let began = clock::monotonic();
        let site = Site::new(committed, more);
        let start = site.decided().since(began);
        println!("a start takes {start:?}");
        Site { start, ..site }
    }

    #[track_caller]
    fn assert_soon(&self, blind: Duration, lives: usize) {
        let here = self.start * 2 * u32::try_from(lives).expect("few") + BESIDE_STARTS;
        assert!(blind < here.max(GUARDS_AGAIN_MAX), "{blind:?}, a start takes {:?}", self.start);
    }

    /// Reads news until some is wanted.
    #[track_caller]
    fn hear<T>(&self, mut wanted: impl FnMut(&Heard) -> Option<T>) -> T {
        let until = clock::monotonic().after(NEWS_WAIT_MAX);
        loop {
            let left = until.since(clock::monotonic());
            let heard = self.heard.recv_timeout(left).expect("the news came in time");
            if matches!(heard.news, ModelNews::LifeEnded { how: LifeEnd::Hung, .. }) {
                // As a keeper of the ledger does: a hang is final.
                *self.ledger.trial() = None;
            }
            if let Some(found) = wanted(&heard) {
                return found;
            }
        }
    }

    /// When the next picture was decided on.
    #[track_caller]
    fn decided(&self) -> Instant {
        self.hear(|heard| matches!(heard.news, ModelNews::Frame { .. }).then_some(heard.at))
    }

    /// The trial is written, then switched to.
    fn try_out(&self, dir: &Path) {
        let model = choice("sha256-trial", dir);
        self.guard.tell_vision(ToWorker::Prepare { switch: 1, model: model.clone() });
        let outcome = self.hear(|heard| match &heard.news {
            ModelNews::Prepared { switch: 1, outcome } => Some(outcome.clone()),
            _ => None,
        });
        assert_eq!(outcome.expect("prepared").slot, "sha256-trial");
        *self.ledger.trial() = Some((model, LIVES - 1));
        self.guard.tell_vision(ToWorker::Switch { switch: 1 });
    }

    #[track_caller]
    fn switched(&self) -> SwitchedTo {
        let told = self.hear(|heard| match &heard.news {
            ModelNews::Switched { outcome, .. } => Some(outcome.clone()),
            _ => None,
        });
        told.expect("switched")
    }

    /// The longest time without a decision, until a life in which the committed model looks.
    #[track_caller]
    fn blind_until_committed(&self) -> (Duration, Vec<LifeEnd>) {
        // From the order on: its harm may come with the very first picture, and all that is heard counts.
        let (mut longest, mut last, mut ends) = (Duration::ZERO, clock::monotonic(), Vec::new());
        let mut committed = false;
        self.hear(|heard| match &heard.news {
            ModelNews::Frame { .. } => {
                longest = longest.max(heard.at.since(last));
                last = heard.at;
                committed.then_some(())
            }
            ModelNews::Ready(model) => {
                committed = model.slot != "sha256-trial";
                None
            }
            ModelNews::FellBack { .. } => {
                committed = true;
                None
            }
            ModelNews::LifeEnded { how, .. } => {
                ends.push(*how);
                None
            }
            _ => None,
        });
        (longest, ends)
    }

    fn vision_pid(&self) -> Pid {
        let pid = fs::read_to_string(self.folder.path().join("pid")).expect("written");
        Pid::from_raw(pid.trim().parse().expect("a number")).expect("not zero")
    }
}

fn start(
    folder: &Path,
    (source, more): (&str, &str),
    next_life: Arc<Ledger>,
    news: NewsPost,
    siren: SirenNotes,
) -> Guard {
    fs::write(folder.join("yard.json"), ZONES).expect("a zone file");
    let text = format!(
        r#"
        site = {{ name = "Test", time_zone = "UTC" }}
        web.listen = "127.0.0.1:0"
        model = {{ {more} }}
        [[camera]]
        id = "yard"
        name = "Yard"
        source = {{ {source} }}
        zones = "yard.json"
        fps = 5.0
        "#
    );
    let config = Config::parse(&folder.join("standclear.toml"), &text).expect("valid");
    let noted = "echo $$ > \"$0\"; exec \"$1\" vision";
    let program = env!("CARGO_BIN_EXE_standclear");
    let vision: Vec<OsString> =
        vec!["sh".into(), "-c".into(), noted.into(), folder.join("pid").into(), program.into()];
    let parts = Parts { siren: Box::new(siren), worker_command: vision };
    Guard::start_with(&config, parts, Rollout { next_life, news }).expect("it starts")
}

#[test]
fn an_answered_alarm_stays_so_over_a_switch_and_a_visit_stays_one_incident() {
    // Both see somebody at one place in a red picture.
    let (one, other) = (
        hostile::package("one", 1, Harm::None, When::Light),
        hostile::package("other", 2, Harm::Nobody, When::Light),
    );
    let site = Site::showing("test = \"red\"", vec![choice("shipped", one.dir())], "");
    let alarm = wait_alarm(&site.guard, intrusion, AlarmState::Unacknowledged);
    site.guard.handle().acknowledge(alarm.id, Some(alarm.version), "Eva").expect("answered");
    let before = site.guard.handle().incidents(10, None).expect("the store");
    site.try_out(other.dir());
    let told = site.switched();
    println!("without a decision: {:?}", Duration::from_nanos(told.gap_ns));
    for _ in 0..20 {
        site.decided();
    }
    let now = wait_until(&site.guard, "the other model", |now| {
        now.model.as_ref().is_some_and(|model| model.slot == "sha256-trial")
    });
    let answered = now.alarms.iter().find(|it| it.id == alarm.id).expect("still there");
    assert_eq!(answered.state, AlarmState::Acknowledged);
    let after = site.guard.handle().incidents(10, None).expect("the store");
    assert_eq!((before.len(), after.len()), (1, 1), "one visit is one incident");
    assert_eq!((after[0].id, after[0].ended_at), (before[0].id, None));
    assert_ne!(after[0].model_digest, told.model.digest, "the model that saw it first");
    site.guard.stop();
}

#[test]
fn an_incident_names_the_model_that_looked_at_its_picture() {
    let blind = hostile::package("blind", 1, Harm::Nobody, When::Light);
    let seeing = hostile::package("seeing", 2, Harm::Everywhere, When::Light);
    let site = Site::showing("test = \"white\"", vec![choice("shipped", blind.dir())], "");
    for _ in 0..10 {
        site.decided();
    }
    assert!(site.guard.handle().incidents(10, None).expect("the store").is_empty());
    site.try_out(seeing.dir());
    let told = site.switched();
    wait_alarm(&site.guard, intrusion, AlarmState::Unacknowledged);
    let kept = || site.guard.handle().incidents(10, None).expect("the store").into_iter().next();
    let incident = wait_for("an incident", kept);
    assert_eq!(incident.model_digest, told.model.digest);
    site.guard.stop();
}

#[test]
fn a_killed_vision_process_is_followed_by_the_trial_and_the_committed_model_by_a_hung_one() {
    let slow = hostile::package("slow", 2, Harm::Slow { rounds: TEN_SECONDS }, When::Light);
    let site = Site::looking(vec![shipped()], SMALL);
    let killed_at = clock::monotonic();
    kill_process(site.vision_pid(), Signal::KILL).expect("it is there");
    let ended = site.hear(|heard| match &heard.news {
        ModelNews::LifeEnded { how, .. } => Some((*how, heard.at)),
        _ => None,
    });
    assert_eq!(ended.0, LifeEnd::Killed);
    let again = site.decided().since(killed_at);
    println!("guards again {again:?} after a kill");
    site.assert_soon(again, 1);
    site.try_out(slow.dir());
    let (longest, ends) = site.blind_until_committed();
    println!("a model that hangs: {longest:?} without a decision");
    assert_eq!(ends, [LifeEnd::Hung]);
    site.assert_soon(longest, 1);
    site.guard.stop();
}

#[test]
fn a_model_that_takes_the_process_with_it_is_tried_as_often_as_it_may_and_then_no_more() {
    let crash = hostile::package("crash", 2, Harm::Crash, When::Light);
    let site = Site::looking(vec![shipped()], SMALL);
    site.try_out(crash.dir());
    let (longest, ends) = site.blind_until_committed();
    println!("a model that crashes: {longest:?} without a decision, in {} lives", ends.len());
    assert_eq!(ends, [LifeEnd::Killed; LIVES as usize]);
    site.assert_soon(longest, LIVES as usize);
    site.siren.since(Instant::ZERO, standclear::engine::SirenPattern::Fault);
    site.guard.stop();
}

#[test]
fn a_model_that_allocates_without_end_costs_neither_the_guard_nor_the_watch() {
    let hoard = hostile::package("hoard", 2, Harm::Hoard { mb: 1 << 20 }, When::Light);
    let site = Site::looking(vec![shipped()], "memory_max_mb = 768, input_long_side = 320");
    let pid = site.vision_pid().as_raw_nonzero();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it is there");
    let line = |name: &str| {
        let found = status.lines().find(|line| line.starts_with(name));
        found.unwrap_or_default().to_owned()
    };
    println!("with the model that came with the program: {}, {}", line("VmData"), line("VmRSS"));
    let sacrifice = fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).expect("readable");
    assert_eq!(sacrifice.trim(), "500");
    site.try_out(hoard.dir());
    let (longest, ends) = site.blind_until_committed();
    println!("a model that allocates: {longest:?} without a decision; lives that ended: {ends:?}");
    site.assert_soon(longest, 1);
    site.guard.stop();
}

#[test]
fn where_no_model_can_be_loaded_zones_are_unknown_and_that_is_heard() {
    let folder = tempfile::tempdir().expect("a folder");
    copy(&other_model(), folder.path());
    damage(&folder.path().join("model.onnx"));
    let nowhere = choice("shipped", &folder.path().join("nowhere"));
    let site = Site::new(vec![choice("sha256-1", folder.path()), nowhere], "");
    let now = wait_until(&site.guard, "the reason", |now| now.vision.restarts >= 2);
    for part in ["none of the models", "sha256-1: ", "changed or damaged", "shipped: "] {
        assert!(now.vision.detail.contains(part), "{}", now.vision.detail);
    }
    for zone in &now.zones {
        assert!(matches!(zone.state, ZoneState::Unknown(_)), "{:?}", zone.state);
    }
    assert!(now.alarms.iter().any(|alarm| blind(alarm.source) || fault(alarm.source)));
    site.siren.since(Instant::ZERO, standclear::engine::SirenPattern::Fault);
    let ended = site.hear(|heard| match &heard.news {
        ModelNews::LifeEnded { how, .. } => Some(*how),
        _ => None,
    });
    assert_eq!(ended, LifeEnd::Failed);
    site.guard.stop();
}
