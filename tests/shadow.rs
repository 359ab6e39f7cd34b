//! A model beside the one that guards: the real program as both processes, footage as the camera, a real
//! guard. Whatever the shadow model does, alarms are as without it.

#[path = "shadow/clips.rs"]
mod clips;
#[path = "guard/site.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod site;
mod support;
#[path = "guard/worker.rs"]
mod worker;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use standclear::clock;
use standclear::config::Config;
use standclear::gate::Probability;
use standclear::gate::claim::{Claim, Look};
use standclear::gate::verdict::{Judgement, Label, Needed, Reason, Told};
use standclear::guard::app::{Guard, Parts};
use standclear::guard::handle::examples::{Occasion, WantedExamples, WantedLabels};
use standclear::guard::handle::shadowing::{CaseRow, ShadowState, WantedCases};
use standclear::guard::models::shadow::GaveUp;
use standclear::link::ModelChoice;
use standclear::rollout::slot::{Digest, Slot};

use site::{SirenNotes, wait_watched};
use support::hostile::{self, Harm, Package, TEN_SECONDS, When};

/// Longest wait for what two models tell: the footage is over a minute long.
const RUN_MAX: Duration = Duration::from_secs(150);

/// From light to the siren's order, at worst.
const SIREN_MAX_MS: u32 = 1000;

/// Across the walkway: people come and go.
const ZONE: &str = r#"{"type":"FeatureCollection","features":[{"type":"Feature",
    "properties":{"id":"walk","name":"Walkway","kind":"restricted"},
    "geometry":{"type":"Polygon","coordinates":
    [[[0.35,0.55],[0.6,0.55],[0.6,0.95],[0.35,0.95],[0.35,0.55]]]}}]}"#;

/// The footage in which one person walks along the road, and that road.
const WALK: std::ops::Range<u64> = 618..680;
const ROAD: &str = r#"{"type":"FeatureCollection","features":[{"type":"Feature",
    "properties":{"id":"road","name":"Road","kind":"restricted"},
    "geometry":{"type":"Polygon","coordinates":
    [[[0.7891,0.3594],[0.9271,0.3854],[0.9948,0.5729],[0.7812,0.5295],[0.7891,0.3594]]]}}]}"#;

/// A box with the real vision process and the footage as its camera.
fn start(folder: &Path) -> Guard {
    start_with(folder, ZONE, ("", "off"))
}

/// The same at a road along which somebody walks every few seconds.
fn start_at_the_road(folder: &Path) -> Guard {
    let walk = support::part_of_footage(folder, "walk.mp4", WALK);
    let again = format!("file = \"{}\", loop = true", walk.display());
    start_at(&again, (folder, ROAD), ("", "off"))
}

/// The same with other zones; `more` of the configuration, and `detail` as in it.
fn start_with(folder: &Path, zones: &str, more: (&str, &str)) -> Guard {
    start_at(&format!("file = \"{}\"", support::footage().display()), (folder, zones), more)
}

fn start_at(camera: &str, (folder, zones): (&Path, &str), (more, detail): (&str, &str)) -> Guard {
    fs::write(folder.join("yard.json"), zones).expect("a zone file");
    let text = format!(
        r#"
        {more}
        site = {{ name = "Test", time_zone = "UTC" }}
        web.listen = "127.0.0.1:0"
        model = {{ folder = "{}", input_long_side = 320, detail = "{detail}" }}
        [[camera]]
        id = "yard"
        name = "Yard"
        source = {{ {camera} }}
        zones = "yard.json"
        fps = 5.0
        "#,
        support::root().join("models").display()
    );
    let config = Config::parse(&folder.join("standclear.toml"), &text).expect("valid");
    let vision = vec![env!("CARGO_BIN_EXE_standclear").into(), "vision".into()];
    let parts = Parts { siren: Box::new(SirenNotes::default()), worker_command: vision };
    Guard::start(&config, parts).unwrap_or_else(|error| panic!("{error:?}"))
}

/// A package as the keeper of models names one.
fn choice(dir: &Path) -> ModelChoice {
    let manifest = fs::read(dir.join("manifest.json")).expect("readable");
    let slot = Slot::Blob(Digest::of(manifest)).to_string();
    ModelChoice { slot, dir: dir.display().to_string() }
}

#[track_caller]
fn wait<T>(what: &str, at_most: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let until = clock::monotonic().after(at_most);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(clock::monotonic() < until, "{what} did not come within {at_most:?}");
        thread::park_timeout(Duration::from_millis(20));
    }
}

/// Looks at a box that watches, until it is told to stop: was there ever a moment without sight?
struct Watchman {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Vec<String>>,
}

impl Watchman {
    fn of(guard: &Guard) -> Watchman {
        wait_watched(guard);
        let (over, snapshots) = (Arc::new(AtomicBool::new(false)), guard.handle().snapshots());
        let ended = Arc::clone(&over);
        let thread = thread::spawn(move || {
            let mut troubles = Vec::new();
            while !ended.load(Ordering::Acquire) {
                let now = snapshots.borrow().clone();
                let unknown = now.cameras.iter().filter_map(|camera| camera.unknown.clone());
                let restarts = (now.vision.restarts > 0).then(|| now.vision.detail.clone());
                for trouble in unknown.chain(restarts) {
                    if troubles.last() != Some(&trouble) {
                        troubles.push(trouble);
                    }
                }
                thread::park_timeout(Duration::from_millis(20));
            }
            troubles
        });
        Watchman { over, thread }
    }

    /// Nothing happened to what guards; and there were alarms, in time.
    #[track_caller]
    fn assert_quiet(self, guard: &Guard) {
        self.over.store(true, Ordering::Release);
        let troubles = self.thread.join().expect("no panic");
        assert_eq!(troubles, Vec::<String>::new());
        let latency = guard.handle().snapshots().borrow().latency;
        println!("camera to siren: {latency:?}");
        assert!(latency.incidents > 0, "nobody came, so nothing is shown");
        let worst = latency.capture_to_siren_max_ms.expect("there were incidents");
        assert!(worst <= SIREN_MAX_MS, "{worst} ms from the camera to the siren");
    }
}

/// The vision process of this one that guards, and the other one.
fn processes() -> (Option<Pid>, Option<Pid>) {
    let own = std::process::id().to_string();
    let (mut active, mut shadow) = (None, None);
    for entry in fs::read_dir("/proc").expect("proc").flatten() {
        let id = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let said = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let says = |word: &[u8]| said.split(|byte| *byte == 0).any(|it| it == word);
        if after_name.split_whitespace().nth(1) != Some(own.as_str()) || !says(b"vision") {
            continue;
        }
        let of = if says(b"--shadow") { &mut shadow } else { &mut active };
        *of = id.and_then(Pid::from_raw);
    }
    (active, shadow)
}

fn shadow_process() -> Option<Pid> {
    processes().1
}

/// Incidents that the siren was told so far.
fn heard(guard: &Guard) -> u32 {
    guard.handle().snapshots().borrow().latency.incidents
}

fn wait_state(guard: &Guard, state: ShadowState, at_most: Duration) {
    wait(&format!("{state:?}"), at_most, || (guard.shadow().now().state == state).then_some(()));
}

/// Who was told that it gave up.
fn gave_up(guard: &Guard) -> Arc<Mutex<Vec<GaveUp>>> {
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    guard.shadow().on_gave_up(move |it| heard.lock().expect("not poisoned").push(it.clone()));
    told
}

fn claim() -> Claim {
    let share = |value| Probability::new(value).expect("a share");
    Claim { miss_rate: share(0.01), confidence: share(0.95), look: Look::Any }
}

fn all_cases(guard: &Guard) -> Vec<CaseRow> {
    let handle = guard.handle();
    handle.shadow_desk().cases(None, WantedCases::All, 100, None).unwrap_or_default()
}

/// Not a test of its own: the vision process of other tests that share this file.
#[test]
fn fake_vision_process() {
    worker::serve_if_started_by_the_guard();
}

#[test]
fn an_equal_model_sees_the_same_pictures_and_tells_the_same_incidents() {
    let folder = tempfile::tempdir().expect("a folder");
    let guard = start(folder.path());
    let watchman = Watchman::of(&guard);
    assert_eq!(guard.shadow().now().state, ShadowState::Off);
    guard.shadow().watch(Some(choice(&support::model_dir())));
    wait_state(&guard, ShadowState::Watching, support::SOON);
    let cases = wait("two cases", RUN_MAX, || {
        let cases = all_cases(&guard);
        (cases.len() >= 2).then_some(cases)
    });
    for case in &cases {
        let Told::Both { shadow_later_by } = case.told else { panic!("{case:?}") };
        assert_eq!(shadow_later_by, Duration::ZERO, "it is not later for being less urgent");
        let (active, shadow) = (case.active.as_ref(), case.shadow.as_ref());
        let (active, shadow) = (active.expect("told"), shadow.expect("told"));
        assert_eq!((active.score, &active.boxes), (shadow.score, &shadow.boxes));
        assert!(!active.boxes.is_empty());
        assert_eq!((case.zone.1.as_str(), case.camera.as_str()), ("Walkway", "yard"));
    }
    let handle = guard.handle();
    let desk = handle.shadow_desk();
    let facts = desk.evidence(claim()).expect("compared");
    let [run] = &facts.runs[..] else { panic!("{:?}", facts.runs) };
    println!("coverage {:?}, {:?}, {:?}", run.coverage, run.frames, run.latency);
    assert!(run.frames.looked > 50 && run.frames.matched > 0);
    assert_eq!((run.frames.active_only, run.frames.shadow_only), (0, 0));
    assert_eq!(run.frames.score_shift, 0.0);
    assert!(run.coverage.seen * 100 >= run.coverage.of * 90, "{:?}", run.coverage);
    let Judgement::NotEnough { needed } = &facts.judgement else { panic!("{:?}", facts.judgement) };
    assert!(needed.iter().any(|it| matches!(it, Needed::LiveIncidents { .. })), "{needed:?}");

    let labelled = desk.label_case(cases[0].id, Label::True, "Eva").expect("kept");
    let label = labelled.label.expect("said");
    assert_eq!((label.label, label.by.as_str()), (Label::True, "Eva"));
    let after = desk.evidence(claim()).expect("compared");
    assert_ne!(after.digest, facts.digest, "whoever approves has not seen the label");
    let picture = desk.case_picture(cases[0].id).expect("the incident's");
    assert!(image::load_from_memory(&picture).is_ok());
    watchman.assert_quiet(&guard);
    drop(handle);
    guard.stop();
}

#[test]
fn a_model_that_finds_nobody_loses_incidents_and_is_refused_once_somebody_has_said_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let guard = start(folder.path());
    let watchman = Watchman::of(&guard);
    let blind = hostile::package("blind", 2, Harm::Nobody, When::Light);
    guard.shadow().watch(Some(choice(blind.dir())));
    let case = wait("a case", RUN_MAX, || all_cases(&guard).pop());
    assert!(matches!(case.told, Told::ActiveOnly(_)), "{case:?}");
    let handle = guard.handle();
    let occasion = Some(Occasion::Disagreement);
    let wanted = WantedExamples { labelled: WantedLabels::All, occasion };
    wait("an example of it", support::SOON, || {
        handle.example_desk().examples(wanted, 10, None).expect("readable").pop()
    });
    let desk = handle.shadow_desk();
    desk.label_case(case.id, Label::True, "Eva").expect("kept");
    let facts = desk.evidence(claim()).expect("compared");
    let Judgement::Refused { reasons } = facts.judgement else { panic!("{:?}", facts.judgement) };
    assert!(matches!(reasons[..], [Reason::LostIncident { .. }, ..]), "{reasons:?}");
    watchman.assert_quiet(&guard);
    drop(handle);
    guard.stop();
}

#[test]
fn a_shadow_process_that_is_killed_each_time_is_given_up_and_no_alarm_notices() {
    let folder = tempfile::tempdir().expect("a folder");
    let guard = start_at_the_road(folder.path());
    let (watchman, told) = (Watchman::of(&guard), gave_up(&guard));
    let before = heard(&guard);
    guard.shadow().watch(Some(choice(&support::model_dir())));
    let mut killed = Vec::new();
    wait("the end of it, and somebody who was heard meanwhile", RUN_MAX, || {
        if let Some(process) = shadow_process().filter(|process| !killed.contains(process)) {
            // It may have gone by itself; then the next one is killed.
            let _ = kill_process(process, Signal::KILL);
            killed.push(process);
        }
        if guard.shadow().now().state != ShadowState::GaveUp {
            return None;
        }
        assert_eq!((killed.len(), guard.shadow().now().restarts), (5, 5));
        if heard(&guard) > before {
            return Some(());
        }
        killed.clear();
        guard.shadow().watch(Some(choice(&support::model_dir())));
        None
    });
    let told = told.lock().expect("not poisoned").clone();
    assert!(told.iter().all(|it| it.reason.contains("signal: 9")), "{told:?}");
    // Somebody who wants it tried again may.
    guard.shadow().watch(Some(choice(&support::model_dir())));
    wait_state(&guard, ShadowState::Watching, support::SOON);
    watchman.assert_quiet(&guard);
}

#[test]
fn where_zones_are_looked_at_closer_an_equal_shadow_model_sees_the_same_people() {
    let folder = tempfile::tempdir().expect("a folder");
    let guard = start_with(folder.path(), ZONE, ("", "zones"));
    let watchman = Watchman::of(&guard);
    guard.shadow().watch(Some(choice(&support::model_dir())));
    let handle = guard.handle();
    let desk = handle.shadow_desk();
    let run = wait("pictures with people", RUN_MAX, || {
        let [run] = &desk.evidence(claim()).ok()?.runs[..] else { return None };
        (run.frames.looked > 50 && run.frames.matched > 50).then(|| run.clone())
    });
    println!("coverage {:?}, {:?}, {:?}", run.coverage, run.frames, run.latency);
    assert_eq!((run.frames.active_only, run.frames.shadow_only), (0, 0));
    assert_eq!(run.frames.score_shift, 0.0);
    watchman_with_alarms(watchman, &guard);
    drop(handle);
    guard.stop();
}

#[test]
fn a_shadow_process_that_hangs_is_killed_told_and_started_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let guard = start_at_the_road(folder.path());
    let watchman = Watchman::of(&guard);
    let hangs = hostile::package("hangs", 2, Harm::Slow { rounds: 100 * TEN_SECONDS }, When::Light);
    hangs_while_somebody_is_heard(&guard, &hangs);
    wait_state(&guard, ShadowState::Watching, RUN_MAX);
    watchman.assert_quiet(&guard);
}

#[test]
fn a_shadow_process_that_is_stopped_goes_on_with_the_next_gap_and_ends_with_the_box() {
    let folder = tempfile::tempdir().expect("a folder");
    let guard = start(folder.path());
    guard.shadow().watch(Some(choice(&support::model_dir())));
    wait_state(&guard, ShadowState::Watching, support::SOON);
    let (active, shadow) = processes();
    let shadow = shadow.expect("it watches");
    let seen = guard.shadow().now().coverage.seen;
    kill_process(shadow, Signal::STOP).expect("it lives");
    wait("pictures", RUN_MAX, || (guard.shadow().now().coverage.seen > seen + 10).then_some(()));
    // Whatever it was doing when the active process is killed, stopped or not: no death of its own.
    kill_process(active.expect("it guards"), Signal::KILL).expect("it lives");
    wait("another shadow process", RUN_MAX, || shadow_process().filter(|it| *it != shadow));
    wait_state(&guard, ShadowState::Watching, RUN_MAX);
    guard.stop();
    wait("its end", support::SOON, || shadow_process().is_none().then_some(()));
}

#[test]
fn a_model_that_crashes_hoards_or_takes_ten_seconds_a_picture_costs_no_alarm_anything() {
    let folder = tempfile::tempdir().expect("a folder");
    let guard = start_at_the_road(folder.path());
    let (watchman, told) = (Watchman::of(&guard), gave_up(&guard));
    let bad = |name, harm| -> Package { hostile::package(name, 2, harm, When::Light) };
    let models = [
        (bad("crashes", Harm::Crash), "signal"),
        (bad("errs", Harm::Error), "could not be looked at"),
        (bad("hoards", Harm::Hoard { mb: 100_000 }), "could not be looked at"),
    ];
    for (package, says) in &models {
        let reason = given_up_while_somebody_is_heard(&guard, package, &told);
        println!("{}: {reason}", package.manifest["name"]);
        assert!(reason.contains(says), "{reason}");
    }
    // Each of its pictures ends it; that it is given up after some was seen above.
    hangs_while_somebody_is_heard(&guard, &bad("slow", Harm::Slow { rounds: TEN_SECONDS }));
    watchman.assert_quiet(&guard);
}

/// Lets it look until it is given up, and once more where nobody came by until then. Returns why it was.
#[track_caller]
fn given_up_while_somebody_is_heard(
    guard: &Guard,
    package: &Package,
    told: &Mutex<Vec<GaveUp>>,
) -> String {
    let (before, first) = (heard(guard), told.lock().expect("not poisoned").len());
    let mut given_up = first;
    guard.shadow().watch(Some(choice(package.dir())));
    wait("its end, and somebody who is heard meanwhile", RUN_MAX, || {
        let count = told.lock().expect("not poisoned").len();
        if count == given_up {
            return None;
        }
        given_up = count;
        let came = heard(guard) - before;
        println!("given up, and {came} were heard meanwhile");
        if came == 0 {
            guard.shadow().watch(Some(choice(package.dir())));
        }
        (came > 0).then_some(())
    });
    told.lock().expect("not poisoned")[first].reason.clone()
}

/// Lets it look until it was ended for its silence and somebody came by.
#[track_caller]
fn hangs_while_somebody_is_heard(guard: &Guard, package: &Package) {
    let before = heard(guard);
    guard.shadow().watch(Some(choice(package.dir())));
    let text = wait("its end, and somebody who is heard meanwhile", RUN_MAX, || {
        let now = guard.shadow().now();
        let hung = now.restarts > 0 && now.text.contains("it said nothing for");
        (hung && heard(guard) > before).then_some(now.text)
    });
    println!("{text}; {} were heard meanwhile", heard(guard) - before);
}

/// Waits for an alarm before it asks whether all were in time.
#[track_caller]
fn watchman_with_alarms(watchman: Watchman, guard: &Guard) {
    wait("an incident", RUN_MAX, || {
        let latency = guard.handle().snapshots().borrow().latency;
        (latency.incidents > 0).then_some(())
    });
    watchman.assert_quiet(guard);
}

#[test]
fn a_shadow_process_ends_with_the_active_one_and_looks_beside_the_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let guard = start(folder.path());
    let told = gave_up(&guard);
    wait_watched(&guard);
    guard.shadow().watch(Some(choice(&support::model_dir())));
    wait_state(&guard, ShadowState::Watching, support::SOON);
    let run = wait("a run", support::SOON, || guard.shadow().now().run);
    let before = guard.shadow().now().coverage.seen;
    for _ in 0..6 {
        let shadow = shadow_process();
        let active = processes().0.expect("it guards");
        kill_process(active, Signal::KILL).expect("it lives");
        wait("another shadow process", RUN_MAX, || {
            shadow_process().filter(|process| Some(*process) != shadow)
        });
        wait_state(&guard, ShadowState::Watching, RUN_MAX);
        wait_watched(&guard);
    }
    wait("pictures", RUN_MAX, || (guard.shadow().now().coverage.seen > before + 20).then_some(()));
    assert_eq!(guard.shadow().now().run, Some(run), "the same models and zones are one run");
    assert_eq!(told.lock().expect("not poisoned").len(), 0, "those were not its deaths");
    guard.stop();
}
