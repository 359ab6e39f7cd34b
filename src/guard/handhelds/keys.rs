//! What a device proves itself by: a signature over something nobody has signed before.
//!
//! ECDSA with P-256 and SHA-256 in the form browsers give it (IEEE P1363: r and s, 32 bytes each).
//! The text that is signed names its purpose, this box and this device, so that a signature made
//! for one connection proves nothing on another.

use ring::agreement::{self, EphemeralPrivateKey};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

/// An uncompressed point: a byte that says so, and two numbers.
const POINT_BYTES: usize = 65;
const UNCOMPRESSED: u8 = 4;

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Whether `signature` (base64url) over `nonce` was made with the other half of `key`.
pub fn proves(key: &[u8], box_id: &str, device: &str, nonce: &str, signature: &str) -> Proof {
    let text = format!("standclear-handheld-1|{box_id}|{device}|{nonce}");
    let Some(signature) = decode(signature) else { return Proof::Bad };
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key);
    match key.verify(text.as_bytes(), &signature) {
        Ok(()) => Proof::Good,
        Err(_unspecified) => Proof::Bad,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    Good,
    Bad,
}

/// The bytes of a public key that is a point of the curve.
pub fn public_key(text: &str) -> Option<Vec<u8>> {
    let bytes = decode(text)?;
    if bytes.len() != POINT_BYTES || bytes[0] != UNCOMPRESSED {
        return None;
    }
    // Agreeing on a key with it looks whether it is one; the key is thrown away.
    let mine = EphemeralPrivateKey::generate(&agreement::ECDH_P256, &SystemRandom::new()).ok()?;
    let theirs = agreement::UnparsedPublicKey::new(&agreement::ECDH_P256, &bytes);
    agreement::agree_ephemeral(mine, &theirs, |_agreed| ()).ok()?;
    Some(bytes)
}

/// base64url without padding.
pub fn encode(bytes: &[u8]) -> String {
    let letter = |six: u32| char::from(LETTERS[(six & 63) as usize]);
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let all = byte(0) << 16 | byte(1) << 8 | byte(2);
        let letters = [letter(all >> 18), letter(all >> 12), letter(all >> 6), letter(all)];
        text.extend(&letters[..=three.len()]);
    }
    text
}

/// The bytes of a base64url text; padding is allowed.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let letters = text.trim_end_matches('=').as_bytes();
    let mut bytes = Vec::with_capacity(letters.len() / 4 * 3 + 2);
    for four in letters.chunks(4) {
        if four.len() == 1 {
            return None;
        }
        let mut all: u32 = 0;
        for at in 0..4 {
            let six = match four.get(at) {
                Some(letter) => LETTERS.iter().position(|known| known == letter)?,
                None => 0,
            };
            // Below 64.
            all = all << 6 | six as u32;
        }
        let three = all.to_be_bytes();
        bytes.extend(&three[1..four.len()]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

    use super::*;

    #[test]
    fn what_was_encoded_comes_back_and_what_was_not_is_refused() {
        for length in 0..70 {
            let bytes: Vec<u8> = (0..length).map(|n| (n * 37 + 251) as u8).collect();
            assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
        assert_eq!(encode(&[0xFB, 0xFF]), "-_8");
        assert_eq!(decode("-_8="), Some(vec![0xFB, 0xFF]));
        for wrong in ["a", "ab+c", "ab/c", "ab c", "aaaaa"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_proof_is_of_one_key_one_box_one_device_and_one_nonce() {
        let random = SystemRandom::new();
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random)
                .expect("a key");
        let key = public_key(&encode(pair.public_key().as_ref())).expect("a point");
        let text = b"standclear-handheld-1|box|phone|once";
        let signature = encode(pair.sign(&random, text).expect("signed").as_ref());
        assert_eq!(proves(&key, "box", "phone", "once", &signature), Proof::Good);
        for (of_box, device, nonce) in
            [("xob", "phone", "once"), ("box", "other", "once"), ("box", "phone", "twice")]
        {
            assert_eq!(proves(&key, of_box, device, nonce, &signature), Proof::Bad);
        }
        assert_eq!(proves(&key, "box", "phone", "once", "AAAA"), Proof::Bad);
        let mut off_the_curve = key.clone();
        off_the_curve[64] ^= 1;
        assert_eq!(public_key(&encode(&off_the_curve)), None);
        assert_eq!(public_key(&encode(&key[..64])), None);
    }
}
