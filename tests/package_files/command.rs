//! `standclear model`: from a folder and three keys to a package that a box takes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use standclear::model_store::ModelStore;
use standclear::model_store::files::Disk;
use tar::EntryType;

use super::maker::{
    FILES, Maker, ended, entry, header, manifest, manifest_with, open_tar_of, snapshot, tar_of,
};

/// What a command said on both outputs, and whether it went well.
fn run(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_standclear"))
        .current_dir(folder)
        .arg("model")
        .args(arguments)
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.success(), said)
}

#[track_caller]
fn well(folder: &Path, arguments: &[&str]) -> String {
    let (well, said) = run(folder, arguments);
    assert!(well, "{arguments:?}: {said}");
    said
}

#[track_caller]
fn refused(folder: &Path, arguments: &[&str], parts: &[&str]) {
    let before = snapshot(folder);
    let (well, said) = run(folder, arguments);
    assert!(!well, "{arguments:?}: {said}");
    for part in parts {
        assert!(said.contains(part), "{part:?} is not in: {said}");
    }
    assert!(snapshot(folder) == before, "{arguments:?} changed something");
}

/// The manifest of `FILES` with all that it has to say of the model, too.
fn whole_manifest() -> Value {
    manifest_with(|manifest| {
        manifest["variants"][0]["activations"] = json!("u8");
        manifest["variants"][0]["providers"] = json!(["cpu"]);
        manifest["decoder"] = json!({
            "kind": "nanodet", "strides": [8], "bins": 11,
            "outputs": [{ "stride": 8, "scores": "scores_8", "boxes": "boxes_8" }],
        });
        manifest["input"] = json!({
            "name": "image", "layout": "nchw", "type": "f32", "colour": "bgr",
            "mean": [0, 0, 0], "std": [1, 1, 1], "fit": "letterbox", "pad": [0, 0, 0],
            "multiple": 32, "long_side_default": 640, "long_side_max": 1280,
        });
        manifest["classes"] = json!(["person"]);
        manifest["thresholds"] = json!({ "candidate": 0.1, "nms_iou": 0.6 });
        manifest["golden"][0]["long_side"] = json!(640);
        manifest["golden"][0]["must_find"] =
            json!([{ "box": [1, 1, 9, 9], "min_score": 0.5, "min_iou": 0.5 }]);
    })
}

/// A folder with a model in it.
fn model_folder(base: &Path) -> PathBuf {
    let folder = base.join("people");
    fs::create_dir_all(folder.join("golden")).expect("made");
    for (name, bytes) in FILES {
        fs::write(folder.join(name), bytes).expect("written");
    }
    fs::write(folder.join("manifest.json"), whole_manifest().to_string()).expect("written");
    folder
}

/// The configuration of a box.
fn box_in(base: &Path) {
    fs::write(base.join("yard.json"), "{}").expect("written");
    fs::write(
        base.join("standclear.toml"),
        "[site]\nname = \"Yard\"\ntime_zone = \"UTC\"\n[[camera]]\nid = \"yard\"\n\
         name = \"Yard\"\nsource = { test = \"ball\" }\nzones = \"yard.json\"\n",
    )
    .expect("written");
}

/// What stands behind a word in what was said.
fn after(said: &str, word: &str) -> String {
    let line = said.lines().find_map(|line| line.strip_prefix(word)).expect("said");
    line.trim().to_owned()
}

#[test]
fn from_keys_to_a_package_that_the_box_takes_and_to_other_keys() {
    let base = tempfile::tempdir().expect("a folder");
    let base = base.path();
    model_folder(base);
    box_in(base);
    let root = well(base, &["keys", "new", "root.pem"]);
    let release = well(base, &["keys", "new", "release.pem"]);
    let named = |name: &str, said: &str| format!("{name}={}", after(said, "Public "));
    let (root_key, release_key) = (named("Ada", &root), named("Eva", &release));
    let ring = ["keys", "ring", "--root", &root_key, "--release", &release_key, "--sign"];
    well(base, &[&ring[..], &["root.pem", "-o", "keys.json"]].concat());
    // No keyring is in force, and nobody but a person can name the first.
    refused(base, &["keys", "show"], &["there is no keyring", "keys trust"]);
    refused(base, &["keys", "trust", "keys.json"], &["first keyring", "--root"]);
    let id = after(&release, "Key ");
    refused(base, &["keys", "trust", "keys.json", "--root", &id], &["is no root key of it"]);
    let id = after(&root, "Key ");
    well(base, &["keys", "trust", "keys.json", "--root", &id]);
    assert!(well(base, &["keys", "show"]).contains("Keyring version 1"));
    well(base, &["pack", "people"]);
    let package = "people-1.0.0.standclear-model";
    refused(base, &["verify", package], &["is not taken", "refused", "unsigned"]);
    refused(base, &["sign", package, "--key", "keys.json"], &["chmod 600"]);
    well(base, &["sign", package, "--key", "root.pem"]);
    refused(base, &["verify", package], &["only release keys sign packages"]);
    well(base, &["sign", package, "--key", "release.pem"]);
    let said = well(base, &["verify", package]);
    for part in ["OK      people 1.0.0", "Release 7", "Signed  by Eva", "Files   3, 25 bytes"] {
        assert!(said.contains(part), "{part:?} is not in: {said}");
    }
    refused(base, &["verify", package, "--floor", "8"], &["rollback", "below release 8"]);
    // The release key was stolen.
    let stolen = after(&release, "Key ");
    let ring = ["keys", "ring", "--from", "keys.json", "--revoke", &stolen, "--sign", "root.pem"];
    well(base, &[&ring[..], &["-o", "keys-2.json"]].concat());
    well(base, &["keys", "trust", "keys-2.json"]);
    refused(base, &["verify", package], &["is revoked"]);
    refused(base, &["keys", "trust", "keys.json"], &["only version 3 can follow"]);
}

#[test]
fn the_same_folder_is_the_same_package_and_what_would_be_refused_is_not_packed() {
    let base = tempfile::tempdir().expect("a folder");
    let base = base.path();
    let folder = model_folder(base);
    well(base, &["pack", "people", "-o", "a"]);
    well(base, &["pack", "people", "-o", "b"]);
    assert!(fs::read(base.join("a")).expect("there") == fs::read(base.join("b")).expect("there"));
    fs::write(folder.join("notes.txt"), "x").expect("written");
    refused(base, &["pack", "people", "-o", "c"], &["notes.txt", "does not name it"]);
    fs::remove_file(folder.join("notes.txt")).expect("removed");
    fs::write(folder.join("model.onnx"), "another").expect("written");
    refused(base, &["pack", "people", "-o", "c"], &["was changed or damaged"]);
    fs::write(folder.join("model.onnx"), FILES[0].1).expect("written");
    std::os::unix::fs::symlink("/etc/passwd", folder.join("golden/b.jpg")).expect("made");
    refused(base, &["pack", "people", "-o", "c"], &["golden/b.jpg"]);
    fs::remove_file(folder.join("golden/b.jpg")).expect("removed");
    let mut older = whole_manifest();
    older["schema"] = json!(1);
    fs::write(folder.join("manifest.json"), older.to_string()).expect("written");
    refused(base, &["pack", "people", "-o", "c"], &["schema is 1"]);
}

/// A build without vision cannot tell, and says that nobody did.
#[test]
fn a_signed_package_whose_model_no_box_can_run_is_neither_packed_nor_taken() {
    let maker = Maker::new();
    let base = maker.folder.path();
    fs::write(base.join("keys.json"), maker.keyring().to_text()).expect("written");
    let folder = model_folder(base);
    let verify = ["verify", "package", "--keys", "keys.json"];
    let said = {
        fs::write(base.join("package"), tar_of(&maker.parts(&whole_manifest()))).expect("written");
        well(base, &verify)
    };
    assert_eq!(said.contains("nobody looked"), cfg!(not(feature = "vision")), "{said}");
    let mut strange = whole_manifest();
    strange["decoder"]["kind"] = json!("crystal ball");
    fs::write(base.join("package"), tar_of(&maker.parts(&strange))).expect("written");
    fs::write(folder.join("manifest.json"), strange.to_string()).expect("written");
    if cfg!(feature = "vision") {
        let says = ["crystal ball", "knows only: nanodet"];
        refused(base, &verify, &[&says[..], &["package is not taken"]].concat());
        refused(base, &["pack", "people", "-o", "a"], &[&says[..], &["no package"]].concat());
    } else {
        assert!(well(base, &verify).contains("nobody looked"));
    }
}

#[test]
fn the_floor_is_that_of_the_box_unless_another_is_given() {
    let maker = Maker::new();
    let base = maker.folder.path();
    fs::write(base.join("keys.json"), maker.keyring().to_text()).expect("written");
    fs::write(base.join("package"), tar_of(&maker.parts(&whole_manifest()))).expect("written");
    box_in(base);
    let verify = ["verify", "package", "--keys", "keys.json"];
    let of_box = [&verify[..], &["--config", "standclear.toml"]].concat();
    assert!(well(base, &of_box).contains("Floor   none"));
    // A box whose models have come to release 8; the package has 7.
    let models = base.join("data/models");
    fs::create_dir_all(&models).expect("made");
    let opened = ModelStore::open(Disk::existing(models.clone()), 8);
    assert_eq!(opened.store.ledger().floor(), 8);
    assert!(opened.not_kept.is_none());
    refused(base, &of_box, &["rollback", "below release 8"]);
    let given = [&of_box[..], &["--floor", "7"]].concat();
    assert!(well(base, &given).contains("Floor   release 7, as given"));
    assert!(well(base, &verify).contains("Floor   none"), "no box was asked");
    fs::write(models.join("ledger.json"), "torn").expect("written");
    assert!(well(base, &of_box).contains("Floor   NOT KNOWN"));
}

#[test]
fn an_attack_from_a_stick_is_refused_by_its_name_and_changes_nothing_on_the_disk() {
    let maker = Maker::new();
    let base = maker.folder.path().to_owned();
    fs::write(base.join("keys.json"), maker.keyring().to_text()).expect("written");
    let parts = maker.parts(&manifest());
    let start = open_tar_of(&parts[..2]);
    let plain = |name: &[u8], bytes| header(name, bytes, EntryType::Regular);
    let mut link = header(b"model.onnx", 0, EntryType::Symlink);
    link.as_old_mut().linkname[..11].copy_from_slice(b"/etc/shadow");
    link.set_cksum();
    let bomb = entry(&plain(b"model.onnx", 10 << 30), b"0");
    let out = entry(&plain(b"../out", 1), b"x");
    let again = [start.clone(), start.clone()].concat();
    let swapped = {
        let mut parts = parts.clone();
        parts[2].1 = b"A model".to_vec();
        tar_of(&parts)
    };
    let stranger = {
        let other = Maker::new();
        other.package()
    };
    for (package, says) in [
        (ended([start.clone(), bomb].concat()), "would not end"),
        (ended([start.clone(), entry(&link, b"")].concat()), "a link"),
        (ended([start.clone(), out].concat()), "leads out of the package"),
        (ended(again), "collides with"),
        (ended(start), "lacks"),
        (swapped, "is not the file that was signed"),
        (stranger, "unknown key"),
        (tar_of(&parts)[..3_000].to_vec(), "ends in the middle"),
    ] {
        fs::write(base.join("stick"), package).expect("written");
        refused(&base, &["verify", "stick", "--keys", "keys.json"], &["stick is not taken", says]);
    }
    fs::remove_file(base.join("stick")).expect("removed");
    std::os::unix::fs::symlink("/dev/zero", base.join("stick")).expect("made");
    let says = ["stick is refused", "a link"];
    let (well, said) = run(&base, &["verify", "stick", "--keys", "keys.json"]);
    assert!(!well && says.iter().all(|part| said.contains(part)), "{said}");
    let (well, said) = run(&base, &["verify", "/dev/zero", "--keys", "keys.json"]);
    assert!(!well && said.contains("a device or a pipe"), "{said}");
}
