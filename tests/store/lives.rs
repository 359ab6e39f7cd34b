//! What one life of the box leaves to the next: open alarms, interrupted incidents, and the time
//! nobody watched.

use standclear::engine::{AlarmId, AlarmState};
use standclear::store::query::{Span, SpanState};
use standclear::store::record::Record;

use super::{alarm, at, ended, folder, incident, known, number, open, started, zone};

fn span(zone: &str, state: SpanState, from: i64, to: Option<i64>) -> Span {
    Span { zone: zone.into(), state, from: at(from), to: to.map(at) }
}

#[test]
fn crash_closes_what_was_open_at_the_last_sign_of_life_and_marks_it() {
    let dir = folder();
    let mut store = open(dir.path());
    store.write(&[started(0), known("gate", 1), incident(1, 10)]).expect("kept");
    store.write(&[alarm(1, 10, AlarmState::Unacknowledged, 1)]).expect("kept");
    store.alive(at(70)).expect("alive");
    drop(store);

    let mut store = open(dir.path());
    let remembered = store.restore().expect("remembered");
    assert_eq!(remembered.open_alarms.len(), 1, "a person still has to answer");
    let rows = store.reader().expect("reader").incidents(9, None).expect("asked");
    assert_eq!(rows[0].ended_at, Some(at(70)));
    let marked = "SELECT count(*) FROM incident WHERE ended_how = 'interrupted'";
    assert_eq!(number(dir.path(), marked), 1);
    let marked = "SELECT count(*) FROM unknown_span WHERE ended_how = 'interrupted'";
    assert_eq!(number(dir.path(), marked), 1, "dock was never seen");
    let told = "SELECT count(*) FROM event WHERE kind = 'interrupted'";
    assert_eq!(number(dir.path(), told), 2);
    assert_eq!(store.restore().expect("again"), remembered);
    assert_eq!(number(dir.path(), told), 2);
}

#[test]
fn restore_after_the_start_of_this_life_closes_nothing() {
    let dir = folder();
    let mut store = open(dir.path());
    store.write(&[started(0), incident(1, 10)]).expect("kept");
    assert_eq!(store.restore().expect("remembered").last_incident, 1);
    let rows = store.reader().expect("reader").incidents(9, None).expect("asked");
    assert_eq!(rows[0].ended_at, None);
}

#[test]
fn history_shows_the_time_nobody_watched_as_unknown() {
    let dir = folder();
    let mut store = open(dir.path());
    let life = [started(0), known("gate", 1), known("dock", 1), incident(1, 10), ended(1, 20, 1)];
    store.write(&life).expect("kept");
    store.alive(at(60)).expect("alive");
    drop(store);

    let mut store = open(dir.path());
    store.restore().expect("remembered");
    store.alive(at(500)).expect("before the start of a life: nobody watches");
    store.write(&[started(1_000), known("gate", 1_002)]).expect("kept");
    let reader = store.reader().expect("reader");
    use SpanState::{NoRecord, Occupied, Unknown};
    let expected = [
        span("dock", NoRecord, -100, Some(0)),
        span("gate", NoRecord, -100, Some(0)),
        span("dock", Unknown, 0, Some(1)),
        span("gate", Unknown, 0, Some(1)),
        span("gate", Occupied, 10, Some(20)),
        span("dock", Unknown, 60, None),
        span("gate", Unknown, 60, Some(1_002)),
    ];
    assert_eq!(reader.history(at(-100)).expect("asked"), expected);
    assert_eq!(reader.history(at(1_100)).expect("asked"), [span("dock", Unknown, 1_000, None)]);
}

#[test]
fn history_of_a_zone_added_later_has_no_record_before() {
    let dir = folder();
    let mut store = open(dir.path());
    store.write(&[started(0), known("gate", 1), known("dock", 1)]).expect("kept");
    let more = Record::Started {
        at: at(100),
        version: "0.1.0".into(),
        zone_revision: "z2".into(),
        boot: None,
        zones: vec![zone("crane")],
    };
    store.write(&[more, known("crane", 101)]).expect("kept");
    let spans = store.reader().expect("reader").history(at(50)).expect("asked");
    let expected = [
        span("crane", SpanState::NoRecord, 50, Some(100)),
        span("crane", SpanState::Unknown, 100, Some(101)),
    ];
    assert_eq!(spans, expected);
}

#[test]
fn a_clock_put_back_neither_stops_the_store_nor_hides_a_gap() {
    let dir = folder();
    let mut store = open(dir.path());
    store.write(&[started(1_000), known("gate", 1_001), incident(1, 1_010)]).expect("kept");
    store.write(&[ended(1, 500, 1)]).expect("the clock went back");
    store.alive(at(520)).expect("alive");
    drop(store);
    let mut store = open(dir.path());
    store.restore().expect("remembered");
    store.write(&[started(600), known("gate", 601)]).expect("kept");
    let spans = store.reader().expect("reader").history(at(510)).expect("asked");
    let gap = |span: &Span| {
        (span.zone.as_str(), span.state) == ("gate", SpanState::Unknown)
            && span.from <= at(520)
            && span.to.is_some_and(|to| to >= at(601))
    };
    assert!(spans.iter().any(gap), "{spans:?}");
}

#[test]
fn a_new_intruder_takes_the_answer_back() {
    let dir = folder();
    let mut store = open(dir.path());
    let answer = Record::Acknowledged { alarm: AlarmId(1), at: at(12), by: "Eva".into() };
    store
        .write(&[
            incident(1, 10),
            alarm(1, 10, AlarmState::Unacknowledged, 1),
            alarm(1, 12, AlarmState::Acknowledged, 1),
            answer,
            alarm(1, 20, AlarmState::Unacknowledged, 1),
        ])
        .expect("kept");
    let remembered = store.restore().expect("remembered");
    assert_eq!(remembered.open_alarms[0].acknowledged, None);
    assert_eq!(remembered.open_alarms[0].raised_at, at(10));
    store.write(&[alarm(1, 30, AlarmState::Normal, 1)]).expect("kept");
    assert_eq!(store.restore().expect("remembered").open_alarms, []);
}

#[test]
fn the_run_of_the_machine_in_which_a_life_began_is_remembered() {
    let dir = folder();
    let mut store = open(dir.path());
    assert_eq!(store.restore().expect("remembered").last_boot, None);
    let boot = standclear::clock::BootId::new("4f2c".into());
    let Record::Started { at, version, zone_revision, zones, .. } = started(0) else {
        panic!("another record");
    };
    let begun = Record::Started { at, version, zone_revision, boot: Some(boot.clone()), zones };
    store.write(&[begun]).expect("kept");
    drop(store);
    let mut store = open(dir.path());
    assert_eq!(store.restore().expect("remembered").last_boot, Some(boot));
    store.write(&[started(10)]).expect("kept");
    assert_eq!(store.restore().expect("remembered").last_boot, None, "of the newest life");
}
