//! Keyrings: who may follow whom, and keys as files.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use base64::prelude::{BASE64_STANDARD, Engine};
use standclear::model_package::keys::{Draft, Keyring, KeyringError, Role, file};
use standclear::model_package::secret::{SecretError, SigningKey};
use standclear::model_package::verify::Trust;

use super::maker::{Maker, code, now, time, verify};

/// The keyring after this one, changed and signed by these keys.
fn next(
    maker: &Maker,
    before: &Keyring,
    change: impl FnOnce(&mut Draft),
    signers: &[&str],
) -> Result<Keyring, KeyringError> {
    let mut draft = before.next_draft();
    change(&mut draft);
    for name in signers {
        draft.sign(&maker.signing(name));
    }
    draft.finish()
}

#[test]
fn keys_are_changed_and_revoked_from_afar_and_the_root_key_too() {
    let maker = Maker::new();
    let (first, package) = (maker.keyring(), maker.package());
    let judged = |keyring: &Keyring| {
        let trust = Trust { keyring, floor: 0, time: now() };
        verify(&package, &trust).0.as_ref().map_or_else(code, |_| "taken")
    };
    assert_eq!(judged(&first), "taken");
    for name in ["root2", "release2"] {
        maker.key(name);
    }
    let release = maker.signing("release").id().to_string();
    let root = maker.signing("root").id().to_string();
    let change = |draft: &mut Draft| {
        draft.add(maker.public("root2", Role::Root)).expect("added");
        draft.add(maker.public("release2", Role::Release)).expect("added");
        draft.revoke(&release).expect("there");
        draft.revoke(&root).expect("there");
    };
    // The old root key vouches for the change, the new one that it can go on from there.
    let second = next(&maker, &first, change, &["root", "root2"]).expect("made");
    let held = first.follow(second.clone()).expect("followed");
    assert_eq!(judged(&held), "revoked_key");
    let third = next(&maker, &held, |_| {}, &["root2"]).expect("made");
    assert_eq!(held.follow(third).expect("followed").version(), 3);
    // The root key that was revoked says nothing any more.
    let forged = next(&maker, &held, |_| {}, &["root"]);
    assert!(matches!(forged, Err(KeyringError::NotSelfSigned { .. })));
    maker.key("thief");
    let add = |draft: &mut Draft| draft.add(maker.public("thief", Role::Root)).expect("added");
    let forged = next(&maker, &held, add, &["root", "thief"]).expect("well-formed");
    assert!(matches!(held.follow(forged), Err(KeyringError::NotSignedByRoot { .. })));
}

#[test]
fn a_keyring_follows_only_the_one_before_it_and_nobody_goes_back() {
    let maker = Maker::new();
    let first = maker.keyring();
    let second = next(&maker, &first, |_| {}, &["root"]).expect("made");
    let third = next(&maker, &second, |_| {}, &["root"]).expect("made");
    assert_eq!(first.follow(first.clone()).expect("the same again"), first);
    for (held, given) in [(&first, &third), (&second, &first), (&third, &first), (&third, &second)]
    {
        let refused = held.follow(given.clone());
        assert!(matches!(refused, Err(KeyringError::NotTheNext { .. })), "{refused:?}");
    }
    // Two keyrings of one version: an attack, or a maker who lost track.
    maker.key("other");
    let add = |draft: &mut Draft| draft.add(maker.public("other", Role::Release)).expect("added");
    let twin = next(&maker, &first, add, &["root"]).expect("made");
    assert!(matches!(second.follow(twin), Err(KeyringError::Twin { version: 2 })));
}

#[test]
fn nobody_but_a_root_key_in_force_brings_a_keyring_into_force() {
    let maker = Maker::new();
    let first = maker.keyring();
    maker.key("thief");
    let add = |draft: &mut Draft| draft.add(maker.public("thief", Role::Root)).expect("added");
    let alone = next(&maker, &first, add, &["thief"]).expect("well-formed");
    assert!(matches!(first.follow(alone), Err(KeyringError::NotSignedByRoot { .. })));
    let add = |draft: &mut Draft| draft.add(maker.public("thief", Role::Root)).expect("added");
    let released = next(&maker, &first, add, &["thief", "release"]).expect("well-formed");
    assert!(matches!(first.follow(released), Err(KeyringError::NotSignedByRoot { .. })));
    let unsigned = next(&maker, &first, |_| {}, &[]);
    assert!(matches!(unsigned, Err(KeyringError::NotSelfSigned { .. })));
    let root = maker.signing("root").id().to_string();
    let nobody = next(&maker, &first, |draft| draft.revoke(&root).expect("there"), &["root"]);
    assert!(matches!(nobody, Err(KeyringError::NoRoot)), "{nobody:?}");
}

#[test]
fn the_first_keyring_is_taken_only_by_a_root_key_that_a_person_named() {
    let maker = Maker::new();
    let keyring = maker.keyring();
    let root = maker.signing("root").id().to_string();
    let release = maker.signing("release").id().to_string();
    assert_eq!(keyring.clone().be_first(&root).expect("named"), keyring);
    for named in ["", "root", &release, "0000000000000000", &root.to_uppercase()] {
        let refused = keyring.clone().be_first(named);
        assert!(matches!(refused, Err(KeyringError::NotTheNamedRoot { .. })), "{named}");
    }
    // A root key that is in it, but did not sign it: anybody can write a public half down.
    maker.key("thief");
    let mut draft = Draft::first();
    draft.add(maker.public("root", Role::Root)).expect("added");
    draft.add(maker.public("thief", Role::Root)).expect("added");
    draft.sign(&maker.signing("thief"));
    let forged = draft.finish().expect("well-formed");
    assert!(matches!(forged.be_first(&root), Err(KeyringError::NotTheNamedRoot { .. })));
}

#[test]
fn a_keyring_that_says_more_or_something_else_than_keys_is_refused() {
    let maker = Maker::new();
    let text = maker.keyring().to_text();
    let root = maker.signing("root").id().to_string();
    for (from, to) in [
        ("\"version\": 1,", "\"version\": 1, \"note\": 2,"),
        ("\"version\": 1,", "\"version\": 1, \"version\": 1,"),
        ("\"version\": 1,", "\"version\": -1,"),
        ("\"role\": \"release\"", "\"role\": \"root\""),
        ("\"role\": \"release\"", "\"role\": \"admin\""),
        ("\"role\": \"release\"", "\"role\": \"release\", \"revoked\": true"),
        ("\"role\": \"root\"", "\"role\": \"root\", \"not_after\": \"2030-01-01T00:00:00Z\""),
        (root.as_str(), "0000000000000000"),
    ] {
        assert!(text.contains(from), "{from} is not in {text}");
        let changed = text.replacen(from, to, 1);
        assert!(Keyring::parse(changed.as_bytes()).is_err(), "{changed}");
    }
    let long = text + &" ".repeat(70_000);
    assert!(matches!(Keyring::parse(long.as_bytes()), Err(KeyringError::TooLong)));
}

#[test]
fn a_keyring_is_kept_whole_and_a_damaged_one_is_not_taken_for_none() {
    let maker = Maker::new();
    let path = file::path_in(&maker.path("data"));
    assert!(matches!(file::load(&path), Err(file::KeyringFileError::NotThere { .. })));
    fs::create_dir(maker.path("data")).expect("made");
    let mut keyring = maker.keyring();
    for _ in 0..2 {
        file::keep(&path, &keyring).expect("kept");
        assert_eq!(file::load(&path).expect("read"), keyring);
        keyring = next(&maker, &keyring, |_| {}, &["root"]).expect("made");
    }
    let text = fs::read(&path).expect("there");
    fs::write(&path, &text[..text.len() / 2]).expect("written");
    assert!(matches!(file::load(&path), Err(file::KeyringFileError::Refused { .. })));
    fs::write(&path, "").expect("written");
    assert!(matches!(file::load(&path), Err(file::KeyringFileError::Refused { .. })));
}

#[test]
fn an_end_of_a_key_is_kept_with_it() {
    let maker = Maker::new();
    let mut key = maker.public("release", Role::Release);
    key.not_after = Some(time("2027-01-01T00:00:00Z"));
    let mut draft = Draft::first();
    draft.add(maker.public("root", Role::Root)).expect("added");
    draft.add(key.clone()).expect("added");
    assert!(draft.clone().add(key.clone()).is_err(), "each key is there once");
    draft.sign(&maker.signing("root"));
    let keyring = draft.finish().expect("made");
    let again = Keyring::parse(keyring.to_text().as_bytes()).expect("read");
    assert_eq!(again.keys()[1], key);
}

#[test]
fn the_half_that_signs_is_for_its_owner_alone_and_never_overwritten() {
    let maker = Maker::new();
    let path = maker.path("root.pem");
    let mode = |path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    let before = fs::read(&path).expect("there");
    assert!(matches!(SigningKey::make(&path), Err(SecretError::Write { .. })));
    assert_eq!(fs::read(&path).expect("there"), before);
    for open in [0o640, 0o604, 0o620, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(open)).expect("set");
        assert!(matches!(SigningKey::read(&path), Err(SecretError::Open { .. })), "{open:o}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
    fs::write(&path, "nonsense").expect("written");
    assert!(matches!(SigningKey::read(&path), Err(SecretError::Broken { .. })));
}

#[test]
fn a_key_that_another_program_made_is_read_with_its_public_half() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key.pem");
    // The example of RFC 8410, section 10.3; its public half is that of 10.1.
    let pem = "-----BEGIN PRIVATE KEY-----\n\
               MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
               -----END PRIVATE KEY-----\n";
    fs::write(&path, pem).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
    let key = SigningKey::read(&path).expect("a key");
    let public = BASE64_STANDARD.encode(key.public().as_bytes());
    assert_eq!(public, "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=");
}
