//! From one model to another, with real vision processes and real packages: every picture is decided on
//! by exactly one of them, and what the new one does wrong costs no camera its watch.

mod support;

#[path = "cutover/guarded.rs"]
mod guarded;
#[path = "cutover/process.rs"]
mod process;
#[path = "guard/site.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod site;
#[path = "guard/worker.rs"]
#[expect(dead_code, reason = "here the vision process is a real one")]
mod worker;

use std::fs;
use std::path::Path;
use std::time::Duration;

use standclear::link::{FromWorker, ModelInfo, Report, SwitchedTo, ToWorker, WorkerConfig};
use standclear::rollout::slot::Digest;
use support::hostile::{self, Harm, TEN_SECONDS, When};

use process::{Vision, choice, config, other_model, shipped};

/// Pictures a second of the cameras in these tests, and their interval.
const FPS: f64 = 10.0;
const INTERVAL: Duration = Duration::from_millis(100);

/// Who decided on a camera's pictures, as the link tells it.
#[derive(Default)]
struct Decisions {
    looking: String,
    /// Frame number, slot.
    of: Vec<Vec<(u64, String)>>,
    /// By camera: when the newest picture was decided on, and the longest time between two.
    decided_ns: Vec<u64>,
    longest_ns: u64,
}

impl Decisions {
    fn take(&mut self, message: &FromWorker) {
        match message {
            FromWorker::Ready(model)
            | FromWorker::Looking(model)
            | FromWorker::FellBack { model, .. } => self.looking = model.slot.clone(),
            FromWorker::Report(report) => {
                let camera = usize::from(report.camera);
                self.of.resize(self.of.len().max(camera + 1), Vec::new());
                self.of[camera].push((report.frame, self.looking.clone()));
                self.decided_ns.resize(self.of.len(), report.stages.decoded_ns);
                let gap = report.stages.decoded_ns - self.decided_ns[camera];
                self.longest_ns = self.longest_ns.max(gap);
                self.decided_ns[camera] = report.stages.decoded_ns;
            }
            _ => {}
        }
    }

    /// Every picture once, by one model, and never back and forth.
    #[track_caller]
    fn assert_each_once(&self, slots: &[&str]) {
        for (camera, decided) in self.of.iter().enumerate() {
            let frames: Vec<u64> = decided.iter().map(|(frame, _)| *frame).collect();
            assert_eq!(frames, (0..frames.len() as u64).collect::<Vec<_>>(), "camera {camera}");
            let mut by: Vec<&str> = decided.iter().map(|(_, slot)| slot.as_str()).collect();
            by.dedup();
            assert_eq!(by, slots, "camera {camera}");
        }
    }
}

/// Reads on until `wanted` gives something, and notes who decided what.
fn until<T>(
    vision: &Vision,
    decisions: &mut Decisions,
    mut wanted: impl FnMut(FromWorker, &Decisions) -> Option<T>,
) -> T {
    vision.until(|message| {
        decisions.take(&message);
        assert!(!matches!(message, FromWorker::Fatal { .. }), "{message:?}");
        wanted(message, decisions)
    })
}

fn looked(decisions: &Decisions, cameras: usize, pictures: usize) -> Option<()> {
    let enough = |it: &Vec<(u64, String)>| it.len() >= pictures;
    (decisions.of.len() == cameras && decisions.of.iter().all(enough)).then_some(())
}

/// Prepares a model that can be.
fn prepare(vision: &Vision, decisions: &mut Decisions, switch: u64, dir: &Path) -> ModelInfo {
    let slot = format!("other-{switch}");
    vision.send(&ToWorker::Prepare { switch, model: choice(&slot, dir) });
    let outcome = until(vision, decisions, |message, _| match message {
        FromWorker::Prepared { switch: of, outcome } if of == switch => Some(outcome),
        _ => None,
    });
    outcome.expect("it can be loaded")
}

fn switched(vision: &Vision, decisions: &mut Decisions, switch: u64) -> Result<SwitchedTo, String> {
    until(vision, decisions, |message, _| match message {
        FromWorker::Switched { switch: of, outcome } if of == switch => Some(outcome),
        _ => None,
    })
}

#[test]
fn under_load_every_picture_is_decided_on_once_and_a_switch_adds_less_than_a_frame_interval() {
    let small = config(vec![shipped()], 2, FPS);
    let vision = Vision::start(WorkerConfig { input_long_side_px: Some(320), ..small });
    let mut decisions = Decisions::default();
    until(&vision, &mut decisions, |_, so_far| looked(so_far, 2, 20));
    let prepared = prepare(&vision, &mut decisions, 7, &other_model());
    assert_eq!(prepared.name, "ssdlite-person-300-int8");
    let before: usize = decisions.of.iter().map(Vec::len).sum();
    let usual = Duration::from_nanos(decisions.longest_ns);
    vision.send(&ToWorker::Switch { switch: 7 });
    let there = switched(&vision, &mut decisions, 7).expect("switched");
    assert_eq!(there.model, prepared);
    until(&vision, &mut decisions, |_, so_far| {
        let now: usize = so_far.of.iter().map(Vec::len).sum();
        (now >= before + 40).then_some(())
    });
    vision.send(&ToWorker::SwitchBack { switch: 8, reason: "a trial".into() });
    let back = switched(&vision, &mut decisions, 8).expect("back");
    let after = |it: &Vec<(u64, String)>| it.last().is_some_and(|(_, slot)| slot == "shipped");
    until(&vision, &mut decisions, |_, now| now.of.iter().all(after).then_some(()));
    assert_eq!(back.model.slot, "shipped");
    let gaps = [there.gap_ns, back.gap_ns].map(Duration::from_nanos);
    let [there, back] = gaps;
    println!("without a decision: {there:?} and back {back:?}, {usual:?} at most before");
    // From one decision to the next is an interval by itself, and more on a machine that is busy with
    // other things.
    assert!(gaps.iter().all(|gap| *gap < usual + INTERVAL), "{gaps:?}");
    let slot = prepared.slot.as_str();
    decisions.assert_each_once(&["shipped", slot, "shipped"]);
    vision.stop();
}

#[test]
fn a_model_that_ends_with_an_error_is_replaced_on_that_very_picture() {
    let broken = hostile::package("broken", 2, Harm::Error, When::Light);
    let vision = Vision::start(config(vec![shipped()], 1, FPS));
    let mut decisions = Decisions::default();
    until(&vision, &mut decisions, |_, so_far| looked(so_far, 1, 5));
    prepare(&vision, &mut decisions, 1, broken.dir());
    vision.send(&ToWorker::Switch { switch: 1 });
    let mut outcome = None;
    let reason = until(&vision, &mut decisions, |message, _| match message {
        FromWorker::Switched { switch: 1, outcome: told } => {
            outcome = Some(told);
            None
        }
        FromWorker::FellBack { model, reason } => {
            assert_eq!(model.slot, "shipped");
            Some(reason)
        }
        _ => None,
    });
    assert!(outcome.is_some_and(|it| it.is_err()), "the switch is told to have come to nothing");
    assert!(reason.contains("inference failed"), "{reason}");
    let so_far = decisions.of[0].len();
    until(&vision, &mut decisions, |_, now| (now.of[0].len() >= so_far + 5).then_some(()));
    // Also the picture that failed, in its turn, and none by the model that cannot.
    decisions.assert_each_once(&["shipped"]);
    // What failed is gone: nothing goes back to it.
    vision.send(&ToWorker::SwitchBack { switch: 2, reason: "once more".into() });
    assert!(switched(&vision, &mut decisions, 2).is_err());
    vision.stop();
}

#[test]
fn what_cannot_be_prepared_changes_nothing_and_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    support::copy(&other_model(), folder.path());
    process::damage(&folder.path().join("model.onnx"));
    let vision = Vision::start(config(vec![shipped()], 1, FPS));
    let mut decisions = Decisions::default();
    until(&vision, &mut decisions, |_, so_far| looked(so_far, 1, 5));
    vision.send(&ToWorker::Prepare { switch: 1, model: choice("sha256-1", folder.path()) });
    let outcome = until(&vision, &mut decisions, |message, _| match message {
        FromWorker::Prepared { switch: 1, outcome } => Some(outcome),
        _ => None,
    });
    let reason = outcome.expect_err("it is damaged");
    assert!(reason.contains("changed or damaged"), "{reason}");
    for order in [
        ToWorker::Switch { switch: 1 },
        ToWorker::SwitchBack { switch: 1, reason: "nothing".into() },
    ] {
        vision.send(&order);
        assert!(switched(&vision, &mut decisions, 1).is_err(), "{order:?}");
    }
    vision.send(&ToWorker::ForgetStandby);
    let so_far = decisions.of[0].len();
    until(&vision, &mut decisions, |_, now| (now.of[0].len() >= so_far + 5).then_some(()));
    decisions.assert_each_once(&["shipped"]);
    vision.stop();
}

#[test]
fn a_manifest_that_is_not_the_one_that_was_installed_is_loaded_in_no_order_and_prepared_for_nothing()
 {
    let folder = tempfile::tempdir().expect("a folder");
    support::copy(&other_model(), folder.path());
    let manifest = folder.path().join("manifest.json");
    let mut text = fs::read(&manifest).expect("readable");
    let installed = choice(&format!("sha256-{}", Digest::of(&text)), folder.path());
    // Every other file has its sha256 still.
    text.push(b'\n');
    fs::write(&manifest, text).expect("written");
    let vision = Vision::start(config(vec![installed.clone(), shipped()], 1, FPS));
    let ready = vision.until(|message| match message {
        FromWorker::Ready(model) => Some(model),
        _ => None,
    });
    assert_eq!(ready.slot, "shipped");
    assert!(ready.passed_over[0].reason.contains("changed or damaged"), "{ready:?}");
    vision.send(&ToWorker::Prepare { switch: 1, model: installed });
    let outcome = vision.until(|message| match message {
        FromWorker::Prepared { switch: 1, outcome } => Some(outcome),
        _ => None,
    });
    let reason = outcome.expect_err("it was changed");
    assert!(reason.contains("changed or damaged"), "{reason}");
    vision.stop();
}

#[test]
fn a_model_that_nobody_wants_any_more_while_it_is_loaded_is_let_go_of_and_the_next_one_can_be() {
    let vision = Vision::start(config(vec![shipped()], 1, FPS));
    let mut decisions = Decisions::default();
    until(&vision, &mut decisions, |_, so_far| looked(so_far, 1, 5));
    vision.send(&ToWorker::Prepare { switch: 1, model: choice("other-1", &other_model()) });
    vision.send(&ToWorker::ForgetStandby);
    vision.send(&ToWorker::Prepare { switch: 2, model: choice("other-2", &other_model()) });
    let outcome = until(&vision, &mut decisions, |message, _| match message {
        FromWorker::Prepared { switch: 2, outcome } => Some(outcome),
        FromWorker::Prepared { switch, .. } => panic!("{switch} was not wanted any more"),
        _ => None,
    });
    assert_eq!(outcome.expect("it can be loaded").slot, "other-2");
    // What was not wanted cannot be switched to.
    vision.send(&ToWorker::Switch { switch: 1 });
    assert!(switched(&vision, &mut decisions, 1).is_err());
    vision.stop();
}

#[test]
fn the_first_of_the_order_that_can_be_loaded_looks_and_the_damaged_ones_are_named() {
    let damaged = tempfile::tempdir().expect("a folder");
    support::copy(&other_model(), damaged.path());
    process::damage(&damaged.path().join("golden/walkway-1.jpg"));
    let missing = damaged.path().join("nowhere");
    let order = vec![
        choice("sha256-1", damaged.path()),
        choice("sha256-2", &missing),
        choice("sha256-3", &other_model()),
        shipped(),
    ];
    let vision = Vision::start(config(order, 1, FPS));
    let ready = vision.until(|message| match message {
        FromWorker::Ready(model) => Some(model),
        _ => None,
    });
    assert_eq!((ready.slot.as_str(), ready.name.as_str()), ("sha256-3", "ssdlite-person-300-int8"));
    let over: Vec<&str> = ready.passed_over.iter().map(|it| it.slot.as_str()).collect();
    assert_eq!(over, ["sha256-1", "sha256-2"]);
    assert!(ready.passed_over[0].reason.contains("changed or damaged"), "{ready:?}");
    vision.until(|message| matches!(message, FromWorker::Report(_)).then_some(()));
    vision.stop();
}

#[test]
fn golden_pictures_are_shown_again_between_the_pictures_of_cameras() {
    let fine = hostile::package("fine", 2, Harm::None, When::Light);
    let vision = Vision::start(config(vec![choice("sha256-1", fine.dir())], 1, FPS));
    let mut decisions = Decisions::default();
    until(&vision, &mut decisions, |_, so_far| looked(so_far, 1, 5));
    vision.send(&ToWorker::RunGolden { run: 3 });
    let asked_after = decisions.of[0].len();
    let outcome = until(&vision, &mut decisions, |message, _| match message {
        FromWorker::Golden { run: 3, outcome } => Some(outcome),
        _ => None,
    });
    assert_eq!(outcome, Ok(()));
    until(&vision, &mut decisions, |_, now| (now.of[0].len() >= asked_after + 5).then_some(()));
    decisions.assert_each_once(&["sha256-1"]);
    vision.stop();
}

#[test]
fn golden_pictures_that_cannot_be_shown_again_are_told_and_cameras_go_on_until_somebody_decides() {
    let folder = tempfile::tempdir().expect("a folder");
    support::copy(&other_model(), folder.path());
    let vision = Vision::start(config(vec![choice("sha256-1", folder.path())], 1, FPS));
    let mut decisions = Decisions::default();
    until(&vision, &mut decisions, |_, so_far| looked(so_far, 1, 3));
    process::damage(&folder.path().join("golden/walkway-1.jpg"));
    vision.send(&ToWorker::RunGolden { run: 1 });
    let outcome = until(&vision, &mut decisions, |message, _| match message {
        FromWorker::Golden { run: 1, outcome } => Some(outcome),
        _ => None,
    });
    assert!(outcome.expect_err("changed").contains("changed or damaged"));
    let so_far = decisions.of[0].len();
    until(&vision, &mut decisions, |_, now| (now.of[0].len() >= so_far + 3).then_some(()));
    vision.stop();
}

#[test]
fn a_model_that_needs_larger_pictures_gets_them_without_a_camera_being_opened_anew() {
    let large = tempfile::tempdir().expect("a folder");
    support::copy(&support::model_dir(), large.path());
    let manifest = large.path().join("manifest.json");
    let text = fs::read_to_string(&manifest).expect("readable");
    fs::write(&manifest, text.replace("\"long_side_default\": 640", "\"long_side_default\": 736"))
        .expect("written");
    assert!(!text.contains("\"long_side_default\": 736"));
    let vision = Vision::start(config(vec![shipped()], 1, FPS));
    let mut decisions = Decisions::default();
    let mut ups = 0;
    until(&vision, &mut decisions, |message, so_far| {
        ups += usize::from(matches!(message, FromWorker::CameraUp { .. }));
        looked(so_far, 1, 5)
    });
    prepare(&vision, &mut decisions, 1, large.path());
    let width = || {
        vision.send(&ToWorker::TakeSnapshot { request: 1, camera: 0, frame: u64::MAX });
        vision.until(|message| match message {
            FromWorker::Snapshot { picture, .. } => {
                let picture = picture.expect("kept");
                Some(image::load_from_memory(&picture.jpeg).expect("a JPEG").width())
            }
            FromWorker::CameraUp { .. } | FromWorker::CameraLost { .. } => {
                panic!("a camera was opened anew: {message:?}")
            }
            _ => None,
        })
    };
    let mut looks = 0;
    while width() != 736 {
        looks += 1;
        assert!(looks < 100, "pictures stay as they were");
        vision.until(|message| matches!(message, FromWorker::Report(Report { .. })).then_some(()));
    }
    assert_eq!(ups, 1);
    vision.stop();
}

#[test]
fn a_model_that_takes_ten_seconds_for_a_picture_gives_no_sign_of_life_meanwhile() {
    let slow = hostile::package("slow", 2, Harm::Slow { rounds: TEN_SECONDS }, When::Light);
    let vision = Vision::start(config(vec![shipped()], 1, FPS));
    let mut decisions = Decisions::default();
    until(&vision, &mut decisions, |_, so_far| looked(so_far, 1, 5));
    prepare(&vision, &mut decisions, 1, slow.dir());
    vision.send(&ToWorker::Switch { switch: 1 });
    until(&vision, &mut decisions, |message, _| {
        matches!(message, FromWorker::Looking(_)).then_some(())
    });
    // The guard kills a process that is silent for so long; a beat may come before its first picture.
    let silent = (0..5).any(|_| vision.silent_for(Duration::from_secs(2)).is_none());
    assert!(silent, "it beats meanwhile");
    vision.kill();
}
