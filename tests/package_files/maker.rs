//! A maker of packages with keys of its own, and tars as no honest program writes them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine};
use jiff::Timestamp;
use ring::signature::Ed25519KeyPair;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use standclear::model_package::WallTime;
use standclear::model_package::keys::{Draft, Key, Keyring, Role, Standing};
use standclear::model_package::refusal::PackageFileError;
use standclear::model_package::secret::SigningKey;
use standclear::model_package::verify::{self, Trust, Verified};
use tar::{EntryType, Header};

/// The time in all tests that do not say otherwise.
pub const NOW: &str = "2026-11-22T08:00:00Z";

/// What the packages hold.
pub const FILES: [(&str, &[u8]); 3] =
    [("model.onnx", b"a model"), ("golden/a.jpg", b"a picture"), ("LICENSE", b"a licence")];

/// Files as they are in a tar: name and bytes.
pub type Parts = Vec<(String, Vec<u8>)>;

pub fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

pub fn now() -> WallTime {
    WallTime::Trusted(time(NOW))
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Somebody with a folder of keys.
pub struct Maker {
    pub folder: tempfile::TempDir,
}

impl Maker {
    /// With a root key `root` and a release key `release`.
    pub fn new() -> Maker {
        let maker = Maker { folder: tempfile::tempdir().expect("a folder") };
        maker.key("root");
        maker.key("release");
        maker
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a key under a name.
    pub fn key(&self, name: &str) -> SigningKey {
        SigningKey::make(&self.path(&format!("{name}.pem"))).expect("a new key")
    }

    pub fn signing(&self, name: &str) -> SigningKey {
        SigningKey::read(&self.path(&format!("{name}.pem"))).expect("a key")
    }

    /// The key under a name, as it stands in a keyring.
    pub fn public(&self, name: &str, role: Role) -> Key {
        let public = self.signing(name).public();
        Key { public, role, standing: Standing::Valid, not_after: None, name: name.to_owned() }
    }

    /// Version 1, with both keys.
    pub fn keyring(&self) -> Keyring {
        let mut draft = Draft::first();
        draft.add(self.public("root", Role::Root)).expect("a root key");
        draft.add(self.public("release", Role::Release)).expect("a release key");
        draft.sign(&self.signing("root"));
        draft.finish().expect("a keyring")
    }

    /// `manifest.sig` for these bytes: made here, from the description of the format alone.
    pub fn signatures(&self, names: &[&str], manifest: &[u8]) -> Vec<u8> {
        let message = [b"standclear-model-v1\n", manifest].concat();
        let lines: Vec<String> = names.iter().map(|name| self.signature(name, &message)).collect();
        format!("[{}]\n", lines.join(",\n")).into_bytes()
    }

    /// One key's word for any bytes, as it stands in `manifest.sig`.
    pub fn signature(&self, name: &str, message: &[u8]) -> String {
        let pem = fs::read(self.path(&format!("{name}.pem"))).expect("a key");
        let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).expect("PEM");
        let pair = Ed25519KeyPair::from_pkcs8(der.secret_pkcs8_der()).expect("an ed25519 key");
        let signed = pair.sign(message);
        format!(
            "{{\"key\":\"{}\",\"signature\":\"{}\"}}",
            self.signing(name).id(),
            BASE64_STANDARD.encode(signed)
        )
    }

    /// The files of a package with this manifest, signed by the release key.
    pub fn parts(&self, manifest: &Value) -> Parts {
        self.signed_by(&["release"], manifest)
    }

    pub fn signed_by(&self, names: &[&str], manifest: &Value) -> Parts {
        let manifest = manifest.to_string().into_bytes();
        let signatures = self.signatures(names, &manifest);
        let mut parts =
            vec![("manifest.json".to_owned(), manifest), ("manifest.sig".to_owned(), signatures)];
        parts.extend(FILES.map(|(name, bytes)| (name.to_owned(), bytes.to_vec())));
        parts
    }

    /// A whole package.
    pub fn package(&self) -> Vec<u8> {
        tar_of(&self.parts(&manifest()))
    }
}

/// The manifest of `FILES`.
pub fn manifest() -> Value {
    let named = |n: usize| {
        let (name, bytes) = FILES[n];
        json!({ "file": name, "sha256": sha256(bytes), "bytes": bytes.len() })
    };
    let mut float = named(0);
    float["activations"] = json!("f32");
    json!({
        "schema": 2, "name": "people", "version": "1.0.0", "release": 7, "licence": "MIT",
        "variants": [float], "golden": [named(1)], "files": [named(2)],
    })
}

/// The manifest with one member changed.
pub fn manifest_with(change: impl FnOnce(&mut Value)) -> Value {
    let mut manifest = manifest();
    change(&mut manifest);
    manifest
}

/// A header as the program writes it, but for what a test changes.
pub fn header(name: &[u8], bytes: u64, kind: EntryType) -> Header {
    let mut header = Header::new_ustar();
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_size(bytes);
    header.set_entry_type(kind);
    header.set_cksum();
    header
}

/// One file with its header and what fills it up.
pub fn entry(header: &Header, bytes: &[u8]) -> Vec<u8> {
    let mut all = header.as_bytes().to_vec();
    all.extend_from_slice(bytes);
    all.resize(all.len().next_multiple_of(512), 0);
    all
}

pub fn file(name: &str, bytes: &[u8]) -> Vec<u8> {
    entry(&header(name.as_bytes(), bytes.len() as u64, EntryType::Regular), bytes)
}

/// Without its end.
pub fn open_tar_of(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
    parts.iter().flat_map(|(name, bytes)| file(name, bytes)).collect()
}

pub fn tar_of(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
    ended(open_tar_of(parts))
}

pub fn ended(mut tar: Vec<u8>) -> Vec<u8> {
    tar.resize(tar.len() + 1024, 0);
    tar
}

/// What was handed on, by name.
pub type Taken = BTreeMap<String, Vec<u8>>;

/// Verifies a package as the box does, and gives what was handed on until then.
pub fn verify(package: &[u8], trust: &Trust<'_>) -> (Result<Verified, PackageFileError>, Taken) {
    let mut taken = Taken::new();
    let verified = verify::open(package, trust).and_then(|opened| {
        opened.unpack(&mut |name, bytes| {
            taken.insert(name.as_str().to_owned(), bytes.to_vec());
            Ok(())
        })
    });
    (verified, taken)
}

/// The refusal's name.
#[track_caller]
pub fn code(error: &PackageFileError) -> &'static str {
    match error {
        PackageFileError::Refused(refusal) => refusal.code(),
        PackageFileError::Read(_) | PackageFileError::Keep { .. } => panic!("no refusal: {error}"),
    }
}

/// All files below a folder with their bytes.
pub fn snapshot(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                found.insert(path.clone(), Vec::new());
                folders.push(path);
            } else {
                found.insert(path.clone(), fs::read(&path).expect("readable"));
            }
        }
    }
    found
}
