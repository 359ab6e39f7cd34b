//! The store under kills, a second process, missing rights and a full disk: everything that needs
//! another process. The others are copies of this test program in a role (`play_a_role`).

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use standclear::engine::IncidentId;
use standclear::store::check::{Finding, check};
use standclear::store::pictures::{Hides, Pixelated};
use standclear::store::{Store, StoreError};

use super::small_disk::on_small_disk;
use super::{ended, entered, folder, ids, incident, open, started};

/// Kills of the crash test: enough to hit every phase of a commit, in a few seconds. A kill leaves
/// the system's cache alone, so this shows order and atomicity; that commits are synced is what
/// `Store::open` asserts.
const KILLS: u32 = 30;

/// Set for a copy of this test program that plays the part of the box.
const ROLE: &str = "STANDCLEAR_TEST_ROLE";
const FOLDER: &str = "STANDCLEAR_TEST_FOLDER";

#[test]
fn a_second_process_is_refused_and_told_whom_to_stop() {
    let dir = folder();
    let mut child = box_in(dir.path(), "hold").spawn().expect("spawned");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
    assert!(lines.any(|line| line.expect("a line").contains("holding")));
    let error = Store::open(dir.path()).expect_err("in use");
    assert!(matches!(error, StoreError::InUse { .. }), "{error:?}");
    let told = error.to_string();
    assert!(told.contains(&format!("process {}", child.id())), "{told}");
    assert!(told.contains("stop that one first"), "{told}");
    child.kill().expect("killed");
    child.wait().expect("ended");
    open(dir.path());
}

/// Runs this test program again in a role of its own (see `play_a_role`).
fn box_in(dir: &Path, role: &str) -> Command {
    box_of(&std::env::current_exe().expect("this program"), dir, role)
}

fn box_of(program: &Path, dir: &Path, role: &str) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--exact", "crash::play_a_role", "--nocapture"])
        .env(ROLE, role)
        .env(FOLDER, dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// Not a test of its own: what the copies of this program do that other tests start.
#[test]
fn play_a_role() {
    let (Some(role), Some(dir)) = (std::env::var_os(ROLE), std::env::var_os(FOLDER)) else {
        return;
    };
    let dir = Path::new(&dir);
    match role.to_str().expect("a role") {
        "hold" => {
            let _store = open(dir);
            println!("holding");
            // Until killed, or until the test that started us is gone.
            let _ = std::io::stdin().read_line(&mut String::new());
        }
        "write" => {
            let mut store = open(dir);
            let mut id = store.restore().expect("remembered").last_incident;
            store.write(&[started(0)]).expect("kept");
            loop {
                id += 1;
                let second = i64::try_from(id).expect("small");
                let batch = [incident(id, second), entered(id, second), ended(id, second, 2)];
                store.write(&batch).expect("kept");
                let both =
                    Pixelated { hides: Hides::Persons, jpeg: &[7; 9_000], clear: &[8; 9_000] };
                store.put_pixelated_snapshot(IncidentId(id), both).expect("kept");
                println!("\nkept {id}");
            }
        }
        "refused" => {
            let error = Store::open(dir).expect_err("a folder that cannot be written");
            println!("\nrefused: {error}");
        }
        "fill" => fill(dir),
        other => panic!("no role {other}"),
    }
}

#[test]
fn what_was_reported_kept_survives_kill_at_any_moment() {
    let seed = std::env::var("STANDCLEAR_TEST_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| u64::from(std::process::id()));
    println!("seed {seed}: STANDCLEAR_TEST_SEED={seed} cargo test --test store survives_kill");
    let dir = folder();
    let mut state = seed;
    let mut reported = Vec::new();
    for kill in 0..KILLS {
        let mut child = box_in(dir.path(), "write").spawn().expect("spawned");
        let lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
        // A splitmix step: after how many reports the kill comes.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let after = (mixed >> 33) % 25 + 1;
        let mut seen = 0;
        for line in lines {
            let line = line.expect("a line");
            let Some(id) = line.strip_prefix("kept ") else {
                continue;
            };
            reported.push(id.parse::<u64>().expect("a number"));
            seen += 1;
            if seen == after {
                child.kill().expect("killed");
            }
        }
        child.wait().expect("ended");
        assert!(seen >= after, "the writer stopped by itself (seed {seed}, kill {kill})");
        check_whole(dir.path(), &reported, seed);
    }
    assert!(reported.windows(2).all(|pair| pair[0] < pair[1]), "no number twice, seed {seed}");
}

fn check_whole(dir: &Path, reported: &[u64], seed: u64) {
    let store = open(dir);
    let reader = store.reader().expect("a reader");
    let mut kept = BTreeMap::new();
    let mut before = None;
    loop {
        let page = reader.incidents(500, before).expect("incidents");
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        kept.extend(page.into_iter().map(|row| (row.id, row)));
    }
    for id in reported {
        let row = kept.get(id).unwrap_or_else(|| panic!("incident {id} is lost, seed {seed}"));
        assert!(row.has_snapshot, "snapshot of {id} is lost, seed {seed}");
    }
    for row in kept.values() {
        assert_eq!((row.entries, row.ended_at.is_some()), (2, true), "torn batch, seed {seed}");
    }
    drop(store);
    let broken: Vec<_> =
        check(dir).expect("checked").into_iter().filter(Finding::is_broken).collect();
    assert_eq!(broken, [], "seed {seed}");
}

#[test]
fn a_folder_without_the_right_to_write_is_refused() {
    let dir = folder();
    let target = dir.path().join("store");
    fs::create_dir(&target).expect("made");
    let set = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
    };
    set(dir.path(), 0o755);
    set(&target, 0o555);
    let program = dir.path().join("box");
    fs::copy(std::env::current_exe().expect("this program"), &program).expect("copied");
    let mut child = box_of(&program, &target, "refused");
    if rustix::process::geteuid().is_root() {
        // For root every folder is writable; nobody else is asked instead.
        child.uid(65_534).gid(65_534);
    }
    let output = child.output().expect("ran");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("refused: the store folder"), "{told}");
    assert!(told.contains("cannot be written to"), "{told}");
    let missing = box_of(&program, &target.join("new"), "refused")
        .uid(if rustix::process::geteuid().is_root() {
            65_534
        } else {
            rustix::process::geteuid().as_raw()
        })
        .output()
        .expect("ran");
    let told = String::from_utf8_lossy(&missing.stdout);
    assert!(told.contains("cannot be created"), "{told}");
    assert_eq!(fs::read_dir(&target).expect("listed").count(), 0, "nothing was made");
}

/// Writes until the disk is full, frees a little, and goes on.
fn fill(dir: &Path) {
    let ballast = dir.join("ballast");
    fs::write(&ballast, vec![1; 400_000]).expect("ballast");
    let mut store = open(&dir.join("store"));
    store.write(&[started(0)]).expect("kept");
    let mut kept: u64 = 0;
    let error = loop {
        let id = kept + 1;
        match store.write(&[incident(id, 1), ended(id, 2, 1)]) {
            Ok(()) => kept = id,
            Err(error) => break error,
        }
        assert!(kept < 100_000, "the disk never fills");
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert!(error.to_string().contains("is full; free at least"), "{error}");
    let found = ids(&store);
    assert_eq!(found.first(), Some(&kept), "whole batches only");
    assert_eq!(store.restore().expect("still readable").last_incident, kept);
    fs::remove_file(&ballast).expect("freed");
    store.write(&[incident(kept + 1, 1)]).expect("goes on by itself");
    drop(store);
    assert_eq!(ids(&open(&dir.join("store"))).first(), Some(&(kept + 1)));
    println!("\nfilled after {kept}");
}

#[test]
fn a_full_disk_is_said_and_the_store_goes_on_when_there_is_room() {
    let dir = folder();
    let variables = [(ROLE, OsStr::new("fill")), (FOLDER, dir.path().as_os_str())];
    on_small_disk((dir.path(), "2m"), "crash::play_a_role", &variables, "filled after");
}
