//! Stores of earlier versions go on with everything they held.

use std::path::Path;

use rusqlite::Connection;
use standclear::engine::{AlarmId, AlarmState};
use standclear::store::record::{AlarmKey, Record};
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
