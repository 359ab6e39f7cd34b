//! What stick, line and disk do to a package by themselves, and what a stick may hold besides.

use std::fs;
use std::os::unix::fs::symlink;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use standclear::model_package::carried::{CarriedError, open_file, packages_in};
use standclear::model_package::keys::Keyring;
use standclear::model_package::refusal::Refusal;
use standclear::model_package::verify::Trust;

use super::maker::{Maker, now, verify};

/// What a tar is made of.
const BLOCK: usize = 512;

#[test]
fn no_bit_of_a_package_can_be_changed_without_a_refusal() {
    let maker = Maker::new();
    let keyring = maker.keyring();
    let trust = Trust { keyring: &keyring, floor: 0, time: now() };
    let mut package = maker.package();
    verify(&package, &trust).0.expect("it is whole");
    for at in 0..package.len() {
        // Every bit of a byte somewhere, and of each byte one.
        let bit = 1_u8 << (at % 8);
        package[at] ^= bit;
        let (verified, taken) = verify(&package, &trust);
        assert!(verified.is_err(), "bit {bit:#x} of byte {at} was changed");
        assert!(taken.len() < 5 || at >= package.len() - 1024, "byte {at}: all was handed on");
        package[at] ^= bit;
    }
}

#[test]
fn a_package_that_is_cut_anywhere_is_refused() {
    let maker = Maker::new();
    let keyring = maker.keyring();
    let trust = Trust { keyring: &keyring, floor: 0, time: now() };
    let package = maker.package();
    for length in 0..package.len() {
        let (verified, _) = verify(&package[..length], &trust);
        assert!(verified.is_err(), "{length} of {} bytes", package.len());
    }
}

#[test]
fn no_block_of_a_package_can_be_dropped_doubled_or_moved() {
    let maker = Maker::new();
    let keyring = maker.keyring();
    let trust = Trust { keyring: &keyring, floor: 0, time: now() };
    let package = maker.package();
    let blocks: Vec<&[u8]> = package.chunks(BLOCK).collect();
    let mut tried = 0;
    let mut refused = |blocks: &[&[u8]], what: String| {
        let changed = blocks.concat();
        if changed != package {
            assert!(verify(&changed, &trust).0.is_err(), "{what}");
            tried += 1;
        }
    };
    for at in 0..blocks.len() {
        let mut without = blocks.clone();
        let block = without.remove(at);
        refused(&without, format!("block {at} is gone"));
        for to in 0..=without.len() {
            let mut moved = without.clone();
            moved.insert(to, block);
            refused(&moved, format!("block {at} is at {to}"));
            let mut doubled = blocks.clone();
            doubled.insert(to, block);
            refused(&doubled, format!("block {at} is at {to}, too"));
        }
    }
    assert!(tried > 2 * blocks.len() * (blocks.len() - 4), "{tried} changes were tried");
}

#[test]
fn on_a_stick_only_plain_files_named_like_packages_are_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    for name in ["b.standclear-model", "a.standclear-model", "a.zip", "standclear-model"] {
        fs::write(at(name), name).expect("written");
    }
    symlink("/dev/zero", at("zero.standclear-model")).expect("made");
    fs::create_dir(at("folder.standclear-model")).expect("made");
    let found = packages_in(folder.path()).expect("readable");
    let shown: Vec<_> = found.iter().map(|found| (found.path.clone(), found.bytes)).collect();
    assert_eq!(shown, [(at("a.standclear-model"), 18), (at("b.standclear-model"), 18)]);
    assert!(packages_in(&at("gone")).is_err());
}

#[test]
fn a_link_a_pipe_a_folder_and_a_file_without_end_are_not_even_opened_as_packages() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fs::write(at("model"), "x").expect("written");
    symlink(at("model"), at("link")).expect("made");
    // Nobody writes to it: whoever opened it to read would wait for ever.
    mknodat(CWD, at("pipe"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("made");
    // A sparse file takes no room and would take hours.
    let huge = fs::File::create(at("huge")).expect("made");
    huge.set_len(10 << 30).expect("grown");
    for (name, code) in [
        ("link", "not_a_regular_file"),
        ("pipe", "not_a_regular_file"),
        ("", "not_a_regular_file"),
        ("huge", "endless_data"),
    ] {
        let refused = open_file(&at(name)).map(drop).expect_err("refused");
        let told = match &refused {
            CarriedError::Refused { refusal, .. } => Refusal::code(refusal),
            CarriedError::Read { .. } => panic!("{name}: {refused}"),
        };
        assert_eq!(told, code, "{name}");
    }
    open_file(&at("model")).expect("a plain file");
}

#[test]
fn no_bit_of_a_keyring_can_be_changed_unnoticed() {
    let keyring = Maker::new().keyring();
    let mut text = keyring.to_text().into_bytes();
    assert_eq!(Keyring::parse(&text).expect("whole"), keyring);
    for at in 0..text.len() {
        for bit in (0..8).map(|n| 1_u8 << n) {
            text[at] ^= bit;
            // What stands between its values is not signed, and says nothing.
            if let Ok(changed) = Keyring::parse(&text) {
                assert_eq!(changed, keyring, "bit {bit:#x} of byte {at}");
            }
            text[at] ^= bit;
        }
    }
}
