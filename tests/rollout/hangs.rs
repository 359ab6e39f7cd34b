//! A keeper that hangs with its disk, and what is done and told meanwhile.

use standclear::clock;
use standclear::guard::handle::models::{ModelError, Models};
use standclear::guard::models::fetching::ask;
use standclear::guard::models::keeper::{Ask, Task};
use standclear::guard::models::order::NextLife;
use standclear::guard::models::seen::{LifeEnd, ModelNews, NEWS_MAX};
use standclear::link::ToWorker;
use standclear::rollout::slot::Slot;
use standclear::rollout::stage::{Fault, Reason as End, Stage};

use super::steps::{MS, conflict, golden_asked, in_the_shadow, on_probation};
use super::world::{EVIDENCE, Mood, World, info};

/// The keeper waits for the disk, over an order that nobody gets in time.
fn hangs(world: &World) {
    world.mood(Mood::Hangs);
    assert_eq!(world.life().order.order()[0].slot, "shipped");
}

fn fell_back() -> ModelNews {
    ModelNews::FellBack { model: info("shipped"), reason: "a picture ended in an error".into() }
}

#[test]
fn a_model_that_failed_while_the_disk_hung_is_not_committed_on_the_pictures_of_another() {
    let world = World::new();
    let digest = on_probation(&world);
    hangs(&world);
    world.pictures(2 * NEWS_MAX, 40 * MS);
    world.tell(fell_back());
    world.pictures(2 * NEWS_MAX, 40 * MS);
    world.mood(Mood::Well);
    let now = world.wait("it is taken back", |now| now.trial.is_none());
    assert_eq!(now.rejected, [(digest, End::Fault(Fault::Error))]);
    assert_eq!(now.active.slot, Some(Slot::Shipped));
}

#[test]
fn a_hang_while_the_disk_hung_is_final() {
    let world = World::new();
    let digest = on_probation(&world);
    hangs(&world);
    world.pictures(2 * NEWS_MAX, 40 * MS);
    world.tell(ModelNews::LifeEnded { how: LifeEnd::Hung, reason: "it was silent".into() });
    world.mood(Mood::Well);
    let now = world.wait("it is taken back", |now| now.trial.is_none());
    assert_eq!(now.rejected, [(digest, End::Fault(Fault::Hung))]);
}

#[test]
fn golden_pictures_that_are_right_do_not_commit_a_model_that_failed_behind_them() {
    let world = World::new();
    let digest = on_probation(&world);
    let run = golden_asked(&world);
    hangs(&world);
    world.tell(ModelNews::Golden { run, outcome: Ok(()) });
    world.tell(fell_back());
    world.mood(Mood::Well);
    let now = world.wait("it is taken back", |now| now.trial.is_none());
    assert_eq!(now.rejected, [(digest, End::Fault(Fault::Error))]);
}

#[test]
fn a_keeper_that_could_not_hear_what_the_process_did_has_it_started_anew_and_counts_nothing() {
    let world = World::new();
    let digest = on_probation(&world);
    hangs(&world);
    for _ in 0..2 * NEWS_MAX {
        world.tell(ModelNews::Prepared { switch: 0, outcome: Err("of another life".into()) });
    }
    world.mood(Mood::Well);
    assert_eq!(world.told(), ToWorker::Stop);
    let now = world.wait("nobody knows who guards", |now| now.active.slot.is_none());
    assert!(now.trial.is_some(), "it is not taken back for that");
    world.is_told("fault");
    assert_eq!(world.watch(), Slot::Blob(digest));
}

#[test]
fn a_promotion_that_nobody_waits_for_any_more_is_not_gone_on_with() {
    let world = World::new();
    let digest = in_the_shadow(&world);
    world.watch();
    world.mood(Mood::Hangs);
    // The first hangs with the disk, the second behind it.
    for _ in 0..2 {
        let unclear = world.desk().promote(digest, EVIDENCE, "Eva").expect_err("nobody knows");
        assert!(matches!(unclear, ModelError::Clerk(_)), "{unclear}");
    }
    world.mood(Mood::Well);
    let late = |world: &World| world.history().iter().filter(|it| *it == "fault").count();
    world.wait_for("both are told as not gone on with", || late(&world) == 2);
    assert!(world.told_nothing(), "nothing is loaded");
    assert!(matches!(world.stage(), Some(Stage::Approved { .. })), "{:?}", world.stage());
    world.desk().promote(digest, EVIDENCE, "Eva").expect("asked again");
    world.switches();
}

#[test]
fn what_the_shadow_lost_while_the_model_was_loaded_keeps_it_from_guarding() {
    let world = World::new();
    let digest = in_the_shadow(&world);
    world.watch();
    world.desk().promote(digest, EVIDENCE, "Eva").expect("approved");
    world.evidence.is_lost();
    world.prepares();
    assert_eq!(world.told(), ToWorker::ForgetStandby, "nothing is switched to");
    world.is_told("fault");
    assert!(world.now().trial.is_none());
    let refused = world.desk().promote(digest, EVIDENCE, "Eva").expect_err("it lost an incident");
    assert_eq!(conflict(&refused), "refused_by_gate");
}

#[test]
fn the_evidence_is_judged_again_when_the_approval_is_written() {
    let world = World::new();
    let digest = in_the_shadow(&world);
    world.watch();
    world.evidence.is_lost();
    let (what, by) = (Ask::Promote { digest, evidence: EVIDENCE.into() }, "Eva".to_owned());
    let until = clock::monotonic().after(20_000 * MS);
    // As if it had been judged by the desk a moment before.
    let refused =
        ask(&world.desk().intake.tasks, 20_000 * MS, |reply| Task::Ask { what, by, until, reply });
    assert_eq!(conflict(&refused.expect_err("it lost an incident")), "refused_by_gate");
    assert_eq!(world.stage(), Some(Stage::Shadowing));
}
