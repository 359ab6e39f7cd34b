//! sha256 as it stands in rows, in manifests, in the audit log and in checksums: hex, lower case.

use std::fs::File;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// Read of a file at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// Two digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn sha256_of(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
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
            0 => return Ok((bytes, hex(&hasher.finalize()))),
            read => {
                hasher.update(&chunk[..read]);
                bytes += read as u64;
            }
        }
    }
}
