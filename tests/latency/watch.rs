//! One run: people appear before the cameras, one after the other, and each is timed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use standclear::clock;
use standclear::engine::time::Instant;

use crate::camera::{Camera, Shot};
use crate::ear::Ear;
use crate::handheld::{self, Handheld};
use crate::report::Incident;
use crate::service::{Service, instant_of, zone_of};
use crate::trouble::{Condition, Trouble};
use crate::yard::{NUMBERS, Scene, Yard, number_in};

/// What is not heard by then is not heard.
const HEARD_WITHIN: Duration = Duration::from_secs(5);

/// What a handheld does not show by then it does not show.
const SHOWN_WITHIN: Duration = Duration::from_secs(10);

/// How long somebody stands there at least.
const STAYS: Duration = Duration::from_millis(900);

/// Longest wait until the yard is clear and silent again.
const CLEARS_WITHIN: Duration = Duration::from_secs(40);

/// Longest wait for the evidence picture; a full disk has none.
const EVIDENCE_WITHIN: Duration = Duration::from_secs(3);

/// Longest random wait before somebody appears.
const PAUSE_MAX_MS: u64 = 1000;

/// Start of the random numbers: each run has the same people at the same intervals.
const SEED: u64 = 0x5ca1_ab1e;

/// Where an alarm is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiver {
    Siren,
    SirenAndHandheld,
}

/// Runs one condition to its end.
pub fn watch(
    condition: Condition,
    cameras: usize,
    incidents: usize,
    receiver: Receiver,
) -> Vec<Incident> {
    let folder = tempfile::tempdir().expect("a folder");
    let yard = Arc::new(Yard::from_footage(&footage()));
    let mut random = Random(SEED);
    let phase = |random: &mut Random| Duration::from_millis(random.below(200));
    let cameras: Vec<Camera> =
        (0..cameras).map(|_| Camera::start(yard.clone(), phase(&mut random))).collect();
    let mut trouble = Trouble::prepare(condition, folder.path());
    let ear = Ear::open();
    // The first one also waits for the sound server to wake up.
    ear.click();
    let round_trips: Vec<f64> = (0..3).filter_map(|_| ear.click()).map(millis).collect();
    println!("sound server, written to read: {round_trips:.0?} ms");
    let store = trouble.store.clone();
    let mut settings = trouble.settings.clone();
    if receiver == Receiver::SirenAndHandheld || condition == Condition::HandheldsHang {
        settings += handheld::SETTINGS;
    }
    let service = Service::start(folder.path(), &store, &cameras, &settings);
    service.wait_calm();
    let handheld = match receiver {
        Receiver::Siren => None,
        Receiver::SirenAndHandheld => Some(Handheld::start(&service)),
    };
    trouble.start(&service);
    let mut run = Run { cameras, yard, ear, service, handheld, trouble, random, condition };
    let measured: Vec<Incident> = (0..incidents).map(|_| run.one()).collect();
    let late = run.cameras.iter().map(Camera::late).max().unwrap_or_default();
    println!("camera: a picture at most {:.1} ms after it was due", millis(late));
    run.service.stop();
    measured
}

struct Run {
    // In the order in which they end: the box before the disk it stands on.
    service: Service,
    handheld: Option<Handheld>,
    trouble: Trouble,
    ear: Ear,
    cameras: Vec<Camera>,
    yard: Arc<Yard>,
    random: Random,
    condition: Condition,
}

impl Run {
    fn one(&mut self) -> Incident {
        self.clear();
        let which = self.random.below(self.cameras.len() as u64) as usize;
        let who = self.random.below(self.yard.people() as u64) as usize;
        wait(Duration::from_millis(self.random.below(PAUSE_MAX_MS)));
        self.trouble.begin(self.service.address());
        let asked_at = clock::monotonic();
        self.cameras[which].show(Scene::Person(who));
        let heard_at = self.ear.onset(asked_at, asked_at.after(HEARD_WITHIN));
        let shown_by = asked_at.after(SHOWN_WITHIN);
        let shown_at = self.handheld.as_ref().and_then(|one| one.shown(asked_at, shown_by));
        wait(asked_at.after(STAYS).since(clock::monotonic()));
        self.cameras[which].show(Scene::Empty);
        self.trouble.end();
        let shots = self.cameras[which].shots_since(asked_at);
        let shots: Vec<Shot> =
            shots.into_iter().filter(|shot| shot.scene == Scene::Person(who)).collect();
        let first = shots.first().expect("the camera shows who was asked for");
        let mut incident = Incident::of(self.condition.key(), self.cameras.len(), which);
        incident.total_ms = heard_at.map(|at| millis(at.since(first.at)));
        incident.handheld_ms = shown_at.map(|at| millis(at.since(first.at)));
        self.explain(&mut incident, &zone_of(which), &shots, heard_at);
        println!("{}", incident.to_line());
        incident
    }

    /// Where the time went, as far as the box can tell.
    fn explain(
        &self,
        incident: &mut Incident,
        zone: &str,
        shots: &[Shot],
        heard_at: Option<Instant>,
    ) {
        // Nobody has answered it, so it is open still, whatever the trouble held up meanwhile.
        let state = self.service.state().unwrap_or(Value::Null);
        let Some(alarm) = alarm_of(&state, zone) else {
            return;
        };
        let named = |list: &Value, key: &str, name: &str, value: &str| {
            let steps = list.as_array()?;
            steps.iter().find(|step| step[key] == name)?[value].as_f64()
        };
        let stage = |name: &str| named(&alarm["stages"], "stage", name, "ms");
        (incident.seen_ms, incident.inferred_ms) = (stage("seen"), stage("inferred"));
        (incident.link_ms, incident.siren_ms) = (stage("link"), stage("siren"));
        let ladder = named(&alarm["ladder"], "step", "siren", "after_ms");
        let number = alarm["incident"].as_u64();
        let captured = captured(alarm, incident);
        // The evidence is drawn and stored after everything that matters more.
        let until = clock::monotonic().after(EVIDENCE_WITHIN);
        let mut deciding = None;
        while deciding.is_none() && clock::monotonic() < until {
            deciding = number.and_then(|number| self.deciding(number, shots));
            wait(Duration::from_millis(50));
        }
        let first = shots.first().map(|shot| shot.at);
        if let (Some(first), Some(deciding)) = (first, deciding) {
            incident.confirmed_ms = Some(millis(deciding.since(first)));
        }
        if let (Some(deciding), Some(captured)) = (deciding, captured) {
            incident.wire_ms = Some(signed_millis(deciding, captured));
        }
        if let (Some(captured), Some(ladder), Some(heard)) = (captured, ladder, heard_at) {
            incident.sound_ms = Some(signed_millis(captured, heard) - ladder);
        }
    }

    /// When the deciding picture was really taken, by the number in its evidence.
    fn deciding(&self, incident: u64, shots: &[Shot]) -> Option<Instant> {
        let jpeg = self.service.bytes(&format!("/api/incidents/{incident}/snapshot.jpg"))?;
        let picture = image::load_from_memory(&jpeg).ok()?.to_luma8();
        let number = number_in(&picture)?;
        shots.iter().find(|shot| shot.number % NUMBERS == number).map(|shot| shot.at)
    }

    /// Answers what there is and waits until nobody is in sight and nothing of an intrusion sounds.
    fn clear(&mut self) {
        let until = clock::monotonic().after(CLEARS_WITHIN);
        loop {
            let state = self.service.state().unwrap_or(Value::Null);
            let list = |key: &str| state[key].as_array().cloned().unwrap_or_default();
            let zones = list("zones");
            let calm = !zones.is_empty() && zones.iter().all(|zone| zone["state"] == "clear");
            let (alarms, mut open) = (list("alarms"), false);
            for alarm in alarms.iter().filter(|alarm| alarm["kind"] == "intrusion") {
                open = true;
                self.service.acknowledge(alarm["id"].as_u64().unwrap_or(0));
            }
            let soon = clock::monotonic().after(Duration::from_secs(1));
            if calm && !open && self.ear.quiet(soon) {
                return;
            }
            assert!(
                clock::monotonic() < until,
                "the yard does not clear: {state}\n{}",
                self.service.output()
            );
            wait(Duration::from_millis(100));
        }
    }
}

/// When the box says the deciding picture was taken: what it took until the alarm was raised before that.
fn captured(alarm: &Value, incident: &Incident) -> Option<Instant> {
    let took_ms = incident.seen_ms? + incident.inferred_ms? + incident.link_ms?;
    Some(instant_of(&alarm["raised_at"])?.before(Duration::from_secs_f64(took_ms.max(0.0) / 1e3)))
}

fn alarm_of<'a>(state: &'a Value, zone: &str) -> Option<&'a Value> {
    let alarms = state["alarms"].as_array()?;
    alarms.iter().find(|alarm| alarm["kind"] == "intrusion" && alarm["zone"] == zone)
}

/// Numbers that only look random (a linear congruential generator; Knuth's constants).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

fn wait(span: Duration) {
    let until = clock::monotonic().after(span);
    while clock::monotonic() < until {
        thread::park_timeout(until.since(clock::monotonic()));
    }
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

/// From one instant to another, which may lie before it by what a clock is read wrong.
fn signed_millis(from: Instant, to: Instant) -> f64 {
    millis(to.since(from)) - millis(from.since(to))
}

/// The sample footage that `scripts/setup` fetches.
fn footage() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".deps/footage/vtest.avi");
    assert!(path.is_file(), "{} is missing: run scripts/setup", path.display());
    path
}
