//! Stores of earlier versions go on with everything they held.

use std::path::Path;

use rusqlite::Connection;
use standclear::config::Privacy;
use standclear::engine::{AlarmId, AlarmState};
use standclear::store::heat::{HeatCells, HeatHour, Hour};
use standclear::store::pictures::Hides;
use standclear::store::record::{AlarmKey, Record};
use standclear::store::walk::{
    NewWalkTest, SirenHeard, WalkEdge, WalkError, WalkReader, WalkState,
};
use standclear::store::zones::Signed;
use standclear::store::{FILE_NAME, SCHEMA};

use super::{at, folder, ids, number, open};

/// A store as schema 1 left it: one life, one incident, its alarm, and the log of it.
fn store_of_schema_1(dir: &Path) {
    let connection = Connection::open(dir.join(FILE_NAME)).expect("made");
    connection.execute_batch(include_str!("../../src/store/schema_1.sql")).expect("schema 1");
    let rows = "PRAGMA application_id = 1400128364; PRAGMA user_version = 1;
      INSERT INTO life VALUES (1, 0, 900, '0.1.0', 'z1');
      INSERT INTO life_zone VALUES (1, 0, 'gate', 'Gate', 'east');
      INSERT INTO incident (id, zone, zone_name, camera, started_us, captured_us, frame, score,
          anchor_x, anchor_y, model_digest, zone_revision, ended_us, ended_how, alarm)
        VALUES (1, 'gate', 'Gate', 'east', 100, 90, 8, 0.7, 0.5, 0.5, 'd', 'z1', 300, 'clear', 4);
      INSERT INTO alarm VALUES
        (4, 'intrusion', 'gate', 'unacknowledged', 100, 300, 1, '1 person inside', NULL, NULL);
      INSERT INTO event (kind, at_us, subject, incident, alarm, detail) VALUES
        ('started', 0, '', NULL, NULL, 'version=0.1.0'),
        ('incident_started', 100, 'gate', 1, NULL, 'camera=east'),
        ('alarm', 100, 'gate', 1, 4, 'source=intrusion');";
    connection.execute_batch(rows).expect("rows");
    let warning =
        "INSERT INTO alarm VALUES (9, 'warning', 'gate', 'normal', 0, 0, 1, '', NULL, NULL)";
    connection.execute(warning, []).expect_err("schema 1 knows no warning");
}

#[test]
fn a_store_of_schema_1_goes_on_with_every_row_and_takes_the_new_kinds() {
    let dir = folder();
    store_of_schema_1(dir.path());
    let mut store = open(dir.path());
    assert_eq!(number(dir.path(), "PRAGMA user_version"), SCHEMA);
    assert_eq!(ids(&store), [1]);
    assert_eq!(number(dir.path(), "SELECT count(*) FROM event"), 3);
    assert_eq!(number(dir.path(), "SELECT max(id) FROM event"), 3);
    let remembered = store.restore().expect("remembered");
    assert_eq!(remembered.open_alarms.len(), 1);
    let raised = |alarm, source| Record::Alarm {
        alarm: AlarmId(alarm),
        at: at(100),
        source,
        state: AlarmState::Unacknowledged,
        version: 1,
        incident: None,
        text: String::new(),
    };
    store
        .write(&[
            raised(7, AlarmKey::Warning("gate".into())),
            raised(8, AlarmKey::Untested("gate".into())),
            Record::ZoneDisarmed {
                zone: "gate".into(),
                at: at(101),
                by: "interlock".into(),
                reason: "Off while press is off".into(),
            },
            Record::ZoneArmed { zone: "gate".into(), at: at(102), reason: "Always armed".into() },
        ])
        .expect("the new kinds are kept");
    let open_now = store.restore().expect("remembered").open_alarms;
    let sources: Vec<AlarmKey> = open_now.into_iter().map(|open| open.source).collect();
    assert_eq!(
        sources,
        [
            AlarmKey::Intrusion("gate".into()),
            AlarmKey::Warning("gate".into()),
            AlarmKey::Untested("gate".into())
        ]
    );
    drop(store);
    let connection = Connection::open(dir.path().join(FILE_NAME)).expect("opened");
    let change = connection.execute("UPDATE event SET subject = 'x'", []);
    assert!(change.expect_err("refused").to_string().contains("append-only"));
    let gap = connection.execute("DELETE FROM event WHERE id = (SELECT max(id) FROM event)", []);
    assert!(gap.expect_err("refused").to_string().contains("only the oldest"));
    let named = "SELECT count(*) FROM sqlite_schema WHERE name IN
      ('alarm_open', 'alarm_incident', 'event_at')";
    assert_eq!(number(dir.path(), named), 3);
}

/// A store as schema 4 left it: one life, one incident, one version of zones.
fn store_of_schema_4(dir: &Path) {
    store_of_schema_1(dir);
    let connection = Connection::open(dir.join(FILE_NAME)).expect("opened");
    for sql in [
        include_str!("../../src/store/schema_2.sql"),
        include_str!("../../src/store/schema_3.sql"),
        include_str!("../../src/store/schema_4.sql"),
    ] {
        connection.execute_batch(sql).expect("a schema");
    }
    let rows = "PRAGMA user_version = 4;
      INSERT INTO zone_version (camera, number, document, digest, state, source, by, at_us, reason,
          applied_us)
        VALUES ('east', 1, '{}', printf('%064d', 1), 'in_force', 'file', 'file', 0, 'why', 0);";
    connection.execute_batch(rows).expect("rows");
}

#[test]
fn a_store_of_schema_4_takes_walk_tests_and_heat_and_keeps_what_it_had() {
    let dir = folder();
    store_of_schema_4(dir.path());
    let mut store = open(dir.path());
    assert_eq!(number(dir.path(), "PRAGMA user_version"), SCHEMA);
    assert_eq!(ids(&store), [1]);
    assert!(store.zones_of("east").expect("zones").in_force.is_some());
    let signed = |second| Signed { by: "Eva".into(), at: at(second) };
    let new = NewWalkTest {
        zone: "gate".into(),
        zone_name: "Gate".into(),
        camera: "east".into(),
        zone_digest: "0".repeat(64),
        zones_version: 1,
        tester: "Tom".into(),
        started: signed(0),
        siren: SirenHeard::Sounds,
        limit_ms: 2_000,
        facts: "{}".into(),
        edges: vec![WalkEdge {
            edge: 0,
            label: "edge 1".into(),
            points: vec![[0.25, 0.5], [0.75, 0.5]],
            skipped: None,
            attempts: Vec::new(),
        }],
    };
    let test = store.start_walk_test(&new).expect("started");
    let second = store.start_walk_test(&new).expect_err("one at a time");
    assert!(matches!(second, WalkError::Running { id, .. } if id == test.id));
    store.put_walk_picture(test.id, b"heads", Some(Hides::Heads)).expect("kept");
    let done = store.finish_walk_test(test.id, &signed(9), 0).expect("finished");
    assert_eq!(done.state, WalkState::Incomplete);
    let everybody = store.reader().expect("a reader");
    let shown = |privacy| everybody.walk_picture(test.id, privacy).expect("read").is_some();
    assert_eq!([Privacy::Off, Privacy::Heads, Privacy::Persons].map(shown), [true, true, false]);
    let hour = HeatHour {
        camera: "east".into(),
        hour: Hour::of(at(0)),
        cells: HeatCells::from([(7, 1_500)]),
    };
    store.add_heat(std::slice::from_ref(&hour), hour.hour).expect("kept");
    store.add_heat(std::slice::from_ref(&hour), hour.hour).expect("added");
    // Beside the box that is open.
    let reader = WalkReader::open(dir.path()).expect("a reader");
    assert_eq!(reader.walk_tests(Some("gate")).expect("tests"), [done]);
    assert_eq!(reader.walk_tests(Some("dock")).expect("tests"), []);
    let heat = reader.heat("east", Hour::of(at(0))).expect("heat");
    assert_eq!(heat, HeatCells::from([(7, 3_000)]));
    assert_eq!(reader.heat("east", Hour(Hour::of(at(0)).0 + 1)).expect("heat"), HeatCells::new());
    drop(store);
    let connection = Connection::open(dir.path().join(FILE_NAME)).expect("opened");
    let rewritten = connection.execute("UPDATE walk_test SET state = 'passed'", []);
    assert!(rewritten.expect_err("refused").to_string().contains("never rewritten"));
}

#[test]
fn a_month_of_heat_is_kept_and_not_more() {
    let dir = folder();
    let mut store = open(dir.path());
    let hour = |hour| HeatHour {
        camera: "east".into(),
        hour: Hour(hour),
        cells: HeatCells::from([(1, 1)]),
    };
    let hours: Vec<HeatHour> = (0..31 * 24 + 10).map(hour).collect();
    store.add_heat(&hours, Hour(31 * 24 + 9)).expect("kept");
    assert_eq!(number(dir.path(), "SELECT count(*) FROM heat_hour"), 31 * 24);
    assert_eq!(number(dir.path(), "SELECT min(hour) FROM heat_hour"), 10);
}

#[test]
fn a_wrong_date_in_the_future_takes_no_heat_and_is_the_first_to_go() {
    let dir = folder();
    let mut store = open(dir.path());
    let hour = |hour| HeatHour {
        camera: "east".into(),
        hour: Hour(hour),
        cells: HeatCells::from([(1, 1)]),
    };
    let count = |what: &str| number(dir.path(), &format!("SELECT count(*) FROM heat_hour {what}"));
    let days: Vec<HeatHour> = (0..100).map(hour).collect();
    store.add_heat(&days, Hour(99)).expect("kept");
    store.add_heat(&[hour(500_000), hour(500_001)], Hour(500_001)).expect("the clock is wrong");
    assert_eq!(count("WHERE hour < 100"), 100);
    // The clock is right again: what comes now is kept, and goes on being kept.
    let days: Vec<HeatHour> = (100..31 * 24 - 1).map(hour).collect();
    store.add_heat(&days, Hour(31 * 24 - 2)).expect("kept");
    assert_eq!(count("WHERE hour < 500000"), 31 * 24 - 1);
    assert_eq!(count("WHERE hour = 500001"), 0, "the farthest ahead goes first");
    store.add_heat(&[hour(31 * 24 - 1), hour(31 * 24)], Hour(31 * 24)).expect("kept");
    assert_eq!(count("WHERE hour >= 500000"), 0);
    assert_eq!((count(""), count("WHERE hour = 0")), (31 * 24, 0));
}

/// Pixelated as nobody knows how, and its clear one without a digest.
#[test]
fn pictures_of_schema_13_stay_are_counted_whole_and_hide_the_heads_at_least() {
    let dir = folder();
    let file = Connection::open(dir.path().join(FILE_NAME)).expect("made");
    for sql in [
        include_str!("../../src/store/schema_1.sql"),
        include_str!("../../src/store/schema_2.sql"),
        include_str!("../../src/store/schema_3.sql"),
        include_str!("../../src/store/schema_4.sql"),
        include_str!("../../src/store/schema_5.sql"),
        include_str!("../../src/store/schema_6.sql"),
        include_str!("../../src/store/schema_7.sql"),
        include_str!("../../src/store/schema_8.sql"),
        include_str!("../../src/store/schema_9.sql"),
        include_str!("../../src/store/schema_10.sql"),
        include_str!("../../src/store/schema_11.sql"),
        include_str!("../../src/store/schema_12.sql"),
        include_str!("../../src/store/schema_13.sql"),
    ] {
        file.execute_batch(sql).expect("a schema");
    }
    let rows = "PRAGMA application_id = 1400128364; PRAGMA user_version = 13;
      INSERT INTO incident (id, zone, zone_name, camera, started_us, captured_us, frame, score,
          anchor_x, anchor_y, model_digest, zone_revision, ended_us, ended_how)
        VALUES (1, 'gate', 'Gate', 'east', 100, 90, 8, 0.7, 0.5, 0.5, 'd', 'z1', 300, 'clear');
      INSERT INTO snapshot (incident, bytes, jpeg, shows) VALUES (1, 2, x'ffd8', 'pixelated');
      INSERT INTO snapshot_clear VALUES (1, x'ffd8ff');";
    file.execute_batch(rows).expect("rows");
    drop(file);
    let store = open(dir.path());
    assert_eq!(number(dir.path(), "PRAGMA user_version"), SCHEMA);
    let reader = store.reader().expect("a reader");
    assert_eq!(reader.evidence_state().expect("read").snapshot_bytes, 5);
    assert_eq!(reader.clear_snapshot(1).expect("read").as_deref(), Some(&[0xff, 0xd8, 0xff][..]));
    let shown = |privacy| reader.shown_snapshot(1, privacy).expect("read").is_some();
    assert_eq!([Privacy::Heads, Privacy::Persons].map(shown), [true, false]);
}
