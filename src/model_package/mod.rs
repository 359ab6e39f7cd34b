//! Model packages as files and bytes: read, checked, hashed, signed and written, without a C library.
//!
//! ```text
//! fetch (HTTP), carried (a stick) ──bytes, once──> archive ──> verify ──verified bytes──> whoever keeps them
//!                      keys: whose word counts ──> signature ──┘  │
//!                      manifest: which files, which sha256 ───────┘      refusal: why not
//! pack, secret: making and signing a package      folder: a package that lies unpacked
//! ```
//!
//! Terms: a **package** is one file, `NAME-VERSION.standclear-model`, a plain tar of `manifest.json`,
//! `manifest.sig` and the files that the manifest names, in headers that this program would write:
//! any bit that is changed anywhere is found. Its **digest** is the sha256 of `manifest.json`, which
//! names every other file's. The **release** counts up from package to package; what is below the
//! **floor** is not taken.
//!
//! Nobody is believed before their signature is, and a package is read once: the bytes that were
//! verified are the bytes that are handed on. What is read and held is bounded by limits of this
//! module before the signature was seen, and by what a trusted key signed after that.
//!
//! Not here: where packages are kept (whoever takes the verified bytes), what is in a manifest for the
//! model's sake, and running it (`vision`).

mod archive;
pub mod carried;
pub mod fetch;
pub mod folder;
pub mod keys;
pub mod manifest;
pub mod name;
pub mod pack;
pub mod refusal;
pub mod secret;
pub mod signature;
pub mod verify;

use jiff::Timestamp;

/// Largest package, bytes. The largest detector that a box of this kind runs in time has 250 MB.
pub const PACKAGE_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Files of a package, manifest and signatures with them.
pub const FILES_MAX: usize = 256;

/// How the names of package files end.
pub const EXTENSION: &str = "standclear-model";

/// The civil time, and whether the box may rely on it. A box without a battery for its clock, and
/// without a network, may be years off: then nothing is refused for its date, but told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WallTime {
    Trusted(Timestamp),
    Doubted(Timestamp),
}

impl WallTime {
    pub fn timestamp(self) -> Timestamp {
        match self {
            WallTime::Trusted(now) | WallTime::Doubted(now) => now,
        }
    }
}
