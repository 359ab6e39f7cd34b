//! The program itself, killed while a version comes into force.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::client::Person;
use crate::world::{AROUND, AROUND_TOO, BESIDE, ZONES, document, draw, propose, shown, version};

/// Kills tried; each takes about a second.
const ROUNDS: u64 = 24;

/// The first pause between approval and kill; the next is longer after a kill that came too early
/// for anything to have changed, and shorter after one that came too late.
const FIRST_PAUSE: Duration = Duration::from_millis(3);

/// A real `standclear run` whose vision process cannot start; killed at the end whatever happens.
pub struct Program {
    pub child: Child,
    pub address: String,
    pub code: Option<String>,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    pub fn start(folder: &Path) -> Program {
        let mut child = Command::new(env!("CARGO_BIN_EXE_standclear"))
            .args(["run", "--config"])
            .arg(folder.join("standclear.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program");
        let (mut address, mut code) = (None, None);
        for line in BufReader::new(child.stdout.take().expect("a pipe")).lines() {
            let line = line.expect("a line");
            if let Some(rest) = line.split("http://").nth(1) {
                address = rest.trim().strip_suffix('/').map(str::to_owned);
            }
            if let Some(rest) = line.strip_prefix("Set-up code:") {
                code = Some(rest.trim().to_owned());
            }
            if line.starts_with("Ctrl-C") {
                break;
            }
        }
        let address = address.unwrap_or_else(|| panic!("no address; it ended: {child:?}"));
        Program { child, address, code }
    }
}

pub fn configure(folder: &Path) {
    fs::write(folder.join("yard.json"), document(&[("bay", BESIDE)]).to_string()).expect("written");
    let config = r#"
        site = { name = "Test", time_zone = "UTC" }
        web.listen = "127.0.0.1:0"
        model.folder = "nowhere"
        siren.device = "none"
        [[camera]]
        id = "yard"
        name = "Yard"
        source = { test = "ball" }
        zones = "yard.json"
    "#;
    fs::write(folder.join("standclear.toml"), config).expect("a configuration");
}

#[test]
fn a_kill_while_a_version_comes_into_force_leaves_the_old_or_the_new_and_the_box_agrees() {
    let folder = tempfile::tempdir().expect("a folder");
    configure(folder.path());
    let mut program = Program::start(folder.path());
    let code = program.code.take().expect("nobody is there yet");
    let mut ada = Person::set_up(&program.address, &code, "Ada");
    let mut ben = ada.add("Ben", "engineer");
    let (mut old, mut new) = (0, 0);
    // Approved and kept, and killed before anybody was told.
    let mut untold = 0;
    let mut pause = FIRST_PAUSE;
    let (_silent, never) = mpsc::sync_channel::<()>(1);
    for round in 0..ROUNDS {
        let (id, sides) = if round % 2 == 0 { ("dock", AROUND) } else { ("pit", AROUND_TOO) };
        let before = ada.get(ZONES).ok()["in_force"]["number"].clone();
        let zones_before = shown(&mut ada);
        draw(&mut ada, &document(&[(id, sides)]));
        let number = propose(&mut ada, "to be killed");
        let approve = version(number, "approve");
        let told = thread::scope(|scope| {
            let told = scope.spawn(|| ben.try_ask("POST", &approve, b"{}"));
            // Not a wait for anything: the kill is to fall somewhere in the approval.
            let _ = never.recv_timeout(pause);
            program.child.kill().expect("it lives");
            told.join().expect("no panic")
        });
        program.child.wait().expect("killed");

        program = Program::start(folder.path());
        ada = Person::sign_in(&program.address, "Ada");
        ben = Person::sign_in(&program.address, "Ben");
        let now = ada.get(ZONES).ok();
        let armed = ada.state()["cameras"][0]["zones_version"].clone();
        assert_eq!(now["in_force"]["number"], armed, "round {round}");
        let made = ada.get(&format!("{ZONES}/versions/{number}")).ok();
        let answered = told.is_ok_and(|answer| answer.status == 200);
        if made["state"] == "in_force" {
            new += 1;
            untold += u64::from(!answered);
            pause = pause.mul_f64(0.8);
            assert_eq!((&armed, &made["approved_by"]), (&json!(number), &json!("Ben")));
            assert_eq!(shown(&mut ada), [id]);
        } else {
            old += 1;
            pause = pause.mul_f64(1.3);
            assert!(!answered, "round {round}: what was answered is kept");
            assert_eq!((&made["state"], &armed), (&json!("proposed"), &before));
            assert_eq!(shown(&mut ada), zones_before);
        }
        let log = ada.get("/api/audit?limit=5").ok();
        assert_eq!(log["verified"]["ok"], true);
    }
    println!("{ROUNDS} kills: {old} before, {new} after the transaction, {untold} of them untold");
    assert!(old > 0 && new > 0, "no kill fell on one of the sides: {old}, {new}, {pause:?}");
}
