//! What must be so after every kill, and at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use standclear::store::FILE_NAME;
use standclear::store::check::{Finding, check};

use crate::hook::{Hook, Manner};

/// A receiver that tells messages apart by box, key and version, and is not always well.
pub struct Receiver(Hook);

impl Receiver {
    pub fn start(seed: u64) -> Receiver {
        let mut random = seed | 1;
        Receiver(Hook::start(move |_| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            match random % 12 {
                0 => Manner::Status(503),
                1 => Manner::Reset,
                _ => Manner::Status(204),
            }
        }))
    }

    pub fn url(&self) -> String {
        self.0.url()
    }

    /// Holds what it has against what the box kept.
    pub fn compare(&self, folder: &Path) -> String {
        let mut has: BTreeMap<(String, u64), String> = BTreeMap::new();
        let mut incidents = BTreeSet::new();
        let (mut repeats, mut boxes) = (0, BTreeSet::new());
        for request in self.0.taken() {
            let json = request.json();
            let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
            boxes.insert(text("box"));
            let key = (text("key"), json["version"].as_u64().expect("a version"));
            if let Some(incident) = json["incident"]["id"].as_u64() {
                incidents.insert(incident);
            }
            let said = format!("{}{}{}", json["alarm"], json["incident"], json["at"]);
            match has.get(&key) {
                Some(before) => {
                    assert_eq!(*before, said, "{key:?} means two things");
                    repeats += 1;
                }
                None => drop(has.insert(key, said)),
            }
        }
        assert_eq!(boxes.len(), 1, "one box: {boxes:?}");
        let kept: BTreeSet<u64> = numbers(folder, "SELECT id FROM incident").into_iter().collect();
        assert_eq!(incidents, kept, "incidents that were kept and incidents that came");
        let alarms = rows(folder, "SELECT 'alarm-' || id, version FROM alarm");
        for (key, version) in &alarms {
            let key = (key.clone(), *version);
            assert!(has.contains_key(&key), "the last word on {key:?} never came");
        }
        let lost = numbers(folder, "SELECT coalesce(sum(rows), 0) FROM outbox_loss");
        assert_eq!(lost, [0], "messages were given up");
        format!(
            "{} incidents, {} alarms, {} messages, {repeats} of them twice",
            kept.len(),
            alarms.len(),
            has.len()
        )
    }
}

/// Alarms that are open on the disk: number and state.
pub fn open_alarms(folder: &Path) -> Vec<(u64, String)> {
    if !folder.join("data").join(FILE_NAME).is_file() {
        return Vec::new();
    }
    let sql = "SELECT id, state FROM alarm WHERE state <> 'normal' AND source = 'intrusion'
               ORDER BY id";
    let file = file(folder);
    let mut statement = file.prepare(sql).expect("prepared");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("asked");
    rows.collect::<rusqlite::Result<_>>().expect("read")
}

pub fn whole(folder: &Path, told: &str) {
    let findings = check(&folder.join("data")).unwrap_or_else(|error| panic!("{told}: {error}"));
    let broken: Vec<_> = findings.into_iter().filter(Finding::is_broken).collect();
    assert_eq!(broken, [], "{told}");
}

/// What the box said was answered is answered, unless a further person came.
pub fn answers_kept(folder: &Path, answers: &[(u64, u64)], told: &str) {
    for (alarm, seen) in answers {
        let sql = format!(
            "SELECT count(*) FROM alarm
             WHERE id = {alarm} AND state = 'unacknowledged' AND renewed <= {seen}"
        );
        assert_eq!(numbers(folder, &sql), [0], "{told}: the answer to alarm {alarm} is lost");
    }
}

/// Whether nothing waits for the receiver.
pub fn is_drained(folder: &Path) -> bool {
    let sql = "SELECT count(*) FROM outbox WHERE class <> 'telemetry' AND id > coalesce(
                 (SELECT position FROM outbox_cursor AS c
                  WHERE c.channel = 'webhook-hook' AND c.class = outbox.class), 0)";
    numbers(folder, sql) == [0]
}

fn file(folder: &Path) -> Connection {
    let path = folder.join("data").join(FILE_NAME);
    // What a kill left in the log is read through it.
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).expect("the store")
}

fn numbers(folder: &Path, sql: &str) -> Vec<u64> {
    let file = file(folder);
    let mut statement = file.prepare(sql).expect("prepared");
    let rows = statement.query_map([], |row| row.get(0)).expect("asked");
    rows.collect::<rusqlite::Result<_>>().expect("read")
}

fn rows(folder: &Path, sql: &str) -> Vec<(String, u64)> {
    let file = file(folder);
    let mut statement = file.prepare(sql).expect("prepared");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("asked");
    rows.collect::<rusqlite::Result<_>>().expect("read")
}
