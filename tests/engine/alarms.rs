//! The alarm's life, cell by cell, and what the siren does with it.

use standclear::engine::alarm::{
    AlarmBook, Condition, Hold, HoldTrigger, Inhibition, Latch, ShelfTime, ShelfTimeError, Trigger,
    next, next_hold,
};
use standclear::engine::time::Instant;
use standclear::engine::{
    AlarmId, AlarmSource, AlarmState, CameraIndex, Part, Priority, Refusal, Restored, SirenPattern,
    ZoneIndex,
};

use Condition::{
    Acknowledged as A, LatchedAcknowledged as LA, LatchedUnacknowledged as LU, Normal as N,
    ReturnedUnacknowledged as RU, Unacknowledged as U,
};
use Trigger::{Acknowledge, Activate, Renew, Reset, Return};

const NOW: Instant = Instant::from_millis(5_000);
const GATE: AlarmSource = AlarmSource::Intrusion(ZoneIndex(0));
const BLIND: AlarmSource = AlarmSource::Blind(CameraIndex(0));

fn book() -> AlarmBook {
    AlarmBook::restored(&Restored::default())
}

fn pattern(book: &AlarmBook) -> SirenPattern {
    book.siren(NOW).pattern
}

#[test]
fn every_cell_of_the_transition_table_is_as_written() {
    let triggers = [Activate, Renew, Return, Acknowledge, Reset];
    let table = [
        (N, Latch::No, [U, U, N, N, N]),
        (U, Latch::No, [U, U, RU, A, U]),
        (A, Latch::No, [A, U, N, A, A]),
        (RU, Latch::No, [U, U, RU, N, RU]),
        (LU, Latch::No, [U, U, LU, LA, LU]),
        (LA, Latch::No, [U, U, LA, LA, N]),
        (N, Latch::Yes, [U, U, N, N, N]),
        (U, Latch::Yes, [U, U, LU, A, U]),
        (A, Latch::Yes, [A, U, LA, A, A]),
        (RU, Latch::Yes, [U, U, RU, N, RU]),
        (LU, Latch::Yes, [U, U, LU, LA, LU]),
        (LA, Latch::Yes, [U, U, LA, LA, N]),
    ];
    for (from, latch, row) in table {
        for (trigger, to) in triggers.into_iter().zip(row) {
            assert_eq!(next(from, trigger, latch), to, "{from:?} on {trigger:?}, latch {latch:?}");
        }
    }
}

#[test]
fn every_cell_of_the_table_of_holds_is_as_written() {
    use HoldTrigger::{PutBack, Retire, Shelve, TakeOut, TimeUp, Unshelve};
    use Refusal::{AlreadyShelved, InServiceAlready, NotShelved, OutOfServiceAlready};
    let triggers = [Shelve, Unshelve, TimeUp, TakeOut, PutBack, Retire];
    let (none, shelf, out) = (Ok(Hold::None), Ok(Hold::Shelved), Ok(Hold::OutOfService));
    let table = [
        (Hold::None, [shelf, Err(NotShelved), none, out, Err(InServiceAlready), none]),
        (Hold::Shelved, [Err(AlreadyShelved), none, none, out, Err(InServiceAlready), none]),
        (
            Hold::OutOfService,
            [Err(OutOfServiceAlready), Err(NotShelved), out, Err(OutOfServiceAlready), none, none],
        ),
    ];
    for (from, row) in table {
        for (trigger, to) in triggers.into_iter().zip(row) {
            assert_eq!(next_hold(from, trigger), to, "{from:?} on {trigger:?}");
        }
    }
    for (hold, by_design, shown) in [
        (Hold::None, Inhibition::None, Inhibition::None),
        (Hold::Shelved, Inhibition::None, Inhibition::Shelved),
        (Hold::OutOfService, Inhibition::None, Inhibition::OutOfService),
        (Hold::None, Inhibition::SuppressedByDesign, Inhibition::SuppressedByDesign),
        (Hold::Shelved, Inhibition::SuppressedByDesign, Inhibition::Shelved),
        (Hold::OutOfService, Inhibition::SuppressedByDesign, Inhibition::OutOfService),
    ] {
        assert_eq!(Inhibition::of(hold, by_design), shown, "{hold:?}, {by_design:?}");
    }
}

#[test]
fn a_time_on_the_shelf_is_a_minute_to_a_shift() {
    for minutes in [1, 480] {
        let time = ShelfTime::from_minutes(minutes).expect("a time");
        assert_eq!(time.get().as_secs(), minutes * 60);
    }
    assert_eq!(ShelfTime::from_minutes(0), Err(ShelfTimeError::Nothing));
    for minutes in [481, 525_600, u64::MAX] {
        assert_eq!(ShelfTime::from_minutes(minutes), Err(ShelfTimeError::TooLong { minutes }));
    }
}

#[test]
fn every_source_has_its_priority() {
    for (source, priority) in [
        (GATE, Priority::Emergency),
        (AlarmSource::Warning(ZoneIndex(0)), Priority::High),
        (AlarmSource::Untested(ZoneIndex(0)), Priority::Low),
        (BLIND, Priority::Fault),
    ] {
        assert_eq!(source.priority(), priority);
    }
    for part in Part::ALL {
        assert_eq!(AlarmSource::Fault(part).priority(), Priority::Fault);
    }
}

#[test]
fn an_alarm_keeps_its_number_until_it_is_normal_and_the_next_gets_a_new_one() {
    let mut book = book();
    let mut apply = |trigger| book.apply(GATE, trigger, Latch::No, NOW);
    let first = apply(Activate).expect("raised").alarm;
    assert_eq!(apply(Return).expect("returned").alarm, first);
    assert_eq!(apply(Activate).expect("again").alarm, first);
    apply(Acknowledge).expect("answered");
    assert_eq!(apply(Return).expect("ends").to, AlarmState::Normal);
    assert_ne!(apply(Activate).expect("anew").alarm, first);
}

#[test]
fn acknowledging_twice_or_out_of_the_blue_is_refused_and_changes_nothing() {
    let mut book = book();
    assert_eq!(book.acknowledge(AlarmId(7), NOW), Err(Refusal::UnknownAlarm));
    let alarm = book.apply(GATE, Activate, Latch::No, NOW).expect("raised").alarm;
    book.acknowledge(alarm, NOW).expect("first answer");
    let before = book.clone();
    assert_eq!(book.acknowledge(alarm, NOW), Err(Refusal::AlreadyAcknowledged));
    assert_eq!(book, before);
}

#[test]
fn a_latched_alarm_sounds_on_until_it_is_acknowledged_and_stays_until_it_is_reset() {
    let mut book = book();
    let alarm = book.apply(GATE, Activate, Latch::Yes, NOW).expect("raised").alarm;
    assert_eq!(book.reset(alarm, NOW), Err(Refusal::StillActive));
    let left = book.apply(GATE, Return, Latch::Yes, NOW).expect("left");
    assert_eq!(left.to, AlarmState::LatchedUnacknowledged);
    assert_eq!(pattern(&book), SirenPattern::Intrusion, "everybody has left, and it goes on");
    assert_eq!(book.reset(alarm, NOW), Err(Refusal::NotAcknowledged));
    assert_eq!(book.acknowledge(alarm, NOW).expect("ok").to, AlarmState::LatchedAcknowledged);
    assert_eq!(pattern(&book), SirenPattern::Silent);
    assert_eq!(book.state(GATE), AlarmState::LatchedAcknowledged, "in alarm still");
    assert_eq!(book.reset(alarm, NOW).expect("reset").to, AlarmState::Normal);
    assert_eq!(book.reset(alarm, NOW), Err(Refusal::UnknownAlarm));
    let other = book.apply(BLIND, Activate, Latch::No, NOW).expect("raised").alarm;
    book.apply(BLIND, Return, Latch::No, NOW).expect("returned");
    assert_eq!(book.reset(other, NOW), Err(Refusal::NotLatched));
}

#[test]
fn siren_prefers_people_over_faults_and_falls_silent_only_when_all_are_answered_or_gone() {
    let mut book = book();
    assert_eq!(pattern(&book), SirenPattern::Silent);
    book.apply(BLIND, Activate, Latch::No, NOW);
    assert_eq!(pattern(&book), SirenPattern::Fault);
    let alarm = book.apply(GATE, Activate, Latch::No, NOW).expect("raised").alarm;
    let order = book.siren(NOW);
    assert_eq!((order.pattern, order.zone), (SirenPattern::Intrusion, Some(ZoneIndex(0))));
    book.acknowledge(alarm, NOW).expect("answered");
    assert_eq!(pattern(&book), SirenPattern::Fault, "the fault still waits");
    book.apply(BLIND, Return, Latch::No, NOW);
    assert_eq!(pattern(&book), SirenPattern::Silent);
    book.apply(GATE, Renew, Latch::No, NOW);
    assert_eq!(pattern(&book), SirenPattern::Intrusion, "a new intruder sounds again");
}

#[test]
fn siren_names_the_zone_entered_last() {
    let mut book = book();
    book.apply(GATE, Activate, Latch::No, NOW);
    let later = Instant::from_millis(6_000);
    book.apply(AlarmSource::Intrusion(ZoneIndex(4)), Activate, Latch::No, later);
    assert_eq!(book.siren(later).zone, Some(ZoneIndex(4)));
    book.apply(GATE, Renew, Latch::No, Instant::from_millis(7_000));
    assert_eq!(book.siren(later).zone, Some(ZoneIndex(0)));
}

#[test]
fn broken_parts_are_alarms_of_their_own() {
    let mut book = book();
    for part in Part::ALL {
        book.apply(AlarmSource::Fault(part), Activate, Latch::No, NOW);
    }
    assert_eq!(book.views().len(), Part::ALL.len());
    assert_eq!(pattern(&book), SirenPattern::Fault);
}
