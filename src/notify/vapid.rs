//! The keys by which push services know this box (RFC 8292): made at first need, in the store's
//! folder, for its owner only. Whoever has them can send to the box's handhelds.
//!
//! New keys would cost every subscription, so a file that cannot be read is an error, not a reason
//! to make others.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;

use crate::pem;

/// Name of the file in the store's folder.
pub const FILE_NAME: &str = "push.key";

/// Only for the user the box runs as.
const FILE_MODE: u32 = 0o600;

/// The box's keys for push services.
#[derive(Clone, Debug)]
pub struct VapidKeys {
    /// PKCS#8 in PEM form.
    pem: String,
    public: Vec<u8>,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum VapidError {
    #[error("the keys for push services cannot be read from {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the keys for push services cannot be kept in {path}")]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "{path} holds no keys for push services; put the right file back, or take it away: new \
         keys are made then, and every handheld has to allow notifications again",
        path = .path.display()
    )]
    Broken { path: PathBuf },
    #[error("no keys for push services can be made: there are no random numbers")]
    Random,
}

impl VapidKeys {
    /// The keys in `folder`; made when there are none.
    ///
    /// # Errors
    /// They cannot be read, kept or made.
    pub fn of(folder: &Path) -> Result<VapidKeys, VapidError> {
        let path = folder.join(FILE_NAME);
        match fs::read_to_string(&path) {
            Ok(pem) => VapidKeys::parse(&path, pem),
            Err(error) if error.kind() == io::ErrorKind::NotFound => VapidKeys::make(&path),
            Err(source) => Err(VapidError::Read { path, source }),
        }
    }

    /// The public key as browsers want it: base64url of the uncompressed point.
    pub fn public_base64url(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(&self.public)
    }

    /// PKCS#8 in PEM form.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    fn parse(path: &Path, pem: String) -> Result<VapidKeys, VapidError> {
        let broken = || VapidError::Broken { path: path.to_owned() };
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| broken())?;
        let pair = EcdsaKeyPair::from_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            der.secret_pkcs8_der(),
            &SystemRandom::new(),
        )
        .map_err(|_rejected| broken())?;
        Ok(VapidKeys { public: pair.public_key().as_ref().to_vec(), pem })
    }

    fn make(path: &Path) -> Result<VapidKeys, VapidError> {
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
            .map_err(|_unspecified| VapidError::Random)?;
        let keys = VapidKeys::parse(path, pem::private_key(der.as_ref()))?;
        keep(path, keys.pem.as_bytes())
            .map_err(|source| VapidError::Write { path: path.to_owned(), source })?;
        Ok(keys)
    }
}

/// Under another name first, so that a power cut leaves the whole file or none.
#[expect(clippy::disallowed_methods, reason = "the folder is synced after the rename")]
fn keep(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};

    use super::*;

    #[test]
    fn keys_are_made_once_for_their_owner_only_and_a_broken_file_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = VapidKeys::of(folder.path()).expect("made");
        let path = folder.path().join(FILE_NAME);
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, FILE_MODE);
        let again = VapidKeys::of(folder.path()).expect("read");
        assert_eq!(again.public_base64url(), first.public_base64url());
        // 65 bytes, the first of which says that the point is uncompressed.
        assert_eq!((first.public_base64url().len(), first.public[0]), (87, 4));
        fs::write(&path, "nonsense").expect("written");
        assert!(matches!(VapidKeys::of(folder.path()), Err(VapidError::Broken { .. })));
        assert_eq!(fs::read_to_string(&path).expect("there"), "nonsense");
    }
    #[test]
    fn base64_is_that_of_the_rfc() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(BASE64_STANDARD.encode(bytes.as_bytes()), text);
        }
        assert_eq!(BASE64_URL_SAFE.encode([0xfb, 0xff]), "-_8=");
    }
}
