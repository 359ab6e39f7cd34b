//! The audit log: what is in it, and what somebody did to it with the store's file in their hands.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use standclear::clock;
use standclear::digest::hex;
use standclear::engine::{AlarmId, AlarmState};
use standclear::guard::clerk::Clerk;
use standclear::guard::handle::Accounts;
use standclear::store::Store;
use standclear::store::audit::{AuditReader, AuditRow, Broken, Checked};
use standclear::store::record::{AlarmKey, Record};

use crate::fake::{ADMIN, PASSWORD, eventually, serve};

const ENTRIES: u64 = 8;

fn at(second: i64) -> Timestamp {
    let start: Timestamp = "2026-03-01T08:00:00Z".parse().expect("a time");
    start + SignedDuration::from_secs(second)
}

/// A store with some entries; closed.
fn store() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path()).expect("a store");
    for number in 1..=ENTRIES {
        let subject = format!("camera {number}");
        let second = i64::try_from(number).expect("small");
        store
            .append_audit("Ada", "zones_approved", &subject, r#"{"version":3}"#, at(second))
            .expect("kept");
    }
    folder
}

#[test]
fn the_chain_of_an_older_store_begins_when_it_is_brought_to_this_schema() {
    let folder = tempfile::tempdir().expect("a folder");
    let old = rusqlite::Connection::open(folder.path().join("standclear.db")).expect("a file");
    old.execute_batch(include_str!("../../src/store/schema_1.sql")).expect("schema 1");
    old.execute_batch("PRAGMA application_id = 1400128364; PRAGMA user_version = 1;")
        .expect("ours");
    drop(old);
    let mut store = Store::open(folder.path()).expect("brought up");
    assert_eq!(check(folder.path()).map(|checked| checked.entries), Ok(0));
    assert_eq!(store.accounts().expect("read"), Default::default(), "nobody is made up");
    store.append_audit("Ada", "set_up", "Ada", "", at(0)).expect("kept");
    assert_eq!(check(folder.path()).map(|checked| checked.entries), Ok(1));
}

/// What somebody does who has the file and knows SQL.
fn tamper(folder: &Path, sql: &str) {
    let disk = rusqlite::Connection::open(folder.join("standclear.db")).expect("the store");
    disk.execute_batch(
        "DROP TRIGGER IF EXISTS audit_is_never_changed;
         DROP TRIGGER IF EXISTS audit_is_never_removed;",
    )
    .expect("no more triggers");
    disk.execute_batch(sql).expect("done");
}

fn check(folder: &Path) -> Result<Checked, Broken> {
    let reader = AuditReader::of_store(folder).expect("a reader");
    reader.check(Checked::default(), |_row| {}).expect("readable")
}

fn rows(folder: &Path) -> Vec<AuditRow> {
    let mut rows = Vec::new();
    let reader = AuditReader::of_store(folder).expect("a reader");
    let outcome = reader.check(Checked::default(), |row| rows.push(row.clone()));
    outcome.expect("readable").expect("whole");
    rows
}

#[test]
fn a_log_that_nobody_touched_is_whole_also_after_a_restart() {
    let folder = store();
    let checked = check(folder.path()).expect("whole");
    assert_eq!(checked.entries, ENTRIES);
    let rows = rows(folder.path());
    assert_eq!(rows.last().map(|row| row.hash), Some(checked.head));
    assert!(rows.windows(2).all(|pair| pair[1].previous == pair[0].hash));
    drop(Store::open(folder.path()).expect("again"));
    assert_eq!(check(folder.path()), Ok(checked));
    let empty = tempfile::tempdir().expect("a folder");
    drop(Store::open(empty.path()).expect("a store"));
    assert_eq!(check(empty.path()).map(|checked| checked.entries), Ok(0));
}

#[test]
fn whatever_was_done_to_an_entry_is_found_and_the_entry_named() {
    for (number, what, sql) in [
        (4, "changed", "UPDATE audit SET by = 'Eve' WHERE number = 4"),
        (4, "changed", "UPDATE audit SET at_us = at_us + 1 WHERE number = 4"),
        (4, "changed", "UPDATE audit SET detail = '{\"version\":4}' WHERE number = 4"),
        // A letter moved from one field to the next.
        (
            4,
            "changed",
            "UPDATE audit SET action = 'zones_approve', subject = 'd' || subject WHERE number = 4",
        ),
        (4, "removed", "DELETE FROM audit WHERE number = 4"),
        (4, "entry 5 were removed", "DELETE FROM audit WHERE number IN (4, 5)"),
        (1, "removed", "DELETE FROM audit WHERE number = 1"),
        (8, "from the end", "DELETE FROM audit WHERE number = 8"),
        (6, "up to entry 8 were removed from the end", "DELETE FROM audit WHERE number > 5"),
        (1, "from the end", "DELETE FROM audit"),
        (
            4,
            "moved",
            "UPDATE audit SET number = 99 WHERE number = 4;
             UPDATE audit SET number = 4 WHERE number = 5;
             UPDATE audit SET number = 5 WHERE number = 99",
        ),
        (
            4,
            "put in",
            "UPDATE audit SET number = -number WHERE number >= 4;
             INSERT INTO audit SELECT 4, at_us, by, action, subject, detail, previous, hash
               FROM audit WHERE number = 2;
             UPDATE audit SET number = 1 - number WHERE number < 0",
        ),
        (
            9,
            "added by other hands",
            "INSERT INTO audit SELECT 9, at_us, by, action, subject, detail, hash, zeroblob(32)
               FROM audit WHERE number = 8",
        ),
        (4, "cannot be read", "UPDATE audit SET at_us = 9223372036854775807 WHERE number = 4"),
        (8, "written anew", "UPDATE audit_head SET hash = zeroblob(32)"),
    ] {
        let folder = store();
        // Numbers below zero are for the tampering alone.
        let sql = sql.replace(
            "UPDATE audit SET number = -number",
            "PRAGMA ignore_check_constraints = ON; UPDATE audit SET number = -number",
        );
        tamper(folder.path(), &sql);
        let broken = check(folder.path()).expect_err(&sql);
        let found = (broken.number == number && broken.why.contains(what))
            // An entry added at the end is found by its hash before its place is looked at.
            || (number == 9 && broken.number == 9);
        assert!(found, "{sql}: {broken}");
    }
}

#[test]
fn a_log_written_anew_looks_whole_and_is_found_by_a_head_noted_before() {
    let folder = store();
    let noted = check(folder.path()).expect("whole").head;
    // All entries again, by other hands: one of them with another name.
    let old = rows(folder.path());
    tamper(
        folder.path(),
        "DELETE FROM audit; UPDATE audit_head SET number = 0, hash = zeroblob(32)",
    );
    let mut store = Store::open(folder.path()).expect("the store");
    for AuditRow { entry, number, .. } in old {
        let by = if number == 4 { "Eve" } else { entry.by.as_str() };
        store
            .append_audit(by, &entry.action, &entry.subject, &entry.detail, entry.at)
            .expect("kept");
    }
    drop(store);
    assert_eq!(check(folder.path()).map(|checked| checked.entries), Ok(ENTRIES));
    let reader = AuditReader::of_store(folder.path()).expect("a reader");
    assert!(!reader.has(&noted).expect("readable"));
    let now = check(folder.path()).expect("whole").head;
    assert!(reader.has(&now).expect("readable"));
}

#[test]
fn the_machines_own_log_is_told_the_head_and_when_the_audit_log_is_broken() {
    let said = |folder: &Path| {
        // The thread of the clerk before lets go of the store when it notices.
        let mut store = None;
        eventually("the store is free", || {
            store = Store::open(folder).ok();
            store.is_some()
        });
        let store = store.expect("just opened");
        let (rows, audit) = (store.accounts().expect("read"), store.audit_reader().expect("read"));
        let clerk = Clerk::over(store).expect("a thread");
        let (accounts, _code) = Accounts::new(rows, audit, clerk).expect("accounts");
        accounts.audit_sentence(clock::monotonic())
    };
    let folder = store();
    let head = hex(&check(folder.path()).expect("whole").head);
    let whole = format!("the audit log is whole: {ENTRIES} entries, head {head}");
    assert_eq!(said(folder.path()), Ok(whole));
    tamper(folder.path(), "DELETE FROM audit WHERE number = 3");
    let broken = said(folder.path()).expect_err("an entry is gone");
    assert!(broken.contains("entry 3: it was removed"), "{broken}");
}

#[test]
fn the_program_itself_cannot_change_or_remove_an_entry() {
    let folder = store();
    let disk = rusqlite::Connection::open(folder.path().join("standclear.db")).expect("the store");
    for sql in ["UPDATE audit SET by = 'Eve'", "DELETE FROM audit WHERE number = 8"] {
        let error = disk.execute(sql, []).expect_err("refused").to_string();
        assert!(error.contains("append-only"), "{error}");
    }
}

#[test]
fn an_answer_to_an_alarm_is_an_entry_in_the_same_moment_and_only_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path()).expect("a store");
    let alarm = AlarmId(40);
    let records = [
        Record::Alarm {
            alarm,
            at: at(0),
            source: AlarmKey::Intrusion("bay".into()),
            state: AlarmState::Unacknowledged,
            version: 1,
            incident: None,
            text: String::new(),
        },
        Record::Acknowledged { alarm, at: at(1), by: "Eva".into() },
    ];
    store.write(&records).expect("kept");
    store.write(&records).expect("kept again, by somebody who was not sure");
    let rows = rows(folder.path());
    assert_eq!(rows.len(), 1);
    let entry = &rows[0].entry;
    assert_eq!(
        (entry.by.as_str(), entry.action.as_str(), entry.subject.as_str(), entry.at),
        ("Eva", "alarm_acknowledged", "alarm 40", at(1))
    );
    let detail: Value = serde_json::from_str(&entry.detail).expect("JSON");
    assert_eq!(detail, json!({ "zone": "bay", "alarm_of": "intrusion" }));
}

#[test]
fn a_detail_of_any_length_stays_json_and_a_repeat_is_no_second_entry() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path()).expect("a store");
    let long = json!({ "text": "\\\"\u{1}ž".repeat(20_000) }).to_string();
    for _ in 0..2 {
        store.append_audit("Ada", "zones_approved", &"x".repeat(999), &long, at(0)).expect("kept");
    }
    let rows = rows(folder.path());
    assert_eq!(rows.len(), 1);
    let detail: Value = serde_json::from_str(&rows[0].entry.detail).expect("JSON");
    assert!(detail["cut"].is_string() && rows[0].entry.detail.len() <= 16 * 1024);
    assert_eq!(rows[0].entry.subject.len(), 200);
}

#[test]
fn everything_people_do_to_accounts_is_an_entry_and_the_page_says_whether_it_is_whole() {
    let served = serve();
    let eva = served.person("Eva", "engineer");
    served.token("press", "integration");
    let patch = json!({ "role": "supervisor", "password": "another password" }).to_string();
    let kind = [("Content-Type", "application/json")];
    served.request_as(&eva.headers(), "GET", "/api/audit", &[], b"");
    assert_eq!(served.request("PATCH", "/api/users/eva", &kind, patch.as_bytes()).status, 200);
    served.sign_in("Eva", PASSWORD).expect_err("the old one");
    let page = served.get("/api/audit").json();
    let seen: Vec<(&str, &str, &str)> = page["entries"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| {
            let text = |key: &str| entry[key].as_str().expect("a text");
            (text("by"), text("action"), text("subject"))
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("nobody", "sign_in_failed", "eva"),
            (ADMIN, "user_changed", "Eva"),
            (ADMIN, "token_added", "press"),
            ("Eva", "signed_in", "Eva"),
            (ADMIN, "user_added", "Eva"),
            (ADMIN, "set_up", ADMIN),
        ]
    );
    let changed = &page["entries"][1]["detail"];
    assert_eq!(changed, &json!({ "role": "supervisor", "password": "set" }));
    assert!(!page.to_string().contains("another password"));
    let head = page["entries"][0]["hash"].clone();
    assert_eq!(page["verified"], json!({ "ok": true, "entries": 6, "head": head }));
    let older = served.get("/api/audit?limit=2&before=3").json();
    let numbers: Vec<&Value> =
        older["entries"].as_array().expect("a list").iter().map(|e| &e["number"]).collect();
    assert_eq!(numbers, [2, 1]);
    served.get("/api/audit?limit=501").refused(422, "bad_request");

    // The newest entry that was checked is looked at each time; the rest within ten minutes.
    tamper(served.folder.path(), "UPDATE audit SET by = 'Eve' WHERE number = 6");
    served.post("/api/tokens", r#"{"name": "b", "role": "viewer"}"#);
    let told = served.get("/api/audit").json();
    assert_eq!((&told["verified"]["ok"], &told["verified"]["number"]), (&json!(false), &json!(6)));
    let again = served.get("/api/audit").json();
    assert_eq!(again["verified"]["number"], 6, "it does not forget");
}
