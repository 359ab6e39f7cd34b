//! The same with a whole guard around it: what people were told holds over a switch, and whatever the
//! new model does, some verified model guards again within seconds.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use standclear::clock;
use standclear::config::Config;
use standclear::engine::time::Instant;
use standclear::engine::{AlarmState, ZoneState};
use standclear::guard::app::{Guard, Parts};
use standclear::guard::models::Rollout;
use standclear::guard::models::order::NextLife;
use standclear::guard::models::seen::{Heard, LifeEnd, ModelNews, NewsPost, news};
use standclear::link::{ModelChoice, ToWorker};

use crate::process::{choice, copy, damage, other_model, shipped};
use crate::site::{SirenNotes, blind, fault, intrusion, wait_alarm, wait_until};
use crate::support;
use crate::support::hostile::{self, Harm, TEN_SECONDS, When};

/// R20: some verified model guards again so soon.
const GUARDS_AGAIN_MAX: Duration = Duration::from_secs(5);

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

struct Site {
    folder: tempfile::TempDir,
    ledger: Arc<Ledger>,
    guard: Guard,
    heard: Receiver<Heard>,
    siren: SirenNotes,
}

/// A zone over the whole picture, in which there is always somebody, and one that is passed through.
const ZONES: &str = r#"{"type":"FeatureCollection","features":[
    {"type":"Feature","properties":{"id":"bay","name":"Bay","kind":"restricted"},
     "geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}},
    {"type":"Feature","properties":{"id":"gate","name":"Gate","kind":"restricted"},
     "geometry":{"type":"Polygon","coordinates":[[[0,0.6],[0.35,0.6],[0.35,1],[0,1],[0,0.6]]]}}]}"#;

impl Site {
    fn new(committed: Vec<ModelChoice>, more: &str) -> Site {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = Arc::new(Ledger { committed, ..Ledger::default() });
        let siren = SirenNotes::default();
        let (news, heard) = news();
        let guard = start(folder.path(), more, ledger.clone(), news, siren.clone());
        Site { folder, ledger, guard, heard, siren }
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

    /// The longest time without a decision, until a life in which the committed model looks.
    #[track_caller]
    fn blind_until_committed(&self) -> (Duration, Vec<LifeEnd>) {
        let (mut longest, mut last, mut ends) = (Duration::ZERO, self.decided(), Vec::new());
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
    more: &str,
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
        source = {{ file = "{}" }}
        zones = "yard.json"
        fps = 5.0
        "#,
        support::footage().display()
    );
    let config = Config::parse(&folder.join("standclear.toml"), &text).expect("valid");
    let noted = "echo $$ > \"$0\"; exec \"$1\" vision";
    let program = env!("CARGO_BIN_EXE_standclear");
    let vision: Vec<OsString> =
        vec!["sh".into(), "-c".into(), noted.into(), folder.join("pid").into(), program.into()];
    let parts = Parts { siren: Box::new(siren), worker_command: vision };
    Guard::start_with(&config, parts, Rollout { next_life, news }).expect("it starts")
}

/// The shipped model as another file: its other variant.
fn variant(folder: &Path) -> String {
    copy(&support::model_dir(), folder);
    let file = folder.join("manifest.json");
    let text = fs::read(&file).expect("readable");
    let mut manifest: Value = serde_json::from_slice(&text).expect("JSON");
    let mut other = manifest["variants"][1].clone();
    other["providers"] = json!(["cpu"]);
    let digest = other["sha256"].as_str().expect("a digest").to_owned();
    manifest["variants"] = json!([other]);
    fs::write(file, manifest.to_string()).expect("written");
    digest
}

#[test]
fn an_answered_alarm_stays_so_over_a_switch_and_each_incident_names_the_model_that_saw_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let digest = variant(folder.path());
    let site = Site::new(vec![shipped()], "");
    let alarm = wait_alarm(&site.guard, intrusion, AlarmState::Unacknowledged);
    let of_bay = |incidents: Vec<standclear::guard::handle::IncidentRow>| {
        incidents.into_iter().filter(|it| it.zone == "bay").collect::<Vec<_>>()
    };
    site.guard.handle().acknowledge(alarm.id, Some(alarm.version), "Eva").expect("answered");
    let before = of_bay(site.guard.handle().incidents(10, None).expect("the store"));
    site.try_out(folder.path());
    let told = site.hear(|heard| match &heard.news {
        ModelNews::Switched { outcome, .. } => Some(outcome.clone()),
        _ => None,
    });
    let told = told.expect("switched");
    assert_eq!(told.model.digest, digest);
    println!("without a decision: {:?}", Duration::from_nanos(told.gap_ns));
    // Somebody passes the gate, and the new model sees it.
    let passed = |guard: &Guard| {
        let incidents = guard.handle().incidents(100, None).expect("the store");
        incidents.iter().any(|it| it.zone == "gate" && it.model_digest == digest)
    };
    let until = clock::monotonic().after(NEWS_WAIT_MAX);
    while !passed(&site.guard) {
        assert!(clock::monotonic() < until, "nobody passed the gate");
        site.decided();
    }
    let now = site.guard.handle().snapshots().borrow().clone();
    let answered = now.alarms.iter().find(|it| it.id == alarm.id).expect("still there");
    assert_eq!(answered.state, AlarmState::Acknowledged);
    assert_eq!(now.model.as_ref().map(|model| model.slot.as_str()), Some("sha256-trial"));
    let all = site.guard.handle().incidents(100, None).expect("the store");
    let bay = of_bay(all.clone());
    assert_eq!((before.len(), bay.len()), (1, 1), "one visit is one incident");
    assert_eq!((bay[0].id, bay[0].ended_at), (before[0].id, None));
    // Oldest first: those of the model before, then those of this one.
    let mut digests: Vec<&str> = all.iter().rev().map(|it| it.model_digest.as_str()).collect();
    digests.dedup();
    assert_eq!(digests, [before[0].model_digest.as_str(), digest.as_str()]);
    site.guard.stop();
}

#[test]
fn a_killed_vision_process_is_followed_by_the_trial_and_the_committed_model_by_a_hung_one() {
    let slow = hostile::package("slow", 2, Harm::Slow { rounds: TEN_SECONDS }, When::Light);
    let site = Site::new(vec![shipped()], "");
    site.decided();
    let killed_at = clock::monotonic();
    kill_process(site.vision_pid(), Signal::KILL).expect("it is there");
    let ended = site.hear(|heard| match &heard.news {
        ModelNews::LifeEnded { how, .. } => Some((*how, heard.at)),
        _ => None,
    });
    assert_eq!(ended.0, LifeEnd::Killed);
    let again = site.decided().since(killed_at);
    println!("guards again {again:?} after a kill");
    assert!(again < GUARDS_AGAIN_MAX, "{again:?}");
    site.try_out(slow.dir());
    let (longest, ends) = site.blind_until_committed();
    println!("a model that hangs: {longest:?} without a decision");
    assert_eq!(ends, [LifeEnd::Hung]);
    assert!(longest < GUARDS_AGAIN_MAX, "{longest:?}");
    site.guard.stop();
}

#[test]
fn a_model_that_takes_the_process_with_it_is_tried_as_often_as_it_may_and_then_no_more() {
    let crash = hostile::package("crash", 2, Harm::Crash, When::Light);
    let site = Site::new(vec![shipped()], "");
    site.decided();
    site.try_out(crash.dir());
    let (longest, ends) = site.blind_until_committed();
    println!("a model that crashes: {longest:?} without a decision, in {} lives", ends.len());
    assert_eq!(ends, [LifeEnd::Killed; LIVES as usize]);
    site.siren.since(Instant::ZERO, standclear::engine::SirenPattern::Fault);
    site.guard.stop();
}

#[test]
fn a_model_that_allocates_without_end_costs_neither_the_guard_nor_the_watch() {
    let hoard = hostile::package("hoard", 2, Harm::Hoard { mb: 1 << 20 }, When::Light);
    let site = Site::new(vec![shipped()], "memory_max_mb = 1536");
    site.decided();
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
    assert!(longest < GUARDS_AGAIN_MAX, "{longest:?}");
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
