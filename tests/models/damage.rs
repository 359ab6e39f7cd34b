//! What other hands, or the disk itself, did to what was written: found, named, and guarded through.

use std::collections::BTreeSet;
use std::path::Path;

use standclear::model_store::ModelStore;
use standclear::model_store::check::check_files;
use standclear::model_store::files::Files;
use standclear::rollout::boot::{BootFault, Trust};
use standclear::rollout::slot::Slot;
use standclear::rollout::stage::{Event, Fault};

use super::memory::{Memory, Tree};
use super::scripts::{Run, SHIPPED_RELEASE, Step, TRY, approve, file, package};

const NEWEST: &str = "ledger.json";
const BACKUP: &str = "ledger.json.bak";

/// Package 0 is committed, package 1 is on trial, in both generations.
fn lived() -> Tree {
    let memory = Memory::empty();
    let mut run = Run::open(&memory);
    let way = [Event::Verify, Event::Shadow, approve(), TRY];
    for n in [0, 1] {
        run.take(&Step::Install(n)).expect("kept");
        run.take(&Step::Stage(n)).expect("kept");
        for event in &way {
            run.take(&Step::Apply(event.clone())).expect("kept");
        }
        if n == 0 {
            run.take(&Step::Apply(Event::Commit)).expect("kept");
        }
    }
    run.take(&Step::Boot).expect("kept");
    run.take(&Step::Sweep).expect("kept");
    memory.now()
}

fn with(tree: &Tree, path: &str, bytes: Vec<u8>) -> Tree {
    let mut tree = tree.clone();
    tree.insert(path.into(), Some(bytes.into()));
    tree
}

fn without(tree: &Tree, path: &str) -> Tree {
    let mut tree = tree.clone();
    tree.remove(path).expect("it was there");
    tree
}

fn broken(tree: &Tree) -> Vec<String> {
    let memory = Memory::of(tree);
    check_files(&memory).into_iter().flat_map(|it| it.broken).collect()
}

fn committed() -> Slot {
    Slot::Blob(package(0).digest)
}

#[test]
fn what_only_the_store_wrote_is_whole() {
    let tree = lived();
    assert_eq!(broken(&tree), Vec::<String>::new());
    let memory = Memory::of(&tree);
    let mut store = ModelStore::open(&memory, SHIPPED_RELEASE).store;
    let trial = Slot::Blob(package(1).digest);
    assert_eq!(store.boot().order, [trial, committed(), Slot::Shipped]);
}

/// A newest ledger that is not what was written: the one before it guards, without the trial.
fn guards_by_the_older(tree: &Tree, what: &str) {
    let memory = Memory::of(tree);
    let opened = ModelStore::open(&memory, SHIPPED_RELEASE);
    assert_eq!(opened.store.trust(), Trust::Older, "{what}");
    assert!(opened.damages.iter().any(|it| it.starts_with("ledger.json: ")), "{what}");
    let mut store = opened.store;
    let booted = store.boot();
    assert_eq!(booted.order, [committed(), Slot::Shipped], "{what}");
    assert_eq!(booted.fault, Some(BootFault::Older), "{what}");
    assert_eq!(booted.ended, Some((package(1).digest, Fault::FlippedBit)), "{what}");
    drop(store);
    let again = ModelStore::open(&memory, SHIPPED_RELEASE);
    assert_eq!((again.store.trust(), again.damages), (Trust::Newest, Vec::new()), "{what}");
}

#[test]
fn any_flipped_bit_of_the_newest_ledger_is_found_and_the_older_one_guards() {
    let tree = lived();
    let whole = file(&tree, NEWEST).to_vec();
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        guards_by_the_older(&with(&tree, NEWEST, bytes), &format!("bit {bit}"));
    }
}

#[test]
fn a_newest_ledger_torn_anywhere_is_found_and_the_older_one_guards() {
    let tree = lived();
    let whole = file(&tree, NEWEST).to_vec();
    for length in 0..whole.len() {
        guards_by_the_older(&with(&tree, NEWEST, whole[..length].to_vec()), &format!("{length}"));
    }
}

#[test]
fn a_damaged_backup_is_said_and_costs_nothing() {
    let tree = lived();
    for bytes in [Vec::new(), b"{}".to_vec(), file(&tree, BACKUP)[1..].to_vec()] {
        let tree = with(&tree, BACKUP, bytes);
        assert!(broken(&tree).iter().any(|it| it.starts_with("ledger.json.bak: ")));
        let memory = Memory::of(&tree);
        let opened = ModelStore::open(&memory, SHIPPED_RELEASE);
        assert_eq!((opened.store.trust(), opened.damages.len()), (Trust::Newest, 1));
        let mut store = opened.store;
        assert_eq!(store.boot().order.first(), Some(&Slot::Blob(package(1).digest)));
    }
}

#[test]
fn without_any_ledger_what_came_with_the_program_guards_and_no_model_is_thrown_away() {
    let tree = lived();
    let torn = |tree: &Tree, name| with(tree, name, b"{".to_vec());
    let lost = [
        torn(&torn(&tree, NEWEST), BACKUP),
        torn(&without(&tree, NEWEST), BACKUP),
        torn(&without(&tree, BACKUP), NEWEST),
        without(&without(&tree, BACKUP), NEWEST),
    ];
    for tree in lost {
        let memory = Memory::of(&tree);
        let mut store = ModelStore::open(&memory, SHIPPED_RELEASE).store;
        let booted = store.boot();
        assert_eq!((booted.order, booted.fault), (vec![Slot::Shipped], Some(BootFault::Lost)));
        assert_eq!(store.sweep(None).expect("swept"), []);
        assert_eq!(memory.now(), tree, "nothing is touched");
        assert!(!broken(&tree).is_empty());
    }
}

#[test]
fn every_byte_of_a_model_that_changes_is_found_and_named() {
    let tree = lived();
    let of_models: Vec<String> = tree
        .iter()
        .filter(|(path, content)| path.starts_with("blobs/") && content.is_some())
        .map(|(path, _)| path.clone())
        .filter(|path| !path.ends_with("/manifest.sig"))
        .collect();
    assert_eq!(of_models.len(), 6, "{of_models:?}");
    for path in &of_models {
        let name = path.rsplit('/').next().expect("a name");
        let found = |tree: &Tree, what: &str| {
            let broken = broken(tree);
            assert!(broken.iter().any(|it| it.contains(name)), "{path} {what}: {broken:?}");
        };
        let whole = file(&tree, path).to_vec();
        for byte in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[byte] ^= 0x20;
            found(&with(&tree, path, bytes), "changed");
            found(&with(&tree, path, whole[..byte].to_vec()), "torn");
        }
        found(&with(&tree, path, [&whole[..], b" "].concat()), "longer");
        found(&without(&tree, path), "gone");
    }
}

#[test]
fn what_nobody_named_is_found() {
    let tree = lived();
    let inside = format!("blobs/sha256-{}/golden/2.jpg", package(0).digest);
    let found = broken(&with(&tree, &inside, b"x".to_vec()));
    assert!(found.iter().any(|it| it.contains("golden/2.jpg: the manifest does not name it")));
    let mut beside = tree.clone();
    beside.insert(format!("blobs/sha256-{}", package(7).digest), None);
    let found = broken(&beside);
    assert_eq!(found, [format!("sha256-{}", package(7).digest)]);
    // A name that is none of ours is none of our business, and is not removed.
    let foreign = with(&tree, "blobs/notes.txt", b"x".to_vec());
    assert_eq!(broken(&foreign), Vec::<String>::new());
    let memory = Memory::of(&foreign);
    ModelStore::open(&memory, SHIPPED_RELEASE).store.sweep(None).expect("swept");
    assert_eq!(memory.now(), foreign);
}

#[test]
fn a_floor_that_sank_is_found() {
    let tree = lived();
    let first = Memory::empty();
    let run = Run::open(&first);
    let young = run.store.ledger().stamped(99);
    let tree = with(&tree, NEWEST, standclear::rollout::written::to_bytes(&young));
    assert!(broken(&tree).iter().any(|it| it.contains("ledger.json has 1")), "{:?}", broken(&tree));
}

#[test]
fn what_is_being_taken_is_not_swept_away() {
    let memory = Memory::of(&lived());
    let store = ModelStore::open(&memory, SHIPPED_RELEASE).store;
    let coming = package(2);
    super::scripts::install(&memory, &coming).expect("installed");
    let half = Path::new("blobs").join(format!("tmp-new-{}", coming.digest));
    memory.create_dir(&half).expect("made");
    let before: BTreeSet<String> = memory.now().into_keys().collect();
    assert_eq!(store.sweep(Some(coming.digest)).expect("swept"), []);
    assert_eq!(memory.now().into_keys().collect::<BTreeSet<_>>(), before);
    assert_eq!(store.sweep(None).expect("swept"), [coming.digest]);
    assert!(!memory.now().keys().any(|it| it.contains(&coming.digest.to_string())));
}
