//! The same on a real disk, and what comes in from outside and does not fit.

use std::fs;
use std::process::Command;

use standclear::model_store::blobs::{Unfinished, damages, folder_of};
use standclear::model_store::check::check;
use standclear::model_store::files::{Disk, Files, Kind};
use standclear::model_store::{FOLDER, ModelStore, ModelStoreError};
use standclear::rollout::ledger::Refusal;
use standclear::rollout::slot::{Digest, Slot};
use standclear::rollout::stage::Event;
use tempfile::TempDir;

use super::scripts::{Package, SHIPPED_RELEASE, TRY, approve, install, package};

fn disk(dir: &TempDir) -> Disk {
    Disk::new(dir.path().join(FOLDER)).expect("a folder")
}

fn begun<'f>(files: &'f Disk, package: &Package) -> Unfinished<'f, Disk> {
    Unfinished::begin(files, package.digest).expect("begun")
}

#[test]
fn a_package_is_installed_tried_committed_and_put_back_on_a_real_disk() {
    let dir = TempDir::new().expect("a folder");
    let mut store = ModelStore::open(disk(&dir), SHIPPED_RELEASE).store;
    let package = package(0);
    install(&disk(&dir), &package).expect("installed");
    store.stage(package.digest, package.release).expect("staged");
    for event in [Event::Verify, Event::Shadow, approve(), TRY] {
        store.apply(&event).expect("kept");
    }
    let blob = Slot::Blob(package.digest);
    assert_eq!(store.boot().order, [blob, Slot::Shipped]);
    drop(store);
    let mut store = ModelStore::open(disk(&dir), SHIPPED_RELEASE).store;
    assert_eq!(store.ledger().trial().map(|it| it.attempts_left), Some(2));
    store.apply(&Event::Commit).expect("kept");
    assert_eq!(store.ledger().committed(), blob);
    store.put_back().expect("kept");
    assert_eq!(store.sweep(None).expect("swept"), []);
    drop(store);
    let mut store = ModelStore::open(disk(&dir), SHIPPED_RELEASE).store;
    assert_eq!(store.boot().order, [Slot::Shipped, blob]);
    assert!(check(dir.path()).iter().all(|it| it.broken.is_empty()));
    let model = dir.path().join(FOLDER).join(folder_of(package.digest)).join("model.onnx");
    assert_eq!(fs::read(model).expect("read"), package.files[3].1);
}

#[test]
fn a_package_that_is_not_what_its_manifest_says_never_gets_its_name() {
    let dir = TempDir::new().expect("a folder");
    let files = disk(&dir);
    let package = package(0);
    let add = |unfinished: &mut Unfinished<'_, Disk>, file: &str, bytes: &[u8]| {
        unfinished.add(file, &mut &*bytes)
    };
    let manifest = package.files[0].1.clone();
    let mut it = begun(&files, &package);
    let error = add(&mut it, "model.onnx", b"x").expect_err("before the manifest");
    assert!(matches!(error, ModelStoreError::ManifestFirst { .. }), "{error:?}");
    let error = add(&mut it, "manifest.json", b"{}").expect_err("of another package");
    assert!(matches!(error, ModelStoreError::SwappedManifest { .. }), "{error:?}");
    add(&mut it, "manifest.json", &manifest).expect("the manifest");
    for name in ["golden/2.jpg", "../../ledger.json", "/etc/passwd", "manifest.json", ""] {
        let error = add(&mut it, name, b"x").expect_err(name);
        assert!(matches!(error, ModelStoreError::NotNamed { .. }), "{name}: {error:?}");
    }
    let swapped = vec![b'x'; package.files[3].1.len()];
    let error = add(&mut it, "model.onnx", &swapped).expect_err("swapped");
    assert!(matches!(error, ModelStoreError::Differs { .. }), "{error:?}");
    add(&mut it, "golden/1.jpg", &package.files[2].1).expect("its picture");
    let error = it.finish().expect_err("with a model that was swapped");
    assert!(matches!(error, ModelStoreError::Missing { .. }), "{error:?}");
    let mut it = begun(&files, &package);
    add(&mut it, "manifest.json", &manifest).expect("the manifest");
    let error = it.add("model.onnx", &mut std::io::repeat(7)).expect_err("endless");
    assert!(error.to_string().contains("more than 22 bytes"), "{error}");
    let mut it = begun(&files, &package);
    add(&mut it, "manifest.json", &manifest).expect("the manifest");
    add(&mut it, "model.onnx", &package.files[3].1).expect("the model");
    let error = it.finish().expect_err("without its golden picture");
    assert!(matches!(error, ModelStoreError::Missing { .. }), "{error:?}");
    let place = folder_of(package.digest);
    assert_eq!(files.kind(&place).expect("known"), None);
    let mut store = ModelStore::open(files.clone(), SHIPPED_RELEASE).store;
    let error = store.stage(package.digest, package.release).expect_err("not there");
    assert!(matches!(error, ModelStoreError::NotThere { .. }), "{error:?}");
    store.sweep(None).expect("swept");
    assert_eq!(files.list(std::path::Path::new("blobs")).expect("listed"), Vec::<String>::new());
}

#[test]
fn a_manifest_that_leads_out_of_its_package_is_refused() {
    let dir = TempDir::new().expect("a folder");
    let files = disk(&dir);
    for name in ["../x", "/x", "a/../../x", "./x", "a//b", "manifest.json", "manifest.sig", ""] {
        let manifest = serde_json::json!({
            "files": [{ "file": name, "sha256": Digest::of("x"), "bytes": 1 }],
        });
        let manifest = manifest.to_string().into_bytes();
        let mut it = Unfinished::begin(&files, Digest::of(&manifest)).expect("begun");
        let error = it.add("manifest.json", &mut manifest.as_slice()).expect_err(name);
        assert!(matches!(error, ModelStoreError::Manifest { .. }), "{name}: {error:?}");
    }
}

#[test]
fn a_damaged_package_is_mended_by_installing_it_again_and_a_whole_one_is_not_touched() {
    let dir = TempDir::new().expect("a folder");
    let files = disk(&dir);
    let package = package(0);
    install(&files, &package).expect("installed");
    let model = dir.path().join(FOLDER).join(folder_of(package.digest)).join("model.onnx");
    let made = fs::metadata(&model).expect("there").modified().expect("a time");
    install(&files, &package).expect("installed again");
    assert_eq!(fs::metadata(&model).expect("there").modified().expect("a time"), made);
    fs::write(&model, "damaged").expect("written");
    assert_eq!(damages(&files, package.digest).len(), 1);
    install(&files, &package).expect("mended");
    assert_eq!(damages(&files, package.digest), Vec::<String>::new());
}

#[test]
fn links_are_neither_read_nor_followed() {
    let dir = TempDir::new().expect("a folder");
    let files = disk(&dir);
    let package = package(0);
    install(&files, &package).expect("installed");
    let folder = dir.path().join(FOLDER).join(folder_of(package.digest));
    let elsewhere = dir.path().join("elsewhere");
    fs::create_dir(&elsewhere).expect("made");
    fs::copy(folder.join("model.onnx"), elsewhere.join("model.onnx")).expect("copied");
    fs::remove_file(folder.join("model.onnx")).expect("removed");
    std::os::unix::fs::symlink(elsewhere.join("model.onnx"), folder.join("model.onnx"))
        .expect("linked");
    assert_eq!(
        files.kind(&folder_of(package.digest).join("model.onnx")).ok(),
        Some(Some(Kind::Other))
    );
    assert!(damages(&files, package.digest)[0].contains("model.onnx"));
    std::os::unix::fs::symlink(&elsewhere, folder.join("golden/more")).expect("linked");
    install(&files, &package).expect("mended");
    assert_eq!(damages(&files, package.digest), Vec::<String>::new());
    assert!(elsewhere.join("model.onnx").is_file(), "what was linked is not removed");
}

#[test]
fn an_older_release_is_refused_with_the_floor() {
    let dir = TempDir::new().expect("a folder");
    let package = package(0);
    let mut store = ModelStore::open(disk(&dir), 9).store;
    let error = store.stage(package.digest, package.release).expect_err("older");
    let below = Refusal::BelowFloor { release: 2, floor: 9 };
    assert!(matches!(&error, ModelStoreError::Refused(it) if *it == below), "{error:?}");
    assert!(error.to_string().contains("release 2 is below 9"), "{error}");
}

#[test]
fn the_command_says_which_model_is_broken() {
    let dir = TempDir::new().expect("a folder");
    standclear::store::Store::open(dir.path()).expect("a store");
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_standclear"));
        let output = command.args(["check", "--store"]).arg(dir.path()).output().expect("ran");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (well, said) = run();
    assert!(well && said.contains("ok      the ledger of models is whole"), "{said}");
    let mut store = ModelStore::open(disk(&dir), SHIPPED_RELEASE).store;
    let package = package(0);
    install(&disk(&dir), &package).expect("installed");
    store.stage(package.digest, package.release).expect("staged");
    let (well, said) = run();
    assert!(well, "{said}");
    let model = dir.path().join(FOLDER).join(folder_of(package.digest)).join("model.onnx");
    fs::write(model, "damaged").expect("written");
    let (well, said) = run();
    assert!(!well, "{said}");
    assert!(said.contains("BROKEN  every model that the ledger names is whole"), "{said}");
    assert!(said.contains("model.onnx: it has 7 bytes instead of 22"), "{said}");
}
