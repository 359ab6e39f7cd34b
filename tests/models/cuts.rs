//! The power is cut at every call, and everything that a disk may have then is started from.

use std::collections::{BTreeMap, BTreeSet};

use standclear::guard::models::trials;
use standclear::model_store::blobs::damages;
use standclear::rollout::slot::Digest;

use super::memory::{Broken, Memory, Tree, Trouble};
use super::scripts::{
    Judge, Run, Step, and_started, file, install, package, scripts, signed_anew, started,
    starts_well,
};

/// Every how many disks a start is cut at each call, to compare: all of them took two minutes.
const STARTS_CUT_BY_HAND: usize = 20;

/// A state of a disk, and what may be found in it.
type State = (Tree, BTreeSet<Vec<u8>>);

/// Plays a script until its power is cut at a call; all that may be found on the disk.
fn cut_at(script: &[Step], at: usize) -> (Vec<State>, bool) {
    let memory = Memory::empty().with(at, Trouble::PowerCut);
    let mut run = Run::open(&memory);
    let is_cut = script.iter().any(|step| run.take(step).is_err());
    let may_be = run.may_be();
    drop(run.store);
    let trees: BTreeSet<Tree> = memory.survivors().collect();
    (trees.into_iter().map(|tree| (tree, may_be.clone())).collect(), is_cut)
}

/// Every state that any cut of any script leaves, each once.
fn states() -> BTreeSet<State> {
    let mut states = BTreeSet::new();
    for (name, script) in scripts() {
        let mut cuts = 0;
        loop {
            let (found, is_cut) = cut_at(&script, cuts);
            states.extend(found);
            if !is_cut {
                break;
            }
            cuts += 1;
        }
        println!("{name}: {cuts} calls");
    }
    states
}

#[test]
fn whatever_a_power_cut_leaves_a_box_starts_with_the_old_ledger_or_the_new_and_a_whole_model() {
    let mut judge = Judge::default();
    for (tree, may_be) in states() {
        judge.judge(tree, &may_be, "after a cut");
    }
    println!("{} different disks", judge.disks());
    assert!(judge.disks() > 500, "{} disks: are there cuts at all?", judge.disks());
}

#[test]
fn a_second_power_cut_while_the_box_starts_changes_nothing_of_that() {
    // What may be found depends on what was done; what a start leaves depends on the disk alone.
    let mut disks: BTreeMap<Tree, Vec<BTreeSet<Vec<u8>>>> = BTreeMap::new();
    for (tree, may_be) in states() {
        disks.entry(tree).or_default().push(and_started(&may_be));
    }
    let mut judge = Judge::default();
    for (tree, all) in disks {
        // The one disk may be left by several steps: what is found has to fit each of them.
        let fits_each = |it: &Vec<u8>| all.iter().all(|may_be| may_be.contains(it));
        let may_be: BTreeSet<Vec<u8>> = all[0].iter().filter(|it| fits_each(it)).cloned().collect();
        for tree in started(Memory::of(&tree).looking_back()).survivors_of_any_cut() {
            judge.judge(tree, &may_be, "after two cuts");
        }
    }
    println!("{} different disks", judge.disks());
    assert!(judge.disks() > 500, "{} disks: are there cuts at all?", judge.disks());
}

/// The shortcut that the second cuts take, held against cutting at each call.
#[test]
fn looking_back_finds_whatever_cutting_at_each_call_finds() {
    let disks: BTreeSet<Tree> = states().into_iter().map(|(tree, _)| tree).collect();
    let mut found = 0;
    for tree in disks.iter().step_by(STARTS_CUT_BY_HAND) {
        let mut by_hand = BTreeSet::new();
        for at in 0.. {
            let memory = started(Memory::of(tree).with(at, Trouble::PowerCut));
            by_hand.extend(memory.survivors());
            if memory.calls() <= at {
                break;
            }
        }
        found += by_hand.len();
        assert_eq!(started(Memory::of(tree).looking_back()).survivors_of_any_cut(), by_hand);
    }
    println!("{found} disks");
    assert!(found > 500, "{found} disks: are there cuts at all?");
}

/// The first violation on a disk that does not keep a promise.
fn violation(broken: Broken, script: &[Step]) -> Option<String> {
    for steps in 0..=script.len() {
        let memory = Memory::empty().breaking(broken);
        let mut run = Run::open(&memory);
        for step in &script[..steps] {
            run.take(step).expect("the disk says that all is well");
        }
        let may_be = run.may_be();
        drop(run.store);
        let found = memory.survivors().find_map(|tree| match starts_well(&tree) {
            Ok(found) if may_be.contains(&found) => None,
            Ok(_) => Some("what was said to be kept is not".to_owned()),
            Err(why) => Some(why),
        });
        if found.is_some() {
            return found;
        }
    }
    None
}

#[test]
fn without_any_one_of_the_syncs_this_enumeration_finds_what_is_lost() {
    let script = [Step::Install(0), Step::Stage(0)];
    let broken = [
        Broken::SyncFile("ledger.json.new"),
        Broken::SyncFile("manifest.json"),
        Broken::SyncFile("model.onnx"),
        Broken::SyncFile("1.jpg"),
        Broken::SyncDir(""),
        Broken::SyncDir("blobs"),
        Broken::SyncDir("tmp-new-"),
        Broken::SyncDir("golden"),
    ];
    for broken in broken {
        let found = violation(broken, &script).unwrap_or_else(|| panic!("{broken:?}: nothing"));
        println!("{broken:?}: {found:.120}");
    }
    let script = [Step::Install(0), Step::Stage(0), Step::InstallSignedAnew(0)];
    let found = violation(Broken::SyncFile("tmp-manifest.sig"), &script).expect("torn signatures");
    println!("{found:.120}");
    assert_eq!(violation(Broken::SyncFile("none of them"), &script), None);
}

#[test]
fn a_package_that_is_there_gets_the_signatures_that_it_came_with_last() {
    let memory = Memory::empty();
    install(&memory, &package(0)).expect("kept");
    let digest = install(&memory, &signed_anew(0)).expect("kept");
    let path = format!("blobs/sha256-{digest}/manifest.sig");
    for tree in memory.survivors() {
        assert_eq!(file(&tree, &path), signed_anew(0).files[1].1);
        assert!(damages(&Memory::of(&tree), digest).is_empty());
    }
}

#[test]
fn a_package_has_its_name_only_when_all_of_it_is_there() {
    let package = package(0);
    let whole = |tree: &Tree| {
        let memory = Memory::of(tree);
        let name = format!("blobs/sha256-{}", package.digest);
        let is_named = tree.contains_key(&name);
        (is_named, is_named && damages(&memory, package.digest).is_empty())
    };
    let mut at = 0;
    let mut named = 0;
    loop {
        let memory = Memory::empty().with(at, Trouble::PowerCut);
        let done: Option<Digest> = install(&memory, &package).ok();
        for tree in memory.survivors() {
            let (is_named, is_whole) = whole(&tree);
            assert_eq!(is_named, is_whole, "cut at {at}: {:#?}", tree.keys());
            // What was said to be there is there.
            assert!(done.is_none() || is_named, "cut at {at}");
            named += usize::from(is_named);
        }
        if done.is_some() {
            break;
        }
        at += 1;
    }
    assert!(at > 10 && named > 0, "{at} calls");
}

#[test]
fn that_a_model_is_being_tried_is_known_after_a_cut_and_forgotten_after_the_try() {
    let [tried, other] = [0, 1].map(|n| package(n).digest);
    let said = |memory: &Memory| -> BTreeSet<[bool; 2]> {
        let left = memory.survivors().map(|tree| Memory::of(&tree));
        left.map(|it| [tried, other].map(|of| trials::ended_the_box(&it, of))).collect()
    };
    let memory = Memory::empty();
    trials::begin(&memory, tried).expect("kept");
    let begun = memory.calls();
    assert_eq!(said(&memory), [[true, false]].into());
    trials::over(&memory);
    let over = memory.calls();
    assert_eq!(said(&memory), [[false, false]].into());
    trials::begin(&memory, other).expect("kept");
    assert_eq!(said(&memory), [[false, true]].into());
    // Whatever a cut leaves, nobody else is said to have been tried.
    for at in 0..memory.calls() {
        let memory = Memory::empty().with(at, Trouble::PowerCut);
        let _ = trials::begin(&memory, tried);
        trials::over(&memory);
        let _ = trials::begin(&memory, other);
        for [of_it, of_other] in said(&memory) {
            assert!(!of_other || at >= over, "cut at {at}: of another one");
            assert!(!of_it || at < over, "cut at {at}: it is over");
        }
    }
    assert!(begun > 2 && over > begun, "{begun} and {over} calls");
}
