//! A disk that fails at any call, is full or cannot be written from any call on: what was there stays,
//! a box starts from it, and once the disk works the same is reached as if nothing had been.

use std::io::ErrorKind;

use standclear::model_store::{ModelStore, ModelStoreError};
use standclear::rollout::boot::Trust;
use standclear::rollout::slot::Slot;
use standclear::rollout::stage::Fault;

use super::memory::{Memory, Trouble};
use super::scripts::{Judge, Run, SHIPPED_RELEASE, Step, facts, package, scripts};

const TROUBLES: [Trouble; 4] = [
    Trouble::Fails(ErrorKind::Other),
    Trouble::FailsAfterwards(ErrorKind::Other),
    Trouble::Full,
    Trouble::ReadOnly,
];

/// Plays a script with trouble at a call; each step that fails is judged, and taken again on a disk
/// that works. Says which failure there was.
fn play(
    script: &[Step],
    (at, trouble): (usize, Trouble),
    judge: &mut Judge,
) -> (Option<ModelStoreError>, Vec<u8>) {
    let memory = Memory::empty().with(at, trouble);
    let mut run = Run::open(&memory);
    let mut failed = None;
    for step in script {
        let before = run.store.ledger().clone();
        let Err(error) = run.take(step) else {
            continue;
        };
        let context = format!("{trouble:?} at {at}, {step:?}: {error:?}");
        assert_eq!(run.store.ledger(), &before, "{context}: believed, and not kept");
        let may_be = run.may_be();
        for tree in memory.survivors().chain([memory.now()]) {
            judge.judge(tree, &may_be, &context);
        }
        failed = Some(error);
        memory.heal();
        run.take(step).unwrap_or_else(|error| panic!("{context}, taken again: {error:?}"));
    }
    (failed, facts(run.store.ledger()))
}

#[test]
fn a_disk_that_fails_at_any_call_costs_that_step_and_nothing_else() {
    let mut judge = Judge::default();
    for (name, script) in scripts() {
        let memory = Memory::empty();
        let mut undisturbed = Run::open(&memory);
        for step in &script {
            undisturbed.take(step).expect("a disk that works");
        }
        let mut failures = 0;
        for trouble in TROUBLES {
            for at in 0..memory.calls() {
                let (failed, facts_now) = play(&script, (at, trouble), &mut judge);
                assert_eq!(facts_now, facts(undisturbed.store.ledger()), "{trouble:?} at {at}");
                failures += usize::from(failed.is_some());
                let told = failed.as_ref().and_then(ModelStoreError::disk_fault);
                match trouble {
                    Trouble::Full => assert!(failed.is_none() || told == Some(Fault::DiskFull)),
                    Trouble::ReadOnly => assert!(failed.is_none() || told == Some(Fault::ReadOnly)),
                    Trouble::PowerCut | Trouble::Fails(_) | Trouble::FailsAfterwards(_) => {
                        assert_eq!(told, None, "{failed:?}");
                    }
                }
            }
        }
        println!("{name}: {} calls, {failures} failures", memory.calls());
        assert!(failures > memory.calls(), "{name}: {failures} failures");
    }
}

#[test]
fn a_trial_is_not_loaded_while_its_attempt_cannot_be_counted_and_is_again_afterwards() {
    let script = &scripts()[3].1[..6];
    let prepared = Memory::empty();
    let mut run = Run::open(&prepared);
    for step in script {
        run.take(step).expect("a disk that works");
    }
    let trial = Slot::Blob(package(0).digest);
    for trouble in [Trouble::Full, Trouble::ReadOnly] {
        let memory = Memory::of(&prepared.now()).with(0, trouble);
        let mut store = ModelStore::open(&memory, SHIPPED_RELEASE).store;
        for _ in 0..10 {
            let booted = store.boot();
            assert_eq!(booted.order, [Slot::Shipped], "{trouble:?}");
            assert!(booted.not_kept.is_some());
        }
        memory.heal();
        let booted = store.boot();
        assert_eq!(booted.order, [trial, Slot::Shipped], "{trouble:?}");
        assert_eq!(store.ledger().trial().map(|it| it.attempts_left), Some(2));
    }
}

#[test]
fn a_box_whose_disk_cannot_be_written_at_all_starts_with_what_came_with_the_program() {
    for trouble in [Trouble::Full, Trouble::ReadOnly, Trouble::PowerCut] {
        let memory = Memory::empty().with(0, trouble);
        let mut opened = ModelStore::open(&memory, SHIPPED_RELEASE);
        assert!(opened.not_kept.is_some() || opened.store.trust() == Trust::Lost, "{trouble:?}");
        assert_eq!(opened.store.boot().order, [Slot::Shipped], "{trouble:?}");
    }
}
