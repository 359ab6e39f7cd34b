//! Passwords: which are taken, what is kept of them, and whether one is right.
//!
//! argon2id with 19 MiB, two passes, one lane: the OWASP Password Storage Cheat Sheet's setting.
//! It takes some 20 ms and 19 MiB each time; whoever calls bounds how often at once.

use argon2::password_hash::{PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};

use super::secret::{self, NoRandom};

/// Shortest password, characters. NIST SP 800-63B asks for 8 at least.
pub const PASSWORD_CHARS_MIN: usize = 10;

/// Longest password, bytes: a sentence; beyond it somebody only wants to keep the box busy.
pub const PASSWORD_BYTES_MAX: usize = 256;

/// KiB, passes, lanes: OWASP Password Storage Cheat Sheet, argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What a password has to be; the sentence for whoever chose another.
pub const RIGHT_PASSWORD: &str =
    "at least 10 characters, at most 256 bytes, and not the name of the person";

/// Why there is no hash.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    #[error(transparent)]
    NoRandom(#[from] NoRandom),
    #[error("the password could not be hashed: {0}")]
    Argon(argon2::password_hash::Error),
}

/// Whether a person of this name may choose this password.
pub fn is_fit(password: &str, name: &str) -> bool {
    password.chars().count() >= PASSWORD_CHARS_MIN
        && password.len() <= PASSWORD_BYTES_MAX
        && password.trim().to_lowercase() != name.trim().to_lowercase()
}

/// What is kept of a password, as a PHC string. Slow and large on purpose.
pub fn hash(password: &str) -> Result<String, HashError> {
    let salt = SaltString::encode_b64(&secret::salt()?).map_err(HashError::Argon)?;
    let hash = argon().and_then(|argon| {
        argon.hash_password(password.as_bytes(), &salt).map(|hash| hash.to_string())
    });
    hash.map_err(HashError::Argon)
}

/// Whether this is the password. As slow as `hash`, whatever the answer.
pub fn is_right(password: &str, kept: &str) -> bool {
    match PasswordHash::new(kept) {
        Ok(kept) => {
            argon().and_then(|argon| argon.verify_password(password.as_bytes(), &kept)).is_ok()
        }
        Err(error) => {
            tracing::error!(%error, "what the store keeps of a password cannot be read");
            false
        }
    }
}

fn argon() -> Result<Argon2<'static>, argon2::password_hash::Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_right_or_not_and_kept_as_owasp_says() {
        let kept = hash("correct horse battery").expect("hashed");
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(is_right("correct horse battery", &kept));
        assert!(!is_right("correct horse batterz", &kept));
        assert!(!is_right("", &kept));
        assert!(!is_right("correct horse battery", "nonsense"));
        assert_ne!(hash("correct horse battery").expect("hashed"), kept, "salted");
    }

    #[test]
    fn short_long_and_obvious_passwords_are_refused() {
        assert!(is_fit("0123456789", "Eva"));
        assert!(is_fit("ěščřžýáíéú", "Eva"));
        assert!(is_fit(&"x".repeat(256), "Eva"));
        assert!(!is_fit("012345678", "Eva"));
        assert!(!is_fit(&"x".repeat(257), "Eva"));
        assert!(!is_fit("EVA NOVÁKOVÁ", "Eva Nováková"));
    }
}
