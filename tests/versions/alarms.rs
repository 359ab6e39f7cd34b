//! What people said of alarms, after the program was killed.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Person;
use crate::kill::{Program, configure};

/// Kills tried; each round takes about two seconds.
const ROUNDS: u64 = 4;

/// Looks for something that must come, 20 ms apart.
const LOOKS_MAX: u32 = 1_000;

/// Looks until there is an answer.
#[track_caller]
fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _look in 0..LOOKS_MAX {
        if let Some(found) = look() {
            return found;
        }
        thread::park_timeout(Duration::from_millis(20));
    }
    panic!("{what} did not come");
}

/// The open alarm of this kind.
#[track_caller]
fn open(ada: &mut Person, kind: &str) -> Value {
    wait(kind, || {
        let state = ada.state();
        let alarms = state["alarms"].as_array().expect("alarms");
        alarms.iter().find(|alarm| alarm["kind"] == kind).cloned()
    })
}

/// Waits until an action is on disk so many times: an answer does not wait for a slow one.
#[track_caller]
fn wait_audited(ada: &mut Person, action: &str, times: u64) {
    wait(action, || {
        let log = ada.get("/api/audit?limit=200").ok();
        let entries = log["entries"].as_array().expect("entries").iter();
        let found = entries.filter(|entry| entry["action"] == action).count() as u64;
        (found == times).then_some(())
    });
}

/// What people keep quiet.
fn holds(ada: &mut Person) -> Vec<String> {
    let holds = ada.get("/api/alarms/shelved").ok();
    let holds = holds["holds"].as_array().expect("holds").iter();
    holds.map(|hold| hold["state"].as_str().expect("a state").to_owned()).collect()
}

/// What `standclear alarms` says beside the box that runs.
fn told(folder: &Path, command: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_standclear"))
        .arg("alarms")
        .args(command)
        .arg("--config")
        .arg(folder.join("standclear.toml"))
        .output()
        .expect("the program");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn what_was_told_to_be_shelved_answered_or_out_of_service_is_so_after_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    configure(folder.path());
    let mut program = Program::start(folder.path());
    let code = program.code.take().expect("nobody is there yet");
    let mut ada = Person::set_up(&program.address, &code, "Ada");
    // No vision process starts here: the camera is blind, and the box has no siren.
    let (fault, blind) = (open(&mut ada, "fault"), open(&mut ada, "blind"));
    ada.post(&format!("/api/alarms/{}/acknowledge", fault["id"]), &json!({})).ok();
    let why = json!({"minutes": 480, "reason": "the cable is replaced"});
    ada.post(&format!("/api/alarms/{}/shelve", blind["id"]), &why).ok();
    let mut version = 0;
    for round in 0..ROUNDS {
        let (route, action, body, kept): (_, _, _, &[&str]) = match round % 2 {
            0 => (
                "out-of-service",
                "zone_out_of_service",
                json!({"reason": "the gate is rebuilt"}),
                &["out_of_service", "shelved"],
            ),
            _ => ("in-service", "zone_in_service", json!({}), &["shelved"]),
        };
        ada.post(&format!("/api/zones/yard/bay/{route}"), &body).ok();
        wait_audited(&mut ada, action, round / 2 + 1);
        program.child.kill().expect("it lives");
        program.child.wait().expect("killed");

        program = Program::start(folder.path());
        ada = Person::sign_in(&program.address, "Ada");
        let now = open(&mut ada, "fault");
        assert_eq!((&now["id"], &now["state"]), (&fault["id"], &json!("acknowledged")));
        assert_eq!(now["acknowledged_by"], "Ada");
        let newer = now["version"].as_u64().expect("a version");
        assert!(newer > version, "round {round}: {newer} after {version}");
        version = newer;
        let now = open(&mut ada, "blind");
        assert_eq!((&now["id"], &now["state"]), (&blind["id"], &json!("shelved")));
        assert_eq!(holds(&mut ada), kept, "round {round}");
    }
    let list = told(folder.path(), &["list"]);
    for text in ["blind yard", "shelved until", "by Ada: the cable is replaced", "fault siren"] {
        assert!(list.contains(text), "`{text}` is missing in {list}");
    }
    let numbers = told(folder.path(), &["kpi", "--days", "1"]);
    for text in ["since the box began at", "targets of IEC 62682", "too short to judge"] {
        assert!(numbers.contains(text), "`{text}` is missing in {numbers}");
    }
}
