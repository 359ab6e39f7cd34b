//! Attacks through the door that people use: refused by their names, in the history, and nothing of the
//! box changed.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;
use standclear::guard::handle::models::{ModelError, Models};
use standclear::rollout::slot::Slot;
use tar::EntryType;

use super::maker::{
    Maker, ended, entry, file, header, manifest, manifest_with, open_tar_of, snapshot, tar_of,
};
use super::steps::{committed, in_the_shadow};
use super::world::{EVIDENCE, World};

fn code(error: &ModelError) -> &'static str {
    match error {
        ModelError::Refused(refusal) => refusal.code(),
        ModelError::Conflict { code, .. } => code,
        error => panic!("no refusal: {error}"),
    }
}

/// Each by its name, for a box that takes nothing below release 5.
pub fn attacks(maker: &Maker) -> Vec<(&'static str, Vec<u8>)> {
    let good = maker.parts(&manifest());
    let with = |name: &str, bytes: Vec<u8>| {
        let mut parts = good.clone();
        parts.iter_mut().filter(|it| it.0 == name).for_each(|it| it.1 = bytes.clone());
        tar_of(&parts)
    };
    let of_release = |release: u64| manifest_with(|it| it["release"] = json!(release));
    let bomb = header(b"model.onnx", 10 << 30, EntryType::Regular);
    let mut link = header(b"model.onnx", 0, EntryType::Symlink);
    link.as_old_mut().linkname[..11].copy_from_slice(b"/etc/shadow");
    link.set_cksum();
    let of_stranger = tar_of(&Maker::new().parts(&manifest()));
    let outside = manifest_with(|it| it["files"][0]["file"] = json!("../../ledger.json"));
    let twice = manifest_with(|it| it["files"][0]["file"] = json!("MODEL.onnx"));
    let exchanged = of_release(9).to_string().into_bytes();
    vec![
        ("unknown_key", of_stranger),
        ("unsigned", with("manifest.sig", b"[]\n".to_vec())),
        ("bad_signature", with("manifest.json", exchanged)),
        ("swapped_file", with("model.onnx", b"a wrong".to_vec())),
        ("rollback", tar_of(&maker.parts(&of_release(3)))),
        ("path_traversal", tar_of(&maker.parts(&outside))),
        ("path_traversal", ended([open_tar_of(&good[..2]), file("../out", b"x")].concat())),
        ("name_collision", tar_of(&maker.parts(&twice))),
        ("not_a_regular_file", ended([open_tar_of(&good[..2]), entry(&link, b"")].concat())),
        ("endless_data", ended([open_tar_of(&good[..2]), entry(&bomb, b"")].concat())),
        ("not_named", ended([open_tar_of(&good), file("extra", b"x")].concat())),
        ("missing", ended(open_tar_of(&good[..3]))),
    ]
}

#[test]
fn a_package_that_is_an_attack_is_refused_by_its_name_and_changes_nothing() {
    let world = World::new();
    let attacks = attacks(&world.maker);
    let count = attacks.len();
    let before = snapshot(&world.root());
    for (name, package) in attacks {
        let refused = world.install(&package).expect_err(name);
        assert_eq!(code(&refused), name, "{refused}");
        assert_eq!(world.stage(), None, "{name}");
    }
    world.wait_for("nothing half is left", || {
        let mut now = snapshot(&world.root());
        // The folder of packages is there from the first one on.
        now.remove(&world.root().join("blobs"));
        now == before
    });
    world.wait_for("each is in the history", || world.history().len() == count);
    assert!(world.history().iter().all(|kind| kind == "refused"));
    world.install(&world.package(7)).expect("a good one is taken behind them");
}

#[test]
fn a_signed_package_of_before_is_not_taken_again_once_a_newer_one_guards() {
    let world = World::new();
    committed(&world);
    let refused = world.install(&world.package(6)).expect_err("older");
    assert_eq!(code(&refused), "rollback");
    assert!(refused.to_string().contains("release 6"), "{refused}");
    let again = world.install(&world.package(7)).expect_err("it guards");
    assert_eq!(code(&again), "known");
}

#[test]
fn a_package_that_is_swapped_on_the_disk_after_it_was_verified_never_guards() {
    for name in ["model.onnx", "manifest.json"] {
        let world = World::new();
        let digest = in_the_shadow(&world);
        world.watch();
        let path = world.root().join(format!("blobs/sha256-{digest}/{name}"));
        let bytes = fs::read(&path).expect("there");
        let swapped: Vec<u8> = bytes.iter().rev().copied().collect();
        fs::write(&path, swapped).expect("swapped");
        let refused = world.desk().promote(digest, EVIDENCE, "Eva").expect_err(name);
        assert_eq!(code(&refused), "damaged");
        world.wait("it is rejected", |now| now.rejected.len() == 1);
        assert!(world.told_nothing(), "{name}: nothing is loaded of it");
        world.is_told("rejected");
    }
}

#[test]
fn a_committed_package_that_is_swapped_on_the_disk_is_passed_over_and_told() {
    let mut world = World::new();
    let digest = committed(&world);
    let path = world.root().join(format!("blobs/sha256-{digest}/manifest.json"));
    fs::write(&path, "{}").expect("swapped");
    world.restart();
    assert_eq!(world.watch(), Slot::Shipped);
    let now = world.wait("it is told", |now| now.fault.is_some());
    assert!(now.fault.expect("a fault").text.contains(&digest.to_string()));
}

#[test]
fn of_a_stick_plain_packages_are_shown_and_links_and_devices_are_not() {
    let world = World::new();
    let stick = world.folder.path().join("media/eva/STICK");
    fs::create_dir_all(&stick).expect("made");
    let good = stick.join("people-1.standclear-model");
    fs::write(&good, world.package(7)).expect("written");
    symlink(&good, stick.join("link.standclear-model")).expect("linked");
    symlink("/etc", stick.join("folder")).expect("linked");
    fs::create_dir(stick.join("a.standclear-model")).expect("made");
    let old = stick.join("old.standclear-model");
    fs::write(&old, world.package(3)).expect("written");
    let found = world.desk().carried().expect("looked");
    let said: Vec<_> = found
        .packages
        .iter()
        .map(|it| {
            (it.file.as_str(), it.contents.as_ref().map_or_else(|it| it.0, |it| it.name.as_str()))
        })
        .collect();
    assert_eq!(
        said,
        [("old.standclear-model", "rollback"), ("people-1.standclear-model", "people")]
    );
    let id = found.packages[1].id.clone();
    // Between the look and the choice the stick is another one.
    fs::remove_file(&good).expect("removed");
    symlink("/etc/passwd", &good).expect("linked");
    let refused = world.desk().install_carried(&id, "Eva").expect_err("a link");
    assert!(refused.to_string().contains("a link"), "{refused}");
    fs::remove_file(&good).expect("removed");
    fs::write(&good, world.package(7)).expect("written");
    world.desk().install_carried(&id, "Eva").expect("installed");
    let unknown = world.desk().install_carried("0123456789abcdef", "Eva");
    assert!(matches!(unknown, Err(ModelError::NoSuchPackage(_))));
}
