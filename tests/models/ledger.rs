//! The ledger: whatever happens in whatever order, it holds together, and it reads back as written.

use proptest::prelude::*;

use standclear::rollout::boot::{Trust, boot};
use standclear::rollout::ledger::{Ledger, REJECTED_MAX, Refusal};
use standclear::rollout::probation::Progress;
use standclear::rollout::slot::{Digest, Slot};
use standclear::rollout::stage::{Event, Fault, Reason};
use standclear::rollout::written::{BYTES_MAX, Unreadable, from_bytes, to_bytes};

use super::scripts::{TRY, approve};

fn digest(n: u8) -> Digest {
    Digest::of([n])
}

/// The n-th package, committed on top of what there is.
fn committed(ledger: &Ledger, n: u8, release: u64) -> Ledger {
    let way = [Event::Verify, Event::Shadow, approve(), TRY, Event::Commit];
    let staged = ledger.staged(digest(n), release).expect("staged");
    way.iter().fold(staged, |ledger, event| ledger.after(event).expect("in order"))
}

#[derive(Clone, Debug)]
enum Act {
    Stage { n: u8, release: u64 },
    Apply(Event),
    PutBack,
    Boot(Trust),
    Note(Progress),
}

fn acts() -> impl Strategy<Value = Act> {
    let steps = vec![Event::Verify, Event::Shadow, approve(), TRY, Event::Commit, Event::Operator];
    let trusts = vec![Trust::Newest, Trust::Newest, Trust::Newest, Trust::Older];
    prop_oneof![
        3 => (0..6_u8, 0..12_u64).prop_map(|(n, release)| Act::Stage { n, release }),
        12 => prop::sample::select(steps).prop_map(Act::Apply),
        1 => prop::sample::select(Fault::ALL.to_vec()).prop_map(|it| Act::Apply(Event::Fault(it))),
        1 => Just(Act::PutBack),
        2 => prop::sample::select(trusts).prop_map(Act::Boot),
        1 => any::<(u64, u64)>().prop_map(|(frames, run_s)| Act::Note(Progress { frames, run_s })),
    ]
}

fn done(ledger: &Ledger, act: &Act) -> Option<Ledger> {
    match act {
        Act::Stage { n, release } => ledger.staged(digest(*n), *release).ok(),
        Act::Apply(event) => ledger.after(event).ok(),
        Act::PutBack => ledger.put_back().ok(),
        Act::Boot(trust) => boot(ledger, *trust).persist_first,
        Act::Note(progress) => Some(ledger.went_on(*progress)),
    }
}

proptest! {
    #[test]
    fn whatever_happens_a_ledger_holds_together_and_what_guards_is_named_and_loaded_in_order(
        acts in prop::collection::vec(acts(), 0..60)
    ) {
        let mut ledger = Ledger::first(3);
        for act in &acts {
            let Some(next) = done(&ledger, act) else { continue };
            prop_assert_eq!(next.contradiction(), None, "{:?}", act);
            prop_assert_eq!(&from_bytes(&to_bytes(&next)).expect("reads back"), &next);
            prop_assert!(next.floor() >= ledger.floor(), "the floor sank by {:?}", act);
            let rises = matches!(act, Act::Apply(Event::Commit));
            prop_assert!(rises || next.floor() == ledger.floor(), "it rose by {:?}", act);
            let may_change = rises || matches!(act, Act::PutBack);
            prop_assert!(may_change || next.committed() == ledger.committed(), "{:?}", act);
            let booted = boot(&next, Trust::Newest);
            prop_assert!(booted.order.contains(&Slot::Shipped));
            let named = next.blobs();
            for (i, slot) in booted.order.iter().enumerate() {
                prop_assert!(!booted.order[..i].contains(slot), "twice: {:?}", booted.order);
                prop_assert!(slot.digest().is_none_or(|it| named.contains(&it)));
            }
            prop_assert!(booted.order.contains(&next.committed()));
            prop_assert!(next.previous().is_none_or(|it| booted.order.contains(&it)));
            ledger = next;
        }
    }

    #[test]
    fn what_is_read_of_any_bytes_is_a_ledger_that_is_written_like_that(
        bytes in prop::collection::vec(any::<u8>(), 0..200)
    ) {
        if let Ok(ledger) = from_bytes(&bytes) {
            prop_assert_eq!(to_bytes(&ledger), bytes);
        }
    }
}

#[test]
fn a_commit_raises_the_floor_and_keeps_the_way_back() {
    let first = Ledger::first(3);
    let second = committed(&first, 1, 5);
    assert_eq!(second.committed(), Slot::Blob(digest(1)));
    assert_eq!((second.committed_release(), second.floor()), (5, 5));
    assert_eq!(second.previous(), Some(Slot::Shipped));
    assert_eq!((second.trial(), second.candidate()), (None, None));
    let refused = second.staged(digest(2), 4).expect_err("older");
    assert_eq!(refused, Refusal::BelowFloor { release: 4, floor: 5 });
    assert!(second.staged(digest(2), 5).is_ok());
}

#[test]
fn nothing_before_the_commit_raises_the_floor() {
    let staged = Ledger::first(3).staged(digest(1), 9).expect("staged");
    let mut ledger = staged;
    for event in [Event::Verify, Event::Shadow, approve(), TRY, Event::Fault(Fault::Hung)] {
        ledger = ledger.after(&event).expect("in order");
        assert_eq!(ledger.floor(), 3, "{event:?}");
    }
    assert!(ledger.staged(digest(2), 4).is_ok());
}

#[test]
fn the_one_before_returns_below_the_floor_and_may_be_exchanged_again() {
    let ledger = committed(&committed(&Ledger::first(1), 1, 5), 2, 9);
    let back = ledger.put_back().expect("there is one");
    assert_eq!((back.committed(), back.committed_release()), (Slot::Blob(digest(1)), 5));
    assert_eq!((back.previous(), back.floor()), (Some(Slot::Blob(digest(2))), 9));
    assert_eq!(back.rejected().len(), 1);
    assert_eq!(back.rejected()[0].reason, Reason::Operator);
    let again = back.put_back().expect("there is one");
    assert_eq!(again.committed(), ledger.committed());
    assert!(
        again.rejected().iter().all(|it| it.digest != digest(2)),
        "what guards is not rejected"
    );
    assert_eq!(Ledger::first(1).put_back(), Err(Refusal::NoPrevious));
}

#[test]
fn one_candidate_at_a_time_and_nothing_that_guards_already() {
    let ledger = committed(&Ledger::first(1), 1, 5);
    assert_eq!(ledger.staged(digest(1), 9), Err(Refusal::Known { digest: digest(1) }));
    let staged = ledger.staged(digest(2), 6).expect("staged");
    assert_eq!(staged.staged(digest(3), 7), Err(Refusal::Busy { digest: digest(2) }));
    let mut trial = staged;
    for event in [Event::Verify, Event::Shadow, approve(), TRY] {
        trial = trial.after(&event).expect("in order");
    }
    assert_eq!(trial.put_back(), Err(Refusal::OnTrial { digest: digest(2) }));
    assert_eq!(ledger.after(&Event::Verify), Err(Refusal::NoCandidate));
}

#[test]
fn a_trial_says_who_approved_it_and_when_by_the_clock_of_then() {
    let mut ledger = Ledger::first(1).staged(digest(1), 2).expect("staged");
    for event in [Event::Verify, Event::Shadow, approve(), TRY] {
        ledger = ledger.after(&event).expect("in order");
    }
    let trial = ledger.trial().expect("a trial");
    assert_eq!(trial.approved_by.as_str(), "Ada");
    assert_eq!((trial.started_unix_s, trial.deadline_unix_s), (1_700_000_000, 1_700_086_400));
}

#[test]
fn what_was_taken_back_is_remembered_with_its_reason_and_bounded() {
    let mut ledger = Ledger::first(1);
    for n in 0..=u8::MAX {
        let staged = ledger.staged(digest(n), 2).expect("staged");
        ledger = staged.after(&Event::Fault(Fault::WrongKey)).expect("rejected");
    }
    assert_eq!(ledger.rejected().len(), REJECTED_MAX);
    let newest = ledger.rejected().last().expect("one");
    assert_eq!((newest.digest, newest.reason), (digest(255), Reason::Fault(Fault::WrongKey)));
    assert!(to_bytes(&ledger).len() < BYTES_MAX / 2);
    assert_eq!(ledger.contradiction(), None);
}

/// Changed, and with the check of what it says then.
fn forged(ledger: &Ledger, from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(to_bytes(ledger)).expect("text");
    assert!(text.contains(from), "{text}");
    let changed: serde_json::Value =
        serde_json::from_str(&text.replacen(from, to, 1)).expect("JSON");
    let facts = serde_json::to_vec(
        &serde_json::from_value::<Ledger>(changed["ledger"].clone()).expect("facts"),
    );
    let check = Digest::of(facts.expect("bytes")).to_string();
    let old = changed["check"].as_str().expect("a check");
    text.replacen(from, to, 1).replacen(old, &check, 1).into_bytes()
}

#[test]
fn a_ledger_that_contradicts_itself_is_refused_though_its_check_is_right() {
    let ledger = committed(&Ledger::first(1), 1, 5);
    let sunk = forged(&ledger, "\"floor\": 5", "\"floor\": 4");
    let error = from_bytes(&sunk).expect_err("a floor below what was committed");
    assert!(matches!(error, Unreadable::Contradiction { .. }), "{error:?}");
    let mut trial = ledger.staged(digest(2), 6).expect("staged");
    for event in [Event::Verify, Event::Shadow, approve(), TRY] {
        trial = trial.after(&event).expect("in order");
    }
    for (from, to) in [
        ("\"attempts_left\": 3", "\"attempts_left\": 200"),
        ("\"attempts_left\": 3", "\"attempts_left\": 0"),
        ("\"stage\": \"probation\"", "\"stage\": \"verified\""),
        ("\"stage\": \"probation\"", "\"stage\": \"committed\""),
    ] {
        let error = from_bytes(&forged(&trial, from, to)).expect_err(to);
        assert!(matches!(error, Unreadable::Contradiction { .. }), "{to}: {error:?}");
    }
}

#[test]
fn unknown_members_and_other_schemas_are_refused() {
    let text = String::from_utf8(to_bytes(&Ledger::first(1))).expect("text");
    let more = text.replacen("\"floor\"", "\"ceiling\": 1, \"floor\"", 1);
    assert!(matches!(from_bytes(more.as_bytes()), Err(Unreadable::Parse { .. })));
    let newer = text.replacen("\"schema\": 1", "\"schema\": 2", 1);
    let error = from_bytes(newer.as_bytes()).expect_err("newer");
    assert!(matches!(error, Unreadable::OtherSchema { found: 2 }), "{error:?}");
    let spelt = format!(" {text}");
    assert!(matches!(from_bytes(spelt.as_bytes()), Err(Unreadable::Spelling)));
    let long = vec![b' '; BYTES_MAX + 1];
    assert!(matches!(from_bytes(&long), Err(Unreadable::TooLong { .. })));
}

#[test]
fn digests_and_slots_have_one_spelling() {
    let digest = Digest::of("x");
    let text = digest.to_string();
    assert_eq!(text.parse(), Ok(digest));
    assert_eq!(format!("sha256-{text}").parse(), Ok(Slot::Blob(digest)));
    assert_eq!("shipped".parse(), Ok(Slot::Shipped));
    let wrong = ["", "x", &text[1..], &text.to_uppercase(), &format!("{text}0"), &"é".repeat(32)];
    for wrong in wrong {
        assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
        assert!(format!("sha256-{wrong}").parse::<Slot>().is_err(), "{wrong}");
    }
    for wrong in ["Shipped", "", &text, "sha256-../../etc"] {
        assert!(wrong.parse::<Slot>().is_err(), "{wrong}");
    }
}
