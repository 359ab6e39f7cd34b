//! sha256 as it stands in rows, in the audit log and in checksums: hex, lower case.

use std::fs::File;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::audit::hex;

/// Read of a file at once.
const CHUNK_BYTES: usize = 256 * 1024;

pub fn sha256_of(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes).into())
}

/// Of the rest of a file, and how many bytes that is.
///
/// # Errors
/// It cannot be read.
pub fn sha256_of_file(file: &mut File) -> io::Result<(u64, String)> {
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut bytes = 0;
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok((bytes, hex(&hasher.finalize().into()))),
            read => {
                hasher.update(&chunk[..read]);
                bytes += read as u64;
            }
        }
    }
}
