//! Why a package from outside is not taken: each refusal is named after the attack it stops.
//!
//! A refusal is final for these bytes: the same package is refused again. A stick that cannot be read
//! or a disk that is full is none; see [`PackageFileError`].

use std::io;

use jiff::Timestamp;

use super::keys::{KeyId, Role};

/// Bytes of a name from outside that are repeated in a message.
const SHOWN_BYTES_MAX: usize = 80;

/// What is wrong with a package, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(
        "unsigned: nobody vouches for this package; have it signed by a release key of this box's \
         keyring (`standclear model sign`)"
    )]
    Unsigned,
    #[error(
        "signed by an unknown key ({keys}): the keyring in force (version {version}) does not hold \
         it; trust the maker's newer keyring first, or fetch the package from the right maker"
    )]
    UnknownKey { keys: String, version: u64 },
    #[error(
        "signed by the {role} key {key} ({name}); only release keys sign packages",
        role = .role.name()
    )]
    WrongRole { key: KeyId, name: String, role: Role },
    #[error(
        "signed by the key {key} ({name}), which is revoked; have the package signed by a key that \
         is not"
    )]
    RevokedKey { key: KeyId, name: String },
    #[error(
        "signed by the key {key} ({name}), which signs no longer since {not_after}, and it is \
         {now}; have the package signed by a newer key"
    )]
    ExpiredKey { key: KeyId, name: String, not_after: Timestamp, now: Timestamp },
    #[error(
        "the signature of the key {key} ({name}) does not fit: the manifest or the signature was \
         changed; fetch the package again from its maker"
    )]
    BadSignature { key: KeyId, name: String },
    #[error(
        "{file} is not the file that was signed: {what} {got}, the manifest says {expected}; fetch \
         the package again from its maker"
    )]
    SwappedFile { file: String, what: &'static str, expected: String, got: String },
    #[error(
        "the package is release {release}, and this box takes nothing below release \
         {floor} any more; what stood there before can only come back as the previous model"
    )]
    Rollback { release: u64, floor: u64 },
    #[error(
        "freeze: the package was to be installed until {not_after}, and it is {now}; somebody may be \
         withholding newer ones: fetch the newest"
    )]
    Freeze { not_after: Timestamp, now: Timestamp },
    #[error("{name} leads out of the package; names are plain, with folders parted by one `/`")]
    PathTraversal { name: String },
    #[error("{name} collides with {other}: both would be the same file on some disks")]
    NameCollision { name: String, other: String },
    #[error("{name} is in the package, but the manifest does not name it")]
    NotNamed { name: String },
    #[error("the package lacks {names}; fetch it again")]
    Missing { names: String },
    #[error("{what} would not end: more than {limit} bytes; no more are read")]
    EndlessData { what: String, limit: u64 },
    #[error("{name} is {kind}; a package holds plain files and nothing else")]
    NotARegularFile { name: String, kind: &'static str },
    #[error(
        "the manifest's schema is {schema}; a package that can be installed has schema {expected}, \
         and a newer one needs a newer program"
    )]
    WrongSchema { schema: u32, expected: u32 },
    #[error("{at} is not what a package has there: {problem}")]
    Malformed { at: String, problem: String },
}

/// Why there is no verified package. Nothing of it is to be used, also where some files were taken.
#[derive(Debug, thiserror::Error)]
pub enum PackageFileError {
    #[error("the package is refused ({})", .0.code())]
    Refused(#[from] Refusal),
    #[error("the package cannot be read to its end; is the stick or the line still there?")]
    Read(#[source] io::Error),
    #[error("{name} of the package cannot be kept")]
    Keep {
        name: String,
        #[source]
        source: io::Error,
    },
}

impl Refusal {
    /// The one word for histories and the API.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Unsigned => "unsigned",
            Refusal::UnknownKey { .. } => "unknown_key",
            Refusal::WrongRole { .. } => "wrong_role",
            Refusal::RevokedKey { .. } => "revoked_key",
            Refusal::ExpiredKey { .. } => "expired_key",
            Refusal::BadSignature { .. } => "bad_signature",
            Refusal::SwappedFile { .. } => "swapped_file",
            Refusal::Rollback { .. } => "rollback",
            Refusal::Freeze { .. } => "freeze",
            Refusal::PathTraversal { .. } => "path_traversal",
            Refusal::NameCollision { .. } => "name_collision",
            Refusal::NotNamed { .. } => "not_named",
            Refusal::Missing { .. } => "missing",
            Refusal::EndlessData { .. } => "endless_data",
            Refusal::NotARegularFile { .. } => "not_a_regular_file",
            Refusal::WrongSchema { .. } => "wrong_schema",
            Refusal::Malformed { .. } => "malformed",
        }
    }

    pub(super) fn malformed(at: impl Into<String>, problem: impl Into<String>) -> Refusal {
        Refusal::Malformed { at: at.into(), problem: problem.into() }
    }
}

/// A name from outside as it may stand in a message: short, on one line, nothing that a terminal
/// obeys.
pub(super) fn shown(name: &[u8]) -> String {
    let start = &name[..name.len().min(SHOWN_BYTES_MAX)];
    let more = if start.len() < name.len() { "…" } else { "" };
    format!("`{}{more}`", String::from_utf8_lossy(start).escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_is_shown_on_one_short_line_and_commands_no_terminal() {
        let long = format!("\x1b[2J\nrm -rf{}", "x".repeat(10_000));
        let told = shown(long.as_bytes());
        assert!(told.chars().count() < 2 * SHOWN_BYTES_MAX, "{told}");
        assert!(!told.contains(char::is_control), "{told}");
        assert!(shown(b"a\xff\x00b").starts_with("`a"));
    }
}
