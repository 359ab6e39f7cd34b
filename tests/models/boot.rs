//! What a vision process is to load, and what is counted before.

use standclear::rollout::boot::{BootFault, Trust, boot};
use standclear::rollout::ledger::{ATTEMPTS, Ledger};
use standclear::rollout::slot::{Digest, Slot};
use standclear::rollout::stage::{Event, Fault, Reason};

use super::scripts::{TRY, approve};

fn blob(n: u8) -> Slot {
    Slot::Blob(Digest::of([n]))
}

fn on_trial(ledger: &Ledger, n: u8, begin: Event) -> Ledger {
    let staged = ledger.staged(Digest::of([n]), u64::from(n)).expect("staged");
    let way = [Event::Verify, Event::Shadow, approve(), begin];
    way.iter().fold(staged, |ledger, event| ledger.after(event).expect("in order"))
}

fn committed(ledger: &Ledger, n: u8) -> Ledger {
    on_trial(ledger, n, TRY).after(&Event::Commit).expect("in order")
}

#[test]
fn a_box_without_a_trial_writes_nothing_and_has_every_way_back() {
    let ledger = committed(&committed(&Ledger::first(0), 1), 2);
    let booted = boot(&ledger, Trust::Newest);
    assert_eq!(booted.order, [blob(2), blob(1), Slot::Shipped]);
    assert_eq!(booted.order_when_not_kept(), booted.order);
    assert_eq!((booted.persist_first, booted.ended, booted.fault), (None, None, None));
    assert_eq!(boot(&Ledger::first(0), Trust::Newest).order, [Slot::Shipped]);
}

#[test]
fn a_trial_costs_an_attempt_before_it_is_loaded_and_nothing_loads_it_uncounted() {
    let ledger = on_trial(&committed(&Ledger::first(0), 1), 2, TRY);
    let booted = boot(&ledger, Trust::Newest);
    assert_eq!(booted.order, [blob(2), blob(1), Slot::Shipped]);
    let kept = booted.persist_first.as_ref().expect("to be written");
    assert_eq!(kept.trial().map(|it| it.attempts_left), Some(ATTEMPTS - 1));
    assert_eq!(booted.order_when_not_kept(), [blob(1), Slot::Shipped]);
}

#[test]
fn a_trial_that_dies_every_time_is_over_after_as_many_lives_as_it_has() {
    let mut ledger = on_trial(&committed(&Ledger::first(0), 1), 2, TRY);
    // The life in which it was switched to is the first.
    for _ in 1..ATTEMPTS {
        let booted = boot(&ledger, Trust::Newest);
        assert_eq!(booted.order.first(), Some(&blob(2)));
        ledger = booted.persist_first.expect("counted");
    }
    let booted = boot(&ledger, Trust::Newest);
    assert_eq!(booted.order, [blob(1), Slot::Shipped]);
    assert_eq!(booted.ended, Some((Digest::of([2]), Fault::CrashLoop)));
    let kept = booted.persist_first.expect("to be written");
    assert_eq!((kept.trial(), kept.candidate()), (None, None));
    assert_eq!(kept.rejected()[0].reason, Reason::Fault(Fault::CrashLoop));
    let after = boot(&kept, Trust::Newest);
    assert_eq!((after.order, after.persist_first), (vec![blob(1), Slot::Shipped], None));
}

#[test]
fn after_a_damaged_ledger_the_older_one_guards_without_its_trial() {
    let ledger = on_trial(&committed(&Ledger::first(0), 1), 2, TRY);
    let booted = boot(&ledger, Trust::Older);
    assert_eq!(booted.order, [blob(1), Slot::Shipped]);
    assert_eq!(booted.fault, Some(BootFault::Older));
    assert_eq!(booted.ended, Some((Digest::of([2]), Fault::FlippedBit)));
    assert_eq!(booted.persist_first.expect("to be written").trial(), None);
    // Without one it is only written again.
    let ledger = committed(&Ledger::first(0), 1);
    let booted = boot(&ledger, Trust::Older);
    assert_eq!((booted.persist_first, booted.ended), (Some(ledger), None));
}

#[test]
fn a_box_that_remembers_nothing_guards_with_what_came_with_the_program_and_says_so() {
    let booted = boot(&Ledger::first(0), Trust::Lost);
    assert_eq!((booted.order, booted.persist_first), (vec![Slot::Shipped], None));
    let said = booted.fault.expect("a fault").to_string();
    assert!(said.contains("no ledger of models can be read"), "{said}");
}

#[test]
fn no_time_of_day_changes_what_is_loaded() {
    let base = committed(&Ledger::first(0), 1);
    let usual = boot(&on_trial(&base, 2, TRY), Trust::Newest);
    for (started_unix_s, deadline_unix_s) in
        [(0, 0), (i64::MIN, i64::MAX), (i64::MAX, i64::MIN), (1_384_000_000, 2_015_000_000)]
    {
        let begin = Event::Try { started_unix_s, deadline_unix_s };
        let booted = boot(&on_trial(&base, 2, begin), Trust::Newest);
        assert_eq!(booted.order, usual.order);
        let left =
            |it: &Option<Ledger>| it.as_ref().and_then(Ledger::trial).map(|it| it.attempts_left);
        assert_eq!(left(&booted.persist_first), left(&usual.persist_first));
    }
}
