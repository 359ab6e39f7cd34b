//! Models on trial in the real vision process, with the real keeper of models: installed from the command
//! line, tried in a process of their own, and then they do harm. Some verified model guards again within
//! seconds, nothing is CLEAR that nobody looked at, and who walks in afterwards is heard.

#[path = "package_files/maker.rs"]
#[allow(dead_code, reason = "shared with the tests of package files")]
mod maker;
#[path = "rollout_live/shown.rs"]
mod shown;
#[path = "guard/site.rs"]
#[allow(dead_code, reason = "shared with the tests of the guard")]
mod site;
#[path = "rollout_live/slow.rs"]
mod slow;
mod support;
#[path = "guard/worker.rs"]
#[allow(dead_code, reason = "shared with the tests of the guard")]
mod worker;
#[path = "rollout_live/yard.rs"]
mod yard;

use std::fs;
use std::time::Duration;

use rustix::process::Signal;
use standclear::engine::ZoneState;
use standclear::engine::time::Instant;
use standclear::guard::handle::models::{EndReason, ModelFaultKind, Slot};
use standclear::rollout::stage::Fault;

use support::hostile::{Harm, TEN_SECONDS, When};
use yard::{Life, Yard, damage};

/// A model on trial does harm by itself: it is taken back for `fault`, the shipped model guards again, and
/// the next person is heard. `lives`: how many it takes with it.
#[track_caller]
fn taken_back_by_itself(harm: Harm, fault: Fault, lives: u32) {
    let yard = Yard::with(harm);
    let life = yard.start();
    life.guarded_by(Slot::Shipped);
    assert_eq!(life.taken_back(), EndReason::Fault(fault), "{harm:?}");
    let kind = if fault == Fault::CrashLoop { "crash_loop" } else { "rolled_back" };
    let told = life.told(kind);
    assert_eq!(told.len(), 1, "it is told once: {told:?}");
    life.fault_is_heard();
    life.hears_the_next_person();
    assert_eq!(yard.lives_left("begun"), None, "no life begins with it any more");
    let (blind_max, longest) = (life.blind_max(lives), life.stop().longest);
    println!("{harm:?} in the trial: {longest:?} without a decision; {}", told[0]);
    assert!(longest < blind_max, "{longest:?}");
    assert_eq!(yard.store().ledger().committed(), Slot::Shipped);
}

#[test]
fn a_trial_whose_process_is_killed_guards_again_as_often_as_it_may_and_then_the_shipped_model() {
    let yard = Yard::with(Harm::None);
    let life = yard.start();
    life.guarded_by(yard.slot());
    for (kill, next) in [(1, yard.slot()), (2, Slot::Shipped)] {
        let killed_at = standclear::clock::monotonic();
        yard.signal_vision(Signal::KILL);
        life.wait("a restart", |now| now.vision.restarts >= kill);
        let again = life.guarded_by(next).since(killed_at);
        println!("kill {kill} in the trial: {next} guards after {again:?}");
        assert!(again < life.blind_max(1), "{again:?}");
    }
    assert_eq!(life.taken_back(), EndReason::Fault(Fault::CrashLoop));
    assert_eq!(life.told("crash_loop").len(), 1);
    let deaths = life.told("fault");
    assert_eq!(deaths.iter().filter(|text| text.contains("died in its trial")).count(), 2);
    life.fault_is_heard();
    life.hears_the_next_person();
    assert!(!life.stop().longest.is_zero(), "nobody noticed that it was killed");
}

#[test]
fn a_trial_that_ends_with_an_error_is_taken_back_and_the_next_person_is_heard() {
    taken_back_by_itself(Harm::Error, Fault::Error, 1);
}

#[test]
fn a_trial_that_takes_ten_seconds_a_picture_is_taken_back_and_the_next_person_is_heard() {
    taken_back_by_itself(Harm::Slow { rounds: TEN_SECONDS }, Fault::Hung, 1);
}

#[test]
fn a_trial_that_allocates_without_end_is_taken_back_and_the_next_person_is_heard() {
    taken_back_by_itself(Harm::Hoard { mb: 1 << 20 }, Fault::Error, 1);
}

#[test]
fn a_trial_that_takes_its_process_with_it_is_taken_back_and_the_next_person_is_heard() {
    taken_back_by_itself(Harm::Crash, Fault::CrashLoop, 2);
}

#[test]
fn a_trial_whose_process_stands_still_is_taken_back_and_the_next_person_is_heard() {
    let yard = Yard::with(Harm::None);
    let life = yard.start();
    life.guarded_by(yard.slot());
    let stopped_at = standclear::clock::monotonic();
    yard.signal_vision(Signal::STOP);
    life.wait("UNKNOWN", |now| now.cameras.iter().all(|camera| camera.unknown.is_some()));
    let again = life.guarded_by(Slot::Shipped).since(stopped_at);
    println!("a process that stands still: shipped guards after {again:?}");
    assert!(again < life.blind_max(1), "{again:?}");
    assert_eq!(life.taken_back(), EndReason::Fault(Fault::Hung));
    assert_eq!(life.told("rolled_back").len(), 1);
    life.fault_is_heard();
    life.hears_the_next_person();
    life.stop();
}

/// Later than the last picture of whoever tries a package, and of the shadow before somebody approves.
const LATE: u32 = 250;

#[test]
fn a_model_that_fails_after_a_switch_is_replaced_on_that_picture_and_taken_back_and_no_zone_is_unknown()
 {
    let yard = Yard::in_the_shadow(Harm::Error, When::Picture(LATE));
    let mut life = yard.start();
    life.guarded_by(Slot::Shipped);
    life.forgets_blindness();
    life.is_approved(yard.slot());
    life.guarded_by(yard.slot());
    life.guarded_by(Slot::Shipped);
    assert_eq!(life.taken_back(), EndReason::Fault(Fault::Error));
    println!("{}; {}", life.told("switched")[0], life.told("rolled_back")[0]);
    life.wait("the same vision process", |now| now.vision.restarts == 0);
    let seen = life.stop();
    println!("an error after a switch: UNKNOWN for {:?}", seen.longest);
    assert!(seen.longest.is_zero(), "{seen:?}");
    let store = yard.store();
    assert_eq!((store.ledger().committed(), store.ledger().trial()), (Slot::Shipped, None));
}

/// Of a trial that is a little too slow: on this machine, whatever it is, one and a half times this.
const SLOW_BUDGET: Duration = Duration::from_millis(200);

#[test]
fn a_trial_that_takes_longer_than_the_budget_is_taken_back_and_the_next_person_is_heard() {
    let rounds = slow::rounds_that_take(SLOW_BUDGET * 3 / 2);
    let yard = Yard::within(Harm::Slow { rounds }, SLOW_BUDGET.as_millis() as u32);
    let life = yard.start();
    let began = life.guarded_by(yard.slot());
    assert_eq!(life.taken_back(), EndReason::Fault(Fault::Latency));
    let told = life.told("rolled_back");
    assert!(told[0].contains("and the budget is 200 ms"), "{told:?}");
    is_led_back(&yard, life, began, "latency over the budget", &told[0]);
}

#[test]
fn a_trial_whose_golden_pictures_fail_at_its_end_is_taken_back_and_the_next_person_is_heard() {
    let yard = Yard::nearly_over();
    let life = yard.start();
    let began = life.guarded_by(yard.slot());
    // From here on nobody reads it but the last look before the commit.
    damage(&yard.of_package("golden/red.png"));
    assert_eq!(life.taken_back(), EndReason::Fault(Fault::GoldenFailed));
    let why = life.told("golden_failed");
    assert!(why[0].contains("golden/red.png"), "{why:?}");
    is_led_back(&yard, life, began, "golden pictures that fail", &why[0]);
}

/// A trial that was taken back, and that guarded since `began`: the shipped model takes its place in the
/// same vision process.
#[track_caller]
fn is_led_back(yard: &Yard, life: Life, began: Instant, what: &str, why: &str) {
    let again = life.guarded_by(Slot::Shipped).since(began);
    assert_eq!(life.told("rolled_back").len(), 1);
    life.hears_the_next_person();
    life.wait("the same vision process", |now| now.vision.restarts == 0);
    let (blind_max, seen) = (life.blind_max(1), life.stop());
    let longest = seen.longest;
    println!(
        "{what} in the trial: the shipped model guards {again:?} after the trial did, {longest:?} \
         without a decision; {why}"
    );
    assert!(longest < blind_max, "{seen:?}");
    let store = yard.store();
    assert_eq!((store.ledger().committed(), store.ledger().trial()), (Slot::Shipped, None));
}

#[test]
fn a_committed_model_with_a_flipped_bit_is_passed_over_and_told_and_the_shipped_model_guards() {
    let yard = Yard::committed();
    damage(&yard.trial_model());
    let life = yard.start();
    life.guarded_by(Slot::Shipped);
    let now = life.guard.handle().model_desk().models_now();
    let passed = &now.active.passed_over;
    assert!(passed.len() == 1 && passed[0].0 == yard.slot(), "{passed:?}");
    assert!(passed[0].1.contains("changed or damaged"), "{passed:?}");
    let fault = now.fault.expect("somebody has to look after it");
    assert_eq!(fault.kind, ModelFaultKind::PassedOver);
    println!("a flipped bit in what guards by right: {}", fault.text);
    let told = life.told("fault");
    for part in ["could not be loaded", "damaged, install it again"] {
        assert!(told.iter().any(|text| text.contains(part)), "{part}: {told:?}");
    }
    life.hears_the_next_person();
    life.stop();
    // It is whole again when somebody installs it again.
    assert_eq!(yard.store().ledger().committed(), yard.slot());
}

#[test]
fn a_box_that_starts_again_in_a_trial_has_counted_that_before_it_loads_the_model() {
    let yard = Yard::with(Harm::None);
    assert_eq!(yard.lives_left("data/models"), Some(3));
    for left in [2, 1] {
        let life = yard.start();
        // By the time at which the vision process began.
        assert_eq!(yard.lives_left("begun"), Some(left));
        life.guarded_by(yard.slot());
        life.stop();
    }
    let life = yard.start();
    assert_eq!(yard.lives_left("begun"), None);
    life.guarded_by(Slot::Shipped);
    assert_eq!(life.taken_back(), EndReason::Fault(Fault::CrashLoop));
    life.hears_the_next_person();
    life.stop();
}

#[test]
fn where_neither_model_can_be_loaded_that_is_heard_zones_are_unknown_and_a_whole_model_ends_it() {
    let yard = Yard::with(Harm::None);
    let whole = fs::read(yard.shipped_model()).expect("read");
    damage(&yard.shipped_model());
    damage(&yard.trial_model());
    let life = yard.start_blind();
    life.fault_is_heard();
    life.wait("the reason", |now| {
        let told = &now.vision.detail;
        let all = ["nanodet-g-416-int8/model.onnx", "changed or damaged", "install"];
        now.vision.restarts >= 2 && all.iter().all(|part| told.contains(part))
    });
    life.wait("UNKNOWN", |now| {
        now.zones.iter().all(|zone| matches!(zone.state, ZoneState::Unknown(_)))
    });
    assert_eq!(life.taken_back(), EndReason::Fault(Fault::FlippedBit));
    // Somebody puts the file back; nobody has to start anything.
    fs::write(yard.shipped_model(), whole).expect("written");
    life.guarded_by(Slot::Shipped);
    life.hears_the_next_person();
    life.stop();
}
