//! The alarm's life, cell by cell, and what the siren does with it.

use standclear::engine::alarm::{AlarmBook, Trigger, next};
use standclear::engine::time::Instant;
use standclear::engine::{
    AlarmId, AlarmSource, AlarmState, CameraIndex, Part, Refusal, Restored, SirenPattern, ZoneIndex,
};

use AlarmState::{Acknowledged, Normal, ReturnedUnacknowledged, Unacknowledged};
use Trigger::{Acknowledge, Activate, Renew, Return};

const NOW: Instant = Instant::from_millis(5_000);
const GATE: AlarmSource = AlarmSource::Intrusion(ZoneIndex(0));

fn book() -> AlarmBook {
    AlarmBook::restored(&Restored::default())
}

#[test]
fn every_cell_of_the_transition_table_is_as_written() {
    let table = [
        (Normal, [Unacknowledged, Unacknowledged, Normal, Normal]),
        (Unacknowledged, [Unacknowledged, Unacknowledged, ReturnedUnacknowledged, Acknowledged]),
        (Acknowledged, [Acknowledged, Unacknowledged, Normal, Acknowledged]),
        (ReturnedUnacknowledged, [Unacknowledged, Unacknowledged, ReturnedUnacknowledged, Normal]),
    ];
    for (from, row) in table {
        for (trigger, to) in [Activate, Renew, Return, Acknowledge].into_iter().zip(row) {
            assert_eq!(next(from, trigger), to, "{from:?} on {trigger:?}");
        }
    }
}

#[test]
fn an_alarm_keeps_its_number_until_it_is_normal_and_the_next_gets_a_new_one() {
    let mut book = book();
    let first = book.apply(GATE, Activate, NOW).expect("raised").alarm;
    assert_eq!(book.apply(GATE, Return, NOW).expect("returned").alarm, first);
    assert_eq!(book.apply(GATE, Activate, NOW).expect("again").alarm, first);
    book.apply(GATE, Acknowledge, NOW).expect("answered");
    assert_eq!(book.apply(GATE, Return, NOW).expect("ends").to, Normal);
    assert_ne!(book.apply(GATE, Activate, NOW).expect("anew").alarm, first);
}

#[test]
fn acknowledging_twice_or_out_of_the_blue_is_refused_and_changes_nothing() {
    let mut book = book();
    assert_eq!(book.acknowledge(AlarmId(7), NOW), Err(Refusal::UnknownAlarm));
    let alarm = book.apply(GATE, Activate, NOW).expect("raised").alarm;
    book.acknowledge(alarm, NOW).expect("first answer");
    let before = book.clone();
    assert_eq!(book.acknowledge(alarm, NOW), Err(Refusal::AlreadyAcknowledged));
    assert_eq!(book, before);
}

#[test]
fn siren_prefers_people_over_faults_and_falls_silent_only_when_all_are_answered_or_gone() {
    let mut book = book();
    assert_eq!(book.siren().pattern, SirenPattern::Silent);
    book.apply(AlarmSource::Blind(CameraIndex(0)), Activate, NOW);
    assert_eq!(book.siren().pattern, SirenPattern::Fault);
    let alarm = book.apply(GATE, Activate, NOW).expect("raised").alarm;
    let order = book.siren();
    assert_eq!((order.pattern, order.zone), (SirenPattern::Intrusion, Some(ZoneIndex(0))));
    book.acknowledge(alarm, NOW).expect("answered");
    assert_eq!(book.siren().pattern, SirenPattern::Fault, "the fault still waits");
    book.apply(AlarmSource::Blind(CameraIndex(0)), Return, NOW);
    assert_eq!(book.siren().pattern, SirenPattern::Silent);
    book.apply(GATE, Renew, NOW);
    assert_eq!(book.siren().pattern, SirenPattern::Intrusion, "a new intruder sounds again");
}

#[test]
fn siren_names_the_zone_entered_last() {
    let mut book = book();
    book.apply(GATE, Activate, NOW);
    let later = Instant::from_millis(6_000);
    book.apply(AlarmSource::Intrusion(ZoneIndex(4)), Activate, later);
    assert_eq!(book.siren().zone, Some(ZoneIndex(4)));
    book.apply(GATE, Renew, Instant::from_millis(7_000));
    assert_eq!(book.siren().zone, Some(ZoneIndex(0)));
}

#[test]
fn broken_parts_are_alarms_of_their_own() {
    let mut book = book();
    book.apply(AlarmSource::Fault(Part::Store), Activate, NOW);
    book.apply(AlarmSource::Fault(Part::Siren), Activate, NOW);
    assert_eq!(book.views().len(), 2);
    assert_eq!(book.siren().pattern, SirenPattern::Fault);
}
