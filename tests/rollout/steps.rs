//! The way of a model step by step, and what each step waits for.

use std::time::Duration;

use standclear::clock;
use standclear::guard::handle::Reason;
use standclear::guard::handle::models::{May, ModelError, ModelFaultKind, Models, ReviewStep};
use standclear::guard::models::order::{NextLife, ORDER_WAIT_MAX};
use standclear::guard::models::seen::{LifeEnd, ModelNews};
use standclear::link::ToWorker;
use standclear::model_store::check::check;
use standclear::model_store::ledger_file::NEWEST;
use standclear::rollout::slot::{Digest, Slot};
use standclear::rollout::stage::{Fault, Reason as End, Stage};

use super::world::{EVIDENCE, Mood, World, badly, info};

pub const MS: Duration = Duration::from_millis(1);

pub fn why(text: &str) -> Reason {
    Reason::new(text).expect("a reason")
}

/// Installed, verified, in the shadow.
pub fn in_the_shadow(world: &World) -> Digest {
    let digest = world.install(&world.package(7)).expect("installed");
    world.desk().shadow(digest, "Eva").expect("shadowing");
    digest
}

/// On probation, and its vision process says so.
pub fn on_probation(world: &World) -> Digest {
    let digest = in_the_shadow(world);
    world.watch();
    world.desk().promote(digest, EVIDENCE, "Eva").expect("approved");
    world.switches();
    digest
}

/// Guards by right.
pub fn committed(world: &World) -> Digest {
    let digest = on_probation(world);
    commit(world);
    digest
}

/// Shows what it has to, until the golden pictures are asked for, and passes them.
pub fn commit(world: &World) {
    let run = golden_asked(world);
    world.tell(ModelNews::Golden { run, outcome: Ok(()) });
    world.wait("it is committed", |now| now.trial.is_none());
    assert_eq!(world.told(), ToWorker::ForgetStandby);
}

pub fn golden_asked(world: &World) -> u64 {
    let asked = std::cell::Cell::new(None);
    world.wait_for("golden pictures are asked for", || {
        world.pictures(20, 40 * MS);
        match world.told_now() {
            Some(ToWorker::RunGolden { run }) => asked.set(Some(run)),
            Some(other) => panic!("{other:?}"),
            None => {}
        }
        asked.get().is_some()
    });
    asked.get().expect("asked for")
}

pub fn conflict(error: &ModelError) -> &'static str {
    match error {
        ModelError::Conflict { code, .. } => code,
        error => panic!("no conflict: {error}"),
    }
}

#[test]
fn a_package_goes_from_its_bytes_to_guarding_by_right_and_each_step_is_told() {
    let mut world = World::new();
    world.watch();
    let digest = world.install(&world.package(7)).expect("installed");
    assert_eq!(world.stage(), Some(Stage::Verified));
    let early = world.desk().promote(digest, EVIDENCE, "Eva").expect_err("not in the shadow yet");
    assert_eq!(conflict(&early), "not_shadowing");
    world.desk().shadow(digest, "Eva").expect("shadowing");
    let other = world.desk().promote(digest, "what somebody else saw", "Eva").expect_err("changed");
    assert_eq!(conflict(&other), "evidence_changed");
    world.desk().promote(digest, EVIDENCE, "Eva").expect("approved");
    assert_eq!(
        world.stage(),
        Some(Stage::Approved { by: "Eva".to_owned().try_into().expect("a name") })
    );
    // Nothing says that it guards before it is prepared.
    let ToWorker::Prepare { switch, model } = world.told() else { panic!("a preparation") };
    assert!(model.dir.ends_with(&format!("blobs/sha256-{digest}")), "{model:?}");
    assert!(world.now().trial.is_none());
    world.tell(ModelNews::Prepared { switch, outcome: Ok(info(&model.slot)) });
    let ToWorker::Switch { switch } = world.told() else { panic!("a switch") };
    // What is told to the vision process is on the disk already.
    let ledger = std::fs::read_to_string(world.root().join(NEWEST)).expect("a ledger");
    assert!(ledger.contains("\"attempts_left\": 3"), "{ledger}");
    world.switched(switch, Slot::Blob(digest));
    commit(&world);
    let now = world.now();
    assert_eq!((now.floor, now.previous), (7, Some(Slot::Shipped)));
    world.is_told("committed");
    let told = ["installed", "verified", "shadowing", "approved", "switched", "committed"];
    assert_eq!(world.history(), told);
    world.restart();
    assert_eq!(world.watch(), Slot::Blob(digest));
    assert!(check(world.folder.path()).iter().all(|it| it.broken.is_empty()));
    let row = world.now().models.into_iter().find(|it| it.slot == Slot::Blob(digest));
    let row = row.expect("a row");
    assert_eq!((row.name.as_str(), row.release), ("people", 7));
    assert_eq!(row.installed_by.as_deref(), Some("Eva"));
    assert!(row.signed_by[0].starts_with("release ("), "{:?}", row.signed_by);
}

#[test]
fn what_people_did_is_in_the_audit_log_with_their_names() {
    let mut world = World::new();
    let digest = in_the_shadow(&world);
    world.desk().discard(digest, &why("too slow"), "Karl").expect("discarded");
    world.is_told("discarded");
    world.end();
    let store = standclear::store::Store::open(world.folder.path()).expect("a store");
    let entries = store.audit_reader().expect("one").entries(10, None).expect("read");
    let told: Vec<_> = entries.iter().rev().map(|it| (&*it.entry.action, &*it.entry.by)).collect();
    let expected =
        [("model_installed", "Eva"), ("model_shadowing", "Eva"), ("model_discarded", "Karl")];
    assert_eq!(told, expected);
    let slot = Slot::Blob(digest).to_string();
    assert!(entries.iter().all(|it| it.entry.subject == slot));
}

#[test]
fn a_trial_that_becomes_slow_is_taken_back_at_the_next_picture() {
    let world = World::new();
    let digest = on_probation(&world);
    world.pictures(300, 40 * MS);
    // Six slow ones among five hundred are more than a hundredth.
    world.pictures(200, 400 * MS);
    let mut told = world.told();
    if matches!(told, ToWorker::RunGolden { .. }) {
        told = world.told();
    }
    let ToWorker::SwitchBack { switch, reason } = told else { panic!("back: {told:?}") };
    assert!(reason.contains("budget is 150 ms"), "{reason}");
    let back = standclear::link::SwitchedTo { model: info("shipped"), at_ns: 0, gap_ns: 0 };
    world.tell(ModelNews::Switched { switch, outcome: Ok(back) });
    let now = world.wait("shipped guards", |now| now.active.slot == Some(Slot::Shipped));
    assert_eq!(now.rejected, [(digest, End::Fault(Fault::Latency))]);
    assert_eq!(world.told(), ToWorker::ForgetStandby);
    world.is_told("rolled_back");
}

/// What the trial was taken back for, in words.
#[track_caller]
fn why_back(world: &World, digest: Digest) -> String {
    let ToWorker::SwitchBack { reason, .. } = world.told() else { panic!("back") };
    let now = world.wait("it is taken back", |now| now.trial.is_none());
    assert_eq!(now.rejected, [(digest, End::Fault(Fault::Latency))]);
    reason
}

#[test]
fn a_trial_that_is_slow_from_its_first_picture_is_not_watched_for_two_hundred() {
    let world = World::new();
    let digest = on_probation(&world);
    world.pictures(20, 40 * MS);
    world.pictures(2, 400 * MS);
    world.wait("all are heard", |now| now.trial.as_ref().is_some_and(|it| it.frames == 22));
    assert!(world.told_nothing(), "two slow ones decide nothing");
    world.pictures(1, 400 * MS);
    assert!(why_back(&world, digest).contains("budget is 150 ms"));
}

#[test]
fn one_look_that_lasts_longer_than_a_picture_may_be_old_takes_a_trial_back() {
    let world = World::new();
    let digest = on_probation(&world);
    world.pictures(1, 950 * MS);
    assert!(why_back(&world, digest).contains("older than 900 ms"));
}

#[test]
fn an_engineer_ends_a_trial_and_puts_back_what_guarded_before() {
    let world = World::new();
    let first = committed(&world);
    world.desk().rollback(&why("it misses people with umbrellas"), "Eva").expect("asked");
    world.prepares();
    let ToWorker::Switch { switch } = world.told() else { panic!("a switch") };
    assert_eq!(world.desk().intake.shared.now().ledger.committed(), Slot::Shipped);
    world.switched(switch, Slot::Shipped);
    world.is_told("put_back");
    assert!(world.told_nothing(), "the other one stays loaded, should this one fail");
    // And back again: the other one is kept.
    world.desk().rollback(&why("it was the rain"), "Eva").expect("asked");
    world.prepares();
    let ToWorker::Switch { switch } = world.told() else { panic!("a switch") };
    world.switched(switch, Slot::Blob(first));
    assert_eq!(world.now().previous, Some(Slot::Shipped));
}

#[test]
fn a_previous_model_that_cannot_be_loaded_changes_nothing() {
    let world = World::new();
    let first = committed(&world);
    world.desk().rollback(&why("back"), "Eva").expect("asked");
    let ToWorker::Prepare { switch, .. } = world.told() else { panic!("a preparation") };
    world.tell(ModelNews::Prepared { switch, outcome: Err("it is damaged".into()) });
    assert_eq!(world.told(), ToWorker::ForgetStandby);
    world.is_told("fault");
    assert_eq!(world.desk().intake.shared.now().ledger.committed(), Slot::Blob(first));
}

/// A model is put back, and ends with an error on a picture while the other one is still loaded.
fn put_back_fails(switched: impl Fn(&World, u64)) {
    let world = World::new();
    let first = Slot::Blob(committed(&world));
    world.desk().rollback(&why("back"), "Eva").expect("asked");
    world.prepares();
    let ToWorker::Switch { switch } = world.told() else { panic!("a switch") };
    switched(&world, switch);
    let reason = "inference failed".to_owned();
    world.tell(ModelNews::FellBack { model: info(&first.to_string()), reason });
    world.wait("what looks guards by right", |now| now.active.slot == Some(first));
    let ledger = || world.desk().intake.shared.now().ledger;
    world.wait_for("the ledger follows", || ledger().committed() == first);
    assert_eq!(ledger().previous(), Some(Slot::Shipped));
    world.is_told("fault");
    // The cameras go on, and so does the next life.
    while let Some(told) = world.told_now() {
        assert_eq!(told, ToWorker::ForgetStandby);
    }
    assert_eq!(world.life().order.order()[0].slot, first.to_string());
}

#[test]
fn a_model_that_is_put_back_and_fails_on_its_first_picture_is_not_forced_on_the_cameras() {
    put_back_fails(|world, switch| {
        let outcome = Err("inference failed".to_owned());
        world.tell(ModelNews::Switched { switch, outcome });
    });
}

#[test]
fn a_model_that_is_put_back_and_fails_a_little_later_is_not_forced_on_the_cameras() {
    put_back_fails(|world, switch| world.switched(switch, Slot::Shipped));
}

#[test]
fn a_trial_that_is_taken_back_after_a_restart_does_not_guard_on_while_a_model_loads_for_ever() {
    let mut world = World::new();
    let digest = on_probation(&world);
    world.restart();
    assert_eq!(world.watch(), Slot::Blob(digest));
    world.desk().rollback(&why("it is wrong"), "Eva").expect("taken back");
    assert!(matches!(world.told(), ToWorker::Prepare { .. }));
    // Nothing comes of that.
    assert_eq!(world.told(), ToWorker::ForgetStandby);
    assert_eq!(world.told(), ToWorker::Stop, "the next life loads what guards by right");
    assert_eq!(world.life().order.order()[0].slot, "shipped");
}

#[test]
fn an_open_review_holds_up_the_commit_also_over_a_restart_and_a_confirmed_one_takes_it_back() {
    let mut world = World::new();
    let digest = on_probation(&world);
    world.desk().review(ReviewStep::Open, &why("was that a person?"), "Ida").expect("opened");
    world.is_told("review_opened");
    world.restart();
    assert_eq!(world.watch(), Slot::Blob(digest));
    assert_eq!(world.now().trial.expect("on trial").reviews_open, 1);
    world.pictures(300, 40 * MS);
    let until = clock::monotonic().after(500 * MS);
    world.wait_for("time passes", || {
        world.pictures(1, 40 * MS);
        clock::monotonic() > until
    });
    assert!(world.told_nothing(), "no golden pictures while somebody looks");
    world.desk().review(ReviewStep::Confirm, &why("it was"), "Ida").expect("confirmed");
    assert_eq!(world.now().rejected, [(digest, End::Fault(Fault::ReviewConfirmed))]);
    // This life loaded nothing beside it: what is committed is loaded now, and switched to.
    let ToWorker::Prepare { switch, model } = world.told() else { panic!("a preparation") };
    assert_eq!(model.slot, "shipped");
    world.tell(ModelNews::Prepared { switch, outcome: Ok(info("shipped")) });
    let ToWorker::Switch { switch } = world.told() else { panic!("a switch") };
    world.switched(switch, Slot::Shipped);
}

#[test]
fn while_the_disk_hangs_a_life_begins_without_the_trial_which_is_told_and_loses_one_attempt_at_most()
 {
    let world = World::new();
    let digest = on_probation(&world);
    world.life_ends(LifeEnd::Killed);
    world.mood(Mood::Hangs);
    for _ in 0..2 {
        let asked = clock::monotonic();
        let order = world.life().order.order();
        assert!(clock::monotonic().since(asked) <= ORDER_WAIT_MAX + 500 * MS);
        assert_eq!(order[0].slot, "shipped");
    }
    world.tell(ModelNews::LifeBegins { order: vec!["shipped".into()] });
    world.tell(ModelNews::Ready(info("shipped")));
    world.mood(Mood::Well);
    let now = world.wait("it is shown", |now| now.fault.is_some());
    let fault = now.fault.expect("one");
    assert!(fault.text.contains("does not guard in this life"), "{fault:?}");
    assert!(now.trial.is_some(), "it is still on probation");
    world.wait_for("it is told", || {
        let rows = world.desk().model_history(10, None).expect("read");
        rows.iter().any(|row| row.kind == "fault" && row.text.contains("in this life"))
    });
    world.life_ends(LifeEnd::Killed);
    assert_eq!(world.watch(), Slot::Blob(digest));
    // The one that hung was begun, the one behind it was not.
    let now = world.wait("nothing is wrong any more", |now| now.fault.is_none());
    assert_eq!(now.trial.expect("on trial").attempts_left, 1);
}

#[test]
fn a_trial_dies_as_often_as_it_may_and_then_what_was_committed_guards() {
    let world = World::new();
    let digest = on_probation(&world);
    for left in [2, 1] {
        world.life_ends(LifeEnd::Killed);
        assert_eq!(world.watch(), Slot::Blob(digest));
        assert_eq!(world.now().trial.expect("on trial").attempts_left, left);
    }
    world.life_ends(LifeEnd::Killed);
    assert_eq!(world.watch(), Slot::Shipped);
    world.is_told("crash_loop");
    assert_eq!(world.now().rejected, [(digest, End::Fault(Fault::CrashLoop))]);
}

#[test]
fn a_roll_back_that_the_disk_does_not_take_counts_at_once_and_is_written_later() {
    let world = World::new();
    let digest = on_probation(&world);
    world.mood(Mood::Full);
    let refused = world.desk().rollback(&why("it is wrong"), "Eva").expect_err("not kept");
    assert!(matches!(refused, ModelError::Disk(_)), "{refused}");
    assert!(matches!(world.told(), ToWorker::SwitchBack { .. }));
    world.desk().rollback(&why("still"), "Eva").expect_err("not kept yet");
    assert!(world.told_nothing(), "it is on its way back already");
    world.life_ends(LifeEnd::Killed);
    assert_eq!(world.watch(), Slot::Shipped, "it is not loaded again");
    let fault = world.now().fault.expect("a fault");
    assert_eq!(fault.kind, ModelFaultKind::NotKept);
    world.mood(Mood::Well);
    world.wait("it is written", |now| now.trial.is_none() && now.fault.is_none());
    assert_eq!(world.now().rejected, [(digest, End::Operator)]);
    world.is_told("rolled_back");
}

#[test]
fn a_box_that_ended_while_a_package_was_tried_tries_it_again() {
    let mut world = World::new();
    let tried = standclear::guard::models::trying::Tried::NotTried { text: "no process".into() };
    world.tries.0.lock().expect("not poisoned").push_back(tried);
    world.install(&world.package(7)).expect_err("not tried");
    assert_eq!(world.stage(), Some(Stage::Staged));
    world.tries.0.lock().expect("not poisoned").push_back(badly(Fault::GoldenFailed));
    world.restart();
    let now = world.wait("it is rejected", |now| !now.rejected.is_empty());
    assert_eq!(now.rejected[0].1, End::Fault(Fault::GoldenFailed));
    world.is_told("golden_failed");
}

#[test]
fn a_package_in_whose_try_the_box_ended_is_not_tried_again_by_itself() {
    let mut world = World::new();
    let tried = standclear::guard::models::trying::Tried::NotTried { text: "no process".into() };
    world.tries.0.lock().expect("not poisoned").push_back(tried);
    world.install(&world.package(7)).expect_err("not tried");
    let digest = world.candidate();
    assert!(!world.root().join("trying").exists(), "that try came to its end");
    world.end_in_a_try(digest);
    world.begin();
    world.wait_for("it is told", || {
        let rows = world.desk().model_history(10, None).expect("read");
        rows.iter().any(|row| row.text.contains("the box ended while it was being tried"))
    });
    assert_eq!(world.stage(), Some(Stage::Staged));
    world.desk().discard(digest, &why("once more"), "Eva").expect("discarded");
    assert_eq!(world.install(&world.package(7)).expect("installed and tried"), digest);
    assert_eq!(world.stage(), Some(Stage::Verified));
}

#[test]
fn an_open_review_holds_up_the_approval_and_goes_with_its_candidate() {
    let world = World::new();
    let tried = standclear::guard::models::trying::Tried::NotTried { text: "no process".into() };
    world.tries.0.lock().expect("not poisoned").push_back(tried);
    world.install(&world.package(6)).expect_err("not tried");
    world.desk().review(ReviewStep::Open, &why("is that one?"), "Ida").expect("opened");
    world.tries.0.lock().expect("not poisoned").push_back(badly(Fault::Error));
    world.desk().intake.try_candidate(world.candidate()).expect_err("of no use");
    let digest = in_the_shadow(&world);
    world.watch();
    world.desk().review(ReviewStep::Open, &why("a person?"), "Ida").expect("opened");
    let refused = world.desk().promote(digest, EVIDENCE, "Eva").expect_err("a review is open");
    assert_eq!(conflict(&refused), "review_open");
    // What people are shown beforehand says the same.
    let now = world.now();
    let open = "a review of it is open; dismiss it or confirm it first";
    assert!(matches!(&now.may.promote, May::No { why } if why == open));
    assert_eq!(now.reviews_open, 1);
    world.desk().review(ReviewStep::Dismiss, &why("a sack"), "Ida").expect("dismissed");
    assert!(matches!(world.now().may.promote, May::Yes));
    world.desk().promote(digest, EVIDENCE, "Eva").expect("approved");
}

#[test]
fn what_was_approved_and_not_switched_to_waits_for_somebody() {
    let mut world = World::new();
    let digest = in_the_shadow(&world);
    world.watch();
    world.desk().promote(digest, EVIDENCE, "Eva").expect("approved");
    assert!(matches!(world.told(), ToWorker::Prepare { .. }));
    world.restart();
    assert_eq!(world.watch(), Slot::Shipped);
    assert!(matches!(world.stage(), Some(Stage::Approved { .. })));
    assert!(world.told_nothing(), "a box that went down with it does not do it again by itself");
    world.desk().promote(digest, EVIDENCE, "Karl").expect("again");
    world.switches();
    assert_eq!(world.now().trial.expect("on trial").approved_by.as_str(), "Eva");
}

#[test]
fn pages_that_are_looked_at_do_not_read_all_evidence_each_time_and_an_approval_does() {
    let world = World::new();
    let digest = in_the_shadow(&world);
    world.watch();
    let read = || world.evidence.read();
    let before = read();
    for _ in 0..50 {
        assert!(matches!(world.now().may.promote, May::Yes));
    }
    // Within five seconds one answer does; a machine that is held up may need another.
    let looked = read() - before;
    assert!((0..10).contains(&looked), "{looked} times for 50 looks");
    let before = read();
    world.desk().promote(digest, EVIDENCE, "Eva").expect("approved");
    assert!(read() > before, "whoever approves approves what is known now");
}
