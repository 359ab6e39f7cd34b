//! What people keep quiet survives, is in the audit log once, and ends when it is told to.

use rusqlite::Connection;
use standclear::engine::alarm_kpi::Verdict;
use standclear::engine::{AlarmId, AlarmState};
use standclear::guard::handle::{kpis_of, span_kpis};
use standclear::store::FILE_NAME;
use standclear::store::alarms::AlarmReader;
use standclear::store::record::{AlarmKey, HeldKind, OpenHold, Record};

use super::{alarm, at, folder, number, open, started};

fn gate() -> AlarmKey {
    AlarmKey::Intrusion("gate".into())
}

fn shelved(second: i64) -> Record {
    Record::Shelved {
        alarm: AlarmId(1),
        source: gate(),
        at: at(second),
        until: at(second + 1_800),
        by: "Eva".into(),
        reason: "Scaffold\nin the picture".into(),
    }
}

#[test]
fn what_is_kept_quiet_is_there_after_reopening_and_the_audit_log_has_it_once() {
    let dir = folder();
    let mut store = open(dir.path());
    let batch = [
        started(0),
        alarm(1, 10, AlarmState::Unacknowledged, 1),
        alarm(1, 11, AlarmState::Shelved, 1),
        shelved(11),
        Record::OutOfService {
            zone: "dock".into(),
            at: at(12),
            by: "Tom".into(),
            reason: "rebuilt".into(),
        },
    ];
    store.write(&batch).expect("kept");
    store.write(&batch).expect("kept again, by somebody who was not sure");
    drop(store);

    let mut store = open(dir.path());
    let remembered = store.restore().expect("remembered");
    assert_eq!(remembered.open_alarms[0].state, AlarmState::Shelved);
    let kind = HeldKind::Shelved { alarm: AlarmId(1), until: at(1_811) };
    let (by, reason) = ("Eva".to_owned(), "Scaffold\nin the picture".to_owned());
    let shelf = OpenHold { source: gate(), kind, by, reason, since: at(11) };
    assert_eq!(remembered.holds.len(), 4, "a zone is out of service with all it can be");
    assert_eq!(remembered.holds[0], shelf);
    assert!(remembered.holds[1..].iter().all(|hold| hold.kind == HeldKind::OutOfService));
    assert_eq!(number(dir.path(), "SELECT count(*) FROM audit"), 2);

    let ended = [
        Record::Unshelved { alarm: AlarmId(1), source: gate(), at: at(20), by: None },
        Record::InService { zone: "dock".into(), at: at(21), by: Some("Tom".into()) },
    ];
    store.write(&ended).expect("kept");
    assert_eq!(store.restore().expect("remembered").holds, []);
    let by_the_box = "SELECT count(*) FROM audit WHERE action = 'alarm_unshelved'
      AND by = 'standclear'";
    assert_eq!(number(dir.path(), by_the_box), 1);
}

#[test]
fn a_zone_taken_out_of_service_leaves_the_shelf() {
    let dir = folder();
    let mut store = open(dir.path());
    let (zone, by, reason) = ("gate".to_owned(), "Tom".to_owned(), "rebuilt".to_owned());
    store
        .write(&[started(0), shelved(1), Record::OutOfService { zone, at: at(2), by, reason }])
        .expect("kept");
    let holds = store.restore().expect("remembered").holds;
    assert_eq!(holds.len(), 3);
    assert!(holds.iter().all(|hold| hold.kind == HeldKind::OutOfService));
}

#[test]
fn a_store_refuses_a_hold_without_reason_or_end_by_whatever_hand() {
    let dir = folder();
    drop(open(dir.path()));
    let connection = Connection::open(dir.path().join(FILE_NAME)).expect("opened");
    for values in [
        "('intrusion', 'gate', 'shelved', 1, 'Eva', '', 0, 1)",
        "('intrusion', 'gate', 'shelved', 1, 'Eva', 'why', 0, NULL)",
        "('intrusion', 'gate', 'out_of_service', NULL, 'Eva', 'why', 0, 1)",
        "('intrusion', 'gate', 'asleep', 1, 'Eva', 'why', 0, 1)",
    ] {
        let insert = format!(
            "INSERT INTO inhibition (source, subject, kind, alarm, by, reason, since_us, until_us)
             VALUES {values}"
        );
        connection.execute(&insert, []).expect_err(values);
    }
}

#[test]
fn the_story_of_an_alarm_is_told_from_the_log() {
    let dir = folder();
    let mut store = open(dir.path());
    store
        .write(&[
            started(0),
            alarm(1, 10, AlarmState::Unacknowledged, 1),
            alarm(1, 12, AlarmState::Acknowledged, 1),
            alarm(2, 20, AlarmState::Unacknowledged, 2),
            alarm(2, 30, AlarmState::Normal, 2),
            alarm(3, 40, AlarmState::Unacknowledged, 3),
        ])
        .expect("kept");
    let reader = AlarmReader::open(dir.path()).expect("a reader");
    let told = |from| reader.alarm_stories(at(from)).expect("stories");
    let all = told(0);
    assert_eq!(all.len(), 3);
    assert_eq!(
        all[0].changes,
        [(at(10), AlarmState::Unacknowledged), (at(12), AlarmState::Acknowledged)]
    );
    let late = told(25);
    assert_eq!(late.iter().map(|story| story.alarm.0).collect::<Vec<_>>(), [1, 2, 3]);
    // It was raised before the span; then comes what the log knows of it.
    assert_eq!(
        late[0].changes,
        [
            (at(10), AlarmState::Acknowledged),
            (at(10), AlarmState::Unacknowledged),
            (at(12), AlarmState::Acknowledged)
        ]
    );
    assert_eq!(
        late[1].changes,
        [
            (at(20), AlarmState::Acknowledged),
            (at(20), AlarmState::Unacknowledged),
            (at(30), AlarmState::Normal)
        ]
    );
    assert_eq!(reader.open_alarms().expect("open").len(), 2);
}

#[test]
fn an_alarm_that_latched_days_ago_is_latched_in_its_story_and_not_stale() {
    const DAY_S: i64 = 24 * 3_600;
    let dir = folder();
    let mut store = open(dir.path());
    let latched = alarm(1, 30, AlarmState::LatchedAcknowledged, 1);
    let came = [
        started(0),
        alarm(1, 10, AlarmState::Unacknowledged, 1),
        alarm(1, 20, AlarmState::Acknowledged, 1),
    ];
    store.write(&[&came[..], &[latched]].concat()).expect("kept");
    let reader = AlarmReader::open(dir.path()).expect("a reader");
    let stale = || {
        let (from, to) = (at(3 * DAY_S), at(4 * DAY_S));
        kpis_of(reader.alarm_stories(from).expect("stories"), from, to).stale.value
    };
    assert_eq!(stale(), 0.0);
    // Reset within the span: what it was before does not become active by that.
    store.write(&[alarm(1, 3 * DAY_S + 60, AlarmState::Normal, 1)]).expect("kept");
    assert_eq!(stale(), 0.0);
}

#[test]
fn numbers_are_of_the_time_in_which_the_box_was_there() {
    const WEEK_S: i64 = 7 * 24 * 3_600;
    let dir = folder();
    let mut store = open(dir.path());
    let born = WEEK_S - 120;
    store
        .write(&[started(born), alarm(1, born + 20, AlarmState::Unacknowledged, 1)])
        .expect("kept");
    let reader = AlarmReader::open(dir.path()).expect("a reader");
    let young = span_kpis(&reader, at(0), at(WEEK_S)).expect("numbers");
    assert_eq!((young.from, young.numbers.alarms), (at(born), 1));
    assert_eq!(young.numbers.mean.verdict, Verdict::TooShort);
    // An hour later one alarm is one in six periods, not in a thousand.
    let later = span_kpis(&reader, at(0), at(born + 3_600)).expect("numbers").numbers.mean;
    assert_eq!((later.value, later.verdict), (1.0 / 6.0, Verdict::Met));
    // Of a box that is older the whole span is counted.
    let old = span_kpis(&reader, at(born + 60), at(WEEK_S)).expect("numbers");
    assert_eq!(old.from, at(born + 60));
}
