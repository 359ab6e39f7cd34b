//! The example package, from its folder to a candidate of a box: what makes, signs, verifies and keeps
//! packages agrees about what a package is.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};
use standclear::model_package::pack::{pack, sign};
use standclear::model_package::verify::{self, Trust, Verified};
use standclear::model_store::blobs::{Unfinished, damages};
use standclear::model_store::files::Disk;
use standclear::model_store::{ModelStore, check};
use standclear::rollout::slot::Digest;
use standclear::rollout::stage::Stage;

use super::maker::{Maker, manifest_with, now, tar_of};

/// Verifies a package while its files go where the box keeps them.
fn install(maker: &Maker, package: &[u8], disk: &Disk) -> (Verified, Digest) {
    let keyring = maker.keyring();
    let trust = Trust { keyring: &keyring, floor: 0, time: now() };
    let opened = verify::open(package, &trust).expect("trusted");
    let digest: Digest = opened.contents().digest().parse().expect("a digest");
    let mut unfinished = Unfinished::begin(disk, digest).expect("begun");
    let verified = opened
        .unpack(&mut |name, mut bytes| {
            unfinished.add(name.as_str(), &mut bytes).map_err(io::Error::other)
        })
        .expect("verified");
    assert_eq!(unfinished.finish().expect("whole"), digest);
    (verified, digest)
}

#[test]
fn the_example_package_goes_from_its_folder_into_the_store_whole() {
    let maker = Maker::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/ssdlite-person-300-int8");
    let packed = pack(&folder).expect("packed");
    let signed = sign(packed.bytes.as_slice(), &maker.signing("release")).expect("signed");
    let models = maker.path("models");
    let mut store = ModelStore::open(Disk::new(models.clone()).expect("a folder"), 0).store;
    let disk = Disk::existing(models.clone());
    let (verified, digest) = install(&maker, &signed.bytes, &disk);
    store.stage(digest, verified.contents().release()).expect("staged");
    let candidate = store.ledger().candidate().expect("one").clone();
    assert_eq!((candidate.digest, candidate.release, candidate.stage), (digest, 1, Stage::Staged));
    let lies = models.join(format!("blobs/sha256-{digest}"));
    for file in verified.contents().files() {
        let name = file.name.as_str();
        let same =
            fs::read(lies.join(name)).expect("kept") == fs::read(folder.join(name)).expect("there");
        assert!(same, "{name}");
    }
    let found = check::check(maker.folder.path());
    assert!(found.iter().all(|it| it.broken.is_empty()), "{found:#?}");
}

#[test]
fn what_a_manifest_says_for_people_is_no_list_of_files() {
    let maker = Maker::new();
    let manifest: Value = manifest_with(|manifest| {
        manifest["source"] = json!([{ "file": "weights.pt", "sha256": "0".repeat(64) }]);
    });
    let package = tar_of(&maker.parts(&manifest));
    let disk = Disk::new(maker.path("models")).expect("a folder");
    drop(ModelStore::open(Disk::existing(maker.path("models")), 0));
    let (_, digest) = install(&maker, &package, &disk);
    assert_eq!(damages(&disk, digest), Vec::<String>::new());
}
