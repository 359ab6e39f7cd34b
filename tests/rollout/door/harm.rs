//! Models of signed packages that do harm in the process that tries them, or are damaged afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::json;
use standclear::clock;
use standclear::config::Config;
use standclear::guard::app::{Guard, Parts};
use standclear::model_store::files::Disk;
use standclear::model_store::{FOLDER, ModelStore};
use standclear::rollout::slot::{Digest, Slot};
use standclear::rollout::stage::{Event, Person, Stage};

use super::super::command::Stopped;
use crate::site::SirenNotes;
use crate::support::hostile::{self, Harm, Package, TEN_SECONDS, When};

/// Longest wait for anything that must come.
const SOON: Duration = Duration::from_secs(60);

/// A signed package of this folder, beside the configuration.
fn brought(stopped: &Stopped, package: &Package) -> String {
    let signed = hostile::signed(package.dir(), &stopped.maker.signing("release"));
    let path = stopped.folder.path().join("brought.standclear-model");
    fs::write(&path, signed).expect("written");
    path.display().to_string()
}

/// Says that its people are where its scores are.
fn of_a_wrong_shape() -> Package {
    let Package { folder, mut manifest } =
        hostile::package("shape", 7, Harm::None, When::Picture(1));
    manifest["decoder"]["boxes"]["output"] = json!("scores");
    manifest["decoder"]["scores"]["output"] = json!("boxes");
    fs::write(folder.path().join("manifest.json"), manifest.to_string()).expect("written");
    Package { folder, manifest }
}

/// It is whole and signed, comes in, is tried, and is rejected with these words.
#[track_caller]
fn is_rejected(stopped: &Stopped, package: &Package, (said_so, reason): (&str, &str)) {
    let began = clock::monotonic();
    let (well, said) = stopped.run(&["install", &brought(stopped, package)]);
    println!("{:?}: {said}", clock::monotonic().since(began));
    assert!(!well && said.contains(said_so), "{said_so}: {said}");
    let (_, listed) = stopped.run(&["list"]);
    let name = package.manifest["name"].as_str().expect("text");
    let rejected = format!("Taken back: {} {name} {reason}\n", package.digest());
    assert!(listed.contains(&rejected), "{rejected}: {listed}");
    assert!(listed.contains("committed shipped\n"), "{listed}");
}

#[test]
fn a_model_that_does_harm_when_it_is_tried_is_rejected_and_a_good_one_comes_in_and_can_be_discarded()
 {
    let stopped = Stopped::new().started_once();
    let bad = |harm| hostile::package("bad", 7, harm, When::Picture(1));
    let (error, golden) = ("it ended with an error", "it failed its golden pictures");
    for (package, says) in [
        (bad(Harm::Crash), ("signal: 8", error)),
        (bad(Harm::Error), ("cannot be loaded", error)),
        (bad(Harm::Hoard { mb: 100_000 }), ("cannot be loaded", error)),
        (of_a_wrong_shape(), ("cannot be loaded", error)),
        (bad(Harm::Nobody), ("golden", golden)),
        (bad(Harm::Everywhere), ("golden", golden)),
        // A quarter of a second and more, in every second picture.
        (
            bad(Harm::Slow { rounds: TEN_SECONDS / 40 }),
            ("the budget is 150 ms", "it takes longer than the budget"),
        ),
    ] {
        is_rejected(&stopped, &package, says);
    }
    let good = hostile::package("good", 7, Harm::None, When::Picture(1));
    for _ in 0..2 {
        let (well, said) = stopped.run(&["install", &brought(&stopped, &good)]);
        assert!(well && said.contains("installed and verified"), "{said}");
        let discard = ["discard", &good.digest(), "--reason", "it is not wanted"];
        let (well, said) = stopped.run(&discard);
        assert!(well && said.contains("is no candidate any more"), "{said}");
        let (_, history) = stopped.run(&["history", "--limit", "1"]);
        let told = format!("discarded  sha256-{}  console: it is not wanted", good.digest());
        assert!(history.contains(&told), "{history}");
        let (well, _) = stopped.run(&discard);
        assert!(!well, "it is none already");
    }
}

/// What never comes to an end by itself.
fn endless() -> Package {
    hostile::package("endless", 7, Harm::Slow { rounds: 1_000 * TEN_SECONDS }, When::Picture(1))
}

#[test]
fn a_model_that_hangs_when_it_is_tried_is_ended_and_rejected() {
    let stopped = Stopped::new().started_once();
    let says = ("could not be tried within 90 s", "it did not answer in time");
    is_rejected(&stopped, &endless(), says);
}

fn started(folder: &Path) -> Guard {
    let config = Config::load(&folder.join("standclear.toml")).expect("valid");
    let vision = vec![env!("CARGO_BIN_EXE_standclear").into(), "vision".into()];
    let parts = Parts { siren: Box::new(SirenNotes::default()), worker_command: vision };
    Guard::start(&config, parts).expect("it starts")
}

#[track_caller]
fn wait(what: &str, is_so: impl Fn() -> bool) {
    let until = clock::monotonic().after(SOON);
    while !is_so() {
        assert!(clock::monotonic() < until, "{what}: not within {SOON:?}");
        thread::park_timeout(Duration::from_millis(20));
    }
}

/// Whether a process tries this model.
fn is_tried(package: &Package) -> bool {
    let slot = format!("sha256-{}", package.digest());
    let processes = fs::read_dir("/proc").expect("proc").flatten();
    let mut said = processes.filter_map(|it| fs::read(it.path().join("cmdline")).ok());
    said.any(|it| {
        let words: Vec<_> = it.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        words.iter().any(|it| it == "try") && words.iter().any(|it| it.ends_with(&slot))
    })
}

/// Kills a process in the try of a model, which ends with it; the candidate stays as it was.
#[track_caller]
fn killed_in_the_try(stopped: &Stopped, package: &Package, mut child: Child) {
    wait("it is tried", || is_tried(package));
    child.kill().expect("it lives");
    child.wait().expect("it ended");
    wait("who tries it is gone", || !is_tried(package));
    let models = Disk::existing(stopped.data().join(FOLDER));
    let ledger = ModelStore::open(models, 0).store.ledger().clone();
    assert_eq!(ledger.candidate().map(|it| &it.stage), Some(&Stage::Staged));
    assert_eq!(ledger.committed(), Slot::Shipped);
}

#[test]
fn whoever_is_killed_while_a_model_is_tried_leaves_a_box_that_guards_and_does_not_try_it_again() {
    let stopped = Stopped::new().started_once();
    let folder: PathBuf = stopped.folder.path().to_owned();
    let package = endless();
    let mut install = Command::new(env!("CARGO_BIN_EXE_standclear"));
    install.args(["model", "install", &brought(&stopped, &package)]).current_dir(&folder);
    let install = install.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    killed_in_the_try(&stopped, &package, install);
    let guard = started(&folder);
    let handle = guard.handle();
    let told = || handle.model_desk().model_history(20, None).expect("read");
    wait("it is told", || {
        told().iter().any(|row| row.text.contains("the box ended while it was being tried"))
    });
    looks_with(&guard, Slot::Shipped);
    assert!(!is_tried(&package), "nobody tries it by itself");
    drop(handle);
    guard.stop();
}

/// Waits until a box that runs looks with this model.
#[track_caller]
fn looks_with(guard: &Guard, slot: Slot) {
    let (snapshots, name) = (guard.handle().snapshots(), slot.to_string());
    wait(&format!("{name} guards"), || {
        snapshots.borrow().model.as_ref().is_some_and(|model| model.slot == name)
    });
}

#[test]
fn a_committed_model_that_is_damaged_on_the_disk_is_passed_over_and_the_one_before_it_guards() {
    let stopped = Stopped::new().started_once();
    let good = hostile::package("good", 7, Harm::None, When::Picture(1));
    let (well, said) = stopped.run(&["install", &brought(&stopped, &good)]);
    assert!(well, "{said}");
    let digest: Digest = good.digest().parse().expect("a digest");
    let models = stopped.data().join(FOLDER);
    let mut store = ModelStore::open(Disk::existing(models.clone()), 0).store;
    let by = Person::named("Eva").expect("a name");
    let tried = Event::Try { started_unix_s: 0, deadline_unix_s: 86_400 };
    for event in [Event::Shadow, Event::Approve { by }, tried, Event::Commit] {
        store.apply(&event).expect("kept");
    }
    drop(store);
    let guard = started(stopped.folder.path());
    looks_with(&guard, Slot::Blob(digest));
    guard.stop();
    let model = models.join(format!("blobs/sha256-{digest}/model.onnx"));
    let whole = fs::read(&model).expect("there");
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for damaged in [&flipped[..], &whole[..whole.len() / 2]] {
        fs::write(&model, damaged).expect("written");
        let guard = started(stopped.folder.path());
        looks_with(&guard, Slot::Shipped);
        let handle = guard.handle();
        let desk = handle.model_desk();
        wait("it is told", || {
            let now = desk.models_now();
            let over = now.active.passed_over.iter().any(|it| it.0 == Slot::Blob(digest));
            over && now.fault.is_some_and(|it| it.text.contains(&digest.to_string()))
        });
        let told = desk.model_history(20, None).expect("read");
        let of_it = |text: &str| text.contains("could not be loaded");
        assert!(told.iter().any(|row| row.kind == "fault" && of_it(&row.text)), "{told:?}");
        drop(handle);
        guard.stop();
    }
    let ledger = ModelStore::open(Disk::existing(models), 0).store.ledger().clone();
    assert_eq!(ledger.committed(), Slot::Blob(digest), "installed again, it guards again");
}
