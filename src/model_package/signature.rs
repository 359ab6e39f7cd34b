//! Signatures: who vouches for which bytes.
//!
//! Every signature (ed25519) is over a line that says what is signed, and then the bytes: what was
//! signed as a keyring is never taken for a manifest. A list of signatures has one text, byte for
//! byte, so that nothing can be hidden in it.

use base64::prelude::{BASE64_STANDARD, Engine};
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use super::keys::{KeyId, PublicKey};
use super::refusal::Refusal;

/// Name of the signatures in every package.
pub const SIGNATURES: &str = "manifest.sig";

/// Signatures of one package or keyring: a change of keys needs two at a time.
pub const SIGNATURES_MAX: usize = 16;

/// Largest list of signatures, bytes; sixteen have less than 4 KB.
pub(super) const SIGNATURES_BYTES_MAX: u64 = 16 * 1024;

/// Bytes of an ed25519 signature.
const SIGNATURE_BYTES: usize = 64;

/// What is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// The bytes of a package's manifest.
    Manifest,
    /// Version and keys of a keyring.
    Keyring,
}

/// One key's word for some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub key: KeyId,
    bytes: [u8; SIGNATURE_BYTES],
}

/// As it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSignature {
    key: String,
    signature: String,
}

impl Signed {
    /// The bytes that are signed for these.
    pub(super) fn message(self, bytes: &[u8]) -> Vec<u8> {
        let line: &[u8] = match self {
            Signed::Manifest => b"standclear-model-v1\n",
            Signed::Keyring => b"standclear-keyring-v1\n",
        };
        [line, bytes].concat()
    }
}

impl Signature {
    pub(super) fn new(key: KeyId, bytes: [u8; SIGNATURE_BYTES]) -> Signature {
        Signature { key, bytes }
    }

    /// Whether this key signed these bytes.
    pub(super) fn holds(&self, what: Signed, bytes: &[u8], public: &PublicKey) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, public.as_bytes());
        key.verify(&what.message(bytes), &self.bytes).is_ok()
    }

    pub(super) fn raw(&self) -> RawSignature {
        RawSignature { key: self.key.to_string(), signature: BASE64_STANDARD.encode(self.bytes) }
    }
}

impl TryFrom<&RawSignature> for Signature {
    /// What is wrong with it.
    type Error = String;

    fn try_from(raw: &RawSignature) -> Result<Signature, String> {
        let key = KeyId::parse(&raw.key).ok_or("a key's id is 16 digits of 0 to 9 and a to f")?;
        let bytes = BASE64_STANDARD.decode(&raw.signature).ok();
        let bytes = bytes.and_then(|bytes| <[u8; SIGNATURE_BYTES]>::try_from(bytes).ok());
        match bytes {
            Some(bytes) => Ok(Signature { key, bytes }),
            None => Err(format!("a signature is {SIGNATURE_BYTES} bytes in base64")),
        }
    }
}

/// The signatures of a keyring or a package, each key once.
pub(super) fn from_raw(raw: &[RawSignature]) -> Result<Vec<Signature>, String> {
    if raw.len() > SIGNATURES_MAX {
        return Err(format!("there are {} signatures; at most {SIGNATURES_MAX}", raw.len()));
    }
    let all: Vec<Signature> = raw.iter().map(Signature::try_from).collect::<Result<_, _>>()?;
    match all.iter().enumerate().find(|(n, one)| all[..*n].iter().any(|o| o.key == one.key)) {
        Some((_, twice)) => Err(format!("the key {} signs twice", twice.key)),
        None => Ok(all),
    }
}

/// Reads `manifest.sig`.
pub(super) fn parse_list(text: &[u8]) -> Result<Vec<Signature>, Refusal> {
    let malformed = |problem: String| Refusal::malformed(SIGNATURES, problem);
    let raw: Vec<RawSignature> =
        serde_json::from_slice(text).map_err(|error| malformed(error.to_string()))?;
    let list = from_raw(&raw).map_err(malformed)?;
    if list_text(&list) != text {
        return Err(malformed("it is not written as the program writes it".to_owned()));
    }
    Ok(list)
}

/// The one text of a list.
pub(super) fn list_text(list: &[Signature]) -> Vec<u8> {
    let lines: Vec<String> = (list.iter())
        .map(|one| {
            let raw = one.raw();
            // Neither holds anything that JSON would escape.
            format!("{{\"key\":\"{}\",\"signature\":\"{}\"}}", raw.key, raw.signature)
        })
        .collect();
    format!("[{}]\n", lines.join(",\n")).into_bytes()
}
