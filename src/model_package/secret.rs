//! The half of a key that signs: a file for its owner only, made once and never overwritten.
//!
//! PKCS#8 in PEM form, so that keys made elsewhere (`openssl genpkey -algorithm ed25519`) serve, too.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;

use super::keys::{KeyId, PublicKey};
use super::signature::{Signature, Signed};
use crate::pem;

/// Only for its owner.
const FILE_MODE: u32 = 0o600;

/// Rights that nobody but the owner may have.
const OTHERS_MASK: u32 = 0o077;

/// Largest key file read, bytes: they have 120 to 250.
const FILE_BYTES_MAX: u64 = 8 * 1024;

/// A key that signs.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("the key {path} cannot be read", path = .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "others than its owner may read the key {path}; if nobody did: `chmod 600 {path}`, else \
         revoke it and make another",
        path = .path.display()
    )]
    Open { path: PathBuf },
    #[error("{path} holds no ed25519 key in PEM form (PKCS#8)", path = .path.display())]
    Broken { path: PathBuf },
    #[error("the key cannot be written to {path}; no key is ever overwritten", path = .path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("no key can be made: there are no random numbers")]
    Random,
}

impl SigningKey {
    /// Makes a key and keeps it in a new file.
    ///
    /// # Errors
    /// The file is there already, or cannot be written.
    pub fn make(path: &Path) -> Result<SigningKey, SecretError> {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map_err(|_unspecified| SecretError::Random)?;
        let key = SigningKey::of_der(der.as_ref()).ok_or(SecretError::Random)?;
        let failed = |source| SecretError::Write { path: path.to_owned(), source };
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(path)
            .map_err(failed)?;
        file.write_all(pem::private_key(der.as_ref()).as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(failed)?;
        Ok(key)
    }

    /// # Errors
    /// It cannot be read, is none, or others may read it.
    pub fn read(path: &Path) -> Result<SigningKey, SecretError> {
        let failed = |source| SecretError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let meta = file.metadata().map_err(failed)?;
        if meta.is_file() && meta.permissions().mode() & OTHERS_MASK != 0 {
            return Err(SecretError::Open { path: path.to_owned() });
        }
        let mut text = Vec::new();
        file.take(FILE_BYTES_MAX).read_to_end(&mut text).map_err(failed)?;
        let der = PrivatePkcs8KeyDer::from_pem_slice(&text).ok();
        let key = der.and_then(|der| SigningKey::of_der(der.secret_pkcs8_der()));
        key.ok_or_else(|| SecretError::Broken { path: path.to_owned() })
    }

    pub fn public(&self) -> PublicKey {
        self.public
    }

    pub fn id(&self) -> KeyId {
        self.public.id()
    }

    pub(super) fn sign(&self, what: Signed, bytes: &[u8]) -> Signature {
        let signed = self.pair.sign(&what.message(bytes));
        let bytes = signed.as_ref().try_into().expect("an ed25519 signature has 64 bytes");
        Signature::new(self.id(), bytes)
    }

    /// Keys made elsewhere may lack their public half, which is computed then.
    fn of_der(der: &[u8]) -> Option<SigningKey> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok()?;
        let public = PublicKey::from_bytes(pair.public_key().as_ref())?;
        Some(SigningKey { pair, public })
    }
}
