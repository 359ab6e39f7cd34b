//! Secrets: random, shown once, and compared without telling how much of a guess was right.
//!
//! Not here: passwords, which people choose.

use sha2::{Digest, Sha256};

use crate::digest::hex;
use crate::store::accounts::SecretDigest;

/// A session's or a token's secret: as many bits as SHA-256 keeps.
const SECRET_BYTES: usize = 32;

/// Letters and digits that nobody mistakes for each other, read aloud or from a screen: 32 of them,
/// five bits each.
const PLAIN_LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Groups of the set-up code: twelve letters, 60 bits. With a try a second, 10^10 years.
const CODE_GROUPS: usize = 3;

/// Groups of a password made by the box: twenty letters, 100 bits.
const PASSWORD_GROUPS: usize = 5;

/// Letters of a group.
const GROUP_LETTERS: usize = 4;

/// Letters of a pairing code.
const PAIRING_LETTERS: usize = 8;

/// Letters of a token's id; it names the token and is no secret.
const ID_LETTERS: usize = 8;

/// The system gives no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random numbers: {0}")]
pub struct NoRandom(getrandom::Error);

/// A new secret, as text without characters that a header or cookie minds.
pub fn secret() -> Result<String, NoRandom> {
    Ok(hex(&random::<SECRET_BYTES>()?))
}

/// A new set-up code, such as `K7QF-2M9X-TR4D`.
pub fn code() -> Result<String, NoRandom> {
    groups(CODE_GROUPS)
}

/// A new pairing code: eight letters, 40 bits, for the minutes it lives and a few tries a minute.
pub fn pairing_code() -> Result<String, NoRandom> {
    letters(PAIRING_LETTERS)
}

/// A new password that a person can type from a screen.
pub fn password() -> Result<String, NoRandom> {
    groups(PASSWORD_GROUPS)
}

/// A new id of a token.
pub fn id() -> Result<String, NoRandom> {
    letters(ID_LETTERS).map(|id| id.to_lowercase())
}

/// What is kept of a secret.
pub fn digest(secret: &str) -> SecretDigest {
    Sha256::digest(secret).into()
}

/// What is kept of a set-up code. People type it in small letters and leave the lines out.
pub fn code_digest(code: &str) -> SecretDigest {
    let letters = code.chars().filter(char::is_ascii_alphanumeric);
    digest(&letters.map(|letter| letter.to_ascii_uppercase()).collect::<String>())
}

/// What a page has to say besides the cookie; whoever has the cookie's secret can compute it, and
/// nobody else.
pub fn csrf(session_secret: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(b"standclear csrf\0");
    hasher.update(session_secret);
    hex(&hasher.finalize())
}

/// Whether two digests are one, in the same time whatever they are.
pub fn same(one: &SecretDigest, other: &SecretDigest) -> bool {
    let different = one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b));
    std::hint::black_box(different) == 0
}

/// Whether two texts are one, in a time that tells nothing of where they differ.
pub fn same_text(one: &str, other: &str) -> bool {
    same(&digest(one), &digest(other))
}

/// Eight bytes of salt are enough; sixteen are what argon2 recommends.
pub fn salt() -> Result<[u8; 16], NoRandom> {
    random()
}

fn groups(count: usize) -> Result<String, NoRandom> {
    let groups: Result<Vec<String>, NoRandom> =
        (0..count).map(|_| letters(GROUP_LETTERS)).collect();
    Ok(groups?.join("-"))
}

fn letters(count: usize) -> Result<String, NoRandom> {
    let bytes = random::<SECRET_BYTES>()?;
    // 256 is a multiple of 32: every letter is as likely as the next.
    let letter = |byte: &u8| char::from(PLAIN_LETTERS[usize::from(byte % 32)]);
    Ok(bytes.iter().take(count).map(letter).collect())
}

/// Bytes nobody can guess.
pub fn random<const N: usize>() -> Result<[u8; N], NoRandom> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(NoRandom)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_taken_as_people_type_it() {
        let code = code().expect("random");
        assert_eq!(code.len(), 14, "{code}");
        let typed = code.to_lowercase().replace('-', " ");
        assert_eq!(code_digest(&code), code_digest(&typed));
        assert_ne!(code_digest(&code), code_digest(&code[1..]));
    }

    #[test]
    fn secrets_differ_and_what_is_kept_of_them_is_not_them() {
        let (one, other) = (secret().expect("random"), secret().expect("random"));
        assert_eq!(one.len(), 2 * SECRET_BYTES);
        assert_ne!(one, other);
        assert!(same(&digest(&one), &digest(&one)) && !same(&digest(&one), &digest(&other)));
        assert_ne!(csrf(&one), csrf(&other));
        assert_ne!(csrf(&one), hex(&digest(&one)), "the store's digest is no key to the page");
    }
}
