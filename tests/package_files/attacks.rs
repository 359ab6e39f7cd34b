//! Every attack is refused, by its name, before anything of it is used.

use std::io::{self, Read};

use serde_json::{Value, json};
use standclear::model_package::WallTime;
use standclear::model_package::keys::{Draft, Keyring, Role};
use standclear::model_package::verify::{self, Trust};
use tar::EntryType;

use super::maker::{
    FILES, Maker, Parts, code, ended, entry, header, manifest, manifest_with, now, open_tar_of,
    sha256, tar_of, time, verify,
};

/// The refusal of a package, by its name, and whether any file had been handed on by then.
fn refusal(package: &[u8], trust: &Trust<'_>) -> (&'static str, bool) {
    let (verified, taken) = verify(package, trust);
    let error = verified.expect_err("must be refused");
    (code(&error), taken.len() > 2)
}

#[test]
fn a_whole_package_is_handed_on_byte_for_byte_with_its_signer_and_its_digest() {
    let maker = Maker::new();
    let keyring = maker.keyring();
    let trust = Trust { keyring: &keyring, floor: 7, time: now() };
    let parts = maker.parts(&manifest());
    let (verified, taken) = verify(&tar_of(&parts), &trust);
    let verified = verified.expect("taken");
    assert_eq!(taken, parts.iter().cloned().collect());
    assert_eq!(verified.digest(), sha256(&parts[0].1));
    assert_eq!(verified.signer().key, maker.signing("release").id());
    assert_eq!((verified.contents().release(), verified.told().len()), (7, 0));
}

/// A manifest that names one more file like this.
fn naming(name: &str) -> Value {
    manifest_with(|manifest| {
        let file = json!({ "file": name, "sha256": sha256(b"x"), "bytes": 1 });
        manifest["files"].as_array_mut().expect("a list").push(file);
    })
}

#[test]
fn whoever_signed_it_a_manifest_names_only_what_can_lie_in_a_package() {
    let maker = Maker::new();
    let keyring = maker.keyring();
    let trust = Trust { keyring: &keyring, floor: 0, time: now() };
    let set = |at: &'static str, value: Value| manifest_with(move |all| all[at] = value);
    let many: Vec<Value> = (0..300)
        .map(|n| json!({ "file": format!("f{n}"), "sha256": sha256(b"x"), "bytes": 1 }))
        .collect();
    for (manifest, expected) in [
        (naming("../../etc/passwd"), "path_traversal"),
        (naming("/etc/passwd"), "path_traversal"),
        (naming("golden/../../x"), "path_traversal"),
        (naming("model.onnx"), "name_collision"),
        (naming("MODEL.onnx"), "name_collision"),
        (naming("Manifest.json"), "name_collision"),
        (naming("manifest.sig"), "name_collision"),
        (naming("manifest.json/x"), "name_collision"),
        (naming("golden"), "name_collision"),
        (naming("Golden"), "name_collision"),
        (naming("LICENSE/x"), "name_collision"),
        (naming("x\u{202e}gpj.exe"), "malformed"),
        (naming(&"a".repeat(150)), "malformed"),
        (set("files", Value::Array(many)), "endless_data"),
        (manifest_with(|all| all["variants"][0]["bytes"] = json!(u64::MAX)), "endless_data"),
        (manifest_with(|all| all["variants"][0]["bytes"] = json!(10_u64 << 30)), "endless_data"),
        (manifest_with(|all| all["variants"][0]["bytes"] = Value::Null), "malformed"),
        (manifest_with(|all| all["golden"][0]["sha256"] = json!("00")), "malformed"),
        (set("schema", json!(1)), "wrong_schema"),
        (set("schema", json!(3)), "wrong_schema"),
        (set("release", Value::Null), "malformed"),
        (set("release", json!(-1)), "malformed"),
        (set("release", json!(0)), "malformed"),
        (set("release", json!(u64::MAX)), "malformed"),
        (set("name", json!("../people")), "malformed"),
        (set("version", json!("1.0\n")), "malformed"),
        (set("not_after", json!("soon")), "malformed"),
        (json!([]), "malformed"),
    ] {
        let told = refusal(&tar_of(&maker.parts(&manifest)), &trust);
        assert_eq!(told, (expected, false), "{manifest:.200}");
    }
}

/// The honest files with one change.
fn parts_with(maker: &Maker, change: impl FnOnce(&mut Parts)) -> Vec<u8> {
    let mut parts = maker.parts(&manifest());
    change(&mut parts);
    tar_of(&parts)
}

#[test]
fn files_that_are_not_those_that_were_signed_are_refused_by_the_name_of_the_attack() {
    let maker = Maker::new();
    let keyring = maker.keyring();
    let trust = Trust { keyring: &keyring, floor: 0, time: now() };
    let more = |name: &str| {
        let name = name.to_owned();
        parts_with(&maker, |parts| parts.push((name, b"more".to_vec())))
    };
    for (what, package, expected) in [
        ("blob", parts_with(&maker, |parts| parts[2].1 = b"A model".to_vec()), "swapped_file"),
        ("shorter", parts_with(&maker, |parts| parts[2].1 = b"a".to_vec()), "swapped_file"),
        ("longer", parts_with(&maker, |parts| parts[2].1 = vec![0; 99]), "endless_data"),
        ("exchanged", parts_with(&maker, |parts| parts.swap(2, 3)), "none"),
        ("renamed", parts_with(&maker, |parts| parts[2].0 = "m.onnx".into()), "not_named"),
        ("lacking", parts_with(&maker, |parts| drop(parts.pop())), "missing"),
        ("stranger", more("start.sh"), "not_named"),
        ("twice", more("model.onnx"), "name_collision"),
        ("case", more("Model.onnx"), "name_collision"),
        ("manifest twice", more("manifest.json"), "name_collision"),
        ("signatures twice", more("manifest.sig"), "name_collision"),
        ("upwards", more("../model.onnx"), "path_traversal"),
        ("absolute", more("/etc/cron.d/x"), "path_traversal"),
        ("backslash", more("..\\x"), "path_traversal"),
        ("no manifest", parts_with(&maker, |parts| drop(parts.remove(0))), "missing"),
        ("no signatures", parts_with(&maker, |parts| drop(parts.remove(1))), "unsigned"),
        ("nothing", ended(Vec::new()), "missing"),
    ] {
        let (verified, _) = verify(&package, &trust);
        // The order of files is not signed, and does not matter.
        let told = verified.as_ref().map_or_else(code, |_| "none");
        assert_eq!(told, expected, "{what}");
    }
}

#[test]
fn links_devices_and_headers_that_change_what_follows_are_refused() {
    let maker = Maker::new();
    let keyring = maker.keyring();
    let trust = Trust { keyring: &keyring, floor: 0, time: now() };
    let start = open_tar_of(&maker.parts(&manifest())[..2]);
    for kind in b"123456789xgLKSVMAz\x7f".map(EntryType::new) {
        let mut hostile = header(b"model.onnx", 0, kind);
        hostile.as_old_mut().linkname[..11].copy_from_slice(b"/etc/shadow");
        hostile.set_cksum();
        let package = ended([start.clone(), entry(&hostile, b"")].concat());
        assert_eq!(refusal(&package, &trust), ("not_a_regular_file", false), "{kind:?}");
    }
    // A plain file that has a link's target, an owner, rights, or another program's marks.
    let changes: [fn(&mut tar::Header); 5] = [
        |header| header.as_old_mut().linkname[0] = b'/',
        |header| header.set_uid(1000),
        |header| header.set_mode(0o4755),
        |header| header.set_mtime(1),
        |header| header.as_ustar_mut().expect("ustar").magic = *b"ustar ",
    ];
    for (n, change) in changes.into_iter().enumerate() {
        let mut hostile = header(b"model.onnx", 7, EntryType::Regular);
        change(&mut hostile);
        hostile.set_cksum();
        let package = ended([start.clone(), entry(&hostile, FILES[0].1)].concat());
        assert_eq!(refusal(&package, &trust), ("malformed", false), "{n}");
    }
}

/// Counts what is read.
struct Counted<R> {
    inner: R,
    bytes: usize,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.bytes += read;
        Ok(read)
    }
}

/// What a package costs that goes on for ever with `pattern`.
fn endless(start: &[u8], pattern: u8, trust: &Trust<'_>) -> (&'static str, usize, usize) {
    let mut source = Counted { inner: start.chain(io::repeat(pattern)), bytes: 0 };
    let mut taken = 0;
    let verified = verify::open(&mut source, trust).and_then(|opened| {
        opened.unpack(&mut |_, bytes| {
            taken += bytes.len();
            Ok(())
        })
    });
    (code(&verified.expect_err("must be refused")), source.bytes - start.len(), taken)
}

#[test]
fn a_bomb_is_refused_by_its_header_and_nothing_of_it_is_read_or_handed_on() {
    let maker = Maker::new();
    let keyring = maker.keyring();
    let trust = Trust { keyring: &keyring, floor: 0, time: now() };
    let alone = open_tar_of(&maker.parts(&manifest())[..1]);
    let signed = open_tar_of(&maker.parts(&manifest())[..2]);
    let small: usize = maker.parts(&manifest())[..2].iter().map(|(_, bytes)| bytes.len()).sum();
    let plain = |name: &[u8], bytes| header(name, bytes, EntryType::Regular).as_bytes().to_vec();
    let ten_gb = 10_u64 << 30;
    for (what, start) in [
        ("file", [signed.clone(), plain(b"model.onnx", ten_gb)].concat()),
        ("file within the limit", [signed.clone(), plain(b"model.onnx", 1 << 28)].concat()),
        ("size of all bits", [signed.clone(), plain(b"model.onnx", u64::MAX)].concat()),
        ("manifest", plain(b"manifest.json", ten_gb)),
        ("manifest within the limit", plain(b"manifest.json", 1 << 28)),
        ("signatures", [alone, plain(b"manifest.sig", ten_gb)].concat()),
        ("more after the end", maker.package()),
    ] {
        let (code, read, taken) = endless(&start, 0, &trust);
        assert_eq!(code, "endless_data", "{what}");
        assert!(read <= 1, "{what}: {read} bytes were read");
        let whole: usize = FILES.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(taken <= small + whole, "{what}: {taken} bytes were handed on");
    }
    // A sparse file: its header alone says how much it would become.
    let mut sparse = tar::Header::new_gnu();
    sparse.as_old_mut().name[..10].copy_from_slice(b"model.onnx");
    sparse.set_entry_type(EntryType::GNUSparse);
    sparse.set_size(512);
    sparse.as_gnu_mut().expect("gnu").set_real_size(ten_gb);
    sparse.set_cksum();
    let start = [signed, sparse.as_bytes().to_vec()].concat();
    assert_eq!(endless(&start, b'x', &trust), ("not_a_regular_file", 0, small));
}

#[test]
fn noise_without_end_costs_a_header() {
    let maker = Maker::new();
    let keyring = maker.keyring();
    let trust = Trust { keyring: &keyring, floor: 0, time: now() };
    for pattern in [0, b'x', 0xff] {
        let (_, read, taken) = endless(b"", pattern, &trust);
        assert!(read <= 2 * 512 + 1 && taken == 0, "{pattern}: {read} read, {taken} taken");
    }
}

/// Gives the honest start, and other bytes once somebody exchanged the stick's file.
struct Exchanged<'a> {
    first: &'a [u8],
    then: &'a [u8],
    at: usize,
    /// Where the exchange happens.
    turn: usize,
}

impl Read for Exchanged<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let source = if self.at < self.turn { &self.first[..self.turn] } else { self.then };
        let read = (&source[self.at..]).read(into)?;
        self.at += read;
        Ok(read)
    }
}

#[test]
fn a_blob_that_is_swapped_after_the_signature_was_seen_is_refused_wherever_it_is_swapped() {
    let maker = Maker::new();
    let keyring = maker.keyring();
    let trust = Trust { keyring: &keyring, floor: 0, time: now() };
    let first = maker.package();
    let then = parts_with(&maker, |parts| parts[2].1 = b"A model".to_vec());
    let swapped = first.iter().zip(&then).position(|(a, b)| a != b).expect("they differ");
    for turn in (1..first.len()).step_by(97).chain([swapped, swapped + 1]) {
        let source = Exchanged { first: &first, then: &then, at: 0, turn };
        let mut model = None;
        let verified = verify::open(source, &trust).and_then(|opened| {
            opened.unpack(&mut |name, bytes| {
                if name.as_str() == "model.onnx" {
                    model = Some(bytes.to_vec());
                }
                Ok(())
            })
        });
        match verified {
            // The exchange came too late: what was handed on is what was signed.
            Ok(_) => assert!(turn > swapped && model.as_deref() == Some(FILES[0].1), "{turn}"),
            Err(error) => {
                assert!(turn <= swapped && model.is_none(), "{turn}");
                assert_eq!(code(&error), "swapped_file", "{turn}");
            }
        }
    }
}

/// A keyring with a root key, release keys, one of them revoked and one that is over.
fn varied(maker: &Maker) -> Keyring {
    for name in ["revoked", "over"] {
        maker.key(name);
    }
    let mut draft = Draft::first();
    draft.add(maker.public("root", Role::Root)).expect("added");
    for name in ["release", "revoked", "over"] {
        let mut key = maker.public(name, Role::Release);
        key.not_after = (name == "over").then(|| time("2026-01-01T00:00:00Z"));
        draft.add(key).expect("added");
    }
    draft.revoke(&maker.signing("revoked").id().to_string()).expect("there");
    draft.sign(&maker.signing("root"));
    draft.finish().expect("a keyring")
}

#[test]
fn only_a_valid_release_key_makes_a_package_count_and_no_bad_signature_is_overlooked() {
    let maker = Maker::new();
    let keyring = varied(&maker);
    maker.key("stranger");
    let trust = Trust { keyring: &keyring, floor: 0, time: now() };
    for (names, expected) in [
        (vec![], "unsigned"),
        (vec!["stranger"], "unknown_key"),
        (vec!["root"], "wrong_role"),
        (vec!["revoked"], "revoked_key"),
        (vec!["over"], "expired_key"),
        (vec!["stranger", "revoked"], "revoked_key"),
        (vec!["root", "over"], "expired_key"),
        (vec!["root", "over", "revoked"], "revoked_key"),
        (vec!["release"], "taken"),
        (vec!["stranger", "root", "revoked", "over", "release"], "taken"),
    ] {
        let package = tar_of(&maker.signed_by(&names, &manifest()));
        let told = verify(&package, &trust).0.as_ref().map_or_else(code, |_| "taken");
        assert_eq!(told, expected, "{names:?}");
    }
    let other = manifest_with(|all| all["release"] = json!(8)).to_string().into_bytes();
    let both = [
        maker.signatures(&["revoked"], &other),
        maker.signatures(&["release"], &maker.parts(&manifest())[0].1),
    ];
    let [wrong, right] = both.map(|list| String::from_utf8(list).expect("text"));
    let mixed = format!("{},\n{}", wrong.trim_end_matches("]\n"), &right[1..]);
    let package = parts_with(&maker, |parts| parts[1].1 = mixed.into_bytes());
    assert_eq!(refusal(&package, &trust), ("bad_signature", false));
    // The manifest of one package with the signatures of another.
    let package = parts_with(&maker, |parts| parts[0].1 = other);
    assert_eq!(refusal(&package, &trust), ("bad_signature", false));
    // A key of somebody else under the id of one that counts.
    let id = maker.signing("release").id().to_string();
    let forged = maker.signatures(&["stranger"], &maker.parts(&manifest())[0].1);
    let forged = String::from_utf8(forged).expect("text");
    let forged = forged.replace(&maker.signing("stranger").id().to_string(), &id);
    let package = parts_with(&maker, |parts| parts[1].1 = forged.into_bytes());
    assert_eq!(refusal(&package, &trust), ("bad_signature", false));
}

#[test]
fn what_was_signed_as_something_else_is_not_signed_as_a_manifest() {
    let maker = Maker::new();
    let keyring = maker.keyring();
    let trust = Trust { keyring: &keyring, floor: 0, time: now() };
    let manifest = maker.parts(&manifest())[0].1.clone();
    for (line, expected) in [
        ("standclear-model-v1\n", "taken"),
        ("standclear-keyring-v1\n", "bad_signature"),
        ("standclear-model-v1", "bad_signature"),
        ("", "bad_signature"),
    ] {
        let signature = maker.signature("release", &[line.as_bytes(), &manifest].concat());
        let list = format!("[{signature}]\n").into_bytes();
        let package = parts_with(&maker, |parts| parts[1].1 = list);
        let told = verify(&package, &trust).0.as_ref().map_or_else(code, |_| "taken");
        assert_eq!(told, expected, "{line:?}");
    }
}

#[test]
fn an_old_package_is_refused_as_a_rollback_however_well_it_is_signed() {
    let maker = Maker::new();
    let keyring = maker.keyring();
    let package = maker.package();
    for (floor, expected) in [(0, "taken"), (7, "taken"), (8, "rollback"), (u64::MAX, "rollback")] {
        let trust = Trust { keyring: &keyring, floor, time: now() };
        let (verified, taken) = verify(&package, &trust);
        assert_eq!(verified.as_ref().map_or_else(code, |_| "taken"), expected, "{floor}");
        assert_eq!(taken.is_empty(), verified.is_err(), "nothing of it is handed on");
    }
}

#[test]
fn what_is_over_is_refused_by_a_clock_that_is_trusted_and_told_by_one_that_is_not() {
    let maker = Maker::new();
    let keyring = varied(&maker);
    let manifest = manifest_with(|all| all["not_after"] = json!("2026-12-01T00:00:00Z"));
    let fresh = tar_of(&maker.signed_by(&["release"], &manifest));
    let by_old_key = tar_of(&maker.signed_by(&["over"], &manifest));
    let on = |at: &str| time(at);
    for (package, time, expected, told) in [
        (&fresh, WallTime::Trusted(on("2026-12-01T00:00:00Z")), "taken", vec![]),
        (&fresh, WallTime::Trusted(on("2026-12-01T00:00:01Z")), "freeze", vec![]),
        (&fresh, WallTime::Trusted(on("2016-11-22T00:00:00Z")), "taken", vec![]),
        (&fresh, WallTime::Trusted(on("2036-11-22T00:00:00Z")), "freeze", vec![]),
        (&fresh, WallTime::Doubted(on("2016-11-22T00:00:00Z")), "taken", vec![]),
        (&fresh, WallTime::Doubted(on("2036-11-22T00:00:00Z")), "taken", vec!["freeze"]),
        (&by_old_key, WallTime::Trusted(on("2026-11-22T00:00:00Z")), "expired_key", vec![]),
        (
            &by_old_key,
            WallTime::Doubted(on("2036-11-22T00:00:00Z")),
            "taken",
            vec!["expired_key", "freeze"],
        ),
    ] {
        let trust = Trust { keyring: &keyring, floor: 0, time };
        let (verified, _) = verify(package, &trust);
        assert_eq!(verified.as_ref().map_or_else(code, |_| "taken"), expected, "{time:?}");
        let noted: Vec<&str> = verified
            .iter()
            .flat_map(|verified| verified.told().iter().map(|refusal| refusal.code()))
            .collect();
        assert_eq!(noted, told, "{time:?}");
    }
}

#[test]
fn a_disk_that_takes_no_more_is_no_refusal_and_ends_at_once() {
    let maker = Maker::new();
    let keyring = maker.keyring();
    let trust = Trust { keyring: &keyring, floor: 0, time: now() };
    for full_at in 0..5 {
        let mut calls = 0;
        let package = maker.package();
        let verified = verify::open(&package[..], &trust).and_then(|opened| {
            opened.unpack(&mut |_, _| {
                calls += 1;
                if calls > full_at { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
            })
        });
        let error = verified.expect_err("not kept").to_string();
        assert!(error.contains("cannot be kept"), "{error}");
        assert_eq!(calls, full_at + 1);
    }
    // A stick that is pulled is none either.
    let package = maker.package();
    for end in [100, 2000, package.len() - 1] {
        let source = package[..end].chain(Pulled);
        let verified =
            verify::open(source, &trust).and_then(|opened| opened.unpack(&mut |_, _| Ok(())));
        let error = verified.expect_err("not read").to_string();
        assert!(error.contains("is the stick"), "{error}");
    }
}

/// A stick that is no longer there.
struct Pulled;

impl Read for Pulled {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("no such device"))
    }
}
