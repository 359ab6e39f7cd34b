//! Examples in a whole guard: an incident's picture is kept to learn from, and nothing half is.

use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Signal, kill_process};
use standclear::gate::verdict::Label;
use standclear::guard::handle::Judgement;
use standclear::guard::handle::examples::{ExampleRow, Occasion, WantedExamples, WantedLabels};

use super::*;

/// In the environment of the box that is killed: at which of the bank's steps, and how many examples it
/// has room for.
const DIES_AT: &str = "STANDCLEAR_DIES_AT";
const EXAMPLES_MAX: &str = "STANDCLEAR_EXAMPLES_MAX";

/// The right half of the picture: whoever the fake camera shows stands a step beside it.
const BESIDE: &str = r#"{"type":"FeatureCollection","features":[{"type":"Feature",
    "properties":{"id":"bay","name":"Bay","kind":"restricted"},
    "geometry":{"type":"Polygon","coordinates":[[[0.5,0],[1,0],[1,1],[0.5,1],[0.5,0]]]}}]}"#;

const ALL: WantedExamples = WantedExamples { labelled: WantedLabels::All, occasion: None };

fn examples(guard: &Guard) -> Vec<ExampleRow> {
    guard.handle().example_desk().examples(ALL, 10, None).expect("read")
}

fn files(site: &Site) -> Vec<String> {
    let Ok(entries) = fs::read_dir(site.path("data/examples")) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    names
}

#[test]
fn an_incident_leaves_an_example_that_a_verdict_labels_and_a_restart_keeps() {
    let _alone = alone();
    let site = Site::new();
    let guard = site.start();
    wait_watched(&guard);
    site.visit(&guard);
    let row = wait_for("an example", || examples(&guard).pop());
    assert_eq!((row.occasion, row.id), (Occasion::Incident, 1));
    assert_eq!(row.zone, Some((Some(0), "Bay".to_owned())));
    assert!(row.score.is_some_and(|score| score > 0.3) && !row.boxes.is_empty(), "{row:?}");
    let handle = guard.handle();
    let shown = handle.example_desk().example_picture(1).expect("a picture");
    let kept = fs::read(site.path("data/examples/example-00000001.jpg")).expect("there");
    assert_ne!(shown, kept, "everybody sees nobody");
    handle.judging().judge(1, Judgement::Test, "Eva", "").expect("kept");
    let label = examples(&guard)[0].label.clone().expect("labelled");
    assert_eq!((label.label, &*label.by), (Label::True, "Eva"));
    drop(handle);
    guard.stop();
    site.assert_whole();
    let guard = site.start();
    assert_eq!(examples(&guard).len(), 1);
    guard.stop();
}

/// The box that is killed dies of itself, as of a power cut, when it comes there.
pub fn prepare_to_die(config: &mut Config) {
    if let Some(room) = env::var(EXAMPLES_MAX).ok().and_then(|it| it.parse().ok()) {
        config.examples.examples_max = room;
    }
    if let Ok(point) = env::var(DIES_AT) {
        let die = || {
            let _ = kill_process(rustix::process::getpid(), Signal::KILL);
        };
        fail::cfg_callback(point, die).expect("a fail point");
    }
}

/// A life of the box that ends at one of the bank's steps, somebody having come in.
fn dies_at(site: &Site, point: &str, room: u32) {
    let mut child = Command::new(env::current_exe().expect("this program"))
        .args(["--exact", "box_that_is_killed", "--nocapture"])
        .env(BOX, site.folder.path())
        .env(DIES_AT, point)
        .env(EXAMPLES_MAX, room.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a box");
    let status = wait_for(point, || child.try_wait().expect("a box"));
    assert_eq!(status.signal(), Some(Signal::KILL.as_raw()), "{point}: {status:?}");
    site.shows(Scene::Empty);
}

/// The numbers of the examples, which are those of the files.
#[track_caller]
fn assert_agree(guard: &Guard, site: &Site, at: &str) -> Vec<u64> {
    let mut numbers: Vec<u64> = examples(guard).iter().map(|row| row.id).collect();
    numbers.sort_unstable();
    let named: Vec<String> = numbers.iter().map(|id| format!("example-{id:08}.jpg")).collect();
    wait_for("files as there are rows", || (files(site) == named).then_some(()));
    println!("{at}: {named:?}");
    numbers
}

#[test]
fn a_box_that_is_killed_at_any_step_of_an_example_starts_with_a_file_for_each_row_and_no_other() {
    let _alone = alone();
    for (point, left) in [("examples::written", 0), ("examples::named", 0), ("examples::kept", 1)] {
        let site = Site::new();
        dies_at(&site, point, 100);
        assert_eq!(files(&site).len(), 1, "{point}: a picture lies there");
        let guard = site.start();
        wait_watched(&guard);
        wait_for("the look over the folder", || (files(&site).len() == left).then_some(()));
        let before = assert_agree(&guard, &site, point);
        assert_eq!(before.len(), left, "{point}");
        wait_for("the end of the visit", || {
            let now = guard.handle().snapshots().borrow().clone();
            now.zones.iter().all(|zone| zone.incident.is_none()).then_some(())
        });
        // The alarm of before may be there still.
        site.shows(Scene::Person);
        wait_for("the next", || (examples(&guard).len() == left + 1).then_some(()));
        site.shows(Scene::Empty);
        let now = assert_agree(&guard, &site, point);
        assert!(now.starts_with(&before), "{point}: {before:?}, {now:?}");
        guard.stop();
        site.assert_whole();
    }
}

#[test]
fn a_box_that_is_killed_while_it_makes_room_among_examples_leaves_no_file_of_what_went() {
    let _alone = alone();
    let site = Site::new();
    let guard = site.start();
    wait_watched(&guard);
    for count in 1..=2 {
        site.visit(&guard);
        wait_for("an example", || (examples(&guard).len() == count).then_some(()));
        let alarm = wait_alarm(&guard, intrusion, AlarmState::ReturnedUnacknowledged);
        guard.handle().acknowledge(alarm.id, None, "Eva").expect("answered");
    }
    guard.stop();
    assert_eq!(files(&site).len(), 2);
    dies_at(&site, "examples::dropped", 1);
    assert_eq!(files(&site).len(), 2, "the row of one is gone, and its file is not");
    let guard = site.start();
    wait_watched(&guard);
    wait_for("the look over the folder", || (files(&site).len() == 1).then_some(()));
    assert_eq!(assert_agree(&guard, &site, "examples::dropped").len(), 1);
    guard.stop();
    site.assert_whole();
}

#[test]
fn who_comes_close_and_what_hardly_looks_like_somebody_come_into_the_bank_of_a_box_that_guards() {
    let _alone = alone();
    let site = Site::new();
    fs::write(site.path("yard.json"), BESIDE).expect("a zone file");
    let guard = site.start();
    wait_watched(&guard);
    site.shows(Scene::Person);
    let near = wait_for("a near miss", || examples(&guard).pop());
    assert_eq!(near.occasion, Occasion::NearMiss, "{near:?}");
    assert_eq!(near.zone, Some((Some(0), "Bay".to_owned())));
    assert_eq!(near.boxes.len(), 1, "{near:?}");
    site.shows(Scene::Empty);
    site.shows(Scene::Faint);
    let faint = wait_for("a low score", || {
        examples(&guard).into_iter().find(|row| row.occasion == Occasion::LowScore)
    });
    assert!(faint.score.is_some_and(|score| (score - 0.2).abs() < 0.01), "{faint:?}");
    assert_eq!((faint.zone, faint.boxes.len()), (None, 1));
    assert_eq!(guard.handle().incidents(10, None).expect("read"), [], "and nobody alarms for them");
    assert_agree(&guard, &site, "without an incident");
    guard.stop();
    site.assert_whole();
}

#[test]
fn a_bank_that_fails_between_the_file_and_its_row_leaves_neither_and_keeps_the_next() {
    let _alone = alone();
    for point in ["examples::written", "examples::named"] {
        let site = Site::new();
        let guard = site.start();
        wait_watched(&guard);
        let failed = Arc::new(AtomicBool::new(false));
        let fails = failed.clone();
        let once = move || assert!(fails.swap(true, Ordering::SeqCst), "the test asked for it");
        fail::cfg_callback(point, once).expect("a fail point");
        site.visit(&guard);
        wait_for("nothing left behind", || {
            let failed = failed.load(Ordering::SeqCst);
            (failed && files(&site).is_empty()).then_some(())
        });
        assert_eq!(examples(&guard), [], "{point}");
        wait_alarm(&guard, intrusion, AlarmState::ReturnedUnacknowledged);
        site.visit(&guard);
        wait_for("an example", || examples(&guard).pop());
        fail::remove(point);
        assert_eq!(files(&site).len(), 1, "{point}");
        guard.stop();
        site.assert_whole();
    }
}
