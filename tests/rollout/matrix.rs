//! The table beside this file, row by row: a box is brought to a state, something happens, and what
//! comes of it is what the table says.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::time::Duration;

use serde_json::json;
use standclear::clock;
use standclear::guard::handle::models::{ModelError, ModelFaultKind, Models};
use standclear::guard::models::order::NextLife;
use standclear::guard::models::seen::{LifeEnd, ModelNews};
use standclear::guard::models::trying::Tried;
use standclear::link::ToWorker;
use standclear::model_package::keys::{Keyring, Role, file};
use standclear::rollout::slot::{Digest, Slot};
use standclear::rollout::stage::{Fault, Reason, Stage};

use super::steps::{MS, commit, on_probation, why};
use super::world::{EVIDENCE, Mood, World, badly, info};

const TABLE: &str = include_str!("matrix.txt");

const STATES: [&str; 6] = ["staged", "verified", "shadowing", "approved", "probation", "committed"];

const WHAT: [&str; 12] = [
    "error",
    "killed",
    "hung",
    "disk_full",
    "read_only",
    "torn_file",
    "flipped_bit",
    "wrong_key",
    "old_release",
    "expired",
    "clock_back",
    "clock_ahead",
];

struct Row {
    state: &'static str,
    what: &'static str,
    then: &'static str,
    guards: &'static str,
    told: &'static str,
}

fn rows() -> Vec<Row> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let row = |line: &'static str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [state, what, then, guards, told] = words[..] else { panic!("{line}") };
        Row { state, what, then, guards, told }
    };
    lines.map(row).collect()
}

#[test]
fn the_table_has_every_state_with_everything_once() {
    let rows: Vec<_> = rows().iter().map(|row| (row.state, row.what)).collect();
    let all: BTreeSet<_> =
        STATES.iter().flat_map(|state| WHAT.iter().map(move |what| (*state, *what))).collect();
    assert_eq!(rows.len(), all.len());
    assert_eq!(rows.into_iter().collect::<BTreeSet<_>>(), all);
}

fn play(state: &str) {
    for row in rows().iter().filter(|row| row.state == state) {
        println!("{} {}", row.state, row.what);
        one(row);
    }
}

#[test]
fn staged() {
    play("staged");
}

#[test]
fn verified() {
    play("verified");
}

#[test]
fn shadowing() {
    play("shadowing");
}

#[test]
fn approved() {
    play("approved");
}

#[test]
fn probation() {
    play("probation");
}

#[test]
fn committed() {
    play("committed");
}

/// Brings a box to the state.
fn brought(world: &mut World, row: &Row) -> Digest {
    if row.state == "staged" {
        // The process that would try it cannot be started; it is tried again at the next start.
        let nobody = Tried::NotTried { text: "no process".into() };
        world.tries.0.lock().expect("not poisoned").push_back(nobody);
    }
    if matches!(row.state, "probation" | "committed") {
        let digest = on_probation(world);
        if row.state == "committed" {
            commit(world);
        }
        return digest;
    }
    // It is valid for an hour.
    let until = clock::wall().checked_add(jiff::Span::new().hours(1)).expect("a time");
    let package = world.package_with(|it| it["not_after"] = json!(until.to_string()));
    let installed = world.install(&package);
    let digest = world.candidate();
    assert_eq!(installed.is_err(), row.state == "staged");
    if matches!(row.state, "shadowing" | "approved") {
        world.desk().shadow(digest, "Eva").expect("shadowing");
    }
    world.watch();
    if row.state == "approved" {
        world.desk().promote(digest, EVIDENCE, "Eva").expect("approved");
    }
    digest
}

fn one(row: &Row) {
    let mut world = World::new();
    if (row.state, row.what) == ("staged", "expired") {
        // Expiry is asked at the door.
        let past = world.package_with(|it| it["not_after"] = json!("2020-01-01T00:00:00Z"));
        let refused = world.install(&past).expect_err("expired");
        assert!(matches!(&refused, ModelError::Refused(it) if it.code() == "freeze"), "{refused}");
        assert_outcome(&world, row, None, 0);
        return;
    }
    let digest = brought(&mut world, row);
    world.wait_for("all is in the history", || settled(&world));
    let before = world.history().len();
    happens(&mut world, row, digest);
    assert_outcome(&world, row, Some(digest), before);
}

/// Nothing more comes into the history.
fn settled(world: &World) -> bool {
    let before = world.history().len();
    let until = clock::monotonic().after(120 * MS);
    world.wait_for("time passes", || clock::monotonic() > until);
    world.history().len() == before
}

fn happens(world: &mut World, row: &Row, digest: Digest) {
    match row.what {
        "error" => error(world, row.state),
        "killed" => killed(world, row.state),
        "hung" => hung(world, row.state),
        "disk_full" => disk(world, row.state, digest, Mood::Full),
        "read_only" => disk(world, row.state, digest, Mood::ReadOnly),
        "torn_file" => {
            let path = world.root().join(format!("blobs/sha256-{digest}/model.onnx"));
            let file = OpenOptions::new().write(true).open(path).expect("there");
            file.set_len(3).expect("torn");
            starts_again(world, row.state);
        }
        "flipped_bit" => {
            let path = world.root().join(format!("blobs/sha256-{digest}/model.onnx"));
            let mut bytes = fs::read(&path).expect("there");
            bytes[0] ^= 1;
            fs::write(path, bytes).expect("flipped");
            starts_again(world, row.state);
        }
        "wrong_key" => {
            file::keep(&file::path_in(world.folder.path()), &without_release(world)).expect("kept");
            starts_again(world, row.state);
        }
        "old_release" => {
            let refused = world.install(&world.package(3)).expect_err("old");
            let ModelError::Refused(refused) = &refused else { panic!("{refused}") };
            assert_eq!(refused.code(), "rollback");
        }
        "expired" => {
            world.clock_is_off_by_years(1);
            starts_again(world, row.state);
        }
        "clock_back" => {
            world.clock_is_off_by_years(-10);
            starts_again(world, row.state);
        }
        "clock_ahead" => {
            world.clock_is_off_by_years(10);
            starts_again(world, row.state);
        }
        what => panic!("{what}"),
    }
}

fn starts_again(world: &mut World, state: &str) {
    world.restart();
    if state == "staged" {
        world.wait_for("it was tried", || world.stage() != Some(Stage::Staged));
    }
}

/// The keyring that follows, in which the release key is revoked.
fn without_release(world: &World) -> Keyring {
    let mut draft = world.maker.keyring().next_draft();
    let release = world.maker.public("release", Role::Release).id();
    draft.revoke(&release.to_string()).expect("there");
    draft.sign(&world.maker.signing("root"));
    draft.finish().expect("a keyring")
}

fn error(world: &mut World, state: &str) {
    match state {
        "staged" => {
            world.tries.0.lock().expect("not poisoned").push_back(badly(Fault::Error));
            starts_again(world, state);
        }
        "approved" => {
            let ToWorker::Prepare { switch, .. } = world.told() else { panic!("a preparation") };
            world.tell(ModelNews::Prepared { switch, outcome: Err("it cannot be loaded".into()) });
        }
        "probation" => {
            let reason = "a picture ended in an error".into();
            world.tell(ModelNews::FellBack { model: info("shipped"), reason });
        }
        // The one that guards fails; whoever only looks has no part in it.
        _ => world.life_ends(LifeEnd::Failed),
    }
}

fn killed(world: &mut World, state: &str) {
    match state {
        "staged" => starts_again(world, state),
        _ => world.life_ends(LifeEnd::Killed),
    }
}

fn hung(world: &mut World, state: &str) {
    match state {
        "staged" => {
            world.tries.0.lock().expect("not poisoned").push_back(badly(Fault::Hung));
            starts_again(world, state);
        }
        _ => world.life_ends(LifeEnd::Hung),
    }
}

/// The next step is tried while the disk takes nothing.
fn disk(world: &mut World, state: &str, digest: Digest, mood: Mood) {
    let is_disk = |done: Result<(), ModelError>| {
        assert!(matches!(done, Err(ModelError::Disk(_))), "{done:?}");
    };
    match state {
        "staged" => {
            // Tried again, and well; that cannot be written.
            world.mood(mood);
            is_disk(world.desk().intake.try_candidate(digest));
        }
        "verified" => {
            world.mood(mood);
            is_disk(world.desk().shadow(digest, "Eva"));
        }
        "shadowing" => {
            world.mood(mood);
            is_disk(world.desk().promote(digest, EVIDENCE, "Eva"));
            assert!(world.told_nothing(), "nothing is loaded");
        }
        "approved" => {
            world.mood(mood);
            world.prepares();
            assert_eq!(world.told(), ToWorker::ForgetStandby, "nothing is switched to");
        }
        "probation" => {
            world.mood(mood);
            let order = world.life().order.order();
            assert_eq!(order[0].slot, "shipped", "no attempt is counted, so it is not loaded");
        }
        "committed" => {
            world.mood(mood);
            world.life_ends(LifeEnd::Killed);
            world.watch();
            let asked = world.desk().rollback(&why("back"), "Eva");
            assert!(asked.is_ok(), "it is prepared first");
            world.prepares();
            assert_eq!(world.told(), ToWorker::ForgetStandby, "nothing is switched to");
        }
        state => panic!("{state}"),
    }
    let now = world.wait("it is shown", |now| now.fault.is_some());
    assert_eq!(now.fault.expect("a fault").kind, ModelFaultKind::NotKept);
}

fn state_of(world: &World, digest: Option<Digest>) -> &'static str {
    let ledger = world.desk().intake.shared.now().ledger;
    let Some(digest) = digest else {
        return if ledger.candidate().is_none() { "none" } else { "?" };
    };
    if ledger.committed() == Slot::Blob(digest) {
        return "committed";
    }
    match ledger.candidate().map(|it| &it.stage) {
        Some(Stage::Staged) => "staged",
        Some(Stage::Verified) => "verified",
        Some(Stage::Shadowing) => "shadowing",
        Some(Stage::Approved { .. }) => "approved",
        Some(Stage::Probation) => "probation",
        Some(_) => "?",
        None => match ledger.rejected().last() {
            Some(it) if matches!(it.reason, Reason::Fault(_)) => "rejected",
            _ => "none",
        },
    }
}

fn assert_outcome(world: &World, row: &Row, digest: Option<Digest>, before: usize) {
    let case = format!("{} {}", row.state, row.what);
    let then = if row.then == "rolled_back" { "rejected" } else { row.then };
    world.wait_for(&format!("{case} to be {then}"), || state_of(world, digest) == then);
    let told = || world.history().into_iter().skip(before).next_back();
    if row.told == "-" {
        assert!(settled(world));
        assert_eq!(told(), None, "{case}");
    } else {
        world.wait_for(&format!("{case} to be told as {}", row.told), || {
            told().as_deref() == Some(row.told)
        });
    }
    // Some verified model guards at once.
    let asked = clock::monotonic();
    let order = world.life().order.order();
    assert!(clock::monotonic().since(asked) < Duration::from_secs(5), "{case}");
    let first: Slot = order[0].slot.parse().expect("a slot");
    let new = digest.map(Slot::Blob);
    let guards = if Some(first) == new { "new" } else { "old" };
    assert_eq!(guards, row.guards, "{case}: {first}");
    assert_eq!(order.last().map(|it| it.slot.as_str()), Some("shipped"), "{case}");
}
