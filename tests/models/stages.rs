//! What each thing that can happen makes of a candidate, at each stage: all of it, as a table.

use standclear::rollout::stage::{Event, Fault, Person, Reason, Stage};

use super::scripts::{TRY, approve};

const STAGES: usize = 8;

/// Every stage, in the order of the columns below.
fn stages() -> [Stage; STAGES] {
    let reason = Reason::Operator;
    let by = Person::named("Ada").expect("a name");
    [
        Stage::Staged,
        Stage::Verified,
        Stage::Shadowing,
        Stage::Approved { by },
        Stage::Probation,
        Stage::Committed,
        Stage::Rejected { reason },
        Stage::RolledBack { reason },
    ]
}

/// `.` stays, `x` rejected, `b` rolled back, `s` back in the shadow.
const FAULTS: [(Fault, &str); 16] = [
    (Fault::Error, "xx.sb..."),
    (Fault::Killed, "........"),
    (Fault::Hung, "xx.sb..."),
    (Fault::Latency, "xx.sb..."),
    (Fault::GoldenFailed, "xxxxb..."),
    (Fault::CrashLoop, "xxxxb..."),
    (Fault::ReviewOpened, "...s...."),
    (Fault::ReviewConfirmed, "xxxxb..."),
    (Fault::DiskFull, "........"),
    (Fault::ReadOnly, "........"),
    (Fault::TornFile, "xxxxb..."),
    (Fault::FlippedBit, "xxxxb..."),
    (Fault::WrongKey, "xxxxb..."),
    (Fault::OldRelease, "xxxx...."),
    (Fault::Expired, "x......."),
    (Fault::ClockStepped, "........"),
];

/// `-` refused; else the stage: Verified, Shadowing, Approved, Probation (`P`), Committed, rejected,
/// rolled back.
fn steps() -> [(Event, &'static str); 6] {
    [
        (Event::Verify, "V-------"),
        (Event::Shadow, "-S------"),
        (approve(), "--A-----"),
        (TRY, "---P----"),
        (Event::Commit, "----C---"),
        (Event::Operator, "xxxxbb--"),
    ]
}

fn check(event: &Event, expected: &str, reason: Reason) {
    for (stage, letter) in stages().into_iter().zip(expected.chars()) {
        let to = stage.next(event);
        let wanted = match letter {
            '-' => {
                let refused = to.expect_err("out of order");
                assert_eq!((refused.stage, refused.event), (stage, event.clone()));
                continue;
            }
            '.' => stage.clone(),
            'x' => Stage::Rejected { reason },
            'b' => Stage::RolledBack { reason },
            's' | 'S' => Stage::Shadowing,
            'V' => Stage::Verified,
            'A' => stages()[3].clone(),
            'P' => Stage::Probation,
            'C' => Stage::Committed,
            other => panic!("{other}"),
        };
        assert_eq!(to, Ok(wanted), "{stage:?} after {event:?}");
    }
}

#[test]
fn every_fault_has_its_answer_at_every_stage() {
    assert_eq!(FAULTS.map(|(fault, _)| fault), Fault::ALL);
    for (fault, expected) in FAULTS {
        assert_eq!(expected.len(), STAGES);
        check(&Event::Fault(fault), expected, Reason::Fault(fault));
    }
}

#[test]
fn every_step_is_possible_at_its_place_only() {
    for (event, expected) in steps() {
        assert_eq!(expected.len(), STAGES);
        check(&event, expected, Reason::Operator);
    }
}

#[test]
fn a_disk_or_a_clock_decides_nothing_at_any_stage() {
    for fault in [Fault::DiskFull, Fault::ReadOnly, Fault::ClockStepped] {
        for stage in stages() {
            assert_eq!(stage.next(&Event::Fault(fault)), Ok(stage.clone()));
        }
    }
}

#[test]
fn nobody_reaches_probation_without_a_name_that_approved() {
    let events = steps().map(|(event, _)| event);
    let faults = Fault::ALL.map(Event::Fault);
    for stage in stages() {
        for event in events.iter().chain(&faults) {
            if stage != Stage::Probation && stage.next(event) == Ok(Stage::Probation) {
                assert!(matches!(stage, Stage::Approved { .. }), "{stage:?} after {event:?}");
            }
        }
    }
    assert!(Person::named("").is_err() && Person::named(" ").is_err());
    assert!(Person::named("Ada\nBen").is_err() && Person::named(&"a".repeat(200)).is_err());
}

#[test]
fn a_refusal_says_what_was_wanted_and_how_things_stand() {
    let refused = Stage::Verified.next(&Event::Commit).expect_err("out of order");
    assert_eq!(refused.to_string(), "the candidate is verified: it cannot be committed now");
}
