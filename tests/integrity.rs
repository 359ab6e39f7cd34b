//! Faults painted into real footage on their way through the real pipeline, and what is told of them.

mod support;

use std::time::Duration;

use standclear::integrity::faults::FaultKind;
use standclear::vision::preprocess::Fit;
use standclear::vision::trial::{self, Trial, TrialOptions};

const OPTIONS: fn() -> TrialOptions = || TrialOptions { fit: Fit::new(416, 32), fps: 5.0 };

fn tried(kind: FaultKind) -> Trial {
    trial::of_kind(&support::footage(), OPTIONS(), kind).expect("the footage plays")
}

/// What R15 asks for, and nothing before the fault came.
fn must_be_told(kind: FaultKind) {
    let trial = tried(kind);
    let (fault, within) = kind.must_tell().expect("a fault that must be told");
    let from = trial.fault_at.expect("a fault");
    let first = trial.told.first().expect("something is told");
    let after = first.at.checked_sub(from);
    let in_time = first.fault == fault && after.is_some_and(|after| after <= within);
    assert!(in_time, "{kind:?} within {within:?}: {:?}", trial.told);
}

#[test]
fn a_frozen_picture_of_the_walkway_is_told_within_a_second() {
    must_be_told(FaultKind::Freeze);
}

#[test]
fn a_covered_view_of_the_walkway_is_told_within_two_seconds() {
    must_be_told(FaultKind::Cover);
}

#[test]
fn a_walkway_seen_ten_pixels_beside_is_told_within_five_seconds() {
    must_be_told(FaultKind::Shift);
}

#[test]
fn pictures_that_are_dropped_or_come_twice_are_told_as_nothing() {
    for kind in [FaultKind::Drop, FaultKind::Duplicate] {
        assert_eq!(tried(kind).told, vec![], "{kind:?}");
    }
}

#[test]
fn a_stalled_source_is_missed_by_the_engine_within_a_second() {
    let trial = tried(FaultKind::Stall);
    let from = trial.fault_at.expect("a fault");
    let missed = trial.no_picture_at.expect("missed").saturating_sub(from);
    assert!(missed <= Duration::from_secs(1), "{missed:?}");
}

#[test]
fn the_walkway_as_it_is_raises_nothing() {
    let trial = trial::clean(&support::footage(), OPTIONS(), Duration::ZERO);
    assert_eq!(trial.expect("the footage plays").told, vec![]);
}
