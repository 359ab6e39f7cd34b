//! The store keeps what it was told, through restarts, kills, full disks and other people's files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use standclear::engine::{AlarmId, AlarmState, IncidentId};
use standclear::store::record::{AlarmKey, IncidentStart, OpenAlarm, Record, ZoneName};
use standclear::store::{FILE_NAME, SNAPSHOT_BYTES_MAX, Store, StoreError};
use tempfile::TempDir;

#[path = "store/check.rs"]
mod check;
#[path = "store/crash.rs"]
mod crash;
#[path = "store/evidence.rs"]
mod evidence;
#[path = "store/examples.rs"]
mod examples;
#[path = "store/holds.rs"]
mod holds;
#[path = "store/incidents.rs"]
mod incidents;
#[path = "store/lives.rs"]
mod lives;
#[path = "store/migration.rs"]
mod migration;
#[path = "store/model.rs"]
mod model;
#[path = "store/outbox.rs"]
mod outbox;
#[path = "store/schemas.rs"]
mod schemas;
#[path = "store/shadow.rs"]
mod shadow;
#[path = "support/small_disk.rs"]
mod small_disk;
#[path = "store/views.rs"]
mod views;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Seconds after the beginning of the story.
fn at(second: i64) -> Timestamp {
    let start: Timestamp = "2026-03-01T14:00:00Z".parse().expect("a time");
    start + SignedDuration::from_secs(second)
}

fn started(second: i64) -> Record {
    Record::Started {
        at: at(second),
        version: "0.1.0".into(),
        zone_revision: "z1".into(),
        boot: None,
        zones: vec![zone("gate"), zone("dock")],
    }
}

fn zone(id: &str) -> ZoneName {
    ZoneName { id: id.into(), name: format!("{id} – Tor „Süd“"), camera: "east".into() }
}

fn incident(id: u64, second: i64) -> Record {
    Record::IncidentStarted(IncidentStart {
        incident: IncidentId(id),
        zone: "gate".into(),
        zone_name: "Brána ž".into(),
        camera: "east".into(),
        at: at(second),
        captured_at: at(second) - SignedDuration::from_millis(120),
        frame: 812,
        score: 0.71,
        anchor_norm: (0.25, 0.5),
        track: Some(3),
        model_digest: "d1".into(),
        zone_revision: "z1".into(),
        stages: vec![("seen".into(), 38.0), ("inferred".into(), 26.5)],
    })
}

fn entered(id: u64, second: i64) -> Record {
    Record::PersonEntered {
        incident: IncidentId(id),
        at: at(second),
        score: 0.6,
        anchor_norm: (0.3, 0.5),
        track: None,
    }
}

fn ended(id: u64, second: i64, entries: u32) -> Record {
    Record::IncidentEnded {
        incident: IncidentId(id),
        at: at(second),
        last_inside_at: at(second - 2),
        entries,
    }
}

fn alarm(id: u64, second: i64, state: AlarmState, incident: u64) -> Record {
    Record::Alarm {
        alarm: AlarmId(id),
        at: at(second),
        source: AlarmKey::Intrusion("gate".into()),
        state,
        version: (1 << 20) + u64::try_from(second).expect("not negative"),
        incident: Some(IncidentId(incident)),
        text: "1 person inside".into(),
    }
}

fn known(zone: &str, second: i64) -> Record {
    Record::ZoneKnown { zone: zone.into(), at: at(second) }
}

fn open(dir: &Path) -> Store {
    Store::open(dir).expect("the store opens")
}

fn ids(store: &Store) -> Vec<u64> {
    let reader = store.reader().expect("a reader");
    let rows = reader.incidents(500, None).expect("incidents");
    rows.iter().map(|row| row.id).collect()
}

/// One number out of the file, past the store's own code.
fn number(dir: &Path, sql: &str) -> i64 {
    rusqlite::Connection::open(dir.join(FILE_NAME))
        .and_then(|connection| connection.query_row(sql, [], |row| row.get(0)))
        .expect("a number")
}

/// A life with one incident, from start to end.
fn story() -> Vec<Record> {
    vec![
        started(0),
        known("gate", 1),
        known("dock", 1),
        incident(17, 10),
        alarm(40, 10, AlarmState::Unacknowledged, 17),
        Record::SirenSounded { incident: IncidentId(17), after_ms: 190 },
        entered(17, 12),
        alarm(40, 15, AlarmState::Acknowledged, 17),
        Record::Acknowledged { alarm: AlarmId(40), at: at(15), by: "Zoë 山田".into() },
        ended(17, 20, 2),
        Record::Note { at: at(21), text: "vision process\nended: \\ signal 11".into() },
    ]
}

#[test]
fn everything_told_is_there_after_reopening() {
    let dir = folder();
    let mut store = open(dir.path());
    let batch = story();
    store.write(&batch).expect("kept");
    store.put_snapshot(IncidentId(17), b"jpeg").expect("kept");
    drop(store);

    let mut store = open(dir.path());
    let remembered = store.restore().expect("remembered");
    assert_eq!((remembered.last_incident, remembered.last_alarm), (17, 40));
    assert_eq!(remembered.last_version, (1 << 20) + 15);
    let open_alarm = OpenAlarm {
        alarm: AlarmId(40),
        source: AlarmKey::Intrusion("gate".into()),
        state: AlarmState::Acknowledged,
        raised_at: at(10),
        version: (1 << 20) + 15,
        renewed: (1 << 20) + 10,
        incident: Some(IncidentId(17)),
        acknowledged: Some(("Zoë 山田".into(), at(15))),
        text: "1 person inside".into(),
    };
    assert_eq!(remembered.open_alarms, [open_alarm]);
    let reader = store.reader().expect("a reader");
    let rows = reader.incidents(10, None).expect("incidents");
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!((row.id, row.entries, row.siren_after_ms), (17, 2, Some(190)));
    assert_eq!((row.started_at, row.ended_at), (at(10), Some(at(20))));
    assert_eq!(row.acknowledged_by.as_deref(), Some("Zoë 山田"));
    assert_eq!((row.zone_name.as_str(), row.score), ("Brána ž", 0.71));
    assert!(row.has_snapshot);
    assert_eq!(reader.snapshot(17).expect("asked").as_deref(), Some(&b"jpeg"[..]));
    assert_eq!(reader.snapshot(18).expect("asked"), None);
    assert_eq!(reader.snapshot(u64::MAX).expect("asked"), None);
    let events = number(dir.path(), "SELECT count(*) FROM event WHERE kind <> 'interrupted'");
    assert_eq!(events, 11, "every record is a row of the log");
    assert_eq!(
        number(
            dir.path(),
            "SELECT count(*) FROM event WHERE detail = \
        'text=vision process\\nended: \\\\ signal 11'"
        ),
        1
    );
}

#[test]
fn numbers_restart_at_zero_in_a_new_store_and_answers_are_empty() {
    let dir = folder();
    let mut store = open(&dir.path().join("made/here"));
    let remembered = store.restore().expect("remembered");
    assert_eq!(remembered, standclear::store::Remembered::default());
    let reader = store.reader().expect("a reader");
    assert_eq!(reader.incidents(50, None).expect("asked"), []);
    assert_eq!(reader.history(at(0)).expect("asked"), []);
}

#[test]
fn incidents_come_newest_first_in_pages() {
    let dir = folder();
    let mut store = open(dir.path());
    let batch: Vec<Record> = (1..=7).map(|id| incident(id, id.cast_signed())).collect();
    store.write(&batch).expect("kept");
    let reader = store.reader().expect("a reader");
    let page = |before| -> Vec<u64> {
        let rows = reader.incidents(3, before).expect("asked");
        rows.iter().map(|row| row.id).collect()
    };
    assert_eq!(page(None), [7, 6, 5]);
    assert_eq!(page(Some(5)), [4, 3, 2]);
    assert_eq!(page(Some(2)), [1]);
    assert_eq!(page(Some(u64::MAX)), [7, 6, 5]);
}

#[test]
fn writing_a_batch_again_changes_nothing() {
    let dir = folder();
    let mut store = open(dir.path());
    let batch = [
        started(0),
        incident(1, 10),
        alarm(1, 10, AlarmState::Unacknowledged, 1),
        Record::SirenSounded { incident: IncidentId(1), after_ms: 190 },
        entered(1, 12),
        ended(1, 20, 2),
    ];
    store.write(&batch).expect("kept");
    let rows = store.reader().expect("reader").incidents(9, None).expect("asked");
    store.write(&batch).expect("kept again");
    store.write(&batch[..3]).expect("a part of it too");
    assert_eq!(store.reader().expect("reader").incidents(9, None).expect("asked"), rows);
    assert_eq!(number(dir.path(), "SELECT count(*) FROM event"), 6);
    assert_eq!(number(dir.path(), "SELECT count(*) FROM life"), 1);
    assert_eq!(number(dir.path(), "SELECT count(*) FROM entry"), 1);
}

#[test]
fn an_error_in_the_middle_keeps_nothing_of_the_batch() {
    let dir = folder();
    let mut store = open(dir.path());
    let mut broken = entered(1, 12);
    if let Record::PersonEntered { score, .. } = &mut broken {
        *score = f32::NAN;
    }
    let error = store
        .write(&[started(0), incident(1, 10), broken, incident(2, 14)])
        .expect_err("a score that is no number");
    assert!(matches!(error, StoreError::Record { place: 3, of: 4, .. }), "{error:?}");
    assert!(error.to_string().contains("record 3 of 4 (person_entered)"), "{error}");
    let error =
        store.write(&[incident(1, 10), incident(u64::MAX, 11)]).expect_err("a number too large");
    assert!(matches!(error, StoreError::Record { place: 2, .. }), "{error:?}");
    assert_eq!(ids(&store), Vec::<u64>::new());
    for table in ["event", "life", "incident", "stage", "unknown_span"] {
        let rows = number(dir.path(), &format!("SELECT count(*) FROM {table}"));
        assert_eq!(rows, 0, "{table}");
    }
    // The life that was rolled back has not begun either.
    store.alive(at(60)).expect("nothing to do");
    store.write(&[incident(1, 10)]).expect("the store goes on");
    assert_eq!(ids(&store), [1]);
}

#[test]
fn records_about_unknown_incidents_reach_the_log_and_spoil_nothing() {
    let dir = folder();
    let mut store = open(dir.path());
    let lost = [entered(5, 1), ended(5, 2, 1), incident(6, 3)];
    store.write(&lost).expect("kept");
    assert_eq!(ids(&store), [6]);
    assert_eq!(number(dir.path(), "SELECT count(*) FROM event"), 3);
}

#[test]
fn snapshots_of_wrong_size_or_without_incident_are_refused() {
    let dir = folder();
    let mut store = open(dir.path());
    store.write(&[incident(1, 10)]).expect("kept");
    let error = store.put_snapshot(IncidentId(2), b"jpeg").expect_err("no such incident");
    assert!(matches!(error, StoreError::NoIncident { incident: 2, .. }), "{error:?}");
    for bytes in [0, SNAPSHOT_BYTES_MAX + 1] {
        let error = store.put_snapshot(IncidentId(1), &vec![7; bytes]).expect_err("size");
        assert!(matches!(error, StoreError::SnapshotSize { .. }), "{error:?}");
    }
    store.put_snapshot(IncidentId(1), b"first").expect("kept");
    store.put_snapshot(IncidentId(1), b"second").expect("replaced");
    let picture = store.reader().expect("reader").snapshot(1).expect("asked");
    assert_eq!(picture.as_deref(), Some(&b"second"[..]));
}

#[test]
fn readers_are_shared_between_threads_while_the_writer_writes() {
    let dir = folder();
    let mut store = open(dir.path());
    let reader = store.reader().expect("a reader");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let rows = reader.incidents(500, None).expect("incidents");
                    assert!(rows.windows(2).all(|pair| pair[0].id > pair[1].id));
                }
            });
        }
        for id in 1..=50 {
            store.write(&[incident(id, 1)]).expect("kept");
        }
    });
    assert_eq!(reader.incidents(500, None).expect("incidents").len(), 50);
}

#[test]
fn the_same_process_cannot_open_it_twice() {
    let dir = folder();
    let _first = open(dir.path());
    let error = Store::open(dir.path()).expect_err("in use");
    assert!(error.to_string().contains("this very process"), "{error}");
}

#[test]
fn a_file_that_is_not_ours_is_refused_and_untouched() {
    let foreign = folder();
    let foreign_file = foreign.path().join("other.db");
    let other = rusqlite::Connection::open(&foreign_file).expect("another database");
    other
        .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1); PRAGMA user_version = 1;")
        .expect("filled");
    drop(other);
    let unnamed = fs::read(&foreign_file).expect("read");
    let mut named = unnamed.clone();
    named[68..72].copy_from_slice(&0x1234_5678_u32.to_be_bytes());
    let cases = [
        b"hello, this is a text file of somebody".to_vec(),
        vec![0xA5; 8192],
        b"SQLite format 3\0 and then nothing".to_vec(),
        unnamed,
        named,
    ];
    for bytes in cases {
        let dir = folder();
        let file = dir.path().join(FILE_NAME);
        fs::write(&file, &bytes).expect("written");
        let error = Store::open(dir.path()).expect_err("not ours");
        assert!(matches!(error, StoreError::NotAStore { .. }), "{error:?}");
        assert!(error.to_string().contains(file.to_str().expect("utf-8")), "{error}");
        assert_eq!(fs::read(&file).expect("read"), bytes, "untouched");
        assert!(!dir.path().join("standclear.db-wal").exists());
    }
}

#[test]
fn a_store_made_by_a_newer_version_is_refused_and_untouched() {
    let dir = folder();
    drop(open(dir.path()));
    let file = dir.path().join(FILE_NAME);
    let connection = rusqlite::Connection::open(&file).expect("opened");
    connection.execute_batch("PRAGMA user_version = 99").expect("set");
    drop(connection);
    let bytes = fs::read(&file).expect("read");
    let error = Store::open(dir.path()).expect_err("newer");
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error:?}");
    assert!(error.to_string().contains("made by a newer Standclear"), "{error}");
    assert_eq!(fs::read(&file).expect("read"), bytes);
}

#[test]
fn an_empty_file_left_by_a_power_cut_becomes_a_store() {
    let dir = folder();
    fs::write(dir.path().join(FILE_NAME), b"").expect("written");
    assert_eq!(ids(&open(dir.path())), Vec::<u64>::new());
}

#[test]
fn a_folder_that_cannot_be_is_refused_with_its_path() {
    let dir = folder();
    let file = dir.path().join("file");
    fs::write(&file, b"x").expect("written");
    let error = Store::open(&file).expect_err("a file");
    assert!(matches!(error, StoreError::NotAFolder { .. }), "{error:?}");
    let error = Store::open(&file.join("below")).expect_err("below a file");
    assert!(matches!(error, StoreError::CreateFolder { .. }), "{error:?}");
    assert!(error.to_string().contains("below"), "{error}");
    assert_eq!(fs::read(&file).expect("read"), b"x");
}

#[test]
fn the_files_are_for_this_user_only() {
    let dir = folder();
    let inner = dir.path().join("store");
    let _store = open(&inner);
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&inner), 0o700);
    assert_eq!(mode(&inner.join(FILE_NAME)), 0o600);
}
