//! `standclear check` finds what other hands, or a bug, did to a store.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use rusqlite::Connection;
use standclear::engine::{AlarmId, AlarmState, IncidentId};
use standclear::store::check::{CheckError, Finding, check};
use standclear::store::examples::{FOLDER, SaidLabel};
use standclear::store::models::ModelEventKind;
use standclear::store::pictures::{Hides, Pixelated};
use standclear::store::record::{AlarmKey, Record};
use standclear::store::verdicts::{Judgement, VerdictRow};
use standclear::store::zones::BY_BOX;
use standclear::store::{FILE_NAME, Store};
use tempfile::TempDir;

use super::examples::{an_example, model_event};
use super::{at, ended, entered, folder, incident, open, started};

/// A store with a bit of everything the invariants speak of.
fn lived() -> TempDir {
    let dir = folder();
    let mut store = open(dir.path());
    let alarm = |state, second| Record::Alarm {
        alarm: AlarmId(1),
        at: at(second),
        source: AlarmKey::Intrusion("gate".into()),
        state,
        version: (1 << 20) + second.unsigned_abs(),
        incident: Some(IncidentId(1)),
        text: "somebody is inside".into(),
    };
    store
        .write(&[
            started(0),
            incident(1, 10),
            alarm(AlarmState::Unacknowledged, 10),
            entered(1, 11),
            alarm(AlarmState::Acknowledged, 12),
            Record::Acknowledged { alarm: AlarmId(1), at: at(12), by: "Eva".into() },
            ended(1, 20, 2),
            incident(2, 30),
        ])
        .expect("kept");
    store.append_audit(BY_BOX, "started", "", "", at(0)).expect("kept");
    let both = Pixelated { hides: Hides::Persons, jpeg: b"a mosaic", clear: b"f" };
    store.put_pixelated_snapshot(IncidentId(1), both).expect("kept");
    with_examples(dir.path(), &mut store);
    drop(store);
    let file = Connection::open(dir.path().join(FILE_NAME)).expect("opened");
    file.execute_batch(
        "INSERT INTO zone_version (camera, number, document, digest, state, source, by, at_us,
           reason, applied_us)
         VALUES ('east', 1, '{}',
           '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', 'in_force', 'file',
           'the box', 1, '', 1)",
    )
    .expect("a version");
    dir
}

/// One that somebody labelled, and one of an incident that was judged; and something happened to a
/// model.
fn with_examples(dir: &Path, store: &mut Store) {
    for (id, incident) in [(1, None), (2, Some(1))] {
        store.put_example(&an_example(dir, id, incident), &[]).expect("kept");
    }
    store.label_example(1, SaidLabel::True, "Eva", at(40)).expect("kept");
    let (by, note) = ("Eva".to_owned(), String::new());
    let judged = VerdictRow { incident: 1, verdict: Judgement::Test, by, at: at(41), note };
    store.judge(&judged).expect("kept");
    store.write(&[model_event(42, ModelEventKind::Installed)]).expect("kept");
}

fn broken(dir: &TempDir) -> Vec<Finding> {
    check(dir.path()).expect("checked").into_iter().filter(Finding::is_broken).collect()
}

#[test]
fn a_store_that_only_the_box_wrote_is_whole() {
    let dir = lived();
    assert_eq!(broken(&dir), []);
}

/// What is done to the file, and what must be found: the invariant and the thing named.
const DAMAGES: &[(&str, &str, &str)] = &[
    (
        "INSERT INTO snapshot (incident, bytes, jpeg) VALUES (9, 1, x'00')",
        "every row that names another one finds it",
        "snapshot",
    ),
    (
        "INSERT INTO incident (id, zone, zone_name, camera, started_us, captured_us, frame, score,
           anchor_x, anchor_y, model_digest, zone_revision, ended_us, ended_how)
         VALUES (7, 'dock', '', 'east', 1, 1, 1, 0.5, 0, 0, '', '', 2, 'clear')",
        "every incident stands in the event log",
        "incident 7",
    ),
    (
        "DELETE FROM incident WHERE id = 2",
        "every incident of the event log stands in the list",
        "incident 2",
    ),
    (
        "DELETE FROM alarm WHERE id = 1",
        "every alarm of the event log stands in the list",
        "alarm 1",
    ),
    (
        "UPDATE alarm SET state = 'returned_unacknowledged' WHERE id = 1",
        "an alarm is in the state that was told of it last",
        "alarm 1 is returned_unacknowledged",
    ),
    (
        "INSERT INTO alarm (id, source, subject, state, version, renewed, raised_us, changed_us, text)
         VALUES (5, 'intrusion', 'gate', 'unacknowledged', 1, 1, 1, 1, '')",
        "one thing has one open alarm",
        "2 open alarms of intrusion gate",
    ),
    (
        "UPDATE alarm SET state = 'shelved' WHERE id = 1",
        "an alarm that is kept quiet is so by somebody",
        "alarm 1 is shelved by nobody",
    ),
    (
        "UPDATE alarm SET state = 'unacknowledged' WHERE id = 1",
        "an alarm that waits for an answer has none",
        "answered by Eva",
    ),
    (
        "DROP TRIGGER audit_is_never_removed; DELETE FROM audit WHERE action = 'alarm_acknowledged'",
        "every answer stands in the audit log",
        "alarm 1 was answered 1 times",
    ),
    (
        "UPDATE incident SET entries = 1 WHERE id = 1",
        "an incident has as many entries as were told",
        "incident 1 has 1 further entries",
    ),
    (
        "UPDATE incident SET ended_us = NULL, ended_how = NULL WHERE id = 1",
        "a zone has one incident at a time",
        "zone gate has 2 open incidents",
    ),
    (
        "UPDATE incident SET alarm = 44 WHERE id = 2",
        "an incident names an alarm that is there",
        "incident 2 names alarm 44",
    ),
    (
        "DROP TRIGGER event_goes_oldest_first; DELETE FROM event WHERE id = 3",
        "the numbers of the event log have no hole",
        "1 events are missing",
    ),
    (
        "INSERT INTO outbox (class, key, version, at_us, valid_until_us, body, bytes)
         VALUES ('alarm', 'alarm-1', 7, 1, 1, '{}', 2), ('fault', 'alarm-1', 7, 1, 1, '{}', 2)",
        "a message is told from every other by key and version",
        "alarm-1",
    ),
    (
        "INSERT INTO outbox_cursor (channel, class, position) VALUES ('broker', 'alarm', 999)",
        "no channel has got further than there were messages",
        "broker has got to alarm 999",
    ),
    (
        "DROP TRIGGER zone_version_is_never_rewritten; UPDATE zone_version SET document = '{ }'",
        "every zone version has the digest of its document",
        "version 1 of east",
    ),
    (
        "UPDATE snapshot_clear SET jpeg = x'00'",
        "every picture of an incident has its digest",
        "the clear picture of incident 1",
    ),
    (
        "UPDATE snapshot_clear SET jpeg = x'00',
           sha256 = '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'",
        "a picture's digest stands in the audit log",
        "the clear picture of incident 1",
    ),
    (
        "DELETE FROM snapshot_clear",
        "a pixelated picture has its clear one beside it",
        "the picture of incident 1",
    ),
    (
        "DROP TRIGGER audit_is_never_removed; DELETE FROM audit WHERE action = 'example_labelled'",
        "a label that somebody gave an example stands in the audit log",
        "example 1",
    ),
    (
        "DELETE FROM verdict",
        "a label that comes from a verdict has that verdict",
        "example 2",
    ),
    (
        "UPDATE model_event SET kind = 'committed'",
        "what happened to a model stands in the event log",
        "model event 1",
    ),
    (
        "UPDATE example SET bytes = 7 WHERE id = 2",
        "every picture of an example is there, with its digest",
        "example-00000002.jpg: has 4 bytes instead of 7",
    ),
    (
        "DROP TRIGGER audit_is_never_changed; UPDATE audit SET by = 'Mallory' WHERE number = 1",
        "the audit log is what was written",
        "entry 1",
    ),
];

#[test]
fn every_damage_is_found_and_named() {
    for (damage, holds, named) in DAMAGES {
        let dir = lived();
        let file = Connection::open(dir.path().join(FILE_NAME)).expect("opened");
        file.execute_batch("PRAGMA foreign_keys = OFF").expect("pragma");
        file.execute_batch(damage).unwrap_or_else(|error| panic!("{damage}: {error}"));
        drop(file);
        let found = broken(&dir);
        let it = found.iter().find(|finding| finding.holds.starts_with(holds));
        let it = it.unwrap_or_else(|| panic!("{damage}: not found; found {found:?}"));
        assert!(it.broken.iter().any(|line| line.contains(named)), "{damage}: {:?}", it.broken);
    }
}

/// A file among the clips that no row knows, older than any that is about to get its row.
fn stray(dir: &TempDir, name: &str) -> std::path::PathBuf {
    let folder = dir.path().join(standclear::store::evidence::FOLDER);
    fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(name);
    let file = File::create(&path).expect("a file");
    file.set_modified(SystemTime::UNIX_EPOCH).expect("it is old");
    path
}

#[test]
fn a_clip_that_makes_room_just_now_is_no_stray_and_one_that_stays_is() {
    let dir = lived();
    let path = stray(&dir, "incident-00000001-01.mp4");
    let going = path.clone();
    // Its row says removed, and the file goes while the folder and the rows are read.
    let goes = move || {
        let _ = fs::remove_file(&going);
    };
    fail::cfg_callback("check::listed", goes).expect("a fail point");
    let found = broken(&dir);
    fail::remove("check::listed");
    assert!(!path.exists(), "it went meanwhile");
    assert_eq!(found, []);
    stray(&dir, "incident-00000001-02.mp4");
    let found = broken(&dir);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].broken, ["incident-00000001-02.mp4"]);
}

#[test]
fn a_picture_among_the_examples_that_no_row_knows_is_found() {
    let dir = lived();
    let path = dir.path().join(FOLDER).join("example-00000009.jpg");
    let file = File::create(&path).expect("a file");
    assert_eq!(broken(&dir), [], "its row may be about to come");
    file.set_modified(SystemTime::UNIX_EPOCH).expect("it is old");
    let found = broken(&dir);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].broken, ["example-00000009.jpg"]);
    // A row's picture is gone.
    fs::remove_file(&path).expect("removed");
    fs::remove_file(dir.path().join(FOLDER).join("example-00000001.jpg")).expect("removed");
    let found = broken(&dir);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].broken[0].starts_with("example-00000001.jpg: "), "{found:?}");
}

#[test]
fn a_torn_page_is_found() {
    let dir = lived();
    let path = dir.path().join(FILE_NAME);
    let mut bytes = std::fs::read(&path).expect("read");
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 512].fill(0xA5);
    std::fs::write(&path, bytes).expect("written");
    match check(dir.path()) {
        Ok(findings) => assert!(findings.iter().any(Finding::is_broken), "{findings:?}"),
        Err(CheckError::Ask { .. } | CheckError::Store(_)) => {}
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn the_command_says_what_is_broken_and_ends_with_an_error() {
    let dir = lived();
    let run = || {
        let program = env!("CARGO_BIN_EXE_standclear");
        let mut command = Command::new(program);
        let output = command.args(["check", "--store"]).arg(dir.path()).output().expect("ran");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), said, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (well, said, complaint) = run();
    assert!(well && said.contains("is whole"), "{said}{complaint}");
    let file = Connection::open(dir.path().join(FILE_NAME)).expect("opened");
    file.execute_batch(
        "UPDATE alarm SET state = 'normal', acknowledged_by = NULL,
        acknowledged_us = NULL WHERE id = 1",
    )
    .expect("changed");
    let (well, said, complaint) = run();
    assert!(!well, "{said}");
    assert!(said.contains("BROKEN  an alarm is in the state"), "{said}");
    assert!(said.contains("alarm 1 is normal"), "{said}");
    assert!(complaint.contains("1 of "), "{complaint}");
    assert!(complaint.contains("keep a copy"), "{complaint}");
}

#[test]
fn a_folder_without_a_store_is_said() {
    let dir = folder();
    let error = check(dir.path()).expect_err("nothing there");
    assert!(error.to_string().contains("there is no store"), "{error}");
}
