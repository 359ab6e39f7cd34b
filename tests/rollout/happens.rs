//! Everything that can come in between, done to a box.

use std::fs;
use std::path::PathBuf;

use standclear::guard::handle::models::{ModelError, ModelFaultKind, Models};
use standclear::guard::models::keeper::Task;
use standclear::guard::models::order::NextLife;
use standclear::guard::models::seen::{LifeEnd, ModelNews};
use standclear::link::ToWorker;
use standclear::model_package::keys::{Keyring, Role, file};
use standclear::rollout::slot::Digest;
use standclear::rollout::stage::{Fault, Stage};

use super::matrix::Row;
use super::steps::why;
use super::world::{EVIDENCE, Mood, World, badly, info};

pub const WHAT: [&str; 15] = [
    "error",
    "killed",
    "hung",
    "given_up",
    "box_ends",
    "disk_full",
    "read_only",
    "torn_file",
    "flipped_bit",
    "wrong_key",
    "old_release",
    "expired",
    "clock_back",
    "clock_ahead",
    "no_clock",
];

pub fn fell_back() -> ModelNews {
    ModelNews::FellBack { model: info("shipped"), reason: "a picture ended in an error".into() }
}

pub fn happens(world: &mut World, row: &Row, digest: Digest) {
    match row.what {
        "error" => error(world, row.state),
        "killed" if row.state == "staged" => {
            world.end_in_a_try(digest);
            world.begin();
        }
        "killed" => world.life_ends(LifeEnd::Killed),
        "hung" => hung(world, row.state),
        // As the shadow says it of a candidate that errs, hangs or dies each time.
        "given_up" => {
            let (fault, why) = (Fault::CrashLoop, "its process died 5 times".to_owned());
            let against = Task::Against { digest, fault, why };
            world.desk().intake.tasks.send(against).expect("the keeper is there");
        }
        "box_ends" => starts_again(world, row.state),
        "disk_full" => disk(world, row.state, digest, Mood::Full),
        "read_only" => disk(world, row.state, digest, Mood::ReadOnly),
        "torn_file" => {
            let bytes = fs::read(model(world, row.state, digest)).expect("there");
            fs::write(model(world, row.state, digest), &bytes[..3]).expect("torn");
            starts_again(world, row.state);
        }
        "flipped_bit" => {
            let mut bytes = fs::read(model(world, row.state, digest)).expect("there");
            bytes[0] ^= 1;
            fs::write(model(world, row.state, digest), bytes).expect("flipped");
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
        "no_clock" => {
            world.has_no_clock();
            starts_again(world, row.state);
        }
        what => panic!("{what}"),
    }
}

/// The model's file on the disk. What was rejected is swept away; an old copy of the disk brings it back.
fn model(world: &World, state: &str, digest: Digest) -> PathBuf {
    let folder = world.root().join(format!("blobs/sha256-{digest}"));
    let path = folder.join("model.onnx");
    if matches!(state, "rejected" | "rolled_back") && !path.exists() {
        world.wait_for("it is swept away", || !folder.exists());
        fs::create_dir(&folder).expect("made");
        fs::write(&path, b"a model").expect("written");
    }
    path
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
        "probation" => world.tell(fell_back()),
        // The one that guards fails; whoever only looks has no part in it.
        _ => world.life_ends(LifeEnd::Failed),
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
    world.mood(mood);
    match state {
        // Tried again, and well; that cannot be written.
        "staged" => is_disk(world.desk().intake.try_candidate(digest)),
        "verified" => is_disk(world.desk().shadow(digest, "Eva")),
        "shadowing" => {
            is_disk(world.desk().promote(digest, EVIDENCE, "Eva"));
            assert!(world.told_nothing(), "nothing is loaded");
        }
        "approved" => {
            world.prepares();
            assert_eq!(world.told(), ToWorker::ForgetStandby, "nothing is switched to");
        }
        "probation" => {
            let order = world.life().order.order();
            assert_eq!(order[0].slot, "shipped", "no attempt is counted, so it is not loaded");
        }
        "committed" => {
            world.life_ends(LifeEnd::Killed);
            world.watch();
            let asked = world.desk().rollback(&why("back"), "Eva");
            assert!(asked.is_ok(), "it is prepared first");
            world.prepares();
            assert_eq!(world.told(), ToWorker::ForgetStandby, "nothing is switched to");
        }
        "rejected" | "rolled_back" => {
            // Somebody brings it once more; nothing of that is to be written again later.
            return is_disk(world.install(&world.package(7)).map(drop));
        }
        state => panic!("{state}"),
    }
    let now = world.wait("it is shown", |now| now.fault.is_some());
    assert_eq!(now.fault.expect("a fault").kind, ModelFaultKind::NotKept);
}
